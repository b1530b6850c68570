/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sha256 - the hash of FIPS 180-4, to name files by what is in them. No secrets: it takes the time it takes. Pure. */

#include "base/macro.h"

#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES + 1)

struct sha256 {
        uint32_t state[8];
        uint64_t n_bytes;
        uint8_t block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t n);

/* The end; the structure may be used again after sha256_init(). */
void sha256_finish(struct sha256 *sha, uint8_t ret[static SHA256_BYTES]);

/* As people write it: 64 small hexadecimal digits and a NUL. */
void sha256_finish_hex(struct sha256 *sha, char ret[static SHA256_HEX]);

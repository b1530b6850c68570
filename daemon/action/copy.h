/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Copy - bytes from one descriptor to another, and their SHA-256 on the way. Whatever it was that is read is held by
 * the descriptor: a copy can be made by another process, and later. */

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct copy {
        int from, to;                   /* `to` -1: they are only hashed */
        uint64_t max_bytes;             /* more are an error */
};

struct copy_answer {
        int error;                      /* 0; -EFBIG: more than that; or -errno */
        uint64_t n_bytes;
        char sha256[SHA256_HEX];        /* empty if there is an error */
};

void copy_run(const struct copy *copy, struct copy_answer *ret);

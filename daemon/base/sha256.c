/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t right(uint32_t x, unsigned n) {
        return x >> n | x << (32 - n);
}

static void add_block(struct sha256 *sha, const uint8_t *block) {
        uint32_t w[64], s[8];

        for (int i = 0; i < 16; i++)
                w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
        for (int i = 16; i < 64; i++)
                w[i] = w[i - 16] + (right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
                       (right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10);

        memcpy(s, sha->state, sizeof(s));
        for (int i = 0; i < 64; i++) {
                uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
                uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
                uint32_t a = s[7] + (right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)) + choice + constants[i] + w[i];
                uint32_t b = (right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)) + majority;

                memmove(s + 1, s, 7 * sizeof(s[0]));
                s[4] += a;
                s[0] = a + b;
        }
        for (int i = 0; i < 8; i++)
                sha->state[i] += s[i];
}

void sha256_init(struct sha256 *sha) {
        *sha = (struct sha256){
                .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                          0x5be0cd19},
        };
}

void sha256_add(struct sha256 *sha, const void *data, size_t n) {
        const uint8_t *p = data;

        while (n > 0) {
                size_t used = sha->n_bytes % 64, take = MIN(n, 64 - used);

                if (take == 64)
                        add_block(sha, p);
                else {
                        memcpy(sha->block + used, p, take);
                        if (used + take == 64)
                                add_block(sha, sha->block);
                }
                sha->n_bytes += take;
                p += take;
                n -= take;
        }
}

void sha256_finish(struct sha256 *sha, uint8_t ret[static SHA256_BYTES]) {
        uint64_t n_bits = sha->n_bytes * 8;
        uint8_t end[72] = {0x80};
        size_t padding = (119 - sha->n_bytes % 64) % 64 + 1;

        for (int i = 0; i < 8; i++)
                end[padding + (size_t)i] = (uint8_t)(n_bits >> (56 - 8 * i));
        sha256_add(sha, end, padding + 8);
        for (int i = 0; i < 32; i++)
                ret[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_finish_hex(struct sha256 *sha, char ret[static SHA256_HEX]) {
        static const char digits[] = "0123456789abcdef";
        uint8_t bytes[SHA256_BYTES];

        sha256_finish(sha, bytes);
        for (int i = 0; i < SHA256_BYTES; i++) {
                ret[2 * i] = digits[bytes[i] >> 4];
                ret[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret[2 * SHA256_BYTES] = 0;
}

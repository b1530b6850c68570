/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SipHash - keyed hash of bytes that an attacker may have chosen.
 * After Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). SipHash-2-4 in 64 and 128 bits; SipHash-1-3,
 * with fewer rounds, for the inside of hash tables, where the answer is never seen from outside.
 * The same bytes under the same key give the same answer on every machine, whatever its byte order. Does not allocate.
 */

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
        uint64_t k0, k1;
};

struct siphash128 {
        uint64_t low, high;
};

/* A hash under way, for values that lie in several places. Parts are simply joined: "ab","c" and "a","bc" are the same
 * bytes; the caller adds lengths where that matters. */
struct siphash {
        uint64_t v0, v1, v2, v3;
        uint64_t tail;                  /* bytes that do not fill a word yet, lowest first */
        uint64_t length;                /* bytes so far */
};

/* SipHash-2-4 in one call. */
uint64_t siphash64(const void *data, size_t n, const struct siphash_key *key);
struct siphash128 siphash128(const void *data, size_t n, const struct siphash_key *key);

/* SipHash-1-3 in one call, for hash tables. */
uint64_t siphash_table(const void *data, size_t n, const struct siphash_key *key);
uint64_t siphash_table_u64(uint64_t value, const struct siphash_key *key);

/* SipHash-2-4 piece by piece. What was begun for 64 bits ends in 64, what was begun for 128 in 128. */
void siphash_begin64(struct siphash *s, const struct siphash_key *key);
void siphash_begin128(struct siphash *s, const struct siphash_key *key);
void siphash_add(struct siphash *s, const void *data, size_t n);
void siphash_add_u64(struct siphash *s, uint64_t value);
uint64_t siphash_end64(struct siphash *s);
struct siphash128 siphash_end128(struct siphash *s);

/* The secret of this process: drawn from the kernel at first use, the same until exit. */
const struct siphash_key *siphash_process_key(void);

/* Tests show with it that nothing depends on the order inside a hash table. Only before the first table is made. */
void siphash_set_process_key(const struct siphash_key *key);

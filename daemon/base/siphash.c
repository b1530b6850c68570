/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t rotate_left(uint64_t x, unsigned n) {
        return (x << n) | (x >> (64 - n));
}

static inline uint64_t load_le64(const uint8_t *p) {
        uint64_t x;

        memcpy(&x, p, sizeof(x));
        return le64toh(x);
}

static inline void siphash_round(struct siphash *s) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
}

static inline void siphash_word(struct siphash *s, uint64_t word, unsigned rounds) {
        s->v3 ^= word;
        for (unsigned i = 0; i < rounds; i++)
                siphash_round(s);
        s->v0 ^= word;
}

static inline uint64_t siphash_finish(struct siphash *s, unsigned rounds) {
        for (unsigned i = 0; i < rounds; i++)
                siphash_round(s);
        return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The constants spell "somepseudorandomlygeneratedbytes". */
void siphash_begin64(struct siphash *s, const struct siphash_key *key) {
        *s = (struct siphash){
                .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
                .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
                .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
                .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
        };
}

void siphash_begin128(struct siphash *s, const struct siphash_key *key) {
        siphash_begin64(s, key);
        s->v1 ^= 0xee;
}

/* All whole words of the input; what is left over goes to the tail. Inlined once for each number of rounds. */
static inline void siphash_absorb(struct siphash *s, const uint8_t *p, size_t n, unsigned rounds) {
        unsigned filled = s->length & 7;

        s->length += n;

        if (filled > 0) {
                for (; filled < 8 && n > 0; filled++, n--)
                        s->tail |= (uint64_t)*p++ << (8 * filled);
                if (filled < 8)
                        return;
                siphash_word(s, s->tail, rounds);
                s->tail = 0;
        }

        for (; n >= 8; p += 8, n -= 8)
                siphash_word(s, load_le64(p), rounds);

        for (size_t i = 0; i < n; i++)
                s->tail |= (uint64_t)p[i] << (8 * i);
}

static inline void siphash_close(struct siphash *s, unsigned rounds) {
        siphash_word(s, (s->length << 56) | s->tail, rounds);
}

void siphash_add(struct siphash *s, const void *data, size_t n) {
        siphash_absorb(s, data, n, 2);
}

void siphash_add_u64(struct siphash *s, uint64_t value) {
        uint64_t le = htole64(value);

        siphash_absorb(s, (const uint8_t *)&le, sizeof(le), 2);
}

uint64_t siphash_end64(struct siphash *s) {
        siphash_close(s, 2);
        s->v2 ^= 0xff;
        return siphash_finish(s, 4);
}

struct siphash128 siphash_end128(struct siphash *s) {
        struct siphash128 result;

        siphash_close(s, 2);
        s->v2 ^= 0xee;
        result.low = siphash_finish(s, 4);
        s->v1 ^= 0xdd;
        result.high = siphash_finish(s, 4);
        return result;
}

uint64_t siphash64(const void *data, size_t n, const struct siphash_key *key) {
        struct siphash s;

        siphash_begin64(&s, key);
        siphash_absorb(&s, data, n, 2);
        return siphash_end64(&s);
}

struct siphash128 siphash128(const void *data, size_t n, const struct siphash_key *key) {
        struct siphash s;

        siphash_begin128(&s, key);
        siphash_absorb(&s, data, n, 2);
        return siphash_end128(&s);
}

uint64_t siphash_table(const void *data, size_t n, const struct siphash_key *key) {
        struct siphash s;

        siphash_begin64(&s, key);
        siphash_absorb(&s, data, n, 1);
        siphash_close(&s, 1);
        s.v2 ^= 0xff;
        return siphash_finish(&s, 3);
}

uint64_t siphash_table_u64(uint64_t value, const struct siphash_key *key) {
        struct siphash s;

        siphash_begin64(&s, key);
        siphash_word(&s, value, 1);
        siphash_word(&s, UINT64_C(8) << 56, 1);
        s.v2 ^= 0xff;
        return siphash_finish(&s, 3);
}

static struct siphash_key process_key;
static bool process_key_drawn = false;

const struct siphash_key *siphash_process_key(void) {
        if (!process_key_drawn) {
                /* Up to 256 bytes come whole or not at all. It can only fail on a kernel without the call, or in a
                 * sandbox that forbids it; tables then still work, and guessing our layout and start time is some work
                 * at least. */
                if (getrandom(&process_key, sizeof(process_key), 0) != sizeof(process_key)) {
                        process_key.k0 = (uintptr_t)&process_key ^ ((uint64_t)getpid() << 32);
                        process_key.k1 = (uintptr_t)__builtin_frame_address(0) ^ ((uint64_t)time(NULL) << 20);
                }
                process_key_drawn = true;
        }
        return &process_key;
}

void siphash_set_process_key(const struct siphash_key *key) {
        process_key = *key;
        process_key_drawn = true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <string.h>

#include "unit.h"

/* The key 00 01 02 ... 0f of the paper's appendix. */
static const struct siphash_key paper_key = {.k0 = UINT64_C(0x0706050403020100), .k1 = UINT64_C(0x0f0e0d0c0b0a0908)};

static void fill(uint8_t *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                data[i] = i;
}

START_TEST(fifteen_bytes_give_the_hash_printed_in_the_paper) {
        uint8_t data[15];

        fill(data, sizeof(data));
        ck_assert_uint_eq(siphash64(data, sizeof(data), &paper_key), UINT64_C(0xa129ca6149be45e5));
}
END_TEST

START_TEST(nothing_gives_the_published_hashes) {
        struct siphash128 h = siphash128("", 0, &paper_key);

        ck_assert_uint_eq(siphash64("", 0, &paper_key), UINT64_C(0x726fdb47dd0e0e31));
        /* a3817f04ba25a8e6 6df67214c7550293 as bytes */
        ck_assert_uint_eq(h.low, UINT64_C(0xe6a825ba047f81a3));
        ck_assert_uint_eq(h.high, UINT64_C(0x930255c71472f66d));
}
END_TEST

START_TEST(pieces_of_any_size_give_the_hash_of_the_whole) {
        uint8_t data[64];

        fill(data, sizeof(data));
        for (size_t n = 0; n <= sizeof(data); n++)
                for (size_t a = 0; a <= n; a++) {
                        struct siphash128 whole = siphash128(data, n, &paper_key), parts;
                        struct siphash s;

                        siphash_begin128(&s, &paper_key);
                        siphash_add(&s, data, a);
                        siphash_add(&s, data + a, (n - a) / 2);
                        siphash_add(&s, data + a + (n - a) / 2, n - a - (n - a) / 2);
                        parts = siphash_end128(&s);
                        ck_assert_uint_eq(parts.low, whole.low);
                        ck_assert_uint_eq(parts.high, whole.high);

                        siphash_begin64(&s, &paper_key);
                        siphash_add(&s, data, a);
                        siphash_add(&s, data + a, n - a);
                        ck_assert_uint_eq(siphash_end64(&s), siphash64(data, n, &paper_key));
                }
}
END_TEST

START_TEST(a_number_hashes_as_its_eight_bytes) {
        uint8_t bytes[8] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
        uint64_t value = UINT64_C(0x1122334455667788);
        struct siphash s;

        siphash_begin64(&s, &paper_key);
        siphash_add_u64(&s, value);
        ck_assert_uint_eq(siphash_end64(&s), siphash64(bytes, sizeof(bytes), &paper_key));
        ck_assert_uint_eq(siphash_table_u64(value, &paper_key), siphash_table(bytes, sizeof(bytes), &paper_key));
}
END_TEST

START_TEST(another_key_gives_another_hash) {
        struct siphash_key other = paper_key;

        other.k1 ^= 1;
        ck_assert_uint_ne(siphash64("abc", 3, &paper_key), siphash64("abc", 3, &other));
        ck_assert_uint_ne(siphash_table("abc", 3, &paper_key), siphash_table("abc", 3, &other));
}
END_TEST

START_TEST(the_process_key_stays_and_is_not_zero) {
        struct siphash_key first = *siphash_process_key();

        ck_assert(first.k0 != 0 && first.k1 != 0);
        ck_assert_mem_eq(siphash_process_key(), &first, sizeof(first));
}
END_TEST

UNIT_MAIN("base/siphash",
          fifteen_bytes_give_the_hash_printed_in_the_paper,
          nothing_gives_the_published_hashes,
          pieces_of_any_size_give_the_hash_of_the_whole,
          a_number_hashes_as_its_eight_bytes,
          another_key_gives_another_hash,
          the_process_key_stays_and_is_not_zero)

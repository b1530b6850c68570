/* SPDX-License-Identifier: Apache-2.0 */
#include "program/crowd.h"

#include "unit.h"

static uint32_t bits[300];

/* `n` uses, of which each fine signature stands for `per_fine` and each coarse one for `per_coarse`. */
static uint32_t seat(uint32_t n, uint32_t per_fine, uint32_t per_coarse) {
        struct crowd crowd = {};

        for (uint32_t i = 0; i < n; i++)
                crowd_announce(&crowd, i / per_coarse, i / per_fine);
        crowd_seat(&crowd);
        for (uint32_t i = 0; i < n; i++) {
                bits[i] = crowd_bit(&crowd, i / per_coarse, i / per_fine);
                ck_assert_uint_lt(bits[i], PREFILTER_MAX_USES);
        }
        return crowd.n;
}

START_TEST(uses_that_lose_nothing_by_it_share_a_bit_and_no_others) {
        ck_assert_uint_eq(seat(256, 4, 128), 64);
        for (uint32_t i = 0; i < 256; i++)
                ck_assert_uint_eq(bits[i], i / 4);
}
END_TEST

START_TEST(one_too_many_and_the_last_ones_share_with_those_that_look_where_they_do) {
        ck_assert_uint_eq(seat(260, 4, 130), 63); /* one bit is kept for the other half, which has fine ones too */
        ck_assert_uint_eq(bits[0], 0);
        ck_assert_uint_ne(bits[0], bits[4]);
        ck_assert_uint_eq(bits[256], bits[259]);
        for (uint32_t i = 0; i < 130; i++)
                ck_assert_uint_ne(bits[i], bits[259]);
}
END_TEST

START_TEST(more_coarse_ones_than_bits_all_have_one_all_the_same) {
        ck_assert_uint_eq(seat(200, 1, 1), 64);
        ck_assert_uint_eq(bits[199], 63);
}
END_TEST

UNIT_MAIN("program/crowd",
          uses_that_lose_nothing_by_it_share_a_bit_and_no_others,
          one_too_many_and_the_last_ones_share_with_those_that_look_where_they_do,
          more_coarse_ones_than_bits_all_have_one_all_the_same)

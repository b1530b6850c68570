/* SPDX-License-Identifier: Apache-2.0 */
#include "program/crowd.h"

#include "unit.h"

static uint32_t bits[2000];

/* `n` uses: of so many each a fine, a coarse and a rough signature. Returns how many bits are taken. */
static uint32_t seat(uint32_t n, uint32_t per_fine, uint32_t per_coarse, uint32_t per_rough) {
        static struct crowd crowd;

        crowd = (struct crowd){};
        for (int round = 0; round < 2; round++) {
                for (uint32_t i = 0; i < n; i++) {
                        struct crowd_signature signature = {i / per_rough, i / per_coarse, i / per_fine};

                        if (round == 0)
                                crowd_announce(&crowd, &signature);
                        else
                                bits[i] = crowd_bit(&crowd, &signature);
                        ck_assert_uint_lt(bits[i], PREFILTER_MAX_USES);
                }
                if (round == 0)
                        crowd_seat(&crowd);
        }
        return crowd.n_bits;
}

START_TEST(uses_that_lose_nothing_by_it_share_a_bit_and_no_others) {
        ck_assert_uint_eq(seat(256, 4, 128, 256), 64);
        for (uint32_t i = 0; i < 256; i++)
                ck_assert_uint_eq(bits[i], i / 4);
}
END_TEST

START_TEST(one_too_many_and_two_share_that_look_at_the_same) {
        uint32_t n_shared = 0;

        ck_assert_uint_eq(seat(260, 4, 130, 260), 64);
        for (uint32_t i = 0; i < 260; i += 4)
                for (uint32_t k = i + 4; k < 260; k += 4)
                        if (bits[i] == bits[k]) {
                                n_shared++;
                                ck_assert_uint_eq(i / 130, k / 130);
                        }
        ck_assert_uint_eq(n_shared, 1);
}
END_TEST

START_TEST(those_of_whom_there_are_most_share_first) {
        /* Coarse signatures of 100, 100 and of 10 fine ones. */
        ck_assert_uint_eq(seat(210, 1, 100, 300), 64);
        for (uint32_t i = 200; i < 210; i++)
                for (uint32_t k = 0; k < i; k++)
                        ck_assert_uint_ne(bits[i], bits[k]);
}
END_TEST

START_TEST(of_more_coarse_ones_than_bits_those_that_are_alike_become_one) {
        /* A hundred coarse ones of two fine ones each, four of a rough one. */
        ck_assert_uint_eq(seat(200, 1, 2, 8), 64);
        for (uint32_t i = 0; i < 200; i++)
                for (uint32_t k = 0; k < i; k++)
                        if (bits[i] == bits[k])
                                ck_assert_uint_eq(i / 8, k / 8);
}
END_TEST

START_TEST(of_more_rough_ones_than_bits_and_of_more_than_there_is_room_for_all_have_one) {
        ck_assert_uint_eq(seat(200, 1, 1, 1), 64);
        ck_assert_uint_eq(seat(2000, 1, 1, 1), 64);
        ck_assert_uint_eq(seat(2000, 1, 2000, 2000), 64);
        ck_assert_uint_eq(seat(2000, 1, 10, 1000), 64);
}
END_TEST

UNIT_MAIN("program/crowd",
          uses_that_lose_nothing_by_it_share_a_bit_and_no_others,
          one_too_many_and_two_share_that_look_at_the_same,
          those_of_whom_there_are_most_share_first,
          of_more_coarse_ones_than_bits_those_that_are_alike_become_one,
          of_more_rough_ones_than_bits_and_of_more_than_there_is_room_for_all_have_one)

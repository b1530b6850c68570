/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/victims.h"

#include "unit.h"

#define N 300

static struct instance instances[N];
static bool in[N];

static uint32_t obvious_first(void) {
        uint32_t best = STOCK_NONE;

        for (uint32_t i = 0; i < N; i++)
                if (in[i] &&
                    (best == STOCK_NONE || instances[i].done < instances[best].done ||
                     (instances[i].done == instances[best].done && instances[i].serial < instances[best].serial)))
                        best = i;
        return best;
}

START_TEST(fewest_steps_go_first_then_the_lowest_serial) {
        uint32_t root = STOCK_NONE;

        instances[0] = (struct instance){.done = 2, .serial = 1};
        instances[1] = (struct instance){.done = 1, .serial = 3};
        instances[2] = (struct instance){.done = 1, .serial = 2};
        for (uint32_t i = 0; i < 3; i++)
                victims_add(instances, &root, i);
        ck_assert_uint_eq(root, 2);
        victims_remove(instances, &root, 2);
        ck_assert_uint_eq(root, 1);
        victims_remove(instances, &root, 1);
        ck_assert_uint_eq(root, 0);
        victims_remove(instances, &root, 0);
        ck_assert_uint_eq(root, STOCK_NONE);
}
END_TEST

START_TEST(any_of_them_can_leave_at_any_time) {
        uint32_t root = STOCK_NONE;

        srand(1);
        for (unsigned round = 0; round < 20000; round++) {
                uint32_t i = (unsigned)rand() % N;

                if (in[i])
                        victims_remove(instances, &root, i);
                else {
                        instances[i] = (struct instance){.done = (unsigned)rand() % 4, .serial = (unsigned)rand()};
                        victims_add(instances, &root, i);
                }
                in[i] = !in[i];
                ck_assert_uint_eq(root, obvious_first());
        }
}
END_TEST

UNIT_MAIN("engine/victims", fewest_steps_go_first_then_the_lowest_serial, any_of_them_can_leave_at_any_time)

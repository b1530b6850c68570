/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tier.h"

#include <errno.h>

#include "../unit.h"

START_TEST(a_place_says_which_way_leads_to_it) {
        ck_assert_int_eq(tier_of("lsm/path_unlink"), CAPTURE_TIER_LSM);
        ck_assert_int_eq(tier_of("fentry/security_path_unlink"), CAPTURE_TIER_FENTRY);
        ck_assert_int_eq(tier_of("tp_btf/task_newtask"), CAPTURE_TIER_TRACEPOINT);
        ck_assert_int_eq(tier_of("cgroup/connect4"), CAPTURE_TIER_TRACEPOINT);
}
END_TEST

START_TEST(a_trial_is_made_once_and_a_refusal_has_a_reason) {
        for (int tier = 0; tier < CAPTURE_TIER_TRACEPOINT; tier++) {
                const char *why = "unset", *again = "unset";
                int r = tier_try((enum capture_tier)tier, &why);

                ck_assert_int_le(r, 0);
                ck_assert_int_eq(tier_try((enum capture_tier)tier, &again), r);
                ck_assert_ptr_eq(why, again);
                ck_assert(r != -ENOTCONN || why != NULL);
        }
}
END_TEST

UNIT_MAIN("capture/tier", a_place_says_which_way_leads_to_it, a_trial_is_made_once_and_a_refusal_has_a_reason)

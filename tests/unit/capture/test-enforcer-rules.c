/* SPDX-License-Identifier: Apache-2.0 */
/* Last steps of policies become checks in a row. What the kernel makes of them: test-bpf-enforce.c. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "capture/enforcer-private.h"
#include "unit.h"

static struct enforcer_checks *checks_new(void) {
        struct enforcer_checks *checks = calloc(1, sizeof(*checks));

        ck_assert_ptr_nonnull(checks);
        checks->checks = calloc(ENFORCE_CHECKS, sizeof(*checks->checks));
        ck_assert_ptr_nonnull(checks->checks);
        return checks;
}

static void checks_free(struct enforcer_checks *checks) {
        free(checks->checks);
        free(checks);
}

static const struct enforcement_rule two_tests = {
        .policy = "p",
        .path = 3,
        .bit = 4,
        .kind = WIRE_KIND_connect,
        .armed = true,
        .key = ENFORCEMENT_TREE,
        .n_tests = 2,
        .tests = {{.field = ENFORCEMENT_PORT, .op = ENFORCEMENT_RANGE, .n_operands = 2,
                   .operands = {{.low = 80, .high = 80}, {.low = 443, .high = 443}}},
                  {.field = ENFORCEMENT_EXE, .op = ENFORCEMENT_SUFFIX, .negate = true, .n_operands = 1,
                   .operands = {{.text = "/curl", .n_text = 5}}}},
};

START_TEST(each_operand_is_a_check_and_the_last_of_a_test_and_of_a_rule_says_so) {
        struct enforcer_checks *checks = checks_new();
        struct enforcement_rule killing = two_tests;

        ck_assert_int_eq(enforcer_add_rule(checks, &two_tests, 5), 0);
        ck_assert_uint_eq(checks->n, 4);
        ck_assert_uint_eq(checks->checks[0].field, ENFORCE_KEY);
        ck_assert_uint_eq(checks->checks[0].key, ENFORCE_KEY_TREE);
        ck_assert_uint_eq(checks->checks[0].low, 3);
        ck_assert_uint_eq(checks->checks[0].high, 4);
        ck_assert_uint_eq(checks->checks[0].flags, ENFORCE_END);
        ck_assert_uint_eq(checks->checks[1].low, 80);
        ck_assert_uint_eq(checks->checks[1].flags, 0);
        ck_assert_uint_eq(checks->checks[2].high, 443);
        ck_assert_uint_eq(checks->checks[2].flags, ENFORCE_END);
        ck_assert_uint_eq(checks->checks[2].rule, 0);
        ck_assert_uint_eq(checks->checks[3].op, ENFORCE_ENDS);
        ck_assert_uint_eq(checks->checks[3].flags, ENFORCE_END | ENFORCE_NEGATE);
        ck_assert_uint_eq(checks->checks[3].n_text, 5);
        ck_assert_int_eq(memcmp(checks->checks[3].text, "/curl", 6), 0);
        ck_assert_uint_eq(checks->checks[3].rule, 5);
        for (size_t i = 0; i < 4; i++)
                ck_assert_uint_eq(checks->checks[i].next, 4);

        killing.kill = true;
        ck_assert_int_eq(enforcer_add_rule(checks, &killing, 6), 0);
        ck_assert_uint_eq(checks->checks[7].rule, 6 | ENFORCE_KILL);
        ck_assert_uint_eq(checks->checks[4].next, 8);
        checks_free(checks);
}
END_TEST

START_TEST(a_rule_that_would_hold_for_every_call_or_that_no_kernel_could_decide_is_refused) {
        struct enforcer_checks *checks = checks_new();
        struct enforcement_rule rule = two_tests;

        rule.armed = false;
        rule.n_tests = 0;
        ck_assert_int_eq(enforcer_add_rule(checks, &rule, 1), -EINVAL);

        rule = two_tests;
        rule.tests[0].n_operands = 0;
        ck_assert_int_eq(enforcer_add_rule(checks, &rule, 1), -EINVAL);

        rule = two_tests;
        rule.tests[1].operands[0].n_text = ENFORCE_TEXT + 1;
        ck_assert_int_eq(enforcer_add_rule(checks, &rule, 1), -EINVAL);

        rule = two_tests;
        rule.tests[0] = (struct enforcement_test){.field = ENFORCEMENT_ADDRESS,
                                                  .op = ENFORCEMENT_NETWORK,
                                                  .n_operands = 1,
                                                  .operands = {{.bits = 33, .address.family = AF_INET}}};
        ck_assert_int_eq(enforcer_add_rule(checks, &rule, 1), -EINVAL);

        rule.kind = WIRE_KIND_chmod;
        ck_assert_int_eq(enforcer_place_of(&rule), -EINVAL);
        checks_free(checks);
}
END_TEST

START_TEST(more_rules_than_fit_are_refused) {
        struct enforcer_checks *checks = checks_new();

        for (size_t i = 0; i < ENFORCE_CHECKS / 4; i++)
                ck_assert_int_eq(enforcer_add_rule(checks, &two_tests, 1), 0);
        ck_assert_int_eq(enforcer_add_rule(checks, &two_tests, 1), -E2BIG);
        checks_free(checks);
}
END_TEST

UNIT_MAIN("capture/enforcer-rules",
          each_operand_is_a_check_and_the_last_of_a_test_and_of_a_rule_says_so,
          a_rule_that_would_hold_for_every_call_or_that_no_kernel_could_decide_is_refused,
          more_rules_than_fit_are_refused)

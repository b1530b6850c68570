/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unit - the frame of a unit test file, around Check.
 *
 *      START_TEST(step_after_the_deadline_expires_without_a_match) {
 *              ck_assert_int_eq(...);
 *      }
 *      END_TEST
 *
 *      UNIT_MAIN("engine/instance", step_after_the_deadline_expires_without_a_match, ...)
 *
 * A test is named for its situation and outcome. Each runs in a process of its own; CK_FORK=no keeps them in one, for a
 * debugger. CK_RUN_CASE is the file's name as given to UNIT_MAIN. */

#include <check.h>
#include <stdlib.h>

#include "alloc-fail.h"

/* Is this a build with AddressSanitizer? What only counts takes ten times as long then. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static inline int unit_run(const char *name, const TTest *const *tests, size_t n_tests) {
        Suite *suite = suite_create(name);
        TCase *tcase = tcase_create(name);
        SRunner *runner;
        int n_failed;

        tcase_set_timeout(tcase, 30);
        for (size_t i = 0; i < n_tests; i++)
                tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);

        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...)                                                                                           \
        int main(void) {                                                                                               \
                const TTest *const tests[] = {__VA_ARGS__};                                                            \
                return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                                        \
        }

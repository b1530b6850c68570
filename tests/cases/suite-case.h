/* SPDX-License-Identifier: Apache-2.0 */
/* Suite case - a file of policy tests as an administrator runs it (docs/TESTING-POLICIES.md), through the reference
 * matchers as well. */
#pragma once

#include "base/strbuf.h"
#include "story/suite.h"

/* One test. Returns 1: as expected, and all matchers agree; 0: not, and the report says what; or a negative errno. */
int suite_case_run(const struct suite *suite, const struct suite_test *test, bool without_engine,
                   struct strbuf *report);

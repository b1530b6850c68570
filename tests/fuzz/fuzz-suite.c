/* SPDX-License-Identifier: Apache-2.0 */

/* Any text as a file of tests: refused with messages that can be shown, or each test has a name, something that happens
 * and something that is expected, and its story lies within the text and is one or is refused. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "story/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_test(const struct suite *suite, const struct suite_test *test) {
        struct story *story = NULL;
        struct diag_set diags;
        int r;

        assert(test->name && (test->has_alerts || test->no_alerts.n > 0));
        assert(!test->events.text == !!test->recording.text);
        ARRAY_FOREACH(alert, &test->alerts)
                assert(alert->path && alert->count <= SUITE_MAX_COUNT);
        if (!test->events.text)
                return;

        assert(test->events.text >= suite->text && test->events.offset + test->events.n <= suite->n);
        diag_set_init(&diags, 0);
        r = story_parse(&test->events, &diags, &story);
        assert(r == 0 || (r == -EBADMSG && diags.n_errors > 0));
        story_free(story);
        diag_set_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct diag_source source = {.file = "input", .text = (const char *)data, .n = n};
        struct suite *suite = NULL;
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        diag_set_init(&diags, 0);
        r = suite_parse("input", (const char *)data, n, &diags, &suite);
        assert(r == 0 || r == -EBADMSG);
        if (r >= 0) {
                assert(diags.n_errors == 0 && suite->tests.n > 0);
                ARRAY_FOREACH(test, &suite->tests)
                        check_test(suite, test);
        } else {
                assert(diags.n_errors > 0);
                diag_set_put_text(&diags, &source, 1, &b);
                assert(b.n > 0 && utf8_is_valid(b.data, b.n));
        }
        suite_free(suite);
        diag_set_done(&diags);
        strbuf_done(&b);
        return 0;
}

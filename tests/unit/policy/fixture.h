/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fixture - a policy text and what the front end says of it.
 *
 * Messages are compared as lines "line:column error: text", followed by "  | hint" and "  @ line:column note" where
 * there are such. */

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "policy/policy-set.h"

#include "unit.h"

/* Messages in order of place, as lines; the caller frees them. */
static inline char *messages_of(struct diag_set *diags) {
        struct strbuf b = {};
        char *text;

        diag_set_sort(diags);
        ARRAY_FOREACH(d, &diags->list) {
                strbuf_printf(&b, "%u:%u %s: %s\n", d->span.line, d->span.column, diag_severity_to_string(d->severity),
                              d->text);
                if (d->hint)
                        strbuf_printf(&b, "  | %s\n", d->hint);
                if (d->related_text)
                        strbuf_printf(&b, "  @ %u:%u %s\n", d->related.line, d->related.column, d->related_text);
        }
        strbuf_put(&b, "");
        ck_assert_int_eq(strbuf_take(&b, &text), 0);
        return text;
}

static inline void expect_messages(const char *policy, const char *expected) {
        struct policy_set *set = NULL;
        struct diag_set diags;
        char *text;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("test.policy", policy, strlen(policy), NULL, &diags, &set);
        ck_assert_int_eq(r, diags.n_errors > 0 ? -EBADMSG : 0);
        text = messages_of(&diags);
        ck_assert_str_eq(text ? text : "", expected);
        free(text);
        policy_set_free(set);
        diag_set_done(&diags);
}

/* The same of a path with this inside. The text of the policy begins on a line of its own: line 1, column 1. */
static inline void expect_in_path(const char *body, const char *expected) {
        char policy[4096];

        ck_assert_int_lt(snprintf(policy, sizeof(policy), "%s }", body), (int)sizeof(policy));
        {
                char whole[sizeof(policy) + 32];

                snprintf(whole, sizeof(whole), "path \"p\" {\n%s", policy);
                expect_messages(whole, expected);
        }
}

/* A policy without any message; freed by the caller. */
static inline struct policy_set *parse_good(const char *policy) {
        struct policy_set *set = NULL;
        struct diag_set diags;
        char *text;

        diag_set_init(&diags, 0);
        (void)policy_set_parse("test.policy", policy, strlen(policy), NULL, &diags, &set);
        text = messages_of(&diags);
        ck_assert_str_eq(text ? text : "", "");
        free(text);
        diag_set_done(&diags);
        return set;
}

static inline bool text_eq(struct text text, const char *expected) {
        return text_is(text, expected);
}

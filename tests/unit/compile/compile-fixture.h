/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compile fixture - a policy as text becomes a program, or what it becomes instead. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "program/program-dump.h"
#include "unit.h"

static inline struct policy_set *policies_parse(const char *text) {
        const struct policy_options options = {
                .default_within_ns = UINT64_C(600000000000),
                .default_suppress_ns = UINT64_C(60000000000),
                .trust_any_owner = true,
        };
        struct diag_set diags;
        struct policy_set *set = NULL;
        struct strbuf messages = {};
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("test.policy", text, strlen(text), &options, &diags, &set);
        diag_set_put_text(&diags, NULL, 0, &messages);
        ck_assert_msg(r == 0, "%s\n%s", text, strbuf_str(&messages));
        strbuf_done(&messages);
        diag_set_done(&diags);
        return set;
}

static inline struct program *compile_with(const char *text, const struct compile_options *options) {
        struct policy_set *set = policies_parse(text);
        struct program *program = NULL;
        struct strbuf messages = {};
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = compile_policies(set, options, &diags, &program);
        diag_set_put_text(&diags, NULL, 0, &messages);
        ck_assert_msg(r == 0, "%s\n%s", text, strbuf_str(&messages));
        strbuf_done(&messages);
        diag_set_done(&diags);
        policy_set_free(set);
        return program;
}

static inline struct program *compile(const char *text) {
        return compile_with(text, NULL);
}

/* The first message of a policy that passes the checker but not the compiler. */
static inline void compile_refused(const char *text, const char *message) {
        struct policy_set *set = policies_parse(text);
        struct program *program = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(compile_policies(set, NULL, &diags, &program), -EBADMSG);
        ck_assert_ptr_null(program);
        ck_assert_uint_ge(diags.list.n, 1);
        ck_assert_str_eq(diags.list.items[0].text, message);
        diag_set_done(&diags);
        policy_set_free(set);
}

/* The places of the only path, without its first line. */
static inline void compiles_to(const char *body, const char *expected) {
        struct strbuf policy = {}, text = {};
        struct program *program;
        const char *places;

        strbuf_printf(&policy, "path \"p\" { %s }", body);
        program = compile(strbuf_str(&policy));
        program_dump_path(program, 0, &text);
        places = strchr(strbuf_str(&text), '\n') + 1;
        ck_assert_msg(strcmp(places, expected) == 0, "%s\nbecame\n%sand not\n%s", body, places, expected);
        strbuf_done(&text);
        strbuf_done(&policy);
        program_unref(program);
}

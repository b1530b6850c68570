/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-dump.h"

#include <fcntl.h>

#include "base/strbuf.h"
#include "program-builder.h"
#include "unit.h"

#define PATHNAME WIRE_FIELD_openat_pathname

START_TEST(a_program_reads_like_the_policy_it_came_from) {
        struct strbuf text = {};
        struct builder b;
        struct program *program;
        struct path *path;
        uint32_t left, right, window;

        builder_init(&b);
        path = builder_path(&b, "loot");
        path->severity = SEVERITY_HIGH;
        path->by = KEY_PROCESS;

        builder_position(&b);
        left = builder_text(&b, PREDICATE_PREFIX, PATHNAME, "/home/\x1b");
        right = builder_not(&b, builder_number(&b, PREDICATE_BITS_ANY, WIRE_FIELD_openat_flags, O_CREAT | O_TRUNC));
        builder_step(&b, WIRE_KIND_openat, builder_and(&b, left, right), 1);
        builder_capture(&b, "$file", PATHNAME);

        window = builder_block(&b, "soon", UINT64_C(5000000000), 1, PROGRAM_NONE, 0);
        builder_position(&b);
        builder_step(&b, WIRE_KIND_chmod, builder_true(&b), 2)->block = window;
        builder_kill(&b, WIRE_KIND_unlink, builder_guard(&b, WIRE_FIELD_unlink_pathname, 0))->any_result = true;

        builder_position(&b)->block = window;
        left = builder_text(&b, PREDICATE_STRING, WIRE_FIELD_execve_argv, "-i");
        right = builder_regex(&b, FIELD_PROCESS_exe, "^/tmp/.x");
        builder_step(&b, WIRE_KIND_execve, builder_or(&b, left, right), POSITION_ACCEPT)->block = window;
        builder_again(&b, WIRE_KIND_chmod, builder_true(&b), 1);
        builder_except(&b, builder_text(&b, PREDICATE_STRING, FIELD_PROCESS_name, "apt"), 0);
        program = builder_finish(&b);

        program_dump(program, &text);
        ck_assert_str_eq(strbuf_str(&text),
                         "program of 1 paths: 3 positions, 5 edges, 5 predicates, 11 conditions, 1 regexes\n"
                         "interest\n"
                         "  execve, successes\n"
                         "  openat, successes\n"
                         "  unlink, successes, failures\n"
                         "  chmod, successes\n"
                         "path \"loot\" severity high, by process, on_loss flag, within 10min, suppress 1min\n"
                         "  0\n"
                         "    step 1 openat { pathname startswith \"/home/\\x1b\" and not (flags & O_CREAT|O_TRUNC) }, "
                         "$file = pathname -> 1\n"
                         "  1\n"
                         "    step 2 chmod -> 2 in window 0\n"
                         "    not unlink { pathname == $file } failed too\n"
                         "  2, window 0 \"soon\" of 5s from 1\n"
                         "    step 3 execve { any argv == \"-i\" or proc.exe =~ '^/tmp/.x' } -> alert in window 0\n"
                         "    again 2 chmod\n"
                         "  except { proc.name == \"apt\" }\n"
                         "dispatch\n"
                         "  every openat: \"loot\" step 1\n");
        strbuf_done(&text);
        program_unref(program);
}
END_TEST

START_TEST(a_condition_without_end_is_cut_short) {
        struct strbuf text = {};
        struct builder b;
        struct program *program;
        uint32_t condition;

        builder_init(&b);
        builder_path(&b, "wide");
        builder_position(&b);
        condition = builder_true(&b);
        for (unsigned i = 0; i < 14; i++)
                condition = builder_and(&b, condition, condition);
        builder_step(&b, WIRE_KIND_openat, condition, POSITION_ACCEPT);
        program = builder_finish(&b);

        program_dump_condition(program, 0, condition, WIRE_KIND_openat, &text);
        ck_assert_uint_lt(text.n, 20000);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "..."));
        strbuf_done(&text);
        program_unref(program);
}
END_TEST

UNIT_MAIN("program/dump",
          a_program_reads_like_the_policy_it_came_from,
          a_condition_without_end_is_cut_short)

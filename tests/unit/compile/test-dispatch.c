/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/dispatch.h"

#include "compile-fixture.h"

/* What the listing says behind "dispatch". */
static void dispatches(const char *text, const struct compile_options *options, const char *expected) {
        struct program *program = compile_with(text, options);
        struct strbuf listing = {};
        const char *part;

        program_dump(program, &listing);
        part = strstr(strbuf_str(&listing), "\ndispatch\n") + strlen("\ndispatch\n");
        ck_assert_msg(strcmp(part, expected) == 0, "%s\ndispatches\n%sand not\n%s", text, part, expected);
        strbuf_done(&listing);
        program_unref(program);
}

START_TEST(a_first_step_is_filed_under_the_rarest_string_it_requires) {
        dispatches("path \"a\" { openat { pathname == \"/a\", flags & O_CREAT, proc.name == \"sh\" } }\n"
                   "path \"b\" { openat { pathname startswith \"/tmp/\", pathname endswith \".so\" } }\n",
                   NULL,
                   "  openat.pathname == \"/a\": \"a\" step 1\n"
                   "  openat.pathname startswith \"/tmp/\": \"b\" step 1\n"
                   "matcher openat.pathname: 2 patterns, for openat\n"
                   "matcher openat.pathname: 1 patterns, for openat\n"
                   "matcher proc.name: 1 patterns, for openat\n");
}
END_TEST

START_TEST(what_begins_no_path_is_decided_by_a_matcher_of_its_own) {
        dispatches("path \"a\" { openat { pathname == \"/a\" } openat { pathname contains \"b\" } openat { pathname == "
                   "\"/a\" } }",
                   NULL,
                   "  openat.pathname == \"/a\": \"a\" step 1\n"
                   "matcher openat.pathname: 1 patterns, for openat\n"
                   "matcher openat.pathname: 1 patterns, for openat\n");
}
END_TEST

START_TEST(a_first_step_that_requires_no_string_is_tried_for_every_event_of_its_kind) {
        dispatches("path \"a\" { openat { flags & O_CREAT } }\n"
                   "path \"b\" { openat { pathname == \"/a\" or fd == 3 } }\n"
                   "path \"c\" { openat { pathname != \"/a\" } }\n"
                   "path \"d\" { openat { parent.name == \"sh\" } }\n",
                   NULL,
                   "  every openat: \"a\" step 1, \"b\" step 1, \"c\" step 1, \"d\" step 1\n"
                   "matcher openat.pathname: 1 patterns, for openat\n");
}
END_TEST

START_TEST(a_first_step_that_requires_one_of_several_strings_is_filed_under_each) {
        dispatches("path \"a\" { openat { fd == 3, pathname == \"/a\" or (pathname == \"/b\" and created) or pathname "
                   "=~ '\\.(sh|py)$' } }",
                   NULL,
                   "  openat.pathname == \"/a\": \"a\" step 1\n"
                   "  openat.pathname == \"/b\": \"a\" step 1\n"
                   "  openat.pathname endswith \".sh\": \"a\" step 1\n"
                   "  openat.pathname endswith \".py\": \"a\" step 1\n"
                   "matcher openat.pathname: 4 patterns, for openat\n");
}
END_TEST

START_TEST(each_way_of_a_first_step_is_filed_by_itself) {
        dispatches("path \"a\" { openat { pathname == \"/a\" } ? unlink { } : chmod { } }\n"
                   "path \"b\" { any { unlink { pathname == \"/x\" } chmod { mode & 0111 } } }\n",
                   NULL,
                   "  every openat: \"a\" step 1\n"
                   "  every chmod: \"b\" step 2\n"
                   "  openat.pathname == \"/a\": \"a\" step 1\n"
                   "  unlink.pathname == \"/x\": \"b\" step 1\n"
                   "matcher openat.pathname: 1 patterns, for openat\n"
                   "matcher unlink.pathname: 1 patterns, for unlink\n");
}
END_TEST

START_TEST(a_regex_is_dispatched_by_what_it_requires) {
        dispatches("path \"a\" { openat { pathname =~ 'x[0-9]+/secret' } }", NULL,
                   "  openat.pathname contains \"/secret\": \"a\" step 1\n"
                   "matcher openat.pathname: 1 patterns, for openat\n");
}
END_TEST

START_TEST(a_matcher_of_the_process_runs_for_the_kinds_that_ask) {
        dispatches("path \"a\" { by = process\nopenat { proc.name == \"sh\" } unlink { proc.name == \"sh\" } except { "
                   "proc.name == \"apt\" } }\n"
                   "path \"b\" { connect { dport == 80 } chmod { proc.name == \"cp\" } }\n",
                   NULL,
                   "  every connect: \"b\" step 1\n"
                   "  proc.name == \"sh\": \"a\" step 1\n"
                   "matcher proc.name: 3 patterns, for openat unlink chmod\n");
}
END_TEST

START_TEST(without_dispatch_or_matchers_every_first_step_is_tried) {
        static const char text[] = "path \"a\" { openat { pathname == \"/a\" } }";

        dispatches(text, &(struct compile_options){.without = COMPILE_WITHOUT(DISPATCH)},
                   "  every openat: \"a\" step 1\n"
                   "matcher openat.pathname: 1 patterns, for openat\n");
        dispatches(text, &(struct compile_options){.without = COMPILE_WITHOUT(MATCH)},
                   "  every openat: \"a\" step 1\n");
}
END_TEST

UNIT_MAIN("compile/dispatch",
          a_first_step_is_filed_under_the_rarest_string_it_requires,
          what_begins_no_path_is_decided_by_a_matcher_of_its_own,
          a_first_step_that_requires_no_string_is_tried_for_every_event_of_its_kind,
          a_first_step_that_requires_one_of_several_strings_is_filed_under_each,
          each_way_of_a_first_step_is_filed_by_itself,
          a_regex_is_dispatched_by_what_it_requires,
          a_matcher_of_the_process_runs_for_the_kinds_that_ask,
          without_dispatch_or_matchers_every_first_step_is_tried)

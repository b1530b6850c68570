/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/needs.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "compile-fixture.h"

static struct interest interest_of(const char *text) {
        struct program *program = compile(text);
        struct interest interest = program->header->interest;

        program_unref(program);
        return interest;
}

#define BIT(kind) wire_kind_bit(WIRE_KIND_##kind)

START_TEST(kinds_of_steps_and_of_nots_are_of_interest) {
        struct interest interest = interest_of("path \"p\" { openat { } not unlink { } any { chmod { } rename { } } }");

        ck_assert_uint_eq(interest.kinds, BIT(openat) | BIT(unlink) | BIT(chmod) | BIT(rename));
        ck_assert(interest.filter[WIRE_KIND_openat].successes);
        ck_assert(!interest.filter[WIRE_KIND_openat].failures);
}
END_TEST

START_TEST(failures_are_of_interest_only_to_who_names_the_result) {
        struct interest interest = interest_of("path \"p\" { connect { failed } unlink { result == -13 } chmod { "
                                               "result >= 0 } openat { result < 5 } }");

        ck_assert(interest.filter[WIRE_KIND_connect].failures);
        ck_assert(!interest.filter[WIRE_KIND_connect].successes);
        ck_assert(interest.filter[WIRE_KIND_unlink].failures);
        ck_assert(!interest.filter[WIRE_KIND_unlink].successes);
        ck_assert(!interest.filter[WIRE_KIND_chmod].failures);
        ck_assert(interest.filter[WIRE_KIND_chmod].successes);
        ck_assert(interest.filter[WIRE_KIND_openat].failures);
        ck_assert(interest.filter[WIRE_KIND_openat].successes);
}
END_TEST

START_TEST(a_connect_in_progress_is_no_failure) {
        struct interest interest = interest_of("path \"p\" { connect { result == -115 } }");

        ck_assert(interest.filter[WIRE_KIND_connect].failures);
        ck_assert(interest.filter[WIRE_KIND_connect].successes);
}
END_TEST

static uint64_t open_flags(const char *body) {
        struct strbuf text = {};
        uint64_t flags;

        strbuf_printf(&text, "path \"p\" { %s }", body);
        flags = interest_of(strbuf_str(&text)).filter[WIRE_KIND_openat].flags_any;
        strbuf_done(&text);
        return flags;
}

START_TEST(flag_bits_that_every_use_requires_are_a_filter) {
        ck_assert_uint_eq(open_flags("openat { flags & O_CREAT|O_TRUNC }"), O_CREAT | O_TRUNC);
        ck_assert_uint_eq(open_flags("openat { flags & O_CREAT } openat { flags & O_TRUNC, fd == 3 }"),
                          O_CREAT | O_TRUNC);
        ck_assert_uint_eq(open_flags("openat { flags has all O_WRONLY|O_CREAT }"), O_WRONLY);
        ck_assert_uint_eq(open_flags("openat { flags & O_CREAT } openat { pathname == \"/a\" }"), 0);
        ck_assert_uint_eq(open_flags("openat { pathname == \"/a\" } openat { flags & O_CREAT }"), 0);
        ck_assert_uint_eq(open_flags("openat { not (flags & O_CREAT) }"), 0);
        ck_assert_uint_eq(open_flags("openat { flags & O_CREAT or created }"), 0);
        ck_assert_uint_eq(open_flags("openat { flags & O_CREAT } ? unlink { } : chmod { }"), 0);
}
END_TEST

START_TEST(what_is_to_be_done_with_memory_is_a_filter_too) {
        struct interest interest =
                interest_of("path \"p\" { mmap { prot & PROT_EXEC } mprotect { prot has all PROT_WRITE|PROT_EXEC } }");

        ck_assert_uint_eq(interest.filter[WIRE_KIND_mmap].flags_any, PROT_EXEC);
        ck_assert_uint_eq(interest.filter[WIRE_KIND_mprotect].flags_any, PROT_WRITE);
        interest = interest_of("path \"p\" { mmap { flags & MAP_ANONYMOUS } mprotect { old.prot & PROT_WRITE } }");
        ck_assert_uint_eq(interest.filter[WIRE_KIND_mmap].flags_any, 0);
        ck_assert_uint_eq(interest.filter[WIRE_KIND_mprotect].flags_any, 0);
}
END_TEST

START_TEST(content_is_captured_of_the_kinds_whose_content_is_looked_at) {
        struct interest interest = interest_of("path \"p\" { read { content contains \"root\" } write { fd == 1 } }");

        ck_assert_uint_eq(interest.content_bytes, 256);
        ck_assert(interest.filter[WIRE_KIND_read].content);
        ck_assert(!interest.filter[WIRE_KIND_write].content);
        interest = interest_of("path \"p\" { read { $c = content } write { content == $c } }");
        ck_assert(interest.filter[WIRE_KIND_read].content);
        ck_assert(interest.filter[WIRE_KIND_write].content);
        interest = interest_of("path \"p\" { execve { any env startswith \"LD_PRELOAD=\" } }");
        ck_assert_uint_eq(interest.content_bytes, 0);
        ck_assert(!interest.filter[WIRE_KIND_execve].content);
}
END_TEST

START_TEST(content_is_captured_only_on_request_and_as_long_as_literals_need) {
        struct strbuf text = {};

        ck_assert_uint_eq(interest_of("path \"p\" { write { pathname == \"/a\" } }").content_bytes, 0);
        ck_assert_uint_eq(interest_of("path \"p\" { write { content contains \"root\" } }").content_bytes, 256);
        strbuf_put(&text, "path \"p\" { write { content contains \"");
        strbuf_put_repeat(&text, 'a', 300);
        strbuf_put(&text, "\" } }");
        ck_assert_uint_eq(interest_of(strbuf_str(&text)).content_bytes, 600);
        strbuf_done(&text);
}
END_TEST

START_TEST(variables_of_the_environment_are_named_once_and_in_order) {
        struct interest interest = interest_of("path \"a\" { execve { any env startswith \"LD_PRELOAD=\" } }\n"
                                               "path \"b\" { execve { any env in [\"TERM=x\", \"LD_PRELOAD=/x\"] } }\n"
                                               "path \"c\" { execve { any env =~ '^HISTFILE=.*null[0-9]' } }\n");

        ck_assert_uint_eq(interest.n_env, 3);
        ck_assert_str_eq(interest.env[0], "HISTFILE");
        ck_assert_str_eq(interest.env[1], "LD_PRELOAD");
        ck_assert_str_eq(interest.env[2], "TERM");
}
END_TEST

START_TEST(too_many_variables_are_refused) {
        struct strbuf text = {};

        for (unsigned i = 0; i < 33; i++)
                strbuf_printf(&text, "path \"p%u\" { execve { any env startswith \"V%02u=\" } }\n", i, i);
        compile_refused(strbuf_str(&text),
                        "the policies name more than 32 variables of the environment; 'V09' is one too many");
        strbuf_done(&text);
}
END_TEST

START_TEST(who_leaves_a_namespace_is_of_interest_only_to_who_asks_where_processes_live) {
        ck_assert(!interest_of("path \"p\" { execve { ns.mnt == 1 } unshare { ns.net != 2 } }").namespaces);
        ck_assert(interest_of("path \"p\" { openat { proc.ns.mnt == 1 } }").namespaces);
        ck_assert(interest_of("path \"p\" { openat { not parent.ns.time > 1 } }").namespaces);
        ck_assert(interest_of("path \"p\" { openat { ancestor { exe == \"/a\", ns.user == 5 } } }").namespaces);
        ck_assert(interest_of("path \"p\" { openat { } except { proc.ns.pid == 1 } }").namespaces);
        /* What is kept, and what it is compared with. */
        ck_assert(interest_of("path \"p\" { openat { $n = proc.ns.net } connect { result == $n } }").namespaces);
        ck_assert(interest_of("path \"p\" { execve { $n = ns.net } openat { proc.ns.net != $n } }").namespaces);
        ck_assert_uint_eq(interest_of("path \"p\" { openat { proc.ns.mnt == 1 } }").kinds, BIT(openat));
}
END_TEST

UNIT_MAIN("compile/needs",
          kinds_of_steps_and_of_nots_are_of_interest,
          failures_are_of_interest_only_to_who_names_the_result,
          a_connect_in_progress_is_no_failure,
          flag_bits_that_every_use_requires_are_a_filter,
          what_is_to_be_done_with_memory_is_a_filter_too,
          content_is_captured_of_the_kinds_whose_content_is_looked_at,
          content_is_captured_only_on_request_and_as_long_as_literals_need,
          variables_of_the_environment_are_named_once_and_in_order,
          too_many_variables_are_refused,
          who_leaves_a_namespace_is_of_interest_only_to_who_asks_where_processes_live)

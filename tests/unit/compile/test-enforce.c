/* SPDX-License-Identifier: Apache-2.0 */
/* What program/enforce.c makes of policies as they are written. */
#include "program/enforce.h"

#include "compile-fixture.h"

static struct enforcement got;

static struct program *enforce(const char *text) {
        struct program *program = compile(text);
        const char *why = "";

        ck_assert_msg(enforce_path(program, 0, &got, &why) == 0, "%s", why);
        return program;
}

static bool has_text(const struct enforcement_test *test, size_t i, const char *text) {
        return i < test->n_operands && memeq_str(test->operands[i].text, test->operands[i].n_text, text);
}

START_TEST(a_step_alone_is_a_rule_that_is_always_in_force) {
        struct program *program = enforce("path \"p\" { enforce = deny connect { daddr in 192.0.2.0/24, dport < 1024, "
                                          "proc.uid != 0 } }");
        const struct enforcement_rule *rule = &got.rules[0];

        ck_assert_uint_eq(got.n_rules, 1);
        ck_assert_str_eq(rule->policy, "p");
        ck_assert(!rule->armed && !rule->kill && rule->key == ENFORCEMENT_TREE && rule->kind == WIRE_KIND_connect);
        ck_assert_uint_eq(rule->n_tests, 3);
        for (size_t i = 0; i < 3; i++) {
                const struct enforcement_test *test = &rule->tests[i];

                ck_assert_uint_eq(test->n_operands, 1);
                switch ((int)test->field) {
                case ENFORCEMENT_ADDRESS:
                        ck_assert(test->op == ENFORCEMENT_NETWORK && test->operands[0].bits == 24 && !test->negate);
                        break;
                case ENFORCEMENT_PORT:
                        ck_assert(test->op == ENFORCEMENT_RANGE && test->operands[0].low == 0 &&
                                  test->operands[0].high == 1023);
                        break;
                default:
                        ck_assert(test->field == ENFORCEMENT_UID && test->negate && test->operands[0].high == 0);
                        break;
                }
        }
        program_unref(program);
}
END_TEST

START_TEST(the_last_step_of_a_story_is_armed_and_names_its_captures) {
        struct program *program = enforce("path \"p\" { enforce = kill by = process openat { $f = file, $n = "
                                          "pathname } any { execve { file == $f } connect { dport == 1 } } }");

        ck_assert_uint_eq(got.n_rules, 2);
        ck_assert(got.rules[0].armed && got.rules[1].armed && got.rules[0].kill);
        ck_assert_int_eq(got.rules[0].key, ENFORCEMENT_PROCESS);
        ck_assert_uint_eq(got.file_slot, 0);
        ck_assert_uint_eq(got.address_slot, ENFORCEMENT_NO_SLOT);
        ck_assert_int_eq(got.rules[0].tests[0].op, ENFORCEMENT_CAPTURED);
        program_unref(program);
}
END_TEST

START_TEST(a_run_waits_for_those_rules_that_come_next_where_it_is) {
        struct program *program =
                enforce("path \"p\" { enforce = deny by = unit any { "
                        "block \"x\" { unlink { } connect { dport == 1 } } "
                        "block \"y\" { chmod { } connect { dport == 2 } } } }");
        uint8_t all = 0;
        unsigned n = 0;

        ck_assert_uint_eq(got.n_rules, 2);
        ck_assert_int_eq(got.rules[0].key, ENFORCEMENT_UNIT);
        ck_assert_uint_eq(got.rules[0].bit, 1);
        ck_assert_uint_eq(got.rules[1].bit, 2);
        for (size_t at = 0; at < program->paths[0].positions.n; at++)
                if (got.awaited[at]) {
                        ck_assert_uint_eq(all & got.awaited[at], 0);
                        all |= got.awaited[at];
                        n++;
                }
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(all, 3);
        program_unref(program);

        /* A step that may be left out: with it and without it the same is waited for. */
        program =
                enforce("path \"p\" { enforce = deny by = container unlink { } chmod { } ... connect { dport == 1 } }");
        ck_assert_uint_eq(got.n_rules, 1);
        ck_assert_int_eq(got.rules[0].key, ENFORCEMENT_CONTAINER);
        ck_assert_uint_eq(got.awaited[0], 0);
        for (size_t at = 1; at < program->paths[0].positions.n; at++)
                ck_assert_uint_eq(got.awaited[at], 1);
        program_unref(program);
}
END_TEST

START_TEST(a_ptrace_is_decided_by_request_and_target) {
        struct program *program =
                enforce("path \"p\" { enforce = deny ptrace { request == PTRACE_ATTACH, target.uid == 0, "
                        "target.exe == \"/x\" } }");
        bool fields[_ENFORCEMENT_FIELD_MAX] = {};

        ck_assert_uint_eq(got.n_rules, 1);
        ck_assert_int_eq(got.rules[0].kind, WIRE_KIND_ptrace);
        ck_assert_uint_eq(got.rules[0].n_tests, 3);
        for (size_t i = 0; i < 3; i++)
                fields[got.rules[0].tests[i].field] = true;
        ck_assert(fields[ENFORCEMENT_REQUEST] && fields[ENFORCEMENT_TARGET_UID] && fields[ENFORCEMENT_PATH]);
        program_unref(program);
}
END_TEST

START_TEST(lists_are_one_test_and_alternatives_are_rules) {
        struct program *program = enforce("path \"p\" { enforce = kill execve { exe startswith [\"/tmp/\", \"/run/\"] "
                                          "or proc.uid in [5, 7] } }");
        const struct enforcement_test *a = &got.rules[0].tests[0], *b = &got.rules[1].tests[0];

        ck_assert_uint_eq(got.n_rules, 2);
        if (a->field == ENFORCEMENT_UID) {
                const struct enforcement_test *c = a;

                a = b;
                b = c;
        }
        ck_assert(a->op == ENFORCEMENT_PREFIX && a->n_operands == 2 && b->n_operands == 2);
        ck_assert((has_text(a, 0, "/tmp/") && has_text(a, 1, "/run/")) ||
                  (has_text(a, 1, "/tmp/") && has_text(a, 0, "/run/")));
        program_unref(program);
}
END_TEST

START_TEST(exceptions_are_part_of_every_rule) {
        struct program *program = enforce("path \"p\" { enforce = deny by = host unlink { } openat { pathname endswith "
                                          "\".key\" } except { pathname == \"/ok.key\" } except { proc.exe == \"/ok\", "
                                          "proc.uid == 0 } }");

        /* The first exception names `pathname` of both kinds; of the other one either half may be false. */
        ck_assert_uint_eq(got.n_rules, 2);
        for (size_t i = 0; i < 2; i++) {
                ck_assert_uint_eq(got.rules[i].n_tests, 3);
                ck_assert(!got.rules[i].tests[0].negate && got.rules[i].tests[1].negate &&
                          got.rules[i].tests[2].negate);
        }
        program_unref(program);
}
END_TEST

START_TEST(what_no_kernel_could_decide_is_refused_also_where_the_checker_let_it_pass) {
        const struct compile_options options = {.without = UINT64_C(1) << COMPILE_PASS_LOWER};
        struct policy_set *set = policies_parse("path \"p\" { enforce = kill openat { pathname glob \"/etc/**\" } }");
        struct program *program = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(compile_policies(set, &options, &diags, &program), -EBADMSG);
        ck_assert_ptr_null(program);
        ck_assert_uint_eq(diags.n_errors, 1);
        diag_set_done(&diags);
        policy_set_free(set);

        program = compile("path \"p\" { openat { pathname == \"/x\" } }");
        ck_assert_int_eq(enforce_path(program, 0, &got, NULL), -ENODATA);
        program_unref(program);
}
END_TEST

START_TEST(the_listing_says_it_and_equal_stories_that_differ_in_it_are_others) {
        struct program *with = compile("path \"p\" { enforce = deny connect { dport == 1 } }"),
                       *without = compile("path \"p\" { enforce = none connect { dport == 1 } }");
        struct strbuf text = {};

        program_dump(with, &text);
        ck_assert(strstr(strbuf_str(&text), ", enforce deny\n"));
        ck_assert_int_ne(memcmp(with->paths[0].hash, without->paths[0].hash, sizeof(with->paths[0].hash)), 0);
        strbuf_done(&text);
        program_unref(with);
        program_unref(without);
}
END_TEST

UNIT_MAIN("compile/enforce", a_step_alone_is_a_rule_that_is_always_in_force,
          the_last_step_of_a_story_is_armed_and_names_its_captures,
          a_run_waits_for_those_rules_that_come_next_where_it_is, lists_are_one_test_and_alternatives_are_rules,
          a_ptrace_is_decided_by_request_and_target, exceptions_are_part_of_every_rule,
          what_no_kernel_could_decide_is_refused_also_where_the_checker_let_it_pass,
          the_listing_says_it_and_equal_stories_that_differ_in_it_are_others)

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast-print.h"

#include "fixture.h"

static const char base[] = "list x = [1, 2]\nmacro m { code == 1 }\n"
                           "path \"a\" { severity = high respond = \"notify\" exit { m, code in x } }\n"
                           "path \"b\" { openat { created } exit { code == 2 } on step 2 respond \"one\" }\n";

/* The base with drop-ins; what is said of it stands as in fixture.h, with the file before it. */
static struct policy_set *load(const char *first, const char *second, const char *messages) {
        const struct policy_text texts[] = {
                {.name = "base", .text = base, .length = strlen(base)},
                {.name = "1", .text = first, .length = strlen(first), .drop_in = true},
                {.name = "2", .text = second, .length = strlen(second), .drop_in = true},
        };
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;

        diag_set_init(&diags, 0);
        (void)policy_set_parse_texts(texts, ELEMENTSOF(texts), NULL, &diags, &set);
        ARRAY_FOREACH(d, &diags.list) {
                strbuf_printf(&b, "%s:%u:%u %s: %s\n", d->span.file, d->span.line, d->span.column,
                              diag_severity_to_string(d->severity), d->text);
                if (d->hint)
                        strbuf_printf(&b, "  | %s\n", d->hint);
                if (d->related_text)
                        strbuf_printf(&b, "  @ %s:%u %s\n", d->related.file, d->related.line, d->related_text);
        }
        ck_assert_str_eq(strbuf_str(&b), messages);
        strbuf_done(&b);
        diag_set_done(&diags);
        return set;
}

static void expect_condition(const struct expr *expr, const char *expected) {
        struct strbuf b = {};

        ast_print_expr(expr, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

START_TEST(an_exception_at_top_level_belongs_to_all_paths_of_the_file) {
        struct policy_set *set = load("except \"why\" { proc.uid == 0 and code == 3 }", "except { failed }", "");

        for (const struct path_node *p = set->paths; p; p = p->next) {
                ck_assert(text_eq(p->exceptions->reason, "why"));
                ck_assert_str_eq(p->exceptions->span.file, "1");
                expect_condition(p->exceptions->condition, "proc.uid == 0 and code == 3");
                expect_condition(p->exceptions->next->condition, "failed");
                ck_assert_ptr_null(p->exceptions->next->next);
        }
        ck_assert_ptr_ne(set->paths->exceptions->condition, set->paths->next->exceptions->condition);
        policy_set_free(set);

        /* `a` has no event with a path: nothing of it is hidden; of `b` the openat is. */
        set = load("except { pathname == \"/x\" } except { pathname != \"/x\" and proc.uid == 0 }", "", "");
        expect_condition(set->paths->exceptions->condition, "time < 0");
        expect_condition(set->paths->exceptions->next->condition, "not time < 0 and proc.uid == 0");
        expect_condition(set->paths->next->exceptions->condition, "pathname == \"/x\"");
        policy_set_free(set);
}
END_TEST

START_TEST(a_path_of_a_drop_in_says_how_that_path_is_meant) {
        struct policy_set *set =
                load("path \"a\" { severity = low within = 7s suppress = 3s on_loss = skip except { failed } }\n"
                     "path \"b\" { on step 2 respond \"two\" on step 1 respond \"three\" }",
                     "path \"a\" { respond = [\"x\", \"y\"] severity = critical }", "");
        const struct path_node *a = set->paths, *b = a->next;

        ck_assert_int_eq(a->severity, SEVERITY_CRITICAL);
        ck_assert_uint_eq(a->within_ns, UINT64_C(7000000000));
        ck_assert_uint_eq(a->suppress_ns, UINT64_C(3000000000));
        ck_assert_int_eq(a->on_loss, ON_LOSS_SKIP);
        ck_assert_uint_eq(a->respond.n, 2);
        ck_assert_ptr_nonnull(a->exceptions);
        ck_assert_int_eq(b->severity, SEVERITY_MEDIUM);
        ck_assert(!b->exceptions);
        ck_assert(text_eq(b->responses->respond.items[0], "two"));
        ck_assert(text_eq(b->responses->next->respond.items[0], "three"));
        ck_assert_ptr_null(b->responses->next->next);
        ck_assert_uint_eq(set->n_paths, 2);
        policy_set_free(set);
}
END_TEST

START_TEST(lists_and_macros_are_replaced_or_added_to_in_order) {
        struct policy_set *set = load("list x += [3]\nmacro m += { code == 3 }", "", "");

        expect_condition(set->paths->body->condition, "(code == 1 or code == 3) and code in x");
        ck_assert_uint_eq(set->paths->body->condition->right->operand.n_items, 3);
        policy_set_free(set);

        set = load("list x = [7]\nmacro m { code == 7 }", "list x += [8]", "");
        expect_condition(set->paths->body->condition, "code == 7 and code in x");
        ck_assert_uint_eq(set->paths->body->condition->right->operand.n_items, 2);
        ck_assert_int_eq(set->paths->body->condition->right->operand.items[0].number, 7);
        policy_set_free(set);

        set = load("list x += [8]", "list x = [7]", "");
        ck_assert_uint_eq(set->paths->body->condition->right->operand.n_items, 1);
        policy_set_free(set);

        set = load("list own = [1]\nexcept { proc.uid in own }", "", "");
        ck_assert_uint_eq(set->paths->exceptions->condition->operand.n_items, 1);
        policy_set_free(set);
}
END_TEST

START_TEST(what_a_drop_in_cannot_do_is_told) {
        policy_set_free(load("path \"bb\" { severity = low }", "",
                             "1:1:6 error: there is no path \"bb\" in 'base', which this extends\n"
                             "  | did you mean 'b'?\n"));
        policy_set_free(load("path \"a\" { openat { created }\nnot exit { }\nuntil fork { } }", "",
                             "1:1:12 error: a drop-in adds no steps to a path\n"
                             "  | a file of the name of the policy, in an earlier directory, masks that as a whole\n"));
        policy_set_free(
                load("path \"a\" { by = process }", "",
                     "1:1:12 error: a drop-in cannot set 'by'\n"
                     "  | it sets severity, within, suppress, on_loss, enforce and respond, and adds exceptions\n"));
        policy_set_free(load("path \"a\" { on step 5 respond \"x\" }", "",
                             "1:1:20 error: there is no step 5: this path has 1\n"));
        policy_set_free(load("except { nonsense }", "",
                             "1:1:10 error: no step of this path has a field 'nonsense'\n"));
        policy_set_free(load("exit { code == 1 }\nexcept { failed }", "",
                             "1:1:1 error: 'exit' stands outside of every path\n"
                             "  | path \"name\" { ... } goes around it\n"));
}
END_TEST

START_TEST(a_drop_in_replaces_nothing_of_other_files) {
        const char *one = "list x = [1]\npath \"a\" { exit { code in x } }", *two = "path \"b\" { exit { code == 1 } }",
                   *conf = "list x = [2]";
        const struct policy_text texts[] = {
                {.name = "one", .text = one, .length = strlen(one)},
                {.name = "two", .text = two, .length = strlen(two)},
                {.name = "conf", .text = conf, .length = strlen(conf), .drop_in = true},
        };
        struct policy_set *set = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse_texts(texts, ELEMENTSOF(texts), NULL, &diags, &set), -EBADMSG);
        ck_assert_uint_eq(diags.list.n, 1);
        ck_assert_str_eq(diags.list.items[0].span.file, "conf");
        ck_assert_str_eq(diags.list.items[0].text, "a second list 'x'");
        ck_assert_str_eq(diags.list.items[0].hint,
                         "a drop-in replaces lists of the file that it extends: '+=' adds to any");
        ck_assert_str_eq(diags.list.items[0].related.file, "one");
        policy_set_free(set);
        diag_set_done(&diags);
}
END_TEST

UNIT_MAIN("policy/sema-extend", an_exception_at_top_level_belongs_to_all_paths_of_the_file,
          a_path_of_a_drop_in_says_how_that_path_is_meant, lists_and_macros_are_replaced_or_added_to_in_order,
          what_a_drop_in_cannot_do_is_told, a_drop_in_replaces_nothing_of_other_files)

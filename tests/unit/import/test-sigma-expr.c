/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma-expr.h"

#include "base/strbuf.h"
#include "unit.h"

static struct arena arena;

static struct sigma_expr *compare(const char *field) {
        static const char *const one[] = {"1"};

        return sigma_expr_compare(&arena, field, "==", one, 1);
}

static struct sigma_expr *all(struct sigma_expr *a, struct sigma_expr *b) {
        return sigma_expr_all(&arena, a, b);
}

static struct sigma_expr *any(struct sigma_expr *a, struct sigma_expr *b) {
        return sigma_expr_any(&arena, a, b);
}

static struct sigma_expr *negate(struct sigma_expr *a) {
        return sigma_expr_not(&arena, a);
}

static struct sigma_expr *always(void) {
        return sigma_expr_constant(&arena, true);
}

static struct sigma_expr *never(void) {
        return sigma_expr_constant(&arena, false);
}

static void prints(const struct sigma_expr *expr, const char *expected) {
        struct strbuf b = {};

        sigma_expr_print(expr, 0, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        arena_done(&arena);
}

START_TEST(what_is_always_or_never_true_disappears) {
        ck_assert_int_eq(all(never(), compare("a"))->type, SIGMA_EXPR_NEVER);
        ck_assert_int_eq(all(compare("a"), never())->type, SIGMA_EXPR_NEVER);
        ck_assert_int_eq(any(compare("a"), always())->type, SIGMA_EXPR_ALWAYS);
        ck_assert_int_eq(all(always(), compare("a"))->type, SIGMA_EXPR_COMPARE);
        ck_assert_int_eq(any(compare("a"), never())->type, SIGMA_EXPR_COMPARE);
        ck_assert_int_eq(negate(always())->type, SIGMA_EXPR_NEVER);
        ck_assert_int_eq(negate(never())->type, SIGMA_EXPR_ALWAYS);
        ck_assert_int_eq(negate(negate(compare("a")))->type, SIGMA_EXPR_COMPARE);
        arena_done(&arena);
}
END_TEST

START_TEST(rows_of_one_kind_are_one_row) {
        prints(all(all(always(), compare("a")), all(compare("b"), compare("c"))), "a == 1\nb == 1\nc == 1\n");
        prints(any(compare("a"), any(compare("b"), compare("c"))), "(a == 1 or b == 1 or c == 1)\n");
}
END_TEST

START_TEST(a_row_in_a_row_of_the_other_kind_has_parentheses) {
        prints(any(all(compare("a"), compare("b")), compare("c")), "((a == 1 and b == 1) or c == 1)\n");
        prints(all(any(compare("a"), compare("b")), negate(any(compare("c"), compare("d")))),
               "(a == 1 or b == 1)\nnot (c == 1 or d == 1)\n");
}
END_TEST

START_TEST(names_stand_above_what_they_name) {
        struct sigma_expr *a = any(compare("a"), compare("b")), *c = all(compare("c"), compare("d"));

        a->label = "first";
        c->label = "second\n";
        prints(all(a, negate(c)),
               "# first\n"
               "(a == 1 or b == 1)\n"
               "not (\n"
               "    # second\\x0a\n"
               "    c == 1 and\n"
               "    d == 1\n"
               ")\n");
}
END_TEST

START_TEST(a_row_with_a_name_is_not_taken_apart) {
        struct sigma_expr *a = all(compare("a"), compare("b"));

        a->label = "both";
        prints(all(a, compare("c")), "# both\n(a == 1 and b == 1)\nc == 1\n");
}
END_TEST

START_TEST(lists_and_rows_that_are_too_long_are_broken) {
        static const char *const items[] = {
                "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"",
                "\"cccccccccccccccccccccccccccccc\"", "\"ddddddddddddddddddddddddddddddddd\"",
        };

        prints(sigma_expr_compare(&arena, "field", "contains", items, 4),
               "field contains [\n"
               "    \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\", "
               "\"cccccccccccccccccccccccccccccc\",\n"
               "    \"ddddddddddddddddddddddddddddddddd\"\n"
               "]\n");
        prints(sigma_expr_compare(&arena, "field", NULL, NULL, 0), "field\n");
}
END_TEST

UNIT_MAIN("import/sigma-expr",
          what_is_always_or_never_true_disappears,
          rows_of_one_kind_are_one_row,
          a_row_in_a_row_of_the_other_kind_has_parentheses,
          names_stand_above_what_they_name,
          a_row_with_a_name_is_not_taken_apart,
          lists_and_rows_that_are_too_long_are_broken)

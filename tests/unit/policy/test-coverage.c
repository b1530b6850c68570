/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/coverage.h"

#include "fixture.h"

static const char policies[] =
        "path \"b\" { severity = high mitre = [\"T1105\", \"T1059.004\"] exit { code == 1 } }"
        "path \"a\" { mitre = \"T1105\" exit { code == 2 } }"
        "path \"plain\" { exit { code == 3 } }"
        "path \"c\" { severity = low mitre = [\"T1059\", \"T1048.003\"] exit { code == 4 } }";

static void collect(const char *text, struct policy_set **ret_set, struct coverage *ret) {
        *ret_set = parse_good(text);
        ck_assert_int_eq(coverage_collect(*ret_set, ret), 0);
}

START_TEST(techniques_stand_in_order_with_their_policies) {
        struct policy_set *set;
        struct coverage c;
        struct strbuf b = {};

        collect(policies, &set, &c);
        ck_assert_uint_eq(c.n_techniques, 4);
        ck_assert_uint_eq(c.n_without, 1);
        coverage_put_text(&c, set, &b);
        ck_assert_str_eq(strbuf_str(&b), "T1048\n"
                                         "  .003      c (low)\n"
                                         "T1059       c (low)\n"
                                         "  .004      b (high)\n"
                                         "T1105       a (medium), b (high)\n"
                                         "\n"
                                         "4 techniques in 3 of 4 policies\n"
                                         "none in:    plain\n");
        strbuf_done(&b);
        coverage_done(&c);
        policy_set_free(set);
}
END_TEST

START_TEST(programs_get_the_same) {
        struct policy_set *set;
        struct coverage c;
        struct strbuf b = {};

        collect("path \"b\" { mitre = [\"T1105\"] exit { code == 1 } } path \"a\" { exit { code == 2 } }", &set, &c);
        coverage_put_json(&c, set, &b);
        ck_assert_str_eq(
                strbuf_str(&b),
                "{\"techniques\":[\n{\"id\":\"T1105\",\"policies\":[{\"name\":\"b\",\"severity\":\"medium\"}]}],\n"
                "\"without\":[\"a\"]}\n");
        strbuf_clear(&b);
        coverage_put_layer(&c, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "{\"name\":\"execrayd\",\"domain\":\"enterprise-attack\",\"versions\":{\"layer\":\"4.5\"},\n"
                         "\"techniques\":[\n{\"techniqueID\":\"T1105\",\"score\":1,\"comment\":\"b\"}]}\n");
        strbuf_done(&b);
        coverage_done(&c);
        policy_set_free(set);
}
END_TEST

START_TEST(nothing_is_said_of_a_set_that_names_nothing) {
        struct policy_set *set;
        struct coverage c;
        struct strbuf b = {};

        collect("path \"a\" { exit { code == 2 } }", &set, &c);
        coverage_put_text(&c, set, &b);
        ck_assert_str_eq(strbuf_str(&b), "0 techniques in 0 of 1 policies\nnone in:    a\n");
        strbuf_done(&b);
        coverage_done(&c);
        policy_set_free(set);
}
END_TEST

START_TEST(long_rows_are_broken) {
        struct policy_set *set;
        struct strbuf text = {}, b = {};
        struct coverage c;

        for (unsigned i = 0; i < 20; i++)
                strbuf_printf(&text, "path \"policy_%u\" { mitre = \"T1105\" exit { code == %u } }\n", i, i);
        collect(strbuf_str(&text), &set, &c);
        coverage_put_text(&c, set, &b);
        for (const char *line = strbuf_str(&b); *line; line += strcspn(line, "\n") + 1)
                ck_assert_uint_le(strcspn(line, "\n"), 112);
        strbuf_done(&text);
        strbuf_done(&b);
        coverage_done(&c);
        policy_set_free(set);
}
END_TEST

UNIT_MAIN("policy/coverage", techniques_stand_in_order_with_their_policies, programs_get_the_same,
          nothing_is_said_of_a_set_that_names_nothing, long_rows_are_broken)

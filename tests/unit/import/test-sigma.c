/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule becomes is told by tests/cases/sigma; here is what a run as a whole does. */
#include "import/sigma.h"

#include <errno.h>

#include "base/strbuf.h"
#include "unit.h"

#define RULE(title, image) \
        "title: " title "\nlogsource: {category: process_creation, product: linux}\n" \
        "detection: {s: {Image: " image "}, condition: s}\n"

static struct sigma_run run;
static struct diag_set diags;

static int import(const char *name, const char *text) {
        return sigma_run_file(&run, name, text, strlen(text), &diags);
}

static void begin(void) {
        sigma_run_init(&run, NULL);
        diag_set_init(&diags, 0);
}

static void end(void) {
        sigma_run_done(&run);
        diag_set_done(&diags);
}

START_TEST(paths_are_named_for_their_files_and_every_name_is_given_once) {
        begin();
        ck_assert_int_eq(import("a/b c.yml", RULE("x", "/a") "---\n" RULE("y", "/b")), 0);
        ck_assert_int_eq(import("d/b_c.yml", RULE("z", "/c")), 0);
        ck_assert_int_eq(import("noending", RULE("z", "/c")), 0);
        ck_assert_int_eq(import("/.yml", RULE("z", "/c")), 0);
        ck_assert_uint_eq(run.rules.n, 5);
        ck_assert_str_eq(run.rules.items[0]->name, "b_c");
        ck_assert_str_eq(run.rules.items[1]->name, "b_c_2");
        ck_assert_str_eq(run.rules.items[2]->name, "b_c_3");
        ck_assert_str_eq(run.rules.items[3]->name, "noending");
        ck_assert_str_eq(run.rules.items[4]->name, ".yml");
        ck_assert_uint_eq(run.n_outcomes[SIGMA_WHOLE], 5);
        end();
}
END_TEST

START_TEST(outcomes_are_counted_and_every_refusal_has_a_reason) {
        begin();
        import("f.yml", RULE("x", "/a") "---\n" RULE("y", "[relative, /b]") "---\n" RULE("z", "relative")
               "---\ntitle: w\nlogsource: {product: windows}\n---\n# nothing\n---\nno rule\n");
        ck_assert_uint_eq(run.rules.n, 5);
        ck_assert_uint_eq(run.n_outcomes[SIGMA_WHOLE], 1);
        ck_assert_uint_eq(run.n_outcomes[SIGMA_PART], 1);
        ck_assert_uint_eq(run.n_outcomes[SIGMA_REFUSED], 2);
        ck_assert_uint_eq(run.n_outcomes[SIGMA_FOREIGN], 1);
        ARRAY_FOREACH(rule, &run.rules) {
                ck_assert_int_eq(!(*rule)->policy, (*rule)->outcome >= SIGMA_REFUSED);
                ck_assert_int_eq((*rule)->n_reasons > 0, (*rule)->outcome != SIGMA_WHOLE);
        }
        ck_assert_int_eq(run.rules.items[1]->reasons[0].class, SIGMA_NEVER);
        ck_assert_uint_eq(run.rules.items[1]->reasons[0].span.line, 7);
        ck_assert_str_eq(run.rules.items[1]->title, "y");
        end();
}
END_TEST

START_TEST(what_cannot_be_read_goes_to_the_diags) {
        begin();
        ck_assert_int_eq(import("f.yml", "a: [\n"), -EBADMSG);
        ck_assert_uint_eq(diags.n_errors, 1);
        ck_assert_int_eq(sigma_run_file(&run, "g.yml", "", SIGMA_MAX_FILE_BYTES + 1, &diags), -EBADMSG);
        ck_assert_uint_eq(diags.n_errors, 2);
        ck_assert_uint_eq(run.rules.n, 0);
        end();
}
END_TEST

START_TEST(what_is_too_large_is_refused_with_a_reason) {
        struct strbuf b = {};

        begin();
        strbuf_put(&b, "title: x\nlogsource: {category: process_creation}\ndetection:\n  s:\n    CommandLine|re:\n");
        for (int i = 0; i < 1500; i++)
                strbuf_put(&b, "      - a+\n");
        strbuf_put(&b, "  condition: s\n");
        ck_assert_int_eq(import("terms.yml", strbuf_str(&b)), 0);
        ck_assert_int_eq(run.rules.items[0]->outcome, SIGMA_REFUSED);
        ck_assert_int_eq(run.rules.items[0]->reasons[0].class, SIGMA_POLICY);

        strbuf_clear(&b);
        strbuf_put(&b, "logsource: {category: process_creation}\ndetection: {s: {Image: /x}, condition: ");
        strbuf_put_repeat(&b, '(', 1000);
        strbuf_put(&b, "s}\n");
        ck_assert_int_eq(import("nested.yml", strbuf_str(&b)), 0);
        ck_assert_int_eq(run.rules.items[1]->reasons[0].class, SIGMA_SIZE);

        strbuf_clear(&b);
        strbuf_put(&b, "logsource: {category: process_creation}\ndetection:\n  s: {Image: /x}\n  condition: s");
        for (int i = 0; i < 3000; i++)
                strbuf_put(&b, " or s");
        ck_assert_int_eq(import("words.yml", strbuf_str(&b)), 0);
        ck_assert_int_eq(run.rules.items[2]->reasons[0].class, SIGMA_SIZE);
        strbuf_done(&b);
        end();
}
END_TEST

START_TEST(every_class_and_outcome_has_a_name) {
        for (int i = 0; i < _SIGMA_CLASS_MAX; i++) {
                ck_assert_ptr_nonnull(sigma_class_to_string(i));
                ck_assert_ptr_nonnull(sigma_class_doc(i));
        }
        ck_assert_ptr_null(sigma_class_to_string(_SIGMA_CLASS_MAX));
        for (int i = 0; i <= SIGMA_FOREIGN; i++)
                ck_assert_ptr_nonnull(sigma_outcome_to_string(i));
}
END_TEST

static int import_some(void *userdata) {
        static const char text[] = "title: x\nlevel: odd\ntags: [attack.t1059]\nlogsource: {category: file_event}\n"
                                   "detection:\n  s:\n    TargetFilename|base64offset|contains: [a, /b]\n"
                                   "    Hashes: x\n  t:\n    - TargetFilename: '*x?'\n      User: [root, y]\n"
                                   "  condition: 1 of them and not s\n";
        int r;

        begin();
        r = import("f.yml", text);
        end();
        return r;
}

START_TEST(without_memory_nothing_leaks) {
        ck_assert_uint_ge(alloc_fail_sweep(import_some, NULL), 1);
}
END_TEST

UNIT_MAIN("import/sigma",
          paths_are_named_for_their_files_and_every_name_is_given_once,
          outcomes_are_counted_and_every_refusal_has_a_reason,
          what_cannot_be_read_goes_to_the_diags,
          what_is_too_large_is_refused_with_a_reason,
          every_class_and_outcome_has_a_name,
          without_memory_nothing_leaks)

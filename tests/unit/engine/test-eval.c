/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/eval.h"

#include "../compile/compile-fixture.h"
#include "event/encode.h"

static struct program *program;
static struct plan plan;
static struct eval eval;
static struct evidence evidence;
static struct process_table *table;
static struct record record;
static struct event event;
static struct process *actor;

static void setup_with(const char *policies, const struct compile_options *options) {
        const struct process_table_limits limits = {
                .max_processes = 100,
                .max_image_bytes = 1 << 20,
                .max_cgroups = 4,
                .grace_ns = 1000,
        };

        program = compile_with(policies, options);
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        ck_assert_int_eq(plan_init(&plan, program), 0);
        ck_assert_int_eq(evidence_init(&evidence, 10, 10, 4096), 0);
        ck_assert_int_eq(eval_init(&eval, program, &plan, table, &evidence), 0);
}

/* One step with this condition. */
static void setup(const char *kind, const char *condition) {
        struct strbuf text = {};

        strbuf_printf(&text, "path \"p\" { %s { %s } }", kind, condition);
        setup_with(strbuf_str(&text), NULL);
        strbuf_done(&text);
}

static void teardown(void) {
        eval_done(&eval);
        evidence_done(&evidence);
        plan_done(&plan);
        process_table_free(table);
        program_unref(program);
}

static void begin(enum wire_kind kind, uint32_t pid, uint32_t creator) {
        record_begin(&record, kind);
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid * 10;
        record.header.creator_tgid = creator;
        record.header.creator_start_ns = creator * 10;
        record.header.time_ns = ++event.time_ns;
}

static void meet(void) {
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        actor = process_table_update(table, &event);
        eval_begin(&eval, &event, actor);
}

static void opens(uint32_t pid, const char *path) {
        begin(WIRE_KIND_openat, pid, 0);
        if (path)
                record_set_text(&record, FIELD_openat_pathname, path);
        meet();
}

static void executes_with(uint32_t pid, uint32_t creator, const char *exe, const char *const *argv) {
        begin(WIRE_KIND_execve, pid, creator);
        record_set_text(&record, FIELD_execve_exe, exe);
        record_set_text(&record, FIELD_execve_filename, exe);
        if (argv)
                record_set_list(&record, FIELD_execve_argv, argv);
        meet();
}

static void executes(uint32_t pid, uint32_t creator, const char *exe) {
        executes_with(pid, creator, exe, NULL);
}

/* Of the only step. */
static enum truth truth(void) {
        return eval_condition(&eval, program->edges[0].condition, EVIDENCE_NONE);
}

START_TEST(condition_is_worked_out_once_per_event) {
        uint64_t before;

        setup("openat", "pathname =~ 'x+y' or flags & O_CREAT");
        opens(1, "/axxy");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        before = eval.n_predicates;
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        ck_assert_uint_eq(eval.n_predicates, before);
        opens(1, "/ay");
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);       /* the flags are not known */
        ck_assert_uint_gt(eval.n_predicates, before);
        teardown();
}
END_TEST

START_TEST(matchers_change_no_answer) {
        static const char *const paths[] = {"/etc/passwd", "/etc/passwd-", "/tmp/x.sh", "/tmp", "", "/a/b/c", NULL};
        const char *policy =
                "path \"p\" { openat { not (pathname in [\"/etc/passwd\", \"/tmp\"]) and (pathname startswith "
                "\"/tmp/\" or pathname glob \"/a/*/c\" or pathname endswith \".sh\" or pathname contains \"ss\") } }";
        enum truth with[ELEMENTSOF(paths)];
        const struct compile_options without = {.without = COMPILE_WITHOUT(MATCH) | COMPILE_WITHOUT(DISPATCH)};

        setup_with(policy, NULL);
        ck_assert_uint_gt(program->n_matchers, 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                opens(1, paths[i]);
                with[i] = truth();
        }
        teardown();
        setup_with(policy, &without);
        ck_assert_uint_eq(program->n_matchers, 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                opens(1, paths[i]);
                ck_assert_int_eq(truth(), with[i]);
        }
        ck_assert_int_eq(with[1], TRUTH_TRUE);
        ck_assert_int_eq(with[3], TRUTH_FALSE);
        ck_assert_int_eq(with[6], TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(what_a_matcher_found_in_an_image_is_not_looked_for_again) {
        uint64_t before;

        setup("openat", "proc.name in [\"sh\", \"bash\"]");
        executes(1, 0, "/bin/sh");
        opens(1, "/a");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        before = eval.n_predicates;
        opens(1, "/b");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        ck_assert_uint_eq(eval.n_predicates, before);

        executes(1, 0, "/bin/cat");
        opens(1, "/b");
        ck_assert_int_eq(truth(), TRUTH_FALSE);
        opens(2, "/b");
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);       /* nobody knows what it runs */
        teardown();
}
END_TEST

START_TEST(parent_is_the_creator_and_having_none_is_known) {
        setup("openat", "not (parent.name == \"sh\")");
        executes(1, 0, "/sbin/init");
        executes(2, 1, "/bin/sh");
        executes(3, 2, "/bin/cat");
        opens(3, "/a");
        ck_assert_int_eq(truth(), TRUTH_FALSE);
        opens(2, "/a");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        opens(1, "/a");
        ck_assert_int_eq(truth(), TRUTH_TRUE);          /* PID 1 has no parent, so none called sh */
        opens(9, "/a");
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);       /* it has one, but nobody knows which */
        teardown();
}
END_TEST

START_TEST(any_ancestor_will_do_and_a_broken_chain_leaves_it_open) {
        setup("openat", "ancestor.name == \"sshd\"");
        executes(1, 0, "/sbin/init");
        executes(2, 1, "/usr/sbin/sshd");
        executes(3, 2, "/bin/bash");
        executes(4, 3, "/bin/cat");
        executes(5, 1, "/bin/cat");
        executes(7, 6, "/bin/cat");
        opens(4, "/a");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        opens(5, "/a");
        ck_assert_int_eq(truth(), TRUTH_FALSE);
        opens(7, "/a");
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(element_behind_the_end_of_a_whole_list_is_absent_and_of_a_cut_one_unknown) {
        setup("execve", "not (argv[2] == \"-x\")");
        executes_with(1, 0, "/bin/a", (const char *const[]){"a", "b", NULL});
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        executes_with(1, 0, "/bin/a", (const char *const[]){"a", "b", "-x", NULL});
        ck_assert_int_eq(truth(), TRUTH_FALSE);

        begin(WIRE_KIND_execve, 1, 0);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){"a", "b", NULL});
        record_mark_cut(&record, FIELD_execve_argv);
        meet();
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(any_element_is_true_for_a_whole_one_only) {
        setup("execve", "any argv == \"-x\"");
        executes_with(1, 0, "/bin/a", (const char *const[]){"a", "-x", NULL});
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        executes_with(1, 0, "/bin/a", (const char *const[]){"a", "-xy", NULL});
        ck_assert_int_eq(truth(), TRUTH_FALSE);

        begin(WIRE_KIND_execve, 1, 0);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){"a", "-x", NULL});
        record_mark_cut(&record, FIELD_execve_argv);
        meet();
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(foreign_field_is_absent_for_an_except) {
        setup_with("path \"p\" { openat { pathname == \"/a\" }  write { }  except { length == 5 } }", NULL);
        opens(1, "/a");
        ck_assert_int_eq(eval_condition(&eval, program->exceptions[0].condition, EVIDENCE_NONE), TRUTH_FALSE);
        begin(WIRE_KIND_write, 1, 0);
        meet();
        ck_assert_int_eq(eval_condition(&eval, program->exceptions[0].condition, EVIDENCE_NONE), TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(dispatch_finds_the_paths_whose_first_step_is_possible_and_few_others) {
        uint64_t dirty = 0;

        setup_with("path \"a\" { openat { pathname == \"/a\" } }"
                   "path \"b\" { openat { pathname startswith \"/b\", flags & O_CREAT } }"
                   "path \"c\" { openat { flags & O_CREAT } }"
                   "path \"d\" { execve { filename == \"/a\" } }"
                   "path \"e\" { openat { proc.name == \"sh\" } }",
                   NULL);
        opens(1, "/a");
        eval_dispatch(&eval, &dirty);
        ck_assert_uint_eq(dirty, 1 | 4);
        dirty = 0;
        executes(1, 0, "/bin/sh");
        eval_dispatch(&eval, &dirty);
        ck_assert_uint_eq(dirty, 0);
        for (unsigned i = 0; i < 2; i++) {      /* the second time the image is known */
                opens(1, "/bin");
                dirty = 0;
                eval_dispatch(&eval, &dirty);
                ck_assert_uint_eq(dirty, 2 | 4 | 16);
        }
        teardown();
}
END_TEST

START_TEST(actor_that_is_not_in_the_table_is_what_its_record_says) {
        setup("openat", "proc.uid == 1000, proc.pid == 5");
        begin(WIRE_KIND_openat, 5, 0);
        record.header.uid = 1000;
        meet();
        eval_begin(&eval, &event, NULL);
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        teardown();
}
END_TEST

START_TEST(regex_at_its_limits_is_unknown_and_said_to_be) {
        char *path = malloc(4001);

        setup("openat", "pathname =~ '^(([a-z])+.)+[A-Z]([a-z])+$'");
        memset(path, 'a', 4000);
        path[4000] = 0;
        opens(1, path);
        ck_assert_int_eq(truth(), TRUTH_UNKNOWN);
        ck_assert(eval.met_limit);
        free(path);
        teardown();
}
END_TEST

START_TEST(events_are_told_apart_also_when_their_numbers_start_again) {
        setup("openat", "pathname == \"/a\"");
        eval.generation = UINT32_MAX - 1;
        opens(1, "/a");
        ck_assert_int_eq(truth(), TRUTH_TRUE);
        opens(1, "/b");
        ck_assert_uint_eq(eval.generation, 1);
        ck_assert_int_eq(truth(), TRUTH_FALSE);
        teardown();
}
END_TEST

UNIT_MAIN("engine/eval",
          condition_is_worked_out_once_per_event,
          matchers_change_no_answer,
          what_a_matcher_found_in_an_image_is_not_looked_for_again,
          parent_is_the_creator_and_having_none_is_known,
          any_ancestor_will_do_and_a_broken_chain_leaves_it_open,
          element_behind_the_end_of_a_whole_list_is_absent_and_of_a_cut_one_unknown,
          any_element_is_true_for_a_whole_one_only,
          foreign_field_is_absent_for_an_except,
          dispatch_finds_the_paths_whose_first_step_is_possible_and_few_others,
          actor_that_is_not_in_the_table_is_what_its_record_says,
          regex_at_its_limits_is_unknown_and_said_to_be,
          events_are_told_apart_also_when_their_numbers_start_again)

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "stage.h"
#include "unit.h"

/* Every event is explained, as one line for each edge and one for each of its conditions:
 *
 *      run 1 step 2 takes
 *        true pathname == $f ("/a"; $f is "/a")
 */
static struct stage stage;
static struct explain *explain;
static struct strbuf told;
static const struct explain_run *current;

static void on_edge(const struct explain_edge *found, void *data) {
        static const char *const verdicts[] = {"takes", "false", "unknown", "failed", "not captured"};
        static const char *const truths[] = {"false", "unknown", "true"};
        const struct edge *edge = &stage.program->edges[found->edge];
        struct explain_node nodes[EXPLAIN_MAX_NODES];
        size_t n;

        if (edge->type == EDGE_KILL)
                strbuf_printf(&told, "run %u not %s\n", (unsigned)current->serial, verdicts[found->verdict]);
        else
                strbuf_printf(&told, "run %u step %u%s %s\n", (unsigned)current->serial,
                              stage.program->steps[edge->step].number, found->later ? " later" : "",
                              verdicts[found->verdict]);
        n = explain_condition(explain, current, edge->condition, nodes, ELEMENTSOF(nodes));
        for (size_t i = 0; i < n; i++) {
                strbuf_put_repeat(&told, ' ', 2 + 2 * nodes[i].depth);
                strbuf_printf(&told, "%s ", truths[nodes[i].truth]);
                explain_put_node(explain, current->path, &nodes[i], &told);
                if (nodes[i].shape == EXPLAIN_LEAF) {
                        strbuf_put(&told, " (");
                        explain_put_seen(explain, current, &nodes[i], &told);
                        strbuf_put_char(&told, ')');
                }
                strbuf_put_char(&told, '\n');
        }
        if (found->verdict == EXPLAIN_TAKES && edge->writes.n > 0) {
                strbuf_put(&told, "  ");
                explain_put_captures(explain, current->path, found->edge, &told);
                strbuf_put_char(&told, '\n');
        }
}

static void on_explained_run(const struct explain_run *run, void *data) {
        char text[SCOPE_TEXT];
        struct key key;

        current = run;
        if (run->serial > 0 && !run->concerned) {
                strbuf_printf(&told, "run %u is of ", (unsigned)run->serial);
                ck_assert(explain_key(explain, run, &key));
                key_format(&key, text, sizeof(text));
                strbuf_printf(&told, "%s, the event of ", text);
                ck_assert(explain_event_key(explain, run->path, &key));
                key_format(&key, text, sizeof(text));
                strbuf_printf(&told, "%s\n", text);
        }
        explain_edges(explain, run, on_edge, NULL);
}

static void on_event(struct engine *engine, void *data) {
        explain_begin(explain);
        explain_runs(explain, 0, on_explained_run, NULL);
}

static void on_run(const struct observation *observation, void *data) {
}

static const struct engine_observer observer = {on_event, on_run, NULL};

static void open_explained(struct program *program) {
        stage_open(&stage, program);
        ck_assert_int_eq(explain_new(stage.engine, &explain), 0);
        engine_observe(stage.engine, &observer);
}

static void close_explained(void) {
        explain = explain_free(explain);
        stage_close(&stage);
        strbuf_done(&told);
}

static void explains(const char *expected) {
        ck_assert_str_eq(strbuf_str(&told), expected);
        strbuf_clear(&told);
}

START_TEST(conditions_have_their_truth_and_the_values_that_were_seen) {
        open_explained(tuples("t", 60 * SECOND));
        opens(&stage, P, "/a");
        explains("run 0 step 1 takes\n  $f = \"/a\"\n");
        unlinks(&stage, P, "/b");
        explains("run 1 step 2 false\n  false pathname == $f (\"/b\"; $f is \"/a\")\n");
        unlinks_unknown(&stage, P);
        explains("run 1 step 2 unknown\n"
                 "  unknown pathname == $f (not known: it was not captured; $f is \"/a\")\n");
        unlinks(&stage, P, "/a");
        explains("run 1 step 2 takes\n  true pathname == $f (\"/a\"; $f is \"/a\")\n");
        close_explained();
}
END_TEST

START_TEST(capture_that_is_not_known_is_what_a_step_misses) {
        open_explained(tuples("t", 60 * SECOND));
        opens_unknown(&stage, P);
        explains("run 0 step 1 not captured\n");
        close_explained();
}
END_TEST

START_TEST(failed_call_is_said_to_have_failed) {
        open_explained(two_by(KEY_TREE, 0));
        opens_with_result(&stage, P, "/a", -13);
        explains("run 0 step 1 failed\n  true pathname == \"/a\" (\"/a\")\n");
        close_explained();
}
END_TEST

START_TEST(or_and_not_keep_their_shape_and_negation_is_read_inwards) {
        uint32_t or, both;

        builder_init(&b);
        builder_path(&b, "shapes");
        or = builder_or(&b, opened("/x"), builder_and(&b, opened_below("/a"), builder_not(&b, opened("/a/b"))));
        both = builder_and(&b, or, builder_not(&b, builder_or(&b, opened("/c"), opened("/d"))));
        step(WIRE_KIND_openat, both, POSITION_ACCEPT);
        open_explained(builder_finish(&b));
        opens(&stage, P, "/a/b");
        explains("run 0 step 1 false\n"
                 "  false one of:\n"
                 "    false pathname == \"/x\" (\"/a/b\")\n"
                 "    false all of:\n"
                 "      true pathname startswith \"/a\" (\"/a/b\")\n"
                 "      false pathname != \"/a/b\" (\"/a/b\")\n"
                 "  true pathname != \"/c\" (\"/a/b\")\n"
                 "  true pathname != \"/d\" (\"/a/b\")\n");
        close_explained();
}
END_TEST

START_TEST(run_of_another_key_is_named_with_both_keys) {
        open_explained(two_by(KEY_PROCESS, 0));
        opens(&stage, P, "/a");
        strbuf_clear(&told);
        opens(&stage, Q, "/b");
        explains("run 0 step 1 false\n  false pathname == \"/a\" (\"/b\")\n"
                 "run 0 step 2 later takes\n  true pathname == \"/b\" (\"/b\")\n"
                 "run 1 is of process 100, the event of process 200\n"
                 "run 1 step 2 takes\n  true pathname == \"/b\" (\"/b\")\n");
        close_explained();
}
END_TEST

START_TEST(asking_changes_nothing_that_the_engine_counts) {
        struct engine_stats plain, asked;

        for (unsigned round = 0; round < 2; round++) {
                if (round == 0)
                        stage_open(&stage, tuples("t", 60 * SECOND));
                else
                        open_explained(tuples("t", 60 * SECOND));
                at(0);
                opens(&stage, P, "/a");
                unlinks_unknown(&stage, P);
                unlinks(&stage, P, "/a");
                *(round == 0 ? &plain : &asked) = *stage_stats(&stage);
                if (round == 0)
                        stage_close(&stage);
        }
        ck_assert_mem_eq(&plain, &asked, sizeof(plain));
        close_explained();
}
END_TEST

UNIT_MAIN("engine/explain",
          conditions_have_their_truth_and_the_values_that_were_seen,
          capture_that_is_not_known_is_what_a_step_misses,
          failed_call_is_said_to_have_failed,
          or_and_not_keep_their_shape_and_negation_is_read_inwards,
          run_of_another_key_is_named_with_both_keys,
          asking_changes_nothing_that_the_engine_counts)

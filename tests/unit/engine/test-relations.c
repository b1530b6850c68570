/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* openat /a as $p, then openat /b by whom `related` says of the hidden capture $p.id. */
static struct program *related_by(uint32_t related(void), bool not) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "related");
        path->by = KEY_HOST;
        path->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_capture_from(&b, "$p.id", SUBJECT_PROCESS, FIELD_PROCESS_identity, true);
        builder_capture_from(&b, "$p.parent", SUBJECT_PARENT, FIELD_PROCESS_identity, true);
        if (not) {
                step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
                builder_kill(&b, WIRE_KIND_openat, builder_and(&b, opened("/b"), related()));
        } else
                step(WIRE_KIND_openat, builder_and(&b, opened("/b"), related()), POSITION_ACCEPT);
        return builder_finish(&b);
}

static uint32_t same(void) {
        return builder_guard_on(&b, SUBJECT_PROCESS, FIELD_PROCESS_identity, 0);
}

static uint32_t child(void) {
        return builder_guard_on(&b, SUBJECT_PARENT, FIELD_PROCESS_identity, 0);
}

static uint32_t sibling(void) {
        return builder_and(&b, builder_guard_on(&b, SUBJECT_PARENT, FIELD_PROCESS_identity, 1),
                           builder_not(&b, builder_guard_on(&b, SUBJECT_PROCESS, FIELD_PROCESS_identity, 0)));
}

static uint32_t descendant(void) {
        return builder_guard_on(&b, SUBJECT_ANCESTOR, FIELD_PROCESS_identity, 0);
}

/* Of a process whose fork was not seen, by its own record of its creator. */
static void opens_as_child_of(uint32_t pid, uint32_t creator, const char *path) {
        stage_begin(&stage, WIRE_KIND_openat, pid);
        record_set_text(&stage.record, PATHNAME, path);
        stage.record.header.creator_tgid = creator;
        stage.record.header.creator_start_ns = creator * 1000;
        stage_feed(&stage);
}

static unsigned n_matches(void) {
        return stage_stats(&stage)->n_completed;
}

START_TEST(same_process_is_itself_and_nobody_else) {
        stage_open(&stage, related_by(same, false));
        forks(&stage, P, Q);
        opens(&stage, P, "/a");
        opens(&stage, Q, "/b");
        ck_assert_uint_eq(n_matches(), 0);
        opens(&stage, P, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(child_is_who_was_created_by_it_and_no_grandchild) {
        stage_open(&stage, related_by(child, false));
        forks(&stage, P, Q);
        forks(&stage, Q, R);
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        opens(&stage, R, "/b");
        ck_assert_uint_eq(n_matches(), 0);
        opens(&stage, Q, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(sibling_has_the_same_creator_and_is_not_itself) {
        stage_open(&stage, related_by(sibling, false));
        forks(&stage, P, Q);
        forks(&stage, P, R);
        opens(&stage, Q, "/a");
        opens(&stage, Q, "/b");
        opens(&stage, P, "/b");
        ck_assert_uint_eq(n_matches(), 0);
        opens(&stage, R, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(descendant_is_a_child_or_below) {
        stage_open(&stage, related_by(descendant, false));
        forks(&stage, P, Q);
        forks(&stage, Q, R);
        opens(&stage, Q, "/a");
        opens(&stage, P, "/b");
        opens(&stage, Q, "/b");
        ck_assert_uint_eq(n_matches(), 0);
        opens(&stage, R, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(creator_is_known_by_its_child_though_nobody_else_knows_it) {
        stage_open(&stage, related_by(sibling, false));
        opens_as_child_of(Q, 77, "/a");
        opens_as_child_of(R, 77, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);

        stage_open(&stage, related_by(child, false));
        opens(&stage, P, "/a");
        exits(&stage, P);
        process_table_expire(stage.table, UINT64_MAX);
        ck_assert_ptr_null(process_table_find(stage.table, &(struct identity){.pid = P, .start_ns = P * 1000}));
        opens_as_child_of(Q, P, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(last_known_creator_counts_among_the_ancestors) {
        stage_open(&stage, related_by(descendant, false));
        opens(&stage, P, "/a");
        exits(&stage, P);
        process_table_expire(stage.table, UINT64_MAX);
        opens_as_child_of(Q, P, "/x");
        forks(&stage, Q, R);
        opens(&stage, R, "/b");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(chain_that_breaks_before_makes_a_not_uncertain) {
        stage_open(&stage, related_by(descendant, true));
        opens(&stage, P, "/a");
        opens_as_child_of(Q, 77, "/b");
        opens(&stage, P, "/c");
        stage_tells(&stage, "related 1@0 2@0 host $p.id=100 uncertain\n");
        stage_close(&stage);
}
END_TEST

START_TEST(comparison_with_a_hidden_capture_that_is_not_known_is_unknown) {
        /* Q's creator is not known: $p.parent stays unbound, and the step is taken all the same. */
        stage_open(&stage, related_by(sibling, false));
        opens(&stage, Q, "/a");
        opens_as_child_of(R, 77, "/b");
        ck_assert_uint_eq(n_matches(), 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        stage_close(&stage);

        stage_open(&stage, related_by(sibling, true));
        opens(&stage, Q, "/a");
        opens_as_child_of(R, 77, "/b");
        opens(&stage, P, "/c");
        stage_tells(&stage, "related 1@0 2@0 host $p.id=200 uncertain\n");
        stage_close(&stage);
}
END_TEST

START_TEST(runs_that_bound_a_hidden_capture_and_that_did_not_stay_apart) {
        stage_open(&stage, related_by(child, false));
        opens(&stage, P, "/a");
        opens_as_child_of(P, 77, "/a"); /* the same process, and now its creator is known */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        stage_close(&stage);
}
END_TEST

/* openat /a by one of whose creators all of this is true: `/bin/login`, and that it opened /s before. */
static struct program *below_login(bool and_captured) {
        struct path *path;
        uint32_t each;

        builder_init(&b);
        path = builder_path(&b, "below");
        path->by = KEY_HOST;
        path->suppress_ns = 0;
        if (and_captured) {
                step(WIRE_KIND_openat, opened("/s"), 1);
                builder_capture_from(&b, "$p.id", SUBJECT_PROCESS, FIELD_PROCESS_identity, true);
        }
        each = builder_predicate(&b, (struct predicate){
                                             .field = FIELD_PROCESS_exe,
                                             .subject = SUBJECT_EACH,
                                             .op = PREDICATE_SUFFIX,
                                             .index = INDEX_NONE,
                                             .string = assembly_string(&b.assembly, "login", 5),
                                     });
        if (and_captured)
                each = builder_and(&b, each, builder_guard_on(&b, SUBJECT_EACH, FIELD_PROCESS_identity, 0));
        else
                each = builder_and(&b, each,
                                   builder_predicate(&b, (struct predicate){
                                                                 .field = FIELD_PROCESS_uid,
                                                                 .subject = SUBJECT_EACH,
                                                                 .op = PREDICATE_EQUAL,
                                                                 .index = INDEX_NONE,
                                                                 .number = 0,
                                                         }));
        step(WIRE_KIND_openat, builder_and(&b, opened("/a"), builder_ancestor(&b, each)), POSITION_ACCEPT);
        return builder_finish(&b);
}

static void becomes(uint32_t pid, const char *file, uint32_t uid) {
        stage_begin(&stage, WIRE_KIND_execve, pid);
        record_set_text(&stage.record, FIELD_execve_filename, file);
        record_set_text(&stage.record, FIELD_execve_exe, file);
        stage.record.header.uid = uid;
        stage_feed(&stage);
}

START_TEST(one_and_the_same_ancestor_has_to_satisfy_all_conditions) {
        stage_open(&stage, below_login(false));
        forks(&stage, P, Q);
        forks(&stage, Q, R);
        becomes(P, "/bin/login", 33);
        becomes(Q, "/bin/sh", 0);
        opens(&stage, R, "/a"); /* one is login, the other is root */
        ck_assert_uint_eq(n_matches(), 0);

        becomes(Q, "/sbin/sulogin", 0);
        opens(&stage, R, "/a");
        ck_assert_uint_eq(n_matches(), 1);
        opens(&stage, Q, "/a"); /* itself is none of its creators */
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(one_and_the_same_ancestor_may_be_the_one_that_was_captured) {
        stage_open(&stage, below_login(true));
        becomes(P, "/bin/login", 0);
        forks(&stage, P, Q);
        becomes(Q, "/bin/sh", 0);
        forks(&stage, Q, R);
        opens(&stage, Q, "/s");
        opens(&stage, R, "/a"); /* Q was captured, P is login */
        ck_assert_uint_eq(n_matches(), 0);
        opens(&stage, P, "/s");
        opens(&stage, R, "/a");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

START_TEST(actor_that_found_no_room_in_the_table_has_the_creator_that_it_names) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "parent");
        path->by = KEY_HOST;
        path->suppress_ns = 0;
        step(WIRE_KIND_openat,
             builder_predicate(&b, (struct predicate){
                                           .field = FIELD_PROCESS_exe,
                                           .subject = SUBJECT_PARENT,
                                           .op = PREDICATE_STRING,
                                           .index = INDEX_NONE,
                                           .string = assembly_string(&b.assembly, "/bin/login", 10),
                                   }),
             POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));

        becomes(P, "/bin/login", 0);
        for (uint32_t pid = 1000; pid < 2001; pid++)
                opens(&stage, pid, "/a");
        opens_as_child_of(Q, P, "/a");
        ck_assert_ptr_null(process_table_find(stage.table, &(struct identity){.pid = Q, .start_ns = Q * 1000}));
        ck_assert_uint_eq(n_matches(), 1);
        opens(&stage, R, "/a");
        ck_assert_uint_eq(n_matches(), 1);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/relations", same_process_is_itself_and_nobody_else,
           child_is_who_was_created_by_it_and_no_grandchild, sibling_has_the_same_creator_and_is_not_itself,
           descendant_is_a_child_or_below, creator_is_known_by_its_child_though_nobody_else_knows_it,
           last_known_creator_counts_among_the_ancestors, chain_that_breaks_before_makes_a_not_uncertain,
           comparison_with_a_hidden_capture_that_is_not_known_is_unknown,
           runs_that_bound_a_hidden_capture_and_that_did_not_stay_apart,
           one_and_the_same_ancestor_has_to_satisfy_all_conditions,
           one_and_the_same_ancestor_may_be_the_one_that_was_captured,
           actor_that_found_no_room_in_the_table_has_the_creator_that_it_names)

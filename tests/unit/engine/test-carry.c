/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/carry.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/siphash.h"
#include "engine/carry-private.h"
#include "stage.h"
#include "unit.h"

static struct stage stage;
static struct strbuf left;
static struct carried carried;

static void restart(struct program *program) {
        strbuf_clear(&left);
        stage_save(&stage, &left);
        ck_assert_int_eq(stage_restart(&stage, program, &left, &carried), 0);
}

START_TEST(open_stories_complete_after_it_with_their_whole_evidence) {
        stage_open(&stage, tuples("m", 0));
        opens(&stage, P, "/1");
        at(1);
        opens(&stage, Q, "/2");
        at(2);
        restart(NULL);
        ck_assert_uint_eq(carried.n_runs, 2);
        ck_assert_uint_eq(carried.number, stage_number);
        unlinks(&stage, Q, "/1");
        unlinks(&stage, Q, "/2");
        stage_tells(&stage, "m 1@1 2@2 tree 200 $f=/2\n");
        at(3);
        restart(NULL);
        unlinks(&stage, P, "/1");
        stage_tells(&stage, "m 1@0 2@3 tree 100 $f=/1\n");
        stage_close(&stage);
}
END_TEST

/* Images are the only thing that is put together anew: what is saved of what was loaded is the same. */
START_TEST(what_an_actor_ran_is_the_same_after_it) {
        struct strbuf again = {};

        stage_open(&stage, two_by(KEY_TREE, 0));
        executes(&stage, P, "/bin/true");
        opens(&stage, P, "/a");
        restart(NULL);
        ck_assert_uint_eq(((const struct carry_head *)left.data)->n_images, 1);
        stage_save(&stage, &again);
        ck_assert_mem_eq(again.data, left.data, left.n);
        ck_assert_ptr_nonnull(memmem(again.data, again.n, "/bin/true", 9));
        strbuf_done(&again);
        stage_close(&stage);
}
END_TEST

START_TEST(deadlines_hold_after_it) {
        stage_open(&stage, tuples("m", 10 * SECOND));
        opens(&stage, P, "/1");
        at(5);
        restart(NULL);
        at(11);
        unlinks(&stage, P, "/1");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_expired, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(what_was_told_is_not_told_again_after_it_and_alerts_go_on_being_numbered) {
        stage_open(&stage, two_by(KEY_TREE, 60 * SECOND));
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        restart(NULL);
        ck_assert_uint_eq(carried.n_suppressed, 1);
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        engine_end(stage.engine);
        stage_tells(&stage, "two summary=1 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(runs_of_changed_paths_end_and_are_named_others_go_on_under_other_numbers) {
        struct path *path;

        builder_init(&b);
        two("gone");
        two("stays");
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");

        builder_init(&b);
        two("another");
        path = two("gone");
        path->hash[15] ^= 1;
        two("stays");
        restart(builder_finish(&b));
        ck_assert_uint_eq(carried.n_runs, 2);
        ck_assert_uint_eq(carried.n_ended, 2);
        ck_assert_str_eq(stage_ended, "gone:2 ");
        opens(&stage, P, "/b");
        stage_tells(&stage, "stays 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(narrower_bounds_keep_what_there_is_room_for) {
        const struct engine_limits wide = stage_limits;

        stage_open(&stage, tuples("m", 0));
        opens(&stage, P, "/1");
        opens(&stage, P, "/2");
        opens(&stage, P, "/3");
        stage_limits.max_runs = 2;
        restart(NULL);
        stage_limits = wide;
        ck_assert_uint_eq(carried.n_runs, 2);
        ck_assert_uint_eq(carried.n_refused, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        stage_close(&stage);
}
END_TEST

/* With a checksum that fits. */
static void seal(void) {
        uint64_t sum = carry_checksum(left.data, left.n - sizeof(sum));

        memcpy(left.data + left.n - sizeof(sum), &sum, sizeof(sum));
}

static void damage(size_t at, bool sealed, int error) {
        strbuf_clear(&left);
        stage_save(&stage, &left);
        left.data[at % left.n] ^= 1;
        if (sealed)
                seal();
        ck_assert_int_eq(stage_restart(&stage, NULL, &left, &carried), error);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        opens(&stage, P, "/a");
}

START_TEST(what_is_damaged_or_of_another_version_or_boot_is_refused_as_a_whole) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        damage(sizeof(struct carry_head) + 5, false, -EBADMSG);
        damage(offsetof(struct carry_head, version), true, -EPROTO);
        damage(offsetof(struct carry_head, wire_version), true, -EPROTO);
        damage(offsetof(struct carry_head, program_version), true, -EPROTO);
        damage(offsetof(struct carry_head, stamp), true, -EPROTO);
        damage(offsetof(struct carry_head, n_steps), true, -EBADMSG);
        damage(offsetof(struct carry_head, now_ns) + 7, true, -EBADMSG);        /* a time that has not come */

        for (size_t n = 0; n < left.n; n += 7) {
                struct strbuf part = {};

                strbuf_clear(&left);
                stage_save(&stage, &left);
                strbuf_put_n(&part, left.data, n);
                ck_assert_int_eq(stage_restart(&stage, NULL, &part, &carried), -EBADMSG);
                opens(&stage, P, "/a");
                strbuf_done(&part);
        }
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

static int put(const void *data, size_t n, void *userdata) {
        return 0;
}

static int refuse(const void *data, size_t n, void *userdata) {
        return -ENOSPC;
}

static int attempt_save(void *userdata) {
        static const uint8_t stamp[CARRY_STAMP];

        return engine_save(stage.engine, stamp, 1, userdata);
}

START_TEST(saving_that_fails_says_so_and_the_engine_goes_on) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        (void)alloc_fail_sweep(attempt_save, &(struct carry_sink){.put = put});
        ck_assert_int_eq(attempt_save(&(struct carry_sink){.put = refuse}), -ENOSPC);
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/carry",
          open_stories_complete_after_it_with_their_whole_evidence,
          what_an_actor_ran_is_the_same_after_it,
          deadlines_hold_after_it,
          what_was_told_is_not_told_again_after_it_and_alerts_go_on_being_numbered,
          runs_of_changed_paths_end_and_are_named_others_go_on_under_other_numbers,
          narrower_bounds_keep_what_there_is_room_for,
          what_is_damaged_or_of_another_version_or_boot_is_refused_as_a_whole,
          saving_that_fails_says_so_and_the_engine_goes_on)

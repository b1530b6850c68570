/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loss.h"

#include "engine/engine.h"

#include "stage.h"
#include "unit.h"

#define OPENS wire_kind_bit(WIRE_KIND_openat)
#define UNLINKS wire_kind_bit(WIRE_KIND_unlink)

static struct stage stage;

/* openat /a, openat /b; and the same with an unlink in between. */
static void open_stage(void) {
        builder_init(&b);
        builder_path(&b, "three")->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_unlink, unlinked("/u"), 2);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        two("two")->suppress_ns = 0;
        stage_open(&stage, builder_finish(&b));
        at(0);
}

START_TEST(what_was_read_behind_a_gap_and_happened_before_its_end_is_touched) {
        open_stage();
        gap_until(&stage, OPENS, 7, WIRE_LOSS_RING_FULL, 2);
        at(2);
        opens(&stage, P, "/a");
        at(5);
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@2 2@5 tree 100 gap=7,ring full\n");

        opens(&stage, Q, "/a");
        at(6);
        opens(&stage, Q, "/b");
        stage_tells(&stage, "two 1@5 2@6 tree 200\n");
        stage_close(&stage);
}
END_TEST

START_TEST(a_run_is_touched_when_it_comes_to_wait_for_what_is_lost) {
        open_stage();
        gap_until(&stage, UNLINKS, 7, WIRE_LOSS_SAMPLED, 1);
        gap_until(&stage, OPENS, 9, WIRE_LOSS_SHED, 3);
        opens(&stage, P, "/a");         /* "three" waits for unlink, "two" for openat */
        opens(&stage, Q, "/a");
        at(3);
        unlinks(&stage, P, "/u");       /* and now that one for openat, too */
        at(4);
        unlinks(&stage, Q, "/u");       /* but the gap is over */
        opens(&stage, P, "/b");
        opens(&stage, Q, "/b");
        stage_tells(&stage, "three 1@0 2@3 3@4 tree 100 gap=7,sampled,shed\n"
                            "two 1@0 2@4 tree 100 gap=9,shed\n"
                            "three 1@0 2@4 3@4 tree 200 gap=7,sampled\n"
                            "two 1@0 2@4 tree 200 gap=9,shed\n");
        stage_close(&stage);
}
END_TEST

START_TEST(a_gap_without_an_end_touches_nobody_later) {
        open_stage();
        gap(&stage, OPENS, 7);
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(a_story_is_told_of_each_gap_once_and_of_all_reasons) {
        open_stage();
        opens(&stage, P, "/a");
        gap_until(&stage, OPENS, 7, WIRE_LOSS_LIMITED, 9);
        gap_until(&stage, OPENS, 2, WIRE_LOSS_SHED, 9);
        at(1);
        opens(&stage, P, "/x");
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@1 tree 100 gap=9,limited,shed\n");
        stage_close(&stage);
}
END_TEST

START_TEST(without_room_two_gaps_are_one_that_touches_no_less) {
        struct loss loss = {};

        for (uint64_t i = 0; i <= LOSS_MAX; i++)
                loss_add(&loss, &(struct loss_gap){.kinds = UINT64_C(1) << i % 64, .until_ns = 1000 - i, .count = 1,
                                                   .reasons = i == 0 ? 2 : 4});
        ck_assert_uint_eq(loss.n, LOSS_MAX);
        ck_assert_uint_eq(loss.gaps[0].kinds, 3);
        ck_assert_uint_eq(loss.gaps[0].until_ns, 1000);
        ck_assert_uint_eq(loss.gaps[0].count, 2);
        ck_assert_uint_eq(loss.gaps[0].reasons, 6);
        ck_assert_uint_eq(loss.gaps[1].until_ns, 998);
        ck_assert_uint_eq(loss.gaps[LOSS_MAX - 1].until_ns, 1000 - LOSS_MAX);

        loss_forget(&loss, 998);
        ck_assert_uint_eq(loss.n, 2);
        loss_forget(&loss, 1001);
        ck_assert_uint_eq(loss.n, 0);
}
END_TEST

UNIT_MAIN("engine/loss", what_was_read_behind_a_gap_and_happened_before_its_end_is_touched,
          a_run_is_touched_when_it_comes_to_wait_for_what_is_lost, a_gap_without_an_end_touches_nobody_later,
          a_story_is_told_of_each_gap_once_and_of_all_reasons, without_room_two_gaps_are_one_that_touches_no_less)

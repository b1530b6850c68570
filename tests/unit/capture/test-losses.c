/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/losses.h"

#include "base/clock.h"

#include "unit.h"

#define BIT(kind) wire_kind_bit(WIRE_KIND_##kind)
#define MS NSEC_PER_MSEC

static struct losses losses;
static losses_table cpus[3];

static void begin(void) {
        memset(cpus, 0, sizeof(cpus));
        ck_assert_int_eq(losses_init(&losses, 2), 0);
}

static void lose(size_t cpu, enum wire_kind kind, enum wire_loss reason, uint64_t n) {
        cpus[cpu][kind][reason] += n;
        (void)losses_see(&losses, cpu, (const __u64(*)[_WIRE_LOSS_MAX])cpus[cpu]);
}

static void tells(uint64_t now_ns, bool all, uint64_t kinds, uint64_t count, enum wire_loss reason, uint64_t until_ns) {
        struct losses_gap gap;

        ck_assert(losses_next(&losses, now_ns, all, &gap));
        ck_assert_uint_eq(gap.kinds, kinds);
        ck_assert_uint_eq(gap.count, count);
        ck_assert_int_eq(gap.reason, reason);
        ck_assert_uint_eq(gap.until_ns, until_ns);
}

static void tells_nothing(uint64_t now_ns) {
        struct losses_gap gap;

        ck_assert(!losses_next(&losses, now_ns, false, &gap));
}

START_TEST(what_was_lost_is_told_once_for_each_reason_and_until_now) {
        begin();
        tells_nothing(1);
        lose(0, WIRE_KIND_openat, WIRE_LOSS_RING_FULL, 3);
        lose(1, WIRE_KIND_openat, WIRE_LOSS_RING_FULL, 4);
        lose(1, WIRE_KIND_write, WIRE_LOSS_RING_FULL, 1);
        lose(2, WIRE_KIND_exit, WIRE_LOSS_SKIPPED, 2);
        tells(10, false, BIT(openat) | BIT(write), 8, WIRE_LOSS_RING_FULL, 10);
        tells(10, false, BIT(exit), 2, WIRE_LOSS_SKIPPED, 10);
        tells_nothing(10);

        lose(0, WIRE_KIND_openat, WIRE_LOSS_RING_FULL, 1);
        tells(11, false, BIT(openat), 1, WIRE_LOSS_RING_FULL, 11);
        tells_nothing(12);
        losses_done(&losses);
}
END_TEST

START_TEST(what_is_left_out_on_purpose_is_told_ahead_and_counted_behind) {
        uint64_t start = 1000 * MS;

        begin();
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 5);
        tells(start, false, BIT(read), 5, WIRE_LOSS_SAMPLED, start + LOSSES_AHEAD_NS);
        for (unsigned i = 1; i <= 99; i++) {
                lose(i % 2, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 2);
                tells_nothing(start + i * MS);
        }
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 2);
        tells(start + 101 * MS, false, BIT(read), 200, WIRE_LOSS_SAMPLED, start + 101 * MS + LOSSES_AHEAD_NS);
        losses_done(&losses);
}
END_TEST

START_TEST(another_kind_or_reason_does_not_wait) {
        begin();
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 5);
        tells(10, false, BIT(read), 5, WIRE_LOSS_SAMPLED, 10 + LOSSES_AHEAD_NS);
        lose(0, WIRE_KIND_write, WIRE_LOSS_SAMPLED, 1);
        tells(20, false, BIT(read) | BIT(write), 1, WIRE_LOSS_SAMPLED, 20 + LOSSES_AHEAD_NS);
        lose(0, WIRE_KIND_read, WIRE_LOSS_SHED, 1);
        tells(30, false, BIT(read), 1, WIRE_LOSS_SHED, 30 + LOSSES_AHEAD_NS);
        lose(0, WIRE_KIND_read, WIRE_LOSS_RING_FULL, 1);
        tells(40, false, BIT(read), 1, WIRE_LOSS_RING_FULL, 40);
        losses_done(&losses);
}
END_TEST

START_TEST(what_is_told_late_says_when_it_was) {
        begin();
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 1);
        tells(10, false, BIT(read), 1, WIRE_LOSS_SAMPLED, 10 + LOSSES_AHEAD_NS);
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 7);
        tells_nothing(50);
        tells(10 * NSEC_PER_SEC, false, BIT(read), 7, WIRE_LOSS_SAMPLED, 50);

        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 1);
        tells(11 * NSEC_PER_SEC, false, BIT(read), 1, WIRE_LOSS_SAMPLED, 11 * NSEC_PER_SEC + LOSSES_AHEAD_NS);
        lose(0, WIRE_KIND_read, WIRE_LOSS_SAMPLED, 2);
        tells_nothing(11 * NSEC_PER_SEC + 1);
        tells(11 * NSEC_PER_SEC + 2, true, BIT(read), 2, WIRE_LOSS_SAMPLED, 11 * NSEC_PER_SEC + 1);
        losses_done(&losses);
}
END_TEST

START_TEST(a_look_at_a_sum_says_whether_there_is_more) {
        begin();
        ck_assert(!losses_is_new(&losses, 1, 0));
        ck_assert(losses_is_new(&losses, 1, 4));
        ck_assert(!losses_is_new(&losses, 1, 4));
        ck_assert(!losses_is_new(&losses, 0, 0));
        losses_done(&losses);
}
END_TEST

static int attempt(void *userdata) {
        struct losses l;
        int r = losses_init(&l, 2);

        if (r >= 0)
                losses_done(&l);
        return r;
}

START_TEST(out_of_memory_leaves_nothing_behind) {
        alloc_fail_sweep(attempt, NULL);
}
END_TEST

UNIT_MAIN("capture/losses", what_was_lost_is_told_once_for_each_reason_and_until_now,
          what_is_left_out_on_purpose_is_told_ahead_and_counted_behind, another_kind_or_reason_does_not_wait,
          what_is_told_late_says_when_it_was, a_look_at_a_sum_says_whether_there_is_more,
          out_of_memory_leaves_nothing_behind)

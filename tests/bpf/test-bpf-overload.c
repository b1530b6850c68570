/* SPDX-License-Identifier: Apache-2.0 */
/* What is left out on purpose: exactly as much as was asked for, counted, never of high priority. The host is shared:
 * kinds that hardly anybody else makes are looked at, and where others did, it is tried again. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"

#include "child.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define WATCHED LAB_KINDS(WIRE_KIND_memfd_create, WIRE_KIND_dup, WIRE_KIND_setuid)
#define TRIES 5

static const struct capture_overload none = {};

static void govern(const struct capture_overload *overload) {
        struct interest interest = lab_interest(WATCHED);
        struct capture_stats stats;

        lab_watch(&interest);
        capture_set_overload(lab.capture, overload);
        ck_assert(lab_read_all(&stats));
        lab_forget();
}

static void pin(void) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(0, &set);
        EXPECT(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* Kinds of medium, low and high priority. */
static void make_memfds(int n) {
        for (int i = 0; i < n; i++) {
                char name[16];

                snprintf(name, sizeof(name), "%d", i);
                close(memfd_create(name, 0));
        }
}

static void make_dups(int n) {
        for (int i = 0; i < n; i++)
                close(dup(0));
}

static void set_users(int n) {
        for (int i = 0; i < n; i++)
                (void)!setuid(getuid());
}

/* What came about meanwhile, of a kind. */
static struct capture_stats before, after;

static void count_from_here(void) {
        ck_assert(lab_read_all(&before));
}

static void count_to_here(void) {
        ck_assert(lab_read_all(&after));
}

static uint64_t produced(enum wire_kind kind) {
        return after.produced[kind] - before.produced[kind];
}

static uint64_t lost(enum wire_kind kind, enum wire_loss reason) {
        return after.lost[kind][reason] - before.lost[kind][reason];
}

/* ---- sampling ---- */

START_TEST(one_in_so_many_is_told_and_the_others_are_counted_and_nobody_knows_which) {
        const struct capture_overload overload = {.limits = {[WIRE_PRIORITY_MEDIUM] = {.sample = 10}}};
        unsigned by_place[10] = {}, n_places = 0;
        pid_t pid = 0;

        for (int try = 0; try < TRIES; try++) {
                /* Another number in between: turns begin anew. */
                govern(&overload);
                count_from_here();
                pid = RUN({ pin(); make_memfds(1000); });
                count_to_here();
                if (produced(WIRE_KIND_memfd_create) == 1000)
                        break;
        }
        ck_assert_uint_eq(lost(WIRE_KIND_memfd_create, WIRE_LOSS_SAMPLED) + lab_count(WIRE_KIND_memfd_create, 0),
                          produced(WIRE_KIND_memfd_create));
        if (produced(WIRE_KIND_memfd_create) == 1000) {
                /* At most one more or less: a turn of ten may have begun before. */
                ck_assert_uint_ge(lab_count(WIRE_KIND_memfd_create, pid), 99);
                ck_assert_uint_le(lab_count(WIRE_KIND_memfd_create, pid), 101);
                for (size_t i = 0; i < lab_count(WIRE_KIND_memfd_create, pid); i++)
                        by_place[atoi(lab_text(lab_find(WIRE_KIND_memfd_create, pid, i), F(memfd_create, name))) %
                                 10]++;
                for (int i = 0; i < 10; i++)
                        n_places += by_place[i] > 0;
                ck_assert_uint_gt(n_places, 4);
        }

        /* Of low priority nothing was to be left out. */
        ck_assert_uint_eq(lost(WIRE_KIND_dup, WIRE_LOSS_SAMPLED), 0);
        govern(&none);
        RUN({ make_memfds(10); });
        ck_assert_uint_eq(lab_count(WIRE_KIND_memfd_create, 0), 10);
}
END_TEST

/* ---- limits ---- */

START_TEST(burst_passes_and_what_comes_faster_than_the_rate_does_not) {
        const struct capture_overload overload = {.limits = {[WIRE_PRIORITY_MEDIUM] = {.rate = 1, .burst = 25}}};
        uint64_t begun_ns, n_told, n_later;
        pid_t pid;

        govern(&overload);
        count_from_here();
        begun_ns = clock_boottime_ns();
        pid = RUN({ make_memfds(500); });
        count_to_here();
        n_told = produced(WIRE_KIND_memfd_create) - lost(WIRE_KIND_memfd_create, WIRE_LOSS_LIMITED);
        n_later = (clock_boottime_ns() - begun_ns) / NSEC_PER_SEC + 1;
        ck_assert_uint_ge(produced(WIRE_KIND_memfd_create), 500);
        ck_assert_uint_le(n_told, 25 + n_later);
        ck_assert_uint_eq(n_told, lab_count(WIRE_KIND_memfd_create, 0));
        if (produced(WIRE_KIND_memfd_create) == 500) {
                ck_assert_uint_ge(n_told, 25);
                /* The first ones. */
                for (int i = 0; i < 25; i++)
                        ck_assert_int_eq(
                                atoi(lab_text(lab_find(WIRE_KIND_memfd_create, pid, i), F(memfd_create, name))), i);
        }
        govern(&none);
}
END_TEST

START_TEST(bucket_fills_again_with_time) {
        const struct capture_overload overload = {.limits = {[WIRE_PRIORITY_MEDIUM] = {.rate = 50, .burst = 5}}};
        uint64_t begun_ns, n_told, took_ns;

        govern(&overload);
        count_from_here();
        begun_ns = clock_boottime_ns();
        RUN({
                for (int i = 0; i < 50; i++) {
                        make_memfds(4);
                        usleep(10000);
                }
        });
        took_ns = clock_boottime_ns() - begun_ns;
        count_to_here();
        n_told = lab_count(WIRE_KIND_memfd_create, 0);
        /* 200 in half a second, of which 50 a second and 5. */
        ck_assert_uint_le(n_told, 5 + 50 * took_ns / NSEC_PER_SEC + 1);
        ck_assert_uint_ge(n_told, 5 + 50 / 2 - 5);
        ck_assert_uint_gt(lost(WIRE_KIND_memfd_create, WIRE_LOSS_LIMITED), 0);
        govern(&none);
}
END_TEST

START_TEST(process_that_makes_noise_does_not_use_up_what_others_may_tell) {
        const struct capture_overload overload = {
                .limits = {[WIRE_PRIORITY_MEDIUM] = {.rate = 1, .burst = 60, .process_rate = 1, .process_burst = 20}}};
        pid_t loud, quiet;

        govern(&overload);
        count_from_here();
        loud = RUN({ make_memfds(500); });
        quiet = RUN({ make_memfds(10); });
        count_to_here();
        ck_assert_uint_ge(lab_count(WIRE_KIND_memfd_create, loud), 20);
        ck_assert_uint_le(lab_count(WIRE_KIND_memfd_create, loud), 20 + 5);
        if (produced(WIRE_KIND_memfd_create) == 510)
                ck_assert_uint_eq(lab_count(WIRE_KIND_memfd_create, quiet), 10);
        govern(&none);
}
END_TEST

/* ---- how it is told ---- */

static void make_memfds_for_long(void) {
        for (int i = 0; i < 60; i++) {
                make_memfds(20);
                usleep(5000);
        }
}

START_TEST(what_goes_on_for_long_is_told_now_and_then_and_to_the_last) {
        const struct capture_overload overload = {.limits = {[WIRE_PRIORITY_MEDIUM] = {.sample = 4}}};
        uint64_t begun_ns, took_ns, until_ns = 0, told = 0;
        size_t n_gaps = 0;
        pid_t pid;

        govern(&overload);
        count_from_here();
        begun_ns = clock_boottime_ns();
        pid = lab_fork();
        if (pid == 0) {
                make_memfds_for_long();
                _exit(0);
        }
        while (waitpid(pid, NULL, WNOHANG) == 0) {
                lab_read();
                usleep(500);
        }
        took_ns = clock_boottime_ns() - begun_ns;
        count_to_here();

        /* One that lasts 0.1 s, and behind it one that counts what came meanwhile. */
        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];

                if (record->kind != WIRE_KIND_gap || lab_number(record, F(gap, reason)) != WIRE_LOSS_SAMPLED)
                        continue;
                ck_assert(lab_number(record, F(gap, kinds)) & (int64_t)wire_kind_bit(WIRE_KIND_memfd_create));
                told += (uint64_t)lab_number(record, F(gap, count));
                until_ns = MAX(until_ns, (uint64_t)lab_number(record, F(gap, until)));
                n_gaps++;
        }
        ck_assert_uint_eq(told, lost(WIRE_KIND_memfd_create, WIRE_LOSS_SAMPLED));
        ck_assert_uint_ge(n_gaps, 1);
        ck_assert_uint_le(n_gaps, 3 + 2 * (took_ns / (100 * NSEC_PER_MSEC)));
        ck_assert_uint_gt(until_ns, begun_ns);
        ck_assert_uint_gt(lab_count(WIRE_KIND_memfd_create, pid), 10 * n_gaps);
        govern(&none);
}
END_TEST

/* ---- shedding ---- */

/* A child that does `n` of it, of which nothing is read meanwhile. */
#define RUN_UNREAD(...)                                                                                                \
        do {                                                                                                           \
                pid_t child_ = lab_fork();                                                                             \
                if (child_ == 0) {                                                                                     \
                        __VA_ARGS__                                                                                    \
                        _exit(0);                                                                                      \
                }                                                                                                      \
                ck_assert_int_eq(waitpid(child_, NULL, 0), child_);                                                    \
        } while (0)

static uint64_t percent(void) {
        struct capture_stats stats;

        capture_stats(lab.capture, &stats);
        return stats.ring_pending * 100 / stats.ring_bytes;
}

static uint64_t shed(enum wire_kind kind) {
        struct capture_stats stats;

        capture_stats(lab.capture, &stats);
        return stats.lost[kind][WIRE_LOSS_SHED] - before.lost[kind][WIRE_LOSS_SHED];
}

static void read_until_below(uint64_t per_cent) {
        while (percent() >= per_cent)
                ck_assert_int_gt(capture_dispatch(lab.capture, 64), 0);
}

START_TEST(low_priority_is_shed_before_medium_and_comes_back_only_below_a_lower_mark) {
        uint64_t n_low, n_medium;

        govern(&none);
        count_from_here();
        while (shed(WIRE_KIND_dup) == 0)
                RUN_UNREAD({ make_dups(2000); });
        ck_assert_uint_ge(percent(), 59);
        ck_assert_uint_le(percent(), 64);
        ck_assert_uint_eq(shed(WIRE_KIND_memfd_create), 0);

        while (shed(WIRE_KIND_memfd_create) == 0)
                RUN_UNREAD({ make_memfds(2000); });
        ck_assert_uint_ge(percent(), 74);
        ck_assert_uint_le(percent(), 78);
        ck_assert_uint_eq(shed(WIRE_KIND_setuid), 0);

        /* In between both go on being shed, though there would be room for more. */
        read_until_below(58);
        n_low = shed(WIRE_KIND_dup);
        n_medium = shed(WIRE_KIND_memfd_create);
        RUN_UNREAD({
                make_dups(100);
                make_memfds(100);
        });
        ck_assert_uint_ge(shed(WIRE_KIND_dup), n_low + 100);
        ck_assert_uint_ge(shed(WIRE_KIND_memfd_create), n_medium + 100);

        /* Medium comes first. */
        read_until_below(50);
        n_low = shed(WIRE_KIND_dup);
        n_medium = shed(WIRE_KIND_memfd_create);
        RUN_UNREAD({
                make_dups(100);
                make_memfds(100);
        });
        ck_assert_uint_ge(shed(WIRE_KIND_dup), n_low + 100);
        ck_assert_uint_eq(shed(WIRE_KIND_memfd_create), n_medium);

        read_until_below(35);
        n_low = shed(WIRE_KIND_dup);
        RUN_UNREAD({ make_dups(100); });
        ck_assert_uint_eq(shed(WIRE_KIND_dup), n_low);

        count_to_here();
        ck_assert_uint_eq(after.n_sheds - before.n_sheds, 2);
        ck_assert_uint_eq(lost(WIRE_KIND_dup, WIRE_LOSS_SHARE), 0);
        govern(&none);
}
END_TEST

START_TEST(who_does_not_want_shedding_has_what_fits_the_ring) {
        const struct capture_overload overload = {
                .limits = {[WIRE_PRIORITY_MEDIUM] = {.shed = 100}, [WIRE_PRIORITY_LOW] = {.shed = 100}}};

        govern(&overload);
        count_from_here();
        for (int i = 0; i < 200 && percent() < 74; i++)
                RUN_UNREAD({ make_dups(2000); });
        RUN_UNREAD({ make_dups(4000); });
        count_to_here();
        ck_assert_uint_eq(lost(WIRE_KIND_dup, WIRE_LOSS_SHED), 0);
        ck_assert_uint_gt(lost(WIRE_KIND_dup, WIRE_LOSS_SHARE), 0);
        govern(&none);
}
END_TEST

/* ---- high priority ---- */

START_TEST(nothing_of_high_priority_is_left_out_by_any_of_them) {
        static const struct capture_limits strict = {
                .sample = 1000, .rate = 1, .burst = 1, .process_rate = 1, .process_burst = 1, .shed = 1};
        const struct capture_overload overload = {
                .limits = {[WIRE_PRIORITY_MEDIUM] = strict, [WIRE_PRIORITY_LOW] = strict}};
        pid_t pid;

        govern(&overload);
        count_from_here();
        pid = lab_fork();
        if (pid == 0) {
                make_dups(200);
                make_memfds(200);
                for (int i = 0; i < 50; i++) {
                        pid_t child = vfork();

                        if (child == 0) {
                                execl("/bin/true", "true", NULL);
                                _exit(1);
                        }
                        (void)waitpid(child, NULL, 0);
                }
                set_users(500);
                _exit(0);
        }
        lab_reap(pid);
        count_to_here();
        ck_assert_uint_gt(lost(WIRE_KIND_memfd_create, WIRE_LOSS_SAMPLED), 190);
        ck_assert_uint_gt(lost(WIRE_KIND_dup, WIRE_LOSS_SAMPLED), 190);
        ck_assert_uint_eq(lab_count(WIRE_KIND_fork, pid), 50);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setuid, pid), 500);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (int reason = WIRE_LOSS_SAMPLED; reason <= WIRE_LOSS_SHED; reason++)
                        if (event_priority((enum wire_kind)kind) == WIRE_PRIORITY_HIGH)
                                ck_assert_uint_eq(after.lost[kind][reason], 0);
        govern(&none);
}
END_TEST

LAB_MAIN("bpf/overload", NULL, NULL,
         one_in_so_many_is_told_and_the_others_are_counted_and_nobody_knows_which,
         burst_passes_and_what_comes_faster_than_the_rate_does_not, bucket_fills_again_with_time,
         process_that_makes_noise_does_not_use_up_what_others_may_tell,
         what_goes_on_for_long_is_told_now_and_then_and_to_the_last,
         low_priority_is_shed_before_medium_and_comes_back_only_below_a_lower_mark,
         who_does_not_want_shedding_has_what_fits_the_ring, nothing_of_high_priority_is_left_out_by_any_of_them)

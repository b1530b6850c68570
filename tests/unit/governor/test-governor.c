/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/governor.h"

#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "unit.h"

#define KEY 1
#define FILTER 0
#define ARMING 1
#define BOTH 3U

static struct governor governor;
static struct governor_note notes[GOVERNOR_MAX_NOTES];
static size_t n_notes;                  /* of the last period */
static uint64_t n_of[GOVERNOR_SWITCHES_OFF + 1];        /* of all */
static uint64_t seed = 1;

static unsigned draw(unsigned below) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(seed >> 33) % below;
}

static void begin(bool may_switch) {
        governor_init(&governor, KEY, may_switch);
        governor_configure(&governor, KEY, may_switch, BOTH);
        memset(n_of, 0, sizeof(n_of));
}

/* An ordinary period: 1000 events/s, of which a half passes. */
static struct governor_sample ordinary(void) {
        uint64_t duration_ns = (governor_is_trying(&governor) ? 2 : 10) * NSEC_PER_SEC, n = duration_ns / NSEC_PER_MSEC;

        return (struct governor_sample){
                .duration_ns = duration_ns,
                .n_read = n / 2,
                .n_filtered = n / 2,
                .latency_p99_ns = NSEC_PER_MSEC,
                .cpu_ns = n * 2000,
                .memory_bytes = UINT64_C(20) << 20,
        };
}

static void feed(const struct governor_sample *sample) {
        n_notes = governor_feed(&governor, sample, notes);
        ck_assert_uint_le(n_notes, GOVERNOR_MAX_NOTES);
        for (size_t i = 0; i < n_notes; i++)
                n_of[notes[i].type]++;
}

static void feed_ordinary(unsigned n) {
        while (n-- > 0) {
                struct governor_sample sample = ordinary();

                feed(&sample);
        }
}

/* As if processor time were so much for an event. */
static void feed_cost(uint64_t cost_ns) {
        struct governor_sample sample = ordinary();

        sample.cpu_ns = (sample.n_read + sample.n_filtered) * cost_ns;
        feed(&sample);
}

static void expect_nothing(void) {
        for (size_t i = 0; i < sizeof(n_of) / sizeof(n_of[0]); i++)
                ck_assert_uint_eq(n_of[i], 0);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
}

START_TEST(a_steady_host_is_never_told_of) {
        begin(true);
        feed_ordinary(1000);
        expect_nothing();
}
END_TEST

START_TEST(noise_within_bounds_never_trips_it) {
        for (seed = 1; seed < 200; seed++) {
                uint64_t s = seed;

                begin(true);
                for (int i = 0; i < 300; i++) {
                        struct governor_sample sample = ordinary();

                        sample.n_read = sample.n_read * (75 + draw(51)) / 100;
                        sample.cpu_ns = sample.cpu_ns * (75 + draw(51)) / 100;
                        sample.latency_p99_ns = sample.latency_p99_ns * (75 + draw(51)) / 100;
                        sample.memory_bytes = sample.memory_bytes * (75 + draw(51)) / 100;
                        sample.n_lost = draw(20);
                        feed(&sample);
                }
                expect_nothing();
                seed = s;
        }
}
END_TEST

START_TEST(one_spike_and_even_two_are_not_told) {
        begin(true);
        feed_ordinary(20);
        for (int i = 0; i < 50; i++) {
                feed_cost(1000000);
                feed_cost(1000000);
                feed_ordinary(1);
        }
        expect_nothing();
}
END_TEST

START_TEST(a_spike_while_it_learns_does_not_spoil_the_baseline) {
        begin(false);
        feed_cost(1000000);
        feed_ordinary(20);
        for (int i = 0; i < GOVERNOR_PATIENCE; i++)
                feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        ck_assert_uint_eq(notes[0].reference, 2000);
}
END_TEST

START_TEST(a_step_is_told_once_and_its_end_once) {
        begin(false);
        feed_ordinary(20);
        feed_cost(20000);
        feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 0);
        feed_cost(21000);
        ck_assert_uint_eq(n_notes, 1);
        ck_assert_int_eq(notes[0].type, GOVERNOR_DEGRADED);
        ck_assert_int_eq(notes[0].measure, MEASURE_COST);
        ck_assert_uint_eq(notes[0].value, 21000);
        ck_assert_uint_eq(notes[0].reference, 2000);
        for (int i = 0; i < 100; i++)
                feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        feed_ordinary(2);
        ck_assert_uint_eq(n_of[GOVERNOR_RECOVERED], 0);
        feed_ordinary(100);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        ck_assert_uint_eq(n_of[GOVERNOR_RECOVERED], 1);
        ck_assert_uint_eq(n_of[GOVERNOR_TRIES], 0);
}
END_TEST

/* Between half way and the bound both states stay. */
START_TEST(what_goes_to_and_fro_around_the_bound_is_told_once) {
        uint64_t bound = governor_bound(MEASURE_COST, 2000);

        begin(false);
        feed_ordinary(20);
        for (int i = 0; i < 300; i++)
                feed_cost(i % 2 ? bound + 1 : bound - 1);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 0);
        for (int i = 0; i < 300; i++)
                feed_cost(i % 10 < 5 ? bound + 1 : bound - 1);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        ck_assert_uint_eq(n_of[GOVERNOR_RECOVERED], 0);
}
END_TEST

START_TEST(each_measure_is_told_with_its_own_figures) {
        struct governor_sample sample;
        unsigned told = 0;

        begin(false);
        feed_ordinary(20);
        for (int i = 0; i < GOVERNOR_PATIENCE; i++) {
                sample = ordinary();
                sample.latency_p99_ns = 50 * NSEC_PER_MSEC;
                sample.n_lost = sample.n_read;
                sample.memory_bytes = UINT64_C(200) << 20;
                sample.cpu_ns *= 20;
                feed(&sample);
        }
        ck_assert_uint_eq(n_notes, _MEASURE_MAX);
        for (size_t i = 0; i < n_notes; i++) {
                struct strbuf b = {};

                told |= 1U << notes[i].measure;
                governor_note_put(&notes[i], "", &b);
                ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "has got worse: "));
                strbuf_done(&b);
        }
        ck_assert_uint_eq(told, (1U << _MEASURE_MAX) - 1);
        ck_assert_uint_eq(governor.n_degraded, _MEASURE_MAX);
}
END_TEST

START_TEST(nothing_at_all_is_no_reason_and_no_division) {
        struct governor_sample nothing = {}, idle = {.duration_ns = 10 * NSEC_PER_SEC, .cpu_ns = NSEC_PER_SEC,
                                                     .memory_bytes = UINT64_C(20) << 20},
                               few = {.duration_ns = 10 * NSEC_PER_SEC, .n_read = GOVERNOR_MIN_EVENTS - 1,
                                      .cpu_ns = 9 * NSEC_PER_SEC, .latency_p99_ns = NSEC_PER_MIN,
                                      .memory_bytes = UINT64_C(20) << 20};

        begin(true);
        for (int i = 0; i < 50; i++) {
                feed(&nothing);
                feed(&idle);
                feed(&few);
        }
        feed_ordinary(20);
        for (int i = 0; i < 50; i++) {
                feed(&nothing);
                feed(&idle);
                feed(&few);
        }
        feed_ordinary(20);
        expect_nothing();
}
END_TEST

/* At 25 events/s each costs ten times what it does at 4000, because nobody shares its wake-up. */
START_TEST(a_quiet_night_is_compared_with_quiet_nights) {
        begin(true);
        for (int day = 0; day < 30; day++)
                for (int i = 0; i < 60; i++) {
                        bool night = i >= 30;
                        struct governor_sample sample = {
                                .duration_ns = 10 * NSEC_PER_SEC,
                                .n_read = night ? 250 : 40000,
                                .latency_p99_ns = NSEC_PER_MSEC,
                                .cpu_ns = night ? 250 * 20000 : 40000 * 2000,
                                .memory_bytes = UINT64_C(20) << 20,
                        };

                        feed(&sample);
                }
        expect_nothing();
}
END_TEST

START_TEST(memory_that_grows_is_told_whatever_the_rate) {
        begin(true);
        for (uint64_t i = 0; i < 200; i++) {
                struct governor_sample sample = {.duration_ns = 10 * NSEC_PER_SEC,
                                                 .memory_bytes = (UINT64_C(20) << 20) + (i << 20)};

                feed(&sample);
        }
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        ck_assert_uint_eq(n_of[GOVERNOR_TRIES], 0);     /* no optimisation is to blame for that */
}
END_TEST

/* ---- which one it is ---- */

/* Cost as it is with these optimisations to blame, period by period, as long as there is something new. */
static void blame(uint32_t guilty, unsigned n) {
        while (n-- > 0)
                feed_cost(governor_wanted(&governor) & guilty ? 20000 : 2000);
}

START_TEST(the_culprit_is_switched_off_and_no_other) {
        for (unsigned guilty = 0; guilty < 2; guilty++) {
                begin(true);
                feed_ordinary(20);
                blame(1U << guilty, 200);
                ck_assert_uint_eq(governor_wanted(&governor), BOTH & ~(1U << guilty));
                ck_assert_uint_eq(n_of[GOVERNOR_SWITCHES_OFF], 1);
                ck_assert_uint_eq(n_of[GOVERNOR_TRIES], n_of[GOVERNOR_KEEPS] + 1);
                ck_assert_uint_eq(n_of[GOVERNOR_RECOVERED], 1);
                ck_assert_uint_eq(governor.n_switched_off, 1);
        }
}
END_TEST

START_TEST(if_it_is_none_of_them_all_are_on_again_and_it_does_not_try_for_ever) {
        begin(true);
        feed_ordinary(20);
        for (int i = 0; i < 200; i++)
                feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_TRIES], 2);
        ck_assert_uint_eq(n_of[GOVERNOR_KEEPS], 2);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
        for (int i = 0; i < 360; i++)   /* an hour later */
                feed_cost(20000);
        ck_assert_uint_le(n_of[GOVERNOR_TRIES], 4);
        ck_assert_uint_ge(n_of[GOVERNOR_TRIES], 3);
}
END_TEST

START_TEST(the_one_that_was_switched_on_last_is_tried_first) {
        begin(true);
        governor_configure(&governor, KEY, true, 1U << FILTER);
        feed_ordinary(20);
        governor_configure(&governor, KEY, true, BOTH);
        for (int i = 0; i < 20 && n_of[GOVERNOR_TRIES] == 0; i++)
                feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_TRIES], 1);
        ck_assert_uint_eq(governor_wanted(&governor), 1U << FILTER);
        ck_assert(governor_is_trying(&governor));
}
END_TEST

START_TEST(a_trial_that_loses_events_ends_at_once) {
        struct governor_sample sample;

        begin(true);
        feed_ordinary(20);
        for (int i = 0; i < 20 && !governor_is_trying(&governor); i++)
                feed_cost(20000);
        ck_assert(governor_is_trying(&governor));
        sample = ordinary();            /* much better, but for what is lost */
        sample.n_lost = sample.n_read / 10;
        feed(&sample);
        ck_assert(!governor_is_trying(&governor));
        ck_assert_uint_eq(n_of[GOVERNOR_KEEPS], 1);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
}
END_TEST

START_TEST(what_is_gained_at_the_cost_of_another_measure_is_no_gain) {
        begin(true);
        feed_ordinary(20);
        for (int i = 0; i < 60; i++) {
                struct governor_sample sample = ordinary();

                /* Slow with all of them; without one it is fast, and takes five times the processor time. */
                sample.latency_p99_ns = governor_is_trying(&governor) ? NSEC_PER_MSEC : 50 * NSEC_PER_MSEC;
                if (governor_is_trying(&governor))
                        sample.cpu_ns *= 5;
                feed(&sample);
        }
        ck_assert_uint_eq(n_of[GOVERNOR_KEEPS], 2);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
}
END_TEST

START_TEST(a_trial_without_samples_like_those_before_decides_nothing) {
        struct governor_sample idle = {.duration_ns = 2 * NSEC_PER_SEC, .memory_bytes = UINT64_C(20) << 20};

        begin(true);
        feed_ordinary(20);
        for (int i = 0; i < 20 && !governor_is_trying(&governor); i++)
                feed_cost(20000);
        for (int i = 0; i < GOVERNOR_TRIAL_MAX; i++) {
                ck_assert(governor_is_trying(&governor));
                feed(&idle);
        }
        ck_assert(!governor_is_trying(&governor));
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
}
END_TEST

START_TEST(who_only_observes_switches_nothing) {
        begin(false);
        feed_ordinary(20);
        blame(BOTH, 200);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
        ck_assert_uint_eq(n_of[GOVERNOR_TRIES], 0);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
}
END_TEST

START_TEST(after_a_reload_everything_has_another_chance) {
        begin(true);
        feed_ordinary(20);
        blame(1U << ARMING, 200);
        ck_assert_uint_eq(governor_wanted(&governor), 1U << FILTER);
        governor_configure(&governor, KEY, true, BOTH);
        ck_assert_uint_eq(governor_wanted(&governor), BOTH);
        blame(1U << ARMING, 20);        /* and is the first that is looked at */
        ck_assert_uint_eq(governor_wanted(&governor), 1U << FILTER);
        ck_assert_uint_eq(n_of[GOVERNOR_SWITCHES_OFF], 2);
        governor_configure(&governor, KEY, true, 1U << ARMING);
        ck_assert_uint_eq(governor_wanted(&governor), 1U << ARMING);
}
END_TEST

START_TEST(with_other_policies_it_learns_anew) {
        begin(true);
        feed_ordinary(20);
        governor_configure(&governor, KEY + 1, true, BOTH);
        for (int i = 0; i < 100; i++)
                feed_cost(50000);       /* is now as it should be */
        expect_nothing();
}
END_TEST

START_TEST(a_baseline_of_before_counts_at_once) {
        struct baseline learned;

        begin(true);
        feed_ordinary(20);
        learned = governor.baseline;
        begin(true);
        governor.baseline = learned;
        for (int i = 0; i < GOVERNOR_PATIENCE; i++)
                feed_cost(20000);
        ck_assert_uint_eq(n_of[GOVERNOR_DEGRADED], 1);
}
END_TEST

START_TEST(any_numbers_do_no_harm) {
        begin(true);
        for (int i = 0; i < 20000; i++) {
                uint64_t values[6];
                struct governor_sample sample;

                for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
                        values[k] = draw(3) == 0 ? UINT64_MAX - draw(3)
                                  : draw(2)      ? draw(1000)
                                                 : (uint64_t)draw(1U << 31) << draw(33);
                sample = (struct governor_sample){.duration_ns = draw(4) ? 10 * NSEC_PER_SEC : values[0],
                                                  .n_read = values[1],
                                                  .n_filtered = values[2],
                                                  .n_lost = values[3],
                                                  .latency_p99_ns = values[4],
                                                  .cpu_ns = values[5],
                                                  .memory_bytes = values[draw(6)]};
                feed(&sample);
                if (draw(500) == 0)
                        governor_configure(&governor, draw(2), draw(2), draw(16));
                ck_assert_uint_eq(governor_wanted(&governor) & ~governor.configured, 0);
        }
}
END_TEST

UNIT_MAIN("governor/governor", a_steady_host_is_never_told_of, noise_within_bounds_never_trips_it,
          one_spike_and_even_two_are_not_told, a_spike_while_it_learns_does_not_spoil_the_baseline,
          a_step_is_told_once_and_its_end_once, what_goes_to_and_fro_around_the_bound_is_told_once,
          each_measure_is_told_with_its_own_figures, nothing_at_all_is_no_reason_and_no_division,
          a_quiet_night_is_compared_with_quiet_nights, memory_that_grows_is_told_whatever_the_rate,
          the_culprit_is_switched_off_and_no_other, if_it_is_none_of_them_all_are_on_again_and_it_does_not_try_for_ever,
          the_one_that_was_switched_on_last_is_tried_first, a_trial_that_loses_events_ends_at_once,
          what_is_gained_at_the_cost_of_another_measure_is_no_gain,
          a_trial_without_samples_like_those_before_decides_nothing, who_only_observes_switches_nothing,
          after_a_reload_everything_has_another_chance, with_other_policies_it_learns_anew,
          a_baseline_of_before_counts_at_once, any_numbers_do_no_harm)

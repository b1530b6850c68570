/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/overload.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/event.h"

#include "unit.h"

#define RING ((size_t)1000 << 10)
#define LOW WIRE_PRIORITY_LOW
#define MEDIUM WIRE_PRIORITY_MEDIUM

START_TEST(nothing_is_left_out_by_default_but_when_the_ring_fills) {
        const struct capture_overload none = {};
        struct wire_overload plan[WIRE_N_GOVERNED];

        overload_plan(&none, RING, plan);
        for (int i = 0; i < WIRE_N_GOVERNED; i++) {
                ck_assert_uint_eq(plan[i].sample, 0);
                ck_assert_uint_eq(plan[i].limited, 0);
                ck_assert_uint_eq(plan[i].interval_ns, 0);
                ck_assert_uint_eq(plan[i].process_interval_ns, 0);
        }
        ck_assert_uint_eq(plan[LOW].shed_bytes, RING / 100 * 60);
        ck_assert_uint_eq(plan[LOW].resume_bytes, RING / 100 * 40);
        ck_assert_uint_eq(plan[MEDIUM].shed_bytes, RING / 100 * 75);
        ck_assert_uint_eq(plan[MEDIUM].resume_bytes, RING / 100 * 55);
}
END_TEST

START_TEST(rates_are_intervals_and_bursts_go_ahead_of_them) {
        const struct capture_overload overload = {
                .limits = {[MEDIUM] = {.rate = 1000, .burst = 11}, [LOW] = {.process_rate = 10}}};
        struct wire_overload plan[WIRE_N_GOVERNED];

        overload_plan(&overload, RING, plan);
        ck_assert_uint_eq(plan[MEDIUM].interval_ns, NSEC_PER_MSEC);
        ck_assert_uint_eq(plan[MEDIUM].ahead_ns, 10 * NSEC_PER_MSEC);
        ck_assert(plan[MEDIUM].limited && plan[LOW].limited);
        ck_assert_uint_eq(plan[LOW].interval_ns, 0);
        ck_assert_uint_eq(plan[LOW].process_interval_ns, 100 * NSEC_PER_MSEC);
        ck_assert_uint_eq(plan[LOW].process_ahead_ns, 0);
}
END_TEST

START_TEST(marks_stay_between_empty_and_full) {
        const struct capture_overload overload = {
                .limits = {[MEDIUM] = {.shed = 100}, [LOW] = {.shed = 10}}, .hysteresis = 50};
        struct wire_overload plan[WIRE_N_GOVERNED];

        overload_plan(&overload, RING, plan);
        ck_assert_uint_eq(plan[MEDIUM].shed_bytes, 0);  /* never */
        ck_assert_uint_eq(plan[LOW].shed_bytes, RING / 10);
        ck_assert_uint_eq(plan[LOW].resume_bytes, 0);
}
END_TEST

START_TEST(what_the_programs_keep_is_not_touched_when_settings_change) {
        const struct capture_overload overload = {.limits = {[LOW] = {.sample = 7}}};
        struct wire_overload live[WIRE_N_GOVERNED] = {[LOW] = {.taken_ns = 5, .shedding = 1, .n_sheds = 3}};

        overload_store(&overload, RING, live);
        ck_assert_uint_eq(live[LOW].sample, 7);
        ck_assert_uint_eq(live[LOW].taken_ns, 5);
        ck_assert_uint_eq(live[LOW].shedding, 1);
        ck_assert_uint_eq(live[LOW].n_sheds, 3);
}
END_TEST

/* ---- what is said ---- */

static char said[4096];

static void on_line(int level, const char *line, size_t n, void *userdata) {
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%.*s\n", (int)n, line);
}

static uint64_t n_produced, n_shed;

static void counts(void *userdata, enum wire_priority priority, uint64_t *ret_produced, uint64_t *ret_shed) {
        *ret_produced = n_produced;
        *ret_shed = n_shed;
}

START_TEST(beginning_and_end_are_said_once_with_what_was_left_out) {
        const struct capture_overload none = {};
        struct overload_watch watches[WIRE_N_GOVERNED] = {};
        struct wire_overload live[WIRE_N_GOVERNED] = {};
        uint64_t now_ns = NSEC_PER_HOUR;

        said[0] = 0;
        log_set_sink(on_line, NULL);
        overload_store(&none, RING, live);
        overload_look(watches, live, RING, RING / 2, now_ns, counts, NULL);
        ck_assert_str_eq(said, "");

        live[LOW].shedding = live[LOW].n_sheds = 1;
        for (int i = 0; i < 3; i++)
                overload_look(watches, live, RING, RING / 100 * 62, now_ns + i, counts, NULL);
        ck_assert_str_eq(said, "The ring is filling (62 % at this moment): no events of low priority are told until it "
                               "holds less (overload.shed_low)\n");

        /* Nothing comes any more that would see the lower mark. */
        said[0] = 0;
        n_produced = 400;
        n_shed = 100;
        overload_look(watches, live, RING, 0, now_ns + 10, counts, NULL);
        ck_assert_str_eq(said,
                         "Events of low priority are told again: 100 of 400 (25.0 %) were left out, in 1 times\n");
        ck_assert_uint_eq(live[LOW].shedding, 0);

        /* Again within the minute: not said, but in the next sum. */
        said[0] = 0;
        live[LOW].n_sheds = 2;
        n_produced = 1400;
        n_shed = 300;
        overload_look(watches, live, RING, 0, now_ns + NSEC_PER_SEC, counts, NULL);
        ck_assert_str_eq(said, "");
        overload_look(watches, live, RING, 0, now_ns + NSEC_PER_MIN, counts, NULL);
        ck_assert_ptr_nonnull(strstr(said, "200 of 1000 (20.0 %) were left out, in 1 times\n"));
        log_set_sink(NULL, NULL);
}
END_TEST

START_TEST(processes_and_credentials_are_of_high_priority_and_moved_bytes_of_low) {
        ck_assert_int_eq(event_priority(WIRE_KIND_execve), WIRE_PRIORITY_HIGH);
        ck_assert_int_eq(event_priority(WIRE_KIND_setuid), WIRE_PRIORITY_HIGH);
        ck_assert_int_eq(event_priority(WIRE_KIND_write), WIRE_PRIORITY_LOW);
        ck_assert_int_eq(event_priority(WIRE_KIND_openat), WIRE_PRIORITY_MEDIUM);
}
END_TEST

UNIT_MAIN("capture/overload",
          nothing_is_left_out_by_default_but_when_the_ring_fills, rates_are_intervals_and_bursts_go_ahead_of_them,
          marks_stay_between_empty_and_full, what_the_programs_keep_is_not_touched_when_settings_change,
          beginning_and_end_are_said_once_with_what_was_left_out,
          processes_and_credentials_are_of_high_priority_and_moved_bytes_of_low)

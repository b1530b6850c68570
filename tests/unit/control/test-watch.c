/* SPDX-License-Identifier: Apache-2.0 */
#include "control/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#include "unit.h"

#define DELAY_NS (30 * NSEC_PER_MSEC)

static char place[64];
static sd_event *loop;
static struct watch *watch;
static size_t n_told;
static char last[64];

static void on_change(const char *name, void *userdata) {
        n_told++;
        snprintf(last, sizeof(last), "%s", name);
}

static const char *at(const char *name) {
        static char path[160];

        snprintf(path, sizeof(path), "%s/%s", place, name);
        return path;
}

static void write_file(const char *name) {
        FILE *f = fopen(at(name), "we");

        ck_assert_ptr_nonnull(f);
        fputs("x", f);
        fclose(f);
}

static void setup(const char *name) {
        char file[160];
        const char *places[] = {file};
        const struct watch_options options = {places, 1, DELAY_NS};

        strcpy(place, "/tmp/execray-watch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(place));
        strcpy(file, at(name));
        ck_assert_int_ge(sd_event_new(&loop), 0);
        ck_assert_int_eq(watch_new(loop, &options, on_change, NULL, &watch), 0);
}

static void teardown(void) {
        char command[128];

        watch = watch_free(watch);
        sd_event_unref(loop);
        snprintf(command, sizeof(command), "rm -r %s", place);
        ck_assert_int_eq(system(command), 0);
}

static void turn_for(uint64_t ns) {
        for (uint64_t end_ns = clock_boottime_ns() + ns; clock_boottime_ns() < end_ns;)
                ck_assert_int_ge(sd_event_run(loop, 1000), 0);
}

static void expect_told(size_t n) {
        for (int i = 0; i < 3000 && n_told < n; i++)
                ck_assert_int_ge(sd_event_run(loop, 1000), 0);
        turn_for(2 * DELAY_NS);
        ck_assert_uint_eq(n_told, n);
}

START_TEST(a_burst_of_writes_is_told_once) {
        setup(".");
        for (int i = 0; i < 20; i++) {
                write_file("a.policy");
                turn_for(NSEC_PER_MSEC);
        }
        ck_assert_uint_eq(n_told, 0);
        expect_told(1);
        ck_assert_str_eq(last, "a.policy");
        write_file("b.policy");
        expect_told(2);
        teardown();
}
END_TEST

START_TEST(writes_without_end_are_told_all_the_same) {
        setup(".");
        for (int i = 0; i < 2000 && n_told == 0; i++) {
                write_file("a.policy");
                turn_for(NSEC_PER_MSEC);
        }
        ck_assert_uint_eq(n_told, 1);
        teardown();
}
END_TEST

START_TEST(of_a_file_only_its_own_name_counts_and_it_need_not_be_there) {
        char from[160];

        setup("execrayd.yaml");
        write_file("other.yaml");
        write_file("execrayd.yaml~");
        expect_told(0);
        write_file("new");
        (void)snprintf(from, sizeof(from), "%s", at("new"));
        ck_assert_int_eq(rename(from, at("execrayd.yaml")), 0);
        expect_told(1);
        ck_assert_int_eq(unlink(at("execrayd.yaml")), 0);
        expect_told(2);
        teardown();
}
END_TEST

START_TEST(directories_that_come_later_are_looked_into) {
        setup("etc/policies");
        ck_assert_int_eq(mkdir(at("etc"), 0755), 0);
        expect_told(1);
        ck_assert_int_eq(mkdir(at("etc/policies"), 0755), 0);
        expect_told(2);
        ck_assert_int_eq(mkdir(at("etc/policies/deep"), 0755), 0);
        expect_told(3);
        write_file("etc/policies/deep/a.policy");
        expect_told(4);
        ck_assert_int_eq(mkdir(at("etc/beside"), 0755), 0);
        write_file("etc/policies/.a.policy.swp");
        expect_told(4);
        teardown();
}
END_TEST

START_TEST(what_is_looked_at_has_a_bound) {
        struct watch_stats stats;
        char name[64] = "deep";

        setup("deep");
        for (int i = 0; i < WATCH_MAX_DEPTH + 1; i++) {
                ck_assert_int_eq(mkdir(at(name), 0755), 0);
                strcat(name, "/d");
        }
        expect_told(1);
        watch_stats(watch, &stats);
        ck_assert_uint_eq(stats.n_refused, 1);
        ck_assert_uint_eq(stats.n_directories, 1 + WATCH_MAX_DEPTH);
        teardown();
}
END_TEST

UNIT_MAIN("control/watch",
          a_burst_of_writes_is_told_once,
          writes_without_end_are_told_all_the_same,
          of_a_file_only_its_own_name_counts_and_it_need_not_be_there,
          directories_that_come_later_are_looked_into,
          what_is_looked_at_has_a_bound)

/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's answer is a file of records here, the ring two numbers. Pids are beyond what /proc can show. */
#include "capture/mend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "capture/ring.h"

#include "unit.h"

#define PID(n) (UINT32_C(5000000) + (n))
#define START(n) ((uint64_t)(n) * 1000)

static struct mend mend;
static struct record record, built;
static uint64_t producer;
static struct ring ring = {.producer = &producer};
static int answer_fd = -1;
static char said[4096];

static void setup(void) {
        mend_init(&mend, 100);
        producer = ring.position = 0;
        answer_fd = memfd_create("answer", MFD_CLOEXEC);
        ck_assert_int_ge(answer_fd, 0);
        said[0] = 0;
}

static void teardown(void) {
        mend_done(&mend);
        close(answer_fd);
}

static void begin(enum wire_kind kind, unsigned n) {
        record_begin(&record, kind);
        record.header.start_ns = START(n);
        record.header.tgid = record.header.tid = PID(n);
        record.header.uid = 1000 + n;
}

static void finish(void) {
        ck_assert_int_eq(record_finish(&record), 0);
}

static void process(unsigned n, uint64_t inode) {
        begin(WIRE_KIND_process, n);
        if (inode != 0)
                record_set_object(&record, FIELD_process_file, &(struct wire_object){.inode = inode});
        finish();
}

static void see(void) {
        struct event event;

        finish();
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        mend_see(&mend, &event);
}

/* The stream knows of it. */
static void known(unsigned n, uint64_t inode) {
        process(n, inode);
        see();
}

static void known_exec(unsigned n, uint64_t inode) {
        begin(WIRE_KIND_execve, n);
        record_set_object(&record, FIELD_execve_file, &(struct wire_object){.inode = inode});
        see();
}

static void known_exit(unsigned n) {
        begin(WIRE_KIND_exit, n);
        see();
}

/* The kernel will say that it runs. */
static void runs(unsigned n, uint64_t inode) {
        process(n, inode);
        ck_assert_int_eq(fd_write_full(answer_fd, record.data, record.header.size), 0);
}

static void ask(void) {
        ck_assert_int_eq(lseek(answer_fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(mend_begin(&mend, answer_fd, NULL, 0, &ring), 0);
}

static void on_gone(const struct wire_header *last, void *userdata) {
        ck_assert_uint_eq(last->uid, 1000 + last->tgid - PID(0));
        sprintf(said + strlen(said), "gone %u; ", last->tgid - PID(0));
}

static void on_found(struct record *found, bool supervisor, void *userdata) {
        ck_assert_uint_eq(found->header.flags & (WIRE_SYNTHETIC | WIRE_MENDED), WIRE_SYNTHETIC | WIRE_MENDED);
        sprintf(said + strlen(said), "found %u runs %u%s; ", found->header.tgid - PID(0),
                (unsigned)((struct wire_process *)found->data)->file.inode, supervisor ? " (supervisor)" : "");
}

static const char *answer(void) {
        static const struct mend_sink sink = {.on_gone = on_gone, .on_found = on_found};

        mend_finish(&mend, &ring, &built, &sink, NULL);
        return said;
}

START_TEST(who_is_as_the_stream_says_is_not_mentioned) {
        setup();
        known(1, 10);
        known_exec(2, 20);
        known(3, 0);                    /* a thread of the kernel runs no file */
        runs(1, 10);
        runs(2, 20);
        runs(3, 0);
        ask();
        ck_assert_str_eq(answer(), "");
        ck_assert_ptr_null(mend.snapshot);
        teardown();
}
END_TEST

START_TEST(who_is_gone_is_told_children_before_their_parents) {
        setup();
        for (unsigned n = 1; n <= 5; n++)
                known(n, 10);
        runs(3, 10);
        ask();
        ck_assert_str_eq(answer(), "gone 5; gone 4; gone 2; gone 1; ");
        ck_assert_uint_eq(mend.census.residents.n_used, 1);

        /* Once. */
        said[0] = 0;
        ask();
        ck_assert_str_eq(answer(), "");
        teardown();
}
END_TEST

START_TEST(who_is_not_known_or_runs_another_file_is_told_as_it_is) {
        setup();
        known(1, 10);
        known(2, 10);
        runs(1, 10);
        runs(2, 11);
        runs(3, 12);
        ask();
        ck_assert_str_eq(answer(), "found 2 runs 11; found 3 runs 12; ");

        said[0] = 0;
        ask();
        ck_assert_str_eq(answer(), "");
        teardown();
}
END_TEST

START_TEST(the_last_bearer_of_a_pid_is_gone_before_the_next_is_told) {
        setup();
        known(1, 10);
        process(1, 10);
        record.header.start_ns = START(1) + 7;
        ck_assert_int_eq(fd_write_full(answer_fd, record.data, record.header.size), 0);
        ask();
        ck_assert_str_eq(answer(), "gone 1; found 1 runs 10; ");
        ck_assert_uint_eq(mend.census.residents.n_used, 1);
        teardown();
}
END_TEST

START_TEST(nothing_is_compared_before_the_ring_is_read_up_to_the_answer) {
        setup();
        known(1, 10);
        known(2, 10);
        producer = 300;
        ask();
        ring.position = 296;
        ck_assert_str_eq(answer(), "");
        ck_assert_ptr_nonnull(mend.snapshot);
        known_exit(2);                  /* was only late */
        ring.position = 300;
        ck_assert_str_eq(answer(), "gone 1; ");
        teardown();
}
END_TEST

START_TEST(who_was_heard_of_after_the_answer_is_left_alone) {
        setup();
        known(1, 10);
        known(2, 10);
        known(3, 10);
        runs(1, 10);
        runs(2, 10);
        runs(4, 10);
        ask();
        known_exec(1, 11);              /* newer than the answer */
        known_exit(2);
        known_exec(3, 12);              /* began after it */
        known_exit(4);
        known(5, 10);
        ck_assert_str_eq(answer(), "");
        ck_assert_uint_eq(mend.census.residents.n_used, 3);
        teardown();
}
END_TEST

START_TEST(who_is_missing_from_the_answer_and_lives_is_not_told_gone) {
        unsigned long long ticks = 0;
        FILE *file = fopen("/proc/self/stat", "re");
        struct identity id;

        setup();
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                                      "%*d %llu", &ticks), 1);
        fclose(file);
        id = (struct identity){.start_ns = ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)) + 5, .pid = getpid()};
        process(1, 10);
        record.header.start_ns = id.start_ns;
        record.header.tgid = id.pid;
        see();
        known(2, 10);
        ask();
        ck_assert_str_eq(answer(), "gone 2; ");
        ck_assert_ptr_nonnull(census_find(&mend.census, &id));
        ck_assert_uint_ne(mend.wanted_ns, 0);

        /* Another one with its pid is not it. */
        process(1, 10);
        record.header.start_ns = id.start_ns += NSEC_PER_SEC;
        record.header.tgid = id.pid;
        record.header.uid = 1000 + id.pid - PID(0);
        see();
        ask();
        (void)answer();
        ck_assert_ptr_null(census_find(&mend.census, &id));
        teardown();
}
END_TEST

START_TEST(it_begins_when_it_is_wanted_and_the_ring_is_empty_or_never_is) {
        uint64_t now_ns = 1000 * NSEC_PER_SEC;

        setup();
        ck_assert(!mend_is_due(&mend, &ring, now_ns));
        mend_want(&mend, now_ns);
        ck_assert(mend_is_due(&mend, &ring, now_ns));
        producer = 8;
        ck_assert(!mend_is_due(&mend, &ring, now_ns));
        mend_want(&mend, now_ns + 5);   /* the first wish counts */
        ck_assert(mend_is_due(&mend, &ring, now_ns + MEND_PATIENCE_NS));
        teardown();
}
END_TEST

START_TEST(it_is_asked_again_if_records_waited_and_not_too_often) {
        uint64_t now_ns = clock_boottime_ns();

        setup();
        mend_want(&mend, now_ns);
        ask();
        ck_assert_uint_eq(mend.wanted_ns, 0);
        ck_assert_str_eq(answer(), "");

        mend_want(&mend, now_ns);
        ck_assert(!mend_is_due(&mend, &ring, now_ns + MEND_INTERVAL_NS / 2));
        ck_assert(mend_is_due(&mend, &ring, now_ns + 1000 * MEND_INTERVAL_NS));
        producer = 8;
        ask();
        ck_assert_uint_ne(mend.wanted_ns, 0);
        ck_assert(!mend_is_due(&mend, &ring, now_ns + 2000 * MEND_INTERVAL_NS));        /* this one first */
        teardown();
}
END_TEST

START_TEST(an_answer_that_cannot_be_read_changes_nothing) {
        setup();
        known(1, 10);
        mend_want(&mend, 1);
        ck_assert_int_eq(mend_begin(&mend, -1, NULL, 0, &ring), -EBADF);
        ck_assert_ptr_null(mend.snapshot);
        ck_assert_uint_ne(mend.wanted_ns, 0);
        ck_assert_str_eq(answer(), "");
        ck_assert_uint_eq(mend.census.residents.n_used, 1);
        teardown();
}
END_TEST

UNIT_MAIN("capture/mend",
          who_is_as_the_stream_says_is_not_mentioned,
          who_is_gone_is_told_children_before_their_parents,
          who_is_not_known_or_runs_another_file_is_told_as_it_is,
          the_last_bearer_of_a_pid_is_gone_before_the_next_is_told,
          nothing_is_compared_before_the_ring_is_read_up_to_the_answer,
          who_was_heard_of_after_the_answer_is_left_alone,
          who_is_missing_from_the_answer_and_lives_is_not_told_gone,
          it_begins_when_it_is_wanted_and_the_ring_is_empty_or_never_is,
          it_is_asked_again_if_records_waited_and_not_too_often,
          an_answer_that_cannot_be_read_changes_nothing)

/* SPDX-License-Identifier: Apache-2.0 */
/* What comes again and again is counted in the kernel, and the count is told (bpf/burst.bpf.h). */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "policy/policy-set.h"
#include "program/uses.h"

#include "child.h"

#define WATCHED LAB_KINDS(WIRE_KIND_write, WIRE_KIND_sendto)
#define TIMES 1000

static struct prefilter *prefilter;
static uint64_t generation = 10;

/* Watch with these policies alone, as the daemon would. `$` in them is the lab's directory. */
static void watch(const char *policies) {
        _cleanup_(strbuf_done) struct strbuf text = {}, messages = {};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        for (const char *p = policies; *p; p++)
                if (*p == '$')
                        strbuf_put(&text, lab.directory);
                else
                        strbuf_put_char(&text, *p);
        diag_set_init(&diags, 0);
        r = policy_set_parse("policy", strbuf_str(&text), text.n, NULL, &diags, &set);
        policy_set_put_diags(set, &diags, &messages);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        ck_assert_msg(r >= 0, "%.2000s", strbuf_str(&messages));
        diag_set_done(&diags);

        prefilter = prefilter_free(prefilter);
        ck_assert_int_eq(uses_collect(program, USES_FILTER | USES_AGGREGATE, &prefilter), 0);
        capture_set_prefilter(lab.capture, prefilter);
        ck_assert_int_eq(capture_set_interest(lab.capture, &program->header->interest, generation++), 0);
        program_unref(program);
        lab_forget();
}

#define COUNTING "path \"p\" { repeat 1024 within 1h { write { pathname startswith \"$/\" } } }"

/* What was told of writes to a file. */
struct told {
        uint64_t n_single, n_records, n_counted, bytes;         /* bytes: of the counted ones */
};

static struct told told_of(enum wire_kind kind, int field, pid_t pid, const char *text) {
        _cleanup_(freep) char *path = text ? strdup(text) : NULL;       /* the lab's texts do not stay */
        struct told told = {};

        for (size_t i = 0; i < lab.n; i++) {
                const struct event event = {.wire = lab.records[i]};
                const struct wire_aggregate *aggregate = event_aggregate(&event);

                if (event_kind(&event) != kind || (pid_t)event.wire->tgid != pid ||
                    (path && (!lab_known(event.wire, field) || !streq(lab_text(event.wire, field), path))))
                        continue;
                if (aggregate) {
                        told.n_records++;
                        told.n_counted += aggregate->count;
                        told.bytes += aggregate->bytes;
                        ck_assert_uint_le(aggregate->first_ns, event.wire->time_ns);
                } else
                        told.n_single++;
        }
        return told;
}

static struct told writes_to(pid_t pid, const char *name) {
        return told_of(WIRE_KIND_write, WIRE_FIELD_write_pathname, pid, name ? lab_path(name) : NULL);
}

static uint64_t counted(enum wire_kind kind) {
        struct capture_stats stats;

        capture_stats(lab.capture, &stats);
        return stats.aggregated[kind];
}

static int open_file(const char *name) {
        return open(lab_path(name), O_WRONLY | O_CREAT, 0644);
}

static int write_often(void *unused) {
        int fd = open_file("one");

        for (int i = 0; i < TIMES; i++)
                if (write(fd, "0123456789", 1 + i % 10) != 1 + i % 10)
                        return 1;
        return 0;
}

START_TEST(first_is_told_at_once_and_the_others_are_counted) {
        uint64_t before = counted(WIRE_KIND_write);
        struct told told;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_often, NULL);
        told = writes_to(pid, "one");
        ck_assert_uint_eq(told.n_single + told.n_counted, TIMES);
        ck_assert_uint_ge(told.n_single, 1);
        ck_assert_uint_ge(told.n_counted, TIMES / 2);
        ck_assert_uint_le(told.n_records, told.n_single);       /* one for each burst that was begun */
        ck_assert_uint_ge(counted(WIRE_KIND_write) - before, told.n_counted); /* others write, too */

        /* And what varies is not known. */
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->flags & WIRE_AGGREGATE) {
                        ck_assert(!lab_known(lab.records[i], WIRE_FIELD_write_length));
                        ck_assert(!lab_known(lab.records[i], WIRE_FIELD_write_offset));
                        ck_assert(lab_known(lab.records[i], WIRE_FIELD_write_file));
                }
}
END_TEST

START_TEST(bytes_add_up) {
        uint64_t bytes = 0, all = 0;
        struct told told;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_often, NULL);
        told = writes_to(pid, "one");
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->kind == WIRE_KIND_write && (pid_t)lab.records[i]->tgid == pid &&
                    !(lab.records[i]->flags & WIRE_AGGREGATE))
                        bytes += lab.records[i]->result;
        for (int i = 0; i < TIMES; i++)
                all += 1 + i % 10;
        ck_assert_uint_eq(bytes + told.bytes, all);
}
END_TEST

START_TEST(what_was_counted_stands_in_front_of_the_exit) {
        ssize_t exited, last = -1;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_often, NULL);
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->kind == WIRE_KIND_write && (pid_t)lab.records[i]->tgid == pid)
                        last = i;
        exited = lab_position(lab_find(WIRE_KIND_exit, pid, 0));
        ck_assert_int_ge(last, 0);
        ck_assert_int_lt(last, exited);
}
END_TEST

static int write_two(void *unused) {
        int one = open_file("one"), two = open_file("two");

        for (int i = 0; i < TIMES; i++)
                if (write(one, "x", 1) != 1 || write(two, "xy", 2) != 2)
                        return 1;
        return 0;
}

START_TEST(two_files_are_two_bursts) {
        struct told one, two;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_two, NULL);
        one = writes_to(pid, "one");
        two = writes_to(pid, "two");
        ck_assert_uint_eq(one.n_single + one.n_counted, TIMES);
        ck_assert_uint_eq(two.n_single + two.n_counted, TIMES);
        ck_assert_uint_eq(one.bytes, one.n_counted);
        ck_assert_uint_eq(two.bytes, 2 * two.n_counted);
        ck_assert_uint_ge(one.n_counted, TIMES / 2);
}
END_TEST

static void *thread(void *argument) {
        int fd = *(int *)argument;

        for (int i = 0; i < TIMES; i++)
                if (write(fd, "x", 1) != 1)
                        return argument;
        return NULL;
}

static int write_in_threads(void *unused) {
        pthread_t threads[2];
        int fd = open_file("one");
        void *failed = NULL;

        for (int i = 0; i < 2; i++)
                if (pthread_create(&threads[i], NULL, thread, &fd) != 0)
                        return 1;
        for (int i = 0; i < 2; i++)
                if (pthread_join(threads[i], &failed) != 0 || failed)
                        return 1;
        return 0;
}

START_TEST(each_thread_has_its_own) {
        uint32_t tids[2] = {};
        struct told told;
        size_t n = 0;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_in_threads, NULL);
        told = writes_to(pid, "one");
        ck_assert_uint_eq(told.n_single + told.n_counted, 2 * TIMES);
        for (size_t i = 0; i < lab.n; i++) {
                if (!(lab.records[i]->flags & WIRE_AGGREGATE) || lab.records[i]->tid == tids[0])
                        continue;
                if (n < 2 && (n == 0 || lab.records[i]->tid != tids[0]))
                        tids[n++ % 2] = lab.records[i]->tid;
        }
        ck_assert_uint_eq(n, 2);
}
END_TEST

static int write_and_execute(void *unused) {
        int fd = open_file("one");

        for (int i = 0; i < 10; i++)
                if (write(fd, "x", 1) != 1)
                        return 1;
        if (dup2(fd, STDOUT_FILENO) < 0)
                return 1;
        execl("/bin/sh", "sh", "-c", "echo a; echo b; echo c", NULL);
        return 1;
}

START_TEST(what_was_counted_stands_in_front_of_the_exec) {
        uint64_t n_before = 0, n_after = 0;
        ssize_t executed;
        pid_t pid;

        watch(COUNTING);
        pid = lab_run(write_and_execute, NULL);
        executed = lab_position(lab_find(WIRE_KIND_execve, pid, 0));
        ck_assert_int_ge(executed, 0);
        for (size_t i = 0; i < lab.n; i++) {
                const struct event event = {.wire = lab.records[i]};

                if (event_kind(&event) != WIRE_KIND_write || (pid_t)event.wire->tgid != pid)
                        continue;
                *((ssize_t)i < executed ? &n_before : &n_after) += event_count(&event);
        }
        ck_assert_uint_eq(n_before, 10);
        ck_assert_uint_eq(n_after, 3);
}
END_TEST

static int write_and_wait(void *unused) {
        int fd = open_file("one");

        for (int i = 0; i < 10; i++)
                if (write(fd, "x", 1) != 1)
                        return 1;
        pause();
        return 0;
}

START_TEST(what_nobody_follows_is_told_by_the_clock) {
        struct told told = {};
        pid_t pid;

        watch(COUNTING);
        pid = lab_fork();
        if (pid == 0)
                _exit(write_and_wait(NULL));
        for (int i = 0; i < 100 && told.n_single + told.n_counted < 10; i++) {
                nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
                lab_read();
                told = writes_to(pid, "one");
        }
        ck_assert_uint_eq(told.n_single + told.n_counted, 10);
        ck_assert_uint_ge(told.n_counted, 1);
        kill(pid, SIGKILL);
        lab_reap(pid);
}
END_TEST

START_TEST(count_that_is_full_is_told_before_the_clock) {
        struct told told;
        pid_t pid;

        watch("path \"p\" { repeat 20 within 1h { write { pathname startswith \"$/\" } } }");
        pid = lab_run(write_often, NULL);
        told = writes_to(pid, "one");
        ck_assert_uint_eq(told.n_single + told.n_counted, TIMES);
        for (size_t i = 0; i < lab.n; i++)
                ck_assert_uint_le(event_count(&(struct event){.wire = lab.records[i]}), 19);
        ck_assert_uint_ge(told.n_records, TIMES / 20 - told.n_single);
}
END_TEST

START_TEST(what_a_story_needs_is_told_one_by_one) {
        struct told told;
        pid_t pid;

        watch("path \"p\" { repeat 100 within 1h { write { pathname == \"$/two\" } } }\n"
              "path \"q\" { write { pathname == \"$/one\" } write { pathname == \"$/one\" } }");
        pid = lab_run(write_two, NULL);
        told = writes_to(pid, "one");
        ck_assert_uint_eq(told.n_single, TIMES);
        ck_assert_uint_eq(told.n_counted, 0);
        told = writes_to(pid, "two");
        ck_assert_uint_eq(told.n_single + told.n_counted, TIMES);
        ck_assert_uint_ge(told.n_counted, TIMES / 2);
}
END_TEST

static int fail_and_write(void *unused) {
        int fd = open(lab_path("one"), O_RDONLY | O_CREAT, 0644), out = open_file("one");

        for (int i = 0; i < 10; i++)
                if (write(fd, "x", 1) != -1 || write(out, "x", 1) != 1)
                        return 1;
        return 0;
}

START_TEST(what_fails_is_another_event) {
        uint64_t n_failed = 0, n_not = 0;
        pid_t pid;

        watch("path \"p\" { repeat 1024 within 1h { write { pathname startswith \"$/\", (failed or not failed) } } }");
        pid = lab_run(fail_and_write, NULL);
        for (size_t i = 0; i < lab.n; i++) {
                const struct event event = {.wire = lab.records[i]};

                if (event_kind(&event) == WIRE_KIND_write && (pid_t)event.wire->tgid == pid)
                        *(event.wire->flags & WIRE_FAILED ? &n_failed : &n_not) += event_count(&event);
        }
        ck_assert_uint_eq(n_not, 10);
        ck_assert(n_failed == 10 || n_failed == 0);     /* what has no file has no path */
}
END_TEST

static int send_often(void *unused) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
                return 1;
        for (int i = 0; i < 100; i++) {
                char buffer[8];

                if (send(fds[0], "xyz", 3, 0) != 3 || recv(fds[1], buffer, sizeof(buffer), 0) != 3)
                        return 1;
        }
        return 0;
}

START_TEST(messages_of_a_flow_are_counted) {
        struct told told;
        pid_t pid;

        watch("path \"p\" { repeat 1024 within 1h { sendto { family == AF_UNIX } } }");
        pid = lab_run(send_often, NULL);
        told = told_of(WIRE_KIND_sendto, 0, pid, NULL);
        ck_assert_uint_eq(told.n_single + told.n_counted, 100);
        ck_assert_uint_ge(told.n_counted, 50);
        ck_assert_uint_eq(told.bytes, 3 * told.n_counted);
}
END_TEST

START_TEST(nothing_counted_is_lost_on_the_way) {
        struct capture_stats stats;

        watch(COUNTING);
        (void)lab_run(write_two, NULL);
        /* Others on this host go on meanwhile, and are counted, too. */
        for (int i = 0; i < 1000; i++) {
                capture_flush(lab.capture);
                lab_read();
                capture_stats(lab.capture, &stats);
                if (stats.ring_pending == 0 && lab_adds_up(&stats))
                        return;
        }
        ck_abort_msg("it does not add up");
}
END_TEST

START_TEST(other_policies_have_what_was_counted_told_first) {
        struct told told;
        pid_t pid;

        watch(COUNTING);
        pid = lab_fork();
        if (pid == 0)
                _exit(write_and_wait(NULL));
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_write, pid, 0));
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
        {
                struct interest interest = lab_interest(WATCHED);
                ssize_t started = -1, last = -1;

                prefilter = prefilter_free(prefilter);
                ck_assert_int_eq(capture_set_interest(lab.capture, &interest, generation++), 0);
                lab_read();
                told = writes_to(pid, "one");
                ck_assert_uint_eq(told.n_single + told.n_counted, 10);
                for (size_t i = 0; i < lab.n; i++)
                        if (lab.records[i]->kind == WIRE_KIND_start)
                                started = i;
                        else if (lab.records[i]->kind == WIRE_KIND_write && (pid_t)lab.records[i]->tgid == pid)
                                last = i;
                ck_assert_int_lt(last, started);
        }
        kill(pid, SIGKILL);
        lab_reap(pid);
}
END_TEST

static const struct interest *interest(void) {
        static struct interest kinds;

        kinds = lab_interest(WATCHED);
        return &kinds;
}

LAB_MAIN("bpf/burst",
         interest(),
         NULL,
         first_is_told_at_once_and_the_others_are_counted,
         bytes_add_up,
         what_was_counted_stands_in_front_of_the_exit,
         two_files_are_two_bursts,
         each_thread_has_its_own,
         what_was_counted_stands_in_front_of_the_exec,
         what_nobody_follows_is_told_by_the_clock,
         count_that_is_full_is_told_before_the_clock,
         what_a_story_needs_is_told_one_by_one,
         what_fails_is_another_event,
         messages_of_a_flow_are_counted,
         nothing_counted_is_lost_on_the_way,
         other_policies_have_what_was_counted_told_first)

/* SPDX-License-Identifier: Apache-2.0 */
/* Suite bpf: where processes live is known of all, and who moves is told to those who ask. */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

static int64_t namespace_of(pid_t pid, const char *name) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
        return stat(path, &st) < 0 ? 0 : (int64_t)st.st_ino;
}

/* Makes itself a namespace for the host's name each time that it is told to, and says so. */
static pid_t fork_mover(int ret_fds[2]) {
        int go[2], done[2];
        char c;
        pid_t pid;

        ck_assert_int_eq(pipe(go), 0);
        ck_assert_int_eq(pipe(done), 0);
        pid = fork();
        if (pid == 0) {
                close(go[1]);
                while (read(go[0], &c, 1) == 1)
                        if (unshare(CLONE_NEWUTS) < 0 || write(done[1], &c, 1) != 1)
                                _exit(1);
                _exit(0);
        }
        close(go[0]);
        close(done[1]);
        ret_fds[0] = go[1];
        ret_fds[1] = done[0];
        return pid;
}

static void move(const int fds[2]) {
        char c = 0;

        ck_assert_int_eq(write(fds[0], &c, 1), 1);
        ck_assert_int_eq(read(fds[1], &c, 1), 1);
}

START_TEST(where_processes_live_is_told_at_the_start_and_again_when_it_is_first_asked_for) {
        static const char *const names[] = {"mnt", "pid", "net", "user", "uts", "ipc", "cgroup", "time"};
        struct interest interest = lab_interest(0);
        const struct wire_header *record;
        size_t n_known = 0;
        int64_t first;
        int fds[2];
        pid_t pid;

        pid = fork_mover(fds);
        move(fds);
        lab_open(&interest, NULL);
        record = lab_find(WIRE_KIND_process, pid, 0);
        ck_assert_ptr_nonnull(record);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (lab_known(record, F(process, ns_mnt) + (int)i)) {
                        ck_assert_int_eq(lab_number(record, F(process, ns_mnt) + (int)i), namespace_of(pid, names[i]));
                        n_known++;
                }
        ck_assert_uint_ge(n_known, 7);  /* a kernel may have none of time */
        first = lab_number(record, F(process, ns_uts));
        ck_assert_int_ne(first, namespace_of(getpid(), "uts"));

        /* Nobody looks, and it costs nothing. */
        move(fds);
        lab_read();
        ck_assert_uint_eq(lab_count(WIRE_KIND_unshare, 0), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_process, pid), 1);

        interest.namespaces = true;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        record = lab_find(WIRE_KIND_process, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_lt(lab_position(record), lab_position(lab_find(WIRE_KIND_start, 0, 1)));
        ck_assert_int_eq(lab_number(record, F(process, ns_uts)), namespace_of(pid, "uts"));
        ck_assert_int_ne(lab_number(record, F(process, ns_uts)), first);

        /* From here on each move is told, and a reload that asks again tells nothing twice. */
        move(fds);
        record = lab_wait(WIRE_KIND_unshare, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(unshare, ns_uts)), namespace_of(pid, "uts"));
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_process, pid), 2);

        close(fds[0]);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        close(fds[1]);
}
END_TEST

/* Nobody reads, and others fill the ring: a move is not among what the last quarter is kept for. */
START_TEST(a_move_that_was_lost_is_made_good) {
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_openat));
        const struct capture_options options = {.ring_bytes = 65536};
        const struct wire_header *record;
        struct capture_stats stats;
        pid_t pid, other;
        int64_t first;
        int fds[2];

        if (lab_is_quick())
                return;                 /* a ring of another size is another load */
        interest.namespaces = true;
        pid = fork_mover(fds);
        move(fds);
        lab_open(&interest, &options);
        first = namespace_of(pid, "uts");
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_process, pid, 0), F(process, ns_uts)), first);

        other = fork();
        if (other == 0) {
                for (int i = 0; i < 1000; i++)
                        close(open("/dev/null", O_RDONLY | O_CLOEXEC));
                _exit(0);
        }
        ck_assert_int_eq(waitpid(other, NULL, 0), other);
        move(fds);
        ck_assert_int_ne(namespace_of(pid, "uts"), first);
        capture_stats(lab.capture, &stats);
        ck_assert_uint_eq(lab_lost(&stats, WIRE_KIND_unshare), 1);
        record = lab_wait(WIRE_KIND_process, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(process, ns_uts)), namespace_of(pid, "uts"));
        for (size_t i = 0; (record = lab_find(WIRE_KIND_gap, 0, i)); i++)
                if (lab_number(record, F(gap, kinds)) & (int64_t)wire_kind_bit(WIRE_KIND_unshare))
                        break;
        ck_assert_ptr_nonnull(record);
        ck_assert_int_lt(lab_position(record), lab_position(lab_find(WIRE_KIND_process, pid, 1)));
        ck_assert_uint_eq(lab_count(WIRE_KIND_unshare, pid), 0);

        /* The next one is seen again. */
        move(fds);
        record = lab_wait(WIRE_KIND_unshare, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(unshare, ns_uts)), namespace_of(pid, "uts"));
        close(fds[0]);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        close(fds[1]);
        lab_close();
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                where_processes_live_is_told_at_the_start_and_again_when_it_is_first_asked_for,
                a_move_that_was_lost_is_made_good,
        };

        return lab_main("bpf/namespaces", tests, ELEMENTSOF(tests), NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* setuid, setgid, capset, setgroups, prctl, credchange: credentials before and after. */
#include <bpf/bpf.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/macro.h"

#include "lab-park.h"
#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

#define KINDS                                                                                                          \
        (wire_kind_bit(WIRE_KIND_setuid) | wire_kind_bit(WIRE_KIND_setgid) | wire_kind_bit(WIRE_KIND_capset) |         \
         wire_kind_bit(WIRE_KIND_setgroups) | wire_kind_bit(WIRE_KIND_prctl) | wire_kind_bit(WIRE_KIND_credchange))

/* Eight numbers in the order of the fields, from the first. */
static void check_numbers(const struct wire_header *record, int first, const int64_t want[static 8]) {
        for (int i = 0; i < 8; i++)
                ck_assert_msg(lab_number(record, first + i) == want[i], "field %d is %lld, not %lld", i,
                              (long long)lab_number(record, first + i), (long long)want[i]);
}

#define NUMBERS(...) ((const int64_t[8]){__VA_ARGS__})

static int set_users(void *argument) {
        if (syscall(SYS_setresuid, 1000, 1001, 0) < 0)
                return 1;
        if (syscall(SYS_setreuid, -1, 0) < 0)
                return 2;
        if (syscall(SYS_setfsuid, 77) != 0)
                return 3;
        if (syscall(SYS_setuid, 4242) < 0)
                return 4;
        return syscall(SYS_setuid, 0) < 0 ? 0 : 5;
}

START_TEST(user_ids_are_told_before_and_after_each_call) {
        const struct wire_header *record;
        pid_t pid = lab_run(set_users, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setuid, pid), 5);
        record = lab_find(WIRE_KIND_setuid, pid, 0);
        ck_assert_int_eq(record->call, WIRE_CALL_setresuid);
        check_numbers(record, F(setuid, uid), NUMBERS(1000, 1001, 0, 1001, 0, 0, 0, 0));
        ck_assert_uint_eq(record->euid, 1001);
        record = lab_find(WIRE_KIND_setuid, pid, 1);
        ck_assert_int_eq(record->call, WIRE_CALL_setreuid);
        check_numbers(record, F(setuid, uid), NUMBERS(1000, 0, 0, 0, 1000, 1001, 0, 1001));
        record = lab_find(WIRE_KIND_setuid, pid, 2);
        ck_assert_int_eq(record->call, WIRE_CALL_setfsuid);
        check_numbers(record, F(setuid, uid), NUMBERS(1000, 0, 0, 77, 1000, 0, 0, 0));
        record = lab_find(WIRE_KIND_setuid, pid, 3);
        ck_assert_int_eq(record->call, WIRE_CALL_setuid);
        check_numbers(record, F(setuid, uid), NUMBERS(4242, 4242, 4242, 4242, 1000, 0, 0, 77));
        ck_assert_int_eq(record->result, 0);
        ck_assert_uint_eq(record->user, 0);
}
END_TEST

START_TEST(a_refused_change_of_user_is_told_with_the_same_ids_twice) {
        const struct wire_header *record;
        pid_t pid = lab_run(set_users, NULL);

        record = lab_find(WIRE_KIND_setuid, pid, 4);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert(record->flags & WIRE_FAILED);
        check_numbers(record, F(setuid, uid), NUMBERS(4242, 4242, 4242, 4242, 4242, 4242, 4242, 4242));
}
END_TEST

static int set_groups_ids(void *argument) {
        if (syscall(SYS_setresgid, 1000, 1001, 5) < 0 || syscall(SYS_setregid, -1, 5) < 0 ||
            syscall(SYS_setfsgid, 77) != 5 || syscall(SYS_setgid, 4242) < 0)
                return 1;
        if (syscall(SYS_setresuid, 9, 9, 9) < 0)
                return 2;
        return syscall(SYS_setgid, 0) < 0 ? 0 : 3;
}

START_TEST(group_ids_are_told_before_and_after_each_call) {
        static const int calls[] = {WIRE_CALL_setresgid, WIRE_CALL_setregid, WIRE_CALL_setfsgid, WIRE_CALL_setgid,
                                    WIRE_CALL_setgid};
        static const int64_t ids[][8] = {
                {1000, 1001, 5, 1001, 0, 0, 0, 0},
                {1000, 5, 5, 5, 1000, 1001, 5, 1001},
                {1000, 5, 5, 77, 1000, 5, 5, 5},
                {4242, 4242, 4242, 4242, 1000, 5, 5, 77},
                {4242, 4242, 4242, 4242, 4242, 4242, 4242, 4242},
        };
        pid_t pid = lab_run(set_groups_ids, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setgid, pid), 5);
        for (size_t i = 0; i < 5; i++) {
                const struct wire_header *record = lab_find(WIRE_KIND_setgid, pid, i);

                ck_assert_int_eq(record->call, calls[i]);
                check_numbers(record, F(setgid, gid), ids[i]);
        }
        ck_assert_int_eq(lab_find(WIRE_KIND_setgid, pid, 4)->result, -EPERM);
}
END_TEST

#define ONE(cap) (1U << (cap))

static int set_caps(uint32_t effective, uint32_t permitted, uint32_t inheritable) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2] = {
                {.effective = effective, .permitted = permitted, .inheritable = inheritable},
        };

        return syscall(SYS_capset, &header, data);
}

static int drop_caps(void *argument) {
        if (set_caps(ONE(CAP_KILL), ONE(CAP_KILL) | ONE(CAP_CHOWN), ONE(CAP_CHOWN)) < 0)
                return 1;
        return set_caps(~0U, ~0U, 0) < 0 ? 0 : 2;
}

START_TEST(capabilities_are_told_before_and_after) {
        const struct wire_header *record;
        pid_t pid = lab_run(drop_caps, NULL);
        int64_t all;

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_capset, pid), 2);
        record = lab_find(WIRE_KIND_capset, pid, 0);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(capset, effective)), ONE(CAP_KILL));
        ck_assert_int_eq(lab_number(record, F(capset, permitted)), ONE(CAP_KILL) | ONE(CAP_CHOWN));
        ck_assert_int_eq(lab_number(record, F(capset, inheritable)), ONE(CAP_CHOWN));
        all = lab_number(record, F(capset, old_effective));
        ck_assert(all & ONE(CAP_SYS_ADMIN));
        ck_assert_int_eq(lab_number(record, F(capset, old_permitted)) & all, all);
        ck_assert(lab_known(record, F(capset, old_inheritable)));
        ck_assert_uint_eq(record->caps, ONE(CAP_KILL));

        record = lab_find(WIRE_KIND_capset, pid, 1);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_int_eq(lab_number(record, F(capset, effective)), ONE(CAP_KILL));
        ck_assert_int_eq(lab_number(record, F(capset, old_inheritable)), ONE(CAP_CHOWN));
}
END_TEST

static int set_group_list(void *argument) {
        gid_t groups[] = {5, 6, 7};

        if (setgroups(3, groups) < 0 || setgroups(1, groups) < 0)
                return 1;
        if (syscall(SYS_setresuid, 9, 9, 9) < 0)
                return 2;
        return setgroups(0, NULL) < 0 ? 0 : 3;
}

START_TEST(lists_of_groups_are_told_by_their_lengths) {
        const struct wire_header *record;
        pid_t pid = lab_run(set_group_list, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setgroups, pid), 3);
        record = lab_find(WIRE_KIND_setgroups, pid, 1);
        ck_assert_int_eq(lab_number(record, F(setgroups, count)), 1);
        ck_assert_int_eq(lab_number(record, F(setgroups, old_count)), 3);
        record = lab_find(WIRE_KIND_setgroups, pid, 2);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_int_eq(lab_number(record, F(setgroups, count)), 1);
        ck_assert_int_eq(lab_number(record, F(setgroups, old_count)), 1);
}
END_TEST

static int set_properties(void *argument) {
        (void)prctl(PR_GET_DUMPABLE);
        (void)prctl(PR_CAPBSET_READ, CAP_KILL);
        if (prctl(PR_SET_NAME, "harmless") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return 1;
        return prctl(PR_SET_SECCOMP, 99, 0, 0, 0) < 0 ? 0 : 2;
}

START_TEST(what_prctl_sets_is_told_and_what_it_asks_is_not) {
        const struct wire_header *record;
        pid_t pid = lab_run(set_properties, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_prctl, pid), 4);
        record = lab_find(WIRE_KIND_prctl, pid, 0);
        ck_assert_int_eq(lab_number(record, F(prctl, option)), PR_SET_NAME);
        ck_assert_str_eq(lab_text(record, F(prctl, name)), "harmless");
        ck_assert(record->user & WIRE_BIT(prctl, name));
        record = lab_find(WIRE_KIND_prctl, pid, 1);
        ck_assert_int_eq(lab_number(record, F(prctl, option)), PR_SET_DUMPABLE);
        ck_assert_int_eq(lab_number(record, F(prctl, argument)), 0);
        ck_assert(!lab_known(record, F(prctl, name)));
        record = lab_find(WIRE_KIND_prctl, pid, 2);
        ck_assert_int_eq(lab_number(record, F(prctl, option)), PR_SET_NO_NEW_PRIVS);
        ck_assert_int_eq(lab_number(record, F(prctl, argument)), 1);
        record = lab_find(WIRE_KIND_prctl, pid, 3);
        ck_assert_int_eq(lab_number(record, F(prctl, option)), PR_SET_SECCOMP);
        ck_assert_int_eq(lab_number(record, F(prctl, argument)), 99);
        ck_assert_int_eq(record->result, -EINVAL);
}
END_TEST

/* ---- execve ---- */

static int exec_with_less(void *argument) {
        if (prctl(PR_SET_SECUREBITS, 0) < 0 || syscall(SYS_setresuid, 0, 1000, 0) < 0)
                return 1;
        execl("/bin/true", "true", NULL);
        return 127;
}

START_TEST(an_exec_tells_the_capabilities_before_it) {
        const struct wire_header *record;
        pid_t pid;

        /* Effective capabilities are gone with the effective user, and come back in part with an exec as root. */
        pid = lab_run(exec_with_less, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, old_euid)), 1000);
        ck_assert_int_eq(lab_number(record, F(execve, old_caps)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, old_uid)), 0);
}
END_TEST

/* ---- credchange ---- */

/* Everything that may change credentials, each followed by something that is an event. */
static int change_in_every_way(void *argument) {
        gid_t group = 7;
        pid_t pid;
        int status;

        if (setgroups(1, &group) < 0 || syscall(SYS_setresgid, 5, 6, 0) < 0 || syscall(SYS_setgid, 0) < 0 ||
            syscall(SYS_setregid, 3, 3) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0)
                return 1;
        (void)prctl(PR_SET_NAME, "a");
        (void)syscall(SYS_setfsuid, 12);        /* takes capabilities, too */
        (void)prctl(PR_SET_NAME, "b");
        (void)syscall(SYS_setfsuid, 0);
        (void)prctl(PR_SET_NAME, "c");
        (void)access("/etc/shadow", R_OK);
        pid = fork();
        if (pid == 0) {
                if (unshare(CLONE_NEWUSER) < 0)
                        _exit(1);
                (void)prctl(PR_SET_NAME, "d");
                _exit(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) < 0 && drop_caps(NULL) < 0);
        }
        if (waitpid(pid, &status, 0) < 0 || status != 0)
                return 2;
        pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0) {
                (void)prctl(PR_SET_NAME, "e");
                execl("/bin/true", "true", NULL);
                _exit(127);
        }
        if (waitpid(pid, &status, 0) < 0 || status != 0)
                return 3;
        if (set_caps(ONE(CAP_SETUID), ONE(CAP_SETUID) | ONE(CAP_SETGID), 0) < 0)
                return 4;
        (void)prctl(PR_SET_NAME, "f");
        if (setreuid(-1, 12) < 0 || setreuid(-1, 0) < 0 || setuid(1000) < 0)
                return 5;
        (void)prctl(PR_SET_NAME, "g");
        execl("/bin/true", "true", NULL);
        return 127;
}

START_TEST(what_a_call_explains_is_no_credchange) {
        pid_t pid = lab_run(change_in_every_way, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_prctl, pid), 5);
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->kind == WIRE_KIND_credchange)
                        lab_show(lab.records[i]);
        ck_assert_uint_eq(lab_count(WIRE_KIND_credchange, 0), 0);
}
END_TEST

static void *name_thread(void *argument) {
        (void)prctl(PR_SET_NAME, "thread");
        return NULL;
}

/* All threads, one after the other: so does the C library. */
static int change_with_threads(void *argument) {
        pthread_t thread;

        for (int i = 0; i < 3; i++) {
                if (pthread_create(&thread, NULL, name_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
                        return 1;
                if (seteuid(i == 0 ? 1000 : 0) < 0)
                        return 2;
        }
        return 0;
}

START_TEST(threads_begin_with_the_credentials_of_their_creator) {
        pid_t pid = lab_run(change_with_threads, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_prctl, pid), 3);
        ck_assert_uint_eq(lab_count(WIRE_KIND_credchange, 0), 0);
}
END_TEST

/* Detach a program of this process's capture from wherever it is: put something else in place of its links. How many.
 */
static int take_away(const char *program) {
        int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), n = 0;

        for (int fd = 3; fd < 2048; fd++) {
                struct bpf_prog_info program_info = {};
                struct bpf_link_info link = {};
                char path[64], target[64] = "";
                uint32_t size = sizeof(link);
                int program_fd;

                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                if (readlink(path, target, sizeof(target) - 1) < 0 || strstr(target, "bpf_link") == NULL ||
                    bpf_obj_get_info_by_fd(fd, &link, &size) < 0)
                        continue;
                program_fd = bpf_prog_get_fd_by_id(link.prog_id);
                ck_assert_int_ge(program_fd, 0);
                size = sizeof(program_info);
                ck_assert_int_eq(bpf_obj_get_info_by_fd(program_fd, &program_info, &size), 0);
                close(program_fd);
                if (streq(program_info.name, program)) {
                        park_forget(fd);        /* it is attached anew when it is wanted again */
                        ck_assert_int_eq(dup3(null_fd, fd, O_CLOEXEC), fd);
                        n++;
                }
        }
        close(null_fd);
        return n;
}

/* Of the programs on setresuid() the one at the end is taken away: what the call does is then explained by nothing, as
 * if something in the kernel had done it. */
static int change_unseen(int *pipes) {
        char c;

        /* Whoever has a link keeps the program where it is. */
        if (dup2(pipes[0], 0) < 0 || close_range(3, ~0U, 0) < 0)
                return 1;
        (void)prctl(PR_SET_NAME, "before");
        if (read(0, &c, 1) != 1)
                return 1;
        if (syscall(SYS_setresuid, 1000, 1001, 0) < 0)
                return 2;
        (void)prctl(PR_SET_NAME, "after");
        (void)prctl(PR_SET_NAME, "later");
        return 0;
}

START_TEST(a_change_that_no_call_explains_is_told_before_the_event_that_shows_it) {
        const struct wire_header *record, *after;
        int pipes[2];
        pid_t pid;

        ck_assert_int_eq(pipe(pipes), 0);
        pid = lab_fork();
        if (pid == 0)
                _exit(change_unseen(pipes));
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_prctl, pid, 0));
        ck_assert_int_eq(take_away("exit_setuid"), 8);
        ck_assert_int_eq(write(pipes[1], "x", 1), 1);
        lab_reap(pid);
        ck_assert_int_eq(lab.status, 0);
        close(pipes[0]);
        close(pipes[1]);

        ck_assert_uint_eq(lab_count(WIRE_KIND_credchange, pid), 1);
        record = lab_find(WIRE_KIND_credchange, pid, 0);
        ck_assert_int_eq(lab_number(record, F(credchange, uid)), 1000);
        ck_assert_int_eq(lab_number(record, F(credchange, euid)), 1001);
        ck_assert_int_eq(lab_number(record, F(credchange, gid)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, egid)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, caps)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, old_uid)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, old_euid)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, old_gid)), 0);
        ck_assert_int_eq(lab_number(record, F(credchange, old_egid)), 0);
        ck_assert(lab_number(record, F(credchange, old_caps)) & ONE(CAP_SETUID));
        after = lab_find_text(WIRE_KIND_prctl, pid, F(prctl, name), "after", 0);
        ck_assert_int_eq(lab_position(record) + 1, lab_position(after));
        ck_assert_uint_eq(after->euid, 1001);
}
END_TEST

START_TEST(what_was_seen_before_all_calls_were_watched_is_not_compared) {
        struct interest all = lab_interest(KINDS), less = lab_interest(wire_kind_bit(WIRE_KIND_prctl));
        int pipes[2];
        pid_t pid;

        lab_watch(&all);
        ck_assert_int_eq(pipe(pipes), 0);
        pid = lab_fork();
        if (pid == 0)
                _exit(change_unseen(pipes));
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_prctl, pid, 0));
        ck_assert_int_eq(capture_set_interest(lab.capture, &less, 2), 0);
        ck_assert_int_eq(write(pipes[1], "x", 1), 1);
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_prctl, pid, 1));
        ck_assert_int_eq(capture_set_interest(lab.capture, &all, 3), 0);
        lab_reap(pid);
        close(pipes[0]);
        close(pipes[1]);
        ck_assert_uint_eq(lab_count(WIRE_KIND_credchange, 0), 0);
}
END_TEST

/* credchange alone: the calls that explain are followed, and not told. */
START_TEST(whoever_waits_for_credchange_alone_is_told_nothing_else) {
        struct interest only = lab_interest(wire_kind_bit(WIRE_KIND_credchange));
        pid_t pid;

        lab_watch(&only);
        pid = lab_run(change_in_every_way, NULL);
        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_credchange, 0), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setuid, pid), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_unshare, 0), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_execve, pid), 1);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                user_ids_are_told_before_and_after_each_call,
                a_refused_change_of_user_is_told_with_the_same_ids_twice,
                group_ids_are_told_before_and_after_each_call,
                capabilities_are_told_before_and_after,
                lists_of_groups_are_told_by_their_lengths,
                what_prctl_sets_is_told_and_what_it_asks_is_not,
                an_exec_tells_the_capabilities_before_it,
                what_a_call_explains_is_no_credchange,
                threads_begin_with_the_credentials_of_their_creator,
                a_change_that_no_call_explains_is_told_before_the_event_that_shows_it,
                what_was_seen_before_all_calls_were_watched_is_not_compared,
                whoever_waits_for_credchange_alone_is_told_nothing_else,
        };
        struct interest interest = lab_interest(KINDS);

        return lab_main("bpf/credentials", tests, ELEMENTSOF(tests), &interest, NULL);
}

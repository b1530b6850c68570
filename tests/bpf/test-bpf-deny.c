/* SPDX-License-Identifier: Apache-2.0 */
/* Suite bpf: what the kernel refuses by lists, to whom, and what is told of it. The addresses are those that nobody has
 * (RFC 5737, RFC 3849), the files those of this program's own directory: nobody else on the host is refused anything.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/macro.h"
#include "capture/kernel.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define LIST(...)                                                                                                      \
        {                                                                                                              \
                .items = (const char *const[]){__VA_ARGS__},                                                           \
                .n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                                 \
        }

static const char *expected_outcome;

static void deny(const struct capture_deny *lists, bool enforcing) {
        lab_read();
        ck_assert_int_eq(capture_set_deny(lab.capture, lists), 0);
        capture_set_enforcing(lab.capture, enforcing);
        expected_outcome = enforcing ? "kernel" : "would";
}

static void allow_all(void) {
        static const struct capture_deny nothing = {};

        ck_assert_int_eq(capture_set_deny(lab.capture, &nothing), 0);
        capture_set_enforcing(lab.capture, false);
}

/* ---- addresses ---- */

static bool has_ipv6(void) {
        int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

struct attempt {
        const char *address;
        int type;                       /* SOCK_STREAM: connect; SOCK_DGRAM: send */
};

/* 0, or the errno. Never waits. */
static int attempt(void *argument) {
        const struct attempt *attempt = argument;
        struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(4711)};
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(4711)};
        bool is_six = strchr(attempt->address, ':');
        const struct sockaddr *to = is_six ? (const void *)&six : (const void *)&four;
        socklen_t size = is_six ? sizeof(six) : sizeof(four);
        int fd, r;

        if (inet_pton(is_six ? AF_INET6 : AF_INET, attempt->address,
                      is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr) != 1)
                return 255;
        fd = socket(is_six ? AF_INET6 : AF_INET, attempt->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return 254;
        r = attempt->type == SOCK_STREAM ? connect(fd, to, size) : (int)sendto(fd, "x", 1, 0, to, size);
        return r < 0 ? errno : 0;
}

static pid_t try_to(const char *address, int type) {
        struct attempt argument = {.address = address, .type = type};
        pid_t pid = lab_run(attempt, &argument);

        ck_assert(WIFEXITED(lab.status));
        return pid;
}

static void expect_verdict(pid_t pid, const char *list, const char *rule) {
        const struct wire_header *verdict = lab_wait(WIRE_KIND_verdict, pid, 0);

        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, list)), list);
        ck_assert_str_eq(lab_text(verdict, F(verdict, rule)), rule);
        ck_assert_str_eq(lab_text(verdict, F(verdict, action)), "deny");
        ck_assert_str_eq(lab_text(verdict, F(verdict, reason)), "rule");
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), expected_outcome);
        ck_assert_uint_eq(verdict->creator_tgid, getpid());
        ck_assert_uint_eq(lab_count(WIRE_KIND_verdict, pid), 1);
}

static const struct capture_deny addresses = {
        .addresses = LIST("192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::ffff:203.0.113.9"),
};

START_TEST(a_listed_address_is_refused_with_EPERM_by_every_way_to_it) {
        static const struct {
                const char *address, *rule;
                bool six;
        } ways[] = {
                {"192.0.2.55", "192.0.2.0/24"},
                {"198.51.100.7", "198.51.100.7"},
                {"203.0.113.9", "::ffff:203.0.113.9"},
                {"2001:db8::5", "2001:db8::/32", true},
                {"::ffff:192.0.2.55", "192.0.2.0/24", true},
        };

        deny(&addresses, true);
        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
                        const struct wire_header *verdict;
                        pid_t pid;

                        if (ways[i].six && !has_ipv6())
                                continue;
                        pid = try_to(ways[i].address, type);
                        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
                        expect_verdict(pid, "addresses", ways[i].rule);
                        verdict = lab_find(WIRE_KIND_verdict, pid, 0);
                        ck_assert_int_eq(lab_number(verdict, F(verdict, dport)), 4711);
                        ck_assert_int_eq(lab_address(verdict, F(verdict, daddr)).family,
                                         ways[i].six && i == 3 ? AF_INET6 : AF_INET);
                }
        allow_all();
}
END_TEST

#define N_QUICK 20

/* Somebody ends, and right behind him somebody else is made and refused something. Returns how many could not be. */
static int refused_right_behind(void *argument) {
        struct attempt what = {.address = "192.0.2.55", .type = SOCK_DGRAM};
        pid_t *refused = argument;
        int n_failed = 0;

        for (int i = 0; i < N_QUICK; i++) {
                pid_t other = fork(), pid;
                int status = 0;

                if (other == 0)
                        _exit(0);
                pid = other > 0 && waitpid(other, NULL, 0) == other ? fork() : -1;
                if (pid == 0)
                        _exit(attempt(&what));
                n_failed += pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != EPERM;
                refused[i] = pid;
        }
        return n_failed;
}

/* The end of another, a moment before, does not bring the verdict forward to before the fork. */
START_TEST(a_verdict_comes_behind_the_fork_of_who_is_refused) {
        pid_t *refused =
                mmap(NULL, N_QUICK * sizeof(*refused), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t parent;

        ck_assert(refused != MAP_FAILED);
        deny(&addresses, true);
        parent = lab_run(refused_right_behind, refused);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        for (int i = 0; i < N_QUICK; i++) {
                const struct wire_header *verdict = lab_wait(WIRE_KIND_verdict, refused[i], 0);

                ck_assert_ptr_nonnull(verdict);
                ck_assert_uint_eq(verdict->creator_tgid, parent);
        }
        (void)munmap(refused, N_QUICK * sizeof(*refused));
        allow_all();
}
END_TEST

START_TEST(other_addresses_are_let_through_and_nothing_is_told) {
        pid_t pid;

        deny(&addresses, true);
        pid = try_to("127.0.0.1", SOCK_DGRAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_verdict, pid), 0);
        pid = try_to("198.51.100.8", SOCK_DGRAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        ck_assert_uint_eq(lab_count(WIRE_KIND_verdict, pid), 0);
        allow_all();
}
END_TEST

START_TEST(the_address_that_means_this_host_is_what_the_kernel_makes_of_it) {
        const struct capture_deny here = {.addresses = LIST("127.0.0.1/32")};
        pid_t pid;

        /* Watched, not refused: others on this host talk to it. */
        deny(&here, false);
        pid = try_to("0.0.0.0", SOCK_DGRAM);
        expect_verdict(pid, "addresses", "127.0.0.1/32");
        allow_all();
}
END_TEST

START_TEST(what_is_not_enforced_is_let_through_and_told_and_so_it_is_from_one_call_to_the_next) {
        struct capture_stats before, after;
        pid_t pid;

        capture_stats(lab.capture, &before);
        deny(&addresses, false);
        pid = try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        expect_verdict(pid, "addresses", "192.0.2.0/24");

        capture_set_enforcing(lab.capture, true);
        expected_outcome = "kernel";
        pid = try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        expect_verdict(pid, "addresses", "192.0.2.0/24");

        /* Break-glass. */
        capture_set_enforcing(lab.capture, false);
        expected_outcome = "would";
        pid = try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        expect_verdict(pid, "addresses", "192.0.2.0/24");
        allow_all();

        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(after.deny.n_refused - before.deny.n_refused, 1);
        ck_assert_uint_eq(after.deny.n_would - before.deny.n_would, 2);
        ck_assert_uint_eq(after.deny.n_untold, before.deny.n_untold);
}
END_TEST

START_TEST(a_protected_program_is_refused_nothing_and_that_is_told) {
        const struct capture_deny_list self = LIST("/proc/self/exe");
        struct capture_deny lists = addresses;
        pid_t pid;

        /* Known at the beginning, or since. */
        deny(&lists, true);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        ck_assert_int_eq(capture_protect(lab.capture, &self), 0);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        lists.protected = self;
        deny(&lists, true);
        expected_outcome = "no";
        pid = try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        expect_verdict(pid, "addresses", "192.0.2.0/24");
        allow_all();
}
END_TEST

START_TEST(when_the_lists_change_the_new_ones_are_in_force_and_the_old_ones_are_not) {
        const struct capture_deny other = {.addresses = LIST("198.51.100.0/24")}, wrong = {.addresses = LIST("no")};

        deny(&addresses, true);
        deny(&other, true);
        (void)try_to("198.51.100.8", SOCK_STREAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);

        /* Wrong ones change nothing. */
        ck_assert_int_eq(capture_set_deny(lab.capture, &wrong), -EINVAL);
        (void)try_to("198.51.100.8", SOCK_STREAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        allow_all();
        (void)try_to("198.51.100.8", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
}
END_TEST

/* A child that asks for a listed address, then goes on in shared memory. */
struct shared {
        volatile uint64_t asked, after;
};

static int ask_and_count(void *argument) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4711)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct shared *shared = argument;

        (void)inet_pton(AF_INET, "192.0.2.55", &to.sin_addr);
        shared->asked = 1;
        (void)connect(fd, (struct sockaddr *)&to, sizeof(to));
        while (shared->after < 1000000)
                shared->after++;
        return 0;
}

START_TEST(who_is_killed_runs_no_instruction_after_the_call) {
        struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct capture_deny lists = addresses;
        const struct wire_header *verdict;
        struct capture_stats before, after;
        pid_t pid;

        ck_assert_ptr_ne(shared, MAP_FAILED);
        capture_stats(lab.capture, &before);
        lists.kill = true;
        deny(&lists, true);
        for (int i = 0; i < 20; i++) {
                shared->asked = shared->after = 0;
                pid = lab_run(ask_and_count, shared);
                ck_assert(WIFSIGNALED(lab.status));
                ck_assert_int_eq(WTERMSIG(lab.status), SIGKILL);
                ck_assert_uint_eq(shared->asked, 1);
                ck_assert_uint_eq(shared->after, 0);

                /* Refused, then killed. */
                verdict = lab_wait(WIRE_KIND_verdict, pid, 1);
                ck_assert_ptr_nonnull(verdict);
                ck_assert_str_eq(lab_text(verdict, F(verdict, action)), "kill");
                ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "kernel");
                ck_assert_str_eq(lab_text(verdict, F(verdict, rule)), "192.0.2.0/24");
                verdict = lab_find(WIRE_KIND_verdict, pid, 0);
                ck_assert_str_eq(lab_text(verdict, F(verdict, action)), "deny");
        }
        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(after.deny.n_killed - before.deny.n_killed, 20);
        ck_assert_uint_eq(after.deny.n_kill_failed, before.deny.n_kill_failed);
        (void)munmap(shared, 4096);
        allow_all();
}
END_TEST

START_TEST(nobody_is_killed_who_is_protected_or_while_it_is_not_enforced) {
        struct capture_deny lists = addresses;

        lists.kill = true;
        deny(&lists, false);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        lists.protected = (struct capture_deny_list)LIST("/proc/self/exe");
        deny(&lists, true);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_ne(WEXITSTATUS(lab.status), EPERM);
        allow_all();
}
END_TEST

START_TEST(sends_kill_as_well) {
        struct attempt argument = {.address = "192.0.2.55", .type = SOCK_DGRAM};
        struct capture_deny lists = addresses;

        lists.kill = true;
        deny(&lists, true);
        (void)lab_run(attempt, &argument);
        ck_assert(WIFSIGNALED(lab.status));
        allow_all();
}
END_TEST

/* ---- programs and files ---- */

static bool has_lsm(void) {
        return lab_tier() == CAPTURE_TIER_LSM && kernel_get()->lsm;
}

static int run_it(void *argument) {
        char *const argv[] = {argument, NULL}, *const env[] = {NULL};

        execve(argument, argv, env);
        return errno;
}

static int open_it(void *argument) {
        return open(argument, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static void expect_refused(int (*action)(void *argument), const char *path, const char *list, const char *rule) {
        const struct wire_header *verdict;
        pid_t pid = lab_run(action, (void *)path);

        ck_assert(WIFEXITED(lab.status));
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        expect_verdict(pid, list, rule);
        verdict = lab_find(WIRE_KIND_verdict, pid, 0);
        ck_assert_str_eq(lab_text(verdict, F(verdict, pathname)), path);
}

static void expect_let_through(int (*action)(void *argument), const char *path, int status) {
        pid_t pid = lab_run(action, (void *)path);

        ck_assert_int_eq(WEXITSTATUS(lab.status), status);
        ck_assert_uint_eq(lab_count(WIRE_KIND_verdict, pid), 0);
}

START_TEST(listed_programs_and_files_are_refused_by_path_directory_name_and_whatever_other_name_they_have) {
        char program[128], directory[128], inside[160], named[160], file[128], other[128], free_one[128];
        struct capture_deny lists = {};

        if (!has_lsm()) {
                printf("no BPF LSM here: not tried\n");
                return;
        }
        snprintf(program, sizeof(program), "%s/program", lab.directory);
        snprintf(directory, sizeof(directory), "%s/inside/", lab.directory);
        snprintf(inside, sizeof(inside), "%sprogram", directory);
        snprintf(named, sizeof(named), "%s/execray-no-such-name", lab.directory);
        snprintf(file, sizeof(file), "%s/file", lab.directory);
        snprintf(other, sizeof(other), "%s/other-name", lab.directory);
        snprintf(free_one, sizeof(free_one), "%s/program2", lab.directory);
        ck_assert_int_eq(mkdir(directory, 0755), 0);
        lab_write_file(program, "#!/bin/sh\nexit 7\n", 0755);
        lab_write_file(inside, "#!/bin/sh\nexit 7\n", 0755);
        lab_write_file(named, "#!/bin/sh\nexit 7\n", 0755);
        lab_write_file(free_one, "#!/bin/sh\nexit 7\n", 0755);
        lab_write_file(file, "secret", 0644);
        ck_assert_int_eq(link(file, other), 0);

        lists.executables = (struct capture_deny_list)LIST(program, directory, "execray-no-such-name");
        lists.files = (struct capture_deny_list)LIST(file);
        deny(&lists, true);
        expect_refused(run_it, program, "executables", program);
        expect_refused(run_it, inside, "executables", directory);
        expect_refused(run_it, named, "executables", "execray-no-such-name");
        expect_let_through(run_it, free_one, 7);
        expect_refused(open_it, file, "files", file);
        expect_refused(open_it, other, "files", file);
        expect_let_through(open_it, program, 0);

        /* Made anew under a listed path it is another file. */
        ck_assert_int_eq(rename(free_one, program), 0);
        expect_refused(run_it, program, "executables", program);

        /* Or killed, in the midst of the call. */
        lists.kill = true;
        deny(&lists, true);
        (void)lab_run(run_it, program);
        ck_assert(WIFSIGNALED(lab.status) && WTERMSIG(lab.status) == SIGKILL);
        (void)lab_run(open_it, file);
        ck_assert(WIFSIGNALED(lab.status) && WTERMSIG(lab.status) == SIGKILL);

        capture_set_enforcing(lab.capture, false);
        ck_assert_int_eq(WEXITSTATUS((lab_run(run_it, program), lab.status)), 7);
        allow_all();
        expect_let_through(open_it, file, 0);
}
END_TEST

#define DEPTH 24                        /* directories with names of 200 bytes: more than a path may have */

static void step_down(bool make) {
        char name[201];

        memset(name, 'd', 200);
        name[200] = 0;
        ck_assert_int_eq(chdir(lab.directory), 0);
        for (int i = 0; i < DEPTH; i++)
                ck_assert((!make || mkdir(name, 0755) == 0 || errno == EEXIST) && chdir(name) == 0);
}

static int open_far_down(void *argument) {
        step_down(false);
        return open("file", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

START_TEST(what_cannot_be_looked_at_is_let_through_or_if_closed_refused) {
        struct capture_deny lists = {.files = LIST("/nonexistent/execray-no-such-name")};
        const struct wire_header *verdict;
        struct capture_stats before, after;
        char here[PATH_MAX];
        int fd;

        if (!has_lsm())
                return;
        ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
        step_down(true);
        fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_int_eq(chdir(here), 0);

        deny(&lists, true);
        capture_stats(lab.capture, &before);
        ck_assert_int_eq(WEXITSTATUS((lab_run(open_far_down, NULL), lab.status)), 0);
        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(after.deny.n_undecided - before.deny.n_undecided, 1);
        ck_assert_uint_eq(after.deny.n_refused, before.deny.n_refused);

        lists.closed = true;
        deny(&lists, true);
        verdict = lab_wait(WIRE_KIND_verdict, lab_run(open_far_down, NULL), 0);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, reason)), "undecided");
        ck_assert(!lab_known(verdict, F(verdict, rule)) && !lab_known(verdict, F(verdict, pathname)));
        allow_all();
}
END_TEST

START_TEST(a_list_that_the_kernel_cannot_enforce_is_left_out_or_if_closed_refused) {
        struct capture_deny lists = {
                .addresses = LIST("192.0.2.0/24"),
                .executables = LIST("execray-no-such-name"),
        };

        if (has_lsm())
                return;
        lists.closed = true;
        ck_assert_int_eq(capture_set_deny(lab.capture, &lists), -EOPNOTSUPP);
        lists.closed = false;
        deny(&lists, true);
        (void)try_to("192.0.2.55", SOCK_STREAM);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        allow_all();
}
END_TEST

int main(void) {
        const struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_execve));
        const TTest *const tests[] = {
                a_listed_address_is_refused_with_EPERM_by_every_way_to_it,
                a_verdict_comes_behind_the_fork_of_who_is_refused,
                other_addresses_are_let_through_and_nothing_is_told,
                the_address_that_means_this_host_is_what_the_kernel_makes_of_it,
                what_is_not_enforced_is_let_through_and_told_and_so_it_is_from_one_call_to_the_next,
                a_protected_program_is_refused_nothing_and_that_is_told,
                when_the_lists_change_the_new_ones_are_in_force_and_the_old_ones_are_not,
                who_is_killed_runs_no_instruction_after_the_call,
                nobody_is_killed_who_is_protected_or_while_it_is_not_enforced,
                sends_kill_as_well,
                listed_programs_and_files_are_refused_by_path_directory_name_and_whatever_other_name_they_have,
                what_cannot_be_looked_at_is_let_through_or_if_closed_refused,
                a_list_that_the_kernel_cannot_enforce_is_left_out_or_if_closed_refused,
        };

        return lab_main("bpf/deny", tests, ELEMENTSOF(tests), &interest, NULL);
}

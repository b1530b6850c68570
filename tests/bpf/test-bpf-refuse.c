/* SPDX-License-Identifier: Apache-2.0 */
/* Suite bpf: last steps of policies that only a security hook can refuse: programs, captured files, and who looks into
 * another process; and that the policy is told where there are none. Files of this program's own directory, its own
 * children. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "rules.h"

/* ---- programs ---- */

static bool is_told_where_there_are_no_hooks(const struct enforcement_rule *rule) {
        const struct capture_enforcement closed = {.rules = rule, .n_rules = 1, .closed = true};

        if (has_lsm())
                return false;
        ck_assert_ptr_nonnull(capture_enforcement_obstacle(lab.capture, rule));
        ck_assert_int_eq(capture_set_enforcement(lab.capture, &closed), -EOPNOTSUPP);
        ck_assert_int_eq(enforce(rule, 1), 0);
        return true;
}

static void expect_refused_image(const char *path, const char *image) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid = lab_run(run_it, (void *)path);

        ck_assert_int_eq(stat(image, &st), 0);
        ck_assert(WIFEXITED(lab.status));
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        ck_assert_str_eq(lab_text(lab_wait(WIRE_KIND_verdict, pid, 0), F(verdict, pathname)), image);
        record = lab_wait(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_str_eq(lab_text(record, F(execve, exe)), image);
        ck_assert_str_eq(lab_text(record, F(execve, filename)), path);
        ck_assert(lab_is_file(lab_object(record, F(execve, file)), &st));
        ck_assert_int_eq(lab_number(record, F(execve, old_uid)), getuid());
        ck_assert_int_eq(lab_number(record, F(execve, old_euid)), geteuid());
}

#define RUNS(path, answer)                                                                                             \
        do {                                                                                                           \
                (void)lab_run(run_it, (void *)(path));                                                                 \
                ck_assert(WIFEXITED(lab.status));                                                                      \
                ck_assert_int_eq(WEXITSTATUS(lab.status), answer);                                                     \
        } while (0)

START_TEST(an_exec_is_refused_by_the_image_that_would_run_and_its_record_says_which_that_was) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_execve, number_test(ENFORCEMENT_UID, getuid(), getuid()));
        char shell[128], script[128], line[160];

        snprintf(shell, sizeof(shell), "%s/refused-shell", lab.directory);
        snprintf(script, sizeof(script), "%s/script", lab.directory);
        snprintf(line, sizeof(line), "#!%s\nexit 7\n", shell);
        lab_copy_file("/bin/sh", shell, 0755);
        lab_write_file(script, line, 0755);

        rule.tests[rule.n_tests++] = text_test(ENFORCEMENT_PATH, ENFORCEMENT_EXACT, shell);
        if (is_told_where_there_are_no_hooks(&rule)) {
                RUNS(shell, 7);
                leave_alone();
                return;
        }
        ck_assert_ptr_null(capture_enforcement_obstacle(lab.capture, &rule));
        ck_assert_int_eq(enforce(&rule, 1), 0);
        expect_refused_image(shell, shell);
        expect_refused_image(script, shell);

        /* Who he was before: an exec has not changed that yet. */
        rule.tests[rule.n_tests++] = number_test(ENFORCEMENT_EUID, geteuid(), geteuid());
        ck_assert_int_eq(enforce(&rule, 1), 0);
        expect_refused_image(shell, shell);
        rule.tests[rule.n_tests - 1] = number_test(ENFORCEMENT_EUID, geteuid() + 1, UINT32_MAX);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        RUNS(shell, 7);

        /* A script is not what runs: that is its interpreter. */
        rule.n_tests = 1;
        rule.tests[0] = text_test(ENFORCEMENT_PATH, ENFORCEMENT_EXACT, script);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        RUNS(script, 7);
        leave_alone();
        RUNS(shell, 7);
}
END_TEST

START_TEST(a_protected_caller_is_refused_no_exec_and_nobody_is_while_nothing_is_enforced) {
        struct enforcement_rule rule;
        struct capture_enforcement enforcement = {.rules = &rule, .n_rules = 1,
                                                  .protected = {(const char *const[]){"/proc/self/exe"}, 1}};
        const struct wire_header *verdict;
        char shell[128];

        snprintf(shell, sizeof(shell), "%s/other-shell", lab.directory);
        lab_copy_file("/bin/sh", shell, 0755);
        rule = rule_of(WIRE_KIND_execve, text_test(ENFORCEMENT_PATH, ENFORCEMENT_EXACT, shell));
        if (is_told_where_there_are_no_hooks(&rule)) {
                leave_alone();
                return;
        }
        ck_assert_int_eq(capture_set_enforcement(lab.capture, &enforcement), 0);
        capture_set_enforcing(lab.capture, true);
        verdict = lab_wait(WIRE_KIND_verdict, lab_run(run_it, shell), 0);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 7);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "no");

        ck_assert_int_eq(enforce(&rule, 1), 0);
        capture_set_enforcing(lab.capture, false);
        verdict = lab_wait(WIRE_KIND_verdict, lab_run(run_it, shell), 0);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 7);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "would");
        leave_alone();
}
END_TEST

/* ---- captured files ---- */

static struct enforcement_arming arming_of(const char *path) {
        struct enforcement_arming arming = {.path = PATH_OF_PROGRAM, .n_runs = 1,
                                            .runs = {{.deadline_ns = UINT64_MAX, .rules = 1, .has_file = true}}};
        const struct wire_header *record;
        pid_t pid;

        ck_assert_int_eq(enforce(NULL, 0), 0);
        pid = lab_run(open_and_count, (void *)path);
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_openat, pid, 0));
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), path, 0);
        ck_assert_ptr_nonnull(record);
        arming.runs[0].file = lab_object(record, F(openat, file));
        ck_assert_uint_ne(arming.runs[0].file.inode, 0);
        return arming;
}

static struct enforcement_rule captured_rule(enum wire_kind kind) {
        struct enforcement_rule rule = rule_of(kind, (struct enforcement_test){.field = ENFORCEMENT_FILE,
                                                                               .op = ENFORCEMENT_CAPTURED});

        rule.armed = true;
        rule.key = ENFORCEMENT_HOST;
        return rule;
}

START_TEST(a_captured_file_is_refused_by_whichever_name_and_no_other_file) {
        struct enforcement_rule rule = captured_rule(WIRE_KIND_openat);
        struct enforcement_arming arming;
        char file[128], link_[128], other[128];
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        snprintf(file, sizeof(file), "%s/captured", lab.directory);
        snprintf(link_, sizeof(link_), "%s/captured-link", lab.directory);
        snprintf(other, sizeof(other), "%s/captured-not", lab.directory);
        lab_write_file(file, "x", 0644);
        lab_write_file(other, "x", 0644);
        ck_assert_int_eq(link(file, link_), 0);
        ck_assert_int_eq(stat(file, &st), 0);
        shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(shared, MAP_FAILED);
        arming = arming_of(file);
        if (is_told_where_there_are_no_hooks(&rule)) {
                leave_alone();
                return;
        }
        ck_assert_int_eq(enforce(&rule, 1), 0);
        (void)lab_run(open_and_count, file);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);   /* no story has come so far */
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        pid = lab_run(open_and_count, link_);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_openat, pid, 0));
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), link_, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(lab_is_file(lab_object(record, F(openat, file)), &st));
        (void)lab_run(open_and_count, other);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        (void)munmap((void *)shared, 4096);
        leave_alone();
}
END_TEST

#define EXCHANGES (lab_is_quick() ? 60 : 300)

struct exchange {
        const char *file, *other, *name;
};

/* Another thread's hand: the name leads to the one and to the other. */
static int run_while_exchanged(void *argument) {
        const struct exchange *exchange = argument;
        pid_t mover = fork();
        int refused = 0, ran = 0;

        if (mover == 0)
                for (;;)
                        (void)renameat2(AT_FDCWD, exchange->file, AT_FDCWD, exchange->other, RENAME_EXCHANGE);
        for (int i = 0; mover > 0 && i < EXCHANGES; i++) {
                pid_t pid = fork();
                int status;

                if (pid == 0)
                        _exit(run_it((void *)exchange->name));
                if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                        return 255;
                refused += WEXITSTATUS(status) == EPERM;
                ran += WEXITSTATUS(status) == 7;
        }
        (void)kill(mover, SIGKILL);
        (void)waitpid(mover, NULL, 0);
        return refused + ran != EXCHANGES ? 1 : refused > 0 && ran > 0 ? 0 : 2; /* 1: it ran all the same */
}

START_TEST(a_captured_program_never_runs_whatever_its_name_is_by_then) {
        struct enforcement_rule rule = captured_rule(WIRE_KIND_execve);
        struct enforcement_arming arming;
        char bad[128], good[128];
        struct exchange exchange = {bad, good, bad};

        snprintf(bad, sizeof(bad), "%s/exchanged-bad", lab.directory);
        snprintf(good, sizeof(good), "%s/exchanged-good", lab.directory);
        lab_copy_file("/bin/sh", good, 0755);
        lab_copy_file("/bin/true", bad, 0755);
        RUNS(good, 7);
        RUNS(bad, 0);
        shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(shared, MAP_FAILED);
        arming = arming_of(bad);
        if (is_told_where_there_are_no_hooks(&rule)) {
                leave_alone();
                return;
        }
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        (void)lab_run(run_while_exchanged, &exchange);
        ck_assert(WIFEXITED(lab.status));
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        (void)munmap((void *)shared, 4096);
        leave_alone();
}
END_TEST

/* ---- other processes ---- */

enum look { ATTACH, SEIZE, TRACEME, READV, WRITEV, READ_ONLY };

static uint64_t looked_into = 7;

static int vector_of(pid_t target, bool write) {
        uint64_t own = 7;
        struct iovec here = {&own, sizeof(own)}, there = {&looked_into, sizeof(looked_into)};
        ssize_t n = write ? process_vm_writev(target, &here, 1, &there, 1, 0)
                          : process_vm_readv(target, &here, 1, &there, 1, 0);

        return n < 0 ? errno : 0;
}

/* What looks at a process and is no `ptrace`. */
static int read_only(pid_t target) {
        static const char *const names[] = {"environ", "maps", "auxv", "mem"};
        char path[64], bytes[64];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                int fd;

                snprintf(path, sizeof(path), "/proc/%d/%s", target, names[i]);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0 || (i < 3 && read(fd, bytes, sizeof(bytes)) < 0))
                        return errno;
                close(fd);
        }
        snprintf(path, sizeof(path), "/proc/%d/exe", target);
        return readlink(path, bytes, sizeof(bytes)) < 0 ? errno : 0;
}

static int look_at_it(enum look look, pid_t target) {
        switch (look) {
        case ATTACH: return ptrace(PTRACE_ATTACH, target, NULL, NULL) < 0 ? errno : 0;
        case SEIZE: return ptrace(PTRACE_SEIZE, target, NULL, NULL) < 0 ? errno : 0;
        case TRACEME: return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
        case READV: return vector_of(target, false);
        case WRITEV: return vector_of(target, true);
        case READ_ONLY: return read_only(target);
        }
        return 255;
}

/* The target is a child of the action's, and goes with it. */
static int look_at_child(void *argument) {
        int ready[2], r;
        pid_t target;
        char byte = 0;

        if (pipe(ready) < 0)
                return 253;
        target = fork();
        if (target == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)!write(ready[1], &byte, 1);
                for (;;)
                        pause();
        }
        if (target < 0 || read(ready[0], &byte, 1) != 1)
                return 254;
        r = look_at_it(*(enum look *)argument, target);
        (void)kill(target, SIGKILL);
        return r;
}

static int result_of_look(enum look look) {
        (void)lab_run(look_at_child, &look);
        ck_assert(WIFEXITED(lab.status));
        return WEXITSTATUS(lab.status);
}

static struct enforcement_rule rule_on_self(bool kill_) {
        static char self[512];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        struct enforcement_rule rule =
                rule_of(WIRE_KIND_ptrace, number_test(ENFORCEMENT_TARGET_UID, getuid(), getuid()));

        ck_assert_int_gt(n, 0);
        self[n] = 0;
        rule.tests[rule.n_tests++] = text_test(ENFORCEMENT_PATH, ENFORCEMENT_EXACT, self);
        rule.kill = kill_;
        return rule;
}

static const int requests[] = {
        [ATTACH] = PTRACE_ATTACH,
        [SEIZE] = PTRACE_SEIZE,
        [TRACEME] = PTRACE_TRACEME,
        [READV] = WIRE_PTRACE_READV,
        [WRITEV] = WIRE_PTRACE_WRITEV,
};

START_TEST(who_looks_into_another_process_is_refused_and_who_only_reads_about_it_is_not) {
        struct enforcement_rule rule = rule_on_self(false);

        if (is_told_where_there_are_no_hooks(&rule)) {
                ck_assert_int_eq(result_of_look(ATTACH), 0);
                leave_alone();
                return;
        }
        ck_assert_int_eq(enforce(&rule, 1), 0);
        for (enum look look = ATTACH; look <= WRITEV; look++) {
                const struct wire_header *record;
                pid_t pid = lab_run(look_at_child, &look);

                ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
                ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_verdict, pid, 0));
                record = lab_wait(WIRE_KIND_ptrace, pid, 0);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(record->result, -EPERM);
                ck_assert_int_eq(lab_number(record, F(ptrace, request)), requests[look]);
                ck_assert_str_eq(lab_text(record, F(ptrace, target_exe)), rule.tests[1].operands[0].text);
        }
        ck_assert_int_eq(result_of_look(READ_ONLY), 0);

        /* Each by what is asked. */
        rule.tests[0] = number_test(ENFORCEMENT_REQUEST, PTRACE_SEIZE, PTRACE_SEIZE);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        for (enum look look = ATTACH; look <= WRITEV; look++)
                ck_assert_int_eq(result_of_look(look), look == SEIZE ? EPERM : 0);

        /* And of whom. */
        rule.tests[0] = number_test(ENFORCEMENT_TARGET_UID, getuid() + 1, UINT32_MAX);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(result_of_look(ATTACH), 0);
        leave_alone();
}
END_TEST

START_TEST(who_looks_into_another_process_is_killed_for_it_on_every_kernel) {
        struct enforcement_rule rule = rule_on_self(true);

        for (enum look look = ATTACH; look <= WRITEV; look++) {
                const struct wire_header *verdict;
                pid_t pid;

                ck_assert_ptr_null(capture_enforcement_obstacle(lab.capture, &rule));
                ck_assert_int_eq(enforce(&rule, 1), 0);
                pid = lab_run(look_at_child, &look);
                ck_assert(WIFSIGNALED(lab.status));
                ck_assert_int_eq(WTERMSIG(lab.status), SIGKILL);
                verdict = lab_wait(WIRE_KIND_verdict, pid, has_lsm() ? 1 : 0);
                ck_assert_ptr_nonnull(verdict);
                ck_assert_str_eq(lab_text(verdict, F(verdict, action)), "kill");
                ck_assert_str_eq(lab_text(verdict, F(verdict, pathname)), rule.tests[1].operands[0].text);
        }
        ck_assert_int_eq(result_of_look(READ_ONLY), 0);

        capture_set_enforcing(lab.capture, false);
        ck_assert_int_eq(result_of_look(ATTACH), 0);
        leave_alone();
}
END_TEST

START_TEST(a_protected_tracer_is_let_through) {
        struct enforcement_rule rule = rule_on_self(!has_lsm());
        const struct capture_enforcement enforcement = {.rules = &rule, .n_rules = 1,
                                                        .protected = {(const char *const[]){"/proc/self/exe"}, 1}};
        enum look look = ATTACH;
        const struct wire_header *verdict;

        lab_read();
        ck_assert_int_eq(capture_set_enforcement(lab.capture, &enforcement), 0);
        capture_set_enforcing(lab.capture, true);
        verdict = lab_wait(WIRE_KIND_verdict, lab_run(look_at_child, &look), 0);
        ck_assert(WIFEXITED(lab.status));
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "no");
        leave_alone();
}
END_TEST

int main(void) {
        const struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_execve, WIRE_KIND_openat, WIRE_KIND_ptrace));
        const TTest *const tests[] = {
                an_exec_is_refused_by_the_image_that_would_run_and_its_record_says_which_that_was,
                a_protected_caller_is_refused_no_exec_and_nobody_is_while_nothing_is_enforced,
                a_captured_file_is_refused_by_whichever_name_and_no_other_file,
                a_captured_program_never_runs_whatever_its_name_is_by_then,
                who_looks_into_another_process_is_refused_and_who_only_reads_about_it_is_not,
                who_looks_into_another_process_is_killed_for_it_on_every_kernel,
                a_protected_tracer_is_let_through,
        };

        return lab_main("bpf/refuse", tests, ELEMENTSOF(tests), &interest, NULL);
}

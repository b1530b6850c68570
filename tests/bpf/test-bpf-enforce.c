/* SPDX-License-Identifier: Apache-2.0 */
/* Suite bpf: last steps of policies that the kernel decides: which rule holds for a call, for whom it is armed, and
 * that whoever is killed does nothing more. Addresses that nobody has, files of this program's own directory. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "rules.h"

static struct enforcement_operand network(const char *address, uint32_t bits) {
        struct enforcement_operand operand = {.bits = bits, .address.family = AF_INET};

        ck_assert_int_eq(inet_pton(AF_INET, address, operand.address.bytes), 1);
        return operand;
}

static struct enforcement_test network_test(const char *address, uint32_t bits) {
        return (struct enforcement_test){.field = ENFORCEMENT_ADDRESS, .op = ENFORCEMENT_NETWORK, .n_operands = 1,
                                         .operands = {network(address, bits)}};
}

/* ---- calls ---- */

struct target {
        const char *address;
        uint16_t port;
};

static int connect_to(void *argument) {
        const struct target *target = argument;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(target->port)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || inet_pton(AF_INET, target->address, &to.sin_addr) != 1)
                return 255;
        return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
}

static int connect_in_grandchild(void *argument) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(connect_to(argument));
        return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static int result_of(int (*action)(void *argument), const char *address, uint16_t port) {
        struct target target = {address, port};

        (void)lab_run(action, &target);
        ck_assert(WIFEXITED(lab.status));
        return WEXITSTATUS(lab.status);
}

#define REFUSED(address, port) ck_assert_int_eq(result_of(connect_to, address, port), EPERM)
#define LET_THROUGH(address, port) ck_assert_int_ne(result_of(connect_to, address, port), EPERM)

START_TEST(a_rule_holds_if_all_its_tests_do_and_a_test_if_one_of_its_operands_does) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));

        rule.tests[0].operands[rule.tests[0].n_operands++] = network("198.51.100.7", 32);
        rule.tests[rule.n_tests++] = number_test(ENFORCEMENT_PORT, 4700, 4799);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        REFUSED("192.0.2.255", 4700);
        REFUSED("198.51.100.7", 4799);
        LET_THROUGH("192.0.2.255", 4800);
        LET_THROUGH("198.51.100.8", 4711);
        LET_THROUGH("192.0.3.0", 4711);
        leave_alone();
}
END_TEST

START_TEST(a_negated_test_holds_if_none_of_its_operands_does) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));
        struct enforcement_test *not_these = &rule.tests[rule.n_tests++];

        *not_these = number_test(ENFORCEMENT_PORT, 80, 80);
        not_these->negate = true;
        not_these->operands[not_these->n_operands++] = (struct enforcement_operand){.low = 443, .high = 443};
        ck_assert_int_eq(enforce(&rule, 1), 0);
        LET_THROUGH("192.0.2.1", 80);
        LET_THROUGH("192.0.2.1", 443);
        REFUSED("192.0.2.1", 444);
        leave_alone();
}
END_TEST

START_TEST(any_rule_will_do_and_the_verdict_names_the_policy) {
        struct enforcement_rule rules[] = {
                rule_of(WIRE_KIND_connect, network_test("192.0.2.1", 32)),
                rule_of(WIRE_KIND_connect, network_test("192.0.2.2", 32)),
        };
        struct target target = {"192.0.2.2", 4711};
        const struct wire_header *verdict;
        pid_t pid;

        rules[1].policy = "the second one";
        ck_assert_int_eq(enforce(rules, ELEMENTSOF(rules)), 0);
        pid = lab_run(connect_to, &target);
        ck_assert_int_eq(WEXITSTATUS(lab.status), EPERM);
        verdict = lab_wait(WIRE_KIND_verdict, pid, 0);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, list)), "policies");
        ck_assert_str_eq(lab_text(verdict, F(verdict, rule)), "the second one");
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "kernel");
        REFUSED("192.0.2.1", 1);
        LET_THROUGH("192.0.2.3", 1);
        leave_alone();
        LET_THROUGH("192.0.2.1", 1);
}
END_TEST

START_TEST(what_the_caller_runs_and_who_he_is_is_asked_for) {
        char self[512];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));

        ck_assert_int_gt(n, 8);
        self[n] = 0;
        rule.n_tests = 3;
        rule.tests[2] = number_test(ENFORCEMENT_UID, getuid(), getuid());

        rule.tests[1] = text_test(ENFORCEMENT_EXE, ENFORCEMENT_EXACT, self);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        REFUSED("192.0.2.1", 1);
        rule.tests[1] = text_test(ENFORCEMENT_EXE, ENFORCEMENT_SUFFIX, self + n - 9);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        REFUSED("192.0.2.1", 1);
        rule.tests[1] = text_test(ENFORCEMENT_EXE, ENFORCEMENT_PREFIX, "/");
        ck_assert_int_eq(enforce(&rule, 1), 0);
        REFUSED("192.0.2.1", 1);

        rule.tests[2] = number_test(ENFORCEMENT_UID, getuid() + 1, getuid() + 9);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        LET_THROUGH("192.0.2.1", 1);
        rule.tests[2] = number_test(ENFORCEMENT_UID, getuid(), getuid());
        self[n - 1]++;
        rule.tests[1] = text_test(ENFORCEMENT_EXE, ENFORCEMENT_EXACT, self);
        ck_assert_int_eq(enforce(&rule, 1), 0);
        LET_THROUGH("192.0.2.1", 1);
        leave_alone();
}
END_TEST

/* ---- keys ---- */

static uint64_t own_start(void) {
        const struct wire_header *own = lab_find(WIRE_KIND_verdict, getpid(), 0);

        return own ? own->start_ns : 0;
}

static void arm(uint32_t id, uint64_t start_ns, uint64_t deadline_ns) {
        const struct enforcement_arming arming = {
                .path = PATH_OF_PROGRAM,
                .id = id,
                .start_ns = start_ns,
                .n_runs = 1,
                .runs = {{.deadline_ns = deadline_ns, .rules = 1}},
        };

        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
}

static void disarm(uint32_t id, uint64_t start_ns) {
        const struct enforcement_arming arming = {.path = PATH_OF_PROGRAM, .id = id, .start_ns = start_ns};

        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
}

START_TEST(an_armed_rule_holds_for_the_key_that_was_armed_until_its_deadline) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));
        struct target target = {"192.0.2.9", 1};
        uint64_t start_ns;

        /* This process gets a verdict, which says when it began. */
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(connect_to(&target), EPERM);
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_verdict, getpid(), 0));
        start_ns = own_start();
        ck_assert_uint_gt(start_ns, 0);

        rule.armed = true;
        rule.key = ENFORCEMENT_PROCESS;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_ne(connect_to(&target), EPERM);
        arm((uint32_t)getpid(), start_ns, UINT64_MAX);
        ck_assert_int_eq(connect_to(&target), EPERM);
        LET_THROUGH("192.0.2.9", 1);            /* a child */
        disarm((uint32_t)getpid(), start_ns);
        ck_assert_int_ne(connect_to(&target), EPERM);
        arm((uint32_t)getpid(), start_ns, 1);   /* long over */
        ck_assert_int_ne(connect_to(&target), EPERM);
        arm((uint32_t)getpid(), start_ns + 1, UINT64_MAX);      /* the pid, but of another process */
        ck_assert_int_ne(connect_to(&target), EPERM);

        rule.key = ENFORCEMENT_TREE;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        LET_THROUGH("192.0.2.9", 1);
        arm((uint32_t)getpid(), start_ns, UINT64_MAX);
        ck_assert_int_eq(result_of(connect_in_grandchild, "192.0.2.9", 1), EPERM);
        ck_assert_int_eq(connect_to(&target), EPERM);

        rule.key = ENFORCEMENT_HOST;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        LET_THROUGH("192.0.2.9", 1);
        arm(0, 0, UINT64_MAX);
        REFUSED("192.0.2.9", 1);
        leave_alone();
}
END_TEST

static struct enforcement_run run_with(const char *address) {
        struct enforcement_run run = {.deadline_ns = UINT64_MAX, .rules = 1, .has_address = address != NULL};

        if (address)
                run.address = network(address, 32).address;
        return run;
}

static struct enforcement_rule rule_of_captured(void) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, number_test(ENFORCEMENT_PORT, 1, 65535));

        rule.armed = true;
        rule.key = ENFORCEMENT_HOST;
        rule.tests[rule.n_tests++] =
                (struct enforcement_test){.field = ENFORCEMENT_ADDRESS, .op = ENFORCEMENT_CAPTURED};
        return rule;
}

START_TEST(what_a_story_captured_is_compared_with_the_call) {
        struct enforcement_rule rule = rule_of_captured();
        struct enforcement_arming arming = {.path = PATH_OF_PROGRAM, .n_runs = 1, .runs = {run_with("192.0.2.77")}};

        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        REFUSED("192.0.2.77", 1);
        LET_THROUGH("192.0.2.78", 1);

        /* It captured none: nothing can be the same, nor another. */
        arming.runs[0] = run_with(NULL);
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        LET_THROUGH("192.0.2.77", 1);
        rule.tests[1].negate = true;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        LET_THROUGH("192.0.2.77", 1);
        leave_alone();
}
END_TEST

START_TEST(stories_of_one_key_are_armed_side_by_side_and_each_ends_by_itself) {
        struct enforcement_rule rule = rule_of_captured();
        struct enforcement_arming arming = {.path = PATH_OF_PROGRAM};

        ck_assert_int_eq(enforce(&rule, 1), 0);
        for (arming.n_runs = 0; arming.n_runs < ENFORCEMENT_MAX_RUNS; arming.n_runs++) {
                char address[32];

                snprintf(address, sizeof(address), "192.0.2.%zu", 101 + arming.n_runs);
                arming.runs[arming.n_runs] = run_with(address);
        }
        arming.runs[3].deadline_ns = 1;         /* long over */
        arming.runs[4].rules = 2;               /* waits for another last step */
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        REFUSED("192.0.2.101", 1);
        REFUSED("192.0.2.108", 1);
        LET_THROUGH("192.0.2.104", 1);
        LET_THROUGH("192.0.2.105", 1);
        LET_THROUGH("192.0.2.109", 1);

        /* The last one is over, the others are not. */
        arming.n_runs--;
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        LET_THROUGH("192.0.2.108", 1);
        REFUSED("192.0.2.107", 1);

        /* `not ( == )`: of any of two stories it is another address than the one that the other has captured. */
        rule.tests[1].negate = true;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        arming.n_runs = 1;
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        LET_THROUGH("192.0.2.101", 1);
        REFUSED("192.0.2.102", 1);
        arming.n_runs = 2;
        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
        REFUSED("192.0.2.101", 1);
        leave_alone();
}
END_TEST

/* ---- control groups ---- */

struct in_group {
        const char *group;
        struct target target;
};

static int connect_in_group(void *argument) {
        const struct in_group *where = argument;
        char procs[600];

        snprintf(procs, sizeof(procs), "%s/cgroup.procs", where->group);
        lab_write_file(procs, "0", 0644);
        return connect_to((void *)&where->target);
}

static int result_in(const char *group) {
        struct in_group where = {group, {"192.0.2.9", 1}};

        (void)lab_run(connect_in_group, &where);
        ck_assert(WIFEXITED(lab.status));
        return WEXITSTATUS(lab.status);
}

static void arm_named(const char *name, size_t n_runs) {
        const struct enforcement_arming arming = {.path = PATH_OF_PROGRAM, .name = name, .n_name = strlen(name),
                                                  .n_runs = n_runs, .runs = {run_with(NULL)}};

        ck_assert_int_eq(capture_arm(lab.capture, &arming), 0);
}

static void make_group(const char *path) {
        ck_assert_int_eq(mkdir(path, 0755), 0);
        lab_read();
}

static void wait_until_refused(const char *group) {
        for (int i = 0; i < 500; i++) {
                if (result_in(group) == EPERM)
                        return;
                usleep(10000);
                lab_read();
        }
        ck_abort_msg("nothing is refused in %s", group);
}

static void check_groups(struct enforcement_rule *rule, const char *name, const char *directory) {
        char group[300], below[400], again[500], other[300];

        snprintf(group, sizeof(group), "%s/%s", lab_hierarchy(), directory);
        snprintf(below, sizeof(below), "%s/below", group);
        snprintf(again, sizeof(again), "%s/%s", below, "other.service");
        snprintf(other, sizeof(other), "%s/not-%d.service", lab_hierarchy(), getpid());
        make_group(group);
        make_group(other);
        ck_assert_int_eq(enforce(rule, 1), 0);
        ck_assert_int_ne(result_in(group), EPERM);
        arm_named(name, 1);
        ck_assert_int_eq(result_in(group), EPERM);

        /* Groups below belong to it, whatever they are called; others do not, nor does who is in none. */
        make_group(below);
        make_group(again);
        ck_assert_int_eq(result_in(below), EPERM);
        ck_assert_int_eq(result_in(again), EPERM);
        ck_assert_int_ne(result_in(other), EPERM);
        LET_THROUGH("192.0.2.9", 1);
        arm_named(name, 0);
        arm_named("other.service", 1);
        ck_assert_int_ne(result_in(again), EPERM);
        arm_named(name, 1);

        /* Of the same name, and another group, as after a restart of the unit: known as soon as it is heard of. */
        ck_assert_int_eq(rmdir(again) | rmdir(below) | rmdir(group), 0);
        make_group(group);
        wait_until_refused(group);
        arm_named(name, 0);
        ck_assert_int_ne(result_in(group), EPERM);
        ck_assert_int_eq(rmdir(group) | rmdir(other), 0);
}

START_TEST(units_and_containers_are_told_by_the_callers_control_group_and_those_above_it) {
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));
        char name[80], directory[100];
        const char *why;

        rule.armed = true;
        rule.key = ENFORCEMENT_UNIT;
        why = capture_enforcement_obstacle(lab.capture, &rule);
        if (why || !lab_hierarchy()) {
                printf("%s: not tried\n", why ?: "no hierarchy that we may write to");
                return;
        }
        snprintf(name, sizeof(name), "enforced%d.service", getpid());
        check_groups(&rule, name, name);

        rule.key = ENFORCEMENT_CONTAINER;
        snprintf(name, sizeof(name), "%064x", getpid());
        snprintf(directory, sizeof(directory), "docker-%s.scope", name);
        check_groups(&rule, name, directory);
        leave_alone();
}
END_TEST

START_TEST(whom_no_rule_is_for_cannot_be_armed) {
        const struct enforcement_arming arming = {.path = PATH_OF_PROGRAM + 1};
        struct enforcement_rule rule = rule_of(WIRE_KIND_connect, network_test("192.0.2.0", 24));

        ck_assert_int_eq(capture_arm(lab.capture, &arming), -ENOENT);
        rule.armed = true;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        ck_assert_int_eq(capture_arm(lab.capture, &arming), -ENOENT);
        leave_alone();
}
END_TEST

/* ---- files ---- */

static pid_t expect_killed(int (*action)(void *argument), const char *path) {
        const struct wire_header *verdict;
        pid_t pid = lab_run(action, (void *)path);

        ck_assert(WIFSIGNALED(lab.status));
        ck_assert_int_eq(WTERMSIG(lab.status), SIGKILL);
        verdict = lab_wait(WIRE_KIND_verdict, pid, has_lsm() ? 1 : 0);
        ck_assert_ptr_nonnull(verdict);
        ck_assert_str_eq(lab_text(verdict, F(verdict, action)), "kill");
        ck_assert_str_eq(lab_text(verdict, F(verdict, enforced)), "kernel");
        ck_assert_str_eq(lab_text(verdict, F(verdict, pathname)), path);
        return pid;
}

START_TEST(who_opens_what_he_is_to_be_killed_for_runs_no_instruction_after_the_call) {
        struct enforcement_rule rule;
        char file[128], other[128];

        snprintf(file, sizeof(file), "%s/secret", lab.directory);
        snprintf(other, sizeof(other), "%s/secret2", lab.directory);
        lab_write_file(file, "secret", 0644);
        lab_write_file(other, "no secret", 0644);
        shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(shared, MAP_FAILED);

        rule = rule_of(WIRE_KIND_openat, text_test(ENFORCEMENT_PATH, ENFORCEMENT_EXACT, file));
        rule.tests[rule.n_tests++] = (struct enforcement_test){.field = ENFORCEMENT_FLAGS,
                                                               .op = ENFORCEMENT_ANY_BITS,
                                                               .n_operands = 1,
                                                               .operands = {{.low = O_RDWR | O_WRONLY}}};
        rule.kill = true;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        for (int i = 0; i < 20; i++) {
                shared->asked = shared->after = 0;
                (void)expect_killed(open_and_count, file);
                ck_assert_uint_eq(shared->asked, 1);
                ck_assert_uint_eq(shared->after, 0);
        }
        (void)lab_run(open_and_count, other);
        ck_assert(WIFEXITED(lab.status));

        /* Seen, and no more, while nothing is enforced. */
        capture_set_enforcing(lab.capture, false);
        shared->after = 0;
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_verdict, lab_run(open_and_count, file), 0));
        ck_assert(WIFEXITED(lab.status) && WEXITSTATUS(lab.status) == 0);
        (void)munmap((void *)shared, 4096);
        leave_alone();
}
END_TEST

START_TEST(who_runs_what_he_is_to_be_killed_for_never_runs_it) {
        struct enforcement_rule rule;
        char shell[128];

        /* A program of our own: nobody else runs it. */
        snprintf(shell, sizeof(shell), "%s/own-shell", lab.directory);
        lab_copy_file("/bin/sh", shell, 0755);
        (void)lab_run(run_it, shell);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 7);

        rule = rule_of(WIRE_KIND_execve, text_test(ENFORCEMENT_PATH, ENFORCEMENT_SUFFIX, "/own-shell"));
        rule.kill = true;
        ck_assert_int_eq(enforce(&rule, 1), 0);
        (void)expect_killed(run_it, shell);
        leave_alone();
        (void)lab_run(run_it, shell);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 7);
}
END_TEST

START_TEST(opens_are_refused_where_there_are_security_hooks_and_the_policy_is_told_where_there_are_none) {
        struct capture_enforcement closed = {.n_rules = 1, .closed = true};
        struct enforcement_rule rule;
        char file[128];

        snprintf(file, sizeof(file), "%s/refused", lab.directory);
        lab_write_file(file, "x", 0644);
        shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(shared, MAP_FAILED);
        rule = rule_of(WIRE_KIND_openat, text_test(ENFORCEMENT_PATH, ENFORCEMENT_PREFIX, file));
        closed.rules = &rule;

        if (has_lsm()) {
                ck_assert_ptr_null(capture_enforcement_obstacle(lab.capture, &rule));
                ck_assert_int_eq(enforce(&rule, 1), 0);
                (void)lab_run(open_and_count, file);
                ck_assert(WIFEXITED(lab.status) && WEXITSTATUS(lab.status) == EPERM);
        } else {
                ck_assert_ptr_nonnull(capture_enforcement_obstacle(lab.capture, &rule));
                ck_assert_int_eq(capture_set_enforcement(lab.capture, &closed), -EOPNOTSUPP);
                ck_assert_int_eq(enforce(&rule, 1), 0);
                (void)lab_run(open_and_count, file);
                ck_assert(WIFEXITED(lab.status) && WEXITSTATUS(lab.status) == 0);
                rule.kill = true;
                ck_assert_ptr_null(capture_enforcement_obstacle(lab.capture, &rule));
        }
        (void)munmap((void *)shared, 4096);
        leave_alone();
}
END_TEST

int main(void) {
        const struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_execve));
        const TTest *const tests[] = {
                a_rule_holds_if_all_its_tests_do_and_a_test_if_one_of_its_operands_does,
                a_negated_test_holds_if_none_of_its_operands_does,
                any_rule_will_do_and_the_verdict_names_the_policy,
                what_the_caller_runs_and_who_he_is_is_asked_for,
                an_armed_rule_holds_for_the_key_that_was_armed_until_its_deadline,
                what_a_story_captured_is_compared_with_the_call,
                stories_of_one_key_are_armed_side_by_side_and_each_ends_by_itself,
                units_and_containers_are_told_by_the_callers_control_group_and_those_above_it,
                whom_no_rule_is_for_cannot_be_armed,
                who_opens_what_he_is_to_be_killed_for_runs_no_instruction_after_the_call,
                who_runs_what_he_is_to_be_killed_for_never_runs_it,
                opens_are_refused_where_there_are_security_hooks_and_the_policy_is_told_where_there_are_none,
        };

        return lab_main("bpf/enforce", tests, ELEMENTSOF(tests), &interest, NULL);
}

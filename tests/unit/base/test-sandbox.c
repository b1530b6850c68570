/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "unit.h"

#define NOBODY 65534

static const struct sandbox_limits wide = {.cpu_s = 60, .memory_bytes = GIB, .file_bytes = MIB, .files = 32};

/* How a child that does this ended: its exit status, or 1000 and the number of the signal. */
static int in_child(void (*body)(void)) {
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

                (void)dup2(null, STDERR_FILENO);
                body();
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void give_up(void) {
        if (sandbox_limit(&wide, NULL) < 0 || sandbox_drop(NOBODY, NULL) < 0 || sandbox_seal(NULL) < 0)
                _exit(100);
}

/* ---- what still works ---- */

static int compare(const void *a, const void *b) {
        return *(const int *)a - *(const int *)b;
}

static void compute_and_write(void) {
        int *numbers;

        give_up();
        for (size_t size = 1; size < 8 * MIB; size *= 2) {
                char *p = malloc(size), *q;

                p[size - 1] = 1;
                q = realloc(p, size * 2);
                free(q);
        }
        numbers = calloc(1 << 16, sizeof(*numbers));
        qsort(numbers, 1 << 16, sizeof(*numbers), compare);     /* more than it sorts on the stack */
        if (write(STDERR_FILENO, "", 1) < 0)
                _exit(101);
}

START_TEST(what_gave_up_everything_can_still_compute_and_answer) {
        ck_assert_int_eq(in_child(compute_and_write), 0);
}
END_TEST

static void fail_an_assertion(void) {
        give_up();
        abort();
}

START_TEST(an_abort_is_seen_as_one) {
        ck_assert_int_eq(in_child(fail_an_assertion), 1000 + SIGABRT);
}
END_TEST

/* ---- what does not ---- */

static void open_a_file(void) {
        give_up();
        (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void make_a_socket(void) {
        give_up();
        (void)socket(AF_UNIX, SOCK_STREAM, 0);
}

static void make_a_process(void) {
        give_up();
        (void)fork();
}

static void become_a_program(void) {
        give_up();
        execl("/bin/true", "true", NULL);
}

static void kill_the_parent(void) {
        pid_t parent = getppid();

        give_up();
        kill(parent, 0);
}

static void write_elsewhere(void) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        give_up();
        (void)!write(fd, "x", 1);
}

static void map_code(void) {
        give_up();
        (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        give_up();
        mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

START_TEST(another_system_call_is_the_end) {
        static void (*const bodies[])(void) = {open_a_file,     make_a_socket,   make_a_process, become_a_program,
                                               kill_the_parent, write_elsewhere, map_code,       make_code};

        if (SANITIZED)
                return;                 /* seal does nothing there */
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                ck_assert_msg(in_child(bodies[i]) == 1000 + SIGSYS, "body %zu did not end by SIGSYS", i);
}
END_TEST

static void look_at_credentials(void) {
        uid_t r, e, s;
        gid_t rg, eg, sg;

        if (sandbox_limit(&wide, NULL) < 0 || sandbox_drop(NOBODY, NULL) < 0)
                _exit(100);
        getresuid(&r, &e, &s);
        getresgid(&rg, &eg, &sg);
        if (r != NOBODY || e != NOBODY || s != NOBODY || rg != NOBODY || eg != NOBODY || sg != NOBODY)
                _exit(101);
        if (getgroups(0, NULL) != 0)
                _exit(102);
        if (setresuid(0, 0, 0) == 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
                _exit(103);
        if (open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0)
                _exit(104);
        if (fork() >= 0)
                _exit(105);
}

START_TEST(root_becomes_somebody_else_for_good) {
        if (geteuid() != 0)
                return;
        ck_assert_int_eq(in_child(look_at_credentials), 0);
}
END_TEST

/* A line of /proc/self/status with a set of capabilities. */
static uint64_t capabilities(const char *key) {
        _cleanup_(fclosep) FILE *file = fopen("/proc/self/status", "re");
        char line[256];
        unsigned long long set;

        while (file && fgets(line, sizeof(line), file))
                if (startswith(line, key) && sscanf(line + strlen(key), ":%llx", &set) == 1)
                        return set;
        _exit(110);
}

static void keep_one(void) {
        const uint64_t kept = 1ULL << CAP_KILL;

        if (sandbox_keep(kept | 1ULL << 63, NULL) < 0)
                _exit(100);
        if (capabilities("CapPrm") != kept || capabilities("CapEff") != kept)
                _exit(101);
        if (capabilities("CapInh") != 0 || capabilities("CapAmb") != 0)
                _exit(102);
        if (capabilities("CapBnd") != kept || capabilities("NoNewPrivs") != 1)
                _exit(103);
        if (prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) == 0)
                _exit(104);
}

START_TEST(what_keeps_a_capability_has_no_other) {
        if (geteuid() != 0)
                return;
        ck_assert_int_eq(in_child(keep_one), 0);
}
END_TEST

static void compute_for_ever(void) {
        static const struct sandbox_limits narrow = {.cpu_s = 1, .memory_bytes = GIB, .file_bytes = MIB, .files = 32};
        volatile unsigned n = 0;

        if (sandbox_limit(&narrow, NULL) < 0)
                _exit(100);
        for (;;)
                n++;
}

static void take_all_memory(void) {
        static const struct sandbox_limits narrow = {
                .cpu_s = 60, .memory_bytes = 64 * MIB, .file_bytes = MIB, .files = 32};

        if (sandbox_limit(&narrow, NULL) < 0)
                _exit(100);
        for (size_t i = 0; i < 128; i++)
                if (!malloc(MIB))
                        _exit(1);
}

static void write_without_end(void) {
        char path[] = "/tmp/test-sandbox-XXXXXX";
        int fd = mkstemp(path);

        unlink(path);
        if (sandbox_limit(&wide, NULL) < 0)
                _exit(100);
        for (size_t i = 0; i < 4096; i++)
                if (write(fd, path, sizeof(path)) < 0 || lseek(fd, 512, SEEK_CUR) < 0)
                        _exit(101);
}

START_TEST(time_memory_and_files_are_bounded) {
        ck_assert_int_eq(in_child(compute_for_ever), 1000 + SIGXCPU);
        ck_assert_int_eq(in_child(write_without_end), 1000 + SIGXFSZ);
        if (!SANITIZED)
                ck_assert_int_eq(in_child(take_all_memory), 1);
}
END_TEST

static void raise_a_limit(void) {
        static const struct sandbox_limits narrow = {.cpu_s = 5, .memory_bytes = GIB, .file_bytes = MIB, .files = 8};
        struct rlimit now;

        if (sandbox_limit(&narrow, NULL) < 0 || sandbox_limit(&wide, NULL) < 0)
                _exit(100);
        if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_cur != 8)
                _exit(101);
}

START_TEST(a_limit_that_is_there_is_never_raised) {
        ck_assert_int_eq(in_child(raise_a_limit), 0);
}
END_TEST

UNIT_MAIN("base/sandbox", what_gave_up_everything_can_still_compute_and_answer, an_abort_is_seen_as_one,
          another_system_call_is_the_end, root_becomes_somebody_else_for_good,
          what_keeps_a_capability_has_no_other, time_memory_and_files_are_bounded,
          a_limit_that_is_there_is_never_raised)

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0                     /* else it reserves terabytes, and reads /proc to say what it found */
#endif

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#else
#error "name the architecture for seccomp here"
#endif

static int fail(const char *what, const char **ret_what) {
        int r = -errno;

        if (ret_what)
                *ret_what = what;
        return r < 0 ? r : -EIO;
}

/* Never more than what we were given. */
static int limit(int resource, uint64_t soft, uint64_t hard) {
        struct rlimit old, new;

        if (getrlimit((unsigned)resource, &old) < 0)
                return -1;
        new.rlim_max = MIN((rlim_t)hard, old.rlim_max);
        new.rlim_cur = MIN((rlim_t)soft, new.rlim_max);
        return setrlimit((unsigned)resource, &new);
}

int sandbox_limit(const struct sandbox_limits *limits, const char **ret_what) {
        _cleanup_(closep) int fd = -1;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return fail("no new privileges", ret_what);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return fail("an end with the parent", ret_what);
        if (limit(RLIMIT_CPU, limits->cpu_s, limits->cpu_s + 1) < 0 ||
            (!SANITIZED && limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes) < 0) ||
            limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes) < 0 ||
            limit(RLIMIT_NOFILE, limits->files, limits->files) < 0 || limit(RLIMIT_CORE, 0, 0) < 0)
                return fail("limits", ret_what);

        /* Without /proc it is no worse than its parent. */
        fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void)fd_write_full(fd, "1000", 4);
        return 0;
}

int sandbox_drop(uid_t id, const char **ret_what) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {};

        if (id == (uid_t)-1 || id == 0) {
                errno = EINVAL;
                return fail("another user", ret_what);
        }
        if (geteuid() == 0) {
                if (setgroups(0, NULL) < 0)
                        return fail("no other groups", ret_what);
                if (setresgid(id, id, id) < 0)
                        return fail("another group", ret_what);
                if (setresuid(id, id, id) < 0)
                        return fail("another user", ret_what);
        }
        if (syscall(SYS_capset, &header, none) < 0)
                return fail("no capabilities", ret_what);
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return fail("nobody looks in", ret_what);

        /* Another user means that it was forgotten. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return fail("an end with the parent", ret_what);
        if (limit(RLIMIT_NPROC, 0, 0) < 0)
                return fail("no more processes", ret_what);
        return 0;
}

int sandbox_keep(uint64_t capabilities, const char **ret_what) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[2] = {};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return fail("no new privileges", ret_what);
        if (syscall(SYS_capget, &header, sets) < 0)
                return fail("which capabilities there are", ret_what);

        /* First, as long as we may. The kernel may know more of them than we do: it says where they end. */
        if (sets[0].effective & 1U << CAP_SETPCAP)
                for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
                        if (!(i < 64 && capabilities >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                                return fail("a smaller bounding set", ret_what);

        for (size_t i = 0; i < ELEMENTSOF(sets); i++) {
                sets[i].permitted &= (uint32_t)(capabilities >> 32 * i);
                sets[i].effective = sets[i].permitted;
                sets[i].inheritable = 0;
        }
        if (syscall(SYS_capset, &header, sets) < 0)
                return fail("fewer capabilities", ret_what);
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return fail("no ambient capabilities", ret_what);
        return 0;
}

#define DATA(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + (n) * 8)
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, (answer))

/* The call is fine; else go on with the next line. */
#define CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ANSWER(SECCOMP_RET_ALLOW)

/* Fine if its argument is this, or one of these two; else the end. */
#define CALL_IF(name, n, value)                                                                                        \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), ARGUMENT(n),                                            \
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1), ANSWER(SECCOMP_RET_ALLOW),                         \
                ANSWER(SECCOMP_RET_KILL_PROCESS)
#define CALL_IF_EITHER(name, n, a, b)                                                                                  \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 5), ARGUMENT(n),                                            \
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (a), 1, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (b), 0, 1),        \
                ANSWER(SECCOMP_RET_ALLOW), ANSWER(SECCOMP_RET_KILL_PROCESS)

/* Fine without this bit. */
#define CALL_UNLESS(name, n, bit)                                                                                      \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), ARGUMENT(n),                                            \
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bit), 1, 0), ANSWER(SECCOMP_RET_ALLOW),                          \
                ANSWER(SECCOMP_RET_KILL_PROCESS)

int sandbox_seal(const char **ret_what) {
        struct sock_filter filter[] = {
                DATA(arch),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0),
                ANSWER(SECCOMP_RET_KILL_PROCESS),
                DATA(nr),

                /* To compute. */
                CALL(brk),
                CALL(munmap),
                CALL(mremap),
                CALL(madvise),
                CALL_UNLESS(mmap, 2, PROT_EXEC),
                CALL_UNLESS(mprotect, 2, PROT_EXEC),
                CALL(futex),
                CALL(getrandom),
                CALL(clock_gettime),
                CALL(sysinfo),          /* qsort() asks how much memory there is */
                CALL(sched_getaffinity),        /* malloc(), how many processors */

                /* To answer. */
                CALL_IF_EITHER(write, 0, STDOUT_FILENO, STDERR_FILENO),
                CALL_IF_EITHER(writev, 0, STDOUT_FILENO, STDERR_FILENO),

                /* To end, also by an assertion. */
                CALL(exit_group),
                CALL(exit),
                CALL(rt_sigreturn),
                CALL(restart_syscall),
                CALL(rt_sigprocmask),
                CALL(rt_sigaction),
                CALL(getpid),
                CALL(gettid),
                CALL_IF(tgkill, 0, (uint32_t)getpid()),
                ANSWER(SECCOMP_RET_KILL_PROCESS),
        };
        const struct sock_fprog program = {.len = ELEMENTSOF(filter), .filter = filter};

        if (SANITIZED)
                return 0;
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                return fail("a filter of system calls", ret_what);
        return 0;
}

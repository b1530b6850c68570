/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/price.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"
#include "capture/capture.h"

#define ROUNDS 40
#define CALLS 100                       /* of a round */
#define SPAWNS 5
#define DRAIN 4096
#define NOWHERE "/proc/self/there-is-no-such-file"

/* What the child works with. */
struct bench {
        int null_fd, socket_fd, dns_fd;
        int pair[2];                    /* unix datagrams */
        void *page;
        struct __user_cap_header_struct cap_header;
        struct __user_cap_data_struct caps[2];          /* its own */
        gid_t groups[64];
        int n_groups;                   /* its own; -1: too many */
};

/* ---- calls, a line each: what they do is nothing, is undone at once, or must fail ---- */

#define WORK(kind, ...)                                                                                                \
        static void call_##kind(const struct bench *b) {                                                               \
                (void)!(__VA_ARGS__);                                                                                  \
        }

WORK(openat, close(open("/dev/null", O_RDONLY | O_CLOEXEC)))
WORK(read, read(b->null_fd, b->page, 1))
WORK(write, write(b->null_fd, "x", 1))
WORK(dup, close(dup(b->null_fd)))
WORK(mprotect, mprotect(b->page, 4096, PROT_READ | PROT_WRITE))
WORK(memfd_create, close(memfd_create("price", MFD_CLOEXEC)))
WORK(unlink, unlink(NOWHERE))
WORK(rename, rename(NOWHERE, NOWHERE "-either"))
WORK(link, link(NOWHERE, NOWHERE "-either"))
WORK(symlink, symlink(NOWHERE, "/"))
WORK(mkdir, mkdir("/", 0755))
WORK(truncate, truncate(NOWHERE, 0))
WORK(chmod, chmod(NOWHERE, 0600))
WORK(chown, chown(NOWHERE, 0, 0))
WORK(setxattr, setxattr(NOWHERE, "user.price", "x", 1, 0))
WORK(utimes, utimensat(AT_FDCWD, NOWHERE, NULL, 0))
WORK(socket, close(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)))
WORK(listen, listen(b->socket_fd, 1))
WORK(accept, accept4(b->socket_fd, NULL, NULL, SOCK_CLOEXEC))
WORK(sendto, send(b->pair[0], "x", 1, MSG_DONTWAIT) + recv(b->pair[1], b->page, 1, MSG_DONTWAIT))
WORK(setuid, syscall(SYS_setresuid, -1, -1, -1))
WORK(setgid, syscall(SYS_setresgid, -1, -1, -1))
WORK(capset, syscall(SYS_capset, &b->cap_header, b->caps))
WORK(setgroups, syscall(SYS_setgroups, b->n_groups, b->groups))
WORK(prctl, prctl(PR_SET_NAME, "price"))
WORK(ptrace, process_vm_readv(getpid(), NULL, 0, NULL, 0, 0))
WORK(kill, kill(getpid(), 0))
WORK(mount, mount("price", NOWHERE, "tmpfs", 0, NULL))
WORK(umount, umount2(NOWHERE, 0))
WORK(pivot_root, syscall(SYS_pivot_root, NOWHERE, NOWHERE))
WORK(chroot, chroot(NOWHERE))
WORK(unshare, unshare(0))
WORK(setns, setns(-1, 0))
WORK(init_module, syscall(SYS_finit_module, -1, "", 0))
WORK(delete_module, syscall(SYS_delete_module, "there is no such module", O_NONBLOCK))
WORK(bpf, syscall(SYS_bpf, 9999, NULL, 0))
WORK(perf_event_open, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
WORK(io_uring, syscall(SYS_io_uring_setup, 0, NULL))
WORK(keyctl, syscall(SYS_keyctl, 9999, 0, 0, 0, 0))
WORK(quotactl, syscall(SYS_quotactl, QCMD(Q_GETFMT, USRQUOTA), NOWHERE, 0, NULL))
WORK(reboot, syscall(SYS_reboot, 0, 0, 0, NULL))        /* without the magic numbers */
WORK(kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0xffff))
WORK(settime, clock_settime(9999, &(const struct timespec){}))
WORK(sethostname, syscall(SYS_sethostname, NULL, -1))
WORK(swapon, swapon(NOWHERE, 0))
WORK(acct, acct(NOWHERE))
WORK(other, syscall(SYS_getppid))

static void call_mmap(const struct bench *b) {
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p != MAP_FAILED)
                munmap(p, 4096);
}

static struct sockaddr_in address(uint32_t ip, uint16_t port) {
        return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

static void call_connect(const struct bench *b) {
        const struct sockaddr_in to = address(INADDR_LOOPBACK, 9);

        (void)!connect(b->socket_fd, (const struct sockaddr *)&to, sizeof(to));
}

/* To an address that no host has. */
static void call_bind(const struct bench *b) {
        const struct sockaddr_in to = address(0xc0000201, 0);

        (void)!bind(b->socket_fd, (const struct sockaddr *)&to, sizeof(to));
}

static void call_dns(const struct bench *b) {
        static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1";
        const struct sockaddr_in to = address(INADDR_LOOPBACK, 53);

        (void)!sendto(b->dns_fd, query, sizeof(query) - 1, 0, (const struct sockaddr *)&to, sizeof(to));
}

static void call_execve(const struct bench *b) {
        char *arguments[] = {(char *)"true", NULL};
        pid_t pid;

        if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0)
                (void)waitpid(pid, NULL, 0);
}

#define SPAWN "fork, execve and exit of /bin/true"
#define SEND "send and receive of a byte"

static const struct workload {
        enum wire_kind kind;
        const char *calls;
        void (*call)(const struct bench *b);
} workloads[] = {
        {WIRE_KIND_fork, SPAWN, call_execve},
        {WIRE_KIND_execve, SPAWN, call_execve},
        {WIRE_KIND_exit, SPAWN, call_execve},
        {WIRE_KIND_openat, "open and close of /dev/null", call_openat},
        {WIRE_KIND_read, "read from /dev/null", call_read},
        {WIRE_KIND_write, "write to /dev/null", call_write},
        {WIRE_KIND_close, "dup and close", call_dup},
        {WIRE_KIND_dup, "dup and close", call_dup},
        {WIRE_KIND_mmap, "mmap and munmap of a page", call_mmap},
        {WIRE_KIND_mprotect, "mprotect of a page", call_mprotect},
        {WIRE_KIND_memfd_create, "memfd_create and close", call_memfd_create},
        {WIRE_KIND_unlink, "unlink of what is not there", call_unlink},
        {WIRE_KIND_rename, "rename of what is not there", call_rename},
        {WIRE_KIND_link, "link of what is not there", call_link},
        {WIRE_KIND_symlink, "symlink in place of what is there", call_symlink},
        {WIRE_KIND_mkdir, "mkdir of what is there", call_mkdir},
        {WIRE_KIND_truncate, "truncate of what is not there", call_truncate},
        {WIRE_KIND_chmod, "chmod of what is not there", call_chmod},
        {WIRE_KIND_chown, "chown of what is not there", call_chown},
        {WIRE_KIND_setxattr, "setxattr of what is not there", call_setxattr},
        {WIRE_KIND_utimes, "utimensat of what is not there", call_utimes},
        {WIRE_KIND_socket, "socket and close", call_socket},
        {WIRE_KIND_connect, "connect of a datagram socket", call_connect},
        {WIRE_KIND_bind, "bind to an address of nobody's", call_bind},
        {WIRE_KIND_listen, "listen that fails", call_listen},
        {WIRE_KIND_accept, "accept that fails", call_accept},
        {WIRE_KIND_sendto, SEND, call_sendto},
        {WIRE_KIND_recvfrom, SEND, call_sendto},
        {WIRE_KIND_dns, "a query to a server that is not there", call_dns},
        {WIRE_KIND_setuid, "setresuid that changes nothing", call_setuid},
        {WIRE_KIND_setgid, "setresgid that changes nothing", call_setgid},
        {WIRE_KIND_capset, "capset that changes nothing", call_capset},
        {WIRE_KIND_setgroups, "setgroups that changes nothing", call_setgroups},
        {WIRE_KIND_prctl, "prctl that sets the name", call_prctl},
        {WIRE_KIND_ptrace, "process_vm_readv of nothing", call_ptrace},
        {WIRE_KIND_kill, "kill with signal 0", call_kill},
        {WIRE_KIND_mount, "mount on what is not there", call_mount},
        {WIRE_KIND_umount, "umount of what is not there", call_umount},
        {WIRE_KIND_pivot_root, "pivot_root that fails", call_pivot_root},
        {WIRE_KIND_chroot, "chroot to what is not there", call_chroot},
        {WIRE_KIND_unshare, "unshare of nothing", call_unshare},
        {WIRE_KIND_setns, "setns that fails", call_setns},
        {WIRE_KIND_init_module, "finit_module that fails", call_init_module},
        {WIRE_KIND_delete_module, "delete_module of none", call_delete_module},
        {WIRE_KIND_bpf, "bpf that fails", call_bpf},
        {WIRE_KIND_perf_event_open, "perf_event_open that fails", call_perf_event_open},
        {WIRE_KIND_io_uring, "io_uring_setup that fails", call_io_uring},
        {WIRE_KIND_keyctl, "keyctl that fails", call_keyctl},
        {WIRE_KIND_quotactl, "quotactl that fails", call_quotactl},
        {WIRE_KIND_reboot, "reboot that fails", call_reboot},
        {WIRE_KIND_kexec, "kexec_load that fails", call_kexec},
        {WIRE_KIND_settime, "clock_settime that fails", call_settime},
        {WIRE_KIND_sethostname, "sethostname that fails", call_sethostname},
        {WIRE_KIND_swapon, "swapon of what is not there", call_swapon},
        {WIRE_KIND_acct, "acct to what is not there", call_acct},
};

/* What is not called is not priced. */
static const char *const unpriced[_WIRE_KIND_MAX] = {
        [WIRE_KIND_credchange] = "no call makes it: credentials are compared at every event",
        [WIRE_KIND_cgroup] = "it would take making control groups on this host",
        [WIRE_KIND_container] = "made of what is told of control groups, outside of any call",
        [WIRE_KIND_unit] = "comes over the system bus, outside of any call",
        [WIRE_KIND_verdict] = "told only of what is forbidden",
        [WIRE_KIND_login] = "comes over the system bus, outside of any call",
};

/* Its own and that of its children. */
static uint64_t processor_ns(void) {
        struct rusage children;
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        getrusage(RUSAGE_CHILDREN, &children);
        return (uint64_t)(t.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) * NSEC_PER_SEC +
                (uint64_t)t.tv_nsec + (uint64_t)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* The best round: what is in the way only makes it slower. */
static uint64_t best(const struct bench *b, void (*call)(const struct bench *b)) {
        int calls = call == call_execve ? SPAWNS : CALLS;
        uint64_t least = UINT64_MAX;

        for (int round = 0; round < ROUNDS; round++) {
                uint64_t before = processor_ns();

                for (int i = 0; i < calls; i++)
                        call(b);
                least = MIN(least, (processor_ns() - before) / calls);
        }
        return least;
}

/* What the calls need. In the child. */
static void bench_make(struct bench *b, void (*call)(const struct bench *b)) {
        struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

        b->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        b->socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        b->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        b->cap_header.version = _LINUX_CAPABILITY_VERSION_3;
        b->n_groups = getgroups(ELEMENTSOF(b->groups), b->groups);
        if (b->null_fd < 0 || b->socket_fd < 0 || b->page == MAP_FAILED ||
            socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, b->pair) < 0 ||
            syscall(SYS_capget, &b->cap_header, b->caps) < 0)
                _exit(1);
        if (call != call_dns)
                return;
        /* In a network of its own, where nobody serves. */
        if (unshare(CLONE_NEWNET) < 0)
                _exit(1);
        b->dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (b->dns_fd < 0 || ioctl(b->dns_fd, SIOCSIFFLAGS, &lo) < 0)
                _exit(1);
}

struct measured {
        uint64_t call_ns, other_ns;
};

/* In a child, because our own calls are not told. -EIO if it could not make them. */
static int measure(void (*call)(const struct bench *b), struct measured *ret) {
        _cleanup_(closep) int from = -1;
        int ends[2], status;
        pid_t pid;
        int r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        pid = fork();
        if (pid < 0) {
                close(ends[1]);
                return -errno;
        }
        if (pid == 0) {
                struct bench b = {};
                struct measured m;

                bench_make(&b, call);
                m = (struct measured){.call_ns = best(&b, call), .other_ns = best(&b, call_other)};
                _exit(fd_write_full(ends[1], &m, sizeof(m)) < 0);
        }
        close(ends[1]);
        r = fd_read_full(from, ret, sizeof(*ret), NULL);
        (void)waitpid(pid, &status, 0);
        return r < 0 || status != 0 ? -EIO : 0;
}

static void on_event(const struct event *event, void *userdata) {
}

static struct interest interest_in(enum wire_kind kind) {
        struct interest interest = {.kinds = kind == WIRE_NONE ? 0 : wire_kind_bit(kind)};

        interest.filter[kind] = (struct interest_filter){.failures = true, .successes = true};
        return interest;
}

/* With the kind watched, or WIRE_NONE. */
static int measure_watched(struct capture *capture, enum wire_kind kind, const struct workload *workload,
                           uint64_t generation, struct measured *ret) {
        const struct interest interest = interest_in(kind);
        int r;

        r = capture_set_interest(capture, &interest, generation);
        if (r < 0)
                return r;
        r = measure(workload->call, ret);
        while (capture_dispatch(capture, DRAIN) == DRAIN)
                ;
        return r;
}

int price_measure(struct price ret[static _WIRE_KIND_MAX]) {
        const struct capture_options options = {.ring_bytes = (size_t)8 << 20};
        const struct capture_sink sink = {.on_event = on_event};
        const struct interest nothing = {};
        _cleanup_(capture_freep) struct capture *capture = NULL;
        struct measured spawns = {}, before, after;
        bool spawned;
        int r;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                ret[kind] = (struct price){.why_not = unpriced[kind]};
        spawned = measure(call_execve, &spawns) >= 0;   /* later these are always watched */

        r = capture_new_bpf(&options, &nothing, &sink, NULL, &capture);
        if (r < 0)
                return r;
        capture_set_wait(capture, true);        /* or the one before would still be attached */
        r = capture_start(capture, NULL, 1);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(workloads); i++) {
                const struct workload *w = &workloads[i];
                struct price *price = &ret[w->kind];

                if (w->call == call_execve) {
                        before = spawns;
                        r = spawned ? 0 : -EIO;
                } else
                        r = measure_watched(capture, WIRE_NONE, w, 2 * i + 2, &before);
                if (r < 0 || measure_watched(capture, w->kind, w, 2 * i + 3, &after) < 0) {
                        price->why_not = "the calls could not be made";
                        continue;
                }
                *price = (struct price){
                        .measured = true,
                        .calls = w->calls,
                        .call_ns = (int64_t)before.call_ns,
                        .added_ns = (int64_t)(after.call_ns - before.call_ns),
                        .other_ns = (int64_t)(after.other_ns - before.other_ns),
                };
        }
        return 0;
}

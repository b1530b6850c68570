/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/price.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"
#include "capture/capture.h"

#define ROUNDS 40
#define CALLS 100                       /* of a round */
#define DRAIN 4096
#define NOWHERE "/proc/self/there-is-no-such-file"

/* What the child works with. */
struct bench {
        int null_fd, socket_fd;
        void *page;
};

static void call_open(const struct bench *b) {
        close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void call_write(const struct bench *b) {
        (void)!write(b->null_fd, "x", 1);
}

static void call_read(const struct bench *b) {
        char byte;

        (void)!read(b->null_fd, &byte, 1);
}

static void call_connect(const struct bench *b) {
        const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        (void)!connect(b->socket_fd, (const struct sockaddr *)&to, sizeof(to));
}

static void call_unlink(const struct bench *b) {
        (void)!unlink(NOWHERE);
}

static void call_rename(const struct bench *b) {
        (void)!rename(NOWHERE, NOWHERE "-either");
}

static void call_chmod(const struct bench *b) {
        (void)!chmod(NOWHERE, 0600);
}

static void call_mmap(const struct bench *b) {
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p != MAP_FAILED)
                munmap(p, 4096);
}

static void call_mprotect(const struct bench *b) {
        (void)mprotect(b->page, 4096, PROT_READ);
        (void)mprotect(b->page, 4096, PROT_READ | PROT_WRITE);
}

static void call_memfd_create(const struct bench *b) {
        close(memfd_create("price", MFD_CLOEXEC));
}

static void call_close(const struct bench *b) {
        close(fcntl(b->null_fd, F_DUPFD_CLOEXEC, 3));
}

static void call_dup(const struct bench *b) {
        (void)dup3(b->null_fd, b->socket_fd, O_CLOEXEC);
}

static void call_socket(const struct bench *b) {
        close(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void call_kill(const struct bench *b) {
        (void)kill(getpid(), 0);
}

static void call_other(const struct bench *b) {
        (void)syscall(SYS_getppid);
}

static const struct workload {
        enum wire_kind kind;
        const char *calls;
        void (*call)(const struct bench *b);
} workloads[] = {
        {WIRE_KIND_openat, "open and close of /dev/null", call_open},
        {WIRE_KIND_read, "read from /dev/null", call_read},
        {WIRE_KIND_write, "write to /dev/null", call_write},
        {WIRE_KIND_mmap, "mmap and munmap of a page", call_mmap},
        {WIRE_KIND_mprotect, "mprotect of a page, twice", call_mprotect},
        {WIRE_KIND_memfd_create, "memfd_create and close", call_memfd_create},
        {WIRE_KIND_close, "fcntl(F_DUPFD) and close", call_close},
        {WIRE_KIND_dup, "dup3 over a descriptor", call_dup},
        {WIRE_KIND_unlink, "unlink of what is not there", call_unlink},
        {WIRE_KIND_rename, "rename of what is not there", call_rename},
        {WIRE_KIND_chmod, "chmod of what is not there", call_chmod},
        {WIRE_KIND_socket, "socket and close", call_socket},
        {WIRE_KIND_connect, "connect of a datagram socket", call_connect},
        {WIRE_KIND_kill, "kill with signal 0", call_kill},
};

static uint64_t processor_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* The best round: what is in the way only makes it slower. */
static uint64_t best(const struct bench *b, void (*call)(const struct bench *b)) {
        uint64_t least = UINT64_MAX;

        for (int round = 0; round < ROUNDS; round++) {
                uint64_t before = processor_ns();

                for (int i = 0; i < CALLS; i++)
                        call(b);
                least = MIN(least, (processor_ns() - before) / CALLS);
        }
        return least;
}

struct measured {
        uint64_t call_ns, other_ns;
};

/* In a child, because our own calls are not told. */
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
                const struct bench b = {
                        .null_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
                        .socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                        .page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                };
                struct measured m = {.call_ns = best(&b, call), .other_ns = best(&b, call_other)};

                _exit(fd_write_full(ends[1], &m, sizeof(m)) < 0);
        }
        close(ends[1]);
        r = fd_read_full(from, ret, sizeof(*ret), NULL);
        (void)waitpid(pid, &status, 0);
        return r;
}

static void on_event(const struct event *event, void *userdata) {
}

static struct interest interest_in(enum wire_kind kind) {
        struct interest interest = {.kinds = wire_kind_bit(kind)};

        interest.filter[kind] = (struct interest_filter){.failures = true, .successes = true};
        return interest;
}

int price_measure(struct price ret[static _WIRE_KIND_MAX]) {
        const struct capture_options options = {.ring_bytes = (size_t)8 << 20};
        const struct capture_sink sink = {.on_event = on_event};
        const struct interest nothing = {};
        _cleanup_(capture_freep) struct capture *capture = NULL;
        struct measured before[ELEMENTSOF(workloads)], after;
        int r = 0;

        memset(ret, 0, _WIRE_KIND_MAX * sizeof(*ret));
        for (size_t i = 0; i < ELEMENTSOF(workloads) && r >= 0; i++)
                r = measure(workloads[i].call, &before[i]);
        if (r < 0)
                return r;

        r = capture_new_bpf(&options, &nothing, &sink, NULL, &capture);
        if (r < 0)
                return r;
        capture_set_wait(capture, true);        /* or the one before would still be attached */
        r = capture_start(capture, NULL, 1);
        for (size_t i = 0; i < ELEMENTSOF(workloads) && r >= 0; i++) {
                const struct interest interest = interest_in(workloads[i].kind);
                struct price *price = &ret[workloads[i].kind];

                r = capture_set_interest(capture, &interest, i + 2);
                if (r >= 0)
                        r = measure(workloads[i].call, &after);
                while (r >= 0 && capture_dispatch(capture, DRAIN) == DRAIN)
                        ;
                if (r < 0)
                        break;
                *price = (struct price){
                        .measured = true,
                        .calls = workloads[i].calls,
                        .call_ns = (int64_t)before[i].call_ns,
                        .added_ns = (int64_t)(after.call_ns - before[i].call_ns),
                        .other_ns = (int64_t)(after.other_ns - before[i].other_ns),
                };
        }
        return r;
}

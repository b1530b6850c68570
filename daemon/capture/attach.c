/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

#include "capture/tier.h"

#ifndef TRACEFS_MAGIC
#define TRACEFS_MAGIC 0x74726163
#endif

/* A mount that is attached nowhere: it is gone with its descriptor. */
static int tracefs_open_private(void) {
        _cleanup_(closep) int context = -1;
        int fd;

        context = syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
        if (context < 0)
                return -errno;
        if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        fd = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        return fd < 0 ? -errno : fd;
}

int tracefs_open(void) {
        static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_(closep) int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
                struct statfs st;

                if (fd >= 0 && fstatfs(fd, &st) >= 0 && st.f_type == TRACEFS_MAGIC)
                        return TAKE_FD(fd);
        }
        return tracefs_open_private();
}

static int tracepoint_id(int tracefs_fd, const char *name, uint64_t *ret) {
        _cleanup_(freep) char *text = NULL;
        char path[256];
        size_t n;
        int r;

        if (tracefs_fd < 0)
                return tracefs_fd;
        if (snprintf(path, sizeof(path), "events/%s/id", name) >= (int)sizeof(path))
                return -EINVAL;
        r = read_file_at(tracefs_fd, path, 64, &text, &n);
        if (r < 0)
                return r;
        *ret = strtoull(text, NULL, 10);        /* the kernel's own number and newline */
        return 0;
}

/* The link holds the perf event: one descriptor is enough. */
static int attach_tracepoint(int prog_fd, const char *name, uint64_t cookie, int tracefs_fd) {
        LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = cookie);
        _cleanup_(closep) int perf_fd = -1, link_fd = -1;
        struct perf_event_attr attr = {
                .type = PERF_TYPE_TRACEPOINT,
                .size = sizeof(attr),
                .sample_type = PERF_SAMPLE_RAW,
                .sample_period = 1,
                .wakeup_events = 1,
        };
        uint64_t id = 0;
        int r;

        r = tracepoint_id(tracefs_fd, name, &id);
        if (r < 0)
                return r;
        attr.config = id;
        perf_fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
        if (perf_fd < 0)
                return -errno;
        link_fd = bpf_link_create(prog_fd, perf_fd, BPF_PERF_EVENT, &options);
        if (link_fd < 0)
                return link_fd;
        if (ioctl(perf_fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
                return -errno;
        return TAKE_FD(link_fd);
}

static const struct {
        const char *place;
        enum bpf_attach_type type;
} cgroup_places[] = {
        {"cgroup/connect4", BPF_CGROUP_INET4_CONNECT},
        {"cgroup/connect6", BPF_CGROUP_INET6_CONNECT},
        {"cgroup/bind4", BPF_CGROUP_INET4_BIND},
        {"cgroup/bind6", BPF_CGROUP_INET6_BIND},
        {"cgroup/sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
        {"cgroup/sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
        {"cgroup_skb/egress", BPF_CGROUP_INET_EGRESS},
};

int attach_program(int prog_fd, const char *place, uint64_t cookie, int tracefs_fd, int cgroup_fd) {
        const char *name;

        name = startswith(place, "tp/");
        if (name)
                return attach_tracepoint(prog_fd, name, cookie, tracefs_fd);
        if (startswith(place, "tp_btf/") || tier_of(place) != CAPTURE_TIER_TRACEPOINT)
                return bpf_raw_tracepoint_open(NULL, prog_fd);
        if (cgroup_fd < 0)
                return cgroup_fd;
        /* Other programs that are there stay, and run too. */
        for (size_t i = 0; i < ELEMENTSOF(cgroup_places); i++)
                if (streq(place, cgroup_places[i].place))
                        return bpf_link_create(prog_fd, cgroup_fd, cgroup_places[i].type, NULL);
        return -EINVAL;
}

static void close_all(const int *fds, size_t n) {
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
}

pid_t detach_elsewhere(const int *fds, size_t n) {
        /* No exit signal: nobody else's wait() finds this child. */
        struct clone_args args = {};
        int ready[2];
        pid_t pid;

        if (n == 0)
                return 0;
        if (pipe2(ready, O_CLOEXEC) < 0) {
                close_all(fds, n);
                return 0;
        }
        pid = syscall(SYS_clone3, &args, sizeof(args));
        if (pid == 0) {
                /* Only system calls from here. Wait until the parent has closed its copies: whoever closes last waits
                 * for the kernel. */
                char end;

                close(ready[1]);
                if (read(ready[0], &end, 1) <= 0)
                        close_all(fds, n);
                _exit(0);
        }
        close_all(fds, n);
        close(ready[0]);
        close(ready[1]);
        return pid > 0 ? pid : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-peer.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "event/cgroup-path.h"

#define SOCKET_BYTES (4 << 20)

static int peer_of(int fd, struct ucred *ret) {
        socklen_t size = sizeof(*ret);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

int response_peer_connect(const char *path, pid_t listener) {
        static const int yes = 1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep) int fd = -1;
        struct ucred peer;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        r = peer_of(fd, &peer);
        if (r < 0)
                return r;
        if (peer.uid != geteuid() || peer.pid != listener)
                return -EPERM;
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

void response_peer_widen(int fd) {
        static const int bytes = SOCKET_BYTES;

        if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

ssize_t response_peer_receive(int fd, void *bytes, size_t n, struct ucred *ret) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control = {};
        struct iovec vector = {.iov_base = bytes, .iov_len = n};
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);

        *ret = (struct ucred){};
        if (got < 0)
                return got;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
                    c->cmsg_len == CMSG_LEN(sizeof(*ret)))
                        memcpy(ret, CMSG_DATA(c), sizeof(*ret));
        return got;
}

/* What the service manager's own group begins with is not of its units: it may itself be in a container. */
static const char *below_manager(const char *path) {
        static const char init[] = "/init.scope";
        char manager[PATH_MAX];
        size_t n;

        if (proc_cgroup(1, manager, sizeof(manager)) < 0)
                return path;
        n = strlen(manager);
        if (n < strlen(init) || !streq(manager + n - strlen(init), init))
                return path;
        n -= strlen(init);
        return strncmp(path, manager, n) == 0 ? path + n : path;
}

bool response_peer_is_in(const struct ucred *peer, const char *unit) {
        char path[PATH_MAX], name[CGROUP_NAME_MAX], found[256];
        struct cgroup_parts parts;
        const char *at;

        if (peer->pid <= 0 || peer->uid != geteuid())
                return false;
        if (!unit)
                return true;
        if (proc_cgroup((uint32_t)peer->pid, path, sizeof(path)) < 0)
                return false;
        at = below_manager(path);
        cgroup_parse(at, strlen(at), false, &parts, name);
        if (parts.unit.length == 0 || parts.unit.length >= sizeof(found))
                return false;
        memcpy(found, at + parts.unit.offset, parts.unit.length);
        found[parts.unit.length] = 0;
        return fnmatch(unit, found, 0) == 0;
}

bool response_peer_may_ask(int fd, const char *unit) {
        struct ucred peer;

        if (peer_of(fd, &peer) < 0)
                return false;
        return (peer.uid == geteuid() && peer.pid == getppid()) || response_peer_is_in(&peer, unit);
}

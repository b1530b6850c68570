/* SPDX-License-Identifier: Apache-2.0 */
#include "action/group-network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/control-group.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"

#include "unit.h"

static int root_fd, group_fd;
static char name[48];

/* A control group of ours; false: there can be none here. */
static bool make_group(void) {
        root_fd = control_group_open("/", 0);
        snprintf(name, sizeof(name), "execray-network-%d", getpid());
        if (geteuid() != 0 || root_fd < 0 || mkdirat(root_fd, name, 0755) < 0) {
                printf("SKIP: no control group of v2 can be made here\n");
                close_fd(root_fd);
                return false;
        }
        group_fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(group_fd, 0);
        return true;
}

static void remove_group(void) {
        close(group_fd);
        ck_assert_int_eq(unlinkat(root_fd, name, AT_REMOVEDIR), 0);
        close(root_fd);
}

/* One packet, sent by a process in the group: 0 or the error. */
static int send_from_group(int family, const char *to) {
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
                struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
                int procs = openat(group_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC), out;
                ssize_t n;

                if (fd_write_full(procs, "0", 1) < 0)
                        _exit(255);
                (void)inet_pton(AF_INET, to, &v4.sin_addr);
                (void)inet_pton(AF_INET6, to, &v6.sin6_addr);
                out = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                n = family == AF_INET ? sendto(out, "x", 1, 0, (struct sockaddr *)&v4, sizeof(v4))
                                      : sendto(out, "x", 1, 0, (struct sockaddr *)&v6, sizeof(v6));
                _exit(n < 0 ? errno : 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

START_TEST(what_leaves_the_host_is_refused_until_it_is_allowed_again) {
        int before, before_v6, r;
        uint32_t id;

        if (!make_group())
                return;
        before = send_from_group(AF_INET, "192.0.2.1");
        before_v6 = send_from_group(AF_INET6, "::1");
        r = group_network_deny(group_fd, 0, &id);
        if (r == -EPERM) {              /* a container that may not */
                remove_group();
                return;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(group_network_is_denied(group_fd, id), 1);
        if (before == 0)                /* there is a way out of here */
                ck_assert_int_eq(send_from_group(AF_INET, "192.0.2.1"), EPERM);
        ck_assert_int_eq(send_from_group(AF_INET, "127.0.0.1"), 0);
        ck_assert_int_eq(send_from_group(AF_INET6, "::1"), before_v6);

        ck_assert_int_eq(group_network_allow(group_fd, id), 0);
        ck_assert_int_eq(group_network_is_denied(group_fd, id), 0);
        ck_assert_int_eq(group_network_allow(group_fd, id), -ENOENT);
        ck_assert_int_eq(send_from_group(AF_INET, "192.0.2.1"), before);
        remove_group();
}
END_TEST

START_TEST(when_its_time_is_over_it_lets_everything_pass) {
        int before, r;
        uint32_t id;

        if (!make_group())
                return;
        before = send_from_group(AF_INET, "192.0.2.1");
        r = group_network_deny(group_fd, clock_boottime_ns() - 1, &id);
        if (r != -EPERM) {
                ck_assert_int_eq(r, 0);
                ck_assert_int_eq(send_from_group(AF_INET, "192.0.2.1"), before);
                ck_assert_int_eq(group_network_allow(group_fd, id), 0);
        }
        remove_group();
}
END_TEST

UNIT_MAIN("action/group-network", what_leaves_the_host_is_refused_until_it_is_allowed_again,
          when_its_time_is_over_it_lets_everything_pass)

/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-peer.h"

#include <errno.h>
#include <limits.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/cleanup.h"
#include "base/fd.h"

static void pair(int fds[2]) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

START_TEST(whoever_started_us_may_ask_and_nobody_else) {
        int fds[2], status;
        pid_t child;

        pair(fds);                      /* both ends are ours: not our parent's */
        ck_assert(!response_peer_may_ask(fds[0], "nobody-has-this.service"));
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
                _exit(response_peer_may_ask(fds[0], "nobody-has-this.service") ? 7 : 8);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(WEXITSTATUS(status), 7);
        close(fds[0]);
        close(fds[1]);
        ck_assert(!response_peer_may_ask(-1, "*"));
}
END_TEST

START_TEST(a_packet_says_who_sent_it) {
        static const int yes = 1;
        struct ucred sender;
        char bytes[8];
        int fds[2];

        pair(fds);
        ck_assert_int_eq(response_peer_receive(fds[0], bytes, sizeof(bytes), &sender), -1);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
        ck_assert_int_eq(send(fds[1], "0123456789", 10, 0), 10);
        ck_assert_int_eq(response_peer_receive(fds[0], bytes, sizeof(bytes), &sender), 10);
        ck_assert_int_eq(sender.pid, getpid());
        ck_assert_int_eq(sender.uid, geteuid());
        close(fds[1]);
        ck_assert_int_eq(response_peer_receive(fds[0], bytes, sizeof(bytes), &sender), 0);
        ck_assert_int_eq(sender.pid, 0);
        close(fds[0]);
}
END_TEST

START_TEST(who_is_in_a_unit_is_of_our_user_and_there) {
        struct ucred peer = {.pid = getpid(), .uid = geteuid()};

        ck_assert(response_peer_is_in(&peer, NULL));
        ck_assert(!response_peer_is_in(&peer, "nobody-has-this-*.service"));
        peer.uid++;
        ck_assert(!response_peer_is_in(&peer, NULL));
        peer = (struct ucred){.pid = 0, .uid = geteuid()};
        ck_assert(!response_peer_is_in(&peer, NULL));
        peer.pid = INT_MAX;
        ck_assert(!response_peer_is_in(&peer, "*"));
}
END_TEST

START_TEST(a_socket_that_is_not_there_or_too_long_is_an_error) {
        char path[256];

        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = 0;
        ck_assert_int_eq(response_peer_connect(path, getpid()), -ENAMETOOLONG);
        ck_assert_int_eq(response_peer_connect("/nowhere/at/all", getpid()), -ENOENT);
}
END_TEST

UNIT_MAIN("response/response-peer", whoever_started_us_may_ask_and_nobody_else, a_packet_says_who_sent_it,
          who_is_in_a_unit_is_of_our_user_and_there, a_socket_that_is_not_there_or_too_long_is_an_error)

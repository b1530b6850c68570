/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that stands in for journald's, that is not there, or that nobody reads. */
#include "report/journal-door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macro.h"

#include "unit.h"

static char path[64], file[80], got[1 << 20];
static size_t n_got;
static int server = -1;
static struct journal_door *door;

static void serve(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        strcpy(address.sun_path, path);
        server = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void setup(bool with_spool) {
        struct journal_spool *spool = NULL;

        snprintf(path, sizeof(path), "/tmp/execray-journal-%d", (int)getpid());
        snprintf(file, sizeof(file), "%s.spool", path);
        (void)unlink(path);
        (void)unlink(file);
        if (with_spool)
                ck_assert_int_eq(journal_spool_open(file, 1 << 20, &spool), 0);
        ck_assert_int_eq(journal_door_new(path, spool, &door), 0);
}

static void teardown(void) {
        journal_door_free(door);
        if (server >= 0)
                close(server);
        (void)unlink(path);
        (void)unlink(file);
}

static int say(const char *first, const char *second, size_t n_second) {
        const struct iovec fields[] = {{(char *)first, strlen(first)}, {(char *)second, n_second}};

        return journal_door_send(door, fields, second ? 2 : 1);
}

static bool receive(void) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec iov = {got, sizeof(got)};
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct cmsghdr *c;
        ssize_t n = recvmsg(server, &message, 0);

        if (n < 0)
                return false;
        n_got = (size_t)n;
        c = CMSG_FIRSTHDR(&message);
        if (c) {
                int fd;

                memcpy(&fd, CMSG_DATA(c), sizeof(fd));
                n_got = (size_t)pread(fd, got, sizeof(got), 0);
                close(fd);
        }
        return true;
}

START_TEST(fields_are_framed_as_journald_reads_them) {
        setup(false);
        serve();
        ck_assert_int_eq(say("MESSAGE=a", "X=b\nc=d", 7), 0);
        ck_assert(receive());
        ck_assert_uint_eq(n_got, 10 + 2 + 8 + 5 + 1);
        ck_assert_int_eq(memcmp(got, "MESSAGE=a\nX\n\5\0\0\0\0\0\0\0b\nc=d\n", n_got), 0);
        teardown();
}
END_TEST

START_TEST(what_is_too_large_for_a_datagram_comes_as_a_file) {
        static char large[900 * 1024] = "X=";

        memset(large + 2, 'x', sizeof(large) - 2);
        setup(false);
        serve();
        ck_assert_int_eq(say("MESSAGE=a", large, sizeof(large)), 0);
        ck_assert(receive());
        ck_assert_uint_eq(n_got, 10 + sizeof(large) + 1);
        teardown();
}
END_TEST

START_TEST(without_journald_and_without_a_spool_it_is_gone_and_said) {
        setup(false);
        ck_assert_int_eq(say("MESSAGE=a", NULL, 0), -ENOTCONN);
        ck_assert(!journal_door_waits(door));
        ck_assert(!journal_door_work(door));
        teardown();
}
END_TEST

START_TEST(what_came_while_journald_was_away_comes_in_order_and_says_so) {
        setup(true);
        ck_assert_int_eq(say("MESSAGE=1", NULL, 0), 1);
        ck_assert_int_eq(say("MESSAGE=2", NULL, 0), 1);
        ck_assert(!journal_door_work(door));
        ck_assert(journal_door_waits(door));
        serve();
        ck_assert_int_eq(say("MESSAGE=3", NULL, 0), 1);         /* behind the others */
        ck_assert(!journal_door_work(door));
        ck_assert(!journal_door_waits(door));
        for (int i = 1; i <= 3; i++) {
                char wanted[64];

                snprintf(wanted, sizeof(wanted), "MESSAGE=%d\nEXECRAY_SPOOLED=1\n", i);
                ck_assert(receive());
                ck_assert_uint_eq(n_got, strlen(wanted));
                ck_assert_int_eq(memcmp(got, wanted, n_got), 0);
        }
        ck_assert_int_eq(say("MESSAGE=4", NULL, 0), 0);
        ck_assert(receive());
        ck_assert_uint_eq(n_got, 10);
        teardown();
}
END_TEST

/* The kernel keeps some datagrams for a socket, then it says that this is enough. Nobody waits for that. */
START_TEST(a_journald_that_does_not_read_stops_nobody_and_loses_nothing) {
        unsigned n_said = 0, n_heard = 0;
        char text[64];

        setup(true);
        serve();
        while (!journal_door_waits(door) && n_said < 100000) {
                snprintf(text, sizeof(text), "MESSAGE=%u", n_said++);
                ck_assert_int_ge(say(text, NULL, 0), 0);
        }
        ck_assert(journal_door_waits(door));
        for (int i = 0; i < 100; i++) {
                snprintf(text, sizeof(text), "MESSAGE=%u", n_said++);
                ck_assert_int_eq(say(text, NULL, 0), 1);
        }
        for (int i = 0; i < 1000 && n_heard < n_said; i++) {
                while (receive()) {
                        got[n_got] = 0;
                        ck_assert_uint_eq(strtoul(got + 8, NULL, 10), n_heard);
                        n_heard++;
                }
                journal_door_work(door);
        }
        ck_assert_uint_eq(n_heard, n_said);
        teardown();
}
END_TEST

UNIT_MAIN("report/journal-door", fields_are_framed_as_journald_reads_them,
          what_is_too_large_for_a_datagram_comes_as_a_file, without_journald_and_without_a_spool_it_is_gone_and_said,
          what_came_while_journald_was_away_comes_in_order_and_says_so,
          a_journald_that_does_not_read_stops_nobody_and_loses_nothing)

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"

#include "unit.h"

static sd_event *loop;
static struct http *http;
static char path[64];
static bool large;

static unsigned on_request(const char *asked, struct strbuf *body, const char **ret_type, void *userdata) {
        if (!streq(asked, "/metrics"))
                return 404;
        *ret_type = "text/plain; version=0.0.4";
        strbuf_put_repeat(body, 'x', large ? 4 << 20 : 5);
        return 200;
}

static void setup(void) {
        large = false;
        ck_assert_int_eq(sd_event_new(&loop), 0);
        snprintf(path, sizeof(path), "/tmp/execray-http-%d", (int)getpid());
        ck_assert_int_eq(http_new(loop, path, 0, on_request, NULL, &http), 0);
}

static void teardown(void) {
        http_free(http);
        sd_event_unref(loop);
        (void)unlink(path);
}

static int visit(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

/* Until the other end closes. */
static size_t hear(int fd, char *answer, size_t size) {
        size_t n = 0;

        for (int i = 0; i < 100000; i++) {
                ssize_t k;

                ck_assert_int_ge(sd_event_run(loop, 1000), 0);
                k = recv(fd, answer + n, size - 1 - n, 0);
                if (k == 0)
                        break;
                n += k > 0 ? (size_t)k : 0;
        }
        answer[n] = 0;
        close(fd);
        return n;
}

static const char *ask(const char *request) {
        static char answer[4096];
        int fd = visit();

        ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
        hear(fd, answer, sizeof(answer));
        return answer;
}

START_TEST(what_is_asked_for_is_answered_and_the_connection_closed) {
        setup();
        ck_assert_str_eq(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 5\r\n"
                         "Connection: close\r\n\r\nxxxxx");
        ck_assert_ptr_nonnull(strstr(ask("GET /metrics?a=b HTTP/1.0\n\n"), "200 OK"));
        teardown();
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_and_counted) {
        static const struct {
                const char *request, *status;
        } cases[] = {
                {"GET /nowhere HTTP/1.1\r\n\r\n", "404 Not Found"},
                {"POST /metrics HTTP/1.1\r\n\r\n", "405 Method"},
                {"GET /metrics\r\n\r\n", "400 Bad"},
                {"\r\n\r\n", "400 Bad"},
                {"GET /metrics HTTP/2\r\n\r\n", "400 Bad"},
        };
        struct http_stats stats;

        setup();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(strstr(ask(cases[i].request), cases[i].status), "%s", cases[i].request);
        http_stats(http, &stats);
        ck_assert_uint_eq(stats.n_requests, 0);
        ck_assert_uint_eq(stats.n_refused, ELEMENTSOF(cases));
        teardown();
}
END_TEST

START_TEST(a_request_without_an_end_is_cut_off) {
        static char request[HTTP_MAX_REQUEST + 1];

        setup();
        memset(request, 'a', HTTP_MAX_REQUEST - 1);
        ck_assert_ptr_nonnull(strstr(ask(request), "431 "));
        teardown();
}
END_TEST

START_TEST(a_reader_who_does_not_read_stops_nobody) {
        const char *request = "GET /metrics HTTP/1.1\r\n\r\n";
        int slow;

        setup();
        slow = visit();
        large = true;
        ck_assert_int_eq(send(slow, request, strlen(request), 0), strlen(request));
        for (int i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(loop, 1000), 0);
        large = false;
        ck_assert_ptr_nonnull(strstr(ask(request), "200 OK"));
        close(slow);
        teardown();
}
END_TEST

START_TEST(a_large_answer_comes_whole_to_one_who_reads) {
        static char answer[5 << 20];
        const char *request = "GET /metrics HTTP/1.1\r\n\r\n";
        int fd;

        setup();
        fd = visit();
        large = true;
        ck_assert_int_eq(send(fd, request, strlen(request), 0), strlen(request));
        ck_assert_uint_gt(hear(fd, answer, sizeof(answer)), 4 << 20);
        teardown();
}
END_TEST

START_TEST(there_is_room_for_a_few_and_the_next_is_turned_away) {
        int fds[HTTP_MAX_CLIENTS + 1];
        struct http_stats stats;

        setup();
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = visit();
                ck_assert_int_ge(sd_event_run(loop, 1000), 0);
        }
        for (int i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(loop, 100), 0);
        http_stats(http, &stats);
        ck_assert_uint_eq(stats.n_refused, 1);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        for (int i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(loop, 100), 0);
        ck_assert_ptr_nonnull(strstr(ask("GET /metrics HTTP/1.1\r\n\r\n"), "200 OK"));
        teardown();
}
END_TEST

START_TEST(a_socket_is_its_owners_and_groups_and_a_living_one_is_not_robbed) {
        struct http *other = NULL;
        struct stat st;

        setup();
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0660);
        ck_assert_int_eq(http_new(loop, path, 0, on_request, NULL, &other), -EADDRINUSE);
        ck_assert_ptr_null(other);
        teardown();
}
END_TEST

START_TEST(on_loopback_it_listens_there_alone) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        struct http *other = NULL;
        int fd;

        setup();
        ck_assert_int_eq(http_new(loop, NULL, 0, on_request, NULL, &other), 0);
        ck_assert_uint_gt(http_port(other), 0);
        address.sin_port = htons(http_port(other));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_lt(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
        http_free(other);
        teardown();
}
END_TEST

UNIT_MAIN("control/http", what_is_asked_for_is_answered_and_the_connection_closed,
                  what_makes_no_sense_is_refused_and_counted, a_request_without_an_end_is_cut_off,
                  a_reader_who_does_not_read_stops_nobody, a_large_answer_comes_whole_to_one_who_reads,
                  there_is_room_for_a_few_and_the_next_is_turned_away,
                  a_socket_is_its_owners_and_groups_and_a_living_one_is_not_robbed,
                  on_loopback_it_listens_there_alone)

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "lab.h"
#include "unit.h"

/* A server in a child: answers each connection with the next of these statuses, and passes on what it got. */
struct server {
        const char *const *statuses;
        size_t n_statuses;
        int listen_fd, heard[2];
        uint32_t pid;
        char url[64], prefix[48];
};

static void serve(void *userdata) {
        struct server *server = userdata;

        for (size_t i = 0; i < server->n_statuses; i++) {
                char request[8192] = "", answer[256];
                int fd = accept(server->listen_fd, NULL, NULL);
                size_t n = 0;

                while (n < sizeof(request) - 1 && !strstr(request, "the end")) {
                        ssize_t k = read(fd, request + n, sizeof(request) - 1 - n);

                        if (k <= 0)
                                break;
                        n += (size_t)k;
                }
                if (write(server->heard[1], request, n) < 0)
                        _exit(1);
                if (*server->statuses[i]) {
                        snprintf(answer, sizeof(answer),
                                 "HTTP/1.1 %s\r\nContent-Length: 2\r\nLocation: file:///etc/passwd\r\nConnection: "
                                 "close\r\n\r\nok",
                                 server->statuses[i]);
                        if (write(fd, answer, strlen(answer)) < 0)
                                _exit(1);
                }
                close(fd);
        }
        lab_sleep(NULL);
}

static void server_init(struct server *server, const char *const *statuses, size_t n) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);

        *server = (struct server){.statuses = statuses, .n_statuses = n};
        server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(server->listen_fd, 8), 0);
        ck_assert_int_eq(getsockname(server->listen_fd, (struct sockaddr *)&address, &length), 0);
        snprintf(server->prefix, sizeof(server->prefix), "http://127.0.0.1:%u", ntohs(address.sin_port));
        snprintf(server->url, sizeof(server->url), "%s/hook", server->prefix);
        ck_assert_int_eq(pipe(server->heard), 0);
        server->pid = lab_child(serve, server);
        close(server->listen_fd);
        close(server->heard[1]);
}

static void server_done(struct server *server) {
        kill((pid_t)server->pid, SIGKILL);
        close(server->heard[0]);
}

struct scene {
        struct lab lab;
        sd_event *loop;
        const char *prefixes[1];
};

static void scene_init(struct scene *scene, const char *prefix) {
        ck_assert_int_ge(sd_event_new(&scene->loop), 0);
        lab_init(&scene->lab, scene->loop);
        scene->prefixes[0] = prefix;
        scene->lab.config.response.enforce = false;
        scene->lab.config.response.webhooks = (struct config_list){scene->prefixes, 1};
        scene->lab.actions->webhook_pause_ns = 10 * NSEC_PER_MSEC;
}

static void scene_done(struct scene *scene) {
        lab_done(&scene->lab);
        sd_event_unref(scene->loop);
}

static struct action_result send_to(struct scene *scene, const char *url) {
        const struct action_input inputs[] = {LAB_TEXT("url", url), LAB_TEXT("body", "{\"a\": 1}\nthe end")};

        return lab_run(&scene->lab, "webhook", inputs, 2);
}

static void wait_for_end(struct scene *scene) {
        uint64_t until = clock_boottime_ns() + 20 * NSEC_PER_SEC;

        while (actions_n_pending(scene->lab.actions) > 0) {
                ck_assert(clock_boottime_ns() < until);
                ck_assert_int_ge(sd_event_run(scene->loop, 1000 * 1000), 0);
        }
}

static bool is_built_without(const struct scene *scene) {
        if (!strstr(scene->lab.last.text, "built without") && !strstr(scene->lab.last.text, "not installed"))
                return false;
        printf("SKIP: %s\n", scene->lab.last.text);
        return true;
}

START_TEST(a_body_is_sent_as_it_is_and_the_answer_told) {
        static const char *const statuses[] = {"204 No Content"};
        struct action_result result;
        struct server server;
        struct scene scene;
        char heard[8192];
        ssize_t n;

        server_init(&server, statuses, 1);
        scene_init(&scene, server.prefix);
        result = send_to(&scene, server.url);
        ck_assert_int_eq(result.outcome, ACTION_PENDING);
        wait_for_end(&scene);
        if (!is_built_without(&scene)) {
                ck_assert_msg(scene.lab.last.outcome == ACTION_DONE, "%s", scene.lab.last.text);
                ck_assert_uint_eq(scene.lab.last.number, result.number);
                ck_assert_ptr_nonnull(strstr(scene.lab.last.text, "after 1 attempt: 204"));
                n = read(server.heard[0], heard, sizeof(heard) - 1);
                ck_assert_int_gt(n, 0);
                heard[n] = 0;
                ck_assert_ptr_eq(strstr(heard, "POST /hook HTTP/1.1\r\n"), heard);
                ck_assert_ptr_nonnull(strstr(heard, "\r\nContent-Type: application/json\r\n"));
                ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\n{\"a\": 1}\nthe end"));
        }
        scene_done(&scene);
        server_done(&server);
}
END_TEST

START_TEST(it_is_tried_again_when_the_other_side_is_not_well) {
        static const char *const statuses[] = {"503 Busy", "", "200 OK"};
        struct server server;
        struct scene scene;

        server_init(&server, statuses, 3);
        scene_init(&scene, server.prefix);
        send_to(&scene, server.url);
        wait_for_end(&scene);
        if (!is_built_without(&scene)) {
                ck_assert_msg(scene.lab.last.outcome == ACTION_DONE, "%s", scene.lab.last.text);
                ck_assert_ptr_nonnull(strstr(scene.lab.last.text, "after 3 attempts: 200"));
        }
        scene_done(&scene);
        server_done(&server);
}
END_TEST

START_TEST(a_no_and_a_redirect_are_final) {
        static const char *const statuses[] = {"404 Not Found", "302 Found"};
        struct server server;
        struct scene scene;

        server_init(&server, statuses, 2);
        scene_init(&scene, server.prefix);
        for (int i = 0; i < 2; i++) {
                send_to(&scene, server.url);
                wait_for_end(&scene);
                ck_assert_int_eq(scene.lab.last.outcome, ACTION_FAILED);
                if (!is_built_without(&scene))
                        ck_assert_ptr_nonnull(
                                strstr(scene.lab.last.text, i ? "after 1 attempt: 302" : "after 1 attempt: 404"));
        }
        scene_done(&scene);
        server_done(&server);
}
END_TEST

START_TEST(addresses_that_only_look_like_the_listed_ones_are_refused) {
        static const char *const wrong[] = {"http://hooks.example.org.evil.example/",
                                            "http://hooks.example.org@evil.example/",
                                            "http://hooks.example.org:1@evil.example/",
                                            "https://hooks.example.org/",
                                            "file:///etc/passwd",
                                            "ftp://hooks.example.org/"};
        struct scene scene;

        scene_init(&scene, "http://hooks.example.org");
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                ck_assert_int_eq(send_to(&scene, wrong[i]).outcome, ACTION_REFUSED);
        scene.prefixes[0] = "file:///";
        ck_assert_int_eq(send_to(&scene, "file:///etc/passwd").outcome, ACTION_REFUSED);
        scene_done(&scene);
}
END_TEST

START_TEST(a_full_queue_refuses_and_an_end_in_between_leaves_nothing) {
        static const char *const statuses[] = {"200 OK"};
        struct server server;
        struct scene scene;

        server_init(&server, statuses, 0);
        scene_init(&scene, server.prefix);
        scene.lab.config.response.webhook_queue = 6;
        for (int i = 0; i < 6; i++)
                ck_assert_int_eq(send_to(&scene, server.url).outcome, ACTION_PENDING);
        ck_assert_int_eq(send_to(&scene, server.url).error, -ENOSPC);
        scene_done(&scene);
        server_done(&server);
}
END_TEST

UNIT_MAIN("action/webhook", a_body_is_sent_as_it_is_and_the_answer_told,
          it_is_tried_again_when_the_other_side_is_not_well, a_no_and_a_redirect_are_final,
          addresses_that_only_look_like_the_listed_ones_are_refused,
          a_full_queue_refuses_and_an_end_in_between_leaves_nothing)

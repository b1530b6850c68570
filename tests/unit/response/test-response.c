/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side, against a process that speaks as it is told to: this program under another name. How it behaves is
 * the `place` of its setup. */
#include "response/response.h"

#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../report/sample-match.h"
#include "../unit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "config/config.h"
#include "report/report.h"
#include "response/respond-worker.h"
#include "response/response-packets.h"

/* ---- the other side ---- */

static void say(enum response_type type, uint64_t id, enum response_tag tag, const char *text) {
        _cleanup_(strbuf_done) struct strbuf packet = {};

        response_message_begin(&packet, type, id);
        if (text)
                response_message_put_text(&packet, tag, 0, text);
        response_message_end(&packet);
        if (send(STDIN_FILENO, packet.data, packet.n, MSG_NOSIGNAL) < 0)
                _exit(EXIT_FAILURE);
}

static void answer(uint64_t id) {
        _cleanup_(script_answer_done) struct script_answer said = {};
        _cleanup_(strbuf_done) struct strbuf packet = {};

        script_answer_field(&said, "seen", "yes", 3);
        response_put_answer(id, &said, &packet);
        if (send(STDIN_FILENO, packet.data, packet.n, MSG_NOSIGNAL) < 0)
                _exit(EXIT_FAILURE);
}

static struct response_message hear(const char *how) {
        static uint64_t memory[RESPONSE_MESSAGE_MAX / sizeof(uint64_t)];
        struct response_message message;
        ssize_t n = recv(STDIN_FILENO, memory, sizeof(memory), 0);

        if (n == 0 && streq(how, "finishes"))
                say(RESPONSE_ACTION, 0, RESPONSE_WHAT, "quarantine path=/tmp/x");
        if (n <= 0 || response_message_open(memory, (size_t)n, &message) < 0)
                _exit(EXIT_SUCCESS);
        return message;
}

static void say_what_was_done(void) {
        _cleanup_(strbuf_done) struct strbuf packet = {};

        response_message_begin(&packet, RESPONSE_LIST, 0);
        response_message_put_text(&packet, RESPONSE_NAME, 0, "bad");
        response_message_put_text(&packet, RESPONSE_TEXT, 0, "192.0.2.1");
        response_message_put_u64(&packet, RESPONSE_NUMBER, 77);
        response_message_end(&packet);
        if (send(STDIN_FILENO, packet.data, packet.n, MSG_NOSIGNAL) < 0)
                _exit(EXIT_FAILURE);
        say(RESPONSE_ACTION, 0, RESPONSE_WHAT, "signal process=1");
        say(RESPONSE_NOTICE, 0, RESPONSE_TEXT, "'x.lua' is suspended");
}

/* Says which policies it is told are disarmed; then a storm disarms two, and one is armed again. */
static void have_a_storm(void) {
        say(RESPONSE_STORM, 0, RESPONSE_NAME, "one");
        say(RESPONSE_STORM, 0, RESPONSE_NAME, "two");
        say(RESPONSE_STORM, 0, RESPONSE_NAME, "two");
        {
                _cleanup_(strbuf_done) struct strbuf packet = {};

                response_message_begin(&packet, RESPONSE_STORM, 0);
                response_message_put_text(&packet, RESPONSE_NAME, 1, "one");
                response_message_end(&packet);
                if (send(STDIN_FILENO, packet.data, packet.n, MSG_NOSIGNAL) < 0)
                        _exit(EXIT_FAILURE);
        }
}

static void on_storms(struct response_message message) {
        struct response_item item;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_NAME)
                        say(RESPONSE_NOTICE, 0, RESPONSE_TEXT, item.bytes);
}

static void on_alert(const char *how, uint64_t id) {
        static uint64_t held;

        if (streq(how, "has a storm")) {
                have_a_storm();
                _exit(EXIT_FAILURE);
        } else if (streq(how, "dies"))
                _exit(EXIT_FAILURE);
        else if (streq(how, "babbles")) {
                if (send(STDIN_FILENO, "xxxx", 4, MSG_NOSIGNAL) < 0)
                        _exit(EXIT_FAILURE);
        } else if (streq(how, "answers another"))
                answer(id + 1000);
        else if (streq(how, "refuses late"))
                say(RESPONSE_REFUSED, 0, RESPONSE_TEXT, "too late");
        else if (streq(how, "is ready again"))
                say(RESPONSE_READY, 0, RESPONSE_TEXT, NULL);
        else if (streq(how, "answers the one before")) {
                if (held)
                        answer(held);
                held = id;
        } else if (streq(how, "acts")) {
                say_what_was_done();
                answer(id);
        } else if (streq(how, "answers") || streq(how, "finishes"))
                answer(id);
}

static int be_the_other_side(void) {
        struct response_message message = hear("");
        struct response_item item;
        char how[64] = "";

        alarm(60);
        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_PLACE)
                        snprintf(how, sizeof(how), "%s", item.bytes);
        if (streq(how, "ends at once"))
                return EXIT_SUCCESS;
        if (streq(how, "refuses"))
                say(RESPONSE_REFUSED, 0, RESPONSE_TEXT, "x.lua:1: wrong\n\tin a function");
        else if (!streq(how, "is silent"))
                say(RESPONSE_READY, 0, RESPONSE_TEXT, streq(how, "answers") ? "warning: no script has 'x'" : NULL);
        for (;;) {
                message = hear(how);
                if (message.type == RESPONSE_STORM)
                        on_storms(message);
                else
                        on_alert(how, message.id);
        }
}

/* ---- this side ---- */

static struct sample_match sample;
static struct config config;
static struct redactor *redactor;
static struct report *report;
static struct response *response;
static sd_event *loop;
static FILE *file;
static int ready, n_ready;
static char messages[256], listed[64];

static void on_log(int level, const char *line, size_t n, void *userdata) {
}

static void on_ready(int r, const char *text, void *userdata) {
        ready = r;
        n_ready++;
        snprintf(messages, sizeof(messages), "%s", text);
}

static void on_list(const char *list, const char *value, uint64_t until_ns, void *userdata) {
        snprintf(listed, sizeof(listed), "%s %s %u", list, value, (unsigned)until_ns);
}

static void prepare(void) {
        static const char *const argv[] = {"/tmp/x", NULL};
        struct report_options options = {.outputs = REPORT_JSON};

        log_set_sink(on_log, NULL);
        sample_match_init(&sample, argv);
        sample.texts[0] = sample_string(&sample, "look");
        sample.path.respond = (struct program_range){.first = 0, .n = 1};
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &config), 0);
        config.scripts.enrich_timeout_ns = config.scripts.patience_ns = 20 * NSEC_PER_SEC;
        ck_assert_int_eq(redactor_new(&(struct redact_options){}, &redactor), 0);
        file = tmpfile();
        ck_assert_ptr_nonnull(file);
        options.fd = fileno(file);
        options.redactor = redactor;
        options.table = sample.table;
        ck_assert_int_eq(report_new(&options, &report), 0);
        ck_assert_int_eq(sd_event_new(&loop), 0);
}

static const struct response_sink sink = {.on_ready = on_ready, .on_list = on_list};

static int begin(const char *how) {
        const struct response_options options = {
                .config = &config, .program = &sample.program, .places = &how, .n_places = 1, .loop = loop};
        int r;

        ck_assert_int_eq(response_new(&options, &sink, NULL, &response), 0);
        r = response_wait(response);
        ck_assert_int_eq(n_ready, 1);
        ck_assert_int_eq(ready, r);
        response_attach(response, report);
        return r;
}

static void end(void) {
        response = response_free(response);
        report_free(report);
        redactor_free(redactor);
        sample_match_done(&sample);
        config_done(&config);
        sd_event_unref(loop);
        fclose(file);
        log_set_sink(NULL, NULL);
}

static struct response_stats stats(void) {
        struct response_stats now;

        response_stats(response, &now);
        return now;
}

/* How often that part is in what was told. */
static int told(const char *part) {
        static char text[1 << 20];
        ssize_t n = pread(fileno(file), text, sizeof(text) - 1, 0);
        int found = 0;

        ck_assert_int_ge(n, 0);
        text[n] = 0;
        for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
                found++;
        return found;
}

static void alert(void) {
        ck_assert_int_eq(report_match(report, &sample.match), 0);
}

static void step(void) {
        sample.match.taken = sample.match.steps[0].step;
        sample.step_texts[0].respond = (struct program_range){.first = 0, .n = 1};
        report_step(report, &sample.match);
        sample.match.taken = NULL;
}

/* ---- a service manager ---- */

static char socket_path[64];
static int listener_fd;
static pid_t last_started;

/* A connection: a process for it. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        ck_assert_int_ge(accepted, 0);
        ck_assert_int_eq(spawn_clean(NULL, RESPOND_WORKER_NAME, accepted, STDERR_FILENO, &last_started), 0);
        close(accepted);
        return 0;
}

static void listen_for_connections(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(socket_path, sizeof(socket_path), "/tmp/test-response-%d", (int)getpid());
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        listener_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(listener_fd, 0);
        ck_assert_int_eq(bind(listener_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener_fd, 8), 0);
        ck_assert_int_ge(sd_event_add_io(loop, NULL, listener_fd, EPOLLIN, on_connection, NULL), 0);
}

static void stop_listening(void) {
        close(listener_fd);
        unlink(socket_path);
}

static int begin_service(const char *how, const char *unit, pid_t listener) {
        const struct response_service service = {.path = socket_path, .listener = listener, .unit = unit};
        const struct response_options options = {.config = &config,
                                                 .program = &sample.program,
                                                 .places = &how,
                                                 .n_places = 1,
                                                 .loop = loop,
                                                 .service = &service};
        int r = response_new(&options, &sink, NULL, &response);

        if (r >= 0)
                response_attach(response, report);
        return r;
}

#define WAIT_UNTIL(condition)                                                                                          \
        for (uint64_t until_ns = clock_boottime_ns() + 20 * NSEC_PER_SEC; !(condition);) {                             \
                ck_assert_msg(clock_boottime_ns() < until_ns, "waited in vain: %s", #condition);                       \
                ck_assert_int_ge(sd_event_run(loop, 100000), 0);                                                       \
        }

START_TEST(an_alert_is_told_with_what_scripts_said) {
        prepare();
        ck_assert_int_eq(begin("answers"), 0);
        ck_assert_str_eq(messages, "warning: no script has 'x'\n");
        alert();
        ck_assert_int_eq(told("\n"), 0);        /* it waits */
        ck_assert_uint_eq(stats().n_waiting, 1);
        WAIT_UNTIL(stats().n_waiting == 0);
        ck_assert_int_eq(told("\"seen\":\"yes\""), 1);
        ck_assert_uint_eq(stats().n_asked, 1);
        ck_assert_uint_eq(stats().n_answered, 1);
        ck_assert_uint_gt(stats().latency_max_ns, 0);
        end();
}
END_TEST

START_TEST(an_alert_without_a_responder_is_told_at_once_and_nobody_is_asked) {
        prepare();
        ck_assert_int_eq(begin("answers"), 0);
        sample.path.respond.n = 0;
        alert();
        ck_assert_int_eq(told("\n"), 1);
        ck_assert_uint_eq(stats().n_asked, 0);
        ck_assert(!response_is_needed(&sample.program, &config));
        end();
}
END_TEST

START_TEST(scripts_that_are_wrong_are_said_as_lines) {
        prepare();
        ck_assert_int_eq(begin("refuses"), -EBADMSG);
        ck_assert_str_eq(messages, "x.lua:1: wrong\n        in a function\n");
        ck_assert_int_eq(stats().pid, 0);
        end();
}
END_TEST

START_TEST(who_does_not_begin_is_ended) {
        prepare();
        config.scripts.patience_ns = 50 * NSEC_PER_MSEC;
        ck_assert_int_eq(begin("is silent"), -ECHILD);
        ck_assert_int_eq(stats().pid, 0);
        end();

        n_ready = 0;
        prepare();
        ck_assert_int_eq(begin("ends at once"), -ECHILD);
        ck_assert_str_eq(messages, "has ended");
        end();
}
END_TEST

START_TEST(an_alert_that_waits_too_long_is_told_and_its_answer_follows) {
        prepare();
        config.scripts.enrich_timeout_ns = NSEC_PER_MSEC;
        ck_assert_int_eq(begin("answers the one before"), 0);
        alert();
        WAIT_UNTIL(stats().n_late == 1);
        ck_assert_int_eq(told("\"state\":\"late\""), 1);
        ck_assert_uint_eq(stats().n_waiting, 1);
        alert();
        WAIT_UNTIL(stats().n_answered == 1);
        ck_assert_int_eq(told("\"type\":\"response\""), 1);
        ck_assert_int_eq(told("\"seen\":\"yes\""), 1);
        end();
}
END_TEST

START_TEST(who_dies_is_started_again_and_what_it_had_is_told) {
        prepare();
        ck_assert_int_eq(begin("dies"), 0);
        alert();
        WAIT_UNTIL(stats().n_lost == 1);
        ck_assert_int_eq(told("\"state\":\"lost\""), 1);
        ck_assert_int_eq(stats().pid, 0);
        alert();
        ck_assert_uint_eq(stats().n_down, 1);
        ck_assert_int_eq(told("\"state\":\"down\""), 1);
        WAIT_UNTIL(stats().n_starts == 2);
        ck_assert_int_gt(stats().pid, 0);
        ck_assert_int_eq(n_ready, 1);
        end();
}
END_TEST

START_TEST(a_service_is_asked_as_a_child_is) {
        prepare();
        listen_for_connections();
        ck_assert_int_eq(begin_service("answers", NULL, getpid()), 0);
        WAIT_UNTIL(n_ready == 1);
        ck_assert_int_eq(ready, 0);
        ck_assert_int_eq(stats().pid, last_started);
        ck_assert(stats().is_service);
        alert();
        WAIT_UNTIL(stats().n_answered == 1);
        ck_assert_int_eq(told("\"state\":\"answered\""), 1);
        stop_listening();
        end();
}
END_TEST

START_TEST(a_service_that_is_killed_takes_no_alert_with_it) {
        uint64_t told_of;

        prepare();
        listen_for_connections();
        ck_assert_int_eq(begin_service("holds", NULL, getpid()), 0);
        WAIT_UNTIL(n_ready == 1);
        for (int i = 0; i < 40; i++)
                alert();
        ck_assert_int_eq(told("\"type\":\"alert\""), 0);
        ck_assert_int_eq(kill(last_started, SIGKILL), 0);
        WAIT_UNTIL(stats().n_lost == 40);
        ck_assert_int_eq(told("\"state\":\"lost\""), 40);
        alert();
        ck_assert_uint_eq(stats().n_down, 1);
        WAIT_UNTIL(stats().n_starts == 2 && stats().pid == last_started);
        told_of = stats().n_asked;
        alert();
        ck_assert_uint_eq(stats().n_asked, told_of + 1);
        ck_assert_int_eq(kill(last_started, SIGKILL), 0);
        WAIT_UNTIL(stats().n_lost == 41);
        ck_assert_int_eq(told("\"type\":\"alert\""), 42);
        stop_listening();
        end();
}
END_TEST

START_TEST(a_service_elsewhere_is_none) {
        prepare();
        listen_for_connections();
        ck_assert_int_eq(begin_service("answers", "nobody-has-this-*.service", getpid()), 0);
        WAIT_UNTIL(n_ready == 1);
        ck_assert_int_eq(ready, -ECHILD);
        ck_assert_int_eq(stats().pid, 0);
        alert();
        ck_assert_int_eq(told("\"state\":\"down\""), 1);
        ck_assert_int_eq(kill(last_started, 0), 0);     /* not ours to end */
        stop_listening();
        end();
}
END_TEST

START_TEST(another_listener_is_not_asked) {
        prepare();
        listen_for_connections();
        ck_assert_int_eq(begin_service("answers", NULL, getpid() + 1), -EPERM);
        stop_listening();
        ck_assert_int_eq(begin_service("answers", NULL, getpid()), -ENOENT);
        end();
}
END_TEST

START_TEST(who_is_patient_begins_without_the_service_and_finds_it_later) {
        const struct response_service service = {.path = socket_path, .listener = getpid()};
        const char *how = "answers";
        struct response_options options = {.config = &config,
                                           .program = &sample.program,
                                           .places = &how,
                                           .n_places = 1,
                                           .service = &service,
                                           .is_patient = true};

        prepare();
        options.loop = loop;
        snprintf(socket_path, sizeof(socket_path), "/tmp/test-response-%d", (int)getpid());
        ck_assert_int_eq(response_new(&options, &sink, NULL, &response), 0);
        ck_assert_int_eq(response_wait(response), 0);
        response_attach(response, report);
        alert();
        ck_assert_int_eq(told("\"state\":\"down\""), 1);
        listen_for_connections();
        WAIT_UNTIL(stats().pid > 0);
        alert();
        WAIT_UNTIL(stats().n_answered == 1);
        stop_listening();
        end();
}
END_TEST

START_TEST(what_a_storm_has_disarmed_stays_so_over_a_new_start) {
        prepare();
        ck_assert_int_eq(begin("has a storm"), 0);
        alert();
        WAIT_UNTIL(stats().n_starts == 2);
        WAIT_UNTIL(stats().notice[0] != 0);
        ck_assert_str_eq(stats().notice, "two");
        end();
}
END_TEST

START_TEST(who_says_what_makes_no_sense_is_ended) {
        static const char *const ways[] = {"babbles", "answers another", "refuses late", "is ready again"};

        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                n_ready = 0;
                prepare();
                ck_assert_int_eq(begin(ways[i]), 0);
                alert();
                WAIT_UNTIL(stats().n_waiting == 0);
                ck_assert_msg(stats().n_lost == 1, "%s", ways[i]);
                ck_assert_int_eq(told("\"state\":\"lost\""), 1);
                ck_assert_int_eq(stats().pid, 0);
                end();
        }
}
END_TEST

START_TEST(who_never_answers_is_ended_when_patience_is_over) {
        prepare();
        config.scripts.patience_ns = NSEC_PER_SEC;
        ck_assert_int_eq(begin("never answers"), 0);
        alert();
        WAIT_UNTIL(stats().n_lost == 1);
        ck_assert_int_eq(stats().pid, 0);
        end();
}
END_TEST

START_TEST(an_alert_too_many_is_told_at_once_and_counted) {
        prepare();
        config.scripts.queue = 2;
        ck_assert_int_eq(begin("never answers"), 0);
        for (int i = 0; i < 3; i++)
                alert();
        ck_assert_uint_eq(stats().n_waiting, 2);
        ck_assert_uint_eq(stats().n_full, 1);
        ck_assert_int_eq(told("\"state\":\"full\""), 1);
        ck_assert_int_eq(told("\n"), 1);
        response = response_free(response);
        ck_assert_int_eq(told("\"state\":\"lost\""), 2);
        end();
}
END_TEST

START_TEST(steps_take_half_of_the_queue_at_most) {
        prepare();
        config.scripts.queue = 4;
        ck_assert_int_eq(begin("never answers"), 0);
        for (int i = 0; i < 5; i++)
                step();
        ck_assert_uint_eq(stats().n_steps_asked, 2);
        ck_assert_uint_eq(stats().n_steps_left, 3);
        alert();
        alert();
        ck_assert_uint_eq(stats().n_full, 0);
        ck_assert_uint_eq(stats().n_asked, 2);
        end();
}
END_TEST

START_TEST(what_was_done_reaches_who_is_to_know) {
        prepare();
        ck_assert_int_eq(begin("acts"), 0);
        alert();
        WAIT_UNTIL(stats().n_waiting == 0);
        ck_assert_str_eq(listed, "bad 192.0.2.1 77");
        ck_assert_uint_eq(stats().n_actions, 1);
        ck_assert_str_eq(stats().notice, "'x.lua' is suspended");
        end();
}
END_TEST

START_TEST(who_is_to_finish_gets_nothing_more_and_says_what_came_of_it) {
        prepare();
        ck_assert_int_eq(begin("finishes"), 0);
        alert();
        response_detach(response);
        ck_assert(!response_finish(response));
        WAIT_UNTIL(stats().n_waiting == 0);
        ck_assert_uint_eq(stats().n_actions, 0);
        WAIT_UNTIL(response_finish(response));
        ck_assert_uint_eq(stats().n_actions, 1);
        ck_assert_uint_eq(stats().n_starts, 1);
        ck_assert_int_eq(stats().pid, 0);
        end();
}
END_TEST

START_TEST(at_the_end_what_waits_is_waited_for_as_long_as_it_may) {
        prepare();
        ck_assert_int_eq(begin("answers"), 0);
        for (int i = 0; i < 100; i++)
                alert();
        response_drain(response);
        ck_assert_int_eq(told("\"seen\":\"yes\""), 100);
        end();

        n_ready = 0;
        prepare();
        config.scripts.enrich_timeout_ns = 20 * NSEC_PER_MSEC;
        ck_assert_int_eq(begin("never answers"), 0);
        alert();
        response_drain(response);
        ck_assert_int_eq(told("\"state\":\"late\""), 1);
        end();
}
END_TEST

int main(int argc, char **argv) {
        const TTest *const tests[] = {
                an_alert_is_told_with_what_scripts_said,
                an_alert_without_a_responder_is_told_at_once_and_nobody_is_asked,
                scripts_that_are_wrong_are_said_as_lines,
                who_does_not_begin_is_ended,
                an_alert_that_waits_too_long_is_told_and_its_answer_follows,
                who_dies_is_started_again_and_what_it_had_is_told,
                a_service_is_asked_as_a_child_is,
                a_service_that_is_killed_takes_no_alert_with_it,
                a_service_elsewhere_is_none,
                another_listener_is_not_asked,
                who_is_patient_begins_without_the_service_and_finds_it_later,
                what_a_storm_has_disarmed_stays_so_over_a_new_start,
                who_says_what_makes_no_sense_is_ended,
                who_never_answers_is_ended_when_patience_is_over,
                an_alert_too_many_is_told_at_once_and_counted,
                steps_take_half_of_the_queue_at_most,
                what_was_done_reaches_who_is_to_know,
                who_is_to_finish_gets_nothing_more_and_says_what_came_of_it,
                at_the_end_what_waits_is_waited_for_as_long_as_it_may,
        };

        if (streq(argv[0], RESPOND_WORKER_NAME))
                return be_the_other_side();
        return unit_run("response/response", tests, ELEMENTSOF(tests));
}

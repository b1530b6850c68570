/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that says what the test wants, asked over its socket and over a bus of our own. */
#include "control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "control/control-private.h"
#include "metrics/metrics.h"

#include "private-bus.h"
#include "unit.h"

static char place[64], path[96];
static sd_event *loop;
static struct control *control;
static struct metrics registry;
static uint64_t counted = 7;

/* What the fake manager has been asked, and what it says. */
static uint64_t n_reloads, n_done;
static bool refuses, ends_at_once;
static struct control_caller last_caller;
static int snapshot_answer;

/* What came back. */
static char said[65536];
static size_t n_answers;

static uint64_t on_reload(const struct control_caller *caller, void *userdata) {
        last_caller = *caller;
        n_reloads++;
        if (ends_at_once)
                n_done = n_reloads;
        return n_reloads;
}

static uint64_t on_reloading(void *userdata) {
        return n_reloads;
}

static void on_reloaded(struct control_reloaded *ret, void *userdata) {
        *ret = (struct control_reloaded){
                .number = n_done,
                .generation = 1 + n_done,
                .done = !refuses,
                .text = refuses ? "a.policy:3:1: error: \xff no\nand more\n" : "1 new (a)",
        };
}

static int on_snapshot(const struct control_caller *caller, struct strbuf *why, void *userdata) {
        if (snapshot_answer < 0)
                strbuf_put(why, "there is no room");
        return snapshot_answer;
}

static void on_state(struct control_state *ret, void *userdata) {
        *ret = (struct control_state){"degraded", 3, 2, 1};
}

static const char *on_status(struct strbuf *text, struct strbuf *json, void *userdata) {
        strbuf_put(text, "words\n");
        strbuf_put(json, "{}");
        return "degraded";
}

static void on_policies(void (*on_policy)(const struct control_policy *policy, void *data), void *data,
                        void *userdata) {
        const struct control_policy policy = {"high", "a\xff", "/p", 2, 2, 5, 6};

        on_policy(&policy, data);
}

static void on_stories(size_t max, void (*on_story)(const struct control_story *story, void *data), void *data,
                       void *userdata) {
        const struct control_story story = {"a", 1, "tree 7", 2, UINT64_MAX};

        on_story(&story, data);
}

static const struct metrics *on_metrics(void *userdata) {
        return &registry;
}

static const struct control_ops ops = {
        .reload = on_reload,
        .reloading = on_reloading,
        .reloaded = on_reloaded,
        .snapshot = on_snapshot,
        .state = on_state,
        .status = on_status,
        .policies = on_policies,
        .stories = on_stories,
        .metrics = on_metrics,
};

/* ---- the bus ---- */

/* What is said is not looked at. */
static void on_log(int level, const char *line, size_t n, void *userdata) {
        (void)n;
}

static void setup(bool with_bus) {
        const struct control_options options = {.bus = with_bus, .polkit = true, .socket = path};

        log_set_sink(on_log, NULL);
        snprintf(place, sizeof(place), "/tmp/execray-control-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(place));
        snprintf(path, sizeof(path), "%s/control", place);
        private_bus_use(place);
        metrics_init(&registry);
        ck_assert_int_eq(metrics_add(&registry, METRIC_GAUGE, "execray_x", "X.", &counted), 0);
        ck_assert_int_ge(sd_event_new(&loop), 0);
        if (with_bus)
                private_bus_start();
        ck_assert_int_eq(control_new(loop, &options, &ops, NULL, &control), 0);
}

static void teardown(void) {
        char command[128];

        control = control_free(control);
        ck_assert_int_lt(access(path, F_OK), 0);
        private_bus_stop();
        metrics_done(&registry);
        sd_event_unref(loop);
        snprintf(command, sizeof(command), "rm -r %s", place);
        ck_assert_int_eq(system(command), 0);
}

static void turn(void) {
        ck_assert_int_ge(sd_event_run(loop, 2000), 0);
}

static struct control_stats stats(void) {
        struct control_stats ret;

        control_stats(control, &ret);
        return ret;
}

/* ---- who asks ---- */

static sd_bus *visit(void) {
        char address[128];
        sd_bus *bus = NULL;

        snprintf(address, sizeof(address), "unix:path=%s", path);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_address(bus, address), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, loop, 0), 0);
        return bus;
}

static sd_bus *join(void) {
        sd_bus *bus = NULL;

        ck_assert_int_ge(sd_bus_open_system(&bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, loop, 0), 0);
        return bus;
}

static void leave(sd_bus *bus) {
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        FILE *file = fmemopen(said, sizeof(said), "w");

        n_answers++;
        if (e)
                fprintf(file, "%s: %s", e->name, e->message);
        else
                (void)sd_bus_message_dump(reply, file, 0);
        fclose(file);
        return 0;
}

static void ask(sd_bus *bus, const char *name, const char *method) {
        ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, name, MANAGER_PATH, MANAGER_INTERFACE, method, on_answer,
                                                  NULL, ""),
                         0);
}

static const char *answer(size_t n) {
        for (int i = 0; i < 3000 && n_answers < n; i++)
                turn();
        ck_assert_uint_eq(n_answers, n);
        return said;
}

static void expect_no_answer(size_t n) {
        for (int i = 0; i < 30; i++)
                turn();
        ck_assert_uint_eq(n_answers, n);
}

START_TEST(a_reload_is_answered_when_it_has_ended) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ask(bus, NULL, "Reload");
        expect_no_answer(0);
        ck_assert_uint_eq(n_reloads, 1);
        ck_assert_uint_eq(last_caller.uid, geteuid());
        ck_assert_int_eq(last_caller.pid, getpid());
        ck_assert_str_eq(last_caller.way, "socket");
        n_done = 1;
        control_reloaded(control);
        ck_assert_ptr_nonnull(strstr(answer(1), "1 new (a)"));
        ck_assert_uint_eq(stats().n_pending, 0);
        leave(bus);
        teardown();
}
END_TEST

START_TEST(a_reload_that_ends_at_once_is_answered_too) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ends_at_once = refuses = true;
        ask(bus, NULL, "Reload");
        ck_assert_str_eq(answer(1), ERROR_NOT_RELOADED ": a.policy:3:1: error: \\xff no\nand more\n");
        leave(bus);
        teardown();
}
END_TEST

START_TEST(who_asks_during_a_reload_waits_for_the_one_that_sees_his_files) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ask(bus, NULL, "Reload");
        expect_no_answer(0);
        ask(bus, NULL, "Reload");
        expect_no_answer(0);
        n_done = 1;
        control_reloaded(control);
        answer(1);
        expect_no_answer(1);
        n_done = 2;
        control_reloaded(control);
        answer(2);
        leave(bus);
        teardown();
}
END_TEST

START_TEST(waiting_begins_nothing) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ask(bus, NULL, "AwaitReload");
        answer(1);                      /* there was none, and there is nothing to wait for */
        n_reloads = 1;
        ask(bus, NULL, "AwaitReload");
        expect_no_answer(1);
        n_done = 1;
        control_reloaded(control);
        answer(2);
        ck_assert_uint_eq(n_reloads, 1);
        leave(bus);
        teardown();
}
END_TEST

START_TEST(a_snapshot_is_answered_when_it_is_whole_or_never_will_be) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ask(bus, NULL, "Snapshot");
        expect_no_answer(0);
        control_saved(control, 0, "/file");
        ck_assert_ptr_nonnull(strstr(answer(1), "/file"));
        ask(bus, NULL, "Snapshot");
        expect_no_answer(1);
        control_saved(control, -ENOSPC, "/file");
        ck_assert_ptr_nonnull(strstr(answer(2), ERROR_NOT_SAVED));
        snapshot_answer = -EBUSY;
        ask(bus, NULL, "Snapshot");
        ck_assert_str_eq(answer(3), ERROR_NOT_SAVED ": there is no room");
        leave(bus);
        teardown();
}
END_TEST

START_TEST(what_there_is_to_ask_is_answered_in_clean_text) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        ask(bus, NULL, "GetStatus");
        ck_assert_ptr_nonnull(strstr(answer(1), "STRING \"degraded\""));
        ask(bus, NULL, "ListPolicies");
        ck_assert_ptr_nonnull(strstr(answer(2), "STRING \"a\\xff\""));
        ask(bus, NULL, "ListStories");
        ck_assert_ptr_nonnull(strstr(answer(3), "DOUBLE -1"));
        ask(bus, NULL, "GetMetrics");
        ck_assert_ptr_nonnull(strstr(answer(4), "STRING \"execray_x\""));
        ck_assert_ptr_nonnull(strstr(said, "DOUBLE 7"));
        ask(bus, NULL, "GetNothing");
        ck_assert_ptr_nonnull(strstr(answer(5), "UnknownMethod"));
        leave(bus);
        teardown();
}
END_TEST

START_TEST(calls_that_wait_are_bounded) {
        sd_bus *bus;

        setup(false);
        bus = visit();
        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++)
                ask(bus, NULL, "Snapshot");
        expect_no_answer(0);
        ask(bus, NULL, "Snapshot");
        ck_assert_ptr_nonnull(strstr(answer(1), "LimitsExceeded"));
        ck_assert_uint_eq(stats().n_refused, 1);
        leave(bus);
        for (int i = 0; i < 100 && stats().n_pending > 0; i++)
                turn();
        ck_assert_uint_eq(stats().n_pending, 0);        /* who asked has gone */
        ck_assert_uint_eq(stats().n_clients, 0);
        control_saved(control, 0, "/file");
        teardown();
}
END_TEST

START_TEST(connections_are_bounded) {
        sd_bus *buses[CONTROL_MAX_CLIENTS + 1];

        setup(false);
        for (size_t i = 0; i < ELEMENTSOF(buses); i++) {
                buses[i] = visit();
                expect_no_answer(0);
        }
        ck_assert_uint_eq(stats().n_clients, CONTROL_MAX_CLIENTS);
        ck_assert_uint_eq(stats().n_refused, 1);
        for (size_t i = 0; i < ELEMENTSOF(buses); i++)
                leave(buses[i]);
        for (int i = 0; i < 300 && stats().n_clients > 0; i++)
                turn();
        ck_assert_uint_eq(stats().n_clients, 0);
        teardown();
}
END_TEST

START_TEST(nonsense_on_the_socket_ends_that_connection_alone) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sd_bus *bus;

        setup(false);
        strcpy(address.sun_path, path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\n\r\n\0\0\0\0", 22, MSG_NOSIGNAL), 0);
        expect_no_answer(0);
        bus = visit();
        ask(bus, NULL, "GetStatus");
        answer(1);
        close(fd);
        leave(bus);
        teardown();
}
END_TEST

START_TEST(a_living_socket_is_not_robbed_and_a_dead_one_is_replaced) {
        const struct control_options options = {.socket = path};
        struct control *other = NULL;
        sd_bus *bus;

        setup(false);
        ck_assert_int_eq(control_new(loop, &options, &ops, NULL, &other), 0);
        ck_assert_int_eq(other->listener, -1);
        control_free(other);
        bus = visit();
        ask(bus, NULL, "GetStatus");
        answer(1);
        leave(bus);

        close(control->listener);       /* as if we had been killed */
        control->accept = sd_event_source_disable_unref(control->accept);
        control->listener = -1;
        control->socket[0] = 0;
        control_free(control);
        ck_assert_int_eq(access(path, F_OK), 0);
        ck_assert_int_eq(control_new(loop, &options, &ops, NULL, &control), 0);
        ck_assert_int_ge(control->listener, 0);
        teardown();
}
END_TEST

START_TEST(on_the_bus_it_is_the_same_and_a_bus_that_dies_is_looked_for) {
        sd_bus *bus;

        if (!private_bus_may())
                return;
        setup(true);
        for (int i = 0; i < 1000 && !stats().on_bus; i++)
                turn();
        ck_assert_uint_eq(stats().on_bus, 1);
        bus = join();
        ask(bus, MANAGER_NAME, "GetStatus");
        ck_assert_ptr_nonnull(strstr(answer(1), "degraded"));
        ask(bus, MANAGER_NAME, "Reload");
        for (int i = 0; i < 1000 && n_reloads == 0; i++)
                turn();
        ck_assert_uint_eq(n_reloads, 1);
        ck_assert_str_eq(last_caller.way, "bus");
        ck_assert_uint_eq(last_caller.uid, geteuid());
        ck_assert_int_eq(last_caller.pid, getpid());
        n_done = 1;
        control_reloaded(control);
        answer(2);
        leave(bus);

        private_bus_stop();
        for (int i = 0; i < 1000 && stats().on_bus; i++)
                turn();
        ck_assert_uint_eq(stats().on_bus, 0);
        bus = visit();                  /* the socket goes on */
        ask(bus, NULL, "GetStatus");
        answer(3);
        leave(bus);
        private_bus_start();
        for (int i = 0; i < 3000 && !stats().on_bus; i++)
                turn();
        ck_assert_uint_eq(stats().n_connected, 2);
        teardown();
}
END_TEST

/* ---- polkit ---- */

#define POLKIT "org.freedesktop.PolicyKit1"

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_CHALLENGE, VERDICT_NONSENSE, VERDICT_NOTHING };
static enum verdict verdict;
static char asked_about[64];
static size_t n_questions;

static int on_question(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const char *kind, *key, *name, *action;

        if (!sd_bus_message_is_method_call(call, POLKIT ".Authority", "CheckAuthorization"))
                return 0;
        n_questions++;
        ck_assert_int_ge(sd_bus_message_read(call, "(sa{sv})s", &kind, 1, &key, "s", &name, &action), 0);
        ck_assert_str_eq(kind, "system-bus-name");
        snprintf(asked_about, sizeof(asked_about), "%s", action);
        if (verdict == VERDICT_NOTHING)
                return 1;
        if (verdict == VERDICT_NONSENSE)
                return sd_bus_reply_method_return(call, "s", "yes");
        return sd_bus_reply_method_return(call, "(bba{ss})", verdict == VERDICT_YES, verdict == VERDICT_CHALLENGE, 0);
}

/* Told apart from us by nothing but who the bus says he is. */
static sd_bus *join_as(uid_t uid) {
        sd_bus *bus = NULL;
        int r;

        ck_assert_int_eq(seteuid(uid), 0);
        r = sd_bus_open_system(&bus);
        for (int i = 0; r >= 0 && sd_bus_is_ready(bus) == 0 && i < 1000; i++)
                r = sd_bus_process(bus, NULL);
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_ge(r, 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, loop, 0), 0);
        return bus;
}

static const char *ask_as(uid_t uid, const char *method) {
        sd_bus *bus = join_as(uid);

        n_answers = 0;
        ask(bus, MANAGER_NAME, method);
        answer(1);
        leave(bus);
        return said;
}

/* False: there is no bus, or nobody else to be. */
static bool setup_for_others(void) {
        if (!private_bus_may() || geteuid() != 0)
                return false;
        setup(true);
        ck_assert_int_eq(chmod(place, 0755), 0);
        for (int i = 0; i < 1000 && !stats().on_bus; i++)
                turn();
        ends_at_once = true;
        return true;
}

START_TEST(others_than_root_may_what_polkit_lets_them) {
        sd_bus *polkit;

        if (!setup_for_others())
                return;
        ck_assert_ptr_nonnull(strstr(ask_as(65534, "Reload"), "polkit is not here"));
        polkit = join();
        ck_assert_int_ge(sd_bus_add_filter(polkit, NULL, on_question, NULL), 0);
        ck_assert_int_ge(sd_bus_request_name(polkit, POLKIT, 0), 0);
        for (verdict = VERDICT_NO; verdict <= VERDICT_NONSENSE; verdict++)
                ck_assert_ptr_nonnull(strstr(ask_as(65534, "Snapshot"),
                                             verdict == VERDICT_CHALLENGE ? "InteractiveAuthorizationRequired"
                                                                          : "AccessDenied"));
        ck_assert_str_eq(asked_about, ACTION_SNAPSHOT);
        ck_assert_uint_eq(n_reloads, 0);
        verdict = VERDICT_YES;
        ck_assert_ptr_nonnull(strstr(ask_as(65534, "Reload"), "1 new (a)"));
        ck_assert_str_eq(asked_about, ACTION_RELOAD);
        ck_assert_uint_eq(last_caller.uid, 65534);
        ck_assert_uint_eq(n_reloads, 1);
        ck_assert_uint_eq(stats().n_allowed, 1);
        ck_assert_uint_eq(n_questions, 4);
        ask_as(0, "Reload");
        ck_assert_uint_eq(n_questions, 4);
        ck_assert_uint_eq(stats().n_pending, 0);
        leave(polkit);
        teardown();
}
END_TEST

START_TEST(others_who_wait_for_polkit_do_not_keep_root_waiting) {
        sd_bus *polkit, *other;

        if (!setup_for_others())
                return;
        polkit = join();
        ck_assert_int_ge(sd_bus_add_filter(polkit, NULL, on_question, NULL), 0);
        ck_assert_int_ge(sd_bus_request_name(polkit, POLKIT, 0), 0);
        verdict = VERDICT_NOTHING;
        other = join_as(65534);
        for (int i = 0; i < CONTROL_MAX_PENDING_USER + 1; i++)
                ask(other, MANAGER_NAME, "Reload");
        ck_assert_ptr_nonnull(strstr(answer(1), "LimitsExceeded"));
        ck_assert_uint_eq(stats().n_pending, CONTROL_MAX_PENDING_USER);
        ck_assert_ptr_nonnull(strstr(ask_as(0, "Reload"), "1 new (a)"));
        leave(other);
        leave(polkit);
        teardown();
}
END_TEST

static size_t n_signals;

static int on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        n_signals++;
        return 0;
}

START_TEST(an_alert_is_told_to_who_listens_and_to_nobody_without_end_who_does_not_read) {
        const struct control_alert alert = {1, "p\xff", "high", "tree 1", "/bin/x", 7};
        sd_bus *bus;

        setup(false);
        bus = visit();
        ck_assert_int_ge(sd_bus_match_signal(bus, NULL, NULL, MANAGER_PATH, MANAGER_INTERFACE, "AlertRaised", on_signal,
                                             NULL),
                         0);
        expect_no_answer(0);
        control_alert(control, &alert);
        for (int i = 0; i < 1000 && n_signals == 0; i++)
                turn();
        ck_assert_uint_eq(n_signals, 1);
        sd_bus_detach_event(bus);       /* and reads no more */
        for (int i = 0; i < 200000 && stats().n_dropped == 0; i++)
                control_alert(control, &alert);         /* the kernel keeps some MiB for who does not read */
        ck_assert_uint_gt(stats().n_dropped, 0);
        sd_bus_close_unref(bus);
        teardown();
}
END_TEST

UNIT_MAIN("control/control",
          a_reload_is_answered_when_it_has_ended,
          a_reload_that_ends_at_once_is_answered_too,
          who_asks_during_a_reload_waits_for_the_one_that_sees_his_files,
          waiting_begins_nothing,
          a_snapshot_is_answered_when_it_is_whole_or_never_will_be,
          what_there_is_to_ask_is_answered_in_clean_text,
          calls_that_wait_are_bounded,
          connections_are_bounded,
          nonsense_on_the_socket_ends_that_connection_alone,
          a_living_socket_is_not_robbed_and_a_dead_one_is_replaced,
          on_the_bus_it_is_the_same_and_a_bus_that_dies_is_looked_for,
          others_than_root_may_what_polkit_lets_them,
          others_who_wait_for_polkit_do_not_keep_root_waiting,
          an_alert_is_told_to_who_listens_and_to_nobody_without_end_who_does_not_read)

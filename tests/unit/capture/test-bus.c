/* SPDX-License-Identifier: Apache-2.0 */
/* A bus of our own, with a systemd and a logind on it that say what the test wants. */
#include "capture/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/bus-private.h"

#include "private-bus.h"
#include "unit.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define LOGIND "org.freedesktop.login1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PATH(name) MANAGER_PATH "/unit/" name
#define BOTH (wire_kind_bit(WIRE_KIND_unit) | wire_kind_bit(WIRE_KIND_login))

static char place[64];
static sd_event *loop;
static sd_bus *fake, *mallory;
static struct bus *bus;
static char said[32768];                /* what was told, a line each */
static size_t n_gaps, n_notices;
static const char *unit_state;          /* of a.service, in the fake's list; NULL: not in it */
static bool session_is_there, silent;

/* ---- what is told ---- */

static void put(const struct event *event, int field) {
        struct value value;
        size_t n = strlen(said);

        event_get(event, (enum field)field, &value);
        if (value.state == VALUE_UNKNOWN)
                snprintf(said + n, sizeof(said) - n, " ?");
        else if (value.type == VALUE_NUMBER)
                snprintf(said + n, sizeof(said) - n, " %d", (int)value.number);
        else
                snprintf(said + n, sizeof(said) - n, " %.*s", (int)value.length, value.bytes);
}

static void on_record(struct record *record, void *userdata) {
        struct event event;

        ck_assert_int_eq(record_finish(record), 0);
        ck_assert_int_eq(event_parse(record->data, record->header.size, &event), 0);
        strcat(said, record->header.flags & WIRE_MENDED ? "mended" : "");
        if (record->header.kind == WIRE_KIND_unit) {
                put(&event, WIRE_FIELD_unit_name);
                put(&event, WIRE_FIELD_unit_action);
                put(&event, WIRE_FIELD_unit_job);
                put(&event, WIRE_FIELD_unit_outcome);
                put(&event, WIRE_FIELD_unit_main_pid);
        } else {
                put(&event, WIRE_FIELD_login_action);
                put(&event, WIRE_FIELD_login_session);
                put(&event, WIRE_FIELD_login_user);
                put(&event, WIRE_FIELD_login_uid);
                put(&event, WIRE_FIELD_login_host);
                put(&event, WIRE_FIELD_login_service);
        }
        strcat(said, "\n");
}

static void on_gap(uint64_t kinds, void *userdata) {
        n_gaps++;
        strcat(said, kinds == wire_kind_bit(WIRE_KIND_unit) ? "gap unit\n" : "gap login\n");
}

static void on_log(int level, const char *line, size_t n, void *userdata) {
        n_notices += level <= LOG_NOTICE;
}

/* ---- the fake ---- */

static int reply_units(sd_bus_message *call) {
        sd_bus_message *reply = NULL;

        sd_bus_message_new_method_return(call, &reply);
        sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
        sd_bus_message_append(reply, "(ssssssouso)", "idle.service", "", "loaded", "inactive", "dead", "", "/u", 0, "",
                              "/");
        if (unit_state)
                sd_bus_message_append(reply, "(ssssssouso)", "a.service", "", "loaded", unit_state, "x", "", "/u", 0,
                                      "", "/");
        sd_bus_message_close_container(reply);
        sd_bus_send(fake, reply, NULL);
        sd_bus_message_unref(reply);
        return 1;
}

static int reply_sessions(sd_bus_message *call) {
        sd_bus_message *reply = NULL;

        sd_bus_message_new_method_return(call, &reply);
        sd_bus_message_open_container(reply, 'a', "(susso)");
        if (session_is_there)
                sd_bus_message_append(reply, "(susso)", "7", 1000, "anna", "seat0", "/session/7");
        sd_bus_message_close_container(reply);
        sd_bus_send(fake, reply, NULL);
        sd_bus_message_unref(reply);
        return 1;
}

static int reply_session(sd_bus_message *call) {
        return sd_bus_reply_method_return(call, "a{sv}", 6, "Id", "s", "7", "User", "(uo)", 1000, "/user/1000", "Name",
                                          "s", "anna", "RemoteHost", "s", "192.0.2.7", "Service", "s", "sshd", "Leader",
                                          "u", 4711);
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const char *interface, *property;

        if (silent)
                return 1;
        if (sd_bus_message_is_method_call(call, NULL, "Subscribe"))
                return sd_bus_reply_method_return(call, NULL);
        if (sd_bus_message_is_method_call(call, NULL, "ListUnits"))
                return reply_units(call);
        if (sd_bus_message_is_method_call(call, NULL, "ListSessions"))
                return reply_sessions(call);
        if (sd_bus_message_is_method_call(call, NULL, "GetAll"))
                return reply_session(call);
        if (sd_bus_message_is_method_call(call, NULL, "Get") &&
            sd_bus_message_read(call, "ss", &interface, &property) >= 0)
                return sd_bus_reply_method_return(call, "v", "s", streq(property, "JobType") ? "start" : "active");
        return 0;
}

static void emit_state(sd_bus *from, const char *to, const char *path, const char *state) {
        sd_bus_message *signal = NULL;

        sd_bus_message_new_signal(from, &signal, path, "org.freedesktop.DBus.Properties", "PropertiesChanged");
        if (to)
                sd_bus_message_set_destination(signal, to);
        sd_bus_message_append(signal, "sa{sv}as", SYSTEMD ".Unit", 2, "Description", "s", "x", "ActiveState", "s",
                              state, 0);
        sd_bus_send(from, signal, NULL);
        sd_bus_message_unref(signal);
}

static void emit_service(const char *path, const char *result, uint32_t pid) {
        sd_bus_emit_signal(fake, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                           SYSTEMD ".Service", 2, "MainPID", "u", pid, "Result", "s", result, 0);
}

static void emit_manager(const char *member, const char *types, ...) {
        sd_bus_message *signal = NULL;
        va_list ap;

        sd_bus_message_new_signal(fake, &signal, MANAGER_PATH, SYSTEMD ".Manager", member);
        va_start(ap, types);
        sd_bus_message_appendv(signal, types, ap);
        va_end(ap);
        sd_bus_send(fake, signal, NULL);
        sd_bus_message_unref(signal);
}

static void emit_login(const char *member) {
        sd_bus_emit_signal(fake, "/org/freedesktop/login1", LOGIND ".Manager", member, "so", "7", "/session/7");
}

/* ---- the bus ---- */

static sd_bus *join(void) {
        sd_bus *joined = NULL;

        ck_assert_int_ge(sd_bus_open_system(&joined), 0);
        ck_assert_int_ge(sd_bus_attach_event(joined, loop, 0), 0);
        return joined;
}

static void start_fake(void) {
        fake = join();
        ck_assert_int_ge(sd_bus_add_filter(fake, NULL, on_call, NULL), 0);
        ck_assert_int_ge(sd_bus_request_name(fake, SYSTEMD, 0), 0);
        ck_assert_int_ge(sd_bus_request_name(fake, LOGIND, 0), 0);
}

static sd_bus *leave(sd_bus *joined) {
        if (joined)
                sd_bus_detach_event(joined);
        return sd_bus_close_unref(joined);
}

/* Turn the loop until this is the end of what was told. */
static void expect(const char *wanted) {
        uint64_t end_ns = clock_boottime_ns() + 10 * NSEC_PER_SEC;

        while (!streq(said, wanted) && clock_boottime_ns() < end_ns)
                ck_assert_int_ge(sd_event_run(loop, 10000), 0);
        ck_assert_str_eq(said, wanted);
        said[0] = 0;
}

static void settle(void) {
        for (int i = 0; i < 30; i++)
                ck_assert_int_ge(sd_event_run(loop, 5000), 0);
}

static void wait_ready(void) {
        for (int i = 0; i < 1000 && !streq(bus_describe(bus), "systemd, logind"); i++)
                ck_assert_int_ge(sd_event_run(loop, 10000), 0);
        ck_assert_str_eq(bus_describe(bus), "systemd, logind");
}

/* False: there is no bus to be had here. */
static bool setup(bool with_bus) {
        static const struct bus_sink sink = {.on_record = on_record, .on_gap = on_gap};

        if (!private_bus_may())
                return false;
        log_set_sink(on_log, NULL);
        snprintf(place, sizeof(place), "/tmp/execray-bus-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(place));
        private_bus_use(place);
        ck_assert_int_ge(sd_event_new(&loop), 0);
        if (with_bus) {
                private_bus_start();
                start_fake();
        }
        ck_assert_int_eq(bus_new(loop, &sink, NULL, &bus), 0);
        bus_set_kinds(bus, BOTH);
        if (with_bus)
                wait_ready();
        return true;
}

static void teardown(void) {
        char command[128];

        bus = bus_free(bus);
        fake = leave(fake);
        mallory = leave(mallory);
        sd_event_unref(loop);
        private_bus_stop();
        snprintf(command, sizeof(command), "rm -r %s", place);
        ck_assert_int_eq(system(command), 0);
}

START_TEST(each_change_of_a_unit_is_told_once_with_process_and_result) {
        if (!setup(true))
                return;
        emit_manager("JobNew", "uos", 5, MANAGER_PATH "/job/5", "a.service");
        settle();
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "activating");
        emit_service(UNIT_PATH("a_2eservice"), "success", 42);
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "active");
        emit_manager("JobRemoved", "uoss", 5, MANAGER_PATH "/job/5", "a.service", "done");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "active");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "reloading");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "active");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "deactivating");
        emit_service(UNIT_PATH("a_2eservice"), "exit-code", 0);
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "failed");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "inactive");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "inactive");
        expect(" a.service starting start ? ?\n a.service started start ? 42\n a.service reloaded ? ? 42\n"
               " a.service stopping ? ? 42\n a.service failed ? exit-code 42\n a.service stopped ? exit-code 42\n");
        teardown();
}
END_TEST

START_TEST(start_that_came_to_nothing_and_a_unit_that_is_new_are_told) {
        if (!setup(true))
                return;
        emit_manager("JobNew", "uos", 5, MANAGER_PATH "/job/5", "a.service");
        settle();
        emit_manager("JobRemoved", "uoss", 5, MANAGER_PATH "/job/5", "a.service", "dependency");
        emit_manager("JobNew", "uos", 6, MANAGER_PATH "/job/6", "b.service");
        emit_manager("JobRemoved", "uoss", 6, MANAGER_PATH "/job/6", "b.service", "canceled");
        emit_manager("UnitNew", "so", "c.mount", UNIT_PATH("c_2emount"));
        expect(" a.service failed start dependency ?\n c.mount started ? ? ?\n");
        ck_assert_uint_eq(bus->units.n, 1);
        teardown();
}
END_TEST

START_TEST(session_is_told_with_all_that_logind_knows_of_it_at_both_ends) {
        if (!setup(true))
                return;
        emit_login("SessionNew");
        expect(" opened 7 anna 1000 192.0.2.7 sshd\n");
        emit_login("SessionRemoved");
        expect(" closed 7 anna 1000 192.0.2.7 sshd\n");

        /* Gone before the answer: both are told all the same, in order. */
        silent = true;
        emit_login("SessionNew");
        emit_login("SessionRemoved");
        expect(" opened 7 ? ? ? ?\n closed 7 ? ? ? ?\n");
        teardown();
}
END_TEST

START_TEST(what_was_there_before_is_not_told) {
        unit_state = "active";
        session_is_there = true;
        if (!setup(true))
                return;
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "active");
        settle();
        expect("");
        emit_login("SessionRemoved");
        expect(" closed 7 anna 1000 192.0.2.7 sshd\n");
        teardown();
}
END_TEST

START_TEST(signal_of_somebody_else_is_counted_and_not_told) {
        struct bus_stats stats;
        const char *name;

        if (!setup(true))
                return;
        mallory = join();
        ck_assert_int_ge(sd_bus_get_unique_name(bus->connection, &name), 0);
        emit_state(mallory, name, UNIT_PATH("a_2eservice"), "failed");
        sd_bus_message *signal = NULL;
        sd_bus_message_new_signal(mallory, &signal, "/org/freedesktop/login1", LOGIND ".Manager", "SessionNew");
        sd_bus_message_set_destination(signal, name);
        sd_bus_message_append(signal, "so", "9", "/session/9");
        sd_bus_send(mallory, signal, NULL);
        sd_bus_message_unref(signal);
        signal = NULL;
        sd_bus_message_new_signal(mallory, &signal, "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                  "NameOwnerChanged");
        sd_bus_message_set_destination(signal, name);
        sd_bus_message_append(signal, "sss", SYSTEMD, ":1.0", ":1.9");
        sd_bus_send(mallory, signal, NULL);
        sd_bus_message_unref(signal);
        settle();
        expect("");
        bus_stats(bus, &stats);
        ck_assert_uint_ge(stats.n_forged, 2);
        ck_assert_str_eq(bus_describe(bus), "systemd, logind");
        teardown();
}
END_TEST

START_TEST(bus_that_dies_leaves_gaps_and_what_happened_meanwhile_is_told_as_mended) {
        struct bus_stats stats;

        if (!setup(true))
                return;
        emit_state(fake, NULL, UNIT_PATH("b_2eservice"), "active");
        emit_login("SessionNew");
        expect(" b.service started ? ? ?\n opened 7 anna 1000 192.0.2.7 sshd\n");
        private_bus_stop();
        fake = leave(fake);
        expect("gap unit\ngap login\n");

        unit_state = "active";
        private_bus_start();
        start_fake();
        wait_ready();
        settle();
        ck_assert_ptr_nonnull(strstr(said, "gap unit\n"));
        ck_assert_ptr_nonnull(strstr(said, "gap login\n"));
        ck_assert_ptr_nonnull(strstr(said, "mended a.service started ? ? ?\nmended b.service stopped ? ? ?\n"));
        ck_assert_ptr_nonnull(strstr(said, "mended closed 7 anna 1000 192.0.2.7 sshd\n"));
        bus_stats(bus, &stats);
        ck_assert_uint_eq(stats.n_connected, 2);
        ck_assert_uint_ge(stats.n_lost, 2);
        teardown();
}
END_TEST

START_TEST(service_that_is_started_anew_is_compared_and_followed) {
        if (!setup(true))
                return;
        ck_assert_int_ge(sd_bus_release_name(fake, SYSTEMD), 0);
        expect("gap unit\n");
        unit_state = "failed";
        ck_assert_int_ge(sd_bus_request_name(fake, SYSTEMD, 0), 0);
        expect("gap unit\nmended a.service failed ? ? ?\n");
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "activating");
        expect(" a.service starting ? ? ?\n");
        teardown();
}
END_TEST

START_TEST(without_a_bus_it_is_said_once_and_looked_for_again) {
        if (!setup(false))
                return;
        settle();
        ck_assert_uint_eq(n_notices, 1);
        private_bus_start();
        start_fake();
        wait_ready();
        ck_assert_uint_eq(n_notices, 2);        /* and that it is there */
        ck_assert_uint_eq(n_gaps, 0);
        teardown();
}
END_TEST

START_TEST(what_nobody_wants_is_not_asked_for) {
        if (!setup(true))
                return;
        bus_set_kinds(bus, 0);
        ck_assert_ptr_null(bus->connection);
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "failed");
        settle();
        ck_assert_str_eq(bus_describe(bus), "none");
        said[0] = 0;
        bus_set_kinds(bus, wire_kind_bit(WIRE_KIND_login));
        for (int i = 0; i < 1000 && !streq(bus_describe(bus), "logind"); i++)
                ck_assert_int_ge(sd_event_run(loop, 10000), 0);
        emit_state(fake, NULL, UNIT_PATH("a_2eservice"), "activating");
        emit_login("SessionNew");
        expect(" opened 7 anna 1000 192.0.2.7 sshd\n");
        teardown();
}
END_TEST

START_TEST(many_new_units_are_asked_for_one_after_the_other) {
        char name[32];

        if (!setup(true))
                return;
        for (int i = 0; i < 200; i++) {
                snprintf(name, sizeof(name), "u%d.mount", i);
                emit_manager("UnitNew", "so", name, UNIT_PATH("u"));
        }
        for (int i = 0; i < 4000 && bus->units.n < 200; i++)
                ck_assert_int_ge(sd_event_run(loop, 5000), 0);
        ck_assert_uint_eq(bus->units.n, 200);
        ck_assert_uint_eq(bus->services[BUS_SYSTEMD].n_open, 0);
        ck_assert_uint_eq(bus->stats.n_refused, 0);
        teardown();
}
END_TEST

START_TEST(open_questions_are_bounded_and_counted) {
        struct bus_stats stats;
        char name[32];

        if (!setup(true))
                return;
        silent = true;
        for (int i = 0; i < BUS_MAX_QUESTIONS + 10; i++) {
                snprintf(name, sizeof(name), "u%d.mount", i);
                emit_manager("UnitNew", "so", name, UNIT_PATH("u"));
        }
        for (int i = 0; i < 2000 && bus->stats.n_refused < 10; i++)
                ck_assert_int_ge(sd_event_run(loop, 5000), 0);
        settle();
        ck_assert_uint_eq(bus->services[BUS_SYSTEMD].n_open, BUS_MAX_OPEN);
        ck_assert_uint_eq(bus->services[BUS_SYSTEMD].n_waiting, BUS_MAX_QUESTIONS - BUS_MAX_OPEN);
        bus_stats(bus, &stats);
        ck_assert_uint_eq(stats.n_refused, 10);
        teardown();
}
END_TEST

UNIT_MAIN("capture/bus",
          each_change_of_a_unit_is_told_once_with_process_and_result,
          start_that_came_to_nothing_and_a_unit_that_is_new_are_told,
          session_is_told_with_all_that_logind_knows_of_it_at_both_ends,
          what_was_there_before_is_not_told,
          signal_of_somebody_else_is_counted_and_not_told,
          bus_that_dies_leaves_gaps_and_what_happened_meanwhile_is_told_as_mended,
          service_that_is_started_anew_is_compared_and_followed,
          without_a_bus_it_is_said_once_and_looked_for_again,
          what_nobody_wants_is_not_asked_for,
          many_new_units_are_asked_for_one_after_the_other,
          open_questions_are_bounded_and_counted)

/* SPDX-License-Identifier: Apache-2.0 */
/* What logind says of sessions. The signal names a session and no more; who, from where and through what is asked for,
 * and remembered for its end. A session that is gone before the answer comes is told with what is known. */
#include "capture/bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define MANAGER LOGIND ".Manager"

#define MAX_SESSIONS 4096

struct session {
        bool told;                      /* that it was opened; or it is older than we are */
        bool mends;                     /* its opening was missed */
        bool has_uid, has_seat, has_tty, has_host;
        uint64_t round;
        int64_t uid, leader;
        char user[64], seat[64], tty[64], host[256], service[64];
        char id[64];                    /* the key */
};

static struct session *find_session(struct bus *bus, const char *id) {
        return hashmap_find_str(&bus->sessions, id);
}

static struct session *add_session(struct bus *bus, const char *id) {
        struct session *session;

        session =
                strlen(id) < sizeof(session->id) && bus->sessions.n < MAX_SESSIONS ? calloc(1, sizeof(*session)) : NULL;
        if (!session) {
                bus->stats.n_refused++;
                return NULL;
        }
        strcpy(session->id, id);
        session->round = bus->round;
        if (hashmap_put_str(&bus->sessions, session->id, session) < 0) {
                bus->stats.n_refused++;
                free(session);
                return NULL;
        }
        return session;
}

static void forget_sessions(struct bus *bus) {
        HASHMAP_FOREACH(entry, &bus->sessions)
                free(entry->value);
        hashmap_clear(&bus->sessions);
}

static void tell(struct bus *bus, const struct session *session, const char *action, bool mended) {
        struct record *record = &bus->record;

        record_begin(record, WIRE_KIND_login);
        record_set_text(record, (enum field)WIRE_FIELD_login_action, action);
        record_set_text(record, (enum field)WIRE_FIELD_login_session, session->id);
        if (session->user[0])
                record_set_text(record, (enum field)WIRE_FIELD_login_user, session->user);
        if (session->has_uid)
                record_set_number(record, (enum field)WIRE_FIELD_login_uid, session->uid);
        if (session->has_seat)
                record_set_text(record, (enum field)WIRE_FIELD_login_seat, session->seat);
        if (session->has_tty)
                record_set_text(record, (enum field)WIRE_FIELD_login_tty, session->tty);
        if (session->has_host)
                record_set_text(record, (enum field)WIRE_FIELD_login_host, session->host);
        if (session->service[0])
                record_set_text(record, (enum field)WIRE_FIELD_login_service, session->service);
        if (session->leader > 0)
                record_set_number(record, (enum field)WIRE_FIELD_login_leader_pid, session->leader);
        bus_tell(bus, mended);
}

static void open_session(struct bus *bus, struct session *session) {
        if (session->told)
                return;
        session->told = true;
        tell(bus, session, "opened", session->mends);
}

static void close_session(struct bus *bus, struct session *session, bool mended) {
        open_session(bus, session);
        tell(bus, session, "closed", mended);
        hashmap_remove_str(&bus->sessions, session->id);
        free(session);
}

/* ---- what a session is ---- */

static bool copy_text(char *to, size_t size, const char *from) {
        if (strlen(from) >= size)
                return false;
        strcpy(to, from);
        return true;
}

static int read_property(sd_bus_message *reply, struct session *session) {
        const char *name, *text, *path;
        uint32_t number;
        int r;

        r = sd_bus_message_enter_container(reply, 'e', "sv");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
                return r;
        if (streq(name, "User") && (r = sd_bus_message_read(reply, "v", "(uo)", &number, &path)) >= 0) {
                session->uid = number;
                session->has_uid = true;
        } else if (streq(name, "Name") && (r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
                (void)copy_text(session->user, sizeof(session->user), text);
        else if (streq(name, "Seat") && (r = sd_bus_message_read(reply, "v", "(so)", &text, &path)) >= 0)
                session->has_seat = copy_text(session->seat, sizeof(session->seat), text);
        else if (streq(name, "TTY") && (r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
                session->has_tty = copy_text(session->tty, sizeof(session->tty), text);
        else if (streq(name, "RemoteHost") && (r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
                session->has_host = copy_text(session->host, sizeof(session->host), text);
        else if (streq(name, "Service") && (r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
                (void)copy_text(session->service, sizeof(session->service), text);
        else if (streq(name, "Leader") && (r = sd_bus_message_read(reply, "v", "u", &number)) >= 0)
                session->leader = number;
        else
                r = sd_bus_message_skip(reply, "v");
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(reply);
        return r < 0 ? r : 1;
}

static int on_properties(sd_bus_message *reply, struct bus_question *question) {
        struct session *session = find_session(question->bus, question->name);
        int r;

        if (!session)
                return 0;
        if (bus_is_answer(reply) && sd_bus_message_enter_container(reply, 'a', "{sv}") >= 0)
                do
                        r = read_property(reply, session);
                while (r > 0);
        open_session(question->bus, session);
        return 0;
}

/* Unasked, it is told with what is known. */
static void ask(struct bus *bus, struct session *session, const char *path) {
        if (bus_ask(bus, BUS_LOGIND, path, LOGIND ".Session", NULL, session->id, 0, on_properties) < 0)
                open_session(bus, session);
}

/* ---- signals ---- */

static int on_new(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        struct session *session;
        const char *id, *path;

        if (!bus_is_from(bus, BUS_LOGIND, message) || !bus->services[BUS_LOGIND].ready ||
            sd_bus_message_read(message, "so", &id, &path) < 0 || find_session(bus, id))
                return 0;
        session = add_session(bus, id);
        if (session) {
                ask(bus, session, path);
                return 0;
        }

        /* No room for it: that there is one is told all the same. */
        struct session stranger = {};

        if (copy_text(stranger.id, sizeof(stranger.id), id))
                tell(bus, &stranger, "opened", false);
        return 0;
}

static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        struct session *session, stranger = {};
        const char *id, *path;

        if (!bus_is_from(bus, BUS_LOGIND, message) || !bus->services[BUS_LOGIND].ready ||
            sd_bus_message_read(message, "so", &id, &path) < 0)
                return 0;
        session = find_session(bus, id);
        if (session)
                close_session(bus, session, false);
        else if (copy_text(stranger.id, sizeof(stranger.id), id))
                tell(bus, &stranger, "closed", false);
        return 0;
}

/* ---- the present ---- */

static void end_vanished(struct bus *bus) {
        /* The order inside the table must not show: by name. */
        for (;;) {
                struct session *first = NULL;

                HASHMAP_FOREACH(entry, &bus->sessions) {
                        struct session *session = entry->value;

                        if (session->round != bus->round && (!first || strcmp(session->id, first->id) < 0))
                                first = session;
                }
                if (!first)
                        return;
                close_session(bus, first, true);
        }
}

static int on_sessions(sd_bus_message *reply, void *userdata, sd_bus_error *unused) {
        struct bus *bus = userdata;
        bool mends = bus->services[BUS_LOGIND].was_ready;
        const char *id, *user, *seat, *path;
        uint32_t uid;

        if (sd_bus_message_is_method_error(reply, NULL))
                return bus_complain(bus, BUS_LOGIND, sd_bus_message_get_error(reply));
        if (sd_bus_message_enter_container(reply, 'a', "(susso)") < 0)
                return 0;
        while (sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path) > 0) {
                struct session *session = find_session(bus, id);

                if (session) {
                        session->round = bus->round;
                        if (!session->told)     /* the question was lost */
                                ask(bus, session, path);
                        continue;
                }
                session = add_session(bus, id);
                if (!session)
                        continue;
                session->told = !mends;
                session->mends = mends;
                session->uid = uid;
                session->has_uid = true;
                (void)copy_text(session->user, sizeof(session->user), user);
                session->has_seat = copy_text(session->seat, sizeof(session->seat), seat);
                ask(bus, session, path);
        }
        end_vanished(bus);
        bus_is_ready(bus, BUS_LOGIND);
        return 0;
}

static int begin(struct bus *bus) {
        return sd_bus_call_method_async(bus->connection, NULL, LOGIND, LOGIND_PATH, MANAGER, "ListSessions",
                                        on_sessions, bus, NULL);
}

static int match(struct bus *bus) {
        int r;

        r = sd_bus_match_signal_async(bus->connection, NULL, LOGIND, LOGIND_PATH, MANAGER, "SessionNew", on_new, NULL,
                                      bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus->connection, NULL, LOGIND, LOGIND_PATH, MANAGER, "SessionRemoved",
                                              on_removed, NULL, bus);
        return r;
}

const struct bus_service_ops bus_logind = {
        .name = LOGIND,
        .people = "logind",
        .kind = WIRE_KIND_login,
        .match = match,
        .begin = begin,
        .forget = forget_sessions,
};

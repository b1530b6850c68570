/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd says of its units. A unit's state comes in PropertiesChanged, first of its type (Result, MainPID), then
 * of the unit (ActiveState), and systemd keeps to that order. JobNew names a job, whose type has to be asked for;
 * JobRemoved tells of a start that came to nothing without any change of state (a dependency). UnitNew comes in place
 * of the first PropertiesChanged of a unit, so its state has to be asked for, too. */
#include "capture/bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"
#define UNIT_PATH SYSTEMD_PATH "/unit"

#define MAX_UNITS 8192
#define MAX_UNIT_NAME 256

enum unit_state {
        UNIT_INACTIVE,                  /* what is not remembered is this */
        UNIT_ACTIVATING,
        UNIT_ACTIVE,
        UNIT_RELOADING,
        UNIT_DEACTIVATING,
        UNIT_FAILED,
        _UNIT_STATE_MAX,
};

static const char *const state_names[_UNIT_STATE_MAX] = {
        [UNIT_INACTIVE] = "inactive",         [UNIT_ACTIVATING] = "activating",     [UNIT_ACTIVE] = "active",
        [UNIT_RELOADING] = "reloading",       [UNIT_DEACTIVATING] = "deactivating", [UNIT_FAILED] = "failed",
};

/* What is told of the way from the state before; NULL: nothing. */
static const char *action_of(enum unit_state old, enum unit_state new) {
        switch (new) {
        case UNIT_INACTIVE: return "stopped";
        case UNIT_ACTIVATING: return "starting";
        case UNIT_ACTIVE: return old == UNIT_RELOADING ? "reloaded" : "started";
        case UNIT_RELOADING: return NULL;
        case UNIT_DEACTIVATING: return "stopping";
        case UNIT_FAILED: return "failed";
        case _UNIT_STATE_MAX: break;
        }
        return NULL;
}

/* Unknown ones (there is a new one every few years) are between two others: nothing is told of them. */
static enum unit_state state_of(const char *name) {
        for (size_t i = 0; i < _UNIT_STATE_MAX; i++)
                if (streq(state_names[i], name))
                        return (enum unit_state)i;
        return streq(name, "refreshing") ? UNIT_RELOADING : _UNIT_STATE_MAX;
}

/* A unit that is not inactive, or has a job. */
struct unit {
        enum unit_state state;
        uint32_t job_id;                /* 0: none */
        bool changed;                   /* since the job began */
        uint64_t round;
        int64_t main_pid;               /* the last one; 0: none */
        char job[16];                   /* type; "": not known */
        char result[32];                /* "success", "exit-code"; "": not known */
        char name[];                    /* the key */
};

static struct unit *find_unit(struct bus *bus, const char *name) {
        return hashmap_find_str(&bus->units, name);
}

static struct unit *get_unit(struct bus *bus, const char *name) {
        struct unit *unit = find_unit(bus, name);
        size_t n = strlen(name);

        if (unit)
                return unit;
        unit = n <= MAX_UNIT_NAME && bus->units.n < MAX_UNITS ? calloc(1, sizeof(*unit) + n + 1) : NULL;
        if (!unit) {
                bus->stats.n_refused++;
                return NULL;
        }
        memcpy(unit->name, name, n + 1);
        if (hashmap_put_str(&bus->units, unit->name, unit) < 0) {
                bus->stats.n_refused++;
                free(unit);
                return NULL;
        }
        return unit;
}

static void drop_unit(struct bus *bus, struct unit *unit) {
        hashmap_remove_str(&bus->units, unit->name);
        free(unit);
}

static void drop_if_idle(struct bus *bus, struct unit *unit) {
        if (unit->state == UNIT_INACTIVE && unit->job_id == 0)
                drop_unit(bus, unit);
}

static void forget_units(struct bus *bus) {
        HASHMAP_FOREACH(entry, &bus->units)
                free(entry->value);
        hashmap_clear(&bus->units);
}

static void copy_word(char *to, size_t size, const char *from) {
        if (strlen(from) < size)
                strcpy(to, from);
        else
                to[0] = 0;
}

static void tell(struct bus *bus, const struct unit *unit, const char *action, const char *outcome, bool mended) {
        struct record *record = &bus->record;

        record_begin(record, WIRE_KIND_unit);
        record_set_text(record, (enum field)WIRE_FIELD_unit_name, unit->name);
        record_set_text(record, (enum field)WIRE_FIELD_unit_action, action);
        if (unit->job[0])
                record_set_text(record, (enum field)WIRE_FIELD_unit_job, unit->job);
        if (outcome && *outcome)
                record_set_text(record, (enum field)WIRE_FIELD_unit_outcome, outcome);
        if (unit->main_pid > 0)
                record_set_number(record, (enum field)WIRE_FIELD_unit_main_pid, unit->main_pid);
        bus_tell(bus, mended);
}

static void change(struct bus *bus, struct unit *unit, enum unit_state state, bool mended) {
        const char *action;

        if (unit->state == state)
                return;
        action = action_of(unit->state, state);
        unit->state = state;
        unit->changed = true;
        if (action)
                tell(bus, unit, action, state == UNIT_FAILED || state == UNIT_INACTIVE ? unit->result : NULL, mended);
}

/* ---- signals ---- */

/* One property of a{sv}; what is of no use is skipped. */
static int read_property(sd_bus_message *message, char *result, size_t size, int64_t *main_pid, const char **state) {
        const char *name, *text;
        uint32_t number;
        int r;

        r = sd_bus_message_enter_container(message, 'e', "sv");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        if (streq(name, "Result") && (r = sd_bus_message_read(message, "v", "s", &text)) >= 0)
                copy_word(result, size, text);
        else if (streq(name, "MainPID") && (r = sd_bus_message_read(message, "v", "u", &number)) >= 0)
                *main_pid = number;
        else if (streq(name, "ActiveState") && (r = sd_bus_message_read(message, "v", "s", &text)) >= 0)
                *state = text;
        else
                r = sd_bus_message_skip(message, "v");
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 1;
}

static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        _cleanup_(freep) char *name = NULL;
        const char *interface, *active = NULL;
        enum unit_state state = _UNIT_STATE_MAX;
        int64_t main_pid = -1;
        char result[32] = "";
        struct unit *unit;
        int r;

        if (!bus_is_from(bus, BUS_SYSTEMD, message) || !bus->services[BUS_SYSTEMD].ready)
                return 0;
        if (sd_bus_path_decode(sd_bus_message_get_path(message), UNIT_PATH, &name) <= 0 ||
            sd_bus_message_read(message, "s", &interface) < 0 ||
            sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
                return 0;
        do
                r = read_property(message, result, sizeof(result), &main_pid, &active);
        while (r > 0);
        if (active)
                state = state_of(active);

        unit = find_unit(bus, name);
        if (!unit && (state == UNIT_INACTIVE || (state == _UNIT_STATE_MAX && main_pid <= 0)))
                return 0;
        unit = unit ?: get_unit(bus, name);
        if (!unit)
                return 0;
        if (result[0])
                strcpy(unit->result, result);
        /* At the end it is 0; which one it was is worth more. */
        if (main_pid > 0)
                unit->main_pid = main_pid;
        if (state != _UNIT_STATE_MAX) {
                change(bus, unit, state, false);
                drop_if_idle(bus, unit);
        }
        return 0;
}

static int on_job_type(sd_bus_message *reply, struct bus_question *question) {
        struct unit *unit = find_unit(question->bus, question->name);
        const char *type;

        /* Done already, quite often. */
        if (unit && unit->job_id == question->tag && bus_is_answer(reply) &&
            sd_bus_message_read(reply, "v", "s", &type) >= 0)
                copy_word(unit->job, sizeof(unit->job), type);
        return 0;
}

static int on_job_new(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const char *path, *name;
        struct unit *unit;
        uint32_t id;

        if (!bus_is_from(bus, BUS_SYSTEMD, message) || !bus->services[BUS_SYSTEMD].ready ||
            sd_bus_message_read(message, "uos", &id, &path, &name) < 0)
                return 0;
        unit = get_unit(bus, name);
        if (!unit)
                return 0;
        unit->job_id = id;
        unit->job[0] = 0;
        unit->changed = false;
        (void)bus_ask(bus, BUS_SYSTEMD, path, SYSTEMD ".Job", "JobType", name, id, on_job_type);
        return 0;
}

/* A unit that is loaded anew: with this signal systemd saves itself the one about its properties. */
static int on_new_state(sd_bus_message *reply, struct bus_question *question) {
        struct bus *bus = question->bus;
        const char *active;
        struct unit *unit;

        if (!bus->services[BUS_SYSTEMD].ready || !bus_is_answer(reply) ||
            sd_bus_message_read(reply, "v", "s", &active) < 0 || state_of(active) == _UNIT_STATE_MAX)
                return 0;
        unit = find_unit(bus, question->name);
        if (!unit && state_of(active) == UNIT_INACTIVE)
                return 0;
        unit = unit ?: get_unit(bus, question->name);
        if (!unit)
                return 0;
        change(bus, unit, state_of(active), false);
        drop_if_idle(bus, unit);
        return 0;
}

static int on_unit_new(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const char *path, *name;

        if (!bus_is_from(bus, BUS_SYSTEMD, message) || !bus->services[BUS_SYSTEMD].ready ||
            sd_bus_message_read(message, "so", &name, &path) < 0)
                return 0;
        (void)bus_ask(bus, BUS_SYSTEMD, path, SYSTEMD ".Unit", "ActiveState", name, 0, on_new_state);
        return 0;
}

/* A job that ended badly and changed no state has left no other trace. */
static bool is_failure(const char *result) {
        return streq(result, "failed") || streq(result, "timeout") || streq(result, "dependency") ||
               streq(result, "assert") || streq(result, "unsupported") || streq(result, "invalid");
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const char *path, *name, *result;
        struct unit *unit;
        uint32_t id;

        if (!bus_is_from(bus, BUS_SYSTEMD, message) || !bus->services[BUS_SYSTEMD].ready ||
            sd_bus_message_read(message, "uoss", &id, &path, &name, &result) < 0)
                return 0;
        unit = find_unit(bus, name);
        if (!unit || unit->job_id != id)
                return 0;
        if (!unit->changed && is_failure(result))
                tell(bus, unit, "failed", result, false);
        unit->job_id = 0;
        unit->job[0] = 0;
        drop_if_idle(bus, unit);
        return 0;
}

/* ---- the present ---- */

static void end_vanished(struct bus *bus) {
        /* The order inside the table must not show: by name. */
        for (;;) {
                struct unit *first = NULL;

                HASHMAP_FOREACH(entry, &bus->units) {
                        struct unit *unit = entry->value;

                        if (unit->round != bus->round && (!first || strcmp(unit->name, first->name) < 0))
                                first = unit;
                }
                if (!first)
                        return;
                first->job_id = 0;
                change(bus, first, UNIT_INACTIVE, true);
                drop_unit(bus, first);
        }
}

static int on_units(sd_bus_message *reply, void *userdata, sd_bus_error *unused) {
        struct bus *bus = userdata;
        bool mends = bus->services[BUS_SYSTEMD].was_ready;
        const char *name, *active, *job_type;
        uint32_t job_id;

        if (sd_bus_message_is_method_error(reply, NULL))
                return bus_complain(bus, BUS_SYSTEMD, sd_bus_message_get_error(reply));
        if (sd_bus_message_enter_container(reply, 'a', "(ssssssouso)") < 0)
                return 0;
        while (sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, &active, NULL, NULL, NULL, &job_id,
                                   &job_type, NULL) > 0) {
                enum unit_state state = state_of(active);
                struct unit *unit = find_unit(bus, name);

                if (!unit && state == UNIT_INACTIVE && job_id == 0)
                        continue;
                unit = unit ?: get_unit(bus, name);
                if (!unit)
                        continue;
                unit->round = bus->round;
                unit->job_id = job_id;
                copy_word(unit->job, sizeof(unit->job), job_type);
                if (state == _UNIT_STATE_MAX)
                        continue;
                if (mends)
                        change(bus, unit, state, true);
                unit->state = state;
        }
        end_vanished(bus);
        bus_is_ready(bus, BUS_SYSTEMD);
        return 0;
}

static int on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *unused) {
        struct bus *bus = userdata;
        int r;

        if (sd_bus_message_is_method_error(reply, NULL) &&
            !sd_bus_message_is_method_error(reply, SYSTEMD ".AlreadySubscribed"))
                return bus_complain(bus, BUS_SYSTEMD, sd_bus_message_get_error(reply));
        r = sd_bus_call_method_async(bus->connection, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "ListUnits", on_units, bus,
                                     NULL);
        return r < 0 ? bus_complain(bus, BUS_SYSTEMD, NULL) : 0;
}

static int begin(struct bus *bus) {
        return sd_bus_call_method_async(bus->connection, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "Subscribe",
                                        on_subscribed, bus, NULL);
}

static int match(struct bus *bus) {
        int r;

        r = sd_bus_add_match_async(bus->connection, NULL,
                                   "type='signal',sender='" SYSTEMD "',path_namespace='" UNIT_PATH
                                   "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                                   on_properties, NULL, bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus->connection, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "JobNew",
                                              on_job_new, NULL, bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus->connection, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "JobRemoved",
                                              on_job_removed, NULL, bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus->connection, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "UnitNew",
                                              on_unit_new, NULL, bus);
        return r;
}

const struct bus_service_ops bus_systemd = {
        .name = SYSTEMD,
        .people = "systemd",
        .kind = WIRE_KIND_unit,
        .match = match,
        .begin = begin,
        .forget = forget_units,
};

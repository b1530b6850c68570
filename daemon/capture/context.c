/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/context.h"

#include <errno.h>
#include <limits.h>

#include "base/log.h"
#include "base/macro.h"
#include "event/schema.h"

static void pass(struct context *context, const struct wire_header *about) {
        context->sink.on_record(&context->record, about, false, context->userdata);
}

static void on_bus_record(struct record *record, void *userdata) {
        struct context *context = userdata;

        context->sink.on_record(record, NULL, true, context->userdata);
}

static void on_bus_gap(uint64_t kinds, void *userdata) {
        struct context *context = userdata;

        context->sink.on_gap(kinds, context->userdata);
}

void context_init(struct context *context, struct hierarchy *hierarchy, const struct context_sink *sink,
                  void *userdata) {
        context->sink = *sink;
        context->userdata = userdata;
        context->hierarchy = hierarchy;
        containers_init(&context->containers, "");
}

void context_done(struct context *context) {
        context->bus = bus_free(context->bus);
        containers_done(&context->containers);
}

void context_set_kinds(struct context *context, sd_event *loop, uint64_t kinds) {
        static const struct bus_sink sink = {.on_record = on_bus_record, .on_gap = on_bus_gap};
        int r;

        context->kinds = kinds;
        if (!context->bus) {
                if (!(kinds & (wire_kind_bit(WIRE_KIND_unit) | wire_kind_bit(WIRE_KIND_login))))
                        return;
                r = bus_new(loop, &sink, context, &context->bus);
                if (r < 0) {
                        log_warning_errno(r, "Cannot watch the system bus, units and logins are not told: %m");
                        return;
                }
        }
        bus_set_kinds(context->bus, kinds);
}

/* ---- containers ---- */

static void see_group(struct context *context, uint64_t cgroup, const char *path, size_t length, bool is_cut,
                      const struct wire_header *about) {
        enum containers_event event = context->running ? CONTAINERS_STARTED : CONTAINERS_RUNNING;

        if (!containers_begin(&context->containers, event, cgroup, path, length, is_cut,
                              hierarchy_is_roots(context->hierarchy, cgroup), &context->record))
                return;
        context->record.header.flags = WIRE_SYNTHETIC | (about || !context->running ? 0 : WIRE_MENDED);
        pass(context, about);
}

void context_name(struct context *context, uint64_t cgroup, const char *path) {
        see_group(context, cgroup, path, strlen(path), false, NULL);
}

static void see_cgroup(struct context *context, const struct event *event) {
        struct value id, path, removed;

        event_get(event, (enum field)WIRE_FIELD_cgroup_id, &id);
        event_get(event, (enum field)WIRE_FIELD_cgroup_path, &path);
        event_get(event, (enum field)WIRE_FIELD_cgroup_removed, &removed);
        if (id.state != VALUE_KNOWN)
                return;
        if (removed.state == VALUE_KNOWN && removed.number) {
                if (!containers_end(&context->containers, (uint64_t)id.number, path.bytes, path.length,
                                    path.state == VALUE_CUT, &context->record))
                        return;
                context->record.header.flags = WIRE_SYNTHETIC;
                pass(context, event->wire);
        } else if (path.state != VALUE_UNKNOWN)
                see_group(context, (uint64_t)id.number, path.bytes, path.length, path.state == VALUE_CUT, event->wire);
}

static bool is_there(uint64_t cgroup, void *userdata) {
        struct context *context = userdata;
        char path[PATH_MAX];
        int r = hierarchy_name(context->hierarchy, cgroup, path, sizeof(path));

        return r != -ENOENT && r != -ESTALE;
}

void context_doubt(struct context *context) {
        context->doubt = true;
}

void context_process(struct context *context) {
        if (context->bus)
                bus_process(context->bus);
}

void context_turn(struct context *context) {
        uint64_t gone;

        if (!context->doubt)
                return;
        context->doubt = false;
        while ((gone = containers_find_gone(&context->containers, is_there, context)) != 0) {
                (void)containers_end(&context->containers, gone, NULL, 0, false, &context->record);
                context->record.header.flags = WIRE_SYNTHETIC | WIRE_MENDED;
                pass(context, NULL);
        }
}

/* ---- logins ---- */

/* A login uid is set once, when somebody has logged in (pam_loginuid), and inherited from there on. */
static void see_loginuid(struct context *context, const struct event *event, const struct wire_header *last) {
        const struct wire_header *header = event->wire;

        if (!(context->kinds & wire_kind_bit(WIRE_KIND_login)) || !last || last->loginuid == header->loginuid ||
            header->loginuid == UINT32_MAX)
                return;
        context->n_loginuids++;
        record_begin(&context->record, WIRE_KIND_login);
        record_set_text(&context->record, (enum field)WIRE_FIELD_login_action, "loginuid");
        record_set_number(&context->record, (enum field)WIRE_FIELD_login_uid, header->loginuid);
        record_set_number(&context->record, (enum field)WIRE_FIELD_login_leader_pid, header->tgid);
        context->record.header.flags = WIRE_SYNTHETIC;
        pass(context, header);
}

void context_see(struct context *context, const struct event *event, const struct wire_header *last) {
        if (event_kind(event) == WIRE_KIND_cgroup)
                see_cgroup(context, event);
        else
                see_loginuid(context, event, last);
}

void context_stats(const struct context *context, struct capture_stats *ret) {
        struct bus_stats bus = {};

        if (context->bus)
                bus_stats(context->bus, &bus);
        ret->n_bus_lost = bus.n_lost;
        ret->n_bus_forged = bus.n_forged;
        ret->n_context_refused = bus.n_refused + context->containers.n_refused;
        ret->n_context_unreadable = context->containers.n_unreadable;
}

void context_begin(struct context *context) {
        context->running = true;
}

void context_pause(struct context *context) {
        context->running = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "report/host.h"
#include "report/report.h"

/* Commas are put by whoever begins the next member: nothing is taken back. */
static void put_key(struct strbuf *b, const char *key) {
        char last = b->n > 0 ? b->data[b->n - 1] : 0;

        if (last != '{' && last != '[' && last != 0)
                strbuf_put_char(b, ',');
        strbuf_put_json_str(b, key);
        strbuf_put_char(b, ':');
}

static void put_comma(struct strbuf *b) {
        if (b->n > 0 && b->data[b->n - 1] != '[')
                strbuf_put_char(b, ',');
}

static void put_text(struct strbuf *b, const struct alert_text *text) {
        if (text->known)
                strbuf_put_json(b, text->bytes, text->length);
        else
                strbuf_put(b, "null");
}

static void put_time(struct strbuf *b, uint64_t ns) {
        if (ns == 0)
                strbuf_put(b, "null");
        else {
                strbuf_put_u64(b, ns / NSEC_PER_SEC);
                strbuf_put_char(b, '.');
                for (uint64_t unit = NSEC_PER_SEC / 10; unit > 0; unit /= 10)
                        strbuf_put_char(b, (char)('0' + ns / unit % 10));
        }
}

static void put_boolean(struct strbuf *b, bool value) {
        strbuf_put(b, value ? "true" : "false");
}

static void member_text(struct strbuf *b, const char *key, const struct alert_text *text) {
        put_key(b, key);
        put_text(b, text);
}

/* Left out if not known or empty. */
static void member_said(struct strbuf *b, const char *key, const struct alert_text *text) {
        if (text->known && text->length > 0)
                member_text(b, key, text);
}

static void member_u64(struct strbuf *b, const char *key, uint64_t value) {
        put_key(b, key);
        strbuf_put_u64(b, value);
}

static void member_time(struct strbuf *b, const char *key, uint64_t ns) {
        put_key(b, key);
        put_time(b, ns);
}

static void member_flag(struct strbuf *b, const char *key, bool value) {
        put_key(b, key);
        put_boolean(b, value);
}

/* An id whose highest value means that there is none. */
static void member_login(struct strbuf *b, const char *key, uint32_t value) {
        put_key(b, key);
        if (value == UINT32_MAX)
                strbuf_put(b, "null");
        else
                strbuf_put_u64(b, value);
}

static void put_process(struct strbuf *b, const struct alert_process *process, enum alert_detail detail) {
        strbuf_put_char(b, '{');
        member_u64(b, "pid", process->id.pid);
        member_time(b, "start", process->start_ns);
        member_text(b, "name", &process->name);
        member_text(b, "exe", &process->exe);
        member_text(b, "args", &process->args);

        if (detail == ALERT_ACTOR) {
                put_key(b, "argv");
                if (process->args.known) {
                        strbuf_put_char(b, '[');
                        for (size_t i = 0; i < process->n_argv; i++) {
                                put_comma(b);
                                put_text(b, process->argv + i);
                        }
                        strbuf_put_char(b, ']');
                } else
                        strbuf_put(b, "null");
                member_text(b, "cwd", &process->cwd);
        }

        if (process->has_credentials) {
                member_u64(b, "uid", process->uid);
                member_u64(b, "euid", process->euid);
                if (detail == ALERT_ACTOR) {
                        member_u64(b, "gid", process->gid);
                        member_u64(b, "egid", process->egid);
                }
        }
        if (detail == ALERT_ACTOR) {
                member_login(b, "loginuid", process->loginuid);
                member_login(b, "session", process->session);
        }

        member_text(b, "unit", &process->unit);
        if (detail == ALERT_ACTOR)
                member_text(b, "user_unit", &process->user_unit);
        member_text(b, "container", &process->container);
        if (detail == ALERT_ACTOR) {
                member_said(b, "container_runtime", &process->container_runtime);
                member_said(b, "container_name", &process->container_name);
                member_said(b, "container_image", &process->container_image);
                member_said(b, "login_session", &process->login_session);
                member_text(b, "cgroup", &process->cgroup);
        }

        if (process->package.known) {
                member_text(b, "package", &process->package.name);
                if (process->package.version.known)
                        member_text(b, "package_version", &process->package.version);
        }

        if (process->deleted)
                member_flag(b, "exe_deleted", true);
        if (process->memfd)
                member_flag(b, "exe_memfd", true);
        if (process->upper_layer)
                member_flag(b, "upper_layer", true);
        if (process->writable)
                member_flag(b, "exe_writable_by_others", true);
        if (process->before_us)
                member_flag(b, "before_us", true);
        if (process->image_before_us)
                member_flag(b, "exe_before_us", true);
        if (process->args.cut || process->exe.cut || process->cwd.cut) {
                put_key(b, "cut");
                strbuf_put_char(b, '[');
                if (process->exe.cut) {
                        put_comma(b);
                        strbuf_put_json_str(b, "exe");
                }
                if (process->args.cut) {
                        put_comma(b);
                        strbuf_put_json_str(b, "args");
                }
                if (process->cwd.cut) {
                        put_comma(b);
                        strbuf_put_json_str(b, "cwd");
                }
                strbuf_put_char(b, ']');
        }
        strbuf_put_char(b, '}');
}

static void put_value(struct strbuf *b, const struct alert_field *f) {
        if (!f->known)
                strbuf_put(b, "null");
        else if (f->is_list) {
                strbuf_put_char(b, '[');
                for (size_t i = 0; i < f->n_items; i++) {
                        put_comma(b);
                        put_text(b, f->items + i);
                }
                strbuf_put_char(b, ']');
        } else if (f->is_boolean)
                put_boolean(b, f->number != 0);
        else if (f->is_time)
                put_time(b, (uint64_t)f->number);
        else if (f->is_number)
                strbuf_put_i64(b, f->number);
        else
                put_text(b, &f->text);
}

enum mark {
        MARK_CUT,
        MARK_UNVERIFIED,
        MARK_USER_STABLE,
};

static bool field_has(const struct alert_field *field, enum mark mark) {
        switch (mark) {
        case MARK_CUT: return field->cut;
        case MARK_UNVERIFIED: return field->provenance == ALERT_USER;
        case MARK_USER_STABLE: return field->provenance == ALERT_USER_STABLE;
        }
        return false;
}

static void put_marked(struct strbuf *b, const char *key, const struct alert_field *fields, size_t n, enum mark mark) {
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                if (!field_has(fields + i, mark))
                        continue;
                if (!any) {
                        put_key(b, key);
                        strbuf_put_char(b, '[');
                }
                any = true;
                put_comma(b);
                strbuf_put_json_str(b, fields[i].name);
        }
        if (any)
                strbuf_put_char(b, ']');
}

static void put_fields(struct strbuf *b, const struct alert_field *fields, size_t n) {
        put_key(b, "fields");
        strbuf_put_char(b, '{');
        for (size_t i = 0; i < n; i++) {
                put_key(b, fields[i].name);
                put_value(b, fields + i);
        }
        strbuf_put_char(b, '}');
        put_marked(b, "cut", fields, n, MARK_CUT);
        put_marked(b, "unverified", fields, n, MARK_UNVERIFIED);
        put_marked(b, "user_stable", fields, n, MARK_USER_STABLE);
}

static void put_step(struct strbuf *b, const struct alert_step *step) {
        strbuf_put_char(b, '{');
        member_u64(b, "step", step->number);
        if (step->block.known)
                member_text(b, "block", &step->block);
        member_time(b, "time", step->time_ns);
        put_key(b, "kind");
        strbuf_put_json_str(b, step->kind);
        if (step->count > 1) {
                member_u64(b, "count", step->count);
                member_time(b, "last", step->last_ns);
        }
        if (step->absent)
                member_flag(b, "absent", true);
        if (step->within_ns > 0)
                member_time(b, "within", step->within_ns);
        if (step->points > 0)
                member_u64(b, "points", step->points);
        put_key(b, "process");
        put_process(b, &step->process, ALERT_STEP_ACTOR);

        if (step->kept) {
                if (step->has_result) {
                        put_key(b, "result");
                        strbuf_put_i64(b, step->result);
                }
                put_fields(b, step->fields, step->n_fields);
        } else {
                put_key(b, "fields");
                strbuf_put(b, "null");
        }
        strbuf_put_char(b, '}');
}

static void put_gap(struct strbuf *b, const struct alert *alert) {
        put_key(b, "gap");
        if (!alert->gap) {
                strbuf_put(b, "null");
                return;
        }

        strbuf_put_char(b, '{');
        member_u64(b, "count", alert->gap_count);
        put_key(b, "kinds");
        strbuf_put_char(b, '[');
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);

                if (!info || !(alert->gap_kinds & wire_kind_bit(kind)))
                        continue;
                put_comma(b);
                strbuf_put_json_str(b, info->name);
        }
        strbuf_put_char(b, ']');
        put_key(b, "reasons");
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < alert->n_gap_reasons; i++) {
                put_comma(b);
                put_text(b, &alert->gap_reasons[i]);
        }
        strbuf_put(b, "]}");
}

static void put_host(struct strbuf *b, const struct host *host) {
        if (!host)
                return;
        put_key(b, "host");
        strbuf_put(b, "{\"name\":");
        strbuf_put_json_str(b, host->name);
        put_key(b, "machine_id");
        strbuf_put_json_str(b, host->machine_id);
        put_key(b, "boot_id");
        strbuf_put_json_str(b, host->boot_id);
        strbuf_put_char(b, '}');
}

void report_json_alert(const struct alert *alert, struct strbuf *b) {
        strbuf_put_char(b, '{');
        member_u64(b, "version", ALERT_VERSION);
        put_key(b, "type");
        strbuf_put_json_str(b, alert->step > 0 ? "step" : alert->summary ? "summary" : "alert");
        if (alert->step > 0)
                member_u64(b, "step", alert->step);
        member_u64(b, "number", alert->number);
        member_u64(b, "generation", alert->generation);
        put_host(b, alert->host);
        member_time(b, "time", alert->time_ns);
        member_time(b, "first", alert->first_ns);
        member_text(b, "policy", &alert->policy);
        put_key(b, "severity");
        strbuf_put_json_str(b, severity_to_string(alert->severity));
        member_text(b, "description", &alert->description);

        put_key(b, "techniques");
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < alert->n_techniques; i++) {
                put_comma(b);
                put_text(b, alert->techniques + i);
        }
        strbuf_put_char(b, ']');

        put_key(b, "by");
        strbuf_put_json_str(b, program_key_to_string(alert->by));
        member_text(b, "key", &alert->key);

        put_key(b, "process");
        put_process(b, &alert->process, ALERT_ACTOR);
        put_key(b, "ancestors");
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < alert->n_ancestors; i++) {
                put_comma(b);
                put_process(b, alert->ancestors + i, ALERT_ANCESTOR);
        }
        strbuf_put_char(b, ']');
        member_flag(b, "ancestors_complete", !alert->ancestors_broken);

        put_key(b, "steps");
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < alert->n_steps; i++) {
                put_comma(b);
                put_step(b, alert->steps + i);
        }
        strbuf_put_char(b, ']');

        put_key(b, "captures");
        strbuf_put_char(b, '{');
        for (size_t i = 0; i < alert->n_captures; i++) {
                put_key(b, alert->captures[i].name.bytes);
                put_value(b, &alert->captures[i].value);
        }
        strbuf_put_char(b, '}');

        if (alert->threshold > 0) {
                put_key(b, "score");
                strbuf_put_char(b, '{');
                member_u64(b, "sum", alert->score);
                member_u64(b, "threshold", alert->threshold);
                strbuf_put_char(b, '}');
        }
        member_u64(b, "starts", alert->starts);
        member_u64(b, "suppressed", alert->suppressed);
        member_flag(b, "uncertain", alert->uncertain);
        put_gap(b, alert);
        if (alert->enforced.known)
                member_text(b, "enforced", &alert->enforced);

        if (alert->recording.known)
                member_text(b, "recording", &alert->recording);
        if (alert->response) {
                put_key(b, "response");
                alert_response_put_json(alert->response, b);
        }

        put_key(b, "source");
        strbuf_put_char(b, '{');
        member_text(b, "file", &alert->file);
        member_u64(b, "line", alert->line);
        strbuf_put(b, "}}\n");
}

const char *report_reason_to_string(enum wire_reason reason) {
        switch (reason) {
        case WIRE_OBSCURED_NONE: return "none";
        case WIRE_OBSCURED_RACED: return "raced";
        case WIRE_OBSCURED_CUT: return "cut";
        case WIRE_OBSCURED_UNREAD: return "unread";
        case WIRE_OBSCURED_LIMIT: return "limit";
        case WIRE_OBSCURED_EVICTED: return "evicted";
        case _WIRE_OBSCURED_MAX: break;
        }
        return "unknown";
}

void report_json_response(const struct report_told *told, const struct alert_response *response, struct strbuf *b) {
        strbuf_put_char(b, '{');
        member_u64(b, "version", ALERT_VERSION);
        put_key(b, "type");
        strbuf_put_json_str(b, "response");
        if (told->step > 0)
                member_u64(b, "step", told->step);
        member_u64(b, "number", told->number);
        member_u64(b, "generation", told->generation);
        put_key(b, "policy");
        strbuf_put_json_str(b, told->policy);
        put_key(b, "response");
        alert_response_put_json(response, b);
        strbuf_put(b, "}\n");
}

void report_json_obscured(enum wire_reason reason, const char *policy, const char *key, uint64_t count,
                          uint64_t time_ns, struct strbuf *b) {
        strbuf_put_char(b, '{');
        member_u64(b, "version", ALERT_VERSION);
        put_key(b, "type");
        strbuf_put_json_str(b, "obscured");
        member_time(b, "time", time_ns);
        put_key(b, "policy");
        strbuf_put_json_str(b, policy);
        put_key(b, "reason");
        strbuf_put_json_str(b, report_reason_to_string(reason));
        put_key(b, "key");
        strbuf_put_json_str(b, key);
        member_u64(b, "count", count);
        strbuf_put(b, "}\n");
}

/* What the record says of itself, beside its fields. */
static void put_flags(struct strbuf *b, uint32_t flags) {
        static const struct {
                uint32_t flag;
                const char *name;
        } names[] = {
                {WIRE_RACED, "raced"},
                {WIRE_UNSTABLE, "unstable"},
                {WIRE_COMPAT, "compat"},
                {WIRE_ROOT_OTHER, "other_root"},
                {WIRE_DETACHED, "detached"},
                {WIRE_SYNTHETIC, "synthetic"},
                {WIRE_KTHREAD, "kthread"},
                {WIRE_EXCHANGED, "exchanged"},
                {WIRE_MENDED, "mended"},
                {WIRE_SEEN, "seen"},
                {WIRE_EXEC_SEEN, "exec_seen"},
                {WIRE_AHEAD, "ahead"},
        };
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                if (!(flags & names[i].flag))
                        continue;
                if (!any) {
                        put_key(b, "flags");
                        strbuf_put_char(b, '[');
                }
                any = true;
                put_comma(b);
                strbuf_put_json_str(b, names[i].name);
        }
        if (any)
                strbuf_put_char(b, ']');
}

void report_json_event(const struct alert_event *event, struct strbuf *b) {
        const struct kind_info *kind = schema_kind(event->kind);

        strbuf_put_char(b, '{');
        member_u64(b, "version", ALERT_VERSION);
        put_key(b, "type");
        strbuf_put_json_str(b, "event");
        member_u64(b, "number", event->number);
        member_time(b, "time", event->time_ns);
        put_key(b, "kind");
        strbuf_put_json_str(b, kind ? kind->name : "?");
        if (event->has_process) {
                put_key(b, "process");
                put_process(b, &event->process, ALERT_STEP_ACTOR);
                member_u64(b, "tid", event->tid);
                put_key(b, "parent");
                if (event->parent_pid != 0)
                        strbuf_put_u64(b, event->parent_pid);
                else
                        strbuf_put(b, "null");
        }
        if (event->has_result) {
                put_key(b, "result");
                strbuf_put_i64(b, event->result);
        }
        put_fields(b, event->fields, event->n_fields);
        put_flags(b, event->flags);
        if (event->more > 0) {
                put_key(b, "more");
                strbuf_put_char(b, '{');
                member_u64(b, "count", event->more);
                member_time(b, "first", event->first_ns);
                member_u64(b, "bytes", event->more_bytes);
                strbuf_put_char(b, '}');
        }
        strbuf_put(b, "}\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "report/alert.h"
#include "report/host.h"
#include "report/journal-door.h"
#include "report/message-ids.h"
#include "report/outlet.h"
#include "report/packages.h"
#include "report/redact-cache.h"
#include "report/report-ecs.h"
#include "report/report-journal.h"
#include "report/report-json.h"
#include "report/report-text.h"

#define MAX_ALERT_BYTES (8U << 20)      /* of one alert and its forms */
#define MAX_POLICIES 8192               /* counted by name; more are counted as one */
#define MAX_NOTICES 64
#define NOTICE_INTERVAL_NS NSEC_PER_MIN

struct policy_count {
        char *name;                     /* owned */
        uint64_t n_alerts, n_suppressed;
};

struct notice {
        char policy[128];
        char key[128];                  /* of the last one */
        enum wire_reason reason;
        uint64_t told_ns;
        uint64_t count;                 /* since then */
};

/* An alert that waits for scripts. */
struct held {
        struct held *next;
        uint64_t id;
        uint64_t time_ns;               /* of the match */
        struct arena arena;
        struct alert *alert;            /* in the arena */
};

struct report {
        struct report_options options;
        struct report_hold hold;
        struct host host;
        const char *(*recording_file)(const struct match *match, void *userdata);      /* may be NULL */
        void *recorder;                 /* borrowed: for that */
        struct held *held, **held_end;  /* owned; the oldest first */
        uint64_t last_id;
        int64_t offset_ns;
        struct arena arena;
        struct strbuf text, json;
        struct report_stats stats;
        struct journal_door *door;      /* owned */
        struct outlet *outlet;          /* owned; NULL: text and JSON are written, however long that takes */
        struct packages *packages;      /* owned; NULL: they are not asked */
        struct redact_cache *cache;     /* owned; NULL: nothing is remembered */
        struct policy_list ARRAY_BODY(struct policy_count) policies;    /* sorted by name */
        struct notice notices[MAX_NOTICES];
        size_t n_notices;
        struct log_limit fd_limit, full_limit, journal_limit, build_limit;
};

DEFINE_CLEANUP(struct report *, report_free)

static struct held *held_free(struct held *held) {
        if (!held)
                return NULL;
        arena_done(&held->arena);
        free(held);
        return NULL;
}

DEFINE_CLEANUP(struct held *, held_free)

/* Without a spool alerts are sent all the same. */
static int open_door(struct report *report) {
        _cleanup_(journal_spool_freep) struct journal_spool *spool = NULL;
        const struct report_options *options = &report->options;
        struct journal_spool_stats stats;
        int r;

        if (options->spool && options->spool_bytes > 0) {
                r = journal_spool_open(options->spool, options->spool_bytes, &spool);
                if (r < 0)
                        log_notice_errno(r, "Cannot use '%s', alerts are lost while journald takes none: %m",
                                         options->spool);
        }
        if (spool) {
                journal_spool_stats(spool, &stats);
                if (stats.n_waiting > 0)
                        log_notice("%" PRIu64 " entries for the journal were left by an earlier process",
                                   stats.n_waiting);
                if (stats.n_cut > 0)
                        log_warning("%" PRIu64 " bytes at the end of '%s' made no sense and are cut off", stats.n_cut,
                                    options->spool);
        }
        r = journal_door_new(NULL, spool, &report->door);
        if (r >= 0)
                TAKE_PTR(spool);
        return r;
}

int report_new(const struct report_options *options, struct report **ret) {
        _cleanup_(report_freep) struct report *report = NULL;

        assert(options && options->redactor && ret);

        report = calloc(1, sizeof(*report));
        if (!report)
                return -ENOMEM;

        report->options = *options;
        report->held_end = &report->held;
        if (options->host)
                host_read(&report->host);
        if (options->outputs & REPORT_JOURNAL) {
                int r = open_door(report);

                if (r < 0)
                        return r;
        }
        if (options->never_wait && (options->outputs & (REPORT_TEXT | REPORT_JSON | REPORT_ECS))) {
                int r = outlet_new(options->fd, OUTLET_MAX_BYTES, &report->outlet);

                if (r < 0)
                        return r;
        }
        if (options->packages) {
                int r = packages_new("", &report->packages);

                if (r < 0)
                        return r;
        }
        if (options->remember) {
                report->cache = calloc(1, sizeof(*report->cache));
                if (!report->cache)
                        return -ENOMEM;
        }
        if (report->packages)
                packages_set_remember(report->packages, options->remember);
        arena_init(&report->arena, MAX_ALERT_BYTES);
        report->text.limit_bytes = report->json.limit_bytes = MAX_ALERT_BYTES;
        report->fd_limit = report->full_limit = report->journal_limit = report->build_limit =
                (struct log_limit)LOG_ONCE_A_MINUTE;

        *ret = TAKE_PTR(report);
        return 0;
}

struct report *report_free(struct report *report) {
        if (!report)
                return NULL;

        for (struct held *next; report->held; report->held = next) {
                next = report->held->next;
                held_free(report->held);
        }
        ARRAY_FOREACH(policy, &report->policies)
                free(policy->name);
        array_done(&report->policies);
        packages_free(report->packages);
        journal_door_free(report->door);
        outlet_free(report->outlet);
        free(report->cache);
        strbuf_done(&report->json);
        strbuf_done(&report->text);
        arena_done(&report->arena);
        free(report);
        return NULL;
}

bool report_waits(const struct report *report) {
        return report->door && journal_door_waits(report->door);
}

bool report_send_waiting(struct report *report) {
        return report->door && journal_door_work(report->door);
}

bool report_output_waits(const struct report *report) {
        return report->outlet && outlet_waits(report->outlet);
}

int report_output_fd(const struct report *report) {
        return report->outlet ? outlet_fd(report->outlet) : -1;
}

static int complain_output(struct report *report, int r) {
        if (r == -ENOBUFS)
                log_limited(&report->full_limit, LOG_WARNING, 0,
                            "Whoever reads the output does not keep up: %zu KiB wait for him, and alerts that find no "
                            "room are counted as failed",
                            OUTLET_MAX_BYTES / KIB);
        else if (r < 0)
                log_limited(&report->fd_limit, LOG_WARNING, r,
                            "Cannot write an alert to the output, it is counted as failed: %m");
        return r;
}

void report_send_output(struct report *report) {
        if (report->outlet)
                complain_output(report, outlet_work(report->outlet));
}

void report_finish_output(struct report *report) {
        struct outlet_stats before, after;

        if (!report->outlet)
                return;
        outlet_stats(report->outlet, &before);
        outlet_finish(report->outlet);
        outlet_stats(report->outlet, &after);
        if (after.n_lost > before.n_lost)
                log_warning("Nobody has read %" PRIu64 " alerts that waited for it, they are counted as failed",
                            after.n_lost - before.n_lost);
}

void report_set_offset(struct report *report, int64_t offset_ns) {
        report->offset_ns = offset_ns;
}

void report_set_redactor(struct report *report, const struct redactor *redactor) {
        assert(redactor);
        report->options.redactor = redactor;
        if (report->cache)
                redact_cache_clear(report->cache);
}

void report_set_min_severity(struct report *report, enum severity severity) {
        report->options.min_severity = severity;
}

static struct policy_count *count_of(struct report *report, const char *name, size_t length) {
        size_t low = 0, high = report->policies.n;
        struct policy_count count = {};

        if (report->policies.n >= MAX_POLICIES) {
                name = "(others)";
                length = strlen(name);
        }

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const char *other = report->policies.items[middle].name;
                int c = strncmp(name, other, length);

                if (c == 0 && other[length] != 0)
                        c = -1;
                if (c == 0)
                        return report->policies.items + middle;
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }

        count.name = strndup(name, length);
        if (!count.name)
                return NULL;
        if (array_push(&report->policies, count) < 0) {
                free(count.name);
                return NULL;
        }
        memmove(report->policies.items + low + 1, report->policies.items + low,
                (report->policies.n - 1 - low) * sizeof(count));
        report->policies.items[low] = count;
        return report->policies.items + low;
}

static void count_match(struct report *report, const struct match *match) {
        struct program_string name = match->path->name;
        struct policy_count *count = count_of(report, program_text(match->program, name), name.length);

        if (match->summary)
                report->stats.n_summaries++;
        else
                report->stats.n_alerts++;
        if (!count)
                return;
        if (match->summary)
                count->n_suppressed += match->suppressed;
        else
                count->n_alerts++;
}

static int write_out(struct report *report, const struct strbuf *b) {
        int r = b->error;

        if (r >= 0 && b->n > 0 && !report->outlet)
                r = fd_write_full(report->options.fd, b->data, b->n);
        else if (r >= 0 && b->n > 0) {
                bool waited = outlet_waits(report->outlet);

                r = outlet_put(report->outlet, b->data, b->n);
                if (!waited && outlet_waits(report->outlet) && report->options.on_output_waits)
                        report->options.on_output_waits(report->options.userdata);
        }
        return complain_output(report, r);
}

static int note_journal(struct report *report, int r) {
        if (r >= 0)
                return r;
        report->stats.n_journal_failed++;
        return log_limited(&report->journal_limit, LOG_WARNING, r,
                           "Cannot send an alert to the journal, it is counted as failed: %m");
}

static struct alert_text copy_text(struct arena *arena, const char *text) {
        const char *copy = text ? arena_strdup(arena, text) : NULL;

        return (struct alert_text){.bytes = copy, .length = copy ? strlen(copy) : 0, .known = copy};
}

static void enrich_process(struct report *report, struct arena *arena, struct alert_process *process,
                           uint64_t now_ns) {
        struct package package = {};

        if (!process->exe.known || process->exe.cut || process->deleted || process->memfd)
                return;
        switch (packages_find(report->packages, process->exe.bytes, &process->file, now_ns, &package)) {
        case PACKAGE_UNKNOWN:
                break;
        case PACKAGE_NONE:
                process->package = (struct alert_package){.known = true, .name = {.bytes = "", .known = true}};
                break;
        case PACKAGE_OWNED:
                process->package.name = copy_text(arena, package.name);
                process->package.version = copy_text(arena, package.version);
                process->package.known = process->package.name.known;
                break;
        }
}

/* What this host knows and the stream does not. */
static void enrich(struct report *report, struct arena *arena, struct alert *alert, uint64_t now_ns) {
        enrich_process(report, arena, &alert->process, now_ns);
        for (size_t i = 0; i < alert->n_ancestors; i++)
                enrich_process(report, arena, alert->ancestors + i, now_ns);
        for (size_t i = 0; i < alert->n_steps; i++)
                enrich_process(report, arena, &alert->steps[i].process, now_ns);
}

static const struct host *host_of(const struct report *report) {
        return report->options.host ? &report->host : NULL;
}

static void name_recording(struct report *report, const struct match *match, struct arena *arena,
                           struct alert *alert) {
        const char *file = report->recording_file ? report->recording_file(match, report->recorder) : NULL;

        if (file)
                alert->recording = copy_text(arena, file);
}

static int build(struct report *report, const struct match *match, struct arena *arena, struct alert **ret) {
        const struct alert_context context = {
                .table = report->options.table,
                .redactor = report->options.redactor,
                .cache = report->cache,
                .offset_ns = report->offset_ns,
        };
        int r;

        r = alert_build(match, &context, arena, ret);
        if (r < 0)
                return log_limited(&report->build_limit, LOG_WARNING, r,
                                   "Cannot put an alert into words, it is counted as failed: %m");
        (*ret)->host = host_of(report);
        return 0;
}

/* In every form that was asked for. */
static int print(struct report *report, const struct alert *alert) {
        struct report_text_style style = {.width = report->options.width, .colour = report->options.colour};
        int r = 0, q;

        strbuf_clear(&report->text);
        strbuf_clear(&report->json);
        if (report->options.outputs & REPORT_TEXT) {
                report_text_alert(alert, &style, &report->text);
                strbuf_put_char(&report->text, '\n');
                r = write_out(report, &report->text);
        }

        if (report->options.outputs & (REPORT_JSON | REPORT_ECS | REPORT_JOURNAL))
                report_json_alert(alert, &report->json);
        if (report->options.outputs & REPORT_JSON) {
                q = write_out(report, &report->json);
                if (r >= 0)
                        r = q;
        }
        if (report->options.outputs & REPORT_ECS) {
                strbuf_clear(&report->text);
                report_ecs_alert(alert, strbuf_str(&report->json), report->json.n, &report->text);
                q = write_out(report, &report->text);
                if (r >= 0)
                        r = q;
        }
        if (r == -ENOBUFS)
                report->stats.n_output_full++;

        if (report->options.outputs & REPORT_JOURNAL) {
                struct report_text_style plain = {};
                const char *story;

                strbuf_clear(&report->text);
                report_text_headline(alert, &report->text);
                strbuf_put_char(&report->text, '\n');
                report_text_story(alert, &plain, &report->text);
                while (report->text.n > 0 && report->text.data[report->text.n - 1] == '\n')
                        strbuf_truncate(&report->text, report->text.n - 1);
                if (report->json.n > 0)
                        strbuf_truncate(&report->json, report->json.n - 1);
                story = strbuf_str(&report->text);

                q = report->text.error < 0
                          ? report->text.error
                          : report_journal_alert(report->door, alert, story, strbuf_str(&report->json));
                q = note_journal(report, q);
                if (r >= 0)
                        r = q;
        }
        return r;
}

static struct alert_text text_of(const char *text) {
        return (struct alert_text){.bytes = text, .length = text ? strlen(text) : 0, .known = text};
}

/* What scripts said becomes part of the alert. */
static void respond(struct arena *arena, struct alert *alert, const struct alert_response *response) {
        alert->response = response;
        alert->response_state = text_of(alert_response_state_to_string(response->state));
        if (response->has_severity)
                alert->severity = response->severity;
        if (response->suppressed)
                alert->severity = SEVERITY_INFO;
        for (size_t i = 0; i < response->n_fields; i++)
                alert->response_fields[alert->n_response_fields++] =
                        text_of(arena_printf(arena, "%s=%s", response->fields[i].name,
                                                       response->fields[i].value));
}

static int tell(struct report *report, const struct match *match) {
        struct alert *alert;
        int r;

        arena_reset(&report->arena);
        r = build(report, match, &report->arena, &alert);
        if (r < 0)
                return r;
        if (report->packages)
                enrich(report, &report->arena, alert, match->time_ns);
        name_recording(report, match, &report->arena, alert);
        return print(report, alert);
}

/* It waits for scripts; or is told at once, and says why it did not wait. */
static int hold(struct report *report, const struct match *match) {
        _cleanup_(held_freep) struct held *held = calloc(1, sizeof(*held));
        struct alert_response response = {};
        int r;

        if (!held)
                return -ENOMEM;
        arena_init(&held->arena, MAX_ALERT_BYTES);
        r = build(report, match, &held->arena, &held->alert);
        if (r < 0)
                return r;
        if (report->packages)
                enrich(report, &held->arena, held->alert, match->time_ns);
        name_recording(report, match, &held->arena, held->alert);

        held->id = ++report->last_id;
        held->time_ns = match->time_ns;
        strbuf_clear(&report->json);
        report_json_alert(held->alert, &report->json);
        r = report->json.error;
        if (r >= 0)
                r = report->hold.ask(held->id, match, held->alert, strbuf_str(&report->json), report->json.n,
                                     report->hold.userdata);
        if (r != 0) {
                response.state = r > 0 ? (enum alert_response_state)r : ALERT_RESPONSE_FULL;
                respond(&held->arena, held->alert, &response);
                return print(report, held->alert);
        }

        report->stats.n_held++;
        *report->held_end = held;
        report->held_end = &held->next;
        TAKE_PTR(held);
        return 0;
}

bool report_release(struct report *report, uint64_t id, const struct alert_response *response) {
        struct held **place = &report->held, *held;

        while (*place && (*place)->id != id)
                place = &(*place)->next;
        held = *place;
        if (!held)
                return false;
        *place = held->next;
        if (!*place)
                report->held_end = place;

        respond(&held->arena, held->alert, response);
        if (held->alert->severity < report->options.min_severity)
                report->stats.n_below++;
        else if (print(report, held->alert) < 0)
                report->stats.n_failed++;
        held_free(held);
        return true;
}

void report_set_recorder(struct report *report, const char *(*file)(const struct match *match, void *userdata),
                         void *userdata) {
        report->recording_file = file;
        report->recorder = userdata;
}

void report_set_hold(struct report *report, const struct report_hold *hold_by) {
        report->hold = hold_by ? *hold_by : (struct report_hold){};
}

/* What stands in report->json, in the words of that schema. */
static void tell_ecs(struct report *report, const char *what, const char *policy, uint64_t time_ns) {
        _cleanup_(strbuf_done) struct strbuf b = {.limit_bytes = MAX_ALERT_BYTES};

        report_ecs_notice(what, policy, host_of(report), time_ns, strbuf_str(&report->json), report->json.n, &b);
        write_out(report, &b);
}

void report_answer(struct report *report, const struct report_told *told, const struct alert_response *response) {
        _cleanup_(strbuf_done) struct strbuf answer = {.limit_bytes = MAX_ALERT_BYTES};
        char number[24], generation[24], step[16];

        strbuf_clear(&report->text);
        strbuf_clear(&report->json);
        strbuf_put(&report->text, "RESPONSE ");
        strbuf_put_text(&report->text, told->policy, strlen(told->policy));
        if (told->step > 0)
                strbuf_printf(&report->text, "  step %" PRIu32 "\n", told->step);
        else
                strbuf_printf(&report->text, "  #%" PRIu64 "\n", told->number);
        alert_response_put_text(response, &report->text);
        if (report->options.outputs & (REPORT_JSON | REPORT_ECS)) {
                report_json_response(told, response, &report->json);
                if (report->options.outputs & REPORT_JSON)
                        write_out(report, &report->json);
        }
        if (report->options.outputs & REPORT_ECS)
                tell_ecs(report, "response", told->policy, clock_realtime_ns());
        if (report->options.outputs & REPORT_JOURNAL) {
                snprintf(number, sizeof(number), "%" PRIu64, told->number);
                snprintf(generation, sizeof(generation), "%" PRIu64, told->generation);
                snprintf(step, sizeof(step), "%" PRIu32, told->step);
                alert_response_put_json(response, &answer);
                report_notice(report, MESSAGE_ID_RESPONSE, LOG_NOTICE, strbuf_str(&report->text),
                              (const struct report_field[]){
                                      {"EXECRAY_POLICY", told->policy},
                                      {"EXECRAY_NUMBER", number},
                                      {"EXECRAY_GENERATION", generation},
                                      {"EXECRAY_RESPONSE", alert_response_state_to_string(response->state)},
                                      {"EXECRAY_ANSWER", strbuf_str(&answer)},
                                      {"EXECRAY_STEP", step},
                              },
                              told->step > 0 ? 6 : 5);
        }
        if (report->options.outputs & REPORT_TEXT) {
                strbuf_put_char(&report->text, '\n');
                write_out(report, &report->text);
        }
}

int report_match(struct report *report, const struct match *match) {
        int r;

        count_match(report, match);
        if (match->path->severity < report->options.min_severity) {
                report->stats.n_below++;
                return 0;
        }
        if (report->options.outputs == 0 && !report->hold.wants)
                return 0;

        r = !match->summary && report->hold.wants && report->hold.wants(match, report->hold.userdata)
              ? hold(report, match)
              : tell(report, match);
        if (r < 0)
                report->stats.n_failed++;
        return r;
}

void report_step(struct report *report, const struct match *match) {
        struct alert *alert;

        if (match->path->severity < report->options.min_severity || !report->hold.wants_step ||
            !report->hold.wants_step(match, report->hold.userdata))
                return;
        arena_reset(&report->arena);
        if (build(report, match, &report->arena, &alert) < 0) {
                report->stats.n_failed++;
                return;
        }
        if (report->packages)
                enrich(report, &report->arena, alert, match->time_ns);
        strbuf_clear(&report->json);
        report_json_alert(alert, &report->json);
        if (report->json.error < 0)
                report->stats.n_failed++;
        else
                (void)report->hold.ask(++report->last_id, match, alert, strbuf_str(&report->json), report->json.n,
                                       report->hold.userdata);
}

static void tell_notice(struct report *report, struct notice *notice, uint64_t now_ns) {
        struct report_text_style style = {.width = report->options.width, .colour = report->options.colour};
        uint64_t wall_ns = now_ns + (uint64_t)report->offset_ns;

        strbuf_clear(&report->text);
        strbuf_clear(&report->json);

        if (report->options.outputs & REPORT_TEXT) {
                report_text_obscured(notice->reason, notice->policy, notice->key, notice->count, wall_ns, &style,
                                     &report->text);
                write_out(report, &report->text);
        }
        if (report->options.outputs & (REPORT_JSON | REPORT_ECS)) {
                report_json_obscured(notice->reason, notice->policy, notice->key, notice->count, wall_ns,
                                     &report->json);
                if (report->options.outputs & REPORT_JSON)
                        write_out(report, &report->json);
        }
        if (report->options.outputs & REPORT_ECS)
                tell_ecs(report, "obscured", notice->policy, wall_ns);
        if (report->options.outputs & REPORT_JOURNAL) {
                struct report_text_style plain = {};

                strbuf_clear(&report->text);
                report_text_obscured(notice->reason, notice->policy, notice->key, notice->count, wall_ns, &plain,
                                     &report->text);
                if (report->text.n > 0)
                        strbuf_truncate(&report->text, report->text.n - 1);
                note_journal(report, report_journal_obscured(report->door, notice->reason, notice->policy, notice->key,
                                                             strbuf_str(&report->text), notice->count));
        }

        notice->told_ns = now_ns;
        notice->count = 0;
}

int report_notice(struct report *report, const char *message_id, int priority, const char *message,
                  const struct report_field *fields, size_t n_fields) {
        int r;

        if (!(report->options.outputs & REPORT_JOURNAL))
                return 0;
        r = note_journal(report, report_journal_notice(report->door, message_id, priority, message, fields, n_fields));
        return r < 0 ? r : 1;
}

void report_obscured(struct report *report, enum wire_reason reason, const char *policy, const char *key,
                     uint64_t now_ns) {
        struct notice *notice = NULL;

        report->stats.n_obscured++;
        for (size_t i = 0; i < report->n_notices && !notice; i++)
                if (report->notices[i].reason == reason &&
                    strncmp(report->notices[i].policy, policy, sizeof(notice->policy) - 1) == 0)
                        notice = report->notices + i;

        if (!notice) {
                /* More kinds than fit share the last place: counted, told under the name of the latest. */
                notice = report->notices + MIN(report->n_notices, (size_t)MAX_NOTICES - 1);
                if (report->n_notices < MAX_NOTICES) {
                        report->n_notices++;
                        *notice = (struct notice){};
                }
                notice->reason = reason;
                strncpy(notice->policy, policy, sizeof(notice->policy) - 1);
        }

        memset(notice->key, 0, sizeof(notice->key));
        strncpy(notice->key, key ?: "", sizeof(notice->key) - 1);
        notice->count++;
        if (notice->told_ns == 0 || nsec_sub(now_ns, notice->told_ns) >= NOTICE_INTERVAL_NS)
                tell_notice(report, notice, now_ns);
}

void report_flush(struct report *report, uint64_t now_ns) {
        for (size_t i = 0; i < report->n_notices; i++)
                if (report->notices[i].count > 0)
                        tell_notice(report, report->notices + i, now_ns);
}

void report_prepare(struct report *report, uint64_t now_ns) {
        if (report->packages)
                (void)packages_look(report->packages, now_ns);
}

bool report_has_work(const struct report *report) {
        return report->packages && packages_has_work(report->packages);
}

bool report_work(struct report *report) {
        return report->packages && packages_work(report->packages);
}

unsigned report_outputs(const struct report *report) {
        return report->options.outputs;
}

void report_stats(const struct report *report, struct report_stats *ret) {
        struct journal_spool_stats spool = {};
        struct outlet_stats output;

        *ret = report->stats;
        if (report->outlet) {
                outlet_stats(report->outlet, &output);
                ret->n_failed += output.n_lost;
                ret->n_output_full += output.n_lost;
                ret->n_output_waiting = output.n_waiting;
                ret->output_bytes = output.waiting_bytes;
        }
        if (report->door)
                journal_door_stats(report->door, &spool);
        ret->n_spooled = spool.n_added;
        ret->n_spool_refused = spool.n_refused;
        ret->n_spool_waiting = spool.n_waiting;
        ret->spool_bytes = spool.waiting_bytes;
        if (report->cache) {
                ret->n_asked = report->cache->n_asked;
                ret->n_remembered = report->cache->n_known;
        }
        if (report->packages) {
                struct packages_stats packages;

                packages_stats(report->packages, &packages);
                ret->n_asked += packages.n_questions;
                ret->n_remembered += packages.n_remembered;
        }
}

bool report_policy_at(const struct report *report, size_t i, const char **ret_name, uint64_t *ret_alerts,
                      uint64_t *ret_suppressed) {
        if (i >= report->policies.n)
                return false;
        *ret_name = report->policies.items[i].name;
        *ret_alerts = report->policies.items[i].n_alerts;
        *ret_suppressed = report->policies.items[i].n_suppressed;
        return true;
}

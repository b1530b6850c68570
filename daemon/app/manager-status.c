/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/stories.h"
#include "event/schema.h"
#include "pipeline/summary.h"
#include "report/report-journal.h"

#define INTERVAL_NS (10 * NSEC_PER_SEC)
#define MEMORY_NS (10 * NSEC_PER_MIN)   /* how long something that was missed counts */
#define MAX_SHOWN 5                     /* of each list, for people */

static const struct {
        const char *name, *doc;
        enum health health;
        bool lasting;
} reasons[_HEALTH_REASON_MAX] = {
#define HEALTH_REASON(id, health, lasting, name, doc) {name, doc, HEALTH_##health, lasting},
#include "app/health.def"
};

const char *health_to_string(enum health health) {
        switch (health) {
        case HEALTH_HEALTHY: return "healthy";
        case HEALTH_DEGRADED: return "degraded";
        case HEALTH_FAILING: return "failing";
        }
        return NULL;
}

/* What is shown was read once. */
struct view {
        struct capture_stats capture;
        struct pipeline_stats pipeline;
        struct control_stats control;
        struct response_stats scripts;
        uint64_t now_ns, untold;
        uint64_t *matches, *open, *evicted;     /* owned; of each policy */
};

static void view_init(struct manager *manager, struct view *view) {
        view->now_ns = clock_boottime_ns();
        capture_stats(manager->capture, &view->capture);
        pipeline_stats(manager->pipeline, &view->pipeline);
        control_stats(manager->control, &view->control);
        manager_scripts_stats(manager, &view->scripts);
        view->untold = capture_untold(manager->capture);
}

static bool is_costly(const struct manager *manager) {
        for (int i = 0; i < _MEASURE_MAX; i++)
                if (manager->governor.timer && manager->governor.governor.states[i].degraded)
                        return true;
        return false;
}

static uint64_t count_of(const struct manager *manager, const struct view *view, enum health_reason reason) {
        const struct pipeline_stats *p = &view->pipeline;

        switch (reason) {
        case HEALTH_REASON_UNDELIVERED: return p->report.n_failed;
        case HEALTH_REASON_NO_JOURNAL:
                return report_outputs(pipeline_report(manager->pipeline)) == REPORT_JOURNAL &&
                       !report_journal_is_there();
        case HEALTH_REASON_SPOOLED: return p->report.n_spool_waiting;
        case HEALTH_REASON_LOST: return summary_dropped(&view->capture);
        case HEALTH_REASON_OBSCURED: return p->report.n_obscured;
        case HEALTH_REASON_UNTOLD: return (uint64_t)__builtin_popcountll(view->untold);
        case HEALTH_REASON_SCRIPTS:
                return view->scripts.n_failed + view->scripts.n_late + view->scripts.n_lost + view->scripts.n_full +
                       view->scripts.n_down + view->scripts.n_large;
        case HEALTH_REASON_NOT_RELOADED: return manager->reloaded.number > 0 && !manager->reloaded.done;
        case HEALTH_REASON_COSTLY: return is_costly(manager);
        case _HEALTH_REASON_MAX: break;
        }
        return 0;
}

static void look(struct manager *manager, const struct view *view) {
        struct manager_health *h = &manager->health;
        enum health state = HEALTH_HEALTHY;
        bool changed;

        h->reasons = 0;
        for (int i = 0; i < _HEALTH_REASON_MAX; i++) {
                uint64_t count = count_of(manager, view, (enum health_reason)i);
                bool recent = h->last_ns[i] > 0 && view->now_ns - h->last_ns[i] < MEMORY_NS;

                if (reasons[i].lasting)
                        h->grown[i] = count;
                else if (count > h->counts[i]) {
                        h->grown[i] = (recent ? h->grown[i] : 0) + count - h->counts[i];
                        h->last_ns[i] = view->now_ns;
                } else if (!recent)
                        h->grown[i] = 0;
                h->counts[i] = count;
                if (h->grown[i] == 0)
                        continue;
                h->reasons |= UINT64_C(1) << i;
                state = MAX(state, reasons[i].health);
        }
        changed = state != h->state;
        h->state = state;
        if (changed && manager->control)
                control_changed(manager->control);
}

void manager_health_look(struct manager *manager) {
        struct view view = {};

        view_init(manager, &view);
        look(manager, &view);
        if (view.pipeline.report.n_spool_waiting > 0)
                manager_spool_soon(manager);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        int r;

        manager_health_look(manager);
        r = sd_event_source_set_time_relative(source, INTERVAL_NS / NSEC_PER_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int manager_health_init(struct manager *manager) {
        int r;

        manager_health_look(manager);
        r = sd_event_add_time_relative(manager->loop, &manager->health.timer, CLOCK_BOOTTIME,
                                       INTERVAL_NS / NSEC_PER_USEC, NSEC_PER_SEC / NSEC_PER_USEC, on_timer, manager);
        if (r >= 0)
                r = sd_event_source_set_description(manager->health.timer, "health");
        return r;
}

void manager_health_done(struct manager *manager) {
        manager->health.timer = sd_event_source_disable_unref(manager->health.timer);
}

/* ---- for people ---- */

static uint64_t total(const uint64_t counts[static _WIRE_KIND_MAX]) {
        uint64_t n = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);

                n += info && info->class != EVENT_META ? counts[kind] : 0;
        }
        return n;
}

static const char *kind_name(int kind) {
        const struct kind_info *info = schema_kind((enum wire_kind)kind);

        return info ? info->name : "?";
}

static void put_name(const struct program *program, struct program_string name, struct strbuf *b) {
        strbuf_put_text(b, program_text(program, name), name.length);
}

static void put_ago(uint64_t s, struct strbuf *b) {
        if (s < 120)
                strbuf_printf(b, "%" PRIu64 " s", s);
        else if (s < UINT64_C(2) * 3600)
                strbuf_printf(b, "%" PRIu64 " min", s / 60);
        else if (s < UINT64_C(48) * 3600)
                strbuf_printf(b, "%" PRIu64 " h", s / 3600);
        else
                strbuf_printf(b, "%" PRIu64 " days", s / 86400);
}

static void put_health(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct manager_health *h = &manager->health;

        strbuf_printf(b, "execrayd " EXECRAY_VERSION " is %s, up for ", health_to_string(h->state));
        put_ago((view->now_ns - manager->started_ns) / NSEC_PER_SEC, b);
        strbuf_printf(b, ", generation %" PRIu64 " with %" PRIu32 " policies in %zu files\n", manager->generation,
                      manager->settings.program->n_paths, manager->settings.n_files);
        for (int i = 0; i < _HEALTH_REASON_MAX; i++)
                if (h->reasons & UINT64_C(1) << i) {
                        strbuf_printf(b, "  ! %s: %s", reasons[i].name, reasons[i].doc);
                        if (!reasons[i].lasting) {
                                strbuf_printf(b, " (%" PRIu64 ", last ", h->grown[i]);
                                put_ago((view->now_ns - h->last_ns[i]) / NSEC_PER_SEC, b);
                                strbuf_put(b, " ago)");
                        }
                        strbuf_put_char(b, '\n');
                }
}

static void put_reload(const struct manager *manager, struct strbuf *b) {
        const struct reload_outcome *outcome = &manager->reloaded;

        if (outcome->number == 0)
                return;
        strbuf_printf(b, "reload   %s ", outcome->done ? "done" : "REFUSED");
        put_ago(nsec_sub(clock_realtime_ns() / NSEC_PER_SEC, outcome->wall_s), b);
        strbuf_put(b, " ago, asked for by ");
        asker_put(&outcome->asker, b);
        strbuf_printf(b, "; %.1f ms, events waited %.1f ms\n", (double)outcome->took_ns / NSEC_PER_MSEC,
                      (double)outcome->stood_ns / NSEC_PER_MSEC);
        if (!outcome->done) {
                const char *text = strbuf_str(&outcome->text);

                strbuf_put(b, "         ");
                strbuf_put_text(b, text, strcspn(text, "\n"));
                strbuf_put(b, "\n");
        }
}

static void put_watched(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const char *separator = "watched  ";

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if ((manager->settings.interest.kinds & wire_kind_bit(kind)) && !(view->untold & wire_kind_bit(kind))) {
                        strbuf_printf(b, "%s%s", separator, kind_name(kind));
                        separator = " ";
                }
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (view->untold & wire_kind_bit(kind))
                        strbuf_printf(b, " NOT:%s", kind_name(kind));
        strbuf_printf(b, "\n         %zu programs in the kernel", view->capture.n_programs);
        if (view->capture.n_refused > 0)
                strbuf_printf(b, ", %zu places refused", view->capture.n_refused);
        strbuf_printf(b, "; ring %zu KiB, at most %zu KiB waited\n", view->capture.ring_bytes >> 10,
                      view->capture.ring_pending_max >> 10);
}

/* The policies that have the most of something, each. */
static void put_most(const struct program *program, const uint64_t *counts, struct strbuf *b) {
        struct {
                uint64_t n;
                uint32_t path;
        } most[MAX_SHOWN] = {};

        for (uint32_t i = 0; i < program->n_paths; i++) {
                size_t place = MAX_SHOWN;

                while (place > 0 && counts[i] > most[place - 1].n)
                        place--;
                if (place == MAX_SHOWN)
                        continue;
                memmove(most + place + 1, most + place, (MAX_SHOWN - 1 - place) * sizeof(*most));
                most[place].n = counts[i];
                most[place].path = i;
        }
        for (size_t i = 0; i < MAX_SHOWN && most[i].n > 0; i++) {
                strbuf_put(b, "         ");
                put_name(program, program->paths[most[i].path].name, b);
                strbuf_printf(b, " %" PRIu64 "\n", most[i].n);
        }
}

static void put_missed(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct capture_stats *c = &view->capture;

        strbuf_printf(b, "events   %" PRIu64 " delivered, %" PRIu64 " ruled out in the kernel, %" PRIu64 " missed\n",
                      total(c->delivered), total(c->filtered), summary_dropped(c));
        for (int loss = 0; loss < _WIRE_LOSS_MAX; loss++) {
                const char *separator = ": ";
                uint64_t n = 0;

                for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                        n += c->lost[kind][loss];
                if (n == 0)
                        continue;
                strbuf_printf(b, "  missed %" PRIu64 " (%s)", n, event_loss_to_string((enum wire_loss)loss));
                for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                        if (c->lost[kind][loss] > 0) {
                                strbuf_printf(b, "%s%s %" PRIu64, separator, kind_name(kind), c->lost[kind][loss]);
                                separator = ", ";
                        }
                strbuf_put_char(b, '\n');
        }
        if (view->pipeline.engine.n_evicted + view->pipeline.engine.n_withheld > 0)
                strbuf_printf(b, "  missed %" PRIu64 " open stories made room, %" PRIu64 " alerts withheld\n",
                              view->pipeline.engine.n_evicted, view->pipeline.engine.n_withheld);
        if (view->pipeline.engine.n_evicted > 0)
                put_most(manager->settings.program, view->evicted, b);
}

static void put_alerts(struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct report_stats *r = &view->pipeline.report;
        uint64_t n_alerts, n_repeats;
        const char *name;

        strbuf_printf(b, "alerts   %" PRIu64 " told, %" PRIu64 " repeats joined, %" PRIu64 " below alerts.min_severity",
                      nsec_sub(r->n_alerts, r->n_below + r->n_failed), view->pipeline.engine.n_suppressed, r->n_below);
        if (r->n_spool_waiting > 0)
                strbuf_printf(b, ", %" PRIu64 " WAIT for journald", r->n_spool_waiting);
        if (r->n_failed > 0)
                strbuf_printf(b, ", %" PRIu64 " NOT DELIVERED", r->n_failed);
        strbuf_put_char(b, '\n');
        for (size_t i = 0; report_policy_at(pipeline_report(manager->pipeline), i, &name, &n_alerts, &n_repeats); i++) {
                if (i == MAX_SHOWN) {
                        strbuf_put(b, "         ...\n");
                        break;
                }
                strbuf_put(b, "         ");
                strbuf_put_text(b, name, strlen(name));
                strbuf_printf(b, " %" PRIu64 "\n", n_alerts);
        }
}

/* Those with the most open stories. */
static void put_open(struct manager *manager, const struct view *view, struct strbuf *b) {
        strbuf_printf(b, "open     %" PRIu64 " stories of %" PRIu64 " activities, %" PRIu64 " processes known\n",
                      view->pipeline.engine.n_runs, view->pipeline.engine.n_keys, view->pipeline.table.n_running);
        if (view->pipeline.engine.n_runs > 0)
                put_most(manager->settings.program, view->open, b);
        if (manager->stories.went_on)
                strbuf_printf(b, "         %" PRIu64 " went on over the last restart, %" PRIu64 " ended with it\n",
                              manager->stories.carried.n_runs,
                              manager->stories.carried.n_ended + manager->stories.carried.n_refused);
        else if (manager->stories.refused)
                strbuf_put(b, "         those of before the last restart could NOT be read\n");
}

static void put_cost(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const uint64_t *delivered = view->capture.delivered;
        uint64_t seconds = MAX((view->now_ns - manager->started_ns) / NSEC_PER_SEC, UINT64_C(1));
        bool shown[_WIRE_KIND_MAX] = {};

        strbuf_printf(b, "cost     %" PRIu64 " events/s", total(delivered) / seconds);
        manager_governor_put_cost(manager, b);
        for (int i = 0; i < MAX_SHOWN; i++) {
                int most = 0;

                for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                        if (!shown[kind] && schema_kind((enum wire_kind)kind) &&
                            schema_kind((enum wire_kind)kind)->class != EVENT_META && delivered[kind] > delivered[most])
                                most = kind;
                if (most == 0 || delivered[most] == 0)
                        break;
                shown[most] = true;
                strbuf_printf(b, "%s%s %" PRIu64, i == 0 ? "\n         most events: " : ", ", kind_name(most),
                              delivered[most]);
        }
        strbuf_put_char(b, '\n');
}

/* An `except` that never hid anything is a hole that nobody needs. */
static void put_idle(struct manager *manager, struct strbuf *b) {
        const struct program *program = manager->settings.program;
        uint64_t n = 0;

        for (uint32_t i = 0; i < program->n_exceptions; i++) {
                const struct path_exception *exception = program->exceptions + i;

                if (engine_exception_stats(pipeline_engine(manager->pipeline), i) > 0)
                        continue;
                if (n++ == 0)
                        strbuf_put(b,
                                   "excepts  that never hid anything since the start or a change of their policy:\n");
                if (n > MAX_SHOWN)
                        continue;
                strbuf_put(b, "         ");
                put_name(program, exception->file, b);
                strbuf_printf(b, ":%" PRIu32, exception->line);
                if (exception->reason.length > 0) {
                        strbuf_put(b, " (");
                        put_name(program, exception->reason, b);
                        strbuf_put_char(b, ')');
                }
                strbuf_put_char(b, '\n');
        }
        if (n > MAX_SHOWN)
                strbuf_printf(b, "         and %" PRIu64 " more (--json)\n", n - MAX_SHOWN);
}

static void put_doors(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct manager_recorder *m = &manager->recorder;

        strbuf_printf(b, "bus      %s; %" PRIu64 " calls, %" PRIu64 " refused\n",
                      view->control.on_bus ? "org.execray1" : "not there", view->control.n_calls,
                      view->control.n_refused);
        if (m->n_saved + m->n_failed + m->n_left_out > 0)
                strbuf_printf(b,
                              "saved    %" PRIu64 " recordings, %" PRIu64 " left out, %" PRIu64 " failed; last '%s'\n",
                              m->n_saved, m->n_left_out, m->n_failed, m->file);
}

static void put_scripts(const struct view *view, struct strbuf *b) {
        const struct response_stats *s = &view->scripts;

        if (s->n_starts == 0)
                return;
        strbuf_printf(b,
                      "scripts  %" PRIu64 " alerts asked, %" PRIu64 " answered, %zu waiting; %" PRIu64
                      " with errors; %" PRIu64 " actions; %s %d, started %" PRIu64 " times\n",
                      s->n_asked, s->n_answered, s->n_waiting, s->n_failed, s->n_actions,
                      s->is_service ? "service of its own, process" : "process", s->pid, s->n_starts);
        if (s->n_late + s->n_lost + s->n_full + s->n_down + s->n_large > 0)
                strbuf_printf(b,
                              "         told without them: %" PRIu64 " late, %" PRIu64 " lost, %" PRIu64
                              " too many at once, %" PRIu64 " while it was not there, %" PRIu64 " too large\n",
                              s->n_late, s->n_lost, s->n_full, s->n_down, s->n_large);
        if (s->n_steps_asked + s->n_steps_left > 0)
                strbuf_printf(b,
                              "         %" PRIu64 " steps asked about, %" PRIu64 " answered, %" PRIu64
                              " left out\n",
                              s->n_steps_asked, s->n_steps_answered, s->n_steps_left);
        if (s->notice[0])
                strbuf_printf(b, "         %s\n", s->notice);
}

static void put_deny(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct capture_deny_stats *s = &view->capture.deny;
        const struct config_deny *deny = &manager->settings.config.deny;

        if (deny->addresses.n + deny->executables.n + deny->files.n == 0)
                return;
        strbuf_printf(b,
                      "denied   %s: %" PRIu64 " refused, %" PRIu64 " killed, %" PRIu64 " would have been, %" PRIu64
                      " of protected processes, %" PRIu64 " not to be looked at, %" PRIu64 " not told\n",
                      manager->deny.enforcing ? "enforced" : "not enforced", s->n_refused, s->n_killed, s->n_would,
                      s->n_protected, s->n_undecided, s->n_untold);
}

/* ---- for programs ---- */

static void put_json_deny(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct capture_deny_stats *s = &view->capture.deny;

        strbuf_printf(b,
                      ",\"deny\":{\"enforcing\":%s,\"refused\":%" PRIu64 ",\"killed\":%" PRIu64
                      ",\"kill_failed\":%" PRIu64 ",\"would\":%" PRIu64 ",\"protected\":%" PRIu64
                      ",\"undecided\":%" PRIu64 ",\"untold\":%" PRIu64 ",\"unarmed\":%" PRIu64
                      ",\"unnamed\":%" PRIu64 "}",
                      manager->deny.enforcing ? "true" : "false", s->n_refused, s->n_killed, s->n_kill_failed,
                      s->n_would, s->n_protected, s->n_undecided, s->n_untold, s->n_unarmed, s->n_unnamed);
}

static void put_json_scripts(const struct view *view, struct strbuf *b) {
        const struct response_stats *s = &view->scripts;

        strbuf_printf(b,
                      ",\"scripts\":{\"pid\":%d,\"service\":%s,\"asked\":%" PRIu64 ",\"answered\":%" PRIu64
                      ",\"waiting\":%zu,\"failed\":%" PRIu64 ",\"actions\":%" PRIu64 ",\"late\":%" PRIu64
                      ",\"lost\":%" PRIu64 ",\"full\":%" PRIu64 ",\"down\":%" PRIu64 ",\"large\":%" PRIu64
                      ",\"starts\":%" PRIu64 ",\"steps_asked\":%" PRIu64 ",\"steps_answered\":%" PRIu64
                      ",\"steps_left\":%" PRIu64 ",\"notice\":",
                      s->pid, s->is_service ? "true" : "false", s->n_asked, s->n_answered, s->n_waiting, s->n_failed,
                      s->n_actions, s->n_late, s->n_lost, s->n_full, s->n_down, s->n_large, s->n_starts,
                      s->n_steps_asked, s->n_steps_answered, s->n_steps_left);
        strbuf_put_json_str(b, s->notice);
        strbuf_put_char(b, '}');
}

static void put_json_text(const char *key, const char *s, size_t n, struct strbuf *b) {
        strbuf_printf(b, "\"%s\":", key);
        strbuf_put_json(b, s, n);
}

static void put_json_name(const char *key, const struct program *program, struct program_string name,
                          struct strbuf *b) {
        put_json_text(key, program_text(program, name), name.length, b);
}

static void put_json_kinds(const struct manager *manager, const struct view *view, struct strbuf *b) {
        const char *separator = "";

        strbuf_put(b, ",\"kinds\":[");
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                if (!(manager->settings.interest.kinds & wire_kind_bit(kind)))
                        continue;
                strbuf_printf(b,
                              "%s{\"kind\":\"%s\",\"told\":%s,\"produced\":%" PRIu64 ",\"delivered\":%" PRIu64
                              ",\"filtered\":%" PRIu64 ",\"aggregated\":%" PRIu64 "}",
                              separator, kind_name(kind), view->untold & wire_kind_bit(kind) ? "false" : "true",
                              view->capture.produced[kind], view->capture.delivered[kind], view->capture.filtered[kind],
                              view->capture.aggregated[kind]);
                separator = ",";
        }
        separator = "";
        strbuf_put(b, "],\"missed\":[");
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (int loss = 0; loss < _WIRE_LOSS_MAX; loss++)
                        if (view->capture.lost[kind][loss] > 0) {
                                strbuf_printf(b, "%s{\"kind\":\"%s\",\"reason\":\"%s\",\"count\":%" PRIu64 "}",
                                              separator, kind_name(kind), event_loss_to_string((enum wire_loss)loss),
                                              view->capture.lost[kind][loss]);
                                separator = ",";
                        }
        strbuf_put_char(b, ']');
}

static void put_json_policies(struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct program *program = manager->settings.program;
        struct engine *engine = pipeline_engine(manager->pipeline);

        strbuf_put(b, ",\"policies\":[");
        for (uint32_t i = 0; i < program->n_paths; i++) {
                const struct path *path = program->paths + i;

                strbuf_put(b, i > 0 ? ",{" : "{");
                put_json_name("name", program, path->name, b);
                strbuf_printf(b, ",\"severity\":\"%s\",\"matches\":%" PRIu64 ",\"open\":%" PRIu64
                              ",\"evicted\":%" PRIu64 ",\"exceptions\":[",
                              severity_to_string((enum severity)path->severity), view->matches[i], view->open[i],
                              view->evicted[i]);
                for (uint32_t k = 0; k < path->exceptions.n; k++) {
                        const struct path_exception *exception = program->exceptions + path->exceptions.first + k;

                        strbuf_put(b, k > 0 ? ",{" : "{");
                        put_json_name("file", program, exception->file, b);
                        strbuf_printf(b, ",\"line\":%" PRIu32 ",", exception->line);
                        put_json_name("reason", program, exception->reason, b);
                        strbuf_printf(b, ",\"hidden\":%" PRIu64 "}",
                                      engine_exception_stats(engine, path->exceptions.first + k));
                }
                strbuf_put(b, "]}");
        }
        strbuf_put_char(b, ']');
}

static void put_json(struct manager *manager, const struct view *view, struct strbuf *b) {
        const struct manager_health *h = &manager->health;
        const struct report_stats *r = &view->pipeline.report;
        const struct engine_stats *e = &view->pipeline.engine;
        const struct reload_outcome *outcome = &manager->reloaded;
        const char *separator = "";

        strbuf_printf(b, "{\"version\":1,\"execrayd\":\"" EXECRAY_VERSION "\",\"health\":\"%s\",\"reasons\":[",
                      health_to_string(h->state));
        for (int i = 0; i < _HEALTH_REASON_MAX; i++)
                if (h->reasons & UINT64_C(1) << i) {
                        strbuf_printf(b, "%s{\"name\":\"%s\",\"count\":%" PRIu64 "}", separator, reasons[i].name,
                                      h->grown[i]);
                        separator = ",";
                }
        strbuf_printf(b, "],\"uptime\":%" PRIu64 ",\"generation\":%" PRIu64 ",\"files\":%zu",
                      (view->now_ns - manager->started_ns) / NSEC_PER_SEC, manager->generation,
                      manager->settings.n_files);
        strbuf_printf(b,
                      ",\"alerts\":{\"told\":%" PRIu64 ",\"repeats\":%" PRIu64 ",\"below\":%" PRIu64
                      ",\"undelivered\":%" PRIu64 "}",
                      nsec_sub(r->n_alerts, r->n_below + r->n_failed), e->n_suppressed, r->n_below, r->n_failed);
        strbuf_printf(b,
                      ",\"open\":{\"stories\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"evicted\":%" PRIu64
                      ",\"withheld\":%" PRIu64 ",\"carried\":%" PRIu64 ",\"carried_ended\":%" PRIu64 "}",
                      e->n_runs, e->n_keys, e->n_evicted, e->n_withheld, manager->stories.carried.n_runs,
                      manager->stories.carried.n_ended + manager->stories.carried.n_refused);
        strbuf_printf(b, ",\"ring\":{\"bytes\":%zu,\"pending_max\":%zu,\"programs\":%zu,\"refused\":%zu}",
                      view->capture.ring_bytes, view->capture.ring_pending_max, view->capture.n_programs,
                      view->capture.n_refused);
        strbuf_put(b, ",\"reload\":");
        if (outcome->number > 0) {
                strbuf_printf(b, "{\"done\":%s,\"time\":%" PRIu64 ",\"took_ns\":%" PRIu64 ",\"waited_ns\":%" PRIu64 ",",
                              outcome->done ? "true" : "false", outcome->wall_s, outcome->took_ns, outcome->stood_ns);
                put_json_text("text", strbuf_str(&outcome->text), outcome->text.n, b);
                strbuf_put_char(b, '}');
        } else
                strbuf_put(b, "null");
        strbuf_printf(b, ",\"bus\":%s", view->control.on_bus ? "true" : "false");
        put_json_kinds(manager, view, b);
        put_json_policies(manager, view, b);
        put_json_scripts(view, b);
        put_json_deny(manager, view, b);
        strbuf_put(b, "}\n");
}

const char *manager_status_put(struct manager *manager, struct strbuf *text, struct strbuf *json) {
        const uint32_t n_paths = manager->settings.program->n_paths;
        struct view view = {
                .matches = calloc(n_paths + 1, sizeof(*view.matches)),
                .open = calloc(n_paths + 1, sizeof(*view.open)),
                .evicted = calloc(n_paths + 1, sizeof(*view.evicted)),
        };

        view_init(manager, &view);
        look(manager, &view);
        if (!view.matches || !view.open || !view.evicted) {
                text->error = json->error = -ENOMEM;
                free(view.matches);
                free(view.open);
                free(view.evicted);
                return health_to_string(manager->health.state);
        }
        engine_path_totals(pipeline_engine(manager->pipeline), view.matches, view.open, view.evicted);
        put_health(manager, &view, text);
        put_watched(manager, &view, text);
        put_missed(manager, &view, text);
        put_alerts(manager, &view, text);
        put_open(manager, &view, text);
        put_cost(manager, &view, text);
        put_idle(manager, text);
        put_reload(manager, text);
        put_scripts(&view, text);
        put_deny(manager, &view, text);
        manager_late_put(&manager->late, text);
        put_doors(manager, &view, text);
        put_json(manager, &view, json);
        free(view.matches);
        free(view.open);
        free(view.evicted);
        return health_to_string(manager->health.state);
}

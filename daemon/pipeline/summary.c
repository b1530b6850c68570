/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/summary.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "event/schema.h"

uint64_t summary_dropped(const struct capture_stats *capture) {
        uint64_t n = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (int loss = 0; loss < _WIRE_LOSS_MAX; loss++)
                        n += capture->lost[kind][loss];
        return n;
}

/* The daemon's own records are no events of the host. */
static bool is_event(int kind) {
        const struct kind_info *info = schema_kind((enum wire_kind)kind);

        return info && info->class != EVENT_META;
}

static void put_kinds(const uint64_t counts[static _WIRE_KIND_MAX], const char *what, struct strbuf *b) {
        const char *separator = "";

        strbuf_printf(b, "  %s", what);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                if (!is_event(kind) || counts[kind] == 0)
                        continue;
                strbuf_printf(b, "%s%s %" PRIu64, separator, schema_kind((enum wire_kind)kind)->name, counts[kind]);
                separator = ", ";
        }
        strbuf_put(b, *separator ? "\n" : "none\n");
}

static uint64_t total(const uint64_t counts[static _WIRE_KIND_MAX]) {
        uint64_t n = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (is_event(kind))
                        n += counts[kind];
        return n;
}

static void put_losses(const struct capture_stats *capture, struct strbuf *b) {
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (int loss = 0; loss < _WIRE_LOSS_MAX; loss++)
                        if (capture->lost[kind][loss] > 0)
                                strbuf_printf(b, "  lost     %s %" PRIu64 " (%s)\n",
                                              schema_kind((enum wire_kind)kind)
                                                      ? schema_kind((enum wire_kind)kind)->name
                                                      : "?",
                                              capture->lost[kind][loss], event_loss_to_string((enum wire_loss)loss));
}

/* Of a recording there is nothing to say. */
static void put_reader(const struct capture_stats *capture, struct strbuf *b) {
        if (capture->ring_bytes > 0)
                strbuf_printf(b,
                              "  reader   %" PRIu64 " turns, called %" PRIu64 " times: %" PRIu64 " urgent, %" PRIu64
                              " soon, %" PRIu64 " asleep, %" PRIu64 " much to read; at most %zu of %zu KiB waited\n",
                              capture->n_turns, capture->n_wakeups, capture->n_calls[WIRE_WAIT_URGENT],
                              capture->n_calls[WIRE_WAIT_SOON], capture->n_calls[WIRE_WAIT_ANY],
                              capture->n_calls[WIRE_WAIT_AMOUNT], capture->ring_pending_max >> 10,
                              capture->ring_bytes >> 10);
}

/* Of what alerts.remember saved. */
static void put_remembered(const struct capture_stats *capture, const struct report_stats *stats, struct strbuf *b) {
        if (capture->ring_bytes > 0 && stats->n_asked > 0)
                strbuf_printf(b, "  looked up %" PRIu64 " texts and programs for them, %" PRIu64 " were remembered\n",
                              stats->n_asked, stats->n_remembered);
}

static void put_alerts(const struct report *report, const struct pipeline_stats *pipeline, struct strbuf *b) {
        const struct report_stats *stats = &pipeline->report;
        uint64_t n_alerts, n_suppressed;
        const char *name;

        strbuf_printf(b, "alerts: %" PRIu64 " told",
                      stats->n_alerts - MIN(stats->n_alerts, stats->n_below + stats->n_failed));
        if (pipeline->engine.n_suppressed > 0)
                strbuf_printf(b, ", %" PRIu64 " repeats joined to them", pipeline->engine.n_suppressed);
        if (stats->n_below > 0)
                strbuf_printf(b, ", %" PRIu64 " below the severity that is told", stats->n_below);
        if (stats->n_failed > 0)
                strbuf_printf(b, ", %" PRIu64 " NOT DELIVERED", stats->n_failed);
        strbuf_put_char(b, '\n');
        for (size_t i = 0; report_policy_at(report, i, &name, &n_alerts, &n_suppressed); i++) {
                strbuf_put(b, "  ");
                strbuf_put_text(b, name, strlen(name));
                strbuf_printf(b, " %" PRIu64, n_alerts);
                if (n_suppressed > 0)
                        strbuf_printf(b, " (and %" PRIu64 " repeats)", n_suppressed);
                strbuf_put_char(b, '\n');
        }
}

/* What met a bound, each only if it did: silence means that nothing was missed. */
static void put_bounds(const struct capture_stats *capture, const struct pipeline_stats *p, struct strbuf *b) {
        const struct {
                uint64_t n;
                const char *what;
        } bounds[] = {
                {p->engine.n_evicted,
                 "open stories made room for others (engine.max_runs, engine.max_tuples_per_key, engine.max_counts)"},
                {p->engine.n_withheld, "alerts were withheld after a loss (on_loss = skip)"},
                {p->engine.n_evidence_refused, "steps without their evidence (engine.evidence_memory)"},
                {p->table.n_evicted, "ended processes were forgotten early (process.max_processes)"},
                {p->table.n_refused, "processes could not be entered (process.max_processes)"},
                {p->table.n_image_refused, "process images could not be kept (process.image_memory)"},
                {p->report.n_obscured, "times something could have hidden a story"},
                {p->report.n_output_full, "alerts did not fit into what waits for the reader of the output"},
                {capture->n_mended_exits, "ends of processes were lost, and told when they were found out"},
                {capture->n_mended_processes, "processes whose start or exec was lost were looked up"},
                {capture->n_bus_lost, "times the system bus, or a service on it, went away"},
                {capture->n_bus_forged, "messages on the system bus pretended to be from systemd or logind"},
                {capture->n_context_refused, "units, sessions and containers found no room"},
                {capture->n_context_unreadable, "containers of which their runtime's file could not be read"},
                {capture->n_late, "events came out of order"},
                {capture->n_stalls, "times the ring stood still"},
                {capture->n_sheds,
                 "times the ring was so full that events were left out (overload.shed_low, overload.shed_medium)"},
                {capture->n_budgets_lost, "times the limit of a process was forgotten for that of another"},
        };

        for (size_t i = 0; i < ELEMENTSOF(bounds); i++)
                if (bounds[i].n > 0)
                        strbuf_printf(b, "  note: %" PRIu64 " %s\n", bounds[i].n, bounds[i].what);
}

void summary_put(const struct capture_stats *capture, const struct pipeline_stats *pipeline,
                 const struct report *report, uint64_t watched_ns, struct strbuf *b) {
        uint64_t delivered = total(capture->delivered), dropped = summary_dropped(capture),
                 produced = total(capture->produced);

        strbuf_printf(b, "watched for %" PRIu64 ".%" PRIu64 " s: %" PRIu64 " events delivered, dropped %" PRIu64 "\n",
                      watched_ns / NSEC_PER_SEC, watched_ns % NSEC_PER_SEC / (100 * NSEC_PER_MSEC), delivered, dropped);
        put_kinds(capture->delivered, "events   ", b);
        if (total(capture->filtered) > 0)
                put_kinds(capture->filtered, "filtered ", b);
        if (total(capture->aggregated) > 0)
                put_kinds(capture->aggregated, "counted  ", b);
        put_losses(capture, b);
        if (produced > 0)
                strbuf_printf(b, "  produced %" PRIu64 " = delivered %" PRIu64 " + lost %" PRIu64 "%s\n", produced,
                              delivered, dropped, produced == delivered + dropped ? "" : " (the rest was under way)");
        put_reader(capture, b);
        put_alerts(report, pipeline, b);
        put_remembered(capture, &pipeline->report, b);
        put_bounds(capture, pipeline, b);
}

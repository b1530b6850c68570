/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-governor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/siphash.h"
#include "base/state.h"
#include "base/strbuf.h"
#include "pipeline/summary.h"
#include "program/uses.h"
#include "report/message-ids.h"

#define FILE_MAX 16384
#define TRIAL_PART 5                    /* a period of a trial is so much shorter */

_Static_assert((GOVERNOR_TIMED & (GOVERNOR_TIMED - 1)) == 0, "not a power of two");

static uint32_t switches_of(const struct config *config) {
        uint32_t switches = 0;

        for (size_t i = 0; i < n_config_optimisations && i < GOVERNOR_MAX_SWITCHES; i++)
                if (config_is_on(config, &config_optimisations[i]))
                        switches |= UINT32_C(1) << i;
        return switches;
}

/* Of what costs: configuration and policies. The same after a restart. */
static uint64_t key_of(const struct settings *settings) {
        static const struct siphash_key key;
        struct siphash hash;

        siphash_begin64(&hash, &key);
        siphash_add_u64(&hash, config_fingerprint(&settings->config));
        for (uint32_t i = 0; i < settings->program->n_paths; i++)
                siphash_add(&hash, settings->program->paths[i].hash, sizeof(settings->program->paths[i].hash));
        return siphash_end64(&hash);
}

/* ---- what was learned ---- */

static unsigned count_learned(const struct baseline *baseline) {
        unsigned n = 0;
        uint64_t median;

        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                for (unsigned rate = 0; rate < BASELINE_RATES; rate++)
                        n += baseline_get(baseline, i, rate, &median);
        return n;
}

static void read_baseline(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        struct baseline baseline;
        enum fd_trust why;
        size_t n;
        int r;

        if (!g->file[0])
                return;
        fd = open_trusted_file(g->file, &why, NULL);
        if (fd == -ENOENT)
                return;
        r = fd < 0 ? fd : fd_read_all(fd, FILE_MAX, &text, &n);
        if (r >= 0)
                r = baseline_parse(text, n, g->governor.baseline.key, &baseline);
        if (r == -ESTALE)
                log_info("Configuration or policies are others than when '%s' was written: learning what they cost",
                         g->file);
        else if (r < 0)
                log_warning_errno(r, "Cannot use '%s', learning anew what is normal: %m", g->file);
        else
                g->governor.baseline = baseline;
        g->n_learned = count_learned(&g->governor.baseline);
}

static void write_baseline(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        unsigned n_learned = count_learned(&g->governor.baseline);
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(closep) int fd = -1;
        char new[sizeof(g->file) + 8];
        int r;

        if (!g->file[0] || n_learned == g->n_learned)
                return;
        g->n_learned = n_learned;
        baseline_put(&g->governor.baseline, &b);
        snprintf(new, sizeof(new), "%s.new", g->file);
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : b.error < 0 ? b.error : fd_write_full(fd, b.data, b.n);
        if (r >= 0 && rename(new, g->file) < 0)
                r = -errno;
        if (r >= 0)
                return;
        log_warning_errno(r, "Cannot write '%s', the next start learns anew what is normal: %m", g->file);
        g->file[0] = 0;
}

/* ---- a period ---- */

static uint64_t sum_of(const uint64_t counts[static _WIRE_KIND_MAX]) {
        uint64_t n = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                n += counts[kind];
        return n;
}

static uint64_t cpu_ns(void) {
        struct rusage usage;

        if (getrusage(RUSAGE_SELF, &usage) < 0)
                return 0;
        return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NSEC_PER_SEC +
               ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* Without the ring and other mapped files. 0: not known. */
static uint64_t memory_bytes(void) {
        _cleanup_(freep) char *text = NULL;
        const char *at;
        uint64_t kib;
        size_t n;

        if (read_file_at(AT_FDCWD, "/proc/self/status", FILE_MAX, &text, &n) < 0)
                return 0;
        at = strstr(text, "\nRssAnon:");
        if (!at)
                return 0;
        at += strlen("\nRssAnon:");
        at += strspn(at, " \t");
        return parse_u64_n(at, strspn(at, "0123456789"), 0, UINT64_MAX >> 10, &kib) < 0 ? 0 : kib << 10;
}

/* From the last call to now. */
static void measure(struct manager *manager, struct governor_sample *ret) {
        struct manager_governor *g = &manager->governor;
        uint64_t now_ns = clock_boottime_ns(), cpu = cpu_ns(), n_read, n_filtered, n_lost;
        struct capture_stats stats;

        capture_stats(manager->capture, &stats);
        n_read = g->n_seen;
        n_filtered = sum_of(stats.filtered);
        n_lost = summary_dropped(&stats);
        *ret = (struct governor_sample){
                .duration_ns = now_ns - g->begun_ns,
                .n_read = n_read - g->n_read,
                .n_filtered = nsec_sub(n_filtered, g->n_filtered),
                .n_lost = nsec_sub(n_lost, g->n_lost),
                .latency_p99_ns = histogram_quantile(&g->latency, 990),
                .cpu_ns = nsec_sub(cpu, g->cpu_ns),
                .memory_bytes = memory_bytes(),
        };
        g->begun_ns = now_ns;
        g->n_read = n_read;
        g->n_filtered = n_filtered;
        g->n_lost = n_lost;
        g->cpu_ns = cpu;
        histogram_clear(&g->latency);
}

/* ---- what follows ---- */

static void set_switches(struct config *config, uint32_t wanted) {
        for (size_t i = 0; i < n_config_optimisations && i < GOVERNOR_MAX_SWITCHES; i++)
                config_switch(config, &config_optimisations[i], wanted & UINT32_C(1) << i);
}

static void apply_pace(struct manager *manager) {
        const struct config *config = &manager->settings.config;

        capture_set_pace(manager->capture, config->capture.max_latency_ns, config->capture.wake_urgent,
                         config->capture.patient, !config->capture.coalesce);
}

/* Put into force what the governor wants now. If that cannot be done all stays as it is. */
static void apply(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        struct settings *settings = &manager->settings;
        uint32_t before = switches_of(&settings->config), wanted = governor_wanted(&g->governor);
        unsigned uses, uses_before = settings_uses(&settings->config);
        struct prefilter *prefilter = NULL;
        int r = 0;

        if (before == wanted)
                return;
        set_switches(&settings->config, wanted);
        apply_pace(manager);
        uses = settings_uses(&settings->config);
        if (uses == uses_before)
                return;
        if (uses != 0)
                r = uses_collect(settings->program, uses, &prefilter);
        if (r >= 0) {
                capture_set_prefilter(manager->capture, prefilter);
                r = capture_set_interest(manager->capture, &settings->interest, manager->generation);
        }
        if (r < 0) {
                log_warning_errno(r, "Cannot switch optimisations, they stay as they are: %m");
                capture_set_prefilter(manager->capture, settings->prefilter);
                prefilter_free(prefilter);
                set_switches(&settings->config, before);
                apply_pace(manager);
                governor_configure(&g->governor, g->governor.baseline.key, false, before);
                return;
        }
        prefilter_free(settings->prefilter);
        settings->prefilter = prefilter;
}

static void tell(struct manager *manager, const struct governor_note *note) {
        const struct config_optimisation *optimisation =
                note->which < n_config_optimisations ? &config_optimisations[note->which] : NULL;
        _cleanup_(strbuf_done) struct strbuf message = {};
        char name[64] = "", value[24], reference[24];
        struct report_field fields[4] = {
                {"EXECRAY_MEASURE", measure_to_string(note->measure)},
                {"EXECRAY_VALUE", value},
                {"EXECRAY_BASELINE", reference},
                {"EXECRAY_OPTIMISATION", name},
        };
        const char *id = NULL;
        int priority = LOG_WARNING;
        size_t n = 3;

        if (optimisation)
                snprintf(name, sizeof(name), "%s.%s", optimisation->section, optimisation->name);
        snprintf(value, sizeof(value), "%" PRIu64, note->value);
        snprintf(reference, sizeof(reference), "%" PRIu64, note->reference);
        governor_note_put(note, name, &message);
        switch (note->type) {
        case GOVERNOR_DEGRADED:
                id = MESSAGE_ID_DEGRADED;
                break;
        case GOVERNOR_RECOVERED:
                id = MESSAGE_ID_RECOVERED;
                priority = LOG_NOTICE;
                break;
        case GOVERNOR_SWITCHES_OFF:
                id = MESSAGE_ID_SWITCHED_OFF;
                n = 4;
                break;
        case GOVERNOR_TRIES:
        case GOVERNOR_KEEPS:
                priority = LOG_INFO;
                break;
        }
        if (!id ||
            report_notice(pipeline_report(manager->pipeline), id, priority, strbuf_str(&message), fields, n) <= 0)
                (void)log_message(priority, 0, "%s", strbuf_str(&message));
}

static uint64_t period_ns(const struct manager *manager) {
        uint64_t period = manager->settings.config.performance.governor_period_ns;

        return governor_is_trying(&manager->governor.governor) ? period / TRIAL_PART : period;
}

static int arm(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        int r;

        r = sd_event_source_set_time_relative(g->timer, period_ns(manager) / NSEC_PER_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(g->timer, SD_EVENT_ONESHOT);
        return r;
}

static int on_period(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        struct manager_governor *g = &manager->governor;
        struct governor_note notes[GOVERNOR_MAX_NOTES];
        struct governor_sample sample;
        uint64_t period = period_ns(manager);
        size_t n = 0;

        /* The host slept, or a reload is under way: that is no ordinary period. */
        measure(manager, &sample);
        if (!manager->reload.job && sample.duration_ns < 2 * period + NSEC_PER_SEC)
                n = governor_feed(&g->governor, &sample, notes);
        for (size_t i = 0; i < n; i++)
                tell(manager, notes + i);
        apply(manager);
        write_baseline(manager);
        return arm(manager);
}

/* ---- the manager's side ---- */

void manager_governor_saw(struct manager *manager, uint64_t time_ns) {
        struct manager_governor *g = &manager->governor;
        uint64_t latency_ns;

        if (g->n_seen++ % GOVERNOR_TIMED != 0 || !g->timer)
                return;
        latency_ns = nsec_sub(clock_boottime_ns(), time_ns);
        histogram_add(&g->latency, latency_ns);
        histogram_add(&g->latency_all, latency_ns);
}

static int start_timer(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        struct governor_sample nothing;
        int r;

        r = sd_event_add_time_relative(manager->loop, &g->timer, CLOCK_MONOTONIC, 0, 0, on_period, manager);
        if (r >= 0)
                r = sd_event_source_set_description(g->timer, "governor");
        if (r >= 0)
                r = arm(manager);
        measure(manager, &nothing);     /* from here on */
        return r;
}

int manager_governor_start(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        const struct config *config = &manager->settings.config;
        bool may_switch = config->performance.governor == CONFIG_GOVERNOR_ON;

        if (config->performance.governor == CONFIG_GOVERNOR_OFF)
                return 0;
        governor_init(&g->governor, key_of(&manager->settings), may_switch);
        governor_configure(&g->governor, key_of(&manager->settings), may_switch, switches_of(config));
        (void)state_path("baseline", g->file, sizeof(g->file));
        read_baseline(manager);
        return start_timer(manager);
}

void manager_governor_reloaded(struct manager *manager) {
        struct manager_governor *g = &manager->governor;
        const struct config *config = &manager->settings.config;
        int r = 0;

        if (config->performance.governor == CONFIG_GOVERNOR_OFF) {
                g->timer = sd_event_source_disable_unref(g->timer);
                return;
        }
        if (!g->timer)
                r = manager_governor_start(manager);
        else {
                struct governor_sample nothing;

                governor_configure(&g->governor, key_of(&manager->settings),
                                   config->performance.governor == CONFIG_GOVERNOR_ON, switches_of(config));
                measure(manager, &nothing);
                g->n_learned = count_learned(&g->governor.baseline);
                r = arm(manager);
        }
        if (r < 0)
                log_warning_errno(r, "Cannot set the governor's timer, nothing is governed: %m");
}

void manager_governor_done(struct manager *manager) {
        if (manager->governor.timer)
                write_baseline(manager);
        manager->governor.timer = sd_event_source_disable_unref(manager->governor.timer);
}

void manager_governor_put(const struct manager *manager, struct strbuf *b) {
        const struct manager_governor *g = &manager->governor;

        if (g->latency_all.n > 0)
                strbuf_printf(b,
                              "  latency from hook to engine: half of the events %.2f ms, 99 %% %.2f ms, all %.2f ms"
                              " (%" PRIu64 " timed)\n",
                              (double)histogram_quantile(&g->latency_all, 500) / NSEC_PER_MSEC,
                              (double)histogram_quantile(&g->latency_all, 990) / NSEC_PER_MSEC,
                              (double)g->latency_all.max_ns / NSEC_PER_MSEC, g->latency_all.n);
        if (g->governor.n_degraded > 0)
                strbuf_printf(b,
                              "  note: %" PRIu64 " times watching got worse, %" PRIu64 " trials, %" PRIu64
                              " optimisations switched off (performance.governor)\n",
                              g->governor.n_degraded, g->governor.n_trials, g->governor.n_switched_off);
}

void manager_governor_put_cost(const struct manager *manager, struct strbuf *b) {
        const struct manager_governor *g = &manager->governor;
        uint64_t s = MAX((clock_boottime_ns() - manager->started_ns) / NSEC_PER_SEC, UINT64_C(1));

        strbuf_printf(b, ", %.2f %% of a processor, %" PRIu64 " MiB", (double)cpu_ns() * 100 / NSEC_PER_SEC / (double)s,
                      memory_bytes() >> 20);
        if (g->latency_all.n > 0)
                strbuf_printf(b, ", latency p50 %.2f ms, p99 %.2f ms",
                              (double)histogram_quantile(&g->latency_all, 500) / NSEC_PER_MSEC,
                              (double)histogram_quantile(&g->latency_all, 990) / NSEC_PER_MSEC);
}

void manager_governor_usage(uint64_t *ret_cpu_ns, uint64_t *ret_memory_bytes) {
        *ret_cpu_ns = cpu_ns();
        *ret_memory_bytes = memory_bytes();
}

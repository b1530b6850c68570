/* SPDX-License-Identifier: Apache-2.0 */


#include "app/manager-lists.h"
#include "app/manager-notify.h"
#include "app/manager-private.h"
#include "app/manager.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/priority.h"
#include "base/state.h"
#include "base/strbuf.h"
#include "pipeline/capture-settings.h"
#include "pipeline/summary.h"
#include "report/report-journal.h"

#define LOOKUP_INTERVAL_NS (NSEC_PER_MSEC / 2)

/* Between tries to send what waits for journald; and while it takes some. */
#define SPOOL_INTERVAL_NS (250 * NSEC_PER_MSEC)
#define SPOOL_BUSY_NS (NSEC_PER_MSEC)

#define DRAIN_BATCH 4096
#define DRAIN_ROUNDS 64

static void manager_done(struct manager *manager) {
        manager_watch_done(manager);
        manager_control_done(manager);
        manager_health_done(manager);
        manager_scripts_done(manager);
        manager_deny_done(manager);
        manager_enforce_done(manager);
        manager_late_forget(&manager->late);
        reload_done(&manager->reload);
        reload_outcome_done(&manager->reloaded);
        manager_ring_keep(manager);
        manager_governor_done(manager);
        manager_recorder_done(manager);
        sd_event_source_unref(manager->lookup);
        sd_event_source_disable_unref(manager->spool);
        sd_event_source_disable_unref(manager->output);
        manager->metrics = manager_metrics_free(manager->metrics);
        pipeline_free(manager->pipeline);
        capture_free(manager->capture);
        manager_keep_done(&manager->keep);
        settings_done(&manager->settings);
        sd_event_unref(manager->loop);
        *manager = (struct manager){};
}

static void stop(struct manager *manager, int status) {
        manager->status = status;
        sd_event_exit(manager->loop, 0);
}

/* ---- what the rooms below say ---- */

static void on_event(const struct event *event, void *userdata) {
        struct manager *manager = userdata;
        uint64_t deadline_ns;

        if (event_kind(event) == WIRE_KIND_verdict)
                manager_enforce_saw(manager, event);
        pipeline_feed(manager->pipeline, event);
        manager_recorder_add(manager, event);           /* behind what on_ahead() had to say of it */
        manager_recorder_settle(manager);
        if (!(event->wire->flags & WIRE_SYNTHETIC))
                manager_governor_saw(manager, event->wire->time_ns);

        if (event_kind(event) == WIRE_KIND_tick)
                manager_ring_keep(manager);
        deadline_ns = pipeline_next_deadline(manager->pipeline);
        if (deadline_ns != manager->deadline_ns || event_kind(event) == WIRE_KIND_tick) {
                manager->deadline_ns = deadline_ns;
                capture_set_deadline(manager->capture, deadline_ns);
        }
}

/* Not all at once: while we look things up, nobody reads the ring. */
static void look_up_soon(struct manager *manager) {
        manager->looks_up =
                sd_event_source_set_time_relative(manager->lookup, LOOKUP_INTERVAL_NS / NSEC_PER_USEC) >= 0 &&
                sd_event_source_set_enabled(manager->lookup, SD_EVENT_ONESHOT) >= 0;
}

static int on_lookup(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;

        manager->looks_up = false;
        if (report_work(pipeline_report(manager->pipeline)))
                look_up_soon(manager);
        else
                (void)memory_settle();
        return 0;
}

static void try_spool(struct manager *manager, uint64_t wait_ns) {
        manager->tries_spool = sd_event_source_set_time_relative(manager->spool, wait_ns / NSEC_PER_USEC) >= 0 &&
                               sd_event_source_set_enabled(manager->spool, SD_EVENT_ONESHOT) >= 0;
}

void manager_spool_soon(struct manager *manager) {
        if (!manager->tries_spool && manager->spool)
                try_spool(manager, SPOOL_INTERVAL_NS);
}

static int on_spool(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        struct report *report = pipeline_report(manager->pipeline);

        manager->tries_spool = false;
        if (report_send_waiting(report))
                try_spool(manager, SPOOL_BUSY_NS);
        else if (report_waits(report))
                try_spool(manager, SPOOL_INTERVAL_NS);
        return 0;
}

static void on_output_waits(void *userdata) {
        struct manager *manager = userdata;

        if (manager->output)
                (void)sd_event_source_set_enabled(manager->output, SD_EVENT_ON);
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct manager *manager = userdata;
        struct report *report = pipeline_report(manager->pipeline);

        report_send_output(report);
        return report_output_waits(report) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static void on_match(const struct match *match, void *userdata) {
        struct manager *manager = userdata;

        if (!manager->looks_up && report_has_work(pipeline_report(manager->pipeline)))
                look_up_soon(manager);
        if (report_waits(pipeline_report(manager->pipeline)))
                manager_spool_soon(manager);
        manager_recorder_on_match(manager, match);
        manager_control_on_match(manager, match);
        if (!match->summary && ++manager->n_alerts == manager->params->max_alerts)
                stop(manager, EXIT_STATUS_SUCCESS);
}

static void skipped(uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX], void *userdata) {
        struct manager *manager = userdata;

        capture_skipped(manager->capture, kinds, ret);
}

static void on_ahead(const struct event *gap, void *userdata) {
        manager_recorder_add(userdata, gap);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct manager *manager = userdata;
        struct asker asker;

        if (info->ssi_signo == SIGHUP) {
                asker_init("signal", (pid_t)info->ssi_pid, info->ssi_uid, &asker);
                manager_reload(manager, &asker);
        } else if (info->ssi_signo == SIGUSR2) {
                if (manager_recorder_ask(manager, &why) < 0)
                        log_warning("%s", strbuf_str(&why));
        } else {
                manager->leaves = info->ssi_signo == SIGTERM;
                stop(manager, EXIT_STATUS_SUCCESS);
        }
        return 0;
}

static int on_duration(sd_event_source *source, uint64_t usec, void *userdata) {
        stop(userdata, EXIT_STATUS_SUCCESS);
        return 0;
}

/* ---- start ---- */

static int add_lookup(struct manager *manager) {
        int r;

        report_prepare(pipeline_report(manager->pipeline), clock_boottime_ns());
        manager->looks_up = true;
        r = sd_event_add_time_relative(manager->loop, &manager->lookup, CLOCK_BOOTTIME, 0, 1, on_lookup, manager);
        if (r >= 0)
                r = sd_event_source_set_description(manager->lookup, "lookup");
        if (r >= 0)
                r = sd_event_add_time_relative(manager->loop, &manager->spool, CLOCK_BOOTTIME, 0, 0, on_spool, manager);
        if (r >= 0)
                r = sd_event_source_set_description(manager->spool, "spool");
        manager->tries_spool = r >= 0;  /* an earlier process may have left something */
        return r;
}

/* What its reader has no room for waits; files have room. */
static int add_output(struct manager *manager) {
        struct report *report = pipeline_report(manager->pipeline);
        int fd = report_output_fd(report), r;

        if (fd < 0)
                return 0;
        r = sd_event_add_io(manager->loop, &manager->output, fd, EPOLLOUT, on_output, manager);
        if (r >= 0)
                r = sd_event_source_set_description(manager->output, "output");
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->output,
                                                report_output_waits(report) ? SD_EVENT_ON : SD_EVENT_OFF);
        return r;
}

/* Before anything else: from here on no signal ends us half way, it waits for the loop. */
static int add_signals(struct manager *manager) {
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
        sigset_t set;
        int r;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&set, signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                sd_event_source *source = NULL;

                r = sd_event_add_signal(manager->loop, &source, signals[i], on_signal, manager);
                if (r >= 0)
                        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
                if (r >= 0)
                        r = sd_event_source_set_floating(source, true);
                sd_event_source_unref(source);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_duration(struct manager *manager) {
        if (manager->params->duration_ns > 0)
                return sd_event_add_time_relative(manager->loop, NULL, CLOCK_BOOTTIME,
                                                  manager->params->duration_ns / NSEC_PER_USEC, 0, on_duration,
                                                  manager);
        return 0;
}

static unsigned choose_outputs(const struct params *params, const struct config *config) {
        bool journal = report_journal_is_there();
        unsigned outputs = 0;

        if (params->outputs_given)
                outputs = params->outputs;
        else
                switch (config->alerts.output) {
                case CONFIG_OUTPUT_AUTO:
                        outputs = REPORT_JOURNAL | (isatty(STDOUT_FILENO) || !journal ? REPORT_TEXT : 0);
                        break;
                case CONFIG_OUTPUT_JOURNAL:
                        outputs = REPORT_JOURNAL;
                        break;
                case CONFIG_OUTPUT_TEXT:
                        outputs = REPORT_TEXT;
                        break;
                case CONFIG_OUTPUT_JSON:
                        outputs = REPORT_JSON;
                        break;
                case CONFIG_OUTPUT_ECS:
                        outputs = REPORT_ECS;
                        break;
                }

        if ((outputs & REPORT_JOURNAL) && !journal) {
                bool only = outputs == REPORT_JOURNAL;

                log_notice("journald is not running here (%s): alerts go %s", REPORT_JOURNAL_SOCKET,
                           only ? "nowhere until it does" : "to the other output only");
                if (!only)
                        outputs &= ~REPORT_JOURNAL;
        }
        return outputs;
}

static void choose_style(const struct params *params, struct report_options *report) {
        const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
        struct winsize size;
        bool tty = isatty(STDOUT_FILENO);

        report->colour = params->colour_given ? params->colour
                                              : tty && !(no_colour && *no_colour) && term && !streq(term, "dumb");
        if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0)
                report->width = size.ws_col;
}

static void go_first(unsigned steps) {
        int r = priority_raise(steps);

        if (r < 0)
                log_warning_errno(r, "Cannot go before other processes (performance.priority), events may be lost when "
                                     "they want all processors: %m");
}

static int manager_init(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        struct capture_options capture_options;
        struct capture_sink capture_sink = {.on_event = on_event};
        struct pipeline_sink pipeline_sink = {.on_match = on_match,
                                               .skipped = skipped,
                                               .on_ahead = on_ahead,
                                               .enforced = manager_enforce_of,
                                               .on_arming = manager_enforce_arm};
        struct pipeline_options options;
        char spool[300];
        int r, status;

        r = sd_event_new(&manager->loop);
        if (r >= 0)
                r = add_signals(manager);
        if (r < 0) {
                log_error_errno(r, "Cannot make an event loop: %m");
                return EXIT_STATUS_FAILURE;
        }

        status = manager_load(manager->params, manager->generation, &manager->settings);
        if (status != 0)
                return status;
        manager_set_log(manager);

        /* Before the programs are loaded: its tables are large and mostly empty, which costs nothing where no memory
         * was used before, and all of them where it was, for there they have to be cleared. */
        pipeline_configure(config, &options);
        options.report.outputs = choose_outputs(manager->params, config);
        options.report.fd = STDOUT_FILENO;
        options.report.never_wait = true;
        options.report.on_output_waits = on_output_waits;
        options.report.userdata = manager;
        options.report.redactor = manager->settings.redactor;
        options.report.packages = config->alerts.packages;
        options.report.host = config->alerts.host;
        options.report.spool = state_path("spool", spool, sizeof(spool)) > 0 ? spool : NULL;
        options.report.spool_bytes = config->alerts.spool_bytes;
        choose_style(manager->params, &options.report);
        r = pipeline_new(manager->settings.program, &options, &pipeline_sink, manager, &manager->pipeline);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the engine: %m");
                return EXIT_STATUS_FAILURE;
        }

        capture_settings_options(config, &capture_options);
        capture_options.keep = manager_keep_ends(&manager->keep);
        capture_options.learned_ring_bytes = manager_ring_read(manager);
        r = capture_new_bpf(&capture_options, &manager->settings.interest, &capture_sink, manager,
                            &manager->capture);
        if (r < 0)
                return exit_status_of_capture(r);    /* which has said why */
        manager_deny_begin(manager);
        capture_set_prefilter(manager->capture, manager->settings.prefilter);
        go_first(config->performance.priority);

        report_set_recorder(pipeline_report(manager->pipeline), manager_recorder_file, manager);
        manager_lists_begin(manager, NULL);
        status = manager_scripts_start(manager);
        if (status != 0)
                return status;

        r = manager_recorder_init(manager);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the recorder: %m");
                return EXIT_STATUS_FAILURE;
        }

        r = manager_metrics_new(manager, &manager->metrics);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the metrics: %m");
                return EXIT_STATUS_FAILURE;
        }

        r = add_output(manager);
        if (r < 0) {
                log_error_errno(r, "Cannot watch the standard output: %m");
                return EXIT_STATUS_FAILURE;
        }

        r = add_lookup(manager);
        if (r >= 0)
                r = add_duration(manager);
        if (r < 0) {
                log_error_errno(r, "Cannot set a timer: %m");
                return EXIT_STATUS_FAILURE;
        }
        return 0;
}

static void say_lines(const char *text) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                log_info("%.*s", (int)n, text);
                text += n + (text[n] == '\n');
        }
}

static void say_hello(const struct manager *manager) {
        char description[4096];

        log_info("execrayd " EXECRAY_VERSION " with %" PRIu32 " policies in %zu files",
                 manager->settings.program->n_paths, manager->settings.n_files);
        if (manager->settings.config.performance.profile != CONFIG_PROFILE_BALANCED)
                log_info("profile %s", config_profile_to_string(manager->settings.config.performance.profile));
        capture_describe(manager->capture, description, sizeof(description));
        say_lines(description);
        if (!manager->settings.config.alerts.redact)
                log_notice("Alerts show passwords and tokens: alerts.redact is off");
        manager_warn_untold(manager);
        log_info("watching; Ctrl-C ends it");
}

static void say_goodbye(struct manager *manager) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct capture_stats capture;
        struct pipeline_stats pipeline;

        capture_stats(manager->capture, &capture);
        pipeline_stats(manager->pipeline, &pipeline);
        summary_put(&capture, &pipeline, pipeline_report(manager->pipeline), clock_boottime_ns() - manager->started_ns,
                    &b);
        manager_governor_put(manager, &b);
        manager_recorder_put(manager, &b);
        manager_scripts_put(manager, &b);
        manager_deny_put(manager, &b);
        say_lines(strbuf_str(&b));
}

/* Programs, ring and what is known of processes and of open stories stay, for the next one. */
static void leave(struct manager *manager, int stories_fd) {
        _cleanup_(closep) int fd = manager_keep_write_table(manager->pipeline);
        int r;

        if (fd < 0)
                log_warning_errno(fd, "Cannot leave what is known of processes to the next one: %m");
        r = manager_deny_protect(manager);
        if (r < 0)
                log_warning_errno(
                        r, "Cannot tell the kernel who is protected until the next one does, those of before are: %m");
        capture_leave(manager->capture, fd, stories_fd);
}

/* The stream ends here, or another process reads on: then what was held back stays so. */
static int end_stream(struct manager *manager, bool has_heir) {
        int fd = has_heir ? manager_stories_write(manager) : -1;

        if (has_heir && fd < 0)
                log_warning_errno(fd, "Cannot leave open stories to the next process, they end: %m");
        if (fd >= 0)
                pipeline_leave(manager->pipeline);
        else
                pipeline_end(manager->pipeline);
        return fd;
}

int manager_run(const struct params *params) {
        _cleanup_(manager_done) struct manager manager = {.params = params, .generation = 1, .deadline_ns = UINT64_MAX};
        _cleanup_(closep) int stories_fd = -1;
        bool has_heir;
        int r;

        manager_keep_init(&manager.keep);
        r = manager_init(&manager);
        if (r != 0)
                return r;

        manager.started_ns = clock_boottime_ns();
        manager_stories_read(&manager);
        r = capture_start(manager.capture, manager.loop, manager.generation);
        if (r < 0)
                return exit_status_of_capture(r);
        manager_keep_store(&manager.keep);

        r = manager_deny_start(&manager);
        if (r != 0)
                return r;

        r = manager_governor_start(&manager);
        if (r < 0)
                log_warning_errno(r, "Cannot set the governor's timer, nothing is governed: %m");
        r = manager_control_init(&manager);
        if (r >= 0)
                r = manager_health_init(&manager);
        if (r < 0) {
                log_error_errno(r, "Cannot be asked anything: %m");
                return EXIT_STATUS_FAILURE;
        }
        manager_metrics_listen(&manager);
        manager_watch_update(&manager);
        say_hello(&manager);
        notify_watchdog(manager.loop);
        notify_ready();
        notify_status("Watching with %" PRIu32 " policies of generation %" PRIu64, manager.settings.program->n_paths,
                      manager.generation);

        /* Loading programs and compiling policies took memory and code that are not needed again. */
        (void)memory_settle();

        r = sd_event_loop(manager.loop);
        notify_stopping();
        if (r < 0) {
                log_error_errno(r, "The event loop failed: %m");
                manager.status = EXIT_STATUS_FAILURE;
        }

        /* What was on its way when we were told to end still counts. */
        capture_flush(manager.capture);
        for (int i = 0; i < DRAIN_ROUNDS && capture_dispatch(manager.capture, DRAIN_BATCH) > 0; i++)
                ;
        has_heir = manager.leaves && manager.status == EXIT_STATUS_SUCCESS && manager_keep_has_heir(&manager.keep);
        stories_fd = end_stream(&manager, has_heir);
        manager_scripts_drain(&manager);
        report_finish_output(pipeline_report(manager.pipeline));
        say_goodbye(&manager);
        if (has_heir)
                leave(&manager, stories_fd);
        return manager.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-scripts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/manager-lists.h"
#include "app/manager-private.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "response/response.h"

#define RETIRE_INTERVAL_NS (250 * NSEC_PER_MSEC)

/* The unit says where the service manager listens (units/execrayd-respond.socket); nobody else starts us with that. */
static const struct response_service *service_of(void) {
        static struct response_service service = {.listener = 1, .unit = "execrayd-respond@*.service"};

        service.path = secure_getenv("RESPOND_SOCKET");
        return service.path && service.path[0] == '/' ? &service : NULL;
}

static void options_of(const struct manager *manager, const struct settings *settings,
                       struct response_options *ret) {
        *ret = (struct response_options){
                .config = &settings->config,
                .program = settings->program,
                .places = manager->params->scripts,
                .n_places = manager->params->n_scripts,
                .service = service_of(),
                .loop = manager->loop,
        };
}

static void say(const char *text) {
        (void)fd_write_full(STDERR_FILENO, text, strlen(text));
}

/* ---- start ---- */

static void on_first_ready(int r, const char *messages, void *userdata) {
        say(messages);
        if (r == -ECHILD)
                log_error("The process that runs scripts %s", messages);
}

int manager_scripts_start(struct manager *manager) {
        static const struct response_sink sink = {.on_ready = on_first_ready, .on_list = manager_lists_on_list,
                                                   .on_storm = manager_enforce_on_storm};
        struct response_options options;
        int r;

        if (!response_is_needed(manager->settings.program, &manager->settings.config))
                return EXIT_STATUS_SUCCESS;
        options_of(manager, &manager->settings, &options);
        options.is_patient = options.service;   /* who watches needs nobody who responds */
        r = response_new(&options, &sink, manager, &manager->scripts.current);
        if (r >= 0)
                r = response_wait(manager->scripts.current);
        if (r == -EBADMSG) {
                log_error("The scripts are wrong, nothing is watched");
                return EXIT_STATUS_POLICIES;
        }
        if (r < 0) {
                log_error_errno(r, "Cannot start the process that runs scripts: %m");
                return EXIT_STATUS_FAILURE;
        }
        response_attach(manager->scripts.current, pipeline_report(manager->pipeline));
        return EXIT_STATUS_SUCCESS;
}

/* ---- reload ---- */

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;

        manager->scripts.on_settled(manager, manager->scripts.good);
        return 0;
}

static int set_timer(struct manager *manager, sd_event_source **source, uint64_t after_ns,
                     sd_event_time_handler_t handler) {
        *source = sd_event_source_disable_unref(*source);
        return sd_event_add_time_relative(manager->loop, source, CLOCK_BOOTTIME, after_ns / NSEC_PER_USEC, 1, handler,
                                          manager);
}

/* Called by the response itself: what follows may free it, so that waits for the loop. */
static void on_ready(int r, const char *messages, void *userdata) {
        struct manager *manager = userdata;

        strbuf_put(&manager->reload.messages, messages);
        say(messages);
        if (r == -ECHILD)
                log_error("The process that runs scripts %s", messages);
        manager->scripts.good = r >= 0;
        if (set_timer(manager, &manager->scripts.settled, 0, on_settled) < 0)
                log_error("Cannot set a timer: the reload does not end");
}

int manager_scripts_prepare(struct manager *manager, const struct settings *settings,
                            void (*on_done)(struct manager *manager, bool good)) {
        static const struct response_sink sink = {.on_ready = on_ready, .on_list = manager_lists_on_list,
                                                   .on_storm = manager_enforce_on_storm};
        struct response_options options;
        int r;

        if (!response_is_needed(settings->program, &settings->config))
                return 0;
        manager->scripts.on_settled = on_done;
        options_of(manager, settings, &options);
        r = response_new(&options, &sink, manager, &manager->scripts.candidate);
        if (r < 0)
                return log_error_errno(r, "Cannot start the process that runs scripts: %m");
        return 1;
}

static void add(struct response_stats *to, const struct response_stats *s) {
        to->n_asked += s->n_asked;
        to->n_answered += s->n_answered;
        to->n_late += s->n_late;
        to->n_lost += s->n_lost;
        to->n_full += s->n_full;
        to->n_down += s->n_down;
        to->n_large += s->n_large;
        to->n_fast += s->n_fast;
        to->n_failed += s->n_failed;
        to->n_actions += s->n_actions;
        to->n_starts += s->n_starts;
        to->n_steps_asked += s->n_steps_asked;
        to->n_steps_answered += s->n_steps_answered;
        to->n_steps_left += s->n_steps_left;
        to->n_waiting += s->n_waiting;
        to->latency_max_ns = MAX(to->latency_max_ns, s->latency_max_ns);
        if (s->notice[0])
                memcpy(to->notice, s->notice, sizeof(to->notice));
}

static void free_retiring(struct manager_scripts *scripts) {
        struct response_stats stats;

        if (!scripts->retiring)
                return;
        response_stats(scripts->retiring, &stats);
        stats.n_lost += stats.n_waiting;
        stats.n_waiting = 0;
        add(&scripts->past, &stats);
        scripts->retiring = response_free(scripts->retiring);
}

void manager_scripts_stats(const struct manager *manager, struct response_stats *ret) {
        const struct manager_scripts *scripts = &manager->scripts;
        struct response_stats stats;

        *ret = scripts->past;
        if (scripts->retiring) {
                response_stats(scripts->retiring, &stats);
                add(ret, &stats);
        }
        if (scripts->current) {
                response_stats(scripts->current, &stats);
                add(ret, &stats);
                ret->pid = stats.pid;
                ret->is_service = stats.is_service;
        }
}

static int on_retire(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        struct manager_scripts *scripts = &manager->scripts;

        if (scripts->retiring && !response_finish(scripts->retiring))
                return set_timer(manager, &scripts->retire, RETIRE_INTERVAL_NS, on_retire);
        free_retiring(scripts);
        return 0;
}

void manager_scripts_take_over(struct manager *manager) {
        struct manager_scripts *scripts = &manager->scripts;

        free_retiring(scripts);
        scripts->retiring = scripts->current;
        scripts->current = TAKE_PTR(scripts->candidate);
        if (scripts->retiring) {
                response_detach(scripts->retiring);
                report_set_hold(pipeline_report(manager->pipeline), NULL);
                if (set_timer(manager, &scripts->retire, 0, on_retire) < 0)
                        free_retiring(scripts);
        }
        if (scripts->current)
                response_attach(scripts->current, pipeline_report(manager->pipeline));
}

void manager_scripts_abandon(struct manager *manager) {
        manager->scripts.candidate = response_free(manager->scripts.candidate);
}

/* ---- the end ---- */

void manager_scripts_drain(struct manager *manager) {
        if (manager->scripts.retiring)
                response_drain(manager->scripts.retiring);
        if (manager->scripts.current)
                response_drain(manager->scripts.current);
}

void manager_scripts_done(struct manager *manager) {
        struct manager_scripts *scripts = &manager->scripts;

        sd_event_source_disable_unref(scripts->settled);
        sd_event_source_disable_unref(scripts->retire);
        response_free(scripts->candidate);
        response_free(scripts->retiring);
        response_free(scripts->current);
        *scripts = (struct manager_scripts){};
}

void manager_scripts_put(const struct manager *manager, struct strbuf *b) {
        struct response_stats stats;

        manager_scripts_stats(manager, &stats);
        if (manager->scripts.current || stats.n_starts > 0)
                response_put(&stats, b);
}

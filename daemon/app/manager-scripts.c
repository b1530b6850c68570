/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-scripts.h"

#include <errno.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "response/response.h"

#define RETIRE_INTERVAL_NS (250 * NSEC_PER_MSEC)

static void options_of(const struct manager *manager, const struct settings *settings,
                       struct response_options *ret) {
        *ret = (struct response_options){
                .config = &settings->config,
                .places = manager->params->scripts,
                .n_places = manager->params->n_scripts,
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
        static const struct response_sink sink = {.on_ready = on_first_ready};
        struct response_options options;
        int r;

        if (!response_is_needed(manager->settings.program, &manager->settings.config))
                return EXIT_STATUS_SUCCESS;
        options_of(manager, &manager->settings, &options);
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
        static const struct response_sink sink = {.on_ready = on_ready};
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

static int on_retire(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        struct manager_scripts *scripts = &manager->scripts;

        if (scripts->retiring && !response_is_idle(scripts->retiring))
                return set_timer(manager, &scripts->retire, RETIRE_INTERVAL_NS, on_retire);
        scripts->retiring = response_free(scripts->retiring);
        return 0;
}

void manager_scripts_take_over(struct manager *manager) {
        struct manager_scripts *scripts = &manager->scripts;

        response_free(scripts->retiring);
        scripts->retiring = scripts->current;
        scripts->current = TAKE_PTR(scripts->candidate);
        if (scripts->retiring) {
                response_detach(scripts->retiring);
                report_set_hold(pipeline_report(manager->pipeline), NULL);
                if (set_timer(manager, &scripts->retire, 0, on_retire) < 0)
                        scripts->retiring = response_free(scripts->retiring);
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
        if (manager->scripts.current)
                response_put(manager->scripts.current, b);
}

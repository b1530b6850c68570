/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "config/config.h"
#include "report/alert-response.h"
#include "report/report.h"
#include "response/response-private.h"

/* ---- time ---- */

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct alert_response late = {.state = ALERT_RESPONSE_LATE};
        struct response *response = userdata;
        uint64_t now_ns = clock_boottime_ns();

        struct flight *flight;

        while ((flight = flights_next_untold(&response->flights)) &&
               nsec_add(flight->sent_ns, response->timeout_ns) <= now_ns) {
                response->stats.n_late++;
                response_tell(response, flight, &late);
        }
        response_set_late(response);
        return 0;
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        response_go_down(userdata, "has not answered for longer than scripts.patience and was ended");
        return 0;
}

static void on_failed(struct response *response, int r) {
        log_warning_errno(r, "Cannot start the process that runs scripts: %m");
        response_go_down(response, "could not be started");
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata) {
        struct response *response = userdata;
        int r = response_start_process(response);

        if (r < 0)
                on_failed(response, r);
        return 0;
}

/* ---- the whole ---- */

static int add_timer(struct response *response, sd_event_time_handler_t handler, sd_event_source **ret) {
        int r = sd_event_add_time(response->loop, ret, CLOCK_BOOTTIME, UINT64_MAX, 1, handler, response);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int take_service(struct response *response, const struct response_service *service) {
        if (!service)
                return 0;
        response->stats.is_service = true;
        response->service.listener = service->listener;
        response->service.path = strdup(service->path);
        response->service.unit = service->unit ? strdup(service->unit) : NULL;
        return !response->service.path || (service->unit && !response->service.unit) ? -ENOMEM : 0;
}

int response_new(const struct response_options *options, const struct response_sink *sink, void *userdata,
                 struct response **ret) {
        _cleanup_(response_freep) struct response *response = NULL;
        int r;

        assert(options && options->config && options->loop && ret);

        response = calloc(1, sizeof(*response));
        if (!response)
                return -ENOMEM;
        response->fd = response->pidfd = -1;
        flights_init(&response->flights);
        response->loop = sd_event_ref(options->loop);
        response->sink = sink ? *sink : (struct response_sink){};
        response->userdata = userdata;
        response->enriches_all = options->config->scripts.enrich.n > 0;
        response->timeout_ns = options->config->scripts.enrich_timeout_ns;
        response->patience_ns = options->config->scripts.patience_ns;
        response->max_flights = options->config->scripts.queue;
        response->limit = (struct log_limit)LOG_ONCE_A_MINUTE;
        response->is_patient = options->is_patient;
        if (options->executable) {
                response->executable = strdup(options->executable);
                if (!response->executable)
                        return -ENOMEM;
        }
        r = take_service(response, options->service);
        if (r < 0)
                return r;

        response_put_setup(response, options);
        r = response->setup.error;
        if (r >= 0)
                r = add_timer(response, on_late, &response->late);
        if (r >= 0)
                r = add_timer(response, on_restart, &response->restart);
        if (r >= 0)
                r = add_timer(response, on_patience, &response->patience);
        if (r < 0)
                return r;
        r = response_start_process(response);
        if (r < 0 && !response->is_patient)
                return r;
        if (r < 0)
                on_failed(response, r);
        *ret = TAKE_PTR(response);
        return 0;
}

struct response *response_free(struct response *response) {
        if (!response)
                return NULL;
        response_end_process(response);
        response_lose_all(response);
        if (response->attached)
                report_set_hold(response->report, NULL);
        sd_event_source_disable_unref(response->late);
        sd_event_source_disable_unref(response->restart);
        sd_event_source_disable_unref(response->patience);
        sd_event_unref(response->loop);
        response_forget_storms(response);
        strbuf_done(&response->setup);
        strbuf_done(&response->packet);
        free(response->executable);
        free((char *)response->service.path);
        free((char *)response->service.unit);
        free(response);
        return NULL;
}

int response_wait(struct response *response) {
        uint64_t end_ns = nsec_add(clock_boottime_ns(), response->patience_ns);

        while (!response->answered) {
                struct pollfd fd = {.fd = response->fd, .events = POLLIN};
                uint64_t left_ns = nsec_sub(end_ns, clock_boottime_ns());
                int r = poll(&fd, 1, (int)MIN(left_ns / NSEC_PER_MSEC, (uint64_t)INT32_MAX));

                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r == 0)
                        response_go_down(response, "did not begin within scripts.patience and was ended");
                else if (r > 0)
                        (void)response_take_packet(response);
        }
        return response->ready;
}

void response_drain(struct response *response) {
        while (response->flights.untold && response->fd >= 0) {
                uint64_t end_ns = nsec_add(response->flights.untold->sent_ns, response->timeout_ns);
                struct pollfd fd = {.fd = response->fd, .events = POLLIN};
                uint64_t left_ns = nsec_sub(end_ns, clock_boottime_ns());
                int r = poll(&fd, 1, (int)MIN((left_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, (uint64_t)INT32_MAX));

                if (r < 0 && errno != EINTR)
                        return;
                if (r == 0)
                        (void)on_late(NULL, 0, response);
                else if (r > 0)
                        (void)response_take_packet(response);
        }
}

void response_stats(const struct response *response, struct response_stats *ret) {
        *ret = response->stats;
        ret->n_waiting = response->flights.n;
        ret->pid = response->pid;
}

void response_put(const struct response_stats *s, struct strbuf *b) {
        char text[FORMAT_DURATION_MAX];

        format_duration(text, s->latency_max_ns);
        strbuf_printf(b,
                      "scripts: %" PRIu64 " alerts asked, %" PRIu64 " answered (%" PRIu64
                      " within 5 ms, slowest %s), %" PRIu64 " with errors, %" PRIu64 " actions; told without: %" PRIu64
                      " late, %" PRIu64 " lost, %" PRIu64 " full, %" PRIu64 " down, %" PRIu64 " large; %" PRIu64
                      " starts\n",
                      s->n_asked, s->n_answered, s->n_fast, text, s->n_failed, s->n_actions, s->n_late, s->n_lost,
                      s->n_full, s->n_down, s->n_large, s->n_starts);
        if (s->n_steps_asked + s->n_steps_left > 0)
                strbuf_printf(b,
                              "scripts: %" PRIu64 " steps asked about, %" PRIu64 " answered, %" PRIu64
                              " left out\n",
                              s->n_steps_asked, s->n_steps_answered, s->n_steps_left);
}

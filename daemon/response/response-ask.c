/* SPDX-License-Identifier: Apache-2.0 */

/* For the report: who is asked about what. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "report/alert.h"
#include "report/report.h"
#include "response/response-packets.h"
#include "response/response-private.h"

#define MAX_PROCESSES (1 + ALERT_MAX_ANCESTORS + MATCH_MAX_STEPS)

static bool wants(const struct match *match, void *userdata) {
        const struct response *response = userdata;

        return response->enriches_all || match->path->respond.n > 0;
}

/* Asked before anything is put into words: an attacker may make many steps. */
static bool wants_step(const struct match *match, void *userdata) {
        struct response *response = userdata;

        if (response->state == STATE_READY && response->flights.n < response->max_flights &&
            response->flights.n_steps < (response->max_flights + 1) / 2)
                return true;
        response->stats.n_steps_left++;
        log_limited(&response->limit, LOG_WARNING, 0, "Scripts are not asked about a step: %s",
                    response->state == STATE_READY ? "too many wait (scripts.queue)" : "their process is not there");
        return false;
}

static struct flight *flight_new(uint64_t id, const struct match *match) {
        struct flight *flight = calloc(1, sizeof(*flight));

        if (!flight)
                return NULL;
        flight->id = id;
        flight->number = match->number;
        if (match->taken) {
                flight->step = match->taken->number;
                flight->told = true;
        }
        flight->generation = match->program->header->generation;
        flight->sent_ns = clock_boottime_ns();
        snprintf(flight->policy, sizeof(flight->policy), "%.*s", (int)match->path->name.length,
                 program_text(match->program, match->path->name));
        return flight;
}

static void put_alert(struct response *response, const struct flight *flight, const struct match *match,
                      const struct alert *alert, const char *json, size_t n) {
        const struct program_range responders = match->taken ? match->taken->respond : match->path->respond;
        char texts[RESPONSE_MAX_RESPONDERS][SCRIPT_MAX_NAME + PROGRAM_MAX_SLOTS + 1];
        struct script_process processes[MAX_PROCESSES];
        struct response_alert out = {
                .policy = flight->policy,
                .number = flight->number,
                .generation = flight->generation,
                .step = flight->step,
                .json = json,
                .n_json = n,
                .processes = processes,
        };

        for (uint32_t i = 0; i < responders.n && i < RESPONSE_MAX_RESPONDERS; i++) {
                struct program_string text = match->program->texts[responders.first + i];

                snprintf(texts[i], sizeof(texts[i]), "%.*s", (int)text.length, program_text(match->program, text));
                out.responders[out.n_responders++] = texts[i];
        }
        out.n_processes = MIN(response_processes(alert, processes, ELEMENTSOF(processes)), ELEMENTSOF(processes));
        response_put_alert(flight->id, &out, &response->packet);
}

static int ask(uint64_t id, const struct match *match, const struct alert *alert, const char *json, size_t n,
               void *userdata) {
        struct response *response = userdata;
        struct flight *flight;
        ssize_t sent;

        if (response->state != STATE_READY) {
                response->stats.n_down++;
                return ALERT_RESPONSE_DOWN;
        }
        flight = response->flights.n < response->max_flights ? flight_new(id, match) : NULL;
        if (!flight) {
                response->stats.n_full++;
                log_limited(&response->limit, LOG_WARNING, 0, "Too many alerts wait for scripts (scripts.queue)");
                return ALERT_RESPONSE_FULL;
        }

        put_alert(response, flight, match, alert, json, n);
        sent = response->packet.error < 0 ? -1
                                          : send(response->fd, response->packet.data, response->packet.n,
                                                 MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
                bool full = response->packet.error >= 0 && errno != EMSGSIZE;

                free(flight);
                if (match->taken)
                        response->stats.n_steps_left++;
                else if (full)
                        response->stats.n_full++;
                else
                        response->stats.n_large++;
                return full ? ALERT_RESPONSE_FULL : ALERT_RESPONSE_LARGE;
        }

        response->stats.n_asked += flight->step == 0;
        response->stats.n_steps_asked += flight->step > 0;
        flights_add(&response->flights, flight);
        if (response->flights.untold == flight)
                response_set_late(response);
        if (response->flights.first == flight)
                response_set_patience(response);
        return 0;
}

void response_attach(struct response *response, struct report *report) {
        const struct report_hold hold = {
                .wants = wants, .ask = ask, .wants_step = wants_step, .userdata = response};

        response->report = report;
        response->attached = true;
        report_set_hold(report, &hold);
}

void response_detach(struct response *response) {
        response->attached = false;
}

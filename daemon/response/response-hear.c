/* SPDX-License-Identifier: Apache-2.0 */

/* What the process says. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "report/alert.h"
#include "report/message-ids.h"
#include "report/report.h"
#include "response/response-packets.h"
#include "response/response-private.h"

#define FAST_NS (5 * NSEC_PER_MSEC)

/* Is there anything that is worth an entry? Steps may be many. */
static bool says_something(const struct alert_response *answer) {
        return answer->state != ALERT_RESPONSE_ANSWERED || answer->n_fields > 0 || answer->n_actions > 0 ||
               answer->n_errors > 0 || answer->n_lines > 0 || answer->has_severity || answer->suppressed;
}

void response_tell(struct response *response, struct flight *flight, const struct alert_response *answer) {
        const struct report_told told = {
                .number = flight->number,
                .generation = flight->generation,
                .policy = flight->policy,
                .step = flight->step,
        };

        if (flight->step > 0 && !says_something(answer))
                return;
        if (!flight->told)
                (void)report_release(response->report, flight->id, answer);
        else
                report_answer(response->report, &told, answer);
        flight->told = true;
}

static void on_answer(struct response *response, const struct response_message *message) {
        struct flight **place = flights_find(&response->flights, message->id);
        struct alert_response answer;
        uint64_t latency_ns;

        if (!place || response_parse_answer(*message, &answer) < 0) {
                response_go_down(response, "has answered what nobody asked and was ended");
                return;
        }
        response->stats.n_answered += (*place)->step == 0;
        response->stats.n_steps_answered += (*place)->step > 0;
        response->stats.n_failed += answer.n_errors > 0;
        latency_ns = nsec_sub(clock_boottime_ns(), (*place)->sent_ns);
        response->stats.latency_max_ns = MAX(response->stats.latency_max_ns, latency_ns);
        response->stats.n_fast += latency_ns <= FAST_NS;
        response_tell(response, *place, &answer);
        flights_end(&response->flights, place);
        response_set_late(response);
        response_set_patience(response);
}

static void on_action(struct response *response, struct response_message message) {
        const char *policy = "", *what = "", *outcome = "", *text = "";
        char number[24] = "0", generation[24] = "0", step[24] = "";
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct response_item item;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_POLICY)
                        policy = item.bytes;
                else if (item.tag == RESPONSE_WHAT)
                        what = item.bytes;
                else if (item.tag == RESPONSE_RESULT)
                        outcome = item.bytes;
                else if (item.tag == RESPONSE_TEXT)
                        text = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        snprintf(number, sizeof(number), "%" PRIu64, response_item_u64(&item));
                else if (item.tag == RESPONSE_STEP)
                        snprintf(step, sizeof(step), "%" PRIu64, response_item_u64(&item));
                else if (item.tag == RESPONSE_GENERATION)
                        snprintf(generation, sizeof(generation), "%" PRIu64, response_item_u64(&item));

        response->stats.n_actions++;
        strbuf_put_text(&b, policy, strlen(policy));
        if (step[0])
                strbuf_printf(&b, " step %s: ", step);
        else
                strbuf_printf(&b, " #%s: ", number);
        strbuf_put_text(&b, what, strlen(what));
        strbuf_put(&b, ": ");
        strbuf_put_text(&b, outcome, strlen(outcome));
        strbuf_put(&b, ": ");
        strbuf_put_text(&b, text, strlen(text));
        if (!response->report ||
            report_notice(response->report, MESSAGE_ID_ACTION, LOG_NOTICE, strbuf_str(&b),
                          (const struct report_field[]){{"EXECRAY_POLICY", policy},
                                                        {"EXECRAY_NUMBER", number},
                                                        {"EXECRAY_GENERATION", generation},
                                                        {"EXECRAY_ACTION", what},
                                                        {"EXECRAY_OUTCOME", outcome},
                                                        {"EXECRAY_STEP", step}},
                          step[0] ? 6 : 5) <= 0)
                log_notice("%s", strbuf_str(&b));
}

static void on_list(struct response *response, struct response_message message) {
        const char *list = NULL, *value = NULL;
        struct response_item item;
        uint64_t until_ns = 0;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_NAME)
                        list = item.bytes;
                else if (item.tag == RESPONSE_TEXT)
                        value = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        until_ns = response_item_u64(&item);
        if (response->sink.on_list)
                response->sink.on_list(value ? list : NULL, value, until_ns, response->userdata);
}

static void on_storm(struct response *response, struct response_message message) {
        struct response_item item;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_NAME) {
                        response_remember_storm(response, item.bytes, item.flag == 0);
                        if (response->sink.on_storm)
                                response->sink.on_storm(item.bytes, item.flag == 0, response->userdata);
                }
}

/* The texts of a message, one after the other. */
static void put_texts(struct response_message message, struct strbuf *b) {
        struct response_item item;

        while (response_message_next(&message, &item)) {
                const char *line = item.bytes;

                if (item.tag != RESPONSE_TEXT)
                        continue;
                for (size_t n; *line; line += n + (line[n] == '\n')) {
                        if (*line == '\t') {
                                strbuf_put(b, "        ");
                                line++;
                        }
                        n = strcspn(line, "\n");
                        strbuf_put_text(b, line, n);
                        strbuf_put_char(b, '\n');
                }
        }
}

void response_hear(struct response *response, const struct response_message *message) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        switch (message->type) {
        case RESPONSE_READY:
                if (response->state != STATE_STARTING)
                        break;
                put_texts(*message, &text);
                response->state = STATE_READY;
                response_stop_timer(response->patience);
                response_call_ready(response, 0, strbuf_str(&text));
                return;
        case RESPONSE_REFUSED:
                if (response->state != STATE_STARTING)
                        break;
                put_texts(*message, &text);
                if (response->answered)
                        log_warning("Scripts have changed and are wrong now: %s", strbuf_str(&text));
                response_end_process(response);
                response->state = STATE_DOWN;
                if (response->answered)
                        response_set_timer(response->restart, nsec_add(clock_boottime_ns(), RESPONSE_BACKOFF_MAX_NS));
                response_call_ready(response, -EBADMSG, strbuf_str(&text));
                return;
        case RESPONSE_ANSWER:
                if (response->state != STATE_READY)
                        break;
                on_answer(response, message);
                return;
        case RESPONSE_ACTION:
                on_action(response, *message);
                return;
        case RESPONSE_NOTICE:
                put_texts(*message, &text);
                if (text.n > 0)
                        strbuf_truncate(&text, text.n - 1);
                log_notice("Scripts: %s", strbuf_str(&text));
                snprintf(response->stats.notice, sizeof(response->stats.notice), "%s", strbuf_str(&text));
                return;
        case RESPONSE_LIST:
                on_list(response, *message);
                return;
        case RESPONSE_STORM:
                on_storm(response, *message);
                return;
        case RESPONSE_SETUP:
        case RESPONSE_ALERT:
        case _RESPONSE_TYPE_MAX:
                break;
        }
        response_go_down(response, "says what makes no sense and was ended");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-response.h"

#include <string.h>

#include "base/macro.h"
#include "base/strbuf.h"

const char *alert_response_state_to_string(enum alert_response_state state) {
        switch (state) {
        case ALERT_RESPONSE_ANSWERED: return "answered";
        case ALERT_RESPONSE_LATE: return "late";
        case ALERT_RESPONSE_LOST: return "lost";
        case ALERT_RESPONSE_FULL: return "full";
        case ALERT_RESPONSE_DOWN: return "down";
        case ALERT_RESPONSE_LARGE: return "large";
        case _ALERT_RESPONSE_STATE_MAX: break;
        }
        return NULL;
}

static const char *sentence(enum alert_response_state state) {
        switch (state) {
        case ALERT_RESPONSE_ANSWERED: return NULL;
        case ALERT_RESPONSE_LATE: return "scripts have not answered in time";
        case ALERT_RESPONSE_LOST: return "the process that runs scripts has ended before it answered";
        case ALERT_RESPONSE_FULL: return "too many alerts wait for scripts, this one does not";
        case ALERT_RESPONSE_DOWN: return "the process that runs scripts is not there";
        case ALERT_RESPONSE_LARGE: return "it is larger than what scripts are given";
        case _ALERT_RESPONSE_STATE_MAX: break;
        }
        return NULL;
}

static void put_pair(struct strbuf *b, const char *key, const char *value, bool first) {
        if (!first)
                strbuf_put_char(b, ',');
        strbuf_put_json_str(b, key);
        strbuf_put_char(b, ':');
        strbuf_put_json_str(b, value);
}

void alert_response_put_json(const struct alert_response *response, struct strbuf *b) {
        strbuf_put_char(b, '{');
        put_pair(b, "state", alert_response_state_to_string(response->state), true);

        strbuf_put(b, ",\"fields\":{");
        for (size_t i = 0; i < response->n_fields; i++)
                put_pair(b, response->fields[i].name, response->fields[i].value, i == 0);

        strbuf_put(b, "},\"actions\":[");
        for (size_t i = 0; i < response->n_actions; i++) {
                const struct alert_response_action *action = response->actions + i;

                strbuf_put(b, i > 0 ? ",{" : "{");
                put_pair(b, "responder", action->responder, true);
                put_pair(b, "action", action->what, false);
                put_pair(b, "state", action->state, false);
                put_pair(b, "result", action->result, false);
                strbuf_put_char(b, '}');
        }

        strbuf_put(b, "],\"errors\":[");
        for (size_t i = 0; i < response->n_errors; i++) {
                strbuf_put(b, i > 0 ? ",{" : "{");
                put_pair(b, "responder", response->errors[i].responder, true);
                put_pair(b, "error", response->errors[i].text, false);
                strbuf_put_char(b, '}');
        }
        strbuf_put_char(b, ']');

        if (response->n_lines > 0) {
                strbuf_put(b, ",\"log\":[");
                for (size_t i = 0; i < response->n_lines; i++) {
                        strbuf_put(b, i > 0 ? "," : "");
                        strbuf_put_json_str(b, response->lines[i]);
                }
                strbuf_put_char(b, ']');
        }
        if (response->has_severity)
                put_pair(b, "severity", severity_to_string(response->severity), false);
        if (response->suppressed)
                put_pair(b, "suppressed", response->suppressed, false);
        if (response->n_left_out > 0) {
                strbuf_put(b, ",\"left_out\":");
                strbuf_put_u64(b, response->n_left_out);
        }
        strbuf_put_char(b, '}');
}

static void put_line(struct strbuf *b, const char *text, size_t n) {
        strbuf_put_text(b, text, n);
        strbuf_put_char(b, '\n');
}

/* A text of several lines stays one, each harmless and further in. */
static void put_lines(struct strbuf *b, const char *text) {
        for (bool first = true; *text; first = false) {
                size_t n = strcspn(text, "\n");

                if (!first)
                        strbuf_put(b, "         ");
                for (; n > 0 && *text == '\t'; n--, text++)
                        strbuf_put(b, "  ");
                put_line(b, text, n);
                text += n + (text[n] == '\n');
        }
}

void alert_response_put_text(const struct alert_response *response, struct strbuf *b) {
        const char *why = sentence(response->state);

        if (why)
                strbuf_printf(b, "  lua    %s\n", why);
        for (size_t i = 0; i < response->n_fields; i++) {
                strbuf_put(b, "  lua    ");
                strbuf_put_text(b, response->fields[i].name, strlen(response->fields[i].name));
                strbuf_put(b, " = ");
                put_line(b, response->fields[i].value, strlen(response->fields[i].value));
        }
        for (size_t i = 0; i < response->n_actions; i++) {
                const struct alert_response_action *action = response->actions + i;

                strbuf_put(b, "  lua    ");
                strbuf_put_text(b, action->responder, strlen(action->responder));
                strbuf_put(b, ": ");
                strbuf_put_text(b, action->what, strlen(action->what));
                strbuf_printf(b, ": %s: ", action->state);
                put_line(b, action->result, strlen(action->result));
        }
        for (size_t i = 0; i < response->n_lines; i++) {
                strbuf_put(b, "  lua    ");
                put_line(b, response->lines[i], strlen(response->lines[i]));
        }
        if (response->suppressed) {
                strbuf_put(b, "  lua    suppressed: ");
                put_line(b, response->suppressed, strlen(response->suppressed));
        }
        for (size_t i = 0; i < response->n_errors; i++) {
                strbuf_put(b, "  lua    ");
                strbuf_put_text(b, response->errors[i].responder, strlen(response->errors[i].responder));
                strbuf_put(b, " failed: ");
                put_lines(b, response->errors[i].text);
        }
}

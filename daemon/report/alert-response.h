/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert response - what scripts had to say about an alert, and what became of what they asked for: a part of the alert
 * if it came in time, else told after it. Plain data; texts are as the scripts had them, and each form escapes them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program/program.h"

#define ALERT_RESPONSE_MAX_FIELDS 32
#define ALERT_RESPONSE_MAX_ACTIONS 16
#define ALERT_RESPONSE_MAX_ERRORS 8
#define ALERT_RESPONSE_MAX_LINES 16

enum alert_response_state {
        ALERT_RESPONSE_ANSWERED,
        ALERT_RESPONSE_LATE,            /* the alert did not wait any longer; the rest is told after it */
        ALERT_RESPONSE_LOST,            /* the process that runs scripts ended before it answered */
        ALERT_RESPONSE_FULL,            /* too many alerts waited already */
        ALERT_RESPONSE_DOWN,            /* the process is not there, it will be started again */
        ALERT_RESPONSE_LARGE,           /* the alert is larger than what scripts are given */
        _ALERT_RESPONSE_STATE_MAX
};

struct alert_response_field {
        const char *name, *value;
};

struct alert_response_action {
        const char *responder, *what, *state, *result;
};

struct alert_response_error {
        const char *responder, *text;
};

struct alert_response {
        enum alert_response_state state;
        struct alert_response_field fields[ALERT_RESPONSE_MAX_FIELDS];
        struct alert_response_action actions[ALERT_RESPONSE_MAX_ACTIONS];
        struct alert_response_error errors[ALERT_RESPONSE_MAX_ERRORS];
        const char *lines[ALERT_RESPONSE_MAX_LINES];
        size_t n_fields, n_actions, n_errors, n_lines;
        bool has_severity;
        enum severity severity;         /* in the place of the policy's */
        const char *suppressed;         /* why; NULL: it is not */
        uint64_t n_left_out;            /* of all of these */
};

const char *alert_response_state_to_string(enum alert_response_state state);

struct strbuf;

/* As the value of a key in JSON, as lines for people (each indented and ended). */
void alert_response_put_json(const struct alert_response *response, struct strbuf *b);
void alert_response_put_text(const struct alert_response *response, struct strbuf *b);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response packets - what is said in the messages: an alert on the way to scripts, and their answer on the way back.
 * Pure: bytes in, plain data out, which borrows from the bytes. Whatever they hold, it is bounded. */

#include "report/alert-response.h"
#include "response/response-message.h"
#include "script/script-answer.h"
#include "script/script-value.h"

struct alert;

#define RESPONSE_MAX_RESPONDERS 64

struct response_alert {
        const char *responders[RESPONSE_MAX_RESPONDERS];        /* "notify", "kill $shell" */
        size_t n_responders;
        const char *policy, *json;
        size_t n_json;
        const struct script_process *processes;
        size_t n_processes;
        uint64_t number, generation;
        uint32_t step;                  /* no alert: this step was taken; else 0 */
};

void response_put_alert(uint64_t id, const struct response_alert *alert, struct strbuf *b);

/* -EBADMSG: something is missing. */
int response_parse_alert(struct response_message message, struct response_alert *ret);

void response_put_answer(uint64_t id, const struct script_answer *answer, struct strbuf *b);
int response_parse_answer(struct response_message message, struct alert_response *ret);

/* The processes of an alert in the order of script_value_set_processes(). Writes at most n, returns how many there
 * are. */
size_t response_processes(const struct alert *alert, struct script_process *ret, size_t n);

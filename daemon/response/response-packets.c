/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-packets.h"

#include <errno.h>
#include <string.h>

#include "report/alert.h"

_Static_assert(SCRIPT_ANSWER_MAX_FIELDS <= ALERT_RESPONSE_MAX_FIELDS &&
                       SCRIPT_ANSWER_MAX_ACTIONS <= ALERT_RESPONSE_MAX_ACTIONS &&
                       SCRIPT_ANSWER_MAX_ERRORS <= ALERT_RESPONSE_MAX_ERRORS &&
                       SCRIPT_ANSWER_MAX_LINES <= ALERT_RESPONSE_MAX_LINES,
               "what scripts say fits into an alert");

void response_put_alert(uint64_t id, const struct response_alert *alert, struct strbuf *b) {
        response_message_begin(b, RESPONSE_ALERT, id);
        response_message_put_text(b, RESPONSE_POLICY, 0, alert->policy);
        response_message_put_u64(b, RESPONSE_NUMBER, alert->number);
        response_message_put_u64(b, RESPONSE_GENERATION, alert->generation);
        if (alert->step > 0)
                response_message_put_u64(b, RESPONSE_STEP, alert->step);
        for (size_t i = 0; i < alert->n_responders; i++)
                response_message_put_text(b, RESPONSE_RESPONDER, 0, alert->responders[i]);
        response_message_put(b, RESPONSE_PROCESSES, 0, alert->processes,
                             alert->n_processes * sizeof(*alert->processes));
        response_message_put(b, RESPONSE_JSON, 0, alert->json, alert->n_json);
        response_message_end(b);
}

int response_parse_alert(struct response_message message, struct response_alert *ret) {
        struct response_item item;

        *ret = (struct response_alert){};
        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_POLICY)
                        ret->policy = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        ret->number = response_item_u64(&item);
                else if (item.tag == RESPONSE_GENERATION)
                        ret->generation = response_item_u64(&item);
                else if (item.tag == RESPONSE_STEP)
                        ret->step = (uint32_t)response_item_u64(&item);
                else if (item.tag == RESPONSE_RESPONDER && ret->n_responders < RESPONSE_MAX_RESPONDERS)
                        ret->responders[ret->n_responders++] = item.bytes;
                else if (item.tag == RESPONSE_PROCESSES) {
                        ret->processes = (const struct script_process *)item.bytes;
                        ret->n_processes = item.length / sizeof(*ret->processes);
                } else if (item.tag == RESPONSE_JSON) {
                        ret->json = item.bytes;
                        ret->n_json = item.length;
                }
        return message.type == RESPONSE_ALERT && ret->policy && ret->json ? 0 : -EBADMSG;
}

void response_put_answer(uint64_t id, const struct script_answer *answer, struct strbuf *b) {
        response_message_begin(b, RESPONSE_ANSWER, id);
        response_message_put_u64(b, RESPONSE_NUMBER, answer->n_left_out);
        for (size_t i = 0; i < answer->n_fields; i++) {
                response_message_put_text(b, RESPONSE_FIELD_NAME, 0, answer->fields[i].name);
                response_message_put_text(b, RESPONSE_FIELD_VALUE, 0, answer->fields[i].value);
        }
        for (size_t i = 0; i < answer->n_actions; i++) {
                const struct script_answer_action *action = answer->actions + i;

                response_message_put_text(b, RESPONSE_WHO, 0, action->responder);
                response_message_put_text(b, RESPONSE_WHAT, (uint16_t)action->state, action->what);
                response_message_put_text(b, RESPONSE_RESULT, 0, action->result);
        }
        for (size_t i = 0; i < answer->n_errors; i++) {
                response_message_put_text(b, RESPONSE_WHO, 0, answer->errors[i].responder);
                response_message_put_text(b, RESPONSE_ERROR, 0, answer->errors[i].text);
        }
        for (size_t i = 0; i < answer->n_lines; i++)
                response_message_put_text(b, RESPONSE_LINE, 0, answer->lines[i]);
        if (answer->severity)
                response_message_put_text(b, RESPONSE_SEVERITY, 0, answer->severity);
        if (answer->suppressed)
                response_message_put_text(b, RESPONSE_SUPPRESSED, 0, answer->suppressed);
        response_message_end(b);
}

static void parse_severity(const char *word, struct alert_response *ret) {
        for (int i = 0; i < _SEVERITY_MAX; i++)
                if (streq(word, severity_to_string((enum severity)i))) {
                        ret->severity = (enum severity)i;
                        ret->has_severity = true;
                }
}

int response_parse_answer(struct response_message message, struct alert_response *ret) {
        const char *name = NULL, *who = NULL, *what = NULL, *state = NULL;
        struct response_item item;

        *ret = (struct alert_response){.state = ALERT_RESPONSE_ANSWERED};
        if (message.type != RESPONSE_ANSWER)
                return -EBADMSG;
        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_FIELD_NAME)
                        name = item.bytes;
                else if (item.tag == RESPONSE_WHO)
                        who = item.bytes;
                else if (item.tag == RESPONSE_WHAT) {
                        what = item.bytes;
                        state = script_action_state_to_string((enum script_action_state)item.flag);
                } else if (item.tag == RESPONSE_FIELD_VALUE && name && ret->n_fields < ALERT_RESPONSE_MAX_FIELDS) {
                        ret->fields[ret->n_fields++] = (struct alert_response_field){name, item.bytes};
                        name = NULL;
                } else if (item.tag == RESPONSE_RESULT && who && what && state &&
                           ret->n_actions < ALERT_RESPONSE_MAX_ACTIONS) {
                        ret->actions[ret->n_actions++] =
                                (struct alert_response_action){who, what, state, item.bytes};
                        who = what = state = NULL;
                } else if (item.tag == RESPONSE_ERROR && who && ret->n_errors < ALERT_RESPONSE_MAX_ERRORS) {
                        ret->errors[ret->n_errors++] = (struct alert_response_error){who, item.bytes};
                        who = NULL;
                } else if (item.tag == RESPONSE_LINE && ret->n_lines < ALERT_RESPONSE_MAX_LINES)
                        ret->lines[ret->n_lines++] = item.bytes;
                else if (item.tag == RESPONSE_SEVERITY)
                        parse_severity(item.bytes, ret);
                else if (item.tag == RESPONSE_SUPPRESSED)
                        ret->suppressed = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        ret->n_left_out = response_item_u64(&item);
                else
                        return -EBADMSG;
        return 0;
}

static void add(const struct alert_process *process, struct script_process *ret, size_t n, size_t *i) {
        if (*i < n)
                ret[*i] = (struct script_process){
                        .pid = process->id.pid,
                        .start_ns = process->id.start_ns,
                        .device = process->file.device,
                        .inode = process->file.inode,
                };
        ++*i;
}

size_t response_processes(const struct alert *alert, struct script_process *ret, size_t n) {
        size_t i = 0;

        add(&alert->process, ret, n, &i);
        for (size_t k = 0; k < alert->n_ancestors; k++)
                add(alert->ancestors + k, ret, n, &i);
        for (size_t k = 0; k < alert->n_steps; k++)
                add(&alert->steps[k].process, ret, n, &i);
        return i;
}

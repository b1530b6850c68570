/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script-answer.h"

#include <string.h>

/* The arena has its limit from the first use on. */
static const char *copy(struct script_answer *answer, const char *text, size_t n, size_t max) {
        const char *result;

        answer->arena.limit_bytes = SCRIPT_ANSWER_MAX_BYTES;
        result = arena_strndup(&answer->arena, text, MIN(n, max));
        if (!result)
                answer->n_left_out++;
        return result;
}

static const char *copy_string(struct script_answer *answer, const char *text) {
        return copy(answer, text, strlen(text), SCRIPT_ANSWER_MAX_VALUE);
}

void script_answer_done(struct script_answer *answer) {
        arena_done(&answer->arena);
        *answer = (struct script_answer){};
}

void script_answer_clear(struct script_answer *answer) {
        struct arena arena;

        arena_reset(&answer->arena);
        arena = answer->arena;
        *answer = (struct script_answer){.arena = arena};
}

static bool has_room(struct script_answer *answer, size_t n, size_t max) {
        if (n >= max)
                answer->n_left_out++;
        return n < max;
}

bool script_answer_field(struct script_answer *answer, const char *name, const char *value, size_t n) {
        struct script_answer_field field = {};
        size_t i = 0;

        while (i < answer->n_fields && !streq(answer->fields[i].name, name))
                i++;
        if (!has_room(answer, i, SCRIPT_ANSWER_MAX_FIELDS))
                return false;
        field.name = copy_string(answer, name);
        field.value = copy(answer, value, n, SCRIPT_ANSWER_MAX_VALUE);
        if (!field.name || !field.value)
                return false;
        answer->fields[i] = field;
        answer->n_fields = MAX(answer->n_fields, i + 1);
        return true;
}

bool script_answer_action(struct script_answer *answer, const char *responder, const char *what,
                          enum script_action_state state, const char *result) {
        struct script_answer_action action = {.state = state};

        if (!has_room(answer, answer->n_actions, SCRIPT_ANSWER_MAX_ACTIONS))
                return false;
        action.responder = copy_string(answer, responder);
        action.what = copy_string(answer, what);
        action.result = copy_string(answer, result);
        if (!action.responder || !action.what || !action.result)
                return false;
        answer->actions[answer->n_actions++] = action;
        return true;
}

bool script_answer_error(struct script_answer *answer, const char *responder, const char *text, size_t n) {
        struct script_answer_error error = {};

        if (!has_room(answer, answer->n_errors, SCRIPT_ANSWER_MAX_ERRORS))
                return false;
        error.responder = copy_string(answer, responder);
        error.text = copy(answer, text, n, SCRIPT_ANSWER_MAX_TRACE);
        if (!error.responder || !error.text)
                return false;
        answer->errors[answer->n_errors++] = error;
        return true;
}

bool script_answer_line(struct script_answer *answer, const char *text, size_t n) {
        const char *line;

        if (!has_room(answer, answer->n_lines, SCRIPT_ANSWER_MAX_LINES))
                return false;
        line = copy(answer, text, n, SCRIPT_ANSWER_MAX_VALUE);
        if (!line)
                return false;
        answer->lines[answer->n_lines++] = line;
        return true;
}

bool script_answer_severity(struct script_answer *answer, const char *severity) {
        const char *text = copy_string(answer, severity);

        if (text)
                answer->severity = text;
        return text;
}

bool script_answer_suppress(struct script_answer *answer, const char *why, size_t n) {
        const char *text = copy(answer, why, n, SCRIPT_ANSWER_MAX_VALUE);

        if (text)
                answer->suppressed = text;
        return text;
}

const char *script_action_state_to_string(enum script_action_state state) {
        switch (state) {
        case SCRIPT_ACTION_DONE: return "done";
        case SCRIPT_ACTION_PENDING: return "begun";
        case SCRIPT_ACTION_DRY: return "dry-run";
        case SCRIPT_ACTION_REFUSED: return "refused";
        case SCRIPT_ACTION_FAILED: return "failed";
        case _SCRIPT_ACTION_STATE_MAX: break;
        }
        return NULL;
}

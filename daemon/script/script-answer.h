/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script answer - all that scripts asked for, of one alert: what goes into the alert beside its story. Bounded: what is
 * more is counted and left out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/macro.h"
#include "script/script.h"

#define SCRIPT_ANSWER_MAX_FIELDS 32
#define SCRIPT_ANSWER_MAX_ACTIONS 16
#define SCRIPT_ANSWER_MAX_ERRORS 8
#define SCRIPT_ANSWER_MAX_LINES 16
#define SCRIPT_ANSWER_MAX_VALUE 1024    /* bytes */
#define SCRIPT_ANSWER_MAX_TRACE 4096    /* bytes of an error with its traceback */
#define SCRIPT_ANSWER_MAX_BYTES (128U << 10)    /* of all texts */

struct script_answer_field {
        const char *name, *value;       /* arena */
};

struct script_answer_action {
        const char *responder;          /* arena: who asked */
        const char *what;               /* arena: "signal process=12 signal=KILL" */
        const char *result;             /* arena: a sentence */
        enum script_action_state state;
};

struct script_answer_error {
        const char *responder;          /* arena */
        const char *text;               /* arena: file, line, what, traceback */
};

struct script_answer {
        struct arena arena;
        struct script_answer_field fields[SCRIPT_ANSWER_MAX_FIELDS];
        struct script_answer_action actions[SCRIPT_ANSWER_MAX_ACTIONS];
        struct script_answer_error errors[SCRIPT_ANSWER_MAX_ERRORS];
        const char *lines[SCRIPT_ANSWER_MAX_LINES];     /* arena: what they logged */
        size_t n_fields, n_actions, n_errors, n_lines;
        const char *severity;           /* arena; NULL: as the policy says */
        const char *suppressed;         /* arena: why; NULL: it is not */
        uint32_t n_left_out;            /* of all of these */
};

/* Zeroed is empty. */
void script_answer_done(struct script_answer *answer);
void script_answer_clear(struct script_answer *answer);

/* Each copies, cut to its bound. A field of the same name is replaced. False: there is no room, which was counted. */
bool script_answer_field(struct script_answer *answer, const char *name, const char *value, size_t n);
bool script_answer_action(struct script_answer *answer, const char *responder, const char *what,
                          enum script_action_state state, const char *result);
bool script_answer_error(struct script_answer *answer, const char *responder, const char *text, size_t n);
bool script_answer_line(struct script_answer *answer, const char *text, size_t n);
bool script_answer_severity(struct script_answer *answer, const char *severity);
bool script_answer_suppress(struct script_answer *answer, const char *why, size_t n);

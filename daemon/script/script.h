/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script - one file of Lua in a state of its own, which can hurt nobody.
 *
 * It may compute, read the alert that it is given, and ask: for fields, another severity, silence, actions. All that it
 * asks for is collected (script-answer.h), or handed to `script_ops`; nothing in here touches the host. Memory,
 * instructions, time and output are bounded, in a way that no pcall(), metamethod or C function can get around
 * (script-budget.h); what could is not there: no coroutines, no finalizers, no patterns that go back. What it offers to
 * scripts is said in docs/RESPONSES.md. Does not log. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SCRIPT_API 1                    /* `execray.api`; rises when a script could notice */
#define SCRIPT_MAX_BYTES (256U << 10)   /* of a file */
#define SCRIPT_MAX_FUNCTIONS 64         /* responders and enrichers of a file */
#define SCRIPT_MAX_NAME 64              /* of a responder, as in policies */

struct script;
struct script_answer;
struct script_value;
struct strbuf;

struct script_limits {
        uint64_t memory_bytes;          /* of the state */
        uint64_t instructions;          /* of a run */
        uint64_t time_ns;               /* of a run */
        uint64_t data_bytes;            /* of all lists and tables that it loads */
};

struct action_input;

#define SCRIPT_MAX_ARGUMENTS 16

/* What became of an action. */
enum script_action_state {
        SCRIPT_ACTION_DONE,
        SCRIPT_ACTION_PENDING,          /* begun */
        SCRIPT_ACTION_DRY,              /* it would have been done */
        SCRIPT_ACTION_REFUSED,          /* it may not be done */
        SCRIPT_ACTION_FAILED,
        _SCRIPT_ACTION_STATE_MAX
};

const char *script_action_state_to_string(enum script_action_state state);

struct script_ops {
        /* Do it, or say what would be done: enum script_action_state, a sentence in `result`, and the action in words
         * in `what`. -EBADMSG: there is no such action or its arguments are wrong, and `result` says how. */
        int (*act)(const char *kind, const struct action_input *inputs, size_t n, struct strbuf *what,
                   struct strbuf *result, void *userdata);
        /* Is the value on that runtime list? NULL: they are empty. */
        bool (*listed)(const char *list, const char *value, void *userdata);
        void *userdata;
};

enum script_kind {
        SCRIPT_ENRICHER,                /* runs first, adds to the alert */
        SCRIPT_RESPONDER,
};

/* Why a run ended. */
enum script_end {
        SCRIPT_FINE,
        SCRIPT_FAILED,                  /* an error of its own */
        SCRIPT_OVER_INSTRUCTIONS,
        SCRIPT_OVER_TIME,
        SCRIPT_OVER_MEMORY,
        SCRIPT_SUSPENDED,               /* it was not run: it has offended too often */
        SCRIPT_UNKNOWN,                 /* no function has this name */
};

const char *script_end_to_string(enum script_end end);

struct script_stats {
        uint64_t n_runs, n_failed, n_offences, n_suspensions, n_refused;
        uint64_t instructions, time_ns; /* of the last run */
        size_t memory_bytes, memory_peak;
        uint64_t data_bytes;            /* of its lists and tables */
        uint64_t suspended_until_ns;    /* 0: it is not */
};

/* Load a file's text: runs it once, so that it can say which functions it has. `name` is what messages call it. Data
 * files are opened now and never again; `trust_any_owner` as of policies. -EBADMSG: it is wrong, *message says how,
 * with a traceback. */
int script_load(const char *name, const char *text, size_t n, const struct script_limits *limits, bool trust_any_owner,
                struct strbuf *message, struct script **ret);
struct script *script_free(struct script *script);

DEFINE_CLEANUP(struct script *, script_free)

const char *script_name(const struct script *script);

/* Its functions, in order of definition. i from 0; false: there are no more. */
bool script_function_at(const struct script *script, size_t i, const char **ret_name, enum script_kind *ret_kind);

/* Run one. What it asked for, and how it ended, is added to the answer. `target` names the step whose process is meant
 * ("$shell"), NULL: the actor. now_ns is CLOCK_BOOTTIME. Whatever it does, this returns within its budget. */
enum script_end script_run(struct script *script, const char *function, const char *target,
                           const struct script_value *alert, const struct script_ops *ops, uint64_t now_ns,
                           struct script_answer *answer);

void script_stats(const struct script *script, struct script_stats *ret);

/* Run a line as a person typed it, with the same limits; what it gives goes to `output`, or the error. */
int script_eval(struct script *script, const char *line, const struct script_ops *ops, struct strbuf *output);

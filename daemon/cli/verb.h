/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Verb - one thing that execrayctl can do. main.c has the table; each verb has a file of its own. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "event/trace-file.h"
#include "pipeline/settings.h"
#include "report/exit-status.h"

struct strbuf;

struct verb {
        const char *name;
        const char *arguments;          /* for the help: "FILE --policies PLACE..." */
        const char *summary;            /* one line */
        const char *help;               /* the rest: options, and what is good to know */
        /* argv[0] is the name of the verb. Returns an exit status (enum exit_status). */
        int (*run)(const struct verb *verb, int argc, char *argv[]);
};

extern const struct verb verb_status;
extern const struct verb verb_reload;
extern const struct verb verb_snapshot;
extern const struct verb verb_check;
extern const struct verb verb_fmt;
extern const struct verb verb_explain;
extern const struct verb verb_graph;
extern const struct verb verb_coverage;
extern const struct verb verb_policies;
extern const struct verb verb_import;
extern const struct verb verb_lua;
extern const struct verb verb_response;
extern const struct verb verb_test;
extern const struct verb verb_tune;
extern const struct verb verb_why;
extern const struct verb verb_compile;
extern const struct verb verb_config;
extern const struct verb verb_preflight;
extern const struct verb verb_trace;
extern const struct verb verb_record;
extern const struct verb verb_replay;
extern const struct verb verb_dump;

/* Print the verb's help and end the program. */
_noreturn_ void verb_help(const struct verb *verb);

/* Say that the arguments are not what the verb takes. Returns EXIT_STATUS_USAGE. */
int verb_usage(const struct verb *verb);

/* Write to standard output: an exit status. A reader who went away (`| head`) is no failure. */
int verb_print(const struct strbuf *b);

/* settings_load(), its messages on standard error. */
int verb_load(const struct settings_options *options, struct settings *ret);

/* A recording, "-" is standard input. What is wrong with one is said by verb_recording_status(), which gives 0 for r >=
 * 0. */
int verb_open_recording(const char *file, struct trace_reader **ret, struct trace_state *ret_state);
int verb_recording_status(const char *file, int r, const struct trace_state *state);

DEFINE_CLEANUP(struct trace_reader *, trace_reader_free)

/* Of an option: add the pass of this name to those that are left out, an uint64_t, or say which there are. */
bool without_add(const char *name, void *data);

/* A list of places of policies, collected from options and arguments. */
#define VERB_MAX_PLACES 256
struct places {
        const char *items[VERB_MAX_PLACES];     /* borrowed from argv */
        size_t n;
};
bool places_add(struct places *places, const char *place);

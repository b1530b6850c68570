/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Settings - what is read from files before anything runs: configuration, redaction, policies. Complete and checked, or
 * not there. The daemon loads them at start and at each reload, the tool to record and replay. Reads files, does not
 * log: what is to be said goes into a text.
 *
 * settings_load() does it all at once and compiles in this process: for the tool. The daemon has policies compiled by
 * another (compile-job.h): settings_begin(), some time, settings_finish(). */

#include "config/config.h"
#include "pipeline/compile-job.h"
#include "event/prefilter.h"
#include "policy/policy-set.h"
#include "program/program.h"
#include "report/exit-status.h"
#include "report/redact.h"

struct strbuf;

struct settings_options {
        const char *config;             /* file; NULL: none, all defaults */
        bool config_may_miss;           /* then defaults, too */
        const char *const *places;      /* of policies; n_places 0: as configured, where a place may be missing */
        size_t n_places;
        bool no_policies;               /* program stays NULL */
        bool trust_any_owner;           /* of policies */
        struct compile_options compile;
        uint64_t generation;
        uint64_t wall_s;                /* as in policy_options; 0 for a replay, which is the same on every day */
};

struct settings {
        bool has_config;
        struct config config;           /* owned */
        struct redactor *redactor;      /* owned */
        struct program *program;        /* owned reference */
        struct prefilter
                *prefilter; /* owned; what the kernel may leave out. NULL: nothing, or nobody watches a kernel */
        struct interest interest;       /* what is watched: the program's, and the content that is configured */
        size_t n_files;                 /* of policies */
};

/* Returns 0 or the exit status that it comes to; *ret is written for 0 only. `messages` gets all that is wrong and, at
 * the end, what follows from it; also warnings, if all is well. */
int settings_load(const struct settings_options *options, struct strbuf *messages, struct settings *ret);

/* The same up to where policies are to be compiled: configuration and redaction are there, and *ret_job is under way.
 * `options->no_policies` is not for here. */
int settings_begin(const struct settings_options *options, struct strbuf *messages, struct settings *ret,
                   struct compile_job **ret_job);

/* And the rest, when the job has ended; it is freed. Settings are complete then, or empty for anything but 0. */
int settings_finish(struct settings *settings, struct compile_job *job, struct strbuf *messages);

/* How policies are to be read, by the configuration, and where they are: as given, or as configured. For who wants
 * their trees as well; settings_load() does it by itself. */
void settings_policy_options(const struct settings_options *options, const struct config *config,
                             struct policy_options *ret);
const char *const *settings_places(const struct settings_options *options, const struct config *config, size_t *ret);

/* What a program needs to be told, and of the kinds that it watches so many first bytes of what is read, written, sent
 * or received as is configured. */
void settings_interest(const struct program *program, const struct config *config, struct interest *ret);

/* What the kernel may leave out of events by this configuration, for uses_collect() (program/uses.h). */
unsigned settings_uses(const struct config *config);

void settings_done(struct settings *settings);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Survey - what this kernel lets us do, hook by hook, found by trying: every program is loaded and attached to every
 * place that it is for, and taken off again. Nothing is recorded meanwhile, and nothing stays. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/event.h"

#include "capture/hooks.h"

enum survey_state {
        SURVEY_UNTRIED,                 /* we may not, or it was not got to */
        SURVEY_WORKS,
        SURVEY_MISSING,                 /* this kernel has no such place: a call that it does not know */
        SURVEY_REFUSED,                 /* see error */
        SURVEY_SPARE,                   /* not needed: its program has a better place */
};

struct survey_hook {
        const char *place;              /* as in hook-table.def */
        enum wire_kind kind;
        enum hooks_role role;
        const char *use;                /* when it is attached, in words */
        enum survey_state state;
        int error;                      /* negative errno, of SURVEY_REFUSED, */
        const char *why;                /* and in words, where that says too little; else NULL */
        bool by_tier;                   /* so are all places of its tier: see below */
};

/* A way to security hooks: capture.h, tier.h. */
struct survey_tier {
        enum survey_state state;
        int error;                      /* as above */
        const char *why;
};

struct survey {
        struct survey_hook *hooks;      /* owned; in the order of hook-table.def */
        size_t n_hooks;
        struct survey_tier tiers[CAPTURE_TIER_TRACEPOINT];
        int error;                      /* negative: as of capture_new_bpf(), and no hook was tried */
        bool bus;                       /* the system bus is there: units and logins */
};

/* Always a survey; what could not be tried says so. -ENOMEM. Logs why nothing could be tried. */
int survey_new(struct survey **ret);
struct survey *survey_free(struct survey *survey);
DEFINE_CLEANUP(struct survey *, survey_free)

/* All of a kind together. */
enum survey_verdict {
        SURVEY_UNKNOWN, /* not tried */
        SURVEY_NONE, /* nothing sees the kind: this version has no program, or the kernel takes none */
        SURVEY_PART, /* some of its calls only */
        SURVEY_WHOLE,
};
enum survey_verdict survey_of_kind(const struct survey *survey, enum wire_kind kind);

/* Are its names those that the kernel resolved? Some place of the kind that makes them so works. */
bool survey_is_resolved(const struct survey *survey, enum wire_kind kind);

/* 32-bit calls (HOOKS_OF_COMPAT), operations of io_uring (HOOKS_OF_URING). */
enum survey_verdict survey_of_role(const struct survey *survey, enum hooks_role role);

/* Does this build have a source for the kind at all? */
bool survey_has_source(const struct survey *survey, enum wire_kind kind);

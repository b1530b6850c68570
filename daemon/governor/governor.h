/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Governor - watches what watching costs, and switches off an optimisation that makes it worse.
 *
 * Fed with one sample for each period, it compares latency, cost, loss and memory with their baselines (baseline.h). A
 * measure is degraded when it was beyond its bound in GOVERNOR_PATIENCE periods one after the other, and well again
 * when it was back half way in as many: so neither a spike nor what goes to and fro around the bound is told. A period
 * with too few events says nothing of latency, cost and loss.
 *
 * While one of these three is degraded, optimisations are tried, one at a time, those first that were switched on last:
 * it is switched off for a few short periods, and stays off only if that was clearly better than before; if not, it is
 * on again. A trial in which more is lost ends at once, and so does one that makes another measure worse than its
 * bound allows, for twice: less latency at three times the cost is no gain. Each is tried at most once an hour.
 *
 *                       beyond the bound, GOVERNOR_PATIENCE times
 *      WELL ───────────────────────────────────────────────────────▶ DEGRADED
 *           ◀───────────────────────────────────────────────────────
 *                       back half way, as many times
 *
 * Pure decisions: no clock, no I/O, constant memory. Who feeds it does what governor_wanted() says. */

#include "governor/baseline.h"

#define GOVERNOR_PATIENCE 3
#define GOVERNOR_TRIAL 3                /* periods that are compared, with and without */
#define GOVERNOR_TRIAL_MAX 10 /* periods after which a trial has failed for lack of samples like those before */
#define GOVERNOR_TRIAL_WORSE 2          /* periods in which another measure was beyond its bound: it has failed */
#define GOVERNOR_MIN_EVENTS 200         /* in a period, to say something of them */
#define GOVERNOR_MAX_NOTES (2 * _MEASURE_MAX)
#define GOVERNOR_MAX_SWITCHES 32

/* One period. */
struct governor_sample {
        uint64_t duration_ns;
        uint64_t n_read, n_filtered, n_lost;    /* events: together what happened */
        uint64_t latency_p99_ns;
        uint64_t cpu_ns;
        uint64_t memory_bytes;
};

enum governor_note_type {
        GOVERNOR_DEGRADED,              /* measure: value, was reference */
        GOVERNOR_RECOVERED,             /* measure: the same */
        GOVERNOR_TRIES,                 /* the switch is off for a while, to see */
        GOVERNOR_KEEPS,                 /* and on again: value without it, reference with it */
        GOVERNOR_SWITCHES_OFF,          /* it was better without: value without it, reference with it */
};

struct governor_note {
        enum governor_note_type type;
        enum governor_measure measure;
        unsigned which;                 /* switch */
        uint64_t value, reference;
};

struct governor_state {
        bool degraded;
        unsigned n_against;             /* periods in a row that speak against the state */
        uint64_t history[GOVERNOR_TRIAL];       /* last values, newest last, all of the same class of rates */
        unsigned n_history;
        unsigned rate;                  /* of these */
};

struct governor_trial {
        bool running;
        unsigned which;
        enum governor_measure measure;
        unsigned rate;
        uint64_t with;                  /* median before, */
        uint64_t others[_MEASURE_MAX];  /* and those of other measures; 0: not known */
        unsigned n_worse;               /* times that one of these was beyond its bound */
        uint64_t loss_with;
        uint64_t values[GOVERNOR_TRIAL];
        unsigned n_values, n_periods;
};

struct governor {
        struct baseline baseline;
        bool may_switch;                /* false: only tell */
        uint32_t configured;            /* switches that are on by the configuration */
        uint32_t guilty;                /* of these, those that it switched off */
        uint64_t tried_ns[GOVERNOR_MAX_SWITCHES];       /* when last, in its own time; 0: never */
        uint64_t fresh_ns[GOVERNOR_MAX_SWITCHES];       /* when switched on */
        struct governor_state states[_MEASURE_MAX];
        struct governor_trial trial;
        uint64_t now_ns;                /* sum of all periods, from 1 */
        uint64_t n_degraded, n_trials, n_switched_off;  /* counters */
};

/* Learns a new baseline. */
void governor_init(struct governor *governor, uint64_t key, bool may_switch);

/* Switches that are on by the configuration, as bits, at start and after a reload: what was switched off is on again.
 * With another key a new baseline is learned. A trial under way is given up. */
void governor_configure(struct governor *governor, uint64_t key, bool may_switch, uint32_t switches);

/* The next period. Returns how many notes there are. */
size_t governor_feed(struct governor *governor, const struct governor_sample *sample,
                     struct governor_note ret_notes[static GOVERNOR_MAX_NOTES]);

/* Which switches should be on now. */
uint32_t governor_wanted(const struct governor *governor);

/* Short periods are wanted: a trial is under way. */
bool governor_is_trying(const struct governor *governor);

/* A value of the measure is beyond what is told, if this is its baseline. */
uint64_t governor_bound(enum governor_measure measure, uint64_t baseline);

/* One sentence for people; names of switches are the caller's. */
void governor_note_put(const struct governor_note *note, const char *name, struct strbuf *b);

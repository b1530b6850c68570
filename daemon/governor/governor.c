/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/governor.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define RETRY_NS NSEC_PER_HOUR
#define BETTER_PCT 70                   /* of what it was with the optimisation */

/* A measure is degraded beyond so many percent of its baseline and so much more: the latter is what nobody minds. */
static const struct {
        uint64_t pct, slack;
        bool tries;                     /* optimisations can be the cause */
} bounds[_MEASURE_MAX] = {
        [MEASURE_LATENCY] = {300, 2 * NSEC_PER_MSEC, true},
        [MEASURE_COST] = {200, NSEC_PER_USEC, true},
        [MEASURE_LOSS] = {100, 10000, true},
        [MEASURE_MEMORY] = {200, UINT64_C(32) << 20, false},
};

uint64_t governor_bound(enum governor_measure measure, uint64_t baseline) {
        uint64_t bound;

        if (__builtin_mul_overflow(baseline / 100, bounds[measure].pct, &bound))
                return UINT64_MAX;
        bound = nsec_add(bound, baseline % 100 * bounds[measure].pct / 100);
        return nsec_add(bound, bounds[measure].slack);
}

void governor_init(struct governor *governor, uint64_t key, bool may_switch) {
        *governor = (struct governor){.baseline.key = key, .may_switch = may_switch, .now_ns = 1};
}

void governor_configure(struct governor *governor, uint64_t key, bool may_switch, uint32_t switches) {
        uint32_t on = governor_wanted(governor);

        for (unsigned i = 0; i < GOVERNOR_MAX_SWITCHES; i++)
                if (switches & ~on & UINT32_C(1) << i) {
                        governor->fresh_ns[i] = governor->now_ns;
                        governor->tried_ns[i] = 0;
                }
        governor->configured = switches;
        governor->guilty = 0;
        governor->may_switch = may_switch;
        governor->trial = (struct governor_trial){};
        if (governor->baseline.key != key) {
                governor->baseline = (struct baseline){.key = key};
                memset(governor->states, 0, sizeof(governor->states));
        }
}

uint32_t governor_wanted(const struct governor *governor) {
        uint32_t off = governor->guilty;

        if (governor->trial.running)
                off |= UINT32_C(1) << governor->trial.which;
        return governor->configured & ~off;
}

bool governor_is_trying(const struct governor *governor) {
        return governor->trial.running;
}

static uint64_t n_happened(const struct governor_sample *sample) {
        return nsec_add(nsec_add(sample->n_read, sample->n_filtered), sample->n_lost);
}

/* False: the sample says nothing of it. */
static bool measure_of(const struct governor_sample *sample, enum governor_measure measure, uint64_t *ret) {
        uint64_t n = n_happened(sample);

        if (sample->duration_ns == 0)
                return false;
        if (measure != MEASURE_MEMORY && n < GOVERNOR_MIN_EVENTS)
                return false;
        switch (measure) {
        case MEASURE_LATENCY:
                if (sample->n_read < GOVERNOR_MIN_EVENTS)
                        return false;
                *ret = sample->latency_p99_ns;
                return true;
        case MEASURE_COST:
                *ret = sample->cpu_ns / n;
                return true;
        case MEASURE_LOSS:
                *ret = (uint64_t)((double)sample->n_lost * 1e6 / (double)n);
                return true;
        case MEASURE_MEMORY:
                *ret = sample->memory_bytes;
                return true;
        case _MEASURE_MAX: break;
        }
        return false;
}

static void remember(struct governor_state *state, unsigned rate, uint64_t value) {
        if (state->rate != rate)
                state->n_history = 0;
        state->rate = rate;
        if (state->n_history == GOVERNOR_TRIAL) {
                memmove(state->history, state->history + 1, sizeof(state->history) - sizeof(state->history[0]));
                state->n_history--;
        }
        state->history[state->n_history++] = value;
}

/* Returns whether the state has changed. */
static bool judge(struct governor *governor, enum governor_measure measure, uint64_t value, uint64_t baseline) {
        struct governor_state *state = governor->states + measure;
        uint64_t bound = governor_bound(measure, baseline), half = baseline + (bound - baseline) / 2;
        bool against = state->degraded ? value <= half : value > bound;

        state->n_against = against ? state->n_against + 1 : 0;
        if (state->n_against < GOVERNOR_PATIENCE)
                return false;
        state->degraded = !state->degraded;
        state->n_against = 0;
        governor->n_degraded += state->degraded;
        return true;
}

/* The one that was switched on last and may be tried again; GOVERNOR_MAX_SWITCHES: none. */
static unsigned choose(const struct governor *governor) {
        unsigned best = GOVERNOR_MAX_SWITCHES;

        for (unsigned i = 0; i < GOVERNOR_MAX_SWITCHES; i++) {
                if (!(governor_wanted(governor) & UINT32_C(1) << i))
                        continue;
                if (governor->tried_ns[i] > 0 && governor->now_ns - governor->tried_ns[i] < RETRY_NS)
                        continue;
                if (best == GOVERNOR_MAX_SWITCHES || governor->fresh_ns[i] > governor->fresh_ns[best])
                        best = i;
        }
        return best;
}

static uint64_t history_median(const struct governor_state *state) {
        uint64_t values[GOVERNOR_TRIAL];

        memcpy(values, state->history, sizeof(values));
        return baseline_median(values, state->n_history);
}

/* What other measures are like, in periods of the same class of rates. */
static void note_others(const struct governor *governor, struct governor_trial *trial) {
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++) {
                const struct governor_state *state = governor->states + i;

                if (i != trial->measure && i != MEASURE_LOSS && state->n_history == GOVERNOR_TRIAL &&
                    (i == MEASURE_MEMORY || state->rate == trial->rate))
                        trial->others[i] = history_median(state);
        }
}

static bool is_other_worse(const struct governor_trial *trial, const struct governor_sample *sample) {
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++) {
                uint64_t value;

                if (trial->others[i] > 0 && measure_of(sample, i, &value) &&
                    value > governor_bound(i, trial->others[i]))
                        return true;
        }
        return false;
}

static bool begin_trial(struct governor *governor, struct governor_note *ret) {
        unsigned which = choose(governor);

        if (!governor->may_switch || governor->trial.running || which == GOVERNOR_MAX_SWITCHES)
                return false;
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++) {
                const struct governor_state *state = governor->states + i;

                if (!state->degraded || !bounds[i].tries || state->n_history < GOVERNOR_TRIAL)
                        continue;
                governor->trial = (struct governor_trial){
                        .running = true,
                        .which = which,
                        .measure = i,
                        .rate = state->rate,
                        .with = history_median(state),
                        .loss_with = history_median(governor->states + MEASURE_LOSS),
                };
                note_others(governor, &governor->trial);
                governor->tried_ns[which] = governor->now_ns;
                governor->n_trials++;
                *ret = (struct governor_note){
                        .type = GOVERNOR_TRIES,
                        .measure = i,
                        .which = which,
                        .value = governor->trial.with,
                        .reference = governor->trial.with,
                };
                return true;
        }
        return false;
}

/* Returns whether the trial is over. */
static bool go_on_trying(struct governor *governor, const struct governor_sample *sample, struct governor_note *ret) {
        struct governor_trial *trial = &governor->trial;
        struct governor_state *state = governor->states + trial->measure;
        uint64_t value, loss = 0, without;
        bool harmful, better;

        trial->n_periods++;
        if (measure_of(sample, trial->measure, &value) &&
            baseline_rate(trial->measure, n_happened(sample), sample->duration_ns) == trial->rate)
                trial->values[trial->n_values++] = value;
        (void)measure_of(sample, MEASURE_LOSS, &loss);
        trial->n_worse += is_other_worse(trial, sample);
        harmful = loss > nsec_add(trial->loss_with, bounds[MEASURE_LOSS].slack / 2) ||
                trial->n_worse >= GOVERNOR_TRIAL_WORSE;
        if (!harmful && trial->n_values < GOVERNOR_TRIAL && trial->n_periods < GOVERNOR_TRIAL_MAX)
                return false;

        without = trial->n_values > 0 ? baseline_median(trial->values, trial->n_values) : trial->with;
        better = !harmful && trial->n_values == GOVERNOR_TRIAL &&
                 (double)without * 100 < (double)trial->with * BETTER_PCT;
        *ret = (struct governor_note){
                .type = better ? GOVERNOR_SWITCHES_OFF : GOVERNOR_KEEPS,
                .measure = trial->measure,
                .which = trial->which,
                .value = without,
                .reference = trial->with,
        };
        if (better) {
                governor->guilty |= UINT32_C(1) << trial->which;
                governor->n_switched_off++;
        }
        trial->running = false;
        state->n_history = 0;           /* what comes is to be seen afresh */
        return true;
}

size_t governor_feed(struct governor *governor, const struct governor_sample *sample,
                     struct governor_note ret_notes[static GOVERNOR_MAX_NOTES]) {
        bool any_degraded = false;
        size_t n = 0;

        governor->now_ns = nsec_add(governor->now_ns, sample->duration_ns);
        if (governor->trial.running) {
                n += go_on_trying(governor, sample, ret_notes + n);
                return n;
        }

        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                any_degraded = any_degraded || governor->states[i].degraded;
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++) {
                unsigned rate = baseline_rate(i, n_happened(sample), sample->duration_ns);
                uint64_t value, baseline;

                if (!measure_of(sample, i, &value))
                        continue;
                remember(governor->states + i, rate, value);
                /* From what is bad already nothing is learned. */
                if (any_degraded ? !baseline_get(&governor->baseline, i, rate, &baseline)
                                 : !baseline_learn(&governor->baseline, i, rate, value, &baseline))
                        continue;
                if (judge(governor, i, value, baseline))
                        ret_notes[n++] = (struct governor_note){
                                .type = governor->states[i].degraded ? GOVERNOR_DEGRADED : GOVERNOR_RECOVERED,
                                .measure = i,
                                .value = value,
                                .reference = baseline,
                        };
        }
        n += begin_trial(governor, ret_notes + n);
        return n;
}

static void put_value(enum governor_measure measure, uint64_t value, struct strbuf *b) {
        switch (measure) {
        case MEASURE_LATENCY:
                strbuf_printf(b, "%.2f ms", (double)value / NSEC_PER_MSEC);
                break;
        case MEASURE_COST:
                strbuf_printf(b, "%.2f us", (double)value / NSEC_PER_USEC);
                break;
        case MEASURE_LOSS:
                strbuf_printf(b, "%.2f %%", (double)value / 1e4);
                break;
        case MEASURE_MEMORY:
                strbuf_printf(b, "%.1f MiB", (double)value / (1 << 20));
                break;
        case _MEASURE_MAX: break;
        }
}

static const char *what_is_measured(enum governor_measure measure) {
        switch (measure) {
        case MEASURE_LATENCY: return "latency of 99 of 100 events, from hook to engine,";
        case MEASURE_COST: return "processor time for an event";
        case MEASURE_LOSS: return "share of events that are lost";
        case MEASURE_MEMORY: return "memory of the daemon";
        case _MEASURE_MAX: break;
        }
        return NULL;
}

void governor_note_put(const struct governor_note *note, const char *name, struct strbuf *b) {
        const char *measured = what_is_measured(note->measure);

        switch (note->type) {
        case GOVERNOR_DEGRADED:
        case GOVERNOR_RECOVERED:
                strbuf_printf(b, "The %s %s: ", measured,
                              note->type == GOVERNOR_DEGRADED ? "has got worse" : "is as before again");
                put_value(note->measure, note->value, b);
                strbuf_put(b, ", ");
                put_value(note->measure, note->reference, b);
                strbuf_put(b, " when all was well");
                return;
        case GOVERNOR_TRIES:
                strbuf_printf(b, "The %s is ", measured);
                put_value(note->measure, note->value, b);
                strbuf_printf(b, ": trying without %s", name);
                return;
        case GOVERNOR_KEEPS:
        case GOVERNOR_SWITCHES_OFF:
                strbuf_printf(b, "%s %s: the %s was ", name,
                              note->type == GOVERNOR_KEEPS ? "is on again, it was not the cause"
                                                           : "makes it worse and is switched off until the next reload",
                              measured);
                put_value(note->measure, note->value, b);
                strbuf_put(b, " without it, ");
                put_value(note->measure, note->reference, b);
                strbuf_put(b, " with it");
                return;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rehearsal/account-private.h"

static void note_done(struct note *note) {
        free(note->event);
        free(note->text);
        *note = (struct note){};
}

static void run_done(struct account_run *run) {
        ARRAY_FOREACH(note, &run->notes)
                note_done(note);
        array_done(&run->notes);
        free(run->key);
}

static char *copy(struct account *account, const char *text) {
        char *result = text ? strdup(text) : NULL;

        if (text && !result)
                account->error = -ENOMEM;
        return result;
}

static char *take(struct account *account, struct strbuf *b) {
        char *text = NULL;
        int r = strbuf_take(b, &text);

        if (r < 0)
                account->error = r;
        return text;
}

/* Of the event being fed, made once. */
static char *event_text(struct account *account) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        if (!account->event) {
                account_put_event(account, &b);
                account->event = take(account, &b);
        }
        return copy(account, account->event);
}

static struct account_run *find_run(struct account *account, uint64_t serial) {
        ARRAY_FOREACH(run, &account->runs)
                if (run->serial == serial)
                        return run;
        return NULL;
}

/* Whoever came least far, of these the ones that ended first, then the oldest: its place is needed. Never the start. */
static size_t least_interesting(const struct account *account) {
        size_t least = 1;

        for (size_t i = 2; i < account->runs.n; i++) {
                const struct account_run *a = &account->runs.items[i], *b = &account->runs.items[least];

                if (a->done < b->done || (a->done == b->done && a->ended && !b->ended))
                        least = i;
        }
        return least;
}

static struct account_run *add_run(struct account *account, uint64_t serial) {
        struct account_run *run;
        size_t least;

        if (account->runs.n > ACCOUNT_MAX_RUNS) {
                least = least_interesting(account);
                run_done(&account->runs.items[least]);
                array_remove_at(&account->runs, least);
                account->n_forgotten++;
        }
        run = array_add(&account->runs);
        if (!run) {
                account->error = -ENOMEM;
                return NULL;
        }
        *run = (struct account_run){
                .serial = serial,
                .starts = 1,
                .number = serial > 0 ? ++account->n_began : 0,
                .deadline_ns = UINT64_MAX,
        };
        return run;
}

/* Takes the note over. A miss for a reason that is known already only counts. */
static void add_note(struct account *account, struct account_run *run, struct note *note) {
        if (note->type == NOTE_MISS || note->type == NOTE_COUNT || note->type == NOTE_MARK)
                for (size_t i = run->notes.n; i > 0; i--) {
                        struct note *before = &run->notes.items[i - 1];

                        /* What was missed at one place says nothing about another. */
                        if (before->type == NOTE_STEP && note->type == NOTE_COUNT)
                                break;
                        if (before->type != note->type || before->reason != note->reason)
                                continue;
                        before->count += note->count;
                        before->last_ns = note->last_ns;
                        note_done(note);
                        return;
                }
        if (run->notes.n >= ACCOUNT_MAX_NOTES && note->type != NOTE_STEP && note->type != NOTE_END) {
                note_done(note);
                return;
        }
        if (array_push(&run->notes, *note) < 0) {
                account->error = -ENOMEM;
                note_done(note);
        }
}

/* `reason`: counts and marks with the same are one note. */
static void note_now(struct account *account, struct account_run *run, enum note_type type, uint64_t reason,
                     uint64_t time_ns, bool of_event, struct strbuf *text) {
        struct note note = {
                .type = type,
                .reason = reason,
                .time_ns = time_ns,
                .last_ns = time_ns,
                .count = 1,
                .event = of_event ? event_text(account) : NULL,
        };

        strbuf_put_char(text, '\n');
        note.text = take(account, text);
        add_note(account, run, &note);
        if (type == NOTE_END)
                run->ended = true;
}

/* Before the event: what would it do? */

static bool is_worth_telling(const struct account *account, const struct explain_edge *found) {
        bool takes = found->verdict == EXPLAIN_TAKES;

        if (account->exception != PROGRAM_NONE || !account->explained->concerned)
                return takes && found->type != EDGE_KILL;
        if (found->type == EDGE_KILL)
                return takes || found->verdict == EXPLAIN_UNKNOWN;
        if (found->type == EDGE_LOOP)
                return false;
        return !takes || found->later;
}

static bool is_known_reason(const struct account_run *run, uint64_t reason) {
        ARRAY_FOREACH(note, &run->notes)
                if (note->type == NOTE_MISS && note->reason == reason)
                        return true;
        return false;
}

static void on_edge(const struct explain_edge *found, void *data) {
        struct account *account = data;
        const struct explain_run *run = account->explained;
        const struct account_run *told = find_run(account, run->serial);
        _cleanup_(strbuf_done) struct strbuf text = {};
        struct pending pending = {.serial = run->serial, .type = found->type, .verdict = found->verdict};
        uint64_t now_ns = explain_event(account->explain)->time_ns;

        if (!told || !is_worth_telling(account, found))
                return;

        pending.note = (struct note){.type = NOTE_MISS, .time_ns = now_ns, .last_ns = now_ns, .count = 1};
        if (account->exception != PROGRAM_NONE) {
                const struct explain_run nobody = {.path = run->path, .steps = run->steps};

                pending.note.reason = account->exception + 1;
                strbuf_put(&text, "would be ");
                account_put_edge(account, found, &text);
                strbuf_put(&text, ", but an `except` hides it from this path:\n");
                account_put_conditions(account, &nobody,
                                       account->program->exceptions[account->exception].condition,
                                       &pending.note.reason, &text);
        } else
                account_put_reason(account, run, found, &pending.note.reason, &text);

        if (!is_known_reason(told, pending.note.reason) || found->type == EDGE_KILL) {
                pending.note.event = event_text(account);
                pending.note.text = take(account, &text);
        }
        if (array_push(&account->pending, pending) < 0) {
                account->error = -ENOMEM;
                note_done(&pending.note);
        }
}

static void on_explained_run(const struct explain_run *run, void *data) {
        struct account *account = data;

        struct account_run *told = find_run(account, run->serial);

        if (!told)
                return;
        told->position = run->position;
        told->deadline_ns = run->deadline_ns;
        account->explained = run;
        explain_edges(account->explain, run, on_edge, account);
        account->explained = NULL;
}

static void on_event(struct engine *engine, void *data) {
        struct account *account = data;
        const struct event *event;
        bool unknown;

        explain_begin(account->explain);
        event = explain_event(account->explain);
        account->n_events++;
        account->n_of_kind += (account->path->kinds & wire_kind_bit(event_kind(event))) != 0;
        account->exception = explain_exception(account->explain, account->options.path, &unknown);
        if (unknown)
                account->exception = PROGRAM_NONE;
        explain_runs(account->explain, account->options.path, on_explained_run, account);
}

/* While it is fed: what did it do? */

static void forget_pending(struct account *account, uint64_t serial) {
        ARRAY_FOREACH(pending, &account->pending)
                if (pending->serial == serial) {
                        note_done(&pending->note);
                        pending->serial = UINT64_MAX;
                }
}

/* What a `not` or `until` that decided says of itself. */
static void put_pending_kill(struct account *account, uint64_t serial, enum explain_verdict verdict,
                             struct strbuf *b) {
        ARRAY_FOREACH(pending, &account->pending)
                if (pending->serial == serial && pending->type == EDGE_KILL && pending->verdict == verdict &&
                    pending->note.text) {
                        strbuf_put(b, pending->note.text);
                        strbuf_truncate(b, b->n - 1);
                        return;
                }
}

static void run_begins(struct account *account, const struct observation *o) {
        struct account_run *run = add_run(account, o->serial), *other;
        _cleanup_(strbuf_done) struct strbuf key = {};
        struct key k;

        if (!run)
                return;
        if (o->fate == RUN_IS_COPIED && (other = find_run(account, o->other))) {
                ARRAY_FOREACH(note, &other->notes) {
                        struct note again = *note;

                        if (note->type != NOTE_STEP && note->type != NOTE_COUNT)
                                continue;
                        again.event = copy(account, note->event);
                        again.text = copy(account, note->text);
                        add_note(account, run, &again);
                }
                run->done = other->done;
                run->key = copy(account, other->key);
        } else if (explain_event_key(account->explain, o->path, &k)) {
                account_put_key(account, &k, &key);
                run->key = take(account, &key);
        }
}

static void run_takes(struct account *account, struct account_run *run, const struct observation *o) {
        _cleanup_(strbuf_done) struct strbuf text = {};
        const struct explain_edge found = {.edge = o->edge, .until = PROGRAM_NONE};
        const struct edge *edge = &account->program->edges[o->edge];
        size_t before;

        forget_pending(account, o->serial);
        if (o->fate == RUN_TAKES)
                forget_pending(account, 0);     /* it was a first step, or is not worth telling beside this */
        strbuf_put(&text, edge->type == EDGE_COUNT && o->fate == RUN_COUNTS ? "counts for " : "");
        account_put_edge(account, &found, &text);
        strbuf_put(&text, edge->type == EDGE_LOOP ? " again" : "");
        if (edge->type == EDGE_SCORE)
                strbuf_printf(&text, ", %d points", edge->points);
        before = text.n;
        if (edge->writes.n > 0) {
                strbuf_put(&text, ", ");
                explain_put_captures(account->explain, o->path, o->edge, &text);
                if (text.n == before + 2)
                        strbuf_truncate(&text, before);
        }
        if (o->fate == RUN_TAKES)
                run->done++;
        run->moved = true;
        if (o->fate == RUN_TAKES && edge->target != POSITION_ACCEPT)
                run->position = edge->target;
        note_now(account, run, o->fate == RUN_TAKES ? NOTE_STEP : NOTE_COUNT, o->edge, o->time_ns, true, &text);
}

/* Its story goes on in its equal, which keeps what this one learned. */
static void run_is_merged(struct account *account, struct account_run *run, const struct observation *o) {
        struct account_run *other = find_run(account, o->other);
        size_t at = 0;

        run->merged_into = o->other;
        run->ended = true;
        account->n_merged++;
        forget_pending(account, o->serial);
        if (!other)
                return;
        other->starts += run->starts;
        ARRAY_FOREACH(note, &run->notes) {
                if (note->type != NOTE_MISS || other->notes.n >= ACCOUNT_MAX_NOTES ||
                    is_known_reason(other, note->reason))
                        continue;
                if (array_push(&other->notes, ((struct note){})) < 0) {
                        account->error = -ENOMEM;
                        return;
                }
                memmove(&other->notes.items[at + 1], &other->notes.items[at],
                        (other->notes.n - 1 - at) * sizeof(*other->notes.items));
                other->notes.items[at++] = *note;
                *note = (struct note){.type = NOTE_MARK};
        }
}

static void run_ends_in_time(struct account *account, struct account_run *run, const struct observation *o) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        if (o->fate == RUN_FALLS_BACK)
                strbuf_put(&text, "back to the start of its block: the window of the block is over");
        else {
                strbuf_put(&text, "ended: its time (`within`) was over, and this had not come:\n");
                account_put_waits(account, run->position, "  ", &text);
                strbuf_truncate(&text, text.n - 1);
        }
        note_now(account, run, o->fate == RUN_FALLS_BACK ? NOTE_MARK : NOTE_END, o->fate, o->time_ns, false, &text);
}

/* What it waited not to happen did not: a step without an event. */
static void run_has_waited(struct account *account, struct account_run *run, const struct observation *o) {
        const struct program *program = account->program;
        const struct position *at = &program->positions[program->paths[o->path].positions.first + run->position];
        _cleanup_(strbuf_done) struct strbuf text = {};

        if (at->absence == PROGRAM_NONE)
                return;
        strbuf_printf(&text, "step %u: what must not happen did not, for long enough",
                      program->steps[program->absences[at->absence].step].number);
        run->done++;
        run->moved = true;
        if (program->absences[at->absence].target != POSITION_ACCEPT)
                run->position = program->absences[at->absence].target;
        note_now(account, run, NOTE_STEP, 0, o->time_ns, false, &text);
}

static void run_is_told(struct account *account, struct account_run *run, const struct observation *o,
                        const char *what) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        strbuf_put(&text, what);
        if (o->fate == RUN_IS_KILLED || o->fate == RUN_MEETS_UNTIL)
                put_pending_kill(account, o->serial, EXPLAIN_TAKES, &text);
        if (o->fate == RUN_DOUBTS)
                put_pending_kill(account, o->serial, EXPLAIN_UNKNOWN, &text);
        forget_pending(account, o->serial);
        note_now(account, run, o->fate == RUN_DOUBTS ? NOTE_MARK : NOTE_END, o->fate, o->time_ns,
                 explain_event(account->explain) != NULL,
                 &text);
}

static void run_loses_key(struct account *account, struct account_run *run, const struct observation *o) {
        char text[128];

        snprintf(text, sizeof(text), "ended: the last process of this story has exited (by = %s)",
                 program_key_to_string((enum program_key)account->path->by));
        run_is_told(account, run, o, text);
}

static void on_run(const struct observation *o, void *data) {
        struct account *account = data;
        struct account_run *run;

        if (o->path != account->options.path)
                return;
        if (o->fate == RUN_BEGINS || o->fate == RUN_IS_COPIED) {
                run_begins(account, o);
                return;
        }
        account->n_alerts += o->fate == RUN_ALERTS;
        account->n_joined += o->fate == RUN_IS_JOINED;
        run = find_run(account, o->serial);
        if (!run)
                return;         /* one of those that were forgotten */

        switch (o->fate) {
        case RUN_BEGINS:
        case RUN_IS_COPIED:
        case _RUN_FATE_MAX:
                break;
        case RUN_TAKES:
        case RUN_COUNTS:
                run_takes(account, run, o);
                break;
        case RUN_FALLS_BACK:
        case RUN_EXPIRES:
                run_ends_in_time(account, run, o);
                break;
        case RUN_IS_MERGED:
                run_is_merged(account, run, o);
                break;
        case RUN_WAITED:
                run_has_waited(account, run, o);
                break;
        case RUN_MEETS_UNTIL:
                run_is_told(account, run, o, "ended by ");
                break;
        case RUN_DOUBTS:
                run_is_told(account, run, o, "goes on, marked uncertain: ");
                break;
        case RUN_IS_KILLED:
                run_is_told(account, run, o, "ended by ");
                break;
        case RUN_IS_EXCEPTED:
                run_is_told(account, run, o, "ended: an `except` that names what was captured is true");
                break;
        case RUN_IS_EVICTED:
                run_is_told(account, run, o, "ended: there were more runs than the engine has room for");
                break;
        case RUN_LOSES_KEY:
                run_loses_key(account, run, o);
                break;
        case RUN_ALERTS:
                run->alerted = true;
                run_is_told(account, run, o, "ALERT");
                break;
        case RUN_IS_JOINED:
                run_is_told(account, run, o, "complete, and counted in the alert before it (`suppress`)");
                break;
        case RUN_IS_WITHHELD:
                run_is_told(account, run, o, "complete, but withheld: events were lost (`on_loss = skip`)");
                break;
        }
}

void account_end_event(struct account *account) {
        ARRAY_FOREACH(pending, &account->pending) {
                struct account_run *run = pending->serial == UINT64_MAX ? NULL : find_run(account, pending->serial);

                if (run && pending->type != EDGE_KILL)
                        add_note(account, run, &pending->note);
                else
                        note_done(&pending->note);
        }
        ARRAY_FOREACH(run, &account->runs)
                if (run->moved && !run->ended)
                        run->deadline_ns = explain_deadline(account->explain, account->options.path, run->serial);
        ARRAY_FOREACH(run, &account->runs)
                run->moved = false;
        array_clear(&account->pending);
        free(account->event);
        account->event = NULL;
}

int account_new(struct engine *engine, const struct process_table *table, const struct account_options *options,
                struct account **ret) {
        _cleanup_(account_freep) struct account *account = NULL;
        int r;

        assert(engine && table && options && ret);

        account = calloc(1, sizeof(*account));
        if (!account)
                return -ENOMEM;
        account->engine = engine;
        account->table = table;
        account->options = *options;
        account->exception = PROGRAM_NONE;
        r = explain_new(engine, &account->explain);
        if (r < 0)
                return r;
        explain_set_label(account->explain, options->label, options->data);
        account->program = explain_program(account->explain);
        account->path = &account->program->paths[options->path];
        if (!add_run(account, 0))
                return -ENOMEM;

        account->observer = (struct engine_observer){on_event, on_run, account};
        engine_observe(engine, &account->observer);
        *ret = TAKE_PTR(account);
        return 0;
}

struct account *account_free(struct account *account) {
        if (!account)
                return NULL;
        if (account->observer.data)
                engine_observe(account->engine, NULL);
        ARRAY_FOREACH(pending, &account->pending)
                note_done(&pending->note);
        array_done(&account->pending);
        free(account->event);
        ARRAY_FOREACH(run, &account->runs)
                run_done(run);
        array_done(&account->runs);
        explain_free(account->explain);
        free(account);
        return NULL;
}

int account_error(const struct account *account) {
        return account->error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How an account is laid out:
 *
 *      path "NAME" (FILE:LINE), by tree, within 5m: 1 run, no alert
 *
 *      run 1, tree of bash: 2 steps
 *        1s      curl  write "/tmp/x"
 *                step 1 (line 8), $file = "/tmp/x"
 *        3s      bash  execve "/bin/ls"
 *                is not step 2 (line 9):
 *                  no   filename == $file            "/bin/ls"; $file is "/tmp/x"
 *        at the end of the events it waits for
 *                step 2 (line 9): execve { filename == $file }, until 5m1s */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "rehearsal/account-private.h"

#define MARGIN 10                       /* where what happened begins; times stand in front of it */

static void put_time(const struct account *account, uint64_t time_ns, struct strbuf *b) {
        char buffer[FORMAT_DURATION_MAX];
        uint64_t origin_ns = account->options.origin_ns;
        uint64_t ns = time_ns > origin_ns ? time_ns - origin_ns : origin_ns - time_ns;
        uint64_t rest = ns % 60000000000;

        /* Milliseconds are enough for a reader; seconds with a point are easier than "1s500ms". */
        strbuf_put(b, time_ns < origin_ns ? "-" : "");
        if (ns >= 60000000000)
                strbuf_put(b, format_duration(buffer, ns - rest));
        if (rest > 0 || ns == 0) {
                rest /= 1000000;
                strbuf_printf(b, "%" PRIu64, rest / 1000);
                if (rest % 1000 != 0) {
                        strbuf_printf(b, ".%03" PRIu64, rest % 1000);
                        while (b->data[b->n - 1] == '0')
                                strbuf_truncate(b, b->n - 1);
                }
                strbuf_put(b, "s");
        }
}

/* Each line of `text` behind the margin. */
static void put_indented(const char *text, struct strbuf *b) {
        for (const char *at = text; at && *at;) {
                const char *end = strchrnul(at, '\n');

                strbuf_put_repeat(b, ' ', MARGIN);
                strbuf_put_n(b, at, end - at);
                strbuf_put_char(b, '\n');
                at = *end ? end + 1 : end;
        }
}

static void put_note(const struct account *account, const struct note *note, const struct note *before,
                     struct strbuf *b) {
        bool same = before && before->event && note->event && before->time_ns == note->time_ns &&
                    streq(before->event, note->event);
        size_t start = b->n;

        if (!note->text)
                return;
        if (!same) {
                strbuf_put(b, "  ");
                put_time(account, note->time_ns, b);
                strbuf_put_repeat(b, ' ', b->n - start < MARGIN ? MARGIN - (b->n - start) : 1);
                strbuf_put(b, note->event ?: "(time)");
                strbuf_put_char(b, '\n');
        }
        put_indented(note->text, b);
        if (note->count > 1) {
                strbuf_put_repeat(b, ' ', MARGIN);
                strbuf_printf(b, "and %" PRIu64 " more like this, the last at ", note->count - 1);
                put_time(account, note->last_ns, b);
                strbuf_put_char(b, '\n');
        }
}

static void put_notes(const struct account *account, const struct account_run *run, struct strbuf *b) {
        const struct note *before = NULL;

        ARRAY_FOREACH(note, &run->notes) {
                put_note(account, note, before, b);
                before = note;
        }
}

static void put_run(const struct account *account, const struct account_run *run, struct strbuf *b) {
        _cleanup_(strbuf_done) struct strbuf waits = {}, ends = {};

        strbuf_printf(b, "\nrun %u, %s", run->number, run->key ?: "");
        if (account->path->score.threshold == 0)
                strbuf_printf(b, ": %u step%s", run->done, run->done == 1 ? "" : "s");
        strbuf_put(b, run->alerted ? ", alert\n" : "\n");
        if (run->starts > 1)
                strbuf_printf(b, "  (its story began %u times; this is the one that counts)\n", run->starts);
        put_notes(account, run, b);
        if (run->ended)
                return;

        strbuf_put(b, "  at the end of the events it still waits for\n");
        account_put_waits(account, run->position, "", &waits);
        put_indented(strbuf_str(&waits), b);
        if (account->path->score.threshold == 0 && run->deadline_ns != UINT64_MAX) {
                strbuf_put_repeat(b, ' ', MARGIN);
                strbuf_put(b, "until ");
                put_time(account, run->deadline_ns, b);
                strbuf_put_char(b, '\n');
        }
        account_put_ends(account, run->position, "  ", &ends);
        if (ends.n > 0) {
                strbuf_put_repeat(b, ' ', MARGIN);
                strbuf_put(b, "or its end, if this comes first:\n");
                put_indented(strbuf_str(&ends), b);
        }
}

static void put_count(unsigned n, const char *what, struct strbuf *b) {
        if (n == 0)
                strbuf_printf(b, "no %s", what);
        else
                strbuf_printf(b, "%u %s%s", n, what, n == 1 ? "" : "s");
}

static void put_head(const struct account *account, struct strbuf *b) {
        const struct program *program = account->program;
        const struct path *path = account->path;
        char buffer[FORMAT_DURATION_MAX];

        strbuf_put(b, "path \"");
        strbuf_put_text(b, program_text(program, path->name), path->name.length);
        strbuf_put(b, "\" (");
        strbuf_put_text(b, program_text(program, path->file), path->file.length);
        strbuf_printf(b, ":%u), by %s", path->line, program_key_to_string((enum program_key)path->by));
        if (path->within_ns > 0)
                strbuf_printf(b, ", within %s", format_duration(buffer, path->within_ns));
        if (path->score.threshold > 0)
                strbuf_printf(b, ", alerts at %u points, forgets %u in %s", path->score.threshold, path->score.decay,
                              format_duration(buffer, path->score.decay_ns));
        strbuf_put(b, ": ");
        put_count(account->n_began, "run", b);
        strbuf_put(b, ", ");
        put_count(account->n_alerts, "alert", b);
        strbuf_put_char(b, '\n');
}

static void put_start(const struct account *account, struct strbuf *b) {
        const struct account_run *start = &account->runs.items[0];
        _cleanup_(strbuf_done) struct strbuf waits = {};

        strbuf_put(b, "\nno story began: nothing was its first step,\n");
        account_put_waits(account, 0, "", &waits);
        put_indented(strbuf_str(&waits), b);
        if (account->n_of_kind == 0)
                strbuf_printf(b, "  of %" PRIu64 " events none is of a kind that this path looks at\n",
                              account->n_events);
        put_notes(account, start, b);
}

static int compare_runs(const void *a, const void *b) {
        const struct account_run *x = *(const struct account_run *const *)a, *y = *(const struct account_run *const *)b;

        if (x->done != y->done)
                return x->done > y->done ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_numbers(const void *a, const void *b) {
        const struct account_run *x = *(const struct account_run *const *)a, *y = *(const struct account_run *const *)b;

        return x->number < y->number ? -1 : x->number > y->number;
}

void account_put_text(const struct account *account, size_t n_shown, struct strbuf *b) {
        const struct account_run *runs[ACCOUNT_MAX_RUNS + 1];
        size_t n = 0;

        put_head(account, b);
        if (account->n_began == 0) {
                put_start(account, b);
                return;
        }

        ARRAY_FOREACH(run, &account->runs)
                if (run->serial > 0 && run->merged_into == 0 && n < ELEMENTSOF(runs))
                        runs[n++] = run;
        n_shown = MIN(n_shown, n);
        qsort(runs, n, sizeof(*runs), compare_runs);
        qsort(runs, n_shown, sizeof(*runs), compare_numbers);
        for (size_t i = 0; i < n_shown; i++)
                put_run(account, runs[i], b);
        if (n + account->n_forgotten > n_shown)
                strbuf_printf(b, "\nand %zu more, which came no further\n", n + account->n_forgotten - n_shown);
}

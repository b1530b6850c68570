/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "expect.h"
#include "policy/policy-set.h"
#include "story/story.h"
#include "trial.h"

/* What the runs did, as the operational matcher tells it. */
struct cells {
        struct story *story;
        ARRAY(struct cell {
                size_t record;
                uint64_t serial;
                char text[8];
        }) cells;
};

static void on_cell(size_t record, const char *path, uint64_t serial, const char *text, void *data) {
        struct cells *cells = data;
        struct cell *cell = NULL;

        /* A run that took a step and was merged away by the same event: the end is what counts. */
        ARRAY_FOREACH(c, &cells->cells)
                if (c->record == record && c->serial == serial)
                        cell = c;
        if (cell && streq(text, "."))
                return;                 /* it fell back, and then only stayed */
        if (!cell)
                cell = array_add(&cells->cells);
        if (!cell)
                abort();
        cell->record = record;
        cell->serial = serial;
        snprintf(cell->text, sizeof(cell->text), "%s", text);
}

static const char *cell_at(const struct cells *cells, size_t record, uint64_t serial) {
        ARRAY_FOREACH(c, &cells->cells)
                if (c->record == record && c->serial == serial)
                        return c->text;
        return "-";
}

/* The columns that are written must be those that were told; runs that are not there need not be written at the end. */
static void check_columns(const struct cells *cells, struct strbuf *report) {
        uint64_t n_runs = 0;
        bool any = false;

        ARRAY_FOREACH(c, &cells->cells)
                n_runs = MAX(n_runs, c->serial + 1);
        ARRAY_FOREACH(line, &cells->story->lines)
                any = any || line->columns;
        if (!any)
                return;

        ARRAY_FOREACH(line, &cells->story->lines) {
                const char *at = line->columns ?: "";
                _cleanup_(strbuf_done) struct strbuf actual = {};
                bool good = true;

                for (uint64_t serial = 0; serial < n_runs; serial++) {
                        const char *cell = cell_at(cells, line->record + 1, serial);
                        size_t n;

                        at += strspn(at, " \t");
                        n = strcspn(at, " \t");
                        good = good && memeq_str(n > 0 ? at : "-", n > 0 ? n : 1, cell);
                        strbuf_printf(&actual, " %s", cell);
                        at += n;
                }
                good = good && at[strspn(at, " \t")] == '\0';
                if (!good)
                        strbuf_printf(report, "line %u: the runs did%s, not%s\n", line->line, strbuf_str(&actual),
                                      line->columns ?: " that");
        }
}

static int check_diags(const struct case_texts *texts, int r, struct policy_set *set, struct diag_set *diags,
                       struct strbuf *report) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        if (diags->n_errors + diags->n_warnings > 0 || r < 0)
                policy_set_put_diags(set, diags, &text);
        if (streq(strbuf_str(&text), texts->diags ?: ""))
                return r == -EBADMSG || r >= 0 ? 1 : r;
        strbuf_printf(report, "the checker says:\n%s", strbuf_str(&text));
        if (texts->diags)
                strbuf_printf(report, "but was expected to say:\n%s", texts->diags);
        return 0;
}

static int load(const struct case_texts *texts, struct diag_set *diags, struct policy_set **ret) {
        const struct policy_options options = { .trust_any_owner = true };

        if (texts->policy)
                return policy_set_parse("policy", texts->policy, strlen(texts->policy), &options, diags, ret);
        return policy_set_load(texts->files, texts->n_files, &options, diags, ret);
}

static int run_story(const struct case_texts *texts, const struct policy_set *set, struct story *story,
                     struct strbuf *report) {
        struct cells cells = { .story = story };
        const struct operational_trace trace = { on_cell, &cells };
        struct trial trial = {
                .policies = set,
                .world = &story->world,
                .trace = &trace,
                .without_engine = texts->without_engine,
        };
        struct trial_result result;
        int r;

        r = trial_run(&trial, &result);
        if (r >= 0) {
                strbuf_put(report, strbuf_str(&result.report));
                expect_check(story, &result.outcomes, texts->expect, texts->expect_line, report);
                check_columns(&cells, report);
        }
        trial_result_done(&result);
        array_done(&cells.cells);
        return r;
}

int case_run(const struct case_texts *texts, struct strbuf *report) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(story_freep) struct story *story = NULL;
        const struct story_source source = {
                .name = "events",
                .text = texts->events,
                .n = texts->events ? strlen(texts->events) : 0,
                .line = texts->events_line,
        };
        struct diag_set diags;
        int r, good;

        diag_set_init(&diags, 0);
        r = load(texts, &diags, &set);
        good = check_diags(texts, r, set, &diags, report);
        diag_set_done(&diags);
        if (good <= 0 || r < 0 || !texts->events)
                return good;

        diag_set_init(&diags, 0);
        r = story_parse(&source, &diags, &story);
        if (r == -EBADMSG)
                diag_set_put_text(&diags, NULL, 0, report);
        diag_set_done(&diags);
        if (r >= 0)
                r = run_story(texts, set, story, report);
        if (r < 0 && r != -EBADMSG)
                return r;
        return report->n == 0;
}

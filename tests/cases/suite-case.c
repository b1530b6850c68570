/* SPDX-License-Identifier: Apache-2.0 */
#include "suite-case.h"

#include <errno.h>

#include "compile/compile.h"
#include "policy/policy-set.h"
#include "rehearsal/verdict.h"
#include "trial.h"

static int load(const struct suite *suite, struct diag_set *diags, struct policy_set **ret) {
        const struct policy_options options = {.trust_any_owner = true};
        _cleanup_(arena_done) struct arena arena = {};
        const char *slash = strrchr(suite->name, '/'), *places[16];
        size_t n = 0;

        ARRAY_FOREACH(place, &suite->policies)
                if (n < ELEMENTSOF(places))
                        places[n++] = slash ? arena_printf(&arena, "%.*s/%s", (int)(slash - suite->name), suite->name,
                                                           place->text)
                                            : place->text;
        return policy_set_load(places, n, &options, diags, ret);
}

static int agree(const struct policy_set *set, const struct story *story, bool without_engine, struct strbuf *report) {
        struct trial trial = {.policies = set, .world = &story->world, .without_engine = without_engine};
        struct trial_result result;
        int r;

        r = trial_run(&trial, &result);
        if (r >= 0)
                strbuf_put(report, strbuf_str(&result.report));
        trial_result_done(&result);
        return r;
}

static const char *on_label(const struct identity *id, void *data) {
        return story_label(data, id);
}

static int expect_alerts(const struct suite_test *test, struct program *program, struct story *story,
                         struct strbuf *report) {
        const struct rehearsal_options options = {.origin_ns = WORLD_START_NS, .label = on_label, .data = story};
        _cleanup_(rehearsal_freep) struct rehearsal *rehearsal = NULL;
        struct verdict verdict = {};
        int r;

        r = rehearsal_new(program, &options, &rehearsal);
        for (size_t i = 0; r >= 0 && i < story->world.records.n; i++) {
                struct event event;

                r = world_event(&story->world, i, &event);
                if (r >= 0)
                        r = rehearsal_feed(rehearsal, &event);
        }
        if (r >= 0)
                r = rehearsal_end(rehearsal);
        if (r >= 0)
                r = verdict_find(test, rehearsal_alerts(rehearsal), WORLD_START_NS, &verdict);
        ARRAY_FOREACH(failure, &verdict.failures)
                verdict_put(failure, rehearsal_alerts(rehearsal), WORLD_START_NS, report);
        verdict_done(&verdict);
        return r;
}

int suite_case_run(const struct suite *suite, const struct suite_test *test, bool without_engine,
                   struct strbuf *report) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(story_freep) struct story *story = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = load(suite, &diags, &set);
        if (diags.n_errors + diags.n_warnings > 0 || r < 0)
                policy_set_put_diags(set, &diags, report);
        if (r >= 0)
                r = story_parse(&test->events, &diags, &story);
        if (r == -EBADMSG)
                diag_set_put_text(&diags, NULL, 0, report);
        if (r >= 0)
                r = agree(set, story, without_engine, report);
        if (r >= 0 && !without_engine) {
                r = compile_policies(set, NULL, &diags, &program);
                if (r >= 0)
                        r = expect_alerts(test, program, story, report);
        }
        if (program)
                program_unref(program);
        diag_set_done(&diags);
        if (r < 0 && r != -EBADMSG)
                return r;
        return report->n == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"

static bool same_steps(const struct suite_alert *expected, const struct rehearsal_alert *alert, uint64_t origin_ns) {
        if (!expected->has_steps)
                return true;
        if (expected->steps.n != alert->n_steps)
                return false;
        for (size_t i = 0; i < alert->n_steps; i++) {
                const struct suite_step *e = &expected->steps.items[i];
                const struct rehearsal_step *a = &alert->steps[i];

                if (e->number != a->number || (e->has_time && origin_ns + e->time_ns != a->first_ns) ||
                    (e->has_count && e->count != a->count))
                        return false;
        }
        return true;
}

static bool same_captures(const struct suite_alert *expected, const struct rehearsal_alert *alert) {
        ARRAY_FOREACH(e, &expected->captures) {
                bool found = false;

                for (size_t i = 0; i < alert->n_captures && !found; i++)
                        found = streq(e->name, alert->captures[i].name) && streq(e->text, alert->captures[i].text);
                if (!found)
                        return false;
        }
        return true;
}

static bool answers(const struct suite_alert *expected, const struct rehearsal_alert *alert, uint64_t origin_ns) {
        if (!expected->path || !streq(expected->path, alert->path))
                return false;
        if (expected->has_summary != alert->summary || (alert->summary && expected->summary != alert->suppressed))
                return false;
        return (!expected->has_at || origin_ns + expected->at_ns == alert->time_ns) &&
               (!expected->key || streq(expected->key, alert->key)) &&
               (!expected->has_uncertain || expected->uncertain == alert->uncertain) &&
               (!expected->has_gap || expected->gap == (alert->gap ? alert->gap_count : 0)) &&
               (expected->starts == 0 || expected->starts == alert->starts) &&
               same_steps(expected, alert, origin_ns) && same_captures(expected, alert);
}

struct matching {
        const struct suite_test *test;
        const struct rehearsal_alerts *alerts;
        uint64_t origin_ns;
        const struct suite_alert **answered;    /* by alert: the line that it answers, or NULL */
        bool *seen;                     /* by alert: looked at while one way is sought */
};

/* Find one more alert for the line, others making room where they can do with another one. As deep as there are
 * alerts. */
static bool match_one(struct matching *m, const struct suite_alert *expected) {
        for (size_t i = 0; i < m->alerts->n; i++) {
                if (m->seen[i] || !answers(expected, &m->alerts->items[i], m->origin_ns))
                        continue;
                m->seen[i] = true;
                if (!m->answered[i] || match_one(m, m->answered[i])) {
                        m->answered[i] = expected;
                        return true;
                }
        }
        return false;
}

static int add(struct verdict *verdict, struct failure failure) {
        return array_push(&verdict->failures, failure);
}

static int judge_lines(struct matching *m, struct verdict *verdict) {
        int r = 0;

        ARRAY_FOREACH(expected, &m->test->alerts) {
                uint32_t n = 0;

                for (bool found = true; found && n < expected->count; n += found) {
                        memset(m->seen, 0, (m->alerts->n + 1) * sizeof(*m->seen));
                        found = match_one(m, expected);
                }
                if (n < expected->count && r >= 0)
                        r = add(verdict, (struct failure){
                                .failing = FAILING_MISSING,
                                .expected = expected,
                                .n_came = n,
                                .path = expected->path,
                        });
        }
        return r;
}

static const struct suite_name *find_forbidden(const struct suite_test *test, const char *path) {
        ARRAY_FOREACH(name, &test->no_alerts)
                if (streq(name->text, path))
                        return name;
        return NULL;
}

static const struct suite_alert *find_none(const struct matching *m, const struct rehearsal_alert *alert) {
        ARRAY_FOREACH(expected, &m->test->alerts)
                if (expected->count == 0 && answers(expected, alert, m->origin_ns))
                        return expected;
        return NULL;
}

static int judge_alerts(const struct matching *m, struct verdict *verdict) {
        int r = 0;

        for (size_t i = 0; i < m->alerts->n && r >= 0; i++) {
                const struct rehearsal_alert *alert = &m->alerts->items[i];
                struct failure failure = {.alert = alert, .path = alert->path};

                failure.forbidden = find_forbidden(m->test, alert->path);
                failure.expected = m->answered[i] ? NULL : find_none(m, alert);
                if (failure.forbidden)
                        failure.failing = FAILING_FORBIDDEN;
                else if (failure.expected)
                        failure.failing = FAILING_TOO_MANY;
                else if (!m->answered[i] && m->test->has_alerts && !m->test->others_allowed)
                        failure.failing = FAILING_UNEXPECTED;
                else
                        continue;
                r = add(verdict, failure);
        }
        return r;
}

int verdict_find(const struct suite_test *test, const struct rehearsal_alerts *alerts, uint64_t origin_ns,
                 struct verdict *ret) {
        struct matching m = {.test = test, .alerts = alerts, .origin_ns = origin_ns};
        int r = -ENOMEM;

        *ret = (struct verdict){};
        m.answered = calloc(alerts->n + 1, sizeof(*m.answered));
        m.seen = calloc(alerts->n + 1, sizeof(*m.seen));
        if (m.answered && m.seen) {
                r = judge_lines(&m, ret);
                if (r >= 0)
                        r = judge_alerts(&m, ret);
        }
        free(m.answered);
        free(m.seen);
        if (r < 0)
                verdict_done(ret);
        return r;
}

void verdict_done(struct verdict *verdict) {
        array_done(&verdict->failures);
}

static void put_time(uint64_t ns, uint64_t origin_ns, struct strbuf *b) {
        char buffer[FORMAT_DURATION_MAX];

        if (ns < origin_ns)
                strbuf_put_char(b, '-');
        strbuf_put(b, format_duration(buffer, ns < origin_ns ? origin_ns - ns : ns - origin_ns));
}

void verdict_put_alert(const struct rehearsal_alert *alert, uint64_t origin_ns, struct strbuf *b) {
        strbuf_put(b, "at ");
        put_time(alert->time_ns, origin_ns, b);
        if (alert->summary)
                strbuf_printf(b, ", summary %" PRIu64, alert->suppressed);
        strbuf_put(b, ", key ");
        strbuf_put_text(b, alert->key, strlen(alert->key));
        for (size_t i = 0; i < alert->n_steps; i++) {
                strbuf_printf(b, "%s%u@", i > 0 ? " " : ", steps ", alert->steps[i].number);
                put_time(alert->steps[i].first_ns, origin_ns, b);
                if (alert->steps[i].count != 1)
                        strbuf_printf(b, "*%" PRIu64, alert->steps[i].count);
        }
        for (size_t i = 0; i < alert->n_captures; i++) {
                strbuf_printf(b, ", %s=", alert->captures[i].name);
                strbuf_put_text(b, alert->captures[i].text, strlen(alert->captures[i].text));
        }
        if (alert->uncertain)
                strbuf_put(b, ", uncertain");
        if (alert->gap)
                strbuf_printf(b, ", gap %" PRIu64, alert->gap_count);
        if (alert->starts > 1)
                strbuf_printf(b, ", starts %" PRIu64, alert->starts);
}

static void put_expected(const struct suite_alert *e, struct strbuf *b) {
        char buffer[FORMAT_DURATION_MAX];
        const char *separator = " with ";

        strbuf_put_text(b, e->path, strlen(e->path));
        if (e->has_summary) {
                strbuf_printf(b, "%ssummary %" PRIu64, separator, e->summary);
                separator = ", ";
        }
        if (e->has_at) {
                strbuf_printf(b, "%sat %s", separator, format_duration(buffer, e->at_ns));
                separator = ", ";
        }
        if (e->key) {
                strbuf_printf(b, "%skey ", separator);
                strbuf_put_text(b, e->key, strlen(e->key));
                separator = ", ";
        }
        if (e->has_steps) {
                strbuf_printf(b, "%ssteps", separator);
                ARRAY_FOREACH(step, &e->steps) {
                        strbuf_printf(b, " %u", step->number);
                        if (step->has_time)
                                strbuf_printf(b, "@%s", format_duration(buffer, step->time_ns));
                        if (step->has_count)
                                strbuf_printf(b, "*%" PRIu64, step->count);
                }
                separator = ", ";
        }
        ARRAY_FOREACH(capture, &e->captures) {
                strbuf_put(b, separator);
                strbuf_put_text(b, capture->name, strlen(capture->name));
                strbuf_put_char(b, '=');
                strbuf_put_text(b, capture->text, strlen(capture->text));
                separator = ", ";
        }
        if (e->has_uncertain) {
                strbuf_printf(b, "%s%suncertain", separator, e->uncertain ? "" : "not ");
                separator = ", ";
        }
        if (e->has_gap) {
                strbuf_printf(b, "%sgap %" PRIu64, separator, e->gap);
                separator = ", ";
        }
        if (e->starts > 0)
                strbuf_printf(b, "%sstarts %" PRIu64, separator, e->starts);
}

static void put_those_of(const char *path, const struct rehearsal_alerts *alerts, uint64_t origin_ns,
                         struct strbuf *b) {
        unsigned n = 0;

        ARRAY_FOREACH(alert, alerts) {
                if (!streq(alert->path, path))
                        continue;
                if (++n > 5) {
                        strbuf_put(b, "  ... and more\n");
                        return;
                }
                strbuf_put(b, "  came: ");
                verdict_put_alert(alert, origin_ns, b);
                strbuf_put_char(b, '\n');
        }
}

void verdict_put(const struct failure *failure, const struct rehearsal_alerts *alerts, uint64_t origin_ns,
                 struct strbuf *b) {
        switch (failure->failing) {
        case FAILING_MISSING:
                strbuf_printf(b, "line %u expects ", failure->expected->span.line);
                put_expected(failure->expected, b);
                if (failure->expected->count > 1)
                        strbuf_printf(b, ", %u times: it came %u times\n", failure->expected->count, failure->n_came);
                else
                        strbuf_put(b, ": it did not come\n");
                put_those_of(failure->path, alerts, origin_ns, b);
                return;
        case FAILING_TOO_MANY:
                strbuf_printf(b, "line %u expects none of ", failure->expected->span.line);
                put_expected(failure->expected, b);
                break;
        case FAILING_FORBIDDEN:
                strbuf_printf(b, "line %u forbids %s", failure->forbidden->span.line, failure->path);
                break;
        case FAILING_UNEXPECTED:
                strbuf_put(b, "not expected: ");
                strbuf_put_text(b, failure->path, strlen(failure->path));
                break;
        }
        strbuf_put(b, ": it came ");
        verdict_put_alert(failure->alert, origin_ns, b);
        strbuf_put_char(b, '\n');
}

static void check_name(const struct program *program, const char *name, struct diag_span span,
                       struct diag_set *diags) {
        const char *names[PROGRAM_MAX_PATHS];

        if (!name || rehearsal_find_path(program, name) != PROGRAM_NONE)
                return;
        for (uint32_t i = 0; i < program->n_paths; i++)
                names[i] = program_text(program, program->paths[i].name);      /* a NUL stands behind each */
        diag_error(diags, span, "no path of the policies is named '%s'", name);
        diag_did_you_mean(diags, diag_closest(name, names, program->n_paths));
}

void verdict_check_names(const struct suite *suite, const struct program *program, struct diag_set *diags) {
        ARRAY_FOREACH(test, &suite->tests) {
                ARRAY_FOREACH(alert, &test->alerts)
                        check_name(program, alert->path, alert->span, diags);
                ARRAY_FOREACH(name, &test->no_alerts)
                        check_name(program, name->text, name->span, diags);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "story/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/yaml-reader.h"

#define TIME_MAX_NS (INT64_MAX / 4)

struct reader {
        struct suite *suite;
        struct diag_set *diags;         /* never NULL */
        int error;                      /* -ENOMEM, once it happened */
};

static void fail_memory(struct reader *r) {
        r->error = -ENOMEM;
}

#define PUSH(r, array, ...)                                                                                            \
        do {                                                                                                           \
                if (array_push(array, __VA_ARGS__) < 0)                                                                \
                        fail_memory(r);                                                                                \
        } while (0)

static bool wants(struct reader *r, const struct yaml_node *node, enum yaml_type type, const char *what) {
        if (node->type == type && (type != YAML_SCALAR || node->n > 0))
                return true;
        diag_error(r->diags, node->span, "%s is expected here", what);
        return false;
}

static struct suite_name take_name(const struct yaml_node *node) {
        return (struct suite_name){.text = node->text, .span = node->span};
}

static bool take_number(struct reader *r, const struct yaml_node *node, uint64_t min, uint64_t max, uint64_t *ret) {
        if (!wants(r, node, YAML_SCALAR, "a number"))
                return false;
        if (parse_u64_n(node->text, node->n, min, max, ret) >= 0)
                return true;
        diag_error(r->diags, node->span, "'%s' is no number from %llu to %llu", node->text, (unsigned long long)min,
                   (unsigned long long)max);
        return false;
}

static bool take_bool(struct reader *r, const struct yaml_node *node, bool *ret) {
        if (!wants(r, node, YAML_SCALAR, "yes or no"))
                return false;
        if (parse_bool_n(node->text, node->n, ret) >= 0)
                return true;
        diag_error(r->diags, node->span, "'%s' is neither yes nor no", node->text);
        return false;
}

static void unknown_key(struct reader *r, const struct yaml_node *key, const char *where, const char *const *names,
                        size_t n_names) {
        diag_error(r->diags, key->span, "%s has no '%s'", where, key->text);
        diag_did_you_mean(r->diags, diag_closest(key->text, names, n_names));
}

static bool is_key(const struct yaml_node *value, const char *name) {
        return streq(value->key->text, name);
}

/* "2", "2@1.5s", "2@1s*3": a step by its number, when it came, how many events a repetition took. */
static bool parse_step(const char *text, size_t n, struct suite_step *ret) {
        const char *end = text + n, *at = memchr(text, '@', n), *star = memchr(text, '*', n);
        const char *number_end = at ? at : star ? star : end;
        uint64_t number;

        *ret = (struct suite_step){};
        if (at && star && star < at)
                return false;
        if (parse_u64_n(text, number_end - text, 1, 4096, &number) < 0)
                return false;
        ret->number = number;
        ret->has_time = at != NULL;
        ret->has_count = star != NULL;
        if (at && parse_duration_n(at + 1, (star ?: end) - at - 1, 0, TIME_MAX_NS, &ret->time_ns) < 0)
                return false;
        return !star || parse_u64_n(star + 1, end - star - 1, 1, UINT64_MAX, &ret->count) >= 0;
}

static void take_step(struct reader *r, struct suite_alert *alert, const struct diag_span *span, const char *text,
                      size_t n) {
        struct suite_step step;

        if (!parse_step(text, n, &step))
                diag_error(r->diags, *span, "'%.*s' is no step: write 2, 2@1.5s or 2*3, as in [1@0s, 2*3]", (int)n,
                           text);
        else
                PUSH(r, &alert->steps, step);
}

/* `[1, 2@1s]`, or "1,2@1s". */
static void take_steps(struct reader *r, struct suite_alert *alert, const struct yaml_node *node) {
        alert->has_steps = true;
        if (node->type == YAML_SCALAR) {
                for (const char *at = node->text, *end = at + node->n; at <= end;) {
                        const char *comma = memchr(at, ',', end - at) ?: end;

                        at += strspn(at, " ");
                        take_step(r, alert, &node->span, at, comma > at ? comma - at : 0);
                        at = comma + 1;
                }
                return;
        }
        if (!wants(r, node, YAML_SEQUENCE, "a list of steps"))
                return;
        for (const struct yaml_node *item = node->first; item; item = item->next)
                if (wants(r, item, YAML_SCALAR, "a step"))
                        take_step(r, alert, &item->span, item->text, item->n);
}

static void take_captures(struct reader *r, struct suite_alert *alert, const struct yaml_node *node) {
        if (!wants(r, node, YAML_MAPPING, "names and values, as in {$file: /tmp/x},"))
                return;
        for (const struct yaml_node *item = node->first; item; item = item->next)
                if (*item->key->text != '$')
                        diag_error(r->diags, item->key->span, "the name of a capture begins with a dollar sign");
                else if (item->type != YAML_SCALAR)
                        diag_error(r->diags, item->span, "a value is expected here");
                else
                        PUSH(r, &alert->captures, ((struct suite_capture){item->key->text, item->text}));
}

static void take_at(struct reader *r, struct suite_alert *alert, const struct yaml_node *node) {
        if (!wants(r, node, YAML_SCALAR, "a time"))
                return;
        alert->has_at = true;
        if (parse_duration_n(node->text, node->n, 0, TIME_MAX_NS, &alert->at_ns) < 0)
                diag_error(r->diags, node->span, "'%s' is no time, as in 1.5s", node->text);
}

static void take_alert_key(struct reader *r, struct suite_alert *alert, const struct yaml_node *v) {
        static const char *const names[] = {"path", "count",     "at",  "key",    "steps",
                                            "captures", "uncertain", "gap", "starts", "summary"};
        uint64_t number = 0;

        if (is_key(v, "path")) {
                if (wants(r, v, YAML_SCALAR, "the name of a path"))
                        alert->path = v->text;
        } else if (is_key(v, "count")) {
                if (take_number(r, v, 0, SUITE_MAX_COUNT, &number))
                        alert->count = number;
        } else if (is_key(v, "at"))
                take_at(r, alert, v);
        else if (is_key(v, "key")) {
                if (wants(r, v, YAML_SCALAR, "a key, as in tree:bash,"))
                        alert->key = v->text;
        } else if (is_key(v, "steps"))
                take_steps(r, alert, v);
        else if (is_key(v, "captures"))
                take_captures(r, alert, v);
        else if (is_key(v, "uncertain"))
                alert->has_uncertain = take_bool(r, v, &alert->uncertain);
        else if (is_key(v, "gap"))
                alert->has_gap = take_number(r, v, 0, UINT64_MAX, &alert->gap);
        else if (is_key(v, "starts"))
                (void)take_number(r, v, 1, UINT64_MAX, &alert->starts);
        else if (is_key(v, "summary"))
                alert->has_summary = take_number(r, v, 1, UINT64_MAX, &alert->summary);
        else
                unknown_key(r, v->key, "an alert", names, ELEMENTSOF(names));
}

/* A name alone, or a mapping. */
static void take_alert(struct reader *r, struct suite_test *test, const struct yaml_node *node) {
        size_t before = r->diags->n_errors;
        struct suite_alert *alert;

        /* Filled in where it stays: it owns arrays, and one that found no place would lose them. */
        if (array_push(&test->alerts, ((struct suite_alert){.span = node->span, .count = 1})) < 0) {
                fail_memory(r);
                return;
        }
        alert = &test->alerts.items[test->alerts.n - 1];

        if (node->type == YAML_SCALAR && node->n > 0)
                alert->path = node->text;
        else if (wants(r, node, YAML_MAPPING, "the name of a path, or `path: NAME` and more,"))
                for (const struct yaml_node *v = node->first; v; v = v->next)
                        take_alert_key(r, alert, v);
        if (!alert->path && r->diags->n_errors == before)
                diag_error(r->diags, node->span, "which path is to alert? `path` is missing");
}

/* The lines of a literal block as they stand in the file, so that places in it are places in the file. */
static void take_events(struct reader *r, struct suite_test *test, const struct yaml_node *node) {
        const struct suite *suite = r->suite;
        const char *end = suite->text + suite->n, *at, *stop;

        if (!wants(r, node, YAML_SCALAR, "a story"))
                return;
        at = suite->text + node->span.offset;
        if (node->is_plain || *at != '|') {
                diag_error(r->diags, node->span, "a story is a block of lines");
                diag_hint(r->diags, "write `events: |` and the events below, one a line, indented");
                return;
        }

        at = memchr(at, '\n', end - at);
        at = at ? at + 1 : end;
        stop = at;
        for (const char *c = node->text; *c && stop < end; c++)
                if (*c == '\n' || c[1] == '\0') {
                        stop = memchr(stop, '\n', end - stop);
                        stop = stop ? stop + 1 : end;
                }
        test->events = (struct story_source){
                .name = suite->name,
                .text = at,
                .n = stop - at,
                .line = node->span.line + 1,
                .offset = at - suite->text,
        };
}

static void take_no_alerts(struct reader *r, struct suite_test *test, const struct yaml_node *node) {
        if (!wants(r, node, YAML_SEQUENCE, "a list of paths"))
                return;
        for (const struct yaml_node *item = node->first; item; item = item->next)
                if (wants(r, item, YAML_SCALAR, "the name of a path"))
                        PUSH(r, &test->no_alerts, take_name(item));
}

static void take_alerts(struct reader *r, struct suite_test *test, const struct yaml_node *node) {
        test->has_alerts = true;
        if (node->type == YAML_SCALAR && streq(node->text, "none"))
                return;
        if (!wants(r, node, YAML_SEQUENCE, "a list of alerts, or none,"))
                return;
        for (const struct yaml_node *item = node->first; item; item = item->next)
                take_alert(r, test, item);
}

static void take_test_key(struct reader *r, struct suite_test *test, const struct yaml_node *v) {
        static const char *const names[] = {"name", "events", "recording", "alerts", "no_alerts", "others"};

        if (is_key(v, "name")) {
                if (wants(r, v, YAML_SCALAR, "a name"))
                        test->name = v->text;
        } else if (is_key(v, "events"))
                take_events(r, test, v);
        else if (is_key(v, "recording")) {
                if (wants(r, v, YAML_SCALAR, "the name of a file"))
                        test->recording = take_name(v);
        } else if (is_key(v, "alerts"))
                take_alerts(r, test, v);
        else if (is_key(v, "no_alerts"))
                take_no_alerts(r, test, v);
        else if (is_key(v, "others")) {
                test->others_allowed = v->type == YAML_SCALAR && streq(v->text, "allowed");
                if (!test->others_allowed && (v->type != YAML_SCALAR || !streq(v->text, "forbidden")))
                        diag_error(r->diags, v->span, "others are allowed or forbidden");
        } else
                unknown_key(r, v->key, "a test", names, ELEMENTSOF(names));
}

static void take_test(struct reader *r, const struct yaml_node *node) {
        size_t before = r->diags->n_errors;
        struct suite_test *test;

        if (array_push(&r->suite->tests, ((struct suite_test){.span = node->span})) < 0) {
                fail_memory(r);
                return;
        }
        test = &r->suite->tests.items[r->suite->tests.n - 1];

        if (wants(r, node, YAML_MAPPING, "a test: `name`, `events`, `alerts`,"))
                for (const struct yaml_node *v = node->first; v; v = v->next)
                        take_test_key(r, test, v);
        if (r->diags->n_errors == before) {
                if (!test->name)
                        diag_error(r->diags, node->span, "a test needs a `name` that says what it shows");
                if (!test->events.text == !test->recording.text)
                        diag_error(r->diags, node->span, "a test needs either `events` or a `recording`");
                if (!test->has_alerts && test->no_alerts.n == 0)
                        diag_error(r->diags, node->span,
                                   "a test that expects nothing shows nothing: it needs `alerts` or `no_alerts`");
        }
}

static void take_policies(struct reader *r, const struct yaml_node *node) {
        if (node->type == YAML_SCALAR && node->n > 0) {
                PUSH(r, &r->suite->policies, take_name(node));
                return;
        }
        if (!wants(r, node, YAML_SEQUENCE, "a file or directory of policies, or a list of them,"))
                return;
        for (const struct yaml_node *item = node->first; item; item = item->next)
                if (wants(r, item, YAML_SCALAR, "a file or directory of policies"))
                        PUSH(r, &r->suite->policies, take_name(item));
}

/* Whoever reads a test must know whether a kernel said this, or a person. */
static void take_origin(struct reader *r, const struct yaml_node *node) {
        if (!wants(r, node, YAML_SCALAR, "hand-written, or recorded with kernel and date,"))
                return;
        r->suite->origin = node->text;
        if (!streq(node->text, "hand-written") && strncmp(node->text, "recorded, ", strlen("recorded, ")) != 0)
                diag_error(r->diags, node->span, "stories are hand-written, or \"recorded, KERNEL, DATE\"");
}

static void take_suite(struct reader *r, const struct yaml_node *root) {
        static const char *const names[] = {"policies", "tests", "origin"};

        if (!wants(r, root, YAML_MAPPING, "`policies` and `tests`"))
                return;
        for (const struct yaml_node *v = root->first; v; v = v->next)
                if (is_key(v, "policies"))
                        take_policies(r, v);
                else if (is_key(v, "origin"))
                        take_origin(r, v);
                else if (is_key(v, "tests")) {
                        if (wants(r, v, YAML_SEQUENCE, "a list of tests"))
                                for (const struct yaml_node *item = v->first; item; item = item->next)
                                        take_test(r, item);
                } else
                        unknown_key(r, v->key, "a file of tests", names, ELEMENTSOF(names));
        if (r->suite->tests.n == 0 && r->diags->n_errors == 0)
                diag_error(r->diags, root->span, "there are no `tests`");
}

int suite_parse(const char *name, const char *text, size_t n, struct diag_set *diags, struct suite **ret) {
        _cleanup_(suite_freep) struct suite *suite = calloc(1, sizeof(*suite));
        struct reader reader = {.suite = suite, .diags = diags};
        struct yaml_node *root = NULL;
        struct diag_set own;
        int r;

        if (!suite)
                return -ENOMEM;
        suite->name = arena_strdup(&suite->arena, name);
        suite->text = arena_strndup(&suite->arena, text, n);
        suite->n = n;
        if (!suite->name || !suite->text)
                return -ENOMEM;
        if (n > SUITE_MAX_BYTES)
                return diag_error(diags, (struct diag_span){.file = name}, "the file is longer than %zu bytes",
                                  SUITE_MAX_BYTES);

        /* Whether something was wrong is counted where it is said. */
        diag_set_init(&own, 1);
        if (!diags)
                reader.diags = diags = &own;
        r = yaml_read(suite->name, suite->text, n, &suite->arena, diags, &root);
        if (r >= 0 && root)
                take_suite(&reader, root);
        else if (r >= 0)
                diag_error(diags, (struct diag_span){.file = suite->name}, "the file is empty");
        if (r >= 0)
                r = reader.error < 0 ? reader.error : diag_set_result(diags);
        diag_set_done(&own);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(suite);
        return 0;
}

struct suite *suite_free(struct suite *suite) {
        if (!suite)
                return NULL;
        ARRAY_FOREACH(test, &suite->tests) {
                ARRAY_FOREACH(alert, &test->alerts) {
                        array_done(&alert->steps);
                        array_done(&alert->captures);
                }
                array_done(&test->alerts);
                array_done(&test->no_alerts);
        }
        array_done(&suite->tests);
        array_done(&suite->policies);
        arena_done(&suite->arena);
        free(suite);
        return NULL;
}

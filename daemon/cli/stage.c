/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stage.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "pipeline/policy-loader.h"

bool stage_is_suite(const char *file) {
        const char *dot = strrchr(file, '.');

        return dot && (streq(dot, ".yaml") || streq(dot, ".yml"));
}

static void put_diags(const struct diag_set *diags, const char *file, const char *text, size_t n) {
        const struct diag_source source = {.file = file, .text = text, .n = n};
        _cleanup_(strbuf_done) struct strbuf b = {};

        diag_set_put_text(diags, &source, 1, &b);
        (void)fd_write_full(STDERR_FILENO, strbuf_str(&b), b.n);
}

int stage_load_suite(const char *file, struct suite **ret) {
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = read_file_at(AT_FDCWD, file, SUITE_MAX_BYTES, &text, &n);
        if (r < 0) {
                log_error_errno(r, "Cannot read the tests in '%s': %m", file);
                return EXIT_STATUS_USAGE;
        }
        diag_set_init(&diags, 0);
        r = suite_parse(file, text, n, &diags, ret);
        if (r == -ENOMEM)
                log_oom();
        else if (r < 0)
                put_diags(&diags, file, text, n);
        return r < 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_SUCCESS;
}

int stage_load_policies(const char *const *places, size_t n_places, struct program **ret) {
        const struct policy_options options = {.trust_any_owner = true};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf text = {};
        int r;

        diag_set_init(&diags, 0);
        r = policy_loader_load(places, n_places, &options, NULL, 0, &diags, &text, ret, NULL);
        if (r == -ENOMEM) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        if (r < 0)
                (void)fd_write_full(STDERR_FILENO, strbuf_str(&text), text.n);
        return r < 0 ? EXIT_STATUS_POLICIES : EXIT_STATUS_SUCCESS;
}

int stage_load_policies_of(const struct suite *suite, const char *const *places, size_t n_places,
                           struct program **ret) {
        const char *slash = strrchr(suite->name, '/'), *own[VERB_MAX_PLACES];
        _cleanup_(arena_done) struct arena arena = {};
        size_t n = 0;

        if (n_places > 0)
                return stage_load_policies(places, n_places, ret);
        if (suite->policies.n == 0) {
                log_error("'%s' names no `policies`, and there is no option --policies", suite->name);
                return EXIT_STATUS_POLICIES;
        }
        ARRAY_FOREACH(place, &suite->policies) {
                bool is_relative = slash && *place->text != '/';

                if (n == ELEMENTSOF(own)) {
                        log_error("'%s': more than %d places of policies", suite->name, VERB_MAX_PLACES);
                        return EXIT_STATUS_POLICIES;
                }
                own[n] = is_relative ? arena_printf(&arena, "%.*s/%s", (int)(slash - suite->name), suite->name,
                                                    place->text)
                                     : place->text;
                if (!own[n++]) {
                        log_oom();
                        return EXIT_STATUS_FAILURE;
                }
        }
        return stage_load_policies(own, n, ret);
}

void stage_done(struct stage *stage) {
        rehearsal_free(stage->rehearsal);
        story_free(stage->story);
        *stage = (struct stage){};
}

static const char *on_label(const struct identity *id, void *data) {
        return story_label(data, id);
}

/* What went wrong while events were fed. */
static int feed_status(int r) {
        if (r == -ENOMEM)
                log_oom();
        else if (r == -E2BIG)
                log_error("Too many alerts: they are not looked at one by one");
        else
                log_error_errno(r, "Cannot rehearse this: %m");
        return EXIT_STATUS_FAILURE;
}

static int new_rehearsal(struct program *program, const struct rehearsal_options *options, struct rehearsal **ret) {
        const char *names[PROGRAM_MAX_PATHS], *meant;
        int r;

        r = rehearsal_new(program, options, ret);
        if (r >= 0)
                return EXIT_STATUS_SUCCESS;
        if (r != -ENOENT)
                return feed_status(r);

        for (uint32_t i = 0; i < program->n_paths; i++)
                names[i] = program_text(program, program->paths[i].name);      /* a NUL stands behind each */
        meant = diag_closest(options->account_of, names, program->n_paths);
        log_error("No path of the policies is named '%s'%s%s%s", options->account_of, meant ? "; did you mean '" : "",
                  meant ?: "", meant ? "'?" : "");
        return EXIT_STATUS_USAGE;
}

static int play_story(struct program *program, struct story *story, const char *account_of, struct stage *stage) {
        const struct rehearsal_options options = {
                .account_of = account_of,
                .origin_ns = WORLD_START_NS,
                .label = on_label,
                .data = story,
        };
        int r;

        stage->origin_ns = WORLD_START_NS;
        r = new_rehearsal(program, &options, &stage->rehearsal);
        if (r != EXIT_STATUS_SUCCESS)
                return r;
        for (size_t i = 0; i < story->world.records.n && r >= 0; i++) {
                struct event event;

                r = world_event(&story->world, i, &event);
                if (r >= 0)
                        r = rehearsal_feed(stage->rehearsal, &event);
        }
        if (r >= 0)
                r = rehearsal_end(stage->rehearsal);
        return r < 0 ? feed_status(r) : EXIT_STATUS_SUCCESS;
}

int stage_play_recording(struct program *program, const char *file, const char *account_of, struct stage *ret) {
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        struct rehearsal_options options = {.account_of = account_of};
        struct trace_state state = {};
        struct event event;
        int r, status, fed = 0;

        *ret = (struct stage){};
        r = verb_open_recording(file, &reader, &state);
        if (r < 0)
                return verb_recording_status(file, r, &state);
        while ((r = trace_reader_next(reader, &event)) > 0 && fed >= 0) {
                if (!ret->rehearsal) {
                        ret->origin_ns = options.origin_ns = event.time_ns;
                        status = new_rehearsal(program, &options, &ret->rehearsal);
                        if (status != EXIT_STATUS_SUCCESS)
                                return status;
                }
                fed = rehearsal_feed(ret->rehearsal, &event);
        }
        status = verb_recording_status(file, r, trace_reader_state(reader));
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (!ret->rehearsal) {
                log_error("The recording '%s' is empty", file);
                return EXIT_STATUS_RECORDING_BROKEN;
        }
        if (fed >= 0)
                fed = rehearsal_end(ret->rehearsal);
        return fed < 0 ? feed_status(fed) : EXIT_STATUS_SUCCESS;
}

static int play_recording_of(struct program *program, const struct suite *suite, const struct suite_test *test,
                             const char *account_of, struct stage *ret) {
        const char *slash = strrchr(suite->name, '/');
        _cleanup_(arena_done) struct arena arena = {};
        const char *file = test->recording.text;

        if (slash && *file != '/')
                file = arena_printf(&arena, "%.*s/%s", (int)(slash - suite->name), suite->name, file);
        if (!file) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        return stage_play_recording(program, file, account_of, ret);
}

const struct suite_test *stage_find_test(const struct suite *suite, const char *name) {
        const char *names[4096];
        size_t n = 0;

        if (!name && suite->tests.n > 1) {
                log_error("'%s' has %zu tests: which one? --test NAME", suite->name, suite->tests.n);
                return NULL;
        }
        ARRAY_FOREACH(test, &suite->tests) {
                if (!name || streq(test->name, name))
                        return test;
                if (n < ELEMENTSOF(names))
                        names[n++] = test->name;
        }
        name = diag_closest(name, names, n);
        log_error("'%s' has no test of that name%s%s%s", suite->name, name ? "; did you mean '" : "", name ?: "",
                  name ? "'?" : "");
        return NULL;
}

int stage_read_story(const struct suite *suite, const struct suite_test *test, struct story **ret) {
        _cleanup_(diag_set_done) struct diag_set diags = {};
        int r;

        diag_set_init(&diags, 0);
        r = story_parse(&test->events, &diags, ret);
        if (r == -EBADMSG)
                put_diags(&diags, suite->name, suite->text, suite->n);
        else if (r < 0)
                log_oom();
        return r < 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_SUCCESS;
}

int stage_play_test(struct program *program, const struct suite *suite, const struct suite_test *test,
                    const char *account_of, struct stage *ret) {
        int status;

        *ret = (struct stage){};
        if (!test->events.text)
                return play_recording_of(program, suite, test, account_of, ret);

        status = stage_read_story(suite, test, &ret->story);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        return play_story(program, ret->story, account_of, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/stage.h"
#include "cli/verb.h"
#include "rehearsal/verdict.h"

#define SUFFIX ".test.yaml"
#define MAX_DEPTH 8                     /* of directories below one that was named */
#define RUNS_SHOWN 3                    /* of a path that failed */

struct test_params {
        struct places files;            /* files of tests, and directories of them */
        struct places places;           /* of policies */
        bool quiet;

        unsigned n_tests, n_failed, n_broken;   /* broken: files of which not one test could be run */
        int status;                     /* of the first file that could not be run */
};

DEFINE_CLEANUP(struct program *, program_unref)

/* Each line behind an indentation. */
static void put_indented(const char *text, struct strbuf *b) {
        for (const char *at = text; *at;) {
                const char *end = strchrnul(at, '\n');

                if (end > at)
                        strbuf_put(b, "      ");
                strbuf_put_n(b, at, end - at);
                strbuf_put_char(b, '\n');
                at = *end ? end + 1 : end;
        }
}

/* Is the path's account told already, with a failure before this one? */
static bool is_told(const struct verdict *verdict, const struct failure *failure) {
        ARRAY_FOREACH(before, &verdict->failures) {
                if (before == failure)
                        return false;
                if (streq(before->path, failure->path))
                        return true;
        }
        return false;
}

/* Played once more, for the account of the path that went wrong. */
static int put_why(struct program *program, const struct suite *suite, const struct suite_test *test,
                   const char *path, struct strbuf *b) {
        _cleanup_(stage_done) struct stage stage = {};
        _cleanup_(strbuf_done) struct strbuf text = {};
        int status;

        status = stage_play_test(program, suite, test, path, &stage);
        if (status == EXIT_STATUS_SUCCESS) {
                account_put_text(rehearsal_account(stage.rehearsal), RUNS_SHOWN, &text);
                strbuf_put_char(b, '\n');
                put_indented(strbuf_str(&text), b);
        }
        return status;
}

static int put_failures(struct program *program, const struct suite *suite, const struct suite_test *test,
                        const struct verdict *verdict, const struct stage *stage, struct strbuf *b) {
        int status = EXIT_STATUS_SUCCESS;

        ARRAY_FOREACH(failure, &verdict->failures) {
                _cleanup_(strbuf_done) struct strbuf text = {};

                verdict_put(failure, rehearsal_alerts(stage->rehearsal), stage->origin_ns, &text);
                put_indented(strbuf_str(&text), b);
        }
        ARRAY_FOREACH(failure, &verdict->failures)
                if (status == EXIT_STATUS_SUCCESS && !is_told(verdict, failure))
                        status = put_why(program, suite, test, failure->path, b);
        strbuf_put_char(b, '\n');
        return status;
}

static int run_test(struct test_params *params, struct program *program, const struct suite *suite,
                    const struct suite_test *test) {
        _cleanup_(stage_done) struct stage stage = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct verdict verdict = {};
        int status;

        status = stage_play_test(program, suite, test, NULL, &stage);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (verdict_find(test, rehearsal_alerts(stage.rehearsal), stage.origin_ns, &verdict) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }

        params->n_tests++;
        if (verdict.failures.n > 0) {
                params->n_failed++;
                strbuf_printf(&b, "FAIL  %s:%u: %s\n", suite->name, test->span.line, test->name);
                status = put_failures(program, suite, test, &verdict, &stage, &b);
        } else if (!params->quiet)
                strbuf_printf(&b, "ok    %s: %s\n", suite->name, test->name);
        verdict_done(&verdict);
        return status == EXIT_STATUS_SUCCESS ? verb_print(&b) : status;
}

/* Names of paths that nobody has would let `no_alerts` pass whatever happens. */
static int check_names(const struct suite *suite, const struct program *program) {
        const struct diag_source source = {.file = suite->name, .text = suite->text, .n = suite->n};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf b = {};

        diag_set_init(&diags, 0);
        verdict_check_names(suite, program, &diags);
        if (diags.n_errors == 0)
                return EXIT_STATUS_SUCCESS;
        diag_set_put_text(&diags, &source, 1, &b);
        (void)fd_write_full(STDERR_FILENO, strbuf_str(&b), b.n);
        return EXIT_STATUS_FAILURE;
}

static void run_file(struct test_params *params, const char *file) {
        _cleanup_(program_unrefp) struct program *program = NULL;
        _cleanup_(suite_freep) struct suite *suite = NULL;
        int status;

        status = stage_load_suite(file, &suite);
        if (status == EXIT_STATUS_SUCCESS)
                status = stage_load_policies_of(suite, params->places.items, params->places.n, &program);
        if (status == EXIT_STATUS_SUCCESS)
                status = check_names(suite, program);
        for (size_t i = 0; status == EXIT_STATUS_SUCCESS && i < suite->tests.n; i++)
                status = run_test(params, program, suite, &suite->tests.items[i]);
        if (status == EXIT_STATUS_SUCCESS)
                return;
        params->n_broken++;
        params->status = params->status ?: status;
}

static int is_of_interest(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

/* Links are not followed below a directory that was named. */
static void run_directory(struct test_params *params, const char *name, unsigned depth) {
        struct dirent **entries;
        int n;

        n = depth <= MAX_DEPTH ? scandir(name, &entries, is_of_interest, alphasort) : 0;
        if (n < 0) {
                log_error_errno(-errno, "Cannot read the directory '%s': %m", name);
                params->n_broken++;
                params->status = params->status ?: EXIT_STATUS_FAILURE;
                return;
        }
        for (int i = 0; i < n; i++) {
                _cleanup_(strbuf_done) struct strbuf path = {};
                struct stat st;

                strbuf_printf(&path, "%s%s%s", name, name[strlen(name) - 1] == '/' ? "" : "/", entries[i]->d_name);
                if (lstat(strbuf_str(&path), &st) >= 0) {
                        if (S_ISDIR(st.st_mode))
                                run_directory(params, strbuf_str(&path), depth + 1);
                        else if (S_ISREG(st.st_mode) && endswith(entries[i]->d_name, SUFFIX))
                                run_file(params, strbuf_str(&path));
                }
                free(entries[i]);
        }
        if (depth <= MAX_DEPTH)
                free(entries);
}

static int test(struct test_params *params) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        for (size_t i = 0; i < params->files.n; i++) {
                const char *name = params->files.items[i];
                struct stat st;

                if (*name && stat(name, &st) >= 0 && S_ISDIR(st.st_mode))
                        run_directory(params, name, 0);
                else
                        run_file(params, name);
        }
        if (params->n_tests == 0 && params->n_broken == 0) {
                log_error("There are no tests: no file whose name ends in " SUFFIX);
                return EXIT_STATUS_USAGE;
        }
        strbuf_printf(&b, "%u tests, %u failed", params->n_tests, params->n_failed);
        if (params->n_broken > 0)
                strbuf_printf(&b, ", %u files could not be run", params->n_broken);
        strbuf_put_char(&b, '\n');
        if (verb_print(&b) != EXIT_STATUS_SUCCESS)
                return EXIT_STATUS_FAILURE;
        return params->n_failed > 0 ? EXIT_STATUS_FAILURE : params->status;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct test_params params = {};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &params.places},
                {"quiet", OPTION_FLAG, .flag = &params.quiet},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        for (int i = optind; i < argc; i++)
                if (!places_add(&params.files, argv[i]))
                        return EXIT_STATUS_USAGE;
        if (params.files.n == 0) {
                log_error("No file or directory of tests");
                return verb_usage(verb);
        }
        return test(&params);
}

const struct verb verb_test = {
        .name = "test",
        .arguments = "FILE|DIR... [--policies PLACE...] [--quiet]",
        .summary = "Test policies: stories, and the alerts that must and must not come of them",
        .help = "  --policies PLACE  these policies, not those that the files name; may be repeated\n"
                "  --quiet           say nothing of tests that pass\n"
                "\n"
                "Directories are searched for files whose name ends in " SUFFIX " (docs/TESTING-POLICIES.md).\n"
                "A test that fails tells why: which step was taken, and which condition failed next, with the values\n"
                "seen. Needs no privilege and no daemon. Exit status 0 if all pass, 1 if not.\n",
        .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "cli/stage.h"
#include "cli/verb.h"

struct why_params {
        const char *file, *path, *test;
        struct places places;
        uint64_t n_runs;
};

DEFINE_CLEANUP(struct program *, program_unref)

static int put_account(const struct why_params *params, const struct stage *stage) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        account_put_text(rehearsal_account(stage->rehearsal), params->n_runs, &b);
        return verb_print(&b);
}

static int why_recording(const struct why_params *params) {
        _cleanup_(program_unrefp) struct program *program = NULL;
        _cleanup_(stage_done) struct stage stage = {};
        int status;

        if (params->places.n == 0) {
                log_error("Which policies? A recording needs --policies");
                return EXIT_STATUS_USAGE;
        }
        status = stage_load_policies(params->places.items, params->places.n, &program);
        if (status == EXIT_STATUS_SUCCESS)
                status = stage_play_recording(program, params->file, params->path, &stage);
        return status == EXIT_STATUS_SUCCESS ? put_account(params, &stage) : status;
}

static int why_suite(const struct why_params *params) {
        _cleanup_(program_unrefp) struct program *program = NULL;
        _cleanup_(suite_freep) struct suite *suite = NULL;
        _cleanup_(stage_done) struct stage stage = {};
        const struct suite_test *test;
        int status;

        status = stage_load_suite(params->file, &suite);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        test = stage_find_test(suite, params->test);
        if (!test)
                return EXIT_STATUS_USAGE;
        status = stage_load_policies_of(suite, params->places.items, params->places.n, &program);
        if (status == EXIT_STATUS_SUCCESS)
                status = stage_play_test(program, suite, test, params->path, &stage);
        return status == EXIT_STATUS_SUCCESS ? put_account(params, &stage) : status;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct why_params params = {.n_runs = ACCOUNT_RUNS_SHOWN};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &params.places},
                {"path", OPTION_TEXT, .text = &params.path},
                {"test", OPTION_TEXT, .text = &params.test},
                {"runs", OPTION_NUMBER, .number = &params.n_runs, .min = 1, .max = 1000},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (optind + 1 != argc || !params.path) {
                log_error(optind + 1 != argc ? "One file of events is looked at" : "Whose story? --path names it");
                return verb_usage(verb);
        }
        params.file = argv[optind];
        return stage_is_suite(params.file) ? why_suite(&params) : why_recording(&params);
}

const struct verb verb_why = {
        .name = "why",
        .arguments = "FILE --path NAME [--policies PLACE...] [--test NAME] [--runs N]",
        .summary = "Say why a story did or did not advance on these events, condition by condition",
        .help = "  --path NAME       the path that is asked about\n"
                "  --policies PLACE  file or directory of policies; may be repeated. A file of tests names its own\n"
                "  --test NAME       which test of a file that has several\n"
                "  --runs N          show so many runs, those that came furthest; 6 if it is not said\n"
                "\n"
                "FILE is a recording (- is standard input) or, if its name ends in .yaml, a file of tests\n"
                "(docs/TESTING-POLICIES.md). For each run: the events that were a step, those of a kind that it "
                "waited\n"
                "for and that were not one, with each condition, yes, no or ? for unknown, and the values seen.\n"
                "Secrets in a recording are shown.\n",
        .run = run,
};

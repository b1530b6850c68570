/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/loaded.h"
#include "cli/verb.h"
#include "policy/coverage.h"

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(coverage_done) struct coverage coverage = {};
        _cleanup_(loaded_done) struct loaded loaded = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        bool json = false, navigator = false;
        struct places places = {};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &places},
                {"json", OPTION_FLAG, .flag = &json},
                {"navigator", OPTION_FLAG, .flag = &navigator},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind < argc) {
                log_error("Unexpected '%s'; places are named with --policies", argv[optind]);
                return verb_usage(verb);
        }
        if (json && navigator) {
                log_error("--json and --navigator are two formats: one of them");
                return verb_usage(verb);
        }

        status = loaded_read(&places, &loaded);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (coverage_collect(loaded.set, &coverage) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        if (navigator)
                coverage_put_layer(&coverage, &b);
        else if (json)
                coverage_put_json(&coverage, loaded.set, &b);
        else
                coverage_put_text(&coverage, loaded.set, &b);
        return verb_print(&b);
}

const struct verb verb_coverage = {
        .name = "coverage",
        .arguments = "[--policies PLACE]... [--json|--navigator]",
        .summary = "List the ATT&CK techniques that the loaded policies speak of",
        .help = "  --policies PLACE  file or directory of policies; may be repeated. Without it: as the configuration "
                "says\n"
                "  --json            for programs: techniques with their policies, and the policies that name none\n"
                "  --navigator       a layer for the ATT&CK Navigator: the score is the number of policies\n"
                "\n"
                "It lists what policies say of themselves (`mitre = [\"T1105\"]`): a technique in the list is one that "
                "somebody had in mind,\n"
                "not one of which every use is seen.\n",
        .run = run,
};

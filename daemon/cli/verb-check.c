/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "compile/compile.h"
#include "compile/lint.h"
#include "policy/policy-set.h"

#define MAX_MESSAGES 4096U

struct check_params {
        struct places places;
        bool json, strict, trusted, quiet;
};

/* What the daemon would load, and beyond it what is surely not meant. */
static int check(const struct check_params *params, struct diag_set *diags, struct strbuf *text, size_t *ret_files,
                 size_t *ret_paths) {
        const struct policy_options options = {
                .trust_any_owner = !params->trusted,
                .wall_s = clock_realtime_ns() / NSEC_PER_SEC,
        };
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct program *program = NULL;
        int r, q;

        r = policy_set_load(params->places.items, params->places.n, &options, diags, &set);
        if (r >= 0)
                r = compile_policies(set, NULL, diags, &program);
        if (program)
                program_unref(program);
        if (r >= 0)
                r = lint_policies(set, diags);

        *ret_files = set ? set->n_files : 0;
        *ret_paths = set ? set->n_paths : 0;
        q = policy_set_put_diags(set, diags, text);
        return r >= 0 && q < 0 ? q : r;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf text = {}, out = {};
        struct check_params params = {};
        size_t n_files, n_paths;
        const struct verb_option options[] = {
                {"json", OPTION_FLAG, .flag = &params.json},
                {"strict", OPTION_FLAG, .flag = &params.strict},
                {"trusted", OPTION_FLAG, .flag = &params.trusted},
                {"quiet", OPTION_FLAG, .flag = &params.quiet},
                {},
        };
        int r, status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        for (int i = optind; i < argc; i++)
                if (!places_add(&params.places, argv[i]))
                        return EXIT_STATUS_USAGE;
        if (params.places.n == 0) {
                log_error("No file or directory to check");
                return verb_usage(verb);
        }

        diag_set_init(&diags, MAX_MESSAGES);
        r = check(&params, &diags, &text, &n_files, &n_paths);
        if (r == -ENOMEM) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }

        /* 1 for policies with errors, 6 where there is nothing that could be checked. */
        status = r >= 0 ? EXIT_STATUS_SUCCESS : r == -EBADMSG ? EXIT_STATUS_FAILURE : EXIT_STATUS_POLICIES;
        if (params.strict && status == EXIT_STATUS_SUCCESS && diags.n_warnings > 0)
                status = EXIT_STATUS_FAILURE;

        if (params.json) {
                ARRAY_FOREACH(diag, &diags.list) {
                        diag_put_json(diag, &out);
                        strbuf_put_char(&out, '\n');
                }
                return verb_print(&out) == EXIT_STATUS_SUCCESS ? status : EXIT_STATUS_FAILURE;
        }

        if (text.n > 0)
                (void)fd_write_full(STDERR_FILENO, text.data, text.n);
        if (!params.quiet) {
                strbuf_printf(&out, "%zu %s in %zu %s: %s", n_paths, n_paths == 1 ? "policy" : "policies", n_files,
                              n_files == 1 ? "file" : "files",
                              status == EXIT_STATUS_SUCCESS ? "fine" : r >= 0 ? "not strictly fine" : "not usable");
                if (diags.n_errors > 0)
                        strbuf_printf(&out, ", %zu %s", diags.n_errors, diags.n_errors == 1 ? "error" : "errors");
                if (diags.n_warnings > 0)
                        strbuf_printf(&out, ", %zu %s", diags.n_warnings,
                                      diags.n_warnings == 1 ? "warning" : "warnings");
                strbuf_put_char(&out, '\n');
                if (verb_print(&out) != EXIT_STATUS_SUCCESS)
                        return EXIT_STATUS_FAILURE;
        }
        return status;
}

const struct verb verb_check = {
        .name = "check",
        .arguments = "[--json] [--strict] [--trusted] [--quiet] PLACE...",
        .summary = "Say everything that is wrong with policies, files or directories of them",
        .help = "  --json     one JSON object for each message, one a line, on standard output instead of text "
                "(docs/TOOLS.md)\n"
                "  --strict   a warning is enough for exit status 1\n"
                "  --trusted  refuse as the daemon does what is not owned by root (or by you) or is writable by "
                "others\n"
                "  --quiet    nothing on standard output\n"
                "\n"
                "Needs no privilege and no daemon. All places are checked as one set, as the daemon would load them, "
                "and all "
                "faults\n"
                "of all files are told in one run. Warnings are about what is legal and surely not meant; some of them "
                "only this verb\n"
                "gives: steps that nothing reaches, stories that stay open, regexes that are slow or can be made so.\n"
                "Exit status 0 if there are no errors (warnings may be), 1 if there are, 6 if nothing could be read or "
                "there is no policy.\n",
        .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "pipeline/policy-loader.h"

static int run(const struct verb *verb, int argc, char *argv[]) {
        enum { OPTION_JSON = 256, OPTION_STRICT, OPTION_QUIET };
        static const struct option options[] = {
                {"json", no_argument, NULL, OPTION_JSON},
                {"strict", no_argument, NULL, OPTION_STRICT},
                {"quiet", no_argument, NULL, OPTION_QUIET},
                {"help", no_argument, NULL, 'h'},
                {},
        };
        struct policy_options policy_options = {.trust_any_owner = true};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf text = {}, out = {};
        struct policy_loader_stats stats = {};
        struct program *program = NULL;
        struct places places = {};
        bool json = false, quiet = false;
        int c, r, status;

        while ((c = verb_option(verb, argc, argv, options)) != -1)
                switch (c) {
                case OPTION_JSON:
                        json = true;
                        break;
                case OPTION_STRICT:
                        policy_options.trust_any_owner = false;
                        break;
                case OPTION_QUIET:
                        quiet = true;
                        break;
                default:
                        return verb_usage(verb);
                }
        for (int i = optind; i < argc; i++)
                if (!places_add(&places, argv[i]))
                        return EXIT_STATUS_USAGE;
        if (places.n == 0) {
                log_error("No file or directory to check");
                return verb_usage(verb);
        }

        diag_set_init(&diags, 0);
        r = policy_loader_load(places.items, places.n, &policy_options, NULL, 0, &diags, &text, &program, &stats);
        if (program)
                program_unref(program);
        if (r == -ENOMEM) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }

        /* 1 for policies with errors, 6 where there is nothing that could be checked. */
        status = r >= 0 ? EXIT_STATUS_SUCCESS : r == -EBADMSG ? EXIT_STATUS_FAILURE : EXIT_STATUS_POLICIES;

        if (json) {
                strbuf_printf(&out,
                              "{\"version\":1,\"ok\":%s,\"files\":%zu,\"policies\":%zu,\"errors\":%zu,\"warnings\":%zu,"
                              "\"messages\":",
                              r >= 0 ? "true" : "false", stats.n_files, stats.n_paths, diags.n_errors,
                              diags.n_warnings);
                diag_set_put_json(&diags, &out);
                while (out.n > 0 && out.data[out.n - 1] == '\n')
                        strbuf_truncate(&out, out.n - 1);
                strbuf_put(&out, "}\n");
                return verb_print(&out) == EXIT_STATUS_SUCCESS ? status : EXIT_STATUS_FAILURE;
        }

        if (text.n > 0)
                (void)fd_write_full(STDERR_FILENO, text.data, text.n);
        if (!quiet) {
                strbuf_printf(&out, "%zu policies in %zu files: %s", stats.n_paths, stats.n_files,
                              r >= 0 ? "fine" : "not usable");
                if (diags.n_errors > 0)
                        strbuf_printf(&out, ", %zu errors", diags.n_errors);
                if (diags.n_warnings > 0)
                        strbuf_printf(&out, ", %zu warnings", diags.n_warnings);
                strbuf_put_char(&out, '\n');
                if (verb_print(&out) != EXIT_STATUS_SUCCESS)
                        return EXIT_STATUS_FAILURE;
        }
        return status;
}

const struct verb verb_check = {
        .name = "check",
        .arguments = "[--json] [--strict] [--quiet] PLACE...",
        .summary = "Say everything that is wrong with policies, files or directories of them",
        .help = "  --json    one JSON object on standard output instead of text: ok, files, policies, errors, "
                "warnings, messages\n"
                "  --strict  refuse as the daemon does what is not owned by root (or by you) or is writable by others\n"
                "  --quiet   nothing on standard output\n"
                "\n"
                "Needs no privilege and no daemon. All places are checked as one set, as the daemon would load them.\n"
                "Exit status 0 if there are no errors (warnings may be), 1 if there are, 6 if nothing could be read or "
                "there is no policy.\n",
        .run = run,
};

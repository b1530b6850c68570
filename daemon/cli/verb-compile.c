/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "pipeline/policy-loader.h"
#include "program/program-dump.h"

DEFINE_CLEANUP(struct program *, program_unref)

static void put_passes(const struct compile_report *report, uint64_t without, struct strbuf *b) {
        for (int i = 0; i < _COMPILE_PASS_MAX; i++) {
                const struct compile_pass_info *info = compile_pass_info((enum compile_pass)i);
                const struct compile_count *count = &report->passes[i];

                strbuf_printf(b, "  %-16s %s%" PRIu64 " %s, %" PRIu64 " %s\n", info->name,
                              without >> i & 1 ? "(left out) " : "", count->given, info->given, count->left,
                              info->left);
        }
}

/* All sections of the program, from those of a policy down to bytes. */
static void put_size(const struct program *program, struct strbuf *b) {
        char size[FORMAT_SIZE_MAX];
        bool any = false;

        strbuf_printf(b, "  %-16s %zu bytes, %s are allowed:", "=", program->size,
                      format_size(size, PROGRAM_MAX_BYTES));
#define S(type, name)                                                                                                  \
        if (program->n_##name > 0) {                                                                                   \
                strbuf_printf(b, "%s %u " #name, any ? "," : "", program->n_##name);                                   \
                any = true;                                                                                            \
        }
        PROGRAM_SECTIONS(S)
#undef S
        strbuf_printf(b, ", %u bytes of text and tables\n", program->header->bytes.n);
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        const struct policy_options policy_options = {.trust_any_owner = true};
        struct compile_options compile_options = {};
        _cleanup_(program_unrefp) struct program *program = NULL;
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf text = {}, out = {};
        struct policy_loader_stats stats = {};
        struct places places = {};
        bool listing = false;
        const struct verb_option options[] = {
                {"without", OPTION_OTHER, .take = without_add, .data = &compile_options.without},
                {"listing", OPTION_FLAG, .flag = &listing},
                {},
        };
        int r, status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        for (int i = optind; i < argc; i++)
                if (!places_add(&places, argv[i]))
                        return EXIT_STATUS_USAGE;
        if (places.n == 0) {
                log_error("No file or directory to compile");
                return verb_usage(verb);
        }

        diag_set_init(&diags, 0);
        r = policy_loader_load(places.items, places.n, &policy_options, &compile_options, 0, &diags, &text, &program,
                               &stats);
        if (text.n > 0)
                (void)fd_write_full(STDERR_FILENO, text.data, text.n);
        if (r < 0)
                return r == -ENOMEM ? EXIT_STATUS_FAILURE : EXIT_STATUS_POLICIES;

        strbuf_printf(&out, "%zu policies in %zu files\n", stats.n_paths, stats.n_files);
        put_passes(&stats.compile, compile_options.without, &out);
        put_size(program, &out);
        if (listing) {
                strbuf_put_char(&out, '\n');
                program_dump(program, &out);
        }
        return verb_print(&out);
}

const struct verb verb_compile = {
        .name = "compile",
        .arguments = "[--without PASS]... [--listing] PLACE...",
        .summary = "Compile policies and say what each pass of the compiler did",
        .help = "  --without PASS  leave this one out; may be repeated; all: every one. What policies mean stays the "
                "same\n"
                "  --listing       the program as well, for people\n"
                "\n"
                "The passes, in their order:\n"
#define PASS(id, name, given, left, doc) "  " name ": " doc "\n"
#include "compile/passes.def"
                "\n"
                "Needs no privilege and no daemon. Exit status 6 if the policies cannot be compiled.\n",
        .run = run,
};

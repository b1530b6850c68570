/* SPDX-License-Identifier: Apache-2.0 */

/* Reads docs/PROGRAM.md, compiles its example and compares the listing with the one that is printed there: doc-listing
 * FILE. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "program/program-dump.h"

/* The first block between fences behind `from` that begins with `start`. */
static char *fenced(const char *from, const char *start, const char **ret_end) {
        char opening[64];
        const char *at, *end;

        snprintf(opening, sizeof(opening), "\n```\n%s", start);
        at = strstr(from, opening);
        end = at ? strstr(at + 5, "\n```\n") : NULL;
        if (!end)
                errx(EXIT_FAILURE, "no example that begins with '%s'", start);
        *ret_end = end + 1;
        return strndup(at + 5, end + 1 - (at + 5));
}

int main(int argc, char **argv) {
        const struct policy_options options = {
                .default_within_ns = UINT64_C(600000000000),
                .default_suppress_ns = UINT64_C(60000000000),
                .trust_any_owner = true,
        };
        char *text, *policy, *expected;
        struct policy_set *set = NULL;
        struct strbuf listing = {};
        struct program *program;
        struct diag_set diags;
        const char *end;
        size_t n;

        if (argc != 2 || read_file_at(AT_FDCWD, argv[1], 1 << 20, &text, &n) < 0)
                errx(EXIT_FAILURE, "usage: doc-listing FILE");
        policy = fenced(text, "path ", &end);
        expected = fenced(end, "program of ", &end);

        diag_set_init(&diags, 0);
        if (policy_set_parse("PROGRAM.md", policy, strlen(policy), &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &program) < 0) {
                policy_set_put_diags(set, &diags, &listing);
                errx(EXIT_FAILURE, "%s", strbuf_str(&listing));
        }
        program_dump(program, &listing);
        if (strcmp(strbuf_str(&listing), expected) != 0)
                errx(EXIT_FAILURE, "the listing should be\n%s", strbuf_str(&listing));

        strbuf_done(&listing);
        program_unref(program);
        policy_set_free(set);
        diag_set_done(&diags);
        free(expected);
        free(policy);
        free(text);
        return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of each family at growing sizes: what the compiler does for them must stay within length times logarithm, and
 * each must end in a program or in a message. `test-work --verbose` prints a table. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "texts.h"
#include "work.h"

/* Of a text twice as long no more than this much, so that a small square does not hide behind a large allowance. */
#define GROWTH_MAX 2.6

/* Larger than any list of sizes goes. */
static const struct {
        const char *family;
        unsigned n;
} extremes[] = {{"a list", 100000}, {"macros in macros", 10000}, {"parentheses", 20000}, {"blocks", 50000}};

static int run_extremes(bool verbose) {
        int n_failed = 0;

        for (size_t i = 0; i < ELEMENTSOF(extremes); i++)
                for (size_t f = 0; f < n_text_families; f++) {
                        _cleanup_(strbuf_done) struct strbuf text = {};
                        uint64_t work;
                        int r;

                        if (!streq(text_families[f].name, extremes[i].family))
                                continue;
                        text_families[f].put(&text, extremes[i].n);
                        work = work_of(text.data, text.n, &r);
                        if (verbose)
                                printf("%-28s %6u %8zu bytes %12" PRIu64 " blocks %7.1f a byte, answer %d\n",
                                       extremes[i].family, extremes[i].n, text.n, work, (double)work / (double)text.n,
                                       r);
                        if (work > work_allowed(text.n) || (r < 0 && r != -EBADMSG)) {
                                printf("%s, %u: %" PRIu64 " blocks for %zu bytes, answer %d\n", extremes[i].family,
                                       extremes[i].n, work, text.n, r);
                                n_failed++;
                        }
                }
        return n_failed;
}

int main(int argc, char **argv) {
        bool verbose = argc > 1 && streq(argv[1], "--verbose");
        unsigned most = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
        int n_failed = 0;

        for (size_t f = 0; f < n_text_families; f++) {
                uint64_t before = 0;

                for (unsigned n = 250; n <= most; n *= 2) {
                        _cleanup_(strbuf_done) struct strbuf text = {};
                        uint64_t work, allowed;
                        double growth;
                        int r;

                        text_families[f].put(&text, n);
                        work = work_of(text.data, text.n, &r);
                        allowed = work_allowed(text.n);
                        growth = before > 0 ? (double)work / (double)before : 0;
                        if (verbose)
                                printf("%-28s %5u %8zu bytes %12" PRIu64
                                       " blocks %7.1f a byte, %4.2f times, answer %d\n",
                                       text_families[f].name, n, text.n, work, (double)work / (double)text.n, growth,
                                       r);
                        if (r < 0 && r != -EBADMSG) {
                                printf("%s, %u: no program and no message: %d\n", text_families[f].name, n, r);
                                n_failed++;
                        }
                        if (work > allowed) {
                                printf("%s, %u: %" PRIu64 " blocks for %zu bytes, %" PRIu64 " are allowed\n",
                                       text_families[f].name, n, work, text.n, allowed);
                                n_failed++;
                        }
                        if (growth > GROWTH_MAX) {
                                printf("%s, %u: %.2f times the work for twice the text\n", text_families[f].name, n,
                                       growth);
                                n_failed++;
                        }
                        before = work;
                }
        }
        n_failed += run_extremes(verbose);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Imports Sigma rules, compares what comes of them with what must, and lets the policies meet a story.
 *
 *      sigma-cases FOLDER              every *.yml in it
 *      sigma-cases --write FOLDER      write down what comes of them now; look at it before you believe it
 *
 * NAME.yml has the rules; NAME.expect has sections, each behind a line with its name: `policy:` the text that comes
 * out, `report:` what is said about it (without excerpts), `checker:` what the checker says of the policy, `events:`
 * and `expect:` a story and its alerts as in other cases. A first line `options: --case exact --renames` says how it is
 * imported.
 *
 * Exit status: 0 all good, 1 some not, 2 could not be run. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "case.h"
#include "import/sigma.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

static struct arena arena;
static bool write_down;
static unsigned n_run, n_bad;

struct expectation {
        const char *options, *policy, *report, *checker, *events, *expect;
        uint32_t events_line, expect_line;
};

static char *slurp(const char *path) {
        _cleanup_(freep) char *text = NULL;
        size_t n;

        if (read_file_at(AT_FDCWD, path, MAX_FILE_BYTES, &text, &n) < 0)
                return NULL;
        return arena_strndup(&arena, text, n);
}

static const char **section_of(struct expectation *e, const char *line, size_t n) {
        return memeq_str(line, n, "policy:")   ? &e->policy
               : memeq_str(line, n, "report:") ? &e->report
               : memeq_str(line, n, "checker:") ? &e->checker
               : memeq_str(line, n, "events:") ? &e->events
               : memeq_str(line, n, "expect:") ? &e->expect
                                               : NULL;
}

static struct expectation read_expectation(const char *text) {
        struct expectation e = {.options = "", .policy = "", .report = ""};
        const char **section = NULL, *start = text, *at = text;
        uint32_t number = 1;

        for (;; number++) {
                const char *end = strchrnul(at, '\n');
                const char **next = section_of(&e, at, end - at);

                if (number == 1 && startswith(at, "options: "))
                        e.options = arena_strndup(&arena, at + 9, end - at - 9);
                if (next || !*at) {
                        if (section)
                                *section = arena_strndup(&arena, start, at - start);
                        if (!*at)
                                return e;
                        section = next;
                        start = *end ? end + 1 : end;
                        if (section == &e.events)
                                e.events_line = number + 1;
                        if (section == &e.expect)
                                e.expect_line = number + 1;
                }
                at = *end ? end + 1 : end;
        }
}

static struct sigma_options read_options(const char *text) {
        return (struct sigma_options){
                .letters = strstr(text, "--case exact")   ? SIGMA_CASE_EXACT
                           : strstr(text, "--case paths") ? SIGMA_CASE_PATHS
                                                          : SIGMA_CASE_FOLD,
                .renames = strstr(text, "--renames"),
        };
}

/* What comes of the rules. */
static int import(const char *name, const char *rules, const char *options, struct strbuf *policy,
                  struct strbuf *report) {
        struct sigma_options sigma = read_options(options);
        struct diag_set diags;
        struct sigma_run run;
        int r;

        sigma_run_init(&run, &sigma);
        diag_set_init(&diags, 0);
        r = sigma_run_file(&run, name, rules, strlen(rules), &diags);
        ARRAY_FOREACH(rule, &run.rules) {
                sigma_rule_report(*rule, &diags);
                if (!(*rule)->policy)
                        continue;
                if (policy->n > 0)
                        strbuf_put_char(policy, '\n');
                strbuf_put(policy, (*rule)->policy);
        }
        diag_set_put_text(&diags, NULL, 0, report);
        diag_set_done(&diags);
        sigma_run_done(&run);
        return r == -EBADMSG ? 0 : r;
}

static void compare(const char *what, const char *got, const char *expected, struct strbuf *report) {
        if (streq(got, expected))
                return;
        strbuf_printf(report, "the %s is not as expected; it is:\n%s", what, got);
}

static void tell(const char *name, bool good, const struct strbuf *report) {
        printf("%s %u - %s\n", good ? "ok" : "not ok", ++n_run, name);
        if (good)
                return;
        n_bad++;
        for (const char *at = strbuf_str(report); *at;) {
                const char *end = strchrnul(at, '\n');

                printf("# %.*s\n", (int)(end - at), at);
                at = *end ? end + 1 : end;
        }
        fflush(stdout);
}

static int put_down(const char *path, const struct expectation *e, const struct strbuf *policy,
                    const struct strbuf *messages) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        int fd, r;

        if (*e->options)
                strbuf_printf(&b, "options: %s\n", e->options);
        if (policy->n > 0)
                strbuf_printf(&b, "policy:\n%s", strbuf_str(policy));
        if (messages->n > 0)
                strbuf_printf(&b, "report:\n%s", strbuf_str(messages));
        if (e->checker)
                strbuf_printf(&b, "checker:\n%s", e->checker);
        if (e->events)
                strbuf_printf(&b, "events:\n%s", e->events);
        if (e->expect)
                strbuf_printf(&b, "expect:\n%s", e->expect);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        r = fd_write_full(fd, b.data, b.n);
        close(fd);
        return r;
}

static void run(const char *folder, const char *file) {
        _cleanup_(strbuf_done) struct strbuf policy = {}, messages = {}, report = {};
        const char *rules = slurp(arena_printf(&arena, "%s/%s", folder, file)), *text, *path, *name;
        struct expectation e;
        int r;

        name = arena_strndup(&arena, file, strlen(file) - strlen(".yml"));
        path = arena_printf(&arena, "%s/%s.expect", folder, name);
        text = slurp(path);
        e = read_expectation(text ? text : "");

        r = rules ? import(file, rules, e.options, &policy, &messages) : -ENOENT;
        if (r >= 0 && write_down)
                r = put_down(path, &e, &policy, &messages);
        if (!write_down) {
                compare("policy", strbuf_str(&policy), e.policy, &report);
                compare("report", strbuf_str(&messages), e.report, &report);
        }
        if (r < 0)
                strbuf_printf(&report, "%s\n", strerror(-r));
        if (policy.n == 0 && e.events)
                strbuf_put(&report, "there is a story and no policy\n");
        if (report.n == 0 && policy.n > 0) {
                struct case_texts texts = {
                        .name = name,
                        .policy = strbuf_str(&policy),
                        .diags = e.checker,
                        .events = e.events,
                        .expect = e.expect ? e.expect : e.events ? "" : NULL,
                        .policy_line = 1,
                        .events_line = e.events_line,
                        .expect_line = e.expect_line,
                };

                r = case_run(&texts, &report);
                if (r < 0)
                        strbuf_printf(&report, "%s\n", strerror(-r));
                if (r == 0 && report.n == 0)
                        strbuf_put(&report, "not as expected\n");
        }
        tell(name, report.n == 0 && r >= 0, &report);
}

static int is_rule(const struct dirent *entry) {
        return entry->d_name[0] != '.' && endswith(entry->d_name, ".yml");
}

int main(int argc, char *argv[]) {
        struct dirent **entries;
        int n;

        write_down = argc == 3 && streq(argv[1], "--write");
        if (argc != 2 + write_down) {
                fprintf(stderr, "usage: sigma-cases [--write] FOLDER\n");
                return 2;
        }
        n = scandir(argv[argc - 1], &entries, is_rule, alphasort);
        if (n < 0) {
                fprintf(stderr, "%s: %s\n", argv[argc - 1], strerror(errno));
                return 2;
        }
        for (int i = 0; i < n; i++) {
                run(argv[argc - 1], entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        printf("1..%u\n", n_run);
        arena_done(&arena);
        return n_run == 0 ? 2 : n_bad > 0;
}

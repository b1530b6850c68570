/* SPDX-License-Identifier: Apache-2.0 */
/* Runs cases and says of each, in one line of TAP, whether it went as it should.
 *
 *      cases [--without-engine] [--root DIR] FOLDER...         folders with cases and files of tests, or cases
 *      cases [--without-engine] --document FILE                the blocks marked `story` in a document
 *
 * Exit status: 0 all good, 1 some not, 2 could not be run. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "case.h"
#include "suite-case.h"

#define MAX_FILE_BYTES ((size_t)4 << 20)

static struct arena arena;
static const char *root = ".";
static bool without_engine;
static unsigned n_run, n_bad;

static char *slurp(const char *folder, const char *name) {
        _cleanup_(freep) char *text = NULL;
        const char *path = folder ? arena_printf(&arena, "%s/%s", folder, name) : name;
        size_t n;

        if (read_file_at(AT_FDCWD, path, MAX_FILE_BYTES, &text, &n) < 0)
                return NULL;
        return arena_strndup(&arena, text, n);
}

static void tell(const char *name, int r, const struct strbuf *report) {
        const char *text = strbuf_str(report);

        printf("%s %u - %s\n", r > 0 ? "ok" : "not ok", ++n_run, name);
        if (r > 0)
                return;
        n_bad++;
        if (r < 0)
                printf("# %s\n", strerror(-r));
        for (const char *at = text; *at;) {
                const char *end = strchrnul(at, '\n');

                printf("# %.*s\n", (int)(end - at), at);
                at = *end ? end + 1 : end;
        }
        fflush(stdout);
}

static void run(struct case_texts *texts) {
        _cleanup_(strbuf_done) struct strbuf report = {};

        texts->without_engine = without_engine;
        tell(texts->name, case_run(texts, &report), &report);
}

/* A file `use`: names of policy files below the root, one a line. */
static void take_used_files(struct case_texts *texts, char *use) {
        const char **files = arena_new_array(&arena, const char *, strlen(use) + 1);

        for (char *save = NULL, *line = strtok_r(use, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (*line && *line != '#')
                        files[texts->n_files++] = arena_printf(&arena, "%s/%s", root, line);
        texts->files = files;
}

static void run_folder(const char *folder, const char *name) {
        struct case_texts texts = {
                .name = name,
                .policy = slurp(folder, "policy"),
                .events = slurp(folder, "events"),
                .expect = slurp(folder, "expect"),
                .diags = slurp(folder, "expect.diag"),
                .policy_line = 1,
                .events_line = 1,
                .expect_line = 1,
        };
        char *use = slurp(folder, "use");

        if (use)
                take_used_files(&texts, use);
        if (!texts.policy && !use) {
                _cleanup_(strbuf_done) struct strbuf report = {};

                strbuf_put(&report, "neither `policy` nor `use` is there\n");
                tell(name, 0, &report);
                return;
        }
        if (texts.events && !texts.expect)
                texts.expect = "";
        run(&texts);
}

/* A file of tests, as an administrator writes them. */
static void run_suite(const char *path, const char *name) {
        _cleanup_(strbuf_done) struct strbuf report = {};
        _cleanup_(suite_freep) struct suite *suite = NULL;
        const char *text = slurp(NULL, path);
        struct diag_set diags;
        int r = -ENOENT;

        diag_set_init(&diags, 0);
        if (text)
                r = suite_parse(path, text, strlen(text), &diags, &suite);
        if (r < 0) {
                diag_set_put_text(&diags, NULL, 0, &report);
                tell(name, r, &report);
        } else
                ARRAY_FOREACH(test, &suite->tests) {
                        strbuf_clear(&report);
                        tell(arena_printf(&arena, "%s: %s", name, test->name),
                             suite_case_run(suite, test, without_engine, &report), &report);
                }
        diag_set_done(&diags);
}

static int not_hidden(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

static bool is_case(const char *folder) {
        struct stat st;

        return stat(arena_printf(&arena, "%s/policy", folder), &st) >= 0 ||
               stat(arena_printf(&arena, "%s/use", folder), &st) >= 0;
}

static int run_tree(const char *folder, const char *name) {
        struct dirent **entries;
        struct stat st;
        int n;

        if (is_case(folder)) {
                run_folder(folder, name);
                return 0;
        }
        n = scandir(folder, &entries, not_hidden, alphasort);
        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                const char *path = arena_printf(&arena, "%s/%s", folder, entries[i]->d_name);
                const char *inner = *name ? arena_printf(&arena, "%s/%s", name, entries[i]->d_name)
                                          : arena_strdup(&arena, entries[i]->d_name);

                if (stat(path, &st) >= 0 && S_ISDIR(st.st_mode))
                        run_tree(path, inner);
                else if (endswith(path, ".test.yaml"))
                        run_suite(path, inner);
                free(entries[i]);
        }
        free(entries);
        return 0;
}

/* Lines from `from` up to the line that is `end`; the latter is moved behind. */
static const char *take_until(const char **at, uint32_t *line, const char *const *ends) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        while (**at) {
                const char *end = strchrnul(*at, '\n');
                size_t n = end - *at;

                for (const char *const *e = ends; *e; e++)
                        if (memeq_str(*at, n, *e))
                                goto done;
                strbuf_put_n(&text, *at, n);
                strbuf_put_char(&text, '\n');
                *at = *end ? end + 1 : end;
                (*line)++;
        }
done:
        return arena_strdup(&arena, strbuf_str(&text));
}

static void skip_line(const char **at, uint32_t *line) {
        const char *end = strchrnul(*at, '\n');

        *at = *end ? end + 1 : end;
        (*line)++;
}

static int run_document(const char *path) {
        const char *base = strrchr(path, '/');
        const char *text = slurp(NULL, path);
        uint32_t line = 1;

        base = base ? base + 1 : path;
        if (!text)
                return -ENOENT;
        for (const char *at = text; *at;) {
                struct case_texts texts = { .name = arena_printf(&arena, "%s line %u", base, line) };

                if (strncmp(at, "```story\n", 9) != 0) {
                        skip_line(&at, &line);
                        continue;
                }
                skip_line(&at, &line);
                texts.policy_line = line;
                texts.policy = take_until(&at, &line, (const char *const[]){ "events:", "```", NULL });
                skip_line(&at, &line);
                texts.events_line = line;
                texts.events = take_until(&at, &line, (const char *const[]){ "expect:", "```", NULL });
                skip_line(&at, &line);
                texts.expect_line = line;
                texts.expect = take_until(&at, &line, (const char *const[]){ "```", NULL });
                run(&texts);
        }
        return 0;
}

int main(int argc, char *argv[]) {
        int r = 0;

        for (int i = 1; i < argc && r >= 0; i++)
                if (streq(argv[i], "--without-engine"))
                        without_engine = true;
                else if (streq(argv[i], "--root") && i + 1 < argc)
                        root = argv[++i];
                else if (streq(argv[i], "--document") && i + 1 < argc)
                        r = run_document(argv[++i]);
                else
                        r = run_tree(argv[i], "");
        printf("1..%u\n", n_run);
        arena_done(&arena);
        if (r < 0)
                fprintf(stderr, "%s\n", strerror(-r));
        return r < 0 || n_run == 0 ? 2 : n_bad > 0;
}

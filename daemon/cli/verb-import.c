/* SPDX-License-Identifier: Apache-2.0 */
/* execrayctl import sigma: reads rules, writes policies, says of each rule what became of it. */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "import/sigma.h"

#define DEPTH_MAX 16                    /* of directories below one that was named */
#define MESSAGES_MAX 4096

struct source {
        const char *name;               /* owned by the run's arena */
        char *text;                     /* owned */
        size_t n;
        size_t first_rule, end_rule;    /* of the run */
};

struct import {
        struct sigma_run run;
        struct diag_set diags;
        ARRAY(struct source) sources;
        ARRAY(struct diag_source) excerpts;     /* the same, as the printer wants them */
        const char *output;             /* directory, or NULL: all to standard output */
        size_t n_unreadable;
        bool json, quiet, foreign;
};

static void import_done(struct import *import) {
        ARRAY_FOREACH(source, &import->sources)
                free(source->text);
        array_done(&import->sources);
        array_done(&import->excerpts);
        diag_set_done(&import->diags);
        sigma_run_done(&import->run);
}

static int import_text(struct import *import, const char *name, char *text, size_t n) {
        struct source source = {.text = text, .n = n, .first_rule = import->run.rules.n};
        int r;

        source.name = arena_strdup(&import->run.arena, name);
        if (!source.name)
                r = -ENOMEM;
        else
                r = sigma_run_file(&import->run, name, text, n, &import->diags);
        source.end_rule = import->run.rules.n;
        if (r == -EBADMSG) {
                import->n_unreadable++;
                r = 0;
        }
        if (r >= 0)
                r = array_push(&import->sources, source);
        if (r < 0)
                free(text);
        return r;
}

static int import_file(struct import *import, const char *name) {
        char *text = NULL;
        size_t n;
        int r;

        r = streq(name, "-") ? fd_read_all(STDIN_FILENO, SIGMA_MAX_FILE_BYTES, &text, &n)
                             : read_file_at(AT_FDCWD, name, SIGMA_MAX_FILE_BYTES, &text, &n);
        if (r < 0) {
                log_error_errno(r, "Cannot read '%s', leaving it out: %m", name);
                import->n_unreadable++;
                return 0;
        }
        return import_text(import, streq(name, "-") ? "stdin.yml" : name, text, n);
}

static bool is_rule_file(const char *name) {
        return name[0] != '.' && (endswith(name, ".yml") || endswith(name, ".yaml"));
}

static int import_place(struct import *import, const char *place, unsigned depth);

static int import_directory(struct import *import, const char *directory, unsigned depth) {
        struct dirent **entries;
        int n, r = 0;

        n = scandir(directory, &entries, NULL, alphasort);
        if (n < 0) {
                log_error_errno(-errno, "Cannot read '%s', leaving it out: %m", directory);
                import->n_unreadable++;
                return 0;
        }
        for (int i = 0; i < n; i++) {
                const char *name = entries[i]->d_name;
                struct stat st;
                char *path;

                if (name[0] != '.' && r >= 0) {
                        path = arena_printf(&import->run.arena, "%s/%s", directory, name);
                        if (!path)
                                r = -ENOMEM;
                        else if (lstat(path, &st) >= 0 &&
                                 (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && is_rule_file(name))))
                                r = import_place(import, path, depth + 1);
                }
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int import_place(struct import *import, const char *place, unsigned depth) {
        struct stat st;

        if (!streq(place, "-") && stat(place, &st) >= 0 && S_ISDIR(st.st_mode)) {
                if (depth >= DEPTH_MAX) {
                        log_error("'%s' lies too deep, leaving it out", place);
                        import->n_unreadable++;
                        return 0;
                }
                return import_directory(import, place, depth);
        }
        return import_file(import, place);
}

/* ---- what comes out ---- */

static void put_policies(const struct import *import, const struct source *source, struct strbuf *b) {
        for (size_t i = source->first_rule; i < source->end_rule; i++) {
                const struct sigma_rule *rule = import->run.rules.items[i];

                if (!rule->policy)
                        continue;
                if (b->n > 0)
                        strbuf_put_char(b, '\n');
                strbuf_put(b, rule->policy);
        }
}

static int write_file(const char *directory, const char *name, const struct strbuf *text) {
        _cleanup_(strbuf_done) struct strbuf path = {};
        int fd, r;

        strbuf_printf(&path, "%s/%s.policy", directory, name);
        if (path.error < 0 || text->error < 0)
                return -ENOMEM;
        fd = open(strbuf_str(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return log_error_errno(-errno, "Cannot write '%s': %m", strbuf_str(&path));
        r = fd_write_full(fd, text->data, text->n);
        if (close(fd) < 0 && r >= 0)
                r = -errno;
        if (r < 0)
                return log_error_errno(r, "Cannot write '%s': %m", strbuf_str(&path));
        return 0;
}

/* The file is named for its first path, whose name no other one has. */
static const char *name_of(const struct import *import, const struct source *source) {
        for (size_t i = source->first_rule; i < source->end_rule; i++)
                if (import->run.rules.items[i]->policy)
                        return import->run.rules.items[i]->name;
        return NULL;
}

static int write_policies(const struct import *import) {
        _cleanup_(strbuf_done) struct strbuf all = {};

        if (import->output && mkdir(import->output, 0755) < 0 && errno != EEXIST) {
                log_error_errno(-errno, "Cannot make the directory '%s': %m", import->output);
                return EXIT_STATUS_FAILURE;
        }
        for (size_t i = 0; i < import->sources.n; i++) {
                const struct source *source = &import->sources.items[i];
                _cleanup_(strbuf_done) struct strbuf text = {};
                const char *name = name_of(import, source);
                int r;

                if (!name)
                        continue;
                put_policies(import, source, import->output ? &text : &all);
                if (!import->output)
                        continue;
                r = write_file(import->output, name, &text);
                if (r < 0)
                        return EXIT_STATUS_FAILURE;
        }
        return import->output || import->json ? EXIT_STATUS_SUCCESS : verb_print(&all);
}

static void put_json_rule(const struct sigma_rule *rule, struct strbuf *b) {
        strbuf_put(b, "{\"file\":");
        strbuf_put_json_str(b, rule->span.file);
        strbuf_printf(b, ",\"line\":%u,\"outcome\":\"%s\",\"title\":", rule->span.line,
                      sigma_outcome_to_string(rule->outcome));
        strbuf_put_json_str(b, rule->title);
        strbuf_put(b, ",\"id\":");
        strbuf_put_json_str(b, rule->id);
        strbuf_put(b, ",\"policy\":");
        strbuf_put_json_str(b, rule->policy ? rule->name : NULL);
        strbuf_put(b, ",\"reasons\":[");
        for (size_t i = 0; i < rule->n_reasons; i++) {
                const struct sigma_reason *reason = &rule->reasons[i];

                strbuf_printf(b,
                              "%s{\"class\":\"%s\",\"remark\":%s,\"line\":%u,\"column\":%u,\"text\":", i > 0 ? "," : "",
                              sigma_class_to_string(reason->class), reason->is_remark ? "true" : "false",
                              reason->span.line, reason->span.column);
                strbuf_put_json_str(b, reason->text);
                strbuf_put(b, ",\"hint\":");
                strbuf_put_json_str(b, reason->hint);
                strbuf_put_char(b, '}');
        }
        strbuf_put(b, "]}");
}

static int print_json(const struct import *import) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        bool first = true;

        strbuf_printf(&b,
                      "{\"version\":1,\"whole\":%zu,\"part\":%zu,\"refused\":%zu,\"foreign\":%zu,\"unreadable\":%zu,"
                      "\"rules\":[",
                      import->run.n_outcomes[SIGMA_WHOLE], import->run.n_outcomes[SIGMA_PART],
                      import->run.n_outcomes[SIGMA_REFUSED], import->run.n_outcomes[SIGMA_FOREIGN],
                      import->n_unreadable);
        ARRAY_FOREACH(rule, &import->run.rules) {
                if ((*rule)->outcome == SIGMA_FOREIGN && !import->foreign)
                        continue;
                strbuf_put(&b, first ? "\n" : ",\n");
                first = false;
                put_json_rule(*rule, &b);
        }
        strbuf_put(&b, "\n],\n\"messages\":");
        diag_set_put_json(&import->diags, &b);
        while (b.n > 0 && b.data[b.n - 1] == '\n')
                strbuf_truncate(&b, b.n - 1);
        strbuf_put(&b, "}\n");
        return verb_print(&b);
}

static void print_report(struct import *import) {
        const size_t *n = import->run.n_outcomes, all = n[SIGMA_WHOLE] + n[SIGMA_PART] + n[SIGMA_REFUSED];
        _cleanup_(strbuf_done) struct strbuf b = {};

        ARRAY_FOREACH(rule, &import->run.rules)
                if ((*rule)->outcome != SIGMA_FOREIGN || import->foreign)
                        sigma_rule_report(*rule, &import->diags);
        ARRAY_FOREACH(source, &import->sources) {
                struct diag_source excerpt = {.file = source->name, .text = source->text, .n = source->n};

                if (array_push(&import->excerpts, excerpt) < 0)
                        break;
        }
        if (!import->quiet) {
                diag_set_put_text(&import->diags, import->excerpts.items, import->excerpts.n, &b);
                strbuf_printf(&b, "%zu %s: %zu carried over whole, %zu in part, %zu refused", all,
                              all == 1 ? "rule" : "rules", n[SIGMA_WHOLE], n[SIGMA_PART], n[SIGMA_REFUSED]);
                if (n[SIGMA_FOREIGN] > 0)
                        strbuf_printf(&b, "; %zu for other systems or logs", n[SIGMA_FOREIGN]);
                if (import->n_unreadable > 0)
                        strbuf_printf(&b, "; %zu %s not read to the end", import->n_unreadable,
                                      import->n_unreadable == 1 ? "file" : "files");
                strbuf_put_char(&b, '\n');
        }
        (void)fd_write_full(STDERR_FILENO, b.data, b.n);
}

static int import_sigma(struct import *import, char *const *places, size_t n_places) {
        const size_t *n = import->run.n_outcomes;
        int status, r = 0;

        for (size_t i = 0; i < n_places && r >= 0; i++)
                r = import_place(import, places[i], 0);
        if (r < 0) {
                log_error_errno(r, "Cannot import: %m");
                return EXIT_STATUS_FAILURE;
        }

        status = write_policies(import);
        if (import->json && status == EXIT_STATUS_SUCCESS)
                status = print_json(import);
        else
                print_report(import);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (n[SIGMA_WHOLE] + n[SIGMA_PART] == 0)
                return EXIT_STATUS_POLICIES;
        return n[SIGMA_PART] + n[SIGMA_REFUSED] + import->n_unreadable > 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_SUCCESS;
}

static bool read_case(const char *value, void *data) {
        enum sigma_case *ret = data;
        static const char *const names[] = {"fold", "paths", "exact"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(value, names[i])) {
                        *ret = (enum sigma_case)i;
                        return true;
                }
        log_error("Unknown value '%s' of '--case': fold, paths or exact", value);
        return false;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct sigma_options sigma = {};
        _cleanup_(import_done) struct import import = {};
        const struct verb_option options[] = {
                {"output", OPTION_TEXT, .text = &import.output},
                {"json", OPTION_FLAG, .flag = &import.json},
                {"quiet", OPTION_FLAG, .flag = &import.quiet},
                {"case", OPTION_OTHER, .take = read_case, .data = &sigma.letters},
                {"renames", OPTION_FLAG, .flag = &sigma.renames},
                {"foreign", OPTION_FLAG, .flag = &import.foreign},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (optind >= argc || !streq(argv[optind], "sigma")) {
                log_error(optind >= argc ? "Import from where? Only 'sigma' is known"
                                         : "Unknown format '%s'; only 'sigma' is known",
                          optind >= argc ? "" : argv[optind]);
                return verb_usage(verb);
        }
        if (optind + 1 == argc) {
                log_error("No file or directory to import");
                return verb_usage(verb);
        }

        sigma_run_init(&import.run, &sigma);
        diag_set_init(&import.diags, MESSAGES_MAX);
        return import_sigma(&import, argv + optind + 1, argc - optind - 1);
}

const struct verb verb_import = {
        .name = "import",
        .arguments = "sigma [--output DIRECTORY] [--case fold|paths|exact] [--renames] [--foreign] [--json] [--quiet] "
                     "PLACE...",
        .summary = "Make policies of rules that were written for other tools",
        .help = "Takes Sigma rules (files, directories of *.yml, or - for standard input) of the categories "
                "process_creation,\n"
                "file_event and network_connection on Linux. Says of each what could not be carried over, with its "
                "place.\n\n"
                "  --output DIRECTORY  one .policy file for each file of rules, in the place of older ones; else all "
                "go to "
                "standard output\n"
                "  --case fold         letters in either case, as Sigma says (default)\n"
                "         paths        paths exactly as they stand, the rest in either case\n"
                "         exact        everything exactly as it stands\n"
                "  --renames           file_event: also a file that is renamed to the name\n"
                "  --foreign           name the rules for other systems and logs, too\n"
                "  --json              one JSON object on standard output: every rule, its outcome and reasons\n"
                "  --quiet             no report, only the exit status\n"
                "\n"
                "Exit status 0 if every rule was carried over whole, 1 if some were not, 6 if there is not one "
                "policy.\n",
        .run = run,
};

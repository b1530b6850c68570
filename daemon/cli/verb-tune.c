/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/loaded.h"
#include "cli/stage.h"
#include "cli/verb.h"
#include "compile/compile.h"
#include "policy/layout.h"
#include "policy/source.h"
#include "report/alert-record.h"
#include "report/journal-read.h"
#include "report/tune.h"

#define DROP_IN "50-tune.conf"
#define MAX_MIN_ALERTS 1000000U

struct tune_params {
        const char *file, *directory;   /* NULL: the journal; nothing is written */
        struct places places;
        uint64_t min_alerts, since_ns;
        bool all;
};

/* What has been read so far. */
struct reading {
        struct tune *tune;              /* owned */
        const char *name;               /* of the source, as messages call it */
        uint64_t n_alerts, n_others, n_foreign;
        size_t line;
};

/* 0, or -EINVAL after saying what is wrong. */
static int read_line(const char *text, size_t n, void *userdata) {
        struct reading *reading = userdata;
        struct alert_record record;
        const char *why;
        int r;

        reading->line++;
        while (n > 0 && strchr(" \t\r\n", text[n - 1]))
                n--;
        if (n == 0)
                return 0;
        r = alert_record_parse(text, n, &record, &why);
        if (r == -EBADMSG) {
                log_error("%s:%zu: %s", reading->name, reading->line, why);
                return -EINVAL;
        }
        if (r == ALERT_RECORD_ALERT) {
                r = tune_add(reading->tune, &record);
                alert_record_done(&record);
                reading->n_alerts++;
                if (r == -ENOSPC) {
                        log_error(
                                "%s:%zu: too many alerts, or too many names in them: at most %zu alerts are looked at",
                                reading->name, reading->line, TUNE_MAX_ALERTS);
                        return -EINVAL;
                }
        } else if (r == ALERT_RECORD_FOREIGN)
                reading->n_foreign++;
        else if (r == ALERT_RECORD_NONE)
                reading->n_others++;
        if (r < 0) {
                log_oom();
                return -EINVAL;
        }
        return 0;
}

static int read_lines(FILE *in, struct reading *reading) {
        _cleanup_(freep) char *line = malloc(ALERT_RECORD_MAX_BYTES + 2);
        int r = 0;

        if (!line) {
                log_oom();
                return -EINVAL;
        }
        while (r >= 0 && fgets(line, (int)ALERT_RECORD_MAX_BYTES + 2, in)) {
                size_t n = strcspn(line, "\n");

                if (!line[n] && n > ALERT_RECORD_MAX_BYTES) {
                        log_error("%s:%zu: this line is longer than %zu bytes", reading->name, reading->line + 1,
                                  ALERT_RECORD_MAX_BYTES);
                        return -EINVAL;
                }
                line[n] = 0;
                r = read_line(line, n, reading);
        }
        if (r >= 0 && ferror(in)) {
                log_error("Cannot read '%s'", reading->name);
                return -EINVAL;
        }
        return r;
}

/* An exit status. */
static int read_alerts(const struct tune_params *params, struct reading *reading) {
        _cleanup_(fclosep) FILE *file = NULL;
        int r;

        if (!params->file) {
                uint64_t now = clock_realtime_ns();

                reading->name = "journal";
                r = journal_read_alerts(now > params->since_ns ? now - params->since_ns : 0, read_line, reading);
                if (r < 0 && r != -EINVAL)
                        log_error_errno(r, "Cannot read the journal: %m");
        } else if (streq(params->file, "-")) {
                reading->name = "standard input";
                r = read_lines(stdin, reading);
        } else {
                reading->name = params->file;
                file = fopen(params->file, "re");
                r = file ? read_lines(file, reading) : -errno;
                if (!file)
                        log_error_errno(r, "Cannot read '%s': %m", params->file);
        }
        if (r < 0)
                return EXIT_STATUS_FAILURE;
        if (reading->n_foreign > 0)
                log_warning("%" PRIu64 " entries of the journal say that they are alerts, but root did not write them: "
                            "they are left out",
                            reading->n_foreign);
        return EXIT_STATUS_SUCCESS;
}

/* Where the path is written. NULL if it is not loaded. */
static const struct policy_origin *origin_of(const struct loaded *loaded, const char *name,
                                             const struct path_node **ret_path) {
        for (const struct path_node *p = loaded->set->paths; p; p = p->next)
                if (text_is(p->name, name))
                        for (const struct policy_origin *o = loaded->set->origins; o; o = o->next)
                                if (o->source && o->source == p->source) {
                                        *ret_path = p;
                                        return o;
                                }
        return NULL;
}

/* What is proposed must be accepted where it is meant to lie: all policies, and this among them. *ret is the caller's.
 */
static int accept_text(const struct loaded *loaded, const struct policy_origin *origin, const struct strbuf *text,
                       struct program **ret) {
        const struct policy_options options = {0};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf messages = {};
        ARRAY(struct policy_text) texts = {};
        int r = 0;

        for (const struct policy_origin *o = loaded->set->origins; o && r >= 0; o = o->next) {
                if (o->drop_in || o->state != POLICY_ORIGIN_USED || !o->source)
                        continue;
                r = array_push(&texts, ((struct policy_text){o->path, o->source->text, o->source->length, false}));
                for (const struct policy_origin *d = loaded->set->origins; d && r >= 0; d = d->next)
                        if (d->drop_in && d->extends == o && d->state == POLICY_ORIGIN_USED && d->source)
                                r = array_push(&texts, ((struct policy_text){d->path, d->source->text,
                                                                             d->source->length, true}));
                if (r >= 0 && o == origin)
                        r = array_push(&texts, ((struct policy_text){DROP_IN, strbuf_str(text), text->n, true}));
        }
        diag_set_init(&diags, 0);
        if (r >= 0)
                r = policy_set_parse_texts(texts.items, texts.n, &options, &diags, &set);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, ret);
        if (r < 0 && r != -ENOMEM) {
                (void)policy_set_put_diags(set, &diags, &messages);
                (void)fd_write_full(STDERR_FILENO, strbuf_str(&messages), messages.n);
        }
        array_done(&texts);
        return r;
}

/* ---- recorded attacks ---- */

static int play(struct program *program, const struct suite *suite, const struct suite_test *test, const char *path,
                bool *ret_alerts) {
        _cleanup_(stage_done) struct stage stage = {};
        int status;

        *ret_alerts = false;
        status = stage_play_test(program, suite, test, NULL, &stage);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        ARRAY_FOREACH(alert, rehearsal_alerts(stage.rehearsal))
                *ret_alerts = *ret_alerts || streq(alert->path, path);
        return EXIT_STATUS_SUCCESS;
}

/* What of the stories beside a file of policies this path alerts on now, and would not with the proposal. */
static int put_lost_of(const struct loaded *loaded, struct program *with, const char *file, const char *path,
                       size_t *n_lost, struct strbuf *b) {
        _cleanup_(suite_freep) struct suite *suite = NULL;
        int status = EXIT_STATUS_SUCCESS;

        if (access(file, R_OK) < 0)
                return EXIT_STATUS_SUCCESS; /* they are not installed everywhere */
        status = stage_load_suite(file, &suite);
        for (size_t i = 0; status == EXIT_STATUS_SUCCESS && i < suite->tests.n; i++) {
                const struct suite_test *test = &suite->tests.items[i];
                bool before, after = true;

                status = play(loaded->program, suite, test, path, &before);
                if (status == EXIT_STATUS_SUCCESS && before)
                        status = play(with, suite, test, path, &after);
                if (status != EXIT_STATUS_SUCCESS || after)
                        continue;
                strbuf_put(b, "# WARNING: '");
                strbuf_put_text(b, path, strlen(path));
                strbuf_put(b, "' would not alert on this attack, done by them: '");
                strbuf_put_text(b, test->name, strlen(test->name));
                strbuf_printf(b, "', %s:%u\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, test->span.line);
                (*n_lost)++;
        }
        return status;
}

/* An exit status, and a line for each in `b`. */
static int put_lost(const struct loaded *loaded, const struct policy_origin *origin, const struct strbuf *proposal,
                    const char *path, size_t *n_lost, struct strbuf *b) {
        static const char *const suffixes[] = {".test.yaml", ".recorded.test.yaml"};
        const char *end = endswith(origin->path, ".policy");
        struct program *with = NULL;
        int r, status = EXIT_STATUS_SUCCESS;

        *n_lost = 0;
        if (!end)
                return EXIT_STATUS_SUCCESS;
        r = accept_text(loaded, origin, proposal, &with);
        if (r < 0) {
                log_error_errno(r, "What is proposed for '%s' would not be accepted, and is left out: %m", path);
                return EXIT_STATUS_FAILURE;
        }
        for (size_t i = 0; i < ELEMENTSOF(suffixes) && status == EXIT_STATUS_SUCCESS; i++) {
                char file[PATH_MAX];
                int n = snprintf(file, sizeof(file), "%.*s%s", (int)(end - origin->path), origin->path, suffixes[i]);

                if (n > 0 && (size_t)n < sizeof(file))
                        status = put_lost_of(loaded, with, file, path, n_lost, b);
        }
        program_unref(with);
        return status;
}

/* DIRECTORY/exec/shell.policy.d/50-tune.conf, which must not be there yet. */
static int write_drop_in(const char *directory, const char *name, const struct strbuf *text) {
        char path[PATH_MAX];
        _cleanup_(closep) int fd = -1;
        int n, r;

        n = snprintf(path, sizeof(path), "%s/%s.d/" DROP_IN, directory, name);
        if (n < 0 || (size_t)n >= sizeof(path)) {
                log_error("The name of the drop-in of '%s' is too long", name);
                return EXIT_STATUS_FAILURE;
        }
        for (char *slash = strchr(path + strlen(directory) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
                if (r < 0) {
                        log_error_errno(r, "Cannot make the directory '%s': %m", path);
                        return EXIT_STATUS_FAILURE;
                }
                *slash = '/';
        }
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0) {
                r = -errno;
                if (r == -EEXIST)
                        log_error("'%s' is there already, and is left as it is: give it another name, or take it away",
                                  path);
                else
                        log_error_errno(r, "Cannot create '%s': %m", path);
                return EXIT_STATUS_FAILURE;
        }
        r = fd_write_full(fd, text->data, text->n);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0) {
                log_error_errno(r, "Cannot write '%s', and take it away again: %m", path);
                (void)unlink(path);
                return EXIT_STATUS_FAILURE;
        }
        log_info("'%s' is written; 'execrayctl check' looks at it, 'execrayctl reload' puts it in force", path);
        return EXIT_STATUS_SUCCESS;
}

/* One path's part, with what speaks against it, behind those of its file. An exit status. */
static int tune_path(const struct tune_params *params, const struct loaded *loaded, const struct reading *reading,
                     const struct policy_origin *origin, const struct tune_policy *policy, struct strbuf *text,
                     size_t *n_put) {
        const char *left_out = params->directory && !params->all ? ": not written without --all" : "";
        _cleanup_(strbuf_done) struct strbuf part = {}, anywhere = {}, lost = {};
        bool is_grave = tune_policy_is_grave(policy);
        size_t n_lost;
        int status;

        if (policy->n_exceptions == 0) {
                log_info("'%s' has %" PRIu64 " alerts, and no exception is narrow enough that hides %" PRIu64
                         " of them or more",
                         policy->name, policy->n_alerts, params->min_alerts);
                return EXIT_STATUS_SUCCESS;
        }
        tune_put_policy(reading->tune, policy, &part);
        tune_put_anywhere(policy, &anywhere);
        status = put_lost(loaded, origin, &anywhere, policy->name, &n_lost, &lost);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (is_grave)
                log_warning("'%s' is of severity %s, and these exceptions silence EVERYTHING that it said%s",
                            policy->name, severity_to_string(policy->severity), left_out);
        if (n_lost > 0)
                log_warning("'%s' would not alert on %zu of the attacks that are recorded beside it, were they done by "
                            "whom the "
                            "exceptions are for%s",
                            policy->name, n_lost, left_out);
        if ((is_grave || n_lost > 0) && *left_out)
                return EXIT_STATUS_SUCCESS;
        strbuf_put_char(text, '\n');
        strbuf_put_n(text, strbuf_str(&lost), lost.n);
        strbuf_put_n(text, strbuf_str(&part), part.n);
        (*n_put)++;
        return EXIT_STATUS_SUCCESS;
}

/* Everything that belongs to one file of policies. An exit status. */
static int tune_file(const struct tune_params *params, const struct loaded *loaded, const struct reading *reading,
                     const struct policy_origin *origin, const struct tune_policy *policies, size_t n) {
        _cleanup_(strbuf_done) struct strbuf text = {}, neat = {};
        const struct path_node *path;
        struct program *program = NULL;
        int r, status = EXIT_STATUS_SUCCESS, s;
        size_t n_put = 0;

        strbuf_put(&text, "# ");
        strbuf_put_text(&text, origin->name, strlen(origin->name));
        strbuf_put(&text, ".d/" DROP_IN "\n# Proposed by execrayctl tune. What an exception hides nobody sees: read "
                          "each before it is put in force.\n");
        for (size_t i = 0; i < n; i++) {
                if (policies[i].n_alerts < params->min_alerts ||
                    origin_of(loaded, policies[i].name, &path) != origin)
                        continue;
                s = tune_path(params, loaded, reading, origin, policies + i, &text, &n_put);
                status = s != EXIT_STATUS_SUCCESS ? s : status;
        }
        if (n_put == 0)
                return status;
        r = layout_text(strbuf_str(&text), text.n, &neat);
        if (r >= 0)
                r = accept_text(loaded, origin, &neat, &program);
        if (r < 0) {
                log_error_errno(r, "What is proposed for '%s' would not be accepted, and is left out: %m",
                                origin->name);
                return EXIT_STATUS_FAILURE;
        }
        program_unref(program);
        if (params->directory)
                s = write_drop_in(params->directory, origin->name, &neat);
        else {
                strbuf_put_char(&neat, '\n');
                s = verb_print(&neat);
        }
        return s != EXIT_STATUS_SUCCESS ? s : status;
}

static int tune_all(const struct tune_params *params, const struct loaded *loaded, const struct reading *reading) {
        struct tune_policy *policies;
        const struct path_node *path;
        size_t n, n_noisy = 0;
        int status = EXIT_STATUS_SUCCESS, s;

        if (tune_propose(reading->tune, &policies, &n) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        for (size_t i = 0; i < n; i++) {
                if (policies[i].n_alerts < params->min_alerts)
                        continue;
                n_noisy++;
                if (origin_of(loaded, policies[i].name, &path))
                        /* Scripts may have said less in single alerts; what is loaded now may say more. */
                        policies[i].severity = MAX(policies[i].severity, path->severity);
                else
                        log_warning("'%s' with %" PRIu64
                                    " alerts is not among the policies that are loaded: it is left "
                                    "out",
                                    policies[i].name, policies[i].n_alerts);
        }
        if (n_noisy == 0)
                log_info("%" PRIu64 " alerts of %zu policies, and no policy has %" PRIu64
                         " of them: nothing to propose",
                         reading->n_alerts, n, params->min_alerts);
        for (const struct policy_origin *o = loaded->set->origins; o && n_noisy > 0; o = o->next) {
                if (o->drop_in || o->state != POLICY_ORIGIN_USED)
                        continue;
                s = tune_file(params, loaded, reading, o, policies, n);
                status = s != EXIT_STATUS_SUCCESS ? s : status;
        }
        return status;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct tune_params params = {.min_alerts = TUNE_MIN_ALERTS, .since_ns = 7 * 24 * 3600 * NSEC_PER_SEC};
        _cleanup_(loaded_done) struct loaded loaded = {};
        struct reading reading = {};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &params.places},
                {"min", OPTION_NUMBER, .number = &params.min_alerts, .min = 2, .max = MAX_MIN_ALERTS},
                {"since", OPTION_DURATION, .number = &params.since_ns, .min = NSEC_PER_SEC, .max = OPTION_NO_MAX},
                {"write", OPTION_TEXT, .text = &params.directory},
                {"all", OPTION_FLAG, .flag = &params.all},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind < argc)
                params.file = argv[optind++];
        if (optind < argc) {
                log_error("One file of alerts at a time; - is standard input");
                return verb_usage(verb);
        }

        status = loaded_read(&params.places, &loaded);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (tune_new(params.min_alerts, &reading.tune) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        status = read_alerts(&params, &reading);
        if (status == EXIT_STATUS_SUCCESS)
                status = tune_all(&params, &loaded, &reading);
        tune_free(reading.tune);
        return status;
}

const struct verb verb_tune = {
        .name = "tune",
        .arguments = "[FILE] [--policies PLACE]... [--min N] [--since DURATION] [--write DIRECTORY [--all]]",
        .summary = "Propose narrow exceptions for policies that alert too often",
        .help = "  --policies PLACE  file or directory of policies; may be repeated. Without it: as the configuration "
                "says\n"
                "  --min N           so many alerts of one kind are noise; 5 if it is not said\n"
                "  --since DURATION  how far back the journal is read; 7d if it is not said\n"
                "  --write DIRECTORY write the drop-ins below it, as NAME.policy.d/" DROP_IN "; one that is there is "
                "never replaced\n"
                "  --all             those too that silence everything that a policy of severity high or above said, "
                "or a "
                "recorded\n"
                "                    attack\n"
                "\n"
                "FILE has alerts, one JSON object a line, as `--output json` or `journalctl -a -o json -t execrayd` "
                "print "
                "them; - is\n"
                "standard input. Without it the journal is read. For each policy with --min alerts: the exceptions, as "
                "a drop-in with\n"
                "comments that say what they would have silenced and what would remain. Nothing is written without "
                "--write.\n"
                "Stories that lie beside a policy (NAME.test.yaml, NAME.recorded.test.yaml) are played with and "
                "without the "
                "proposal: what\n"
                "would no longer alert is warned of. An exception hides what it names from the policy, attacks too: it "
                "is a "
                "proposal,\n"
                "for people to read.\n",
        .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "response/respond-actions.h"
#include "script/script-answer.h"
#include "script/script-value.h"
#include "script/script.h"

#define MAX_LINE 65536

struct lua_params {
        const char *config, *alert, *responder;
        const char *script;
};

static int load_script(const struct lua_params *params, const struct config *config, struct script **ret) {
        const struct script_limits limits = {
                .memory_bytes = config->scripts.memory_bytes,
                .instructions = config->scripts.instructions,
                .time_ns = config->scripts.time_ns,
                .data_bytes = config->scripts.data_memory_bytes,
        };
        _cleanup_(strbuf_done) struct strbuf message = {};
        _cleanup_(freep) char *text = NULL;
        size_t n = 0;
        int r;

        if (params->script) {
                r = read_file_at(AT_FDCWD, params->script, SCRIPT_MAX_BYTES, &text, &n);
                if (r < 0) {
                        log_error_errno(r, "Cannot read '%s': %m", params->script);
                        return EXIT_STATUS_FAILURE;
                }
        }
        r = script_load(params->script ?: "line", text ?: "", n, &limits, true, &message, ret);
        if (r < 0) {
                strbuf_put_char(&message, '\n');
                (void)fd_write_full(STDERR_FILENO, message.data, message.n);
                log_error("The script is wrong");
                return EXIT_STATUS_POLICIES;
        }
        return EXIT_STATUS_SUCCESS;
}

/* The first object of the file that is an alert, as --output json writes them. */
static int load_alert(const char *file, struct script_value **ret) {
        _cleanup_(freep) char *text = NULL;
        const char *why = "there is no alert in it";
        size_t n;
        int r;

        r = streq(file, "-") ? fd_read_all(STDIN_FILENO, SCRIPT_VALUE_MAX_BYTES, &text, &n)
                             : read_file_at(AT_FDCWD, file, SCRIPT_VALUE_MAX_BYTES, &text, &n);
        if (r < 0) {
                log_error_errno(r, "Cannot read '%s': %m", file);
                return EXIT_STATUS_FAILURE;
        }
        for (const char *line = text, *next; line && *line; line = next) {
                size_t length = strcspn(line, "\n");

                next = line[length] ? line + length + 1 : NULL;
                if (!memmem(line, length, "\"type\":\"alert\"", 14) && (next || line != text))
                        continue;
                r = script_value_parse(line, length, ret, &why);
                if (r == -EBADMSG && line == text)      /* set over several lines by somebody's tool */
                        r = script_value_parse(text, n, ret, &why);
                if (r >= 0)
                        return EXIT_STATUS_SUCCESS;
        }
        if (script_value_parse(text, n, ret, &why) >= 0)
                return EXIT_STATUS_SUCCESS;
        log_error("'%s' is no alert: %s", file, why);
        return EXIT_STATUS_FAILURE;
}

static void put_answer(const struct script_answer *answer, struct strbuf *b) {
        for (size_t i = 0; i < answer->n_fields; i++) {
                strbuf_printf(b, "field     %s = ", answer->fields[i].name);
                strbuf_put_text(b, answer->fields[i].value, strlen(answer->fields[i].value));
                strbuf_put_char(b, '\n');
        }
        if (answer->severity)
                strbuf_printf(b, "severity  %s\n", answer->severity);
        if (answer->suppressed) {
                strbuf_put(b, "suppress  ");
                strbuf_put_text(b, answer->suppressed, strlen(answer->suppressed));
                strbuf_put_char(b, '\n');
        }
        for (size_t i = 0; i < answer->n_actions; i++) {
                const struct script_answer_action *action = answer->actions + i;

                strbuf_put(b, "action    ");
                strbuf_put_text(b, action->what, strlen(action->what));
                strbuf_printf(b, ": %s: ", script_action_state_to_string(action->state));
                strbuf_put_text(b, action->result, strlen(action->result));
                strbuf_put_char(b, '\n');
        }
        for (size_t i = 0; i < answer->n_lines; i++) {
                strbuf_put(b, "log       ");
                strbuf_put_text(b, answer->lines[i], strlen(answer->lines[i]));
                strbuf_put_char(b, '\n');
        }
        for (size_t i = 0; i < answer->n_errors; i++) {
                const char *line = answer->errors[i].text;

                strbuf_put(b, "error     ");
                for (size_t n; *line; line += n + (line[n] == '\n')) {
                        n = strcspn(line, "\n");
                        if (*line == '\t')
                                strbuf_put(b, "              "), line++, n--;
                        else if (line != answer->errors[i].text)
                                strbuf_put(b, "          ");
                        strbuf_put_text(b, line, n);
                        strbuf_put_char(b, '\n');
                }
        }
        if (answer->n_left_out > 0)
                strbuf_printf(b, "left out  %" PRIu32 ": a script may ask for so much, and no more\n",
                              answer->n_left_out);
}

/* One function, and what it asked for. False: it failed. */
static bool run_one(struct script *script, const char *name, enum script_kind kind, const char *target,
                    const struct script_value *alert, struct strbuf *b) {
        _cleanup_(script_answer_done) struct script_answer answer = {};
        struct respond_actions actions = {.dry_run = true};
        const struct script_ops ops = {.act = respond_actions_act, .userdata = &actions};
        char time[FORMAT_DURATION_MAX];
        struct script_stats stats;
        enum script_end end;

        strbuf_printf(b, "%s %s%s%s\n", kind == SCRIPT_ENRICHER ? "enricher" : "responder", name, target ? " " : "",
                      target ?: "");
        end = script_run(script, name, target, alert, &ops, clock_boottime_ns(), &answer);
        put_answer(&answer, b);
        script_stats(script, &stats);
        format_duration(time, stats.time_ns / NSEC_PER_USEC * NSEC_PER_USEC);
        strbuf_printf(b, "budget    %s: %" PRIu64 " instructions, %s, at most %zu bytes\n",
                      script_end_to_string(end), stats.instructions, time, stats.memory_peak);
        return end == SCRIPT_FINE;
}

static int lua_run(const struct lua_params *params, const struct config *config) {
        _cleanup_(script_value_freep) struct script_value *alert = NULL;
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(strbuf_done) struct strbuf b = {};
        char wanted[SCRIPT_MAX_NAME + 1] = "";
        enum script_kind kind;
        const char *name, *target = NULL;
        size_t n_run = 0;
        bool good = true;
        int status;

        status = load_script(params, config, &script);
        if (status == EXIT_STATUS_SUCCESS)
                status = load_alert(params->alert, &alert);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (params->responder) {
                size_t n = strcspn(params->responder, " ");

                snprintf(wanted, sizeof(wanted), "%.*s", (int)MIN(n, sizeof(wanted) - 1), params->responder);
                target = params->responder[n] ? params->responder + n + 1 : NULL;
        }
        for (int pass = SCRIPT_ENRICHER; pass <= SCRIPT_RESPONDER; pass++)
                for (size_t i = 0; script_function_at(script, i, &name, &kind); i++) {
                        if ((int)kind != pass || (*wanted && !streq(name, wanted)))
                                continue;
                        strbuf_put(&b, n_run++ > 0 ? "\n" : "");
                        good = run_one(script, name, kind, target, alert, &b) && good;
                }
        if (n_run == 0) {
                log_error("'%s' has no %s", params->script, *wanted ? wanted : "responder and no enricher");
                return EXIT_STATUS_FAILURE;
        }
        status = verb_print(&b);
        return good ? status : EXIT_STATUS_FAILURE;
}

static int lua_repl(const struct lua_params *params, const struct config *config) {
        struct respond_actions actions = {.dry_run = true};
        const struct script_ops ops = {.act = respond_actions_act, .userdata = &actions};
        _cleanup_(script_freep) struct script *script = NULL;
        bool person = isatty(STDIN_FILENO);
        static char line[MAX_LINE];
        int status;

        status = load_script(params, config, &script);
        while (status == EXIT_STATUS_SUCCESS) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                if (person)
                        (void)fd_write_full(STDOUT_FILENO, "> ", 2);
                if (!fgets(line, sizeof(line), stdin))
                        break;
                line[strcspn(line, "\n")] = 0;
                (void)script_eval(script, line, &ops, &b);
                if (b.n > 0)
                        strbuf_put_char(&b, '\n');
                status = verb_print(&b);
        }
        return status;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct settings_options settings_options = {
                .config = CONFIG_PATH,
                .config_may_miss = true,
                .no_policies = true,
                .generation = 1,
        };
        _cleanup_(settings_done) struct settings settings = {};
        struct lua_params params = {};
        const char *what;
        const struct verb_option options[] = {
                {"config", OPTION_TEXT, .text = &params.config},
                {"alert", OPTION_TEXT, .text = &params.alert},
                {"responder", OPTION_TEXT, .text = &params.responder},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (params.config) {
                settings_options.config = params.config;
                settings_options.config_may_miss = false;
        }
        what = optind < argc ? argv[optind++] : NULL;
        if (what && streq(what, "actions") && optind == argc) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                action_put_reference(&b);
                return verb_print(&b);
        }
        if (optind < argc)
                params.script = argv[optind++];
        if (optind < argc || !what || (!streq(what, "run") && !streq(what, "repl")) ||
            (streq(what, "run") && (!params.script || !params.alert)))
                return verb_usage(verb);

        status = verb_load(&settings_options, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        return streq(what, "run") ? lua_run(&params, &settings.config) : lua_repl(&params, &settings.config);
}

const struct verb verb_lua = {
        .name = "lua",
        .arguments = "run SCRIPT --alert FILE [--responder 'NAME $PROCESS'] | repl [SCRIPT] | actions",
        .summary = "Try a script on a saved alert, or line by line; nothing is done to the host",
        .help = "  --alert FILE      an alert as `execrayd --output json` and EXECRAY_ALERT= of the journal have it; "
                "- is standard input\n"
                "  --responder NAME  this one alone, and as a policy names it: \"kill-tree $shell\"; without it all "
                "that the script has\n"
                "  --config FILE     its limits (scripts.memory, ...), not those of " CONFIG_PATH "\n"
                "\n"
                "`run` prints what the script asks for: fields, severity, actions with their checked arguments, and "
                "what it used of its budget.\n"
                "Exit status 1 if it failed, 6 if it could not be loaded. `repl` reads lines of Lua, in the sandbox "
                "that scripts have, and\n"
                "prints what they give. `actions` lists what scripts may ask to be done. docs/RESPONSES.md is about "
                "writing scripts.\n",
        .run = run,
};

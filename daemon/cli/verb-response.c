/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "action/actions.h"
#include "action/rearm.h"
#include "action/undo-log.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "config/config.h"

#define REARM_TRIES 60                  /* the process of the scripts looks once a second */
#define REARM_PAUSE_US 50000

struct where {
        const char *state, *quarantine, *runtime;       /* borrowed from argv */
        bool all;
};

/* ---- list ---- */

static void put_time(uint64_t at_ns, struct strbuf *b) {
        time_t at = (time_t)(at_ns / NSEC_PER_SEC);
        char text[32];
        struct tm tm;

        if (localtime_r(&at, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
                strbuf_put(b, text);
        else
                strbuf_put(b, "?");
}

static void put_entry(const struct undo_entry *entry, struct strbuf *b) {
        strbuf_printf(b, "%5" PRIu64 "  ", entry->id);
        put_time(entry->at_ns, b);
        strbuf_printf(b, "  %-6s  ", undo_state_to_string(entry->state));
        strbuf_put_text(b, entry->what, strlen(entry->what));
        if (entry->policy) {
                strbuf_put(b, "  for ");
                strbuf_put_text(b, entry->policy, strlen(entry->policy));
        }
        if (entry->alert) {
                strbuf_put(b, ", alert ");
                strbuf_put_text(b, entry->alert, strlen(entry->alert));
        }
        strbuf_put_char(b, '\n');
}

static int put_all(struct undo_log *log, bool all, struct strbuf *b) {
        _cleanup_(freep) uint64_t *ids = NULL;
        size_t n;
        int r;

        r = undo_log_list(log, &ids, &n);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                _cleanup_(undo_entry_done) struct undo_entry entry;

                undo_entry_init(&entry);
                r = undo_log_read(log, ids[i], &entry);
                if (r == -ENOMEM)
                        return r;
                if (r == -ENOENT)       /* it went meanwhile */
                        r = 0;
                else if (r == -EBADMSG) {
                        log_warning("The entry of response %" PRIu64 " is damaged, going on", ids[i]);
                        r = 0;
                } else if (r < 0) {
                        log_warning_errno(r, "The entry of response %" PRIu64 " cannot be read, going on: %m", ids[i]);
                        r = 0;
                } else if (all || entry.state == UNDO_DONE || entry.state == UNDO_BEGUN)
                        put_entry(&entry, b);
        }
        return r < 0 ? r : b->error;
}

static int list(const struct where *where) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct undo_log log = {};
        int r;

        r = undo_log_open_read(&log, where->state);
        if (r == -ENOENT)
                return EXIT_STATUS_SUCCESS;     /* nothing was ever done */
        if (r >= 0) {
                r = put_all(&log, where->all, &b);
                undo_log_close(&log);
        }
        if (r < 0) {
                log_error_errno(r, "Cannot read the log of responses '%s': %m", where->state);
                return r == -EACCES ? EXIT_STATUS_PRIVILEGE : EXIT_STATUS_FAILURE;
        }
        return verb_print(&b);
}

/* ---- undo ---- */

static void on_done(const struct action_result *result, void *userdata) {
        struct action_result *last = userdata;

        *last = *result;
}

static int wait_for_end(struct actions *actions, sd_event *loop, const struct action_result *last,
                        struct action_result *result) {
        int r;

        if (result->outcome != ACTION_PENDING)
                return 0;
        while (actions_n_pending(actions) > 0) {
                r = sd_event_run(loop, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        *result = *last;
        return 0;
}

static int undo_with(const struct where *where, const struct config *config, uint64_t id, sd_event *loop) {
        _cleanup_(actions_freep) struct actions *actions = NULL;
        struct action_result result, last = {};
        int r;

        r = actions_new(&(struct actions_options){.config = config,
                                                  .state_directory = where->state,
                                                  .quarantine_directory = where->quarantine,
                                                  .runtime_directory = where->runtime,
                                                  .loop = loop,
                                                  .sink = {.on_done = on_done},
                                                  .userdata = &last},
                        &actions);
        if (r >= 0)
                r = action_undo(actions, id, clock_boottime_ns(), &result);
        if (r >= 0)
                r = wait_for_end(actions, loop, &last, &result);
        if (r < 0) {
                log_error_errno(r, "Cannot undo response %" PRIu64 ": %m", id);
                return EXIT_STATUS_FAILURE;
        }
        if (result.outcome != ACTION_DONE) {
                log_error("Response %" PRIu64 " is not undone: %s", id, result.text);
                return EXIT_STATUS_FAILURE;
        }
        log_info("Response %" PRIu64 " is undone: %s", id, result.text);
        return EXIT_STATUS_SUCCESS;
}

static int undo(const struct where *where, const char *text) {
        struct config config = {};
        sd_event *loop = NULL;
        uint64_t id;
        int r;

        if (parse_u64(text, 1, UINT64_MAX - 1, &id) < 0) {
                log_error("'%s' is no number of a response; execrayctl response list has them", text);
                return EXIT_STATUS_USAGE;
        }
        r = config_init(CONFIG_PROFILE_BALANCED, &config);
        if (r < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        r = sd_event_new(&loop);
        if (r < 0) {
                log_error_errno(r, "Cannot make a loop: %m");
                r = EXIT_STATUS_FAILURE;
        } else
                r = undo_with(where, &config, id, loop);
        sd_event_unref(loop);
        config_done(&config);
        return r;
}

/* ---- rearm ---- */

static int rearm(const struct where *where, const char *policy) {
        const char *directory = where->runtime ?: ACTIONS_RUNTIME_DIRECTORY;
        int r;

        r = rearm_ask(directory, policy);
        if (r == -EINVAL) {
                log_error("'%s' cannot be the name of a policy", policy);
                return EXIT_STATUS_USAGE;
        }
        if (r < 0) {
                log_error_errno(r, "Cannot ask in '%s': %m", directory);
                return r == -EACCES ? EXIT_STATUS_PRIVILEGE : EXIT_STATUS_FAILURE;
        }
        for (unsigned i = 0; i < REARM_TRIES; i++) {
                if (rearm_is_taken(directory) == 1) {
                        log_info(
                                "Policy '%s' is armed again, if a storm had disarmed it; the log of the daemon says so",
                                policy);
                        return EXIT_STATUS_SUCCESS;
                }
                (void)usleep(REARM_PAUSE_US);
        }
        (void)rearm_withdraw(directory);
        log_error("Nobody has taken it: the daemon does not run, or no policy of it has a responder or `enforce`");
        return EXIT_STATUS_FAILURE;
}

static int response(const struct verb *verb, int argc, char *argv[]) {
        struct where where = {.state = ACTIONS_STATE_DIRECTORY};
        const struct verb_option options[] = {
                {"all", OPTION_FLAG, .flag = &where.all},
                {"state", OPTION_TEXT, .text = &where.state},
                {"quarantine", OPTION_TEXT, .text = &where.quarantine},
                {"runtime", OPTION_TEXT, .text = &where.runtime},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (argc - optind == 1 && streq(argv[optind], "list"))
                return list(&where);
        if (argc - optind == 2 && streq(argv[optind], "undo"))
                return undo(&where, argv[optind + 1]);
        if (argc - optind == 2 && streq(argv[optind], "rearm"))
                return rearm(&where, argv[optind + 1]);
        return verb_usage(verb);
}

const struct verb verb_response = {
        .name = "response",
        .arguments = "list|undo NUMBER|rearm POLICY",
        .summary = "What responses have done to this host that can be undone, and undo it",
        .help = "  list               what is in force: number, time, state, what was done and for which policy\n"
                "  undo NUMBER        undo one: put a file back, thaw, continue, start, let packets through\n"
                "  rearm POLICY       let a policy act again that asked for too much in a minute and was disarmed\n"
                "  --all              of list: also what was undone, and what did not come about\n"
                "  --state DIR        not /var/lib/execrayd/response\n"
                "  --quarantine DIR   not /var/lib/execrayd/quarantine\n"
                "  --runtime DIR      not /run/execrayd\n"
                "\n"
                "The daemon need not run. A response that says `begun` was cut short: it may have happened or not, and "
                "undoing it does\n"
                "no harm. Needs root.\n",
        .run = response,
};

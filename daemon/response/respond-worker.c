/* SPDX-License-Identifier: Apache-2.0 */
#include "response/respond-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "base/sandbox.h"
#include "config/config.h"
#include "response/respond-actions.h"
#include "response/response-packets.h"
#include "response/response-peer.h"
#include "script/script-set.h"

#define TICK_NS NSEC_PER_SEC
#define FINISH_NS (30 * NSEC_PER_SEC)
#define MAX_NAMES 400                   /* of functions that the other side is told */

struct worker {
        int fd;                         /* borrowed */
        sd_event *loop;                 /* owned */
        struct config config;           /* owned */
        struct script_set *set;         /* owned */
        struct respond_actions actions;
        struct script_answer answer;
        struct strbuf packet;           /* to be sent */
        sd_event_source *packets, *tick;        /* owned */
        bool is_set_up;
        uint64_t finish_ns;             /* what was begun may end until then; 0: the other side is there */
        int status;
};

static void worker_done(struct worker *worker) {
        sd_event_source_disable_unref(worker->packets);
        sd_event_source_disable_unref(worker->tick);
        respond_actions_done(&worker->actions);
        script_set_free(worker->set);
        script_answer_done(&worker->answer);
        strbuf_done(&worker->packet);
        config_done(&worker->config);
        sd_event_unref(worker->loop);
}

/* The other side reads whenever it can, so this waits at most as long as it is busy. */
static int send_packet(struct worker *worker) {
        ssize_t n;

        if (worker->packet.error < 0)
                return worker->packet.error;
        do
                n = send(worker->fd, worker->packet.data, worker->packet.n, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

/* ---- an alert ---- */

/* "kill $shell": the name, and whose process it means. */
static bool split(const char *responder, char name[static SCRIPT_MAX_NAME + 1], const char **ret_target) {
        size_t n = strcspn(responder, " ");

        if (n > SCRIPT_MAX_NAME)
                return false;
        memcpy(name, responder, n);
        name[n] = 0;
        responder += n + strspn(responder + n, " ");
        *ret_target = *responder ? responder : NULL;
        return true;
}

static void ask(const struct script_set *set, const char *responder, enum script_kind kind, bool last,
                const struct script_value *value, struct respond_actions *actions, struct script_answer *answer) {
        const struct script_ops ops = {
                .act = respond_actions_act, .listed = respond_actions_listed, .userdata = actions};
        static const char nobody[] = "no script has a function of this name";
        char name[SCRIPT_MAX_NAME + 1];
        enum script_kind found;
        struct script_stats before, after;
        struct script *script;
        const char *target;

        if (!split(responder, name, &target))
                return;
        script = script_set_find(set, name, &found);
        if (!script && last)
                (void)script_answer_error(answer, name, nobody, strlen(nobody));
        if (!script || found != kind)
                return;
        actions->origin.responder = name;
        script_stats(script, &before);
        (void)script_run(script, name, target, value, &ops, clock_boottime_ns(), answer);
        script_stats(script, &after);
        actions->origin.responder = NULL;
        if (after.n_suspensions > before.n_suspensions && actions->on_notice) {
                char text[512];

                snprintf(text, sizeof(text), "'%s' has used up its budget too often and is not run for %" PRIu64 " s",
                         script_name(script),
                         nsec_sub(after.suspended_until_ns, clock_boottime_ns()) / NSEC_PER_SEC + 1);
                actions->on_notice(text, actions->userdata);
        }
}

/* Does it run for every alert anyway? */
static bool is_configured(const struct config *config, const char *enricher) {
        for (size_t i = 0; i < config->scripts.enrich.n; i++)
                if (streq(config->scripts.enrich.items[i], enricher))
                        return true;
        return false;
}

void respond_to_alert(const struct script_set *set, const struct config *config, const struct response_alert *alert,
                      const struct script_value *value, struct respond_actions *actions,
                      struct script_answer *answer) {
        snprintf(actions->origin.policy, sizeof(actions->origin.policy), "%s", alert->policy);
        if (alert->step > 0)
                snprintf(actions->origin.alert, sizeof(actions->origin.alert), "%" PRIu64 ".%" PRIu64 "-step%" PRIu32,
                         alert->generation, alert->number, alert->step);
        else
                snprintf(actions->origin.alert, sizeof(actions->origin.alert), "%" PRIu64 ".%" PRIu64,
                         alert->generation, alert->number);
        actions->origin.number = alert->number;
        actions->origin.generation = alert->generation;

        for (size_t i = 0; i < config->scripts.enrich.n; i++)
                ask(set, config->scripts.enrich.items[i], SCRIPT_ENRICHER, true, value, actions, answer);
        for (size_t i = 0; i < alert->n_responders; i++)
                if (!is_configured(config, alert->responders[i]))
                        ask(set, alert->responders[i], SCRIPT_ENRICHER, false, value, actions, answer);
        for (size_t i = 0; i < alert->n_responders; i++)
                ask(set, alert->responders[i], SCRIPT_RESPONDER, true, value, actions, answer);
}

static int on_alert(struct worker *worker, const struct response_message *message) {
        _cleanup_(script_value_freep) struct script_value *value = NULL;
        struct response_alert alert;
        const char *why = "";
        int r;

        script_answer_clear(&worker->answer);
        r = response_parse_alert(*message, &alert);
        if (r < 0)
                return r;
        r = script_value_parse(alert.json, alert.n_json, &value, &why);
        if (r >= 0)
                r = script_value_set_processes(value, alert.processes, alert.n_processes);
        if (r >= 0)
                respond_to_alert(worker->set, &worker->config, &alert, value, &worker->actions, &worker->answer);
        else
                (void)script_answer_error(&worker->answer, "alert", why, strlen(why));

        response_put_answer(message->id, &worker->answer, &worker->packet);
        return send_packet(worker);
}

/* ---- what actions tell ---- */

static void on_report(const char *what, const char *outcome, const char *text, const char *policy, const char *alert,
                      void *userdata) {
        struct worker *worker = userdata;
        uint64_t generation = 0, number = 0, step = 0;
        int r;

        if (alert)
                (void)sscanf(alert, "%" SCNu64 ".%" SCNu64 "-step%" SCNu64, &generation, &number, &step);
        response_message_begin(&worker->packet, RESPONSE_ACTION, 0);
        response_message_put_text(&worker->packet, RESPONSE_POLICY, 0, policy ?: "");
        response_message_put_u64(&worker->packet, RESPONSE_NUMBER, number);
        response_message_put_u64(&worker->packet, RESPONSE_GENERATION, generation);
        if (step > 0)
                response_message_put_u64(&worker->packet, RESPONSE_STEP, step);
        response_message_put_text(&worker->packet, RESPONSE_WHAT, 0, what);
        response_message_put_text(&worker->packet, RESPONSE_RESULT, 0, outcome);
        response_message_put_text(&worker->packet, RESPONSE_TEXT, 0, text);
        response_message_end(&worker->packet);
        r = send_packet(worker);
        if (r < 0)
                log_warning_errno(r, "Cannot tell what was done (%s): %m", what);
}

static void on_notice(const char *text, void *userdata) {
        struct worker *worker = userdata;

        response_message_begin(&worker->packet, RESPONSE_NOTICE, 0);
        response_message_put_text(&worker->packet, RESPONSE_TEXT, 0, text);
        response_message_end(&worker->packet);
        (void)send_packet(worker);
}

static void on_list(const char *list, const char *value, uint64_t until_ns, void *userdata) {
        struct worker *worker = userdata;
        int r;

        response_message_begin(&worker->packet, RESPONSE_LIST, 0);
        if (list) {
                response_message_put_text(&worker->packet, RESPONSE_NAME, 0, list);
                response_message_put_text(&worker->packet, RESPONSE_TEXT, 0, value);
                response_message_put_u64(&worker->packet, RESPONSE_NUMBER, until_ns);
        }
        response_message_end(&worker->packet);
        r = send_packet(worker);
        if (r < 0)
                log_warning_errno(r, "Cannot tell what is on a runtime list: %m");
}

static void on_storm(const char *policy, bool disarmed, void *userdata) {
        struct worker *worker = userdata;

        response_message_begin(&worker->packet, RESPONSE_STORM, 0);
        response_message_put_text(&worker->packet, RESPONSE_NAME, disarmed ? 0 : 1, policy);
        response_message_end(&worker->packet);
        (void)send_packet(worker);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        struct worker *worker = userdata;

        if (worker->actions.actions)
                actions_tick(worker->actions.actions, clock_boottime_ns());
        if (worker->finish_ns > 0 && (actions_n_pending(worker->actions.actions) == 0 ||
                                      clock_boottime_ns() >= worker->finish_ns))
                return sd_event_exit(worker->loop, EXIT_SUCCESS);
        (void)sd_event_source_set_time_relative(source, TICK_NS / NSEC_PER_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- the beginning ---- */

static int refuse(struct worker *worker, const char *text) {
        response_message_begin(&worker->packet, RESPONSE_REFUSED, 0);
        response_message_put_text(&worker->packet, RESPONSE_TEXT, 0, text);
        response_message_end(&worker->packet);
        (void)send_packet(worker);
        return sd_event_exit(worker->loop, EXIT_SUCCESS);
}

static void put_names(struct worker *worker) {
        enum script_kind kind;
        const char *name;
        size_t n = 0;

        for (size_t i = 0; i < script_set_count(worker->set); i++)
                for (size_t k = 0; n < MAX_NAMES && script_function_at(script_set_at(worker->set, i), k, &name, &kind);
                     k++, n++)
                        response_message_put_text(&worker->packet, RESPONSE_NAME, (uint16_t)kind, name);
}

/* No error: the name may be that of a script which comes later, and the alerts are told. */
static void warn_missing(const struct worker *worker, const char *name, const char *who, struct strbuf *text) {
        enum script_kind kind;

        if (!script_set_find(worker->set, name, &kind))
                strbuf_printf(text, "warning: no script has '%s', which %s names\n", name, who);
}

static int on_setup(struct worker *worker, struct response_message message) {
        _cleanup_(strbuf_done) struct strbuf text = {.limit_bytes = RESPONSE_MESSAGE_MAX / 2};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        const char *places[CONFIG_LIST_MAX];
        struct script_set_options options = {};
        struct response_item item;
        const char *named[RESPONSE_MESSAGE_MAX_ITEMS];
        uint32_t core_pid = 0;
        size_t n_places = 0, n_named = 0;
        int r = -EBADMSG;

        if (worker->is_set_up)
                return -EBADMSG;
        worker->is_set_up = true;
        diag_set_init(&diags, 0);
        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_CONFIG)
                        r = config_parse("configuration", item.bytes, item.length, &diags, &worker->config);
                else if (item.tag == RESPONSE_PLACE && n_places < ELEMENTSOF(places))
                        places[n_places++] = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        core_pid = (uint32_t)response_item_u64(&item);
                else if (item.tag == RESPONSE_RESPONDER && n_named < ELEMENTSOF(named))
                        named[n_named++] = item.bytes;
        if (r < 0)
                return refuse(worker, "The process that runs scripts does not understand the configuration.\n");

        options = (struct script_set_options){
                .limits = {.memory_bytes = worker->config.scripts.memory_bytes,
                           .instructions = worker->config.scripts.instructions,
                           .time_ns = worker->config.scripts.time_ns,
                           .data_bytes = worker->config.scripts.data_memory_bytes},
                .skip_missing = n_places == 0,
        };
        r = n_places > 0 ? script_set_load(places, n_places, &options, &text, &worker->set)
                         : script_set_load(worker->config.scripts.directories.items,
                                           worker->config.scripts.directories.n, &options, &text, &worker->set);
        if (r < 0) {
                if (text.n == 0)
                        strbuf_printf(&text, "Scripts could not be loaded: %s\n", strerror(-r));
                return refuse(worker, strbuf_str(&text));
        }

        for (size_t i = 0; i < n_named; i++)
                warn_missing(worker, named[i], "a policy", &text);
        for (size_t i = 0; i < worker->config.scripts.enrich.n; i++)
                warn_missing(worker, worker->config.scripts.enrich.items[i], "scripts.enrich", &text);

        worker->actions.on_report = on_report;
        worker->actions.on_notice = on_notice;
        worker->actions.on_list = on_list;
        worker->actions.on_storm = on_storm;
        worker->actions.userdata = worker;
        r = respond_actions_init(&worker->actions, &worker->config, core_pid, worker->loop);
        if (r < 0) {
                strbuf_printf(&text, "Actions could not be set up: %s\n", strerror(-r));
                return refuse(worker, strbuf_str(&text));
        }

        response_message_begin(&worker->packet, RESPONSE_READY, script_set_count(worker->set));
        if (text.n > 0)
                response_message_put_text(&worker->packet, RESPONSE_TEXT, 0, strbuf_str(&text));
        put_names(worker);
        response_message_end(&worker->packet);
        return send_packet(worker);
}

/* What storms had disarmed before this process began. */
static int on_storms(struct worker *worker, struct response_message message) {
        struct response_item item;
        int r = 0;

        while (r >= 0 && response_message_next(&message, &item))
                if (item.tag == RESPONSE_NAME)
                        r = actions_disarm_policy(worker->actions.actions, item.bytes);
        return r;
}

/* Nothing more comes: copies and webhooks that are under way may end. */
static int finish(struct worker *worker) {
        if (!worker->actions.actions || actions_n_pending(worker->actions.actions) == 0)
                return sd_event_exit(worker->loop, EXIT_SUCCESS);
        worker->finish_ns = nsec_add(clock_boottime_ns(), FINISH_NS);
        return sd_event_source_set_enabled(worker->packets, SD_EVENT_OFF);
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        static uint64_t memory[RESPONSE_MESSAGE_MAX / sizeof(uint64_t)];
        struct worker *worker = userdata;
        struct response_message message;
        ssize_t n;
        int r;

        n = recv(fd, memory, sizeof(memory), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n == 0)
                return finish(worker);
        if (n < 0)
                return sd_event_exit(worker->loop, EXIT_SUCCESS);
        r = response_message_open(memory, (size_t)n <= sizeof(memory) ? (size_t)n : 0, &message);
        if (r >= 0 && message.type == RESPONSE_SETUP)
                r = on_setup(worker, message);
        else if (r >= 0 && message.type == RESPONSE_ALERT && worker->set)
                r = on_alert(worker, &message);
        else if (r >= 0 && message.type == RESPONSE_STORM && worker->actions.actions)
                r = on_storms(worker, message);
        else if (r < 0 || worker->set || message.type != RESPONSE_STORM)
                r = -EBADMSG;
        if (r == -EPIPE || r == -ECONNRESET)
                return sd_event_exit(worker->loop, EXIT_SUCCESS);
        if (r < 0) {
                log_error_errno(r, "The process that runs scripts gives up: %m");
                return sd_event_exit(worker->loop, EXIT_FAILURE);
        }
        return 0;
}

/* Of what the daemon may do this process needs a part; the rest is gone before the first byte of a script is read. */
static int limit(const char **ret_what) {
        static const struct rlimit none = {};

        (void)prctl(PR_SET_NAME, RESPOND_WORKER_NAME);
        (void)setrlimit(RLIMIT_CORE, &none);
        priority_lower();
        return sandbox_keep(actions_capabilities(), ret_what);
}

int respond_worker_run(int fd) {
        _cleanup_(worker_done) struct worker worker = {.fd = fd};
        const char *what = "";
        int r;

        log_open("execrayd");
        if (!response_peer_may_ask(fd, RESPOND_CORE_UNIT)) {
                log_error("The process that runs scripts was asked by nobody who may, and ends");
                return EXIT_FAILURE;
        }
        response_peer_widen(fd);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        r = limit(&what);
        if (r < 0) {
                log_error_errno(r, "The process that runs scripts cannot give up what it does not need (%s): %m", what);
                return EXIT_FAILURE;
        }
        r = sd_event_new(&worker.loop);
        if (r >= 0)
                r = sd_event_add_io(worker.loop, &worker.packets, fd, EPOLLIN, on_packet, &worker);
        if (r >= 0)
                r = sd_event_add_time_relative(worker.loop, &worker.tick, CLOCK_BOOTTIME, TICK_NS / NSEC_PER_USEC, 0,
                                               on_tick, &worker);
        if (r < 0) {
                log_error_errno(r, "The process that runs scripts cannot begin: %m");
                return EXIT_FAILURE;
        }
        return sd_event_loop(worker.loop);
}

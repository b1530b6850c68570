/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "config/config.h"
#include "program/program.h"
#include "report/alert.h"
#include "report/message-ids.h"
#include "report/report.h"
#include "response/respond-worker.h"
#include "response/response-packets.h"

#define SOCKET_BYTES (4 << 20)
#define MAX_PROCESSES (1 + ALERT_MAX_ANCESTORS + MATCH_MAX_STEPS)
#define MAX_WANTED 128                   /* responders of all policies that are looked for when scripts are loaded */
#define FAST_NS (5 * NSEC_PER_MSEC)
#define MAX_PACKETS 32                  /* in one turn of the loop */
#define BACKOFF_MIN_NS (100 * NSEC_PER_MSEC)
#define BACKOFF_MAX_NS NSEC_PER_MIN
#define BACKOFF_FORGOTTEN_NS NSEC_PER_MIN       /* it ran for so long */

/* An alert, or a step, that was sent and not answered. */
struct flight {
        struct flight *next;
        uint64_t id, number, generation;
        uint64_t sent_ns;
        bool told;                      /* without the answer */
        uint32_t step;                  /* a step: there is nothing to tell without it; else 0 */
        char policy[128];
};

enum response_state {
        STATE_STARTING,                 /* it has not said that it is ready */
        STATE_READY,
        STATE_DOWN,                     /* it is not there; `restart` is set */
};

struct response {
        sd_event *loop;                 /* owned reference */
        struct response_sink sink;
        void *userdata;
        struct report *report;          /* borrowed; NULL: not attached yet */
        bool attached;                  /* new alerts come here */
        char *executable;               /* owned */
        struct strbuf setup;            /* the first message, for each start */
        bool enriches_all;
        uint64_t timeout_ns, patience_ns;
        size_t max_flights, n_steps;    /* of these, about steps */

        enum response_state state;
        bool answered;                  /* on_ready() was called */
        int ready;                      /* with this */
        pid_t pid;                      /* 0: not there */
        int fd;                         /* owned */
        uint64_t started_ns, backoff_ns;
        sd_event_source *packets, *late, *restart, *patience;   /* owned */
        struct flight *flights, **flights_end, *untold; /* owned; the oldest first; the first that is not told */
        struct strbuf packet;
        struct response_stats stats;
        struct log_limit limit;
};

bool response_is_needed(const struct program *program, const struct config *config) {
        if (config->scripts.enrich.n > 0)
                return true;
        for (uint32_t i = 0; i < program->n_paths; i++)
                if (program->paths[i].respond.n > 0)
                        return true;
        for (uint32_t i = 0; i < program->n_steps; i++)
                if (program->steps[i].respond.n > 0)
                        return true;
        return false;
}

/* ---- the process ---- */

/* What may wait in the socket, so that a packet of the largest size fits at all. */
static void widen(int fd) {
        static const int bytes = SOCKET_BYTES;

        if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static void disable(sd_event_source *source) {
        if (source)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static void set_timer(sd_event_source *source, uint64_t at_ns) {
        if (sd_event_source_set_time(source, at_ns / NSEC_PER_USEC) < 0 ||
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                log_warning("Cannot set a timer for scripts");
}

static void end_process(struct response *response) {
        siginfo_t info;

        sd_event_source_disable_unref(response->packets);
        response->packets = NULL;
        response->fd = close_fd(response->fd);
        if (response->pid > 0) {
                (void)kill(response->pid, SIGKILL);
                while (waitid(P_PID, (id_t)response->pid, &info, WEXITED) < 0 && errno == EINTR)
                        ;
        }
        response->pid = 0;
        disable(response->patience);
}

static int on_packets(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int start_process(struct response *response) {
        _cleanup_(closep) int theirs = -1;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        response->fd = fds[0];
        theirs = fcntl(fds[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(fds[1]);
        if (theirs < 0)
                return -errno;
        widen(response->fd);
        widen(theirs);

        r = spawn_clean(response->executable, RESPOND_WORKER_NAME, theirs, STDERR_FILENO, &response->pid);
        if (r < 0)
                return r;
        if (send(response->fd, response->setup.data, response->setup.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return -errno;
        r = sd_event_add_io(response->loop, &response->packets, response->fd, EPOLLIN, on_packets, response);
        if (r < 0)
                return r;

        response->state = STATE_STARTING;
        response->started_ns = clock_boottime_ns();
        response->stats.n_starts++;
        set_timer(response->patience, nsec_add(response->started_ns, response->patience_ns));
        return 0;
}

static void call_ready(struct response *response, int r, const char *messages) {
        if (response->answered)
                return;
        response->answered = true;
        response->ready = r;
        if (response->sink.on_ready)
                response->sink.on_ready(r, messages, response->userdata);
}

/* ---- alerts under way ---- */

/* Is there anything that is worth an entry? Steps may be many. */
static bool says_something(const struct alert_response *answer) {
        return answer->state != ALERT_RESPONSE_ANSWERED || answer->n_fields > 0 || answer->n_actions > 0 ||
               answer->n_errors > 0 || answer->n_lines > 0 || answer->has_severity || answer->suppressed;
}

static void tell(struct response *response, struct flight *flight, const struct alert_response *answer) {
        const struct report_told told = {
                .number = flight->number,
                .generation = flight->generation,
                .policy = flight->policy,
                .step = flight->step,
        };

        if (flight->step > 0 && !says_something(answer))
                return;
        if (!flight->told)
                (void)report_release(response->report, flight->id, answer);
        else
                report_answer(response->report, &told, answer);
        flight->told = true;
}

static void set_late(struct response *response) {
        while (response->untold && response->untold->told)
                response->untold = response->untold->next;
        if (response->untold)
                set_timer(response->late, nsec_add(response->untold->sent_ns, response->timeout_ns));
        else
                disable(response->late);
}

/* The process owes an answer to the oldest one. */
static void set_patience(struct response *response) {
        if (response->flights)
                set_timer(response->patience, nsec_add(MAX(response->flights->sent_ns, response->started_ns),
                                                       response->patience_ns));
        else
                disable(response->patience);
}

static void flight_end(struct response *response, struct flight **place) {
        struct flight *flight = *place;

        if (response->untold == flight)
                response->untold = flight->next;
        *place = flight->next;
        if (!*place)
                response->flights_end = place;
        response->stats.n_waiting--;
        response->n_steps -= flight->step > 0;
        free(flight);
}

static void lose_all(struct response *response) {
        const struct alert_response lost = {.state = ALERT_RESPONSE_LOST};

        while (response->flights) {
                response->stats.n_lost += response->flights->step == 0;
                tell(response, response->flights, &lost);
                flight_end(response, &response->flights);
        }
        disable(response->late);
}

/* The process is gone, or should be. */
static void go_down(struct response *response, const char *why) {
        uint64_t now_ns = clock_boottime_ns();
        char text[FORMAT_DURATION_MAX];
        size_t n = response->stats.n_waiting;

        end_process(response);
        response->state = STATE_DOWN;
        lose_all(response);
        if (!response->answered) {
                call_ready(response, -ECHILD, why);
                return;
        }
        if (nsec_sub(now_ns, response->started_ns) >= BACKOFF_FORGOTTEN_NS)
                response->backoff_ns = 0;
        response->backoff_ns = response->backoff_ns == 0
                                     ? BACKOFF_MIN_NS
                                     : MIN(2 * response->backoff_ns, (uint64_t)BACKOFF_MAX_NS);
        format_duration(text, response->backoff_ns);
        log_warning("The process that runs scripts %s; %zu alerts were told without it, and it is started again in %s",
                    why, n, text);
        set_timer(response->restart, nsec_add(now_ns, response->backoff_ns));
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct alert_response late = {.state = ALERT_RESPONSE_LATE};
        struct response *response = userdata;
        uint64_t now_ns = clock_boottime_ns();

        while (response->untold && nsec_add(response->untold->sent_ns, response->timeout_ns) <= now_ns) {
                if (!response->untold->told) {
                        response->stats.n_late++;
                        tell(response, response->untold, &late);
                }
                response->untold = response->untold->next;
        }
        set_late(response);
        return 0;
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        go_down(userdata, "has not answered for longer than scripts.patience and was ended");
        return 0;
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata) {
        struct response *response = userdata;
        int r = start_process(response);

        if (r < 0) {
                log_warning_errno(r, "Cannot start the process that runs scripts: %m");
                go_down(response, "could not be started");
        }
        return 0;
}

static void on_answer(struct response *response, const struct response_message *message) {
        struct flight **place = &response->flights;
        struct alert_response answer;
        uint64_t latency_ns;

        while (*place && (*place)->id != message->id)
                place = &(*place)->next;
        if (!*place || response_parse_answer(*message, &answer) < 0) {
                go_down(response, "has answered what nobody asked and was ended");
                return;
        }
        response->stats.n_answered += (*place)->step == 0;
        response->stats.n_steps_answered += (*place)->step > 0;
        response->stats.n_failed += answer.n_errors > 0;
        latency_ns = nsec_sub(clock_boottime_ns(), (*place)->sent_ns);
        response->stats.latency_max_ns = MAX(response->stats.latency_max_ns, latency_ns);
        response->stats.n_fast += latency_ns <= FAST_NS;
        tell(response, *place, &answer);
        flight_end(response, place);
        set_late(response);
        set_patience(response);
}

static void on_action(struct response *response, struct response_message message) {
        const char *policy = "", *what = "", *outcome = "", *text = "";
        char number[24] = "0", generation[24] = "0", step[24] = "";
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct response_item item;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_POLICY)
                        policy = item.bytes;
                else if (item.tag == RESPONSE_WHAT)
                        what = item.bytes;
                else if (item.tag == RESPONSE_RESULT)
                        outcome = item.bytes;
                else if (item.tag == RESPONSE_TEXT)
                        text = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        snprintf(number, sizeof(number), "%" PRIu64, response_item_u64(&item));
                else if (item.tag == RESPONSE_STEP)
                        snprintf(step, sizeof(step), "%" PRIu64, response_item_u64(&item));
                else if (item.tag == RESPONSE_GENERATION)
                        snprintf(generation, sizeof(generation), "%" PRIu64, response_item_u64(&item));

        response->stats.n_actions++;
        strbuf_put_text(&b, policy, strlen(policy));
        if (step[0])
                strbuf_printf(&b, " step %s: ", step);
        else
                strbuf_printf(&b, " #%s: ", number);
        strbuf_put_text(&b, what, strlen(what));
        strbuf_put(&b, ": ");
        strbuf_put_text(&b, outcome, strlen(outcome));
        strbuf_put(&b, ": ");
        strbuf_put_text(&b, text, strlen(text));
        if (!response->report ||
            report_notice(response->report, MESSAGE_ID_ACTION, LOG_NOTICE, strbuf_str(&b),
                          (const struct report_field[]){{"EXECRAY_POLICY", policy},
                                                        {"EXECRAY_NUMBER", number},
                                                        {"EXECRAY_GENERATION", generation},
                                                        {"EXECRAY_ACTION", what},
                                                        {"EXECRAY_OUTCOME", outcome},
                                                        {"EXECRAY_STEP", step}},
                          step[0] ? 6 : 5) <= 0)
                log_notice("%s", strbuf_str(&b));
}

static void on_list(struct response *response, struct response_message message) {
        const char *list = NULL, *value = NULL;
        struct response_item item;
        uint64_t until_ns = 0;

        while (response_message_next(&message, &item))
                if (item.tag == RESPONSE_NAME)
                        list = item.bytes;
                else if (item.tag == RESPONSE_TEXT)
                        value = item.bytes;
                else if (item.tag == RESPONSE_NUMBER)
                        until_ns = response_item_u64(&item);
        if (response->sink.on_list)
                response->sink.on_list(value ? list : NULL, value, until_ns, response->userdata);
}

/* The texts of a message, one after the other. */
static void put_texts(struct response_message message, struct strbuf *b) {
        struct response_item item;

        while (response_message_next(&message, &item)) {
                const char *line = item.bytes;

                if (item.tag != RESPONSE_TEXT)
                        continue;
                for (size_t n; *line; line += n + (line[n] == '\n')) {
                        if (*line == '\t') {
                                strbuf_put(b, "        ");
                                line++;
                        }
                        n = strcspn(line, "\n");
                        strbuf_put_text(b, line, n);
                        strbuf_put_char(b, '\n');
                }
        }
}

static void on_message(struct response *response, const struct response_message *message) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        switch (message->type) {
        case RESPONSE_READY:
                if (response->state != STATE_STARTING)
                        break;
                put_texts(*message, &text);
                response->state = STATE_READY;
                disable(response->patience);
                call_ready(response, 0, strbuf_str(&text));
                return;
        case RESPONSE_REFUSED:
                put_texts(*message, &text);
                if (response->answered)
                        log_warning("Scripts have changed and are wrong now: %s", strbuf_str(&text));
                end_process(response);
                response->state = STATE_DOWN;
                if (response->answered)
                        set_timer(response->restart, nsec_add(clock_boottime_ns(), BACKOFF_MAX_NS));
                call_ready(response, -EBADMSG, strbuf_str(&text));
                return;
        case RESPONSE_ANSWER:
                if (response->state != STATE_READY)
                        break;
                on_answer(response, message);
                return;
        case RESPONSE_ACTION:
                on_action(response, *message);
                return;
        case RESPONSE_NOTICE:
                put_texts(*message, &text);
                if (text.n > 0)
                        strbuf_truncate(&text, text.n - 1);
                log_notice("Scripts: %s", strbuf_str(&text));
                snprintf(response->stats.notice, sizeof(response->stats.notice), "%s", strbuf_str(&text));
                return;
        case RESPONSE_LIST:
                on_list(response, *message);
                return;
        case RESPONSE_SETUP:
        case RESPONSE_ALERT:
        case _RESPONSE_TYPE_MAX:
                break;
        }
        go_down(response, "says what makes no sense and was ended");
}

/* False: no packet waits, or the process has ended. */
static bool take_packet(struct response *response) {
        static uint64_t memory[RESPONSE_MESSAGE_MAX / sizeof(uint64_t)];
        struct response_message message;
        ssize_t n = recv(response->fd, memory, sizeof(memory), MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0) {
                go_down(response, "has ended");
                return false;
        }
        if ((size_t)n > sizeof(memory) || response_message_open(memory, (size_t)n, &message) < 0) {
                go_down(response, "says what makes no sense and was ended");
                return false;
        }
        on_message(response, &message);
        return response->fd >= 0;
}

static int on_packets(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct response *response = userdata;

        for (int i = 0; i < MAX_PACKETS && take_packet(response); i++)
                ;
        return 0;
}

/* ---- for the report ---- */

static bool wants(const struct match *match, void *userdata) {
        const struct response *response = userdata;

        return response->enriches_all || match->path->respond.n > 0;
}

/* Asked before anything is put into words: an attacker may make many steps. */
static bool wants_step(const struct match *match, void *userdata) {
        struct response *response = userdata;

        if (response->state == STATE_READY && response->stats.n_waiting < response->max_flights &&
            response->n_steps < (response->max_flights + 1) / 2)
                return true;
        response->stats.n_steps_left++;
        log_limited(&response->limit, LOG_WARNING, 0, "Scripts are not asked about a step: %s",
                    response->state == STATE_READY ? "too many wait (scripts.queue)" : "their process is not there");
        return false;
}

static struct flight *flight_new(uint64_t id, const struct match *match) {
        struct flight *flight = calloc(1, sizeof(*flight));

        if (!flight)
                return NULL;
        flight->id = id;
        flight->number = match->number;
        if (match->taken) {
                flight->step = match->taken->number;
                flight->told = true;
        }
        flight->generation = match->program->header->generation;
        flight->sent_ns = clock_boottime_ns();
        snprintf(flight->policy, sizeof(flight->policy), "%.*s", (int)match->path->name.length,
                 program_text(match->program, match->path->name));
        return flight;
}

static void put_alert(struct response *response, const struct flight *flight, const struct match *match,
                      const struct alert *alert, const char *json, size_t n) {
        const struct program_range responders = match->taken ? match->taken->respond : match->path->respond;
        char texts[RESPONSE_MAX_RESPONDERS][SCRIPT_MAX_NAME + PROGRAM_MAX_SLOTS + 1];
        struct script_process processes[MAX_PROCESSES];
        struct response_alert out = {
                .policy = flight->policy,
                .number = flight->number,
                .generation = flight->generation,
                .step = flight->step,
                .json = json,
                .n_json = n,
                .processes = processes,
        };

        for (uint32_t i = 0; i < responders.n && i < RESPONSE_MAX_RESPONDERS; i++) {
                struct program_string text = match->program->texts[responders.first + i];

                snprintf(texts[i], sizeof(texts[i]), "%.*s", (int)text.length, program_text(match->program, text));
                out.responders[out.n_responders++] = texts[i];
        }
        out.n_processes = MIN(response_processes(alert, processes, ELEMENTSOF(processes)), ELEMENTSOF(processes));
        response_put_alert(flight->id, &out, &response->packet);
}

static int ask(uint64_t id, const struct match *match, const struct alert *alert, const char *json, size_t n,
               void *userdata) {
        struct response *response = userdata;
        struct flight *flight;
        ssize_t sent;

        if (response->state != STATE_READY) {
                response->stats.n_down++;
                return ALERT_RESPONSE_DOWN;
        }
        flight = response->stats.n_waiting < response->max_flights ? flight_new(id, match) : NULL;
        if (!flight) {
                response->stats.n_full++;
                log_limited(&response->limit, LOG_WARNING, 0, "Too many alerts wait for scripts (scripts.queue)");
                return ALERT_RESPONSE_FULL;
        }

        put_alert(response, flight, match, alert, json, n);
        sent = response->packet.error < 0 ? -1
                                          : send(response->fd, response->packet.data, response->packet.n,
                                                 MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
                bool full = response->packet.error >= 0 && errno != EMSGSIZE;

                free(flight);
                if (match->taken)
                        response->stats.n_steps_left++;
                else if (full)
                        response->stats.n_full++;
                else
                        response->stats.n_large++;
                return full ? ALERT_RESPONSE_FULL : ALERT_RESPONSE_LARGE;
        }

        response->stats.n_asked += flight->step == 0;
        response->stats.n_steps_asked += flight->step > 0;
        response->n_steps += flight->step > 0;
        response->stats.n_waiting++;
        *response->flights_end = flight;
        response->flights_end = &flight->next;
        if (!response->untold && !flight->told) {
                response->untold = flight;
                set_late(response);
        }
        if (response->flights == flight)
                set_patience(response);
        return 0;
}

void response_attach(struct response *response, struct report *report) {
        const struct report_hold hold = {
                .wants = wants, .ask = ask, .wants_step = wants_step, .userdata = response};

        response->report = report;
        response->attached = true;
        report_set_hold(report, &hold);
}

void response_detach(struct response *response) {
        response->attached = false;
}

bool response_is_idle(const struct response *response) {
        return !response->flights;
}

/* ---- the whole ---- */

struct names {
        char items[MAX_WANTED][SCRIPT_MAX_NAME + 1];
        size_t n;
};

static void add_names(struct names *names, const struct program *program, struct program_range texts) {
        for (uint32_t k = 0; k < texts.n && names->n < MAX_WANTED; k++) {
                struct program_string text = program->texts[texts.first + k];
                const char *bytes = program_text(program, text);
                size_t length = 0, i;

                while (length < text.length && length < SCRIPT_MAX_NAME && bytes[length] != ' ')
                        length++;
                snprintf(names->items[names->n], sizeof(*names->items), "%.*s", (int)length, bytes);
                for (i = 0; i < names->n && !streq(names->items[i], names->items[names->n]); i++)
                        ;
                names->n += i == names->n;
        }
}

/* Whom policies name, each once. */
static void put_responders(struct response *response, const struct program *program) {
        struct names names = {};

        for (uint32_t i = 0; i < program->n_paths; i++)
                add_names(&names, program, program->paths[i].respond);
        for (uint32_t i = 0; i < program->n_steps; i++)
                add_names(&names, program, program->steps[i].respond);
        for (size_t i = 0; i < names.n; i++)
                response_message_put_text(&response->setup, RESPONSE_RESPONDER, 0, names.items[i]);
}

static void put_setup(struct response *response, const struct response_options *options) {
        _cleanup_(strbuf_done) struct strbuf yaml = {};

        config_dump(options->config, &yaml);
        response_message_begin(&response->setup, RESPONSE_SETUP, 0);
        response_message_put(&response->setup, RESPONSE_CONFIG, 0, strbuf_str(&yaml), yaml.n);
        response_message_put_u64(&response->setup, RESPONSE_NUMBER, (uint64_t)getpid());
        for (size_t i = 0; i < options->n_places; i++)
                response_message_put_text(&response->setup, RESPONSE_PLACE, 0, options->places[i]);
        if (options->program)
                put_responders(response, options->program);
        response_message_end(&response->setup);
}

static int add_timer(struct response *response, sd_event_time_handler_t handler, sd_event_source **ret) {
        int r = sd_event_add_time(response->loop, ret, CLOCK_BOOTTIME, UINT64_MAX, 1, handler, response);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int response_new(const struct response_options *options, const struct response_sink *sink, void *userdata,
                 struct response **ret) {
        _cleanup_(response_freep) struct response *response = NULL;
        int r;

        assert(options && options->config && options->loop && ret);

        response = calloc(1, sizeof(*response));
        if (!response)
                return -ENOMEM;
        response->fd = -1;
        response->flights_end = &response->flights;
        response->loop = sd_event_ref(options->loop);
        response->sink = sink ? *sink : (struct response_sink){};
        response->userdata = userdata;
        response->enriches_all = options->config->scripts.enrich.n > 0;
        response->timeout_ns = options->config->scripts.enrich_timeout_ns;
        response->patience_ns = options->config->scripts.patience_ns;
        response->max_flights = options->config->scripts.queue;
        response->limit = (struct log_limit)LOG_ONCE_A_MINUTE;
        if (options->executable) {
                response->executable = strdup(options->executable);
                if (!response->executable)
                        return -ENOMEM;
        }

        put_setup(response, options);
        r = response->setup.error;
        if (r >= 0)
                r = add_timer(response, on_late, &response->late);
        if (r >= 0)
                r = add_timer(response, on_restart, &response->restart);
        if (r >= 0)
                r = add_timer(response, on_patience, &response->patience);
        if (r >= 0)
                r = start_process(response);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(response);
        return 0;
}

struct response *response_free(struct response *response) {
        if (!response)
                return NULL;
        end_process(response);
        lose_all(response);
        if (response->attached)
                report_set_hold(response->report, NULL);
        sd_event_source_disable_unref(response->late);
        sd_event_source_disable_unref(response->restart);
        sd_event_source_disable_unref(response->patience);
        sd_event_unref(response->loop);
        strbuf_done(&response->setup);
        strbuf_done(&response->packet);
        free(response->executable);
        free(response);
        return NULL;
}

int response_wait(struct response *response) {
        uint64_t end_ns = nsec_add(clock_boottime_ns(), response->patience_ns);

        while (!response->answered) {
                struct pollfd fd = {.fd = response->fd, .events = POLLIN};
                uint64_t left_ns = nsec_sub(end_ns, clock_boottime_ns());
                int r = poll(&fd, 1, (int)MIN(left_ns / NSEC_PER_MSEC, (uint64_t)INT32_MAX));

                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r == 0)
                        go_down(response, "did not begin within scripts.patience and was ended");
                else if (r > 0)
                        (void)take_packet(response);
        }
        return response->ready;
}

void response_drain(struct response *response) {
        while (response->untold && response->fd >= 0) {
                uint64_t end_ns = nsec_add(response->untold->sent_ns, response->timeout_ns);
                struct pollfd fd = {.fd = response->fd, .events = POLLIN};
                uint64_t left_ns = nsec_sub(end_ns, clock_boottime_ns());
                int r = poll(&fd, 1, (int)MIN((left_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, (uint64_t)INT32_MAX));

                if (r < 0 && errno != EINTR)
                        return;
                if (r == 0)
                        (void)on_late(NULL, 0, response);
                else if (r > 0)
                        (void)take_packet(response);
        }
}

void response_stats(const struct response *response, struct response_stats *ret) {
        *ret = response->stats;
        ret->pid = response->pid;
}

void response_put(const struct response_stats *s, struct strbuf *b) {
        char text[FORMAT_DURATION_MAX];

        format_duration(text, s->latency_max_ns);
        strbuf_printf(b,
                      "scripts: %" PRIu64 " alerts asked, %" PRIu64 " answered (%" PRIu64
                      " within 5 ms, slowest %s), %" PRIu64 " with errors, %" PRIu64 " actions; told without: %" PRIu64
                      " late, %" PRIu64 " lost, %" PRIu64 " full, %" PRIu64 " down, %" PRIu64 " large; %" PRIu64
                      " starts\n",
                      s->n_asked, s->n_answered, s->n_fast, text, s->n_failed, s->n_actions, s->n_late, s->n_lost,
                      s->n_full, s->n_down, s->n_large, s->n_starts);
        if (s->n_steps_asked + s->n_steps_left > 0)
                strbuf_printf(b,
                              "scripts: %" PRIu64 " steps asked about, %" PRIu64 " answered, %" PRIu64
                              " left out\n",
                              s->n_steps_asked, s->n_steps_answered, s->n_steps_left);
}

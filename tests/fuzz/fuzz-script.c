/* SPDX-License-Identifier: Apache-2.0 */

/* Any text as a script, alone and as the body of a responder, asked about a fixed alert with a small budget; what
 * stands behind a NUL is the alert in place of that one. It is refused with a text, or each of its functions ends
 * within its budget, keeps to its memory, and the daemon can read the answer and print it. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "action/action.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "response/response-packets.h"
#include "script/script.h"

#define MEMORY_BYTES (1U << 20)
#define INSTRUCTIONS 20000
#define CPU_MAX_S 4                     /* for all of it, with sanitizers; a budget is a few milliseconds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char sample[] =
        "{\"type\":\"alert\",\"number\":7,\"generation\":3,\"time\":1700000000.25,\"policy\":\"sample\",\"severity\":"
        "\"high\","
        "\"process\":{\"pid\":4000000,\"name\":\"sh\",\"exe\":\"/bin/sh\",\"args\":\"sh -c id\",\"uid\":0},"
        "\"ancestors\":[{\"pid\":4000001,\"name\":\"nginx\"},{\"pid\":1,\"name\":\"systemd\"}],"
        "\"captures\":{\"shell\":4000000,\"file\":\"/tmp/x\"},"
        "\"steps\":[{\"number\":1,\"kind\":\"execve\",\"fields\":{\"pathname\":\"/bin/"
        "sh\"},\"process\":{\"pid\":4000000}},"
        "{\"number\":2,\"kind\":\"connect\",\"fields\":{\"daddr\":\"192.0.2.1\",\"dport\":443},\"process\":{\"pid\":"
        "4000000}}]}";

static const struct script_limits limits = {
        .memory_bytes = MEMORY_BYTES,
        .instructions = INSTRUCTIONS,
        .time_ns = 200 * NSEC_PER_MSEC,
        .data_bytes = 64U << 10,
};

/* Takes every action for one that would be done; its arguments are read to the end. */
static int act(const char *kind, const struct action_input *inputs, size_t n, struct strbuf *what,
               struct strbuf *result, void *userdata) {
        _cleanup_(action_freep) struct action *action = NULL;
        int r = action_new(kind, inputs, n, result, &action);

        if (r < 0)
                return r;
        action_put(action, what);
        strbuf_put(result, "as you wish");
        return SCRIPT_ACTION_DRY;
}

static bool listed(const char *list, const char *value, void *userdata) {
        return strlen(list) < strlen(value);
}

static double cpu_s(void) {
        struct timespec t;

        assert(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As it would travel to the daemon, and be told. */
static void check_answer(const struct script_answer *answer) {
        struct strbuf packet = {}, text = {};
        struct response_message message;
        struct alert_response response;
        uint64_t *copy;

        assert(answer->n_fields <= SCRIPT_ANSWER_MAX_FIELDS && answer->n_actions <= SCRIPT_ANSWER_MAX_ACTIONS);
        assert(answer->n_errors <= SCRIPT_ANSWER_MAX_ERRORS && answer->n_lines <= SCRIPT_ANSWER_MAX_LINES);
        response_put_answer(77, answer, &packet);
        assert(packet.error == 0 && packet.n <= RESPONSE_MESSAGE_MAX);
        copy = malloc(packet.n);
        memcpy(copy, packet.data, packet.n);
        assert(response_message_open(copy, packet.n, &message) == 0 && message.id == 77);
        assert(response_parse_answer(message, &response) == 0);
        alert_response_put_json(&response, &text);
        assert(text.error == 0 && utf8_is_valid(text.data, text.n));
        strbuf_clear(&text);
        alert_response_put_text(&response, &text);
        assert(text.n == 0 || utf8_is_valid(text.data, text.n));
        strbuf_done(&text);
        strbuf_done(&packet);
        free(copy);
}

static void ask(struct script *script, const struct script_value *alert) {
        const struct script_ops ops = {.act = act, .listed = listed};
        struct script_answer answer = {};
        struct script_stats stats;
        enum script_kind kind;
        const char *name;

        for (size_t i = 0; i < 4 && script_function_at(script, i, &name, &kind); i++) {
                enum script_end end = script_run(script, name, i % 2 ? "$shell" : NULL, alert, &ops,
                                                 clock_boottime_ns(), &answer);

                assert(script_end_to_string(end) && end != SCRIPT_UNKNOWN);
                assert((end == SCRIPT_FINE) == (answer.n_errors == 0) || answer.n_left_out > 0);
                script_stats(script, &stats);
                assert(stats.memory_peak <= MEMORY_BYTES);
                check_answer(&answer);
                script_answer_clear(&answer);
        }
        script_answer_done(&answer);
}

static void try(const char *text, size_t n, const struct script_value *alert) {
        struct script *script = NULL;
        struct strbuf message = {};
        int r = script_load("input.lua", text, n, &limits, true, &message, &script);

        assert(r == 0 || (r == -EBADMSG && message.n > 0));
        if (r == 0)
                ask(script, alert);
        script_free(script);
        strbuf_done(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const char begin[] = "responder(\"r\", function(alert)\n", end[] = "\nend)\n";
        const uint8_t *behind = n > 0 ? memchr(data, 0, n) : NULL;
        size_t n_text = behind ? (size_t)(behind - data) : n;
        struct script_value *alert = NULL;
        const char *why = NULL;
        struct strbuf body = {};
        double begun = cpu_s();

        if (!behind ||
            script_value_parse((const char *)behind + 1, n - n_text - 1, &alert, &why) < 0)
                assert(script_value_parse(sample, strlen(sample), &alert, &why) == 0);
        try((const char *)data, n_text, alert);
        strbuf_put(&body, begin);
        strbuf_put_n(&body, (const char *)data, n_text);
        strbuf_put(&body, end);
        try(body.data, body.n, alert);
        assert(cpu_s() - begun < CPU_MAX_S);
        strbuf_done(&body);
        script_value_free(alert);
        return 0;
}

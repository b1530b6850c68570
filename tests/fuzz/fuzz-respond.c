/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a packet to the process that runs scripts: refused, or if it is an alert, scripts that look at all of it
 * are asked as the process asks them, and whatever they make of it is an answer that the daemon can read. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "config/config.h"
#include "response/respond-actions.h"
#include "response/respond-worker.h"
#include "response/response-packets.h"
#include "script/script-set.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char script[] =
        "local function walk(value, depth)\n"
        "    if type(value) ~= 'table' then return tostring(value) end\n"
        "    local all = ''\n"
        "    for k, v in pairs(value) do\n"
        "        all = all .. tostring(k) .. '=' .. (depth < 6 and walk(v, depth + 1) or '') .. ' '\n"
        "    end\n"
        "    return string.sub(all, 1, 400)\n"
        "end\n"
        "enricher('walk', function(alert)\n"
        "    execray.field('all', walk(alert, 0))\n"
        "    for i, p in ipairs(alert.ancestors or {}) do execray.field('p' .. i, p.name) end\n"
        "end)\n"
        "responder('act', function(alert)\n"
        "    execray.log(alert.target, alert.policy, execray.json(alert.policy))\n"
        "    execray.severity(alert.severity)\n"
        "    execray.action('signal', {process = alert.target, signal = 'TERM'})\n"
        "    execray.action('list_add', {list = 'bad', value = alert.steps[1].fields.daddr})\n"
        "    execray.action('quarantine', {path = alert.process.exe, device = alert.process.exe_device})\n"
        "end)\n";

static struct script_set *set;
static struct config config;

static void begin(void) {
        const struct script_set_options options = {
                .limits = {.memory_bytes = 1U << 20,
                           .instructions = 50000,
                           .time_ns = 500 * NSEC_PER_MSEC,
                           .data_bytes = 1U << 20},
                .trust_any_owner = true,
        };
        const char *path = scratch_path("walk.lua");
        struct strbuf messages = {};
        struct diag_set diags;

        close(scratch_file(path, script, strlen(script)));
        assert(script_set_load(&path, 1, &options, &messages, &set) == 0);
        strbuf_done(&messages);
        diag_set_init(&diags, 0);
        assert(config_parse("configuration", "scripts: {enrich: [walk]}\n", 26, &diags, &config) == 0);
        diag_set_done(&diags);
}

static void check_answer(const struct script_answer *answer) {
        struct strbuf packet = {}, text = {};
        struct response_message message;
        struct alert_response response;
        uint64_t *copy;

        response_put_answer(77, answer, &packet);
        assert(packet.error == 0 && packet.n <= RESPONSE_MESSAGE_MAX);
        copy = malloc(packet.n);
        memcpy(copy, packet.data, packet.n);
        assert(response_message_open(copy, packet.n, &message) == 0);
        assert(response_parse_answer(message, &response) == 0);
        alert_response_put_json(&response, &text);
        assert(text.error == 0 && utf8_is_valid(text.data, text.n));
        strbuf_done(&text);
        strbuf_done(&packet);
        free(copy);
}

static void look_at(struct response_message message) {
        struct respond_actions actions = {};    /* nothing is done */
        struct script_answer answer = {};
        struct script_value *value = NULL;
        struct response_alert alert;
        const char *why = "";

        if (response_parse_alert(message, &alert) < 0)
                return;
        if (script_value_parse(alert.json, alert.n_json, &value, &why) == 0 &&
            script_value_set_processes(value, alert.processes, alert.n_processes) == 0) {
                respond_to_alert(set, &config, &alert, value, &actions, &answer);
                check_answer(&answer);
        }
        script_answer_done(&answer);
        script_value_free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct response_message message;
        uint64_t *copy;

        if (!set)
                begin();
        copy = malloc(n + 8);
        memcpy(copy, data, n);
        if (response_message_open(copy, n, &message) == 0 && message.type == RESPONSE_ALERT)
                look_at(message);
        free(copy);
        return 0;
}

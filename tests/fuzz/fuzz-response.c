/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a packet between the daemon and the process that runs scripts: refused, or every item in it lies within
 * the packet and every text in it ends; an alert in it is read as the script's side does it, an answer as the daemon
 * does, and what is printed of that is valid. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "response/response-packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at_alert(struct response_message message) {
        struct script_value *value = NULL;
        struct response_alert alert;
        const char *why = NULL;
        int r;

        if (response_parse_alert(message, &alert) < 0)
                return;
        r = script_value_parse(alert.json, alert.n_json, &value, &why);
        assert(r == 0 || (r == -EBADMSG && why));
        if (r == 0)
                assert(script_value_set_processes(value, alert.processes, alert.n_processes) == 0);
        script_value_free(value);
}

static void look_at_answer(struct response_message message) {
        struct alert_response response;
        struct strbuf b = {};

        if (response_parse_answer(message, &response) < 0)
                return;
        alert_response_put_json(&response, &b);
        assert(b.error == 0 && utf8_is_valid(b.data, b.n));
        strbuf_clear(&b);
        alert_response_put_text(&response, &b);
        assert(b.n == 0 || utf8_is_valid(b.data, b.n));
        strbuf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct response_message message, walk;
        struct response_item item;
        uint64_t *copy = malloc(n + 8);

        memcpy(copy, data, n);
        if (response_message_open(copy, n, &message) == 0) {
                walk = message;
                while (response_message_next(&walk, &item)) {
                        assert(item.bytes >= (char *)copy && item.bytes + item.length <= (char *)copy + n);
                        if (item.tag < RESPONSE_PROCESSES)
                                assert(strlen(item.bytes) == item.length);
                }
                look_at_alert(message);
                look_at_answer(message);
        }
        free(copy);
        return 0;
}

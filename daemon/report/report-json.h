/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report JSON - an alert as one JSON object on one line; docs/ALERTS.md says what each key means.
 *
 * Strict JSON in valid UTF-8 whatever the bytes were: a byte that is not part of UTF-8 becomes the four characters \xNN
 * (in the JSON text "\\xff"), a control character \u00NN. Unknown is null, a value that is only a prefix is named in
 * `cut`. The order of the keys is fixed, so the same alert is the same line. Pure. */

#include "report/alert-event.h"
#include "report/alert.h"

struct report_told;
struct strbuf;

/* With the newline at the end. */
void report_json_alert(const struct alert *alert, struct strbuf *b);

/* What scripts said of an alert that was told before, or of a step. With the newline at the end. */
void report_json_response(const struct report_told *told, const struct alert_response *response, struct strbuf *b);

/* One event, as `trace` tells it. With the newline at the end. */
void report_json_event(const struct alert_event *event, struct strbuf *b);

/* Something could not be seen as it was. `count` of them since the last notice of the same policy and reason. */
void report_json_obscured(enum wire_reason reason, const char *policy, const char *key, uint64_t count,
                          uint64_t time_ns, struct strbuf *b);

/* "evicted", "limit", ...: the word for it in every form. */
const char *report_reason_to_string(enum wire_reason reason);

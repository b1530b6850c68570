/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/pace.h"

#include "base/macro.h"

void pace_init(struct pace *pace, uint64_t latency_ns, bool urgent, bool patient) {
        *pace = (struct pace){.calls_ns = NSEC_PER_SEC};
        pace_set(pace, latency_ns, urgent, patient, false);
}

void pace_set(struct pace *pace, uint64_t latency_ns, bool urgent, bool patient, bool each) {
        uint64_t patience_ns = MIN(PACE_PATIENCE * latency_ns, PACE_PATIENCE_NS);

        pace->latency_ns = latency_ns;
        pace->patience_ns = urgent && patient && patience_ns > latency_ns ? patience_ns : 0;
        pace->call_ns = MIN(PACE_LOOKS_PER_CALL * latency_ns, PACE_CALL_NS);
        pace->urgent = urgent;
        pace->each = each;
}

void pace_called(struct pace *pace) {
        if (pace->wait == WIRE_WAIT_URGENT || pace->wait == WIRE_WAIT_SOON)
                pace->calls_ns -= MIN(pace->calls_ns, pace->call_ns);
}

enum wire_wait pace_next(struct pace *pace, size_t n, bool empty, uint64_t now_ns, uint64_t *ret_ns) {
        bool rare = n <= 1 && now_ns - pace->read_ns >= 2 * pace->latency_ns;

        pace->calls_ns = MIN(pace->calls_ns + (now_ns - pace->filled_ns), NSEC_PER_SEC);
        pace->filled_ns = now_ns;
        if (n > 0)
                pace->read_ns = now_ns;

        if (empty && (n == 0 || rare || pace->each)) {
                *ret_ns = UINT64_MAX;
                pace->wait = WIRE_WAIT_ANY;
        } else if (empty && pace->patience_ns > 0 && pace->calls_ns >= NSEC_PER_SEC / 2) {
                *ret_ns = now_ns + pace->patience_ns;
                pace->wait = WIRE_WAIT_SOON;
        } else {
                *ret_ns = now_ns + pace->latency_ns;
                pace->wait = pace->urgent && pace->calls_ns >= pace->call_ns ? WIRE_WAIT_URGENT : WIRE_WAIT_AMOUNT;
        }
        return pace->wait;
}

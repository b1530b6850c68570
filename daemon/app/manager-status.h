/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager status - is it well? Looked at every ten seconds, and asked for by `execrayctl status` and the bus. What was
 * missed counts against it for ten minutes; what is wrong now as long as it is. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct manager;
struct strbuf;

enum health {
        HEALTH_HEALTHY,
        HEALTH_DEGRADED,                /* it watches; something was missed, or is not as it should be */
        HEALTH_FAILING,                 /* alerts do not get out */
};

/* What can be wrong: the list of health.def, in its order. */
enum health_reason {
#define HEALTH_REASON(id, health, lasting, name, doc) HEALTH_REASON_##id,
#include "app/health.def"
        _HEALTH_REASON_MAX,
};

struct manager_health {
        enum health state;
        uint64_t reasons;               /* bit per enum health_reason */
        uint64_t counts[_HEALTH_REASON_MAX];    /* at the last look: what counts against it when it grows */
        uint64_t grown[_HEALTH_REASON_MAX];     /* by how much it did, since when it was last well */
        uint64_t last_ns[_HEALTH_REASON_MAX];   /* when last */
        sd_event_source *timer;         /* owned */
};

int manager_health_init(struct manager *manager);
void manager_health_done(struct manager *manager);

/* Look now. */
void manager_health_look(struct manager *manager);

const char *health_to_string(enum health health);

/* Everything, for people and for programs; looks first. Returns the health. */
const char *manager_status_put(struct manager *manager, struct strbuf *text, struct strbuf *json);

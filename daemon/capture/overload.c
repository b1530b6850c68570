/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/overload.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"

#define DEFAULT_SHED_MEDIUM 75          /* % of the ring */
#define DEFAULT_SHED_LOW 60
#define DEFAULT_HYSTERESIS 20
#define SAY_INTERVAL_NS NSEC_PER_MIN

const char *overload_priority_name(enum wire_priority priority) {
        switch (priority) {
        case WIRE_PRIORITY_MEDIUM: return "medium";
        case WIRE_PRIORITY_LOW: return "low";
        case WIRE_PRIORITY_HIGH: return "high";
        }
        return NULL;
}

/* A bucket that holds `burst` is one in which all but the last may be taken ahead of time. */
static void bucket_of(uint64_t rate, uint64_t burst, __u64 *ret_interval_ns, __u64 *ret_ahead_ns) {
        *ret_interval_ns = rate > 0 ? MAX(NSEC_PER_SEC / rate, UINT64_C(1)) : 0;
        *ret_ahead_ns = burst > 1 ? (burst - 1) * *ret_interval_ns : 0;
}

void overload_plan(const struct capture_overload *overload, size_t ring_bytes,
                        struct wire_overload ret[static WIRE_N_GOVERNED]) {
        static const uint64_t shed_defaults[WIRE_N_GOVERNED] = {DEFAULT_SHED_MEDIUM, DEFAULT_SHED_LOW};

        for (int i = 0; i < WIRE_N_GOVERNED; i++) {
                const struct capture_limits *limits = &overload->limits[i];
                uint64_t shed = limits->shed ?: shed_defaults[i];
                uint64_t below = MIN(overload->hysteresis ?: DEFAULT_HYSTERESIS, shed);

                ret[i] = (struct wire_overload){
                        .sample = MIN(limits->sample, (uint64_t)UINT32_MAX),
                        .limited = limits->rate > 0 || limits->process_rate > 0,
                        .shed_bytes = shed < 100 ? ring_bytes / 100 * shed : 0,
                        .resume_bytes = ring_bytes / 100 * (shed - below),
                };
                bucket_of(limits->rate, limits->burst, &ret[i].interval_ns, &ret[i].ahead_ns);
                bucket_of(limits->process_rate, limits->process_burst, &ret[i].process_interval_ns,
                          &ret[i].process_ahead_ns);
        }
}

#define STORE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)

void overload_store(const struct capture_overload *overload, size_t ring_bytes,
                    struct wire_overload overloads[static WIRE_N_GOVERNED]) {
        struct wire_overload wanted[WIRE_N_GOVERNED];

        overload_plan(overload, ring_bytes, wanted);
        for (int i = 0; i < WIRE_N_GOVERNED; i++) {
                STORE(overloads[i].sample, wanted[i].sample);
                STORE(overloads[i].interval_ns, wanted[i].interval_ns);
                STORE(overloads[i].ahead_ns, wanted[i].ahead_ns);
                STORE(overloads[i].process_interval_ns, wanted[i].process_interval_ns);
                STORE(overloads[i].process_ahead_ns, wanted[i].process_ahead_ns);
                STORE(overloads[i].limited, wanted[i].limited);
                STORE(overloads[i].resume_bytes, wanted[i].resume_bytes);
                STORE(overloads[i].shed_bytes, wanted[i].shed_bytes);
        }
}

void overload_look(struct overload_watch watches[static WIRE_N_GOVERNED], struct wire_overload *overloads,
                   size_t ring_bytes, size_t pending, uint64_t now_ns,
                   void (*counts)(void *userdata, enum wire_priority priority, uint64_t *ret_produced,
                                  uint64_t *ret_shed),
                   void *userdata) {
        for (int i = 0; i < WIRE_N_GOVERNED; i++) {
                struct overload_watch *watch = &watches[i];
                uint32_t n_sheds = __atomic_load_n(&overloads[i].n_sheds, __ATOMIC_ACQUIRE);
                const char *name = overload_priority_name((enum wire_priority)i);
                uint64_t produced, shed;

                if (likely(!watch->said && (uint32_t)watch->n_sheds == n_sheds))
                        continue;

                /* The programs see the lower mark at their next event; there may be none. */
                if (pending <= overloads[i].resume_bytes)
                        STORE(overloads[i].shedding, 0);

                if (!watch->said && (watch->said_ns == 0 || now_ns - watch->said_ns >= SAY_INTERVAL_NS)) {
                        watch->said = true;
                        watch->said_ns = now_ns;
                        log_warning("The ring is filling (%zu %% at this moment): no events of %s priority are told "
                                    "until it holds less (overload.shed_%s)",
                                    pending / MAX(ring_bytes / 100, (size_t)1), name, name);
                }
                if (!watch->said || __atomic_load_n(&overloads[i].shedding, __ATOMIC_ACQUIRE))
                        continue;

                counts(userdata, (enum wire_priority)i, &produced, &shed);
                log_notice("Events of %s priority are told again: %" PRIu64 " of %" PRIu64 " (%.1f %%) were left out, "
                           "in %" PRIu32 " times",
                           name, shed - watch->shed, produced - watch->produced,
                           100.0 * (double)(shed - watch->shed) / (double)MAX(produced - watch->produced, UINT64_C(1)),
                           n_sheds - (uint32_t)watch->n_sheds);
                *watch = (struct overload_watch){
                        .said_ns = watch->said_ns, .n_sheds = n_sheds, .produced = produced, .shed = shed};
        }
}

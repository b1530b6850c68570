/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/capture-settings.h"

void capture_settings_overload(const struct config *config, struct capture_overload *ret) {
        const struct config_overload *overload = &config->overload;

#define LIMITS(priority)                                                                                               \
        {                                                                                                              \
                .sample = overload->sample_##priority,                                                                 \
                .rate = overload->rate_##priority,                                                                     \
                .burst = overload->burst_##priority,                                                                   \
                .process_rate = overload->process_rate_##priority,                                                     \
                .process_burst = overload->process_burst_##priority,                                                   \
                .shed = overload->shed_##priority,                                                                     \
        }
        *ret = (struct capture_overload){
                .limits = {[WIRE_PRIORITY_MEDIUM] = LIMITS(medium), [WIRE_PRIORITY_LOW] = LIMITS(low)},
                .hysteresis = overload->hysteresis,
        };
#undef LIMITS
}

void capture_settings_options(const struct config *config, struct capture_options *ret) {
        _Static_assert(CAPTURE_COMPAT_ALWAYS == (int)CONFIG_COMPAT_ALWAYS &&
                               CAPTURE_COMPAT_OFF == (int)CONFIG_COMPAT_OFF &&
                               CAPTURE_TIER_FENTRY == (int)CONFIG_BACKEND_FENTRY &&
                               CAPTURE_TIER_TRACEPOINT == (int)CONFIG_BACKEND_TRACEPOINT,
                       "the same words");
        *ret = (struct capture_options){
                .ring_bytes = config->capture.ring_size_bytes,
                .max_ring_bytes = config->capture.ring_size_max_bytes,
                .max_latency_ns = config->capture.max_latency_ns,
                .wake_urgent = config->capture.wake_urgent,
                .patient = config->capture.patient,
                .wake_each = !config->capture.coalesce,
                .compat = (enum capture_compat)config->capture.compat,
                .supervisors = config->capture.supervisors.items,
                .n_supervisors = config->capture.supervisors.n,
                .tier = (enum capture_tier)config->capture.backend,
                .max_processes = config->process.max_processes,
        };
        capture_settings_overload(config, &ret->overload);
}

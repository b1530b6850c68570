/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/capture-settings.h"

#include "unit.h"

static struct config config;
static struct capture_options options;

static void configure(const char *text) {
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(config_parse("test", text, strlen(text), &diags, &config), 0);
        diag_set_done(&diags);
        capture_settings_options(&config, &options);
}

START_TEST(each_priority_has_its_own_limits) {
        const struct capture_limits *medium = &options.overload.limits[WIRE_PRIORITY_MEDIUM];
        const struct capture_limits *low = &options.overload.limits[WIRE_PRIORITY_LOW];

        configure("overload: {sample_medium: 2, rate_medium: 3, burst_medium: 4, process_rate_medium: 5, "
                  "process_burst_medium: 6, shed_medium: 7, sample_low: 12, rate_low: 13, burst_low: 14, "
                  "process_rate_low: 15, process_burst_low: 16, shed_low: 17, hysteresis: 8}\n");
        ck_assert_uint_eq(medium->sample, 2);
        ck_assert_uint_eq(medium->rate, 3);
        ck_assert_uint_eq(medium->burst, 4);
        ck_assert_uint_eq(medium->process_rate, 5);
        ck_assert_uint_eq(medium->process_burst, 6);
        ck_assert_uint_eq(medium->shed, 7);
        ck_assert_uint_eq(low->sample, 12);
        ck_assert_uint_eq(low->rate, 13);
        ck_assert_uint_eq(low->burst, 14);
        ck_assert_uint_eq(low->process_rate, 15);
        ck_assert_uint_eq(low->process_burst, 16);
        ck_assert_uint_eq(low->shed, 17);
        ck_assert_uint_eq(options.overload.hysteresis, 8);
        config_done(&config);
}
END_TEST

START_TEST(the_capture_is_as_configured) {
        configure("capture: {ring_size: 1M, ring_size_max: 2M, max_latency: 5ms, compat: off, backend: tracepoint, "
                  "supervisors: [/bin/a, /bin/b]}\nprocess: {max_processes: 2000}\n");
        ck_assert_uint_eq(options.ring_bytes, 1 << 20);
        ck_assert_uint_eq(options.max_ring_bytes, 2 << 20);
        ck_assert_uint_eq(options.max_latency_ns, 5000000);
        ck_assert_int_eq(options.compat, CAPTURE_COMPAT_OFF);
        ck_assert_int_eq(options.tier, CAPTURE_TIER_TRACEPOINT);
        ck_assert_uint_eq(options.max_processes, 2000);
        ck_assert_uint_eq(options.n_supervisors, 2);
        ck_assert_str_eq(options.supervisors[1], "/bin/b");
        ck_assert(options.wake_urgent);
        config_done(&config);
}
END_TEST

UNIT_MAIN("pipeline/capture-settings", each_priority_has_its_own_limits, the_capture_is_as_configured)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An alert of two steps, made by hand: what the forms are tested on. */

#include <string.h>

#include "base/clock.h"
#include "report/alert.h"

#define SAMPLE_TIME_NS (UINT64_C(1700000000) * NSEC_PER_SEC + UINT64_C(417000000))

static inline struct alert_text sample_text(const char *s) {
        return (struct alert_text){.bytes = s, .length = strlen(s), .known = true};
}

static inline struct alert sample_alert(void) {
        static struct alert_text techniques[2], argv[2];
        static struct alert_step steps[2];
        struct alert alert = {
                .number = 3,
                .generation = 1,
                .time_ns = SAMPLE_TIME_NS,
                .first_ns = SAMPLE_TIME_NS - NSEC_PER_SEC,
                .policy = sample_text("dropped_and_run"),
                .description = sample_text("A file is written and run by the same activity"),
                .file = sample_text("policies/dropped.policy"),
                .line = 4,
                .severity = SEVERITY_HIGH,
                .by = KEY_TREE,
                .key = sample_text("tree 4700"),
                .techniques = techniques,
                .n_techniques = 2,
                .starts = 1,
                .steps = steps,
                .n_steps = 2,
                .n_ancestors = 1,
                .n_captures = 1,
        };

        techniques[0] = sample_text("T1105");
        techniques[1] = sample_text("T1204.002");
        argv[0] = sample_text("/tmp/x");
        argv[1] = sample_text("-i");

        alert.process = (struct alert_process){
                .id = {.pid = 4711, .start_ns = 5},
                .start_ns = SAMPLE_TIME_NS - 5,
                .has_credentials = true,
                .uid = 33, .euid = 33, .gid = 33, .egid = 33,
                .loginuid = UINT32_MAX, .session = UINT32_MAX,
                .name = sample_text("x"),
                .exe = sample_text("/tmp/x"),
                .args = sample_text("/tmp/x -i"),
                .argv = argv,
                .n_argv = 2,
                .unit = sample_text("nginx.service"),
                .package = {.known = true, .name = sample_text("")},
        };
        alert.ancestors[0] = (struct alert_process){
                .id = {.pid = 1},
                .loginuid = UINT32_MAX, .session = UINT32_MAX,
                .name = sample_text("systemd"),
                .exe = sample_text("/usr/lib/systemd/systemd"),
                .package = {.known = true, .name = sample_text("systemd"), .version = sample_text("252.39-1")},
        };

        steps[0] = (struct alert_step){
                .number = 1,
                .kind = "write",
                .time_ns = SAMPLE_TIME_NS - NSEC_PER_SEC,
                .last_ns = SAMPLE_TIME_NS - NSEC_PER_SEC / 2,
                .count = 2,
                .kept = true,
                .has_result = true,
                .result = 51200,
                .n_fields = 3,
        };
        steps[0].process = (struct alert_process){
                .id = {.pid = 4709}, .loginuid = UINT32_MAX, .session = UINT32_MAX, .name = sample_text("curl")};
        steps[0].fields[0] = (struct alert_field){.name = "pathname",
                                                  .field = FIELD_write_pathname,
                                                  .provenance = ALERT_USER_STABLE,
                                                  .known = true,
                                                  .text = sample_text("/tmp/x")};
        steps[0].fields[1] = (struct alert_field){
                .name = "length", .field = FIELD_write_length, .known = true, .is_number = true, .number = 51200,
                .text = sample_text("51200")};
        steps[0].fields[2] = (struct alert_field){.name = "content", .field = FIELD_write_content};

        steps[1] = (struct alert_step){
                .number = 2,
                .kind = "execve",
                .time_ns = SAMPLE_TIME_NS,
                .last_ns = SAMPLE_TIME_NS,
                .count = 1,
                .kept = true,
                .process = alert.process,
                .n_fields = 1,
        };
        steps[1].fields[0] = (struct alert_field){.name = "filename",
                                                  .field = FIELD_execve_filename,
                                                  .known = true,
                                                  .provenance = ALERT_USER,
                                                  .text = sample_text("/tmp/x")};

        alert.captures[0].name = sample_text("file");
        alert.captures[0].value = (struct alert_field){.name = "file", .field = FIELD_write_pathname, .known = true,
                                                       .text = sample_text("/tmp/x")};
        return alert;
}

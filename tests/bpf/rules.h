/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rules - for the subjects on last steps of policies that the kernel decides: rules, put into force, and what is done
 * against them. */

#include <sys/mman.h>

#include "capture/kernel.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define PATH_OF_PROGRAM 7               /* any number: it is told back */

static inline bool has_lsm(void) {
        return lab_tier() == CAPTURE_TIER_LSM && kernel_get()->lsm;
}

static inline int enforce(const struct enforcement_rule *rules, size_t n) {
        const struct capture_enforcement enforcement = {.rules = rules, .n_rules = n};
        int r;

        lab_read();
        r = capture_set_enforcement(lab.capture, &enforcement);
        capture_set_enforcing(lab.capture, true);
        return r;
}

static inline void leave_alone(void) {
        ck_assert_int_eq(enforce(NULL, 0), 0);
        capture_set_enforcing(lab.capture, false);
}

/* ---- rules ---- */

static inline struct enforcement_test text_test(enum enforcement_field field, enum enforcement_op op,
                                                const char *text) {
        return (struct enforcement_test){.field = field, .op = op, .n_operands = 1,
                                         .operands = {{.text = text, .n_text = strlen(text)}}};
}

static inline struct enforcement_test number_test(enum enforcement_field field, uint32_t low, uint32_t high) {
        return (struct enforcement_test){.field = field, .op = ENFORCEMENT_RANGE, .n_operands = 1,
                                         .operands = {{.low = low, .high = high}}};
}

static inline struct enforcement_rule rule_of(enum wire_kind kind, struct enforcement_test test) {
        return (struct enforcement_rule){.policy = "it's forbidden", .path = PATH_OF_PROGRAM, .bit = 1, .kind = kind,
                                         .n_tests = 1, .tests = {test}};
}

/* ---- files ---- */

struct shared {
        volatile uint64_t asked, after;
};

static struct shared *shared;

static inline int open_and_count(void *argument) {
        int fd;

        shared->asked = 1;
        fd = open(argument, O_RDWR | O_CLOEXEC);
        while (shared->after < 1000000)
                shared->after++;
        return fd < 0 ? errno : 0;
}

static inline int run_it(void *argument) {
        char *const argv[] = {argument, "-c", "exit 7", NULL}, *const env[] = {NULL};

        execve(argument, argv, env);
        return errno;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Named - for the suites on names and attributes of files: run something in the lab's directory, and look at what was
 * told of a name and who says so. */

#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* Run code in a child, in the lab's directory, as its exit status. GNU C: a nested block as an expression. Strings that
 * a call is passed are copied by here(), or they might not be there when the call begins. */
#define RUN(...)                                                                                                       \
        __extension__({                                                                                                \
                pid_t child_ = lab_fork();                                                                             \
                if (child_ == 0) {                                                                                     \
                        if (chdir(lab.directory) < 0)                                                                  \
                                _exit(99);                                                                             \
                        __VA_ARGS__                                                                                    \
                        _exit(0);                                                                                      \
                }                                                                                                      \
                lab_reap(child_);                                                                                      \
                child_;                                                                                                \
        })

#define MUST(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        _exit(__LINE__ % 90 + 1);                                                                      \
        } while (0)

/* A copy in memory that is there. */
static inline char *here(const char *text) {
        static char buffers[64][64];
        static unsigned next;
        char *buffer = buffers[next++ % 64];

        return strcpy(buffer, text);
}

static inline int exit_code(pid_t pid) {
        return lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code));
}

static inline const struct wire_header *nth(enum wire_kind kind, pid_t pid, size_t n) {
        const struct wire_header *record = lab_find(kind, pid, n);

        ck_assert_msg(record != NULL, "%s %zu", schema_kind(kind)->name, n);
        return record;
}

static inline uint64_t bit(int field) {
        return UINT64_C(1) << schema_field((enum field)field)->bit;
}

enum provenance {
        KERNEL,
        STABLE,
        USER,
};

/* Did a security hook see what the names of this call led to? Then they are the kernel's. It is reached by calls that
 * come so far as to do something. */
static inline bool is_resolved(const struct wire_header *record) {
        return record->result >= 0 && lab_has_paths((enum wire_kind)record->kind);
}

/* The text of a field, and who says so where no hook did. NULL: not known. */
static inline void check_text(const struct wire_header *record, int field, const char *text, enum provenance whose) {
        if (!text) {
                ck_assert_msg(!lab_known(record, field), "%s", lab_text(record, field));
                return;
        }
        ck_assert_msg(lab_known(record, field), "%s", text);
        ck_assert_str_eq(lab_text(record, field), text);
        if (schema_field((enum field)field)->flags & FIELD_TIER && is_resolved(record))
                whose = KERNEL;
        ck_assert_int_eq(!!(record->user & bit(field)), whose != KERNEL);
        ck_assert_int_eq(!!(record->stable & bit(field)), whose == STABLE);
}

/* The object of a field, or none. By a name it is known if a hook saw it. */
static inline void check_file(const struct wire_header *record, int field, const struct stat *st, bool by_name) {
        if (by_name && !(record->result >= 0 && lab_has_security((enum wire_kind)record->kind)))
                st = NULL;
        ck_assert_int_eq(lab_known(record, field), st != NULL);
        if (st)
                ck_assert(lab_is_file(lab_object(record, field), st));
}

static inline void check_call(const struct wire_header *record, enum wire_call call, int64_t result) {
        ck_assert_int_eq(record->call, call);
        ck_assert_int_eq(record->result, result);
        ck_assert_int_eq(!!(record->flags & WIRE_FAILED), result < 0);
}

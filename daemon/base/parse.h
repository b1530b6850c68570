/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Parse - numbers, durations, sizes and modes that somebody wrote, with their range. No strtol elsewhere.
 * The whole text must be the value: no blanks before, nothing after. -EINVAL if it is not of this form, -ERANGE if it
 * is but outside [min, max] or the type. *ret is written on success only.
 * The text is s[0..n); the forms without _n take a C string. */

#include "base/macro.h"

/* As in C: 10, 0x1f, 017 (octal). The signed form takes a leading + or -. */
int parse_u64_n(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret);
int parse_i64_n(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret);

/* Durations: one or more of number and unit, largest unit first, each unit once: 30s, 5m, 10min, 1h30m, 500ms, 2d.
 * Units: ns us ms s m=min h d w. A fraction is allowed in the last part: 1.5s. The number alone is not a duration,
 * except 0. */
int parse_duration_n(const char *s, size_t n, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns);

/* Sizes: a number in C notation and K, M, G or T (powers of 1024; KiB and so on mean the same), or nothing: 4096, 4K,
 * 16M. */
int parse_size_n(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret_bytes);

/* File modes: octal digits with or without a leading 0, or 0o; at most 07777. */
int parse_mode_n(const char *s, size_t n, uint32_t *ret);

/* yes, true, on, 1; no, false, off, 0; in small letters. */
int parse_bool_n(const char *s, size_t n, bool *ret);

static inline int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        return parse_u64_n(s, strlen(s), min, max, ret);
}
static inline int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret) {
        return parse_i64_n(s, strlen(s), min, max, ret);
}
static inline int parse_duration(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns) {
        return parse_duration_n(s, strlen(s), min_ns, max_ns, ret_ns);
}
static inline int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret_bytes) {
        return parse_size_n(s, strlen(s), min, max, ret_bytes);
}
static inline int parse_mode(const char *s, uint32_t *ret) {
        return parse_mode_n(s, strlen(s), ret);
}
static inline int parse_bool(const char *s, bool *ret) {
        return parse_bool_n(s, strlen(s), ret);
}

/* The way back, exact: parse(format(x)) == x. Returns buffer. Durations like "1h30min", "0s"; NSEC_INFINITY is
 * "infinity" (which parse_duration_n() does not take). Sizes in the largest unit that divides them. */
#define FORMAT_DURATION_MAX 64
#define FORMAT_SIZE_MAX 24
char *format_duration(char buffer[static FORMAT_DURATION_MAX], uint64_t ns);
char *format_size(char buffer[static FORMAT_SIZE_MAX], uint64_t bytes);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Macro - the few macros that every file may use.
 * Only what the language lacks and what reads like a word; nothing that hides control flow. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define _printf_(fmt, first)    __attribute__((format(printf, fmt, first)))
#define _pure_                  __attribute__((pure))
#define _unused_                __attribute__((unused))
#define _must_check_            __attribute__((warn_unused_result))
#define _noreturn_              __attribute__((noreturn))

#define likely(x)               __builtin_expect(!!(x), 1)
#define unlikely(x)             __builtin_expect(!!(x), 0)

/* Number of elements of an array, and only of an array: a pointer does not compile. */
#define ELEMENTSOF(x) \
        (sizeof(x) / sizeof((x)[0]) + \
         0 * sizeof(struct { \
                 _Static_assert(!__builtin_types_compatible_p(__typeof__(x), __typeof__(&(x)[0])), \
                                "ELEMENTSOF of a pointer"); \
                 int unused; \
         }))

/* Each argument is evaluated once. The counter keeps nested ones apart. */
#define MIN(a, b) MIN_UNIQUE(a, b, __COUNTER__)
#define MAX(a, b) MAX_UNIQUE(a, b, __COUNTER__)
#define MIN_UNIQUE(a, b, id) MIN_NAMED(a, b, PASTE(_min_a, id), PASTE(_min_b, id))
#define MAX_UNIQUE(a, b, id) MAX_NAMED(a, b, PASTE(_max_a, id), PASTE(_max_b, id))
#define MIN_NAMED(a, b, x, y)                                                                                          \
        __extension__({                                                                                                \
                __typeof__(a) x = (a);                                                                                 \
                __typeof__(b) y = (b);                                                                                 \
                x < y ? x : y;                                                                                         \
        })
#define MAX_NAMED(a, b, x, y)                                                                                          \
        __extension__({                                                                                                \
                __typeof__(a) x = (a);                                                                                 \
                __typeof__(b) y = (b);                                                                                 \
                x > y ? x : y;                                                                                         \
        })
#define PASTE(a, b) PASTE_EXPANDED(a, b)
#define PASTE_EXPANDED(a, b) a##b

/* The structure that a member is embedded in. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* `align` is a power of two. The result wraps when x is within align of the type's end: check first if x comes from
 * outside. */
#define ALIGN_UP(x, align)      (((x) + (align)-1) & ~((__typeof__(x))(align)-1))

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Both may be NULL; two NULLs are equal. */
static inline bool streq(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

/* Is the byte string s[0..n) the same as this C string? */
static inline bool memeq_str(const char *s, size_t n, const char *other) {
        return strlen(other) == n && (n == 0 || memcmp(s, other, n) == 0);
}

/* What follows the prefix, or NULL if s does not start with it. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Where the suffix starts in s, or NULL if s does not end with it. */
static inline const char *endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && memcmp(s + n - m, suffix, m) == 0 ? s + n - m : NULL;
}

/* The smallest power of two that is >= x; 1 for 0. x must not be above 2^63. */
static inline uint64_t round_up_pow2(uint64_t x) {
        return x <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(x - 1));
}

static inline bool is_pow2(uint64_t x) {
        return x != 0 && (x & (x - 1)) == 0;
}

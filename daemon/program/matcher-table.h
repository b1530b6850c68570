/* SPDX-License-Identifier: Apache-2.0 */
/* Matcher table - the bytes that compile/strings.c writes and program/matcher.c reads. Nobody else looks inside.
 *
 * Offsets are bytes from the start of the table, multiples of 4. An entry is one distinct string of its class with the
 * patterns that use it:
 *
 *      exact, fold     hash of the text -> slots -> entry, compared in full
 *      prefix          entries in order of their bytes; the greatest that is not above the text, and from there along
 * `link` (the longest proper prefix that is an entry too), are all that can be prefixes of it suffix          the same
 * from the end: in order of their bytes read backwards literal         strings that may stand anywhere, found by one
 * automaton loose           globs that require nothing, tried every time
 *
 * Of prefixes most texts are told apart by the byte behind what all have in common: `firsts` has the entries for each
 * such byte, and what these have in common. A text that has not that much of it matches none of them. The same for
 * suffixes, from the end.
 *
 * The automaton (Aho and Corasick, 1975): states in order of depth, 0 is the root, with a dense row of its own; the
 * others share `slots`: slots[base + byte] leads on if its owner is the state, else the search falls back to `fail`.
 * `out` is the first state on the way of fall-backs, beginning with the state itself, whose whole string is an entry;
 * `dict` the next one after that. */
#pragma once

#include <stdint.h>

#define MATCHER_MAX_PATTERNS 8192       /* of one table; what is beyond is decided by itself */
#define MATCHER_MAX_LITERALS 8192
#define MATCHER_MAX_STATES 65535

struct matcher_part {
        uint32_t offset, n;
};

/* The entries that go on with one byte behind what all entries have in common. */
struct matcher_first {
        uint32_t first, n;
        uint32_t common;                /* bytes that all of them have in common: at least one more */
};

struct matcher_table {
        uint32_t size, n_patterns;
        uint32_t folded, reserved;      /* 1: all patterns take ASCII letters in either case, all its texts are small */
        uint64_t exact_lengths;         /* bit min(length, 63) per exact entry: most texts need not be hashed */
        uint64_t fold_lengths;
        struct matcher_part patterns, texts, uses;
        struct matcher_part exact, exact_slots, fold, fold_slots, prefix, suffix, literal;
        struct matcher_part loose;      /* of uses */
        struct matcher_part prefix_firsts, suffix_firsts;       /* 256 each, or none without entries */
        uint32_t prefix_common, suffix_common;  /* bytes that all entries have in common */
        struct matcher_part states, slots, root;
};

/* What a pattern is, for a text that was cut: then each is asked by itself. */
struct matcher_pattern {
        uint32_t op;                    /* enum predicate_op */
        uint32_t first, n;              /* in texts */
};

struct matcher_text {
        uint32_t offset, length;
};

#define MATCHER_NONE UINT32_MAX

/* A hit means the pattern, or (`glob`: in texts) that it may be meant and has to be tried. */
struct matcher_use {
        uint32_t pattern;
        uint32_t glob;                  /* or MATCHER_NONE */
};

struct matcher_entry {
        uint32_t offset, length;        /* its bytes */
        uint32_t first, n;              /* in uses */
        uint32_t link;                  /* prefix, suffix: an earlier entry, or MATCHER_NONE */
};

struct matcher_state {
        uint32_t base;
        uint32_t entry;                 /* in literal, or MATCHER_NONE */
        uint16_t fail, dict, out, depth;
};

struct matcher_slot {
        uint16_t owner, target;         /* owner 0: empty */
};

static inline unsigned char matcher_fold(unsigned char c) {
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Not keyed: the strings in the table are those of the policies, and a text that is looked up meets only these. */
static inline uint32_t matcher_hash(const char *bytes, uint32_t n) {
        uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15), word;

        for (; n >= 8; n -= 8, bytes += 8) {
                __builtin_memcpy(&word, bytes, 8);
                h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
                h ^= h >> 32;
        }
        if (n > 0) {
                word = 0;
                __builtin_memcpy(&word, bytes, n);
                h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
                h ^= h >> 32;
        }
        return (uint32_t)(h ^ h >> 29);
}

static inline uint32_t matcher_hash_folded(const char *bytes, uint32_t n) {
        uint32_t h = 2166136261U ^ n;

        for (uint32_t i = 0; i < n; i++)
                h = (h ^ matcher_fold(bytes[i])) * 16777619U;
        return h ^ h >> 15;
}

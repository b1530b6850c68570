/* SPDX-License-Identifier: Apache-2.0 */
#include "program/glob.h"

#include <string.h>

#include "base/macro.h"

enum item_type {
        ITEM_BYTE,
        ITEM_ANY_BYTE,                  /* ? */
        ITEM_SET,
        ITEM_STAR,                      /* * */
        ITEM_ANYTHING,                  /* ** */
};

struct item {
        uint8_t type;                   /* enum item_type */
        uint8_t byte;
        uint8_t first, length;          /* of a set: what stands between its brackets */
};

/* The end of a set that begins behind '[', or 0 if it has none. */
static size_t set_end(const char *pattern, size_t length, size_t at) {
        if (at < length && (pattern[at] == '!' || pattern[at] == '^'))
                at++;
        for (size_t first = at; at < length; at++) {
                if (pattern[at] == ']' && at > first)
                        return at;
                if (pattern[at] == '\\')
                        at++;
        }
        return 0;
}

static bool set_has(const char *set, size_t length, unsigned char c) {
        bool negated = length > 0 && (set[0] == '!' || set[0] == '^');
        size_t i = negated;

        if (c == '/')
                return false;

        while (i < length) {
                unsigned char low, high;

                if (set[i] == '\\' && i + 1 < length)
                        i++;
                low = high = set[i++];
                if (i + 1 < length && set[i] == '-') {
                        i++;
                        if (set[i] == '\\' && i + 1 < length)
                                i++;
                        high = set[i++];
                }
                if (low <= c && c <= high)
                        return !negated;
        }
        return negated;
}

/* The item at *at, which moves behind it. */
static struct item item_next(const char *pattern, size_t length, size_t *at) {
        size_t i = (*at)++, end;

        switch (pattern[i]) {
        case '*':
                if (*at >= length || pattern[*at] != '*')
                        return (struct item){.type = ITEM_STAR};
                while (*at < length && pattern[*at] == '*')
                        (*at)++;
                return (struct item){.type = ITEM_ANYTHING};
        case '?':
                return (struct item){.type = ITEM_ANY_BYTE};
        case '[':
                end = set_end(pattern, length, *at);
                if (end > 0) {
                        struct item item = {.type = ITEM_SET, .first = *at, .length = end - *at};

                        *at = end + 1;
                        return item;
                }
                break;
        case '\\':
                if (*at < length)
                        i = (*at)++;
                break;
        }
        return (struct item){.type = ITEM_BYTE, .byte = pattern[i]};
}

static size_t parse(const char *pattern, size_t length, struct item items[static GLOB_MAX]) {
        size_t n = 0, at = 0;

        while (at < length)
                items[n++] = item_next(pattern, length, &at);
        return n;
}

static inline bool item_takes(const char *pattern, const struct item *item, unsigned char c) {
        switch ((enum item_type)item->type) {
        case ITEM_BYTE: return item->byte == c;
        case ITEM_ANY_BYTE: return c != '/';
        case ITEM_SET: return set_has(pattern + item->first, item->length, c);
        case ITEM_STAR: return c != '/';
        case ITEM_ANYTHING: return true;
        }
        return false;
}

/* A set of places in the pattern: bit i says that items[i] comes next; bit n that the pattern is used up. */
#define PLACE_WORDS ((GLOB_MAX + 1 + 63) / 64)

struct places {
        uint64_t words[PLACE_WORDS];
};

/* Stars may stand for nothing: whoever is before one is also behind it. */
static inline void places_add(struct places *places, const struct item *items, size_t n, size_t i) {
        for (;; i++) {
                places->words[i / 64] |= UINT64_C(1) << (i % 64);
                if (i >= n || (items[i].type != ITEM_STAR && items[i].type != ITEM_ANYTHING))
                        return;
        }
}

enum truth glob_match(const char *pattern, size_t length, const char *bytes, size_t n, bool cut) {
        struct item items[GLOB_MAX];
        struct places now = {};
        size_t n_items, n_words, first = 0, k = 0;
        bool ends_open;

        if (length > GLOB_MAX)
                return TRUTH_FALSE;

        n_items = parse(pattern, length, items);
        n_words = n_items / 64 + 1;
        ends_open = n_items > 0 && items[n_items - 1].type == ITEM_ANYTHING;

        /* Most texts are told apart by the plain bytes that the pattern begins with, and many by its last one. */
        while (first < n_items && items[first].type == ITEM_BYTE) {
                if (k >= n)
                        return cut ? TRUTH_UNKNOWN : TRUTH_FALSE;
                if (items[first++].byte != (unsigned char)bytes[k++])
                        return TRUTH_FALSE;
        }
        if (!cut && first < n_items && items[n_items - 1].type == ITEM_BYTE &&
            (k >= n || items[n_items - 1].byte != (unsigned char)bytes[n - 1]))
                return TRUTH_FALSE;

        places_add(&now, items, n_items, first);
        for (; k < n; k++) {
                struct places next = {};
                bool any = false;

                if (ends_open && (now.words[(n_items - 1) / 64] >> ((n_items - 1) % 64) & 1))
                        return TRUTH_TRUE;

                for (size_t word = 0; word < n_words; word++)
                        for (uint64_t rest = now.words[word]; rest != 0; rest &= rest - 1) {
                                size_t i = word * 64 + __builtin_ctzll(rest);

                                if (i >= n_items || !item_takes(pattern, &items[i], bytes[k]))
                                        continue;
                                any = true;
                                if (items[i].type == ITEM_STAR || items[i].type == ITEM_ANYTHING)
                                        places_add(&next, items, n_items, i);
                                else
                                        places_add(&next, items, n_items, i + 1);
                        }
                if (!any)
                        return TRUTH_FALSE;
                now = next;
        }

        if (now.words[n_items / 64] >> (n_items % 64) & 1) {
                if (!cut || ends_open)
                        return TRUTH_TRUE;
                return TRUTH_UNKNOWN;
        }
        /* Bytes may follow; whether some can match is not worth finding out, if any place is left that takes one. */
        return cut ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

size_t glob_literal(const char *pattern, size_t length, char *literal, enum glob_place *ret_place) {
        struct item items[GLOB_MAX];
        size_t n, best = 0, best_length = 0;

        *ret_place = GLOB_INSIDE;
        if (length > GLOB_MAX)
                return 0;

        n = parse(pattern, length, items);
        for (size_t i = 0; i < n;) {
                size_t end = i;

                while (end < n && items[end].type == ITEM_BYTE)
                        end++;
                if (end - i > best_length) {
                        best = i;
                        best_length = end - i;
                }
                i = end + 1;
        }

        for (size_t i = 0; i < best_length; i++)
                literal[i] = items[best + i].byte;
        if (best_length == n)
                *ret_place = GLOB_WHOLE;
        else if (best == 0)
                *ret_place = GLOB_PREFIX;
        else if (best + best_length == n)
                *ret_place = GLOB_SUFFIX;
        return best_length;
}

bool glob_is_plain(const char *pattern, size_t length, char *literal, size_t *ret_length, enum glob_place *ret_place) {
        struct item items[GLOB_MAX];
        size_t n, first = 0, end;

        if (length > GLOB_MAX)
                return false;

        end = n = parse(pattern, length, items);
        if (first < end && items[first].type == ITEM_ANYTHING)
                first++;
        if (end > first && items[end - 1].type == ITEM_ANYTHING)
                end--;

        for (size_t i = first; i < end; i++) {
                if (items[i].type != ITEM_BYTE)
                        return false;
                literal[i - first] = items[i].byte;
        }
        *ret_length = end - first;
        if (first > 0)
                *ret_place = end < n || end == first ? GLOB_INSIDE : GLOB_SUFFIX;
        else
                *ret_place = end < n ? GLOB_PREFIX : GLOB_WHOLE;
        return true;
}

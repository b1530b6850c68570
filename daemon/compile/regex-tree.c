/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/regex-tree.h"

#include <errno.h>
#include <string.h>

#define NESTING_MAX 64
#define COUNT_MAX 65535                 /* PCRE2's own limit */

struct reader {
        struct arena *arena;
        const char *at, *end;
        unsigned nesting;
        bool fold, exact, gave_up, no_memory;
};

static struct regex_node *give_up(struct reader *r) {
        r->gave_up = true;
        return NULL;
}

static struct regex_node *node_new(struct reader *r, enum regex_node_type type) {
        struct regex_node *node = arena_new(r->arena, struct regex_node);

        if (!node) {
                r->no_memory = r->gave_up = true;
                return NULL;
        }
        node->type = type;
        return node;
}

static struct regex_node *byte_new(struct reader *r, unsigned char byte) {
        struct regex_node *node = node_new(r, REGEX_BYTE);

        if (node)
                node->byte = r->fold && byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
        return node;
}

static inline void set_add(struct regex_set *set, unsigned char c) {
        set->words[c / 64] |= UINT64_C(1) << (c % 64);
}

static void set_fold(struct regex_set *set) {
        for (unsigned c = 'a'; c <= 'z'; c++) {
                unsigned large = c - ('a' - 'A');

                if (regex_set_has(set, c) || regex_set_has(set, large)) {
                        set_add(set, c);
                        set_add(set, large);
                }
        }
}

static struct regex_node *set_new(struct reader *r, const struct regex_set *set) {
        struct regex_node *node;

        if (regex_set_size(set) == 1)
                for (unsigned c = 0; c < 256; c++)
                        if (regex_set_has(set, c))
                                return byte_new(r, c);
        if (r->fold && regex_set_size(set) == 2)
                for (unsigned c = 'a'; c <= 'z'; c++)
                        if (regex_set_has(set, c) && regex_set_has(set, c - ('a' - 'A')))
                                return byte_new(r, c);

        node = node_new(r, regex_set_size(set) == 256 ? REGEX_DOT : REGEX_SET);
        if (!node)
                return NULL;
        node->set = arena_memdup(r->arena, set, sizeof(*set));
        if (!node->set) {
                r->no_memory = true;
                return give_up(r);
        }
        return node;
}

static bool next_is(const struct reader *r, const char *text) {
        size_t n = strlen(text);

        return (size_t)(r->end - r->at) >= n && memcmp(r->at, text, n) == 0;
}

static bool take(struct reader *r, const char *text) {
        if (!next_is(r, text))
                return false;
        r->at += strlen(text);
        return true;
}

/* \d, \w and \s as PCRE2 has them without a locale; the capital letter is the opposite. */
static bool class_escape(char letter, struct regex_set *set) {
        char small = letter | 0x20;

        for (unsigned c = 0; c < 256; c++) {
                bool digit = c >= '0' && c <= '9';
                bool word = digit || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                bool space = c == ' ' || (c >= '\t' && c <= '\r');
                bool in = small == 'd' ? digit : small == 'w' ? word : space;

                if (in == (letter == small))
                        set_add(set, c);
        }
        return letter == 'd' || letter == 'D' || letter == 'w' || letter == 'W' || letter == 's' || letter == 'S';
}

/* \n and such. Behind the letter afterwards. */
static bool control_escape(struct reader *r, unsigned char *ret) {
        static const char letters[] = "ntrfea", bytes[] = "\n\t\r\f\x1b\a";
        const char *found = memchr(letters, *r->at, sizeof(letters) - 1);

        if (found) {
                *ret = bytes[found - letters];
                r->at++;
                return true;
        }
        if (*r->at == 'x' && r->end - r->at >= 3) {
                unsigned value = 0;

                for (unsigned i = 1; i <= 2; i++) {
                        char c = r->at[i], small = c | 0x20;

                        if (c >= '0' && c <= '9')
                                value = value * 16 + (c - '0');
                        else if (small >= 'a' && small <= 'f')
                                value = value * 16 + (small - 'a' + 10);
                        else
                                return false;
                }
                *ret = value;
                r->at += 3;
                return true;
        }
        return false;
}

static inline bool is_alnum(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind a backslash, outside of a set. */
static struct regex_node *read_escape(struct reader *r) {
        struct regex_set set = {};
        struct regex_node *node;
        unsigned char byte;

        if (r->at >= r->end)
                return give_up(r);
        if (!is_alnum(*r->at))
                return byte_new(r, *r->at++);
        if (control_escape(r, &byte))
                return byte_new(r, byte);

        switch (*r->at) {
        case 'd': case 'D': case 'w': case 'W': case 's': case 'S':
                class_escape(*r->at++, &set);
                return set_new(r, &set);
        case 'A':
                r->at++;
                return node_new(r, REGEX_BEGIN);
        case 'z':
                r->at++;
                return node_new(r, REGEX_END);
        case 'b': case 'B': case 'Z': case 'G':
                r->at++;
                node = node_new(r, REGEX_ASSERTION);
                r->exact = false;
                return node;
        }
        return give_up(r);
}

/* One byte inside [ ], behind its escape if it has one. */
static bool read_member(struct reader *r, struct regex_set *set, unsigned char *ret, bool *ret_is_class) {
        *ret_is_class = false;
        if (*r->at != '\\') {
                *ret = *r->at++;
                return true;
        }
        r->at++;
        if (r->at >= r->end)
                return false;
        if (!is_alnum(*r->at)) {
                *ret = *r->at++;
                return true;
        }
        if (control_escape(r, ret))
                return true;
        if (strchr("dDwWsS", *r->at)) {
                *ret_is_class = true;
                class_escape(*r->at++, set);
                return true;
        }
        return false;
}

/* Behind '['. */
static struct regex_node *read_set(struct reader *r) {
        struct regex_set set = {};
        bool negated = take(r, "^"), first = true;

        for (;; first = false) {
                unsigned char low, high;
                bool is_class;

                if (r->at >= r->end)
                        return give_up(r);
                if (*r->at == ']' && !first)
                        break;
                if (next_is(r, "[:") || next_is(r, "[.") || next_is(r, "[="))
                        return give_up(r);
                if (!read_member(r, &set, &low, &is_class))
                        return give_up(r);

                if (r->end - r->at < 2 || r->at[0] != '-' || r->at[1] == ']') {
                        if (!is_class)
                                set_add(&set, low);
                        continue;
                }
                r->at++;
                if (is_class || next_is(r, "[:") || next_is(r, "[.") || next_is(r, "[=") ||
                    !read_member(r, &set, &high, &is_class) || is_class || high < low)
                        return give_up(r);
                for (unsigned c = low; c <= high; c++)
                        set_add(&set, c);
        }
        r->at++;

        if (r->fold)
                set_fold(&set);
        if (negated)
                for (unsigned i = 0; i < 4; i++)
                        set.words[i] = ~set.words[i];
        if (regex_set_size(&set) == 0)
                return give_up(r);
        return set_new(r, &set);
}

static struct regex_node *read_choice(struct reader *r);

/* Behind '('. Look-arounds are read for their end, and forgotten. */
static struct regex_node *read_group(struct reader *r) {
        struct regex_node *node;
        bool is_assertion = false;

        if (take(r, "?")) {
                if (take(r, "=") || take(r, "!") || take(r, "<=") || take(r, "<!")) {
                        is_assertion = true;
                        r->exact = false;
                } else if (take(r, ">"))
                        r->exact = false;
                else if (!take(r, ":"))
                        return give_up(r);
        }

        if (++r->nesting > NESTING_MAX)
                return give_up(r);
        node = read_choice(r);
        r->nesting--;
        if (!node || !take(r, ")"))
                return give_up(r);
        return is_assertion ? node_new(r, REGEX_ASSERTION) : node;
}

/* {n}, {n,} or {n,m}, digits only: newer versions of PCRE2 take more, and what else it may mean is not asked. */
static bool read_count(struct reader *r, uint32_t *ret) {
        uint32_t value = 0;
        const char *start = r->at;

        while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= COUNT_MAX)
                value = value * 10 + (*r->at++ - '0');
        *ret = value;
        return r->at > start && value <= COUNT_MAX;
}

static bool read_braces(struct reader *r, uint32_t *min, uint32_t *max) {
        if (!read_count(r, min))
                return false;
        *max = *min;
        if (take(r, ",")) {
                *max = REGEX_TREE_INFINITE;
                if (!next_is(r, "}") && !read_count(r, max))
                        return false;
        }
        return take(r, "}") && *min <= *max;
}

/* What follows an atom. */
static struct regex_node *read_repeat(struct reader *r, struct regex_node *atom) {
        struct regex_node *node;
        uint32_t min, max;

        if (take(r, "*")) {
                min = 0;
                max = REGEX_TREE_INFINITE;
        } else if (take(r, "+")) {
                min = 1;
                max = REGEX_TREE_INFINITE;
        } else if (take(r, "?")) {
                min = 0;
                max = 1;
        } else if (take(r, "{")) {
                if (!read_braces(r, &min, &max))
                        return give_up(r);
        } else
                return atom;

        if (atom->type == REGEX_BEGIN || atom->type == REGEX_END || atom->type == REGEX_ASSERTION)
                return give_up(r);
        if (take(r, "+"))
                r->exact = false;       /* possessive: gives nothing back, so matches less */
        else
                take(r, "?");           /* lazy: matches the same texts */
        if (next_is(r, "*") || next_is(r, "+") || next_is(r, "?") || next_is(r, "{"))
                return give_up(r);

        node = node_new(r, REGEX_REPEAT);
        if (!node)
                return NULL;
        node->min = min;
        node->max = max;
        node->children = atom;
        return node;
}

static struct regex_node *read_atom(struct reader *r) {
        char c = *r->at++;

        switch (c) {
        case '.': return node_new(r, REGEX_DOT);
        case '^': return node_new(r, REGEX_BEGIN);
        case '$': return node_new(r, REGEX_END);
        case '[': return read_set(r);
        case '(': return read_group(r);
        case '\\': return read_escape(r);
        case '*': case '+': case '?': case '{': return give_up(r);
        default: return byte_new(r, c);
        }
}

static struct regex_node *read_sequence(struct reader *r) {
        struct regex_node *sequence = node_new(r, REGEX_SEQUENCE), **end;

        if (!sequence)
                return NULL;
        end = &sequence->children;
        while (r->at < r->end && *r->at != '|' && *r->at != ')') {
                struct regex_node *node;

                if (take(r, "\\Q")) {
                        while (r->at < r->end && !next_is(r, "\\E")) {
                                *end = byte_new(r, *r->at++);
                                if (!*end)
                                        return NULL;
                                end = &(*end)->next;
                        }
                        /* What repeats would be the last byte; rare enough to be left alone. */
                        if (take(r, "\\E") &&
                            (next_is(r, "*") || next_is(r, "+") || next_is(r, "?") || next_is(r, "{")))
                                return give_up(r);
                        continue;
                }

                node = read_atom(r);
                if (node)
                        node = read_repeat(r, node);
                if (!node)
                        return NULL;
                *end = node;
                end = &node->next;
        }
        return sequence;
}

static struct regex_node *read_choice(struct reader *r) {
        struct regex_node *choice, **end, *one = read_sequence(r);

        if (!one || r->at >= r->end || *r->at != '|')
                return one;

        choice = node_new(r, REGEX_CHOICE);
        if (!choice)
                return NULL;
        choice->children = one;
        end = &one->next;
        while (take(r, "|")) {
                *end = read_sequence(r);
                if (!*end)
                        return NULL;
                end = &(*end)->next;
        }
        return choice;
}

int regex_tree_read(struct arena *arena, struct text regex, struct regex_tree *ret) {
        struct reader r = {.arena = arena, .at = regex.bytes, .end = regex.bytes + regex.length, .exact = true};
        struct regex_node *root;

        r.fold = take(&r, "(?i)");
        root = read_choice(&r);
        if (r.no_memory)
                return -ENOMEM;
        /* A ')' too many is an error that PCRE2 reports. */
        if (r.gave_up || r.at < r.end)
                root = NULL;
        *ret = (struct regex_tree){.root = root, .fold = r.fold, .exact = r.exact};
        return 0;
}

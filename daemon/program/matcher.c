/* SPDX-License-Identifier: Apache-2.0 */
#include "program/matcher.h"

#include <string.h>

#include "base/macro.h"
#include "event/compare.h"
#include "program/glob.h"
#include "program/matcher-table.h"
#include "program/program.h"

/* Words of a bit set. */
#define N_WORDS(n) (((n) + 63) / 64)

/* One run over one text. */
struct matching {
        const struct matcher_table *table;
        const char *bytes;
        size_t length;
        bool cut;
        const struct matcher_sink *sink;
        uint64_t reported[N_WORDS(MATCHER_MAX_PATTERNS)];      /* by pattern; only what the table needs is cleared */
        uint64_t seen[N_WORDS(MATCHER_MAX_LITERALS)];          /* by literal */
};

static inline const void *part(const struct matcher_table *table, struct matcher_part p) {
        return (const char *)table + p.offset;
}

static inline const char *entry_bytes(const struct matching *m, const struct matcher_entry *entry) {
        return (const char *)m->table + entry->offset;
}

static inline bool bit_get(const uint64_t *bits, uint32_t i) {
        return bits[i / 64] >> (i % 64) & 1;
}

static inline void bit_set(uint64_t *bits, uint32_t i) {
        bits[i / 64] |= UINT64_C(1) << (i % 64);
}

/* Few in most tables: a call would cost more than it clears. */
static inline void bits_clear(uint64_t *bits, uint32_t n) {
        bits[0] = 0;
        if (unlikely(n > 64))
                memset(bits, 0, N_WORDS(n) * sizeof(*bits));
}

static void report(struct matching *m, uint32_t pattern) {
        if (bit_get(m->reported, pattern))
                return;
        bit_set(m->reported, pattern);
        m->sink->on_match(pattern, m->sink->data);
}

static void report_uses(struct matching *m, const struct matcher_use *uses, uint32_t n) {
        const struct matcher_text *texts = part(m->table, m->table->texts);

        for (uint32_t i = 0; i < n; i++) {
                const struct matcher_text *glob;

                if (uses[i].glob == MATCHER_NONE) {
                        report(m, uses[i].pattern);
                        continue;
                }
                /* Of a cut text globs are asked one by one, later. */
                if (m->cut || bit_get(m->reported, uses[i].pattern))
                        continue;
                glob = &texts[uses[i].glob];
                if (glob_match((const char *)m->table + glob->offset, glob->length, m->bytes, m->length, false) ==
                    TRUTH_TRUE)
                        report(m, uses[i].pattern);
        }
}

static void report_entry(struct matching *m, const struct matcher_entry *entry) {
        const struct matcher_use *uses = part(m->table, m->table->uses);

        report_uses(m, uses + entry->first, entry->n);
}

static void run_exact(struct matching *m) {
        const struct matcher_entry *entries = part(m->table, m->table->exact);
        const uint32_t *slots = part(m->table, m->table->exact_slots);
        uint32_t mask = m->table->exact_slots.n - 1;

        if (!(m->table->exact_lengths >> MIN(m->length, (size_t)63) & 1))
                return;

        for (uint32_t i = matcher_hash(m->bytes, m->length) & mask; slots[i] != 0; i = (i + 1) & mask) {
                const struct matcher_entry *entry = &entries[slots[i] - 1];

                if (entry->length == m->length && memcmp(entry_bytes(m, entry), m->bytes, m->length) == 0) {
                        report_entry(m, entry);
                        return;
                }
        }
}

static bool equal_folded(const char *a, const char *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (matcher_fold(a[i]) != matcher_fold(b[i]))
                        return false;
        return true;
}

static void run_fold(struct matching *m) {
        const struct matcher_entry *entries = part(m->table, m->table->fold);
        const uint32_t *slots = part(m->table, m->table->fold_slots);
        uint32_t mask = m->table->fold_slots.n - 1;

        if (!(m->table->fold_lengths >> MIN(m->length, (size_t)63) & 1))
                return;

        for (uint32_t i = matcher_hash_folded(m->bytes, m->length) & mask; slots[i] != 0; i = (i + 1) & mask) {
                const struct matcher_entry *entry = &entries[slots[i] - 1];

                if (entry->length == m->length && equal_folded(entry_bytes(m, entry), m->bytes, m->length)) {
                        report_entry(m, entry);
                        return;
                }
        }
}

/* Eight bytes at once, in the order in which they are compared: the lowest byte of the answer is the next one. */
static inline uint64_t word_at(const char *bytes, size_t n, size_t from, bool backwards) {
        uint64_t word;

        memcpy(&word, backwards ? bytes + n - from - 8 : bytes + from, sizeof(word));
        return backwards ? __builtin_bswap64(word) : word;
}

/* As far as b, of which the case says nothing, has what a says in small letters. */
static size_t common_folded(const char *a, size_t n_a, const char *b, size_t n_b, size_t from, bool backwards) {
        size_t n = MIN(n_a, n_b), i = MIN(from, n);

        if (backwards)
                while (i < n && (unsigned char)a[n_a - 1 - i] == matcher_fold(b[n_b - 1 - i]))
                        i++;
        else
                while (i < n && (unsigned char)a[i] == matcher_fold(b[i]))
                        i++;
        return i;
}

/* How many bytes two strings have in common, from the start or from the end; the first `from` are known to be. */
static size_t common(const char *a, size_t n_a, const char *b, size_t n_b, size_t from, bool backwards, bool folded) {
        size_t n = MIN(n_a, n_b), i = MIN(from, n);

        if (folded)
                return common_folded(a, n_a, b, n_b, from, backwards);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        for (; i + 8 <= n; i += 8) {
                uint64_t differ = word_at(a, n_a, i, backwards) ^ word_at(b, n_b, i, backwards);

                if (differ != 0)
                        return i + __builtin_ctzll(differ) / 8;
        }
#endif
        if (backwards)
                while (i < n && a[n_a - 1 - i] == b[n_b - 1 - i])
                        i++;
        else
                while (i < n && a[i] == b[i])
                        i++;
        return i;
}

/* How much of an entry the text has, at most `n` bytes; `from` are known to be there. */
static inline bool has_common(const struct matching *m, const struct matcher_entry *entry, size_t from, size_t n,
                              bool backwards) {
        return common(entry_bytes(m, entry), entry->length, m->bytes, m->length, from, backwards, m->table->folded) >=
               n;
}

/* The entries that may have to do with the text, and how much of it they all have; 0: none but perhaps the first. */
static inline uint32_t find_first(const struct matching *m, const struct matcher_entry *entries,
                                  struct matcher_part where, uint32_t all_have, bool backwards,
                                  const struct matcher_first **ret) {
        const struct matcher_first *firsts = part(m->table, where), *first;
        unsigned char next;

        if (m->length <= all_have || !has_common(m, entries, 0, all_have, backwards))
                return 0;
        next = m->bytes[backwards ? m->length - 1 - all_have : all_have];
        first = &firsts[m->table->folded ? matcher_fold(next) : next];
        if (first->n == 0 || m->length < first->common ||
            !has_common(m, &entries[first->first], all_have + 1, first->common, backwards))
                return 0;
        *ret = first;
        return first->common;
}

/* The greatest entry that is not above the text: what is a prefix (suffix) of the text is that entry, or on its chain
 * of links. All entries between two that have so much in common with the text have it too. */
static inline void run_ends(struct matching *m, struct matcher_part where, struct matcher_part firsts,
                            uint32_t all_have, bool backwards) {
        const struct matcher_entry *entries = part(m->table, where);
        const struct matcher_first *first;
        size_t same_low = find_first(m, entries, firsts, all_have, backwards, &first), same_high = same_low;
        bool folded = m->table->folded;
        uint32_t low, high;

        if (same_low == 0) {
                /* Only what is a part of all others can still be there. */
                if (entries->length == all_have && m->length >= all_have &&
                    has_common(m, entries, 0, all_have, backwards))
                        report_entry(m, entries);
                return;
        }
        low = first->first;
        high = low + first->n;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                const struct matcher_entry *entry = &entries[middle];
                const char *bytes = entry_bytes(m, entry);
                size_t same = common(bytes, entry->length, m->bytes, m->length, MIN(same_low, same_high), backwards,
                                     folded);
                bool above;
                unsigned char next;

                if (same == entry->length)
                        above = false;
                else if (same == m->length)
                        above = true;
                else {
                        next = backwards ? m->bytes[m->length - 1 - same] : m->bytes[same];
                        if (folded)
                                next = matcher_fold(next);
                        above = (unsigned char)bytes[backwards ? entry->length - 1 - same : same] > next;
                }

                if (above) {
                        high = middle;
                        same_high = same;
                } else {
                        low = middle + 1;
                        same_low = same;
                }
        }
        if (low == first->first) {
                if (entries->length == all_have)
                        report_entry(m, entries);
                return;
        }

        for (uint32_t i = low - 1; i != MATCHER_NONE; i = entries[i].link)
                if (entries[i].length <= same_low)
                        report_entry(m, &entries[i]);
}

/* Everything that ends here: if one was seen before, so were all behind it. */
static void report_out(struct matching *m, const struct matcher_state *states, uint32_t at) {
        const struct matcher_entry *entries = part(m->table, m->table->literal);

        for (; at != 0; at = states[at].dict) {
                uint32_t entry = states[at].entry;

                if (bit_get(m->seen, entry))
                        return;
                bit_set(m->seen, entry);
                report_entry(m, &entries[entry]);
        }
}

static inline void run_automaton(struct matching *m, bool folded) {
        const struct matcher_state *states = part(m->table, m->table->states);
        const struct matcher_slot *slots = part(m->table, m->table->slots);
        const uint16_t *root = part(m->table, m->table->root);
        uint32_t at = 0;

        for (size_t i = 0; i < m->length; i++) {
                unsigned char c = folded ? matcher_fold(m->bytes[i]) : (unsigned char)m->bytes[i];

                /* Most bytes begin nothing. */
                if (at == 0) {
                        while (root[c] == 0 && ++i < m->length)
                                c = folded ? matcher_fold(m->bytes[i]) : (unsigned char)m->bytes[i];
                        if (i == m->length)
                                return;
                }
                for (;;) {
                        const struct matcher_slot *slot;

                        if (at == 0) {
                                at = root[c];
                                break;
                        }
                        slot = &slots[states[at].base + c];
                        if (slot->owner == at) {
                                at = slot->target;
                                break;
                        }
                        at = states[at].fail;
                }
                if (states[at].out != 0)
                        report_out(m, states, states[at].out);
        }
}

static void run_literals(struct matching *m) {
        if (m->table->folded)
                run_automaton(m, true);
        else
                run_automaton(m, false);
}

static enum truth test_cut(const struct matching *m, const struct matcher_pattern *pattern) {
        const struct matcher_text *texts = part(m->table, m->table->texts);
        struct value value = {.type = VALUE_STRING, .state = VALUE_CUT, .bytes = m->bytes, .length = m->length};
        enum truth answer = TRUTH_FALSE;

        for (uint32_t i = pattern->first; i < pattern->first + pattern->n && answer != TRUTH_TRUE; i++) {
                const char *text = (const char *)m->table + texts[i].offset;
                uint32_t length = texts[i].length;
                enum truth one = TRUTH_FALSE;

                switch ((int)pattern->op) {
                case PREDICATE_STRING:
                case PREDICATE_IN_STRINGS: one = value_is_bytes(&value, text, length); break;
                case PREDICATE_STRING_FOLD: one = value_is_bytes_ignoring_case(&value, text, length); break;
                case PREDICATE_PREFIX: one = value_starts_with(&value, text, length); break;
                case PREDICATE_SUFFIX: one = value_ends_with(&value, text, length); break;
                case PREDICATE_PREFIX_FOLD: one = value_starts_with_ignoring_case(&value, text, length); break;
                case PREDICATE_SUFFIX_FOLD: one = value_ends_with_ignoring_case(&value, text, length); break;
                case PREDICATE_CONTAINS:
                case PREDICATE_CONTAINS_FOLD:
                        one = TRUTH_UNKNOWN;
                        break; /* the automaton did not find it in what is known */
                case PREDICATE_GLOB:
                case PREDICATE_IN_GLOBS: one = glob_match(text, length, m->bytes, m->length, true); break;
                }
                answer = truth_or(answer, one);
        }
        return answer;
}

static void run_cut(struct matching *m) {
        const struct matcher_pattern *patterns = part(m->table, m->table->patterns);

        if (m->table->literal.n > 0)
                run_literals(m);
        for (uint32_t i = 0; i < m->table->n_patterns; i++) {
                if (bit_get(m->reported, i))
                        continue;
                switch (test_cut(m, &patterns[i])) {
                case TRUTH_TRUE: report(m, i); break;
                case TRUTH_UNKNOWN: m->sink->on_open(i, m->sink->data); break;
                case TRUTH_FALSE: break;
                }
        }
}

void matcher_run(const void *table, const char *bytes, size_t length, bool cut, const struct matcher_sink *sink) {
        struct matching m;
        const struct matcher_use *uses;

        m.table = table;
        m.bytes = bytes ? bytes : "";
        m.length = length;
        m.cut = cut;
        m.sink = sink;
        bits_clear(m.reported, m.table->n_patterns);
        bits_clear(m.seen, m.table->literal.n);

        if (cut) {
                run_cut(&m);
                return;
        }

        if (m.table->exact.n > 0)
                run_exact(&m);
        if (m.table->fold.n > 0)
                run_fold(&m);
        if (m.table->prefix.n > 0)
                run_ends(&m, m.table->prefix, m.table->prefix_firsts, m.table->prefix_common, false);
        if (m.table->suffix.n > 0)
                run_ends(&m, m.table->suffix, m.table->suffix_firsts, m.table->suffix_common, true);
        if (m.table->literal.n > 0)
                run_literals(&m);
        if (m.table->loose.n > 0) {
                uses = part(m.table, m.table->loose);
                report_uses(&m, uses, m.table->loose.n);
        }
}

static bool part_in(const struct matcher_table *table, struct matcher_part p, size_t record_size) {
        return p.offset % 4 == 0 && p.offset >= sizeof(*table) && p.offset <= table->size &&
               p.n <= (table->size - p.offset) / record_size;
}

static bool bytes_in(const struct matcher_table *table, uint32_t offset, uint32_t length) {
        return offset <= table->size && length <= table->size - offset;
}

/* Ranges follow each other, so that a run never costs more than the table is large. */
static bool range_next(uint32_t first, uint32_t n, uint32_t *next, uint32_t size) {
        if (first != *next || n > size - *next)
                return false;
        *next += n;
        return true;
}

static bool verify_uses(const struct matcher_table *table, struct matcher_part where) {
        const struct matcher_use *uses = part(table, where);
        const struct matcher_text *texts = part(table, table->texts);

        for (uint32_t i = 0; i < where.n; i++) {
                if (uses[i].pattern >= table->n_patterns)
                        return false;
                if (uses[i].glob == MATCHER_NONE)
                        continue;
                if (uses[i].glob >= table->texts.n || texts[uses[i].glob].length > GLOB_MAX)
                        return false;
        }
        return true;
}

static bool verify_entries(const struct matcher_table *table, struct matcher_part where, uint32_t *next_use) {
        const struct matcher_entry *entries = part(table, where);

        for (uint32_t i = 0; i < where.n; i++)
                if (!bytes_in(table, entries[i].offset, entries[i].length) ||
                    !range_next(entries[i].first, entries[i].n, next_use, table->uses.n) ||
                    (entries[i].link != MATCHER_NONE && entries[i].link >= i))
                        return false;
        return true;
}

/* A power of two, and at least one place empty, where a search ends. */
static bool verify_hash(const struct matcher_table *table, struct matcher_part where, uint32_t n_entries) {
        const uint32_t *slots = part(table, where);
        bool has_empty = false;

        if (n_entries == 0)
                return true;
        if (!is_pow2(where.n))
                return false;
        for (uint32_t i = 0; i < where.n; i++) {
                if (slots[i] > n_entries)
                        return false;
                has_empty = has_empty || slots[i] == 0;
        }
        return has_empty;
}

/* Within the entries, whatever their order: a wrong one hides a match and reaches nowhere else. */
static bool verify_firsts(const struct matcher_table *table, struct matcher_part where, struct matcher_part of,
                          uint32_t all_have) {
        const struct matcher_entry *entries = part(table, of);
        const struct matcher_first *firsts = part(table, where);

        if (of.n == 0)
                return where.n == 0;
        if (where.n != 256 || all_have > entries[0].length)
                return false;
        for (uint32_t i = 0; i < 256; i++)
                if (firsts[i].n > 0 &&
                    (firsts[i].n > of.n || firsts[i].first > of.n - firsts[i].n || firsts[i].common <= all_have ||
                     firsts[i].common > entries[firsts[i].first].length))
                        return false;
        return true;
}

/* Depth grows by one along an edge and falls with every fall-back: so a text costs at most two moves per byte. */
static bool verify_automaton(const struct matcher_table *table) {
        const struct matcher_state *states = part(table, table->states);
        const struct matcher_slot *slots = part(table, table->slots);
        const uint16_t *root = part(table, table->root);
        uint32_t n = table->states.n;

        if (table->literal.n == 0)
                return true;
        if (table->literal.n > MATCHER_MAX_LITERALS || n == 0 || n > MATCHER_MAX_STATES || table->root.n != 256 ||
            table->slots.n < 256)
                return false;
        if (states[0].depth != 0 || states[0].out != 0 || states[0].dict != 0 || states[0].fail != 0)
                return false;

        for (uint32_t i = 1; i < n; i++) {
                const struct matcher_state *state = &states[i];

                if (state->fail >= i || states[state->fail].depth >= state->depth)
                        return false;
                if (state->dict >= i || state->out > i || state->base > table->slots.n - 256)
                        return false;
                if (state->entry != MATCHER_NONE && state->entry >= table->literal.n)
                        return false;
                if ((state->dict != 0 && states[state->dict].entry == MATCHER_NONE) ||
                    (state->out != 0 && states[state->out].entry == MATCHER_NONE))
                        return false;
        }
        for (uint32_t i = 0; i < table->slots.n; i++)
                if (slots[i].owner != 0 && (slots[i].owner >= n || slots[i].target >= n ||
                                            states[slots[i].target].depth != states[slots[i].owner].depth + 1))
                        return false;
        for (uint32_t c = 0; c < 256; c++)
                if (root[c] >= n || (root[c] != 0 && states[root[c]].depth != 1))
                        return false;
        return true;
}

bool matcher_verify(const void *data, size_t size, uint32_t n_patterns) {
        const struct matcher_table *table = data;
        const struct matcher_pattern *patterns;
        const struct matcher_text *texts;
        uint32_t next_text = 0, next_use = 0;

        if (size < sizeof(*table) || table->size != size || table->n_patterns != n_patterns ||
            n_patterns > MATCHER_MAX_PATTERNS)
                return false;
        if (!part_in(table, table->patterns, sizeof(struct matcher_pattern)) || table->patterns.n != n_patterns ||
            !part_in(table, table->texts, sizeof(struct matcher_text)) ||
            !part_in(table, table->uses, sizeof(struct matcher_use)) ||
            !part_in(table, table->exact, sizeof(struct matcher_entry)) ||
            !part_in(table, table->exact_slots, sizeof(uint32_t)) ||
            !part_in(table, table->fold, sizeof(struct matcher_entry)) ||
            !part_in(table, table->fold_slots, sizeof(uint32_t)) ||
            !part_in(table, table->prefix, sizeof(struct matcher_entry)) ||
            !part_in(table, table->suffix, sizeof(struct matcher_entry)) ||
            !part_in(table, table->prefix_firsts, sizeof(struct matcher_first)) ||
            !part_in(table, table->suffix_firsts, sizeof(struct matcher_first)) ||
            !part_in(table, table->literal, sizeof(struct matcher_entry)) ||
            !part_in(table, table->loose, sizeof(struct matcher_use)) ||
            !part_in(table, table->states, sizeof(struct matcher_state)) ||
            !part_in(table, table->slots, sizeof(struct matcher_slot)) ||
            !part_in(table, table->root, sizeof(uint16_t)))
                return false;

        texts = part(table, table->texts);
        for (uint32_t i = 0; i < table->texts.n; i++)
                if (!bytes_in(table, texts[i].offset, texts[i].length))
                        return false;
        patterns = part(table, table->patterns);
        for (uint32_t i = 0; i < n_patterns; i++)
                if (!range_next(patterns[i].first, patterns[i].n, &next_text, table->texts.n))
                        return false;

        return verify_uses(table, table->uses) && verify_uses(table, table->loose) &&
               verify_entries(table, table->exact, &next_use) && verify_entries(table, table->fold, &next_use) &&
               verify_entries(table, table->prefix, &next_use) && verify_entries(table, table->suffix, &next_use) &&
               verify_entries(table, table->literal, &next_use) &&
               verify_firsts(table, table->prefix_firsts, table->prefix, table->prefix_common) &&
               verify_firsts(table, table->suffix_firsts, table->suffix, table->suffix_common) &&
               verify_hash(table, table->exact_slots, table->exact.n) &&
               verify_hash(table, table->fold_slots, table->fold.n) && verify_automaton(table);
}

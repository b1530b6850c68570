/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/strings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/automaton.h"
#include "program/glob.h"

/* What tables leave of the largest program for what comes after them. */
#define TABLES_SPARE ((size_t)8 << 20)

/* How a string is looked for. In the order of the table's entries. */
enum search {
        SEARCH_EXACT,
        SEARCH_FOLD,
        SEARCH_PREFIX,
        SEARCH_SUFFIX,
        SEARCH_LITERAL,
        SEARCH_LOOSE,                   /* always tried */
        _SEARCH_MAX,
};

/* One string of one pattern. */
struct item {
        enum search search;
        struct text text;               /* what is looked for */
        uint32_t pattern;
        uint32_t glob;                  /* in texts: what a hit has to match; or MATCHER_NONE */
};

struct table_builder {
        struct arena *arena;
        const struct strings_pattern *patterns;
        uint32_t n_patterns;
        struct item *items;             /* arena */
        uint32_t n_items;
        struct table_bytes ARRAY_BODY(char) out;        /* the table */
        int error;
};

/* Letters in small: so are those of the text when they are compared. */
static struct text text_fold(struct table_builder *b, struct text text) {
        char *folded = arena_alloc(b->arena, text.length + 1);

        if (!folded) {
                b->error = -ENOMEM;
                return (struct text){.bytes = ""};
        }
        for (size_t i = 0; i < text.length; i++)
                folded[i] = (char)matcher_fold(text.bytes[i]);
        return (struct text){.bytes = folded, .length = text.length};
}

/* A glob is tried where the longest literal that it requires was found, where that may stand. */
static void item_classify_glob(struct table_builder *b, struct item *item, struct text glob) {
        char *literal = arena_alloc(b->arena, GLOB_MAX);
        enum glob_place place;

        if (!literal) {
                b->error = -ENOMEM;
                return;
        }
        item->text = (struct text){.bytes = literal, .length = glob_literal(glob.bytes, glob.length, literal, &place)};
        if (item->text.length == 0) {
                item->search = SEARCH_LOOSE;
                return;
        }
        switch (place) {
        case GLOB_WHOLE: item->search = SEARCH_EXACT; return;
        case GLOB_PREFIX: item->search = SEARCH_PREFIX; return;
        case GLOB_SUFFIX: item->search = SEARCH_SUFFIX; return;
        case GLOB_INSIDE: item->search = SEARCH_LITERAL; return;
        }
}

static void item_classify(struct table_builder *b, struct item *item, enum predicate_op op, struct text text,
                          uint32_t number) {
        item->text = text;
        item->glob = MATCHER_NONE;
        switch ((int)op) {
        case PREDICATE_STRING:
        case PREDICATE_IN_STRINGS: item->search = SEARCH_EXACT; return;
        case PREDICATE_PREFIX: item->search = SEARCH_PREFIX; return;
        case PREDICATE_SUFFIX: item->search = SEARCH_SUFFIX; return;
        case PREDICATE_CONTAINS: item->search = SEARCH_LITERAL; return;
        case PREDICATE_PREFIX_FOLD:
        case PREDICATE_SUFFIX_FOLD:
        case PREDICATE_CONTAINS_FOLD:
                item->search = op == PREDICATE_PREFIX_FOLD   ? SEARCH_PREFIX
                               : op == PREDICATE_SUFFIX_FOLD ? SEARCH_SUFFIX
                                                             : SEARCH_LITERAL;
                item->text = text_fold(b, text);
                return;
        case PREDICATE_STRING_FOLD:
                item->search = SEARCH_FOLD;
                item->text = text_fold(b, text);
                return;
        default:
                item->glob = number;
                item_classify_glob(b, item, text);
        }
}

static int text_compare(struct text a, struct text b, bool backwards) {
        size_t n = MIN(a.length, b.length);
        int order = 0;

        if (!backwards)
                order = n > 0 ? memcmp(a.bytes, b.bytes, n) : 0;
        else
                for (size_t i = 1; i <= n && order == 0; i++)
                        order = (unsigned char)a.bytes[a.length - i] - (unsigned char)b.bytes[b.length - i];
        return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int item_compare(const void *a, const void *b) {
        const struct item *x = a, *y = b;
        int order;

        if (x->search != y->search)
                return x->search < y->search ? -1 : 1;
        order = text_compare(x->text, y->text, x->search == SEARCH_SUFFIX);
        if (order != 0)
                return order;
        if (x->pattern != y->pattern)
                return x->pattern < y->pattern ? -1 : 1;
        return (x->glob > y->glob) - (x->glob < y->glob);
}

/* Room for n records at the end of the table. Offsets are multiples of 4. NULL: no memory. */
static void *part_add(struct table_builder *b, struct matcher_part *part, size_t n, size_t record_size) {
        size_t at = ALIGN_UP(b->out.n, (size_t)4), end = at + n * record_size;

        if (b->error < 0)
                return NULL;
        if (array_reserve(&b->out, end + 4) < 0) {
                b->error = -ENOMEM;
                return NULL;
        }
        memset(b->out.items + b->out.n, 0, end - b->out.n);
        b->out.n = end;
        *part = (struct matcher_part){.offset = at, .n = n};
        return b->out.items + at;
}

static uint32_t bytes_add(struct table_builder *b, struct text text) {
        uint32_t at = b->out.n;

        if (b->error < 0)
                return 0;
        if (array_reserve(&b->out, b->out.n + text.length + 1) < 0) {
                b->error = -ENOMEM;
                return 0;
        }
        if (text.length > 0)
                memcpy(b->out.items + at, text.bytes, text.length);
        b->out.n += text.length;
        return at;
}

/* Items that look for the same string are one entry. */
static uint32_t entries_count(const struct table_builder *b, uint32_t first, uint32_t end) {
        uint32_t n = 0;

        for (uint32_t i = first; i < end; i++)
                if (i == first || text_compare(b->items[i - 1].text, b->items[i].text, false) != 0)
                        n++;
        return n;
}

static bool text_begins(struct text text, struct text with, bool backwards) {
        if (with.length > text.length)
                return false;
        return memcmp(text.bytes + (backwards ? text.length - with.length : 0), with.bytes, with.length) == 0;
}

struct table_entries {
        struct matcher_part part;
        struct text *texts;             /* arena */
};

/* The entries of the items [first, end), all of one kind of search; the items' numbers are those of their uses. */
static void entries_write(struct table_builder *b, uint32_t first, uint32_t end, struct table_entries *ret) {
        uint32_t n = entries_count(b, first, end), at = 0;
        bool backwards = first < end && b->items[first].search == SEARCH_SUFFIX;
        struct matcher_entry *entries, *copy;
        uint32_t *stack, n_stack = 0;

        entries = arena_new_array(b->arena, struct matcher_entry, n);
        stack = arena_new_array(b->arena, uint32_t, n);
        ret->texts = arena_new_array(b->arena, struct text, n);
        if (!entries || !stack || !ret->texts) {
                b->error = -ENOMEM;
                return;
        }

        for (uint32_t i = first; i < end; at++) {
                struct matcher_entry *entry = &entries[at];
                struct text text = b->items[i].text;

                ret->texts[at] = text;
                *entry = (struct matcher_entry){
                        .offset = bytes_add(b, text), .length = text.length, .first = i, .link = MATCHER_NONE};
                while (i < end && text_compare(b->items[i].text, text, false) == 0) {
                        entry->n++;
                        i++;
                }

                /* In this order everything that begins the text lies on the stack, the longest on top. */
                while (n_stack > 0 && !text_begins(text, ret->texts[stack[n_stack - 1]], backwards))
                        n_stack--;
                if (n_stack > 0)
                        entry->link = stack[n_stack - 1];
                stack[n_stack++] = at;
        }
        copy = part_add(b, &ret->part, n, sizeof(*entries));
        if (copy && n > 0)
                memcpy(copy, entries, n * sizeof(*entries));
}

static uint32_t text_common(struct text a, struct text b, bool backwards) {
        uint32_t n = MIN(a.length, b.length), i = 0;

        while (i < n && (backwards ? a.bytes[a.length - 1 - i] == b.bytes[b.length - 1 - i] : a.bytes[i] == b.bytes[i]))
                i++;
        return i;
}

/* In order: what the first and the last of some have in common is what all of them have. */
static void firsts_write(struct table_builder *b, const struct table_entries *entries, bool backwards,
                         struct matcher_part *ret, uint32_t *ret_common) {
        uint32_t n = entries->part.n, all_have, end;
        struct matcher_first *firsts = part_add(b, ret, n > 0 ? 256 : 0, sizeof(*firsts));

        if (!firsts || n == 0)
                return;
        all_have = text_common(entries->texts[0], entries->texts[n - 1], backwards);
        for (uint32_t i = entries->texts[0].length == all_have; i < n; i = end) {
                struct text text = entries->texts[i];

                for (end = i + 1; end < n && text_common(text, entries->texts[end], backwards) > all_have;)
                        end++;
                firsts[(unsigned char)text.bytes[backwards ? text.length - 1 - all_have : all_have]] =
                        (struct matcher_first){.first = i,
                                               .n = end - i,
                                               .common = text_common(text, entries->texts[end - 1], backwards)};
        }
        *ret_common = all_have;
}

static void slots_write(struct table_builder *b, const struct table_entries *entries, bool folded,
                        struct matcher_part *ret, uint64_t *ret_lengths) {
        uint32_t n = entries->part.n > 0 ? (uint32_t)round_up_pow2(2 * (uint64_t)entries->part.n) : 0;
        uint32_t *slots = part_add(b, ret, n, sizeof(uint32_t));

        if (!slots)
                return;
        for (uint32_t i = 0; i < entries->part.n; i++) {
                struct text text = entries->texts[i];
                uint32_t at = (folded ? matcher_hash_folded(text.bytes, text.length)
                                      : matcher_hash(text.bytes, text.length)) &
                              (n - 1);

                while (slots[at] != 0)
                        at = (at + 1) & (n - 1);
                slots[at] = i + 1;
                *ret_lengths |= UINT64_C(1) << MIN(text.length, (size_t)63);
        }
}

static void automaton_write(struct table_builder *b, const struct table_entries *entries, struct matcher_table *table) {
        struct automaton_literal *literals;
        struct automaton automaton;
        void *at;

        literals = arena_new_array(b->arena, struct automaton_literal, entries->part.n);
        if (!literals) {
                b->error = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < entries->part.n; i++)
                literals[i] = (struct automaton_literal){.bytes = entries->texts[i].bytes,
                                                         .length = entries->texts[i].length};
        if (automaton_build(b->arena, literals, entries->part.n, &automaton) < 0) {
                b->error = -ENOMEM;
                return;
        }

        at = part_add(b, &table->states, automaton.n_states, sizeof(struct matcher_state));
        if (at)
                memcpy(at, automaton.states, automaton.n_states * sizeof(struct matcher_state));
        at = part_add(b, &table->slots, automaton.n_slots, sizeof(struct matcher_slot));
        if (at)
                memcpy(at, automaton.slots, automaton.n_slots * sizeof(struct matcher_slot));
        at = part_add(b, &table->root, 256, sizeof(uint16_t));
        if (at)
                memcpy(at, automaton.root, sizeof(automaton.root));
}

static void uses_write(struct table_builder *b, uint32_t first, uint32_t end, struct matcher_part *ret) {
        struct matcher_use *uses = part_add(b, ret, end - first, sizeof(*uses));

        if (!uses)
                return;
        for (uint32_t i = first; i < end; i++)
                uses[i - first] = (struct matcher_use){.pattern = b->items[i].pattern, .glob = b->items[i].glob};
}

/* What each pattern is by itself. */
static void patterns_write(struct table_builder *b, struct matcher_table *table, uint32_t n_texts) {
        struct matcher_pattern *patterns;
        struct matcher_text *texts, *copy;
        uint32_t at = 0;

        texts = arena_new_array(b->arena, struct matcher_text, n_texts);
        patterns = part_add(b, &table->patterns, b->n_patterns, sizeof(*patterns));
        if (!patterns || !texts) {
                b->error = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < b->n_patterns; i++) {
                patterns[i] =
                        (struct matcher_pattern){.op = b->patterns[i].op, .first = at, .n = b->patterns[i].n_texts};
                at += b->patterns[i].n_texts;
        }
        at = 0;
        for (uint32_t i = 0; i < b->n_patterns; i++)
                for (size_t k = 0; k < b->patterns[i].n_texts; k++, at++)
                        texts[at] = (struct matcher_text){.offset = bytes_add(b, b->patterns[i].texts[k]),
                                                          .length = b->patterns[i].texts[k].length};
        copy = part_add(b, &table->texts, n_texts, sizeof(*texts));
        if (copy && n_texts > 0)
                memcpy(copy, texts, n_texts * sizeof(*texts));
}

static void table_write(struct table_builder *b, uint32_t n_texts) {
        struct matcher_table table = {
                .n_patterns = b->n_patterns,
                .folded = b->n_patterns > 0 && strings_are_folded(b->patterns[0].op),
        };
        struct table_entries entries[_SEARCH_MAX] = {};
        uint32_t ends[_SEARCH_MAX], first = 0;

        if (array_reserve(&b->out, sizeof(table)) < 0) {
                b->error = -ENOMEM;
                return;
        }
        memset(b->out.items, 0, sizeof(table));
        b->out.n = sizeof(table);

        patterns_write(b, &table, n_texts);
        for (int search = 0; search < _SEARCH_MAX; search++) {
                uint32_t end = first;

                while (end < b->n_items && (int)b->items[end].search == search)
                        end++;
                ends[search] = end;
                if (search < SEARCH_LOOSE && b->error == 0)
                        entries_write(b, first, end, &entries[search]);
                first = end;
        }
        uses_write(b, 0, ends[SEARCH_LITERAL], &table.uses);
        uses_write(b, ends[SEARCH_LITERAL], ends[SEARCH_LOOSE], &table.loose);
        firsts_write(b, &entries[SEARCH_PREFIX], false, &table.prefix_firsts, &table.prefix_common);
        firsts_write(b, &entries[SEARCH_SUFFIX], true, &table.suffix_firsts, &table.suffix_common);
        slots_write(b, &entries[SEARCH_EXACT], false, &table.exact_slots, &table.exact_lengths);
        slots_write(b, &entries[SEARCH_FOLD], true, &table.fold_slots, &table.fold_lengths);
        if (entries[SEARCH_LITERAL].part.n > 0)
                automaton_write(b, &entries[SEARCH_LITERAL], &table);
        else {
                part_add(b, &table.states, 0, 1);
                part_add(b, &table.slots, 0, 1);
                part_add(b, &table.root, 0, 1);
        }
        if (b->error < 0)
                return;

        table.exact = entries[SEARCH_EXACT].part;
        table.fold = entries[SEARCH_FOLD].part;
        table.prefix = entries[SEARCH_PREFIX].part;
        table.suffix = entries[SEARCH_SUFFIX].part;
        table.literal = entries[SEARCH_LITERAL].part;
        table.size = b->out.n;
        memcpy(b->out.items, &table, sizeof(table));
}

bool strings_fit(const struct strings_pattern *patterns, size_t n) {
        size_t n_literals = 0, n_bytes = 1;

        if (n > MATCHER_MAX_PATTERNS)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (patterns[i].op != PREDICATE_CONTAINS && patterns[i].op != PREDICATE_CONTAINS_FOLD &&
                    patterns[i].op != PREDICATE_GLOB && patterns[i].op != PREDICATE_IN_GLOBS)
                        continue;
                for (size_t k = 0; k < patterns[i].n_texts; k++) {
                        n_literals++;
                        n_bytes += patterns[i].texts[k].length;
                }
        }
        return n_literals <= MATCHER_MAX_LITERALS && n_bytes <= MATCHER_MAX_STATES;
}

int strings_table(struct arena *arena, const struct strings_pattern *patterns, size_t n, void **ret, size_t *ret_size) {
        struct table_builder b = {.arena = arena, .patterns = patterns, .n_patterns = n};
        uint32_t n_texts = 0;

        for (size_t i = 0; i < n; i++) {
                assert(strings_are_folded(patterns[i].op) == strings_are_folded(patterns[0].op));
                n_texts += patterns[i].n_texts;
        }
        b.items = arena_new_array(arena, struct item, n_texts);
        if (!b.items)
                return -ENOMEM;

        for (uint32_t i = 0; i < n; i++)
                for (size_t k = 0; k < patterns[i].n_texts; k++, b.n_items++) {
                        b.items[b.n_items].pattern = i;
                        item_classify(&b, &b.items[b.n_items], patterns[i].op, patterns[i].texts[k], b.n_items);
                }
        qsort(b.items, b.n_items, sizeof(*b.items), item_compare);

        if (b.error == 0)
                table_write(&b, n_texts);
        if (b.error < 0) {
                array_done(&b.out);
                return b.error;
        }
        *ret = b.out.items;
        *ret_size = b.out.n;
        return 0;
}

/* Fields that every event or its actor has at hand; and strings that say something: the empty prefix is true of
 * everything. */
static bool is_candidate(const struct compilation *c, uint32_t i) {
        const struct predicate *predicate = &c->out.predicates.items[i];

        if (predicate->op < PREDICATE_STRING || predicate->op > PREDICATE_IN_GLOBS || c->predicates.items[i].kinds == 0)
                return false;
        if (predicate->subject != SUBJECT_EVENT && predicate->subject != SUBJECT_PROCESS)
                return false;
        if (predicate->op == PREDICATE_PREFIX || predicate->op == PREDICATE_SUFFIX ||
            predicate->op == PREDICATE_CONTAINS || strings_are_folded((enum predicate_op)predicate->op))
                return predicate->string.length > 0;
        return true;
}

/* What first steps are filed under is decided for every event, so it has a table by itself. What is found in an image
 * of a process is remembered with it: there one table is enough. */
static bool is_first(const struct compilation *c, uint32_t i) {
        return compilation_does(c, COMPILE_PASS_SPLIT) && c->predicates.items[i].begins &&
               c->out.predicates.items[i].subject == SUBJECT_EVENT;
}

static int candidate_compare(const void *a, const void *b, void *data) {
        const struct compilation *c = data;
        uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
        const struct predicate *x = &c->out.predicates.items[i], *y = &c->out.predicates.items[k];

        if (x->field != y->field)
                return x->field < y->field ? -1 : 1;
        if (x->subject != y->subject)
                return x->subject < y->subject ? -1 : 1;
        if (x->index != y->index)
                return x->index < y->index ? -1 : 1;
        if (strings_are_folded((enum predicate_op)x->op) != strings_are_folded((enum predicate_op)y->op))
                return strings_are_folded((enum predicate_op)x->op) ? 1 : -1;
        if (is_first(c, i) != is_first(c, k))
                return is_first(c, i) ? -1 : 1;
        return (i > k) - (i < k);
}

static bool pattern_of(struct compilation *c, uint32_t i, struct strings_pattern *ret) {
        const struct predicate *predicate = &c->out.predicates.items[i];
        bool is_list = predicate->op == PREDICATE_IN_STRINGS || predicate->op == PREDICATE_IN_GLOBS;
        struct text *texts;

        ret->op = (enum predicate_op)predicate->op;
        ret->n_texts = is_list ? predicate->list.n : 1;
        ret->texts = texts = arena_new_array(&c->arena, struct text, ret->n_texts);
        if (!texts) {
                assembly_note(&c->out, -ENOMEM);
                return false;
        }
        for (size_t k = 0; k < ret->n_texts; k++) {
                struct program_string string =
                        is_list ? c->out.texts.items[predicate->list.first + k] : predicate->string;

                texts[k] = (struct text){.bytes = c->out.bytes.items + string.offset, .length = string.length};
        }
        return true;
}

/* One table for predicates of one field: as many as there is room for. */
static void build_matcher(struct compilation *c, const uint32_t *candidates, uint32_t n) {
        const struct predicate *first = &c->out.predicates.items[candidates[0]];
        struct matcher_ref matcher = {
                .field = first->field,
                .subject = first->subject,
                .index = first->index,
                .predicates = {.first = c->out.matched.n},
        };
        struct strings_pattern *patterns = arena_new_array(&c->arena, struct strings_pattern, n);
        size_t size;
        void *table;

        if (!patterns) {
                assembly_note(&c->out, -ENOMEM);
                return;
        }
        for (uint32_t i = 0; i < n; i++)
                if (!pattern_of(c, candidates[i], &patterns[i]))
                        return;
        for (uint32_t i = 0; i < n; i++)
                c->predicates.items[candidates[i]].matched = false;
        while (!strings_fit(patterns, n))
                n -= n / 8 + 1;
        if (n == 0)
                return;

        if (strings_table(&c->arena, patterns, n, &table, &size) < 0) {
                assembly_note(&c->out, -ENOMEM);
                return;
        }
        /* Without a table they are decided one by one: slower, and better than not at all. */
        if (assembly_size(&c->out) + size > PROGRAM_MAX_BYTES - TABLES_SPARE) {
                free(table);
                return;
        }
        for (uint32_t i = 0; i < n; i++) {
                struct predicate_info *info = &c->predicates.items[candidates[i]];

                info->matched = true;
                matcher.kinds |= info->kinds;
                ASSEMBLY_ADD(&c->out, matched, (struct uint32_t_){candidates[i]});
        }
        matcher.predicates.n = n;
        matcher.table = assembly_blob(&c->out, table, size);
        ASSEMBLY_ADD(&c->out, matchers, matcher);
        free(table);
}

void strings_find_candidates(struct compilation *c) {
        if (c->out.error < 0)
                return;

        for (uint32_t i = 0; i < c->predicates.n; i++)
                c->predicates.items[i].matched = compilation_does(c, COMPILE_PASS_MATCH) && is_candidate(c, i);
}

/* Do two predicates belong into one table? */
static bool is_together(const struct compilation *c, uint32_t i, uint32_t k) {
        const struct predicate *x = &c->out.predicates.items[i], *y = &c->out.predicates.items[k];

        return x->field == y->field && x->subject == y->subject && x->index == y->index &&
               strings_are_folded((enum predicate_op)x->op) == strings_are_folded((enum predicate_op)y->op) &&
               is_first(c, i) == is_first(c, k);
}

static void count_passes(struct compilation *c) {
        for (uint32_t i = 0; i < c->predicates.n; i++) {
                enum predicate_op op = (enum predicate_op)c->out.predicates.items[i].op;

                if (op >= PREDICATE_STRING && op <= PREDICATE_IN_GLOBS)
                        compilation_count(c, COMPILE_PASS_MATCH, 1, !c->predicates.items[i].matched);
        }
        ARRAY_FOREACH(matcher, &c->out.matchers) {
                const struct uint32_t_ *of = &c->out.matched.items[matcher->predicates.first];
                bool always = false;

                for (uint32_t i = 0; i < matcher->predicates.n; i++)
                        always = always || c->predicates.items[of[i].value].begins;
                compilation_count(c, COMPILE_PASS_SPLIT, matcher->predicates.n, always ? matcher->predicates.n : 0);
        }
}

void strings_build_matchers(struct compilation *c) {
        uint32_t *candidates, n = 0;

        if (c->out.error < 0)
                return;

        candidates = arena_new_array(&c->arena, uint32_t, c->predicates.n);
        if (!candidates) {
                assembly_note(&c->out, -ENOMEM);
                return;
        }
        for (uint32_t i = 0; i < c->predicates.n; i++)
                if (c->predicates.items[i].matched)
                        candidates[n++] = i;
        qsort_r(candidates, n, sizeof(*candidates), candidate_compare, c);

        for (uint32_t first = 0, end; first < n; first = end) {
                for (end = first + 1; end < n && is_together(c, candidates[first], candidates[end]); end++)
                        ;
                build_matcher(c, candidates + first, end - first);
                if (c->out.error < 0)
                        return;
        }
        count_passes(c);
}

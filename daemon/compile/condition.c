/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a comparison costs: numbers are at hand, strings are found by matchers, regexes have to be run; what looks at
 * captures is asked once per run and not once per event. */
enum {
        COST_NUMBER = 1,
        COST_STRING = 4,
        COST_GLOB = 8,
        COST_PROCESS = 2,               /* more, for a field of a process */
        COST_ANCESTORS = 100,
        COST_REGEX = 400,
        COST_GUARD = 1000,
        COST_MAX = 1 << 20,
};

static uint32_t note(struct compilation *c, int r) {
        assembly_note(&c->out, r);
        return 0;
}

static uint32_t condition_add(struct compilation *c, struct condition condition, struct condition_info info) {
        uint32_t number = ASSEMBLY_ADD(&c->out, conditions, condition);

        assembly_note(&c->out, array_push(&c->conditions, info));
        return number;
}

/* Conditions are found again by what they are made of. */
struct condition_key {
        uint32_t op, n;
        uint32_t args[];
};

static struct shared_number *condition_share(struct compilation *c, enum condition_op op, const uint32_t *args,
                                             uint32_t n) {
        size_t size = sizeof(struct condition_key) + n * sizeof(uint32_t);
        uint32_t small[64];
        struct condition_key *key = (struct condition_key *)small;

        if (size > sizeof(small)) {
                key = arena_alloc(&c->arena, size);
                if (!key)
                        return NULL;
        }
        key->op = op;
        key->n = n;
        if (n > 0)
                memcpy(key->args, args, n * sizeof(uint32_t));
        return compilation_share(c, &c->known_conditions, key, size);
}

static struct siphash128 condition_hash(enum condition_op op, const struct siphash128 *children, size_t n) {
        struct siphash s;

        hash_begin(&s);
        siphash_add_u64(&s, op);
        for (size_t i = 0; i < n; i++) {
                siphash_add_u64(&s, children[i].low);
                siphash_add_u64(&s, children[i].high);
        }
        return siphash_end128(&s);
}

static uint32_t constant(struct compilation *c, enum condition_op op) {
        struct shared_number *shared = condition_share(c, op, NULL, 0);

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number == PROGRAM_NONE)
                shared->number =
                        condition_add(c, (struct condition){.op = op, .run_free = true},
                                      (struct condition_info){.hash = condition_hash(op, NULL, 0), .nodes = 1});
        return shared->number;
}

uint32_t condition_true(struct compilation *c) {
        return constant(c, CONDITION_TRUE);
}

uint32_t condition_false(struct compilation *c) {
        return constant(c, CONDITION_FALSE);
}

static inline enum condition_op op_of(const struct compilation *c, uint32_t condition) {
        return (enum condition_op)c->out.conditions.items[condition].op;
}

uint32_t condition_not(struct compilation *c, uint32_t child) {
        struct shared_number *shared;
        struct condition of;
        struct condition_info info;

        if (c->out.error < 0)
                return 0;
        of = c->out.conditions.items[child];
        if (of.op == CONDITION_NOT)
                return of.args.first;
        if (of.op == CONDITION_TRUE)
                return condition_false(c);
        if (of.op == CONDITION_FALSE)
                return condition_true(c);

        shared = condition_share(c, CONDITION_NOT, &child, 1);
        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;

        info = c->conditions.items[child];
        info.hash = condition_hash(CONDITION_NOT, &info.hash, 1);
        info.nodes++;
        shared->number = condition_add(c,
                                       (struct condition){
                                               .op = CONDITION_NOT,
                                               .run_free = of.run_free,
                                               .depth = of.depth + 1,
                                               .args = {.first = child},
                                       },
                                       info);
        return shared->number;
}

uint32_t condition_ancestor(struct compilation *c, uint32_t child) {
        struct shared_number *shared;
        struct condition_info info;

        if (c->out.error < 0)
                return 0;
        shared = condition_share(c, CONDITION_ANCESTOR, &child, 1);
        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;

        info = c->conditions.items[child];
        info.hash = condition_hash(CONDITION_ANCESTOR, &info.hash, 1);
        info.nodes++;
        info.cost = MIN(info.cost + COST_ANCESTORS, (uint32_t)COST_MAX);
        shared->number = condition_add(c,
                                       (struct condition){
                                               .op = CONDITION_ANCESTOR,
                                               .run_free = info.slots == 0,
                                               .depth = c->out.conditions.items[child].depth + 1,
                                               .args = {.first = child},
                                       },
                                       info);
        return shared->number;
}

struct order_entry {
        uint32_t cost, number;
};

static int order_compare(const void *a, const void *b) {
        const struct order_entry *x = a, *y = b;

        if (x->cost != y->cost)
                return x->cost < y->cost ? -1 : 1;
        return (x->number > y->number) - (x->number < y->number);
}

static int hash_compare(const void *a, const void *b) {
        const struct siphash128 *x = a, *y = b;

        if (x->high != y->high)
                return x->high < y->high ? -1 : 1;
        return (x->low > y->low) - (x->low < y->low);
}

/* Children that are of the same operation bring their own in their place; equal ones come once; the cheap ones first.
 */
static size_t children_simplify(struct compilation *c, enum condition_op op, const uint32_t *children, size_t n,
                                struct order_entry *ret) {
        bool orders = compilation_does(c, COMPILE_PASS_ORDER), as_written = true;
        size_t k = 0, unique = 0;

        for (size_t i = 0; i < n; i++) {
                struct condition child = c->out.conditions.items[children[i]];

                if (child.op != op) {
                        ret[k++].number = children[i];
                        continue;
                }
                for (uint32_t j = 0; j < child.args.n; j++)
                        ret[k++].number = c->out.children.items[child.args.first + j].value;
        }

        for (size_t i = 0; i < k; i++) {
                ret[i].cost = orders ? c->conditions.items[ret[i].number].cost : 0;
                as_written = as_written && (i == 0 || order_compare(&ret[i - 1], &ret[i]) <= 0);
        }
        qsort(ret, k, sizeof(*ret), order_compare);
        for (size_t i = 0; i < k; i++)
                if (i == 0 || ret[i].number != ret[unique - 1].number)
                        ret[unique++] = ret[i];
        if (unique > 1)
                compilation_count(c, COMPILE_PASS_ORDER, 1, as_written || !orders);
        return unique;
}

static uint32_t nary_new(struct compilation *c, enum condition_op op, const uint32_t *children, size_t n,
                         struct shared_number *shared) {
        struct condition condition = {.op = op, .run_free = true, .args = {.first = c->out.children.n, .n = n}};
        struct condition_info info = {.nodes = 1};
        struct siphash128 *hashes;
        unsigned depth = 0;
        size_t n_hashes = 0;

        hashes = arena_new_array(&c->arena, struct siphash128, n);
        if (!hashes)
                return note(c, -ENOMEM);

        for (size_t i = 0; i < n; i++) {
                const struct condition *child = &c->out.conditions.items[children[i]];
                const struct condition_info *of = &c->conditions.items[children[i]];

                condition.run_free = condition.run_free && child->run_free;
                depth = MAX(depth, child->depth + 1U);
                info.nodes = MIN(info.nodes + of->nodes, (uint32_t)PROGRAM_MAX_NODES + 1);
                info.slots |= of->slots;
                info.cost = MIN(info.cost + of->cost, (uint32_t)COST_MAX);
                hashes[i] = of->hash;
                ASSEMBLY_ADD(&c->out, children, (struct uint32_t_){children[i]});
        }
        condition.depth = depth;

        /* The hash is that of the set: which numbers the children have, and whether equal ones were found to be equal,
         * is no part of it. */
        qsort(hashes, n, sizeof(*hashes), hash_compare);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || hash_compare(&hashes[i], &hashes[n_hashes - 1]) != 0)
                        hashes[n_hashes++] = hashes[i];
        info.hash = n_hashes == 1 ? hashes[0] : condition_hash(op, hashes, n_hashes);

        shared->number = condition_add(c, condition, info);
        return shared->number;
}

static uint32_t nary(struct compilation *c, enum condition_op op, const uint32_t *children, size_t n) {
        enum condition_op neutral = op == CONDITION_AND ? CONDITION_TRUE : CONDITION_FALSE;
        enum condition_op dominant = op == CONDITION_AND ? CONDITION_FALSE : CONDITION_TRUE;
        struct shared_number *shared;
        struct order_entry *order;
        uint32_t *kept;
        size_t n_kept = 0, n_room = 0;

        if (c->out.error < 0)
                return 0;

        kept = arena_new_array(&c->arena, uint32_t, n);
        if (!kept)
                return note(c, -ENOMEM);
        for (size_t i = 0; i < n; i++) {
                if (op_of(c, children[i]) == dominant)
                        return children[i];
                if (op_of(c, children[i]) == neutral)
                        continue;
                kept[n_kept++] = children[i];
                n_room += op_of(c, children[i]) == op ? c->out.conditions.items[children[i]].args.n : 1;
        }
        if (n_kept == 0)
                return constant(c, neutral);

        order = arena_new_array(&c->arena, struct order_entry, n_room);
        if (!order)
                return note(c, -ENOMEM);
        n = children_simplify(c, op, kept, n_kept, order);
        if (n == 1)
                return order[0].number;

        kept = arena_new_array(&c->arena, uint32_t, n);
        if (!kept)
                return note(c, -ENOMEM);
        for (size_t i = 0; i < n; i++)
                kept[i] = order[i].number;

        shared = condition_share(c, op, kept, n);
        if (!shared)
                return note(c, -ENOMEM);
        return shared->number != PROGRAM_NONE ? shared->number : nary_new(c, op, kept, n, shared);
}

uint32_t condition_all(struct compilation *c, const uint32_t *children, size_t n) {
        return nary(c, CONDITION_AND, children, n);
}

uint32_t condition_any(struct compilation *c, const uint32_t *children, size_t n) {
        return nary(c, CONDITION_OR, children, n);
}

static uint32_t predicate_cost(const struct predicate *predicate) {
        uint32_t cost = predicate->subject == SUBJECT_ANCESTOR ? COST_ANCESTORS
                      : predicate->subject != SUBJECT_EVENT    ? COST_PROCESS
                                                               : 0;

        if (predicate->op == PREDICATE_REGEX)
                return cost + COST_REGEX;
        if (predicate->op == PREDICATE_GLOB || predicate->op == PREDICATE_IN_GLOBS)
                return cost + COST_GLOB;
        return cost +
               (predicate->op >= PREDICATE_STRING && predicate->op <= PREDICATE_IN_STRINGS ? COST_STRING : COST_NUMBER);
}

/* A condition that is one predicate or guard. Leaves are shared by the table of what they hold, so their condition goes
 * with them. */
static uint32_t leaf(struct compilation *c, enum condition_op op, uint32_t arg, bool run_free,
                     struct condition_info info) {
        info.nodes = 1;
        return condition_add(c, (struct condition){.op = op, .run_free = run_free, .args = {.first = arg}}, info);
}

/* Predicates are found again by their record, which is its own key: strings and regexes in it are shared already; lists
 * are keyed by their contents. */
static uint32_t predicate_new(struct compilation *c, struct predicate predicate, const struct siphash128 *operand,
                              struct shared_number *shared) {
        struct predicate_info info = {};
        struct siphash s;
        uint32_t number;

        hash_begin(&s);
        siphash_add_u64(&s, predicate.field);
        siphash_add_u64(&s, (uint64_t)predicate.subject << 32 | predicate.op);
        siphash_add_u64(&s, (uint64_t)(int64_t)predicate.index);
        siphash_add_u64(&s, operand->low);
        siphash_add_u64(&s, operand->high);
        info.hash = siphash_end128(&s);

        number = ASSEMBLY_ADD(&c->out, predicates, predicate);
        assembly_note(&c->out, array_push(&c->predicates, info));
        shared->number = leaf(c, CONDITION_PREDICATE, number, predicate.subject != SUBJECT_EACH,
                              (struct condition_info){.hash = info.hash, .cost = predicate_cost(&predicate)});
        return shared->number;
}

static struct predicate predicate_of(struct subject_field field, enum predicate_op op) {
        return (struct predicate){.field = field.field, .subject = field.subject, .op = op, .index = field.index};
}

/* `operand`: the bytes that say what it compares with. */
struct predicate_key {
        uint16_t field;
        uint8_t subject, op;
        int16_t index;
        uint16_t pad;
        struct siphash128 operand;
};

static struct shared_number *predicate_share(struct compilation *c, struct subject_field field, enum predicate_op op,
                                             const struct siphash128 *operand) {
        struct predicate_key key = {
                .field = field.field, .subject = field.subject, .op = op, .index = field.index, .operand = *operand};

        return compilation_share(c, &c->known_predicates, &key, sizeof(key));
}

uint32_t condition_number(struct compilation *c, struct subject_field field, enum predicate_op op, int64_t number) {
        struct siphash128 operand = {.low = (uint64_t)number};
        struct predicate predicate = predicate_of(field, op);
        struct shared_number *shared = predicate_share(c, field, op, &operand);

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;
        predicate.number = number;
        return predicate_new(c, predicate, &operand, shared);
}

static struct siphash128 hash_of_text(const char *bytes, size_t length) {
        struct siphash s;

        hash_begin(&s);
        hash_add_text(&s, bytes, length);
        return siphash_end128(&s);
}

uint32_t condition_string(struct compilation *c, struct subject_field field, enum predicate_op op, const char *bytes,
                          size_t length) {
        struct siphash128 operand = hash_of_text(bytes, length);
        struct predicate predicate = predicate_of(field, op);
        struct shared_number *shared = predicate_share(c, field, op, &operand);

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;
        predicate.string = assembly_string(&c->out, bytes, length);
        return predicate_new(c, predicate, &operand, shared);
}

static int number_compare(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

uint32_t condition_in_numbers(struct compilation *c, struct subject_field field, int64_t *numbers, size_t n) {
        struct predicate predicate = predicate_of(field, PREDICATE_IN_NUMBERS);
        struct shared_number *shared;
        struct siphash128 operand;
        struct siphash s;
        size_t unique = 0;

        qsort(numbers, n, sizeof(*numbers), number_compare);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || numbers[i] != numbers[unique - 1])
                        numbers[unique++] = numbers[i];
        if (unique == 0)
                return condition_false(c);
        if (unique == 1)
                return condition_number(c, field, PREDICATE_EQUAL, numbers[0]);

        hash_begin(&s);
        for (size_t i = 0; i < unique; i++)
                siphash_add_u64(&s, (uint64_t)numbers[i]);
        operand = siphash_end128(&s);
        shared = predicate_share(c, field, PREDICATE_IN_NUMBERS, &operand);
        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;

        predicate.list = (struct program_range){.first = c->out.numbers.n, .n = unique};
        for (size_t i = 0; i < unique; i++)
                ASSEMBLY_ADD(&c->out, numbers, (struct int64_t_){numbers[i]});
        return predicate_new(c, predicate, &operand, shared);
}

static int text_compare(const void *a, const void *b) {
        const struct text *x = a, *y = b;
        size_t n = MIN(x->length, y->length);
        int order = n > 0 ? memcmp(x->bytes, y->bytes, n) : 0;

        return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

uint32_t condition_in_strings(struct compilation *c, struct subject_field field, enum predicate_op op,
                              struct text *texts, size_t n) {
        struct predicate predicate = predicate_of(field, op);
        struct shared_number *shared;
        struct siphash128 operand;
        struct siphash s;
        size_t unique = 0;

        qsort(texts, n, sizeof(*texts), text_compare);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || text_compare(&texts[i], &texts[unique - 1]) != 0)
                        texts[unique++] = texts[i];
        if (unique == 0)
                return condition_false(c);
        if (unique == 1)
                return condition_string(c, field, op == PREDICATE_IN_GLOBS ? PREDICATE_GLOB : PREDICATE_STRING,
                                        texts[0].bytes, texts[0].length);

        hash_begin(&s);
        for (size_t i = 0; i < unique; i++)
                hash_add_text(&s, texts[i].bytes, texts[i].length);
        operand = siphash_end128(&s);
        shared = predicate_share(c, field, op, &operand);
        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;

        predicate.list = (struct program_range){.first = c->out.texts.n, .n = unique};
        for (size_t i = 0; i < unique; i++)
                ASSEMBLY_ADD(&c->out, texts, assembly_string(&c->out, texts[i].bytes, texts[i].length));
        return predicate_new(c, predicate, &operand, shared);
}

static int network_compare(const void *a, const void *b) {
        return memcmp(a, b, sizeof(struct program_network));
}

uint32_t condition_in_networks(struct compilation *c, struct subject_field field, struct program_network *networks,
                               size_t n) {
        struct predicate predicate = predicate_of(field, PREDICATE_IN_NETWORKS);
        struct shared_number *shared;
        struct siphash128 operand;
        size_t unique = 0;

        for (size_t i = 0; i < n; i++) {
                networks[i].pad = 0;
                memset(networks[i].address.pad, 0, sizeof(networks[i].address.pad));
        }
        qsort(networks, n, sizeof(*networks), network_compare);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || network_compare(&networks[i], &networks[unique - 1]) != 0)
                        networks[unique++] = networks[i];
        if (unique == 0)
                return condition_false(c);

        operand = hash_of_text((const char *)networks, unique * sizeof(*networks));
        shared = predicate_share(c, field, PREDICATE_IN_NETWORKS, &operand);
        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;

        predicate.list = (struct program_range){.first = c->out.networks.n, .n = unique};
        for (size_t i = 0; i < unique; i++)
                ASSEMBLY_ADD(&c->out, networks, networks[i]);
        return predicate_new(c, predicate, &operand, shared);
}

static uint32_t regex_number(struct compilation *c, struct text pattern, struct text literal) {
        struct shared_number *shared = compilation_share(c, &c->known_regexes, pattern.bytes, pattern.length);

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number == PROGRAM_NONE)
                shared->number =
                        ASSEMBLY_ADD(&c->out, regexes,
                                     (struct regex_text){
                                             .pattern = assembly_string(&c->out, pattern.bytes, pattern.length),
                                             .literal = assembly_string(&c->out, literal.bytes, literal.length),
                                     });
        return shared->number;
}

uint32_t condition_regex(struct compilation *c, struct subject_field field, struct text pattern, struct text literal) {
        struct siphash128 operand = hash_of_text(pattern.bytes, pattern.length);
        struct predicate predicate = predicate_of(field, PREDICATE_REGEX);
        struct shared_number *shared = predicate_share(c, field, PREDICATE_REGEX, &operand);

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;
        predicate.number = 0;           /* the upper half too */
        predicate.regex = regex_number(c, pattern, literal);
        return predicate_new(c, predicate, &operand, shared);
}

uint32_t condition_guard(struct compilation *c, struct subject_field field, enum guard_op op, uint32_t slot) {
        struct guard guard = {
                .field = field.field, .subject = field.subject, .op = op, .index = field.index, .slot = slot};
        struct shared_number *shared = compilation_share(c, &c->known_guards, &guard, sizeof(guard));
        struct condition_info info = {.slots = UINT32_C(1) << slot, .cost = COST_GUARD};

        if (!shared)
                return note(c, -ENOMEM);
        if (shared->number != PROGRAM_NONE)
                return shared->number;
        info.hash = hash_of_text((const char *)&guard, sizeof(guard));
        shared->number = leaf(c, CONDITION_GUARD, ASSEMBLY_ADD(&c->out, guards, guard), false, info);
        return shared->number;
}

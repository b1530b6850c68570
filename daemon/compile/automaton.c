/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/automaton.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ROW_TRIES 64                    /* places that a row of several bytes is tried at, before it goes to the end */

/* The literals as a tree of their bytes. Children in order. */
struct node {
        uint32_t first_child, last_child, next, parent;
        uint32_t entry;
        uint16_t depth, state;
        unsigned char byte;
};

struct tree {
        struct node *nodes;
        uint32_t n;
};

static uint32_t child_add(struct tree *tree, uint32_t parent, unsigned char byte) {
        uint32_t i = tree->n++;
        struct node *node = &tree->nodes[i], *up = &tree->nodes[parent];

        *node = (struct node){.byte = byte, .depth = up->depth + 1, .parent = parent, .entry = MATCHER_NONE};
        if (up->last_child)
                tree->nodes[up->last_child].next = i;
        else
                up->first_child = i;
        up->last_child = i;
        return i;
}

/* In sorted order what a literal shares with the tree is the way to the last one. */
static void tree_add(struct tree *tree, const struct automaton_literal *literal, uint32_t entry) {
        uint32_t at = 0, i = 0;

        for (; i < literal->length; i++) {
                uint32_t last = tree->nodes[at].last_child;

                if (!last || tree->nodes[last].byte != (unsigned char)literal->bytes[i])
                        break;
                at = last;
        }
        for (; i < literal->length; i++)
                at = child_add(tree, at, literal->bytes[i]);
        tree->nodes[at].entry = entry;
}

/* Level by level, so that whatever a state falls back to has a smaller number. `order`: node of each state. */
static void number_states(struct tree *tree, uint32_t *order) {
        uint32_t n = 1;

        order[0] = 0;
        for (uint32_t i = 0; i < n; i++)
                for (uint32_t child = tree->nodes[order[i]].first_child; child; child = tree->nodes[child].next) {
                        tree->nodes[child].state = n;
                        order[n++] = child;
                }
        assert(n == tree->n);
}

static inline uint32_t state_next(const struct automaton *a, uint32_t state, unsigned char byte) {
        const struct matcher_slot *slot;

        if (state == 0)
                return a->root[byte];
        slot = &a->slots[a->states[state].base + byte];
        return slot->owner == state ? slot->target : 0;
}

/* The longest proper suffix of the state's string that begins a literal. */
static void set_fall_back(struct automaton *a, uint32_t state, uint32_t parent, unsigned char byte) {
        struct matcher_state *s = &a->states[state];

        if (parent != 0) {
                uint32_t at = a->states[parent].fail;

                while (at != 0 && state_next(a, at, byte) == 0)
                        at = a->states[at].fail;
                s->fail = state_next(a, at, byte);
        }
        s->dict = a->states[s->fail].out;
        s->out = s->entry != MATCHER_NONE ? state : s->dict;
}

/* Rows interleave: a row may stand wherever none of its bytes meets another's. */
static uint32_t row_place(struct automaton *a, const struct tree *tree, uint32_t node, uint32_t *free_from) {
        unsigned char low = tree->nodes[tree->nodes[node].first_child].byte;
        uint32_t base;

        while (*free_from + 256 < a->n_slots && a->slots[*free_from].owner != 0)
                (*free_from)++;
        base = *free_from > low ? *free_from - low : 0;

        for (unsigned tries = 0; tries < ROW_TRIES && base + 512 <= a->n_slots; tries++, base++) {
                bool fits = true;

                for (uint32_t child = tree->nodes[node].first_child; child && fits; child = tree->nodes[child].next)
                        fits = a->slots[base + tree->nodes[child].byte].owner == 0;
                if (fits)
                        return base;
        }
        return UINT32_MAX;
}

int automaton_build(struct arena *arena, const struct automaton_literal *literals, uint32_t n, struct automaton *ret) {
        struct tree tree = {.n = 1};
        uint32_t *order, free_from = 0, end = 0, size = 1, capacity;

        *ret = (struct automaton){};
        for (uint32_t i = 0; i < n; i++)
                size += literals[i].length;
        assert(size <= MATCHER_MAX_STATES);

        tree.nodes = arena_new_array(arena, struct node, size);
        order = arena_new_array(arena, uint32_t, size);
        if (!tree.nodes || !order)
                return -ENOMEM;
        tree.nodes[0].entry = MATCHER_NONE;
        for (uint32_t i = 0; i < n; i++)
                tree_add(&tree, &literals[i], i);
        number_states(&tree, order);

        /* Each row that finds no gap needs at most 256 slots more; most find one. What is not used is not written out. */
        ret->n_states = tree.n;
        ret->states = arena_new_array(arena, struct matcher_state, tree.n);
        capacity = 1024 + 2 * tree.n;
        ret->slots = arena_new_array(arena, struct matcher_slot, capacity);
        if (!ret->states || !ret->slots)
                return -ENOMEM;
        ret->n_slots = capacity;

        for (uint32_t state = 0; state < tree.n; state++) {
                const struct node *node = &tree.nodes[order[state]];
                struct matcher_state *s = &ret->states[state];
                uint32_t base = 0;

                s->entry = node->entry;
                s->depth = node->depth;
                if (state > 0)
                        set_fall_back(ret, state, tree.nodes[node->parent].state, node->byte);
                if (!node->first_child)
                        continue;

                if (state > 0) {
                        base = row_place(ret, &tree, order[state], &free_from);
                        if (base == UINT32_MAX) {
                                base = end;
                                if (base + 512 > ret->n_slots) {
                                        uint32_t larger = 2 * ret->n_slots + 512;
                                        struct matcher_slot *slots = arena_new_array(arena, struct matcher_slot, larger);

                                        if (!slots)
                                                return -ENOMEM;
                                        memcpy(slots, ret->slots, ret->n_slots * sizeof(*slots));
                                        ret->slots = slots;
                                        ret->n_slots = larger;
                                }
                        }
                        s->base = base;
                }
                for (uint32_t child = node->first_child; child; child = tree.nodes[child].next) {
                        unsigned char byte = tree.nodes[child].byte;

                        if (state == 0) {
                                ret->root[byte] = tree.nodes[child].state;
                                continue;
                        }
                        ret->slots[base + byte] = (struct matcher_slot){.owner = state, .target = tree.nodes[child].state};
                        if (base + byte + 1 > end)
                                end = base + byte + 1;
                }
        }

        /* Every row can be read in full. */
        ret->n_slots = 256;
        for (uint32_t state = 1; state < ret->n_states; state++)
                if (ret->states[state].base + 256 > ret->n_slots)
                        ret->n_slots = ret->states[state].base + 256;
        return 0;
}

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

/* Rows interleave: a row may stand wherever none of its bytes meets another's. It is tried with its first byte on each
 * of the first free slots. Slots below 256 stay empty, so that no row would have to begin before the first. */
static bool row_place(const struct automaton *a, const struct tree *tree, uint32_t node, uint32_t *free_from,
                      uint32_t *ret) {
        unsigned char low = tree->nodes[tree->nodes[node].first_child].byte;
        unsigned tries = 0;

        while (*free_from < a->n_slots && a->slots[*free_from].owner != 0)
                (*free_from)++;

        for (uint32_t slot = *free_from; slot + 256 <= a->n_slots && tries < ROW_TRIES; slot++) {
                bool fits = true;

                if (a->slots[slot].owner != 0)
                        continue;
                for (uint32_t child = tree->nodes[node].first_child; child && fits; child = tree->nodes[child].next)
                        fits = a->slots[slot - low + tree->nodes[child].byte].owner == 0;
                if (fits) {
                        *ret = slot - low;
                        return true;
                }
                tries++;
        }
        return false;
}

/* Room for a row behind all others. */
static int row_append(struct arena *arena, struct automaton *a, const struct tree *tree, uint32_t node, uint32_t end,
                      uint32_t *ret) {
        struct matcher_slot *slots;
        uint32_t larger;

        *ret = end - tree->nodes[tree->nodes[node].first_child].byte;
        if (*ret + 256 <= a->n_slots)
                return 0;

        larger = 2 * a->n_slots + 256;
        slots = arena_new_array(arena, struct matcher_slot, larger);
        if (!slots)
                return -ENOMEM;
        memcpy(slots, a->slots, a->n_slots * sizeof(*slots));
        a->slots = slots;
        a->n_slots = larger;
        return 0;
}

int automaton_build(struct arena *arena, const struct automaton_literal *literals, uint32_t n, struct automaton *ret) {
        struct tree tree = {.n = 1};
        uint32_t *order, free_from = 256, end = 256, size = 1;

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

        ret->n_states = tree.n;
        ret->n_slots = 512 + tree.n + tree.n / 4;
        ret->states = arena_new_array(arena, struct matcher_state, tree.n);
        ret->slots = arena_new_array(arena, struct matcher_slot, ret->n_slots);
        if (!ret->states || !ret->slots)
                return -ENOMEM;

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
                        if (!row_place(ret, &tree, order[state], &free_from, &base) &&
                            row_append(arena, ret, &tree, order[state], end, &base) < 0)
                                return -ENOMEM;
                        s->base = base;
                }
                for (uint32_t child = node->first_child; child; child = tree.nodes[child].next) {
                        unsigned char byte = tree.nodes[child].byte;

                        if (state == 0) {
                                ret->root[byte] = tree.nodes[child].state;
                                continue;
                        }
                        ret->slots[base + byte] =
                                (struct matcher_slot){.owner = state, .target = tree.nodes[child].state};
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

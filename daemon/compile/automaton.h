/* SPDX-License-Identifier: Apache-2.0 */
/* Automaton - finds any number of literals in one pass over a text (Aho and Corasick, 1975): the states, fall-backs and
 * packed rows that program/matcher-table.h describes. Made from literals in order of their bytes; memory is the
 * arena's. */
#pragma once

#include "base/arena.h"
#include "program/matcher-table.h"

struct automaton_literal {
        const char *bytes;
        uint32_t length;                /* > 0 */
};

struct automaton {
        struct matcher_state *states;
        uint32_t n_states;
        struct matcher_slot *slots;
        uint32_t n_slots;
        uint16_t root[256];
};

/* `literals` are sorted and different; entry i of a state is literal i. Their bytes together are fewer than
 * MATCHER_MAX_STATES. 0 or -ENOMEM. */
int automaton_build(struct arena *arena, const struct automaton_literal *literals, uint32_t n, struct automaton *ret);

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/victims.h"

static bool victim_before(const struct instance *a, const struct instance *b) {
        return a->done != b->done ? a->done < b->done : a->serial < b->serial;
}

/* Two roots become one. A root has no siblings. */
static uint32_t victims_meld(struct instance *instances, uint32_t a, uint32_t b) {
        uint32_t child;

        if (a == STOCK_NONE)
                return b;
        if (b == STOCK_NONE)
                return a;
        if (victim_before(&instances[b], &instances[a])) {
                child = a;
                a = b;
        } else
                child = b;

        instances[child].victim_next = instances[a].victim_child;
        if (instances[child].victim_next != STOCK_NONE)
                instances[instances[child].victim_next].victim_previous = child;
        instances[child].victim_previous = a;
        instances[a].victim_child = child;
        return a;
}

/* The children of a root that goes: melded in pairs from the left, then these into one from the right. */
static uint32_t victims_meld_children(struct instance *instances, uint32_t child) {
        uint32_t pairs = STOCK_NONE, root = STOCK_NONE;

        while (child != STOCK_NONE) {
                uint32_t a = child, b = instances[a].victim_next, pair;

                child = b == STOCK_NONE ? STOCK_NONE : instances[b].victim_next;
                instances[a].victim_next = STOCK_NONE;
                if (b != STOCK_NONE)
                        instances[b].victim_next = STOCK_NONE;
                pair = victims_meld(instances, a, b);
                instances[pair].victim_next = pairs;
                pairs = pair;
        }
        while (pairs != STOCK_NONE) {
                uint32_t next = instances[pairs].victim_next;

                instances[pairs].victim_next = STOCK_NONE;
                root = victims_meld(instances, root, pairs);
                pairs = next;
        }
        if (root != STOCK_NONE)
                instances[root].victim_previous = STOCK_NONE;
        return root;
}

void victims_add(struct instance *instances, uint32_t *root, uint32_t run) {
        instances[run].victim_child = STOCK_NONE;
        instances[run].victim_next = STOCK_NONE;
        instances[run].victim_previous = STOCK_NONE;
        *root = victims_meld(instances, *root, run);
}

void victims_remove(struct instance *instances, uint32_t *root, uint32_t run) {
        struct instance *instance = &instances[run];
        uint32_t rest;

        if (run != *root) {
                struct instance *previous = &instances[instance->victim_previous];

                /* The previous one is the left sibling, or the parent of a first child. */
                if (previous->victim_child == run)
                        previous->victim_child = instance->victim_next;
                else
                        previous->victim_next = instance->victim_next;
                if (instance->victim_next != STOCK_NONE)
                        instances[instance->victim_next].victim_previous = instance->victim_previous;
        }

        rest = victims_meld_children(instances, instance->victim_child);
        *root = run == *root ? rest : victims_meld(instances, *root, rest);
        if (*root != STOCK_NONE)
                instances[*root].victim_previous = STOCK_NONE;
}

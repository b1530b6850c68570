/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tree - a process and all that descend from it, stopped so that they stay what they are.
 *
 * Killing a tree one by one loses against whoever forks faster. So everybody found is stopped first, the parent before
 * its children; then /proc is read again, until a reading finds nobody new and everybody known stopped: from then on
 * the tree cannot grow. Who is a descendant:
 *      - whose parent is one;
 *      - whose session was begun by one;
 *      - an orphan in a process group that was begun by one: its parent has gone, its group stayed;
 *      - whom the caller knows to be one (from the events, which see every fork).
 * A chain in which each forks and ends at once is gone before it is seen: a member's control group can be frozen while
 * we look, if nobody who is protected is in it.
 *
 * Protected processes are left alone, with those below them. Bounded in members and time. */

#include "action/guard.h"
#include "action/proc.h"
#include "base/array.h"

#define TREE_MAX 8192

struct tree_member {
        struct identity id;             /* to the tick */
        uint32_t sid;
        char name[16];
};

struct tree {
        ARRAY(struct tree_member) members;      /* in the order in which they were stopped */
        uint8_t *seen;                  /* owned; a bit for each pid: a member, or one that is left alone */
        ARRAY(uint32_t) elders;         /* the root's ancestors but its parent: who adopts its orphans */
        uint32_t n_protected;           /* that are left alone */
        uint32_t n_rounds;              /* readings of /proc */
        bool is_quiet;                  /* the last one found nobody new, and everybody stopped */
        bool is_frozen; /* the caller holds them: a stop is pending until he lets go, nobody else acts */
        bool is_full;                   /* there are more than TREE_MAX */
};

/* Begins with the root, which is stopped when this returns. -ESRCH: it has gone. `is_protected` answers -EPERM for whom
 * to leave alone; it gets `userdata`. */
typedef int (*tree_guard)(uint32_t pid, void *userdata);
int tree_init(struct tree *tree, const struct identity *root, tree_guard guard, void *userdata);
void tree_done(struct tree *tree);

/* One more that belongs to it. 0; -ESRCH: it has gone; -EPERM: protected. */
int tree_add(struct tree *tree, const struct identity *id, tree_guard guard, void *userdata);

/* Read /proc and stop whom it finds, until it is quiet or this time has come. -ETIMEDOUT: it is not quiet. */
int tree_sweep(struct tree *tree, uint64_t until_ns, tree_guard guard, void *userdata);

/* Send a signal to all, the first stopped first; returns how many got it. */
size_t tree_signal(const struct tree *tree, int signal);

/* SPDX-License-Identifier: Apache-2.0 */
/* Process table, inside - what process-table.c keeps and process-update.c changes. For this room only.
 *
 * Four relations hold between entries, all in the entries themselves:
 *      same pid        an index from pid to a chain, newest identity first; older ones are exited
 *      family          creator, first_child, siblings; only between entries that are both in the table. An entry whose
 * creator is named but not there is an orphan, found by the creator's pid when that comes after all list each entry is
 * on one of three lists, see enum entry_list tree            running entries count in their tree; a tree without
 * members is gone Family has no cycles because a creator started before its child (or then and has the lower pid), and
 * others are not linked. */
#pragma once

#include "base/idmap.h"
#include "base/slab.h"
#include "process/cgroup.h"
#include "process/process-image.h"
#include "process/process-table.h"

enum entry_list {
        ENTRY_RUNNING,                  /* in the order of entry */
        ENTRY_ANCESTOR,                 /* exited, a descendant runs; in the order of exit */
        ENTRY_KEPT,                     /* exited, no descendant runs; in the order in which that came true. A child is
                                         * before its creator, so what is first has no children in the table */
        _ENTRY_LIST_MAX,
};

struct tree {
        struct identity id;
        size_t n_members;
        struct tree *same_pid;
};

struct entry {
        struct process process;         /* first: a process is its entry */

        struct entry *same_pid;         /* older */
        struct entry *creator, *first_child;
        struct entry *next_sibling, *previous_sibling;  /* of an orphan: those that wait for the same pid */
        struct entry *next, *previous;  /* on its list */
        struct tree *tree;              /* counted in it; NULL once exited */
        uint64_t kept_since_ns;
        uint8_t list;                   /* enum entry_list */
        bool tree_named;                /* a record named the tree: it does not change any more */
        bool orphan;
};

struct entries {
        struct entry *first, *last;
};

/* Identities that left the table lately, so that a record that comes very late does not enter them again. */
#define TABLE_DEPARTED 1024

struct process_table {
        struct process_table_limits limits;
        struct process_table_stats stats;       /* but for what others count */
        struct idmap by_pid, trees_by_pid, orphans_by_pid;
        struct slab entry_slab, tree_slab;
        struct entries lists[_ENTRY_LIST_MAX];
        struct process_images *images;  /* shared by tables; the last one frees it */
        struct cgroups cgroups;
        struct entry *latest;           /* of the last record: the next one is often of the same process */
        struct identity departed[TABLE_DEPARTED];
};

static inline struct entry *entry_of(const struct process *process) {
        return (struct entry *)process;
}

struct entry *table_find(const struct process_table *table, const struct identity *id);

/* Was it in the table, or has a younger process taken its pid? Such a process is dead. */
bool table_has_departed(const struct process_table *table, const struct identity *id);

/* Enter a running process that is neither in the table nor departed. `creator` may have pid 0. The tree is `tree` if
 * its pid is not 0, else it follows from the creator. Makes room if need be: exited entries may go. Lets an older
 * process with the pid exit at now_ns. NULL: no room (counted). */
struct entry *table_add(struct process_table *table, const struct identity *id, const struct identity *creator,
                        const struct identity *tree, uint64_t now_ns);

/* Say who the creator of an entry is that has none so far. */
void table_set_creator(struct process_table *table, struct entry *entry, const struct identity *creator);

/* Move a running entry to another tree. On lack of memory it stays where it is. */
void table_set_tree(struct process_table *table, struct entry *entry, const struct identity *tree);

/* A running entry exits. */
void table_exit(struct process_table *table, struct entry *entry, uint64_t now_ns);

/* Drop the entry that can best be missed. False: all run. */
bool table_evict(struct process_table *table, uint64_t now_ns);

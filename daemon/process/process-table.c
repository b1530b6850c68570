/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "process/process-table-private.h"

/* Entries that one call of process_table_expire() drops at most. */
#define EXPIRE_BATCH 512

/* The kernel's own: they have no creator, and what they create begins an activity. */
#define PID_INIT 1
#define PID_KTHREADD 2

DEFINE_CLEANUP(struct process_table *, process_table_free)

static int join_images(struct process_table *table, struct process_images *images) {
        int r;

        if (!images) {
                images = calloc(1, sizeof(*images));
                if (!images)
                        return -ENOMEM;
                r = process_images_init(images, table->limits.max_image_bytes);
                if (r < 0) {
                        free(images);
                        return r;
                }
        }
        images->n_tables++;
        table->images = images;
        return 0;
}

static void leave_images(struct process_table *table) {
        if (table->images && --table->images->n_tables == 0) {
                process_images_done(table->images);
                free(table->images);
        }
        table->images = NULL;
}

int process_table_new(const struct process_table_limits *limits, struct process_table **ret) {
        return process_table_new_beside(limits, NULL, ret);
}

int process_table_new_beside(const struct process_table_limits *limits, struct process_table *other,
                             struct process_table **ret) {
        _cleanup_(process_table_freep) struct process_table *table = NULL;
        int r;

        assert(limits && ret);
        assert(limits->max_processes > 0 && limits->max_image_bytes > 0 && limits->max_cgroups > 0);

        table = calloc(1, sizeof(*table));
        if (!table)
                return -ENOMEM;

        table->limits = *limits;
        idmap_init(&table->by_pid);
        idmap_init(&table->trees_by_pid);
        idmap_init(&table->orphans_by_pid);
        slab_init(&table->entry_slab, sizeof(struct entry), limits->max_processes);
        /* One more: a process joins its new tree before it leaves the old one. */
        slab_init(&table->tree_slab, sizeof(struct tree), limits->max_processes + 1);
        cgroups_init(&table->cgroups, limits->max_cgroups);
        r = join_images(table, other ? other->images : NULL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(table);
        return 0;
}

struct process_table *process_table_free(struct process_table *table) {
        if (!table)
                return NULL;

        idmap_done(&table->by_pid);
        idmap_done(&table->trees_by_pid);
        idmap_done(&table->orphans_by_pid);
        slab_done(&table->entry_slab);
        slab_done(&table->tree_slab);
        cgroups_done(&table->cgroups);
        leave_images(table);
        free(table);
        return NULL;
}

struct entry *table_find(const struct process_table *table, const struct identity *id) {
        struct entry *entry = idmap_find(&table->by_pid, id->pid);

        while (entry && entry->process.id.start_ns != id->start_ns)
                entry = entry->same_pid;
        return entry;
}

struct process *process_table_find(const struct process_table *table, const struct identity *id) {
        struct entry *entry = table_find(table, id);

        return entry ? &entry->process : NULL;
}

/* Lists. */

static void list_append(struct process_table *table, struct entry *entry, enum entry_list list) {
        entry->list = list;
        entry->next = NULL;
        entry->previous = table->lists[list].last;
        if (entry->previous)
                entry->previous->next = entry;
        else
                table->lists[list].first = entry;
        table->lists[list].last = entry;
}

static void list_remove(struct process_table *table, struct entry *entry) {
        if (entry->previous)
                entry->previous->next = entry->next;
        else
                table->lists[entry->list].first = entry->next;
        if (entry->next)
                entry->next->previous = entry->previous;
        else
                table->lists[entry->list].last = entry->previous;
}

static void list_move(struct process_table *table, struct entry *entry, enum entry_list list) {
        list_remove(table, entry);
        list_append(table, entry, list);
}

struct process *process_table_next(const struct process_table *table, const struct process *previous) {
        const struct entry *entry = previous ? entry_of(previous) : NULL;

        if (entry && entry->next)
                return &entry->next->process;
        for (unsigned list = entry ? entry->list + 1u : 0; list < _ENTRY_LIST_MAX; list++)
                if (table->lists[list].first)
                        return &table->lists[list].first->process;
        return NULL;
}

/* Trees. */

static struct tree *tree_find(const struct process_table *table, const struct identity *id) {
        struct tree *tree = idmap_find(&table->trees_by_pid, id->pid);

        while (tree && tree->id.start_ns != id->start_ns)
                tree = tree->same_pid;
        return tree;
}

static struct tree *tree_join(struct process_table *table, const struct identity *id) {
        struct tree *tree = tree_find(table, id);
        void *others = NULL;

        if (!tree) {
                tree = slab_alloc(&table->tree_slab);
                if (!tree)
                        return NULL;
                tree->id = *id;
                if (idmap_replace(&table->trees_by_pid, id->pid, tree, &others) < 0) {
                        slab_free(&table->tree_slab, tree);
                        return NULL;
                }
                tree->same_pid = others;
        }
        tree->n_members++;
        return tree;
}

/* Take an item out of a chain of those with the same pid. Removing and replacing what is there never needs memory. */
#define CHAIN_REMOVE(map, pid, type, item)                                                                             \
        do {                                                                                                           \
                type *_first = idmap_find(map, pid), **_at = &_first;                                                  \
                                                                                                                       \
                while (*_at != (item))                                                                                 \
                        _at = &(*_at)->same_pid;                                                                       \
                *_at = (item)->same_pid;                                                                               \
                if (_first)                                                                                            \
                        (void)idmap_replace(map, pid, _first, NULL);                                                   \
                else                                                                                                   \
                        (void)idmap_remove(map, pid);                                                                  \
        } while (0)

static void tree_leave(struct process_table *table, struct tree *tree) {
        if (!tree || --tree->n_members > 0)
                return;
        CHAIN_REMOVE(&table->trees_by_pid, tree->id.pid, struct tree, tree);
        slab_free(&table->tree_slab, tree);
}

void table_set_tree(struct process_table *table, struct entry *entry, const struct identity *id) {
        struct tree *tree = tree_join(table, id);

        if (!tree)
                return;
        tree_leave(table, entry->tree);
        entry->tree = tree;
        entry->process.tree = *id;
}

size_t process_table_tree_members(const struct process_table *table, const struct identity *id) {
        const struct tree *tree = tree_find(table, id);

        return tree ? tree->n_members : 0;
}

/* Family. A line lives while its process runs or one of its children's lines lives. */

static inline bool entry_lives(const struct entry *entry) {
        return entry->process.state == PROCESS_RUNNING || entry->process.n_live_children > 0;
}

static void line_died(struct process_table *table, struct entry *entry, uint64_t now_ns) {
        for (; entry && !entry_lives(entry); entry = entry->creator) {
                entry->kept_since_ns = now_ns;
                list_move(table, entry, ENTRY_KEPT);
                if (entry->creator)
                        entry->creator->process.n_live_children--;
        }
}

/* The entry got its first live child after it had exited (its fork was told late). */
static void line_revived(struct process_table *table, struct entry *entry) {
        for (; entry && entry->process.state == PROCESS_EXITED && entry->process.n_live_children == 1;
             entry = entry->creator) {
                list_move(table, entry, ENTRY_ANCESTOR);
                if (entry->creator)
                        entry->creator->process.n_live_children++;
                else
                        return;
        }
}

static void siblings_insert(struct entry **first, struct entry *entry) {
        entry->previous_sibling = NULL;
        entry->next_sibling = *first;
        if (*first)
                (*first)->previous_sibling = entry;
        *first = entry;
}

static void siblings_remove(struct entry **first, struct entry *entry) {
        if (entry->previous_sibling)
                entry->previous_sibling->next_sibling = entry->next_sibling;
        else
                *first = entry->next_sibling;
        if (entry->next_sibling)
                entry->next_sibling->previous_sibling = entry->previous_sibling;
        entry->next_sibling = entry->previous_sibling = NULL;
}

static void orphan_remove(struct process_table *table, struct entry *entry) {
        uint32_t pid = entry->process.creator.pid;
        struct entry *first = idmap_find(&table->orphans_by_pid, pid);

        siblings_remove(&first, entry);
        entry->orphan = false;
        if (first)
                (void)idmap_replace(&table->orphans_by_pid, pid, first, NULL);
        else
                (void)idmap_remove(&table->orphans_by_pid, pid);
}

static void orphan_add(struct process_table *table, struct entry *entry) {
        uint32_t pid = entry->process.creator.pid;
        struct entry *first = idmap_find(&table->orphans_by_pid, pid);

        siblings_insert(&first, entry);
        entry->orphan = true;
        /* Without memory it stays alone: its creator will be unknown, even if it comes. */
        if (idmap_replace(&table->orphans_by_pid, pid, first, NULL) < 0) {
                siblings_remove(&first, entry);
                entry->orphan = false;
        }
}

static void family_join(struct process_table *table, struct entry *child, struct entry *creator) {
        child->creator = creator;
        siblings_insert(&creator->first_child, child);
        creator->process.n_children++;
        if (!entry_lives(child))
                return;
        creator->process.n_live_children++;
        line_revived(table, creator);
}

/* Time orders the family: a record that says otherwise is wrong, and would make a cycle possible. The kernel's first
 * threads may have started at the same time, before it could tell. */
static bool may_have_created(const struct identity *creator, const struct identity *child) {
        return creator->start_ns < child->start_ns ||
               (creator->start_ns == child->start_ns && creator->pid < child->pid);
}

void table_set_creator(struct process_table *table, struct entry *entry, const struct identity *creator) {
        struct entry *found;

        entry->process.creator = *creator;
        if (creator->pid == 0 || !may_have_created(creator, &entry->process.id))
                return;

        found = table_find(table, creator);
        if (found)
                family_join(table, entry, found);
        else
                orphan_add(table, entry);
}

static void adopt_orphans(struct process_table *table, struct entry *creator) {
        struct entry *orphan, *next;

        if (table->orphans_by_pid.n == 0)
                return;
        for (orphan = idmap_find(&table->orphans_by_pid, creator->process.id.pid); orphan; orphan = next) {
                next = orphan->next_sibling;
                if (!identity_equal(&orphan->process.creator, &creator->process.id))
                        continue;
                orphan_remove(table, orphan);
                family_join(table, orphan, creator);
        }
}

struct process *process_table_creator(const struct process_table *table, const struct process *process,
                                      bool *ret_unknown) {
        struct entry *creator = entry_of(process)->creator;

        if (ret_unknown)
                *ret_unknown = !creator &&
                               (process->creator.pid != 0 ||
                                !(process->id.pid == PID_INIT || process->id.pid == PID_KTHREADD || process->kthread));
        return creator ? &creator->process : NULL;
}

/* Entries. */

static size_t departed_slot(const struct identity *id) {
        return (id->pid ^ id->start_ns ^ id->start_ns >> 20) % TABLE_DEPARTED;
}

bool table_has_departed(const struct process_table *table, const struct identity *id) {
        const struct entry *newest = idmap_find(&table->by_pid, id->pid);

        return (newest && newest->process.id.start_ns > id->start_ns) ||
                identity_equal(&table->departed[departed_slot(id)], id);
}

bool process_table_has_departed(const struct process_table *table, const struct identity *id) {
        return !table_find(table, id) && table_has_departed(table, id);
}

static void entry_free(struct process_table *table, struct entry *entry, uint64_t now_ns) {
        struct process *process = &entry->process;

        assert(process->state == PROCESS_EXITED);

        for (struct entry *child = entry->first_child, *next; child; child = next) {
                next = child->next_sibling;
                child->creator = NULL;
                orphan_add(table, child);
        }

        if (entry->orphan)
                orphan_remove(table, entry);
        else if (entry->creator) {
                struct entry *creator = entry->creator;

                siblings_remove(&creator->first_child, entry);
                creator->process.n_children--;
                /* An ancestor was evicted whose line still lives: to those above, it ends here. */
                if (entry_lives(entry)) {
                        creator->process.n_live_children--;
                        line_died(table, creator, now_ns);
                }
        }

        list_remove(table, entry);
        CHAIN_REMOVE(&table->by_pid, process->id.pid, struct entry, entry);
        process_image_unref(process->image);
        cgroups_unref(&table->cgroups, (struct cgroup *)process->cgroup);
        table->departed[departed_slot(&process->id)] = process->id;
        if (table->latest == entry)
                table->latest = NULL;
        slab_free(&table->entry_slab, entry);
        table->stats.n_kept--;
}

bool table_evict(struct process_table *table, uint64_t now_ns) {
        struct entry *victim = table->lists[ENTRY_KEPT].first;

        if (!victim)
                victim = table->lists[ENTRY_ANCESTOR].first;
        if (!victim)
                return false;
        entry_free(table, victim, now_ns);
        table->stats.n_evicted++;
        return true;
}

void process_table_expire(struct process_table *table, uint64_t now_ns) {
        struct entry *entry;

        for (unsigned n = 0; n < EXPIRE_BATCH && (entry = table->lists[ENTRY_KEPT].first); n++) {
                if (now_ns < entry->kept_since_ns || now_ns - entry->kept_since_ns < table->limits.grace_ns)
                        return;
                entry_free(table, entry, now_ns);
        }
}

/* tree(child) = tree(creator), but a supervisor's child begins one. */
static struct identity tree_of_child(const struct process_table *table, const struct identity *id,
                                     const struct identity *creator) {
        const struct entry *entry;

        if (creator->pid == 0 || creator->pid == PID_INIT || creator->pid == PID_KTHREADD)
                return *id;
        entry = table_find(table, creator);
        return !entry || entry->process.supervisor ? *id : entry->process.tree;
}

struct entry *table_add(struct process_table *table, const struct identity *id, const struct identity *creator,
                        const struct identity *tree, uint64_t now_ns) {
        struct entry *entry, *older = idmap_find(&table->by_pid, id->pid);
        struct identity own_tree;
        void *same_pid = NULL;

        if (older && older->process.state == PROCESS_RUNNING) {
                table->stats.n_unseen_exits++;
                table_exit(table, older, now_ns);
        }

        entry = slab_alloc(&table->entry_slab);
        if (!entry && table_evict(table, now_ns))
                entry = slab_alloc(&table->entry_slab);
        if (!entry || idmap_replace(&table->by_pid, id->pid, entry, &same_pid) < 0) {
                slab_free(&table->entry_slab, entry);
                table->stats.n_refused++;
                return NULL;
        }

        entry->same_pid = same_pid;
        entry->process.id = *id;
        entry->process.loginuid = entry->process.session = UINT32_MAX;
        list_append(table, entry, ENTRY_RUNNING);
        table->stats.n_running++;

        own_tree = tree->pid != 0 ? *tree : tree_of_child(table, id, creator);
        entry->process.tree = own_tree;
        table_set_tree(table, entry, &own_tree);
        entry->tree_named = tree->pid != 0;
        table_set_creator(table, entry, creator);
        adopt_orphans(table, entry);
        return entry;
}

void table_exit(struct process_table *table, struct entry *entry, uint64_t now_ns) {
        entry->process.state = PROCESS_EXITED;
        entry->process.exit_ns = now_ns;
        table->stats.n_running--;
        table->stats.n_kept++;
        tree_leave(table, entry->tree);
        entry->tree = NULL;
        if (entry_lives(entry))
                list_move(table, entry, ENTRY_ANCESTOR);
        else
                line_died(table, entry, now_ns);
}

void process_table_stats(const struct process_table *table, struct process_table_stats *ret) {
        *ret = table->stats;
        ret->n_trees = table->tree_slab.n_used;
        ret->n_images = table->images->n_images;
        ret->image_bytes = table->images->buddy.used_bytes;
        ret->n_cgroups = table->cgroups.slab.n_used;
        ret->n_image_shortened = table->images->n_shortened;
        ret->n_cgroup_refused = table->cgroups.n_refused;
        ret->n_cgroup_evicted = table->cgroups.n_evicted;
}

struct process_image *process_table_keep_image(struct process_table *table, const struct event *event) {
        return process_image_new(table->images, event);
}

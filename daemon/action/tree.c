/* SPDX-License-Identifier: Apache-2.0 */
#include "action/tree.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"

#define PIDS_MAX 4194304
#define ELDERS_MAX 64
#define PASSES_MAX 64                   /* over one reading: generations whose numbers do not rise */

static bool is_seen(const struct tree *tree, uint32_t pid) {
        return pid < PIDS_MAX && tree->seen[pid / 8] & 1U << pid % 8;
}

static void see(struct tree *tree, uint32_t pid) {
        if (pid < PIDS_MAX)
                tree->seen[pid / 8] |= (uint8_t)(1U << pid % 8);
}

static const struct tree_member *find_member(const struct tree *tree, uint32_t pid) {
        if (!is_seen(tree, pid))
                return NULL;
        ARRAY_FOREACH(member, &tree->members)
                if (member->id.pid == pid)
                        return member;
        return NULL;
}

/* Stop whoever this is, if it may be, and remember it. */
static int stop(struct tree *tree, const struct identity *id, tree_guard guard, void *userdata) {
        _cleanup_(closep) int fd = -1;
        struct tree_member *member;
        struct proc_stat stat;
        int r;

        fd = proc_open(id, &stat);
        if (fd < 0)
                return fd;
        see(tree, id->pid);
        r = guard(id->pid, userdata);
        if (r < 0 && r != -ESRCH)
                tree->n_protected++;
        if (r < 0)
                return r;
        if (tree->members.n >= TREE_MAX) {
                tree->is_full = true;
                return -E2BIG;
        }
        member = array_add(&tree->members);
        if (!member)
                return -ENOMEM;
        member->id = proc_identity(&stat);
        member->sid = stat.sid;
        memcpy(member->name, stat.name, sizeof(member->name) - 1);
        return proc_signal(fd, SIGSTOP);
}

static int find_elders(struct tree *tree, uint32_t pid) {
        struct proc_stat stat;
        int r;

        r = proc_stat_read(pid, &stat);
        for (int i = 0; r >= 0 && i < ELDERS_MAX && stat.ppid > 1; i++) {
                r = proc_stat_read(stat.ppid, &stat);
                if (r >= 0 && i > 0)
                        r = array_push(&tree->elders, stat.pid);
        }
        return r == -ENOMEM ? r : 0;
}

int tree_init(struct tree *tree, const struct identity *root, tree_guard guard, void *userdata) {
        int r;

        *tree = (struct tree){.seen = calloc(1, PIDS_MAX / 8)};
        if (!tree->seen)
                return -ENOMEM;
        r = stop(tree, root, guard, userdata);
        if (r >= 0)
                r = find_elders(tree, root->pid);
        if (r < 0)
                tree_done(tree);
        return r;
}

void tree_done(struct tree *tree) {
        array_done(&tree->members);
        array_done(&tree->elders);
        free(tree->seen);
        tree->seen = NULL;
}

int tree_add(struct tree *tree, const struct identity *id, tree_guard guard, void *userdata) {
        return find_member(tree, id->pid) ? 0 : stop(tree, id, guard, userdata);
}

static bool is_elder(const struct tree *tree, uint32_t pid) {
        if (pid == 1)
                return true;
        ARRAY_FOREACH(elder, &tree->elders)
                if (*elder == pid)
                        return true;
        return false;
}

/* Was this one begun by a member, or later than it by one of its own? */
static bool descends(const struct tree *tree, const struct proc_stat *stat) {
        const struct tree_member *member;

        if (find_member(tree, stat->ppid))
                return true;
        member = find_member(tree, stat->sid);
        if (member && member->sid == member->id.pid)
                return true;
        member = find_member(tree, stat->pgrp);
        return member && is_elder(tree, stat->ppid) &&
               proc_identity(stat).start_ns >= member->id.start_ns;
}

/* Nobody who is stopped, frozen, waiting in the kernel with a stop pending, or dead makes another one. */
static bool is_still(const struct proc_stat *stat) {
        return strchr("TtDZXxI", stat->state) != NULL;
}

static int read_all(struct proc_stat **ret, size_t *ret_n) {
        _cleanup_(freep) uint32_t *pids = NULL;
        struct proc_stat *stats;
        size_t n_pids, n = 0;
        int r;

        r = proc_list(&pids, &n_pids);
        if (r < 0)
                return r;
        stats = calloc(n_pids ?: 1, sizeof(*stats));
        if (!stats)
                return -ENOMEM;
        for (size_t i = 0; i < n_pids; i++)
                if (proc_stat_read(pids[i], &stats[n]) >= 0)
                        n++;
        *ret = stats;
        *ret_n = n;
        return 0;
}

/* One reading. 1: somebody is new, or not still yet. */
static int look(struct tree *tree, tree_guard guard, void *userdata) {
        _cleanup_(freep) struct proc_stat *stats = NULL;
        bool found, moved = false;
        size_t n;
        int r;

        r = read_all(&stats, &n);
        if (r < 0)
                return r;
        tree->n_rounds++;
        for (int pass = 0; pass < PASSES_MAX; pass++) {
                found = false;
                for (size_t i = 0; i < n; i++) {
                        struct identity id = proc_identity(&stats[i]);

                        if (is_seen(tree, id.pid) || strchr("ZXx", stats[i].state) || !descends(tree, &stats[i]))
                                continue;
                        r = stop(tree, &id, guard, userdata);
                        if (r == -ENOMEM)
                                return r;
                        found |= r != -EPERM;
                }
                moved |= found;
                if (!found || tree->is_full)
                        break;
        }
        for (size_t i = 0; !moved && !tree->is_frozen && i < n; i++) {
                const struct tree_member *member = find_member(tree, stats[i].pid);

                if (member && proc_is(&stats[i], &member->id) && !is_still(&stats[i]))
                        moved = true;
        }
        return moved;
}

int tree_sweep(struct tree *tree, uint64_t until_ns, tree_guard guard, void *userdata) {
        int r;

        tree->is_quiet = false;
        do {
                r = look(tree, guard, userdata);
                if (r < 0)
                        return r;
                if (r == 0) {
                        tree->is_quiet = !tree->is_full;
                        return tree->is_full ? -E2BIG : 0;
                }
                /* Whoever was told to stop may be waiting for this processor in order to do so. */
                sched_yield();
        } while (clock_boottime_ns() < until_ns);
        return -ETIMEDOUT;
}

size_t tree_signal(const struct tree *tree, int signal) {
        size_t n = 0;

        ARRAY_FOREACH(member, &tree->members) {
                _cleanup_(closep) int fd = proc_open(&member->id, NULL);

                if (fd >= 0 && proc_signal(fd, signal) >= 0)
                        n++;
        }
        return n;
}

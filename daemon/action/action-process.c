/* SPDX-License-Identifier: Apache-2.0 */

/* Signal a process; stop and kill a tree of them. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "action/control-group.h"
#include "action/proc.h"
#include "action/tree.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define SWEEP_NS (2 * NSEC_PER_SEC)       /* whoever was told to stop may wait long for a processor in order to do so */
#define FREEZE_NS (50 * NSEC_PER_MSEC)

_Static_assert((int)ACTION_signal_process == (int)ACTION_kill_tree_process, "one check for all");
_Static_assert((int)ACTION_signal_process == (int)ACTION_stop_tree_process, "one check for all");
_Static_assert((int)ACTION_signal_process == (int)ACTION_snapshot_process, "one check for all");
_Static_assert((int)ACTION_kill_tree_members == (int)ACTION_stop_tree_members, "one check for all");

static int open_process(const struct identity *id, struct proc_stat *stat, struct action_result *ret) {
        int fd = proc_open(id, stat);

        if (fd == -ESRCH)
                return action_say(ret, fd, "process %u has ended", id->pid);
        if (fd < 0)
                return action_say(ret, fd, "cannot get hold of process %u: %s", id->pid, strerror(-fd));
        return fd;
}

static int check_process(struct actions *actions, const struct proc_stat *stat, struct action_result *ret) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        char thing[128];
        int r;

        r = guard_process(&actions->guard, stat->pid, &why);
        snprintf(thing, sizeof(thing), "process %u (%s)", stat->pid, stat->name);
        return action_guarded(ret, r, thing, &why);
}

int action_check_process(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct identity *id = &action_get(action, ACTION_signal_process)->process;
        _cleanup_(closep) int fd = -1;
        struct proc_stat stat;

        fd = open_process(id, &stat, ret);
        if (fd < 0)
                return fd;
        /* To look at somebody does him no harm. */
        return action->kind == ACTION_KIND_snapshot ? 0 : check_process(actions, &stat, ret);
}

int action_do_signal(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct identity *id = &action_get(action, ACTION_signal_process)->process;
        int signal = (int)action_get(action, ACTION_signal_signal)->number, r;
        _cleanup_(closep) int fd = -1;
        struct proc_stat stat;

        fd = open_process(id, &stat, ret);
        if (fd < 0)
                return fd;
        r = check_process(actions, &stat, ret);
        if (r < 0)
                return r;
        r = proc_signal(fd, signal);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot send %s to process %u (%s): %s",
                                  action_signal_to_string(signal), stat.pid, stat.name, strerror(-r));
        return action_say(ret, 0, "process %u (%s) got %s", stat.pid, stat.name, action_signal_to_string(signal));
}

/* ---- trees ---- */

static int is_protected(uint32_t pid, void *userdata) {
        struct actions *actions = userdata;

        return guard_process(&actions->guard, pid, NULL);
}

static void leftover_path(struct actions *actions, char path[PATH_MAX]) {
        snprintf(path, PATH_MAX, "%s/frozen", actions->options.runtime_directory ?: ACTIONS_RUNTIME_DIRECTORY);
}

/* Freeze the group of the process while we look, unless it holds somebody protected or is frozen anyway. The directory,
 * or negative: not frozen by us. */
static int hold_group(struct actions *actions, uint32_t pid) {
        _cleanup_(closep) int group = -1, note = -1;
        char path[PATH_MAX], leftover[PATH_MAX];
        int r;

        r = proc_cgroup(pid, path, sizeof(path));
        if (r < 0)
                return r;
        group = control_group_open(path, 0);
        if (group < 0)
                return group;
        r = guard_cgroup(&actions->guard, group, path, NULL);
        if (r < 0)
                return r;
        r = control_group_is_frozen(group);
        if (r != 0)
                return r < 0 ? r : -EALREADY;

        /* Should we not live to thaw it, the next one does. */
        leftover_path(actions, leftover);
        note = open(leftover, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (note < 0)
                return -errno;
        r = fd_write_full(note, path, strlen(path));
        if (r >= 0)
                r = control_group_freeze(group, true, FREEZE_NS);
        if (r < 0 && r != -ETIMEDOUT) {
                (void)unlink(leftover);
                return r;
        }
        return TAKE_FD(group);
}

static void let_group_go(struct actions *actions, int group) {
        char leftover[PATH_MAX];

        if (group < 0)
                return;
        (void)control_group_freeze(group, false, 0);
        leftover_path(actions, leftover);
        (void)unlink(leftover);
}

void action_thaw_leftover(struct actions *actions) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int file = -1, group = -1;
        char leftover[PATH_MAX];
        size_t n;

        leftover_path(actions, leftover);
        file = open_trusted_file(leftover, NULL, NULL);
        if (file < 0 || fd_read_all(file, PATH_MAX, &path, &n) < 0 || n == 0)
                return;
        group = control_group_open(path, 0);
        let_group_go(actions, group);
}

static int find_tree(struct actions *actions, const struct action *action, struct tree *tree,
                     struct action_result *ret) {
        const struct action_value *members = action_get(action, ACTION_kill_tree_members);
        const struct identity *root = &action_get(action, ACTION_kill_tree_process)->process;
        int r;

        r = tree_init(tree, root, is_protected, actions);
        if (r == -ESRCH)
                return action_say(ret, r, "process %u has ended", root->pid);
        if (r < 0)
                return action_say(ret, r, "cannot stop process %u: %s", root->pid, strerror(-r));
        for (size_t i = 0; i < members->n_processes; i++) {
                r = tree_add(tree, &members->processes[i], is_protected, actions);
                if (r == -ENOMEM) {
                        tree_done(tree);
                        return r;
                }
        }
        return 0;
}

static int write_members(const struct tree *tree, struct undo_entry *entry) {
        char text[48];
        int r = 0;

        for (size_t i = 0; r >= 0 && i < tree->members.n; i++) {
                const struct identity *id = &tree->members.items[i].id;

                snprintf(text, sizeof(text), "%" PRIu32 ":%" PRIu64, id->pid, id->start_ns);
                r = undo_entry_add(entry, "process", text);
        }
        return r;
}

/* All are stopped and quiet, or as quiet as could be had: write them down, or kill them. */
static int finish_tree(struct actions *actions, const struct action *action, struct tree *tree,
                       struct action_result *ret) {
        bool kill = action->kind == ACTION_KIND_kill_tree, quiet = tree->is_quiet;
        _cleanup_(undo_entry_done) struct undo_entry entry;
        char others[96] = "";
        size_t n;
        int r = 0;

        undo_entry_init(&entry);
        if (kill)
                n = tree_signal(tree, SIGKILL);
        else {
                n = tree->members.n;
                action_undo_entry(actions, action, &entry);
                r = write_members(tree, &entry);
                if (r >= 0)
                        r = action_begin_undo(actions, &entry, ret);
                /* What nobody could let go on must not stay stopped. */
                if (r < 0) {
                        (void)tree_signal(tree, SIGCONT);
                        return r;
                }
                action_end_undo(actions, &entry, true, ret);
        }
        if (tree->n_protected > 0)
                snprintf(others, sizeof(others), ", %u protected left alone", tree->n_protected);
        if (!quiet)
                return action_say(ret, tree->is_full ? -E2BIG : -EAGAIN,
                                  "%s %zu processes of the tree of %u (%s)%s, but there were always new ones",
                                  kill ? "killed" : "stopped", n, tree->members.items[0].id.pid,
                                  tree->members.items[0].name, others);
        return action_say(ret, 0, "%s %zu process%s of the tree of %u (%s)%s", kill ? "killed" : "stopped", n,
                          n == 1 ? "" : "es", tree->members.items[0].id.pid, tree->members.items[0].name, others);
}

/* While the group is frozen nobody is born and nobody goes: all are found and told to stop, which they do before
 * anything else once they are let go. What is elsewhere is found as it goes. */
static int sweep(struct actions *actions, struct tree *tree, int *group) {
        uint64_t until = nsec_add(clock_boottime_ns(), SWEEP_NS);
        int r;

        if (*group >= 0) {
                tree->is_frozen = true;
                r = tree_sweep(tree, until, is_protected, actions);
                let_group_go(actions, *group);
                *group = close_fd(*group);
                tree->is_frozen = false;
                if (r < 0)
                        return r;
        }
        return tree_sweep(tree, until, is_protected, actions);
}

int action_do_tree(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct identity *root = &action_get(action, ACTION_kill_tree_process)->process;
        _cleanup_(tree_done) struct tree tree = {};
        int group, r;

        r = action_check_process(actions, action, ret);
        if (r < 0)
                return r;
        group = hold_group(actions, root->pid);
        r = find_tree(actions, action, &tree, ret);
        if (r >= 0) {
                r = sweep(actions, &tree, &group);
                if (r >= 0 || r == -ETIMEDOUT || r == -E2BIG)
                        r = finish_tree(actions, action, &tree, ret);
                else
                        (void)tree_signal(&tree, SIGCONT);
        }
        let_group_go(actions, group);
        close_fd(group);
        return r;
}

int action_undo_tree(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        size_t n = 0, n_gone = 0;

        ARRAY_FOREACH(pair, &entry->pairs) {
                _cleanup_(closep) int fd = -1;
                uint64_t pid, start;
                const char *colon;

                colon = strchr(pair->value, ':');
                if (!streq(pair->key, "process") || !colon ||
                    parse_u64_n(pair->value, (size_t)(colon - pair->value), 1, INT32_MAX, &pid) < 0 ||
                    parse_u64(colon + 1, 1, UINT64_MAX, &start) < 0)
                        return action_say(ret, -EBADMSG, "its entry does not say which processes they were");
                fd = proc_open(&(struct identity){.start_ns = start, .pid = (uint32_t)pid}, NULL);
                if (fd >= 0 && proc_signal(fd, SIGCONT) >= 0)
                        n++;
                else
                        n_gone++;
        }
        return action_say(ret, 0, "%zu processes go on, %zu have ended", n, n_gone);
}

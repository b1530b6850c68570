/* SPDX-License-Identifier: Apache-2.0 */

/* What touches nothing but what is ours: snapshots and lists. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "action/forensics.h"
#include "action/runtime-list.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"

#define LIST_DURATION_NS NSEC_PER_HOUR

_Static_assert((int)ACTION_list_add_list == (int)ACTION_list_remove_list, "one check for both");
_Static_assert((int)ACTION_list_add_value == (int)ACTION_list_remove_value, "one check for both");

static int end_snapshot(struct forensics_taking *taking, uint32_t pid, const struct copy_answer *answer,
                        struct action_result *ret) {
        struct forensics taken;
        char hash[96] = "";
        int r;

        r = forensics_end(taking, answer, &taken);
        if (r < 0)
                return action_say(ret, r, "cannot finish the snapshot of process %u: %s", pid, strerror(-r));
        if (taken.sha256[0])
                snprintf(hash, sizeof(hash), ", SHA-256 %s", taken.sha256);
        return action_say(ret, 0, "snapshot of process %u in '%s'%s%s", pid, taken.path, hash,
                          taken.n_left_out > 0 ? ", not complete" : "");
}

/* A snapshot of which the program is on its way. */
struct taking {
        struct action_pending *pending;
        struct forensics_taking *snapshot;
        uint32_t pid;
};

static void on_copied(const struct copy_answer *answer, void *userdata) {
        struct action_result result = {.outcome = ACTION_DONE};
        struct taking *taking = userdata;

        result.error = MIN(end_snapshot(taking->snapshot, taking->pid, answer, &result), 0);
        if (result.error < 0)
                result.outcome = ACTION_FAILED;
        action_end(taking->pending, &result);
        free(taking);
}

/* By a child. It has descriptors of its own: those of the snapshot end with it. */
static int have_copied(struct actions *actions, const struct action *action, struct forensics_taking *snapshot,
                       const struct copy *copy, struct action_result *ret) {
        const struct copy_answer never = {.error = -EBUSY};
        uint32_t pid = action_get(action, ACTION_snapshot_process)->process.pid;
        struct taking *taking = calloc(1, sizeof(*taking));
        struct copy own = *copy;
        char path[256];

        snprintf(path, sizeof(path), "%s", forensics_path(snapshot));
        own.from = fcntl(copy->from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        own.to = fcntl(copy->to, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (taking && own.from >= 0 && own.to >= 0) {
                *taking = (struct taking){.snapshot = snapshot, .pid = pid};
                taking->pending = action_pend(actions, action, ret);
                if (taking->pending && action_copy(actions, &own, on_copied, taking) >= 0)
                        return action_say(ret, 0, "snapshot of process %u in '%s', its program is being copied", pid,
                                          path);
                if (taking->pending)
                        action_unpend(taking->pending);
                ret->outcome = ACTION_DONE;     /* all but the program */
        }
        close_fd(own.from);
        close_fd(own.to);
        free(taking);
        return end_snapshot(snapshot, pid, &never, ret);
}

int action_do_snapshot(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct identity *process = &action_get(action, ACTION_snapshot_process)->process;
        const struct forensics_options options = {
                .directory = actions->options.snapshot_directory ?: ACTIONS_SNAPSHOT_DIRECTORY,
                .max_bytes = actions->config->response.snapshot_size_bytes,
                .max_snapshots = actions->config->response.snapshots,
                .redactor = actions->options.redactor,
        };
        struct forensics_taking *taking;
        struct copy_answer answer;
        struct copy copy;
        uint64_t n_bytes;
        bool has_program;
        int r;

        r = forensics_begin(&options, process,
                            actions->origin && actions->origin->alert ? actions->origin->alert : "", &taking);
        if (r == -ESRCH)
                return action_say(ret, r, "process %u has ended", process->pid);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot take a snapshot of process %u: %s",
                                  process->pid, strerror(-r));
        has_program = forensics_program(taking, &copy, &n_bytes);
        if (has_program && action_is_large(actions, n_bytes))
                return have_copied(actions, action, taking, &copy, ret);
        if (has_program)
                copy_run(&copy, &answer);
        return end_snapshot(taking, process->pid, has_program ? &answer : NULL, ret);
}

/* ---- lists ---- */

int action_lists(struct actions *actions, struct runtime_lists **ret) {
        char directory[PATH_MAX];
        int r = 0;

        if (!actions->lists) {
                snprintf(directory, sizeof(directory), "%s/lists",
                         actions->options.runtime_directory ?: ACTIONS_RUNTIME_DIRECTORY);
                r = runtime_lists_new(directory, actions->now_ns, NULL, &actions->lists);
        }
        *ret = actions->lists;
        return r;
}

static void tell(struct actions *actions, const char *list, const char *value, uint64_t until_ns) {
        if (actions->options.sink.on_list)
                actions->options.sink.on_list(list, value, until_ns, actions->options.userdata);
}

void action_refresh_lists(struct actions *actions) {
        if (actions->lists && runtime_lists_refresh(actions->lists, actions->now_ns) > 0)
                tell(actions, NULL, NULL, 0);
}

static int get_lists(struct actions *actions, struct runtime_lists **lists, struct action_result *ret) {
        int r = action_lists(actions, lists);

        if (r >= 0)
                action_refresh_lists(actions);
        return r < 0 ? action_say(ret, r == -EPERM ? -EACCES : r, "cannot read the lists: %s", strerror(-r)) : 0;
}

int action_check_list(struct actions *actions, const struct action *action, struct action_result *ret) {
        struct runtime_lists *lists;

        return get_lists(actions, &lists, ret);
}

static int add(struct actions *actions, const struct action *action, struct runtime_lists *lists,
               struct action_result *ret) {
        const char *list = action_get(action, ACTION_list_add_list)->text;
        const char *value = action_get(action, ACTION_list_add_value)->text;
        uint64_t until =
                nsec_add(actions->now_ns, action_duration_ns(action, ACTION_list_add_duration, LIST_DURATION_NS));
        _cleanup_(undo_entry_done) struct undo_entry entry;
        int r;

        undo_entry_init(&entry);
        if (!runtime_list_has(lists, list, value, actions->now_ns)) {
                action_undo_entry(actions, action, &entry);
                r = undo_entry_add(&entry, "list", list);
                if (r >= 0)
                        r = undo_entry_add(&entry, "value", value);
                if (r >= 0)
                        r = action_begin_undo(actions, &entry, ret);
                if (r < 0)
                        return r;
        }
        r = runtime_list_add(lists, list, value, until);
        if (entry.id)
                action_end_undo(actions, &entry, r >= 0, ret);
        if (r == -ENOSPC)
                return action_say(ret, r, "no room for '%s' on list '%s'", value, list);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot write list '%s': %s", list, strerror(-r));
        tell(actions, list, value, until);
        return action_say(ret, 0, r ? "'%s' is on list '%s'" : "'%s' was on list '%s', and has another end now", value,
                          list);
}

static int take_off(struct actions *actions, struct runtime_lists *lists, const char *list, const char *value,
                    struct action_result *ret) {
        int r = runtime_list_remove(lists, list, value);

        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot write list '%s': %s", list, strerror(-r));
        tell(actions, list, value, 0);
        return action_say(ret, 0, r ? "'%s' is off list '%s'" : "'%s' is not on list '%s'", value, list);
}

int action_do_list(struct actions *actions, const struct action *action, struct action_result *ret) {
        struct runtime_lists *lists;
        int r;

        r = get_lists(actions, &lists, ret);
        if (r < 0)
                return r;
        if (action->kind == ACTION_KIND_list_add)
                return add(actions, action, lists, ret);
        return take_off(actions, lists, action_get(action, ACTION_list_remove_list)->text,
                        action_get(action, ACTION_list_remove_value)->text, ret);
}

int action_undo_list(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        const char *list = undo_entry_get(entry, "list"), *value = undo_entry_get(entry, "value");
        struct runtime_lists *lists;
        int r;

        if (!list || !value || strchr(list, '/') || list[0] == '.')
                return action_say(ret, -EBADMSG, "its entry does not say what was put on which list");
        r = get_lists(actions, &lists, ret);
        return r < 0 ? r : take_off(actions, lists, list, value, ret);
}

bool actions_list_has(struct actions *actions, const char *list, const char *value, uint64_t now_ns) {
        struct runtime_lists *lists;

        actions->now_ns = now_ns;
        return action_lists(actions, &lists) >= 0 && runtime_list_has(lists, list, value, now_ns);
}

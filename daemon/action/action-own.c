/* SPDX-License-Identifier: Apache-2.0 */

/* What touches nothing but what is ours: snapshots and lists. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "action/actions-private.h"
#include "action/forensics.h"
#include "action/runtime-list.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define LIST_DURATION_NS NSEC_PER_HOUR

_Static_assert((int)ACTION_list_add_list == (int)ACTION_list_remove_list, "one check for both");
_Static_assert((int)ACTION_list_add_value == (int)ACTION_list_remove_value, "one check for both");

int action_do_snapshot(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct identity *process = &action_get(action, ACTION_snapshot_process)->process;
        const struct forensics_options options = {
                .directory = actions->options.snapshot_directory ?: ACTIONS_SNAPSHOT_DIRECTORY,
                .max_bytes = actions->config->response.snapshot_size_bytes,
                .max_snapshots = actions->config->response.snapshots,
                .redactor = actions->options.redactor,
        };
        struct forensics taken;
        char hash[96] = "";
        int r;

        r = forensics_take(&options, process, actions->origin && actions->origin->alert ? actions->origin->alert : "",
                           &taken);
        if (r == -ESRCH)
                return action_say(ret, r, "process %u has ended", process->pid);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot take a snapshot of process %u: %s",
                                  process->pid, strerror(-r));
        if (taken.sha256[0])
                snprintf(hash, sizeof(hash), ", SHA-256 %s", taken.sha256);
        return action_say(ret, 0, "snapshot of process %u in '%s'%s%s", process->pid, taken.path, hash,
                          taken.n_left_out > 0 ? ", not complete" : "");
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

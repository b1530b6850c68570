/* SPDX-License-Identifier: Apache-2.0 */

/* Undo what stands in the log. */

#include <errno.h>
#include <stdio.h>

#include "action/actions-private.h"

static int undo_entry(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        int kind = action_kind_from_string(entry->action);

        if (kind < 0)
                return action_say(ret, -EOPNOTSUPP, "nobody here knows how to undo '%s'", entry->action);
        switch ((enum action_kind)kind) {
        case ACTION_KIND_stop_tree: return action_undo_tree(actions, entry, ret);
        case ACTION_KIND_deny_network_cgroup:
        case ACTION_KIND_freeze_cgroup: return action_undo_cgroup(actions, entry, ret);
        case ACTION_KIND_stop_unit:
        case ACTION_KIND_freeze_unit:
        case ACTION_KIND_deny_network: return action_undo_unit(actions, entry, ret);
        case ACTION_KIND_list_add: return action_undo_list(actions, entry, ret);
        case ACTION_KIND_quarantine: return action_undo_quarantine(actions, entry, ret);
        case ACTION_KIND_signal:
        case ACTION_KIND_kill_tree:
        case ACTION_KIND_thaw_cgroup:
        case ACTION_KIND_kill_cgroup:
        case ACTION_KIND_restart_unit:
        case ACTION_KIND_thaw_unit:
        case ACTION_KIND_isolate:
        case ACTION_KIND_snapshot:
        case ACTION_KIND_run:
        case ACTION_KIND_webhook:
        case ACTION_KIND_list_remove:
        case _ACTION_KIND_MAX: break;
        }
        return action_say(ret, -EOPNOTSUPP, "'%s' cannot be undone", entry->action);
}

int action_undo(struct actions *actions, uint64_t id, uint64_t now_ns, struct action_result *ret) {
        static const struct action_origin nobody = {};
        _cleanup_(undo_entry_done) struct undo_entry entry;
        char what[48];
        int r;

        undo_entry_init(&entry);
        *ret = (struct action_result){.number = ++actions->last_number, .outcome = ACTION_FAILED};
        actions->now_ns = now_ns;
        r = action_open_log(actions, ret);
        if (r >= 0)
                r = undo_log_read(&actions->log, id, &entry);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && !ret->text[0])
                action_say(ret, r, r == -ENOENT ? "there is none of that number" : "its entry is damaged");
        else if (r >= 0 && (entry.state == UNDO_UNDONE || entry.state == UNDO_FAILED))
                r = action_say(ret, -EALREADY, "it is not in force (%s)", undo_state_to_string(entry.state));
        else if (r >= 0) {
                ret->outcome = ACTION_DONE;
                r = undo_entry(actions, &entry, ret);
        }
        if (r == -ENOMEM)
                return r;
        ret->error = MIN(r, 0);
        if (r < 0)
                ret->outcome = ACTION_FAILED;
        else if (ret->outcome == ACTION_DONE)
                action_undone(actions, &entry);
        snprintf(what, sizeof(what), "undo %llu", (unsigned long long)id);
        action_tell(actions, &nobody, what, _ACTION_KIND_MAX, ret);
        return 0;
}

void action_undone(struct actions *actions, struct undo_entry *entry) {
        entry->state = UNDO_UNDONE;
        (void)undo_log_write(&actions->log, entry);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Stop, restart, freeze and thaw a unit, change to a target, refuse its packets; and undo that. */

#include <errno.h>
#include <stdio.h>

#include "action/systemd-private.h"
#include "base/strbuf.h"

_Static_assert((int)ACTION_stop_unit_unit == (int)ACTION_isolate_unit &&
                       (int)ACTION_stop_unit_unit == (int)ACTION_restart_unit_unit &&
                       (int)ACTION_stop_unit_unit == (int)ACTION_freeze_unit_unit &&
                       (int)ACTION_stop_unit_unit == (int)ACTION_thaw_unit_unit &&
                       (int)ACTION_stop_unit_unit == (int)ACTION_deny_network_unit,
               "one check for all");

static bool is_listed(const struct config_list *list, const char *name) {
        for (size_t i = 0; i < list->n; i++)
                if (streq(list->items[i], name))
                        return true;
        return false;
}

int action_check_unit(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *unit = action_get(action, ACTION_stop_unit_unit)->text;
        _cleanup_(strbuf_done) struct strbuf why = {};

        /* What the target would stop is what the administrator has thought about. */
        if (action->kind == ACTION_KIND_isolate)
                return is_listed(&actions->config->response.isolate, unit)
                               ? 0
                               : action_say(ret, -EPERM, "'%s' is not one of response.isolate", unit);
        if (action->kind == ACTION_KIND_thaw_unit)
                return 0;
        if (action->kind == ACTION_KIND_deny_network && !endswith(unit, ".service") && !endswith(unit, ".scope") &&
            !endswith(unit, ".socket") && !endswith(unit, ".slice"))
                return action_say(ret, -EINVAL, "'%s' sends no packets: it is no service, scope, socket or slice",
                                  unit);
        return guard_unit(&actions->guard, unit, &why) < 0 ? action_say(ret, -EPERM, "%s", strbuf_str(&why)) : 0;
}

/* What can be undone is on disk before it is done. */
static int begin(struct task *task) {
        struct action_result result = {};
        int r;

        r = undo_entry_add(&task->entry, "unit", task->unit);
        if (r >= 0)
                r = action_begin_undo(task->systemd->actions, &task->entry, &result);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "%s", result.text[0] ? result.text : strerror(-r));
        return r;
}

static void stop(struct task *task) {
        /* One that does not run is not started by undoing this. */
        if (task_interface(task) && !task->cgroup[0]) {
                task_end(task, ACTION_DONE, 0, "unit '%s' did not run", task->unit);
                return;
        }
        snprintf(task->result, sizeof(task->result), "unit '%.200s' is stopped", task->unit);
        if (begin(task) >= 0)
                task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", task_on_job, "ss", task->unit, "replace");
}

static void restart(struct task *task) {
        if (task_interface(task) && !task->cgroup[0]) {
                task_end(task, ACTION_DONE, 0, "unit '%s' did not run", task->unit);
                return;
        }
        snprintf(task->result, sizeof(task->result), "unit '%.200s' is started anew", task->unit);
        task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "TryRestartUnit", task_on_job, "ss", task->unit, "replace");
}

static void freeze(struct task *task) {
        snprintf(task->result, sizeof(task->result), "unit '%.200s' is frozen", task->unit);
        if (begin(task) >= 0)
                task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "FreezeUnit", task_on_done, "s", task->unit);
}

static void thaw(struct task *task) {
        snprintf(task->result, sizeof(task->result), "unit '%.200s' goes on", task->unit);
        task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "ThawUnit", task_on_done, "s", task->unit);
}

static void isolate(struct task *task) {
        snprintf(task->result, sizeof(task->result), "the host has changed to '%.200s'", task->unit);
        task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit", task_on_job, "ss", task->unit, "isolate");
}

static void start(struct task *task) {
        snprintf(task->result, sizeof(task->result), "unit '%.200s' is started", task->unit);
        task_call(task, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit", task_on_job, "ss", task->unit, "replace");
}

int action_do_unit(struct actions *actions, const struct action *action, struct action_result *ret) {
        struct task *task;
        int r;

        r = task_new(actions, action, action_get(action, ACTION_stop_unit_unit)->text, ret, &task);
        if (r < 0)
                return r;
        task->then = action->kind == ACTION_KIND_stop_unit      ? stop
                     : action->kind == ACTION_KIND_restart_unit ? restart
                     : action->kind == ACTION_KIND_freeze_unit  ? freeze
                                                                : task_deny_network;
        if (action->kind == ACTION_KIND_isolate)
                isolate(task);
        else if (action->kind == ACTION_KIND_thaw_unit)
                thaw(task);
        else
                task_look(task);
        return 0;
}

int action_undo_unit(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        const char *unit = undo_entry_get(entry, "unit");
        struct task *task;
        int r;

        if (!unit || !*unit || strlen(unit) >= UNIT_NAME_MAX)
                return action_say(ret, -EBADMSG, "its entry does not say which unit it was");
        r = task_new(actions, NULL, unit, ret, &task);
        if (r < 0)
                return r;
        undo_entry_done(&task->entry);
        task->entry = TAKE_STRUCT(*entry);
        if (streq(task->entry.action, "stop_unit"))
                start(task);
        else if (streq(task->entry.action, "freeze_unit"))
                thaw(task);
        else
                task_allow_network(task);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Freeze, thaw and kill a control group. */

#include <errno.h>
#include <limits.h>

#include "action/actions-private.h"
#include "action/control-group.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define FREEZE_TIMEOUT_NS (100 * NSEC_PER_MSEC)

/* All three have the same arguments in the same places. */
_Static_assert((int)ACTION_freeze_cgroup_cgroup == (int)ACTION_kill_cgroup_cgroup, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_id == (int)ACTION_kill_cgroup_id, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_cgroup == (int)ACTION_thaw_cgroup_cgroup, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_id == (int)ACTION_thaw_cgroup_id, "one check for all");

static int open_group(const char *path, uint64_t id, struct action_result *ret) {
        int fd = control_group_open(path, id);

        if (fd == -ENOENT)
                return action_say(ret, fd, "there is no control group '%s' in the hierarchy of v2", path);
        if (fd == -ESTALE)
                return action_say(ret, fd, "control group '%s' is another one by now", path);
        if (fd < 0)
                return action_say(ret, fd, "cannot open control group '%s': %s", path, strerror(-fd));
        return fd;
}

static int check_group(struct actions *actions, int fd, const char *path, struct action_result *ret) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        char thing[PATH_MAX + 32];
        int r;

        r = guard_cgroup(&actions->guard, fd, path, &why);
        snprintf(thing, sizeof(thing), "control group '%s':", path);
        return action_guarded(ret, r, thing, &why);
}

int action_check_cgroup(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *path = action_get(action, ACTION_freeze_cgroup_cgroup)->text;
        _cleanup_(closep) int fd = -1;

        fd = open_group(path, (uint64_t)action_number(action, ACTION_freeze_cgroup_id, 0), ret);
        if (fd < 0)
                return fd;
        return action->kind == ACTION_KIND_thaw_cgroup ? 0 : check_group(actions, fd, path, ret);
}

static int say_frozen(struct action_result *ret, int r, const char *path) {
        if (r == -ETIMEDOUT)
                return action_say(ret, 0, "control group '%s' is being frozen, a process in the kernel takes its time",
                                  path);
        if (r < 0)
                return action_say(ret, r, "cannot freeze control group '%s': %s", path, strerror(-r));
        return action_say(ret, 0, "control group '%s' is frozen", path);
}

static int freeze(struct actions *actions, const struct action *action, int fd, struct action_result *ret) {
        const char *path = action_get(action, ACTION_freeze_cgroup_cgroup)->text;
        _cleanup_(undo_entry_done) struct undo_entry entry;
        uint64_t id;
        int r;

        undo_entry_init(&entry);
        if (control_group_is_frozen(fd) == 1)
                return action_say(ret, 0, "control group '%s' was frozen already, and stays so", path);
        r = control_group_id(fd, &id);
        if (r < 0)
                return r;
        action_undo_entry(actions, action, &entry);
        r = undo_entry_add(&entry, "cgroup", path);
        if (r >= 0)
                r = undo_entry_add_u64(&entry, "id", id);
        if (r >= 0)
                r = action_begin_undo(actions, &entry, ret);
        if (r < 0)
                return r;
        r = control_group_freeze(fd, true, FREEZE_TIMEOUT_NS);
        /* Whoever was moved into it before it stood still must not stay there. */
        if (r >= 0 || r == -ETIMEDOUT) {
                int guarded = check_group(actions, fd, path, ret);

                if (guarded < 0) {
                        (void)control_group_freeze(fd, false, 0);
                        action_end_undo(actions, &entry, false, ret);
                        return guarded;
                }
        }
        r = say_frozen(ret, r, path);
        action_end_undo(actions, &entry, r >= 0, ret);
        return r;
}

static int thaw(int fd, const char *path, struct action_result *ret) {
        int r = control_group_freeze(fd, false, FREEZE_TIMEOUT_NS);

        if (r < 0 && r != -ETIMEDOUT)
                return action_say(ret, r, "cannot thaw control group '%s': %s", path, strerror(-r));
        return action_say(ret, 0, r < 0 ? "control group '%s' is let go, but one above it is frozen"
                                        : "control group '%s' goes on", path);
}

static int kill_group(int fd, const char *path, struct action_result *ret) {
        int r = control_group_kill(fd);

        if (r == -ENOENT)
                return action_say(ret, -EOPNOTSUPP, "this kernel cannot kill a control group (cgroup.kill)");
        if (r < 0)
                return action_say(ret, r, "cannot kill control group '%s': %s", path, strerror(-r));
        return action_say(ret, 0, "all processes of control group '%s' are killed", path);
}

int action_do_cgroup(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *path = action_get(action, ACTION_freeze_cgroup_cgroup)->text;
        _cleanup_(closep) int fd = -1;

        fd = open_group(path, (uint64_t)action_number(action, ACTION_freeze_cgroup_id, 0), ret);
        if (fd < 0)
                return fd;
        if (action->kind == ACTION_KIND_freeze_cgroup)
                return freeze(actions, action, fd, ret);
        return action->kind == ACTION_KIND_thaw_cgroup ? thaw(fd, path, ret) : kill_group(fd, path, ret);
}

int action_undo_cgroup(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        const char *path = undo_entry_get(entry, "cgroup");
        _cleanup_(closep) int fd = -1;
        uint64_t id;
        int r;

        r = undo_entry_get_u64(entry, "id", UINT64_MAX, &id);
        if (!path || r < 0)
                return action_say(ret, -EBADMSG, "its entry does not say which control group it was");
        fd = open_group(path, id, ret);
        return fd < 0 ? fd : thaw(fd, path, ret);
}

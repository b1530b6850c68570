/* SPDX-License-Identifier: Apache-2.0 */

/* Freeze, thaw and kill a control group, and take the network from it. */

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "action/control-group.h"
#include "action/group-network.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define FREEZE_TIMEOUT_NS (100 * NSEC_PER_MSEC)

/* All have the same arguments in the same places. */
_Static_assert((int)ACTION_freeze_cgroup_cgroup == (int)ACTION_kill_cgroup_cgroup, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_id == (int)ACTION_kill_cgroup_id, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_cgroup == (int)ACTION_thaw_cgroup_cgroup, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_id == (int)ACTION_thaw_cgroup_id, "one check for all");

_Static_assert((int)ACTION_freeze_cgroup_cgroup == (int)ACTION_deny_network_cgroup_cgroup, "one check for all");
_Static_assert((int)ACTION_freeze_cgroup_id == (int)ACTION_deny_network_cgroup_id, "one check for all");

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

/* Which group it was, by name and by identity: what every undo asks first. */
static int note_group(struct actions *actions, const struct action *action, int fd, const char *path,
                      struct undo_entry *entry) {
        uint64_t id;
        int r;

        r = control_group_id(fd, &id);
        if (r < 0)
                return r;
        action_undo_entry(actions, action, entry);
        r = undo_entry_add(entry, "cgroup", path);
        return r < 0 ? r : undo_entry_add_u64(entry, "id", id);
}

static int freeze(struct actions *actions, const struct action *action, int fd, struct action_result *ret) {
        const char *path = action_get(action, ACTION_freeze_cgroup_cgroup)->text;
        _cleanup_(undo_entry_done) struct undo_entry entry;
        int r;

        undo_entry_init(&entry);
        if (control_group_is_frozen(fd) == 1)
                return action_say(ret, 0, "control group '%s' was frozen already, and stays so", path);
        r = note_group(actions, action, fd, path, &entry);
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

static int deny_network(struct actions *actions, const struct action *action, int fd, struct action_result *ret) {
        const char *path = action_get(action, ACTION_deny_network_cgroup_cgroup)->text;
        uint64_t duration_ns = action_duration_ns(action, ACTION_deny_network_cgroup_duration, 0);
        uint64_t until_ns = duration_ns > 0 ? nsec_add(actions->now_ns, duration_ns) : 0;
        _cleanup_(undo_entry_done) struct undo_entry entry;
        uint32_t program;
        int r;

        undo_entry_init(&entry);
        r = note_group(actions, action, fd, path, &entry);
        if (r >= 0 && until_ns > 0)
                r = undo_entry_add_u64(&entry, "until", until_ns);
        if (r >= 0)
                r = action_begin_undo(actions, &entry, ret);
        if (r < 0)
                return r;
        r = group_network_deny(fd, until_ns, &program);
        if (r >= 0)
                r = undo_entry_add_u64(&entry, "program", program);
        action_end_undo(actions, &entry, r >= 0, ret);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot refuse the packets of control group '%s': %s",
                                  path, strerror(-r));
        actions->denied_next_ns = until_ns > 0 ? MIN(actions->denied_next_ns, until_ns) : actions->denied_next_ns;
        return action_say(ret, 0, "all packets of control group '%s' are refused", path);
}

int action_do_cgroup(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *path = action_get(action, ACTION_freeze_cgroup_cgroup)->text;
        _cleanup_(closep) int fd = -1;

        fd = open_group(path, (uint64_t)action_number(action, ACTION_freeze_cgroup_id, 0), ret);
        if (fd < 0)
                return fd;
        if (action->kind == ACTION_KIND_freeze_cgroup)
                return freeze(actions, action, fd, ret);
        if (action->kind == ACTION_KIND_deny_network_cgroup)
                return deny_network(actions, action, fd, ret);
        return action->kind == ACTION_KIND_thaw_cgroup ? thaw(fd, path, ret) : kill_group(fd, path, ret);
}

static int allow_network(int fd, const char *path, const struct undo_entry *entry, struct action_result *ret) {
        uint64_t program;
        int r;

        if (undo_entry_get_u64(entry, "program", UINT32_MAX, &program) < 0)
                return action_say(ret, -EBADMSG, "its entry does not say which program it was");
        r = group_network_allow(fd, (uint32_t)program);
        if (r < 0 && r != -ENOENT)
                return action_say(ret, r, "cannot take away what refuses the packets of control group '%s': %s", path,
                                  strerror(-r));
        return action_say(ret, 0, r < 0 ? "packets of control group '%s' were not refused any more"
                                        : "packets of control group '%s' pass again", path);
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
        if (fd < 0)
                return fd;
        return streq(entry->action, "deny_network_cgroup") ? allow_network(fd, path, entry, ret)
                                                           : thaw(fd, path, ret);
}

/* The kernel has let packets pass again by itself: the entry is not in force any more. */
static void end_denied(struct actions *actions, uint64_t id, uint64_t *next_ns) {
        _cleanup_(undo_entry_done) struct undo_entry entry;
        uint64_t until_ns;

        undo_entry_init(&entry);
        if (undo_log_read(&actions->log, id, &entry) < 0 || !streq(entry.action, "deny_network_cgroup") ||
            entry.state == UNDO_UNDONE || entry.state == UNDO_FAILED ||
            undo_entry_get_u64(&entry, "until", UINT64_MAX, &until_ns) < 0)
                return;
        if (until_ns <= actions->now_ns)
                action_undone(actions, &entry);
        else
                *next_ns = MIN(*next_ns, until_ns);
}

void action_end_denied(struct actions *actions) {
        _cleanup_(freep) uint64_t *ids = NULL;
        uint64_t next_ns = UINT64_MAX;
        struct action_result said;
        size_t n = 0;

        /* Nobody has ever written anything down: there is nothing to read. */
        if (actions->now_ns < actions->denied_next_ns ||
            access(actions->options.state_directory ?: ACTIONS_STATE_DIRECTORY, F_OK) < 0 ||
            action_open_log(actions, &said) < 0)
                return;
        (void)undo_log_list(&actions->log, &ids, &n);
        for (size_t i = 0; i < n; i++)
                end_denied(actions, ids[i], &next_ns);
        actions->denied_next_ns = next_ns;
}

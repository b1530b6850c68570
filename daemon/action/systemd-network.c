/* SPDX-License-Identifier: Apache-2.0 */

/* Have systemd refuse the packets of a unit (IPAddressDeny=), and put back what it had. That it took the setting does
 * not mean that there is a filter: whether one is attached to the group is asked of the kernel. */

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "action/control-group.h"
#include "action/systemd-private.h"
#include "base/parse.h"

#define RANGES_MAX 1024                 /* of one list of a unit */
#define ADDRESS_MAX 16

struct range {
        int family;
        uint32_t prefix;
        size_t n;
        uint8_t bytes[ADDRESS_MAX];
};

static const struct range everything[] = {
        {.family = AF_INET, .n = 4},
        {.family = AF_INET6, .n = 16},
};
static const struct range host_itself[] = {
        {.family = AF_INET, .n = 4, .prefix = 8, .bytes = {127}},
        {.family = AF_INET6, .n = 16, .prefix = 128, .bytes = {[15] = 1}},
};

/* ---- as text in the log: "2/7f000000/8" ---- */

static int put_range(struct undo_entry *entry, const char *key, const struct range *range) {
        char text[80];
        int n;

        n = snprintf(text, sizeof(text), "%d/", range->family);
        for (size_t i = 0; i < range->n; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x", range->bytes[i]);
        snprintf(text + n, sizeof(text) - (size_t)n, "/%u", range->prefix);
        return undo_entry_add(entry, key, text);
}

static int digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_range(const char *text, struct range *ret) {
        const char *address = strchr(text, '/'), *prefix = address ? strchr(address + 1, '/') : NULL;
        struct range range = {};
        uint64_t number;

        if (!prefix || parse_u64_n(text, (size_t)(address - text), 0, 255, &number) < 0)
                return -EBADMSG;
        range.family = (int)number;
        range.n = (size_t)(prefix - address - 1) / 2;
        if (!(range.family == AF_INET && range.n == 4) && !(range.family == AF_INET6 && range.n == 16))
                return -EBADMSG;
        for (size_t i = 0; i < range.n; i++) {
                int high = digit(address[1 + 2 * i]), low = digit(address[2 + 2 * i]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                range.bytes[i] = (uint8_t)(high << 4 | low);
        }
        if (parse_u64(prefix + 1, 0, 8 * range.n, &number) < 0)
                return -EBADMSG;
        range.prefix = (uint32_t)number;
        *ret = range;
        return 0;
}

/* ---- on the bus ---- */

static int append_range(sd_bus_message *m, const struct range *range) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "iayu");
        if (r >= 0)
                r = sd_bus_message_append(m, "i", range->family);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', range->bytes, range->n);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", range->prefix);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* One setting; without ranges it empties the list, else they are added to it. */
static int append_list(sd_bus_message *m, const char *name, const struct range *ranges, size_t n) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(iayu)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(iayu)");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_range(m, &ranges[i]);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_lists(sd_bus_message *m, const struct range *allow, size_t n_allow, const struct range *deny,
                        size_t n_deny) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_list(m, "IPAddressAllow", NULL, 0);
        if (r >= 0)
                r = append_list(m, "IPAddressDeny", NULL, 0);
        if (r >= 0 && n_allow > 0)
                r = append_list(m, "IPAddressAllow", allow, n_allow);
        if (r >= 0 && n_deny > 0)
                r = append_list(m, "IPAddressDeny", deny, n_deny);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void set_lists(struct task *task, const struct range *allow, size_t n_allow, const struct range *deny,
                      size_t n_deny, sd_bus_message_handler_t on_reply) {
        sd_bus_message *m = NULL;
        int r;

        task->slot = sd_bus_slot_unref(task->slot);
        r = sd_bus_message_new_method_call(task->systemd->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", task->unit, 1);
        if (r >= 0)
                r = append_lists(m, allow, n_allow, deny, n_deny);
        if (r >= 0)
                r = sd_bus_call_async(task->systemd->bus, &task->slot, m, on_reply, task, 0);
        sd_bus_message_unref(m);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "cannot ask systemd about '%s': %s", task->unit, strerror(-r));
}

/* Is a filter on what the group sends? 1, 0, or -errno. */
static int is_filtered(const char *path) {
        union bpf_attr attr = {};
        int fd, r;

        fd = control_group_open(path, 0);
        if (fd < 0)
                return fd;
        attr.query.target_fd = (uint32_t)fd;
        attr.query.attach_type = BPF_CGROUP_INET_EGRESS;
        r = syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? -errno : attr.query.prog_cnt > 0;
        close_fd(fd);
        return r;
}

static int on_denied(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct task *task = userdata;
        int r;

        if (!task_answered(task, reply))
                return 0;
        if (!task->cgroup[0]) {
                task_end(task, ACTION_DONE, 0, "unit '%s' does not run; its packets will be refused when it does",
                         task->unit);
                return 0;
        }
        r = is_filtered(task->cgroup);
        if (r > 0)
                task_end(task, ACTION_DONE, 0, "packets of unit '%s' are refused", task->unit);
        else if (r == 0)
                task_end(task, ACTION_FAILED, -EOPNOTSUPP,
                         "systemd took the setting for '%s', but there is no filter in the kernel", task->unit);
        else
                task_end(task, ACTION_DONE, 0,
                         "systemd refuses packets of unit '%s', it says; the kernel was not asked (%s)", task->unit,
                         strerror(-r));
        return 0;
}

/* Remember what the unit had. */
static int keep_list(struct task *task, sd_bus_message *m, const char *key) {
        int r;

        r = sd_bus_message_enter_container(m, 'v', "a(iayu)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(iayu)");
        for (int n = 0; r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "iayu")) > 0; n++) {
                struct range range = {};
                const void *bytes;

                r = sd_bus_message_read(m, "i", &range.family);
                if (r >= 0)
                        r = sd_bus_message_read_array(m, 'y', &bytes, &range.n);
                if (r >= 0)
                        r = sd_bus_message_read(m, "u", &range.prefix);
                if (r >= 0 && (range.n > ADDRESS_MAX || n == RANGES_MAX))
                        r = -E2BIG;
                if (r >= 0) {
                        memcpy(range.bytes, bytes, range.n);
                        r = put_range(&task->entry, key, &range);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static void no_list(struct task *task, int r) {
        task_end(task, ACTION_FAILED, r, "cannot remember what unit '%s' had: %s", task->unit, strerror(-r));
}

static int on_allow(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct action_result result = {};
        struct task *task = userdata;
        int r;

        if (!task_answered(task, reply))
                return 0;
        r = keep_list(task, reply, "allow");
        if (r >= 0)
                r = undo_entry_add(&task->entry, "unit", task->unit);
        if (r < 0) {
                no_list(task, r);
                return 0;
        }
        r = action_begin_undo(task->systemd->actions, &task->entry, &result);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "%s", result.text);
        else
                set_lists(task, host_itself, ELEMENTSOF(host_itself), everything, ELEMENTSOF(everything), on_denied);
        return 0;
}

static int on_deny(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *object = NULL;
        struct task *task = userdata;
        int r;

        if (!task_answered(task, reply))
                return 0;
        r = keep_list(task, reply, "deny");
        if (r >= 0)
                r = task_object(task, &object);
        if (r < 0)
                no_list(task, r);
        else
                task_call(task, object, BUS_PROPERTIES, "Get", on_allow, "ss", task_interface(task), "IPAddressAllow");
        return 0;
}

void task_deny_network(struct task *task) {
        _cleanup_(freep) char *object = NULL;
        int r;

        r = task_object(task, &object);
        if (r < 0)
                no_list(task, r);
        else
                task_call(task, object, BUS_PROPERTIES, "Get", on_deny, "ss", task_interface(task), "IPAddressDeny");
}

static int collect(const struct undo_entry *entry, const char *key, struct range *ranges, size_t *ret_n) {
        size_t n = 0;

        ARRAY_FOREACH(pair, &entry->pairs) {
                if (!streq(pair->key, key))
                        continue;
                if (n == RANGES_MAX || take_range(pair->value, &ranges[n]) < 0)
                        return -EBADMSG;
                n++;
        }
        *ret_n = n;
        return 0;
}

void task_allow_network(struct task *task) {
        _cleanup_(freep) struct range *allow = calloc(RANGES_MAX, sizeof(*allow)),
                                      *deny = calloc(RANGES_MAX, sizeof(*deny));
        size_t n_allow, n_deny;

        if (!allow || !deny)
                task_end(task, ACTION_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
        else if (collect(&task->entry, "allow", allow, &n_allow) < 0 ||
                 collect(&task->entry, "deny", deny, &n_deny) < 0)
                task_end(task, ACTION_FAILED, -EBADMSG, "its entry does not say what unit '%s' had", task->unit);
        else {
                snprintf(task->result, sizeof(task->result), "unit '%.180s' has the addresses again that it had",
                         task->unit);
                set_lists(task, allow, n_allow, deny, n_deny, task_on_done);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Run a helper as a transient unit: with limits, without a shell, its arguments as they are. It ends with the result of
 * the program; what it writes is in the journal under the unit's name. Without systemd nothing is run: a child of ours
 * would have our rights, and no group of its own that ends with it. */

#include <errno.h>
#include <stdio.h>

#include "action/systemd-private.h"
#include "base/clock.h"

#define TIMEOUT_NS (60 * NSEC_PER_SEC)
#define MEMORY_BYTES ((int64_t)256 * 1024 * 1024)
#define TASKS 16

int action_check_run(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *program = action_get(action, ACTION_run_argv)->words[0];
        const struct config_list *helpers = &actions->config->response.helpers;

        for (size_t i = 0; i < helpers->n; i++)
                if (streq(helpers->items[i], program))
                        return actions->loop
                                     ? 0
                                     : action_say(ret, -EOPNOTSUPP, "whoever runs this cannot wait for systemd");
        return action_say(ret, -EPERM, "'%s' is not one of response.helpers", program);
}

static int append_program(sd_bus_message *m, const struct action_value *argv) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "ExecStart");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", argv->words[0]);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **)argv->words);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", 0);
        for (int i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_unit(sd_bus_message *m, const struct action *action, const char *unit) {
        uint64_t timeout_usec = action_duration_ns(action, ACTION_run_timeout, TIMEOUT_NS) / NSEC_PER_USEC;
        int r;

        r = sd_bus_message_append(m, "ss", unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", "A helper of execrayd's responses",
                        "Type", "s", "oneshot", "TimeoutStartUSec", "t", timeout_usec, "MemoryMax", "t",
                        (uint64_t)action_number(action, ACTION_run_memory, MEMORY_BYTES), "MemorySwapMax", "t",
                        UINT64_C(0), "TasksMax", "t", (uint64_t)action_number(action, ACTION_run_tasks, TASKS),
                        "NoNewPrivileges", "b", 1, "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = append_program(m, action_get(action, ACTION_run_argv));
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

int action_do_run(struct actions *actions, const struct action *action, struct action_result *ret) {
        sd_bus_message *m = NULL;
        struct task *task;
        char unit[96];
        int r;

        snprintf(unit, sizeof(unit), "execray-helper-%llu-%llu.service", (unsigned long long)clock_realtime_ns(),
                 (unsigned long long)ret->number);
        r = task_new(actions, action, unit, ret, &task);
        if (r < 0)
                return r;
        snprintf(task->result, sizeof(task->result), "'%.100s' has ended well (%.90s)",
                 action_get(action, ACTION_run_argv)->words[0], unit);
        r = sd_bus_message_new_method_call(task->systemd->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "StartTransientUnit");
        if (r >= 0)
                r = append_unit(m, action, unit);
        if (r >= 0)
                r = sd_bus_call_async(task->systemd->bus, &task->slot, m, task_on_job, task, 0);
        sd_bus_message_unref(m);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "cannot ask systemd to run '%s': %s",
                         action_get(action, ACTION_run_argv)->words[0], strerror(-r));
        return 0;
}

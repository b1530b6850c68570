/* SPDX-License-Identifier: Apache-2.0 */

/* The connection to systemd, and tasks on it. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "action/systemd-private.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define TASK_TIMEOUT_USEC (UINT64_C(4000) * 1000 * 1000)        /* longer than any helper may run */
#define TASKS_MAX 256

/* ---- tasks ---- */

static void task_free(struct task *task) {
        if (task->previous)
                task->previous->next = task->next;
        else
                task->systemd->tasks = task->next;
        if (task->next)
                task->next->previous = task->previous;
        sd_bus_slot_unref(task->slot);
        sd_event_source_disable_unref(task->timer);
        undo_entry_done(&task->entry);
        free(task);
}

/* In the log it is done, or not, or undone. */
static void close_entry(struct task *task, bool done, struct action_result *result) {
        struct actions *actions = task->systemd->actions;

        if (task->entry.id == 0)
                return;
        if (!task->undoing) {
                result->undo = task->entry.id;
                action_end_undo(actions, &task->entry, done, result);
        } else if (done)
                action_undone(actions, &task->entry);
}

void task_end(struct task *task, enum action_outcome outcome, int error, const char *fmt, ...) {
        struct action_pending *pending = task->pending;
        struct action_result result = {.outcome = outcome, .error = error};
        char raw[ACTION_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        action_say(&result, 0, "%s", raw);
        close_entry(task, outcome == ACTION_DONE, &result);
        task_free(task);
        action_end(pending, &result);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct task *task = userdata;

        task_end(task, ACTION_FAILED, -ETIMEDOUT, "systemd has not said what became of '%s'", task->unit);
        return 0;
}

int task_new(struct actions *actions, const struct action *action, const char *unit, struct action_result *ret,
             struct task **ret_task) {
        struct systemd *systemd;
        struct task *task;
        size_t n = 0;
        int r;

        r = systemd_get(actions, &systemd, ret);
        if (r < 0)
                return r;
        for (task = systemd->tasks; task; task = task->next)
                n++;
        if (n >= TASKS_MAX)
                return action_say(ret, -EBUSY, "systemd has %zu things to do for us already", n);

        task = calloc(1, sizeof(*task));
        if (!task)
                return -ENOMEM;
        undo_entry_init(&task->entry);
        task->systemd = systemd;
        task->undoing = !action;
        task->kind = action ? action->kind : _ACTION_KIND_MAX;
        snprintf(task->unit, sizeof(task->unit), "%s", unit);
        if (action)
                action_undo_entry(actions, action, &task->entry);
        r = sd_event_add_time_relative(actions->loop, &task->timer, CLOCK_BOOTTIME, TASK_TIMEOUT_USEC, 0, on_timeout,
                                       task);
        task->pending = r >= 0 ? action_pend(actions, action, ret) : NULL;
        task->next = systemd->tasks;
        if (task->next)
                task->next->previous = task;
        systemd->tasks = task;
        if (!task->pending) {
                task_free(task);
                return r < 0 ? r : -ENOMEM;
        }
        task->pending->job = task;
        *ret_task = task;
        return 0;
}

void task_call(struct task *task, const char *path, const char *interface, const char *method,
               sd_bus_message_handler_t on_reply, const char *types, ...) {
        va_list ap;
        int r;

        task->slot = sd_bus_slot_unref(task->slot);
        va_start(ap, types);
        r = sd_bus_call_method_asyncv(task->systemd->bus, &task->slot, SYSTEMD_NAME, path, interface, method, on_reply,
                                      task, types, ap);
        va_end(ap);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "cannot ask systemd about '%s': %s", task->unit, strerror(-r));
}

bool task_answered(struct task *task, sd_bus_message *reply) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        if (!error)
                return true;
        task_end(task, ACTION_FAILED, -sd_bus_message_get_errno(reply), "systemd says of '%s': %s", task->unit,
                 error->message ?: error->name);
        return false;
}

int task_on_done(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct task *task = userdata;

        if (task_answered(task, reply))
                task_end(task, ACTION_DONE, 0, "%s", task->result);
        return 0;
}

int task_on_job(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct task *task = userdata;
        const char *job, *sender = sd_bus_message_get_sender(reply);

        if (!task_answered(task, reply))
                return 0;
        if (sd_bus_message_read(reply, "o", &job) < 0 || strlen(job) >= sizeof(task->job) ||
            strlen(sender ?: "") >= sizeof(task->owner)) {
                task_end(task, ACTION_FAILED, -EBADMSG, "systemd's answer about '%s' makes no sense", task->unit);
                return 0;
        }
        strcpy(task->job, job);
        strcpy(task->owner, sender ?: "");
        return 0;
}

/* Whoever says so must be the one who gave the job: anybody may send us a signal. */
static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *job, *unit, *result, *sender = sd_bus_message_get_sender(message) ?: "";
        struct systemd *systemd = userdata;
        uint32_t id;

        if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) < 0)
                return 0;
        for (struct task *task = systemd->tasks; task; task = task->next) {
                if (!task->job[0] || !streq(task->job, job) || !streq(task->owner, sender))
                        continue;
                if (streq(result, "done"))
                        task_end(task, ACTION_DONE, 0, "%s", task->result);
                else
                        task_end(task, ACTION_FAILED, -EIO, "systemd says of '%s': %s", task->unit, result);
                break;
        }
        return 0;
}

/* ---- units ---- */

static const struct {
        const char *suffix, *interface;
} types[] = {
        {".service", "org.freedesktop.systemd1.Service"}, {".scope", "org.freedesktop.systemd1.Scope"},
        {".slice", "org.freedesktop.systemd1.Slice"},     {".socket", "org.freedesktop.systemd1.Socket"},
        {".mount", "org.freedesktop.systemd1.Mount"},     {".swap", "org.freedesktop.systemd1.Swap"},
};

const char *task_interface(const struct task *task) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (endswith(task->unit, types[i].suffix))
                        return types[i].interface;
        return NULL;
}

int task_object(const struct task *task, char **ret) {
        return sd_bus_path_encode(SYSTEMD_PATH "/unit", task->unit, ret);
}

static void refuse(struct task *task, int r, const struct strbuf *why) {
        struct action_result result = {};
        char thing[UNIT_NAME_MAX + 16];

        snprintf(thing, sizeof(thing), "unit '%s':", task->unit);
        action_guarded(&result, r, thing, why);
        if (r == -EPERM)
                task->systemd->actions->stats.n_protected++;
        task_end(task, r == -EPERM ? ACTION_REFUSED : ACTION_FAILED, r, "%s", result.text);
}

static int on_cgroup(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct task *task = userdata;
        const char *path;
        int r;

        if (!task_answered(task, reply))
                return 0;
        if (sd_bus_message_read(reply, "v", "s", &path) < 0 || strlen(path) >= sizeof(task->cgroup)) {
                task_end(task, ACTION_FAILED, -EBADMSG, "systemd's answer about '%s' makes no sense", task->unit);
                return 0;
        }
        strcpy(task->cgroup, path);
        r = *path ? guard_cgroup_path(&task->systemd->actions->guard, path, &why) : 0;
        if (r < 0)
                refuse(task, r, &why);
        else
                task->then(task);
        return 0;
}

/* A list of names of units, all of which would be touched. */
static int guard_names(const struct guard *guard, sd_bus_message *m, struct strbuf *why) {
        const char *name;
        int r, guarded = 0;

        r = sd_bus_message_enter_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && guarded >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0)
                guarded = guard_unit(guard, name, why);
        if (guarded < 0)
                return guarded;
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Its true name and others that it has, and who would stop with it. */
static int guard_properties(struct task *task, sd_bus_message *m, bool *ret_found, struct strbuf *why) {
        static const char *const lists[] = {"Names", "RequiredBy", "BoundBy", "ConsistsOf"};
        const struct guard *guard = &task->systemd->actions->guard;
        const char *key, *state;
        int r;

        *ret_found = true;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                bool taken = false;

                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                        if (streq(key, lists[i])) {
                                r = guard_names(guard, m, why);
                                taken = true;
                        }
                if (streq(key, "LoadState")) {
                        r = sd_bus_message_read(m, "v", "s", &state);
                        taken = true;
                        if (r >= 0)
                                *ret_found = !streq(state, "not-found");
                }
                if (!taken)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        _cleanup_(freep) char *object = NULL;
        struct task *task = userdata;
        bool found;
        int r;

        if (!task_answered(task, reply))
                return 0;
        r = guard_properties(task, reply, &found, &why);
        if (r < 0) {
                refuse(task, r, &why);
                return 0;
        }
        if (!found) {
                task_end(task, ACTION_FAILED, -ENOENT, "there is no unit '%s'", task->unit);
                return 0;
        }
        if (!task_interface(task)) {
                task->then(task);
                return 0;
        }
        r = task_object(task, &object);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "%s", strerror(-r));
        else
                task_call(task, object, BUS_PROPERTIES, "Get", on_cgroup, "ss", task_interface(task), "ControlGroup");
        return 0;
}

void task_look(struct task *task) {
        _cleanup_(freep) char *object = NULL;
        int r;

        r = task_object(task, &object);
        if (r < 0)
                task_end(task, ACTION_FAILED, r, "%s", strerror(-r));
        else
                task_call(task, object, BUS_PROPERTIES, "GetAll", on_properties, "s", SYSTEMD_UNIT);
}

/* ---- the connection ---- */

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct systemd *systemd = userdata;

        systemd->lost = true;
        while (systemd->tasks)
                task_end(systemd->tasks, ACTION_FAILED, -ECONNRESET,
                         "the bus went away before systemd said what became of '%s'", systemd->tasks->unit);
        return 0;
}

struct systemd *systemd_free(struct systemd *systemd) {
        if (!systemd)
                return NULL;
        while (systemd->tasks)
                task_free(systemd->tasks);
        sd_bus_flush(systemd->bus);
        sd_bus_close_unref(systemd->bus);
        free(systemd);
        return NULL;
}

static int connect_bus(struct systemd *systemd) {
        int r;

        r = sd_bus_open_system(&systemd->bus);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(systemd->bus, systemd->actions->loop, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(systemd->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                              "JobRemoved", on_job_removed, NULL, systemd);
        if (r >= 0)
                r = sd_bus_match_signal_async(systemd->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL,
                                              systemd);
        return r;
}

int systemd_get(struct actions *actions, struct systemd **ret, struct action_result *result) {
        struct systemd *systemd;
        int r;

        if (!actions->loop)
                return action_say(result, -EOPNOTSUPP, "whoever runs this cannot wait for systemd");
        if (actions->systemd && actions->systemd->lost)
                actions->systemd = systemd_free(actions->systemd);
        if (!actions->systemd) {
                systemd = calloc(1, sizeof(*systemd));
                if (!systemd)
                        return -ENOMEM;
                systemd->actions = actions;
                r = connect_bus(systemd);
                if (r < 0) {
                        systemd_free(systemd);
                        return action_say(result, r == -EPERM ? -EACCES : r, "cannot reach systemd on the bus: %s",
                                          strerror(-r));
                }
                actions->systemd = systemd;
        }
        *ret = actions->systemd;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Systemd, inside - one thing that systemd is asked to do, step by step, each an answer that is not waited for.
 *
 * A task has one call under way, or waits for the end of a job. What may touch a unit is found out on the way: the true
 * name of the unit, who is in it, what would stop with it. It ends with task_end(), which frees it. */

#include <systemd/sd-bus.h>

#include "action/actions-private.h"

struct systemd {
        struct actions *actions;
        sd_bus *bus;                    /* owned */
        struct task *tasks;
        bool lost;                      /* the bus went away */
};

#define UNIT_NAME_MAX 256
#define UNIT_CGROUP_MAX 4096

struct task {
        struct systemd *systemd;
        struct task *next, *previous;
        struct action_pending *pending;
        enum action_kind kind;
        bool undoing;
        char unit[UNIT_NAME_MAX];       /* as it was asked for */
        char cgroup[UNIT_CGROUP_MAX];   /* empty: there is nobody in it */
        struct undo_entry entry;        /* with an id once it is written */
        sd_bus_slot *slot;              /* the call under way */
        sd_event_source *timer;
        char job[128];                  /* the job that is waited for; empty: none */
        char owner[64];                 /* who gave it: only its signals count */
        char result[256];               /* the sentence if all goes well */
        void (*then)(struct task *task);        /* when the unit was looked at and may be touched */
};

/* The connection, made when it is first wanted. -errno, and the reason in the result. */
int systemd_get(struct actions *actions, struct systemd **ret, struct action_result *result);

/* A new task about a unit; the result becomes pending. `action` is NULL when undoing. */
int task_new(struct actions *actions, const struct action *action, const char *unit, struct action_result *ret,
             struct task **ret_task);
void task_end(struct task *task, enum action_outcome outcome, int error, const char *fmt, ...) _printf_(4, 5);

/* Call systemd; on_reply gets the task. A call that cannot be made ends the task. */
void task_call(struct task *task, const char *path, const char *interface, const char *method,
               sd_bus_message_handler_t on_reply, const char *types, ...);

/* Is it an answer? If not the task has ended. */
bool task_answered(struct task *task, sd_bus_message *reply);

/* For a call that gives a job: wait until it is over, and end with task->result. */
int task_on_job(sd_bus_message *reply, void *userdata, sd_bus_error *error);
/* For one that gives nothing. */
int task_on_done(sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* The bus name of its type: "org.freedesktop.systemd1.Service"; NULL: a type without processes. */
const char *task_interface(const struct task *task);
/* Its object; the caller frees. */
int task_object(const struct task *task, char **ret);

/* Look at the unit, and go on with task->then if it may be touched. */
void task_look(struct task *task);

/* Refuse packets of the unit; and take it back. */
void task_deny_network(struct task *task);
void task_allow_network(struct task *task);

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT "org.freedesktop.systemd1.Unit"
#define BUS_PROPERTIES "org.freedesktop.DBus.Properties"

/* SPDX-License-Identifier: Apache-2.0 */
/* Control, the object - methods, properties and signals of org.execray1.Manager. What changes something is asked
 * for in control-call.c, where it is found out who may. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "metrics/metrics-text.h"

#include "control/control-private.h"

#define MAX_STORIES 1000                /* in one answer */

/* What is in files and arguments may be no UTF-8, and then is no string of D-Bus. */
static const char *clean(struct strbuf *b, const char *s, size_t n) {
        strbuf_clear(b);
        strbuf_put_text(b, s, n);
        return strbuf_str(b);
}

/* ---- calls that are answered later ---- */

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return control_call(message, userdata, PENDING_RELOAD, error);
}

static int method_await_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return control_call(message, userdata, PENDING_AWAIT, error);
}

static int method_snapshot(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return control_call(message, userdata, PENDING_SNAPSHOT, error);
}

/* ---- calls that are answered at once ---- */

static int method_get_status(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(strbuf_done) struct strbuf text = {}, json = {};
        struct control *control = userdata;
        const char *health;

        control->stats.n_calls++;
        health = control->ops->status(&text, &json, control->userdata);
        if (text.error < 0 || json.error < 0)
                return text.error < 0 ? text.error : json.error;
        return sd_bus_reply_method_return(message, "sss", health, strbuf_str(&text), strbuf_str(&json));
}

/* An array under construction. */
struct list {
        sd_bus_message *reply;          /* owned */
        struct strbuf name, text;
        int error;
};

static void list_begin(struct list *list, sd_bus_message *message, struct control *control, const char *type) {
        control->stats.n_calls++;
        list->error = sd_bus_message_new_method_return(message, &list->reply);
        if (list->error >= 0)
                list->error = sd_bus_message_open_container(list->reply, SD_BUS_TYPE_ARRAY, type);
}

static int list_end(struct list *list) {
        int r = list->error;

        if (r >= 0)
                r = sd_bus_message_close_container(list->reply);
        if (r >= 0)
                r = sd_bus_send(NULL, list->reply, NULL);
        sd_bus_message_unref(list->reply);
        strbuf_done(&list->name);
        strbuf_done(&list->text);
        return r;
}

static void on_policy(const struct control_policy *policy, void *data) {
        struct list *list = data;

        if (list->error >= 0)
                list->error = sd_bus_message_append(
                        list->reply, "(sstts)", clean(&list->name, policy->name, policy->n_name), policy->severity,
                        policy->n_alerts, policy->n_open, clean(&list->text, policy->file, policy->n_file));
}

static int method_list_policies(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        struct list list = {};

        list_begin(&list, message, control, "(sstts)");
        control->ops->policies(on_policy, &list, control->userdata);
        return list_end(&list);
}

static void on_story(const struct control_story *story, void *data) {
        double left_s = story->left_ns == UINT64_MAX ? -1.0 : (double)story->left_ns / NSEC_PER_SEC;
        struct list *list = data;

        if (list->error >= 0)
                list->error = sd_bus_message_append(
                        list->reply, "(sstd)", clean(&list->name, story->policy, story->n_policy),
                        clean(&list->text, story->key, strlen(story->key)), story->n_done, left_s);
}

static int method_list_stories(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        struct list list = {};

        list_begin(&list, message, control, "(sstd)");
        control->ops->stories(MAX_STORIES, on_story, &list, control->userdata);
        return list_end(&list);
}

static int method_get_metrics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        const struct metrics *metrics = control->ops->metrics(control->userdata);
        struct list list = {};

        list_begin(&list, message, control, "{sd}");
        metrics_do_refresh(metrics);
        for (size_t i = 0; list.error >= 0 && i < metrics->list.n; i++) {
                const struct metric *metric = metrics->list.items + i;
                double value = (double)*metric->value / (metric->is_duration ? (double)NSEC_PER_SEC : 1.0);

                strbuf_clear(&list.name);
                metric_put_key(metric, &list.name);
                list.error = sd_bus_message_append(list.reply, "{sd}", strbuf_str(&list.name), value);
        }
        return list_end(&list);
}

/* ---- properties and signals ---- */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", EXECRAY_VERSION);
}

static int get_health(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        struct control_state state = {};

        control->ops->state(&state, control->userdata);
        return sd_bus_message_append(reply, "s", state.health);
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        struct control_state state = {};

        control->ops->state(&state, control->userdata);
        return sd_bus_message_append(reply, "t",
                                     streq(property, "Generation") ? state.generation
                                     : streq(property, "Policies") ? state.n_policies
                                                                   : state.n_alerts);
}

#define READ SD_BUS_VTABLE_UNPRIVILEGED /* sd-bus would ask the bus, and wait for it */
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_NAMES("Reload", "", , "ts", SD_BUS_PARAM(generation) SD_BUS_PARAM(changes), method_reload,
                                 READ),
        SD_BUS_METHOD_WITH_NAMES("AwaitReload", "", , "ts", SD_BUS_PARAM(generation) SD_BUS_PARAM(changes),
                                 method_await_reload, READ),
        SD_BUS_METHOD_WITH_NAMES("Snapshot", "", , "s", SD_BUS_PARAM(file), method_snapshot, READ),
        SD_BUS_METHOD_WITH_NAMES("GetStatus", "", , "sss", SD_BUS_PARAM(health) SD_BUS_PARAM(text) SD_BUS_PARAM(json),
                                 method_get_status, READ),
        SD_BUS_METHOD_WITH_NAMES("ListPolicies", "", , "a(sstts)", SD_BUS_PARAM(policies), method_list_policies, READ),
        SD_BUS_METHOD_WITH_NAMES("ListStories", "", , "a(sstd)", SD_BUS_PARAM(stories), method_list_stories, READ),
        SD_BUS_METHOD_WITH_NAMES("GetMetrics", "", , "a{sd}", SD_BUS_PARAM(metrics), method_get_metrics, READ),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Health", "s", get_health, 0, CHANGES),
        SD_BUS_PROPERTY("Generation", "t", get_number, 0, CHANGES),
        SD_BUS_PROPERTY("Policies", "t", get_number, 0, CHANGES),
        SD_BUS_PROPERTY("Alerts", "t", get_number, 0, 0),
        SD_BUS_SIGNAL_WITH_NAMES("AlertRaised", "tsssus",
                                 SD_BUS_PARAM(number) SD_BUS_PARAM(policy) SD_BUS_PARAM(severity) SD_BUS_PARAM(key)
                                         SD_BUS_PARAM(pid) SD_BUS_PARAM(exe),
                                 0),
        SD_BUS_VTABLE_END,
};

int control_manager_add(struct control *control, sd_bus *bus) {
        return sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH, MANAGER_INTERFACE, manager_vtable, control);
}

static int send_reloaded(sd_bus *bus, const void *data) {
        return sd_bus_emit_properties_changed(bus, MANAGER_PATH, MANAGER_INTERFACE, "Generation", "Policies", NULL);
}

void control_reloaded(struct control *control) {
        struct control_reloaded reloaded = {};

        control->ops->reloaded(&reloaded, control->userdata);
        control_call_reloaded(control, &reloaded);
        if (reloaded.done)
                control_broadcast(control, send_reloaded, NULL);
}

static int send_health(sd_bus *bus, const void *data) {
        return sd_bus_emit_properties_changed(bus, MANAGER_PATH, MANAGER_INTERFACE, "Health", NULL);
}

void control_changed(struct control *control) {
        control_broadcast(control, send_health, NULL);
}

static int send_alert(sd_bus *bus, const void *data) {
        const struct control_alert *alert = data;

        return sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER_INTERFACE, "AlertRaised", "tsssus", alert->number,
                                  alert->policy, alert->severity, alert->key, (uint32_t)alert->pid, alert->exe);
}

void control_alert(struct control *control, const struct control_alert *alert) {
        _cleanup_(strbuf_done) struct strbuf policy = {}, key = {}, exe = {};
        struct control_alert told = *alert;

        if (!control->stats.on_bus && control->stats.n_clients == 0)
                return;
        told.policy = clean(&policy, alert->policy, strlen(alert->policy));
        told.key = clean(&key, alert->key, strlen(alert->key));
        told.exe = clean(&exe, alert->exe, strlen(alert->exe));
        control_broadcast(control, send_alert, &told);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/stories.h"
#include "process/process-fields.h"

#define RUNTIME_DIRECTORY "/run/execrayd"

const char *manager_runtime_directory(void) {
        static char directory[256];
        const char *given = getenv("RUNTIME_DIRECTORY");
        size_t n = given ? strcspn(given, ":") : 0;

        if (directory[0])
                return directory;
        if (n > 0 && n < sizeof(directory))
                snprintf(directory, sizeof(directory), "%.*s", (int)n, given);
        else if ((mkdir(RUNTIME_DIRECTORY, 0755) >= 0 || errno == EEXIST) && access(RUNTIME_DIRECTORY, W_OK) >= 0)
                strcpy(directory, RUNTIME_DIRECTORY);
        return directory;
}

static uint64_t on_reload(const struct control_caller *caller, void *userdata) {
        struct asker asker;

        asker_init(caller->way, caller->pid, caller->uid, &asker);
        return manager_reload(userdata, &asker);
}

static uint64_t on_reloading(void *userdata) {
        const struct manager *manager = userdata;

        return manager->n_reloads + (manager->reload.job && manager->reload.again);
}

static void on_reloaded(struct control_reloaded *ret, void *userdata) {
        const struct manager *manager = userdata;

        *ret = (struct control_reloaded){
                .number = manager->reloaded.number,
                .generation = manager->generation,
                .done = manager->reloaded.done,
                .text = strbuf_str(&manager->reloaded.text),
        };
}

static int on_snapshot(const struct control_caller *caller, struct strbuf *why, void *userdata) {
        struct asker asker;
        int r = manager_recorder_ask(userdata, why);

        asker_init(caller->way, caller->pid, caller->uid, &asker);
        if (r >= 0) {
                struct strbuf b = {};

                asker_put(&asker, &b);
                log_info("The last events are being saved; asked for by %s", strbuf_str(&b));
                strbuf_done(&b);
        }
        return r;
}

static void on_state(struct control_state *ret, void *userdata) {
        const struct manager *manager = userdata;

        *ret = (struct control_state){
                .health = health_to_string(manager->health.state),
                .generation = manager->generation,
                .n_policies = manager->settings.program->n_paths,
                .n_alerts = manager->n_alerts,
        };
}

static const char *on_status(struct strbuf *text, struct strbuf *json, void *userdata) {
        return manager_status_put(userdata, text, json);
}

static void on_policies(void (*on_policy)(const struct control_policy *policy, void *data), void *data,
                        void *userdata) {
        struct manager *manager = userdata;
        const struct program *program = manager->settings.program;
        _cleanup_(freep) uint64_t *matches = calloc(program->n_paths + 1, sizeof(*matches));
        _cleanup_(freep) uint64_t *open = calloc(program->n_paths + 1, sizeof(*open));
        _cleanup_(freep) uint64_t *evicted = calloc(program->n_paths + 1, sizeof(*evicted));

        if (!matches || !open || !evicted)
                return;
        engine_path_totals(pipeline_engine(manager->pipeline), matches, open, evicted);
        for (uint32_t i = 0; i < program->n_paths; i++) {
                const struct path *path = program->paths + i;
                const struct control_policy policy = {
                        .severity = severity_to_string((enum severity)path->severity),
                        .name = program_text(program, path->name),
                        .n_name = path->name.length,
                        .file = program_text(program, path->file),
                        .n_file = path->file.length,
                        .n_alerts = matches[i],
                        .n_open = open[i],
                };

                on_policy(&policy, data);
        }
}

struct stories {
        const struct program *program;
        uint64_t now_ns;
        void (*on_story)(const struct control_story *story, void *data);
        void *data;
};

static void on_story(const struct engine_story *story, void *data) {
        const struct stories *stories = data;
        const struct path *path = stories->program->paths + story->path;
        const struct control_story told = {
                .policy = program_text(stories->program, path->name),
                .n_policy = path->name.length,
                .key = story->key,
                .n_done = story->n_done,
                .left_ns = story->deadline_ns == UINT64_MAX ? UINT64_MAX
                                                            : nsec_sub(story->deadline_ns, stories->now_ns),
        };

        stories->on_story(&told, stories->data);
}

static void on_stories(size_t max, void (*call)(const struct control_story *story, void *data), void *data,
                       void *userdata) {
        struct manager *manager = userdata;
        struct stories stories = {manager->settings.program, clock_boottime_ns(), call, data};

        engine_stories(pipeline_engine(manager->pipeline), max, on_story, &stories);
}

static const struct metrics *on_metrics(void *userdata) {
        return manager_metrics_get(userdata);
}

static const struct control_ops ops = {
        .reload = on_reload,
        .reloading = on_reloading,
        .reloaded = on_reloaded,
        .snapshot = on_snapshot,
        .state = on_state,
        .status = on_status,
        .policies = on_policies,
        .stories = on_stories,
        .metrics = on_metrics,
};

int manager_control_init(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        const char *directory = manager_runtime_directory();
        char path[300];
        const struct control_options options = {
                .bus = config->control.bus,
                .polkit = config->control.polkit,
                .socket = config->control.socket && directory[0] ? path : NULL,
        };

        snprintf(path, sizeof(path), "%s/control", directory);
        return control_new(manager->loop, &options, &ops, manager, &manager->control);
}

void manager_control_done(struct manager *manager) {
        manager->control = control_free(manager->control);
}

void manager_control_on_match(struct manager *manager, const struct match *match) {
        char policy[128], exe[256] = "";
        struct control_alert alert = {
                .number = match->number,
                .policy = policy,
                .severity = severity_to_string((enum severity)match->path->severity),
                .key = match->key ?: "",
                .exe = exe,
                .pid = (pid_t)match->actor_id.pid,
        };

        if (!manager->control || match->summary)
                return;
        snprintf(policy, sizeof(policy), "%.*s", (int)match->path->name.length,
                 program_text(match->program, match->path->name));
        if (match->actor) {
                struct value value;

                process_get(match->actor, NULL, FIELD_PROCESS_exe, &value);
                if (value.state == VALUE_KNOWN)
                        snprintf(exe, sizeof(exe), "%.*s", (int)value.length, value.bytes);
        }
        control_alert(manager->control, &alert);
}

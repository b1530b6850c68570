/* SPDX-License-Identifier: Apache-2.0 */
/* Manager, reload - configuration and policies from files to one complete, checked set of settings; all of it or
 * nothing. */
#include <inttypes.h>
#include <malloc.h>
#include <unistd.h>

#include "app/manager-notify.h"
#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"

#define MAX_NAMES 5                     /* of changed policies in one line */

int manager_load(const struct params *params, uint64_t generation, struct settings *ret) {
        const struct settings_options options = {
                .config = params->config ?: CONFIG_PATH,
                .config_may_miss = !params->config,
                .places = params->policies,
                .n_places = params->n_policies,
                .generation = generation,
        };
        _cleanup_(strbuf_done) struct strbuf messages = {};
        int status;

        status = settings_load(&options, &messages, ret);
        if (messages.n > 0)
                (void)fd_write_full(STDERR_FILENO, messages.data, messages.n);
        return status;
}

/* A few names of one sort of change. */
struct change {
        const char *what;
        size_t n;
        struct strbuf names;
};

static void change_add(struct change *change, const struct program *program, const struct path *path) {
        if (change->n++ < MAX_NAMES) {
                strbuf_put(&change->names, change->n > 1 ? ", " : "");
                strbuf_put_text(&change->names, program_text(program, path->name), path->name.length);
        } else if (change->n == MAX_NAMES + 1)
                strbuf_put(&change->names, ", ...");
}

static int compare_names(const struct program *a, const struct path *x, const struct program *b, const struct path *y) {
        size_t n = MIN(x->name.length, y->name.length);
        int c = memcmp(program_text(a, x->name), program_text(b, y->name), n);

        return c != 0 ? c : (x->name.length > y->name.length) - (x->name.length < y->name.length);
}

/* Paths stand in order of name in both. */
static void put_changes(const struct program *old, const struct program *new, struct strbuf *b) {
        struct change changes[] = {{.what = "new"}, {.what = "changed"}, {.what = "gone"}};
        size_t i = 0, k = 0, n_same = 0;

        while (i < old->n_paths || k < new->n_paths) {
                int c = i == old->n_paths ? 1
                      : k == new->n_paths ? -1
                                          : compare_names(old, old->paths + i, new, new->paths + k);

                if (c > 0)
                        change_add(changes, new, new->paths + k);
                else if (c < 0)
                        change_add(changes + 2, old, old->paths + i);
                else if (memcmp(old->paths[i].hash, new->paths[k].hash, sizeof(old->paths[i].hash)) != 0)
                        change_add(changes + 1, new, new->paths + k);
                else
                        n_same++;
                i += c <= 0;
                k += c >= 0;
        }

        for (size_t j = 0; j < ELEMENTSOF(changes); j++) {
                if (changes[j].n > 0)
                        strbuf_printf(b, "%zu %s (%s), ", changes[j].n, changes[j].what, strbuf_str(&changes[j].names));
                strbuf_done(&changes[j].names);
        }
        strbuf_printf(b, "%zu as before", n_same);
}

/* What was sized at start stays as it is until the next one. */
static bool needs_restart(const struct config *old, const struct config *new) {
        return memcmp(&old->engine, &new->engine, sizeof(old->engine)) != 0 ||
               memcmp(&old->process, &new->process, sizeof(old->process)) != 0 ||
               old->capture.ring_size_bytes != new->capture.ring_size_bytes ||
               old->capture.max_latency_ns != new->capture.max_latency_ns ||
               old->capture.compat != new->capture.compat || old->alerts.output != new->alerts.output;
}

static void stay(struct manager *manager) {
        log_error("Not reloaded, nothing has changed: the %" PRIu32 " policies of generation %" PRIu64 " stay in force",
                  manager->settings.program->n_paths, manager->generation);
        notify_status("Reload failed; watching with %" PRIu32 " policies of generation %" PRIu64,
                      manager->settings.program->n_paths, manager->generation);
}

void manager_reload(struct manager *manager) {
        _cleanup_(notify_reloaded) int reloading = notify_reloading();
        _cleanup_(settings_done) struct settings settings = {}, old = {};
        _cleanup_(strbuf_done) struct strbuf changes = {};
        uint64_t generation = manager->generation + 1;
        int r;

        (void)reloading;
        if (manager_load(manager->params, generation, &settings) != 0) {
                stay(manager);
                return;
        }

        r = capture_set_interest(manager->capture, &settings.program->header->interest, generation);
        if (r < 0) {
                log_error_errno(r, "Cannot watch what the new policies need: %m");
                stay(manager);
                return;
        }

        r = pipeline_swap(manager->pipeline, settings.program);
        if (r < 0) {
                log_error_errno(r, "Cannot take over the new policies: %m");
                r = capture_set_interest(manager->capture, &manager->settings.program->header->interest,
                                         manager->generation);
                if (r < 0)
                        log_warning_errno(r,
                                          "Cannot go back to what was watched before, more is watched than needed: %m");
                stay(manager);
                return;
        }

        put_changes(manager->settings.program, settings.program, &changes);
        if (needs_restart(&manager->settings.config, &settings.config))
                log_notice("Some of the changed configuration (sizes, capture, output) takes effect at the next start");

        report_set_redactor(pipeline_report(manager->pipeline), settings.redactor);
        report_set_min_severity(pipeline_report(manager->pipeline), (enum severity)settings.config.alerts.min_severity);
        old = manager->settings;
        manager->settings = TAKE_STRUCT(settings);
        manager->generation = generation;

        log_info("Reloaded, generation %" PRIu64 ": %" PRIu32 " policies in %zu files: %s", generation,
                 manager->settings.program->n_paths, manager->settings.n_files, strbuf_str(&changes));
        notify_status("Watching with %" PRIu32 " policies of generation %" PRIu64, manager->settings.program->n_paths,
                      generation);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Manager, reload - configuration and policies from files to one complete, checked set of settings; all of it or
 * nothing. Another process compiles the policies meanwhile, and events go on. */
#include <inttypes.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/manager-lists.h"
#include "app/manager-notify.h"
#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "pipeline/capture-settings.h"
#include "report/message-ids.h"

#define MAX_NAMES 5                     /* of changed policies in one line */
#define CHANGE_MAX_BYTES 160            /* of one changed key there */
#define MESSAGES_MAX_BYTES 32768        /* of what is kept for who asked, and for the journal */

DEFINE_CLEANUP(struct compile_job *, compile_job_free)

static void settings_options_of(const struct params *params, uint64_t generation, struct settings_options *ret) {
        *ret = (struct settings_options){
                .config = params->config ?: CONFIG_PATH,
                .config_may_miss = !params->config,
                .places = params->policies,
                .n_places = params->n_policies,
                .generation = generation,
                .wall_s = clock_realtime_ns() / NSEC_PER_SEC,
        };
}

static void say_from(const struct strbuf *messages, size_t start) {
        if (messages->n > start)
                (void)fd_write_full(STDERR_FILENO, messages->data + start, messages->n - start);
}

/* Who asked, and the journal, get whole lines of it. */
static void cut(struct strbuf *messages) {
        const char *end;

        if (messages->n <= MESSAGES_MAX_BYTES)
                return;
        end = memrchr(messages->data, '\n', MESSAGES_MAX_BYTES);
        strbuf_truncate(messages, end ? (size_t)(end + 1 - messages->data) : MESSAGES_MAX_BYTES);
}

int manager_load(const struct params *params, uint64_t generation, struct settings *ret) {
        _cleanup_(compile_job_freep) struct compile_job *job = NULL;
        _cleanup_(strbuf_done) struct strbuf messages = {};
        struct settings_options options;
        int status;

        settings_options_of(params, generation, &options);
        status = settings_begin(&options, &messages, ret, &job);
        if (status == 0) {
                compile_job_wait(job);
                status = settings_finish(ret, TAKE_PTR(job), &messages);
        }
        say_from(&messages, 0);
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

/* Keys that another file, or another text, has changed. */
static void put_config_changes(const struct config *old, const struct config *new, struct strbuf *b) {
        _cleanup_(strbuf_done) struct strbuf lines = {};
        size_t n = config_dump_difference(old, new, &lines), k = 0;

        if (n == 0)
                return;
        strbuf_printf(b, "; %zu of the configuration (", n);
        for (const char *line = strbuf_str(&lines); *line; k++) {
                size_t length = strcspn(line, "\n");

                if (k == MAX_NAMES) {
                        strbuf_put(b, ", ...");
                        break;
                }
                strbuf_put(b, k > 0 ? ", " : "");
                strbuf_put_text(b, line, MIN(length, (size_t)CHANGE_MAX_BYTES));
                strbuf_put(b, length > CHANGE_MAX_BYTES ? "..." : "");
                line += length + 1;
        }
        strbuf_put_char(b, ')');
}

void manager_set_log(const struct manager *manager) {
        if (manager->params->log_level != LOG_DEBUG)    /* --verbose */
                log_set_max_level(LOG_ERR + (int)manager->settings.config.service.log);
}

/* What was sized at start stays as it is until the next one. */
static bool needs_restart(const struct config *old, const struct config *new) {
        return memcmp(&old->engine, &new->engine, sizeof(old->engine)) != 0 ||
               memcmp(&old->process, &new->process, sizeof(old->process)) != 0 ||
               old->capture.ring_size_bytes != new->capture.ring_size_bytes ||
               old->capture.ring_size_max_bytes != new->capture.ring_size_max_bytes ||
               old->capture.compat != new->capture.compat || old->performance.priority != new->performance.priority ||
               old->control.bus != new->control.bus || old->control.polkit != new->control.polkit ||
               old->control.socket != new->control.socket ||
               old->metrics.listen != new->metrics.listen || old->metrics.port != new->metrics.port ||
               old->alerts.output != new->alerts.output || old->alerts.spool_bytes != new->alerts.spool_bytes ||
               old->alerts.packages != new->alerts.packages ||
               old->recorder.memory_bytes != new->recorder.memory_bytes;
}

/* As an entry of the journal that can be searched for, or as a line of the log where alerts go elsewhere. */
static void tell(struct manager *manager, const char *id, int priority, const char *message, const char *field,
                 const struct strbuf *text) {
        _cleanup_(strbuf_done) struct strbuf asked_by = {};
        const struct asker *asker = &manager->reload.asker;
        char generation[24], uid[24], loginuid[24], pid[24];
        struct report_field fields[6] = {{"EXECRAY_GENERATION", generation}};
        size_t n = 1;

        asker_put(asker, &asked_by);
        snprintf(generation, sizeof(generation), "%" PRIu64, manager->generation);
        snprintf(uid, sizeof(uid), "%" PRIu32, asker->uid);
        snprintf(loginuid, sizeof(loginuid), "%" PRIu32, asker->loginuid);
        snprintf(pid, sizeof(pid), "%d", (int)asker->pid);
        fields[n++] = (struct report_field){"EXECRAY_ASKED_BY", strbuf_str(&asked_by)};
        if (asker->uid != UINT32_MAX)
                fields[n++] = (struct report_field){"EXECRAY_ASKED_BY_UID", uid};
        if (asker->loginuid != UINT32_MAX)
                fields[n++] = (struct report_field){"EXECRAY_ASKED_BY_LOGINUID", loginuid};
        if (asker->pid > 0)
                fields[n++] = (struct report_field){"EXECRAY_ASKED_BY_PID", pid};
        fields[n++] = (struct report_field){field, strbuf_str(text)};

        if (report_notice(pipeline_report(manager->pipeline), id, priority, message, fields, n) <= 0)
                (void)log_message(priority, 0, "%s", message);
}

static void stay(struct manager *manager) {
        _cleanup_(strbuf_done) struct strbuf message = {};

        manager->n_reloads_failed++;
        strbuf_printf(&message,
                      "Not reloaded, nothing has changed: the %" PRIu32 " policies of generation %" PRIu64
                      " stay in force; asked for by ",
                      manager->settings.program->n_paths, manager->generation);
        asker_put(&manager->reload.asker, &message);
        tell(manager, MESSAGE_ID_NOT_RELOADED, LOG_ERR, strbuf_str(&message), "EXECRAY_MESSAGES",
             &manager->reload.messages);
        notify_status("Reload failed; watching with %" PRIu32 " policies of generation %" PRIu64,
                      manager->settings.program->n_paths, manager->generation);
}

#define MAX_WARNED 8                     /* policies in one line of the log */

static void warn_untold_kind(const struct program *program, enum wire_kind kind) {
        _cleanup_(strbuf_done) struct strbuf names = {};
        uint32_t n = 0;

        for (uint32_t i = 0; i < program->n_paths; i++) {
                const struct path *path = &program->paths[i];

                if (!(path->kinds & wire_kind_bit(kind)) || n++ >= MAX_WARNED)
                        continue;
                strbuf_put(&names, n > 1 ? ", '" : "'");
                strbuf_put_text(&names, program_text(program, path->name), path->name.length);
                strbuf_put_char(&names, '\'');
        }
        if (n > MAX_WARNED)
                strbuf_printf(&names, " and %" PRIu32 " more", n - MAX_WARNED);
        if (n > 0)
                log_warning("No hook on this kernel tells %s: %s wait%s for it in vain (execrayctl preflight)",
                            schema_kind(kind)->name, strbuf_str(&names), n == 1 ? "s" : "");
}

void manager_warn_untold(const struct manager *manager) {
        uint64_t kinds = capture_untold(manager->capture);

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind))
                        warn_untold_kind(manager->settings.program, (enum wire_kind)kind);
}

/* Not the fault of what somebody wrote: nothing was said of it so far but in the log. */
static void blame(struct manager *manager, int error, const char *what) {
        strbuf_printf(&manager->reload.messages, "%s: %s\n", what, strerror(-error));
        stay(manager);
}

/* Rules for the kernel, and whoever breaks the glass is looked for. */
static int enforce(struct manager *manager, struct program *program, const struct config *config) {
        int r = manager_enforce_is_asked(program) ? manager_deny_watch(manager) : 0;

        return r < 0 ? r : manager_enforce_set(manager, program, config);
}

/* To what was in force before, of all that the kernel refuses. */
static void go_back(struct manager *manager, const struct config *from) {
        (void)manager_deny_change(manager, from, &manager->settings.config);
        (void)manager_enforce_set(manager, manager->settings.program, &manager->settings.config);
        engine_arm_again(pipeline_engine(manager->pipeline));
}

/* The new settings are complete. */
static void take_over(struct manager *manager, struct settings *settings) {
        _cleanup_(strbuf_done) struct strbuf changes = {}, message = {};
        struct program *program = settings->program;
        uint64_t generation = manager->generation + 1;
        struct capture_overload overload;
        struct program *before;
        int r;

        r = manager_deny_change(manager, &manager->settings.config, &settings->config);
        if (r < 0) {
                blame(manager, r, "what is to be refused (deny) cannot be");
                return;
        }
        r = enforce(manager, program, &settings->config);
        if (r < 0) {
                (void)manager_deny_change(manager, &settings->config, &manager->settings.config);
                blame(manager, r, "what policies want the kernel to do (enforce) cannot be put into force");
                return;
        }

        capture_set_prefilter(manager->capture, settings->prefilter);
        r = capture_set_interest(manager->capture, &settings->interest, generation);
        if (r < 0) {
                go_back(manager, &settings->config);
                log_error_errno(r, "Cannot watch what the new policies need: %m");
                blame(manager, r, "what the new policies need cannot be watched");
                return;
        }

        r = pipeline_swap(manager->pipeline, settings->program);
        if (r < 0) {
                log_error_errno(r, "Cannot take over the new policies: %m");
                go_back(manager, &settings->config);
                capture_set_prefilter(manager->capture, manager->settings.prefilter);
                r = capture_set_interest(manager->capture, &manager->settings.interest, manager->generation);
                if (r < 0)
                        log_warning_errno(r,
                                          "Cannot go back to what was watched before, more is watched than needed: %m");
                blame(manager, r, "the new policies cannot be taken over");
                return;
        }

        put_changes(manager->settings.program, program, &changes);
        put_config_changes(&manager->settings.config, &settings->config, &changes);
        if (needs_restart(&manager->settings.config, &settings->config))
                log_notice("Some of the changed configuration (sizes, capture, output, control, metrics) takes effect "
                           "at the next start");

        capture_settings_overload(&settings->config, &overload);
        capture_set_overload(manager->capture, &overload);
        capture_set_pace(manager->capture, settings->config.capture.max_latency_ns,
                         settings->config.capture.wake_urgent, settings->config.capture.patient,
                         !settings->config.capture.coalesce);
        report_set_redactor(pipeline_report(manager->pipeline), settings->redactor);
        report_set_min_severity(pipeline_report(manager->pipeline),
                                (enum severity)settings->config.alerts.min_severity);
        before = program_ref(manager->settings.program);
        settings_done(&manager->settings);
        manager->settings = TAKE_STRUCT(*settings);
        manager->generation = generation;
        manager_set_log(manager);
        manager_lists_begin(manager, before);
        program_unref(before);
        manager_scripts_take_over(manager);
        manager_deny_look(manager);
        engine_arm_again(pipeline_engine(manager->pipeline));
        manager_watch_update(manager);

        strbuf_printf(&message,
                      "Reloaded, generation %" PRIu64 ": %" PRIu32 " policies in %zu files: %s; asked for by ",
                      generation, program->n_paths, manager->settings.n_files, strbuf_str(&changes));
        asker_put(&manager->reload.asker, &message);
        tell(manager, MESSAGE_ID_RELOADED, LOG_INFO, strbuf_str(&message), "EXECRAY_CHANGES", &changes);
        manager->reloaded.done = true;
        manager->reloaded.text = TAKE_STRUCT(changes);
        manager_warn_untold(manager);
        manager_governor_reloaded(manager);
        notify_status("Watching with %" PRIu32 " policies of generation %" PRIu64, program->n_paths, generation);
}

void reload_done(struct reload *reload) {
        sd_event_source_disable_unref(reload->ended);
        sd_event_source_disable_unref(reload->late);
        compile_job_free(reload->job);
        settings_done(&reload->settings);
        strbuf_done(&reload->messages);
        *reload = (struct reload){};
}

void reload_outcome_done(struct reload_outcome *outcome) {
        strbuf_done(&outcome->text);
        *outcome = (struct reload_outcome){};
}

/* It was taken over, or everything stays. */
static void finish(struct manager *manager) {
        struct reload *reload = &manager->reload;
        struct reload_outcome *outcome = &manager->reloaded;
        uint64_t now_ns = clock_boottime_ns();
        struct asker again_asker = reload->again_asker;
        bool again = reload->again;

        manager_scripts_abandon(manager);
        reload->stood_ns = MAX(reload->stood_ns, capture_end_wait(manager->capture));
        log_info("The reload took %.1f ms, of which events waited for %.1f ms",
                 (double)(now_ns - reload->begun_ns) / NSEC_PER_MSEC, (double)reload->stood_ns / NSEC_PER_MSEC);
        if (!outcome->done)
                outcome->text = TAKE_STRUCT(reload->messages);
        outcome->number = manager->n_reloads;
        outcome->asker = reload->asker;
        outcome->wall_s = clock_realtime_ns() / NSEC_PER_SEC;
        outcome->took_ns = now_ns - reload->begun_ns;
        outcome->stood_ns = reload->stood_ns;
        reload_done(reload);
        notify_ready();
        manager_health_look(manager);
        if (manager->control)
                control_reloaded(manager->control);
        if (again)
                manager_reload(manager, &again_asker);
        else
                (void)memory_settle();
}

/* Policies are compiled, and scripts are loaded or wrong. */
static void on_scripts(struct manager *manager, bool good) {
        capture_begin_wait(manager->capture);
        if (good)
                take_over(manager, &manager->reload.settings);
        else
                stay(manager);
        finish(manager);
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct manager *manager = userdata;
        struct reload *reload = &manager->reload;
        int status, r;
        size_t n;

        capture_begin_wait(manager->capture);
        n = reload->messages.n;
        status = settings_finish(&reload->settings, TAKE_PTR(reload->job), &reload->messages);
        say_from(&reload->messages, n);
        cut(&reload->messages);
        if (status != 0) {
                stay(manager);
                finish(manager);
                return 0;
        }

        /* Scripts, by another process; events go on. */
        reload->ended = sd_event_source_disable_unref(reload->ended);
        reload->late = sd_event_source_disable_unref(reload->late);
        r = manager_scripts_prepare(manager, &reload->settings, on_scripts);
        if (r > 0)
                reload->stood_ns = MAX(reload->stood_ns, capture_end_wait(manager->capture));
        else {
                if (r == 0)
                        take_over(manager, &reload->settings);
                else
                        blame(manager, r, "scripts cannot be loaded");
                finish(manager);
        }
        return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;

        compile_job_kill(manager->reload.job);
        return 0;
}

static int reload_watch(struct manager *manager) {
        struct reload *reload = &manager->reload;
        uint64_t timeout_ns = reload->settings.config.policies.compile_timeout_ns;
        int r;

        r = sd_event_add_io(manager->loop, &reload->ended, compile_job_fd(reload->job), EPOLLIN, on_ended, manager);
        if (r >= 0)
                r = sd_event_add_time_relative(manager->loop, &reload->late, CLOCK_BOOTTIME, timeout_ns / NSEC_PER_USEC,
                                               NSEC_PER_MSEC / NSEC_PER_USEC, on_late, manager);
        return r;
}

uint64_t manager_reload(struct manager *manager, const struct asker *asker) {
        struct reload *reload = &manager->reload;
        struct settings_options options;
        uint64_t number;
        int r, status;

        if (reload->job || manager->scripts.candidate) {
                reload->again = true;
                reload->again_asker = *asker;
                return manager->n_reloads + 1;
        }

        number = ++manager->n_reloads;
        reload_outcome_done(&manager->reloaded);
        reload->asker = *asker;
        capture_begin_wait(manager->capture);
        reload->begun_ns = clock_boottime_ns();
        notify_reloading();
        settings_options_of(manager->params, manager->generation + 1, &options);
        status = settings_begin(&options, &reload->messages, &reload->settings, &reload->job);
        say_from(&reload->messages, 0);
        cut(&reload->messages);
        if (status == 0) {
                r = reload_watch(manager);
                if (r >= 0) {
                        reload->stood_ns = capture_end_wait(manager->capture);
                        return number;
                }
                log_error_errno(r, "Cannot wait for the policies to be compiled: %m");
                blame(manager, r, "policies cannot be waited for");
        } else
                stay(manager);
        finish(manager);
        return number;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-deny.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "action/breakglass.h"
#include "action/guard-executables.h"
#include "app/manager-private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

#define REFRESH_NS (10 * NSEC_PER_SEC)

static bool forbids(const struct config *config) {
        return config->deny.addresses.n + config->deny.executables.n + config->deny.files.n > 0;
}

static bool equal_lists(const struct config_list *a, const struct config_list *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!streq(a->items[i], b->items[i]))
                        return false;
        return true;
}

/* Patterns are what they mean now. */
static int add_pattern(const char *pattern, glob_t *found) {
        int r = glob(pattern, GLOB_NOSORT | (found->gl_pathc > 0 ? GLOB_APPEND : 0), NULL, found);

        return r == GLOB_NOSPACE ? -ENOMEM : 0;
}

int manager_deny_list_protected(const struct config *config, glob_t *ret) {
        int r = add_pattern("/proc/self/exe", ret);

        for (size_t i = 0; r >= 0 && i < n_guard_executables; i++)
                r = add_pattern(guard_executables[i], ret);
        for (size_t i = 0; r >= 0 && i < config->response.protect.n; i++)
                if (config->response.protect.items[i][0] == '/')
                        r = add_pattern(config->response.protect.items[i], ret);
        return r;
}

/* Who is protected now: an upgrade of sshd is another file. Those that were stay so, as they may still run. */
int manager_deny_protect(struct manager *manager) {
        glob_t protected = {};
        int r;

        r = manager_deny_list_protected(&manager->settings.config, &protected);
        if (r >= 0)
                r = capture_protect(manager->capture, &(struct capture_deny_list){
                                                              (const char *const *)protected.gl_pathv,
                                                              protected.gl_pathc,
                                                      });
        globfree(&protected);
        return r;
}

static int on_refresh(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        int r;

        r = manager_deny_protect(manager);
        if (r < 0) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                log_limited(&limit, LOG_WARNING, r,
                            "Cannot tell the kernel who is protected now, those of before are: %m");
        }
        r = sd_event_source_set_time_relative(source, REFRESH_NS / NSEC_PER_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int apply(struct manager *manager, const struct config *config) {
        struct capture_deny deny = {
                .addresses = {config->deny.addresses.items, config->deny.addresses.n},
                .executables = {config->deny.executables.items, config->deny.executables.n},
                .files = {config->deny.files.items, config->deny.files.n},
                .kill = config->deny.action == CONFIG_DENY_ACTION_KILL,
                .closed = config->deny.fail == CONFIG_FAIL_CLOSED,
        };
        glob_t protected = {};
        int r;

        r = manager_deny_list_protected(config, &protected);
        if (r < 0)
                log_oom();
        else {
                deny.protected = (struct capture_deny_list){(const char *const *)protected.gl_pathv,
                                                            protected.gl_pathc};
                r = capture_set_deny(manager->capture, &deny);
        }
        globfree(&protected);
        return r;
}

/* ---- when it may ---- */

/* *ret_why: why not, in spite of the configuration; NULL: no reason. */
static bool may_refuse(const struct manager *manager, const char **ret_why) {
        *ret_why = breakglass_look(manager_runtime_directory(), manager->deny.n_crashes);
        return manager->settings.config.response.enforce && !*ret_why;
}

void manager_deny_look(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        const char *why;
        bool enforcing = may_refuse(manager, &why);

        capture_set_enforcing(manager->capture, enforcing);
        if (enforcing == manager->deny.enforcing)
                return;
        manager->deny.enforcing = enforcing;
        if (forbids(config))
                log_notice("From now on %s%s%s", enforcing ? "the kernel refuses what is forbidden (deny)"
                                                           : "nothing is refused, it is told what would be",
                           !enforcing && why ? ": " : "", !enforcing && why ? why : "");
}

static int on_directory(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        manager_deny_look(userdata);
        if (event->mask & IN_CLOSE_WRITE)
                manager_enforce_look(userdata);
        return 0;
}

/* Before anything else on the loop: whoever breaks the glass has no time. */
int manager_deny_watch(struct manager *manager) {
        const char *directory = manager_runtime_directory();
        int r;

        if (manager->deny.watch || !*directory)
                return 0;
        r = sd_event_add_inotify(manager->loop, &manager->deny.watch, directory,
                                 IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_ONLYDIR,
                                 on_directory, manager);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->deny.watch, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_event_source_set_description(manager->deny.watch, "break-glass");
        if (r >= 0)
                r = sd_event_add_time_relative(manager->loop, &manager->deny.refresh, CLOCK_BOOTTIME,
                                               REFRESH_NS / NSEC_PER_USEC, 0, on_refresh, manager);
        if (r >= 0)
                r = sd_event_source_set_description(manager->deny.refresh, "protected");
        return r;
}

void manager_deny_begin(struct manager *manager) {
        const char *why;
        int r;

        r = breakglass_count(manager_runtime_directory(), "core", clock_boottime_ns());
        manager->deny.n_crashes = MAX(r, 0);
        if (!may_refuse(manager, &why))
                capture_set_enforcing(manager->capture, false);
}

int manager_deny_start(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        const char *why;
        int r;

        if (!forbids(config) && !manager_enforce_is_asked(manager->settings.program)) {
                manager_deny_look(manager);
                capture_let_go(manager->capture);
                return 0;
        }
        r = manager_deny_watch(manager);
        if (r < 0) {
                log_error_errno(r, "Cannot look for break-glass in '%s', nothing can be refused without it: %m",
                                manager_runtime_directory());
                return EXIT_STATUS_FAILURE;
        }
        /* From their first moment on: what the process before has left goes then. */
        capture_set_enforcing(manager->capture, may_refuse(manager, &why));
        if (forbids(config))
                r = apply(manager, config);
        if (r >= 0)
                r = manager_enforce_set(manager, manager->settings.program, config);
        if (r == -EINVAL)
                return EXIT_STATUS_CONFIG;
        if (r < 0)
                return exit_status_of_capture(r);
        manager_deny_look(manager);
        engine_arm_again(pipeline_engine(manager->pipeline));
        capture_let_go(manager->capture);
        return 0;
}

void manager_deny_done(struct manager *manager) {
        manager->deny.watch = sd_event_source_disable_unref(manager->deny.watch);
        manager->deny.refresh = sd_event_source_disable_unref(manager->deny.refresh);
}

int manager_deny_change(struct manager *manager, const struct config *from, const struct config *to) {
        int r;

        if (equal_lists(&from->deny.addresses, &to->deny.addresses) &&
            equal_lists(&from->deny.executables, &to->deny.executables) &&
            equal_lists(&from->deny.files, &to->deny.files) && from->deny.fail == to->deny.fail &&
            from->deny.action == to->deny.action && equal_lists(&from->response.protect, &to->response.protect))
                return 0;
        if (forbids(to)) {
                r = manager_deny_watch(manager);
                if (r < 0)
                        return log_error_errno(r, "Cannot look for break-glass in '%s': %m",
                                               manager_runtime_directory());
        }
        return apply(manager, to);
}

void manager_deny_put(const struct manager *manager, struct strbuf *b) {
        struct capture_stats stats;

        if (!forbids(&manager->settings.config) && !manager->enforce.notes)
                return;
        capture_stats(manager->capture, &stats);
        strbuf_printf(b,
                      "forbidden: %" PRIu64 " calls refused, %" PRIu64 " callers killed, %" PRIu64
                      " could not be, %" PRIu64 " would have been, %" PRIu64 " not as the caller is protected, %" PRIu64
                      " could not be looked at, %" PRIu64 " not told\n",
                      stats.deny.n_refused, stats.deny.n_killed, stats.deny.n_kill_failed, stats.deny.n_would,
                      stats.deny.n_protected, stats.deny.n_undecided, stats.deny.n_untold);
}

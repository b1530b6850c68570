/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-enforce.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action/rearm.h"
#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/schema.h"
#include "program/enforce.h"

#define NOTE_APART_NS (2 * NSEC_PER_SEC)  /* between a verdict and the record of its call, at most */
#define KILL_TOLD_NS (500 * NSEC_PER_USEC) /* and how long it is waited for, of those who are killed */
#define WAITING_PER_SECOND_NS (10 * NSEC_PER_MSEC) /* for all of them */

bool manager_enforce_is_asked(const struct program *program) {
        for (uint32_t i = 0; i < program->n_paths; i++)
                if (program->paths[i].enforce != PATH_ENFORCE_NONE)
                        return true;
        return false;
}

/* ---- rules ---- */

struct rules {
        struct enforcement_rule *items; /* owned */
        size_t n, n_allocated;
};

static void rules_done(struct rules *rules) {
        free(rules->items);
}

static int add_rules(struct rules *rules, const struct enforcement *enforcement) {
        if (rules->n + enforcement->n_rules > rules->n_allocated) {
                size_t n = MAX(2 * rules->n_allocated, rules->n + enforcement->n_rules);
                struct enforcement_rule *items = realloc(rules->items, n * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                rules->items = items;
                rules->n_allocated = n;
        }
        memcpy(rules->items + rules->n, enforcement->rules, enforcement->n_rules * sizeof(*rules->items));
        rules->n += enforcement->n_rules;
        return 0;
}

static int collect(const struct program *program, struct rules *rules) {
        _cleanup_(freep) struct enforcement *enforcement = malloc(sizeof(*enforcement));

        if (!enforcement)
                return log_oom();
        for (uint32_t i = 0; i < program->n_paths; i++) {
                const char *why = "";
                int r = enforce_path(program, i, enforcement, &why);

                if (r == -ENODATA)
                        continue;
                if (r < 0)
                        return log_error_errno(r, "The policy '%s' cannot be enforced: %s",
                                               program_text(program, program->paths[i].name), why);
                r = add_rules(rules, enforcement);
                if (r < 0)
                        return log_oom();
        }
        return 0;
}

/* Those of a program whose rules are in force now are all armed. */
static int set_policies(struct manager_enforce *enforce, struct program *program) {
        struct enforce_policy *policies = calloc(program->n_paths + 1, sizeof(*policies));

        if (!policies)
                return log_oom();
        free(enforce->policies);
        enforce->policies = policies;
        program_unref(enforce->program);
        enforce->program = program_ref(program);
        return 0;
}

int manager_enforce_set(struct manager *manager, struct program *program, const struct config *config) {
        _cleanup_(rules_done) struct rules rules = {};
        struct capture_enforcement enforcement = {.closed = config->deny.fail == CONFIG_FAIL_CLOSED};
        glob_t protected = {};
        int r;

        manager_late_forget(&manager->late);
        r = collect(program, &rules);
        if (r < 0 || (rules.n == 0 && !manager->enforce.notes))
                return r;
        if (!manager->enforce.notes) {
                manager->enforce.notes = calloc(MANAGER_ENFORCE_NOTES, sizeof(*manager->enforce.notes));
                if (!manager->enforce.notes)
                        return log_oom();
        }
        r = manager_deny_list_protected(config, &protected);
        if (r < 0)
                log_oom();
        else {
                enforcement.rules = rules.items;
                enforcement.n_rules = rules.n;
                enforcement.protected = (struct capture_deny_list){(const char *const *)protected.gl_pathv,
                                                                   protected.gl_pathc};
                r = capture_set_enforcement(manager->capture, &enforcement);
                if (r >= 0)
                        r = set_policies(&manager->enforce, program);
        }
        globfree(&protected);
        return r;
}

void manager_enforce_done(struct manager *manager) {
        free(manager->enforce.notes);
        manager->enforce.notes = NULL;
        free(manager->enforce.policies);
        manager->enforce.policies = NULL;
        program_unref(manager->enforce.program);
        manager->enforce.program = NULL;
}

void manager_enforce_arm(const struct enforcement_arming *arming, void *userdata) {
        struct manager *manager = userdata;

        if (capture_arm(manager->capture, arming) == -E2BIG || arming->crowded) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                log_limited(&limit, LOG_WARNING, 0,
                            "The kernel has no room for more stories: the last step of some is not enforced");
        }
}

/* ---- storms ---- */

static struct enforce_policy *policy_of(const struct manager_enforce *enforce, const struct match *match) {
        return enforce->policies && match->program == enforce->program
                     ? &enforce->policies[match->path - match->program->paths]
                     : NULL;
}

static void count_to_storm(struct manager *manager, struct enforce_policy *policy, const char *name) {
        uint64_t storm = manager->settings.config.response.storm;

        if (policy->disarmed || action_bucket_take(&policy->bucket, storm, clock_boottime_ns()))
                return;
        manager->enforce.n_storms++;
        log_warning("Policy '%s' enforced more than %" PRIu64
                    " last steps in a minute: it is disarmed until a reload or `execrayctl response rearm`, and its"
                    " alerts are told only",
                    name, storm);
        manager_enforce_on_storm(name, true, manager);
}

/* ---- verdicts ---- */

static bool is_word(const struct event *event, enum field field, const char *word) {
        struct value value;

        event_get(event, field, &value);
        return value.state == VALUE_KNOWN && memeq_str(value.bytes, value.length, word);
}

void manager_enforce_saw(struct manager *manager, const struct event *event) {
        struct enforce_note *note;
        struct value policy;

        if (!manager->enforce.notes || !is_word(event, FIELD_verdict_list, "policies"))
                return;
        event_get(event, FIELD_verdict_rule, &policy);
        if (policy.state != VALUE_KNOWN)
                return;
        note = &manager->enforce.notes[manager->enforce.n_notes++ % MANAGER_ENFORCE_NOTES];
        *note = (struct enforce_note){
                .who = event_actor(event),
                .time_ns = event->time_ns,
                .what = is_word(event, FIELD_verdict_enforced, "would") ? MATCH_WOULD
                      : is_word(event, FIELD_verdict_enforced, "no")    ? MATCH_PROTECTED
                      : is_word(event, FIELD_verdict_action, "kill")    ? MATCH_KILLED
                                                                        : MATCH_REFUSED,
        };
        snprintf(note->policy, sizeof(note->policy), "%.*s", (int)policy.length, policy.bytes);
}

/* The best that the kernel has said of this call so far: killed is told after refused. */
static enum match_enforced told_of(const struct manager *manager, const struct match *match, const char *name) {
        const struct manager_enforce *enforce = &manager->enforce;
        enum match_enforced best = manager->deny.enforcing ? MATCH_FAILED : MATCH_WOULD;

        for (uint64_t i = 0; enforce->notes && i < MIN(enforce->n_notes, (uint64_t)MANAGER_ENFORCE_NOTES); i++) {
                const struct enforce_note *note = &enforce->notes[i];

                if (identity_equal(&note->who, &match->actor_id) &&
                    strncmp(note->policy, name, sizeof(note->policy) - 1) == 0 &&
                    note->time_ns + NOTE_APART_NS >= match->time_ns && note->time_ns <= match->time_ns + NOTE_APART_NS)
                        best = MIN(best, note->what);
        }
        return best;
}

/* Events wait meanwhile, so no flood of such calls may take more than a hundredth of the loop's time with it. */
static bool has_killed(struct manager *manager, const struct identity *who, const char *policy) {
        struct manager_enforce *enforce = &manager->enforce;
        uint64_t begun_ns = clock_boottime_ns();
        uint64_t left_ns = allowance_left(&enforce->waiting, WAITING_PER_SECOND_NS, begun_ns);
        bool killed = capture_has_killed(manager->capture, who, policy, MIN(left_ns, (uint64_t)KILL_TOLD_NS));

        allowance_spend(&enforce->waiting, begun_ns, clock_boottime_ns());
        enforce->n_not_awaited += !killed && left_ns < KILL_TOLD_NS;
        return killed;
}

static enum match_enforced kill_late(struct manager *manager, const struct match *match, const char *name) {
        const struct config *config = &manager->settings.config;

        if (!action_bucket_take(&manager->enforce.kills, config->response.rate_process, clock_boottime_ns())) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                manager->enforce.n_limited++;
                log_limited(&limit, LOG_WARNING, 0,
                            "Policy '%s': process %" PRIu32 " is not killed, more than %" PRIu64
                            " in a minute would be (response.rate_process)",
                            name, match->actor_id.pid, config->response.rate_process);
                return MATCH_FAILED;
        }
        switch (manager_late_kill(&manager->late, config, &match->actor_id, name, match->time_ns)) {
        case 0: return MATCH_LATE;
        case -EPERM: return MATCH_PROTECTED;
        default: return MATCH_FAILED;
        }
}

static enum match_enforced what_was_done(struct manager *manager, const struct match *match, const char *name,
                                         bool disarmed) {
        enum match_enforced told = told_of(manager, match, name);

        if (told == MATCH_FAILED && disarmed)
                return MATCH_WOULD;
        if (match->path->enforce != PATH_ENFORCE_KILL || (told != MATCH_REFUSED && told != MATCH_FAILED))
                return told;
        if (has_killed(manager, &match->actor_id, name))
                return MATCH_KILLED;
        return told == MATCH_REFUSED ? told : kill_late(manager, match, name);
}

enum match_enforced manager_enforce_of(const struct match *match, void *userdata) {
        struct manager *manager = userdata;
        const char *name = program_text(match->program, match->path->name);
        struct enforce_policy *policy = policy_of(&manager->enforce, match);
        enum match_enforced what = what_was_done(manager, match, name, policy && policy->disarmed);

        if (policy && (what == MATCH_KILLED || what == MATCH_LATE || what == MATCH_REFUSED))
                count_to_storm(manager, policy, name);
        return what;
}

void manager_enforce_on_storm(const char *name, bool disarmed, void *userdata) {
        struct manager *manager = userdata;
        struct manager_enforce *enforce = &manager->enforce;

        for (uint32_t i = 0; enforce->policies && i < enforce->program->n_paths; i++) {
                struct enforce_policy *policy = &enforce->policies[i];
                const struct path *path = &enforce->program->paths[i];

                if (path->enforce == PATH_ENFORCE_NONE || policy->disarmed == disarmed ||
                    !streq(program_text(enforce->program, path->name), name))
                        continue;
                policy->disarmed = disarmed;
                policy->bucket = (struct action_bucket){};
                capture_disarm_policy(manager->capture, name, disarmed);
                log_notice("Policy '%s': its last step is %s", name,
                           disarmed ? "not enforced from here on" : "enforced again");
        }
}

static void rearm(const char *name, void *userdata) {
        manager_enforce_on_storm(name, false, userdata);
}

void manager_enforce_look(struct manager *manager) {
        if (!manager->enforce.policies || manager->scripts.current)
                return;
        if (rearm_take(manager_runtime_directory(), rearm, manager) < 0)
                log_warning("Who asks for a policy to be armed again is not believed: the file is not root's alone");
}

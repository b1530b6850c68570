/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-enforce.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/schema.h"
#include "program/enforce.h"

#define SAME_CALL_NS (2 * NSEC_PER_SEC)   /* between a verdict and the record of its call, at most */
#define KILL_TOLD_NS (500 * NSEC_PER_USEC) /* and how long it is waited for, of those who are killed */

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

int manager_enforce_set(struct manager *manager, const struct program *program, const struct config *config) {
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
        }
        globfree(&protected);
        return r;
}

void manager_enforce_done(struct manager *manager) {
        free(manager->enforce.notes);
        manager->enforce.notes = NULL;
}

void manager_enforce_arm(const struct enforcement_arming *arming, void *userdata) {
        struct manager *manager = userdata;

        if (capture_arm(manager->capture, arming) == -E2BIG || arming->crowded) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                log_limited(&limit, LOG_WARNING, 0,
                            "The kernel has no room for more stories: the last step of some is not enforced");
        }
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
                    note->time_ns + SAME_CALL_NS >= match->time_ns && note->time_ns <= match->time_ns + SAME_CALL_NS)
                        best = MIN(best, note->what);
        }
        return best;
}

enum match_enforced manager_enforce_of(const struct match *match, void *userdata) {
        struct manager *manager = userdata;
        const char *name = program_text(match->program, match->path->name);
        enum match_enforced told = told_of(manager, match, name);

        if (match->path->enforce != PATH_ENFORCE_KILL || (told != MATCH_REFUSED && told != MATCH_FAILED))
                return told;
        if (capture_has_killed(manager->capture, &match->actor_id, name, KILL_TOLD_NS))
                return MATCH_KILLED;
        if (told == MATCH_REFUSED)
                return told;
        switch (manager_late_kill(&manager->late, &manager->settings.config, &match->actor_id, name, match->time_ns)) {
        case 0: return MATCH_LATE;
        case -EPERM: return MATCH_PROTECTED;
        default: return told;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions-private.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "action/breakglass.h"
#include "action/rearm.h"
#include "action/runtime-list.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define POLICIES_MAX 65536

const char *action_outcome_to_string(enum action_outcome outcome) {
        switch (outcome) {
        case ACTION_DONE: return "done";
        case ACTION_PENDING: return "pending";
        case ACTION_WOULD: return "would";
        case ACTION_REFUSED: return "refused";
        case ACTION_FAILED: return "failed";
        case _ACTION_OUTCOME_MAX: break;
        }
        return NULL;
}

int action_say(struct action_result *ret, int error, const char *fmt, ...) {
        char raw[ACTION_TEXT_MAX];
        struct strbuf b;
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        strbuf_init_fixed(&b, ret->text, sizeof(ret->text));
        strbuf_put_text(&b, raw, strlen(raw));
        return error;
}

int action_guarded(struct action_result *ret, int r, const char *thing, const struct strbuf *why) {
        if (r >= 0)
                return r;
        if (r == -EPERM)
                return action_say(ret, r, "%s %s", thing, strbuf_str(why));
        if (r == -ESRCH || r == -ENOENT)
                return action_say(ret, r, "%s is not there any more", thing);
        if (r == -E2BIG)
                return action_say(ret, r, "%s has too many processes to look at each", thing);
        return action_say(ret, r, "cannot find out whether %s is protected: %s", thing, strerror(-r));
}

/* ---- limits ---- */

static uint64_t rate_of(const struct config *config, enum action_group group) {
        switch (group) {
        case ACTION_GROUP_PROCESS: return config->response.rate_process;
        case ACTION_GROUP_CGROUP: return config->response.rate_cgroup;
        case ACTION_GROUP_UNIT: return config->response.rate_unit;
        case ACTION_GROUP_FILE: return config->response.rate_file;
        case ACTION_GROUP_SNAPSHOT: return config->response.rate_snapshot;
        case ACTION_GROUP_HELPER: return config->response.rate_helper;
        case ACTION_GROUP_WEBHOOK: return config->response.rate_webhook;
        case ACTION_GROUP_LIST: return config->response.rate_list;
        case _ACTION_GROUP_MAX: break;
        }
        return 0;
}

static struct action_policy *policy_get(struct actions *actions, const char *name) {
        struct action_policy *policy = hashmap_find_str(&actions->policies, name);

        if (policy || actions->policies.n >= POLICIES_MAX)
                return policy;
        policy = calloc(1, sizeof(*policy) + strlen(name) + 1);
        if (!policy)
                return NULL;
        strcpy(policy->name, name);
        if (hashmap_put_str(&actions->policies, policy->name, policy) < 0) {
                free(policy);
                return NULL;
        }
        return policy;
}

static void notice(struct actions *actions, const char *fmt, ...) _printf_(2, 3);
static void notice(struct actions *actions, const char *fmt, ...) {
        struct action_result said;
        char raw[ACTION_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        action_say(&said, 0, "%s", raw);
        if (actions->options.sink.on_notice)
                actions->options.sink.on_notice(said.text, actions->options.userdata);
}

static void tell_storm(struct actions *actions, const char *policy, bool disarmed) {
        if (actions->options.sink.on_storm)
                actions->options.sink.on_storm(policy, disarmed, actions->options.userdata);
}

/* -EPERM: not now. `counts`: it would change the host in earnest. */
static int check_limits(struct actions *actions, const struct action_info *info, bool counts,
                        struct action_result *ret) {
        uint64_t rate = rate_of(actions->config, info->group);
        struct action_policy *policy;

        policy = policy_get(actions, actions->origin->policy ?: "");
        if (!policy)
                return -ENOMEM;
        if (policy->disarmed && info->changes == ACTION_CHANGES_HOST)
                return action_say(ret, -EPERM, "policy '%s' is disarmed: more than %llu actions in a minute",
                                  policy->name, (unsigned long long)actions->config->response.storm);
        if (!action_bucket_take(&actions->buckets[info->group], rate, actions->now_ns)) {
                actions->stats.n_limited++;
                return action_say(ret, -EPERM, "more than %llu in a minute (response.rate_%s)",
                                  (unsigned long long)rate, action_group_to_string(info->group));
        }
        if (counts && !action_bucket_take(&policy->bucket, actions->config->response.storm, actions->now_ns)) {
                policy->disarmed = true;
                actions->stats.n_storms++;
                tell_storm(actions, policy->name, true);
                notice(actions,
                       "Policy '%s' asked for more than %llu actions in a minute: it is disarmed until a reload or"
                       " `execrayctl response rearm`, and its alerts are told only",
                       policy->name, (unsigned long long)actions->config->response.storm);
                return action_say(ret, -EPERM,
                                  "policy '%s' is disarmed from here on: more than %llu actions in a minute",
                                  policy->name, (unsigned long long)actions->config->response.storm);
        }
        return 0;
}

/* ---- pending ---- */

static int copy_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static void pending_free(struct action_pending *pending) {
        free(pending->what);
        free(pending->policy);
        free(pending->script);
        free(pending->alert);
        free(pending);
}

struct action_pending *action_pend(struct actions *actions, const struct action *action, struct action_result *ret) {
        static const struct action_origin nobody;
        const struct action_origin *origin = actions->origin ?: &nobody;
        _cleanup_(strbuf_done) struct strbuf what = {};
        struct action_pending *pending = calloc(1, sizeof(*pending));

        if (!pending)
                return NULL;
        if (action)
                action_put(action, &what);
        else
                strbuf_put(&what, "undo");
        if (copy_text(strbuf_str(&what), &pending->what) < 0 || copy_text(origin->policy, &pending->policy) < 0 ||
            copy_text(origin->script, &pending->script) < 0 || copy_text(origin->alert, &pending->alert) < 0) {
                pending_free(pending);
                return NULL;
        }
        pending->actions = actions;
        pending->number = ret->number;
        pending->kind = action ? action->kind : _ACTION_KIND_MAX;
        pending->next = actions->pending;
        if (pending->next)
                pending->next->previous = pending;
        actions->pending = pending;
        actions->n_pending++;
        ret->outcome = ACTION_PENDING;
        return pending;
}

void action_unpend(struct action_pending *pending) {
        struct actions *actions = pending->actions;

        if (pending->previous)
                pending->previous->next = pending->next;
        else
                actions->pending = pending->next;
        if (pending->next)
                pending->next->previous = pending->previous;
        actions->n_pending--;
        pending_free(pending);
}

void action_tell(struct actions *actions, const struct action_origin *origin, const char *what, enum action_kind kind,
                 const struct action_result *result) {
        const struct action_report report = {.origin = origin, .what = what, .kind = kind, .result = result};

        if (kind < _ACTION_KIND_MAX)
                actions->stats.outcomes[kind][result->outcome]++;
        if (actions->options.sink.on_report)
                actions->options.sink.on_report(&report, actions->options.userdata);
}

void action_end(struct action_pending *pending, struct action_result *result) {
        const struct action_origin origin = {
                .policy = pending->policy,
                .script = pending->script,
                .alert = pending->alert,
        };
        struct actions *actions = pending->actions;

        assert(result->outcome != ACTION_PENDING);
        result->number = pending->number;
        action_tell(actions, &origin, pending->what, pending->kind, result);
        if (actions->options.sink.on_done)
                actions->options.sink.on_done(result, actions->options.userdata);
        action_unpend(pending);
}

/* ---- the undo log ---- */

void action_undo_entry(struct actions *actions, const struct action *action, struct undo_entry *ret) {
        _cleanup_(strbuf_done) struct strbuf what = {.limit_bytes = UNDO_MAX_VALUE};
        const struct action_origin *origin = actions->origin;

        undo_entry_init(ret);
        action_put(action, &what);
        ret->state = UNDO_BEGUN;
        ret->at_ns = clock_realtime_ns();
        ret->action = action_info(action->kind)->name;
        ret->what = arena_strdup(&ret->arena, strbuf_str(&what)) ?: ret->action;
        if (!origin)
                return;
        ret->policy = origin->policy ? arena_strdup(&ret->arena, origin->policy) : NULL;
        ret->script = origin->script ? arena_strdup(&ret->arena, origin->script) : NULL;
        ret->alert = origin->alert ? arena_strdup(&ret->arena, origin->alert) : NULL;
}

int action_open_log(struct actions *actions, struct action_result *ret) {
        const char *directory = actions->options.state_directory ?: ACTIONS_STATE_DIRECTORY;
        int r;

        if (actions->log.dir_fd >= 0)
                return 0;
        /* The service's directory is there; by hand nobody has made it. */
        if (!actions->options.state_directory)
                (void)mkdir(ACTIONS_HOME_DIRECTORY, 0700);
        r = undo_log_open(&actions->log, directory, actions->config->response.keep);
        return r < 0 ? action_say(ret, r, "cannot open the log of responses '%s': %s", directory, strerror(-r)) : 0;
}

int action_begin_undo(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        int r;

        r = action_open_log(actions, ret);
        if (r < 0)
                return r;
        r = undo_log_add(&actions->log, entry);
        if (r == -ENOSPC && actions->log.n_entries >= actions->log.max_entries)
                return action_say(ret, r,
                                  "nothing is done that could not be undone: %zu things wait for it (response.keep)",
                                  actions->log.n_entries);
        if (r < 0)
                return action_say(ret, r, "nothing is done that could not be undone: cannot write it down: %s",
                                  strerror(-r));
        ret->undo = entry->id;
        return 0;
}

void action_end_undo(struct actions *actions, struct undo_entry *entry, bool done, struct action_result *ret) {
        int r;

        entry->state = done ? UNDO_DONE : UNDO_FAILED;
        if (!done)
                ret->undo = 0;
        r = undo_log_write(&actions->log, entry);
        if (r < 0)
                notice(actions, "Cannot write down what became of response %llu, it stays as begun: %s",
                       (unsigned long long)entry->id, strerror(-r));
}

/* ---- doing ---- */

static int perform(struct actions *actions, const struct action *action, const struct action_origin *origin,
                   struct action_result *ret) {
        const struct action_info *info = action_info(action->kind);
        const struct action_ops *ops = actions->options.ops ?: &action_ops;
        bool changes = info->changes == ACTION_CHANGES_HOST, dry;
        int r;

        dry = changes && (!actions->config->response.enforce || origin->dry_run);
        ret->outcome = ACTION_REFUSED;
        if (actions->is_disarmed && changes)
                return action_say(ret, -EPERM, "disarmed: %s", actions->disarmed);
        r = check_limits(actions, info, changes && !dry, ret);
        if (r < 0)
                return r;
        r = ops->check(actions, action, ret);
        if (r == -EPERM)
                actions->stats.n_protected++;
        if (r < 0) {
                ret->outcome = r == -EPERM ? ACTION_REFUSED : ACTION_FAILED;
                return r;
        }
        if (dry) {
                _cleanup_(strbuf_done) struct strbuf what = {};

                action_put(action, &what);
                ret->outcome = ACTION_WOULD;
                return action_say(ret, 0, "would do: %s", strbuf_str(&what));
        }
        ret->outcome = ACTION_DONE;
        ret->text[0] = 0;
        r = ops->perform(actions, action, ret);
        if (r < 0)
                ret->outcome = r == -EPERM ? ACTION_REFUSED : ACTION_FAILED;
        return r;
}

int action_run(struct actions *actions, const struct action *action, const struct action_origin *origin,
               uint64_t now_ns, struct action_result *ret) {
        _cleanup_(strbuf_done) struct strbuf what = {};
        int r;

        assert(actions && action && origin && ret);

        action_put(action, &what);
        if (what.error < 0)
                return what.error;

        *ret = (struct action_result){.number = ++actions->last_number};
        actions->origin = origin;
        actions->now_ns = now_ns;
        r = perform(actions, action, origin, ret);
        actions->origin = NULL;
        if (r == -ENOMEM)
                return r;
        ret->error = MIN(r, 0);
        if (r < 0 && !ret->text[0])
                action_say(ret, r, "%s", strerror(-r));
        action_tell(actions, origin, strbuf_str(&what), action->kind, ret);
        return 0;
}

/* ---- break-glass ---- */

void actions_disarm(struct actions *actions, const char *why) {
        struct action_result said = {};

        if (why)
                action_say(&said, 0, "%s", why);
        if (actions->is_disarmed == (why != NULL) && streq(actions->disarmed, said.text))
                return;
        if (why)
                notice(actions, "Disarmed, nothing is done to this host: %s", why);
        else
                notice(actions, "Armed again%s",
                       actions->config->response.enforce ? "" : ", in dry-run (response.enforce)");
        actions->is_disarmed = why != NULL;
        memcpy(actions->disarmed, said.text, sizeof(actions->disarmed));
}

const char *actions_disarmed(const struct actions *actions) {
        return actions->is_disarmed ? actions->disarmed : NULL;
}

bool actions_is_policy_disarmed(const struct actions *actions, const char *name) {
        const struct action_policy *policy = hashmap_find_str(&actions->policies, name);

        return policy && policy->disarmed;
}

int actions_disarm_policy(struct actions *actions, const char *name) {
        struct action_policy *policy = policy_get(actions, name);

        if (!policy)
                return -ENOMEM;
        policy->disarmed = true;
        return 0;
}

void actions_arm_policy(struct actions *actions, const char *name) {
        struct hashmap_entry *entry;
        size_t position = 0;

        while ((entry = hashmap_next(&actions->policies, &position))) {
                struct action_policy *policy = entry->value;

                if (!name || streq(policy->name, name)) {
                        if (policy->disarmed)
                                tell_storm(actions, policy->name, false);
                        policy->disarmed = false;
                        policy->bucket = (struct action_bucket){};
                }
        }
}

static void rearm(const char *name, void *userdata) {
        struct actions *actions = userdata;

        if (!actions_is_policy_disarmed(actions, name)) {
                tell_storm(actions, name, false);       /* it may be for somebody else (enforce) */
                notice(actions, "Policy '%s' should be armed again, and no script of it is disarmed", name);
                return;
        }
        actions_arm_policy(actions, name);
        notice(actions, "Policy '%s' is armed again: an operator has asked for it", name);
}

/* ---- all of them ---- */

int actions_new(const struct actions_options *options, struct actions **ret) {
        _cleanup_(actions_freep) struct actions *actions = NULL;
        int r;

        assert(options && options->config && ret);

        actions = calloc(1, sizeof(*actions));
        if (!actions)
                return -ENOMEM;
        actions->options = *options;
        actions->config = options->config;
        actions->log.dir_fd = -1;
        hashmap_init(&actions->policies);
        r = guard_init(&actions->guard, &actions->config->response.protect, &actions->config->response.protect_files,
                       options->core_pid);
        if (r < 0)
                return r;
        actions->loop = options->loop ? sd_event_ref(options->loop) : NULL;
        action_thaw_leftover(actions);
        *ret = TAKE_PTR(actions);
        return 0;
}

struct actions *actions_free(struct actions *actions) {
        struct hashmap_entry *entry;
        size_t position = 0;

        if (!actions)
                return NULL;
        actions->copier = copier_free(actions->copier);
        while (actions->pending)
                action_unpend(actions->pending);
        while ((entry = hashmap_next(&actions->policies, &position)))
                free(entry->value);
        hashmap_done(&actions->policies);
        posts_free(actions->posts);
        systemd_free(actions->systemd);
        runtime_lists_free(actions->lists);
        guard_done(&actions->guard);
        undo_log_close(&actions->log);
        sd_event_unref(actions->loop);
        free(actions);
        return NULL;
}

void actions_tick(struct actions *actions, uint64_t now_ns) {
        actions->now_ns = now_ns;
        if (rearm_take(actions->options.runtime_directory ?: ACTIONS_RUNTIME_DIRECTORY, rearm, actions) < 0)
                notice(actions,
                       "Who asks for a policy to be armed again is not believed: the file is not root's alone");
        action_refresh_lists(actions);
        action_end_denied(actions);
        if (actions->lists)
                (void)runtime_lists_expire(actions->lists, now_ns);
        actions_disarm(actions, breakglass_look(actions->options.runtime_directory ?: ACTIONS_RUNTIME_DIRECTORY,
                                                actions->options.n_crashes));
}

size_t actions_n_pending(const struct actions *actions) {
        return MAX(actions->n_pending, copier_n(actions->copier));
}

void actions_stats(const struct actions *actions, struct actions_stats *ret) {
        *ret = actions->stats;
}

uint64_t actions_capabilities(void) {
        return 0
#define CAPABILITY(name, doc) | UINT64_C(1) << CAP_##name
#include "action/capabilities.def"
                ;
}

void *actions_userdata(const struct actions *actions) {
        return actions->options.userdata;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Actions - who may do what to this host, now: the only place where an action is done.
 *
 * In this order, and each answer is told to the sink, with or without effect:
 *      break-glass     somebody has disarmed us: nothing is done, to nobody (breakglass.h)
 *      limits          of the group (a rate), of the policy (a storm disarms it until it is armed again)
 *      guard           the protected set: no script gets past it (guard.h)
 *      dry-run         what changes the host is said, not done, unless `enforce`
 *      doing           and what can be undone is on disk before it is done (undo-log.h)
 *
 * What takes long (systemd, webhooks, helpers, copies of more than 1 MiB) is answered ACTION_PENDING and later once
 * more by the sink's on_done(), from the loop; everything else at once. Nothing here waits, but kill_tree, which is
 * bounded by 2 s. For a process
 * of its own with the capabilities to kill, to trace and to move files; not for the core. */

#include <systemd/sd-event.h>

#include "action/action.h"

struct actions;
struct config;
struct redactor;

enum action_outcome {
        ACTION_DONE,
        ACTION_PENDING,                 /* begun: on_done() follows, with the same number */
        ACTION_WOULD,                   /* dry-run: not done; the text says what would have been */
        ACTION_REFUSED,                 /* protected, over a limit, disarmed, not allowed by the configuration */
        ACTION_FAILED,                  /* tried, and it did not work; `error` may say why */
        _ACTION_OUTCOME_MAX,
};

#define ACTION_TEXT_MAX 512

struct action_result {
        enum action_outcome outcome;
        int error;                      /* -errno, or 0 */
        uint64_t number;                /* of this attempt, from 1 in the life of these actions */
        uint64_t undo;                  /* for `execrayctl response undo`; 0: there is nothing to undo */
        char text[ACTION_TEXT_MAX];     /* one sentence, harmless on a terminal: what happened or why not */
};

/* On whose behalf. Borrowed for the call; copied where it is needed later. */
struct action_origin {
        const char *policy;             /* name of the path that matched: what a storm disarms */
        const char *script;             /* for the journal; may be NULL */
        const char *alert;              /* its id, for the journal and the undo log; may be NULL */
        bool dry_run;                   /* dry-run for this one, whatever the configuration says */
};

/* One thing that was asked for, and what became of it. Borrowed for the call. */
struct action_report {
        const struct action_origin *origin;
        const char *what;               /* action_put(): "signal process=4711 signal=TERM" */
        enum action_kind kind;
        const struct action_result *result;
};

struct actions_sink {
        /* Each attempt, refused ones too: for the journal. A pending one twice: begun, and what came of it. */
        void (*on_report)(const struct action_report *report, void *userdata);
        /* A pending one has ended; even before action_run() returns if it cannot be begun. May be NULL. */
        void (*on_done)(const struct action_result *result, void *userdata);
        /* A runtime list has changed: this value is on it until then, or (0) not any more. `list` NULL: another process
         * has changed some, they are to be read again (runtime-list.h). May be NULL. */
        void (*on_list)(const char *list, const char *value, uint64_t until_ns, void *userdata);
        /* A storm has disarmed this policy, or it is armed again: for whoever outlives these actions. That an operator
         * wants it armed is told of any name. May be NULL. */
        void (*on_storm)(const char *policy, bool disarmed, void *userdata);
        /* Something that an administrator must know: "disarmed because ...", a policy disarmed by a storm. */
        void (*on_notice)(const char *text, void *userdata);
};

/* What really happens, for tests to exchange. check() says whether the guard lets it pass, perform() does it. Both
 * fill the result: -EPERM and a text if it is refused; `outcome` is set by the caller for a negative answer. */
struct action_ops {
        int (*check)(struct actions *actions, const struct action *action, struct action_result *ret);
        int (*perform)(struct actions *actions, const struct action *action, struct action_result *ret);
};
extern const struct action_ops action_ops;

#define ACTIONS_RUNTIME_DIRECTORY "/run/execrayd"
#define ACTIONS_HOME_DIRECTORY "/var/lib/execrayd"
#define ACTIONS_STATE_DIRECTORY "/var/lib/execrayd/response"
#define ACTIONS_QUARANTINE_DIRECTORY "/var/lib/execrayd/quarantine"
#define ACTIONS_SNAPSHOT_DIRECTORY "/var/lib/execrayd/snapshots"

struct actions_options {
        const struct config *config;    /* borrowed as long as the actions live: its section `response` */
        const char *state_directory;    /* borrowed; NULL: /var/lib/execrayd/response */
        const char *quarantine_directory;       /* borrowed; NULL: /var/lib/execrayd/quarantine */
        const char *snapshot_directory; /* borrowed; NULL: /var/lib/execrayd/snapshots */
        const char *runtime_directory;  /* borrowed; NULL: /run/execrayd */
        int n_crashes;                  /* as breakglass_begin() said */
        uint32_t core_pid;              /* of execrayd's core, protected with all that it started; 0: there is none */
        sd_event *loop;                 /* a reference is taken; NULL: copies are waited for, and what else takes long
                                         * is refused */
        const struct redactor *redactor; /* borrowed; for environments and arguments in snapshots; NULL: left out */
        const struct action_ops *ops;   /* borrowed; NULL: the real ones */
        struct actions_sink sink;
        void *userdata;                 /* of the sink; and of fakes, see actions_userdata() */
};

int actions_new(const struct actions_options *options, struct actions **ret);
struct actions *actions_free(struct actions *actions);
DEFINE_CLEANUP(struct actions *, actions_free)

/* Returns 0, whatever became of it: *ret says. -errno only if not even that could be worked out (-ENOMEM). */
int action_run(struct actions *actions, const struct action *action, const struct action_origin *origin,
               uint64_t now_ns, struct action_result *ret);

/* Undo what has this number in the log (`undo` of its result); pending if systemd has to do it. The operator's own
 * wish: no limit, no dry-run. */
int action_undo(struct actions *actions, uint64_t id, uint64_t now_ns, struct action_result *ret);

/* Observe only from here on, and why; NULL: armed again. Told to the sink if it changes. */
void actions_disarm(struct actions *actions, const char *why);
const char *actions_disarmed(const struct actions *actions);    /* NULL: armed */

/* Is this policy disarmed by a storm, and arm it again (all with NULL). */
bool actions_is_policy_disarmed(const struct actions *actions, const char *policy);
/* It was, before there were these actions: on_storm() hears nothing of it. -ENOMEM. */
int actions_disarm_policy(struct actions *actions, const char *policy);
void actions_arm_policy(struct actions *actions, const char *policy);

/* Once in a while, at least every second: break-glass is looked for, lists expire, the undo log is kept in bounds. */
void actions_tick(struct actions *actions, uint64_t now_ns);

/* Is the value on that runtime list (runtime-list.h)? False, too, if the lists cannot be read. */
bool actions_list_has(struct actions *actions, const char *list, const char *value, uint64_t now_ns);

/* How many are pending; the loop may end when there are none. */
size_t actions_n_pending(const struct actions *actions);

struct actions_stats {
        uint64_t outcomes[_ACTION_KIND_MAX][_ACTION_OUTCOME_MAX];
        uint64_t n_limited;             /* refused by a rate */
        uint64_t n_storms;              /* policies disarmed */
        uint64_t n_protected;           /* refused by the guard */
};
void actions_stats(const struct actions *actions, struct actions_stats *ret);

/* The capabilities that actions take (capabilities.def), a bit each. */
uint64_t actions_capabilities(void);

void *actions_userdata(const struct actions *actions);
const char *action_outcome_to_string(enum action_outcome outcome);

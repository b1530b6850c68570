/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Actions, inside - what the files that do things share. actions.h is for everybody else. */

#include "action/actions.h"
#include "action/copy.h"
#include "action/guard.h"
#include "action/undo-log.h"
#include "action/bucket.h"
#include "base/hashmap.h"
#include "config/config.h"

struct copier;
struct posts;
struct runtime_lists;
struct systemd;

struct action_policy {
        struct action_bucket bucket;
        bool disarmed;
        char name[];
};

/* What has been begun and has not ended. Owned by the actions until action_end(). */
struct action_pending {
        struct actions *actions;
        struct action_pending *next, *previous;
        uint64_t number, undo;
        enum action_kind kind;
        bool undoing;                   /* it is the undoing of `undo` */
        char *what, *policy, *script, *alert;   /* owned; the last three may be NULL */
        void *job;                      /* of the file that does it */
};

struct actions {
        struct actions_options options;
        const struct config *config;    /* borrowed */
        sd_event *loop;                 /* owned reference; may be NULL */
        struct guard guard;
        struct undo_log log;
        struct action_bucket buckets[_ACTION_GROUP_MAX];
        struct hashmap policies;        /* struct action_policy, owned */
        struct action_pending *pending;
        size_t n_pending;
        bool is_disarmed;
        char disarmed[ACTION_TEXT_MAX]; /* why */
        uint64_t last_number;
        struct actions_stats stats;
        const struct action_origin *origin;     /* of the action under way; NULL: undoing */
        uint64_t now_ns;                /* of the call under way */
        struct systemd *systemd;        /* made when it is needed; NULL: not yet, or not there */
        struct posts *posts;            /* the same */
        struct copier *copier;          /* the same */
        struct runtime_lists *lists;    /* the same */
        uint64_t copying_bytes;         /* on their way to quarantine */
        uint64_t denied_next_ns; /* when a control group may use the network again; 0: the log was not read yet */
        uint64_t webhook_pause_ns;      /* before the second attempt; 0: the usual. For tests */
        uint64_t copy_patience_ns;      /* for one copy; 0: the usual. For tests */
};

/* An answer: the sentence goes to the result. Returns `error`, so that `return action_say(ret, -EPERM, ...)` reads
 * well. */
int action_say(struct action_result *ret, int error, const char *fmt, ...) _printf_(3, 4);

/* The same for what a guard said of a thing: "process 4711 is PID 1". 0 stays 0; -EPERM counts as protected. */
int action_guarded(struct action_result *ret, int r, const char *thing, const struct strbuf *why);

/* An entry with what is known of the action under way; add what undoing needs, then action_begin_undo() writes it. */
int action_open_log(struct actions *actions, struct action_result *ret);
void action_undo_entry(struct actions *actions, const struct action *action, struct undo_entry *ret);
int action_begin_undo(struct actions *actions, struct undo_entry *entry, struct action_result *ret);
/* What became of it: done or failed. That it cannot be written is said in the result. */
void action_end_undo(struct actions *actions, struct undo_entry *entry, bool done, struct action_result *ret);

/* It is not in force any more. */
void action_undone(struct actions *actions, struct undo_entry *entry);

/* Remember the action under way as pending; `ret` becomes ACTION_PENDING. NULL: no memory. */
struct action_pending *action_pend(struct actions *actions, const struct action *action, struct action_result *ret);
/* It has ended: tells the sink and frees it. Outcome, error and text are in `result`. */
void action_end(struct action_pending *pending, struct action_result *result);
/* It never began. */
void action_unpend(struct action_pending *pending);

/* The bucket with `per_minute` in it: is there one left now? */

/* Its tasks are forgotten, not told. */
struct systemd *systemd_free(struct systemd *systemd);

/* Those under way are ended. */
struct posts *posts_free(struct posts *posts);

/* More than this is copied by a child if there is a loop that could do something else meanwhile. */
#define ACTION_COPY_SMALL ((uint64_t)1 << 20)
bool action_is_large(const struct actions *actions, uint64_t n_bytes);

/* Have a child copy, and call done() from the loop when it has ended, in whichever way: -ETIMEDOUT, -ECANCELED: the
 * actions end. The descriptors are taken over, but if this fails: -EBUSY: too many wait. done() may be called before
 * this returns. */
int action_copy(struct actions *actions, const struct copy *copy,
                void (*done)(const struct copy_answer *answer, void *userdata), void *userdata);
size_t copier_n(const struct copier *copier);
struct copier *copier_free(struct copier *copier);

/* Report to the sink what became of something. */
void action_tell(struct actions *actions, const struct action_origin *origin, const char *what, enum action_kind kind,
                 const struct action_result *result);

/* The lists, read from their files when first wanted. */
int action_lists(struct actions *actions, struct runtime_lists **ret);
/* What another process has changed of them. */
void action_refresh_lists(struct actions *actions);

/* A control group frozen only for as long as something is looked at is thawed by whoever comes next if we do not live
 * to do it. */
void action_thaw_leftover(struct actions *actions);

/* What each file does; all as action_ops. */
int action_check_cgroup(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_cgroup(struct actions *actions, const struct action *action, struct action_result *ret);
int action_check_quarantine(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_quarantine(struct actions *actions, const struct action *action, struct action_result *ret);
int action_undo_quarantine(struct actions *actions, struct undo_entry *entry, struct action_result *ret);
int action_do_snapshot(struct actions *actions, const struct action *action, struct action_result *ret);
int action_check_list(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_list(struct actions *actions, const struct action *action, struct action_result *ret);
int action_undo_list(struct actions *actions, struct undo_entry *entry, struct action_result *ret);
int action_check_unit(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_unit(struct actions *actions, const struct action *action, struct action_result *ret);
int action_undo_unit(struct actions *actions, struct undo_entry *entry, struct action_result *ret);
int action_check_run(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_run(struct actions *actions, const struct action *action, struct action_result *ret);
int action_check_webhook(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_webhook(struct actions *actions, const struct action *action, struct action_result *ret);
/* Those whose time is over are noted as undone. */
void action_end_denied(struct actions *actions);
int action_undo_cgroup(struct actions *actions, struct undo_entry *entry, struct action_result *ret);
int action_check_process(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_signal(struct actions *actions, const struct action *action, struct action_result *ret);
int action_do_tree(struct actions *actions, const struct action *action, struct action_result *ret);
int action_undo_tree(struct actions *actions, struct undo_entry *entry, struct action_result *ret);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Enforcer - what the kernel refuses by lists: addresses, programs, files; or, another enforcer, as the last step of
 * policies with `enforce`. The daemon's side of bpf/enforce.bpf.c.
 *
 * An enforcer has its rules for life: for others another one is made, attached, and then the old one is freed, so that
 * at no moment nothing is refused. So it is over a restart: the links of the one before are kept (keep.h) until the
 * next process has its own. When the last descriptor is closed nothing is refused any more.
 *
 * Items of `addresses` are addresses and networks, of `executables` and `files` paths, directories (with a slash at the
 * end: all in them) and names without a slash, wherever such a file lies. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

struct bequest;
struct enforcer;
struct enforce_verdict;
struct keep_item;

struct enforcer_place {
        const char *cgroup2;            /* where v2 is mounted; NULL: nowhere */
        bool named;                     /* units and containers are told by v1's name=systemd */
        enum capture_tier tier;         /* the best that may be used */
        bool enforcing;                 /* from the first call that is seen; see enforcer_set_enforcing() */
};

/* Is each item one? -EINVAL, and which and why as text. Pure. */
int enforcer_check(const struct capture_deny *deny, char *why, size_t size);

/* Load and attach. 0; *ret is NULL if the lists are empty. Fails with one log line: -EINVAL as enforcer_check(),
 * -EOPNOTSUPP or -ENOLINK if this kernel does not take what a list needs and `deny->closed` says that it has to; if it
 * does not, that is said, and the rest is in force. And -ENOMEM, -EPERM. Nothing is borrowed afterwards. */
int enforcer_new(const struct capture_deny *deny, const struct enforcer_place *place, struct enforcer **ret);
struct enforcer *enforcer_free(struct enforcer *enforcer);
DEFINE_CLEANUP(struct enforcer *, enforcer_free)

/* As enforcer_new(), of the last steps of policies. Rules that this kernel cannot decide are left out, and said, or it
 * fails, as `closed` says. -E2BIG: more than fit. */
int enforcer_new_for_policies(const struct capture_enforcement *enforcement, const struct enforcer_place *place,
                              struct enforcer **ret);

/* Why the kernel cannot decide a rule here; NULL: it can. */
const char *enforcer_obstacle(const struct enforcement_rule *rule, const struct enforcer_place *place);

/* A key's stories have come to their last step, or are over. -ENOENT: no rule of this path is in force. -E2BIG. */
int enforcer_arm(struct enforcer *enforcer, const struct enforcement_arming *arming);

/* Does a rule ask for units or containers? Then it wants to know what each control group is called. */
bool enforcer_names_groups(const struct enforcer *enforcer);
void enforcer_name_group(struct enforcer *enforcer, uint64_t id, const char *path, size_t n_path, bool is_cut);
void enforcer_forget_group(struct enforcer *enforcer, uint64_t id);

/* These executables as well. */
int enforcer_protect(struct enforcer *enforcer, const struct capture_deny_list *executables);

/* At once, for all calls that come from now on. */
void enforcer_set_enforcing(struct enforcer *enforcer, bool enforcing);

/* Rules of this name only tell what they would do, or do it again. At once. */
void enforcer_disarm(struct enforcer *enforcer, const char *name, bool disarmed);

/* ---- over a restart (enforcer-keep.c) ---- */

#define ENFORCER_MAX_ITEMS 48

/* For the queue: ENFORCER_MAX_ITEMS at most, still ours. Other enforcers are other `which`. */
size_t enforcer_put_items(const struct enforcer *enforcer, unsigned which, struct keep_item *items);

/* The one that the process before has left, in force all the time: verdicts and counters are read, and nothing of it is
 * changed. It may be of another version; then its verdicts are counted as untold. *ret is NULL if there is none.
 * -ENOMEM. */
int enforcer_inherit(struct bequest *before, unsigned which, struct enforcer **ret);

/* It refuses nothing any more; what it has refused can still be read. Is it, and is all read? */
void enforcer_detach(struct enforcer *enforcer);
bool enforcer_is_over(const struct enforcer *enforcer);

/* ---- while it runs ---- */

/* Readable when there is something for enforcer_read(). -1: it has no ring. */
int enforcer_fd(const struct enforcer *enforcer);

/* Verdicts that wait and are not later than a time, up to `max`; `rule` is the item, or "" for what could not be looked
 * at, good until it returns. False: not now, it waits and all behind it. */
typedef bool (*enforcer_each)(const struct enforce_verdict *verdict, const char *rule, void *userdata);
size_t enforcer_read(struct enforcer *enforcer, uint64_t until_ns, size_t max, enforcer_each each, void *userdata);

/* Does a verdict wait that says that this process was killed for a rule of this name? Reads none. */
bool enforcer_has_killed(const struct enforcer *enforcer, const struct identity *who, const char *name);

/* Adds to what is there. */
void enforcer_stats(const struct enforcer *enforcer, struct capture_deny_stats *ret);

/* Lists that are not in force, since this kernel does not take their programs: bits of enum enforce_list. */
unsigned enforcer_missing(const struct enforcer *enforcer);

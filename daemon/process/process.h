/* SPDX-License-Identifier: Apache-2.0 */
/* Process - what is known of one process: who it is, whose child, what it runs, to which activity it belongs.
 *
 * Identity is pid and start time; a reused pid is another process. Owned by its table; a pointer is good until the next
 * call that changes the table. Strings are interned in the table or owned by the process as one block. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "process/namespaces.h"

struct cgroup;                          /* process/cgroup.h: path, unit, slice, container of one cgroup id */

enum process_state {
        PROCESS_RUNNING,
        PROCESS_EXITED,                 /* kept for a while: late records, ancestors, open stories */
};

struct process {
        struct identity id;
        struct identity creator;        /* the task that called fork; pid 0 if not known */
        struct identity tree;           /* the activity: identity of its first process */
        enum process_state state;
        bool supervisor;                /* its children begin activities of their own */
        bool kthread;
        bool guessed;                   /* its fork was not seen: made from another record */
        bool before_us;                 /* it ran when the watch began: what it did before that is not known */
        uint64_t exit_ns;

        /* What it runs: from the last exec, else its creator's, else unknown. Owned as one block (`image`), shared
         * after a fork. */
        struct process_image *image;    /* reference; NULL: not known */

        uint32_t uid, euid, gid, egid;  /* at its last event */
        uint32_t loginuid, session;
        uint64_t caps;                  /* effective */
        uint64_t cgroup_id;
        const struct cgroup *cgroup;    /* owned by the table; NULL: not known */
        struct namespaces namespaces;   /* at its last fork, exec, unshare or setns */
        uint32_t n_children;            /* running or kept; a process with children is kept as their ancestor */
        uint32_t n_live_children;       /* of these, those that run or have a live child: an exited process with none
                                         * has no descendant left */
};

/* An image outlives its process where evidence refers to it. unref gives NULL back; both take NULL. */
struct process_image *process_image_ref(struct process_image *image);
struct process_image *process_image_unref(struct process_image *image);

/* This image's alone in the life of the table, from 1: what was worked out from an image may be remembered under its
 * number. */
uint64_t process_image_number(const struct process_image *image);

/* Did it run when the watch began? Then it is known as it was found, by no exec. False for NULL. */
bool process_image_is_before_us(const struct process_image *image);

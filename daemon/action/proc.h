/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Proc - a process as /proc and pidfds know it, and whether it is the one that was meant.
 *
 * A pid is only a number: between an event and us it may have become another process. So a pidfd is opened first, then
 * the start time of whoever has the number is compared with the one of the event, and then the pidfd is asked whether
 * its process is still there: if so, it was that one's start time. */

#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "event/value.h"

struct proc_stat {
        uint32_t pid, ppid, pgrp, sid;
        int32_t tty;
        uint32_t flags;                 /* PF_* of the kernel */
        uint64_t start_ticks;           /* since boot, in ticks of sysconf(_SC_CLK_TCK) */
        char state;                     /* as ps shows: R S D T t Z X I */
        char name[64];                  /* what the process calls itself: never a reason to trust it */
};

#define PROC_FLAG_KTHREAD 0x00200000    /* PF_KTHREAD */

/* The text of /proc/PID/stat. -EBADMSG if it is none. Pure. */
int proc_stat_parse(const char *text, size_t n, struct proc_stat *ret);

/* -ESRCH: there is none of that number. */
int proc_stat_read(uint32_t pid, struct proc_stat *ret);

/* Did it start then, as far as ticks can tell? */
bool proc_is(const struct proc_stat *stat, const struct identity *identity);

/* When the process of this number started, to the tick: an identity as good as /proc has it. */
struct identity proc_identity(const struct proc_stat *stat);

/* A pidfd of that process. -ESRCH: it has ended, or is another one by now. `ret` may be NULL. */
int proc_open(const struct identity *identity, struct proc_stat *ret);

/* A pidfd of whoever has the number now, and who that is. */
int proc_open_pid(uint32_t pid, struct proc_stat *ret);

/* 0, -ESRCH, -EPERM. */
int proc_signal(int pidfd, int signal);

/* All numbers of processes, in the order of /proc, as one array that the caller frees. */
int proc_list(uint32_t **ret, size_t *ret_n);

/* Where a link of /proc/PID leads ("exe", "ns/mnt", "cwd"), ended by NUL; its length, or -errno. */
ssize_t proc_link(uint32_t pid, const char *name, char *buffer, size_t size);

/* The path of its control group: that of v2, or of systemd's own hierarchy if it is at the root of v2. */
int proc_cgroup(uint32_t pid, char *buffer, size_t size);

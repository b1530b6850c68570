/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Guard - what no script can touch, whatever it says.
 *
 * Processes: PID 1; threads of the kernel; execrayd's core and all below it; whoever it was started by (its ancestors,
 * and its session if that has a terminal); systemd, D-Bus, sshd and getty; what the administrator lists (an executable
 * or a unit). Control groups and units: those, and every one in which such a process is. Files: the listed places.
 *
 * An executable is told by its file on this host, or by its path in the namespace of PID 1; not by the name alone: in a
 * container anybody can call a program /usr/sbin/sshd. What cannot be found out about a process counts as protected. */

#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/macro.h"
#include "config/config.h"

struct strbuf;

struct guard_file {
        uint64_t device, inode;
};

struct guard {
        const struct config_list *protect, *files;      /* borrowed from the configuration */
        uint32_t core_pid;              /* 0: none */
        uint32_t sid;                   /* the session that the core was started in; 0: one without terminal */
        ARRAY(uint32_t) starters;       /* who started the core: its ancestors */
        ARRAY(struct guard_file) executables;   /* the files that the patterns mean on this host */
        char mount_namespace[64];       /* of PID 1; empty: not known */
};

/* `core_pid` 0: nobody but ourselves is execrayd. -ENOMEM. */
int guard_init(struct guard *guard, const struct config_list *protect, const struct config_list *files,
               uint32_t core_pid);
void guard_done(struct guard *guard);

/* All of these: 0: nothing against it; -EPERM: protected, and `why` says for what reason ("is PID 1"); -ESRCH: gone;
 * other errors as they are. The process must be held by a pidfd of the caller, so that it stays the same. */
int guard_process(const struct guard *guard, uint32_t pid, struct strbuf *why);

/* `fd` is the directory of the group in its hierarchy, `path` its path there. All groups below it, too. A service that
 * is about to begin, which is the service manager's program so far, is a member like others. -E2BIG if there are too
 * many processes to look at. */
int guard_cgroup(const struct guard *guard, int fd, const char *path, struct strbuf *why);

/* The same of a group that lies in whichever hierarchy: found by what /proc says of all processes. */
int guard_cgroup_path(const struct guard *guard, const char *path, struct strbuf *why);

/* By name alone; who is in it is the business of guard_cgroup(). */
int guard_unit(const struct guard *guard, const char *unit, struct strbuf *why);

/* A path without links in it. */
int guard_file(const struct guard *guard, const char *path, struct strbuf *why);

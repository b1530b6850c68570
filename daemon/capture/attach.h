/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Attach - programs onto their hooks, and off again.
 *
 * By bare descriptors, not by libbpf's links: taking a program off a system call makes the kernel wait 50 to 80 ms for
 * all CPUs, which a loop cannot; so the descriptors are left to a process of their own that closes them last.
 * Tracepoints are found without a mounted tracefs: if there is none we open one that nobody else sees. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A directory descriptor of tracefs, events/ and all. Negative errno if there is none and we may not open one. */
int tracefs_open(void);

/* To a place as in hook-table.def. The cookie is for tracepoints; a program may be attached to many. Returns the
 * descriptor that keeps it attached. -ENOENT: this kernel has no such hook. */
int attach_program(int prog_fd, const char *place, uint64_t cookie, int tracefs_fd, int cgroup_fd);

/* Close the descriptors in a process that does only this: the programs are off when it has ended. Returns its pid, to
 * be waited for with
 * __WALL; 0 if there was nothing to do or it was done here. */
pid_t detach_elsewhere(const int *fds, size_t n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Parking - programs that one test no longer wants stay where they are, for the next that does.
 *
 * To take a program off a system call makes the kernel wait for all CPUs, 60 ms and on a busy machine several times
 * that: it was half of the time of all subjects. A program whose kind nobody wants tells nothing, as in the daemon
 * between the end of a reload and the end of the process that it leaves detaching to. So of the one capture that all
 * subjects share, attach_program() and detach_elsewhere() come here (meson.build: --wrap). Those about detaching itself
 * have captures of their own. */

/* Of all programs that this process has now, and of all places that they are attached to from now on. Those that are
 * parked already are taken off. */
void park_begin(void);

/* Take off those that are parked, and wait for it. Before the capture is closed. */
void park_end(void);

/* This is not the link any more that attach_program() returned. */
void park_forget(int link_fd);

/* What attach_program() shall answer at this place, < 0; NULL: it attaches. */
extern int (*park_refuses)(const char *place);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compile worker - the process that compiles for the daemon: it reads policies, gives up everything, and only then
 * looks at what they say.
 *
 * A request comes on standard input, the answer goes to standard output (compile-message.h); there is no other
 * descriptor. Limits are set first; files are opened and their owners checked as the daemon would do it; then the
 * process becomes another user without privileges or system calls, and parses, checks, compiles, answers. */

/* argv[0] of such a process. */
#define COMPILE_WORKER_NAME "execray-compile"

/* Returns an exit status: 0 if there is an answer, whatever it says. For _exit(): nothing that others want to do at an
 * end can be done any more. */
int compile_worker_run(int request_fd, int answer_fd);

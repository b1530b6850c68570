/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compile job - policies are compiled by a process of its own, while we go on.
 *
 *      compile_job_start()     a fresh process of our own executable (compile-worker.h)
 *      compile_job_fd()        becomes readable when that has ended
 *      compile_job_kill()      when it takes too long
 *      compile_job_finish()    what came of it: a program, verified here, or words
 *
 * Neither text nor syntax tree ever is in this process. Whatever the other one does - crash, run for ever, take all
 * memory, answer nonsense - ends as a sentence in finish(). Does not log, and knows no event loop. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/compile-message.h"

struct compile_job;
struct strbuf;

/* `executable` NULL: our own; its main() must know COMPILE_WORKER_NAME. The request may go afterwards. -errno: it could
 * not be started. */
int compile_job_start(const char *executable, const struct compile_request *request, struct compile_job **ret);

/* Kills and reaps what is still there. */
struct compile_job *compile_job_free(struct compile_job *job);

int compile_job_fd(const struct compile_job *job);

/* It has had its time. It ends soon, and finish() will say so. */
void compile_job_kill(struct compile_job *job);

/* Wait for the end, and kill it when its time is over: for whoever has nothing else to do. */
void compile_job_wait(struct compile_job *job);

struct compile_result {
        struct program *program;        /* owned reference, or NULL */
        bool refused;                   /* the policies are wrong; else, without program, it is not their fault */
        int error;                      /* of refused: as policy_loader_load() */
        size_t n_files, n_paths, n_errors, n_warnings;
};

/* Once, after the end. Returns 0, and the program; or < 0 and why in `messages`, for people: what is wrong with the
 * policies (-EBADMSG, -ENOENT ... and refused), or one line about what happened to the process. Warnings go there for a
 * program, too. */
int compile_job_finish(struct compile_job *job, struct strbuf *messages, struct compile_result *ret);

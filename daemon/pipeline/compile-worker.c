/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/priority.h"
#include "base/sandbox.h"
#include "base/strbuf.h"
#include "pipeline/compile-message.h"
#include "pipeline/policy-loader.h"

#define MAX_OPEN_FILES 64               /* a directory each level, and the file itself */

struct worker {
        struct compile_request request;
        const char *what;               /* that could not be given up */
        int error;
};

DEFINE_CLEANUP(struct program *, program_unref)

static int worker_limit(struct worker *worker) {
        const struct sandbox_limits limits = {
                .cpu_s = MAX((worker->request.limits.timeout_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC, UINT64_C(1)),
                .memory_bytes = worker->request.limits.memory_bytes,
                .file_bytes = COMPILE_ANSWER_MAX_BYTES,
                .files = MAX_OPEN_FILES,
        };

        return worker->error = sandbox_limit(&limits, &worker->what);
}

/* Everything has been read and nothing was looked at. */
static int on_read(void *userdata) {
        struct worker *worker = userdata;

        worker->error = sandbox_drop(worker->request.limits.user, &worker->what);
        if (worker->error >= 0)
                worker->error = sandbox_seal(&worker->what);
        return worker->error;
}

static void worker_compile(struct worker *worker, struct strbuf *text, struct program **program,
                           struct compile_answer *answer) {
        _cleanup_(diag_set_done) struct diag_set diags = {};
        struct policy_loader_stats stats = {};
        int r;

        diag_set_init(&diags, 0);
        worker->request.policies.on_read = on_read;
        worker->request.policies.userdata = worker;
        r = policy_loader_load(worker->request.places, worker->request.n_places, &worker->request.policies,
                               &worker->request.compile, worker->request.generation, &diags, text, program, &stats);

        *answer = (struct compile_answer){
                .type = r >= 0 ? COMPILE_ANSWER_PROGRAM : COMPILE_ANSWER_REFUSED,
                .error = r,
                .n_files = stats.n_files,
                .n_paths = stats.n_paths,
                .n_errors = diags.n_errors,
                .n_warnings = diags.n_warnings,
        };
        if (r == -ENOMEM)
                answer->type = COMPILE_ANSWER_FAILED;
        if (r >= 0) {
                answer->program = (*program)->header;
                answer->n_program = (*program)->size;
        }
}

int compile_worker_run(int request_fd, int answer_fd) {
        _cleanup_(freep) char *memory = NULL;
        _cleanup_(strbuf_done) struct strbuf text = {.limit_bytes = COMPILE_ANSWER_MAX_TEXT};
        _cleanup_(program_unrefp) struct program *program = NULL;
        struct worker worker = {.what = "the request"};
        struct compile_answer answer = {};

        (void)prctl(PR_SET_NAME, COMPILE_WORKER_NAME);
        priority_lower();

        worker.error = compile_request_read(request_fd, &worker.request, &memory);
        if (worker.error >= 0)
                worker_limit(&worker);
        if (worker.error >= 0)
                worker_compile(&worker, &text, &program, &answer);
        if (worker.error < 0)
                answer = (struct compile_answer){
                        .type = COMPILE_ANSWER_FAILED, .error = worker.error, .what = worker.what};

        answer.text = text.data;
        answer.n_text = text.n;
        return compile_answer_write(answer_fd, &answer) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

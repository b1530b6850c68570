/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "action/breakglass.h"
#include "app/manager.h"
#include "app/params.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/compile-worker.h"
#include "response/respond-worker.h"

#define LOG_PATIENCE_MS 100             /* nobody looks at events meanwhile */

/* As a service: a life that does not come to its end here has crashed, and whoever does things to this host wants to
 * know how many did. */
static int run(const struct params *params) {
        const char *directory = secure_getenv("RUNTIME_DIRECTORY");
        int status;

        if (directory)
                (void)breakglass_begin(directory, "core", clock_boottime_ns());
        status = manager_run(params);
        if (directory)
                (void)breakglass_end(directory, "core", clock_boottime_ns());
        return status;
}

int main(int argc, char *argv[]) {
        struct params params;
        int r;

        if (argc == 1 && streq(argv[0], COMPILE_WORKER_NAME))
                _exit(compile_worker_run(STDIN_FILENO, STDOUT_FILENO));

        if (argc == 1 && streq(argv[0], RESPOND_WORKER_NAME))
                return respond_worker_run(STDIN_FILENO);

        log_open("execrayd");

        /* Tables are sized for the worst day; pages that are never touched should cost nothing. The threshold that the
         * allocator would learn from the first large block makes it reuse (and so clear) old memory for them. */
        mallopt(M_MMAP_THRESHOLD, 128 * 1024);

        r = params_parse(argc, argv, &params);
        if (r > 0)
                return r - 1;

        log_set_max_level(params.log_level);
        log_set_patience(LOG_PATIENCE_MS);
        return run(&params);
}

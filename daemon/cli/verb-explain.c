/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/loaded.h"
#include "cli/verb.h"
#include "pipeline/explanation.h"

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(loaded_done) struct loaded loaded = {};
        const struct path_node *path;
        int status, r;

        status = loaded_read_one(verb, argc, argv, &loaded, &path);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        r = explanation_put(loaded.set, path, &loaded.settings.config, &b);
        if (r < 0) {
                log_error_errno(r, "Cannot explain '%s': %m", path->name.bytes);
                return EXIT_STATUS_FAILURE;
        }
        return verb_print(&b);
}

const struct verb verb_explain = {
        .name = "explain",
        .arguments = "[NAME] [--policies PLACE]...",
        .summary = "Say what became of a policy: steps, places, clocks, cost, memory",
        .help = "  --policies PLACE  file or directory of policies; may be repeated. Without it: as the configuration "
                "says\n"
                "\n"
                "NAME is that of the policy, and may be left out if there is only one. What is told:\n"
                "\n"
                "  Steps       what happens and what must be true of it, in words\n"
                "  Places      where a run of the story can wait, which step leads where, and what ends it\n"
                "  Clocks      windows, and where a run goes back to when one closes\n"
                "  Captures    what is kept, of which type\n"
                "  The kernel  which calls are watched because of this policy, and what is dropped before it leaves "
                "the kernel\n"
                "  Cost        what an event that is no part of the story costs, and which regexes are slow\n"
                "  Memory      what a run takes, and how many there can be, under the configured bounds\n",
        .run = run,
};

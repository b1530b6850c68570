/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/loaded.h"
#include "cli/verb.h"
#include "policy/graph.h"

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(loaded_done) struct loaded loaded = {};
        const struct path_node *path;
        int status;

        status = loaded_read_one(verb, argc, argv, &loaded, &path);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (graph_put(path, &b) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        return verb_print(&b);
}

const struct verb verb_graph = {
        .name = "graph",
        .arguments = "[NAME] [--policies PLACE]...",
        .summary = "Draw a policy as a picture, for Graphviz",
        .help = "  --policies PLACE  file or directory of policies; may be repeated. Without it: as the configuration "
                "says\n"
                "\n"
                "NAME is that of the policy, and may be left out if there is only one. The picture is in the language "
                "of Graphviz:\n"
                "\n"
                "    execrayctl graph reverse_shell | dot -Tsvg > story.svg\n"
                "\n"
                "Steps are boxes in words, from top to bottom. Frames with a ground are windows, dashed ones are "
                "groups; what must not\n"
                "happen is red and dashed; a dotted line goes from where a value is kept to where it is compared.\n",
        .run = run,
};

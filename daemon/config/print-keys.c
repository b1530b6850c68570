/* SPDX-License-Identifier: Apache-2.0 */

/* Prints what is made of the list of keys: `print-keys example` the commented configuration file that is shipped,
 * `print-keys reference` docs/CONFIGURATION.md, `print-keys manual` the keys for the manual page. Part of the build,
 * not of the daemon. */

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/config.h"

static const char reference_head[] =
        "<!-- Made of daemon/config/config-keys.def: change that, then `ninja update-docs`. -->\n"
        "# Configuration\n"
        "\n";

static const char manual_head[] =
        "# NAME\n"
        "\n"
        "execrayd.yaml - the configuration of execrayd\n"
        "\n"
        "# SYNOPSIS\n"
        "\n"
        "/etc/execrayd/execrayd.yaml\n"
        "\n"
        "/etc/execrayd/execrayd.yaml.d/\\*.yaml\n"
        "\n"
        "# DESCRIPTION\n"
        "\n";

static const char rules[] =
        "`/etc/execrayd/execrayd.yaml`, in YAML: sections, keys, values, lists. The file may be missing, and it\n"
        "says only what is to be different: every key has a default. `execrayctl config defaults` shows all of\n"
        "them, commented out. Over it come the files `*.yaml` in `/etc/execrayd/execrayd.yaml.d`, in the order of\n"
        "their names: the last one that has a key counts, and a list is replaced as a whole.\n"
        "\n"
        "A key that does not exist, one that comes twice in a file, a value of the wrong form or out of range are\n"
        "errors with line and column; all of them are reported at once, and with one of them nothing is taken\n"
        "over. Anchors, aliases, tags and second documents are not supported. Files and their directories must be\n"
        "owned by root or the user the daemon runs as, and writable by nobody else; a file must not be a link.\n"
        "`execrayctl config check` finds all that without a daemon, `execrayctl config diff` says what is not as\n"
        "the defaults and which file says so.\n"
        "\n"
        "Sizes are written `4096`, `512K`, `16M`, `1G` (powers of 1024), durations `500ms`, `30s`, `10min`,\n"
        "`1h30min`, `2d`; yes and no also as `true`, `on`, `false`, `off`.\n"
        "\n";

static const char reference_end[] =
        "\n"
        "## What is not a key\n"
        "\n"
        "What comparable programs let one set, and why it is not here:\n"
        "\n"
        "| Elsewhere | Here |\n"
        "|---|---|\n"
        "| number of workers, size of their pool | one thread reads and decides, in the order in which things happened "
        "|\n"
        "| length of the queue of events, in events | the ring is the queue, in bytes: `capture.ring_size` |\n"
        "| events in a batch | bounded by the code, and by time: `capture.max_latency` |\n"
        "| size of pools of buffers | events are not copied; what is kept is bounded by `engine.evidence_memory` |\n"
        "| goal of a garbage collector | there is none |\n"
        "| memory of the whole process | each table has its bound (`engine`, `process`, `recorder`, `scripts`); "
        "`MemoryMax=` of the unit sets one over all |\n"
        "| high and low water marks, percent dropped | `overload.shed_medium`, `overload.shed_low`, "
        "`overload.hysteresis` |\n"
        "| sampling for each type of event | for each priority: `overload.sample_medium`, `overload.sample_low`; of "
        "high priority nothing is left out |\n"
        "| when to resize a buffer | the ring grows after a loss or when most of it was in use, up to "
        "`capture.ring_size_max` |\n"
        "| alert when latency is above a figure | the governor compares with what was usual on this host: "
        "`performance.governor` |\n"
        "| how often metrics are collected | when they are asked for; the governor looks every "
        "`performance.governor_period` |\n"
        "| percent of degradation that triggers a rollback | an optimisation that is to blame is switched off by "
        "`performance.governor` |\n";

int main(int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        if (argc == 2 && streq(argv[1], "example")) {
                if (config_dump_defaults(&b) < 0)
                        return EXIT_FAILURE;
        } else if (argc == 2 && streq(argv[1], "reference")) {
                strbuf_put(&b, reference_head);
                strbuf_put(&b, rules);
                config_dump_reference(&b);
                strbuf_put(&b, reference_end);
        } else if (argc == 2 && streq(argv[1], "manual")) {
                strbuf_put(&b, manual_head);
                strbuf_put(&b, rules);
                strbuf_put(&b, "# KEYS\n\n");
                config_dump_manual(&b);
                strbuf_put(&b, "# SEE ALSO\n\n**execrayctl**(1), **execray.policy**(5), **execray-lua**(7)\n");
        } else {
                fprintf(stderr, "usage: %s example|reference|manual\n", argv[0]);
                return EXIT_FAILURE;
        }

        if (b.error < 0 || fputs(strbuf_str(&b), stdout) == EOF || fflush(stdout) == EOF)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}

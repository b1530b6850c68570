/* SPDX-License-Identifier: Apache-2.0 */

/* Prints what is made of the list of keys: `print-keys example` the commented configuration file that is shipped,
 * `print-keys reference` docs/CONFIGURATION.md. Part of the build, not of the daemon. */

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/config.h"

static const char reference_head[] =
        "<!-- Made of daemon/config/config-keys.def: change that, then `ninja update-docs`. -->\n"
        "# Configuration\n"
        "\n"
        "`/etc/execrayd/execrayd.yaml`, in YAML: sections, keys, values, lists. The file may be missing, and it\n"
        "says only what is to be different: every key has a default. `units/execrayd.yaml`, as built, shows all\n"
        "of them, commented out.\n"
        "\n"
        "A key that does not exist, one that comes twice, a value of the wrong form or out of range are errors\n"
        "with line and column; all of them are reported at once, and with one of them nothing is taken over.\n"
        "Anchors, aliases, tags and second documents are not supported. The file and its directory must be owned\n"
        "by root or the user the daemon runs as, and writable by nobody else; the file must not be a link.\n"
        "\n"
        "Sizes are written `4096`, `512K`, `16M`, `1G` (powers of 1024), durations `500ms`, `30s`, `10min`,\n"
        "`1h30min`, `2d`; yes and no also as `true`, `on`, `false`, `off`.\n"
        "\n";

int main(int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        if (argc == 2 && streq(argv[1], "example")) {
                if (config_dump_defaults(&b) < 0)
                        return EXIT_FAILURE;
        } else if (argc == 2 && streq(argv[1], "reference")) {
                strbuf_put(&b, reference_head);
                config_dump_reference(&b);
        } else {
                fprintf(stderr, "usage: %s example|reference\n", argv[0]);
                return EXIT_FAILURE;
        }

        if (b.error < 0 || fputs(strbuf_str(&b), stdout) == EOF || fflush(stdout) == EOF)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/door.h"
#include "cli/verb.h"

static int status_of_health(const char *health) {
        return streq(health, "healthy") ? EXIT_STATUS_SUCCESS
             : streq(health, "failing") ? EXIT_STATUS_FAILING
                                        : EXIT_STATUS_DEGRADED;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct door_options options = {.timeout_ns = 10 * NSEC_PER_SEC};
        const char *health, *text, *json;
        bool as_json = false, quiet = false;
        const struct verb_option taken[] = {
                {"json", OPTION_FLAG, .flag = &as_json},
                {"quiet", OPTION_FLAG, .flag = &quiet},
                {"socket", OPTION_TEXT, .text = &options.socket},
                {},
        };
        int r;

        r = verb_options(verb, argc, argv, taken);
        if (r != EXIT_STATUS_SUCCESS)
                return r;
        if (optind < argc)
                return verb_usage(verb);

        r = door_call(&options, "GetStatus", &reply, NULL);
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "sss", &health, &text, &json);
        if (r < 0) {
                log_error_errno(r, "The daemon answers something else than this program understands: %m");
                return EXIT_STATUS_FAILURE;
        }
        if (!quiet) {
                strbuf_put(&b, as_json ? json : text);
                r = verb_print(&b);
                if (r != 0)
                        return r;
        }
        return status_of_health(health);
}

const struct verb verb_status = {
        .name = "status",
        .arguments = "[--json] [--quiet]",
        .summary = "Is the daemon well, what does it watch, what was missed, what is open, what is costly",
        .help = "  --json         one object, for programs\n"
                "  --quiet        the exit status alone\n"
                "  --socket PATH  of the daemon, not the usual one\n"
                "\n"
                "Exit status: 0 healthy, 21 degraded, 22 failing, 20 there is no daemon to ask. What was missed "
                "counts\n"
                "for ten minutes. Needs root, or the bus and membership of group execray.\n",
        .run = run,
};

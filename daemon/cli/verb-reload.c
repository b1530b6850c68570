/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/door.h"
#include "cli/verb.h"

/* Longer than policies may take to be compiled by default. */
#define TIMEOUT_NS (90 * NSEC_PER_SEC)

static int reload(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct door_options options = {.timeout_ns = TIMEOUT_NS};
        bool signalled = false;
        const char *changes;
        uint64_t generation;
        const struct verb_option taken[] = {
                {"signalled", OPTION_FLAG, .flag = &signalled},
                {"socket", OPTION_TEXT, .text = &options.socket},
                {},
        };
        int r;

        r = verb_options(verb, argc, argv, taken);
        if (r != EXIT_STATUS_SUCCESS)
                return r;
        if (optind < argc)
                return verb_usage(verb);
        r = door_call(&options, signalled ? "AwaitReload" : "Reload", &reply, &error);
        if (sd_bus_error_is_set(&error)) {
                strbuf_printf(&b, "%s", error.message);
                if (b.n > 0 && b.data[b.n - 1] != '\n')
                        strbuf_put_char(&b, '\n');
                (void)fd_write_full(STDERR_FILENO, b.data, b.n);
                log_error("Not reloaded, nothing has changed");
                return EXIT_STATUS_POLICIES;
        }
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "ts", &generation, &changes);
        if (r < 0) {
                log_error_errno(r, "The daemon answers something else than this program understands: %m");
                return EXIT_STATUS_FAILURE;
        }
        strbuf_printf(&b, "Reloaded, generation %" PRIu64 ": %s\n", generation, changes);
        return verb_print(&b);
}

static int snapshot(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct door_options options = {.timeout_ns = TIMEOUT_NS};
        const char *file;
        const struct verb_option taken[] = {{"socket", OPTION_TEXT, .text = &options.socket}, {}};
        int r;

        r = verb_options(verb, argc, argv, taken);
        if (r != EXIT_STATUS_SUCCESS)
                return r;
        if (optind < argc)
                return verb_usage(verb);
        r = door_call(&options, "Snapshot", &reply, &error);
        if (sd_bus_error_is_set(&error)) {
                log_error("%s", error.message);
                return EXIT_STATUS_FAILURE;
        }
        if (r != 0)
                return r;
        r = sd_bus_message_read(reply, "s", &file);
        if (r < 0) {
                log_error_errno(r, "The daemon answers something else than this program understands: %m");
                return EXIT_STATUS_FAILURE;
        }
        strbuf_printf(&b, "%s\n", file);
        return verb_print(&b);
}

const struct verb verb_reload = {
        .name = "reload",
        .arguments = "",
        .summary = "Have the daemon read configuration and policies again, and wait until it has",
        .help = "  --socket PATH  of the daemon, not the usual one\n"
                "  --signalled    send nothing, wait for the reload that SIGHUP has begun (for ExecReload=)\n"
                "\n"
                "Says what has changed. If anything is wrong it says where, nothing changes, and the exit status is "
                "6.\n"
                "Needs root.\n",
        .run = reload,
};

const struct verb verb_snapshot = {
        .name = "snapshot",
        .arguments = "",
        .summary = "Have the daemon save the last events as a recording, and print its name",
        .help = "  --socket PATH  of the daemon, not the usual one\n"
                "\n"
                "The recording is for `execrayctl trace`, `replay` and `why`; secrets are in it as they were. Needs "
                "root.\n",
        .run = snapshot,
};

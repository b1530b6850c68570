/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "report/exit-status.h"

#define NAME "org.execray1"
#define PATH "/org/execray1"
#define INTERFACE "org.execray1.Manager"

static int open_socket(const char *path, sd_bus **ret) {
        char address[512];
        sd_bus *bus = NULL;
        int r;

        if (path[strcspn(path, ",;%")] ||
            snprintf(address, sizeof(address), "unix:path=%s", path) >= (int)sizeof(address))
                return -EINVAL;
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

static int door_open(const struct door_options *options, sd_bus **ret, const char **ret_name) {
        const char *path = options->socket ?: CONTROL_SOCKET;
        int r, k;

        r = open_socket(path, ret);
        *ret_name = NULL;               /* there is only one at the other end */
        if (r >= 0)
                return 0;
        if (!options->socket) {
                k = sd_bus_open_system(ret);
                *ret_name = NAME;
                if (k >= 0)
                        return 0;
        }
        if (r == -ENOENT || r == -ECONNREFUSED)
                log_error("The daemon does not run here: nobody listens on '%s'", path);
        else
                log_error_errno(r, "Cannot reach the daemon on '%s': %m", path);
        return EXIT_STATUS_ABSENT;
}

int door_call(const struct door_options *options, const char *method, sd_bus_message **ret, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *name;
        int r;

        r = door_open(options, &bus, &name);
        if (r != 0)
                return r;
        r = sd_bus_message_new_method_call(bus, &message, name, PATH, INTERFACE, method);
        /* Who asks how it is does not want it started for that. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_call(bus, message, options->timeout_ns / NSEC_PER_USEC, &error, ret);
        if (r >= 0)
                return 0;
        if (sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
                log_error("The daemon does not run here: it is neither on the bus nor does it listen on '%s'",
                          CONTROL_SOCKET);
                return EXIT_STATUS_ABSENT;
        }
        if (sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED)) {
                log_error("The daemon may not be asked for this by you: %s", error.message ?: "access denied");
                return EXIT_STATUS_ABSENT;
        }
        if (ret_error && error.name && strncmp(error.name, NAME ".", sizeof(NAME)) == 0) {
                (void)sd_bus_error_move(ret_error, &error);
                return EXIT_STATUS_FAILURE;
        }
        log_error_errno(r, "The daemon does not answer: %s", error.message ?: strerror(-r));
        return r == -ETIMEDOUT || r == -ECONNRESET ? EXIT_STATUS_ABSENT : EXIT_STATUS_FAILURE;
}

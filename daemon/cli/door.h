/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Door - a call to the daemon that runs: over its socket, which needs no bus, or, for who may not use that, over the
 * bus (docs/BUS.md). */

#include <stdint.h>

#include <systemd/sd-bus.h>

struct door_options {
        const char *socket;             /* NULL: the usual one, and if that cannot be used the bus */
        uint64_t timeout_ns;
};

/* Call a method of org.execray1.Manager without arguments. 0 and the reply (sd_bus_message_unref()); or an exit status,
 * and why was said. *ret_error, which may be NULL, is what the daemon said; then nothing was said. */
int door_call(const struct door_options *options, const char *method, sd_bus_message **ret, sd_bus_error *ret_error);

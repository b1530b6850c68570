/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* State - where the daemon keeps what outlives it: the first directory of $STATE_DIRECTORY, which the service manager
 * sets (systemd.exec(5)); without it STATE_DIRECTORY, if it is there and may be written to. An empty $STATE_DIRECTORY
 * is no place at all: nothing is kept. */

#include <stddef.h>

#define STATE_DIRECTORY "/var/lib/execrayd"

/* The path of a file there, without looking whether it exists. 0, and "" in the buffer: there is no place;
 * -ENAMETOOLONG, and "" too: the buffer has no room. 1 else. */
int state_path(const char *name, char *buffer, size_t size);

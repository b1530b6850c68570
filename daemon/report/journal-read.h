/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Journal read - the alerts that this host's journal has, the oldest first: what journal-door.h sent there. Only
 * entries of which journald knows that root wrote them: anybody may call himself execrayd. */

#include <stddef.h>
#include <stdint.h>

/* `entry` is one alert: its JSON. < 0 ends the reading with it. */
typedef int (*journal_read_fn)(const char *json, size_t n, void *userdata);

/* Those since then (CLOCK_REALTIME; 0: all that are kept). How many there were, or a negative errno: of the journal, or
 * the function's. An entry without its JSON is passed over. */
int journal_read_alerts(uint64_t since_ns, journal_read_fn fn, void *userdata);

/* SPDX-License-Identifier: Apache-2.0 */
/* Private bus - a bus daemon of a test's own, where anybody may own any name and say anything to anybody, as the system
 * bus of the code under test. One at a time. What goes wrong fails the test. */
#pragma once

#include <stdbool.h>

/* Whether there is a bus daemon to be had here. */
bool private_bus_may(void);

/* From now on the system bus is one whose socket lies in this directory; it is not started by that. */
void private_bus_use(const char *directory);

/* Answers when it can be connected to. */
void private_bus_start(void);

/* Who is connected loses it. Nothing if it does not run. */
void private_bus_stop(void);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory - what a phase of the process leaves behind, given back to the kernel.
 * Starting and reloading take memory and touch code that nobody needs afterwards. Nothing is lost: what is used again
 * comes back, a page at a time, from the allocator or from the file that it is in (a debugger's breakpoints do not). */

#include <stddef.h>

/* To be called when such a phase is over, not on the way of events: it takes a fraction of a millisecond, and pages
 * that are needed at once are faulted in again. Returns how many bytes of code and constants were let go of. */
size_t memory_settle(void);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alloc-fail - what happens when memory runs out at the worst moment, at every moment.
 * Every unit test is linked with malloc and its kin wrapped, for our own code and not for the libraries. By default the
 * wrappers only count. Under AddressSanitizer a sweep also shows that no failure leaks. */

#include <stdbool.h>
#include <stddef.h>

/* Allocations of our code since the start of the process: a steady state is one where this stands still. */
size_t alloc_count(void);

/* Let the n-th allocation from now (1 is the next) fail, once; 0 takes it back. alloc_fail_reached() says if it came to
 * that. */
void alloc_fail_at(size_t n);
bool alloc_fail_reached(void);

/* Attempt the operation with the first allocation failing, then the second, and so on until one attempt needs no more
 * than were let through. The operation gives 0 or more for success and gives back everything that it made; each attempt
 * that a failure met must answer -ENOMEM, and the last one success: anything else ends the test.
 * Returns how many allocations the operation needs; at least one is expected. */
size_t alloc_fail_sweep(int (*attempt)(void *userdata), void *userdata);

/* SPDX-License-Identifier: Apache-2.0 */

/* Any text: what the compiler does for it stays within its length times the logarithm of that, counted in basic blocks;
 * and it ends in a program, or in a message. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        uint64_t work;
        int r;

        work = work_of((const char *)data, n, &r);
        if (work > work_allowed(n)) {
                fprintf(stderr, "%" PRIu64 " blocks for %zu bytes, %" PRIu64 " are allowed\n", work, n,
                        work_allowed(n));
                abort();
        }
        if (r < 0 && r != -EBADMSG) {
                fprintf(stderr, "no program and no message: %d\n", r);
                abort();
        }
        return 0;
}

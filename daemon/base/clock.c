/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t clock_read_ns(clockid_t id) {
        struct timespec t;
        int r;

        r = clock_gettime(id, &t);
        assert(r == 0);                 /* both clocks have been there since Linux 2.6.39 */
        (void)r;
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t clock_boottime_ns(void) {
        return clock_read_ns(CLOCK_BOOTTIME);
}

uint64_t clock_realtime_ns(void) {
        return clock_read_ns(CLOCK_REALTIME);
}

int64_t clock_realtime_offset_ns(void) {
        uint64_t before = clock_boottime_ns(), real = clock_realtime_ns(), after = clock_boottime_ns();

        return (int64_t)(real - (before + (after - before) / 2));
}

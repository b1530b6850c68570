/* SPDX-License-Identifier: Apache-2.0 */
#include "base/priority.h"

#include <errno.h>
#include <sys/resource.h>

int priority_raise(unsigned steps) {
        return steps > 0 && setpriority(PRIO_PROCESS, 0, -(int)steps) < 0 ? -errno : 0;
}

void priority_lower(void) {
        (void)setpriority(PRIO_PROCESS, 0, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int state_path(const char *name, char *buffer, size_t size) {
        const char *directory = getenv("STATE_DIRECTORY");
        int n;

        buffer[0] = 0;
        if (!directory && access(STATE_DIRECTORY, W_OK) >= 0)
                directory = STATE_DIRECTORY;
        if (!directory || strcspn(directory, ":") == 0)
                return 0;
        n = snprintf(buffer, size, "%.*s/%s", (int)strcspn(directory, ":"), directory, name);
        if (n < 0 || (size_t)n >= size) {
                buffer[0] = 0;
                return -ENAMETOOLONG;
        }
        return 1;
}

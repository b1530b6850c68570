/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"

#include <errno.h>
#include <unistd.h>

int close_fd(int fd) {
        int saved = errno;

        /* On Linux the descriptor is gone whatever close() says: never try again on EINTR. */
        if (fd >= 0)
                close(fd);
        errno = saved;
        return -1;
}

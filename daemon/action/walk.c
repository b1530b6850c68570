/* SPDX-License-Identifier: Apache-2.0 */
#include "action/walk.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int step(int fd, const char *name) {
        struct stat st;
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (next >= 0)
                return next;
        if (errno != ENOTDIR)
                return -errno;
        return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
}

int walk_directory(int from_fd, const char *path) {
        _cleanup_(closep) int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char name[NAME_MAX + 1];

        if (fd < 0)
                return -errno;
        for (;;) {
                size_t n;
                int next;

                while (*path == '/')
                        path++;
                n = strcspn(path, "/");
                if (n == 0)
                        return TAKE_FD(fd);
                if (n > NAME_MAX)
                        return -ENAMETOOLONG;
                memcpy(name, path, n);
                name[n] = 0;
                if (streq(name, ".") || streq(name, ".."))
                        return -EINVAL;
                next = step(fd, name);
                if (next < 0)
                        return next;
                close_fd(fd);
                fd = next;
                path += n;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

bool fd_may_open(size_t n) {
        _cleanup_(freep) int *fds = calloc(n + 1, sizeof(int));
        size_t opened = 0;

        while (fds && opened < n && (fds[opened] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
                opened++;
        for (size_t i = 0; i < opened; i++)
                close_fd(fds[i]);
        return opened == n;
}

int fd_open_directory(int directory_fd, const char *name, DIR **ret) {
        _cleanup_(closep) int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *directory;

        if (fd < 0)
                return -errno;
        directory = fdopendir(fd);
        if (!directory)
                return -errno;
        fd = -1;                        /* the directory's now */
        *ret = directory;
        return 0;
}

int fd_read_full(int fd, void *data, size_t n, size_t *ret_n) {
        size_t done = 0;
        int r = 0;

        while (done < n) {
                ssize_t k = read(fd, (char *)data + done, n - done);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0) {
                        r = k < 0 ? -errno : -ENODATA;
                        break;
                }
                done += k;
        }

        if (ret_n)
                *ret_n = done;
        return r;
}

int fd_write_full(int fd, const void *data, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, data, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                data = (const char *)data + k;
                n -= k;
        }
        return 0;
}

int fd_read_all(int fd, size_t max_bytes, char **ret, size_t *ret_n) {
        _cleanup_(freep) char *data = NULL;
        size_t n = 0, capacity = 0;

        assert(max_bytes < SIZE_MAX / 4);

        /* The size is only a hint: files in /proc say 0, and any file may grow while we read. */
        for (;;) {
                ssize_t k;

                if (n + 1 >= capacity) {
                        char *p;

                        if (n > max_bytes)
                                return -EFBIG;
                        capacity = MIN(MAX(capacity * 2, (size_t)4096), max_bytes + 2);
                        p = realloc(data, capacity);
                        if (!p)
                                return -ENOMEM;
                        data = p;
                }

                k = read(fd, data + n, capacity - n - 1);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += k;
        }
        if (n > max_bytes)
                return -EFBIG;

        data[n] = 0;
        *ret = TAKE_PTR(data);
        *ret_n = n;
        return 0;
}

int read_file_at(int dir_fd, const char *path, size_t max_bytes, char **ret, size_t *ret_n) {
        _cleanup_(closep) int fd = -1;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return fd_read_all(fd, max_bytes, ret, ret_n);
}

int open_regular_at(int dir_fd, const char *name) {
        _cleanup_(closep) int fd = -1;
        struct stat st;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        return TAKE_FD(fd);
}

enum fd_trust fd_trust_of(const struct stat *st) {
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return FD_FOREIGN_OWNER;
        if (st->st_mode & S_IWOTH)
                return FD_WORLD_WRITABLE;
        if (st->st_mode & S_IWGRP)
                return FD_GROUP_WRITABLE;
        return FD_TRUSTED;
}

const char *fd_trust_to_string(enum fd_trust trust) {
        switch (trust) {
        case FD_TRUSTED: return NULL;
        case FD_FOREIGN_OWNER: return "is not owned by root or by this user";
        case FD_GROUP_WRITABLE: return "is writable by its group";
        case FD_WORLD_WRITABLE: return "is writable by everybody";
        }
        return NULL;
}

static int fd_check_trust(int fd, enum fd_trust *ret_why) {
        enum fd_trust trust;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;

        trust = fd_trust_of(&st);
        if (ret_why)
                *ret_why = trust;
        return trust == FD_TRUSTED ? 0 : -EPERM;
}

int open_trusted_directory(const char *path, enum fd_trust *ret_why) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (ret_why)
                *ret_why = FD_TRUSTED;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
        if (fd < 0)
                return -errno;
        r = fd_check_trust(fd, ret_why);
        if (r < 0)
                return r;
        return TAKE_FD(fd);
}

int open_trusted_file_at(int dir_fd, const char *name, enum fd_trust *ret_why) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (ret_why)
                *ret_why = FD_TRUSTED;

        fd = open_regular_at(dir_fd, name);
        if (fd < 0)
                return fd;
        r = fd_check_trust(fd, ret_why);
        if (r < 0)
                return r;
        return TAKE_FD(fd);
}

int open_trusted_file(const char *path, enum fd_trust *ret_why, bool *ret_dir_blamed) {
        _cleanup_(freep) char *dir = NULL;
        _cleanup_(closep) int dir_fd = -1;
        const char *slash = strrchr(path, '/');

        if (ret_dir_blamed)
                *ret_dir_blamed = false;

        dir = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, slash - path);
        if (!dir)
                return -ENOMEM;

        dir_fd = open_trusted_directory(dir, ret_why);
        if (dir_fd < 0) {
                if (ret_dir_blamed)
                        *ret_dir_blamed = dir_fd == -EPERM;
                return dir_fd;
        }
        return open_trusted_file_at(dir_fd, slash ? slash + 1 : path, ret_why);
}

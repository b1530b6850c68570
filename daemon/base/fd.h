/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fd - descriptors and whole files: always O_CLOEXEC, always bounded, partial reads and EINTR dealt with. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/macro.h"

/* Could n more be opened now? Opens and closes as many. */
bool fd_may_open(size_t n);

/* The directory `name` below another one, "." for that itself, to be listed; not through a symbolic link. -errno. */
int fd_open_directory(int directory_fd, const char *name, DIR **ret);

/* Exactly n bytes: 0; fewer because the file ended: -ENODATA, and *ret_n (may be NULL) is how many there were. */
int fd_read_full(int fd, void *data, size_t n, size_t *ret_n);
int fd_write_full(int fd, const void *data, size_t n);

/* The rest of the file in memory that the caller frees, with a NUL behind it that is not counted. -EFBIG if there are
 * more than max_bytes; whatever the file's size claims, not more than that is ever read. */
int fd_read_all(int fd, size_t max_bytes, char **ret, size_t *ret_n);

/* The same by name; dir_fd may be AT_FDCWD. Follows links: only for places that are trusted, like /proc. */
int read_file_at(int dir_fd, const char *path, size_t max_bytes, char **ret, size_t *ret_n);

/* Open a regular file for reading without following a link at its end, and without waiting for a FIFO: -ELOOP for a
 * link, -EISDIR for a directory, -EBADFD for anything else. */
int open_regular_at(int dir_fd, const char *name);

/* Why a file or directory is not trusted. */
enum fd_trust {
        FD_TRUSTED,
        FD_FOREIGN_OWNER,               /* neither root's nor ours */
        FD_GROUP_WRITABLE,
        FD_WORLD_WRITABLE,
};

/* Trusted is what is owned by root or by our effective user and writable by its owner alone. */
enum fd_trust fd_trust_of(const struct stat *st);

/* As text after the name: "is not owned by root or by this user". NULL for FD_TRUSTED. */
const char *fd_trust_to_string(enum fd_trust trust);

/* Open the directory (links on the way are followed: the check is of where they lead) or a file in it (no link), and
 * check owner and mode of what was opened, so that nobody can put something else in its place afterwards.
 * -EPERM if it is not trusted, and the reason in *ret_why (may be NULL); FD_TRUSTED there for every other answer.
 * Returns the descriptor. */
int open_trusted_directory(const char *path, enum fd_trust *ret_why);
int open_trusted_file_at(int dir_fd, const char *name, enum fd_trust *ret_why);

/* Both in one: check the directory of the path and then the file itself. In *ret_dir_blamed (may be NULL) whether the
 * directory is what is not trusted. */
int open_trusted_file(const char *path, enum fd_trust *ret_why, bool *ret_dir_blamed);

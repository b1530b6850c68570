/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Quarantine - a directory from which nothing is run or read, and how files get there and back.
 *
 * The one that was meant: by its path without links, and by device and inode, looked at before and after it is moved;
 * one that was exchanged meanwhile goes back to where it was. On the same file system it is moved, else copied (up to
 * QUARANTINE_COPY_MAX) and the name taken away; so is one with more names than this (a hard link to something of the
 * system must not take away that one's mode). Nothing is ever written over. In quarantine its mode is 0. */

#include <stdint.h>
#include <sys/types.h>

#include "action/copy.h"

#define QUARANTINE_COPY_MAX ((uint64_t)256 << 20)
#define QUARANTINE_HASH_MAX ((uint64_t)64 << 20)

/* A file that is held, and what it is. */
struct suspect {
        int dir_fd;                     /* where it lies; owned */
        int fd;                         /* O_PATH; owned */
        const char *path;               /* borrowed */
        const char *name;               /* the last part of it */
        uint64_t inode, size;
        uint32_t device;                /* as events have it */
        uint32_t mode, uid, gid, links;
        int64_t mtime_s;
        uint32_t mtime_ns;
};

/* -ENOENT; -ELOOP: there is a link in the path; -EBADFD: no regular file; -ESTALE: another file than that. */
int suspect_open(const char *path, uint32_t device, uint64_t inode, struct suspect *ret);
void suspect_done(struct suspect *suspect);

/* Its content, to be hashed: `from` is to be closed. -EFBIG if it is larger than QUARANTINE_HASH_MAX. */
int suspect_hash_begin(const struct suspect *suspect, struct copy *ret);

/* Makes the directory (0700) if it is not there. Its descriptor. */
int quarantine_open(const char *directory);
/* What lies in it, in bytes. Parts of copies that nobody finishes any more are taken away. */
int quarantine_size(int dir_fd, uint64_t *ret);

/* Move it there under that name. -EXDEV: it must be copied; -ESTALE: it was exchanged; -EEXIST. */
int quarantine_move(int dir_fd, const char *name, const struct suspect *suspect);

/* Or copy it: begin, copy_run() by whomever, then finish, which takes the name away. Until then the part that is there
 * has another name. begin() gives descriptors to be closed; -EFBIG: too large. finish() hands the answer's error up. */
int quarantine_copy_begin(int dir_fd, const char *name, const struct suspect *suspect, struct copy *ret);
int quarantine_copy_finish(int dir_fd, const char *name, const struct suspect *suspect,
                           const struct copy_answer *answer);

/* What it was like, as the undo log remembers. */
struct quarantine_origin {
        const char *path;
        uint32_t mode, uid, gid;
        int64_t mtime_s;
        uint32_t mtime_ns;
};

/* Back to where it came from, never over what is there now (-EEXIST). */
int quarantine_restore(int dir_fd, const char *name, const struct quarantine_origin *origin);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scratch - a directory for targets whose reader wants a file with a name: made when it is first asked for, and gone
 * with the process. A target that dies leaves it behind. */

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static char scratch_directory[64];

static int scratch_forget(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)remove(path);
        return 0;
}

static void scratch_done(void) {
        (void)nftw(scratch_directory, scratch_forget, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in it; until the next call. */
static const char *scratch_path(const char *name) {
        static char path[128];

        if (!scratch_directory[0]) {
                snprintf(scratch_directory, sizeof(scratch_directory), "%s/fuzz-XXXXXX",
                         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
                assert(mkdtemp(scratch_directory));
                atexit(scratch_done);
        }
        snprintf(path, sizeof(path), "%s/%s", scratch_directory, name);
        return path;
}

/* A file of these bytes and nothing else, its owner's alone; its descriptor. */
static inline int scratch_file(const char *path, const void *data, size_t n) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert(fd >= 0);
        assert(fd_write_full(fd, data, n) == 0);
        return fd;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/rearm.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strbuf.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024)
#define NAME_BYTES_MAX 1024

static int path_of(const char *directory, const char *name, char ret[static PATH_MAX]) {
        return snprintf(ret, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int rearm_ask(const char *directory, const char *policy) {
        _cleanup_(strbuf_done) struct strbuf line = {};
        _cleanup_(closep) int fd = -1;
        char path[PATH_MAX];
        size_t n = strlen(policy);
        int r;

        if (n == 0 || n > NAME_BYTES_MAX || strchr(policy, '\n'))
                return -EINVAL;
        r = path_of(directory, "rearm", path);
        if (r < 0)
                return r;
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        /* In one piece: two may ask at a time. */
        strbuf_printf(&line, "%s\n", policy);
        return line.error < 0 ? line.error : fd_write_full(fd, line.data, line.n);
}

int rearm_is_taken(const char *directory) {
        char path[PATH_MAX];
        int r;

        r = path_of(directory, "rearm", path);
        if (r < 0)
                return r;
        return access(path, F_OK) < 0;
}

int rearm_withdraw(const char *directory) {
        char path[PATH_MAX];
        int r;

        r = path_of(directory, "rearm", path);
        if (r < 0)
                return r;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Under another name first: who asks from here on makes a new one. */
static int read_taken(const char *path, const char *taken, char **ret, size_t *ret_n) {
        _cleanup_(closep) int fd = -1;
        int r;

        if (rename(path, taken) < 0)
                return errno == ENOENT ? 0 : -errno;
        fd = open_trusted_file_at(AT_FDCWD, taken, NULL);
        r = fd < 0 ? fd : fd_read_all(fd, FILE_BYTES_MAX, ret, ret_n);
        (void)unlink(taken);
        return r < 0 ? r : 1;
}

int rearm_take(const char *directory, void (*arm)(const char *policy, void *userdata), void *userdata) {
        _cleanup_(freep) char *text = NULL;
        char path[PATH_MAX], taken[PATH_MAX];
        int r, n_names = 0;
        size_t n;

        r = path_of(directory, "rearm", path);
        if (r >= 0)
                r = path_of(directory, ".rearm", taken);
        if (r >= 0)
                r = read_taken(path, taken, &text, &n);
        if (r <= 0)
                return r;
        for (char *line = text, *next; line < text + n; line = next + 1) {
                next = strchrnul(line, '\n');
                *next = 0;
                if (!*line)
                        continue;
                arm(line, userdata);
                n_names++;
        }
        return n_names;
}

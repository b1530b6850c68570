/* SPDX-License-Identifier: Apache-2.0 */
#include "action/breakglass.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define COMMAND_LINE_MAX (64 * KIB)
#define WORD "execray.disarm"
#define LIVES_MAX 16                    /* times that are remembered */
#define FILE_MAX 1024

int breakglass_is_on_command_line(const char *text) {
        for (const char *p = text; (p = strstr(p, WORD)); p += strlen(WORD)) {
                const char *after = p + strlen(WORD);
                bool value;

                if (p > text && !strchr(" \t\n", p[-1]))
                        continue;
                if (!*after || strchr(" \t\n", *after))
                        return 1;
                if (*after == '=' && (parse_bool_n(after + 1, strcspn(after + 1, " \t\n"), &value) < 0 || value))
                        return 1;
        }
        return 0;
}

static int open_lives(const char *directory, const char *who, int flags) {
        char path[PATH_MAX];
        int fd;

        if (snprintf(path, PATH_MAX, "%s/alive-%s", directory, who) >= PATH_MAX)
                return -ENAMETOOLONG;
        fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : fd;
}

/* One time a line: of this life last, before it those that ended badly. */
static size_t read_lives(int fd, uint64_t now_ns, uint64_t lives[LIVES_MAX]) {
        _cleanup_(freep) char *text = NULL;
        size_t n = 0, length;

        if (fd_read_all(fd, FILE_MAX, &text, &length) < 0)
                return 0;
        for (char *line = text, *next; *line; line = next) {
                uint64_t at;

                next = strchrnul(line, '\n');
                if (parse_u64_n(line, (size_t)(next - line), 0, UINT64_MAX, &at) >= 0 && at <= now_ns &&
                    now_ns - at < BREAKGLASS_PERIOD_NS) {
                        if (n == LIVES_MAX)
                                memmove(lives, lives + 1, --n * sizeof(lives[0]));
                        lives[n++] = at;
                }
                if (*next)
                        next++;
        }
        return n;
}

static int write_lives(int fd, const uint64_t *lives, size_t n) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        for (size_t i = 0; i < n; i++) {
                strbuf_put_u64(&b, lives[i]);
                strbuf_put_char(&b, '\n');
        }
        if (b.error < 0)
                return b.error;
        if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return fd_write_full(fd, b.data, b.n);
}

/* The file of `who` and the times in it. */
static int load_lives(const char *directory, const char *who, int flags, uint64_t now_ns, uint64_t lives[LIVES_MAX],
                      size_t *ret_n) {
        int fd = open_lives(directory, who, flags);

        if (fd >= 0)
                *ret_n = read_lives(fd, now_ns, lives);
        return fd;
}

int breakglass_begin(const char *directory, const char *who, uint64_t now_ns) {
        _cleanup_(closep) int fd = -1;
        uint64_t lives[LIVES_MAX + 1];
        size_t n;
        int r;

        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = load_lives(directory, who, O_RDWR | O_CREAT, now_ns, lives, &n);
        if (fd < 0)
                return fd;
        lives[n] = now_ns;
        r = write_lives(fd, lives, n + 1);
        return r < 0 ? r : (int)n;
}

int breakglass_end(const char *directory, const char *who, uint64_t now_ns) {
        _cleanup_(closep) int fd = -1;
        uint64_t lives[LIVES_MAX];
        size_t n;

        fd = load_lives(directory, who, O_RDWR, now_ns, lives, &n);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        /* This life went well; what was before it still counts. */
        return write_lives(fd, lives, n > 0 ? n - 1 : 0);
}

int breakglass_count(const char *directory, const char *who, uint64_t now_ns) {
        _cleanup_(closep) int fd = -1;
        uint64_t lives[LIVES_MAX];
        size_t n;

        fd = load_lives(directory, who, O_RDONLY, now_ns, lives, &n);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return n > 0 ? (int)n - 1 : 0;
}

const char *breakglass_look(const char *directory, int n_crashes) {
        _cleanup_(freep) char *text = NULL;
        char path[PATH_MAX];
        size_t n;

        if (read_file_at(AT_FDCWD, "/proc/cmdline", COMMAND_LINE_MAX, &text, &n) >= 0 &&
            breakglass_is_on_command_line(text))
                return "execray.disarm is on the kernel's command line";
        if (snprintf(path, sizeof(path), "%s/disarm", directory) < (int)sizeof(path) &&
            faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return "there is a file 'disarm' in the daemon's runtime directory";
        if (n_crashes >= BREAKGLASS_CRASHES)
                return "it has crashed three times within ten minutes";
        return NULL;
}

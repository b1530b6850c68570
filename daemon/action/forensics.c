/* SPDX-License-Identifier: Apache-2.0 */
#include "action/forensics.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "report/redact.h"

#define TEXT_MAX (4 * MIB)              /* of one file of /proc */
#define FDS_MAX 4096

static const char *const plain_files[] = {
        "status", "stat",     "maps",      "limits",   "cgroup", "mountinfo", "io",      "sched",     "loginuid",
        "sessionid", "wchan", "stack",     "syscall",  "comm",   "oom_score", "personality", "uid_map", "gid_map",
        "net/tcp", "net/tcp6", "net/udp",  "net/udp6", "net/unix", "net/raw",
};
static const char *const links[] = {
        "exe", "cwd", "root", "ns/mnt", "ns/pid", "ns/net", "ns/user", "ns/ipc", "ns/uts", "ns/cgroup", "ns/time",
};

struct forensics_taking {
        const struct forensics_options *options;        /* borrowed; not at the end */
        uint64_t max_bytes;
        int proc_fd, dir_fd;            /* owned; of /proc/PID, which stays that process's; of the snapshot */
        int from, to;                   /* owned; the program and its copy; -1: there is none */
        uint64_t n_program;
        struct strbuf manifest;
        struct forensics out;
};

static struct forensics_taking *taking_free(struct forensics_taking *t) {
        close_fd(t->proc_fd);
        close_fd(t->dir_fd);
        close_fd(t->from);
        close_fd(t->to);
        strbuf_done(&t->manifest);
        free(t);
        return NULL;
}
DEFINE_CLEANUP(struct forensics_taking *, taking_free)

static void left_out(struct forensics_taking *t, const char *file, const char *why) {
        t->out.n_left_out++;
        strbuf_printf(&t->manifest, "left-out: %s: %s\n", file, why);
}

static uint64_t room(const struct forensics_taking *t) {
        return t->max_bytes - MIN(t->out.n_bytes, t->max_bytes);
}

static void keep(struct forensics_taking *t, const char *name, const char *text, size_t n) {
        _cleanup_(closep) int fd = -1;
        char flat[64];
        int r;

        if (n > room(t)) {
                left_out(t, name, "no room for it");
                return;
        }
        snprintf(flat, sizeof(flat), "%s", name);
        for (char *p = flat; *p; p++)
                if (*p == '/')
                        *p = '-';
        fd = openat(t->dir_fd, flat, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = fd < 0 ? -errno : fd_write_full(fd, text, n);
        if (r < 0) {
                left_out(t, name, strerror(-r));
                return;
        }
        t->out.n_bytes += n;
        t->out.n_files++;
}

static void keep_plain(struct forensics_taking *t, const char *name) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = read_file_at(t->proc_fd, name, TEXT_MAX, &text, &n);
        if (r < 0)
                left_out(t, name, r == -EFBIG ? "it is too large" : strerror(-r));
        else
                keep(t, name, text, n);
}

/* Strings ended by NUL: without secrets, one a line. */
static void keep_strings(struct forensics_taking *t, const char *name, enum redact_mode mode) {
        _cleanup_(strbuf_done) struct strbuf shown = {}, lines = {};
        _cleanup_(freep) char *text = NULL;
        struct redact_spans spans;
        size_t n;
        int r;

        if (!t->options->redactor) {
                left_out(t, name, "secrets in it cannot be taken out");
                return;
        }
        r = read_file_at(t->proc_fd, name, TEXT_MAX, &text, &n);
        if (r < 0) {
                left_out(t, name, strerror(-r));
                return;
        }
        redact_find(t->options->redactor, mode, text, n, NULL, NULL, &spans);
        redact_put(text, 0, n, &spans, &shown);
        for (size_t i = 0, begin = 0; i < shown.n; i++)
                if (shown.data[i] == 0 || i + 1 == shown.n) {
                        size_t end = shown.data[i] == 0 ? i : i + 1;

                        strbuf_put_text(&lines, shown.data + begin, end - begin);
                        strbuf_put_char(&lines, '\n');
                        begin = i + 1;
                }
        if (shown.error < 0 || lines.error < 0)
                left_out(t, name, strerror(ENOMEM));
        else
                keep(t, name, strbuf_str(&lines), lines.n);
}

static void put_link(struct forensics_taking *t, const char *name, struct strbuf *b) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlinkat(t->proc_fd, name, target, sizeof(target));
        strbuf_printf(b, "%s -> ", name);
        if (n < 0)
                strbuf_printf(b, "? (%s)", strerror(errno));
        else
                strbuf_put_text(b, target, (size_t)n);
}

static void keep_links(struct forensics_taking *t) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                put_link(t, links[i], &b);
                strbuf_put_char(&b, '\n');
        }
        keep(t, "links", strbuf_str(&b), b.n);
}

static void keep_fds(struct forensics_taking *t) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        unsigned n = 0;
        int r;

        r = fd_open_directory(t->proc_fd, "fd", &dir);
        if (r < 0) {
                left_out(t, "fds", strerror(-r));
                return;
        }
        while ((entry = readdir(dir))) {
                _cleanup_(freep) char *info = NULL;
                char name[300];
                size_t length;

                if (entry->d_name[0] == '.')
                        continue;
                if (n++ == FDS_MAX) {
                        strbuf_printf(&b, "(more than %d)\n", FDS_MAX);
                        break;
                }
                snprintf(name, sizeof(name), "fd/%s", entry->d_name);
                put_link(t, name, &b);
                snprintf(name, sizeof(name), "fdinfo/%s", entry->d_name);
                if (read_file_at(t->proc_fd, name, 4096, &info, &length) >= 0)
                        for (char *line = strtok(info, "\n"); line; line = strtok(NULL, "\n"))
                                if (startswith(line, "pos:") || startswith(line, "flags:")) {
                                        strbuf_put_char(&b, ' ');
                                        strbuf_put_text(&b, line, strcspn(line, "\t"));
                                        strbuf_put_text(&b, line + strcspn(line, "\t") + 1,
                                                        strlen(line) - strcspn(line, "\t") - 1);
                                }
                strbuf_put_char(&b, '\n');
        }
        keep(t, "fds", strbuf_str(&b), b.n);
}

static void open_program(struct forensics_taking *t) {
        struct stat st;
        int r = 0;

        t->from = openat(t->proc_fd, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (t->from < 0 || fstat(t->from, &st) < 0)
                r = -errno;
        else if ((uint64_t)st.st_size > room(t))
                r = -EFBIG;
        else {
                t->n_program = (uint64_t)st.st_size;
                t->to = openat(t->dir_fd, "exe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
                r = t->to < 0 ? -errno : 0;
        }
        if (r < 0)
                left_out(t, "exe", r == -EFBIG ? "no room for it" : strerror(-r));
}

static void end_program(struct forensics_taking *t, const struct copy_answer *answer) {
        if (answer->error < 0) {
                /* A part of a program is of no use. */
                (void)unlinkat(t->dir_fd, "exe", 0);
                left_out(t, "exe", answer->error == -EFBIG ? "no room for it" : strerror(-answer->error));
                return;
        }
        memcpy(t->out.sha256, answer->sha256, sizeof(t->out.sha256));
        t->out.n_bytes += answer->n_bytes;
        t->out.n_files++;
        strbuf_printf(&t->manifest, "sha256: %s\n", t->out.sha256);
}

/* ---- the directory of all ---- */

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void remove_snapshot(int all_fd, const char *name) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;

        if (fd_open_directory(all_fd, name, &dir) < 0)
                return;
        while ((entry = readdir(dir)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
        (void)unlinkat(all_fd, name, AT_REMOVEDIR);
}

/* Names begin with the time, all of one length: the first is the oldest. */
static int make_room(int all_fd, uint64_t max_snapshots) {
        ARRAY(char *) names = {};
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = fd_open_directory(all_fd, ".", &dir);
        while (r >= 0 && (entry = readdir(dir))) {
                char *name;

                if (entry->d_name[0] == '.')
                        continue;
                name = strdup(entry->d_name);
                r = name ? array_push(&names, name) : -ENOMEM;
                if (r < 0)
                        free(name);
        }
        if (r >= 0 && names.n >= max_snapshots) {
                qsort(names.items, names.n, sizeof(names.items[0]), compare_names);
                for (size_t i = 0; i + max_snapshots <= names.n; i++)
                        remove_snapshot(all_fd, names.items[i]);
        }
        ARRAY_FOREACH(name, &names)
                free(*name);
        array_done(&names);
        return r;
}

static int open_snapshot(const struct forensics_options *options, const struct identity *process,
                         struct forensics *out) {
        _cleanup_(closep) int all_fd = -1;
        char name[64];
        int fd, r;

        if (mkdir(options->directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        all_fd = open_trusted_directory(options->directory, NULL);
        if (all_fd < 0)
                return all_fd;
        r = make_room(all_fd, options->max_snapshots);
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), "%020llu-%u", (unsigned long long)clock_realtime_ns(), process->pid);
        if (snprintf(out->path, sizeof(out->path), "%s/%s", options->directory, name) >= (int)sizeof(out->path))
                return -ENAMETOOLONG;
        if (mkdirat(all_fd, name, 0700) < 0)
                return -errno;
        fd = openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

/* /proc/PID as a directory: it stays that process's, whoever has the number later. */
static int open_process(const struct identity *process) {
        _cleanup_(closep) int pidfd = -1, fd = -1;
        char path[32];
        int r;

        pidfd = proc_open(process, NULL);
        if (pidfd < 0)
                return pidfd;
        snprintf(path, sizeof(path), "/proc/%u", process->pid);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        r = proc_signal(pidfd, 0);
        return r < 0 && r != -EPERM ? r : TAKE_FD(fd);
}

int forensics_begin(const struct forensics_options *options, const struct identity *process, const char *what,
                    struct forensics_taking **ret) {
        _cleanup_(taking_freep) struct forensics_taking *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        *t = (struct forensics_taking){.options = options, .max_bytes = options->max_bytes};
        t->dir_fd = t->from = t->to = -1;
        t->proc_fd = open_process(process);
        if (t->proc_fd < 0)
                return t->proc_fd;
        t->dir_fd = open_snapshot(options, process, &t->out);
        if (t->dir_fd < 0)
                return t->dir_fd;

        strbuf_printf(&t->manifest, "execray-snapshot 1\npid: %u\nstart: %llu\ntaken: %llu\nwhat: ", process->pid,
                      (unsigned long long)process->start_ns, (unsigned long long)clock_realtime_ns());
        strbuf_put_text(&t->manifest, what, strlen(what));
        strbuf_put_char(&t->manifest, '\n');
        for (size_t i = 0; i < ELEMENTSOF(plain_files); i++)
                keep_plain(t, plain_files[i]);
        keep_strings(t, "cmdline", REDACT_ARGUMENTS);
        keep_strings(t, "environ", REDACT_ENVIRONMENT);
        keep_links(t);
        keep_fds(t);
        open_program(t);
        t->options = NULL;
        *ret = TAKE_PTR(t);
        return 0;
}

const char *forensics_path(const struct forensics_taking *t) {
        return t->out.path;
}

bool forensics_program(const struct forensics_taking *t, struct copy *ret, uint64_t *ret_bytes) {
        if (t->to < 0)
                return false;
        *ret = (struct copy){.from = t->from, .to = t->to, .max_bytes = room(t)};
        *ret_bytes = t->n_program;
        return true;
}

int forensics_end(struct forensics_taking *taking, const struct copy_answer *answer, struct forensics *ret) {
        _cleanup_(taking_freep) struct forensics_taking *t = taking;
        int r;

        if (answer)
                end_program(t, answer);
        strbuf_printf(&t->manifest, "bytes: %llu\n", (unsigned long long)t->out.n_bytes);
        r = t->manifest.error;
        if (r >= 0) {
                t->out.n_bytes = 0;     /* there is always room for this */
                keep(t, "manifest", t->manifest.data, t->manifest.n);
                *ret = t->out;
        }
        return r;
}

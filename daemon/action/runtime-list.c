/* SPDX-License-Identifier: Apache-2.0 */
#include "action/runtime-list.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define HEAD "execray-list 1\n"

/* The file of a list as it was when it was last read or written here. */
struct seen {
        struct timespec mtime;
        ino_t inode;
        bool there;
        char name[VALUE_LISTS_NAME_MAX + 1];
};

struct runtime_lists {
        struct value_lists *values;     /* owned */
        struct seen seen[VALUE_LISTS_MAX];
        size_t n_seen;
        struct timespec mtime;          /* of the directory, when it was last gone through */
        char directory[PATH_MAX - 80];
};

static bool same_time(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* NULL: more than there may be. */
static struct seen *seen_of(struct runtime_lists *lists, const char *name) {
        for (size_t i = 0; i < lists->n_seen; i++)
                if (streq(lists->seen[i].name, name))
                        return &lists->seen[i];
        if (lists->n_seen == VALUE_LISTS_MAX || strlen(name) > VALUE_LISTS_NAME_MAX)
                return NULL;
        lists->seen[lists->n_seen] = (struct seen){};
        strcpy(lists->seen[lists->n_seen].name, name);
        return &lists->seen[lists->n_seen++];
}

/* ---- files ---- */

static int compare_entries(const void *a, const void *b) {
        return strcmp((*(struct value_entry *const *)a)->value, (*(struct value_entry *const *)b)->value);
}

static struct seen note_seen(const struct seen *seen, const struct stat *st) {
        struct seen now = *seen;

        now.inode = st->st_ino;
        now.mtime = st->st_mtim;
        now.there = true;
        return now;
}

/* In the order of the values: hash order is nobody's business. */
static int put_list(const struct value_list *list, struct strbuf *b) {
        _cleanup_(freep) struct value_entry **entries = calloc(list->entries.n ?: 1, sizeof(*entries));
        struct hashmap_entry *at;
        size_t position = 0, n = 0;

        if (!entries)
                return -ENOMEM;
        while ((at = hashmap_next(&list->entries, &position)))
                entries[n++] = at->value;
        qsort(entries, n, sizeof(entries[0]), compare_entries);
        strbuf_put(b, HEAD);
        for (size_t i = 0; i < n; i++) {
                strbuf_put_u64(b, entries[i]->until_ns);
                strbuf_put_char(b, ' ');
                strbuf_put(b, entries[i]->value);
                strbuf_put_char(b, '\n');
        }
        return b->error;
}

static int write_list(struct runtime_lists *lists, const struct value_list *list) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct seen *seen = seen_of(lists, list->name);
        char path[PATH_MAX], temporary[PATH_MAX];
        struct stat st;
        int fd, r;

        r = put_list(list, &b);
        if (r < 0)
                return r;
        if (mkdir(lists->directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        snprintf(path, sizeof(path), "%s/%s", lists->directory, list->name);
        snprintf(temporary, sizeof(temporary), "%s/.%s", lists->directory, list->name);
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        r = fd_write_full(fd, b.data, b.n);
        if (r >= 0 && fstat(fd, &st) < 0)
                r = -errno;
        close_fd(fd);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r >= 0 && seen)
                *seen = note_seen(seen, &st);
        if (r < 0)
                (void)unlink(temporary);
        return r;
}

int runtime_line_parse(const char *line, size_t n, uint64_t *ret_until_ns, const char **ret_value,
                       size_t *ret_value_n) {
        const char *blank = memchr(line, ' ', n);
        size_t value_n;

        if (!blank || line[0] < '0' || line[0] > '9' ||
            parse_u64_n(line, (size_t)(blank - line), 0, UINT64_MAX, ret_until_ns) < 0)
                return 0;
        value_n = n - (size_t)(blank + 1 - line);
        if (value_n == 0 || value_n > VALUE_LISTS_VALUE_MAX)
                return 0;
        for (size_t i = 0; i < value_n; i++)
                if ((unsigned char)blank[1 + i] < ' ' || blank[1 + i] == 0x7f)
                        return 0;
        *ret_value = blank + 1;
        *ret_value_n = value_n;
        return 1;
}

/* A file that is wrong is as if it had not been there. */
static int read_values(const char *text, size_t n, const char *name, uint64_t now_ns, struct value_lists *to) {
        if (n < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0 || !value_lists_is_name(name, strlen(name)))
                return -EBADMSG;
        for (const char *line = text + strlen(HEAD), *end; line < text + n; line = end + 1) {
                uint64_t until_ns;
                const char *value;
                size_t value_n;
                int r;

                end = memchr(line, '\n', (size_t)(text + n - line));
                if (!end || !runtime_line_parse(line, (size_t)(end - line), &until_ns, &value, &value_n))
                        return -EBADMSG;
                if (until_ns <= now_ns)
                        continue;
                r = value_lists_put(to, name, value, value_n, until_ns);
                if (r <= 0)
                        return r < 0 ? r : -EBADMSG;
        }
        return 0;
}

static int read_list(int dir_fd, const char *name, uint64_t now_ns, struct value_lists *to, struct stat *ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        size_t n;
        int r;

        value_lists_clear(to, name);
        fd = open_trusted_file_at(dir_fd, name, NULL);
        if (fd < 0)
                return fd;
        if (fstat(fd, ret) < 0)
                return -errno;
        r = fd_read_all(fd, RUNTIME_FILE_MAX, &text, &n);
        if (r >= 0)
                r = read_values(text, n, name, now_ns, to);
        if (r < 0)
                value_lists_clear(to, name);
        return r;
}

static int open_directory(const char *path, DIR **ret) {
        _cleanup_(closep) int fd = open_trusted_directory(path, NULL);

        *ret = NULL;
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return fd_open_directory(fd, ".", ret);
}

int runtime_lists_read(const char *directory, uint64_t now_ns, struct value_lists *to, size_t *ret_n_bad) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        size_t n_bad = 0;
        struct stat st;
        int r;

        r = open_directory(directory, &dir);
        if (r < 0)
                return r;
        while (dir && (entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                r = read_list(dirfd(dir), entry->d_name, now_ns, to, &st);
                if (r == -ENOMEM)
                        return r;
                n_bad += r < 0;
        }
        if (ret_n_bad)
                *ret_n_bad = n_bad;
        return 0;
}

/* Read what is not as it was when we last saw it; how many files. */
static int go_through(struct runtime_lists *lists, DIR *dir, uint64_t now_ns, size_t *n_bad) {
        struct dirent *entry;
        int n_read = 0;

        for (size_t i = 0; i < lists->n_seen; i++)
                lists->seen[i].there = false;
        while (dir && (entry = readdir(dir))) {
                struct seen *seen;
                struct stat st;
                int r;

                if (entry->d_name[0] == '.')
                        continue;
                seen = seen_of(lists, entry->d_name);
                if (!seen || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        ++*n_bad;
                        continue;
                }
                if (seen->inode == st.st_ino && same_time(&seen->mtime, &st.st_mtim)) {
                        seen->there = true;
                        continue;
                }
                r = read_list(dirfd(dir), entry->d_name, now_ns, lists->values, &st);
                if (r == -ENOMEM)
                        return r;
                *n_bad += r < 0;
                *seen = note_seen(seen, &st);
                n_read++;
        }
        for (size_t i = 0; i < lists->n_seen;)
                if (!lists->seen[i].there) {
                        value_lists_clear(lists->values, lists->seen[i].name);
                        lists->seen[i] = lists->seen[--lists->n_seen];
                        n_read++;
                } else
                        i++;
        return n_read;
}

static int refresh(struct runtime_lists *lists, uint64_t now_ns, size_t *n_bad) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct stat st = {};
        int r;

        if (stat(lists->directory, &st) < 0 && errno != ENOENT)
                return -errno;
        if (same_time(&st.st_mtim, &lists->mtime))
                return 0;
        r = open_directory(lists->directory, &dir);
        if (r >= 0)
                r = go_through(lists, dir, now_ns, n_bad);
        if (r >= 0)
                lists->mtime = st.st_mtim;
        return r;
}

int runtime_lists_refresh(struct runtime_lists *lists, uint64_t now_ns) {
        size_t n_bad = 0;
        int r = refresh(lists, now_ns, &n_bad);

        return r > 0 ? 1 : r;
}

int runtime_lists_new(const char *directory, uint64_t now_ns, size_t *ret_n_bad, struct runtime_lists **ret) {
        _cleanup_(runtime_lists_freep) struct runtime_lists *lists = NULL;
        size_t n_bad = 0;
        int r;

        lists = calloc(1, sizeof(*lists));
        if (!lists)
                return -ENOMEM;
        if (strlen(directory) >= sizeof(lists->directory))
                return -ENAMETOOLONG;
        strcpy(lists->directory, directory);
        lists->values = value_lists_new();
        if (!lists->values)
                return -ENOMEM;
        r = refresh(lists, now_ns, &n_bad);
        if (r < 0)
                return r;
        if (ret_n_bad)
                *ret_n_bad = n_bad;
        *ret = TAKE_PTR(lists);
        return 0;
}

struct runtime_lists *runtime_lists_free(struct runtime_lists *lists) {
        if (!lists)
                return NULL;
        value_lists_free(lists->values);
        free(lists);
        return NULL;
}

/* ---- values ---- */

static struct value_list *find_list(const struct runtime_lists *lists, const char *name) {
        return value_lists_find(lists->values, name, strlen(name));
}

int runtime_list_add(struct runtime_lists *lists, const char *name, const char *value, uint64_t until_ns) {
        struct value_entry *entry = value_lists_get(lists->values, name, value, strlen(value));
        uint64_t before = entry ? entry->until_ns : 0;
        int added, r;

        added = value_lists_put(lists->values, name, value, strlen(value), until_ns);
        if (added < 0)
                return added;
        r = write_list(lists, find_list(lists, name));
        if (r < 0 && entry)
                entry->until_ns = before;
        else if (r < 0)
                (void)value_lists_remove(lists->values, name, value, strlen(value));
        return r < 0 ? r : added;
}

int runtime_list_remove(struct runtime_lists *lists, const char *name, const char *value) {
        struct value_entry *entry = value_lists_get(lists->values, name, value, strlen(value));
        uint64_t until_ns = entry ? entry->until_ns : 0;
        int r;

        if (!value_lists_remove(lists->values, name, value, strlen(value)))
                return 0;
        r = write_list(lists, find_list(lists, name));
        /* Taking one out leaves room for it. */
        if (r < 0)
                (void)value_lists_put(lists->values, name, value, strlen(value), until_ns);
        return r < 0 ? r : 1;
}

bool runtime_list_has(const struct runtime_lists *lists, const char *name, const char *value, uint64_t now_ns) {
        const struct value_entry *entry = value_lists_get(lists->values, name, value, strlen(value));

        return entry && entry->until_ns > now_ns;
}

size_t runtime_lists_expire(struct runtime_lists *lists, uint64_t now_ns) {
        size_t n = value_lists_expire(lists->values, now_ns);

        /* A file that cannot be written has values that nobody believes any more: each has its end in it. */
        for (size_t i = 0; n > 0 && i < lists->values->n; i++)
                if (lists->values->items[i]->changed) {
                        lists->values->items[i]->changed = false;
                        (void)write_list(lists, lists->values->items[i]);
                }
        return n;
}

size_t runtime_lists_n_values(const struct runtime_lists *lists) {
        return lists->values->n_values;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/runtime-list.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/fd.h"
#include "base/hashmap.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define HEAD "execray-list 1\n"
#define NAME_BYTES 65

struct entry {
        uint64_t until_ns;
        char value[];
};

struct list {
        struct hashmap entries;         /* struct entry, owned, by its value */
        char name[NAME_BYTES];
};

struct runtime_lists {
        struct list *lists[RUNTIME_LISTS_MAX];  /* owned; as they came */
        size_t n_lists, n_values;
        uint64_t next_ns;               /* nothing ends before */
        char directory[PATH_MAX - 80];
};

static struct list *find_list(const struct runtime_lists *lists, const char *name) {
        for (size_t i = 0; i < lists->n_lists; i++)
                if (streq(lists->lists[i]->name, name))
                        return lists->lists[i];
        return NULL;
}

static int get_list(struct runtime_lists *lists, const char *name, struct list **ret) {
        struct list *list = find_list(lists, name);

        if (!list) {
                if (lists->n_lists == RUNTIME_LISTS_MAX || strlen(name) >= NAME_BYTES)
                        return -ENOSPC;
                list = calloc(1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                hashmap_init(&list->entries);
                strcpy(list->name, name);
                lists->lists[lists->n_lists++] = list;
        }
        *ret = list;
        return 0;
}

static void list_free(struct list *list) {
        struct hashmap_entry *entry;
        size_t position = 0;

        while ((entry = hashmap_next(&list->entries, &position)))
                free(entry->value);
        hashmap_done(&list->entries);
        free(list);
}

static int insert(struct runtime_lists *lists, struct list *list, const char *value, size_t n, uint64_t until_ns) {
        struct entry *entry;
        int r;

        if (lists->n_values >= RUNTIME_VALUES_MAX || n > RUNTIME_VALUE_MAX)
                return -ENOSPC;
        entry = calloc(1, sizeof(*entry) + n + 1);
        if (!entry)
                return -ENOMEM;
        entry->until_ns = until_ns;
        memcpy(entry->value, value, n);
        r = hashmap_put_str(&list->entries, entry->value, entry);
        if (r < 0) {
                free(entry);
                return r;
        }
        lists->n_values++;
        lists->next_ns = MIN(lists->next_ns, until_ns);
        return 0;
}

static void take_out(struct runtime_lists *lists, struct list *list, const char *value) {
        free(hashmap_remove_str(&list->entries, value));
        lists->n_values--;
}

/* ---- files ---- */

static int compare_entries(const void *a, const void *b) {
        return strcmp((*(struct entry *const *)a)->value, (*(struct entry *const *)b)->value);
}

/* In the order of the values: hash order is nobody's business. */
static int put_list(const struct list *list, struct strbuf *b) {
        _cleanup_(freep) struct entry **entries = calloc(list->entries.n ?: 1, sizeof(*entries));
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

static int write_list(const struct runtime_lists *lists, const struct list *list) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        char path[PATH_MAX], temporary[PATH_MAX];
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
        close_fd(fd);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
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
        if (value_n == 0 || value_n > RUNTIME_VALUE_MAX)
                return 0;
        for (size_t i = 0; i < value_n; i++)
                if ((unsigned char)blank[1 + i] < ' ' || blank[1 + i] == 0x7f)
                        return 0;
        *ret_value = blank + 1;
        *ret_value_n = value_n;
        return 1;
}

/* `list` is the last one: as if its file had not been there. */
static int leave_out(struct runtime_lists *lists, struct list *list, int r) {
        lists->n_values -= list->entries.n;
        lists->n_lists--;
        list_free(list);
        return r;
}

static int read_list(struct runtime_lists *lists, int dir_fd, const char *name, uint64_t now_ns) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        struct list *list;
        size_t n;
        int r;

        fd = open_trusted_file_at(dir_fd, name, NULL);
        if (fd < 0)
                return fd;
        r = fd_read_all(fd, RUNTIME_FILE_MAX, &text, &n);
        if (r < 0)
                return r;
        if (n < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0)
                return -EBADMSG;
        r = get_list(lists, name, &list);
        if (r < 0)
                return r;
        for (const char *line = text + strlen(HEAD), *end; line < text + n; line = end + 1) {
                uint64_t until_ns;
                const char *value;
                size_t value_n;

                end = memchr(line, '\n', (size_t)(text + n - line));
                if (!end || !runtime_line_parse(line, (size_t)(end - line), &until_ns, &value, &value_n))
                        return leave_out(lists, list, -EBADMSG);
                if (until_ns > now_ns)
                        r = insert(lists, list, value, value_n, until_ns);
                if (r < 0)
                        return leave_out(lists, list, r == -EEXIST ? -EBADMSG : r);
        }
        return 0;
}

int runtime_lists_new(const char *directory, uint64_t now_ns, size_t *ret_n_bad, struct runtime_lists **ret) {
        _cleanup_(runtime_lists_freep) struct runtime_lists *lists = NULL;
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        size_t n_bad = 0;
        int fd;

        lists = calloc(1, sizeof(*lists));
        if (!lists)
                return -ENOMEM;
        if (strlen(directory) >= sizeof(lists->directory))
                return -ENAMETOOLONG;
        strcpy(lists->directory, directory);
        lists->next_ns = UINT64_MAX;

        fd = open_trusted_directory(directory, NULL);
        if (fd < 0 && fd != -ENOENT)
                return fd;
        if (fd >= 0) {
                dir = fdopendir(fd);
                if (!dir) {
                        close_fd(fd);
                        return -errno;
                }
        }
        while (dir && (entry = readdir(dir))) {
                int r;

                if (entry->d_name[0] == '.')
                        continue;
                r = read_list(lists, dirfd(dir), entry->d_name, now_ns);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        n_bad++;
        }
        if (ret_n_bad)
                *ret_n_bad = n_bad;
        *ret = TAKE_PTR(lists);
        return 0;
}

struct runtime_lists *runtime_lists_free(struct runtime_lists *lists) {
        if (!lists)
                return NULL;
        for (size_t i = 0; i < lists->n_lists; i++)
                list_free(lists->lists[i]);
        free(lists);
        return NULL;
}

/* ---- values ---- */

int runtime_list_add(struct runtime_lists *lists, const char *name, const char *value, uint64_t until_ns) {
        struct entry *entry;
        struct list *list;
        uint64_t before;
        int r;

        r = get_list(lists, name, &list);
        if (r < 0)
                return r;
        entry = hashmap_find_str(&list->entries, value);
        if (entry) {
                before = entry->until_ns;
                entry->until_ns = until_ns;
                lists->next_ns = MIN(lists->next_ns, until_ns);
                r = write_list(lists, list);
                if (r < 0)
                        entry->until_ns = before;
                return r;
        }
        r = insert(lists, list, value, strlen(value), until_ns);
        if (r < 0)
                return r;
        r = write_list(lists, list);
        if (r < 0) {
                take_out(lists, list, value);
                return r;
        }
        return 1;
}

int runtime_list_remove(struct runtime_lists *lists, const char *name, const char *value) {
        struct list *list = find_list(lists, name);
        struct entry *entry = list ? hashmap_remove_str(&list->entries, value) : NULL;
        int r;

        if (!entry)
                return 0;
        r = write_list(lists, list);
        /* Taking one out leaves room for it. */
        if (r < 0 && hashmap_put_str(&list->entries, entry->value, entry) >= 0)
                return r;
        lists->n_values--;
        free(entry);
        return r < 0 ? r : 1;
}

bool runtime_list_has(const struct runtime_lists *lists, const char *name, const char *value, uint64_t now_ns) {
        struct list *list = find_list(lists, name);
        const struct entry *entry = list ? hashmap_find_str(&list->entries, value) : NULL;

        return entry && entry->until_ns > now_ns;
}

static size_t expire_list(struct runtime_lists *lists, struct list *list, uint64_t now_ns, uint64_t *next_ns) {
        ARRAY(struct entry *) gone = {};
        struct hashmap_entry *at;
        size_t position = 0, n;

        while ((at = hashmap_next(&list->entries, &position))) {
                struct entry *entry = at->value;

                /* Without memory for it, it goes the next time; until then it is out of date all the same. */
                if (entry->until_ns > now_ns || array_push(&gone, entry) < 0)
                        *next_ns = MIN(*next_ns, entry->until_ns);
        }
        ARRAY_FOREACH(entry, &gone)
                take_out(lists, list, (*entry)->value);
        n = gone.n;
        array_done(&gone);
        return n;
}

size_t runtime_lists_expire(struct runtime_lists *lists, uint64_t now_ns) {
        uint64_t next_ns = UINT64_MAX;
        size_t n = 0;

        if (now_ns < lists->next_ns)
                return 0;
        for (size_t i = 0; i < lists->n_lists; i++) {
                size_t gone = expire_list(lists, lists->lists[i], now_ns, &next_ns);

                /* A file that cannot be written has values that nobody believes any more: each has its end in it. */
                if (gone > 0)
                        (void)write_list(lists, lists->lists[i]);
                n += gone;
        }
        lists->next_ns = next_ns;
        return n;
}

size_t runtime_lists_n_values(const struct runtime_lists *lists) {
        return lists->n_values;
}

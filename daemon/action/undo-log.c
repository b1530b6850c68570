/* SPDX-License-Identifier: Apache-2.0 */
#include "action/undo-log.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define HEAD "execray-response 1\n"
#define NAME_MAX_BYTES 32

static const char *const state_names[] = {
        [UNDO_BEGUN] = "begun",
        [UNDO_DONE] = "done",
        [UNDO_UNDONE] = "undone",
        [UNDO_FAILED] = "failed",
};

const char *undo_state_to_string(enum undo_state state) {
        return state_names[state];
}

/* ---- an entry ---- */

void undo_entry_init(struct undo_entry *entry) {
        *entry = (struct undo_entry){.action = "", .what = ""};
        arena_init(&entry->arena, 4 * UNDO_MAX_BYTES);
}

void undo_entry_done(struct undo_entry *entry) {
        array_done(&entry->pairs);
        arena_done(&entry->arena);
        entry->action = entry->what = "";
        entry->policy = entry->script = entry->alert = NULL;
}

static bool is_key(const char *key, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!islower((unsigned char)key[i]) && !isdigit((unsigned char)key[i]) && key[i] != '_')
                        return false;
        return n > 0 && n <= UNDO_MAX_KEY;
}

static bool is_own_key(const char *key) {
        static const char *const own[] = {"state", "action", "at", "what", "policy", "script", "alert"};

        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                if (streq(own[i], key))
                        return true;
        return false;
}

int undo_entry_add(struct undo_entry *entry, const char *key, const char *value) {
        struct undo_pair pair;

        if (!is_key(key, strlen(key)) || is_own_key(key))
                return -EINVAL;
        if (strlen(value) > UNDO_MAX_VALUE || entry->pairs.n >= UNDO_MAX_PAIRS)
                return -E2BIG;
        pair.key = arena_strdup(&entry->arena, key);
        pair.value = arena_strdup(&entry->arena, value);
        if (!pair.key || !pair.value)
                return -ENOMEM;
        return array_push(&entry->pairs, pair);
}

int undo_entry_add_u64(struct undo_entry *entry, const char *key, uint64_t value) {
        char text[24];

        snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
        return undo_entry_add(entry, key, text);
}

const char *undo_entry_get(const struct undo_entry *entry, const char *key) {
        ARRAY_FOREACH(pair, &entry->pairs)
                if (streq(pair->key, key))
                        return pair->value;
        return NULL;
}

int undo_entry_get_u64(const struct undo_entry *entry, const char *key, uint64_t max, uint64_t *ret) {
        const char *value = undo_entry_get(entry, key);

        return value ? parse_u64(value, 0, max, ret) : -ENODATA;
}

/* ---- its text ---- */

static void put_pair(const char *key, const char *value, struct strbuf *b) {
        if (!value)
                return;
        strbuf_put(b, key);
        strbuf_put_char(b, '=');
        for (const unsigned char *p = (const unsigned char *)value; *p; p++)
                if (*p < ' ' || *p == 0x7f || *p == '\\')
                        strbuf_printf(b, "\\x%02x", *p);
                else
                        strbuf_put_char(b, (char)*p);
        strbuf_put_char(b, '\n');
}

void undo_entry_put(const struct undo_entry *entry, struct strbuf *b) {
        char at[24];

        snprintf(at, sizeof(at), "%llu", (unsigned long long)entry->at_ns);
        strbuf_put(b, HEAD);
        put_pair("state", state_names[entry->state], b);
        put_pair("action", entry->action, b);
        put_pair("at", at, b);
        put_pair("what", entry->what, b);
        put_pair("policy", entry->policy, b);
        put_pair("script", entry->script, b);
        put_pair("alert", entry->alert, b);
        ARRAY_FOREACH(pair, &entry->pairs)
                put_pair(pair->key, pair->value, b);
}

static int hex(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly what put_pair() writes: no other spelling of the same bytes. NULL and *ret_r otherwise. */
static char *take_value(struct arena *arena, const char *text, size_t n, int *ret_r) {
        char *value;
        size_t length = 0;

        value = arena_alloc(arena, n + 1);
        if (!value) {
                *ret_r = -ENOMEM;
                return NULL;
        }
        *ret_r = -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c < ' ' || c == 0x7f)
                        return NULL;
                if (c == '\\') {
                        int high, low;

                        if (n - i < 4 || text[i + 1] != 'x')
                                return NULL;
                        high = hex(text[i + 2]);
                        low = hex(text[i + 3]);
                        if (high < 0 || low < 0)
                                return NULL;
                        c = (unsigned char)(high << 4 | low);
                        if (c == 0 || (c >= ' ' && c != 0x7f && c != '\\'))
                                return NULL;
                        i += 3;
                }
                value[length++] = (char)c;
        }
        value[length] = 0;
        return length <= UNDO_MAX_VALUE ? value : NULL;
}

static int take_own(struct undo_entry *entry, const char *key, char *value, unsigned *seen) {
        const char **texts[] = {&entry->action, &entry->what, &entry->policy, &entry->script, &entry->alert};
        static const char *const names[] = {"action", "what", "policy", "script", "alert", "state", "at"};
        size_t i = 0;

        while (!streq(names[i], key))
                i++;
        if (*seen & 1U << i)
                return -EBADMSG;
        *seen |= 1U << i;
        if (i < ELEMENTSOF(texts)) {
                *texts[i] = value;
                return 0;
        }
        if (streq(key, "at"))
                return parse_u64(value, 0, UINT64_MAX, &entry->at_ns) < 0 ? -EBADMSG : 0;
        for (size_t state = 0; state < ELEMENTSOF(state_names); state++)
                if (streq(state_names[state], value)) {
                        entry->state = (enum undo_state)state;
                        return 0;
                }
        return -EBADMSG;
}

static int take_line(struct undo_entry *entry, const char *line, size_t n, unsigned *seen) {
        const char *equals = memchr(line, '=', n);
        struct undo_pair pair;
        char *value;
        int r;

        if (!equals || !is_key(line, (size_t)(equals - line)))
                return -EBADMSG;
        value = take_value(&entry->arena, equals + 1, n - (size_t)(equals + 1 - line), &r);
        if (!value)
                return r;
        pair.key = arena_strndup(&entry->arena, line, (size_t)(equals - line));
        if (!pair.key)
                return -ENOMEM;
        if (is_own_key(pair.key))
                return take_own(entry, pair.key, value, seen);
        pair.value = value;
        r = array_push_bounded(&entry->pairs, pair, UNDO_MAX_PAIRS);
        return r == -ENOSPC ? -EBADMSG : r;
}

int undo_entry_parse(const char *text, size_t n, struct undo_entry *ret) {
        _cleanup_(undo_entry_done) struct undo_entry entry;
        const char *end = text + n;
        unsigned seen = 0;
        int r;

        undo_entry_init(&entry);
        if (n < strlen(HEAD) || n > UNDO_MAX_BYTES || memcmp(text, HEAD, strlen(HEAD)) != 0 || end[-1] != '\n')
                return -EBADMSG;
        for (text += strlen(HEAD); text < end;) {
                const char *eol = memchr(text, '\n', (size_t)(end - text));

                r = take_line(&entry, text, (size_t)(eol - text), &seen);
                if (r < 0)
                        return r;
                text = eol + 1;
        }
        /* action, what, state, at */
        if ((seen & 0x63) != 0x63)
                return -EBADMSG;
        *ret = TAKE_STRUCT(entry);
        return 0;
}

/* ---- the directory ---- */

static bool name_to_id(const char *name, uint64_t *ret) {
        return name[0] != '0' && isdigit((unsigned char)name[0]) && parse_u64(name, 1, UINT64_MAX - 1, ret) >= 0;
}

static int compare_ids(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

int undo_log_list(struct undo_log *log, uint64_t **ret, size_t *ret_n) {
        _cleanup_(closedirp) DIR *dir = NULL;
        ARRAY(uint64_t) ids = {};
        struct dirent *entry;
        int r;

        r = fd_open_directory(log->dir_fd, ".", &dir);
        while (r >= 0 && (entry = readdir(dir))) {
                uint64_t id;

                if (name_to_id(entry->d_name, &id))
                        r = array_push(&ids, id);
        }
        if (r < 0) {
                array_done(&ids);
                return r;
        }
        if (ids.n > 0)
                qsort(ids.items, ids.n, sizeof(ids.items[0]), compare_ids);
        *ret = ids.items;
        *ret_n = ids.n;
        return 0;
}

int undo_log_open(struct undo_log *log, const char *directory, size_t max_entries) {
        _cleanup_(freep) uint64_t *ids = NULL;
        int r;

        *log = (struct undo_log){.dir_fd = -1, .max_entries = max_entries};
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        log->dir_fd = open_trusted_directory(directory, NULL);
        if (log->dir_fd < 0)
                return log->dir_fd;
        r = undo_log_list(log, &ids, &log->n_entries);
        if (r < 0) {
                undo_log_close(log);
                return r;
        }
        log->last_id = log->n_entries > 0 ? ids[log->n_entries - 1] : 0;
        return 0;
}

int undo_log_open_read(struct undo_log *log, const char *directory) {
        *log = (struct undo_log){.dir_fd = open_trusted_directory(directory, NULL)};
        return MIN(log->dir_fd, 0);
}

void undo_log_close(struct undo_log *log) {
        log->dir_fd = close_fd(log->dir_fd);
}

static void id_to_name(uint64_t id, char name[NAME_MAX_BYTES]) {
        snprintf(name, NAME_MAX_BYTES, "%llu", (unsigned long long)id);
}

int undo_log_write(struct undo_log *log, const struct undo_entry *entry) {
        _cleanup_(strbuf_done) struct strbuf b = {.limit_bytes = UNDO_MAX_BYTES};
        char name[NAME_MAX_BYTES], temporary[NAME_MAX_BYTES + 8];
        int fd, r;

        undo_entry_put(entry, &b);
        if (b.error < 0)
                return b.error == -ENOSPC ? -E2BIG : b.error;
        id_to_name(entry->id, name);
        snprintf(temporary, sizeof(temporary), ".new-%s", name);

        fd = openat(log->dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = fd_write_full(fd, b.data, b.n);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        close_fd(fd);
        if (r >= 0 && renameat(log->dir_fd, temporary, log->dir_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(log->dir_fd, temporary, 0);
        else if (fsync(log->dir_fd) < 0)
                r = -errno;
        return r;
}

int undo_log_read(struct undo_log *log, uint64_t id, struct undo_entry *ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        char name[NAME_MAX_BYTES];
        size_t n;
        int r;

        id_to_name(id, name);
        fd = open_trusted_file_at(log->dir_fd, name, NULL);
        if (fd < 0)
                return fd;
        r = fd_read_all(fd, UNDO_MAX_BYTES, &text, &n);
        if (r < 0)
                return r;
        r = undo_entry_parse(text, n, ret);
        if (r >= 0)
                ret->id = id;
        return r;
}

int undo_log_remove(struct undo_log *log, uint64_t id) {
        char name[NAME_MAX_BYTES];

        id_to_name(id, name);
        if (unlinkat(log->dir_fd, name, 0) < 0)
                return -errno;
        if (log->n_entries > 0)
                log->n_entries--;
        return 0;
}

/* The oldest that nobody needs any more. */
static int make_room(struct undo_log *log) {
        _cleanup_(freep) uint64_t *ids = NULL;
        size_t n;
        int r;

        r = undo_log_list(log, &ids, &n);
        if (r < 0)
                return r;
        log->n_entries = n;
        for (size_t i = 0; i < n && log->n_entries >= log->max_entries; i++) {
                _cleanup_(undo_entry_done) struct undo_entry entry;

                undo_entry_init(&entry);
                r = undo_log_read(log, ids[i], &entry);
                if (r == -ENOMEM)
                        return r;
                /* One that cannot be read may be all that tells where a file came from: it stays. */
                if (r >= 0 && (entry.state == UNDO_UNDONE || entry.state == UNDO_FAILED))
                        (void)undo_log_remove(log, ids[i]);
        }
        return log->n_entries < log->max_entries ? 0 : -ENOSPC;
}

int undo_log_add(struct undo_log *log, struct undo_entry *entry) {
        int r;

        if (log->n_entries >= log->max_entries) {
                r = make_room(log);
                if (r < 0)
                        return r;
        }
        entry->id = log->last_id + 1;
        r = undo_log_write(log, entry);
        if (r < 0) {
                entry->id = 0;
                return r;
        }
        log->last_id = entry->id;
        log->n_entries++;
        return 0;
}

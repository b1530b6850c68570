/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "base/macro.h"

struct entry {
        const struct wire_header *header;       /* borrowed from the bytes */
        struct identity tree;
        bool supervisor;
        bool forgotten;
};

struct snapshot {
        char *bytes;                    /* owned */
        struct entry *entries;          /* owned; by start time */
        size_t n;
};

struct snapshot *snapshot_free(struct snapshot *snapshot) {
        if (!snapshot)
                return NULL;
        free(snapshot->bytes);
        free(snapshot->entries);
        free(snapshot);
        return NULL;
}

size_t snapshot_size(const struct snapshot *snapshot) {
        return snapshot->n;
}

/* A parent always started before its child; the pid decides among those that started in the same nanosecond at boot. */
static int entry_compare(const void *x, const void *y) {
        const struct entry *a = x, *b = y;

        if (a->header->start_ns != b->header->start_ns)
                return a->header->start_ns < b->header->start_ns ? -1 : 1;
        return a->header->tgid < b->header->tgid ? -1 : a->header->tgid > b->header->tgid;
}

/* A listed program counts only as the main process of a unit: whose parent is PID 1. */
static bool entry_is_supervisor(const struct entry *entry, const char *const *supervisors, size_t n) {
        struct event event = {.wire = entry->header};
        struct value exe;

        if (entry->header->tgid == 1 || (entry->header->tgid == 2 && entry->header->flags & WIRE_KTHREAD))
                return true;
        if (entry->header->creator_tgid != 1)
                return false;
        event_get(&event, (enum field)WIRE_FIELD_process_exe, &exe);
        if (exe.state != VALUE_KNOWN)
                return false;
        for (size_t i = 0; i < n; i++)
                if (memeq_str(exe.bytes, exe.length, supervisors[i]))
                        return true;
        return false;
}

static int snapshot_index(struct snapshot *snapshot, size_t size) {
        size_t offset = 0, capacity = 0;

        while (size - offset >= sizeof(struct wire_header)) {
                const struct wire_header *header = (void *)(snapshot->bytes + offset);
                struct event event;

                if (header->size < sizeof(*header) || header->size > size - offset || header->size % 8 != 0)
                        return -EBADMSG;
                offset += header->size;
                if (event_parse(header, header->size, &event) < 0 || header->kind != WIRE_KIND_process)
                        continue;
                if (snapshot->n == capacity) {
                        struct entry *entries;

                        capacity = MAX(capacity * 2, (size_t)256);
                        entries = reallocarray(snapshot->entries, capacity, sizeof(*entries));
                        if (!entries)
                                return -ENOMEM;
                        snapshot->entries = entries;
                }
                snapshot->entries[snapshot->n++] = (struct entry){.header = header};
        }
        if (snapshot->n > 0)
                qsort(snapshot->entries, snapshot->n, sizeof(*snapshot->entries), entry_compare);
        return 0;
}

static int snapshot_relate(struct snapshot *snapshot, const char *const *supervisors, size_t n_supervisors) {
        _cleanup_(idmap_done) struct idmap by_pid;
        int r;

        idmap_init(&by_pid);
        for (size_t i = 0; i < snapshot->n; i++) {
                struct entry *entry = &snapshot->entries[i], *parent;
                const struct wire_header *header = entry->header;

                parent = idmap_find(&by_pid, header->creator_tgid);
                if (parent && parent->header->start_ns != header->creator_start_ns)
                        parent = NULL;
                entry->supervisor = entry_is_supervisor(entry, supervisors, n_supervisors);
                if (header->tree_tgid != 0)
                        entry->tree = (struct identity){.start_ns = header->tree_start_ns, .pid = header->tree_tgid};
                else if (parent && !parent->supervisor)
                        entry->tree = parent->tree;
                else
                        entry->tree = (struct identity){.start_ns = header->start_ns, .pid = header->tgid};

                r = idmap_replace(&by_pid, header->tgid, entry, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int snapshot_read(int iterator_fd, const char *const *supervisors, size_t n_supervisors, struct snapshot **ret) {
        _cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
        size_t size;
        int r;

        snapshot = calloc(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;
        r = fd_read_all(iterator_fd, SNAPSHOT_MAX_BYTES, &snapshot->bytes, &size);
        if (r < 0)
                return r;
        r = snapshot_index(snapshot, size);
        if (r < 0)
                return r;
        r = snapshot_relate(snapshot, supervisors, n_supervisors);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(snapshot);
        return 0;
}

void snapshot_forget(struct snapshot *snapshot, const struct identity *id) {
        const struct wire_header header = {.start_ns = id->start_ns, .tgid = id->pid};
        const struct entry key = {.header = &header};
        struct entry *entry = NULL;

        if (snapshot->n > 0)
                entry = bsearch(&key, snapshot->entries, snapshot->n, sizeof(*snapshot->entries), entry_compare);
        if (entry)
                entry->forgotten = true;
}

const struct wire_header *snapshot_header(const struct snapshot *snapshot, size_t i) {
        assert(i < snapshot->n);
        return snapshot->entries[i].forgotten ? NULL : snapshot->entries[i].header;
}

/* The process behind /proc/PID now may be another than the one in the snapshot: field 22 of stat, its start in ticks,
 * tells. */
static bool is_same_process(int dir_fd, uint64_t start_ns, char *ret_state) {
        _cleanup_(freep) char *text = NULL;
        unsigned long long start;
        const char *rest;
        size_t n;

        if (read_file_at(dir_fd, "stat", 4096, &text, &n) < 0)
                return false;
        rest = strrchr(text, ')');      /* the name may hold anything */
        if (!rest ||
            sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                   ret_state, &start) != 2)
                return false;
        return start == start_ns / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

bool snapshot_is_alive(const struct identity *id) {
        _cleanup_(closep) int dir_fd = -1;
        char path[32], state;

        snprintf(path, sizeof(path), "/proc/%u", id->pid);
        dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir_fd >= 0 && is_same_process(dir_fd, id->start_ns, &state) && state != 'Z' && state != 'X';
}

static void add_arguments(struct record *record, const struct wire_header *header) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int dir_fd = -1, fd = -1;
        char path[32], state;
        size_t n = 0;
        bool cut;

        snprintf(path, sizeof(path), "/proc/%u", header->tgid);
        dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return;
        fd = openat(dir_fd, "cmdline", O_RDONLY | O_CLOEXEC);
        text = malloc(WIRE_MAX_LIST + 1);
        if (fd < 0 || !text || fd_read_full(fd, text, WIRE_MAX_LIST + 1, &n) == -EIO || n == 0 ||
            !is_same_process(dir_fd, header->start_ns, &state))
                return;

        cut = n > WIRE_MAX_LIST;
        n = MIN(n, (size_t)WIRE_MAX_LIST);
        if (text[n - 1] != 0) {
                if (n == WIRE_MAX_LIST)
                        n--;
                text[n++] = 0;          /* cut, or a process that wrote over its arguments */
        }
        record_set_list_bytes(record, (enum field)WIRE_FIELD_process_argv, text, n);
        record_mark_user(record, (enum field)WIRE_FIELD_process_argv);
        if (cut)
                record_mark_cut(record, (enum field)WIRE_FIELD_process_argv);
}

const struct wire_header *snapshot_get(struct snapshot *snapshot, size_t i, struct record *record) {
        const struct entry *entry = &snapshot->entries[i];

        assert(i < snapshot->n);

        record_copy(record, entry->header);
        record->error = 0;
        record->header.tree_start_ns = entry->tree.start_ns;
        record->header.tree_tgid = entry->tree.pid;
        record_set_number(record, (enum field)WIRE_FIELD_process_supervisor, entry->supervisor);
        if (!(entry->header->flags & WIRE_KTHREAD))
                add_arguments(record, entry->header);
        return record_finish(record) < 0 ? NULL : &record->header;
}

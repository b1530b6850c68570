/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/backlog.h"
#include "process/retell.h"

#define SMALL 512                       /* clock and start records have numbers only */

/* A record that has left and still holds. */
struct kept {
        union {
                struct wire_header header;
                char bytes[SMALL];
        };
        bool there;
};

struct recorder {
        struct backlog *backlog;        /* owned */
        struct process_table *table;    /* owned; as of the oldest record that is kept */
        struct kept clock, start;
        uint64_t left_ns;               /* stream time of what left */
        uint64_t last_ns;
        uint64_t n_left;
        struct record record;           /* while it tells */
};

static void keep(struct kept *kept, const struct wire_header *record) {
        assert(record->size <= sizeof(kept->bytes));
        memcpy(kept->bytes, record, record->size);
        kept->there = true;
}

static void on_leave(const struct wire_header *record, void *userdata) {
        struct recorder *recorder = userdata;
        struct event event = {.wire = record};

        recorder->n_left++;
        recorder->left_ns = MAX(recorder->left_ns, record->time_ns);
        event.time_ns = recorder->left_ns;

        switch (record->kind) {
        case WIRE_KIND_clock:
                keep(&recorder->clock, record);
                break;
        case WIRE_KIND_start:
                keep(&recorder->start, record);
                break;
        case WIRE_KIND_cgroup:
        case WIRE_KIND_container:
        case WIRE_KIND_process:
        case WIRE_KIND_fork:
        case WIRE_KIND_execve:
        case WIRE_KIND_exit:
        case WIRE_KIND_unshare:
        case WIRE_KIND_setns:
                (void)process_table_update(recorder->table, &event);
                process_table_expire(recorder->table, recorder->left_ns);
                break;
        default: break;                 /* says nothing of who runs */
        }
}

int recorder_new(size_t bytes, const struct process_table_limits *limits, struct process_table *table,
                 struct recorder **ret) {
        _cleanup_(recorder_freep) struct recorder *recorder = NULL;
        int r;

        recorder = calloc(1, sizeof(*recorder));
        if (!recorder)
                return -ENOMEM;
        r = backlog_new(MAX(bytes, BACKLOG_MIN_BYTES) & ~(size_t)7, on_leave, recorder, &recorder->backlog);
        if (r >= 0)
                r = process_table_new_beside(limits, table, &recorder->table);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(recorder);
        return 0;
}

struct recorder *recorder_free(struct recorder *recorder) {
        if (!recorder)
                return NULL;
        backlog_free(recorder->backlog);
        process_table_free(recorder->table);
        free(recorder);
        return NULL;
}

void recorder_add(struct recorder *recorder, const struct event *event) {
        recorder->last_ns = event->time_ns;
        backlog_add(recorder->backlog, event->wire);
}

static int tell_kept(const struct kept *kept, uint64_t time_ns,
                     int (*tell)(const struct event *event, void *userdata), void *userdata) {
        struct event event = {.wire = &kept->header, .time_ns = time_ns};

        return kept->there ? tell(&event, userdata) : 0;
}

int recorder_tell(struct recorder *recorder, int (*tell)(const struct event *event, void *userdata), void *userdata) {
        const struct wire_header *record = NULL;
        uint64_t time_ns = recorder->left_ns;
        int r = 0;

        /* Before anything has left the beginning is kept as it came. */
        if (recorder->n_left > 0) {
                r = tell_kept(&recorder->clock, time_ns, tell, userdata);
                if (r >= 0)
                        r = retell_table(recorder->table, time_ns, &recorder->record, tell, userdata);
                if (r >= 0)
                        r = tell_kept(&recorder->start, time_ns, tell, userdata);
        }
        while (r >= 0 && (record = backlog_next(recorder->backlog, record))) {
                struct event event = {.wire = record};

                time_ns = event.time_ns = MAX(time_ns, record->time_ns);
                r = tell(&event, userdata);
        }
        return r < 0 ? r : 0;
}

void recorder_stats(const struct recorder *recorder, struct recorder_stats *ret) {
        const struct wire_header *first = backlog_next(recorder->backlog, NULL);

        *ret = (struct recorder_stats){
                .n_records = backlog_count(recorder->backlog),
                .n_left = recorder->n_left,
                .first_ns = first ? MAX(recorder->left_ns, first->time_ns) : 0,
                .last_ns = first ? recorder->last_ns : 0,
        };
}

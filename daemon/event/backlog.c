/* SPDX-License-Identifier: Apache-2.0 */
#include "event/backlog.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define CACHE_LINE 64
#define FETCH_AHEAD (10 * CACHE_LINE)   /* two usual records */

/* Records stand one behind the other, none is broken at the end:
 *
 *      0        first          end       size          0     end       first        turn   size
 *      |        [oldest ... newest]         |          [newest]        [oldest ......]        | */
struct backlog {
        char *data;                     /* owned */
        size_t size;
        size_t first, end;
        size_t turn;                    /* where the records behind `first` end, if those at `end` stand before it */
        bool turned;
        size_t n;
        void (*on_leave)(const struct wire_header *record, void *userdata);
        void *userdata;
};

int backlog_new(size_t bytes, void (*on_leave)(const struct wire_header *record, void *userdata), void *userdata,
                struct backlog **ret) {
        _cleanup_(backlog_freep) struct backlog *backlog = NULL;

        assert(bytes >= BACKLOG_MIN_BYTES && bytes % 8 == 0 && ret);
        backlog = calloc(1, sizeof(*backlog));
        if (!backlog)
                return -ENOMEM;
        backlog->data = malloc(bytes);
        if (!backlog->data)
                return -ENOMEM;
        backlog->size = bytes;
        backlog->on_leave = on_leave;
        backlog->userdata = userdata;
        *ret = TAKE_PTR(backlog);
        return 0;
}

struct backlog *backlog_free(struct backlog *backlog) {
        if (!backlog)
                return NULL;
        free(backlog->data);
        free(backlog);
        return NULL;
}

static const struct wire_header *record_at(const struct backlog *backlog, size_t offset) {
        return (const void *)(backlog->data + offset);
}

static void leave(struct backlog *backlog) {
        const struct wire_header *record = record_at(backlog, backlog->first);

        if (backlog->on_leave)
                backlog->on_leave(record, backlog->userdata);
        backlog->first += record->size;
        backlog->n--;
        if (backlog->turned && backlog->first == backlog->turn) {
                backlog->first = 0;
                backlog->turned = false;
        }
}

/* Is there room in one piece? If not, but at the beginning, that is where it is. */
static bool find_room(struct backlog *backlog, size_t size) {
        if (backlog->n == 0) {
                backlog->first = backlog->end = 0;
                backlog->turned = false;
        }
        if (backlog->turned)
                return backlog->first - backlog->end >= size;
        if (backlog->size - backlog->end >= size)
                return true;
        if (backlog->first < size)
                return false;
        backlog->turn = backlog->end;
        backlog->end = 0;
        backlog->turned = true;
        return true;
}

/* Where the next record goes, and the oldest one makes room, is in no cache, for it was last touched a whole round ago:
 * it comes while this event is dealt with. */
static void fetch_ahead(const struct backlog *backlog) {
        size_t end = MIN(backlog->end + FETCH_AHEAD, backlog->size);

        for (size_t at = backlog->end; at < end; at += CACHE_LINE)
                __builtin_prefetch(backlog->data + at, 1);
}

void backlog_add(struct backlog *backlog, const struct wire_header *record) {
        assert(record->size % 8 == 0 && record->size <= WIRE_MAX_RECORD);

        while (!find_room(backlog, record->size))
                leave(backlog);
        memcpy(backlog->data + backlog->end, record, record->size);
        backlog->end += record->size;
        backlog->n++;
        fetch_ahead(backlog);
}

const struct wire_header *backlog_next(const struct backlog *backlog, const struct wire_header *record) {
        size_t offset;

        if (!record)
                return backlog->n > 0 ? record_at(backlog, backlog->first) : NULL;
        offset = (size_t)((const char *)record - backlog->data) + record->size;
        if (offset == backlog->end && (!backlog->turned || offset <= backlog->first))
                return NULL;
        return record_at(backlog, backlog->turned && offset == backlog->turn ? 0 : offset);
}

size_t backlog_count(const struct backlog *backlog) {
        return backlog->n;
}

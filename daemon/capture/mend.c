/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/mend.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"

#include "capture/ring.h"
#include "capture/snapshot.h"

void mend_init(struct mend *mend, size_t capacity) {
        *mend = (struct mend){};
        census_init(&mend->census, capacity);
}

void mend_done(struct mend *mend) {
        census_done(&mend->census);
        mend->snapshot = snapshot_free(mend->snapshot);
}

void mend_see(struct mend *mend, const struct event *event) {
        census_see(&mend->census, event);
        if (unlikely(mend->snapshot)) {
                struct identity actor = event_actor(event), subject = census_subject(event);

                snapshot_forget(mend->snapshot, &actor);
                snapshot_forget(mend->snapshot, &subject);
        }
}

void mend_want(struct mend *mend, uint64_t now_ns) {
        if (mend->wanted_ns == 0)
                mend->wanted_ns = now_ns;
}

bool mend_is_due(const struct mend *mend, const struct ring *ring, uint64_t now_ns) {
        if (mend->wanted_ns == 0 || mend->snapshot || now_ns < mend->next_ns)
                return false;
        return ring_pending(ring) == 0 || now_ns - mend->wanted_ns >= MEND_PATIENCE_NS;
}

int mend_begin(struct mend *mend, int iterator_fd, const char *const *supervisors, size_t n_supervisors,
               const struct ring *ring) {
        uint64_t began_ns = clock_boottime_ns(), took_ns;
        bool empty = ring_pending(ring) == 0;
        int r;

        assert(!mend->snapshot);

        /* Who is entered from here on may be younger than the answer. */
        mend->census.round++;
        r = snapshot_read(iterator_fd, supervisors, n_supervisors, &mend->snapshot);
        took_ns = clock_boottime_ns() - began_ns;
        mend->next_ns = began_ns + took_ns + MAX(MEND_INTERVAL_NS, took_ns * MEND_SHARE);
        if (r < 0)
                return r;
        mend->until = ring->position + ring_pending(ring);

        /* With records waiting, one of them may bring somebody whose end is lost already: once more. */
        mend->wanted_ns = empty ? 0 : began_ns;
        return 0;
}

static bool is_same_object(const struct wire_object *a, const struct wire_object *b) {
        return a->inode == b->inode && a->device == b->device && a->generation == b->generation;
}

/* Kernel threads run no file. */
static bool is_as_believed(const struct resident *resident, const struct wire_header *header) {
        struct event event = {.wire = header};
        struct wire_object image = census_image(&event);

        return resident && (image.inode == 0 || is_same_object(&image, &resident->image));
}

static void find_living(struct mend *mend, struct record *record, const struct mend_sink *sink, void *userdata) {
        for (size_t i = 0; i < snapshot_size(mend->snapshot); i++) {
                const struct wire_header *header = snapshot_header(mend->snapshot, i);
                struct resident *resident;
                struct identity id;
                struct event event;

                if (!header)
                        continue;
                id = (struct identity){.start_ns = header->start_ns, .pid = header->tgid};
                resident = census_find(&mend->census, &id);
                if (is_as_believed(resident, header)) {
                        resident->round = mend->census.round;
                        continue;
                }

                resident = census_find_other(&mend->census, &id);
                if (resident) {
                        struct wire_header last = resident->last;

                        sink->on_gone(&last, userdata);
                }
                header = snapshot_get(mend->snapshot, i, record);
                if (!header || event_parse(header, header->size, &event) < 0)
                        continue;
                record->header.flags |= WIRE_SYNTHETIC | WIRE_MENDED;
                census_see(&mend->census, &event);
                sink->on_found(record, ((const struct wire_process *)header)->supervisor, userdata);
        }
}

/* Children end before their parents. */
static int compare_younger(const void *x, const void *y) {
        const struct resident *a = *(struct resident *const *)x, *b = *(struct resident *const *)y;

        if (a->last.start_ns != b->last.start_ns)
                return a->last.start_ns > b->last.start_ns ? -1 : 1;
        return a->last.tgid > b->last.tgid ? -1 : a->last.tgid < b->last.tgid;
}

static int find_gone(struct mend *mend, const struct mend_sink *sink, void *userdata) {
        _cleanup_(freep) struct resident **gone = NULL;
        size_t n = 0;

        gone = calloc(mend->census.by_pid.n + 1, sizeof(struct resident *));
        if (!gone)
                return -ENOMEM;
        IDMAP_FOREACH(entry, &mend->census.by_pid) {
                struct resident *resident = entry->value;

                if (resident->round < mend->census.round)
                        gone[n++] = resident;
        }
        if (n > 0)
                qsort(gone, n, sizeof(struct resident *), compare_younger);
        for (size_t i = 0; i < n; i++) {
                struct wire_header last = gone[i]->last;
                struct identity id = {.start_ns = last.start_ns, .pid = last.tgid};

                /* Nothing must bury the living: whatever they do then would count as late. */
                if (snapshot_is_alive(&id)) {
                        mend_want(mend, mend->next_ns);
                        continue;
                }
                census_remove(&mend->census, &id);
                sink->on_gone(&last, userdata);
        }
        return 0;
}

void mend_finish(struct mend *mend, const struct ring *ring, struct record *record, const struct mend_sink *sink,
                 void *userdata) {
        if (likely(!mend->snapshot) || ring->position < mend->until)
                return;
        find_living(mend, record, sink, userdata);
        if (find_gone(mend, sink, userdata) < 0)
                mend_want(mend, mend->next_ns);
        mend->snapshot = snapshot_free(mend->snapshot);
}

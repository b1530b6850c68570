/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, kept - what the next process goes on with, and what the one before has left.
 *
 *      the same programs     they were attached all the time: what waits in the ring is read as if nobody had been away
 *      others                ours are attached first. What the old ring holds from before that is read, or counted if
 * it has another form; what ours told before that is left out, for the old ones told it. They run before ours, so what
 * happens in that very moment may be told twice, and is not lost */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "event/trace-file.h"

#include "capture/capture-bpf-private.h"

#define WAIT_MAX 3                      /* ms, for a record of the old programs that is not finished */
#define CROWDED 4                       /* more than this part of the old ring waits: some may have found no room */

int capture_keep_init(struct capture_bpf *bpf, const struct capture_keep *keep) {
        int r;

        if (!keep)
                return 0;
        bpf->keep.ends = *keep;
        bpf->keep.on = true;
        if (keep->before < 0)
                return 0;
        r = keep_take(keep->before, &bpf->keep.before);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_notice("The process before left nothing to go on with");
        return bpf->keep.before ? deny_inherit(bpf, bpf->keep.before) : 0;
}

/* ---- the ledger ---- */

static losses_table *tables_of(struct ledger *ledger) {
        return (losses_table *)(ledger + 1);
}

static int map_ledger(struct keep *keep, int fd, size_t n_cpus) {
        size_t bytes = sizeof(struct ledger) + (n_cpus + 1) * (sizeof(losses_table) + sizeof(uint64_t));
        struct stat st;
        void *memory;

        if (fd >= 0 && (fstat(fd, &st) < 0 || (st.st_size == 0 && ftruncate(fd, (off_t)bytes) < 0)))
                return -errno;
        if (fd >= 0 && st.st_size != 0 && st.st_size != (off_t)bytes)
                return -EPROTO;
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        keep->ledger = memory;
        keep->ledger_bytes = bytes;
        keep->ledger_fd = fd;
        return 0;
}

/* What the process before has counted is no business of ours. */
static void set_base(struct capture_bpf *bpf) {
        const struct ledger *ledger = bpf->keep.ledger;
        struct capture_stats *base = &bpf->base;

        memcpy(bpf->skipped, ledger->skipped, sizeof(bpf->skipped));
        capture_bpf_count(bpf, base);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                base->produced[kind] = ledger->consumed[kind];
                for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++) {
                        base->lost[kind][reason] = reason == WIRE_LOSS_SKIPPED ? bpf->skipped[kind] : 0;
                        for (size_t cpu = 0; cpu < bpf->losses.n_cpus; cpu++)
                                base->lost[kind][reason] += bpf->losses.seen[cpu][kind][reason];
                        base->produced[kind] += base->lost[kind][reason];
                }
        }
}

int capture_keep_open_ledger(struct capture_bpf *bpf) {
        struct keep *keep = &bpf->keep;
        size_t n_cpus = hooks_n_cpus(bpf->hooks);
        bool adopted = hooks_is_adopted(bpf->hooks);
        _cleanup_(closep) int fd = -1;
        int r;

        if (keep->before) {
                keep->table_fd = bequest_take_fd(keep->before, KEEP_TABLE, 0);
                keep->stories_fd = bequest_take_fd(keep->before, KEEP_STORIES, 0);
        }
        if (adopted)
                fd = bequest_take_fd(keep->before, KEEP_LEDGER, 0);
        else if (keep->on)
                fd = memfd_create("execrayd-ledger", MFD_CLOEXEC);
        r = map_ledger(keep, fd, n_cpus);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        losses_init_shared(&bpf->losses, n_cpus, tables_of(keep->ledger),
                           (uint64_t *)(tables_of(keep->ledger) + n_cpus + 1));
        bpf->consumed = keep->ledger->consumed;
        if (adopted) {
                set_base(bpf);
                keep->before = bequest_free(keep->before);
        }
        return 0;
}

void capture_keep_done(struct capture_bpf *bpf) {
        struct keep *keep = &bpf->keep;

        if (keep->on && !(keep->ledger && keep->ledger->left))
                keep_drop(keep->ends.queue, SIZE_MAX);
        if (keep->before && bpf->hooks)
                hooks_detach_kept(bpf->hooks, keep->before);
        else
                bequest_free(keep->before);
        if (keep->ledger)
                munmap(keep->ledger, keep->ledger_bytes);
        close_fd(keep->ledger_fd);
        close_fd(keep->table_fd);
        close_fd(keep->stories_fd);
        *keep = (struct keep){.ledger_fd = -1, .table_fd = -1, .stories_fd = -1};
}

/* ---- offered ---- */

static void publish(struct capture_bpf *bpf, int table_fd, int stories_fd) {
        static struct log_limit limit = LOG_ONCE_A_MINUTE;
        struct keep_item items[KEEP_MAX_ITEMS];
        struct keep *keep = &bpf->keep;
        uint8_t head[KEEP_MAX_HEAD];
        size_t n;
        int r;

        if (!keep->on)
                return;
        n = hooks_put_items(bpf->hooks, items);
        n += deny_put_items(bpf, items + n);
        items[n++] = (struct keep_item){.what = KEEP_LEDGER, .fd = keep->ledger_fd};
        if (table_fd >= 0)
                items[n++] = (struct keep_item){.what = KEEP_TABLE, .fd = table_fd};
        if (stories_fd >= 0)
                items[n++] = (struct keep_item){.what = KEEP_STORIES, .fd = stories_fd};
        r = keep_put(keep->ends.send, ++keep->number, head, hooks_put_head(bpf->hooks, head), items, n);
        keep->published = hooks_n_changes(bpf->hooks);
        if (r < 0) {
                log_limited(&limit, LOG_WARNING, r,
                            "Cannot keep what is attached for the next process, it will begin anew: %m");
                keep_drop(keep->ends.queue, SIZE_MAX);
                keep->n_messages = 0;
                return;
        }
        keep_drop(keep->ends.queue, keep->n_messages);
        keep->n_messages = (size_t)r;
}

void capture_keep_publish(struct capture_bpf *bpf) {
        publish(bpf, -1, -1);
}

int capture_keep_take_stories(struct capture *capture) {
        return TAKE_FD(bpf_of(capture)->keep.stories_fd);
}

void capture_keep_leave(struct capture *capture, int table_fd, int stories_fd) {
        struct capture_bpf *bpf = bpf_of(capture);

        if (!bpf->keep.on)
                return;
        publish(bpf, table_fd, stories_fd);
        bpf->keep.ledger->left = 1;
        hooks_leave(bpf->hooks);
}

static void on_detach(void *userdata) {
        capture_keep_publish(userdata);
}

/* ---- gone on with ---- */

static uint64_t first_time(struct ring *ring, uint64_t now_ns) {
        const struct wire_header *header;
        const void *data;
        size_t size;

        if (ring_peek(ring, &data, &size) != RING_RECORD || size < sizeof(*header))
                return now_ns;
        header = data;
        return header->version == WIRE_VERSION ? MIN(header->time_ns, now_ns) : now_ns;
}

static int map_old(struct capture_bpf *bpf, struct ring *ret) {
        uint32_t version;
        size_t bytes = hooks_kept_ring_bytes(bpf->keep.before, &version);
        int r = -ENODATA;

        for (size_t i = 0; i < bpf->keep.before->n && bytes > 0; i++)
                if (bpf->keep.before->items[i].what == KEEP_RING)
                        r = ring_map(ret, bpf->keep.before->items[i].fd, bytes);
        return r < 0 ? r : version == WIRE_VERSION;
}

uint64_t capture_keep_begin_ns(struct capture_bpf *bpf, uint64_t now_ns) {
        struct ring old = {};
        uint64_t at_ns = now_ns;

        if (hooks_is_adopted(bpf->hooks)) {
                bpf->keep.watched = true;
                return first_time(&bpf->ring, now_ns);
        }
        if (!bpf->keep.before)
                return now_ns;
        if (map_old(bpf, &old) > 0) {
                bpf->keep.watched = true;
                at_ns = first_time(&old, now_ns);
        }
        ring_unmap(&old);
        return at_ns;
}

static int tell_known(struct capture_bpf *bpf, const struct event *event, uint64_t time_ns,
                      int (*each)(struct capture_bpf *bpf, const struct wire_header *header)) {
        struct value id, path;
        char name[WIRE_MAX_PATH + 1];

        if (event_kind(event) == WIRE_KIND_process) {
                record_copy(&bpf->copy, event->wire);
                bpf->copy.header.time_ns = time_ns;
                (void)capture_deliver_own(&bpf->capture, &bpf->copy.header);
                mend_see(&bpf->mend, &(struct event){.wire = &bpf->copy.header});
                return each(bpf, &bpf->copy.header);
        }
        if (event_kind(event) != WIRE_KIND_cgroup)
                return 0;
        /* Those that are still there were told. */
        event_get(event, (enum field)WIRE_FIELD_cgroup_id, &id);
        event_get(event, (enum field)WIRE_FIELD_cgroup_path, &path);
        if (id.state != VALUE_KNOWN || path.state != VALUE_KNOWN || path.length > WIRE_MAX_PATH ||
            hierarchy_see(&bpf->hierarchy, (uint64_t)id.number))
                return 0;
        memcpy(name, path.bytes, path.length);
        name[path.length] = 0;
        tell_cgroup((uint64_t)id.number, name, bpf);
        return 0;
}

bool capture_keep_tell_table(struct capture_bpf *bpf, uint64_t time_ns,
                             int (*each)(struct capture_bpf *bpf, const struct wire_header *header)) {
        struct trace_reader *reader;
        struct trace_state state;
        struct event event;
        size_t n = 0;
        char why[256];
        int r;

        if (bpf->keep.table_fd < 0)
                return false;
        r = lseek(bpf->keep.table_fd, 0, SEEK_SET) < 0 ? -errno : 0;
        if (r >= 0)
                r = trace_reader_new(TAKE_FD(bpf->keep.table_fd), &reader, &state);
        if (r < 0) {
                trace_describe(&state, why, sizeof(why));
                log_warning_errno(r, "Cannot read what the process before knew of processes (%s): %m", why);
                return false;
        }
        while ((r = trace_reader_next(reader, &event)) > 0) {
                r = tell_known(bpf, &event, time_ns, each);
                if (r < 0)
                        break;
                n++;
        }
        if (r < 0) {
                trace_describe(trace_reader_state(reader), why, sizeof(why));
                log_warning_errno(r, "Cannot read on what the process before knew of processes (%s): %m", why);
        }
        trace_reader_free(reader);
        return n > 0;
}

static bool left_on_purpose(struct keep *keep) {
        uint64_t left = 0;

        for (size_t i = 0; keep->before && i < keep->before->n; i++)
                if (keep->before->items[i].what == KEEP_LEDGER)
                        (void)!pread(keep->before->items[i].fd, &left, sizeof(left), 0);
        return left == 1;
}

/* Of the old programs, up to when ours were all there. Returns how many could not be read. */
static uint64_t read_old(struct capture_bpf *bpf, struct ring *old, bool readable, uint64_t until_ns) {
        uint64_t n_lost = 0, end = old->position + 2 * old->size;

        for (unsigned waited = 0; waited < WAIT_MAX && old->position < end;) {
                const struct wire_header *header;
                const void *data;
                size_t size;

                if (ring_peek(old, &data, &size) != RING_RECORD) {
                        usleep(1000);
                        waited++;
                        continue;
                }
                header = data;
                if (!readable)
                        n_lost++;
                else if (size < sizeof(*header) || header->time_ns < until_ns) {
                        capture_bpf_take(bpf, data, size);
                        bpf->keep.n_unread++;
                }
                ring_advance(old);
        }
        return n_lost;
}

static void take_leave(struct capture_bpf *bpf) {
        struct keep *keep = &bpf->keep;
        bool left = left_on_purpose(keep), crowded = true;
        uint64_t until_ns = clock_boottime_ns(), n_lost = 0;
        struct ring old = {};
        int r;

        r = map_old(bpf, &old);
        if (r >= 0) {
                crowded = ring_pending(&old) > old.size / CROWDED;
                /* Produced by others: we count them as they come. */
                bpf->consumed = bpf->capture.stats.produced;
                n_lost = read_old(bpf, &old, r > 0, until_ns);
                bpf->consumed = keep->ledger->consumed;
                keep->not_before_ns = r > 0 ? until_ns : 0;
        } else
                log_warning_errno(r, "Cannot read the ring of the process before: %m");
        ring_unmap(&old);
        hooks_detach_kept(bpf->hooks, TAKE_PTR(keep->before));

        log_notice("The process before was another version: its programs are exchanged for ours; %" PRIu64
                   " events from its ring were read, %" PRIu64 " could not be",
                   keep->n_unread, n_lost);
        if (!left || crowded || n_lost > 0)
                tell_gap(bpf, UINT64_MAX, n_lost, WIRE_LOSS_RESTART, until_ns);
        keep->n_unread = 0;
}

void capture_keep_go_on(struct capture_bpf *bpf) {
        struct keep *keep = &bpf->keep;
        bool adopted = hooks_is_adopted(bpf->hooks), left;

        if (!keep->on)
                return;
        if (adopted) {
                left = keep->ledger->left;
                keep->unread_until = bpf->ring.position + ring_pending(&bpf->ring);
                log_info("Going on with the programs of the process before; %" PRIu64 " KiB of events wait",
                         (keep->unread_until - bpf->ring.position) >> 10);
                if (!left) {
                        log_warning("The process before ended without leaving in order: what it knew of open stories "
                                    "is lost");
                        tell_gap(bpf, UINT64_MAX, 0, WIRE_LOSS_RESTART, clock_boottime_ns());
                }
        } else if (keep->before)
                take_leave(bpf);
        else
                keep->watched = false;
        if (keep->watched && bpf->sees_all)
                mend_want(&bpf->mend, clock_boottime_ns());
        keep->ledger->left = 0;
        hooks_on_detach(bpf->hooks, on_detach, bpf);
}

static void end_unread(struct keep *keep) {
        log_info("%" PRIu64 " events were read that happened while no process did", keep->n_unread);
        keep->unread_until = 0;
}

bool capture_keep_drops(struct capture_bpf *bpf, const struct event *event) {
        const struct wire_header *header = event->wire;
        struct keep *keep = &bpf->keep;
        bool drop = false;

        if (keep->not_before_ns > 0) {
                drop = header->time_ns < keep->not_before_ns;
                if (header->time_ns > keep->not_before_ns + NSEC_PER_SEC)
                        keep->not_before_ns = 0;
        }
        if (keep->unread_until > 0 && bpf->ring.position >= keep->unread_until)
                end_unread(keep);
        else if (keep->unread_until > 0) {
                keep->n_unread++;
                /* The programs did not know yet who we are. */
                drop = hooks_is_self(bpf->hooks, header->tgid, header->start_ns) &&
                       schema_kind(event_kind(event))->class == EVENT_EVENT;
        }
        if (drop)
                bpf->base.produced[header->kind] += event_count(event);
        return drop;
}

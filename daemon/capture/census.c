/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/census.h"

#include "event/schema.h"

static struct identity resident_id(const struct resident *resident) {
        return (struct identity){.start_ns = resident->last.start_ns, .pid = resident->last.tgid};
}

void census_init(struct census *census, size_t capacity) {
        idmap_init(&census->by_pid);
        slab_init(&census->residents, sizeof(struct resident), capacity);
        census->round = 0;
}

void census_done(struct census *census) {
        idmap_done(&census->by_pid);
        slab_done(&census->residents);
}

struct resident *census_find(const struct census *census, const struct identity *id) {
        struct resident *resident = idmap_find(&census->by_pid, id->pid);

        return resident && resident->last.start_ns == id->start_ns ? resident : NULL;
}

struct resident *census_find_other(const struct census *census, const struct identity *id) {
        struct resident *resident = idmap_find(&census->by_pid, id->pid);

        return resident && resident->last.start_ns != id->start_ns ? resident : NULL;
}

/* NULL if there is no room. */
static struct resident *enter(struct census *census, const struct wire_header *header) {
        struct resident *resident = idmap_find(&census->by_pid, header->tgid);

        if (!resident) {
                resident = slab_alloc(&census->residents);
                if (!resident)
                        return NULL;
                if (idmap_put(&census->by_pid, header->tgid, resident) < 0) {
                        slab_free(&census->residents, resident);
                        census->residents.n_refused++;
                        return NULL;
                }
        } else if (resident->last.start_ns != header->start_ns)
                resident->image = (struct wire_object){};
        resident->last = *header;
        resident->round = census->round;
        return resident;
}

static void see_fork(struct census *census, const struct event *event) {
        const struct wire_fork *fork = (const struct wire_fork *)event->wire;
        struct identity child_id = census_subject(event);
        struct wire_header header = fork->header;
        struct resident *creator, *child;

        creator = enter(census, &header);
        if (child_id.pid == 0)
                return;

        /* Its tree may be one of its own: the kernel decides, and tells with its next record. */
        header.creator_start_ns = header.start_ns;
        header.creator_tgid = header.tgid;
        header.tree_start_ns = header.tree_tgid = 0;
        header.start_ns = child_id.start_ns;
        header.tgid = header.tid = child_id.pid;
        child = enter(census, &header);
        if (child && creator)
                child->image = creator->image;
}

void census_see(struct census *census, const struct event *event) {
        struct identity id = event_actor(event);
        struct resident *resident;

        if (id.pid == 0)
                return;
        switch ((int)event_kind(event)) {
        case WIRE_KIND_fork:
                see_fork(census, event);
                break;
        case WIRE_KIND_execve:
        case WIRE_KIND_process:
                if (event->wire->flags & WIRE_FAILED)
                        break;
                resident = enter(census, event->wire);
                if (resident)
                        resident->image = census_image(event);
                break;
        case WIRE_KIND_exit:
                census_remove(census, &id);
                break;
        default: break;
        }
}

void census_remove(struct census *census, const struct identity *id) {
        struct resident *resident = idmap_find(&census->by_pid, id->pid);
        struct identity found;

        if (!resident)
                return;
        found = resident_id(resident);
        if (identity_equal(&found, id))
                slab_free(&census->residents, idmap_remove(&census->by_pid, id->pid));
}

struct identity census_subject(const struct event *event) {
        const uint64_t told = WIRE_BIT(fork, child_pid) | WIRE_BIT(fork, child_start);
        const struct wire_fork *fork = (const struct wire_fork *)event->wire;

        if (event_kind(event) != WIRE_KIND_fork)
                return event_actor(event);
        if ((fork->header.known & told) != told)
                return (struct identity){};
        return (struct identity){.start_ns = fork->child_start, .pid = fork->child_pid};
}

struct wire_object census_image(const struct event *event) {
        struct value value;

        event_get(event, (enum field)(event_kind(event) == WIRE_KIND_process ? WIRE_FIELD_process_file
                                                                               : WIRE_FIELD_execve_file), &value);
        return value.state == VALUE_KNOWN ? value.object : (struct wire_object){};
}

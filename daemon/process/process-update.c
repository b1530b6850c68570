/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-table.h"

#include <assert.h>

#include "process/process-table-private.h"

/* Exited processes whose images are given up, at most, for one new image. */
#define IMAGE_EVICTIONS 16

static const struct identity nobody = {};

static inline struct identity header_creator(const struct wire_header *header) {
        return (struct identity){ .start_ns = header->creator_start_ns, .pid = header->creator_tgid };
}

static inline struct identity header_tree(const struct wire_header *header) {
        return (struct identity){ .start_ns = header->tree_start_ns, .pid = header->tree_tgid };
}

/* cgroup_id 0: the record does not tell. */
static void set_cgroup(struct process_table *table, struct process *process, uint64_t id) {
        struct cgroup *cgroup;

        if (id == 0)
                return;
        cgroup = cgroups_find(&table->cgroups, id);
        cgroups_ref(&table->cgroups, cgroup);
        cgroups_unref(&table->cgroups, (struct cgroup *)process->cgroup);
        process->cgroup_id = id;
        process->cgroup = cgroup;
}

static void set_credentials(struct process_table *table, struct process *process, const struct wire_header *header) {
        process->uid = header->uid;
        process->euid = header->euid;
        process->gid = header->gid;
        process->egid = header->egid;
        process->loginuid = header->loginuid;
        process->session = header->session;
        process->caps = header->caps;
        /* A name that comes after the first event from its group (a lost record) is taken with the next. */
        if (header->cgroup_id != process->cgroup_id || !process->cgroup)
                set_cgroup(table, process, header->cgroup_id);
}

static void set_image(struct process *process, struct process_image *image) {
        process_image_unref(process->image);
        process->image = image;
}

/* What every record of a running process tells beside what happened. */
static void heal(struct process_table *table, struct entry *entry, const struct wire_header *header) {
        struct process *process = &entry->process;

        if (!(header->flags & WIRE_AGGREGATE))  /* it is older than what came meanwhile */
                set_credentials(table, process, header);
        if (header->flags & WIRE_KTHREAD)
                process->kthread = true;
        if (!entry->tree_named && header->tree_tgid != 0) {
                struct identity tree = header_tree(header);

                if (!identity_equal(&tree, &process->tree))
                        table_set_tree(table, entry, &tree);
                entry->tree_named = true;
        }
        if (process->creator.pid == 0 && header->creator_tgid != 0) {
                struct identity creator = header_creator(header);

                table_set_creator(table, entry, &creator);
        }
}

/* The actor of a record whose fork was not seen, from what the record carries. */
static struct entry *enter_actor(struct process_table *table, const struct event *event) {
        const struct wire_header *header = event->wire;
        struct identity id = event_actor(event), creator = header_creator(header), tree = header_tree(header);
        struct entry *entry;

        if (table_has_departed(table, &id)) {
                table->stats.n_late++;
                return NULL;
        }

        entry = table_add(table, &id, &creator, &tree, event->time_ns);
        if (!entry)
                return NULL;
        entry->process.guessed = true;
        table->stats.n_guessed++;
        return entry;
}

static struct process_image *new_image(struct process_table *table, const struct event *event) {
        struct process_image *image = process_image_new(table->images, event);

        /* What runs is worth more than what ran: but only so much of it, for one event. */
        for (unsigned n = 0; !image && n < IMAGE_EVICTIONS && table->lists[ENTRY_KEPT].first; n++) {
                (void)table_evict(table, event->time_ns);
                image = process_image_new(table->images, event);
        }
        if (!image)
                table->stats.n_image_refused++;
        return image;
}

/* The child exists, with what its creator has. It is new, unless its own first record was read before. */
static void apply_fork(struct process_table *table, const struct event *event, const struct process *creator) {
        const struct wire_fork *fork = (const struct wire_fork *)event->wire;
        const uint64_t told = WIRE_BIT(fork, child_pid) | WIRE_BIT(fork, child_start);
        struct identity id = { .start_ns = fork->child_start, .pid = fork->child_pid }, creator_id = event_actor(event);
        struct process_image *image = process_image_ref(creator ? creator->image : NULL);
        bool kthread = creator && creator->kthread;
        struct namespaces namespaces = {};
        struct entry *child;

        namespaces_fork(&namespaces, creator ? &creator->namespaces : &(struct namespaces){}, event);

        if ((fork->header.known & told) == told && id.pid != 0) {
                child = table_find(table, &id);
                if (!child && !table_has_departed(table, &id)) {
                        child = table_add(table, &id, &creator_id, &nobody, event->time_ns);
                        if (child) {
                                set_credentials(table, &child->process, &fork->header);
                                child->process.kthread = kthread;
                        }
                } else if (child && child->process.creator.pid == 0)
                        table_set_creator(table, child, &creator_id);

                if (child) {
                        child->process.guessed = child->process.before_us = false;
                        namespaces_complete(&child->process.namespaces, &namespaces);
                }
                if (child && !child->process.image) {
                        child->process.image = image;
                        return;
                }
        }
        process_image_unref(image);
}

static void apply_execve(struct process_table *table, const struct event *event, struct process *process) {
        if (event->wire->flags & WIRE_FAILED)
                return;
        process->kthread = event->wire->flags & WIRE_KTHREAD;   /* the kernel's helpers begin as its threads */
        /* Without room the process runs what is not known, and not what it ran before. The old image goes first: it may
         * be the room. */
        set_image(process, NULL);
        process->image = new_image(table, event);
        namespaces_exec(&process->namespaces, event);
}

/* A process that ran before, from a snapshot. What was seen of it meanwhile is newer and stays, unless this record
 * takes the place of one that was lost: nothing was heard of the process since the loss. */
static void apply_process(struct process_table *table, const struct event *event) {
        const struct wire_process *record = (const struct wire_process *)event->wire;
        const struct wire_header *header = &record->header;
        struct identity id = event_actor(event), creator = header_creator(header), tree = header_tree(header);
        struct entry *entry;
        bool stranger;

        if (id.pid == 0)
                return;
        entry = table_find(table, &id);
        if (entry && entry->process.state == PROCESS_EXITED)
                return;
        stranger = !entry || entry->process.guessed;
        if (!entry) {
                if (table_has_departed(table, &id)) {
                        table->stats.n_late++;
                        return;
                }
                entry = table_add(table, &id, &creator, &tree, event->time_ns);
                if (!entry)
                        return;
                set_credentials(table, &entry->process, header);
        } else if (entry->process.creator.pid == 0 && creator.pid != 0)
                table_set_creator(table, entry, &creator);

        if (header->flags & WIRE_SEEN)
                entry->process.before_us = false;
        else if (stranger && !(header->flags & WIRE_MENDED))
                entry->process.before_us = true;
        if (header->flags & WIRE_MENDED) {
                set_image(&entry->process, NULL);
                entry->process.kthread = header->flags & WIRE_KTHREAD;
                heal(table, entry, header);
        }
        if ((header->known & WIRE_BIT(process, supervisor)) && record->supervisor)
                entry->process.supervisor = true;
        if ((header->known & WIRE_BIT(process, kthread)) && record->kthread)
                entry->process.kthread = true;
        if (!entry->process.image)
                entry->process.image = new_image(table, event);
        /* Looked up now. What is in the ring of moves before that will be told after it, and end here. */
        namespaces_take(&entry->process.namespaces, event, FIELD_process_ns_mnt);
}

static void apply_cgroup(struct process_table *table, const struct event *event) {
        struct value id, path, removed;

        event_get(event, FIELD_cgroup_id, &id);
        event_get(event, FIELD_cgroup_path, &path);
        event_get(event, FIELD_cgroup_removed, &removed);
        /* What is gone keeps its name: late records and processes that are kept refer to it. */
        if (removed.state == VALUE_KNOWN && removed.number)
                return;
        if (id.state != VALUE_KNOWN || path.state == VALUE_UNKNOWN)
                return;
        /* Refusals are counted there. */
        (void)cgroups_add(&table->cgroups, id.number, path.bytes, path.length, path.state == VALUE_CUT);
}

/* What the stream says of a container holds for the processes in its group. */
static void apply_container(struct process_table *table, const struct event *event) {
        struct value id, runtime, name, image;

        event_get(event, FIELD_container_cgroup, &id);
        event_get(event, FIELD_container_runtime, &runtime);
        event_get(event, FIELD_container_name, &name);
        event_get(event, FIELD_container_image, &image);
        if (id.state == VALUE_KNOWN && cgroups_tell(&table->cgroups, (uint64_t)id.number, &runtime, &name, &image) < 0)
                table->cgroups.n_refused++;
}

struct process *process_table_update(struct process_table *table, const struct event *event) {
        const struct wire_header *header = event->wire;
        enum wire_kind kind = event_kind(event);
        struct identity id = event_actor(event);
        struct entry *entry = table->latest;

        if (unlikely(schema_kind(kind)->class == EVENT_META)) {
                if (kind == WIRE_KIND_process)
                        apply_process(table, event);
                else if (kind == WIRE_KIND_cgroup)
                        apply_cgroup(table, event);
                return NULL;
        }
        if (unlikely(kind == WIRE_KIND_container))
                apply_container(table, event);
        if (unlikely(id.pid == 0))
                return NULL;

        if (!entry || !identity_equal(&entry->process.id, &id)) {
                entry = table_find(table, &id);
                if (!entry)
                        entry = enter_actor(table, event);
                table->latest = entry;
        }

        if (entry && unlikely(entry->process.state == PROCESS_EXITED)) {
                /* Two last threads may both tell the exit. Everything else is late, and revives nothing. */
                if (kind != WIRE_KIND_exit)
                        table->stats.n_late++;
        } else if (entry)
                heal(table, entry, header);

        if (kind == WIRE_KIND_fork) {
                /* The child lives even if its creator does not, or could not be entered. Making room for it may drop an
                 * exited creator. */
                apply_fork(table, event, entry ? &entry->process : NULL);
                entry = table_find(table, &id);
        } else if (entry && entry->process.state == PROCESS_RUNNING) {
                if (kind == WIRE_KIND_execve)
                        apply_execve(table, event, &entry->process);
                else if (kind == WIRE_KIND_exit)
                        table_exit(table, entry, event->time_ns);
                else if ((kind == WIRE_KIND_unshare || kind == WIRE_KIND_setns) && !(header->flags & WIRE_FAILED))
                        namespaces_move(&entry->process.namespaces, event);
        }
        return entry ? &entry->process : NULL;
}

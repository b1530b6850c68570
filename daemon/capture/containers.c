/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/containers.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macro.h"

#include "capture/container-file.h"

struct living {
        uint64_t cgroup;
        enum container_runtime runtime;
        char id[CGROUP_NAME_MAX + 1];
        struct container_info info;
};

void containers_init(struct containers *containers, const char *root) {
        *containers = (struct containers){.root = root};
        idmap_init(&containers->by_cgroup);
}

void containers_done(struct containers *containers) {
        IDMAP_FOREACH(entry, &containers->by_cgroup)
                free(entry->value);
        idmap_done(&containers->by_cgroup);
}

/* Is this a container's own group, and not one inside it? */
static bool living_of(uint64_t cgroup, const char *path, size_t length, bool is_cut, struct living *ret) {
        struct cgroup_parts parts;

        if (length > UINT16_MAX)
                return false;
        *ret = (struct living){.cgroup = cgroup};
        cgroup_parse(path, length, is_cut, &parts, ret->id);
        ret->id[parts.container.length] = 0;
        ret->runtime = (enum container_runtime)parts.runtime;
        return parts.container.length > 0 && parts.container_end == length;
}

static void fill(struct record *record, const struct living *living, const char *action) {
        const char *runtime = container_runtime_to_string(living->runtime);

        record_begin(record, WIRE_KIND_container);
        record_set_text(record, (enum field)WIRE_FIELD_container_action, action);
        record_set_text(record, (enum field)WIRE_FIELD_container_id, living->id);
        if (runtime)
                record_set_text(record, (enum field)WIRE_FIELD_container_runtime, runtime);
        if (living->info.name[0])
                record_set_text(record, (enum field)WIRE_FIELD_container_name, living->info.name);
        if (living->info.image[0])
                record_set_text(record, (enum field)WIRE_FIELD_container_image, living->info.image);
        record_set_number(record, (enum field)WIRE_FIELD_container_cgroup, (int64_t)living->cgroup);
}

/* Machines of LXC and systemd-nspawn are called what they are called. */
static void read_info(struct containers *containers, struct living *living) {
        int r;

        if (living->runtime == CONTAINER_LXC || living->runtime == CONTAINER_NSPAWN) {
                if (strlen(living->id) < sizeof(living->info.name))
                        memcpy(living->info.name, living->id, strlen(living->id));
                return;
        }
        r = container_file_read(containers->root, living->runtime, living->id, &living->info);
        if (r < 0) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                containers->n_unreadable++;
                living->info = (struct container_info){};
                log_limited(&limit, LOG_WARNING, r,
                            "Cannot read what its runtime wrote down about container %s, its name and image are not"
                            " known: %m",
                            living->id);
        } else if (r > 0 && living->runtime == CONTAINER_OTHER)
                living->runtime = living->info.runtime;
}

static void remember(struct containers *containers, const struct living *living) {
        struct living *copy;

        copy = containers->by_cgroup.n < CONTAINERS_MAX ? malloc(sizeof(*copy)) : NULL;
        if (!copy) {
                containers->n_refused++;
                return;
        }
        *copy = *living;
        if (idmap_put(&containers->by_cgroup, living->cgroup, copy) < 0) {
                containers->n_refused++;
                free(copy);
        }
}

bool containers_begin(struct containers *containers, enum containers_event event, uint64_t cgroup, const char *path,
                      size_t length, bool is_cut, bool is_roots, struct record *record) {
        struct living living, *known = idmap_find(&containers->by_cgroup, cgroup);

        if (known && event == CONTAINERS_RUNNING) {
                fill(record, known, "running");
                return true;
        }
        if (known || !living_of(cgroup, path, length, is_cut, &living))
                return false;
        if (is_roots)
                read_info(containers, &living);
        remember(containers, &living);
        fill(record, &living, event == CONTAINERS_RUNNING ? "running" : "started");
        return true;
}

bool containers_end(struct containers *containers, uint64_t cgroup, const char *path, size_t length, bool is_cut,
                    struct record *record) {
        struct living *known = idmap_remove(&containers->by_cgroup, cgroup), living;

        if (known) {
                fill(record, known, "stopped");
                free(known);
                return true;
        }
        if (!path || !living_of(cgroup, path, length, is_cut, &living))
                return false;
        fill(record, &living, "stopped");
        return true;
}

uint64_t containers_find_gone(const struct containers *containers, bool (*is_there)(uint64_t cgroup, void *userdata),
                              void *userdata) {
        IDMAP_FOREACH(entry, &containers->by_cgroup)
                if (!is_there(entry->id, userdata))
                        return entry->id;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/value.h"

static void container_unref(struct cgroups *cgroups, struct container *container) {
        if (!container || --container->n_groups > 0)
                return;
        if (container->path)
                hashmap_remove(&cgroups->containers, container->path, container->path_length);
        free(container->runtime.bytes);
        free(container->name.bytes);
        free(container->image.bytes);
        free(container->path);
        free(container);
}

/* NULL: no memory. Then nothing but the path is known of it. */
static struct container *container_ref(struct cgroups *cgroups, const char *path, size_t length) {
        struct container *container = hashmap_find(&cgroups->containers, path, length);

        if (!container) {
                container = calloc(1, sizeof(*container));
                if (!container)
                        return NULL;
                container->path = strndup(path, length);
                container->path_length = length;
                if (!container->path ||
                    hashmap_put(&cgroups->containers, container->path, length, container) < 0) {
                        free(container->path);
                        free(container);
                        return NULL;
                }
        }
        container->n_groups++;
        return container;
}

static int container_text_set(struct container_text *text, const struct value *value) {
        size_t length = MIN((size_t)value->length, (size_t)CONTAINER_TEXT_MAX);
        char *bytes;

        if (value->state == VALUE_UNKNOWN || value->type != VALUE_STRING)
                return 0;
        bytes = malloc(length + 1);
        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, value->bytes, length);
        bytes[length] = 0;
        free(text->bytes);
        *text = (struct container_text){
                .bytes = bytes,
                .length = length,
                .cut = value->state == VALUE_CUT || length < value->length,
        };
        return 0;
}

int cgroups_tell(struct cgroups *cgroups, uint64_t id, const struct value *runtime, const struct value *name,
                 const struct value *image) {
        struct cgroup *cgroup = cgroups_find(cgroups, id);
        int r;

        if (!cgroup || !cgroup->of || cgroup->path_length != cgroup->of->path_length)
                return 0;
        r = container_text_set(&cgroup->of->runtime, runtime);
        if (r >= 0)
                r = container_text_set(&cgroup->of->name, name);
        if (r >= 0)
                r = container_text_set(&cgroup->of->image, image);
        return r;
}

void cgroups_init(struct cgroups *cgroups, size_t max_cgroups) {
        *cgroups = (struct cgroups){};
        idmap_init(&cgroups->by_id);
        hashmap_init(&cgroups->containers);
        slab_init(&cgroups->slab, sizeof(struct cgroup), max_cgroups);
}

void cgroups_done(struct cgroups *cgroups) {
        IDMAP_FOREACH(entry, &cgroups->by_id) {
                struct cgroup *cgroup = entry->value;

                container_unref(cgroups, cgroup->of);
                free((char *)cgroup->path);
        }
        hashmap_done(&cgroups->containers);
        idmap_done(&cgroups->by_id);
        slab_done(&cgroups->slab);
        *cgroups = (struct cgroups){};
}

struct cgroup *cgroups_find(const struct cgroups *cgroups, uint64_t id) {
        return idmap_find(&cgroups->by_id, id);
}

static void idle_add(struct cgroups *cgroups, struct cgroup *cgroup) {
        cgroup->next = NULL;
        cgroup->previous = cgroups->idle_last;
        if (cgroup->previous)
                cgroup->previous->next = cgroup;
        else
                cgroups->idle_first = cgroup;
        cgroups->idle_last = cgroup;
}

static void idle_remove(struct cgroups *cgroups, struct cgroup *cgroup) {
        if (cgroup->previous)
                cgroup->previous->next = cgroup->next;
        else
                cgroups->idle_first = cgroup->next;
        if (cgroup->next)
                cgroup->next->previous = cgroup->previous;
        else
                cgroups->idle_last = cgroup->previous;
        cgroup->next = cgroup->previous = NULL;
}

static void cgroup_set_path(struct cgroups *cgroups, struct cgroup *cgroup, char *block, const char *path,
                            size_t length, bool is_cut) {
        memcpy(block, path, length);
        block[length] = '\0';
        cgroup_parse(block, length, is_cut, &cgroup->parts, block + length + 1);
        free((char *)cgroup->path);
        cgroup->path = block;
        cgroup->container = block + length + 1;
        cgroup->path_length = length;
        cgroup->cut = is_cut;

        container_unref(cgroups, cgroup->of);
        cgroup->of = NULL;
        if (cgroup->parts.container.length > 0)
                cgroup->of = container_ref(cgroups, block, cgroup->parts.container_end);
}

static void evict_one(struct cgroups *cgroups) {
        struct cgroup *victim = cgroups->idle_first;

        if (!victim)
                return;
        idle_remove(cgroups, victim);
        idmap_remove(&cgroups->by_id, victim->id);
        container_unref(cgroups, victim->of);
        free((char *)victim->path);
        slab_free(&cgroups->slab, victim);
        cgroups->n_evicted++;
}

int cgroups_add(struct cgroups *cgroups, uint64_t id, const char *path, size_t length, bool is_cut) {
        struct cgroup *cgroup = cgroups_find(cgroups, id);
        char *block;
        int r;

        if (length > UINT16_MAX) {
                cgroups->n_refused++;
                return -ENOSPC;
        }
        block = malloc(length + 1 + MIN(length, (size_t)CGROUP_NAME_MAX));
        if (!block)
                return -ENOMEM;
        if (cgroup) {
                cgroup_set_path(cgroups, cgroup, block, path, length, is_cut);
                return 0;
        }

        if (cgroups->slab.n_used >= cgroups->slab.capacity)
                evict_one(cgroups);
        cgroup = slab_alloc(&cgroups->slab);
        r = cgroup ? idmap_put(&cgroups->by_id, id, cgroup) : -ENOSPC;
        if (r < 0) {
                cgroups->n_refused++;
                slab_free(&cgroups->slab, cgroup);
                free(block);
                return r;
        }

        cgroup->id = id;
        cgroup_set_path(cgroups, cgroup, block, path, length, is_cut);
        idle_add(cgroups, cgroup);
        return 0;
}

void cgroups_ref(struct cgroups *cgroups, struct cgroup *cgroup) {
        if (!cgroup)
                return;
        if (cgroup->n_processes++ == 0)
                idle_remove(cgroups, cgroup);
}

void cgroups_unref(struct cgroups *cgroups, struct cgroup *cgroup) {
        if (!cgroup)
                return;
        if (--cgroup->n_processes == 0)
                idle_add(cgroups, cgroup);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, its control groups - those that events name and that nobody has told yet, and who is
 * filtered by their names. */
#include "capture/capture-bpf-private.h"

void groups_find(struct capture_bpf *bpf, const struct wire_header *header) {
        char path[WIRE_MAX_PATH + 1];

        if (header->kind == WIRE_KIND_cgroup) {
                (void)hierarchy_see(&bpf->hierarchy, ((const struct wire_cgroup *)header)->id);
                return;
        }
        if (header->cgroup_id == 0 || hierarchy_see(&bpf->hierarchy, header->cgroup_id))
                return;
        if (hierarchy_name(&bpf->hierarchy, header->cgroup_id, path, sizeof(path)) >= 0)
                tell_cgroup(header->cgroup_id, path, bpf);
}

static void see_group(struct capture_bpf *bpf, uint64_t id, const char *path, size_t n, bool is_cut) {
        hooks_see_group(bpf->hooks, id, path, n, is_cut);
        deny_name_group(bpf, id, path, n, is_cut);
}

static void forget_group(struct capture_bpf *bpf, uint64_t id) {
        hooks_forget_group(bpf->hooks, id);
        deny_forget_group(bpf, id);
}

void groups_see(struct capture_bpf *bpf, const struct event *event) {
        struct value id, path, removed;

        if (event_kind(event) != WIRE_KIND_cgroup)
                return;
        event_get(event, (enum field)WIRE_FIELD_cgroup_id, &id);
        event_get(event, (enum field)WIRE_FIELD_cgroup_path, &path);
        event_get(event, (enum field)WIRE_FIELD_cgroup_removed, &removed);
        if (id.state != VALUE_KNOWN)
                return;
        if (removed.state == VALUE_KNOWN && removed.number)
                forget_group(bpf, (uint64_t)id.number);
        else if (path.state != VALUE_UNKNOWN)
                see_group(bpf, (uint64_t)id.number, path.bytes, path.length, path.state == VALUE_CUT);
}

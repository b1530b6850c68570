/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as the path of a control group, which whoever may make groups chooses: every part lies within the path, the
 * container's name in the room that there is for it, and who cuts the path learns no more than is there. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/cgroup-path.h"

#define PATH_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_part(struct cgroup_part part, size_t length) {
        assert(part.offset + (size_t)part.length <= length);
}

static void check(const char *path, size_t n, bool is_cut) {
        size_t room = MIN(n, (size_t)CGROUP_NAME_MAX);
        struct cgroup_parts parts;
        char *name = malloc(room ?: 1);         /* of exactly its size */

        cgroup_parse(path, n, is_cut, &parts, name);
        check_part(parts.unit, n);
        check_part(parts.user_unit, n);
        check_part(parts.slice, n);
        check_part(parts.session, n);
        check_part(parts.container, room);
        assert(parts.container_end <= n && parts.runtime < _CONTAINER_RUNTIME_MAX);
        assert((parts.container.length > 0) == (parts.runtime != CONTAINER_NONE));
        if (!is_cut)
                assert(parts.has_unit && parts.has_slice && parts.has_user_unit && parts.has_container);
        free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        n = MIN(n, (size_t)PATH_BYTES);
        check((const char *)data, n, false);
        check((const char *)data, n, true);
        return 0;
}

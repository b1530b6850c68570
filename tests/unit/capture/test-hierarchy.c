/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/hierarchy.h"

#include <string.h>

#include "unit.h"

START_TEST(an_id_is_told_once_until_the_set_is_full) {
        struct hierarchy hierarchy;

        ck_assert_int_eq(hierarchy_init(&hierarchy), 0);
        ck_assert(!hierarchy_see(&hierarchy, 7));
        ck_assert(hierarchy_see(&hierarchy, 7));
        ck_assert(!hierarchy_see(&hierarchy, 8));
        ck_assert(hierarchy_see(&hierarchy, 7));
        for (uint64_t id = 100; id < 100 + HIERARCHY_MAX; id++)
                ck_assert(!hierarchy_see(&hierarchy, id));
        ck_assert_uint_le(hierarchy.known.n, HIERARCHY_MAX);
        ck_assert(!hierarchy_see(&hierarchy, 7));       /* forgotten, and told again: that does no harm */
        ck_assert(hierarchy_see(&hierarchy, 7));
        hierarchy_forget(&hierarchy);
        ck_assert(!hierarchy_see(&hierarchy, 7));
        hierarchy_done(&hierarchy);
}
END_TEST

static struct {
        size_t n;
        uint64_t root;
} scan;

static void on_each(uint64_t id, const char *path, void *userdata) {
        if (scan.n++ == 0) {
                ck_assert_str_eq(path, "/");
                scan.root = id;
        } else
                ck_assert_int_eq(path[0], '/');
        ck_assert_ptr_eq(userdata, &scan);
}

START_TEST(the_hosts_hierarchy_is_told_from_its_root_down) {
        struct hierarchy hierarchy;
        size_t n;

        ck_assert_int_eq(hierarchy_init(&hierarchy), 0);
        n = hierarchy_scan(&hierarchy, on_each, &scan);
        ck_assert_uint_eq(n, scan.n);
        if (hierarchy.mount) {
                ck_assert_uint_ge(n, 1);
                ck_assert(hierarchy_see(&hierarchy, scan.root));
        } else
                ck_assert_uint_eq(n, 0);
        hierarchy_done(&hierarchy);
}
END_TEST

UNIT_MAIN("capture/hierarchy", an_id_is_told_once_until_the_set_is_full, the_hosts_hierarchy_is_told_from_its_root_down)

/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "event/value.h"
#include "unit.h"

START_TEST(names_are_found_by_id_and_may_change) {
        struct cgroups cgroups;

        cgroups_init(&cgroups, 4);
        ck_assert_ptr_null(cgroups_find(&cgroups, 7));
        ck_assert_int_eq(cgroups_add(&cgroups, 7, "/system.slice/a.service", 23, false), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 7)->path, "/system.slice/a.service");
        ck_assert_int_eq(cgroups_add(&cgroups, 7, "/b.service", 10, false), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 7)->path, "/b.service");
        ck_assert_uint_eq(cgroups_find(&cgroups, 7)->parts.unit.length, 9);
        cgroups_done(&cgroups);
}
END_TEST

START_TEST(full_table_drops_the_one_longest_without_a_process_and_never_one_in_use) {
        struct cgroups cgroups;

        cgroups_init(&cgroups, 2);
        ck_assert_int_eq(cgroups_add(&cgroups, 1, "/a", 2, false), 0);
        ck_assert_int_eq(cgroups_add(&cgroups, 2, "/b", 2, false), 0);
        cgroups_ref(&cgroups, cgroups_find(&cgroups, 1));
        ck_assert_int_eq(cgroups_add(&cgroups, 3, "/c", 2, false), 0);
        ck_assert_ptr_null(cgroups_find(&cgroups, 2));
        ck_assert_uint_eq(cgroups.n_evicted, 1);

        cgroups_ref(&cgroups, cgroups_find(&cgroups, 3));
        ck_assert_int_eq(cgroups_add(&cgroups, 4, "/d", 2, false), -ENOSPC);
        ck_assert_uint_eq(cgroups.n_refused, 1);

        cgroups_unref(&cgroups, cgroups_find(&cgroups, 1));
        ck_assert_int_eq(cgroups_add(&cgroups, 4, "/d", 2, false), 0);
        ck_assert_ptr_null(cgroups_find(&cgroups, 1));
        cgroups_unref(&cgroups, cgroups_find(&cgroups, 3));
        cgroups_ref(&cgroups, NULL);
        cgroups_unref(&cgroups, NULL);
        cgroups_done(&cgroups);
}
END_TEST

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SCOPE "/system.slice/docker-" ID ".scope"

static struct value text(const char *bytes) {
        return bytes ? (struct value){ .bytes = bytes, .length = strlen(bytes), .type = VALUE_STRING,
                                       .state = VALUE_KNOWN }
                     : (struct value){ .type = VALUE_STRING };
}

static int add(struct cgroups *cgroups, uint64_t id, const char *path) {
        return cgroups_add(cgroups, id, path, strlen(path), false);
}

static int tell(struct cgroups *cgroups, uint64_t id, const char *name, const char *image) {
        struct value runtime = text(NULL), n = text(name), i = text(image);

        return cgroups_tell(cgroups, id, &runtime, &n, &i);
}

START_TEST(what_is_told_of_a_container_holds_for_the_groups_inside_it_and_for_no_other) {
        struct cgroups cgroups;

        cgroups_init(&cgroups, 10);
        ck_assert_int_eq(add(&cgroups, 1, SCOPE), 0);
        ck_assert_int_eq(add(&cgroups, 2, SCOPE "/init.scope"), 0);
        ck_assert_int_eq(add(&cgroups, 3, "/user.slice/mine" SCOPE), 0);
        ck_assert_int_eq(tell(&cgroups, 1, "web", "nginx:1.25"), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 2)->of->image.bytes, "nginx:1.25");
        ck_assert_str_eq(cgroups_find(&cgroups, 2)->of->name.bytes, "web");
        ck_assert_ptr_null(cgroups_find(&cgroups, 3)->of->image.bytes);
        ck_assert_int_eq(add(&cgroups, 4, SCOPE "/system.slice/a.service"), 0);
        ck_assert_ptr_eq(cgroups_find(&cgroups, 4)->of, cgroups_find(&cgroups, 1)->of);

        /* Of a group inside it nobody can tell anything new; what is not told stays. */
        ck_assert_int_eq(tell(&cgroups, 2, "other", "other"), 0);
        ck_assert_int_eq(tell(&cgroups, 1, "web2", NULL), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 1)->of->name.bytes, "web2");
        ck_assert_str_eq(cgroups_find(&cgroups, 1)->of->image.bytes, "nginx:1.25");
        ck_assert_int_eq(tell(&cgroups, 77, "nobody", "nothing"), 0);
        cgroups_done(&cgroups);
}
END_TEST

START_TEST(container_is_forgotten_with_the_last_of_its_groups) {
        static char path[2048], longest[CONTAINER_TEXT_MAX + 10];
        struct cgroups cgroups;

        cgroups_init(&cgroups, 2);
        memset(longest, 'x', sizeof(longest) - 1);
        ck_assert_int_eq(add(&cgroups, 1, SCOPE), 0);
        ck_assert_int_eq(tell(&cgroups, 1, longest, "image"), 0);
        ck_assert(cgroups_find(&cgroups, 1)->of->name.cut);
        ck_assert_uint_eq(cgroups_find(&cgroups, 1)->of->name.length, CONTAINER_TEXT_MAX);
        ck_assert_uint_eq(cgroups.containers.n, 1);
        ck_assert_int_eq(add(&cgroups, 1, "/a"), 0);
        ck_assert_uint_eq(cgroups.containers.n, 0);
        for (unsigned i = 0; i < 100; i++) {
                snprintf(path, sizeof(path), "/docker/%064x", i);
                ck_assert_int_eq(add(&cgroups, 10 + i, path), 0);
        }
        ck_assert_uint_eq(cgroups.containers.n, 2);
        cgroups_done(&cgroups);
}
END_TEST

static int attempt_container(void *userdata) {
        struct cgroups cgroups;
        int r;

        cgroups_init(&cgroups, 10);
        r = add(&cgroups, 1, SCOPE);
        if (r >= 0 && !cgroups_find(&cgroups, 1)->of)
                r = -ENOMEM;            /* it goes on without */
        if (r >= 0)
                r = tell(&cgroups, 1, "web", "nginx");
        cgroups_done(&cgroups);
        return r == -ENOSPC ? -ENOMEM : r;
}

static int attempt_add(void *userdata) {
        struct cgroups cgroups;
        int r;

        cgroups_init(&cgroups, 10);
        r = cgroups_add(&cgroups, 1, "/a", 2, false);
        cgroups_done(&cgroups);
        /* The slab can not say whether it is full or there is no memory. */
        return r == -ENOSPC ? -ENOMEM : r;
}

START_TEST(lack_of_memory_leaks_nothing) {
        ck_assert_uint_eq(alloc_fail_sweep(attempt_add, NULL), 3);
        ck_assert_uint_eq(alloc_fail_sweep(attempt_container, NULL), 8);
}
END_TEST

UNIT_MAIN("process/cgroup",
          names_are_found_by_id_and_may_change,
          full_table_drops_the_one_longest_without_a_process_and_never_one_in_use,
          what_is_told_of_a_container_holds_for_the_groups_inside_it_and_for_no_other,
          container_is_forgotten_with_the_last_of_its_groups,
          lack_of_memory_leaks_nothing)

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/group-filter.h"

#include <string.h>

#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct prefilter *prefilter;
static struct group_filter *filter;

static void begin(void) {
        prefilter = calloc(1, sizeof(*prefilter));
        ck_assert_ptr_nonnull(prefilter);
}

static void add(enum prefilter_dimension dimension, enum prefilter_place place, const char *name, uint64_t uses) {
        struct prefilter_text text = {
                .uses = uses,
                .offset = prefilter->bytes.n,
                .length = strlen(name),
                .kind = WIRE_KIND_openat,
                .dimension = dimension,
                .place = place,
        };

        prefilter->kinds[WIRE_KIND_openat].fields[dimension] = FIELD_PROCESS_unit;
        for (const char *p = name; *p; p++)
                ck_assert_int_ge(array_push(&prefilter->bytes, *p), 0);
        ck_assert_int_ge(array_push(&prefilter->texts, text), 0);
}

static void make(void) {
        ck_assert_int_eq(group_filter_new(prefilter, &filter), 0);
        prefilter = prefilter_free(prefilter);
}

static uint64_t uses_of(enum wire_kind kind, const char *path, bool cut) {
        uint64_t uses[GROUP_FILTER_KINDS];

        group_filter_uses(filter, path, strlen(path), cut, uses);
        return uses[kind];
}

START_TEST(without_a_use_that_looks_at_cgroups_there_is_none) {
        begin();
        add(PREFILTER_TEXT, PREFILTER_WHOLE, "/a", 1);
        make();
        ck_assert_ptr_null(filter);
        ck_assert(!group_filter_looks(PREFILTER_TEXT) && group_filter_looks(PREFILTER_IN_CGROUP));
}
END_TEST

START_TEST(uses_that_name_another_unit_are_not_left) {
        begin();
        add(PREFILTER_IN_UNIT, PREFILTER_WHOLE, "a.service", 1);
        add(PREFILTER_IN_UNIT, PREFILTER_FRONT, "b", 2);
        add(PREFILTER_IN_UNIT, PREFILTER_BACK, ".scope", 4);
        add(PREFILTER_IN_UNIT, PREFILTER_WHOLE, "", 8);
        prefilter->kinds[WIRE_KIND_openat].any[PREFILTER_IN_UNIT] = 16;
        make();
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/a.service", false), 16 | 1);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/a.service/x", false), 16 | 1);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/b.service", false), 16 | 2);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/b-1.scope", false), 16 | 2 | 4);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/", false), 16 | 8);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/c.service", false), 16);
        /* Kinds that do not look, and names that are behind the cut. */
        ck_assert_uint_eq(uses_of(WIRE_KIND_unlink, "/system.slice/c.service", false), UINT64_MAX);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/c.serv", true), UINT64_MAX);
        filter = group_filter_free(filter);
}
END_TEST

START_TEST(unit_container_and_path_all_have_their_say) {
        begin();
        add(PREFILTER_IN_UNIT, PREFILTER_WHOLE, "docker-" ID ".scope", 3);
        add(PREFILTER_IN_CONTAINER, PREFILTER_WHOLE, ID, 2 | 4);
        add(PREFILTER_IN_CGROUP, PREFILTER_FRONT, "/system.slice/", 2 | 8);
        make();
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/system.slice/docker-" ID ".scope", false), 2);
        ck_assert_uint_eq(uses_of(WIRE_KIND_openat, "/other.slice/docker-" ID ".scope", false), 0);
        filter = group_filter_free(filter);
}
END_TEST

static int attempt(void *userdata) {
        int r = group_filter_new(prefilter, &filter);

        ck_assert(r >= 0 || !filter);
        filter = group_filter_free(filter);
        return r;
}

START_TEST(without_memory_there_is_none) {
        static char before;

        begin();
        add(PREFILTER_IN_UNIT, PREFILTER_WHOLE, "a.service", 1);
        filter = (void *)&before;       /* what was there is not what there is */
        alloc_fail_sweep(attempt, NULL);
        prefilter = prefilter_free(prefilter);
}
END_TEST

UNIT_MAIN("capture/group-filter",
          without_a_use_that_looks_at_cgroups_there_is_none,
          uses_that_name_another_unit_are_not_left,
          unit_container_and_path_all_have_their_say,
          without_memory_there_is_none)

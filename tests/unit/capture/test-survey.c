/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/survey.h"

#include <errno.h>

#include "../unit.h"

#include "base/log.h"
#include "base/macro.h"
#include "event/schema.h"

static struct survey_hook hooks[3];
static const struct survey survey = {.hooks = hooks, .n_hooks = ELEMENTSOF(hooks)};

static enum survey_verdict of(enum survey_state a, enum survey_state b, enum survey_state c) {
        const enum survey_state states[] = {a, b, c};

        for (size_t i = 0; i < ELEMENTSOF(hooks); i++)
                hooks[i] = (struct survey_hook){.kind = WIRE_KIND_openat, .state = states[i]};
        return survey_of_kind(&survey, WIRE_KIND_openat);
}

START_TEST(a_kind_is_whole_if_no_place_is_refused) {
        ck_assert_int_eq(of(SURVEY_WORKS, SURVEY_WORKS, SURVEY_WORKS), SURVEY_WHOLE);
        /* A call that the kernel does not have is none that could be missed. */
        ck_assert_int_eq(of(SURVEY_WORKS, SURVEY_MISSING, SURVEY_WORKS), SURVEY_WHOLE);
        ck_assert_int_eq(of(SURVEY_WORKS, SURVEY_REFUSED, SURVEY_WORKS), SURVEY_PART);
        ck_assert_int_eq(of(SURVEY_MISSING, SURVEY_REFUSED, SURVEY_REFUSED), SURVEY_NONE);
        ck_assert_int_eq(of(SURVEY_MISSING, SURVEY_MISSING, SURVEY_MISSING), SURVEY_NONE);
        ck_assert_int_eq(of(SURVEY_UNTRIED, SURVEY_UNTRIED, SURVEY_UNTRIED), SURVEY_UNKNOWN);
}
END_TEST

START_TEST(a_place_that_only_makes_names_certain_is_none_that_is_missed) {
        (void)of(SURVEY_WORKS, SURVEY_WORKS, SURVEY_REFUSED);
        hooks[2].role = HOOKS_EXTRA;
        for (size_t i = 0; i < ELEMENTSOF(hooks); i++)
                hooks[i].place = "tp/syscalls/sys_exit_openat";
        hooks[2].place = "fentry/security_path_unlink";
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_openat), SURVEY_WHOLE);
        ck_assert(!survey_is_resolved(&survey, WIRE_KIND_openat));
        hooks[2].state = SURVEY_SPARE;
        ck_assert(!survey_is_resolved(&survey, WIRE_KIND_openat));
        hooks[2].state = SURVEY_WORKS;
        ck_assert(survey_is_resolved(&survey, WIRE_KIND_openat));
        hooks[2].place = "lsm/inode_setxattr";
        ck_assert(!survey_is_resolved(&survey, WIRE_KIND_openat));
}
END_TEST

START_TEST(of_a_kind_that_only_has_places_that_may_be_missing_each_counts) {
        (void)of(SURVEY_WORKS, SURVEY_WORKS, SURVEY_WORKS);
        for (size_t i = 0; i < ELEMENTSOF(hooks); i++)
                hooks[i].role = HOOKS_EXTRA;
        ck_assert(survey_has_source(&survey, WIRE_KIND_openat));
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_openat), SURVEY_WHOLE);
        hooks[1].state = SURVEY_REFUSED;
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_openat), SURVEY_PART);
        hooks[0].state = hooks[2].state = SURVEY_REFUSED;
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_openat), SURVEY_NONE);
}
END_TEST

START_TEST(a_change_of_credentials_is_seen_as_well_as_the_calls_that_explain_it) {
        static const enum wire_kind kinds[] = {WIRE_KIND_setuid, WIRE_KIND_setgid, WIRE_KIND_capset,
                                               WIRE_KIND_unshare, WIRE_KIND_setns};
        struct survey_hook places[ELEMENTSOF(kinds)] = {};
        const struct survey five = {.hooks = places, .n_hooks = ELEMENTSOF(places)};

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                places[i] = (struct survey_hook){.kind = kinds[i], .state = SURVEY_WORKS};
        ck_assert_int_eq(survey_of_kind(&five, WIRE_KIND_credchange), SURVEY_WHOLE);
        ck_assert(survey_has_source(&five, WIRE_KIND_credchange));
        places[2].state = SURVEY_REFUSED;
        ck_assert_int_eq(survey_of_kind(&five, WIRE_KIND_credchange), SURVEY_PART);
        places[2].state = SURVEY_UNTRIED;
        ck_assert_int_eq(survey_of_kind(&five, WIRE_KIND_credchange), SURVEY_UNKNOWN);
}
END_TEST

START_TEST(a_way_around_the_calls_is_seen_from_both_ends_or_not_at_all) {
        (void)of(SURVEY_WORKS, SURVEY_MISSING, SURVEY_WORKS);
        for (size_t i = 0; i < ELEMENTSOF(hooks); i++)
                hooks[i].role = HOOKS_OF_URING;
        ck_assert_int_eq(survey_of_role(&survey, HOOKS_OF_URING), SURVEY_WHOLE);
        ck_assert_int_eq(survey_of_role(&survey, HOOKS_OF_COMPAT), SURVEY_NONE);
        hooks[2].state = SURVEY_REFUSED;
        ck_assert_int_eq(survey_of_role(&survey, HOOKS_OF_URING), SURVEY_NONE);
}
END_TEST

START_TEST(a_kind_without_any_place_is_seen_by_nothing) {
        (void)of(SURVEY_WORKS, SURVEY_WORKS, SURVEY_WORKS);
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_mmap), SURVEY_NONE);
        ck_assert(!survey_has_source(&survey, WIRE_KIND_mmap));
        ck_assert(survey_has_source(&survey, WIRE_KIND_openat));
        ck_assert(survey_has_source(&survey, WIRE_KIND_unit));
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_unit), SURVEY_NONE);
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_gap), SURVEY_WHOLE);
}
END_TEST

START_TEST(containers_are_seen_as_far_as_control_groups_are) {
        (void)of(SURVEY_WORKS, SURVEY_WORKS, SURVEY_WORKS);
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_container), SURVEY_NONE);
        hooks[1].kind = WIRE_KIND_cgroup;
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_container), SURVEY_WHOLE);
        hooks[1].state = SURVEY_REFUSED;
        ck_assert_int_eq(survey_of_kind(&survey, WIRE_KIND_container), SURVEY_NONE);
}
END_TEST

static void on_log(int level, const char *line, size_t n, void *userdata) {
}

START_TEST(a_survey_lists_every_place_whoever_asks) {
        struct survey *real;

        log_set_sink(on_log, NULL);
        ck_assert_int_eq(survey_new(&real), 0);
        ck_assert_uint_gt(real->n_hooks, 10);
        for (size_t i = 0; i < real->n_hooks; i++) {
                ck_assert_ptr_nonnull(real->hooks[i].place);
                ck_assert_int_eq(real->hooks[i].state == SURVEY_UNTRIED, real->error < 0);
                ck_assert_int_eq(real->hooks[i].state == SURVEY_REFUSED, real->hooks[i].error < 0);
        }
        ck_assert_int_eq(survey_of_kind(real, WIRE_KIND_execve), real->error < 0 ? SURVEY_UNKNOWN : SURVEY_WHOLE);
        survey_free(real);
}
END_TEST

UNIT_MAIN("capture/survey", a_kind_is_whole_if_no_place_is_refused,
          a_place_that_only_makes_names_certain_is_none_that_is_missed,
          of_a_kind_that_only_has_places_that_may_be_missing_each_counts,
          a_change_of_credentials_is_seen_as_well_as_the_calls_that_explain_it,
          a_way_around_the_calls_is_seen_from_both_ends_or_not_at_all, a_kind_without_any_place_is_seen_by_nothing,
          containers_are_seen_as_far_as_control_groups_are,
          a_survey_lists_every_place_whoever_asks)

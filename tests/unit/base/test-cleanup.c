/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "unit.h"

struct thing {
        int *n_freed;
};

static struct thing *thing_free(struct thing *thing) {
        if (thing)
                ++*thing->n_freed;
        return NULL;
}

DEFINE_CLEANUP(struct thing *, thing_free)

static struct thing *give(struct thing *thing, bool fail) {
        _cleanup_(thing_freep) struct thing *mine = thing;

        if (fail)
                return NULL;
        return TAKE_PTR(mine);
}

START_TEST(an_early_return_frees_and_a_gift_does_not) {
        int n_freed = 0;
        struct thing thing = {&n_freed};

        ck_assert_ptr_null(give(&thing, true));
        ck_assert_int_eq(n_freed, 1);
        ck_assert_ptr_eq(give(&thing, false), &thing);
        ck_assert_int_eq(n_freed, 1);
        ck_assert_ptr_null(give(NULL, true));
        ck_assert_int_eq(n_freed, 1);
}
END_TEST

static int open_and(bool keep) {
        _cleanup_(closep) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int number = fd;

        return keep ? TAKE_FD(fd) : number;
}

START_TEST(a_descriptor_is_closed_unless_it_was_taken) {
        int fd = open_and(false);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
        fd = open_and(true);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        ck_assert_int_eq(close_fd(fd), -1);
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(closing_keeps_errno) {
        errno = ENOENT;
        ck_assert_int_eq(close_fd(12345), -1);
        ck_assert_int_eq(close_fd(-1), -1);
        ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_structure_that_was_taken_leaves_zeroes) {
        struct thing thing = {.n_freed = (int[]){0}}, other;

        other = TAKE_STRUCT(thing);
        ck_assert_ptr_nonnull(other.n_freed);
        ck_assert_ptr_null(thing.n_freed);
}
END_TEST

UNIT_MAIN("base/cleanup",
          an_early_return_frees_and_a_gift_does_not,
          a_descriptor_is_closed_unless_it_was_taken,
          closing_keeps_errno,
          a_structure_that_was_taken_leaves_zeroes)

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

static char path[64];

START_TEST(it_is_the_first_of_the_service_managers_directories) {
        ck_assert_int_eq(setenv("STATE_DIRECTORY", "/var/lib/a", 1), 0);
        ck_assert_int_eq(state_path("ring", path, sizeof(path)), 1);
        ck_assert_str_eq(path, "/var/lib/a/ring");
        ck_assert_int_eq(setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1), 0);
        ck_assert_int_eq(state_path("ring", path, sizeof(path)), 1);
        ck_assert_str_eq(path, "/var/lib/a/ring");
}
END_TEST

START_TEST(an_empty_one_is_no_place) {
        static const char *const empty[] = {"", ":/var/lib/b"};

        for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
                ck_assert_int_eq(setenv("STATE_DIRECTORY", empty[i], 1), 0);
                ck_assert_int_eq(state_path("ring", path, sizeof(path)), 0);
                ck_assert_str_eq(path, "");
        }
}
END_TEST

START_TEST(without_it_is_ours_if_it_is_there) {
        unsetenv("STATE_DIRECTORY");
        if (access(STATE_DIRECTORY, W_OK) >= 0) {
                ck_assert_int_eq(state_path("ring", path, sizeof(path)), 1);
                ck_assert_str_eq(path, STATE_DIRECTORY "/ring");
        } else {
                ck_assert_int_eq(state_path("ring", path, sizeof(path)), 0);
                ck_assert_str_eq(path, "");
        }
}
END_TEST

START_TEST(a_name_without_room_is_none) {
        ck_assert_int_eq(setenv("STATE_DIRECTORY", "/var/lib/a", 1), 0);
        ck_assert_int_eq(state_path("ring", path, sizeof("/var/lib/a/ring") - 1), -ENAMETOOLONG);
        ck_assert_str_eq(path, "");
        ck_assert_int_eq(state_path("ring", path, sizeof("/var/lib/a/ring")), 1);
}
END_TEST

UNIT_MAIN("base/state",
          it_is_the_first_of_the_service_managers_directories,
          an_empty_one_is_no_place,
          without_it_is_ours_if_it_is_there,
          a_name_without_room_is_none)

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/breakglass.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#include "unit.h"

START_TEST(the_word_on_the_command_line_counts_when_it_stands_alone) {
        ck_assert_int_eq(breakglass_is_on_command_line("ro quiet execray.disarm\n"), 1);
        ck_assert_int_eq(breakglass_is_on_command_line("execray.disarm ro"), 1);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarm=1 quiet"), 1);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarm=please"), 1);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarm=0 quiet"), 0);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarm=no"), 0);
        ck_assert_int_eq(breakglass_is_on_command_line("ro noexecray.disarm"), 0);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarmed"), 0);
        ck_assert_int_eq(breakglass_is_on_command_line("ro execray.disarm=0 execray.disarm=1"), 1);
        ck_assert_int_eq(breakglass_is_on_command_line(""), 0);
}
END_TEST

START_TEST(three_bad_ends_within_ten_minutes_disarm_and_older_ones_do_not) {
        char directory[] = "/tmp/execray-breakglass-XXXXXX", path[64];
        uint64_t now = 1000 * NSEC_PER_SEC;
        int n;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        for (int i = 0; i < 3; i++) {
                n = breakglass_begin(directory, "core", now += NSEC_PER_MIN);
                ck_assert_int_eq(n, i);
                ck_assert_int_eq(breakglass_count(directory, "core", now), i);
                ck_assert_int_eq(breakglass_count(directory, "nobody", now), 0);
                ck_assert_ptr_null(breakglass_look(directory, n));
        }
        n = breakglass_begin(directory, "core", now += NSEC_PER_MIN);
        ck_assert_int_eq(n, 3);
        ck_assert_ptr_nonnull(strstr(breakglass_look(directory, n), "crashed"));
        /* Another process has a count of its own. */
        ck_assert_int_eq(breakglass_begin(directory, "respond", now), 0);
        n = breakglass_begin(directory, "core", now + 20 * NSEC_PER_MIN);
        ck_assert_int_eq(n, 0);
        snprintf(path, sizeof(path), "%s/alive-core", directory);
        ck_assert_int_eq(unlink(path), 0);
        snprintf(path, sizeof(path), "%s/alive-respond", directory);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_good_end_does_not_count) {
        char directory[] = "/tmp/execray-breakglass-XXXXXX", path[64];
        uint64_t now = 1000 * NSEC_PER_SEC;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        ck_assert_int_eq(breakglass_begin(directory, "core", now), 0);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(breakglass_begin(directory, "core", now += NSEC_PER_SEC), 1);
                ck_assert_int_eq(breakglass_end(directory, "core", now += NSEC_PER_SEC), 0);
        }
        snprintf(path, sizeof(path), "%s/alive-core", directory);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(breakglass_end(directory, "core", now), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_file_disarms) {
        char directory[] = "/tmp/execray-breakglass-XXXXXX", path[64];
        FILE *f;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        ck_assert_ptr_null(breakglass_look(directory, 0));
        snprintf(path, sizeof(path), "%s/disarm", directory);
        f = fopen(path, "we");
        ck_assert_ptr_nonnull(f);
        fclose(f);
        ck_assert_ptr_nonnull(strstr(breakglass_look(directory, 0), "'disarm'"));
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

UNIT_MAIN("action/breakglass", the_word_on_the_command_line_counts_when_it_stands_alone,
          three_bad_ends_within_ten_minutes_disarm_and_older_ones_do_not, a_good_end_does_not_count, a_file_disarms)

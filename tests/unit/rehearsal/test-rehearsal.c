/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/rehearsal.h"

#include <errno.h>

#include "play.h"
#include "unit.h"

static struct play play;

START_TEST(alert_is_kept_with_key_steps_and_captures_as_people_write_them) {
        const struct rehearsal_alert *alert;

        play_open(&play, "path \"p\" { openat { $f = pathname } unlink { pathname == $f } }",
                  "0s sh openat pathname=/a\n2s sh unlink pathname=/a\n", NULL);
        ck_assert_uint_eq(rehearsal_alerts(play.rehearsal)->n, 1);
        alert = &rehearsal_alerts(play.rehearsal)->items[0];
        ck_assert_str_eq(alert->path, "p");
        ck_assert_str_eq(alert->key, "tree:sh");
        ck_assert_uint_eq(alert->n_steps, 2);
        ck_assert_uint_eq(alert->steps[1].number, 2);
        ck_assert_uint_eq(alert->steps[1].first_ns, WORLD_START_NS + 2000000000);
        ck_assert_uint_eq(alert->n_captures, 1);
        ck_assert_str_eq(alert->captures[0].name, "$f");
        ck_assert_str_eq(alert->captures[0].text, "/a");
        ck_assert_ptr_null(rehearsal_account(play.rehearsal));
        play_close(&play);
}
END_TEST

START_TEST(account_of_a_path_that_is_not_there_is_refused) {
        const struct rehearsal_options options = {.account_of = "q"};
        struct rehearsal *rehearsal = NULL;

        play_open(&play, "path \"p\" { openat { } }", "0s sh openat\n", NULL);
        ck_assert_int_eq(rehearsal_new(play.program, &options, &rehearsal), -ENOENT);
        ck_assert_ptr_null(rehearsal);
        ck_assert_uint_eq(rehearsal_find_path(play.program, "p"), 0);
        ck_assert_uint_eq(rehearsal_find_path(play.program, "q"), PROGRAM_NONE);
        play_close(&play);
}
END_TEST

START_TEST(account_changes_no_alert) {
        const char *policy = "path \"p\" { suppress = 0s openat { $f = pathname } not chmod { pathname == $f } "
                             "unlink { pathname == $f } }";
        const char *events = "0s a openat pathname=/a\n0s a openat pathname=/b\n1s a chmod pathname=?\n"
                             "1s a chmod pathname=/b\n2s a unlink pathname=/a\n3s a unlink pathname=/b\n";

        for (unsigned round = 0; round < 2; round++) {
                play_open(&play, policy, events, round == 0 ? NULL : "p");
                ck_assert_uint_eq(rehearsal_alerts(play.rehearsal)->n, 1);
                ck_assert(rehearsal_alerts(play.rehearsal)->items[0].uncertain);
                ck_assert_str_eq(rehearsal_alerts(play.rehearsal)->items[0].captures[0].text, "/a");
                play_close(&play);
        }
}
END_TEST

UNIT_MAIN("rehearsal/rehearsal",
          alert_is_kept_with_key_steps_and_captures_as_people_write_them,
          account_of_a_path_that_is_not_there_is_refused,
          account_changes_no_alert)

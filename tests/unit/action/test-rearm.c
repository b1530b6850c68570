/* SPDX-License-Identifier: Apache-2.0 */
#include "action/rearm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

#include "lab.h"
#include "unit.h"

static void note(const char *policy, void *userdata) {
        strbuf_printf(userdata, "%s;", policy);
}

START_TEST(what_was_asked_for_is_taken_once) {
        char directory[] = "/tmp/execray-rearm-XXXXXX";
        struct strbuf b = {};

        ck_assert_ptr_nonnull(mkdtemp(directory));
        ck_assert_int_eq(rearm_take(directory, note, &b), 0);
        ck_assert_int_eq(rearm_ask(directory, "shell"), 0);
        ck_assert_int_eq(rearm_ask(directory, "a name"), 0);
        ck_assert_int_eq(rearm_ask(directory, ""), -EINVAL);
        ck_assert_int_eq(rearm_ask(directory, "a\nb"), -EINVAL);
        ck_assert_int_eq(rearm_is_taken(directory), 0);
        ck_assert_int_eq(rearm_take(directory, note, &b), 2);
        ck_assert_str_eq(strbuf_str(&b), "shell;a name;");
        ck_assert_int_eq(rearm_is_taken(directory), 1);
        ck_assert_int_eq(rearm_take(directory, note, &b), 0);

        ck_assert_int_eq(rearm_ask(directory, "gone"), 0);
        ck_assert_int_eq(rearm_withdraw(directory), 0);
        ck_assert_int_eq(rearm_take(directory, note, &b), 0);
        ck_assert_int_eq(rearm_ask("/nowhere", "x"), -ENOENT);
        strbuf_done(&b);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(what_others_could_have_written_is_not_believed) {
        char directory[] = "/tmp/execray-rearm-XXXXXX", path[64];
        struct strbuf b = {};

        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/rearm", directory);
        ck_assert_int_eq(rearm_ask(directory, "shell"), 0);
        ck_assert_int_eq(chmod(path, 0666), 0);
        ck_assert_int_lt(rearm_take(directory, note, &b), 0);
        ck_assert_uint_eq(b.n, 0);
        ck_assert_int_eq(rearm_is_taken(directory), 1);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_policy_that_a_storm_has_disarmed_is_armed_again) {
        struct action_policy *policy;
        struct lab lab;

        lab_init(&lab, NULL);
        policy = calloc(1, sizeof(*policy) + sizeof("shell"));
        strcpy(policy->name, "shell");
        policy->disarmed = true;
        ck_assert_int_eq(hashmap_put_str(&lab.actions->policies, policy->name, policy), 0);
        (void)mkdir(lab.runtime, 0755);
        ck_assert_int_eq(rearm_ask(lab.runtime, "other"), 0);
        actions_tick(lab.actions, 1);
        ck_assert(actions_is_policy_disarmed(lab.actions, "shell"));
        ck_assert_int_eq(rearm_ask(lab.runtime, "shell"), 0);
        actions_tick(lab.actions, 2);
        ck_assert(!actions_is_policy_disarmed(lab.actions, "shell"));
        lab_done(&lab);
}
END_TEST

UNIT_MAIN("action/rearm", what_was_asked_for_is_taken_once, what_others_could_have_written_is_not_believed,
          a_policy_that_a_storm_has_disarmed_is_armed_again)

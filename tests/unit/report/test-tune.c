/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tune.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/strbuf.h"
#include "report/alert-record.h"

#include "unit.h"

static struct tune *tune;
static struct tune_policy *policies;
static size_t n_policies;

static struct alert_record alert_of(const char *exe, const char *parent, const char *unit, int64_t uid,
                                    const char *file) {
        return (struct alert_record){.policy = "p", .severity = "medium", .exe = exe, .parent = parent, .unit = unit,
                                     .uid = uid, .file_field = file ? "pathname" : NULL, .file = file, .repeats = 1};
}

static void begin(void) {
        ck_assert_int_eq(tune_new(3, &tune), 0);
}

static void add(const char *exe, const char *parent, const char *unit, int64_t uid, const char *file) {
        struct alert_record record = alert_of(exe, parent, unit, uid, file);

        ck_assert_int_eq(tune_add(tune, &record), 0);
}

static const struct tune_policy *propose(void) {
        ck_assert_int_eq(tune_propose(tune, &policies, &n_policies), 0);
        return policies;
}

START_TEST(alerts_that_agree_in_everything_are_one_exception_and_the_rest_remains) {
        const struct tune_policy *p;

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/a", "/bin/b", "a.service", 0, NULL);
        add("/bin/a", "/bin/evil", "a.service", 0, NULL);
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 1);
        ck_assert_str_eq(p->exceptions[0].traits[TUNE_EXE], "/bin/a");
        ck_assert_str_eq(p->exceptions[0].traits[TUNE_PARENT], "/bin/b");
        ck_assert_str_eq(p->exceptions[0].traits[TUNE_UNIT], "a.service");
        ck_assert_str_eq(p->exceptions[0].traits[TUNE_UID], "0");
        ck_assert(!p->exceptions[0].outside);
        ck_assert_uint_eq(p->n_alerts, 4);
        ck_assert_uint_eq(p->n_hidden, 3);
        tune_free(tune);
}
END_TEST

START_TEST(what_differs_is_not_asked_for) {
        const struct tune_policy *p;

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/a", "/bin/b", "a.service", 1000 + i, NULL);
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 1);
        ck_assert_ptr_null(p->exceptions[0].traits[TUNE_UID]);
        ck_assert_str_eq(p->exceptions[0].traits[TUNE_UNIT], "a.service");
        tune_free(tune);
}
END_TEST

START_TEST(an_image_alone_is_no_exception_without_files_that_lie_together) {
        static const char *const parents[] = {"/bin/x", "/bin/y", "/bin/z"};
        const struct tune_policy *p;

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/a", parents[i], NULL, 1000 + i, NULL);
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        tune_free(tune);

        begin();
        for (int i = 0; i < 3; i++) {
                char file[32];

                snprintf(file, sizeof(file), "/srv/data/f%d", i);
                add("/bin/a", parents[i], NULL, 1000 + i, file);
        }
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 1);
        ck_assert_str_eq(p->exceptions[0].file_field, "pathname");
        ck_assert_uint_eq(p->exceptions[0].file_length, strlen("/srv/data/"));
        ck_assert(!p->exceptions[0].file_whole && p->exceptions[0].outside);
        tune_free(tune);
}
END_TEST

START_TEST(one_file_is_named_whole_and_the_root_is_no_prefix) {
        const struct tune_policy *p;

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/a", "/bin/b", "a.service", 0, "/etc/shadow");
        p = propose();
        ck_assert(p->exceptions[0].file_whole);
        tune_free(tune);

        begin();
        add("/bin/a", "/bin/b", "a.service", 0, "/etc/shadow");
        add("/bin/a", "/bin/b", "a.service", 0, "/var/x");
        add("/bin/a", "/bin/b", "a.service", 0, "/var/y");
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 1);
        ck_assert_ptr_null(p->exceptions[0].file_field);
        tune_free(tune);
}
END_TEST

START_TEST(a_prefix_ends_with_a_directory_and_hides_nothing_beside_it) {
        const struct tune_policy *p;

        begin();
        add("/bin/a", "/bin/b", "a.service", 0, "/srv/data1/a");
        add("/bin/a", "/bin/b", "a.service", 0, "/srv/data1/b");
        add("/bin/a", "/bin/b", "a.service", 0, "/srv/data1");
        p = propose();
        ck_assert_uint_eq(p->exceptions[0].file_length, strlen("/srv/"));
        ck_assert_uint_eq(p->n_hidden, 3);
        tune_free(tune);
}
END_TEST

START_TEST(images_that_are_odd_or_in_containers_make_no_exception) {
        begin();
        for (int i = 0; i < 3; i++) {
                struct alert_record odd = alert_of("/bin/a", "/bin/b", "a.service", 0, NULL), contained = odd;

                odd.odd_image = true;
                contained.contained = true;
                ck_assert_int_eq(tune_add(tune, &odd), 0);
                ck_assert_int_eq(tune_add(tune, &contained), 0);
        }
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        ck_assert_uint_eq(policies->n_alerts, 6);
        tune_free(tune);
}
END_TEST

START_TEST(an_exception_without_a_unit_hides_nothing_in_containers) {
        struct alert_record contained = alert_of("/bin/a", "/bin/b", NULL, 0, NULL);

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/a", "/bin/b", NULL, 0, NULL);
        contained.contained = true;
        ck_assert_int_eq(tune_add(tune, &contained), 0);
        ck_assert_uint_eq(propose()->n_hidden, 3);
        ck_assert_uint_eq(policies->n_alerts, 4);
        tune_free(tune);
}
END_TEST

START_TEST(repeats_count_as_alerts) {
        struct alert_record summary = alert_of("/bin/a", "/bin/b", "a.service", 0, NULL);

        begin();
        summary.repeats = UINT32_MAX;
        ck_assert_int_eq(tune_add(tune, &summary), 0);
        ck_assert_int_eq(tune_add(tune, &summary), 0);
        ck_assert_uint_eq(propose()->n_hidden, 2 * (uint64_t)UINT32_MAX);
        tune_free(tune);
}
END_TEST

START_TEST(to_silence_all_of_a_severe_policy_is_grave) {
        static const struct {
                const char *severity;
                bool grave;
        } cases[] = {{"medium", false}, {"high", true}, {"critical", true}, {NULL, true}, {"no such", true}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct alert_record alert = alert_of("/bin/a", "/bin/b", "a.service", 0, NULL);
                _cleanup_(strbuf_done) struct strbuf b = {};

                begin();
                alert.severity = cases[i].severity;
                for (int k = 0; k < 3; k++)
                        ck_assert_int_eq(tune_add(tune, &alert), 0);
                ck_assert_int_eq(tune_policy_is_grave(propose()), cases[i].grave);
                tune_put_policy(tune, policies, &b);
                ck_assert_int_eq(!!strstr(strbuf_str(&b), "EVERYTHING"), cases[i].grave);
                tune_free(tune);
        }
}
END_TEST

START_TEST(a_policy_has_only_so_many_exceptions_the_largest_first) {
        begin();
        for (int64_t uid = 0; uid < TUNE_MAX_EXCEPTIONS + 4; uid++)
                for (int i = 0; i < 3 + (uid == 18); i++) {
                        char unit[32];

                        snprintf(unit, sizeof(unit), "u%d.service", (int)uid);
                        add("/bin/a", "/bin/b", unit, uid, NULL);
                }
        ck_assert_uint_eq(propose()->n_exceptions, TUNE_MAX_EXCEPTIONS);
        ck_assert(policies->more);
        ck_assert_str_eq(policies->exceptions[0].traits[TUNE_UNIT], "u18.service");
        ck_assert_uint_eq(policies->exceptions[0].n_hidden, 4);
        tune_free(tune);
}
END_TEST

START_TEST(names_that_would_break_out_of_their_quotes_do_not) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        begin();
        for (int i = 0; i < 3; i++)
                add("/bin/\"} }\n", "/bin/\xe2\x80\xae", "a\\x2db.service", 0, NULL);
        tune_put_policy(tune, propose(), &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "proc.exe == \"/bin/\\\"} }\\x0a\"\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "parent.exe == \"/bin/\\xe2\\x80\\xae\"\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "proc.unit == \"a\\\\x2db.service\"\n"));
        tune_free(tune);
}
END_TEST

START_TEST(fewer_alerts_than_are_noise_propose_nothing_and_policies_are_apart) {
        struct alert_record other = alert_of("/bin/a", "/bin/b", "a.service", 0, NULL);

        begin();
        add("/bin/a", "/bin/b", "a.service", 0, NULL);
        add("/bin/a", "/bin/b", "a.service", 0, NULL);
        other.policy = "a";
        ck_assert_int_eq(tune_add(tune, &other), 0);
        (void)propose();
        ck_assert_uint_eq(n_policies, 2);
        ck_assert_str_eq(policies[0].name, "a");
        ck_assert_uint_eq(policies[0].n_exceptions + policies[1].n_exceptions, 0);
        tune_free(tune);
}
END_TEST

static int tune_once(void *userdata) {
        _cleanup_(tune_freep) struct tune *t = NULL;
        struct alert_record record = alert_of("/bin/a", "/bin/b", "a.service", 0, "/srv/a");
        int r;

        (void)userdata;
        r = tune_new(3, &t);
        for (int i = 0; i < 4 && r >= 0; i++)
                r = tune_add(t, &record);
        return r >= 0 ? tune_propose(t, &policies, &n_policies) : r;
}

START_TEST(whichever_allocation_fails_nothing_leaks) {
        ck_assert_uint_ge(alloc_fail_sweep(tune_once, NULL), 5);
}
END_TEST

UNIT_MAIN("report/tune", alerts_that_agree_in_everything_are_one_exception_and_the_rest_remains,
          what_differs_is_not_asked_for, an_image_alone_is_no_exception_without_files_that_lie_together,
          one_file_is_named_whole_and_the_root_is_no_prefix, a_prefix_ends_with_a_directory_and_hides_nothing_beside_it,
          images_that_are_odd_or_in_containers_make_no_exception,
          an_exception_without_a_unit_hides_nothing_in_containers, repeats_count_as_alerts,
          to_silence_all_of_a_severe_policy_is_grave, a_policy_has_only_so_many_exceptions_the_largest_first,
          names_that_would_break_out_of_their_quotes_do_not,
          fewer_alerts_than_are_noise_propose_nothing_and_policies_are_apart,
          whichever_allocation_fails_nothing_leaks)

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
        return (struct alert_record){.policy = "p",
                                     .severity = "medium",
                                     .exe = exe,
                                     .parent = parent,
                                     .unit = unit,
                                     .uid = uid,
                                     .login = ALERT_RECORD_NO_LOGIN,
                                     .file_field = file ? "pathname" : NULL,
                                     .file = file,
                                     .repeats = 1};
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
        ck_assert_int_eq(p->exceptions[0].varied, _TUNE_TRAIT_MAX);
        ck_assert_uint_eq(p->n_alerts, 4);
        ck_assert_uint_eq(p->n_hidden, 3);
        tune_free(tune);
}
END_TEST

START_TEST(users_that_differ_are_named_one_by_one_and_many_of_them_not_at_all) {
        const struct tune_policy *p;

        begin();
        for (int i = 0; i < TUNE_MAX_VALUES; i++)
                add("/usr/bin/a", "/bin/b", "a.service", 1000 + i, NULL);
        add("/usr/bin/a", "/bin/b", "a.service", 0, NULL);
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 0);
        tune_free(tune);

        begin();
        for (int i = 0; i < TUNE_MAX_VALUES; i++)
                add("/usr/bin/a", "/bin/b", "a.service", 1000 + i, NULL);
        p = propose();
        ck_assert_uint_eq(p->n_exceptions, 1);
        ck_assert_int_eq(p->exceptions[0].varied, TUNE_UID);
        ck_assert_uint_eq(p->exceptions[0].n_values, TUNE_MAX_VALUES);
        ck_assert_str_eq(p->exceptions[0].values[0], "1000");
        tune_free(tune);
}
END_TEST

START_TEST(an_image_alone_is_no_exception_even_where_its_files_lie_together) {
        static const char *const parents[] = {"/bin/x", "/bin/y", "/bin/z"};

        begin();
        for (int i = 0; i < 3; i++) {
                char file[32];

                snprintf(file, sizeof(file), "/srv/data/f%d", i);
                add("/bin/a", parents[i], "a.service", 1000 + i, file);
        }
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        tune_free(tune);
}
END_TEST

START_TEST(few_files_are_named_and_many_are_a_directory_that_is_deep_enough) {
        static const struct {
                const char *file;       /* with a number */
                const char *directory;  /* NULL: no exception */
        } cases[] = {
                {"/srv/data/x/f%d", "/srv/data/x/"}, {"/srv/f%d", NULL},
                {"/etc/f%d", NULL},                  {"/etc/cron.d/f%d", NULL},
                {"/home/u%d/.bashrc", NULL},         {"/home/alice/f%d", NULL},
                {"/home/alice/.ssh/f%d", NULL},      {"/home/alice/work/f%d", "/home/alice/work/"},
                {"/var/lib/f%d", NULL},              {"/var/lib/a/f%d", "/var/lib/a/"},
                {"/proc/%d/environ", NULL},          {"/usr/bin/f%d", NULL},
                {"/f%d", NULL},                      {"/var/www/p%d/index.html", NULL},
        };

        for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                const struct tune_policy *p;

                begin();
                for (int i = 0; i <= TUNE_MAX_FILES; i++) {
                        char file[64];

                        snprintf(file, sizeof(file), cases[k].file, i);
                        add("/usr/bin/a", "/usr/bin/b", "a.service", 0, file);
                }
                p = propose();
                ck_assert_msg(p->n_exceptions == (cases[k].directory ? 1 : 0), "%s", cases[k].file);
                if (cases[k].directory)
                        ck_assert_uint_eq(p->exceptions[0].directory_length, strlen(cases[k].directory));
                tune_free(tune);
        }

        begin();
        for (int i = 0; i < 3; i++)
                add("/usr/bin/a", "/usr/bin/b", "a.service", 0, i ? "/home/alice/.profile" : "/home/bob/.profile");
        ck_assert_uint_eq(propose()->exceptions[0].n_files, 2);
        ck_assert_uint_eq(policies->exceptions[0].directory_length, 0);
        tune_free(tune);
}
END_TEST

START_TEST(many_files_in_two_directories_are_two_exceptions) {
        begin();
        for (int i = 0; i < 2 * TUNE_MAX_FILES; i++) {
                char file[64];

                snprintf(file, sizeof(file), "/home/%s/work/f%d", i % 2 ? "alice" : "bob", i);
                add("/usr/bin/a", "/usr/bin/b", "a.service", 0, file);
        }
        add("/usr/bin/a", "/usr/bin/b", "a.service", 0, "/home/carol/work/x");
        ck_assert_uint_eq(propose()->n_exceptions, 2);
        ck_assert_uint_eq(policies->n_hidden, 2 * TUNE_MAX_FILES);
        tune_free(tune);
}
END_TEST

START_TEST(what_is_not_known_for_certain_makes_no_exception) {
        begin();
        for (int i = 0; i < 3; i++) {
                struct alert_record records[7];

                for (size_t k = 0; k < ELEMENTSOF(records); k++)
                        records[k] = alert_of("/bin/a", "/bin/b", "a.service", 0, NULL);
                records[0].odd_image = true;
                records[1].contained = true;
                records[2].file_unclear = true;
                records[3].parent = NULL;
                records[4].unit = NULL;
                records[5].uid = -1;
                records[6].login = ALERT_RECORD_LOGIN_UNKNOWN;
                for (size_t k = 0; k < ELEMENTSOF(records); k++)
                        ck_assert_int_eq(tune_add(tune, records + k), 0);
        }
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        ck_assert_uint_eq(policies->n_alerts, 21);
        tune_free(tune);
}
END_TEST

START_TEST(programs_in_public_places_make_no_exception) {
        begin();
        for (int i = 0; i < 3; i++) {
                add("/tmp/a", "/bin/b", "a.service", 0, NULL);
                add("/bin/a", "/dev/shm/b", "a.service", 0, NULL);
                add("/bin/a", "/run/user/1000/b", "a.service", 0, NULL);
        }
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        tune_free(tune);
}
END_TEST

START_TEST(an_interpreter_needs_its_script_or_its_file) {
        static const struct {
                const char *exe, *args, *file, *field;
                bool narrow;
        } cases[] = {
                {"/usr/bin/python3.11", NULL, NULL, NULL, false},
                {"/usr/bin/python3.11", "python3", NULL, NULL, false},
                {"/usr/bin/bash", "-bash", NULL, NULL, false},
                {"/usr/bin/python3.11", "python3 manage.py", NULL, NULL, false},
                {"/usr/bin/python3.11", "python3 /tmp/x.py", NULL, NULL, false},
                {"/usr/bin/python3.11", "python3 -u /opt/site/x.py", NULL, NULL, true},
                {"/usr/bin/dash", "sh -c echo ok", NULL, NULL, true},
                {"/usr/bin/dash", "sh", "/bin/sh", "filename", false},
                {"/usr/bin/dash", "sh", "/tmp/x", "filename", false},
                {"/usr/bin/dash", "sh", "/opt/site/x", "filename", true},
                {"/usr/bin/dash", "sh", "/etc/shadow", "pathname", true},
                {"/usr/bin/rsync", NULL, NULL, NULL, true},
        };

        for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                struct alert_record record = alert_of(cases[k].exe, "/bin/b", "", 0, cases[k].file);

                record.args = cases[k].args;
                record.file_field = cases[k].field;
                begin();
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(tune_add(tune, &record), 0);
                ck_assert_msg(propose()->n_exceptions == cases[k].narrow, "%s %s", cases[k].exe,
                              cases[k].args ?: "");
                tune_free(tune);
        }
}
END_TEST

START_TEST(the_name_that_a_program_was_run_by_is_not_said_twice) {
        struct alert_record record = alert_of("/usr/bin/a", "/bin/b", "a.service", 0, "/usr/bin/a");

        record.file_field = "filename";
        begin();
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(tune_add(tune, &record), 0);
        ck_assert_uint_eq(propose()->n_exceptions, 1);
        ck_assert_uint_eq(policies->exceptions[0].n_files, 0);
        tune_free(tune);
}
END_TEST

START_TEST(arguments_that_were_the_same_are_asked_for_first) {
        struct alert_record record = alert_of("/usr/bin/a", "/bin/b", "a.service", 0, NULL);

        begin();
        record.args = "a nightly";
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(tune_add(tune, &record), 0);
        record.args = "a http://203.0.113.9/x";
        ck_assert_int_eq(tune_add(tune, &record), 0);
        ck_assert_uint_eq(propose()->n_exceptions, 1);
        ck_assert_uint_eq(policies->n_hidden, 3);
        ck_assert_str_eq(policies->exceptions[0].traits[TUNE_ARGS], "a nightly");
        tune_free(tune);
}
END_TEST

START_TEST(logins_of_one_user_are_one_unit_and_of_two_users_two) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        begin();
        for (int i = 0; i < 6; i++) {
                char unit[32];
                struct alert_record record = alert_of("/usr/bin/a", "/bin/b", unit, 0, NULL);

                snprintf(unit, sizeof(unit), "session-%s%d.scope", i % 3 ? "" : "c", i);
                record.login = 1000 + i / 5;
                ck_assert_int_eq(tune_add(tune, &record), 0);
        }
        ck_assert_uint_eq(propose()->n_exceptions, 1);
        ck_assert_uint_eq(policies->n_hidden, 5);
        tune_put_policy(tune, policies, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "proc.unit glob \"session-*.scope\"\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "proc.loginuid == 1000\n"));
        tune_free(tune);

        /* No name of a unit is a pattern. */
        begin();
        for (int i = 0; i < 3; i++)
                add("/usr/bin/a", "/bin/b", "session-*.scope", 0, NULL);
        ck_assert_uint_eq(propose()->n_exceptions, 0);
        tune_free(tune);
}
END_TEST

START_TEST(a_policy_that_gets_no_exception_puts_none) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        begin();
        for (int i = 0; i < 3; i++)
                add("/tmp/a", "/bin/b", "a.service", 0, NULL);
        tune_put_policy(tune, propose(), &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "path \""));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "a program in a public place"));
        tune_free(tune);
}
END_TEST

/* What can stand in a name, written so that the drop-in must say it as one string. */
START_TEST(names_that_would_break_out_of_their_quotes_do_not) {
        static const char *const hostile[] = {
                "/srv/\"} }\n",
                "/srv/\xe2\x80\xae",
                "/srv/a\nb: c\n- d",
                "/srv/\" or proc.uid == 0 or pathname == \"",
                "/srv/# comment",
                "/srv/// comment",
                "/srv/*",
                "/srv/[a-z]**",
                "/srv/$file",
                "/srv/\\",
                "/srv/\\\"",
                "/srv/%s%n",
                "/srv/'",
                "/srv/\r\n    except { proc.uid >= 0 }\n}",
                "/srv/\x1b[2J",
                "/srv/\x7f\x01\xff",
                "/srv/]\" in [",
        };

        for (size_t k = 0; k < ELEMENTSOF(hostile); k++) {
                struct alert_record record = alert_of(hostile[k], hostile[k], hostile[k], 0, hostile[k]);
                _cleanup_(strbuf_done) struct strbuf b = {};
                        size_t n_lines = 0;

                record.args = hostile[k];
                record.policy = hostile[k];
                begin();
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(tune_add(tune, &record), 0);
                tune_put_policy(tune, propose(), &b);
                if (strchr(hostile[k], '*')) { /* no name of a unit */
                        ck_assert_uint_eq(policies->n_exceptions, 0);
                        tune_free(tune);
                        continue;
                }
                ck_assert_uint_eq(policies->n_exceptions, 1);
                for (const char *line = strbuf_str(&b); *line; line = strchrnul(line, '\n')) {
                        line += *line == '\n';
                        n_lines += *line != 0;
                }
                ck_assert_msg(n_lines == 14, "%zu lines:\n%s", n_lines, strbuf_str(&b));
                for (size_t i = 0; i < b.n; i++)
                        ck_assert(b.data[i] == '\n' || (b.data[i] >= 0x20 && b.data[i] != 0x7f));
                tune_free(tune);
        }
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
          users_that_differ_are_named_one_by_one_and_many_of_them_not_at_all,
          an_image_alone_is_no_exception_even_where_its_files_lie_together,
          few_files_are_named_and_many_are_a_directory_that_is_deep_enough,
          many_files_in_two_directories_are_two_exceptions, what_is_not_known_for_certain_makes_no_exception,
          programs_in_public_places_make_no_exception, an_interpreter_needs_its_script_or_its_file,
          the_name_that_a_program_was_run_by_is_not_said_twice, arguments_that_were_the_same_are_asked_for_first,
          logins_of_one_user_are_one_unit_and_of_two_users_two, a_policy_that_gets_no_exception_puts_none,
          names_that_would_break_out_of_their_quotes_do_not, repeats_count_as_alerts,
          to_silence_all_of_a_severe_policy_is_grave, a_policy_has_only_so_many_exceptions_the_largest_first,
          fewer_alerts_than_are_noise_propose_nothing_and_policies_are_apart, whichever_allocation_fails_nothing_leaks)

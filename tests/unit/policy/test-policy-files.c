/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy-files.h"

#include "files.h"

/* What was found in three places, "etc", "run" and "usr", as lines "path state [of path]", and the messages. */
static void expect_origins(const char *expected, const char *messages) {
        static const char *const places[] = {"etc", "run", "usr"};
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;
        char *text;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_load(places, ELEMENTSOF(places), NULL, &diags, &set);
        ARRAY_FOREACH(d, &diags.list)
                strbuf_printf(&b, "%s: %s: %s\n", d->span.file, diag_severity_to_string(d->severity), d->text);
        ck_assert_str_eq(strbuf_str(&b), messages);
        ck_assert_int_eq(r, diags.n_errors > 0 ? -EBADMSG : 0);
        strbuf_truncate(&b, 0);

        for (const struct policy_origin *o = set->origins; o; o = o->next) {
                strbuf_printf(&b, "%s %s", o->path, policy_origin_state_to_string(o->state));
                if (o->masked_by)
                        strbuf_printf(&b, " by %s", o->masked_by->path);
                if (o->extends)
                        strbuf_printf(&b, " extends %s", o->extends->path);
                strbuf_put_char(&b, '\n');
                ck_assert_int_eq(!o->file, o->state != POLICY_ORIGIN_USED);
                ck_assert_int_eq(strncmp(o->path, o->place, strlen(o->place)), 0);
        }
        ck_assert_int_eq(strbuf_take(&b, &text), 0);
        ck_assert_str_eq(text, expected);
        free(text);
        policy_set_free(set);
        diag_set_done(&diags);
}

static void make_places(void) {
        mkdir("etc", 0755);
        mkdir("run", 0755);
        mkdir("usr", 0755);
        mkdir("usr/exec", 0755);
        put_file("usr/exec/shell.policy", "shell");
        put_file("usr/other.policy", "other");
}

START_TEST(what_masks_what_is_remembered) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        make_places();
        mkdir("run/exec", 0755);
        put_file("run/exec/shell.policy", "shell");
        mkdir("etc/exec", 0755);
        put_file("etc/exec/shell.policy", "shell");
        ck_assert_int_eq(symlink("/dev/null", "run/other.policy"), 0);
        put_text("run/other.policy.extra", "not a policy");
        expect_origins("etc/exec/shell.policy used\n"
                       "run/exec/shell.policy masked by etc/exec/shell.policy\n"
                       "run/other.policy off\n"
                       "usr/exec/shell.policy masked by etc/exec/shell.policy\n"
                       "usr/other.policy masked by run/other.policy\n",
                       "");
}
END_TEST

START_TEST(drop_ins_of_all_places_extend_the_one_that_stands) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        make_places();
        mkdir("usr/exec/shell.policy.d", 0755);
        put_text("usr/exec/shell.policy.d/10.conf", "except { failed }");
        put_text("usr/exec/shell.policy.d/20.conf", "except { failed }");
        put_text("usr/exec/shell.policy.d/30.conf", "except { failed }");
        put_text("usr/exec/shell.policy.d/README", "no drop-in");
        mkdir("etc/exec", 0755);
        mkdir("etc/exec/shell.policy.d", 0755);
        put_text("etc/exec/shell.policy.d/20.conf", "except { proc.uid == 0 }");
        ck_assert_int_eq(symlink("/dev/null", "etc/exec/shell.policy.d/30.conf"), 0);
        expect_origins("etc/exec/shell.policy.d/20.conf used extends usr/exec/shell.policy\n"
                       "etc/exec/shell.policy.d/30.conf off\n"
                       "usr/exec/shell.policy used\n"
                       "usr/exec/shell.policy.d/10.conf used extends usr/exec/shell.policy\n"
                       "usr/exec/shell.policy.d/20.conf masked by etc/exec/shell.policy.d/20.conf\n"
                       "usr/exec/shell.policy.d/30.conf masked by etc/exec/shell.policy.d/30.conf\n"
                       "usr/other.policy used\n",
                       "");
}
END_TEST

START_TEST(drop_ins_of_what_is_not_there_rest) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        make_places();
        mkdir("usr/exec/shell.policy.d", 0755);
        put_text("usr/exec/shell.policy.d/10.conf", "this is not looked at");
        mkdir("etc/exec", 0755);
        ck_assert_int_eq(symlink("/dev/null", "etc/exec/shell.policy"), 0);
        mkdir("run/shell.policy.d", 0755);
        put_text("run/shell.policy.d/10.conf", "nor is this");
        expect_origins("etc/exec/shell.policy off\n"
                       "run/shell.policy.d/10.conf idle\n"
                       "usr/exec/shell.policy masked by etc/exec/shell.policy\n"
                       "usr/exec/shell.policy.d/10.conf idle extends etc/exec/shell.policy\n"
                       "usr/other.policy used\n",
                       "run/shell.policy.d/10.conf: warning: there is no 'shell.policy' that this could extend\n");
}
END_TEST

START_TEST(drop_ins_are_trusted_as_policies_are) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        make_places();
        mkdir("usr/other.policy.d", 0755);
        put_text("usr/other.policy.d/10.conf", "except { failed }");
        chmod("usr/other.policy.d/10.conf", 0666);
        ck_assert_int_eq(symlink("10.conf", "usr/other.policy.d/20.conf"), 0);
        mkdir("etc/other.policy.d", 0755);
        put_text("etc/other.policy.d/30.conf", "except { failed }");
        chmod("etc/other.policy.d", 0777);
        {
                static const char *const places[] = {"etc", "usr"};
                struct policy_set *set = NULL;
                struct strbuf b = {};
                struct diag_set diags;

                diag_set_init(&diags, 0);
                ck_assert_int_eq(policy_set_load(places, 2, NULL, &diags, &set), -EBADMSG);
                ARRAY_FOREACH(d, &diags.list)
                        strbuf_printf(&b, "%s: %s\n", d->span.file, d->text);
                ck_assert_str_eq(
                        strbuf_str(&b),
                        "etc/other.policy.d: is writable by everybody: it is not trusted and nothing in it is read\n"
                        "usr/other.policy.d/10.conf: is writable by everybody: it is not trusted and nothing in it is "
                        "read\n"
                        "usr/other.policy.d/20.conf: a symbolic link: policies are opened without following "
                        "links\n");
                strbuf_done(&b);
                policy_set_free(set);
                diag_set_done(&diags);
        }
}
END_TEST

START_TEST(what_lies_among_drop_ins_by_mistake_is_told) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        make_places();
        mkdir("usr/other.policy.d", 0755);
        mkdir("usr/other.policy.d/sub", 0755);
        put_file("usr/other.policy.d/local.policy", "x");
        expect_origins(
                "usr/exec/shell.policy used\nusr/other.policy used\n",
                "usr/other.policy.d/local.policy: warning: this is not read: the name of a drop-in ends in '.conf'\n"
                "usr/other.policy.d/sub: warning: a directory among drop-ins is not looked at\n");
}
END_TEST

UNIT_MAIN("policy/policy-files", what_masks_what_is_remembered, drop_ins_of_all_places_extend_the_one_that_stands,
          drop_ins_of_what_is_not_there_rest, drop_ins_are_trusted_as_policies_are,
          what_lies_among_drop_ins_by_mistake_is_told)

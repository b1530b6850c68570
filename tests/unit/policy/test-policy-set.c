/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy-set.h"

#include "files.h"

/* Load these places: the answer, the paths that were found, and the messages as "file: text" lines. */
#define PLACES(...) ((const char *const[]){__VA_ARGS__}), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)
static void expect_load(const char *const *places, size_t n, const struct policy_options *options, int answer,
                        const char *names, const char *messages) {
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;
        char *found;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_load(places, n, options, &diags, &set);
        diag_set_sort(&diags);
        ARRAY_FOREACH(d, &diags.list)
                strbuf_printf(&b, "%s: %s: %s\n", d->span.file ? d->span.file : "",
                              diag_severity_to_string(d->severity), d->text);
        ck_assert_str_eq(strbuf_str(&b), messages);
        ck_assert_int_eq(r, answer);
        found = names_of(set);
        ck_assert_str_eq(found ? found : "", names);

        free(found);
        policy_set_free(set);
        strbuf_done(&b);
        diag_set_done(&diags);
}

START_TEST(a_directory_is_searched_at_all_levels) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        mkdir("d", 0755);
        mkdir("d/sub", 0755);
        mkdir("d/sub/sub", 0755);
        put_file("d/2.policy", "b");
        put_file("d/1.policy", "c");
        put_file("d/sub/sub/x.policy", "a");
        put_text("d/README.md", "no policy");
        put_text("d/.hidden.policy", "no policy");
        put_text("d/x.policy~", "no policy");
        expect_load(PLACES("d"), NULL, 0, "a b c", "");
        expect_load(PLACES("d/"), NULL, 0, "a b c", "");
}
END_TEST

START_TEST(a_file_can_be_named_by_itself_whatever_its_name) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        put_file("x.policy", "a");
        put_file("y", "b");
        expect_load(PLACES("x.policy", "y"), NULL, 0, "a b", "");
}
END_TEST

START_TEST(an_earlier_directory_masks_files_of_the_same_name) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_set *set = NULL;

        mkdir("etc", 0755);
        mkdir("usr", 0755);
        mkdir("usr/exec", 0755);
        mkdir("etc/exec", 0755);
        put_file("usr/exec/a.policy", "vendor_a");
        put_file("usr/exec/b.policy", "vendor_b");
        put_file("usr/exec/c.policy", "vendor_c");
        put_file("usr/a.policy", "vendor_other_a");
        put_file("etc/exec/a.policy", "admin_a");
        ck_assert_int_eq(symlink("/dev/null", "etc/exec/b.policy"), 0);
        expect_load(PLACES("etc", "usr"), NULL, 0, "admin_a vendor_c vendor_other_a", "");

        ck_assert_int_eq(policy_set_load(PLACES("etc", "usr"), NULL, NULL, &set), 0);
        ck_assert_uint_eq(set->n_files, 3);
        ck_assert_uint_eq(set->n_masked, 3);
        policy_set_free(set);
}
END_TEST

START_TEST(a_masked_file_is_not_even_read) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        mkdir("etc", 0755);
        mkdir("usr", 0755);
        put_file("etc/a.policy", "admin");
        put_text("usr/a.policy", "this is no policy");
        chmod("usr/a.policy", 0666);
        expect_load(PLACES("etc", "usr"), NULL, 0, "admin", "");
}
END_TEST

START_TEST(files_and_directories_that_others_may_write_are_refused) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_options any = {.trust_any_owner = true};

        mkdir("d", 0755);
        put_file("d/a.policy", "a");
        put_file("d/b.policy", "b");
        chmod("d/b.policy", 0664);
        expect_load(PLACES("d"), NULL, -EBADMSG, "a",
                    "d/b.policy: error: is writable by its group: it is not trusted and nothing in it is read\n");
        expect_load(PLACES("d"), &any, 0, "a b", "");
        expect_load(PLACES("d/b.policy"), NULL, -EPERM, "",
                    "d/b.policy: error: is writable by its group: it is not trusted and nothing in it is read\n");

        chmod("d/b.policy", 0644);
        mkdir("d/sub", 0755);
        put_file("d/sub/c.policy", "c");
        chmod("d/sub", 0777);
        expect_load(PLACES("d"), NULL, -EBADMSG, "a b",
                    "d/sub: error: is writable by everybody: it is not trusted and nothing in it is read\n");
        expect_load(PLACES("d/sub/c.policy"), NULL, -EPERM, "",
                    "d/sub/c.policy: error: its directory is writable by everybody: nothing in it is read\n");
        expect_load(PLACES("d/sub"), NULL, -EPERM, "",
                    "d/sub: error: is writable by everybody: it is not trusted and nothing in it is read\n");

        if (geteuid() == 0) {
                chmod("d/sub", 0755);
                ck_assert_int_eq(chown("d/sub/c.policy", 12345, 12345), 0);
                expect_load(PLACES("d"), NULL, -EBADMSG, "a b",
                            "d/sub/c.policy: error: is not owned by root or by this user: it is not trusted and "
                            "nothing in it is read\n");
        }
}
END_TEST

START_TEST(links_are_not_followed) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_options any = {.trust_any_owner = true};

        mkdir("d", 0755);
        put_file("a.policy", "a");
        put_file("d/b.policy", "b");
        ck_assert_int_eq(symlink("../a.policy", "d/a.policy"), 0);
        ck_assert_int_eq(symlink(".", "d/loop"), 0);
        ck_assert_int_eq(symlink("self.policy", "d/self.policy"), 0);
        expect_load(PLACES("d"), NULL, -EBADMSG, "b",
                    "d/a.policy: error: a symbolic link: policies are opened without following links\n"
                    "d/loop: warning: a symbolic link to a directory is not followed\n"
                    "d/self.policy: error: a symbolic link: policies are opened without following links\n");

        unlink("d/self.policy");
        expect_load(PLACES("d"), &any, 0, "a b", "d/loop: warning: a symbolic link to a directory is not followed\n");
}
END_TEST

START_TEST(a_cycle_of_links_is_a_message) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_options any = {.trust_any_owner = true};

        ck_assert_int_eq(symlink("b", "a"), 0);
        ck_assert_int_eq(symlink("a", "b"), 0);
        expect_load(PLACES("a"), NULL, -ELOOP, "", "a: error: cannot be opened: Too many levels of symbolic links\n");
        expect_load(PLACES("a"), &any, -ELOOP, "", "a: error: cannot be opened: Too many levels of symbolic links\n");
}
END_TEST

START_TEST(what_is_no_file_is_a_message) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        mkdir("d", 0755);
        put_file("d/a.policy", "a");
        ck_assert_int_eq(mkfifo("d/fifo.policy", 0644), 0);
        expect_load(PLACES("d"), NULL, -EBADMSG, "a", "d/fifo.policy: error: neither a file nor a directory\n");
        expect_load(PLACES("d/fifo.policy"), NULL, -EBADFD, "",
                    "d/fifo.policy: error: neither a file nor a directory\n");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_a_message) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        if (geteuid() == 0)
                return;                 /* root reads everything */
        mkdir("d", 0755);
        put_file("d/a.policy", "a");
        put_file("d/b.policy", "b");
        chmod("d/b.policy", 0);
        expect_load(PLACES("d"), NULL, -EBADMSG, "a", "d/b.policy: error: cannot be opened: Permission denied\n");
        expect_load(PLACES("d/b.policy"), NULL, -EACCES, "",
                    "d/b.policy: error: cannot be opened: Permission denied\n");
}
END_TEST

START_TEST(nothing_to_load_is_an_error) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_options skip = {.skip_missing = true};

        mkdir("d", 0755);
        mkdir("e", 0755);
        expect_load(PLACES("d"), NULL, -ENOENT, "", "d: error: no policies here\n");
        expect_load(PLACES("d", "e"), NULL, -ENOENT, "", "d: error: no policies here, nor in the other places\n");
        expect_load(PLACES("nowhere"), NULL, -ENOENT, "",
                    "nowhere: error: cannot be opened: No such file or directory\n");
        expect_load(PLACES("nowhere"), &skip, -ENOENT, "", "nowhere: error: no policies here\n");
        expect_load(NULL, 0, NULL, -ENOENT, "", ": error: no policies here\n");

        put_file("d/a.policy", "a");
        expect_load(PLACES("d", "nowhere"), NULL, -EBADMSG, "a",
                    "nowhere: error: cannot be opened: No such file or directory\n");
        expect_load(PLACES("d", "nowhere"), &skip, 0, "a", "");
        put_text("e/b.policy", "# nothing\n");
        expect_load(PLACES("e"), NULL, -EBADMSG, "", "e/b.policy: error: no path in it: nothing would be watched\n");
}
END_TEST

START_TEST(sizes_and_numbers_are_bounded) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_options options = {.max_file_bytes = 40, .max_files = 2};
        char path[256] = "d";

        mkdir("d", 0755);
        put_file("d/1.policy", "a");
        put_file("d/2.policy", "a_very_long_name_for_a_policy");
        expect_load(PLACES("d"), &options, -EBADMSG, "a", "d/2.policy: error: too large: more than 40 bytes\n");

        put_file("d/2.policy", "b");
        put_file("d/3.policy", "c");
        put_file("d/4.policy", "d");
        expect_load(PLACES("d"), &options, -EBADMSG, "a b", "d/3.policy: error: too many policy files: more than 2\n");

        for (int i = 0; i < 9; i++) {
                strcat(path, "/sub");
                mkdir(path, 0755);
        }
        expect_load(
                PLACES("d"), NULL, -EBADMSG, "a b c d",
                "d/sub/sub/sub/sub/sub/sub/sub/sub/sub: error: too deep: more than 8 directories inside each other\n");
}
END_TEST

START_TEST(faults_of_all_files_are_told_together) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        struct policy_set *set = NULL;
        const char *d = "d";
        struct strbuf b = {};
        struct diag_set diags;

        mkdir("d", 0755);
        put_text("d/1.policy", "path \"a\" {\n\topnat { }\n}\n");
        put_text("d/2.policy", "path \"b\" { exit { code == 1 } }\n");
        put_text("d/3.policy", "path \"b\" { exit { code == 256 or cod == 1 } }\n");
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_load(&d, 1, NULL, &diags, &set), -EBADMSG);
        ck_assert_int_eq(policy_set_put_diags(set, &diags, &b), 0);
        ck_assert_str_eq(strbuf_str(&b),
                         "d/1.policy:2:2: error: unknown kind of event 'opnat'\n"
                         "    2 |  opnat { }\n"
                         "      |  ^~~~~\n"
                         "      = did you mean 'openat'?\n"
                         "d/3.policy:1:6: error: a second path \"b\"\n"
                         "    1 | path \"b\" { exit { code == 256 or cod == 1 } }\n"
                         "      |      ^~~\n"
                         "d/2.policy:1:6: note: the first is here\n"
                         "    1 | path \"b\" { exit { code == 1 } }\n"
                         "      |      ^~~\n"
                         "d/3.policy:1:34: error: 'exit' has no field 'cod'\n"
                         "    1 | path \"b\" { exit { code == 256 or cod == 1 } }\n"
                         "      |                                  ^~~\n"
                         "      = did you mean 'code'?\n");
        strbuf_done(&b);
        policy_set_free(set);
        diag_set_done(&diags);
}
END_TEST

/* Takes all files away, so that whoever opens one afterwards finds nothing. */
static int take_away(void *userdata) {
        ck_assert_int_eq(remove("d/1.policy"), 0);
        ck_assert_int_eq(remove("d/2.policy"), 0);
        return *(int *)userdata;
}

START_TEST(no_file_is_opened_once_the_first_is_looked_into) {
        _cleanup_(place_done) _unused_ struct place place = place_new();
        int answer = 0;
        const struct policy_options options = {.on_read = take_away, .userdata = &answer};

        mkdir("d", 0755);
        put_file("d/1.policy", "a");
        put_file("d/2.policy", "b");
        expect_load(PLACES("d"), &options, 0, "a b", "");

        put_file("d/1.policy", "a");
        put_text("d/2.policy", "nonsense");
        answer = -EPERM;
        expect_load(PLACES("d"), &options, -EPERM, "", "");
}
END_TEST

static int load_attempt(void *userdata) {
        struct policy_set *set = NULL;
        const char *d = "d";
        int r;

        r = policy_set_load(&d, 1, NULL, NULL, &set);
        policy_set_free(set);
        return r;
}

START_TEST(without_memory_nothing_is_loaded_and_nothing_lost) {
        _cleanup_(place_done) _unused_ struct place place = place_new();

        mkdir("d", 0755);
        mkdir("d/sub", 0755);
        put_file("d/1.policy", "a");
        put_file("d/sub/2.policy", "b");
        mkdir("d/1.policy.d", 0755);
        put_text("d/1.policy.d/a.conf", "except { failed }\nlist x = [1]\npath \"a\" { severity = low }");
        alloc_fail_sweep(load_attempt, NULL);
}
END_TEST

UNIT_MAIN("policy/policy-set", a_directory_is_searched_at_all_levels, a_file_can_be_named_by_itself_whatever_its_name,
          an_earlier_directory_masks_files_of_the_same_name, a_masked_file_is_not_even_read,
          files_and_directories_that_others_may_write_are_refused, links_are_not_followed,
          a_cycle_of_links_is_a_message, what_is_no_file_is_a_message, a_file_that_cannot_be_read_is_a_message,
          nothing_to_load_is_an_error, sizes_and_numbers_are_bounded,
          faults_of_all_files_are_told_together, no_file_is_opened_once_the_first_is_looked_into,
          without_memory_nothing_is_loaded_and_nothing_lost)

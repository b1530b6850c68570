/* SPDX-License-Identifier: Apache-2.0 */
#include "report/packages.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

/* A small host: a merged /usr, three packages. */

static char root[64];
static struct packages *packages;
static struct package package;
static struct wire_object asked;        /* what find_at() asked for */

static const char *in_root(const char *path) {
        static char full[512];

        snprintf(full, sizeof(full), "%s%s", root, path);
        return full;
}

static void put(const char *path, const char *text) {
        FILE *file = fopen(in_root(path), "we");

        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
        ck_assert_int_eq(chmod(in_root(path), 0644), 0);
}

static void put_directory(const char *path) {
        ck_assert_int_eq(mkdir(in_root(path), 0755), 0);
}

static void setup(void) {
        snprintf(root, sizeof(root), "/tmp/execray-packages-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        put_directory("/usr");
        put_directory("/usr/bin");
        put_directory("/usr/share");
        put_directory("/usr/share/doc");
        put_directory("/usr/share/doc/dash");
        put_directory("/tmp");
        put_directory("/var");
        put_directory("/var/lib");
        put_directory("/var/lib/dpkg");
        put_directory("/var/lib/dpkg/info");
        ck_assert_int_eq(symlink("usr/bin", in_root("/bin")), 0);
        put("/usr/bin/dash", "1");
        put("/usr/bin/cat", "2");
        put("/usr/bin/foreign", "3");
        put("/usr/bin/multi", "4");
        put("/tmp/x", "5");
        put("/usr/share/doc/dash/run", "6");
        put("/var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/dash\n/usr/share/doc/dash/run\n");
        put("/var/lib/dpkg/info/coreutils.list", "/usr/bin\n/usr/bin/cat");
        put("/var/lib/dpkg/info/multi:amd64.list", "/usr/bin/multi\n");
        put("/var/lib/dpkg/info/dash.md5sums", "/usr/bin/foreign\n");
        put("/var/lib/dpkg/status",
            "Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.5.12-2\nDescription: x\n"
            " Version: not this\n\n"
            "Package: multi\nArchitecture: i386\nVersion: 1\n\n"
            "Package: multi\nArchitecture: amd64\nVersion: 2\n\n"
            "Package: other\nVersion: 9\n");
        ck_assert_int_eq(packages_new(root, &packages), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void teardown(void) {
        packages = packages_free(packages);
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static enum package_answer find_at(const char *path, uint64_t now_ns) {
        struct stat st;

        package = (struct package){};
        asked = (struct wire_object){};
        if (stat(in_root(path), &st) >= 0)
                asked = (struct wire_object){.device = major(st.st_dev) << 20 | minor(st.st_dev), .inode = st.st_ino};
        (void)packages_look(packages, now_ns);
        while (packages_work(packages))
                ;
        return packages_find(packages, path, &asked, now_ns, &package);
}

static enum package_answer find(const char *path) {
        return find_at(path, NSEC_PER_SEC);
}

START_TEST(package_and_version_of_a_program_are_told) {
        setup();
        ck_assert_int_eq(find("/usr/bin/dash"), PACKAGE_OWNED);
        ck_assert_str_eq(package.name, "dash");
        ck_assert_str_eq(package.version, "0.5.12-2");
        ck_assert_int_eq(find("/usr/bin/cat"), PACKAGE_OWNED);
        ck_assert_str_eq(package.name, "coreutils");
        ck_assert_ptr_null(package.version);
        ck_assert_int_eq(find("/usr/bin/multi"), PACKAGE_OWNED);
        ck_assert_str_eq(package.name, "multi:amd64");
        ck_assert_str_eq(package.version, "2");
        teardown();
}
END_TEST

START_TEST(name_from_before_the_merge_of_usr_is_the_same_file) {
        setup();
        ck_assert_int_eq(find("/bin/dash"), PACKAGE_OWNED);
        ck_assert_int_eq(find("/bin/cat"), PACKAGE_OWNED);
        ck_assert_str_eq(package.name, "coreutils");
        teardown();
}
END_TEST

START_TEST(where_bin_is_a_directory_of_its_own_its_files_are_others) {
        setup();
        ck_assert_int_eq(unlink(in_root("/bin")), 0);
        put_directory("/bin");
        put("/bin/dash", "another");
        ck_assert_int_eq(find("/bin/dash"), PACKAGE_OWNED);
        ck_assert_int_eq(find("/usr/bin/dash"), PACKAGE_NONE);
        teardown();
}
END_TEST

START_TEST(program_of_no_package_is_told_from_one_that_is_not_known) {
        struct wire_object other = {.device = 1, .inode = 1};

        setup();
        ck_assert_int_eq(find("/tmp/x"), PACKAGE_NONE);
        ck_assert_int_eq(find("/usr/bin/foreign"), PACKAGE_NONE);

        /* Not there, or another file than the one that ran, or where nobody looks. */
        ck_assert_int_eq(find("/tmp/gone"), PACKAGE_UNKNOWN);
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &other, 1, &package), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find("/usr/share/doc/dash/run"), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find("usr/bin/dash"), PACKAGE_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(host_without_dpkg_knows_nothing) {
        char away[512];

        setup();
        snprintf(away, sizeof(away), "%s", in_root("/var/lib/dpkg/away"));
        ck_assert_int_eq(rename(in_root("/var/lib/dpkg/info"), away), 0);
        ck_assert_int_eq(find("/tmp/x"), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find("/usr/bin/dash"), PACKAGE_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(list_that_others_may_write_is_not_believed_and_then_nothing_is_of_no_package) {
        setup();
        ck_assert_int_eq(chmod(in_root("/var/lib/dpkg/info/dash.list"), 0666), 0);
        ck_assert_int_eq(find("/usr/bin/dash"), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find("/tmp/x"), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find("/usr/bin/cat"), PACKAGE_OWNED);
        teardown();
}
END_TEST

START_TEST(what_is_installed_later_is_known_within_a_minute_and_unknown_until_then) {
        struct packages_stats stats;

        setup();
        ck_assert_int_eq(find_at("/usr/bin/foreign", NSEC_PER_SEC), PACKAGE_NONE);
        put("/var/lib/dpkg/info/foreign.list", "/usr/bin/foreign\n");
        ck_assert_int_eq(find_at("/usr/bin/foreign", 30 * NSEC_PER_SEC), PACKAGE_UNKNOWN);
        ck_assert_int_eq(find_at("/usr/bin/dash", 30 * NSEC_PER_SEC), PACKAGE_OWNED);
        ck_assert_int_eq(find_at("/usr/bin/foreign", 62 * NSEC_PER_SEC), PACKAGE_OWNED);
        ck_assert_int_eq(find_at("/usr/bin/foreign", 200 * NSEC_PER_SEC), PACKAGE_OWNED);
        packages_stats(packages, &stats);
        ck_assert_uint_eq(stats.n_built, 2);
        ck_assert_uint_eq(stats.n_packages, 4);
        teardown();
}
END_TEST

START_TEST(question_does_not_wait_for_the_index) {
        struct wire_object file = {};
        struct stat st;

        setup();
        ck_assert_int_eq(stat(in_root("/usr/bin/dash"), &st), 0);
        file = (struct wire_object){.device = major(st.st_dev) << 20 | minor(st.st_dev), .inode = st.st_ino};
        ck_assert(!packages_has_work(packages));
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &file, 1, &package), PACKAGE_UNKNOWN);
        ck_assert(packages_has_work(packages));
        for (bool more = true; more;) {
                ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &file, 1, &package), PACKAGE_UNKNOWN);
                more = packages_work(packages);
        }
        ck_assert(!packages_has_work(packages));
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &file, 1, &package), PACKAGE_OWNED);
        teardown();
}
END_TEST

START_TEST(index_before_is_asked_while_the_next_is_made) {
        struct wire_object file = {};
        struct stat st;

        setup();
        ck_assert_int_eq(find("/usr/bin/dash"), PACKAGE_OWNED);
        put("/var/lib/dpkg/info/foreign.list", "/usr/bin/foreign\n");
        ck_assert_int_eq(stat(in_root("/usr/bin/dash"), &st), 0);
        file = (struct wire_object){.device = major(st.st_dev) << 20 | minor(st.st_dev), .inode = st.st_ino};
        ck_assert(!packages_look(packages, 62 * NSEC_PER_SEC));
        ck_assert(packages_work(packages));
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &file, 62 * NSEC_PER_SEC, &package), PACKAGE_OWNED);
        ck_assert_str_eq(package.version, "0.5.12-2");
        teardown();
}
END_TEST

START_TEST(answer_about_the_same_file_is_remembered_for_a_second_if_that_is_wanted) {
        struct wire_object was;
        struct packages_stats stats;

        setup();
        ck_assert_int_eq(find_at("/usr/bin/dash", NSEC_PER_SEC), PACKAGE_OWNED);
        was = asked;
        ck_assert_int_eq(unlink(in_root("/usr/bin/dash")), 0);
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &was, NSEC_PER_SEC, &package), PACKAGE_UNKNOWN);

        put("/usr/bin/dash", "1");
        packages_set_remember(packages, true);
        ck_assert_int_eq(find_at("/usr/bin/dash", NSEC_PER_SEC), PACKAGE_OWNED);
        was = asked;
        package = (struct package){};
        ck_assert_int_eq(unlink(in_root("/usr/bin/dash")), 0);
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &was, 2 * NSEC_PER_SEC - 1, &package), PACKAGE_OWNED);
        ck_assert_str_eq(package.name, "dash");
        packages_stats(packages, &stats);
        ck_assert_uint_eq(stats.n_remembered, 1);

        /* Not of another file, nor of the same under another name, nor later. */
        was.inode++;
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &was, NSEC_PER_SEC, &package), PACKAGE_UNKNOWN);
        was.inode--;
        ck_assert_int_eq(packages_find(packages, "/usr/bin/cat", &was, NSEC_PER_SEC, &package), PACKAGE_UNKNOWN);
        ck_assert_int_eq(packages_find(packages, "/usr/bin/dash", &was, 2 * NSEC_PER_SEC, &package), PACKAGE_UNKNOWN);
        packages_stats(packages, &stats);
        ck_assert_uint_eq(stats.n_remembered, 1);
        teardown();
}
END_TEST

static int attempt(void *userdata) {
        struct packages *p = NULL;
        struct wire_object file = {.inode = 1};
        struct packages_stats stats;
        int r;

        r = packages_new(root, &p);
        if (r < 0)
                return r;
        (void)packages_look(p, 1);
        while (packages_work(p))
                ;
        (void)packages_find(p, "/usr/bin/dash", &file, 1, &package);
        packages_stats(p, &stats);
        packages_free(p);
        return stats.n_incomplete > 0 ? -ENOMEM : 0;
}

START_TEST(lack_of_memory_leaks_nothing_and_leaves_an_index_that_is_not_complete) {
        setup();
        put("/var/lib/dpkg/status", "");        /* versions may be missing */
        ck_assert_uint_gt(alloc_fail_sweep(attempt, NULL), 5);
        teardown();
}
END_TEST

UNIT_MAIN("report/packages",
          package_and_version_of_a_program_are_told,
          name_from_before_the_merge_of_usr_is_the_same_file,
          where_bin_is_a_directory_of_its_own_its_files_are_others,
          program_of_no_package_is_told_from_one_that_is_not_known,
          host_without_dpkg_knows_nothing,
          list_that_others_may_write_is_not_believed_and_then_nothing_is_of_no_package,
          what_is_installed_later_is_known_within_a_minute_and_unknown_until_then,
          question_does_not_wait_for_the_index,
          index_before_is_asked_while_the_next_is_made,
          answer_about_the_same_file_is_remembered_for_a_second_if_that_is_wanted,
          lack_of_memory_leaks_nothing_and_leaves_an_index_that_is_not_complete)

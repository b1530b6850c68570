/* SPDX-License-Identifier: Apache-2.0 */
#include "action/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

START_TEST(a_directory_is_found_and_no_link_followed) {
        char root[] = "/tmp/execray-walk-XXXXXX";
        struct stat st, found;
        int root_fd, fd;

        ck_assert_ptr_nonnull(mkdtemp(root));
        root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(mkdirat(root_fd, "a", 0700), 0);
        ck_assert_int_eq(mkdirat(root_fd, "a/b", 0700), 0);
        ck_assert_int_eq(symlinkat("a", root_fd, "link"), 0);
        close(openat(root_fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ck_assert_int_eq(fstatat(root_fd, "a/b", &st, 0), 0);

        fd = walk_directory(root_fd, "/a/b");
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &found), 0);
        ck_assert_uint_eq(found.st_ino, st.st_ino);
        close(fd);
        fd = walk_directory(root_fd, "/");
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_int_eq(walk_directory(root_fd, "link/b"), -ELOOP);
        ck_assert_int_eq(walk_directory(root_fd, "link"), -ELOOP);
        ck_assert_int_eq(walk_directory(root_fd, "file"), -ENOTDIR);
        ck_assert_int_eq(walk_directory(root_fd, "a/c"), -ENOENT);
        ck_assert_int_eq(walk_directory(root_fd, "a/.."), -EINVAL);

        ck_assert_int_eq(unlinkat(root_fd, "file", 0), 0);
        ck_assert_int_eq(unlinkat(root_fd, "link", 0), 0);
        ck_assert_int_eq(unlinkat(root_fd, "a/b", AT_REMOVEDIR), 0);
        ck_assert_int_eq(unlinkat(root_fd, "a", AT_REMOVEDIR), 0);
        close(root_fd);
        ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

UNIT_MAIN("action/walk", a_directory_is_found_and_no_link_followed)

/* SPDX-License-Identifier: Apache-2.0 */
/* Suite bpf: containers by their groups, login users. */
#include <linux/sched.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

static int nothing(void *argument) {
        return 0;
}

/* Waits for the record that is meant: other groups come and go on a host. */
static const struct wire_header *wait_container(const char *id, const char *action) {
        for (int i = 0; i < 500; i++) {
                const struct wire_header *record;

                for (size_t n = 0; (record = lab_find_text(WIRE_KIND_container, 0, F(container, id), id, n)); n++)
                        if (streq(lab_text(record, F(container, action)), action))
                                return record;
                usleep(10000);
                lab_read();
        }
        return NULL;
}

START_TEST(a_group_that_goes_is_told_and_so_is_the_container_that_it_was) {
        char id[80], path[256], below[600];
        const struct wire_header *record, *named;
        struct stat st;

        if (!lab_hierarchy()) {
                printf("no hierarchy that we may write to: not tried\n");
                return;
        }
        snprintf(id, sizeof(id), "%064x", getpid());
        snprintf(path, sizeof(path), "%s/docker-%s.scope", lab_hierarchy(), id);
        snprintf(below, sizeof(below), "%s/docker-%s.scope", path, id);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        record = wait_container(id, "started");
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(container, runtime)), "docker");
        ck_assert_int_eq(lab_number(record, F(container, cgroup)), st.st_ino);
        ck_assert_uint_eq(record->tgid, getpid());
        named = lab_find_text(WIRE_KIND_cgroup, 0, F(cgroup, path), path + strlen(lab_hierarchy()), 0);
        ck_assert_ptr_nonnull(named);
        ck_assert_int_lt(lab_position(named), lab_position(record));

        /* Told again from the beginning, for another file: the group, and the container that runs in it. */
        lab_forget();
        ck_assert_int_eq(capture_retell(lab.capture), 0);
        named = lab_find_text(WIRE_KIND_cgroup, 0, F(cgroup, path), path + strlen(lab_hierarchy()), 0);
        ck_assert_ptr_nonnull(named);
        record = lab_find_text(WIRE_KIND_container, 0, F(container, id), id, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(container, action)), "running");
        ck_assert_int_lt(lab_position(named), lab_position(record));
        lab_forget();

        /* What is made inside is no container of its own. */
        ck_assert_int_eq(mkdir(below, 0755), 0);
        ck_assert_int_eq(rmdir(below), 0);
        ck_assert_int_eq(rmdir(path), 0);
        record = wait_container(id, "stopped");
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(container, cgroup)), st.st_ino);
        named = lab_find_text(WIRE_KIND_cgroup, 0, F(cgroup, path), path + strlen(lab_hierarchy()), 0);
        ck_assert_ptr_nonnull(named);
        ck_assert_int_eq(lab_number(named, F(cgroup, removed)), 1);
        ck_assert_int_lt(lab_position(named), lab_position(record));
        ck_assert_ptr_null(lab_find_text(WIRE_KIND_container, 0, F(container, id), id, 1));
}
END_TEST

static int log_in_and_exec(void *argument) {
        int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, "1234", 4) != 4)
                return 77;
        close(fd);
        execl("/bin/true", "true", NULL);
        return 2;
}

START_TEST(login_user_is_told_once_when_a_process_gets_it_and_not_of_its_children) {
        const struct wire_header *record;
        pid_t pid, child;

        pid = lab_run(log_in_and_exec, NULL);
        if (lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)) == 77) {
                printf("no loginuid here: not tried\n");
                return;
        }
        record = lab_find(WIRE_KIND_login, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(login, action)), "loginuid");
        ck_assert_int_eq(lab_number(record, F(login, uid)), 1234);
        ck_assert_uint_eq(record->loginuid, 1234);
        ck_assert_uint_eq(lab_count(WIRE_KIND_login, pid), 1);

        child = lab_run(nothing, NULL);
        ck_assert_uint_eq(lab_count(WIRE_KIND_login, child), 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_group_that_goes_is_told_and_so_is_the_container_that_it_was,
                login_user_is_told_once_when_a_process_gets_it_and_not_of_its_children,
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_login));

        return lab_main("bpf/context", tests, ELEMENTSOF(tests), &interest, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "action/guard.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#include "lab.h"
#include "unit.h"

static const char *const unit_names[] = {"db@*.service", "/usr/bin/no-such-program"};
static const char *const file_names[] = {"/usr/bin", "/srv/", "/etc/one"};

static void guard_make(struct guard *guard, uint32_t core_pid) {
        static struct config_list protect, files;

        protect = (struct config_list){(const char **)unit_names, ELEMENTSOF(unit_names)};
        files = (struct config_list){(const char **)file_names, ELEMENTSOF(file_names)};
        ck_assert_int_eq(guard_init(guard, &protect, &files, core_pid), 0);
}

static void says(const struct guard *guard, uint32_t pid, const char *expected) {
        _cleanup_(strbuf_done) struct strbuf why = {};

        ck_assert_int_eq(guard_process(guard, pid, &why), -EPERM);
        ck_assert_str_eq(strbuf_str(&why), expected);
}

START_TEST(those_without_whom_nothing_goes_on_are_protected) {
        struct guard guard;

        guard_make(&guard, 0);
        says(&guard, 1, "is PID 1");
        says(&guard, (uint32_t)getpid(), "is execrayd");
        says(&guard, (uint32_t)getppid(), "is what started execrayd");
        guard_done(&guard);
}
END_TEST

START_TEST(the_core_and_all_below_it_are_protected_and_others_are_not) {
        uint32_t stranger = lab_child(lab_sleep, NULL), core = lab_child(lab_sleep, NULL);
        struct guard guard;

        guard_make(&guard, core);
        says(&guard, core, "is execrayd");
        ck_assert_int_eq(guard_process(&guard, stranger, NULL), 0);
        guard_done(&guard);
        guard_make(&guard, (uint32_t)getpid());
        says(&guard, stranger, "is a child of execrayd");
        guard_done(&guard);
        kill((pid_t)stranger, SIGKILL);
        kill((pid_t)core, SIGKILL);
}
END_TEST

START_TEST(units_are_protected_by_name_and_by_pattern) {
        static const char *const no[] = {
                "ssh.service",      "getty@tty1.service", "systemd-logind.service", "init.scope",
                "dbus.service",     "db@1.service",       "execrayd.service",       "-.slice",
                "multi-user.target"};
        static const char *const yes[] = {"nginx.service", "session-3.scope", "db.service", "sshx.service"};
        struct guard guard;

        guard_make(&guard, 0);
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                ck_assert_int_eq(guard_unit(&guard, no[i], NULL), -EPERM);
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                ck_assert_int_eq(guard_unit(&guard, yes[i], NULL), 0);
        guard_done(&guard);
}
END_TEST

START_TEST(files_are_protected_with_all_below_them_and_not_what_only_begins_like_them) {
        struct guard guard;

        guard_make(&guard, 0);
        ck_assert_int_eq(guard_file(&guard, "/usr/bin/ls", NULL), -EPERM);
        ck_assert_int_eq(guard_file(&guard, "/usr/bin", NULL), -EPERM);
        ck_assert_int_eq(guard_file(&guard, "/usr/binary", NULL), 0);
        ck_assert_int_eq(guard_file(&guard, "/srv/x", NULL), -EPERM);
        ck_assert_int_eq(guard_file(&guard, "/etc/one", NULL), -EPERM);
        ck_assert_int_eq(guard_file(&guard, "/etc/one1", NULL), 0);
        ck_assert_int_eq(guard_file(&guard, "/tmp/x", NULL), 0);
        guard_done(&guard);
}
END_TEST

static int attempt(void *userdata) {
        struct config_list none = {};
        struct guard guard;
        int r;

        r = guard_init(&guard, &none, &none, 0);
        if (r >= 0)
                guard_done(&guard);
        return r;
}

START_TEST(without_memory_there_is_no_guard) {
        alloc_fail_sweep(attempt, NULL);
}
END_TEST

UNIT_MAIN("action/guard", those_without_whom_nothing_goes_on_are_protected,
          the_core_and_all_below_it_are_protected_and_others_are_not, units_are_protected_by_name_and_by_pattern,
          files_are_protected_with_all_below_them_and_not_what_only_begins_like_them, without_memory_there_is_no_guard)

/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static struct cgroup_parts parts;
static char name[CGROUP_NAME_MAX];

static void check_part(const char *what, const char *path, const char *in, struct cgroup_part part,
                       const char *expected) {
        ck_assert_msg(memeq_str(in + part.offset, part.length, expected), "%s of %s is '%.*s', not '%s'", what, path,
                      (int)part.length, in + part.offset, expected);
}

static void check(const char *path, const char *unit, const char *slice, const char *container) {
        cgroup_parse(path, strlen(path), false, &parts, name);
        ck_assert(parts.has_unit && parts.has_slice && parts.has_container && parts.has_user_unit);
        check_part("unit", path, path, parts.unit, unit);
        check_part("slice", path, path, parts.slice, slice);
        check_part("container", path, name, parts.container, container);
}

START_TEST(services_and_slices_of_the_system) {
        check("/", "", "", "");
        check("", "", "", "");
        check("/init.scope", "init.scope", "", "");
        check("/system.slice/nginx.service", "nginx.service", "system.slice", "");
        check("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "system-getty.slice", "");
        check("/system.slice", "", "system.slice", "");
        check("//system.slice//nginx.service/", "nginx.service", "system.slice", "");
        check("/system.slice/_cpu.service", "cpu.service", "system.slice", "");
        check("/.service/.scope/.slice", "", "", "");
}
END_TEST

START_TEST(sessions_and_users) {
        const char *path = "/user.slice/user-1000.slice/session-3.scope";

        check(path, "session-3.scope", "user-1000.slice", "");
        check_part("session", path, path, parts.session, "3");
        ck_assert(parts.has_uid);
        ck_assert_uint_eq(parts.uid, 1000);

        check("/user.slice/user-99999999999.slice/x", "", "user-99999999999.slice", "");
        ck_assert(!parts.has_uid);
        check("/user.slice/user-4294967296.slice", "", "user-4294967296.slice", "");
        ck_assert(!parts.has_uid);
        check("/user.slice/user-x.slice", "", "user-x.slice", "");
        ck_assert(!parts.has_uid);
}
END_TEST

START_TEST(unit_of_a_users_manager_is_not_taken_for_the_systems) {
        const char *path = "/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service";

        check(path, "user@1000.service", "user-1000.slice", "");
        check_part("user unit", path, path, parts.user_unit, "ssh.service");

        path = "/user.slice/user-1000.slice/user@1000.service/init.scope";
        check(path, "user@1000.service", "user-1000.slice", "");
        check_part("user unit", path, path, parts.user_unit, "init.scope");

        /* A unit that delegates: what its owner calls the groups below is his own business. */
        path = "/system.slice/job.service/ssh.service";
        check(path, "job.service", "system.slice", "");
        check_part("user unit", path, path, parts.user_unit, "");
}
END_TEST

START_TEST(containers_of_docker_podman_and_kubernetes) {
        check("/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "system.slice", ID);
        check("/docker/" ID, "", "", ID);
        check("/docker/buildx/" ID, "", "", ID);
        check("/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "machine.slice", ID);
        check("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "user@1000.service",
              "user-1000.slice", ID);
        check("/machine.slice/libpod-payload-" ID, "", "machine.slice", ID);
        check("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podd2a.slice/cri-containerd-" ID ".scope",
              "cri-containerd-" ID ".scope", "kubepods-burstable-podd2a.slice", ID);
        check("/kubepods.slice/kubepods-podd2a.slice/crio-" ID ".scope/container", "crio-" ID ".scope",
              "kubepods-podd2a.slice", ID);
        check("/kubepods/burstable/pod12345678-1234-1234-1234-123456789abc/" ID, "", "", ID);
        check("/system.slice/containerd.service/kubepods-burstable-podd2a.slice:cri-containerd:" ID,
              "containerd.service", "system.slice", ID);
        check("/ecs/0f0f0f0f/" ID, "", "", ID);
}
END_TEST

START_TEST(what_watches_a_container_is_not_in_it) {
        check("/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "machine.slice", "");
        check("/system.slice/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope", "system.slice", "");
        check("/lxc.monitor.web", "", "", "");
        check("/machine.slice/systemd-nspawn@web.service/supervisor", "systemd-nspawn@web.service", "machine.slice",
              "");
}
END_TEST

START_TEST(container_nearest_to_the_root_is_the_one_of_the_host) {
        check("/docker/" ID "/docker/" ID2, "", "", ID);
        check("/system.slice/docker-" ID ".scope/system.slice/docker-" ID2 ".scope", "docker-" ID ".scope",
              "system.slice", ID);
        check("/lxc.payload.web/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "system.slice", "web");
}
END_TEST

START_TEST(machines_of_lxc_and_nspawn_have_names) {
        check("/lxc/web", "", "", "web");
        check("/lxc.payload/web/x", "", "", "web");
        check("/lxc.payload.web-1/init.scope", "init.scope", "", "web-1");
        check("/machine.slice/machine-web.scope", "machine-web.scope", "machine.slice", "web");
        check("/machine.slice/machine-my\\x2dweb\\x2d1.scope", "machine-my\\x2dweb\\x2d1.scope", "machine.slice",
              "my-web-1");
        check("/machine.slice/systemd-nspawn@deb\\x2d12.service/payload/init.scope",
              "systemd-nspawn@deb\\x2d12.service", "machine.slice", "deb-12");
        check("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "machine-qemu\\x2d1\\x2dvm.scope", "machine.slice", "");
        check("/machine.slice/machine-bad\\x2gescape\\x2.scope", "machine-bad\\x2gescape\\x2.scope", "machine.slice",
              "bad\\x2gescape\\x2");
}
END_TEST

START_TEST(what_only_looks_like_a_container_is_none) {
        check("/system.slice/docker.service", "docker.service", "system.slice", "");
        check("/docker/0123456789ab", "", "", "");
        check("/docker/x" ID, "", "", "");
        check("/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "", "", "");
        check("/system.slice/machine-.scope", "machine-.scope", "system.slice", "");
        check("/lxc", "", "", "");
}
END_TEST

START_TEST(part_behind_the_cut_of_a_path_is_unknown_and_not_none) {
        const char *path = "/system.slice/ngin";

        cgroup_parse(path, strlen(path), true, &parts, name);
        ck_assert(!parts.has_unit && !parts.has_container && !parts.has_slice);

        path = "/system.slice/docker-" ID ".scope/some";
        cgroup_parse(path, strlen(path), true, &parts, name);
        ck_assert(parts.has_unit && parts.has_slice && parts.has_container && parts.has_user_unit);

        path = "/user.slice/user@1.service/app.sl";
        cgroup_parse(path, strlen(path), true, &parts, name);
        ck_assert(parts.has_unit && !parts.has_user_unit && !parts.has_container);
}
END_TEST

START_TEST(name_of_a_container_never_outgrows_its_room) {
        static char path[2000], exact[300];

        memset(path, 'a', sizeof(path));
        memcpy(path, "/lxc/", 5);
        cgroup_parse(path, sizeof(path), false, &parts, name);
        ck_assert_uint_eq(parts.container.length, CGROUP_NAME_MAX);
        /* Shorter than the room that is always enough: the length of the path is, too. */
        cgroup_parse("/lxc/b", 6, false, &parts, exact + sizeof(exact) - 6);
        ck_assert_uint_eq(parts.container.length, 1);
}
END_TEST

START_TEST(names_are_found_by_id_and_may_change) {
        struct cgroups cgroups;

        cgroups_init(&cgroups, 4);
        ck_assert_ptr_null(cgroups_find(&cgroups, 7));
        ck_assert_int_eq(cgroups_add(&cgroups, 7, "/system.slice/a.service", 23, false), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 7)->path, "/system.slice/a.service");
        ck_assert_int_eq(cgroups_add(&cgroups, 7, "/b.service", 10, false), 0);
        ck_assert_str_eq(cgroups_find(&cgroups, 7)->path, "/b.service");
        ck_assert_uint_eq(cgroups_find(&cgroups, 7)->parts.unit.length, 9);
        cgroups_done(&cgroups);
}
END_TEST

START_TEST(full_table_drops_the_one_longest_without_a_process_and_never_one_in_use) {
        struct cgroups cgroups;

        cgroups_init(&cgroups, 2);
        ck_assert_int_eq(cgroups_add(&cgroups, 1, "/a", 2, false), 0);
        ck_assert_int_eq(cgroups_add(&cgroups, 2, "/b", 2, false), 0);
        cgroups_ref(&cgroups, cgroups_find(&cgroups, 1));
        ck_assert_int_eq(cgroups_add(&cgroups, 3, "/c", 2, false), 0);
        ck_assert_ptr_null(cgroups_find(&cgroups, 2));
        ck_assert_uint_eq(cgroups.n_evicted, 1);

        cgroups_ref(&cgroups, cgroups_find(&cgroups, 3));
        ck_assert_int_eq(cgroups_add(&cgroups, 4, "/d", 2, false), -ENOSPC);
        ck_assert_uint_eq(cgroups.n_refused, 1);

        cgroups_unref(&cgroups, cgroups_find(&cgroups, 1));
        ck_assert_int_eq(cgroups_add(&cgroups, 4, "/d", 2, false), 0);
        ck_assert_ptr_null(cgroups_find(&cgroups, 1));
        cgroups_unref(&cgroups, cgroups_find(&cgroups, 3));
        cgroups_ref(&cgroups, NULL);
        cgroups_unref(&cgroups, NULL);
        cgroups_done(&cgroups);
}
END_TEST

static int attempt_add(void *userdata) {
        struct cgroups cgroups;
        int r;

        cgroups_init(&cgroups, 10);
        r = cgroups_add(&cgroups, 1, "/a", 2, false);
        cgroups_done(&cgroups);
        /* The slab can not say whether it is full or there is no memory. */
        return r == -ENOSPC ? -ENOMEM : r;
}

START_TEST(lack_of_memory_leaks_nothing) {
        ck_assert_uint_eq(alloc_fail_sweep(attempt_add, NULL), 3);
}
END_TEST

UNIT_MAIN("process/cgroup",
          services_and_slices_of_the_system,
          sessions_and_users,
          unit_of_a_users_manager_is_not_taken_for_the_systems,
          containers_of_docker_podman_and_kubernetes,
          what_watches_a_container_is_not_in_it,
          container_nearest_to_the_root_is_the_one_of_the_host,
          machines_of_lxc_and_nspawn_have_names,
          what_only_looks_like_a_container_is_none,
          part_behind_the_cut_of_a_path_is_unknown_and_not_none,
          name_of_a_container_never_outgrows_its_room,
          names_are_found_by_id_and_may_change,
          full_table_drops_the_one_longest_without_a_process_and_never_one_in_use,
          lack_of_memory_leaks_nothing)

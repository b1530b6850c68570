/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cgroup-path.h"

#include <string.h>

#include "base/macro.h"
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
        check("/machine.slice/systemd-nspawn@web.service", "systemd-nspawn@web.service", "machine.slice", "");
        check("/machine.slice/systemd-nspawn@web.service/supervisor/payload", "systemd-nspawn@web.service",
              "machine.slice", "");
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
        check("/machine.slice/systemd-nspawn@my-box.1.service/payload", "systemd-nspawn@my-box.1.service",
              "machine.slice", "my-box.1");
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

static void check_runtime(const char *path, enum container_runtime runtime, const char *group) {
        cgroup_parse(path, strlen(path), false, &parts, name);
        ck_assert_msg(parts.runtime == runtime, "runtime of %s is %d, not %d", path, parts.runtime, runtime);
        ck_assert_msg(memeq_str(path, parts.container_end, group), "group of %s is '%.*s'", path, parts.container_end,
                      path);
}

START_TEST(runtime_is_told_by_the_name_that_it_gives) {
        check_runtime("/system.slice/docker-" ID ".scope/init.scope", CONTAINER_DOCKER,
                      "/system.slice/docker-" ID ".scope");
        check_runtime("/docker/buildx/" ID, CONTAINER_DOCKER, "/docker/buildx/" ID);
        check_runtime("/machine.slice/libpod-" ID ".scope/container", CONTAINER_PODMAN,
                      "/machine.slice/libpod-" ID ".scope");
        check_runtime("/libpod_parent/libpod-" ID, CONTAINER_PODMAN, "/libpod_parent/libpod-" ID);
        check_runtime("/machine.slice/libpod-payload-" ID, CONTAINER_PODMAN, "/machine.slice/libpod-payload-" ID);
        check_runtime("/kubepods.slice/kubepods-podd2a.slice/crio-" ID ".scope/container", CONTAINER_CRIO,
                      "/kubepods.slice/kubepods-podd2a.slice/crio-" ID ".scope");
        check_runtime("/kubepods/besteffort/pod1/crio-" ID, CONTAINER_CRIO, "/kubepods/besteffort/pod1/crio-" ID);
        check_runtime("/kubepods.slice/kubepods-podd2a.slice/cri-containerd-" ID ".scope", CONTAINER_CONTAINERD,
                      "/kubepods.slice/kubepods-podd2a.slice/cri-containerd-" ID ".scope");
        check_runtime("/kubepods.slice/kubepods-podd2a.slice/docker-" ID ".scope", CONTAINER_DOCKER,
                      "/kubepods.slice/kubepods-podd2a.slice/docker-" ID ".scope");
        check_runtime("/system.slice/containerd.service/kubepods-podd2a.slice:cri-containerd:" ID,
                      CONTAINER_CONTAINERD,
                      "/system.slice/containerd.service/kubepods-podd2a.slice:cri-containerd:" ID);
        check_runtime("/system.slice/nerdctl-" ID ".scope", CONTAINER_CONTAINERD, "/system.slice/nerdctl-" ID ".scope");
        check_runtime("/default/" ID, CONTAINER_CONTAINERD, "/default/" ID);
        check_runtime("/lxc.payload.web/init.scope", CONTAINER_LXC, "/lxc.payload.web");
        check_runtime("/lxc/web", CONTAINER_LXC, "/lxc/web");
        check_runtime("/machine.slice/machine-web.scope/payload", CONTAINER_NSPAWN, "/machine.slice/machine-web.scope");
        check_runtime("/machine.slice/systemd-nspawn@web.service/payload", CONTAINER_NSPAWN,
                      "/machine.slice/systemd-nspawn@web.service/payload");
}
END_TEST

START_TEST(container_of_which_the_name_says_no_runtime_has_one_all_the_same) {
        check_runtime("/kubepods/burstable/pod12345678-1234-1234-1234-123456789abc/" ID, CONTAINER_OTHER,
                      "/kubepods/burstable/pod12345678-1234-1234-1234-123456789abc/" ID);
        check_runtime("/ecs/0f0f0f0f/" ID, CONTAINER_OTHER, "/ecs/0f0f0f0f/" ID);
        check_runtime("/machine.slice/machine-lxc\\x2d7\\x2dweb.scope", CONTAINER_OTHER,
                      "/machine.slice/machine-lxc\\x2d7\\x2dweb.scope");
        ck_assert_ptr_null(container_runtime_to_string(CONTAINER_OTHER));
        check_runtime("/system.slice/cron.service", CONTAINER_NONE, "");
        check_runtime("/machine.slice/systemd-nspawn@web.service/supervisor", CONTAINER_NONE, "");
        ck_assert_str_eq(container_runtime_to_string(CONTAINER_NONE), "");
        ck_assert_str_eq(container_runtime_to_string(CONTAINER_CRIO), "cri-o");
}
END_TEST

/* As these were seen. */
START_TEST(groups_that_runtimes_made_are_told) {
        /* Podman 4.3.1 with systemd, with cgroupfs; in a pod, too. */
        check_runtime("/machine.slice/libpod-" ID ".scope", CONTAINER_PODMAN, "/machine.slice/libpod-" ID ".scope");
        check_runtime("/libpod_parent/libpod-" ID, CONTAINER_PODMAN, "/libpod_parent/libpod-" ID);
        /* Docker 20.10.24 with cgroupfs and with systemd. */
        check_runtime("/docker/" ID, CONTAINER_DOCKER, "/docker/" ID);
        check_runtime("/system.slice/docker-" ID ".scope", CONTAINER_DOCKER, "/system.slice/docker-" ID ".scope");
        /* containerd 1.6.20: namespace and id, and what the kubelet asks for. */
        check_runtime("/default/" ID, CONTAINER_CONTAINERD, "/default/" ID);
        check_runtime("/buildkit/" ID, CONTAINER_OTHER, "/buildkit/" ID);
        check_runtime("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", CONTAINER_CONTAINERD,
                      "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope");
        /* An id of ctr's user: nothing says that it is one. */
        check("/default/ctrbox", "", "", "");
        /* LXC 5.0.2, also with lxc.cgroup.dir; lxc-attach comes in through .lxc. */
        check_runtime("/lxc.payload.lbox/.lxc", CONTAINER_LXC, "/lxc.payload.lbox");
        check_runtime("/boxes/lbox2/lxc.payload.lbox2", CONTAINER_LXC, "/boxes/lbox2/lxc.payload.lbox2");
        check("/lxc.pivot", "", "", "");
        /* systemd 252: started by hand with machined, and by machinectl. */
        check_runtime("/machine.slice/machine-my\\x2dbox.1.scope/payload", CONTAINER_NSPAWN,
                      "/machine.slice/machine-my\\x2dbox.1.scope");
        check_runtime("/machine.slice/systemd-nspawn@my-box.1.service/payload", CONTAINER_NSPAWN,
                      "/machine.slice/systemd-nspawn@my-box.1.service/payload");
}
END_TEST

START_TEST(nobody_changes_his_runtime_by_naming_a_group_of_his_own) {
        check_runtime("/system.slice/docker-" ID ".scope/machine.slice/libpod-" ID2 ".scope", CONTAINER_DOCKER,
                      "/system.slice/docker-" ID ".scope");
        check_runtime("/lxc.payload.web/docker/" ID, CONTAINER_LXC, "/lxc.payload.web");
}
END_TEST

UNIT_MAIN("event/cgroup-path",
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
          runtime_is_told_by_the_name_that_it_gives,
          container_of_which_the_name_says_no_runtime_has_one_all_the_same,
          groups_that_runtimes_made_are_told,
          nobody_changes_his_runtime_by_naming_a_group_of_his_own)

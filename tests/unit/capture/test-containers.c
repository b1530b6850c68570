/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/containers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SCOPE "/system.slice/docker-" ID ".scope"

static struct containers containers;
static struct record record;

static bool begin(uint64_t id, const char *path) {
        return containers_begin(&containers, CONTAINERS_STARTED, id, path, strlen(path), false, true, &record);
}

static bool end(uint64_t id, const char *path) {
        return containers_end(&containers, id, path, strlen(path), false, &record);
}

static const char *said(int field) {
        static char text[600];
        struct event event;
        struct value value;

        record.header.tgid = 1;
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        event_get(&event, (enum field)field, &value);
        if (value.state == VALUE_UNKNOWN)
                return "?";
        snprintf(text, sizeof(text), "%.*s", (int)value.length, value.bytes);
        return text;
}

START_TEST(container_starts_and_stops_with_its_own_group) {
        containers_init(&containers, "/nowhere");
        ck_assert(!begin(1, "/system.slice/docker.service"));
        ck_assert(begin(2, SCOPE));
        ck_assert_str_eq(said(WIRE_FIELD_container_action), "started");
        ck_assert_str_eq(said(WIRE_FIELD_container_id), ID);
        ck_assert_str_eq(said(WIRE_FIELD_container_runtime), "docker");
        ck_assert_str_eq(said(WIRE_FIELD_container_image), "?");

        /* What is made inside is not another one, and a name that is told twice no second start. */
        ck_assert(!begin(3, SCOPE "/init.scope"));
        ck_assert(!begin(2, SCOPE));
        ck_assert(!end(3, SCOPE "/init.scope"));
        ck_assert(end(2, SCOPE));
        ck_assert_str_eq(said(WIRE_FIELD_container_action), "stopped");
        ck_assert(begin(4, SCOPE));
        containers_done(&containers);
}
END_TEST

START_TEST(one_that_is_known_is_told_again_only_as_running) {
        containers_init(&containers, "/nowhere");
        ck_assert(begin(2, "/lxc/web"));
        ck_assert(containers_begin(&containers, CONTAINERS_RUNNING, 2, "/lxc/web", strlen("/lxc/web"), false, true,
                                   &record));
        ck_assert_str_eq(said(WIRE_FIELD_container_action), "running");
        ck_assert_str_eq(said(WIRE_FIELD_container_name), "web");
        ck_assert_uint_eq(containers.by_cgroup.n, 1);
        containers_done(&containers);
}
END_TEST

START_TEST(end_of_one_that_was_not_known_is_told_by_its_name) {
        containers_init(&containers, "/nowhere");
        ck_assert(end(9, "/lxc.payload.web"));
        ck_assert_str_eq(said(WIRE_FIELD_container_id), "web");
        ck_assert_str_eq(said(WIRE_FIELD_container_runtime), "lxc");
        ck_assert(!containers_end(&containers, 9, NULL, 0, false, &record));
        containers_done(&containers);
}
END_TEST

START_TEST(what_the_runtime_wrote_is_told_at_both_ends_and_only_of_roots_group) {
        char root[] = "/tmp/execray-containers-XXXXXX", command[1024];

        ck_assert_ptr_nonnull(mkdtemp(root));
        snprintf(command, sizeof(command),
                 "d=%s/var/lib/docker/containers/" ID "; mkdir -p $d; chmod 755 %s; "
                 "echo '{\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx:1.25\"}}' > $d/config.v2.json; "
                 "chmod 600 $d/config.v2.json",
                 root, root);
        ck_assert_int_eq(system(command), 0);
        containers_init(&containers, root);
        ck_assert(begin(2, SCOPE));
        ck_assert_str_eq(said(WIRE_FIELD_container_image), "nginx:1.25");
        ck_assert(end(2, SCOPE));
        ck_assert_str_eq(said(WIRE_FIELD_container_name), "web");
        ck_assert_str_eq(said(WIRE_FIELD_container_image), "nginx:1.25");

        ck_assert(containers_begin(&containers, CONTAINERS_RUNNING, 3, "/user.slice" SCOPE, strlen("/user.slice" SCOPE),
                                   false, false, &record));
        ck_assert_str_eq(said(WIRE_FIELD_container_action), "running");
        ck_assert_str_eq(said(WIRE_FIELD_container_image), "?");
        containers_done(&containers);
        snprintf(command, sizeof(command), "rm -r %s", root);
        ck_assert_int_eq(system(command), 0);
}
END_TEST

static bool is_odd(uint64_t cgroup, void *userdata) {
        return cgroup % 2;
}

START_TEST(after_a_loss_those_whose_group_is_gone_are_found) {
        containers_init(&containers, "/nowhere");
        ck_assert(begin(1, "/lxc/a"));
        ck_assert(begin(2, "/lxc/b"));
        ck_assert(begin(3, "/lxc/c"));
        ck_assert_uint_eq(containers_find_gone(&containers, is_odd, NULL), 2);
        ck_assert(containers_end(&containers, 2, NULL, 0, false, &record));
        ck_assert_str_eq(said(WIRE_FIELD_container_id), "b");
        ck_assert_uint_eq(containers_find_gone(&containers, is_odd, NULL), 0);
        containers_done(&containers);
}
END_TEST

START_TEST(more_than_fit_are_told_and_counted) {
        char path[64];

        containers_init(&containers, "/nowhere");
        for (unsigned i = 0; i < CONTAINERS_MAX + 3; i++) {
                snprintf(path, sizeof(path), "/lxc/%u", i);
                ck_assert(begin(i + 1, path));
        }
        ck_assert_uint_eq(containers.n_refused, 3);
        ck_assert_uint_eq(containers.by_cgroup.n, CONTAINERS_MAX);
        ck_assert(end(CONTAINERS_MAX + 2, "/lxc/last"));
        containers_done(&containers);
}
END_TEST

UNIT_MAIN("capture/containers",
          container_starts_and_stops_with_its_own_group,
          one_that_is_known_is_told_again_only_as_running,
          end_of_one_that_was_not_known_is_told_by_its_name,
          what_the_runtime_wrote_is_told_at_both_ends_and_only_of_roots_group,
          after_a_loss_those_whose_group_is_gone_are_found,
          more_than_fit_are_told_and_counted)

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/container-file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct container_info info;
static char root[64];

static int parse(enum container_form form, const char *text) {
        return container_file_parse(form, text, strlen(text), ID, &info);
}

/* A file with all the directories that it takes. */
static char *in_root(const char *path) {
        static char full[1024];

        snprintf(full, sizeof(full), "%s%s", root, path);
        return full;
}

static void put(const char *path, const char *text) {
        char *full = in_root(path);
        FILE *file;

        for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = 0;
                (void)mkdir(full, 0755);
                *slash = '/';
        }
        file = fopen(full, "we");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
        ck_assert_int_eq(chmod(full, 0640), 0);
}

static void setup(void) {
        snprintf(root, sizeof(root), "/tmp/execray-containers-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void teardown(void) {
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

START_TEST(docker_tells_name_and_image_as_they_were_given) {
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER,
                               "{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Image\":\"sha256:12\","
                               "\"Config\":{\"Image\":\"nginx:1.25\"}}"),
                         1);
        ck_assert_str_eq(info.name, "web");
        ck_assert_str_eq(info.image, "nginx:1.25");
        ck_assert_int_eq(info.runtime, CONTAINER_DOCKER);
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, "{\"ID\":\"" OTHER "\",\"Name\":\"/web\"}"), 0);
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, "{}"), 0);
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, "[]"), -EBADMSG);
}
END_TEST

START_TEST(bundle_tells_by_its_annotations_and_whose_it_is) {
        ck_assert_int_eq(parse(CONTAINER_FORM_BUNDLE,
                               "{\"annotations\":{\"io.kubernetes.cri.image-name\":\"docker.io/library/nginx:1\","
                               "\"io.kubernetes.cri.container-name\":\"web\"}}"),
                         1);
        ck_assert_str_eq(info.name, "web");
        ck_assert_str_eq(info.image, "docker.io/library/nginx:1");
        ck_assert_int_eq(info.runtime, CONTAINER_CONTAINERD);
        ck_assert_int_eq(parse(CONTAINER_FORM_BUNDLE,
                               "{\"annotations\":{\"io.kubernetes.cri-o.ImageName\":\"quay.io/x:2\","
                               "\"io.kubernetes.cri-o.Name\":\"k8s_web_pod\"}}"),
                         1);
        ck_assert_str_eq(info.name, "k8s_web_pod");
        ck_assert_int_eq(info.runtime, CONTAINER_CRIO);
        ck_assert_int_eq(parse(CONTAINER_FORM_BUNDLE, "{\"ociVersion\":\"1.0\"}"), 0);
}
END_TEST

START_TEST(list_of_podman_tells_of_the_one_that_is_asked_for) {
        ck_assert_int_eq(parse(CONTAINER_FORM_STORAGE,
                               "[{\"id\":\"" OTHER "\",\"names\":[\"no\"]},{\"id\":\"" ID "\",\"names\":[\"web\"],"
                               "\"metadata\":\"{\\\"image-name\\\":\\\"alpine:3\\\",\\\"name\\\":\\\"web\\\"}\"}]"),
                         1);
        ck_assert_str_eq(info.name, "web");
        ck_assert_str_eq(info.image, "alpine:3");
        ck_assert_int_eq(info.runtime, CONTAINER_PODMAN);
        ck_assert_int_eq(parse(CONTAINER_FORM_STORAGE, "[{\"id\":\"" OTHER "\"}]"), 0);
        /* What is no JSON inside is no reason to doubt the rest. */
        ck_assert_int_eq(parse(CONTAINER_FORM_STORAGE,
                               "[{\"id\":\"" ID "\",\"names\":[\"web\"],\"metadata\":\"{\"}]"),
                         1);
        ck_assert_str_eq(info.image, "");
}
END_TEST

START_TEST(bytes_that_are_no_strict_json_are_refused) {
        static const char *const bad[] = {
                "", "{", "{\"Name\":\"/a\",}", "{'Name':1}", "{\"Name\":\"a\",\"Name\":\"b\"}", "{} {}", "\xff\xfe",
                "{\"Name\":\"\\u0000\"}", "nul",
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, bad[i]), -EBADMSG);
}
END_TEST

START_TEST(names_that_are_too_long_or_hold_control_bytes_are_not_known) {
        static char text[2000];

        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER,
                               "{\"Name\":\"/we\\u001bb\",\"Config\":{\"Image\":\"a\\nb\"}}"), 0);
        snprintf(text, sizeof(text), "{\"Name\":\"/%0999d\",\"Config\":{\"Image\":\"x\"}}", 7);
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, text), 1);
        ck_assert_str_eq(info.name, "");
        ck_assert_str_eq(info.image, "x");
        /* Of another type than text. */
        ck_assert_int_eq(parse(CONTAINER_FORM_DOCKER, "{\"Name\":[1],\"Config\":7}"), 0);
}
END_TEST

START_TEST(each_runtime_is_found_where_it_writes) {
        setup();
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), 0);
        put("/var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/d\"}");
        put("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
            "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"c\"}}");
        put("/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
            "{\"annotations\":{\"io.kubernetes.container.name\":\"o\"}}");
        put("/var/lib/containers/storage/overlay-containers/containers.json",
            "[{\"id\":\"" ID "\",\"names\":[\"p\"]}]");

        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), 1);
        ck_assert_str_eq(info.name, "d");
        ck_assert_int_eq(container_file_read(root, CONTAINER_CONTAINERD, ID, &info), 1);
        ck_assert_str_eq(info.name, "c");
        ck_assert_int_eq(container_file_read(root, CONTAINER_CRIO, ID, &info), 1);
        ck_assert_str_eq(info.name, "o");
        ck_assert_int_eq(container_file_read(root, CONTAINER_PODMAN, ID, &info), 1);
        ck_assert_str_eq(info.name, "p");
        put("/run/containers/storage/overlay-containers/volatile-containers.json",
            "[{\"id\":\"" OTHER "\",\"names\":[\"t\"]}]");
        ck_assert_int_eq(container_file_read(root, CONTAINER_PODMAN, OTHER, &info), 1);
        ck_assert_str_eq(info.name, "t");
        put("/var/lib/containers/storage/overlay-containers/volatile-containers.json",
            "[{\"id\":\"" OTHER "\",\"names\":[\"v\"]}]");
        ck_assert_int_eq(container_file_read(root, CONTAINER_PODMAN, OTHER, &info), 1);
        ck_assert_str_eq(info.name, "v");
        ck_assert_int_eq(container_file_read(root, CONTAINER_LXC, ID, &info), 0);
        teardown();
}
END_TEST

/* As they were left, but for what nobody looks at. */
START_TEST(files_that_runtimes_wrote_are_read) {
        setup();
        /* Docker 20.10.24: Image is an id there, what was asked for is in Config. */
        put("/var/lib/docker/containers/" ID "/config.v2.json",
            "{\"StreamConfig\":{},\"State\":{\"Running\":false,\"Pid\":0},\"ID\":\"" ID "\","
            "\"Created\":\"2026-11-22T11:40:05.5Z\",\"Managed\":false,\"Path\":\"/bin/sleep\",\"Args\":[\"1000\"],"
            "\"Config\":{\"Hostname\":\"10f3c9420963\",\"Env\":[\"PATH=/bin\"],\"Cmd\":[\"/bin/sleep\",\"1000\"],"
            "\"Image\":\"example.org/bb:1.0\",\"Labels\":{}},\"Image\":\"sha256:99826e2ef602\",\"NetworkSettings\":{},"
            "\"Name\":\"/dbox-systemd\",\"Driver\":\"overlay2\",\"OS\":\"linux\",\"AppArmorProfile\":\"\"}");
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), 1);
        ck_assert_str_eq(info.name, "dbox-systemd");
        ck_assert_str_eq(info.image, "example.org/bb:1.0");

        /* Podman 4.3.1: one that goes when it ends, and one without an image (--rootfs). */
        put("/var/lib/containers/storage/overlay-containers/containers.json",
            "[{\"id\":\"" ID "\",\"names\":[\"box-systemd--rm\"],\"image\":\"b1327cad601e\",\"layer\":\"41f9812e5038\","
            "\"metadata\":\"{\\\"image-name\\\":\\\"example.org/bb:1.0\\\",\\\"image-id\\\":\\\"b1327cad601e\\\","
            "\\\"name\\\":\\\"box-systemd--rm\\\",\\\"created-at\\\":1795347534}\","
            "\"created\":\"2026-11-22T11:38:54.315045485Z\",\"flags\":{\"MountLabel\":\"\",\"ProcessLabel\":\"\","
            "\"Volatile\":true}},"
            "{\"id\":\"" OTHER "\",\"names\":[\"rfs\"],\"image\":\"\",\"layer\":\"a8dcb960227a\","
            "\"metadata\":\"{\\\"image-name\\\":\\\"\\\",\\\"image-id\\\":\\\"\\\",\\\"name\\\":\\\"rfs\\\","
            "\\\"created-at\\\":1795347515}\",\"created\":\"2026-11-22T11:38:35.2502417Z\","
            "\"flags\":{\"MountLabel\":\"\",\"ProcessLabel\":\"\"}}]");
        ck_assert_int_eq(container_file_read(root, CONTAINER_PODMAN, ID, &info), 1);
        ck_assert_str_eq(info.name, "box-systemd--rm");
        ck_assert_str_eq(info.image, "example.org/bb:1.0");
        ck_assert_int_eq(container_file_read(root, CONTAINER_PODMAN, OTHER, &info), 1);
        ck_assert_str_eq(info.name, "rfs");
        ck_assert_str_eq(info.image, "");

        /* containerd 1.6.20: labels of nerdctl's come as annotations. */
        put("/run/containerd/io.containerd.runtime.v2.task/default/" ID "/config.json",
            "{\"ociVersion\":\"1.0.2-dev\",\"process\":{\"user\":{\"uid\":0},\"args\":[\"/bin/sleep\",\"1000\"],"
            "\"cwd\":\"/\"},\"root\":{\"path\":\"rootfs\"},\"annotations\":{\"nerdctl/name\":\"nb\"},"
            "\"linux\":{\"cgroupsPath\":\"/default/" ID "\"}}");
        ck_assert_int_eq(container_file_read(root, CONTAINER_CONTAINERD, ID, &info), 1);
        ck_assert_str_eq(info.name, "nb");
        teardown();
}
END_TEST

START_TEST(container_of_which_the_name_says_no_runtime_is_looked_for_everywhere) {
        setup();
        put("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
            "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"c\"}}");
        ck_assert_int_eq(container_file_read(root, CONTAINER_OTHER, ID, &info), 1);
        ck_assert_int_eq(info.runtime, CONTAINER_CONTAINERD);
        ck_assert_int_eq(container_file_read(root, CONTAINER_OTHER, OTHER, &info), 0);
        /* Where it lies says whose it is, if nothing in it does. */
        put("/run/containerd/io.containerd.runtime.v2.task/buildkit/" OTHER "/config.json",
            "{\"ociVersion\":\"1.0.2-dev\",\"linux\":{\"cgroupsPath\":\"/buildkit/" OTHER "\"}}");
        ck_assert_int_eq(container_file_read(root, CONTAINER_OTHER, OTHER, &info), 1);
        ck_assert_int_eq(info.runtime, CONTAINER_CONTAINERD);
        ck_assert_str_eq(info.name, "");
        ck_assert_str_eq(info.image, "");
        teardown();
}
END_TEST

START_TEST(file_that_somebody_else_could_have_put_there_is_not_believed) {
        char link[1024];

        setup();
        put("/var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/d\"}");
        ck_assert_int_eq(chmod(in_root("/var/lib/docker/containers/" ID "/config.v2.json"), 0666), 0);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), -EPERM);

        ck_assert_int_eq(unlink(in_root("/var/lib/docker/containers/" ID "/config.v2.json")), 0);
        put("/elsewhere", "{\"Name\":\"/d\"}");
        snprintf(link, sizeof(link), "%s", in_root("/elsewhere"));
        ck_assert_int_eq(symlink(link, in_root("/var/lib/docker/containers/" ID "/config.v2.json")), 0);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), -ELOOP);

        ck_assert_int_eq(unlink(in_root("/var/lib/docker/containers/" ID "/config.v2.json")), 0);
        ck_assert_int_eq(mkfifo(in_root("/var/lib/docker/containers/" ID "/config.v2.json"), 0600), 0);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), -EBADFD);
        ck_assert_int_eq(chmod(in_root("/var/lib/docker/containers"), 0777), 0);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), -EPERM);
        teardown();
}
END_TEST

START_TEST(id_that_is_none_leads_to_no_file) {
        setup();
        put("/var/lib/docker/secret/config.v2.json", "{\"Name\":\"/d\"}");
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, "../secret", &info), 0);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, "", &info), 0);
        teardown();
}
END_TEST

START_TEST(file_larger_than_its_bound_is_not_read) {
        static char large[CONTAINER_FILE_MAX + 10];

        setup();
        memset(large, ' ', sizeof(large) - 1);
        memcpy(large, "{}", 2);
        put("/var/lib/docker/containers/" ID "/config.v2.json", large);
        ck_assert_int_eq(container_file_read(root, CONTAINER_DOCKER, ID, &info), -EFBIG);
        teardown();
}
END_TEST

UNIT_MAIN("capture/container-file",
          docker_tells_name_and_image_as_they_were_given,
          bundle_tells_by_its_annotations_and_whose_it_is,
          list_of_podman_tells_of_the_one_that_is_asked_for,
          bytes_that_are_no_strict_json_are_refused,
          names_that_are_too_long_or_hold_control_bytes_are_not_known,
          each_runtime_is_found_where_it_writes,
          files_that_runtimes_wrote_are_read,
          container_of_which_the_name_says_no_runtime_is_looked_for_everywhere,
          file_that_somebody_else_could_have_put_there_is_not_believed,
          id_that_is_none_leads_to_no_file,
          file_larger_than_its_bound_is_not_read)

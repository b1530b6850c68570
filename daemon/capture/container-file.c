/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/container-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

#define ID_DIGITS 64
#define MAX_NAMESPACES 32               /* of containerd that are looked into */

/* A text that fits and holds no control bytes: names and images never do. */
static void copy_text(char *to, size_t size, const json_t *json) {
        const char *text = json_string_value(json);
        size_t n = text ? json_string_length(json) : 0;

        if (n == 0 || n >= size)
                return;
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        return;
        memcpy(to, text, n + 1);
}

static int answer(const struct container_info *info) {
        return info->name[0] || info->image[0];
}

/* ---- the forms ---- */

static int parse_docker(const json_t *json, const char *id, struct container_info *ret) {
        const char *name = json_string_value(json_object_get(json, "Name"));
        const char *own = json_string_value(json_object_get(json, "ID"));

        if (!json_is_object(json))
                return -EBADMSG;
        if (own && !streq(own, id))
                return 0;
        ret->runtime = CONTAINER_DOCKER;
        copy_text(ret->name, sizeof(ret->name), json_object_get(json, "Name"));
        if (name && name[0] == '/')     /* as Docker stores them */
                memmove(ret->name, ret->name + 1, sizeof(ret->name) - 1);
        copy_text(ret->image, sizeof(ret->image), json_object_get(json_object_get(json, "Config"), "Image"));
        return answer(ret);
}

/* The first that is there counts. */
static const struct {
        const char *key;
        enum container_runtime runtime;
        bool image;
} annotations_table[] = {
        {"io.kubernetes.cri.container-name", CONTAINER_CONTAINERD, false},
        {"io.kubernetes.cri.image-name", CONTAINER_CONTAINERD, true},
        {"nerdctl/name", CONTAINER_CONTAINERD, false},
        {"io.kubernetes.container.name", CONTAINER_CRIO, false},
        {"io.kubernetes.cri-o.ImageName", CONTAINER_CRIO, true},
        {"io.kubernetes.cri-o.Name", CONTAINER_CRIO, false},
};

static int parse_bundle(const json_t *json, struct container_info *ret) {
        const json_t *annotations = json_object_get(json, "annotations");

        if (!json_is_object(json))
                return -EBADMSG;
        ret->runtime = CONTAINER_OTHER;
        for (size_t i = 0; i < ELEMENTSOF(annotations_table); i++) {
                const json_t *value = json_object_get(annotations, annotations_table[i].key);
                char *to = annotations_table[i].image ? ret->image : ret->name;

                if (!value || *to)
                        continue;
                copy_text(to, annotations_table[i].image ? sizeof(ret->image) : sizeof(ret->name), value);
                if (*to && ret->runtime == CONTAINER_OTHER)
                        ret->runtime = annotations_table[i].runtime;
        }
        return answer(ret);
}

/* The metadata is a text that is JSON once more: {"image-name": ..., "name": ...}. */
static int parse_storage(const json_t *json, const char *id, struct container_info *ret) {
        if (!json_is_array(json))
                return -EBADMSG;
        for (size_t i = 0; i < json_array_size(json); i++) {
                const json_t *item = json_array_get(json, i);
                _cleanup_(json_decrefp) json_t *metadata = NULL;
                const json_t *text = json_object_get(item, "metadata");
                const char *own = json_string_value(json_object_get(item, "id"));

                if (!own || !streq(own, id))
                        continue;
                ret->runtime = CONTAINER_PODMAN;
                copy_text(ret->name, sizeof(ret->name), json_array_get(json_object_get(item, "names"), 0));
                if (json_is_string(text))
                        metadata = json_loadb(json_string_value(text), json_string_length(text),
                                              JSON_REJECT_DUPLICATES, NULL);
                copy_text(ret->image, sizeof(ret->image), json_object_get(metadata, "image-name"));
                return answer(ret);
        }
        return 0;
}

int container_file_parse(enum container_form form, const char *bytes, size_t n, const char *id,
                         struct container_info *ret) {
        _cleanup_(json_decrefp) json_t *json = NULL;
        json_error_t error;

        *ret = (struct container_info){};
        json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
        if (!json)
                return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;

        switch (form) {
        case CONTAINER_FORM_DOCKER: return parse_docker(json, id, ret);
        case CONTAINER_FORM_BUNDLE: return parse_bundle(json, ret);
        case CONTAINER_FORM_STORAGE: return parse_storage(json, id, ret);
        }
        return -EBADMSG;
}

/* ---- the places ---- */

/* Whoever administers the host may have put a runtime's directory elsewhere with a link; below it there are none. */
static int open_below(int directory, const char *name) {
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        _cleanup_(closep) int fd = -1;
        struct stat st;

        fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        if (fd_trust_of(&st) != FD_TRUSTED)
                return -EPERM;
        return TAKE_FD(fd);
}

static int read_below(int directory, const char *name, size_t max, enum container_form form, const char *id,
                      struct container_info *ret) {
        _cleanup_(closep) int fd = -1;
        _cleanup_(freep) char *bytes = NULL;
        size_t n;
        int r;

        fd = open_below(directory, name);
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
        r = fd_read_all(fd, max, &bytes, &n);
        if (r < 0)
                return r;
        return container_file_parse(form, bytes, n, id, ret);
}

static int open_directory(const char *root, const char *name) {
        char path[PATH_MAX];
        struct stat st;
        int fd;

        if (snprintf(path, sizeof(path), "%s%s", root, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0 || fd_trust_of(&st) != FD_TRUSTED) {
                close(fd);
                return -EPERM;
        }
        return fd;
}

static int read_at(const char *root, const char *directory, const char *name, size_t max, enum container_form form,
                   const char *id, struct container_info *ret) {
        _cleanup_(closep) int fd = open_directory(root, directory);

        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
        return read_below(fd, name, max, form, id, ret);
}

static int read_docker(const char *root, const char *id, struct container_info *ret) {
        char name[ID_DIGITS + 32];

        snprintf(name, sizeof(name), "%s/config.v2.json", id);
        return read_at(root, "/var/lib/docker/containers", name, CONTAINER_FILE_MAX, CONTAINER_FORM_DOCKER, id, ret);
}

/* One directory for each namespace: k8s.io, default, moby, ... */
static int read_containerd(const char *root, const char *id, struct container_info *ret) {
        _cleanup_(closedirp) DIR *dir = NULL;
        char name[NAME_MAX + ID_DIGITS + 32];
        struct dirent *entry;
        int fd, r = 0;

        fd = open_directory(root, "/run/containerd/io.containerd.runtime.v2.task");
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        for (size_t i = 0; i < MAX_NAMESPACES && r == 0 && (entry = readdir(dir));) {
                if (entry->d_name[0] == '.')
                        continue;
                i++;
                snprintf(name, sizeof(name), "%s/%s/config.json", entry->d_name, id);
                r = read_below(dirfd(dir), name, CONTAINER_FILE_MAX, CONTAINER_FORM_BUNDLE, id, ret);
                /* One without annotations is known to be containerd's, and that is all. */
                if (r >= 0 && ret->runtime == CONTAINER_OTHER) {
                        ret->runtime = streq(entry->d_name, "moby") ? CONTAINER_DOCKER : CONTAINER_CONTAINERD;
                        r = 1;
                }
        }
        return r;
}

static const char *const storage_drivers[] = {"overlay", "vfs", "btrfs", "zfs"};

static int read_crio(const char *root, const char *id, struct container_info *ret) {
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(storage_drivers) && r == 0; i++) {
                char name[ID_DIGITS + 64];

                snprintf(name, sizeof(name), "%s-containers/%s/userdata/config.json", storage_drivers[i], id);
                r = read_at(root, "/run/containers/storage", name, CONTAINER_FILE_MAX, CONTAINER_FORM_BUNDLE, id, ret);
        }
        return r;
}

/* A container that is removed when it ends (--rm) is in a list of its own where Podman is newer than 4.3. That list is
 * elsewhere, and the only one, if the store is transient. */
static int read_podman(const char *root, const char *id, struct container_info *ret) {
        static const struct {
                const char *directory, *name;
        } lists[] = {
                {"/var/lib/containers/storage", "containers.json"},
                {"/var/lib/containers/storage", "volatile-containers.json"},
                {"/run/containers/storage", "volatile-containers.json"},
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                for (size_t k = 0; k < ELEMENTSOF(storage_drivers) && r == 0; k++) {
                        char name[64];

                        snprintf(name, sizeof(name), "%s-containers/%s", storage_drivers[k], lists[i].name);
                        r = read_at(root, lists[i].directory, name, CONTAINER_LIST_MAX, CONTAINER_FORM_STORAGE, id,
                                    ret);
                }
        return r;
}

static bool is_id(const char *id) {
        return strlen(id) == ID_DIGITS && strspn(id, "0123456789abcdef") == ID_DIGITS;
}

int container_file_read(const char *root, enum container_runtime runtime, const char *id, struct container_info *ret) {
        static int (*const readers[])(const char *root, const char *id, struct container_info *ret) = {
                [CONTAINER_DOCKER] = read_docker,
                [CONTAINER_PODMAN] = read_podman,
                [CONTAINER_CONTAINERD] = read_containerd,
                [CONTAINER_CRIO] = read_crio,
        };
        int r = 0;

        *ret = (struct container_info){};
        if (!is_id(id))
                return 0;               /* and so it is the name of no file that we would not mean */

        if (runtime != CONTAINER_OTHER)
                return runtime < ELEMENTSOF(readers) && readers[runtime] ? readers[runtime](root, id, ret) : 0;
        for (size_t i = 0; i < ELEMENTSOF(readers) && r == 0; i++)
                if (readers[i])
                        r = readers[i](root, id, ret);
        return r;
}

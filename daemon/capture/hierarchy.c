/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

#define HIERARCHY_MAX_DEPTH 64
#define FILEID_KERNFS 0xfe

/* mountinfo: id parent dev root mountpoint options... - type source options. Only a mount of the whole hierarchy will
 * do. */
static int hierarchy_find_mount(const char *mounts, const char *type, const char *option, char **ret) {
        const char *next, *line = mounts;

        for (; *line; line = next) {
                char text[4096 + 1024], root[2], place[4096], kind[32], options[1024];
                const char *end = strchrnul(line, '\n'), *rest;
                int n = end - line;

                next = *end ? end + 1 : end;
                if (n >= (int)sizeof(text))
                        continue;
                memcpy(text, line, n);
                text[n] = 0;
                rest = strstr(text, " - ");
                if (!rest || sscanf(text, "%*s %*s %*s %1s%*[ ]%4095s", root, place) != 2 ||
                    sscanf(rest, " - %31s %*s %1023s", kind, options) != 2)
                        continue;
                if (!streq(kind, type) || (option && !strstr(options, option)))
                        continue;
                *ret = strdup(place);
                return *ret ? 0 : -ENOMEM;
        }
        return -ENOENT;
}

static bool has_subdirectory(const char *path) {
        _cleanup_(closedirp) DIR *dir = opendir(path);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        return true;
        return false;
}

int hierarchy_init(struct hierarchy *hierarchy) {
        _cleanup_(freep) char *mounts = NULL, *v2 = NULL, *named = NULL;
        size_t n;
        int r;

        *hierarchy = (struct hierarchy){.mount_fd = -1};
        r = idmap_init_fixed(&hierarchy->known, HIERARCHY_MAX);
        if (r < 0)
                return r;

        if (read_file_at(AT_FDCWD, "/proc/self/mountinfo", 4 << 20, &mounts, &n) < 0)
                return 0;
        r = hierarchy_find_mount(mounts, "cgroup2", NULL, &v2);
        if (r == -ENOMEM)
                return r;
        r = hierarchy_find_mount(mounts, "cgroup", "name=systemd", &named);
        if (r == -ENOMEM)
                return r;

        hierarchy->named = named && !(v2 && has_subdirectory(v2));
        if (hierarchy->named)
                hierarchy->mount = TAKE_PTR(named);
        else if (v2) {
                hierarchy->mount = strdup(v2);
                if (!hierarchy->mount)
                        return -ENOMEM;
        }
        hierarchy->v2 = TAKE_PTR(v2);
        if (hierarchy->mount)
                hierarchy->mount_fd = open(hierarchy->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
}

void hierarchy_done(struct hierarchy *hierarchy) {
        idmap_done(&hierarchy->known);
        free(hierarchy->mount);
        free(hierarchy->v2);
        close_fd(hierarchy->mount_fd);
        *hierarchy = (struct hierarchy){.mount_fd = -1};
}

void hierarchy_forget(struct hierarchy *hierarchy) {
        idmap_clear(&hierarchy->known);
        hierarchy->last_id = 0;
}

bool hierarchy_see(struct hierarchy *hierarchy, uint64_t id) {
        if (id == hierarchy->last_id)
                return true;
        hierarchy->last_id = id;
        if (idmap_find(&hierarchy->known, id))
                return true;
        /* Ids are never used again, so the set only grows. Full, it starts anew: then names are told a second time,
         * which does no harm. */
        if (hierarchy->known.n >= HIERARCHY_MAX)
                idmap_clear(&hierarchy->known);
        (void)idmap_put(&hierarchy->known, id, hierarchy);
        return false;
}

struct walk {
        struct hierarchy *hierarchy;
        hierarchy_each each;
        void *userdata;
        bool all;                       /* those as well whose name was told, and they are not remembered */
        size_t n;
        char path[PATH_MAX];
};

/* The id of a cgroup is the inode number of its directory. */
static void hierarchy_walk(struct walk *walk, int fd, size_t length, unsigned depth) {
        DIR *dir;
        struct dirent *entry;
        struct stat st;

        if (walk->n >= HIERARCHY_MAX || fstat(fd, &st) < 0) {
                close(fd);
                return;
        }
        if (walk->all || !hierarchy_see(walk->hierarchy, st.st_ino)) {
                walk->each(st.st_ino, length > 0 ? walk->path : "/", walk->userdata);
                walk->n++;
        }

        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return;
        }
        while (depth < HIERARCHY_MAX_DEPTH && (entry = readdir(dir))) {
                size_t k = strlen(entry->d_name);
                int child;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || length + k + 2 > PATH_MAX)
                        continue;
                child = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (child < 0)
                        continue;
                walk->path[length] = '/';
                memcpy(walk->path + length + 1, entry->d_name, k + 1);
                hierarchy_walk(walk, child, length + k + 1, depth + 1);
                walk->path[length] = 0;
        }
        closedir(dir);
}

static size_t hierarchy_walk_all(struct walk *walk) {
        int fd;

        if (!walk->hierarchy->mount)
                return 0;
        fd = open(walk->hierarchy->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                hierarchy_walk(walk, fd, 0, 0);
        return walk->n;
}

size_t hierarchy_scan(struct hierarchy *hierarchy, hierarchy_each each, void *userdata) {
        struct walk walk = {.hierarchy = hierarchy, .each = each, .userdata = userdata};

        return hierarchy_walk_all(&walk);
}

size_t hierarchy_list(struct hierarchy *hierarchy, hierarchy_each each, void *userdata) {
        struct walk walk = {.hierarchy = hierarchy, .each = each, .userdata = userdata, .all = true};

        return hierarchy_walk_all(&walk);
}

static int open_group(const struct hierarchy *hierarchy, uint64_t id) {
        union {
                struct file_handle handle;
                char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
        } u = {};
        int fd;

        if (hierarchy->mount_fd < 0)
                return -ENOENT;
        u.handle.handle_bytes = sizeof(id);
        u.handle.handle_type = FILEID_KERNFS;
        memcpy(u.handle.f_handle, &id, sizeof(id));
        fd = open_by_handle_at(hierarchy->mount_fd, &u.handle, O_PATH | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool hierarchy_is_roots(const struct hierarchy *hierarchy, uint64_t id) {
        _cleanup_(closep) int fd = open_group(hierarchy, id);
        struct stat st;

        /* A group may be given to the users in a container as soon as it is made. */
        return fd >= 0 && fstatat(fd, "..", &st, 0) >= 0 && st.st_uid == 0;
}

int hierarchy_name(const struct hierarchy *hierarchy, uint64_t id, char *buffer, size_t size) {
        _cleanup_(closep) int fd = -1;
        char link[64], place[PATH_MAX];
        const char *rest;
        ssize_t n;

        fd = open_group(hierarchy, id);
        if (fd < 0)
                return fd;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, place, sizeof(place) - 1);
        if (n < 0)
                return -errno;
        place[n] = 0;
        rest = startswith(place, hierarchy->mount);
        if (!rest || endswith(place, " (deleted)"))
                return -ENOENT;
        if (snprintf(buffer, size, "%s", *rest ? rest : "/") >= (int)size)
                return -ENOSPC;
        return 0;
}

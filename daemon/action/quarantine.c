/* SPDX-License-Identifier: Apache-2.0 */
#include "action/quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "action/walk.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"

#define PART_SECONDS 3600               /* after the last write a part belongs to nobody any more */
#define MOUNTINFO_MAX ((size_t)4 * MIB)
#define XATTRS_MAX ((size_t)64 * 1024)
#define MINOR_BITS 20                   /* of a device as the kernel has it inside */

struct descriptor_path {
        char text[48];
};

static struct descriptor_path path_of(int fd) {
        struct descriptor_path path;

        snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
        return path;
}

static uint32_t device_of(dev_t device) {
        return major(device) << MINOR_BITS | minor(device);
}

/* The device of the mount that it lies on: of a file on btrfs or overlayfs stat() says another one than events do. */
static int mount_device(int fd, uint32_t *ret) {
        _cleanup_(freep) char *info = NULL, *mounts = NULL;
        unsigned mount_id;
        const char *found;
        char path[48];
        size_t n;
        int r;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        r = read_file_at(AT_FDCWD, path, MOUNTINFO_MAX, &info, &n);
        if (r < 0)
                return r;
        found = strstr(info, "mnt_id:");
        if (!found || sscanf(found, "mnt_id: %u", &mount_id) != 1)
                return -ENODATA;
        r = read_file_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts, &n);
        if (r < 0)
                return r;
        for (const char *line = mounts; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                unsigned id, high, low;

                if (sscanf(line, "%u %*u %u:%u", &id, &high, &low) == 3 && id == mount_id) {
                        *ret = high << MINOR_BITS | low;
                        return 0;
                }
        }
        return -ENODATA;
}

/* The directory of a path, with no link anywhere. */
static int open_parent(const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        char parent[PATH_MAX];
        int root, fd;

        if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof(parent))
                return -EINVAL;
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = 0;
        root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        fd = walk_directory(root, parent);
        close_fd(root);
        if (fd < 0)
                return fd;
        *ret_name = slash + 1;
        return fd;
}

int suspect_open(const char *path, uint32_t device, uint64_t inode, struct suspect *ret) {
        _cleanup_(closep) int dir_fd = -1, fd = -1;
        uint32_t found;
        struct stat st;
        const char *name;
        int r;

        dir_fd = open_parent(path, &name);
        if (dir_fd < 0)
                return dir_fd;
        fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        found = device_of(st.st_dev);
        if (found != device) {
                r = mount_device(fd, &found);
                if (r < 0)
                        return r;
        }
        if (st.st_ino != inode || found != device)
                return -ESTALE;
        *ret = (struct suspect){
                .dir_fd = TAKE_FD(dir_fd),
                .fd = TAKE_FD(fd),
                .path = path,
                .name = name,
                .inode = inode,
                .size = (uint64_t)st.st_size,
                .device = device,
                .mode = st.st_mode & 07777,
                .uid = st.st_uid,
                .gid = st.st_gid,
                .links = (uint32_t)st.st_nlink,
                .mtime_s = st.st_mtim.tv_sec,
                .mtime_ns = (uint32_t)st.st_mtim.tv_nsec,
        };
        return 0;
}

void suspect_done(struct suspect *suspect) {
        suspect->fd = close_fd(suspect->fd);
        suspect->dir_fd = close_fd(suspect->dir_fd);
}

static int open_content(const struct suspect *suspect) {
        int fd = open(path_of(suspect->fd).text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 ? -errno : fd;
}

int suspect_hash_begin(const struct suspect *suspect, struct copy *ret) {
        int fd;

        if (suspect->size > QUARANTINE_HASH_MAX)
                return -EFBIG;
        fd = open_content(suspect);
        if (fd < 0)
                return fd;
        *ret = (struct copy){.from = fd, .to = -1, .max_bytes = QUARANTINE_HASH_MAX};
        return 0;
}

int quarantine_open(const char *directory) {
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        return open_trusted_directory(directory, NULL);
}

int quarantine_size(int dir_fd, uint64_t *ret) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int64_t now_s = (int64_t)(clock_realtime_ns() / NSEC_PER_SEC);
        uint64_t size = 0;
        int r;

        r = fd_open_directory(dir_fd, ".", &dir);
        if (r < 0)
                return r;
        while ((entry = readdir(dir))) {
                struct stat st;

                if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                        continue;
                if (entry->d_name[0] == '.' && st.st_mtim.tv_sec + PART_SECONDS < now_s)
                        (void)unlinkat(dir_fd, entry->d_name, 0);
                else
                        size += (uint64_t)st.st_size;
        }
        *ret = size;
        return 0;
}

/* ---- moving ---- */

/* Is the name in the directory the very file? */
static bool is_there(int dir_fd, const char *name, const struct stat *wanted) {
        struct stat st;

        return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && st.st_ino == wanted->st_ino &&
               st.st_dev == wanted->st_dev;
}

/* Move the name, and see that it was this file's; put another one back. */
static int move_checked(int from_fd, const char *from, int to_fd, const char *to, int file_fd) {
        struct stat st;

        if (fstat(file_fd, &st) < 0)
                return -errno;
        if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) < 0)
                return -errno;
        if (is_there(to_fd, to, &st))
                return 0;
        (void)renameat2(to_fd, to, from_fd, from, RENAME_NOREPLACE);
        return -ESTALE;
}

/* What the other file system cannot hold stays behind: content, owner and mode are what counts. */
static void copy_attributes(int from, int to) {
        _cleanup_(freep) char *names = malloc(XATTRS_MAX), *value = malloc(XATTRS_MAX);
        ssize_t n;

        if (!names || !value)
                return;
        n = flistxattr(from, names, XATTRS_MAX);
        for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
                ssize_t length = fgetxattr(from, names + i, value, XATTRS_MAX);

                if (length >= 0)
                        (void)fsetxattr(to, names + i, value, (size_t)length, 0);
        }
}

/* A new file, readable by nobody. */
static int new_file(int dir_fd, const char *name) {
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);

        return fd < 0 ? -errno : fd;
}

/* Take the name away, if it is this file's. */
static int remove_checked(const struct suspect *suspect) {
        char aside[64];
        int r;

        snprintf(aside, sizeof(aside), ".execray-%llx-%x", (unsigned long long)suspect->inode, (unsigned)getpid());
        r = move_checked(suspect->dir_fd, suspect->name, suspect->dir_fd, aside, suspect->fd);
        if (r < 0)
                return r;
        return unlinkat(suspect->dir_fd, aside, 0) < 0 ? -errno : 0;
}

static void part_name(const char *name, char ret[static NAME_MAX + 1]) {
        snprintf(ret, NAME_MAX + 1, ".%s", name);
}

int quarantine_copy_begin(int dir_fd, const char *name, const struct suspect *suspect, struct copy *ret) {
        _cleanup_(closep) int from = -1;
        char part[NAME_MAX + 1];
        int to;

        if (suspect->size > QUARANTINE_COPY_MAX)
                return -EFBIG;
        from = open_content(suspect);
        if (from < 0)
                return from;
        part_name(name, part);
        to = new_file(dir_fd, part);
        if (to < 0)
                return to;
        *ret = (struct copy){.from = TAKE_FD(from), .to = to, .max_bytes = QUARANTINE_COPY_MAX};
        return 0;
}

static int finish_copy(int dir_fd, const char *part, const char *name, const struct suspect *suspect) {
        _cleanup_(closep) int from = -1, to = -1;
        int r;

        from = open_content(suspect);
        if (from < 0)
                return from;
        to = openat(dir_fd, part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (to < 0)
                return -errno;
        copy_attributes(from, to);
        if (renameat2(dir_fd, part, dir_fd, name, RENAME_NOREPLACE) < 0)
                return -errno;
        r = remove_checked(suspect);
        if (r < 0)
                (void)unlinkat(dir_fd, name, 0);
        return r;
}

int quarantine_copy_finish(int dir_fd, const char *name, const struct suspect *suspect,
                           const struct copy_answer *answer) {
        char part[NAME_MAX + 1];
        int r;

        part_name(name, part);
        r = answer->error < 0 ? answer->error : finish_copy(dir_fd, part, name, suspect);
        if (r < 0)
                (void)unlinkat(dir_fd, part, 0);
        return r;
}

int quarantine_move(int dir_fd, const char *name, const struct suspect *suspect) {
        int r;

        if (suspect->links > 1)
                return -EXDEV;
        r = move_checked(suspect->dir_fd, suspect->name, dir_fd, name, suspect->fd);
        if (r < 0)
                return r;
        /* Nobody but root gets here any more; the mode is for those who do. */
        return chmod(path_of(suspect->fd).text, 0) < 0 ? -errno : 0;
}

static int set_origin(int fd, const struct quarantine_origin *origin) {
        const struct timespec times[2] = {
                {.tv_nsec = UTIME_OMIT},
                {.tv_sec = origin->mtime_s, .tv_nsec = origin->mtime_ns},
        };
        struct descriptor_path path = path_of(fd);

        /* Owner first: it takes set-user-id away. */
        if (chown(path.text, origin->uid, origin->gid) < 0 || chmod(path.text, origin->mode) < 0 ||
            utimensat(AT_FDCWD, path.text, times, 0) < 0)
                return -errno;
        return 0;
}

static int restore_copy(int dir_fd, const char *name, int to_fd, const char *to,
                        const struct quarantine_origin *origin) {
        struct copy copy = {.from = -1, .to = -1, .max_bytes = QUARANTINE_COPY_MAX};
        _cleanup_(closep) int from = -1, file = -1;
        struct copy_answer answer;
        char aside[64];
        int r;

        copy.from = from = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (from < 0)
                return -errno;
        snprintf(aside, sizeof(aside), ".execray-restored-%x", (unsigned)getpid());
        copy.to = file = new_file(to_fd, aside);
        if (file < 0)
                return file;
        copy_run(&copy, &answer);
        r = answer.error;
        if (r >= 0) {
                copy_attributes(from, file);
                r = set_origin(file, origin);
        }
        if (r >= 0)
                r = move_checked(to_fd, aside, to_fd, to, file);
        if (r < 0) {
                (void)unlinkat(to_fd, aside, 0);
                return r;
        }
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int quarantine_restore(int dir_fd, const char *name, const struct quarantine_origin *origin) {
        _cleanup_(closep) int to_fd = -1, file = -1;
        const char *to;
        int r;

        to_fd = open_parent(origin->path, &to);
        if (to_fd < 0)
                return to_fd;
        file = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0)
                return -errno;
        r = move_checked(dir_fd, name, to_fd, to, file);
        if (r == -EXDEV)
                return restore_copy(dir_fd, name, to_fd, to, origin);
        return r < 0 ? r : set_origin(file, origin);
}

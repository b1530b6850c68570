/* SPDX-License-Identifier: Apache-2.0 */
#include "report/packages.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hashmap.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/siphash.h"

#define INFO "/var/lib/dpkg/info"
#define STATUS "/var/lib/dpkg/status"

#define MAX_PACKAGES 32768U             /* 16 bits and no more */
#define MAX_FILES (1U << 20)
#define MAX_LIST_BYTES ((size_t)16 << 20)
#define MAX_STATUS_BYTES ((size_t)64 << 20)
#define MAX_TEXT_BYTES ((size_t)8 << 20)        /* names and versions */
#define REBUILD_INTERVAL_NS NSEC_PER_MIN

/* Where no programs are, but most of the files. What is there is neither looked for nor found. */
static const char *const passed_over[] = {
        "/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/icons/", "/usr/share/zoneinfo/",
        "/usr/include/",
};

/* Since the merge these are links into /usr; packages still list their files under the old names. */
static const char *const merged[] = {"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"};

struct owned {
        uint64_t hash;                  /* of the path; never 0 */
        uint16_t package;
};

struct packages {
        char *root;                     /* owned */
        bool is_merged[ELEMENTSOF(merged)];
        struct owned *files;            /* owned; sorted by hash */
        size_t n_files, capacity;
        struct package *list;           /* in the arena */
        size_t n_packages;
        struct hashmap by_name;
        struct arena texts;
        struct stat info, status;       /* as they were when the index was built */
        uint64_t built_at_ns;           /* 0: not yet */
        bool is_complete;
        struct packages_stats stats;
};

DEFINE_CLEANUP(struct packages *, packages_free)

int packages_new(const char *root, struct packages **ret) {
        _cleanup_(packages_freep) struct packages *packages = NULL;

        packages = calloc(1, sizeof(*packages));
        if (!packages)
                return -ENOMEM;
        packages->root = strdup(root);
        if (!packages->root)
                return -ENOMEM;
        hashmap_init(&packages->by_name);
        arena_init(&packages->texts, MAX_TEXT_BYTES);
        *ret = TAKE_PTR(packages);
        return 0;
}

struct packages *packages_free(struct packages *packages) {
        if (!packages)
                return NULL;
        hashmap_done(&packages->by_name);
        arena_done(&packages->texts);
        free(packages->files);
        free(packages->root);
        free(packages);
        return NULL;
}

static int stat_below(const struct packages *packages, const char *path, struct stat *ret) {
        char full[PATH_MAX];

        if (snprintf(full, sizeof(full), "%s%s", packages->root, path) >= (int)sizeof(full))
                return -ENAMETOOLONG;
        return stat(full, ret) < 0 ? -errno : 0;
}

static bool is_passed_over(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(passed_over); i++)
                if (startswith(path, passed_over[i]))
                        return true;
        return false;
}

/* Both names of a merged directory give one hash. */
static uint64_t path_hash(const struct packages *packages, const char *path, size_t n) {
        struct siphash state;
        uint64_t hash;

        siphash_begin64(&state, siphash_process_key());
        for (size_t i = 0; i < ELEMENTSOF(merged); i++)
                if (packages->is_merged[i] && startswith(path, merged[i]))
                        siphash_add(&state, "/usr", 4);
        siphash_add(&state, path, n);
        hash = siphash_end64(&state);
        return hash != 0 ? hash : 1;
}

/* ---- the index ---- */

static int add_file(struct packages *packages, uint64_t hash, size_t package) {
        if (packages->n_files == packages->capacity) {
                size_t capacity = packages->capacity > 0 ? packages->capacity * 2 : 32768;
                struct owned *files;

                if (packages->n_files >= MAX_FILES)
                        return -ENOSPC;
                files = realloc(packages->files, capacity * sizeof(*files));
                if (!files)
                        return -ENOMEM;
                packages->files = files;
                packages->capacity = capacity;
        }
        packages->files[packages->n_files++] = (struct owned){.hash = hash, .package = (uint16_t)package};
        return 0;
}

/* One path a line. Directories are among them; nobody runs one. */
static int add_list(struct packages *packages, char *text, size_t n, size_t package) {
        char *end = text + n;

        for (char *line = text; line < end;) {
                char *newline = memchr(line, '\n', end - line) ?: end;
                int r;

                *newline = 0;           /* fd_read_all() leaves room for one behind the last */
                if (line[0] == '/' && !is_passed_over(line)) {
                        r = add_file(packages, path_hash(packages, line, newline - line), package);
                        if (r < 0)
                                return r;
                }
                line = newline + 1;
        }
        return 0;
}

static int add_package(struct packages *packages, const char *name, size_t n, size_t *ret) {
        struct package *package = packages->list + packages->n_packages;
        int r;

        if (packages->n_packages >= MAX_PACKAGES)
                return -ENOSPC;
        *package = (struct package){.name = arena_strndup(&packages->texts, name, n)};
        if (!package->name)
                return -ENOMEM;
        r = hashmap_put(&packages->by_name, package->name, n, package);
        if (r < 0)
                return r;
        *ret = packages->n_packages++;
        return 0;
}

static int read_lists(struct packages *packages, int fd) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int result = 0;

        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir))) {
                const char *end = endswith(entry->d_name, ".list");
                _cleanup_(closep) int list = -1;
                _cleanup_(freep) char *text = NULL;
                size_t n, package;
                int r;

                if (!end || end == entry->d_name)
                        continue;
                list = open_trusted_file_at(dirfd(dir), entry->d_name, NULL);
                r = list;
                if (r >= 0)
                        r = fd_read_all(list, MAX_LIST_BYTES, &text, &n);
                if (r >= 0)
                        r = add_package(packages, entry->d_name, end - entry->d_name, &package);
                if (r >= 0)
                        r = add_list(packages, text, n, package);
                if (r == -ENOMEM || r == -ENOSPC)
                        return r;
                if (r < 0)
                        result = r;
        }
        return result;
}

/* The value of `Name: value` if the line is that. */
static const char *value_of(const char *line, size_t n, const char *name, size_t *ret_n) {
        size_t k = strlen(name);

        if (n <= k || strncmp(line, name, k) != 0)
                return NULL;
        *ret_n = n - k;
        return line + k;
}

static int set_version(struct packages *packages, const char *name, size_t n_name, const char *arch, size_t n_arch,
                       const char *version, size_t n_version) {
        char full[512];
        struct package *package;
        int n;

        if (!name || !version)
                return 0;
        n = snprintf(full, sizeof(full), "%.*s:%.*s", (int)n_name, name, (int)n_arch, arch ?: "");
        package = n < (int)sizeof(full) ? hashmap_find(&packages->by_name, full, (size_t)n) : NULL;
        if (!package)
                package = hashmap_find(&packages->by_name, name, n_name);
        if (!package)
                return 0;
        package->version = arena_strndup(&packages->texts, version, n_version);
        return package->version ? 0 : -ENOMEM;
}

/* Paragraphs of `Name: value`, ended by an empty line. */
static int read_versions(struct packages *packages) {
        const char *name = NULL, *arch = NULL, *version = NULL, *end;
        size_t n_name = 0, n_arch = 0, n_version = 0, n;
        _cleanup_(freep) char *text = NULL;
        char path[PATH_MAX];
        int r;

        if (snprintf(path, sizeof(path), "%s" STATUS, packages->root) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        r = read_file_at(AT_FDCWD, path, MAX_STATUS_BYTES, &text, &n);
        if (r < 0)
                return r;

        end = text + n;
        for (const char *line = text; line <= end && r >= 0;) {
                const char *newline = line < end ? memchr(line, '\n', end - line) ?: end : end, *value;
                size_t length = newline - line, k;

                if (length == 0) {
                        r = set_version(packages, name, n_name, arch, n_arch, version, n_version);
                        name = arch = version = NULL;
                } else if ((value = value_of(line, length, "Package: ", &k))) {
                        name = value;
                        n_name = k;
                } else if ((value = value_of(line, length, "Architecture: ", &k))) {
                        arch = value;
                        n_arch = k;
                } else if ((value = value_of(line, length, "Version: ", &k))) {
                        version = value;
                        n_version = k;
                }
                line = newline + 1;
        }
        return r;
}

static int compare_owned(const void *x, const void *y) {
        const struct owned *a = x, *b = y;

        return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void forget(struct packages *packages) {
        packages->n_files = packages->n_packages = 0;
        hashmap_clear(&packages->by_name);
        arena_done(&packages->texts);
        packages->list = NULL;
}

static int build(struct packages *packages) {
        char path[PATH_MAX];
        int r, fd;

        forget(packages);
        for (size_t i = 0; i < ELEMENTSOF(merged); i++) {
                struct stat a, b;
                char usr[32];

                snprintf(usr, sizeof(usr), "/usr%s.", merged[i]);
                snprintf(path, sizeof(path), "%s.", merged[i]);
                packages->is_merged[i] = stat_below(packages, path, &a) >= 0 && stat_below(packages, usr, &b) >= 0 &&
                                         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
        }
        packages->list = arena_calloc(&packages->texts, MAX_PACKAGES, sizeof(struct package));
        if (!packages->list)
                return -ENOMEM;

        if (snprintf(path, sizeof(path), "%s" INFO, packages->root) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open_trusted_directory(path, NULL);
        if (fd < 0)
                return fd;
        r = read_lists(packages, fd);
        if (packages->n_files > 0)
                qsort(packages->files, packages->n_files, sizeof(struct owned), compare_owned);
        /* Without versions, names are told alone. */
        if (read_versions(packages) == -ENOMEM && r >= 0)
                r = -ENOMEM;
        return r;
}

static bool is_same(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Is what is in the index what is on disk? */
static bool refresh(struct packages *packages, uint64_t now_ns) {
        struct stat info, status = {};
        int r;

        if (stat_below(packages, INFO, &info) < 0)
                return false;           /* no dpkg */
        (void)stat_below(packages, STATUS, &status);
        if (packages->built_at_ns != 0) {
                if (is_same(&info, &packages->info) && is_same(&status, &packages->status))
                        return true;
                if (now_ns - packages->built_at_ns < REBUILD_INTERVAL_NS)
                        return false;
        }

        r = build(packages);
        packages->is_complete = r >= 0;
        packages->info = info;
        packages->status = status;
        packages->built_at_ns = MAX(now_ns, UINT64_C(1));
        packages->stats.n_built++;
        if (r < 0) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                packages->stats.n_incomplete++;
                log_limited(&limit, LOG_WARNING, r,
                            "Cannot read all that dpkg says about files, alerts name the packages that are known: %m");
        }
        return true;
}

enum package_answer packages_find(struct packages *packages, const char *path, const struct wire_object *file,
                                  uint64_t now_ns, struct package *ret) {
        struct owned wanted = {}, *found;
        struct stat st;
        bool current;

        assert(packages && path && file && ret);

        packages->stats.n_questions++;
        if (path[0] != '/' || file->inode == 0 || is_passed_over(path))
                return PACKAGE_UNKNOWN;
        current = refresh(packages, now_ns);
        if (packages->n_files == 0)
                return PACKAGE_UNKNOWN;
        if (stat_below(packages, path, &st) < 0 || st.st_ino != file->inode ||
            (major(st.st_dev) << 20 | minor(st.st_dev)) != file->device)
                return PACKAGE_UNKNOWN;

        wanted.hash = path_hash(packages, path, strlen(path));
        found = bsearch(&wanted, packages->files, packages->n_files, sizeof(wanted), compare_owned);
        if (found) {
                *ret = packages->list[found->package];
                return PACKAGE_OWNED;
        }
        return current && packages->is_complete ? PACKAGE_NONE : PACKAGE_UNKNOWN;
}

void packages_stats(const struct packages *packages, struct packages_stats *ret) {
        *ret = packages->stats;
        ret->n_files = packages->n_files;
        ret->n_packages = packages->n_packages;
        ret->bytes = packages->capacity * sizeof(struct owned) + packages->texts.reserved_bytes;
}

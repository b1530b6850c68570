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

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/siphash.h"
#include "report/package-index.h"

#define INFO "/var/lib/dpkg/info"
#define STATUS "/var/lib/dpkg/status"

#define MAX_LIST_BYTES ((size_t)16 << 20)
#define MAX_STATUS_BYTES ((size_t)64 << 20)
#define REBUILD_INTERVAL_NS NSEC_PER_MIN
#define LOOK_INTERVAL_NS NSEC_PER_SEC

/* One packages_work(): about a quarter of a millisecond, more only where a file has to come from a slow disk. */
#define WORK_LINES 2000U
#define WORK_FILES 4U

/* Where no programs are, but most of the files. What is there is neither looked for nor found. */
static const char *const passed_over[] = {
        "/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/icons/", "/usr/share/zoneinfo/",
        "/usr/include/",
};

/* Since the merge these are links into /usr; packages still list their files under the old names. */
static const char *const merged[] = {"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"};

/* What dpkg has written down, as it was then. */
struct state {
        struct package_index index;
        bool is_merged[ELEMENTSOF(merged)];
        bool is_complete;
        struct stat info, status;
};

/* Of the work, in this order. */
enum phase {
        PHASE_IDLE,
        PHASE_BEGIN,
        PHASE_LISTS,                    /* which package has which files */
        PHASE_OPEN,
        PHASE_VERSIONS,
        PHASE_END,
};

/* The next state, while it is made. */
struct work {
        enum phase phase;
        struct state state;
        DIR *directory;                 /* owned; of the lists */
        char *text;                     /* owned; the file that is being read, from `at` on */
        size_t n, at;
        size_t number;                  /* of the package whose list it is */
        int error;                      /* the first, 0 is none */
        /* Of the paragraph that is being read, in the text. */
        struct word {
                const char *bytes;
                size_t n;
        } name, arch, version;
};

/* An alert asks for the actor and its ancestors, and a storm of alerts for the same few again and again. */
#define MAX_ANSWERS 64                  /* a power of two; direct-mapped */

struct answer {
        uint64_t hash;                  /* of the path */
        struct wire_object file;
        uint64_t asked_ns;              /* 0: nobody has */
        const struct package *package;  /* borrowed from the state in force; NULL: none */
        enum package_answer answer;
};

struct packages {
        char *root;                     /* owned */
        bool remember;
        struct answer answers[MAX_ANSWERS];
        struct state state;             /* in force; empty until the first was made */
        struct work work;
        uint64_t begun_ns;              /* the last work; 0: none yet */
        uint64_t looked_ns;             /* when the state was found to be that of dpkg; 0: it was not */
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
        *ret = TAKE_PTR(packages);
        return 0;
}

static void work_done(struct work *work) {
        package_index_done(&work->state.index);
        closedirp(&work->directory);
        free(work->text);
        *work = (struct work){};
}

struct packages *packages_free(struct packages *packages) {
        if (!packages)
                return NULL;
        work_done(&packages->work);
        package_index_done(&packages->state.index);
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
static uint64_t path_hash(const struct state *state, const char *path, size_t n) {
        struct siphash siphash;

        siphash_begin64(&siphash, siphash_process_key());
        for (size_t i = 0; i < ELEMENTSOF(merged); i++)
                if (state->is_merged[i] && startswith(path, merged[i]))
                        siphash_add(&siphash, "/usr", 4);
        siphash_add(&siphash, path, n);
        return siphash_end64(&siphash);
}

/* ---- the next state ---- */

static int begin(struct packages *packages) {
        struct work *work = &packages->work;
        _cleanup_(closep) int fd = -1;
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(merged); i++) {
                struct stat a, b;
                char usr[32];

                snprintf(usr, sizeof(usr), "/usr%s.", merged[i]);
                snprintf(path, sizeof(path), "%s.", merged[i]);
                work->state.is_merged[i] = stat_below(packages, path, &a) >= 0 && stat_below(packages, usr, &b) >= 0 &&
                                           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
        }

        if (snprintf(path, sizeof(path), "%s" INFO, packages->root) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open_trusted_directory(path, NULL);
        if (fd < 0)
                return fd;
        work->directory = fdopendir(fd);
        if (!work->directory)
                return -ENOMEM;
        TAKE_FD(fd);
        return 0;
}

static int open_list(struct work *work, const char *name, size_t n) {
        _cleanup_(closep) int fd = open_trusted_file_at(dirfd(work->directory), name, NULL);
        int r;

        if (fd < 0)
                return fd;
        r = fd_read_all(fd, MAX_LIST_BYTES, &work->text, &work->n);
        if (r < 0)
                return r;
        work->at = 0;
        return package_index_add(&work->state.index, name, n, &work->number);
}

/* The next list that can be read: 1. They were all: 0. */
static int next_list(struct work *work) {
        struct dirent *entry;

        while ((entry = readdir(work->directory))) {
                const char *end = endswith(entry->d_name, ".list");
                int r;

                if (!end || end == entry->d_name)
                        continue;
                r = open_list(work, entry->d_name, end - entry->d_name);
                if (r >= 0)
                        return 1;
                if (r == -ENOMEM || r == -ENOSPC)
                        return r;
                work->error = work->error ?: r;
        }
        return 0;
}

/* The next line of the text, with a NUL behind it: fd_read_all() leaves room for one behind the last. */
static char *next_line(struct work *work, size_t *ret_n) {
        char *line = work->text + work->at, *newline;

        if (work->at >= work->n)
                return NULL;
        newline = memchr(line, '\n', work->n - work->at) ?: work->text + work->n;
        *newline = 0;
        *ret_n = newline - line;
        work->at += *ret_n + 1;
        return line;
}

/* One path a line. Directories are among them; nobody runs one. 1: there is more. */
static int read_lists(struct work *work) {
        unsigned n_files = 0;

        for (unsigned i = 0; i < WORK_LINES; i++) {
                size_t n;
                char *line = work->text ? next_line(work, &n) : NULL;
                int r;

                if (!line) {
                        free(TAKE_PTR(work->text));
                        if (n_files++ >= WORK_FILES)
                                return 1;
                        r = next_list(work);
                        if (r <= 0)
                                return r;
                        continue;
                }
                if (line[0] != '/' || is_passed_over(line))
                        continue;
                r = package_index_add_file(&work->state.index, path_hash(&work->state, line, n), work->number);
                if (r < 0)
                        return r;
        }
        return 1;
}

static int open_versions(struct packages *packages) {
        struct work *work = &packages->work;
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s" STATUS, packages->root) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        work->at = 0;
        return read_file_at(AT_FDCWD, path, MAX_STATUS_BYTES, &work->text, &work->n);
}

/* Is the line `Name: value`? */
static bool take_value(const char *line, size_t n, const char *name, struct word *ret) {
        size_t k = strlen(name);

        if (n <= k || strncmp(line, name, k) != 0)
                return false;
        *ret = (struct word){.bytes = line + k, .n = n - k};
        return true;
}

static int end_paragraph(struct work *work) {
        struct word name = work->name, arch = work->arch, version = work->version;

        work->name = work->arch = work->version = (struct word){};
        if (!name.bytes || !version.bytes)
                return 0;
        return package_index_set_version(&work->state.index, name.bytes, name.n, arch.bytes ?: "", arch.n,
                                         version.bytes, version.n);
}

/* Paragraphs of `Name: value`, ended by an empty line. 1: there is more. */
static int read_versions(struct work *work) {
        for (unsigned i = 0; i < WORK_LINES; i++) {
                size_t n;
                char *line = next_line(work, &n);
                int r = 0;

                if (!line)
                        return end_paragraph(work);
                if (n == 0)
                        r = end_paragraph(work);
                else if (!take_value(line, n, "Package: ", &work->name) &&
                         !take_value(line, n, "Architecture: ", &work->arch))
                        (void)take_value(line, n, "Version: ", &work->version);
                if (r < 0)
                        return r;
        }
        return 1;
}

/* It is as good as it gets: from now on it is asked. */
static void finish(struct packages *packages) {
        struct work *work = &packages->work;
        int r = package_index_finish(&work->state.index), error = work->error ?: r;

        work->state.is_complete = error >= 0;
        package_index_done(&packages->state.index);
        memset(packages->answers, 0, sizeof(packages->answers));
        packages->state = work->state;
        work->state = (struct state){};
        work_done(work);

        packages->stats.n_built++;
        if (error < 0) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                packages->stats.n_incomplete++;
                log_limited(&limit, LOG_WARNING, error,
                            "Cannot read all that dpkg says about files, alerts name the packages that are known: %m");
        }
}

/* One step. 1: more of the same; 0: that was all of this phase. */
static int step(struct packages *packages) {
        switch (packages->work.phase) {
        case PHASE_IDLE:
        case PHASE_END:
                return 0;
        case PHASE_BEGIN:
                return begin(packages);
        case PHASE_LISTS:
                return read_lists(&packages->work);
        case PHASE_OPEN:
                return open_versions(packages);
        case PHASE_VERSIONS:
                return read_versions(&packages->work);
        }
        return 0;
}

bool packages_has_work(const struct packages *packages) {
        return packages->work.phase != PHASE_IDLE;
}

bool packages_work(struct packages *packages) {
        struct work *work = &packages->work;
        int r;

        if (work->phase == PHASE_IDLE)
                return false;
        r = step(packages);
        if (r > 0)
                return true;

        /* Without versions, names are told alone. */
        if (r < 0 && (work->phase < PHASE_OPEN || r == -ENOMEM))
                work->error = work->error ?: r;
        if (work->phase != PHASE_OPEN)
                free(TAKE_PTR(work->text));
        work->phase = r < 0 && (work->phase == PHASE_BEGIN || work->phase == PHASE_OPEN) ? PHASE_END : work->phase + 1;
        if (work->phase < PHASE_END)
                return true;
        finish(packages);
        return false;
}

static bool is_same(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool packages_look(struct packages *packages, uint64_t now_ns) {
        struct work *work = &packages->work;
        struct stat info, status = {};

        /* An alert asks for a dozen processes. */
        if (packages->looked_ns != 0 && now_ns - packages->looked_ns < LOOK_INTERVAL_NS)
                return true;
        if (work->phase != PHASE_IDLE || stat_below(packages, INFO, &info) < 0)
                return false;           /* not yet, or no dpkg */
        (void)stat_below(packages, STATUS, &status);
        packages->looked_ns = 0;
        if (packages->begun_ns != 0) {
                if (is_same(&info, &packages->state.info) && is_same(&status, &packages->state.status)) {
                        packages->looked_ns = MAX(now_ns, UINT64_C(1));
                        return true;
                }
                if (now_ns - packages->begun_ns < REBUILD_INTERVAL_NS)
                        return false;
        }

        packages->begun_ns = MAX(now_ns, UINT64_C(1));
        *work = (struct work){.phase = PHASE_BEGIN, .state = {.info = info, .status = status}};
        package_index_init(&work->state.index);
        return false;
}

void packages_set_remember(struct packages *packages, bool remember) {
        packages->remember = remember;
        memset(packages->answers, 0, sizeof(packages->answers));
}

static enum package_answer find(struct packages *packages, const char *path, uint64_t hash,
                                const struct wire_object *file, bool current, const struct package **ret) {
        struct stat st;

        if (stat_below(packages, path, &st) < 0 || st.st_ino != file->inode ||
            (major(st.st_dev) << 20 | minor(st.st_dev)) != file->device)
                return PACKAGE_UNKNOWN;

        *ret = package_index_find(&packages->state.index, hash);
        if (*ret)
                return PACKAGE_OWNED;
        return current && packages->state.is_complete ? PACKAGE_NONE : PACKAGE_UNKNOWN;
}

enum package_answer packages_find(struct packages *packages, const char *path, const struct wire_object *file,
                                  uint64_t now_ns, struct package *ret) {
        const struct package *package = NULL;
        enum package_answer answer;
        struct answer *place;
        uint64_t hash;
        bool current;

        assert(packages && path && file && ret);

        packages->stats.n_questions++;
        if (path[0] != '/' || file->inode == 0 || is_passed_over(path))
                return PACKAGE_UNKNOWN;
        current = packages_look(packages, now_ns);
        if (packages->state.index.n_files == 0)
                return PACKAGE_UNKNOWN;

        hash = path_hash(&packages->state, path, strlen(path));
        place = packages->answers + (hash + file->inode) % MAX_ANSWERS;
        if (packages->remember && place->asked_ns != 0 && now_ns - place->asked_ns < LOOK_INTERVAL_NS &&
            place->hash == hash && place->file.inode == file->inode && place->file.device == file->device &&
            (current || place->answer != PACKAGE_NONE)) {
                packages->stats.n_remembered++;
                answer = place->answer;
                package = place->package;
        } else {
                answer = find(packages, path, hash, file, current, &package);
                /* What was true of this file at this name a moment ago: not what else may be there by now. */
                if (answer != PACKAGE_UNKNOWN)
                        *place = (struct answer){.hash = hash, .file = *file, .asked_ns = MAX(now_ns, UINT64_C(1)),
                                                 .package = package, .answer = answer};
        }

        if (answer == PACKAGE_OWNED)
                *ret = *package;
        return answer;
}

void packages_stats(const struct packages *packages, struct packages_stats *ret) {
        *ret = packages->stats;
        ret->n_files = packages->state.index.n_files;
        ret->n_packages = packages->state.index.packages.n;
        ret->bytes = package_index_bytes(&packages->state.index);
}

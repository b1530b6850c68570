/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy-files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/fd.h"
#include "policy/source.h"

struct loader {
        const struct policy_options *options;
        struct arena *arena;
        struct diag_set *diags;
        struct policy_files files;
        struct policy_origin **origins_end;
        ARRAY(struct policy_origin *) standing; /* those that mask later ones of their name */
        const char *place;              /* the one being read */
        size_t n_places;                /* up to and with it */
        const char *suffix;             /* of the files that are meant */
        size_t max_file_bytes, max_files;
        bool too_many;
};

static void loader_fail(struct loader *l, const char *path, int error, const char *fmt, ...) _printf_(4, 5);
static void loader_fail(struct loader *l, const char *path, int error, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        diag_vreport(l->diags, DIAG_ERROR, (struct diag_span){.file = path}, fmt, ap);
        va_end(ap);
        if (l->files.first_error == 0)
                l->files.first_error = error;
}

static void loader_fail_open(struct loader *l, const char *path, int error, enum fd_trust why) {
        if (error == -EPERM && why != FD_TRUSTED)
                loader_fail(l, path, error, "%s: it is not trusted and nothing in it is read", fd_trust_to_string(why));
        else if (error == -ELOOP)
                loader_fail(l, path, error, "a symbolic link: policies are opened without following links");
        else if (error == -EBADFD)
                loader_fail(l, path, error, "neither a file nor a directory");
        else
                loader_fail(l, path, error, "cannot be opened: %s", strerror(-error));
}

/* A regular file below dir_fd, whoever owns it if that does not matter. */
static int loader_open(const struct loader *l, int dir_fd, const char *name, enum fd_trust *ret_why) {
        _cleanup_(closep) int fd = -1;
        struct stat st;

        *ret_why = FD_TRUSTED;
        if (!l->options->trust_any_owner)
                return open_trusted_file_at(dir_fd, name, ret_why);

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EBADFD;
        return TAKE_FD(fd);
}

/* Takes the descriptor. Only memory is an error; the rest is reported. */
static int loader_read(struct loader *l, int fd, struct policy_origin *origin) {
        _cleanup_(closep) int file = fd;
        _cleanup_(freep) char *text = NULL;
        size_t length;
        int r;

        if (l->files.n_texts >= l->max_files) {
                if (!l->too_many)
                        loader_fail(l, origin->path, -E2BIG, "too many policy files: more than %zu", l->max_files);
                l->too_many = true;
                return 0;
        }

        r = fd_read_all(file, l->max_file_bytes, &text, &length);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                if (r == -EFBIG)
                        loader_fail(l, origin->path, r, "too large: more than %zu bytes", l->max_file_bytes);
                else
                        loader_fail(l, origin->path, r, "cannot be read: %s", strerror(-r));
                return 0;
        }

        r = source_new(l->arena, origin->path, text, length, &origin->source);
        if (r >= 0)
                l->files.n_texts++;
        return r;
}

/* One more file of this name. If an earlier place has it, that one stands. */
static int loader_add(struct loader *l, const char *path, const char *name, bool drop_in, struct policy_origin **ret) {
        struct policy_origin *origin = arena_new(l->arena, struct policy_origin);

        if (!origin)
                return -ENOMEM;
        origin->path = arena_strdup(l->arena, path);
        origin->name = arena_strdup(l->arena, name);
        if (!origin->path || !origin->name)
                return -ENOMEM;
        origin->place = l->place;
        origin->place_number = l->n_places;
        origin->drop_in = drop_in;
        *l->origins_end = origin;
        l->origins_end = &origin->next;
        *ret = origin;

        ARRAY_FOREACH(other, &l->standing)
                if ((*other)->place_number < origin->place_number && streq((*other)->name, name)) {
                        origin->state = POLICY_ORIGIN_MASKED;
                        origin->masked_by = *other;
                        l->files.n_masked++;
                        return 0;
                }
        return array_push(&l->standing, origin);
}

static bool has_suffix(const char *name, const char *suffix) {
        return name[0] != '.' && strlen(name) > strlen(suffix) && endswith(name, suffix);
}

static int name_compare(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, sorted; each owned by the caller. Takes the descriptor. */
struct names ARRAY_BODY(char *);

static void names_done(struct names *names) {
        ARRAY_FOREACH(name, names)
                free(*name);
        array_done(names);
}

static int names_read(int fd, struct names *ret) {
        _cleanup_(closedirp) DIR *dir = fdopendir(fd);

        if (!dir) {
                int r = -errno;

                close_fd(fd);
                return r;
        }
        for (;;) {
                struct dirent *entry;
                char *name;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        break;
                if (entry->d_name[0] == '.')
                        continue;
                name = strdup(entry->d_name);
                if (!name)
                        return -ENOMEM;
                if (array_push(ret, name) < 0) {
                        free(name);
                        return -ENOMEM;
                }
        }
        if (errno != 0)
                return -errno;
        if (ret->n > 0)
                qsort(ret->items, ret->n, sizeof(*ret->items), name_compare);
        return 0;
}

/* A directory on the way down. */
struct level {
        const char *path, *name;        /* as opened; below its place */
        unsigned depth;
        bool drop_ins;                  /* NAME.policy.d */
};

static int loader_directory(struct loader *l, int fd, const struct level *level);

/* A link: to /dev/null it switches off, everything else is refused or, if owners do not matter, looked at. */
static bool loader_link(struct loader *l, int dir_fd, const char *name, struct policy_origin *origin) {
        char target[16];
        struct stat st;
        ssize_t n;

        n = readlinkat(dir_fd, name, target, sizeof(target));
        if (n == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", (size_t)n) == 0) {
                origin->state = POLICY_ORIGIN_OFF;
                l->files.n_masked++;
                return false;
        }

        if (fstatat(dir_fd, name, &st, 0) >= 0 && S_ISDIR(st.st_mode)) {
                diag_warning(l->diags, (struct diag_span){.file = origin->path},
                             "a symbolic link to a directory is not followed");
                return false;
        }
        if (!l->options->trust_any_owner)
                loader_fail_open(l, origin->path, -ELOOP, FD_TRUSTED);
        return l->options->trust_any_owner;
}

/* A directory below one that was named. */
static int loader_descend(struct loader *l, int dir_fd, const char *name, const struct level *level) {
        _cleanup_(closep) int fd = -1;
        enum fd_trust why;
        struct stat st;

        if (level->depth > POLICY_MAX_DEPTH) {
                loader_fail(l, level->path, -E2BIG, "too deep: more than %d directories inside each other",
                            POLICY_MAX_DEPTH);
                return 0;
        }
        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
        if (fd < 0 || fstat(fd, &st) < 0) {
                loader_fail_open(l, level->path, -errno, FD_TRUSTED);
                return 0;
        }
        why = l->options->trust_any_owner ? FD_TRUSTED : fd_trust_of(&st);
        if (why != FD_TRUSTED) {
                loader_fail_open(l, level->path, -EPERM, why);
                return 0;
        }
        return loader_directory(l, TAKE_FD(fd), level);
}

static int loader_entry(struct loader *l, int dir_fd, const char *name, const char *path, const char *relative,
                        const struct level *above) {
        _cleanup_(closep) int fd = -1;
        struct policy_origin *origin;
        enum fd_trust why;
        struct stat st;
        int r;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;               /* gone meanwhile */

        if (S_ISDIR(st.st_mode)) {
                const struct level level = {.path = path,
                                            .name = relative,
                                            .depth = above->depth + 1,
                                            .drop_ins = has_suffix(name, ".policy.d")};

                if (!above->drop_ins)
                        return loader_descend(l, dir_fd, name, &level);
                diag_warning(l->diags, (struct diag_span){.file = path}, "a directory among drop-ins is not looked at");
                return 0;
        }

        if (!has_suffix(name, above->drop_ins ? ".conf" : l->suffix)) {
                if (S_ISLNK(st.st_mode) && fstatat(dir_fd, name, &st, 0) >= 0 && S_ISDIR(st.st_mode))
                        diag_warning(l->diags, (struct diag_span){.file = path},
                                     "a symbolic link to a directory is not followed");
                else if (above->drop_ins && has_suffix(name, ".policy"))
                        diag_warning(l->diags, (struct diag_span){.file = path},
                                     "this is not read: the name of a drop-in ends in '.conf'");
                return 0;
        }

        r = loader_add(l, path, relative, above->drop_ins, &origin);
        if (r < 0 || origin->state != POLICY_ORIGIN_USED)
                return r;
        if (S_ISLNK(st.st_mode) && !loader_link(l, dir_fd, name, origin))
                return 0;

        fd = loader_open(l, dir_fd, name, &why);
        if (fd < 0) {
                loader_fail_open(l, origin->path, fd, why);
                return 0;
        }
        return loader_read(l, TAKE_FD(fd), origin);
}

/* All of a directory. Takes the descriptor. */
static int loader_directory(struct loader *l, int fd, const struct level *level) {
        _cleanup_(names_done) struct names names = {};
        _cleanup_(closep) int dir_fd = fd;
        int copy, r;

        copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        r = names_read(copy, &names);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                loader_fail(l, level->path, r, "cannot be read: %s", strerror(-r));
                return 0;
        }

        ARRAY_FOREACH(name, &names) {
                _cleanup_(freep) char *full = NULL, *below = NULL;

                if (asprintf(&full, "%s%s%s", level->path, endswith(level->path, "/") ? "" : "/", *name) < 0) {
                        full = NULL;
                        return -ENOMEM;
                }
                if (asprintf(&below, "%s%s%s", level->name, *level->name ? "/" : "", *name) < 0) {
                        below = NULL;
                        return -ENOMEM;
                }
                r = loader_entry(l, dir_fd, *name, full, below, level);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One of the places that the caller named. */
static int loader_place(struct loader *l, const char *path) {
        _cleanup_(closep) int fd = -1;
        enum fd_trust why = FD_TRUSTED;
        bool directory_blamed = false;
        struct policy_origin *origin;
        struct stat st;
        int r;

        if (stat(path, &st) < 0) {
                if (errno == ENOENT && l->options->skip_missing)
                        return 0;
                loader_fail(l, path, -errno, "cannot be opened: %s", strerror(errno));
                return 0;
        }

        if (S_ISDIR(st.st_mode)) {
                fd = l->options->trust_any_owner ? open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
                                                 : open_trusted_directory(path, &why);
                if (fd < 0) {
                        loader_fail_open(l, path, l->options->trust_any_owner ? -errno : fd, why);
                        return 0;
                }
                return loader_directory(l, TAKE_FD(fd), &(struct level){.path = path, .name = ""});
        }

        fd = l->options->trust_any_owner ? loader_open(l, AT_FDCWD, path, &why)
                                         : open_trusted_file(path, &why, &directory_blamed);
        if (fd < 0) {
                if (directory_blamed)
                        loader_fail(l, path, fd, "its directory %s: nothing in it is read", fd_trust_to_string(why));
                else
                        loader_fail_open(l, path, fd, why);
                return 0;
        }
        r = loader_add(l, path, path, false, &origin);
        return r < 0 || origin->state != POLICY_ORIGIN_USED ? r : loader_read(l, TAKE_FD(fd), origin);
}

/* "exec/shell.policy.d/10-local.conf" extends "exec/shell.policy", wherever that is from. */
static void loader_join(struct loader *l, struct policy_origin *origin) {
        size_t n = (size_t)(strrchr(origin->name, '/') - origin->name) - strlen(".d");

        ARRAY_FOREACH(other, &l->standing)
                if (!(*other)->drop_in && strlen((*other)->name) == n && memcmp((*other)->name, origin->name, n) == 0) {
                        origin->extends = *other;
                        if ((*other)->state == POLICY_ORIGIN_OFF)
                                origin->state = POLICY_ORIGIN_IDLE;
                        return;
                }
        origin->state = POLICY_ORIGIN_IDLE;
        diag_warning(l->diags, (struct diag_span){.file = origin->path}, "there is no '%.*s' that this could extend",
                     (int)MIN(n, (size_t)200), origin->name);
}

int policy_files_read(const char *const *places, size_t n_places, const struct policy_options *options,
                      struct arena *arena, struct diag_set *diags, struct policy_files *ret) {
        struct loader l = {.options = options, .arena = arena, .diags = diags};
        int r = 0;

        assert((places || n_places == 0) && options && arena && diags && ret);

        l.origins_end = &l.files.origins;
        l.suffix = options->suffix ?: ".policy";
        l.max_file_bytes = options->max_file_bytes > 0 ? options->max_file_bytes : POLICY_MAX_FILE_BYTES;
        l.max_files = options->max_files > 0 ? options->max_files : POLICY_MAX_FILES;

        while (l.n_places < n_places && r >= 0) {
                l.place = arena_strdup(arena, places[l.n_places++]);
                r = l.place ? loader_place(&l, l.place) : -ENOMEM;
        }
        ARRAY_FOREACH(origin, &l.standing)
                if ((*origin)->drop_in && (*origin)->state == POLICY_ORIGIN_USED)
                        loader_join(&l, *origin);
        array_done(&l.standing);
        if (r < 0)
                return r;

        *ret = l.files;
        return 0;
}

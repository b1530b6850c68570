/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy-set.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "policy/parser.h"
#include "policy/sema.h"
#include "policy/source.h"

/* Trees are some ten times as large as their text; nobody's policies come near this. */
#define POLICY_ARENA_BYTES ((size_t)256 << 20)

/* Names that an earlier directory has: they mask those of later ones. */
struct mask {
        const char *name;               /* arena; below the directory, "exec/shell.policy" */
        size_t place;                   /* which of the places it is from */
};

struct loader {
        struct policy_set *set;
        const struct policy_options *options;
        struct diag_set *diags;
        ARRAY(const struct source *) sources;   /* read, not yet looked into */
        ARRAY(struct mask) masks;
        size_t place;                   /* the one being read, from 0 */
        size_t max_file_bytes, max_files;
        int first_error;                /* the first that was reported about reading */
        bool too_many;
};

struct policy_set *policy_set_free(struct policy_set *set) {
        if (!set)
                return NULL;
        if (set->arena)
                arena_done(set->arena);
        free(set->arena);
        free(set);
        return NULL;
}

static int policy_set_new(struct policy_set **ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;

        set = calloc(1, sizeof(*set));
        if (!set)
                return -ENOMEM;
        set->arena = calloc(1, sizeof(*set->arena));
        if (!set->arena)
                return -ENOMEM;
        arena_init(set->arena, POLICY_ARENA_BYTES);

        *ret = TAKE_PTR(set);
        return 0;
}

/* One more file, not yet looked into. */
static int loader_add_text(struct loader *l, const char *name, const char *text, size_t length) {
        const struct source *source;
        int r;

        r = source_new(l->set->arena, name, text, length, &source);
        if (r < 0)
                return r;
        r = array_push(&l->sources, source);
        if (r < 0)
                return r;

        l->set->n_files++;
        return 0;
}

static void loader_fail(struct loader *l, const char *path, int error, const char *fmt, ...) _printf_(4, 5);
static void loader_fail(struct loader *l, const char *path, int error, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        diag_vreport(l->diags, DIAG_ERROR, (struct diag_span){.file = path}, fmt, ap);
        va_end(ap);
        if (l->first_error == 0)
                l->first_error = error;
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
static int loader_read(struct loader *l, int fd, const char *path) {
        _cleanup_(closep) int file = fd;
        _cleanup_(freep) char *text = NULL;
        size_t length;
        int r;

        if (l->set->n_files >= l->max_files) {
                if (!l->too_many)
                        loader_fail(l, path, -E2BIG, "too many policy files: more than %zu", l->max_files);
                l->too_many = true;
                return 0;
        }

        r = fd_read_all(file, l->max_file_bytes, &text, &length);
        if (r == -ENOMEM)
                return r;
        if (r == -EFBIG)
                loader_fail(l, path, r, "too large: more than %zu bytes", l->max_file_bytes);
        else if (r < 0)
                loader_fail(l, path, r, "cannot be read: %s", strerror(-r));
        else
                return loader_add_text(l, path, text, length);
        return 0;
}

/* Has an earlier place this name? If not it has it from now on. */
static int loader_is_masked(struct loader *l, const char *name, bool *ret) {
        struct mask mask = {.place = l->place};

        *ret = false;
        ARRAY_FOREACH(m, &l->masks)
                if (m->place < l->place && streq(m->name, name)) {
                        *ret = true;
                        return 0;
                }
        mask.name = arena_strdup(l->set->arena, name);
        if (!mask.name)
                return -ENOMEM;
        return array_push(&l->masks, mask);
}

static bool is_policy_name(const char *name) {
        return name[0] != '.' && strlen(name) > strlen(".policy") && endswith(name, ".policy");
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

static int loader_directory(struct loader *l, int fd, const char *path, const char *relative, unsigned depth);

/* A link: to /dev/null it masks, everything else is refused or, if owners do not matter, looked at. */
static int loader_link(struct loader *l, int dir_fd, const char *name, const char *path, bool *ret_done) {
        char target[16];
        struct stat st;
        ssize_t n;

        *ret_done = true;
        n = readlinkat(dir_fd, name, target, sizeof(target));
        if (n == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", (size_t)n) == 0) {
                l->set->n_masked++;
                return 0;
        }

        if (fstatat(dir_fd, name, &st, 0) >= 0 && S_ISDIR(st.st_mode)) {
                diag_warning(l->diags, (struct diag_span){.file = path},
                             "a symbolic link to a directory is not followed");
                return 0;
        }
        if (!l->options->trust_any_owner) {
                loader_fail_open(l, path, -ELOOP, FD_TRUSTED);
                return 0;
        }
        *ret_done = false;
        return 0;
}

static int loader_entry(struct loader *l, int dir_fd, const char *name, const char *path, const char *relative,
                        unsigned depth) {
        _cleanup_(closep) int fd = -1;
        enum fd_trust why;
        struct stat st;
        bool done;
        int r;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;               /* gone meanwhile */

        if (S_ISDIR(st.st_mode)) {
                if (endswith(name, ".policy.d")) {
                        loader_fail(l, path, -EOPNOTSUPP, "drop-ins are not supported yet");
                        return 0;
                }
                if (depth >= POLICY_MAX_DEPTH) {
                        loader_fail(l, path, -E2BIG, "too deep: more than %d directories inside each other",
                                    POLICY_MAX_DEPTH);
                        return 0;
                }
                fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
                if (fd < 0 || fstat(fd, &st) < 0) {
                        loader_fail_open(l, path, -errno, FD_TRUSTED);
                        return 0;
                }
                why = l->options->trust_any_owner ? FD_TRUSTED : fd_trust_of(&st);
                if (why != FD_TRUSTED) {
                        loader_fail_open(l, path, -EPERM, why);
                        return 0;
                }
                return loader_directory(l, TAKE_FD(fd), path, relative, depth + 1);
        }

        if (!is_policy_name(name)) {
                if (S_ISLNK(st.st_mode) && fstatat(dir_fd, name, &st, 0) >= 0 && S_ISDIR(st.st_mode))
                        diag_warning(l->diags, (struct diag_span){.file = path},
                                     "a symbolic link to a directory is not followed");
                return 0;
        }

        r = loader_is_masked(l, relative, &done);
        if (r < 0)
                return r;
        if (done) {
                l->set->n_masked++;
                return 0;
        }

        if (S_ISLNK(st.st_mode)) {
                r = loader_link(l, dir_fd, name, path, &done);
                if (r < 0 || done)
                        return r;
        }

        fd = loader_open(l, dir_fd, name, &why);
        if (fd < 0) {
                loader_fail_open(l, path, fd, why);
                return 0;
        }
        return loader_read(l, TAKE_FD(fd), path);
}

/* All of a directory. Takes the descriptor. */
static int loader_directory(struct loader *l, int fd, const char *path, const char *relative, unsigned depth) {
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
                loader_fail(l, path, r, "cannot be read: %s", strerror(-r));
                return 0;
        }

        ARRAY_FOREACH(name, &names) {
                _cleanup_(freep) char *full = NULL, *below = NULL;

                if (asprintf(&full, "%s%s%s", path, endswith(path, "/") ? "" : "/", *name) < 0) {
                        full = NULL;
                        return -ENOMEM;
                }
                if (asprintf(&below, "%s%s%s", relative, *relative ? "/" : "", *name) < 0) {
                        below = NULL;
                        return -ENOMEM;
                }
                r = loader_entry(l, dir_fd, *name, full, below, depth);
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
        struct stat st;

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
                return loader_directory(l, TAKE_FD(fd), path, "", 0);
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
        return loader_read(l, TAKE_FD(fd), path);
}

/* All files are there, and none is opened from here on: what do they say? */
static int loader_finish(struct loader *l, uint64_t errors_before) {
        struct file_node **end = &l->set->files;
        int r;

        if (l->options->on_read) {
                r = l->options->on_read(l->options->userdata);
                if (r < 0)
                        return r;
        }

        ARRAY_FOREACH(source, &l->sources) {
                r = parser_parse(*source, l->set->arena, l->diags, end);
                if (r < 0)
                        return r;
                end = &(*end)->next;
        }

        r = sema_check(l->set, l->options, l->diags);
        if (r == -ENOMEM)
                return r;
        return l->diags->n_errors > errors_before ? -EBADMSG : 0;
}

static int report_no_memory(struct diag_set *diags, const struct policy_set *set) {
        /* The arena has a limit, and that one is somebody's text's fault. */
        if (set && set->arena->limit_bytes > 0 && set->arena->used_bytes > set->arena->limit_bytes / 2)
                diag_error(diags, (struct diag_span){}, "the policies are too large: they take more than %zu MiB",
                           set->arena->limit_bytes >> 20);
        return -ENOMEM;
}

int policy_set_load(const char *const *paths, size_t n_paths, const struct policy_options *options,
                    struct diag_set *diags, struct policy_set **ret) {
        static const struct policy_options no_options = {};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set unwanted = {};
        struct loader l = {};
        uint64_t errors_before;
        int r;

        assert((paths || n_paths == 0) && ret);

        diag_set_init(&unwanted, 1);
        diags = diags ? diags : &unwanted;
        errors_before = diags->n_errors;

        r = policy_set_new(&set);
        if (r < 0)
                return r;

        l.set = set;
        l.options = options ? options : &no_options;
        l.diags = diags;
        l.max_file_bytes = l.options->max_file_bytes > 0 ? l.options->max_file_bytes : POLICY_MAX_FILE_BYTES;
        l.max_files = l.options->max_files > 0 ? l.options->max_files : POLICY_MAX_FILES;

        for (l.place = 0; l.place < n_paths && r >= 0; l.place++)
                r = loader_place(&l, paths[l.place]);
        if (r >= 0 && set->n_files > 0)
                r = loader_finish(&l, errors_before);
        array_done(&l.masks);
        array_done(&l.sources);
        if (r == -ENOMEM)
                return report_no_memory(diags, set);
        if (r < 0 && r != -EBADMSG)
                return r;

        if (set->n_files == 0) {
                if (l.first_error == 0)
                        diag_error(diags, (struct diag_span){.file = n_paths > 0 ? paths[0] : NULL},
                                   "no policies here%s", n_paths > 1 ? ", nor in the other places" : "");
                return l.first_error < 0 ? l.first_error : -ENOENT;
        }
        if (r >= 0 && set->n_paths == 0) {
                diag_error(diags, (struct diag_span){.file = set->files->source->name},
                           "no path in it: nothing would be watched");
                r = -EBADMSG;
        }

        *ret = TAKE_PTR(set);
        return r;
}

int policy_set_parse(const char *name, const char *text, size_t length, const struct policy_options *options,
                     struct diag_set *diags, struct policy_set **ret) {
        static const struct policy_options no_options = {};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set unwanted = {};
        struct loader l = {};
        uint64_t errors_before;
        int r;

        assert(name && (text || length == 0) && ret);

        diag_set_init(&unwanted, 1);
        diags = diags ? diags : &unwanted;
        errors_before = diags->n_errors;

        r = policy_set_new(&set);
        if (r < 0)
                return r;
        l = (struct loader){.set = set, .options = options ? options : &no_options, .diags = diags};

        r = loader_add_text(&l, name, text, length);
        if (r >= 0)
                r = loader_finish(&l, errors_before);
        array_done(&l.sources);
        if (r == -ENOMEM)
                return report_no_memory(diags, set);
        if (r < 0 && r != -EBADMSG) {
                diag_error(diags, (struct diag_span){.file = name}, "too large");
                return r;
        }

        *ret = TAKE_PTR(set);
        return r;
}

int policy_set_put_diags(const struct policy_set *set, struct diag_set *diags, struct strbuf *b) {
        _cleanup_(freep) struct diag_source *sources = NULL;
        size_t n = 0;

        if (set && set->n_files > 0) {
                sources = calloc(set->n_files, sizeof(*sources));
                if (!sources)
                        return -ENOMEM;
                for (const struct file_node *f = set->files; f; f = f->next)
                        sources[n++] = (struct diag_source){
                                .file = f->source->name, .text = f->source->text, .n = f->source->length};
        }

        diag_set_sort(diags);
        diag_set_put_text(diags, sources, n, b);
        return 0;
}

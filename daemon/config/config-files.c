/* SPDX-License-Identifier: Apache-2.0 */
/* Config, files - the configuration file and the drop-ins in the directory of its name with ".d", each opened without
 * following a link and refused if somebody else could have written it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "config/config.h"

#define SUFFIX ".yaml"

int config_read(const char *path, struct diag_set *diags, char **ret_text, size_t *ret_n) {
        struct diag_span span = {.file = path};
        _cleanup_(closep) int fd = -1;
        enum fd_trust why;
        bool dir_blamed;
        int r;

        fd = open_trusted_file(path, &why, &dir_blamed);
        if (fd == -ENOENT)
                return fd;
        if (fd == -EPERM && why != FD_TRUSTED) {
                diag_error(diags, span, "%s %s: refused", dir_blamed ? "its directory" : "the file",
                           fd_trust_to_string(why));
                diag_hint(diags, "chown root and chmod go-w, then look at what it says");
                return -EBADMSG;
        }
        if (fd == -ELOOP || fd == -EISDIR || fd == -EBADFD)
                return diag_error(diags, span, "not a regular file");
        r = fd < 0 ? fd : fd_read_all(fd, CONFIG_FILE_MAX, ret_text, ret_n);
        if (r == -EFBIG)
                return diag_error(diags, span, "larger than %zu bytes", CONFIG_FILE_MAX);
        if (r < 0)
                diag_error(diags, span, "cannot be read: %s", strerror(-r));
        return r < 0 ? r : 0;
}

void config_files_done(struct config_files *files) {
        for (size_t i = 0; i < files->n; i++) {
                free(files->names[i]);
                free(files->items[i].text);
        }
        *files = (struct config_files){};
}

/* The text of one more file. -ENOENT: there is none of this name. */
static int add_file(struct config_files *files, const char *path, struct diag_set *diags) {
        struct config_text *item = files->items + files->n;
        int r;

        files->names[files->n] = strdup(path);
        if (!files->names[files->n])
                return -ENOMEM;
        item->name = files->names[files->n];
        r = config_read(path, diags, &item->text, &item->n);
        if (r < 0 && r != -EBADMSG) {
                free(files->names[files->n]);
                *item = (struct config_text){};
                return r;
        }
        files->n++;                     /* even if it is wrong: messages name it */
        files->n_bytes += item->n;
        if (files->n_bytes > CONFIG_FILE_MAX)
                return diag_error(diags, (struct diag_span){.file = item->name},
                                  "all files of the configuration together are larger than %zu bytes", CONFIG_FILE_MAX);
        return r;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_drop_in(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > strlen(SUFFIX) && streq(name + n - strlen(SUFFIX), SUFFIX);
}

/* The names of the drop-ins in order; each is the caller's, up to *ret_n, whatever comes back. */
static int list_drop_ins(const char *directory, struct diag_set *diags, char *ret[CONFIG_DROP_INS_MAX], size_t *ret_n) {
        struct diag_span span = {.file = directory};
        _cleanup_(closep) int fd = -1;
        enum fd_trust why;
        DIR *list;
        int r = 0;

        fd = open_trusted_directory(directory, &why);
        if (fd == -ENOENT)
                return 0;
        if (fd == -EPERM && why != FD_TRUSTED) {
                diag_error(diags, span, "the directory %s: refused", fd_trust_to_string(why));
                diag_hint(diags, "chown root and chmod go-w, then look at what it holds");
                return -EBADMSG;
        }
        r = fd < 0 ? fd : fd_open_directory(fd, ".", &list);
        if (r < 0) {
                diag_error(diags, span, "cannot be read: %s", strerror(-r));
                return -EBADMSG;
        }
        for (struct dirent *entry; r == 0 && (entry = readdir(list));) {
                if (!is_drop_in(entry->d_name))
                        continue;
                if (*ret_n == CONFIG_DROP_INS_MAX)
                        r = diag_error(diags, span, "more than %d files", CONFIG_DROP_INS_MAX);
                else {
                        ret[*ret_n] = strdup(entry->d_name);
                        r = ret[*ret_n] ? 0 : -ENOMEM;
                        *ret_n += r == 0;
                }
        }
        closedir(list);
        qsort(ret, *ret_n, sizeof(*ret), compare_names);
        return r;
}

int config_read_all(const char *path, struct diag_set *diags, struct config_files *ret) {
        char *names[CONFIG_DROP_INS_MAX], directory[PATH_MAX], file[PATH_MAX];
        size_t n_names = 0;
        int r, wrong = 0;

        if (snprintf(directory, sizeof(directory), "%s.d", path) >= (int)sizeof(directory))
                return -ENAMETOOLONG;
        r = add_file(ret, path, diags);
        ret->has_main = r != -ENOENT;
        if (r == -EBADMSG || r == -ENOENT) {
                wrong = r == -EBADMSG ? r : 0;
                r = 0;
        }
        if (r >= 0)
                r = list_drop_ins(directory, diags, names, &n_names);
        for (size_t i = 0; i < n_names; i++) {
                if (r < 0)
                        break;
                if (snprintf(file, sizeof(file), "%s/%s", directory, names[i]) >= (int)sizeof(file))
                        r = -ENAMETOOLONG;
                else
                        r = add_file(ret, file, diags);
                if (r == -EBADMSG || r == -ENOENT) {    /* gone since it was listed */
                        wrong = r == -EBADMSG ? r : wrong;
                        r = 0;
                }
        }
        for (size_t i = 0; i < n_names; i++)
                free(names[i]);
        return r < 0 ? r : wrong;
}

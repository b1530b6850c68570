/* SPDX-License-Identifier: Apache-2.0 */

/* Gives every file of the directories and files named on the command line to the fuzz target that this is linked with,
 * in order of name. Each input lies in a block of exactly its size, so that a sanitizer sees a read behind its end. An
 * empty corpus is a failure: it would test nothing. */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define INPUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void replay(int dir_fd, const char *name) {
        _cleanup_(freep) char *text = NULL, *exact = NULL;
        size_t n;
        int r;

        r = read_file_at(dir_fd, name, INPUT_MAX, &text, &n);
        if (r < 0)
                errx(EXIT_FAILURE, "%s: %s", name, strerror(-r));

        exact = malloc(n > 0 ? n : 1);
        if (!exact)
                errx(EXIT_FAILURE, "out of memory");
        if (n > 0)
                memcpy(exact, text, n);

        printf("%s (%zu bytes)\n", name, n);
        fflush(stdout);         /* so that the name is there if this one is the last */
        LLVMFuzzerTestOneInput((const uint8_t *)exact, n);
}

static int is_visible(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

static size_t replay_directory(const char *path) {
        struct dirent **names;
        int n, dir_fd;

        n = scandir(path, &names, is_visible, alphasort);
        dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (n < 0 || dir_fd < 0)
                err(EXIT_FAILURE, "%s", path);

        for (int i = 0; i < n; i++) {
                replay(dir_fd, names[i]->d_name);
                free(names[i]);
        }
        free(names);
        close_fd(dir_fd);
        return n;
}

int main(int argc, char *argv[]) {
        size_t n = 0;

        for (int i = 1; i < argc; i++) {
                struct stat st;

                if (stat(argv[i], &st) < 0)
                        err(EXIT_FAILURE, "%s", argv[i]);
                if (S_ISDIR(st.st_mode))
                        n += replay_directory(argv[i]);
                else {
                        replay(AT_FDCWD, argv[i]);
                        n++;
                }
        }

        if (n == 0)
                errx(EXIT_FAILURE, "nothing to replay");
        printf("%zu inputs\n", n);
        return EXIT_SUCCESS;
}

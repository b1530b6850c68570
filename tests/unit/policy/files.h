/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files - directories with policies for a test, which are gone after it. */

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

/* A directory of our own, entered, with files as the test says; gone afterwards. */
struct place {
        char path[64];
        int back;
};

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static inline void place_done(struct place *place) {
        ck_assert_int_eq(fchdir(place->back), 0);
        close(place->back);
        nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct place place_new(void) {
        struct place place = {.path = "/tmp/execray-test-XXXXXX", .back = open(".", O_RDONLY | O_CLOEXEC)};

        ck_assert_int_ge(place.back, 0);
        ck_assert_ptr_nonnull(mkdtemp(place.path));
        ck_assert_int_eq(chdir(place.path), 0);
        umask(022);
        return place;
}

static inline void put_text(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
}

/* A good path of this name. */
static inline void put_file(const char *path, const char *name) {
        char text[128];

        snprintf(text, sizeof(text), "path \"%s\" { exit { code == 1 } }\n", name);
        put_text(path, text);
}

static inline char *names_of(const struct policy_set *set) {
        struct strbuf b = {};
        char *text;

        for (const struct path_node *p = set ? set->paths : NULL; p; p = p->next)
                strbuf_printf(&b, "%s%s", b.n > 0 ? " " : "", p->name.bytes);
        strbuf_put(&b, "");
        ck_assert_int_eq(strbuf_take(&b, &text), 0);
        return text;
}

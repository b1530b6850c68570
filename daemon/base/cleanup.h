/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Cleanup - obligations written into the declaration, so that every early return is safe.
 *
 *      _cleanup_(pool_freep) struct pool *pool = NULL;         freed when the scope ends
 *      *ret = TAKE_PTR(pool);                                  unless it was given away
 *
 * A variable with a cleanup is initialised where it is declared: to NULL, -1 or {}. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Give a pointer away: its value, leaving NULL behind. */
#define TAKE_PTR(p)                                                                                                    \
        __extension__({                                                                                                \
                __typeof__(p) *_take_p = &(p);                                                                         \
                __typeof__(p) _taken = *_take_p;                                                                       \
                *_take_p = NULL;                                                                                       \
                _taken;                                                                                                \
        })

/* Give a descriptor away: its value, leaving -1 behind. */
#define TAKE_FD(fd)                                                                                                    \
        __extension__({                                                                                                \
                int *_take_fd = &(fd);                                                                                 \
                int _taken = *_take_fd;                                                                                \
                *_take_fd = -1;                                                                                        \
                _taken;                                                                                                \
        })

/* Give a structure away: its value, leaving zeroes behind. */
#define TAKE_STRUCT(s)                                                                                                 \
        __extension__({                                                                                                \
                __typeof__(s) *_take_s = &(s);                                                                         \
                __typeof__(s) _taken = *_take_s;                                                                       \
                *_take_s = (__typeof__(s)){};                                                                          \
                _taken;                                                                                                \
        })

/* DEFINE_CLEANUP(struct pool *, pool_free) defines pool_freep() for use in _cleanup_(). The function takes NULL. */
#define DEFINE_CLEANUP(type, function)                                                                                 \
        static inline void function##p(type *p) {                                                                      \
                if (*p)                                                                                                \
                        function(*p);                                                                                  \
                *p = NULL;                                                                                             \
        }

/* For anything from malloc(). */
static inline void freep(void *p) {
        free(*(void **)p);
}

static inline void fclosep(FILE **file) {
        if (*file)
                fclose(*file);
}

static inline void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

/* Close a descriptor if it is one (>= 0), keeping errno. Always gives -1 back: `fd = close_fd(fd)`. */
int close_fd(int fd);

static inline void closep(int *fd) {
        close_fd(*fd);
}

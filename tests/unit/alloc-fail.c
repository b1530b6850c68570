/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc-fail.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t n_allocations, countdown;
static bool reached, inside_check;

static bool refuse(void) {
        if (inside_check)
                return false;
        n_allocations++;
        if (countdown == 0 || --countdown > 0)
                return false;
        reached = true;
        errno = ENOMEM;
        return true;
}

/* The linker sends malloc() here and __real_malloc() to the real one (-Wl,--wrap=malloc, see tests/meson.build). strdup
 * and its kin call malloc inside libc, where the linker does not reach, so they are wrapped by name. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n) {
        return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t size) {
        return refuse() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t n) {
        return refuse() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size) {
        return refuse() ? NULL : __real_reallocarray(p, count, size);
}

void *__wrap_aligned_alloc(size_t align, size_t n) {
        return refuse() ? NULL : __real_aligned_alloc(align, n);
}

char *__wrap_strdup(const char *s) {
        return refuse() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
        return refuse() ? NULL : __real_strndup(s, n);
}

/* Check may be linked statically and allocates for every assertion: that is not ours to count or to refuse. */
void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line) {
        inside_check = true;
        __real__mark_point(file, line);
        inside_check = false;
}

void __real__ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
        __attribute__((noreturn));
void __wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
        __attribute__((noreturn));

void __wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...) {
        char text[1024];
        va_list ap;

        inside_check = true;
        va_start(ap, msg);
        if (msg)
                vsnprintf(text, sizeof(text), msg, ap);
        va_end(ap);
        if (msg)
                __real__ck_assert_failed(file, line, expr, "%s", text);
        __real__ck_assert_failed(file, line, expr, NULL);
}

size_t alloc_count(void) {
        return n_allocations;
}

void alloc_fail_at(size_t n) {
        countdown = n;
        reached = false;
}

bool alloc_fail_reached(void) {
        return reached;
}

size_t alloc_fail_sweep(int (*attempt)(void *userdata), void *userdata) {
        for (size_t n = 1;; n++) {
                int r;

                alloc_fail_at(n);
                r = attempt(userdata);
                if (!alloc_fail_reached()) {
                        alloc_fail_at(0);
                        ck_assert_msg(r >= 0, "failed with %d although all %zu allocations succeeded", r, n - 1);
                        ck_assert_msg(n > 1, "the operation does not allocate: nothing was tested");
                        return n - 1;
                }
                ck_assert_msg(r == -ENOMEM, "allocation %zu failed and the answer was %d", n, r);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-message.h"

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

static int fd;

static void begin(void) {
        fd = memfd_create("test", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
}

static off_t size_of(void) {
        struct stat st;

        ck_assert_int_eq(fstat(fd, &st), 0);
        return st.st_size;
}

START_TEST(a_request_comes_back_as_it_went) {
        static const char *const places[] = {"/etc/execrayd/policies", "", "/a b\n"};
        struct compile_request request = {
                .places = places,
                .n_places = ELEMENTSOF(places),
                .policies = {.default_within_ns = 1, .default_suppress_ns = 2, .skip_missing = true, .max_files = 3},
                .limits = {.timeout_ns = 4, .memory_bytes = 5, .user = 6},
                .generation = 8,
        };
        struct compile_request found;
        char *memory;

        begin();
        ck_assert_int_eq(compile_request_write(fd, &request), 0);
        ck_assert_int_eq(compile_request_read(fd, &found, &memory), 0);
        ck_assert_uint_eq(found.n_places, 3);
        for (size_t i = 0; i < found.n_places; i++)
                ck_assert_str_eq(found.places[i], places[i]);
        ck_assert_mem_eq(&found.policies, &request.policies, sizeof(request.policies));
        ck_assert_mem_eq(&found.limits, &request.limits, sizeof(request.limits));
        ck_assert_uint_eq(found.generation, 8);
        free(memory);

        request.n_places = 0;
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(compile_request_write(fd, &request), 0);
        ck_assert_int_eq(compile_request_read(fd, &found, &memory), 0);
        ck_assert_uint_eq(found.n_places, 0);
        free(memory);
        close(fd);
}
END_TEST

START_TEST(a_request_that_was_cut_anywhere_is_none) {
        static const char *const places[] = {"/a", "/b"};
        const struct compile_request request = {.places = places, .n_places = 2};
        struct compile_request found;
        char *memory;

        begin();
        ck_assert_int_eq(compile_request_write(fd, &request), 0);
        for (off_t n = size_of() - 1; n >= 0; n--) {
                ck_assert_int_eq(ftruncate(fd, n), 0);
                ck_assert_int_eq(compile_request_read(fd, &found, &memory), -EBADMSG);
        }
        close(fd);
}
END_TEST

START_TEST(an_answer_comes_back_as_it_went) {
        const struct compile_answer answer = {.type = COMPILE_ANSWER_PROGRAM,
                                              .n_files = 1,
                                              .n_paths = 2,
                                              .n_warnings = 3,
                                              .text = "warning\n",
                                              .n_text = 8,
                                              .program = "abc",
                                              .n_program = 3};
        struct compile_answer found;
        const char *why;
        size_t size;
        void *map;

        begin();
        ck_assert_int_eq(compile_answer_write(fd, &answer), 0);
        ck_assert_int_eq(compile_answer_read(fd, &found, &map, &size, &why), 0);
        ck_assert_int_eq(found.type, COMPILE_ANSWER_PROGRAM);
        ck_assert_uint_eq(found.n_files, 1);
        ck_assert_uint_eq(found.n_paths, 2);
        ck_assert_uint_eq(found.n_warnings, 3);
        ck_assert_mem_eq(found.text, "warning\n", 8);
        ck_assert_mem_eq(found.program, "abc", 3);
        munmap(map, size);
        close(fd);
}
END_TEST

START_TEST(an_answer_of_another_length_is_none) {
        const struct compile_answer answer = {
                .type = COMPILE_ANSWER_REFUSED, .error = -EBADMSG, .text = "wrong\n", .n_text = 6};
        struct compile_answer found;
        const char *why;
        size_t size;
        void *map;

        begin();
        ck_assert_int_eq(compile_answer_write(fd, &answer), 0);
        ck_assert_int_eq(ftruncate(fd, size_of() + 1), 0);
        for (off_t n = size_of() - 2; n >= 0; n--) {
                ck_assert_int_eq(compile_answer_read(fd, &found, &map, &size, &why), -EBADMSG);
                ck_assert_int_eq(ftruncate(fd, n), 0);
        }
        ck_assert_int_eq(compile_answer_read(fd, &found, &map, &size, &why), -EBADMSG);
        ck_assert_str_eq(why, "it is empty");
        close(fd);
}
END_TEST

START_TEST(an_answer_with_any_byte_changed_is_refused_or_within_its_bounds) {
        const struct compile_answer answer = {.type = COMPILE_ANSWER_PROGRAM,
                                              .text = "w",
                                              .n_text = 1,
                                              .what = "x",
                                              .program = "abc",
                                              .n_program = 3};
        struct compile_answer found;
        const char *why;
        size_t size;
        void *map;

        begin();
        ck_assert_int_eq(compile_answer_write(fd, &answer), 0);
        for (off_t at = 0; at < size_of(); at++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        unsigned char byte, changed;

                        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
                        changed = (unsigned char)(byte ^ 1U << bit);
                        ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
                        if (compile_answer_read(fd, &found, &map, &size, &why) >= 0) {
                                const char *end = (const char *)map + size;

                                ck_assert_ptr_eq(found.text + found.n_text, found.program);
                                ck_assert_ptr_eq((const char *)found.program + found.n_program, end);
                                ck_assert_ptr_nonnull(memchr(found.what, 0, (size_t)(end - found.what)));
                                munmap(map, size);
                        }
                        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
                }
        close(fd);
}
END_TEST

UNIT_MAIN("pipeline/compile-message", a_request_comes_back_as_it_went, a_request_that_was_cut_anywhere_is_none,
          an_answer_comes_back_as_it_went, an_answer_of_another_length_is_none,
          an_answer_with_any_byte_changed_is_refused_or_within_its_bounds)

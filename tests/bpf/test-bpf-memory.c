/* SPDX-License-Identifier: Apache-2.0 */
/* mmap, mprotect, memfd_create: what processes make of their memory. */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "child.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

#define MEMORY_KINDS                                                                                                   \
        (wire_kind_bit(WIRE_KIND_mmap) | wire_kind_bit(WIRE_KIND_mprotect) | wire_kind_bit(WIRE_KIND_memfd_create))

START_TEST(a_mapped_file_is_told_with_what_may_be_done_with_it) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("mapped"), "0123456789", 0600);
        ck_assert_int_eq(truncate(lab_path("mapped"), 16384), 0);
        ck_assert_int_eq(stat(lab_path("mapped"), &st), 0);
        pid = RUN({
                int fd = open(lab_path("mapped"), O_RDWR);
                char *memory = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8192);

                EXPECT(memory != MAP_FAILED);
                memory[0] = 'x';        /* what no write tells */
        });
        record = lab_find_text(WIRE_KIND_mmap, pid, F(mmap, pathname), lab_path("mapped"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(mmap, address)), record->result);
        ck_assert_int_eq(lab_number(record, F(mmap, length)), 5000);
        ck_assert_int_eq(lab_number(record, F(mmap, prot)), PROT_READ | PROT_WRITE);
        ck_assert_int_eq(lab_number(record, F(mmap, flags)), MAP_SHARED);
        ck_assert_int_ge(lab_number(record, F(mmap, fd)), 3);
        ck_assert_int_eq(lab_number(record, F(mmap, offset)), 8192);
        ck_assert_int_eq(lab_number(record, F(mmap, type)), WIRE_OBJECT_FILE);
        ck_assert(lab_is_file(lab_object(record, F(mmap, file)), &st));
        ck_assert(!(record->flags & WIRE_RACED));
}
END_TEST

START_TEST(memory_without_a_file_has_none) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                EXPECT(mmap(NULL, 12288, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                       MAP_FAILED);
                EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED);
        });
        record = lab_find(WIRE_KIND_mmap, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(mmap, prot)), PROT_READ | PROT_WRITE | PROT_EXEC);
        ck_assert_int_eq(lab_number(record, F(mmap, flags)), MAP_PRIVATE | MAP_ANONYMOUS);
        ck_assert(!lab_known(record, F(mmap, fd)));
        ck_assert(!lab_known(record, F(mmap, offset)));
        ck_assert(!lab_known(record, F(mmap, file)));
        ck_assert(!lab_known(record, F(mmap, type)));
        ck_assert(!lab_known(record, F(mmap, pathname)));
        record = lab_find(WIRE_KIND_mmap, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert(!lab_known(record, F(mmap, address)));
        ck_assert_int_eq(lab_number(record, F(mmap, fd)), 999);
        ck_assert(!lab_known(record, F(mmap, file)));
}
END_TEST

START_TEST(protection_is_told_as_it_was_and_as_it_is) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("mapped"), "0123456789", 0600);
        ck_assert_int_eq(stat(lab_path("mapped"), &st), 0);
        pid = RUN({
                int fd = open(lab_path("mapped"), O_RDONLY);
                char *file = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
                char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                EXPECT(mprotect(memory, 8192, PROT_READ | PROT_EXEC) == 0);
                EXPECT(mprotect(file, 4096, PROT_READ | PROT_WRITE) == 0);
                EXPECT(syscall(SYS_pkey_mprotect, memory, 4096UL, PROT_NONE, -1) == 0);
                EXPECT(munmap(memory, 8192) == 0);
                EXPECT(mprotect(memory, 4096, PROT_READ) < 0);
        });
        record = lab_find(WIRE_KIND_mprotect, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_ne(lab_number(record, F(mprotect, address)), -1000);
        ck_assert_int_eq(lab_number(record, F(mprotect, length)), 8192);
        ck_assert_int_eq(lab_number(record, F(mprotect, prot)), PROT_READ | PROT_EXEC);
        ck_assert_int_eq(lab_number(record, F(mprotect, old_prot)), PROT_READ | PROT_WRITE);
        ck_assert_int_eq(lab_number(record, F(mprotect, anonymous)), 1);
        ck_assert(!lab_known(record, F(mprotect, file)));
        record = lab_find(WIRE_KIND_mprotect, pid, 1);
        ck_assert_int_eq(lab_number(record, F(mprotect, prot)), PROT_READ | PROT_WRITE);
        ck_assert_int_eq(lab_number(record, F(mprotect, old_prot)), PROT_READ);
        ck_assert_int_eq(lab_number(record, F(mprotect, anonymous)), 0);
        ck_assert(lab_is_file(lab_object(record, F(mprotect, file)), &st));
        ck_assert_str_eq(lab_text(record, F(mprotect, pathname)), lab_path("mapped"));
        record = lab_find(WIRE_KIND_mprotect, pid, 2);
        ck_assert_int_eq(record->call, WIRE_CALL_pkey_mprotect);
        ck_assert_int_eq(lab_number(record, F(mprotect, old_prot)), PROT_READ | PROT_EXEC);
        ck_assert_int_eq(lab_number(record, F(mprotect, prot)), PROT_NONE);
        record = lab_find(WIRE_KIND_mprotect, pid, 3);
        ck_assert_int_eq(record->result, -ENOMEM);
        ck_assert(!lab_known(record, F(mprotect, old_prot)));
        ck_assert(!lab_known(record, F(mprotect, anonymous)));
}
END_TEST

START_TEST(memory_that_nobody_may_run_is_ruled_out_in_the_kernel) {
        struct interest interest = lab_interest(MEMORY_KINDS);
        struct capture_stats before, after;
        pid_t pid;

        interest.filter[WIRE_KIND_mmap].flags_any = PROT_EXEC;
        interest.filter[WIRE_KIND_mprotect].flags_any = PROT_EXEC;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        lab_read();
        capture_stats(lab.capture, &before);
        pid = RUN({
                char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                EXPECT(mprotect(memory, 4096, PROT_READ) == 0);
                EXPECT(mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0);
        });
        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(lab_count(WIRE_KIND_mmap, pid), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_mprotect, pid), 1);
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_mprotect, pid, 0), F(mprotect, old_prot)), PROT_READ);
        ck_assert_uint_ge(after.filtered[WIRE_KIND_mmap], before.filtered[WIRE_KIND_mmap] + 1);
        ck_assert_uint_ge(after.filtered[WIRE_KIND_mprotect], before.filtered[WIRE_KIND_mprotect] + 1);
        interest = lab_interest(MEMORY_KINDS);
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
}
END_TEST

START_TEST(a_file_in_memory_is_told_by_its_name) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                char name[] = "bad";    /* in a page that is there: the kernel does not come to read it */

                EXPECT(memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING) >= 0);
                EXPECT(memfd_create(name, 0xdead0000) < 0);
                EXPECT(memfd_create("", 0) >= 0);
        });
        record = lab_find(WIRE_KIND_memfd_create, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(memfd_create, name)), "payload");
        ck_assert(!(record->user & WIRE_BIT(memfd_create, name)));
        ck_assert_int_eq(lab_number(record, F(memfd_create, flags)), MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ck_assert_int_eq(lab_number(record, F(memfd_create, fd)), record->result);
        ck_assert_uint_ne(lab_object(record, F(memfd_create, file)).inode, 0);
        record = lab_find(WIRE_KIND_memfd_create, pid, 1);
        ck_assert_int_eq(record->result, -EINVAL);
        ck_assert_str_eq(lab_text(record, F(memfd_create, name)), "bad");
        ck_assert(record->user & WIRE_BIT(memfd_create, name));
        ck_assert(!lab_known(record, F(memfd_create, fd)));
        ck_assert(!lab_known(record, F(memfd_create, file)));
        record = lab_find(WIRE_KIND_memfd_create, pid, 2);
        ck_assert_str_eq(lab_text(record, F(memfd_create, name)), "");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_mapped_file_is_told_with_what_may_be_done_with_it,
                memory_without_a_file_has_none,
                protection_is_told_as_it_was_and_as_it_is,
                memory_that_nobody_may_run_is_ruled_out_in_the_kernel,
                a_file_in_memory_is_told_by_its_name,
        };
        struct interest interest = lab_interest(MEMORY_KINDS);

        return lab_main("bpf/memory", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

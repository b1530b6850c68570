/* SPDX-License-Identifier: Apache-2.0 */
/* read, write: all forms of both, and the calls that move bytes between descriptors. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "child.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* ---- read ---- */

START_TEST(every_way_to_read_is_a_read_with_its_object) {
        static const struct {
                int length, offset;
                const char *content;
        } expected[] = {{4, 0, "0123"},   {3, 4, "456"},    {5, 10, "abcde"},
                        {6, 7, "789abc"}, {6, 2, "234567"}, {6, 13, "defghi"}};
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("read"), "0123456789abcdefghijklmnop", 0600);
        ck_assert_int_eq(stat(lab_path("read"), &st), 0);
        pid = RUN({
                char buffer[64];
                struct iovec vector[3] = {{buffer, 2}, {buffer, 0}, {buffer + 2, 4}};
                int fd = open(lab_path("read"), O_RDONLY);

                EXPECT(read(fd, buffer, 4) == 4);
                EXPECT(read(fd, buffer, 3) == 3);
                EXPECT(pread(fd, buffer, 5, 10) == 5);
                EXPECT(readv(fd, vector, 3) == 6);
                EXPECT(preadv(fd, vector, 3, 2) == 6);
                EXPECT(syscall(SYS_preadv2, fd, vector, 3UL, -1L, -1L, 0) == 6);
        });
        for (int i = 0; i < 6; i++) {
                const struct wire_header *record =
                        lab_find_text(WIRE_KIND_read, pid, F(read, pathname), lab_path("read"), i);

                ck_assert_msg(record != NULL, "%d", i);
                ck_assert_int_eq(record->result, expected[i].length);
                ck_assert_int_eq(lab_number(record, F(read, length)), expected[i].length);
                ck_assert_int_eq(lab_number(record, F(read, count)), expected[i].length);
                ck_assert_int_eq(lab_number(record, F(read, offset)), expected[i].offset);
                ck_assert_str_eq(lab_text(record, F(read, content)), expected[i].content);
                ck_assert(record->user & WIRE_BIT(read, content));
                ck_assert_int_eq(lab_number(record, F(read, type)), WIRE_OBJECT_FILE);
                ck_assert(lab_is_file(lab_object(record, F(read, file)), &st));
                ck_assert(!(record->flags & (WIRE_RACED | WIRE_EXCHANGED)));
        }
}
END_TEST

START_TEST(a_read_tells_what_came_and_not_what_was_asked_for) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("short"), "short", 0600);
        pid = RUN({
                char buffer[5000];
                int fd = open(lab_path("short"), O_RDONLY);

                EXPECT(read(fd, buffer, sizeof(buffer)) == 5);
                EXPECT(read(fd, buffer, sizeof(buffer)) == 0);
                EXPECT(read(-1, buffer, 7) < 0);
        });
        record = lab_find_text(WIRE_KIND_read, pid, F(read, pathname), lab_path("short"), 0);
        ck_assert_int_eq(lab_number(record, F(read, length)), 5);
        ck_assert_int_eq(lab_number(record, F(read, count)), 5000);
        ck_assert_str_eq(lab_text(record, F(read, content)), "short");
        ck_assert(!(record->cut & WIRE_BIT(read, content)));
        record = lab_find_text(WIRE_KIND_read, pid, F(read, pathname), lab_path("short"), 1);
        ck_assert_int_eq(lab_number(record, F(read, length)), 0);
        ck_assert_str_eq(lab_text(record, F(read, content)), "");
        record = lab_find(WIRE_KIND_read, pid, 2);
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert_int_eq(lab_number(record, F(read, type)), WIRE_OBJECT_CLOSED);
        ck_assert_int_eq(lab_number(record, F(read, count)), 7);
        ck_assert(!lab_known(record, F(read, length)));
        ck_assert(!lab_known(record, F(read, file)));
        ck_assert(!lab_known(record, F(read, content)));
        ck_assert(!lab_known(record, F(read, offset)));
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

START_TEST(a_read_from_a_socket_tells_the_far_side) {
        static int near, far;
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000006)};
        socklen_t size = sizeof(address);
        const struct wire_header *record;
        struct wire_address peer;
        pid_t pid;

        far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        near = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(far, (void *)&address, size), 0);
        ck_assert_int_eq(getsockname(far, (void *)&address, &size), 0);
        ck_assert_int_eq(connect(near, (void *)&address, size), 0);
        size = sizeof(address);
        ck_assert_int_eq(getsockname(near, (void *)&address, &size), 0);
        ck_assert_int_eq(connect(far, (void *)&address, size), 0);
        pid = RUN({
                char buffer[16];

                EXPECT(write(far, "hello", 5) == 5);
                EXPECT(read(near, buffer, sizeof(buffer)) == 5);
        });
        ck_assert_int_eq(getpeername(near, (void *)&address, &size), 0);
        record = lab_find(WIRE_KIND_read, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(read, type)), WIRE_OBJECT_SOCKET);
        ck_assert_int_eq(lab_number(record, F(read, fd)), near);
        peer = lab_address(record, F(read, daddr));
        ck_assert_int_eq(peer.family, AF_INET);
        ck_assert_mem_eq(peer.bytes, &address.sin_addr, 4);
        ck_assert_int_eq(lab_number(record, F(read, dport)), ntohs(address.sin_port));
        ck_assert_str_eq(lab_text(record, F(read, content)), "hello");
        ck_assert(!lab_known(record, F(read, offset)));
        ck_assert(!lab_known(record, F(read, pathname)));
        close(near);
        close(far);
}
END_TEST

START_TEST(both_ends_of_a_pipe_are_one_object) {
        const struct wire_header *in, *out;
        struct wire_object a, b;
        pid_t pid;

        pid = RUN({
                char buffer[16];
                int ends[2];

                EXPECT(pipe(ends) == 0);
                EXPECT(write(ends[1], "x", 1) == 1);
                EXPECT(read(ends[0], buffer, sizeof(buffer)) == 1);
        });
        out = lab_find(WIRE_KIND_write, pid, 0);
        in = lab_find(WIRE_KIND_read, pid, 0);
        ck_assert(out && in);
        ck_assert_int_eq(lab_number(in, F(read, type)), WIRE_OBJECT_PIPE);
        a = lab_object(out, F(write, file));
        b = lab_object(in, F(read, file));
        ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

START_TEST(content_goes_with_the_kind_that_asked_for_it) {
        struct interest interest = lab_interest(LAB_ALL_KINDS | wire_kind_bit(WIRE_KIND_read));
        const struct wire_header *record;
        pid_t pid;

        interest.content_bytes = 3;
        interest.filter[WIRE_KIND_write].content = false;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        lab_write_file(lab_path("both"), "abcdef", 0600);
        pid = RUN({
                char buffer[16];
                int fd = open(lab_path("both"), O_RDWR);

                EXPECT(read(fd, buffer, 6) == 6);
                EXPECT(write(fd, "ghijkl", 6) == 6);
        });
        record = lab_find(WIRE_KIND_read, pid, 0);
        ck_assert_str_eq(lab_text(record, F(read, content)), "abc");
        ck_assert(record->cut & WIRE_BIT(read, content));
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert(!lab_known(record, F(write, content)));
        ck_assert_ptr_null(memmem(record, record->size, "ghi", 3));
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
        interest = lab_interest(LAB_ALL_KINDS | wire_kind_bit(WIRE_KIND_read));
        interest.content_bytes = 64;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
}
END_TEST

/* ---- write: where ---- */

START_TEST(a_write_tells_where_its_first_byte_went) {
        static const int offsets[] = {0, 3, 100, 6, 200, 11, -1000, 7, 10};
        pid_t pid;

        pid = RUN({
                struct iovec vector[2] = {{"ab", 2}, {"cde", 3}};
                int fd = open(lab_path("where"), O_RDWR | O_CREAT | O_TRUNC, 0600), more, ends[2];

                EXPECT(write(fd, "one", 3) == 3);
                EXPECT(write(fd, "two", 3) == 3);
                EXPECT(pwrite(fd, "three", 5, 100) == 5);
                EXPECT(writev(fd, vector, 2) == 5);
                EXPECT(pwritev(fd, vector, 2, 200) == 5);
                EXPECT(syscall(SYS_pwritev2, fd, vector, 2UL, -1L, -1L, 0) == 5);
                EXPECT(pipe(ends) == 0);
                EXPECT(write(ends[1], "pipe", 4) == 4);
                /* With O_APPEND: at the end, wherever that is. */
                EXPECT(ftruncate(fd, 7) == 0);
                more = open(lab_path("where"), O_WRONLY | O_APPEND);
                EXPECT(write(more, "end", 3) == 3);
                EXPECT(write(more, "end", 3) == 3);
                EXPECT(pwrite(more, "not there", 9, 1000) == 9);
        });
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
                ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_write, pid, i), F(write, offset)), offsets[i]);
        ck_assert(!lab_known(lab_find(WIRE_KIND_write, pid, 9), F(write, offset)));
}
END_TEST

/* ---- moves ---- */

struct moved {
        enum wire_call call;
        const char *from, *to;          /* names in the directory; NULL: a pipe */
        int length, from_offset, to_offset;     /* -1000: not known */
        uint64_t user;                  /* offsets that were read from user memory */
};

static void check_move(pid_t pid, const struct moved *moved, size_t n) {
        const struct wire_header *out = NULL, *in = NULL;
        struct stat st;

        for (size_t i = 0, k = 0; k <= n; i++) {
                out = lab_find(WIRE_KIND_write, pid, i);
                ck_assert_msg(out != NULL, "write of %d", moved->call);
                k += out->call == moved->call;
        }
        for (size_t i = 0, k = 0; k <= n; i++) {
                in = lab_find(WIRE_KIND_read, pid, i);
                ck_assert_msg(in != NULL, "read of %d", moved->call);
                k += in->call == moved->call;
        }
        ck_assert_int_eq(out->result, moved->length);
        ck_assert_int_eq(in->result, moved->length);
        ck_assert_int_eq(lab_number(out, F(write, length)), moved->length);
        ck_assert_int_eq(lab_number(in, F(read, length)), moved->length);
        ck_assert_int_eq(lab_number(out, F(write, count)), 100);
        ck_assert_int_eq(lab_number(in, F(read, count)), 100);
        ck_assert_int_eq(lab_number(out, F(write, offset)), moved->to_offset);
        ck_assert_int_eq(lab_number(in, F(read, offset)), moved->from_offset);
        ck_assert_int_eq(!!(out->user & WIRE_BIT(write, offset)), !!(moved->user & 1));
        ck_assert_int_eq(!!(in->user & WIRE_BIT(read, offset)), !!(moved->user & 2));
        if (moved->from) {
                ck_assert_str_eq(lab_text(in, F(read, pathname)), lab_path(moved->from));
                ck_assert_str_eq(lab_text(out, F(write, source_path)), lab_path(moved->from));
                ck_assert_int_eq(stat(lab_path(moved->from), &st), 0);
                ck_assert(lab_is_file(lab_object(in, F(read, file)), &st));
                ck_assert(lab_is_file(lab_object(out, F(write, source)), &st));
                ck_assert_int_eq(lab_number(in, F(read, type)), WIRE_OBJECT_FILE);
        } else {
                ck_assert_int_eq(lab_number(in, F(read, type)), WIRE_OBJECT_PIPE);
                ck_assert(lab_known(out, F(write, source)));
                ck_assert(!lab_known(out, F(write, source_path)));
        }
        if (moved->to) {
                ck_assert_str_eq(lab_text(out, F(write, pathname)), lab_path(moved->to));
                ck_assert_int_eq(stat(lab_path(moved->to), &st), 0);
                ck_assert(lab_is_file(lab_object(out, F(write, file)), &st));
        } else
                ck_assert_int_eq(lab_number(out, F(write, type)), WIRE_OBJECT_PIPE);
        ck_assert(!(out->flags & WIRE_EXCHANGED));
        ck_assert(!(in->flags & WIRE_EXCHANGED));
}

START_TEST(bytes_that_the_kernel_moves_are_written_and_read) {
        static const struct moved moves[] = {
                {WIRE_CALL_sendfile, "from", "to", 26, 0, 0, 0},
                {WIRE_CALL_copy_file_range, "from", "to", 21, 5, 50, 3},
                {WIRE_CALL_splice, "from", NULL, 24, 2, -1000, 2},
                {WIRE_CALL_tee, NULL, NULL, 24, -1000, -1000, 0},
                {WIRE_CALL_splice, NULL, "to", 24, -1000, 26, 0},
                {WIRE_CALL_sendfile, "from", NULL, 20, 6, -1000, 2},
        };
        size_t n[_WIRE_CALL_MAX] = {};
        pid_t pid;

        lab_write_file(lab_path("from"), "0123456789abcdefghijklmnop", 0600);
        pid = RUN({
                int from = open(lab_path("from"), O_RDONLY),
                    to = open(lab_path("to"), O_RDWR | O_CREAT | O_TRUNC, 0600);
                off64_t in = 5, out = 50;
                off_t at = 6;
                int one[2], two[2];

                EXPECT(pipe(one) == 0 && pipe(two) == 0);
                EXPECT(sendfile(to, from, NULL, 100) == 26);
                EXPECT(copy_file_range(from, &in, to, &out, 100, 0) == 21);
                in = 2;
                EXPECT(splice(from, &in, one[1], NULL, 100, 0) == 24);
                EXPECT(tee(one[0], two[1], 100, 0) == 24);
                EXPECT(splice(one[0], NULL, to, NULL, 100, 0) == 24);
                EXPECT(sendfile(one[1], from, &at, 100) == 20);
        });
        for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
                check_move(pid, &moves[i], n[moves[i].call]++);
}
END_TEST

START_TEST(a_move_that_fails_is_told_on_both_sides) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                int from = open("/dev/null", O_WRONLY), to = open("/dev/null", O_WRONLY);

                EXPECT(sendfile(to, from, NULL, 5) < 0);
                EXPECT(sendfile(999, from, NULL, 6) < 0);
        });
        for (int i = 0; i < 2; i++) {
                record = lab_find(WIRE_KIND_write, pid, i);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(record->result, -EBADF);
                ck_assert_int_eq(lab_number(record, F(write, count)), 5 + i);
                ck_assert(!lab_known(record, F(write, length)));
                ck_assert_int_eq(lab_number(record, F(write, type)), i == 0 ? WIRE_OBJECT_DEVICE : WIRE_OBJECT_CLOSED);
                ck_assert_str_eq(lab_text(record, F(write, source_path)), "/dev/null");
                record = lab_find(WIRE_KIND_read, pid, i);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(record->result, -EBADF);
        }
}
END_TEST

START_TEST(memory_given_to_a_pipe_is_written_with_its_content) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                struct iovec vector[2] = {{"gift", 4}, {"s", 1}};
                char buffer[16];
                struct iovec back = {buffer, sizeof(buffer)};
                int ends[2];

                EXPECT(pipe(ends) == 0);
                EXPECT(vmsplice(ends[1], vector, 2, 0) == 5);
                EXPECT(vmsplice(ends[0], &back, 1, 0) == 5);
        });
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_vmsplice);
        ck_assert_int_eq(lab_number(record, F(write, length)), 5);
        ck_assert_int_eq(lab_number(record, F(write, count)), 5);
        ck_assert_str_eq(lab_text(record, F(write, content)), "gifts");
        ck_assert_int_eq(lab_number(record, F(write, type)), WIRE_OBJECT_PIPE);
        ck_assert(!lab_known(record, F(write, source)));
        ck_assert_uint_eq(lab_count(WIRE_KIND_write, pid), 1);
        record = lab_find(WIRE_KIND_read, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_vmsplice);
        ck_assert_int_eq(lab_number(record, F(read, count)), 16);
        ck_assert_str_eq(lab_text(record, F(read, content)), "gifts");
        ck_assert_uint_eq(lab_count(WIRE_KIND_read, pid), 1);
}
END_TEST

START_TEST(content_that_never_was_in_memory_is_not_told_to_be_empty) {
        const struct wire_header *record, *obscured;
        pid_t pid;

        lab_write_file(lab_path("from"), "the secret", 0600);
        pid = RUN({
                int from = open(lab_path("from"), O_RDONLY),
                    to = open(lab_path("to"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

                EXPECT(sendfile(to, from, NULL, 100) == 10);
        });
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_str_eq(lab_text(record, F(write, content)), "");
        ck_assert(record->cut & WIRE_BIT(write, content));
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(obscured);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_UNREAD);
}
END_TEST

/* ---- a descriptor, while a call on it is held up ---- */

static int ends[2], other;

static void *exchange_and_give(void *argument) {
        lab_wait_in_call(getpid(), SYS_read);
        dup2(other, ends[0]);
        return write(ends[1], "from the pipe", 13) == 13 ? NULL : argument;
}

START_TEST(a_read_whose_descriptor_was_exchanged_tells_both_objects) {
        const struct wire_header *true_one, *decoy, *obscured;
        pid_t pid;

        pid = RUN({
                char buffer[13];
                pthread_t thread;

                other = open("/dev/zero", O_RDONLY | O_CLOEXEC);
                EXPECT(pipe(ends) == 0);
                pthread_create(&thread, NULL, exchange_and_give, NULL);
                EXPECT(read(ends[0], buffer, sizeof(buffer)) == 13);
                pthread_join(thread, NULL);
        });
        true_one = lab_find(WIRE_KIND_read, pid, 0);
        decoy = lab_find(WIRE_KIND_read, pid, 1);
        ck_assert(true_one && decoy);
        ck_assert_int_eq(lab_number(true_one, F(read, type)), WIRE_OBJECT_PIPE);
        ck_assert_str_eq(lab_text(true_one, F(read, content)), "from the pipe");
        ck_assert_str_eq(lab_text(decoy, F(read, pathname)), "/dev/zero");
        ck_assert(true_one->flags & WIRE_EXCHANGED);
        ck_assert(decoy->flags & WIRE_EXCHANGED);
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(obscured);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_RACED);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "read.file");
}
END_TEST

static int exchange_from_a_process(void *argument) {
        lab_wait_in_call(getppid(), SYS_read);
        if (dup2(other, ends[0]) < 0)
                return 1;
        return write(ends[1], "from the pipe", 13) == 13 ? 0 : 2;
}

START_TEST(a_table_shared_with_another_process_is_no_way_around_it) {
        const struct wire_header *true_one, *decoy;
        pid_t pid;

        pid = RUN({
                static char stack[65536] __attribute__((aligned(16)));
                char buffer[64];
                pid_t helper;

                other = open("/dev/zero", O_RDONLY | O_CLOEXEC);
                EXPECT(pipe(ends) == 0);
                helper = clone(exchange_from_a_process, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL);
                EXPECT(helper > 0);
                EXPECT(read(ends[0], buffer, sizeof(buffer)) == 13);
        });
        true_one = lab_find(WIRE_KIND_read, pid, 0);
        decoy = lab_find(WIRE_KIND_read, pid, 1);
        ck_assert(true_one && decoy);
        ck_assert_int_eq(lab_number(true_one, F(read, type)), WIRE_OBJECT_PIPE);
        ck_assert_str_eq(lab_text(decoy, F(read, pathname)), "/dev/zero");
        ck_assert(true_one->flags & WIRE_EXCHANGED);
}
END_TEST

static void *exchange_both_and_give(void *argument) {
        lab_wait_in_call(getpid(), SYS_splice);
        dup2(other, ends[0]);
        dup2(other, *(int *)argument);
        return write(ends[1], "from the pipe", 13) == 13 ? NULL : argument;
}

START_TEST(a_move_whose_descriptors_were_exchanged_tells_both_of_both_sides) {
        const struct wire_header *true_one, *decoy;
        pid_t pid;

        pid = RUN({
                pthread_t thread;
                int to = open(lab_path("spliced"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

                other = open("/dev/null", O_RDWR | O_CLOEXEC);
                EXPECT(pipe(ends) == 0);
                pthread_create(&thread, NULL, exchange_both_and_give, &to);
                EXPECT(splice(ends[0], NULL, to, NULL, 100, 0) == 13);
                pthread_join(thread, NULL);
        });
        true_one = lab_find_text(WIRE_KIND_write, pid, F(write, pathname), lab_path("spliced"), 0);
        decoy = lab_find_text(WIRE_KIND_write, pid, F(write, pathname), "/dev/null", 0);
        ck_assert(true_one && decoy);
        ck_assert(true_one->flags & WIRE_EXCHANGED);
        ck_assert(decoy->flags & WIRE_EXCHANGED);
        ck_assert(!lab_known(true_one, F(write, source_path)));         /* the pipe */
        ck_assert_str_eq(lab_text(decoy, F(write, source_path)), "/dev/null");
        true_one = lab_find(WIRE_KIND_read, pid, 0);
        decoy = lab_find_text(WIRE_KIND_read, pid, F(read, pathname), "/dev/null", 0);
        ck_assert(true_one && decoy);
        ck_assert_int_eq(lab_number(true_one, F(read, type)), WIRE_OBJECT_PIPE);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                every_way_to_read_is_a_read_with_its_object,
                a_read_tells_what_came_and_not_what_was_asked_for,
                a_read_from_a_socket_tells_the_far_side,
                both_ends_of_a_pipe_are_one_object,
                content_goes_with_the_kind_that_asked_for_it,
                a_write_tells_where_its_first_byte_went,
                bytes_that_the_kernel_moves_are_written_and_read,
                a_move_that_fails_is_told_on_both_sides,
                memory_given_to_a_pipe_is_written_with_its_content,
                content_that_never_was_in_memory_is_not_told_to_be_empty,
                a_read_whose_descriptor_was_exchanged_tells_both_objects,
                a_table_shared_with_another_process_is_no_way_around_it,
                a_move_whose_descriptors_were_exchanged_tells_both_of_both_sides,
        };
        struct interest interest = lab_interest(LAB_ALL_KINDS | wire_kind_bit(WIRE_KIND_read));

        interest.content_bytes = 64;
        return lab_main("bpf/data", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

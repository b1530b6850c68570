/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring: an operation is told as what it does, like the system call of the same meaning. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lab.h"
#include "old-calls.h"
#include "ring.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

static void must(int r) {
        if (r < 0)
                _exit(10);
}

static uint64_t pointer(const void *p) {
        return (uint64_t)(uintptr_t)p;
}

static const struct wire_header *only(enum wire_kind kind, pid_t pid) {
        const struct wire_header *record = lab_find(kind, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring);
        return record;
}

/* ---- scenarios ---- */

static int open_and_write(void *argument) {
        struct ring ring;
        int fd;

        if (chdir(lab.directory) < 0)
                return 1;
        ring_make(&ring);
        fd = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
                                                  .fd = AT_FDCWD,
                                                  .addr = pointer("../../tmp/./uring-missing"),
                                                  .open_flags = O_RDONLY});
        if (fd != -ENOENT)
                return 2;
        fd = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = pointer("asked"),
                                                  .open_flags = O_WRONLY | O_CREAT, .len = 0640});
        must(fd);
        must(ring_do(&ring,
                     (struct io_uring_sqe){.opcode = IORING_OP_WRITE, .fd = fd, .addr = pointer("payload"), .len = 7}));
        must((int)syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1));
        must(ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_WRITE, .flags = IOSQE_FIXED_FILE, .fd = 0,
                                                  .addr = pointer("again"), .len = 5, .off = 7}));
        return 0;
}

START_TEST(an_open_and_a_write_by_io_uring_are_an_open_and_a_write) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        pid = lab_run(open_and_write, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        ck_assert_int_eq(stat(lab_path("asked"), &st), 0);

        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), "/tmp/uring-missing", 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring);

        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("asked"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring);
        ck_assert_str_eq(lab_text(record, F(openat, given)), "asked");
        ck_assert_int_eq(lab_number(record, F(openat, flags)) & ~KERNEL_O_LARGEFILE, O_WRONLY | O_CREAT);
        ck_assert_int_eq(lab_number(record, F(openat, mode)), 0640);
        ck_assert_int_eq(lab_number(record, F(openat, created)), 1);
        ck_assert_int_eq(lab_number(record, F(openat, fd)), record->result);
        ck_assert(lab_is_file(lab_object(record, F(openat, file)), &st));

        record = only(WIRE_KIND_write, pid);
        ck_assert_int_eq(record->result, 7);
        ck_assert_str_eq(lab_text(record, F(write, pathname)), lab_path("asked"));
        ck_assert_str_eq(lab_text(record, F(write, content)), "payload");
        ck_assert(lab_is_file(lab_object(record, F(write, file)), &st));

        /* A registered file has no descriptor. */
        record = lab_find(WIRE_KIND_write, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(write, fd)), -1);
        ck_assert_str_eq(lab_text(record, F(write, pathname)), lab_path("asked"));
        ck_assert_int_eq(lab_number(record, F(write, length)), 5);
}
END_TEST

static int change_names(void *argument) {
        struct ring ring;

        if (chdir(lab.directory) < 0)
                return 1;
        close(open("one", O_WRONLY | O_CREAT, 0600));
        ring_make(&ring);
        must(ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = pointer("one"),
                                                  .len = (uint32_t)AT_FDCWD, .addr2 = pointer("./two")}));
        must(ring_do(&ring,
                     (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = pointer("two")}));
        if (ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
                                                 .addr = pointer("two")}) != -ENOENT)
                return 2;
        return 0;
}

START_TEST(names_are_the_kernels_copies_and_cannot_have_been_exchanged) {
        const struct wire_header *record;
        char text[128];
        pid_t pid;

        pid = lab_run(change_names, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_rename, pid);
        snprintf(text, sizeof(text), "%s", lab_path("one"));
        ck_assert_str_eq(lab_text(record, F(rename, pathname)), text);
        ck_assert_str_eq(lab_text(record, F(rename, newpath)), lab_path("two"));
        ck_assert_str_eq(lab_text(record, F(rename, newgiven)), "./two");
        ck_assert(record->stable & WIRE_BIT(rename, pathname));
        ck_assert(record->stable & WIRE_BIT(rename, newpath));

        record = only(WIRE_KIND_unlink, pid);
        ck_assert_int_eq(record->result, 0);
        ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("two"));
        record = lab_find(WIRE_KIND_unlink, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert(record->flags & WIRE_FAILED);
        ck_assert(!lab_known(record, F(unlink, file)));         /* there was none; the one before was another */
}
END_TEST

static int unlink_silently(void *argument) {
        struct ring ring;

        close(open(lab_path("silent"), O_WRONLY | O_CREAT, 0600));
        ring_make(&ring);
        ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT, .flags = IOSQE_CQE_SKIP_SUCCESS,
                                             .fd = AT_FDCWD, .addr = pointer(lab_path("silent"))});
        for (int i = 0; i < 500 && access(lab_path("silent"), F_OK) == 0; i++)
                usleep(10000);
        return access(lab_path("silent"), F_OK) == 0;
}

START_TEST(an_operation_that_asks_for_no_completion_is_told_all_the_same) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(unlink_silently, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_unlink, pid);
        ck_assert(record->flags & WIRE_NO_RESULT);
        ck_assert(!(record->flags & WIRE_FAILED));
        ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("silent"));
}
END_TEST

static int connect_somewhere(void *argument) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
        struct ring ring;
        int fd;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        ring_make(&ring);
        return ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CONNECT, .fd = fd, .addr = pointer(&address),
                                                    .off = sizeof(address)});
}

START_TEST(a_connect_by_io_uring_has_the_address_that_the_kernel_used) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(connect_somewhere, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_connect, pid);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(connect, dport)), 9);
        ck_assert_uint_eq(*(uint32_t *)lab_address(record, F(connect, daddr)).bytes, htonl(INADDR_LOOPBACK));
        ck_assert(!(record->user & WIRE_BIT(connect, daddr)));
}
END_TEST

static int do_nothing(void *argument) {
        struct ring ring;

        ring_make(&ring);
        return ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_NOP});
}

START_TEST(an_operation_that_is_no_other_kind_is_told_by_its_number) {
        const struct wire_header *record = NULL;
        pid_t pid;

        pid = lab_run(do_nothing, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        for (size_t n = 0; (record = lab_find(WIRE_KIND_io_uring, pid, n)); n++)
                if (lab_number(record, F(io_uring, setup)) == 0)
                        break;
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(io_uring, opcode)), IORING_OP_NOP);
        ck_assert_int_eq(record->result, 0);
}
END_TEST

static int move_by_ring(void *argument) {
        int ends[2], fd = open(lab_path("moved-from"), O_RDONLY);
        struct ring ring;

        if (fd < 0 || pipe(ends) < 0)
                return 1;
        ring_make(&ring);
        return ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SPLICE,
                                                    .fd = ends[1],
                                                    .splice_fd_in = fd,
                                                    .len = 5,
                                                    .splice_off_in = 0,
                                                    .off = (uint64_t)-1}) == 5
                     ? 0
                     : 2;
}

START_TEST(a_move_by_io_uring_is_a_write_and_a_read) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("moved-from"), "bytes", 0600);
        pid = lab_run(move_by_ring, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_read, pid);
        ck_assert_str_eq(lab_text(record, F(read, pathname)), lab_path("moved-from"));
        ck_assert_int_eq(lab_number(record, F(read, length)), 5);
        record = only(WIRE_KIND_write, pid);
        ck_assert_int_eq(lab_number(record, F(write, type)), WIRE_OBJECT_PIPE);
        ck_assert_str_eq(lab_text(record, F(write, source_path)), lab_path("moved-from"));
        ck_assert_ptr_null(lab_find(WIRE_KIND_read, pid, 1));
        ck_assert_ptr_null(lab_find(WIRE_KIND_write, pid, 1));
}
END_TEST

static int receive_by_ring(void *argument) {
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        struct iovec vector = {(char[2]){"m"}, 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                                 .msg_controllen = sizeof(control)};
        int pair[2], fd = open(lab_path("passed"), O_RDONLY);
        struct ring ring;

        if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
                return 1;
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        ring_make(&ring);
        if (ring_do(&ring,
                    (struct io_uring_sqe){.opcode = IORING_OP_SENDMSG, .fd = pair[0], .addr = pointer(&message)}) != 1)
                return 2;
        return ring_do(&ring,
                       (struct io_uring_sqe){.opcode = IORING_OP_RECVMSG, .fd = pair[1], .addr = pointer(&message)}) ==
                               1
                     ? 0
                     : 3;
}

START_TEST(a_message_that_io_uring_receives_brings_its_descriptors) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("passed"), "x", 0600);
        pid = lab_run(receive_by_ring, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_sendto, pid);
        ck_assert_int_eq(lab_number(record, F(sendto, n_fds)), 1);
        record = only(WIRE_KIND_recvfrom, pid);
        ck_assert_int_eq(lab_number(record, F(recvfrom, n_fds)), 1);
        ck_assert_int_eq(lab_number(record, F(recvfrom, length)), 1);
        record = only(WIRE_KIND_dup, pid);
        ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("passed"));
        ck_assert_int_eq(lab_number(record, F(dup, sender_pid)), pid);
}
END_TEST

static int set_attributes(void *argument) {
        static const uint32_t capability[6] = {0x02000001, 1U << 21};   /* the second revision: CAP_SYS_ADMIN */
        int fd = open(lab_path("attributed"), O_RDONLY);
        struct ring ring;

        ring_make(&ring);
        if (ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_FSETXATTR, .fd = fd, .addr = pointer("user.first"),
                                                 .addr2 = pointer("one"), .len = 3}) < 0)
                return 77;              /* this file system has none */
        if (ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SETXATTR, .addr = pointer("security.capability"),
                                                 .addr2 = pointer(capability), .len = 20,
                                                 .addr3 = pointer(lab_path("attributed"))}) < 0)
                return 2;
        return 0;
}

START_TEST(an_attribute_that_io_uring_sets_is_told_by_its_name) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("attributed"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("attributed"), &st), 0);
        pid = lab_run(set_attributes, NULL);
        if (WEXITSTATUS(lab.status) == 77)
                return;
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = only(WIRE_KIND_setxattr, pid);
        ck_assert_str_eq(lab_text(record, F(setxattr, name)), "user.first");
        ck_assert_str_eq(lab_text(record, F(setxattr, value)), "one");
        ck_assert_int_eq(lab_number(record, F(setxattr, size)), 3);
        ck_assert_str_eq(lab_text(record, F(setxattr, pathname)), lab_path("attributed"));
        ck_assert(lab_is_file(lab_object(record, F(setxattr, file)), &st));
        ck_assert(record->stable & WIRE_BIT(setxattr, name));

        record = lab_find(WIRE_KIND_setxattr, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring);
        ck_assert_str_eq(lab_text(record, F(setxattr, pathname)), lab_path("attributed"));
        ck_assert_str_eq(lab_text(record, F(setxattr, name)), "security.capability");
        ck_assert_int_eq(lab_number(record, F(setxattr, caps)), 1U << 21);
        ck_assert_int_eq(record->result, 0);
}
END_TEST

static int close_by_ring(void *argument) {
        int fd = open(lab_path("closed"), O_RDONLY);
        struct ring ring;

        ring_make(&ring);
        if (ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd}) != 0)
                return 1;
        return ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = 1021}) == -EBADF ? 0 : 2;
}

START_TEST(a_close_by_io_uring_tells_what_it_was) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("closed"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("closed"), &st), 0);
        pid = lab_run(close_by_ring, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find_text(WIRE_KIND_close, pid, F(close, pathname), lab_path("closed"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring);
        ck_assert(lab_is_file(lab_object(record, F(close, file)), &st));
        for (size_t n = 0; (record = lab_find(WIRE_KIND_close, pid, n)); n++)
                if (record->call == WIRE_CALL_io_uring && record->result == -EBADF)
                        break;
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(close, fd)), 1021);
        ck_assert_int_eq(lab_number(record, F(close, type)), WIRE_OBJECT_CLOSED);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_open_and_a_write_by_io_uring_are_an_open_and_a_write,
                names_are_the_kernels_copies_and_cannot_have_been_exchanged,
                an_operation_that_asks_for_no_completion_is_told_all_the_same,
                a_connect_by_io_uring_has_the_address_that_the_kernel_used,
                an_operation_that_is_no_other_kind_is_told_by_its_number,
                a_move_by_io_uring_is_a_write_and_a_read,
                a_message_that_io_uring_receives_brings_its_descriptors,
                an_attribute_that_io_uring_sets_is_told_by_its_name,
                a_close_by_io_uring_tells_what_it_was,
        };
        struct interest interest = lab_interest(LAB_ALL_KINDS | wire_kind_bit(WIRE_KIND_io_uring));
        struct io_uring_params params = {};
        int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

        if (fd < 0) {
                printf("skipped: io_uring is not to be had here: %s\n", strerror(errno));
                return 77;
        }
        close(fd);
        interest.content_bytes = 64;
        return lab_main("bpf/uring", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

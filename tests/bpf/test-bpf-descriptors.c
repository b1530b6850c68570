/* SPDX-License-Identifier: Apache-2.0 */
/* close, dup: what becomes of descriptors, and how they come from other processes.
 *
 * The programs of the capture have descriptors, which children inherit: numbers that shall be free are high. */
#include <arpa/inet.h>
#include <linux/close_range.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>

#include "base/macro.h"

#include "child.h"
#include "old-calls.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* The record of this kind whose field has this number. */
static const struct wire_header *find_number(enum wire_kind kind, pid_t pid, int field, int64_t number) {
        const struct wire_header *record;

        for (size_t i = 0; (record = lab_find(kind, pid, i)); i++)
                if (lab_number(record, field) == number)
                        return record;
        return NULL;
}

/* ---- close ---- */

START_TEST(what_is_closed_is_told_as_what_it_was) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("closed"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("closed"), &st), 0);
        pid = RUN({
                int fd = open(lab_path("closed"), O_RDONLY);

                EXPECT(dup2(fd, 50) == 50 && close(50) == 0);
                EXPECT(close(fd) == 0);
                EXPECT(close(1021) < 0);
        });
        for (int i = 0; i < 2; i++) {
                record = lab_find_text(WIRE_KIND_close, pid, F(close, pathname), lab_path("closed"), i);
                ck_assert_msg(record != NULL, "%d", i);
                ck_assert_int_eq(record->result, 0);
                ck_assert_int_eq(lab_number(record, F(close, type)), WIRE_OBJECT_FILE);
                ck_assert(lab_is_file(lab_object(record, F(close, file)), &st));
                ck_assert(!lab_known(record, F(close, last_fd)));
        }
        ck_assert_ptr_nonnull(find_number(WIRE_KIND_close, pid, F(close, fd), 50));
        record = find_number(WIRE_KIND_close, pid, F(close, fd), 1021);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert_int_eq(lab_number(record, F(close, type)), WIRE_OBJECT_CLOSED);
        ck_assert(!lab_known(record, F(close, file)));
        ck_assert(!lab_known(record, F(close, pathname)));
}
END_TEST

START_TEST(a_range_is_closed_with_its_ends) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("closed"), "x", 0600);
        pid = RUN({
                int fd = open(lab_path("closed"), O_RDONLY);

                EXPECT(dup2(fd, 960) == 960 && dup2(fd, 961) == 961);
                if (syscall(SYS_close_range, 960U, 965U, CLOSE_RANGE_CLOEXEC) < 0 ||
                    syscall(SYS_close_range, 960U, 964U, 0) < 0)
                        _exit(1);
        });
        ck_assert_ptr_null(find_number(WIRE_KIND_close, pid, F(close, last_fd), 965));
        record = find_number(WIRE_KIND_close, pid, F(close, last_fd), 964);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_close_range);
        ck_assert_int_eq(lab_number(record, F(close, fd)), 960);
        ck_assert_str_eq(lab_text(record, F(close, pathname)), lab_path("closed"));
}
END_TEST

/* ---- dup ---- */

START_TEST(every_way_to_double_a_descriptor_is_a_dup) {
        static const enum wire_call calls[] = {WIRE_CALL_dup, OLD_DUP2_CALL, WIRE_CALL_dup3, WIRE_CALL_fcntl,
                                               WIRE_CALL_fcntl};
        const struct wire_header *record;
        struct stat st;
        pid_t pid;
        int fd;

        lab_write_file(lab_path("doubled"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("doubled"), &st), 0);
        pid = RUN({
                int one = open(lab_path("doubled"), O_RDONLY);

                EXPECT(dup2(one, 940) == 940 && close(one) == 0);
                EXPECT(dup(940) >= 0);
                EXPECT(old_dup2(940, 941) == 941);
                EXPECT(dup3(940, 942, O_CLOEXEC) == 942);
                EXPECT(fcntl(940, F_DUPFD, 943) == 943);
                EXPECT(fcntl(940, F_DUPFD_CLOEXEC, 944) == 944);
                EXPECT(fcntl(940, F_GETFD) >= 0);
                EXPECT(dup(1020) < 0);
        });
        for (int i = 0; i < 5; i++) {
                record = lab_find(WIRE_KIND_dup, pid, i + 1);
                ck_assert_msg(record != NULL, "%d", i);
                ck_assert_int_eq(record->call, calls[i]);
                ck_assert_int_eq(lab_number(record, F(dup, fd)), 940);
                fd = lab_number(record, F(dup, newfd));
                ck_assert_int_eq(fd, i == 0 ? record->result : 940 + i);
                ck_assert_int_eq(lab_number(record, F(dup, type)), WIRE_OBJECT_FILE);
                ck_assert(lab_is_file(lab_object(record, F(dup, file)), &st));
                ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("doubled"));
                ck_assert(!lab_known(record, F(dup, sender_pid)));
                ck_assert(!lab_known(record, F(dup, daddr)));
        }
        record = lab_find(WIRE_KIND_dup, pid, 6);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert_int_eq(lab_number(record, F(dup, fd)), 1020);
        ck_assert(!lab_known(record, F(dup, newfd)));
        ck_assert_int_eq(lab_number(record, F(dup, type)), WIRE_OBJECT_CLOSED);
        ck_assert_ptr_null(lab_find(WIRE_KIND_dup, pid, 7));
}
END_TEST

START_TEST(what_is_no_file_has_a_type_of_its_own_and_the_name_that_proc_shows) {
        static const struct {
                int fd, type;
                const char *begin;
        } what[] = {{950, WIRE_OBJECT_ANON, "anon_inode:[event"},
                    {951, WIRE_OBJECT_ANON, "anon_inode:[eventpoll]"},
                    {952, WIRE_OBJECT_PIDFD, "anon_inode:[pidfd]"},
                    {953, WIRE_OBJECT_NAMESPACE, "mnt:["},
                    {954, WIRE_OBJECT_NAMESPACE, "user:["}};
        char(*shown)[64] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                const int fds[] = {eventfd(0, 0), epoll_create1(0), (int)syscall(SYS_pidfd_open, getpid(), 0),
                                   open("/proc/self/ns/mnt", O_RDONLY), open("/proc/self/ns/user", O_RDONLY)};

                for (size_t i = 0; i < ELEMENTSOF(what); i++) {
                        char path[64];

                        snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
                        EXPECT(fds[i] >= 0 && readlink(path, shown[i], sizeof(shown[i]) - 1) > 0);
                        EXPECT(dup2(fds[i], what[i].fd) == what[i].fd && close(what[i].fd) == 0);
                }
        });
        for (size_t i = 0; i < ELEMENTSOF(what); i++) {
                ck_assert_msg(strncmp(shown[i], what[i].begin, strlen(what[i].begin)) == 0, "%s", shown[i]);
                record = find_number(WIRE_KIND_dup, pid, F(dup, newfd), what[i].fd);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(lab_number(record, F(dup, type)), what[i].type);
                ck_assert_str_eq(lab_text(record, F(dup, pathname)), shown[i]);
                record = find_number(WIRE_KIND_close, pid, F(close, fd), what[i].fd);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(lab_number(record, F(close, type)), what[i].type);
                ck_assert_str_eq(lab_text(record, F(close, pathname)), shown[i]);
        }
        munmap(shown, 4096);
}
END_TEST

START_TEST(a_socket_that_becomes_the_standard_input_is_told_with_its_far_side) {
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000007)};
        const struct wire_header *record;
        struct wire_address peer;
        pid_t pid;

        pid = RUN({
                int fd = socket(AF_INET, SOCK_DGRAM, 0);

                EXPECT(connect(fd, (void *)&address, sizeof(address)) == 0);
                EXPECT(dup2(fd, 0) == 0);
        });
        record = find_number(WIRE_KIND_dup, pid, F(dup, newfd), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(dup, type)), WIRE_OBJECT_SOCKET);
        peer = lab_address(record, F(dup, daddr));
        ck_assert_mem_eq(peer.bytes, &address.sin_addr, 4);
        ck_assert_int_eq(lab_number(record, F(dup, dport)), 9);
}
END_TEST

static uint64_t start_of(pid_t pid) {
        const struct wire_header *record = lab_find(WIRE_KIND_exit, pid, 0);

        return record ? record->start_ns : 0;
}

START_TEST(a_descriptor_taken_from_another_process_tells_whose_it_was) {
        const struct wire_header *record;
        pid_t pid, owner;
        struct stat st;
        int ready[2];
        char byte;

        lab_write_file(lab_path("owned"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("owned"), &st), 0);
        ck_assert_int_eq(pipe(ready), 0);
        owner = lab_fork();
        if (owner == 0) {
                int fd = open(lab_path("owned"), O_RDONLY);

                EXPECT(dup2(fd, 70) == 70);
                EXPECT(write(ready[1], "x", 1) == 1);
                pause();
        }
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        pid = RUN({
                int fd = (int)syscall(SYS_pidfd_open, owner, 0);

                EXPECT(fd >= 0);
                EXPECT(syscall(SYS_pidfd_getfd, fd, 70, 0) >= 0);
                EXPECT(syscall(SYS_pidfd_getfd, fd, 1022, 0) < 0);
        });
        kill(owner, SIGKILL);
        lab_reap(owner);
        record = lab_find(WIRE_KIND_dup, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_pidfd_getfd);
        ck_assert_int_eq(lab_number(record, F(dup, fd)), 70);
        ck_assert_int_eq(lab_number(record, F(dup, newfd)), record->result);
        ck_assert(lab_is_file(lab_object(record, F(dup, file)), &st));
        ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("owned"));
        ck_assert_int_eq(lab_number(record, F(dup, sender_pid)), owner);
        ck_assert_uint_eq((uint64_t)lab_number(record, F(dup, sender_start)), start_of(owner));
        record = lab_find(WIRE_KIND_dup, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert_int_eq(lab_number(record, F(dup, sender_pid)), owner);
        ck_assert(!lab_known(record, F(dup, newfd)));
        ck_assert(!lab_known(record, F(dup, file)));
        close(ready[0]);
        close(ready[1]);
}
END_TEST

/* ---- a message with descriptors ---- */

static int send_two(int socket, int a, int b) {
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(2 * sizeof(int))];
        } control = {};
        struct iovec vector = {"m", 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                                 .msg_controllen = sizeof(control)};

        control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), (int[2]){a, b}, 2 * sizeof(int));
        return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

START_TEST(descriptors_that_a_message_brings_are_each_a_dup) {
        const struct wire_header *record;
        struct stat st;
        int pair[2];
        pid_t pid;

        lab_write_file(lab_path("sent"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("sent"), &st), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert_int_eq(send_two(pair[0], open(lab_path("sent"), O_RDONLY | O_CLOEXEC), pair[0]), 0);
        pid = RUN({
                union {
                        struct cmsghdr head;
                        char bytes[256];
                } control = {};
                char byte;
                struct iovec vector = {&byte, 1};
                struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                                         .msg_controllen = sizeof(control)};

                EXPECT(recvmsg(pair[1], &message, 0) == 1);
        });
        ck_assert_uint_eq(lab_count(WIRE_KIND_dup, pid), 2);
        record = lab_find(WIRE_KIND_dup, pid, 0);
        ck_assert_int_eq(record->call, WIRE_CALL_recvmsg);
        ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("sent"));
        ck_assert(lab_is_file(lab_object(record, F(dup, file)), &st));
        ck_assert_int_ge(lab_number(record, F(dup, newfd)), 3);
        ck_assert(!lab_known(record, F(dup, fd)));
        ck_assert_int_eq(lab_number(record, F(dup, sender_pid)), getpid());     /* it made the pair */
        ck_assert(lab_known(record, F(dup, sender_start)));
        record = lab_find(WIRE_KIND_dup, pid, 1);
        ck_assert_int_eq(lab_number(record, F(dup, type)), WIRE_OBJECT_SOCKET);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

START_TEST(many_messages_at_once_are_each_looked_into) {
        const struct wire_header *record;
        int pair[2];
        pid_t pid;

        lab_write_file(lab_path("sent"), "x", 0600);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(send_two(pair[0], open(lab_path("sent"), O_RDONLY | O_CLOEXEC), pair[0]), 0);
        pid = RUN({
                static char control[3][256] __attribute__((aligned(8)));
                char byte[3];
                struct iovec vectors[3] = {{byte, 1}, {byte + 1, 1}, {byte + 2, 1}};
                struct mmsghdr messages[3] = {};

                for (int i = 0; i < 3; i++)
                        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1,
                                                              .msg_control = control[i],
                                                              .msg_controllen = sizeof(control[i])};
                EXPECT(recvmmsg(pair[1], messages, 3, 0, NULL) == 3);
        });
        ck_assert_uint_eq(lab_count(WIRE_KIND_dup, pid), 6);
        for (int i = 0; i < 6; i += 2) {
                record = lab_find(WIRE_KIND_dup, pid, i);
                ck_assert_int_eq(record->call, WIRE_CALL_recvmmsg);
                ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("sent"));
        }
        close(pair[0]);
        close(pair[1]);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                what_is_closed_is_told_as_what_it_was,
                a_range_is_closed_with_its_ends,
                every_way_to_double_a_descriptor_is_a_dup,
                what_is_no_file_has_a_type_of_its_own_and_the_name_that_proc_shows,
                a_socket_that_becomes_the_standard_input_is_told_with_its_far_side,
                a_descriptor_taken_from_another_process_tells_whose_it_was,
                descriptors_that_a_message_brings_are_each_a_dup,
                many_messages_at_once_are_each_looked_into,
        };
        struct interest interest =
                lab_interest(wire_kind_bit(WIRE_KIND_close) | wire_kind_bit(WIRE_KIND_dup));

        return lab_main("bpf/descriptors", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

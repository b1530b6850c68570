/* SPDX-License-Identifier: Apache-2.0 */
/* sendto, recvfrom, dns, and what becomes of connections that were not waited for. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

struct found {
        struct stat socket;
        int port, result;
};

static struct found *found;

static pid_t run(int (*action)(void *argument), void *argument) {
        pid_t pid;

        memset(found, 0, sizeof(*found));
        pid = lab_run(action, argument);
        ck_assert_int_eq(lab.status, 0);
        return pid;
}

static void check_daddr(const struct wire_header *record, int address, int port, const char *want, int want_port) {
        struct wire_address have = lab_address(record, address), wanted = {};

        wanted.family = strchr(want, ':') ? AF_INET6 : AF_INET;
        ck_assert_int_eq(inet_pton(wanted.family, want, wanted.bytes), 1);
        ck_assert(lab_known(record, address));
        ck_assert_mem_eq(&have, &wanted, sizeof(wanted));
        ck_assert_int_eq(lab_number(record, port), want_port);
}

static struct sockaddr_in inet_address(const char *text, int port) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

        inet_pton(AF_INET, text, &sin.sin_addr);
        return sin;
}

/* A socket that is bound to any port of the address; found->port is it. */
static int bound(int type, const char *address) {
        struct sockaddr_in sin = inet_address(address, 0);
        int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(sin);

        if (bind(fd, (void *)&sin, sizeof(sin)) < 0 || getsockname(fd, (void *)&sin, &size) < 0)
                _exit(99);
        found->port = ntohs(sin.sin_port);
        return fd;
}

/* ---- datagrams ---- */

static int send_datagram(void *argument) {
        int to = bound(SOCK_DGRAM, "127.0.0.4"), from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.4", found->port), sender;
        socklen_t size = sizeof(sender);
        char buffer[64];

        if (fstat(from, &found->socket) < 0 ||
            sendto(from, "what is sent", 12, MSG_DONTWAIT, (void *)&sin, sizeof(sin)) != 12 ||
            recvfrom(to, buffer, sizeof(buffer), 0, (void *)&sender, &size) != 12)
                return 1;
        found->result = ntohs(sender.sin_port);
        return 0;
}

static int send_to_itself(void *argument) {
        char buffer[16];
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 || send(pair[0], "private", 7, 0) != 7)
                return 1;
        return recv(pair[1], buffer, sizeof(buffer), 0) != 7;
}

START_TEST(content_is_read_of_the_kinds_that_are_asked_for_only) {
        const uint64_t kinds = wire_kind_bit(WIRE_KIND_sendto) | wire_kind_bit(WIRE_KIND_recvfrom);
        struct interest whole = lab_interest(kinds), interest;
        const struct wire_header *record;
        pid_t pid;

        whole.content_bytes = 256;
        interest = whole;
        interest.filter[WIRE_KIND_recvfrom].content = false;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        pid = lab_run(send_to_itself, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_sendto, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "private");
        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(recvfrom, length)), 7);
        ck_assert(!lab_known(record, F(recvfrom, content)));
}
END_TEST

START_TEST(a_datagram_tells_address_length_flags_and_content) {
        pid_t pid = run(send_datagram, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, 12);
        ck_assert_int_eq(record->call, WIRE_CALL_sendto);
        ck_assert_int_eq(lab_number(record, F(sendto, family)), AF_INET);
        ck_assert_int_eq(lab_number(record, F(sendto, type)), SOCK_DGRAM);
        ck_assert_int_eq(lab_number(record, F(sendto, protocol)), IPPROTO_UDP);
        ck_assert_int_eq(lab_number(record, F(sendto, length)), 12);
        ck_assert_int_eq(lab_number(record, F(sendto, flags)), MSG_DONTWAIT);
        ck_assert_int_eq(lab_number(record, F(sendto, n_fds)), 0);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "what is sent");
        ck_assert(lab_is_file(lab_object(record, F(sendto, socket)), &found->socket));
        check_daddr(record, F(sendto, daddr), F(sendto, dport), "127.0.0.4", found->port);
        /* The kernel's copy. */
        ck_assert_uint_eq(record->user, WIRE_BIT(sendto, content));

        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, 12);
        ck_assert_int_eq(lab_number(record, F(recvfrom, length)), 12);
        ck_assert_str_eq(lab_text(record, F(recvfrom, content)), "what is sent");
        check_daddr(record, F(recvfrom, daddr), F(recvfrom, dport), "127.0.0.1", found->result);
        ck_assert(record->user & WIRE_BIT(recvfrom, daddr));
        ck_assert_ptr_null(lab_find(WIRE_KIND_obscured, pid, 0));
}
END_TEST

static int send_connected(void *argument) {
        int to = bound(SOCK_DGRAM, "127.0.0.4"), from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.4", found->port);

        (void)to;
        return connect(from, (void *)&sin, sizeof(sin)) < 0 || send(from, "x", 1, 0) != 1;
}

START_TEST(a_connected_socket_tells_its_own_far_side) {
        pid_t pid = run(send_connected, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_ptr_nonnull(record);
        check_daddr(record, F(sendto, daddr), F(sendto, dport), "127.0.0.4", found->port);
        ck_assert(!(record->user & WIRE_BIT(sendto, daddr)));
}
END_TEST

/* Each message with an address and a length of its own. */
static int send_many(void *argument) {
        int to = bound(SOCK_DGRAM, "127.0.0.4"), from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = inet_address("127.0.0.4", found->port), b = inet_address("127.0.0.4", 1);
        struct iovec one[2] = {{"ab", 2}, {"cd", 2}}, two = {"second", 6};
        struct mmsghdr messages[2] = {
                {.msg_hdr = {.msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &two, .msg_iovlen = 1}},
                {.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = one, .msg_iovlen = 2}},
        };
        char buffers[2][16];
        struct iovec in[2] = {{buffers[0], 16}, {buffers[1], 16}};
        struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = &in[0], .msg_iovlen = 1}},
                                 {.msg_hdr = {.msg_iov = &in[1], .msg_iovlen = 1}}};

        return sendmmsg(from, messages, 2, 0) != 2 || recvmmsg(to, got, 2, MSG_DONTWAIT, NULL) != 1;
}

START_TEST(each_message_of_a_call_is_told) {
        pid_t pid = run(send_many, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_uint_eq(lab_count(WIRE_KIND_sendto, pid), 2);
        ck_assert_int_eq(record->call, WIRE_CALL_sendmmsg);
        ck_assert_int_eq(lab_number(record, F(sendto, length)), 6);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "second");
        check_daddr(record, F(sendto, daddr), F(sendto, dport), "127.0.0.4", 1);
        ck_assert(record->user & WIRE_BIT(sendto, daddr));

        record = lab_find(WIRE_KIND_sendto, pid, 1);
        ck_assert_int_eq(lab_number(record, F(sendto, length)), 4);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "abcd");
        check_daddr(record, F(sendto, daddr), F(sendto, dport), "127.0.0.4", found->port);
        ck_assert(!(record->user & WIRE_BIT(sendto, daddr)));

        ck_assert_uint_eq(lab_count(WIRE_KIND_recvfrom, pid), 1);
        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_int_eq(lab_number(record, F(recvfrom, length)), 4);
        ck_assert_str_eq(lab_text(record, F(recvfrom, content)), "abcd");
}
END_TEST

/* ---- unix ---- */

static int send_descriptors(void *argument) {
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(3 * sizeof(int))];
        } control = {}, got = {};
        struct iovec vector = {"x", 1}, in = {control.bytes, 0};
        struct msghdr message = {.msg_iov = &vector,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof(control)};
        struct msghdr answer = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &got, .msg_controllen = sizeof(got)};
        char byte;
        int fds[2], sent[3] = {0, 1, 2};

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return 1;
        control.head = (struct cmsghdr){
                .cmsg_len = CMSG_LEN(sizeof(sent)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), sent, sizeof(sent));
        in = (struct iovec){&byte, 1};
        return sendmsg(fds[0], &message, 0) != 1 || recvmsg(fds[1], &answer, MSG_CMSG_CLOEXEC) != 1;
}

START_TEST(descriptors_in_a_message_are_counted_on_both_sides) {
        pid_t pid = run(send_descriptors, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_sendmsg);
        ck_assert_int_eq(lab_number(record, F(sendto, family)), AF_UNIX);
        ck_assert_int_eq(lab_number(record, F(sendto, n_fds)), 3);
        ck_assert(record->user & WIRE_BIT(sendto, n_fds));
        ck_assert(!lab_known(record, F(sendto, path)) && !lab_known(record, F(sendto, daddr)));

        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(recvfrom, n_fds)), 3);
        ck_assert_int_eq(lab_number(record, F(recvfrom, flags)), MSG_CMSG_CLOEXEC);
}
END_TEST

static int send_unix(void *argument) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), from = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        strcpy(un.sun_path, lab_path("datagrams"));
        return bind(to, (void *)&un, sizeof(un)) < 0 || sendto(from, "x", 1, 0, (void *)&un, sizeof(un)) != 1 ||
                connect(from, (void *)&un, sizeof(un)) < 0 || send(from, "y", 1, 0) != 1;
}

START_TEST(unix_datagrams_tell_the_name_given_or_the_far_sides_own) {
        pid_t pid = run(send_unix, NULL);
        struct stat st;

        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_sendto, pid, 0), F(sendto, path)), lab_path("datagrams"));
        ck_assert(lab_find(WIRE_KIND_sendto, pid, 0)->user & WIRE_BIT(sendto, path));
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_sendto, pid, 1), F(sendto, path)), lab_path("datagrams"));
        ck_assert(!(lab_find(WIRE_KIND_sendto, pid, 1)->user & WIRE_BIT(sendto, path)));
        ck_assert_int_eq(stat(lab_path("datagrams"), &st), 0);
        ck_assert(!lab_known(lab_find(WIRE_KIND_sendto, pid, 0), F(sendto, file)));
        ck_assert(lab_is_file(lab_object(lab_find(WIRE_KIND_sendto, pid, 1), F(sendto, file)), &st));
}
END_TEST

/* ---- netlink ---- */

#define PORT_ID 0x70000001

/* To a group as well: somebody has to listen there, or the kernel says no. */
static int send_netlink(void *argument) {
        int to = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_USERSOCK),
            from = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
        struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = PORT_ID, .nl_groups = 1 << 4}, sender = {};
        socklen_t size = sizeof(nl);
        char buffer[16];

        if (bind(to, (void *)&nl, sizeof(nl)) < 0 || connect(from, (void *)&nl, sizeof(nl)) < 0 ||
            send(from, "x", 1, 0) != 1)
                return 1;
        nl.nl_groups = 0;
        if (sendto(from, "yy", 2, 0, (void *)&nl, sizeof(nl)) != 2 || getsockname(from, (void *)&sender, &size) < 0)
                return 2;
        found->port = sender.nl_pid;
        size = sizeof(sender);
        return recvfrom(to, buffer, sizeof(buffer), 0, (void *)&sender, &size) < 0 ||
                sender.nl_pid != found->port || recv(to, buffer, sizeof(buffer), 0) < 0;
}

START_TEST(netlink_messages_tell_port_id_and_groups) {
        pid_t pid = run(send_netlink, NULL);
        const uint64_t both = WIRE_BIT(sendto, nl_port) | WIRE_BIT(sendto, nl_groups);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(sendto, family)), AF_NETLINK);
        ck_assert_int_eq(lab_number(record, F(sendto, protocol)), NETLINK_USERSOCK);
        ck_assert_int_eq(lab_number(record, F(sendto, nl_port)), PORT_ID);
        ck_assert_int_eq(lab_number(record, F(sendto, nl_groups)), 1 << 4);
        ck_assert(!(record->user & both));      /* the socket's own far side */

        record = lab_find(WIRE_KIND_sendto, pid, 1);
        ck_assert_int_eq(lab_number(record, F(sendto, nl_port)), PORT_ID);
        ck_assert_int_eq(lab_number(record, F(sendto, nl_groups)), 0);
        ck_assert_uint_eq(record->user & both, both);

        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_int_eq(lab_number(record, F(recvfrom, nl_port)), found->port);
        ck_assert(record->user & WIRE_BIT(recvfrom, nl_port));
        record = lab_find(WIRE_KIND_recvfrom, pid, 1);
        ck_assert(!lab_known(record, F(recvfrom, nl_port)));
}
END_TEST

static int send_in_vain(void *argument) {
        return sendto(open("/dev/null", O_WRONLY | O_CLOEXEC), "x", 1, 0, NULL, 0) == 1;
}

START_TEST(a_send_on_what_is_no_socket_tells_why) {
        pid_t pid = run(send_in_vain, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_sendto, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOTSOCK);
        ck_assert(!lab_known(record, F(sendto, socket)) && !lab_known(record, F(sendto, length)));
}
END_TEST

/* A receiver that waits, and a thread that puts another socket in its place. */
static int waiting[2];

static void *exchange(void *argument) {
        lab_wait_in_call(getpid(), SYS_recvfrom);
        dup2(bound(SOCK_DGRAM, "127.0.0.5"), waiting[0]);
        (void)!write(waiting[1], "x", 1);
        return NULL;
}

static int receive_while_exchanged(void *argument) {
        pthread_t thread;
        char byte;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, waiting) < 0 || fstat(waiting[0], &found->socket) < 0)
                return 1;
        pthread_create(&thread, NULL, exchange, NULL);
        return recv(waiting[0], &byte, 1, 0) != 1;
}

START_TEST(of_sockets_exchanged_during_a_call_both_are_told) {
        pid_t pid = run(receive_while_exchanged, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_recvfrom, pid, 0);

        ck_assert_uint_eq(lab_count(WIRE_KIND_recvfrom, pid), 2);
        ck_assert(record->flags & WIRE_EXCHANGED);
        ck_assert(lab_is_file(lab_object(record, F(recvfrom, socket)), &found->socket));
        ck_assert_int_eq(lab_number(record, F(recvfrom, family)), AF_UNIX);
        record = lab_find(WIRE_KIND_recvfrom, pid, 1);
        ck_assert_int_eq(lab_number(record, F(recvfrom, family)), AF_INET);
        record = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(obscured, subject)), "recvfrom.socket");
}
END_TEST

/* ---- connections that were not waited for ---- */

static int connect_refused(void *argument) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin;

        close(bound(SOCK_STREAM, "127.0.0.6"));
        sin = inet_address("127.0.0.6", found->port);
        return fstat(fd, &found->socket) < 0 || connect(fd, (void *)&sin, sizeof(sin)) == 0 || errno != EINPROGRESS;
}

START_TEST(a_connection_that_fails_later_is_told_again_as_delayed) {
        pid_t pid = run(connect_refused, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_connect, pid, 0),
                                 *delayed = lab_wait(WIRE_KIND_connect, pid, 1);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EINPROGRESS);
        ck_assert(!(record->flags & WIRE_FAILED));
        ck_assert(!lab_known(record, F(connect, delayed)));

        ck_assert_ptr_nonnull(delayed);
        ck_assert(lab_position(delayed) > lab_position(record));
        ck_assert_int_eq(delayed->result, -ECONNREFUSED);
        ck_assert(delayed->flags & WIRE_FAILED);
        ck_assert_int_eq(lab_number(delayed, F(connect, delayed)), 1);
        ck_assert_int_eq(delayed->tgid, pid);
        ck_assert_uint_eq(delayed->start_ns, record->start_ns);
        ck_assert_uint_eq(delayed->tree_start_ns, record->tree_start_ns);
        ck_assert_int_eq(lab_number(delayed, F(connect, fd)), lab_number(record, F(connect, fd)));
        ck_assert(lab_is_file(lab_object(delayed, F(connect, socket)), &found->socket));
        check_daddr(delayed, F(connect, daddr), F(connect, dport), "127.0.0.6", found->port);
        ck_assert_uint_eq(lab_count(WIRE_KIND_connect, pid), 2);
}
END_TEST

static int connect_later(void *argument) {
        int listener = bound(SOCK_STREAM, "127.0.0.6"),
            fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.6", found->port);

        return listen(listener, 3) < 0 || connect(fd, (void *)&sin, sizeof(sin)) == 0 || errno != EINPROGRESS ||
                accept(listener, NULL, NULL) < 0;
}

START_TEST(a_connection_that_comes_about_later_is_told_once) {
        pid_t pid = run(connect_later, NULL);

        ck_assert_int_eq(lab_find(WIRE_KIND_connect, pid, 0)->result, -EINPROGRESS);
        ck_assert_uint_eq(lab_count(WIRE_KIND_connect, pid), 1);
}
END_TEST

static int send_fast(void *argument) {
        int listener = bound(SOCK_STREAM, "127.0.0.6"), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.6", found->port);

        if (listen(listener, 3) < 0)
                return 1;
        found->result = sendto(fd, "fast", 4, MSG_FASTOPEN, (void *)&sin, sizeof(sin));
        if (found->result < 0)
                found->result = -errno;
        return 0;
}

START_TEST(a_send_that_connects_is_a_connect_too) {
        pid_t pid = run(send_fast, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_connect, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_sendto);
        ck_assert_int_eq(record->result, found->result);
        ck_assert_int_eq(lab_number(record, F(connect, type)), SOCK_STREAM);
        check_daddr(record, F(connect, daddr), F(connect, dport), "127.0.0.6", found->port);
        record = lab_find(WIRE_KIND_sendto, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(sendto, flags)), MSG_FASTOPEN);
}
END_TEST

/* ---- names ---- */

struct query {
        const char *bytes;
        size_t n;
};

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define QUERY(bytes) {HEAD bytes, sizeof(HEAD bytes) - 1}

static int ask(void *argument) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.7", 53);
        struct query *query = argument;

        return sendto(fd, query->bytes, query->n, 0, (void *)&sin, sizeof(sin)) < 0;
}

static int ask_connected(void *argument) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.7", 53);
        struct query *query = argument;

        return connect(fd, (void *)&sin, sizeof(sin)) < 0 || write(fd, query->bytes, query->n) < 0;
}

static int ask6(void *argument) {
        struct sockaddr_in6 sin6 = {
                .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct query *query = argument;

        return sendto(fd, query->bytes, query->n, 0, (void *)&sin6, sizeof(sin6)) < 0;
}

static void check_query(int (*action)(void *argument), struct query query, const char *name, int type) {
        pid_t pid = run(action, &query);
        const struct wire_header *record = lab_wait(WIRE_KIND_dns, pid, 0);

        if (!record)
                for (size_t i = 0; i < lab_count(WIRE_KIND_dns, 0); i++)
                        lab_show(lab_find(WIRE_KIND_dns, 0, i));
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(lab_count(WIRE_KIND_dns, pid), 1);
        ck_assert_uint_ne(record->start_ns, 0);
        ck_assert_int_eq(record->uid, getuid());
        ck_assert_int_eq(lab_number(record, F(dns, id)), 0x1234);
        check_daddr(record, F(dns, daddr), F(dns, dport), action == ask6 ? "::1" : "127.0.0.7", 53);
        ck_assert_uint_eq(record->user, 0);
        if (name) {
                ck_assert_str_eq(lab_text(record, F(dns, name)), name);
                ck_assert_int_eq(lab_number(record, F(dns, type)), type);
                return;
        }
        ck_assert(!lab_known(record, F(dns, name)) && !lab_known(record, F(dns, type)));
        record = lab_wait(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(obscured, subject)), "dns.name");
}

START_TEST(a_name_asked_for_is_told_with_type_and_server) {
        static const struct query query = QUERY("\7Example\3ORG\0\0\x1c\0\1");

        check_query(ask, query, "example.org", 28);
        check_query(ask_connected, query, "example.org", 28);
        if (access("/proc/net/if_inet6", F_OK) < 0)
                printf("no IPv6 here: not tried\n");
        else
                check_query(ask6, query, "example.org", 28);
        check_query(ask, (struct query)QUERY("\0\0\2\0\1"), ".", 2);
}
END_TEST

START_TEST(the_longest_name_is_told_whole) {
        char packet[512] = HEAD, want[300] = "";
        struct query query = {packet, 12};

        for (int i = 0; i < 4; i++) {
                int n = i < 3 ? 63 : 61;

                packet[query.n++] = n;
                memset(packet + query.n, 'a' + i, n);
                query.n += n;
                snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%.*s", i ? "." : "", n,
                         packet + query.n - n);
        }
        memcpy(packet + query.n, "\0\0\1\0\1", 5);
        query.n += 5;
        ck_assert_uint_eq(strlen(want), 253);
        check_query(ask, query, want, 1);
}
END_TEST

START_TEST(a_question_that_cannot_be_read_is_told_without_a_name) {
        check_query(ask, (struct query)QUERY("\7exam"), NULL, 0);
        check_query(ask, (struct query)QUERY("\300\14\0\1\0\1"), NULL, 0);
        check_query(ask, (struct query)QUERY("\100aaaaaaaa\0\0\1\0\1"), NULL, 0);
        check_query(ask, (struct query)QUERY(""), NULL, 0);
}
END_TEST

static int answer(void *argument) {
        static const char packet[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\3two\0\0\1\0\1";
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in sin = inet_address("127.0.0.7", 53), other = inet_address("127.0.0.7", 5353);

        return sendto(fd, packet, sizeof(packet) - 1, 0, (void *)&sin, sizeof(sin)) < 0 ||
                sendto(fd, "x", 1, 0, (void *)&sin, sizeof(sin)) < 0 ||
                sendto(fd, HEAD "\3two\0\0\1\0\1", 21, 0, (void *)&other, sizeof(other)) < 0;
}

START_TEST(answers_and_other_packets_are_no_questions) {
        pid_t pid = run(answer, NULL);

        ck_assert_uint_eq(lab_count(WIRE_KIND_sendto, pid), 3);
        ck_assert_uint_eq(lab_count(WIRE_KIND_dns, pid), 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_datagram_tells_address_length_flags_and_content,
                a_connected_socket_tells_its_own_far_side,
                each_message_of_a_call_is_told,
                descriptors_in_a_message_are_counted_on_both_sides,
                unix_datagrams_tell_the_name_given_or_the_far_sides_own,
                netlink_messages_tell_port_id_and_groups,
                a_send_on_what_is_no_socket_tells_why,
                of_sockets_exchanged_during_a_call_both_are_told,
                a_connection_that_fails_later_is_told_again_as_delayed,
                a_connection_that_comes_about_later_is_told_once,
                a_send_that_connects_is_a_connect_too,
                a_name_asked_for_is_told_with_type_and_server,
                the_longest_name_is_told_whole,
                a_question_that_cannot_be_read_is_told_without_a_name,
                answers_and_other_packets_are_no_questions,
                content_is_read_of_the_kinds_that_are_asked_for_only, /* last: it asks for less */
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_connect) | wire_kind_bit(WIRE_KIND_sendto) |
                                                wire_kind_bit(WIRE_KIND_recvfrom) | wire_kind_bit(WIRE_KIND_dns));

        interest.content_bytes = 256;
        found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return lab_main("bpf/message", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

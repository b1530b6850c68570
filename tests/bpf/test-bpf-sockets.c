/* SPDX-License-Identifier: Apache-2.0 */
/* socket, bind, listen, accept: what a socket is, and both of its ends. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* What the action found out about its sockets, for its parent to compare with. In memory that they share. */
struct found {
        struct stat socket;             /* of the first descriptor of interest */
        struct sockaddr_storage near, far;
        int fd, fd2, result;
        pid_t pid;
};

static struct found *found;

static void note_socket(int fd) {
        socklen_t size = sizeof(found->near);

        found->fd = fd;
        if (fstat(fd, &found->socket) < 0 || getsockname(fd, (void *)&found->near, &size) < 0)
                _exit(99);
        size = sizeof(found->far);
        (void)getpeername(fd, (void *)&found->far, &size);
}

static pid_t run(int (*action)(void *argument), void *argument) {
        pid_t pid;

        memset(found, 0, sizeof(*found));
        pid = lab_run(action, argument);
        ck_assert_int_eq(lab.status, 0);
        return pid;
}

static const struct wire_header *find(enum wire_kind kind, pid_t pid) {
        const struct wire_header *record = lab_find(kind, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(lab_count(kind, pid), 1);
        return record;
}

static void check_end(const struct wire_header *record, int address, int port, const struct sockaddr_storage *want) {
        struct wire_address have = lab_address(record, address);
        const struct sockaddr_in6 *sin6 = (const void *)want;
        const struct sockaddr_in *sin = (const void *)want;

        ck_assert(lab_known(record, address) && lab_known(record, port));
        ck_assert_int_eq(have.family, want->ss_family);
        if (want->ss_family == AF_INET)
                ck_assert_mem_eq(have.bytes, &sin->sin_addr, 4);
        else
                ck_assert_mem_eq(have.bytes, &sin6->sin6_addr, 16);
        ck_assert_int_eq(lab_number(record, port), ntohs(sin->sin_port));
        ck_assert_uint_eq(record->user, 0);
}

static int bind_to(int fd, int family, const char *address, int port) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

        if (family == AF_INET) {
                inet_pton(AF_INET, address, &sin.sin_addr);
                return bind(fd, (void *)&sin, sizeof(sin));
        }
        inet_pton(AF_INET6, address, &sin6.sin6_addr);
        return bind(fd, (void *)&sin6, sizeof(sin6));
}

/* ---- socket ---- */

static int make_socket(void *argument) {
        note_socket(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        return 0;
}

START_TEST(a_new_socket_tells_family_type_protocol_and_object) {
        pid_t pid = run(make_socket, NULL);
        const struct wire_header *record = find(WIRE_KIND_socket, pid);

        ck_assert_int_eq(lab_number(record, F(socket, fd)), found->fd);
        ck_assert_int_eq(record->result, found->fd);
        ck_assert_int_eq(record->call, WIRE_CALL_socket);
        ck_assert_int_eq(lab_number(record, F(socket, family)), AF_INET);
        ck_assert_int_eq(lab_number(record, F(socket, type)), SOCK_DGRAM);
        /* The kernel's own: the call said 0. */
        ck_assert_int_eq(lab_number(record, F(socket, protocol)), IPPROTO_UDP);
        ck_assert(lab_is_file(lab_object(record, F(socket, socket)), &found->socket));
        ck_assert(!lab_known(record, F(socket, newfd)));
        ck_assert_uint_eq(record->user, 0);
}
END_TEST

static int make_none(void *argument) {
        found->result = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 300);
        found->result = errno;
        return 0;
}

START_TEST(a_socket_that_was_refused_tells_what_was_asked_for) {
        pid_t pid = run(make_none, NULL);
        const struct wire_header *record = find(WIRE_KIND_socket, pid);

        ck_assert_int_eq(record->result, -found->result);
        ck_assert(record->flags & WIRE_FAILED);
        ck_assert_int_eq(lab_number(record, F(socket, family)), AF_INET);
        ck_assert_int_eq(lab_number(record, F(socket, type)), SOCK_RAW);
        ck_assert_int_eq(lab_number(record, F(socket, protocol)), 300);
        ck_assert(!lab_known(record, F(socket, fd)) && !lab_known(record, F(socket, socket)));
}
END_TEST

static int make_pair(void *argument) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return 1;
        note_socket(fds[0]);
        found->fd2 = fds[1];
        return 0;
}

START_TEST(a_pair_tells_both_descriptors) {
        pid_t pid = run(make_pair, NULL);
        const struct wire_header *record = find(WIRE_KIND_socket, pid);

        ck_assert_int_eq(record->call, WIRE_CALL_socketpair);
        ck_assert_int_eq(lab_number(record, F(socket, fd)), found->fd);
        ck_assert_int_eq(lab_number(record, F(socket, newfd)), found->fd2);
        ck_assert_uint_eq(record->user, WIRE_BIT(socket, fd) | WIRE_BIT(socket, newfd));
        ck_assert_int_eq(lab_number(record, F(socket, family)), AF_UNIX);
        ck_assert_int_eq(lab_number(record, F(socket, type)), SOCK_SEQPACKET);
        ck_assert(lab_is_file(lab_object(record, F(socket, socket)), &found->socket));
}
END_TEST

/* ---- bind and listen ---- */

static int serve(void *argument) {
        const char *address = argument;
        int family = strchr(address, ':') ? AF_INET6 : AF_INET, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (bind_to(fd, family, address, 0) < 0 || listen(fd, 7) < 0)
                return 1;
        note_socket(fd);
        return 0;
}

static void check_server(char *address, int family) {
        pid_t pid = run(serve, address);
        const struct wire_header *record = find(WIRE_KIND_bind, pid);

        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(bind, fd)), found->fd);
        ck_assert_int_eq(lab_number(record, F(bind, family)), family);
        ck_assert_int_eq(lab_number(record, F(bind, type)), SOCK_STREAM);
        ck_assert_int_eq(lab_number(record, F(bind, protocol)), IPPROTO_TCP);
        ck_assert(lab_is_file(lab_object(record, F(bind, socket)), &found->socket));
        /* The port that it got, not the 0 that it asked for. */
        check_end(record, F(bind, saddr), F(bind, sport), &found->near);

        record = find(WIRE_KIND_listen, pid);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(listen, fd)), found->fd);
        ck_assert_int_eq(lab_number(record, F(listen, family)), family);
        ck_assert_int_eq(lab_number(record, F(listen, type)), SOCK_STREAM);
        ck_assert_int_eq(lab_number(record, F(listen, protocol)), IPPROTO_TCP);
        ck_assert_int_eq(lab_number(record, F(listen, backlog)), 7);
        ck_assert(lab_is_file(lab_object(record, F(listen, socket)), &found->socket));
        check_end(record, F(listen, saddr), F(listen, sport), &found->near);
}

START_TEST(a_server_tells_its_address_at_bind_and_listen) {
        check_server("127.0.0.3", AF_INET);
        check_server("0.0.0.0", AF_INET);
        if (access("/proc/net/if_inet6", F_OK) < 0)
                printf("no IPv6 here: not tried\n");
        else
                check_server("::1", AF_INET6);
}
END_TEST

static int bind_in_vain(void *argument) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return bind_to(fd, AF_INET, "192.0.2.7", 4711) == 0;
}

START_TEST(a_bind_that_failed_tells_the_kernels_copy_of_what_was_asked_for) {
        pid_t pid = run(bind_in_vain, NULL);
        const struct wire_header *record = find(WIRE_KIND_bind, pid);
        struct wire_address have = lab_address(record, F(bind, saddr));

        ck_assert_int_eq(record->result, -EADDRNOTAVAIL);
        ck_assert_mem_eq(have.bytes, "\300\0\2\7", 4);
        ck_assert_int_eq(lab_number(record, F(bind, sport)), 4711);
        ck_assert_uint_eq(record->user, 0);
}
END_TEST

static int listen_unbound(void *argument) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), no = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (listen(fd, 1) < 0 || listen(no, 5) == 0)
                return 1;
        note_socket(fd);
        found->fd2 = no;
        return 0;
}

START_TEST(a_socket_that_listens_unbound_tells_the_port_that_it_got) {
        pid_t pid = run(listen_unbound, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_listen, pid, 0);

        ck_assert_ptr_nonnull(record);
        check_end(record, F(listen, saddr), F(listen, sport), &found->near);

        record = lab_find(WIRE_KIND_listen, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOTSOCK);
        ck_assert_int_eq(lab_number(record, F(listen, fd)), found->fd2);
        ck_assert_int_eq(lab_number(record, F(listen, backlog)), 5);
        ck_assert(!lab_known(record, F(listen, family)) && !lab_known(record, F(listen, socket)));
}
END_TEST

/* ---- accept ---- */

static int accept_inet(void *argument) {
        const char *address = argument;
        int family = strchr(address, ':') ? AF_INET6 : AF_INET, client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0),
            fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), connection;
        struct sockaddr_storage to;
        socklen_t size = sizeof(to);

        if (bind_to(fd, family, address, 0) < 0 || listen(fd, 7) < 0 || getsockname(fd, (void *)&to, &size) < 0 ||
            connect(client, (void *)&to, size) < 0)
                return 1;
        connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        note_socket(connection);
        found->fd2 = fd;
        return 0;
}

static void check_accept(char *address, int family) {
        pid_t pid = run(accept_inet, address);
        const struct wire_header *record = find(WIRE_KIND_accept, pid);

        ck_assert_int_eq(record->call, WIRE_CALL_accept4);
        ck_assert_int_eq(record->result, found->fd);
        ck_assert_int_eq(lab_number(record, F(accept, fd)), found->fd2);
        ck_assert_int_eq(lab_number(record, F(accept, newfd)), found->fd);
        ck_assert_int_eq(lab_number(record, F(accept, family)), family);
        ck_assert_int_eq(lab_number(record, F(accept, type)), SOCK_STREAM);
        ck_assert_int_eq(lab_number(record, F(accept, protocol)), IPPROTO_TCP);
        ck_assert(lab_is_file(lab_object(record, F(accept, socket)), &found->socket));
        check_end(record, F(accept, saddr), F(accept, sport), &found->near);
        check_end(record, F(accept, daddr), F(accept, dport), &found->far);
        ck_assert(!lab_known(record, F(accept, peer_pid)) && !lab_known(record, F(accept, path)));
}

START_TEST(an_accepted_connection_tells_both_ends) {
        check_accept("127.0.0.3", AF_INET);
        if (access("/proc/net/if_inet6", F_OK) < 0)
                printf("no IPv6 here: not tried\n");
        else
                check_accept("::1", AF_INET6);
}
END_TEST

static int accept_mapped(void *argument) {
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0),
            client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr_in6 own;
        socklen_t size = sizeof(own);

        if (bind_to(fd, AF_INET6, "::", 0) < 0 || listen(fd, 1) < 0 || getsockname(fd, (void *)&own, &size) < 0)
                return 1;
        to.sin_port = own.sin6_port;
        if (connect(client, (void *)&to, sizeof(to)) < 0 || accept(fd, NULL, NULL) < 0)
                return 1;
        note_socket(client);
        return 0;
}

START_TEST(ipv4_inside_ipv6_is_told_as_ipv4) {
        const struct wire_header *record;
        pid_t pid;

        if (access("/proc/net/if_inet6", F_OK) < 0) {
                printf("no IPv6 here: not tried\n");
                return;
        }
        pid = run(accept_mapped, NULL);
        record = find(WIRE_KIND_accept, pid);
        ck_assert_int_eq(record->call, WIRE_CALL_accept);
        ck_assert_int_eq(lab_number(record, F(accept, family)), AF_INET6);
        check_end(record, F(accept, saddr), F(accept, sport), &found->far);
        check_end(record, F(accept, daddr), F(accept, dport), &found->near);
}
END_TEST

static int accept_nobody(void *argument) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (bind_to(fd, AF_INET, "127.0.0.3", 0) < 0 || listen(fd, 7) < 0)
                return 1;
        note_socket(fd);
        return accept(fd, NULL, NULL) >= 0;
}

START_TEST(an_accept_of_nobody_tells_who_waited) {
        pid_t pid = run(accept_nobody, NULL);
        const struct wire_header *record = find(WIRE_KIND_accept, pid);

        ck_assert_int_eq(record->result, -EAGAIN);
        ck_assert_int_eq(lab_number(record, F(accept, fd)), found->fd);
        check_end(record, F(accept, saddr), F(accept, sport), &found->near);
        ck_assert(!lab_known(record, F(accept, newfd)) && !lab_known(record, F(accept, socket)));
        ck_assert(!lab_known(record, F(accept, daddr)));
}
END_TEST

/* ---- unix ---- */

static socklen_t unix_address(struct sockaddr_un *un, const char *name) {
        *un = (struct sockaddr_un){.sun_family = AF_UNIX};
        strcpy(un->sun_path, name);
        if (*name == '@')
                un->sun_path[0] = 0;
        return *name == '@' ? offsetof(struct sockaddr_un, sun_path) + strlen(name) : sizeof(*un);
}

/* Relative and through a link, as somebody would who does not want to be understood. */
static int serve_unix(void *argument) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
            client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un un;
        socklen_t size;
        pid_t pid;

        if (chdir(lab.directory) < 0)
                return 1;
        size = unix_address(&un, argument);
        if (bind(fd, (void *)&un, size) < 0 || listen(fd, 3) < 0)
                return 1;
        pid = fork();
        if (pid == 0) {
                if (connect(client, (void *)&un, size) < 0)
                        _exit(1);
                pause();
        }
        note_socket(accept(fd, NULL, NULL));
        found->pid = pid;
        kill(pid, SIGKILL);
        /* It may have been accepted before its call came to an end. */
        return waitpid(pid, NULL, 0) != pid;
}

/* The socket's file; an abstract name is none. */
static void check_unix_file(const struct wire_header *record, int field, const char *path) {
        struct stat st;

        if (path[0] == '@') {
                ck_assert(!lab_known(record, field));
                return;
        }
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert(S_ISSOCK(st.st_mode) && lab_is_file(lab_object(record, field), &st));
}

static void check_unix(char *given, const char *want) {
        pid_t pid = run(serve_unix, given);
        const struct wire_header *record = find(WIRE_KIND_bind, pid);

        check_unix_file(record, F(bind, file), want);
        ck_assert_str_eq(lab_text(record, F(bind, path)), want);
        ck_assert_int_eq(lab_number(record, F(bind, family)), AF_UNIX);
        ck_assert_int_eq(lab_number(record, F(bind, protocol)), 0);
        ck_assert_uint_eq(record->user, 0);
        ck_assert(!lab_known(record, F(bind, saddr)) && !lab_known(record, F(bind, sport)));

        record = find(WIRE_KIND_listen, pid);
        ck_assert_str_eq(lab_text(record, F(listen, path)), want);
        ck_assert_int_eq(lab_number(record, F(listen, backlog)), 3);
        check_unix_file(record, F(listen, file), want);

        record = find(WIRE_KIND_accept, pid);
        ck_assert_str_eq(lab_text(record, F(accept, path)), want);
        ck_assert_int_eq(lab_number(record, F(accept, peer_pid)), found->pid);
        ck_assert(lab_is_file(lab_object(record, F(accept, socket)), &found->socket));
        check_unix_file(record, F(accept, file), want);

        record = find(WIRE_KIND_connect, found->pid);
        check_unix_file(record, F(connect, file), want);
        ck_assert_int_eq(record->result, 0);
        ck_assert_str_eq(lab_text(record, F(connect, path)), want);
        ck_assert_int_eq(lab_number(record, F(connect, peer_pid)), pid);
        ck_assert_uint_eq(record->user, 0);
}

START_TEST(unix_sockets_tell_the_path_that_the_kernel_resolved_and_who_is_there) {
        char want[128];

        ck_assert_int_eq(mkdir(lab_path("there"), 0755), 0);
        ck_assert_int_eq(symlink("there", lab_path("link")), 0);
        snprintf(want, sizeof(want), "%s/there/unix", lab.directory);
        check_unix("link/../link/unix", want);
}
END_TEST

START_TEST(abstract_names_are_told_with_an_at_sign) {
        check_unix("@execrayd lab, abstract", "@execrayd lab, abstract");
}
END_TEST

static int bind_unix_twice(void *argument) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un un;
        socklen_t size = unix_address(&un, "/proc/no-such/socket");

        return bind(fd, (void *)&un, size) == 0;
}

START_TEST(a_unix_bind_that_failed_tells_the_name_as_given) {
        pid_t pid = run(bind_unix_twice, NULL);
        const struct wire_header *record = find(WIRE_KIND_bind, pid);

        ck_assert_int_lt(record->result, 0);
        ck_assert_str_eq(lab_text(record, F(bind, path)), "/proc/no-such/socket");
        if (!lab_has_security(WIRE_KIND_bind))  /* which shows the kernel's copy of the address */
                ck_assert_uint_eq(record->user, WIRE_BIT(bind, path));
}
END_TEST

/* ---- other families ---- */

static int serve_vsock(void *argument) {
        struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 4712};
        int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0),
            client = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return 2;
        found->fd = fd;
        if (bind(fd, (void *)&vm, sizeof(vm)) < 0) {
                vm.svm_cid = VMADDR_CID_ANY;
                if (bind(fd, (void *)&vm, sizeof(vm)) < 0)
                        return 2;
        }
        if (listen(fd, 1) < 0)
                return 1;
        vm.svm_cid = VMADDR_CID_LOCAL;
        if (connect(client, (void *)&vm, sizeof(vm)) == 0)
                return accept(fd, NULL, NULL) < 0;
        found->result = -errno;
        return 0;
}

START_TEST(vsock_tells_machine_and_port) {
        const struct wire_header *record;
        pid_t pid;

        memset(found, 0, sizeof(*found));
        pid = lab_run(serve_vsock, NULL);
        if (WEXITSTATUS(lab.status) == 2) {
                printf("no vsock here: not tried\n");
                return;
        }
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_bind, pid, lab_count(WIRE_KIND_bind, pid) - 1);
        ck_assert_int_eq(lab_number(record, F(bind, family)), AF_VSOCK);
        ck_assert_int_eq(lab_number(record, F(bind, sport)), 4712);
        ck_assert(lab_known(record, F(bind, cid)));
        ck_assert_uint_eq(record->user, 0);

        record = find(WIRE_KIND_listen, pid);
        ck_assert_int_eq(lab_number(record, F(listen, sport)), 4712);

        record = find(WIRE_KIND_connect, pid);
        ck_assert_int_eq(record->result, found->result);
        ck_assert_int_eq(lab_number(record, F(connect, cid)), VMADDR_CID_LOCAL);
        ck_assert_int_eq(lab_number(record, F(connect, dport)), 4712);
        if (found->result < 0) {
                printf("no loopback of vsock here: accept was not tried\n");
                return;
        }
        ck_assert_uint_eq(record->user, 0);
        record = find(WIRE_KIND_accept, pid);
        ck_assert_int_eq(lab_number(record, F(accept, cid)), VMADDR_CID_LOCAL);
        ck_assert_int_eq(lab_number(record, F(accept, sport)), 4712);
        ck_assert(lab_known(record, F(accept, dport)));
}
END_TEST

/* A socket that the kernel gives a port id, and one that asks for the first one's, which is taken. */
static int bind_netlink(void *argument) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
            late = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_NEIGH},
                           far = {.nl_family = AF_NETLINK, .nl_pid = 4711, .nl_groups = RTMGRP_NOTIFY};

        if (bind(fd, (void *)&nl, sizeof(nl)) < 0 || connect(fd, (void *)&far, sizeof(far)) < 0)
                return 1;
        note_socket(fd);
        nl.nl_pid = ((struct sockaddr_nl *)&found->near)->nl_pid;
        nl.nl_groups = RTMGRP_TC;
        return bind(late, (void *)&nl, sizeof(nl)) == 0;
}

START_TEST(netlink_tells_protocol_port_id_and_groups) {
        pid_t pid = run(bind_netlink, NULL);
        const struct sockaddr_nl *near = (void *)&found->near;
        const struct wire_header *record = lab_find(WIRE_KIND_bind, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(bind, family)), AF_NETLINK);
        ck_assert_int_eq(lab_number(record, F(bind, type)), SOCK_RAW);
        ck_assert_int_eq(lab_number(record, F(bind, protocol)), NETLINK_ROUTE);
        ck_assert_int_ne(near->nl_pid, 0);
        ck_assert_int_eq(lab_number(record, F(bind, nl_port)), near->nl_pid);
        ck_assert_int_eq(lab_number(record, F(bind, nl_groups)), RTMGRP_LINK | RTMGRP_NEIGH);
        ck_assert_uint_eq(record->user, 0);
        ck_assert(!lab_known(record, F(bind, saddr)) && !lab_known(record, F(bind, sport)));
        ck_assert(!lab_known(record, F(bind, path)) && !lab_known(record, F(bind, cid)));

        record = find(WIRE_KIND_connect, pid);
        ck_assert_int_eq(lab_number(record, F(connect, family)), AF_NETLINK);
        ck_assert_int_eq(lab_number(record, F(connect, nl_port)), 4711);
        ck_assert_int_eq(lab_number(record, F(connect, nl_groups)), RTMGRP_NOTIFY);
        ck_assert_uint_eq(record->user, 0);
        ck_assert(!lab_known(record, F(connect, daddr)) && !lab_known(record, F(connect, dport)));

        record = lab_find(WIRE_KIND_bind, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -EADDRINUSE);
        ck_assert_int_eq(lab_number(record, F(bind, nl_port)), near->nl_pid);
        ck_assert_int_eq(lab_number(record, F(bind, nl_groups)), RTMGRP_TC);
        if (!lab_has_security(WIRE_KIND_bind))
                ck_assert_uint_eq(record->user, WIRE_BIT(bind, nl_port) | WIRE_BIT(bind, nl_groups));
}
END_TEST

static int make_sctp(void *argument) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP), client, connection;
        struct sockaddr_in to;
        socklen_t size = sizeof(to);

        if (fd < 0)
                return 2;
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
        if (bind_to(fd, AF_INET, "127.0.0.1", 0) < 0 || listen(fd, 1) < 0 || getsockname(fd, (void *)&to, &size) < 0 ||
            connect(client, (void *)&to, size) < 0)
                return 1;
        connection = accept(fd, NULL, NULL);
        memcpy(&found->far, &to, sizeof(to));
        return connection < 0;
}

START_TEST(sctp_tells_its_ends_too) {
        const struct wire_header *record;
        pid_t pid;

        memset(found, 0, sizeof(*found));
        pid = lab_run(make_sctp, NULL);
        if (WEXITSTATUS(lab.status) == 2) {
                printf("no SCTP here: not tried\n");
                return;
        }
        ck_assert_int_eq(lab.status, 0);
        record = find(WIRE_KIND_connect, pid);
        ck_assert_int_eq(lab_number(record, F(connect, protocol)), IPPROTO_SCTP);
        ck_assert_int_eq(lab_number(record, F(connect, dport)), ntohs(((struct sockaddr_in *)&found->far)->sin_port));
        record = find(WIRE_KIND_bind, pid);
        check_end(record, F(bind, saddr), F(bind, sport), &found->far);
        find(WIRE_KIND_accept, pid);
}
END_TEST

/* ---- threads ---- */

static void *sleep_on(void *argument) {
        pause();
        return NULL;
}

static int make_beside_a_thread(void *argument) {
        pthread_t thread;

        pthread_create(&thread, NULL, sleep_on, NULL);
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

START_TEST(where_threads_share_descriptors_the_record_says_so) {
        pid_t pid = run(make_beside_a_thread, NULL);

        ck_assert(find(WIRE_KIND_socket, pid)->flags & WIRE_RACED);
        pid = run(make_socket, NULL);
        ck_assert(!(find(WIRE_KIND_socket, pid)->flags & WIRE_RACED));
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_new_socket_tells_family_type_protocol_and_object,
                a_socket_that_was_refused_tells_what_was_asked_for,
                a_pair_tells_both_descriptors,
                a_server_tells_its_address_at_bind_and_listen,
                a_bind_that_failed_tells_the_kernels_copy_of_what_was_asked_for,
                a_socket_that_listens_unbound_tells_the_port_that_it_got,
                an_accepted_connection_tells_both_ends,
                ipv4_inside_ipv6_is_told_as_ipv4,
                an_accept_of_nobody_tells_who_waited,
                unix_sockets_tell_the_path_that_the_kernel_resolved_and_who_is_there,
                abstract_names_are_told_with_an_at_sign,
                a_unix_bind_that_failed_tells_the_name_as_given,
                vsock_tells_machine_and_port,
                netlink_tells_protocol_port_id_and_groups,
                sctp_tells_its_ends_too,
                where_threads_share_descriptors_the_record_says_so,
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_socket) | wire_kind_bit(WIRE_KIND_bind) |
                                                wire_kind_bit(WIRE_KIND_listen) | wire_kind_bit(WIRE_KIND_accept) |
                                                wire_kind_bit(WIRE_KIND_connect));

        found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return lab_main("bpf/sockets", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

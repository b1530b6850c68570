/* SPDX-License-Identifier: Apache-2.0 */
/* connect: address from the kernel, result from the end of the call. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/log.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* What one attempt is made with, and what it gave. In memory that parent and child share by fork: the child only reads.
 */
struct attempt {
        int fd;
        struct sockaddr_storage address;
        socklen_t size;
};

static int attempt_connect(void *argument) {
        struct attempt *attempt = argument;

        return connect(attempt->fd, (void *)&attempt->address, attempt->size) < 0 ? errno : 0;
}

static const struct wire_header *run_attempt(struct attempt *attempt) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(attempt_connect, attempt);
        record = lab_find(WIRE_KIND_connect, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(lab_count(WIRE_KIND_connect, pid), 1);
        ck_assert_int_eq(lab_number(record, F(connect, fd)), attempt->fd);
        return record;
}

static struct attempt to_inet(int type, const char *address, int port) {
        struct attempt attempt = {.fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), .size = sizeof(struct sockaddr_in)};
        struct sockaddr_in *sin = (void *)&attempt.address;

        ck_assert_int_ge(attempt.fd, 0);
        sin->sin_family = AF_INET;
        sin->sin_port = htons(port);
        ck_assert_int_eq(inet_pton(AF_INET, address, &sin->sin_addr), 1);
        return attempt;
}

static struct attempt to_inet6(int type, const char *address, int port) {
        struct attempt attempt = {.fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), .size = sizeof(struct sockaddr_in6)};
        struct sockaddr_in6 *sin = (void *)&attempt.address;

        sin->sin6_family = AF_INET6;
        sin->sin6_port = htons(port);
        ck_assert_int_eq(inet_pton(AF_INET6, address, &sin->sin6_addr), 1);
        return attempt;
}

static int listen_on(const char *address, int backlog, int *ret_port) {
        struct sockaddr_in sin = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(sin);

        ck_assert_int_eq(inet_pton(AF_INET, address, &sin.sin_addr), 1);
        ck_assert_int_eq(bind(fd, (void *)&sin, sizeof(sin)), 0);
        ck_assert_int_eq(listen(fd, backlog), 0);
        ck_assert_int_eq(getsockname(fd, (void *)&sin, &size), 0);
        *ret_port = ntohs(sin.sin_port);
        return fd;
}

static void check_address(const struct wire_header *record, const char *address, int port) {
        struct wire_address have = lab_address(record, F(connect, daddr)), want = {};

        want.family = strchr(address, ':') ? AF_INET6 : AF_INET;
        ck_assert_int_eq(inet_pton(want.family, address, want.bytes), 1);
        ck_assert(lab_known(record, F(connect, daddr)));
        ck_assert_mem_eq(&have, &want, sizeof(want));
        ck_assert_int_eq(lab_number(record, F(connect, dport)), port);
}

START_TEST(a_connection_tells_socket_and_address) {
        const struct wire_header *record;
        struct sockaddr_in own;
        socklen_t size = sizeof(own);
        struct attempt attempt;
        struct stat st;
        int listener, port;

        listener = listen_on("127.0.0.2", 4, &port);
        attempt = to_inet(SOCK_STREAM, "127.0.0.2", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, 0);
        ck_assert(!(record->flags & WIRE_FAILED));
        ck_assert_int_eq(lab_number(record, F(connect, family)), AF_INET);
        ck_assert_int_eq(lab_number(record, F(connect, type)), SOCK_STREAM);
        ck_assert_int_eq(lab_number(record, F(connect, protocol)), IPPROTO_TCP);
        check_address(record, "127.0.0.2", port);
        ck_assert(!(record->user & WIRE_BIT(connect, daddr)));
        ck_assert_int_eq(fstat(attempt.fd, &st), 0);
        ck_assert(lab_is_file(lab_object(record, F(connect, socket)), &st));
        ck_assert_int_eq(getsockname(attempt.fd, (void *)&own, &size), 0);
        ck_assert_mem_eq(lab_address(record, F(connect, saddr)).bytes, &own.sin_addr, 4);
        ck_assert_int_eq(lab_number(record, F(connect, sport)), ntohs(own.sin_port));
        close(attempt.fd);
        close(listener);
}
END_TEST

START_TEST(a_refused_connection_tells_the_kernels_address_and_why) {
        const struct wire_header *record;
        struct attempt attempt;
        int listener, port;

        listener = listen_on("127.0.0.1", 1, &port);
        close(listener);
        attempt = to_inet(SOCK_STREAM, "127.0.0.1", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, -ECONNREFUSED);
        ck_assert(record->flags & WIRE_FAILED);
        check_address(record, "127.0.0.1", port);
        close(attempt.fd);
}
END_TEST

START_TEST(a_connection_in_progress_is_no_failure) {
        const struct wire_header *record;
        struct attempt attempt;
        int listener, port;

        listener = listen_on("127.0.0.1", 4, &port);
        attempt = to_inet(SOCK_STREAM | SOCK_NONBLOCK, "127.0.0.1", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, -EINPROGRESS);
        ck_assert(!(record->flags & WIRE_FAILED));
        check_address(record, "127.0.0.1", port);
        close(attempt.fd);
        close(listener);
}
END_TEST

START_TEST(datagrams_connect_too) {
        const struct wire_header *record;
        struct attempt attempt = to_inet(SOCK_DGRAM, "127.1.2.3", 53);

        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(connect, type)), SOCK_DGRAM);
        ck_assert_int_eq(lab_number(record, F(connect, protocol)), IPPROTO_UDP);
        check_address(record, "127.1.2.3", 53);
        close(attempt.fd);
}
END_TEST

START_TEST(ipv6_is_told_and_ipv4_inside_it_is_ipv4) {
        const struct wire_header *record;
        struct attempt attempt;
        int listener, port;

        if (access("/proc/net/if_inet6", F_OK) < 0) {
                printf("no IPv6 here: not tried\n");
                return;
        }
        attempt = to_inet6(SOCK_STREAM, "::1", 1);
        record = run_attempt(&attempt);
        ck_assert_int_lt(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(connect, family)), AF_INET6);
        check_address(record, "::1", 1);
        close(attempt.fd);

        listener = listen_on("127.0.0.1", 4, &port);
        attempt = to_inet6(SOCK_STREAM, "::ffff:127.0.0.1", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(connect, family)), AF_INET6);
        check_address(record, "127.0.0.1", port);
        close(attempt.fd);
        close(listener);
}
END_TEST

START_TEST(unix_sockets_are_told_by_name) {
        struct attempt attempt = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        struct sockaddr_un *un = (void *)&attempt.address;
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const struct wire_header *record;

        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, lab_path("socket"));
        attempt.size = sizeof(*un);
        ck_assert_int_eq(bind(listener, (void *)un, attempt.size), 0);
        ck_assert_int_eq(listen(listener, 4), 0);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(connect, family)), AF_UNIX);
        ck_assert_str_eq(lab_text(record, F(connect, path)), lab_path("socket"));
        ck_assert(!(record->user & WIRE_BIT(connect, path)));
        ck_assert_int_eq(lab_number(record, F(connect, peer_pid)), getpid());
        ck_assert(!lab_known(record, F(connect, daddr)));
        close(attempt.fd);

        attempt.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        memset(un->sun_path, 0, sizeof(un->sun_path));
        memcpy(un->sun_path, "\0abstract-no-such", 17);
        attempt.size = offsetof(struct sockaddr_un, sun_path) + 17;
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, -ECONNREFUSED);
        ck_assert_str_eq(lab_text(record, F(connect, path)), "@abstract-no-such");
        ck_assert_int_eq(!(record->user & WIRE_BIT(connect, path)), lab_has_security(WIRE_KIND_connect));
        ck_assert(!lab_known(record, F(connect, peer_pid)));
        close(attempt.fd);
        close(listener);
}
END_TEST

START_TEST(what_is_no_socket_is_told_as_an_attempt) {
        struct attempt attempt = to_inet(SOCK_STREAM, "127.0.0.1", 80);
        const struct wire_header *record;

        close(attempt.fd);
        attempt.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, -ENOTSOCK);
        ck_assert(!lab_known(record, F(connect, socket)));
        check_address(record, "127.0.0.1", 80);
        ck_assert(record->user & WIRE_BIT(connect, daddr));
        close(attempt.fd);
}
END_TEST

/* A call that blocks while another thread puts a different socket in its place. The port's queue is full, so the
 * handshake waits. */
static struct {
        int listener, port, fd;
        volatile bool connected;
} race;

static void *exchange(void *argument) {
        int decoy = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), peer;

        lab_wait_in_call(getpid(), SYS_connect);
        dup2(decoy, race.fd);
        /* Let it through. */
        for (int i = 0; i < 2; i++) {
                peer = accept(race.listener, NULL, NULL);
                close(peer);
        }
        return NULL;
}

static int connect_while_exchanged(void *argument) {
        struct attempt attempt, fill[2];
        pthread_t thread;
        int r;

        for (int i = 0; i < 2; i++) {
                fill[i] = to_inet(SOCK_STREAM | SOCK_NONBLOCK, "127.0.0.1", race.port);
                (void)!connect(fill[i].fd, (void *)&fill[i].address, fill[i].size);
        }
        usleep(50000);
        attempt = to_inet(SOCK_STREAM, "127.0.0.1", race.port);
        race.fd = attempt.fd;
        pthread_create(&thread, NULL, exchange, NULL);
        r = connect(attempt.fd, (void *)&attempt.address, attempt.size);
        pthread_join(thread, NULL);
        return r < 0 ? 1 : 0;
}

START_TEST(a_socket_exchanged_during_the_call_is_not_taken_for_the_other) {
        const struct wire_header *record = NULL, *obscured;
        pid_t pid;

        race.listener = listen_on("127.0.0.1", 0, &race.port);
        pid = lab_run(connect_while_exchanged, NULL);
        if (lab_has_security(WIRE_KIND_connect)) {
                /* The hook saw which socket it was, whatever its descriptor is by now. */
                record = lab_find(WIRE_KIND_connect, pid, 2);
                ck_assert_ptr_nonnull(record);
                ck_assert(!(record->flags & (WIRE_RACED | WIRE_EXCHANGED)));
                ck_assert(lab_known(record, F(connect, socket)));
                ck_assert_int_eq(lab_number(record, F(connect, type)), SOCK_STREAM);
                check_address(record, "127.0.0.1", race.port);
                ck_assert(!(record->user & WIRE_BIT(connect, daddr)));
                ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
                close(race.listener);
                return;
        }
        for (size_t i = 0; i < lab_count(WIRE_KIND_connect, pid); i++)
                if (lab_find(WIRE_KIND_connect, pid, i)->flags & WIRE_EXCHANGED)
                        record = lab_find(WIRE_KIND_connect, pid, i);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_RACED);
        ck_assert(!lab_known(record, F(connect, socket)));
        check_address(record, "127.0.0.1", race.port);
        ck_assert(!(record->user & WIRE_BIT(connect, daddr)));
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(obscured);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_RACED);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "connect.socket");
        close(race.listener);
}
END_TEST

/* ---- without a cgroup hierarchy v2 ---- */

/* In a mount namespace of our own there is none. Returns the one that has it. */
static int hide_cgroup2(void) {
        static char line[4096];
        int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        FILE *file;

        ck_assert_int_ge(before, 0);
        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        file = fopen("/proc/self/mountinfo", "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file)) {
                char place[4096];

                if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1)
                        ck_assert_int_eq(umount2(place, MNT_DETACH), 0);
        }
        fclose(file);
        return before;
}

static size_t n_notices;

static void on_log(int level, const char *line, size_t n, void *userdata) {
        if (memmem(line, n, "Cannot attach to cgroup/connect", 31))
                n_notices++;
}

START_TEST(without_the_cgroup_hooks_addresses_come_from_socket_or_caller) {
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_connect));
        const struct wire_header *record;
        struct attempt attempt;
        int listener, port, namespace;

        if (lab_is_quick())
                return;
        lab_close();
        namespace = hide_cgroup2();
        log_set_sink(on_log, NULL);
        lab_open(&interest, NULL);
        ck_assert_uint_eq(n_notices, 2);

        listener = listen_on("127.0.0.2", 4, &port);
        attempt = to_inet(SOCK_STREAM, "127.0.0.2", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, 0);
        check_address(record, "127.0.0.2", port);
        ck_assert(!(record->user & WIRE_BIT(connect, daddr)));
        close(attempt.fd);
        close(listener);

        attempt = to_inet(SOCK_STREAM, "127.0.0.2", port);
        record = run_attempt(&attempt);
        ck_assert_int_eq(record->result, -ECONNREFUSED);
        check_address(record, "127.0.0.2", port);
        ck_assert_int_eq(!(record->user & WIRE_BIT(connect, daddr)), lab_has_security(WIRE_KIND_connect));
        close(attempt.fd);
        log_set_sink(NULL, NULL);
        lab_close();
        ck_assert_int_eq(setns(namespace, CLONE_NEWNS), 0);
        close(namespace);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_connection_tells_socket_and_address,
                a_refused_connection_tells_the_kernels_address_and_why,
                a_connection_in_progress_is_no_failure,
                datagrams_connect_too,
                ipv6_is_told_and_ipv4_inside_it_is_ipv4,
                unix_sockets_are_told_by_name,
                what_is_no_socket_is_told_as_an_attempt,
                a_socket_exchanged_during_the_call_is_not_taken_for_the_other,
                without_the_cgroup_hooks_addresses_come_from_socket_or_caller,
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_connect));

        return lab_main("bpf/net", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/outlet.h"

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

#define SIZE 3000                       /* of an entry */
#define MAX_WAITING ((size_t)100000)

static char all[8 << 20];
static size_t n_all;
static char taken[1024];
static size_t n_taken;
static int reader, writer;

enum kind {
        KIND_PIPE,
        KIND_SOCKET,
        KIND_TERMINAL,
        _KIND_MAX,
};

static void begin(enum kind kind) {
        int fds[2];

        ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
        switch (kind) {
        case KIND_PIPE:
                ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
                break;
        case KIND_SOCKET:
                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
                break;
        case KIND_TERMINAL: {
                struct termios raw;

                ck_assert_int_eq(openpty(fds, fds + 1, NULL, NULL, NULL), 0);
                ck_assert_int_eq(tcgetattr(fds[1], &raw), 0);
                cfmakeraw(&raw);
                ck_assert_int_eq(tcsetattr(fds[1], TCSANOW, &raw), 0);
                break;
        }
        case _KIND_MAX:
                ck_abort();
        }
        reader = fds[0];
        writer = fds[1];
        ck_assert_int_ge(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
        n_all = n_taken = 0;
}

static void end(struct outlet *outlet) {
        /* Whoever shares it finds it as it was. */
        ck_assert_int_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
        outlet_free(outlet);
        close(reader);
        close(writer);
}

/* Entry i is a line of one letter. */
static int put(struct outlet *outlet, int i) {
        char line[SIZE], letter = (char)('a' + i % 26);
        int r;

        memset(line, letter, SIZE - 1);
        line[SIZE - 1] = '\n';
        r = outlet_put(outlet, line, SIZE);
        if (r == 0)
                taken[n_taken++] = letter;
        return r;
}

static bool read_some(void) {
        ssize_t n = read(reader, all + n_all, sizeof(all) - n_all);

        if (n > 0)
                n_all += (size_t)n;
        return n > 0;
}

static struct outlet_stats stats_of(const struct outlet *outlet) {
        struct outlet_stats stats;

        outlet_stats(outlet, &stats);
        return stats;
}

/* All that was read are whole entries, those that were taken and no more. */
static void expect_whole(void) {
        ck_assert_uint_eq(n_all, n_taken * SIZE);
        for (size_t i = 0; i < n_taken; i++) {
                ck_assert_int_eq(all[i * SIZE], taken[i]);
                ck_assert_int_eq(all[i * SIZE + SIZE - 2], taken[i]);
                ck_assert_int_eq(all[i * SIZE + SIZE - 1], '\n');
        }
}

START_TEST(a_reader_that_keeps_up_gets_everything_at_once) {
        for (enum kind kind = 0; kind < _KIND_MAX; kind++) {
                struct outlet *outlet;

                begin(kind);
                ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
                for (int i = 0; i < 200; i++) {
                        ck_assert_int_eq(put(outlet, i), 0);
                        while (outlet_waits(outlet) || read_some()) {
                                read_some();
                                ck_assert_int_eq(outlet_work(outlet), 0);
                        }
                }
                ck_assert_uint_eq(stats_of(outlet).n_refused, 0);
                expect_whole();
                end(outlet);
        }
}
END_TEST

/* Without a descriptor left nothing can be opened again. */
static struct outlet *outlet_of(bool opens) {
        struct rlimit limit, none;
        struct outlet *outlet;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        none = (struct rlimit){.rlim_cur = opens ? limit.rlim_cur : 0, .rlim_max = limit.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        return outlet;
}

START_TEST(a_reader_that_stops_holds_up_nobody_and_finds_whole_entries_when_it_goes_on) {
        for (int i = 0; i < 2 * _KIND_MAX; i++) {
                enum kind kind = (enum kind)(i / 2);
                struct outlet *outlet;
                size_t n_refused = 0;

                begin(kind);
                outlet = outlet_of(i % 2);
                ck_assert_int_eq(outlet_fd(outlet) == writer, kind == KIND_SOCKET || i % 2 == 0);
                for (int k = 0; k < 1000; k++) {
                        int r = put(outlet, k);

                        ck_assert(r == 0 || r == -ENOBUFS);
                        n_refused += r < 0;
                        ck_assert_uint_le(stats_of(outlet).waiting_bytes, MAX_WAITING);
                }
                ck_assert_uint_gt(n_refused, 0);
                ck_assert_uint_eq(stats_of(outlet).n_refused, n_refused);

                while (read_some() || outlet_waits(outlet))
                        ck_assert_int_eq(outlet_work(outlet), 0);
                expect_whole();
                ck_assert_int_eq(put(outlet, 0), 0);
                while (read_some())
                        ;
                expect_whole();
                end(outlet);
        }
}
END_TEST

START_TEST(one_entry_larger_than_the_bound_is_taken_when_nothing_waits) {
        static char large[MAX_WAITING * 3];
        struct outlet *outlet;

        begin(KIND_PIPE);
        memset(large, 'x', sizeof(large));
        ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
        ck_assert_int_eq(outlet_put(outlet, large, sizeof(large)), 0);
        ck_assert_int_eq(outlet_put(outlet, "x", 1), -ENOBUFS);
        while (read_some() || outlet_waits(outlet))
                ck_assert_int_eq(outlet_work(outlet), 0);
        ck_assert_uint_eq(n_all, sizeof(large));
        end(outlet);
}
END_TEST

START_TEST(a_reader_that_goes_is_an_error_and_what_waited_is_counted) {
        struct outlet *outlet;

        begin(KIND_PIPE);
        ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
        for (int i = 0; i < 40; i++)
                ck_assert_int_eq(put(outlet, i), 0);
        ck_assert_uint_gt(stats_of(outlet).n_waiting, 0);
        close(reader);
        ck_assert_int_eq(put(outlet, 0), -EPIPE);
        ck_assert(!outlet_waits(outlet));
        ck_assert_uint_gt(stats_of(outlet).n_lost, 0);
        ck_assert_uint_eq(stats_of(outlet).waiting_bytes, 0);
        reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
        end(outlet);
}
END_TEST

START_TEST(after_half_an_entry_the_next_has_a_line_of_its_own) {
        char path[] = "/tmp/test-outlet-XXXXXX", fifo[64];
        static char large[MAX_WAITING];
        struct outlet *outlet;
        char *last;

        /* A pipe with a name: its reader goes in the middle of an entry, and another comes. */
        begin(KIND_PIPE);
        close(reader);
        close(writer);
        ck_assert_ptr_nonnull(mkdtemp(path));
        snprintf(fifo, sizeof(fifo), "%s/fifo", path);
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        writer = open(fifo, O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
        memset(large, 'x', sizeof(large));
        ck_assert_int_eq(outlet_put(outlet, large, sizeof(large)), 0);
        close(reader);
        ck_assert_int_eq(outlet_work(outlet), -EPIPE);
        reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        while (read_some())
                ;
        n_all = 0;
        ck_assert_int_eq(outlet_put(outlet, "whole\n", 6), 0);
        while (read_some())
                ;
        all[n_all] = 0;
        last = strstr(all, "whole\n");
        ck_assert_ptr_nonnull(last);
        ck_assert(last > all && last[-1] == '\n');
        ck_assert_str_eq(last, "whole\n");
        unlink(fifo);
        rmdir(path);
        end(outlet);
}
END_TEST

START_TEST(the_end_does_not_wait_for_a_reader_that_has_stopped) {
        struct outlet *outlet;
        uint64_t n_waiting;

        begin(KIND_PIPE);
        ck_assert_int_eq(outlet_new(writer, MAX_WAITING, &outlet), 0);
        for (int i = 0; i < 40; i++)
                ck_assert_int_eq(put(outlet, i), 0);
        n_waiting = stats_of(outlet).n_waiting;
        outlet_finish(outlet);
        ck_assert_uint_gt(n_waiting, 0);
        ck_assert_uint_eq(stats_of(outlet).n_lost, n_waiting);
        end(outlet);
}
END_TEST

START_TEST(a_file_is_written_as_ever) {
        FILE *file = tmpfile();
        struct outlet *outlet;

        ck_assert_int_eq(outlet_new(fileno(file), 1, &outlet), 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(put(outlet, i), 0);
        n_all = (size_t)pread(fileno(file), all, sizeof(all), 0);
        expect_whole();
        outlet_free(outlet);
        fclose(file);
}
END_TEST

UNIT_MAIN("report/outlet", a_reader_that_keeps_up_gets_everything_at_once,
          a_reader_that_stops_holds_up_nobody_and_finds_whole_entries_when_it_goes_on,
          one_entry_larger_than_the_bound_is_taken_when_nothing_waits,
          a_reader_that_goes_is_an_error_and_what_waited_is_counted,
          after_half_an_entry_the_next_has_a_line_of_its_own, the_end_does_not_wait_for_a_reader_that_has_stopped,
          a_file_is_written_as_ever)

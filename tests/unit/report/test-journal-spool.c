/* SPDX-License-Identifier: Apache-2.0 */
#include "report/journal-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "unit.h"

static char path[64], sent[256];
static int answer;                      /* of sending, after `patience` entries */
static size_t patience;

static int send_it(const void *data, size_t n, void *userdata) {
        if (patience == 0)
                return answer;
        patience--;
        snprintf(sent + strlen(sent), sizeof(sent) - strlen(sent), "%.*s,", (int)n, (const char *)data);
        return 0;
}

static struct journal_spool *open_spool(uint64_t max_bytes) {
        struct journal_spool *spool = NULL;

        ck_assert_int_eq(journal_spool_open(path, max_bytes, &spool), 0);
        sent[0] = 0;
        return spool;
}

static void setup(void) {
        snprintf(path, sizeof(path), "/tmp/execray-spool-%d", (int)getpid());
        (void)unlink(path);
        patience = SIZE_MAX;
}

static uint64_t waiting(const struct journal_spool *spool) {
        struct journal_spool_stats stats;

        journal_spool_stats(spool, &stats);
        return stats.n_waiting;
}

START_TEST(what_waits_comes_in_its_order_and_the_file_is_small_again) {
        struct journal_spool *spool;
        struct stat st;

        setup();
        spool = open_spool(4096);
        ck_assert_int_eq(journal_spool_add(spool, "a", 1), 0);
        ck_assert_int_eq(journal_spool_add(spool, "bb", 2), 0);
        ck_assert_int_eq(journal_spool_add(spool, "c", 1), 0);
        ck_assert_uint_eq(waiting(spool), 3);
        ck_assert_int_eq(journal_spool_drain(spool, 2, send_it, NULL), 0);
        ck_assert_str_eq(sent, "a,bb,");
        ck_assert_int_eq(journal_spool_drain(spool, 2, send_it, NULL), 0);
        ck_assert_str_eq(sent, "a,bb,c,");
        ck_assert_uint_eq(waiting(spool), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 16);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        journal_spool_free(spool);
        (void)unlink(path);
}
END_TEST

START_TEST(what_cannot_be_sent_stays_in_front) {
        struct journal_spool *spool;

        setup();
        spool = open_spool(4096);
        ck_assert_int_eq(journal_spool_add(spool, "a", 1), 0);
        ck_assert_int_eq(journal_spool_add(spool, "b", 1), 0);
        patience = 1;
        answer = -EAGAIN;
        ck_assert_int_eq(journal_spool_drain(spool, 10, send_it, NULL), -EAGAIN);
        ck_assert_str_eq(sent, "a,");
        ck_assert_int_eq(journal_spool_add(spool, "c", 1), 0);
        patience = 10;
        ck_assert_int_eq(journal_spool_drain(spool, 10, send_it, NULL), 0);
        ck_assert_str_eq(sent, "a,b,c,");
        journal_spool_free(spool);
        (void)unlink(path);
}
END_TEST

START_TEST(the_next_process_finds_what_was_not_sent) {
        struct journal_spool *spool, *other = NULL;

        setup();
        spool = open_spool(4096);
        ck_assert_int_eq(journal_spool_add(spool, "a", 1), 0);
        ck_assert_int_eq(journal_spool_add(spool, "b", 1), 0);
        ck_assert_int_eq(journal_spool_drain(spool, 1, send_it, NULL), 0);
        ck_assert_int_eq(journal_spool_open(path, 4096, &other), -EWOULDBLOCK);
        journal_spool_free(spool);
        spool = open_spool(4096);
        ck_assert_uint_eq(waiting(spool), 1);
        ck_assert_int_eq(journal_spool_drain(spool, 9, send_it, NULL), 0);
        ck_assert_str_eq(sent, "b,");
        journal_spool_free(spool);
        (void)unlink(path);
}
END_TEST

START_TEST(full_is_full_and_nothing_is_half_there) {
        struct journal_spool_stats stats;
        struct journal_spool *spool;

        setup();
        spool = open_spool(16 + 2 * 17);
        ck_assert_int_eq(journal_spool_add(spool, "a", 1), 0);
        ck_assert_int_eq(journal_spool_add(spool, "b", 1), 0);
        ck_assert_int_eq(journal_spool_add(spool, "c", 1), -ENOSPC);
        journal_spool_stats(spool, &stats);
        ck_assert_uint_eq(stats.n_refused, 1);
        ck_assert_int_eq(journal_spool_drain(spool, 9, send_it, NULL), 0);
        ck_assert_str_eq(sent, "a,b,");
        ck_assert_int_eq(journal_spool_add(spool, "d", 1), 0);
        journal_spool_free(spool);
        (void)unlink(path);
}
END_TEST

/* Every length to which the file can be cut, and every byte that can be another. */
START_TEST(a_torn_or_rotten_file_gives_what_stands_before_the_damage) {
        char whole[256];
        ssize_t n;
        int fd;

        setup();
        struct journal_spool *spool = open_spool(4096);
        ck_assert_int_eq(journal_spool_add(spool, "first", 5), 0);
        ck_assert_int_eq(journal_spool_add(spool, "second", 6), 0);
        journal_spool_free(spool);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = read(fd, whole, sizeof(whole));
        close(fd);
        ck_assert_int_eq(n, 16 + 16 + 5 + 16 + 6);

        for (ssize_t i = 0; i < 2 * n; i++) {
                char bytes[256];
                ssize_t length = i < n ? i : n;

                memcpy(bytes, whole, sizeof(bytes));
                if (i >= n)
                        bytes[i - n] ^= 0x40;
                fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
                ck_assert_int_eq(write(fd, bytes, (size_t)length), length);
                close(fd);
                spool = open_spool(4096);
                ck_assert_int_eq(journal_spool_drain(spool, 9, send_it, NULL), 0);
                ck_assert_msg(streq(sent, "") || streq(sent, "first,") || streq(sent, "second,"), "%zd: %s", i, sent);
                ck_assert_int_eq(journal_spool_add(spool, "new", 3), 0);
                ck_assert_int_eq(journal_spool_drain(spool, 9, send_it, NULL), 0);
                ck_assert_str_eq(sent + strlen(sent) - 4, "new,");
                journal_spool_free(spool);
        }
        (void)unlink(path);
}
END_TEST

START_TEST(a_file_of_others_is_not_touched) {
        struct journal_spool *spool = NULL;
        int fd;

        setup();
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        ck_assert_int_eq(fchmod(fd, 0666), 0);
        close(fd);
        ck_assert_int_eq(journal_spool_open(path, 4096, &spool), -EPERM);
        (void)unlink(path);
        ck_assert_int_eq(symlink("/etc/passwd", path), 0);
        ck_assert_int_eq(journal_spool_open(path, 4096, &spool), -ELOOP);
        (void)unlink(path);
}
END_TEST

UNIT_MAIN("report/journal-spool", what_waits_comes_in_its_order_and_the_file_is_small_again,
          what_cannot_be_sent_stays_in_front, the_next_process_finds_what_was_not_sent,
          full_is_full_and_nothing_is_half_there, a_torn_or_rotten_file_gives_what_stands_before_the_damage,
          a_file_of_others_is_not_touched)

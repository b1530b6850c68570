/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/keep.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static int queue, send_fd;

static void begin(void) {
        int ends[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        queue = ends[0];
        send_fd = ends[1];
}

static void end(void) {
        close(queue);
        close(send_fd);
}

static int put(uint64_t number, const char *head, size_t n) {
        static struct keep_item items[KEEP_MAX_ITEMS + 1];

        for (size_t i = 0; i < n; i++)
                items[i] = (struct keep_item){.what = 7, .index = i, .fd = STDERR_FILENO};
        return keep_put(send_fd, number, head, strlen(head), items, n);
}

static size_t n_open(void) {
        int fd = dup(STDERR_FILENO);

        close(fd);
        return fd;
}

START_TEST(what_is_put_in_comes_out_with_every_descriptor_also_of_many_messages) {
        struct bequest *kept;

        begin();
        ck_assert_int_eq(put(1, "head", 600), 3);
        close(send_fd);
        send_fd = -1;                   /* its process has ended */
        ck_assert_int_eq(keep_take(queue, &kept), 0);
        ck_assert_uint_eq(kept->n, 600);
        ck_assert_uint_eq(kept->head_size, 4);
        ck_assert_mem_eq(kept->head, "head", 4);
        for (size_t i = 0; i < 600; i++) {
                int fd = bequest_take_fd(kept, 7, i);

                ck_assert_int_ge(fd, 0);
                close(fd);
        }
        ck_assert_int_eq(bequest_take_fd(kept, 7, 5), -1);
        ck_assert_int_eq(bequest_take_fd(kept, 8, 0), -1);
        bequest_free(kept);
        ck_assert_int_eq(keep_take(queue, &kept), -ENODATA);
        end();
}
END_TEST

START_TEST(the_last_one_that_is_complete_is_taken_and_nothing_stays_open) {
        struct bequest *kept;
        size_t before;

        begin();
        before = n_open();
        ck_assert_int_eq(put(1, "old", 300), 2);
        ck_assert_int_eq(put(2, "new", 260), 2);
        ck_assert_int_eq(keep_take(queue, &kept), 0);
        ck_assert_uint_eq(kept->number, 2);
        ck_assert_uint_eq(kept->n, 260);
        bequest_free(kept);

        ck_assert_int_eq(put(4, "whole", 10), 1);
        ck_assert_int_eq(put(5, "no beginning", 300), 2);
        keep_drop(queue, 2);
        ck_assert_int_eq(keep_take(queue, &kept), -ENODATA);
        ck_assert_uint_eq(n_open(), before);
        end();
}
END_TEST

START_TEST(what_is_dropped_is_gone_and_the_rest_stays) {
        struct bequest *kept;

        begin();
        ck_assert_int_eq(put(1, "old", 2), 1);
        ck_assert_int_eq(put(2, "new", 2), 1);
        keep_drop(queue, 1);
        ck_assert_int_eq(keep_take(queue, &kept), 0);
        ck_assert_uint_eq(kept->number, 2);
        bequest_free(kept);
        ck_assert_int_eq(put(3, "last", 2), 1);
        keep_drop(queue, SIZE_MAX);
        ck_assert_int_eq(keep_take(queue, &kept), -ENODATA);
        end();
}
END_TEST

START_TEST(bytes_of_somebody_else_are_dropped_with_their_descriptors) {
        static const char text[] = "none of ours, and long enough for the head of a message";
        struct bequest *kept;
        size_t before;

        begin();
        before = n_open();
        ck_assert_int_eq(put(1, "mine", 2), 1);
        ck_assert_int_gt(send(send_fd, text, sizeof(text), 0), 0);
        ck_assert_int_gt(send(send_fd, text, 3, 0), 0);
        ck_assert_int_eq(keep_take(queue, &kept), 0);
        ck_assert_uint_eq(kept->number, 1);
        bequest_free(kept);
        ck_assert_uint_eq(n_open(), before);
        end();
}
END_TEST

START_TEST(too_much_is_refused) {
        begin();
        ck_assert_int_eq(put(1, "x", KEEP_MAX_ITEMS + 1), -E2BIG);
        ck_assert_int_eq(keep_put(send_fd, 1, "", KEEP_MAX_HEAD + 1, NULL, 0), -E2BIG);
        end();
}
END_TEST

UNIT_MAIN("capture/keep", what_is_put_in_comes_out_with_every_descriptor_also_of_many_messages,
          the_last_one_that_is_complete_is_taken_and_nothing_stays_open, what_is_dropped_is_gone_and_the_rest_stays,
          bytes_of_somebody_else_are_dropped_with_their_descriptors, too_much_is_refused)

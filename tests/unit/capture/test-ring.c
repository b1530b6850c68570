/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring.h"

#include <linux/bpf.h>
#include <string.h>

#include "unit.h"

/* A ring in ordinary memory: the kernel's side is played by put(). */
#define SIZE 256

static struct {
        uint64_t consumer, producer;
        char data[2 * SIZE] __attribute__((aligned(8)));
        struct ring ring;
} play;

static void begin(void) {
        memset(&play, 0, sizeof(play));
        play.ring =
                (struct ring){.consumer = &play.consumer, .producer = &play.producer, .data = play.data, .size = SIZE};
}

/* What lies over the end is at the beginning, too: the kernel maps the data twice. */
static void put_head(uint32_t length) {
        size_t at = play.producer % SIZE;

        memcpy(play.data + at, &length, sizeof(length));
        memcpy(play.data + (at + SIZE) % (2 * SIZE), &length, sizeof(length));
        play.producer +=
                ((length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
}

START_TEST(an_empty_ring_gives_nothing) {
        const void *data;
        size_t size;

        begin();
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_EMPTY);
        ck_assert_uint_eq(ring_pending(&play.ring), 0);
}
END_TEST

START_TEST(records_come_in_order_and_are_given_back) {
        const void *data;
        size_t size;

        begin();
        for (int lap = 0; lap < 20; lap++) {
                put_head(24);
                put_head(40);
                ck_assert_uint_eq(ring_pending(&play.ring), 80);
                ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_RECORD);
                ck_assert_uint_eq(size, 24);
                ck_assert_uint_eq((uintptr_t)data % 8, 0);
                ring_advance(&play.ring);
                ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_RECORD);
                ck_assert_uint_eq(size, 40);
                ring_advance(&play.ring);
                ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_EMPTY);
                ck_assert_uint_eq(play.consumer, play.producer);
        }
}
END_TEST

START_TEST(discarded_records_are_passed_over) {
        const void *data;
        size_t size;

        begin();
        put_head(8 | BPF_RINGBUF_DISCARD_BIT);
        put_head(16);
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_RECORD);
        ck_assert_uint_eq(size, 16);
        ring_advance(&play.ring);
        put_head(8 | BPF_RINGBUF_DISCARD_BIT);
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_EMPTY);
        ck_assert_uint_eq(play.consumer, play.producer);
}
END_TEST

START_TEST(an_unfinished_record_stops_the_reader) {
        const void *data;
        size_t size;

        begin();
        put_head(16 | BPF_RINGBUF_BUSY_BIT);
        put_head(16);
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_BUSY);
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_BUSY);
        ck_assert_uint_eq(ring_pending(&play.ring), 48);
        ((uint32_t *)play.data)[0] = 16;
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_RECORD);
}
END_TEST

START_TEST(who_looks_ahead_sees_what_waits_and_gives_nothing_back) {
        uint64_t position;
        const void *data;
        size_t size;

        begin();
        put_head(8 | BPF_RINGBUF_DISCARD_BIT);
        put_head(24);
        put_head(40);
        put_head(16 | BPF_RINGBUF_BUSY_BIT);
        position = play.ring.position;
        ck_assert_int_eq(ring_look(&play.ring, &position, &data, &size), RING_RECORD);
        ck_assert_uint_eq(size, 24);
        ck_assert_int_eq(ring_look(&play.ring, &position, &data, &size), RING_RECORD);
        ck_assert_uint_eq(size, 40);
        ck_assert_int_eq(ring_look(&play.ring, &position, &data, &size), RING_BUSY);
        ck_assert_uint_eq(play.consumer, 0);
        ck_assert_uint_eq(play.ring.position, 0);
        ck_assert_int_eq(ring_peek(&play.ring, &data, &size), RING_RECORD);
        ck_assert_uint_eq(size, 24);
}
END_TEST

UNIT_MAIN("capture/ring",
          an_empty_ring_gives_nothing,
          records_come_in_order_and_are_given_back,
          discarded_records_are_passed_over,
          an_unfinished_record_stops_the_reader,
          who_looks_ahead_sees_what_waits_and_gives_nothing_back)

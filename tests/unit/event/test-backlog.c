/* SPDX-License-Identifier: Apache-2.0 */
#include "event/backlog.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "unit.h"

static struct backlog *backlog;
static uint64_t n_left, n_added;
static uint64_t seed = 1;

static unsigned draw(unsigned below) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(seed >> 33) % below;
}

/* Records are numbered in their time, and filled with what the number says. */
static void on_leave(const struct wire_header *record, void *userdata) {
        ck_assert_uint_eq(record->time_ns, n_left);
        n_left++;
}

static void add(uint32_t size) {
        static union {
                struct wire_header header;
                char bytes[WIRE_MAX_RECORD];
        } record;

        memset(record.bytes, (int)(n_added % 251), size);
        record.header.size = size;
        record.header.time_ns = n_added++;
        backlog_add(backlog, &record.header);
}

static void check(void) {
        const struct wire_header *record = NULL;
        uint64_t n = n_left;

        while ((record = backlog_next(backlog, record))) {
                ck_assert_uint_eq(record->time_ns, n);
                if (record->size > sizeof(*record))
                        ck_assert_int_eq(((const unsigned char *)record)[record->size - 1], (int)(n % 251));
                n++;
        }
        ck_assert_uint_eq(n, n_added);
        ck_assert_uint_eq(backlog_count(backlog), n_added - n_left);
}

static void begin(void) {
        n_left = n_added = 0;
        ck_assert_int_eq(backlog_new(BACKLOG_MIN_BYTES, on_leave, NULL, &backlog), 0);
        ck_assert_ptr_null(backlog_next(backlog, NULL));
}

START_TEST(it_holds_the_newest_in_their_order_and_tells_of_the_others) {
        for (seed = 1; seed < 20; seed++) {
                uint64_t s = seed;

                begin();
                for (int i = 0; i < 3000; i++) {
                        uint32_t n = draw(20) == 0 ? draw(WIRE_MAX_RECORD / 8) : draw(80);

                        add(8 * MAX(n, (uint32_t)sizeof(struct wire_header) / 8));
                        if (i % 50 == 0)
                                check();
                }
                check();
                ck_assert_uint_gt(n_left, 0);
                backlog = backlog_free(backlog);
                seed = s;
        }
}
END_TEST

START_TEST(what_fits_exactly_fits) {
        begin();
        for (size_t i = 0; i < BACKLOG_MIN_BYTES / WIRE_MAX_RECORD; i++)
                add(WIRE_MAX_RECORD);
        ck_assert_uint_eq(n_left, 0);
        check();
        for (int i = 0; i < 100; i++) {
                add(WIRE_MAX_RECORD);
                check();
                ck_assert_uint_eq(backlog_count(backlog), BACKLOG_MIN_BYTES / WIRE_MAX_RECORD);
        }
        add(sizeof(struct wire_header) / 8 * 8);
        check();
        backlog = backlog_free(backlog);
}
END_TEST

START_TEST(nothing_is_allocated_for_records) {
        size_t before;

        begin();
        before = alloc_count();
        for (int i = 0; i < 10000; i++)
                add(256);
        ck_assert_uint_eq(alloc_count(), before);
        backlog = backlog_free(backlog);
}
END_TEST

static int make(void *userdata) {
        int r = backlog_new(BACKLOG_MIN_BYTES, NULL, NULL, &backlog);

        backlog = backlog_free(backlog);
        return r;
}

START_TEST(without_memory_there_is_none) {
        ck_assert_uint_ge(alloc_fail_sweep(make, NULL), 2);
}
END_TEST

UNIT_MAIN("event/backlog", it_holds_the_newest_in_their_order_and_tells_of_the_others, what_fits_exactly_fits,
          nothing_is_allocated_for_records, without_memory_there_is_none)

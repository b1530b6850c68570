/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/refusals.h"

#include <errno.h>
#include <string.h>

#include "enforce.h"
#include "unit.h"

static struct record record, copy;
static struct refusals *refusals;

static void setup(void) {
        ck_assert_int_eq(refusals_new(&refusals), 0);
}

static void teardown(void) {
        refusals = refusals_free(refusals);
}

static struct enforce_verdict verdict_at(uint64_t time_ns, enum enforce_place place, const char *path) {
        struct enforce_verdict verdict = {
                .time_ns = time_ns,
                .start_ns = 5,
                .tgid = 40,
                .tid = 41,
                .uid = 1,
                .euid = 2,
                .gid = 3,
                .egid = 4,
                .rule = 1,
                .list = ENFORCE_POLICIES,
                .outcome = ENFORCE_KERNEL,
                .place = place,
                .inode = 77,
                .device = 8,
                .generation = 9,
                .n_path = (uint16_t)strlen(path),
        };

        memcpy(verdict.path, path, verdict.n_path);
        return verdict;
}

static void see(uint64_t time_ns, enum enforce_place place, const char *path) {
        const struct enforce_verdict verdict = verdict_at(time_ns, place, path);

        refusals_see(refusals, &verdict);
}

static const struct wire_header *call_at(uint64_t time_ns, enum wire_kind kind, int64_t result) {
        record_begin(&record, kind);
        record.header.time_ns = time_ns;
        record.header.start_ns = 5;
        record.header.tgid = 40;
        record.header.tid = 41;
        record.header.result = result;
        if (kind == WIRE_KIND_openat) {
                record_set_text(&record, (enum field)WIRE_FIELD_openat_pathname, "/given");
                record_mark_user(&record, (enum field)WIRE_FIELD_openat_pathname);
        }
        ck_assert_int_eq(record_finish(&record), 0);
        return &record.header;
}

static struct event completed(void) {
        struct event event;

        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &event), 0);
        return event;
}

static void expect_text(const struct event *event, int field, const char *text) {
        struct value value;

        event_get(event, (enum field)field, &value);
        ck_assert_int_eq(value.state, VALUE_KNOWN);
        ck_assert_uint_eq(value.length, strlen(text));
        ck_assert_int_eq(memcmp(value.bytes, text, value.length), 0);
        ck_assert(!value.user);
}

static void expect_number(const struct event *event, int field, int64_t number) {
        struct value value;

        event_get(event, (enum field)field, &value);
        ck_assert_int_eq(value.state, VALUE_KNOWN);
        ck_assert_int_eq(value.number, number);
}

START_TEST(an_exec_that_was_refused_gets_its_image_and_who_made_it) {
        struct event event;
        struct value value;

        setup();
        see(100, ENFORCE_AT_EXEC, "/tmp/x");
        ck_assert(refusals_complete(refusals, call_at(150, WIRE_KIND_execve, -EPERM), &copy));
        event = completed();
        expect_text(&event, WIRE_FIELD_execve_exe, "/tmp/x");
        expect_number(&event, WIRE_FIELD_execve_old_uid, 1);
        expect_number(&event, WIRE_FIELD_execve_old_euid, 2);
        expect_number(&event, WIRE_FIELD_execve_old_gid, 3);
        expect_number(&event, WIRE_FIELD_execve_old_egid, 4);
        event_get(&event, (enum field)WIRE_FIELD_execve_file, &value);
        ck_assert_int_eq(value.state, VALUE_KNOWN);
        ck_assert_uint_eq(value.object.inode, 77);
        ck_assert_uint_eq(value.object.device, 8);
        ck_assert_uint_eq(value.object.generation, 9);
        ck_assert(event.wire->flags & WIRE_FAILED);
        teardown();
}
END_TEST

START_TEST(an_open_that_was_refused_gets_the_kernel_s_name_in_the_place_of_the_given_one) {
        struct event event;

        setup();
        see(100, ENFORCE_AT_OPEN, "/etc/x");
        ck_assert(refusals_complete(refusals, call_at(150, WIRE_KIND_openat, -EPERM), &copy));
        event = completed();
        expect_text(&event, WIRE_FIELD_openat_pathname, "/etc/x");

        /* In a copy that is there already. */
        see(200, ENFORCE_AT_OPEN, "/etc/y");
        record_copy(&copy, call_at(250, WIRE_KIND_openat, -EPERM));
        ck_assert_int_eq(record_finish(&copy), 0);
        ck_assert(refusals_complete(refusals, &copy.header, &copy));
        event = completed();
        expect_text(&event, WIRE_FIELD_openat_pathname, "/etc/y");
        teardown();
}
END_TEST

START_TEST(each_call_gets_its_own_refusal_also_if_later_ones_are_known) {
        struct event event;

        setup();
        see(100, ENFORCE_AT_OPEN, "/1");
        see(200, ENFORCE_AT_OPEN, "/2");
        see(300, ENFORCE_AT_OPEN, "/3");
        ck_assert(refusals_complete(refusals, call_at(150, WIRE_KIND_openat, -EPERM), &copy));
        event = completed();
        expect_text(&event, WIRE_FIELD_openat_pathname, "/1");
        ck_assert(refusals_complete(refusals, call_at(250, WIRE_KIND_openat, -EPERM), &copy));
        event = completed();
        expect_text(&event, WIRE_FIELD_openat_pathname, "/2");
        ck_assert(!refusals_complete(refusals, call_at(260, WIRE_KIND_openat, -EPERM), &copy));
        teardown();
}
END_TEST

#define NOT_COMPLETED(header) ck_assert(!refusals_complete(refusals, (header), &copy))

START_TEST(what_was_refused_by_another_or_to_another_stays_as_it_is) {
        struct enforce_verdict verdict;

        setup();
        see(100, ENFORCE_AT_EXEC, "/tmp/x");
        NOT_COMPLETED(call_at(150, WIRE_KIND_execve, -EACCES));
        NOT_COMPLETED(call_at(150, WIRE_KIND_execve, 0));
        NOT_COMPLETED(call_at(150, WIRE_KIND_openat, -EPERM));
        NOT_COMPLETED(call_at(99, WIRE_KIND_execve, -EPERM));
        NOT_COMPLETED(call_at(UINT64_C(2000000000), WIRE_KIND_execve, -EPERM));
        (void)call_at(150, WIRE_KIND_execve, -EPERM);
        record.header.tid = 40;
        NOT_COMPLETED(&record.header);
        record.header.tid = 41;
        record.header.start_ns = 6;
        NOT_COMPLETED(&record.header);

        /* Let through, killed, of a list: no refusal. */
        refusals_free(refusals);
        ck_assert_int_eq(refusals_new(&refusals), 0);
        verdict = verdict_at(100, ENFORCE_AT_EXEC, "/tmp/x");
        verdict.outcome = ENFORCE_WOULD;
        refusals_see(refusals, &verdict);
        verdict.outcome = ENFORCE_KERNEL;
        verdict.killed = 1;
        refusals_see(refusals, &verdict);
        verdict.killed = 0;
        verdict.list = ENFORCE_EXECUTABLES;
        refusals_see(refusals, &verdict);
        verdict.list = ENFORCE_POLICIES;
        verdict.inode = 0;
        refusals_see(refusals, &verdict);
        NOT_COMPLETED(call_at(150, WIRE_KIND_execve, -EPERM));
        teardown();
}
END_TEST

START_TEST(the_oldest_gives_way) {
        setup();
        for (uint64_t i = 0; i <= REFUSALS_MAX; i++)
                see(100 + 10 * i, ENFORCE_AT_EXEC, "/tmp/x");
        NOT_COMPLETED(call_at(105, WIRE_KIND_execve, -EPERM));
        ck_assert(refusals_complete(refusals, call_at(115, WIRE_KIND_execve, -EPERM), &copy));
        teardown();
}
END_TEST

UNIT_MAIN("capture/refusals",
          an_exec_that_was_refused_gets_its_image_and_who_made_it,
          an_open_that_was_refused_gets_the_kernel_s_name_in_the_place_of_the_given_one,
          each_call_gets_its_own_refusal_also_if_later_ones_are_known,
          what_was_refused_by_another_or_to_another_stays_as_it_is,
          the_oldest_gives_way)

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evidence.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "event/encode.h"
#include "unit.h"

static struct evidence evidence;
static struct record record;
static struct event event;

static void setup(size_t slab_bytes) {
        ck_assert_int_eq(evidence_init(&evidence, 100, 100, slab_bytes), 0);
}

/* Nothing may be left when all references are given up. */
static void teardown(void) {
        ck_assert_uint_eq(evidence.steps.n_used, 0);
        ck_assert_uint_eq(evidence.captures.n_used, 0);
        ck_assert_uint_eq(evidence.slab.used_bytes, 0);
        evidence_done(&evidence);
}

static void begin(const char *path) {
        record_begin(&record, WIRE_KIND_openat);
        record.header.tgid = record.header.tid = 7;
        record.header.time_ns = ++event.time_ns;
        record_set_text(&record, FIELD_openat_pathname, path);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        evidence_begin(&evidence, &event, NULL, event.time_ns);
}

static uint32_t push(uint32_t previous) {
        return evidence_push(&evidence, previous, 0, 0, false, false);
}

static void capture_path(uint32_t step, uint16_t slot) {
        struct value value;
        struct token token;

        event_get(&event, FIELD_openat_pathname, &value);
        token = evidence_token(&evidence, &value);
        evidence_bind(&evidence, step, slot, &value, &token);
}

static const char *bound(uint32_t step, uint16_t slot) {
        static char text[64];
        struct value value;

        evidence_value(evidence_find(&evidence, step, slot), &value);
        ck_assert_int_eq(value.state, VALUE_KNOWN);
        snprintf(text, sizeof(text), "%.*s", (int)value.length, value.bytes);
        return text;
}

START_TEST(steps_of_one_event_share_one_copy_of_its_record) {
        uint32_t a, b;

        setup(1 << 16);
        begin("/a");
        a = push(EVIDENCE_NONE);
        b = push(EVIDENCE_NONE);
        ck_assert_ptr_nonnull(evidence_step(&evidence, a)->kept);
        ck_assert_ptr_eq(evidence_step(&evidence, a)->kept, evidence_step(&evidence, b)->kept);
        evidence_end(&evidence);
        memset(&record, 0, 100);

        evidence_unref(&evidence, a);
        ck_assert_uint_eq(((const struct wire_header *)evidence_step(&evidence, b)->kept->record)->tgid, 7);
        evidence_unref(&evidence, b);
        teardown();
}
END_TEST

START_TEST(forked_lists_share_their_older_part) {
        uint32_t first, a, b;

        setup(1 << 16);
        begin("/a");
        first = push(EVIDENCE_NONE);
        capture_path(first, 0);
        evidence_end(&evidence);
        begin("/b");
        a = push(evidence_ref(&evidence, first));
        b = push(first);
        capture_path(b, 1);
        evidence_end(&evidence);

        ck_assert_uint_eq(evidence_step(&evidence, a)->done, 2);
        ck_assert_str_eq(bound(a, 0), "/a");
        ck_assert_str_eq(bound(b, 0), "/a");
        ck_assert_str_eq(bound(b, 1), "/b");
        ck_assert_ptr_null(evidence_find(&evidence, a, 1));
        ck_assert_uint_eq(evidence.steps.n_used, 3);
        evidence_unref(&evidence, b);
        ck_assert_uint_eq(evidence.steps.n_used, 2);
        ck_assert_str_eq(bound(a, 0), "/a");
        evidence_unref(&evidence, a);
        teardown();
}
END_TEST

START_TEST(cut_list_keeps_what_came_before) {
        uint32_t list;

        setup(1 << 16);
        begin("/a");
        list = push(EVIDENCE_NONE);
        capture_path(list, 0);
        list = push(list);
        capture_path(list, 1);
        list = push(list);
        evidence_end(&evidence);

        list = evidence_cut(&evidence, list, 1);
        ck_assert_uint_eq(evidence_step(&evidence, list)->done, 1);
        ck_assert_ptr_nonnull(evidence_find(&evidence, list, 0));
        ck_assert_ptr_null(evidence_find(&evidence, list, 1));
        ck_assert_uint_eq(evidence.steps.n_used, 1);
        evidence_unref(&evidence, list);
        teardown();
}
END_TEST

START_TEST(repetition_of_a_step_that_others_share_is_counted_in_a_copy) {
        uint32_t first, second, counted;

        setup(1 << 16);
        begin("/a");
        first = push(EVIDENCE_NONE);
        capture_path(first, 0);
        evidence_end(&evidence);
        begin("/b");
        second = push(evidence_ref(&evidence, first));
        counted = evidence_count(&evidence, evidence_ref(&evidence, second), first);
        evidence_end(&evidence);

        ck_assert_uint_eq(evidence_step(&evidence, first)->count, 1);
        ck_assert_uint_ne(counted, second);
        first = evidence_step(&evidence, counted)->previous;
        ck_assert_uint_eq(evidence_step(&evidence, first)->count, 2);
        ck_assert_uint_eq(evidence_step(&evidence, first)->last_ns, event.time_ns);
        ck_assert_str_eq(bound(counted, 0), "/a");
        evidence_unref(&evidence, evidence_step(&evidence, second)->previous);
        evidence_unref(&evidence, second);
        ck_assert_str_eq(bound(counted, 0), "/a");
        evidence_unref(&evidence, counted);
        teardown();
}
END_TEST

START_TEST(repetition_of_a_step_of_ones_own_is_counted_in_place) {
        uint32_t step;

        setup(1 << 16);
        begin("/a");
        step = push(EVIDENCE_NONE);
        ck_assert_uint_eq(evidence_count(&evidence, step, step), step);
        ck_assert_uint_eq(evidence_step(&evidence, step)->count, 2);
        evidence_step(&evidence, step)->count = UINT32_MAX;
        evidence_count(&evidence, step, step);
        ck_assert_uint_eq(evidence_step(&evidence, step)->count, UINT32_MAX);
        evidence_end(&evidence);
        evidence_unref(&evidence, step);
        teardown();
}
END_TEST

START_TEST(full_slab_refuses_and_counts_but_tokens_remain) {
        uint32_t steps[100], n = 0;
        const struct captured *capture;
        struct value value;
        struct token token;

        setup(4096);
        do {
                begin("/a");
                steps[n] = push(EVIDENCE_NONE);
                capture_path(steps[n], 0);
                evidence_end(&evidence);
        } while (evidence_step(&evidence, steps[n++])->kept);
        ck_assert_uint_eq(evidence.n_refused, 1);

        capture = evidence_find(&evidence, steps[n - 1], 0);
        event_get(&event, FIELD_openat_pathname, &value);
        token = evidence_token(&evidence, &value);
        ck_assert(token_equal(&capture->token, &token));
        evidence_value(capture, &value);
        ck_assert_int_eq(value.state, VALUE_UNKNOWN);
        while (n > 0)
                evidence_unref(&evidence, steps[--n]);
        teardown();
}
END_TEST

START_TEST(bytes_that_are_not_of_the_record_are_copied) {
        char name[] = "curl";
        struct value value = {.bytes = name, .length = 4, .type = VALUE_STRING, .state = VALUE_KNOWN};
        struct token token;
        uint32_t step;

        setup(1 << 16);
        begin("/a");
        step = push(EVIDENCE_NONE);
        token = evidence_token(&evidence, &value);
        evidence_bind(&evidence, step, 3, &value, &token);
        evidence_end(&evidence);
        memset(name, 'x', 4);
        ck_assert_str_eq(bound(step, 3), "curl");
        evidence_unref(&evidence, step);
        teardown();
}
END_TEST

static struct token token_of(struct value value) {
        value.state = VALUE_KNOWN;
        return evidence_token(&evidence, &value);
}

START_TEST(values_are_the_same_token_only_if_they_are_equal_and_come_back_from_it) {
        const struct wire_object file = {.device = 8, .generation = 2, .inode = 1000};
        struct value ipv4 = {.type = VALUE_ADDRESS, .address = {.bytes = {10, 0, 0, 1}, .family = AF_INET}}, back;
        struct value mapped = {.type = VALUE_ADDRESS,
                               .address = {.bytes = {[10] = 255, 255, 10, 0, 0, 1}, .family = AF_INET6}};
        struct captured capture = {.type = VALUE_OBJECT};
        struct token a, b;

        setup(4096);
        a = token_of((struct value){.type = VALUE_STRING, .bytes = "/a", .length = 2});
        b = token_of((struct value){.type = VALUE_STRING, .bytes = "/a\0", .length = 3});
        ck_assert(!token_equal(&a, &b));
        a = token_of(ipv4);
        b = token_of(mapped);
        ck_assert(token_equal(&a, &b));
        capture.type = VALUE_ADDRESS;
        capture.token = b;
        evidence_value(&capture, &back);
        ck_assert_int_eq(back.address.family, AF_INET);
        ck_assert_mem_eq(back.address.bytes, ipv4.address.bytes, 4);

        capture.type = VALUE_OBJECT;
        capture.token = token_of((struct value){.type = VALUE_OBJECT, .object = file});
        evidence_value(&capture, &back);
        ck_assert_mem_eq(&back.object, &file, sizeof(file));

        a = evidence_weight(&evidence, 0, VALUE_NUMBER, &a);
        b = evidence_weight(&evidence, 1, VALUE_NUMBER, &b);
        ck_assert(!token_equal(&a, &b));        /* the same in another slot is something else */
        teardown();
}
END_TEST

UNIT_MAIN("engine/evidence",
          steps_of_one_event_share_one_copy_of_its_record,
          forked_lists_share_their_older_part,
          cut_list_keeps_what_came_before,
          repetition_of_a_step_that_others_share_is_counted_in_a_copy,
          repetition_of_a_step_of_ones_own_is_counted_in_place,
          full_slab_refuses_and_counts_but_tokens_remain,
          bytes_that_are_not_of_the_record_are_copied,
          values_are_the_same_token_only_if_they_are_equal_and_come_back_from_it)

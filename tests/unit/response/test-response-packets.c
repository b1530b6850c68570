/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-packets.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

/* As it comes out of a socket. */
static int open_copy(const struct strbuf *b, size_t n, struct response_message *ret) {
        static uint64_t memory[RESPONSE_MESSAGE_MAX / 8];

        memset(memory, 0xff, sizeof(memory));
        memcpy(memory, b->data, n);
        return response_message_open(memory, n, ret);
}

START_TEST(an_alert_arrives_as_it_was_sent) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        static const struct script_process processes[] = {{.pid = 7, .start_ns = 1U << 31}, {.pid = 8, .inode = 3}};
        const struct response_alert sent = {
                .responders = {"notify", "kill $shell"},
                .n_responders = 2,
                .policy = "a policy",
                .json = "{\"a\":1}",
                .n_json = 7,
                .processes = processes,
                .n_processes = 2,
                .number = 42,
                .generation = UINT64_MAX,
        };
        struct response_message message;
        struct response_alert got;

        response_put_alert(99, &sent, &b);
        ck_assert_int_eq(b.error, 0);
        ck_assert_int_eq(open_copy(&b, b.n, &message), 0);
        ck_assert_uint_eq(message.id, 99);
        ck_assert_int_eq(response_parse_alert(message, &got), 0);
        ck_assert_uint_eq(got.n_responders, 2);
        ck_assert_str_eq(got.responders[1], "kill $shell");
        ck_assert_str_eq(got.policy, "a policy");
        ck_assert_uint_eq(got.n_json, 7);
        ck_assert_str_eq(got.json, "{\"a\":1}");
        ck_assert_uint_eq(got.n_processes, 2);
        ck_assert_mem_eq(got.processes, processes, sizeof(processes));
        ck_assert_uint_eq(got.number, 42);
        ck_assert_uint_eq(got.generation, UINT64_MAX);
        ck_assert_int_eq(response_parse_answer(message, &(struct alert_response){}), -EBADMSG);
}
END_TEST

START_TEST(a_step_arrives_as_one_and_an_alert_as_none) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct response_alert sent = {.policy = "p", .json = "{}", .n_json = 2, .generation = 3, .step = 2}, got;
        struct response_message message;

        response_put_alert(1, &sent, &b);
        ck_assert_int_eq(open_copy(&b, b.n, &message), 0);
        ck_assert_int_eq(response_parse_alert(message, &got), 0);
        ck_assert_uint_eq(got.step, 2);
        ck_assert_uint_eq(got.number, 0);
        ck_assert_uint_eq(got.generation, 3);

        sent.step = 0;
        response_put_alert(1, &sent, &b);
        ck_assert_int_eq(open_copy(&b, b.n, &message), 0);
        ck_assert_int_eq(response_parse_alert(message, &got), 0);
        ck_assert_uint_eq(got.step, 0);
}
END_TEST

START_TEST(an_answer_arrives_as_it_was_sent) {
        _cleanup_(script_answer_done) struct script_answer answer = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct response_message message;
        struct alert_response got;

        script_answer_field(&answer, "a", "1", 1);
        script_answer_field(&answer, "b", "", 0);
        script_answer_action(&answer, "r", "signal process=1", SCRIPT_ACTION_DRY, "it would");
        script_answer_error(&answer, "r", "x.lua:1: wrong", 14);
        script_answer_line(&answer, "said", 4);
        script_answer_severity(&answer, "low");
        script_answer_suppress(&answer, "known", 5);
        answer.n_left_out = 3;

        response_put_answer(5, &answer, &b);
        ck_assert_int_eq(open_copy(&b, b.n, &message), 0);
        ck_assert_int_eq(response_parse_answer(message, &got), 0);
        ck_assert_int_eq(got.state, ALERT_RESPONSE_ANSWERED);
        ck_assert_uint_eq(got.n_fields, 2);
        ck_assert_str_eq(got.fields[1].name, "b");
        ck_assert_str_eq(got.fields[1].value, "");
        ck_assert_uint_eq(got.n_actions, 1);
        ck_assert_str_eq(got.actions[0].state, "dry-run");
        ck_assert_str_eq(got.actions[0].result, "it would");
        ck_assert_str_eq(got.errors[0].text, "x.lua:1: wrong");
        ck_assert_str_eq(got.lines[0], "said");
        ck_assert(got.has_severity && got.severity == SEVERITY_LOW);
        ck_assert_str_eq(got.suppressed, "known");
        ck_assert_uint_eq(got.n_left_out, 3);
}
END_TEST

START_TEST(a_packet_that_is_cut_or_bent_is_refused) {
        _cleanup_(script_answer_done) struct script_answer answer = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct response_message message;
        struct response_header *header;

        script_answer_field(&answer, "name", "value", 5);
        response_put_answer(5, &answer, &b);
        for (size_t n = 0; n < b.n; n++)
                ck_assert_int_eq(open_copy(&b, n, &message), -EBADMSG);

        header = (struct response_header *)b.data;
        header->n_items++;
        ck_assert_int_eq(open_copy(&b, b.n, &message), -EBADMSG);
        header->n_items -= 2;
        ck_assert_int_eq(open_copy(&b, b.n, &message), -EBADMSG);
        header->n_items++;
        header->type = 77;
        ck_assert_int_eq(open_copy(&b, b.n, &message), -EBADMSG);
        header->type = RESPONSE_ANSWER;
        b.data[b.n - 1] = 'x';                  /* behind the NUL of "value": padding, which nobody reads */
        ck_assert_int_eq(open_copy(&b, b.n, &message), 0);
        *(char *)memchr(b.data + b.n - 8, 0, 8) = 'x';
        ck_assert_int_eq(open_copy(&b, b.n, &message), -EBADMSG);
}
END_TEST

START_TEST(what_is_too_large_is_no_packet) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        static char json[RESPONSE_MESSAGE_MAX];
        const struct response_alert sent = {.policy = "p", .json = json, .n_json = sizeof(json)};

        memset(json, ' ', sizeof(json));
        response_put_alert(1, &sent, &b);
        ck_assert_int_eq(b.error, -ENOSPC);
}
END_TEST

UNIT_MAIN("response/response-packets",
          an_alert_arrives_as_it_was_sent,
          a_step_arrives_as_one_and_an_alert_as_none,
          an_answer_arrives_as_it_was_sent,
          a_packet_that_is_cut_or_bent_is_refused,
          what_is_too_large_is_no_packet)

/* SPDX-License-Identifier: Apache-2.0 */
#include "program/predicate.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "program-builder.h"
#include "unit.h"

#define PATHNAME WIRE_FIELD_openat_pathname

static struct value string(const char *text) {
        return (struct value){.type = VALUE_STRING, .state = VALUE_KNOWN, .bytes = text, .length = strlen(text)};
}

static struct value cut(const char *text) {
        struct value value = string(text);

        value.state = VALUE_CUT;
        return value;
}

static struct value number(int64_t n) {
        return (struct value){.type = VALUE_NUMBER, .state = VALUE_KNOWN, .number = n};
}

/* A program of one path with one step; its only predicate is the one that is asked. */
static struct program *program_with(struct builder *b, uint32_t condition, enum wire_kind kind) {
        builder_path(b, "p");
        builder_position(b);
        builder_step(b, kind, condition, POSITION_ACCEPT);
        return builder_finish(b);
}

static enum truth ask_text(enum predicate_op op, const char *text, struct value value) {
        struct builder b;
        struct program *program;
        enum truth answer;

        builder_init(&b);
        program = program_with(&b, builder_text(&b, op, PATHNAME, text), WIRE_KIND_openat);
        answer = predicate_test(program, &program->predicates[0], &value, NULL);
        program_unref(program);
        return answer;
}

static enum truth ask_number(enum predicate_op op, int64_t constant, struct value value) {
        struct builder b;
        struct program *program;
        enum truth answer;

        builder_init(&b);
        program = program_with(&b, builder_number(&b, op, WIRE_FIELD_openat_flags, constant), WIRE_KIND_openat);
        answer = predicate_test(program, &program->predicates[0], &value, NULL);
        program_unref(program);
        return answer;
}

START_TEST(strings_compare_as_their_operation_says) {
        ck_assert_int_eq(ask_text(PREDICATE_STRING, "/a", string("/a")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_STRING, "/a", string("/A")), TRUTH_FALSE);
        ck_assert_int_eq(ask_text(PREDICATE_STRING_FOLD, "/a", string("/A")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_PREFIX, "/tmp/", string("/tmp/x")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_PREFIX, "/tmp/", string("/tmp")), TRUTH_FALSE);
        ck_assert_int_eq(ask_text(PREDICATE_SUFFIX, ".sh", string("a.sh")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_CONTAINS, "nc", string("/bin/ncat")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_PREFIX_FOLD, "/tmp/", string("/TMP/x")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_SUFFIX_FOLD, ".sh", string("a.Sh")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_CONTAINS_FOLD, "nc", string("/bin/NCAT")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_CONTAINS_FOLD, "nc", string("/bin/ncb")), TRUTH_TRUE);
        ck_assert_int_eq(ask_text(PREDICATE_CONTAINS_FOLD, "nc", string("/bin/n")), TRUTH_FALSE);
        ck_assert_int_eq(ask_text(PREDICATE_GLOB, "/home/*/x", string("/home/eve/x")), TRUTH_TRUE);
}
END_TEST

START_TEST(what_is_not_known_is_neither_true_nor_false) {
        struct value unknown = {.type = VALUE_STRING, .state = VALUE_UNKNOWN};
        static const enum predicate_op ops[] = {PREDICATE_STRING, PREDICATE_STRING_FOLD, PREDICATE_PREFIX,
                                                PREDICATE_SUFFIX, PREDICATE_CONTAINS, PREDICATE_GLOB,
                                                PREDICATE_PREFIX_FOLD, PREDICATE_SUFFIX_FOLD, PREDICATE_CONTAINS_FOLD};

        for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
                ck_assert_int_eq(ask_text(ops[i], "x", unknown), TRUTH_UNKNOWN);
        unknown.type = VALUE_NUMBER;
        ck_assert_int_eq(ask_number(PREDICATE_EQUAL, 0, unknown), TRUTH_UNKNOWN);
        ck_assert_int_eq(ask_number(PREDICATE_BITS_ANY, 1, unknown), TRUTH_UNKNOWN);
}
END_TEST

START_TEST(known_is_never_unknown_itself) {
        struct value unknown = {.type = VALUE_STRING, .state = VALUE_UNKNOWN}, known = cut("a");
        struct builder b;
        struct program *program;

        builder_init(&b);
        program = program_with(
                &b,
                builder_predicate(&b,
                                  (struct predicate){.field = PATHNAME, .op = PREDICATE_KNOWN, .index = INDEX_NONE}),
                WIRE_KIND_openat);
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &unknown, NULL), TRUTH_FALSE);
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &known, NULL), TRUTH_TRUE);
        program_unref(program);
}
END_TEST

START_TEST(numbers_compare_signed_and_bits_as_bits) {
        ck_assert_int_eq(ask_number(PREDICATE_LESS, 0, number(-1)), TRUTH_TRUE);
        ck_assert_int_eq(ask_number(PREDICATE_LESS_EQUAL, -1, number(-1)), TRUTH_TRUE);
        ck_assert_int_eq(ask_number(PREDICATE_GREATER, -1, number(0)), TRUTH_TRUE);
        ck_assert_int_eq(ask_number(PREDICATE_GREATER_EQUAL, 1, number(0)), TRUTH_FALSE);
        ck_assert_int_eq(ask_number(PREDICATE_BITS_ANY, 6, number(2)), TRUTH_TRUE);
        ck_assert_int_eq(ask_number(PREDICATE_BITS_ALL, 6, number(2)), TRUTH_FALSE);
        ck_assert_int_eq(ask_number(PREDICATE_BITS_ALL, 6, number(7)), TRUTH_TRUE);
}
END_TEST

START_TEST(members_of_a_list_are_found_and_others_not) {
        static const int64_t numbers[] = {-5, 0, 3, 4, 1000};
        struct predicate predicate = {
                .field = WIRE_FIELD_openat_flags, .op = PREDICATE_IN_NUMBERS, .index = INDEX_NONE};
        struct builder b;
        struct program *program;

        builder_init(&b);
        predicate.list.first = b.assembly.numbers.n;
        for (size_t i = 0; i < 5; i++) {
                ASSEMBLY_ADD(&b.assembly, numbers, (struct int64_t_){numbers[i]});
                predicate.list.n++;
        }
        program = program_with(&b, builder_predicate(&b, predicate), WIRE_KIND_openat);
        for (int64_t n = -10; n < 1010; n++) {
                struct value value = number(n);
                bool member = n == -5 || n == 0 || n == 3 || n == 4 || n == 1000;

                ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL),
                                 member ? TRUTH_TRUE : TRUTH_FALSE);
        }
        program_unref(program);
}
END_TEST

START_TEST(strings_of_a_list_are_found_and_a_cut_one_is_open) {
        static const char *const texts[] = {"/a", "/ab", "/b"};
        struct predicate predicate = {.field = PATHNAME, .op = PREDICATE_IN_STRINGS, .index = INDEX_NONE};
        struct builder b;
        struct program *program;
        struct value value;

        builder_init(&b);
        for (size_t i = 0; i < 3; i++) {
                ASSEMBLY_ADD(&b.assembly, texts, assembly_string(&b.assembly, texts[i], strlen(texts[i])));
                predicate.list.n++;
        }
        program = program_with(&b, builder_predicate(&b, predicate), WIRE_KIND_openat);

        for (size_t i = 0; i < 3; i++) {
                value = string(texts[i]);
                ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_TRUE);
        }
        value = string("/");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_FALSE);
        value = string("/aa");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_FALSE);
        value = cut("/a");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_UNKNOWN);
        value = cut("/c");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_FALSE);
        program_unref(program);
}
END_TEST

START_TEST(an_address_is_in_a_network_by_its_first_bits) {
        struct predicate predicate = {
                .field = WIRE_FIELD_connect_daddr, .op = PREDICATE_IN_NETWORKS, .index = INDEX_NONE, .list = {.n = 1}};
        struct program_network network = {.address = {.bytes = {10}, .family = AF_INET}, .prefix = 8};
        struct value value = {.type = VALUE_ADDRESS, .state = VALUE_KNOWN, .address = {.family = AF_INET}};
        struct builder b;
        struct program *program;

        builder_init(&b);
        ASSEMBLY_ADD(&b.assembly, networks, network);
        program = program_with(&b, builder_predicate(&b, predicate), WIRE_KIND_connect);

        inet_pton(AF_INET, "10.1.2.3", value.address.bytes);
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_TRUE);
        inet_pton(AF_INET, "11.1.2.3", value.address.bytes);
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_FALSE);
        value.state = VALUE_UNKNOWN;
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_UNKNOWN);
        program_unref(program);
}
END_TEST

START_TEST(a_regex_decides_whole_values_only) {
        struct value value = string("/tmp/a\nb.sh");
        struct builder b;
        struct program *program;

        builder_init(&b);
        program = program_with(&b, builder_regex(&b, PATHNAME, "^/tmp/.*\\.sh$"), WIRE_KIND_openat);
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_TRUE);
        value = string("/tmp/x");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_FALSE);
        value = cut("/etc/x");
        ck_assert_int_eq(predicate_test(program, &program->predicates[0], &value, NULL), TRUTH_UNKNOWN);
        program_unref(program);
}
END_TEST

static enum truth ask_list(int16_t index, const char *text, const char *bytes, size_t n, enum value_state state) {
        struct value list = {.type = VALUE_LIST, .state = state, .bytes = bytes, .length = n};
        struct builder b;
        struct program *program;
        enum truth answer;

        builder_init(&b);
        program = program_with(
                &b,
                builder_predicate(&b, (struct predicate){.field = WIRE_FIELD_execve_argv,
                                                         .op = PREDICATE_STRING,
                                                         .index = index,
                                                         .string = assembly_string(&b.assembly, text, strlen(text))}),
                WIRE_KIND_execve);
        answer = predicate_test_list(program, &program->predicates[0], &list, NULL);
        program_unref(program);
        return answer;
}

START_TEST(any_element_of_a_list_will_do_and_a_cut_one_may_hide_some) {
        static const char argv[] = "sh\0-c\0id";       /* the literal brings the last NUL */

        ck_assert_int_eq(ask_list(INDEX_ANY, "-c", argv, sizeof(argv), VALUE_KNOWN), TRUTH_TRUE);
        ck_assert_int_eq(ask_list(INDEX_ANY, "-i", argv, sizeof(argv), VALUE_KNOWN), TRUTH_FALSE);
        ck_assert_int_eq(ask_list(INDEX_ANY, "-c", argv, sizeof(argv), VALUE_CUT), TRUTH_TRUE);
        ck_assert_int_eq(ask_list(INDEX_ANY, "id", argv, sizeof(argv), VALUE_CUT), TRUTH_UNKNOWN);
        ck_assert_int_eq(ask_list(INDEX_ANY, "id", argv, sizeof(argv), VALUE_UNKNOWN), TRUTH_UNKNOWN);
        ck_assert_int_eq(ask_list(INDEX_ANY, "id", argv, 0, VALUE_KNOWN), TRUTH_FALSE);
}
END_TEST

START_TEST(an_element_behind_the_end_is_false_or_in_a_cut_list_unknown) {
        static const char argv[] = "sh\0-c\0id";

        ck_assert_int_eq(ask_list(1, "-c", argv, sizeof(argv), VALUE_KNOWN), TRUTH_TRUE);
        ck_assert_int_eq(ask_list(0, "-c", argv, sizeof(argv), VALUE_KNOWN), TRUTH_FALSE);
        ck_assert_int_eq(ask_list(3, "-c", argv, sizeof(argv), VALUE_KNOWN), TRUTH_FALSE);
        ck_assert_int_eq(ask_list(3, "-c", argv, sizeof(argv), VALUE_CUT), TRUTH_UNKNOWN);
        ck_assert_int_eq(ask_list(2, "id", argv, sizeof(argv), VALUE_CUT), TRUTH_UNKNOWN);
}
END_TEST

UNIT_MAIN("program/predicate",
          strings_compare_as_their_operation_says,
          what_is_not_known_is_neither_true_nor_false,
          known_is_never_unknown_itself,
          numbers_compare_signed_and_bits_as_bits,
          members_of_a_list_are_found_and_others_not,
          strings_of_a_list_are_found_and_a_cut_one_is_open,
          an_address_is_in_a_network_by_its_first_bits,
          a_regex_decides_whole_values_only,
          any_element_of_a_list_will_do_and_a_cut_one_may_hide_some,
          an_element_behind_the_end_is_false_or_in_a_cut_list_unknown)

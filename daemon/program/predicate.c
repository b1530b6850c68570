/* SPDX-License-Identifier: Apache-2.0 */
#include "program/predicate.h"

#include <string.h>

#include "event/compare.h"
#include "program/glob.h"
#include "program/regex.h"
#include "program/value-lists.h"

static inline enum truth truth_of(bool answer) {
        return answer ? TRUTH_TRUE : TRUTH_FALSE;
}

static bool number_in_list(const struct program *program, struct program_range list, int64_t number) {
        const struct int64_t_ *numbers = program->numbers + list.first;
        size_t low = 0, high = list.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (numbers[middle].value == number)
                        return true;
                if (numbers[middle].value < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

static enum truth test_number(const struct program *program, const struct predicate *predicate,
                              const struct value *value) {
        int64_t number = value->number;

        if (value->type != VALUE_NUMBER)
                return TRUTH_FALSE;
        if (value->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;

        switch ((int)predicate->op) {
        case PREDICATE_EQUAL: return truth_of(number == predicate->number);
        case PREDICATE_LESS: return truth_of(number < predicate->number);
        case PREDICATE_LESS_EQUAL: return truth_of(number <= predicate->number);
        case PREDICATE_GREATER: return truth_of(number > predicate->number);
        case PREDICATE_GREATER_EQUAL: return truth_of(number >= predicate->number);
        case PREDICATE_BITS_ANY: return value_has_any(value, predicate->number);
        case PREDICATE_BITS_ALL: return value_has_all(value, predicate->number);
        case PREDICATE_IN_NUMBERS: return truth_of(number_in_list(program, predicate->list, number));
        }
        return TRUTH_FALSE;
}

/* Whole values are looked up in the sorted list; of a cut one each string has to be asked whether it could be meant. */
static enum truth test_in_strings(const struct program *program, struct program_range list, const struct value *value) {
        const struct program_string *strings = program->texts + list.first;
        enum truth answer = TRUTH_FALSE;
        size_t low = 0, high = list.n;

        if (value->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;

        if (value->state == VALUE_CUT) {
                for (size_t i = 0; i < list.n && answer != TRUTH_TRUE; i++)
                        answer = truth_or(answer,
                                          value_is_bytes(value, program_text(program, strings[i]), strings[i].length));
                return answer;
        }

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                struct program_string s = strings[middle];
                size_t n = s.length < value->length ? s.length : value->length;
                int order = n > 0 ? memcmp(program_text(program, s), value->bytes, n) : 0;

                if (order == 0 && s.length == value->length)
                        return TRUTH_TRUE;
                if (order < 0 || (order == 0 && s.length < value->length))
                        low = middle + 1;
                else
                        high = middle;
        }
        return TRUTH_FALSE;
}

static enum truth test_glob(const struct program *program, struct program_string glob, const struct value *value) {
        if (value->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        return glob_match(program_text(program, glob), glob.length, value->bytes, value->length,
                          value->state == VALUE_CUT);
}

static enum truth test_string(const struct program *program, const struct predicate *predicate,
                              const struct value *value) {
        const char *text = program_text(program, predicate->string);
        size_t length = predicate->string.length;
        enum truth answer = TRUTH_FALSE;

        if (value->type != VALUE_STRING)
                return TRUTH_FALSE;

        switch ((int)predicate->op) {
        case PREDICATE_STRING: return value_is_bytes(value, text, length);
        case PREDICATE_STRING_FOLD: return value_is_bytes_ignoring_case(value, text, length);
        case PREDICATE_PREFIX: return value_starts_with(value, text, length);
        case PREDICATE_SUFFIX: return value_ends_with(value, text, length);
        case PREDICATE_CONTAINS: return value_contains(value, text, length);
        case PREDICATE_PREFIX_FOLD: return value_starts_with_ignoring_case(value, text, length);
        case PREDICATE_SUFFIX_FOLD: return value_ends_with_ignoring_case(value, text, length);
        case PREDICATE_CONTAINS_FOLD: return value_contains_ignoring_case(value, text, length);
        case PREDICATE_GLOB: return test_glob(program, predicate->string, value);
        case PREDICATE_IN_GLOBS:
                for (size_t i = 0; i < predicate->list.n && answer != TRUTH_TRUE; i++)
                        answer = truth_or(answer, test_glob(program, program->texts[predicate->list.first + i], value));
                return answer;
        }
        return TRUTH_FALSE;
}

static enum truth test_networks(const struct program *program, struct program_range list, const struct value *value) {
        enum truth answer = TRUTH_FALSE;

        for (size_t i = 0; i < list.n && answer == TRUTH_FALSE; i++) {
                const struct program_network *network = &program->networks[list.first + i];

                answer = value_in_network(value, &network->address, network->prefix);
        }
        return answer;
}

/* A regex can look at any byte, so of a cut value nothing is decided. */
static enum truth test_regex(const struct program *program, uint32_t i, const struct value *value) {
        const struct regex_text *text = &program->regexes[i];

        if (value->type != VALUE_STRING)
                return TRUTH_FALSE;
        if (value->state != VALUE_KNOWN)
                return TRUTH_UNKNOWN;
        if (text->literal.length > 0 &&
            !memmem(value->bytes, value->length, program_text(program, text->literal), text->literal.length))
                return TRUTH_FALSE;
        return regex_match(program->compiled[i], value->bytes, value->length);
}

static enum truth test_listed(const struct program *program, struct program_string name, const struct value *value,
                              const struct predicate_now *now) {
        return value_lists_has(now ? now->lists : NULL, program_text(program, name), name.length, value,
                               now ? now->time_ns : 0);
}

enum truth predicate_test(const struct program *program, const struct predicate *predicate, const struct value *value,
                          const struct predicate_now *now) {
        switch ((enum predicate_op)predicate->op) {
        case PREDICATE_EQUAL:
        case PREDICATE_LESS:
        case PREDICATE_LESS_EQUAL:
        case PREDICATE_GREATER:
        case PREDICATE_GREATER_EQUAL:
        case PREDICATE_BITS_ANY:
        case PREDICATE_BITS_ALL:
        case PREDICATE_IN_NUMBERS:
                return test_number(program, predicate, value);
        case PREDICATE_STRING:
        case PREDICATE_STRING_FOLD:
        case PREDICATE_PREFIX:
        case PREDICATE_SUFFIX:
        case PREDICATE_CONTAINS:
        case PREDICATE_PREFIX_FOLD:
        case PREDICATE_SUFFIX_FOLD:
        case PREDICATE_CONTAINS_FOLD:
        case PREDICATE_GLOB:
        case PREDICATE_IN_GLOBS:
                return test_string(program, predicate, value);
        case PREDICATE_IN_STRINGS:
                return value->type == VALUE_STRING ? test_in_strings(program, predicate->list, value) : TRUTH_FALSE;
        case PREDICATE_REGEX:
                return test_regex(program, predicate->regex, value);
        case PREDICATE_IN_NETWORKS:
                return test_networks(program, predicate->list, value);
        case PREDICATE_LISTED:
                return test_listed(program, predicate->string, value, now);
        case PREDICATE_KNOWN:
                return truth_of(value->state != VALUE_UNKNOWN);
        case _PREDICATE_OP_MAX:
                break;
        }
        return TRUTH_FALSE;
}

/* The elements one after the other; value_list_at() would count from the start for each. */
static enum truth test_any(const struct program *program, const struct predicate *predicate, const struct value *list,
                           const struct predicate_now *now) {
        const char *at = list->bytes, *end = list->length > 0 ? at + list->length : at;
        enum truth answer = list->state == VALUE_CUT ? TRUTH_UNKNOWN : TRUTH_FALSE;

        while (at < end && answer != TRUTH_TRUE) {
                const char *nul = memchr(at, 0, end - at);
                struct value element = {
                        .type = VALUE_STRING,
                        .state = VALUE_KNOWN,
                        .bytes = at,
                        .length = nul - at,
                        .user = list->user,
                        .stable = list->stable,
                };

                if (list->state == VALUE_CUT && nul + 1 == end)
                        break;
                answer = truth_or(answer, predicate_test(program, predicate, &element, now));
                at = nul + 1;
        }
        return answer;
}

enum truth predicate_test_list(const struct program *program, const struct predicate *predicate,
                               const struct value *list, const struct predicate_now *now) {
        struct value element;

        if (predicate->op == PREDICATE_KNOWN)
                return truth_of(list->state != VALUE_UNKNOWN);
        if (list->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (predicate->index == INDEX_ANY)
                return test_any(program, predicate, list, now);
        if (predicate->index < 0)
                return TRUTH_FALSE;
        if (!value_list_at(list, predicate->index, &element))
                return list->state == VALUE_CUT ? TRUTH_UNKNOWN : TRUTH_FALSE;
        return predicate_test(program, predicate, &element, now);
}

enum operand_kind predicate_operand(enum predicate_op op) {
        static const uint8_t operands[_PREDICATE_OP_MAX] = {
#define PREDICATE(id, operand, doc) [PREDICATE_##id] = OPERAND_KIND_##operand,
#include "program/predicate.def"
        };

        return op < _PREDICATE_OP_MAX ? (enum operand_kind)operands[op] : OPERAND_KIND_NONE;
}

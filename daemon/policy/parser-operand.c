/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads values: constants and lists of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

/* number = NUMBER ;  in C notation, as a size or as a duration */
static bool parse_number(struct parser *p, struct operand *ret) {
        const char *s = token_bytes(p->source, &p->token);
        size_t n = p->token.length;
        uint64_t value = 0;
        int r;

        r = parse_u64_n(s, n, 0, INT64_MAX, &value);
        if (r == -EINVAL)
                r = parse_size_n(s, n, 0, INT64_MAX, &value);
        if (r == -EINVAL)
                r = parse_duration_n(s, n, 0, INT64_MAX, &value);
        if (r < 0) {
                parser_fail(p, r == -ERANGE ? "the number %s is too large" : "%s is no number", parser_describe(p));
                if (n > 1 && s[0] == '0' && r != -ERANGE)
                        diag_hint(p->diags, "a leading 0 means octal, 0x hexadecimal");
        }
        parser_advance(p);

        ret->type = OPERAND_NUMBER;
        ret->number = (int64_t)value;
        return true;
}

/* network = ADDRESS ; */
static bool parse_network(struct parser *p, struct operand *ret) {
        const char *s = token_bytes(p->source, &p->token);
        const char *slash = memchr(s, '/', p->token.length);
        size_t n = slash ? (size_t)(slash - s) : p->token.length;
        struct wire_address *address = &ret->network.address;
        uint64_t prefix = 0;
        char text[64];
        uint32_t max;
        int family;

        ret->type = OPERAND_NETWORK;
        memcpy(text, s, MIN(n, sizeof(text) - 1));
        text[MIN(n, sizeof(text) - 1)] = '\0';

        family = memchr(s, ':', n) ? AF_INET6 : AF_INET;
        max = family == AF_INET ? 32 : 128;
        if (n >= sizeof(text) || inet_pton(family, text, address->bytes) != 1)
                parser_fail(p, "%s is no address", parser_describe(p));
        else if (slash && parse_u64_n(slash + 1, p->token.length - n - 1, 0, max, &prefix) < 0)
                parser_fail(p, "the prefix of an IPv%d network is 0 to %u", family == AF_INET ? 4 : 6, max);
        address->family = (uint16_t)family;
        ret->network.prefix = slash ? (uint32_t)prefix : max;
        parser_advance(p);
        return true;
}

/* flags = [ "-" ] ( WORD | NUMBER ) { "|" ( WORD | NUMBER ) } ;
 * Joined without blanks into the operand's text. */
static bool parse_flags(struct parser *p, struct operand *ret) {
        char *bytes;
        size_t n = 0, n_constants = 0, capacity = 64;

        bytes = arena_alloc(p->arena, capacity);
        if (!bytes)
                return parser_no_memory(p);

        for (;;) {
                size_t length = p->token.length;

                if (n + length + 2 > capacity) {
                        char *larger;

                        capacity = (n + length + 2) * 2;
                        larger = arena_alloc(p->arena, capacity);
                        if (!larger)
                                return parser_no_memory(p);
                        memcpy(larger, bytes, n);
                        bytes = larger;
                }
                memcpy(bytes + n, token_bytes(p->source, &p->token), length);
                n += length;

                if (parser_at(p, TOKEN_MINUS)) {
                        parser_advance(p);
                        if (!parser_at(p, TOKEN_WORD) && !parser_at(p, TOKEN_NUMBER))
                                return parser_fail(p, "expected a number after '-', found %s", parser_describe(p));
                        continue;
                }

                ret->type = OPERAND_NAME;
                parser_advance(p);
                if (!parser_at(p, TOKEN_PIPE))
                        break;
                if (++n_constants >= PARSER_MAX_FLAGS)
                        return parser_fail(p, "too many constants: more than %d", PARSER_MAX_FLAGS);
                bytes[n++] = '|';
                parser_advance(p);
                if (!parser_at(p, TOKEN_WORD) && !parser_at(p, TOKEN_NUMBER))
                        return parser_fail(p, "expected a constant after '|', found %s", parser_describe(p));
        }

        bytes[n] = '\0';
        ret->text = (struct text){.bytes = bytes, .length = n};
        return true;
}

static bool token_has(struct parser *p, const char *bytes) {
        return memmem(token_bytes(p->source, &p->token), p->token.length, bytes, strlen(bytes));
}

static bool read_string(struct parser *p, enum compare_op op, struct operand *ret) {
        ret->type = op == COMPARE_REGEX || op == COMPARE_NOT_REGEX ? OPERAND_REGEX : OPERAND_STRING;

        if (ret->type == OPERAND_REGEX && parser_at(p, TOKEN_STRING) && !p->token.broken && token_has(p, "\\b") &&
            !token_has(p, "\\\\b")) {
                diag_warning(p->diags, parser_span(p), "in double quotes '\\b' is a backspace, not the edge of a word");
                diag_hint(p->diags, "put the pattern in single quotes");
        }
        if (p->token.broken)
                p->broken = true;
        if (!parser_text(p, &p->token, &ret->text))
                return false;
        parser_advance(p);
        return true;
}

/* "(" flags ")" */
static bool read_flags_in_parentheses(struct parser *p, struct operand *ret) {
        parser_advance(p);
        return parse_flags(p, ret) && parser_expect(p, TOKEN_PAREN_CLOSE, "after the flags");
}

/* A negative number is one, not a name. */
static bool read_name(struct parser *p, struct operand *ret) {
        int64_t value;

        if (!parse_flags(p, ret))
                return false;
        if (ret->text.bytes[0] == '-' &&
            parse_i64_n(ret->text.bytes, ret->text.length, INT64_MIN, INT64_MAX, &value) >= 0) {
                ret->type = OPERAND_NUMBER;
                ret->number = value;
        }
        return true;
}

static bool read_capture(struct parser *p, struct operand *ret) {
        ret->type = OPERAND_CAPTURE;
        if (p->token.broken)
                p->broken = true;
        if (!parser_text(p, &p->token, &ret->text))
                return false;
        parser_advance(p);
        return true;
}

/* operand = STRING | number | flags | "(" flags ")" | network | CAPTURE | items ; */
bool parse_operand(struct parser *p, enum compare_op op, bool in_list, struct operand *ret) {
        struct diag_span start = parser_span(p);
        struct token token = p->token;
        bool good;

        if (parser_at(p, TOKEN_STRING) || parser_at(p, TOKEN_RAW))
                good = read_string(p, op, ret);
        else if (parser_at(p, TOKEN_NUMBER) && parser_next_is(p, TOKEN_PIPE))
                good = parse_flags(p, ret);
        else if (parser_at(p, TOKEN_NUMBER))
                good = parser_text(p, &token, &ret->text) && parse_number(p, ret);
        else if (parser_at(p, TOKEN_WORD) || parser_at(p, TOKEN_MINUS))
                good = read_name(p, ret);
        else if (parser_at(p, TOKEN_ADDRESS))
                good = parser_text(p, &token, &ret->text) && parse_network(p, ret);
        else if (parser_at(p, TOKEN_CAPTURE))
                good = in_list ? parser_fail(p, "a list holds constants, not captures") : read_capture(p, ret);
        else if (parser_at(p, TOKEN_BRACKET_OPEN))
                good = in_list ? parser_fail(p, "a list in a list") : parse_items(p, ret);
        else if (parser_at(p, TOKEN_PAREN_OPEN) && !in_list &&
                 (parser_next_is(p, TOKEN_WORD) || parser_next_is(p, TOKEN_NUMBER)))
                good = read_flags_in_parentheses(p, ret);
        else
                return parser_fail_expected(p,
                                            op == COMPARE_REGEX || op == COMPARE_NOT_REGEX ? "a pattern" : "a value");

        ret->span = parser_span_from(p, start);
        return good;
}

/* items = "[" { operand | "," } "]" ; at the "[" */
bool parse_items(struct parser *p, struct operand *ret) {
        struct diag_span open = parser_span(p);
        size_t capacity = 0;

        ret->type = OPERAND_LIST;
        parser_advance(p);
        while (!parser_take(p, TOKEN_BRACKET_CLOSE)) {
                if (parser_take(p, TOKEN_COMMA))
                        continue;
                if (parser_at(p, TOKEN_EOF) || parser_at(p, TOKEN_BRACE_CLOSE) || parser_at(p, TOKEN_BRACE_OPEN) ||
                    (p->token.first_on_line && parser_at_definition(p))) {
                        p->broken = true;
                        diag_error(p->diags, open, "this '[' is never closed");
                        if (parser_at(p, TOKEN_EOF))
                                p->told_end = true;
                        return false;
                }
                if (ret->n_items >= PARSER_MAX_ITEMS)
                        return parser_fail(p, "too many items in one list: more than %d", PARSER_MAX_ITEMS);

                if (ret->n_items == capacity) {
                        struct operand *larger;

                        capacity = MAX((size_t)4, capacity * 2);
                        larger = arena_new_array(p->arena, struct operand, capacity);
                        if (!larger)
                                return parser_no_memory(p);
                        if (ret->n_items > 0)
                                memcpy(larger, ret->items, ret->n_items * sizeof(*larger));
                        ret->items = larger;
                }
                if (!parse_operand(p, COMPARE_IN, true, &ret->items[ret->n_items]))
                        return false;
                ret->n_items++;
        }

        ret->span = parser_span_from(p, open);
        return true;
}

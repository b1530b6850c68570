/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads what stands between the braces of a step. */
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

static bool parse_or(struct parser *p, struct expr **ret);

static struct expr *expr_new(struct parser *p, enum expr_type type, struct diag_span span) {
        struct expr *expr = arena_new(p->arena, struct expr);

        if (!expr) {
                parser_no_memory(p);
                return NULL;
        }
        expr->type = type;
        expr->span = span;
        return expr;
}

/* AND or OR of two, of which a capture may have left none. */
static bool expr_join(struct parser *p, enum expr_type type, struct expr *left, struct expr *right, struct expr **ret) {
        struct expr *expr;

        if (!left || !right) {
                *ret = left ? left : right;
                return true;
        }
        expr = expr_new(p, type, span_join(left->span, right->span));
        if (!expr)
                return false;
        expr->left = left;
        expr->right = right;
        *ret = expr;
        return true;
}

/* field = [ "any" ] WORD [ "[" NUMBER "]" ] ; */
bool parse_field(struct parser *p, struct field_ref *ret) {
        struct diag_span start = parser_span(p);

        ret->index = INDEX_NONE;
        if (parser_at_word(p, "any") && parser_next_is(p, TOKEN_WORD)) {
                ret->index = INDEX_ANY;
                parser_advance(p);
        }

        if (!parser_at(p, TOKEN_WORD))
                return parser_fail_expected(p, "a field");
        if (!parser_text(p, &p->token, &ret->name))
                return false;
        parser_advance(p);

        if (parser_at(p, TOKEN_BRACKET_OPEN) && !p->token.first_on_line) {
                uint64_t index = 0;

                parser_advance(p);
                if (!parser_at(p, TOKEN_NUMBER) ||
                    parse_u64_n(token_bytes(p->source, &p->token), p->token.length, 0, WIRE_MAX_LIST - 1, &index) < 0)
                        return parser_fail(p, "expected an index from 0 to %d, found %s", WIRE_MAX_LIST - 1,
                                           parser_describe(p));
                if (ret->index == INDEX_ANY)
                        parser_fail(p, "'any' and an index exclude each other");
                ret->index = (int)index;
                parser_advance(p);
                if (!parser_expect(p, TOKEN_BRACKET_CLOSE, "after the index"))
                        return false;
        }
        ret->span = parser_span_from(p, start);
        return true;
}

/* operator = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "~=" | "&" | "has" "all" |
 *            [ "not" ] ( "in" | "glob" | "startswith" | "endswith" | "contains" ) ;
 * False if there is none: a field by itself. *ret_not: `not` stood before a word without a negative form of its own. */
static bool parse_operator(struct parser *p, enum compare_op *ret, bool *ret_not) {
        static const struct {
                enum token_type token;
                enum compare_op op;
        } signs[] = {
                {TOKEN_ASSIGN, COMPARE_EQUAL},
                {TOKEN_EQUAL, COMPARE_EQUAL},
                {TOKEN_NOT_EQUAL, COMPARE_NOT_EQUAL},
                {TOKEN_LESS, COMPARE_LESS},
                {TOKEN_LESS_EQUAL, COMPARE_LESS_EQUAL},
                {TOKEN_GREATER, COMPARE_GREATER},
                {TOKEN_GREATER_EQUAL, COMPARE_GREATER_EQUAL},
                {TOKEN_MATCH, COMPARE_REGEX},
                {TOKEN_NOT_MATCH, COMPARE_NOT_REGEX},
                {TOKEN_FOLD, COMPARE_FOLD},
                {TOKEN_AMPERSAND, COMPARE_BITS_ANY},
        };
        static const struct {
                const char *word;
                enum compare_op op;
        } words[] = {
                {"in", COMPARE_IN},
                {"glob", COMPARE_GLOB},
                {"startswith", COMPARE_STARTSWITH},
                {"endswith", COMPARE_ENDSWITH},
                {"contains", COMPARE_CONTAINS},
        };

        *ret_not = false;
        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                if (parser_take(p, signs[i].token)) {
                        *ret = signs[i].op;
                        return true;
                }

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (parser_at_word(p, "not") && parser_next_is_word(p, words[i].word)) {
                        parser_advance(p);
                        *ret_not = words[i].op != COMPARE_IN;
                        parser_advance(p);
                        *ret = words[i].op == COMPARE_IN ? COMPARE_NOT_IN : words[i].op;
                        return true;
                }
                if (parser_take_word(p, words[i].word)) {
                        *ret = words[i].op;
                        return true;
                }
        }

        if (parser_at_word(p, "has") && parser_next_is_word(p, "all")) {
                parser_advance(p);
                parser_advance(p);
                *ret = COMPARE_BITS_ALL;
                return true;
        }
        *ret = COMPARE_TRUE;
        return false;
}

static bool count_term(struct parser *p) {
        if (p->n_terms++ < PARSER_MAX_TERMS)
                return true;
        if (!p->told_terms)
                diag_error(p->diags, parser_span(p), "too many conditions in one step: more than %d", PARSER_MAX_TERMS);
        diag_hint(p->told_terms ? NULL : p->diags, "put the values in a list");
        p->told_terms = true;
        p->broken = true;
        return false;
}

/* comparison = field [ operator operand ] ; */
static bool parse_comparison(struct parser *p, struct expr **ret) {
        struct diag_span start = parser_span(p);
        struct expr *expr;
        bool negated;

        if (!count_term(p))
                return false;
        expr = expr_new(p, EXPR_COMPARE, start);
        if (!expr || !parse_field(p, &expr->field))
                return false;

        if (parse_operator(p, &expr->op, &negated)) {
                if (!parse_operand(p, expr->op, false, &expr->operand))
                        return false;
                if (expr->op == COMPARE_BITS_ANY && (parser_at(p, TOKEN_EQUAL) || parser_at(p, TOKEN_NOT_EQUAL) ||
                                                     parser_at(p, TOKEN_ASSIGN))) {
                        parser_fail(p, "what is left of '&' is compared in parentheses");
                        diag_hint(p->diags, "write '(%.*s & %s) == ...'", (int)MIN(expr->field.name.length, (size_t)60),
                                  expr->field.name.bytes,
                                  expr->operand.text.length > 0 && expr->operand.text.length < 60
                                          ? expr->operand.text.bytes
                                          : "MASK");
                        return false;
                }
        } else if (parser_at_word(p, "has"))
                return parser_fail(p, "expected 'has all'");
        else if (!p->token.first_on_line &&
                 (parser_at(p, TOKEN_NUMBER) || parser_at(p, TOKEN_STRING) || parser_at(p, TOKEN_RAW) ||
                  parser_at(p, TOKEN_ADDRESS) || parser_at(p, TOKEN_BRACKET_OPEN)))
                return parser_fail_expected(p, "an operator");
        else if (parser_at(p, TOKEN_PLUS) || parser_at(p, TOKEN_MINUS) || parser_at(p, TOKEN_PIPE))
                return parser_fail(p, "there is no arithmetic on fields");

        expr->span = parser_span_from(p, start);
        *ret = expr;
        if (negated) {
                *ret = expr_new(p, EXPR_NOT, expr->span);
                if (!*ret)
                        return false;
                (*ret)->left = expr;
        }
        return true;
}

/* capture = CAPTURE "=" field ; it is no condition: *ret of the caller stays NULL */
static bool parse_capture(struct parser *p) {
        struct diag_span start = parser_span(p);
        struct capture *capture;

        capture = arena_new(p->arena, struct capture);
        if (!capture)
                return parser_no_memory(p);
        capture->span = start;
        if (p->token.broken)
                p->broken = true;
        if (!parser_text(p, &p->token, &capture->name))
                return false;
        parser_advance(p);

        if (parser_at(p, TOKEN_EQUAL) || parser_at(p, TOKEN_NOT_EQUAL)) {
                parser_fail(p, "'%.*s' is not known yet where it is bound", (int)MIN(capture->name.length, (size_t)60),
                            capture->name.bytes);
                diag_hint(p->diags, "bind with '%.*s = field', compare with 'field == %.*s'",
                          (int)MIN(capture->name.length, (size_t)60), capture->name.bytes,
                          (int)MIN(capture->name.length, (size_t)60), capture->name.bytes);
                return false;
        }
        if (!parser_expect(p, TOKEN_ASSIGN, "after the capture") || !parse_field(p, &capture->field))
                return false;

        capture->span = parser_span_from(p, start);
        *p->captures_end = capture;
        p->captures_end = &capture->next;
        p->n_captures++;
        return true;
}

/* The captures from `from` on stand where they may not. */
static void check_captures(struct parser *p, struct capture **from, const char *where) {
        for (struct capture *c = *from; c; c = c->next) {
                p->broken = true;
                diag_error(p->diags, c->span, "a capture cannot stand under %s", where);
                diag_hint(p->diags, "it would be bound only sometimes");
        }
        /* Told; outer ones need not tell again. */
        *from = NULL;
        p->captures_end = from;
}

/* masked = "(" field "&" operand ")" ( "==" | "=" | "!=" | [ "not" ] "in" ) operand ;  from behind the ")" */
static bool parse_masked(struct parser *p, struct diag_span start, struct expr *expr) {
        struct diag_span span = parser_span(p);
        enum compare_op op;
        bool negated;

        if (expr->type != EXPR_COMPARE || expr->op != COMPARE_BITS_ANY || !parse_operator(p, &op, &negated))
                return true;
        if (negated || (op != COMPARE_EQUAL && op != COMPARE_NOT_EQUAL && op != COMPARE_IN && op != COMPARE_NOT_IN)) {
                p->broken = true;
                diag_error(p->diags, span, "what is left of '&' is compared with ==, !=, in or not in");
                return false;
        }

        expr->masked = true;
        expr->mask = expr->operand;
        expr->op = op;
        expr->operand = (struct operand){};
        if (!parse_operand(p, op, false, &expr->operand))
                return false;
        expr->span = parser_span_from(p, start);
        return true;
}

/* ancestor = "ancestor" "{" conditions ; */
static bool parse_ancestor(struct parser *p, struct expr **ret) {
        struct diag_span start = parser_span(p), open;
        struct expr *expr;
        bool good;

        expr = expr_new(p, EXPR_ANCESTOR, start);
        if (!expr)
                return false;
        parser_advance(p);
        open = parser_span(p);
        if (!parser_enter(p))
                return false;           /* at the `{`: the group is skipped */
        parser_advance(p);
        good = parse_conditions(p, open, "'ancestor'", false, &expr->left);
        parser_leave(p);
        if (!good)
                return false;

        expr->span = parser_span_from(p, start);
        if (expr->left)
                *ret = expr;
        else if (!p->broken) {
                p->broken = true;
                diag_error(p->diags, expr->span, "'ancestor' without conditions: any process has one");
        }
        return true;
}

/* Words of other languages of this kind, in place of a field. */
static bool fail_foreign(struct parser *p) {
        if (parser_next_is(p, TOKEN_BRACE_OPEN) && (parser_at_word(p, "parent") || parser_at_word(p, "proc"))) {
                parser_fail(p, "%s is one process: its conditions need no braces", parser_describe(p));
                diag_hint(p->diags, "write '%.*s.' before each field", (int)p->token.length,
                          token_bytes(p->source, &p->token));
                parser_advance(p);
                parser_skip_group(p);
                return true;
        }
        if (parser_at_word(p, "distinct") && parser_next_is(p, TOKEN_WORD)) {
                parser_fail(p, "there is no 'distinct' here");
                diag_hint(p->diags, "'repeat 5 distinct dport within 10s { ... }' counts different values");
                return true;
        }
        if ((parser_at_word(p, "all") || parser_at_word(p, "none")) && parser_next_is(p, TOKEN_WORD)) {
                parser_fail(p, "before a list stands 'any' or nothing");
                diag_hint(p->diags, "none of them is 'not any argv ...'");
                return true;
        }
        return false;
}

/* primary = "(" or ")" | masked | ancestor | capture | comparison ; */
static bool parse_primary(struct parser *p, struct expr **ret) {
        if (parser_at(p, TOKEN_PAREN_OPEN)) {
                struct diag_span start = parser_span(p);
                bool good;

                if (!parser_enter(p))
                        return false;
                parser_advance(p);
                good = parse_or(p, ret);
                parser_leave(p);
                return good && parser_expect(p, TOKEN_PAREN_CLOSE, "after the condition") &&
                       (!*ret || parse_masked(p, start, *ret));
        }

        if (parser_at(p, TOKEN_CAPTURE))
                return parse_capture(p);

        if (parser_at(p, TOKEN_WORD) && !p->token.broken) {
                if (parser_next_is(p, TOKEN_BRACE_OPEN) && parser_at_word(p, "ancestor"))
                        return parse_ancestor(p, ret);
                if (fail_foreign(p))
                        return false;
                if (parser_next_is(p, TOKEN_PAREN_OPEN) && !p->next.first_on_line)
                        return parser_fail(p, "%s is no function: there are none", parser_describe(p));
                return parse_comparison(p, ret);
        }

        if (parser_at(p, TOKEN_STRING) || parser_at(p, TOKEN_RAW) || parser_at(p, TOKEN_NUMBER)) {
                parser_fail(p, "a condition begins with a field, found %s", parser_describe(p));
                return false;
        }
        return parser_fail_expected(p, "a condition");
}

/* not_condition = { "not" } primary ; */
static bool parse_not_condition(struct parser *p, struct expr **ret) {
        struct diag_span start = parser_span(p);
        struct capture **captures = p->captures_end;
        struct expr *inner = NULL, *expr;
        bool good;

        if (!parser_at_word(p, "not"))
                return parse_primary(p, ret);

        if (!parser_enter(p))
                return false;
        parser_advance(p);
        good = parse_not_condition(p, &inner);
        parser_leave(p);
        if (*captures)
                check_captures(p, captures, "'not'");
        if (!good || !inner)
                return good;

        expr = expr_new(p, EXPR_NOT, span_join(start, inner->span));
        if (!expr)
                return false;
        expr->left = inner;
        *ret = expr;
        return true;
}

/* and = not_condition { "and" not_condition } ; */
static bool parse_and(struct parser *p, struct expr **ret) {
        struct expr *left = NULL;

        if (!parse_not_condition(p, &left))
                return false;
        while (parser_take_word(p, "and")) {
                struct expr *right = NULL;

                if (!parse_not_condition(p, &right) || !expr_join(p, EXPR_AND, left, right, &left))
                        return false;
        }
        *ret = left;
        return true;
}

/* or = and { "or" and } ; */
static bool parse_or(struct parser *p, struct expr **ret) {
        struct capture **captures = p->captures_end;
        struct expr *left = NULL;
        bool several = false;

        if (!parse_and(p, &left))
                return false;
        while (parser_take_word(p, "or")) {
                struct expr *right = NULL;

                several = true;
                if (!parse_and(p, &right) || !expr_join(p, EXPR_OR, left, right, &left))
                        return false;
        }
        if (several && *captures)
                check_captures(p, captures, "'or'");
        *ret = left;
        return true;
}

/* Behind a fault in a condition: to the next one of this step. */
static void skip_condition(struct parser *p) {
        while (!parser_at(p, TOKEN_EOF) && !parser_at(p, TOKEN_BRACE_CLOSE) && !parser_at(p, TOKEN_COMMA) &&
               !p->token.first_on_line) {
                if (parser_at(p, TOKEN_PAREN_OPEN) || parser_at(p, TOKEN_BRACKET_OPEN) ||
                    parser_at(p, TOKEN_BRACE_OPEN))
                        parser_skip_group(p);
                else
                        parser_advance(p);
        }
}

/* Did the step end without its `}`? */
static bool at_next_statement(const struct parser *p) {
        if (!parser_at(p, TOKEN_WORD))
                return false;
        if (parser_next_is(p, TOKEN_BRACE_OPEN))
                return !parser_at_word(p, "ancestor") && !parser_at_word(p, "parent") && !parser_at_word(p, "proc");
        if (parser_next_is_word(p, "as"))
                return true;
        if (p->token.first_on_line && !p->next.first_on_line && parser_next_is(p, TOKEN_WORD) &&
            (parser_at_word(p, "until") || parser_at_word(p, "no") || parser_at_word(p, "on")))
                return true;
        if (p->token.first_on_line && parser_next_is(p, TOKEN_NUMBER) && parser_at_word(p, "repeat"))
                return true;
        return parser_next_is(p, TOKEN_STRING) && (parser_at_word(p, "path") || parser_at_word(p, "block"));
}

/* Forget what the conditions before have counted. */
void parser_begin_conditions(struct parser *p) {
        p->n_terms = p->n_captures = 0;
        p->captures = NULL;
        p->captures_end = &p->captures;
        p->told_terms = false;
}

/* conditions = { or | "," } "}" ; from behind the `{` at `open` */
bool parse_conditions(struct parser *p, struct diag_span open, const char *what, bool may_capture, struct expr **ret) {
        struct expr *all = NULL;

        for (;;) {
                struct capture **captures = p->captures_end;
                struct diag_span start;
                struct expr *expr = NULL;
                uint32_t before;

                while (parser_take(p, TOKEN_COMMA))
                        ;
                if (parser_take(p, TOKEN_BRACE_CLOSE))
                        break;
                if (parser_at(p, TOKEN_EOF) || at_next_statement(p)) {
                        bool end = parser_at(p, TOKEN_EOF);

                        /* An unclosed string has taken the brace with it. */
                        if (!p->previous.broken ||
                            (p->previous.type != TOKEN_STRING && p->previous.type != TOKEN_RAW))
                                parser_report_unclosed(p, open, what);
                        p->told_end = end; /* if there is more, the next one is worth its own message */
                        *ret = all;
                        return p->error >= 0;
                }

                start = parser_span(p);
                before = p->token.offset;
                if (!parse_or(p, &expr)) {
                        if (p->error < 0)
                                return false;
                        p->broken = true;
                        /* A token that begins a line may be what is wrong: get on. */
                        if (p->token.offset == before && !parser_at(p, TOKEN_BRACE_CLOSE) && !parser_at(p, TOKEN_EOF))
                                parser_advance(p);
                        skip_condition(p);
                        continue;
                }
                if (!may_capture && *captures) {
                        p->broken = true;
                        diag_error(p->diags, span_join(start, (*captures)->span),
                                   "a capture cannot be bound in %s", what);
                        *captures = NULL;
                        p->captures_end = captures;
                }
                if (expr && !expr_join(p, EXPR_AND, all, expr, &all))
                        return false;

                /* Commas may be left out between lines, and before a word, as they always could. */
                if (!parser_at(p, TOKEN_COMMA) && !parser_at(p, TOKEN_BRACE_CLOSE) && !parser_at(p, TOKEN_EOF) &&
                    !p->token.first_on_line && !parser_at(p, TOKEN_WORD) && !parser_at(p, TOKEN_CAPTURE) &&
                    !parser_at(p, TOKEN_PAREN_OPEN)) {
                        parser_fail_expected(p, "',' or '}'");
                        if (parser_at(p, TOKEN_PAREN_CLOSE) || parser_at(p, TOKEN_BRACKET_CLOSE))
                                parser_advance(p);
                        skip_condition(p);
                }
        }

        *ret = all;
        return true;
}

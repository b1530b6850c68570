/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads what is made of steps: groups of them, and what must not happen. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

/* period = NUMBER [ WORD ] ;  `60 s` is one */
bool parse_period(struct parser *p, uint64_t *ret_ns) {
        struct diag_span span = parser_span(p);
        char text[32];
        size_t n;
        int r;

        if (!parser_at(p, TOKEN_NUMBER)) {
                parser_fail(p, "expected a duration, found %s", parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags, "a number and its unit: 30s, 5m, 1h30m");
                return false;
        }

        n = MIN((size_t)p->token.length, sizeof(text) - 1);
        memcpy(text, token_bytes(p->source, &p->token), n);
        parser_advance(p);

        if (parser_at(p, TOKEN_WORD) && !p->token.first_on_line && p->token.length <= 3 && text[n - 1] >= '0' &&
            text[n - 1] <= '9' && n + p->token.length < sizeof(text)) {
                memcpy(text + n, token_bytes(p->source, &p->token), p->token.length);
                n += p->token.length;
                parser_advance(p);
        }
        span = parser_span_from(p, span);

        r = parse_duration_n(text, n, 0, INT64_MAX, ret_ns);
        if (r < 0) {
                p->broken = true;
                *ret_ns = 1;            /* anything that is not judged once more */
                diag_error(p->diags, span, r == -ERANGE ? "this duration is too long" : "'%.*s' is no duration", (int)n,
                           text);
                diag_hint(p->diags, "a number and its unit: 30s, 5m, 1h30m");
        }
        return true;
}

/* A period that is a window. */
bool read_window(struct parser *p, uint64_t *ret_ns) {
        struct diag_span span = parser_span(p);

        if (!parse_period(p, ret_ns))
                return false;
        if (*ret_ns == 0) {
                p->broken = true;
                diag_error(p->diags, span, "a window of no time at all");
                diag_hint(p->diags, "leave it out for no window; of a path it is 'within = unlimited'");
        }
        return true;
}

/* Head of a compound: what stands before its `{`. */

/* repeat = "repeat" NUMBER { "distinct" field | "within" period } ; */
static bool parse_repeat(struct parser *p, struct element *e) {
        struct diag_span distinct = {}, within = {};
        uint64_t count = 0;

        parser_advance(p);
        if (!parser_at(p, TOKEN_NUMBER)) {
                parser_fail(p, "expected how often after 'repeat', found %s", parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags, "repeat 5 within 10s { ... }");
                return false;
        }
        if (parse_u64_n(token_bytes(p->source, &p->token), p->token.length, 1, ELEMENT_REPEAT_MAX, &count) < 0)
                parser_fail(p, "'repeat' counts from 1 to %d", ELEMENT_REPEAT_MAX);
        e->count = (uint32_t)MAX(count, UINT64_C(1));
        parser_advance(p);

        for (;;) {
                struct diag_span span = parser_span(p);

                if (parser_at_word(p, "distinct")) {
                        parser_advance(p);
                        if (distinct.line > 0) {
                                p->broken = true;
                                diag_error(p->diags, span, "'distinct' a second time");
                                diag_related(p->diags, distinct, "first here");
                        }
                        distinct = span;
                        e->has_distinct = true;
                        if (!parse_field(p, &e->distinct))
                                return false;
                } else if (parser_at_word(p, "within")) {
                        parser_advance(p);
                        if (within.line > 0) {
                                p->broken = true;
                                diag_error(p->diags, span, "'within' a second time");
                                diag_related(p->diags, within, "first here");
                        }
                        within = span;
                        if (!read_window(p, &e->within_ns))
                                return false;
                } else
                        return true;
        }
}

/* block = "block" STRING [ "within" period ] | "within" period ; */
static bool parse_block(struct parser *p, struct element *e, struct body *body, const char **ret_where) {
        *ret_where = "after the duration";
        if (parser_take_word(p, "block")) {
                struct diag_span span;

                *ret_where = "after the name of the block";
                if (!parser_string(p, "after 'block': its name", &e->name, &span))
                        return false;
        }
        if (parser_at_word(p, "within")) {
                body->properties[0] = parser_span(p);
                body->within_given = true;
                parser_advance(p);
                if (!read_window(p, &e->within_ns))
                        return false;
                *ret_where = "after the duration";
        }
        return true;
}

/* compound = ( "any" | "all" | repeat | block ) "{" body ; */
bool parse_compound(struct parser *p, struct element **ret) {
        struct body body = {.type = BODY_BLOCK};
        struct diag_span start = parser_span(p), open;
        const char *where = "";
        struct element *e;
        bool good;

        e = parser_element_new(p, ELEMENT_BLOCK, start);
        if (!e)
                return false;
        body.within_ns = &e->within_ns;

        if (parser_take_word(p, "any")) {
                e->type = ELEMENT_ANY;
                body.type = BODY_ANY;
                where = "after 'any'";
        } else if (parser_take_word(p, "all")) {
                e->type = ELEMENT_ALL;
                body.type = BODY_ALL;
                where = "after 'all'";
        } else if (parser_at_word(p, "repeat")) {
                e->type = ELEMENT_REPEAT;
                body.type = BODY_REPEAT;
                where = "after 'repeat'";
                if (!parse_repeat(p, e))
                        return false;
        } else if (!parse_block(p, e, &body, &where))
                return false;

        open = parser_span(p);
        if (parser_at(p, TOKEN_BRACE_OPEN) && !parser_enter(p))
                return false;           /* at the `{`, so that the whole group is skipped */
        if (!parser_expect(p, TOKEN_BRACE_OPEN, where))
                return false;
        good = parse_body(p, &body, open, &e->children);
        parser_leave(p);
        if (!good)
                return false;

        e->span = parser_span_from(p, start);
        *ret = e;
        return true;
}

/* not_any = "any" "{" body ;  several `not`s, one after the other */
static bool parse_not_any(struct parser *p, struct element **ret) {
        struct body body = {.type = BODY_ANY};
        struct diag_span start = parser_span(p), open;
        struct element *members = NULL;
        bool good;

        parser_advance(p);
        open = parser_span(p);
        if (!parser_enter(p))
                return false;
        parser_advance(p);
        good = parse_body(p, &body, open, &members);
        parser_leave(p);
        if (!good)
                return false;

        if (!members && !p->broken) {
                p->broken = true;
                diag_error(p->diags, parser_span_from(p, start), "'not any' without a step");
        }
        for (struct element *e = members; e; e = e->next) {
                if (e->type != ELEMENT_STEP) {
                        p->broken = true;
                        diag_error(p->diags, e->span, "a member of 'not any' is a step");
                        members = NULL; /* what is left out is not judged either */
                        break;
                }
                e->type = ELEMENT_NOT;
                if (!parser_check_taker(p, e, "not"))
                        return false;
        }
        *ret = members;
        return true;
}

/* not = "not" ( step | not_any ) ; */
bool parse_not(struct parser *p, struct element **ret) {
        struct diag_span start = parser_span(p);

        parser_advance(p);
        if (parser_at_word(p, "not"))
                parser_fail(p, "'not' twice");
        while (parser_take_word(p, "not"))
                ;
        if (!parser_at(p, TOKEN_WORD))
                return parser_fail(p, "expected a step after 'not', found %s", parser_describe(p));
        if (parser_next_is(p, TOKEN_BRACE_OPEN) && parser_at_word(p, "any"))
                return parse_not_any(p, ret);
        if ((parser_next_is(p, TOKEN_BRACE_OPEN) && parser_at_word(p, "all")) ||
            (parser_at_word(p, "block") && parser_next_is(p, TOKEN_STRING)) ||
            ((parser_at_word(p, "within") || parser_at_word(p, "repeat")) && parser_next_is(p, TOKEN_NUMBER))) {
                parser_fail(p, "'not' stands before a step or 'any', not before '%.*s'", (int)p->token.length,
                            token_bytes(p->source, &p->token));
                diag_hint(p->token.broken ? NULL : p->diags,
                          "what must not happen is one event, of one kind or another");
                return false;
        }
        if (parser_at_word(p, "until") || parser_at_word(p, "no"))
                return parser_fail(p, "'%.*s' behind 'not'", (int)p->token.length, token_bytes(p->source, &p->token));

        if (!parse_step(p, ELEMENT_NOT, ret))
                return false;
        (*ret)->span = span_join(start, (*ret)->span);
        return parser_check_taker(p, *ret, "not");
}

/* absence = "no" step "within" period ; */
bool parse_absence(struct parser *p, struct element **ret) {
        struct diag_span start = parser_span(p);
        struct element *e = NULL;

        parser_advance(p);
        if (!parser_at(p, TOKEN_WORD))
                return parser_fail(p, "expected a step after 'no', found %s", parser_describe(p));
        if (parser_next_is(p, TOKEN_BRACE_OPEN) && (parser_at_word(p, "any") || parser_at_word(p, "all"))) {
                parser_fail(p, "'no' stands before a step, not before '%.*s'", (int)p->token.length,
                            token_bytes(p->source, &p->token));
                diag_hint(p->token.broken ? NULL : p->diags,
                          "a 'not' before the 'no' is in force while it waits: 'not exit { } no unlink { } within 5s'");
                return false;
        }
        if (!parse_step(p, ELEMENT_ABSENCE, &e))
                return false;
        *ret = e;
        if (!parser_check_taker(p, e, "no"))
                return false;

        if (!parser_at_word(p, "within")) {
                parser_fail(p, "expected 'within' behind the step of 'no', found %s", parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags,
                          "'no %.*s { ... } within 5s'; that it must not come before the next step is 'not'",
                          (int)MIN(e->kind_name.length, (size_t)60), e->kind_name.bytes);
                e->within_ns = 1;
                return false;
        }
        parser_advance(p);
        if (!read_window(p, &e->within_ns)) {
                e->within_ns = 1;
                return false;
        }
        e->span = parser_span_from(p, start);
        return true;
}

/* until = "until" step ; */
bool parse_until(struct parser *p, struct body *body) {
        struct diag_span start = parser_span(p);
        struct element *e = NULL;

        parser_advance(p);
        if (body->type != BODY_PATH) {
                p->broken = true;
                diag_error(p->diags, start, "'until' belongs to the path as a whole");
                diag_hint(p->diags, "what must not come before the next step is 'not'");
                return false;
        }
        if (!parser_at(p, TOKEN_WORD))
                return parser_fail(p, "expected a step after 'until', found %s", parser_describe(p));
        if (parser_next_is(p, TOKEN_BRACE_OPEN) && (parser_at_word(p, "any") || parser_at_word(p, "all"))) {
                parser_fail(p, "'until' stands before a step, not before '%.*s'", (int)p->token.length,
                            token_bytes(p->source, &p->token));
                diag_hint(p->token.broken ? NULL : p->diags, "write one 'until' for each");
                return false;
        }
        if (!parse_step(p, ELEMENT_STEP, &e))
                return false;
        e->span = span_join(start, e->span);
        *body->untils_end = e;
        body->untils_end = &e->next;
        return parser_check_taker(p, e, "until");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads what happens in a path: steps and what is made of them. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

static bool parse_statement(struct parser *p, enum body_type type, struct element **ret);

static struct element *element_new(struct parser *p, enum element_type type, struct diag_span span) {
        struct element *e;

        if (p->n_elements >= PARSER_MAX_ELEMENTS) {
                if (!p->told_elements)
                        diag_error(p->diags, span, "too many steps in one path: more than %d", PARSER_MAX_ELEMENTS);
                p->told_elements = true;
                p->broken = true;
                parser_advance(p);      /* whoever skips the rest must get on */
                return NULL;
        }

        e = arena_new(p->arena, struct element);
        if (!e) {
                parser_no_memory(p);
                return NULL;
        }
        e->type = type;
        e->span = span;
        p->n_elements++;
        return e;
}

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

/* suffix = ".." | "..." ; on the line of the step's `}` */
static void parse_suffix(struct parser *p, struct element *e) {
        if (p->token.first_on_line)
                return;
        if (parser_take(p, TOKEN_ELLIPSIS_TWO))
                e->repetition = REPEAT_PLUS;
        else if (parser_take(p, TOKEN_ELLIPSIS_THREE))
                e->repetition = REPEAT_STAR;
}

/* What the language has planned to stand behind a step: told once, left out. */
static void skip_unsupported_suffix(struct parser *p) {
        static const char *const words[] = {"child", "same", "sibling", "descendant", "parent", "respond"};
        struct diag_span span = parser_span(p);
        char what[64];

        if (p->token.first_on_line)
                return;
        if (parser_at(p, TOKEN_PLUS)) {
                parser_fail_unsupported(p, span, "'+', points for a step, is");
                goto skip;
        }
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (parser_at_word(p, words[i])) {
                        snprintf(what, sizeof(what), "'%s' behind a step is", words[i]);
                        parser_fail_unsupported(p, span, what);
                        goto skip;
                }
        return;

skip:
        while (!p->token.first_on_line && !parser_next_is(p, TOKEN_BRACE_OPEN) &&
               (parser_at(p, TOKEN_WORD) || parser_at(p, TOKEN_NUMBER) || parser_at(p, TOKEN_PLUS) ||
                parser_at(p, TOKEN_CAPTURE)))
                parser_advance(p);
}

static uint32_t span_end_line(const struct parser *p) {
        return token_span(p->source, &p->previous).line;
}

/* step = WORD "{" conditions [ suffix ] ; */
static bool parse_step(struct parser *p, enum element_type type, struct element **ret) {
        struct diag_span start = parser_span(p), open;
        struct element *e;

        e = element_new(p, type, start);
        if (!e)
                return false;
        e->kind_span = start;
        if (!parser_text(p, &p->token, &e->kind_name))
                return false;
        parser_advance(p);

        if (!p->token.first_on_line && parser_at_word(p, "as")) {
                parser_fail_unsupported(p, parser_span(p), "'as', a name for a step's process, is");
                parser_advance(p);
                parser_take(p, TOKEN_CAPTURE);
        }

        open = parser_span(p);
        if (!parser_at(p, TOKEN_BRACE_OPEN)) {
                uint32_t line = span_end_line(p);

                parser_fail(p, "expected '{' after '%.*s', found %s", (int)MIN(e->kind_name.length, (size_t)60),
                            e->kind_name.bytes, parser_describe(p));
                /* What stands on this line was meant for the step, and so was a `}` at its end. */
                while (!parser_at(p, TOKEN_EOF) && !parser_at(p, TOKEN_BRACE_CLOSE) && !p->token.first_on_line)
                        parser_advance(p);
                if (line != p->body_line && !p->token.first_on_line)
                        parser_take(p, TOKEN_BRACE_CLOSE);
                return false;
        }
        parser_advance(p);

        parser_begin_conditions(p);
        if (!parse_conditions(p, open, "a step", true, &e->condition))
                return false;
        e->captures = p->captures;

        parse_suffix(p, e);
        e->span = parser_span_from(p, start);
        skip_unsupported_suffix(p);
        *ret = e;
        return true;
}

/* group = "{" body ; */
static bool parse_group(struct parser *p, struct element **ret) {
        struct body body = {.type = BODY_BRANCH};
        struct diag_span open = parser_span(p);

        parser_advance(p);
        return parse_body(p, &body, open, ret);
}

/* branch = group | statement ; */
static bool parse_branch(struct parser *p, struct element **ret) {
        bool good;

        if (!parser_enter(p))
                return false;
        good = parser_at(p, TOKEN_BRACE_OPEN) ? parse_group(p, ret) : parse_statement(p, BODY_BRANCH, ret);
        parser_leave(p);
        return good;
}

/* conditional = step "?" branch [ ":" branch ] ; at the "?" */
static bool parse_conditional(struct parser *p, struct element *e) {
        struct diag_span start = e->span;

        if (e->repetition != REPEAT_ONCE) {
                parser_fail(p, "a step with '%s' cannot decide", e->repetition == REPEAT_PLUS ? ".." : "...");
                e->repetition = REPEAT_ONCE;
        }
        e->type = ELEMENT_CONDITIONAL;
        parser_advance(p);

        if (!parse_branch(p, &e->then))
                return false;
        if (parser_take(p, TOKEN_COLON) && !parse_branch(p, &e->otherwise))
                return false;
        e->span = parser_span_from(p, start);
        return true;
}

/* compound = ( "any" | "block" STRING [ "within" period ] | "within" period ) "{" body ; */
static bool parse_compound(struct parser *p, struct element **ret) {
        struct body body = {.type = BODY_BLOCK};
        struct diag_span start = parser_span(p), open;
        const char *where;
        struct element *e;
        bool good;

        e = element_new(p, parser_at_word(p, "any") ? ELEMENT_ANY : ELEMENT_BLOCK, start);
        if (!e)
                return false;
        body.within_ns = &e->within_ns;

        if (parser_take_word(p, "any")) {
                body.type = BODY_ANY;
                where = "after 'any'";
        } else {
                where = "after the duration";
                if (parser_take_word(p, "block")) {
                        struct diag_span span;

                        where = "after the name of the block";
                        if (!parser_string(p, "after 'block': its name", &e->name, &span))
                                return false;
                }
                if (parser_at_word(p, "within")) {
                        body.properties[0] = parser_span(p);
                        body.within_given = true;
                        parser_advance(p);
                        if (!read_window(p, &e->within_ns))
                                return false;
                        where = "after the duration";
                }
        }

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

/* not = "not" step ; */
static bool parse_not(struct parser *p, struct element **ret) {
        struct diag_span start = parser_span(p);
        bool good;

        parser_advance(p);
        if (parser_at_word(p, "not"))
                parser_fail(p, "'not' twice");
        while (parser_take_word(p, "not"))
                ;
        if (!parser_at(p, TOKEN_WORD))
                return parser_fail(p, "expected a step after 'not', found %s", parser_describe(p));
        if (parser_next_is(p, TOKEN_BRACE_OPEN) && (parser_at_word(p, "any") || parser_at_word(p, "all"))) {
                parser_fail_unsupported(p, parser_span(p), "'not' before 'any' is");
                diag_hint(p->diags, "write one 'not' for each step");
                return false;
        }
        if (parser_at_word(p, "block") || parser_at_word(p, "within"))
                return parser_fail_unsupported(p, parser_span(p), "'not' before a block is");

        good = parse_step(p, ELEMENT_NOT, ret);
        if (!good)
                return false;

        (*ret)->span = span_join(start, (*ret)->span);
        if ((*ret)->repetition != REPEAT_ONCE) {
                p->broken = true;
                diag_error(p->diags, (*ret)->span, "a 'not' step cannot repeat");
        }
        if (parser_at(p, TOKEN_QUESTION))
                return parser_fail(p, "a 'not' step cannot decide");
        return true;
}

/* Statements that the language has and this version has not. Whole: their end is found by brackets and lines. */
static bool skip_unsupported(struct parser *p) {
        static const char *const words[] = {"until",         "no",    "all",      "repeat",     "score",
                                            "optional",      "on",    "distinct", "eventually", "frequency",
                                            "anomaly_score", "last", "first"};
        char what[64];

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (parser_at_word(p, words[i]) && !parser_next_is(p, TOKEN_ASSIGN)) {
                        struct diag_set *diags = p->lexer.diags;
                        bool braces = false;

                        p->lexer.diags = NULL;  /* what is left out may be written in any way */
                        snprintf(what, sizeof(what), "'%s' is", words[i]);
                        parser_fail_unsupported(p, parser_span(p), what);
                        parser_advance(p);
                        while (!parser_at(p, TOKEN_EOF) && !parser_at(p, TOKEN_BRACE_CLOSE)) {
                                if (parser_at(p, TOKEN_BRACE_OPEN)) {
                                        if (braces && p->token.first_on_line)
                                                break;
                                        braces = true;
                                        parser_skip_group(p);
                                        continue;
                                }
                                if (p->token.first_on_line)
                                        break;
                                parser_advance(p);
                        }
                        p->lexer.diags = diags;
                        return true;
                }
        return false;
}

/* statement = not | compound | step | conditional | "..." | ".." ;  *ret stays NULL if it is left out */
static bool parse_statement(struct parser *p, enum body_type type, struct element **ret) {
        struct element *e = NULL;
        bool good;

        if (parser_at(p, TOKEN_ELLIPSIS_THREE) || parser_at(p, TOKEN_ELLIPSIS_TWO)) {
                *ret = element_new(p, ELEMENT_ELLIPSIS, parser_span(p));
                parser_advance(p);
                return *ret;
        }

        if (!parser_at(p, TOKEN_WORD) || p->token.broken) {
                if (parser_at(p, TOKEN_COLON))
                        parser_fail(p, "this ':' belongs to no '?'");
                else if (parser_at(p, TOKEN_QUESTION))
                        parser_fail(p, "'?' follows the step that decides");
                else if (parser_at(p, TOKEN_CAPTURE) || parser_at(p, TOKEN_STRING))
                        parser_fail(p, "%s stands outside of a step", parser_describe(p));
                else
                        parser_fail_expected(p, type == BODY_BRANCH ? "a step or a block" : "a step");
                if (!parser_at(p, TOKEN_BRACE_CLOSE))
                        parser_advance(p);
                return false;
        }

        if (parser_at_word(p, "not"))
                return parse_not(p, ret);
        if (parser_at_word(p, "any") ? !parser_next_is(p, TOKEN_WORD)
                                     : (parser_at_word(p, "block") && !parser_next_is(p, TOKEN_BRACE_OPEN)) ||
                                               parser_at_word(p, "within"))
                return parse_compound(p, ret);
        if (parser_at_word(p, "block")) {
                parser_advance(p);
                parser_fail(p, "a block has a name in quotes before its '{'");
                diag_hint(p->diags, "block \"name\" { ... }");
                return false;
        }
        if (skip_unsupported(p))
                return true;

        if (!parse_step(p, ELEMENT_STEP, &e))
                return false;
        good = !parser_at(p, TOKEN_QUESTION) || parse_conditional(p, e);
        *ret = e;
        return good;
}

/* Does the path end here without its `}`? */
static bool at_next_path(const struct parser *p) {
        return (parser_at_word(p, "path") && (parser_next_is(p, TOKEN_STRING) || parser_next_is(p, TOKEN_RAW))) ||
               ((parser_at_word(p, "list") || parser_at_word(p, "macro")) && parser_next_is(p, TOKEN_WORD));
}

/* body = { property | exception | statement | "," } "}" ; */
bool parse_body(struct parser *p, struct body *body, struct diag_span open, struct element **ret) {
        static const char *const names[] = {"the path", "the block", "'any'", "the branch"};
        uint32_t outer_line = p->body_line;

        p->body_line = open.line;
        while (!parser_at(p, TOKEN_BRACE_CLOSE)) {
                struct element *e = NULL;
                bool good;

                if (parser_at(p, TOKEN_EOF) || at_next_path(p)) {
                        parser_report_unclosed(p, open, names[body->type]);
                        p->body_line = outer_line;
                        return false;
                }
                if (parser_take(p, TOKEN_COMMA))
                        continue;

                if (parser_at(p, TOKEN_WORD) && (parser_next_is(p, TOKEN_ASSIGN) || parser_next_is(p, TOKEN_EQUAL) ||
                                                 parser_next_is(p, TOKEN_PLUS_ASSIGN)))
                        good = parse_property(p, body);
                else if (parser_at_word(p, "except"))
                        good = parse_exception(p, body);
                else
                        good = parse_statement(p, body->type, &e);

                if (e) {
                        *ret = e;
                        ret = &e->next;
                }
                if (!good) {
                        p->broken = true;
                        p->body_line = open.line;
                        parser_skip_statement(p);
                }
        }

        p->body_line = outer_line;
        parser_advance(p);
        return true;
}

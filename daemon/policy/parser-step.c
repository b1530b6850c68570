/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads one step: its kind, its conditions, and what is said of it behind its braces. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

struct element *parser_element_new(struct parser *p, enum element_type type, struct diag_span span) {
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

/* as = "as" CAPTURE ; */
static bool parse_as(struct parser *p, struct element *e) {
        parser_advance(p);
        if (!parser_at(p, TOKEN_CAPTURE)) {
                parser_fail(p, "expected a name after 'as', found %s", parser_describe(p));
                if (!parser_at(p, TOKEN_WORD) || p->token.broken)
                        return false;
                diag_hint(p->diags, "'as $%.*s'", (int)MIN(p->token.length, 60U),
                          token_bytes(p->source, &p->token));
                parser_advance(p);
                return true;
        }
        if (p->token.broken)
                p->broken = true;
        e->as_span = parser_span(p);
        if (!parser_text(p, &p->token, &e->as))
                return false;
        parser_advance(p);
        return true;
}

/* suffix = ".." | "..." ; on the line of the step's `}` */
static bool parse_suffix(struct parser *p, struct element *e) {
        if (p->token.first_on_line || e->repetition != REPEAT_ONCE ||
            (!parser_at(p, TOKEN_ELLIPSIS_TWO) && !parser_at(p, TOKEN_ELLIPSIS_THREE)))
                return false;
        e->repetition = parser_at(p, TOKEN_ELLIPSIS_TWO) ? REPEAT_PLUS : REPEAT_STAR;
        parser_advance(p);
        return true;
}

/* points = "+" NUMBER ; */
static bool parse_points(struct parser *p, struct element *e) {
        uint64_t points = 0;

        if (parser_at(p, TOKEN_MINUS) && parser_next_is(p, TOKEN_NUMBER)) {
                parser_fail(p, "points are added: there are no negative ones");
                parser_advance(p);
                parser_advance(p);
                return true;
        }
        if (!parser_take(p, TOKEN_PLUS))
                return false;

        if (!parser_at(p, TOKEN_NUMBER)) {
                parser_fail(p, "expected points after '+', found %s", parser_describe(p));
                return true;
        }
        if (parse_u64_n(token_bytes(p->source, &p->token), p->token.length, 1, PARSER_MAX_POINTS, &points) < 0)
                parser_fail(p, "points are 1 to %d", PARSER_MAX_POINTS);
        else if (e->has_points)
                parser_fail(p, "a step has points once");
        e->has_points = true;
        e->points = (int64_t)MAX(points, UINT64_C(1));
        parser_advance(p);
        return true;
}

/* Which relation do the two or three words at hand begin? Nearly right is told. */
static bool find_relation(struct parser *p, enum relation_type *ret) {
        const char *names[_RELATION_TYPE_MAX], *closest;
        char words[48];
        bool same = parser_at_word(p, "same");

        snprintf(words, sizeof(words), "%.*s %.*s%s", (int)MIN(p->token.length, 16U),
                 token_bytes(p->source, &p->token), (int)MIN(p->next.length, 16U), token_bytes(p->source, &p->next),
                 same && !parser_next_is_word(p, "as") ? " as" : "");
        for (int i = 0; i < _RELATION_TYPE_MAX; i++) {
                names[i] = relation_type_to_string((enum relation_type)i);
                if (streq(words, names[i])) {
                        *ret = (enum relation_type)i;
                        return true;
                }
        }

        parser_fail(p, "there is no relation '%s'", words);
        closest = diag_closest(words, names, _RELATION_TYPE_MAX);
        if (closest)
                diag_did_you_mean(p->diags, closest);
        else if (streq(words, "parent of"))
                diag_hint(p->diags, "name the later step's process: the child is 'child of' the earlier one");
        else
                diag_hint(p->diags,
                          "there are child, sibling and descendant of, and same process, file, pipe and unit as");
        return false;
}

/* relation = ( "child" | "sibling" | "descendant" ) "of" CAPTURE | "same" ( "process" | "file" | "pipe" | "unit" ) "as"
 * CAPTURE ; */
static bool parse_relation(struct parser *p, struct relation **ret) {
        struct diag_span start = parser_span(p);
        enum relation_type type = RELATION_CHILD;
        struct relation *relation;
        bool same = parser_at_word(p, "same");

        if (!find_relation(p, &type))
                return false;
        parser_advance(p);
        parser_advance(p);
        if (same && !parser_take_word(p, "as"))
                return parser_fail_expected(p, "'as'");

        if (!parser_at(p, TOKEN_CAPTURE)) {
                parser_fail(p, "expected the name of a step's process after '%s', found %s",
                            relation_type_to_string(type), parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags, "give it one there: 'execve as $p { ... }'");
                return false;
        }

        relation = arena_new(p->arena, struct relation);
        if (!relation)
                return parser_no_memory(p);
        relation->type = type;
        if (p->token.broken)
                p->broken = true;
        if (!parser_text(p, &p->token, &relation->name))
                return false;
        parser_advance(p);
        relation->span = parser_span_from(p, start);
        *ret = relation;
        return true;
}

static bool word_begins_relation(const struct parser *p) {
        return parser_at(p, TOKEN_WORD) && !p->token.broken &&
               (parser_next_is_word(p, "of") || (parser_at_word(p, "same") && parser_next_is(p, TOKEN_WORD)));
}

/* Behind a fault: what else on this line was meant for the step. */
static void skip_behind(struct parser *p) {
        while (!p->token.first_on_line && !parser_next_is(p, TOKEN_BRACE_OPEN) &&
               (parser_at(p, TOKEN_WORD) || parser_at(p, TOKEN_NUMBER) || parser_at(p, TOKEN_PLUS) ||
                parser_at(p, TOKEN_MINUS) || parser_at(p, TOKEN_CAPTURE)))
                parser_advance(p);
}

/* behind = { relation | suffix | points | "," } ; a fault is told and left out */
static void parse_behind(struct parser *p, struct element *e) {
        struct relation **relations_end = &e->relations;
        unsigned n = 0;

        for (;;) {
                if (parser_at(p, TOKEN_COMMA) &&
                    (parser_next_is_word(p, "same") || parser_next_is_word(p, "child") ||
                     parser_next_is_word(p, "sibling") || parser_next_is_word(p, "descendant")))
                        parser_advance(p);

                if (word_begins_relation(p)) {
                        if (++n == PARSER_MAX_RELATIONS + 1)
                                parser_fail(p, "too many relations behind one step: more than %d",
                                            PARSER_MAX_RELATIONS);
                        if (!parse_relation(p, relations_end)) {
                                p->broken = true;
                                skip_behind(p);
                                return;
                        }
                        if (n <= PARSER_MAX_RELATIONS)
                                relations_end = &(*relations_end)->next;
                } else if (!parse_suffix(p, e) && !parse_points(p, e))
                        return;
        }
}

/* step = WORD [ as ] "{" conditions behind ; */
bool parse_step(struct parser *p, enum element_type type, struct element **ret) {
        struct diag_span start = parser_span(p), open;
        struct element *e;

        e = parser_element_new(p, type, start);
        if (!e)
                return false;
        e->kind_span = start;
        if (!parser_text(p, &p->token, &e->kind_name))
                return false;
        parser_advance(p);

        if (!p->token.first_on_line && parser_at_word(p, "as") && !parse_as(p, e))
                return false;

        open = parser_span(p);
        if (!parser_at(p, TOKEN_BRACE_OPEN)) {
                uint32_t line = token_span(p->source, &p->previous).line;

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

        parse_behind(p, e);
        e->span = parser_span_from(p, start);
        *ret = e;
        return true;
}

/* A step that takes nothing cannot repeat, decide or count. */
bool parser_check_taker(struct parser *p, const struct element *e, const char *what) {
        if (e->repetition != REPEAT_ONCE) {
                p->broken = true;
                diag_error(p->diags, e->span, "a step behind '%s' cannot repeat", what);
        }
        if (e->has_points) {
                p->broken = true;
                diag_error(p->diags, e->span, "a step behind '%s' has no points", what);
        }
        if (parser_at(p, TOKEN_QUESTION))
                return parser_fail(p, "a step behind '%s' cannot decide", what);
        return true;
}

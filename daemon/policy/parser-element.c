/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads what happens in a path: steps and what is made of them. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

static bool parse_statement(struct parser *p, enum body_type type, struct element **ret);

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

/* Words of other languages of this kind, in place of a step. */
static const struct {
        const char *word, *hint;
} foreign[] = {
        {"optional", "'openat { } ...' is none or more, and changes nothing about the story"},
        {"eventually", "steps follow each other in time, and other events may always come in between"},
        {"frequency", "'repeat 5 within 10s { ... }' counts"},
        {"distinct", "'repeat 5 distinct dport within 10s { ... }' counts different values"},
        {"anomaly_score", "'score = 50' is a property of the path, and '+10' stands behind each step"},
        {"score", "'score = 50' is a property of the path, and '+10' stands behind each step"},
        {"decay", "'decay = 10 per 1m' is a property of the path"},
};

/* Its end is found by brackets and lines: it may be written in any way. */
static bool skip_foreign(struct parser *p) {
        struct diag_set *diags = p->lexer.diags;
        bool braces = false;
        size_t i = 0;

        while (i < ELEMENTSOF(foreign) && !parser_at_word(p, foreign[i].word))
                i++;
        if (i == ELEMENTSOF(foreign) || parser_next_is(p, TOKEN_ASSIGN))
                return false;

        p->lexer.diags = NULL;
        parser_fail(p, "there is no '%s' here", foreign[i].word);
        diag_hint(p->token.broken ? NULL : p->diags, "%s", foreign[i].hint);
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

/* Does a group of steps begin here? */
static bool at_compound(const struct parser *p) {
        if (parser_at_word(p, "any"))
                return !parser_next_is(p, TOKEN_WORD);
        return parser_at_word(p, "all") || parser_at_word(p, "repeat") || parser_at_word(p, "within") ||
               (parser_at_word(p, "block") && !parser_next_is(p, TOKEN_BRACE_OPEN));
}

/* statement = not | absence | compound | step | conditional | "..." | ".." ;  *ret stays NULL if it is left out, and is
 * more than one for `not any` */
static bool parse_statement(struct parser *p, enum body_type type, struct element **ret) {
        struct element *e = NULL;
        bool good;

        if (parser_at(p, TOKEN_ELLIPSIS_THREE) || parser_at(p, TOKEN_ELLIPSIS_TWO)) {
                *ret = parser_element_new(p, ELEMENT_ELLIPSIS, parser_span(p));
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
        if (parser_at_word(p, "no") && !parser_next_is(p, TOKEN_BRACE_OPEN))
                return parse_absence(p, ret);
        if (at_compound(p))
                return parse_compound(p, ret);
        if (parser_at_word(p, "block")) {
                parser_advance(p);
                parser_fail(p, "a block has a name in quotes before its '{'");
                diag_hint(p->diags, "block \"name\" { ... }");
                return false;
        }
        if (skip_foreign(p))
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

/* A drop-in says how a path is meant, not what happens in it. */
static bool fail_step(struct parser *p) {
        if (!p->told_steps) {
                parser_fail(p, "a drop-in adds no steps to a path");
                diag_hint(p->token.broken ? NULL : p->diags,
                          "a file of the name of the policy, in an earlier directory, masks that as a whole");
        }
        p->told_steps = p->broken = true;
        parser_advance(p);
        return false;
}

/* body = { property | exception | until | response | statement | "," } "}" ; */
bool parse_body(struct parser *p, struct body *body, struct diag_span open, struct element **ret) {
        static const char *const names[] = {
                [BODY_PATH] = "the path",     [BODY_BLOCK] = "the block", [BODY_ANY] = "'any'",
                [BODY_BRANCH] = "the branch", [BODY_ALL] = "'all'",       [BODY_REPEAT] = "'repeat'",
        };
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
                else if (parser_at_word(p, "until") && !parser_next_is(p, TOKEN_BRACE_OPEN) && !p->drop_in)
                        good = parse_until(p, body);
                else if (parser_at_word(p, "on") && !parser_next_is(p, TOKEN_BRACE_OPEN))
                        good = parse_response(p, body);
                else if (p->drop_in && body->type == BODY_PATH)
                        good = fail_step(p);
                else
                        good = parse_statement(p, body->type, &e);

                *ret = e;
                while (*ret)
                        ret = &(*ret)->next;
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

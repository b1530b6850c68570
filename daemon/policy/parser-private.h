/* SPDX-License-Identifier: Apache-2.0 */
/* Parser, private - the parts that its files share. A production returns false when it met a fault that it could not
 * read on from; the fault has been reported then, and somebody above goes on at a better place. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "policy/lexer.h"
#include "policy/parser.h"
#include "policy/source.h"

/* Where a statement stands decides which ones may. */
enum body_type {
        BODY_PATH,
        BODY_BLOCK,
        BODY_ANY,
        BODY_BRANCH,
        BODY_ALL,
        BODY_REPEAT,
};

/* What belongs to a body and is no element. */
struct body {
        enum body_type type;
        struct path_node *path;         /* BODY_PATH */
        uint64_t *within_ns;            /* BODY_BLOCK: of the block */
        bool within_given;
        struct exception **exceptions_end; /* BODY_PATH, as the next two */
        struct element **untils_end;
        struct step_response **responses_end;
        struct diag_span properties[16]; /* where each was set; line 0: it was not */
};

struct parser {
        const struct source *source;
        struct arena *arena;
        struct diag_set *diags;
        struct lexer lexer;
        struct token token, next;       /* the one at hand, and the one behind it */
        struct token previous;          /* the last that was taken */

        bool drop_in;                   /* what stands in a path is said of one that is written elsewhere */
        unsigned depth;
        uint32_t n_elements;            /* of the path at hand */
        uint32_t n_terms;               /* of the step at hand */
        struct capture *captures, **captures_end; /* of the step at hand */
        uint32_t n_captures;

        uint32_t body_line;             /* line of the `{` of the innermost body */
        char found[80];                 /* for parser_describe() */

        bool broken;                    /* something in the path at hand could not be read */
        bool told_depth, told_elements, told_terms, told_steps; /* once in a path */
        bool told_end;                  /* that something is not closed: what is around it is not closed either */
        int error;                      /* -ENOMEM: from then on there is nothing but the end of the file */
};

/* Tokens. */
void parser_advance(struct parser *p);
bool parser_at(const struct parser *p, enum token_type type);
bool parser_at_word(const struct parser *p, const char *word);
bool parser_next_is(const struct parser *p, enum token_type type);
bool parser_next_is_word(const struct parser *p, const char *word);
bool parser_take(struct parser *p, enum token_type type); /* true: it was there and is taken */
bool parser_take_word(struct parser *p, const char *word);
bool parser_expect(struct parser *p, enum token_type type,
                   const char *where);  /* takes it or reports "expected ... WHERE" */
struct diag_span parser_span(const struct parser *p); /* of the token at hand */
struct diag_span parser_span_from(const struct parser *p, struct diag_span start); /* until the last token taken */

/* Report and return false. Silent if the token at hand is broken: the lexer has said why. */
bool parser_fail(struct parser *p, const char *fmt, ...) _printf_(2, 3);
bool parser_fail_expected(struct parser *p, const char *what);
bool parser_no_memory(struct parser *p);
bool parser_enter(struct parser *p); /* one deeper; false and a message if that is too deep */
void parser_leave(struct parser *p);

/* What a message calls the token at hand. Good until the next call. */
const char *parser_describe(struct parser *p);

/* Going on. */
bool parser_at_definition(const struct parser *p);              /* of a path, list or macro */
void parser_skip_group(struct parser *p); /* at an opening bracket of any kind: behind its partner */
void parser_skip_statement(struct parser *p);
void parser_report_unclosed(struct parser *p, struct diag_span open, const char *what);

/* Text into the arena. */
bool parser_text(struct parser *p, const struct token *token,
                 struct text *ret);     /* strings decoded, others as they stand */
bool parser_string(struct parser *p, const char *where, struct text *ret, struct diag_span *ret_span);

/* parser-condition.c */
bool parse_conditions(struct parser *p, struct diag_span open, const char *what, bool captures, struct expr **ret);
void parser_begin_conditions(struct parser *p);

bool parse_field(struct parser *p, struct field_ref *ret);

/* parser-operand.c */
bool parse_operand(struct parser *p, enum compare_op op, bool in_list, struct operand *ret);
bool parse_items(struct parser *p, struct operand *ret);

/* parser-step.c */
struct element *parser_element_new(struct parser *p, enum element_type type, struct diag_span span);
bool parse_step(struct parser *p, enum element_type type, struct element **ret);
bool parser_check_taker(struct parser *p, const struct element *e, const char *what);

/* parser-group.c */
bool parse_compound(struct parser *p, struct element **ret);
bool parse_not(struct parser *p, struct element **ret);
bool parse_absence(struct parser *p, struct element **ret);
bool parse_until(struct parser *p, struct body *body);
bool parse_period(struct parser *p, uint64_t *ret_ns);
bool read_window(struct parser *p, uint64_t *ret_ns);

/* parser-element.c */
/* From behind the `{` at `open` up to and with the `}`. */
bool parse_body(struct parser *p, struct body *body, struct diag_span open, struct element **ret);

/* parser-property.c */
bool parse_property(struct parser *p, struct body *body);
bool parse_exception(struct parser *p, struct body *body);
bool parse_response(struct parser *p, struct body *body);

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parser.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/parser-private.h"

void parser_advance(struct parser *p) {
        p->previous = p->token;
        p->token = p->next;
        if (p->token.type != TOKEN_EOF)
                p->next = lexer_next(&p->lexer);
}

bool parser_at(const struct parser *p, enum token_type type) {
        return p->token.type == type;
}

static bool token_is_word(const struct parser *p, const struct token *token, const char *word) {
        /* `||` for `or`: the lexer has said what it thinks of it. */
        if (token->broken)
                return token->type == TOKEN_WORD && streq(word, "or");
        return token->type == TOKEN_WORD && memeq_str(token_bytes(p->source, token), token->length, word);
}

bool parser_at_word(const struct parser *p, const char *word) {
        return token_is_word(p, &p->token, word);
}

bool parser_next_is(const struct parser *p, enum token_type type) {
        return p->next.type == type;
}

bool parser_next_is_word(const struct parser *p, const char *word) {
        return token_is_word(p, &p->next, word);
}

bool parser_take(struct parser *p, enum token_type type) {
        if (p->token.type != type || type == TOKEN_EOF)
                return false;
        parser_advance(p);
        return true;
}

bool parser_take_word(struct parser *p, const char *word) {
        if (!parser_at_word(p, word))
                return false;
        parser_advance(p);
        return true;
}

struct diag_span parser_span(const struct parser *p) {
        return token_span(p->source, &p->token);
}

struct diag_span parser_span_from(const struct parser *p, struct diag_span start) {
        if (p->previous.offset < start.offset)
                return start;
        return span_join(start, token_span(p->source, &p->previous));
}

const char *parser_describe(struct parser *p) {
        size_t n = p->token.length;

        if (p->token.type == TOKEN_EOF)
                return token_type_to_string(TOKEN_EOF);
        snprintf(p->found, sizeof(p->found), "'%.*s%s'", (int)MIN(n, (size_t)40), token_bytes(p->source, &p->token),
                 n > 40 ? "..." : "");
        return p->found;
}

bool parser_fail(struct parser *p, const char *fmt, ...) {
        va_list ap;

        p->broken = true;
        if (p->token.broken || p->error < 0)
                return false;

        va_start(ap, fmt);
        diag_vreport(p->diags, DIAG_ERROR, parser_span(p), fmt, ap);
        va_end(ap);
        return false;
}

bool parser_fail_expected(struct parser *p, const char *what) {
        if (parser_at(p, TOKEN_EOF))
                p->told_end = true;
        return parser_fail(p, "expected %s, found %s", what, parser_describe(p));
}

bool parser_expect(struct parser *p, enum token_type type, const char *where) {
        if (parser_take(p, type))
                return true;
        if (parser_at(p, TOKEN_EOF))
                p->told_end = true;
        return parser_fail(p, "expected %s %s, found %s", token_type_to_string(type), where, parser_describe(p));
}

bool parser_no_memory(struct parser *p) {
        p->error = -ENOMEM;
        p->broken = true;
        p->token = p->next = (struct token){.type = TOKEN_EOF, .offset = p->source->length};
        p->lexer.position = p->source->length;
        return false;
}

bool parser_enter(struct parser *p) {
        if (p->depth >= PARSER_MAX_DEPTH) {
                if (!p->told_depth)
                        diag_error(p->diags, parser_span(p), "nested too deeply: more than %d levels",
                                   PARSER_MAX_DEPTH);
                p->told_depth = true;
                p->broken = true;
                return false;
        }
        p->depth++;
        return true;
}

void parser_leave(struct parser *p) {
        assert(p->depth > 0);
        p->depth--;
}

void parser_report_unclosed(struct parser *p, struct diag_span open, const char *what) {
        p->broken = true;
        if (p->told_end || p->error < 0)
                return;
        p->told_end = true;

        diag_error(p->diags, open, "this '{' of %s is never closed", what);
        if (!parser_at(p, TOKEN_EOF))
                diag_related(p->diags, parser_span(p), "a '}' is missing before this");
}

void parser_skip_group(struct parser *p) {
        enum token_type open = p->token.type, close;
        size_t depth = 0;

        close = open == TOKEN_BRACE_OPEN ? TOKEN_BRACE_CLOSE : open == TOKEN_PAREN_OPEN ? TOKEN_PAREN_CLOSE
                                                                                        : TOKEN_BRACKET_CLOSE;
        do {
                if (parser_at(p, open))
                        depth++;
                else if (parser_at(p, close))
                        depth--;
                else if (open != TOKEN_BRACE_OPEN &&
                         (parser_at(p, TOKEN_BRACE_OPEN) || parser_at(p, TOKEN_BRACE_CLOSE)))
                        return;
                if (parser_at(p, TOKEN_EOF)) {
                        if (open == TOKEN_BRACE_OPEN)
                                p->told_end = true; /* what made us skip has been told; this is its consequence */
                        return;
                }
                parser_advance(p);
        } while (depth > 0);
}

/* May a statement begin with the token at hand? Each token for which this holds is taken by parse_statement() at least.
 */
static bool at_statement(const struct parser *p) {
        if (parser_at(p, TOKEN_ELLIPSIS_THREE) || parser_at(p, TOKEN_ELLIPSIS_TWO))
                return true;
        return parser_at(p, TOKEN_WORD) && !p->token.broken &&
               (parser_next_is(p, TOKEN_BRACE_OPEN) || parser_next_is(p, TOKEN_ASSIGN) ||
                parser_next_is(p, TOKEN_STRING) || parser_next_is_word(p, "as") || parser_at_word(p, "not") ||
                parser_at_word(p, "within") ||
                ((parser_at_word(p, "no") || parser_at_word(p, "until") || parser_at_word(p, "on")) &&
                 parser_next_is(p, TOKEN_WORD)) ||
                (parser_at_word(p, "repeat") && parser_next_is(p, TOKEN_NUMBER)));
}

void parser_skip_statement(struct parser *p) {
        while (!parser_at(p, TOKEN_EOF) && !parser_at(p, TOKEN_BRACE_CLOSE)) {
                if (p->token.first_on_line && at_statement(p))
                        return;
                if (parser_at(p, TOKEN_BRACE_OPEN))
                        parser_skip_group(p);
                else
                        parser_advance(p);
        }
}

bool parser_text(struct parser *p, const struct token *token, struct text *ret) {
        char *bytes = arena_alloc(p->arena, (size_t)token->length + 1);

        if (!bytes)
                return parser_no_memory(p);

        ret->bytes = bytes;
        if (token->type == TOKEN_STRING || token->type == TOKEN_RAW)
                ret->length = token_decode(p->source, token, bytes);
        else {
                memcpy(bytes, token_bytes(p->source, token), token->length);
                ret->length = token->length;
        }
        bytes[ret->length] = '\0';
        return true;
}

bool parser_string(struct parser *p, const char *where, struct text *ret, struct diag_span *ret_span) {
        if (!parser_at(p, TOKEN_STRING) && !parser_at(p, TOKEN_RAW))
                return parser_fail(p, "expected a string %s, found %s", where, parser_describe(p));

        if (p->token.broken)
                p->broken = true;
        *ret_span = parser_span(p);
        if (!parser_text(p, &p->token, ret))
                return false;
        parser_advance(p);
        return true;
}

/* path = "path" STRING "{" body ; */
static bool parse_path(struct parser *p, struct path_node **ret) {
        struct diag_span start = parser_span(p), open;
        struct body body = {.type = BODY_PATH};
        struct path_node *node;
        bool good;

        parser_advance(p);

        node = arena_new(p->arena, struct path_node);
        if (!node)
                return parser_no_memory(p);
        node->span = start;
        node->source = p->source;
        node->severity = SEVERITY_MEDIUM;
        node->by = KEY_TREE;
        node->on_loss = ON_LOSS_FLAG;

        node->extension = p->drop_in;

        p->broken = p->told_depth = p->told_elements = p->told_steps = p->told_end = false;
        p->n_elements = 0;

        if (parser_at(p, TOKEN_WORD) && parser_next_is(p, TOKEN_BRACE_OPEN)) {
                parser_fail(p, "the name of a path stands in quotes");
                diag_hint(p->diags, "write path \"%.*s\"", (int)MIN(p->token.length, 60U),
                          token_bytes(p->source, &p->token));
                node->name_span = parser_span(p);
                if (!parser_text(p, &p->token, &node->name))
                        return false;
                parser_advance(p);
        } else if (!parser_string(p, "after 'path': its name", &node->name, &node->name_span))
                return false;

        open = parser_span(p);
        if (!parser_expect(p, TOKEN_BRACE_OPEN, "after the name of the path"))
                return false;

        body.path = node;
        body.exceptions_end = &node->exceptions;
        body.untils_end = &node->untils;
        body.responses_end = &node->responses;
        good = parse_body(p, &body, open, &node->body);
        node->span = parser_span_from(p, start);
        node->broken = p->broken || !good;
        *ret = node;
        return p->error >= 0;
}

/* list = "list" WORD ( "=" | "+=" ) items ; */
static bool parse_list(struct parser *p, struct list_node **ret) {
        struct diag_span start = parser_span(p);
        struct list_node *node;

        parser_advance(p);

        node = arena_new(p->arena, struct list_node);
        if (!node)
                return parser_no_memory(p);

        if (!parser_at(p, TOKEN_WORD))
                return parser_fail(p, "expected the name of the list, found %s", parser_describe(p));
        node->name_span = parser_span(p);
        if (!parser_text(p, &p->token, &node->name))
                return false;
        parser_advance(p);

        /* The name is known from here on, whatever is wrong with the rest: its uses are no errors. */
        *ret = node;
        node->span = start;
        node->value.type = OPERAND_LIST;

        node->append = parser_take(p, TOKEN_PLUS_ASSIGN);
        if (!node->append && !parser_expect(p, TOKEN_ASSIGN, "after the name of the list"))
                return false;

        if (!parser_at(p, TOKEN_BRACKET_OPEN))
                return parser_fail_expected(p, "'['");
        if (!parse_items(p, &node->value))
                return false;

        node->span = parser_span_from(p, start);
        return true;
}

/* macro = "macro" WORD [ "+=" ] "{" conditions ; */
static bool parse_macro(struct parser *p, struct macro_node **ret) {
        struct diag_span start = parser_span(p), open;
        struct macro_node *node;

        parser_advance(p);

        node = arena_new(p->arena, struct macro_node);
        if (!node)
                return parser_no_memory(p);
        node->span = start;
        node->name_span = parser_span(p);
        if (!parser_text(p, &p->token, &node->name))
                return false;
        parser_advance(p);
        *ret = node;            /* known from here on, as a list is */
        node->append = parser_take(p, TOKEN_PLUS_ASSIGN);

        open = parser_span(p);
        if (!parser_at(p, TOKEN_BRACE_OPEN)) {
                parser_fail_expected(p, "'{' after the name of the macro");
                diag_hint(p->token.broken ? NULL : p->diags, "macro %.*s { condition }",
                          (int)MIN(node->name.length, (size_t)60), node->name.bytes);
                return false;
        }
        parser_advance(p);

        p->told_depth = p->told_end = false;
        parser_begin_conditions(p);
        if (!parse_conditions(p, open, "the macro", false, &node->condition))
                return false;
        node->span = parser_span_from(p, start);
        return true;
}

bool parser_at_definition(const struct parser *p) {
        return ((parser_at_word(p, "path") && (parser_next_is(p, TOKEN_STRING) || parser_next_is(p, TOKEN_RAW))) ||
                ((parser_at_word(p, "list") || parser_at_word(p, "macro")) && parser_next_is(p, TOKEN_WORD)) ||
                (p->drop_in && parser_at_word(p, "except")));
}

/* To the next path or list that begins a line. */
static void skip_definition(struct parser *p) {
        while (!parser_at(p, TOKEN_EOF) && !(p->token.first_on_line && parser_at_definition(p)))
                parser_advance(p);
}

/* What stands outside of every path and has no business there. Always takes a token. */
static void report_stray(struct parser *p) {
        if (parser_at(p, TOKEN_BRACE_CLOSE)) {
                if (!p->told_end)
                        parser_fail(p, "this '}' closes nothing");
                p->told_end = false;
                parser_advance(p);
                return;
        }

        if (parser_at_word(p, "score") && (parser_next_is(p, TOKEN_STRING) || parser_next_is(p, TOKEN_RAW))) {
                parser_fail(p, "there is no 'score' here");
                diag_hint(p->diags, "path \"name\" { score = 50 ... }");
        } else if (parser_at_word(p, "except") && parser_next_is(p, TOKEN_BRACE_OPEN)) {
                parser_fail(p, "%s stands outside of every path", parser_describe(p));
                diag_hint(p->diags, "in a drop-in it may: it belongs to all paths of the file that that extends");
        } else if (parser_at(p, TOKEN_WORD) &&
                   (parser_next_is(p, TOKEN_BRACE_OPEN) || parser_next_is(p, TOKEN_ASSIGN))) {
                parser_fail(p, "%s stands outside of every path", parser_describe(p));
                diag_hint(p->diags, "path \"name\" { ... } goes around it");
        } else
                parser_fail_expected(p, "'path', 'list' or 'macro'");

        parser_advance(p);
        skip_definition(p);
}

/* exception, in a drop-in */
static void read_exception(struct parser *p, struct file_node *file, struct exception ***end) {
        struct body body = {.type = BODY_PATH, .exceptions_end = *end};

        p->broken = p->told_depth = p->told_end = false;
        if (!parse_exception(p, &body)) {
                skip_definition(p);
                p->broken = true;
        }
        *end = body.exceptions_end;
        file->broken = file->broken || p->broken;
}

/* file = { path | list | macro | exception | "," } ; */
static void parse_file(struct parser *p, struct file_node *file) {
        struct path_node **paths_end = &file->paths;
        struct list_node **lists_end = &file->lists;
        struct macro_node **macros_end = &file->macros;
        struct exception **exceptions_end = &file->exceptions;
        size_t n_paths = 0;

        while (!parser_at(p, TOKEN_EOF)) {
                if (parser_take(p, TOKEN_COMMA))
                        continue;

                if (parser_at_word(p, "path") &&
                    (!parser_next_is(p, TOKEN_BRACE_OPEN) && !parser_next_is(p, TOKEN_ASSIGN))) {
                        struct path_node *node = NULL;
                        bool good;

                        if (n_paths >= PROGRAM_MAX_PATHS) {
                                parser_fail(p, "too many paths in one file: more than %d", PROGRAM_MAX_PATHS);
                                file->broken = true;
                                return;
                        }
                        good = parse_path(p, &node);
                        if (node) {
                                *paths_end = node;
                                paths_end = &node->next;
                                n_paths++;
                        }
                        if (!good) {
                                file->broken = true;
                                skip_definition(p);
                        }
                } else if (parser_at_word(p, "list") && parser_next_is(p, TOKEN_WORD)) {
                        struct list_node *node = NULL;
                        bool good = parse_list(p, &node);

                        if (node) {
                                *lists_end = node;
                                lists_end = &node->next;
                        }
                        if (!good) {
                                file->broken = true;
                                skip_definition(p);
                        }
                } else if (parser_at_word(p, "macro") && parser_next_is(p, TOKEN_WORD)) {
                        struct macro_node *node = NULL;
                        bool good;

                        p->broken = false;
                        good = parse_macro(p, &node);
                        if (node) {
                                *macros_end = node;
                                macros_end = &node->next;
                        }
                        file->broken = file->broken || p->broken || !good;
                        if (!good)
                                skip_definition(p);
                } else if (p->drop_in && parser_at_word(p, "except") && !parser_next_is(p, TOKEN_ASSIGN)) {
                        read_exception(p, file, &exceptions_end);
                } else {
                        report_stray(p);
                        file->broken = true;
                }
        }
}

static int parse_source(struct parser *p, struct file_node **ret) {
        struct file_node *file;

        file = arena_new(p->arena, struct file_node);
        if (!file)
                return -ENOMEM;
        file->source = p->source;

        lexer_init(&p->lexer, p->source, p->diags);
        p->token = lexer_next(&p->lexer);
        p->next = lexer_next(&p->lexer);
        parse_file(p, file);
        if (p->error < 0)
                return p->error;

        *ret = file;
        return 0;
}

int parser_parse(const struct source *source, struct arena *arena, struct diag_set *diags, struct file_node **ret) {
        struct parser p = {.source = source, .arena = arena, .diags = diags};

        assert(source && arena && ret);

        return parse_source(&p, ret);
}

int parser_parse_drop_in(const struct source *source, struct arena *arena, struct diag_set *diags,
                         const struct file_node *extends, struct file_node **ret) {
        struct parser p = {.source = source, .arena = arena, .diags = diags, .drop_in = true};
        int r;

        assert(source && arena && extends && ret);

        r = parse_source(&p, ret);
        if (r < 0)
                return r;
        (*ret)->extends = extends;
        return 0;
}

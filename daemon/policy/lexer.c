/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lexer.h"

#include <assert.h>
#include <string.h>

#include "base/macro.h"
#include "policy/source.h"

void lexer_init(struct lexer *lexer, const struct source *source, struct diag_set *diags) {
        assert(lexer && source);

        *lexer = (struct lexer){.source = source, .diags = diags};

        /* Some editors put a byte order mark in front. */
        if (source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
                lexer->position = 3;
}

const char *token_type_to_string(enum token_type type) {
        switch (type) {
#define TOKEN(id, name) \
        case TOKEN_##id: \
                return name;
#include "policy/token.def"
        case _TOKEN_MAX: break;
        }
        return NULL;
}

const char *token_bytes(const struct source *source, const struct token *token) {
        return source->text + token->offset;
}

struct diag_span token_span(const struct source *source, const struct token *token) {
        return source_span(source, token->offset, token->length);
}

/* Locale must not matter, and bytes above 127 are no letters. */
static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The byte `ahead` of the position; NUL at and behind the end. */
static char lexer_peek(const struct lexer *lexer, uint32_t ahead) {
        return ahead < lexer->source->length - lexer->position ? lexer->source->text[lexer->position + ahead] : '\0';
}

static void lexer_skip_line(struct lexer *lexer) {
        const char *from = lexer->source->text + lexer->position;
        const char *end = memchr(from, '\n', lexer->source->length - lexer->position);

        lexer->position = end ? (uint32_t)(end - lexer->source->text) : lexer->source->length;
}

/* C comments are not part of the language, but reading their words as policy would bury the one message that helps.
 * Returns whether a line ended inside. */
static bool lexer_skip_c_comment(struct lexer *lexer) {
        const char *from = lexer->source->text + lexer->position;
        const char *end = memmem(from + 2, lexer->source->length - lexer->position - 2, "*/", 2);

        diag_error(lexer->diags, source_span(lexer->source, lexer->position, 2),
                   "comments start with '#' or '//' and end with their line");
        lexer->position = end ? (uint32_t)(end + 2 - lexer->source->text) : lexer->source->length;
        return memchr(from, '\n', lexer->source->text + lexer->position - from);
}

/* Blanks and comments. Returns whether a line ended among them. */
static bool lexer_skip_blank(struct lexer *lexer) {
        bool newline = false;

        while (lexer->position < lexer->source->length) {
                char c = lexer_peek(lexer, 0);

                if (c == '\n')
                        newline = true;
                else if (c == '#' || (c == '/' && lexer_peek(lexer, 1) == '/')) {
                        lexer_skip_line(lexer);
                        continue;
                } else if (c == '/' && lexer_peek(lexer, 1) == '*') {
                        newline = lexer_skip_c_comment(lexer) || newline;
                        continue;
                } else if (c != ' ' && c != '\t' && c != '\r')
                        break;
                lexer->position++;
        }
        return newline;
}

/* Can this byte begin a token? */
static bool starts_token(char c) {
        return is_letter(c) || is_digit(c) || (c && strchr("\"'$.{}[](),?:=!<>~&|+-#/ \t\r\n", c));
}

/* pathname = /etc/passwd: the whole of it is one string without its quotes, after a message. */
static void lexer_scan_bare_path(struct lexer *lexer, struct token *token) {
        while (lexer->position < lexer->source->length && !strchr(" \t\r\n,{}[]()\"'", lexer_peek(lexer, 0)))
                lexer->position++;
        token->type = TOKEN_RAW;
        token->broken = true;
        diag_error(lexer->diags, source_span(lexer->source, token->offset, lexer->position - token->offset),
                   "strings stand in quotes");
}

static void lexer_report_junk(struct lexer *lexer, uint32_t from) {
        struct diag_span span = source_span(lexer->source, from, lexer->position - from);
        unsigned char c = (unsigned char)lexer->source->text[from];

        if (c == '\0')
                diag_error(lexer->diags, span, "a NUL byte in the text: this is no policy file");
        else if (c == ';') {
                diag_error(lexer->diags, span, "unexpected ';'");
                diag_hint(lexer->diags, "a line end or a comma is enough");
        } else if (c == '!') {
                diag_error(lexer->diags, span, "unexpected '!'");
                diag_hint(lexer->diags, "write 'not'");
        } else if (c < 0x20 || c >= 0x7f)
                diag_error(lexer->diags, span, "unexpected byte 0x%02x outside of a string", c);
        else
                diag_error(lexer->diags, span, "unexpected '%c'", c);
}

/* How long is the escape at s[0] == '\\'? 0 if it is none that we know. Its byte goes to *ret. */
static size_t decode_escape(const char *s, size_t n, char *ret) {
        static const char names[] = "abefnrtv\\\"'?", bytes[] = "\a\b\033\f\n\r\t\v\\\"'?";
        const char *name;
        unsigned value = 0;
        size_t i;

        if (n < 2)
                return 0;

        if (s[1] == 'x') {
                if (n < 4 || !is_hex(s[2]) || !is_hex(s[3]))
                        return 0;
                for (i = 2; i < 4; i++)
                        value = value * 16 + (unsigned)(is_digit(s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
                *ret = (char)value;
                return 4;
        }

        for (i = 1; i < 4 && i < n && s[i] >= '0' && s[i] <= '7'; i++)
                value = value * 8 + (unsigned)(s[i] - '0');
        if (i > 1) {
                if (value > 255)
                        return 0;
                *ret = (char)value;
                return i;
        }

        name = s[1] ? strchr(names, s[1]) : NULL;
        if (!name)
                return 0;
        *ret = bytes[name - names];
        return 2;
}

static void lexer_report_escape(struct lexer *lexer, uint32_t at) {
        char c = at + 1 < lexer->source->length ? lexer->source->text[at + 1] : '\0';
        struct diag_span span = source_span(lexer->source, at, at + 1 < lexer->source->length ? 2 : 1);

        if (c == 'x')
                diag_error(lexer->diags, span, "'\\x' needs two hexadecimal digits");
        else if (is_digit(c))
                diag_error(lexer->diags, span, "this escape is no byte: octal goes up to '\\377'");
        else if (c > ' ' && c < 0x7f)
                diag_error(lexer->diags, span, "unknown escape '\\%c'", c);
        else
                diag_error(lexer->diags, span, "unknown escape");

        if (c > ' ' && c < 0x7f && c != 'x' && !is_digit(c))
                diag_hint(lexer->diags,
                          "write '\\\\%c' for a backslash before '%c', or put the text in single quotes, which know no "
                          "escapes",
                          c, c);
}

/* "..." or '...', on one line. */
static void lexer_scan_string(struct lexer *lexer, struct token *token) {
        const struct source *source = lexer->source;
        char quote = lexer_peek(lexer, 0);
        uint32_t at = lexer->position + 1;

        while (at < source->length && source->text[at] != quote && source->text[at] != '\n') {
                char c;
                size_t n;

                if (quote == '\'' || source->text[at] != '\\') {
                        at++;
                        continue;
                }

                n = decode_escape(source->text + at, source->length - at, &c);
                if (n == 0) {
                        lexer_report_escape(lexer, at);
                        token->broken = true;
                        n = at + 1 < source->length && source->text[at + 1] != '\n' ? 2 : 1;
                }
                at += (uint32_t)n;
        }

        token->type = quote == '"' ? TOKEN_STRING : TOKEN_RAW;
        if (at < source->length && source->text[at] == quote)
                lexer->position = at + 1;
        else {
                lexer->position = at;
                token->broken = true;
                diag_error(lexer->diags, source_span(source, token->offset, 1),
                           "this string is not closed before the end of its line");
        }
}

/* An address may start like a number (10.0.0.1) or a word (fe80::1, beef:1::). Colons stand nowhere else between
 * hexadecimal digits: the one of `? :` comes after a brace. */
static bool lexer_at_address(const struct lexer *lexer) {
        uint32_t n = 0;
        int dots = 0;

        if (lexer_peek(lexer, 0) == ':')
                return lexer_peek(lexer, 1) == ':';

        while (n < 5 && is_hex(lexer_peek(lexer, n)))
                n++;
        if (n > 0 && n < 5 && lexer_peek(lexer, n) == ':')
                return is_hex(lexer_peek(lexer, n + 1)) || lexer_peek(lexer, n + 1) == ':';

        /* Three dots between digits. */
        for (n = 0; n < 16 && (is_digit(lexer_peek(lexer, n)) || lexer_peek(lexer, n) == '.'); n++)
                if (lexer_peek(lexer, n) == '.') {
                        if (!is_digit(lexer_peek(lexer, n + 1)))
                                return false;
                        dots++;
                }
        return dots >= 2;
}

static void lexer_scan_address(struct lexer *lexer, struct token *token) {
        token->type = TOKEN_ADDRESS;
        while (is_hex(lexer_peek(lexer, 0)) || lexer_peek(lexer, 0) == ':' ||
               (lexer_peek(lexer, 0) == '.' && is_digit(lexer_peek(lexer, 1))))
                lexer->position++;
        if (lexer_peek(lexer, 0) == '/' && is_digit(lexer_peek(lexer, 1)))
                do
                        lexer->position++;
                while (is_digit(lexer_peek(lexer, 0)));
}

/* Digits with what belongs to them: 0x1f, 4K, 1h30m, 1.5s. The parser says what is wrong with it. */
static void lexer_scan_number(struct lexer *lexer, struct token *token) {
        token->type = TOKEN_NUMBER;
        while (is_digit(lexer_peek(lexer, 0)) || is_letter(lexer_peek(lexer, 0)) ||
               (lexer_peek(lexer, 0) == '.' && is_digit(lexer_peek(lexer, 1))))
                lexer->position++;
}

static void lexer_scan_word(struct lexer *lexer, struct token *token) {
        token->type = TOKEN_WORD;
        while (is_digit(lexer_peek(lexer, 0)) || is_letter(lexer_peek(lexer, 0)) ||
               (lexer_peek(lexer, 0) == '.' && is_letter(lexer_peek(lexer, 1))))
                lexer->position++;
}

static void lexer_scan_capture(struct lexer *lexer, struct token *token) {
        token->type = TOKEN_CAPTURE;
        lexer->position++;
        token->broken = !is_letter(lexer_peek(lexer, 0));
        while (is_letter(lexer_peek(lexer, 0)) || is_digit(lexer_peek(lexer, 0)))
                lexer->position++;
        if (token->broken)
                diag_error(lexer->diags, source_span(lexer->source, token->offset, 1), "'$' needs a name: '$file'");
}

/* What programmers write by habit: taken for the word that the language uses, after a message. */
static bool lexer_scan_habit(struct lexer *lexer, struct token *token) {
        static const struct {
                char text[3];
                const char *word;
        } habits[] = {{"&&", "and"}, {"||", "or"}};

        for (size_t i = 0; i < ELEMENTSOF(habits); i++)
                if (lexer_peek(lexer, 0) == habits[i].text[0] && lexer_peek(lexer, 1) == habits[i].text[1]) {
                        diag_error(lexer->diags, source_span(lexer->source, lexer->position, 2), "unexpected '%s'",
                                   habits[i].text);
                        diag_hint(lexer->diags, "write '%s'", habits[i].word);
                        token->type = i == 0 ? TOKEN_COMMA : TOKEN_WORD;
                        token->broken = true;
                        lexer->position += 2;
                        return true;
                }
        return false;
}

static bool lexer_scan_sign(struct lexer *lexer, struct token *token) {
        /* Longest first. */
        static const struct {
                char text[4];
                enum token_type type;
        } signs[] = {
                {"...", TOKEN_ELLIPSIS_THREE},
                {"..", TOKEN_ELLIPSIS_TWO},
                {"==", TOKEN_EQUAL},
                {"!=", TOKEN_NOT_EQUAL},
                {"<=", TOKEN_LESS_EQUAL},
                {">=", TOKEN_GREATER_EQUAL},
                {"=~", TOKEN_MATCH},
                {"!~", TOKEN_NOT_MATCH},
                {"~=", TOKEN_FOLD},
                {"+=", TOKEN_PLUS_ASSIGN},
                {"{", TOKEN_BRACE_OPEN},
                {"}", TOKEN_BRACE_CLOSE},
                {"[", TOKEN_BRACKET_OPEN},
                {"]", TOKEN_BRACKET_CLOSE},
                {"(", TOKEN_PAREN_OPEN},
                {")", TOKEN_PAREN_CLOSE},
                {",", TOKEN_COMMA},
                {"?", TOKEN_QUESTION},
                {":", TOKEN_COLON},
                {"=", TOKEN_ASSIGN},
                {"<", TOKEN_LESS},
                {">", TOKEN_GREATER},
                {"&", TOKEN_AMPERSAND},
                {"|", TOKEN_PIPE},
                {"+", TOKEN_PLUS},
                {"-", TOKEN_MINUS},
        };

        for (size_t i = 0; i < ELEMENTSOF(signs); i++) {
                size_t n = strlen(signs[i].text);

                if (n <= lexer->source->length - lexer->position &&
                    memcmp(lexer->source->text + lexer->position, signs[i].text, n) == 0) {
                        token->type = signs[i].type;
                        lexer->position += (uint32_t)n;
                        return true;
                }
        }
        return false;
}

struct token lexer_next(struct lexer *lexer) {
        struct token token = {.first_on_line = !lexer->started};

        lexer->started = true;

        for (;;) {
                char c;

                if (lexer_skip_blank(lexer))
                        token.first_on_line = true;

                token.offset = lexer->position;
                if (lexer->position >= lexer->source->length) {
                        token.type = TOKEN_EOF;
                        return token;
                }

                c = lexer_peek(lexer, 0);
                if (c == '"' || c == '\'')
                        lexer_scan_string(lexer, &token);
                else if (lexer_at_address(lexer))
                        lexer_scan_address(lexer, &token);
                else if (is_digit(c))
                        lexer_scan_number(lexer, &token);
                else if (is_letter(c))
                        lexer_scan_word(lexer, &token);
                else if (c == '$')
                        lexer_scan_capture(lexer, &token);
                else if (c == '/')
                        lexer_scan_bare_path(lexer, &token);
                else if (!lexer_scan_habit(lexer, &token) && !lexer_scan_sign(lexer, &token)) {
                        do
                                lexer->position++;
                        while (lexer->position < lexer->source->length && !starts_token(lexer_peek(lexer, 0)));
                        lexer_report_junk(lexer, token.offset);
                        continue;
                }

                token.length = lexer->position - token.offset;
                return token;
        }
}

size_t token_decode(const struct source *source, const struct token *token, char *bytes) {
        const char *s = token_bytes(source, token) + 1;
        size_t n = token->length - 1, out = 0;

        assert(token->type == TOKEN_STRING || token->type == TOKEN_RAW);

        if (s[-1] != '"' && s[-1] != '\'') {   /* a path without its quotes */
                memcpy(bytes, s - 1, token->length);
                return token->length;
        }

        /* An unclosed string has no quote at its end. */
        if (n > 0 && s[n - 1] == s[-1])
                n--;

        if (token->type == TOKEN_RAW) {
                memcpy(bytes, s, n);
                return n;
        }

        for (size_t i = 0; i < n;) {
                size_t used = s[i] == '\\' ? decode_escape(s + i, n - i, &bytes[out]) : 0;

                if (used == 0) {
                        bytes[out] = s[i];
                        used = 1;
                }
                i += used;
                out++;
        }
        return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "story/story-private.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/parse.h"

int story_error(const struct story_place *place, const struct story_word *word, const char *format, ...) {
        const char *at = place->line_start, *end;
        struct diag_span span = {.file = place->source->name, .line = place->line};
        va_list ap;

        if (word) {
                at = word->at;
                end = word->value ? word->value + word->n_value : word->name + word->n_name;
        } else {
                while (at < place->line_end && (*at == ' ' || *at == '\t'))
                        at++;
                end = place->line_end;
        }
        span.column = at - place->line_start + 1;
        span.length = end > at ? end - at : 1;
        span.offset = place->source->offset + (at - place->source->text);

        va_start(ap, format);
        diag_vreport(place->diags, DIAG_ERROR, span, format, ap);
        va_end(ap);
        return -EBADMSG;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* One C escape at *at, behind the backslash and before `end`; moves on. */
static char unescape(const char **at, const char *end) {
        int value = 0, digit;
        char c = *(*at)++;

        switch (c) {
        case 'n': return '\n';
        case 't': return '\t';
        case 'r': return '\r';
        case '0': return '\0';
        case 'x':
                for (size_t i = 0; i < 2 && *at < end && (digit = hex_digit(**at)) >= 0; i++, (*at)++)
                        value = value * 16 + digit;
                return (char)value;
        default: return c;
        }
}

/* One string that ends at a blank, or at its closing quote; behind it *at stands. */
static char *take_string(const char **at, const char *end, char *to) {
        if (*at < end && **at == '"') {
                for ((*at)++; *at < end && **at != '"';)
                        if (**at == '\\' && *at + 1 < end) {
                                (*at)++;
                                *to++ = unescape(at, end);
                        } else
                                *to++ = *(*at)++;
                if (*at < end)
                        (*at)++;
                return to;
        }
        while (*at < end && **at != ' ' && **at != '\t')
                *to++ = *(*at)++;
        return to;
}

static bool take_cut(const char *value, size_t *n) {
        if (*n == 0 || value[*n - 1] != '~')
                return false;
        (*n)--;
        return true;
}

int story_text(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut) {
        size_t n = word->n_value;
        const char *at = word->value, *end;
        char *text, *to;

        *ret_cut = take_cut(word->value, &n);
        end = word->value + n;
        text = arena_alloc(&place->story->world.arena, n + 1);
        if (!text)
                return -ENOMEM;
        to = take_string(&at, end, text);
        if (at != end)
                return story_error(place, word, "text behind the closing quote");
        *to = '\0';
        *ret = text;
        *ret_n = to - text;
        return 0;
}

int story_list(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut) {
        size_t n = word->n_value;
        const char *at = word->value, *end;
        char *text, *to;

        *ret_cut = take_cut(word->value, &n);
        if (n < 2 || word->value[0] != '[' || word->value[n - 1] != ']')
                return story_error(place, word, "a list looks like [a \"b c\" d]");
        end = word->value + n - 1;
        text = to = arena_alloc(&place->story->world.arena, 2 * n + 1);
        if (!text)
                return -ENOMEM;
        for (at++; at < end;) {
                char *start = to;

                if (*at == ' ' || *at == '\t') {
                        at++;
                        continue;
                }
                to = take_string(&at, end, to);
                if (memchr(start, 0, to - start))
                        return story_error(place, word, "a string of a list cannot hold a NUL");
                *to++ = '\0';
        }
        *ret = text;
        *ret_n = to - text;
        return 0;
}

int story_number(const struct story_place *place, const struct story_word *word, enum field_format format,
                 int64_t *ret) {
        int64_t sum = 0;

        if (word->n_value == 0)
                return story_error(place, word, "a number is missing");
        for (const char *at = word->value, *end = at + word->n_value; at < end;) {
                const char *bar = memchr(at, '|', end - at) ?: end;
                uint64_t unsigned_number;
                int64_t number;

                if (schema_constant(at, bar - at, format, &number) ||
                    schema_constant(at, bar - at, FORMAT_PLAIN, &number) ||
                    parse_i64_n(at, bar - at, INT64_MIN, INT64_MAX, &number) >= 0)
                        sum |= number;
                else if (parse_duration_n(at, bar - at, 0, INT64_MAX, &unsigned_number) >= 0 ||
                         parse_size_n(at, bar - at, 0, INT64_MAX, &unsigned_number) >= 0)
                        sum |= (int64_t)unsigned_number;
                else
                        return story_error(place, word, "'%.*s' is no number", (int)(bar - at), at);
                at = bar < end ? bar + 1 : end;
        }
        *ret = sum;
        return 0;
}

int story_split(const struct story_place *place, struct story_word words[static STORY_MAX_WORDS], size_t *ret_n,
                const char **ret_columns) {
        const char *at = place->line_start, *end = place->line_end;
        size_t n = 0;

        *ret_columns = NULL;
        *ret_n = 0;
        while (at < end) {
                struct story_word *word = &words[n];
                int depth = 0;
                bool quoted = false;
                const char *start = at, *equals = NULL;

                if (*at == ' ' || *at == '\t') {
                        at++;
                        continue;
                }
                if (*at == '#')
                        break;
                if (*at == '|') {
                        *ret_columns = arena_strndup(&place->story->world.arena, at + 1, end - at - 1);
                        if (!*ret_columns)
                                return -ENOMEM;
                        break;
                }
                for (; at < end && (quoted || depth > 0 || (*at != ' ' && *at != '\t')); at++)
                        if (quoted && *at == '\\' && at + 1 < end)
                                at++;
                        else if (*at == '"')
                                quoted = !quoted;
                        else if (!quoted && (*at == '[' || *at == ']'))
                                depth += *at == '[' ? 1 : -1;
                        else if (*at == '=' && !equals)
                                equals = at;

                *word = (struct story_word){.at = start, .name = start, .n_name = (equals ?: at) - start};
                if (equals) {
                        word->value = equals + 1;
                        word->n_value = at - equals - 1;
                }
                if (quoted || depth > 0)
                        return story_error(place, word, "a quote or bracket is not closed");
                if (++n == STORY_MAX_WORDS)
                        return story_error(place, word, "more than %d words in one line", STORY_MAX_WORDS - 1);
        }
        *ret_n = n;
        return 0;
}

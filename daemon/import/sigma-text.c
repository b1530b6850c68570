/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma-text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "import/sigma-expr.h"

#define DASHES "(?:-|/|\\xe2\\x80[\\x93-\\x95])"

/* So many to one regex: what the compiler takes apart into comparisons again, and what fits on a line. */
#define ALTERNATIVES_MAX 16
#define DASHES_MAX 3                    /* each is five ways to write it */
#define REGEX_WIDTH 92

static int text_new(struct arena *arena, size_t n, struct sigma_text *ret) {
        ret->atoms = arena_new_array(arena, uint16_t, n + 1);
        return ret->atoms ? 0 : -ENOMEM;
}

int sigma_text_read(struct arena *arena, const char *value, size_t n, struct sigma_text *ret) {
        struct sigma_text text = {};

        if (n > SIGMA_TEXT_MAX)
                return -E2BIG;
        if (text_new(arena, n, &text) < 0)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                unsigned char c = value[i];

                if (c == '\\' && i + 1 < n && (value[i + 1] == '*' || value[i + 1] == '?' || value[i + 1] == '\\'))
                        c = value[++i];
                else if (c == '*' || c == '?') {
                        text.atoms[text.n++] = c == '*' ? SIGMA_ATOM_ANYTHING : SIGMA_ATOM_ONE;
                        continue;
                }
                text.atoms[text.n++] = c;
        }
        *ret = text;
        return 0;
}

int sigma_text_literal(struct arena *arena, const char *value, size_t n, struct sigma_text *ret) {
        struct sigma_text text = {};

        if (n > SIGMA_TEXT_MAX)
                return -E2BIG;
        if (text_new(arena, n, &text) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                text.atoms[text.n++] = (unsigned char)value[i];
        *ret = text;
        return 0;
}

/* ---- modifiers ---- */

static int text_bytes(struct arena *arena, const struct sigma_text *text, char **ret) {
        char *bytes = arena_alloc(arena, text->n + 1);

        if (!bytes)
                return -ENOMEM;
        for (size_t i = 0; i < text->n; i++) {
                if (text->atoms[i] >= SIGMA_ATOM_ANYTHING)
                        return -EINVAL;
                bytes[i] = (char)text->atoms[i];
        }
        *ret = bytes;
        return 0;
}

static void put_unit(struct sigma_text *text, enum sigma_wide wide, uint16_t unit) {
        bool big = wide == SIGMA_UTF16_BE;

        text->atoms[text->n++] = big ? unit >> 8 : unit & 0xff;
        text->atoms[text->n++] = big ? unit & 0xff : unit >> 8;
}

int sigma_text_wide(struct arena *arena, enum sigma_wide wide, struct sigma_text *text) {
        struct sigma_text result = {};
        char *bytes = NULL;
        uint32_t c;
        int r;

        r = text_bytes(arena, text, &bytes);
        if (r < 0)
                return r;
        if (text_new(arena, 2 * text->n + 2, &result) < 0)
                return -ENOMEM;

        if (wide == SIGMA_UTF16_BOM)
                put_unit(&result, wide, 0xfeff);
        for (size_t i = 0, k; i < text->n; i += k) {
                k = utf8_decode(bytes + i, text->n - i, &c);
                if (k == 0)
                        return -EINVAL;
                if (c >= 0x10000) {
                        put_unit(&result, wide, 0xd800 + ((c - 0x10000) >> 10));
                        put_unit(&result, wide, 0xdc00 + ((c - 0x10000) & 0x3ff));
                } else
                        put_unit(&result, wide, c);
        }
        *text = result;
        return 0;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Digit number k of the encoding, in which the bytes stand behind `offset` others. */
static char base64_digit(const char *bytes, size_t n, unsigned offset, size_t k) {
        unsigned value = 0;

        for (size_t bit = 6 * k; bit < 6 * k + 6; bit++) {
                size_t at = bit / 8;
                unsigned char c = at >= offset && at - offset < n ? bytes[at - offset] : 0;

                value = value << 1 | (c >> (7 - bit % 8) & 1);
        }
        return alphabet[value];
}

static int base64_digits(struct arena *arena, unsigned offset, size_t first, size_t end, struct sigma_text *text) {
        struct sigma_text result = {};
        char *bytes = NULL;
        int r;

        r = text_bytes(arena, text, &bytes);
        if (r < 0)
                return r;
        if (text_new(arena, end + 4, &result) < 0)
                return -ENOMEM;
        for (size_t k = first; k < end; k++)
                result.atoms[result.n++] = base64_digit(bytes, text->n, offset, k);
        *text = result;
        return 0;
}

int sigma_text_base64(struct arena *arena, struct sigma_text *text) {
        size_t n = text->n;
        int r;

        r = base64_digits(arena, 0, 0, (8 * n + 5) / 6, text);
        if (r < 0)
                return r;
        while (text->n % 4 != 0)
                text->atoms[text->n++] = '=';
        return 0;
}

int sigma_text_base64_offset(struct arena *arena, unsigned offset, struct sigma_text *text) {
        assert(offset <= 2);

        /* Digits that hold bits of the neighbours say nothing. */
        return base64_digits(arena, offset, (8 * offset + 5) / 6, 8 * (offset + text->n) / 6, text);
}

static bool is_word(uint16_t atom) {
        return (atom >= '0' && atom <= '9') || (atom >= 'a' && atom <= 'z') || (atom >= 'A' && atom <= 'Z') ||
               atom == '_';
}

void sigma_text_windash(struct sigma_text *text) {
        for (size_t i = 0; i + 1 < text->n; i++)
                if ((text->atoms[i] == '-' || text->atoms[i] == '/') && is_word(text->atoms[i + 1]) &&
                    (i == 0 || !is_word(text->atoms[i - 1])))
                        text->atoms[i] = SIGMA_ATOM_DASH;
}

void sigma_text_trim(struct sigma_text *text) {
        while (text->n > 0 && text->atoms[0] == SIGMA_ATOM_ANYTHING) {
                text->open_begin = true;
                text->atoms++;
                text->n--;
        }
        while (text->n > 0 && text->atoms[text->n - 1] == SIGMA_ATOM_ANYTHING) {
                text->open_end = true;
                text->n--;
        }
        /* Nothing but a star is open on both sides. */
        if (text->n == 0 && (text->open_begin || text->open_end))
                text->open_begin = text->open_end = true;
}

bool sigma_text_has_nul(const struct sigma_text *text) {
        for (size_t i = 0; i < text->n; i++)
                if (text->atoms[i] == 0)
                        return true;
        return false;
}

/* ---- as policy text ---- */

static void put_hex(struct strbuf *b, unsigned char c) {
        strbuf_printf(b, "\\x%02x", c);
}

/* How many bytes from here on may be written as they are. */
static size_t showable(const char *bytes, size_t n) {
        uint32_t c;
        size_t k = utf8_decode(bytes, n, &c);

        return k > 0 && utf8_is_showable(c) ? k : 0;
}

static const char *finish(struct arena *arena, struct strbuf *b) {
        return b->error < 0 ? NULL : arena_strndup(arena, strbuf_str(b), b->n);
}

const char *sigma_text_quote(struct arena *arena, const char *bytes, size_t n) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        strbuf_put_char(&b, '"');
        for (size_t i = 0, k; i < n; i += k) {
                k = showable(bytes + i, n - i);
                if (bytes[i] == '\n' || bytes[i] == '\t') {
                        strbuf_put(&b, bytes[i] == '\n' ? "\\n" : "\\t");
                        k = 1;
                } else if (k == 0) {
                        put_hex(&b, bytes[i]);
                        k = 1;
                } else {
                        if (bytes[i] == '"' || bytes[i] == '\\')
                                strbuf_put_char(&b, '\\');
                        strbuf_put_n(&b, bytes + i, k);
                }
        }
        strbuf_put_char(&b, '"');
        return finish(arena, &b);
}

const char *sigma_text_quote_regex(struct arena *arena, const char *regex, size_t n) {
        for (size_t i = 0, k; i < n; i += k) {
                k = showable(regex + i, n - i);
                if (k == 0 || regex[i] == '\'')
                        return sigma_text_quote(arena, regex, n);
        }
        return arena_printf(arena, "'%.*s'", (int)n, regex);
}

/* One text as a regex without anchors; in raw quotes, so without a quote. */
static void put_regex(const struct sigma_text *text, struct strbuf *b) {
        char bytes[4];

        for (size_t i = 0, k; i < text->n; i += k) {
                uint16_t atom = text->atoms[i];
                size_t n = 0;

                k = 1;
                if (atom == SIGMA_ATOM_ANYTHING) {
                        strbuf_put(b, ".*");
                        while (i + k < text->n && text->atoms[i + k] == SIGMA_ATOM_ANYTHING)
                                k++;
                        continue;
                }
                if (atom == SIGMA_ATOM_ONE || atom == SIGMA_ATOM_DASH) {
                        strbuf_put(b, atom == SIGMA_ATOM_ONE ? "." : DASHES);
                        continue;
                }
                if (strchr("\\^$.|?*+()[]{}", atom) && atom != 0) {
                        strbuf_put_char(b, '\\');
                        strbuf_put_char(b, (char)atom);
                        continue;
                }

                while (n < sizeof(bytes) && i + n < text->n && text->atoms[i + n] < SIGMA_ATOM_ANYTHING) {
                        bytes[n] = (char)text->atoms[i + n];
                        n++;
                }
                k = atom == '\'' ? 0 : showable(bytes, n);
                if (k == 0) {
                        put_hex(b, atom);
                        k = 1;
                } else
                        strbuf_put_n(b, bytes, k);
        }
}

static bool is_plain(const struct sigma_text *text) {
        for (size_t i = 0; i < text->n; i++)
                if (text->atoms[i] >= SIGMA_ATOM_ANYTHING)
                        return false;
        return true;
}

static bool has_letters(const struct sigma_text *text) {
        for (size_t i = 0; i < text->n; i++)
                if ((text->atoms[i] >= 'a' && text->atoms[i] <= 'z') ||
                    (text->atoms[i] >= 'A' && text->atoms[i] <= 'Z'))
                        return true;
        return false;
}

enum form {
        FORM_ANY_VALUE,                 /* a star alone */
        FORM_STRING,                    /* operators of the language */
        FORM_FOLD,                      /* ~= */
        FORM_REGEX,                     /* exact, for the wildcards */
        FORM_FOLD_REGEX,
};

static enum form form_of(const struct sigma_text *text, bool exact) {
        if (text->n == 0 && text->open_begin)
                return FORM_ANY_VALUE;
        exact = exact || !has_letters(text);
        if (!is_plain(text))
                return exact ? FORM_REGEX : FORM_FOLD_REGEX;
        if (exact)
                return FORM_STRING;
        return text->open_begin || text->open_end ? FORM_FOLD_REGEX : FORM_FOLD;
}

static bool same_ends(const struct sigma_text *a, const struct sigma_text *b) {
        return a->open_begin == b->open_begin && a->open_end == b->open_end;
}

/* How many texts like this one may share a regex. Of one with wildcards inside the compiler knows what it cannot do
 * without if it stands alone. */
enum sharing {
        SHARED,
        SHARED_DASHES,
        ALONE,
};

static enum sharing sharing_of(const struct sigma_text *text) {
        enum sharing sharing = SHARED;

        for (size_t i = 0; i < text->n; i++)
                if (text->atoms[i] == SIGMA_ATOM_DASH)
                        sharing = sharing == ALONE ? ALONE : SHARED_DASHES;
                else if (text->atoms[i] >= SIGMA_ATOM_ANYTHING)
                        sharing = ALONE;
        return sharing;
}

/* The regex of those from `first` on that are of its form and ends and not written yet. */
static struct sigma_expr *compare_regex(struct arena *arena, const char *field, const struct sigma_text *texts,
                                        size_t n_texts, size_t first, enum form form, bool exact, bool *written) {
        _cleanup_(strbuf_done) struct strbuf b = {}, one = {};
        const struct sigma_text *model = &texts[first];
        enum sharing sharing = sharing_of(model);
        bool open = model->open_begin && model->open_end;
        size_t n = 0, max = sharing == SHARED ? ALTERNATIVES_MAX : sharing == SHARED_DASHES ? DASHES_MAX : 1;
        const char *item;

        for (size_t i = first; i < n_texts && n < max; i++) {
                if (written[i] || form_of(&texts[i], exact) != form || !same_ends(&texts[i], model) ||
                    sharing_of(&texts[i]) != sharing)
                        continue;
                strbuf_clear(&one);
                put_regex(&texts[i], &one);
                if (n > 0 && b.n + one.n > REGEX_WIDTH)
                        break;
                if (n++ > 0)
                        strbuf_put_char(&b, '|');
                strbuf_put_n(&b, strbuf_str(&one), one.n);
                written[i] = true;
        }
        if (b.error < 0 || one.error < 0)
                return NULL;

        item = arena_printf(arena, "'%s%s%s%s%s%s'", form == FORM_FOLD_REGEX ? "(?i)" : "",
                            model->open_begin ? "" : "^", n > 1 && !open ? "(?:" : "", strbuf_str(&b),
                            n > 1 && !open ? ")" : "", model->open_end ? "" : "$");
        return item ? sigma_expr_compare(arena, field, "=~", &item, 1) : NULL;
}

static struct sigma_expr *compare_strings(struct arena *arena, const char *field, const struct sigma_text *texts,
                                          size_t n_texts, size_t first, enum form form, bool exact, bool *written) {
        const struct sigma_text *model = &texts[first];
        const char **items = arena_new_array(arena, const char *, n_texts);
        const char *op;
        size_t n = 0;

        if (!items)
                return NULL;
        for (size_t i = first; i < n_texts; i++) {
                char *bytes = NULL;

                if (written[i] || form_of(&texts[i], exact) != form || !same_ends(&texts[i], model))
                        continue;
                if (text_bytes(arena, &texts[i], &bytes) < 0)
                        return NULL;
                items[n] = sigma_text_quote(arena, bytes, texts[i].n);
                if (!items[n++])
                        return NULL;
                written[i] = true;
                if (form == FORM_FOLD)
                        break;          /* it takes no list */
        }

        op = form == FORM_FOLD  ? "~="
                   : model->open_begin ? (model->open_end ? "contains" : "endswith")
                   : model->open_end   ? "startswith"
                   : n > 1             ? "in"
                                       : "==";
        return sigma_expr_compare(arena, field, op, items, n);
}

struct sigma_expr *sigma_text_compare(struct arena *arena, const char *field, const struct sigma_text *texts,
                                      size_t n_texts, bool exact) {
        struct sigma_expr *row = sigma_expr_constant(arena, false), *expr = NULL;
        bool *written = arena_new_array(arena, bool, n_texts + 1);
        static const char *const nothing[] = {"\"\""};

        if (!written)
                return NULL;
        for (size_t i = 0; i < n_texts && row; i++) {
                enum form form = form_of(&texts[i], exact);

                if (written[i])
                        continue;
                switch (form) {
                case FORM_ANY_VALUE:
                        expr = sigma_expr_compare(arena, field, "!=", nothing, 1);
                        break;
                case FORM_STRING:
                case FORM_FOLD:
                        expr = compare_strings(arena, field, texts, n_texts, i, form, exact, written);
                        break;
                case FORM_REGEX:
                case FORM_FOLD_REGEX:
                        expr = compare_regex(arena, field, texts, n_texts, i, form, exact, written);
                        break;
                }
                row = sigma_expr_any(arena, row, expr);
        }
        return row;
}

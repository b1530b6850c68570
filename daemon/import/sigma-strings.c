/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields that hold strings. */
#include <errno.h>

#include "import/sigma-private.h"
#include "import/sigma-text.h"
#include "program/regex.h"

/* What the values of one field have become: several texts to a value with base64offset. */
struct texts {
        struct sigma_text *items;       /* arena */
        size_t n;
};

struct strings {
        struct sigma_work *w;
        const struct sigma_field *field;
        const struct sigma_modifiers *modifiers;
        bool negated, exact;
};

/* Encode. 0: it was left out, and *ret_expr stands in its place. */
static int encode(struct strings *s, const struct yaml_node *value, struct sigma_text *text, size_t *n_texts,
                  struct sigma_expr **ret_expr) {
        struct sigma_work *w = s->w;

        for (size_t i = 0; i < s->modifiers->n_codings; i++) {
                enum sigma_coding coding = s->modifiers->codings[i];
                int r = 0;

                if (*n_texts > 1) {
                        *ret_expr = sigma_break(w, SIGMA_FORM, value->span, "nothing can follow 'base64offset'");
                        return 0;
                }
                switch (coding) {
                case SIGMA_WINDASH:
                        sigma_text_windash(text);
                        break;
                case SIGMA_BASE64:
                        r = sigma_text_base64(w->arena, text);
                        break;
                case SIGMA_BASE64_OFFSET:
                        text[2] = text[1] = text[0];
                        for (unsigned offset = 0; offset <= 2 && r >= 0; offset++)
                                r = sigma_text_base64_offset(w->arena, offset, &text[offset]);
                        *n_texts = 3;
                        break;
                case SIGMA_WIDE_LE:
                        r = sigma_text_wide(w->arena, SIGMA_UTF16_LE, text);
                        break;
                case SIGMA_WIDE_BE:
                        r = sigma_text_wide(w->arena, SIGMA_UTF16_BE, text);
                        break;
                case SIGMA_WIDE_BOM:
                        r = sigma_text_wide(w->arena, SIGMA_UTF16_BOM, text);
                        break;
                }
                if (r == -ENOMEM) {
                        w->error = r;
                        *ret_expr = NULL;
                        return 0;
                }
                if (r < 0) {
                        *ret_expr = sigma_leave_out(w, SIGMA_VALUE, s->negated, value->span,
                                                    "a value with wildcards cannot be encoded");
                        return 0;
                }
        }
        if (sigma_text_has_nul(text)) {
                *ret_expr = sigma_leave_out(w, SIGMA_MODIFIER, s->negated, value->span,
                                            "UTF-16 has NUL bytes in it, and no argument or path does");
                sigma_hint(w, "encoded as base64 it can be looked for: '|wide|base64offset|contains'");
                return 0;
        }
        return 1;
}

static bool is_codings_base64(const struct sigma_modifiers *m) {
        for (size_t i = 0; i < m->n_codings; i++)
                if (m->codings[i] == SIGMA_BASE64 || m->codings[i] == SIGMA_BASE64_OFFSET)
                        return true;
        return false;
}

/* A path begins with a slash. So a value that begins otherwise, and not with a wildcard, is none. */
static bool is_no_path(const struct sigma_text *text) {
        return !text->open_begin && text->n > 0 && text->atoms[0] < SIGMA_ATOM_ANYTHING && text->atoms[0] != '/';
}

/* Legal, and hardly meant. */
static void remark_backslash(struct sigma_work *w, const struct yaml_node *value, const struct sigma_text *text) {
        for (size_t i = 0; i < text->n; i++)
                if (text->atoms[i] == '\\') {
                        sigma_reason(w, SIGMA_VALUE, true, value->span,
                                     "a backslash in a path: on Linux it is a part of a name, and rarely one");
                        return;
                }
}

/* The kernel's paths do not end in a slash. */
static void strip_slash(struct sigma_text *text) {
        if (!text->open_end && text->n > 1 && text->atoms[text->n - 1] == '/' &&
            text->atoms[text->n - 2] < SIGMA_ATOM_ANYTHING)
                text->n--;
}

/* One to three texts of a value; 0: *ret_expr stands in its place. */
static size_t read_text(struct strings *s, const struct yaml_node *value, struct sigma_text *texts,
                        struct sigma_expr **ret_expr) {
        struct sigma_work *w = s->w;
        enum sigma_operator op = s->modifiers->op;
        size_t n = 1;
        int r;

        *ret_expr = NULL;
        r = sigma_is_null(value) ? sigma_text_literal(w->arena, "", 0, &texts[0])
                                 : sigma_text_read(w->arena, value->text, value->n, &texts[0]);
        if (r == -E2BIG) {
                *ret_expr = sigma_leave_out(w, SIGMA_SIZE, s->negated, value->span, "a value of more than %d bytes",
                                            SIGMA_TEXT_MAX);
                return 0;
        }
        if (r < 0) {
                w->error = r;
                return 0;
        }
        if (encode(s, value, texts, &n, ret_expr) == 0)
                return 0;

        for (size_t i = 0; i < n; i++) {
                texts[i].open_begin = op == SIGMA_CONTAINS || op == SIGMA_ENDSWITH;
                texts[i].open_end = op == SIGMA_CONTAINS || op == SIGMA_STARTSWITH;
                sigma_text_trim(&texts[i]);
                if (s->field->type != SIGMA_TYPE_PATH)
                        continue;
                strip_slash(&texts[i]);
                remark_backslash(w, value, &texts[i]);
                if (is_no_path(&texts[i])) {
                        *ret_expr = sigma_impossible(w, s->negated, value->span,
                                                     "this can never match: '%s' is an absolute path",
                                                     s->field->name);
                        return 0;
                }
        }
        return n;
}

/* All readings of the field: any of them in what must match, the first in what must not. */
static struct sigma_expr *each_reading(struct strings *s, const struct sigma_text *texts, size_t n) {
        struct sigma_work *w = s->w;
        struct sigma_expr *row = sigma_expr_constant(w->arena, false);

        for (size_t i = 0; i < ELEMENTSOF(s->field->fields) && s->field->fields[i] && (i == 0 || !s->negated); i++)
                row = sigma_expr_any(w->arena, row,
                                     sigma_count(w, sigma_text_compare(w->arena, s->field->fields[i], texts, n,
                                                                       s->exact)));
        return row;
}

static struct sigma_expr *texts_of(struct strings *s, const struct yaml_node *const *values, size_t n_values) {
        struct sigma_work *w = s->w;
        bool all = s->modifiers->all;
        struct sigma_expr *row = sigma_expr_constant(w->arena, all), *expr = NULL;
        struct texts texts = {.items = arena_new_array(w->arena, struct sigma_text, 3 * n_values)};

        if (!texts.items) {
                w->error = -ENOMEM;
                return NULL;
        }
        for (size_t i = 0; i < n_values && row; i++) {
                size_t n = read_text(s, values[i], texts.items + texts.n, &expr);

                if (w->error < 0 || w->broken)
                        return NULL;
                if (n == 0) {
                        row = all ? sigma_expr_all(w->arena, row, expr) : sigma_expr_any(w->arena, row, expr);
                        continue;
                }
                if (all)
                        row = sigma_expr_all(w->arena, row, each_reading(s, texts.items + texts.n, n));
                else
                        texts.n += n;
        }
        if (!all && texts.n > 0)
                row = sigma_expr_any(w->arena, row, each_reading(s, texts.items, texts.n));
        return row;
}

static struct sigma_expr *pattern_of(struct strings *s, const struct yaml_node *value) {
        const struct sigma_modifiers *m = s->modifiers;
        struct sigma_work *w = s->w;
        const char *text, *quoted, *message = NULL;
        struct regex *regex = NULL;
        struct sigma_expr *row;
        size_t offset = 0;
        int r;

        text = m->re_i || m->re_m || m->re_s
                       ? arena_printf(w->arena, "(?%s%s%s)%s", m->re_i ? "i" : "", m->re_m ? "m" : "",
                                      m->re_s ? "s" : "", value->text)
                       : value->text;
        if (!text) {
                w->error = -ENOMEM;
                return NULL;
        }
        r = regex_new(text, strlen(text), false, &regex, &message, &offset);
        regex_free(regex);
        if (r == -ENOMEM) {
                w->error = r;
                return NULL;
        }
        if (r < 0)
                return sigma_leave_out(w, SIGMA_VALUE, s->negated, value->span, "this is no pattern: %s",
                                       message ? message : "refused");

        quoted = sigma_text_quote_regex(w->arena, text, strlen(text));
        row = sigma_expr_constant(w->arena, false);
        for (size_t i = 0; i < ELEMENTSOF(s->field->fields) && s->field->fields[i] && (i == 0 || !s->negated); i++)
                row = sigma_expr_any(w->arena, row,
                                     sigma_count(w, quoted ? sigma_expr_compare(w->arena, s->field->fields[i], "=~",
                                                                                &quoted, 1)
                                                           : NULL));
        return row;
}

static struct sigma_expr *patterns_of(struct strings *s, const struct yaml_node *const *values, size_t n_values) {
        struct sigma_work *w = s->w;
        bool all = s->modifiers->all;
        struct sigma_expr *row = sigma_expr_constant(w->arena, all), *expr = NULL;

        if (s->modifiers->n_codings > 0)
                return sigma_break(w, SIGMA_FORM, values[0]->span, "a pattern cannot be encoded");
        for (size_t i = 0; i < n_values && row; i++) {
                expr = pattern_of(s, values[i]);
                row = all ? sigma_expr_all(w->arena, row, expr) : sigma_expr_any(w->arena, row, expr);
        }
        return row;
}

static struct sigma_expr *exists(struct strings *s, const struct yaml_node *value) {
        static const char *const nothing[] = {"\"\""};
        bool answer = streq(value->text, "true") || streq(value->text, "True") || streq(value->text, "yes");

        if (!answer && !streq(value->text, "false") && !streq(value->text, "False") && !streq(value->text, "no"))
                return sigma_break(s->w, SIGMA_FORM, value->span, "'exists' is true or false");
        return sigma_count(s->w, sigma_expr_compare(s->w->arena, s->field->fields[0], answer ? "!=" : "==", nothing,
                                                    1));
}

struct sigma_expr *sigma_strings(struct sigma_work *w, const struct sigma_field *field,
                                 const struct sigma_modifiers *modifiers, const struct yaml_node *const *values,
                                 size_t n_values, bool negated) {
        struct strings s = {.w = w, .field = field, .modifiers = modifiers, .negated = negated};

        /* Of base64 the case is what carries the bytes. */
        s.exact = modifiers->cased || is_codings_base64(modifiers) || w->options->letters == SIGMA_CASE_EXACT ||
                  (w->options->letters == SIGMA_CASE_PATHS && field->type == SIGMA_TYPE_PATH);

        switch (modifiers->op) {
        case SIGMA_IS:
        case SIGMA_CONTAINS:
        case SIGMA_STARTSWITH:
        case SIGMA_ENDSWITH:
                return texts_of(&s, values, n_values);
        case SIGMA_RE:
                return patterns_of(&s, values, n_values);
        case SIGMA_EXISTS:
                return exists(&s, values[0]);
        case SIGMA_CIDR:
                return sigma_leave_out(w, SIGMA_VALUE, negated, values[0]->span,
                                       "'%s' is no address: 'cidr' is for those", field->name);
        case SIGMA_LT:
        case SIGMA_LTE:
        case SIGMA_GT:
        case SIGMA_GTE:
                return sigma_leave_out(w, SIGMA_VALUE, negated, values[0]->span,
                                       "'%s' is no number, and strings have no order here", field->name);
        }
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Selections: named groups of fields (all of them), lists of such groups (any of them), and words without a field. */
#include <errno.h>

#include "import/sigma-private.h"
#include "import/sigma-text.h"

static struct sigma_expr *map_of(struct sigma_work *w, const struct yaml_node *map, bool negated) {
        struct sigma_expr *row = sigma_expr_constant(w->arena, true), *expr;

        if (!map->first)
                return sigma_break(w, SIGMA_FORM, map->span, "there is nothing in this selection");
        for (const struct yaml_node *value = map->first; value && row; value = value->next) {
                /* A key without a field: words. */
                if (value->key->text[0] == '|' || value->key->n == 0)
                        expr = sigma_keywords(w, value, streq(value->key->text, "|all"), negated);
                else
                        expr = sigma_match(w, value, negated);
                row = sigma_expr_all(w->arena, row, expr);
        }
        return row;
}

struct sigma_expr *sigma_selection(struct sigma_work *w, const struct yaml_node *selection, bool negated) {
        struct sigma_expr *row, *expr = NULL;

        switch (selection->type) {
        case YAML_MAPPING:
                return map_of(w, selection, negated);
        case YAML_SCALAR:
                return sigma_keywords(w, selection, false, negated);
        case YAML_SEQUENCE:
                break;
        }

        if (!selection->first)
                return sigma_break(w, SIGMA_FORM, selection->span, "there is nothing in this selection");
        row = sigma_expr_constant(w->arena, false);
        for (const struct yaml_node *member = selection->first; member && row; member = member->next) {
                switch (member->type) {
                case YAML_MAPPING:
                        expr = map_of(w, member, negated);
                        break;
                case YAML_SCALAR:
                        expr = sigma_keywords(w, member, false, negated);
                        break;
                case YAML_SEQUENCE:
                        return sigma_break(w, SIGMA_FORM, member->span, "a list in a list says nothing");
                }
                row = sigma_expr_any(w->arena, row, expr);
        }
        return row;
}

/* Where words are looked for: what log records of this kind have most of their text in. */
static const char *const *keyword_fields(enum sigma_view view) {
        static const char *const exec[] = {"proc.args", "proc.exe", "proc.filename", "parent.args", "parent.exe", NULL};
        static const char *const open[] = {"pathname", "proc.exe", NULL};
        static const char *const rename[] = {"newpath", "proc.exe", NULL};
        static const char *const other[] = {"proc.exe", NULL};

        switch (view) {
        case SIGMA_VIEW_EXEC: return exec;
        case SIGMA_VIEW_OPEN: return open;
        case SIGMA_VIEW_RENAME: return rename;
        case SIGMA_VIEW_CONNECT:
        case SIGMA_VIEW_ALL:
                break;
        }
        return other;
}

static struct sigma_expr *keyword(struct sigma_work *w, const struct yaml_node *word) {
        struct sigma_expr *row = sigma_expr_constant(w->arena, false);
        struct sigma_text text = {};
        int r;

        if (word->type != YAML_SCALAR || word->n == 0)
                return sigma_break(w, SIGMA_FORM, word->span, "a word must stand here");
        r = sigma_text_read(w->arena, word->text, word->n, &text);
        if (r == -ENOMEM) {
                w->error = r;
                return NULL;
        }
        if (r < 0)
                return sigma_break(w, SIGMA_SIZE, word->span, "a value of more than %d bytes", SIGMA_TEXT_MAX);
        text.open_begin = text.open_end = true;
        sigma_text_trim(&text);
        for (const char *const *field = keyword_fields(w->view); *field; field++)
                row = sigma_expr_any(w->arena, row,
                                     sigma_count(w, sigma_text_compare(w->arena, *field, &text, 1,
                                                                       w->options->letters == SIGMA_CASE_EXACT)));
        return row;
}

struct sigma_expr *sigma_keywords(struct sigma_work *w, const struct yaml_node *words, bool all, bool negated) {
        struct sigma_expr *row, *expr = NULL;

        expr = sigma_leave_out(w, SIGMA_KEYWORDS, negated, words->span, "words are looked for in %s only",
                               w->view == SIGMA_VIEW_EXEC      ? "command lines and images"
                               : w->view == SIGMA_VIEW_CONNECT ? "the name of the image"
                                                               : "the names of the file and of the image");
        /* In what must not match it would be too little. */
        if (negated || !expr)
                return expr;
        if (words->type == YAML_SCALAR)
                return keyword(w, words);
        if (words->type != YAML_SEQUENCE || !words->first)
                return sigma_break(w, SIGMA_FORM, words->span, "a list of words must stand here");

        row = sigma_expr_constant(w->arena, all);
        for (const struct yaml_node *word = words->first; word && row; word = word->next) {
                expr = keyword(w, word);
                row = all ? sigma_expr_all(w->arena, row, expr) : sigma_expr_any(w->arena, row, expr);
        }
        return row;
}

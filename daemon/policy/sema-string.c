/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of strings: constants that no path equals, patterns, and what is probably not meant. */
#include <string.h>

#include "event/interest.h"
#include "policy/sema-private.h"
#include "program/regex.h"

static bool text_has(struct text text, const char *part) {
        return memmem(text.bytes, text.length, part, strlen(part));
}

static bool text_starts(struct text text, const char *prefix) {
        size_t n = strlen(prefix);

        return text.length >= n && memcmp(text.bytes, prefix, n) == 0;
}

static bool text_ends(struct text text, const char *suffix) {
        size_t n = strlen(suffix);

        return text.length >= n && memcmp(text.bytes + text.length - n, suffix, n) == 0;
}

static bool report_relative(struct sema *s, const struct expr *expr, const struct operand *operand) {
        sema_error(s, operand->span, "this can never match: '%s' is an absolute path", expr->field.name.bytes);
        return false;
}

/* A glob that begins so that nothing with a '/' in front matches it. */
static bool glob_is_relative(struct text glob) {
        if (glob.length == 0)
                return true;
        if (glob.bytes[0] == '*')
                return glob.length == 1 || (glob.bytes[1] != '*' && glob.bytes[1] != '/');
        return glob.bytes[0] != '/' && glob.bytes[0] != '?' && glob.bytes[0] != '[' && glob.bytes[0] != '\\';
}

/* What the kernel never has in a path that it resolved. */
static const char *unresolved_part(struct text path, bool whole) {
        if (text_has(path, "//"))
                return "//";
        if (text_has(path, "/../") || (whole && text_ends(path, "/..")))
                return "/..";
        if (text_has(path, "/./") || (whole && text_ends(path, "/.")))
                return "/.";
        if (whole && path.length > 1 && text_ends(path, "/"))
                return "'/' at its end";
        return NULL;
}

/* Constants that a path, a name or a short name cannot equal. */
static bool check_constant(struct sema *s, const struct expr *expr, const struct operand *operand) {
        bool whole = expr->op == COMPARE_EQUAL || expr->op == COMPARE_IN || expr->op == COMPARE_NOT_EQUAL ||
                     expr->op == COMPARE_NOT_IN || expr->op == COMPARE_FOLD;
        const struct field_info *info = schema_field(expr->field.field);
        struct text text = operand->text;
        bool absolute, resolved;

        absolute = sema_is_absolute(&expr->field, &resolved);
        /* The path of a call that failed is the one given. */
        if (s->any_result && info->scope == FIELD_EVENT && info->kind == WIRE_KIND_openat)
                absolute = resolved = false;

        if (absolute && (whole || expr->op == COMPARE_STARTSWITH) &&
            text.length > 0 && text.bytes[0] != '/') {
                report_relative(s, expr, operand);
                if (whole)
                        diag_hint(s->diags, "'%s endswith \"/%.*s\"' looks at the last part", expr->field.name.bytes,
                                  TEXT_ARGS(text));
                else
                        diag_hint(s->diags, "it starts with '/'");
                return false;
        }
        if (absolute && expr->op == COMPARE_GLOB && glob_is_relative(text)) {
                report_relative(s, expr, operand);
                diag_hint(s->diags, "\"**/%.*s\" matches at any depth", TEXT_ARGS(text));
                return false;
        }
        if (resolved && (whole || expr->op == COMPARE_STARTSWITH) && unresolved_part(text, whole)) {
                sema_error(s, operand->span, "this can never match: '%s' is resolved and has no %s",
                           expr->field.name.bytes, unresolved_part(text, whole));
                return false;
        }

        if (info->scope == FIELD_PROCESS && info->format == FORMAT_PLAIN &&
            (streq(info->name, "name") || streq(info->name, "comm"))) {
                if (streq(info->name, "name") &&
                    (whole || expr->op == COMPARE_STARTSWITH || expr->op == COMPARE_ENDSWITH ||
                     expr->op == COMPARE_CONTAINS) &&
                    text_has(text, "/")) {
                        sema_error(s, operand->span, "this can never match: '%s' has no '/'", expr->field.name.bytes);
                        diag_hint(s->diags, "the whole path is in '%.*sexe'",
                                  (int)(expr->field.name.length - strlen(info->name)), expr->field.name.bytes);
                        return false;
                }
                if (streq(info->name, "comm") && whole && text.length > 15) {
                        sema_error(s, operand->span, "this can never match: '%s' has at most 15 bytes",
                                   expr->field.name.bytes);
                        diag_hint(s->diags, "'%.*sname' is not cut",
                                  (int)(expr->field.name.length - strlen(info->name)), expr->field.name.bytes);
                        return false;
                }
        }
        return true;
}

/* Must be known by name: which variables are captured follows from the policies. */
static bool names_variable(const struct expr *expr, const struct operand *operand) {
        struct text text = operand->text;
        size_t i = 0;

        if (expr->op == COMPARE_REGEX || expr->op == COMPARE_NOT_REGEX) {
                if (!text_starts(text, "^"))
                        return false;
                i = 1;
        }
        for (size_t from = i; i < text.length && text.bytes[i] != '='; i++) {
                char c = text.bytes[i];

                if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (i > from && c >= '0' && c <= '9')))
                        return false;
        }
        return i < text.length && i > 0 && text.bytes[i - 1] != '^' && i < INTEREST_MAX_ENV_NAME;
}

static bool check_variable(struct sema *s, const struct expr *expr, const struct operand *operand) {
        const struct field_info *info = schema_field(expr->field.field);

        if (info->type != VALUE_LIST || !streq(info->name, "env"))
                return true;
        if (expr->op != COMPARE_FOLD && expr->op != COMPARE_ENDSWITH && names_variable(expr, operand))
                return true;
        sema_error(s, operand->span, "which variable? Only those that policies name are captured");
        diag_hint(s->diags, "any env startswith \"LD_PRELOAD=\", or any env =~ '^LD_PRELOAD=.*evil'");
        return false;
}

/* "/bin/sh" without '^' is found in "/home/u/bin/shred" too. What ends in '$' is a suffix on purpose, and "/.ssh/" a
 * part. */
static bool regex_is_unanchored_path(struct text regex) {
        static const char *const roots[] = {"bin",   "boot",  "dev", "etc", "home", "lib",  "lib32",
                                            "lib64", "media", "mnt", "opt", "proc", "root", "run",
                                            "sbin",  "srv",   "sys", "tmp", "usr",  "var"};

        if (!text_starts(regex, "/") || text_ends(regex, "$"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(roots); i++) {
                size_t n = strlen(roots[i]);

                if (regex.length < n + 1 || memcmp(regex.bytes + 1, roots[i], n) != 0)
                        continue;
                /* Where the name of the directory ends. */
                if (regex.length == n + 1 || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_", regex.bytes[n + 1]))
                        return true;
        }
        return false;
}

static bool regex_matches_everything(struct text regex) {
        static const char *const all[] = {"", ".*", "^.*", ".*$", "^.*$", "^", "$", "(?s).*", ".*?", "[^]*"};

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                if (text_is(regex, all[i]))
                        return true;
        return false;
}

static void lint_regex(struct sema *s, const struct expr *expr) {
        const struct operand *operand = &expr->operand;
        bool absolute, resolved;

        absolute = sema_is_absolute(&expr->field, &resolved);
        if (regex_matches_everything(operand->text)) {
                diag_warning(s->diags, operand->span, "this pattern is found in everything");
                diag_hint(s->diags, "leave the condition out");
                return;
        }
        if (absolute && text_has(operand->text, "\\\\")) {
                diag_warning(s->diags, operand->span, "this pattern looks for a backslash, which hardly any path has");
                diag_hint(s->diags, "in single quotes '\\.' is a dot, in double quotes \"\\\\.\" is");
        }
        if (absolute && regex_is_unanchored_path(operand->text)) {
                diag_warning(s->diags, operand->span,
                             "this pattern is not anchored: it is found in the middle of a path too");
                diag_hint(s->diags, "begin it with '^', or write '==', 'startswith' or 'glob'");
        }
}

static bool check_regex(struct sema *s, struct expr *expr) {
        struct operand *operand = &expr->operand;
        struct diag_span span = operand->span;
        const char *message = NULL;
        struct regex *regex = NULL;
        size_t offset = 0;
        int r;

        if (operand->type != OPERAND_REGEX) {
                sema_error(s, span, "'%s' needs a pattern", compare_op_to_string(expr->op));
                diag_hint(s->diags, "patterns stand in quotes: '^/tmp/'");
                return false;
        }

        r = regex_new(operand->text.bytes, operand->text.length, false, &regex, &message, &offset);
        regex_free(regex);
        if (r == -ENOMEM)
                return sema_no_memory(s);
        if (r < 0) {
                /* Without escapes a byte of the pattern is a byte of the text. */
                if (span.length == operand->text.length + 2 && offset <= operand->text.length)
                        span = span_part(span, 1 + (uint32_t)offset, 1);
                return sema_error(s, span, "this is no pattern: %s", message ? message : "refused");
        }

        if (!check_variable(s, expr, operand))
                return false;
        lint_regex(s, expr);
        return true;
}

/* Glob: `[` has its `]`. */
static bool check_glob(struct sema *s, const struct operand *operand) {
        struct text text = operand->text;

        for (size_t i = 0; i < text.length; i++) {
                size_t close = i + 1;

                if (text.bytes[i] == '\\') {
                        i++;
                        continue;
                }
                if (text.bytes[i] != '[')
                        continue;
                if (close < text.length && (text.bytes[close] == '!' || text.bytes[close] == '^'))
                        close++;
                close++;
                while (close < text.length && text.bytes[close] != ']')
                        close++;
                if (close >= text.length) {
                        struct diag_span span = operand->span;

                        if (span.length == text.length + 2)
                                span = span_part(span, 1 + (uint32_t)i, 1);
                        return sema_error(s, span, "this '[' has no ']'");
                }
                i = close;
        }
        return true;
}

bool sema_check_string_operand(struct sema *s, const struct expr *expr, const struct operand *operand) {
        if (operand->type == OPERAND_STRING)
                return check_constant(s, expr, operand) && check_variable(s, expr, operand) &&
                       (expr->op != COMPARE_GLOB || check_glob(s, operand));

        if (operand->type == OPERAND_NAME && s->broken)
                return false;

        if (operand->type == OPERAND_NAME && (expr->op == COMPARE_IN || expr->op == COMPARE_NOT_IN)) {
                const char *closest = sema_closest_list(s, operand->text);

                sema_error(s, operand->span, "there is no list '%.*s'", TEXT_ARGS(operand->text));
                if (closest)
                        diag_did_you_mean(s->diags, closest);
                else
                        diag_hint(s->diags, "strings stand in quotes");
                return false;
        }
        sema_error(s, operand->span, "'%s' is a string", expr->field.name.bytes);
        diag_hint(s->diags, operand->type == OPERAND_REGEX ? "patterns go with '=~'" : "strings stand in quotes");
        return false;
}

/* A balanced tree, so that nobody has to go as deep as the list is long. */
static struct expr *spread(struct sema *s, const struct expr *model, const struct operand *items, size_t n) {
        struct expr *expr = arena_memdup(s->arena, model, sizeof(*model));

        if (!expr)
                return NULL;
        if (n == 1) {
                expr->operand = items[0];
                return expr;
        }
        expr->type = EXPR_OR;
        expr->spread = true;
        expr->operand = (struct operand){};
        expr->left = spread(s, model, items, n / 2);
        expr->right = spread(s, model, items + n / 2, n - n / 2);
        return expr->left && expr->right ? expr : NULL;
}

bool sema_spread(struct sema *s, struct expr *expr) {
        bool good = true;
        struct expr *tree;

        for (size_t i = 0; i < expr->operand.n_items; i++)
                good = sema_check_string_operand(s, expr, &expr->operand.items[i]) && good;
        if (!good)
                return false;

        s->n_items += expr->operand.n_items;
        if (s->n_items > SEMA_MAX_LIST_ITEMS)
                return sema_error(s, expr->operand.span, "the lists are too large: more than %u items in all",
                                  SEMA_MAX_LIST_ITEMS);
        tree = spread(s, expr, expr->operand.items, expr->operand.n_items);
        if (!tree)
                return sema_no_memory(s);
        *expr = *tree;
        return true;
}

bool sema_check_string(struct sema *s, struct expr *expr, const struct field_info *info) {
        bool good = true;

        (void)info;
        switch (expr->op) {
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
                return check_regex(s, expr);

        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
        case COMPARE_FOLD:
                if (expr->operand.type == OPERAND_LIST) {
                        sema_error(s, expr->span, "'%s' compares with one string", compare_op_to_string(expr->op));
                        if (expr->op != COMPARE_FOLD)
                                diag_hint(s->diags, "write '%s'", expr->op == COMPARE_EQUAL ? "in" : "not in");
                        return false;
                }
                return sema_check_string_operand(s, expr, &expr->operand);

        case COMPARE_IN:
        case COMPARE_NOT_IN:
                if (expr->operand.type == OPERAND_STRING) {
                        sema_error(s, expr->operand.span, "'%s' needs a list", compare_op_to_string(expr->op));
                        diag_hint(s->diags, "write 'contains' for a part of a string, '%s' for the whole",
                                  expr->op == COMPARE_IN ? "==" : "!=");
                        return false;
                }
                if (expr->operand.type != OPERAND_LIST)
                        return sema_check_string_operand(s, expr, &expr->operand);
                for (size_t i = 0; i < expr->operand.n_items; i++)
                        good = sema_check_string_operand(s, expr, &expr->operand.items[i]) && good;
                return good;

        case COMPARE_GLOB:
                if (expr->operand.type != OPERAND_LIST)
                        return sema_check_string_operand(s, expr, &expr->operand);
                for (size_t i = 0; i < expr->operand.n_items; i++)
                        good = sema_check_string_operand(s, expr, &expr->operand.items[i]) && good;
                return good;

        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS:
                if (expr->operand.type == OPERAND_LIST)
                        return sema_spread(s, expr);
                if (!sema_check_string_operand(s, expr, &expr->operand))
                        return false;
                if (expr->operand.text.length == 0)
                        diag_warning(s->diags, expr->span, "this is true of every string");
                return true;

        case COMPARE_TRUE:
                sema_error(s, expr->span, "'%s' is a string: compare it with something", expr->field.name.bytes);
                diag_hint(s->diags, "'%s != \"\"' asks whether there is one", expr->field.name.bytes);
                return false;

        case COMPARE_LESS:
        case COMPARE_LESS_EQUAL:
        case COMPARE_GREATER:
        case COMPARE_GREATER_EQUAL:
        case COMPARE_BITS_ANY:
        case COMPARE_BITS_ALL:
        case _COMPARE_OP_MAX:
                break;
        }

        sema_error(s, expr->span, "'%s' is for numbers, and '%s' is a string", compare_op_to_string(expr->op),
                   expr->field.name.bytes);
        return false;
}

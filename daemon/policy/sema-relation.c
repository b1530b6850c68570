/* SPDX-License-Identifier: Apache-2.0 */
/* Relations: `execve as $a { }` and `child of $a` become captures and conditions, which is all that they are.
 *
 * What a relation looks at of the earlier step is kept in hidden captures, "$a.parent": their names have a dot, so
 * nobody can write one. Only steps that bind $a have them, and only those that somebody needs. */
#include <stdio.h>
#include <string.h>

#include "policy/sema-private.h"

enum {
        NEED_PARENT = 1 << 0,
        NEED_UNIT = 1 << 1,
        NEED_FILE = 1 << 2,
        NEED_END = 1 << 3,              /* and further ones: one of each pipe_end */
};

/* Where a pipe's end can be in an event. */
static const struct {
        enum wire_kind kind;
        const char *object, *type;      /* fields */
        const char *suffix;             /* of the hidden capture */
        bool writes;
} ends[] = {
        {WIRE_KIND_execve, "stdin", "stdin.type", "stdin", false},
        {WIRE_KIND_execve, "stdout", "stdout.type", "stdout", true},
        {WIRE_KIND_execve, "stderr", "stderr.type", "stderr", true},
        {WIRE_KIND_write, "file", "type", "file", true},
        {WIRE_KIND_read, "file", "type", "file", false},
};

static bool kind_has_file(enum wire_kind kind) {
        enum field field = schema_find_field(kind, "file", strlen("file"));

        return field != FIELD_NONE && schema_field(field)->type == VALUE_OBJECT;
}

static bool kind_has_pipe(enum wire_kind kind) {
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (ends[i].kind == kind)
                        return true;
        return false;
}

/* "execve, openat and write"; of many the first. */
static void list_kinds(bool (*has)(enum wire_kind kind), char *ret, size_t size) {
        const char *names[_WIRE_KIND_MAX];
        size_t n = 0, at = 0;

        for (unsigned kind = WIRE_NONE + 1; kind < WIRE_KIND_start; kind++)
                if (has((enum wire_kind)kind))
                        names[n++] = schema_kind((enum wire_kind)kind)->name;
        for (size_t i = 0; i < n && at < size; i++) {
                if (i == 5 && n > 6) {
                        (void)snprintf(ret + at, size - at, " and %zu more", n - i);
                        return;
                }
                at += (size_t)snprintf(ret + at, size - at, "%s%s", i == 0 ? "" : i + 1 < n ? ", "
                                                                                           : " and ",
                                       names[i]);
        }
}

static struct sema_name *find_name(struct sema *s, struct text name) {
        for (size_t i = 0; i < s->n_names; i++)
                if (text_equal(s->names[i].name, name))
                        return &s->names[i];
        return NULL;
}

static void collect_names(struct sema *s, const struct element *e) {
        for (; e; e = e->next) {
                s->n_steps++;
                if (e->as.length > 0 && (e->type == ELEMENT_STEP || e->type == ELEMENT_CONDITIONAL)) {
                        struct sema_name *name = find_name(s, e->as);
                        enum wire_kind kind = schema_find_kind(e->kind_name.bytes, e->kind_name.length);

                        if (!name && s->n_names < ELEMENTSOF(s->names)) {
                                name = &s->names[s->n_names++];
                                *name = (struct sema_name){.name = e->as, .span = e->as_span};
                        }
                        if (name && kind != WIRE_NONE)
                                name->kinds |= wire_kind_bit(kind);
                }
                collect_names(s, e->children);
                collect_names(s, e->then);
                collect_names(s, e->otherwise);
        }
}

static void collect_needs(struct sema *s, const struct element *e) {
        for (; e; e = e->next) {
                enum wire_kind kind = schema_find_kind(e->kind_name.bytes, e->kind_name.length);

                for (const struct relation *r = e->relations; r; r = r->next) {
                        struct sema_name *name = find_name(s, r->name);

                        if (!name)
                                continue;
                        if (r->type == RELATION_SIBLING)
                                name->needs |= NEED_PARENT;
                        else if (r->type == RELATION_SAME_UNIT)
                                name->needs |= NEED_UNIT;
                        else if (r->type == RELATION_SAME_FILE)
                                name->needs |= NEED_FILE;
                        else if (r->type == RELATION_SAME_PIPE)
                                for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                                        for (size_t k = 0; k < ELEMENTSOF(ends) && ends[i].kind == kind; k++)
                                                if (ends[k].writes != ends[i].writes)
                                                        name->needs |= (unsigned)NEED_END << k;
                }
                collect_needs(s, e->children);
                collect_needs(s, e->then);
                collect_needs(s, e->otherwise);
        }
}

bool sema_collect_names(struct sema *s) {
        s->n_names = 0;
        s->n_steps = 0;
        collect_names(s, s->path->body);
        collect_needs(s, s->path->body);
        collect_needs(s, s->path->untils);

        s->bound_by = arena_new_array(s->arena, uint64_t, (size_t)s->n_steps + 1);
        return s->bound_by || sema_no_memory(s);
}

bool sema_is_name(struct sema *s, struct text name) {
        return find_name(s, name) != NULL;
}

/* "$a.parent" */
static bool make_name(struct sema *s, struct text name, const char *suffix, struct text *ret) {
        size_t n = strlen(suffix);
        char *bytes = arena_alloc(s->arena, name.length + n + 2);

        if (!bytes)
                return sema_no_memory(s);
        memcpy(bytes, name.bytes, name.length);
        bytes[name.length] = '.';
        memcpy(bytes + name.length + 1, suffix, n + 1);
        *ret = (struct text){.bytes = bytes, .length = name.length + n + 1};
        return true;
}

static struct text text_of(const char *s) {
        return (struct text){.bytes = s, .length = strlen(s)};
}

/* One more capture at the end: of the step's process if it has no suffix, else a hidden one. */
static bool add_capture(struct sema *s, struct element *e, const char *suffix, const char *field) {
        struct capture *capture = arena_new(s->arena, struct capture), **end = &e->captures;

        if (!capture)
                return sema_no_memory(s);
        capture->span = capture->field.span = e->as_span;
        capture->name = e->as;
        if (suffix && !make_name(s, e->as, suffix, &capture->name))
                return false;
        capture->field.name = text_of(field);
        capture->field.index = INDEX_NONE;
        capture->hidden = suffix != NULL;

        while (*end) {
                if (suffix && text_equal((*end)->name, capture->name))
                        return true;    /* needed twice */
                end = &(*end)->next;
        }
        *end = capture;
        return true;
}

bool sema_add_names(struct sema *s, struct element *e) {
        const struct sema_name *name;

        if (e->as.length == 0)
                return true;
        if (!add_capture(s, e, NULL, "proc.identity"))
                return false;
        name = find_name(s, e->as);
        if (!name || s->binds_nothing)
                return true;

        if ((name->needs & NEED_PARENT) && !add_capture(s, e, "parent", "parent.identity"))
                return false;
        if ((name->needs & NEED_UNIT) && !add_capture(s, e, "unit", "proc.unit"))
                return false;
        if ((name->needs & NEED_FILE) && kind_has_file(e->kind) && !add_capture(s, e, "file", "file"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if ((name->needs & ((unsigned)NEED_END << i)) && ends[i].kind == e->kind &&
                    !add_capture(s, e, ends[i].suffix, ends[i].object))
                        return false;
        return true;
}

/* Conditions as if somebody had written them: they are checked like all others. NULL: no memory. */
static struct expr *make_expr(struct sema *s, const struct relation *r, enum expr_type type, struct expr *left,
                              struct expr *right) {
        struct expr *expr = arena_new(s->arena, struct expr);

        if (!expr) {
                sema_no_memory(s);
                return NULL;
        }
        expr->type = type;
        expr->span = expr->field.span = expr->operand.span = r->span;
        expr->field.index = INDEX_NONE;
        expr->left = left;
        expr->right = right;
        return expr;
}

static struct expr *compare_constant(struct sema *s, const struct relation *r, const char *field, enum compare_op op,
                                     enum operand_type type, const char *constant) {
        struct expr *expr = make_expr(s, r, EXPR_COMPARE, NULL, NULL);

        if (!expr)
                return NULL;
        expr->field.name = text_of(field);
        expr->op = op;
        expr->operand.type = type;
        expr->operand.text = text_of(constant);
        return expr;
}

static struct expr *compare_capture(struct sema *s, const struct relation *r, const char *field, enum compare_op op,
                                    const char *suffix) {
        struct expr *expr = make_expr(s, r, EXPR_COMPARE, NULL, NULL);

        if (!expr)
                return NULL;
        expr->field.name = text_of(field);
        expr->op = op;
        expr->operand.type = OPERAND_CAPTURE;
        expr->operand.text = r->name;
        if (suffix && !make_name(s, r->name, suffix, &expr->operand.text))
                return NULL;
        return expr;
}

/* Of two, of which NULL is none yet; false if `b` could not be made. */
static bool join(struct sema *s, const struct relation *r, enum expr_type type, struct expr **all, struct expr *b) {
        if (!b)
                return false;
        *all = *all ? make_expr(s, r, type, *all, b) : b;
        return *all;
}

/* Each end of this step that is a pipe, with each other end of the earlier one. */
static bool make_pipe(struct sema *s, const struct relation *r, const struct sema_name *name, enum wire_kind kind,
                      struct expr **ret) {
        char kinds[128] = "";

        list_kinds(kind_has_pipe, kinds, sizeof(kinds));
        if (!kind_has_pipe(kind)) {
                sema_error(s, r->span, "'%s' has no pipe", schema_kind(kind)->name);
                diag_hint(s->diags, "'same pipe as' is for %s", kinds);
                return false;
        }
        for (unsigned k = WIRE_NONE + 1; k < _WIRE_KIND_MAX; k++)
                if ((name->kinds & wire_kind_bit(k)) && !kind_has_pipe((enum wire_kind)k)) {
                        sema_error(s, r->span, "'%.*s' names the process of '%s', which has no pipe",
                                   TEXT_ARGS(r->name), schema_kind((enum wire_kind)k)->name);
                        diag_hint(s->diags, "'same pipe as' is for %s", kinds);
                        diag_related(s->diags, name->span, "it is named here");
                        return false;
                }

        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                struct expr *objects = NULL, *end;

                if (ends[i].kind != kind)
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(ends); k++)
                        if ((name->kinds & wire_kind_bit(ends[k].kind)) && ends[k].writes != ends[i].writes &&
                            !join(s, r, EXPR_OR, &objects,
                                  compare_capture(s, r, ends[i].object, COMPARE_EQUAL, ends[k].suffix)))
                                return false;
                if (!objects)
                        continue;
                end = compare_constant(s, r, ends[i].type, COMPARE_EQUAL, OPERAND_NAME, "pipe");
                if (!end || !join(s, r, EXPR_AND, &end, objects) || !join(s, r, EXPR_OR, ret, end))
                        return false;
        }
        if (!*ret && name->kinds != 0) {
                sema_error(s, r->span, "both steps only write: nobody reads a pipe here");
                diag_hint(s->diags, "an 'execve' reads from its descriptor 0");
                diag_related(s->diags, name->span, "the other step is here");
        }
        return *ret;
}

static bool make_file(struct sema *s, const struct relation *r, const struct sema_name *name, enum wire_kind kind,
                      struct expr **ret) {
        char kinds[128] = "";

        list_kinds(kind_has_file, kinds, sizeof(kinds));
        if (!kind_has_file(kind)) {
                sema_error(s, r->span, "'%s' has no file as an object", schema_kind(kind)->name);
                diag_hint(s->diags, "'same file as' is for %s; names are compared with captures", kinds);
                return false;
        }
        for (unsigned k = WIRE_NONE + 1; k < _WIRE_KIND_MAX; k++)
                if ((name->kinds & wire_kind_bit(k)) && !kind_has_file((enum wire_kind)k)) {
                        sema_error(s, r->span, "'%.*s' names the process of '%s', which has no file as an object",
                                   TEXT_ARGS(r->name), schema_kind((enum wire_kind)k)->name);
                        diag_hint(s->diags, "'same file as' is for %s; names are compared with captures", kinds);
                        diag_related(s->diags, name->span, "it is named here");
                        return false;
                }
        return join(s, r, EXPR_AND, ret, compare_capture(s, r, "file", COMPARE_EQUAL, "file"));
}

/* One relation as a condition; *ret is NULL before. */
static bool make_condition(struct sema *s, const struct relation *r, const struct sema_name *name, enum wire_kind kind,
                           struct expr **ret) {
        switch (r->type) {
        case RELATION_SAME_PROCESS:
                return join(s, r, EXPR_AND, ret, compare_capture(s, r, "proc.identity", COMPARE_EQUAL, NULL));
        case RELATION_CHILD:
                return join(s, r, EXPR_AND, ret, compare_capture(s, r, "parent.identity", COMPARE_EQUAL, NULL));
        case RELATION_DESCENDANT:
                return join(s, r, EXPR_AND, ret, compare_capture(s, r, "ancestor.identity", COMPARE_EQUAL, NULL));
        case RELATION_SIBLING:
                return join(s, r, EXPR_AND, ret, compare_capture(s, r, "parent.identity", COMPARE_EQUAL, "parent")) &&
                       join(s, r, EXPR_AND, ret, compare_capture(s, r, "proc.identity", COMPARE_NOT_EQUAL, NULL));
        case RELATION_SAME_UNIT:
                return join(s, r, EXPR_AND, ret, compare_capture(s, r, "proc.unit", COMPARE_EQUAL, "unit")) &&
                       join(s, r, EXPR_AND, ret,
                            compare_constant(s, r, "proc.unit", COMPARE_NOT_EQUAL, OPERAND_STRING, ""));
        case RELATION_SAME_FILE:
                return make_file(s, r, name, kind, ret);
        case RELATION_SAME_PIPE:
                return make_pipe(s, r, name, kind, ret);
        case _RELATION_TYPE_MAX:
                break;
        }
        return false;
}

static bool report_no_name(struct sema *s, const struct relation *r) {
        const char *names[ELEMENTSOF(s->names)];

        if (s->path->broken)
                return false;
        for (uint32_t i = 0; i < s->path->n_captures; i++)
                if (text_equal(s->path->captures[i], r->name)) {
                        sema_error(s, r->span, "'%.*s' is the value of a field, not the process of a step",
                                   TEXT_ARGS(r->name));
                        diag_hint(s->diags, "name the step: 'execve as %.*s { ... }'", TEXT_ARGS(r->name));
                        diag_related(s->diags, s->bound_at[i], "it is bound here");
                        return false;
                }

        sema_error(s, r->span, "no step is named '%.*s'", TEXT_ARGS(r->name));
        for (size_t i = 0; i < s->n_names; i++)
                names[i] = s->names[i].name.bytes;
        if (s->n_names > 0)
                diag_did_you_mean(s->diags, sema_closest(s, r->name, names, s->n_names));
        else
                diag_hint(s->diags, "give an earlier one the name: 'execve as %.*s { ... }'", TEXT_ARGS(r->name));
        return false;
}

bool sema_add_relations(struct sema *s, struct element *e) {
        for (const struct relation *r = e->relations; r && s->error >= 0; r = r->next) {
                const struct sema_name *name = find_name(s, r->name);
                struct expr *condition = NULL;
                uint32_t slot;

                if (!name) {
                        report_no_name(s, r);
                        continue;
                }
                if (!sema_find_capture(s, r->name, r->span, &slot) ||
                    !make_condition(s, r, name, e->kind, &condition))
                        continue;
                if (!join(s, r, EXPR_AND, &e->condition, condition))
                        return false;
        }
        return s->error >= 0;
}

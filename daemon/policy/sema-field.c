/* SPDX-License-Identifier: Apache-2.0 */
/* The names of kinds and fields. */
#include <string.h>

#include "base/strbuf.h"
#include "policy/sema-private.h"

/* Other names of fields: those that older policies use. */
static const struct {
        enum wire_kind kind;
        const char *alias, *name;
} aliases[] = {
        {WIRE_KIND_openat, "path", "pathname"},
        {WIRE_KIND_execve, "path", "filename"},
        {WIRE_KIND_execve, "args", "proc.args"},
        {WIRE_KIND_write, "path", "pathname"},
        {WIRE_KIND_write, "buf", "content"},
        {WIRE_KIND_write, "len", "length"},
        {WIRE_KIND_unlink, "path", "pathname"},
        {WIRE_KIND_rename, "path", "pathname"},
        {WIRE_KIND_chmod, "path", "pathname"},
};

/* Records by which a stream is complete; nothing that happened. */
static bool kind_is_internal(enum wire_kind kind) {
        return wire_kind_bit(kind) == 0;
}

enum wire_kind sema_resolve_kind(struct sema *s, struct text name, struct diag_span span) {
        const char *names[_WIRE_KIND_MAX];
        enum wire_kind kind;
        size_t n = 0;

        kind = schema_find_kind(name.bytes, name.length);
        if (kind != WIRE_NONE && !kind_is_internal(kind))
                return kind;

        sema_error(s, span, "unknown kind of event '%.*s'", TEXT_ARGS(name));
        kind = schema_kind_of_call(name.bytes, name.length);
        if (kind != WIRE_NONE) {
                diag_hint(s->diags, "'%.*s' is part of the kind '%s'", TEXT_ARGS(name), schema_kind(kind)->name);
                return WIRE_NONE;
        }

        for (unsigned i = WIRE_NONE + 1; i < _WIRE_KIND_MAX; i++)
                if (!kind_is_internal((enum wire_kind)i))
                        names[n++] = schema_kind((enum wire_kind)i)->name;
        diag_did_you_mean(s->diags, sema_closest(s, name, names, n));
        return WIRE_NONE;
}

static const struct {
        const char *prefix;
        enum program_subject subject;
} subjects[] = {
        {"proc.", SUBJECT_PROCESS},
        {"parent.", SUBJECT_PARENT},
        {"ancestor.", SUBJECT_ANCESTOR},
        {"", SUBJECT_EACH},             /* inside of `ancestor { }` */
};

static const char *subject_prefix(enum program_subject subject) {
        for (size_t i = 0; i < ELEMENTSOF(subjects); i++)
                if (subjects[i].subject == subject)
                        return subjects[i].prefix;
        return "";
}

/* Behind the prefix, if the name has one of a process. */
static bool split_subject(struct text name, struct text *ret_rest, enum program_subject *ret_subject) {
        for (size_t i = 0; i < ELEMENTSOF(subjects); i++) {
                size_t n = strlen(subjects[i].prefix);

                if (n > 0 && name.length > n && memcmp(name.bytes, subjects[i].prefix, n) == 0) {
                        *ret_rest = (struct text){.bytes = name.bytes + n, .length = name.length - n};
                        *ret_subject = subjects[i].subject;
                        return true;
                }
        }
        return false;
}

bool sema_name_is_of_process(struct text name) {
        enum program_subject subject;
        struct text rest;

        return split_subject(name, &rest, &subject);
}

static bool resolve_process_field(struct sema *s, struct field_ref *ref, struct text rest,
                                  enum program_subject subject, bool quiet) {
        const char *names[_FIELD_MAX], *closest;
        size_t n = 0;

        ref->subject = subject;
        ref->field = schema_find_process_field(rest.bytes, rest.length);
        if (ref->field != FIELD_NONE)
                return true;
        if (quiet)
                return false;

        for (unsigned i = _FIELD_PROCESS_BEFORE + 1; i < _FIELD_MAX; i++)
                names[n++] = schema_field((enum field)i)->name;
        sema_error(s, ref->span, "a process has no field '%.*s'", TEXT_ARGS(rest));
        closest = sema_closest(s, rest, names, n);
        if (closest)
                diag_hint(s->diags, "did you mean '%s%s'?", subject_prefix(subject), closest);
        return false;
}

#define MAX_KINDS_TOLD 4

/* Which kinds have a field of this name, if any. */
static void hint_kinds_of_field(struct sema *s, struct text name) {
        char kinds[128];
        size_t n = 0;
        struct strbuf b;

        strbuf_init_fixed(&b, kinds, sizeof(kinds));
        for (unsigned i = WIRE_NONE + 1; i < _WIRE_KIND_MAX; i++) {
                const struct kind_info *info = schema_kind((enum wire_kind)i);

                if (kind_is_internal((enum wire_kind)i) ||
                    schema_find_field((enum wire_kind)i, name.bytes, name.length) == FIELD_NONE)
                        continue;
                if (n++ < MAX_KINDS_TOLD)
                        strbuf_printf(&b, "%s'%s'", n > 1 ? ", " : "", info->name);
        }
        if (n > MAX_KINDS_TOLD)
                diag_hint(s->diags, "it is a field of %s and %zu more", kinds, n - MAX_KINDS_TOLD);
        else if (n > 0)
                diag_hint(s->diags, "it is a field of %s", kinds);
}

static void report_unknown_field(struct sema *s, struct field_ref *ref, enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);
        const char *names[_FIELD_MAX], *closest;
        size_t n = 0;

        sema_error(s, ref->span, "'%s' has no field '%.*s'", info->name, TEXT_ARGS(ref->name));

        if (text_is(ref->name, "proc") || text_is(ref->name, "parent") || text_is(ref->name, "ancestor")) {
                diag_hint(s->diags, "which field of the process? '%.*s.exe', '%.*s.name', ...", TEXT_ARGS(ref->name),
                          TEXT_ARGS(ref->name));
                return;
        }
        if (text_is(ref->name, "filename") || text_is(ref->name, "pathname")) {
                for (size_t i = 0; i < ELEMENTSOF(aliases); i++)
                        if (aliases[i].kind == kind && streq(aliases[i].alias, "path")) {
                                diag_did_you_mean(s->diags, aliases[i].name);
                                return;
                        }
        }
        if (schema_find_process_field(ref->name.bytes, ref->name.length) != FIELD_NONE) {
                diag_hint(s->diags, "did you mean 'proc.%.*s'?", TEXT_ARGS(ref->name));
                return;
        }

        for (unsigned i = 0; i < info->n_fields; i++)
                names[n++] = schema_field((enum field)(info->first_field + i))->name;
        for (unsigned i = _FIELD_COMMON_BEFORE + 1; i < _FIELD_PROCESS_BEFORE; i++)
                names[n++] = schema_field((enum field)i)->name;
        closest = sema_closest(s, ref->name, names, n);
        if (!closest)
                closest = sema_closest_macro(s, ref->name);
        if (closest) {
                diag_did_you_mean(s->diags, closest);
                return;
        }
        hint_kinds_of_field(s, ref->name);
}

bool sema_resolve_field(struct sema *s, struct field_ref *ref, enum wire_kind kind, bool quiet) {
        enum program_subject subject;
        struct text rest;

        if (split_subject(ref->name, &rest, &subject)) {
                if (!s->in_ancestor)
                        return resolve_process_field(s, ref, rest, subject, false);
                sema_error(s, ref->span, "inside of 'ancestor' a field is that of the ancestor, without prefix");
                if (schema_find_process_field(rest.bytes, rest.length) != FIELD_NONE)
                        diag_hint(s->diags, "write '%.*s', or put '%.*s' outside of the braces", TEXT_ARGS(rest),
                                  TEXT_ARGS(ref->name));
                return false;
        }
        if (s->in_ancestor)
                return resolve_process_field(s, ref, ref->name, SUBJECT_EACH, quiet);

        ref->subject = SUBJECT_EVENT;
        ref->field = schema_find_field(kind, ref->name.bytes, ref->name.length);
        for (size_t i = 0; ref->field == FIELD_NONE && i < ELEMENTSOF(aliases); i++)
                if (aliases[i].kind == kind && text_is(ref->name, aliases[i].alias)) {
                        struct text name = {.bytes = aliases[i].name, .length = strlen(aliases[i].name)};

                        if (split_subject(name, &rest, &subject))
                                return resolve_process_field(s, ref, rest, subject, false);
                        ref->field = schema_find_field(kind, name.bytes, name.length);
                }
        if (ref->field == FIELD_NONE) {
                if (!quiet)
                        report_unknown_field(s, ref, kind);
                return false;
        }

        if (ref->field == FIELD_COMMON_result || ref->field == FIELD_COMMON_failed)
                s->any_result = true;
        return true;
}

enum field sema_object_behind(enum field field) {
        const struct field_info *info = schema_field(field);
        static const char *const names[] = {"socket", "file"};    /* `file` is where a socket has its path */

        if (!info || info->format != FORMAT_FD || info->scope != FIELD_EVENT)
                return FIELD_NONE;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                enum field object = schema_find_field(info->kind, names[i], strlen(names[i]));

                if (object != FIELD_NONE && schema_field(object)->type == VALUE_OBJECT)
                        return object;
        }
        return FIELD_NONE;
}

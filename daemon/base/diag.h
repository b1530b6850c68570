/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Diag - what is wrong with a text that somebody wrote, and where.
 * A reader of policies or configuration reports every fault it finds into a set and goes on; at the end it returns
 * -EBADMSG, "read the diags". The set copies what it is given and is bounded: beyond the limit messages are counted,
 * not kept. It does not print by itself and knows no files: whoever prints hands in the text for the excerpts.
 *
 *      diag_error(set, span, "unknown field '%s'", name);
 *      diag_hint(set, "did you mean '%s'?", diag_closest(name, names, n_names));
 *
 * Everything may hold bytes from outside; printing makes them harmless. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/macro.h"

struct strbuf;

enum diag_severity {
        DIAG_ERROR,                     /* the text is refused */
        DIAG_WARNING,                   /* accepted, but probably not what was meant */
        DIAG_NOTE,                      /* worth knowing */
};

/* A place in a text. Lines and columns count from 1, columns in bytes; a line of 0 is the file as a whole. */
struct diag_span {
        const char *file;               /* as shown to people; NULL if there is none. Borrowed; a set makes a copy */
        uint32_t line, column;
        uint32_t length;                /* bytes, for the caret; it is cut at the end of the line */
        uint32_t offset;                /* of the first byte in the file */
};

struct diag {
        enum diag_severity severity;
        struct diag_span span;
        const char *text;               /* arena of the set; one sentence, small first letter, no full stop */
        const char *code;               /* arena: which message it is, whatever names stand in it: "unknown-value-of" */
        const char *hint;               /* arena, or NULL */
        struct diag_span related;       /* only if related_text */
        const char *related_text;       /* arena, or NULL: "first defined here" */
};

#define DIAG_LIMIT_DEFAULT 100

struct diag_set {
        struct diag_list ARRAY_BODY(struct diag) list;  /* in order of arrival until diag_set_sort() */
        struct arena arena;
        size_t limit;                   /* most messages kept */
        size_t n_errors, n_warnings, n_notes;   /* all that were reported, kept or not */
        size_t n_dropped;               /* beyond the limit, or for want of memory */
        bool last_dropped;              /* hints of a dropped message go nowhere */
};

/* limit 0 is DIAG_LIMIT_DEFAULT. */
void diag_set_init(struct diag_set *set, size_t limit);
void diag_set_done(struct diag_set *set);

/* Report. The set may be NULL: then nobody wants to know, and only the return value counts, which is always -EBADMSG
 * for an error and 0 for the others, so that `return diag_error(...)` reads well. */
int diag_error(struct diag_set *set, struct diag_span span, const char *fmt, ...) _printf_(3, 4);
int diag_warning(struct diag_set *set, struct diag_span span, const char *fmt, ...) _printf_(3, 4);
int diag_note(struct diag_set *set, struct diag_span span, const char *fmt, ...) _printf_(3, 4);
int diag_vreport(struct diag_set *set, enum diag_severity severity, struct diag_span span, const char *fmt, va_list ap)
        _printf_(4, 0);

/* Add to the message reported last. diag_did_you_mean() sets the usual hint, and none if name is NULL. */
void diag_hint(struct diag_set *set, const char *fmt, ...) _printf_(2, 3);
void diag_did_you_mean(struct diag_set *set, const char *name);
void diag_code(struct diag_set *set, const char *code); /* instead of the one that is made of the format */
void diag_related(struct diag_set *set, struct diag_span span, const char *fmt, ...) _printf_(3, 4);

/* -EBADMSG if an error was reported, else 0. */
int diag_set_result(const struct diag_set *set);

/* By file, line and column; what is at one place stays in order of arrival. */
void diag_set_sort(struct diag_set *set);

/* A text that excerpts are taken from; borrowed for the call. */
struct diag_source {
        const char *file;               /* equal to the span's file */
        const char *text;
        size_t n;
};

/* For people, each message like this; without a source of that name, without the excerpt:
 *
 *      20-shell.policy:4:9: error: unknown field 'exec.pth'
 *          4 | where exec.pth == "/bin/sh"
 *            |       ^~~~~~~~
 *            = did you mean 'exec.path'?
 *      20-shell.policy:2:1: note: in this policy
 *
 * At the end one line that says how many more were not kept. */
void diag_set_put_text(const struct diag_set *set, const struct diag_source *sources, size_t n_sources,
                       struct strbuf *b);

/* For programs: one message as a JSON object: severity, code, file, line, column, end (the column behind it), length,
 * offset, message, notes (each with a place and a message), hints. And all of them, as an array. */
void diag_put_json(const struct diag *diag, struct strbuf *b);
void diag_set_put_json(const struct diag_set *set, struct strbuf *b);

/* One message without excerpt: "file:line:column: error: text". */
void diag_put_line(const struct diag *diag, struct strbuf *b);

const char *diag_severity_to_string(enum diag_severity severity);

/* Which candidate did they mean? The closest by insertions, deletions, changes and swaps of neighbours (letters of the
 * wrong case, and letters left out at the end, count half), if it is close enough to be a slip: up to a third of its
 * length. NULL if none is; the first of equals. */
const char *diag_closest(const char *name, const char *const *candidates, size_t n_candidates);
const char *diag_closest_n(const char *name, size_t n, const char *const *candidates, size_t n_candidates);

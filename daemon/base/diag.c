/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "base/utf8.h"

#define DIAG_EXCERPT_MAX 160            /* bytes of a source line that are shown around the column */
#define DIAG_TEXT_MAX ((size_t)1024 * 1024)     /* bytes of all texts in a set */

void diag_set_init(struct diag_set *set, size_t limit) {
        *set = (struct diag_set){.limit = limit > 0 ? limit : DIAG_LIMIT_DEFAULT};
        arena_init(&set->arena, DIAG_TEXT_MAX);
}

void diag_set_done(struct diag_set *set) {
        array_done(&set->list);
        arena_done(&set->arena);
        *set = (struct diag_set){};
}

const char *diag_severity_to_string(enum diag_severity severity) {
        switch (severity) {
        case DIAG_ERROR: return "error";
        case DIAG_WARNING: return "warning";
        case DIAG_NOTE: return "note";
        }
        return NULL;
}

/* The set's own copy of the file name; messages mostly come in runs about one file. */
static const char *diag_set_file(struct diag_set *set, const char *file) {
        size_t first = set->list.n > 8 ? set->list.n - 8 : 0;

        if (!file)
                return NULL;
        for (size_t i = set->list.n; i > first; i--)
                if (streq(set->list.items[i - 1].span.file, file))
                        return set->list.items[i - 1].span.file;
        return arena_strdup(&set->arena, file);
}

static void diag_count(struct diag_set *set, enum diag_severity severity) {
        switch (severity) {
        case DIAG_ERROR: set->n_errors++; return;
        case DIAG_WARNING: set->n_warnings++; return;
        case DIAG_NOTE: set->n_notes++; return;
        }
}

#define CODE_LENGTH_MAX 48U

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The words of a message without the names in it: they say which message it is, and stay when names change. */
static const char *diag_make_code(struct diag_set *set, const char *fmt) {
        char code[CODE_LENGTH_MAX + 1];
        size_t n = 0;

        for (const char *s = fmt; *s && n < CODE_LENGTH_MAX; s++) {
                if (*s == '%' && s[1]) {
                        do
                                s++;
                        while (s[1] && !strchr("diouxXcsp%", *s));
                        continue;
                }
                if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9'))
                        code[n++] = lower(*s);
                else if (*s != '\'' && n > 0 && code[n - 1] != '-')
                        code[n++] = '-';
        }
        while (n > 0 && code[n - 1] == '-')
                n--;
        return n > 0 ? arena_strndup(&set->arena, code, n) : "message";
}

int diag_vreport(struct diag_set *set, enum diag_severity severity, struct diag_span span, const char *fmt,
                 va_list ap) {
        int r = severity == DIAG_ERROR ? -EBADMSG : 0;
        struct diag d = {.severity = severity, .span = span};

        if (!set)
                return r;

        diag_count(set, severity);
        set->last_dropped = true;

        if (set->list.n < set->limit) {
                d.span.file = diag_set_file(set, span.file);
                d.text = arena_vprintf(&set->arena, fmt, ap);
                d.code = diag_make_code(set, fmt);
                set->last_dropped = !d.text || !d.code || (span.file && !d.span.file) || array_push(&set->list, d) < 0;
        }

        if (set->last_dropped)
                set->n_dropped++;
        return r;
}

#define DIAG_REPORT(set, severity, span, fmt)                                                                          \
        ({                                                                                                             \
                va_list _ap;                                                                                           \
                int _r;                                                                                                \
                va_start(_ap, fmt);                                                                                    \
                _r = diag_vreport(set, severity, span, fmt, _ap);                                                      \
                va_end(_ap);                                                                                           \
                _r;                                                                                                    \
        })

int diag_error(struct diag_set *set, struct diag_span span, const char *fmt, ...) {
        return DIAG_REPORT(set, DIAG_ERROR, span, fmt);
}

int diag_warning(struct diag_set *set, struct diag_span span, const char *fmt, ...) {
        return DIAG_REPORT(set, DIAG_WARNING, span, fmt);
}

int diag_note(struct diag_set *set, struct diag_span span, const char *fmt, ...) {
        return DIAG_REPORT(set, DIAG_NOTE, span, fmt);
}

static struct diag *diag_set_last(struct diag_set *set) {
        return set && !set->last_dropped && set->list.n > 0 ? array_last(&set->list) : NULL;
}

void diag_hint(struct diag_set *set, const char *fmt, ...) {
        struct diag *d = diag_set_last(set);
        va_list ap;

        if (!d)
                return;
        va_start(ap, fmt);
        d->hint = arena_vprintf(&set->arena, fmt, ap);
        va_end(ap);
}

void diag_code(struct diag_set *set, const char *code) {
        struct diag *d = diag_set_last(set);
        char *copy;

        if (!d)
                return;
        copy = arena_strdup(&set->arena, code);
        if (copy)
                d->code = copy;
}

void diag_did_you_mean(struct diag_set *set, const char *name) {
        if (name)
                diag_hint(set, "did you mean '%s'?", name);
}

void diag_related(struct diag_set *set, struct diag_span span, const char *fmt, ...) {
        struct diag *d = diag_set_last(set);
        va_list ap;

        if (!d)
                return;
        d->related = span;
        d->related.file = diag_set_file(set, span.file);
        va_start(ap, fmt);
        d->related_text = arena_vprintf(&set->arena, fmt, ap);
        va_end(ap);
}

int diag_set_result(const struct diag_set *set) {
        return set->n_errors > 0 ? -EBADMSG : 0;
}

static int diag_compare(const struct diag *a, const struct diag *b) {
        int r = strcmp(a->span.file ? a->span.file : "", b->span.file ? b->span.file : "");

        if (r != 0)
                return r;
        if (a->span.line != b->span.line)
                return a->span.line < b->span.line ? -1 : 1;
        if (a->span.column != b->span.column)
                return a->span.column < b->span.column ? -1 : 1;
        return 0;
}

void diag_set_sort(struct diag_set *set) {
        /* Insertion: stable, without memory, and the list is short and nearly sorted. */
        for (size_t i = 1; i < set->list.n; i++) {
                struct diag d = set->list.items[i];
                size_t k = i;

                for (; k > 0 && diag_compare(&set->list.items[k - 1], &d) > 0; k--)
                        set->list.items[k] = set->list.items[k - 1];
                set->list.items[k] = d;
        }
        set->last_dropped = true;       /* "the last one" has no meaning any more */
}

static void diag_put_head(const struct diag_span *span, enum diag_severity severity, const char *text,
                          struct strbuf *b) {
        if (span->file) {
                strbuf_put_text(b, span->file, strlen(span->file));
                if (span->line > 0)
                        strbuf_printf(b, ":%u:%u", span->line, span->column);
                strbuf_put(b, ": ");
        }
        strbuf_printf(b, "%s: ", diag_severity_to_string(severity));
        strbuf_put_text(b, text, strlen(text));
        strbuf_put_char(b, '\n');
}

void diag_put_line(const struct diag *diag, struct strbuf *b) {
        diag_put_head(&diag->span, diag->severity, diag->text, b);
        strbuf_truncate(b, b->n > 0 ? b->n - 1 : 0);
}

/* The bytes of a line, [*ret_start, *ret_end), or false if the text has no such line. */
static bool diag_find_line(const struct diag_source *source, uint32_t line, size_t *ret_start, size_t *ret_end) {
        size_t start = 0;
        const char *p;

        if (line == 0)
                return false;
        for (; line > 1; line--) {
                p = memchr(source->text + start, '\n', source->n - start);
                if (!p)
                        return false;
                start = p - source->text + 1;
        }

        p = memchr(source->text + start, '\n', source->n - start);
        *ret_start = start;
        *ret_end = p ? (size_t)(p - source->text) : source->n;
        return true;
}

/* Part of a source line as text, tabs as one blank so that the caret below stands right. Gives the columns it takes. */
static size_t diag_put_source(const char *s, size_t n, struct strbuf *b) {
        size_t width = 0;
        uint32_t c;

        for (size_t i = 0, k; i < n; i += k) {
                k = utf8_decode(s + i, n - i, &c);
                if (k == 1 && c == '\t') {
                        strbuf_put_char(b, ' ');
                        width++;
                } else if (k > 0 && utf8_is_showable(c)) {
                        strbuf_put_n(b, s + i, k);
                        width++;
                } else {
                        k = k > 0 ? k : 1;
                        strbuf_put_text(b, s + i, k);
                        width += 4 * k;
                }
        }
        return width;
}

static void diag_put_excerpt(const struct diag_source *source, const struct diag_span *span, struct strbuf *b) {
        size_t start, end, from, to, at, stop, before, width;

        if (!diag_find_line(source, span->line, &start, &end))
                return;
        if (end > start && source->text[end - 1] == '\r')
                end--;

        /* A line may be a megabyte long: show a window around the column, cut between characters. */
        at = MIN(start + MAX(span->column, 1u) - 1, end);
        stop = MIN(at + MAX(span->length, 1u), end);
        from = at - start > DIAG_EXCERPT_MAX / 2 ? at - DIAG_EXCERPT_MAX / 2 : start;
        to = end - from > DIAG_EXCERPT_MAX ? from + DIAG_EXCERPT_MAX : end;
        while (from > start && from < at && ((uint8_t)source->text[from] & 0xc0) == 0x80)
                from++;
        while (to < end && ((uint8_t)source->text[to] & 0xc0) == 0x80 && to > at)
                to--;
        stop = MAX(MIN(stop, to), at);

        strbuf_printf(b, "%5u | ", span->line);
        if (from > start)
                strbuf_put(b, "...");
        before = diag_put_source(source->text + from, at - from, b) + (from > start ? 3 : 0);
        width = diag_put_source(source->text + at, stop - at, b);
        diag_put_source(source->text + stop, to - stop, b);
        if (to < end)
                strbuf_put(b, "...");

        strbuf_put(b, "\n      | ");
        strbuf_put_repeat(b, ' ', before);
        strbuf_put_char(b, '^');
        if (width > 1)
                strbuf_put_repeat(b, '~', width - 1);
        strbuf_put_char(b, '\n');
}

static const struct diag_source *diag_find_source(const struct diag_source *sources, size_t n, const char *file) {
        for (size_t i = 0; i < n; i++)
                if (file && streq(sources[i].file, file))
                        return &sources[i];
        return NULL;
}

void diag_set_put_text(const struct diag_set *set, const struct diag_source *sources, size_t n_sources,
                       struct strbuf *b) {
        ARRAY_FOREACH(d, &set->list) {
                const struct diag_source *source = diag_find_source(sources, n_sources, d->span.file);

                diag_put_head(&d->span, d->severity, d->text, b);
                if (source)
                        diag_put_excerpt(source, &d->span, b);
                if (d->hint) {
                        strbuf_put(b, "      = ");
                        strbuf_put_text(b, d->hint, strlen(d->hint));
                        strbuf_put_char(b, '\n');
                }

                if (!d->related_text)
                        continue;
                diag_put_head(&d->related, DIAG_NOTE, d->related_text, b);
                source = diag_find_source(sources, n_sources, d->related.file);
                if (source)
                        diag_put_excerpt(source, &d->related, b);
        }

        if (set->n_dropped > 0)
                strbuf_printf(b, "(%zu more not shown)\n", set->n_dropped);
}

static void diag_put_json_place(const struct diag_span *span, struct strbuf *b) {
        strbuf_put(b, "\"file\":");
        strbuf_put_json_str(b, span->file);
        strbuf_printf(b, ",\"line\":%u,\"column\":%u,\"end\":%u,\"length\":%u,\"offset\":%u", span->line, span->column,
                      span->column + span->length, span->length, span->offset);
}

void diag_put_json(const struct diag *d, struct strbuf *b) {
        strbuf_printf(b, "{\"severity\":\"%s\",\"code\":", diag_severity_to_string(d->severity));
        strbuf_put_json_str(b, d->code);
        strbuf_put_char(b, ',');
        diag_put_json_place(&d->span, b);
        strbuf_put(b, ",\"message\":");
        strbuf_put_json_str(b, d->text);
        strbuf_put(b, ",\"notes\":[");
        if (d->related_text) {
                strbuf_put_char(b, '{');
                diag_put_json_place(&d->related, b);
                strbuf_put(b, ",\"message\":");
                strbuf_put_json_str(b, d->related_text);
                strbuf_put_char(b, '}');
        }
        strbuf_put(b, "],\"hints\":[");
        if (d->hint)
                strbuf_put_json_str(b, d->hint);
        strbuf_put(b, "]}");
}

void diag_set_put_json(const struct diag_set *set, struct strbuf *b) {
        strbuf_put_char(b, '[');
        ARRAY_FOREACH(d, &set->list) {
                strbuf_put(b, d > set->list.items ? "," : "");
                diag_put_json(d, b);
        }
        strbuf_put_char(b, ']');
}

#define CLOSEST_LENGTH_MAX 64

static bool is_same_but_case(const char *a, const char *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (lower(a[i]) != lower(b[i]))
                        return false;
        return memcmp(a, b, n) != 0;
}

/* Optimal string alignment (Damerau-Levenshtein without editing a swapped pair again), times two so that a letter in
 * the wrong case can count one. Both at most CLOSEST_LENGTH_MAX long. Anything above `most` comes out as more than
 * that: so only what lies near the diagonal is looked at. */
static unsigned edit_distance2(const char *a, size_t n, const char *b, size_t m, unsigned most) {
        unsigned rows[3][CLOSEST_LENGTH_MAX + 2];
        size_t far = most / 2;

        if ((n > m ? n - m : m - n) > far)
                return most + 1;
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = 2 * j;

        for (size_t i = 1; i <= n; i++) {
                unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
                size_t first = i > far ? i - far : 1, last = MIN(i + far, m);
                unsigned least = most + 1;

                /* Beside the band everything is too far. */
                row[first - 1] = first == 1 ? 2 * i : most + 1;
                if (i + far <= m)
                        above[i + far] = i > 1 ? most + 1 : above[i + far];
                for (size_t j = first; j <= last; j++) {
                        unsigned change = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;

                        row[j] = MIN(above[j - 1] + change, MIN(above[j], row[j - 1]) + 2);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = MIN(row[j], above2[j - 2] + 2);
                        least = MIN(least, row[j]);
                }
                if (least > most && i > 1)
                        return most + 1;
        }
        return rows[n % 3][m];
}

const char *diag_closest_n(const char *name, size_t n, const char *const *candidates, size_t n_candidates) {
        unsigned best = UINT32_MAX, limit = n <= 2 ? 2 : 2 * MAX((n + 1) / 3, (size_t)1);
        const char *closest = NULL;

        if (n == 0 || n > CLOSEST_LENGTH_MAX)
                return NULL;

        for (size_t i = 0; i < n_candidates; i++) {
                size_t m = strlen(candidates[i]);
                unsigned distance;

                if (m == 0 || m > CLOSEST_LENGTH_MAX)
                        continue;
                if (m == n && is_same_but_case(name, candidates[i], n))
                        distance = 1;
                else if (n >= 3 && m > n && memcmp(name, candidates[i], n) == 0)
                        distance = m - n;       /* the beginning of a name is a likely slip: "exec" for "execve" */
                else
                        distance = edit_distance2(name, n, candidates[i], m, MIN(limit, best));
                /* A name that shares no letter with what was written helps nobody, however short both are. */
                if (distance <= limit && distance < best && distance < 2 * MAX(n, m)) {
                        best = distance;
                        closest = candidates[i];
                }
        }
        return closest;
}

const char *diag_closest(const char *name, const char *const *candidates, size_t n_candidates) {
        return diag_closest_n(name, strlen(name), candidates, n_candidates);
}

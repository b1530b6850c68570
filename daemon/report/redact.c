/* SPDX-License-Identifier: Apache-2.0 */
#include "report/redact.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "report/redact-cache.h"
#include "report/redact-name.h"
#include "report/redact-private.h"

#define REPLACEMENT "[redacted]"
#define MEMORY_MIN_PART 6               /* a secret shorter than this is only known again where it stands alone */

DEFINE_CLEANUP(struct redactor *, redactor_free)

/* Tokens that their own shape gives away: the prefix and at least so many letters, digits, `_`, `-` after it. */
static const struct shape {
        const char *prefix;
        size_t min_rest;
} shapes[] = {
        {"AKIA", 16},   {"ASIA", 16},           /* AWS access keys */
        {"ghp_", 20},   {"gho_", 20},           {"ghu_", 20},   {"ghs_", 20},   {"ghr_", 20},
        {"github_pat_", 20},
        {"glpat-", 16}, {"gldt-", 16},
        {"xoxb-", 10},  {"xoxp-", 10},          {"xoxa-", 10},  {"xoxr-", 10},  {"xoxs-", 10},
        {"sk_live_", 12},                       {"rk_live_", 12},
        {"sk-ant-", 16}, {"sk-proj-", 16},
        {"AIza", 30},   {"npm_", 30},           {"pypi-", 40},  {"hvs.", 20},   {"dop_v1_", 30},
        {"eyJ", 24},                            /* JWT */
};

int redactor_new(const struct redact_options *options, struct redactor **ret) {
        _cleanup_(redactor_freep) struct redactor *redactor = NULL;

        assert(options && ret);

        redactor = calloc(1, sizeof(*redactor));
        if (!redactor)
                return -ENOMEM;

        redactor->disabled = options->disabled;
        finder_tool_letters(redactor->tool_letters);
        for (size_t i = 0; i < ELEMENTSOF(shapes); i++)
                letters_add(redactor->shape_letters, shapes[i].prefix[0]);
        if (options->n_names > 0) {
                redactor->names = calloc(options->n_names, sizeof(*redactor->names));
                if (!redactor->names)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < options->n_names; i++) {
                redactor->names[i] = strdup(options->names[i]);
                if (!redactor->names[i])
                        return -ENOMEM;
                redactor->n_names++;
        }

        *ret = TAKE_PTR(redactor);
        return 0;
}

struct redactor *redactor_free(struct redactor *redactor) {
        if (!redactor)
                return NULL;
        for (size_t i = 0; i < redactor->n_names; i++)
                free(redactor->names[i]);
        free(redactor->names);
        free(redactor);
        return NULL;
}

bool redactor_knows_name(const struct redactor *redactor, const char *name, size_t n) {
        char copy[128];

        if (redactor->n_names == 0)
                return false;

        n = MIN(n, sizeof(copy) - 1);
        memcpy(copy, name, n);
        copy[n] = 0;
        for (size_t i = 0; i < redactor->n_names; i++)
                if (fnmatch(redactor->names[i], copy, FNM_CASEFOLD) == 0)
                        return true;
        return false;
}

size_t finder_element_end(const struct finder *f, size_t i) {
        const char *end = i < f->n ? memchr(f->text + i, 0, f->n - i) : NULL;

        return end ? (size_t)(end - f->text) : f->n;
}

void finder_mark(struct finder *f, size_t start, size_t end) {
        if (end <= start)
                return;
        if (f->n_marks == FINDER_MAX_MARKS) {
                f->overflow = MIN(f->overflow, start);
                return;
        }
        f->marks[f->n_marks++] = (struct redact_span){.start = start, .end = end};
}

bool finder_is_option(const struct finder *f, size_t start, size_t end) {
        const char *s = f->text + start;
        size_t n = end - start;

        if (n < 2 || s[0] != '-')
                return false;
        return n == 2 ? finder_is_alpha(s[1]) : s[1] == '-' && finder_is_alpha(s[2]);
}

static bool is_name_byte(char c) {
        return finder_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool name_is_secret(const struct finder *f, size_t start, size_t end, const char *value, size_t n_value) {
        return redact_name_is_secret(f->text + start, end - start, value, n_value) ||
                redactor_knows_name(f->redactor, f->text + start, end - start);
}

/* A quoted text from its opening quote, which may itself be escaped (JSON in JSON). Marks what is inside; returns where
 * it ends. */
static size_t mark_quoted(struct finder *f, size_t i) {
        bool escaped = f->text[i] == '\\';
        char quote = f->text[escaped ? i + 1 : i];
        size_t start = i + (escaped ? 2 : 1), end;

        for (end = start; end < f->n && f->text[end] != 0; end++) {
                if (escaped && f->text[end] == '\\' && end + 1 < f->n && f->text[end + 1] == quote)
                        break;
                if (!escaped && f->text[end] == '\\' && end + 1 < f->n)
                        end++;
                else if (!escaped && f->text[end] == quote)
                        break;
        }

        end = MIN(end, f->n);
        finder_mark(f, start, end);
        return end;
}

static bool at_quote(const struct finder *f, size_t i) {
        if (i < f->n && f->text[i] == '\\')
                i++;
        return i < f->n && (f->text[i] == '"' || f->text[i] == '\'');
}

/* The value behind NAME= or NAME: . `whole` means that it goes on to the end of its string, blanks and all. */
static void mark_assigned(struct finder *f, size_t i, bool header, bool whole) {
        size_t end = i;

        if (at_quote(f, i) && !whole) {
                mark_quoted(f, i);
                return;
        }

        if (header) {
                size_t k = i;

                /* Keep the scheme, "Bearer": it is no secret, and it says what was hidden. */
                while (k < f->n && finder_is_alpha(f->text[k]))
                        k++;
                if (k > i && k < f->n && f->text[k] == ' ')
                        i = k + 1;
        }

        for (end = i; end < f->n && f->text[end] != 0; end++) {
                char c = f->text[end];

                if (whole)
                        continue;
                if (c == '\n' || c == '\r' || c == '"' || c == '\'')
                        break;
                if (!header && (finder_is_space(c) || c == '&' || c == ';' || c == ','))
                        break;
        }
        finder_mark(f, i, end);
}

/* The word behind an option: the next string of a list, or what follows the blanks. */
static void mark_next_word(struct finder *f, size_t i) {
        size_t end;

        if (i >= f->n)
                return;
        if (f->text[i] == 0) {
                if (f->mode != REDACT_ARGUMENTS || i + 1 >= f->n)
                        return;
                end = finder_element_end(f, i + 1);
                if (!finder_is_option(f, i + 1, end))
                        finder_mark(f, i + 1, end);
                return;
        }

        while (i < f->n && finder_is_blank(f->text[i]))
                i++;
        if (at_quote(f, i)) {
                mark_quoted(f, i);
                return;
        }
        for (end = i; end < f->n && f->text[end] != 0 && !finder_is_space(f->text[end]) && f->text[end] != '"' &&
                      f->text[end] != '\'';)
                end++;
        if (end > i && f->text[end - 1] == ';')         /* of a shell, not of the secret */
                end--;
        if (!finder_is_option(f, i, end))
                finder_mark(f, i, end);
}

static bool mentions_account(const struct finder *f, size_t end) {
        for (size_t i = 0; i + 4 <= end; i++)
                if (strncasecmp(f->text + i, "user", 4) == 0 || strncasecmp(f->text + i, "role", 4) == 0)
                        return true;
        return false;
}

/* One name at text[start..end), leading dashes at text[dashes..start). */
static void consider_name(struct finder *f, size_t dashes, size_t start, size_t end) {
        bool at_start = dashes == 0 || f->text[dashes - 1] == 0, is_option = dashes < start && f->text[dashes] == '-';
        char before = dashes > 0 ? f->text[dashes - 1] : 0;
        size_t i = end, value;
        char op;

        /* The closing quote of "name", possibly escaped. */
        if (before == '"' || before == '\'') {
                if (i < f->n && f->text[i] == '\\')
                        i++;
                if (i < f->n && f->text[i] == before)
                        i++;
        }
        while (i < f->n && finder_is_blank(f->text[i]) && i - end < 16)
                i++;

        op = i < f->n ? f->text[i] : 0;
        if (op == '=' || op == ':') {
                value = i + 1;
                if (value < f->n && (f->text[value] == '=' || f->text[value] == '>'))
                        value++;
                while (value < f->n && finder_is_blank(f->text[value]))
                        value++;

                if (value >= f->n || f->text[value] == 0 ||
                    (op == ':' && (f->text[value] == ':' || f->text[value] == '/')))
                        return;
                if (op == ':' && before == '/')         /* "/etc/passwd: No such file" */
                        return;
                if (f->mode == REDACT_PATHNAME && before != '?' && before != '&')
                        return;
                if (name_is_secret(f, start, end, f->text + value, f->n - value))
                        mark_assigned(
                                f, value, redact_name_is_header(f->text + start, end - start),
                                at_start && op == '=' && i == end &&
                                        (f->mode == REDACT_ENVIRONMENT || (f->mode == REDACT_ARGUMENTS && is_option)));
                return;
        }

        if (f->mode == REDACT_PATHNAME)
                return;

        if (is_option && (at_start || finder_is_space(before) || before == '"' || before == '\'') &&
            (end == f->n || f->text[end] == 0 || finder_is_blank(f->text[end]))) {
                if (name_is_secret(f, start, end, NULL, 0))
                        mark_next_word(f, end);
                return;
        }

        /* SQL: CREATE USER u IDENTIFIED BY 'x', ALTER ROLE r PASSWORD 'x' */
        if (i > end && i < f->n && f->text[i] == '\'') {
                bool by = end - start == 2 && strncasecmp(f->text + start, "by", 2) == 0 && start >= 11 &&
                        strncasecmp(f->text + start - 11, "identified ", 11) == 0;
                bool password = end - start == 8 && strncasecmp(f->text + start, "password", 8) == 0 &&
                                mentions_account(f, start);

                if (by || password)
                        mark_quoted(f, i);
        }
}

static void scan_names(struct finder *f) {
        size_t i = 0;

        while (i < f->n) {
                size_t run, start;

                if (!is_name_byte(f->text[i])) {
                        i++;
                        continue;
                }
                run = i;
                while (i < f->n && is_name_byte(f->text[i]))
                        i++;
                for (start = run; start < i && (f->text[start] == '-' || f->text[start] == '.');)
                        start++;
                if (start < i)
                        consider_name(f, run, start, i);
        }
}

/* scheme://user:secret@host */
static void scan_urls(struct finder *f) {
        for (size_t i = 0; i + 3 < f->n; i++) {
                const char *next = memchr(f->text + i, ':', f->n - 3 - i);
                size_t colon = 0, at = 0;

                if (!next)
                        break;
                i = next - f->text;
                if (memcmp(f->text + i, "://", 3) != 0 || i == 0 ||
                    !finder_is_alnum(f->text[i - 1]))
                        continue;
                for (size_t k = i + 3; k < f->n; k++) {
                        char c = f->text[k];

                        if (c == 0 || finder_is_space(c) || c == '/' || c == '?' || c == '#' || c == '"' || c == '\'')
                                break;
                        if (c == ':' && colon == 0)
                                colon = k;
                        if (c == '@')
                                at = k;
                }
                if (colon > 0 && at > colon)
                        finder_mark(f, colon + 1, at);
        }
}

static bool is_token_byte(char c) {
        return finder_is_alnum(c) || c == '_' || c == '-';
}

/* One byte is compared before the rest, here and below: all text of an alert passes by. */
static void scan_shapes(struct finder *f) {
        for (size_t i = 0; i < f->n; i++) {
                if (!letters_have(f->redactor->shape_letters, f->text[i]) || (i > 0 && is_token_byte(f->text[i - 1])))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(shapes); k++) {
                        const char *prefix = shapes[k].prefix;
                        size_t n, end;

                        if (f->text[i] != prefix[0])
                                continue;
                        n = strlen(prefix);
                        if (f->n - i < n || memcmp(f->text + i, prefix, n) != 0)
                                continue;
                        for (end = i + n; end < f->n && (is_token_byte(f->text[end]) || f->text[end] == '.');)
                                end++;
                        if (end - i - n >= shapes[k].min_rest)
                                finder_mark(f, i, end);
                        break;
                }
        }
}

/* "Bearer TOKEN" wherever it stands, and private keys in PEM up to their END, or what is there of them. */
static void scan_phrases(struct finder *f) {
        static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY", end_line[] = "-----END ";

        for (size_t i = 0; i < f->n; i++) {
                const char *p = f->text + i;
                size_t left = f->n - i;

                if (left > 7 && (*p | 0x20) == 'b' && strncasecmp(p, "bearer ", 7) == 0 &&
                    (i == 0 || !finder_is_alnum(p[-1]))) {
                        size_t end = i + 7;

                        while (end < f->n && f->text[end] != 0 && !finder_is_space(f->text[end]) &&
                               f->text[end] != '"' && f->text[end] != '\'')
                                end++;
                        if (end - i - 7 >= 8)
                                finder_mark(f, i + 7, end);
                }

                if (left > sizeof(begin) && *p == '-' && memcmp(p, begin, sizeof(begin) - 1) == 0) {
                        const char *kind = memmem(p, MIN(left, (size_t)64), key, sizeof(key) - 1);
                        const char *end;
                        size_t start;

                        if (!kind)
                                continue;
                        start = kind - f->text + sizeof(key) - 1;
                        while (start < f->n && f->text[start] == '-')
                                start++;
                        end = memmem(f->text + start, f->n - start, end_line, sizeof(end_line) - 1);
                        finder_mark(f, start, end ? (size_t)(end - f->text) : f->n);
                }
        }
}

static void scan_memory(struct finder *f, const struct redact_memory *memory) {
        for (size_t k = 0; k < memory->n; k++) {
                const struct redact_secret *secret = memory->items + k;
                const char *p = f->text;

                while ((p = memmem(p, f->n - (p - f->text), secret->bytes, secret->length))) {
                        size_t start = p - f->text, end = start + secret->length;

                        if (secret->length >= MEMORY_MIN_PART ||
                            ((start == 0 || f->text[start - 1] == 0) && (end == f->n || f->text[end] == 0)))
                                finder_mark(f, start, end);
                        p += secret->length;
                }
        }
}

static int compare_spans(const void *a, const void *b) {
        const struct redact_span *x = a, *y = b;

        return x->start < y->start ? -1 : x->start > y->start;
}

static void finder_finish(struct finder *f, struct redact_spans *ret) {
        qsort(f->marks, f->n_marks, sizeof(f->marks[0]), compare_spans);
        ret->n = 0;

        for (size_t i = 0; i < f->n_marks; i++) {
                struct redact_span *last = ret->n > 0 ? ret->items + ret->n - 1 : NULL;

                if (last && f->marks[i].start <= last->end)
                        last->end = MAX(last->end, f->marks[i].end);
                else if (ret->n < REDACT_MAX_SPANS)
                        ret->items[ret->n++] = f->marks[i];
                else
                        last->end = f->n;
        }

        if (f->overflow < f->n) {
                /* Hide from there to the end: too many secrets to tell apart must not become a way to show one. */
                while (ret->n > 0 && ret->items[ret->n - 1].start >= f->overflow)
                        ret->n--;
                if (ret->n > 0 && (ret->items[ret->n - 1].end >= f->overflow || ret->n == REDACT_MAX_SPANS))
                        ret->items[ret->n - 1].end = f->n;
                else
                        ret->items[ret->n++] = (struct redact_span){.start = f->overflow, .end = f->n};
        }
}

/* All but what the secrets of the alert say. */
static void finder_search(struct finder *f) {
        /* In a path a name only counts behind one of these: see consider_name(). */
        if (f->mode != REDACT_PATHNAME || memchr(f->text, '?', f->n) || memchr(f->text, '&', f->n))
                scan_names(f);
        scan_urls(f);
        scan_shapes(f);
        scan_phrases(f);
        if (f->mode == REDACT_TEXT || f->mode == REDACT_ARGUMENTS)
                finder_scan_tools(f);
}

void redact_find(const struct redactor *redactor, enum redact_mode mode, const char *text, size_t length,
                 const struct redact_memory *memory, struct redact_cache *cache, struct redact_spans *ret) {
        struct finder f;                /* not initialised as a whole, it is large */

        assert(redactor && ret);

        ret->n = 0;
        if (redactor->disabled || length == 0)
                return;

        f.redactor = redactor;
        f.mode = mode;
        f.text = text;
        f.n = f.overflow = length;
        f.n_marks = 0;
        if (!cache)
                finder_search(&f);
        else if (!redact_cache_get(cache, &f)) {
                finder_search(&f);
                redact_cache_put(cache, &f);
        }
        if (memory && mode != REDACT_PATHNAME)
                scan_memory(&f, memory);

        if (f.n_marks > 0)
                finder_finish(&f, ret);
}

void redact_remember(struct redact_memory *memory, const char *text, const struct redact_spans *spans) {
        for (size_t i = 0; i < spans->n && memory->n < REDACT_MAX_MEMORY; i++) {
                struct redact_secret secret = {
                        .bytes = text + spans->items[i].start,
                        .length = spans->items[i].end - spans->items[i].start,
                };
                bool known = false;

                for (size_t k = 0; k < memory->n && !known; k++)
                        known = memory->items[k].length == secret.length &&
                                memcmp(memory->items[k].bytes, secret.bytes, secret.length) == 0;
                if (!known)
                        memory->items[memory->n++] = secret;
        }
}

void redact_put(const char *text, size_t from, size_t to, const struct redact_spans *spans, struct strbuf *b) {
        size_t i = from;

        for (size_t k = 0; k < spans->n && i < to; k++) {
                struct redact_span span = spans->items[k];

                if (span.end <= i)
                        continue;
                if (span.start >= to)
                        break;
                if (span.start > i)
                        strbuf_put_n(b, text + i, span.start - i);
                strbuf_put(b, REPLACEMENT);
                i = MIN(span.end, to);
        }
        if (i < to)
                strbuf_put_n(b, text + i, to - i);
}

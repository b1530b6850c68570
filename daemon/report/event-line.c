/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event-line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#define NAME_WIDTH 15                   /* as long as the kernel's own names of tasks */
#define RESULT_MAX 64
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define RESET "\033[0m"

static unsigned columns_of(const char *s, size_t n) {
        unsigned columns = 0;

        for (size_t i = 0; i < n; columns++) {
                uint32_t c;
                size_t length = utf8_decode(s + i, n - i, &c);

                i += length > 0 ? length : 1;
        }
        return columns;
}

/* Cut what stands from `start` on to so many columns, the last of them an ellipsis. */
static void cut(struct strbuf *b, size_t start, unsigned width) {
        size_t i = start, fits = start;

        if (columns_of(b->data + start, b->n - start) <= width)
                return;
        for (unsigned columns = 0; i < b->n && columns + 1 < width; columns++) {
                uint32_t c;
                size_t length = utf8_decode(b->data + i, b->n - i, &c);

                i += length > 0 ? length : 1;
                fits = i;
        }
        strbuf_truncate(b, fits);
        if (width > 0)
                strbuf_put(b, "…");
}

static void pad(struct strbuf *b, size_t start, unsigned width) {
        unsigned columns = columns_of(b->data + start, b->n - start);

        if (columns < width)
                strbuf_put_repeat(b, ' ', width - columns);
}

static void put_text(const struct alert_text *text, struct strbuf *b) {
        if (!text->known) {
                strbuf_put_char(b, '?');
                return;
        }
        strbuf_put_text(b, text->bytes, text->length);
        if (text->cut)
                strbuf_put(b, "…");
}

static void put_items(const struct alert_field *f, struct strbuf *b) {
        for (size_t i = 0; i < f->n_items; i++) {
                strbuf_put(b, i > 0 ? "," : "");
                put_text(f->items + i, b);
        }
}

/* One word, as people write it. */
static void put_value(const struct alert_field *f, struct strbuf *b) {
        if (!f->known)
                strbuf_put_char(b, '?');
        else if (f->field == FIELD_gap_kinds)
                put_items(f, b);
        else
                put_text(&f->text, b);
}

/* Says by itself what it is: a path, names of constants (O_RDWR, SIGKILL, AF_INET). */
static bool is_plain(const struct alert_field *f) {
        const struct field_info *info = schema_field(f->field);

        if (!info || !f->known || f->subject != SUBJECT_EVENT)
                return false;
        if (info->type == VALUE_NUMBER)
                return f->text.length > 0 && f->text.bytes[0] >= 'A' && f->text.bytes[0] <= 'Z';
        return info->format == FORMAT_PATHNAME;
}

/* Says nothing: no flags, no signal, not so. */
static bool is_empty(const struct alert_field *f) {
        const struct field_info *info = schema_field(f->field);

        if (!f->known || !info || f->subject != SUBJECT_EVENT)
                return false;
        if (info->type == VALUE_NUMBER)
                return f->number == 0 && (f->is_boolean || info->format == FORMAT_SIGNAL ||
                                          (!f->is_number && f->text.length == 1 && f->text.bytes[0] == '0'));
        return info->type == VALUE_STRING && f->text.length == 0;
}

/* From the old name to the new one. */
static bool is_new_name(const struct alert_field *f) {
        return f->subject == SUBJECT_EVENT && (f->field == FIELD_rename_newpath || f->field == FIELD_link_newpath);
}

static const struct alert_field *find(const struct alert_event *event, enum field field) {
        for (size_t i = 0; i < event->n_fields; i++)
                if (event->fields[i].field == field && event->fields[i].subject == SUBJECT_EVENT)
                        return event->fields + i;
        return NULL;
}

static bool is_port(const struct alert_field *f) {
        const struct field_info *info = schema_field(f->field);

        return info && info->format == FORMAT_PORT && f->subject == SUBJECT_EVENT && f->known;
}

static bool is_address(const struct alert_field *f) {
        const struct field_info *info = schema_field(f->field);

        return info && info->type == VALUE_ADDRESS && f->subject == SUBJECT_EVENT && f->known;
}

/* 10.0.0.1:443, [fe80::1]:443. */
static void put_endpoint(const struct alert_field *address, const struct alert_field *port, struct strbuf *b) {
        bool six = memchr(address->text.bytes, ':', address->text.length) != NULL;

        strbuf_put(b, six ? "[" : "");
        put_text(&address->text, b);
        strbuf_printf(b, "%s:%" PRId64, six ? "]" : "", port->number);
}

static void put_named(const struct alert_field *f, struct strbuf *b) {
        strbuf_put(b, f->name);
        strbuf_put_char(b, '=');
        put_value(f, b);
}

static void put_shown(const struct alert_event *event, struct strbuf *b) {
        size_t start = b->n;

        for (size_t i = 0; i < event->n_shown; i++) {
                const struct alert_field *f = event->fields + i;
                const struct alert_field *next = i + 1 < event->n_shown ? f + 1 : NULL;

                if (is_empty(f) || (event->kind == WIRE_KIND_execve && f->field == FIELD_execve_argv))
                        continue;
                if (b->n > start)
                        strbuf_put(b, is_new_name(f) ? " -> " : " ");
                if (is_address(f) && next && is_port(next)) {
                        put_endpoint(f, next, b);
                        i++;
                } else if (is_plain(f))
                        put_value(f, b);
                else
                        put_named(f, b);
                if (f->field == FIELD_execve_filename && f->subject == SUBJECT_EVENT) {
                        const struct alert_field *argv = find(event, FIELD_execve_argv);

                        if (argv) {
                                strbuf_put(b, ": ");
                                put_value(argv, b);
                        }
                }
        }
}

static void put_all(const struct alert_event *event, struct strbuf *b) {
        for (size_t i = 0; i < event->n_fields; i++) {
                strbuf_put(b, i > 0 ? " " : "");
                put_named(event->fields + i, b);
        }
}

static void put_time(uint64_t ns, struct strbuf *b) {
        time_t seconds = (time_t)(ns / NSEC_PER_SEC);
        struct tm tm;

        if (ns == 0 || !gmtime_r(&seconds, &tm))
                strbuf_put(b, "?           ");
        else
                strbuf_printf(b, "%02d:%02d:%02d.%03" PRIu64, tm.tm_hour, tm.tm_min, tm.tm_sec,
                              ns % NSEC_PER_SEC / NSEC_PER_MSEC);
}

/* What ends the line, however narrow it is: an error, and how many more of them there were. */
static void put_result(const struct alert_event *event, char result[static RESULT_MAX]) {
        struct value value = {.number = event->result, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
        char name[RESULT_MAX / 2] = "";
        bool failed = event->has_result && event->result < 0;

        if (failed)
                schema_format(FIELD_COMMON_result, &value, name, sizeof(name));
        *result = 0;
        if (event->more > 0)
                snprintf(result, RESULT_MAX, "%s%s (%" PRIu64 " more)", failed ? " = " : "", name, event->more);
        else if (failed)
                snprintf(result, RESULT_MAX, " = %s", name);
}

void event_line_put_head(const struct event_line_style *style, struct strbuf *b) {
        size_t start = b->n;

        strbuf_printf(b, "%-12s %7s %-*s %-*s %s", "TIME", "PID", NAME_WIDTH, "PROCESS",
                      (int)MAX(style->kind_width, 4u), "KIND", "WHAT");
        if (style->width > 0)
                cut(b, start, style->width);
        strbuf_put_char(b, '\n');
}

void event_line_put(const struct alert_event *event, const struct event_line_style *style, struct strbuf *b) {
        const struct kind_info *kind = schema_kind(event->kind);
        bool is_ours = kind && kind->class == EVENT_META;
        const char *name = kind ? kind->name : "?";
        char result[RESULT_MAX];
        unsigned n_result;
        size_t start, word;

        put_result(event, result);
        n_result = (unsigned)strlen(result);
        if (style->colour && is_ours)
                strbuf_put(b, YELLOW);
        start = b->n;

        put_time(event->time_ns, b);
        if (event->has_process) {
                strbuf_printf(b, " %7" PRIu32 " ", event->process.id.pid);
                word = b->n;
                put_text(&event->process.name, b);
                cut(b, word, NAME_WIDTH);
                pad(b, word, NAME_WIDTH);
        } else
                strbuf_printf(b, " %7s %-*s", "-", NAME_WIDTH, "-");
        strbuf_printf(b, " %-*s ", (int)MAX(style->kind_width, 4u), name);

        if (style->all)
                put_all(event, b);
        else
                put_shown(event, b);
        while (b->n > start && b->data[b->n - 1] == ' ')
                strbuf_truncate(b, b->n - 1);
        if (style->width > 0)
                cut(b, start, style->width > n_result ? style->width - n_result : 0);
        if (event->has_result && event->result < 0 && style->colour)
                strbuf_put(b, RED);
        strbuf_put(b, result);
        if (style->colour && (*result || is_ours))
                strbuf_put(b, RESET);
        strbuf_put_char(b, '\n');
}

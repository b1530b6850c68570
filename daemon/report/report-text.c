/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "report/report-json.h"

#define INDENT "  "
#define RESET "\033[0m"

static const char *severity_colour(enum severity severity) {
        switch (severity) {
        case SEVERITY_INFO: return "\033[1m";
        case SEVERITY_LOW: return "\033[1;36m";
        case SEVERITY_MEDIUM: return "\033[1;33m";
        case SEVERITY_HIGH: return "\033[1;31m";
        case SEVERITY_CRITICAL: return "\033[1;37;41m";
        case _SEVERITY_MAX: break;
        }
        return "";
}

static void put_text(struct strbuf *b, const struct alert_text *text) {
        if (!text->known) {
                strbuf_put_char(b, '?');
                return;
        }
        strbuf_put_text(b, text->bytes, text->length);
        if (text->cut)
                strbuf_put(b, "…");
}

static void put_upper(struct strbuf *b, const char *s) {
        for (; *s; s++)
                strbuf_put_char(b, (char)toupper((unsigned char)*s));
}

static void put_wall(struct strbuf *b, uint64_t ns) {
        time_t seconds = (time_t)(ns / NSEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm)) {
                strbuf_put_char(b, '?');
                return;
        }
        strbuf_printf(b, "%04d-%02d-%02d %02d:%02d:%02d.%03" PRIu64 " UTC", tm.tm_year + 1900, tm.tm_mon + 1,
                      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ns % NSEC_PER_SEC / NSEC_PER_MSEC);
}

/* Seconds since the story began; minutes and more where it took long. */
static void put_since(struct strbuf *b, uint64_t ns) {
        char duration[FORMAT_DURATION_MAX];

        if (ns < 1000 * NSEC_PER_SEC)
                strbuf_printf(b, "+%" PRIu64 ".%03" PRIu64, ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_MSEC);
        else
                strbuf_printf(b, "+%s", format_duration(duration, ns / NSEC_PER_SEC * NSEC_PER_SEC));
}

/* Cut the line that begins at `start` to the width; it is valid UTF-8 already. */
static void end_line(struct strbuf *b, size_t start, unsigned width) {
        size_t i = start, fits = start;
        unsigned columns = 0;

        while (width > 1 && i < b->n) {
                uint32_t c;
                size_t n = utf8_decode(b->data + i, b->n - i, &c);

                if (columns == width - 1)
                        fits = i;
                if (columns == width) {
                        strbuf_truncate(b, fits);
                        strbuf_put(b, "…");
                        break;
                }
                columns++;
                i += n > 0 ? n : 1;
        }
        strbuf_put_char(b, '\n');
}

static void put_who(struct strbuf *b, const struct alert_process *process) {
        if (process->name.known)
                put_text(b, &process->name);
        else
                strbuf_put_char(b, '?');
        strbuf_printf(b, "[%" PRIu32 "]", process->id.pid);
}

static void put_field_value(struct strbuf *b, const struct alert_field *f) {
        if (!f->known)
                strbuf_put_char(b, '?');
        else if (f->is_time)
                put_wall(b, (uint64_t)f->number);
        else
                put_text(b, &f->text);
}

/* What stands in the line already. */
static bool is_said(const struct alert_step *step, const struct alert_field *f) {
        if (f->subject == SUBJECT_PROCESS &&
            (f->field == FIELD_PROCESS_name || f->field == FIELD_PROCESS_pid || f->field == FIELD_PROCESS_comm))
                return true;
        if (strcmp(step->kind, "execve") != 0)
                return false;
        return f->field == FIELD_execve_argv || (f->subject == SUBJECT_PROCESS && f->field == FIELD_PROCESS_args);
}

/* "no connect" for what did not happen. */
static const char *no_of(const struct alert_step *step) {
        return step->absent ? "no " : "";
}

static unsigned kind_columns(const struct alert_step *step) {
        return (unsigned)(strlen(no_of(step)) + strlen(step->kind));
}

static void put_kind(struct strbuf *b, const struct alert_step *step, unsigned width) {
        strbuf_printf(b, "  %s%s%*s  ", no_of(step), step->kind, (int)(width - MIN(width, kind_columns(step))), "");
}

static void put_step(struct strbuf *b, const struct alert *alert, const struct alert_step *step, unsigned kind_width,
                     unsigned width) {
        uint64_t begin = alert->n_steps > 0 ? alert->steps[0].time_ns : step->time_ns;
        size_t start = b->n;
        bool path_said = false;

        strbuf_printf(b, INDENT "%" PRIu32 "  ", step->number);
        put_since(b, nsec_sub(step->time_ns, begin));
        put_kind(b, step, kind_width);
        put_who(b, &step->process);
        strbuf_put(b, " ");

        if (step->absent) {
                char duration[FORMAT_DURATION_MAX];

                strbuf_printf(b, " within %s", format_duration(duration, step->within_ns));
        } else if (!step->kept)
                strbuf_put(b, " (event not kept)");
        for (size_t i = 0; i < step->n_fields; i++) {
                const struct alert_field *f = step->fields + i;
                const struct field_info *info = schema_field(f->field);

                if (is_said(step, f))
                        continue;
                strbuf_put_char(b, ' ');
                if (f->subject == SUBJECT_EVENT && !path_said && info && info->format == FORMAT_PATHNAME)
                        path_said = true;
                else {
                        strbuf_put(b, f->name);
                        strbuf_put_char(b, '=');
                }
                put_field_value(b, f);
        }
        if (!step->absent && strcmp(step->kind, "execve") == 0 && step->process.args.known) {
                strbuf_put(b, ": ");
                put_text(b, &step->process.args);
        }
        if (step->has_result && step->result < 0) {
                struct value value = {.number = step->result, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
                char name[64];

                schema_format(FIELD_COMMON_result, &value, name, sizeof(name));
                strbuf_printf(b, " = %s", name);
        }
        if (step->count > 1) {
                strbuf_printf(b, " (%" PRIu64 " times, last ", step->count);
                put_since(b, nsec_sub(step->last_ns, begin));
                strbuf_put_char(b, ')');
        }
        if (step->points > 0)
                strbuf_printf(b, " %+" PRId64, (int64_t)step->points * (int64_t)step->count);
        if (step->block.known && step->block.length > 0) {
                strbuf_put(b, " [");
                put_text(b, &step->block);
                strbuf_put_char(b, ']');
        }
        end_line(b, start, width);
}

static void put_process(struct strbuf *b, const struct alert_process *process, unsigned width) {
        size_t start = b->n;

        strbuf_put(b, INDENT "who    ");
        put_who(b, process);
        if (process->has_credentials) {
                strbuf_printf(b, " uid %" PRIu32, process->uid);
                if (process->euid != process->uid)
                        strbuf_printf(b, " (acting as %" PRIu32 ")", process->euid);
        }
        if (process->loginuid != UINT32_MAX && process->loginuid != process->uid)
                strbuf_printf(b, ", login uid %" PRIu32, process->loginuid);
        if (process->unit.known && process->unit.length > 0) {
                strbuf_put(b, ", ");
                put_text(b, &process->unit);
        }
        if (process->container.known && process->container.length > 0) {
                strbuf_put(b, ", container ");
                if (process->container_name.known && process->container_name.length > 0)
                        put_text(b, &process->container_name);
                else
                        strbuf_put_text(b, process->container.bytes, MIN(process->container.length, (size_t)12));
                if (process->container_image.known && process->container_image.length > 0) {
                        strbuf_put(b, " of ");
                        put_text(b, &process->container_image);
                }
        }
        strbuf_put(b, ": ");
        put_text(b, process->args.known && process->args.length > 0 ? &process->args : &process->exe);
        if (process->memfd)
                strbuf_put(b, " (image in memory only)");
        else if (process->deleted)
                strbuf_put(b, " (image deleted)");
        if (process->before_us)
                strbuf_put(b, " (ran before us)");
        end_line(b, start, width);
}

/* Only where it was found out: an unknown program says so by saying nothing. */
static void put_package(struct strbuf *b, const struct alert_process *process, unsigned width) {
        size_t start = b->n;

        if (!process->package.known)
                return;
        strbuf_put(b, INDENT "image  ");
        put_text(b, &process->exe);
        if (process->package.name.length == 0)
                strbuf_put(b, ", of no package");
        else {
                strbuf_put(b, ", package ");
                put_text(b, &process->package.name);
                if (process->package.version.known) {
                        strbuf_put_char(b, ' ');
                        put_text(b, &process->package.version);
                }
        }
        end_line(b, start, width);
}

static void put_ancestors(struct strbuf *b, const struct alert *alert, unsigned width) {
        size_t start = b->n;

        if (alert->n_ancestors == 0)
                return;
        strbuf_put(b, INDENT "below  ");
        for (size_t i = 0; i < alert->n_ancestors; i++) {
                if (i > 0)
                        strbuf_put(b, " < ");
                put_who(b, alert->ancestors + i);
        }
        if (alert->ancestors_broken)
                strbuf_put(b, " < ?");
        end_line(b, start, width);
}

/* The actor's own line says it of the actor. */
static void put_before_us(struct strbuf *b, const struct alert *alert) {
        bool any = false;

        for (size_t i = 0; i < alert->n_steps; i++) {
                if (!alert_step_names_before_us(alert, i))
                        continue;
                strbuf_put(b, any ? ", " : "; ran before us: ");
                any = true;
                put_who(b, &alert->steps[i].process);
        }
}

/* Of a bus that was away nobody knows how many. */
static void put_gap(struct strbuf *b, const struct alert *alert) {
        if (alert->gap_count > 0)
                strbuf_printf(b, "; %" PRIu64 " events were lost meanwhile", alert->gap_count);
        else
                strbuf_put(b, "; events may have been lost meanwhile");
        for (size_t i = 0; i < alert->n_gap_reasons; i++) {
                strbuf_put(b, i == 0 ? " (" : ", ");
                put_text(b, &alert->gap_reasons[i]);
        }
        if (alert->n_gap_reasons > 0)
                strbuf_put_char(b, ')');
}

static void put_foot(struct strbuf *b, const struct alert *alert, unsigned width) {
        size_t start = b->n;

        strbuf_put(b, INDENT);
        for (size_t i = 0; i < alert->n_techniques; i++) {
                put_text(b, alert->techniques + i);
                strbuf_put(b, i + 1 < alert->n_techniques ? " " : "; ");
        }
        put_text(b, &alert->key);
        for (size_t i = 0; i < alert->n_captures; i++) {
                strbuf_put(b, i == 0 ? "; " : " ");
                put_text(b, &alert->captures[i].name);
                strbuf_put_char(b, '=');
                put_field_value(b, &alert->captures[i].value);
        }
        if (alert->threshold > 0)
                strbuf_printf(b, "; score %" PRIu64 " of %" PRIu64, alert->score, alert->threshold);
        if (alert->starts > 1)
                strbuf_printf(b, "; begun %" PRIu64 " times", alert->starts);
        put_before_us(b, alert);
        if (alert->enforced.known) {
                strbuf_put(b, "; enforced: ");
                put_text(b, &alert->enforced);
        }
        if (alert->recording.known) {
                strbuf_put(b, "; recording: ");
                put_text(b, &alert->recording);
        }
        if (alert->uncertain)
                strbuf_put(b, "; uncertain: a condition could not be decided");
        if (alert->gap)
                put_gap(b, alert);
        end_line(b, start, width);
}

/* Words of the author, broken at blanks. */
static void put_description(struct strbuf *b, const struct alert_text *text, unsigned width) {
        size_t room = width > 20 ? width - strlen(INDENT) : SIZE_MAX, i = 0;

        while (text->known && i < text->length) {
                size_t end = MIN(text->length - i, room);

                if (end < text->length - i) {
                        size_t blank = end;

                        while (blank > 0 && text->bytes[i + blank] != ' ')
                                blank--;
                        if (blank > 0)
                                end = blank;
                }
                strbuf_put(b, INDENT);
                strbuf_put_text(b, text->bytes + i, end);
                strbuf_put_char(b, '\n');
                i += end;
                while (i < text->length && text->bytes[i] == ' ')
                        i++;
        }
}

void report_text_headline(const struct alert *alert, struct strbuf *b) {
        put_text(b, &alert->policy);
        if (alert->summary)
                strbuf_printf(b, ": %" PRIu64 " more in the last %" PRIu64 " s", alert->suppressed,
                              nsec_sub(alert->time_ns, alert->first_ns) / NSEC_PER_SEC);
        else if (alert->description.known && alert->description.length > 0) {
                strbuf_put(b, ": ");
                put_text(b, &alert->description);
        }
        strbuf_put(b, " (");
        put_who(b, &alert->process);
        if (alert->process.exe.known) {
                strbuf_put_char(b, ' ');
                put_text(b, &alert->process.exe);
        }
        strbuf_put_char(b, ')');
}

static void put_headline(struct strbuf *b, enum severity severity, const struct report_text_style *style) {
        if (style->colour)
                strbuf_put(b, severity_colour(severity));
        put_upper(b, severity_to_string(severity));
        if (style->colour)
                strbuf_put(b, RESET);
}

void report_text_story(const struct alert *alert, const struct report_text_style *style, struct strbuf *b) {
        unsigned kind_width = 0;

        put_process(b, &alert->process, style->width);
        put_package(b, &alert->process, style->width);
        if (alert->summary)
                return;

        put_ancestors(b, alert, style->width);
        for (size_t i = 0; i < alert->n_steps; i++)
                kind_width = MAX(kind_width, kind_columns(alert->steps + i));
        for (size_t i = 0; i < alert->n_steps; i++)
                put_step(b, alert, alert->steps + i, kind_width, style->width);
        put_foot(b, alert, style->width);
        if (alert->response)
                alert_response_put_text(alert->response, b);
}

void report_text_alert(const struct alert *alert, const struct report_text_style *style, struct strbuf *b) {
        unsigned severity_width = (unsigned)strlen(severity_to_string(alert->severity));
        size_t start;

        put_headline(b, alert->severity, style);
        start = b->n;
        strbuf_put_char(b, ' ');
        put_text(b, &alert->policy);
        strbuf_put(b, "  ");
        put_wall(b, alert->time_ns);
        strbuf_printf(b, "  #%" PRIu64, alert->number);
        if (alert->summary)
                strbuf_printf(b, ": %" PRIu64 " more of these in the last %" PRIu64 " s", alert->suppressed,
                              nsec_sub(alert->time_ns, alert->first_ns) / NSEC_PER_SEC);
        end_line(b, start, style->width > severity_width ? style->width - severity_width : 0);

        if (!alert->summary)
                put_description(b, &alert->description, style->width);
        report_text_story(alert, style, b);
}

void report_text_obscured(enum wire_reason reason, const char *policy, const char *key, uint64_t count,
                          uint64_t time_ns, const struct report_text_style *style, struct strbuf *b) {
        size_t start = b->n;

        strbuf_put(b, "OBSCURED ");
        strbuf_put_text(b, policy, strlen(policy));
        strbuf_put(b, "  ");
        put_wall(b, time_ns);
        switch (reason) {
        case WIRE_OBSCURED_EVICTED:
                strbuf_put(b, "  an open story made room for another");
                break;
        case WIRE_OBSCURED_LIMIT:
                strbuf_put(b, "  a regex met its limit");
                break;
        case WIRE_OBSCURED_NONE:
        case WIRE_OBSCURED_RACED:
        case WIRE_OBSCURED_CUT:
        case WIRE_OBSCURED_UNREAD:
        case _WIRE_OBSCURED_MAX:
                strbuf_printf(b, "  %s", report_reason_to_string(reason));
                break;
        }
        if (count > 1)
                strbuf_printf(b, ", %" PRIu64 " times", count);
        if (key && *key) {
                strbuf_put(b, ": ");
                strbuf_put_text(b, key, strlen(key));
        }
        end_line(b, start, style->width);
}

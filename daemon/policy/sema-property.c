/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a path as a whole, and to whom. */
#include <inttypes.h>
#include <string.h>

#include "policy/sema-private.h"

/* T1059 or T1059.004 */
static bool is_technique(struct text text) {
        const char *s = text.bytes;

        if ((text.length != 5 && text.length != 9) || s[0] != 'T' || (text.length == 9 && s[5] != '.'))
                return false;
        for (size_t i = 1; i < text.length; i++)
                if (i != 5 && (s[i] < '0' || s[i] > '9'))
                        return false;
        return true;
}

/* "kill $b": the name of a responder, and whose process it means. */
static bool split_responder(struct text text, struct text *ret_process) {
        size_t n = 0;

        while (n < text.length &&
               memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", text.bytes[n], 64))
                n++;
        if (n == 0 || n > SEMA_MAX_NAME)
                return false;
        *ret_process = (struct text){};
        if (n == text.length)
                return true;

        if (text.bytes[n] != ' ')
                return false;
        while (n < text.length && text.bytes[n] == ' ')
                n++;
        if (n + 1 >= text.length || text.bytes[n] != '$')
                return false;
        *ret_process = (struct text){.bytes = text.bytes + n, .length = text.length - n};
        return true;
}

/* The process that a responder names is known when the step is taken; 0: when the path is complete. */
static void check_responders(struct sema *s, const struct texts *respond, uint32_t step) {
        for (size_t i = 0; i < respond->n; i++) {
                struct text process;
                uint32_t slot;

                if (!split_responder(respond->items[i], &process)) {
                        sema_error(s, respond->spans[i], "the name of a responder has letters, digits, '_' and '-'");
                        if (memchr(respond->items[i].bytes, '$', respond->items[i].length))
                                diag_hint(s->diags, "behind it may stand whose process it means: \"kill $b\"");
                        continue;
                }
                if (process.length == 0)
                        continue;
                if (!sema_is_name(s, process)) {
                        if (s->path->broken)
                                continue;
                        sema_error(s, respond->spans[i], "no step is named '%.*s'", TEXT_ARGS(process));
                        diag_hint(s->diags, "give the one whose process it means the name: 'execve as %.*s { ... }'",
                                  TEXT_ARGS(process));
                        continue;
                }
                for (slot = 0; slot < s->path->n_captures; slot++)
                        if (text_equal(s->path->captures[slot], process))
                                break;
                if (step == 0)
                        (void)sema_find_capture(s, process, respond->spans[i], &slot);
                else if (slot < s->path->n_captures && !(s->bound_by[step] & (1ULL << slot))) {
                        sema_error(s, respond->spans[i],
                                   "'%.*s' is not known for certain when step %" PRIu32 " is taken", TEXT_ARGS(process),
                                   step);
                        diag_related(s->diags, s->bound_at[slot], "it is bound here");
                }
        }
}

void sema_check_responses(struct sema *s, struct path_node *path) {
        check_responders(s, &path->respond, 0);
        for (const struct step_response *r = path->responses; r; r = r->next) {
                if (r->number == 0 || r->number > path->n_steps) {
                        if (!path->broken)
                                sema_error(s, r->number_span, "there is no step %" PRIu32 ": this path has %" PRIu32,
                                           r->number, path->n_steps);
                        continue;
                }
                for (const struct step_response *other = path->responses; other != r; other = other->next)
                        if (other->number == r->number) {
                                sema_error(s, r->number_span, "step %" PRIu32 " responds a second time", r->number);
                                diag_related(s->diags, other->number_span, "first here");
                                break;
                        }
                check_responders(s, &r->respond, r->number);
        }
}

/* Days since 1970 of "2027-01-31"; false if it is no day. */
static bool parse_day(struct text text, int64_t *ret) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        uint64_t year, month, day;
        int64_t y, era;
        bool leap;

        if (text.length != 10 || text.bytes[4] != '-' || text.bytes[7] != '-')
                return false;
        for (size_t i = 0; i < 10; i++)
                if (i != 4 && i != 7 && (text.bytes[i] < '0' || text.bytes[i] > '9'))
                        return false;
        year = (uint64_t)(text.bytes[0] - '0') * 1000 + (uint64_t)(text.bytes[1] - '0') * 100 +
               (uint64_t)(text.bytes[2] - '0') * 10 + (uint64_t)(text.bytes[3] - '0');
        month = (uint64_t)(text.bytes[5] - '0') * 10 + (uint64_t)(text.bytes[6] - '0');
        day = (uint64_t)(text.bytes[8] - '0') * 10 + (uint64_t)(text.bytes[9] - '0');
        leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (year < 1970 || month < 1 || month > 12 || day < 1 ||
            day > (uint64_t)days[month - 1] + (month == 2 && leap ? 1 : 0))
                return false;

        /* Years that begin in March: the day that comes and goes is the last. */
        y = (int64_t)year - (month <= 2 ? 1 : 0);
        era = y / 400;
        *ret = era * 146097 + (y - era * 400) * 365 + (y - era * 400) / 4 - (y - era * 400) / 100 +
               (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1 - 719468;
        return true;
}

void sema_check_expiry(struct sema *s, struct exception *exception) {
        int64_t day;

        if (exception->expires.length == 0 && exception->expires_span.line == 0)
                return;
        if (!parse_day(exception->expires, &day)) {
                sema_error(s, exception->expires_span, "'%.*s' is no day", TEXT_ARGS(exception->expires));
                diag_hint(s->diags, "year, month, day: \"2027-01-31\"");
                return;
        }
        if (s->options->wall_s / 86400 <= (uint64_t)day)
                return;
        exception->expired = true;
        diag_warning(s->diags, exception->expires_span, "this exception has expired: it hides nothing any more");
}

void sema_check_properties(struct sema *s, struct path_node *path) {
        for (size_t i = 0; i < path->mitre.n; i++)
                if (!is_technique(path->mitre.items[i])) {
                        sema_error(s, path->mitre.spans[i], "'%.*s' is no ATT&CK technique",
                                   TEXT_ARGS(path->mitre.items[i]));
                        diag_hint(s->diags, "a T and four digits, a sub-technique has three more: \"T1059.004\"");
                }
        if (!path->within_given)
                path->within_ns = s->options->default_within_ns;
        if (!path->suppress_given)
                path->suppress_ns = s->options->default_suppress_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of numbers: constants, units, and ranges that no value is in. */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "event/constants.h"
#include "policy/sema-private.h"

/* What a value of this format can be; a wider range than the truth is no harm. */
static void format_range(enum field_format format, int64_t *ret_min, int64_t *ret_max) {
        *ret_min = 0;
        *ret_max = INT64_MAX;

        switch (format) {
        case FORMAT_PLAIN:
        case FORMAT_HEX:
        case FORMAT_WALL:
        case FORMAT_PRCTL:
                *ret_min = INT64_MIN;
                return;
        case FORMAT_BOOLEAN:
                *ret_max = 1;
                return;
        case FORMAT_PID:
                *ret_max = 4194304;     /* PID_MAX_LIMIT */
                return;
        case FORMAT_ID:
                *ret_min = -1;
                *ret_max = UINT32_MAX;
                return;
        case FORMAT_FD:
                *ret_min = -1;
                *ret_max = INT32_MAX;
                return;
        case FORMAT_MODE:
                *ret_max = 0177777;
                return;
        case FORMAT_SIGNAL:
                *ret_max = 64;
                return;
        case FORMAT_FAMILY:
                *ret_max = 255;
                return;
        case FORMAT_PROTOCOL:
        case FORMAT_PORT:
                *ret_max = 65535;
                return;
        case FORMAT_OBJTYPE:
                *ret_max = _WIRE_OBJECT_MAX - 1;
                return;
        case FORMAT_CALL:
                *ret_max = _WIRE_CALL_MAX - 1;
                return;
        case FORMAT_RESULT:
                *ret_min = -4095;
                return;
        case FORMAT_DEVICE:
                *ret_max = UINT32_MAX;
                return;
        case FORMAT_PATHNAME:
        case FORMAT_TIME:
        case FORMAT_DURATION:
        case FORMAT_SIZE:
        case FORMAT_OPEN:
        case FORMAT_CLONE:
        case FORMAT_AT:
        case FORMAT_RENAME:
        case FORMAT_SOCKTYPE:
        case FORMAT_PROT:
        case FORMAT_MAP:
        case FORMAT_MFD:
        case FORMAT_CAPS:
        case FORMAT_MSG:
        case FORMAT_PTRACE:
        case FORMAT_MOUNT:
        case FORMAT_UMOUNT:
        case FORMAT_BPFCMD:
        case FORMAT_BPFPROG:
        case FORMAT_URING:
        case FORMAT_URINGSETUP:
        case FORMAT_KEYCTL:
        case FORMAT_REBOOT:
        case FORMAT_DNSTYPE:
                return;
        }
}

/* A name, a number, or several joined by `|`, each with or without `-`. */
bool sema_constant(struct text text, enum field_format format, int64_t *ret) {
        int64_t all = 0;
        size_t at = 0;

        while (at <= text.length) {
                const char *s = text.bytes + at, *bar = memchr(s, '|', text.length - at);
                size_t n = bar ? (size_t)(bar - s) : text.length - at;
                bool minus = n > 0 && s[0] == '-';
                int64_t value;

                if (!schema_constant(s + minus, n - minus, format, &value) &&
                    parse_i64_n(s + minus, n - minus, 0, INT64_MAX, &value) < 0)
                        return false;
                all |= minus ? -value : value;
                at += n + 1;
        }
        *ret = all;
        return true;
}

/* 5s and 4K are numbers too, but not of everything. */
static bool is_duration(struct text text) {
        uint64_t value;

        return parse_u64_n(text.bytes, text.length, 0, UINT64_MAX, &value) < 0 &&
               parse_size_n(text.bytes, text.length, 0, UINT64_MAX, &value) < 0 &&
               parse_duration_n(text.bytes, text.length, 0, UINT64_MAX, &value) >= 0;
}

static bool is_plain_number(struct text text) {
        int64_t value;

        return parse_i64_n(text.bytes, text.length, INT64_MIN, INT64_MAX, &value) >= 0;
}

/* 755 where 0755 was meant. */
static bool is_decimal_mode(struct text text) {
        if (text.length < 3 || text.length > 4 || text.bytes[0] == '0')
                return false;
        for (size_t i = 0; i < text.length; i++)
                if (text.bytes[i] < '0' || text.bytes[i] > '7')
                        return false;
        return true;
}

static bool report_constant(struct sema *s, const struct operand *operand, const struct expr *expr,
                            const struct field_info *info) {
        const char *names[512], *closest;
        size_t n = 0;

        if (operand->type == OPERAND_NAME && !s->broken) {
                int64_t value;

                if (sema_constant(operand->text, FORMAT_PLAIN, &value))
                        return sema_error(s, operand->span, "'%.*s' makes no sense for '%s'", TEXT_ARGS(operand->text),
                                          expr->field.name.bytes);

                sema_error(s, operand->span, "unknown constant '%.*s'", TEXT_ARGS(operand->text));
                for (size_t i = 0; constant_at(i) && n < ELEMENTSOF(names); i++)
                        if (info->format == FORMAT_PLAIN || constant_at(i)->format == info->format)
                                names[n++] = constant_at(i)->name;
                closest = sema_closest(s, operand->text, names, n);
                if (!closest && (expr->op == COMPARE_IN || expr->op == COMPARE_NOT_IN))
                        closest = sema_closest_list(s, operand->text);
                for (size_t i = 0; i < n && !closest && operand->text.length >= 3; i++)
                        if (endswith(names[i], operand->text.bytes))    /* KILL for SIGKILL */
                                closest = names[i];
                if (closest)
                        diag_did_you_mean(s->diags, closest);
                else if (info->format == FORMAT_ID)
                        diag_hint(s->diags, "users and groups are numbers here: names are looked up by nobody");
                return false;
        }
        if (operand->type == OPERAND_NAME)
                return false;

        sema_error(s, operand->span, "'%s' is a number", expr->field.name.bytes);
        if (operand->type == OPERAND_STRING && info->format == FORMAT_ID)
                diag_hint(s->diags, "users and groups are numbers here: names are looked up by nobody");
        else if (operand->type == OPERAND_STRING)
                diag_hint(s->diags, "numbers stand without quotes");
        return false;
}

/* One constant: its value. */
static bool operand_to_number(struct sema *s, struct operand *operand, const struct expr *expr,
                              const struct field_info *info) {
        bool timed = info->format == FORMAT_DURATION || info->format == FORMAT_TIME;

        switch (operand->type) {
        case OPERAND_NUMBER:
                break;
        case OPERAND_NAME:
                if (!sema_constant(operand->text, info->format, &operand->number))
                        return report_constant(s, operand, expr, info);
                operand->type = OPERAND_NUMBER;
                return true;
        case OPERAND_STRING:
                /* type == "socket", and what the first policies wrote: len="12". */
                if (info->format == FORMAT_OBJTYPE && schema_constant(operand->text.bytes, operand->text.length,
                                                                      FORMAT_OBJTYPE, &operand->number)) {
                        operand->type = OPERAND_NUMBER;
                        return true;
                }
                if (info->format == FORMAT_SIZE && is_plain_number(operand->text)) {
                        (void)parse_i64_n(operand->text.bytes, operand->text.length, INT64_MIN, INT64_MAX,
                                          &operand->number);
                        operand->type = OPERAND_NUMBER;
                        return true;
                }
                return report_constant(s, operand, expr, info);
        case OPERAND_REGEX:
        case OPERAND_LIST:
        case OPERAND_NETWORK:
        case OPERAND_CAPTURE:
        case OPERAND_RUNTIME:
                return report_constant(s, operand, expr, info);
        }

        if (!timed && is_duration(operand->text))
                return sema_error(s, operand->span, "'%.*s' is a duration, and '%s' is none", TEXT_ARGS(operand->text),
                                  expr->field.name.bytes);
        if (timed && operand->number != 0 && is_plain_number(operand->text)) {
                sema_error(s, operand->span, "a duration needs a unit");
                diag_hint(s->diags, "%.*ss, %.*sms, ...", TEXT_ARGS(operand->text), TEXT_ARGS(operand->text));
                return false;
        }
        if (info->format == FORMAT_MODE && is_decimal_mode(operand->text)) {
                diag_warning(s->diags, operand->span, "%.*s is a decimal number, and modes are octal",
                             TEXT_ARGS(operand->text));
                diag_hint(s->diags, "did you mean '0%.*s'?", TEXT_ARGS(operand->text));
        }
        return true;
}

static bool report_never(struct sema *s, const struct operand *operand, const struct expr *expr, int64_t min,
                         int64_t max) {
        if (max == INT64_MAX)
                return sema_error(s, operand->span, "this can never match: '%s' is %" PRId64 " or more",
                                  expr->field.name.bytes, min);
        return sema_error(s, operand->span, "this can never match: '%s' is %" PRId64 " to %" PRId64,
                          expr->field.name.bytes, min, max);
}

static bool check_order(struct sema *s, const struct expr *expr, int64_t min, int64_t max) {
        int64_t c = expr->operand.number;
        bool never = false, always = false;

        switch (expr->op) {
        case COMPARE_LESS:
                never = c <= min;
                always = c > max;
                break;
        case COMPARE_LESS_EQUAL:
                never = c < min;
                always = c >= max;
                break;
        case COMPARE_GREATER:
                never = c >= max;
                always = c < min;
                break;
        case COMPARE_GREATER_EQUAL:
                never = c > max;
                always = c <= min;
                break;
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
        case COMPARE_IN:
        case COMPARE_NOT_IN:
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
        case COMPARE_FOLD:
        case COMPARE_GLOB:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS:
        case COMPARE_BITS_ANY:
        case COMPARE_BITS_ALL:
        case COMPARE_TRUE:
        case _COMPARE_OP_MAX:
                break;
        }

        if (never) {
                sema_error(s, expr->span, "this is never true: '%s' is %" PRId64 " to %" PRId64, expr->field.name.bytes,
                           min, max);
                return false;
        }
        if (always && min != INT64_MIN && max != INT64_MAX)
                diag_warning(s->diags, expr->span, "this is always true: '%s' is %" PRId64 " to %" PRId64,
                             expr->field.name.bytes, min, max);
        else if (always && min != INT64_MIN)
                diag_warning(s->diags, expr->span, "this is always true: '%s' is never below %" PRId64,
                             expr->field.name.bytes, min);
        return true;
}

static bool check_bits(struct sema *s, const struct expr *expr, const struct field_info *info) {
        if (expr->operand.number < 0)
                return sema_error(s, expr->operand.span, "a negative number is no set of bits");
        if (expr->operand.number == 0) {
                sema_error(s, expr->span, "this is %s true: %.*s is 0, no bit at all",
                           expr->op == COMPARE_BITS_ANY ? "never" : "always", TEXT_ARGS(expr->operand.text));
                if (info->format == FORMAT_OPEN)
                        diag_hint(s->diags, "opened for reading only is 'not %s & (O_WRONLY|O_RDWR)'",
                                  expr->field.name.bytes);
                return false;
        }
        return true;
}

static bool check_items(struct sema *s, struct expr *expr, const struct field_info *info, int64_t min, int64_t max) {
        struct operand *list = &expr->operand;
        bool good = true, copied = false;

        for (size_t i = 0; i < list->n_items; i++) {
                /* Items of a named list belong to all its uses. */
                if (list->items[i].type != OPERAND_NUMBER && !copied && list->text.length > 0) {
                        list->items = arena_memdup(s->arena, list->items, list->n_items * sizeof(*list->items));
                        if (!list->items)
                                return sema_no_memory(s);
                        copied = true;
                }
                if (!operand_to_number(s, &list->items[i], expr, info))
                        good = false;
                else if (list->items[i].number < min || list->items[i].number > max)
                        good = report_never(s, &list->items[i], expr, min, max);
        }
        return good;
}

/* One value that what is left of `&` is compared with. */
static bool check_masked_value(struct sema *s, const struct expr *expr, const struct operand *value) {
        int64_t outside = value->number & ~expr->mask.number;

        if (outside == 0)
                return true;
        if (compare_op_is_negative(expr->op)) {
                diag_warning(s->diags, value->span, "this is always true: it has bits that the mask leaves out");
                return true;
        }
        return sema_error(s, value->span, "this can never match: it has bits that the mask leaves out");
}

/* (field & MASK) == VALUE */
static bool check_masked(struct sema *s, struct expr *expr, const struct field_info *info) {
        bool list = expr->op == COMPARE_IN || expr->op == COMPARE_NOT_IN, good = true;

        if (!operand_to_number(s, &expr->mask, expr, info))
                return false;
        if (expr->mask.number <= 0)
                return sema_error(s, expr->mask.span, "a mask is one bit or more");

        if (!list)
                return operand_to_number(s, &expr->operand, expr, info) &&
                       check_masked_value(s, expr, &expr->operand);
        if (expr->operand.type != OPERAND_LIST) {
                if (expr->operand.type == OPERAND_NAME)
                        return report_constant(s, &expr->operand, expr, info);
                return sema_error(s, expr->operand.span, "'%s' needs a list", compare_op_to_string(expr->op));
        }
        if (!check_items(s, expr, info, INT64_MIN, INT64_MAX))
                return false;
        for (size_t i = 0; i < expr->operand.n_items; i++)
                good = check_masked_value(s, expr, &expr->operand.items[i]) && good;
        return good;
}

bool sema_check_number(struct sema *s, struct expr *expr, const struct field_info *info) {
        int64_t min, max;

        if (expr->masked)
                return check_masked(s, expr, info);

        format_range(info->format, &min, &max);

        switch (expr->op) {
        case COMPARE_TRUE:
                if (info->format != FORMAT_BOOLEAN) {
                        diag_warning(s->diags, expr->span, "'%s' is a number: by itself it means 'not 0'",
                                     expr->field.name.bytes);
                        diag_hint(s->diags, "write '%s != 0'", expr->field.name.bytes);
                }
                return true;

        case COMPARE_IN:
        case COMPARE_NOT_IN:
                if (expr->operand.type == OPERAND_LIST)
                        return check_items(s, expr, info, min, max);
                if (expr->operand.type == OPERAND_NAME)
                        return report_constant(s, &expr->operand, expr, info);
                sema_error(s, expr->operand.span, "'%s' needs a list", compare_op_to_string(expr->op));
                diag_hint(s->diags, "[1, 2, 3], or write '%s'", expr->op == COMPARE_IN ? "==" : "!=");
                return false;

        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
        case COMPARE_LESS:
        case COMPARE_LESS_EQUAL:
        case COMPARE_GREATER:
        case COMPARE_GREATER_EQUAL:
        case COMPARE_BITS_ANY:
        case COMPARE_BITS_ALL:
                if (expr->operand.type == OPERAND_LIST) {
                        sema_error(s, expr->span, "'%s' compares with one number", compare_op_to_string(expr->op));
                        if (expr->op == COMPARE_EQUAL || expr->op == COMPARE_NOT_EQUAL)
                                diag_hint(s->diags, "write '%s'", expr->op == COMPARE_EQUAL ? "in" : "not in");
                        return false;
                }
                if (!operand_to_number(s, &expr->operand, expr, info))
                        return false;
                if (expr->op == COMPARE_BITS_ANY || expr->op == COMPARE_BITS_ALL)
                        return check_bits(s, expr, info);
                if (expr->op != COMPARE_EQUAL && expr->op != COMPARE_NOT_EQUAL)
                        return check_order(s, expr, min, max);
                if (expr->operand.number < min || expr->operand.number > max) {
                        if (expr->op == COMPARE_EQUAL)
                                return report_never(s, &expr->operand, expr, min, max);
                        diag_warning(s->diags, expr->span, "this is always true: '%s' is never %.*s",
                                     expr->field.name.bytes, TEXT_ARGS(expr->operand.text));
                }
                if (info->format == FORMAT_OPEN) {
                        diag_warning(s->diags, expr->span,
                                     "'%s' compares all flags at once, O_CLOEXEC and O_LARGEFILE among them",
                                     compare_op_to_string(expr->op));
                        diag_hint(s->diags, "'%s & %.*s' is true if any of these is set, 'has all' if all are",
                                  expr->field.name.bytes, TEXT_ARGS(expr->operand.text));
                }
                return true;

        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
        case COMPARE_FOLD:
        case COMPARE_GLOB:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS:
        case _COMPARE_OP_MAX:
                break;
        }

        sema_error(s, expr->span, "'%s' is for strings, and '%s' is a number", compare_op_to_string(expr->op),
                   expr->field.name.bytes);
        return false;
}

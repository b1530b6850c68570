/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-value.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"

#define MAX_ITEMS 1024

static enum redact_mode mode_of(enum field field, const struct value *value) {
        const struct field_info *info = schema_field(field);

        if (value->type == VALUE_LIST)
                return field == FIELD_execve_env ? REDACT_ENVIRONMENT : REDACT_ARGUMENTS;
        return info && info->format == FORMAT_PATHNAME ? REDACT_PATHNAME : REDACT_TEXT;
}

void alert_learn(struct alert_builder *builder, enum field field, const struct value *value) {
        struct redact_spans spans;

        if (value->state == VALUE_UNKNOWN || value->type != VALUE_LIST)
                return;

        redact_find(builder->redactor, mode_of(field, value), value->bytes, value->length, NULL, builder->cache,
                    &spans);
        redact_remember(&builder->memory, value->bytes, &spans);
}

static struct alert_text keep(struct alert_builder *builder, const char *bytes, size_t length, bool cut) {
        char *copy;

        if (builder->error < 0)
                return (struct alert_text){};

        copy = arena_strndup(builder->arena, bytes, length);
        if (!copy) {
                builder->error = -ENOMEM;
                return (struct alert_text){};
        }
        return (struct alert_text){.bytes = copy, .length = length, .known = true, .cut = cut};
}

/* Take what a strbuf holds, at most `max` bytes of it. */
static struct alert_text keep_strbuf(struct alert_builder *builder, struct strbuf *b, size_t max, bool cut) {
        struct alert_text text = {};

        if (b->error < 0 && builder->error >= 0)
                builder->error = b->error;
        else
                text = keep(builder, strbuf_str(b), MIN(b->n, max), cut || b->n > max);

        strbuf_done(b);
        return text;
}

struct alert_text alert_text_plain(struct alert_builder *builder, const char *bytes, size_t length) {
        return keep(builder, bytes, length, false);
}

struct alert_text alert_text_of(struct alert_builder *builder, enum field field, const struct value *value,
                                size_t max) {
        struct strbuf b = {};
        struct redact_spans spans;
        char formatted[512];
        size_t n;

        if (value->state == VALUE_UNKNOWN)
                return (struct alert_text){};

        switch ((enum value_type)value->type) {
        case VALUE_STRING:
                redact_find(builder->redactor, mode_of(field, value), value->bytes, value->length, &builder->memory,
                            builder->cache, &spans);
                if (spans.n == 0)
                        return keep(builder, value->bytes, MIN((size_t)value->length, max),
                                    value->state == VALUE_CUT || value->length > max);
                redact_put(value->bytes, 0, value->length, &spans, &b);
                return keep_strbuf(builder, &b, max, value->state == VALUE_CUT);

        case VALUE_LIST: {
                struct alert_text joined;

                alert_arguments(builder, field, value, max, &joined, NULL, NULL);
                return joined;
        }

        case VALUE_NUMBER:
        case VALUE_OBJECT:
        case VALUE_ADDRESS:
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
                break;
        }

        n = schema_format(field, value, formatted, sizeof(formatted));
        return keep(builder, formatted, n, false);
}

/* The strings of a list as one text, without secrets: what separates them becomes a space, what ends the last goes. */
static struct alert_text join(struct alert_builder *builder, const struct value *list, size_t max) {
        size_t length = list->length;
        struct alert_text text;
        char *bytes;

        if (length > 0 && list->bytes[length - 1] == 0)
                length--;
        text = keep(builder, list->bytes, MIN(length, max), list->state == VALUE_CUT || length > max);
        bytes = (char *)text.bytes;
        for (char *p = bytes; p && (p = memchr(p, 0, bytes + text.length - p));)
                *p = ' ';
        return text;
}

void alert_arguments(struct alert_builder *builder, enum field field, const struct value *list, size_t max,
                     struct alert_text *ret_joined, struct alert_text **ret_items, size_t *ret_n) {
        struct alert_text *items = NULL;
        struct strbuf joined = {};
        struct redact_spans spans;
        size_t n_items = 0, capacity = 0, n = 0;
        bool plain;

        *ret_joined = (struct alert_text){};
        if (ret_items) {
                *ret_items = NULL;
                *ret_n = 0;
        }
        if (list->state == VALUE_UNKNOWN || builder->error < 0)
                return;

        redact_find(builder->redactor, mode_of(field, list), list->bytes, list->length, &builder->memory,
                    builder->cache, &spans);

        for (size_t i = 0; i < list->length; i++)
                capacity += list->bytes[i] == 0;
        plain = spans.n == 0 && capacity < MAX_ITEMS;
        capacity = MIN(capacity, (size_t)MAX_ITEMS);
        if (ret_items && capacity > 0) {
                items = arena_new_array(builder->arena, struct alert_text, capacity);
                if (!items) {
                        builder->error = -ENOMEM;
                        return;
                }
        }

        for (size_t i = 0; i < list->length && n < MAX_ITEMS && (items || !plain); n++) {
                size_t end = i + strnlen(list->bytes + i, list->length - i), before;

                if (plain) {
                        if (n < capacity)
                                items[n_items++] = keep(builder, list->bytes + i, MIN(end - i, max), end - i > max);
                        i = end + 1;
                        continue;
                }
                if (n > 0)
                        strbuf_put_char(&joined, ' ');
                before = joined.n;
                redact_put(list->bytes, i, end, &spans, &joined);
                if (items && n < capacity && joined.error >= 0)
                        items[n_items++] = keep(builder, strbuf_str(&joined) + before, MIN(joined.n - before, max),
                                                joined.n - before > max);
                i = end + 1;
        }

        *ret_joined = plain ? join(builder, list, max)
                            : keep_strbuf(builder, &joined, max, list->state == VALUE_CUT);
        if (ret_items) {
                *ret_items = items;
                *ret_n = n_items;
        }
}

/* Numbers that are read as numbers; the rest has names or a notation of its own. */
static bool format_is_number(enum field_format format) {
        switch (format) {
        case FORMAT_PLAIN:
        case FORMAT_PID:
        case FORMAT_ID:
        case FORMAT_FD:
        case FORMAT_DURATION:
        case FORMAT_SIZE:
        case FORMAT_PORT:
        case FORMAT_RESULT:
                return true;

        case FORMAT_BOOLEAN:
        case FORMAT_PATHNAME:
        case FORMAT_TIME:
        case FORMAT_MODE:
        case FORMAT_OPEN:
        case FORMAT_CLONE:
        case FORMAT_AT:
        case FORMAT_RENAME:
        case FORMAT_SIGNAL:
        case FORMAT_FAMILY:
        case FORMAT_SOCKTYPE:
        case FORMAT_PROTOCOL:
        case FORMAT_DEVICE:
        case FORMAT_OBJTYPE:
        case FORMAT_PROT:
        case FORMAT_MAP:
        case FORMAT_MFD:
        case FORMAT_CAPS:
        case FORMAT_MSG:
        case FORMAT_PRCTL:
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
        case FORMAT_HEX:
        case FORMAT_CALL:
        case FORMAT_WALL:
                return false;
        }
        return false;
}

void alert_field_of(struct alert_builder *builder, enum field field, const struct value *value, int64_t offset_ns,
                    struct alert_field *ret) {
        const struct field_info *info = schema_field(field);

        ret->field = field;
        ret->known = value->state != VALUE_UNKNOWN;
        ret->cut = value->state == VALUE_CUT;
        ret->provenance = !ret->known || !value->user ? ALERT_KERNEL
                : value->stable                      ? ALERT_USER_STABLE
                                                     : ALERT_USER;
        if (!ret->known || !info)
                return;

        if (value->type == VALUE_LIST) {
                ret->is_list = true;
                alert_arguments(builder, field, value, ALERT_MAX_TEXT, &ret->text, &ret->items, &ret->n_items);
        } else {
                ret->text = alert_text_of(builder, field, value, ALERT_MAX_TEXT);
                if (value->type == VALUE_NUMBER) {
                        ret->number = value->number;
                        ret->is_boolean = info->format == FORMAT_BOOLEAN;
                        ret->is_number = format_is_number(info->format);
                        ret->is_time = info->format == FORMAT_TIME;
                        if (ret->is_time)
                                ret->number += offset_ns;
                }
        }
        ret->cut = ret->cut || ret->text.cut;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "event/encode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"

void record_begin(struct record *record, enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);

        assert(info);

        memset(record->data, 0, info->record_size);
        record->used = info->record_size;
        record->aggregate = (struct wire_aggregate){};
        record->error = 0;
        record->header.version = WIRE_VERSION;
        record->header.kind = kind;
        record->header.loginuid = UINT32_MAX;
        record->header.session = UINT32_MAX;
}

static void *record_fail(struct record *record, int error) {
        if (record->error == 0)
                record->error = error;
        return NULL;
}

/* The field's place in the record, NULL if it has none. */
static void *record_place(struct record *record, enum field field, enum value_type type, uint64_t *ret_bit) {
        const struct field_info *info = schema_field(field);

        if (record->error != 0)
                return NULL;
        if (!info || info->scope != FIELD_EVENT || info->kind != record->header.kind || info->type != type)
                return record_fail(record, -EINVAL);

        *ret_bit = UINT64_C(1) << info->bit;
        return record->data + info->offset;
}

void record_set_number(struct record *record, enum field field, int64_t number) {
        uint64_t bit;
        __s64 *place = record_place(record, field, VALUE_NUMBER, &bit);

        if (!place)
                return;
        *place = number;
        record->header.known |= bit;
}

/* Room for `length` bytes behind what there is, and the field pointing to it. */
static char *record_add_bytes(struct record *record, enum field field, enum value_type type, size_t length) {
        uint64_t bit;
        struct wire_bytes *place = record_place(record, field, type, &bit);

        if (!place)
                return NULL;
        if (length > sizeof(record->data) - record->used)
                return record_fail(record, -E2BIG);

        *place = (struct wire_bytes){ .offset = record->used, .length = length };
        record->header.known |= bit;
        record->used += length;
        return record->data + place->offset;
}

void record_set_bytes(struct record *record, enum field field, const char *bytes, size_t length) {
        char *to = record_add_bytes(record, field, VALUE_STRING, length);

        if (to && length > 0)
                memcpy(to, bytes, length);
}

void record_set_text(struct record *record, enum field field, const char *text) {
        record_set_bytes(record, field, text, strlen(text));
}

void record_set_list(struct record *record, enum field field, const char *const *texts) {
        size_t length = 0;
        char *to;

        for (const char *const *text = texts; *text; text++)
                length += strlen(*text) + 1;
        to = record_add_bytes(record, field, VALUE_LIST, length);
        if (!to)
                return;
        for (const char *const *text = texts; *text; text++)
                to = mempcpy(to, *text, strlen(*text) + 1);
}

void record_set_list_bytes(struct record *record, enum field field, const char *bytes, size_t length) {
        char *to;

        if (length > 0 && bytes[length - 1] != '\0') {
                record_fail(record, -EINVAL);
                return;
        }
        to = record_add_bytes(record, field, VALUE_LIST, length);
        if (to && length > 0)
                memcpy(to, bytes, length);
}

void record_set_object(struct record *record, enum field field, const struct wire_object *object) {
        uint64_t bit;
        struct wire_object *place = record_place(record, field, VALUE_OBJECT, &bit);

        if (!place)
                return;
        *place = *object;
        record->header.known |= bit;
}

void record_set_address(struct record *record, enum field field, const struct wire_address *address) {
        uint64_t bit;
        struct wire_address *place = record_place(record, field, VALUE_ADDRESS, &bit);

        if (!place)
                return;
        if (address->family != AF_INET && address->family != AF_INET6) {
                record_fail(record, -EINVAL);
                return;
        }
        *place = (struct wire_address){ .family = address->family };
        memcpy(place->bytes, address->bytes, address->family == AF_INET ? 4 : 16);
        record->header.known |= bit;
}

void record_set_value(struct record *record, enum field field, const struct value *value) {
        if (value->state == VALUE_UNKNOWN)
                return;

        switch ((enum value_type)value->type) {
        case VALUE_NUMBER:
                record_set_number(record, field, value->number);
                break;
        case VALUE_STRING:
                record_set_bytes(record, field, value->bytes, value->length);
                break;
        case VALUE_LIST:
                record_set_list_bytes(record, field, value->bytes, value->length);
                break;
        case VALUE_OBJECT:
                record_set_object(record, field, &value->object);
                break;
        case VALUE_ADDRESS:
                record_set_address(record, field, &value->address);
                break;
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
                record_fail(record, -EINVAL);
                break;
        }
        if (value->state == VALUE_CUT)
                record_mark_cut(record, field);
        if (value->user)
                record_mark_user(record, field);
        if (value->user && value->stable)
                record_mark_stable(record, field);
}

/* The bit of a field that was set already. */
static uint64_t record_bit(struct record *record, enum field field) {
        const struct field_info *info = schema_field(field);
        uint64_t bit;

        if (record->error != 0)
                return 0;
        bit = info && info->scope == FIELD_EVENT && info->kind == record->header.kind ? UINT64_C(1) << info->bit : 0;
        if (!(record->header.known & bit))
                record_fail(record, -EINVAL);
        return record->header.known & bit;
}

void record_mark_cut(struct record *record, enum field field) {
        uint64_t bit = record_bit(record, field);

        if (bit == 0)
                return;
        if (schema_field(field)->type != VALUE_STRING && schema_field(field)->type != VALUE_LIST)
                record_fail(record, -EINVAL);
        else
                record->header.cut |= bit;
}

void record_mark_user(struct record *record, enum field field) {
        record->header.user |= record_bit(record, field);
}

void record_mark_stable(struct record *record, enum field field) {
        uint64_t bit = record_bit(record, field);

        record->header.user |= bit;
        record->header.stable |= bit;
}

void record_copy(struct record *record, const struct wire_header *whole) {
        const struct wire_aggregate *aggregate = event_aggregate(&(struct event){.wire = whole});

        record->used = whole->size - (aggregate ? sizeof(*aggregate) : 0);
        record->aggregate = aggregate ? *aggregate : (struct wire_aggregate){};
        record->error = 0;
        memcpy(record->data, whole, record->used);
}

int record_finish(struct record *record) {
        size_t size = ALIGN_UP(record->used, 8);

        if (record->aggregate.count > 0 && size + sizeof(record->aggregate) > sizeof(record->data))
                record_fail(record, -E2BIG);
        if (record->error != 0)
                return record->error;

        memset(record->data + record->used, 0, size - record->used);
        record->header.flags &= ~(uint32_t)WIRE_AGGREGATE;
        if (record->aggregate.count > 0) {
                record->header.flags |= WIRE_AGGREGATE;
                memcpy(record->data + size, &record->aggregate, sizeof(record->aggregate));
                size += sizeof(record->aggregate);
        }
        record->used = size;
        record->header.size = size;
        if (record->header.result < 0 && record->header.result != -EINPROGRESS)
                record->header.flags |= WIRE_FAILED;
        else
                record->header.flags &= ~(uint32_t)WIRE_FAILED;
        return 0;
}

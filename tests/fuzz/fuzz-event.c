/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as one record: it is refused, or every field reads back within its bytes, is written for people, and
 * survives being encoded again. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "event/compare.h"
#include "event/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static union {
        struct wire_header header;
        char bytes[WIRE_MAX_RECORD + 64];
} input;
static struct record copy;

static void check_inside(const struct event *event, const struct value *v) {
        const char *start = (const char *)event->wire;

        if (v->state == VALUE_UNKNOWN || (v->type != VALUE_STRING && v->type != VALUE_LIST))
                return;
        assert(v->bytes >= start + sizeof(struct wire_header));
        assert(v->length <= event->wire->size);
        assert(v->bytes + v->length <= start + event->wire->size);
}

static void check_list(const struct value *list) {
        struct value element;
        size_t total = 0;

        for (size_t i = 0; i < 64 && value_list_at(list, i, &element); i++) {
                assert(element.bytes == list->bytes + total);
                assert(memchr(element.bytes, 0, element.length) == NULL);
                total += element.length + 1;
                assert(total <= list->length);
        }
}

static void check_text(enum field field, const struct value *v) {
        char text[300];
        uint32_t c;
        size_t length;

        for (size_t size = 0; size <= sizeof(text); size += 75) {
                length = schema_format(field, v, text, size);
                assert(size == 0 ? length == 0 : length < size && text[length] == '\0');
                for (size_t i = 0, k; i < length; i += k) {
                        k = utf8_decode(text + i, length - i, &c);
                        assert(k > 0 && utf8_is_showable(c));
                }
        }
}

static void check_copy(const struct event *event) {
        const struct kind_info *info = schema_kind(event_kind(event));
        struct event again;
        struct value a, b;

        record_begin(&copy, event_kind(event));
        for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++) {
                event_get(event, f, &a);
                record_set_value(&copy, f, &a);
        }
        /* Fields may share bytes in what came in, and then not fit side by side. */
        if (record_finish(&copy) < 0)
                return;
        assert(event_parse(copy.data, copy.header.size, &again) == 0);
        for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++) {
                event_get(event, f, &a);
                event_get(&again, f, &b);
                assert(a.state == b.state && a.user == b.user);
                assert(a.state != VALUE_KNOWN || value_equal(&a, &b) == TRUTH_TRUE);
                assert(value_equal(&a, &b) != TRUTH_FALSE);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct event event;
        struct value v;

        if (n > sizeof(input))
                return 0;
        memcpy(input.bytes, data, n);
        (void)event_parse(input.bytes, n, &event);
        /* So that bytes get past the first gate, size and version are put right. */
        n -= n % 8;
        if (n < sizeof(struct wire_header))
                return 0;
        input.header.size = n;
        input.header.version = WIRE_VERSION;
        if (event_parse(input.bytes, n, &event) < 0)
                return 0;

        for (unsigned f = 0; f < _FIELD_MAX; f++) {
                event_get(&event, f, &v);
                check_inside(&event, &v);
                if (v.type == VALUE_LIST)
                        check_list(&v);
                check_text(f, &v);
        }
        check_copy(&event);
        return 0;
}

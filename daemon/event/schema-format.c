/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "event/constants.h"

/* One element of an argument vector, so that the ends of the elements can be seen. */
static void put_element(struct strbuf *b, const struct value *element) {
        bool quoted = element->length == 0;

        for (uint32_t i = 0; i < element->length && !quoted; i++)
                quoted = element->bytes[i] == ' ' || element->bytes[i] == '"';
        if (quoted)
                strbuf_put_char(b, '"');
        for (uint32_t i = 0, start = 0; i <= element->length; i++)
                if (i == element->length || element->bytes[i] == '"') {
                        strbuf_put_text(b, element->bytes + start, i - start);
                        if (i < element->length)
                                strbuf_put(b, "\\\"");
                        start = i + 1;
                }
        if (quoted)
                strbuf_put_char(b, '"');
}

static void put_list(struct strbuf *b, const struct value *list) {
        const char *at = list->bytes, *end = list->bytes + list->length;

        while (at < end) {
                struct value rest = *list, element;

                /* Always the first of what is left, so that a list of n costs n steps. */
                rest.bytes = at;
                rest.length = end - at;
                if (!value_list_at(&rest, 0, &element))
                        return;
                if (at > list->bytes)
                        strbuf_put_char(b, ' ');
                put_element(b, &element);
                at = element.bytes + element.length + 1;
        }
}

static void put_flags(struct strbuf *b, enum field_format format, uint64_t bits) {
        const char *separator = "", *name;

        if (format == FORMAT_OPEN) {
                static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_WRONLY|O_RDWR" };

                strbuf_put(b, modes[bits & 3]);
                bits &= ~UINT64_C(3);
                separator = "|";
        } else if (bits == 0) {
                strbuf_put_char(b, '0');
                return;
        }

        while ((name = constant_take_flag(format, &bits))) {
                strbuf_put(b, separator);
                strbuf_put(b, name);
                separator = "|";
        }
        if (bits != 0)
                strbuf_printf(b, "%s0x%" PRIx64, separator, bits);
}

static void put_named(struct strbuf *b, enum field_format format, int64_t number) {
        const char *name = constant_name(format, number);

        if (name)
                strbuf_put(b, name);
        else
                strbuf_put_i64(b, number);
}

/* Seconds with as many digits behind the point as the number has. */
static void put_seconds(struct strbuf *b, int64_t ns) {
        uint64_t magnitude = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, rest = magnitude % 1000000000;
        char digits[10] = "";
        int n = 9;

        if (ns < 0)
                strbuf_put_char(b, '-');
        strbuf_put_u64(b, magnitude / 1000000000);
        if (rest == 0)
                return;
        for (int i = 8; i >= 0; i--, rest /= 10)
                digits[i] = '0' + rest % 10;
        while (digits[n - 1] == '0')
                n--;
        strbuf_put_char(b, '.');
        strbuf_put_n(b, digits, n);
}

static void put_number(struct strbuf *b, enum field_format format, int64_t number) {
        const char *name;

        switch (format) {
        case FORMAT_PLAIN:
        case FORMAT_PATHNAME:
        case FORMAT_PID:
        case FORMAT_ID:
        case FORMAT_FD:
        case FORMAT_SIZE:
        case FORMAT_PORT:
                strbuf_put_i64(b, number);
                return;
        case FORMAT_BOOLEAN:
        case FORMAT_FAMILY:
        case FORMAT_SOCKTYPE:
        case FORMAT_PROTOCOL:
        case FORMAT_OBJTYPE:
        case FORMAT_PRCTL:
        case FORMAT_PTRACE:
        case FORMAT_BPFCMD:
        case FORMAT_BPFPROG:
        case FORMAT_URING:
        case FORMAT_KEYCTL:
        case FORMAT_REBOOT:
        case FORMAT_DNSTYPE:
        case FORMAT_CALL:
                put_named(b, format, number);
                return;
        case FORMAT_SIGNAL:
                if (number == 0)
                        strbuf_put(b, "none");
                else
                        put_named(b, format, number);
                return;
        case FORMAT_TIME:
        case FORMAT_WALL:
                put_seconds(b, number);
                return;
        case FORMAT_DURATION:
                put_seconds(b, number);
                strbuf_put_char(b, 's');
                return;
        case FORMAT_MODE:
                strbuf_printf(b, "0%03" PRIo64, (uint64_t)number);
                return;
        case FORMAT_OPEN:
        case FORMAT_CLONE:
        case FORMAT_AT:
        case FORMAT_RENAME:
        case FORMAT_PROT:
        case FORMAT_MAP:
        case FORMAT_MFD:
        case FORMAT_CAPS:
        case FORMAT_MSG:
        case FORMAT_MOUNT:
        case FORMAT_UMOUNT:
        case FORMAT_URINGSETUP:
                put_flags(b, format, (uint64_t)number);
                return;
        case FORMAT_HEX:
                strbuf_printf(b, "0x%" PRIx64, (uint64_t)number);
                return;
        case FORMAT_DEVICE:
                if (number == 0)
                        strbuf_put(b, "none");
                else
                        strbuf_printf(b, "%" PRIu64 ":%" PRIu64, (uint64_t)number >> 20, (uint64_t)number & 0xfffff);
                return;
        case FORMAT_RESULT:
                name = number < 0 && number > -4096 ? constant_name(format, -number) : NULL;
                if (name) {
                        strbuf_put_char(b, '-');
                        strbuf_put(b, name);
                } else
                        strbuf_put_i64(b, number);
                return;
        }
        strbuf_put_i64(b, number);
}

static void put_object(struct strbuf *b, const struct wire_object *object) {
        strbuf_printf(b, "%u:%u/%" PRIu64, object->device >> 20, object->device & 0xfffff, (uint64_t)object->inode);
        if (object->generation != 0)
                strbuf_printf(b, ".%u", object->generation);
}

static void put_address(struct strbuf *b, const struct wire_address *address) {
        char text[INET6_ADDRSTRLEN];

        strbuf_put(b, inet_ntop(address->family, address->bytes, text, sizeof(text)) ? text : "?");
}

size_t schema_format(enum field field, const struct value *value, char *buffer, size_t size) {
        const struct field_info *info = schema_field(field);
        struct strbuf b;

        if (size == 0)
                return 0;

        strbuf_init_fixed(&b, buffer, size);
        if (value->state == VALUE_UNKNOWN) {
                strbuf_put_char(&b, '?');
                return b.n;
        }

        switch ((enum value_type)value->type) {
        case VALUE_NUMBER:
                put_number(&b, info ? info->format : FORMAT_PLAIN, value->number);
                break;
        case VALUE_STRING:
                strbuf_put_text(&b, value->bytes, value->length);
                break;
        case VALUE_LIST:
                put_list(&b, value);
                break;
        case VALUE_OBJECT:
                put_object(&b, &value->object);
                break;
        case VALUE_ADDRESS:
                put_address(&b, &value->address);
                break;
        case VALUE_IDENTITY:
                strbuf_printf(&b, "%u", value->identity.pid);
                break;
        case _VALUE_TYPE_MAX:
                break;
        }
        if (value->state == VALUE_CUT)
                strbuf_put(&b, "...");
        return b.n;
}

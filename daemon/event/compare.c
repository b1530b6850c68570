/* SPDX-License-Identifier: Apache-2.0 */
#include "event/compare.h"

#include <string.h>
#include <sys/socket.h>

static inline enum truth truth_of(bool answer) {
        return answer ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline bool bytes_equal(const char *a, const char *b, size_t n) {
        return n == 0 || memcmp(a, b, n) == 0;
}

/* Two byte strings, each of which may be only a prefix of what it stands for. */
static enum truth prefixes_equal(const char *a, size_t n_a, bool cut_a, const char *b, size_t n_b, bool cut_b) {
        if (!cut_a && !cut_b)
                return truth_of(n_a == n_b && bytes_equal(a, b, n_a));
        /* The one that is whole can not be shorter than what is known of the other. */
        if ((!cut_a && n_a < n_b) || (!cut_b && n_b < n_a))
                return TRUTH_FALSE;
        return bytes_equal(a, b, n_a < n_b ? n_a : n_b) ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* The NUL behind the last string of a cut list was put there by whoever cut it. */
static inline size_t known_length(const struct value *v) {
        return v->type == VALUE_LIST && v->state == VALUE_CUT && v->length > 0 ? v->length - 1 : v->length;
}

static inline bool objects_equal(const struct wire_object *a, const struct wire_object *b) {
        return a->inode == b->inode && a->device == b->device && a->generation == b->generation;
}

/* An IPv4-mapped address (::ffff:10.0.0.1) is the IPv4 address that it carries: a socket of the other family would walk
 * around every rule. */
static inline struct wire_address unmapped(const struct wire_address *address) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        struct wire_address ipv4 = { .family = AF_INET };

        if (address->family != AF_INET6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
                return *address;
        memcpy(ipv4.bytes, address->bytes + sizeof(mapped), 4);
        return ipv4;
}

static inline bool addresses_equal(const struct wire_address *a, const struct wire_address *b) {
        struct wire_address x = unmapped(a), y = unmapped(b);

        return x.family == y.family && memcmp(x.bytes, y.bytes, x.family == AF_INET ? 4 : 16) == 0;
}

enum truth value_equal(const struct value *a, const struct value *b) {
        if (a->state == VALUE_UNKNOWN || b->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (a->type != b->type)
                return TRUTH_FALSE;

        switch ((enum value_type)a->type) {
        case VALUE_NUMBER:
                return truth_of(a->number == b->number);
        case VALUE_STRING:
        case VALUE_LIST:
                return prefixes_equal(a->bytes, known_length(a), a->state == VALUE_CUT,
                                      b->bytes, known_length(b), b->state == VALUE_CUT);
        case VALUE_OBJECT:
                return truth_of(objects_equal(&a->object, &b->object));
        case VALUE_ADDRESS:
                return truth_of(addresses_equal(&a->address, &b->address));
        case VALUE_IDENTITY:
                return truth_of(identity_equal(&a->identity, &b->identity));
        case _VALUE_TYPE_MAX:
                break;
        }
        return TRUTH_UNKNOWN;
}

enum truth value_less(const struct value *a, const struct value *b) {
        if (a->state == VALUE_UNKNOWN || b->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        return truth_of(a->type == VALUE_NUMBER && b->type == VALUE_NUMBER && a->number < b->number);
}

enum truth value_has_any(const struct value *number, uint64_t bits) {
        if (number->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        return truth_of(number->type == VALUE_NUMBER && ((uint64_t)number->number & bits) != 0);
}

enum truth value_has_all(const struct value *number, uint64_t bits) {
        if (number->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        return truth_of(number->type == VALUE_NUMBER && ((uint64_t)number->number & bits) == bits);
}

enum truth value_is_bytes(const struct value *string, const char *bytes, size_t length) {
        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING)
                return TRUTH_FALSE;
        return prefixes_equal(string->bytes, string->length, string->state == VALUE_CUT, bytes, length, false);
}

static inline unsigned char lower(unsigned char c) {
        return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

enum truth value_is_bytes_ignoring_case(const struct value *string, const char *bytes, size_t length) {
        bool cut = string->state == VALUE_CUT;

        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING || string->length > length || (!cut && string->length < length))
                return TRUTH_FALSE;
        for (size_t i = 0; i < string->length; i++)
                if (lower(string->bytes[i]) != lower(bytes[i]))
                        return TRUTH_FALSE;
        return cut ? TRUTH_UNKNOWN : TRUTH_TRUE;
}

static bool bytes_equal_ignoring_case(const char *a, const char *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (lower(a[i]) != lower(b[i]))
                        return false;
        return true;
}

typedef bool equal_t(const char *a, const char *b, size_t n);

static inline enum truth starts_with(const struct value *string, const char *bytes, size_t length, equal_t *equal) {
        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING)
                return TRUTH_FALSE;
        if (string->length >= length)
                return truth_of(equal(string->bytes, bytes, length));
        if (string->state == VALUE_CUT && equal(string->bytes, bytes, string->length))
                return TRUTH_UNKNOWN;
        return TRUTH_FALSE;
}

static inline enum truth ends_with(const struct value *string, const char *bytes, size_t length, equal_t *equal) {
        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING)
                return TRUTH_FALSE;
        if (length == 0)
                return TRUTH_TRUE;
        if (string->state == VALUE_CUT)
                return TRUTH_UNKNOWN;
        return truth_of(string->length >= length && equal(string->bytes + string->length - length, bytes, length));
}

enum truth value_starts_with(const struct value *string, const char *bytes, size_t length) {
        return starts_with(string, bytes, length, bytes_equal);
}

enum truth value_ends_with(const struct value *string, const char *bytes, size_t length) {
        return ends_with(string, bytes, length, bytes_equal);
}

enum truth value_starts_with_ignoring_case(const struct value *string, const char *bytes, size_t length) {
        return starts_with(string, bytes, length, bytes_equal_ignoring_case);
}

enum truth value_ends_with_ignoring_case(const struct value *string, const char *bytes, size_t length) {
        return ends_with(string, bytes, length, bytes_equal_ignoring_case);
}

enum truth value_contains(const struct value *string, const char *bytes, size_t length) {
        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING)
                return TRUTH_FALSE;
        if (length == 0 || (string->length > 0 && memmem(string->bytes, string->length, bytes, length)))
                return TRUTH_TRUE;
        return string->state == VALUE_CUT ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

enum truth value_contains_ignoring_case(const struct value *string, const char *bytes, size_t length) {
        if (string->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (string->type != VALUE_STRING)
                return TRUTH_FALSE;
        if (length == 0)
                return TRUTH_TRUE;
        for (size_t i = 0; i + length <= string->length; i++)
                if (lower(string->bytes[i]) == lower(bytes[0]) &&
                    bytes_equal_ignoring_case(string->bytes + i, bytes, length))
                        return TRUTH_TRUE;
        return string->state == VALUE_CUT ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

enum truth value_in_network(const struct value *address, const struct wire_address *network, unsigned prefix_bits) {
        unsigned max_bits = network->family == AF_INET ? 32 : 128, whole, rest;
        struct wire_address a;

        if (address->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (address->type != VALUE_ADDRESS)
                return TRUTH_FALSE;
        a = unmapped(&address->address);
        if (a.family != network->family)
                return TRUTH_FALSE;

        if (prefix_bits > max_bits)
                prefix_bits = max_bits;
        whole = prefix_bits / 8;
        rest = prefix_bits % 8;
        if (memcmp(a.bytes, network->bytes, whole) != 0)
                return TRUTH_FALSE;
        return truth_of(rest == 0 || ((a.bytes[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0);
}

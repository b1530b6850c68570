/* SPDX-License-Identifier: Apache-2.0 */
/* Compare - three-valued comparisons of values.
 *
 * A value that is not known compares as unknown with everything. A cut string or list is a known prefix of one that
 * goes on for nobody knows how long, perhaps not at all: what the prefix decides is decided, the rest is unknown.
 * Values of different types are not equal; the language does not let it come to that. An IPv4-mapped IPv6 address is
 * the IPv4 address that it carries. Bytes are compared as bytes. Pure. */
#pragma once

#include "event/value.h"

enum truth value_equal(const struct value *a, const struct value *b);

/* Is a < b? Numbers only. */
enum truth value_less(const struct value *a, const struct value *b);

/* Does the number have any of these bits? */
enum truth value_has_any(const struct value *number, uint64_t bits);
enum truth value_has_all(const struct value *number, uint64_t bits);

/* A string against known bytes. */
enum truth value_is_bytes(const struct value *string, const char *bytes, size_t length);
enum truth value_is_bytes_ignoring_case(const struct value *string, const char *bytes, size_t length); /* of ASCII */
enum truth value_starts_with(const struct value *string, const char *bytes, size_t length);
enum truth value_ends_with(const struct value *string, const char *bytes, size_t length);
enum truth value_contains(const struct value *string, const char *bytes, size_t length);
enum truth value_starts_with_ignoring_case(const struct value *string, const char *bytes, size_t length);
enum truth value_ends_with_ignoring_case(const struct value *string, const char *bytes, size_t length);
enum truth value_contains_ignoring_case(const struct value *string, const char *bytes, size_t length);

/* Is the address in the network? `network` is known and an address; a prefix longer than its family has means all. */
enum truth value_in_network(const struct value *address, const struct wire_address *network, unsigned prefix_bits);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 - reading one character at a time from bytes that may not be UTF-8 at all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length (1..4) of the character at s and the character itself, or 0 if s[0..n) does not begin with a whole,
 * shortest-form character (RFC 3629: no surrogates, nothing above U+10FFFF). */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/* Are these bytes valid UTF-8 as a whole? */
bool utf8_is_valid(const char *s, size_t n);

/* May this character be shown on a terminal as it is? Not so: control characters (C0, DEL, C1), line and paragraph
 * separators, marks that reorder or hide text (U+200B..U+200F, U+202A..U+202E, U+2060..U+2069, U+FEFF, tags),
 * noncharacters. */
bool utf8_is_showable(uint32_t c);

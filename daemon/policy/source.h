/* SPDX-License-Identifier: Apache-2.0 */
/* Source - the text of one policy file, and where in it a byte stands.
 *
 * Immutable once made; lives in an arena with its text, so that trees and messages may point into it for as long as the
 * policy set lives. Lines and columns count from 1, columns in bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct arena;

#define SOURCE_MAX_BYTES (16U << 20) /* offsets are 32 bits, and nobody writes more by hand */

struct source {
        const char *name;               /* as shown to people; arena */
        const char *text;               /* arena; followed by a NUL that is not counted */
        uint32_t length;
        uint32_t n_lines;
        const uint32_t *lines;          /* arena; offset of the first byte of each line */
};

/* Copy a text and index its lines. -EFBIG if it is longer than SOURCE_MAX_BYTES, -ENOMEM. */
int source_new(struct arena *arena, const char *name, const char *text, size_t length, const struct source **ret);

/* The place of `length` bytes from `offset` on; one at the end of the text is right behind the last byte. */
struct diag_span source_span(const struct source *source, uint32_t offset, uint32_t length);

/* From the start of `a` to the end of `b`, which comes after it in the same text. */
struct diag_span span_join(struct diag_span a, struct diag_span b);

/* A part of a span: `length` bytes from `delta` on, on the same line. */
struct diag_span span_part(struct diag_span span, uint32_t delta, uint32_t length);

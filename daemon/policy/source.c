/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/source.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"

int source_new(struct arena *arena, const char *name, const char *text, size_t length, const struct source **ret) {
        struct source *source;
        uint32_t *lines;
        uint32_t n_lines = 1;
        const char *end;

        assert(arena && name && (text || length == 0) && ret);

        if (length > SOURCE_MAX_BYTES)
                return -EFBIG;

        source = arena_new(arena, struct source);
        if (!source)
                return -ENOMEM;
        source->name = arena_strdup(arena, name);
        source->text = arena_strndup(arena, text ? text : "", length);
        if (!source->name || !source->text)
                return -ENOMEM;
        source->length = (uint32_t)length;

        end = source->text + length;
        for (const char *p = source->text; p < end && (p = memchr(p, '\n', end - p)); p++)
                n_lines++;
        lines = arena_new_array(arena, uint32_t, n_lines);
        if (!lines)
                return -ENOMEM;

        n_lines = 1;
        for (const char *p = source->text; p < end && (p = memchr(p, '\n', end - p)); p++)
                lines[n_lines++] = (uint32_t)(p + 1 - source->text);
        source->lines = lines;
        source->n_lines = n_lines;

        *ret = source;
        return 0;
}

struct diag_span source_span(const struct source *source, uint32_t offset, uint32_t length) {
        uint32_t low = 0, high;

        assert(source && offset <= source->length && length <= source->length - offset);

        /* The last line that starts at or before the offset; lines[0] is 0. */
        high = source->n_lines;
        while (high - low > 1) {
                uint32_t middle = low + (high - low) / 2;

                if (source->lines[middle] <= offset)
                        low = middle;
                else
                        high = middle;
        }

        return (struct diag_span){
                .file = source->name,
                .line = low + 1,
                .column = offset - source->lines[low] + 1,
                .offset = offset,
                .length = length,
        };
}

struct diag_span span_join(struct diag_span a, struct diag_span b) {
        assert(b.offset >= a.offset);

        a.length = b.offset + b.length - a.offset;
        return a;
}

struct diag_span span_part(struct diag_span span, uint32_t delta, uint32_t length) {
        span.column += delta;
        span.offset += delta;
        span.length = length;
        return span;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Strbuf - a string under construction that only grows at its end.
 * It remembers the first error and ignores everything after it, so a caller puts what it has to say and looks once, at
 * the end. A zeroed struct strbuf is an empty one that grows on the heap; strbuf_init_fixed() uses the caller's memory
 * and never allocates. The text always ends in a NUL that is not counted, and may hold NULs of its own.
 *
 *      _cleanup_(strbuf_done) struct strbuf b = {};
 *      strbuf_printf(&b, "%d steps of ", n);
 *      strbuf_put_text(&b, path, path_len);
 *      return strbuf_take(&b, &ret_text); */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct strbuf {
        char *data;                     /* owned, or the caller's if is_fixed; NULL while empty */
        size_t n;                       /* bytes, without the final NUL */
        size_t capacity;                /* with the final NUL */
        size_t limit_bytes;             /* -ENOSPC beyond it; 0 is none */
        int error;                      /* the first thing that went wrong: -ENOMEM, -ENOSPC, -EINVAL (printf); or 0 */
        bool is_fixed;
        bool is_full;                   /* a fixed one that had to cut something off, error is -ENOSPC */
};

/* Write into memory of the caller, size > 0. The first put that does not fit is cut off (between UTF-8 characters), the
 * error is -ENOSPC, and nothing is added after it: a caller who only wants a line cut to size need not look. */
void strbuf_init_fixed(struct strbuf *b, char *memory, size_t size);
void strbuf_done(struct strbuf *b);

/* Empty it and forget the error, keep the memory. */
void strbuf_clear(struct strbuf *b);

/* Cut back to n bytes, which must not be more than there are. */
void strbuf_truncate(struct strbuf *b, size_t n);

/* 0 and the string (the caller frees it), or the error. The strbuf is empty afterwards. Not for fixed ones. */
int strbuf_take(struct strbuf *b, char **ret);

/* The text so far, never NULL. Good until the next put. */
const char *strbuf_str(const struct strbuf *b);

void strbuf_put(struct strbuf *b, const char *s);
void strbuf_put_n(struct strbuf *b, const void *data, size_t n);
void strbuf_put_char(struct strbuf *b, char c);
void strbuf_put_repeat(struct strbuf *b, char c, size_t n);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap) _printf_(2, 0);

/* Numbers without the price of printf. */
void strbuf_put_u64(struct strbuf *b, uint64_t value);
void strbuf_put_i64(struct strbuf *b, int64_t value);

/* Bytes as text for people: valid UTF-8 that is safe on a terminal stays as it is; control characters, escapes,
 * line breaks, marks that reorder or hide text, and bytes that are not UTF-8 become \xNN for each byte. A backslash
 * stays one, so the result cannot be turned back: it is for reading. One line in, one line out, whatever the bytes
 * were. */
void strbuf_put_text(struct strbuf *b, const char *s, size_t n);

/* Bytes as one JSON string with its quotes: always valid JSON in valid UTF-8. Bytes that are not UTF-8 become the four
 * characters \xNN (in JSON: "\\xff"); characters that are unsafe on a terminal become \uNNNN. */
void strbuf_put_json(struct strbuf *b, const char *s, size_t n);
void strbuf_put_json_str(struct strbuf *b, const char *s);      /* a C string; NULL becomes null */

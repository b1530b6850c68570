/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

void strbuf_init_fixed(struct strbuf *b, char *memory, size_t size) {
        assert(memory && size > 0);

        memory[0] = 0;
        *b = (struct strbuf){.data = memory, .capacity = size, .is_fixed = true};
}

void strbuf_done(struct strbuf *b) {
        if (!b->is_fixed)
                free(b->data);
        *b = (struct strbuf){};
}

void strbuf_clear(struct strbuf *b) {
        b->error = 0;
        b->is_full = false;
        strbuf_truncate(b, 0);
}

void strbuf_truncate(struct strbuf *b, size_t n) {
        assert(n <= b->n);

        b->n = n;
        if (b->data)
                b->data[n] = 0;
}

const char *strbuf_str(const struct strbuf *b) {
        return b->data ? b->data : "";
}

int strbuf_take(struct strbuf *b, char **ret) {
        int r = b->error;
        char *s;

        assert(!b->is_fixed);

        if (r >= 0) {
                s = b->data ? TAKE_PTR(b->data) : calloc(1, 1);
                if (s)
                        *ret = s;
                else
                        r = -ENOMEM;
        }

        strbuf_done(b);
        return r;
}

/* Room for n more bytes and the NUL; false once there is an error. */
static bool strbuf_reserve(struct strbuf *b, size_t n) {
        size_t need, capacity;
        char *p;

        if (b->error < 0)
                return false;

        if (__builtin_add_overflow(b->n, n, &need) || need == SIZE_MAX ||
            (b->limit_bytes > 0 && need > b->limit_bytes)) {
                b->error = -ENOSPC;
                return false;
        }

        need++;
        if (need <= b->capacity)
                return true;
        if (b->is_fixed) {
                b->error = -ENOSPC;
                return false;
        }

        capacity = MAX(need, MAX(b->capacity + b->capacity / 2, (size_t)64));
        p = realloc(b->data, capacity);
        if (!p) {
                b->error = -ENOMEM;
                return false;
        }

        b->data = p;
        b->capacity = capacity;
        return true;
}

/* s[0..n) was cut off somewhere: how much of it is left without the beginning of a character at its end. */
static size_t strbuf_whole(const char *s, size_t n) {
        size_t last = n;
        uint32_t c;

        while (last > 0 && n - last < 3 && ((uint8_t)s[last - 1] & 0xc0) == 0x80)
                last--;
        if (last == 0 || ((uint8_t)s[last - 1] & 0xc0) != 0xc0 || utf8_decode(s + last - 1, n - last + 1, &c) > 0)
                return n;
        return last - 1;
}

void strbuf_put_n(struct strbuf *b, const void *data, size_t n) {
        if (!strbuf_reserve(b, n)) {
                if (!b->is_fixed || b->error != -ENOSPC || b->is_full)
                        return;
                b->is_full = true;      /* the part that fits is better than nothing */
                n = strbuf_whole(data, MIN(n, b->capacity - b->n - 1));
        }
        if (n > 0)
                memcpy(b->data + b->n, data, n);
        b->n += n;
        b->data[b->n] = 0;
}

void strbuf_put(struct strbuf *b, const char *s) {
        strbuf_put_n(b, s, strlen(s));
}

void strbuf_put_char(struct strbuf *b, char c) {
        if (b->error < 0 || b->n + 1 >= b->capacity || (b->limit_bytes > 0 && b->n >= b->limit_bytes)) {
                strbuf_put_n(b, &c, 1);
                return;
        }
        b->data[b->n++] = c;
        b->data[b->n] = 0;
}

void strbuf_put_repeat(struct strbuf *b, char c, size_t n) {
        if (!strbuf_reserve(b, n)) {
                if (!b->is_fixed || b->is_full)
                        return;
                b->is_full = true;
                n = MIN(n, b->capacity - b->n - 1);
        }
        memset(b->data + b->n, c, n);
        b->n += n;
        b->data[b->n] = 0;
}

void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap) {
        va_list again;
        size_t room;
        int n;

        if (!strbuf_reserve(b, 0))
                return;

        room = b->capacity - b->n;
        va_copy(again, ap);
        n = vsnprintf(b->data + b->n, room, fmt, ap);
        if (n < 0) {
                b->error = -EINVAL;
                b->data[b->n] = 0;
        } else if (strbuf_reserve(b, n)) {
                if (n >= room)
                        vsnprintf(b->data + b->n, (size_t)n + 1, fmt, again);
                b->n += n;
        } else if (b->is_fixed) {
                b->is_full = true;      /* the part that fits is better than nothing */
                b->n += room - 1;
                strbuf_truncate(b, strbuf_whole(b->data, b->n));
        } else
                b->data[b->n] = 0;
        va_end(again);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        strbuf_vprintf(b, fmt, ap);
        va_end(ap);
}

void strbuf_put_u64(struct strbuf *b, uint64_t value) {
        char digits[20];
        size_t i = sizeof(digits);

        do
                digits[--i] = '0' + value % 10;
        while (value /= 10);

        strbuf_put_n(b, digits + i, sizeof(digits) - i);
}

void strbuf_put_i64(struct strbuf *b, int64_t value) {
        if (value < 0)
                strbuf_put_char(b, '-');
        strbuf_put_u64(b, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* Nearly all there is: the long way round is for the rest. */
static bool is_printable_ascii(char c) {
        return c >= 0x20 && c < 0x7f;
}

void strbuf_put_text(struct strbuf *b, const char *s, size_t n) {
        size_t plain = 0;               /* where the run of bytes that stay as they are began */
        uint32_t c;

        for (size_t i = 0, k; i < n; i += k) {
                if (is_printable_ascii(s[i])) {
                        k = 1;
                        continue;
                }
                k = utf8_decode(s + i, n - i, &c);
                if (k > 0 && utf8_is_showable(c))
                        continue;
                if (k == 0)
                        k = 1;

                strbuf_put_n(b, s + plain, i - plain);
                for (size_t j = i; j < i + k; j++) {
                        char escape[4] = {'\\', 'x', hex_digits[(uint8_t)s[j] >> 4], hex_digits[(uint8_t)s[j] & 15]};

                        strbuf_put_n(b, escape, sizeof(escape));
                }
                plain = i + k;
        }

        strbuf_put_n(b, s + plain, n - plain);
}

static void strbuf_put_json_unit(struct strbuf *b, uint16_t unit) {
        char escape[6] = {'\\', 'u', hex_digits[unit >> 12], hex_digits[(unit >> 8) & 15],
                          hex_digits[(unit >> 4) & 15], hex_digits[unit & 15]};

        strbuf_put_n(b, escape, sizeof(escape));
}

static void strbuf_put_json_escaped(struct strbuf *b, uint32_t c) {
        switch (c) {
        case '"': strbuf_put_n(b, "\\\"", 2); break;
        case '\\': strbuf_put_n(b, "\\\\", 2); break;
        case '\n': strbuf_put_n(b, "\\n", 2); break;
        case '\r': strbuf_put_n(b, "\\r", 2); break;
        case '\t': strbuf_put_n(b, "\\t", 2); break;
        default:
                if (c >= 0x10000) {
                        strbuf_put_json_unit(b, 0xd800 + ((c - 0x10000) >> 10));
                        strbuf_put_json_unit(b, 0xdc00 + ((c - 0x10000) & 0x3ff));
                } else
                        strbuf_put_json_unit(b, c);
        }
}

void strbuf_put_json(struct strbuf *b, const char *s, size_t n) {
        size_t plain = 0;
        uint32_t c;

        strbuf_put_char(b, '"');

        for (size_t i = 0, k; i < n; i += k) {
                if (is_printable_ascii(s[i]) && s[i] != '"' && s[i] != '\\') {
                        k = 1;
                        continue;
                }
                k = utf8_decode(s + i, n - i, &c);
                if (k > 0 && utf8_is_showable(c) && c != '"' && c != '\\')
                        continue;

                strbuf_put_n(b, s + plain, i - plain);
                if (k == 0) {
                        char escape[5] = {'\\', '\\', 'x', hex_digits[(uint8_t)s[i] >> 4],
                                          hex_digits[(uint8_t)s[i] & 15]};

                        strbuf_put_n(b, escape, sizeof(escape));
                        k = 1;
                } else
                        strbuf_put_json_escaped(b, c);
                plain = i + k;
        }

        strbuf_put_n(b, s + plain, n - plain);
        strbuf_put_char(b, '"');
}

void strbuf_put_json_str(struct strbuf *b, const char *s) {
        if (s)
                strbuf_put_json(b, s, strlen(s));
        else
                strbuf_put(b, "null");
}

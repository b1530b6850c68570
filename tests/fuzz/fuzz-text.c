/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes: what is written for people and as JSON is clean, and numbers are read without a fault and written back
 * exactly. */

#include <assert.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_clean(const struct strbuf *b) {
        uint32_t c;

        assert(b->error == 0);
        for (size_t i = 0, k; i < b->n; i += k) {
                k = utf8_decode(b->data + i, b->n - i, &c);
                assert(k > 0 && utf8_is_showable(c));
        }
}

static void check_numbers(const char *s, size_t n) {
        char duration[FORMAT_DURATION_MAX], size[FORMAT_SIZE_MAX];
        uint64_t value, again;
        int64_t number;
        uint32_t mode;
        bool yes;

        if (parse_duration_n(s, n, 0, UINT64_MAX - 1, &value) >= 0)
                assert(parse_duration(format_duration(duration, value), 0, UINT64_MAX, &again) == 0 && again == value);
        if (parse_size_n(s, n, 0, UINT64_MAX, &value) >= 0)
                assert(parse_size(format_size(size, value), 0, UINT64_MAX, &again) == 0 && again == value);
        (void)parse_i64_n(s, n, INT64_MIN, INT64_MAX, &number);
        (void)parse_mode_n(s, n, &mode);
        (void)parse_bool_n(s, n, &yes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const char *s = (const char *)data;
        struct diag_source source = {.file = "input", .text = s, .n = n};
        struct strbuf b = {};
        struct diag_set set;

        strbuf_put_text(&b, s, n);
        check_clean(&b);
        strbuf_clear(&b);
        strbuf_put_json(&b, s, n);
        check_clean(&b);
        strbuf_clear(&b);

        check_numbers(s, n);

        diag_set_init(&set, 0);
        if (n >= 3) {
                struct diag_span span = {
                        .file = "input", .line = 1 + data[0] % 4, .column = 1 + data[1], .length = data[2]};

                diag_error(&set, span, "%.*s", (int)n, s);
        }
        diag_set_put_text(&set, &source, 1, &b);
        assert(utf8_is_valid(strbuf_str(&b), b.n));
        strbuf_clear(&b);
        diag_set_put_json(&set, &b);
        check_clean(&b);

        diag_set_done(&set);
        strbuf_done(&b);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as arguments, environment, text or path: secrets lie in order and in range, what is shown of a text never
 * grows beyond it but for the replacements, and a value behind --password= as an argument of its own is never shown. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/redact.h"

#define REPLACEMENT 10                  /* bytes of "[redacted]" */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct redactor *redactor, enum redact_mode mode, const char *text, size_t n) {
        struct redact_memory memory = {};
        struct redact_spans spans;
        struct strbuf b = {};
        size_t last = 0, hidden = 0;

        redact_find(redactor, mode, text, n, NULL, NULL, &spans);
        assert(spans.n <= REDACT_MAX_SPANS);
        for (size_t i = 0; i < spans.n; i++) {
                assert(spans.items[i].start >= last && spans.items[i].end > spans.items[i].start);
                last = spans.items[i].end;
                hidden += spans.items[i].end - spans.items[i].start;
        }
        assert(last <= n);

        redact_put(text, 0, n, &spans, &b);
        assert(b.error == 0 && b.n == n - hidden + spans.n * REPLACEMENT);
        strbuf_done(&b);

        /* What was found is found again where it is known. */
        redact_remember(&memory, text, &spans);
        redact_find(redactor, mode, text, n, &memory, NULL, &spans);
        last = 0;
        for (size_t i = 0; i < spans.n; i++) {
                assert(spans.items[i].start >= last && spans.items[i].end <= n);
                last = spans.items[i].end;
        }
}

static void check_option(const struct redactor *redactor, const uint8_t *data, size_t n) {
        static const char option[] = "app\0--password=";
        size_t head = sizeof(option) - 1, value = strnlen((const char *)data, n);
        struct redact_spans spans;
        char *text;

        if (value == 0)
                return;
        text = malloc(head + value + 1);
        assert(text);
        memcpy(text, option, head);
        memcpy(text + head, data, value);
        text[head + value] = 0;

        /* From the first byte that is no blank: those in front are skipped like in front of any value. */
        while (value > 0 && (text[head] == ' ' || text[head] == '\t' || text[head] == '=' || text[head] == '>')) {
                head++;
                value--;
        }
        redact_find(redactor, REDACT_ARGUMENTS, text, head + value + 1, NULL, NULL, &spans);
        for (size_t i = 0, at = head; i < spans.n && value > 0; i++)
                if (spans.items[i].end > at) {
                        assert(spans.items[i].start <= at);
                        assert(spans.items[i].end >= head + value);
                        break;
                }
        assert(value == 0 || spans.n > 0);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct redact_options options = {};
        struct redactor *redactor;

        if (redactor_new(&options, &redactor) < 0)
                abort();
        for (int mode = REDACT_TEXT; mode <= REDACT_PATHNAME; mode++)
                check(redactor, (enum redact_mode)mode, (const char *)data, n);
        check_option(redactor, data, n);
        redactor_free(redactor);
        return 0;
}

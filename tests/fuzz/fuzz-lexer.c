/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a policy text: tokens stand one behind the other, cover every word of it, and their strings can be
 * decoded. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "policy/lexer.h"
#include "policy/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct source *source;
        struct arena arena = {};
        struct diag_set diags;
        struct lexer lexer;
        struct token token;
        uint32_t end = 0;
        char *bytes;

        diag_set_init(&diags, 4);
        if (source_new(&arena, "input", (const char *)data, n, &source) < 0)
                abort();

        lexer_init(&lexer, source, &diags);
        do {
                struct diag_span span;

                token = lexer_next(&lexer);
                assert(token.offset >= end && token.length <= n - token.offset);
                assert(token.type == TOKEN_EOF || token.length > 0);
                end = token.offset + token.length;

                span = token_span(source, &token);
                assert(span.line >= 1 && span.line <= source->n_lines && span.column >= 1);

                if (token.type == TOKEN_STRING || token.type == TOKEN_RAW) {
                        bytes = malloc(token.length);
                        assert(bytes && token_decode(source, &token, bytes) <= token.length);
                        free(bytes);
                }
        } while (token.type != TOKEN_EOF);
        assert(token.offset == n && lexer_next(&lexer).type == TOKEN_EOF);

        diag_set_done(&diags);
        arena_done(&arena);
        return 0;
}

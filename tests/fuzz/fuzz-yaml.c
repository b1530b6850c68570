/* SPDX-License-Identifier: Apache-2.0 */

/* Any text as a configuration: refused with at least one message that can be shown, or taken over, and then what is
 * written out reads back as the same. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void dump_again(const struct strbuf *dump) {
        struct config config = {};
        struct strbuf again = {};
        struct diag_set diags;

        diag_set_init(&diags, 0);
        assert(config_parse("dump", strbuf_str(dump), dump->n, &diags, &config) == 0);
        config_dump(&config, &again);
        assert(streq(strbuf_str(dump), strbuf_str(&again)));
        config_done(&config);
        strbuf_done(&again);
        diag_set_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct diag_source source = {.file = "input", .text = (const char *)data, .n = n};
        struct config config = {};
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        diag_set_init(&diags, 0);
        r = config_parse("input", (const char *)data, n, &diags, &config);
        if (r >= 0) {
                assert(diags.n_errors == 0);
                config_dump(&config, &b);
                dump_again(&b);
        } else {
                assert(r == -EBADMSG && diags.n_errors > 0);
                diag_set_put_text(&diags, &source, 1, &b);
                assert(b.n > 0 && utf8_is_valid(b.data, b.n));
        }

        config_done(&config);
        diag_set_done(&diags);
        strbuf_done(&b);
        return 0;
}

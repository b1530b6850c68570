/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as an entry of the log of responses: refused, or taken, and then what is written out is what was read back,
 * and writing that again changes nothing. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "action/undo-log.h"
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct undo_entry entry, again;
        struct strbuf b = {}, c = {};
        int r;

        r = undo_entry_parse((const char *)data, n, &entry);
        if (r < 0) {
                assert(r == -EBADMSG);
                return 0;
        }
        undo_entry_put(&entry, &b);
        assert(b.error == 0);
        assert(undo_entry_parse(b.data, b.n, &again) == 0);
        assert(again.state == entry.state && again.at_ns == entry.at_ns && again.pairs.n == entry.pairs.n);
        undo_entry_put(&again, &c);
        assert(c.n == b.n && memcmp(b.data, c.data, b.n) == 0);

        undo_entry_done(&entry);
        undo_entry_done(&again);
        strbuf_done(&b);
        strbuf_done(&c);
        return 0;
}

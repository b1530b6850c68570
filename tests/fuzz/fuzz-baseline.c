/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what the governor had learned: refused, of another key, or taken, and then what is written out reads
 * back as the same. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/strbuf.h"
#include "governor/baseline.h"

#define KEY 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct baseline baseline, again;
        struct strbuf b = {}, c = {};
        uint64_t median, other;
        int r;

        r = baseline_parse((const char *)data, n, KEY, &baseline);
        if (r < 0) {
                assert(r == -EBADMSG || r == -ESTALE);
                return 0;
        }
        assert(baseline.key == KEY);
        baseline_put(&baseline, &b);
        assert(b.error == 0 && baseline_parse(b.data, b.n, KEY, &again) == 0);
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                for (unsigned rate = 0; rate < BASELINE_RATES; rate++) {
                        bool known = baseline_get(&baseline, i, rate, &median);

                        assert(known == baseline_get(&again, i, rate, &other) && (!known || median == other));
                        /* What was learned stays. */
                        if (known)
                                assert(baseline_learn(&again, i, rate, 1, &other) == 1 && other == median);
                }
        baseline_put(&again, &c);
        assert(c.n == b.n && memcmp(b.data, c.data, b.n) == 0);

        strbuf_done(&b);
        strbuf_done(&c);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a line of alerts: refused, left out, or texts that end and may be put into an exception. Whatever was
 * accepted goes through the whole tune. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/strbuf.h"
#include "policy/layout.h"
#include "policy/parser.h"
#include "policy/source.h"
#include "report/alert-record.h"
#include "report/tune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Whatever the names were: it is a text of the language without a fault, and has these paths, these exceptions, and
 * nothing else. */
static void check_text(const struct tune_policy *policies, size_t n_policies, const char *text, size_t n) {
        _cleanup_(arena_done) struct arena arena = {};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        const struct file_node extended = {};
        const struct source *source;
        struct file_node *file;
        size_t i = 0;
        int r;

        diag_set_init(&diags, 0);
        r = source_new(&arena, "50-tune.conf", text, n, &source);
        assert(r >= 0 || r == -EFBIG || r == -ENOMEM);
        if (r < 0 || parser_parse_drop_in(source, &arena, &diags, &extended, &file) < 0)
                return;
        assert(diags.n_errors == 0 && !file->broken && !file->lists && !file->macros && !file->exceptions);
        for (const struct path_node *p = file->paths; p; p = p->next, i++) {
                size_t n_exceptions = 0;

                while (i < n_policies && policies[i].n_exceptions == 0)
                        i++;
                assert(i < n_policies && text_is(p->name, policies[i].name));
                for (const struct exception *e = p->exceptions; e; e = e->next)
                        n_exceptions++;
                assert(n_exceptions == policies[i].n_exceptions && !p->body && !p->untils && !p->responses);
        }
        for (; i < n_policies; i++)
                assert(policies[i].n_exceptions == 0);
}

/* Every line is one alert, told twice: two of a kind are enough for an exception. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(strbuf_done) struct strbuf text = {}, neat = {};
        struct tune_policy *policies;
        struct alert_record record;
        struct tune *tune = NULL;
        const char *why = NULL;
        size_t n_policies;
        int r;

        if (tune_new(2, &tune) < 0)
                return 0;
        for (size_t begin = 0, end; begin < n; begin = end + 1) {
                for (end = begin; end < n && data[end] != '\n';)
                        end++;
                r = alert_record_parse((const char *)data + begin, end - begin, &record, &why);
                assert(r >= 0 || (r == -EBADMSG && why) || r == -ENOMEM);
                if (r != ALERT_RECORD_ALERT)
                        continue;
                assert(record.policy && record.repeats > 0 && record.uid >= -1);
                assert(!record.file == !record.file_field);
                r = tune_add(tune, &record);
                if (r >= 0)
                        r = tune_add(tune, &record);
                assert(r >= 0 || r == -ENOSPC || r == -ENOMEM);
                alert_record_done(&record);
        }
        if (tune_propose(tune, &policies, &n_policies) >= 0) {
                for (size_t i = 0; i < n_policies; i++) {
                        assert(policies[i].n_hidden <= policies[i].n_alerts);
                        tune_put_policy(tune, policies + i, &text);
                }
                r = layout_text(strbuf_str(&text), text.n, &neat);
                assert(r >= 0 || r == -EFBIG || r == -ENOMEM);
                check_text(policies, n_policies, strbuf_str(&text), text.n);
                if (r >= 0)
                        check_text(policies, n_policies, strbuf_str(&neat), neat.n);
        }
        tune_free(tune);
        return 0;
}

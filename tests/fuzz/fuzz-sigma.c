/* SPDX-License-Identifier: Apache-2.0 */

/* Any text as a file of Sigma rules: what comes out as a policy is one, and is said to be whole only if nothing was
 * left out; what does not come out has a reason that can be shown. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "import/sigma.h"
#include "policy/policy-set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* All of them together, as a directory of them would be loaded: the names are different. */
static void check_together(const struct sigma_run *run) {
        const struct policy_options options = {.trust_any_owner = true};
        struct policy_set *set = NULL;
        struct strbuf text = {};
        struct diag_set diags;
        int r;

        ARRAY_FOREACH(rule, &run->rules)
                if ((*rule)->policy)
                        strbuf_put(&text, (*rule)->policy);
        assert(text.error == 0);
        diag_set_init(&diags, 0);
        if (text.n > 0 && text.n < POLICY_MAX_FILE_BYTES) {
                r = policy_set_parse("fuzz", strbuf_str(&text), text.n, &options, &diags, &set);
                assert(r == 0 && diags.n_errors == 0);
        }
        policy_set_free(set);
        diag_set_done(&diags);
        strbuf_done(&text);
}

static void check_rule(const struct sigma_rule *rule, struct diag_set *diags) {
        size_t n = 0;

        for (size_t i = 0; i < rule->n_reasons; i++)
                n += !rule->reasons[i].is_remark;
        switch (rule->outcome) {
        case SIGMA_WHOLE:
                assert(rule->policy && n == 0);
                break;
        case SIGMA_PART:
                assert(rule->policy && n > 0);
                break;
        case SIGMA_REFUSED:
        case SIGMA_FOREIGN:
                assert(!rule->policy && n > 0);
                break;
        }
        sigma_rule_report(rule, diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct sigma_options options = {
                .letters = n > 0 ? data[n - 1] % 3 : SIGMA_CASE_FOLD,
                .renames = n > 0 && data[n - 1] & 0x40,
        };
        struct diag_source source = {.file = "in.yml", .text = (const char *)data, .n = n};
        struct strbuf b = {};
        struct diag_set diags;
        struct sigma_run run;
        int r;

        diag_set_init(&diags, 0);
        sigma_run_init(&run, &options);
        r = sigma_run_file(&run, "in.yml", (const char *)data, n, &diags);
        assert(r == 0 || (r == -EBADMSG && diags.n_errors > 0));
        ARRAY_FOREACH(rule, &run.rules)
                check_rule(*rule, &diags);
        check_together(&run);
        diag_set_put_text(&diags, &source, 1, &b);
        assert(utf8_is_valid(strbuf_str(&b), b.n));

        strbuf_done(&b);
        sigma_run_done(&run);
        diag_set_done(&diags);
        return 0;
}

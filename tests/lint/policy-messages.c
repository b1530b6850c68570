/* SPDX-License-Identifier: Apache-2.0 */

/* Prints what the front end says of the policy on standard input, for the test of the examples in docs/LANGUAGE.md.
 * Exit status 0 if it says nothing, 1 if it has messages. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "policy/policy-set.h"

int main(void) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(freep) char *text = NULL;
        struct strbuf b = {};
        struct diag_set diags;
        size_t n;
        int r;

        r = fd_read_all(STDIN_FILENO, POLICY_MAX_FILE_BYTES, &text, &n);
        if (r < 0)
                errx(2, "cannot read the policy: %s", strerror(-r));

        diag_set_init(&diags, 0);
        r = policy_set_parse("example.policy", text, n, NULL, &diags, &set);
        if (r < 0 && r != -EBADMSG)
                errx(2, "cannot check the policy: %s", strerror(-r));
        if (policy_set_put_diags(set, &diags, &b) < 0 || b.error < 0)
                errx(2, "out of memory");
        fputs(strbuf_str(&b), stdout);

        r = diags.list.n > 0;
        strbuf_done(&b);
        diag_set_done(&diags);
        return r;
}

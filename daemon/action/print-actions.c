/* SPDX-License-Identifier: Apache-2.0 */

/* Prints the list of actions as tables, for docs/RESPONSES.md. Part of the build, not of the daemon. */

#include <stdio.h>
#include <stdlib.h>

#include "action/action.h"
#include "base/strbuf.h"

int main(void) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        strbuf_put_char(&b, '\n');
        action_put_reference(&b);
        if (b.error < 0 || fputs(strbuf_str(&b), stdout) == EOF || fflush(stdout) == EOF)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}

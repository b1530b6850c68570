/* SPDX-License-Identifier: Apache-2.0 */

/* Prints what the front end says of the policy on standard input, and of a drop-in in the file that is named, for the
 * test of the examples in docs/LANGUAGE.md. Exit status 0 if it says nothing, 1 if it has messages. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "policy/policy-set.h"

static int read_drop_in(const char *path, char **ret, size_t *ret_n) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd_read_all(fd, POLICY_MAX_FILE_BYTES, ret, ret_n);
}

int main(int argc, char *argv[]) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(freep) char *text = NULL, *extension = NULL;
        struct policy_text texts[2] = {{.name = "example.policy"}, {.name = "10-local.conf", .drop_in = true}};
        struct strbuf b = {};
        struct diag_set diags;
        size_t n;
        int r;

        r = fd_read_all(STDIN_FILENO, POLICY_MAX_FILE_BYTES, &text, &n);
        if (r < 0)
                errx(2, "cannot read the policy: %s", strerror(-r));

        diag_set_init(&diags, 0);
        texts[0].text = text;
        texts[0].length = n;
        if (argc > 1) {
                r = read_drop_in(argv[1], &extension, &texts[1].length);
                if (r < 0)
                        errx(2, "cannot read the drop-in: %s", strerror(-r));
                texts[1].text = extension;
        }
        r = policy_set_parse_texts(texts, argc > 1 ? 2 : 1, NULL, &diags, &set);
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

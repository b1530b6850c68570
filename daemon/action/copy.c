/* SPDX-License-Identifier: Apache-2.0 */
#include "action/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define PIECE ((size_t)128 * 1024)

static int run(const struct copy *copy, struct sha256 *sha, uint64_t *n_bytes) {
        _cleanup_(freep) char *piece = malloc(PIECE);

        if (!piece)
                return -ENOMEM;
        for (;;) {
                ssize_t n = read(copy->from, piece, PIECE);
                int r;

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                if ((uint64_t)n > copy->max_bytes - *n_bytes)   /* it may grow as it is read */
                        return -EFBIG;
                *n_bytes += (uint64_t)n;
                sha256_add(sha, piece, (size_t)n);
                r = copy->to < 0 ? 0 : fd_write_full(copy->to, piece, (size_t)n);
                if (r < 0)
                        return r;
        }
}

void copy_run(const struct copy *copy, struct copy_answer *ret) {
        struct sha256 sha;

        *ret = (struct copy_answer){};
        sha256_init(&sha);
        ret->error = run(copy, &sha, &ret->n_bytes);
        /* Whoever takes the other one away must be able to rely on this one. */
        if (ret->error >= 0 && copy->to >= 0 && fsync(copy->to) < 0)
                ret->error = -errno;
        if (ret->error >= 0)
                sha256_finish_hex(&sha, ret->sha256);
}

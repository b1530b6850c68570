/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what the process that compiles answers, which somebody else may have taken over: refused with a reason,
 * or every part lies within the answer and every text ends. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "pipeline/compile-message.h"
#include "base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct compile_answer answer;
        const char *why = NULL;
        size_t size;
        void *map;
        int fd, r;

        fd = memfd_create("answer", MFD_CLOEXEC);
        assert(fd >= 0 && fd_write_full(fd, data, n) == 0);
        r = compile_answer_read(fd, &answer, &map, &size, &why);
        close_fd(fd);
        if (r < 0) {
                assert(r == -EBADMSG && why && *why);
                return 0;
        }

        assert(size == n && answer.type < _COMPILE_ANSWER_TYPE_MAX);
        assert((answer.type == COMPILE_ANSWER_PROGRAM) == (answer.n_program > 0));
        assert(answer.type == COMPILE_ANSWER_PROGRAM || answer.error < 0);
        assert(memchr(answer.what, 0, n));
        assert(answer.n_text <= COMPILE_ANSWER_MAX_TEXT);
        assert(answer.text >= (const char *)map && answer.text + answer.n_text <= (const char *)map + n);
        assert((const char *)answer.program + answer.n_program <= (const char *)map + n);
        (void)munmap(map, size);
        return 0;
}

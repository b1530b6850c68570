/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what a runtime left about a container: refused, or names that are short, ended, and hold no control
 * bytes. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "capture/container-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const char *text, size_t size) {
        size_t n = strnlen(text, size);

        assert(n < size);
        for (size_t i = 0; i < n; i++)
                assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

        for (int form = CONTAINER_FORM_DOCKER; form <= CONTAINER_FORM_STORAGE; form++) {
                struct container_info info;
                int r = container_file_parse((enum container_form)form, (const char *)data, n, id, &info);

                assert(r == 0 || r == 1 || r == -EBADMSG || r == -ENOMEM);
                check(info.name, sizeof(info.name));
                check(info.image, sizeof(info.image));
                if (r == 1)
                        assert(info.name[0] || info.image[0]);
                if (r == 0)
                        assert(!info.name[0] && !info.image[0]);
        }
        return 0;
}

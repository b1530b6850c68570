/* SPDX-License-Identifier: Apache-2.0 */
#include "report/exit-status.h"

#include <errno.h>

#include "base/strbuf.h"

enum exit_status exit_status_of_capture(int r) {
        switch (r) {
        case 0:
                return EXIT_STATUS_SUCCESS;
        case -EPERM:
                return EXIT_STATUS_PRIVILEGE;
        case -ENODATA:
        case -EOPNOTSUPP:
                return EXIT_STATUS_KERNEL;
        case -ENOLINK:
                return EXIT_STATUS_ATTACH;
        default:
                return EXIT_STATUS_FAILURE;
        }
}

void exit_status_put_table(struct strbuf *b) {
#define EXIT_STATUS(id, number, doc) strbuf_printf(b, "  %2d  %s\n", number, doc);
#include "report/exit-status.def"
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/exit-status.h"

#include "base/strbuf.h"

void exit_status_put_table(struct strbuf *b) {
#define EXIT_STATUS(id, number, doc) strbuf_printf(b, "  %2d  %s\n", number, doc);
#include "report/exit-status.def"
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report journal - an alert as a structured entry of the system journal (journal-fields.def, docs/JOURNAL.md).
 * Values are escaped like text, so no entry becomes "[blob data]". */

#include "report/alert.h"

/* The socket of journald; libsystemd fixes it. */
#define REPORT_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Does journald listen? The library does not tell: without it, sending succeeds and the entry is gone. */
bool report_journal_is_there(void);

/* Send one entry. `message` and `json` are the other two forms. -ENOTCONN: journald is not there; or what sending said.
 */
int report_journal_alert(const struct alert *alert, const char *message, const char *json);
struct report_field;
int report_journal_notice(const char *message_id, int priority, const char *message, const struct report_field *fields,
                          size_t n_fields);
int report_journal_obscured(enum wire_reason reason, const char *policy, const char *key, const char *message,
                            uint64_t count);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report journal - an alert as a structured entry of the system journal (journal-fields.def, docs/JOURNAL.md).
 * Values are escaped like text, so no entry becomes "[blob data]". */

#include "report/alert.h"

struct journal_door;

#define REPORT_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Does journald listen? */
bool report_journal_is_there(void);

/* Send one entry. `message` and `json` are the other two forms. 0: sent; 1: it is kept until journald takes it; or what
 * sending said (journal-door.h). */
int report_journal_alert(struct journal_door *door, const struct alert *alert, const char *message, const char *json);
struct report_field;
int report_journal_notice(struct journal_door *door, const char *message_id, int priority, const char *message,
                          const struct report_field *fields, size_t n_fields);
int report_journal_obscured(struct journal_door *door, enum wire_reason reason, const char *policy, const char *key,
                            const char *message, uint64_t count);

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "report/journal-door.h"
#include "report/message-ids.h"
#include "report/report-json.h"
#include "report/report.h"

#define MAX_FIELDS 128

/* The fields of one entry, one after the other in one text. */
struct entry {
        struct strbuf text;
        size_t starts[MAX_FIELDS + 1];
        size_t n;
};

static void entry_begin(struct entry *entry, const char *name) {
        if (entry->n == MAX_FIELDS) {
                entry->text.error = -E2BIG;
                return;
        }
        entry->starts[entry->n++] = entry->text.n;
        strbuf_put(&entry->text, name);
        strbuf_put_char(&entry->text, '=');
}

static void entry_string(struct entry *entry, const char *name, const char *value) {
        entry_begin(entry, name);
        strbuf_put(&entry->text, value);
}

static void entry_text(struct entry *entry, const char *name, const struct alert_text *value) {
        if (!value->known || value->length == 0)
                return;
        entry_begin(entry, name);
        strbuf_put_text(&entry->text, value->bytes, value->length);
}

static void entry_number(struct entry *entry, const char *name, uint64_t value) {
        entry_begin(entry, name);
        strbuf_put_u64(&entry->text, value);
}

static int entry_send(struct entry *entry, struct journal_door *door) {
        struct iovec fields[MAX_FIELDS];
        int r = entry->text.error;

        if (r >= 0) {
                entry->starts[entry->n] = entry->text.n;
                for (size_t i = 0; i < entry->n; i++)
                        fields[i] = (struct iovec){
                                .iov_base = entry->text.data + entry->starts[i],
                                .iov_len = entry->starts[i + 1] - entry->starts[i],
                        };
                r = journal_door_send(door, fields, entry->n);
        }
        strbuf_done(&entry->text);
        return r;
}

static unsigned priority_of(enum severity severity) {
        switch (severity) {
        case SEVERITY_INFO: return LOG_INFO;
        case SEVERITY_LOW: return LOG_NOTICE;
        case SEVERITY_MEDIUM: return LOG_WARNING;
        case SEVERITY_HIGH: return LOG_ERR;
        case SEVERITY_CRITICAL: return LOG_CRIT;
        case _SEVERITY_MAX: break;
        }
        return LOG_WARNING;
}

bool report_journal_is_there(void) {
        return access(REPORT_JOURNAL_SOCKET, W_OK) == 0;
}

int report_journal_alert(struct journal_door *door, const struct alert *alert, const char *message, const char *json) {
        const struct alert_process *process = &alert->process;
        struct entry entry = {};

#define FIELD_STRING(name, value, doc) entry_string(&entry, name, value);
#define FIELD_TEXT(name, value, doc) entry_text(&entry, name, &(value));
#define FIELD_NUMBER(name, condition, value, doc)                                                                      \
        if (condition)                                                                                                 \
                entry_number(&entry, name, (value));
#define FIELD_EACH(name, values, count, doc)                                                                           \
        for (size_t i = 0; i < (count); i++)                                                                           \
                entry_text(&entry, name, (values) + i);
#include "report/journal-fields.def"

        return entry_send(&entry, door);
}

int report_journal_obscured(struct journal_door *door, enum wire_reason reason, const char *policy, const char *key,
                            const char *message, uint64_t count) {
        struct entry entry = {};

        entry_string(&entry, "MESSAGE", message);
        entry_string(&entry, "MESSAGE_ID", MESSAGE_ID_OBSCURED);
        entry_number(&entry, "PRIORITY", LOG_WARNING);
        entry_string(&entry, "SYSLOG_IDENTIFIER", "execrayd");
        entry_number(&entry, "SYSLOG_FACILITY", LOG_AUTHPRIV >> 3);
        entry_number(&entry, "EXECRAY_VERSION", ALERT_VERSION);
        entry_string(&entry, "EXECRAY_POLICY", policy);
        entry_string(&entry, "EXECRAY_REASON", report_reason_to_string(reason));
        if (key && *key) {
                struct alert_text text = {.bytes = key, .length = strlen(key), .known = true};

                entry_text(&entry, "EXECRAY_KEY", &text);
        }
        entry_number(&entry, "EXECRAY_COUNT", count);
        return entry_send(&entry, door);
}

int report_journal_notice(struct journal_door *door, const char *message_id, int priority, const char *message,
                          const struct report_field *fields, size_t n_fields) {
        struct entry entry = {};

        entry_string(&entry, "MESSAGE", message);
        entry_string(&entry, "MESSAGE_ID", message_id);
        entry_number(&entry, "PRIORITY", (uint64_t)priority);
        entry_string(&entry, "SYSLOG_IDENTIFIER", "execrayd");
        entry_number(&entry, "SYSLOG_FACILITY", LOG_AUTHPRIV >> 3);
        entry_number(&entry, "EXECRAY_VERSION", ALERT_VERSION);
        for (size_t i = 0; i < n_fields; i++)
                entry_string(&entry, fields[i].name, fields[i].value);
        return entry_send(&entry, door);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/journal-read.h"

#include <assert.h>
#include <limits.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macro.h"
#include "report/message-ids.h"

static int add_matches(sd_journal *journal) {
        static const char *const matches[] = {
                "_UID=0",
                "SYSLOG_IDENTIFIER=execrayd",
                "MESSAGE_ID=" MESSAGE_ID_ALERT,
                "MESSAGE_ID=" MESSAGE_ID_SUMMARY,
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(matches) && r >= 0; i++)
                r = sd_journal_add_match(journal, matches[i], 0);
        return r;
}

int journal_read_alerts(uint64_t since_ns, journal_read_fn fn, void *userdata) {
        static const char key[] = "EXECRAY_ALERT=";
        _cleanup_(sd_journal_closep) sd_journal *journal = NULL;
        const void *data;
        int n = 0, r;
        size_t size;

        assert(fn);

        r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = sd_journal_set_data_threshold(journal, 0);
        if (r >= 0)
                r = add_matches(journal);
        if (r >= 0)
                r = since_ns > 0 ? sd_journal_seek_realtime_usec(journal, since_ns / NSEC_PER_USEC)
                                 : sd_journal_seek_head(journal);
        if (r < 0)
                return r;
        while ((r = sd_journal_next(journal)) > 0) {
                if (sd_journal_get_data(journal, "EXECRAY_ALERT", &data, &size) < 0 || size < sizeof(key) - 1)
                        continue;
                r = fn((const char *)data + sizeof(key) - 1, size - (sizeof(key) - 1), userdata);
                if (r < 0)
                        return r;
                n += n < INT_MAX;
        }
        return r < 0 ? r : n;
}

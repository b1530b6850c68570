/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert record - of an alert that was told, what says whose it is: read back from its JSON (docs/ALERTS.md), or from an
 * entry of the journal as `journalctl -o json` prints it (docs/JOURNAL.md), which holds that JSON or at least the
 * fields.
 *
 * It comes from a file that somebody saved, so it is bytes: nothing in it is believed to be of the type that it should
 * be, and what is not is as unknown. A text is given only if it is the true one: not cut, without redactions, and
 * without the backslash that stands for a byte that JSON cannot hold. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_RECORD_MAX_BYTES ((size_t)4 << 20) /* an entry of the journal holds the alert twice: as text, as JSON */

#define ALERT_RECORD_NO_LOGIN ((int64_t)-1)
#define ALERT_RECORD_LOGIN_UNKNOWN ((int64_t)-2)

struct alert_record {
        void *json;                     /* owned; all texts are in it */
        const char *policy;             /* never NULL in a record that was read */
        const char *severity;           /* NULL: unknown, as all that follow */
        const char *exe, *parent, *args;
        const char *unit;               /* "" : it is in none */
        const char *file_field;         /* static: which field of the last event says the file */
        const char *file;               /* an absolute path */
        bool file_unclear;              /* there may be one, but which is not known for certain */
        int64_t uid;                    /* -1: unknown */
        int64_t login;                  /* who logged in; ALERT_RECORD_NO_LOGIN: nobody; less: unknown */
        uint64_t number;                /* 0: unknown */
        uint64_t repeats;               /* for how many alerts it stands: 1, or as many as a summary counts */
        bool odd_image;                 /* its own or its parent's is deleted, in memory only, writable by others, or
                                           of a container's own layer: its name says little of what ran */
        bool contained;                 /* in a container, or it is not known that it is in none */
};

enum alert_record_type {
        ALERT_RECORD_NONE,              /* something else that is told: no alert and no summary */
        ALERT_RECORD_ALERT,
        ALERT_RECORD_FOREIGN,           /* an entry that anybody may have made: journald knows that its writer was not
                                           root */
};

/* One line. An alert_record_type; only for ALERT_RECORD_ALERT is there something in *ret. -EBADMSG: it is not what it
 * should be, *ret_message (static) says how. -ENOMEM. */
int alert_record_parse(const char *text, size_t n, struct alert_record *ret, const char **ret_message);
void alert_record_done(struct alert_record *record);

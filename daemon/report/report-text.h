/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report text - an alert for people: a headline, who, and the steps of the story with their times.
 *
 *      HIGH dropped_and_run  2026-11-22 14:03:22.417 UTC  #3
 *        A file is downloaded, made executable and run by the same activity
 *        who    sh[4711] uid 33, nginx.service: sh -c /tmp/x
 *        below  php-fpm[311] < systemd[1]
 *        1  +0.000  write   curl[4709]  /tmp/x type=file length=51200
 *        2  +0.311  chmod   chmod[4710]  /tmp/x mode=0755
 *        3  +0.402  execve  x[4711]  /tmp/x: /tmp/x
 *        T1105 T1204.002; tree 4700; file=/tmp/x
 *
 * Bytes that are unsafe on a terminal come out as \xNN, so no file name can forge a line, move the cursor or hide.
 * Times are UTC: the same alert is the same text everywhere. Pure. */

#include "report/alert.h"

struct strbuf;

struct report_text_style {
        unsigned width; /* columns; longer lines are cut and end in an ellipsis. 0: as long as it takes */
        bool colour;
};

/* All of it, each line ended. */
void report_text_alert(const struct alert *alert, const struct report_text_style *style, struct strbuf *b);

/* A journal entry, which has time, severity and number as fields: one line without its end, then the lines from `who`
 * on. */
void report_text_headline(const struct alert *alert, struct strbuf *b);
void report_text_story(const struct alert *alert, const struct report_text_style *style, struct strbuf *b);

void report_text_obscured(enum wire_reason reason, const char *policy, const char *key, uint64_t count,
                          uint64_t time_ns, const struct report_text_style *style, struct strbuf *b);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Event line - an event for people: one line, in columns.
 *
 *      TIME             PID PROCESS         KIND    WHAT
 *      14:03:22.417    4711 curl            openat  /tmp/x O_WRONLY|O_CREAT
 *      14:03:22.431    4712 sh              execve  /tmp/x: /tmp/x -i = -EACCES
 *
 * Cut to the width, and never wrapped; a result stays at the end of the line whatever is cut before it. Bytes that are
 * unsafe on a terminal come out as \xNN. Times are UTC: the same event is the same line everywhere. Pure. */

#include "report/alert-event.h"

struct strbuf;

struct event_line_style {
        unsigned width;                 /* columns; 0: as long as it takes */
        unsigned kind_width;            /* of the longest name of a kind that may come */
        bool colour;
        bool all;                       /* every field that is known, with its name */
};

void event_line_put_head(const struct event_line_style *style, struct strbuf *b);
void event_line_put(const struct alert_event *event, const struct event_line_style *style, struct strbuf *b);

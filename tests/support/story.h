/* SPDX-License-Identifier: Apache-2.0 */
/* Story - a stream of events written by hand, as text; tests/cases/README.md describes the form.
 *
 *              process sh parent=init exe=/bin/sh uid=1000
 *      0s      sh fork child=curl
 *      +1s     curl execve filename=/usr/bin/curl argv=[curl -O http://example.org/x]
 *      2.5s    curl write pathname=/tmp/x length=4096          | 1
 *
 * What is written and what follows from it becomes wire records in a world (world.h). Behind a bar stands what the runs
 * of the policies are expected to do; this file only keeps it. */
#pragma once

#include "base/diag.h"
#include "world.h"

/* A line that is an event. */
struct story_line {
        size_t record;                  /* index of its record in the world */
        const char *columns;            /* arena; what stands behind the bar; NULL: no bar */
        uint32_t line;
};

struct story {
        struct world world;
        ARRAY(struct story_line) lines;
        const char *name;               /* borrowed: of the file, for messages */
};

/* Read the story. `first_line` is the number of the first line of the text, for messages. Returns 0; -EBADMSG: read the
 * diags; -ENOMEM. */
int story_parse(const char *name, const char *text, uint32_t first_line, struct diag_set *diags, struct story **ret);
struct story *story_free(struct story *story);

/* A time of the stream as it is written in stories, "2.5s" after the beginning. Returns the buffer. */
#define STORY_TIME_MAX 80
char *story_time(char buffer[static STORY_TIME_MAX], uint64_t time_ns);

/* A process as it is written in stories: its label; else "pid N". Arena of the world. */
const char *story_process(struct story *story, const struct identity *id);

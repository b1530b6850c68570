/* SPDX-License-Identifier: Apache-2.0 */
/* Story - a stream of events written by hand, as text; docs/TESTING-POLICIES.md describes the form.
 *
 *              process sh parent=init exe=/bin/sh uid=1000
 *      0s      sh fork child=curl
 *      +1s     curl execve filename=/usr/bin/curl argv=[curl -O http://example.org/x]
 *      2.5s    curl write pathname=/tmp/x length=4096          | 1
 *
 * Written by an administrator to test a policy, so it is text from outside: bounded, and what is wrong with it is said
 * with its place. What is written and what follows from it becomes wire records in a world (world.h). Behind a bar
 * stands what the runs of the policies are expected to do; this file only keeps it. Pure. */
#pragma once

#include "base/cleanup.h"
#include "base/diag.h"
#include "story/world.h"

/* A line that is an event. */
struct story_line {
        size_t record;                  /* index of its record in the world */
        const char *columns;            /* arena; what stands behind the bar; NULL: no bar */
        uint32_t line;
};

struct story {
        struct world world;             /* its arena holds what the story needs */
        ARRAY(struct story_line) lines;
};

/* Where the text stands: a file, or some lines of one (a YAML block is one, its indentation included). */
struct story_source {
        const char *name;               /* of the file, for messages; borrowed for the call */
        const char *text;
        size_t n;
        uint32_t line;                  /* number of the first line */
        uint32_t offset;                /* of the first byte in the file */
};

#define STORY_MAX_BYTES (8U << 20)      /* of text */
#define STORY_MAX_RECORDS 20000
#define STORY_MAX_PROCESSES 1024
#define STORY_MAX_LABEL 64

/* Read the story; all that is wrong is reported. Returns 0; -EBADMSG: read the diags; -ENOMEM. */
int story_parse(const struct story_source *source, struct diag_set *diags, struct story **ret);
struct story *story_free(struct story *story);
DEFINE_CLEANUP(struct story *, story_free)

/* A time of the stream as it is written in stories, "2.5s" after the beginning. Returns the buffer. */
#define STORY_TIME_MAX 80
char *story_time(char buffer[static STORY_TIME_MAX], uint64_t time_ns);

/* The label of a process; NULL if the story does not know it. */
const char *story_label(const struct story *story, const struct identity *id);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Packages - which package of this host owns a program: what dpkg has written down, as an index in memory.
 *
 * Asked when an alert is made, never for an event. The index is built at the first question, from the lists of files in
 * /var/lib/dpkg/info, and again when these have changed, at most once a minute. It holds a keyed hash for each path,
 * not the path. On a host without dpkg nothing is known, and that is the answer.
 *
 * A path alone says little: the file there may be another than the one that ran, or the process may have a file system
 * of its own. So whoever asks names the file that ran by device and inode, and the answer is about that file only.
 *
 * Does I/O. */

#include <stddef.h>
#include <stdint.h>

#include "event/value.h"

struct packages;

enum package_answer {
        PACKAGE_UNKNOWN,                /* no dpkg here, another file there now, or not read yet */
        PACKAGE_NONE,                   /* it is in no package */
        PACKAGE_OWNED,
};

struct package {
        const char *name; /* borrowed until the next question; with an architecture if dpkg gives it one */
        const char *version;            /* NULL: not known */
};

struct packages_stats {
        uint64_t n_questions;
        uint64_t n_built;               /* times that the index was built */
        uint64_t n_incomplete;          /* of these, without everything: a limit, or a file that could not be read */
        size_t n_files, n_packages, bytes;
};

/* `root` is where the host's file system is, "" for that of this process; copied. -ENOMEM. */
int packages_new(const char *root, struct packages **ret);
struct packages *packages_free(struct packages *packages);

/* Who owns the file that ran, which had this path? now_ns: CLOCK_BOOTTIME. */
enum package_answer packages_find(struct packages *packages, const char *path, const struct wire_object *file,
                                  uint64_t now_ns, struct package *ret);

void packages_stats(const struct packages *packages, struct packages_stats *ret);

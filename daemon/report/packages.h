/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Packages - which package of this host owns a program: what dpkg has written down, as an index in memory.
 *
 * Asked when an alert is made, never for an event, and the answer never waits: the index is made beside it, in steps of
 * a fraction of a millisecond, at the start and again when dpkg's files have changed, at most once a minute. Until the
 * first is complete nothing is known; meanwhile the one before is asked. On a host without dpkg nothing is known, and
 * that is the answer.
 *
 * A path alone says little: the file there may be another than the one that ran, or the process may have a file system
 * of its own. So whoever asks names the file that ran by device and inode, and the answer is about that file only.
 *
 * Does I/O. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/value.h"
#include "report/package-index.h"

struct packages;

enum package_answer {
        PACKAGE_UNKNOWN,                /* no dpkg here, another file there now, or not read yet */
        PACKAGE_NONE,                   /* it is in no package */
        PACKAGE_OWNED,
};

struct packages_stats {
        uint64_t n_questions, n_remembered;     /* of these, answered as less than a second ago */
        uint64_t n_built;               /* times that the index was built */
        uint64_t n_incomplete;          /* of these, without everything: a limit, or a file that could not be read */
        size_t n_files, n_packages, bytes;
};

/* `root` is where the host's file system is, "" for that of this process; copied. -ENOMEM. */
int packages_new(const char *root, struct packages **ret);
struct packages *packages_free(struct packages *packages);

/* Give the answer about the same file and path again for a second, without asking the file system: off until this. */
void packages_set_remember(struct packages *packages, bool remember);

/* Has dpkg written anything since the index was made? Then there is work. True: the index is of what is there now, or
 * was less than a second ago. now_ns: CLOCK_BOOTTIME. */
bool packages_look(struct packages *packages, uint64_t now_ns);
bool packages_has_work(const struct packages *packages);

/* One step of the work, if there is any. True: there is more. */
bool packages_work(struct packages *packages);

/* Who owns the file that ran, which had this path? Looks, too. The texts are borrowed until the next step of work. */
enum package_answer packages_find(struct packages *packages, const char *path, const struct wire_object *file,
                                  uint64_t now_ns, struct package *ret);

void packages_stats(const struct packages *packages, struct packages_stats *ret);

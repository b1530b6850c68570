/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Forensics - what a process is at this moment, kept as files in a directory of its own (0700).
 *
 *      manifest        who it is, when this was, SHA-256 of its program, what was left out and why
 *      status maps ... what /proc says; arguments and environment without their secrets, one a line
 *      links           exe, cwd, root and namespaces
 *      fds             open files: number, what it is, position and flags
 *      exe             a copy of the program that runs, also if its file has been removed
 *
 * Memory is not read. Bounded in bytes; what does not fit is left out and said so. Nothing is stopped for it: whoever
 * wants it to stand still stops it first. */

#include <stdint.h>

#include "base/sha256.h"
#include "event/value.h"

struct redactor;

struct forensics_options {
        const char *directory;          /* of all snapshots; made (0700) if it is not there */
        uint64_t max_bytes;             /* of one */
        uint64_t max_snapshots;         /* more: the oldest goes */
        const struct redactor *redactor;        /* NULL: arguments and environment are left out */
};

struct forensics {
        char path[256];                 /* of the snapshot */
        char sha256[SHA256_HEX];        /* of the program; empty: it could not be read whole */
        uint64_t n_bytes;
        unsigned n_files, n_left_out;
};

/* -ESRCH: it has ended. */
int forensics_take(const struct forensics_options *options, const struct identity *process, const char *what,
                   struct forensics *ret);

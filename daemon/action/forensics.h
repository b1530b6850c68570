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

#include <stdbool.h>
#include <stdint.h>

#include "action/copy.h"
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

/* In two parts: all but the copy of the program is there when begin() returns, and from then on the process may go. The
 * copy is made by copy_run(), by whomever and whenever; end() takes what came of it, writes the manifest, and frees.
 * -ESRCH: it has ended. */
struct forensics_taking;
int forensics_begin(const struct forensics_options *options, const struct identity *process, const char *what,
                    struct forensics_taking **ret);
const char *forensics_path(const struct forensics_taking *taking);
/* The copy that is to be made; its descriptors stay those of the taking. False: there is none, end() with NULL. */
bool forensics_program(const struct forensics_taking *taking, struct copy *ret, uint64_t *ret_bytes);
/* -errno, or 0 and what was kept. */
int forensics_end(struct forensics_taking *taking, const struct copy_answer *answer, struct forensics *ret);

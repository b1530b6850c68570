/* SPDX-License-Identifier: Apache-2.0 */
/* Policy set - all policy files together, read, parsed and checked: what compile_policies() takes.
 *
 * The only part of the room that reads files. Owns the texts and the arena that the trees live in. All errors of all
 * files are reported in one go; with any error the set is of no use and the call returns -EBADMSG. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "policy/ast.h"

#define POLICY_MAX_FILE_BYTES ((size_t)1 << 20)
#define POLICY_MAX_FILES ((size_t)4096)
#define POLICY_MAX_DEPTH 8 /* of directories below one that was named */

struct strbuf;

struct policy_options {
        uint64_t default_within_ns;     /* of a path that does not say; 0: 10 min */
        uint64_t default_suppress_ns;   /* 0: 60 s */
        uint64_t wall_s;                /* seconds since 1970, by which exceptions expire; 0: none does */
        bool trust_any_owner;           /* do not insist on files owned by root: for `check` and `replay` run by an
                                           author */
        bool skip_missing;              /* a place that does not exist is no error: the standard ones, of which some
                                           usually do not */
        size_t max_file_bytes;          /* 0: POLICY_MAX_FILE_BYTES */
        size_t max_files;               /* 0: POLICY_MAX_FILES */

        /* All files have been read and none was looked into: nothing is opened from here on. The moment to give up
         * whatever reading them took; < 0 ends the load with it. May be NULL. */
        int (*on_read)(void *userdata);
        void *userdata;
};

struct policy_set {
        struct path_node *paths;        /* sorted by name */
        size_t n_paths;
        struct file_node *files;        /* in the order in which they were read */
        size_t n_files, n_masked;
        struct arena *arena;            /* owned */
};

/* Each of `paths` is a file or a directory (searched for *.policy, all levels, in order of name; in later directories a
 * file of the same relative name is masked by an earlier one; a link to /dev/null masks too). Files and directories
 * must belong to root or to the caller and be writable by nobody else, and links are not followed below a directory
 * that was named.
 *
 * Returns 0; -EBADMSG: read the diags; -ENOENT, -EACCES ... : nothing could be read, a diag names it. A set without any
 * policy is -ENOENT too: a typo in a directory's name must not look like a quiet system. *ret is written for 0, and for
 * -EBADMSG as well, where it is of use only for policy_set_put_diags(): free it in both cases. `options` and `diags`
 * may be NULL. */
int policy_set_load(const char *const *paths, size_t n_paths, const struct policy_options *options,
                    struct diag_set *diags, struct policy_set **ret);

/* The same for one text in memory: tests, fuzzers, editors. `name` stands in the messages. */
int policy_set_parse(const char *name, const char *text, size_t length, const struct policy_options *options,
                     struct diag_set *diags, struct policy_set **ret);

struct policy_set *policy_set_free(struct policy_set *set);

DEFINE_CLEANUP(struct policy_set *, policy_set_free)

/* The messages as text for people, in order of place, with the lines that they are about. `set` may be NULL: then
 * without lines. -ENOMEM. */
int policy_set_put_diags(const struct policy_set *set, struct diag_set *diags, struct strbuf *b);

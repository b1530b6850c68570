/* SPDX-License-Identifier: Apache-2.0 */
/* Policy set - all policy files together, read, parsed and checked: what compile_policies() takes.
 *
 * The only part of the room that reads files. Owns the texts and the arena that the trees live in. All errors of all files are
 * reported in one go; with any error the set is of no use and the call returns -EBADMSG. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "policy/ast.h"

struct policy_options {
        uint64_t default_within_ns;     /* of a path that does not say */
        uint64_t default_suppress_ns;
        bool trust_any_owner;           /* do not insist on files owned by root: for `check` and `replay` run by an author */
        size_t max_file_bytes;          /* 0: 1 MiB */
        size_t max_files;               /* 0: 4,096 */
};

struct policy_set {
        struct path_node *paths;        /* sorted by name */
        size_t n_paths;
        struct file_node *files;
        struct arena *arena;            /* owned */
};

/* Each of `paths` is a file or a directory (searched for *.policy, all levels, in order of name; in later directories a file of the same relative
 * name is masked by an earlier one; a link to /dev/null masks too). Returns 0; -EBADMSG: read the diags; -ENOENT, -EACCES ... : nothing could be read, a diag names it. */
int policy_set_load(const char *const *paths, size_t n_paths, const struct policy_options *options, struct diag_set *diags,
                    struct policy_set **ret);

/* The same for one text in memory: tests, fuzzers, editors. `name` stands in the messages. */
int policy_set_parse(const char *name, const char *text, size_t length, const struct policy_options *options,
                     struct diag_set *diags, struct policy_set **ret);

struct policy_set *policy_set_free(struct policy_set *set);

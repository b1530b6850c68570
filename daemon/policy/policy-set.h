/* SPDX-License-Identifier: Apache-2.0 */
/* Policy set - all policy files together, read, parsed and checked: what compile_policies() takes.
 *
 * Owns the texts and the arena that the trees live in. All errors of all files are reported in one go; with any error
 * the set is of no use and the call returns -EBADMSG.
 *
 * Files lie over each other as systemd's units do. Of several files of one name below their places the one in the
 * earliest place stands and masks the others; as a link to /dev/null it switches them off. Files in a directory
 * NAME.policy.d, `*.conf`, of all places, masked in the same way, extend NAME.policy in order of their names. */
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
        bool any_result;                /* steps take failed calls too, whether they name `result` or not: filters, not
                                           stories */
        size_t max_file_bytes;          /* 0: POLICY_MAX_FILE_BYTES */
        size_t max_files;               /* 0: POLICY_MAX_FILES */
        const char *suffix;             /* of the files that are meant; NULL: ".policy" */

        /* All files have been read and none was looked into: nothing is opened from here on. The moment to give up
         * whatever reading them took; < 0 ends the load with it. May be NULL. */
        int (*on_read)(void *userdata);
        void *userdata;
};

enum policy_origin_state {
        POLICY_ORIGIN_USED,             /* what it says is in force */
        POLICY_ORIGIN_MASKED,           /* another one of its name, in an earlier place, stands */
        POLICY_ORIGIN_OFF,              /* a link to /dev/null: what has its name is switched off */
        POLICY_ORIGIN_IDLE,             /* a drop-in of a file that is switched off or not there */
};

/* A file that was found, and what became of it. All in the arena of the set. */
struct policy_origin {
        const char *path;               /* as messages call it */
        const char *name;               /* below its place: "exec/shell.policy", "exec/shell.policy.d/10-local.conf" */
        const char *place;              /* as the caller named it; NULL for a text in memory */
        size_t place_number;            /* from 1; 0 for a text in memory */
        enum policy_origin_state state;
        bool drop_in;
        const struct policy_origin *masked_by; /* if MASKED: the one that stands */
        const struct policy_origin *extends; /* of a drop-in: the policy, if that is there */
        const struct source *source;    /* its text; NULL if it was not read */
        const struct file_node *file;   /* its tree; NULL if it was not looked into */
        struct policy_origin *next;
};

struct policy_set {
        struct path_node *paths;        /* sorted by name */
        size_t n_paths;
        struct file_node *files;        /* in the order in which they were read; drop-ins behind, by name */
        size_t n_files;                 /* drop-ins among them */
        size_t n_masked;                /* or switched off */
        struct policy_origin *origins;  /* all files that were found: in order of place, then of name */
        struct arena *arena;            /* owned */
};

/* Each of `paths` is a file or a directory (searched for *.policy and their drop-ins, all levels, in order of name);
 * what stands in an earlier one masks what has the same name in a later one. Files and directories must belong to root
 * or to the caller and be writable by nobody else, and links are not followed below a directory that was named.
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

/* Several texts in memory. */
struct policy_text {
        const char *name;               /* stands in the messages */
        const char *text;
        size_t length;
        bool drop_in;                   /* of the text before it that is none */
};

int policy_set_parse_texts(const struct policy_text *texts, size_t n, const struct policy_options *options,
                           struct diag_set *diags, struct policy_set **ret);

const char *policy_origin_state_to_string(enum policy_origin_state state);

struct policy_set *policy_set_free(struct policy_set *set);

DEFINE_CLEANUP(struct policy_set *, policy_set_free)

/* The messages as text for people, in order of place, with the lines that they are about. `set` may be NULL: then
 * without lines. -ENOMEM. */
int policy_set_put_diags(const struct policy_set *set, struct diag_set *diags, struct strbuf *b);

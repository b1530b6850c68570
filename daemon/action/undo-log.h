/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Undo log - what was done and can be undone, a file each in a directory of its own.
 *
 * Written before the thing is done, so that no crash leaves something behind that nobody knows of: an entry that still
 * says `begun` may or may not have happened. A file is text, `key=value` lines below a first line that says what it is;
 * bytes that would break a line are \xNN. Files are read as if somebody else had written them.
 *
 *      execray-response 1
 *      state=done
 *      action=quarantine
 *      at=1763822400000000000
 *      what=quarantine path=/tmp/x device=2049 inode=12
 *      alert=...
 *      path=/tmp/x                     what the action needs to be undone */

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/macro.h"

struct strbuf;

#define UNDO_MAX_PAIRS 5000
#define UNDO_MAX_KEY 32
#define UNDO_MAX_VALUE 8192
#define UNDO_MAX_BYTES ((size_t)1024 * 1024)

enum undo_state {
        UNDO_BEGUN,
        UNDO_DONE,
        UNDO_UNDONE,
        UNDO_FAILED,                    /* it did not come about: there is nothing to undo */
};

struct undo_pair {
        const char *key, *value;        /* arena of the entry */
};

struct undo_entry {
        uint64_t id;                    /* of the file; 0: none yet. Not in the text */
        enum undo_state state;
        uint64_t at_ns;                 /* CLOCK_REALTIME */
        const char *action, *what;      /* arena; never NULL */
        const char *policy, *script, *alert;    /* arena; NULL: none */
        ARRAY(struct undo_pair) pairs;  /* the rest, in order; a key may come again */
        struct arena arena;
};

void undo_entry_init(struct undo_entry *entry);
void undo_entry_done(struct undo_entry *entry);

/* 0, -ENOMEM; -E2BIG: more than it may hold; -EINVAL: no such key can be. Copies. */
int undo_entry_add(struct undo_entry *entry, const char *key, const char *value);
int undo_entry_add_u64(struct undo_entry *entry, const char *key, uint64_t value);

/* The first of that key, or NULL. */
const char *undo_entry_get(const struct undo_entry *entry, const char *key);
/* As a number: -ENODATA if there is none, -EINVAL and -ERANGE if it is wrong. */
int undo_entry_get_u64(const struct undo_entry *entry, const char *key, uint64_t max, uint64_t *ret);

/* -EBADMSG, -ENOMEM. What was put reads back the same. Pure. */
int undo_entry_parse(const char *text, size_t n, struct undo_entry *ret);
void undo_entry_put(const struct undo_entry *entry, struct strbuf *b);

const char *undo_state_to_string(enum undo_state state);

struct undo_log {
        int dir_fd;
        size_t max_entries;
        uint64_t last_id;
        size_t n_entries;
};

/* Makes the directory (0700) if it is not there. -EPERM: it is not ours alone. */
int undo_log_open(struct undo_log *log, const char *directory, size_t max_entries);
/* To read only: -ENOENT if there is none. */
int undo_log_open_read(struct undo_log *log, const char *directory);
void undo_log_close(struct undo_log *log);

/* A new entry, on disk (synced) when this returns, and its id. -ENOSPC: full of what was not undone. */
int undo_log_add(struct undo_log *log, struct undo_entry *entry);

/* Write it again under its id. */
int undo_log_write(struct undo_log *log, const struct undo_entry *entry);
int undo_log_read(struct undo_log *log, uint64_t id, struct undo_entry *ret);
int undo_log_remove(struct undo_log *log, uint64_t id);

/* All ids, oldest first, as an array that the caller frees. */
int undo_log_list(struct undo_log *log, uint64_t **ret, size_t *ret_n);

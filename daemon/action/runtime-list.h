/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runtime list - lists of values that scripts fill while the host runs, each value with the time when it goes.
 *
 * In memory, and in a file for each list below the runtime directory, written anew with each change, so that the
 * process may be restarted and others may read it: `execray-list 1`, then a line for each value: when it goes
 * (CLOCK_BOOTTIME in nanoseconds), a blank, the value. They end with the host. What is in memory, and its bounds:
 * program/value-lists.h.
 *
 * Several processes may write them: the one of before a reload, `execrayctl response undo`. A file that another one has
 * written is read again before ours is. */

#include "base/cleanup.h"
#include "base/macro.h"
#include "program/value-lists.h"

struct runtime_lists;

#define RUNTIME_FILE_MAX ((size_t)128 * 1024 * 1024)

/* `directory` is made (0755) when something is first written. What lies there is read; a file that is not trusted or
 * damaged is left out, and counted in *ret_n_bad (may be NULL). */
int runtime_lists_new(const char *directory, uint64_t now_ns, size_t *ret_n_bad, struct runtime_lists **ret);
struct runtime_lists *runtime_lists_free(struct runtime_lists *lists);
DEFINE_CLEANUP(struct runtime_lists *, runtime_lists_free)

/* 1: new; 0: it was there, and has this end now; -ENOSPC; -errno of writing, and then nothing has changed. */
int runtime_list_add(struct runtime_lists *lists, const char *list, const char *value, uint64_t until_ns);
/* 1: taken out; 0: it was not there. */
int runtime_list_remove(struct runtime_lists *lists, const char *list, const char *value);
bool runtime_list_has(const struct runtime_lists *lists, const char *list, const char *value, uint64_t now_ns);

/* Has another process changed a file since it was last read or written here? Then it is read again: 1. Cheap when
 * nothing has happened. */
int runtime_lists_refresh(struct runtime_lists *lists, uint64_t now_ns);

/* Add what lies there to `to`, for whoever asks and does not write. *ret_n_bad may be NULL. */
int runtime_lists_read(const char *directory, uint64_t now_ns, struct value_lists *to, size_t *ret_n_bad);

/* Take out what has come to its end; how many. */
size_t runtime_lists_expire(struct runtime_lists *lists, uint64_t now_ns);
size_t runtime_lists_n_values(const struct runtime_lists *lists);

/* One line of a file. 1; 0: not one. Pure; ends in no newline. */
int runtime_line_parse(const char *line, size_t n, uint64_t *ret_until_ns, const char **ret_value, size_t *ret_value_n);

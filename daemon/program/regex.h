/* SPDX-License-Identifier: Apache-2.0 */
/* Regex - PCRE2 on bytes behind four functions, with limits: the subject is chosen by attackers.
 *
 * No UTF, `$` is the end of the text only, no (*VERBS), no callouts. Works without JIT. At a limit the answer is unknown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/value.h"

struct regex;

/* -EBADMSG: the pattern is wrong; *ret_message (static or borrowed until the next call) and *ret_offset (bytes into the pattern) say how. */
int regex_new(const char *pattern, size_t length, bool caseless, struct regex **ret, const char **ret_message, size_t *ret_offset);
struct regex *regex_free(struct regex *regex);

enum truth regex_match(const struct regex *regex, const char *bytes, size_t length);

/* How often a match ended at a limit. */
uint64_t regex_limit_hits(const struct regex *regex);

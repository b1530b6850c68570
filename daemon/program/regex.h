/* SPDX-License-Identifier: Apache-2.0 */
/* Regex - PCRE2 on bytes behind a few functions, with limits: the subject is chosen by attackers.
 *
 * No UTF; `.` is any byte, also a line break (a file name may hold one, and would walk around `/tmp/.*\.sh` otherwise);
 * `$` is the end of the text only; no (*VERBS), no callouts. No JIT, which needs memory that is writable and
 * executable. At a limit the answer is unknown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/value.h"

#define REGEX_MAX_PATTERN 4096          /* bytes */
#define REGEX_MAX_COMPILED (256U << 10) /* bytes; a{1000}{1000} would be large */
#define REGEX_MAX_TOGETHER (32U << 20)  /* bytes, of all of a program */

struct regex;

/* What matching needs beside the pattern: up to 1 MiB that grows with use, and can serve any number of regexes in one
 * thread. */
struct regex_scratch;

/* -EBADMSG: the pattern is wrong; *ret_message (static) and *ret_offset (bytes into the pattern) say how. */
int regex_new(const char *pattern, size_t length, bool caseless, struct regex **ret, const char **ret_message,
              size_t *ret_offset);
struct regex *regex_free(struct regex *regex);

/* Let the regex use a scratch that others use too; it keeps a reference. Without this it makes its own at the first
 * match. */
int regex_scratch_new(struct regex_scratch **ret);
struct regex_scratch *regex_scratch_unref(struct regex_scratch *scratch);
void regex_set_scratch(struct regex *regex, struct regex_scratch *scratch);

/* Bytes that it takes, compiled. */
size_t regex_size(const struct regex *regex);

/* Is it found in the bytes? All of the value: of a prefix nothing can be said. */
enum truth regex_match(const struct regex *regex, const char *bytes, size_t length);

/* Where it is found, from byte `from` on, and where its groups are: spans[0] is all of it, spans[i] the group i, from
 * == REGEX_NO_SPAN where that took no part. At most n spans are written, and the rest has none. For scripts, whose
 * subjects are longer: the steps back are bounded for the whole subject. TRUTH_UNKNOWN: at a limit, or no memory. */
#define REGEX_MAX_SPANS 10
#define REGEX_NO_SPAN SIZE_MAX
struct regex_span {
        size_t from, to;
};
enum truth regex_search(const struct regex *regex, const char *bytes, size_t length, size_t from,
                        struct regex_span spans[], size_t n);

/* How often a match ended at a limit. */
uint64_t regex_limit_hits(const struct regex *regex);

/* SPDX-License-Identifier: Apache-2.0 */
/* Matcher - decides all string patterns on one field together, in one pass that does not grow with their number.
 *
 * The table is flat bytes inside a program, built by compile/strings.c: exact strings by hash with verification,
 * prefixes, suffixes, and the literals that globs and substrings require by a multi-pattern automaton (Aho and
 * Corasick, 1975), each hit verified. Pure, no allocation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Call `on_match(pattern, data)` once for each pattern that the bytes match, in no particular order. Patterns are
 * numbered as the builder was given them. `cut`: the bytes are a prefix of the true value; then only what the prefix
 * decides is reported through on_match, and what it leaves open through on_open. */
struct matcher_sink {
        void (*on_match)(uint32_t pattern, void *data);
        void (*on_open)(uint32_t pattern, void *data);
        void *data;
};
void matcher_run(const void *table, const char *bytes, size_t length, bool cut, const struct matcher_sink *sink);

/* Every offset and index inside the table is in range. `n_patterns`: as the program says. */
bool matcher_verify(const void *table, size_t size, uint32_t n_patterns);

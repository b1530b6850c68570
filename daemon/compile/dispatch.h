/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch - which first steps have to be tried for an event.
 *
 * A first step that cannot be taken unless a string predicate is true, or one of several, is filed under each of these.
 * A matcher decides them for all policies in one pass: then the cost of an event depends on what it matches and not on
 * how many policies there are. All others are filed under their kind, and tried for every event of it. */
#pragma once

#include "compile/compilation.h"

/* Tell each condition and predicate the kinds of events that it is asked of. Before strings_find_candidates(). */
void dispatch_spread_kinds(struct compilation *c);

/* Mark the predicates under which first steps will be filed. Before strings_build_matchers(). */
void dispatch_mark_starts(struct compilation *c);

/* File every first step. After strings_build_matchers(). */
void dispatch_file_starts(struct compilation *c);

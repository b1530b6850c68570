/* SPDX-License-Identifier: Apache-2.0 */
/* Expect - the alerts that a story must give, as people write them, against those that it gave.
 *
 *      reverse_shell steps=1@2s,3@4s key=tree:sh $peer=203.0.113.5
 *
 * Every alert has one line, in any order of what happens at the same time. What a line does not say of `starts`, of
 * captures and of counts of a repetition is not asked; path, steps, key, uncertain, gap and summary are. */
#pragma once

#include "outcome.h"
#include "story/story.h"

/* Add what differs to the report. `expect` may be NULL: nothing is asked. */
void expect_check(struct story *story, const struct outcome_list *outcomes, const char *expect, uint32_t first_line,
                  struct strbuf *report);

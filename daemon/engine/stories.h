/* SPDX-License-Identifier: Apache-2.0 */
/* Stories - the open runs, for people who ask what is under way. Between events. Pure; nothing changes. */
#pragma once

#include "engine/engine.h"
#include "engine/scope.h"

struct engine_story {
        uint32_t path;                  /* of the current program */
        uint8_t n_done;                 /* steps taken */
        uint64_t deadline_ns;           /* when it ends or falls back if nothing comes; UINT64_MAX: never */
        char key[SCOPE_TEXT];           /* whose, printable */
};

/* At most `max` of them, those of the busiest keys first. */
void engine_stories(struct engine *engine, size_t max, void (*on_story)(const struct engine_story *story, void *data),
                    void *data);

/* Of all paths of the current program at once: how often each matched, how many runs of it are open, and how many made
 * room for others. Arrays as long as the program has paths. */
void engine_path_totals(const struct engine *engine, uint64_t *ret_matches, uint64_t *ret_open, uint64_t *ret_evicted);

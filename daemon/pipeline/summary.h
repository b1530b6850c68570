/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Summary - what a stream came to, for people, at its end: events per kind, alerts per policy, losses per kind and
 * reason. Every event that the kernel's side produced is accounted for: produced = delivered + dropped. Pure. */

#include "capture/capture.h"
#include "pipeline/pipeline.h"

struct strbuf;

/* Lines, each ended. `watched_ns` is how long it went on. */
void summary_put(const struct capture_stats *capture, const struct pipeline_stats *pipeline,
                 const struct report *report, uint64_t watched_ns, struct strbuf *b);

/* All that was lost, over kinds and reasons. */
uint64_t summary_dropped(const struct capture_stats *capture);

/* SPDX-License-Identifier: Apache-2.0 */
/* Lineage - walking up from a process over its creators.
 *
 *      lineage_begin(&lineage, table, process);
 *      while ((ancestor = lineage_next(&lineage)))
 *              ...
 *      if (lineage.broken)
 *              there may be more of them, which nobody knows
 * The process itself is not among its ancestors. Good until the table changes. Pure. */
#pragma once

#include <stdbool.h>

#include "event/value.h"
#include "process/process-table.h"

/* Steps that are looked at: an attacker chooses how long his chain is, and every event of his would walk it. What is
 * above is as good as not known. */
#define LINEAGE_MAX 128

struct lineage {
        const struct process_table *table;
        const struct process *at;
        unsigned n_steps;
        bool broken;
};

void lineage_begin(struct lineage *lineage, const struct process_table *table, const struct process *process);

/* The next one up; NULL at the top, or where the chain breaks. */
const struct process *lineage_next(struct lineage *lineage);

/* Did `ancestor`, or a process that it created, and so on, create this one? Unknown where the chain breaks, unless what
 * is left of it is older than `ancestor` in any case. A process is no descendant of itself. */
enum truth lineage_is_descendant(const struct process_table *table, const struct process *process,
                                 const struct identity *ancestor);

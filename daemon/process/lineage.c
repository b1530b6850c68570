/* SPDX-License-Identifier: Apache-2.0 */
#include "process/lineage.h"

void lineage_begin(struct lineage *lineage, const struct process_table *table, const struct process *process) {
        *lineage = (struct lineage){ .table = table, .at = process };
}

const struct process *lineage_next(struct lineage *lineage) {
        const struct process *creator;
        bool unknown;

        if (!lineage->at)
                return NULL;

        creator = process_table_creator(lineage->table, lineage->at, &unknown);
        if (creator && lineage->n_steps++ == LINEAGE_MAX) {
                creator = NULL;
                unknown = true;
        }
        lineage->broken = unknown;
        lineage->at = creator;
        return creator;
}

enum truth lineage_is_descendant(const struct process_table *table, const struct process *process,
                                 const struct identity *ancestor) {
        struct lineage lineage;

        lineage_begin(&lineage, table, process);
        for (const struct process *at = process; at; at = lineage_next(&lineage)) {
                /* Named by its child, be it in the table or not. */
                if (identity_equal(&at->creator, ancestor))
                        return TRUTH_TRUE;
                /* Who started before the ancestor was not created below it, nor was anybody further up. */
                if (at->id.start_ns < ancestor->start_ns)
                        return TRUTH_FALSE;
                if (at->creator.pid != 0 && at->creator.start_ns < ancestor->start_ns)
                        return TRUTH_FALSE;
        }
        return lineage.broken ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

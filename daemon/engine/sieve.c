/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sieve.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "engine/eval.h"
#include "engine/plan.h"

struct sieve {
        struct program *program;        /* owned reference */
        struct plan plan;
        struct evidence evidence;       /* its secret is what comparisons of fields need; nothing is kept */
        struct eval eval;
};

int sieve_new(struct program *program, const struct process_table *table, struct sieve **ret) {
        _cleanup_(sieve_freep) struct sieve *sieve = NULL;
        int r;

        assert(program && table && ret);

        sieve = calloc(1, sizeof(*sieve));
        if (!sieve)
                return -ENOMEM;
        sieve->program = program_ref(program);
        r = plan_init(&sieve->plan, program);
        if (r >= 0)
                r = evidence_init(&sieve->evidence, 1, 1, 256);
        if (r >= 0)
                r = eval_init(&sieve->eval, program, &sieve->plan, table, &sieve->evidence);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(sieve);
        return 0;
}

struct sieve *sieve_free(struct sieve *sieve) {
        if (!sieve)
                return NULL;
        eval_done(&sieve->eval);
        evidence_done(&sieve->evidence);
        plan_done(&sieve->plan);
        program_unref(sieve->program);
        free(sieve);
        return NULL;
}

static enum truth edge_takes(struct sieve *sieve, const struct edge *edge, const struct event *event) {
        if (edge->type != EDGE_ADVANCE || edge->kind != event_kind(event))
                return TRUTH_FALSE;
        if (!edge->any_result && event->wire->flags & WIRE_FAILED)
                return TRUTH_FALSE;
        return eval_condition(&sieve->eval, edge->condition, EVIDENCE_NONE);
}

enum truth sieve_look(struct sieve *sieve, const struct event *event, const struct process *actor) {
        const struct program *program = sieve->program;
        uint64_t kind = wire_kind_bit(event_kind(event));
        enum truth truth = TRUTH_FALSE;
        bool begun = false;

        for (uint32_t p = 0; p < program->n_paths && truth != TRUTH_TRUE; p++) {
                const struct position *start = &program->positions[program->paths[p].positions.first];

                if (!(program->paths[p].kinds & kind))
                        continue;
                if (!begun)
                        eval_begin(&sieve->eval, event, actor);
                begun = true;
                for (uint32_t e = 0; e < start->edges.n && truth != TRUTH_TRUE; e++)
                        truth = truth_or(truth, edge_takes(sieve, &program->edges[start->edges.first + e], event));
        }
        return truth;
}

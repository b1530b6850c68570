/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/dispatch.h"

#include <errno.h>
#include <stdlib.h>

#include "compile/required.h"

void dispatch_spread_kinds(struct compilation *c) {
        if (c->out.error < 0)
                return;

        ARRAY_FOREACH(edge, &c->out.edges)
                c->conditions.items[edge->condition].kinds |= UINT64_C(1) << edge->kind;
        ARRAY_FOREACH(path, &c->out.paths)
                for (uint32_t i = 0; i < path->exceptions.n; i++)
                        c->conditions.items[c->out.exceptions.items[path->exceptions.first + i].condition].kinds |= path->kinds;

        /* Children stand before their parents. */
        for (size_t i = c->conditions.n; i-- > 0;) {
                const struct condition *condition = &c->out.conditions.items[i];
                uint64_t kinds = c->conditions.items[i].kinds;
                const struct field_info *field;

                switch ((enum condition_op)condition->op) {
                case CONDITION_PREDICATE:
                        /* An exception names fields of several kinds; each exists in its own only. */
                        field = schema_field((enum field)c->out.predicates.items[condition->args.first].field);
                        if (field->scope == FIELD_EVENT)
                                kinds &= UINT64_C(1) << field->kind;
                        c->predicates.items[condition->args.first].kinds |= kinds;
                        break;
                case CONDITION_NOT:
                        c->conditions.items[condition->args.first].kinds |= kinds;
                        break;
                case CONDITION_AND:
                case CONDITION_OR:
                        for (uint32_t k = 0; k < condition->args.n; k++)
                                c->conditions.items[c->out.children.items[condition->args.first + k].value].kinds |= kinds;
                        break;
                case CONDITION_TRUE:
                case CONDITION_FALSE:
                case CONDITION_GUARD:
                case _CONDITION_OP_MAX:
                        break;
                }
        }
}

/* How rarely a predicate is true, guessed: whole strings before long parts of them, these before short ones; what the event says before who
 * says it, for there are a few processes of each name, but millions of their events. */
static uint32_t selectivity(const struct compilation *c, const struct predicate *predicate) {
        uint32_t score = 0;

        switch ((int)predicate->op) {
        case PREDICATE_STRING: score = 1000 + MIN(predicate->string.length, 100U); break;
        case PREDICATE_STRING_FOLD: score = 990; break;
        case PREDICATE_IN_STRINGS: score = 900 - MIN(predicate->list.n, 400U); break;
        case PREDICATE_CONTAINS:
        case PREDICATE_SUFFIX:
        case PREDICATE_PREFIX: score = 10 * MIN(predicate->string.length, 40U); break;
        case PREDICATE_GLOB: score = 8 * MIN(predicate->string.length, 40U); break;
        case PREDICATE_IN_GLOBS: score = 40; break;
        }
        return predicate->subject == SUBJECT_EVENT ? 2 * score : score;
}

struct choice {
        const struct compilation *c;
        uint32_t best, score;
};

static void on_required(uint32_t number, bool negated, void *data) {
        struct choice *choice = data;
        uint32_t score;

        if (negated || !choice->c->predicates.items[number].matched)
                return;
        score = selectivity(choice->c, &choice->c->out.predicates.items[number]);
        if (score > choice->score) {
                choice->best = number;
                choice->score = score;
        }
}

struct filing {
        uint64_t under;                 /* kind, or 2^32 + predicate */
        struct start start;
};

static int filing_compare(const void *a, const void *b) {
        const struct filing *x = a, *y = b;

        if (x->under != y->under)
                return x->under < y->under ? -1 : 1;
        if (x->start.path != y->start.path)
                return x->start.path < y->start.path ? -1 : 1;
        return (x->start.edge > y->start.edge) - (x->start.edge < y->start.edge);
}

#define UNDER_PREDICATE (UINT64_C(1) << 32)

static uint64_t file_under(const struct compilation *c, const struct edge *edge) {
        struct choice choice = {.c = c, .best = PROGRAM_NONE};

        if (!c->options->no_dispatch)
                required_each(c, edge->condition, on_required, &choice);
        return choice.best != PROGRAM_NONE ? UNDER_PREDICATE + choice.best : edge->kind;
}

void dispatch_file_starts(struct compilation *c) {
        struct filing *filings;
        size_t n = 0;

        if (c->out.error < 0)
                return;

        ARRAY_FOREACH(path, &c->out.paths)
                n += c->out.positions.items[path->positions.first].edges.n;
        filings = arena_new_array(&c->arena, struct filing, n);
        if (!filings || array_reserve(&c->out.predicate_starts, c->out.predicates.n) < 0) {
                assembly_note(&c->out, -ENOMEM);
                return;
        }

        n = 0;
        for (uint32_t i = 0; i < c->out.paths.n; i++) {
                struct program_range edges = c->out.positions.items[c->out.paths.items[i].positions.first].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++)
                        filings[n++] = (struct filing){.under = file_under(c, &c->out.edges.items[k]), .start = {.path = i, .edge = k}};
        }
        qsort(filings, n, sizeof(*filings), filing_compare);

        for (uint32_t i = 0; i < c->out.predicates.n; i++)
                assembly_note(&c->out, array_push(&c->out.predicate_starts, (struct program_range){}));
        for (size_t i = 0; i < n; i++) {
                struct program_range *range = filings[i].under >= UNDER_PREDICATE
                                                      ? &c->out.predicate_starts.items[filings[i].under - UNDER_PREDICATE]
                                                      : &c->out.kind_starts[filings[i].under];
                uint32_t at = ASSEMBLY_ADD(&c->out, starts, filings[i].start);

                if (range->n++ == 0)
                        range->first = at;
        }
}

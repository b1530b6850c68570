/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/dispatch.h"

#include <errno.h>
#include <stdlib.h>

#define CHOICE_MAX 32                   /* predicates that one first step is filed under */

void dispatch_spread_kinds(struct compilation *c) {
        if (c->out.error < 0)
                return;

        ARRAY_FOREACH(edge, &c->out.edges)
                c->conditions.items[edge->condition].kinds |= wire_kind_bit(edge->kind);
        ARRAY_FOREACH(until, &c->out.untils)
                c->conditions.items[until->condition].kinds |= wire_kind_bit(until->kind);
        ARRAY_FOREACH(path, &c->out.paths)
                for (uint32_t i = 0; i < path->exceptions.n; i++)
                        c->conditions.items[c->out.exceptions.items[path->exceptions.first + i].condition].kinds |=
                                path->kinds;

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
                                kinds &= wire_kind_bit(field->kind);
                        c->predicates.items[condition->args.first].kinds |= kinds;
                        break;
                case CONDITION_NOT:
                case CONDITION_ANCESTOR:
                        c->conditions.items[condition->args.first].kinds |= kinds;
                        break;
                case CONDITION_AND:
                case CONDITION_OR:
                        for (uint32_t k = 0; k < condition->args.n; k++)
                                c->conditions.items[c->out.children.items[condition->args.first + k].value].kinds |=
                                        kinds;
                        break;
                case CONDITION_TRUE:
                case CONDITION_FALSE:
                case CONDITION_GUARD:
                case _CONDITION_OP_MAX:
                        break;
                }
        }
}

/* How rarely a predicate is true, guessed: whole strings before long parts of them, these before short ones; what the
 * event says before who says it, for there are a few processes of each name, but millions of their events. */
static uint32_t selectivity(const struct compilation *c, const struct predicate *predicate) {
        uint32_t score = 0;

        switch ((int)predicate->op) {
        case PREDICATE_STRING: score = 1000 + MIN(predicate->string.length, 100U); break;
        case PREDICATE_STRING_FOLD: score = 990; break;
        case PREDICATE_IN_STRINGS: score = 900 - MIN(predicate->list.n, 400U); break;
        case PREDICATE_CONTAINS_FOLD:
        case PREDICATE_SUFFIX_FOLD:
        case PREDICATE_PREFIX_FOLD:
        case PREDICATE_CONTAINS:
        case PREDICATE_SUFFIX:
        case PREDICATE_PREFIX: score = 10 * MIN(predicate->string.length, 40U); break;
        case PREDICATE_GLOB: score = 8 * MIN(predicate->string.length, 40U); break;
        case PREDICATE_IN_GLOBS: score = 40; break;
        }
        return predicate->subject == SUBJECT_EVENT ? 2 * score : score;
}

/* Predicates of which at least one is true whenever a condition is. */
struct choice {
        uint32_t predicates[CHOICE_MAX];
        uint32_t n;
        uint32_t score;                 /* the higher the rarer; 0: there is no such set */
};

static void choose(const struct compilation *c, uint32_t condition, struct choice *ret);

/* All children must be true: the one that is true most rarely will do. */
static void choose_of_all(const struct compilation *c, struct program_range children, struct choice *ret) {
        for (uint32_t i = 0; i < children.n; i++) {
                struct choice one;

                choose(c, c->out.children.items[children.first + i].value, &one);
                if (one.score > ret->score)
                        *ret = one;
        }
}

/* One of the children must be true: so it takes a choice of each, and is as frequent as all of them. */
static void choose_of_any(const struct compilation *c, struct program_range children, struct choice *ret) {
        struct choice sum = {.score = UINT32_MAX};

        for (uint32_t i = 0; i < children.n; i++) {
                struct choice one;

                choose(c, c->out.children.items[children.first + i].value, &one);
                if (one.score == 0 || sum.n + one.n > CHOICE_MAX)
                        return;
                for (uint32_t k = 0; k < one.n; k++)
                        sum.predicates[sum.n++] = one.predicates[k];
                sum.score = MIN(sum.score, one.score);
        }
        sum.score = MAX(sum.score - MIN(sum.score, 4 * sum.n), 1U);
        *ret = sum;
}

static void choose(const struct compilation *c, uint32_t condition, struct choice *ret) {
        const struct condition *of = &c->out.conditions.items[condition];
        uint32_t predicate;

        *ret = (struct choice){};
        switch ((enum condition_op)of->op) {
        case CONDITION_PREDICATE:
                predicate = of->args.first;
                if (c->predicates.items[predicate].matched)
                        *ret = (struct choice){.predicates = {predicate},
                                               .n = 1,
                                               .score = selectivity(c, &c->out.predicates.items[predicate])};
                return;
        case CONDITION_AND:
                choose_of_all(c, of->args, ret);
                return;
        case CONDITION_OR:
                choose_of_any(c, of->args, ret);
                return;
        case CONDITION_NOT:
        case CONDITION_ANCESTOR:
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case CONDITION_GUARD:
        case _CONDITION_OP_MAX:
                return;
        }
}

/* What a first step is filed under; nothing: its kind. */
static void choose_for_edge(const struct compilation *c, const struct edge *edge, struct choice *ret) {
        *ret = (struct choice){};
        if (compilation_does(c, COMPILE_PASS_DISPATCH))
                choose(c, edge->condition, ret);
}

void dispatch_mark_starts(struct compilation *c) {
        if (c->out.error < 0)
                return;

        ARRAY_FOREACH(path, &c->out.paths) {
                struct program_range edges = c->out.positions.items[path->positions.first].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++) {
                        struct choice choice;

                        choose_for_edge(c, &c->out.edges.items[k], &choice);
                        for (uint32_t i = 0; choice.score > 0 && i < choice.n; i++)
                                c->predicates.items[choice.predicates[i]].begins = true;
                }
        }
}

struct filing {
        uint64_t under;                 /* kind, or UNDER_PREDICATE + predicate */
        struct start start;
};

#define UNDER_PREDICATE (UINT64_C(1) << 32)

static int filing_compare(const void *a, const void *b) {
        const struct filing *x = a, *y = b;

        if (x->under != y->under)
                return x->under < y->under ? -1 : 1;
        if (x->start.path != y->start.path)
                return x->start.path < y->start.path ? -1 : 1;
        return (x->start.edge > y->start.edge) - (x->start.edge < y->start.edge);
}

struct filings ARRAY_BODY(struct filing);

static int file_edge(struct compilation *c, struct filings *filings, struct start start) {
        const struct edge *edge = &c->out.edges.items[start.edge];
        struct choice choice;
        int r = 0;

        choose_for_edge(c, edge, &choice);
        compilation_count(c, COMPILE_PASS_DISPATCH, 1, choice.score == 0);
        if (choice.score == 0)
                return array_push(filings, ((struct filing){.under = edge->kind, .start = start}));
        for (uint32_t i = 0; i < choice.n && r >= 0; i++)
                r = array_push(filings,
                               ((struct filing){.under = UNDER_PREDICATE + choice.predicates[i], .start = start}));
        return r;
}

static int file_all(struct compilation *c, struct filings *filings) {
        for (uint32_t i = 0; i < c->out.paths.n; i++) {
                struct program_range edges = c->out.positions.items[c->out.paths.items[i].positions.first].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++) {
                        int r = file_edge(c, filings, (struct start){.path = i, .edge = k});

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

void dispatch_file_starts(struct compilation *c) {
        struct filings filings = {};

        if (c->out.error < 0)
                return;

        assembly_note(&c->out, file_all(c, &filings));
        if (filings.n > 0)
                qsort(filings.items, filings.n, sizeof(*filings.items), filing_compare);
        for (uint32_t i = 0; i < c->out.predicates.n; i++)
                assembly_note(&c->out, array_push(&c->out.predicate_starts, (struct program_range){}));

        for (size_t i = 0; i < filings.n && c->out.error == 0; i++) {
                const struct filing *filing = &filings.items[i];
                struct program_range *range;
                uint32_t at;

                /* An alternative that was written twice. */
                if (i > 0 && filing_compare(filing, filing - 1) == 0)
                        continue;
                range = filing->under >= UNDER_PREDICATE
                              ? &c->out.predicate_starts.items[filing->under - UNDER_PREDICATE]
                              : &c->out.kind_starts[filing->under];
                at = ASSEMBLY_ADD(&c->out, starts, filing->start);
                if (range->n++ == 0)
                        range->first = at;
        }
        array_done(&filings);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "program/aggregate.h"

#include "base/macro.h"

/* What is the same for all events of a burst. What a parent or an ancestor is may have changed until they are told; of
 * the process itself what changes with an exec or an event of its own stands in the record, or they are told before. */
static bool predicate_is_steady(const struct predicate *predicate) {
        switch ((enum program_subject)predicate->subject) {
        case SUBJECT_EVENT: return !event_field_varies((enum field)predicate->field);
        case SUBJECT_PROCESS: return true;
        case SUBJECT_PARENT:
        case SUBJECT_ANCESTOR:
        case SUBJECT_EACH:
        case _SUBJECT_MAX: break;
        }
        return false;
}

static bool condition_is_steady(const struct program *p, uint32_t number) {
        const struct condition *condition = &p->conditions[number];

        switch ((enum condition_op)condition->op) {
        case CONDITION_TRUE:
        case CONDITION_FALSE: return true;
        case CONDITION_PREDICATE: return predicate_is_steady(&p->predicates[condition->args.first]);
        case CONDITION_AND:
        case CONDITION_OR:
                for (uint32_t i = 0; i < condition->args.n; i++)
                        if (!condition_is_steady(p, p->children[condition->args.first + i].value))
                                return false;
                return true;
        case CONDITION_NOT: return condition_is_steady(p, condition->args.first);
        case CONDITION_GUARD:
        case CONDITION_ANCESTOR:
        case _CONDITION_OP_MAX: break;
        }
        return false;
}

static bool window_is_long(uint64_t ns) {
        return ns == 0 || ns >= AGGREGATE_MIN_WINDOW_NS;
}

static uint32_t clamp_most(uint32_t n) {
        return n < 1 ? 1 : MIN(n, (uint32_t)WIRE_MAX_AGGREGATE);
}

/* How many events complete the path by this edge alone; 0: it needs each. */
static uint32_t edge_most(const struct program *p, const struct path *path, const struct position *position,
                          const struct edge *edge) {
        if (edge->writes.n > 0 || !condition_is_steady(p, edge->condition))
                return 0;
        switch ((enum edge_type)edge->type) {
        case EDGE_ADVANCE:
                /* The others are joined to the first, if any are. */
                return edge->target == POSITION_ACCEPT && path->suppress_ns >= AGGREGATE_MIN_WINDOW_NS
                               ? WIRE_MAX_AGGREGATE
                               : 0;
        case EDGE_COUNT: {
                const struct repeat *repeat = &p->repeats[position->repeat];

                if (edge->target != POSITION_ACCEPT || repeat->distinct || !window_is_long(repeat->within_ns) ||
                    !window_is_long(path->within_ns))
                        return 0;
                return clamp_most(repeat->n - 1);
        }
        case EDGE_SCORE:
                /* What is over the threshold is forgotten: between steps of different worth the order matters. */
                if (position->edges.n > 1)
                        return 0;
                return clamp_most(path->score.threshold / (uint32_t)edge->points);
        case EDGE_LOOP:
        case EDGE_KILL:
        case _EDGE_TYPE_MAX: break;
        }
        return 0;
}

uint32_t aggregate_most(const struct program *p, const struct path *path, enum wire_kind kind) {
        const struct position *position = &p->positions[path->positions.first];
        uint32_t most = WIRE_MAX_AGGREGATE;

        /* A descent is that of whoever is still there. */
        if (path->positions.n != 1 || path->untils.n > 0 || position->absence != PROGRAM_NONE ||
            path->by == KEY_DESCENT || schema_kind(kind)->class != EVENT_EVENT)
                return 0;
        for (uint32_t i = 0; i < path->exceptions.n; i++) {
                const struct path_exception *exception = &p->exceptions[path->exceptions.first + i];

                if (exception->slots != 0 || !condition_is_steady(p, exception->condition))
                        return 0;
        }
        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *edge = &p->edges[position->edges.first + i];
                uint32_t n = edge->kind == kind ? edge_most(p, path, position, edge) : WIRE_MAX_AGGREGATE;

                most = MIN(most, n);
        }
        return most;
}

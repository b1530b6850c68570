/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-verify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "program/matcher.h"
#include "program/predicate.h"

enum filed {
        FILED_NOT,
        FILED_KIND,
        FILED_PREDICATE,
};

enum mark {
        MARK_EACH = 1U << 0,            /* reads a creator that a condition around it has to choose */
        MARK_ANCESTOR = 1U << 1,        /* chooses one */
};

/* What is learned on the way. */
struct verifier {
        const struct program *p;
        const char *where;
        uint64_t work_left; /* records that may still be looked at through ranges: overlapping ones must not multiply */
        uint32_t *condition_slots;      /* owned; by condition: captures that it reads */
        uint8_t *condition_marks;       /* owned; by condition: enum mark */
        uint32_t *condition_nodes;      /* owned; by condition: how many it has, written out as a tree */
        uint64_t *decided;              /* owned; by predicate: kinds for which a matcher decides it */
        uint8_t *filed;                 /* owned; by edge: enum filed */
        uint64_t next_position, next_edge, next_child, next_exception, next_until, next_repeat, next_absence,
                next_start;
};

static void verifier_done(struct verifier *v) {
        free(v->condition_slots);
        free(v->condition_marks);
        free(v->condition_nodes);
        free(v->decided);
        free(v->filed);
}

/* Every check reads: if not so, say where and stop. */
#define CHECK(v, condition, text)                                                                                      \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        (v)->where = (text);                                                                           \
                        return false;                                                                                  \
                }                                                                                                      \
        } while (0)

static bool range_in(struct verifier *v, struct program_range range, uint64_t n) {
        if (range.first > n || range.n > n - range.first || range.n > v->work_left)
                return false;
        v->work_left -= range.n;
        return true;
}

/* Ranges that follow each other: record by record, each belongs to one owner. */
static bool range_next(struct program_range range, uint64_t *next, uint64_t n) {
        if (range.first != *next || range.n > n - *next)
                return false;
        *next += range.n;
        return true;
}

static bool string_in(struct verifier *v, struct program_string string) {
        uint32_t n = v->p->header->bytes.n;

        return string.offset < n && string.length < n - string.offset &&
               v->p->bytes[string.offset + string.length] == 0;
}

static bool strings_in(struct verifier *v, struct program_range range) {
        if (!range_in(v, range, v->p->n_texts))
                return false;
        for (uint32_t i = 0; i < range.n; i++)
                if (!string_in(v, v->p->texts[range.first + i]))
                        return false;
        return true;
}

static int string_compare(struct verifier *v, struct program_string a, struct program_string b) {
        size_t n = MIN(a.length, b.length);
        int order = n > 0 ? memcmp(program_text(v->p, a), program_text(v->p, b), n) : 0;

        return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* The subject says where the value comes from, so which fields it can have. */
static bool field_in(uint16_t field, uint8_t subject, int16_t index) {
        const struct field_info *info = schema_field((enum field)field);

        if (!info || subject >= _SUBJECT_MAX)
                return false;
        if ((info->scope == FIELD_PROCESS) != (subject != SUBJECT_EVENT))
                return false;
        return info->type == VALUE_LIST ? index >= INDEX_ANY : index == INDEX_NONE;
}

static bool verify_header(struct verifier *v) {
        const struct interest *interest = &v->p->header->interest;

        CHECK(v, interest->kinds >> _WIRE_KIND_MAX == 0 && (interest->kinds & 1) == 0, "kinds of interest");
        CHECK(v, interest->content_bytes <= WIRE_MAX_CONTENT, "bytes of content");
        CHECK(v, interest->n_env <= INTEREST_MAX_ENV, "number of variables");
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                uint8_t flags[2];

                memcpy(&flags[0], &interest->filter[kind].failures, 1);
                memcpy(&flags[1], &interest->filter[kind].successes, 1);
                CHECK(v, flags[0] <= 1 && flags[1] <= 1, "filter of a kind");
        }
        for (uint32_t i = 0; i < interest->n_env; i++) {
                const char *name = interest->env[i];

                CHECK(v, name[0] && memchr(name, 0, INTEREST_MAX_ENV_NAME) && !strchr(name, '='), "name of a variable");
        }
        return true;
}

static bool verify_list(struct verifier *v, const struct predicate *predicate) {
        struct program_range list = predicate->list;

        CHECK(v, list.n > 0, "empty list");
        if (predicate->op == PREDICATE_IN_NUMBERS) {
                CHECK(v, range_in(v, list, v->p->n_numbers), "list of numbers");
                for (uint32_t i = 1; i < list.n; i++)
                        CHECK(v, v->p->numbers[list.first + i - 1].value < v->p->numbers[list.first + i].value,
                              "order of a list of numbers");
        } else if (predicate->op == PREDICATE_IN_NETWORKS) {
                CHECK(v, range_in(v, list, v->p->n_networks), "list of networks");
        } else {
                CHECK(v, strings_in(v, list), "list of strings");
                for (uint32_t i = 1; i < list.n; i++)
                        CHECK(v, string_compare(v, v->p->texts[list.first + i - 1], v->p->texts[list.first + i]) < 0,
                              "order of a list of strings");
        }
        return true;
}

static bool verify_predicate(struct verifier *v, const struct predicate *predicate) {
        const struct field_info *info;
        enum value_type type;

        CHECK(v, predicate->op < _PREDICATE_OP_MAX, "operation of a predicate");
        CHECK(v, predicate->pad == 0, "padding of a predicate");
        CHECK(v, field_in(predicate->field, predicate->subject, predicate->index), "field of a predicate");

        info = schema_field((enum field)predicate->field);
        type = info->type;
        if (type == VALUE_LIST && predicate->op != PREDICATE_KNOWN) {
                CHECK(v, predicate->index != INDEX_NONE, "list compared as a whole");
                type = VALUE_STRING;
        }

        switch (predicate_operand((enum predicate_op)predicate->op)) {
        case OPERAND_KIND_NUMBER:
                CHECK(v, type == VALUE_NUMBER, "type of a number's field");
                return true;
        case OPERAND_KIND_NUMBERS:
                CHECK(v, type == VALUE_NUMBER, "type of a number's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_STRING:
                CHECK(v, type == VALUE_STRING, "type of a string's field");
                CHECK(v, string_in(v, predicate->string), "string of a predicate");
                return true;
        case OPERAND_KIND_STRINGS:
                CHECK(v, type == VALUE_STRING, "type of a string's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_REGEX:
                CHECK(v, type == VALUE_STRING, "type of a regex's field");
                CHECK(v, predicate->regex < v->p->n_regexes, "regex of a predicate");
                return true;
        case OPERAND_KIND_NETWORKS:
                CHECK(v, type == VALUE_ADDRESS, "type of an address's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_NONE:
                return true;
        }
        return false;
}

static bool verify_network(struct verifier *v, const struct program_network *network) {
        unsigned bits = network->address.family == AF_INET ? 32 : network->address.family == AF_INET6 ? 128 : 0;

        CHECK(v, bits > 0 && network->prefix <= bits && network->pad == 0, "network");
        return true;
}

static bool verify_guard(struct verifier *v, const struct guard *guard) {
        const struct field_info *info;

        CHECK(v, guard->op < _GUARD_OP_MAX, "operation of a guard");
        CHECK(v, field_in(guard->field, guard->subject, guard->index), "field of a guard");
        CHECK(v, guard->slot < PROGRAM_MAX_SLOTS, "slot of a guard");
        info = schema_field((enum field)guard->field);
        CHECK(v, guard->op == GUARD_EQUAL || info->type == VALUE_NUMBER, "order of what is no number");
        return true;
}

static bool verify_condition(struct verifier *v, uint32_t i) {
        const struct condition *conditions = v->p->conditions, *condition = &conditions[i];
        struct program_range args = condition->args;
        bool run_free = true;
        uint32_t slots = 0, nodes = 1;
        uint8_t marks = 0;
        unsigned depth = 0;

        switch ((enum condition_op)condition->op) {
        case CONDITION_TRUE:
        case CONDITION_FALSE:
                CHECK(v, args.first == 0 && args.n == 0, "arguments of a constant");
                break;
        case CONDITION_PREDICATE:
                CHECK(v, args.first < v->p->n_predicates && args.n == 0, "predicate of a condition");
                if (v->p->predicates[args.first].subject == SUBJECT_EACH) {
                        marks = MARK_EACH;
                        run_free = false;
                }
                break;
        case CONDITION_GUARD:
                CHECK(v, args.first < v->p->n_guards && args.n == 0, "guard of a condition");
                run_free = false;
                slots = 1U << v->p->guards[args.first].slot;
                marks = v->p->guards[args.first].subject == SUBJECT_EACH ? MARK_EACH : 0;
                break;
        case CONDITION_ANCESTOR:
        case CONDITION_NOT:
                CHECK(v, args.first < i && args.n == 0, "child of a condition");
                run_free = conditions[args.first].run_free;
                slots = v->condition_slots[args.first];
                marks = v->condition_marks[args.first];
                if (condition->op == CONDITION_ANCESTOR) {
                        CHECK(v, !(marks & MARK_ANCESTOR), "ancestor of an ancestor");
                        marks = MARK_ANCESTOR;
                        run_free = slots == 0;
                }
                depth = conditions[args.first].depth + 1U;
                nodes += v->condition_nodes[args.first];
                break;
        case CONDITION_AND:
        case CONDITION_OR:
                CHECK(v, args.n > 0 && range_next(args, &v->next_child, v->p->n_children), "children of a condition");
                for (uint32_t k = args.first; k < args.first + args.n; k++) {
                        uint32_t child = v->p->children[k].value;

                        CHECK(v, child < i, "child of a condition");
                        run_free = run_free && conditions[child].run_free;
                        slots |= v->condition_slots[child];
                        marks |= v->condition_marks[child];
                        depth = MAX(depth, conditions[child].depth + 1U);
                        nodes += v->condition_nodes[child];
                        CHECK(v, nodes <= PROGRAM_MAX_NODES, "size of a condition");
                }
                break;
        case _CONDITION_OP_MAX:
        default:
                CHECK(v, false, "operation of a condition");
        }

        CHECK(v, depth <= PROGRAM_MAX_DEPTH && condition->depth == depth, "depth of a condition");
        CHECK(v, *(const uint8_t *)&condition->run_free == run_free, "whether a condition looks at captures");
        CHECK(v, nodes <= PROGRAM_MAX_NODES, "size of a condition");
        v->condition_slots[i] = slots;
        v->condition_marks[i] = marks;
        v->condition_nodes[i] = nodes;
        return true;
}

static bool verify_step(struct verifier *v, const struct step *step) {
        CHECK(v, step->number > 0, "number of a step");
        CHECK(v, schema_kind((enum wire_kind)step->kind), "kind of a step");
        CHECK(v, step->block == PROGRAM_NONE || step->block < v->p->n_blocks, "block of a step");
        CHECK(v, range_in(v, step->fields, v->p->n_fields), "fields of a step");
        for (uint32_t i = 0; i < step->fields.n; i++) {
                const struct step_field *field = &v->p->fields[step->fields.first + i];

                CHECK(v, field->subject != SUBJECT_EACH && field_in(field->field, field->subject, field->index),
                      "field of a step");
        }
        CHECK(v, strings_in(v, step->respond), "responders of a step");
        return true;
}

static bool verify_block(struct verifier *v, uint32_t i) {
        const struct block *block = &v->p->blocks[i];

        CHECK(v, string_in(v, block->name), "name of a block");
        CHECK(v, block->first < PROGRAM_MAX_POSITIONS && block->depth < PROGRAM_MAX_WINDOWS, "place of a block");
        CHECK(v, block->clears >> PROGRAM_MAX_SLOTS == 0, "slots of a block");
        if (block->parent == PROGRAM_NONE) {
                CHECK(v, block->depth == 0, "depth of a block");
                return true;
        }

        /* Parents come first, so nobody is their own. */
        CHECK(v, block->parent < i && v->p->blocks[block->parent].within_ns > 0, "parent of a block");
        CHECK(v, block->within_ns > 0 && block->depth == v->p->blocks[block->parent].depth + 1, "depth of a block");
        CHECK(v, block->first >= v->p->blocks[block->parent].first, "start of a block inside another");
        return true;
}

/* Is the windowed block, and all around it, one of this path, and begun no later than at this position? */
static bool block_fits(struct verifier *v, uint32_t i, const struct path *path, uint16_t position) {
        const struct block *block;

        if (i == PROGRAM_NONE)
                return true;
        if (i >= v->p->n_blocks)
                return false;
        block = &v->p->blocks[i];
        return block->within_ns > 0 && block->first <= position && (block->clears >> path->slots.n) == 0;
}

static bool verify_writes(struct verifier *v, const struct path *path, const struct position *position,
                          const struct edge *edge) {
        bool distinct = edge->type == EDGE_COUNT && v->p->repeats[position->repeat].distinct;

        CHECK(v, range_in(v, edge->writes, v->p->n_writes), "captures of an edge");
        CHECK(v, edge->type == EDGE_ADVANCE || edge->writes.n == distinct, "captures of an edge that does not advance");
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &v->p->writes[edge->writes.first + i];
                const struct field_info *info = schema_field((enum field)write->field);

                CHECK(v, distinct ? write->slot == SLOT_DISTINCT : write->slot < path->slots.n, "slot of a capture");
                CHECK(v, *(const uint8_t *)&write->weak <= !distinct, "whether a capture is weak");
                CHECK(v, write->subject < SUBJECT_ANCESTOR, "subject of a capture");
                CHECK(v, field_in(write->field, write->subject, write->index) && write->index != INDEX_ANY,
                      "field of a capture");
                CHECK(v, info->scope != FIELD_EVENT || info->kind == edge->kind, "field of a capture of another kind");
        }
        return true;
}

/* A condition that an event of the path is put to. */
static bool condition_fits(struct verifier *v, uint32_t condition, const struct path *path) {
        return condition < v->p->n_conditions && !(v->condition_marks[condition] & MARK_EACH) &&
               ((uint64_t)v->condition_slots[condition] >> path->slots.n) == 0;
}

static bool target_fits(uint16_t target, const struct path *path, uint16_t at) {
        return target == POSITION_ACCEPT || (target > at && target < path->positions.n);
}

static bool verify_edge(struct verifier *v, const struct path *path, uint16_t at, const struct edge *edge) {
        const struct position *position = &v->p->positions[path->positions.first + at];

        CHECK(v, schema_kind((enum wire_kind)edge->kind), "kind of an edge");
        CHECK(v, edge->type < _EDGE_TYPE_MAX && *(const uint8_t *)&edge->any_result <= 1, "type of an edge");
        CHECK(v, condition_fits(v, edge->condition, path), "condition of an edge");
        CHECK(v, (path->kinds >> edge->kind) & 1, "kinds of a path");
        CHECK(v, (edge->type == EDGE_COUNT) <= (position->repeat != PROGRAM_NONE), "edge that counts for nothing");
        CHECK(v, (edge->type == EDGE_SCORE) == (path->score.threshold > 0), "edge of a score");
        CHECK(v, (edge->type == EDGE_SCORE) == (edge->points > 0) && edge->points >= 0, "points of an edge");
        if (!verify_writes(v, path, position, edge))
                return false;

        if (edge->type == EDGE_KILL)
                CHECK(v, edge->step == PROGRAM_NONE, "step of an edge that ends runs");
        else
                CHECK(v, edge->step < v->p->n_steps && v->p->steps[edge->step].kind == edge->kind, "step of an edge");

        if (edge->type == EDGE_ADVANCE) {
                CHECK(v, target_fits(edge->target, path, at), "target of an edge");
                CHECK(v, block_fits(v, edge->block, path, at), "block of an edge");
                return true;
        }
        CHECK(v, edge->block == PROGRAM_NONE, "block of an edge that does not advance");
        if (edge->type == EDGE_COUNT)
                CHECK(v, target_fits(edge->target, path, at), "target of an edge");
        else
                CHECK(v, edge->target == at && (at > 0 || edge->type == EDGE_SCORE),
                      "place of an edge that does not advance");
        return true;
}

static bool verify_repeat(struct verifier *v, const struct position *position) {
        const struct repeat *repeat;

        if (position->repeat == PROGRAM_NONE)
                return true;
        CHECK(v, position->repeat == v->next_repeat && v->next_repeat++ < v->p->n_repeats, "repeat of a position");
        repeat = &v->p->repeats[position->repeat];
        CHECK(v, repeat->n > 0 && repeat->n <= PROGRAM_MAX_REPEAT && *(const uint8_t *)&repeat->distinct <= 1,
              "repeat");
        return true;
}

static bool verify_absence(struct verifier *v, const struct path *path, uint16_t at, const struct position *position,
                           bool *reachable) {
        const struct absence *absence;

        if (position->absence == PROGRAM_NONE)
                return true;
        CHECK(v, position->absence == v->next_absence && v->next_absence++ < v->p->n_absences, "absence of a position");
        absence = &v->p->absences[position->absence];
        CHECK(v, at > 0 && absence->within_ns > 0 && path->absence, "absence");
        CHECK(v, absence->step < v->p->n_steps, "step of an absence");
        CHECK(v, target_fits(absence->target, path, at), "target of an absence");
        if (absence->target != POSITION_ACCEPT)
                reachable[absence->target] = true;
        return true;
}

static bool verify_position(struct verifier *v, const struct path *path, uint16_t at, bool *reachable,
                            uint64_t *kinds) {
        const struct position *position = &v->p->positions[path->positions.first + at];
        enum edge_type type = EDGE_ADVANCE;
        uint32_t n_of[_EDGE_TYPE_MAX] = {};
        bool waits;

        CHECK(v, reachable[at], "position that cannot be reached");
        CHECK(v, range_next(position->edges, &v->next_edge, v->p->n_edges), "edges of a position");
        if (!verify_repeat(v, position) || !verify_absence(v, path, at, position, reachable))
                return false;
        CHECK(v, block_fits(v, position->block, path, at), "block of a position");
        CHECK(v, position->block == PROGRAM_NONE || v->p->blocks[position->block].first < at, "start of a block");

        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *edge = &v->p->edges[position->edges.first + i];

                if (!verify_edge(v, path, at, edge))
                        return false;
                CHECK(v, edge->type >= type, "order of edges");
                type = (enum edge_type)edge->type;
                n_of[type]++;
                *kinds |= UINT64_C(1) << edge->kind;
                if ((type == EDGE_ADVANCE || type == EDGE_COUNT) && edge->target != POSITION_ACCEPT)
                        reachable[edge->target] = true;
        }

        /* For one thing only. */
        waits = position->absence != PROGRAM_NONE;
        CHECK(v, (n_of[EDGE_COUNT] > 0) == (position->repeat != PROGRAM_NONE), "repeat without anything to count");
        CHECK(v, (n_of[EDGE_ADVANCE] > 0) + (n_of[EDGE_COUNT] > 0) + (n_of[EDGE_SCORE] > 0) + waits == 1,
              "what a position waits for");
        return true;
}

static bool verify_untils(struct verifier *v, const struct path *path, uint64_t *kinds) {
        CHECK(v, range_next(path->untils, &v->next_until, v->p->n_untils), "untils of a path");
        CHECK(v, path->untils.n == 0 || path->absence, "whether something must not happen");
        for (uint32_t i = 0; i < path->untils.n; i++) {
                const struct until *until = &v->p->untils[path->untils.first + i];

                CHECK(v, schema_kind((enum wire_kind)until->kind), "kind of an until");
                CHECK(v, *(const uint8_t *)&until->any_result <= 1 && until->pad == 0, "until");
                CHECK(v, condition_fits(v, until->condition, path), "condition of an until");
                CHECK(v, until->slots == v->condition_slots[until->condition], "slots of an until");
                *kinds |= UINT64_C(1) << until->kind;
        }
        return true;
}

static bool verify_score(struct verifier *v, const struct path *path) {
        const struct score *score = &path->score;

        if (score->threshold == 0) {
                CHECK(v, score->decay == 0 && score->decay_ns == 0, "score");
                return true;
        }
        CHECK(v, score->threshold <= INT32_MAX && score->decay > 0 && score->decay_ns > 0, "score");
        CHECK(v, path->positions.n == 1 && path->slots.n == 0, "story of a score");
        return true;
}

static bool verify_path(struct verifier *v, const struct path *path, const struct path *before) {
        bool reachable[PROGRAM_MAX_POSITIONS] = {true};
        uint64_t kinds = 0;

        CHECK(v, string_in(v, path->name) && path->name.length > 0, "name of a path");
        CHECK(v, string_in(v, path->description) && string_in(v, path->file), "texts of a path");
        CHECK(v, !before || string_compare(v, before->name, path->name) < 0, "order of paths");
        CHECK(v, path->severity < _SEVERITY_MAX && path->by < _KEY_MAX && path->on_loss < _ON_LOSS_MAX &&
                         *(const uint8_t *)&path->absence <= 1, "attributes of a path");
        CHECK(v, strings_in(v, path->techniques) && strings_in(v, path->respond), "lists of a path");
        CHECK(v, path->slots.n <= PROGRAM_MAX_SLOTS && strings_in(v, path->slots), "slots of a path");
        CHECK(v, path->positions.n > 0 && path->positions.n <= PROGRAM_MAX_POSITIONS, "number of positions");
        CHECK(v, range_next(path->positions, &v->next_position, v->p->n_positions), "positions of a path");
        CHECK(v, path->kinds >> _WIRE_KIND_MAX == 0, "kinds of a path");

        for (uint32_t at = 0; at < path->positions.n; at++)
                if (!verify_position(v, path, at, reachable, &kinds))
                        return false;
        if (!verify_untils(v, path, &kinds) || !verify_score(v, path))
                return false;
        CHECK(v, path->kinds == kinds, "kinds of a path");
        CHECK(v, (v->p->header->interest.kinds & kinds) == kinds, "kinds of interest");

        CHECK(v, range_next(path->exceptions, &v->next_exception, v->p->n_exceptions), "exceptions of a path");
        for (uint32_t i = 0; i < path->exceptions.n; i++) {
                const struct path_exception *exception = &v->p->exceptions[path->exceptions.first + i];

                CHECK(v, condition_fits(v, exception->condition, path), "condition of an exception");
                CHECK(v, exception->slots == v->condition_slots[exception->condition], "slots of an exception");
                CHECK(v,
                      string_in(v, exception->file) && string_in(v, exception->reason) &&
                              string_in(v, exception->owner),
                      "texts of an exception");
        }
        return true;
}

static bool verify_matcher(struct verifier *v, const struct matcher_ref *matcher) {
        CHECK(v, field_in(matcher->field, matcher->subject, matcher->index), "field of a matcher");
        CHECK(v, range_in(v, matcher->predicates, v->p->n_matched), "predicates of a matcher");
        CHECK(v, string_in(v, matcher->table) && matcher->table.offset % 8 == 0, "table of a matcher");
        CHECK(v, matcher->kinds >> _WIRE_KIND_MAX == 0, "kinds of a matcher");

        for (uint32_t i = 0; i < matcher->predicates.n; i++) {
                uint32_t k = v->p->matched[matcher->predicates.first + i].value;
                const struct predicate *predicate;

                CHECK(v, k < v->p->n_predicates, "predicate of a matcher");
                predicate = &v->p->predicates[k];
                CHECK(v, predicate->op >= PREDICATE_STRING && predicate->op <= PREDICATE_IN_GLOBS,
                      "predicate that no matcher decides");
                CHECK(v,
                      predicate->field == matcher->field && predicate->subject == matcher->subject &&
                              predicate->index == matcher->index,
                      "predicate of another field");
                CHECK(v, v->decided[k] == 0, "predicate of two matchers");
                v->decided[k] = matcher->kinds;
        }
        CHECK(v, matcher_verify(program_text(v->p, matcher->table), matcher->table.length, matcher->predicates.n),
              "inside of a matcher");
        return true;
}

/* A list of first steps, each of one of these kinds: tried for every event of the kind, or for those of which a
 * predicate is true. */
static bool verify_starts(struct verifier *v, struct program_range range, enum filed how, uint64_t kinds) {
        const struct start *before = NULL;

        CHECK(v, range.n == 0 || range_next(range, &v->next_start, v->p->n_starts), "first steps");
        for (uint32_t i = 0; i < range.n; i++) {
                const struct start *start = &v->p->starts[range.first + i];
                const struct path *path;
                struct program_range edges;

                CHECK(v, start->path < v->p->n_paths, "path of a first step");
                path = &v->p->paths[start->path];
                edges = v->p->positions[path->positions.first].edges;
                CHECK(v, start->edge >= edges.first && start->edge - edges.first < edges.n, "edge of a first step");
                CHECK(v, (kinds >> v->p->edges[start->edge].kind) & 1, "kind of a first step");
                CHECK(v, v->filed[start->edge] == FILED_NOT || (v->filed[start->edge] == how && how == FILED_PREDICATE),
                      "first step that is filed twice");
                CHECK(v,
                      !before || before->path < start->path ||
                              (before->path == start->path && before->edge < start->edge),
                      "order of first steps");
                v->filed[start->edge] = how;
                before = start;
        }
        return true;
}

static bool verify_dispatch(struct verifier *v) {
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (!verify_starts(v, v->p->header->kind_starts[kind], FILED_KIND, UINT64_C(1) << kind))
                        return false;
        for (uint32_t i = 0; i < v->p->n_predicates; i++)
                if (!verify_starts(v, v->p->predicate_starts[i], FILED_PREDICATE, v->decided[i]))
                        return false;
        CHECK(v, v->next_start == v->p->n_starts, "first steps of nobody");

        for (uint32_t i = 0; i < v->p->n_paths; i++) {
                struct program_range edges = v->p->positions[v->p->paths[i].positions.first].edges;

                for (uint32_t k = 0; k < edges.n; k++)
                        CHECK(v, v->filed[edges.first + k], "first step that is not filed");
        }
        return true;
}

#define VERIFY_ALL(v, section, check)                                                                                  \
        for (uint32_t i = 0; i < (v)->p->n_##section; i++)                                                             \
                if (!(check))                                                                                          \
                        return false;

static bool verify_sections(struct verifier *v) {
        const struct program *p = v->p;

        if (!verify_header(v))
                return false;

        for (uint32_t i = 0; i < p->n_regexes; i++)
                CHECK(v, string_in(v, p->regexes[i].pattern) && string_in(v, p->regexes[i].literal) &&
                              *(const uint8_t *)&p->regexes[i].caseless <= 1,
                      "text of a regex");
        VERIFY_ALL(v, networks, verify_network(v, &p->networks[i]));
        VERIFY_ALL(v, predicates, verify_predicate(v, &p->predicates[i]));
        VERIFY_ALL(v, guards, verify_guard(v, &p->guards[i]));
        VERIFY_ALL(v, conditions, verify_condition(v, i));
        CHECK(v, v->next_child == p->n_children, "children of nobody");
        VERIFY_ALL(v, steps, verify_step(v, &p->steps[i]));
        VERIFY_ALL(v, blocks, verify_block(v, i));

        CHECK(v, p->n_paths <= PROGRAM_MAX_PATHS, "number of paths");
        VERIFY_ALL(v, paths, verify_path(v, &p->paths[i], i > 0 ? &p->paths[i - 1] : NULL));
        CHECK(v, v->next_position == p->n_positions, "positions of nobody");
        CHECK(v, v->next_edge == p->n_edges, "edges of nobody");
        CHECK(v, v->next_exception == p->n_exceptions, "exceptions of nobody");
        CHECK(v, v->next_until == p->n_untils && v->next_repeat == p->n_repeats && v->next_absence == p->n_absences,
              "untils, repeats or absences of nobody");

        VERIFY_ALL(v, matchers, verify_matcher(v, &p->matchers[i]));
        return verify_dispatch(v);
}

int program_verify(const struct program *view, const char **ret_where) {
        _cleanup_(verifier_done) struct verifier v = {.p = view};

        /* No range of a program that the compiler made is looked at twice. */
        v.work_left = view->header->size;
        v.condition_slots = calloc(view->n_conditions + 1, sizeof(*v.condition_slots));
        v.condition_marks = calloc(view->n_conditions + 1, sizeof(*v.condition_marks));
        v.condition_nodes = calloc(view->n_conditions + 1, sizeof(*v.condition_nodes));
        v.decided = calloc(view->n_predicates + 1, sizeof(*v.decided));
        v.filed = calloc(view->n_edges + 1, sizeof(*v.filed));
        if (!v.condition_slots || !v.condition_marks || !v.condition_nodes || !v.decided || !v.filed)
                return -ENOMEM;

        if (verify_sections(&v))
                return 0;

        *ret_where = v.where;
        return -EBADMSG;
}

/* Sections follow each other without a gap, so that a program has one form only. */
static bool section_at(size_t *at, struct program_range range, size_t record_size, size_t size) {
        if (range.first != *at || range.n > (size - *at) / record_size)
                return false;
        *at += ALIGN_UP(range.n * record_size, (size_t)8);
        return *at <= size;
}

int program_view(const void *data, size_t size, struct program *view, const char **ret_where) {
        const struct program_header *header = data;
        size_t at = sizeof(*header);

        assert((uintptr_t)data % 8 == 0);

        *ret_where = "header";
        if (size < sizeof(*header) || size > PROGRAM_MAX_BYTES ||
            memcmp(header->magic, PROGRAM_MAGIC, sizeof(header->magic)) != 0)
                return -EBADMSG;
        *ret_where = "version";
        if (header->version != PROGRAM_VERSION || header->fingerprint != program_schema_fingerprint())
                return -EPROTO;
        *ret_where = "size";
        if (header->size != size || size % 8 != 0)
                return -EBADMSG;

        view->size = size;
        view->header = header;
#define S(type, name)                                                                                                  \
        *ret_where = "section " #name;                                                                                 \
        view->name = (const struct type *)((const char *)data + at);                                                   \
        view->n_##name = header->name.n;                                                                               \
        if (!section_at(&at, header->name, sizeof(struct type), size))                                                 \
                return -EBADMSG;
        PROGRAM_SECTIONS(S)
#undef S
        *ret_where = "section predicate_starts";
        view->predicate_starts = (const struct program_range *)((const char *)data + at);
        if (header->predicate_starts.n != view->n_predicates ||
            !section_at(&at, header->predicate_starts, sizeof(struct program_range), size))
                return -EBADMSG;

        *ret_where = "section bytes";
        view->bytes = (const char *)data + at;
        if (!section_at(&at, header->bytes, 1, size) || at != size)
                return -EBADMSG;
        return 0;
}

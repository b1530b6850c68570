/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-verify-private.h"

bool verifier_step(struct verifier *v, const struct step *step) {
        CHECK(v, step->number > 0, "number of a step");
        CHECK(v, schema_kind((enum wire_kind)step->kind), "kind of a step");
        CHECK(v, step->block == PROGRAM_NONE || step->block < v->p->n_blocks, "block of a step");
        CHECK(v, verifier_range(v, step->fields, v->p->n_fields), "fields of a step");
        for (uint32_t i = 0; i < step->fields.n; i++) {
                const struct step_field *field = &v->p->fields[step->fields.first + i];

                CHECK(v, field->subject != SUBJECT_EACH && verifier_field(field->field, field->subject, field->index),
                      "field of a step");
        }
        CHECK(v, verifier_strings(v, step->respond), "responders of a step");
        return true;
}

bool verifier_block(struct verifier *v, uint32_t i) {
        const struct block *block = &v->p->blocks[i];

        CHECK(v, verifier_string(v, block->name), "name of a block");
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

        CHECK(v, verifier_range(v, edge->writes, v->p->n_writes), "captures of an edge");
        CHECK(v, edge->type == EDGE_ADVANCE || edge->writes.n == distinct, "captures of an edge that does not advance");
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &v->p->writes[edge->writes.first + i];
                const struct field_info *info = schema_field((enum field)write->field);

                CHECK(v, distinct ? write->slot == SLOT_DISTINCT : write->slot < path->slots.n, "slot of a capture");
                CHECK(v, *(const uint8_t *)&write->weak <= !distinct, "whether a capture is weak");
                CHECK(v, write->subject < SUBJECT_ANCESTOR, "subject of a capture");
                CHECK(v, verifier_field(write->field, write->subject, write->index) && write->index != INDEX_ANY,
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
        CHECK(v, path->kinds & wire_kind_bit(edge->kind), "kinds of a path");
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
        CHECK(v, verifier_next_range(position->edges, &v->next_edge, v->p->n_edges), "edges of a position");
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
                *kinds |= wire_kind_bit(edge->kind);
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
        CHECK(v, verifier_next_range(path->untils, &v->next_until, v->p->n_untils), "untils of a path");
        CHECK(v, path->untils.n == 0 || path->absence, "whether something must not happen");
        for (uint32_t i = 0; i < path->untils.n; i++) {
                const struct until *until = &v->p->untils[path->untils.first + i];

                CHECK(v, schema_kind((enum wire_kind)until->kind) && wire_kind_bit(until->kind), "kind of an until");
                CHECK(v, *(const uint8_t *)&until->any_result <= 1 && until->pad == 0, "until");
                CHECK(v, condition_fits(v, until->condition, path), "condition of an until");
                CHECK(v, until->slots == v->condition_slots[until->condition], "slots of an until");
                *kinds |= wire_kind_bit(until->kind);
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

bool verifier_path(struct verifier *v, const struct path *path, const struct path *before) {
        bool reachable[PROGRAM_MAX_POSITIONS] = {true};
        uint64_t kinds = 0;

        CHECK(v, verifier_string(v, path->name) && path->name.length > 0, "name of a path");
        CHECK(v, verifier_string(v, path->description) && verifier_string(v, path->file), "texts of a path");
        CHECK(v, !before || verifier_compare(v, before->name, path->name) < 0, "order of paths");
        CHECK(v, path->severity < _SEVERITY_MAX && path->by < _KEY_MAX && path->on_loss < _ON_LOSS_MAX &&
                         *(const uint8_t *)&path->absence <= 1 && path->enforce < _PATH_ENFORCE_MAX,
              "attributes of a path");
        for (size_t i = 0; i < sizeof(path->pad); i++)
                CHECK(v, path->pad[i] == 0, "attributes of a path");
        CHECK(v, verifier_strings(v, path->techniques) && verifier_strings(v, path->respond), "lists of a path");
        CHECK(v, path->slots.n <= PROGRAM_MAX_SLOTS && verifier_strings(v, path->slots), "slots of a path");
        CHECK(v, path->positions.n > 0 && path->positions.n <= PROGRAM_MAX_POSITIONS, "number of positions");
        CHECK(v, verifier_next_range(path->positions, &v->next_position, v->p->n_positions), "positions of a path");

        for (uint32_t at = 0; at < path->positions.n; at++)
                if (!verify_position(v, path, at, reachable, &kinds))
                        return false;
        if (!verify_untils(v, path, &kinds) || !verify_score(v, path))
                return false;
        CHECK(v, path->kinds == kinds, "kinds of a path");
        CHECK(v, (v->p->header->interest.kinds & kinds) == kinds, "kinds of interest");

        CHECK(v, verifier_next_range(path->exceptions, &v->next_exception, v->p->n_exceptions), "exceptions of a path");
        for (uint32_t i = 0; i < path->exceptions.n; i++) {
                const struct path_exception *exception = &v->p->exceptions[path->exceptions.first + i];

                CHECK(v, condition_fits(v, exception->condition, path), "condition of an exception");
                CHECK(v, exception->slots == v->condition_slots[exception->condition], "slots of an exception");
                CHECK(v,
                      verifier_string(v, exception->file) && verifier_string(v, exception->reason) &&
                              verifier_string(v, exception->owner),
                      "texts of an exception");
        }
        return true;
}

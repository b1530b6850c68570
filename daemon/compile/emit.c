/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/emit.h"

#include <errno.h>
#include <string.h>

#include "compile/lower.h"

#define STEP_FIELDS_MAX 32              /* of one step: an alert that showed more would hide them */

struct emitter {
        struct compilation *c;
        const struct path_node *path;
        const struct draft *draft;
        uint32_t first_block;           /* number of the draft's first window in the program */
        uint32_t *steps;                /* arena; by number of the step in the path: its record, or PROGRAM_NONE */
        struct siphash hash;
        uint64_t kinds;
        bool absence;
};

static void no_memory(struct emitter *e) {
        assembly_note(&e->c->out, -ENOMEM);
}

static uint32_t position_number(const struct emitter *e, uint32_t draft_position) {
        return draft_position == DRAFT_ACCEPT ? POSITION_ACCEPT : e->draft->positions.items[draft_position].number;
}

static uint32_t block_number(const struct emitter *e, uint32_t window) {
        return window == PROGRAM_NONE ? PROGRAM_NONE : e->first_block + window;
}

static void hash_condition(struct emitter *e, uint32_t condition) {
        struct siphash128 hash = e->c->conditions.items[condition].hash;

        siphash_add_u64(&e->hash, hash.low);
        siphash_add_u64(&e->hash, hash.high);
}

static void emit_blocks(struct emitter *e) {
        e->first_block = e->c->out.blocks.n;
        ARRAY_FOREACH(window, &e->draft->windows) {
                const struct element *element = window->element;
                struct block block = {
                        .name = assembly_string(&e->c->out, element->name.bytes, element->name.length),
                        .within_ns = element->within_ns,
                        .parent = PROGRAM_NONE,
                };

                if (element->within_ns > 0) {
                        block.parent = block_number(e, window->parent);
                        block.first = position_number(e, window->first);
                        block.depth = window->depth;
                        block.clears = element_slots(element);
                }
                ASSEMBLY_ADD(&e->c->out, blocks, block);

                siphash_add_u64(&e->hash, block.within_ns);
                siphash_add_u64(&e->hash, (uint64_t)block.first << 32 | block.depth);
                siphash_add_u64(&e->hash, window->parent);
                siphash_add_u64(&e->hash, block.clears);
        }
}

static void fields_add(struct emitter *e, uint32_t first, const struct field_ref *ref) {
        struct step_field field = {.field = ref->field, .subject = ref->subject, .index = ref->index};

        /* Of which creator it was true is not kept. */
        if (field.subject == SUBJECT_EACH)
                field.subject = SUBJECT_ANCESTOR;

        for (size_t i = first; i < e->c->out.fields.n; i++)
                if (memcmp(&e->c->out.fields.items[i], &field, sizeof(field)) == 0)
                        return;
        if (e->c->out.fields.n - first < STEP_FIELDS_MAX)
                ASSEMBLY_ADD(&e->c->out, fields, field);
}

/* The fields that the condition names, in order of the text. The tree leans to the left. */
static void fields_collect(struct emitter *e, uint32_t first, const struct expr *expr) {
        if (!expr)
                return;
        if (expr->type == EXPR_COMPARE || expr->spread) {
                fields_add(e, first, &expr->field);
                return;
        }
        fields_collect(e, first, expr->left);
        if (expr->type == EXPR_AND || expr->type == EXPR_OR)
                fields_collect(e, first, expr->right);
}

static struct program_range emit_texts(struct emitter *e, const struct text *texts, size_t n) {
        struct program_range range = {.first = e->c->out.texts.n, .n = n};

        for (size_t i = 0; i < n; i++)
                ASSEMBLY_ADD(&e->c->out, texts, assembly_string(&e->c->out, texts[i].bytes, texts[i].length));
        return range;
}

/* What `on step N` says. */
static struct program_range emit_response(struct emitter *e, uint32_t number) {
        for (const struct step_response *response = e->path->responses; response; response = response->next)
                if (response->number == number)
                        return emit_texts(e, response->respond.items, response->respond.n);
        return emit_texts(e, NULL, 0);
}

static uint32_t emit_step(struct emitter *e, const struct element *element, uint32_t named) {
        struct step step = {
                .line = element->span.line,
                .column = element->span.column,
                .number = element->number,
                .kind = element->kind,
                .block = block_number(e, named),
                .fields = {.first = e->c->out.fields.n},
        };

        assert(element->number > 0 && element->number <= e->path->n_steps);

        if (e->steps[element->number] != PROGRAM_NONE)
                return e->steps[element->number];

        fields_collect(e, step.fields.first, element->condition);
        for (const struct capture *capture = element->captures; capture; capture = capture->next)
                if (!capture->hidden)
                        fields_add(e, step.fields.first, &capture->field);
        step.fields.n = e->c->out.fields.n - step.fields.first;
        step.respond = emit_response(e, element->number);
        return e->steps[element->number] = ASSEMBLY_ADD(&e->c->out, steps, step);
}

static struct program_range emit_writes(struct emitter *e, const struct element *element) {
        struct program_range range = {.first = e->c->out.writes.n};

        for (const struct capture *capture = element->captures; capture; capture = capture->next) {
                struct slot_write write = {
                        .slot = capture->slot,
                        .weak = capture->hidden,
                        .field = capture->field.field,
                        .subject = capture->field.subject,
                        .index = capture->field.index,
                };

                ASSEMBLY_ADD(&e->c->out, writes, write);
                siphash_add(&e->hash, &write, sizeof(write));
                range.n++;
        }
        return range;
}

/* What a `repeat` counts once only. */
static struct program_range emit_distinct(struct emitter *e, const struct field_ref *field) {
        struct slot_write write = {
                .slot = SLOT_DISTINCT, .field = field->field, .subject = field->subject, .index = field->index};

        siphash_add(&e->hash, &write, sizeof(write));
        return (struct program_range){.first = ASSEMBLY_ADD(&e->c->out, writes, write), .n = 1};
}

static void emit_edge(struct emitter *e, const struct draft_position *place, const struct draft_edge *draft) {
        struct edge edge = {
                .kind = draft->kind,
                .type = draft->type,
                .any_result = draft->any_result,
                .condition = draft->condition,
                .step = PROGRAM_NONE,
                .target = position_number(e, draft->target),
                .block = draft->type == EDGE_ADVANCE ? block_number(e, draft->window) : PROGRAM_NONE,
                .points = draft->type == EDGE_SCORE ? (int32_t)draft->element->points : 0,
        };

        if (edge.type == EDGE_KILL)
                e->absence = true;
        else
                edge.step = emit_step(e, draft->element, draft->named);

        siphash_add_u64(&e->hash, (uint64_t)edge.kind << 32 | (uint64_t)edge.type << 16 | edge.any_result);
        siphash_add_u64(&e->hash,
                        (uint64_t)edge.target << 32 | (edge.type == EDGE_ADVANCE ? draft->window : PROGRAM_NONE));
        siphash_add_u64(&e->hash, (uint64_t)draft->element->number << 32 | (uint32_t)edge.points);
        hash_condition(e, edge.condition);
        edge.writes.first = e->c->out.writes.n;
        if (draft->captures)
                edge.writes = emit_writes(e, draft->element);
        if (edge.type == EDGE_COUNT && place->repeat->has_distinct)
                edge.writes = emit_distinct(e, &draft->element->distinct_field);

        e->kinds |= wire_kind_bit(edge.kind);
        ASSEMBLY_ADD(&e->c->out, edges, edge);
}

static uint32_t emit_repeat(struct emitter *e, const struct draft_position *draft) {
        struct repeat repeat;

        if (!draft->repeat)
                return PROGRAM_NONE;
        repeat = (struct repeat){
                .n = draft->repeat->count,
                .distinct = draft->repeat->has_distinct,
                .within_ns = draft->repeat->within_ns,
        };
        siphash_add_u64(&e->hash, (uint64_t)repeat.n << 1 | repeat.distinct);
        siphash_add_u64(&e->hash, repeat.within_ns);
        return ASSEMBLY_ADD(&e->c->out, repeats, repeat);
}

static uint32_t emit_absence(struct emitter *e, const struct draft_position *draft) {
        struct absence absence;

        if (!draft->absence)
                return PROGRAM_NONE;
        absence = (struct absence){
                .within_ns = draft->absence->within_ns,
                .step = emit_step(e, draft->absence, draft->absence_named),
                .target = position_number(e, draft->absence_target),
        };
        siphash_add_u64(&e->hash, absence.within_ns);
        siphash_add_u64(&e->hash, (uint64_t)draft->absence->number << 32 | absence.target);
        return ASSEMBLY_ADD(&e->c->out, absences, absence);
}

static struct program_range emit_positions(struct emitter *e) {
        struct program_range range = {.first = e->c->out.positions.n, .n = e->draft->positions.n};

        for (uint32_t i = 0; i < range.n; i++) {
                const struct draft_position *draft = &e->draft->positions.items[e->draft->order[i]];
                struct position position = {
                        .edges = {.first = e->c->out.edges.n, .n = draft->edges.n},
                        .block = block_number(e, draft->window),
                        .repeat = emit_repeat(e, draft),
                        .absence = emit_absence(e, draft),
                };

                siphash_add_u64(&e->hash, (uint64_t)draft->edges.n << 32 | draft->window);
                ARRAY_FOREACH(edge, &draft->edges)
                        emit_edge(e, draft, edge);
                ASSEMBLY_ADD(&e->c->out, positions, position);
        }
        return range;
}

static struct program_range emit_exceptions(struct emitter *e) {
        struct program_range range = {.first = e->c->out.exceptions.n};

        for (const struct exception *exception = e->path->exceptions; exception; exception = exception->next) {
                const char *file = exception->span.file ? exception->span.file : "";
                struct path_exception record;

                if (exception->expired)
                        continue;
                record = (struct path_exception){
                        .condition = lower_expr(e->c, e->path, exception->condition),
                        .line = exception->span.line,
                        .file = assembly_string(&e->c->out, file, strlen(file)),
                        .reason = assembly_string(&e->c->out, exception->reason.bytes, exception->reason.length),
                        .owner = assembly_string(&e->c->out, exception->owner.bytes, exception->owner.length),
                };
                if (e->c->out.error < 0)
                        return range;
                record.slots = e->c->conditions.items[record.condition].slots;
                ASSEMBLY_ADD(&e->c->out, exceptions, record);
                hash_condition(e, record.condition);
                range.n++;
        }
        return range;
}

static struct program_range emit_untils(struct emitter *e) {
        struct program_range range = {.first = e->c->out.untils.n};

        for (const struct element *until = e->path->untils; until; until = until->next) {
                struct until record = {
                        .kind = until->kind,
                        .any_result = until->any_result,
                        .condition = lower_expr(e->c, e->path, until->condition),
                };

                if (e->c->out.error < 0)
                        return range;
                record.slots = e->c->conditions.items[record.condition].slots;
                ASSEMBLY_ADD(&e->c->out, untils, record);
                siphash_add_u64(&e->hash, (uint64_t)record.kind << 1 | record.any_result);
                hash_condition(e, record.condition);
                e->kinds |= wire_kind_bit(record.kind);
                e->absence = true;
                range.n++;
        }
        return range;
}

static struct program_string emit_text(struct emitter *e, struct text text) {
        return assembly_string(&e->c->out, text.bytes, text.length);
}

static void hash_attributes(struct emitter *e) {
        const struct path_node *path = e->path;

        hash_add_text(&e->hash, path->name.bytes, path->name.length);
        siphash_add_u64(&e->hash, (uint64_t)path->severity << 32 | (uint64_t)path->by << 16 | path->on_loss);
        siphash_add_u64(&e->hash, path->within_ns);
        siphash_add_u64(&e->hash, path->suppress_ns);
        siphash_add_u64(&e->hash, path->n_captures);
        siphash_add_u64(&e->hash, (uint64_t)path->score << 32 | path->decay);
        siphash_add_u64(&e->hash, path->decay_ns);
        if (path->enforce != PATH_ENFORCE_NONE)
                siphash_add_u64(&e->hash, path->enforce);
        siphash_add_u64(&e->hash, path->respond.n);
        for (size_t i = 0; i < path->respond.n; i++)
                hash_add_text(&e->hash, path->respond.items[i].bytes, path->respond.items[i].length);
        for (const struct step_response *response = path->responses; response; response = response->next) {
                siphash_add_u64(&e->hash, (uint64_t)response->number << 32 | response->respond.n);
                for (size_t i = 0; i < response->respond.n; i++)
                        hash_add_text(&e->hash, response->respond.items[i].bytes, response->respond.items[i].length);
        }
}

void emit_path(struct compilation *c, const struct path_node *path, const struct draft *draft) {
        struct emitter e = {.c = c, .path = path, .draft = draft};
        const char *file = path->span.file ? path->span.file : "";
        struct path record;
        struct siphash128 hash;

        e.steps = arena_new_array(&c->arena, uint32_t, (size_t)path->n_steps + 1);
        if (!e.steps) {
                no_memory(&e);
                return;
        }
        memset(e.steps, 0xff, ((size_t)path->n_steps + 1) * sizeof(*e.steps));

        hash_begin(&e.hash);
        hash_attributes(&e);
        emit_blocks(&e);
        record = (struct path){
                .name = emit_text(&e, path->name),
                .description = emit_text(&e, path->description),
                .file = assembly_string(&c->out, file, strlen(file)),
                .line = path->span.line,
                .severity = path->severity,
                .by = path->by,
                .on_loss = path->on_loss,
                .enforce = path->enforce,
                .within_ns = path->within_ns,
                .suppress_ns = path->suppress_ns,
                .score = {.threshold = path->score, .decay = path->decay, .decay_ns = path->decay_ns},
                .techniques = emit_texts(&e, path->mitre.items, path->mitre.n),
                .respond = emit_texts(&e, path->respond.items, path->respond.n),
                .slots = emit_texts(&e, path->captures, path->n_captures),
        };
        record.positions = emit_positions(&e);
        record.exceptions = emit_exceptions(&e);
        record.untils = emit_untils(&e);
        record.kinds = e.kinds;
        record.absence = e.absence;

        hash = siphash_end128(&e.hash);
        memcpy(record.hash, &hash.low, 8);
        memcpy(record.hash + 8, &hash.high, 8);
        ASSEMBLY_ADD(&c->out, paths, record);
}

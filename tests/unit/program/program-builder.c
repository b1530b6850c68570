/* SPDX-License-Identifier: Apache-2.0 */
#include "program-builder.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

void builder_init(struct builder *b) {
        *b = (struct builder){};
        assembly_init(&b->assembly);
}

static struct program_string text(struct builder *b, const char *s) {
        return assembly_string(&b->assembly, s, strlen(s));
}

/* The names of captures lie together in the texts, so they are written when the path is done. */
static void path_end(struct builder *b) {
        struct assembly *a = &b->assembly;
        struct path *path;

        if (a->paths.n == 0)
                return;
        path = array_last(&a->paths);
        path->slots = (struct program_range){.first = a->texts.n, .n = b->n_slots};
        for (uint32_t i = 0; i < b->n_slots; i++)
                ASSEMBLY_ADD(a, texts, text(b, b->slots[i]));

        path->kinds = 0;
        for (uint32_t i = path->positions.first; i < a->positions.n; i++) {
                struct program_range edges = a->positions.items[i].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++)
                        path->kinds |= wire_kind_bit(a->edges.items[k].kind);
        }
        for (uint32_t i = path->untils.first; i < a->untils.n; i++)
                path->kinds |= wire_kind_bit(a->untils.items[i].kind);
        b->n_slots = b->n_steps = 0;
}

struct path *builder_path(struct builder *b, const char *name) {
        struct assembly *a = &b->assembly;
        struct path path = {
                .name = text(b, name),
                .description = text(b, ""),
                .file = text(b, "test.policy"),
                .line = 1,
                .severity = SEVERITY_MEDIUM,
                .by = KEY_TREE,
                .within_ns = UINT64_C(600000000000),
                .suppress_ns = UINT64_C(60000000000),
        };

        path_end(b);
        path.positions.first = a->positions.n;
        path.exceptions.first = a->exceptions.n;
        path.untils.first = a->untils.n;
        memcpy(path.hash, name, strnlen(name, sizeof(path.hash)));
        ASSEMBLY_ADD(a, paths, path);
        return array_last(&a->paths);
}

struct position *builder_position(struct builder *b) {
        struct assembly *a = &b->assembly;

        ASSEMBLY_ADD(a, positions, (struct position){.edges.first = a->edges.n,
                                                    .block = PROGRAM_NONE,
                                                    .repeat = PROGRAM_NONE,
                                                    .absence = PROGRAM_NONE});
        array_last(&a->paths)->positions.n++;
        return array_last(&a->positions);
}

uint32_t builder_block(struct builder *b, const char *name, uint64_t within_ns, uint16_t first, uint32_t parent,
                       uint64_t clears) {
        struct assembly *a = &b->assembly;
        uint16_t depth = parent == PROGRAM_NONE ? 0 : a->blocks.items[parent].depth + 1;

        return ASSEMBLY_ADD(a, blocks,
                            (struct block){
                                    .name = text(b, name),
                                    .within_ns = within_ns,
                                    .parent = parent,
                                    .first = first,
                                    .depth = depth,
                                    .clears = clears,
                            });
}

static struct edge *edge_add(struct builder *b, struct edge edge) {
        struct assembly *a = &b->assembly;

        edge.block = PROGRAM_NONE;
        ASSEMBLY_ADD(a, edges, edge);
        array_last(&a->positions)->edges.n++;
        return array_last(&a->edges);
}

static uint16_t position_here(struct builder *b) {
        return array_last(&b->assembly.paths)->positions.n - 1;
}

static uint8_t subject_of(uint16_t field) {
        return schema_field((enum field)field)->scope == FIELD_PROCESS ? SUBJECT_PROCESS : SUBJECT_EVENT;
}

static int16_t index_of(uint16_t field) {
        return schema_field((enum field)field)->type == VALUE_LIST ? INDEX_ANY : INDEX_NONE;
}

static uint32_t step_add(struct builder *b, enum wire_kind kind) {
        return ASSEMBLY_ADD(
                &b->assembly, steps,
                (struct step){.line = 1, .column = 1, .number = ++b->n_steps, .kind = kind, .block = PROGRAM_NONE});
}

struct edge *builder_step(struct builder *b, enum wire_kind kind, uint32_t condition, uint16_t target) {
        return edge_add(b, (struct edge){.kind = kind,
                                         .type = EDGE_ADVANCE,
                                         .condition = condition,
                                         .step = step_add(b, kind),
                                         .target = target});
}

struct edge *builder_count(struct builder *b, enum wire_kind kind, uint32_t condition, uint16_t target, uint32_t n,
                           uint64_t within_ns, uint16_t distinct) {
        struct edge edge = {.kind = kind,
                            .type = EDGE_COUNT,
                            .condition = condition,
                            .step = step_add(b, kind),
                            .target = target};
        struct repeat repeat = {.n = n, .distinct = distinct != FIELD_NONE, .within_ns = within_ns};

        if (array_last(&b->assembly.positions)->repeat == PROGRAM_NONE)
                array_last(&b->assembly.positions)->repeat = ASSEMBLY_ADD(&b->assembly, repeats, repeat);
        if (repeat.distinct) {
                struct slot_write write = {
                        .slot = SLOT_DISTINCT, .field = distinct, .subject = subject_of(distinct), .index = INDEX_NONE};

                edge.writes = (struct program_range){.first = ASSEMBLY_ADD(&b->assembly, writes, write), .n = 1};
        }
        return edge_add(b, edge);
}

void builder_absence(struct builder *b, enum wire_kind kind, uint64_t within_ns, uint16_t target) {
        struct absence absence = {.within_ns = within_ns, .step = step_add(b, kind), .target = target};

        array_last(&b->assembly.paths)->absence = true;
        array_last(&b->assembly.positions)->absence = ASSEMBLY_ADD(&b->assembly, absences, absence);
}

void builder_score(struct builder *b, uint32_t threshold, uint32_t decay, uint64_t decay_ns) {
        array_last(&b->assembly.paths)->score =
                (struct score){.threshold = threshold, .decay = decay, .decay_ns = decay_ns};
}

struct edge *builder_points(struct builder *b, enum wire_kind kind, uint32_t condition, int32_t points) {
        return edge_add(b, (struct edge){.kind = kind,
                                         .type = EDGE_SCORE,
                                         .condition = condition,
                                         .step = step_add(b, kind),
                                         .points = points});
}

void builder_until(struct builder *b, enum wire_kind kind, uint32_t condition, uint64_t slots) {
        struct path *path = array_last(&b->assembly.paths);

        path->absence = true;
        path->untils.n++;
        ASSEMBLY_ADD(&b->assembly, untils, (struct until){.kind = kind, .condition = condition, .slots = slots});
}

struct edge *builder_again(struct builder *b, enum wire_kind kind, uint32_t condition, uint32_t step) {
        return edge_add(b, (struct edge){.kind = kind,
                                         .type = EDGE_LOOP,
                                         .condition = condition,
                                         .step = step,
                                         .target = position_here(b)});
}

struct edge *builder_kill(struct builder *b, enum wire_kind kind, uint32_t condition) {
        array_last(&b->assembly.paths)->absence = true;
        return edge_add(b, (struct edge){.kind = kind,
                                         .type = EDGE_KILL,
                                         .condition = condition,
                                         .step = PROGRAM_NONE,
                                         .target = position_here(b)});
}

uint32_t builder_capture_from(struct builder *b, const char *name, enum program_subject subject, uint16_t field,
                              bool weak) {
        struct edge *edge = array_last(&b->assembly.edges);
        uint32_t slot = 0;

        while (slot < b->n_slots && strcmp(b->slots[slot], name) != 0)
                slot++;
        if (slot == PROGRAM_MAX_SLOTS)
                errx(EXIT_FAILURE, "too many captures");
        if (slot == b->n_slots)
                b->slots[b->n_slots++] = name;

        if (edge->writes.n++ == 0)
                edge->writes.first = b->assembly.writes.n;
        ASSEMBLY_ADD(&b->assembly, writes,
                     (struct slot_write){
                             .slot = slot, .field = field, .subject = subject, .weak = weak, .index = INDEX_NONE});
        return slot;
}

uint32_t builder_capture(struct builder *b, const char *name, uint16_t field) {
        return builder_capture_from(b, name, subject_of(field), field, false);
}

void builder_except(struct builder *b, uint32_t condition, uint64_t slots) {
        struct path_exception exception = {
                .condition = condition,
                .line = 1,
                .slots = slots,
                .file = text(b, "test.policy"),
                .reason = text(b, ""),
                .owner = text(b, ""),
        };

        ASSEMBLY_ADD(&b->assembly, exceptions, exception);
        array_last(&b->assembly.paths)->exceptions.n++;
}

static uint32_t condition_add(struct builder *b, enum condition_op op, uint32_t first, uint32_t n, bool run_free,
                              uint16_t depth) {
        return ASSEMBLY_ADD(
                &b->assembly, conditions,
                (struct condition){.op = op, .run_free = run_free, .depth = depth, .args = {.first = first, .n = n}});
}

uint32_t builder_true(struct builder *b) {
        return condition_add(b, CONDITION_TRUE, 0, 0, true, 0);
}

uint32_t builder_false(struct builder *b) {
        return condition_add(b, CONDITION_FALSE, 0, 0, true, 0);
}

uint32_t builder_predicate(struct builder *b, struct predicate predicate) {
        return condition_add(b, CONDITION_PREDICATE, ASSEMBLY_ADD(&b->assembly, predicates, predicate), 0,
                             predicate.subject != SUBJECT_EACH, 0);
}

uint32_t builder_text(struct builder *b, enum predicate_op op, uint16_t field, const char *s) {
        return builder_predicate(b, (struct predicate){
                                            .field = field,
                                            .subject = subject_of(field),
                                            .op = op,
                                            .index = index_of(field),
                                            .string = text(b, s),
                                    });
}

uint32_t builder_number(struct builder *b, enum predicate_op op, uint16_t field, int64_t number) {
        return builder_predicate(b, (struct predicate){
                                            .field = field,
                                            .subject = subject_of(field),
                                            .op = op,
                                            .index = INDEX_NONE,
                                            .number = number,
                                    });
}

uint32_t builder_regex(struct builder *b, uint16_t field, const char *pattern) {
        uint32_t regex = ASSEMBLY_ADD(&b->assembly, regexes,
                                      (struct regex_text){.pattern = text(b, pattern), .literal = text(b, "")});

        return builder_predicate(b, (struct predicate){
                                            .field = field,
                                            .subject = subject_of(field),
                                            .op = PREDICATE_REGEX,
                                            .index = index_of(field),
                                            .list = {.first = regex},       /* the upper half is not left to chance */
                                    });
}

uint32_t builder_guard_on(struct builder *b, enum program_subject subject, uint16_t field, uint16_t slot) {
        uint32_t guard = ASSEMBLY_ADD(&b->assembly, guards,
                                      (struct guard){
                                              .field = field,
                                              .subject = subject,
                                              .op = GUARD_EQUAL,
                                              .index = index_of(field),
                                              .slot = slot,
                                      });

        return condition_add(b, CONDITION_GUARD, guard, 0, false, 0);
}

uint32_t builder_guard(struct builder *b, uint16_t field, uint16_t slot) {
        return builder_guard_on(b, subject_of(field), field, slot);
}

uint32_t builder_not(struct builder *b, uint32_t child) {
        const struct condition of = b->assembly.conditions.items[child];

        return condition_add(b, CONDITION_NOT, child, 0, of.run_free, of.depth + 1);
}

/* Do its guards or anything else depend on a run? Other than `run_free` this looks through EACH. */
static bool names_captures(const struct builder *b, uint32_t condition) {
        const struct condition of = b->assembly.conditions.items[condition];

        switch ((enum condition_op)of.op) {
        case CONDITION_GUARD:
                return true;
        case CONDITION_NOT:
        case CONDITION_ANCESTOR:
                return names_captures(b, of.args.first);
        case CONDITION_AND:
        case CONDITION_OR:
                for (uint32_t i = 0; i < of.args.n; i++)
                        if (names_captures(b, b->assembly.children.items[of.args.first + i].value))
                                return true;
                return false;
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case CONDITION_PREDICATE:
        case _CONDITION_OP_MAX:
                return false;
        }
        return false;
}

uint32_t builder_ancestor(struct builder *b, uint32_t child) {
        return condition_add(b, CONDITION_ANCESTOR, child, 0, !names_captures(b, child),
                             b->assembly.conditions.items[child].depth + 1);
}

static uint32_t pair(struct builder *b, enum condition_op op, uint32_t left, uint32_t right) {
        const struct condition l = b->assembly.conditions.items[left], r = b->assembly.conditions.items[right];
        uint32_t first = ASSEMBLY_ADD(&b->assembly, children, (struct uint32_t_){left});

        ASSEMBLY_ADD(&b->assembly, children, (struct uint32_t_){right});
        return condition_add(b, op, first, 2, l.run_free && r.run_free, MAX(l.depth, r.depth) + 1);
}

uint32_t builder_and(struct builder *b, uint32_t left, uint32_t right) {
        return pair(b, CONDITION_AND, left, right);
}

uint32_t builder_or(struct builder *b, uint32_t left, uint32_t right) {
        return pair(b, CONDITION_OR, left, right);
}

static void file_starts(struct builder *b) {
        struct assembly *a = &b->assembly;

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                uint32_t first = a->starts.n;

                for (uint32_t i = 0; i < a->paths.n; i++) {
                        struct program_range edges = a->positions.items[a->paths.items[i].positions.first].edges;

                        for (uint32_t k = edges.first; k < edges.first + edges.n; k++)
                                if (a->edges.items[k].kind == kind)
                                        ASSEMBLY_ADD(a, starts, (struct start){.path = i, .edge = k});
                }
                if (a->starts.n > first)
                        a->kind_starts[kind] = (struct program_range){.first = first, .n = a->starts.n - first};
        }
}

static void fill_interest(struct builder *b) {
        struct assembly *a = &b->assembly;

        for (size_t i = 0; i < a->edges.n; i++) {
                const struct edge *edge = &a->edges.items[i];

                a->interest.kinds |= wire_kind_bit(edge->kind);
                a->interest.filter[edge->kind].successes = true;
                if (edge->any_result)
                        a->interest.filter[edge->kind].failures = true;
        }
        for (size_t i = 0; i < a->untils.n; i++) {
                a->interest.kinds |= wire_kind_bit(a->untils.items[i].kind);
                a->interest.filter[a->untils.items[i].kind].successes = true;
        }
}

void *builder_finish_block(struct builder *b, size_t *ret_size) {
        void *block;

        path_end(b);
        file_starts(b);
        fill_interest(b);
        if (assembly_finish(&b->assembly, &block, ret_size) < 0)
                errx(EXIT_FAILURE, "cannot lay out the program: %s", strerror(-b->assembly.error));
        assembly_done(&b->assembly);
        return block;
}

struct program *builder_finish(struct builder *b) {
        const char *where = "?";
        struct program *program;
        size_t size;
        void *block = builder_finish_block(b, &size);
        int r;

        r = program_new(block, size, &program, &where);
        if (r < 0)
                errx(EXIT_FAILURE, "not a valid program (%s): %s", strerror(-r), where);
        free(block);
        return program;
}

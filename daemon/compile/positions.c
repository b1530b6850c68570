/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/positions.h"

#include <errno.h>

#include "base/idmap.h"
#include "compile/lower.h"

#define EDGES_MAX 4096                  /* of one path */
#define NESTING_MAX 100                 /* of blocks, `any` and conditionals; the parser stops earlier */

/* A body whose end leads on to somewhere else. Equal ones are one, so places can be compared by pointer. */
struct draft_context {
        const struct element *owner;    /* the body's block, conditional or member of `any` */
        const struct element *after;    /* what follows it, */
        const struct draft_context *up; /* there */
        uint32_t window;                /* innermost windowed block */
        uint32_t named;                 /* innermost named block */
        struct draft_context *next;     /* in the list of all */
};

struct builder {
        struct compilation *c;
        const struct path_node *path;
        struct draft *draft;
        struct draft_context *contexts; /* arena */
        struct idmap conditions;        /* by element: number + 1 */
        uint32_t here;                  /* the position whose edges are being made */
        size_t n_edges;
        unsigned nesting;
};

static void no_memory(struct builder *b) {
        assembly_note(&b->c->out, -ENOMEM);
}

static bool failed(const struct builder *b) {
        return b->c->out.error < 0;
}

static void refuse(struct builder *b, struct diag_span span, const char *what) {
        if (failed(b))
                return;
        assembly_note(&b->c->out, diag_error(b->c->diags, span, "path '%.*s' %s", (int)b->path->name.length,
                                             b->path->name.bytes, what));
}

static uint32_t window_of(const struct draft_context *context) {
        return context ? context->window : PROGRAM_NONE;
}

static uint32_t named_of(const struct draft_context *context) {
        return context ? context->named : PROGRAM_NONE;
}

static const struct draft_context *context_get(struct builder *b, struct draft_context model) {
        struct draft_context *context;

        for (context = b->contexts; context; context = context->next)
                if (context->owner == model.owner && context->after == model.after && context->up == model.up &&
                    context->window == model.window)
                        return context;

        context = arena_memdup(&b->c->arena, &model, sizeof(model));
        if (!context) {
                no_memory(b);
                return NULL;
        }
        context->next = b->contexts;
        b->contexts = context;
        return context;
}

/* The windowed block as entered from here: made at its first edge, found again at the others. */
static uint32_t window_get(struct builder *b, const struct element *element, uint32_t parent) {
        struct draft_window window = {.element = element, .first = b->here, .parent = parent};

        for (size_t i = 0; i < b->draft->windows.n; i++) {
                const struct draft_window *old = &b->draft->windows.items[i];

                if (old->element == element && old->parent == parent &&
                    (old->first == b->here || element->within_ns == 0))
                        return i;
        }

        if (element->within_ns > 0 && parent != PROGRAM_NONE)
                window.depth = b->draft->windows.items[parent].depth + 1;
        if (window.depth >= PROGRAM_MAX_WINDOWS) {
                refuse(b, element->span, "has more than 3 windows inside each other");
                return PROGRAM_NONE;
        }
        assembly_note(&b->c->out, array_push(&b->draft->windows, window));
        return b->draft->windows.n - 1;
}

/* Inside of the block, from its first element on. */
static const struct draft_context *block_enter(struct builder *b, const struct element *block,
                                               const struct element *after, const struct draft_context *up) {
        struct draft_context context = {
                .owner = block, .after = after, .up = up, .window = window_of(up), .named = named_of(up)};

        if (block->within_ns > 0)
                context.window = window_get(b, block, context.window);
        if (block->name.length > 0)
                context.named = block->within_ns > 0 ? context.window : window_get(b, block, PROGRAM_NONE);
        return context_get(b, context);
}

static bool body_can_be_empty(const struct element *body);

/* Is the element satisfied by nothing at all? */
static bool can_be_empty(const struct element *element) {
        switch (element->type) {
        case ELEMENT_STEP: return element->repetition == REPEAT_STAR;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS: return true;
        case ELEMENT_BLOCK: return body_can_be_empty(element->children);
        case ELEMENT_ANY:
                for (const struct element *child = element->children; child; child = child->next)
                        if (can_be_empty(child))
                                return true;
                return !element->children;
        case ELEMENT_ALL:
        case ELEMENT_REPEAT:
        case ELEMENT_ABSENCE:
        case ELEMENT_CONDITIONAL: return false;
        }
        return false;
}

static bool body_can_be_empty(const struct element *body) {
        for (; body; body = body->next)
                if (!can_be_empty(body))
                        return false;
        return true;
}

/* Past what says nothing: ends of bodies, and bare dots. */
static void skip_nothing(const struct element **at, const struct draft_context **up) {
        for (;;)
                if (*at && (*at)->type == ELEMENT_ELLIPSIS)
                        *at = (*at)->next;
                else if (!*at && *up) {
                        *at = (*up)->after;
                        *up = (*up)->up;
                } else
                        return;
}

static bool rest_can_be_empty(const struct element *at, const struct draft_context *up) {
        for (;;) {
                if (!body_can_be_empty(at))
                        return false;
                if (!up)
                        return true;
                at = up->after;
                up = up->up;
        }
}

/* The position for what follows, made if it is not there. A path whose rest can be empty is complete: a repetition
 * never delays. */
static uint32_t place_get(struct builder *b, const struct element *at, const struct draft_context *up,
                          const struct element *loop, uint32_t taken) {
        struct draft_position position = {.loop = loop, .taken = taken};

        if (rest_can_be_empty(at, up))
                return DRAFT_ACCEPT;

        skip_nothing(&at, &up);
        position.at = at;
        position.up = up;
        position.window = window_of(up);
        for (size_t i = 0; i < b->draft->positions.n; i++) {
                const struct draft_position *old = &b->draft->positions.items[i];

                if (old->at == at && old->up == up && old->loop == loop && old->taken == taken)
                        return i;
        }

        if (b->draft->positions.n == PROGRAM_MAX_POSITIONS) {
                assembly_note(
                        &b->c->out,
                        diag_error(b->c->diags, path_span(b->path),
                                   "path '%.*s' is too large: it needs more than %d places where a story can wait",
                                   (int)b->path->name.length, b->path->name.bytes, PROGRAM_MAX_POSITIONS));
                return DRAFT_ACCEPT;
        }
        assembly_note(&b->c->out, array_push(&b->draft->positions, position));
        return b->draft->positions.n - 1;
}

static uint32_t target_get(struct builder *b, const struct element *at, const struct draft_context *up,
                           const struct element *loop) {
        return place_get(b, at, up, loop, 0);
}

static uint32_t condition_of(struct builder *b, const struct element *element) {
        void *known = idmap_find(&b->conditions, (uintptr_t)element);
        uint32_t condition;

        if (known)
                return (uint32_t)((uintptr_t)known - 1);
        condition = lower_expr(b->c, b->path, element->condition);
        if (!failed(b))
                assembly_note(&b->c->out,
                              idmap_put(&b->conditions, (uintptr_t)element, (void *)((uintptr_t)condition + 1)));
        return condition;
}

static void edge_add(struct builder *b, struct draft_edge edge) {
        struct draft_position *here = &b->draft->positions.items[b->here];

        if (failed(b))
                return;
        if (b->c->out.conditions.items[edge.condition].op == CONDITION_FALSE &&
            (edge.type == EDGE_LOOP || edge.type == EDGE_KILL))
                return;
        if ((edge.type == EDGE_LOOP || edge.type == EDGE_KILL) && b->here == 0) {
                refuse(b, edge.element->span, edge.type == EDGE_KILL ? "begins with 'not'" : "begins with '...'");
                return;
        }
        /* Two empty members of an `any` lead to the same text. */
        ARRAY_FOREACH(old, &here->edges)
                if (old->type == edge.type && old->element == edge.element && old->condition == edge.condition &&
                    old->target == edge.target)
                        return;
        if (++b->n_edges > EDGES_MAX) {
                refuse(b, path_span(b->path), "is too large: it needs more than 4,096 edges");
                return;
        }
        assembly_note(&b->c->out, array_push(&here->edges, edge));
}

/* With the calls that the kernel has refused: `enforce`. */
static uint32_t or_refused(struct builder *b, uint32_t condition) {
        struct subject_field failed_field = {
                .field = FIELD_COMMON_failed, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        struct subject_field result = {.field = FIELD_COMMON_result, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        uint32_t otherwise[3] = {condition_number(b->c, failed_field, PREDICATE_EQUAL, 1),
                                 condition_number(b->c, failed_field, PREDICATE_KNOWN, 0),
                                 condition_not(b->c, condition_number(b->c, result, PREDICATE_EQUAL, -EPERM))};
        uint32_t both[2] = {condition, condition_not(b->c, condition_all(b->c, otherwise, 3))};

        return condition_all(b->c, both, 2);
}

static void add_step(struct builder *b, const struct element *step, const struct draft_context *up,
                     const struct element *after, const struct draft_context *after_up) {
        uint32_t target = target_get(b, after, after_up, step->repetition == REPEAT_PLUS ? step : NULL);

        edge_add(b, (struct draft_edge){
                            .type = EDGE_ADVANCE,
                            .kind = step->kind,
                            .any_result = step->any_result || step->refusable,
                            .captures = true,
                            .condition = step->refusable ? or_refused(b, condition_of(b, step)) : condition_of(b, step),
                            .element = step,
                            .target = target,
                            .window = window_of(up),
                            .named = named_of(up),
                    });
}

/* What stays: a repetition that counts, a `not` that is in force. */
static void add_staying(struct builder *b, enum edge_type type, const struct element *element,
                        const struct draft_context *up) {
        edge_add(b, (struct draft_edge){
                            .type = type,
                            .kind = element->kind,
                            .any_result = element->any_result,
                            .condition = condition_of(b, element),
                            .element = element,
                            .target = b->here,
                            .window = PROGRAM_NONE,
                            .named = named_of(up),
                    });
}

/* The calls that a condition without `result` or `failed` speaks of, where the event may be one that failed. One whose
 * result is not known counts as a success. */
static uint32_t only_success(struct builder *b, uint32_t condition) {
        struct subject_field field = {.field = FIELD_COMMON_failed, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        uint32_t failure[2] = {condition_number(b->c, field, PREDICATE_EQUAL, 1),
                               condition_number(b->c, field, PREDICATE_KNOWN, 0)};
        uint32_t both[2] = {condition, condition_not(b->c, condition_all(b->c, failure, 2))};

        return condition_all(b->c, both, 2);
}

/* `A ? X : B ? Y : Z` with A and B of one kind: A to X; not A and B to Y; not A and not B to Z. Each `not` is a
 * condition of its own, so what is unknown decides nothing. `head` is A, `before` the conjunction so far. */
static void add_decision(struct builder *b, const struct element *head, const struct element *at, uint32_t before,
                         const struct draft_context *up, const struct element *after,
                         const struct draft_context *after_up) {
        const struct draft_context *inside;
        struct draft_edge edge = {
                .type = EDGE_ADVANCE,
                .kind = head->kind,
                .any_result = head->any_result,
                .element = at,
                .window = window_of(up),
                .named = named_of(up),
        };
        uint32_t holds, both[2];

        inside = context_get(b, (struct draft_context){.owner = at,
                                                       .after = after,
                                                       .up = after_up,
                                                       .window = window_of(after_up),
                                                       .named = named_of(after_up)});
        holds = condition_of(b, at);
        if (failed(b) || !inside)
                return;
        if (head->any_result && !at->any_result)
                holds = only_success(b, holds);

        both[0] = before;
        both[1] = holds;
        edge.condition = condition_all(b->c, both, 2);
        edge.captures = true;
        edge.target = target_get(b, at->then, inside, NULL);
        edge_add(b, edge);

        both[1] = condition_not(b->c, holds);
        edge.condition = condition_all(b->c, both, 2);
        edge.captures = false;
        if (failed(b))
                return;

        if (at->otherwise && !at->otherwise->next && at->otherwise->type == ELEMENT_CONDITIONAL &&
            at->otherwise->kind == head->kind) {
                if (++b->nesting > NESTING_MAX)
                        refuse(b, at->span, "has too many conditionals inside each other");
                else
                        add_decision(b, head, at->otherwise, edge.condition, up, after, after_up);
                b->nesting--;
                return;
        }
        edge.target = at->otherwise ? target_get(b, at->otherwise, inside, NULL) : target_get(b, after, after_up, NULL);
        edge_add(b, edge);
}

/* The members of an `all` that are still wanted; each leads to the place without it, the last one behind the `all`. */
static void add_all(struct builder *b, const struct element *all, uint32_t taken, const struct draft_context *up) {
        uint32_t every = 0, member = 1;

        for (const struct element *child = all->children; child; child = child->next)
                every = every << 1 | 1;
        for (const struct element *child = all->children; child && !failed(b); child = child->next, member <<= 1) {
                uint32_t now = taken | member;

                if (taken & member)
                        continue;
                edge_add(b, (struct draft_edge){
                                    .type = EDGE_ADVANCE,
                                    .kind = child->kind,
                                    .any_result = child->any_result,
                                    .captures = true,
                                    .condition = condition_of(b, child),
                                    .element = child,
                                    .target = now == every ? target_get(b, all->next, up, NULL)
                                                           : place_get(b, all, up, NULL, now),
                                    .window = window_of(up),
                                    .named = named_of(up),
                            });
        }
}

static void add_count(struct builder *b, const struct element *repeat, const struct element *step,
                      const struct draft_context *up) {
        edge_add(b, (struct draft_edge){
                            .type = EDGE_COUNT,
                            .kind = step->kind,
                            .any_result = step->any_result,
                            .condition = condition_of(b, step),
                            .element = step,
                            .target = target_get(b, repeat->next, up, NULL),
                            .window = PROGRAM_NONE,
                            .named = named_of(up),
                    });
}

/* The body is a step or an `any` of steps: all of them count together. */
static void add_repeat(struct builder *b, const struct element *repeat, const struct draft_context *up) {
        const struct element *body = repeat->children, *other = b->draft->positions.items[b->here].repeat;

        if (other && other != repeat) {
                refuse(b, repeat->span, "has two counts at one place");
                return;
        }
        b->draft->positions.items[b->here].repeat = repeat;
        if (body->type == ELEMENT_STEP)
                add_count(b, repeat, body, up);
        else
                for (const struct element *child = body->children; child && !failed(b); child = child->next)
                        add_count(b, repeat, child, up);
}

/* What must not happen ends the run; the clock leads on. */
static void add_absence(struct builder *b, const struct element *absence, const struct draft_context *up) {
        uint32_t target = target_get(b, absence->next, up, NULL);
        struct draft_position *here;

        if (b->here == 0)
                refuse(b, absence->span, "begins with 'no'");
        if (failed(b))
                return;
        add_staying(b, EDGE_KILL, absence, up);
        here = &b->draft->positions.items[b->here];
        here->absence = absence;
        here->absence_target = target;
        here->absence_named = named_of(up);
}

/* A place waits for steps, or counts, or waits on an absence: never two of these. */
static void check_place(struct builder *b) {
        const struct draft_position *here = &b->draft->positions.items[b->here];
        const struct element *element = here->repeat ? here->repeat : here->absence;
        bool advances = false;

        ARRAY_FOREACH(edge, &here->edges)
                advances = advances || edge->type == EDGE_ADVANCE;
        if (element && (advances || (here->repeat && here->absence)))
                refuse(b, element->span, "would wait at one place for a step, and for a count or an absence as well");
}

/* The edges of all elements that may come first from `at` on. `taken`: of `at`, if it is an `all`. */
static void expand(struct builder *b, const struct element *at, uint32_t taken, const struct draft_context *up) {
        for (; !failed(b); taken = 0) {
                skip_nothing(&at, &up);
                if (!at)
                        return;

                switch (at->type) {
                case ELEMENT_STEP:
                        if (at->repetition != REPEAT_STAR) {
                                add_step(b, at, up, at->next, up);
                                return;
                        }
                        add_staying(b, EDGE_LOOP, at, up);
                        break;
                case ELEMENT_NOT:
                        add_staying(b, EDGE_KILL, at, up);
                        break;
                case ELEMENT_ELLIPSIS:
                        break;
                case ELEMENT_CONDITIONAL:
                        add_decision(b, at, at, condition_true(b->c), up, at->next, up);
                        return;
                case ELEMENT_ALL:
                        add_all(b, at, taken, up);
                        return;
                case ELEMENT_REPEAT:
                        add_repeat(b, at, up);
                        return;
                case ELEMENT_ABSENCE:
                        add_absence(b, at, up);
                        return;
                case ELEMENT_BLOCK:
                        up = block_enter(b, at, at->next, up);
                        at = at->children;
                        continue;
                case ELEMENT_ANY:
                        if (++b->nesting > NESTING_MAX)
                                refuse(b, at->span, "has too many blocks inside each other");
                        for (const struct element *child = at->children; child && !failed(b); child = child->next)
                                if (child->type == ELEMENT_BLOCK)
                                        expand(b, child->children, 0, block_enter(b, child, at->next, up));
                                else if (child->type != ELEMENT_STEP)
                                        refuse(b, child->span,
                                               "has something in 'any' that is neither a step nor a block");
                                else if (child->repetition == REPEAT_STAR)
                                        add_staying(b, EDGE_LOOP, child, up);
                                else
                                        add_step(b, child, up, at->next, up);
                        b->nesting--;
                        if (!can_be_empty(at))
                                return;
                        break;
                }
                at = at->next;
        }
}

/* In the order of enum edge_type: what the run wants, then what only counts, then what ends it; within these the order
 * of the text. */
static void sort_edges(struct builder *b, struct draft_position *position) {
        struct draft_edges sorted = {};

        for (int type = 0; type < _EDGE_TYPE_MAX; type++)
                ARRAY_FOREACH(edge, &position->edges)
                        if ((int)edge->type == type)
                                assembly_note(&b->c->out, array_push(&sorted, *edge));
        array_done(&position->edges);
        position->edges = sorted;
}

/* Number the positions so that every step leads to a larger one: in reverse order of leaving in a depth-first search.
 */
static void number_from(struct draft *draft, uint32_t position, bool *seen, uint32_t *next) {
        struct draft_position *p = &draft->positions.items[position];

        seen[position] = true;
        if (p->absence && p->absence_target != DRAFT_ACCEPT && !seen[p->absence_target])
                number_from(draft, p->absence_target, seen, next);
        for (size_t i = p->edges.n; i-- > 0;) {
                const struct draft_edge *edge = &p->edges.items[i];

                if ((edge->type == EDGE_ADVANCE || edge->type == EDGE_COUNT) && edge->target != DRAFT_ACCEPT &&
                    !seen[edge->target])
                        number_from(draft, edge->target, seen, next);
        }
        p->number = --*next;
        draft->order[p->number] = position;
}

/* All steps of a `score` path at its one place. */
static void build_score(struct builder *b) {
        struct draft_position position = {.window = PROGRAM_NONE};

        assembly_note(&b->c->out, array_push(&b->draft->positions, position));
        for (const struct element *step = b->path->body; step && !failed(b); step = step->next)
                edge_add(b, (struct draft_edge){
                                    .type = EDGE_SCORE,
                                    .kind = step->kind,
                                    .any_result = step->any_result,
                                    .condition = condition_of(b, step),
                                    .element = step,
                                    .window = PROGRAM_NONE,
                                    .named = PROGRAM_NONE,
                            });
        if (!failed(b) && b->draft->positions.items[0].edges.n == 0)
                refuse(b, path_span(b->path), "has no step");
}

static void build_story(struct builder *b) {
        struct draft *draft = b->draft;

        if (target_get(b, b->path->body, NULL, NULL) == DRAFT_ACCEPT)
                refuse(b, path_span(b->path), "has no step");

        for (b->here = 0; b->here < draft->positions.n && !failed(b); b->here++) {
                struct draft_position here = draft->positions.items[b->here];

                if (here.loop)
                        add_staying(b, EDGE_LOOP, here.loop, here.up);
                expand(b, here.at, here.taken, here.up);
                if (failed(b))
                        return;
                check_place(b);
                sort_edges(b, &draft->positions.items[b->here]);
        }
}

void positions_build(struct compilation *c, const struct path_node *path, struct draft *ret) {
        struct builder b = {.c = c, .path = path, .draft = ret};
        bool seen[PROGRAM_MAX_POSITIONS] = {};
        uint32_t next;

        idmap_init(&b.conditions);
        if (path->score > 0)
                build_score(&b);
        else
                build_story(&b);
        idmap_done(&b.conditions);
        if (failed(&b))
                return;

        next = ret->positions.n;
        number_from(ret, 0, seen, &next);
        assert(next == 0);
}

void draft_done(struct draft *draft) {
        ARRAY_FOREACH(position, &draft->positions)
                array_done(&position->edges);
        array_done(&draft->positions);
        array_done(&draft->windows);
}

uint64_t element_slots(const struct element *element) {
        uint64_t slots = 0;

        for (const struct capture *capture = element->captures; capture; capture = capture->next)
                slots |= UINT64_C(1) << capture->slot;
        for (const struct element *child = element->children; child; child = child->next)
                slots |= element_slots(child);
        for (const struct element *child = element->then; child; child = child->next)
                slots |= element_slots(child);
        for (const struct element *child = element->otherwise; child; child = child->next)
                slots |= element_slots(child);
        return slots;
}

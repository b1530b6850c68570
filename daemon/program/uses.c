/* SPDX-License-Identifier: Apache-2.0 */
#include "program/uses.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "base/siphash.h"
#include "event/interest.h"
#include "program/aggregate.h"
#include "program/crowd.h"
#include "program/facts.h"

#define URGENT_COUNT 8                  /* a step that so many of end a story is urgent */
#define CLASS_HEADS 4096                /* a power of two, more than PREFILTER_MAX_CLASSES */

struct use {
        uint16_t kind;
        bool first;
        bool given;                     /* it looks at the name that was given */
        enum wire_wait worth;           /* URGENT, SOON, or ANY */
        uint32_t condition;
        uint32_t most;                  /* aggregate_most(); 0: it needs each event */
        struct prefilter_arm arm;
};

struct collector {
        const struct program *program;
        struct prefilter *prefilter;
        unsigned what;
        struct collector_uses ARRAY_BODY(struct use) uses;
        uint32_t asked[_FIELD_MAX];     /* how many comparisons of a field could be facts */
        uint32_t heads[CLASS_HEADS];    /* by hash: the first text of EXE or NAME that is this one, number + 1 */
        uint32_t n_classes;             /* of which there are so many */
        int error;
};

static void note(struct collector *c, int r) {
        if (r < 0 && c->error == 0)
                c->error = r;
}

/* Kinds whose records all pass the filter in the kernel, and that nobody but policies needs: not those that the bus or
 * the file system tells, and not what moves processes from namespace to namespace. */
static bool is_filtered(uint16_t kind) {
        const struct kind_info *info = schema_kind((enum wire_kind)kind);

        if (!info || info->class == EVENT_META)
                return false;
        switch (kind) {
        case WIRE_KIND_unit:
        case WIRE_KIND_login:
        case WIRE_KIND_container:
        case WIRE_KIND_verdict:
        case WIRE_KIND_unshare:
        case WIRE_KIND_setns: return false;
        default: return true;
        }
}

/* An `exit` that was lost is made up by the daemon. */
static bool may_begin(uint16_t kind) {
        return is_filtered(kind) && kind != WIRE_KIND_exit;
}

/* Which field of the kind is looked at most, of each sort. */
static void count_predicates(struct collector *c, uint32_t number) {
        const struct condition *condition = &c->program->conditions[number];

        if (condition->op == CONDITION_AND || condition->op == CONDITION_OR) {
                for (uint32_t i = 0; i < condition->args.n; i++)
                        count_predicates(c, c->program->children[condition->args.first + i].value);
        } else if (condition->op == CONDITION_PREDICATE) {
                const struct predicate *predicate = &c->program->predicates[condition->args.first];

                if (facts_could_be(predicate->op))
                        c->asked[predicate->field]++;
        }
}

static const struct {
        enum prefilter_dimension dimension;
        enum field field;
} of_process[] = {
        {PREFILTER_EXE, FIELD_PROCESS_exe},
        {PREFILTER_NAME, FIELD_PROCESS_name},
        {PREFILTER_IN_UNIT, FIELD_PROCESS_unit},
        {PREFILTER_IN_CONTAINER, FIELD_PROCESS_container},
        {PREFILTER_IN_CGROUP, FIELD_PROCESS_cgroup},
};

static void choose_fields(struct collector *c, uint16_t kind) {
        struct prefilter_kind *to = &c->prefilter->kinds[kind];
        const struct kind_info *info = schema_kind((enum wire_kind)kind);
        uint32_t most[_PREFILTER_DIMENSION_MAX] = {};

        for (uint32_t i = 0; i < info->n_fields; i++) {
                struct predicate predicate = {.field = info->first_field + i, .subject = SUBJECT_EVENT};
                enum prefilter_dimension d = facts_dimension(&predicate);

                if (d != _PREFILTER_DIMENSION_MAX && c->asked[predicate.field] > most[d]) {
                        most[d] = c->asked[predicate.field];
                        to->fields[d] = (enum field)predicate.field;
                }
        }
        if (c->asked[FIELD_PROCESS_uid] > 0 || c->asked[FIELD_PROCESS_euid] > 0)
                to->fields[PREFILTER_USER] = c->asked[FIELD_PROCESS_euid] > c->asked[FIELD_PROCESS_uid]
                                                     ? FIELD_PROCESS_euid
                                                     : FIELD_PROCESS_uid;
        to->fields[PREFILTER_FLAGS] = interest_flags((enum wire_kind)kind);
        for (size_t i = 0; i < ELEMENTSOF(of_process); i++)
                if (c->asked[of_process[i].field] > 0)
                        to->fields[of_process[i].dimension] = of_process[i].field;
}

static bool same_class(const struct prefilter *prefilter, const struct prefilter_text *a,
                       const struct prefilter_text *b) {
        return a->dimension == b->dimension && a->place == b->place && a->length == b->length &&
               memcmp(prefilter->bytes.items + a->offset, prefilter->bytes.items + b->offset, a->length) == 0;
}

/* The last text. What is the same for several kinds is one pattern. */
static void count_class(struct collector *c) {
        const struct prefilter *prefilter = c->prefilter;
        const struct prefilter_text *last = &prefilter->texts.items[prefilter->texts.n - 1];
        uint32_t hash = last->length * 4 + last->place, at;

        for (uint32_t i = 0; i < last->length; i++)
                hash = hash * 31 + (uint8_t)prefilter->bytes.items[last->offset + i];
        for (at = hash; c->heads[at % CLASS_HEADS] != 0; at++)
                if (same_class(prefilter, &prefilter->texts.items[c->heads[at % CLASS_HEADS] - 1], last))
                        return;
        c->heads[at % CLASS_HEADS] = prefilter->texts.n;
        c->n_classes++;
}

static void add_text(struct collector *c, uint16_t kind, enum prefilter_dimension dimension,
                     const struct fact *fact, uint64_t uses) {
        struct prefilter *to = c->prefilter;
        const char *bytes = program_text(c->program, fact->text);
        struct prefilter_text text = {
                .uses = uses,
                .offset = to->bytes.n,
                .length = fact->text.length,
                .kind = kind,
                .dimension = dimension,
                .place = fact->place,
        };

        if (text.place != PREFILTER_BACK && text.length > PREFILTER_MAX_TEXT) {
                text.place = PREFILTER_FRONT;
                text.length = PREFILTER_MAX_TEXT;
        } else if (text.place == PREFILTER_BACK && text.length > PREFILTER_MAX_TAIL) {
                bytes += text.length - PREFILTER_MAX_TAIL;
                text.length = PREFILTER_MAX_TAIL;
        }
        for (uint32_t i = 0; i < text.length && c->error == 0; i++)
                note(c, array_push(&to->bytes, bytes[i]));
        note(c, array_push(&to->texts, text));
        if ((dimension == PREFILTER_EXE || dimension == PREFILTER_NAME) && c->error == 0)
                count_class(c);
}

/* An address of IPv4 may stand in one of IPv6, and is compared as what it is (event/compare.h). */
static void add_network(struct collector *c, uint16_t kind, const struct program_network *network, uint64_t uses) {
        struct prefilter_network item = {
                .uses = uses,
                .address = network->address,
                .prefix = MIN(network->prefix, network->address.family == AF_INET ? 32U : 128U),
                .kind = kind,
        };

        note(c, array_push(&c->prefilter->networks, item));
        if (item.address.family != AF_INET)
                return;
        memmove(item.address.bytes + 12, item.address.bytes, 4);
        memset(item.address.bytes, 0, 10);
        memset(item.address.bytes + 10, 0xff, 2);
        item.address.family = AF_INET6;
        item.prefix += 96;
        note(c, array_push(&c->prefilter->networks, item));
}

static void add_pattern(struct collector *c, uint16_t kind, enum prefilter_dimension dimension,
                        const struct fact *fact, uint64_t uses) {
        switch (dimension) {
        case PREFILTER_TEXT:
        case PREFILTER_EXE:
        case PREFILTER_NAME:
        case PREFILTER_IN_UNIT:
        case PREFILTER_IN_CONTAINER:
        case PREFILTER_IN_CGROUP: add_text(c, kind, dimension, fact, uses); return;
        case PREFILTER_NETWORK: add_network(c, kind, &fact->network, uses); return;
        case PREFILTER_FLAGS: return;   /* has no patterns */
        case PREFILTER_NUMBER:
        case PREFILTER_USER:
                note(c, array_push(&c->prefilter->numbers,
                                   ((struct prefilter_number){.uses = uses,
                                                              .number = fact->number,
                                                              .kind = kind,
                                                              .dimension = dimension})));
                return;
        case _PREFILTER_DIMENSION_MAX: return;
        }
}

/* Is there room for so many more? */
static bool has_room(const struct collector *c, enum prefilter_dimension dimension, const struct facts *facts) {
        const struct prefilter *prefilter = c->prefilter;
        size_t n = facts->patterns.n;

        switch ((int)dimension) {
        case PREFILTER_NETWORK: return prefilter->networks.n + n <= PREFILTER_MAX_PATTERNS;
        case PREFILTER_NUMBER:
        case PREFILTER_USER: return prefilter->numbers.n + n <= PREFILTER_MAX_PATTERNS;
        case PREFILTER_EXE:
        case PREFILTER_NAME:
                return prefilter->texts.n + n <= PREFILTER_MAX_PATTERNS && c->n_classes + n <= PREFILTER_MAX_CLASSES;
        default: return prefilter->texts.n + n <= PREFILTER_MAX_PATTERNS;
        }
}

static void merge_arm(struct prefilter_arm *to, const struct prefilter_arm *arm) {
        if (arm->kinds == 0)
                return;
        to->key = to->kinds != 0 && to->key != arm->key ? PREFILTER_HOST : arm->key;
        to->kinds |= arm->kinds;
        to->horizon_ns = MAX(to->horizon_ns, arm->horizon_ns);
}

/* Into the set that is the same, or else one that is free, or the one that becomes wider by the least. */
static void put_flags(struct prefilter_kind *to, uint64_t bits, uint64_t uses) {
        struct prefilter_flags *best = NULL;
        int least = INT_MAX;

        for (size_t i = 0; i < ELEMENTSOF(to->flags); i++) {
                struct prefilter_flags *set = &to->flags[i];
                int loss = set->bits == 0 ? 1 : 2 * __builtin_popcountll(set->bits ^ bits);

                if (loss < least) {
                        best = set;
                        least = loss;
                }
        }
        best->bits |= bits;
        best->uses |= uses;
}

/* One use into the vector: what it needs in each dimension. Too many patterns: the dimension is not looked at. */
static void put_use(struct collector *c, const struct use *use,
                    const struct facts facts[static _PREFILTER_DIMENSION_MAX], uint32_t bit) {
        struct prefilter_kind *to = &c->prefilter->kinds[use->kind];
        uint64_t mask = UINT64_C(1) << bit;

        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++) {
                if (!facts[d].all && has_room(c, (enum prefilter_dimension)d, &facts[d]))
                        ARRAY_FOREACH(fact, &facts[d].patterns)
                                add_pattern(c, use->kind, (enum prefilter_dimension)d, fact, mask);
                else
                        to->any[d] |= mask;
        }
        if (!facts[PREFILTER_FLAGS].all)
                put_flags(to, facts[PREFILTER_FLAGS].bits, mask);
        if (use->first)
                to->first |= mask;
        if (use->most == 0)
                to->counting &= ~mask;
        else
                to->most = MIN(to->most, use->most);
        if (use->worth == WIRE_WAIT_URGENT)
                to->urgent |= mask;
        else if (use->worth == WIRE_WAIT_SOON)
                to->soon |= mask;
        if (use->given)
                to->given |= mask;
        merge_arm(&to->arms[bit], &use->arm);
        to->n_uses = MAX(to->n_uses, bit + 1);
}

static void use_facts(struct collector *c, const struct use *use, struct facts ret[static _PREFILTER_DIMENSION_MAX]) {
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++) {
                enum field field = c->prefilter->kinds[use->kind].fields[d];

                ret[d] = (struct facts){.all = true};
                if (field == FIELD_NONE || !(c->what & USES_FILTER))
                        continue;
                if (d != PREFILTER_FLAGS) {
                        facts_of(c->program, use->condition, field, &ret[d]);
                        continue;
                }
                ret[d].bits = facts_flags(c->program, use->condition, field);
                ret[d].all = ret[d].bits == 0;
        }
}

/* First steps are one with those only that arm alike: what arms nothing must not arm what others wait for, keys that
 * differ would become the host's, and the longest of all horizons would be that of all. */
static uint32_t arm_signature(const struct use *use) {
        uint32_t horizon = use->arm.horizon_ns <= 2 * 60 * UINT64_C(1000000000)    ? 0
                           : use->arm.horizon_ns <= 15 * 60 * UINT64_C(1000000000) ? 1
                                                                                  : 2;
        bool own = use->arm.kinds & wire_kind_bit(use->kind);

        return use->arm.kinds == 0 ? 0 : 1U | (uint32_t)own << 1 | horizon << 2 | (uint32_t)use->arm.key << 4;
}

_Static_assert(_PREFILTER_DIMENSION_MAX <= 16, "below the other bits of a rough signature");

/* What it is that uses share a bit by. */
static struct crowd_signature use_signature(const struct program *program, const struct use *use,
                                            const struct facts facts[static _PREFILTER_DIMENSION_MAX]) {
        static const struct siphash_key key;
        struct crowd_signature ret = {.rough = (uint64_t)arm_signature(use) << 17 | (uint64_t)use->first << 16};
        struct siphash hash;
        bool one = false;

        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                if (!facts[d].all)
                        ret.rough |= UINT64_C(1) << d;

        siphash_begin64(&hash, &key);
        siphash_add_u64(&hash, ret.rough);
        siphash_add_u64(&hash, (uint64_t)use->worth << 1 | use->given);
        siphash_add_u64(&hash, facts[PREFILTER_FLAGS].bits);
        ret.coarse = siphash_end64(&hash);

        siphash_begin64(&hash, &key);
        siphash_add_u64(&hash, ret.coarse);
        siphash_add_u64(&hash, use->most != 0);
        for (int d = 0; d < PREFILTER_FLAGS; d++) {
                if (facts[d].all)
                        continue;
                if (one)                /* in the first one they may differ */
                        siphash_add_u64(&hash, facts_hash(program, &facts[d]));
                one = true;
        }
        ret.fine = siphash_end64(&hash);
        return ret;
}

/* Each use a bit, if there are enough. */
static void put_kind(struct collector *c, const struct use *uses, size_t n) {
        struct prefilter_kind *to = &c->prefilter->kinds[uses[0].kind];
        bool crowded = n > PREFILTER_MAX_USES;
        struct crowd crowd = {};
        uint64_t all, used = 0;

        to->arms = calloc(PREFILTER_MAX_USES, sizeof(*to->arms));
        if (!to->arms) {
                note(c, -ENOMEM);
                return;
        }
        to->counting = UINT64_MAX;
        to->most = WIRE_MAX_AGGREGATE;
        for (size_t round = !crowded; round < 2; round++) {
                if (round == 1)
                        crowd_seat(&crowd);
                for (size_t i = 0; i < n; i++) {
                        struct facts facts[_PREFILTER_DIMENSION_MAX];
                        struct crowd_signature signature;
                        uint32_t bit = i;

                        use_facts(c, &uses[i], facts);
                        signature = use_signature(c->program, &uses[i], facts);
                        if (round == 0)
                                crowd_announce(&crowd, &signature);
                        else {
                                if (crowded)
                                        bit = crowd_bit(&crowd, &signature);
                                put_use(c, &uses[i], facts, bit);
                                used |= UINT64_C(1) << bit;
                        }
                        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                                facts_done(&facts[d]);
                }
        }

        all = to->n_uses == 64 ? UINT64_MAX : (UINT64_C(1) << to->n_uses) - 1;
        if (!(to->counting & used))
                to->counting = 0;
        to->active = to->first != all || to->counting != 0;
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                if (to->any[d] != all)
                        to->active = true;
                else
                        to->fields[d] = FIELD_NONE;
        for (uint32_t i = 0; i < to->n_uses; i++)
                if (to->arms[i].kinds != 0)
                        to->active = true;
}

static enum prefilter_key key_of(uint8_t by) {
        switch ((enum program_key)by) {
        case KEY_TREE:
        case KEY_PROCESS: return PREFILTER_TREE;
        case KEY_DESCENT: return PREFILTER_DESCENT;
        case KEY_UNIT: return PREFILTER_UNIT;
        case KEY_CONTAINER: return PREFILTER_CONTAINER;
        case KEY_USER: return PREFILTER_OF_USER;
        case KEY_HOST:
        case _KEY_MAX: break;
        }
        return PREFILTER_HOST;
}

/* What the first steps of a path arm; `kinds` 0: they arm nothing, and the later ones do not wait. Later steps arm
 * nothing more: the time of a story counts from its first step. */
static struct prefilter_arm path_arm(const struct collector *c, const struct path *path) {
        const struct program *p = c->program;
        struct prefilter_arm arm = {
                .horizon_ns = path->within_ns > 0 ? path->within_ns : PREFILTER_NO_END,
                .key = key_of(path->by),
        };

        if (!(c->what & USES_ARM))
                return (struct prefilter_arm){};
        for (uint32_t i = 0; i < path->positions.n; i++) {
                struct program_range edges = p->positions[path->positions.first + i].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++)
                        if (i > 0)
                                arm.kinds |= wire_kind_bit(p->edges[k].kind);
                        else if (!may_begin(p->edges[k].kind))
                                return (struct prefilter_arm){};
        }
        for (uint32_t i = 0; i < path->untils.n; i++)
                arm.kinds |= wire_kind_bit(p->untils[path->untils.first + i].kind);
        return arm;
}

static uint32_t path_most(const struct collector *c, const struct path *path, uint16_t kind) {
        return c->what & USES_AGGREGATE ? aggregate_most(c->program, path, (enum wire_kind)kind) : 0;
}

/* Does a run wait there for what the kernel decides? The kernel has to know when one comes there. */
static bool is_armed_at(const struct program *p, const struct path *path, uint32_t position) {
        struct program_range edges;

        if (path->enforce == PATH_ENFORCE_NONE || position == 0 || position == POSITION_ACCEPT)
                return false;
        edges = p->positions[path->positions.first + position].edges;
        for (uint32_t i = edges.first; i < edges.first + edges.n; i++)
                if (p->edges[i].target == POSITION_ACCEPT)
                        return true;
        return false;
}

static enum wire_wait worth_of(const struct program *p, const struct path *path, uint32_t position,
                               const struct edge *edge) {
        bool decides = edge->target == POSITION_ACCEPT || is_armed_at(p, path, edge->target), few = false;

        if (edge->step != PROGRAM_NONE && p->steps[edge->step].respond.n > 0)
                return WIRE_WAIT_URGENT;
        switch ((enum edge_type)edge->type) {
        case EDGE_ADVANCE: return decides ? WIRE_WAIT_URGENT : WIRE_WAIT_ANY;
        case EDGE_COUNT:
                if (!decides)
                        return WIRE_WAIT_ANY;
                few = p->repeats[p->positions[path->positions.first + position].repeat].n <= URGENT_COUNT;
                break;
        case EDGE_SCORE: few = (uint64_t)edge->points * URGENT_COUNT >= path->score.threshold; break;
        case EDGE_LOOP:
        case EDGE_KILL:
        case _EDGE_TYPE_MAX: return WIRE_WAIT_ANY;
        }
        return few ? WIRE_WAIT_URGENT : WIRE_WAIT_SOON;
}

static bool edge_names_given(const struct program *p, const struct edge *edge) {
        bool named = facts_names(p, edge->condition, FIELD_openat_given);

        for (uint32_t i = edge->writes.first; i < edge->writes.first + edge->writes.n; i++)
                named |= p->writes[i].field == FIELD_openat_given;
        return named;
}

static bool exceptions_name_given(const struct program *p, const struct path *path) {
        for (uint32_t i = path->exceptions.first; i < path->exceptions.first + path->exceptions.n; i++)
                if (facts_names(p, p->exceptions[i].condition, FIELD_openat_given))
                        return true;
        return false;
}

static void path_uses(struct collector *c, const struct path *path) {
        const struct program *p = c->program;
        struct prefilter_arm arm = path_arm(c, path), none = {};
        bool given = !(c->what & USES_FILTER) || exceptions_name_given(p, path);

        for (uint32_t i = 0; i < path->positions.n; i++) {
                struct program_range edges = p->positions[path->positions.first + i].edges;

                for (uint32_t k = edges.first; k < edges.first + edges.n; k++)
                        note(c, array_push(&c->uses, ((struct use){.kind = p->edges[k].kind,
                                                                   .first = i == 0 || arm.kinds == 0,
                                                                   .given = given || edge_names_given(p, &p->edges[k]),
                                                                   .worth = worth_of(p, path, i, &p->edges[k]),
                                                                   .condition = p->edges[k].condition,
                                                                   .most = path_most(c, path, p->edges[k].kind),
                                                                   .arm = i == 0 ? arm : none})));
        }
        for (uint32_t i = 0; i < path->untils.n; i++) {
                const struct until *until = &p->untils[path->untils.first + i];

                note(c,
                     array_push(&c->uses, ((struct use){.kind = until->kind,
                                                        .first = arm.kinds == 0,
                                                        .given = given || facts_names(p, until->condition,
                                                                                       FIELD_openat_given),
                                                        .worth = WIRE_WAIT_ANY,
                                                        .condition = until->condition})));
        }
        if (arm.kinds != 0)
                c->prefilter->longest_ns = MAX(c->prefilter->longest_ns, arm.horizon_ns);
}

static int compare_uses(const void *a, const void *b) {
        const struct use *x = a, *y = b;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        if (x->condition != y->condition)
                return x->condition < y->condition ? -1 : 1;
        if (x->first != y->first)
                return x->first ? -1 : 1;
        if (x->most != y->most)
                return x->most < y->most ? -1 : 1;
        if (x->arm.kinds != y->arm.kinds)
                return x->arm.kinds < y->arm.kinds ? -1 : 1;
        if (x->arm.horizon_ns != y->arm.horizon_ns)
                return x->arm.horizon_ns < y->arm.horizon_ns ? -1 : 1;
        return (int)x->arm.key - (int)y->arm.key;
}

static void put_uses(struct collector *c) {
        size_t n = 0;

        if (c->uses.n == 0)
                return;
        qsort(c->uses.items, c->uses.n, sizeof(c->uses.items[0]), compare_uses);
        for (size_t i = 0; i < c->uses.n; i++)
                if (n == 0 || compare_uses(&c->uses.items[n - 1], &c->uses.items[i]) != 0)
                        c->uses.items[n++] = c->uses.items[i];
                else {
                        c->uses.items[n - 1].worth = MIN(c->uses.items[n - 1].worth, c->uses.items[i].worth);
                        c->uses.items[n - 1].given |= c->uses.items[i].given;
                }

        for (size_t first = 0, end; first < n && c->error == 0; first = end) {
                uint16_t kind = c->uses.items[first].kind;

                enum wire_wait worth = WIRE_WAIT_ANY;

                for (end = first; end < n && c->uses.items[end].kind == kind; end++) {
                        count_predicates(c, c->uses.items[end].condition);
                        worth = MIN(worth, c->uses.items[end].worth);
                }
                if (!is_filtered(kind)) {
                        c->prefilter->kinds[kind].urgent = worth == WIRE_WAIT_URGENT ? UINT64_MAX : 0;
                        c->prefilter->kinds[kind].soon = worth == WIRE_WAIT_SOON ? UINT64_MAX : 0;
                        continue;
                }
                choose_fields(c, kind);
                put_kind(c, c->uses.items + first, end - first);
        }
}

int uses_collect(const struct program *program, unsigned what, struct prefilter **ret) {
        _cleanup_(prefilter_freep) struct prefilter *prefilter = calloc(1, sizeof(*prefilter));
        struct collector c = {.program = program, .prefilter = prefilter, .what = what};

        if (!prefilter)
                return -ENOMEM;
        prefilter->arming = what & USES_ARM;
        for (uint32_t i = 0; i < program->n_paths; i++)
                path_uses(&c, &program->paths[i]);
        if (c.error == 0)
                put_uses(&c);
        array_done(&c.uses);
        if (c.error < 0)
                return c.error;

        prefilter_merge(prefilter);
        *ret = TAKE_PTR(prefilter);
        return 0;
}

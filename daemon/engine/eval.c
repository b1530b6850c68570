/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/eval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/compare.h"
#include "process/lineage.h"
#include "process/process-fields.h"
#include "program/matcher.h"
#include "program/predicate.h"
#include "program/regex.h"

#define N_IMAGES 2048                   /* a power of two */
#define N_FOUND 25

struct eval_image {
        uint64_t number;                /* of the image; 0: empty */
        uint16_t matcher;
        uint8_t n_true, n_open;
        uint8_t rest;                   /* enum truth */
        uint8_t pad[3];
        uint32_t found[N_FOUND];        /* predicates: the true ones, then the open ones */
};

int eval_init(struct eval *eval, const struct program *program, const struct plan *plan,
              const struct process_table *table, const struct evidence *evidence) {
        *eval = (struct eval){
                .program = program,
                .plan = plan,
                .table = table,
                .evidence = evidence,
        };

        eval->predicates = calloc(program->n_predicates + 1, sizeof(*eval->predicates));
        eval->conditions = calloc(program->n_conditions + 1, sizeof(*eval->conditions));
        eval->matchers = calloc(program->n_matchers + 1, sizeof(*eval->matchers));
        eval->guards = calloc(program->n_guards + 1, sizeof(*eval->guards));
        eval->images = calloc(N_IMAGES, sizeof(*eval->images));
        if (!eval->predicates || !eval->conditions || !eval->matchers || !eval->guards || !eval->images) {
                eval_done(eval);
                return -ENOMEM;
        }
        return 0;
}

void eval_done(struct eval *eval) {
        free(eval->predicates);
        free(eval->conditions);
        free(eval->matchers);
        free(eval->guards);
        free(eval->images);
        *eval = (struct eval){};
}

void eval_begin(struct eval *eval, const struct event *event, const struct process *actor) {
        const struct program *program = eval->program;

        /* Once in four thousand million events the numbers start again. */
        if (++eval->generation == 0) {
                memset(eval->predicates, 0, program->n_predicates * sizeof(*eval->predicates));
                memset(eval->conditions, 0, program->n_conditions * sizeof(*eval->conditions));
                memset(eval->matchers, 0, program->n_matchers * sizeof(*eval->matchers));
                memset(eval->guards, 0, program->n_guards * sizeof(*eval->guards));
                eval->generation = 1;
        }

        eval->event = event;
        eval->actor = actor;
        eval->parent_asked = false;
        if (actor)
                return;

        eval->nobody = (struct process){
                .id = event_actor(event),
                .creator = {.start_ns = event->wire->creator_start_ns, .pid = event->wire->creator_tgid},
                .state = PROCESS_RUNNING,
                .uid = event->wire->uid,
                .euid = event->wire->euid,
                .gid = event->wire->gid,
                .egid = event->wire->egid,
                .loginuid = event->wire->loginuid,
                .session = event->wire->session,
                .cgroup_id = event->wire->cgroup_id,
        };
        eval->actor = &eval->nobody;
}

/* An actor that is not in the table has no place there either: its creator is looked up by name. */
static const struct process *eval_creator(const struct eval *eval, bool *ret_unknown) {
        const struct process *creator;

        if (eval->actor != &eval->nobody)
                return process_table_creator(eval->table, eval->actor, ret_unknown);

        creator = eval->nobody.creator.pid != 0 ? process_table_find(eval->table, &eval->nobody.creator) : NULL;
        *ret_unknown = !creator;
        return creator;
}

static enum eval_state eval_parent(struct eval *eval) {
        if (!eval->parent_asked) {
                bool unknown = false;

                eval->parent = eval_creator(eval, &unknown);
                eval->parent_state = eval->parent ? EVAL_KNOWN : unknown ? EVAL_UNKNOWN : EVAL_ABSENT;
                eval->parent_asked = true;
        }
        return eval->parent_state;
}

/* The actor's creators, from the parent up. */
struct ascent {
        struct lineage lineage;
        bool begun, broken;
};

static const struct process *ascent_next(struct ascent *ascent, struct eval *eval) {
        const struct process *creator;

        if (ascent->begun) {
                creator = lineage_next(&ascent->lineage);
                ascent->broken = ascent->lineage.broken;
                return creator;
        }

        ascent->begun = true;
        if (eval_parent(eval) != EVAL_KNOWN) {
                ascent->broken = eval->parent_state == EVAL_UNKNOWN;
                return NULL;
        }
        lineage_begin(&ascent->lineage, eval->table, eval->parent);
        ascent->lineage.n_steps = 1;
        return eval->parent;
}

static enum eval_state eval_element(const struct value *list, int index, struct value *ret) {
        struct value element;

        if (!value_list_at(list, index, &element))
                return list->state == VALUE_CUT ? EVAL_UNKNOWN : EVAL_ABSENT;
        *ret = element;
        return element.state == VALUE_CUT ? EVAL_CUT : EVAL_KNOWN;
}

static void set_identity(struct value *ret, const struct identity *identity) {
        *ret = (struct value){.identity = *identity, .type = VALUE_IDENTITY, .state = VALUE_KNOWN};
}

/* A field that the event's kind does not have: only an `except` asks. */
static bool eval_is_foreign(const struct eval *eval, enum field field) {
        const struct field_info *info = schema_field(field);

        return !info || (info->scope == FIELD_EVENT && info->kind != event_kind(eval->event));
}

enum eval_state eval_get(struct eval *eval, enum program_subject subject, enum field field, int index,
                         struct value *ret) {
        if (subject == SUBJECT_EVENT) {
                event_get(eval->event, field, ret);
                if (ret->state == VALUE_UNKNOWN && eval_is_foreign(eval, field))
                        return EVAL_ABSENT;
        } else if (subject == SUBJECT_PROCESS)
                process_get(eval->actor, eval->event, field, ret);
        else if (subject == SUBJECT_EACH)
                process_get(eval->each, NULL, field, ret);
        else if (field == FIELD_PROCESS_identity && eval->actor->creator.pid != 0)
                set_identity(ret, &eval->actor->creator);
        else {
                enum eval_state state = eval_parent(eval);

                *ret = (struct value){};
                if (state != EVAL_KNOWN)
                        return state;
                process_get(eval->parent, NULL, field, ret);
        }

        if (ret->state == VALUE_UNKNOWN)
                return EVAL_UNKNOWN;
        if (ret->type == VALUE_LIST && index >= 0)
                return eval_element(ret, index, ret);
        if (ret->type == VALUE_LIST && index == INDEX_ANY)
                return EVAL_ANY;
        return ret->state == VALUE_CUT ? EVAL_CUT : EVAL_KNOWN;
}

static void eval_find(struct eval *eval, uint32_t predicate, enum truth truth) {
        struct eval_memo *memo = &eval->predicates[predicate];

        if (memo->generation != eval->generation)
                *memo = (struct eval_memo){eval->generation, truth};
        else
                memo->truth = truth_or(memo->truth, truth);

        if (truth == TRUTH_TRUE && eval->dirty)
                plan_mark(eval->plan, predicate, event_kind(eval->event), eval->dirty);
}

/* One run of a matcher: what it finds goes to the memos, and into `image` if that can be remembered. */
struct finding {
        struct eval *eval;
        const struct matcher_ref *ref;
        struct eval_image *image;       /* NULL: nobody remembers */
        bool overflow;
};

static void finding_add(struct finding *finding, uint32_t pattern, enum truth truth) {
        uint32_t predicate = finding->eval->program->matched[finding->ref->predicates.first + pattern].value;
        struct eval_image *image = finding->image;

        eval_find(finding->eval, predicate, truth);
        if (!image)
                return;

        if (image->n_true + image->n_open == N_FOUND) {
                finding->overflow = true;
                return;
        }
        if (truth == TRUTH_TRUE) {
                image->found[image->n_true + image->n_open] = image->found[image->n_true];
                image->found[image->n_true++] = predicate;
        } else
                image->found[image->n_true + image->n_open++] = predicate;
}

static void finding_on_match(uint32_t pattern, void *data) {
        finding_add(data, pattern, TRUTH_TRUE);
}

static void finding_on_open(uint32_t pattern, void *data) {
        finding_add(data, pattern, TRUTH_UNKNOWN);
}

/* Returns what is true of the predicates that were not found. */
static enum truth finding_run(struct finding *finding, const struct value *value) {
        const struct matcher_sink sink = {finding_on_match, finding_on_open, finding};
        const struct matcher_ref *ref = finding->ref;
        const void *table = program_text(finding->eval->program, ref->table);
        const char *at = value->bytes, *end = value->length > 0 ? at + value->length : at;
        bool cut = value->state == VALUE_CUT;
        struct value element;

        if (value->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        finding->eval->n_predicates++;

        if (value->type == VALUE_STRING) {
                matcher_run(table, value->bytes, value->length, cut, &sink);
                return TRUTH_FALSE;
        }
        if (value->type != VALUE_LIST || ref->index == INDEX_NONE)
                return TRUTH_FALSE;

        if (ref->index >= 0) {
                enum eval_state state = eval_element(value, ref->index, &element);

                if (state == EVAL_UNKNOWN || state == EVAL_ABSENT)
                        return state == EVAL_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_FALSE;
                matcher_run(table, element.bytes, element.length, state == EVAL_CUT, &sink);
                return TRUTH_FALSE;
        }

        while (at < end) {
                const char *nul = memchr(at, 0, end - at);

                if (cut && nul + 1 == end)      /* the last one is a prefix, and only whole elements count */
                        break;
                matcher_run(table, at, nul - at, false, &sink);
                at = nul + 1;
        }
        return cut ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* Fields that an image holds: they do not change while a process runs it. */
static bool field_is_of_image(enum field field) {
        switch ((int)field) {
        case FIELD_PROCESS_name:
        case FIELD_PROCESS_comm:
        case FIELD_PROCESS_exe:
        case FIELD_PROCESS_filename:
        case FIELD_PROCESS_cwd:
        case FIELD_PROCESS_argv:
        case FIELD_PROCESS_args:
                return true;
        default:
                return false;
        }
}

static enum truth eval_run_on_process(struct eval *eval, uint32_t matcher, const struct process *process,
                                      const struct event *event) {
        const struct matcher_ref *ref = &eval->program->matchers[matcher];
        struct finding finding = {.eval = eval, .ref = ref};
        struct eval_image *image = NULL;
        struct value value;
        uint64_t number;
        enum truth rest;

        if (process->image && field_is_of_image(ref->field)) {
                number = process_image_number(process->image);
                image = &eval->images[(number * 31 + matcher) & (N_IMAGES - 1)];
                if (image->number == number && image->matcher == matcher) {
                        for (unsigned i = 0; i < image->n_true; i++)
                                eval_find(eval, image->found[i], TRUTH_TRUE);
                        for (unsigned i = image->n_true; i < image->n_true + image->n_open; i++)
                                eval_find(eval, image->found[i], TRUTH_UNKNOWN);
                        return image->rest;
                }

                image->number = 0;
                image->n_true = image->n_open = 0;
                finding.image = image;
        }

        process_get(process, event, ref->field, &value);
        rest = finding_run(&finding, &value);
        if (image && !finding.overflow) {
                image->number = number;
                image->matcher = matcher;
                image->rest = rest;
        }
        return rest;
}

static enum truth eval_run_matcher(struct eval *eval, uint32_t matcher) {
        const struct matcher_ref *ref = &eval->program->matchers[matcher];
        struct finding finding = {.eval = eval, .ref = ref};
        const struct process *process;
        enum truth rest = TRUTH_FALSE;
        struct ascent ascent = {};
        struct value value;

        switch ((enum program_subject)ref->subject) {
        case SUBJECT_EVENT:
                if (eval_get(eval, SUBJECT_EVENT, ref->field, INDEX_NONE, &value) != EVAL_ABSENT)
                        rest = finding_run(&finding, &value);
                break;
        case SUBJECT_PROCESS:
                rest = eval_run_on_process(eval, matcher, eval->actor, eval->event);
                break;
        case SUBJECT_PARENT:
                switch (eval_parent(eval)) {
                case EVAL_KNOWN: rest = eval_run_on_process(eval, matcher, eval->parent, NULL); break;
                case EVAL_ABSENT: rest = TRUTH_FALSE; break;
                case EVAL_UNKNOWN:
                case EVAL_CUT:
                case EVAL_ANY: rest = TRUTH_UNKNOWN; break;
                }
                break;
        case SUBJECT_ANCESTOR:
                while ((process = ascent_next(&ascent, eval)))
                        rest = truth_or(rest, eval_run_on_process(eval, matcher, process, NULL));
                if (ascent.broken)
                        rest = truth_or(rest, TRUTH_UNKNOWN);
                break;
        case SUBJECT_EACH:              /* no matcher decides it: what is found belongs to the event */
        case _SUBJECT_MAX:
                break;
        }

        eval->matchers[matcher] = (struct eval_memo){eval->generation, rest};
        return rest;
}

void eval_dispatch(struct eval *eval, uint64_t *dirty) {
        const struct plan_kind *kind = &eval->plan->kinds[event_kind(eval->event)];

        for (uint32_t i = 0; i < eval->plan->n_path_words; i++)
                dirty[i] |= kind->paths[i];

        eval->dirty = dirty;
        for (uint32_t i = 0; i < kind->n_eager; i++)
                (void)eval_run_matcher(eval, eval->plan->eager[kind->eager + i]);
        eval->dirty = NULL;
}

static enum truth eval_test(struct eval *eval, const struct predicate *predicate, const struct value *value) {
        const struct predicate_now now = {.lists = eval->lists, .time_ns = eval->event->time_ns};

        if (value->type == VALUE_LIST || predicate->index != INDEX_NONE)
                return predicate_test_list(eval->program, predicate, value, &now);
        return predicate_test(eval->program, predicate, value, &now);
}

static enum truth eval_one(struct eval *eval, const struct predicate *predicate) {
        const struct process *process;
        enum truth truth = TRUTH_FALSE;
        struct ascent ascent = {};
        struct value value;

        if (predicate->subject == SUBJECT_ANCESTOR) {
                while (truth != TRUTH_TRUE && (process = ascent_next(&ascent, eval))) {
                        process_get(process, NULL, predicate->field, &value);
                        truth = truth_or(truth, eval_test(eval, predicate, &value));
                }
                if (ascent.broken && predicate->op != PREDICATE_KNOWN)
                        truth = truth_or(truth, TRUTH_UNKNOWN);
                return truth;
        }

        switch (eval_get(eval, predicate->subject, predicate->field, INDEX_NONE, &value)) {
        case EVAL_ABSENT:
                return TRUTH_FALSE;
        case EVAL_UNKNOWN:
                return predicate->op == PREDICATE_KNOWN ? TRUTH_FALSE : TRUTH_UNKNOWN;
        case EVAL_CUT:
        case EVAL_KNOWN:
        case EVAL_ANY:
                break;
        }

        truth = eval_test(eval, predicate, &value);
        if (truth == TRUTH_UNKNOWN && predicate->op == PREDICATE_REGEX && value.state == VALUE_KNOWN)
                eval->met_limit = true;
        return truth;
}

enum truth eval_predicate(struct eval *eval, uint32_t predicate) {
        struct eval_memo *memo = &eval->predicates[predicate];
        uint16_t matcher = eval->plan->matcher_of[predicate];
        enum truth truth = TRUTH_FALSE;

        if (eval->each && eval->program->predicates[predicate].subject == SUBJECT_EACH) {
                eval->n_predicates++;
                return eval_one(eval, &eval->program->predicates[predicate]);
        }
        if (matcher == PLAN_NO_MATCHER) {
                if (memo->generation == eval->generation)
                        return memo->truth;
                eval->n_predicates++;
                truth = eval_one(eval, &eval->program->predicates[predicate]);
                *memo = (struct eval_memo){eval->generation, truth};
        } else {
                enum truth rest = eval->matchers[matcher].generation == eval->generation ?
                        (enum truth)eval->matchers[matcher].truth : eval_run_matcher(eval, matcher);

                if (memo->generation == eval->generation)
                        truth = memo->truth;
                truth = truth_or(truth, rest);
        }

        eval->n_unknown += truth == TRUTH_UNKNOWN;
        return truth;
}

const struct eval_guard *eval_guard(struct eval *eval, uint32_t number) {
        const struct guard *guard = &eval->program->guards[number];
        struct eval_guard *memo = &eval->guards[number];
        struct value value;

        if (memo->generation == eval->generation)
                return memo;

        memo->generation = eval->generation;
        memo->state = eval_get(eval, guard->subject, guard->field, guard->index, &value);
        memo->type = value.type;
        if (memo->state == EVAL_KNOWN)
                memo->token = evidence_token(eval->evidence, &value);
        return memo;
}

static enum truth truth_of(bool answer) {
        return answer ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth compare_numbers(int64_t a, enum guard_op op, int64_t b) {
        switch (op) {
        case GUARD_LESS: return truth_of(a < b);
        case GUARD_LESS_EQUAL: return truth_of(a <= b);
        case GUARD_GREATER: return truth_of(a > b);
        case GUARD_GREATER_EQUAL: return truth_of(a >= b);
        case GUARD_EQUAL:
        case _GUARD_OP_MAX:
                break;
        }
        return TRUTH_FALSE;
}

/* Is an element of the list what was captured? */
static enum truth eval_compare_elements(const struct eval *eval, struct value value, const struct captured *capture) {
        const char *at, *end = value.bytes + value.length;
        enum truth truth = TRUTH_FALSE;

        for (at = value.bytes; at < end && truth != TRUTH_TRUE;) {
                const char *nul = memchr(at, 0, end - at);
                struct value element = {
                        .bytes = at,
                        .length = nul - at,
                        .type = VALUE_STRING,
                        .state = VALUE_KNOWN,
                };
                struct token token;

                if (value.state == VALUE_CUT && nul + 1 == end)
                        break;
                token = evidence_token(eval->evidence, &element);
                truth = truth_of(capture->type == VALUE_STRING && token_equal(&token, &capture->token));
                at = nul + 1;
        }
        return value.state == VALUE_CUT ? truth_or(truth, TRUTH_UNKNOWN) : truth;
}

/* The event's side is a value at hand. */
static enum truth eval_compare_value(const struct eval *eval, const struct guard *guard, enum eval_state state,
                                     const struct value *value, const struct captured *capture) {
        struct value captured;
        struct token token;

        switch (state) {
        case EVAL_ABSENT:
                return TRUTH_FALSE;
        case EVAL_UNKNOWN:
                return TRUTH_UNKNOWN;
        case EVAL_ANY:
                return eval_compare_elements(eval, *value, capture);
        case EVAL_CUT:
                if (guard->op != GUARD_EQUAL)
                        return TRUTH_FALSE;
                evidence_value(capture, &captured);
                return value_equal(&captured, value);
        case EVAL_KNOWN:
                break;
        }

        if (value->type != capture->type)
                return TRUTH_FALSE;
        token = evidence_token(eval->evidence, value);
        if (guard->op == GUARD_EQUAL)
                return truth_of(token_equal(&token, &capture->token));
        return value->type == VALUE_NUMBER
                     ? compare_numbers(value->number, guard->op, (int64_t)capture->token.low)
                     : TRUTH_FALSE;
}

/* Of all creators. Who they are their children say, also of one that is not known otherwise. */
static enum truth eval_compare_ancestors(struct eval *eval, const struct guard *guard,
                                         const struct captured *capture) {
        const struct process *child = eval->actor, *each = eval->each, *creator;
        enum truth truth = TRUTH_FALSE;
        struct ascent ascent = {};
        struct value value;

        do {
                creator = ascent_next(&ascent, eval);
                if (guard->field == FIELD_PROCESS_identity) {
                        if (child->creator.pid != 0) {
                                set_identity(&value, &child->creator);
                                truth = truth_or(truth, eval_compare_value(eval, guard, EVAL_KNOWN, &value, capture));
                        }
                        child = creator;
                } else if (creator) {
                        eval->each = creator;
                        truth = truth_or(truth,
                                         eval_compare_value(eval, guard,
                                                            eval_get(eval, SUBJECT_EACH, guard->field, guard->index,
                                                                     &value),
                                                            &value, capture));
                        eval->each = each;
                }
        } while (creator && truth != TRUTH_TRUE);

        return ascent.broken ? truth_or(truth, TRUTH_UNKNOWN) : truth;
}

static enum truth eval_compare(struct eval *eval, uint32_t number, uint32_t steps) {
        const struct guard *guard = &eval->program->guards[number];
        const struct captured *capture = evidence_find(eval->evidence, steps, guard->slot);
        const struct eval_guard *memo;
        struct value value;
        enum eval_state state;

        if (guard->subject == SUBJECT_EACH) {
                state = eval_get(eval, SUBJECT_EACH, guard->field, guard->index, &value);
                return capture || state == EVAL_ABSENT ? eval_compare_value(eval, guard, state, &value, capture)
                                                       : TRUTH_UNKNOWN;
        }
        if (guard->subject == SUBJECT_ANCESTOR)
                return capture                             ? eval_compare_ancestors(eval, guard, capture)
                     : eval_parent(eval) == EVAL_ABSENT ? TRUTH_FALSE
                                                           : TRUTH_UNKNOWN;

        memo = eval_guard(eval, number);
        if (memo->state == EVAL_ABSENT)
                return TRUTH_FALSE;
        if (memo->state == EVAL_UNKNOWN || !capture)
                return TRUTH_UNKNOWN;
        if (guard->op == GUARD_EQUAL && memo->state == EVAL_KNOWN)
                return truth_of(memo->type == capture->type && token_equal(&memo->token, &capture->token));
        if (guard->op == GUARD_EQUAL) { /* cut or several: the values themselves have to be looked at */
                state = eval_get(eval, guard->subject, guard->field, guard->index, &value);
                return eval_compare_value(eval, guard, state, &value, capture);
        }
        if (memo->type != VALUE_NUMBER || capture->type != VALUE_NUMBER)
                return TRUTH_FALSE;
        return compare_numbers((int64_t)memo->token.low, guard->op, (int64_t)capture->token.low);
}

static enum truth eval_ancestor(struct eval *eval, uint32_t condition, uint32_t steps) {
        const struct process *creator;
        enum truth truth = TRUTH_FALSE;
        struct ascent ascent = {};

        while (truth != TRUTH_TRUE && (creator = ascent_next(&ascent, eval))) {
                eval->each = creator;
                truth = truth_or(truth, eval_condition(eval, condition, steps));
                eval->each = NULL;
        }
        return ascent.broken ? truth_or(truth, TRUTH_UNKNOWN) : truth;
}

static enum truth eval_node(struct eval *eval, const struct condition *c, uint32_t steps) {
        const struct uint32_t_ *children = &eval->program->children[c->args.first];
        enum truth truth;

        switch ((enum condition_op)c->op) {
        case CONDITION_TRUE:
                return TRUTH_TRUE;
        case CONDITION_FALSE:
                return TRUTH_FALSE;
        case CONDITION_PREDICATE:
                return eval_predicate(eval, c->args.first);
        case CONDITION_GUARD:
                return eval_compare(eval, c->args.first, steps);
        case CONDITION_NOT:
                return truth_not(eval_condition(eval, c->args.first, steps));
        case CONDITION_AND:
                truth = TRUTH_TRUE;
                for (uint32_t i = 0; i < c->args.n && truth != TRUTH_FALSE; i++)
                        truth = truth_and(truth, eval_condition(eval, children[i].value, steps));
                return truth;
        case CONDITION_OR:
                truth = TRUTH_FALSE;
                for (uint32_t i = 0; i < c->args.n && truth != TRUTH_TRUE; i++)
                        truth = truth_or(truth, eval_condition(eval, children[i].value, steps));
                return truth;
        case CONDITION_ANCESTOR:
                return eval_ancestor(eval, c->args.first, steps);
        case _CONDITION_OP_MAX:
                break;
        }
        return TRUTH_UNKNOWN;
}

enum truth eval_condition(struct eval *eval, uint32_t condition, uint32_t steps) {
        const struct condition *c = &eval->program->conditions[condition];
        struct eval_memo *memo = &eval->conditions[condition];
        enum truth truth;

        if (c->run_free && memo->generation == eval->generation)
                return memo->truth;

        truth = eval_node(eval, c, steps);      /* as deep as PROGRAM_MAX_DEPTH */
        if (c->run_free)
                *memo = (struct eval_memo){eval->generation, truth};
        return truth;
}

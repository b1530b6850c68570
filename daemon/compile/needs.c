/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/needs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


#define CONTENT_DEFAULT 256             /* bytes of content, if no literal needs more */

/* What one edge needs of its events. */
struct need {
        const struct compilation *c;
        enum field flags_field;         /* that `flags` is about */
        bool only_failures, only_successes;
        uint64_t flags; /* a set of bits of which one must be there; the smallest that is known; 0: none */
};

static void need_bits(struct need *need, uint64_t bits) {
        if (bits != 0 && (need->flags == 0 || __builtin_popcountll(bits) < __builtin_popcountll(need->flags)))
                need->flags = bits;
}

/* The predicate is true, or (`negated`) false, of every event that matters. */
static void need_predicate(struct need *need, uint32_t number, bool negated) {
        const struct predicate *predicate = &need->c->out.predicates.items[number];

        if (predicate->field == FIELD_COMMON_failed && predicate->op == PREDICATE_EQUAL) {
                if ((predicate->number == 0) == negated)
                        need->only_failures = true;
                else
                        need->only_successes = true;
        }
        if (negated)
                return;

        /* EINPROGRESS is a negative result that counts as success. */
        if (predicate->field == FIELD_COMMON_result && predicate->op == PREDICATE_EQUAL) {
                if (predicate->number >= 0)
                        need->only_successes = true;
                else if (predicate->number != -EINPROGRESS)
                        need->only_failures = true;
        } else if (predicate->field == FIELD_COMMON_result && predicate->op == PREDICATE_GREATER_EQUAL) {
                if (predicate->number >= 0)
                        need->only_successes = true;
        }

        if (need->flags_field == FIELD_NONE || predicate->field != need->flags_field ||
            predicate->subject != SUBJECT_EVENT)
                return;
        if (predicate->op == PREDICATE_BITS_ANY || predicate->op == PREDICATE_EQUAL)
                need_bits(need, (uint64_t)predicate->number);
        else if (predicate->op == PREDICATE_BITS_ALL)
                need_bits(need, (uint64_t)predicate->number & -(uint64_t)predicate->number);
}

/* What stands alone or under `and` has to be true. What else may be needed is not looked for. */
static void need_condition(struct need *need, uint32_t condition) {
        const struct condition *of = &need->c->out.conditions.items[condition], *child;

        switch ((enum condition_op)of->op) {
        case CONDITION_PREDICATE:
                need_predicate(need, of->args.first, false);
                return;
        case CONDITION_NOT:
                child = &need->c->out.conditions.items[of->args.first];
                if (child->op == CONDITION_PREDICATE)
                        need_predicate(need, child->args.first, true);
                return;
        case CONDITION_AND:
                /* No `and` stands directly in another: this goes one level deep. */
                for (uint32_t i = 0; i < of->args.n; i++)
                        need_condition(need, need->c->out.children.items[of->args.first + i].value);
                return;
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case CONDITION_GUARD:
        case CONDITION_ANCESTOR:
        case CONDITION_OR:
        case _CONDITION_OP_MAX:
                return;
        }
}

/* What an edge or an `until` needs of its events. */
static void collect(struct compilation *c, uint16_t kind, bool any_result, uint32_t condition) {
        struct interest *interest = &c->out.interest;
        struct interest_filter *filter = &interest->filter[kind];
        struct need need = {.c = c, .flags_field = interest_flags((enum wire_kind)kind)};
        bool is_first = !(interest->kinds & wire_kind_bit(kind));

        if (compilation_does(c, COMPILE_PASS_NARROW))
                need_condition(&need, condition);

        interest->kinds |= wire_kind_bit(kind);
        filter->failures = filter->failures || !compilation_does(c, COMPILE_PASS_NARROW) ||
                           (any_result && !need.only_successes);
        filter->successes = filter->successes || !(any_result && need.only_failures);
        filter->flags_any = is_first                        ? need.flags
                          : filter->flags_any && need.flags ? filter->flags_any | need.flags
                                                            : 0;
}

/* Bytes that went over: captured on request. */
static bool is_content(uint16_t field) {
        const struct field_info *info = schema_field((enum field)field);

        return info && info->scope == FIELD_EVENT && info->type == VALUE_STRING && info->flags & FIELD_REQUEST;
}

/* A literal may stand anywhere in those that are captured, so there
 * have to be more of them than it has. */
static void need_content(struct compilation *c, uint16_t field, uint32_t literal) {
        uint32_t bytes = MAX((uint32_t)CONTENT_DEFAULT,
                             literal > CONTENT_DEFAULT / 2 ? 2 * MIN(literal, (uint32_t)WIRE_MAX_CONTENT) : 0);

        c->out.interest.filter[schema_field((enum field)field)->kind].content = true;
        bytes = MIN(bytes, (uint32_t)WIRE_MAX_CONTENT);
        c->out.interest.content_bytes = MAX(c->out.interest.content_bytes, bytes);
}

static uint32_t longest_literal(const struct compilation *c, const struct predicate *predicate) {
        uint32_t longest = 0;

        switch ((int)predicate->op) {
        case PREDICATE_STRING:
        case PREDICATE_STRING_FOLD:
        case PREDICATE_PREFIX:
        case PREDICATE_SUFFIX:
        case PREDICATE_CONTAINS:
        case PREDICATE_PREFIX_FOLD:
        case PREDICATE_SUFFIX_FOLD:
        case PREDICATE_CONTAINS_FOLD:
        case PREDICATE_GLOB: return predicate->string.length;
        case PREDICATE_IN_STRINGS: case PREDICATE_IN_GLOBS:
                for (uint32_t i = 0; i < predicate->list.n; i++)
                        longest = MAX(longest, c->out.texts.items[predicate->list.first + i].length);
                return longest;
        case PREDICATE_REGEX:
                return c->out.regexes.items[predicate->regex].literal.length;
        }
        return 0;
}

/* `NAME=...`: sema has seen to it that the text begins so, but for the `^` of a regex. */
static void need_variable(struct compilation *c, struct program_string string) {
        struct interest *interest = &c->out.interest;
        const char *text = c->out.bytes.items + string.offset, *end;
        size_t length = string.length;

        if (length > 0 && *text == '^') {
                text++;
                length--;
        }
        end = length > 0 ? memchr(text, '=', length) : NULL;
        if (!end || end == text)
                return;
        length = end - text;
        if (length >= INTEREST_MAX_ENV_NAME) {
                assembly_note(&c->out, diag_error(c->diags, (struct diag_span){},
                                                  "the name of the variable '%.*s' is too long: 63 bytes are allowed",
                                                  (int)length, text));
                return;
        }

        for (uint32_t i = 0; i < interest->n_env; i++)
                if (memeq_str(text, length, interest->env[i]))
                        return;
        if (interest->n_env == INTEREST_MAX_ENV) {
                assembly_note(
                        &c->out,
                        diag_error(
                                c->diags, (struct diag_span){},
                                "the policies name more than %d variables of the environment; '%.*s' is one too many",
                                INTEREST_MAX_ENV, (int)length, text));
                return;
        }
        memcpy(interest->env[interest->n_env], text, length);
        interest->env[interest->n_env++][length] = 0;
}

/* Who leaves a namespace without an exec is told only on request: it would cost every call. */
static void collect_field(struct compilation *c, uint16_t field, uint32_t literal) {
        if (field >= FIELD_PROCESS_ns_mnt && field <= FIELD_PROCESS_ns_time)
                c->out.interest.namespaces = true;
        if (is_content(field))
                need_content(c, field, literal);
}

static void collect_predicate(struct compilation *c, const struct predicate *predicate) {
        collect_field(c, predicate->field, is_content(predicate->field) ? longest_literal(c, predicate) : 0);
        if (predicate->field != WIRE_FIELD_execve_env)
                return;

        switch ((int)predicate->op) {
        case PREDICATE_STRING: case PREDICATE_PREFIX: case PREDICATE_CONTAINS: case PREDICATE_GLOB:
                need_variable(c, predicate->string);
                return;
        case PREDICATE_IN_STRINGS: case PREDICATE_IN_GLOBS:
                for (uint32_t i = 0; i < predicate->list.n; i++)
                        need_variable(c, c->out.texts.items[predicate->list.first + i]);
                return;
        case PREDICATE_REGEX:
                need_variable(c, c->out.regexes.items[predicate->regex].pattern);
                return;
        }
}

static int name_compare(const void *a, const void *b) {
        return strncmp(a, b, INTEREST_MAX_ENV_NAME);
}

void needs_collect(struct compilation *c) {
        ARRAY_FOREACH(edge, &c->out.edges)
                collect(c, edge->kind, edge->any_result, edge->condition);
        ARRAY_FOREACH(until, &c->out.untils)
                collect(c, until->kind, until->any_result, until->condition);
        ARRAY_FOREACH(predicate, &c->out.predicates)
                collect_predicate(c, predicate);
        ARRAY_FOREACH(guard, &c->out.guards)
                collect_field(c, guard->field, 0);
        ARRAY_FOREACH(write, &c->out.writes)
                collect_field(c, write->field, 0);
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct interest_filter *filter = &c->out.interest.filter[kind];

                if (c->out.interest.kinds & wire_kind_bit(kind))
                        compilation_count(c, COMPILE_PASS_NARROW, 1,
                                          filter->failures && filter->successes && filter->flags_any == 0);
        }
        qsort(c->out.interest.env, c->out.interest.n_env, sizeof(c->out.interest.env[0]), name_compare);
}

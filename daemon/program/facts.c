/* SPDX-License-Identifier: Apache-2.0 */
#include "program/facts.h"

#include <fcntl.h>
#include <string.h>

#include "base/macro.h"
#include "base/siphash.h"
#include "program/glob.h"

#define LITERAL_MIN 2                   /* every path begins with a slash: a shorter one is no fact */

enum prefilter_dimension facts_dimension(const struct predicate *predicate) {
        const struct field_info *info = schema_field((enum field)predicate->field);

        if (predicate->subject == SUBJECT_PROCESS &&
            (predicate->field == FIELD_PROCESS_uid || predicate->field == FIELD_PROCESS_euid))
                return PREFILTER_USER;
        if (predicate->subject == SUBJECT_PROCESS && predicate->field == FIELD_PROCESS_exe)
                return PREFILTER_EXE;
        if (predicate->subject == SUBJECT_PROCESS && predicate->field == FIELD_PROCESS_name)
                return PREFILTER_NAME;
        if (predicate->subject == SUBJECT_PROCESS && predicate->field == FIELD_PROCESS_unit)
                return PREFILTER_IN_UNIT;
        if (predicate->subject == SUBJECT_PROCESS && predicate->field == FIELD_PROCESS_container)
                return PREFILTER_IN_CONTAINER;
        if (predicate->subject == SUBJECT_PROCESS && predicate->field == FIELD_PROCESS_cgroup)
                return PREFILTER_IN_CGROUP;
        if (predicate->subject != SUBJECT_EVENT || !info || info->scope != FIELD_EVENT)
                return _PREFILTER_DIMENSION_MAX;
        switch ((int)info->type) {
        case VALUE_STRING: return PREFILTER_TEXT;
        case VALUE_ADDRESS: return PREFILTER_NETWORK;
        case VALUE_NUMBER: return PREFILTER_NUMBER;
        default: return _PREFILTER_DIMENSION_MAX;
        }
}

/* Literals are looked up where they stand in the program; the part of a glob that is one begins behind this many bytes
 * of it. */
static bool glob_fact(const struct program *program, struct program_string glob, struct fact *ret) {
        const char *text = program_text(program, glob);
        char literal[GLOB_MAX];
        enum glob_place place;
        size_t n;

        if (glob.length > GLOB_MAX)
                return false;
        n = glob_literal(text, glob.length, literal, &place);
        if (n < LITERAL_MIN || place == GLOB_INSIDE)
                return false;

        /* A literal with an escaped character does not stand in the pattern as it is. */
        *ret = (struct fact){.text = {.offset = glob.offset, .length = n}};
        if (place == GLOB_SUFFIX)
                ret->text.offset += glob.length - n;
        if (memcmp(program_text(program, ret->text), literal, n) != 0)
                return false;
        ret->place = place == GLOB_WHOLE ? PREFILTER_WHOLE : place == GLOB_PREFIX ? PREFILTER_FRONT : PREFILTER_BACK;
        return true;
}

/* Without memory for it, whatever the event holds: wider is never wrong. */
static void add(struct facts *facts, struct fact fact) {
        if (facts->patterns.n >= PREFILTER_MAX_PATTERNS || array_push(&facts->patterns, fact) < 0)
                facts->all = true;
}

/* The predicate as a fact; `all` if it is none. */
static void predicate_facts(const struct program *p, const struct predicate *predicate, struct facts *ret) {
        switch ((int)predicate->op) {
        case PREDICATE_EQUAL:
                add(ret, (struct fact){.number = predicate->number});
                return;
        case PREDICATE_IN_NUMBERS:
                for (uint32_t i = 0; i < predicate->list.n; i++)
                        add(ret, (struct fact){.number = p->numbers[predicate->list.first + i].value});
                return;
        case PREDICATE_IN_NETWORKS:
                for (uint32_t i = 0; i < predicate->list.n; i++)
                        add(ret, (struct fact){.network = p->networks[predicate->list.first + i]});
                return;
        case PREDICATE_STRING:
                add(ret, (struct fact){.text = predicate->string, .place = PREFILTER_WHOLE});
                return;
        case PREDICATE_IN_STRINGS:
                for (uint32_t i = 0; i < predicate->list.n; i++)
                        add(ret,
                            (struct fact){.text = p->texts[predicate->list.first + i], .place = PREFILTER_WHOLE});
                return;
        case PREDICATE_PREFIX:
                add(ret, (struct fact){.text = predicate->string, .place = PREFILTER_FRONT});
                return;
        case PREDICATE_SUFFIX:
                add(ret, (struct fact){.text = predicate->string, .place = PREFILTER_BACK});
                return;
        case PREDICATE_GLOB:
        case PREDICATE_IN_GLOBS: {
                struct program_string one = predicate->string;
                uint32_t n = predicate->op == PREDICATE_GLOB ? 1 : predicate->list.n;

                for (uint32_t i = 0; i < n && !ret->all; i++) {
                        struct fact fact;

                        if (predicate->op == PREDICATE_IN_GLOBS)
                                one = p->texts[predicate->list.first + i];
                        if (glob_fact(p, one, &fact))
                                add(ret, fact);
                        else
                                ret->all = true;
                }
                return;
        }
        default: ret->all = true; return;
        }
}

bool facts_could_be(uint8_t op) {
        switch ((int)op) {
        case PREDICATE_EQUAL: case PREDICATE_IN_NUMBERS: case PREDICATE_IN_NETWORKS: case PREDICATE_STRING:
        case PREDICATE_IN_STRINGS: case PREDICATE_PREFIX: case PREDICATE_SUFFIX: case PREDICATE_GLOB:
        case PREDICATE_IN_GLOBS: return true;
        default: return false;
        }
}

/* How much a fact lets through, as a guess: of 2048 events so many. Of names there are many, of first directories few.
 */
static uint32_t breadth_of(const struct program *program, const struct fact *fact) {
        const char *text = program_text(program, fact->text);
        uint32_t n = fact->text.length, bits = 0;

        if (n == 0)
                return fact->network.prefix > 16 ? 16 : fact->network.prefix > 0 ? 256 : 64;
        switch (fact->place) {
        case PREFILTER_WHOLE: return 1;
        case PREFILTER_BACK: return n < 3 ? 256 : n == 3 ? 64 : 4;
        default: break;
        }
        for (uint32_t i = 1; i < n && bits < 10; i++)
                bits += text[i] == '/' ? 2 : text[i - 1] == '/' && i > 1 ? 1 : 0;
        return 2048U >> bits;
}

static uint64_t facts_breadth(const struct program *program, const struct facts *facts) {
        uint64_t sum = 0;

        ARRAY_FOREACH(fact, &facts->patterns)
                sum += breadth_of(program, fact);
        return sum;
}

void facts_of(const struct program *program, uint32_t number, enum field field, struct facts *ret) {
        const struct condition *condition = &program->conditions[number];

        *ret = (struct facts){};
        switch ((int)condition->op) {
        case CONDITION_PREDICATE:
                if (program->predicates[condition->args.first].field != field ||
                    facts_dimension(&program->predicates[condition->args.first]) == _PREFILTER_DIMENSION_MAX)
                        ret->all = true;
                else
                        predicate_facts(program, &program->predicates[condition->args.first], ret);
                return;
        case CONDITION_AND:
                ret->all = true;
                for (uint32_t i = 0; i < condition->args.n; i++) {
                        struct facts child;

                        facts_of(program, program->children[condition->args.first + i].value, field, &child);
                        if (!child.all && (ret->all || facts_breadth(program, &child) < facts_breadth(program, ret))) {
                                facts_done(ret);
                                *ret = child;
                        } else
                                facts_done(&child);
                }
                return;
        case CONDITION_OR:
                for (uint32_t i = 0; i < condition->args.n && !ret->all; i++) {
                        struct facts child;

                        facts_of(program, program->children[condition->args.first + i].value, field, &child);
                        if (child.all)
                                ret->all = true;
                        ARRAY_FOREACH(fact, &child.patterns)
                                add(ret, *fact);
                        facts_done(&child);
                }
                return;
        case CONDITION_FALSE: return;
        default: ret->all = true; return;
        }
}

/* A file is made by those only that ask for it: O_CREAT, or that of O_TMPFILE which opens no directory. */
#define CREATING_BITS (O_CREAT | 020000000)

static bool is_created(const struct predicate *predicate, bool wanted) {
        return predicate->field == FIELD_openat_created && predicate->subject == SUBJECT_EVENT &&
                predicate->op == PREDICATE_EQUAL && predicate->number == wanted;
}

uint64_t facts_flags(const struct program *p, uint32_t number, enum field field) {
        const struct condition *condition = &p->conditions[number];
        uint64_t bits = 0;

        if (condition->op == CONDITION_PREDICATE) {
                const struct predicate *predicate = &p->predicates[condition->args.first];

                if (predicate->subject != SUBJECT_EVENT)
                        return 0;
                if (field == FIELD_openat_flags && is_created(predicate, true))
                        return CREATING_BITS;
                if (predicate->field != field)
                        return 0;
                if (predicate->op == PREDICATE_BITS_ANY || predicate->op == PREDICATE_EQUAL)
                        return (uint64_t)predicate->number;
                return predicate->op == PREDICATE_BITS_ALL ? (uint64_t)predicate->number & -(uint64_t)predicate->number
                                                           : 0;
        }
        if (condition->op == CONDITION_NOT) {
                const struct condition *child = &p->conditions[condition->args.first];

                return field == FIELD_openat_flags && child->op == CONDITION_PREDICATE &&
                                       is_created(&p->predicates[child->args.first], false)
                               ? CREATING_BITS
                               : 0;
        }
        if (condition->op != CONDITION_AND && condition->op != CONDITION_OR)
                return 0;
        for (uint32_t i = 0; i < condition->args.n; i++) {
                uint64_t child = facts_flags(p, p->children[condition->args.first + i].value, field);

                if (condition->op == CONDITION_OR) {
                        if (!child)
                                return 0;
                        bits |= child;
                } else if (child && (!bits || __builtin_popcountll(child) < __builtin_popcountll(bits)))
                        bits = child;
        }
        return bits;
}


bool facts_names(const struct program *program, uint32_t number, enum field field) {
        const struct condition *condition = &program->conditions[number];

        switch ((enum condition_op)condition->op) {
        case CONDITION_PREDICATE: return program->predicates[condition->args.first].field == field;
        case CONDITION_GUARD: return program->guards[condition->args.first].field == field;
        case CONDITION_NOT:
        case CONDITION_ANCESTOR: return facts_names(program, condition->args.first, field);
        case CONDITION_AND:
        case CONDITION_OR:
                for (uint32_t i = 0; i < condition->args.n; i++)
                        if (facts_names(program, program->children[condition->args.first + i].value, field))
                                return true;
                return false;
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case _CONDITION_OP_MAX: break;
        }
        return false;
}

uint64_t facts_hash(const struct program *program, const struct facts *facts) {
        static const struct siphash_key key;
        struct siphash hash;

        siphash_begin64(&hash, &key);
        ARRAY_FOREACH(fact, &facts->patterns) {
                siphash_add(&hash, program_text(program, fact->text), fact->text.length);
                siphash_add(&hash, &fact->network.address, sizeof(fact->network.address));
                siphash_add_u64(&hash, (uint64_t)fact->network.prefix << 8 | fact->place);
                siphash_add_u64(&hash, (uint64_t)fact->number);
        }
        return siphash_end64(&hash);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-dump.h"

#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "program/predicate.h"

/* A condition of many thousands of nodes is legal; nobody reads that far. */
#define DUMP_MAX_NODES 400
#define DUMP_MAX_ITEMS 64

struct dump {
        const struct program *program;
        const struct path *path;
        enum wire_kind kind;            /* of the step whose condition is written */
        uint32_t first_block;           /* of the path: its windows are numbered from there */
        struct strbuf *b;
        unsigned n_nodes;
};

static void put_quoted(struct dump *d, struct program_string string) {
        strbuf_put_char(d->b, '"');
        strbuf_put_text(d->b, program_text(d->program, string), string.length);
        strbuf_put_char(d->b, '"');
}

static void put_duration(struct dump *d, uint64_t ns) {
        char buffer[FORMAT_DURATION_MAX];

        strbuf_put(d->b, ns == 0 ? "unlimited" : format_duration(buffer, ns));
}

static const char *kind_name(unsigned kind) {
        const struct kind_info *info = schema_kind((enum wire_kind)kind);

        return info ? info->name : "?";
}

static void put_kinds(struct dump *d, uint64_t kinds) {
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind))
                        strbuf_printf(d->b, " %s", kind_name(kind));
}

static void put_field(struct dump *d, uint16_t field, uint8_t subject, int16_t index) {
        static const char *const prefixes[_SUBJECT_MAX] = {
                [SUBJECT_EVENT] = "",
                [SUBJECT_PROCESS] = "proc.",
                [SUBJECT_PARENT] = "parent.",
                [SUBJECT_ANCESTOR] = "ancestor.",
                [SUBJECT_EACH] = "its ",
        };
        const struct field_info *info = schema_field((enum field)field);

        if (index == INDEX_ANY)
                strbuf_put(d->b, "any ");
        if (info->scope == FIELD_EVENT && info->kind != d->kind)
                strbuf_printf(d->b, "%s.", kind_name(info->kind));
        strbuf_printf(d->b, "%s%s", prefixes[subject], info->name);
        if (index >= 0)
                strbuf_printf(d->b, "[%d]", index);
}

static void put_number(struct dump *d, uint16_t field, int64_t number) {
        struct value value = {.type = VALUE_NUMBER, .state = VALUE_KNOWN, .number = number};
        char buffer[256];

        schema_format((enum field)field, &value, buffer, sizeof(buffer));
        strbuf_put(d->b, buffer);
}

/* Bits to be looked for: "O_RDONLY" is the absence of bits, and has no place among them. */
static void put_bits(struct dump *d, uint16_t field, int64_t number) {
        struct value value = {.type = VALUE_NUMBER, .state = VALUE_KNOWN, .number = number};
        const char *behind;
        char buffer[256];

        schema_format((enum field)field, &value, buffer, sizeof(buffer));
        behind = startswith(buffer, "O_RDONLY|");
        strbuf_put(d->b, behind ? behind : buffer);
}

static void put_network(struct dump *d, uint16_t field, const struct program_network *network) {
        struct value value = {.type = VALUE_ADDRESS, .state = VALUE_KNOWN, .address = network->address};
        char buffer[128];

        schema_format((enum field)field, &value, buffer, sizeof(buffer));
        strbuf_printf(d->b, "%s/%u", buffer, network->prefix);
}

static void put_list(struct dump *d, const struct predicate *predicate, enum operand_kind operand) {
        strbuf_put_char(d->b, '[');
        for (uint32_t i = 0; i < predicate->list.n; i++) {
                uint32_t k = predicate->list.first + i;

                if (i > 0)
                        strbuf_put(d->b, ", ");
                if (i == DUMP_MAX_ITEMS) {
                        strbuf_printf(d->b, "... %u more", predicate->list.n - i);
                        break;
                }
                if (operand == OPERAND_KIND_NUMBERS)
                        put_number(d, predicate->field, d->program->numbers[k].value);
                else if (operand == OPERAND_KIND_NETWORKS)
                        put_network(d, predicate->field, &d->program->networks[k]);
                else
                        put_quoted(d, d->program->texts[k]);
        }
        strbuf_put_char(d->b, ']');
}

static void put_predicate(struct dump *d, const struct predicate *predicate) {
        static const char *const words[_PREDICATE_OP_MAX] = {
                [PREDICATE_EQUAL] = "==",
                [PREDICATE_LESS] = "<",
                [PREDICATE_LESS_EQUAL] = "<=",
                [PREDICATE_GREATER] = ">",
                [PREDICATE_GREATER_EQUAL] = ">=",
                [PREDICATE_BITS_ANY] = "&",
                [PREDICATE_BITS_ALL] = "has all",
                [PREDICATE_IN_NUMBERS] = "in",
                [PREDICATE_STRING] = "==",
                [PREDICATE_STRING_FOLD] = "~=",
                [PREDICATE_IN_STRINGS] = "in",
                [PREDICATE_PREFIX] = "startswith",
                [PREDICATE_SUFFIX] = "endswith",
                [PREDICATE_CONTAINS] = "contains",
                [PREDICATE_PREFIX_FOLD] = "startswith (?i)",
                [PREDICATE_SUFFIX_FOLD] = "endswith (?i)",
                [PREDICATE_CONTAINS_FOLD] = "contains (?i)",
                [PREDICATE_GLOB] = "glob",
                [PREDICATE_IN_GLOBS] = "glob",
                [PREDICATE_REGEX] = "=~",
                [PREDICATE_IN_NETWORKS] = "in",
                [PREDICATE_LISTED] = "in",
                [PREDICATE_KNOWN] = "is known",
        };
        enum operand_kind operand = predicate_operand((enum predicate_op)predicate->op);
        const struct regex_text *regex;

        put_field(d, predicate->field, predicate->subject, predicate->index);
        strbuf_printf(d->b, " %s", words[predicate->op]);
        if (operand != OPERAND_KIND_NONE)
                strbuf_put_char(d->b, ' ');

        switch (operand) {
        case OPERAND_KIND_NONE:
                return;
        case OPERAND_KIND_NUMBER:
                if (predicate->op == PREDICATE_BITS_ANY || predicate->op == PREDICATE_BITS_ALL)
                        put_bits(d, predicate->field, predicate->number);
                else
                        put_number(d, predicate->field, predicate->number);
                return;
        case OPERAND_KIND_STRING:
                put_quoted(d, predicate->string);
                return;
        case OPERAND_KIND_LIST_NAME:
                strbuf_put(d->b, "runtime.");
                strbuf_put_n(d->b, program_text(d->program, predicate->string), predicate->string.length);
                return;
        case OPERAND_KIND_NUMBERS:
        case OPERAND_KIND_STRINGS:
        case OPERAND_KIND_NETWORKS:
                put_list(d, predicate, operand);
                return;
        case OPERAND_KIND_REGEX:
                regex = &d->program->regexes[predicate->regex];
                strbuf_put_char(d->b, '\'');
                strbuf_put_text(d->b, program_text(d->program, regex->pattern), regex->pattern.length);
                strbuf_put(d->b, regex->caseless ? "' in any case" : "'");
                return;
        }
}

static void put_slot(struct dump *d, uint16_t slot) {
        if (d->path && slot < d->path->slots.n) {
                struct program_string name = d->program->texts[d->path->slots.first + slot];

                strbuf_put_text(d->b, program_text(d->program, name), name.length);
        } else
                strbuf_printf(d->b, "$%u", slot);
}

static void put_guard(struct dump *d, const struct guard *guard) {
        static const char *const words[_GUARD_OP_MAX] = {
                [GUARD_EQUAL] = "==",
                [GUARD_LESS] = "<",
                [GUARD_LESS_EQUAL] = "<=",
                [GUARD_GREATER] = ">",
                [GUARD_GREATER_EQUAL] = ">=",
        };

        put_field(d, guard->field, guard->subject, guard->index);
        strbuf_printf(d->b, " %s ", words[guard->op]);
        put_slot(d, guard->slot);
}

static void put_condition(struct dump *d, uint32_t i, bool inside) {
        const struct condition *condition = &d->program->conditions[i];
        bool is_and = condition->op == CONDITION_AND;

        if (d->n_nodes++ >= DUMP_MAX_NODES) {
                strbuf_put(d->b, "...");
                return;
        }

        switch ((enum condition_op)condition->op) {
        case CONDITION_TRUE:
                strbuf_put(d->b, "true");
                return;
        case CONDITION_FALSE:
                strbuf_put(d->b, "false");
                return;
        case CONDITION_PREDICATE:
                put_predicate(d, &d->program->predicates[condition->args.first]);
                return;
        case CONDITION_GUARD:
                put_guard(d, &d->program->guards[condition->args.first]);
                return;
        case CONDITION_NOT:
                strbuf_put(d->b, "not (");
                put_condition(d, condition->args.first, false);
                strbuf_put_char(d->b, ')');
                return;
        case CONDITION_ANCESTOR:
                strbuf_put(d->b, "ancestor (");
                put_condition(d, condition->args.first, false);
                strbuf_put_char(d->b, ')');
                return;
        case CONDITION_AND:
        case CONDITION_OR:
                if (inside)
                        strbuf_put_char(d->b, '(');
                for (uint32_t k = 0; k < condition->args.n; k++) {
                        if (k > 0)
                                strbuf_put(d->b, is_and ? " and " : " or ");
                        put_condition(d, d->program->children[condition->args.first + k].value, true);
                        if (d->n_nodes > DUMP_MAX_NODES)
                                break;
                }
                if (inside)
                        strbuf_put_char(d->b, ')');
                return;
        case _CONDITION_OP_MAX:
                return;
        }
}

void program_dump_condition(const struct program *program, uint32_t path, uint32_t condition, enum wire_kind kind,
                            struct strbuf *b) {
        struct dump d = {.program = program,
                         .path = path < program->n_paths ? &program->paths[path] : NULL,
                         .kind = kind,
                         .b = b};

        put_condition(&d, condition, false);
}

static void put_braced(struct dump *d, uint32_t condition, enum wire_kind kind) {
        d->kind = kind;
        d->n_nodes = 0;
        if (d->program->conditions[condition].op == CONDITION_TRUE)
                return;
        strbuf_put(d->b, " { ");
        put_condition(d, condition, false);
        strbuf_put(d->b, " }");
}

static void put_target(struct dump *d, uint16_t target) {
        if (target == POSITION_ACCEPT)
                strbuf_put(d->b, " -> alert");
        else
                strbuf_printf(d->b, " -> %u", target);
}

static void put_edge(struct dump *d, const struct edge *edge) {
        static const char *const types[_EDGE_TYPE_MAX] = {
                [EDGE_ADVANCE] = "step",
                [EDGE_COUNT] = "count",
                [EDGE_SCORE] = "score",
                [EDGE_LOOP] = "again",
                [EDGE_KILL] = "not",
        };

        strbuf_printf(d->b, "    %s", types[edge->type]);
        if (edge->step != PROGRAM_NONE)
                strbuf_printf(d->b, " %u", d->program->steps[edge->step].number);
        strbuf_printf(d->b, " %s", kind_name(edge->kind));
        put_braced(d, edge->condition, (enum wire_kind)edge->kind);
        if (edge->any_result)
                strbuf_put(d->b, " failed too");
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &d->program->writes[edge->writes.first + i];

                if (write->slot == SLOT_DISTINCT)
                        strbuf_put(d->b, ", distinct ");
                else {
                        strbuf_put(d->b, ", ");
                        put_slot(d, write->slot);
                        strbuf_put(d->b, write->weak ? " = if known " : " = ");
                }
                put_field(d, write->field, write->subject, write->index);
        }
        if (edge->type == EDGE_SCORE)
                strbuf_printf(d->b, " +%d", edge->points);
        if (edge->type == EDGE_ADVANCE || edge->type == EDGE_COUNT) {
                put_target(d, edge->target);
                if (edge->block != PROGRAM_NONE)
                        strbuf_printf(d->b, " in window %u", edge->block - d->first_block);
        }
        strbuf_put_char(d->b, '\n');
}

static void put_window(struct dump *d, uint32_t i) {
        const struct block *block = &d->program->blocks[i];

        strbuf_printf(d->b, ", window %u", i - d->first_block);
        if (block->name.length > 0) {
                strbuf_put_char(d->b, ' ');
                put_quoted(d, block->name);
        }
        strbuf_put(d->b, " of ");
        put_duration(d, block->within_ns);
        strbuf_printf(d->b, " from %u", block->first);
        if (block->parent != PROGRAM_NONE)
                strbuf_printf(d->b, " inside %u", block->parent - d->first_block);
}

static void put_repeat(struct dump *d, const struct repeat *repeat) {
        strbuf_printf(d->b, ", %u times", repeat->n);
        if (repeat->within_ns > 0) {
                strbuf_put(d->b, " within ");
                put_duration(d, repeat->within_ns);
        }
}

static void put_absence(struct dump *d, const struct absence *absence) {
        strbuf_put(d->b, ", nothing of this for ");
        put_duration(d, absence->within_ns);
        strbuf_printf(d->b, " is step %u", d->program->steps[absence->step].number);
        put_target(d, absence->target);
}

static void put_texts(struct dump *d, const char *label, struct program_range range) {
        if (range.n == 0)
                return;
        strbuf_printf(d->b, "  %s", label);
        for (uint32_t i = 0; i < range.n; i++) {
                strbuf_put_char(d->b, ' ');
                put_quoted(d, d->program->texts[range.first + i]);
        }
        strbuf_put_char(d->b, '\n');
}

/* The lowest of the windows that its positions and edges name; parents stand before their children. */
static uint32_t first_block(const struct program *program, const struct path *path) {
        uint32_t first = PROGRAM_NONE;

        for (uint32_t at = path->positions.first; at < path->positions.first + path->positions.n; at++) {
                const struct position *position = &program->positions[at];

                first = MIN(first, position->block);
                for (uint32_t i = 0; i < position->edges.n; i++)
                        first = MIN(first, program->edges[position->edges.first + i].block);
        }
        while (first != PROGRAM_NONE && program->blocks[first].parent != PROGRAM_NONE)
                first = program->blocks[first].parent;
        return first;
}

static void dump_path(struct dump *d, const struct path *path) {
        static const char *const on_loss[_ON_LOSS_MAX] = {
                [ON_LOSS_FLAG] = "flag",
                [ON_LOSS_ALERT] = "alert",
                [ON_LOSS_SKIP] = "skip",
        };

        d->path = path;
        d->first_block = first_block(d->program, path);
        strbuf_put(d->b, "path ");
        put_quoted(d, path->name);
        strbuf_printf(d->b, " severity %s, by %s, on_loss %s, within ",
                      severity_to_string((enum severity)path->severity),
                      program_key_to_string((enum program_key)path->by), on_loss[path->on_loss]);
        put_duration(d, path->within_ns);
        strbuf_put(d->b, ", suppress ");
        if (path->suppress_ns == 0)
                strbuf_put(d->b, "nothing");
        else
                put_duration(d, path->suppress_ns);
        if (path->enforce != PATH_ENFORCE_NONE)
                strbuf_printf(d->b, ", enforce %s", path_enforce_to_string((enum path_enforce)path->enforce));
        strbuf_put_char(d->b, '\n');
        put_texts(d, "mitre", path->techniques);
        put_texts(d, "respond", path->respond);
        if (path->score.threshold > 0) {
                strbuf_printf(d->b, "  score %u, forgets %u in ", path->score.threshold, path->score.decay);
                put_duration(d, path->score.decay_ns);
                strbuf_put_char(d->b, '\n');
        }

        for (uint32_t at = 0; at < path->positions.n; at++) {
                const struct position *position = &d->program->positions[path->positions.first + at];

                strbuf_printf(d->b, "  %u", at);
                if (position->block != PROGRAM_NONE)
                        put_window(d, position->block);
                if (position->repeat != PROGRAM_NONE)
                        put_repeat(d, &d->program->repeats[position->repeat]);
                if (position->absence != PROGRAM_NONE)
                        put_absence(d, &d->program->absences[position->absence]);
                strbuf_put_char(d->b, '\n');
                for (uint32_t i = 0; i < position->edges.n; i++)
                        put_edge(d, &d->program->edges[position->edges.first + i]);
        }

        for (uint32_t i = 0; i < path->untils.n; i++) {
                const struct until *until = &d->program->untils[path->untils.first + i];

                strbuf_printf(d->b, "  until %s", kind_name(until->kind));
                put_braced(d, until->condition, (enum wire_kind)until->kind);
                strbuf_put(d->b, until->any_result ? " failed too\n" : "\n");
        }

        for (uint32_t i = 0; i < path->exceptions.n; i++) {
                strbuf_put(d->b, "  except");
                put_braced(d, d->program->exceptions[path->exceptions.first + i].condition, WIRE_NONE);
                strbuf_put_char(d->b, '\n');
        }
}

void program_dump_path(const struct program *program, uint32_t path, struct strbuf *b) {
        struct dump d = {.program = program, .b = b};

        dump_path(&d, &program->paths[path]);
}

static void dump_interest(struct dump *d) {
        const struct interest *interest = &d->program->header->interest;

        strbuf_put(d->b, "interest\n");
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct interest_filter *filter = &interest->filter[kind];

                if (!(interest->kinds & wire_kind_bit(kind)))
                        continue;
                strbuf_printf(d->b, "  %s%s%s", kind_name(kind), filter->successes ? ", successes" : "",
                              filter->failures ? ", failures" : "");
                if (filter->flags_any != 0) {
                        strbuf_put(d->b, ", any of ");
                        put_bits(d, interest_flags((enum wire_kind)kind), (int64_t)filter->flags_any);
                }
                if (filter->content)
                        strbuf_printf(d->b, ", %u bytes of content", interest->content_bytes);
                strbuf_put_char(d->b, '\n');
        }
        if (interest->namespaces)
                strbuf_put(d->b, "  namespaces of processes\n");
        for (uint32_t i = 0; i < interest->n_env; i++) {
                strbuf_put(d->b, "  env ");
                strbuf_put_text(d->b, interest->env[i], strlen(interest->env[i]));
                strbuf_put_char(d->b, '\n');
        }
}

static void dump_starts(struct dump *d, struct program_range range) {
        for (uint32_t i = 0; i < range.n; i++) {
                const struct start *start = &d->program->starts[range.first + i];
                const struct edge *edge = &d->program->edges[start->edge];

                strbuf_put_char(d->b, ' ');
                put_quoted(d, d->program->paths[start->path].name);
                if (edge->step != PROGRAM_NONE)
                        strbuf_printf(d->b, " step %u", d->program->steps[edge->step].number);
                if (i + 1 < range.n)
                        strbuf_put_char(d->b, ',');
        }
        strbuf_put_char(d->b, '\n');
}

static void dump_dispatch(struct dump *d) {
        d->kind = WIRE_NONE;
        d->path = NULL;

        strbuf_put(d->b, "dispatch\n");
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (d->program->header->kind_starts[kind].n > 0) {
                        strbuf_printf(d->b, "  every %s:", kind_name(kind));
                        dump_starts(d, d->program->header->kind_starts[kind]);
                }
        for (uint32_t i = 0; i < d->program->n_predicates; i++)
                if (d->program->predicate_starts[i].n > 0) {
                        strbuf_put(d->b, "  ");
                        put_predicate(d, &d->program->predicates[i]);
                        strbuf_put_char(d->b, ':');
                        dump_starts(d, d->program->predicate_starts[i]);
                }

        for (uint32_t i = 0; i < d->program->n_matchers; i++) {
                const struct matcher_ref *matcher = &d->program->matchers[i];

                strbuf_put(d->b, "matcher ");
                put_field(d, matcher->field, matcher->subject, matcher->index);
                strbuf_printf(d->b, ": %u patterns, for", matcher->predicates.n);
                put_kinds(d, matcher->kinds);
                strbuf_put_char(d->b, '\n');
        }
}

void program_dump(const struct program *program, struct strbuf *b) {
        struct dump d = {.program = program, .b = b};

        strbuf_printf(b, "program of %u paths: %u positions, %u edges, %u predicates, %u conditions, %u regexes\n",
                      program->n_paths, program->n_positions, program->n_edges, program->n_predicates,
                      program->n_conditions, program->n_regexes);
        dump_interest(&d);
        for (uint32_t i = 0; i < program->n_paths; i++)
                dump_path(&d, &program->paths[i]);
        dump_dispatch(&d);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "process/process-fields.h"
#include "program/program-dump.h"
#include "rehearsal/account-private.h"

#define CONDITION_COLUMN 44             /* where the values begin, if the conditions are short enough */

void account_put_process(const struct account *account, const struct identity *id, struct strbuf *b) {
        const char *label = account->options.label ? account->options.label(id, account->options.data) : NULL;
        const struct process *process;
        struct value name;

        if (label) {
                strbuf_put_text(b, label, strlen(label));
                return;
        }
        process = process_table_find(account->table, id);
        if (process) {
                process_get(process, NULL, FIELD_PROCESS_name, &name);
                if (name.state != VALUE_UNKNOWN)
                        strbuf_put_text(b, name.bytes, name.length);
        }
        strbuf_printf(b, "[%u]", id->pid);
}

void account_put_key(const struct account *account, const struct key *key, struct strbuf *b) {
        char text[SCOPE_TEXT];

        if (key->type != KEY_TREE && key->type != KEY_PROCESS && key->type != KEY_DESCENT) {
                key_format(key, text, sizeof(text));
                strbuf_put_text(b, text, strlen(text));
                return;
        }
        strbuf_printf(b, "the %s of ", program_key_to_string(key->type));
        account_put_process(account, &key->id, b);
}

/* The field by which people know an event of this kind: its first text or address. */
static enum field main_field(const struct event *event) {
        for (unsigned field = FIELD_NONE + 1; field < _FIELD_MAX; field++) {
                const struct field_info *info = schema_field((enum field)field);
                struct value value;

                if (!info || info->scope != FIELD_EVENT || info->kind != event_kind(event) ||
                    (info->type != VALUE_STRING && info->type != VALUE_ADDRESS))
                        continue;
                event_get(event, (enum field)field, &value);
                if (value.state != VALUE_UNKNOWN)
                        return (enum field)field;
        }
        return FIELD_NONE;
}

void account_put_event(struct account *account, struct strbuf *b) {
        const struct event *event = explain_event(account->explain);
        enum field field = main_field(event);
        struct identity actor = event_actor(event);
        struct value value;
        char text[32];

        if (actor.pid != 0) {
                account_put_process(account, &actor, b);
                strbuf_put(b, "  ");
        }
        strbuf_put(b, schema_kind(event_kind(event))->name);
        if (field != FIELD_NONE) {
                event_get(event, field, &value);
                strbuf_put_char(b, ' ');
                explain_put_value(field, &value, b);
        }
        if (event_kind(event) == WIRE_KIND_connect) {
                event_get(event, FIELD_connect_dport, &value);
                if (value.state == VALUE_KNOWN)
                        strbuf_printf(b, " port %" PRIi64, value.number);
        }
        if (event->wire->flags & WIRE_FAILED) {
                value = (struct value){.number = event->wire->result, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
                schema_format(FIELD_COMMON_result, &value, text, sizeof(text));
                strbuf_printf(b, ", failed: %s", text);
        }
}

static const struct step *step_of(const struct account *account, const struct edge *edge) {
        return edge->step == PROGRAM_NONE ? NULL : &account->program->steps[edge->step];
}

static void put_braced(const struct account *account, uint32_t condition, enum wire_kind kind, struct strbuf *b) {
        uint32_t path = account->options.path;

        strbuf_put(b, schema_kind(kind)->name);
        if (account->program->conditions[condition].op == CONDITION_TRUE)
                return;
        strbuf_put(b, " { ");
        program_dump_condition(account->program, path, condition, kind, b);
        strbuf_put(b, " }");
}

void account_put_edge(const struct account *account, const struct explain_edge *found, struct strbuf *b) {
        const struct edge *edge;
        const struct step *step;

        if (found->until != PROGRAM_NONE) {
                const struct until *until = &account->program->untils[found->until];

                strbuf_put(b, "until ");
                put_braced(account, until->condition, (enum wire_kind)until->kind, b);
                return;
        }
        edge = &account->program->edges[found->edge];
        step = step_of(account, edge);
        if (step)
                strbuf_printf(b, "step %u (line %u)", step->number, step->line);
        else {
                strbuf_put(b, "not ");
                put_braced(account, edge->condition, (enum wire_kind)edge->kind, b);
        }
}

static void put_duration(uint64_t ns, struct strbuf *b) {
        char buffer[FORMAT_DURATION_MAX];

        strbuf_put(b, format_duration(buffer, ns));
}

void account_put_waits(const struct account *account, uint8_t number, const char *indent, struct strbuf *b) {
        const struct program *program = account->program;
        const struct position *position = &program->positions[account->path->positions.first + number];
        unsigned n = 0;

        if (position->absence != PROGRAM_NONE) {
                const struct absence *absence = &program->absences[position->absence];

                strbuf_printf(b, "%sstep %u (line %u): ", indent, program->steps[absence->step].number,
                              program->steps[absence->step].line);
                put_duration(absence->within_ns, b);
                strbuf_put(b, " without what must not come\n");
        }
        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *edge = &program->edges[position->edges.first + i];
                const struct step *step = step_of(account, edge);

                if (!step || edge->type == EDGE_LOOP || edge->type == EDGE_KILL)
                        continue;
                strbuf_printf(b, "%s%sstep %u (line %u): ", indent, n++ > 0 ? "or " : "", step->number, step->line);
                put_braced(account, edge->condition, (enum wire_kind)edge->kind, b);
                if (edge->type == EDGE_COUNT && position->repeat != PROGRAM_NONE) {
                        const struct repeat *repeat = &program->repeats[position->repeat];

                        strbuf_printf(b, ", %u times", repeat->n);
                        if (repeat->distinct)
                                strbuf_put(b, " with different values");
                        if (repeat->within_ns > 0) {
                                strbuf_put(b, " within ");
                                put_duration(repeat->within_ns, b);
                        }
                }
                strbuf_put_char(b, '\n');
        }
}

void account_put_ends(const struct account *account, uint8_t number, const char *indent, struct strbuf *b) {
        const struct program *program = account->program;
        const struct position *position = &program->positions[account->path->positions.first + number];

        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *edge = &program->edges[position->edges.first + i];

                if (edge->type != EDGE_KILL)
                        continue;
                strbuf_put(b, indent);
                put_braced(account, edge->condition, (enum wire_kind)edge->kind, b);
                strbuf_put_char(b, '\n');
        }
        for (uint32_t i = 0; i < account->path->untils.n; i++) {
                const struct until *until = &program->untils[account->path->untils.first + i];

                strbuf_put(b, indent);
                put_braced(account, until->condition, (enum wire_kind)until->kind, b);
                strbuf_put_char(b, '\n');
        }
}

static void mix(uint64_t *hash, uint64_t value) {
        *hash = (*hash ^ value) * UINT64_C(0x100000001b3);
}

void account_put_conditions(struct account *account, const struct explain_run *run, uint32_t condition,
                            uint64_t *reason, struct strbuf *b) {
        static const char *const words[] = {"no ", "?  ", "yes"};
        struct explain_node nodes[EXPLAIN_MAX_NODES];
        size_t n = explain_condition(account->explain, run, condition, nodes, ELEMENTSOF(nodes));

        for (size_t i = 0; i < n; i++) {
                const struct explain_node *node = &nodes[i];
                size_t start = b->n, width;

                mix(reason, node->condition * 4 + node->truth);
                strbuf_printf(b, "  %s  ", words[node->truth]);
                strbuf_put_repeat(b, ' ', 2 * node->depth);
                explain_put_node(account->explain, run->path, node, b);
                if (node->shape == EXPLAIN_LEAF) {
                        width = b->n - start;
                        strbuf_put_repeat(b, ' ', width < CONDITION_COLUMN ? CONDITION_COLUMN - width : 2);
                        explain_put_seen(account->explain, run, node, b);
                }
                strbuf_put_char(b, '\n');
        }
        if (n == ELEMENTSOF(nodes))
                strbuf_put(b, "  ... and more conditions\n");
}

static void put_other_key(struct account *account, const struct explain_run *run, struct strbuf *b) {
        struct key key;

        strbuf_printf(b, ", but of another story (by = %s): the event is of ",
                      program_key_to_string((enum program_key)account->path->by));
        if (explain_event_key(account->explain, run->path, &key))
                account_put_key(account, &key, b);
        else
                strbuf_put(b, "none");
        if (run->serial > 0 && explain_key(account->explain, run, &key)) {
                strbuf_put(b, ", this run of ");
                account_put_key(account, &key, b);
        }
        strbuf_put_char(b, '\n');
}

static void put_missing_captures(struct account *account, uint32_t edge, struct strbuf *b) {
        strbuf_put(b, "  ?    ");
        explain_put_captures(account->explain, account->options.path, edge, b);
        strbuf_put_char(b, '\n');
}

void account_put_reason(struct account *account, const struct explain_run *run, const struct explain_edge *edge,
                        uint64_t *ret_reason, struct strbuf *b) {
        uint32_t condition = edge->until != PROGRAM_NONE ? account->program->untils[edge->until].condition
                                                         : account->program->edges[edge->edge].condition;

        *ret_reason = UINT64_C(0xcbf29ce484222325);
        mix(ret_reason, edge->edge);
        mix(ret_reason, edge->until);
        mix(ret_reason, edge->verdict * 4 + edge->later * 2 + run->concerned);

        if (edge->later || !run->concerned)
                strbuf_put(b, "would be ");
        else if (edge->verdict == EXPLAIN_UNKNOWN)
                strbuf_put(b, "nobody knows if it is ");
        else if (edge->verdict != EXPLAIN_TAKES)
                strbuf_put(b, "is not ");
        account_put_edge(account, edge, b);

        if (!run->concerned) {
                put_other_key(account, run, b);
                return;
        }
        if (edge->later) {
                strbuf_put(b, run->serial > 0 ? ", but this is waited for first:\n"
                                              : ", but nothing came before it that has to:\n");
                account_put_waits(account, run->position, "  ", b);
                return;
        }
        switch (edge->verdict) {
        case EXPLAIN_FAILED:
                strbuf_put(b, ": the call failed, and a step that does not name `result` takes only what succeeds\n");
                break;
        case EXPLAIN_NOT_CAPTURED:
                strbuf_put(b, ": what it has to capture is not known\n");
                put_missing_captures(account, edge->edge, b);
                return;
        case EXPLAIN_TAKES:
        case EXPLAIN_FALSE:
        case EXPLAIN_UNKNOWN:
                strbuf_put(b, ":\n");
                break;
        }
        account_put_conditions(account, run, condition, ret_reason, b);
}

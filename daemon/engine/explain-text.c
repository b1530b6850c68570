/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a policy and what was seen, as text for people. */
#include <string.h>

#include "base/strbuf.h"
#include "engine/explain-private.h"
#include "process/lineage.h"
#include "process/process-fields.h"
#include "program/program-dump.h"

#define VALUE_BYTES 100                 /* of one value */
#define MAX_ANCESTORS 8

void explain_put_value(enum field field, const struct value *value, struct strbuf *b) {
        bool quoted = value->type == VALUE_STRING;
        char text[VALUE_BYTES + 8];
        struct value known = *value;
        size_t n;

        known.state = VALUE_KNOWN;      /* a cut is said in words */
        n = schema_format(field, &known, text, sizeof(text));
        strbuf_put(b, quoted ? "\"" : value->type == VALUE_LIST ? "[" : "");
        strbuf_put_n(b, text, n);
        strbuf_put(b, n + 1 == sizeof(text) ? "..." : "");
        strbuf_put(b, quoted ? "\"" : value->type == VALUE_LIST ? "]" : "");
}

/* The first word `word`, which stands between field and operand, by another one. */
static bool put_replaced(const char *text, const char *word, const char *by, struct strbuf *b) {
        const char *at = strstr(text, word), *quote = strpbrk(text, "\"'");

        if (!at || (quote && quote < at))
                return false;
        strbuf_put_n(b, text, at - text);
        strbuf_put(b, by);
        strbuf_put(b, at + strlen(word));
        return true;
}

void explain_put_node(struct explain *explain, uint32_t path, const struct explain_node *node, struct strbuf *b) {
        const struct eval *eval = explain_eval(explain);
        _cleanup_(strbuf_done) struct strbuf text = {};
        const char *plain;

        if (node->shape != EXPLAIN_LEAF) {
                strbuf_put(b, node->shape == EXPLAIN_ALL ? "all of:" : "one of:");
                return;
        }
        program_dump_condition(eval->program, path, node->condition, event_kind(eval->event), &text);
        plain = strbuf_str(&text);
        if (!node->negated)
                strbuf_put(b, plain);
        else if (!put_replaced(plain, " == ", " != ", b) && !put_replaced(plain, " =~ ", " !~ ", b) &&
                 !put_replaced(plain, " in ", " not in ", b))
                strbuf_printf(b, "not (%s)", plain);
}

/* Why nobody knows a field of the event: what the sensor said about the record. */
static void put_why_unknown(const struct eval *eval, enum field field, struct strbuf *b) {
        const struct field_info *info = schema_field(field);
        uint32_t flags = eval->event->wire->flags;

        strbuf_put(b, "not known: ");
        if (field == FIELD_COMMON_result || field == FIELD_COMMON_failed)
                strbuf_put(b, "the result was not there yet when the event was recorded");
        else if (info && info->scope == FIELD_PROCESS)
                strbuf_put(b, "what this process runs, or where, was not captured");
        else if (flags & WIRE_UNSTABLE)
                strbuf_put(b, "it changed while it was read (race)");
        else if (flags & WIRE_RACED)
                strbuf_put(b, "another thread may have exchanged it (race)");
        else
                strbuf_put(b, "it was not captured");
}

/* A captured process goes by its name, if it has one. */
static void put_value(struct explain *explain, enum field field, const struct value *value, struct strbuf *b) {
        const char *label = value->type == VALUE_IDENTITY ? explain_label(explain, &value->identity) : NULL;

        if (label)
                strbuf_put_text(b, label, strlen(label));
        else
                explain_put_value(field, value, b);
}

static void put_cut(const struct value *value, struct strbuf *b) {
        if (value->state == VALUE_CUT)
                strbuf_printf(b, ", cut after %u bytes", value->length);
}

static void put_ancestors(struct explain *explain, enum field field, struct strbuf *b) {
        struct eval *eval = explain_eval(explain);
        const struct process *process;
        struct lineage lineage;
        struct value value;
        unsigned n = 0;

        lineage_begin(&lineage, eval->table, eval->actor);
        while ((process = lineage_next(&lineage))) {
                if (n++ == MAX_ANCESTORS) {
                        strbuf_put(b, ", ...");
                        break;
                }
                process_get(process, NULL, field, &value);
                strbuf_put(b, n > 1 ? ", " : "");
                if (value.state == VALUE_UNKNOWN)
                        strbuf_put(b, "?");
                else
                        put_value(explain, field, &value, b);
                put_cut(&value, b);
        }
        if (n == 0 && !lineage.broken)
                strbuf_put(b, "it has no ancestors");
        if (lineage.broken)
                strbuf_put(b, n > 0 ? ", and from there on not known: the chain of creators breaks"
                                    : "not known: the creator is not known");
}

/* Returns true if there was a value. */
static bool put_field(struct explain *explain, enum program_subject subject, enum field field, int index,
                      struct strbuf *b) {
        struct eval *eval = explain_eval(explain);
        struct value value;

        if (subject == SUBJECT_ANCESTOR) {
                put_ancestors(explain, field, b);
                return true;
        }
        switch (eval_get(eval, subject, field, index, &value)) {
        case EVAL_ABSENT:
                strbuf_put(b, subject == SUBJECT_PARENT ? "there is no parent"
                              : index >= 0              ? "there is no such element"
                                                        : "events of this kind have none");
                return false;
        case EVAL_UNKNOWN:
                if (subject == SUBJECT_PARENT && eval->parent_state == EVAL_UNKNOWN)
                        strbuf_put(b, "not known: the parent is not known");
                else if (index >= 0)
                        strbuf_put(b, "not known: the list was cut before it");
                else
                        put_why_unknown(eval, field, b);
                return false;
        case EVAL_CUT:
        case EVAL_KNOWN:
        case EVAL_ANY:
                break;
        }
        put_value(explain, field, &value, b);
        put_cut(&value, b);
        return true;
}

static void put_guard(struct explain *explain, const struct explain_run *run, const struct guard *guard,
                      struct strbuf *b) {
        struct eval *eval = explain_eval(explain);
        const struct path *path = &eval->program->paths[run->path];
        const struct captured *capture = evidence_find(eval->evidence, run->steps, guard->slot);
        struct program_string name = eval->program->texts[path->slots.first + guard->slot];
        struct value value;

        (void)put_field(explain, (enum program_subject)guard->subject, (enum field)guard->field, guard->index, b);
        strbuf_printf(b, "; %.*s is ", (int)name.length, program_text(eval->program, name));
        if (!capture) {
                strbuf_put(b, "not captured yet");
                return;
        }
        evidence_value(capture, &value);
        if (value.state == VALUE_UNKNOWN)
                strbuf_put(b, "known by its hash alone: no memory was left for its text");
        else
                put_value(explain, (enum field)eval->plan->paths[run->path].slot_fields[guard->slot], &value, b);
}

void explain_put_seen(struct explain *explain, const struct explain_run *run, const struct explain_node *node,
                      struct strbuf *b) {
        struct eval *eval = explain_eval(explain);
        const struct condition *c = &eval->program->conditions[node->condition];
        const struct predicate *predicate;
        struct value value;
        int index;

        if (node->shape != EXPLAIN_LEAF)
                return;
        if (c->op == CONDITION_GUARD) {
                put_guard(explain, run, &eval->program->guards[c->args.first], b);
                return;
        }
        if (c->op == CONDITION_ANCESTOR)
                put_ancestors(explain, FIELD_PROCESS_exe, b);
        if (c->op != CONDITION_PREDICATE)
                return;

        predicate = &eval->program->predicates[c->args.first];
        index = predicate->index;
        if (!put_field(explain, (enum program_subject)predicate->subject, (enum field)predicate->field, index, b))
                return;
        if (node->truth == TRUTH_UNKNOWN && predicate->op == PREDICATE_REGEX &&
            predicate->subject != SUBJECT_ANCESTOR &&
            eval_get(eval, (enum program_subject)predicate->subject, (enum field)predicate->field, index, &value) ==
                    EVAL_KNOWN)
                strbuf_put(b, "; the regex gave up at its limits");
}

void explain_put_captures(struct explain *explain, uint32_t path, uint32_t number, struct strbuf *b) {
        struct eval *eval = explain_eval(explain);
        const struct edge *edge = &eval->program->edges[number];
        size_t before = b->n;

        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &eval->program->writes[edge->writes.first + i];
                struct program_string name;

                if (write->slot >= eval->program->paths[path].slots.n)
                        continue;       /* what a `distinct` counts */
                name = eval->program->texts[eval->program->paths[path].slots.first + write->slot];
                if (memchr(program_text(eval->program, name), '.', name.length))
                        continue;       /* a hidden one, which nobody wrote */
                strbuf_printf(b, "%s%.*s = ", b->n > before ? ", " : "", (int)name.length,
                              program_text(eval->program, name));
                (void)put_field(explain, (enum program_subject)write->subject, (enum field)write->field, write->index,
                                b);
        }
}

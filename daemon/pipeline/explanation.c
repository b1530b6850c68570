/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/explanation.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "engine/counters.h"
#include "engine/instance.h"
#include "policy/source.h"
#include "policy/wording.h"
#include "program/program-dump.h"

#define MAX_SHOWN 6 /* strings under which a step is filed */

struct explanation {
        const struct path_node *node;
        const struct program *program;  /* of this path alone */
        const struct path *path;
        const struct config *config;
        struct strbuf *b;
        struct strbuf text;             /* scratch */
};

static void explanation_done(struct explanation *e) {
        if (e->program)
                program_unref((struct program *)e->program);
        strbuf_done(&e->text);
}

/* The set with some of its paths: this one only, or all others. */
static int compile_some(const struct policy_set *set, const struct path_node *path, bool others, struct program **ret) {
        _cleanup_(freep) struct path_node *nodes = calloc(set->n_paths + 1, sizeof(*nodes));
        struct policy_set some = *set;
        struct path_node **end = &some.paths;
        size_t n = 0;

        if (!nodes)
                return -ENOMEM;
        some.paths = NULL;
        for (const struct path_node *p = set->paths; p; p = p->next)
                if ((p == path) != others) {
                        nodes[n] = *p;
                        nodes[n].next = NULL;
                        *end = &nodes[n];
                        end = &nodes[n++].next;
                }
        some.n_paths = n;
        return compile_policies(&some, NULL, NULL, ret);
}

static void put_text(struct text text, struct strbuf *b) {
        strbuf_put_text(b, text.bytes ? text.bytes : "", text.length);
}

/* The scratch text, each line indented. */
static void put_scratch(struct explanation *e, unsigned indent) {
        const char *s = strbuf_str(&e->text), *end;

        for (; *s; s = *end ? end + 1 : end) {
                end = strchrnul(s, '\n');
                strbuf_put_repeat(e->b, ' ', indent);
                strbuf_put_n(e->b, s, (size_t)(end - s));
                strbuf_put_char(e->b, '\n');
        }
        if (e->text.error < 0 && e->b->error == 0)
                e->b->error = e->text.error;
        strbuf_clear(&e->text);
}

static const char *kind_name(unsigned kind) {
        const struct kind_info *info = schema_kind((enum wire_kind)kind);

        return info ? info->name : "?";
}

static void put_header(struct explanation *e) {
        const struct path_node *node = e->node;
        char duration[FORMAT_DURATION_MAX];

        put_text(node->name, e->b);
        strbuf_printf(e->b, ", severity %s", severity_to_string(node->severity));
        for (size_t i = 0; i < node->mitre.n; i++) {
                strbuf_put(e->b, i == 0 ? ", " : " ");
                put_text(node->mitre.items[i], e->b);
        }
        strbuf_put_char(e->b, '\n');
        if (node->description.length > 0) {
                strbuf_put(e->b, "  ");
                put_text(node->description, e->b);
                strbuf_put_char(e->b, '\n');
        }
        strbuf_put(e->b, "  written in ");
        strbuf_put_text(e->b, node->source->name, strlen(node->source->name));
        strbuf_printf(e->b, ", line %u\n  %s\n  ", node->span.line, wording_key(node->by));
        wording_window(node, e->b);
        strbuf_put(e->b, "\n  ");
        if (e->path->suppress_ns > 0)
                strbuf_printf(e->b, "told once in %s, then counted", format_duration(duration, e->path->suppress_ns));
        else
                strbuf_put(e->b, "told each time");
        if (e->path->absence)
                strbuf_printf(e->b, "; if events were lost that it needed: %s", on_loss_to_string(node->on_loss));
        strbuf_put_char(e->b, '\n');
}

/* Steps in order of text. Each has its number. */
static void put_steps(struct explanation *e, const struct element *first) {
        for (const struct element *s = first; s; s = s->next) {
                if (s->number > 0) {
                        strbuf_printf(e->b, "  %u. %s", s->number, kind_name(s->kind));
                        if (s->type == ELEMENT_ABSENCE) {
                                char duration[FORMAT_DURATION_MAX];

                                strbuf_printf(e->b, " does not happen for %s",
                                              format_duration(duration, s->within_ns));
                        }
                        strbuf_put(e->b, ": ");
                        wording_kind(s->kind, e->b);
                        if (s->any_result)
                                strbuf_put(e->b, ", or that was tried");
                        if (s->repetition != REPEAT_ONCE)
                                strbuf_put(e->b, s->repetition == REPEAT_PLUS ? ", once or more" : ", or not at all");
                        if (s->has_points)
                                strbuf_printf(e->b, ", %+" PRId64 " points", s->points);
                        strbuf_put_char(e->b, '\n');
                        wording_step(s, &e->text);
                        put_scratch(e, 8);
                }
                put_steps(e, s->children);
                put_steps(e, s->then);
                put_steps(e, s->otherwise);
        }
}

static void put_target(struct explanation *e, uint16_t target) {
        if (target == POSITION_ACCEPT)
                strbuf_put(e->b, " -> alert");
        else
                strbuf_printf(e->b, " -> place %u", target);
}

static void put_end(struct explanation *e, unsigned kind, uint32_t condition) {
        strbuf_printf(e->b, "    ends at %s {", kind_name(kind));
        if (e->program->conditions[condition].op != CONDITION_TRUE) {
                strbuf_put_char(e->b, ' ');
                program_dump_condition(e->program, 0, condition, (enum wire_kind)kind, e->b);
        }
        strbuf_put(e->b, " }\n");
}

/* The two ways of a conditional have one number. */
static void put_condition_of_way(struct explanation *e, const struct position *position, const struct edge *edge) {
        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *other = &e->program->edges[position->edges.first + i];

                if (other != edge && other->type == edge->type && other->step == edge->step) {
                        strbuf_put(e->b, " if ");
                        program_dump_condition(e->program, 0, edge->condition, (enum wire_kind)edge->kind, e->b);
                        return;
                }
        }
}

static void put_edge(struct explanation *e, const struct position *position, const struct edge *edge) {
        unsigned step = edge->step != PROGRAM_NONE ? e->program->steps[edge->step].number : 0;

        switch ((enum edge_type)edge->type) {
        case EDGE_ADVANCE:
                strbuf_printf(e->b, "    step %u", step);
                put_target(e, edge->target);
                put_condition_of_way(e, position, edge);
                break;
        case EDGE_COUNT:
                strbuf_printf(e->b, "    step %u is counted; the last", step);
                put_target(e, edge->target);
                break;
        case EDGE_SCORE:
                strbuf_printf(e->b, "    step %u adds %d points", step, edge->points);
                break;
        case EDGE_LOOP:
                strbuf_printf(e->b, "    step %u again is counted", step);
                break;
        case EDGE_KILL:
                put_end(e, edge->kind, edge->condition);
                return;
        case _EDGE_TYPE_MAX:
                break;
        }
        strbuf_put_char(e->b, '\n');
}

static void put_places(struct explanation *e) {
        char duration[FORMAT_DURATION_MAX];

        strbuf_put(e->b, "\nPlaces where a run waits, and what it waits for\n");
        for (uint32_t i = 0; i < e->path->positions.n; i++) {
                const struct position *position = &e->program->positions[e->path->positions.first + i];

                strbuf_printf(e->b, "  place %u%s", i, i == 0 ? ", the start: an event begins a run" : "");
                if (position->block != PROGRAM_NONE) {
                        const struct block *block = &e->program->blocks[position->block];

                        strbuf_printf(e->b, ", in a window of %s: back to place %u when it closes",
                                      format_duration(duration, block->within_ns), block->first);
                }
                if (position->repeat != PROGRAM_NONE) {
                        const struct repeat *repeat = &e->program->repeats[position->repeat];

                        strbuf_printf(e->b, ", counts to %u%s", repeat->n, repeat->distinct ? " different ones" : "");
                        if (repeat->within_ns > 0)
                                strbuf_printf(e->b, " within %s", format_duration(duration, repeat->within_ns));
                }
                strbuf_put_char(e->b, '\n');
                if (position->absence != PROGRAM_NONE) {
                        const struct absence *absence = &e->program->absences[position->absence];

                        strbuf_printf(e->b, "    step %u, when %s have passed",
                                      e->program->steps[absence->step].number,
                                      format_duration(duration, absence->within_ns));
                        put_target(e, absence->target);
                        strbuf_put_char(e->b, '\n');
                }
                for (uint32_t k = 0; k < position->edges.n; k++)
                        put_edge(e, position, &e->program->edges[position->edges.first + k]);
        }
        for (uint32_t i = 0; i < e->path->untils.n; i++) {
                const struct until *until = &e->program->untils[e->path->untils.first + i];

                strbuf_put(e->b, "  everywhere\n");
                put_end(e, until->kind, until->condition);
        }
}

static void put_clocks(struct explanation *e) {
        char duration[FORMAT_DURATION_MAX];

        strbuf_put(e->b, "\nClocks\n");
        if (e->path->score.threshold > 0)
                strbuf_printf(e->b, "  points: %u of them are forgotten in %s\n", e->path->score.decay,
                              format_duration(duration, e->path->score.decay_ns));
        else if (e->path->within_ns > 0)
                strbuf_printf(e->b, "  the story: %s from its first step\n",
                              format_duration(duration, e->path->within_ns));
        else
                strbuf_put(e->b,
                           "  none for the story: a run waits as long as its key is there, or until it is evicted\n");
        for (uint32_t i = 0; i < e->program->n_blocks; i++) {
                const struct block *block = &e->program->blocks[i];

                if (block->within_ns == 0)
                        continue;
                strbuf_put(e->b, "  ");
                if (block->name.length > 0)
                        strbuf_put_text(e->b, program_text(e->program, block->name), block->name.length);
                else
                        strbuf_put(e->b, "a group");
                strbuf_printf(e->b, ", begun from place %u: %s\n", block->first,
                              format_duration(duration, block->within_ns));
        }
}

/* Steps that write a slot, or compare with it. */
static void put_users(struct explanation *e, uint32_t slot, bool writes) {
        uint64_t said = 0;
        bool first = true;

        for (uint32_t i = 0; i < e->program->n_edges; i++) {
                const struct edge *edge = &e->program->edges[i];
                bool uses = false;
                unsigned number = edge->step != PROGRAM_NONE ? e->program->steps[edge->step].number : 0;

                if (writes)
                        for (uint32_t k = 0; k < edge->writes.n; k++)
                                uses = uses || e->program->writes[edge->writes.first + k].slot == slot;
                if (!uses || number == 0 || (number < 64 && said & UINT64_C(1) << number))
                        continue;
                if (number < 64)
                        said |= UINT64_C(1) << number;
                strbuf_printf(e->b, "%s %u", first ? "" : ",", number);
                first = false;
        }
}

static void put_captures(struct explanation *e) {
        if (e->path->slots.n == 0)
                return;
        strbuf_put(e->b, "\nCaptures\n");
        for (uint32_t slot = 0; slot < e->path->slots.n; slot++) {
                struct program_string name = e->program->texts[e->path->slots.first + slot];
                const struct field_info *info = NULL;

                for (uint32_t i = 0; i < e->program->n_writes && !info; i++)
                        if (e->program->writes[i].slot == slot)
                                info = schema_field((enum field)e->program->writes[i].field);
                strbuf_put(e->b, "  ");
                strbuf_put_text(e->b, program_text(e->program, name), name.length);
                if (info)
                        strbuf_printf(e->b, " (%s): %.*s;", value_type_to_string(info->type),
                                      (int)strcspn(info->doc, ":;"), info->doc);
                strbuf_put(e->b, " kept at step");
                put_users(e, slot, true);
                strbuf_put_char(e->b, '\n');
        }
        strbuf_put(e->b, "  runs with different values stand side by side; `==` with one is a lookup, not a search\n");
}

static void put_kernel(struct explanation *e, const struct program *others) {
        const struct interest *interest = &e->program->header->interest;

        strbuf_put(e->b, "\nWhat the kernel is asked for because of it\n");
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);
                const struct interest_filter *filter = &interest->filter[kind];

                if (!(interest->kinds & wire_kind_bit(kind)) || !info || info->class == EVENT_META)
                        continue;
                strbuf_printf(e->b, "  %s: ", info->name);
                if (info->class == EVENT_CORE)
                        strbuf_put(e->b, "always attached, for the table of processes");
                else {
                        strbuf_put(e->b, filter->successes && filter->failures ? "all calls"
                                         : filter->failures                    ? "calls that fail"
                                                                               : "calls that succeed");
                        if (filter->flags_any != 0) {
                                struct value value = {.state = VALUE_KNOWN, .number = (int64_t)filter->flags_any};
                                char text[256];

                                schema_format(interest_flags((enum wire_kind)kind), &value, text, sizeof(text));
                                strbuf_printf(e->b, " with any of %s", text);
                        }
                        if (filter->flags_any != 0 || !filter->successes || !filter->failures)
                                strbuf_put(e->b, "; the rest is dropped in the kernel");
                        if (others && !(others->header->interest.kinds & wire_kind_bit(kind)))
                                strbuf_put(e->b, "; attached for this policy alone");
                }
                strbuf_put_char(e->b, '\n');
        }
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (interest->filter[kind].content)
                        strbuf_printf(e->b, "  of each %s: the first %u bytes that go over\n",
                                      schema_kind((enum wire_kind)kind)->name, interest->content_bytes);
        if (interest->namespaces)
                strbuf_put(e->b, "  unshare, setns: calls that succeed, for the namespaces of processes\n");
        for (uint32_t i = 0; i < interest->n_env; i++) {
                strbuf_put(e->b, "  the variable ");
                strbuf_put_text(e->b, interest->env[i], strlen(interest->env[i]));
                strbuf_put(e->b, " of each program that is started\n");
        }
}

static bool find_predicate(const struct program *program, uint32_t predicate, uint32_t *ret) {
        for (uint32_t i = 0; i < program->n_conditions; i++)
                if (program->conditions[i].op == CONDITION_PREDICATE &&
                    program->conditions[i].args.first == predicate) {
                        *ret = i;
                        return true;
                }
        return false;
}

/* What it costs an event that is no part of the story, from least to most. */
static void put_cost(struct explanation *e) {
        const struct program *p = e->program;
        unsigned every = 0, filed = 0, slow = 0;
        const char *class;

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                every += p->header->kind_starts[kind].n;
        for (uint32_t i = 0; i < p->n_predicates; i++)
                filed += p->predicate_starts[i].n > 0;
        for (uint32_t i = 0; i < p->n_regexes; i++)
                slow += p->regexes[i].literal.length == 0;

        class = slow > 0  ? "high: a regex is run on every value that it is asked about"
              : every > 0 ? "middle: each event of a kind is tried"
                          : "low: an event without its strings costs nothing";
        strbuf_printf(e->b, "\nWhat an event costs\n  %s\n", class);
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (uint32_t i = 0; i < p->header->kind_starts[kind].n; i++) {
                        const struct start *start = &p->starts[p->header->kind_starts[kind].first + i];
                        uint32_t step = p->edges[start->edge].step;

                        strbuf_printf(e->b, "  every %s is tried as step %u\n", kind_name(kind),
                                      step != PROGRAM_NONE ? p->steps[step].number : 0);
                }
        for (uint32_t i = 0, shown = 0; i < p->n_predicates; i++) {
                uint32_t condition;

                if (p->predicate_starts[i].n == 0)
                        continue;
                if (shown++ >= MAX_SHOWN) {
                        strbuf_printf(e->b, "  and so on: %u comparisons in all\n", filed);
                        break;
                }
                strbuf_put(e->b, "  a first step is tried only if ");
                if (find_predicate(p, i, &condition))
                        program_dump_condition(p, 0, condition, WIRE_NONE, e->b);
                strbuf_put_char(e->b, '\n');
        }
        strbuf_printf(e->b, "  %u comparisons, each decided at most once per event, shared with all policies",
                      p->n_predicates);
        for (uint32_t i = 0; i < p->n_matchers; i++)
                if (i == 0)
                        strbuf_printf(e->b, "; %u matchers decide its strings together", p->n_matchers);
        strbuf_put_char(e->b, '\n');
        for (uint32_t i = 0; i < p->n_regexes; i++) {
                const struct regex_text *regex = &p->regexes[i];

                strbuf_put(e->b, "  the regex '");
                strbuf_put_text(e->b, program_text(p, regex->pattern), regex->pattern.length);
                if (regex->literal.length > 0) {
                        strbuf_put(e->b, "' is tried where '");
                        strbuf_put_text(e->b, program_text(p, regex->literal), regex->literal.length);
                        strbuf_put(e->b, "' was found\n");
                } else
                        strbuf_put(e->b, "' has no text that every match contains: it is tried on every value that the "
                                         "comparisons beside it leave\n");
        }
}

/* The longest way through the places: how many steps a run can hold. Places lead forward only. */
static unsigned longest_way(const struct explanation *e) {
        unsigned longest = 0, steps[PROGRAM_MAX_POSITIONS] = {};

        for (uint32_t i = 0; i < e->path->positions.n; i++) {
                const struct position *position = &e->program->positions[e->path->positions.first + i];
                unsigned loops = 0;

                for (uint32_t k = 0; k < position->edges.n; k++)
                        loops += e->program->edges[position->edges.first + k].type == EDGE_LOOP;
                for (uint32_t k = 0; k <= position->edges.n; k++) {
                        const struct edge *edge = &e->program->edges[position->edges.first + k];
                        uint16_t target;

                        if (k < position->edges.n) {
                                if (edge->type != EDGE_ADVANCE && edge->type != EDGE_COUNT)
                                        continue;
                                target = edge->target;
                        } else if (position->absence != PROGRAM_NONE)
                                target = e->program->absences[position->absence].target;
                        else
                                break;
                        if (target == POSITION_ACCEPT)
                                longest = MAX(longest, steps[i] + loops + 1);
                        else
                                steps[target] = MAX(steps[target], steps[i] + loops + 1);
                }
        }
        return longest;
}

static void put_memory(struct explanation *e) {
        unsigned steps = longest_way(e);
        size_t held = e->path->score.threshold > 0 ? e->path->positions.n : steps > 0 ? steps - 1 : 0;
        size_t run = sizeof(struct instance) + held * sizeof(struct evidence_step) +
                     e->path->slots.n * sizeof(struct captured);
        uint64_t key = MIN(e->config->engine.max_tuples_per_key, e->config->engine.max_runs);
        char size[FORMAT_SIZE_MAX];

        strbuf_put(e->b, "\nMemory at worst\n");
        if (e->path->score.threshold == 0 && steps <= 1 && e->path->positions.n == 1 &&
            e->program->positions[e->path->positions.first].repeat == PROGRAM_NONE) {
                strbuf_put(e->b, "  none: a story of one step is told at once, no run waits\n");
                return;
        }
        if (e->path->slots.n == 0)
                key = MIN(key, (uint64_t)e->path->positions.n);
        strbuf_printf(e->b, "  a run: %zu bytes, with %zu step%s and %u capture%s\n", run, held, held == 1 ? "" : "s",
                      e->path->slots.n, e->path->slots.n == 1 ? "" : "s");
        for (uint32_t i = 0; i < e->path->positions.n; i++) {
                uint32_t repeat = e->program->positions[e->path->positions.first + i].repeat;

                if (repeat != PROGRAM_NONE)
                        strbuf_printf(
                                e->b,
                                "    and up to %u counted times in place %u, of %zu bytes (engine.max_counts in all)\n",
                                e->program->repeats[repeat].n, i, sizeof(struct counted));
        }
        strbuf_printf(e->b, "  a key: %" PRIu64 " runs, %s", key, format_size(size, key * run));
        strbuf_put(e->b, e->path->slots.n == 0 ? " (without captures one for each place)\n"
                                               : " (engine.max_tuples_per_key)\n");
        strbuf_printf(e->b, "  all keys: %" PRIu64 " runs, %s", (uint64_t)e->config->engine.max_runs,
                      format_size(size, e->config->engine.max_runs * run));
        strbuf_put(e->b, " (engine.max_runs, of all policies together)\n");
        strbuf_printf(e->b, "  events kept as evidence: %s (engine.evidence_memory, of all policies together)\n",
                      format_size(size, e->config->engine.evidence_memory_bytes));
}

int explanation_put(const struct policy_set *set, const struct path_node *path, const struct config *config,
                    struct strbuf *b) {
        _cleanup_(explanation_done) struct explanation e = {.node = path, .config = config, .b = b};
        struct program *own = NULL, *others = NULL;
        int r;

        r = compile_some(set, path, false, &own);
        if (r < 0)
                return r;
        e.program = own;
        e.path = own->paths;
        if (set->n_paths > 1) {
                r = compile_some(set, path, true, &others);
                if (r < 0)
                        return r;
        }

        put_header(&e);
        strbuf_put(b, "\nSteps\n");
        put_steps(&e, path->body);
        put_places(&e);
        put_clocks(&e);
        put_captures(&e);
        put_kernel(&e, others);
        put_cost(&e);
        put_memory(&e);
        if (others)
                program_unref(others);
        return b->error;
}

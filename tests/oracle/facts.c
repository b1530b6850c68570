/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "process/process-fields.h"
#include "process/process-table.h"

/* What has been seen of a process. */
struct known {
        struct identity id, creator, tree;
        bool exited;
};

struct known_list ARRAY_BODY(struct known);
struct text_list ARRAY_BODY(const char *);

struct builder {
        struct facts *facts;
        struct process_table *table;
        struct known_list known;
        uint64_t clock_ns;
};

/* ---- which fields the paths ask for ---- */

static void want(struct facts *facts, const struct field_ref *ref) {
        for (size_t i = 0; i < facts->n_fields; i++)
                if (facts->fields[i].field == ref->field && facts->fields[i].subject == ref->subject)
                        return;
        facts->fields[facts->n_fields++] = (struct fact_field){ ref->field, ref->subject };
}

static void want_of_expr(struct facts *facts, const struct expr *expr) {
        if (!expr)
                return;
        if (expr->type == EXPR_COMPARE)
                want(facts, &expr->field);
        else {
                want_of_expr(facts, expr->left);
                want_of_expr(facts, expr->right);
        }
}

static void want_of_elements(struct facts *facts, const struct element *element) {
        for (; element; element = element->next) {
                want_of_expr(facts, element->condition);
                for (const struct capture *c = element->captures; c; c = c->next)
                        want(facts, &c->field);
                if (element->distinct_field.name.length > 0)
                        want(facts, &element->distinct_field);
                want_of_elements(facts, element->children);
                want_of_elements(facts, element->then);
                want_of_elements(facts, element->otherwise);
        }
}

const struct fact_values *facts_get(const struct facts *facts, const struct fact *fact, enum field field,
                                    enum program_subject subject) {
        for (size_t i = 0; i < facts->n_fields; i++)
                if (facts->fields[i].field == field && facts->fields[i].subject == subject)
                        return &fact->values[i];
        assert(false);
        return NULL;
}

/* ---- processes ---- */

static struct known *find_known(struct known_list *list, const struct identity *id) {
        ARRAY_FOREACH(known, list)
                if (identity_equal(&known->id, id))
                        return known;
        return NULL;
}

static int see(struct builder *b, const struct process *process) {
        struct known *known;

        if (!process)
                return 0;
        known = find_known(&b->known, &process->id);
        if (!known) {
                known = array_add(&b->known);
                if (!known)
                        return -ENOMEM;
                known->id = process->id;
        }
        known->creator = process->creator;
        known->tree = process->tree;
        return 0;
}

static bool tree_lives(struct builder *b, const struct identity *tree) {
        ARRAY_FOREACH(known, &b->known)
                if (!known->exited && identity_equal(&known->tree, tree))
                        return true;
        return false;
}

static bool descends(struct builder *b, const struct known *known, const struct identity *anchor) {
        for (; known; known = find_known(&b->known, &known->creator))
                if (identity_equal(&known->id, anchor))
                        return true;
        return false;
}

static bool descent_lives(struct builder *b, const struct identity *anchor) {
        ARRAY_FOREACH(known, &b->known)
                if (!known->exited && descends(b, known, anchor))
                        return true;
        return false;
}

/* ---- keys ---- */

const char *fact_key_of_identity(char buffer[static FACT_KEY_MAX], enum program_key type, const struct identity *id) {
        snprintf(buffer, FACT_KEY_MAX, "%s %u@%llu", program_key_to_string(type), id->pid,
                 (unsigned long long)id->start_ns);
        return buffer;
}

static int add_text(struct builder *b, struct text_list *list, const char *text) {
        text = arena_strdup(&b->facts->arena, text);
        return text ? array_push(list, text) : -ENOMEM;
}

static int add_identity(struct builder *b, struct text_list *list, enum program_key type, const struct identity *id) {
        char buffer[FACT_KEY_MAX];

        return add_text(b, list, fact_key_of_identity(buffer, type, id));
}

static int add_field(struct builder *b, struct text_list *list, enum program_key type, enum field field,
                     const struct process *actor, const struct event *event) {
        char buffer[FACT_KEY_MAX];
        struct value value;

        if (schema_field(field)->scope == FIELD_EVENT)
                event_get(event, field, &value);
        else if (actor)
                process_get(actor, event, field, &value);
        else
                return 0;
        if (value.state != VALUE_KNOWN || value.length == 0)
                return 0;
        snprintf(buffer, sizeof(buffer), "%s %.*s", program_key_to_string(type), (int)value.length, value.bytes);
        return add_text(b, list, buffer);
}

static int keep(struct builder *b, struct text_list *list, const char ***ret, size_t *ret_n) {
        *ret = arena_memdup(&b->facts->arena, list->items, list->n * sizeof(*list->items));
        *ret_n = list->n;
        array_clear(list);
        return *ret || *ret_n == 0 ? 0 : -ENOMEM;
}

static int find_keys(struct builder *b, struct fact *fact, const struct event *event, struct process *actor) {
        _cleanup_(freep) const char **memory = NULL;
        struct text_list list = {};
        const struct wire_header *wire = event->wire;
        const struct known *self = actor ? find_known(&b->known, &actor->id) : NULL;
        bool late = self && self->exited;
        int r = 0;

        for (enum program_key type = 0; type < _KEY_MAX && r >= 0; type++) {
                switch (type) {
                case KEY_HOST:
                        r = add_text(b, &list, "host");
                        break;
                case KEY_PROCESS:
                        if (actor && !late)
                                r = add_identity(b, &list, type, &actor->id);
                        break;
                case KEY_TREE: {
                        struct identity tree = { .pid = wire->tree_tgid, .start_ns = wire->tree_start_ns };

                        if (!actor)
                                break;
                        if (tree.pid == 0)
                                tree = actor->tree;
                        if (tree.pid != 0 && (!late || tree_lives(b, &tree)))
                                r = add_identity(b, &list, type, &tree);
                        break;
                }
                case KEY_DESCENT:
                        for (const struct process *p = actor; p && r >= 0; p = process_table_creator(b->table, p, NULL))
                                if (!late || descent_lives(b, &p->id))
                                        r = add_identity(b, &list, type, &p->id);
                        break;
                case KEY_UNIT:
                        r = add_field(b, &list, type,
                                      wire->kind == WIRE_KIND_unit ? FIELD_unit_name : FIELD_PROCESS_unit, actor,
                                      event);
                        break;
                case KEY_CONTAINER:
                        r = add_field(b, &list, type,
                                      wire->kind == WIRE_KIND_container ? FIELD_container_id : FIELD_PROCESS_container,
                                      actor, event);
                        break;
                case KEY_USER: {
                        char buffer[FACT_KEY_MAX];

                        if (!actor)
                                break;
                        snprintf(buffer, sizeof(buffer), "user %u",
                                 wire->loginuid != UINT32_MAX ? wire->loginuid : wire->uid);
                        r = add_text(b, &list, buffer);
                        break;
                }
                case _KEY_MAX:
                        break;
                }
                if (r >= 0)
                        r = keep(b, &list, &fact->keys[type], &fact->n_keys[type]);
                if (r < 0 || fact->n_keys[type] == 0)
                        continue;
                /* A descent begins in its actor, if that is not over. */
                if (type != KEY_DESCENT || !late || descent_lives(b, &actor->id))
                        fact->begins[type] = fact->keys[type][0];
        }
        memory = list.items;
        return r;
}

/* The exit was seen by all paths: which keys are empty now? */
static int find_ended(struct builder *b, struct fact *fact, struct process *actor) {
        _cleanup_(freep) const char **memory = NULL;
        struct text_list list = {};
        struct known *self = find_known(&b->known, &actor->id);
        int r;

        self->exited = true;
        r = add_identity(b, &list, KEY_PROCESS, &self->id);
        if (r >= 0 && self->tree.pid != 0 && !tree_lives(b, &self->tree))
                r = add_identity(b, &list, KEY_TREE, &self->tree);
        for (const struct known *k = self; k && r >= 0; k = find_known(&b->known, &k->creator))
                if (!descent_lives(b, &k->id))
                        r = add_identity(b, &list, KEY_DESCENT, &k->id);
        if (r >= 0)
                r = keep(b, &list, &fact->ended, &fact->n_ended);
        memory = list.items;
        return r;
}

/* ---- values ---- */

/* The process table may change what a value borrows. */
static int copy_value(struct builder *b, struct value *value) {
        if ((value->type == VALUE_STRING || value->type == VALUE_LIST) && value->state != VALUE_UNKNOWN) {
                value->bytes = arena_memdup(&b->facts->arena, value->bytes, value->length);
                if (!value->bytes)
                        return -ENOMEM;
        }
        return 0;
}

static int add_value(struct builder *b, struct fact_values *to, const struct process *process,
                     const struct event *event, enum field field) {
        struct value *value = &to->values[to->n++];

        if (schema_field(field)->scope == FIELD_PROCESS)
                process_get(process, event, field, value);
        else
                event_get(event, field, value);
        return copy_value(b, value);
}

static int get_values(struct builder *b, struct fact_values *to, const struct fact_field *field,
                      const struct event *event, const struct process *actor) {
        const struct process *p;
        size_t n = 1;
        int r = 0;

        for (p = actor; p; p = process_table_creator(b->table, p, NULL))
                n++;
        to->values = arena_new_array(&b->facts->arena, struct value, n);
        if (!to->values)
                return -ENOMEM;

        switch (field->subject) {
        case SUBJECT_EVENT:
                return add_value(b, to, NULL, event, field->field);
        case SUBJECT_PROCESS:
                to->open = !actor;
                return actor ? add_value(b, to, actor, event, field->field) : 0;
        case SUBJECT_PARENT:
        case SUBJECT_ANCESTOR:
        case SUBJECT_EACH:
                to->open = !actor;
                for (p = actor; p && r >= 0 && !(field->subject == SUBJECT_PARENT && to->n == 1);) {
                        p = process_table_creator(b->table, p, &to->open);
                        if (p)
                                r = add_value(b, to, p, NULL, field->field);
                }
                if (field->subject == SUBJECT_PARENT && to->n == 1)
                        to->open = false;
                return r;
        case _SUBJECT_MAX:
                break;
        }
        return -EINVAL;
}

static int add_fact(struct builder *b, struct fact *fact, const struct event *event) {
        struct process *actor = process_table_update(b->table, event);
        const struct wire_header *wire = event->wire;
        struct value value;
        int r;

        b->clock_ns = b->clock_ns > event->time_ns ? b->clock_ns : event->time_ns;
        *fact = (struct fact){
                .number = event->number,
                .kind = event_kind(event),
                .clock_ns = b->clock_ns,
                .failed = wire->flags & WIRE_FAILED,
                .no_result = wire->flags & WIRE_NO_RESULT,
                .refused = wire->flags & WIRE_FAILED && wire->result == -EPERM,
        };
        if (fact->kind == WIRE_KIND_gap) {
                event_get(event, FIELD_gap_kinds, &value);
                fact->gap_kinds = value.state == VALUE_UNKNOWN ? UINT64_MAX : (uint64_t)value.number;
                event_get(event, FIELD_gap_count, &value);
                fact->gap_count = value.state == VALUE_UNKNOWN ? 0 : (uint64_t)value.number;
                event_get(event, FIELD_gap_until, &value);
                fact->gap_until_ns = value.state == VALUE_UNKNOWN ? 0 : (uint64_t)value.number;
                event_get(event, FIELD_gap_reason, &value);
                fact->gap_reasons = 1U << (value.state == VALUE_UNKNOWN ? 0 : value.number);
        }

        r = see(b, actor);
        if (r >= 0 && fact->kind == WIRE_KIND_fork) {
                struct value pid, start;

                event_get(event, FIELD_fork_child_pid, &pid);
                event_get(event, FIELD_fork_child_start, &start);
                r = see(b,
                        process_table_find(b->table, &(struct identity){.pid = pid.number, .start_ns = start.number}));
        }
        if (r >= 0)
                r = find_keys(b, fact, event, actor);
        if (r >= 0 && fact->kind == WIRE_KIND_exit && actor)
                r = find_ended(b, fact, actor);
        if (r < 0)
                return r;

        fact->creators_open = !actor;
        for (const struct process *p = actor; p; fact->n_creators += p != NULL)
                p = process_table_creator(b->table, p, &fact->creators_open);

        fact->values = arena_new_array(&b->facts->arena, struct fact_values, b->facts->n_fields);
        for (size_t i = 0; i < b->facts->n_fields && r >= 0; i++)
                r = get_values(b, &fact->values[i], &b->facts->fields[i], event, actor);
        if (r >= 0 && actor) {
                process_get(actor, event, FIELD_PROCESS_exe, &fact->actor_exe);
                r = copy_value(b, &fact->actor_exe);
        }
        return r;
}

int facts_init(struct facts *facts, const struct world *world, const struct path_node *const *paths, size_t n_paths) {
        const struct process_table_limits limits = {
                .max_processes = 65536,
                .max_image_bytes = 64 << 20,
                .max_cgroups = 4096,
                .grace_ns = UINT64_MAX / 2,
        };
        struct builder b = { .facts = facts };
        int r;

        *facts = (struct facts){};
        arena_init(&facts->arena, 0);
        facts->fields = arena_new_array(&facts->arena, struct fact_field, _FIELD_MAX * _SUBJECT_MAX);
        facts->items = arena_new_array(&facts->arena, struct fact, world->records.n + 1);
        facts->gaps = arena_new_array(&facts->arena, const struct fact *, world->records.n + 1);
        if (!facts->fields || !facts->items || !facts->gaps)
                return -ENOMEM;
        for (size_t i = 0; i < n_paths; i++)
                for (const struct path_node *path = paths[i]; path; path = path->next) {
                        want_of_elements(facts, path->body);
                        want_of_elements(facts, path->untils);
                        for (const struct exception *e = path->exceptions; e; e = e->next)
                                want_of_expr(facts, e->condition);
                }

        r = process_table_new(&limits, &b.table);
        for (size_t i = 0; i < world->records.n && r >= 0; i++) {
                struct event event;

                r = world_event(world, i, &event);
                if (r >= 0)
                        r = add_fact(&b, &facts->items[facts->n++], &event);
                if (r >= 0 && facts->items[i].kind == WIRE_KIND_gap)
                        facts->gaps[facts->n_gaps++] = &facts->items[i];
        }
        array_done(&b.known);
        process_table_free(b.table);
        return r;
}

void facts_done(struct facts *facts) {
        arena_done(&facts->arena);
        *facts = (struct facts){};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-verify-private.h"

#include <sys/socket.h>

#include "base/macro.h"
#include "program/predicate.h"
#include "program/value-lists.h"

static bool verify_list(struct verifier *v, const struct predicate *predicate) {
        struct program_range list = predicate->list;

        CHECK(v, list.n > 0, "empty list");
        if (predicate->op == PREDICATE_IN_NUMBERS) {
                CHECK(v, verifier_range(v, list, v->p->n_numbers), "list of numbers");
                for (uint32_t i = 1; i < list.n; i++)
                        CHECK(v, v->p->numbers[list.first + i - 1].value < v->p->numbers[list.first + i].value,
                              "order of a list of numbers");
        } else if (predicate->op == PREDICATE_IN_NETWORKS) {
                CHECK(v, verifier_range(v, list, v->p->n_networks), "list of networks");
        } else {
                CHECK(v, verifier_strings(v, list), "list of strings");
                for (uint32_t i = 1; i < list.n; i++)
                        CHECK(v, verifier_compare(v, v->p->texts[list.first + i - 1], v->p->texts[list.first + i]) < 0,
                              "order of a list of strings");
        }
        return true;
}

bool verifier_predicate(struct verifier *v, const struct predicate *predicate) {
        const struct field_info *info;
        enum value_type type;

        CHECK(v, predicate->op < _PREDICATE_OP_MAX, "operation of a predicate");
        CHECK(v, predicate->pad == 0, "padding of a predicate");
        CHECK(v, verifier_field(predicate->field, predicate->subject, predicate->index), "field of a predicate");

        info = schema_field((enum field)predicate->field);
        type = info->type;
        if (type == VALUE_LIST && predicate->op != PREDICATE_KNOWN) {
                CHECK(v, predicate->index != INDEX_NONE, "list compared as a whole");
                type = VALUE_STRING;
        }

        switch (predicate_operand((enum predicate_op)predicate->op)) {
        case OPERAND_KIND_NUMBER:
                CHECK(v, type == VALUE_NUMBER, "type of a number's field");
                return true;
        case OPERAND_KIND_NUMBERS:
                CHECK(v, type == VALUE_NUMBER, "type of a number's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_STRING:
                CHECK(v, type == VALUE_STRING, "type of a string's field");
                CHECK(v, verifier_string(v, predicate->string), "string of a predicate");
                return true;
        case OPERAND_KIND_STRINGS:
                CHECK(v, type == VALUE_STRING, "type of a string's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_REGEX:
                CHECK(v, type == VALUE_STRING, "type of a regex's field");
                CHECK(v, predicate->regex < v->p->n_regexes, "regex of a predicate");
                return true;
        case OPERAND_KIND_NETWORKS:
                CHECK(v, type == VALUE_ADDRESS, "type of an address's field");
                return verify_list(v, predicate);
        case OPERAND_KIND_LIST_NAME:
                CHECK(v, type == VALUE_STRING || type == VALUE_NUMBER || type == VALUE_ADDRESS,
                      "type of a field on a runtime list");
                CHECK(v, verifier_string(v, predicate->string), "string of a predicate");
                CHECK(v, value_lists_is_name(program_text(v->p, predicate->string), predicate->string.length),
                      "name of a runtime list");
                return true;
        case OPERAND_KIND_NONE:
                return true;
        }
        return false;
}

bool verifier_network(struct verifier *v, const struct program_network *network) {
        unsigned bits = network->address.family == AF_INET ? 32 : network->address.family == AF_INET6 ? 128 : 0;

        CHECK(v, bits > 0 && network->prefix <= bits && network->pad == 0, "network");
        return true;
}

bool verifier_guard(struct verifier *v, const struct guard *guard) {
        const struct field_info *info;

        CHECK(v, guard->op < _GUARD_OP_MAX, "operation of a guard");
        CHECK(v, verifier_field(guard->field, guard->subject, guard->index), "field of a guard");
        CHECK(v, guard->slot < PROGRAM_MAX_SLOTS, "slot of a guard");
        info = schema_field((enum field)guard->field);
        CHECK(v, guard->op == GUARD_EQUAL || info->type == VALUE_NUMBER, "order of what is no number");
        return true;
}

bool verifier_condition(struct verifier *v, uint32_t i) {
        const struct condition *conditions = v->p->conditions, *condition = &conditions[i];
        struct program_range args = condition->args;
        bool run_free = true;
        uint32_t slots = 0, nodes = 1;
        uint8_t marks = 0;
        unsigned depth = 0;

        switch ((enum condition_op)condition->op) {
        case CONDITION_TRUE:
        case CONDITION_FALSE:
                CHECK(v, args.first == 0 && args.n == 0, "arguments of a constant");
                break;
        case CONDITION_PREDICATE:
                CHECK(v, args.first < v->p->n_predicates && args.n == 0, "predicate of a condition");
                if (v->p->predicates[args.first].subject == SUBJECT_EACH) {
                        marks = MARK_EACH;
                        run_free = false;
                }
                break;
        case CONDITION_GUARD:
                CHECK(v, args.first < v->p->n_guards && args.n == 0, "guard of a condition");
                run_free = false;
                slots = 1U << v->p->guards[args.first].slot;
                marks = v->p->guards[args.first].subject == SUBJECT_EACH ? MARK_EACH : 0;
                break;
        case CONDITION_ANCESTOR:
        case CONDITION_NOT:
                CHECK(v, args.first < i && args.n == 0, "child of a condition");
                run_free = conditions[args.first].run_free;
                slots = v->condition_slots[args.first];
                marks = v->condition_marks[args.first];
                if (condition->op == CONDITION_ANCESTOR) {
                        CHECK(v, !(marks & MARK_ANCESTOR), "ancestor of an ancestor");
                        marks = MARK_ANCESTOR;
                        run_free = slots == 0;
                }
                depth = conditions[args.first].depth + 1U;
                nodes += v->condition_nodes[args.first];
                break;
        case CONDITION_AND:
        case CONDITION_OR:
                CHECK(v, args.n > 0 && verifier_next_range(args, &v->next_child, v->p->n_children),
                      "children of a condition");
                for (uint32_t k = args.first; k < args.first + args.n; k++) {
                        uint32_t child = v->p->children[k].value;

                        CHECK(v, child < i, "child of a condition");
                        run_free = run_free && conditions[child].run_free;
                        slots |= v->condition_slots[child];
                        marks |= v->condition_marks[child];
                        depth = MAX(depth, conditions[child].depth + 1U);
                        nodes += v->condition_nodes[child];
                        CHECK(v, nodes <= PROGRAM_MAX_NODES, "size of a condition");
                }
                break;
        case _CONDITION_OP_MAX:
        default:
                CHECK(v, false, "operation of a condition");
        }

        CHECK(v, depth <= PROGRAM_MAX_DEPTH && condition->depth == depth, "depth of a condition");
        CHECK(v, *(const uint8_t *)&condition->run_free == run_free, "whether a condition looks at captures");
        CHECK(v, nodes <= PROGRAM_MAX_NODES, "size of a condition");
        v->condition_slots[i] = slots;
        v->condition_marks[i] = marks;
        v->condition_nodes[i] = nodes;
        return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/required.h"

void required_each(const struct compilation *c, uint32_t condition, required_callback callback, void *data) {
        const struct condition *of = &c->out.conditions.items[condition];
        const struct condition *child;

        switch ((enum condition_op)of->op) {
        case CONDITION_PREDICATE:
                callback(of->args.first, false, data);
                return;
        case CONDITION_NOT:
                child = &c->out.conditions.items[of->args.first];
                if (child->op == CONDITION_PREDICATE)
                        callback(child->args.first, true, data);
                return;
        case CONDITION_AND:
                /* No `and` stands directly in another: this goes one level deep. */
                for (uint32_t i = 0; i < of->args.n; i++)
                        required_each(c, c->out.children.items[of->args.first + i].value, callback, data);
                return;
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case CONDITION_GUARD:
        case CONDITION_OR:
        case _CONDITION_OP_MAX:
                return;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sigma policy - the text of the path that a rule becomes, with all that the rule says about itself. */

#include "import/sigma-private.h"

struct sigma_document {
        const struct yaml_node *root;
        struct {
                enum sigma_view view;
                struct sigma_expr *expr;        /* not NEVER */
        } steps[2];                     /* one of them takes the event */
        size_t n_steps;
};

/* Fills the rule's policy; its name is there. 0 or -ENOMEM. */
int sigma_policy_write(struct sigma_work *w, const struct sigma_document *document);

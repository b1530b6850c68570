/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of Sigma rules: a look-up in sigma-fields.def. */
#include <string.h>

#include "import/sigma-private.h"

static const struct sigma_field fields[] = {
#define SIGMA_FIELD(view, name, type, field, second) \
        {SIGMA_VIEW_##view, name, SIGMA_TYPE_##type, {field, second}},
#define SIGMA_NO_FIELD(name, why)
#include "import/sigma-fields.def"
};

static const struct {
        const char *name, *why;
} no_fields[] = {
#define SIGMA_FIELD(view, name, type, field, second)
#define SIGMA_NO_FIELD(name, why) {name, why},
#include "import/sigma-fields.def"
};

static bool is_in(enum sigma_view view, const struct sigma_field *field) {
        return field->view == SIGMA_VIEW_ALL || field->view == view;
}

const struct sigma_field *sigma_field_find(enum sigma_view view, const char *name, size_t n, const char **ret_why,
                                           const char **ret_closest) {
        const char *names[ELEMENTSOF(fields)];
        size_t n_names = 0;

        *ret_why = NULL;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (!is_in(view, &fields[i])) {
                        if (memeq_str(name, n, fields[i].name))
                                *ret_why = "events of this category have no such field";
                        continue;
                }
                if (memeq_str(name, n, fields[i].name)) {
                        *ret_why = NULL;
                        return &fields[i];
                }
                names[n_names++] = fields[i].name;
        }

        for (size_t i = 0; i < ELEMENTSOF(no_fields); i++)
                if (memeq_str(name, n, no_fields[i].name))
                        *ret_why = no_fields[i].why;
        if (ret_closest)
                *ret_closest = *ret_why ? NULL : diag_closest_n(name, n, names, n_names);
        return NULL;
}

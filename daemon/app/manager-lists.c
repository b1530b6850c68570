/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-lists.h"

#include <string.h>

#include "action/actions.h"
#include "action/runtime-list.h"
#include "app/manager-private.h"
#include "base/clock.h"
#include "base/log.h"

static const char lists_directory[] = ACTIONS_RUNTIME_DIRECTORY "/lists";

static struct value_lists *lists_of(struct manager *manager) {
        return engine_lists(pipeline_engine(manager->pipeline));
}

/* The next list from this predicate on that the program asks for; n_predicates: there is none. */
static uint32_t next_list(const struct program *program, uint32_t i) {
        while (i < program->n_predicates && program->predicates[i].op != PREDICATE_LISTED)
                i++;
        return i;
}

static bool asks_for(const struct program *program, const char *name) {
        for (uint32_t i = next_list(program, 0); i < program->n_predicates; i = next_list(program, i + 1)) {
                struct program_string text = program->predicates[i].string;

                if (memeq_str(program_text(program, text), text.length, name))
                        return true;
        }
        return false;
}

static void read_lists(struct manager *manager) {
        struct value_lists *lists = lists_of(manager);
        size_t n_bad = 0;
        int r;

        value_lists_clear(lists, NULL);
        r = runtime_lists_read(lists_directory, clock_boottime_ns(), lists, &n_bad);
        if (r < 0)
                log_warning_errno(r, "Cannot read runtime lists in '%s', they are empty: %m", lists_directory);
        if (n_bad > 0)
                log_warning("%zu runtime lists in '%s' are damaged and count as empty", n_bad, lists_directory);
}

void manager_lists_begin(struct manager *manager, const struct program *before) {
        const struct program *program = manager->settings.program;
        struct value_lists *lists = lists_of(manager);

        for (size_t i = 0; before && i < lists->n; i++) {
                const struct value_list *list = lists->items[i];

                if (list->entries.n > 0 && asks_for(before, list->name) && !asks_for(program, list->name))
                        log_warning("The runtime list '%s' has %zu values, and no policy asks for it any more",
                                    list->name, list->entries.n);
        }
        if (next_list(program, 0) < program->n_predicates)
                read_lists(manager);
        else
                value_lists_clear(lists, NULL);
}

void manager_lists_on_list(const char *list, const char *value, uint64_t until_ns, void *userdata) {
        struct manager *manager = userdata;
        struct value_lists *lists = lists_of(manager);
        int r;

        if (!list)
                manager_lists_begin(manager, NULL);
        else if (!asks_for(manager->settings.program, list))
                return;
        else if (until_ns == 0)
                (void)value_lists_remove(lists, list, value, strlen(value));
        else {
                r = value_lists_put(lists, list, value, strlen(value), until_ns);
                if (r < 0)
                        log_warning_errno(r, "A value of runtime list '%s' is not known to the policies: %m", list);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Facts - a stream as a plain list: for each record all that a matcher may ask about it, worked out once, so that a
 * matcher can read the list forwards and backwards and needs neither processes nor records.
 *
 * Slow and obvious on purpose. Shares with the daemon what lies below engine and compile (records, schema, process
 * table), and nothing else. Membership of keys is counted here anew, by going through all processes. */
#pragma once

#include "base/arena.h"
#include "event/event.h"
#include "policy/ast.h"
#include "story/world.h"

/* What a field of a subject holds: one value for the event and its actor, none or one for the parent, any number for
 * ancestors. */
struct fact_values {
        struct value *values;
        size_t n;
        bool open;                      /* there may be more that nobody knows */
};

struct fact {
        size_t number;                  /* of the record, from 1 */
        enum wire_kind kind;
        uint64_t clock_ns;              /* T with this record */
        bool failed;
        bool no_result;
        bool refused;                   /* -EPERM */
        uint64_t gap_kinds, gap_count, gap_until_ns;    /* of a gap */
        unsigned gap_reasons;
        const char **keys[_KEY_MAX]; /* whose story it is, by what the path asks for; of descents the innermost first */
        size_t n_keys[_KEY_MAX];
        const char *begins[_KEY_MAX];   /* the key in which a run begins with it; NULL: none does */
        const char **ended;             /* keys that have no member behind this record */
        size_t n_ended;
        struct fact_values *values;     /* by facts->fields */
        size_t n_creators;              /* of the actor, from the parent up, */
        bool creators_open;             /* and there may be more that nobody knows */
        struct value actor_exe;
};

struct fact_field {
        enum field field;
        enum program_subject subject;
};

struct facts {
        struct arena arena;
        struct fact *items;
        size_t n;
        const struct fact **gaps;       /* in their order */
        size_t n_gaps;
        struct fact_field *fields;      /* all that the paths ask for */
        size_t n_fields;
};

/* The facts of all records for these paths (each list is linked by `next`). -ENOMEM, or what event_parse() says. */
int facts_init(struct facts *facts, const struct world *world, const struct path_node *const *paths, size_t n_paths);
void facts_done(struct facts *facts);

const struct fact_values *facts_get(const struct facts *facts, const struct fact *fact, enum field field,
                                    enum program_subject subject);

/* The name of a key: "tree 100@5", "unit x.service". In `buffer`. */
#define FACT_KEY_MAX 512
const char *fact_key_of_identity(char buffer[static FACT_KEY_MAX], enum program_key type, const struct identity *id);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Enforcer, inside - the programs, loaded, and what was put into their maps: enforcer.c loads, attaches and reads,
 * enforcer-lists.c puts lists, enforcer-rules.c the last steps of policies. enforcer-keep.c hands it on to the next
 * process, and takes the one of the process before. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/enforcer.h"
#include "capture/ring.h"
#include "enforce.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "enforce.skel.h"
#pragma GCC diagnostic pop

#define ENFORCER_MAX_HOOKS 32          /* of this version and of others */
#define ENFORCER_MAX_PATHS 256          /* of policies, with an armed rule */

/* What there is beside the links to read what was refused. */
enum enforcer_part {
        ENFORCER_VERDICTS,              /* the ring */
        ENFORCER_VALUES,                /* the programs' own: counters */
        ENFORCER_PAPERS,                /* what the rules are called */
        _ENFORCER_PARTS,
};

struct enforcer {
        struct enforce *skeleton;       /* owned; NULL: the process before made it */
        struct ring ring;
        int links[ENFORCER_MAX_HOOKS];  /* -1: not attached */
        char *rules[ENFORCE_RULES];     /* owned strings; by number less 1 */
        size_t n_rules;
        unsigned missing;
        struct enforcer_path {
                uint32_t path, key;     /* enum enforce_key */
        } paths[ENFORCER_MAX_PATHS];    /* that can be armed */
        size_t n_paths;
        uint64_t n_unarmed;             /* for which there was no room */

        int parts[_ENFORCER_PARTS];     /* owned; -1: not there, or the skeleton's */
        struct enforcer_papers *papers; /* mapped */
        size_t papers_bytes;
        const struct enforce__bss *values;      /* mapped; of the process before */
        struct enforce_counters base;   /* what the process before has counted */
        uint64_t n_foreign;             /* verdicts that could not be read: */
        bool foreign;                   /* another version's */
        bool detached;
        bool names_groups;              /* one of them is by unit or container */
        uint64_t n_unnamed;             /* groups for which there was no room */
};

/* Nothing attached, nothing in it. NULL: no memory. */
struct enforcer *enforcer_alloc(void);

/* NULL: they cannot be read. */
static inline const struct enforce_counters *enforcer_counters(const struct enforcer *enforcer) {
        return enforcer->skeleton ? &enforcer->skeleton->bss->counters
             : enforcer->values   ? &enforcer->values->counters
                                  : NULL;
}

/* enforcer-keep.c: what the next process has to know of the rules; what has been counted was told up to now. */
int enforcer_write_papers(struct enforcer *enforcer);
void enforcer_note_seen(struct enforcer *enforcer);
void enforcer_done_kept(struct enforcer *enforcer);

static inline int enforcer_put(const struct bpf_map *map, const void *key, const void *value) {
        return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
}

/* Its number from now on is enforcer->n_rules. -E2BIG, -ENOMEM. */
int enforcer_name_rule(struct enforcer *enforcer, const char *name);

extern const char *const enforcer_list_names[ENFORCE_N_LISTS];
const struct capture_deny_list *enforcer_list_of(const struct capture_deny *deny, enum enforce_list list);

/* What the kernel calls the file; 0: it is not there, or no file. */
int enforcer_identify(struct enforcer *enforcer, const char *path, uint32_t list, struct enforce_object *ret);
int enforcer_put_lists(struct enforcer *enforcer, const struct capture_deny *deny);

/* ---- last steps of policies ---- */

/* Where a rule's call is decided; -EINVAL: nowhere. */
int enforcer_place_of(const struct enforcement_rule *rule);

/* Those rules that `takes` says are put into force: as checks, into the maps. -E2BIG. */
struct enforcer_checks {
        struct enforce_check *checks;   /* room for ENFORCE_CHECKS, zeroed */
        size_t n;
        struct enforce_span spans[ENFORCE_N_PLACES];
};
int enforcer_add_rule(struct enforcer_checks *checks, const struct enforcement_rule *rule, uint32_t number);
int enforcer_put_rules(struct enforcer *enforcer, const struct capture_enforcement *enforcement, const bool *takes);

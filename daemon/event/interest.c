/* SPDX-License-Identifier: Apache-2.0 */
#include "event/interest.h"

#include <errno.h>
#include <string.h>

enum field interest_flags(enum wire_kind kind) {
        switch ((int)kind) {
        case WIRE_KIND_openat: return FIELD_openat_flags;
        case WIRE_KIND_mmap: return FIELD_mmap_prot;
        case WIRE_KIND_mprotect: return FIELD_mprotect_prot;
        default: return FIELD_NONE;
        }
}

static bool interest_has_env(const struct interest *interest, const char *name) {
        for (uint32_t i = 0; i < interest->n_env; i++)
                if (strncmp(interest->env[i], name, INTEREST_MAX_ENV_NAME) == 0)
                        return true;
        return false;
}

static void filter_add(struct interest_filter *filter, const struct interest_filter *other) {
        filter->failures = filter->failures || other->failures;
        filter->successes = filter->successes || other->successes;
        filter->content = filter->content || other->content;
        /* A use that needs none of the bits is a use that any event may serve. */
        filter->flags_any = filter->flags_any && other->flags_any ? filter->flags_any | other->flags_any : 0;
}

int interest_add(struct interest *interest, const struct interest *other) {
        uint32_t n_new = 0;

        /* First see whether it fits: on failure nothing has changed. */
        for (uint32_t i = 0; i < other->n_env; i++)
                if (!interest_has_env(interest, other->env[i]))
                        n_new++;
        if (interest->n_env + n_new > INTEREST_MAX_ENV)
                return -E2BIG;

        for (uint32_t i = 0; i < other->n_env; i++)
                if (!interest_has_env(interest, other->env[i]))
                        memcpy(interest->env[interest->n_env++], other->env[i], INTEREST_MAX_ENV_NAME);

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                uint64_t bit = wire_kind_bit(kind);

                if (!(other->kinds & bit))
                        continue;
                if (interest->kinds & bit)
                        filter_add(&interest->filter[kind], &other->filter[kind]);
                else
                        interest->filter[kind] = other->filter[kind];
        }

        interest->kinds |= other->kinds;
        interest->namespaces = interest->namespaces || other->namespaces;
        if (other->content_bytes > interest->content_bytes)
                interest->content_bytes = other->content_bytes;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script set - the scripts of some places: which files there are, which of them stand, and who has which function.
 *
 * Files are found, masked, switched off and trusted by the same rules as policies (policy/policy-set.h), with names
 * that end in ".lua". All or nothing: one that is wrong, or a function that two scripts have, and there is no set. */

#include <stdbool.h>
#include <stddef.h>

#include "script/script.h"

#define SCRIPT_SET_MAX_FILES 256

struct script_set;

struct script_set_options {
        struct script_limits limits;    /* of each, but data_bytes, which is for all together */
        bool trust_any_owner;
        bool skip_missing;              /* a place that does not exist is no error */
};

/* -EBADMSG and others: `messages` says all that is wrong. It may say something (warnings) of a set that stands, too. */
int script_set_load(const char *const *places, size_t n_places, const struct script_set_options *options,
                    struct strbuf *messages, struct script_set **ret);
struct script_set *script_set_free(struct script_set *set);

DEFINE_CLEANUP(struct script_set *, script_set_free)

size_t script_set_count(const struct script_set *set);
struct script *script_set_at(const struct script_set *set, size_t i);

/* Who has the function of this name? NULL: nobody. */
struct script *script_set_find(const struct script_set *set, const char *function, enum script_kind *ret_kind);

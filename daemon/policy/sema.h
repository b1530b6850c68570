/* SPDX-License-Identifier: Apache-2.0 */
/* Sema - what the names in a tree mean, and whether what it says can be: the last step of the front end.
 *
 * Looks up kinds, fields, constants and lists, gives captures their slots and steps their numbers, puts defaults, and
 * reports what is wrong (unknown names, types, constants that no value can equal, steps that nothing reaches, two paths
 * of one name) or suspicious. What was broken for the parser is checked as far as it goes, without a second message for
 * the same fault. Pure. */
#pragma once

#include "base/diag.h"
#include "policy/policy-set.h"

#define SEMA_DEFAULT_WITHIN_NS (UINT64_C(600) * 1000 * 1000 * 1000)
#define SEMA_DEFAULT_SUPPRESS_NS (UINT64_C(60) * 1000 * 1000 * 1000)
#define SEMA_MAX_NAME 128 /* bytes in the name of a path, list or capture */
#define SEMA_MAX_LISTS_DEEP 64U         /* lists in lists */
#define SEMA_MAX_MACROS_DEEP 8U         /* macros in macros */
#define SEMA_MAX_ALTERNATIVES 1024U     /* that are added to one macro */
#define SEMA_MAX_COPIES (1U << 16)      /* comparisons and operators that macros and drop-ins become, in all */
#define SEMA_MAX_LIST_ITEMS (1U << 20) /* of all lists together, each spelled out */

/* Check set->files, fill set->paths. 0 if nothing is wrong; -EBADMSG: read the diags; -ENOMEM. */
int sema_check(struct policy_set *set, const struct policy_options *options, struct diag_set *diags);

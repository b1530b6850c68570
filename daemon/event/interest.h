/* SPDX-License-Identifier: Apache-2.0 */
/* Interest - what a loaded policy set needs to know, and so what capture attaches and records.
 *
 * The compiler fills it, capture reads it, neither knows the other. Plain data. Kinds of class CORE are always
 * attached. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/schema.h"

#define INTEREST_MAX_ENV 32
#define INTEREST_MAX_ENV_NAME 64

/* One fact that must hold for any policy to use an event of the kind. All that hold for every use are listed; a record
 * that breaks one cannot matter. Only what the kernel can decide from numbers at hand. */
struct interest_filter {
        bool failures;                  /* some policy looks at failed calls */
        bool successes;
        bool content;                   /* some policy looks at the bytes that went over (fields on request) */
        uint64_t flags_any;             /* every use needs one of these bits of interest_flags(); 0: no such need */
};

/* Kinds that tell where a process lives, beside those that are always told. */
#define INTEREST_NAMESPACE_KINDS (wire_kind_bit(WIRE_KIND_unshare) | wire_kind_bit(WIRE_KIND_setns))

struct interest {
        uint64_t kinds;                 /* bit per enum wire_kind that some policy uses */
        struct interest_filter filter[_WIRE_KIND_MAX];
        bool namespaces;                /* those of processes are looked at: who leaves one has to be told */
        uint32_t content_bytes;         /* of the kinds with content: how many at most, up to WIRE_MAX_CONTENT */
        uint32_t n_env;
        char env[INTEREST_MAX_ENV][INTEREST_MAX_ENV_NAME];      /* names of environment variables, ended by NUL */
};

/* The field of this kind that flags_any is about: its flags, or what is to be done with memory. FIELD_NONE: none. */
enum field interest_flags(enum wire_kind kind);

/* Widen `interest` by `other`. Returns -E2BIG if there is no room for all names of variables. */
int interest_add(struct interest *interest, const struct interest *other);

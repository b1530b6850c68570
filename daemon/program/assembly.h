/* SPDX-License-Identifier: Apache-2.0 */
/* Assembly - a program under construction: its sections as arrays that grow, and the way from there to one block.
 *
 * It lays out and shares strings, and checks nothing: what the block says is the business of whoever fills it, and of
 * program_new(), which verifies. Remembers its first error, so a caller adds what it has to add and looks once, at the
 * end. Pure. */
#pragma once

#include "base/arena.h"
#include "base/array.h"
#include "base/hashmap.h"
#include "program/program.h"

struct assembly {
#define S(type, name) struct assembly_##name ARRAY_BODY(struct type) name;
        PROGRAM_SECTIONS(S)
#undef S
        struct assembly_bytes ARRAY_BODY(char) bytes;
        struct assembly_predicate_starts
                ARRAY_BODY(struct program_range) predicate_starts; /* one per predicate; fewer: the rest is empty */
        struct program_range kind_starts[_WIRE_KIND_MAX];
        struct interest interest;

        struct arena arena;             /* of the keys of `shared` */
        struct hashmap shared;          /* strings that are there: each is stored once */
        int error;                      /* -ENOMEM, -E2BIG, or 0 */
};

void assembly_init(struct assembly *assembly);
void assembly_done(struct assembly *assembly);

/* The string with these bytes; equal ones are stored once. */
struct program_string assembly_string(struct assembly *assembly, const char *bytes, size_t length);

/* Bytes that are not text (a matcher's table), aligned to 8. */
struct program_string assembly_blob(struct assembly *assembly, const void *data, size_t size);

/* Append one record to a section and say where it is: ASSEMBLY_ADD(assembly, edges, ((struct edge){ ... })). */
#define ASSEMBLY_ADD(to, section, ...)                                                                                 \
        __extension__({                                                                                                \
                struct assembly *_add_to = (to);                                                                       \
                uint32_t _add_at = (uint32_t)_add_to->section.n;                                                       \
                assembly_note(_add_to, array_push(&_add_to->section, (__VA_ARGS__)));                                  \
                _add_at;                                                                                               \
        })

static inline void assembly_note(struct assembly *assembly, int r) {
        if (r < 0 && assembly->error == 0)
                assembly->error = r;
}

/* Bytes that the block would have now. */
size_t assembly_size(const struct assembly *assembly);

/* The block, for the caller to free: 0. Else the first error. -E2BIG: larger than PROGRAM_MAX_BYTES. */
int assembly_finish(const struct assembly *assembly, void **ret, size_t *ret_size);

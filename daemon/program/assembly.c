/* SPDX-License-Identifier: Apache-2.0 */
#include "program/assembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void assembly_init(struct assembly *assembly) {
        *assembly = (struct assembly){};
        hashmap_init(&assembly->shared);
}

void assembly_done(struct assembly *assembly) {
#define S(type, name) array_done(&assembly->name);
        PROGRAM_SECTIONS(S)
#undef S
        array_done(&assembly->bytes);
        array_done(&assembly->predicate_starts);
        hashmap_done(&assembly->shared);
        arena_done(&assembly->arena);
}

static int bytes_append(struct assembly *assembly, const void *data, size_t size, size_t align,
                        struct program_string *ret) {
        size_t at = ALIGN_UP(assembly->bytes.n, align), end;
        int r;

        if (__builtin_add_overflow(at, size, &end) || end >= PROGRAM_MAX_BYTES)
                return -E2BIG;

        r = array_reserve(&assembly->bytes, end + 1);
        if (r < 0)
                return r;

        memset(assembly->bytes.items + assembly->bytes.n, 0, at - assembly->bytes.n);
        if (size > 0)
                memcpy(assembly->bytes.items + at, data, size);
        assembly->bytes.items[end] = 0;
        assembly->bytes.n = end + 1;
        *ret = (struct program_string){.offset = at, .length = size};
        return 0;
}

/* The key lies in the map's value, so that one allocation serves both. */
struct shared_string {
        struct program_string string;
        char bytes[];
};

struct program_string assembly_string(struct assembly *assembly, const char *bytes, size_t length) {
        struct program_string string = {};
        struct shared_string *shared;
        int r;

        if (length > 0) {
                shared = hashmap_find(&assembly->shared, bytes, length);
                if (shared)
                        return shared->string;
        } else if (assembly->bytes.n > 0)
                /* The NUL behind whatever came last is the empty string. */
                return (struct program_string){.offset = assembly->bytes.n - 1};

        r = bytes_append(assembly, bytes, length, 1, &string);
        if (r < 0 || length == 0) {
                assembly_note(assembly, r);
                return string;
        }

        shared = arena_alloc(&assembly->arena, sizeof(*shared) + length);
        if (!shared) {
                assembly_note(assembly, -ENOMEM);
                return string;
        }
        shared->string = string;
        memcpy(shared->bytes, bytes, length);
        assembly_note(assembly, hashmap_put(&assembly->shared, shared->bytes, length, shared));
        return string;
}

struct program_string assembly_blob(struct assembly *assembly, const void *data, size_t size) {
        struct program_string string = {};

        assembly_note(assembly, bytes_append(assembly, data, size, 8, &string));
        return string;
}

/* Where a section of n records stands in the block; `at` moves behind it. */
static struct program_range section_place(size_t *at, size_t n, size_t record_size) {
        struct program_range range = {.first = (uint32_t)*at, .n = (uint32_t)n};

        *at += ALIGN_UP(n * record_size, (size_t)8);
        return range;
}

size_t assembly_size(const struct assembly *assembly) {
        size_t size = sizeof(struct program_header) + assembly->bytes.n +
                      assembly->predicates.n * sizeof(struct program_range);

#define S(type, name) size += ALIGN_UP(assembly->name.n * sizeof(struct type), (size_t)8);
        PROGRAM_SECTIONS(S)
#undef S
        return size;
}

int assembly_finish(const struct assembly *assembly, void **ret, size_t *ret_size) {
        struct program_header header = {
                .magic = PROGRAM_MAGIC,
                .version = PROGRAM_VERSION,
                .fingerprint = program_schema_fingerprint(),
        };
        size_t at = sizeof(header), n_filed = assembly->predicate_starts.n;
        char *block;

        if (assembly->error < 0)
                return assembly->error;
        if (n_filed > assembly->predicates.n)
                return -EINVAL;

        /* No section holds more records than there are bytes; so the sum cannot wrap. */
#define S(type, name)                                                                                                  \
        if (assembly->name.n > PROGRAM_MAX_BYTES / sizeof(struct type))                                                \
                return -E2BIG;                                                                                         \
        header.name = section_place(&at, assembly->name.n, sizeof(struct type));
        PROGRAM_SECTIONS(S)
#undef S
        header.predicate_starts = section_place(&at, assembly->predicates.n, sizeof(struct program_range));
        header.bytes = section_place(&at, assembly->bytes.n, 1);
        if (at > PROGRAM_MAX_BYTES)
                return -E2BIG;

        header.size = at;
        /* Byte by byte, so that what pads a record does not depend on how a structure was assigned. */
        header.interest.kinds = assembly->interest.kinds;
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct interest_filter *from = &assembly->interest.filter[kind];
                struct interest_filter *to = &header.interest.filter[kind];

                to->failures = from->failures;
                to->successes = from->successes;
                to->content = from->content;
                to->flags_any = from->flags_any;
        }
        header.interest.namespaces = assembly->interest.namespaces;
        header.interest.content_bytes = assembly->interest.content_bytes;
        header.interest.n_env = assembly->interest.n_env;
        memcpy(header.interest.env, assembly->interest.env, sizeof(header.interest.env));
        memcpy(header.kind_starts, assembly->kind_starts, sizeof(header.kind_starts));

        block = calloc(1, at);
        if (!block)
                return -ENOMEM;

        memcpy(block, &header, sizeof(header));
#define S(type, name)                                                                                                  \
        if (assembly->name.n > 0)                                                                                      \
                memcpy(block + header.name.first, assembly->name.items, assembly->name.n * sizeof(struct type));
        PROGRAM_SECTIONS(S)
#undef S
        if (n_filed > 0)
                memcpy(block + header.predicate_starts.first, assembly->predicate_starts.items,
                       n_filed * sizeof(struct program_range));
        if (assembly->bytes.n > 0)
                memcpy(block + header.bytes.first, assembly->bytes.items, assembly->bytes.n);

        *ret = block;
        *ret_size = at;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/compilation.h"

#include <string.h>

/* A set of policies of the largest size that the program's limits allow stays far below. */
#define ARENA_LIMIT ((size_t)512 << 20)

void compilation_init(struct compilation *c, const struct compile_options *options, struct diag_set *diags) {
        *c = (struct compilation){.without = options ? options->without : 0,
                                  .max_bytes =
                                          options && options->max_bytes > 0 ? options->max_bytes : PROGRAM_MAX_BYTES,
                                  .diags = diags};
        assembly_init(&c->out);
        arena_init(&c->arena, ARENA_LIMIT);
        hashmap_init(&c->known_predicates);
        hashmap_init(&c->known_conditions);
        hashmap_init(&c->known_guards);
        hashmap_init(&c->known_regexes);
        hashmap_init(&c->known_exprs);
}

void compilation_done(struct compilation *c) {
        hashmap_done(&c->known_exprs);
        hashmap_done(&c->known_regexes);
        hashmap_done(&c->known_guards);
        hashmap_done(&c->known_conditions);
        hashmap_done(&c->known_predicates);
        array_done(&c->conditions);
        array_done(&c->predicates);
        arena_done(&c->arena);
        assembly_done(&c->out);
}

struct shared_number *compilation_share(struct compilation *c, struct hashmap *map, const void *key, size_t size) {
        bool shares = compilation_does(c, COMPILE_PASS_SHARE);
        struct shared_number *number;

        if (map != &c->known_exprs)
                compilation_count(c, COMPILE_PASS_SHARE, 1, 0);
        if (shares) {
                number = hashmap_find(map, key, size);
                if (number)
                        return number;
        }

        number = arena_alloc(&c->arena, sizeof(*number) + size);
        if (!number)
                return NULL;
        number->number = PROGRAM_NONE;
        memcpy(number->key, key, size);
        if (shares && hashmap_put(map, number->key, size, number) < 0)
                return NULL;
        if (map != &c->known_exprs)
                compilation_count(c, COMPILE_PASS_SHARE, 0, 1);
        return number;
}

/* Fixed, for a path that was not changed has to have the same hash in the next process, too. Nothing is gained by
 * colliding: whoever writes policies is trusted. */
void hash_begin(struct siphash *s) {
        static const struct siphash_key key = {.k0 = UINT64_C(0x7061746868617368), .k1 = UINT64_C(0x636f6d70696c65)};

        siphash_begin128(s, &key);
}

void hash_add_text(struct siphash *s, const char *bytes, size_t length) {
        siphash_add_u64(s, length);
        siphash_add(s, bytes, length);
}

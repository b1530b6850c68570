/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

int scopes_init(struct scopes *scopes, size_t max) {
        int r;

        *scopes = (struct scopes){
                .secret = *siphash_process_key(),
                .n_heads = round_up_pow2(max * 2),
                .max = max,
        };

        r = stock_init(&scopes->stock, sizeof(struct scope), max);
        if (r < 0)
                return r;
        r = interner_new(max, MAX(max * 96, (size_t)4096), &scopes->names);
        if (r < 0) {
                scopes_done(scopes);
                return r;
        }
        scopes->heads = calloc(scopes->n_heads, sizeof(*scopes->heads));
        if (!scopes->heads) {
                scopes_done(scopes);
                return -ENOMEM;
        }
        return 0;
}

void scopes_done(struct scopes *scopes) {
        free(scopes->heads);
        interner_free(scopes->names);
        stock_done(&scopes->stock);
        *scopes = (struct scopes){};
}

/* Under a secret, for pids, times and names can be chosen; only to spread, for keys are compared in full. */
static uint32_t scopes_hash(const struct scopes *scopes, const struct key *key) {
        unsigned __int128 product;
        uint64_t a = key->id.start_ns ^ scopes->secret.k0,
                 b = ((uint64_t)key->id.pid << 8 | key->type) ^ scopes->secret.k1;

        if (key->name)
                a ^= siphash_table(key->name, key->n_name, &scopes->secret);
        product = (unsigned __int128)a * (b | 1);
        return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

static bool scope_has_key(const struct scope *scope, const struct key *key) {
        if (scope->type != key->type || !identity_equal(&scope->id, &key->id) || !scope->name != !key->name)
                return false;
        return !key->name ||
               (intern_length(scope->name) == key->n_name && memcmp(scope->name, key->name, key->n_name) == 0);
}

uint32_t scopes_find(const struct scopes *scopes, const struct key *key) {
        uint32_t hash = scopes_hash(scopes, key);

        for (uint32_t s = scopes->heads[hash & (scopes->n_heads - 1)]; s != 0;) {
                const struct scope *scope = scope_at(scopes, s - 1);

                if (scope->hash == hash && scope_has_key(scope, key))
                        return s - 1;
                s = scope->next;
        }
        return SCOPE_NONE;
}

uint32_t scopes_get(struct scopes *scopes, const struct key *key) {
        uint32_t hash = scopes_hash(scopes, key), number = scopes_find(scopes, key), *head;
        const char *name = NULL;

        if (number != SCOPE_NONE)
                return number;
        if (key->name && intern_get(scopes->names, key->name, key->n_name, &name) < 0)
                return SCOPE_NONE;

        number = stock_take(&scopes->stock);
        if (number == STOCK_NONE) {
                intern_unref(scopes->names, name);
                return SCOPE_NONE;
        }

        head = &scopes->heads[hash & (scopes->n_heads - 1)];
        *scope_at(scopes, number) = (struct scope){
                .next = *head,
                .hash = hash,
                .id = key->id,
                .name = name,
                .groups = SCOPE_NONE,
                .type = key->type,
        };
        *head = number + 1;
        return number;
}

void scopes_remove(struct scopes *scopes, uint32_t number) {
        struct scope *scope = scope_at(scopes, number);
        uint32_t *link = &scopes->heads[scope->hash & (scopes->n_heads - 1)];

        while (*link != number + 1)
                link = &scope_at(scopes, *link - 1)->next;
        *link = scope->next;

        intern_unref(scopes->names, scope->name);
        stock_give(&scopes->stock, number);
}

struct key scope_key(const struct scope *scope) {
        return (struct key){
                .type = (enum program_key)scope->type,
                .id = scope->id,
                .name = scope->name,
                .n_name = scope->name ? intern_length(scope->name) : 0,
        };
}

void key_format(const struct key *key, char *buffer, size_t size) {
        const char *type = program_key_to_string(key->type);

        if (key->type == KEY_HOST)
                snprintf(buffer, size, "%s", type);
        else if (key->name)
                snprintf(buffer, size, "%s %.*s", type, (int)key->n_name, key->name);
        else
                snprintf(buffer, size, "%s %u", type, key->id.pid);
}

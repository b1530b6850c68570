/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/suppress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

int suppress_init(struct suppress *suppress, size_t max) {
        int r;

        *suppress = (struct suppress){
                .n_heads = round_up_pow2(max * 2),
                .secret = *siphash_process_key(),
        };

        r = stock_init(&suppress->stock, sizeof(struct suppressed), max);
        if (r >= 0)
                r = ranking_init(&suppress->deadlines, max);
        if (r >= 0) {
                suppress->heads = calloc(suppress->n_heads, sizeof(*suppress->heads));
                if (!suppress->heads)
                        r = -ENOMEM;
        }
        if (r < 0)
                suppress_done(suppress);
        return r;
}

void suppress_done(struct suppress *suppress) {
        free(suppress->heads);
        ranking_done(&suppress->deadlines);
        stock_done(&suppress->stock);
        *suppress = (struct suppress){};
}

struct siphash128 suppress_id(const struct suppress *suppress, const struct path *path, const struct key *key,
                              const struct token *captures, const struct value *exe) {
        struct siphash s;

        siphash_begin128(&s, &suppress->secret);
        siphash_add(&s, path->hash, sizeof(path->hash));
        siphash_add_u64(&s, key->type);
        siphash_add_u64(&s, key->id.start_ns);
        siphash_add_u64(&s, key->id.pid);
        siphash_add_u64(&s, key->n_name);
        if (key->name)
                siphash_add(&s, key->name, key->n_name);
        siphash_add_u64(&s, captures->low);
        siphash_add_u64(&s, captures->high);
        siphash_add_u64(&s, exe->state);
        if (exe->state != VALUE_UNKNOWN)
                siphash_add(&s, exe->bytes, exe->length);
        return siphash_end128(&s);
}

static uint32_t *suppress_head(const struct suppress *suppress, const struct siphash128 *id) {
        return &suppress->heads[id->low & (suppress->n_heads - 1)];
}

uint32_t suppress_find(const struct suppress *suppress, const struct siphash128 *id) {
        for (uint32_t s = *suppress_head(suppress, id); s != 0; s = suppress_at(suppress, s - 1)->next)
                if (suppress_at(suppress, s - 1)->id.low == id->low &&
                    suppress_at(suppress, s - 1)->id.high == id->high)
                        return s - 1;
        return SUPPRESS_NONE;
}

/* Strings in the order of their slots as far as there is room; the one that meets the end is cut. */
static void suppressed_copy_captures(struct suppressed *story, const struct match *match) {
        size_t used = 0;

        for (unsigned i = 0; i < PROGRAM_MAX_SLOTS; i++) {
                struct value *value = &story->captures[i];
                uint32_t length = match->captures[i].length;

                *value = match->captures[i];
                if (value->state == VALUE_UNKNOWN || (value->type != VALUE_STRING && value->type != VALUE_LIST))
                        continue;

                if (length > sizeof(story->bytes) - used) {
                        length = sizeof(story->bytes) - used;
                        value->state = VALUE_CUT;
                }
                memcpy(story->bytes + used, value->bytes, length);
                if (value->type == VALUE_LIST && length > 0)    /* a list ends in NUL, also a cut one */
                        story->bytes[used + length - 1] = '\0';
                value->bytes = story->bytes + used;
                value->length = length;
                used += length;
        }
}

void suppress_put_back(struct suppress *suppress, uint32_t number) {
        struct suppressed *story = suppress_at(suppress, number);
        uint32_t *head = suppress_head(suppress, &story->id);

        story->next = *head;
        *head = number + 1;
        ranking_set(&suppress->deadlines, number, story->deadline_ns, story->number);
}

void suppress_add(struct suppress *suppress, const struct siphash128 *id, uint32_t path, const struct match *match,
                  uint64_t now_ns) {
        uint32_t number = stock_take(&suppress->stock);
        uint64_t window_ns = match->path->suppress_ns;
        struct suppressed *story;

        assert(number != STOCK_NONE);
        story = suppress_at(suppress, number);
        story->path = path;
        story->id = *id;
        story->number = match->number;
        story->first_ns = now_ns;
        story->deadline_ns = now_ns > UINT64_MAX - window_ns ? UINT64_MAX : now_ns + window_ns;
        story->count = 0;
        story->key_type = match->key_type;
        story->key_id = match->key_identity;
        story->actor = match->actor_id;
        strncpy(story->key, match->key, sizeof(story->key) - 1);
        story->key[sizeof(story->key) - 1] = '\0';
        suppressed_copy_captures(story, match);

        suppress_put_back(suppress, number);
}

void suppress_remove(struct suppress *suppress, uint32_t number) {
        uint32_t *link = suppress_head(suppress, &suppress_at(suppress, number)->id);

        while (*link != number + 1)
                link = &suppress_at(suppress, *link - 1)->next;
        *link = suppress_at(suppress, number)->next;

        ranking_remove(&suppress->deadlines, number);
        stock_give(&suppress->stock, number);
}

void suppress_summary(const struct suppress *suppress, uint32_t number, const struct plan *plan, struct match *ret) {
        const struct suppressed *story = suppress_at(suppress, number);

        *ret = (struct match){
                .program = plan->program,
                .path = &plan->program->paths[story->path],
                .time_ns = story->deadline_ns,
                .key = story->key,
                .key_type = story->key_type,
                .key_identity = story->key_id,
                .actor_id = story->actor,
                .summary = true,
                .suppressed = story->count,
                .first_ns = story->first_ns,
        };
        memcpy(ret->captures, story->captures, sizeof(ret->captures));
        memcpy(ret->capture_fields, plan->paths[story->path].slot_fields, sizeof(ret->capture_fields));
}

void suppress_renumber(struct suppress *suppress, const uint32_t *paths) {
        for (uint32_t i = 0; i < suppress->deadlines.n; i++) {
                struct suppressed *story = suppress_at(suppress, suppress->deadlines.entries[i].id);

                story->path = paths[story->path];
        }
}

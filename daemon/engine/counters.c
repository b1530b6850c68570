/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/counters.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

int counters_init(struct counters *counters, size_t max, size_t n_counters) {
        int r;

        *counters = (struct counters){
                .max = max,
                .n_heads = round_up_pow2(max),
                .secret = siphash_process_key()->k0 | 1,
        };

        r = stock_init(&counters->stock, sizeof(struct counter), n_counters);
        if (r >= 0)
                r = stock_init(&counters->times, sizeof(struct counted), max + n_counters);
        if (r >= 0) {
                counters->heads = calloc(counters->n_heads, sizeof(*counters->heads));
                if (!counters->heads)
                        r = -ENOMEM;
        }
        if (r < 0)
                counters_done(counters);
        return r;
}

void counters_done(struct counters *counters) {
        free(counters->heads);
        stock_done(&counters->times);
        stock_done(&counters->stock);
        *counters = (struct counters){};
}

int counters_grow(struct counters *counters, size_t n_counters) {
        int r;

        r = stock_grow(&counters->stock, n_counters);
        if (r < 0)
                return r;
        return stock_grow(&counters->times, counters->max + n_counters);
}

static struct counted *counted_at(const struct counters *counters, uint32_t time) {
        return (struct counted *)counters->times.items + time;
}

/* Only to spread: values of strings are secret hashes already, the others are not. */
static uint32_t *counters_head(const struct counters *counters, uint32_t counter, const struct token *value) {
        unsigned __int128 product = (unsigned __int128)(value->low ^ counters->secret) * ((value->high ^ counter) | 1);
        uint64_t mixed = ((uint64_t)product ^ (uint64_t)(product >> 64) ^ counter) * counters->secret;

        return &counters->heads[mixed >> 32 & (counters->n_heads - 1)];
}

uint32_t counters_take(struct counters *counters, uint64_t came) {
        uint32_t counter = stock_take(&counters->stock);

        assert(counter != STOCK_NONE);
        *counters_at(counters, counter) = (struct counter){
                .came = came,
                .oldest = STOCK_NONE,
                .newest = STOCK_NONE,
        };
        return counter;
}

static void counters_drop(struct counters *counters, uint32_t number, uint32_t time) {
        struct counter *counter = counters_at(counters, number);
        struct counted *counted = counted_at(counters, time);

        if (counted->has_value) {
                uint32_t *link = counters_head(counters, number, &counted->value);

                while (*link != time + 1)
                        link = &counted_at(counters, *link - 1)->same_hash;
                *link = counted->same_hash;
        }

        if (counted->previous != STOCK_NONE)
                counted_at(counters, counted->previous)->next = counted->next;
        else
                counter->oldest = counted->next;
        if (counted->next != STOCK_NONE)
                counted_at(counters, counted->next)->previous = counted->previous;
        else
                counter->newest = counted->previous;
        counter->n--;
        stock_give(&counters->times, time);
}

void counters_give(struct counters *counters, uint32_t counter) {
        if (counter == COUNTERS_NONE)
                return;

        while (counters_at(counters, counter)->n > 0)
                counters_drop(counters, counter, counters_at(counters, counter)->oldest);
        stock_give(&counters->stock, counter);
}

void counters_forget(struct counters *counters, uint32_t number, uint64_t since_ns) {
        const struct counter *counter = counters_at(counters, number);

        while (counter->n > 0 && counters_time(counters, counter->oldest)->time_ns < since_ns)
                counters_drop(counters, number, counter->oldest);
}

/* The time of this value; STOCK_NONE if there is none. */
static uint32_t counters_find(const struct counters *counters, uint32_t number, const struct token *value) {
        for (uint32_t t = *counters_head(counters, number, value); t != 0; t = counted_at(counters, t - 1)->same_hash)
                if (counted_at(counters, t - 1)->counter == number &&
                    token_equal(&counted_at(counters, t - 1)->value, value))
                        return t - 1;
        return STOCK_NONE;
}

void counters_add(struct counters *counters, uint32_t number, uint64_t time_ns, const struct token *value) {
        struct counter *counter = counters_at(counters, number);
        uint32_t time = value ? counters_find(counters, number, value) : STOCK_NONE;
        struct counted *counted;

        if (time != STOCK_NONE)
                counters_drop(counters, number, time);

        time = stock_take(&counters->times);
        assert(time != STOCK_NONE);     /* a run adds one at most, then bounds are enforced */
        counted = counted_at(counters, time);
        *counted = (struct counted){
                .next = STOCK_NONE,
                .previous = counter->newest,
                .counter = number,
                .has_value = value != NULL,
                .time_ns = time_ns,
        };
        if (counter->n++ == 0)
                counter->oldest = time;
        else
                counted_at(counters, counter->newest)->next = time;
        counter->newest = time;

        if (value) {
                uint32_t *head = counters_head(counters, number, value);

                counted->value = *value;
                counted->same_hash = *head;
                *head = time + 1;
        }
}

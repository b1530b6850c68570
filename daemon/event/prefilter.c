/* SPDX-License-Identifier: Apache-2.0 */
#include "event/prefilter.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

struct prefilter *prefilter_free(struct prefilter *prefilter) {
        if (!prefilter)
                return NULL;
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                free(prefilter->kinds[kind].arms);
        array_done(&prefilter->texts);
        array_done(&prefilter->networks);
        array_done(&prefilter->numbers);
        array_done(&prefilter->bytes);
        free(prefilter);
        return NULL;
}

static int compare_texts(const void *a, const void *b, void *bytes) {
        const struct prefilter_text *x = a, *y = b;
        int order;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        if (x->dimension != y->dimension)
                return x->dimension < y->dimension ? -1 : 1;
        if (x->place != y->place)
                return x->place < y->place ? -1 : 1;
        order = memcmp((char *)bytes + x->offset, (char *)bytes + y->offset, MIN(x->length, y->length));
        return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int compare_networks(const void *a, const void *b, void *unused) {
        const struct prefilter_network *x = a, *y = b;

        (void)unused;
        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        if (x->prefix != y->prefix)
                return x->prefix < y->prefix ? -1 : 1;
        return memcmp(&x->address, &y->address, sizeof(x->address));
}

static int compare_numbers(const void *a, const void *b, void *unused) {
        const struct prefilter_number *x = a, *y = b;

        (void)unused;
        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        if (x->dimension != y->dimension)
                return x->dimension < y->dimension ? -1 : 1;
        return (x->number > y->number) - (x->number < y->number);
}

#define MERGE(list, compare, data)                                                                                     \
        do {                                                                                                           \
                size_t _n = 0;                                                                                         \
                                                                                                                       \
                if ((list)->n > 0)                                                                                     \
                        qsort_r((list)->items, (list)->n, sizeof((list)->items[0]), compare, data);                    \
                for (size_t _i = 0; _i < (list)->n; _i++)                                                              \
                        if (_n > 0 && compare(&(list)->items[_n - 1], &(list)->items[_i], data) == 0)                  \
                                (list)->items[_n - 1].uses |= (list)->items[_i].uses;                                  \
                        else                                                                                           \
                                (list)->items[_n++] = (list)->items[_i];                                               \
                (list)->n = _n;                                                                                        \
        } while (0)

void prefilter_merge(struct prefilter *prefilter) {
        MERGE(&prefilter->texts, compare_texts, prefilter->bytes.items);
        MERGE(&prefilter->networks, compare_networks, NULL);
        MERGE(&prefilter->numbers, compare_numbers, NULL);
}

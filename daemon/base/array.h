/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Array - a typed array that grows.
 *
 *      ARRAY(struct span) spans = {};                  a field or a local; zeroed is empty
 *      struct span_list ARRAY_BODY(struct span);       a type with a name, to be passed around
 *
 *      r = array_push(&list, span);                    0 or -ENOMEM; on failure nothing has changed
 *      struct span *s = array_add(&list);              a new zeroed item, or NULL
 *      ARRAY_FOREACH(item, &list) ...
 *      array_done(&list);
 *
 * Items move when the array grows: keep an index, not a pointer. Every size is checked for overflow. What comes from
 * outside is bounded by the caller: see array_push_bounded(). */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

#define ARRAY_BODY(type)                                                                                               \
        {                                                                                                              \
                type *items;                                                                                           \
                size_t n, capacity;                                                                                    \
        }
#define ARRAY(type) struct ARRAY_BODY(type)

/* Make room for n items in all. 0 or -ENOMEM. */
static inline int array_reserve_raw(void **items, size_t *capacity, size_t size, size_t n) {
        size_t new_capacity, bytes;
        void *p;

        if (n <= *capacity)
                return 0;
        if (n > SIZE_MAX / 4)
                return -ENOMEM;

        new_capacity = MAX(n, *capacity < 8 ? (size_t)8 : *capacity + *capacity / 2);
        if (__builtin_mul_overflow(new_capacity, size, &bytes))
                return -ENOMEM;

        p = realloc(*items, bytes);
        if (!p)
                return -ENOMEM;

        *items = p;
        *capacity = new_capacity;
        return 0;
}

#define array_reserve(array, count) \
        __extension__({ \
                __typeof__(array) _reserve_a = (array); \
                array_reserve_raw((void **)&_reserve_a->items, &_reserve_a->capacity, sizeof(_reserve_a->items[0]), \
                                  (count)); \
        })

/* Append a copy of the value. 0 or -ENOMEM. */
#define array_push(array, value)                                                                                       \
        __extension__({                                                                                                \
                __typeof__(array) _push_a = (array);                                                                   \
                int _push_r = array_reserve(_push_a, _push_a->n + 1);                                                  \
                if (_push_r >= 0)                                                                                      \
                        _push_a->items[_push_a->n++] = (value);                                                        \
                _push_r;                                                                                               \
        })

/* The same, but -ENOSPC when there are already `max` items. */
#define array_push_bounded(array, value, max)                                                                          \
        __extension__({                                                                                                \
                __typeof__(array) _bounded_a = (array);                                                                \
                _bounded_a->n >= (max) ? -ENOSPC : array_push(_bounded_a, (value));                                    \
        })

/* Append a zeroed item and point to it; NULL if there is no memory. */
#define array_add(array)                                                                                               \
        __extension__({                                                                                                \
                __typeof__(array) _add_a = (array);                                                                    \
                __typeof__(_add_a->items) _add_item = NULL;                                                            \
                if (array_reserve(_add_a, _add_a->n + 1) >= 0) {                                                       \
                        _add_item = &_add_a->items[_add_a->n++];                                                       \
                        memset(_add_item, 0, sizeof(*_add_item));                                                      \
                }                                                                                                      \
                _add_item;                                                                                             \
        })

/* The last item; the array must not be empty. */
#define array_last(array)                                                                                              \
        __extension__({                                                                                                \
                __typeof__(array) _last_a = (array);                                                                   \
                assert(_last_a->n > 0);                                                                                \
                &_last_a->items[_last_a->n - 1];                                                                       \
        })

/* Take one item out, keeping the order of the rest. */
#define array_remove_at(array, index)                                                                                  \
        do {                                                                                                           \
                __typeof__(array) _remove_a = (array);                                                                 \
                size_t _remove_i = (index);                                                                            \
                assert(_remove_i < _remove_a->n);                                                                      \
                memmove(_remove_a->items + _remove_i,                                                                  \
                        _remove_a->items + _remove_i + 1,                                                              \
                        (_remove_a->n - _remove_i - 1) * sizeof(_remove_a->items[0]));                                 \
                _remove_a->n--;                                                                                        \
        } while (0)

/* Forget the items, keep the memory. */
#define array_clear(array) ((void)((array)->n = 0))

/* Give the memory back; what items point to is the caller's. The array is empty afterwards. */
#define array_done(array)                                                                                              \
        do {                                                                                                           \
                __typeof__(array) _done_a = (array);                                                                   \
                free(_done_a->items);                                                                                  \
                _done_a->items = NULL;                                                                                 \
                _done_a->n = _done_a->capacity = 0;                                                                    \
        } while (0)

#define ARRAY_FOREACH(item, array) \
        for (__typeof__((array)->items[0]) *item = (array)->items; \
             (array)->n > 0 && item < (array)->items + (array)->n; item++)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Arena - many small allocations with one end of life.
 * Memory comes zeroed and aligned for any type, never moves, and is given back all at once by arena_done() or
 * arena_reset(). There is no free of one piece. An arena has a limit, so what is built from somebody's text cannot grow
 * without end; NULL means that the limit was reached or that there is no memory: `return -ENOMEM`.
 * A zeroed struct arena is an empty arena without a limit. */

#include <stdarg.h>
#include <stddef.h>

#include "base/macro.h"

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;     /* owned; newest first */
        size_t used_bytes;              /* handed out so far, with alignment */
        size_t reserved_bytes;          /* taken from malloc() */
        size_t limit_bytes;             /* upper bound of used_bytes; 0 is none */
        uint64_t n_refused;             /* requests that met the limit or a lack of memory */
};

void arena_init(struct arena *arena, size_t limit_bytes);

/* Give everything back. The arena is empty afterwards and may be used again, with the same limit. */
void arena_done(struct arena *arena);

/* Empty the arena but keep one chunk, for work that repeats: the largest that is not larger than chunks grow by
 * themselves (256 KiB). Work that is always the same size soon takes no memory any more. */
void arena_reset(struct arena *arena);

/* n bytes; n = 0 gives a pointer that must not be read. The product in arena_calloc() is checked. */
void *arena_alloc(struct arena *arena, size_t n);
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* Typed forms: arena_new(a, struct node), arena_new_array(a, struct node, 10). */
#define arena_new(arena, type)                  ((type *)arena_alloc(arena, sizeof(type)))
#define arena_new_array(arena, type, count)     ((type *)arena_calloc(arena, count, sizeof(type)))

/* Copies. The strings end in NUL; strndup copies exactly n bytes, a NUL among them too. */
void *arena_memdup(struct arena *arena, const void *data, size_t n);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t n);
char *arena_printf(struct arena *arena, const char *fmt, ...) _printf_(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap) _printf_(2, 0);

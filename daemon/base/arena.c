/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN             _Alignof(max_align_t)
#define ARENA_CHUNK_MIN         ((size_t)4096)
#define ARENA_CHUNK_MAX         ((size_t)256 * 1024)

/* Chunks double in size up to a limit, so a small arena stays small and a large one makes few calls. What does not fit
 * a chunk gets one of its own. */
struct arena_chunk {
        struct arena_chunk *next;
        size_t used, size;
        _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t limit_bytes) {
        *arena = (struct arena){.limit_bytes = limit_bytes};
}

static void arena_free_chunks(struct arena_chunk *chunk) {
        while (chunk) {
                struct arena_chunk *next = chunk->next;

                free(chunk);
                chunk = next;
        }
}

void arena_done(struct arena *arena) {
        arena_free_chunks(arena->chunks);
        arena->chunks = NULL;
        arena->used_bytes = arena->reserved_bytes = 0;
}

void arena_reset(struct arena *arena) {
        struct arena_chunk *kept = NULL;

        while (arena->chunks) {
                struct arena_chunk *chunk = arena->chunks, *other = chunk;

                arena->chunks = chunk->next;
                if (chunk->size <= ARENA_CHUNK_MAX && (!kept || chunk->size > kept->size)) {
                        other = kept;
                        kept = chunk;
                }
                free(other);
        }

        arena->used_bytes = arena->reserved_bytes = 0;
        if (!kept)
                return;

        memset(kept->data, 0, kept->used);
        kept->used = 0;
        kept->next = NULL;
        arena->chunks = kept;
        arena->reserved_bytes = sizeof(*kept) + kept->size;
}

static struct arena_chunk *arena_grow(struct arena *arena, size_t n) {
        struct arena_chunk *chunk;
        size_t size = ARENA_CHUNK_MIN - sizeof(*chunk);

        if (arena->chunks)
                size = MIN(MAX(arena->chunks->size * 2, size), ARENA_CHUNK_MAX);
        size = MAX(size, n);

        chunk = calloc(1, sizeof(*chunk) + size);
        if (!chunk)
                return NULL;

        chunk->size = size;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->reserved_bytes += sizeof(*chunk) + size;
        return chunk;
}

void *arena_alloc(struct arena *arena, size_t n) {
        struct arena_chunk *chunk = arena->chunks;
        void *p;

        if (n > SIZE_MAX / 2)
                goto refuse;
        n = ALIGN_UP(n, ARENA_ALIGN);
        if (n == 0)
                n = ARENA_ALIGN;
        if (arena->limit_bytes > 0 &&
            (arena->used_bytes >= arena->limit_bytes || n > arena->limit_bytes - arena->used_bytes))
                goto refuse;

        if (!chunk || n > chunk->size - chunk->used) {
                chunk = arena_grow(arena, n);
                if (!chunk)
                        goto refuse;
        }

        p = chunk->data + chunk->used;
        chunk->used += n;
        arena->used_bytes += n;
        return p;

refuse:
        arena->n_refused++;
        return NULL;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size) {
        size_t n;

        if (__builtin_mul_overflow(count, size, &n)) {
                arena->n_refused++;
                return NULL;
        }
        return arena_alloc(arena, n);
}

void *arena_memdup(struct arena *arena, const void *data, size_t n) {
        void *p = arena_alloc(arena, n);

        if (p && n > 0)
                memcpy(p, data, n);
        return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t n) {
        char *p;

        if (n == SIZE_MAX) {
                arena->n_refused++;
                return NULL;
        }

        p = arena_alloc(arena, n + 1);
        if (p && n > 0)
                memcpy(p, s, n);        /* the NUL is there: memory comes zeroed */
        return p;
}

char *arena_strdup(struct arena *arena, const char *s) {
        assert(s);

        return arena_strndup(arena, s, strlen(s));
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap) {
        va_list again;
        char *p = NULL;
        int n;

        va_copy(again, ap);
        n = vsnprintf(NULL, 0, fmt, ap);
        if (n >= 0)
                p = arena_alloc(arena, (size_t)n + 1);
        if (p)
                vsnprintf(p, (size_t)n + 1, fmt, again);
        va_end(again);
        return p;
}

char *arena_printf(struct arena *arena, const char *fmt, ...) {
        va_list ap;
        char *p;

        va_start(ap, fmt);
        p = arena_vprintf(arena, fmt, ap);
        va_end(ap);
        return p;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "engine/carry-private.h"
#include "event/encode.h"
#include "process/process-image.h"

static const struct siphash_key no_key;

static void carry_flush(struct carry_writer *w) {
        int r;

        if (w->n == 0 || w->error < 0)
                return;
        r = w->sink->put(w->buffer, w->n, w->sink->userdata);
        if (r < 0)
                w->error = r;
        w->n = 0;
}

void carry_put(struct carry_writer *w, const void *data, size_t n) {
        const uint8_t *at = data;

        if (w->n_bytes + n > CARRY_MAX_BYTES - sizeof(uint64_t) && w->error == 0)
                w->error = -EFBIG;
        if (w->error < 0 || n == 0)
                return;
        siphash_add(&w->sum, data, n);
        w->n_bytes += n;
        while (n > 0) {
                size_t part = MIN(n, sizeof(w->buffer) - w->n);

                memcpy(w->buffer + w->n, at, part);
                w->n += part;
                at += part;
                n -= part;
                if (w->n == sizeof(w->buffer))
                        carry_flush(w);
        }
}

void carry_put_record(struct carry_writer *w, const void *data, uint32_t n) {
        static const uint8_t zeros[8];

        CARRY_PUT(w, uint32_t, n);
        carry_put(w, zeros, -w->n_bytes % 8);
        carry_put(w, data, n);
}

static int carry_finish(struct carry_writer *w) {
        uint64_t sum = siphash_end64(&w->sum);

        siphash_begin64(&w->sum, &no_key);
        carry_put(w, &sum, sizeof(sum));
        carry_flush(w);
        return w->error;
}

uint64_t carry_checksum(const void *data, size_t n) {
        return siphash64(data, n, &no_key);
}

/* Things that are shared, each once, in the order of their addresses. */
struct pointers {
        const void **items;             /* owned */
        uint32_t n;
};

static int compare_pointers(const void *a, const void *b) {
        const char *x = *(const char *const *)a, *y = *(const char *const *)b;

        return (x > y) - (x < y);
}

static void pointers_sort(struct pointers *pointers) {
        uint32_t n = 0;

        if (pointers->n == 0)
                return;
        qsort(pointers->items, pointers->n, sizeof(*pointers->items), compare_pointers);
        for (uint32_t i = 0; i < pointers->n; i++)
                if (n == 0 || pointers->items[n - 1] != pointers->items[i])
                        pointers->items[n++] = pointers->items[i];
        pointers->n = n;
}

/* Number + 1; 0 for NULL. */
static uint32_t pointers_find(const struct pointers *pointers, const void *p) {
        const void **found =
                p ? bsearch(&p, pointers->items, pointers->n, sizeof(*pointers->items), compare_pointers) : NULL;

        return found ? found - pointers->items + 1 : 0;
}

struct saving {
        const struct engine *engine;
        struct carry_writer writer;
        uint32_t *step_numbers;         /* owned; by step, number + 1 */
        uint32_t *steps;                /* owned; in the order in which they are put: those before come before */
        uint32_t n_steps;
        uint32_t *chain;                /* owned; of the run being looked at */
        struct pointers kept, images;
        struct record record;
};

static struct saving *saving_free(struct saving *s) {
        if (!s)
                return NULL;
        free(s->step_numbers);
        free(s->steps);
        free(s->chain);
        free(s->kept.items);
        free(s->images.items);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(struct saving *, saving_free)

#define RUN_FOREACH(engine, group, run)                                                                              \
        for (uint32_t _c = (group)->cells; _c != POOL_NONE; _c = pool_cell(&(engine)->pool, _c)->next)               \
                for (uint32_t run = pool_cell(&(engine)->pool, _c)->first; run != POOL_NONE;                         \
                     run = pool_run(&(engine)->pool, run)->next)

static const struct group *nth_group(const struct engine *engine, uint32_t i) {
        return pool_group(&engine->pool, engine->pool.sizes.entries[i].id);
}

/* Steps of a run that were not met yet, the oldest first. */
static void number_steps(struct saving *s, uint32_t step) {
        uint32_t n = 0;

        for (; step != EVIDENCE_NONE && s->step_numbers[step] == 0;
             step = evidence_step(&s->engine->evidence, step)->previous)
                s->chain[n++] = step;
        while (n > 0) {
                step = s->chain[--n];
                s->steps[s->n_steps++] = step;
                s->step_numbers[step] = s->n_steps;
        }
}

static int number_things(struct saving *s) {
        const struct engine *engine = s->engine;
        uint32_t n = engine->evidence.steps.n_touched;

        s->step_numbers = calloc((size_t)n + 1, sizeof(*s->step_numbers));
        s->steps = calloc((size_t)n + 1, sizeof(*s->steps));
        s->chain = calloc((size_t)n + 1, sizeof(*s->chain));
        s->kept.items = calloc((size_t)n + 1, sizeof(*s->kept.items));
        s->images.items = calloc((size_t)n + 1, sizeof(*s->images.items));
        if (!s->step_numbers || !s->steps || !s->chain || !s->kept.items || !s->images.items)
                return -ENOMEM;

        for (uint32_t i = 0; i < engine->pool.sizes.n; i++)
                RUN_FOREACH(engine, nth_group(engine, i), run)
                        number_steps(s, pool_run(&engine->pool, run)->steps);
        for (uint32_t i = 0; i < s->n_steps; i++) {
                const struct evidence_step *step = evidence_step(&engine->evidence, s->steps[i]);

                if (step->kept)
                        s->kept.items[s->kept.n++] = step->kept;
        }
        pointers_sort(&s->kept);
        for (uint32_t i = 0; i < s->kept.n; i++) {
                const struct kept *kept = s->kept.items[i];

                if (kept->image)
                        s->images.items[s->images.n++] = kept->image;
        }
        pointers_sort(&s->images);
        return 0;
}

static void put_identity(struct carry_writer *w, const struct identity *id) {
        CARRY_PUT(w, uint64_t, id->start_ns);
        CARRY_PUT(w, uint32_t, id->pid);
}

static void put_token(struct carry_writer *w, const struct token *token) {
        CARRY_PUT(w, uint64_t, token->low);
        CARRY_PUT(w, uint64_t, token->high);
}

static void put_head(struct saving *s, const uint8_t *stamp, uint64_t number) {
        const struct engine *engine = s->engine;
        struct carry_head head;

        memset(&head, 0, sizeof(head));         /* what lies between its fields is checked, too */
        head.magic = CARRY_MAGIC;
        head.version = CARRY_VERSION;
        head.wire_version = WIRE_VERSION;
        head.program_version = PROGRAM_VERSION;
        head.n_paths = engine->program->n_paths;
        head.n_images = s->images.n;
        head.n_kept = s->kept.n;
        head.n_steps = s->n_steps;
        head.n_groups = engine->pool.sizes.n;
        head.n_stories = engine->suppress.deadlines.n;
        head.n_gaps = engine->loss.n;
        memcpy(head.stamp, stamp, sizeof(head.stamp));
        head.number = number;
        head.now_ns = engine->now_ns;
        head.last_match = engine->last_match;
        head.last_coming = engine->last_coming;
        head.last_serial = engine->pool.last_serial;
        head.last_opened = engine->pool.last_opened;
        head.evidence_key = engine->evidence.key;
        head.suppress_key = engine->suppress.secret;
        carry_put(&s->writer, &head, sizeof(head));
}

static void put_path(struct carry_writer *w, const struct program *program, const struct path *path) {
        CARRY_PUT(w, uint16_t, path->name.length);
        carry_put(w, program_text(program, path->name), path->name.length);
        carry_put(w, path->hash, sizeof(path->hash));
        CARRY_PUT(w, uint8_t, path->by);
        CARRY_PUT(w, uint32_t, path->positions.n);
}

/* As the record of an exec: what it was made of. One that cannot be put together is not known. */
static void put_image(struct saving *s, const struct process_image *image) {
        process_image_put(image, &s->record);
        if (record_finish(&s->record) < 0) {
                record_begin(&s->record, WIRE_KIND_execve);
                (void)record_finish(&s->record);
        }
        carry_put_record(&s->writer, s->record.data, s->record.header.size);
}

static void put_capture(struct carry_writer *w, const struct evidence_step *step, const struct captured *capture) {
        const char *record = step->kept ? (const char *)step->kept->record : NULL;
        bool own = capture->own, there = capture->bytes && (own || record);

        put_token(w, &capture->token);
        CARRY_PUT(w, uint16_t, capture->slot);
        CARRY_PUT(w, uint8_t, capture->type);
        CARRY_PUT(w, uint8_t, (capture->user ? CARRY_USER : 0) | (capture->stable ? CARRY_STABLE : 0));
        CARRY_PUT(w, uint8_t, !there ? CARRY_NOWHERE : own ? CARRY_OWN : CARRY_IN_RECORD);
        CARRY_PUT(w, uint32_t, capture->length);
        if (there && own)
                carry_put(w, capture->own, capture->length);
        else if (there)
                CARRY_PUT(w, uint32_t, capture->bytes - record);
}

static void put_step(struct saving *s, const struct evidence_step *step) {
        const struct evidence *evidence = &s->engine->evidence;
        struct carry_writer *w = &s->writer;
        uint8_t n = 0;

        for (uint32_t c = step->captures; c != EVIDENCE_NONE; c = evidence_capture(evidence, c)->next)
                n++;
        CARRY_PUT(w, uint32_t, step->previous == EVIDENCE_NONE ? 0 : s->step_numbers[step->previous]);
        CARRY_PUT(w, uint32_t, pointers_find(&s->kept, step->kept));
        CARRY_PUT(w, uint64_t, step->number);
        CARRY_PUT(w, uint64_t, step->first_ns);
        CARRY_PUT(w, uint64_t, step->last_ns);
        CARRY_PUT(w, uint64_t, step->taken_ns);
        put_identity(w, &step->actor);
        CARRY_PUT(w, uint32_t, step->count);
        CARRY_PUT(w, uint16_t, step->local);
        CARRY_PUT(w, uint8_t, step->position);
        CARRY_PUT(w, uint8_t, step->done);
        CARRY_PUT(w, uint8_t, (step->loop ? CARRY_LOOP : 0) | (step->absent ? CARRY_ABSENT : 0));
        CARRY_PUT(w, uint8_t, n);
        for (uint32_t c = step->captures; c != EVIDENCE_NONE; c = evidence_capture(evidence, c)->next)
                put_capture(w, step, evidence_capture(evidence, c));
}

static void put_counter(struct carry_writer *w, const struct counters *counters, uint32_t number) {
        const struct counter *counter;

        CARRY_PUT(w, uint8_t, number != COUNTERS_NONE);
        if (number == COUNTERS_NONE)
                return;
        counter = counters_at(counters, number);
        CARRY_PUT(w, uint64_t, counter->came);
        CARRY_PUT(w, uint32_t, counter->n);
        for (uint32_t t = counter->n > 0 ? counter->oldest : STOCK_NONE; t != STOCK_NONE;
             t = counters_time(counters, t)->next) {
                const struct counted *time = counters_time(counters, t);

                CARRY_PUT(w, uint64_t, time->time_ns);
                CARRY_PUT(w, uint8_t, time->has_value);
                if (time->has_value)
                        put_token(w, &time->value);
        }
}

static void put_run(struct saving *s, const struct instance *instance) {
        struct carry_writer *w = &s->writer;

        CARRY_PUT(w, uint64_t, instance->serial);
        CARRY_PUT(w, uint64_t, instance->start_number);
        CARRY_PUT(w, uint64_t, instance->start_ns);
        CARRY_PUT(w, uint64_t, instance->points);
        CARRY_PUT(w, uint64_t, instance->gap_kinds);
        CARRY_PUT(w, uint32_t, instance->gap_count);
        CARRY_PUT(w, uint16_t, instance->gap_reasons);
        CARRY_PUT(w, uint32_t, instance->starts);
        CARRY_PUT(w, uint32_t, instance->steps == EVIDENCE_NONE ? 0 : s->step_numbers[instance->steps]);
        CARRY_PUT(w, uint8_t, instance->position);
        CARRY_PUT(w, uint8_t, instance->done);
        CARRY_PUT(w, uint8_t, instance->flags & ~INSTANCE_GATHERED);
        carry_put(w, instance->window_done, sizeof(instance->window_done));
        put_counter(w, &s->engine->pool.counters, instance->counter);
}

/* Runs of one position in the order in which they came there. */
static void put_group(struct saving *s, const struct group *group) {
        struct key key = scope_key(pool_scope(&s->engine->pool, group->scope));
        struct carry_writer *w = &s->writer;

        CARRY_PUT(w, uint32_t, group->path);
        CARRY_PUT(w, uint8_t, key.type);
        put_identity(w, &key.id);
        CARRY_PUT(w, uint8_t, key.name != NULL);
        CARRY_PUT(w, uint32_t, key.n_name);
        carry_put(w, key.name, key.n_name);
        CARRY_PUT(w, uint64_t, group->opened);
        CARRY_PUT(w, uint32_t, group->n_runs);
        RUN_FOREACH(s->engine, group, run)
                put_run(s, pool_run(&s->engine->pool, run));
}

static void put_value(struct carry_writer *w, const struct value *value) {
        CARRY_PUT(w, uint8_t, value->state);
        if (value->state == VALUE_UNKNOWN)
                return;
        CARRY_PUT(w, uint8_t, value->type);
        CARRY_PUT(w, uint8_t, (value->user ? CARRY_USER : 0) | (value->stable ? CARRY_STABLE : 0));
        switch ((enum value_type)value->type) {
        case VALUE_NUMBER:
                CARRY_PUT(w, int64_t, value->number);
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                CARRY_PUT(w, uint32_t, value->length);
                carry_put(w, value->bytes, value->length);
                break;
        case VALUE_OBJECT:
                carry_put(w, &value->object, sizeof(value->object));
                break;
        case VALUE_ADDRESS:
                carry_put(w, &value->address, sizeof(value->address));
                break;
        case VALUE_IDENTITY:
                put_identity(w, &value->identity);
                break;
        case _VALUE_TYPE_MAX:
                break;
        }
}

static void put_story(struct carry_writer *w, const struct suppressed *story) {
        CARRY_PUT(w, uint32_t, story->path);
        CARRY_PUT(w, uint64_t, story->id.low);
        CARRY_PUT(w, uint64_t, story->id.high);
        CARRY_PUT(w, uint64_t, story->number);
        CARRY_PUT(w, uint64_t, story->first_ns);
        CARRY_PUT(w, uint64_t, story->deadline_ns);
        CARRY_PUT(w, uint64_t, story->count);
        CARRY_PUT(w, uint8_t, story->key_type);
        put_identity(w, &story->key_id);
        put_identity(w, &story->actor);
        CARRY_PUT(w, uint16_t, strlen(story->key));
        carry_put(w, story->key, strlen(story->key));
        for (unsigned i = 0; i < PROGRAM_MAX_SLOTS; i++)
                put_value(w, &story->captures[i]);
}

static void put_gap(struct carry_writer *w, const struct loss_gap *gap) {
        CARRY_PUT(w, uint64_t, gap->kinds);
        CARRY_PUT(w, uint64_t, gap->until_ns);
        CARRY_PUT(w, uint64_t, gap->count);
        CARRY_PUT(w, uint16_t, gap->reasons);
}

int engine_save(const struct engine *engine, const uint8_t stamp[static CARRY_STAMP], uint64_t number,
                const struct carry_sink *sink) {
        _cleanup_(saving_freep) struct saving *s = calloc(1, sizeof(*s));
        const struct suppress *suppress = &engine->suppress;
        int r;

        assert(!engine->event);

        if (!s)
                return -ENOMEM;
        s->engine = engine;
        s->writer.sink = sink;
        siphash_begin64(&s->writer.sum, &no_key);
        r = number_things(s);
        if (r < 0)
                return r;

        put_head(s, stamp, number);
        for (uint32_t i = 0; i < engine->program->n_paths; i++)
                put_path(&s->writer, engine->program, &engine->program->paths[i]);
        for (uint32_t i = 0; i < s->images.n; i++)
                put_image(s, s->images.items[i]);
        for (uint32_t i = 0; i < s->kept.n; i++) {
                const struct kept *kept = s->kept.items[i];

                CARRY_PUT(&s->writer, uint32_t, pointers_find(&s->images, kept->image));
                carry_put_record(&s->writer, kept->record, kept->record_bytes);
        }
        for (uint32_t i = 0; i < s->n_steps; i++)
                put_step(s, evidence_step(&engine->evidence, s->steps[i]));
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++)
                put_group(s, nth_group(engine, i));
        for (uint32_t i = 0; i < suppress->deadlines.n; i++)
                put_story(&s->writer, suppress_at(suppress, suppress->deadlines.entries[i].id));
        for (unsigned i = 0; i < engine->loss.n; i++)
                put_gap(&s->writer, &engine->loss.gaps[i]);
        return carry_finish(&s->writer);
}

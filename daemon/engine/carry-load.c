/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "engine/carry-private.h"

#define NAME_MAX_BYTES 65535            /* of a unit or a container */
#define PATH_GONE UINT32_MAX

const void *carry_take(struct carry_reader *r, size_t n) {
        const void *at = r->data + r->at;

        if (r->bad || n > r->n - r->at) {
                r->bad = true;
                return NULL;
        }
        r->at += n;
        return at;
}

#define CARRY_TAKE(type, name)                                                                                       \
        type name(struct carry_reader *r) {                                                                          \
                const void *at = carry_take(r, sizeof(type));                                                        \
                type value = 0;                                                                                      \
                                                                                                                     \
                if (at)                                                                                              \
                        memcpy(&value, at, sizeof(value));                                                           \
                return value;                                                                                        \
        }
CARRY_TAKE(uint8_t, carry_u8)
CARRY_TAKE(uint16_t, carry_u16)
CARRY_TAKE(uint32_t, carry_u32)
CARRY_TAKE(uint64_t, carry_u64)

const void *carry_take_record(struct carry_reader *r, uint32_t *ret_n) {
        *ret_n = carry_u32(r);
        if (*ret_n > WIRE_MAX_RECORD || *ret_n == 0)
                r->bad = true;
        (void)carry_take(r, -r->at % 8);
        return carry_take(r, *ret_n);
}

void carry_identity(struct carry_reader *r, struct identity *ret) {
        *ret = (struct identity){.start_ns = carry_u64(r)};
        ret->pid = carry_u32(r);
}

static bool is_list(const char *bytes, uint32_t n) {
        return n == 0 || bytes[n - 1] == 0;
}

struct loading {
        struct engine *engine;
        struct process_table *table;
        struct carry_reader reader;
        struct carry_head head;
        uint32_t *paths;                /* owned; number here, or PATH_GONE */
        uint64_t *n_ended;              /* owned; runs, by number there */
        struct program_string *names;   /* owned; of paths, in the bytes */
        struct process_image **images;  /* owned references */
        struct kept **kept;             /* owned references; NULL: there was no room */
        uint32_t *steps;                /* owned references; EVIDENCE_NONE: there was no room */
        struct carried carried;
};

static void loading_done(struct loading *l) {
        struct evidence *evidence = &l->engine->evidence;

        for (uint32_t i = 0; l->steps && i < l->head.n_steps; i++)
                evidence_unref(evidence, l->steps[i]);
        for (uint32_t i = 0; l->kept && i < l->head.n_kept; i++)
                kept_unref(evidence, l->kept[i]);
        for (uint32_t i = 0; l->images && i < l->head.n_images; i++)
                process_image_unref(l->images[i]);
        free(l->steps);
        free(l->kept);
        free(l->images);
        free(l->names);
        free(l->n_ended);
        free(l->paths);
}

/* Of everything there are fewer than bytes. */
static int load_head(struct loading *l, const uint8_t *stamp, uint64_t now_ns) {
        const void *at = carry_take(&l->reader, sizeof(l->head));
        struct carry_head *head = &l->head;

        if (!at)
                return -EBADMSG;
        memcpy(head, at, sizeof(*head));
        if (head->magic != CARRY_MAGIC)
                return -EBADMSG;
        if (head->version != CARRY_VERSION || head->wire_version != WIRE_VERSION ||
            head->program_version != PROGRAM_VERSION || memcmp(head->stamp, stamp, CARRY_STAMP) != 0)
                return -EPROTO;
        if (head->now_ns > now_ns || head->n_paths > PROGRAM_MAX_PATHS || head->n_images > l->reader.n ||
            head->n_kept > l->reader.n || head->n_steps > l->reader.n || head->n_groups > l->reader.n ||
            head->n_stories > l->reader.n || head->n_gaps > LOSS_MAX)
                return -EBADMSG;

        l->paths = calloc(head->n_paths + 1, sizeof(*l->paths));
        l->names = calloc(head->n_paths + 1, sizeof(*l->names));
        l->n_ended = calloc(head->n_paths + 1, sizeof(*l->n_ended));
        l->images = calloc((size_t)head->n_images + 1, sizeof(struct process_image *));
        l->kept = calloc((size_t)head->n_kept + 1, sizeof(struct kept *));
        l->steps = malloc(((size_t)head->n_steps + 1) * sizeof(*l->steps));
        if (!l->paths || !l->names || !l->n_ended || !l->images || !l->kept || !l->steps)
                return -ENOMEM;
        for (uint32_t i = 0; i < head->n_steps; i++)
                l->steps[i] = EVIDENCE_NONE;
        return 0;
}

static void load_path(struct loading *l, uint32_t i) {
        const struct program *program = l->engine->program;
        struct carry_reader *r = &l->reader;
        struct path_face face = {.n_name = carry_u16(r)};

        l->names[i] = (struct program_string){.offset = (uint32_t)r->at, .length = face.n_name};
        face.name = carry_take(r, face.n_name);
        face.hash = carry_take(r, sizeof(program->paths[0].hash));
        face.by = carry_u8(r);
        face.n_positions = carry_u32(r);
        l->paths[i] = PATH_GONE;
        for (uint32_t p = 0; !r->bad && p < program->n_paths; p++)
                if (path_is(program, p, &face)) {
                        l->paths[i] = p;
                        break;
                }
}

static void load_image(struct loading *l, uint32_t i) {
        struct event event;
        uint32_t n;
        const void *record = carry_take_record(&l->reader, &n);

        if (!record || event_parse(record, n, &event) < 0 || event_kind(&event) != WIRE_KIND_execve)
                l->reader.bad = true;
        else
                l->images[i] = process_table_keep_image(l->table, &event);
}

static void load_kept(struct loading *l, uint32_t i) {
        uint32_t image = carry_u32(&l->reader), n;
        const void *record = carry_take_record(&l->reader, &n);
        struct event event;

        if (!record || event_parse(record, n, &event) < 0 || image > l->head.n_images)
                l->reader.bad = true;
        else
                l->kept[i] = evidence_keep_again(&l->engine->evidence, record, n,
                                                 image ? process_image_ref(l->images[image - 1]) : NULL);
}

/* Where its bytes are, as in evidence_bind(). */
static void load_bytes(struct loading *l, const struct evidence_step *step, bool has_record,
                       struct captured *capture) {
        struct evidence *evidence = &l->engine->evidence;
        struct carry_reader *r = &l->reader;
        bool list = capture->type == VALUE_LIST;
        uint8_t where = carry_u8(r);
        const char *bytes;
        uint32_t offset;

        capture->length = carry_u32(r);
        if (where >= _CARRY_BYTES_MAX || (where != CARRY_NOWHERE && capture->type != VALUE_STRING && !list)) {
                r->bad = true;
                return;
        }
        switch ((enum carry_bytes)where) {
        case CARRY_NOWHERE:
        case _CARRY_BYTES_MAX:
                return;
        case CARRY_IN_RECORD:
                offset = carry_u32(r);
                if (!has_record)
                        r->bad = true;
                if (r->bad || !step->kept)
                        return;
                if (offset > step->kept->record_bytes || capture->length > step->kept->record_bytes - offset)
                        r->bad = true;
                else
                        capture->bytes = (const char *)step->kept->record + offset;
                break;
        case CARRY_OWN:
                bytes = carry_take(r, capture->length);
                if (!bytes)
                        return;
                capture->own = buddy_alloc(&evidence->slab, (size_t)capture->length + 1);
                if (capture->own) {
                        memcpy(capture->own, bytes, capture->length);
                        capture->own[capture->length] = 0;
                } else
                        evidence->n_refused++;
                capture->bytes = capture->own;
                break;
        }
        if (capture->bytes && list && !is_list(capture->bytes, capture->length))
                r->bad = true;
}

/* False: there is no room for it. */
static bool load_capture(struct loading *l, struct evidence_step *step, bool has_record, uint32_t **end) {
        struct evidence *evidence = &l->engine->evidence;
        struct carry_reader *r = &l->reader;
        struct captured capture = {.next = EVIDENCE_NONE};
        uint32_t number;
        uint8_t flags;

        capture.token.low = carry_u64(r);
        capture.token.high = carry_u64(r);
        capture.slot = carry_u16(r);
        capture.type = carry_u8(r);
        flags = carry_u8(r);
        capture.user = flags & CARRY_USER;
        capture.stable = flags & CARRY_STABLE;
        if (capture.type >= _VALUE_TYPE_MAX)
                r->bad = true;
        load_bytes(l, step, has_record, &capture);

        number = r->bad ? STOCK_NONE : stock_take(&evidence->captures);
        if (number == STOCK_NONE) {
                buddy_free(&evidence->slab, capture.own);
                return false;
        }
        *evidence_capture(evidence, number) = capture;
        **end = number;
        *end = &evidence_capture(evidence, number)->next;
        return true;
}

static uint32_t load_reference(struct loading *l, uint32_t max) {
        uint32_t number = carry_u32(&l->reader);

        if (number <= max)
                return number;
        l->reader.bad = true;
        return 0;
}

static void load_step(struct loading *l, uint32_t i) {
        struct evidence *evidence = &l->engine->evidence;
        struct carry_reader *r = &l->reader;
        uint32_t previous = load_reference(l, i), kept = load_reference(l, l->head.n_kept), number, *end;
        struct evidence_step step = {.previous = EVIDENCE_NONE, .captures = EVIDENCE_NONE, .refs = 1};
        bool room = true;
        uint8_t flags, n;

        if (previous > 0)
                step.previous = l->steps[previous - 1];
        if (kept > 0)
                step.kept = l->kept[kept - 1];
        step.number = carry_u64(r);
        step.first_ns = carry_u64(r);
        step.last_ns = carry_u64(r);
        step.taken_ns = carry_u64(r);
        carry_identity(r, &step.actor);
        step.count = carry_u32(r);
        step.local = carry_u16(r);
        step.position = carry_u8(r);
        step.done = carry_u8(r);
        flags = carry_u8(r);
        step.loop = flags & CARRY_LOOP;
        step.absent = flags & CARRY_ABSENT;
        n = carry_u8(r);
        if (n > PROGRAM_MAX_SLOTS)
                r->bad = true;

        number = r->bad || (previous > 0 && step.previous == EVIDENCE_NONE) ? STOCK_NONE
                                                                           : stock_take(&evidence->steps);
        if (number == STOCK_NONE) {
                /* Read over what it captured: into a step that nobody refers to. */
                struct evidence_step none = step;

                none.previous = EVIDENCE_NONE;
                none.captures = EVIDENCE_NONE;
                for (uint8_t c = 0; c < n && !r->bad; c++) {
                        end = &none.captures;
                        if (load_capture(l, &none, kept > 0, &end))
                                evidence_drop_captures(evidence, none.captures);
                        none.captures = EVIDENCE_NONE;
                }
                return;
        }
        if (step.kept)
                step.kept->refs++;
        evidence_ref(evidence, step.previous);
        *evidence_step(evidence, number) = step;
        end = &evidence_step(evidence, number)->captures;
        for (uint8_t c = 0; c < n && !r->bad; c++)
                room = load_capture(l, evidence_step(evidence, number), kept > 0, &end) && room;
        if (room && !r->bad)
                l->steps[i] = number;
        else
                evidence_unref(evidence, number);
}

/* False: there is no room for it. */
static bool load_counter(struct loading *l, bool keeps, struct instance *instance) {
        struct counters *counters = &l->engine->pool.counters;
        struct carry_reader *r = &l->reader;
        uint64_t before_ns = 0;
        uint32_t n;

        instance->counter = COUNTERS_NONE;
        if (carry_u8(r) == 0)
                return true;
        if (keeps)
                instance->counter = counters_take(counters, carry_u64(r));
        else
                (void)carry_u64(r);
        n = carry_u32(r);
        if (n > PROGRAM_MAX_REPEAT)
                r->bad = true;
        for (uint32_t i = 0; i < n && !r->bad; i++) {
                uint64_t time_ns = carry_u64(r);
                bool has_value = carry_u8(r);
                struct token value = {};

                if (has_value) {
                        value.low = carry_u64(r);
                        value.high = carry_u64(r);
                }
                if (time_ns < before_ns || time_ns > l->engine->now_ns)
                        r->bad = true;
                before_ns = time_ns;
                if (keeps && counters->times.n_used >= counters->max)
                        keeps = false;
                else if (keeps && !r->bad)
                        counters_add(counters, instance->counter, time_ns, has_value ? &value : NULL);
        }
        return keeps;
}

/* One of a group of which there is none here (POOL_NONE) is read over. 1: it goes on; 0: there is no room. */
static int load_run(struct loading *l, uint32_t group, uint32_t path) {
        struct engine *engine = l->engine;
        struct pool *pool = &engine->pool;
        struct carry_reader *r = &l->reader;
        struct instance read = {.group = group}, *instance = &read;
        uint32_t run = POOL_NONE, steps;
        const void *windows;
        bool fits = group != POOL_NONE && pool->n_runs < pool->max_runs;

        if (fits) {
                run = pool_take(pool);
                instance = pool_run(pool, run);
                *instance = read;
        }
        instance->counter = COUNTERS_NONE;
        instance->serial = carry_u64(r);
        instance->start_number = carry_u64(r);
        instance->start_ns = carry_u64(r);
        instance->points = carry_u64(r);
        instance->gap_kinds = carry_u64(r);
        instance->gap_count = carry_u32(r);
        instance->gap_reasons = carry_u16(r);
        instance->starts = carry_u32(r);
        steps = load_reference(l, l->head.n_steps);
        instance->steps = steps == 0 ? EVIDENCE_NONE : evidence_ref(&engine->evidence, l->steps[steps - 1]);
        instance->position = carry_u8(r);
        instance->done = carry_u8(r);
        instance->flags = carry_u8(r);
        windows = carry_take(r, sizeof(instance->window_done));
        if (windows)
                memcpy(instance->window_done, windows, sizeof(instance->window_done));
        if (instance->flags & ~(INSTANCE_UNCERTAIN | INSTANCE_GAP | INSTANCE_KEYLESS) ||
            instance->serial > pool->last_serial)
                r->bad = true;
        fits = load_counter(l, fits, instance) && fits && !(steps > 0 && instance->steps == EVIDENCE_NONE);

        if (fits && !r->bad && (!carry_check_run(engine, path, instance) || pool_find_equal(pool, run) != POOL_NONE))
                r->bad = true;
        if (fits && !r->bad) {
                pool_file(pool, run);
                return 1;
        }
        if (run != POOL_NONE)
                pool_give(pool, run);
        else
                evidence_unref(&engine->evidence, instance->steps);
        return 0;
}

static bool load_key(struct loading *l, struct key *ret) {
        struct carry_reader *r = &l->reader;
        bool has_name;

        *ret = (struct key){.type = carry_u8(r)};
        carry_identity(r, &ret->id);
        has_name = carry_u8(r);
        ret->n_name = carry_u32(r);
        if (ret->n_name > NAME_MAX_BYTES || (unsigned)ret->type >= _KEY_MAX || has_name != (ret->n_name > 0) ||
            has_name != (ret->type == KEY_UNIT || ret->type == KEY_CONTAINER))
                r->bad = true;
        ret->name = has_name ? carry_take(r, ret->n_name) : NULL;
        return !r->bad;
}

static void load_group(struct loading *l) {
        struct engine *engine = l->engine;
        struct pool *pool = &engine->pool;
        struct carry_reader *r = &l->reader;
        uint32_t path = carry_u32(r), group = POOL_NONE, here, n_runs;
        uint64_t opened;
        struct key key;

        if (path >= l->head.n_paths)
                r->bad = true;
        if (!load_key(l, &key))
                return;
        opened = carry_u64(r);
        n_runs = carry_u32(r);
        here = l->paths[path];
        if (opened > pool->last_opened || n_runs == 0 ||
            (here != PATH_GONE && engine->program->paths[here].by != key.type))
                r->bad = true;
        if (here != PATH_GONE && !r->bad && pool->n_runs < pool->max_runs) {
                group = pool_get_group(pool, &key, here);
                if (group != POOL_NONE && pool_group(pool, group)->n_runs > 0)
                        r->bad = true;
                else if (group != POOL_NONE)
                        pool_group(pool, group)->opened = opened;
        }
        for (uint32_t i = 0; i < n_runs && !r->bad; i++)
                if (load_run(l, group, here) > 0)
                        l->carried.n_runs++;
                else if (here == PATH_GONE) {
                        l->carried.n_ended++;
                        l->n_ended[path]++;
                } else
                        l->carried.n_refused++;
        if (group == POOL_NONE)
                return;
        /* Bounds may be narrower than they were: by the rule, as always. */
        for (uint32_t run; (run = pool_victim_of_group(pool, group)) != POOL_NONE;) {
                engine_end_run(engine, run, &l->carried.n_refused);
                l->carried.n_runs--;
        }
        engine_leave(engine, group);
        engine_close_groups(engine);
}

static void load_value(struct loading *l, struct suppressed *story, size_t *used, struct value *ret) {
        struct carry_reader *r = &l->reader;
        const void *bytes;
        uint8_t flags;

        *ret = (struct value){.state = carry_u8(r)};
        if (ret->state == VALUE_UNKNOWN)
                return;
        ret->type = carry_u8(r);
        flags = carry_u8(r);
        ret->user = flags & CARRY_USER;
        ret->stable = flags & CARRY_STABLE;
        if ((ret->state != VALUE_KNOWN && ret->state != VALUE_CUT) || ret->type >= _VALUE_TYPE_MAX)
                r->bad = true;
        switch (r->bad ? _VALUE_TYPE_MAX : (enum value_type)ret->type) {
        case VALUE_NUMBER:
                ret->number = (int64_t)carry_u64(r);
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                ret->length = carry_u32(r);
                bytes = carry_take(r, ret->length);
                if (!bytes || ret->length > sizeof(story->bytes) - *used ||
                    (ret->type == VALUE_LIST && !is_list(bytes, ret->length))) {
                        r->bad = true;
                        break;
                }
                memcpy(story->bytes + *used, bytes, ret->length);
                ret->bytes = story->bytes + *used;
                *used += ret->length;
                break;
        case VALUE_OBJECT:
                bytes = carry_take(r, sizeof(ret->object));
                if (bytes)
                        memcpy(&ret->object, bytes, sizeof(ret->object));
                break;
        case VALUE_ADDRESS:
                bytes = carry_take(r, sizeof(ret->address));
                if (bytes)
                        memcpy(&ret->address, bytes, sizeof(ret->address));
                break;
        case VALUE_IDENTITY:
                carry_identity(r, &ret->identity);
                break;
        case _VALUE_TYPE_MAX:
                break;
        }
}

static void load_story(struct loading *l) {
        struct suppress *suppress = &l->engine->suppress;
        struct carry_reader *r = &l->reader;
        struct suppressed story = {.path = carry_u32(r)};
        const void *text;
        uint32_t number;
        size_t used = 0, n;

        story.id.low = carry_u64(r);
        story.id.high = carry_u64(r);
        story.number = carry_u64(r);
        story.first_ns = carry_u64(r);
        story.deadline_ns = carry_u64(r);
        story.count = carry_u64(r);
        story.key_type = carry_u8(r);
        carry_identity(r, &story.key_id);
        carry_identity(r, &story.actor);
        n = carry_u16(r);
        text = carry_take(r, n);
        if (n >= sizeof(story.key) || !text || (unsigned)story.key_type >= _KEY_MAX ||
            story.path >= l->head.n_paths || story.number > l->head.last_match || story.first_ns > l->head.now_ns) {
                r->bad = true;
                return;
        }
        memcpy(story.key, text, n);

        number = l->paths[story.path] == PATH_GONE ? STOCK_NONE : stock_take(&suppress->stock);
        if (number == STOCK_NONE) {
                struct suppressed none;

                for (unsigned i = 0; i < PROGRAM_MAX_SLOTS && !r->bad; i++)
                        load_value(l, &none, &used, &none.captures[i]);
                l->carried.n_forgotten++;
                return;
        }
        story.path = l->paths[story.path];
        *suppress_at(suppress, number) = story;
        for (unsigned i = 0; i < PROGRAM_MAX_SLOTS && !r->bad; i++)
                load_value(l, suppress_at(suppress, number), &used, &suppress_at(suppress, number)->captures[i]);
        if (suppress_find(suppress, &story.id) != SUPPRESS_NONE)
                r->bad = true;
        if (r->bad) {
                stock_give(&suppress->stock, number);
                return;
        }
        suppress_put_back(suppress, number);
        l->carried.n_suppressed++;
}

static void load_gap(struct loading *l) {
        struct carry_reader *r = &l->reader;
        struct loss_gap gap = {.kinds = carry_u64(r)};

        gap.until_ns = carry_u64(r);
        gap.count = carry_u64(r);
        gap.reasons = carry_u16(r);
        if (!r->bad)
                loss_add(&l->engine->loss, &gap);
}

static int load_all(struct loading *l, const uint8_t *stamp, uint64_t now_ns) {
        struct engine *engine = l->engine;
        struct carry_reader *r = &l->reader;
        int q;

        q = load_head(l, stamp, now_ns);
        if (q < 0)
                return q;
        engine->now_ns = l->head.now_ns;
        engine->last_match = l->head.last_match;
        engine->last_coming = l->head.last_coming;
        engine->evidence.key = l->head.evidence_key;
        engine->suppress.secret = l->head.suppress_key;
        engine->pool.last_serial = l->head.last_serial;
        engine->pool.last_opened = l->head.last_opened;
        l->carried.number = l->head.number;

        for (uint32_t i = 0; i < l->head.n_paths && !r->bad; i++)
                load_path(l, i);
        for (uint32_t i = 0; i < l->head.n_images && !r->bad; i++)
                load_image(l, i);
        for (uint32_t i = 0; i < l->head.n_kept && !r->bad; i++)
                load_kept(l, i);
        for (uint32_t i = 0; i < l->head.n_steps && !r->bad; i++)
                load_step(l, i);
        for (uint32_t i = 0; i < l->head.n_groups && !r->bad; i++)
                load_group(l);
        for (uint32_t i = 0; i < l->head.n_stories && !r->bad; i++)
                load_story(l);
        for (uint32_t i = 0; i < l->head.n_gaps && !r->bad; i++)
                load_gap(l);
        return r->bad || r->at != r->n ? -EBADMSG : 0;
}

/* As if nothing had been there. */
static void forget(struct engine *engine) {
        uint32_t story;

        engine_drop_runs(engine);
        while ((story = suppress_first(&engine->suppress)) != SUPPRESS_NONE)
                suppress_remove(&engine->suppress, story);
        engine->loss.n = 0;
        engine->now_ns = engine->last_match = engine->last_coming = 0;
        engine->pool.last_serial = engine->pool.last_opened = 0;
        engine->stats = (struct engine_stats){};
}

int engine_load(struct engine *engine, struct process_table *table, const void *data, size_t n,
                const uint8_t stamp[static CARRY_STAMP], uint64_t now_ns,
                void (*on_ended)(const char *path, size_t length, uint64_t n_runs, void *userdata), void *userdata,
                struct carried *ret) {
        struct loading l = {.engine = engine, .table = table};
        uint64_t sum;
        int r;

        assert(!engine->event && engine->pool.n_runs == 0 && table == engine->table);

        if (n < sizeof(sum) || n > CARRY_MAX_BYTES)
                return -EBADMSG;
        n -= sizeof(sum);
        memcpy(&sum, (const uint8_t *)data + n, sizeof(sum));
        if (carry_checksum(data, n) != sum)
                return -EBADMSG;
        l.reader = (struct carry_reader){.data = data, .n = n};
        r = load_all(&l, stamp, now_ns);
        if (r < 0)
                forget(engine);
        else {
                for (uint32_t i = 0; on_ended && i < l.head.n_paths; i++)
                        if (l.n_ended[i] > 0)
                                on_ended((const char *)data + l.names[i].offset, l.names[i].length, l.n_ended[i],
                                         userdata);
                *ret = l.carried;
        }
        loading_done(&l);
        return r;
}

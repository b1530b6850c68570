/* SPDX-License-Identifier: Apache-2.0 */

/* What a process left of its open stories, with some of its bytes changed (three bytes of input each: where, and with
 * what) and a checksum that fits: refused, or taken over. Then it is what an engine can hold: the rest of the stories
 * is fed, what is told can be read, and what is left anew can be taken over. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "engine/carry.h"
#include "process/process-fields.h"
#include "story/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char policies[] =
        "path \"seq\" { by = tree\n openat { $f = pathname, $o = file }\n"
        "block \"b\" { within = 30s\n chmod { pathname == $f, $m = mode }\n unlink { } ...\n openat { pathname == $f "
        "}\n"
        "}\n unlink { pathname == $f }\n until chmod { pathname == \"/e\" } }\n"
        "path \"gone\" { by = process\n openat { pathname == \"/a\", $x = proc.exe }\n no unlink { } within 20s }\n"
        "path \"many\" { by = user\n repeat 4 distinct pathname within 1m { openat { } } }\n"
        "path \"then\" { by = descent\n chmod { }\n repeat 3 { openat { } }\n}\n"
        "path \"sum\" { by = host\n score = 20\n decay = 1 per 1m\n openat { } +2\n unlink { } +3 }\n"
        "path \"told\" { by = host\n suppress = 1h\n openat { $p = pathname } }\n";

static const char stories[] = "process sh parent=init exe=/bin/sh uid=1000 argv=[sh -c x]\n"
                              "0s sh openat pathname=/a flags=O_RDONLY file=8:1/7.1\n"
                              "1s sh openat pathname=/b flags=O_RDONLY file=8:1/8.1\n"
                              "2s sh chmod pathname=/a mode=0755\n"
                              "3s sh openat pathname=/b flags=O_RDONLY file=8:1/8.1\n"
                              "4s sh unlink pathname=/c\n"
                              "5s sh openat pathname=/a flags=O_RDONLY file=8:1/7.1\n"
                              "6s sh unlink pathname=/a\n"
                              "50s sh openat pathname=/d flags=O_RDONLY file=8:1/9.1\n";
#define FED 5                           /* records, before the first process ends */

static const struct engine_limits limits = {
        .max_runs = 64,
        .max_tuples = 16,
        .max_keys = 64,
        .max_counts = 64,
        .max_suppressed = 8,
        .evidence_bytes = 1 << 16,
};
static const struct process_table_limits table_limits = {
        .max_processes = 64,
        .max_image_bytes = 1 << 16,
        .max_cgroups = 8,
        .grace_ns = 1,
};
static const uint8_t stamp[CARRY_STAMP] = {1};

static struct program *program;
static struct story *story;
static struct strbuf left;

/* Sanitizers see it if this is not all there. */
static volatile uint8_t all_read;

static void read_value(const struct value *value) {
        if (value->state != VALUE_UNKNOWN && (value->type == VALUE_STRING || value->type == VALUE_LIST))
                for (uint32_t i = 0; i < value->length; i++)
                        all_read += (uint8_t)value->bytes[i];
}

static void on_match(const struct match *match, void *userdata) {
        assert(match->n_steps <= MATCH_MAX_STEPS);
        for (unsigned i = 0; i < PROGRAM_MAX_SLOTS; i++)
                read_value(&match->captures[i]);
        for (size_t i = 0; i < match->n_steps; i++) {
                const struct match_step *step = &match->steps[i];
                const struct kind_info *info = step->event.wire ? schema_kind(event_kind(&step->event)) : NULL;
                struct process process = {.image = (struct process_image *)step->image};
                struct value value;

                for (unsigned f = info ? info->first_field : 0; info && f < info->first_field + info->n_fields; f++) {
                        event_get(&step->event, f, &value);
                        read_value(&value);
                }
                process_get(&process, NULL, FIELD_PROCESS_args, &value);
                read_value(&value);
        }
}

static const struct engine_sink sink = {.on_match = on_match};

static void feed(struct engine *engine, struct process_table *table, size_t from, size_t to) {
        for (size_t i = from; i < to; i++) {
                struct event event;

                assert(world_event(&story->world, i, &event) == 0);
                engine_feed(engine, &event, process_table_update(table, &event));
        }
}

static int put(const void *data, size_t n, void *userdata) {
        strbuf_put_n(userdata, data, n);
        return 0;
}

static void save(const struct engine *engine, struct strbuf *to) {
        assert(engine_save(engine, stamp, FED, &(struct carry_sink){put, to}) == 0 && to->error == 0);
}

static int load(struct engine *engine, struct process_table *table, const struct strbuf *from,
                struct carried *ret) {
        return engine_load(engine, table, from->data, from->n, stamp, UINT64_MAX, NULL, NULL, ret);
}

static void open_engine(struct process_table **table, struct engine **engine) {
        assert(process_table_new(&table_limits, table) == 0);
        assert(engine_new(program, *table, &limits, &sink, engine) == 0);
}

static void begin(void) {
        const struct policy_options options = {.default_within_ns = 600000000000, .trust_any_owner = true};
        const struct story_source source = {.name = "story", .text = stories, .n = strlen(stories), .line = 1};
        struct process_table *table;
        struct policy_set *set = NULL;
        struct engine *engine;
        struct diag_set diags;

        siphash_set_process_key(&(struct siphash_key){1, 2});   /* the same bytes every time */
        diag_set_init(&diags, 0);
        if (policy_set_parse("policies", policies, strlen(policies), &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &program) < 0 || story_parse(&source, &diags, &story) < 0) {
                struct strbuf b = {};

                diag_set_put_text(&diags, NULL, 0, &b);
                fputs(strbuf_str(&b), stderr);
                abort();
        }
        policy_set_free(set);
        diag_set_done(&diags);
        open_engine(&table, &engine);
        feed(engine, table, 0, FED);
        save(engine, &left);
        engine_free(engine);
        process_table_free(table);
}

static void take_over(const struct strbuf *from) {
        struct engine *engine, *next;
        struct process_table *table;
        struct carried carried, again;
        struct engine_stats stats;
        struct strbuf b = {};
        int r;

        open_engine(&table, &engine);
        r = load(engine, table, from, &carried);
        engine_stats(engine, &stats);
        if (r < 0) {
                assert(r == -EBADMSG || r == -EPROTO);
                assert(stats.n_runs == 0 && stats.evidence_used == 0);
        } else {
                assert(stats.n_runs == carried.n_runs);
                save(engine, &b);
                assert(engine_new(program, table, &limits, &sink, &next) == 0);
                assert(load(next, table, &b, &again) == 0);
                assert(again.n_runs == carried.n_runs && again.n_suppressed == carried.n_suppressed);
                engine_free(next);
                strbuf_done(&b);
        }
        feed(engine, table, FED, story->world.records.n);
        engine_tick(engine, UINT64_MAX / 2);
        engine_end(engine);
        engine_free(engine);
        process_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct strbuf changed = {};
        uint64_t sum;

        if (!program)
                begin();
        strbuf_put_n(&changed, left.data, left.n - sizeof(sum));
        assert(changed.error == 0);
        for (; n >= 3; n -= 3, data += 3)
                changed.data[(data[0] | data[1] << 8) % changed.n] ^= (char)data[2];
        /* One byte that is left over: cut off that many. */
        if (n == 1)
                strbuf_truncate(&changed, changed.n - MIN(changed.n, (size_t)data[0] * 16));
        sum = siphash64(changed.data, changed.n, &(struct siphash_key){});
        strbuf_put_n(&changed, &sum, sizeof(sum));
        assert(changed.error == 0);
        take_over(&changed);
        strbuf_done(&changed);
        return 0;
}

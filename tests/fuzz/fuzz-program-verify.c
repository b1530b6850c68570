/* SPDX-License-Identifier: Apache-2.0 */

/* A valid program with damage: it is refused, or everything that reads programs reads it without harm.
 *
 * It is listed, its matchers and predicates are asked about a few texts, and the engine runs it over a short story.
 *
 * The input is no program but what to spoil, so that the corpus outlives changes of layout: four bytes for each spot:
 * where (24 bits, modulo the size) and what to add there. The first byte of the first spot also says which program it
 * is. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "engine/engine.h"
#include "event/encode.h"
#include "program/matcher.h"
#include "program/predicate.h"
#include "program/program-dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const policies[] = {
        "path \"one\" { openat { pathname == \"/a\" } }",

        "path \"a\" { by = process\n"
        "  openat { pathname in [\"/a\", \"/b\"], $f = pathname }\n"
        "  not unlink { pathname == $f }\n"
        "  chmod { pathname == $f } ..\n"
        "  within 5s { execve { any argv startswith \"-\", filename =~ 'x[0-9]+/y', $p = proc.pid }\n"
        "    within 1s { connect { daddr in [10.0.0.0/8, 192.168.0.0/16], dport in [80, 443] } write { content "
        "contains \"root\" } }\n"
        "    any { rename { pathname glob \"/a/*b/**\" } block \"b\" { unlink { } rename { newpath ~= \"/X\" } } } }\n"
        "  except { proc.name == \"apt\" or parent.name == \"dpkg\" or pathname endswith \".tmp\" } }\n"
        "path \"b\" { execve { proc.name contains \"sh\", any env startswith \"LD_PRELOAD=\" } ? openat { flags & "
        "O_CREAT }\n"
        "  : execve { ancestor.exe == \"/usr/sbin/sshd\" } ? connect { } : chmod { mode has all 06000 } }\n"
        "path \"c\" { openat { result < 0, proc.uid != 0 } }\n",
};

#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

static struct program *programs[N_POLICIES];

static void compile_all(void) {
        const struct policy_options options = {.default_within_ns = 1000000000, .trust_any_owner = true};

        for (size_t i = 0; i < N_POLICIES; i++) {
                struct policy_set *set;
                struct diag_set diags;
                struct strbuf text = {};

                diag_set_init(&diags, 0);
                if (policy_set_parse("fuzz", policies[i], strlen(policies[i]), &options, &diags, &set) < 0 ||
                    compile_policies(set, NULL, &diags, &programs[i]) < 0) {
                        diag_set_put_text(&diags, NULL, 0, &text);
                        fputs(strbuf_str(&text), stderr);
                        abort();
                }
                policy_set_free(set);
                diag_set_done(&diags);
        }
}

struct count {
        uint32_t n;
        uint8_t seen[1024];
};

static void on_hit(uint32_t pattern, void *data) {
        struct count *count = data;

        assert(pattern < count->n);
        assert(!(count->seen[pattern / 8] >> pattern % 8 & 1));
        count->seen[pattern / 8] |= 1 << pattern % 8;
}

static const char *const texts[] = {"", "/a", "/a/xb/y", "x42/y", "LD_PRELOAD=/tmp/x", "root\n\xff", "/usr/sbin/sshd"};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static void run_matchers(const struct program *program) {
        for (uint32_t i = 0; i < program->n_matchers; i++)
                for (size_t k = 0; k < 2 * N_TEXTS; k++) {
                        struct count count = {.n = program->matchers[i].predicates.n};
                        struct matcher_sink sink = {.on_match = on_hit, .on_open = on_hit, .data = &count};
                        const char *text = texts[k / 2];

                        matcher_run(program_text(program, program->matchers[i].table), text, strlen(text), k % 2,
                                    &sink);
                }
}

static void test_predicates(const struct program *program) {
        for (uint32_t i = 0; i < program->n_predicates; i++) {
                const struct predicate *predicate = &program->predicates[i];
                struct value value = {.type = schema_field((enum field)predicate->field)->type};

                for (size_t k = 0; k < 3 * N_TEXTS; k++) {
                        value.state = k % 3 == 0 ? VALUE_UNKNOWN : k % 3 == 1 ? VALUE_CUT : VALUE_KNOWN;
                        if (value.type == VALUE_STRING || value.type == VALUE_LIST) {
                                value.bytes = texts[k / 3];
                                value.length = strlen(value.bytes) + (value.type == VALUE_LIST);
                        } else
                                value.number = (int64_t)k - 3;
                        if (value.type == VALUE_LIST)
                                predicate_test_list(program, predicate, &value, NULL);
                        else
                                predicate_test(program, predicate, &value, NULL);
                }
        }
}

static void on_match(const struct match *match, void *data) {
        assert(match->path && match->n_steps <= MATCH_MAX_STEPS);
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *data) {
}

/* Two processes do in turn what the policies above wait for. */
static void make_record(struct record *record, unsigned i) {
        static const enum wire_kind kinds[] = {
                WIRE_KIND_execve, WIRE_KIND_openat,  WIRE_KIND_chmod,  WIRE_KIND_chmod,
                WIRE_KIND_execve, WIRE_KIND_connect, WIRE_KIND_write,  WIRE_KIND_rename,
                WIRE_KIND_unlink, WIRE_KIND_fork,    WIRE_KIND_openat, WIRE_KIND_unlink,
        };
        const struct kind_info *info;

        record_begin(record, kinds[i % (sizeof(kinds) / sizeof(kinds[0]))]);
        info = schema_kind((enum wire_kind)record->header.kind);
        record->header.tgid = record->header.tid = 10 + i % 2;
        record->header.start_ns = record->header.tgid;
        record->header.time_ns = UINT64_C(100000000) * i;
        record->header.result = i % 7 == 6 ? -13 : 0;
        for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++)
                switch (schema_field((enum field)f)->type) {
                case VALUE_NUMBER: record_set_number(record, (enum field)f, i % 3 == 0 ? 443 : 0777); break;
                case VALUE_STRING: record_set_text(record, (enum field)f, i % 5 == 4 ? "x42/y" : "/a"); break;
                case VALUE_LIST: record_set_list_bytes(record, (enum field)f, "sh\0-c", 6); break;
                case VALUE_OBJECT: record_set_object(record, (enum field)f, &(struct wire_object){.inode = 7}); break;
                case VALUE_ADDRESS:
                case VALUE_IDENTITY:
                case _VALUE_TYPE_MAX: break;
                }
        if (record_finish(record) < 0)
                abort();
}

static void run_engine(struct program *program) {
        const struct process_table_limits table_limits = {
                .max_processes = 64, .max_image_bytes = 1 << 20, .max_cgroups = 16, .grace_ns = 1000000000};
        const struct engine_limits limits = {.max_runs = 256,
                                             .max_tuples = 64,
                                             .max_keys = 64,
                                             .max_counts = 64,
                                             .max_suppressed = 64,
                                             .evidence_bytes = 1 << 20};
        const struct engine_sink sink = {.on_match = on_match, .on_obscured = on_obscured};
        struct process_table *table;
        struct engine *engine;
        static struct record record;

        if (process_table_new(&table_limits, &table) < 0)
                return;
        if (engine_new(program, table, &limits, &sink, &engine) >= 0) {
                for (unsigned i = 0; i < 48; i++) {
                        struct event event;

                        make_record(&record, i);
                        if (event_parse(record.data, record.header.size, &event) < 0)
                                abort();
                        event.number = i + 1;
                        engine_feed(engine, &event, process_table_update(table, &event));
                }
                engine_end(engine);
                engine_free(engine);
        }
        process_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct program *from;
        struct program *program;
        struct strbuf text = {};
        const char *where;
        uint8_t *block;
        size_t size;
        int r;

        if (!programs[0])
                compile_all();
        if (n == 0)
                return 0;

        from = programs[data[0] % N_POLICIES];
        size = from->size;
        block = malloc(size);
        if (!block)
                return 0;
        memcpy(block, from->header, size);
        for (; n >= 4; data += 4, n -= 4)
                block[((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % size] += data[3];

        r = program_new(block, size, &program, &where);
        free(block);
        if (r < 0) {
                assert(r == -EBADMSG || r == -EPROTO);
                assert(where);
                return 0;
        }

        run_matchers(program);
        test_predicates(program);
        run_engine(program);
        program_dump(program, &text);
        assert(text.error == 0);
        strbuf_done(&text);
        program_unref(program);
        return 0;
}

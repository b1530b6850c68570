/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Stage - an engine with a process table, events in one line each, and what it told as text.
 *
 *      stage_open(&stage, program);                    takes the program over
 *      at(0); opens(&stage, P, "/a");                  time in seconds from the beginning
 *      at(2); opens(&stage, P, "/b");
 *      stage_tells(&stage, "two 1@0 2@2 tree 100\n");  all matches since it was last asked
 *
 * A process that nobody introduced is entered from its records: its own tree, no creator. */

#include <check.h>
#include <stdarg.h>

#include "base/strbuf.h"
#include "engine/carry.h"
#include "engine/engine.h"
#include "event/encode.h"
#include "../program/program-builder.h"

#define SECOND UINT64_C(1000000000)
#define STAGE_START (1000 * SECOND)

#define PATHNAME FIELD_openat_pathname
#define UNLINKED FIELD_unlink_pathname
#define CHMODDED FIELD_chmod_pathname

enum { P = 100, Q = 200, R = 300 };

struct stage {
        struct program *program;
        struct process_table *table;
        struct engine *engine;
        struct engine_stats stats;
        char told[16384];
        size_t n_told;
        uint64_t n_numbers;             /* that alerts took */
        struct record record;
};

extern bool stage_arming; /* stage_open(): what is armed is told, too: "armed 100: 10/1/7", which is deadline,
                           * rules, and the file or the last byte of the address that was captured */
extern struct engine_limits stage_limits;       /* of the next stage_open(); tests may change them */
extern uint64_t stage_now, stage_number;

void at(double seconds);

void stage_open(struct stage *stage, struct program *program);
void stage_close(struct stage *stage);
void stage_swap(struct stage *stage, struct program *program);

/* What a new engine under this program, and another secret, is to go on with: as it is, or changed by the caller. */
void stage_save(struct stage *stage, struct strbuf *to);
int stage_restart(struct stage *stage, struct program *program, const struct strbuf *from, struct carried *ret);
extern char stage_ended[256];           /* whose runs ended by it: "two:1 " */

/* Begin a record, set fields of stage->record, and feed it. */
void stage_begin(struct stage *stage, enum wire_kind kind, uint32_t pid);
void stage_feed(struct stage *stage);

void opens(struct stage *stage, uint32_t pid, const char *path);
void opens_unknown(struct stage *stage, uint32_t pid);
void opens_with_result(struct stage *stage, uint32_t pid, const char *path, int64_t result);
void unlinks(struct stage *stage, uint32_t pid, const char *path);
void unlinks_unknown(struct stage *stage, uint32_t pid);
void chmods(struct stage *stage, uint32_t pid, const char *path, int64_t mode);
void executes(struct stage *stage, uint32_t pid, const char *file);
void forks(struct stage *stage, uint32_t pid, uint32_t child);
void exits(struct stage *stage, uint32_t pid);
void gap(struct stage *stage, uint64_t kinds, int64_t count);
void gap_until(struct stage *stage, uint64_t kinds, int64_t count, enum wire_loss reason, double seconds);
void tick(struct stage *stage);

/* Compare with what was told, and forget it. */
void stage_tells(struct stage *stage, const char *expected);

const struct engine_stats *stage_stats(struct stage *stage);

/* Programs: begin with builder_init(&b). */
extern struct builder b;

uint32_t opened(const char *path);              /* openat of this path */
uint32_t opened_below(const char *path);
uint32_t unlinked(const char *path);

/* A position with one step. */
struct edge *step(enum wire_kind kind, uint32_t condition, uint16_t target);

/* openat /a, openat /b */
struct path *two(const char *name);
struct program *two_by(enum program_key by, uint64_t suppress_ns);

/* openat { $f = pathname }, unlink { pathname == $f }; tells every time. */
struct program *tuples(const char *name, uint64_t within_ns);

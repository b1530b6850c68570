/* SPDX-License-Identifier: Apache-2.0 */
/* Program - the checked result of compilation, and the contract between compile and engine: neither knows the other.
 *
 * One block of bytes without pointers: a header, then sections of equal records that refer to each other by index. It
 * can be written to a file, handed over by another process, dumped, compared and fuzzed as data. program_new() verifies
 * it once (program-verify.h: every index in range, every position reachable, every operand of its field's type),
 * compiles its regexes, and from then on it is immutable and shared by reference.
 *
 *      path ──▶ positions ──▶ edges ──▶ condition ──▶ predicates (run-free)   ──▶ strings, lists, numbers, regexes,
 * matchers │           └───────▶ guards (compare with what a run captured) └─▶ writes (what a run captures)   └─▶
 * target position, or POSITION_ACCEPT
 *
 * A position is a place where a run waits. Semantics of an event at a position: docs/SEMANTICS.md. There is no
 * determinisation: captures, clocks and relations make it wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/interest.h"
#include "event/schema.h"

#define PROGRAM_MAGIC "EXECRAYP"        /* eight bytes, no NUL */
#define PROGRAM_VERSION 7
#define PROGRAM_MAX_BYTES (64U << 20)
#define PROGRAM_MAX_PATHS 4096
#define PROGRAM_MAX_POSITIONS 128       /* of one path */
#define PROGRAM_MAX_SLOTS 16            /* captures of one path, hidden ones included */
#define PROGRAM_MAX_REPEAT 1024         /* times */
#define PROGRAM_MAX_DEPTH 64            /* of a condition */
#define PROGRAM_MAX_NODES 65536         /* of a condition as a tree: shared children count as often as they are used */
#define POSITION_ACCEPT UINT16_MAX
#define PROGRAM_NONE UINT32_MAX         /* no such index */

/* A run of elements in another section. */
struct program_range {
        uint32_t first, n;
};

/* Bytes in the section `bytes`; followed there by a NUL that is not counted. */
struct program_string {
        uint32_t offset, length;
};

enum program_subject {
        SUBJECT_EVENT,                  /* the event's own or common fields */
        SUBJECT_PROCESS,                /* the acting process */
        SUBJECT_PARENT,                 /* its creator */
        SUBJECT_ANCESTOR,               /* OR over all creators, from the parent up */
        SUBJECT_EACH,                   /* the creator that the CONDITION_ANCESTOR around it is looking at */
        _SUBJECT_MAX,
};

enum {
        INDEX_NONE = -1,                /* the field as a whole */
        INDEX_ANY = -2,                 /* any element of a list */
};

/* One comparison of a field with a constant: evaluated at most once per event, however many policies use it. Only
 * positive forms:
 * `!=` is CONDITION_NOT over PREDICATE_EQUAL, and so on; that keeps the three values right. */
struct predicate {
        uint16_t field;                 /* enum field; of one kind, common, or of a process */
        uint8_t subject;                /* enum program_subject */
        uint8_t op;                     /* enum predicate_op */
        int16_t index;                  /* of a VALUE_LIST: 0 .. , INDEX_ANY; else INDEX_NONE */
        uint16_t pad;
        union {
                int64_t number;
                struct program_string string;
                struct program_range list;      /* of numbers, strings or networks, as the op says; sorted */
                uint32_t regex;                 /* in the section regexes */
        };
};

enum predicate_op {
#define PREDICATE(id, operand, doc) PREDICATE_##id,
#include "program/predicate.def"
        _PREDICATE_OP_MAX,
};

struct program_network {                /* an address with a prefix length; IPv4 in the first four bytes */
        struct wire_address address;
        uint32_t prefix;
        uint32_t pad;
};

/* Compare a field of this event with what the run captured before. A slot that is not bound (a hidden one, or in an
 * `until`) makes it unknown. */
struct guard {
        uint16_t field;
        uint8_t subject;                /* with ANCESTOR: OR over all creators */
        uint8_t op;                     /* enum guard_op */
        int16_t index;
        uint16_t slot;
};

enum guard_op {
        GUARD_EQUAL,                    /* same bytes, number, object or address */
        GUARD_LESS, GUARD_LESS_EQUAL, GUARD_GREATER, GUARD_GREATER_EQUAL,       /* numbers */
        _GUARD_OP_MAX,
};

enum condition_op {
        CONDITION_TRUE,
        CONDITION_FALSE,
        CONDITION_PREDICATE,            /* args.first: predicate */
        CONDITION_GUARD,                /* args.first: guard */
        CONDITION_AND,                  /* args: range in the section `children` */
        CONDITION_OR,
        CONDITION_NOT,                  /* args.first: condition */
        CONDITION_ANCESTOR,             /* args.first: condition, OR over all creators as SUBJECT_EACH; a chain that
                                           breaks adds an unknown. Never inside of another one */
        _CONDITION_OP_MAX,
};

/* A node of a condition; children come before their parents in the section, so evaluation needs no cycle check. */
struct condition {
        uint8_t op;                     /* enum condition_op */
        bool run_free; /* no guard and no EACH below, unless all EACH are inside of an ANCESTOR below: its
                          value belongs to the event and may be remembered */
        uint16_t depth;
        struct program_range args;
};

enum edge_type {
        EDGE_ADVANCE,                   /* take the event, go to the target */
        EDGE_COUNT,                     /* count it in the position's repeat; the last one goes to the target */
        EDGE_SCORE,                     /* of a `score` path: add `points`, stay */
        EDGE_LOOP,                      /* a repetition at its minimum: stay, count the event as evidence */
        EDGE_KILL,                      /* a `not` in force: end the run */
        _EDGE_TYPE_MAX,
};

struct edge {
        uint16_t kind;                  /* enum wire_kind */
        uint8_t type;                   /* enum edge_type */
        bool any_result;                /* failed calls are taken as well (the step names `result` or `failed`) */
        uint32_t condition;
        struct program_range
                writes; /* captures, in order. COUNT: none, or one of slot SLOT_DISTINCT: what is counted */
        uint32_t step; /* in the section `steps`: what evidence is called; PROGRAM_NONE for EDGE_KILL */
        uint16_t target; /* position of the same path, later than its own, or POSITION_ACCEPT; own position for LOOP and
                            KILL */
        uint16_t pad;
        uint32_t block; /* ADVANCE: innermost windowed block that the step is in, or PROGRAM_NONE: the blocks from here
                         * up whose `first` is the edge's position begin (or, for a copy, begin anew) with this step */
        int32_t points;                 /* of SCORE, at least 1 */
};

#define SLOT_DISTINCT UINT16_MAX

struct slot_write {
        uint16_t slot;
        uint16_t field;
        uint8_t subject;                /* EVENT, PROCESS or PARENT */
        bool weak; /* a field that is not known leaves the slot unbound; else the edge is not taken */
        int16_t index;
};

struct position {
        struct program_range edges;     /* in the order of enum edge_type */
        uint32_t block; /* innermost windowed block that this position is inside, after its first step; or PROGRAM_NONE
                         */
        uint32_t repeat;                /* in `repeats`: what its COUNT edges count for; or PROGRAM_NONE */
        uint32_t absence;               /* in `absences`: what it waits not to happen; or PROGRAM_NONE. Then it has no
                                           ADVANCE and no COUNT: its KILL edges are what must not happen */
        uint32_t pad;
};

/* `repeat N within D`: each run that waits there holds the last N times. */
struct repeat {
        uint32_t n;                     /* 1 .. PROGRAM_MAX_REPEAT */
        bool distinct;
        uint8_t pad[3];
        uint64_t within_ns;             /* 0: none of its own */
};

/* `no step within D`: D after the step before, the run goes to the target by the clock. */
struct absence {
        uint64_t within_ns;
        uint32_t step;                  /* in `steps`: what evidence is called */
        uint16_t target;                /* a later position of the path, or POSITION_ACCEPT */
        uint16_t pad;
};

/* `until`: ends every run of the key that the event does not complete. */
struct until {
        uint16_t kind;                  /* enum wire_kind */
        bool any_result;
        uint8_t pad;
        uint32_t condition;
        uint64_t slots; /* captures that it names: only runs that have bound all of them are looked at */
};

/* A named group; within_ns is 0 if it has no window. Positions inside a windowed block fall back to `first` when it
 * expires. */
struct block {
        struct program_string name;
        uint64_t within_ns;
        uint32_t parent;                /* windowed block around it, or PROGRAM_NONE */
        uint16_t first;                 /* position where its first element is waited for */
        uint16_t depth;                 /* among windowed blocks, from 0; at most PROGRAM_MAX_WINDOWS - 1 */
        uint64_t clears;                /* bit set of the slots that are bound inside */
};
#define PROGRAM_MAX_WINDOWS 3           /* windowed blocks inside each other */

/* What is shown of an edge in an alert. */
struct step {
        uint32_t line, column;          /* in the policy's file */
        uint16_t number;                /* from 1, as written in the path */
        uint16_t kind;
        uint32_t block;                 /* innermost named block, or PROGRAM_NONE */
        struct program_range fields;    /* in the section `fields`: those that its conditions name: the deciding ones */
        struct program_range respond;   /* in `texts`: what is to be done when a run takes this step */
};

struct step_field {
        uint16_t field;
        uint8_t subject;
        uint8_t pad;
        int16_t index;
        uint16_t pad2;
};

enum program_key {
        KEY_TREE, KEY_PROCESS, KEY_DESCENT, KEY_UNIT, KEY_CONTAINER, KEY_USER, KEY_HOST,
        _KEY_MAX,
};

enum severity {
        SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL,
        _SEVERITY_MAX,
};

enum on_loss {
        ON_LOSS_FLAG, ON_LOSS_ALERT, ON_LOSS_SKIP,
        _ON_LOSS_MAX,
};

/* What the kernel does of itself at the last step (program/enforce.h). */
enum path_enforce {
        PATH_ENFORCE_NONE,
        PATH_ENFORCE_KILL,              /* the caller never comes back from it */
        PATH_ENFORCE_DENY,              /* the call is refused */
        _PATH_ENFORCE_MAX,
};

struct path_exception {
        uint32_t condition;
        uint32_t line;                  /* where it stands, in its file: drop-ins are files of their own */
        uint64_t slots;                 /* captures that it names; 0: decided by the event alone */
        struct program_string file, reason, owner;
};

/* Of a `score` path: position 0 alone, all edges SCORE. threshold 0: not one. */
struct score {
        uint32_t threshold;
        uint32_t decay;                 /* points that are forgotten in decay_ns; at least 1 */
        uint64_t decay_ns;
};

struct path {
        struct program_string name;
        struct program_string description;
        struct program_string file;     /* where it was written */
        uint32_t line;
        uint8_t severity, by, on_loss;
        bool absence;                   /* it has a `not`, a `no` or an `until`: on_loss matters to it */
        uint8_t enforce;                /* enum path_enforce */
        uint8_t pad[7];
        uint8_t hash[16];               /* of the lowered path and all that it uses: equal hash, same meaning */
        uint64_t within_ns;             /* 0: unlimited */
        uint64_t suppress_ns;
        struct program_range techniques, respond;       /* in the section `texts` */
        struct program_range exceptions;
        struct program_range untils;
        struct score score;
        struct program_range positions; /* the first is the start: its ADVANCE edges begin runs */
        struct program_range slots;     /* in `texts`: their names, with the dollar sign; hidden ones have a dot */
        uint64_t kinds;                 /* bit per wire_kind that its edges and `until`s look at */
};

/* A first step, filed for dispatch: under its kind, or under predicates (decided by a matcher) of which one must be
 * true for it. Each list sorted. */
struct start {
        uint32_t path, edge;
};

struct regex_text {
        struct program_string pattern;
        struct program_string literal;  /* bytes that every match contains; length 0: none known */
        bool caseless;
        uint8_t pad[7];
};

/* All string patterns on one field, decided together; see program/matcher.h for `table`. */
struct matcher_ref {
        uint16_t field;
        uint8_t subject;
        uint8_t pad;
        int16_t index;                  /* INDEX_NONE, INDEX_ANY or an element */
        uint16_t pad2;
        struct program_range
                predicates; /* in `matched`: the predicates that it decides, in order of their pattern number */
        struct program_string table;    /* in `bytes`, 8-byte aligned */
        uint64_t kinds;                 /* run it for these */
};

#define PROGRAM_SECTIONS(S)                                                                                          \
        S(path, paths) S(position, positions) S(edge, edges) S(condition, conditions) S(uint32_t_, children)         \
        S(predicate, predicates) S(guard, guards) S(slot_write, writes) S(block, blocks) S(step, steps)               \
        S(step_field, fields) S(program_string, texts) S(int64_t_, numbers) S(program_network, networks)              \
        S(path_exception, exceptions) S(until, untils) S(repeat, repeats) S(absence, absences)                        \
        S(regex_text, regexes) S(matcher_ref, matchers) S(uint32_t_, matched)           \
        S(start, starts)

struct uint32_t_ { uint32_t value; };
struct int64_t_ { int64_t value; };

struct program_header {
        char magic[8];                  /* PROGRAM_MAGIC */
        uint32_t version, size;
        uint64_t generation;            /* set by the loader, 0 in a file */
        uint64_t fingerprint;           /* of the schema (schema.h) that it was compiled against */
        struct interest interest;
#define S(type, name) \
        struct program_range name; /* first: byte offset from the start of the block, a multiple of 8; n: records */
        PROGRAM_SECTIONS(S)
#undef S
        struct program_range bytes;
        struct program_range kind_starts[_WIRE_KIND_MAX]; /* in `starts`: to be tried for every event of the kind */
        struct program_range
                predicate_starts; /* byte offset, n = number of predicates: struct program_range each, in `starts` */
};

/* A verified program with its sections as pointers; all of it borrowed from one owned block. */
struct program {
        unsigned n_refs;
        size_t size;
        const struct program_header *header;
#define S(type, name) const struct type *name; uint32_t n_##name;
        PROGRAM_SECTIONS(S)
#undef S
        const char *bytes;
        const struct program_range *predicate_starts;
        struct regex **compiled;        /* owned; one per regex_text (program/regex.h) */
};

/* Take a copy of `size` bytes, verify them and compile the regexes. -EBADMSG: not a valid program, *ret_where (may be
 * NULL) names what is wrong; -EPROTO: of another version or schema; -ENOMEM. */
int program_new(const void *data, size_t size, struct program **ret, const char **ret_where);

/* Number a program that nobody else refers to yet: the one moment at which it may still be written to. */
void program_set_generation(struct program *program, uint64_t generation);

/* What a program says in its header about the schema: names, types and numbers of all kinds and fields. */
uint64_t program_schema_fingerprint(void);
struct program *program_ref(struct program *program);
struct program *program_unref(struct program *program);

static inline const char *program_text(const struct program *program, struct program_string string) {
        return program->bytes + string.offset;
}

const char *severity_to_string(enum severity severity);
const char *program_key_to_string(enum program_key key);
const char *path_enforce_to_string(enum path_enforce enforce);
int path_enforce_from_string(const char *name, size_t length);          /* -EINVAL if it is none */
int severity_from_string(const char *name, size_t length);              /* -EINVAL if it is none */
int program_key_from_string(const char *name, size_t length);

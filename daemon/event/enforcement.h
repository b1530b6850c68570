/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcement - what the kernel is to refuse, or to kill for, of itself: the last steps of policies with `enforce`, as
 * rules of tests. program/enforce.h makes them of a program, capture puts them into force.
 *
 * A rule is one conjunction: all of its tests hold, or it does not. A test holds if any of its operands does, a negated
 * one if none does; what cannot be found out makes either not hold. A rule that is not `armed` is all of its story, and
 * always in force. One that is waits until capture is told of a key whose story has come so far. Plain values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

#define ENFORCEMENT_MAX_RULES 8         /* of one policy */
#define ENFORCEMENT_MAX_TESTS 8         /* of one rule */
#define ENFORCEMENT_MAX_OPERANDS 32     /* of one test */
#define ENFORCEMENT_MAX_TEXT 240        /* bytes of a string that is compared */
#define ENFORCEMENT_MAX_RUNS 8          /* of one path and key that are armed at a time */
#define ENFORCEMENT_MAX_POSITIONS 128   /* of one path */

enum enforcement_field {
        ENFORCEMENT_UID,                /* of the caller, in his own user namespace's parent of all: numbers */
        ENFORCEMENT_EUID,               /* of an exec: what it was before, which only a security hook sees */
        ENFORCEMENT_GID,
        ENFORCEMENT_EGID,
        ENFORCEMENT_EXE,                /* what the caller runs, by path; not of an exec */
        ENFORCEMENT_PATH,               /* by path: of the file, the image that is to run, or what the target runs */
        ENFORCEMENT_FILE,               /* the same as an object: CAPTURED only */
        ENFORCEMENT_FLAGS,              /* of open */
        ENFORCEMENT_ADDRESS,            /* of the far side */
        ENFORCEMENT_PORT,
        ENFORCEMENT_REQUEST,            /* of ptrace, and of whom: */
        ENFORCEMENT_TARGET_PID,
        ENFORCEMENT_TARGET_UID,
        _ENFORCEMENT_FIELD_MAX,
};

enum enforcement_op {
        ENFORCEMENT_EXACT,              /* text */
        ENFORCEMENT_PREFIX,
        ENFORCEMENT_SUFFIX,
        ENFORCEMENT_RANGE,              /* low <= number <= high, as unsigned 32 bits */
        ENFORCEMENT_ANY_BITS,           /* low: any of these is set */
        ENFORCEMENT_ALL_BITS,           /* low: all of these are */
        ENFORCEMENT_NETWORK,            /* address with `bits` in front */
        ENFORCEMENT_CAPTURED,           /* FILE, ADDRESS: what the run captured, told when it is armed; no operands */
        _ENFORCEMENT_OP_MAX,
};

struct enforcement_operand {
        const char *text;               /* EXACT, PREFIX, SUFFIX: borrowed from the program, with a NUL behind */
        size_t n_text;
        uint32_t low, high;
        struct wire_address address;
        uint32_t bits;
};

struct enforcement_test {
        enum enforcement_field field;
        enum enforcement_op op;
        bool negate;
        size_t n_operands;
        struct enforcement_operand operands[ENFORCEMENT_MAX_OPERANDS];
};

/* Whose story it is: whom a rule is armed for. */
enum enforcement_key {
        ENFORCEMENT_PROCESS,            /* id, start_ns */
        ENFORCEMENT_TREE,               /* of which the process is the first; tree_tgid, tree_start_ns of the wire */
        ENFORCEMENT_UNIT,               /* name: of the caller's control group (event/cgroup-path.h) */
        ENFORCEMENT_CONTAINER,
        ENFORCEMENT_USER,               /* id: loginuid, else uid */
        ENFORCEMENT_HOST,
        _ENFORCEMENT_KEY_MAX,
};

struct enforcement_rule {
        const char *policy;             /* its name; borrowed from the program */
        uint32_t path;                  /* its number there: told back in verdicts */
        uint8_t bit;                    /* 1 << its number among the rules of its path */
        enum wire_kind kind;            /* connect, sendto, openat, execve, ptrace */
        bool kill;                      /* the caller does not live on; else the call is refused */
        bool armed;
        enum enforcement_key key;
        size_t n_tests;
        struct enforcement_test tests[ENFORCEMENT_MAX_TESTS];
};

/* What one path asks for. A slot is that of the capture with which FILE or ADDRESS is compared. */
#define ENFORCEMENT_NO_SLOT UINT16_MAX
struct enforcement {
        uint16_t file_slot, address_slot;
        uint8_t awaited[ENFORCEMENT_MAX_POSITIONS];     /* by position: the rules that a run waits for there */
        size_t n_rules;
        struct enforcement_rule rules[ENFORCEMENT_MAX_RULES];
};

/* One story that waits for its last step. */
struct enforcement_run {
        uint64_t deadline_ns;           /* CLOCK_BOOTTIME; UINT64_MAX: none */
        uint8_t rules;                  /* that it waits for: their bits */
        bool has_file, has_address;     /* what CAPTURED compares with */
        struct wire_object file;
        struct wire_address address;
};

/* All stories of a path and key that wait for their last step, in the place of what was told before; without any the
 * key is armed no more. Equal ones are one. Of more than there is room for those that came last are armed. */
struct enforcement_arming {
        uint32_t path;
        uint32_t id;                    /* as its key says */
        uint64_t start_ns;
        const char *name;               /* borrowed */
        size_t n_name;
        bool crowded;                   /* one more has come, and there was no room for all */
        size_t n_runs;
        struct enforcement_run runs[ENFORCEMENT_MAX_RUNS];
};

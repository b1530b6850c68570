/* SPDX-License-Identifier: Apache-2.0 */
/* Prefilter - what the kernel may leave out, since no policy that is loaded could use it.
 *
 * Events are classified by bit vectors (Lakshman and Stiliadis, "High-speed policy-based packet forwarding using
 * efficient multi-dimensional range matching", SIGCOMM 1998). Each use of a kind - a step of a policy, or several that
 * are alike - has a bit. Each dimension, a field that uses look at, says which uses an event may still be for:
 *
 *      uses that do not look at it  |  uses one of whose patterns it has
 *
 * All dimensions together, and nothing left: no policy could use the event. A value that is not known, or cut, rules
 * nothing out. So it is never too narrow, and may be too wide.
 *
 * What a cgroup is called is not known at once: what happens in it before passes. The daemon itself looks at names, and
 * tells the kernel which uses are left of who is in which group.
 *
 * A use that is not first in its story waits: there is nothing for it to do before the story began. The event that
 * may begin one *arms* the story's key for the kinds that may follow, for as long as the story may last, before its
 * own record is written: so whoever acts after it finds the key armed.
 *
 * Some uses only count (program/aggregate.h). An event that could be for no others, and is the same as one that was
 * told a moment before, is counted in the kernel, and the count told when the moment is over (struct wire_aggregate).
 *
 * A use that may end a story, start a response or have the kernel decide the next step is *urgent*: a record that may
 * be for one calls the reader. That holds of a kind that is not filtered, too: then for all its records. Where it takes
 * many to end it, *soon* is enough.
 *
 * The name that a program gave for a file that it opened is in user memory, and to read it costs a tenth of a record.
 * It is read where a use looks at it, for what is urgent or soon, and where the kernel's own path could not be had.
 *
 * Plain data, pure. program/uses.h makes it of a program, capture puts it into the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "event/schema.h"

#define PREFILTER_MAX_USES 64           /* of a kind: bits of a vector */
#define PREFILTER_MAX_TEXT 240          /* bytes of a pattern from the front; longer ones are cut, which is wider */
#define PREFILTER_MAX_TAIL 64           /* from the back */
#define PREFILTER_MAX_PATTERNS \
        8192 /* of all kinds, in each direction, and numbers, and networks. A kind that would take \
                more of them has no filter in that dimension */
#define PREFILTER_MAX_CLASSES 1000 /* patterns of EXE and NAME that differ, of all kinds; the same holds for these */

enum prefilter_dimension {
        PREFILTER_TEXT,                 /* a string of the kind */
        PREFILTER_NETWORK,              /* an address */
        PREFILTER_NUMBER,               /* a number of the kind */
        PREFILTER_USER,                 /* real or effective user */
        PREFILTER_EXE,                  /* executable of the acting process, at the time of its exec */
        PREFILTER_NAME,                 /* and the name that it was started as */
        PREFILTER_IN_UNIT,              /* systemd unit, */
        PREFILTER_IN_CONTAINER,         /* container */
        PREFILTER_IN_CGROUP,            /* and path of its cgroup, whose name is known a little after it was made */
        PREFILTER_FLAGS,                /* any of some bits, in the field of interest_flags(): opened for writing,
                                         * or to be made. Of flags that stood in user memory nothing is concluded */
        _PREFILTER_DIMENSION_MAX,
};

/* Whose story an event may begin. Where the key is not known it is the host. */
enum prefilter_key {
        PREFILTER_TREE, /* of its tree, or of its process */
        PREFILTER_OF_USER, /* who logged in, or else the real user */
        PREFILTER_UNIT, /* as the name of its cgroup says */
        PREFILTER_CONTAINER,
        PREFILTER_DESCENT, /* of the process and its descendants, all of the same tree; the host's of a child of
                            * PID 1, or one not known: it may be a supervisor, or become one */
        PREFILTER_HOST,
        _PREFILTER_KEY_MAX,
};

#define PREFILTER_NO_END UINT64_MAX

/* What an event that serves a use makes worth looking at. */
struct prefilter_arm {
        uint64_t kinds;                 /* 0: nothing */
        uint64_t horizon_ns;            /* from the time of the event; PREFILTER_NO_END */
        enum prefilter_key key;
};

#define PREFILTER_FLAG_SETS 4           /* of a kind */

/* Uses that want any of these bits; several sets that are nearly alike may have become one, of all their bits. */
struct prefilter_flags {
        uint64_t bits;                  /* 0: there is no such set */
        uint64_t uses;
};

struct prefilter_kind {
        bool active;                    /* it can leave something out, or arm something */
        uint32_t n_uses;
        enum field fields[_PREFILTER_DIMENSION_MAX];    /* FIELD_NONE: not looked at */
        uint64_t any[_PREFILTER_DIMENSION_MAX];         /* uses that do not look there; all bits if nobody does */
        struct prefilter_flags flags[PREFILTER_FLAG_SETS];      /* FLAGS, for the uses that look there */
        uint64_t first;                 /* uses that need no armed key */
        uint64_t counting;              /* uses that only count; bits that are no use are set. 0: none */
        uint32_t most;                  /* of these: how many events one record may stand for */
        uint64_t urgent;                /* uses that something is to be done about at once */
        uint64_t soon;                  /* uses of which many end one */
        uint64_t given;                 /* of openat: uses that look at the name that was given */
        struct prefilter_arm *arms;     /* owned; by use. NULL: none of them arms anything */
};

enum prefilter_place {
        PREFILTER_WHOLE,                /* the text is this */
        PREFILTER_FRONT,                /* begins so */
        PREFILTER_BACK,                 /* ends so */
};

struct prefilter_text {
        uint64_t uses;
        uint32_t offset, length;        /* in prefilter->bytes */
        uint16_t kind;
        uint8_t dimension;              /* TEXT, EXE, NAME, or one of a cgroup */
        uint8_t place;                  /* enum prefilter_place */
};

struct prefilter_network {
        uint64_t uses;
        struct wire_address address;
        uint32_t prefix;                /* bits */
        uint16_t kind;
};

struct prefilter_number {
        uint64_t uses;
        int64_t number;
        uint16_t kind;
        uint8_t dimension;              /* NUMBER or USER */
};

/* No two patterns of a kind, dimension and place are the same. */
struct prefilter {
        struct prefilter_kind kinds[_WIRE_KIND_MAX];
        struct prefilter_texts ARRAY_BODY(struct prefilter_text) texts;
        struct prefilter_networks ARRAY_BODY(struct prefilter_network) networks;
        struct prefilter_numbers ARRAY_BODY(struct prefilter_number) numbers;
        struct prefilter_bytes ARRAY_BODY(char) bytes;
        bool arming;                    /* later steps wait */
        uint64_t longest_ns;            /* horizon of all arms; PREFILTER_NO_END */
};

struct prefilter *prefilter_free(struct prefilter *prefilter);
DEFINE_CLEANUP(struct prefilter *, prefilter_free)

/* Patterns that are the same become one, with the uses of all. */
void prefilter_merge(struct prefilter *prefilter);

/* SPDX-License-Identifier: Apache-2.0 */
/* World - a small made-up machine whose processes act, and the stream of wire records that a sensor would have made of
 * it.
 *
 * Stories written by hand (story.h) and random ones (tests/oracle) are told with it. It knows what a record's header
 * needs: who acts, whose child, of which activity, with which credentials, in which cgroup. It decides nothing about
 * policies. Everything lives until world_done(). Time is set by the caller. */
#pragma once

#include "base/arena.h"
#include "base/array.h"
#include "event/encode.h"

#define WORLD_START_NS (1000 * UINT64_C(1000000000))    /* time 0 of a story: boot was a while ago */

struct world_process {
        const char *label;              /* arena */
        struct world_process *parent;   /* its creator; NULL of init */
        struct identity id;
        struct identity tree;
        bool supervisor, kthread;
        bool exited;
        bool hides_tree;                /* its records do not name the tree */
        bool hides_creator;             /* ... nor the creator */
        uint32_t uid, euid, gid, egid, loginuid, session;
        uint64_t cgroup_id;             /* 0: none */
        const char *exe;                /* arena; what it runs */
        uint32_t namespaces[8];         /* as the fields ns.* of `process`; 0: not told */
};

struct world_record {
        const struct wire_header *wire; /* arena */
        uint64_t time_ns;               /* stream time: never before that of the record in front */
        uint32_t line;                  /* of the story, 0 if it is not written there */
};

struct world {
        struct arena arena;
        struct world_process *init;     /* PID 1, a supervisor */
        struct world_processes ARRAY_BODY(struct world_process *) processes;
        struct world_records ARRAY_BODY(struct world_record) records;
        ARRAY(const char *) cgroups;    /* path of cgroup id i + 1 */
        uint64_t now_ns;
        uint64_t last_start_ns;         /* of the newest process */
        uint32_t next_pid;
        uint32_t line;
        struct record *record;          /* owned; under construction */
};

/* The world holds init, of which the stream tells first. */
int world_init(struct world *world);
void world_done(struct world *world);

/* The process with that label that was made last, or NULL. */
struct world_process *world_find(const struct world *world, const char *label);

/* A process that nobody is told of: its pid is new, it runs what its parent runs. It begins an activity of its own if
 * the parent is a supervisor. NULL: out of memory. */
struct world_process *world_add(struct world *world, const char *label, struct world_process *parent,
                                uint64_t start_ns);

/* The id of a cgroup, telling its name when it is first asked for; 0: out of memory. */
uint64_t world_cgroup(struct world *world, const char *path);

/* Begin a record at the world's time; `actor` may be NULL. Set its fields, then world_end(). */
struct record *world_begin(struct world *world, struct world_process *actor, enum wire_kind kind);

/* Keep the record. Returns 0, or the record's error, or -ENOMEM. */
int world_end(struct world *world);

/* The same for a fork, with all that a child needs. */
int world_fork_begin(struct world *world, struct world_process *actor, const char *label, struct world_process **ret);

/* Whole records. world_tell() says of a process that it ran before the daemon did. */
int world_tell(struct world *world, struct world_process *process, const char *const *argv);
int world_fork(struct world *world, struct world_process *actor, const char *label, struct world_process **ret);
int world_exit(struct world *world, struct world_process *actor);

/* The i-th record as an event: parsed, numbered from 1, its time never before that of the one before. Returns what
 * event_parse() does. */
int world_event(const struct world *world, size_t i, struct event *ret);

/* An object that stands for a name: the same name is the same file, pipe or socket. */
struct wire_object world_object(const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hooks, inside - the table of places, and what became of each: shared by hooks.c, and hooks-security.c, which chooses
 * where programs on security hooks go. For this room only. */

#include <sys/types.h>

#include "event/interest.h"

#include "capture/hooks.h"

struct bpf_program;
struct sensor;
struct sensor__bss;

/* When a program is attached: hook-table.def. */
enum hook_use {
        HOOK_CORE,
        HOOK_KIND,
        HOOK_FAILURES,
        HOOK_FALLBACK,
        HOOK_SECURITY,
        HOOK_COMPAT,
        HOOK_URING,
        HOOK_NEVER,
};

struct hook {
        const char *program;
        enum wire_kind kind;
        enum hook_use use;
        const char *place;
        enum wire_call call;            /* cookie */
};

enum {
#define HOOK(program, kind, use, place, call) +1
        N_HOOKS = 0
#include "capture/hook-table.def"
};

extern const struct hook hooks_table[N_HOOKS];

#define MAX_DETACHERS 16

/* Maps that are needed after the load. The tables of calls are emptied by the kernel when no process has them open. */
enum kept {
        KEPT_RING,
        KEPT_RINGS,
        KEPT_ENV_NAMES,
        KEPT_SUPERVISORS,
        KEPT_SEEDS,
        KEPT_CALL_ENDS,
        KEPT_CALL_ENDS_TOO,
        KEPT_CALL_BEGINS,
        KEPT_FILTERS,
        KEPT_FILTER_CLASSES,
        KEPT_FILTER_GROUPS,
        KEPT_FILTER_FRONTS,
        KEPT_FILTER_BACKS,
        KEPT_FILTER_NETWORKS,
        KEPT_FILTER_NUMBERS,
        KEPT_ARMED,
        KEPT_KNOBS,
        KEPT_CPUS,
        _KEPT_MAX,
};

struct hooks {
        struct sensor *sensor;          /* owned; while it is loaded only: it has megabytes of its own */
        struct bpf_program *programs[N_HOOKS];  /* of the sensor */
        int prog_fds[N_HOOKS];          /* owned, but where it is one before; -1: not loaded */
        int maps[_KEPT_MAX];            /* owned */
        struct sensor__bss *knobs;      /* mapped; shared with the programs */
        struct prefilter_maps *prefilter_maps;  /* owned */
        int links[N_HOOKS];             /* owned; -1: not attached */
        struct hook_answer {            /* of a place that can be done without */
                int r;                  /* 0, or why the program does not go there; then it is not tried again */
                const char *why;        /* as in struct hooks_place */
        } answers[N_HOOKS];
        bool setattr_dentry;            /* the hook inode_setattr has another argument in front of the dentry */
        struct interest interest;       /* what the filters say now */
        char *cpus;                     /* mapped; values of the map `cpus` */
        size_t n_cpus, cpu_size;
        int tracefs_fd, cgroup_fd;      /* negative: there is none, and why */
        pid_t detachers[MAX_DETACHERS];
        struct hooks_skipped {
                int link_fd;            /* owned; -1: not open yet */
                bool refused;           /* not on this kernel: each program is asked by itself */
                uint32_t ids[N_HOOKS];  /* 0: does not count */
        } skipped;
        bool wait;
        bool compat;                    /* 32-bit calls are watched, too */
        bool told_compat;               /* what that means for credchange was said */

        /* hooks-adopt.c */
        uint64_t fingerprint[2];
        size_t ring_bytes;              /* of the ring in use */
        uint64_t n_changes;             /* of links and ring */
        bool adopted;                   /* from the process before, which */
        bool had_credchange;            /* compared credentials */
        bool leaves;                    /* somebody else has the links, too: do not detach */
        void (*on_detach)(void *userdata);      /* links were taken out, and will be closed */
        void *on_detach_userdata;
};

/* hooks-keep.c: take over what is needed of the loaded object, so that it can go; the programs are descriptors then. */
void hooks_keep_init(struct hooks *hooks);
int hooks_keep(struct hooks *hooks);
void hooks_keep_done(struct hooks *hooks);

int hooks_keep_map(struct hooks *hooks);        /* the counters of the CPUs */

void hooks_skipped_done(struct hooks *hooks);

/* Detach, here or in a process of its own. */
void hooks_detach_list(struct hooks *hooks, const int *fds, size_t n);

int hooks_make_prefilter_maps(struct hooks *hooks);

/* hooks-adopt.c: of what is loaded with these options, so that what is the same need not be loaded again. */
void hooks_fingerprint(const struct hooks_options *options, uint64_t ret[static 2]);

/* What was kept is of this fingerprint; take it over. On failure the hooks are good for hooks_free() only. */
struct bequest;
bool hooks_is_ours(const struct hooks *hooks, const struct bequest *kept);
int hooks_adopt(struct hooks *hooks, struct bequest *kept);

/* Forget names of variables that nobody asks for and that are still there. */
void hooks_adopt_env(struct hooks *hooks, const struct interest *interest);

/* The descriptor of a program that is loaded, by its name. */
int hooks_program(const struct hooks *hooks, const char *program);

/* Have the programs count what this says may be counted; NULL: nothing, and what was counted is told. */
void hooks_count_bursts(struct hooks *hooks, const struct prefilter *prefilter);

/* The place will do without its program, from now on. */
void hooks_refuse(struct hooks *hooks, size_t i, int r, const char *why);

/* Of each program on security hooks choose the first place that takes it. False: there are none. */
bool hooks_choose_security(struct hooks *hooks, enum capture_tier best);

/* Prepare these programs for their places, and leave the others out: they would not load, and all others with them.
 * What the verifier says of each comes into `logs`, N_HOOKS times HOOKS_LOG_BYTES; NULL: it may keep it. */
#define HOOKS_LOG_BYTES 4096
int hooks_aim_security(struct hooks *hooks, char *logs);

/* The programs could not be loaded: leave out the one that the verifier spoke about, or all on security hooks if it was
 * none of them, or `all` is said. False: there is nothing left to leave out, it was not them. */
bool hooks_shed_security(struct hooks *hooks, const char *logs, int error, bool all);

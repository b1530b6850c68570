/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filter - what no loaded policy could use stays here: the prefilter of daemon/event/prefilter.h, which says how it is
 * meant. Asked twice: before any work, of kinds that wait for an armed key; and of the finished record, whose fields
 * are what policies would see.
 *
 * There are two tables, one in force while the other is filled; filter_table says which, and 0 that there is none.
 * Patterns are in tries: looked up is the longest one that the text begins with, and the daemon has given it the uses
 * of all shorter ones. A whole text ends with a NUL. Each match is exact. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"
#include "core-fixes.bpf.h"
#include "filter-table.h"

#define ARM_TRIES 4

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 2 * FILTER_KINDS);  /* filter_entry() */
        __type(key, __u32);
        __type(value, struct filter);
} filters SEC(".maps");

/* Values are uses; of EXE and NAME a class. */
struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 2 * (FILTER_PATTERNS + FILTER_CLASSES));
        __type(key, struct filter_front_key);
        __type(value, __u64);
} filter_fronts SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 2 * (FILTER_PATTERNS + FILTER_CLASSES));
        __type(key, struct filter_back_key);
        __type(value, __u64);
} filter_backs SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 2 * FILTER_PATTERNS);
        __type(key, struct filter_network_key);
        __type(value, __u64);
} filter_networks SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 2 * FILTER_PATTERNS);
        __type(key, struct filter_number_key);
        __type(value, __u64);
} filter_numbers SEC(".maps");

/* Until when each kind is worth looking at, by key. A slot may be that of several keys: then one is armed with the
 * other, which is wider than it need be. Times only grow. */
struct arm_slot {
        __u32 until[64];                /* by kind */
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, ARM_SLOTS);
        __type(key, __u32);
        __type(value, struct arm_slot);
} armed SEC(".maps");

/* Where a lookup's key is put together, of each CPU; programs in the midst of others do not look anything up. */
struct filter_keys {
        struct filter_front_key front;
        struct filter_back_key back;
        __u64 tail[FILTER_BACK / 8];
        struct filter_network_key network;
        struct filter_number_key number;
        __u64 covered;                  /* in the record, by the head of a key and by its NUL */
        __u8 behind;
        __u8 pad[7];
};

#define FRONT_HEAD offsetof(struct filter_front_key, text)
_Static_assert(FRONT_HEAD == sizeof(__u64) && FRONT_HEAD <= sizeof(struct wire_header), "in front of each text");
_Static_assert(sizeof(struct filter_front_key) <= RECORD_SLACK, "a key of the last text");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 2 * FILTER_CLASSES);        /* filter_class_entry() */
        __type(key, __u32);
        __type(value, struct filter_class);
} filter_classes SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, FILTER_GROUPS);
        __type(key, __u32);
        __type(value, struct filter_group);
} filter_groups SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct filter_keys);
} filter_scratch SEC(".maps");

__u32 filter_table = 0;                 /* filter-table.h */
__u64 filter_waiting = 0;               /* kinds that are not looked at while no key is armed for them, */
__u64 filter_by_user = 0;               /* and those that are of few users (struct filter). Both are hints */

static __always_inline __u64 arm_number(__u64 value) {
        return (value * 0x9e3779b97f4a7c15ULL >> 32 & (ARM_SLOTS - 1)) ?: 1;
}

/* Slots of unit and container, as they stand in struct filter_group; 0: not known. */
static __always_inline __u32 group_slots(__u64 id) {
        for (__u32 i = 0; i < FILTER_GROUP_TRIES; i++) {
                __u32 entry = filter_group_entry(id, i), slots;
                struct filter_group *group = bpf_map_lookup_elem(&filter_groups, &entry);

                if (!group || *(volatile __u64 *)&group->id != id)
                        continue;
                slots = *(volatile __u32 *)&group->unit;
                return *(volatile __u64 *)&group->id == id ? slots : 0;
        }
        return 0;
}

/* What an event's slots are found by. */
struct armed_by {
        __u64 tree_start_ns;
        __u32 tree_tgid, creator_tgid;
        __u32 user;
        __u64 cgroup_id;
};

/* Is it in the set? The verifier does not learn what that says of the set: it would follow each set by itself. */
static __always_inline bool has_key(__u32 keys, __u32 which) {
        keys &= which;
        OPAQUE(keys);
        return keys;
}

/* Numbers of slots of the keys in the set, ARM_SLOT_BITS each. */
static __always_inline __u64 slots_of(const struct armed_by *by, __u32 keys) {
        __u64 tree = by->tree_tgid ? arm_number(by->tree_start_ns ^ by->tree_tgid) : 0, slots = tree;

        if (by->creator_tgid > 2)       /* a child of PID 1 may be a supervisor, or become one */
                slots |= tree << ARM_DESCENT * ARM_SLOT_BITS;
        if (has_key(keys, 1 << ARM_USER))
                slots |= arm_number(1ULL << 32 | by->user) << ARM_USER * ARM_SLOT_BITS;
        if (has_key(keys, 1 << ARM_UNIT | 1 << ARM_CONTAINER)) {
                __u32 group = group_slots(by->cgroup_id);

                slots |= (__u64)(group & (ARM_SLOTS - 1)) << ARM_UNIT * ARM_SLOT_BITS;
                slots |= (__u64)(group >> 16 & (ARM_SLOTS - 1)) << ARM_CONTAINER * ARM_SLOT_BITS;
        }
        return slots;
}

/* The slots of a record. Not static: see path_walk(). */
__noinline __u64 arm_slots(const struct wire_header *header, __u32 keys) {
        struct armed_by by = {};

        if (!header)
                return 0;
        by.tree_start_ns = header->tree_start_ns;
        by.tree_tgid = header->tree_tgid;
        by.creator_tgid = header->creator_tgid;
        by.user = header->loginuid != (__u32)-1 ? header->loginuid : header->uid;
        by.cgroup_id = header->cgroup_id;
        return slots_of(&by, keys);
}

static __always_inline bool slot_is_armed(__u32 number, __u32 kind, __u32 now) {
        struct arm_slot *slot = bpf_map_lookup_elem(&armed, &number);

        return !slot || slot->until[kind & 63] >= now;
}

/* Is one of the keys armed for this kind at a time, in units of ARM_SHIFT? One that is not known may be any. Not
 * static: see path_walk(). */
__noinline int is_armed(__u32 keys, __u64 slots, __u32 kind, __u32 now) {
        for (int key = ARM_TREE; key <= ARM_CONTAINER; key++) {
                __u32 number = slots >> key * ARM_SLOT_BITS & (ARM_SLOTS - 1);

                OPAQUE(number);
                if (has_key(keys, 1 << key) && (!number || slot_is_armed(number, kind, now)))
                        return 1;
        }
        return slot_is_armed(0, kind, now);
}

/* Of an event of this kind. */
static __always_inline bool kind_is_armed(__u32 table, __u32 kind, const struct armed_by *by) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return !filter ||
               is_armed(filter->waits, slots_of(by, filter->waits), kind, bpf_ktime_get_boot_ns() >> ARM_SHIFT);
}

static __always_inline void arm_until(__u32 *until, __u32 time) {
        __u32 seen = *until;

        for (int i = 0; i < ARM_TRIES; i++) {
                __u32 before = seen;

                if (seen >= time)
                        return;
                seen = __sync_val_compare_and_swap(until, before, time);
                if (seen == before)
                        return;
        }
        *until = ARM_ALWAYS;            /* many at once: rather too long than not */
}

/* For bpf_loop(), on the stack: for memory of the CPU a program could come in between. 24 bytes, which with what
 * record_submit() has there is all that the stack of Linux 6.1 has left. */
struct arming {
        __u64 uses;
        __u64 slots;
        __u32 entry;                    /* in `filters` */
        __u32 now;
};

/* What one of the kind's arms makes of these uses. */
static long arm_one(__u32 i, struct arming *arming) {
        struct filter *filter = bpf_map_lookup_elem(&filters, &arming->entry);
        struct arm_slot *slot;
        struct filter_arm *arm;
        __u32 number;

        if (!filter || i >= FILTER_ARMS)
                return 1;
        arm = &filter->arms[i];
        if (!(arm->uses & arming->uses))
                return 0;
        number = arming->slots >> (arm->key & 7) * ARM_SLOT_BITS & (ARM_SLOTS - 1);
        slot = bpf_map_lookup_elem(&armed, &number);
        if (slot)
                arm_until(&slot->until[arm->kind & 63],
                          arm->horizon >= ARM_ALWAYS - arming->now ? ARM_ALWAYS : arming->now + 1 + arm->horizon);
        return 0;
}

/* What these uses of the kind arm; of a record that was not looked at, all of them. Counted from the record's own time:
 * what reads the clock waits for all that went before, 40 to 90 ns. */
static __always_inline void filter_arm(__u32 table, __u32 kind, __u64 uses, const struct wire_header *header) {
        struct arming arming = {
                .uses = uses,
                .entry = filter_entry(table, kind),
                .now = header->time_ns >> ARM_SHIFT,
        };
        struct filter *filter = bpf_map_lookup_elem(&filters, &arming.entry);

        if (!filter || !(uses & filter->arming))
                return;
        arming.slots = arm_slots(header, filter->arms_for);
        bpf_loop(filter->n_arms, arm_one, &arming, 0);
}

static __always_inline __u64 class_uses(__u32 table, __u32 number, __u32 kind) {
        __u32 entry = filter_class_entry(table, number & (FILTER_CLASSES - 1));
        struct filter_class *class = bpf_map_lookup_elem(&filter_classes, &entry);

        return class ? class->uses[kind & 63] : ~0ULL;
}

static __always_inline __u64 filter_texts(
                struct cpu *cpu, const struct filter *filter, struct filter_keys *keys, __u32 of, __u32 at) {
        struct wire_bytes text = *(struct wire_bytes *)(cpu->record + at);
        __u32 length = text.length, offset;
        __u64 uses = filter->any[FILTER_TEXT], *found;

        if (filter->front) {
                __u32 n = length < FILTER_FRONT ? length : FILTER_FRONT;
                __u32 id = bpf_get_smp_processor_id();
                struct cpu *here = bpf_map_lookup_elem(&cpus, &id);     /* `cpu`; Linux 6.1 takes no other key */
                struct filter_front_key *key;
                char *behind;

                if (!here)
                        return ~0ULL;
                /* The key is made around the text, where it is: a copy is a call. What it covers is put back. */
                offset = text.offset - FRONT_HEAD;
                BOUND(offset, WIRE_MAX_RECORD - 1);
                BOUND(n, 255);
                key = (void *)(here->record + offset);
                behind = (char *)key + FRONT_HEAD + n;
                keys->covered = *(__u64 *)key;
                keys->behind = *behind;
                if (n < FILTER_FRONT)
                        *behind = 0;
                key->of = of;
                key->bits = 32 + 8 * (n < FILTER_FRONT ? n + 1 : n);
                found = bpf_map_lookup_elem(&filter_fronts, key);
                uses |= found ? *found : 0;
                *behind = keys->behind;
                *(__u64 *)key = keys->covered;
        }
        if (filter->back) {
                __u32 n = length < FILTER_BACK ? length : FILTER_BACK;

                /* What is in front of the text is the record's fixed part, longer than this. */
                offset = text.offset + length - FILTER_BACK;
                BOUND(offset, WIRE_MAX_RECORD - 1);
                if (bpf_probe_read_kernel(keys->tail, FILTER_BACK, cpu->record + offset) < 0)
                        return ~0ULL;
                for (int i = 0; i < FILTER_BACK / 8; i++)
                        keys->back.text[i] = __builtin_bswap64(keys->tail[FILTER_BACK / 8 - 1 - i]);
                keys->back.of = of;
                keys->back.bits = 32 + 8 * n;
                found = bpf_map_lookup_elem(&filter_backs, &keys->back);
                uses |= found ? *found : 0;
        }
        return uses;
}

static __always_inline __u64 filter_address(
                struct cpu *cpu, const struct filter *filter, struct filter_keys *keys, __u32 of, __u32 at) {
        const struct wire_address *address = (void *)(cpu->record + at);
        __u64 *found;

        keys->network.bits = 64 + 128;
        keys->network.of = of;
        keys->network.family = address->family;
        __builtin_memcpy(keys->network.address, address->bytes, sizeof(keys->network.address));
        found = bpf_map_lookup_elem(&filter_networks, &keys->network);
        return filter->any[FILTER_NETWORK] | (found ? *found : 0);
}

static __always_inline __u64 filter_number(const struct filter *filter, struct filter_keys *keys, __u32 of,
                                           enum filter_dimension dimension, __s64 number) {
        __u64 *found;

        keys->number.of = of;
        keys->number.dimension = dimension;
        keys->number.number = number;
        found = bpf_map_lookup_elem(&filter_numbers, &keys->number);
        return filter->any[dimension] | (found ? *found : 0);
}

/* Without a branch: the verifier would follow each set of the sets by itself. */
static __always_inline __u64 filter_flags(const struct filter *filter, __u64 flags) {
        __u64 uses = filter->any[FILTER_FLAGS];

        for (int i = 0; i < FILTER_FLAG_SETS; i++) {
                __u64 has = flags & filter->flags[i].bits;

                has = (has | -has) >> 63;
                OPAQUE(has);
                uses |= filter->flags[i].uses & -has;
        }
        return uses;
}

/* Where the value of a dimension is; 0: it rules nothing out, or has done so. */
static __always_inline __u32 filter_at(
                const struct cpu *cpu, const struct filter *filter, enum filter_dimension d, __u32 asked) {
        __u32 at = filter->at[d];

        if (asked >> d & 1 || (filter->known[d] && !(filter->known[d] & cpu->header.known & ~cpu->header.cut)))
                return 0;
        BOUND(at, 4095);
        return at;
}

/* The classes of a text of `n` bytes, in `room`, behind at least FILTER_BACK other bytes. */
static __always_inline void find_classes(struct filter_keys *keys, __u32 of, const char *text, __u32 room, __u32 n,
                                         __u16 *ret_front, __u16 *ret_back) {
        __u64 *found;

        BOUND(n, 127);
        bpf_probe_read_kernel(keys->front.text, room, text);
        keys->front.text[n] = 0;
        keys->front.of = of;
        keys->front.bits = 32 + 8 * (n + 1);
        found = bpf_map_lookup_elem(&filter_fronts, &keys->front);
        *ret_front = found ? *found : 0;

        bpf_probe_read_kernel(keys->tail, FILTER_BACK, text + n - FILTER_BACK);
        for (int i = 0; i < FILTER_BACK / 8; i++)
                keys->back.text[i] = __builtin_bswap64(keys->tail[FILTER_BACK / 8 - 1 - i]);
        keys->back.of = of;
        keys->back.bits = 32 + 8 * (n < FILTER_BACK ? n : FILTER_BACK);
        found = bpf_map_lookup_elem(&filter_backs, &keys->back);
        *ret_back = found ? *found : 0;
}

/* Of what the task runs, under this table. Not static: see path_walk(). */
__noinline int image_classify(struct image *image, __u32 table) {
        __u32 zero = 0;
        struct filter_keys *keys = bpf_map_lookup_elem(&filter_scratch, &zero);

        if (!keys || !image)
                return false;
        find_classes(keys, filter_of(table, FILTER_OF_EXE), image->exe, IMAGE_EXE, image->n_exe, &image->exe_front,
                     &image->exe_back);
        find_classes(keys, filter_of(table, FILTER_OF_NAME), image->name, IMAGE_NAME, image->n_name,
                     &image->name_front, &image->name_back);
        image->table = table;
        return true;
}

/* Which uses does what the task runs leave? All bits: nobody knows. */
static __always_inline __u64 image_uses(
                const struct filter *filter, struct task_state *state, __u32 table, __u32 kind) {
        __u64 uses = ~0ULL;

        if (!state || state->image.state != IMAGE_KNOWN || snapshot_is_first)
                return ~0ULL;
        if (state->image.table != table && !image_classify(&state->image, table))
                return ~0ULL;
        if (filter->at[FILTER_EXE] && state->image.n_exe)
                uses &= filter->any[FILTER_EXE] | class_uses(table, state->image.exe_front, kind) |
                        class_uses(table, state->image.exe_back, kind);
        if (filter->at[FILTER_NAME] && state->image.n_name)
                uses &= filter->any[FILTER_NAME] | class_uses(table, state->image.name_front, kind) |
                        class_uses(table, state->image.name_back, kind);
        return uses;
}

/* Which uses does a cgroup leave? All bits: its name is not known. */
static __always_inline __u64 group_uses(__u32 table, __u32 kind, __u64 id) {
        for (__u32 i = 0; id && i < FILTER_GROUP_TRIES; i++) {
                __u32 entry = filter_group_entry(id, i), class;
                struct filter_group *group = bpf_map_lookup_elem(&filter_groups, &entry);

                if (!group || *(volatile __u64 *)&group->id != id)
                        continue;
                class = *(volatile __u16 *)&group->class_of[filter_which(table)];
                if (!class || *(volatile __u64 *)&group->id != id)
                        break;
                return class_uses(table, class, kind);
        }
        return ~0ULL;
}

/* And that of the current task? Not static: see path_walk(). */
__noinline __u64 filter_place(__u32 table, __u32 kind) {
        struct task_struct *task = bpf_get_current_task_btf();

        return group_uses(table, kind, task_cgroup_id(task, bpf_task_storage_get(&tasks, task, NULL, 0)));
}

/* Do uses of the kind look at the cgroup? */
static __always_inline bool filter_looks_at_place(__u32 table, __u32 kind) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return filter && filter->active && filter->groups;
}

/* What belongs to a task, by its number: of others than the current one nobody knows what they run. Not static: see
 * path_walk(). */
__noinline __u64 filter_task(__u32 table, __u32 kind, struct wire_header *header) {
        struct task_struct *task = bpf_get_current_task_btf();
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);
        __u64 uses = ~0ULL;

        if (!filter || !header)
                return ~0ULL;
        if ((filter->at[FILTER_EXE] | filter->at[FILTER_NAME]) && task->tgid == header->tgid)
                uses = image_uses(filter, bpf_task_storage_get(&tasks, task, NULL, 0), table, kind);
        if (uses && filter->groups)
                uses &= group_uses(table, kind, header->cgroup_id);
        return uses;
}

/* ---- the sieve: what is known of an event is asked as soon as it is known ---- */

#define SIEVE_ARMED (1U << N_FILTER_DIMENSIONS)
#define SIEVE_TASK (1U << FILTER_EXE | 1U << FILTER_NAME | 1U << FILTER_IN_UNIT)

static __always_inline void sieve_begin(struct sieve *sieve, __u32 table) {
        sieve->uses = ~0ULL;
        sieve->table = table;
        sieve->asked = 0;
        sieve->done = 0;
}

/* May what nobody can use be left out? */
static __always_inline bool filter_sheds(__u32 table, __u32 kind) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return filter && filter->shed;
}

/* Uses that need nothing armed. */
static __always_inline __u64 filter_first(__u32 table, __u32 kind) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return filter && filter->active ? filter->first : ~0ULL;
}

/* Do uses of the kind look at who acts? */
static __always_inline bool filter_looks_at_actor(__u32 table, __u32 kind) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return filter && filter->at[FILTER_USER] | filter->at[FILTER_EXE] | filter->at[FILTER_NAME];
}

/* What does the current task, who acts, rule out? Of the cgroup actor_passes() asks: one frame less. Not static: see
 * path_walk(). */
__noinline int filter_actor(struct cpu *cpu, __u32 kind) {
        __u32 zero = 0, table, entry, at;
        struct filter_keys *keys;
        struct filter *filter;
        __u64 uses = ~0ULL;

        if (!cpu)
                return 0;
        table = cpu->sieve.table;
        entry = filter_entry(table, kind);
        filter = bpf_map_lookup_elem(&filters, &entry);
        keys = bpf_map_lookup_elem(&filter_scratch, &zero);
        if (!filter || !filter->active || !keys)
                return nothing();
        at = filter->at[FILTER_USER];
        /* A request of io_uring may have credentials of its own. */
        if (at && !cpu->request.active) {
                struct cred *cred = PART(bpf_get_current_task_btf(), cred);

                uses = filter_number(filter, keys, filter_of(table, kind), FILTER_USER,
                                     at == offsetof(struct wire_header, uid) ? cred->uid.val : cred->euid.val);
                cpu->sieve.asked |= 1U << FILTER_USER;
        }
        if (uses && filter->at[FILTER_EXE] | filter->at[FILTER_NAME])
                uses &= image_uses(filter, bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0), table,
                                   kind);
        cpu->sieve.uses = uses;
        return nothing();
}

/* What there is of the record so far: which uses may it have, by the table of the sieve? All bits: nobody knows. Only
 * what has its final value may be marked as known in it. Not static: see path_walk(). */
__noinline __u64 filter_uses(struct cpu *cpu, __u32 kind) {
        __u32 zero = 0, entry, of, at, asked;
        struct filter_keys *keys;
        struct filter *filter;
        __u64 uses;

        if (!cpu)
                return ~0ULL;
        entry = filter_entry(cpu->sieve.table, kind);
        of = filter_of(cpu->sieve.table, kind);
        filter = bpf_map_lookup_elem(&filters, &entry);
        keys = bpf_map_lookup_elem(&filter_scratch, &zero);
        if (!filter || !filter->active || !keys)
                return ~0ULL;
        uses = cpu->sieve.uses;
        asked = cpu->sieve.asked;

        /* Those of openat2() are in user memory, and `created` is the kernel's: they rule nothing out. */
        at = filter_at(cpu, filter, FILTER_FLAGS, asked);
        if (uses && at && !(cpu->header.user & filter->known[FILTER_FLAGS])) {
                uses &= filter_flags(filter, *(__u64 *)(cpu->record + at));
                asked |= 1U << FILTER_FLAGS;
        }
        at = filter_at(cpu, filter, FILTER_NUMBER, asked);
        if (uses && at) {
                uses &= filter_number(filter, keys, of, FILTER_NUMBER, *(__s64 *)(cpu->record + at));
                asked |= 1U << FILTER_NUMBER;
        }
        at = filter_at(cpu, filter, FILTER_USER, asked);
        if (uses && at) {
                uses &= filter_number(filter, keys, of, FILTER_USER, *(__u32 *)(cpu->record + at));
                asked |= 1U << FILTER_USER;
        }
        at = filter_at(cpu, filter, FILTER_NETWORK, asked);
        if (uses && at) {
                uses &= filter_address(cpu, filter, keys, of, at);
                asked |= 1U << FILTER_NETWORK;
        }
        at = filter_at(cpu, filter, FILTER_TEXT, asked);
        if (uses && at) {
                uses &= filter_texts(cpu, filter, keys, of, at);
                asked |= 1U << FILTER_TEXT;
        }
        cpu->sieve.uses = uses;
        cpu->sieve.asked = asked;
        cpu->sieve.done = !(filter->asks & ~asked);
        return uses;
}

/* Has the record, as far as there is one, no use left? Who asks before it is complete has begun with filter_actor(). */
static __always_inline bool filter_refuses(struct cpu *cpu, __u32 kind) {
        return cpu->sieve.table && !filter_uses(cpu, kind) && filter_sheds(cpu->sieve.table, kind);
}

/* Is what it may wait for armed, if it waits for anything? */
static __always_inline bool record_is_armed(const struct cpu *cpu, __u32 table, __u32 kind) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return !filter || !~filter->first ||
               is_armed(filter->waits, arm_slots(&cpu->header, filter->waits), kind, cpu->header.time_ns >> ARM_SHIFT);
}

/* Is the name that was given wanted by any use that the record may be for? To read user memory takes 115 ns. */
static __always_inline bool filter_wants_given(const struct cpu *cpu, __u32 kind) {
        __u32 entry = filter_entry(cpu->sieve.table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return !cpu->sieve.table || !filter || !filter->active || filter->given & cpu->sieve.uses;
}

/* How many events like this one record may stand for, if these are all the uses of it; 0: each is needed. */
static __always_inline __u32 filter_most(__u32 table, __u32 kind, __u64 uses) {
        __u32 entry = filter_entry(table, kind);
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);

        return filter && !(uses & ~filter->counting) ? filter->most : 0;
}

/* Is the finished record to be told? Then what it arms is armed, and what it may be for is returned. 0: no. */
static __always_inline __u64 filter_admits(struct cpu *cpu, __u32 table, __u32 kind) {
        __u64 uses;

        if (!table)
                return ~0ULL;
        if (cpu->sieve.table != table)
                sieve_begin(&cpu->sieve, table);
        if (!(cpu->sieve.asked & SIEVE_TASK))
                cpu->sieve.uses &= filter_task(table, kind, &cpu->header);
        if (cpu->sieve.uses && !(cpu->sieve.asked & SIEVE_ARMED) && !record_is_armed(cpu, table, kind))
                cpu->sieve.uses &= filter_first(table, kind);
        uses = cpu->sieve.uses;
        if (uses && !cpu->sieve.done)
                uses = filter_uses(cpu, kind);
        if (!uses)
                return filter_sheds(table, kind) ? 0 : 1ULL << 63;
        filter_arm(table, kind, uses, &cpu->header);
        return uses;
}

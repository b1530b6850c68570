/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enforce rules - is a call the last step of a policy with `enforce`? Included by enforce.bpf.c.
 *
 * The rules are a list of checks (enforce.h), the call is a set of facts: numbers, an address, an object, and paths,
 * which are walked up here from the kernel's own dentries, as bpf/path.bpf.h does and for the same reason. What cannot
 * be found out is not known, and no rule that asks for it holds: the daemon sees the call as well, and is late. */
#pragma once

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, ENFORCE_CHECKS);
        __type(key, __u32);
        __type(value, struct enforce_check);
} checks SEC(".maps");

/* An entry that is replaced stays whole for whoever looks at it: not where they are allocated beforehand. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, ENFORCE_ARMED);
        __type(key, struct enforce_arming);
        __type(value, struct enforce_armed);
} armed SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, ENFORCE_GROUPS);
        __type(key, __u64);
        __type(value, struct enforce_group);
} groups SEC(".maps");

/* Before anything is attached. */
struct enforce_span spans[ENFORCE_N_PLACES] = {};

#define KNOW(facts, field) ((facts)->known |= 1U << (field))
#define KNOWS(facts, field) ((facts)->known >> (field) & 1)

/* ---- paths ---- */

/* What changes from step to step is in the scratch, where the verifier does not follow it: it would look at each length
 * of a path. */
/* One step up. 1: the end. */
static long climb_up(__u32 i, struct scratch **context) {
        struct scratch *scratch = *context;
        struct climb *climb = &scratch->climb;
        struct dentry *dentry = climb->dentry, *parent;
        struct mount *above;
        __u64 hash_length;
        __u32 n, at;
        char *to;

        if (dentry == climb->root) {
                above = READ(climb->mount, mnt_parent);
                if (above == climb->mount || !above) {
                        climb->done = true;
                        return 1;
                }
                climb->dentry = READ(climb->mount, mnt_mountpoint);
                climb->mount = above;
                climb->root = READ(above, mnt.mnt_root);
                return 0;
        }
        parent = READ(dentry, d_parent);
        if (parent == dentry || !parent)
                return 1;               /* mounted nowhere: has no path */
        climb->dentry = parent;
        hash_length = READ(dentry, d_name.hash_len);
        climb->sum = climb->sum * 31 + hash_length + READ(dentry, d_seq.seqcount.sequence);
        n = hash_length >> 32;
        at = climb->at;
        if (n > 255 || at < n + 1)
                return 1;               /* longer than any path */
        at -= n + 1;
        climb->at = at;
        if (!climb->write)
                return 0;
        BOUND(at, ENFORCE_PATH - 1);
        BOUND(n, 255);
        to = climb->which ? scratch->exe + at : scratch->path + at;
        to[0] = '/';
        bpf_probe_read_kernel(to + 1, n, READ(dentry, d_name.name));
        return 0;
}

static __always_inline void climb_begin(struct climb *climb, struct file *file) {
        struct vfsmount *mount = READ(file, f_path.mnt);

        climb->dentry = READ(file, f_path.dentry);
        climb->root = READ(mount, mnt_root);
        climb->mount = (void *)mount - bpf_core_field_offset(struct mount, mnt);
        climb->sum = 1;
        climb->at = ENFORCE_PATH;
        climb->done = false;
}

/* Into `which` of the scratch's texts. Once more if something was renamed meanwhile, and then it is not known. */
static __always_inline void know_path(struct scratch *scratch, struct file *file, __u32 which) {
        struct climb *climb = &scratch->climb;
        struct text *text = which ? &scratch->facts.exe : &scratch->facts.path;

        climb->which = which;
        for (int attempt = 0; attempt < 2; attempt++) {
                __u64 sum;
                __u32 at;

                climb->write = true;
                climb_begin(climb, file);
                bpf_loop(ENFORCE_PATH / 2, climb_up, &scratch, 0);
                sum = climb->sum;
                at = climb->at;
                if (!climb->done || at >= ENFORCE_PATH)
                        return;
                climb->write = false;
                climb_begin(climb, file);
                bpf_loop(ENFORCE_PATH / 2, climb_up, &scratch, 0);
                if (!climb->done || climb->sum != sum || climb->at != at)
                        continue;
                text->from = which ? scratch->exe : scratch->path;
                text->from += at;
                text->n = ENFORCE_PATH - at;
                KNOW(&scratch->facts, which ? ENFORCE_EXE : ENFORCE_FILE_PATH);
                return;
        }
}

/* ---- keys ---- */

/* Those that wait for this rule and are not over. Their set is kept in the scratch for the verifier's sake. */
static __always_inline bool take_arming(struct scratch *scratch, struct enforce_arming *key) {
        struct enforce_armed *found = bpf_map_lookup_elem(&armed, key);
        struct looking *looking = &scratch->looking;
        __u64 now_ns = bpf_ktime_get_boot_ns();

        if (!found || bpf_probe_read_kernel(&scratch->armed, sizeof(scratch->armed), found) < 0)
                return false;
        looking->runs = 0;
        for (__u32 i = 0; i < ENFORCE_RUNS; i++) {
                const struct enforce_run *run = &scratch->armed.runs[i];

                if (i < scratch->armed.n && run->deadline_ns >= now_ns && run->rules & looking->bit)
                        looking->runs |= 1U << i;
        }
        return looking->runs != 0;
}

static __always_inline void key_of_process(struct enforce_arming *key, struct task_struct *leader) {
        key->id = READ(leader, tgid);
        key->start_ns = READ(leader, start_boottime);
}

static long ask_creator(__u32 i, struct scratch **context) {
        struct scratch *scratch = *context;
        struct task_struct *leader = READ(scratch->creator, group_leader);

        key_of_process(&scratch->key, leader);
        if (take_arming(scratch, &scratch->key)) {
                scratch->found = true;
                return 1;
        }
        scratch->creator = READ(leader, real_parent);
        return !scratch->creator || scratch->key.id <= 1;
}

/* The nearest group whose name says of a unit, or of a container, says it of all below. */
static long ask_group(__u32 i, struct scratch **context) {
        struct scratch *scratch = *context;
        __u64 id = READ(READ(scratch->group, kn), id);
        struct enforce_group *group = bpf_map_lookup_elem(&groups, &id);
        struct cgroup_subsys_state *parent;

        if (group) {
                scratch->key.id = scratch->key.key == ENFORCE_KEY_UNIT ? group->unit : group->container;
                if (scratch->key.id)
                        return 1;
        }
        parent = READ(scratch->group, self.parent);
        if (!parent)
                return 1;
        scratch->group = (void *)parent - bpf_core_field_offset(struct cgroup, self);
        return 0;
}

static __always_inline bool is_armed(const struct enforce_check *check, struct scratch *scratch) {
        struct task_struct *task = bpf_get_current_task_btf(), *leader = READ(task, group_leader);
        struct enforce_arming *key = &scratch->key;

        key->path = check->low;
        key->key = check->key;
        key->id = key->start_ns = 0;
        scratch->looking.bit = check->high;
        scratch->looking.runs = 0;
        switch (check->key) {
        case ENFORCE_KEY_TREE:
                scratch->creator = task;
                scratch->found = false;
                bpf_loop(ENFORCE_CREATORS, ask_creator, &scratch, 0);
                return scratch->found;
        case ENFORCE_KEY_PROCESS:
                key_of_process(key, leader);
                break;
        case ENFORCE_KEY_USER:
                key->id = READ(leader, loginuid.val);
                if (key->id == (__u32)-1)
                        key->id = scratch->facts.numbers[ENFORCE_UID];
                break;
        case ENFORCE_KEY_UNIT:
        case ENFORCE_KEY_CONTAINER:
                scratch->group = READ(READ(task, cgroups), dfl_cgrp);
                bpf_loop(ENFORCE_LEVELS, ask_group, &scratch, 0);
                if (!key->id)
                        return false;
                break;
        }
        return take_arming(scratch, key);
}

/* ---- checks ---- */

static __always_inline bool same_text(const struct enforce_check *check, struct scratch *scratch) {
        const struct text *text = check->field == ENFORCE_EXE ? &scratch->facts.exe : &scratch->facts.path;
        __u32 n = check->n_text;
        const char *from = text->from;

        if (n > text->n || n > ENFORCE_TEXT || (check->op == ENFORCE_WHOLE && n != text->n))
                return false;
        if (check->op == ENFORCE_ENDS)
                from += text->n - n;
        /* More than the text has; there is something of the scratch behind it. */
        if (bpf_probe_read_kernel(scratch->words, ENFORCE_TEXT, from) < 0)
                return false;
        for (__u32 i = 0; i < ENFORCE_TEXT / 8; i++) {
                __u64 differ = scratch->words[i] ^ check->words[i];

                if (n < 8)
                        differ &= (1ULL << 8 * n) - 1;  /* low byte first */
                if (differ)
                        return false;
                if (n <= 8)
                        break;
                n -= 8;
        }
        return true;
}

static __always_inline bool in_network(const __u8 *address, const __u8 *network, __u32 bits) {
        for (int i = 0; i < 16; i++) {
                __u8 differ = address[i] ^ network[i];

                if (bits < 8)
                        differ &= ~(0xff >> bits);
                if (differ)
                        return false;
                if (bits <= 8)
                        break;
                bits -= 8;
        }
        return true;
}

static __always_inline bool is_captured(const struct enforce_check *check, const struct facts *facts,
                                        const struct enforce_run *run) {
        __u64 address[2];

        if (check->field == ENFORCE_FILE)
                return facts->inode == run->inode && facts->device == run->device;
        __builtin_memcpy(address, facts->address, sizeof(address));
        return facts->family == run->family && address[0] == run->address[0] && address[1] == run->address[1];
}

/* The rule goes on with those stories for which it holds; of one that captured nothing it is not known. */
static __always_inline bool any_captured(const struct enforce_check *check, struct scratch *scratch) {
        struct looking *looking = &scratch->looking;
        bool negate = check->flags & ENFORCE_NEGATE;

        for (__u32 i = 0; i < ENFORCE_RUNS; i++) {
                const struct enforce_run *run = &scratch->armed.runs[i];
                bool known = check->field == ENFORCE_FILE ? run->has_file : run->family;

                if (!known || is_captured(check, &scratch->facts, run) == negate)
                        looking->runs &= ~(1U << i);
        }
        return (looking->runs != 0) != negate;
}

static __always_inline bool check_holds(const struct enforce_check *check, struct scratch *scratch) {
        struct facts *facts = &scratch->facts;
        __u32 number = facts->numbers[check->field & (ENFORCE_NUMBERS - 1)];

        switch (check->field) {
        case ENFORCE_KEY:
                return is_armed(check, scratch);
        case ENFORCE_EXE:
        case ENFORCE_FILE_PATH:
                return same_text(check, scratch);
        case ENFORCE_FILE:
        case ENFORCE_ADDRESS_CAPTURED:
                return any_captured(check, scratch);
        case ENFORCE_ADDRESS:
                return facts->family == check->low && in_network(facts->address, check->address, check->high);
        }
        switch (check->op) {
        case ENFORCE_ANY_BITS:
                return number & check->low;
        case ENFORCE_ALL_BITS:
                return (number & check->low) == check->low;
        }
        return number >= check->low && number <= check->high;
}

static __always_inline bool is_known(const struct enforce_check *check, const struct scratch *scratch) {
        return check->field == ENFORCE_KEY || KNOWS(&scratch->facts, check->field & 31);
}

static long look_at(__u32 i, struct scratch **context) {
        struct scratch *scratch = *context;
        struct looking *looking = &scratch->looking;
        __u32 at = looking->at;
        const struct enforce_check *check;
        bool known;

        if (at >= looking->end)
                return 1;
        check = bpf_map_lookup_elem(&checks, &at);
        if (!check)
                return 1;
        looking->at = at + 1;
        known = is_known(check, scratch);
        if (known && !looking->holds)
                looking->holds = check_holds(check, scratch);
        if (!(check->flags & ENFORCE_END))
                return 0;
        if (!known || looking->holds == (check->flags & ENFORCE_NEGATE)) {
                looking->at = check->next;
                looking->holds = false;
                return 0;
        }
        looking->holds = false;
        looking->rule = check->rule;
        return looking->rule != 0;
}

static __always_inline void know_caller(struct scratch *scratch, struct task_struct *task) {
        struct cred *cred = READ(task, cred);
        struct facts *facts = &scratch->facts;

        facts->known = 0;
        facts->numbers[ENFORCE_UID] = READ(cred, uid.val);
        facts->numbers[ENFORCE_EUID] = READ(cred, euid.val);
        facts->numbers[ENFORCE_GID] = READ(cred, gid.val);
        facts->numbers[ENFORCE_EGID] = READ(cred, egid.val);
        facts->known = 1U << ENFORCE_UID | 1U << ENFORCE_EUID | 1U << ENFORCE_GID | 1U << ENFORCE_EGID;
        scratch->looking.runs = 0;
}

static __always_inline void know_exe(struct scratch *scratch, struct task_struct *task) {
        struct mm_struct *mm = READ(task, mm);
        struct file *file = mm ? READ(mm, exe_file) : NULL;

        if (file)
                know_path(scratch, file, 1);
}

static __always_inline void know_file(struct scratch *scratch, struct file *file) {
        struct inode *inode = READ(file, f_inode);
        __u32 type = READ(inode, i_mode) & S_IFMT;

        scratch->facts.inode = READ(inode, i_ino);
        scratch->facts.device = READ(READ(inode, i_sb), s_dev);
        scratch->facts.generation = type == S_IFREG || type == S_IFDIR ? READ(inode, i_generation) : 0;
        KNOW(&scratch->facts, ENFORCE_FILE);
        scratch->facts.numbers[ENFORCE_FLAGS] = READ(file, f_flags);
        KNOW(&scratch->facts, ENFORCE_FLAGS);
}

/* What a place's rules say of these facts: a rule, or 0. */
static __always_inline __u32 find_rule(struct scratch *scratch, const struct enforce_span *span) {
        struct looking *looking = &scratch->looking;

        looking->at = span->first;
        looking->end = span->end;
        looking->rule = 0;
        looking->holds = false;
        bpf_loop(ENFORCE_CHECKS, look_at, &scratch, 0);
        return looking->rule;
}

/* ---- by place ---- */

__noinline __u32 rule_of_address(__u32 place, __u32 family, __u32 port, struct rule_address *address) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct enforce_span *span;
        struct scratch *scratch;
        __u32 rule;

        if (!address || place > ENFORCE_AT_SEND)
                return 0;
        span = &spans[place];
        if (span->first == span->end)
                return 0;
        scratch = scratch_take();
        if (!scratch) {
                count(&counters.undecided);
                return 0;
        }
        know_caller(scratch, task);
        __builtin_memcpy(scratch->facts.address, address->words, sizeof(scratch->facts.address));
        scratch->facts.family = family;
        scratch->facts.numbers[ENFORCE_PORT] = port;
        KNOW(&scratch->facts, ENFORCE_ADDRESS);
        KNOW(&scratch->facts, ENFORCE_ADDRESS_CAPTURED);
        KNOW(&scratch->facts, ENFORCE_PORT);
        if (span->fields & 1U << ENFORCE_EXE)
                know_exe(scratch, task);
        rule = find_rule(scratch, span);
        scratch_release(scratch);
        return rule;
}

/* The scratch is the caller's. */
static __always_inline __u32 rule_of_file(struct scratch *scratch, __u32 place, struct file *file) {
        struct enforce_span *span = &spans[place];

        if (span->first == span->end)
                return 0;
        know_caller(scratch, bpf_get_current_task_btf());
        know_file(scratch, file);
        if (span->fields & 1U << ENFORCE_FILE_PATH)
                know_path(scratch, file, 0);
        if (span->fields & 1U << ENFORCE_EXE)
                know_exe(scratch, bpf_get_current_task_btf());
        return find_rule(scratch, span);
}

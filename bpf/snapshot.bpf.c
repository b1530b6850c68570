// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Snapshot - what there is when the daemon comes, or has lost sight: processes, through the task iterator (start times
 * in nanoseconds, which /proc does not have), and from then on the names of cgroups, before anything happens in them.
 */
#include "given.bpf.h"
#include "image.bpf.h"
#include "task.bpf.h"

/* The iterator's own scratch: it can be preempted, and there is one reader of it. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct cpu);
} snapshot SEC(".maps");

static __always_inline struct wire_identity identity_of(struct task_struct *task) {
        struct wire_identity identity = { .start_ns = PART(task, group_leader)->start_boottime, .tgid = task->tgid };

        return identity;
}

/* Its last thread is past the hook that tells its end: a zombie, of which no record will come. */
static __always_inline bool is_dead(struct task_struct *task) {
        return task->exit_state && PART(task, signal)->nr_threads <= 1;
}

/* Who made it: the forks that we saw know. For older ones the parent stands in. */
static __always_inline void see_creator(struct task_struct *task, struct wire_header *ret) {
        struct task_state *own = state_of(task, false);
        struct task_struct *parent = PART(task, real_parent);
        struct wire_identity creator;

        if (own && own->creator_tgid) {
                ret->creator_start_ns = own->creator_start_ns;
                ret->creator_tgid = own->creator_tgid;
                ret->tree_start_ns = own->tree_start_ns;
                ret->tree_tgid = own->tree_tgid;
                return;
        }
        creator = identity_of(parent);
        if (parent->tgid != 0 && parent->tgid != task->tgid) {
                ret->creator_start_ns = creator.start_ns;
                ret->creator_tgid = creator.tgid;
        }
}

static __always_inline void append_process(struct cpu *cpu, struct task_struct *task) {
        struct wire_process *record = (void *)cpu->record;
        struct mm_struct *mm = PART(task, mm);
        struct fs_struct *fs = PART(task, fs);
        struct tty_struct *tty = PART(task, signal)->tty;
        struct file *file = mm ? mm->exe_file : NULL;
        struct seen seen = {};

        SET(cpu, process, kthread, !!(task->flags & PF_KTHREAD));
        SET(cpu, process, tty, 0);
        if (tty)
                record->tty = (__u32)GET(GET(tty, driver), major) << 20 |
                        (GET(GET(tty, driver), minor_start) + GET(tty, index));

        record->comm.offset = cpu->used;
        bpf_probe_read_kernel(record_at(cpu, cpu->used), TASK_COMM_LEN, task->comm);
        for (__u32 n = 0; n < TASK_COMM_LEN; n++) {
                if (!*record_at(cpu, record->comm.offset + n))
                        break;
                record->comm.length = n + 1;
        }
        cpu->used += record->comm.length & 31;
        cpu->header.known |= WIRE_BIT(process, comm);
        cpu->header.user |= WIRE_BIT(process, comm);

        namespaces_append(cpu, &record->ns_mnt, WIRE_BIT(process, ns_mnt), task);
        if (fs)
                path_append(cpu, &record->cwd, WIRE_BIT(process, cwd), fs->pwd.dentry, fs->pwd.mnt);
        if (file) {
                struct dentry *dentry = GET(file, f_path.dentry);

                path_append(cpu, &record->exe, WIRE_BIT(process, exe), dentry, GET(file, f_path.mnt));
                see_file(file, &seen);
                SET(cpu, process, file, seen.object);
                SET(cpu, process, memfd, seen.type == WIRE_OBJECT_MEMFD);
                SET(cpu, process, deleted, !GET(seen.inode, i_nlink) || !GET(dentry, d_hash.pprev));
        }
}

/* One `process` record for each process, read by the daemon in its own context: so it also learns who it is itself. */
SEC("iter/task")
int take_snapshot(struct bpf_iter__task *context) {
        struct task_struct *self = bpf_get_current_task_btf(), *task = context->task;
        struct task_state *state;
        struct cpu *cpu;
        __u32 zero = 0, size;

        if (!task)
                return 0;
        if (self_start_ns == 0) {
                self_tgid = self->tgid;
                self_start_ns = PART(self, group_leader)->start_boottime;
        }
        if (task->pid != task->tgid || is_dead(task))
                return 0;
        /* PID 1 comes first; some hosts keep it from us. Then our own root has to do. */
        if (task->tgid == 1 || (task->tgid == self_tgid && !host_root))
                host_root = (__u64)PART(task, fs)->root.dentry;

        cpu = bpf_map_lookup_elem(&snapshot, &zero);
        if (!cpu)
                return 0;
        cpu->used = sizeof(struct wire_process);
        __builtin_memset(cpu->record, 0, sizeof(struct wire_process));
        cpu->header.version = WIRE_VERSION;
        cpu->header.kind = WIRE_KIND_process;
        header_fill(&cpu->header, task, NULL, 0);
        see_creator(task, &cpu->header);
        cpu->header.flags |= WIRE_SYNTHETIC | (task_is_narrow(task) ? WIRE_COMPAT : 0);
        append_process(cpu, task);

        size = cpu->used;
        if (size > WIRE_MAX_RECORD - 8)
                return 0;
        BOUND(size, WIRE_MAX_RECORD - 1);
        __builtin_memset(cpu->record + size, 0, 8);
        size = (size + 7) & ~7U;
        cpu->header.size = size;
        if (bpf_seq_write(context->meta->seq, cpu->record, size) == 0 && snapshot_is_first) {
                state = state_of(task, true);
                if (state)
                        image_snapshot(cpu, &state->image);
        }
        return 0;
}

/* Write down with each task what the daemon made of the snapshot: its creator and tree. Whoever was created since by
 * one of them, before it had a tree to give, belongs to its creator's. Tasks that fork in between know their place
 * already. */
SEC("iter/task")
int plant_seeds(struct bpf_iter__task *context) {
        struct task_struct *task = context->task;
        struct wire_identity identity;
        struct task_state *state;
        struct seed *seed;

        if (!task)
                return 0;
        state = state_of(task, true);
        if (!state)
                return 0;
        if (task->pid != task->tgid) {
                struct task_state *leader = state_of(task->group_leader, false);

                if (leader)
                        image_inherit(&state->image, &leader->image);
        }
        if (state->tree_tgid)
                return 0;
        identity = identity_of(task);
        seed = bpf_map_lookup_elem(&seeds, &identity);
        if (seed) {
                state->creator_start_ns = seed->creator.start_ns;
                state->creator_tgid = seed->creator.tgid;
        } else {
                identity.start_ns = state->creator_start_ns;
                identity.tgid = state->creator_tgid;
                seed = bpf_map_lookup_elem(&seeds, &identity);
        }
        if (seed) {
                state->tree_start_ns = seed->tree.start_ns;
                state->tree_tgid = seed->tree.tgid;
        }
        return 0;
}

static __always_inline int tell_cgroup(struct cgroup *cgroup, const char *path, bool removed) {
        struct wire_cgroup *record;
        __u32 offset = 0;
        struct cpu *cpu;
        long n;

        if (!cgroup_is_ours(cgroup))
                return 0;
        cpu = record_begin(WIRE_KIND_cgroup, sizeof(struct wire_cgroup));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_actor(&cpu->header, state_of(bpf_get_current_task_btf(), false), 0);
        SET(cpu, cgroup, id, GET(GET(cgroup, kn), id));
        if (removed)
                SET(cpu, cgroup, removed, 1);
        if (record_room(cpu, WIRE_MAX_PATH, &offset) == WIRE_MAX_PATH) {
                n = bpf_probe_read_kernel_str(record_at(cpu, offset), WIRE_MAX_PATH, path);
                if (n > 0) {
                        record->path.offset = offset;
                        record->path.length = n - 1;
                        cpu->used = offset + ((n - 1) & (WIRE_MAX_PATH - 1));
                        cpu->header.known |= WIRE_BIT(cgroup, path);
                }
        }
        return record_submit(cpu, WIRE_KIND_cgroup);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup, struct cgroup *cgroup, const char *path) {
        return tell_cgroup(cgroup, path, false);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_gone, struct cgroup *cgroup, const char *path) {
        return tell_cgroup(cgroup, path, true);
}

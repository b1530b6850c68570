// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Process - fork, execve, exit: always attached, never filtered, for the process table lives on them. */
#include "call.bpf.h"
#include "image.bpf.h"

/* Do children of this task begin activities of their own? PID 1 and kthreadd, and those that the daemon entered. */
static __always_inline bool is_supervisor(struct task_struct *task) {
        struct wire_identity identity = { .start_ns = PART(task, group_leader)->start_boottime, .tgid = task->tgid };

        if (identity.tgid == 1 || (identity.tgid == 2 && task->flags & PF_KTHREAD))
                return true;
        return bpf_map_lookup_elem(&supervisors, &identity);
}

/* Namespaces that the child does not share with its creator: those that the call made, and those that the creator had
 * made or entered for its children (of process ids and of time). Most children share the whole of them. */
static __always_inline void append_new_namespaces(
                struct cpu *cpu, struct task_struct *task, struct task_struct *child) {
        struct wire_fork *record = (void *)cpu->record;
        struct namespaces own = {};

        if (PART(child, nsproxy) == PART(task, nsproxy) &&
            GET(PART(child, thread_pid), level) == GET(PART(task, thread_pid), level) &&
            PART(PART(child, real_cred), user_ns) == PART(PART(task, real_cred), user_ns))
                return;
        namespaces_see(task, &own);
        namespaces_append(cpu, &record->child_ns_mnt, WIRE_BIT(fork, child_ns_mnt), child);
        for (int i = 0; i < N_NAMESPACES; i++) {
                __u64 same = 1 - is_some((&record->child_ns_mnt)[i] ^ ((__u32 *)&own)[i]);

                cpu->header.known &= ~((WIRE_BIT(fork, child_ns_mnt) << i) * same);
        }
}

/* The child is complete and has not run yet. The current task is its creator, whoever becomes its parent
 * (CLONE_PARENT). */
SEC("tp_btf/task_newtask")
int BPF_PROG(on_fork, struct task_struct *child, __u64 clone_flags) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *own = state_of(task, false), *state;
        struct cpu *cpu;

        credentials_watch();
        state = state_of(child, true);
        if (state) {
                if (clone_flags & CLONE_THREAD) {
                        if (own)
                                __builtin_memcpy(state, own, offsetof(struct task_state, image));
                } else {
                        state->creator_start_ns = PART(task, group_leader)->start_boottime;
                        state->creator_tgid = task->tgid;
                        if (is_supervisor(task)) {
                                state->tree_start_ns = child->start_boottime;
                                state->tree_tgid = child->tgid;
                        } else if (own) {
                                state->tree_start_ns = own->tree_start_ns;
                                state->tree_tgid = own->tree_tgid;
                        }
                }
                if (own)
                        image_inherit(&state->image, &own->image);
                state->css_set = 0;
                state->begun.call = 0;
                state->exited = 0;
                credentials_see(child, state);
        }
        if (clone_flags & CLONE_THREAD)
                return 0;

        cpu = record_begin(WIRE_KIND_fork, sizeof(struct wire_fork));
        if (!cpu)
                return 0;
        header_actor(&cpu->header, own, child->tgid);
        SET(cpu, fork, child_pid, child->tgid);
        SET(cpu, fork, child_start, child->start_boottime);
        SET(cpu, fork, flags, clone_flags);
        append_new_namespaces(cpu, task, child);
        return record_submit(cpu, WIRE_KIND_fork);
}

/* Every exec names the task before it takes its new credentials, on all kernels (sched_prepare_exec is there since 6.11
 * only): the last moment to see the old ones. */
SEC("tp_btf/task_rename")
int BPF_PROG(before_exec, struct task_struct *task, const char *name) {
        struct task_struct *self = bpf_get_current_task_btf();
        struct task_state *state;

        if (self->pid != task->pid)     /* a name may be given to another thread through /proc */
                return 0;
        credentials_watch();
        state = state_of(self, true);
        if (state)
                credentials_see(self, state);
        return 0;
}

/* A list from the memory of the new image, before it has run: nobody else has a hand in it yet. */
static __always_inline void append_arguments(struct cpu *cpu, struct mm_struct *mm) {
        struct wire_execve *record = (void *)cpu->record;
        unsigned long start = mm->arg_start, end = mm->arg_end;
        __u32 offset = 0, room, length;

        if (end <= start)
                return;
        room = record_room(cpu, WIRE_MAX_LIST, &offset);
        length = end - start < room ? end - start : room;
        if (!length)
                return;
        BOUND(length, 2 * WIRE_MAX_LIST - 1);
        if (bpf_probe_read_user(record_at(cpu, offset), length, (void *)start) < 0)
                return;
        *record_at(cpu, offset + length - 1) = 0;
        record->argv.offset = offset;
        record->argv.length = length;
        cpu->header.known |= WIRE_BIT(execve, argv);
        if (length < end - start)
                cpu->header.cut |= WIRE_BIT(execve, argv);
        cpu->used = offset + length;
}

#define MAX_ENV_STRINGS 4096
#define MAX_ENV_CHUNK 4096

/* One string, or 4 KiB of a long one. Each is read to the end of the record, and stays there if its name is wanted.
 * Nothing is said of those that are not. */
static long env_step(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        struct env_walk *walk = &cpu->env;
        struct env_name name = {};
        __u32 offset = 0, room;
        bool ended;
        char *to;
        long n;

        if (walk->at >= walk->end) {
                walk->done = true;
                return 1;
        }
        room = record_room(cpu, MAX_ENV_CHUNK, &offset);
        if (room < MAX_ENV_CHUNK || offset - walk->start > WIRE_MAX_LIST - MAX_ENV_CHUNK) {
                walk->cut = true;
                return 1;
        }
        to = record_at(cpu, offset);
        n = read_user_string(to, MAX_ENV_CHUNK, (void *)walk->at);
        if (n <= 0) {
                walk->cut = true;
                return 1;
        }
        ended = n < MAX_ENV_CHUNK || walk->at + n >= walk->end;

        if (!walk->inside) {
                bool found = false;

                for (int k = 0; k < WIRE_MAX_ENV_NAME - 1; k++) {
                        char c = to[k];

                        if (c == '=')
                                found = true;
                        if (!c || found)
                                break;
                        name.name[k] = c;
                }
                walk->keep = found && bpf_map_lookup_elem(&env_names, &name);
        }
        if (walk->keep)
                cpu->used = offset + (n & (MAX_ENV_CHUNK - 1)) - (ended ? 0 : 1);
        walk->inside = !ended;
        walk->at += ended ? n : n - 1;
        return 0;
}

static __always_inline void append_environment(struct cpu *cpu, struct mm_struct *mm) {
        struct wire_execve *record = (void *)cpu->record;
        struct env_walk *walk = &cpu->env;
        __u32 length;

        __builtin_memset(walk, 0, sizeof(*walk));
        walk->at = mm->env_start;
        walk->end = mm->env_end;
        walk->start = cpu->used;
        bpf_loop(MAX_ENV_STRINGS, env_step, &cpu, 0);
        length = cpu->used - walk->start;
        if (length > 0 && walk->inside && walk->keep) {
                /* Cut in the middle of one that is wanted. */
                *record_at(cpu, walk->start + length) = 0;
                length++;
                cpu->used = walk->start + length;
        }
        record->env.offset = walk->start;
        record->env.length = length;
        cpu->header.known |= WIRE_BIT(execve, env);
        if (walk->cut || !walk->done)
                cpu->header.cut |= WIRE_BIT(execve, env);
}

/* execveat() names what it starts from by a descriptor: /dev/fd/5 for fexecve(), /dev/fd/5/x.sh for a name below it.
 * Gives the number and how long that prefix is, or 0. */
static __always_inline __u32 descriptor_prefix(const char *name, __u32 *ret_fd) {
        char text[16] = {};
        __u32 fd = 0, n = 8;

        bpf_probe_read_kernel_str(text, sizeof(text), name);
        if (*(__u64 *)text != 0x2f64662f7665642fULL)    /* "/dev/fd/", low byte first */
                return 0;
        for (; n < 15; n++) {
                if (text[n] < '0' || text[n] > '9')
                        break;
                fd = fd * 10 + text[n] - '0';
        }
        if (n == 8 || (text[n] && text[n] != '/'))
                return 0;
        *ret_fd = fd;
        return n;
}

/* What the call named, made absolute but not tidied (the daemon takes out `.` and `..`). It is the kernel's copy;
 * symbolic links are as they were named. If its descriptor is gone already (close-on-exec), it was no script, for then
 * the interpreter could not open it either: the name is that of the image. */
static __always_inline void append_filename(struct cpu *cpu, struct task_struct *task, struct linux_binprm *bprm) {
        struct wire_execve *record = (void *)cpu->record;
        struct fs_struct *fs = PART(task, fs);
        struct dentry *dentry = fs->pwd.dentry;
        struct vfsmount *mount = fs->pwd.mnt;
        const char *name = PART(bprm, filename);
        __u32 start = cpu->used, offset = 0, fd = 0, skip;
        char first = 0;
        long n;

        bpf_probe_read_kernel(&first, 1, name);
        cpu->forget = descriptor_prefix(name, &fd);
        skip = cpu->forget;
        if (skip) {
                struct file *file = file_of(task, fd);

                if (!file) {
                        record->filename = record->exe;
                        cpu->header.known |= cpu->header.known & WIRE_BIT(execve, exe) ? WIRE_BIT(execve, filename) : 0;
                        cpu->header.cut |= cpu->header.cut & WIRE_BIT(execve, exe) ? WIRE_BIT(execve, filename) : 0;
                        return;
                }
                dentry = GET(file, f_path.dentry);
                mount = GET(file, f_path.mnt);
        } else if (first == '/') {
                dentry = fs->root.dentry;
                mount = fs->root.mnt;
        }

        if (!path_append(cpu, &record->filename, 0, dentry, mount))
                return;
        if (record->filename.length == 1)
                cpu->used = start;      /* only "/" */
        if (record_room(cpu, WIRE_MAX_PATH + 1, &offset) < WIRE_MAX_PATH + 1)
                return;
        if (!skip && first != '/')
                *record_at(cpu, offset++) = '/';
        n = bpf_probe_read_kernel_str(record_at(cpu, offset), WIRE_MAX_PATH, name + skip);
        if (n <= 0)
                return;
        cpu->used = offset + ((n - 1) & (WIRE_MAX_PATH - 1));
        record->filename.offset = start;
        record->filename.length = cpu->used - start;
        cpu->header.known |= WIRE_BIT(execve, filename);
}

/* The four fields of one descriptor, in the order of events.def. */
struct stdio {
        __s64 type;
        struct wire_object object;
        struct wire_address peer;
        __s64 port;
};

#define SAME_PLACE(member, field)                                                                                      \
        _Static_assert(offsetof(struct stdio, member) ==                                                               \
                               offsetof(struct wire_execve, field) - offsetof(struct wire_execve, stdin_type), #field)
SAME_PLACE(object, stdin_object);
SAME_PLACE(peer, stdin_peer);
SAME_PLACE(port, stdin_port);
_Static_assert(offsetof(struct wire_execve, stderr_type) - offsetof(struct wire_execve, stdout_type) ==
                       sizeof(struct stdio),
               "stderr");

_Static_assert(WIRE_BIT(execve, stderr_type) == WIRE_BIT(execve, stdin_type) << 8, "four fields each");

/* One of descriptors 0 to 2: the table is no longer shared, and close-on-exec is done. Not static: see path_walk(). */
__noinline int append_stdio(struct cpu *cpu, __u32 fd) {
        struct wire_execve *record;
        struct stdio *stdio;
        struct seen seen = {};
        struct file *file;
        __u32 port = 0;
        __u64 first;

        if (!cpu || fd > 2)
                return 0;
        record = (void *)cpu->record;
        stdio = (struct stdio *)&record->stdin_type + fd;
        first = WIRE_BIT(execve, stdin_type) << 4 * fd; /* the bit of its first field */
        file = file_of(bpf_get_current_task_btf(), fd);
        if (!file) {
                stdio->type = WIRE_OBJECT_CLOSED;
                cpu->header.known |= first;
                return 0;
        }
        see_file(file, &seen);
        stdio->type = seen.type;
        stdio->object = seen.object;
        cpu->header.known |= first | first << 1;
        if (seen.type == WIRE_OBJECT_SOCKET && see_peer(sock_of(&seen), &stdio->peer, &port)) {
                stdio->port = port;
                cpu->header.known |= first << 2 | first << 3;
        }
        return 0;
}

static __always_inline void append_tty(struct cpu *cpu, struct task_struct *task) {
        struct tty_struct *tty = PART(task, signal)->tty;

        if (tty)
                SET(cpu, execve, tty, (__u32)GET(GET(tty, driver), major) << 20 |
                        (GET(GET(tty, driver), minor_start) + GET(tty, index)));
        else
                SET(cpu, execve, tty, 0);
}

static __always_inline void append_comm(struct cpu *cpu, struct wire_bytes *bytes, struct task_struct *task) {
        __u32 offset = 0, n = 0;

        if (record_room(cpu, TASK_COMM_LEN, &offset) < TASK_COMM_LEN)
                return;
        bpf_probe_read_kernel(record_at(cpu, offset), TASK_COMM_LEN, task->comm);
        while (n < TASK_COMM_LEN - 1 && *record_at(cpu, offset + n))
                n++;
        bytes->offset = offset;
        bytes->length = n;
        cpu->used = offset + n;
}

static __always_inline void append_image(struct cpu *cpu, struct file *file) {
        struct wire_execve *record = (void *)cpu->record;
        struct dentry *dentry = GET(file, f_path.dentry);
        struct seen seen = {};

        path_append(cpu, &record->exe, WIRE_BIT(execve, exe), dentry, GET(file, f_path.mnt));
        see_file(file, &seen);
        SET(cpu, execve, file, seen.object);
        SET(cpu, execve, file_mode, seen.mode);
        SET(cpu, execve, file_uid, seen.uid);
        SET(cpu, execve, memfd, seen.type == WIRE_OBJECT_MEMFD);
        SET(cpu, execve, deleted, !GET(seen.inode, i_nlink) || !GET(dentry, d_hash.pprev));
        SET(cpu, execve, upper,
            GET(GET(seen.inode, i_sb), s_magic) == OVERLAYFS_SUPER_MAGIC && overlay_is_upper(seen.inode));
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm) {
        struct task_struct *self = bpf_get_current_task_btf();
        struct task_state *state = state_of(self, true);
        struct credentials old = {};
        struct wire_execve *record;
        struct fs_struct *fs = PART(self, fs);
        struct mm_struct *mm = PART(self, mm);
        struct cpu *cpu;

        if (bursts_open)
                bursts_leave(old_pid);
        if (state) {
                old = state->seen;
                credentials_see(self, state);
        }
        cpu = record_begin(WIRE_KIND_execve, sizeof(struct wire_execve));
        if (!cpu) {
                if (state)
                        image_exec(NULL, &state->image);
                return 0;
        }
        record = (void *)cpu->record;
        header_actor(&cpu->header, state, 0);
        if (task_is_compat(self))
                cpu->header.flags |= WIRE_COMPAT;

        append_image(cpu, PART(bprm, file));
        append_filename(cpu, self, bprm);
        if (state)
                image_exec(cpu, &state->image);
        path_append(cpu, &record->cwd, WIRE_BIT(execve, cwd), fs->pwd.dentry, fs->pwd.mnt);
        append_comm(cpu, &record->comm, self);
        cpu->header.known |= WIRE_BIT(execve, comm);
        SET(cpu, execve, argc, bprm->argc);
        SET(cpu, execve, script, PART(bprm, interp) != PART(bprm, filename));
        SET(cpu, execve, secure, BPF_CORE_READ_BITFIELD(bprm, secureexec));
        append_tty(cpu, self);
        if (state && state->has_script) {
                /* Of the attempt that succeeded: each begins with the hook (security.bpf.c). */
                if (PART(bprm, interp) != PART(bprm, filename))
                        SET(cpu, execve, script_file, state->script);
                state->has_script = 0;
        }
        if (state) {
                SET(cpu, execve, old_uid, old.uid);
                SET(cpu, execve, old_euid, old.euid);
                SET(cpu, execve, old_gid, old.gid);
                SET(cpu, execve, old_egid, old.egid);
                SET(cpu, execve, old_caps, old.caps);
        }
        namespaces_append(cpu, &record->ns_mnt, WIRE_BIT(execve, ns_mnt), self);
        append_stdio(cpu, 0);
        append_stdio(cpu, 1);
        append_stdio(cpu, 2);
        append_arguments(cpu, mm);
        if (env_wanted)
                append_environment(cpu, mm);
        return record_submit(cpu, WIRE_KIND_execve);
}

/* The process is gone with its last thread. Two that end at the same time may both find no other alive: the mark in the
 * leader's storage lets one of them tell it. (Since 6.18 there is an argument for it; one way for all kernels is
 * simpler.) */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *unused) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct signal_struct *signal = PART(task, signal);
        struct task_state *state, *shared;
        __u32 code = PART(task, group_leader)->exit_code;
        struct cpu *cpu;

        if (bursts_open)
                bursts_leave(task->pid);
        if (signal->live.counter != 0)
                return 0;
        shared = bpf_task_storage_get(&tasks, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (shared && __sync_lock_test_and_set(&shared->exited, 1))
                return 0;
        if (signal->flags & 0x00000004) /* SIGNAL_GROUP_EXIT: exit_group() or a signal set the code for all */
                code = signal->group_exit_code;

        credentials_watch();
        state = state_of(task, false);
        cpu = record_begin(WIRE_KIND_exit, sizeof(struct wire_exit));
        if (!cpu)
                return 0;
        header_actor(&cpu->header, state, 0);
        SET(cpu, exit, code, code >> 8 & 0xff);
        SET(cpu, exit, signal, code & 0x7f);
        SET(cpu, exit, core, code >> 7 & 1);
        SET(cpu, exit, run_ns, cpu->header.time_ns - cpu->header.start_ns);
        return record_submit(cpu, WIRE_KIND_exit);
}

/* An exec that succeeds is told above; this is attached only when a policy looks at failures. The old image is
 * still there. */
static __noinline int exec_ended(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct fs_struct *fs = PART(task, fs);
        bool at = call->id == WIRE_CALL_execveat;
        struct wire_execve *record;
        struct wire_bytes unused = {};
        struct given name = {
                .user = (const char *)call->args[at ? 1 : 0],
                .directory = at ? (int)call->args[0] : AT_FDCWD,
                .path_bit = WIRE_BIT(execve, filename),
        };
        struct cpu *cpu;

        if (call->result >= 0 || is_restart(call->result) || !(wants[WIRE_KIND_execve] & WANT_FAILURE))
                return 0;
        cpu = call_record(call, WIRE_KIND_execve, sizeof(struct wire_execve));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        given_append(cpu, &name, &record->filename, &unused);
        path_append(cpu, &record->cwd, WIRE_BIT(execve, cwd), fs->pwd.dentry, fs->pwd.mnt);
        append_comm(cpu, &record->comm, task);
        cpu->header.known |= WIRE_BIT(execve, comm);
        append_tty(cpu, task);
        return record_submit(cpu, WIRE_KIND_execve);
}

CALL_PROGRAM(exit_execve, exec_ended)

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Enforce - the programs that refuse calls: addresses in the cgroup programs of connect and sendmsg, which load
 * everywhere, programs and files in security hooks, where the kernel has BPF among them. What is refused is in the
 * administrator's lists, or is the last step of a policy with `enforce` (enforce-rules.bpf.h).
 *
 * A rule may ask for more: that who asked does not live on. In a security hook he gets SIGKILL at once. A cgroup
 * program cannot send it: it refuses the call, and the program at the end of the same call sends it. Either way he is
 * in the kernel, and never comes back to an instruction of his own.
 *
 * Nothing here depends on the programs that watch. While `enforcing` is 0 everything is let through and what would have
 * been refused is told all the same. Whoever keeps the host alive is never refused anything: PID 1, the kernel's
 * threads, and the executables in `protected`, each by the file that it runs and not by a name. */
#include "kernel.h"
#include "bound.bpf.h"
#include "enforce.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1
#define SIGKILL 9

/* Fixed at load. */
const volatile bool closed = false;     /* what cannot be looked at is refused */
const volatile __u32 listed = 0;        /* lists that have something in them: 1 << enum enforce_list */

/* Changed by the daemon at any time. */
__u32 enforcing = 0;

/* By the number of a rule, less 1: what would be done is told, and not done. */
__u8 disarmed[ENFORCE_RULES] = {};

struct enforce_counters counters = {};

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, ENFORCE_RING);
} verdicts SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, ENFORCE_RULES);
        __type(key, struct enforce_address4);
        __type(value, __u32);
} addresses4 SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, ENFORCE_RULES);
        __type(key, struct enforce_address6);
        __type(value, __u32);
} addresses6 SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, ENFORCE_RULES);
        __type(key, struct enforce_front);
        __type(value, __u32);
} fronts SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, ENFORCE_RULES);
        __type(key, struct enforce_name);
        __type(value, __u32);
} names SEC(".maps");

/* Listed files that were there when the list was read: other names of theirs, too. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, ENFORCE_RULES);
        __type(key, struct enforce_object);
        __type(value, __u32);
} objects SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, ENFORCE_PROTECTED);
        __type(key, struct enforce_object);
        __type(value, __u32);
} protected SEC(".maps");

/* Who is to be killed at the end of the call that was refused, by thread. A mark that nobody comes for (a worker of
 * io_uring, a 32-bit call) is of no other call: it has the place in the program that made this one. */
struct mark {
        __u64 ip, sp;
        char verdict[offsetof(struct enforce_verdict, path)] __attribute__((aligned(8)));
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, ENFORCE_MARKS);
        __type(key, __u64);
        __type(value, struct mark);
} marks SEC(".maps");

#define ENFORCE_NUMBERS 16              /* a power of two, above the numbers of enum enforce_field */
#define LONGEST_NAME 256                /* what is left out of a path that is too long, for the verifier */

struct text {
        const char *from;
        __u32 n;
        __u32 pad;
};

/* What is known of a call (enforce-rules.bpf.h). */
struct facts {
        __u32 known;                    /* enum enforce_field, bits */
        __u32 numbers[ENFORCE_NUMBERS]; /* by enum enforce_field */
        __u32 family, device, generation;
        __u64 inode;
        __u8 address[16];
        struct text path, exe;
};

/* A walk from a file to the root, a list of checks: how far they are. */
struct climb {
        struct dentry *dentry, *root;
        struct mount *mount;
        __u64 sum;                      /* of what was seen: the same twice, and nothing changed meanwhile */
        __u32 at;                       /* where the path begins, so far */
        __u32 which;                    /* of the texts: 0 path, 1 exe */
        bool write, done;
};

struct looking {
        __u32 at, end, rule;
        __u32 bit;                      /* of the rule */
        __u32 runs;                     /* of `armed` that the rule may hold for, bits */
        bool holds;                     /* the test, so far */
};

struct rule_address {
        __u32 words[4];
};

/* Security programs can be preempted, and run twice on a CPU: what they need is taken and given back. */
struct scratch {
        __u32 busy;
        __u32 pad;
        struct enforce_verdict verdict;
        struct enforce_front front;
        struct facts facts;
        struct climb climb;
        struct looking looking;
        struct task_struct *creator;
        struct cgroup *group;
        struct enforce_arming key;
        struct enforce_armed armed;     /* by that key */
        bool found;
        char path[ENFORCE_PATH + LONGEST_NAME];
        char exe[ENFORCE_PATH + LONGEST_NAME];
        __u64 words[ENFORCE_TEXT / 8];
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, ENFORCE_SCRATCHES);
        __type(key, __u32);
        __type(value, struct scratch);
} scratches SEC(".maps");

#define READ(pointer, member)                                                                                          \
        ({                                                                                                             \
                __typeof__(pointer) _pointer = (pointer);                                                              \
                __typeof__(_pointer->member) _value;                                                              \
                bpf_core_read(&_value, sizeof(_value), &_pointer->member);                                             \
                _value;                                                                                                \
        })

static __always_inline void count(__u64 *counter) {
        __sync_fetch_and_add(counter, 1);
}

static __always_inline struct scratch *scratch_take(void) {
        __u32 first = bpf_get_prandom_u32();

        for (__u32 i = 0; i < 8; i++) {
                __u32 at = (first + i) & (ENFORCE_SCRATCHES - 1);
                struct scratch *scratch = bpf_map_lookup_elem(&scratches, &at);

                if (scratch && __sync_val_compare_and_swap(&scratch->busy, 0, 1) == 0)
                        return scratch;
        }
        return NULL;
}

static __always_inline void scratch_release(struct scratch *scratch) {
        __sync_lock_test_and_set(&scratch->busy, 0);
}

#include "enforce-rules.bpf.h"

/* ---- who asks ---- */

static __always_inline void object_of(struct inode *inode, __u32 list, struct enforce_object *ret) {
        ret->inode = READ(inode, i_ino);
        ret->device = READ(READ(inode, i_sb), s_dev);
        ret->list = list;
}

/* Workers that the kernel makes for a process (io_uring) may have no memory of their own at the moment: then the
 * leader's tells what runs. Whoever has none at all is the kernel itself. */
static __always_inline bool is_protected(struct task_struct *task) {
        struct enforce_object object = {};
        struct mm_struct *mm;
        struct file *file;

        if (task->tgid == 1 || task->flags & PF_KTHREAD)
                return true;
        mm = READ(task, mm);
        if (!mm)
                mm = READ(READ(task, group_leader), mm);
        if (!mm)
                return true;
        file = READ(mm, exe_file);
        if (!file)
                return false;
        object_of(READ(file, f_inode), 0, &object);
        return bpf_map_lookup_elem(&protected, &object) != NULL;
}

static __always_inline bool is_in_force(__u32 rule) {
        __u32 at = (rule & ~ENFORCE_KILL) - 1;

        return enforcing && !(at < ENFORCE_RULES && disarmed[at]);
}

/* What is to be done, counted. 0 is a rule as well: nothing could be looked at. */
static __always_inline enum enforce_outcome decide(struct task_struct *task, __u32 rule) {
        enum enforce_outcome outcome = ENFORCE_WOULD;

        if (is_protected(task))
                outcome = ENFORCE_NO;
        else if (is_in_force(rule) && (rule || closed))
                outcome = ENFORCE_KERNEL;
        if (rule || outcome == ENFORCE_KERNEL)
                count(&counters.outcomes[outcome]);
        return outcome;
}

#define VERDICT_HEAD offsetof(struct enforce_verdict, path)

static __always_inline void verdict_fill(struct enforce_verdict *verdict, struct task_struct *task, __u32 list,
                                         __u32 place, __u32 rule, enum enforce_outcome outcome) {
        __u64 uid_gid = bpf_get_current_uid_gid();
        struct cred *cred = READ(task, cred);

        verdict->time_ns = bpf_ktime_get_boot_ns();
        verdict->start_ns = READ(READ(task, group_leader), start_boottime);
        verdict->cgroup_id = bpf_get_current_cgroup_id();
        verdict->tgid = task->tgid;
        verdict->tid = task->pid;
        verdict->uid = (__u32)uid_gid;
        verdict->gid = uid_gid >> 32;
        verdict->euid = READ(cred, euid.val);
        verdict->egid = READ(cred, egid.val);
        verdict->rule = rule & ~ENFORCE_KILL;
        verdict->list = list;
        verdict->outcome = outcome;
        verdict->port = 0;
        verdict->family = 0;
        verdict->n_path = 0;
        verdict->killed = 0;
        verdict->place = place;
        verdict->inode = 0;
        verdict->device = verdict->generation = 0;
}

/* To the caller's process. What becomes of it is told, and no more. */
static __always_inline void punish(struct enforce_verdict *verdict, __u64 size) {
        if (bpf_send_signal(SIGKILL) < 0) {
                count(&counters.kill_failed);
                return;
        }
        count(&counters.killed);
        verdict->time_ns = bpf_ktime_get_boot_ns();
        verdict->killed = 1;
        if (bpf_ringbuf_output(&verdicts, verdict, size, 0) < 0)
                count(&counters.untold);
}

/* ---- addresses ---- */

/* Where in the program the call was made. */
static __always_inline void place_of(__u64 *ret_ip, __u64 *ret_sp) {
        struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

#if defined(__TARGET_ARCH_x86)
        *ret_ip = READ(regs, ip);
#else
        *ret_ip = READ(regs, pc);
#endif
        *ret_sp = READ(regs, sp);
}

static __always_inline int mark_caller(const struct enforce_verdict *verdict) {
        __u64 id = bpf_get_current_pid_tgid();
        struct mark mark = {};

        __builtin_memcpy(mark.verdict, verdict, VERDICT_HEAD);
        place_of(&mark.ip, &mark.sp);
        return bpf_map_update_elem(&marks, &id, &mark, BPF_ANY);
}

/* The answer of the program: 0 is EPERM for the caller. */
static __always_inline int answer_address(struct bpf_sock_addr *context, __u32 place, const __u32 *listed, __u16 family,
                                          const __u32 address[4]) {
        struct task_struct *task = bpf_get_current_task_btf();
        char bytes[VERDICT_HEAD] __attribute__((aligned(8)));
        struct enforce_verdict *verdict = (void *)bytes;
        __u32 rule = listed ? *listed : 0, list = ENFORCE_ADDRESSES, port = bpf_ntohs((__u16)context->user_port);
        enum enforce_outcome outcome;

        if (!rule) {
                struct rule_address words;

                __builtin_memcpy(words.words, address, sizeof(words.words));
                rule = rule_of_address(place, family, port, &words);
                list = ENFORCE_POLICIES;
        }
        if (!rule)
                return 1;
        outcome = decide(task, rule);
        verdict_fill(verdict, task, list, place, rule, outcome);
        verdict->family = family;
        verdict->port = port;
        __builtin_memcpy(verdict->address, address, sizeof(verdict->address));
        if (bpf_ringbuf_output(&verdicts, bytes, sizeof(bytes), 0) < 0)
                count(&counters.untold);
        if (outcome != ENFORCE_KERNEL)
                return 1;
        if (rule & ENFORCE_KILL && mark_caller(verdict) < 0)
                count(&counters.kill_failed);
        return 0;
}

static __always_inline const __u32 *find4(__u32 ip) {
        struct enforce_address4 key = {.bits = 32};

        if (ip == 0)
                ip = bpf_htonl(0x7f000001);     /* what the kernel makes of it */
        __builtin_memcpy(key.address, &ip, sizeof(ip));
        return bpf_map_lookup_elem(&addresses4, &key);
}

static __always_inline int decide4(struct bpf_sock_addr *context, __u32 place) {
        __u32 address[4] = {context->user_ip4};

        return answer_address(context, place, find4(address[0]), AF_INET, address);
}

/* The verifier wants each word of the context read by itself. */
static __always_inline int decide6(struct bpf_sock_addr *context, __u32 place) {
        struct enforce_address6 key = {.bits = 128};
        __u32 address[4];
        const __u32 *rule;

        address[0] = context->user_ip6[0];
        address[1] = context->user_ip6[1];
        address[2] = context->user_ip6[2];
        address[3] = context->user_ip6[3];
        /* IPv4 by another name. */
        if (address[0] == 0 && address[1] == 0 && address[2] == bpf_htonl(0xffff)) {
                address[0] = address[3];
                address[1] = address[2] = address[3] = 0;
                return answer_address(context, place, find4(address[0]), AF_INET, address);
        }
        __builtin_memcpy(key.address, address, sizeof(key.address));
        if ((address[0] | address[1] | address[2] | address[3]) == 0)
                key.address[15] = 1;
        rule = bpf_map_lookup_elem(&addresses6, &key);
        return answer_address(context, place, rule, AF_INET6, address);
}

SEC("cgroup/connect4")
int refuse_connect4(struct bpf_sock_addr *context) {
        return decide4(context, ENFORCE_AT_CONNECT);
}

SEC("cgroup/connect6")
int refuse_connect6(struct bpf_sock_addr *context) {
        return decide6(context, ENFORCE_AT_CONNECT);
}

SEC("cgroup/sendmsg4")
int refuse_sendmsg4(struct bpf_sock_addr *context) {
        return decide4(context, ENFORCE_AT_SEND);
}

SEC("cgroup/sendmsg6")
int refuse_sendmsg6(struct bpf_sock_addr *context) {
        return decide6(context, ENFORCE_AT_SEND);
}

/* The end of a call that may have been refused. Enforcement may have been switched off since. */
SEC("tp/syscalls/sys_exit_connect")
int end_call(struct syscall_exit *context) {
        __u64 id = bpf_get_current_pid_tgid(), ip, sp;
        struct mark *mark = bpf_map_lookup_elem(&marks, &id);

        if (!mark)
                return 0;
        place_of(&ip, &sp);
        if (mark->ip == ip && mark->sp == sp && enforcing)
                punish((struct enforce_verdict *)mark->verdict, VERDICT_HEAD);
        bpf_map_delete_elem(&marks, &id);
        return 0;
}

/* ---- programs and files ---- */

static __always_inline __u32 rule_at(const __u32 *rule) {
        return rule ? *rule : 0;
}

static __always_inline __u32 find_object(struct inode *inode, __u32 list) {
        struct enforce_object object = {};

        object_of(inode, list, &object);
        return rule_at(bpf_map_lookup_elem(&objects, &object));
}

static __always_inline __u32 find_name(struct dentry *dentry, __u32 list) {
        struct enforce_name name = {.list = list};
        const unsigned char *from = READ(dentry, d_name.name);

        /* Longer ones are no rule's. Without room for the rest there is a NUL at the end, and the name is another. */
        if (READ(dentry, d_name.len) >= ENFORCE_NAME || bpf_probe_read_kernel_str(name.text, ENFORCE_NAME, from) < 0)
                return 0;
        return rule_at(bpf_map_lookup_elem(&names, &name));
}

/* What a policy's rule was decided by. */
static __always_inline void tell_file(struct scratch *scratch) {
        const struct facts *facts = &scratch->facts;

        if (!KNOWS(facts, ENFORCE_FILE))
                return;
        scratch->verdict.inode = facts->inode;
        scratch->verdict.device = facts->device;
        scratch->verdict.generation = facts->generation;
}

/* What of the scratch's path is told, of the beginning. */
static __always_inline __u32 tell_path(struct scratch *scratch, const char *path, __u32 size) {
        scratch->verdict.n_path = size > ENFORCE_TOLD ? ENFORCE_TOLD : size;
        bpf_probe_read_kernel(scratch->verdict.path, ENFORCE_TOLD, path);
        BOUND(size, 2 * ENFORCE_TOLD - 1);
        return size > ENFORCE_TOLD ? ENFORCE_TOLD : size;
}

/* By the lists. False: it could not be looked at. The path is in the scratch then, `*ret_n` bytes with NUL. */
static __always_inline bool find_listed(struct scratch *scratch, struct file *file, __u32 list, __u32 *ret_rule,
                                        __u32 *ret_n) {
        __u32 rule = find_object(READ(file, f_inode), list), bytes;
        long n;

        if (!rule)
                rule = find_name(READ(file, f_path.dentry), list);
        n = scratch ? bpf_d_path(&file->f_path, scratch->path, ENFORCE_PATH) : -1;
        *ret_rule = rule;
        if (!scratch || n <= 0 || n > ENFORCE_PATH)
                return rule;
        *ret_n = bytes = n;
        if (rule)
                return true;
        if (bytes > ENFORCE_FRONT)
                bytes = ENFORCE_FRONT;
        bpf_probe_read_kernel(scratch->front.text, ENFORCE_FRONT, scratch->path);
        scratch->front.list = list;
        scratch->front.bits = 32 + 8 * bytes;
        *ret_rule = rule_at(bpf_map_lookup_elem(&fronts, &scratch->front));
        return true;
}

static __always_inline int refuse_file(struct file *file, __u32 list, __u32 place) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct scratch *scratch = scratch_take();
        __u32 rule = 0, n = 0, size;
        const char *path = scratch ? scratch->path : NULL;
        enum enforce_outcome outcome;
        bool decided = true;

        if (listed & 1U << list)
                decided = find_listed(scratch, file, list, &rule, &n);
        if (!scratch && !rule)
                decided = decided && !(listed & 1U << list) && spans[place].first == spans[place].end;
        if (!decided)
                count(&counters.undecided);
        if (scratch && decided && !rule) {
                rule = rule_of_file(scratch, place, file);
                list = ENFORCE_POLICIES;
                path = scratch->facts.path.from;
                n = KNOWS(&scratch->facts, ENFORCE_FILE_PATH) ? scratch->facts.path.n + 1 : 0;
        }
        /* What is undecided is refused for the sake of a list only: of a policy's rules it is not known that one holds.
         */
        if (!rule && (decided || !(listed & 1U << list))) {
                if (scratch)
                        scratch_release(scratch);
                return 0;
        }

        outcome = decide(task, rule);
        if (!scratch) {
                count(&counters.untold);
                return outcome == ENFORCE_KERNEL ? -EPERM : 0;
        }
        if (rule || outcome == ENFORCE_KERNEL) {
                verdict_fill(&scratch->verdict, task, list, place, rule, outcome);
                if (list == ENFORCE_POLICIES)
                        tell_file(scratch);
                size = tell_path(scratch, path, n > 0 ? n - 1 : 0);
                if (bpf_ringbuf_output(&verdicts, &scratch->verdict, VERDICT_HEAD + size, 0) < 0)
                        count(&counters.untold);
                if (outcome == ENFORCE_KERNEL && rule & ENFORCE_KILL)
                        punish(&scratch->verdict, VERDICT_HEAD + size);
        }
        scratch_release(scratch);
        return outcome == ENFORCE_KERNEL ? -EPERM : 0;
}

/* For lists. Called again for each interpreter. */
SEC("lsm/bprm_check_security")
int BPF_PROG(refuse_exec, struct linux_binprm *bprm) {
        return refuse_file(bprm->file, ENFORCE_EXECUTABLES, ENFORCE_AT_EXEC);
}

/* For policies, which speak of the image that is to run. Called once, when that is known: of a script it is the
 * interpreter. The caller is still what he was, and goes on with EPERM. */
SEC("lsm/bprm_creds_from_file")
int BPF_PROG(refuse_image, struct linux_binprm *bprm) {
        return refuse_file(bprm->file, ENFORCE_EXECUTABLES, ENFORCE_AT_EXEC);
}

SEC("lsm/file_open")
int BPF_PROG(refuse_open, struct file *file) {
        if (file->f_mode & FMODE_NOACCOUNT)
                return 0;               /* a file system's own, of what lies below it */
        return refuse_file(file, ENFORCE_FILES, ENFORCE_AT_OPEN);
}

/* ---- where there are no security hooks: nothing can be refused, but the caller can be killed ---- */

/* The verdict of a policy's rule, by what is in the scratch. Its size. */
static __always_inline __u32 tell_rule(struct scratch *scratch, struct task_struct *task, __u32 place, __u32 rule,
                                       enum enforce_outcome outcome) {
        __u32 size = KNOWS(&scratch->facts, ENFORCE_FILE_PATH) ? scratch->facts.path.n : 0;

        verdict_fill(&scratch->verdict, task, ENFORCE_POLICIES, place, rule, outcome);
        tell_file(scratch);
        return VERDICT_HEAD + tell_path(scratch, scratch->facts.path.from, size);
}

static __always_inline void kill_for(struct scratch *scratch, __u32 place, __u32 rule) {
        struct task_struct *task = bpf_get_current_task_btf();
        enum enforce_outcome outcome;
        __u32 size;

        outcome = is_protected(task) ? ENFORCE_NO : is_in_force(rule) ? ENFORCE_KERNEL : ENFORCE_WOULD;
        size = tell_rule(scratch, task, place, rule, outcome);
        if (outcome == ENFORCE_KERNEL) {
                punish(&scratch->verdict, size);
                return;
        }
        count(&counters.outcomes[outcome]);
        if (bpf_ringbuf_output(&verdicts, &scratch->verdict, size, 0) < 0)
                count(&counters.untold);
}

static __always_inline int kill_for_file(struct file *file, __u32 place) {
        struct scratch *scratch = scratch_take();
        __u32 rule;

        if (!scratch) {
                count(&counters.undecided);
                return 0;
        }
        rule = rule_of_file(scratch, place, file);
        if (rule)
                kill_for(scratch, place, rule);
        scratch_release(scratch);
        return 0;
}

/* The new image has not run yet. Of a script this is the interpreter. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(end_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm) {
        return kill_for_file(READ(bprm, file), ENFORCE_AT_EXEC);
}

/* The end of each call that opens. */
SEC("tp/syscalls/sys_exit_openat")
int end_open(struct syscall_exit *context) {
        struct fdtable *table;
        struct file **files, *file = NULL;
        long fd = context->ret;

        if (fd < 0 || spans[ENFORCE_AT_OPEN].first == spans[ENFORCE_AT_OPEN].end)
                return 0;
        table = READ(READ(bpf_get_current_task_btf(), files), fdt);
        files = READ(table, fd);
        if (fd >= READ(table, max_fds))
                return 0;
        bpf_probe_read_kernel(&file, sizeof(file), files + fd);
        return file ? kill_for_file(file, ENFORCE_AT_OPEN) : 0;
}

#include "enforce-ptrace.bpf.h"

/* ---- for the daemon ---- */

SEC("syscall")
int identify(struct enforce_identify *identify) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct fdtable *table = READ(READ(task, files), fdt);
        struct enforce_object object = {};
        struct file **files = READ(table, fd), *file = NULL;

        identify->inode = 0;
        if (identify->fd >= READ(table, max_fds))
                return 0;
        bpf_probe_read_kernel(&file, sizeof(file), files + identify->fd);
        if (!file)
                return 0;
        object_of(READ(file, f_inode), 0, &object);
        identify->device = object.device;
        identify->inode = object.inode;
        return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

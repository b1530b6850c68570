// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Uring - operations that io_uring carries out instead of a system call: told as the kind that the call of the same
 * meaning is, with `call == io_uring`.
 *
 * Two hooks make one record. When an operation is submitted the kernel has made its own copies of names, which are gone
 * when it is done; so they are kept, by the address of the request. When it completes the result is known, and the
 * programs of call.bpf.h do the rest: a dispatcher hands them the operation in the form of a call. Workers that carry
 * out operations are threads of the process, with its descriptors and directories.
 *
 * A request that asks for no completion (IOSQE_CQE_SKIP_SUCCESS) is told when it is submitted, result unknown. */
#include "call.bpf.h"

/* Operations, from <linux/io_uring.h>, which is older than some of them on some machines. */
enum {
        OP_READV = 1,
        OP_WRITEV = 2,
        OP_READ_FIXED = 4,
        OP_WRITE_FIXED = 5,
        OP_SENDMSG = 9,
        OP_RECVMSG = 10,
        OP_ACCEPT = 13,
        OP_CONNECT = 16,
        OP_OPENAT = 18,
        OP_CLOSE = 19,
        OP_READ = 22,
        OP_WRITE = 23,
        OP_SEND = 26,
        OP_RECV = 27,
        OP_OPENAT2 = 28,
        OP_SPLICE = 30,
        OP_TEE = 33,
        OP_RENAMEAT = 35,
        OP_UNLINKAT = 36,
        OP_MKDIRAT = 37,
        OP_SYMLINKAT = 38,
        OP_LINKAT = 39,
        OP_FSETXATTR = 41,
        OP_SETXATTR = 42,
        OP_SOCKET = 45,
        OP_SEND_ZC = 47,
        OP_SENDMSG_ZC = 48,
        OP_READ_MULTISHOT = 49,
        OP_FTRUNCATE = 55,
        OP_BIND = 56,
        OP_LISTEN = 57,
        N_OPS = 64,
};

/* The call of the same meaning, and the kinds that it is told as. */
static const struct operation {
        __u16 call;
        __u16 kind, kind_too;
} operations[N_OPS] = {
        [OP_READV] = {WIRE_CALL_preadv, WIRE_KIND_read},
        [OP_WRITEV] = {WIRE_CALL_pwritev, WIRE_KIND_write},
        [OP_READ_FIXED] = {WIRE_CALL_pread64, WIRE_KIND_read},
        [OP_WRITE_FIXED] = {WIRE_CALL_pwrite64, WIRE_KIND_write},
        [OP_SENDMSG] = {WIRE_CALL_sendmsg, WIRE_KIND_sendto, WIRE_KIND_connect},
        [OP_RECVMSG] = {WIRE_CALL_recvmsg, WIRE_KIND_recvfrom, WIRE_KIND_dup},
        [OP_ACCEPT] = {WIRE_CALL_accept4, WIRE_KIND_accept},
        [OP_CONNECT] = {WIRE_CALL_connect, WIRE_KIND_connect},
        [OP_OPENAT] = {WIRE_CALL_openat, WIRE_KIND_openat},
        [OP_CLOSE] = {WIRE_CALL_close, WIRE_KIND_close},
        [OP_READ] = {WIRE_CALL_pread64, WIRE_KIND_read},
        [OP_WRITE] = {WIRE_CALL_pwrite64, WIRE_KIND_write},
        [OP_SEND] = {WIRE_CALL_sendto, WIRE_KIND_sendto, WIRE_KIND_connect},
        [OP_RECV] = {WIRE_CALL_recvfrom, WIRE_KIND_recvfrom},
        [OP_OPENAT2] = {WIRE_CALL_openat, WIRE_KIND_openat},
        [OP_SPLICE] = {WIRE_CALL_splice, WIRE_KIND_write, WIRE_KIND_read},
        [OP_TEE] = {WIRE_CALL_tee, WIRE_KIND_write, WIRE_KIND_read},
        [OP_RENAMEAT] = {WIRE_CALL_renameat2, WIRE_KIND_rename},
        [OP_UNLINKAT] = {WIRE_CALL_unlinkat, WIRE_KIND_unlink},
        [OP_MKDIRAT] = {WIRE_CALL_mkdirat, WIRE_KIND_mkdir},
        [OP_SYMLINKAT] = {WIRE_CALL_symlinkat, WIRE_KIND_symlink},
        [OP_LINKAT] = {WIRE_CALL_linkat, WIRE_KIND_link},
        [OP_FSETXATTR] = {WIRE_CALL_fsetxattr, WIRE_KIND_setxattr},
        [OP_SETXATTR] = {WIRE_CALL_setxattr, WIRE_KIND_setxattr},
        [OP_SOCKET] = {WIRE_CALL_socket, WIRE_KIND_socket},
        [OP_SEND_ZC] = {WIRE_CALL_sendto, WIRE_KIND_sendto, WIRE_KIND_connect},
        [OP_SENDMSG_ZC] = {WIRE_CALL_sendmsg, WIRE_KIND_sendto, WIRE_KIND_connect},
        [OP_READ_MULTISHOT] = {WIRE_CALL_read, WIRE_KIND_read},
        [OP_FTRUNCATE] = {WIRE_CALL_ftruncate, WIRE_KIND_truncate},
        [OP_BIND] = {WIRE_CALL_bind, WIRE_KIND_bind},
        [OP_LISTEN] = {WIRE_CALL_listen, WIRE_KIND_listen},
};

/* What is kept of a request until it completes. */
struct kept {
        __u32 tgid;
        __s32 fd;                       /* -1: none */
        struct closed closed;           /* of a close */
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 4096);
        __type(key, __u64);             /* struct io_kiocb */
        __type(value, struct kept);
} requests SEC(".maps");

/* Its names, and the value of an attribute behind the second. An old one gives way to a new one, perhaps while it is
 * read: the numbers at both ends tell. */
struct kept_names {
        __u64 number;
        char names[2][WIRE_MAX_PATH];
        __u64 same_number;
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 256);
        __type(key, __u64);
        __type(value, struct kept_names);
} request_names SEC(".maps");

/* Where names to be kept are put together: of this CPU, not preempted. */
struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct kept_names);
} names_scratch SEC(".maps");

/* A pointer to the name, or since 7.0 a structure around it. */
#define NAME_OF(request, type, member)                                                                                 \
        (bpf_core_field_exists(((struct type##___delayed *)0)->member.__incomplete_filename)                           \
                 ? GET((struct type##___delayed *)(request), member.__incomplete_filename)                             \
                 : GET((struct type *)(request), member))

#define VALUE_AT 1024                   /* in the second name; of an attribute, whose names have 255 bytes */
_Static_assert(VALUE_AT + 2 * WIRE_MAX_CONTENT <= WIRE_MAX_PATH, "a value fits behind a name");

/* Where the kernel has its copies of what an operation names. NULL: it names nothing. */
static __always_inline const char *first_name(struct io_kiocb *request, __u8 opcode) {
        struct filename *name = NULL;

        switch (opcode) {
        case OP_OPENAT:
        case OP_OPENAT2: name = NAME_OF(request, io_open, filename); break;
        case OP_UNLINKAT: name = NAME_OF(request, io_unlink, filename); break;
        case OP_RENAMEAT: name = NAME_OF(request, io_rename, oldpath); break;
        case OP_MKDIRAT: name = NAME_OF(request, io_mkdir, filename); break;
        case OP_LINKAT:
        case OP_SYMLINKAT: name = NAME_OF(request, io_link, oldpath); break;
        case OP_SETXATTR: name = NAME_OF(request, io_xattr, filename); break;
        }
        return name ? GET(name, name) : NULL;
}

static __always_inline bool is_xattr(__u8 opcode) {
        return opcode == OP_SETXATTR || opcode == OP_FSETXATTR;
}

static __always_inline const char *second_name(struct io_kiocb *request, __u8 opcode) {
        struct filename *name = NULL;

        switch (opcode) {
        case OP_RENAMEAT: name = NAME_OF(request, io_rename, newpath); break;
        case OP_LINKAT:
        case OP_SYMLINKAT: name = NAME_OF(request, io_link, newpath); break;
        case OP_SETXATTR:
        case OP_FSETXATTR: return (const char *)GET((struct io_xattr *)request, ctx.kname);
        }
        return name ? GET(name, name) : NULL;
}

/* False: it names nothing, or the kernel has not read it yet. */
static __always_inline bool read_names(char (*names)[WIRE_MAX_PATH], struct io_kiocb *request, __u8 opcode) {
        const char *first = first_name(request, opcode), *second = second_name(request, opcode);
        __u32 n = 0;

        names[0][0] = names[1][0] = 0;
        if (first)
                n += bpf_probe_read_kernel_str(names[0], WIRE_MAX_PATH, first) >= 0;
        if (second)
                n += bpf_probe_read_kernel_str(names[1], is_xattr(opcode) ? VALUE_AT : WIRE_MAX_PATH, second) >= 0;
        if (is_xattr(opcode)) {
                __u32 size = WIRE_MAX_CONTENT;

                if (GET((struct io_xattr *)request, ctx.size) < size)
                        size = GET((struct io_xattr *)request, ctx.size);
                BOUND(size, 2 * WIRE_MAX_CONTENT - 1);
                bpf_probe_read_kernel(names[1] + VALUE_AT, size, GET((struct io_xattr *)request, ctx.kvalue));
        }
        return n > 0;
}

/* When it completes the structure does not tell any more: since 7.0 who uses the name takes it from there. */
static __always_inline bool has_names(__u8 opcode) {
        switch (opcode) {
        case OP_OPENAT:
        case OP_OPENAT2:
        case OP_UNLINKAT:
        case OP_RENAMEAT:
        case OP_MKDIRAT:
        case OP_LINKAT:
        case OP_SYMLINKAT:
        case OP_SETXATTR:
        case OP_FSETXATTR: return true;
        }
        return false;
}

static __always_inline void keep_names(__u64 key, struct io_kiocb *request, __u8 opcode) {
        __u32 zero = 0;
        struct kept_names *kept = bpf_map_lookup_elem(&names_scratch, &zero);

        if (!kept)
                return;
        kept->number++;
        kept->same_number = kept->number;
        if (read_names(kept->names, request, opcode))
                bpf_map_update_elem(&request_names, &key, kept, BPF_ANY);
}

/* False: they are not there any more, or gave way while they were read. */
static __always_inline bool take_names(__u64 key, struct request *to) {
        struct kept_names *kept = bpf_map_lookup_elem(&request_names, &key);
        __u64 number;

        if (!kept)
                return false;
        number = kept->number;
        bpf_probe_read_kernel(to->names, sizeof(to->names), kept->names);
        if (number != kept->same_number)
                return false;
        bpf_map_delete_elem(&request_names, &key);
        return true;
}

/* -1: a registered file. */
static __always_inline __u32 closing_fd(struct io_kiocb *request) {
        struct io_close *close = (void *)request;

        return GET(close, file_slot) ? (__u32)-1 : (__u32)GET(close, fd);
}

/* The operation as a call. At its completion most of a request is still as it was. `names`: they are in to->names. */
static __noinline int request_fill(struct request *to, struct io_kiocb *request, bool names) {
        unsigned long *args = to->call.args;
        unsigned long first = names ? (unsigned long)to->names[0] : 0;
        unsigned long second = names ? (unsigned long)to->names[1] : 0;
        struct io_rw *rw = (void *)request;
        struct io_sr_msg *message = (void *)request;

        switch (to->opcode) {
        case OP_OPENAT:
        case OP_OPENAT2:
                args[0] = GET((struct io_open *)request, dfd);
                args[1] = first;
                args[2] = GET((struct io_open *)request, how.flags);
                args[3] = GET((struct io_open *)request, how.mode);
                break;
        case OP_UNLINKAT:
                args[0] = GET((struct io_unlink *)request, dfd);
                args[1] = first;
                args[2] = GET((struct io_unlink *)request, flags);
                break;
        case OP_RENAMEAT:
                args[0] = GET((struct io_rename *)request, old_dfd);
                args[1] = first;
                args[2] = GET((struct io_rename *)request, new_dfd);
                args[3] = second;
                args[4] = GET((struct io_rename *)request, flags);
                break;
        case OP_MKDIRAT:
                args[0] = GET((struct io_mkdir *)request, dfd);
                args[1] = first;
                args[2] = GET((struct io_mkdir *)request, mode);
                break;
        case OP_LINKAT:
                args[0] = GET((struct io_link *)request, old_dfd);
                args[1] = first;
                args[2] = GET((struct io_link *)request, new_dfd);
                args[3] = second;
                args[4] = GET((struct io_link *)request, flags);
                break;
        case OP_SYMLINKAT:
                args[0] = first;
                args[1] = GET((struct io_link *)request, new_dfd);
                args[2] = second;
                break;
        case OP_READ:
        case OP_READV:
        case OP_READ_FIXED:
        case OP_READ_MULTISHOT:
        case OP_WRITE:
        case OP_WRITEV:
        case OP_WRITE_FIXED:
                args[1] = GET(rw, addr);
                args[2] = GET(rw, len);
                args[3] = GET(rw, kiocb.ki_pos);
                break;
        case OP_SEND:
        case OP_SEND_ZC:
        case OP_RECV:
                args[1] = (unsigned long)GET(message, buf);
                args[2] = GET(message, len);
                args[3] = GET(message, msg_flags);
                break;
        case OP_SENDMSG:
        case OP_SENDMSG_ZC:
        case OP_RECVMSG:
                args[1] = (unsigned long)GET(message, umsg);
                args[2] = GET(message, msg_flags);
                break;
        case OP_CONNECT:
                args[1] = (unsigned long)GET((struct io_connect *)request, addr);
                args[2] = GET((struct io_connect *)request, addr_len);
                break;
        case OP_ACCEPT:
                args[3] = GET((struct io_accept *)request, flags);
                break;
        case OP_SOCKET:
                args[0] = GET((struct io_socket *)request, domain);
                args[1] = GET((struct io_socket *)request, type);
                args[2] = GET((struct io_socket *)request, protocol);
                break;
        case OP_CLOSE:
                args[0] = closing_fd(request);
                break;
        case OP_SETXATTR:
        case OP_FSETXATTR:
                if (to->opcode == OP_SETXATTR)
                        args[0] = first;
                args[1] = second;
                args[2] = second + VALUE_AT;
                args[3] = GET((struct io_xattr *)request, ctx.size);
                break;
        case OP_SPLICE:
        case OP_TEE:
                args[2] = args[0];
                args[0] = GET((struct io_splice *)request, splice_fd_in);
                args[4] = GET((struct io_splice *)request, len);
                break;
        case OP_FTRUNCATE:
                if (bpf_core_type_exists(struct io_ftrunc))     /* >= 6.9 */
                        args[1] = GET((struct io_ftrunc *)request, len);
                break;
        case OP_LISTEN:
                if (bpf_core_type_exists(struct io_listen))     /* >= 6.11 */
                        args[1] = GET((struct io_listen *)request, backlog);
                break;
        }
        return nothing();
}

/* The mask is for the verifier of 6.1: callers have compared. */
static __always_inline const struct operation *operation_of(__u32 opcode) {
        BOUND(opcode, N_OPS - 1);
        return &operations[opcode];
}

/* Everything but a name that is not there. Returns the request, NULL if there is nothing to tell. */
static __always_inline struct request *request_begin(struct io_kiocb *request, __u8 opcode, long result, __s32 fd) {
        struct cpu *cpu = this_cpu();
        struct request *to;

        if (!cpu)
                return NULL;
        to = &cpu->request;
        to->opcode = opcode;
        to->file = GET(request, file);
        to->cred = NULL;
        if (GET(request, flags) & uring_creds)
                to->cred = GET(request, creds);
        __builtin_memset(&to->call, 0, sizeof(to->call));
        to->call.id = operation_of(opcode)->call;
        to->call.flags = CALL_REQUEST | (GET(request, flags) & uring_multishot ? CALL_MULTISHOT : 0);
        to->call.result = result;
        to->call.args[0] = fd;
        to->closed.type = 0;
        to->active = 1;
        return to;
}

static __always_inline bool request_is_wanted(__u8 opcode) {
        const struct operation *operation;

        if (opcode >= N_OPS || !operation_of(opcode)->kind)
                return wants[WIRE_KIND_io_uring];
        operation = operation_of(opcode);
        return wants[operation->kind & (MAX_KINDS - 1)] || wants[operation->kind_too & (MAX_KINDS - 1)];
}

/* The common beginning of the tracepoints io_uring_submit_req (_sqe before 6.4) and io_uring_complete. */
struct uring_context {
        __u64 common;
        void *ring;
        struct io_kiocb *request;
        __u64 user_data;
        int result;                     /* of a completion */
        __u32 flags;
};

SEC("tp")
int uring_submitted(struct uring_context *context) {
        struct io_kiocb *request = context->request;
        __u8 opcode = GET(request, opcode);
        __u64 key = (__u64)request, flags = GET(request, flags);
        struct task_struct *task = bpf_get_current_task_btf();
        struct kept kept = {.tgid = task->tgid, .fd = -1};
        struct request *to;

        if (!request_is_wanted(opcode) || is_self(task) || opcode >= N_OPS)
                return 0;
        if (!(flags & uring_fixed_file))
                kept.fd = GET(request, cqe.fd);
        if (opcode == OP_CLOSE && closing_fd(request) != (__u32)-1)
                closed_see(&kept.closed, closing_fd(request));

        if (!(flags & uring_cqe_skip)) {
                bpf_map_update_elem(&requests, &key, &kept, BPF_ANY);
                if (has_names(opcode))
                        keep_names(key, request, opcode);
                return 0;
        }

        to = request_begin(request, opcode, -EINPROGRESS, kept.fd);
        if (!to)
                return 0;
        to->call.flags |= WIRE_NO_RESULT;
        to->closed = kept.closed;
        request_fill(to, request, has_names(opcode) && read_names(to->names, request, opcode));
        bpf_tail_call(context, &call_ends, to->call.id);
        to->active = 0;
        return 0;
}

/* An operation that is no other kind. */
static __always_inline int other_completed(struct io_kiocb *request, __u8 opcode, long result, __s32 fd) {
        struct call call = {.id = WIRE_CALL_io_uring, .result = result};
        struct file *file;
        struct seen seen = {};
        struct cpu *cpu;

        if (!call_wanted(&call, WIRE_KIND_io_uring))
                return 0;
        cpu = call_record(&call, WIRE_KIND_io_uring, sizeof(struct wire_io_uring));
        if (!cpu)
                return 0;
        SET(cpu, io_uring, setup, 0);
        SET(cpu, io_uring, opcode, opcode);
        SET(cpu, io_uring, fd, fd);
        file = GET(request, file);
        if (file) {
                see_file(file, &seen);
                SET(cpu, io_uring, file, seen.object);
                SET(cpu, io_uring, type, seen.type);
        }
        return record_submit(cpu, WIRE_KIND_io_uring);
}

SEC("tp")
int uring_completed(struct uring_context *context) {
        struct io_kiocb *request = context->request;
        __u8 opcode = request ? GET(request, opcode) : 0;
        __u64 key = (__u64)request;
        struct task_struct *task = bpf_get_current_task_btf();
        struct kept *kept;
        struct request *to;
        __s32 fd = -1;
        bool names = false;

        if (!request || !request_is_wanted(opcode) || is_self(task))
                return 0;
        kept = bpf_map_lookup_elem(&requests, &key);
        if (kept) {
                fd = kept->fd;
                /* Told by a stranger: the process is gone, and the kernel cleans up after it. */
                if (kept->tgid != task->tgid) {
                        bpf_map_delete_elem(&requests, &key);
                        return 0;
                }
        }
        if (opcode >= N_OPS || !operation_of(opcode)->kind)
                return other_completed(request, opcode, context->result, fd);

        to = request_begin(request, opcode, context->result, fd);
        if (!to)
                return 0;
        if (kept)
                to->closed = kept->closed;
        if (has_names(opcode))
                names = take_names(key, to);
        if (kept && !(context->flags & 2))      /* IORING_CQE_F_MORE: there will be another one */
                bpf_map_delete_elem(&requests, &key);
        request_fill(to, request, names);
        bpf_tail_call(context, &call_ends, to->call.id);
        to->active = 0;
        return 0;
}

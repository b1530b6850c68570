// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Modules - init_module, delete_module, bpf, kexec, io_uring_setup, perf_event_open: programs that get into the kernel,
 * and doors to it. */
#include "call.bpf.h"
#include "text.bpf.h"

/* A descriptor's file: its path and itself. */
#define APPEND_FILE(cpu, kind, record, fd)                                                                             \
        do {                                                                                                           \
                struct file *_file = file_of(bpf_get_current_task_btf(), fd);                                          \
                struct seen _seen = {};                                                                                \
                if (!_file)                                                                                            \
                        break;                                                                                         \
                see_file(_file, &_seen);                                                                               \
                SET(cpu, kind, file, _seen.object);                                                                    \
                if (has_path(_seen.type))                                                                              \
                        path_append(cpu, &(record)->pathname, WIRE_BIT(kind, pathname), GET(_file, f_path.dentry),     \
                                    GET(_file, f_path.mnt));                                                           \
        } while (0)

/* ---- init_module ---- */

/* The module has its name and is not yet running. In the task that loads it. */
SEC("tp_btf/module_load")
int BPF_PROG(on_module_load, struct module *module) {
        __u64 thread = bpf_get_current_pid_tgid();
        struct loaded loaded = {};

        bpf_probe_read_kernel_str(loaded.name, sizeof(loaded.name), module->name);
        loaded.taints = module->taints;
        bpf_map_update_elem(&modules, &thread, &loaded, BPF_ANY);
        return 0;
}

static __noinline int init_module_ended(const struct call *call) {
        __u64 thread = bpf_get_current_pid_tgid();
        bool by_file = call->id == WIRE_CALL_finit_module;
        struct wire_init_module *record;
        struct loaded *loaded;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, init_module);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        if (by_file) {
                SET(cpu, init_module, flags, (__u32)call->args[2]);
                APPEND_FILE(cpu, init_module, record, call->args[0]);
        }
        text_append(cpu, &record->params, WIRE_BIT(init_module, params), (void *)call->args[by_file ? 1 : 2],
                    WIRE_MAX_PATH);
        loaded = bpf_map_lookup_elem(&modules, &thread);
        if (loaded) {
                SET(cpu, init_module, taints, loaded->taints);
                text_append_kernel(cpu, &record->name, WIRE_BIT(init_module, name), loaded->name);
                bpf_map_delete_elem(&modules, &thread);
        }
        return record_submit(cpu, WIRE_KIND_init_module);
}

CALL_PROGRAM(exit_init_module, init_module_ended)

static __noinline int delete_module_ended(const struct call *call) {
        struct wire_delete_module *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, delete_module);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, delete_module, flags, (__u32)call->args[1]);
        text_append(cpu, &record->name, WIRE_BIT(delete_module, name), (void *)call->args[0], WIRE_MAX_NAME);
        return record_submit(cpu, WIRE_KIND_delete_module);
}

CALL_PROGRAM(exit_delete_module, delete_module_ended)

/* ---- bpf ---- */

#define ATTR_BYTES 128

#define ATTR_HAS(size, member) ((size) >= offsetof(union bpf_attr, member) + sizeof(((union bpf_attr *)0)->member))

/* A program by its descriptor: what the kernel knows of it. */
static __always_inline void bpf_see_program(struct cpu *cpu, __u32 fd) {
        struct wire_bpf *record = (void *)cpu->record;
        struct file *file = file_of(bpf_get_current_task_btf(), fd);
        struct bpf_prog *program = file ? GET(file, private_data) : NULL;
        struct bpf_prog_aux *aux;

        if (!program)
                return;
        SET(cpu, bpf, program_type, GET(program, type));
        aux = GET(program, aux);
        text_append_kernel(cpu, &record->name, WIRE_BIT(bpf, name),
                           (void *)aux + bpf_core_field_offset(struct bpf_prog_aux, name));
}

static __always_inline void bpf_see_map(struct cpu *cpu, __u32 fd) {
        struct wire_bpf *record = (void *)cpu->record;
        struct file *file = file_of(bpf_get_current_task_btf(), fd);
        struct bpf_map *map = file ? GET(file, private_data) : NULL;

        if (!map)
                return;
        SET(cpu, bpf, map_type, GET(map, map_type));
        text_append_kernel(cpu, &record->name, WIRE_BIT(bpf, name),
                           (void *)map + bpf_core_field_offset(struct bpf_map, name));
}

/* A number and a name out of the call's own description. */
#define BPF_USER(cpu, field, value)                                                                                    \
        do {                                                                                                           \
                SET(cpu, bpf, field, value);                                                                           \
                (cpu)->header.user |= WIRE_BIT(bpf, field);                                                            \
        } while (0)

static __noinline int bpf_ended(const struct call *call) {
        __u32 command = call->args[0], size = call->args[2];
        const char *user = (const char *)call->args[1];
        /* Another thread could exchange the descriptor: then the call's own words have to do. */
        bool sees = call->result >= 0 && !files_are_shared(bpf_get_current_task_btf());
        struct wire_bpf *record;
        struct cpu *cpu;
        union bpf_attr *given;

        cpu = RARE_RECORD(call, bpf);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, bpf, command, command);
        /* In the part of the record that it leaves free: the stack is short. */
        given = (void *)(cpu->record + WIRE_MAX_RECORD / 2);
        __builtin_memset(given, 0, ATTR_BYTES);
        if (size > ATTR_BYTES)
                size = ATTR_BYTES;
        BOUND(size, 2 * ATTR_BYTES - 1);
        if (size > ATTR_BYTES || bpf_probe_read_user(given, size, user) < 0)
                return record_submit(cpu, WIRE_KIND_bpf);

        switch (command) {
        case BPF_PROG_LOAD:
                if (ATTR_HAS(size, expected_attach_type))
                        BPF_USER(cpu, attach_type, given->expected_attach_type);
                if (sees) {
                        bpf_see_program(cpu, call->result);
                        break;
                }
                BPF_USER(cpu, program_type, given->prog_type);
                if (ATTR_HAS(size, prog_name))
                        text_append(cpu, &record->name, WIRE_BIT(bpf, name), user + offsetof(union bpf_attr, prog_name),
                                    16);
                break;
        case BPF_MAP_CREATE:
                if (sees) {
                        bpf_see_map(cpu, call->result);
                        break;
                }
                BPF_USER(cpu, map_type, given->map_type);
                if (ATTR_HAS(size, map_name))
                        text_append(cpu, &record->name, WIRE_BIT(bpf, name), user + offsetof(union bpf_attr, map_name),
                                    16);
                break;
        case BPF_PROG_ATTACH:
                BPF_USER(cpu, attach_type, given->attach_type);
                if (sees)
                        bpf_see_program(cpu, given->attach_bpf_fd);
                break;
        case BPF_LINK_CREATE:
                BPF_USER(cpu, attach_type, given->link_create.attach_type);
                if (sees)
                        bpf_see_program(cpu, given->link_create.prog_fd);
                break;
        case BPF_RAW_TRACEPOINT_OPEN:
                if (sees)
                        bpf_see_program(cpu, given->raw_tracepoint.prog_fd);
                break;
        }
        return record_submit(cpu, WIRE_KIND_bpf);
}

CALL_PROGRAM(exit_bpf, bpf_ended)

/* ---- kexec, io_uring, perf ---- */

static __noinline int kexec_ended(const struct call *call) {
        bool by_file = call->id == WIRE_CALL_kexec_file_load;
        struct wire_kexec *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, kexec);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, kexec, flags, by_file ? call->args[4] : call->args[3]);
        if (by_file) {
                APPEND_FILE(cpu, kexec, record, call->args[0]);
                text_append(cpu, &record->cmdline, WIRE_BIT(kexec, cmdline), (void *)call->args[3], WIRE_MAX_PATH);
        }
        return record_submit(cpu, WIRE_KIND_kexec);
}

CALL_PROGRAM(exit_kexec, kexec_ended)

/* Of struct io_uring_params: sq_entries, cq_entries, flags. */
static __noinline int io_uring_setup_ended(const struct call *call) {
        struct seen seen = {};
        __u32 params[3] = {};
        struct file *file;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, io_uring);
        if (!cpu)
                return 0;
        SET(cpu, io_uring, setup, true);
        SET(cpu, io_uring, entries, (__u32)call->args[0]);
        if (bpf_probe_read_user(params, sizeof(params), (void *)call->args[1]) == 0) {
                SET(cpu, io_uring, flags, params[2]);
                cpu->header.user |= WIRE_BIT(io_uring, flags);
        }
        if (call->result < 0)
                return record_submit(cpu, WIRE_KIND_io_uring);
        SET(cpu, io_uring, fd, call->result);
        file = file_of(bpf_get_current_task_btf(), call->result);
        if (file) {
                see_file(file, &seen);
                SET(cpu, io_uring, file, seen.object);
                SET(cpu, io_uring, type, seen.type);
        }
        return record_submit(cpu, WIRE_KIND_io_uring);
}

CALL_PROGRAM(exit_io_uring_setup, io_uring_setup_ended)

/* Of struct perf_event_attr: type, size, config. */
static __noinline int perf_ended(const struct call *call) {
        struct {
                __u32 type, size;
                __u64 config;
        } attr = {};
        struct cpu *cpu;

        cpu = RARE_RECORD(call, perf_event_open);
        if (!cpu)
                return 0;
        if (bpf_probe_read_user(&attr, sizeof(attr), (void *)call->args[0]) == 0) {
                SET(cpu, perf_event_open, type, attr.type);
                SET(cpu, perf_event_open, config, attr.config);
                cpu->header.user |= WIRE_BIT(perf_event_open, type) | WIRE_BIT(perf_event_open, config);
        }
        SET(cpu, perf_event_open, target_pid, (int)call->args[1]);
        SET(cpu, perf_event_open, target_cpu, (int)call->args[2]);
        SET(cpu, perf_event_open, flags, call->args[4]);
        return record_submit(cpu, WIRE_KIND_perf_event_open);
}

CALL_PROGRAM(exit_perf_event_open, perf_ended)

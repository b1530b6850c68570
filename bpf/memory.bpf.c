// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory - mmap, mprotect, memfd_create: what a process makes of its memory.
 *
 * The file of a mapping comes from the mapping itself (bpf_find_vma()), not from the descriptor: so it is the right one
 * whatever another thread did to the table. The kernel does not let us look while it changes the mappings for another
 * thread; then the descriptor has to do, and the record says so (RACED). */
#include "call.bpf.h"
#include "text.bpf.h"

#define MAP_ANONYMOUS 0x20
#define PROT_MASK 7                     /* PROT_READ, PROT_WRITE and PROT_EXEC are VM_READ, VM_WRITE and VM_EXEC */

struct mapping {
        struct file *file;
        __u64 flags;
};

static long mapping_see(struct task_struct *task, struct vm_area_struct *area, struct mapping *mapping) {
        mapping->file = GET(area, vm_file);
        mapping->flags = GET(area, vm_flags);
        return 0;
}

/* What is mapped at an address of the current task. False if nothing is, or it cannot be looked at. */
static __always_inline bool mapping_at(unsigned long address, struct mapping *mapping) {
        return bpf_find_vma(bpf_get_current_task_btf(), address, mapping_see, mapping, 0) == 0;
}

/* Wanted, by result and by what the memory shall be used for? */
static __always_inline bool memory_wanted(const struct call *call, enum wire_kind kind, __u32 prot) {
        __u64 any = flags_any[kind];

        if (!call_asked(call, kind))
                return false;
        if (any && !(prot & any)) {
                count_filtered(kind);
                return false;
        }
        return !is_self(bpf_get_current_task_btf());
}

/* ---- mmap ---- */

static __always_inline void mmap_file(struct cpu *cpu, struct file *file) {
        struct wire_mmap *record = (void *)cpu->record;
        struct seen seen = {};

        see_file(file, &seen);
        SET(cpu, mmap, file, seen.object);
        SET(cpu, mmap, type, seen.type);
        if (has_path(seen.type))
                path_append_near(cpu, &record->pathname, WIRE_BIT(mmap, pathname), GET(file, f_path.dentry),
                            GET(file, f_path.mnt));
}

static __always_inline int mmap_ended(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct mapping mapping = {};
        struct file *file = NULL;
        struct cpu *cpu;

        if (!memory_wanted(call, WIRE_KIND_mmap, call->args[2]))
                return nothing();
        cpu = call_record(call, WIRE_KIND_mmap, sizeof(struct wire_mmap));
        if (!cpu)
                return nothing();
        if (call->result >= 0)
                SET(cpu, mmap, address, call->result);
        SET(cpu, mmap, length, call->args[1]);
        SET(cpu, mmap, prot, (__u32)call->args[2]);
        SET(cpu, mmap, flags, (__u32)call->args[3]);
        if (call->args[3] & MAP_ANONYMOUS)
                return record_submit(cpu, WIRE_KIND_mmap);

        SET(cpu, mmap, fd, (int)call->args[4]);
        SET(cpu, mmap, offset, call->args[5]);
        if (call->result >= 0 && mapping_at(call->result, &mapping) && mapping.file)
                file = mapping.file;
        else {
                file = file_of(task, call->args[4]);
                if (files_are_shared(task))
                        cpu->header.flags |= WIRE_RACED;
        }
        if (file)
                mmap_file(cpu, file);
        return record_submit(cpu, WIRE_KIND_mmap);
}

ASKS(mmap)
ASKING_PROGRAM(exit_mmap, mmap_ended, mmap_asks)

/* ---- mprotect ---- */

/* What the first page was before: only the beginning knows. */
static __always_inline int mprotect_begins(const struct call *call) {
        __u64 any = flags_any[WIRE_KIND_mprotect];
        struct mapping mapping = {};
        struct begun *begun;

        if (!wants[WIRE_KIND_mprotect] || (any && !(call->args[2] & any)) || is_self(bpf_get_current_task_btf()))
                return nothing();
        begun = call_begin(call);
        if (!begun)
                return nothing();
        begun->mapping.known = mapping_at(call->args[0], &mapping);
        begun->mapping.prot = mapping.flags & PROT_MASK;
        return nothing();
}

static __always_inline int mprotect_ended(const struct call *call) {
        struct mapping mapping = {};
        struct wire_mprotect *record;
        struct seen seen = {};
        struct begun *begun;
        struct cpu *cpu;

        if (!memory_wanted(call, WIRE_KIND_mprotect, call->args[2]))
                return nothing();
        cpu = call_record(call, WIRE_KIND_mprotect, sizeof(struct wire_mprotect));
        if (!cpu)
                return nothing();
        record = (void *)cpu->record;
        SET(cpu, mprotect, address, call->args[0]);
        SET(cpu, mprotect, length, call->args[1]);
        SET(cpu, mprotect, prot, (__u32)call->args[2]);
        begun = call_begun(call);
        if (begun && begun->mapping.known)
                SET(cpu, mprotect, old_prot, begun->mapping.prot);
        if (!mapping_at(call->args[0], &mapping))
                return record_submit(cpu, WIRE_KIND_mprotect);

        SET(cpu, mprotect, anonymous, !mapping.file);
        if (mapping.file) {
                see_file(mapping.file, &seen);
                SET(cpu, mprotect, file, seen.object);
                if (has_path(seen.type))
                        path_append(cpu, &record->pathname, WIRE_BIT(mprotect, pathname),
                                    GET(mapping.file, f_path.dentry), GET(mapping.file, f_path.mnt));
        }
        return record_submit(cpu, WIRE_KIND_mprotect);
}

ASKS(mprotect)
ASKING_PROGRAM(exit_mprotect, mprotect_ended, mprotect_asks)
ENTER_PROGRAM(enter_mprotect, mprotect_begins)

/* ---- memfd_create ---- */

#define MEMFD_PREFIX 6                  /* the kernel's name begins with "memfd:" */

static __always_inline int memfd_create_ended(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct wire_memfd_create *record;
        struct file *file = NULL;
        struct seen seen = {};
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_memfd_create))
                return nothing();
        cpu = call_record(call, WIRE_KIND_memfd_create, sizeof(struct wire_memfd_create));
        if (!cpu)
                return nothing();
        record = (void *)cpu->record;
        SET(cpu, memfd_create, flags, (__u32)call->args[1]);
        if (call->result >= 0) {
                SET(cpu, memfd_create, fd, call->result);
                file = file_of(task, call->result);
                if (files_are_shared(task))
                        cpu->header.flags |= WIRE_RACED;
        }
        if (file)
                see_file(file, &seen);
        if (seen.type == WIRE_OBJECT_MEMFD) {
                struct dentry *dentry = GET(file, f_path.dentry);

                SET(cpu, memfd_create, file, seen.object);
                text_append_kernel(cpu, &record->name, WIRE_BIT(memfd_create, name),
                                   GET(dentry, d_name.name) + MEMFD_PREFIX);
        } else
                text_append(cpu, &record->name, WIRE_BIT(memfd_create, name), (void *)call->args[0], 256);
        return record_submit(cpu, WIRE_KIND_memfd_create);
}

CALL_PROGRAM(exit_memfd_create, memfd_create_ended)

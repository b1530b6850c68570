/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/cleanup.h"
#include "base/macro.h"
#include "base/strbuf.h"

#include "capture/capture-private.h"
#include "capture/tier.h"

static int load_program(enum bpf_prog_type type, enum bpf_attach_type attach, int32_t target_id) {
        /* return 1: allowed for every type that is tried here */
        const struct bpf_insn code[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K,
                 .dst_reg = BPF_REG_0,
                 .imm = type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR},
                {.code = BPF_JMP | BPF_EXIT},
        };
        LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach, .attach_btf_id = target_id);

        if (target_id < 0)
                return target_id;
        return bpf_prog_load(type, "execrayd_try", "GPL", code, ELEMENTSOF(code), &options);
}

static bool try_program(enum bpf_prog_type type, enum bpf_attach_type attach, int32_t target_id) {
        int fd = load_program(type, attach, target_id);

        close_fd(fd);
        return fd >= 0;
}

static bool try_map(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries) {
        int fd = bpf_map_create(type, "execrayd_try", key, value, entries, NULL);

        close_fd(fd);
        return fd >= 0;
}

/* The bit that the kernel calls so, as a mask: a value of an enum without a name. */
static uint64_t find_flag(const struct btf *btf, const char *name) {
        for (uint32_t i = 1; i < btf__type_cnt(btf); i++) {
                const struct btf_type *type = btf__type_by_id(btf, i);
                const struct btf_enum *values = btf_enum(type);

                if (!btf_is_enum(type) || type->name_off != 0)
                        continue;
                for (uint32_t k = 0; k < btf_vlen(type); k++)
                        if (streq(btf__name_by_offset(btf, values[k].name_off), name) && values[k].val < 64)
                                return UINT64_C(1) << values[k].val;
        }
        return 0;
}

/* As root with all capabilities dropped, or in a container: not a missing feature, but a missing right. */
static bool try_allowed(void) {
        int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "execrayd_try", 4, 8, 1, NULL);
        int r = fd < 0 ? fd : 0;

        close_fd(fd);
        if (r == -EPERM || r == -EACCES)
                return false;
        return try_program(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0);
}

static void kernel_try(struct kernel *kernel) {
        struct btf *btf = NULL;
        struct utsname name;

        if (uname(&name) >= 0) {
                snprintf(kernel->release, sizeof(kernel->release), "%s", name.release);
                if (sscanf(name.release, "%u.%u", &kernel->major, &kernel->minor) != 2)
                        kernel->major = kernel->minor = 0;
        }

        /* A feature that cannot be tried for want of descriptors is not missing. */
        kernel->crowded = !fd_may_open(8);
        if (kernel->crowded)
                return;
        kernel->btf = access("/sys/kernel/btf/vmlinux", R_OK) >= 0;
        kernel->allowed = try_allowed();
        if (!kernel->btf || !kernel->allowed)
                return;

        btf = btf__load_vmlinux_btf();
        if (!btf) {
                kernel->btf = false;
                return;
        }
        kernel->ring = try_map(BPF_MAP_TYPE_RINGBUF, 0, 0, sysconf(_SC_PAGESIZE));
        kernel->tracing = try_program(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
                                      btf__find_by_name_kind(btf, "btf_trace_sched_process_exec", BTF_KIND_TYPEDEF));
        kernel->task_storage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) > 0;
        kernel->cgroup_address = try_program(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0);
        kernel->cast = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
        kernel->modules = btf__find_by_name_kind(btf, "btf_trace_module_load", BTF_KIND_TYPEDEF) > 0;
        kernel->fentry = tier_try(CAPTURE_TIER_FENTRY, NULL) >= 0;
        kernel->lsm = tier_try(CAPTURE_TIER_LSM, NULL) >= 0;
        kernel->uring_fixed_file = find_flag(btf, "REQ_F_FIXED_FILE_BIT");
        kernel->uring_creds = find_flag(btf, "REQ_F_CREDS_BIT");
        kernel->uring_cqe_skip = find_flag(btf, "REQ_F_CQE_SKIP_BIT");
        kernel->uring_multishot = find_flag(btf, "REQ_F_APOLL_MULTISHOT_BIT");
        btf__free(btf);
}

const struct kernel *kernel_get(void) {
        static struct kernel kernel;
        static bool tried;

        if (!tried) {
                kernel_try(&kernel);
                tried = true;
        }
        return &kernel;
}

int kernel_check(const struct kernel *kernel, const char **ret_why) {
        if (kernel->major < KERNEL_FLOOR_MAJOR ||
            (kernel->major == KERNEL_FLOOR_MAJOR && kernel->minor < KERNEL_FLOOR_MINOR)) {
                *ret_why = "it is older than 6.1, the oldest that is supported; upgrade it";
                return -EOPNOTSUPP;
        }
        if (kernel->crowded) {
                *ret_why = "we may not open enough files to find out what it can do; " CAPTURE_CROWDED;
                return -EMFILE;
        }
        if (!kernel->btf) {
                *ret_why =
                        "it has no readable type information in /sys/kernel/btf/vmlinux; use one that was built with "
                        "CONFIG_DEBUG_INFO_BTF=y, and see that /sys is mounted";
                return -ENODATA;
        }
        if (!kernel->allowed) {
                *ret_why =
                        "it does not let us; run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and not in a "
                        "container that filters bpf()";
                return -EPERM;
        }
        if (!kernel->ring || !kernel->tracing || !kernel->task_storage) {
                *ret_why =
                        !kernel->ring
                                ? "it has no BPF ring buffer; use one with CONFIG_BPF_SYSCALL=y that is not locked down"
                        : !kernel->tracing
                                ? "it refuses BPF programs on tracepoints; use one with CONFIG_BPF_EVENTS=y, and "
                                  "without lockdown=confidentiality"
                                : "it has no BPF task storage; use one with CONFIG_BPF_SYSCALL=y";
                return -EOPNOTSUPP;
        }
        return 0;
}

size_t kernel_describe(const struct kernel *kernel, char *buffer, size_t size) {
        const struct {
                bool has;
                const char *name;
        } features[] = {
                {kernel->btf, "type information"},
                {kernel->ring, "ring buffer"},
                {kernel->tracing, "typed tracepoints"},
                {kernel->task_storage, "task storage"},
                {kernel->cgroup_address, "cgroup connect"},
                {kernel->cast, "typed casts"},
                {kernel->modules, "modules"},
                {kernel->fentry, "fentry"},
                {kernel->lsm, "BPF LSM"},
        };
        struct strbuf b;

        strbuf_init_fixed(&b, buffer, size);
        strbuf_printf(&b, "Linux %s has", kernel->release);
        for (int wanted = 1; wanted >= 0; wanted--) {
                const char *separator = wanted ? " " : "; not ";

                for (size_t i = 0; i < ELEMENTSOF(features); i++)
                        if (features[i].has == wanted) {
                                strbuf_printf(&b, "%s%s", separator, features[i].name);
                                separator = ", ";
                        }
        }
        strbuf_put_char(&b, '\n');
        return b.n;
}

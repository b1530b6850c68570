/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Kernel - what the running kernel can do for us, found by trying, not by its version or configuration.
 *
 * Some hosts have type information and list `bpf` among their security modules, and still refuse every program that
 * patches kernel text. So a feature is what loads. Looked at once, then kept. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel {
        char release[65];
        unsigned major, minor;
        bool crowded;                   /* we may not open what trying takes; nothing else was tried then */
        bool allowed;                   /* we may use bpf() at all */
        bool btf;                       /* type information */
        bool ring;                      /* ring buffer */
        bool tracing;                   /* programs on raw tracepoints with types (tp_btf) */
        bool task_storage;
        bool cgroup_address;            /* programs on connect() of a cgroup */
        bool cast;                      /* bpf_rdonly_cast(): reading kernel memory without a call */
        bool modules;                   /* it can be extended while it runs, and tells so */
        /* Flags of a request of io_uring; 0: it has none. */
        uint64_t uring_fixed_file, uring_creds, uring_cqe_skip, uring_multishot;
        bool fentry, lsm;               /* programs on security hooks by these ways, seen to run (tier.h) */
};

#define KERNEL_FLOOR_MAJOR 6
#define KERNEL_FLOOR_MINOR 1

/* What was found. Never fails: what could not be tried is false. */
const struct kernel *kernel_get(void);

/* Is it enough? 0; -EMFILE, -EPERM, -ENODATA or -EOPNOTSUPP as in capture.h, *ret_why (never NULL then) saying what is
 * missing and what to do. */
int kernel_check(const struct kernel *kernel, const char **ret_why);

/* "Linux 6.18.44: BTF, ring buffer, ..." in a few lines. Always ended by NUL; returns the length. */
size_t kernel_describe(const struct kernel *kernel, char *buffer, size_t size);

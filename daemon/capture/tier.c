/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tier.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

static const struct tier_kind {
        const char *prefix;             /* of a place, */
        const char *function;           /* and of the function that stands for it */
        enum bpf_prog_type type;
        enum bpf_attach_type attach;
        const char *name;
} tier_kinds[] = {
        [CAPTURE_TIER_LSM] = {"lsm/", "bpf_lsm_", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "BPF LSM"},
        [CAPTURE_TIER_FENTRY] = {"fentry/", "", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "fentry"},
};

enum capture_tier tier_of(const char *place) {
        for (size_t i = 0; i < ELEMENTSOF(tier_kinds); i++)
                if (startswith(place, tier_kinds[i].prefix))
                        return (enum capture_tier)i;
        return CAPTURE_TIER_TRACEPOINT;
}

const char *tier_to_string(enum capture_tier tier) {
        return tier == CAPTURE_TIER_TRACEPOINT ? "tracepoints" : tier_kinds[tier].name;
}

/* The type of the function behind a place. */
static int32_t function_of(const struct btf *btf, const char *place) {
        const struct tier_kind *kind = &tier_kinds[tier_of(place)];
        char function[128];

        snprintf(function, sizeof(function), "%s%s", kind->function, place + strlen(kind->prefix));
        return btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
}

unsigned tier_n_arguments(const struct btf *btf, const char *place) {
        const struct btf_type *function = btf__type_by_id(btf, function_of(btf, place));

        return function && btf_is_func(function) ? btf_vlen(btf__type_by_id(btf, function->type)) : 0;
}

/* Attach a program of these instructions. The link, or a negative errno. */
static int attach_code(const struct btf *btf, const char *place, const struct bpf_insn *code, size_t n) {
        const struct tier_kind *kind = &tier_kinds[tier_of(place)];
        LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = kind->attach);
        _cleanup_(closep) int prog_fd = -1;
        int32_t function = function_of(btf, place);

        if (function <= 0)
                return -ENOENT;
        options.attach_btf_id = function;
        prog_fd = bpf_prog_load(kind->type, "execrayd_try", "GPL", code, n, &options);
        if (prog_fd < 0)
                return prog_fd;
        return bpf_raw_tracepoint_open(NULL, prog_fd);
}

int tier_try_place(const struct btf *btf, const char *place) {
        static const struct bpf_insn allow[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        int link_fd = attach_code(btf, place, allow, ELEMENTSOF(allow));

        close_fd(link_fd);
        return link_fd < 0 ? link_fd : 0;
}

/* On a hook that is hardly ever called, and that we can call without asking for anything. */
static int tier_try_now(enum capture_tier tier, const char **ret_why) {
        static const char *const places[] = {
                [CAPTURE_TIER_LSM] = "lsm/task_getsid",
                [CAPTURE_TIER_FENTRY] = "fentry/security_task_getsid",
        };
        _cleanup_(closep) int map_fd = -1, link_fd = -1;
        uint64_t seen = 0;
        uint32_t key = 0;
        struct btf *btf;

        map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "execrayd_try", sizeof(key), sizeof(seen), 1, NULL);
        if (map_fd < 0)
                return map_fd;
        /* *value = 1; return 0 */
        const struct bpf_insn code[] = {
                {.code = BPF_LD | BPF_DW | BPF_IMM,
                 .dst_reg = BPF_REG_1,
                 .src_reg = BPF_PSEUDO_MAP_VALUE,
                 .imm = map_fd},
                {},
                {.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .imm = 1},
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };

        btf = btf__load_vmlinux_btf();
        if (!btf)
                return -errno;
        link_fd = attach_code(btf, places[tier], code, ELEMENTSOF(code));
        btf__free(btf);
        if (link_fd < 0)
                return link_fd;
        (void)syscall(SYS_getsid, getpid());
        if (bpf_map_lookup_elem(map_fd, &key, &seen) < 0)
                return -errno;
        if (seen)
                return 0;
        *ret_why = tier == CAPTURE_TIER_LSM
                ? "it takes them and never runs them: bpf is not among its security modules (lsm= on its command line)"
                : "it takes them and never runs them";
        return -ENOTCONN;
}

int tier_try(enum capture_tier tier, const char **ret_why) {
        static struct {
                bool tried;
                int r;
                const char *why;
        } trials[ELEMENTSOF(tier_kinds)];

        assert(tier < (int)ELEMENTSOF(tier_kinds));
        if (!trials[tier].tried) {
                trials[tier].r = tier_try_now(tier, &trials[tier].why);
                trials[tier].tried = true;
        }
        if (ret_why)
                *ret_why = trials[tier].why;
        return trials[tier].r;
}

int tier_aim(struct bpf_program *program, const char *place) {
        const struct tier_kind *kind = &tier_kinds[tier_of(place)];

        bpf_program__set_type(program, kind->type);
        bpf_program__set_expected_attach_type(program, kind->attach);
        /* With the prefix of its tier, which the library puts in front by the type. */
        return bpf_program__set_attach_target(program, 0, place + strlen(kind->prefix));
}

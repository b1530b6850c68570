/* SPDX-License-Identifier: Apache-2.0 */
#include "action/group-network.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

#define NAME "execray_deny"
#define PROGRAMS_MAX 64                 /* of one group and direction; the kernel's bound */

/* Bytes of the two addresses in a packet, source first. */
#define V4_OFFSET 12
#define V4_BYTES 8
#define V6_OFFSET 8
#define V6_BYTES 32

static const enum bpf_attach_type directions[] = {BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS};

static long call_bpf(enum bpf_cmd cmd, union bpf_attr *attr) {
        long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

        return r < 0 ? -errno : r;
}

#define OP(op, to, from, offset_, value)                                                                               \
        ((struct bpf_insn){.code = (op), .dst_reg = (to), .src_reg = (from), .off = (offset_), .imm = (int32_t)(value)})
#define COPY(to, from) OP(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) OP(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define SET64(to, value) OP(BPF_LD | BPF_DW | BPF_IMM, to, 0, 0, (uint32_t)(value)), OP(0, 0, 0, 0, (value) >> 32)
#define ADD(to, value) OP(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define LOAD(size, to, from, offset) OP(BPF_LDX | (size) | BPF_MEM, to, from, offset, 0)
#define CALL(function) OP(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_##function)
#define IF(comparison, reg, value, skip) OP(BPF_JMP | (comparison) | BPF_K, reg, 0, skip, value)
#define IF_REG(comparison, reg, other, skip) OP(BPF_JMP | (comparison) | BPF_X, reg, other, skip, 0)
#define ANSWER(value) SET(BPF_REG_0, value), OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* The two addresses at the end of the stack; the next but one instruction if there are none. */
#define LOAD_ADDRESSES(offset, bytes)                                                                                  \
        COPY(BPF_REG_1, BPF_REG_6), SET(BPF_REG_2, offset), COPY(BPF_REG_3, BPF_REG_10), ADD(BPF_REG_3, -(bytes)),     \
                SET(BPF_REG_4, bytes), CALL(skb_load_bytes), IF(BPF_JEQ, BPF_REG_0, 0, 2), ANSWER(0)

/* A word of them is this, or the packet is refused. */
#define MUST_BE(size, offset, value)                                                                                   \
        LOAD(size, BPF_REG_0, BPF_REG_10, offset), IF(BPF_JEQ, BPF_REG_0, value, 2), ANSWER(0)
#define MUST_BE_REG(offset, reg)                                                                                       \
        LOAD(BPF_DW, BPF_REG_0, BPF_REG_10, offset), IF_REG(BPF_JEQ, BPF_REG_0, reg, 2), ANSWER(0)

static int load(uint64_t until_ns) {
        const uint64_t one = htobe64(1);
        struct bpf_insn program[] = {
                COPY(BPF_REG_6, BPF_REG_1),

                CALL(ktime_get_boot_ns),
                SET64(BPF_REG_1, until_ns ?: UINT64_MAX),
                IF_REG(BPF_JLT, BPF_REG_0, BPF_REG_1, 2),
                ANSWER(1),

                LOAD(BPF_W, BPF_REG_0, BPF_REG_6, offsetof(struct __sk_buff, protocol)),
                IF(BPF_JNE, BPF_REG_0, htons(ETHERTYPE_IP), 19),
                LOAD_ADDRESSES(V4_OFFSET, V4_BYTES),    /* 9 */
                MUST_BE(BPF_B, -8, 127),                /* 4 */
                MUST_BE(BPF_B, -4, 127),                /* 4 */
                ANSWER(1),                              /* 2 */

                IF(BPF_JEQ, BPF_REG_0, htons(ETHERTYPE_IPV6), 2),
                ANSWER(0),
                LOAD_ADDRESSES(V6_OFFSET, V6_BYTES),
                SET64(BPF_REG_7, one),
                MUST_BE(BPF_DW, -32, 0),
                MUST_BE_REG(-24, BPF_REG_7),
                MUST_BE(BPF_DW, -16, 0),
                MUST_BE_REG(-8, BPF_REG_7),
                ANSWER(1),
        };
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_CGROUP_SKB,
                .insns = (uint64_t)(uintptr_t)program,
                .insn_cnt = ELEMENTSOF(program),
                .license = (uint64_t)(uintptr_t) "Apache-2.0",
                .prog_name = NAME,
        };

        return (int)call_bpf(BPF_PROG_LOAD, &attr);
}

static int program_info(int fd, struct bpf_prog_info *ret) {
        union bpf_attr attr = {
                .info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof(*ret), .info = (uint64_t)(uintptr_t)ret}};

        *ret = (struct bpf_prog_info){};
        return (int)call_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int attach(int cgroup_fd, int program, enum bpf_attach_type direction) {
        union bpf_attr attr = {.target_fd = (uint32_t)cgroup_fd,
                               .attach_bpf_fd = (uint32_t)program,
                               .attach_type = direction,
                               .attach_flags = BPF_F_ALLOW_MULTI};

        return (int)call_bpf(BPF_PROG_ATTACH, &attr);
}

static int detach(int cgroup_fd, int program, enum bpf_attach_type direction) {
        union bpf_attr attr = {.target_fd = (uint32_t)cgroup_fd,
                               .attach_bpf_fd = (uint32_t)program,
                               .attach_type = direction};

        return (int)call_bpf(BPF_PROG_DETACH, &attr);
}

int group_network_deny(int cgroup_fd, uint64_t until_ns, uint32_t *ret_id) {
        _cleanup_(closep) int program = -1;
        struct bpf_prog_info info;
        int r;

        program = load(until_ns);
        if (program < 0)
                return program;
        r = program_info(program, &info);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(directions); i++) {
                r = attach(cgroup_fd, program, directions[i]);
                if (r < 0) {
                        while (i-- > 0)
                                (void)detach(cgroup_fd, program, directions[i]);
                        return r;
                }
        }
        *ret_id = info.id;
        return 0;
}

static int is_attached(int cgroup_fd, uint32_t id, enum bpf_attach_type direction) {
        uint32_t ids[PROGRAMS_MAX] = {};
        union bpf_attr attr = {.query = {.target_fd = (uint32_t)cgroup_fd,
                                         .attach_type = direction,
                                         .prog_ids = (uint64_t)(uintptr_t)ids,
                                         .prog_cnt = PROGRAMS_MAX}};
        int r = (int)call_bpf(BPF_PROG_QUERY, &attr);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < MIN(attr.query.prog_cnt, (uint32_t)PROGRAMS_MAX); i++)
                if (ids[i] == id)
                        return 1;
        return 0;
}

int group_network_is_denied(int cgroup_fd, uint32_t id) {
        int r = 1;

        for (size_t i = 0; i < ELEMENTSOF(directions) && r > 0; i++)
                r = is_attached(cgroup_fd, id, directions[i]);
        return r;
}

int group_network_allow(int cgroup_fd, uint32_t id) {
        union bpf_attr attr = {.prog_id = id};
        _cleanup_(closep) int program = -1;
        struct bpf_prog_info info;
        int r, gone = 0;

        program = (int)call_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
        if (program < 0)
                return program;
        r = program_info(program, &info);
        if (r < 0)
                return r;
        if (!streq(info.name, NAME))
                return -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(directions); i++) {
                r = detach(cgroup_fd, program, directions[i]);
                if (r < 0 && r != -ENOENT)
                        return r;
                gone += r >= 0;
        }
        return gone > 0 ? 0 : -ENOENT;
}

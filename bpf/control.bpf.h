/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Control - message headers and the headers of their control data, as the caller has them in memory: of 64 bits, or of
 * 32 (`narrow`). */
#pragma once

#include "emit.bpf.h"

/* struct msghdr, and behind it the length in struct mmsghdr. */
struct user_message {
        __u64 name;
        __u32 name_size, pad;
        __u64 vectors;
        __u64 n_vectors;
        __u64 control;
        __u64 control_size;
        __u32 flags, pad2;
        __u32 length, pad3;
};

struct narrow_message {
        __u32 name, name_size, vectors, n_vectors, control, control_size, flags, length;
};

/* One of an array of struct mmsghdr takes so many bytes. */
static __always_inline __u32 user_message_size(bool narrow) {
        return narrow ? sizeof(struct narrow_message) : sizeof(struct user_message);
}

/* `many`: with the length. False: it cannot be read. Not static: see path_walk(). */
__noinline int user_message_read(struct user_message *ret, __u64 at, bool narrow, bool many) {
        struct narrow_message user = {};

        if (!ret)
                return false;
        if (!narrow)
                return bpf_probe_read_user(ret, many ? sizeof(*ret) : sizeof(*ret) - 8, (void *)at) == 0;
        if (bpf_probe_read_user(&user, many ? sizeof(user) : sizeof(user) - 4, (void *)at) < 0)
                return false;
        ret->name = user.name;
        ret->name_size = user.name_size;
        ret->vectors = user.vectors;
        ret->n_vectors = user.n_vectors;
        ret->control = user.control;
        ret->control_size = user.control_size;
        ret->flags = user.flags;
        ret->length = user.length;
        return true;
}

/* struct cmsghdr, and what follows from it. */
struct control_head {
        __u64 length;
        __u32 level, type;
        __u64 step;                     /* to the next one */
        __u32 n_fds;                    /* descriptors that it carries */
        __u32 pad;
};

static __always_inline __u32 control_head_size(bool narrow) {
        return narrow ? 12 : 16;
}

/* The next header at `at`, where `left` bytes are. 0: there is none; negative: it cannot be read. Not static: see
 * path_walk(). */
__noinline int control_next(struct control_head *ret, __u64 at, __u64 left, bool narrow) {
        __u32 size = control_head_size(narrow), user[3] = {};
        int r;

        if (!ret)
                return -EINVAL;
        if (left < size)
                return 0;
        if (narrow) {
                r = bpf_probe_read_user(user, sizeof(user), (void *)at);
                ret->length = user[0];
                ret->level = user[1];
                ret->type = user[2];
        } else
                r = bpf_probe_read_user(ret, size, (void *)at);
        if (r < 0)
                return r;
        if (ret->length < size || ret->length > left)
                return 0;
        ret->step = narrow ? (ret->length + 3) & ~3ULL : (ret->length + 7) & ~7ULL;
        ret->n_fds = 0;
        if (ret->level == SOL_SOCKET && ret->type == SCM_RIGHTS)
                ret->n_fds = (ret->length - size) / sizeof(__s32);
        return 1;
}

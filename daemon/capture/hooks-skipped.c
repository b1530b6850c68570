/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks, skipped - how often the kernel did not run our programs. It counts with each program, and tells of each when
 * asked by itself; an iterator (bpf/skipped.bpf.c) tells of all that were skipped ever, which are few, in one go. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"

#include "capture/hooks-private.h"

#define ALL_AT_ONCE 8                   /* from so many programs on */

/* One program in many places counts once, whether or not the first is attached. */
static bool counts(const struct hooks *hooks, size_t i) {
        return hooks_table[i].kind != WIRE_NONE && hooks_table[i].use != HOOK_SECURITY && hooks->prog_fds[i] >= 0 &&
                (i == 0 || hooks->prog_fds[i] != hooks->prog_fds[i - 1]);
}

static int ask(const struct hooks *hooks, size_t i, struct bpf_prog_info *ret) {
        uint32_t size = sizeof(*ret);

        *ret = (struct bpf_prog_info){};
        return bpf_obj_get_info_by_fd(hooks->prog_fds[i], ret, &size);
}

/* Numbers of our programs do not change. Those that cannot be had are nobody's. */
static void learn_ids(struct hooks *hooks) {
        for (size_t i = 0; i < N_HOOKS; i++) {
                struct bpf_prog_info info;

                if (counts(hooks, i) && ask(hooks, i, &info) >= 0)
                        hooks->skipped.ids[i] = info.id;
        }
}

static int open_iterator(struct hooks *hooks) {
        int fd;

        if (hooks->skipped.refused)
                return -EOPNOTSUPP;
        if (hooks->skipped.link_fd < 0) {
                fd = bpf_link_create(hooks_program(hooks, "count_skipped"), 0, BPF_TRACE_ITER, NULL);
                if (fd < 0)
                        return fd;
                hooks->skipped.link_fd = fd;
                learn_ids(hooks);
        }
        return bpf_iter_create(hooks->skipped.link_fd);
}

/* Programs of others come by, too. */
static int count_at_once(struct hooks *hooks, uint64_t ret[static _WIRE_KIND_MAX]) {
        _cleanup_(closep) int fd = open_iterator(hooks);
        struct wire_skipped found[64];
        ssize_t n;

        if (fd < 0)
                return fd;
        while ((n = read(fd, found, sizeof(found))) > 0)
                for (size_t k = 0; k < (size_t)n / sizeof(found[0]); k++)
                        for (size_t i = 0; i < N_HOOKS; i++)
                                if (hooks->skipped.ids[i] == found[k].id)
                                        ret[hooks_table[i].kind] += found[k].count;
        return n < 0 ? -errno : 0;
}

void hooks_count_skipped(struct hooks *hooks, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]) {
        size_t n = 0;

        memset(ret, 0, _WIRE_KIND_MAX * sizeof(*ret));
        for (size_t i = 0; i < N_HOOKS && n < ALL_AT_ONCE; i++)
                n += counts(hooks, i) && kinds & wire_kind_bit(hooks_table[i].kind);
        if (n >= ALL_AT_ONCE) {
                if (count_at_once(hooks, ret) >= 0) {
                        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                                if (!(kinds & wire_kind_bit((enum wire_kind)kind)))
                                        ret[kind] = 0;
                        return;
                }
                hooks->skipped.refused = true;
                memset(ret, 0, _WIRE_KIND_MAX * sizeof(*ret));
        }
        for (size_t i = 0; i < N_HOOKS; i++) {
                struct bpf_prog_info info;

                if (counts(hooks, i) && kinds & wire_kind_bit(hooks_table[i].kind) && ask(hooks, i, &info) >= 0)
                        ret[hooks_table[i].kind] += info.recursion_misses;
        }
}

void hooks_skipped_done(struct hooks *hooks) {
        hooks->skipped.link_fd = close_fd(hooks->skipped.link_fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks, adopted - programs, maps, ring and links of the process before, gone on with as they are.
 *
 * What is the same is said by a fingerprint: of the object with all programs, of the table of places, and of the
 * options that are fixed when it is loaded. The kernel is the same, for descriptors do not outlive it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/siphash.h"

#include "capture/enforcer.h"
#include "capture/hooks-private.h"
#include "capture/keep.h"
#include "capture/prefilter-maps.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

/* What there is to know beside the descriptors. The first part means the same in every version. */
struct hooks_head {
        uint32_t size;
        uint32_t wire_version;
        uint64_t fingerprint[2];
        uint64_t ring_bytes;

        /* Of the same fingerprint only. */
        uint32_t filter_table;          /* the last number that one had */
        uint8_t compat, credchange;
        uint8_t pad[2];
        int32_t answers[N_HOOKS];
};
_Static_assert(sizeof(struct hooks_head) <= KEEP_MAX_HEAD &&
                       2 * N_HOOKS + _KEPT_MAX + 3 + 2 * ENFORCER_MAX_ITEMS <= KEEP_MAX_ITEMS,
               "it fits into a publication");

#define COMMON_BYTES offsetof(struct hooks_head, filter_table)

static void add_text(struct siphash *s, const char *text) {
        siphash_add(s, text, strlen(text) + 1);
}

void hooks_fingerprint(const struct hooks_options *options, uint64_t ret[static 2]) {
        static const struct siphash_key key = {UINT64_C(0x6578656372617964), 1};        /* nobody has to be kept out */
        const char *other = secure_getenv("EXECRAYD_TEST_FINGERPRINT");         /* tests: an upgrade with one binary */
        struct siphash128 sum;
        struct siphash s;
        const void *elf;
        size_t size;

        siphash_begin128(&s, &key);
        elf = sensor__elf_bytes(&size);
        siphash_add(&s, elf, size);
        for (size_t i = 0; i < N_HOOKS; i++) {
                add_text(&s, hooks_table[i].program);
                add_text(&s, hooks_table[i].place);
                siphash_add_u64(&s, (uint64_t)hooks_table[i].use << 32 | hooks_table[i].call);
        }
        siphash_add_u64(&s, options->asked_ring_bytes);
        siphash_add_u64(&s, (uint64_t)options->tier << 1 | options->named_hierarchy);
        add_text(&s, options->cgroup2 ?: "");
        add_text(&s, other ?: "");
        sum = siphash_end128(&s);
        ret[0] = sum.low;
        ret[1] = sum.high;
}

/* ---- offered ---- */

static void put(struct keep_item *items, size_t *n, enum keep_what what, size_t index, int fd) {
        if (fd >= 0)
                items[(*n)++] = (struct keep_item){.what = what, .index = (uint16_t)index, .fd = fd};
}

size_t hooks_put_items(const struct hooks *hooks, struct keep_item *items) {
        size_t n = 0;

        put(items, &n, KEEP_RING, 0, hooks->maps[KEPT_RING]);
        for (size_t i = 0; i < _KEPT_MAX; i++)
                if (i != KEPT_RING)
                        put(items, &n, KEEP_MAP, i, hooks->maps[i]);
        for (size_t i = 0; i < N_HOOKS; i++) {
                bool again = false;

                for (size_t k = 0; k < i && !again; k++)
                        again = hooks->prog_fds[k] == hooks->prog_fds[i];
                if (!again)
                        put(items, &n, KEEP_PROGRAM, i, hooks->prog_fds[i]);
                put(items, &n, KEEP_LINK, i, hooks->links[i]);
        }
        return n;
}

size_t hooks_put_head(const struct hooks *hooks, void *ret) {
        struct hooks_head *head = ret;

        *head = (struct hooks_head){
                .size = sizeof(*head),
                .wire_version = WIRE_VERSION,
                .fingerprint = {hooks->fingerprint[0], hooks->fingerprint[1]},
                .ring_bytes = hooks->ring_bytes,
                .filter_table = prefilter_maps_last(hooks->prefilter_maps),
                .compat = hooks->compat,
                .credchange = !!(hooks->interest.kinds & wire_kind_bit(WIRE_KIND_credchange)),
        };
        for (size_t i = 0; i < N_HOOKS; i++)
                head->answers[i] = hooks->answers[i].r;
        return sizeof(*head);
}

void hooks_on_detach(struct hooks *hooks, void (*on_detach)(void *userdata), void *userdata) {
        hooks->on_detach = on_detach;
        hooks->on_detach_userdata = userdata;
}

uint64_t hooks_n_changes(const struct hooks *hooks) {
        return hooks->n_changes;
}

void hooks_leave(struct hooks *hooks) {
        hooks->leaves = true;
}

/* ---- taken over ---- */

static const struct hooks_head *head_of(const struct bequest *kept) {
        return kept->head_size >= COMMON_BYTES ? (const struct hooks_head *)kept->head : NULL;
}

bool hooks_is_ours(const struct hooks *hooks, const struct bequest *kept) {
        const struct hooks_head *head = head_of(kept);

        return head && memcmp(head->fingerprint, hooks->fingerprint, sizeof(head->fingerprint)) == 0 &&
               kept->head_size == sizeof(*head) && head->size == sizeof(*head) && head->wire_version == WIRE_VERSION;
}

size_t hooks_kept_ring_bytes(const struct bequest *kept, uint32_t *ret_wire_version) {
        const struct hooks_head *head = head_of(kept);

        *ret_wire_version = head ? head->wire_version : 0;
        return head && is_pow2(head->ring_bytes) && head->ring_bytes <= 1U << 30 ? head->ring_bytes : 0;
}

static void take_programs(struct hooks *hooks, struct bequest *kept) {
        for (uint16_t i = 0; i < N_HOOKS; i++) {
                for (uint16_t k = 0; k < i && hooks->prog_fds[i] < 0; k++)
                        if (streq(hooks_table[k].program, hooks_table[i].program))
                                hooks->prog_fds[i] = hooks->prog_fds[k];
                if (hooks->prog_fds[i] < 0)
                        hooks->prog_fds[i] = bequest_take_fd(kept, KEEP_PROGRAM, i);
                hooks->links[i] = bequest_take_fd(kept, KEEP_LINK, i);
        }
}

static int map_id(int fd, uint32_t *ret) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
                return -errno;
        *ret = info.id;
        return 0;
}

/* A process that ends while it exchanges rings leaves the old one. */
static int check_ring(const struct hooks *hooks) {
        uint32_t zero = 0, id = 0, in_use = 0;
        int r;

        r = map_id(hooks->maps[KEPT_RING], &id);
        if (r >= 0 && bpf_map_lookup_elem(hooks->maps[KEPT_RINGS], &zero, &in_use) < 0)
                r = -errno;
        return r < 0 ? r : id == in_use ? 0 : -ESTALE;
}

int hooks_adopt(struct hooks *hooks, struct bequest *kept) {
        const struct hooks_head *head = head_of(kept);
        int r;

        hooks->maps[KEPT_RING] = bequest_take_fd(kept, KEEP_RING, 0);
        for (uint16_t i = 0; i < _KEPT_MAX; i++) {
                if (i != KEPT_RING)
                        hooks->maps[i] = bequest_take_fd(kept, KEEP_MAP, i);
                if (hooks->maps[i] < 0)
                        return -ENODATA;
        }
        take_programs(hooks, kept);
        for (size_t i = 0; i < N_HOOKS; i++)
                hooks->answers[i].r = head->answers[i];
        hooks->compat = head->compat;
        hooks->had_credchange = head->credchange;
        hooks->ring_bytes = head->ring_bytes;
        r = check_ring(hooks);
        if (r >= 0)
                r = hooks_keep_map(hooks);
        if (r >= 0)
                r = hooks_make_prefilter_maps(hooks);
        if (r >= 0)
                r = prefilter_maps_adopt(hooks->prefilter_maps, head->filter_table);
        if (r < 0)
                return r;
        hooks->adopted = true;
        return 0;
}

bool hooks_is_adopted(const struct hooks *hooks) {
        return hooks->adopted;
}

size_t hooks_ring_bytes(const struct hooks *hooks) {
        return hooks->ring_bytes;
}

void hooks_adopt_env(struct hooks *hooks, const struct interest *interest) {
        char key[WIRE_MAX_ENV_NAME], next[WIRE_MAX_ENV_NAME];
        bool more = bpf_map_get_next_key(hooks->maps[KEPT_ENV_NAMES], NULL, next) >= 0;

        while (more) {
                bool wanted = false;

                memcpy(key, next, sizeof(key));
                more = bpf_map_get_next_key(hooks->maps[KEPT_ENV_NAMES], key, next) >= 0;
                for (uint32_t i = 0; i < interest->n_env && !wanted; i++)
                        wanted = strncmp(interest->env[i], key, sizeof(key)) == 0;
                if (!wanted)
                        (void)bpf_map_delete_elem(hooks->maps[KEPT_ENV_NAMES], key);
        }
}

void hooks_detach_kept(struct hooks *hooks, struct bequest *kept) {
        int fds[KEEP_MAX_ITEMS];
        size_t n = 0;

        for (size_t i = 0; i < kept->n; i++)
                if (kept->items[i].fd >= 0)
                        fds[n++] = TAKE_FD(kept->items[i].fd);
        hooks_detach_list(hooks, fds, n);
        bequest_free(kept);
}

void hooks_forget_self(struct hooks *hooks) {
        __atomic_store_n(&hooks->knobs->self_tgid, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&hooks->knobs->self_start_ns, 0, __ATOMIC_SEQ_CST);
}

bool hooks_is_self(const struct hooks *hooks, uint32_t tgid, uint64_t start_ns) {
        return tgid == hooks->knobs->self_tgid && start_ns == hooks->knobs->self_start_ns;
}

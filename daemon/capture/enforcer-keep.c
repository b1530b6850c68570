/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcer, over a restart - its links outlive the process, and the next one has its own in force before it closes
 * them. They are not gone on with: rules are for life, and loading others takes a moment. What was refused meanwhile
 * waits in the old ring, with the names of the rules in memory beside it (the papers). */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/siphash.h"

#include "capture/enforcer-private.h"
#include "capture/hooks.h"
#include "capture/keep.h"

#define MAX_PAPERS (1U << 20)

static_assert(ENFORCER_MAX_HOOKS + _ENFORCER_PARTS <= ENFORCER_MAX_ITEMS, "there is room for all");

/* Written by an execrayd, but perhaps by another version. The first two words mean the same in every version. */
struct enforcer_papers {
        uint64_t fingerprint[2];
        uint32_t size, n_rules;
        struct enforce_counters seen;   /* as whoever read verdicts last has counted them */
        char names[];                   /* of the rules, each with its NUL */
};

static uint16_t index_of(unsigned which, size_t i) {
        return (uint16_t)(which << 8 | i);
}

static void get_fingerprint(uint64_t ret[static 2]) {
        static const struct siphash_key key = {UINT64_C(0x6578656372617964), 2};        /* nobody has to be kept out */
        const char *other = secure_getenv("EXECRAYD_TEST_FINGERPRINT");         /* tests: an upgrade with one binary */
        struct siphash128 sum;
        struct siphash s;
        const void *elf;
        size_t size;

        siphash_begin128(&s, &key);
        elf = enforce__elf_bytes(&size);
        siphash_add(&s, elf, size);
        if (other)
                siphash_add(&s, other, strlen(other));
        sum = siphash_end128(&s);
        ret[0] = sum.low;
        ret[1] = sum.high;
}

/* ---- offered ---- */

static int map_papers(struct enforcer *enforcer, int fd, size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (memory == MAP_FAILED)
                return -errno;
        enforcer->papers = memory;
        enforcer->papers_bytes = size;
        return 0;
}

int enforcer_write_papers(struct enforcer *enforcer) {
        _cleanup_(closep) int fd = memfd_create("execrayd-rules", MFD_CLOEXEC);
        size_t size = sizeof(struct enforcer_papers);
        char *end;
        int r;

        for (size_t i = 0; i < enforcer->n_rules; i++)
                size += strlen(enforcer->rules[i]) + 1;
        if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
                return -errno;
        r = map_papers(enforcer, fd, size);
        if (r < 0)
                return r;
        get_fingerprint(enforcer->papers->fingerprint);
        enforcer->papers->size = (uint32_t)size;
        enforcer->papers->n_rules = (uint32_t)enforcer->n_rules;
        end = enforcer->papers->names;
        for (size_t i = 0; i < enforcer->n_rules; i++)
                end = stpcpy(end, enforcer->rules[i]) + 1;
        enforcer->parts[ENFORCER_PAPERS] = TAKE_FD(fd);
        return 0;
}

static int part_of(const struct enforcer *enforcer, size_t part) {
        if (enforcer->skeleton && part == ENFORCER_VERDICTS)
                return bpf_map__fd(enforcer->skeleton->maps.verdicts);
        if (enforcer->skeleton && part == ENFORCER_VALUES)
                return bpf_map__fd(enforcer->skeleton->maps.bss);
        return enforcer->parts[part];
}

size_t enforcer_put_items(const struct enforcer *enforcer, unsigned which, struct keep_item *items) {
        size_t n = 0;

        for (size_t i = 0; i < ENFORCER_MAX_HOOKS; i++)
                if (enforcer->links[i] >= 0)
                        items[n++] = (struct keep_item){KEEP_ENFORCER_LINK, index_of(which, i), enforcer->links[i]};
        for (size_t i = 0; i < _ENFORCER_PARTS; i++)
                if (part_of(enforcer, i) >= 0)
                        items[n++] = (struct keep_item){KEEP_ENFORCER_PART, index_of(which, i), part_of(enforcer, i)};
        return n;
}

void enforcer_note_seen(struct enforcer *enforcer) {
        const struct enforce_counters *counters = enforcer_counters(enforcer);

        if (enforcer->papers && counters)
                enforcer->papers->seen = *counters;
}

/* ---- taken over ---- */

static int name_rules(struct enforcer *enforcer) {
        const struct enforcer_papers *papers = enforcer->papers;
        const char *at = papers->names, *end = (const char *)papers + papers->size;
        uint32_t n_rules = papers->n_rules;

        for (uint32_t i = 0; i < n_rules; i++) {
                const char *nul = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
                int r = nul ? enforcer_name_rule(enforcer, at) : -EBADMSG;

                if (r < 0)
                        return r;
                at = nul + 1;
        }
        return at == end ? 0 : -EBADMSG;
}

static int read_papers(struct enforcer *enforcer) {
        int fd = enforcer->parts[ENFORCER_PAPERS];
        uint64_t fingerprint[2];
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct enforcer_papers) ||
            st.st_size > MAX_PAPERS)
                return -EBADMSG;
        r = map_papers(enforcer, fd, (size_t)st.st_size);
        if (r < 0)
                return r;
        get_fingerprint(fingerprint);
        if (memcmp(enforcer->papers->fingerprint, fingerprint, sizeof(fingerprint)) != 0)
                return -ESTALE;
        if (enforcer->papers->size != (size_t)st.st_size)
                return -EBADMSG;
        enforcer->base = enforcer->papers->seen;
        return name_rules(enforcer);
}

/* The head of a record is the kernel's, and so the same in every version. */
static int map_verdicts(struct enforcer *enforcer) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);
        int fd = enforcer->parts[ENFORCER_VERDICTS];

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.type != BPF_MAP_TYPE_RINGBUF)
                return -EBADMSG;
        return ring_map(&enforcer->ring, fd, info.max_entries);
}

static int map_values(struct enforcer *enforcer) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);
        int fd = enforcer->parts[ENFORCER_VALUES];
        void *memory;

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.type != BPF_MAP_TYPE_ARRAY ||
            info.value_size < sizeof(*enforcer->values))
                return -EBADMSG;
        memory = mmap(NULL, sizeof(*enforcer->values), PROT_READ, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        enforcer->values = memory;
        return 0;
}

int enforcer_inherit(struct bequest *before, unsigned which, struct enforcer **ret) {
        _cleanup_(enforcer_freep) struct enforcer *enforcer = enforcer_alloc();
        size_t n = 0;

        *ret = NULL;
        if (!enforcer)
                return -ENOMEM;
        for (size_t i = 0; i < ENFORCER_MAX_HOOKS; i++) {
                enforcer->links[i] = bequest_take_fd(before, KEEP_ENFORCER_LINK, index_of(which, i));
                n += enforcer->links[i] >= 0;
        }
        for (size_t i = 0; i < _ENFORCER_PARTS; i++)
                enforcer->parts[i] = bequest_take_fd(before, KEEP_ENFORCER_PART, index_of(which, i));
        if (n == 0)
                return 0;
        enforcer->foreign = map_verdicts(enforcer) < 0 || read_papers(enforcer) < 0 || map_values(enforcer) < 0;
        *ret = TAKE_PTR(enforcer);
        return 0;
}

void enforcer_detach(struct enforcer *enforcer) {
        for (size_t i = 0; i < ENFORCER_MAX_HOOKS; i++)
                enforcer->links[i] = close_fd(enforcer->links[i]);
        enforcer->detached = true;
}

bool enforcer_is_over(const struct enforcer *enforcer) {
        return enforcer->detached && (!enforcer->ring.data || ring_pending(&enforcer->ring) == 0);
}

void enforcer_done_kept(struct enforcer *enforcer) {
        if (enforcer->papers)
                munmap(enforcer->papers, enforcer->papers_bytes);
        if (enforcer->values)
                munmap((void *)enforcer->values, sizeof(*enforcer->values));
        for (size_t i = 0; i < _ENFORCER_PARTS; i++)
                close_fd(enforcer->parts[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/refusals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"

#include "enforce.h"

#define LONGEST_CALL_NS NSEC_PER_SEC    /* between the decision and the end of the call, at most */

struct refusal {
        uint64_t time_ns, start_ns;
        uint32_t tgid, tid;             /* tid 0: taken */
        uint32_t uid, euid, gid, egid;
        enum wire_kind kind;
        struct wire_object file;
        size_t n_path;
};

struct refusals {
        uint64_t n;                     /* ever seen; the last one is at n - 1 */
        struct refusal items[REFUSALS_MAX];
        char paths[REFUSALS_MAX][ENFORCE_TOLD];
};

int refusals_new(struct refusals **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

struct refusals *refusals_free(struct refusals *refusals) {
        free(refusals);
        return NULL;
}

static enum wire_kind kind_of(const struct enforce_verdict *verdict) {
        switch ((enum enforce_place)verdict->place) {
        case ENFORCE_AT_OPEN: return WIRE_KIND_openat;
        case ENFORCE_AT_EXEC: return WIRE_KIND_execve;
        case ENFORCE_AT_CONNECT:
        case ENFORCE_AT_SEND:
        case ENFORCE_AT_PTRACE:         /* the record has all of it */
        case ENFORCE_N_PLACES: break;
        }
        return WIRE_NONE;
}

void refusals_see(struct refusals *refusals, const struct enforce_verdict *verdict) {
        enum wire_kind kind = kind_of(verdict);
        struct refusal *refusal;
        size_t at;

        if (verdict->list != ENFORCE_POLICIES || verdict->outcome != ENFORCE_KERNEL || verdict->killed ||
            verdict->inode == 0 || kind == WIRE_NONE)
                return;
        at = refusals->n++ % REFUSALS_MAX;
        refusal = &refusals->items[at];
        *refusal = (struct refusal){
                .time_ns = verdict->time_ns,
                .start_ns = verdict->start_ns,
                .tgid = verdict->tgid,
                .tid = verdict->tid,
                .uid = verdict->uid,
                .euid = verdict->euid,
                .gid = verdict->gid,
                .egid = verdict->egid,
                .kind = kind,
                .file = {.device = verdict->device, .generation = verdict->generation, .inode = verdict->inode},
                .n_path = MIN((size_t)verdict->n_path, sizeof(refusals->paths[at])),
        };
        memcpy(refusals->paths[at], verdict->path, refusal->n_path);
}

/* The newest that is not later than the end of the call. */
static struct refusal *find(struct refusals *refusals, const struct wire_header *header) {
        for (uint64_t i = 0; i < MIN(refusals->n, (uint64_t)REFUSALS_MAX); i++) {
                struct refusal *refusal = &refusals->items[(refusals->n - 1 - i) % REFUSALS_MAX];

                if (refusal->time_ns > header->time_ns)
                        continue;
                if (header->time_ns - refusal->time_ns > LONGEST_CALL_NS)
                        return NULL;
                if (refusal->tid == header->tid && refusal->tgid == header->tgid &&
                    refusal->start_ns == header->start_ns && refusal->kind == (enum wire_kind)header->kind)
                        return refusal;
        }
        return NULL;
}

/* In the place of what the program gave. */
static void set_path(struct record *record, enum field field, const char *path, size_t n) {
        uint64_t bit = UINT64_C(1) << schema_field(field)->bit;

        if (n == 0)
                return;
        record->header.user &= ~bit;
        record->header.stable &= ~bit;
        record->header.cut &= ~bit;
        record_set_bytes(record, field, path, n);
        if (n == ENFORCE_TOLD)
                record_mark_cut(record, field);
}

static void set_exec(struct record *record, const struct refusal *refusal, const char *path) {
        set_path(record, (enum field)WIRE_FIELD_execve_exe, path, refusal->n_path);
        record_set_object(record, (enum field)WIRE_FIELD_execve_file, &refusal->file);
        record_set_number(record, (enum field)WIRE_FIELD_execve_old_uid, refusal->uid);
        record_set_number(record, (enum field)WIRE_FIELD_execve_old_euid, refusal->euid);
        record_set_number(record, (enum field)WIRE_FIELD_execve_old_gid, refusal->gid);
        record_set_number(record, (enum field)WIRE_FIELD_execve_old_egid, refusal->egid);
}

static void set_open(struct record *record, const struct refusal *refusal, const char *path) {
        set_path(record, (enum field)WIRE_FIELD_openat_pathname, path, refusal->n_path);
        record_set_object(record, (enum field)WIRE_FIELD_openat_file, &refusal->file);
}

bool refusals_complete(struct refusals *refusals, const struct wire_header *header, struct record *ret) {
        struct refusal *refusal;
        const char *path;

        if (header->result != -EPERM || header->flags & WIRE_AGGREGATE)
                return false;
        refusal = find(refusals, header);
        if (!refusal)
                return false;
        path = refusals->paths[refusal - refusals->items];
        if (header != &ret->header)
                record_copy(ret, header);
        if (refusal->kind == WIRE_KIND_execve)
                set_exec(ret, refusal, path);
        else
                set_open(ret, refusal, path);
        refusal->tid = 0;
        return record_finish(ret) >= 0;
}

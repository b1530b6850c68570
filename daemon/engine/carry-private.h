/* SPDX-License-Identifier: Apache-2.0 */
/* Carry, inside - the form of the bytes. For this room only.
 *
 *      head | paths | images | records | steps | groups with their runs | told stories | gaps | checksum
 *
 * Fields one behind the other, unaligned, in the order in which carry-save.c puts and carry-load.c takes them; only
 * wire records begin at multiples of eight. Things refer to earlier ones, by number + 1; 0: none. Whatever is changed
 * here or there makes another CARRY_VERSION. */
#pragma once

#include "base/siphash.h"
#include "engine/carry.h"
#include "engine/engine-private.h"

#define CARRY_MAGIC UINT64_C(0x736e757261727865)
#define CARRY_VERSION 1

struct carry_head {
        uint64_t magic;
        uint32_t version, wire_version, program_version;
        uint32_t n_paths, n_images, n_kept, n_steps, n_groups, n_stories, n_gaps;
        uint8_t stamp[CARRY_STAMP];
        uint64_t number, now_ns, last_match, last_coming, last_serial, last_opened;
        struct siphash_key evidence_key, suppress_key;
};

enum {
        CARRY_LOOP = 1U << 0,           /* of a step */
        CARRY_ABSENT = 1U << 1,
        CARRY_USER = 1U << 0,           /* of a value */
        CARRY_STABLE = 1U << 1,
};

/* Where the bytes of a capture are. */
enum carry_bytes {
        CARRY_NOWHERE,
        CARRY_IN_RECORD,
        CARRY_OWN,
        _CARRY_BYTES_MAX,
};

struct carry_writer {
        const struct carry_sink *sink;
        struct siphash sum;
        uint64_t n_bytes;
        size_t n;
        int error;
        uint8_t buffer[4096];
};

void carry_put(struct carry_writer *w, const void *data, size_t n);
void carry_put_record(struct carry_writer *w, const void *data, uint32_t n);
#define CARRY_PUT(w, type, value)                                                                                    \
        do {                                                                                                         \
                type _v = (value);                                                                                   \
                                                                                                                     \
                carry_put(w, &_v, sizeof(_v));                                                                       \
        } while (false)

/* Beyond the end everything is 0, and `bad` stays set. */
struct carry_reader {
        const uint8_t *data;
        size_t n, at;
        bool bad;
};

const void *carry_take(struct carry_reader *r, size_t n);               /* NULL: not there */
const void *carry_take_record(struct carry_reader *r, uint32_t *ret_n); /* aligned as `data` is; NULL */
uint8_t carry_u8(struct carry_reader *r);
uint16_t carry_u16(struct carry_reader *r);
uint32_t carry_u32(struct carry_reader *r);
uint64_t carry_u64(struct carry_reader *r);
void carry_identity(struct carry_reader *r, struct identity *ret);

/* Over everything before it. Not a secret: it finds damage, not malice. */
uint64_t carry_checksum(const void *data, size_t n);

/* Is a path of one program the same in another one? By name, hash and shape (handover.c). */
struct path_face {
        const char *name;
        uint32_t n_name;
        const uint8_t *hash;            /* as path.hash */
        uint8_t by;
        uint32_t n_positions;
};
bool path_is(const struct program *program, uint32_t path, const struct path_face *face);

/* Is a run what a run of this path can be? Its evidence is looked at to the end (carry-check.c). Works out what it
 * captured. */
bool carry_check_run(struct engine *engine, uint32_t path, struct instance *instance);

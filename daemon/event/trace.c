/* SPDX-License-Identifier: Apache-2.0 */
#include "event/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/siphash.h"
#include "base/strbuf.h"
#include "event/schema.h"

#if defined(__x86_64__)
#define MACHINE "x86_64"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#else
#define MACHINE "unknown"
#endif

static void hash_string(struct siphash *hash, const char *s) {
        siphash_add(hash, s, strlen(s) + 1);
}

uint64_t trace_fingerprint(void) {
        static const struct siphash_key no_secret = {};
        struct siphash hash;

        siphash_begin64(&hash, &no_secret);
        siphash_add_u64(&hash, sizeof(struct wire_header));
        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind(kind);

                siphash_add_u64(&hash, kind);
                siphash_add_u64(&hash, info->record_size);
                hash_string(&hash, info->name);
                for (unsigned i = 0; i < info->n_fields; i++) {
                        const struct field_info *field = schema_field(info->first_field + i);

                        siphash_add_u64(&hash, field->type);
                        siphash_add_u64(&hash, field->offset);
                        hash_string(&hash, field->name);
                }
        }
        return siphash_end64(&hash);
}

static uint32_t header_size(uint32_t text_length) {
        return ALIGN_UP(sizeof(struct trace_header) + text_length, 8);
}

void trace_header_init(struct trace_header *header, const char *text) {
        *header = (struct trace_header){
                .byte_order = TRACE_BYTE_ORDER,
                .version = TRACE_VERSION,
                .wire_version = WIRE_VERSION,
                .fingerprint = trace_fingerprint(),
                .machine = MACHINE,
                .text_length = text ? strnlen(text, TRACE_MAX_TEXT) : 0,
        };
        memcpy(header->magic, TRACE_MAGIC, sizeof(header->magic));
        header->size = header_size(header->text_length);
}

static int fail(struct trace_state *state, enum trace_fault fault) {
        state->fault = fault;
        switch (fault) {
        case TRACE_FINE:
                return 0;
        case TRACE_FOREIGN:
        case TRACE_HEADER:
        case TRACE_BLOCK:
        case TRACE_RECORD:
                return -EBADMSG;
        case TRACE_BYTES:
        case TRACE_FORMAT:
        case TRACE_WIRE:
        case TRACE_SCHEMA:
        case TRACE_MACHINE:
                return -EPROTO;
        case TRACE_TORN:
                return -ENODATA;
        }
        return -EBADMSG;
}

uint64_t trace_checksum(uint64_t previous, const void *data, size_t n) {
        static const struct siphash_key no_secret = {};
        struct siphash hash;

        siphash_begin64(&hash, &no_secret);
        siphash_add_u64(&hash, previous);
        siphash_add(&hash, data, n);
        return siphash_end64(&hash);
}

/* Text that a person may be shown: it has an end within its field. */
static bool is_text(const char *s, size_t n) {
        return memchr(s, 0, n) != NULL;
}

int trace_take_header(struct trace_state *state, const void *data, size_t n, const struct trace_header **ret_header) {
        const struct trace_header *header = data;

        *state = (struct trace_state){};
        if (memcmp(data, TRACE_MAGIC, MIN(n, sizeof(header->magic))) != 0)
                return fail(state, TRACE_FOREIGN);
        if (n < offsetof(struct trace_header, size))
                return 0;
        /* These two keep their place in every version, or nothing could be said about the rest. */
        if (header->byte_order != TRACE_BYTE_ORDER)
                return fail(state, TRACE_BYTES);
        state->version = header->version;
        if (header->version != TRACE_VERSION)
                return fail(state, TRACE_FORMAT);
        if (n < sizeof(*header))
                return 0;

        if (header->text_length > TRACE_MAX_TEXT || header->size != header_size(header->text_length) ||
            !is_text(header->machine, sizeof(header->machine)) || !is_text(header->kernel, sizeof(header->kernel)))
                return fail(state, TRACE_HEADER);
        if (header->wire_version != WIRE_VERSION)
                return fail(state, TRACE_WIRE);
        if (header->fingerprint != trace_fingerprint())
                return fail(state, TRACE_SCHEMA);
        if (strcmp(header->machine, MACHINE) != 0)
                return fail(state, TRACE_MACHINE);
        if (n < header->size)
                return 0;

        state->offset = header->size;
        state->checksum = trace_checksum(0, header, header->size);
        *ret_header = header;
        return 1;
}

int trace_take_block(struct trace_state *state, const void *data, size_t n, size_t *ret_size) {
        const struct trace_block *block = data;
        uint64_t checksum;

        if (n < sizeof(*block))
                return 0;
        /* The size says how much to wait for: look at it before waiting. */
        if (block->size == 0 || block->size % 8 != 0 || block->size > TRACE_MAX_BLOCK)
                return fail(state, TRACE_BLOCK);
        if (n < sizeof(*block) + block->size)
                return 0;
        checksum = trace_checksum(state->checksum ^ block->n_records, block + 1, block->size);
        if (checksum != block->checksum)
                return fail(state, TRACE_BLOCK);

        state->checksum = checksum;
        state->offset += sizeof(*block);
        *ret_size = block->size;
        return 1;
}

int trace_take_record(struct trace_state *state, const void *data, size_t n, struct event *ret) {
        const struct wire_header *header = data;
        struct event event;

        if (n < sizeof(*header))
                return 0;
        /* The size says how much to wait for: look at it before waiting. */
        if (header->version != WIRE_VERSION || header->size < sizeof(*header) || header->size > WIRE_MAX_RECORD)
                return fail(state, TRACE_RECORD);
        if (n < header->size)
                return 0;
        if (event_parse(data, header->size, &event) < 0)
                return fail(state, TRACE_RECORD);

        state->offset += header->size;
        state->time_ns = MAX(state->time_ns, event.time_ns);
        event.time_ns = state->time_ns;
        event.number = ++state->n_records;
        *ret = event;
        return 1;
}

int trace_take_end(struct trace_state *state, size_t n) {
        if (state->fault != TRACE_FINE)
                return fail(state, state->fault);
        /* offset 0: the header was not there yet. */
        if (state->offset == 0)
                return fail(state, n < sizeof(((struct trace_header *)NULL)->magic) ? TRACE_FOREIGN : TRACE_HEADER);
        return n > 0 ? fail(state, TRACE_TORN) : 0;
}

void trace_describe(const struct trace_state *state, char *buffer, size_t size) {
        struct strbuf b;

        strbuf_init_fixed(&b, buffer, size);
        switch (state->fault) {
        case TRACE_FINE:
                strbuf_printf(&b, "is complete, with %" PRIu64 " records", state->n_records);
                break;
        case TRACE_FOREIGN:
                strbuf_put(&b, "is no recording of execrayd");
                break;
        case TRACE_BYTES:
                strbuf_put(&b, "was recorded on a machine with another byte order; replay it on such a machine");
                break;
        case TRACE_FORMAT:
                strbuf_printf(&b,
                              "has version %" PRIu32
                              " of the format, and this release reads version %d; replay it with "
                              "the release that recorded it",
                              state->version, TRACE_VERSION);
                break;
        case TRACE_WIRE:
        case TRACE_SCHEMA:
                strbuf_put(&b, "was recorded by a release whose events have other fields; replay it with that release");
                break;
        case TRACE_MACHINE:
                strbuf_put(&b, "was recorded on another kind of machine than " MACHINE
                               ", where flags have other numbers; replay it there");
                break;
        case TRACE_HEADER:
                strbuf_put(&b, "has a damaged or incomplete header");
                break;
        case TRACE_BLOCK:
                strbuf_printf(&b, "is damaged in the %sblock at byte %" PRIu64 ", after %" PRIu64
                              " good records: its checksum is another", state->n_records == 0 ? "header or the " : "",
                              state->offset, state->n_records);
                break;
        case TRACE_RECORD:
                strbuf_printf(&b, "is damaged at byte %" PRIu64 ", after %" PRIu64 " good records", state->offset,
                              state->n_records);
                break;
        case TRACE_TORN:
                strbuf_printf(&b,
                              "ends within the block at byte %" PRIu64 ", after %" PRIu64
                              " good records: the recorder was interrupted",
                              state->offset, state->n_records);
                break;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring-size.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "base/parse.h"
#include "base/strbuf.h"

void ring_size_init(struct ring_size *size, size_t min, size_t max) {
        *size = (struct ring_size){.bytes = min, .min = min, .max = MAX(min, max)};
}

void ring_size_learned(struct ring_size *size, size_t bytes) {
        if (is_pow2(bytes) && bytes > size->min && bytes <= size->max)
                ring_size_set(size, bytes);
}

#define HEAD "execrayd-ring "
#define VERSION "1\n"
#define LARGEST ((uint64_t)1 << 40)

void ring_size_put(size_t bytes, struct strbuf *b) {
        strbuf_printf(b, HEAD VERSION "bytes %zu\n", bytes);
}

int ring_size_parse(const char *text, size_t n, size_t *ret) {
        static const char head[] = HEAD, line[] = VERSION "bytes ";
        uint64_t bytes;
        int r;

        if (n < strlen(head) || memcmp(text, head, strlen(head)) != 0)
                return -EBADMSG;
        text += strlen(head);
        n -= strlen(head);
        if (n < strlen(VERSION) || memcmp(text, VERSION, strlen(VERSION)) != 0)
                return -EPROTO;
        if (n <= strlen(line) || memcmp(text, line, strlen(line)) != 0 || text[n - 1] != '\n')
                return -EBADMSG;
        r = parse_u64_n(text + strlen(line), n - strlen(line) - 1, 1, LARGEST, &bytes);
        if (r < 0 || !is_pow2(bytes))
                return -EBADMSG;
        *ret = bytes;
        return 0;
}

static uint8_t most_used(const struct ring_size *size) {
        uint8_t most = 0;

        for (size_t i = 0; i < MIN(size->n, (size_t)RING_SIZE_SAMPLES); i++)
                most = MAX(most, size->percent[i]);
        return most;
}

enum ring_size_reason ring_size_sample(struct ring_size *size, size_t waited, size_t share, bool lost,
                                       size_t *ret_bytes) {
        uint8_t percent = lost ? 100 : MIN(waited * 100 / MAX(share, (size_t)1), (size_t)100);
        bool known;

        size->percent[size->n++ % RING_SIZE_SAMPLES] = percent;
        known = size->n >= RING_SIZE_MIN_SAMPLES;

        if (size->bytes < size->max && percent >= RING_SIZE_GROW_PERCENT && (known || (lost && !size->changed))) {
                *ret_bytes = size->bytes * 2;
                return lost ? RING_SIZE_LOST : RING_SIZE_FULL;
        }
        if (size->bytes > size->min && size->n >= RING_SIZE_SAMPLES && most_used(size) < RING_SIZE_SHRINK_PERCENT) {
                *ret_bytes = size->bytes / 2;
                return RING_SIZE_UNUSED;
        }
        *ret_bytes = size->bytes;
        return RING_SIZE_STAYS;
}

void ring_size_set(struct ring_size *size, size_t bytes) {
        assert(is_pow2(bytes));
        size->bytes = bytes;
        size->changed = true;
        size->n = 0;
}

const char *ring_size_reason_to_string(enum ring_size_reason reason) {
        switch (reason) {
        case RING_SIZE_STAYS: return "it is as it should be";
        case RING_SIZE_LOST: return "events were lost for want of room";
        case RING_SIZE_FULL: return "most of it was in use";
        case RING_SIZE_UNUSED: return "little of it was in use for long";
        }
        return NULL;
}

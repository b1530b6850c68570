/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "script/script-value.h"

#define MAGIC 0x70735265U
#define VERSION 1

struct item_header {
        uint16_t tag;
        uint16_t flag;
        uint32_t length;                /* with the NUL of a text */
};

static bool is_text(unsigned tag) {
        return tag < RESPONSE_PROCESSES;
}

void response_message_begin(struct strbuf *b, enum response_type type, uint64_t id) {
        const struct response_header header = {.magic = MAGIC, .version = VERSION, .type = (uint16_t)type, .id = id};

        strbuf_clear(b);
        b->limit_bytes = RESPONSE_MESSAGE_MAX;
        strbuf_put_n(b, &header, sizeof(header));
}

void response_message_put(struct strbuf *b, enum response_tag tag, uint16_t flag, const void *bytes, size_t n) {
        const struct item_header header = {
                .tag = (uint16_t)tag,
                .flag = flag,
                .length = (uint32_t)MIN(n + is_text(tag), (size_t)UINT32_MAX),
        };

        strbuf_put_n(b, &header, sizeof(header));
        if (n > 0)
                strbuf_put_n(b, bytes, n);
        if (is_text(tag))
                strbuf_put_char(b, 0);
        strbuf_put_repeat(b, 0, ALIGN_UP(b->n, (size_t)8) - b->n);
        if (b->error >= 0 && b->n > 0)
                ((struct response_header *)b->data)->n_items++;
}

void response_message_put_text(struct strbuf *b, enum response_tag tag, uint16_t flag, const char *text) {
        response_message_put(b, tag, flag, text, strlen(text));
}

void response_message_put_u64(struct strbuf *b, enum response_tag tag, uint64_t value) {
        response_message_put(b, tag, 0, &value, sizeof(value));
}

void response_message_end(struct strbuf *b) {
        struct response_header *header = (struct response_header *)b->data;

        if (b->error < 0)
                return;
        if (header->n_items > RESPONSE_MESSAGE_MAX_ITEMS)
                b->error = -E2BIG;
        header->size = (uint32_t)b->n;
}

static bool is_good(const char *bytes, const struct item_header *header) {
        if (header->tag == 0 || header->tag >= _RESPONSE_TAG_MAX)
                return false;
        if (is_text(header->tag))
                return header->length > 0 && memchr(bytes, 0, header->length) == bytes + header->length - 1;
        if (header->tag == RESPONSE_PROCESSES)
                return header->length % sizeof(struct script_process) == 0;
        return header->length == sizeof(uint64_t);
}

int response_message_open(const void *bytes, size_t n, struct response_message *ret) {
        const struct response_header *header = bytes;
        const char *start = bytes;
        size_t at = sizeof(*header);

        assert(bytes && ret && (uintptr_t)bytes % 8 == 0);

        if (n < sizeof(*header) || n > RESPONSE_MESSAGE_MAX || header->magic != MAGIC || header->version != VERSION ||
            header->size != n || header->type == 0 || header->type >= _RESPONSE_TYPE_MAX ||
            header->n_items > RESPONSE_MESSAGE_MAX_ITEMS)
                return -EBADMSG;

        for (uint32_t i = 0; i < header->n_items; i++) {
                const struct item_header *item = (const struct item_header *)(start + at);

                if (n - at < sizeof(*item) || ALIGN_UP((size_t)item->length, (size_t)8) > n - at - sizeof(*item) ||
                    !is_good(start + at + sizeof(*item), item))
                        return -EBADMSG;
                at += sizeof(*item) + ALIGN_UP((size_t)item->length, (size_t)8);
        }
        if (at != n)
                return -EBADMSG;

        *ret = (struct response_message){
                .bytes = start,
                .size = n,
                .at = sizeof(*header),
                .type = (enum response_type)header->type,
                .id = header->id,
        };
        return 0;
}

bool response_message_next(struct response_message *message, struct response_item *ret) {
        const struct item_header *item = (const struct item_header *)(message->bytes + message->at);

        if (message->at >= message->size)
                return false;
        *ret = (struct response_item){
                .tag = (enum response_tag)item->tag,
                .flag = item->flag,
                .bytes = message->bytes + message->at + sizeof(*item),
                .length = item->length - is_text(item->tag),
        };
        message->at += sizeof(*item) + ALIGN_UP((size_t)item->length, (size_t)8);
        return true;
}

uint64_t response_item_u64(const struct response_item *item) {
        uint64_t value;

        assert(item->length == sizeof(value));
        memcpy(&value, item->bytes, sizeof(value));
        return value;
}

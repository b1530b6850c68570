/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evidence.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"

/* How an IPv4 address begins as an IPv6 one: in tokens they are the same, as docs/SEMANTICS.md wants it. */
static const uint8_t evidence_mapped[12] = {[10] = 0xff, [11] = 0xff};

int evidence_init(struct evidence *evidence, size_t max_steps, size_t max_captures, size_t slab_bytes) {
        int r;

        *evidence = (struct evidence){
                .key = *siphash_process_key(),
        };

        r = stock_init(&evidence->steps, sizeof(struct evidence_step), max_steps);
        if (r >= 0)
                r = stock_init(&evidence->captures, sizeof(struct captured), max_captures);
        if (r >= 0)
                r = buddy_init(&evidence->slab, slab_bytes);
        if (r < 0)
                evidence_done(evidence);
        return r;
}

void evidence_done(struct evidence *evidence) {
        buddy_done(&evidence->slab);
        stock_done(&evidence->captures);
        stock_done(&evidence->steps);
}

int evidence_grow(struct evidence *evidence, size_t max_steps, size_t max_captures) {
        int r;

        r = stock_grow(&evidence->steps, max_steps);
        if (r < 0)
                return r;
        return stock_grow(&evidence->captures, max_captures);
}

void kept_unref(struct evidence *evidence, struct kept *kept) {
        if (!kept || --kept->refs > 0)
                return;

        process_image_unref(kept->image);
        buddy_free(&evidence->slab, kept);
}

void evidence_begin(struct evidence *evidence, const struct event *event, struct process_image *image,
                    uint64_t now_ns) {
        evidence->now_ns = now_ns;
        evidence->event = event;
        evidence->image = image;
}

void evidence_end(struct evidence *evidence) {
        kept_unref(evidence, evidence->kept);
        evidence->kept = NULL;
        evidence->event = NULL;
        evidence->image = NULL;
        evidence->refused = false;
}

/* The copy of the event being fed, made for the first who wants it. */
static struct kept *evidence_keep(struct evidence *evidence) {
        const struct wire_header *wire = evidence->event->wire;
        struct kept *kept;

        if (evidence->kept) {
                evidence->kept->refs++;
                return evidence->kept;
        }
        if (!evidence->refused) {
                kept = buddy_alloc(&evidence->slab, sizeof(*kept) + wire->size);
                if (kept) {
                        kept->refs = 2;         /* the step's, and ours until the event is over */
                        kept->record_bytes = wire->size;
                        kept->image = process_image_ref(evidence->image);
                        memcpy(kept->record, wire, wire->size);
                        evidence->kept = kept;
                        return kept;
                }
                evidence->refused = true;
        }

        evidence->n_refused++;
        return NULL;
}

struct kept *evidence_keep_again(struct evidence *evidence, const void *record, uint32_t n_bytes,
                                 struct process_image *image) {
        struct kept *kept = buddy_alloc(&evidence->slab, sizeof(*kept) + n_bytes);

        if (!kept) {
                evidence->n_refused++;
                process_image_unref(image);
                return NULL;
        }
        kept->refs = 1;
        kept->record_bytes = n_bytes;
        kept->image = image;
        memcpy(kept->record, record, n_bytes);
        return kept;
}

uint32_t evidence_push(struct evidence *evidence, uint32_t previous, uint8_t position, uint16_t local, bool loop,
                       bool live) {
        const struct event *event = evidence->event;
        uint32_t number = stock_take(&evidence->steps);

        assert(number != STOCK_NONE);
        *evidence_step(evidence, number) = (struct evidence_step){
                .previous = previous,
                .refs = 1,
                .kept = live ? NULL : evidence_keep(evidence),
                .number = event->number,
                .first_ns = event->time_ns,
                .last_ns = event->time_ns,
                .taken_ns = evidence->now_ns,
                .actor = event_actor(event),
                .captures = EVIDENCE_NONE,
                .count = 1,
                .local = local,
                .position = position,
                .done = (previous == EVIDENCE_NONE ? 0 : evidence_step(evidence, previous)->done) + !loop,
                .loop = loop,
                .live = live,
        };
        return number;
}

uint32_t evidence_push_absent(struct evidence *evidence, uint32_t previous, uint8_t position, uint64_t time_ns) {
        const struct evidence_step *before = evidence_step(evidence, evidence_newest(evidence, previous));
        uint32_t number = stock_take(&evidence->steps);

        assert(number != STOCK_NONE);
        *evidence_step(evidence, number) = (struct evidence_step){
                .previous = previous,
                .refs = 1,
                .kept = before->kept,
                .number = before->number,
                .first_ns = time_ns,
                .last_ns = time_ns,
                .taken_ns = time_ns,
                .actor = before->actor,
                .captures = EVIDENCE_NONE,
                .count = 1,
                .position = position,
                .done = evidence_step(evidence, previous)->done + 1,
                .absent = true,
        };
        if (before->kept)
                before->kept->refs++;
        return number;
}

void evidence_drop_captures(struct evidence *evidence, uint32_t number) {
        while (number != EVIDENCE_NONE) {
                struct captured *capture = evidence_capture(evidence, number);
                uint32_t next = capture->next;

                buddy_free(&evidence->slab, capture->own);
                stock_give(&evidence->captures, number);
                number = next;
        }
}

void evidence_unref(struct evidence *evidence, uint32_t number) {
        while (number != EVIDENCE_NONE) {
                struct evidence_step *step = evidence_step(evidence, number);
                uint32_t previous = step->previous;

                assert(step->refs > 0);
                if (--step->refs > 0)
                        return;

                evidence_drop_captures(evidence, step->captures);
                kept_unref(evidence, step->kept);
                stock_give(&evidence->steps, number);
                number = previous;
        }
}

uint32_t evidence_cut(struct evidence *evidence, uint32_t number, unsigned done) {
        uint32_t rest = number;

        while (rest != EVIDENCE_NONE && evidence_step(evidence, rest)->done > done)
                rest = evidence_step(evidence, rest)->previous;

        evidence_ref(evidence, rest);
        evidence_unref(evidence, number);
        return rest;
}

static uint32_t *evidence_add_capture(struct evidence *evidence, uint32_t *end, const struct captured *capture) {
        uint32_t number = stock_take(&evidence->captures);

        assert(number != STOCK_NONE);
        *evidence_capture(evidence, number) = *capture;
        *end = number;
        return &evidence_capture(evidence, number)->next;
}

/* A step that nobody else refers to, instead of this reference to one. */
static uint32_t evidence_own(struct evidence *evidence, uint32_t number) {
        struct evidence_step *old = evidence_step(evidence, number), *new;
        uint32_t copy, *end;

        if (old->refs == 1)
                return number;

        copy = stock_take(&evidence->steps);
        assert(copy != STOCK_NONE);
        new = evidence_step(evidence, copy);
        *new = *old;
        new->refs = 1;
        evidence_ref(evidence, new->previous);
        if (new->kept)
                new->kept->refs++;

        end = &new->captures;
        for (uint32_t c = old->captures; c != EVIDENCE_NONE; c = evidence_capture(evidence, c)->next) {
                struct captured capture = *evidence_capture(evidence, c);

                if (capture.own) {
                        capture.own = buddy_alloc(&evidence->slab, capture.length + 1);
                        if (capture.own)
                                memcpy(capture.own, capture.bytes, capture.length + 1);
                        capture.bytes = capture.own;
                }
                end = evidence_add_capture(evidence, end, &capture);
        }
        *end = EVIDENCE_NONE;

        old->refs--;
        return copy;
}

uint32_t evidence_count(struct evidence *evidence, uint32_t head, uint32_t same) {
        bool found = head == same;
        struct evidence_step *step;

        head = evidence_own(evidence, head);
        step = evidence_step(evidence, head);
        if (found) {
                step->last_ns = evidence->event->time_ns;
                step->count += step->count < UINT32_MAX;
        } else
                step->previous =
                        evidence_count(evidence, step->previous, same); /* as deep as repetitions at one place */
        return head;
}

void evidence_bind(struct evidence *evidence, uint32_t number, uint16_t slot, const struct value *value,
                   const struct token *token) {
        struct evidence_step *step = evidence_step(evidence, number);
        const char *record = (const char *)evidence->event->wire;
        struct captured capture = {
                .token = *token,
                .next = step->captures,
                .slot = slot,
                .type = value->type,
                .user = value->user,
                .stable = value->stable,
        };

        if (value->type == VALUE_STRING || value->type == VALUE_LIST) {
                capture.length = value->length;
                if (step->live)
                        capture.bytes = value->bytes;
                else if (value->bytes >= record && value->bytes <= record + evidence->event->wire->size) {
                        if (step->kept)
                                capture.bytes = (const char *)step->kept->record + (value->bytes - record);
                } else {
                        capture.own = buddy_alloc(&evidence->slab, value->length + 1);
                        if (capture.own) {
                                memcpy(capture.own, value->bytes, value->length);
                                capture.own[value->length] = 0;
                        } else
                                evidence->n_refused++;
                        capture.bytes = capture.own;
                }
        }

        (void)evidence_add_capture(evidence, &step->captures, &capture);
}

const struct captured *evidence_find(const struct evidence *evidence, uint32_t number, uint16_t slot) {
        for (; number != EVIDENCE_NONE; number = evidence_step(evidence, number)->previous)
                for (uint32_t c = evidence_step(evidence, number)->captures; c != EVIDENCE_NONE;) {
                        const struct captured *capture = evidence_capture(evidence, c);

                        if (capture->slot == slot)
                                return capture;
                        c = capture->next;
                }
        return NULL;
}

void evidence_value(const struct captured *capture, struct value *ret) {
        *ret = (struct value){
                .type = capture->type,
                .state = VALUE_KNOWN,
                .user = capture->user,
                .stable = capture->stable,
        };

        switch ((enum value_type)capture->type) {
        case VALUE_NUMBER:
                ret->number = (int64_t)capture->token.low;
                return;
        case VALUE_STRING:
        case VALUE_LIST:
                ret->bytes = capture->bytes;
                ret->length = capture->bytes ? capture->length : 0;
                ret->state = capture->bytes ? VALUE_KNOWN : VALUE_UNKNOWN;
                return;
        case VALUE_OBJECT:
                ret->object = (struct wire_object){
                        .device = (uint32_t)capture->token.high,
                        .generation = (uint32_t)(capture->token.high >> 32),
                        .inode = capture->token.low,
                };
                return;
        case VALUE_ADDRESS:
                memcpy(ret->address.bytes, &capture->token, sizeof(ret->address.bytes));
                ret->address.family = AF_INET6;
                if (memcmp(ret->address.bytes, evidence_mapped, sizeof(evidence_mapped)) == 0) {
                        memmove(ret->address.bytes, ret->address.bytes + sizeof(evidence_mapped), 4);
                        memset(ret->address.bytes + 4, 0, 12);
                        ret->address.family = AF_INET;
                }
                return;
        case VALUE_IDENTITY:
                ret->identity = (struct identity){.start_ns = capture->token.low, .pid = (uint32_t)capture->token.high};
                return;
        case _VALUE_TYPE_MAX:
                break;
        }
        ret->state = VALUE_UNKNOWN;
}

struct token evidence_token(const struct evidence *evidence, const struct value *value) {
        struct token token = {};
        struct siphash128 hash;

        switch ((enum value_type)value->type) {
        case VALUE_NUMBER:
                token.low = (uint64_t)value->number;
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                hash = siphash128(value->bytes, value->length, &evidence->key);
                token = (struct token){hash.low, hash.high};
                break;
        case VALUE_OBJECT:
                token.low = value->object.inode;
                token.high = (uint64_t)value->object.generation << 32 | value->object.device;
                break;
        case VALUE_ADDRESS: {
                uint8_t bytes[16];

                if (value->address.family == AF_INET) {
                        memcpy(bytes, evidence_mapped, sizeof(evidence_mapped));
                        memcpy(bytes + sizeof(evidence_mapped), value->address.bytes, 4);
                } else
                        memcpy(bytes, value->address.bytes, sizeof(bytes));
                memcpy(&token, bytes, sizeof(token));
                break;
        }
        case VALUE_IDENTITY:
                token.low = value->identity.start_ns;
                token.high = value->identity.pid;
                break;
        case _VALUE_TYPE_MAX:
                break;
        }
        return token;
}

struct token evidence_weight(const struct evidence *evidence, uint16_t slot, uint8_t type, const struct token *token) {
        const uint64_t words[] = {token->low, token->high, (uint64_t)slot << 8 | type};
        struct siphash128 hash = siphash128(words, sizeof(words), &evidence->key);

        return (struct token){hash.low, hash.high};
}

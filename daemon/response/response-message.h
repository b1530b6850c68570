/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response message - how the daemon and the process that runs scripts speak: one packet of a SEQPACKET socket is one
 * message, a header and items with a tag, in the byte order of the machine.
 *
 *      | header | tag flag length | bytes ... pad to 8 | tag flag length | ...
 *
 * Each side takes the other's packets for what they are, bytes: response_message_open() checks all of one before
 * anything in it is looked at, and afterwards response_message_next() cannot fail. Texts hold no NUL and end in one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

#define RESPONSE_MESSAGE_MAX (256U << 10)       /* bytes of a packet */
#define RESPONSE_MESSAGE_MAX_ITEMS 512

enum response_type {
        RESPONSE_SETUP = 1,             /* to: configuration; the first */
        RESPONSE_ALERT,                 /* to: an alert, and who is to respond */
        RESPONSE_READY,                 /* from: scripts are loaded */
        RESPONSE_REFUSED,               /* from: they are wrong */
        RESPONSE_ANSWER,                /* from: all that was asked for, of the alert of this id */
        RESPONSE_ACTION,                /* from: something was done, or not */
        RESPONSE_NOTICE,                /* from: a sentence for the log */
        RESPONSE_LIST,                  /* from: a runtime list has changed; without a NAME: read them again */
        RESPONSE_STORM,                 /* both ways: the policies NAME are disarmed by a storm; flag 1: armed again */
        _RESPONSE_TYPE_MAX
};

enum response_tag {
        /* texts */
        RESPONSE_CONFIG = 1, /* of SETUP: YAML */
        RESPONSE_PLACE, /* of SETUP: a directory of scripts */
        RESPONSE_RESPONDER, /* of ALERT: "kill $shell" */
        RESPONSE_POLICY, /* of ALERT and ACTION */
        RESPONSE_JSON, /* of ALERT */
        RESPONSE_TEXT, /* of READY, REFUSED, NOTICE: for people; of ACTION: what came of it */
        RESPONSE_NAME, /* of READY: a function that there is; of LIST: which; its TEXT is the value; of STORM: a policy
                        */
        RESPONSE_FIELD_NAME, /* of ANSWER: then comes its VALUE */
        RESPONSE_FIELD_VALUE,
        RESPONSE_WHO, /* of ANSWER: then come WHAT and RESULT of an action, or an ERROR */
        RESPONSE_WHAT, /* flag: enum script_action_state; of ACTION, too: of ACTION_OUTCOME */
        RESPONSE_RESULT,
        RESPONSE_ERROR,
        RESPONSE_LINE,
        RESPONSE_SEVERITY,
        RESPONSE_SUPPRESSED,

        /* bytes */
        RESPONSE_PROCESSES, /* of ALERT: struct script_process, each */
        RESPONSE_NUMBER, /* u64: of ALERT, ACTION: the alert's; of SETUP: our process; of ANSWER: left out; of LIST:
                            until when, 0: taken out */
        RESPONSE_GENERATION, /* u64 */
        RESPONSE_STEP, /* u64: of ALERT, ACTION: no alert, but this step of a story; left out: an alert */
        _RESPONSE_TAG_MAX
};

struct response_header {
        uint32_t magic;
        uint16_t version;
        uint16_t type;
        uint64_t id;
        uint32_t size;                  /* of all of it */
        uint32_t n_items;
};

struct response_item {
        enum response_tag tag;
        uint16_t flag;
        const char *bytes;              /* borrowed from the packet; of a text, with its NUL */
        size_t length;                  /* without it */
};

struct response_message {
        const char *bytes;              /* borrowed */
        size_t size, at;
        enum response_type type;
        uint64_t id;
};

/* Write one; look at b->error at the end. */
void response_message_begin(struct strbuf *b, enum response_type type, uint64_t id);
void response_message_put(struct strbuf *b, enum response_tag tag, uint16_t flag, const void *bytes, size_t n);
void response_message_put_text(struct strbuf *b, enum response_tag tag, uint16_t flag, const char *text);
void response_message_put_u64(struct strbuf *b, enum response_tag tag, uint64_t value);
void response_message_end(struct strbuf *b);

/* -EBADMSG if it is none. `bytes` is aligned to 8 and stays. */
int response_message_open(const void *bytes, size_t n, struct response_message *ret);
bool response_message_next(struct response_message *message, struct response_item *ret);

/* The number that an item of 8 bytes holds. */
uint64_t response_item_u64(const struct response_item *item);

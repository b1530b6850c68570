/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"

#define MAGIC 0x6b657078U               /* of the messages; another if their form changes */
#define ITEMS_OF_MESSAGE 250            /* the kernel: 253 */

struct message_item {
        uint16_t what, index;
};

/* In front of each message; behind it the items, and in the first one the head. */
struct message {
        uint32_t magic;
        uint32_t n_items;
        uint64_t number;
        uint32_t part, n_parts;
        uint32_t head_size;
        uint32_t pad;
        struct message_item items[ITEMS_OF_MESSAGE];
};

struct bequest *bequest_free(struct bequest *kept) {
        if (!kept)
                return NULL;
        for (size_t i = 0; i < kept->n; i++)
                close_fd(kept->items[i].fd);
        free(kept);
        return NULL;
}
DEFINE_CLEANUP(struct bequest *, bequest_free)

int bequest_take_fd(struct bequest *kept, uint16_t what, uint16_t index) {
        for (size_t i = 0; i < kept->n; i++)
                if (kept->items[i].what == what && kept->items[i].index == index)
                        return TAKE_FD(kept->items[i].fd);
        return -1;
}

/* One message: head, items, and the bytes of the caller. */
static int put_message(int send_fd, struct message *message, const void *head, const struct keep_item *items) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * ITEMS_OF_MESSAGE)];
        } control = {};
        struct iovec parts[] = {
                {message, offsetof(struct message, items) + message->n_items * sizeof(struct message_item)},
                {(void *)head, message->head_size},
        };
        struct msghdr header = {.msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts)};
        int fds[ITEMS_OF_MESSAGE];

        for (uint32_t i = 0; i < message->n_items; i++) {
                message->items[i] = (struct message_item){items[i].what, items[i].index};
                fds[i] = items[i].fd;
        }
        if (message->n_items > 0) {
                struct cmsghdr *c;

                header.msg_control = control.bytes;
                header.msg_controllen = CMSG_SPACE(sizeof(int) * message->n_items);
                c = CMSG_FIRSTHDR(&header);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int) * message->n_items);
                memcpy(CMSG_DATA(c), fds, sizeof(int) * message->n_items);
        }
        return sendmsg(send_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int keep_put(int send_fd, uint64_t number, const void *head, size_t head_size, const struct keep_item *items,
             size_t n) {
        uint32_t n_parts = MAX((n + ITEMS_OF_MESSAGE - 1) / ITEMS_OF_MESSAGE, (size_t)1);

        if (head_size > KEEP_MAX_HEAD || n > KEEP_MAX_ITEMS)
                return -E2BIG;
        for (uint32_t part = 0; part < n_parts; part++) {
                size_t first = (size_t)part * ITEMS_OF_MESSAGE;
                struct message message = {
                        .magic = MAGIC,
                        .n_items = MIN(n - first, (size_t)ITEMS_OF_MESSAGE),
                        .number = number,
                        .part = part,
                        .n_parts = n_parts,
                        .head_size = part == 0 ? head_size : 0,
                };
                int r = put_message(send_fd, &message, head, items + first);

                if (r < 0)
                        return r;
        }
        return (int)n_parts;
}

struct incoming {
        struct message message;
        uint8_t rest[KEEP_MAX_HEAD];    /* the items are not all there, and the head comes behind them */
        int fds[ITEMS_OF_MESSAGE + 3];
        size_t n_fds;
};

/* -ENODATA: the queue is empty; -EBADMSG: it is none of ours. Its descriptors are there in either case. */
static int take_message(int queue_fd, struct incoming *ret) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * (ITEMS_OF_MESSAGE + 3))];
        } control;
        struct iovec part = {&ret->message, sizeof(ret->message) + sizeof(ret->rest)};
        struct msghdr header = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
        struct message *message = &ret->message;
        size_t size;
        ssize_t n;

        _Static_assert(offsetof(struct incoming, rest) == sizeof(struct message), "one buffer");
        ret->n_fds = 0;
        n = recvmsg(queue_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n <= 0)
                return n == 0 || errno == EAGAIN ? -ENODATA : -errno;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
                size_t n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                memcpy(ret->fds, CMSG_DATA(c), n_fds * sizeof(int));
                ret->n_fds = n_fds;
        }
        if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || (size_t)n < offsetof(struct message, items) ||
            message->magic != MAGIC || message->n_items > ITEMS_OF_MESSAGE || message->n_items != ret->n_fds ||
            message->head_size > KEEP_MAX_HEAD || message->part >= message->n_parts ||
            message->n_parts > KEEP_MAX_ITEMS / ITEMS_OF_MESSAGE + 1)
                return -EBADMSG;
        size = offsetof(struct message, items) + message->n_items * sizeof(struct message_item) + message->head_size;
        return (size_t)n == size ? 0 : -EBADMSG;
}

static void drop_items(struct bequest *kept) {
        for (size_t i = 0; i < kept->n; i++)
                close_fd(kept->items[i].fd);
        kept->n = 0;
        kept->head_size = 0;
}

/* Append a part; the first begins anew. False: it does not belong there. */
static bool add_part(struct bequest *kept, struct incoming *in, uint32_t *next_part) {
        const struct message *message = &in->message;

        if (message->part == 0) {
                drop_items(kept);
                kept->number = message->number;
                kept->head_size = message->head_size;
                memcpy(kept->head, (const uint8_t *)(message->items + message->n_items), message->head_size);
        } else if (message->number != kept->number || message->part != *next_part)
                return false;
        if (kept->n + message->n_items > KEEP_MAX_ITEMS)
                return false;
        for (uint32_t i = 0; i < message->n_items; i++)
                kept->items[kept->n++] = (struct keep_item){
                        .what = message->items[i].what, .index = message->items[i].index, .fd = in->fds[i]};
        in->n_fds = 0;
        *next_part = message->part + 1;
        return true;
}

static void close_incoming(struct incoming *in) {
        for (size_t i = 0; i < in->n_fds; i++)
                close(in->fds[i]);
        in->n_fds = 0;
}

int keep_take(int queue_fd, struct bequest **ret) {
        _cleanup_(bequest_freep) struct bequest *kept = calloc(1, sizeof(*kept)), *whole = NULL;
        _cleanup_(freep) struct incoming *in = calloc(1, sizeof(*in));
        uint32_t next_part = 0;
        int r;

        if (!kept || !in)
                return -ENOMEM;
        for (;;) {
                r = take_message(queue_fd, in);
                if (r < 0 && r != -EBADMSG)
                        break;
                if (r < 0 || !add_part(kept, in, &next_part)) {
                        close_incoming(in);
                        drop_items(kept);
                        kept->number = next_part = 0;
                        continue;
                }
                if (next_part < in->message.n_parts)
                        continue;
                bequest_free(whole);
                whole = kept;
                kept = calloc(1, sizeof(*kept));
                next_part = 0;
                if (!kept)
                        return -ENOMEM;
        }
        if (!whole)
                return r == -ENODATA ? -ENODATA : r;
        *ret = TAKE_PTR(whole);
        return 0;
}

void keep_drop(int queue_fd, size_t n) {
        char byte;

        /* Without room for them the kernel drops the descriptors. An error of the socket is the end as well. */
        for (size_t i = 0; i < n; i++)
                if (recv(queue_fd, &byte, sizeof(byte), MSG_DONTWAIT) <= 0)
                        return;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keep - descriptors that outlive their process: what is under way in a queue, a pair of sockets of which somebody else
 * has one end, too.
 *
 * A publication is some bytes and many descriptors, each with what it is. It takes several messages, for the kernel
 * takes 253 descriptors in one. Who comes later takes the last that is complete. Whoever owned the descriptors may
 * empty the queue at any time: then they are his alone again.
 *
 * What is in the queue was written by an execrayd, but perhaps by another version of it: every length is checked here,
 * what the bytes say is the caller's business. */

#include <stddef.h>
#include <stdint.h>

#define KEEP_MAX_HEAD 4096              /* bytes */
#define KEEP_MAX_ITEMS 1024

struct keep_item {
        uint16_t what, index;           /* the caller's */
        int fd;
};

struct bequest {
        struct keep_item items[KEEP_MAX_ITEMS];         /* owned descriptors; -1: taken out */
        size_t n;
        uint8_t head[KEEP_MAX_HEAD];
        size_t head_size;
        uint64_t number;
};

/* Put one into the queue, behind what is there. `number` is higher than any before. Does not wait: -EAGAIN if there is
 * no room. Returns how many messages it took. */
int keep_put(int send_fd, uint64_t number, const void *head, size_t head_size, const struct keep_item *items, size_t n);

/* Take everything out of the queue: the last publication that is complete is written to *ret, others are closed.
 * -ENODATA: there is none; -ENOMEM. */
int keep_take(int queue_fd, struct bequest **ret);
struct bequest *bequest_free(struct bequest *kept);

/* Take n messages out, and drop them; SIZE_MAX: all. No descriptor is opened here, and none closed for the last time as
 * long as their owner has them. */
void keep_drop(int queue_fd, size_t n);

/* The descriptor of an item, which is the caller's then; -1 if there is none. */
int bequest_take_fd(struct bequest *kept, uint16_t what, uint16_t index);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ring - a small ring of io_uring for actions of the lab, without its library. What cannot be ends the process: 77
 * where there is no io_uring, 10 to 13 where something is wrong. */

#include <linux/io_uring.h>
#include <stdint.h>

#ifndef IOSQE_CQE_SKIP_SUCCESS
#define IOSQE_CQE_SKIP_SUCCESS (1U << 6)
#endif

struct ring {
        int fd;
        struct io_uring_params params;
        char *queue, *completions;
        struct io_uring_sqe *entries;
};

/* For one operation at a time; lives as long as the process. */
void ring_make(struct ring *ring);

/* Hand it over, and do not wait; completions that are there are forgotten. */
void ring_submit(struct ring *ring, struct io_uring_sqe operation);

/* Hand it over, and wait for its completion unless it asks for none (then 0). The result. */
int ring_do(struct ring *ring, struct io_uring_sqe operation);

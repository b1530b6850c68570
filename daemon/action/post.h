/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Post - send one body to one address by HTTP, and wait for the answer. For a process that may wait: a child made for
 * it, which gives up its rights first.
 *
 * libcurl is loaded there and only then: nobody else has it in memory. http and https alone; certificates are checked;
 * a redirect is an answer, and is not followed. */

#include <stdbool.h>
#include <stddef.h>

#define POST_TEXT_MAX 160

struct post_request {
        const char *url, *type, *body;  /* borrowed */
        size_t body_length;
        long timeout_ms;                /* of all; half of it to connect */
};

struct post_answer {
        bool done;                      /* the other side took it (2xx) */
        bool again;                     /* it may take it later */
        char text[POST_TEXT_MAX];       /* what it said: "200", "Could not resolve host" */
};

/* Close all but this descriptor and standard output and error, become nobody, without capabilities, and bounded in
 * time. As far as that can be done. */
void post_become_small(int *fd);

void post_send(const struct post_request *request, struct post_answer *ret);

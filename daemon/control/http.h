/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Http - a very small reader's door: GET on a unix socket or on loopback, one answer, and the connection is closed. No
 * more of the protocol than a scraper needs. It sits on the loop at the ring's priority; who is slow is cut off after
 * HTTP_PATIENCE_NS, and there is room for HTTP_MAX_CLIENTS. */

#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/cleanup.h"

struct http;
struct strbuf;

#define HTTP_MAX_CLIENTS 8
#define HTTP_MAX_REQUEST 4096           /* bytes */
#define HTTP_PATIENCE_NS (10 * NSEC_PER_SEC)

/* Fill in the body. Returns the status (200, 404, 503, ...), *ret_type is the type of the content. */
typedef unsigned (*http_answer)(const char *path, struct strbuf *body, const char **ret_type, void *userdata);

struct http_stats {
        uint64_t n_requests, n_refused;
};

/* On `socket`, for its owner and group (mode 0660), or, if that is NULL, on 127.0.0.1 and `port`; 0: any, for tests.
 * -EADDRINUSE and what else bind() says. */
int http_new(sd_event *loop, const char *socket, uint16_t port, http_answer on_request, void *userdata,
             struct http **ret);
struct http *http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)

uint16_t http_port(const struct http *http);
void http_stats(const struct http *http, struct http_stats *ret);

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/http.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/strbuf.h"

#define PRIORITY SD_EVENT_PRIORITY_IDLE

struct client {
        struct http *http;
        int fd;                         /* owned; -1: free */
        sd_event_source *io, *late;     /* owned */
        char request[HTTP_MAX_REQUEST];
        size_t n_request, n_sent;
        struct strbuf answer;           /* empty while the request is read */
};

struct http {
        sd_event *loop;                 /* borrowed */
        http_answer answer;
        void *userdata;
        int listener;                   /* owned */
        sd_event_source *accept;        /* owned */
        char socket[108];
        struct client clients[HTTP_MAX_CLIENTS];
        struct http_stats stats;
};

static void client_close(struct client *client) {
        client->io = sd_event_source_disable_unref(client->io);
        client->late = sd_event_source_disable_unref(client->late);
        client->fd = close_fd(client->fd);
        strbuf_done(&client->answer);
        client->n_request = client->n_sent = 0;
}

static const char *status_text(unsigned status) {
        switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 431: return "Request Header Fields Too Large";
        case 503: return "Service Unavailable";
        default: return "Error";
        }
}

/* The request line; what comes behind it is of no interest. */
static unsigned answer(struct client *client, struct strbuf *body, const char **type) {
        char *path, *end;

        client->request[strcspn(client->request, "\r\n")] = 0;
        if (!startswith(client->request, "GET "))
                return startswith(client->request, "HEAD ") || startswith(client->request, "POST ") ? 405 : 400;
        path = client->request + 4;
        end = strchr(path, ' ');
        if (!end || !startswith(end, " HTTP/1."))
                return 400;
        *end = 0;
        path[strcspn(path, "?")] = 0;
        return client->http->answer(path, body, type, client->http->userdata);
}

static void client_answer(struct client *client, unsigned status) {
        _cleanup_(strbuf_done) struct strbuf body = {};
        const char *type = "text/plain; charset=utf-8";

        if (status == 0)
                status = answer(client, &body, &type);
        if (body.error < 0) {
                strbuf_done(&body);
                status = 503;
        }
        if (status == 200 || status == 503)
                client->http->stats.n_requests++;
        else
                client->http->stats.n_refused++;
        if (body.n == 0)
                strbuf_printf(&body, "%u %s\n", status, status_text(status));
        strbuf_printf(&client->answer,
                      "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
                      status_text(status), type, body.n);
        strbuf_put_n(&client->answer, body.data, body.n);
}

/* False: it is over. */
static bool client_read(struct client *client) {
        ssize_t n = recv(client->fd, client->request + client->n_request,
                         sizeof(client->request) - 1 - client->n_request, 0);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        if (n == 0)
                return false;
        client->n_request += (size_t)n;
        client->request[client->n_request] = 0;
        if (strstr(client->request, "\r\n\r\n") || strstr(client->request, "\n\n"))
                client_answer(client, 0);
        else if (client->n_request == sizeof(client->request) - 1)
                client_answer(client, 431);
        else
                return true;
        return client->answer.error >= 0 && sd_event_source_set_io_events(client->io, EPOLLOUT) >= 0;
}

static bool client_write(struct client *client) {
        ssize_t n = send(client->fd, client->answer.data + client->n_sent, client->answer.n - client->n_sent,
                         MSG_NOSIGNAL);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        client->n_sent += (size_t)n;
        return client->n_sent < client->answer.n;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct client *client = userdata;

        if (!(client->answer.n > 0 ? client_write(client) : client_read(client)))
                client_close(client);
        return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        struct client *client = userdata;

        client->http->stats.n_refused++;
        client_close(client);
        return 0;
}

static int client_open(struct client *client) {
        sd_event *loop = client->http->loop;
        int r;

        r = sd_event_add_io(loop, &client->io, client->fd, EPOLLIN, on_client, client);
        if (r >= 0)
                r = sd_event_source_set_priority(client->io, PRIORITY);
        if (r >= 0)
                r = sd_event_add_time_relative(loop, &client->late, CLOCK_BOOTTIME, HTTP_PATIENCE_NS / NSEC_PER_USEC, 0,
                                               on_late, client);
        return r;
}

static int on_connection(sd_event_source *source, int listener, uint32_t events, void *userdata) {
        struct http *http = userdata;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return 0;
        for (size_t i = 0; i < HTTP_MAX_CLIENTS; i++) {
                struct client *client = http->clients + i;

                if (client->fd >= 0)
                        continue;
                client->fd = fd;
                if (client_open(client) < 0)
                        client_close(client);
                return 0;
        }
        http->stats.n_refused++;
        close_fd(fd);
        return 0;
}

static int listen_on_socket(struct http *http, const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct stat st;
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        http->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (http->listener < 0)
                return -errno;
        if (lstat(path, &st) >= 0) {
                if (!S_ISSOCK(st.st_mode))
                        return -EEXIST;
                if (connect(http->listener, (struct sockaddr *)&address, sizeof(address)) >= 0 || errno != ECONNREFUSED)
                        return -EADDRINUSE;
                if (unlink(path) < 0)
                        return -errno;
        }
        mask = umask(0117);
        r = bind(http->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        umask(mask);
        if (r >= 0)
                strcpy(http->socket, path);
        return r;
}

static int listen_on_loopback(struct http *http, uint16_t port) {
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(port),
                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
        };
        int one = 1;

        http->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (http->listener < 0)
                return -errno;
        (void)setsockopt(http->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        return bind(http->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int http_new(sd_event *loop, const char *socket, uint16_t port, http_answer on_request, void *userdata,
             struct http **ret) {
        _cleanup_(http_freep) struct http *http = NULL;
        int r;

        assert(loop && on_request && ret);

        http = calloc(1, sizeof(*http));
        if (!http)
                return -ENOMEM;
        http->loop = loop;
        http->answer = on_request;
        http->userdata = userdata;
        http->listener = -1;
        for (size_t i = 0; i < HTTP_MAX_CLIENTS; i++)
                http->clients[i] = (struct client){.http = http, .fd = -1};

        r = socket ? listen_on_socket(http, socket) : listen_on_loopback(http, port);
        if (r >= 0 && listen(http->listener, HTTP_MAX_CLIENTS) < 0)
                r = -errno;
        if (r >= 0)
                r = sd_event_add_io(loop, &http->accept, http->listener, EPOLLIN, on_connection, http);
        if (r >= 0)
                r = sd_event_source_set_priority(http->accept, PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_description(http->accept, "http");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(http);
        return 0;
}

struct http *http_free(struct http *http) {
        if (!http)
                return NULL;
        for (size_t i = 0; i < HTTP_MAX_CLIENTS; i++)
                client_close(http->clients + i);
        sd_event_source_disable_unref(http->accept);
        close_fd(http->listener);
        if (http->socket[0])
                (void)unlink(http->socket);
        free(http);
        return NULL;
}

uint16_t http_port(const struct http *http) {
        struct sockaddr_in address = {};
        socklen_t n = sizeof(address);

        return getsockname(http->listener, (struct sockaddr *)&address, &n) >= 0 && address.sin_family == AF_INET
                     ? ntohs(address.sin_port)
                     : 0;
}

void http_stats(const struct http *http, struct http_stats *ret) {
        *ret = http->stats;
}

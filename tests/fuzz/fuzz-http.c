/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what a client of the metrics sends, in pieces whose size the first byte says: the connection ends, with
 * nothing, or with one answer that is well-formed; and whoever comes next is served. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/strbuf.h"
#include "control/http.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static sd_event *loop;
static struct http *http;
static char path[108]; /* as long as an address may be */

static unsigned answer(const char *asked, struct strbuf *body, const char **ret_type, void *userdata) {
        assert(strlen(asked) < HTTP_MAX_REQUEST && !strpbrk(asked, " ?\r\n"));
        if (!streq(asked, "/metrics"))
                return 404;
        *ret_type = "text/plain";
        strbuf_put(body, "a 1\n");
        return 200;
}

static void begin(void) {
        snprintf(path, sizeof(path), "%.100s", scratch_path("http"));
        assert(sd_event_new(&loop) >= 0);
        assert(http_new(loop, path, 0, answer, NULL, &http) == 0);
}

static void run(void) {
        while (sd_event_run(loop, 0) > 0)
                ;
}

static int ask(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        run();
        return fd;
}

/* What it answers, until it ends the connection; the status, 0 for no answer. */
static unsigned long hear(int fd) {
        static char text[65536];
        size_t n = 0, length;
        unsigned long status;
        char *body, *said;
        ssize_t k;

        run();
        while ((k = recv(fd, text + n, sizeof(text) - 1 - n, MSG_DONTWAIT)) > 0)
                n += (size_t)k;
        assert(k == 0 || errno == ECONNRESET);  /* over, in any case */
        close(fd);
        run();
        text[n] = 0;
        if (n == 0)
                return 0;

        assert(strncmp(text, "HTTP/1.1 ", 9) == 0);
        status = strtoul(text + 9, NULL, 10);
        assert(status == 200 || status == 400 || status == 404 || status == 405 || status == 431);
        said = strstr(text, "\r\nContent-Length: ");
        body = strstr(text, "\r\n\r\n");
        assert(said && body && said < body);
        length = strtoul(said + strlen("\r\nContent-Length: "), NULL, 10);
        assert(length > 0 && body + 4 + length == text + n);
        return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const char good[] = "GET /metrics HTTP/1.1\r\n\r\n";
        struct http_stats before, after;
        unsigned long status;
        size_t piece;
        int fd;

        if (!http)
                begin();
        if (n == 0)
                return 0;
        piece = data[0] > 0 ? data[0] * 4U : SIZE_MAX;

        http_stats(http, &before);
        fd = ask();
        for (size_t at = 1; at < n; at += MIN(piece, n - at)) {
                if (send(fd, data + at, MIN(piece, n - at), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                        break;
                run();
        }
        (void)shutdown(fd, SHUT_WR);
        status = hear(fd);
        http_stats(http, &after);
        assert(after.n_requests + after.n_refused - before.n_requests - before.n_refused <= 1);
        assert(status == 0 ||
               (status == 200 ? after.n_requests > before.n_requests : after.n_refused > before.n_refused));

        fd = ask();
        assert(send(fd, good, strlen(good), MSG_NOSIGNAL) == (ssize_t)strlen(good));
        assert(hear(fd) == 200);
        return 0;
}

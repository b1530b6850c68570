/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what a client of the control socket sends, in pieces whose size the first byte says: after the greeting,
 * as messages, or in its place. At most its own connection ends; whoever comes next is answered, no call is left
 * waiting for one who has gone, and what it asked for is what was done. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "control/control.h"
#include "metrics/metrics.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static sd_event *loop;
static struct control *control;
static struct metrics registry;
static char path[108]; /* as long as an address may be */
static uint64_t n_reloads;

static uint64_t on_reload(const struct control_caller *caller, void *userdata) {
        assert(caller->uid == geteuid() && caller->pid == getpid() && streq(caller->way, "socket"));
        return ++n_reloads;
}

static uint64_t on_reloading(void *userdata) {
        return n_reloads;
}

static void on_reloaded(struct control_reloaded *ret, void *userdata) {
        *ret = (struct control_reloaded){.number = n_reloads & ~UINT64_C(1), .generation = 1, .text = "a\n"};
}

static int on_snapshot(const struct control_caller *caller, struct strbuf *why, void *userdata) {
        return 0;                       /* it is never whole */
}

static void on_state(struct control_state *ret, void *userdata) {
        *ret = (struct control_state){.health = "healthy"};
}

static const char *on_status(struct strbuf *text, struct strbuf *json, void *userdata) {
        strbuf_put(text, "words");
        strbuf_put(json, "{}");
        return "healthy";
}

static void on_policies(void (*on_policy)(const struct control_policy *policy, void *data), void *data,
                        void *userdata) {
        const struct control_policy policy = {"high", "a\xff", "/p", 2, 2, 5, 6};

        on_policy(&policy, data);
}

static void on_stories(size_t max, void (*on_story)(const struct control_story *story, void *data), void *data,
                       void *userdata) {
        assert(max > 0);
}

static const struct metrics *on_metrics(void *userdata) {
        return &registry;
}

static void on_log(int level, const char *line, size_t n, void *userdata) {
}

static void begin(void) {
        static const struct control_ops ops = {
                .reload = on_reload,
                .reloading = on_reloading,
                .reloaded = on_reloaded,
                .snapshot = on_snapshot,
                .state = on_state,
                .status = on_status,
                .policies = on_policies,
                .stories = on_stories,
                .metrics = on_metrics,
        };
        const struct control_options options = {.socket = path};

        log_set_sink(on_log, NULL);
        metrics_init(&registry);
        snprintf(path, sizeof(path), "%.100s", scratch_path("control"));
        assert(sd_event_new(&loop) >= 0);
        assert(control_new(loop, &options, &ops, NULL, &control) == 0);
}

static void run(void) {
        while (sd_event_run(loop, 0) > 0)
                ;
}

static void send_in_pieces(int fd, const uint8_t *data, size_t n, size_t piece) {
        for (size_t at = 0; at < n; at += MIN(piece, n - at)) {
                if (send(fd, data + at, MIN(piece, n - at), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                        return;
                run();
        }
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *health;

        assert(!sd_bus_message_is_method_error(reply, NULL));
        assert(sd_bus_message_read(reply, "s", &health) >= 0 && streq(health, "healthy"));
        *(bool *)userdata = true;
        return 0;
}

static void ask_as_people_do(void) {
        bool answered = false;
        char address[160];
        sd_bus *bus = NULL;

        snprintf(address, sizeof(address), "unix:path=%s", path);
        assert(sd_bus_new(&bus) >= 0 && sd_bus_set_address(bus, address) >= 0 && sd_bus_start(bus) >= 0);
        assert(sd_bus_attach_event(bus, loop, 0) >= 0);
        assert(sd_bus_call_method_async(bus, NULL, NULL, "/org/execray1", "org.execray1.Manager", "GetStatus",
                                        on_answer, &answered, "") >= 0);
        for (int i = 0; i < 100 && !answered; i++)
                assert(sd_event_run(loop, 1000000) >= 0);
        assert(answered);
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
        run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const char greeting[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct control_stats stats;
        size_t piece;
        int fd;

        if (!control)
                begin();
        if (n == 0)
                return 0;
        piece = data[0] >> 1 ? (data[0] >> 1) * 8U : SIZE_MAX;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        strcpy(address.sun_path, path);
        assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        run();
        if (data[0] & 1)
                send_in_pieces(fd, (const uint8_t *)greeting, sizeof(greeting) - 1, SIZE_MAX);
        send_in_pieces(fd, data + 1, n - 1, piece);
        ask_as_people_do();
        close(fd);
        for (int i = 0; i < 100; i++) {
                run();
                control_stats(control, &stats);
                if (stats.n_clients == 0)
                        break;
        }
        assert(stats.n_clients == 0 && stats.n_pending == 0);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"
#include "control/control-private.h"

#define PATIENCE_MIN_NS NSEC_PER_SEC
#define PATIENCE_MAX_NS NSEC_PER_MIN

/* The same as of the ring: they take turns. */
#define PRIORITY SD_EVENT_PRIORITY_IDLE

/* ---- the bus ---- */

static void bus_try(struct control *control);

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
        bus_try(userdata);
        return 0;
}

static void bus_try_later(struct control *control) {
        uint64_t usec = (clock_boottime_ns() + control->patience_ns) / NSEC_PER_USEC;

        control->patience_ns = MIN(control->patience_ns * 2, PATIENCE_MAX_NS);
        if (!control->again &&
            (sd_event_add_time(control->loop, &control->again, CLOCK_BOOTTIME, usec, 0, on_again, control) < 0 ||
             sd_event_source_set_description(control->again, "control-again") < 0))
                return;
        (void)sd_event_source_set_time(control->again, usec);
        (void)sd_event_source_set_enabled(control->again, SD_EVENT_ONESHOT);
}

static void bus_disconnect(struct control *control) {
        sd_bus *bus = TAKE_PTR(control->bus);

        control->stats.on_bus = 0;
        if (!bus)
                return;
        control_forget_pending(control, bus);
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
}

static void bus_say_missing(struct control *control, int r) {
        if (!control->said)
                log_info("The system bus is not there (%s): it is asked for " MANAGER_NAME
                         " once it is; execrayctl needs none",
                         strerror(-r));
        control->said = true;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct control *control = userdata;

        bus_say_missing(control, -ECONNRESET);
        bus_disconnect(control);
        bus_try_later(control);
        return 0;
}

static int on_name(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct control *control = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(message);

        if (e) {
                log_notice("Cannot be " MANAGER_NAME " on the system bus: %s", e->message ?: e->name);
                return 0;
        }
        control->stats.n_connected++;
        control->stats.on_bus = 1;
        control->patience_ns = PATIENCE_MIN_NS;
        if (control->said)
                log_info("The system bus is there: we are " MANAGER_NAME);
        control->said = false;
        return 0;
}

static void bus_try(struct control *control) {
        int r;

        if (control->bus)
                return;
        r = sd_bus_open_system_with_description(&control->bus, "execrayd-control");
        if (r >= 0)
                r = sd_bus_match_signal(control->bus, NULL, "org.freedesktop.DBus.Local",
                                        "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                                        on_disconnected, control);
        if (r >= 0)
                r = control_manager_add(control, control->bus);
        if (r >= 0)
                r = sd_bus_request_name_async(control->bus, NULL, MANAGER_NAME, 0, on_name, control);
        if (r >= 0)
                r = sd_bus_attach_event(control->bus, control->loop, PRIORITY);
        if (r < 0) {
                bus_say_missing(control, r);
                bus_disconnect(control);
                bus_try_later(control);
        }
}

/* ---- the socket ---- */

struct client *control_client_of(struct control *control, sd_bus *bus) {
        for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
                if (control->clients[i].bus == bus)
                        return control->clients + i;
        return NULL;
}

static void client_close(struct client *client) {
        sd_bus *bus = TAKE_PTR(client->bus);

        if (!bus)
                return;
        control_forget_pending(client->control, bus);
        client->control->stats.n_clients--;
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
}

static int on_client_gone(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        client_close(userdata);
        return 0;
}

static int client_open(struct client *client, int fd) {
        sd_id128_t id;
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0) {
                close_fd(fd);
                return r;
        }
        client->bus = bus;
        client->control->stats.n_clients++;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0) {
                close_fd(fd);
                return r;
        }
        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_set_server(bus, 1, id);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                        "Disconnected", on_client_gone, client);
        if (r >= 0)
                r = control_manager_add(client->control, bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, client->control->loop, PRIORITY);
        return r;
}

static int on_connection(sd_event_source *source, int listener, uint32_t events, void *userdata) {
        struct control *control = userdata;
        struct client *client = control_client_of(control, NULL);
        struct ucred peer = {.uid = UINT32_MAX};
        socklen_t n = sizeof(peer);
        int fd, r;

        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return 0;               /* who came has gone; or no descriptor is left: again on the next turn */
        r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
        if (r < 0 || !client || (peer.uid != 0 && peer.uid != geteuid())) {
                control->stats.n_refused++;
                close_fd(fd);
                return 0;
        }
        client->caller = (struct control_caller){.way = "socket", .pid = peer.pid, .uid = peer.uid};
        r = client_open(client, fd);
        if (r < 0) {
                log_warning_errno(r, "Cannot talk to process %d on '%s': %m", (int)peer.pid, control->socket);
                client_close(client);
        }
        return 0;
}

/* A socket that nobody listens on any more is in the way; another daemon is not to be robbed of its own. */
static int socket_clear(const struct sockaddr_un *address) {
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) >= 0 || errno != ECONNREFUSED)
                return -EADDRINUSE;
        return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int socket_open(struct control *control, const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        r = socket_clear(&address);
        if (r < 0)
                return r;
        control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (control->listener < 0)
                return -errno;
        mask = umask(0177);
        r = bind(control->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        umask(mask);
        if (r < 0)
                return r;
        strcpy(control->socket, path);
        if (listen(control->listener, CONTROL_MAX_CLIENTS) < 0)
                return -errno;
        r = sd_event_add_io(control->loop, &control->accept, control->listener, EPOLLIN, on_connection, control);
        if (r >= 0)
                r = sd_event_source_set_priority(control->accept, PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_description(control->accept, "control-socket");
        return r;
}

static void socket_close(struct control *control) {
        control->accept = sd_event_source_disable_unref(control->accept);
        control->listener = close_fd(control->listener);
        if (control->socket[0])
                (void)unlink(control->socket);
        control->socket[0] = 0;
}

/* ---- the object ---- */

void control_broadcast(struct control *control, int (*send)(sd_bus *bus, const void *data), const void *data) {
        for (size_t i = 0; i <= CONTROL_MAX_CLIENTS; i++) {
                sd_bus *bus = i < CONTROL_MAX_CLIENTS ? control->clients[i].bus : control->bus;
                uint64_t queued = 0;

                if (!bus || (bus == control->bus && !control->stats.on_bus))
                        continue;
                if (sd_bus_get_n_queued_write(bus, &queued) < 0 || queued > CONTROL_MAX_QUEUED || send(bus, data) < 0)
                        control->stats.n_dropped++;
        }
}

int control_new(sd_event *loop, const struct control_options *options, const struct control_ops *ops, void *userdata,
                struct control **ret) {
        struct control *control;
        int r;

        assert(loop && options && ops && ret);

        control = calloc(1, sizeof(*control));
        if (!control)
                return -ENOMEM;
        control->loop = loop;
        control->ops = ops;
        control->userdata = userdata;
        control->listener = -1;
        control->patience_ns = PATIENCE_MIN_NS;
        control->polkit = options->polkit;
        for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
                control->clients[i].control = control;

        r = options->socket ? socket_open(control, options->socket) : 0;
        if (r < 0) {
                log_notice_errno(r, "Cannot listen on '%s', execrayctl needs the bus to reach us: %m", options->socket);
                socket_close(control);
        }
        if (options->bus)
                bus_try(control);
        *ret = control;
        return 0;
}

struct control *control_free(struct control *control) {
        if (!control)
                return NULL;
        control_forget_pending(control, NULL);
        for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
                client_close(control->clients + i);
        socket_close(control);
        bus_disconnect(control);
        sd_event_source_disable_unref(control->again);
        free(control);
        return NULL;
}

void control_stats(const struct control *control, struct control_stats *ret) {
        *ret = control->stats;
        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++)
                ret->n_pending += control->pending[i].what != PENDING_NONE;
}

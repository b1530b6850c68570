/* SPDX-License-Identifier: Apache-2.0 */

/* The process: its start, its packets, its end, and who is told then. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "report/alert-response.h"
#include "response/respond-worker.h"
#include "response/response-message.h"
#include "response/response-peer.h"
#include "response/response-private.h"

#define MAX_PACKETS 32                  /* in one turn of the loop */
#define FINISH_NS (30 * NSEC_PER_SEC)
#define BACKOFF_MIN_NS (100 * NSEC_PER_MSEC)
#define BACKOFF_FORGOTTEN_NS NSEC_PER_MIN       /* it ran for so long */

/* ---- timers ---- */

void response_stop_timer(sd_event_source *source) {
        if (source)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

void response_set_timer(sd_event_source *source, uint64_t at_ns) {
        if (sd_event_source_set_time(source, at_ns / NSEC_PER_USEC) < 0 ||
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                log_warning("Cannot set a timer for scripts");
}

void response_set_late(struct response *response) {
        const struct flight *next = flights_next_untold(&response->flights);

        if (next)
                response_set_timer(response->late, nsec_add(next->sent_ns, response->timeout_ns));
        else
                response_stop_timer(response->late);
}

void response_set_patience(struct response *response) {
        const struct flight *oldest = response->flights.first;

        if (oldest)
                response_set_timer(response->patience,
                                   nsec_add(MAX(oldest->sent_ns, response->started_ns), response->patience_ns));
        else
                response_stop_timer(response->patience);
}

/* ---- the end ---- */

void response_end_process(struct response *response) {
        siginfo_t info;

        sd_event_source_disable_unref(response->packets);
        response->packets = NULL;
        response->fd = close_fd(response->fd);
        if (response->pidfd >= 0) {
                (void)proc_signal(response->pidfd, SIGKILL);
                response->pidfd = close_fd(response->pidfd);
        } else if (response->pid > 0) {
                (void)kill(response->pid, SIGKILL);
                while (waitid(P_PID, (id_t)response->pid, &info, WEXITED) < 0 && errno == EINTR)
                        ;
        }
        response->pid = 0;
        response_stop_timer(response->patience);
}

void response_call_ready(struct response *response, int r, const char *messages) {
        if (response->answered)
                return;
        response->answered = true;
        response->ready = r;
        if (response->sink.on_ready)
                response->sink.on_ready(r, messages, response->userdata);
}

void response_lose_all(struct response *response) {
        const struct alert_response lost = {.state = ALERT_RESPONSE_LOST};

        while (response->flights.first) {
                response->stats.n_lost += response->flights.first->step == 0;
                response_tell(response, response->flights.first, &lost);
                flights_end(&response->flights, &response->flights.first);
        }
        response_stop_timer(response->late);
}

void response_go_down(struct response *response, const char *why) {
        uint64_t now_ns = clock_boottime_ns();
        char text[FORMAT_DURATION_MAX];
        size_t n = response->flights.n;

        response_end_process(response);
        response->state = STATE_DOWN;
        response_lose_all(response);
        if (!response->answered && !response->is_patient) {
                response_call_ready(response, -ECHILD, why);
                return;
        }
        response->answered = true;
        if (nsec_sub(now_ns, response->started_ns) >= BACKOFF_FORGOTTEN_NS)
                response->backoff_ns = 0;
        response->backoff_ns = response->backoff_ns == 0
                                     ? BACKOFF_MIN_NS
                                     : MIN(2 * response->backoff_ns, (uint64_t)RESPONSE_BACKOFF_MAX_NS);
        format_duration(text, response->backoff_ns);
        log_warning("The process that runs scripts %s; %zu alerts were told without it, and it is started again in %s",
                    why, n, text);
        response_set_timer(response->restart, nsec_add(now_ns, response->backoff_ns));
}

bool response_finish(struct response *response) {
        uint64_t now_ns = clock_boottime_ns();

        if (response->flights.first)
                return false;
        if (response->state != STATE_READY)
                return true;
        /* It reads that there will be nothing more, and what it says is still heard. */
        if (response->finish_ns == 0) {
                response->finish_ns = nsec_add(now_ns, FINISH_NS);
                (void)shutdown(response->fd, SHUT_WR);
        }
        return now_ns >= response->finish_ns;
}

/* ---- packets ---- */

/* The first packet of a service says who it is. Held by a pidfd before it is looked at. */
static bool know(struct response *response, const struct ucred *sender) {
        _cleanup_(closep) int pidfd = sender->pid > 0 ? proc_open_pid((uint32_t)sender->pid, NULL) : -1;

        if (pidfd < 0 || !response_peer_is_in(sender, response->service.unit) || proc_signal(pidfd, 0) < 0)
                return false;
        response->pid = sender->pid;
        response->pidfd = TAKE_FD(pidfd);
        return true;
}

static ssize_t receive(struct response *response, void *memory, size_t n, struct ucred *ret_sender) {
        if (response->service.path)
                return response_peer_receive(response->fd, memory, n, ret_sender);
        return recv(response->fd, memory, n, MSG_DONTWAIT | MSG_TRUNC);
}

bool response_take_packet(struct response *response) {
        static uint64_t memory[RESPONSE_MESSAGE_MAX / sizeof(uint64_t)];
        struct response_message message;
        struct ucred sender = {};
        ssize_t n = receive(response, memory, sizeof(memory), &sender);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0 && response->finish_ns > 0) {
                response_end_process(response);
                response->state = STATE_DOWN;
                return false;
        }
        if (n <= 0) {
                response_go_down(response, "has ended");
                return false;
        }
        if (response->service.path && response->pid == 0 && !know(response, &sender)) {
                response_go_down(response, "is not the service that it should be");
                return false;
        }
        if ((size_t)n > sizeof(memory) || response_message_open(memory, (size_t)n, &message) < 0) {
                response_go_down(response, "says what makes no sense and was ended");
                return false;
        }
        response_hear(response, &message);
        return response->fd >= 0;
}

static int on_packets(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct response *response = userdata;

        for (int i = 0; i < MAX_PACKETS && response_take_packet(response); i++)
                ;
        return 0;
}

/* ---- the beginning ---- */

static int start_child(struct response *response) {
        _cleanup_(closep) int theirs = -1;
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        response->fd = fds[0];
        theirs = fcntl(fds[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(fds[1]);
        if (theirs < 0)
                return -errno;
        return spawn_clean(response->executable, RESPOND_WORKER_NAME, theirs, STDERR_FILENO, &response->pid);
}

/* The service manager may not have taken the connection yet: what is sent waits for the process. */
static int start_service(struct response *response) {
        int fd = response_peer_connect(response->service.path, response->service.listener);

        if (fd < 0)
                return fd;
        response->fd = fd;
        return 0;
}

int response_start_process(struct response *response) {
        int r = response->service.path ? start_service(response) : start_child(response);

        if (r < 0)
                return r;
        response_peer_widen(response->fd);
        if (send(response->fd, response->setup.data, response->setup.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return -errno;
        if (response_put_storms(response) &&
            (response->packet.error < 0 ||
             send(response->fd, response->packet.data, response->packet.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0))
                return response->packet.error < 0 ? response->packet.error : -errno;
        r = sd_event_add_io(response->loop, &response->packets, response->fd, EPOLLIN, on_packets, response);
        if (r < 0)
                return r;

        response->state = STATE_STARTING;
        response->started_ns = clock_boottime_ns();
        response->stats.n_starts++;
        response_set_timer(response->patience, nsec_add(response->started_ns, response->patience_ns));
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lab-replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "capture/capture.h"
#include "event/trace-file.h"

#define must(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)

struct seen {
        uint64_t hash, number, time_ns;
};

static struct {
        char path[128];
        struct trace_writer *writer;
        struct seen *seen;
        size_t n, capacity;
        size_t n_replayed;
        bool full;
} replay;

static struct seen seen_of(const struct event *event) {
        static const struct siphash_key key = {1, 2};

        return (struct seen){
                .hash = siphash64(event->wire, event->wire->size, &key),
                .number = event->number,
                .time_ns = event->time_ns,
        };
}

void lab_replay_begin(const char *path) {
        static const struct trace_host host = {.kernel = "lab"};
        int fd;

        snprintf(replay.path, sizeof(replay.path), "%s", path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        must(fd >= 0);
        must(trace_writer_new(fd, &host, LAB_REPLAY_BYTES, &replay.writer) == 0);
        replay.n = 0;
        replay.full = false;
}

void lab_replay_see(const struct event *event) {
        int r;

        if (replay.full)
                return;
        r = trace_writer_add(replay.writer, event);
        if (r == -EFBIG) {
                replay.full = true;
                return;
        }
        must(r == 0);
        if (replay.n == replay.capacity) {
                replay.capacity = replay.capacity * 2 ?: 4096;
                replay.seen = reallocarray(replay.seen, replay.capacity, sizeof(*replay.seen));
                must(replay.seen != NULL);
        }
        replay.seen[replay.n++] = seen_of(event);
}

static void on_replayed(const struct event *event, void *userdata) {
        struct seen seen = seen_of(event);

        must(replay.n_replayed < replay.n);
        must(memcmp(&seen, &replay.seen[replay.n_replayed], sizeof(seen)) == 0);
        replay.n_replayed++;
}

static void on_end(int status, void *userdata) {
        must(status == 0);
        must(replay.n_replayed == replay.n);
        *(bool *)userdata = true;
}

void lab_replay_end(void) {
        static const struct capture_sink sink = {.on_event = on_replayed, .on_end = on_end};
        struct capture *capture;
        bool ended = false;

        must(trace_writer_flush(replay.writer) == 0);
        replay.writer = trace_writer_free(replay.writer);
        replay.n_replayed = 0;
        must(capture_new_replay(replay.path, &sink, &ended, &capture) == 0);
        must(capture_start(capture, NULL, 1) == 0);
        while (!ended)
                must(capture_dispatch(capture, 512) >= 0);
        capture_free(capture);
        unlink(replay.path);
        free(replay.seen);
        replay.seen = NULL;
        replay.n = replay.capacity = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from a recording: its records as they are, as fast as they can be taken. Everything that the live stream was
 * is in it, so nothing is made up here, no clock is read, and two runs are the same byte for byte. */
#include "capture/capture.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/strbuf.h"
#include "event/trace-file.h"

#include "capture/capture-private.h"

/* Records per turn of the loop. */
#define REPLAY_BATCH 512

struct capture_replay {
        struct capture capture;         /* first: what the callers hold */
        struct trace_reader *reader;    /* owned */
        sd_event_source *again;
        bool ended;                     /* the sink knows */
};

DEFINE_CLEANUP(struct trace_reader *, trace_reader_free)

static struct capture_replay *replay_of(struct capture *capture) {
        return container_of(capture, struct capture_replay, capture);
}

static void replay_end(struct capture_replay *replay, int status) {
        if (replay->ended)
                return;
        replay->ended = true;
        if (status < 0) {
                char why[512];

                trace_describe(trace_reader_state(replay->reader), why, sizeof(why));
                log_error("The recording ends here: %s", why);
        }
        if (replay->capture.sink.on_end)
                replay->capture.sink.on_end(status, replay->capture.userdata);
}

static int replay_dispatch(struct capture *capture, size_t max) {
        struct capture_replay *replay = replay_of(capture);
        size_t n = 0;

        if (replay->ended)
                return 0;
        capture->stats.n_turns++;
        while (n < max) {
                struct event event;
                int r;

                r = trace_reader_next(replay->reader, &event);
                if (r <= 0) {
                        replay_end(replay, r);
                        break;
                }
                capture->stats.produced[event_kind(&event)]++;
                capture_pass(capture, &event);
                n++;
        }
        return n;
}

static int on_again(sd_event_source *source, void *userdata) {
        struct capture_replay *replay = userdata;

        (void)replay_dispatch(&replay->capture, REPLAY_BATCH);
        return replay->ended ? sd_event_source_set_enabled(source, SD_EVENT_OFF) : 0;
}

static int replay_start(struct capture *capture, sd_event *loop, uint64_t generation) {
        struct capture_replay *replay = replay_of(capture);
        int r;

        if (!loop)
                return 0;
        r = sd_event_add_defer(loop, &replay->again, on_again, replay);
        if (r >= 0)
                r = sd_event_source_set_priority(replay->again, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(replay->again, "capture-replay");
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(replay->again, true);
        if (r >= 0)
                r = sd_event_source_set_enabled(replay->again, SD_EVENT_ON);
        return r < 0 ? log_error_errno(r, "Cannot replay: %m") : 0;
}

/* What a recording holds was decided when it was made. */
static int replay_set_interest(struct capture *capture, const struct interest *interest, uint64_t generation) {
        return 0;
}

static void replay_set_deadline(struct capture *capture, uint64_t deadline_ns) {
}

static void replay_set_wait(struct capture *capture, bool wait) {
}

static void replay_stats(const struct capture *capture, struct capture_stats *ret) {
}

static size_t replay_describe(const struct capture *capture, char *buffer, size_t size) {
        const struct capture_replay *replay = container_of(capture, const struct capture_replay, capture);
        const struct trace_header *header = trace_reader_header(replay->reader);
        struct strbuf b;

        strbuf_init_fixed(&b, buffer, size);
        strbuf_put(&b, "a recording of Linux ");
        strbuf_put_text(&b, header->kernel, strnlen(header->kernel, sizeof(header->kernel)));
        strbuf_put_char(&b, '\n');
        return b.n;
}

static struct capture *replay_free(struct capture *capture) {
        struct capture_replay *replay = replay_of(capture);

        sd_event_source_disable_unref(replay->again);
        trace_reader_free(replay->reader);
        free(replay);
        return NULL;
}

static const struct capture_ops replay_ops = {
        .start = replay_start,
        .dispatch = replay_dispatch,
        .set_interest = replay_set_interest,
        .set_deadline = replay_set_deadline,
        .set_wait = replay_set_wait,
        .stats = replay_stats,
        .describe = replay_describe,
        .free = replay_free,
};

int capture_new_replay(const char *path, const struct capture_sink *sink, void *userdata, struct capture **ret) {
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        struct capture_replay *replay;
        struct trace_state state = {};
        int r;

        assert(path && sink && sink->on_event && ret);

        r = trace_reader_open(path, &reader, &state);
        if (r < 0) {
                char why[512];

                if (state.fault == TRACE_FINE)
                        return log_error_errno(r, "Cannot open the recording '%s': %m", path);
                trace_describe(&state, why, sizeof(why));
                log_error("Cannot read the recording '%s': %s", path, why);
                return r;
        }
        replay = calloc(1, sizeof(*replay));
        if (!replay)
                return log_oom();
        replay->capture.ops = &replay_ops;
        replay->capture.sink = *sink;
        replay->capture.userdata = userdata;
        replay->reader = TAKE_PTR(reader);
        *ret = &replay->capture;
        return 0;
}

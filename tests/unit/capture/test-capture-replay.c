/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "event/encode.h"
#include "event/trace-file.h"

#include "unit.h"

static struct {
        char path[64];
        uint64_t n, last_number, last_time_ns, sum;
        int ended, status;
} play;

static void on_event(const struct event *event, void *userdata) {
        ck_assert_ptr_eq(userdata, &play);
        ck_assert_uint_eq(event->number, play.last_number + 1);
        ck_assert_uint_ge(event->time_ns, play.last_time_ns);
        play.last_number = event->number;
        play.last_time_ns = event->time_ns;
        play.sum = play.sum * 31 + event->wire->tgid + event->time_ns;
        play.n++;
}

static void on_end(int status, void *userdata) {
        play.ended++;
        play.status = status;
}

static const struct capture_sink sink = {.on_event = on_event, .on_end = on_end};

static void on_log(int level, const char *line, size_t n, void *userdata) {
}

static void write_recording(size_t n) {
        static struct record record;
        struct trace_host host = {.kernel = "6.1.0", .text = "made by a test"};
        struct trace_writer *writer;
        int fd;

        memset(&play, 0, sizeof(play));
        log_set_sink(on_log, NULL);
        strcpy(play.path, "/tmp/execrayd-replay-XXXXXX");
        fd = mkostemp(play.path, O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(trace_writer_new(fd, &host, 0, &writer), 0);
        for (size_t i = 0; i < n; i++) {
                struct event event;

                record_begin(&record, WIRE_KIND_exit);
                record.header.tgid = i;
                record.header.time_ns = i % 7 == 3 ? 5 : 1000 + i;      /* some come late */
                record_set_number(&record, (enum field)WIRE_FIELD_exit_code, 0);
                ck_assert_int_eq(record_finish(&record), 0);
                ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
                ck_assert_int_eq(trace_writer_add(writer, &event), 0);
                if (i % 10 == 9)
                        ck_assert_int_eq(trace_writer_flush(writer), 0);
        }
        ck_assert_int_eq(trace_writer_flush(writer), 0);
        trace_writer_free(writer);
}

START_TEST(a_recording_is_delivered_whole_and_in_order) {
        struct capture_stats stats;
        struct capture *capture;
        uint64_t sum;

        write_recording(2000);
        ck_assert_int_eq(capture_new_replay(play.path, &sink, &play, &capture), 0);
        ck_assert_int_eq(capture_start(capture, NULL, 1), 0);
        ck_assert_int_eq(capture_dispatch(capture, 300), 300);
        while (capture_dispatch(capture, 300) > 0)
                ;
        ck_assert_uint_eq(play.n, 2000);
        ck_assert_int_eq(play.ended, 1);
        ck_assert_int_eq(play.status, 0);
        capture_stats(capture, &stats);
        ck_assert_uint_eq(stats.produced[WIRE_KIND_exit], 2000);
        ck_assert_uint_eq(stats.delivered[WIRE_KIND_exit], 2000);
        capture_free(capture);

        /* Again, and the same. */
        sum = play.sum;
        play.sum = play.n = play.last_number = play.last_time_ns = 0;
        ck_assert_int_eq(capture_new_replay(play.path, &sink, &play, &capture), 0);
        ck_assert_int_eq(capture_start(capture, NULL, 1), 0);
        while (capture_dispatch(capture, 77) > 0)
                ;
        ck_assert_uint_eq(play.sum, sum);
        capture_free(capture);
        unlink(play.path);
}
END_TEST

static int on_done(sd_event_source *source, uint64_t usec, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

START_TEST(on_a_loop_it_leaves_time_to_others_and_ends) {
        struct capture *capture;
        sd_event *loop = NULL;

        write_recording(5000);
        ck_assert_int_ge(sd_event_new(&loop), 0);
        ck_assert_int_ge(sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, 300000, 1, on_done, NULL), 0);
        ck_assert_int_eq(capture_new_replay(play.path, &sink, &play, &capture), 0);
        ck_assert_int_eq(capture_start(capture, loop, 1), 0);
        ck_assert_int_ge(sd_event_loop(loop), 0);
        ck_assert_uint_eq(play.n, 5000);
        ck_assert_int_eq(play.ended, 1);
        capture_free(capture);
        sd_event_unref(loop);
        unlink(play.path);
}
END_TEST

START_TEST(a_torn_recording_gives_what_it_has_and_says_so) {
        struct capture *capture;
        off_t size;
        int fd;

        write_recording(100);
        fd = open(play.path, O_WRONLY | O_CLOEXEC);
        size = lseek(fd, 0, SEEK_END);
        ck_assert_int_eq(ftruncate(fd, size - 20), 0);
        close(fd);

        ck_assert_int_eq(capture_new_replay(play.path, &sink, &play, &capture), 0);
        ck_assert_int_eq(capture_start(capture, NULL, 1), 0);
        while (capture_dispatch(capture, 1000) > 0)
                ;
        ck_assert_uint_eq(play.n, 90);      /* the last block is torn */
        ck_assert_int_eq(play.ended, 1);
        ck_assert_int_eq(play.status, -ENODATA);
        capture_free(capture);
        unlink(play.path);
}
END_TEST

START_TEST(what_is_no_recording_is_refused) {
        struct capture *capture = NULL;

        log_set_sink(on_log, NULL);
        ck_assert_int_eq(capture_new_replay("/proc/self/status", &sink, &play, &capture), -EBADMSG);
        ck_assert_int_eq(capture_new_replay("/nonexistent", &sink, &play, &capture), -ENOENT);
        ck_assert_ptr_null(capture);
}
END_TEST

UNIT_MAIN("capture/capture-replay",
          a_recording_is_delivered_whole_and_in_order,
          on_a_loop_it_leaves_time_to_others_and_ends,
          a_torn_recording_gives_what_it_has_and_says_so,
          what_is_no_recording_is_refused)

/* SPDX-License-Identifier: Apache-2.0 */
#include "event/trace-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "event/encode.h"
#include "unit.h"

static char path[64];
static struct record record;

static const struct trace_host host = {
        .created_ns = 1234,
        .boot_id = { 1, 2, 3 },
        .kernel = "6.1.0-test",
        .text = "two cores\nand some memory\n",
};

static int temporary(void) {
        int fd;

        strcpy(path, "/tmp/test-trace-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        return fd;
}

static void make_event(unsigned i, struct event *event) {
        char name[3000];
        int n;

        n = snprintf(name, sizeof(name), "/file-%u-", i);
        memset(name + n, 'x', i % 2000);
        record_begin(&record, WIRE_KIND_openat);
        record.header.time_ns = i;
        record_set_bytes(&record, FIELD_openat_pathname, name, n + i % 2000);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, event), 0);
}

static void write_records(unsigned n) {
        struct trace_writer *writer;
        struct trace_writer_stats stats;
        struct event event;
        struct stat st;

        ck_assert_int_eq(trace_writer_new(temporary(), &host, 0, &writer), 0);
        for (unsigned i = 0; i < n; i++) {
                make_event(i, &event);
                ck_assert_int_eq(trace_writer_add(writer, &event), 0);
        }
        ck_assert_int_eq(trace_writer_flush(writer), 0);
        trace_writer_stats(writer, &stats);
        ck_assert_uint_eq(stats.n_records, n);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(stats.n_bytes, st.st_size);
        ck_assert_ptr_null(trace_writer_free(writer));
}

static void check_records(struct trace_reader *reader, unsigned n) {
        struct event event;
        struct value v;
        char name[32];

        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(trace_reader_next(reader, &event), 1);
                ck_assert_uint_eq(event.number, i + 1);
                ck_assert_uint_eq(event.time_ns, i);
                event_get(&event, FIELD_openat_pathname, &v);
                snprintf(name, sizeof(name), "/file-%u-", i);
                ck_assert_mem_eq(v.bytes, name, strlen(name));
                ck_assert_uint_eq(v.length, strlen(name) + i % 2000);
        }
}

START_TEST(what_was_written_is_read_across_many_buffers) {
        struct trace_reader *reader;
        struct trace_state state;
        struct event event;
        size_t n;

        write_records(2000);
        ck_assert_int_eq(trace_reader_open(path, &reader, &state), 0);
        ck_assert_int_eq(state.fault, TRACE_FINE);
        ck_assert_uint_eq(trace_reader_header(reader)->created_ns, 1234);
        ck_assert_str_eq(trace_reader_header(reader)->kernel, "6.1.0-test");
        ck_assert_int_eq(trace_reader_header(reader)->boot_id[2], 3);
        ck_assert_mem_eq(trace_reader_text(reader, &n), host.text, strlen(host.text));
        ck_assert_uint_eq(n, strlen(host.text));
        check_records(reader, 2000);
        ck_assert_int_eq(trace_reader_next(reader, &event), 0);
        ck_assert_int_eq(trace_reader_next(reader, &event), 0);
        ck_assert_uint_eq(trace_reader_state(reader)->n_records, 2000);
        ck_assert_ptr_null(trace_reader_free(reader));
        unlink(path);
}
END_TEST

START_TEST(recording_comes_through_a_pipe_in_pieces_of_any_size) {
        struct trace_reader *reader;
        struct event event;
        int fds[2], fd;
        pid_t pid;

        write_records(100);
        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                char piece[777];
                ssize_t n;

                fd = open(path, O_RDONLY);
                while ((n = read(fd, piece, sizeof(piece))) > 0)
                        if (write(fds[1], piece, n) != n)
                                _exit(1);
                _exit(0);
        }
        close(fds[1]);
        ck_assert_int_eq(trace_reader_new(fds[0], &reader, NULL), 0);
        check_records(reader, 100);
        ck_assert_int_eq(trace_reader_next(reader, &event), 0);
        trace_reader_free(reader);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        unlink(path);
}
END_TEST

START_TEST(file_cut_at_any_byte_is_read_up_to_there_and_told) {
        struct trace_reader *reader;
        struct trace_state state;
        struct event event;
        struct stat st;
        int r;

        write_records(3);
        ck_assert_int_eq(stat(path, &st), 0);
        for (off_t size = st.st_size - 1; size >= 0; size--) {
                unsigned n = 0;

                ck_assert_int_eq(truncate(path, size), 0);
                r = trace_reader_open(path, &reader, &state);
                if (r < 0) {
                        ck_assert_int_eq(r, -EBADMSG);
                        ck_assert_int_eq(state.fault, size < 8 ? TRACE_FOREIGN : TRACE_HEADER);
                        continue;
                }
                while ((r = trace_reader_next(reader, &event)) > 0)
                        n++;
                ck_assert_int_lt(n, 3);
                ck_assert_uint_eq(trace_reader_state(reader)->n_records, n);
                if (r < 0) {
                        ck_assert_int_eq(r, -ENODATA);
                        ck_assert_int_eq(trace_reader_next(reader, &event), -ENODATA);
                } else
                        ck_assert_uint_eq(trace_reader_state(reader)->offset, size);
                trace_reader_free(reader);
        }
        unlink(path);
}
END_TEST

/* Four blocks: three records, flushed each. */
static void write_blocks(void) {
        struct trace_writer *writer;
        struct event event;

        ck_assert_int_eq(trace_writer_new(temporary(), &host, 0, &writer), 0);
        for (unsigned i = 0; i < 12; i++) {
                make_event(i, &event);
                ck_assert_int_eq(trace_writer_add(writer, &event), 0);
                if (i % 3 == 2)
                        ck_assert_int_eq(trace_writer_flush(writer), 0);
        }
        trace_writer_free(writer);
}

static char bytes[65536];

static size_t load(void) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, bytes, sizeof(bytes));

        ck_assert_int_gt(n, 0);
        close(fd);
        return (size_t)n;
}

static void store(const char *from, size_t n) {
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

        ck_assert_int_eq(write(fd, from, n), n);
        close(fd);
}

/* How many records come before the fault, which must be one. */
static unsigned read_damaged(struct trace_state *ret) {
        struct trace_reader *reader;
        struct event event;
        unsigned n = 0;
        int r;

        r = trace_reader_open(path, &reader, ret);
        if (r < 0)
                return 0;
        while ((r = trace_reader_next(reader, &event)) > 0)
                n++;
        ck_assert_int_lt(r, 0);
        ck_assert_int_eq(trace_reader_next(reader, &event), r);
        *ret = *trace_reader_state(reader);
        ck_assert_uint_eq(ret->n_records, n);
        trace_reader_free(reader);
        return n;
}

START_TEST(one_bit_that_is_another_anywhere_is_found_and_nothing_behind_it_believed) {
        struct trace_state state;
        size_t n;

        write_blocks();
        n = load();
        for (size_t i = 0; i < n; i++) {
                unsigned n_good;

                bytes[i] ^= 1 << i % 8;
                store(bytes, n);
                n_good = read_damaged(&state);
                bytes[i] ^= 1 << i % 8;

                ck_assert_int_ne(state.fault, TRACE_FINE);
                ck_assert_uint_eq(n_good % 3, 0);
                ck_assert_uint_le(state.offset, MAX(i, (size_t)((struct trace_header *)bytes)->size));
                if (state.fault == TRACE_BLOCK) {
                        char text[200];

                        trace_describe(&state, text, sizeof(text));
                        ck_assert_ptr_nonnull(strstr(text, "block at byte "));
                }
        }
        unlink(path);
}
END_TEST

START_TEST(a_block_that_is_missing_or_there_twice_is_found) {
        struct trace_state state;
        size_t n, at[5], k = 0;
        static char other[65536];

        write_blocks();
        n = load();
        for (size_t i = ((struct trace_header *)bytes)->size; i < n;
             i += sizeof(struct trace_block) + *(uint32_t *)(bytes + i))
                at[k++] = i;
        ck_assert_uint_eq(k, 4);

        memcpy(other, bytes, at[1]);
        memcpy(other + at[1], bytes + at[2], n - at[2]);
        store(other, n - (at[2] - at[1]));
        ck_assert_uint_eq(read_damaged(&state), 3);
        ck_assert_int_eq(state.fault, TRACE_BLOCK);
        ck_assert_uint_eq(state.offset, at[1]);

        memcpy(other, bytes, at[2]);
        memcpy(other + at[2], bytes + at[1], n - at[1]);
        store(other, n + (at[2] - at[1]));
        ck_assert_uint_eq(read_damaged(&state), 6);
        ck_assert_int_eq(state.fault, TRACE_BLOCK);
        unlink(path);
}
END_TEST

START_TEST(what_was_mended_and_what_was_lost_comes_back_as_it_was) {
        static const struct {
                enum wire_kind kind;
                uint32_t flags;
        } made[] = {
                {WIRE_KIND_gap, WIRE_SYNTHETIC},
                {WIRE_KIND_exit, WIRE_SYNTHETIC | WIRE_MENDED},
                {WIRE_KIND_process, WIRE_SYNTHETIC | WIRE_MENDED},
        };
        struct trace_writer *writer;
        struct trace_reader *reader;
        struct event event;

        ck_assert_int_eq(trace_writer_new(temporary(), &host, 0, &writer), 0);
        for (int again = 0; again < 2; again++) {
                if (again > 0) {
                        ck_assert_int_eq(trace_writer_flush(writer), 0);
                        trace_writer_free(writer);
                        ck_assert_int_eq(trace_reader_open(path, &reader, NULL), 0);
                }
                for (size_t i = 0; i < ELEMENTSOF(made); i++) {
                        record_begin(&record, made[i].kind);
                        record.header.flags = made[i].flags;
                        record.header.tgid = 42;
                        record.header.time_ns = 1000 + i;
                        if (made[i].kind == WIRE_KIND_gap)
                                record_set_number(&record, FIELD_gap_kinds, 1LL << WIRE_KIND_exit);
                        ck_assert_int_eq(record_finish(&record), 0);
                        if (again == 0) {
                                ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
                                ck_assert_int_eq(trace_writer_add(writer, &event), 0);
                                continue;
                        }
                        ck_assert_int_eq(trace_reader_next(reader, &event), 1);
                        ck_assert_uint_eq(event.wire->size, record.header.size);
                        ck_assert_mem_eq(event.wire, record.data, record.header.size);
                }
        }
        trace_reader_free(reader);
        unlink(path);
}
END_TEST

START_TEST(what_is_no_recording_is_refused_with_a_reason) {
        struct trace_reader *reader = NULL;
        struct trace_state state;

        ck_assert_int_eq(trace_reader_open("/nonexistent/file", &reader, &state), -ENOENT);
        ck_assert_int_eq(state.fault, TRACE_FINE);
        ck_assert_int_eq(trace_reader_open("/", &reader, &state), -EISDIR);
        ck_assert_int_eq(trace_reader_open("/dev/null", &reader, &state), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_FOREIGN);
        ck_assert_int_eq(trace_reader_open("/proc/self/cmdline", &reader, NULL), -EBADMSG);
        ck_assert_ptr_null(reader);
        ck_assert_ptr_null(trace_reader_free(NULL));
}
END_TEST

START_TEST(limit_ends_a_recording_between_two_records) {
        struct trace_writer *writer;
        struct trace_writer_stats stats;
        struct trace_reader *reader;
        struct event event;
        struct stat st;

        make_event(0, &event);
        ck_assert_int_eq(trace_writer_new(temporary(), &host, 10000, &writer), 0);
        while (trace_writer_add(writer, &event) == 0)
                ;
        ck_assert_int_eq(trace_writer_add(writer, &event), -EFBIG);
        ck_assert_int_eq(trace_writer_flush(writer), 0);
        trace_writer_stats(writer, &stats);
        ck_assert_uint_eq(stats.n_refused, 2);
        ck_assert_uint_gt(stats.n_records, 10);
        trace_writer_free(writer);

        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_le(st.st_size, 10000);
        ck_assert_int_gt(st.st_size, 10000 - event.wire->size);
        ck_assert_int_eq(trace_reader_open(path, &reader, NULL), 0);
        for (uint64_t i = 0; i < stats.n_records; i++)
                ck_assert_int_eq(trace_reader_next(reader, &event), 1);
        ck_assert_int_eq(trace_reader_next(reader, &event), 0);
        trace_reader_free(reader);
        unlink(path);
}
END_TEST

START_TEST(limit_below_the_header_is_refused_at_once) {
        struct trace_writer *writer = NULL;

        ck_assert_int_eq(trace_writer_new(temporary(), &host, 100, &writer), -EFBIG);
        ck_assert_ptr_null(writer);
        unlink(path);
}
END_TEST

START_TEST(full_disk_is_an_error_that_stays) {
        struct trace_writer *writer;
        struct trace_writer_stats stats;
        struct event event;
        int fd, r = 0;

        fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        ck_assert_int_eq(trace_writer_new(fd, &host, 0, &writer), 0);
        make_event(1999, &event);
        for (unsigned i = 0; i < 1000 && r == 0; i++)
                r = trace_writer_add(writer, &event);
        ck_assert_int_eq(r, -ENOSPC);
        ck_assert_int_eq(trace_writer_add(writer, &event), -ENOSPC);
        ck_assert_int_eq(trace_writer_flush(writer), -ENOSPC);
        trace_writer_stats(writer, &stats);
        ck_assert_uint_eq(stats.n_refused, 2);
        trace_writer_free(writer);
}
END_TEST

START_TEST(nothing_is_allocated_per_record) {
        struct trace_writer *writer;
        struct trace_reader *reader;
        struct event event;
        size_t n_before;

        ck_assert_int_eq(trace_writer_new(temporary(), &host, 0, &writer), 0);
        n_before = alloc_count();
        for (unsigned i = 0; i < 1000; i++) {
                make_event(i, &event);
                ck_assert_int_eq(trace_writer_add(writer, &event), 0);
        }
        ck_assert_int_eq(trace_writer_flush(writer), 0);
        ck_assert_uint_eq(alloc_count(), n_before);
        trace_writer_free(writer);

        ck_assert_int_eq(trace_reader_open(path, &reader, NULL), 0);
        n_before = alloc_count();
        while (trace_reader_next(reader, &event) > 0)
                ;
        ck_assert_uint_eq(alloc_count(), n_before);
        trace_reader_free(reader);
        unlink(path);
}
END_TEST

UNIT_MAIN("event/trace-file",
          what_was_written_is_read_across_many_buffers,
          recording_comes_through_a_pipe_in_pieces_of_any_size,
          file_cut_at_any_byte_is_read_up_to_there_and_told,
          one_bit_that_is_another_anywhere_is_found_and_nothing_behind_it_believed,
          a_block_that_is_missing_or_there_twice_is_found,
          what_was_mended_and_what_was_lost_comes_back_as_it_was,
          what_is_no_recording_is_refused_with_a_reason,
          limit_ends_a_recording_between_two_records,
          limit_below_the_header_is_refused_at_once,
          full_disk_is_an_error_that_stays,
          nothing_is_allocated_per_record)

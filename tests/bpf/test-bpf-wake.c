/* SPDX-License-Identifier: Apache-2.0 */
/* When the ring's reader is called: at once for what may end a story, once for many such, and for nothing else while
 * much is told. On a loop, as the daemon has it; how late a record was read is measured by how long it took from its
 * hook's time. */
#include "base/clock.h"
#include "base/macro.h"
#include "compile/compile.h"
#include "policy/policy-set.h"
#include "program/uses.h"

#include "child.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define LATENCY_NS (200 * NSEC_PER_MSEC)        /* far more than what a busy machine adds */
#define MAX_DELAYS 4096

struct delays {
        size_t n;
        uint64_t ns[MAX_DELAYS];
};

static sd_event *loop;
static struct capture *capture;
static struct prefilter *prefilter;
static struct delays urgent, others;
static pid_t actor;
static size_t n_numbers, n_disorders;   /* files that are numbered in the order in which they were opened */
static long last_number;

/* Of .../other-N. */
static void note_number(const struct value *path) {
        const char *number = memmem(path->bytes, path->length, "other-", 6);
        char text[32] = {};
        long n;

        if (!number)
                return;
        memcpy(text, number + 6, MIN(path->length - (size_t)(number + 6 - path->bytes), sizeof(text) - 1));
        n = strtol(text, NULL, 10);
        n_disorders += n <= last_number;
        last_number = n;
        n_numbers++;
}

static void on_event(const struct event *event, void *userdata) {
        struct delays *to = &others;
        struct value value;

        if (event_kind(event) != WIRE_KIND_openat || event->wire->tgid != (uint32_t)actor)
                return;
        event_get(event, (enum field)F(openat, pathname), &value);
        if (value.state == VALUE_KNOWN)
                note_number(&value);
        if (value.state == VALUE_KNOWN && memmem(value.bytes, value.length, "urgent", 6))
                to = &urgent;
        if (to->n < MAX_DELAYS)
                to->ns[to->n++] = clock_boottime_ns() - event->wire->time_ns;
}

/* The last step of a story is urgent, the first one not. */
static const char completed[] = "path \"p\" { by = host\n openat { pathname glob \"%s/other*\" }\n"
                                "openat { pathname == \"%s/urgent\" } }\n";

/* The last step is for the kernel to decide, and nobody takes it; a response is due at the step before it. */
static const char armed[] =
        "path \"p\" { by = host\n within = 1m\n enforce = kill\n openat { pathname glob \"%s/other*\" }\n"
        "openat { pathname == \"%s/urgent\" }\n openat { pathname == \"/never\" } }\n";
static const char answered[] = "path \"p\" { by = host\n openat { pathname glob \"%s/other*\" }\n"
                               "openat { pathname == \"%s/urgent\" }\n openat { pathname == \"/never\" }\n"
                               "on step 2 respond \"snapshot\" }\n";
static const char *format = completed;

static void compile(unsigned what, struct interest *ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        char text[512];

        snprintf(text, sizeof(text), format, lab.directory, lab.directory);
        diag_set_init(&diags, 0);
        ck_assert_int_ge(policy_set_parse("policy", text, strlen(text), NULL, &diags, &set), 0);
        ck_assert_int_ge(compile_policies(set, NULL, &diags, &program), 0);
        diag_set_done(&diags);
        prefilter = prefilter_free(prefilter);
        ck_assert_int_eq(uses_collect(program, what, &prefilter), 0);
        *ret = program->header->interest;
        program_unref(program);
}

static void begin_with(struct capture_options options, unsigned what) {
        static const struct capture_sink sink = {.on_event = on_event};
        struct interest interest;
        int r;

        options.tier = lab_tier();
        urgent.n = others.n = n_numbers = n_disorders = 0;
        last_number = -1;
        compile(what, &interest);
        ck_assert_int_ge(sd_event_new(&loop), 0);
        r = capture_new_bpf(&options, &interest, &sink, NULL, &capture);
        if (r == -EPERM || r == -ENODATA || r == -EOPNOTSUPP) {
                printf("skipped: the kernel does not let us\n");
                exit(77);
        }
        ck_assert_int_eq(r, 0);
        capture_set_wait(capture, true);
        capture_set_prefilter(capture, prefilter);
        ck_assert_int_eq(capture_start(capture, loop, 1), 0);
}

static void begin(uint64_t latency_ns, bool wake_urgent, unsigned what) {
        begin_with((struct capture_options){.max_latency_ns = latency_ns, .wake_urgent = wake_urgent}, what);
}

static void end(void) {
        capture = capture_free(capture);
        loop = sd_event_unref(loop);
}

static void run_until_it_ends(void) {
        bool ended = false;
        int status;

        while (!ended) {
                ended = waitpid(actor, &status, WNOHANG) == actor;
                ck_assert_int_ge(sd_event_run(loop, 20000), 0);
        }
        ck_assert_int_eq(status, 0);
        for (int i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(loop, 20000), 0);
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static uint64_t median(struct delays *delays) {
        ck_assert_uint_gt(delays->n, 0);
        qsort(delays->ns, delays->n, sizeof(delays->ns[0]), compare);
        return delays->ns[delays->n / 2];
}

static void touch(const char *name) {
        int fd = open(lab_path(name), O_WRONLY | O_CREAT, 0600);

        EXPECT(fd >= 0 && close(fd) == 0);
}

/* Something all the time, so that the reader is on watch, and ten times what may end a story. */
static void act_now_and_then(void) {
        actor = fork();
        if (actor == 0) {
                for (int i = 1; i <= 500; i++) {
                        usleep(5000);
                        touch("other");
                        if (i % 50 == 0)
                                touch("urgent");
                }
                _exit(0);
        }
        run_until_it_ends();
}

static void print_figures(const struct capture_stats *stats) {
        printf("urgent %.1f ms, others %.1f ms late; %ju turns, called %ju times: %ju urgent, %ju asleep, %ju amount\n",
               median(&urgent) / 1e6, others.n > 0 ? median(&others) / 1e6 : 0, (uintmax_t)stats->n_turns,
               (uintmax_t)stats->n_wakeups, (uintmax_t)stats->n_calls[WIRE_WAIT_URGENT],
               (uintmax_t)stats->n_calls[WIRE_WAIT_ANY], (uintmax_t)stats->n_calls[WIRE_WAIT_AMOUNT]);
}

START_TEST(what_may_end_a_story_is_read_at_once_and_the_rest_waits) {
        struct capture_stats stats;

        begin(LATENCY_NS, true, USES_FILTER | USES_ARM);
        act_now_and_then();
        capture_stats(capture, &stats);
        print_figures(&stats);
        ck_assert_uint_eq(urgent.n, 10);
        ck_assert_uint_ge(stats.n_calls[WIRE_WAIT_URGENT], 5);
        ck_assert_uint_le(stats.n_calls[WIRE_WAIT_URGENT], 12);
        ck_assert_uint_lt(median(&urgent), LATENCY_NS / 4);
        ck_assert_uint_gt(median(&others), LATENCY_NS / 4);
        ck_assert_uint_le(median(&others), LATENCY_NS);
        ck_assert_uint_lt(stats.n_turns, 100);
        end();
}
END_TEST

/* What waits for its last step in the kernel, or a response, begins at once, however patient the reader is. */
START_TEST(a_patient_reader_is_called_for_steps_that_something_is_done_about) {
        static const char *const formats[] = {completed, armed, answered};
        struct capture_stats stats;

        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
                format = formats[i];
                begin_with(
                        (struct capture_options){.max_latency_ns = NSEC_PER_MSEC, .wake_urgent = true, .patient = true},
                        USES_FILTER | USES_ARM);
                act_now_and_then();
                capture_stats(capture, &stats);
                print_figures(&stats);
                ck_assert_uint_eq(urgent.n, 10);
                ck_assert_uint_ge(stats.n_calls[WIRE_WAIT_URGENT], 5);
                ck_assert_uint_lt(2 * median(&urgent), median(&others));
                end();
        }
        format = completed;
}
END_TEST

/* With no filter nobody knows which records of a kind are those: all are. */
START_TEST(without_a_filter_kinds_are_urgent_as_a_whole_and_calls_are_limited) {
        struct capture_stats stats;

        begin(LATENCY_NS, true, 0);
        act_now_and_then();
        capture_stats(capture, &stats);
        print_figures(&stats);
        ck_assert_uint_eq(urgent.n, 10);
        ck_assert_uint_eq(others.n, 500);
        ck_assert_uint_ge(stats.n_calls[WIRE_WAIT_URGENT], 40);
        ck_assert_uint_le(stats.n_calls[WIRE_WAIT_URGENT], 40 + 40 * 10);
        end();
}
END_TEST

START_TEST(switched_off_they_wait_like_all_others) {
        struct capture_stats stats;

        begin(LATENCY_NS, false, USES_FILTER | USES_ARM);
        act_now_and_then();
        capture_stats(capture, &stats);
        print_figures(&stats);
        ck_assert_uint_eq(urgent.n, 10);
        ck_assert_uint_eq(stats.n_calls[WIRE_WAIT_URGENT], 0);
        ck_assert_uint_le(median(&urgent), LATENCY_NS * 2);
        ck_assert_uint_gt(median(&others), LATENCY_NS / 4);
        end();
}
END_TEST

/* Not one call for each. */
START_TEST(many_urgent_records_at_once_call_a_few_times) {
        struct capture_stats stats;
        uint64_t began_ns;
        double seconds;

        begin(10 * NSEC_PER_MSEC, true, USES_FILTER | USES_ARM);
        began_ns = clock_boottime_ns();
        actor = fork();
        if (actor == 0) {
                touch("other");
                for (int i = 0; i < 20000; i++)
                        touch("urgent");
                _exit(0);
        }
        run_until_it_ends();
        seconds = (clock_boottime_ns() - began_ns) / 1e9;
        capture_stats(capture, &stats);
        print_figures(&stats);
        ck_assert_uint_ge(stats.delivered[WIRE_KIND_openat] + lab_lost(&stats, WIRE_KIND_openat), 20000);
        ck_assert_uint_le(stats.n_calls[WIRE_WAIT_URGENT], 40 * (seconds + 1) + 1);
        end();
}
END_TEST

/* The reader stands still while too much comes for it, and then follows: meanwhile the ring is exchanged. */
START_TEST(a_ring_that_was_too_small_is_exchanged_for_a_larger_one_without_loss_or_disorder) {
        struct capture_stats before, stats;
        bool ended = false;
        uint64_t lost;

        begin_with((struct capture_options){.ring_bytes = 64 << 10, .max_ring_bytes = 1 << 20, .wake_urgent = true},
                   USES_FILTER);
        actor = fork();
        if (actor == 0) {
                char name[32];

                for (int i = 0; i < 2000; i++) {
                        snprintf(name, sizeof(name), "other-%d", i);
                        touch(name);
                        unlink(lab_path(name));
                }
                usleep(300000);         /* here it begins to read */
                for (int i = 2000; i < 12000; i++) {
                        snprintf(name, sizeof(name), "other-%d", i);
                        touch(name);
                        unlink(lab_path(name));
                        usleep(200);
                }
                usleep(100000);
                touch("urgent");
                _exit(0);
        }
        usleep(300000);
        capture_stats(capture, &before);
        ck_assert_uint_gt(lab_lost(&before, WIRE_KIND_openat), 500);
        while (!ended) {
                ended = waitpid(actor, NULL, WNOHANG) == actor;
                ck_assert_int_ge(sd_event_run(loop, 20000), 0);
        }
        for (int i = 0; i < 100; i++) {
                ck_assert_int_ge(sd_event_run(loop, 20000), 0);
                capture_stats(capture, &stats);
                if (urgent.n > 0 && lab_adds_up(&stats))
                        break;
        }
        ck_assert(lab_adds_up(&stats));
        printf("%zu KiB, exchanged %ju times; %zu of 12000 read, at most %zu KiB waited\n", stats.ring_bytes >> 10,
               (uintmax_t)stats.n_resized, n_numbers, stats.ring_pending_max >> 10);
        ck_assert_uint_ge(stats.n_resized, 1);
        ck_assert_uint_ge(stats.ring_bytes, 128 << 10);
        ck_assert_uint_eq(n_disorders, 0);

        /* What is not there was counted, and the new ring calls as the old one did. */
        lost = lab_lost(&stats, WIRE_KIND_openat);
        ck_assert_uint_ge(n_numbers + lost, 12000);
        ck_assert_uint_eq(urgent.n, 1);
        end();
}
END_TEST

LAB_MAIN("bpf/wake", NULL, NULL,
         what_may_end_a_story_is_read_at_once_and_the_rest_waits,
         a_patient_reader_is_called_for_steps_that_something_is_done_about,
         without_a_filter_kinds_are_urgent_as_a_whole_and_calls_are_limited,
         switched_off_they_wait_like_all_others,
         many_urgent_records_at_once_call_a_few_times,
         a_ring_that_was_too_small_is_exchanged_for_a_larger_one_without_loss_or_disorder)

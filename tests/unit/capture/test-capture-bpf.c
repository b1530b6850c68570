/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no privilege: that the lack of it is said well. The rest is the suite bpf. */
#include "capture/capture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "unit.h"

static size_t n_lines;
static char last_line[1024];

static void on_log(int level, const char *line, size_t n, void *userdata) {
        n_lines++;
        snprintf(last_line, sizeof(last_line), "%.*s", (int)n, line);
}

static void on_event(const struct event *event, void *userdata) {
}

static const struct capture_sink sink = {.on_event = on_event};

START_TEST(without_privilege_it_is_refused_in_one_line_that_says_what_to_do) {
        struct capture_options options = {};
        struct capture *capture = NULL;
        struct interest interest = {};
        int r;

        if (geteuid() == 0)
                ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
        log_set_sink(on_log, NULL);
        r = capture_new_bpf(&options, &interest, &sink, NULL, &capture);
        ck_assert(r == -EPERM || r == -ENODATA || r == -EOPNOTSUPP);
        ck_assert_ptr_null(capture);
        ck_assert_uint_eq(n_lines, 1);
        if (r == -EPERM)
                ck_assert_ptr_nonnull(strstr(last_line, "run as root"));
}
END_TEST

START_TEST(a_ring_of_an_impossible_size_is_refused) {
        struct capture_options options = {.ring_bytes = 100000};
        struct capture *capture = NULL;
        struct interest interest = {};

        log_set_sink(on_log, NULL);
        ck_assert_int_eq(capture_new_bpf(&options, &interest, &sink, NULL, &capture), -EINVAL);
        options.ring_bytes = 4096;
        ck_assert_int_eq(capture_new_bpf(&options, &interest, &sink, NULL, &capture), -EINVAL);
        ck_assert_ptr_null(capture);
}
END_TEST

UNIT_MAIN("capture/capture-bpf",
          without_privilege_it_is_refused_in_one_line_that_says_what_to_do,
          a_ring_of_an_impossible_size_is_refused)

/* SPDX-License-Identifier: Apache-2.0 */
/* A tier that fails never fails the service. Places are broken here from within (the linker puts these functions in
 * front of the real ones): what cannot be attached, and what the verifier refuses. */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/log.h"
#include "base/macro.h"

#include "lab-park.h"
#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

static const char *broken_place;        /* a part of the names of places that cannot be attached to */
static const char *broken_program;      /* is no program that a verifier takes */
static int broken_error = -E2BIG;
static unsigned n_broken, n_broken_max, n_loads;

int __real_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton);
int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton);

static int refuse(const char *place) {
        if (broken_place && strstr(place, broken_place) && (n_broken_max == 0 || n_broken < n_broken_max)) {
                n_broken++;
                return broken_error;
        }
        return 0;
}

int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton) {
        static struct bpf_insn code[8192];
        struct bpf_program *program;
        size_t n;

        n_loads++;
        program = broken_program ? bpf_object__find_program_by_name(*skeleton->obj, broken_program) : NULL;
        n = program ? bpf_program__insn_cnt(program) : 0;
        if (n > 0 && n <= ELEMENTSOF(code) && bpf_program__autoload(program)) {
                /* All the library has to fill in stays where it is; but it does not end. */
                n_broken++;
                memcpy(code, bpf_program__insns(program), n * sizeof(code[0]));
                code[n - 1] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K};
                (void)bpf_program__set_insns(program, code, n);
        }
        return __real_bpf_object__load_skeleton(skeleton);
}

static unsigned n_notices, n_errors;

static void on_log(int level, const char *line, size_t n, void *userdata) {
        n_notices += level == LOG_NOTICE;
        n_errors += level <= LOG_ERR;
}

static void open_broken(uint64_t kinds, const char *place, const char *program) {
        static const struct capture_options options = {};
        struct interest interest = lab_interest(kinds);

        broken_place = place;
        broken_program = program;
        n_broken = n_loads = n_notices = n_errors = 0;
        log_set_sink(on_log, NULL);
        lab_open(&interest, &options);
}

static void close_broken(void) {
        log_set_sink(NULL, NULL);
        lab_close();
        broken_place = broken_program = NULL;
        broken_error = -E2BIG;
        n_broken_max = 0;
}

static size_t n_refused(void) {
        struct capture_stats stats = {};

        capture_stats(lab.capture, &stats);
        return stats.n_refused;
}

static int connect_to_nobody(void *argument) {
        struct sockaddr_in in = {
                .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (void *)&in, sizeof(in)) >= 0;
}

START_TEST(a_place_that_cannot_be_attached_to_is_said_once_counted_and_done_without) {
        struct interest both = lab_interest(LAB_KINDS(WIRE_KIND_connect, WIRE_KIND_unlink)),
                        one = lab_interest(LAB_KINDS(WIRE_KIND_unlink));
        const struct wire_header *record;
        size_t before;
        pid_t pid;

        open_broken(LAB_KINDS(WIRE_KIND_unlink), NULL, NULL);
        before = n_refused();
        broken_place = "cgroup/connect4";
        ck_assert_int_eq(capture_set_interest(lab.capture, &both, 1), 0);
        if (n_broken == 0)
                printf("no such programs here: not tried\n");
        ck_assert_uint_eq(n_notices, n_broken);
        ck_assert_uint_eq(n_refused(), before + n_broken);
        pid = lab_run(connect_to_nobody, NULL);
        record = lab_find(WIRE_KIND_connect, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(connect, dport)), 1);
        ck_assert_int_eq(!(record->user & WIRE_BIT(connect, dport)),
                         n_broken == 0 || lab_has_security(WIRE_KIND_connect));

        /* Not tried again, not said again. */
        ck_assert_int_eq(capture_set_interest(lab.capture, &one, 2), 0);
        ck_assert_int_eq(capture_set_interest(lab.capture, &both, 3), 0);
        ck_assert_uint_le(n_broken, 1);
        ck_assert_uint_eq(n_notices, n_broken);
        close_broken();
}
END_TEST

static int make_and_remove(void *argument) {
        return mkdir(lab_path("d"), 0700) < 0 || rmdir(lab_path("d")) < 0;
}

static void check_told(void) {
        pid_t pid = lab_run(make_and_remove, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_mkdir, pid), 1);
        ck_assert_uint_eq(lab_count(WIRE_KIND_unlink, pid), 1);
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_unlink, pid, 0), F(unlink, pathname)), lab_path("d"));
        ck_assert_int_eq(n_errors, 0);
}

START_TEST(a_security_hook_that_cannot_be_attached_costs_its_fields_and_nothing_else) {
        open_broken(LAB_KINDS(WIRE_KIND_unlink, WIRE_KIND_mkdir), "path_mkdir", NULL);
        check_told();
        if (n_broken == 0)
                printf("no security hooks here: not tried\n");
        ck_assert_uint_eq(n_notices, n_broken);
        ck_assert_uint_le(n_broken, 1);
        close_broken();
}
END_TEST

START_TEST(a_program_that_the_verifier_refuses_is_left_out_alone) {
        bool others;

        open_broken(LAB_KINDS(WIRE_KIND_unlink, WIRE_KIND_mkdir), NULL, "on_path_mkdir");
        check_told();
        others = lab_has_security(WIRE_KIND_unlink);
        if (n_broken == 0) {
                printf("no security hooks here: not tried\n");
                ck_assert_uint_eq(n_loads, 1);
        } else {
                char text[16384];

                /* By each way: once without and once with the verifier's words, then without the program. */
                ck_assert(others);
                ck_assert_uint_ge(n_notices, 1);
                ck_assert_uint_le(n_notices, 2);
                ck_assert_uint_ge(n_refused(), 1);
                capture_describe(lab.capture, text, sizeof(text));
                ck_assert_ptr_null(strstr(text, "path_mkdir"));
                ck_assert_ptr_nonnull(strstr(text, "path_mknod"));
        }
        close_broken();
}
END_TEST

START_TEST(a_call_that_only_explains_changes_of_credentials_can_be_done_without) {
        struct interest setuids = lab_interest(LAB_KINDS(WIRE_KIND_credchange, WIRE_KIND_setuid));

        open_broken(LAB_KINDS(WIRE_KIND_credchange), "sys_exit_setreuid", NULL);
        ck_assert_uint_eq(n_broken, 1);
        ck_assert_uint_eq(n_notices, 2);        /* this, and 32-bit calls */
        ck_assert_uint_eq(n_errors, 0);
        ck_assert(lab_count(WIRE_KIND_start, 0) > 0);
        close_broken();

        /* Who asks for the kind itself must not be blind to a part of it without being told so. */
        open_broken(LAB_KINDS(WIRE_KIND_credchange), NULL, NULL);
        broken_place = "sys_exit_setreuid";
        ck_assert_int_eq(capture_set_interest(lab.capture, &setuids, 1), 0);    /* it is attached already */
        close_broken();
        open_broken(LAB_KINDS(WIRE_KIND_unlink), NULL, NULL);
        broken_place = "sys_exit_setreuid";
        ck_assert_int_lt(capture_set_interest(lab.capture, &setuids, 1), 0);
        ck_assert_uint_gt(n_errors, 0);
        close_broken();
}
END_TEST

/* Taking programs off calls takes the kernel its time. Until then it says EBUSY, where it is no tracepoint. */
START_TEST(a_place_that_is_still_being_left_is_waited_for) {
        struct interest nothing = lab_interest(0), both = lab_interest(LAB_KINDS(WIRE_KIND_unlink, WIRE_KIND_mkdir));
        size_t before;

        open_broken(LAB_KINDS(WIRE_KIND_unlink, WIRE_KIND_mkdir), NULL, NULL);
        before = n_refused();
        capture_set_wait(lab.capture, false);
        ck_assert_int_eq(capture_set_interest(lab.capture, &nothing, 1), 0);
        broken_place = "";              /* the first that is attached to again */
        broken_error = -EBUSY;
        n_broken_max = 1;
        ck_assert_int_eq(capture_set_interest(lab.capture, &both, 2), 0);
        ck_assert_uint_eq(n_broken, 1);
        ck_assert_uint_eq(n_refused(), before);
        check_told();
        capture_set_wait(lab.capture, true);
        close_broken();
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_place_that_cannot_be_attached_to_is_said_once_counted_and_done_without,
                a_security_hook_that_cannot_be_attached_costs_its_fields_and_nothing_else,
                a_program_that_the_verifier_refuses_is_left_out_alone,
                a_call_that_only_explains_changes_of_credentials_can_be_done_without,
                a_place_that_is_still_being_left_is_waited_for,
        };

        park_refuses = refuse;
        return lab_main("bpf/broken", tests, ELEMENTSOF(tests), NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-job.h"

#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "pipeline/compile-worker.h"

static const char good[] =
        "path \"p\" {\n    description = \"x\"\n    severity = low\n    openat { pathname == \"/x\" }\n}\n";

static char directory[64];
static struct strbuf messages;
static struct compile_result result;

/* ---- a worker that does what the first place of its request says ---- */

static void answer_with(const struct compile_answer *answer) {
        _exit(compile_answer_write(STDOUT_FILENO, answer) < 0);
}

static int misbehave(const char *how) {
        struct compile_answer answer = {.type = COMPILE_ANSWER_PROGRAM, .program = "no program", .n_program = 10};
        static const char zeroes[4096];

        signal(SIGSEGV, SIG_DFL);       /* a sanitizer would make a status of it */
        if (streq(how, "crash"))
                raise(SIGSEGV);
        if (streq(how, "abort"))
                raise(SIGABRT);
        if (streq(how, "killed"))
                raise(SIGKILL);
        if (streq(how, "processor"))
                raise(SIGXCPU);
        if (streq(how, "call"))
                raise(SIGSYS);
        if (streq(how, "status"))
                _exit(3);
        if (streq(how, "sleep"))
                for (;;)
                        pause();
        if (streq(how, "garbage"))
                return write(STDOUT_FILENO, zeroes, sizeof(zeroes)) < 0;
        if (streq(how, "short"))
                return write(STDOUT_FILENO, "EXECRAYA", 8) < 0;
        if (streq(how, "cut")) {
                struct stat st;

                if (compile_answer_write(STDOUT_FILENO, &answer) < 0 || fstat(STDOUT_FILENO, &st) < 0)
                        return 1;
                return ftruncate(STDOUT_FILENO, st.st_size - 1) < 0;
        }
        if (streq(how, "huge"))
                return ftruncate(STDOUT_FILENO, (off_t)COMPILE_ANSWER_MAX_BYTES + 1) < 0;
        if (streq(how, "no program"))
                answer_with(&answer);
        if (streq(how, "forged")) {
                answer.type = COMPILE_ANSWER_REFUSED;
                answer.error = -EBADMSG;
                answer.n_program = 0;
                answer.n_errors = 1;
                answer.text = "x\x1b[2J\n\r<0>y";
                answer.n_text = strlen(answer.text);
                answer_with(&answer);
        }
        if (streq(how, "memory")) {
                answer = (struct compile_answer){.type = COMPILE_ANSWER_FAILED, .error = -ENOMEM};
                answer_with(&answer);
        }
        if (streq(how, "confined")) {
                answer = (struct compile_answer){
                        .type = COMPILE_ANSWER_FAILED, .error = -EPERM, .what = "another user"};
                answer_with(&answer);
        }
        if (streq(how, "descriptors")) {
                /* Standard input, output and error, and the one that lists them. */
                DIR *d = opendir("/proc/self/fd");
                int n = 0;

                for (struct dirent *e; (e = readdir(d));)
                        n += e->d_name[0] != '.';
                _exit(n == 4 ? 40 : 41);
        }
        return 2;
}

static int worker_main(void) {
        struct compile_request request;
        char *memory;

        if (compile_request_read(STDIN_FILENO, &request, &memory) < 0)
                return 99;
        return request.n_places > 0 && strncmp(request.places[0], "how:", 4) == 0
                     ? misbehave(request.places[0] + 4)
                     : compile_worker_run(STDIN_FILENO, STDOUT_FILENO);
}

/* ---- the frame ---- */

static const char *write_file(const char *name, const char *text) {
        static char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
        chmod(path, 0600);
        return path;
}

static void begin(void) {
        strcpy(directory, "/tmp/execray-compile-job-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void end(void) {
        char command[300];

        if (result.program)
                program_unref(result.program);
        strbuf_done(&messages);
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        ck_assert_int_eq(system(command), 0);
}

static void request_of(const char *const *place, struct compile_request *ret) {
        *ret = (struct compile_request){
                .places = place,
                .n_places = 1,
                .limits = {.timeout_ns = 20 * NSEC_PER_SEC, .memory_bytes = 512 * MIB, .user = 65534},
                .generation = 7,
        };
}

static struct compile_job *start(const struct compile_request *request) {
        struct compile_job *job;

        ck_assert_int_eq(compile_job_start(NULL, request, &job), 0);
        return job;
}

static int run(const struct compile_request *request) {
        struct compile_job *job = start(request);
        int r;

        compile_job_wait(job);
        r = compile_job_finish(job, &messages, &result);
        compile_job_free(job);
        return r;
}

static int run_place(const char *place) {
        struct compile_request request;

        request_of(&place, &request);
        return run(&request);
}

#define EXPECT_SAID(what)                                                                                              \
        ck_assert_msg(strstr(strbuf_str(&messages), what), "'%s' is not in '%s'", what, strbuf_str(&messages))

/* ---- what comes back ---- */

START_TEST(good_policies_come_back_as_a_program) {
        begin();
        ck_assert_int_eq(run_place(write_file("p.policy", good)), 0);
        ck_assert_uint_eq(result.program->n_paths, 1);
        ck_assert_uint_eq(result.program->header->generation, 7);
        ck_assert_uint_eq(result.n_files, 1);
        ck_assert_str_eq(strbuf_str(&messages), "");
        end();
}
END_TEST

START_TEST(wrong_policies_come_back_as_messages_with_their_lines) {
        begin();
        ck_assert_int_eq(run_place(write_file("p.policy", "path \"p\" {\n    opnat { }\n}\n")), -EBADMSG);
        ck_assert(result.refused);
        ck_assert_uint_eq(result.n_errors, 1);
        EXPECT_SAID("p.policy:2:5: error");
        EXPECT_SAID("|     opnat");
        end();
}
END_TEST

START_TEST(a_place_that_is_not_there_is_refused) {
        begin();
        ck_assert_int_eq(run_place("/nonexistent/policies"), -ENOENT);
        ck_assert(result.refused);
        EXPECT_SAID("/nonexistent/policies");
        end();
}
END_TEST

START_TEST(policies_that_others_may_write_are_refused) {
        const char *path;

        begin();
        path = write_file("p.policy", good);
        chmod(path, 0666);
        ck_assert_int_eq(run_place(path), -EPERM);
        ck_assert(result.refused);
        ck_assert_ptr_null(result.program);
        EXPECT_SAID("not trusted");
        end();
}
END_TEST

START_TEST(policies_of_the_user_that_compiles_are_not_trusted) {
        const char *path;

        if (geteuid() != 0)
                return;
        begin();
        path = write_file("p.policy", good);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        ck_assert_int_eq(run_place(path), -EPERM);
        end();
}
END_TEST

/* ---- what can go wrong with a process ---- */

START_TEST(each_way_to_end_badly_is_told_apart) {
        static const struct {
                const char *how;
                int r;
                const char *said;
        } cases[] = {
                {"how:crash", -ECHILD, "crashed (Segmentation fault)"},
                {"how:abort", -ECHILD, "crashed (Aborted)"},
                {"how:killed", -ECHILD, "was killed, perhaps because the machine is short of memory"},
                {"how:processor", -ECHILD, "took more than 20s of processor time (policies.compile_timeout)"},
                {"how:call", -ECHILD, "made a system call for which it has no use"},
                {"how:status", -ECHILD, "ended with status 3 and without an answer"},
                {"how:memory", -ENOMEM, "ran out of memory; it may take 512M (policies.compile_memory)"},
                {"how:confined", -EPERM,
                 "could not be confined (another user: Operation not permitted): the daemon needs"},
                {"how:descriptors", -ECHILD, "ended with status 40"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_int_eq(run_place(cases[i].how), cases[i].r);
                ck_assert(!result.refused && !result.program);
                EXPECT_SAID("The policies were not compiled: ");
                EXPECT_SAID(cases[i].said);
                strbuf_clear(&messages);
        }
        strbuf_done(&messages);
}
END_TEST

START_TEST(an_answer_that_makes_no_sense_is_no_answer) {
        static const struct {
                const char *how, *said;
        } cases[] = {
                {"how:garbage", "makes no sense (it does not begin like one)"},
                {"how:short", "makes no sense (it is too short)"},
                {"how:cut", "makes no sense (it is not as long as it says)"},
                {"how:huge", "makes no sense (it is too large)"},
                {"how:no program", "the program that came back is not valid"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_int_eq(run_place(cases[i].how), -EBADMSG);
                ck_assert(!result.refused && !result.program);
                EXPECT_SAID(cases[i].said);
                strbuf_clear(&messages);
        }
        strbuf_done(&messages);
}
END_TEST

START_TEST(messages_of_a_process_that_was_taken_over_cannot_forge_anything) {
        ck_assert_int_eq(run_place("how:forged"), -EBADMSG);
        ck_assert(result.refused);
        ck_assert_str_eq(strbuf_str(&messages), "x\\x1b[2J\n\\x0d<0>y\n");
        strbuf_done(&messages);
}
END_TEST

START_TEST(who_takes_too_long_is_ended) {
        struct compile_request request;
        const char *place = "how:sleep";

        request_of(&place, &request);
        request.limits.timeout_ns = 50 * NSEC_PER_MSEC;
        ck_assert_int_eq(run(&request), -ETIMEDOUT);
        EXPECT_SAID("took longer than 50ms (policies.compile_timeout) and was ended");
        strbuf_done(&messages);
}
END_TEST

START_TEST(the_descriptor_is_readable_at_the_end_and_not_before) {
        struct compile_request request;
        const char *place = "how:sleep";
        struct compile_job *job;
        struct pollfd fd = {.events = POLLIN};

        request_of(&place, &request);
        job = start(&request);
        fd.fd = compile_job_fd(job);
        ck_assert_int_eq(poll(&fd, 1, 50), 0);
        compile_job_kill(job);
        ck_assert_int_eq(poll(&fd, 1, 20000), 1);
        ck_assert_int_eq(compile_job_finish(job, &messages, &result), -ETIMEDOUT);
        compile_job_free(job);
        strbuf_done(&messages);
}
END_TEST

START_TEST(a_job_that_is_given_up_leaves_no_process) {
        struct compile_request request;
        const char *place = "how:sleep";

        request_of(&place, &request);
        compile_job_free(start(&request));
        ck_assert(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
        compile_job_free(NULL);
}
END_TEST

START_TEST(without_the_executable_it_does_not_start) {
        struct compile_request request;
        const char *place = "/x";
        struct compile_job *job = NULL;

        request_of(&place, &request);
        ck_assert_int_eq(compile_job_start("/nonexistent/execrayd", &request, &job), -ENOENT);
        ck_assert_ptr_null(job);
}
END_TEST

int main(int argc, char **argv) {
        const TTest *const tests[] = {
                good_policies_come_back_as_a_program,
                wrong_policies_come_back_as_messages_with_their_lines,
                a_place_that_is_not_there_is_refused,
                policies_that_others_may_write_are_refused,
                policies_of_the_user_that_compiles_are_not_trusted,
                each_way_to_end_badly_is_told_apart,
                an_answer_that_makes_no_sense_is_no_answer,
                messages_of_a_process_that_was_taken_over_cannot_forge_anything,
                who_takes_too_long_is_ended,
                the_descriptor_is_readable_at_the_end_and_not_before,
                a_job_that_is_given_up_leaves_no_process,
                without_the_executable_it_does_not_start,
        };

        if (argc == 1 && streq(argv[0], COMPILE_WORKER_NAME))
                _exit(worker_main());
        return unit_run("pipeline/compile-job", tests, ELEMENTSOF(tests));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-worker.h"

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipeline/compile-message.h"

/* The worker in a child of the test, with this request; its exit status, and the answer if there is one. */
static int work(const struct compile_request *request, struct compile_answer *ret) {
        int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC), status;
        const char *why;
        size_t size;
        pid_t pid;
        void *map;

        ck_assert_int_eq(request ? compile_request_write(in, request) : ftruncate(in, 100), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                dup2(in, STDIN_FILENO);
                dup2(out, STDOUT_FILENO);
                _exit(compile_worker_run(STDIN_FILENO, STDOUT_FILENO));
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == 0)
                ck_assert_int_eq(compile_answer_read(out, ret, &map, &size, &why), 0);
        close(in);
        close(out);
        return WEXITSTATUS(status);
}

static struct compile_request request_of(const char *const *place) {
        return (struct compile_request){
                .places = place,
                .n_places = 1,
                .limits = {.timeout_ns = 20 * NSEC_PER_SEC, .memory_bytes = 512 * MIB, .user = 65534}};
}

START_TEST(a_request_that_is_none_is_answered_with_that) {
        struct compile_answer answer;

        ck_assert_int_eq(work(NULL, &answer), 0);
        ck_assert_int_eq(answer.type, COMPILE_ANSWER_FAILED);
        ck_assert_int_eq(answer.error, -EBADMSG);
        ck_assert_str_eq(answer.what, "the request");
}
END_TEST

/* Bits that nobody else may read: so the file was opened before the privileges went. */
START_TEST(a_file_that_only_root_may_read_is_compiled) {
        char path[] = "/tmp/test-compile-worker-XXXXXX";
        static const char text[] = "path \"p\" { exit { code == 1 } }\n";
        const char *place = path;
        struct compile_request request = request_of(&place);
        struct compile_answer answer;
        int fd = mkstemp(path);

        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        ck_assert_int_eq(fchmod(fd, 0600), 0);
        request.policies.trust_any_owner = true;        /* of the directory */
        ck_assert_int_eq(work(&request, &answer), 0);
        ck_assert_int_eq(answer.type, COMPILE_ANSWER_PROGRAM);
        ck_assert_uint_eq(answer.n_paths, 1);
        close(fd);
        unlink(path);
}
END_TEST

START_TEST(a_user_that_cannot_be_is_told_and_nothing_is_compiled) {
        char path[] = "/tmp/test-compile-worker-XXXXXX";
        const char *place = path;
        struct compile_request request = request_of(&place);
        struct compile_answer answer;
        int fd = mkstemp(path);

        if (geteuid() == 0) {
                request.limits.user = UINT32_MAX;       /* "no change", to setresuid() */
                request.policies.trust_any_owner = true;
                ck_assert_int_eq(work(&request, &answer), 0);
                ck_assert_int_eq(answer.type, COMPILE_ANSWER_FAILED);
                ck_assert_int_lt(answer.error, 0);
        }
        close(fd);
        unlink(path);
}
END_TEST

UNIT_MAIN("pipeline/compile-worker", a_request_that_is_none_is_answered_with_that,
          a_file_that_only_root_may_read_is_compiled, a_user_that_cannot_be_is_told_and_nothing_is_compiled)

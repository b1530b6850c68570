/* SPDX-License-Identifier: Apache-2.0 */
/* execray.sha256(): right, or nil in bounded time, whatever is run. */
#include "script/script.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/copy.h"
#include "action/proc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "script/script-answer.h"
#include "script/script-value.h"

#include "unit.h"

#define LARGE (64U << 20)

static char path[64];

/* A process whose program has so many bytes, zeros behind what it was, and their hash. */
static pid_t start(off_t n, char hex[static SHA256_HEX]) {
        _cleanup_(closep) int from = open("/bin/sleep", O_RDONLY | O_CLOEXEC), to = -1;
        struct copy copy = {.max_bytes = UINT64_MAX / 2};
        struct copy_answer answer;
        struct proc_stat stat;
        pid_t pid;

        snprintf(path, sizeof(path), "/tmp/test-facts-%d", (int)getpid());
        to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        copy.from = from;
        copy.to = to;
        copy_run(&copy, &answer);
        ck_assert_int_eq(answer.error, 0);
        ck_assert_int_eq(ftruncate(to, n), 0);
        ck_assert_int_eq(lseek(to, 0, SEEK_SET), 0);
        copy = (struct copy){.from = to, .to = -1, .max_bytes = UINT64_MAX / 2};
        copy_run(&copy, &answer);
        ck_assert_int_eq(answer.error, 0);
        memcpy(hex, answer.sha256, SHA256_HEX);
        to = close_fd(to);              /* or it cannot be run */

        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                execl(path, "sleep", "60", NULL);
                _exit(127);
        }
        do
                ck_assert_int_eq(proc_stat_read((uint32_t)pid, &stat), 0);
        while (!streq(stat.name, "sleep") && strncmp(stat.name, "test-facts", 10) != 0);
        return pid;
}

static void end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        (void)unlink(path);
}

/* What a run says of field `hash`, NULL: nothing. Static. */
static const char *ask(const char *body, pid_t pid, uint64_t time_ns, enum script_end *ret, uint64_t *ret_ns) {
        const struct script_limits limits = {
                .memory_bytes = 8 * MIB, .instructions = 10000000, .time_ns = time_ns, .data_bytes = MIB};
        _cleanup_(script_value_freep) struct script_value *alert = NULL;
        _cleanup_(script_answer_done) struct script_answer answer = {};
        _cleanup_(strbuf_done) struct strbuf message = {};
        _cleanup_(script_freep) struct script *script = NULL;
        struct proc_stat stat = {};
        static char said[256];
        char text[1024];
        uint64_t begun_ns;
        const char *why;

        (void)proc_stat_read((uint32_t)pid, &stat);
        snprintf(text, sizeof(text),
                 "responder('r', function(alert)\n"
                 "    local p = {pid = %d, start_ns = %llu}\n"
                 "    %s\n"
                 "end)\n",
                 (int)pid, (unsigned long long)proc_identity(&stat).start_ns, body);
        ck_assert_msg(script_load("a.lua", text, strlen(text), &limits, true, &message, &script) == 0, "%s",
                      strbuf_str(&message));
        ck_assert_int_eq(script_value_parse("{}", 2, &alert, &why), 0);
        begun_ns = clock_boottime_ns();
        *ret = script_run(script, "r", NULL, alert, NULL, begun_ns, &answer);
        *ret_ns = nsec_sub(clock_boottime_ns(), begun_ns);
        if (answer.n_fields == 0)
                return NULL;
        snprintf(said, sizeof(said), "%s", answer.fields[0].value);
        return said;
}

static const char once[] = "execray.field('hash', execray.sha256(p) or 'nil')";

START_TEST(a_program_is_hashed) {
        char hex[SHA256_HEX];
        pid_t pid = start(300000, hex);
        const char *said = NULL;
        enum script_end how;
        uint64_t took_ns;

        for (int i = 0; i < 20; i++) {  /* a busy machine may not start the child in time */
                said = ask(once, pid, 10 * NSEC_PER_SEC, &how, &took_ns);
                ck_assert_int_eq(how, SCRIPT_FINE);
                if (!streq(said, "nil"))
                        break;
        }
        ck_assert_str_eq(said, hex);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);        /* of the children only that one is left */
        end(pid);
        ck_assert_str_eq(ask(once, pid, 10 * NSEC_PER_SEC, &how, &took_ns), "nil");
        ck_assert_int_eq(how, SCRIPT_FINE);
}
END_TEST

START_TEST(a_program_that_is_too_large_is_nil) {
        char hex[SHA256_HEX];
        pid_t pid = start((off_t)LARGE + 1, hex);
        enum script_end how;
        uint64_t took_ns;

        ck_assert_str_eq(ask(once, pid, 10 * NSEC_PER_SEC, &how, &took_ns), "nil");
        ck_assert_int_eq(how, SCRIPT_FINE);
        end(pid);
}
END_TEST

START_TEST(a_large_program_is_hashed_or_nil_and_its_script_no_offender) {
        char hex[SHA256_HEX];
        pid_t pid = start(LARGE, hex);
        enum script_end how;
        const char *said;
        uint64_t took_ns;

        said = ask(once, pid, 10 * NSEC_PER_SEC, &how, &took_ns);
        ck_assert_int_eq(how, SCRIPT_FINE);
        ck_assert_msg(streq(said, hex) || streq(said, "nil"), "%s", said);
        ck_assert_uint_lt(took_ns, 2 * NSEC_PER_SEC);   /* 0.2 s, and 0.05 s for the child to go */

        /* All of them together: within the time of the run, though each takes a part of it. */
        said = ask("for i = 1, 1000 do execray.sha256(p) end execray.field('hash', 'all')", pid, NSEC_PER_SEC, &how,
                   &took_ns);
        ck_assert_uint_lt(took_ns, 5 * NSEC_PER_SEC);
        ck_assert_msg(how == SCRIPT_OVER_TIME || how == SCRIPT_FINE, "%s", script_end_to_string(how));
        end(pid);
}
END_TEST

START_TEST(numbers_that_are_no_process_are_nil) {
        enum script_end how;
        uint64_t took_ns;

        ck_assert_str_eq(ask("execray.field('hash', execray.sha256({pid = -1}) or 'nil')", getpid(), 10 * NSEC_PER_SEC,
                             &how, &took_ns),
                         "nil");
        ck_assert_str_eq(ask("execray.field('hash', execray.sha256({pid = p.pid, start_ns = -5}) or 'nil')", getpid(),
                             10 * NSEC_PER_SEC, &how, &took_ns),
                         "nil");
}
END_TEST

START_TEST(values_are_json) {
        enum script_end how;
        uint64_t took_ns;

        ck_assert_str_eq(
                ask("execray.field('hash', execray.json('a\"b\\n') .. execray.json(true) .. execray.json(nil))",
                    getpid(), NSEC_PER_SEC, &how, &took_ns),
                "\"a\\\"b\\n\"truenull");
}
END_TEST

UNIT_MAIN("script/script-facts", a_program_is_hashed, a_program_that_is_too_large_is_nil,
          a_large_program_is_hashed_or_nil_and_its_script_no_offender, numbers_that_are_no_process_are_nil,
          values_are_json)

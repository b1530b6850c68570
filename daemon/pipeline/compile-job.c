/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-job.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "base/strbuf.h"
#include "pipeline/compile-worker.h"

struct compile_job {
        pid_t pid;                      /* 0: reaped */
        int pidfd;                      /* owned */
        int answer;                     /* owned: a file in memory */
        bool killed;                    /* by compile_job_kill() */
        struct compile_limits limits;
        uint64_t generation;
};

DEFINE_CLEANUP(struct compile_job *, compile_job_free)

static int wait_for_end(const struct compile_job *job, siginfo_t *ret) {
        while (waitid(P_PID, (id_t)job->pid, ret, WEXITED) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

struct compile_job *compile_job_free(struct compile_job *job) {
        siginfo_t info;

        if (!job)
                return NULL;
        if (job->pid > 0) {
                (void)kill(job->pid, SIGKILL);
                (void)wait_for_end(job, &info);
        }
        close_fd(job->pidfd);
        close_fd(job->answer);
        free(job);
        return NULL;
}

/* A file in memory, above the standard descriptors, which the new process needs. */
static int memory_file(const char *name, int *ret) {
        _cleanup_(closep) int low = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int fd;

        if (low < 0)
                return -errno;
        fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

int compile_job_start(const char *executable, const struct compile_request *request, struct compile_job **ret) {
        _cleanup_(compile_job_freep) struct compile_job *job = NULL;
        _cleanup_(closep) int fd = -1;
        int r;

        assert(request && ret);

        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        job->pidfd = job->answer = -1;
        job->limits = request->limits;
        job->generation = request->generation;

        r = memory_file("policies-request", &fd);
        if (r >= 0)
                r = compile_request_write(fd, request);
        if (r >= 0)
                r = memory_file("policies-answer", &job->answer);
        if (r >= 0)
                r = spawn_clean(executable, COMPILE_WORKER_NAME, fd, job->answer, &job->pid);
        if (r < 0)
                return r;

        job->pidfd = pidfd_open(job->pid, 0);
        if (job->pidfd < 0)
                return -errno;

        *ret = TAKE_PTR(job);
        return 0;
}

int compile_job_fd(const struct compile_job *job) {
        return job->pidfd;
}

void compile_job_kill(struct compile_job *job) {
        if (job->pid > 0 && kill(job->pid, SIGKILL) >= 0)
                job->killed = true;
}

void compile_job_wait(struct compile_job *job) {
        struct pollfd fd = {.fd = job->pidfd, .events = POLLIN};
        uint64_t ms = job->limits.timeout_ns / NSEC_PER_MSEC;
        int r;

        do
                r = poll(&fd, 1, ms < INT32_MAX ? (int)ms : INT32_MAX);
        while (r < 0 && errno == EINTR);
        if (r == 0)
                compile_job_kill(job);
}

/* Its messages, each line made harmless: nobody knows who wrote them. */
static void put_text(const struct compile_answer *answer, struct strbuf *messages) {
        const char *at = answer->text, *end = answer->text + answer->n_text;

        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *stop = newline ?: end;

                strbuf_put_text(messages, at, (size_t)(stop - at));
                strbuf_put_char(messages, '\n');
                at = stop + 1;
        }
}

static void put_end(const struct compile_job *job, const siginfo_t *info, struct strbuf *messages) {
        char text[FORMAT_DURATION_MAX];

        strbuf_put(messages, "The policies were not compiled: the process that compiles them ");
        format_duration(text, job->limits.timeout_ns);
        if (job->killed)
                strbuf_printf(messages, "took longer than %s (policies.compile_timeout) and was ended.\n", text);
        else if (info->si_code == CLD_EXITED)
                strbuf_printf(messages, "ended with status %d and without an answer.\n", info->si_status);
        else if (info->si_status == SIGXCPU)
                strbuf_printf(messages,
                              "took more than %s of processor time (policies.compile_timeout) and was ended.\n", text);
        else if (info->si_status == SIGXFSZ)
                strbuf_put(messages, "wanted to answer with more than may be, and was ended.\n");
        else if (info->si_status == SIGSYS)
                strbuf_put(messages, "made a system call for which it has no use, and was ended.\n");
        else if (info->si_status == SIGKILL)
                strbuf_put(messages, "was killed, perhaps because the machine is short of memory.\n");
        else if (info->si_code == CLD_DUMPED || info->si_status == SIGSEGV || info->si_status == SIGABRT ||
                 info->si_status == SIGBUS || info->si_status == SIGILL || info->si_status == SIGFPE)
                strbuf_printf(messages, "crashed (%s).\n", strsignal(info->si_status));
        else
                strbuf_printf(messages, "was ended by a signal (%s).\n", strsignal(info->si_status));
}

static void put_failure(const struct compile_job *job, const struct compile_answer *answer, struct strbuf *messages) {
        char text[FORMAT_SIZE_MAX];

        strbuf_put(messages, "The policies were not compiled: the process that compiles them ");
        format_size(text, job->limits.memory_bytes);
        if (answer->error == -ENOMEM)
                strbuf_printf(messages, "ran out of memory; it may take %s (policies.compile_memory).\n", text);
        else {
                strbuf_put(messages, "could not be confined (");
                strbuf_put_text(messages, answer->what, strlen(answer->what));
                strbuf_printf(messages, ": %s)%s.\n", strerror(-answer->error),
                              answer->error == -EPERM ? ": the daemon needs CAP_SETUID and CAP_SETGID for it" : "");
        }
}

static int finish_answer(const struct compile_job *job, const struct compile_answer *answer, struct strbuf *messages,
                         struct compile_result *ret) {
        const char *where = "";
        int r;

        put_text(answer, messages);
        ret->n_files = answer->n_files;
        ret->n_paths = answer->n_paths;
        ret->n_errors = answer->n_errors;
        ret->n_warnings = answer->n_warnings;

        switch (answer->type) {
        case COMPILE_ANSWER_REFUSED:
                ret->refused = true;
                ret->error = answer->error;
                return answer->error;
        case COMPILE_ANSWER_FAILED:
                put_failure(job, answer, messages);
                return answer->error;
        case COMPILE_ANSWER_PROGRAM:
        case _COMPILE_ANSWER_TYPE_MAX:
                break;
        }

        r = program_new(answer->program, answer->n_program, &ret->program, &where);
        if (r < 0) {
                strbuf_printf(messages,
                              "The policies were not compiled: the program that came back is not valid (%s).\n",
                              r == -ENOMEM ? "out of memory" : where);
                return r;
        }
        program_set_generation(ret->program, job->generation);
        return 0;
}

int compile_job_finish(struct compile_job *job, struct strbuf *messages, struct compile_result *ret) {
        struct compile_answer answer;
        const char *why = "";
        siginfo_t info = {};
        size_t size;
        void *map;
        int r;

        assert(job->pid > 0 && messages && ret);

        *ret = (struct compile_result){};
        r = wait_for_end(job, &info);
        job->pid = 0;
        if (r >= 0 && (info.si_code != CLD_EXITED || info.si_status != 0)) {
                put_end(job, &info, messages);
                return job->killed ? -ETIMEDOUT : -ECHILD;
        }

        /* It is dead; nobody else shall have the file either. */
        if (r >= 0 && fcntl(job->answer, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                r = -errno;
        if (r >= 0)
                r = compile_answer_read(job->answer, &answer, &map, &size, &why);
        if (r < 0) {
                strbuf_printf(messages, "The policies were not compiled: the answer makes no sense (%s).\n",
                              r == -EBADMSG ? why : strerror(-r));
                return r;
        }

        r = finish_answer(job, &answer, messages, ret);
        (void)munmap(map, size);
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Large copies: made by children, a few at a time, so that whoever waits behind them need not. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "action/child.h"
#include "base/clock.h"
#include "base/fd.h"

#define RUNNING_MAX 2
#define WAITING_MAX 32
#define PATIENCE_NS (2 * NSEC_PER_MIN)

struct job {
        struct job *next;
        struct copier *copier;
        struct copy copy;               /* its descriptors are owned */
        void (*done)(const struct copy_answer *answer, void *userdata);
        void *userdata;
        struct child child;             /* that makes it, if it has begun */
        pid_t parent;                   /* of the child */
        sd_event_source *timer;
};

struct copier {
        struct actions *actions;
        struct job *first;              /* as they came */
        size_t n, n_running;
};

static void reap(struct job *job) {
        job->timer = sd_event_source_disable_unref(job->timer);
        if (child_runs(&job->child))
                job->copier->n_running--;
        child_free(&job->child);
}

static void job_free(struct job *job) {
        struct job **at = &job->copier->first;

        while (*at && *at != job)
                at = &(*at)->next;
        if (*at) {
                *at = job->next;
                job->copier->n--;
        }
        reap(job);
        close_fd(job->copy.from);
        close_fd(job->copy.to);
        free(job);
}

static void job_end(struct job *job, const struct copy_answer *answer) {
        void (*done)(const struct copy_answer *, void *) = job->done;
        void *userdata = job->userdata;

        job_free(job);
        done(answer, userdata);
}

static void pump(struct copier *copier);

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct copy_answer answer;
        struct job *job = userdata;
        struct copier *copier = job->copier;

        if (child_read_answer(&job->child, &answer, sizeof(answer)) < 0)
                answer = (struct copy_answer){.error = -ECHILD};
        answer.sha256[sizeof(answer.sha256) - 1] = 0;
        job_end(job, &answer);
        pump(copier);
        return 0;
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct copy_answer late = {.error = -ETIMEDOUT};
        struct job *job = userdata;
        struct copier *copier = job->copier;

        job_end(job, &late);
        pump(copier);
        return 0;
}

static void make(void *userdata, int answer_fd) {
        const struct job *job = userdata;
        struct copy copy = job->copy;
        struct copy_answer answer;

        child_become_small("execray-copy", &copy.from, &copy.to, &answer_fd, job->parent);
        copy_run(&copy, &answer);
        _exit(fd_write_full(answer_fd, &answer, sizeof(answer)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int start(struct job *job) {
        struct actions *actions = job->copier->actions;
        uint64_t patience_ns = actions->copy_patience_ns ?: PATIENCE_NS;
        int r;

        job->parent = getpid();
        r = child_start(&job->child, actions->loop, make, on_ended, job);
        if (r < 0)
                return r;
        job->copier->n_running++;
        r = sd_event_add_time_relative(actions->loop, &job->timer, CLOCK_BOOTTIME, patience_ns / NSEC_PER_USEC, 0,
                                       on_patience, job);
        if (r < 0)
                reap(job);
        return r;
}

/* Begin as many as may run at a time, in the order in which they came. */
static void pump(struct copier *copier) {
        struct job *job = copier->first;

        while (job && copier->n_running < RUNNING_MAX) {
                struct job *next = job->next;
                struct copy_answer answer = {};

                if (!child_runs(&job->child)) {
                        answer.error = start(job);
                        if (answer.error < 0)
                                job_end(job, &answer);
                }
                job = next;
        }
}

int action_copy(struct actions *actions, const struct copy *copy,
                void (*done)(const struct copy_answer *answer, void *userdata), void *userdata) {
        struct job *job, **at;

        if (!actions->copier) {
                actions->copier = calloc(1, sizeof(*actions->copier));
                if (!actions->copier)
                        return -ENOMEM;
                actions->copier->actions = actions;
        }
        if (actions->copier->n >= RUNNING_MAX + WAITING_MAX)
                return -EBUSY;
        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        *job = (struct job){.copier = actions->copier,
                            .copy = *copy,
                            .done = done,
                            .userdata = userdata,
                            .child = CHILD_NONE};
        for (at = &actions->copier->first; *at; at = &(*at)->next)
                ;
        *at = job;
        actions->copier->n++;
        pump(actions->copier);
        return 0;
}

bool action_is_large(const struct actions *actions, uint64_t n_bytes) {
        return actions->loop && n_bytes > ACTION_COPY_SMALL;
}

size_t copier_n(const struct copier *copier) {
        return copier ? copier->n : 0;
}

struct copier *copier_free(struct copier *copier) {
        const struct copy_answer ended = {.error = -ECANCELED};

        if (!copier)
                return NULL;
        while (copier->first)
                job_end(copier->first, &ended);
        free(copier);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts through a script, the whole way: events to the engine, the alert as JSON, held, to the process of the scripts,
 * its answer back, told. The recording is the workload of the other benchmarks, its opens played again and again; every
 * open is an alert.
 *
 *      respond_alerts, _asked, _answered       how many, and how many of them a script was asked about
 *      respond_within_5ms                      of the answers, while as many wait as may
 *      respond_alerts_s                        answered in a second
 *      respond_rss_kib_first, _middle, _last   of the daemon's side, after 1%, 50% and 100%
 *      respond_worker_rss_kib_first, ...       of the process of the scripts
 *      alone_p50_us, _p99_us                   from an alert to its answer, one after the other
 *      wakeup_p50_us, _p99_us                  of another process that sends a byte back, by turns with these
 *      alone_over_wakeup_p99                   one by the other: what is left of it on a machine that is busy
 *      plain_alerts, plain_asked               the same without a responder: nothing is started, nobody asked
 *
 * usage: bench-respond [--quick | ALERTS] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "config/config.h"
#include "measure.h"
#include "pipeline/pipeline.h"
#include "report/redact.h"
#include "response/respond-worker.h"
#include "response/response.h"
#include "workload.h"

#define N_EVENTS 20000

static const char script[] = "responder(\"trivial\", function(alert) execray.field(\"seen\", \"yes\") end)\n";
static const char asking[] = "path \"open\" {\n    suppress = 0s\n    respond = [\"trivial\"]\n    openat { }\n}\n";
static const char plain[] = "path \"open\" {\n    suppress = 0s\n    openat { }\n}\n";

static void fail(const char *what) {
        fprintf(stderr, "bench-respond: %s\n", what);
        exit(EXIT_FAILURE);
}

static struct program *compile(const char *text) {
        const struct policy_options options = {.trust_any_owner = true};
        struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        if (policy_set_parse("bench", text, strlen(text), &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &program) < 0)
                fail("the policy does not compile");
        diag_set_done(&diags);
        policy_set_free(set);
        return program;
}

static unsigned long rss_kib(int pid) {
        unsigned long total, resident = 0;
        char path[64];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/statm", pid);
        file = fopen(path, "re");
        if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
                resident = 0;
        if (file)
                fclose(file);
        return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void print_rss(const char *when, const struct response *response) {
        struct response_stats stats;

        response_stats(response, &stats);
        printf("respond_rss_kib_%s %lu\nrespond_worker_rss_kib_%s %lu\n", when, rss_kib(getpid()), when,
               rss_kib(stats.pid));
}

struct bench {
        struct config config;
        struct redactor *redactor;
        struct pipeline *pipeline;
        struct event *opens;
        size_t n_opens;
        uint64_t number;
        sd_event *loop;
};

static void begin(struct bench *bench, struct program *program, int null) {
        struct pipeline_options options = {};

        pipeline_configure(&bench->config, &options);
        options.report.outputs = REPORT_JSON;
        options.report.fd = null;
        options.report.redactor = bench->redactor;
        if (pipeline_new(program, &options, NULL, NULL, &bench->pipeline) < 0)
                fail("no pipeline");
}

static void feed(struct bench *bench, size_t i) {
        struct event event = bench->opens[i % bench->n_opens];

        event.number = ++bench->number;
        pipeline_feed(bench->pipeline, &event);
}

static void ask(struct bench *bench, size_t n, const char *place, int null) {
        struct program *program = compile(asking);
        const struct response_options options = {.config = &bench->config,
                                                 .program = program,
                                                 .places = &place,
                                                 .n_places = 1,
                                                 .loop = bench->loop};
        struct response *response = NULL;
        struct response_stats stats = {};
        uint64_t start_ns;

        begin(bench, program, null);
        if (response_new(&options, NULL, NULL, &response) < 0 || response_wait(response) < 0)
                fail("the process of the scripts does not begin");
        response_attach(response, pipeline_report(bench->pipeline));
        start_ns = measure_now_ns();
        for (size_t i = 0, fed = 0; i < n;) {
                response_stats(response, &stats);
                if (stats.n_waiting < bench->config.scripts.queue / 2)
                        feed(bench, fed++);
                else if (sd_event_run(bench->loop, UINT64_MAX) < 0)
                        fail("the loop ended");
                /* An open that failed is no alert. */
                if (stats.n_asked == i)
                        continue;
                i = stats.n_asked;
                if (i == n / 100)
                        print_rss("first", response);
                else if (i == n / 2)
                        print_rss("middle", response);
        }
        response_drain(response);
        print_rss("last", response);
        response_stats(response, &stats);
        printf("respond_alerts %zu\nrespond_asked %llu\nrespond_answered %llu\nrespond_within_5ms %llu\n", n,
               (unsigned long long)stats.n_asked, (unsigned long long)stats.n_answered,
               (unsigned long long)stats.n_fast);
        printf("respond_alerts_s %.0f\n", (double)stats.n_answered * 1e9 / (double)(measure_now_ns() - start_ns));
        response_free(response);
        pipeline_free(bench->pipeline);
        program_unref(program);
}

/* ---- one at a time ---- */

static int start_echo(pid_t *ret) {
        int fds[2];
        char c;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0 || (*ret = fork()) < 0)
                fail("nobody who answers");
        if (*ret == 0) {
                close(fds[0]);
                while (read(fds[1], &c, 1) == 1 && write(fds[1], &c, 1) == 1)
                        ;
                _exit(EXIT_SUCCESS);
        }
        close(fds[1]);
        return fds[0];
}

static double percentile(struct measure *m, double share) {
        qsort(m->samples, m->n, sizeof(m->samples[0]), measure_compare);
        return m->samples[(size_t)((double)(m->n - 1) * share)] / 1000;
}

static void ask_alone(struct bench *bench, size_t n, const char *place, int null) {
        static struct measure alone, wakeup;
        struct program *program = compile(asking);
        const struct response_options options = {.config = &bench->config,
                                                 .program = program,
                                                 .places = &place,
                                                 .n_places = 1,
                                                 .loop = bench->loop};
        struct response *response = NULL;
        struct response_stats stats = {};
        pid_t pid;
        int echo = start_echo(&pid);
        char c = 0;

        begin(bench, program, null);
        if (response_new(&options, NULL, NULL, &response) < 0 || response_wait(response) < 0)
                fail("the process of the scripts does not begin");
        response_attach(response, pipeline_report(bench->pipeline));
        for (size_t i = 0; alone.n < n; i++) {
                uint64_t start_ns = measure_now_ns();

                feed(bench, i);
                response_stats(response, &stats);
                if (stats.n_waiting == 0)
                        continue;       /* an open that failed */
                while (stats.n_waiting > 0) {
                        if (sd_event_run(bench->loop, UINT64_MAX) < 0)
                                fail("the loop ended");
                        response_stats(response, &stats);
                }
                measure_add(&alone, start_ns, 1);
                usleep(200);
                start_ns = measure_now_ns();
                if (write(echo, &c, 1) != 1 || read(echo, &c, 1) != 1)
                        fail("nobody answers");
                measure_add(&wakeup, start_ns, 1);
        }
        printf("alone_p50_us %.1f\nalone_p99_us %.1f\n", percentile(&alone, 0.5), percentile(&alone, 0.99));
        printf("wakeup_p50_us %.1f\nwakeup_p99_us %.1f\n", percentile(&wakeup, 0.5), percentile(&wakeup, 0.99));
        printf("alone_over_wakeup_p99 %.2f\n", percentile(&alone, 0.99) / percentile(&wakeup, 0.99));
        close(echo);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        response_free(response);
        pipeline_free(bench->pipeline);
        program_unref(program);
}

static void ask_nobody(struct bench *bench, size_t n, int null) {
        struct program *program = compile(plain);
        struct pipeline_stats stats;

        begin(bench, program, null);
        if (response_is_needed(program, &bench->config))
                fail("a process would be started for nobody");
        for (size_t i = 0; i < n; i++)
                feed(bench, i);
        pipeline_stats(bench->pipeline, &stats);
        printf("plain_alerts %llu\nplain_asked %llu\n", (unsigned long long)stats.report.n_alerts,
               (unsigned long long)stats.report.n_held);
        pipeline_free(bench->pipeline);
        program_unref(program);
}

int main(int argc, char **argv) {
        size_t n = measure_is_quick(argc, argv) ? 10000 : 1000000;
        char place[] = "/tmp/execray-bench-XXXXXX", file[64];
        struct bench bench = {};
        struct event *events;
        char *bytes;
        int fd, null;

        if (streq(argv[0], RESPOND_WORKER_NAME))
                return respond_worker_run(STDIN_FILENO);
        if (argc > 1 && !measure_is_quick(argc, argv))
                n = MAX(strtoul(argv[1], NULL, 10), 1000UL);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (!mkdtemp(place))
                fail("no directory");
        snprintf(file, sizeof(file), "%s/trivial.lua", place);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || null < 0 || fd_write_full(fd, script, strlen(script)) < 0)
                fail("no script");
        close(fd);
        if (config_init(CONFIG_PROFILE_BALANCED, &bench.config) < 0 || sd_event_new(&bench.loop) < 0 ||
            redactor_new(&(struct redact_options){}, &bench.redactor) < 0)
                fail("no memory");

        workload_make(1, N_EVENTS, &bytes, &events);
        bench.opens = calloc(N_EVENTS, sizeof(*bench.opens));
        for (size_t i = 0; bench.opens && i < N_EVENTS; i++)
                if (event_kind(&events[i]) == WIRE_KIND_openat)
                        bench.opens[bench.n_opens++] = events[i];
        bench.number = events[N_EVENTS - 1].number;
        if (bench.n_opens == 0)
                fail("no opens");
        ask(&bench, n, place, null);
        ask_alone(&bench, MIN(n / 10, (size_t)MEASURE_MAX / 2), place, null);
        ask_nobody(&bench, n / 10, null);

        (void)unlink(file);
        (void)rmdir(place);
        redactor_free(bench.redactor);
        sd_event_unref(bench.loop);
        config_done(&bench.config);
        free(bench.opens);
        free(events);
        free(bytes);
        return EXIT_SUCCESS;
}

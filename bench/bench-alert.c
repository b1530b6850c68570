/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert costs from the event that completes the story to the line on a descriptor: evidence, words, redaction,
 * packages, JSON and one write. The actor has seven ancestors with the arguments that such have.
 *
 *      alert_us                one step, as JSON to /dev/null
 *      alert_forgetful_us      the same with alerts.remember off
 *      alert_text_us           the same as text
 *      alert_three_us          a story of three steps by three processes, as JSON
 *      alert_bytes             of the JSON of the first
 *      alert_syscalls          of the first, each; the write is one of them
 *      alert_allocs            of the first, each */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "alloc-fail.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "event/encode.h"
#include "measure.h"
#include "pipeline/pipeline.h"
#include "report/redact.h"

#define BATCH 50

static struct record record;
static uint64_t now_ns = 1000000000, number;

static void begin(enum wire_kind kind, uint32_t pid, uint32_t creator) {
        record_begin(&record, kind);
        record.header.time_ns = now_ns += 1000;
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid * 1000;
        record.header.creator_tgid = creator;
        record.header.creator_start_ns = creator * 1000;
        record.header.tree_tgid = 900;
        record.header.tree_start_ns = 900000;
        record.header.uid = record.header.euid = record.header.gid = record.header.egid = 1000;
        record.header.loginuid = 1000;
        record.header.cgroup_id = 7;
}

static void feed(struct pipeline *pipeline) {
        struct event event;

        if (record_finish(&record) < 0 || event_parse(record.data, record.header.size, &event) < 0)
                abort();
        event.number = ++number;
        pipeline_feed(pipeline, &event);
}

static void snapshot(struct pipeline *pipeline, uint32_t pid, uint32_t creator, const char *const *argv) {
        struct wire_object file = {};
        struct stat st;

        begin(WIRE_KIND_process, pid, creator);
        record_set_text(&record, FIELD_process_exe, argv[0]);
        record_set_list(&record, FIELD_process_argv, argv + 1);
        record_set_text(&record, FIELD_process_cwd, "/home/user/project/deployment");
        record_set_text(&record, FIELD_process_comm, "program");
        if (stat(argv[0], &st) >= 0) {
                file.device = major(st.st_dev) << 20 | minor(st.st_dev);
                file.inode = st.st_ino;
                record_set_object(&record, FIELD_process_file, &file);
        }
        feed(pipeline);
}

static void populate(struct pipeline *pipeline) {
        static const char *const processes[][20] = {
                {"/usr/lib/systemd/systemd", "/sbin/init", NULL},
                {"/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", NULL},
                {"/usr/sbin/sshd", "sshd: user@pts/0", NULL},
                {"/usr/bin/bash", "-bash", NULL},
                {"/usr/bin/make", "make", "-j2", "-C", "/home/user/project/deployment", "PROFILE=release", "deploy",
                 NULL},
                {"/usr/bin/dash", "/bin/sh", "-c",
                 "set -e; for i in web database; do ./tools/deploy --target=$i --config /etc/deploy/$i.conf; done",
                 NULL},
                {"/usr/bin/python3.11", "python3", "./tools/deploy", "--target=database", "--config",
                 "/etc/deploy/database.conf", "--password", "correct-horse", "--retries", "3", "--verbose", NULL},
                {"/usr/bin/curl", "curl", "--silent", "--show-error", "--fail", "-H", "Content-Type: application/json",
                 "-o", "/home/user/project/deployment/cache/answer.json",
                 "https://registry.example.com/v2/project/manifests/latest", NULL},
        };

        record_begin(&record, WIRE_KIND_cgroup);
        record_set_number(&record, FIELD_cgroup_id, 7);
        record_set_text(&record, FIELD_cgroup_path, "/user.slice/user-1000.slice/session-3.scope");
        feed(pipeline);
        for (uint32_t i = 0; i < ELEMENTSOF(processes); i++)
                snapshot(pipeline, 1 + i * 100, i == 0 ? 0 : 1 + (i - 1) * 100, processes[i]);
}

static void connects(struct pipeline *pipeline, uint32_t pid, unsigned port) {
        const struct wire_address address = {.bytes = {203, 0, 113, 7}, .family = 2};

        begin(WIRE_KIND_connect, pid, pid - 100);
        record_set_number(&record, FIELD_connect_fd, 5);
        record_set_object(&record, FIELD_connect_socket, &(struct wire_object){.inode = now_ns});
        record_set_number(&record, FIELD_connect_family, 2);
        record_set_number(&record, FIELD_connect_type, 1);
        record_set_number(&record, FIELD_connect_protocol, 6);
        record_set_address(&record, FIELD_connect_daddr, &address);
        record_set_number(&record, FIELD_connect_dport, port);
        feed(pipeline);
}

static struct program *compile(const char *text) {
        const struct policy_options options = {.trust_any_owner = true};
        struct policy_set *set = NULL;
        struct program *program;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        if (policy_set_parse("bench", text, strlen(text), &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &program) < 0)
                exit(EXIT_FAILURE);
        diag_set_done(&diags);
        policy_set_free(set);
        return program;
}

static bool remember = true;

static struct pipeline *make(const char *text, unsigned outputs, int fd, const struct redactor *redactor) {
        const struct pipeline_options options = {
                .table = {.max_processes = 4096, .max_image_bytes = 1 << 20, .max_cgroups = 64, .grace_ns = 1000000},
                .engine = {.max_runs = 4096, .max_tuples = 256, .max_keys = 1024, .max_counts = 1024,
                           .max_suppressed = 64, .evidence_bytes = 1 << 20},
                .report = {.outputs = outputs, .fd = fd, .redactor = redactor, .packages = true, .remember = remember},
        };
        struct program *program = compile(text);
        struct pipeline *pipeline;

        if (pipeline_new(program, &options, NULL, NULL, &pipeline) < 0)
                exit(EXIT_FAILURE);
        program_unref(program);
        report_prepare(pipeline_report(pipeline), now_ns);
        while (report_work(pipeline_report(pipeline)))
                ;
        populate(pipeline);
        return pipeline;
}

/* Alerts in batches; time of the stream goes on as in a storm, 10 us for each. */
static void run(const char *key, struct pipeline *pipeline, bool three, unsigned n_batches) {
        static struct measure measure;
        struct pipeline_stats stats;
        uint64_t n_told;

        measure.n = 0;
        pipeline_stats(pipeline, &stats);
        n_told = stats.report.n_alerts;
        for (unsigned batch = 0; batch < n_batches; batch++) {
                uint64_t start = measure_now_ns();

                for (unsigned i = 0; i < BATCH; i++) {
                        if (three) {
                                connects(pipeline, 501, 1);
                                connects(pipeline, 601, 2);
                        }
                        connects(pipeline, 701, 4444);
                }
                measure_add(&measure, start, BATCH * 1000);
        }
        pipeline_stats(pipeline, &stats);
        if (stats.report.n_alerts - n_told != n_batches * BATCH || stats.report.n_failed > 0) {
                fprintf(stderr, "%s: %lu alerts of %u\n", key, (unsigned long)(stats.report.n_alerts - n_told),
                        n_batches * BATCH);
                exit(EXIT_FAILURE);
        }
        measure_print(key, measure_median(&measure));
}

int main(int argc, char **argv) {
        static const char one[] = "path \"p\" { suppress = 0s  connect { daddr in 203.0.113.0/24, dport == 4444, $to = "
                                  "daddr } }",
                          three[] =
                                  "path \"p\" { suppress = 0s  connect { dport == 1 }  connect { dport == 2 }  connect "
                                  "{ dport == 4444 } }";
        unsigned n = measure_is_quick(argc, argv) ? 40 : 400;
        const struct redact_options options = {};
        struct redactor *redactor;
        struct pipeline *json, *forgetful, *text, *story;
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        size_t n_allocations;

        if (fd < 0 || redactor_new(&options, &redactor) < 0)
                return EXIT_FAILURE;
        json = make(one, REPORT_JSON, fd, redactor);
        remember = false;
        forgetful = make(one, REPORT_JSON, fd, redactor);
        remember = true;
        text = make(one, REPORT_TEXT, fd, redactor);
        story = make(three, REPORT_JSON, fd, redactor);

        run("alert_warming_us", json, false, 10);
        n_allocations = alloc_count();
        run("alert_us", json, false, n);
        measure_print("alert_allocs", (double)(alloc_count() - n_allocations) / n / BATCH);
        run("alert_forgetful_us", forgetful, false, n);
        run("alert_text_us", text, false, n);
        run("alert_three_us", story, true, n);
        pipeline_free(json);
        pipeline_free(forgetful);
        pipeline_free(text);
        pipeline_free(story);
        redactor_free(redactor);
        close(fd);
        return 0;
}

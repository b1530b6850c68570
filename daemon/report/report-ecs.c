/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-ecs.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "report/host.h"

static void put_key(struct strbuf *b, const char *key) {
        char last = b->n > 0 ? b->data[b->n - 1] : 0;

        if (last != '{' && last != 0)
                strbuf_put_char(b, ',');
        strbuf_put_json_str(b, key);
        strbuf_put_char(b, ':');
}

static void begin(struct strbuf *b, const char *key) {
        put_key(b, key);
        strbuf_put_char(b, '{');
}

static void member(struct strbuf *b, const char *key, const char *value) {
        put_key(b, key);
        strbuf_put_json_str(b, value);
}

static void member_if(struct strbuf *b, const char *key, const char *value) {
        if (value[0] != 0)
                member(b, key, value);
}

static bool is_there(const struct alert_text *text) {
        return text->known && text->length > 0;
}

static void member_text(struct strbuf *b, const char *key, const struct alert_text *text) {
        if (is_there(text)) {
                put_key(b, key);
                strbuf_put_json(b, text->bytes, text->length);
        }
}

static void member_number(struct strbuf *b, const char *key, uint64_t value) {
        put_key(b, key);
        strbuf_put_u64(b, value);
}

/* Identifiers of users are words there. */
static void member_id(struct strbuf *b, const char *key, uint32_t id) {
        put_key(b, key);
        strbuf_printf(b, "\"%" PRIu32 "\"", id);
}

static void member_time(struct strbuf *b, const char *key, uint64_t ns) {
        time_t seconds = (time_t)(ns / NSEC_PER_SEC);
        char text[32];
        struct tm tm;

        if (ns == 0 || !gmtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                return;
        put_key(b, key);
        strbuf_printf(b, "\"%s.%09" PRIu64 "Z\"", text, ns % NSEC_PER_SEC);
}

/* As Elastic's own rules have it, so that one threshold does for all. */
static uint64_t severity_number(enum severity severity) {
        switch (severity) {
        case SEVERITY_INFO: return 0;
        case SEVERITY_LOW: return 21;
        case SEVERITY_MEDIUM: return 47;
        case SEVERITY_HIGH: return 73;
        case SEVERITY_CRITICAL: return 99;
        case _SEVERITY_MAX: break;
        }
        return 0;
}

static void put_head(struct strbuf *b, uint64_t time_ns) {
        strbuf_put_char(b, '{');
        member_time(b, "@timestamp", time_ns);
        begin(b, "ecs");
        member(b, "version", REPORT_ECS_VERSION);
        strbuf_put(b, "},\"agent\":{\"type\":\"execrayd\",\"version\":\"" EXECRAY_VERSION "\"}");
}

static void put_original(struct strbuf *b, const char *json, size_t n) {
        put_key(b, "original");
        strbuf_put_json(b, json, n > 0 && json[n - 1] == '\n' ? n - 1 : n);
}

static void put_host(struct strbuf *b, const struct host *host) {
        if (!host)
                return;
        begin(b, "host");
        member_if(b, "hostname", host->name);
        member_if(b, "id", host->machine_id);
        if (host->boot_id[0] != 0) {
                begin(b, "boot");
                member(b, "id", host->boot_id);
                strbuf_put_char(b, '}');
        }
        strbuf_put_char(b, '}');
}

static void put_event(struct strbuf *b, const struct alert *alert, const char *json, size_t n) {
        begin(b, "event");
        member(b, "kind", "alert");
        strbuf_put(b, ",\"category\":[\"intrusion_detection\",\"process\"],\"type\":[\"info\"]");
        member(b, "module", "execrayd");
        member(b, "dataset", alert->summary ? "execrayd.summary" : "execrayd.alert");
        put_key(b, "id");               /* the same if it is sent twice, and of no other alert */
        strbuf_printf(b, "\"%s%s%" PRIu64 "-%" PRIu64 "\"", alert->host ? alert->host->machine_id : "",
                      alert->host ? "-" : "", alert->time_ns, alert->number);
        member_number(b, "sequence", alert->number);
        member_number(b, "severity", severity_number(alert->severity));
        member_text(b, "action", &alert->policy);
        member_text(b, "reason", &alert->description);
        member_time(b, "start", alert->first_ns);
        member_time(b, "end", alert->time_ns);
        put_original(b, json, n);
        strbuf_put_char(b, '}');
}

/* T1059.004 is a technique there, T1059, and a subtechnique. */
static void put_techniques(struct strbuf *b, const struct alert *alert) {
        bool any = false;

        if (alert->n_techniques == 0)
                return;
        begin(b, "threat");
        member(b, "framework", "MITRE ATT&CK");
        begin(b, "technique");
        put_key(b, "id");
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < alert->n_techniques; i++) {
                const struct alert_text *text = alert->techniques + i;
                const char *dot = memchr(text->bytes, '.', text->length);

                if (i > 0)
                        strbuf_put_char(b, ',');
                strbuf_put_json(b, text->bytes, dot ? (size_t)(dot - text->bytes) : text->length);
        }
        strbuf_put_char(b, ']');
        for (size_t i = 0; i < alert->n_techniques; i++) {
                const struct alert_text *text = alert->techniques + i;

                if (!memchr(text->bytes, '.', text->length))
                        continue;
                strbuf_put(b, any ? "," : ",\"subtechnique\":{\"id\":[");
                any = true;
                strbuf_put_json(b, text->bytes, text->length);
        }
        strbuf_put(b, any ? "]}}}" : "}}");
}

static void put_process_start(struct strbuf *b, const char *key, const struct alert_process *process) {
        begin(b, key);
        member_number(b, "pid", process->id.pid);
        member_text(b, "name", &process->name);
        member_text(b, "executable", &process->exe);
        member_text(b, "command_line", &process->args);
        member_time(b, "start", process->start_ns);
}

static void put_process(struct strbuf *b, const struct alert *alert) {
        const struct alert_process *process = &alert->process;

        put_process_start(b, "process", process);
        member_text(b, "working_directory", &process->cwd);
        if (process->args.known && process->n_argv > 0) {
                put_key(b, "args");
                strbuf_put_char(b, '[');
                for (size_t i = 0; i < process->n_argv; i++) {
                        if (i > 0)
                                strbuf_put_char(b, ',');
                        strbuf_put_json(b, process->argv[i].bytes, process->argv[i].length);
                }
                strbuf_put_char(b, ']');
                member_number(b, "args_count", process->n_argv);
        }
        if (alert->n_ancestors > 0) {
                put_process_start(b, "parent", alert->ancestors);
                strbuf_put_char(b, '}');
        }
        strbuf_put_char(b, '}');

        if (process->has_credentials) {
                begin(b, "user");
                member_id(b, "id", process->uid);
                begin(b, "group");
                member_id(b, "id", process->gid);
                strbuf_put_char(b, '}');
                if (process->euid != process->uid) {
                        begin(b, "effective");
                        member_id(b, "id", process->euid);
                        strbuf_put_char(b, '}');
                }
                strbuf_put_char(b, '}');
        }
        if (is_there(&process->unit)) {
                begin(b, "service");
                member_text(b, "name", &process->unit);
                strbuf_put_char(b, '}');
        }
        if (is_there(&process->container)) {
                begin(b, "container");
                member_text(b, "id", &process->container);
                member_text(b, "name", &process->container_name);
                member_text(b, "runtime", &process->container_runtime);
                if (is_there(&process->container_image)) {
                        begin(b, "image");
                        member_text(b, "name", &process->container_image);
                        strbuf_put_char(b, '}');
                }
                strbuf_put_char(b, '}');
        }
        if (process->package.known && is_there(&process->package.name)) {
                begin(b, "package");
                member_text(b, "name", &process->package.name);
                member_text(b, "version", &process->package.version);
                strbuf_put_char(b, '}');
        }
}

/* The value of the last step that has a field of one of these names. */
static const struct alert_field *last_field(const struct alert *alert, const char *const *names, size_t n_names) {
        for (size_t i = alert->n_steps; i > 0; i--) {
                const struct alert_step *step = alert->steps + i - 1;

                for (size_t j = 0; !step->absent && step->kept && j < step->n_fields; j++)
                        for (size_t k = 0; k < n_names; k++)
                                if (streq(step->fields[j].name, names[k]) && step->fields[j].known)
                                        return step->fields + j;
        }
        return NULL;
}

static void put_objects(struct strbuf *b, const struct alert *alert) {
        static const char *const paths[] = {"filename", "pathname", "path"}, *const address[] = {"daddr"},
                          *const port[] = {"dport"};
        const struct alert_field *path = last_field(alert, paths, ELEMENTSOF(paths));
        const struct alert_field *ip = last_field(alert, address, 1), *number = last_field(alert, port, 1);

        if (path && is_there(&path->text)) {
                begin(b, "file");
                member_text(b, "path", &path->text);
                strbuf_put_char(b, '}');
        }
        if (ip && is_there(&ip->text)) {
                begin(b, "destination");
                member_text(b, "ip", &ip->text);
                if (number && number->number > 0)
                        member_number(b, "port", (uint64_t)number->number);
                strbuf_put_char(b, '}');
        }
}

void report_ecs_alert(const struct alert *alert, const char *json, size_t n, struct strbuf *b) {
        put_head(b, alert->time_ns);
        put_key(b, "message");
        strbuf_put_json(b, alert->description.bytes, alert->description.known ? alert->description.length : 0);
        if (alert->n_before_us > 0)
                strbuf_put(b, ",\"tags\":[\"before_us\"]");
        put_event(b, alert, json, n);
        begin(b, "rule");
        member_text(b, "name", &alert->policy);
        member_text(b, "description", &alert->description);
        strbuf_put_char(b, '}');
        put_techniques(b, alert);
        put_host(b, alert->host);
        put_process(b, alert);
        put_objects(b, alert);
        strbuf_put(b, "}\n");
}

void report_ecs_notice(const char *what, const char *policy, const struct host *host, uint64_t time_ns,
                       const char *json, size_t n, struct strbuf *b) {
        put_head(b, time_ns);
        begin(b, "event");
        member(b, "kind", "event");
        strbuf_put(b, ",\"category\":[\"intrusion_detection\"],\"type\":[\"info\"]");
        member(b, "module", "execrayd");
        put_key(b, "dataset");
        strbuf_printf(b, "\"execrayd.%s\"", what);
        put_original(b, json, n);
        strbuf_put_char(b, '}');
        begin(b, "rule");
        member(b, "name", policy);
        strbuf_put_char(b, '}');
        put_host(b, host);
        strbuf_put(b, "}\n");
}

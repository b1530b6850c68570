/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-metrics.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/http.h"
#include "engine/stories.h"
#include "event/schema.h"
#include "metrics/metrics-text.h"

#define GROUP "execray"

/* Durations from the hook to the engine. */
static const uint64_t latency_bounds_ns[] = {
        50 * NSEC_PER_USEC,  100 * NSEC_PER_USEC, 250 * NSEC_PER_USEC, 500 * NSEC_PER_USEC, NSEC_PER_MSEC,
        2500 * NSEC_PER_USEC, 5 * NSEC_PER_MSEC,   10 * NSEC_PER_MSEC,  50 * NSEC_PER_MSEC,  250 * NSEC_PER_MSEC,
        NSEC_PER_SEC,
};

struct own {
        uint64_t uptime_ns, cpu_ns, memory_bytes;
        uint64_t *matches, *open, *evicted;     /* owned; of each policy */
        struct http_stats http;
};

enum metric_id {
#define METRIC(kind, name, number, help) METRIC_ID_(__LINE__)
#define METRIC_ID_(line) METRIC_ID__(line)
#define METRIC_ID__(line) METRIC_ON_LINE_##line,
#define METRIC_EACH(kind, name, label, array, help)
#define METRIC_LOST(name, array, help)
#define METRIC_POLICY(kind, name, array, help)
#include "app/metrics.def"
        _METRIC_ID_MAX,
};

struct manager_metrics {
        struct manager *manager;        /* borrowed */
        struct metrics metrics;
        uint64_t generation;            /* of the policies that the register has; 0: none */
        struct capture_stats capture;
        struct pipeline_stats pipeline;
        struct control_stats control;
        struct response_stats scripts;
        struct own own;
        uint64_t numbers[_METRIC_ID_MAX];
        struct http *http;              /* owned; NULL: nobody listens */
        bool incomplete;                /* there are more policies than the register holds: said once */
};

static void refresh(void *userdata) {
        struct manager_metrics *metrics = userdata;
        struct manager *m = metrics->manager;
        const struct capture_stats *c = &metrics->capture;
        const struct pipeline_stats *p = &metrics->pipeline;
        const struct control_stats *k = &metrics->control;
        const struct response_stats *s = &metrics->scripts;
        struct own *own = &metrics->own;

        capture_stats(m->capture, &metrics->capture);
        pipeline_stats(m->pipeline, &metrics->pipeline);
        manager_scripts_stats(m, &metrics->scripts);
        if (m->control)
                control_stats(m->control, &metrics->control);
        if (metrics->http)
                http_stats(metrics->http, &own->http);
        own->uptime_ns = clock_boottime_ns() - m->started_ns;
        manager_governor_usage(&own->cpu_ns, &own->memory_bytes);
        engine_path_totals(pipeline_engine(m->pipeline), own->matches, own->open, own->evicted);

        /* Every number is copied: where it lies is no concern of whoever counts. */
        uint64_t *number = metrics->numbers;
#define METRIC(kind, name, value, help) *number++ = (uint64_t)(value);
#define METRIC_EACH(kind, name, label, array, help)
#define METRIC_LOST(name, array, help)
#define METRIC_POLICY(kind, name, array, help)
#include "app/metrics.def"
}

static int add_each(struct manager_metrics *metrics, enum metric_kind type, const char *name, const char *help,
                    const char *label, const uint64_t *array) {
        int r = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX && r >= 0; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);
                const struct metric_label labels[] = {{label, info ? info->name : ""}};

                if (info && info->class != EVENT_META &&
                    metrics->manager->settings.interest.kinds & wire_kind_bit(kind))
                        r = metrics_add_labelled(&metrics->metrics, type, name, help, array + kind, labels, 1);
        }
        return r;
}

static int add_lost(struct manager_metrics *metrics, const char *name, const char *help,
                    const uint64_t array[_WIRE_KIND_MAX][_WIRE_LOSS_MAX]) {
        int r = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                for (int loss = 0; loss < _WIRE_LOSS_MAX && r >= 0; loss++) {
                        const struct kind_info *info = schema_kind((enum wire_kind)kind);
                        const struct metric_label labels[] = {
                                {"kind", info ? info->name : ""},
                                {"reason", event_loss_to_string((enum wire_loss)loss) ?: ""},
                        };

                        if (info && labels[1].value[0] &&
                            metrics->manager->settings.interest.kinds & wire_kind_bit(kind))
                                r = metrics_add_labelled(&metrics->metrics, METRIC_COUNTER, name, help,
                                                         &array[kind][loss], labels, 2);
                }
        return r;
}

static int add_policies(struct manager_metrics *metrics, enum metric_kind type, const char *name, const char *help,
                        const uint64_t *array) {
        const struct program *program = metrics->manager->settings.program;
        char policy[256];
        int r = 0;

        for (uint32_t i = 0; i < program->n_paths && r >= 0; i++) {
                const struct path *path = program->paths + i;
                const struct metric_label labels[] = {
                        {"policy", policy},
                        {"severity", severity_to_string((enum severity)path->severity)},
                };

                snprintf(policy, sizeof(policy), "%.*s", (int)path->name.length, program_text(program, path->name));
                r = metrics_add_labelled(&metrics->metrics, type, name, help, array + i, labels, 2);
                if (r == -EEXIST)
                        r = 0;          /* names so long that they are the same here */
        }
        return r;
}

static int fill(struct manager_metrics *metrics) {
        const uint64_t *number = metrics->numbers;
        const struct capture_stats *c = &metrics->capture;
        const struct own *own = &metrics->own;
        int r;

        r = metrics_add_refresh(&metrics->metrics, refresh, metrics);
#define METRIC(kind, name, value, help)                                                                                \
        if (r >= 0)                                                                                                    \
                r = metrics_add(&metrics->metrics, METRIC_##kind, name, help, number++);
#define METRIC_EACH(kind, name, label, array, help)                                                                    \
        if (r >= 0)                                                                                                    \
                r = add_each(metrics, METRIC_##kind, name, help, label, array);
#define METRIC_LOST(name, array, help)                                                                                 \
        if (r >= 0)                                                                                                    \
                r = add_lost(metrics, name, help, array);
#define METRIC_POLICY(kind, name, array, help)
#include "app/metrics.def"
        /* These last: of them there may be more than there is room for. */
#define METRIC(kind, name, value, help)
#define METRIC_EACH(kind, name, label, array, help)
#define METRIC_LOST(name, array, help)
#define METRIC_POLICY(kind, name, array, help)                                                                         \
        if (r >= 0)                                                                                                    \
                r = add_policies(metrics, METRIC_##kind, name, help, array);
#include "app/metrics.def"
        return r;
}

static int make(struct manager_metrics *metrics) {
        const struct program *program = metrics->manager->settings.program;
        struct own *own = &metrics->own;
        int r;

        metrics_done(&metrics->metrics);
        metrics_init(&metrics->metrics);
        free(own->matches);
        free(own->open);
        free(own->evicted);
        own->matches = calloc(program->n_paths + 1, sizeof(*own->matches));
        own->open = calloc(program->n_paths + 1, sizeof(*own->open));
        own->evicted = calloc(program->n_paths + 1, sizeof(*own->evicted));
        metrics->generation = 0;
        if (!own->matches || !own->open || !own->evicted)
                return -ENOMEM;
        metrics->generation = metrics->manager->generation;
        r = fill(metrics);
        if (r == -ENOSPC || (r == -ENOMEM && metrics->metrics.list.n > 0)) {
                if (!metrics->incomplete)
                        log_notice("There are more policies than metrics have room for: not all of them are told");
                metrics->incomplete = true;
                r = 0;
        }
        return r;
}

const struct metrics *manager_metrics_get(struct manager *manager) {
        struct manager_metrics *metrics = manager->metrics;

        /* Without memory for another register there is an empty one, and the next who asks tries again. */
        if (metrics->generation != manager->generation && make(metrics) < 0) {
                metrics->generation = 0;
                metrics_done(&metrics->metrics);
                metrics_init(&metrics->metrics);
        }
        return &metrics->metrics;
}

int manager_metrics_new(struct manager *manager, struct manager_metrics **ret) {
        struct manager_metrics *metrics = calloc(1, sizeof(*metrics));

        if (!metrics)
                return -ENOMEM;
        metrics->manager = manager;
        metrics_init(&metrics->metrics);
        *ret = metrics;
        return 0;
}

struct manager_metrics *manager_metrics_free(struct manager_metrics *metrics) {
        if (!metrics)
                return NULL;
        http_free(metrics->http);
        metrics_done(&metrics->metrics);
        free(metrics->own.matches);
        free(metrics->own.open);
        free(metrics->own.evicted);
        free(metrics);
        return NULL;
}

/* ---- the door ---- */

static void put_latency(const struct manager *manager, struct strbuf *b) {
        const struct histogram *latency = &manager->governor.latency_all;
        uint64_t up_to[ELEMENTSOF(latency_bounds_ns)];

        for (size_t i = 0; i < ELEMENTSOF(up_to); i++)
                up_to[i] = histogram_up_to(latency, latency_bounds_ns[i]);
        metric_put_histogram("execray_latency_seconds",
                             "From the hook in the kernel to the engine, of one event in 16.", latency_bounds_ns, up_to,
                             ELEMENTSOF(up_to), latency->n, latency->sum_ns, b);
}

static void put_lateness(const struct manager *manager, struct strbuf *b) {
        const struct histogram *delays = &manager->late.delays;
        uint64_t up_to[ELEMENTSOF(latency_bounds_ns)];

        for (size_t i = 0; i < ELEMENTSOF(up_to); i++)
                up_to[i] = histogram_up_to(delays, latency_bounds_ns[i]);
        metric_put_histogram("execray_late_kill_seconds",
                             "From the last step to the signal, of those killed late (enforce).", latency_bounds_ns,
                             up_to, ELEMENTSOF(up_to), delays->n, delays->sum_ns, b);
}

static unsigned on_request(const char *path, struct strbuf *body, const char **ret_type, void *userdata) {
        struct manager *manager = userdata;

        if (streq(path, "/metrics")) {
                *ret_type = "text/plain; version=0.0.4; charset=utf-8";
                manager_health_look(manager);
                metrics_put_prometheus(manager_metrics_get(manager), body);
                put_latency(manager, body);
                put_lateness(manager, body);
                return 200;
        }
        if (streq(path, "/healthz")) {
                manager_health_look(manager);
                strbuf_printf(body, "%s\n", health_to_string(manager->health.state));
                return manager->health.state == HEALTH_FAILING ? 503 : 200;
        }
        return 404;
}

/* Whoever may ask over the bus may read. Without such a group the socket is root's. */
static void give_to_group(const char *socket) {
        const struct group *group = getgrnam(GROUP);

        if (group && chown(socket, (uid_t)-1, group->gr_gid) < 0)
                log_notice_errno(errno, "Cannot give '%s' to group " GROUP ": %m", socket);
}

void manager_metrics_listen(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        const char *directory = manager_runtime_directory();
        bool loopback = config->metrics.listen == CONFIG_LISTEN_LOOPBACK;
        char path[300];
        int r;

        if (config->metrics.listen == CONFIG_LISTEN_OFF)
                return;
        snprintf(path, sizeof(path), "%s/metrics", directory);
        r = !loopback && !directory[0] ? -ENOENT
                                       : http_new(manager->loop, loopback ? NULL : path, (uint16_t)config->metrics.port,
                                                  on_request, manager, &manager->metrics->http);
        if (r < 0)
                log_warning_errno(r, "Cannot listen for who reads metrics (metrics.listen): %m");
        else if (!loopback)
                give_to_group(path);
}

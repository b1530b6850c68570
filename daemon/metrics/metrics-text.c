/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics-text.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/utf8.h"

/* Prometheus knows three escapes and wants UTF-8: what is unsafe becomes \xNN first, and its backslash is then escaped
 * too. */
static void put_escaped(const char *s, bool quotes, struct strbuf *b) {
        size_t n = strlen(s), k;
        uint32_t c;

        for (size_t i = 0; i < n; i += k) {
                k = utf8_decode(s + i, n - i, &c);
                if (k == 1 && (c == '\\' || (c == '"' && quotes))) {
                        strbuf_put_char(b, '\\');
                        strbuf_put_char(b, c);
                } else if (k == 1 && c == '\n')
                        strbuf_put(b, "\\n");
                else if (k > 0 && utf8_is_showable(c))
                        strbuf_put_n(b, s + i, k);
                else {
                        k = k > 0 ? k : 1;
                        for (size_t j = i; j < i + k; j++)
                                strbuf_printf(b, "\\\\x%02x", (uint8_t)s[j]);
                }
        }
}

void metric_put_key(const struct metric *metric, struct strbuf *b) {
        strbuf_put(b, metric->name);
        for (size_t i = 0; i < metric->n_labels; i++) {
                strbuf_put_char(b, i == 0 ? '{' : ',');
                strbuf_put(b, metric->labels[i].name);
                strbuf_put(b, "=\"");
                put_escaped(metric->labels[i].value, true, b);
                strbuf_put_char(b, '"');
        }
        if (metric->n_labels > 0)
                strbuf_put_char(b, '}');
}

void metric_put_value(const struct metric *metric, struct strbuf *b) {
        uint64_t value = *metric->value;

        if (metric->is_duration)
                strbuf_printf(b, "%" PRIu64 ".%09" PRIu64, value / NSEC_PER_SEC, value % NSEC_PER_SEC);
        else
                strbuf_put_u64(b, value);
}

static void put_line(const struct metric *metric, struct strbuf *b) {
        metric_put_key(metric, b);
        strbuf_put_char(b, ' ');
        metric_put_value(metric, b);
        strbuf_put_char(b, '\n');
}

void metrics_put_prometheus(const struct metrics *metrics, struct strbuf *b) {
        const char *family = NULL;

        metrics_do_refresh(metrics);
        ARRAY_FOREACH(metric, &metrics->list) {
                if (metric->name != family) {   /* one copy of the name per family */
                        strbuf_printf(b, "# HELP %s ", metric->name);
                        put_escaped(metric->help, false, b);
                        strbuf_printf(b, "\n# TYPE %s %s\n", metric->name, metric_kind_to_string(metric->kind));
                        family = metric->name;
                }
                put_line(metric, b);
        }
}

void metrics_put_text(const struct metrics *metrics, bool skip_zero, struct strbuf *b) {
        metrics_do_refresh(metrics);
        ARRAY_FOREACH(metric, &metrics->list)
                if (!skip_zero || *metric->value > 0)
                        put_line(metric, b);
}

static void put_seconds(uint64_t ns, struct strbuf *b) {
        strbuf_printf(b, "%" PRIu64 ".%09" PRIu64, ns / NSEC_PER_SEC, ns % NSEC_PER_SEC);
}

void metric_put_histogram(const char *name, const char *help, const uint64_t *bounds_ns, const uint64_t *up_to,
                          size_t n_bounds, uint64_t n, uint64_t sum_ns, struct strbuf *b) {
        strbuf_printf(b, "# HELP %s ", name);
        put_escaped(help, false, b);
        strbuf_printf(b, "\n# TYPE %s histogram\n", name);
        for (size_t i = 0; i < n_bounds; i++) {
                strbuf_printf(b, "%s_bucket{le=\"", name);
                put_seconds(bounds_ns[i], b);
                strbuf_printf(b, "\"} %" PRIu64 "\n", up_to[i]);
        }
        strbuf_printf(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, n, name);
        put_seconds(sum_ns, b);
        strbuf_printf(b, "\n%s_count %" PRIu64 "\n", name, n);
}

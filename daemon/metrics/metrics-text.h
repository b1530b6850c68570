/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Metrics, as text - what the register says now, for Prometheus and for people. */

#include "metrics/metrics.h"

struct strbuf;

/* The text format of Prometheus, version 0.0.4: HELP, TYPE and a line per entry. Refreshes first. */
void metrics_put_prometheus(const struct metrics *metrics, struct strbuf *b);

/* One line per entry, "name{label=value} number", without help; with skip_zero only what is not 0. Refreshes first. */
void metrics_put_text(const struct metrics *metrics, bool skip_zero, struct strbuf *b);

/* The name with its labels, as in Prometheus: execray_lost_total{kind="execve"}. For keys of a dictionary. */
void metric_put_key(const struct metric *metric, struct strbuf *b);

/* The number as it is now: whole, or in seconds with a fraction if it is a duration. */
void metric_put_value(const struct metric *metric, struct strbuf *b);

/* A distribution of durations, as Prometheus has them: how many were up to each bound, how many in all, and their sum.
 * `name` ends in _seconds; bounds rise. */
void metric_put_histogram(const char *name, const char *help, const uint64_t *bounds_ns, const uint64_t *up_to,
                          size_t n_bounds, uint64_t n, uint64_t sum_ns, struct strbuf *b);

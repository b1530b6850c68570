/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <assert.h>
#include <errno.h>

#define METRICS_TEXT_MAX ((size_t)1024 * 1024)

void metrics_init(struct metrics *metrics) {
        *metrics = (struct metrics){};
        arena_init(&metrics->arena, METRICS_TEXT_MAX);
}

void metrics_done(struct metrics *metrics) {
        array_done(&metrics->list);
        array_done(&metrics->refreshes);
        arena_done(&metrics->arena);
        *metrics = (struct metrics){};
}

const char *metric_kind_to_string(enum metric_kind kind) {
        switch (kind) {
        case METRIC_COUNTER: return "counter";
        case METRIC_GAUGE: return "gauge";
        }
        return NULL;
}

static bool is_word(const char *s) {
        return s[0] >= 'a' && s[0] <= 'z' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static bool has_labels(const struct metric *metric, const struct metric_label *labels, size_t n_labels) {
        if (metric->n_labels != n_labels)
                return false;
        for (size_t i = 0; i < n_labels; i++)
                if (!streq(metric->labels[i].name, labels[i].name) || !streq(metric->labels[i].value, labels[i].value))
                        return false;
        return true;
}

/* The place behind the last entry whose name is not after this one. */
static size_t metrics_place(const struct metrics *metrics, const char *name) {
        size_t low = 0, high = metrics->list.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(metrics->list.items[middle].name, name) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct metric *metrics_find(const struct metrics *metrics, const char *name, const struct metric_label *labels,
                                  size_t n_labels) {
        for (size_t i = metrics_place(metrics, name); i > 0 && streq(metrics->list.items[i - 1].name, name); i--)
                if (has_labels(&metrics->list.items[i - 1], labels, n_labels))
                        return &metrics->list.items[i - 1];
        return NULL;
}

static int metric_copy_labels(struct metrics *metrics, const struct metric_label *labels, size_t n_labels,
                              struct metric *ret) {
        for (size_t i = 0; i < n_labels; i++) {
                assert(is_word(labels[i].name));
                ret->labels[i].name = arena_strdup(&metrics->arena, labels[i].name);
                ret->labels[i].value = arena_strdup(&metrics->arena, labels[i].value);
                if (!ret->labels[i].name || !ret->labels[i].value)
                        return -ENOMEM;
        }
        ret->n_labels = n_labels;
        return 0;
}

int metrics_add_labelled(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                         const uint64_t *value, const struct metric_label *labels, size_t n_labels) {
        struct metric metric = {.kind = kind, .value = value};
        const struct metric *sibling;
        size_t place;
        int r;

        assert(value && n_labels <= METRIC_LABELS_MAX);
        assert(startswith(name, "execray_") && is_word(name) && (kind == METRIC_COUNTER) == !!endswith(name, "_total"));

        if (metrics->list.n >= METRICS_MAX)
                return -ENOSPC;
        if (metrics_find(metrics, name, labels, n_labels))
                return -EEXIST;

        /* One name is one family: one kind, one help. */
        place = metrics_place(metrics, name);
        sibling =
                place > 0 && streq(metrics->list.items[place - 1].name, name) ? &metrics->list.items[place - 1] : NULL;
        if (sibling && (sibling->kind != kind || !streq(sibling->help, help)))
                return -EEXIST;

        metric.is_duration = !!strstr(name, "_seconds");
        metric.name = sibling ? sibling->name : arena_strdup(&metrics->arena, name);
        metric.help = sibling ? sibling->help : arena_strdup(&metrics->arena, help);
        if (!metric.name || !metric.help)
                return -ENOMEM;
        r = metric_copy_labels(metrics, labels, n_labels, &metric);
        if (r < 0)
                return r;

        r = array_reserve(&metrics->list, metrics->list.n + 1);
        if (r < 0)
                return r;
        memmove(metrics->list.items + place + 1, metrics->list.items + place,
                (metrics->list.n - place) * sizeof(metric));
        metrics->list.items[place] = metric;
        metrics->list.n++;
        return 0;
}

int metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                const uint64_t *value) {
        return metrics_add_labelled(metrics, kind, name, help, value, NULL, 0);
}

int metrics_add_refresh(struct metrics *metrics, metrics_refresh refresh, void *userdata) {
        struct metrics_refresh_entry entry = {.refresh = refresh, .userdata = userdata};

        assert(refresh);

        return array_push(&metrics->refreshes, entry);
}

void metrics_do_refresh(const struct metrics *metrics) {
        ARRAY_FOREACH(entry, &metrics->refreshes)
                entry->refresh(entry->userdata);
}

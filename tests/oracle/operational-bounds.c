/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds: which keys are open, since when, and who has to go. */
#include <errno.h>

#include "operational-private.h"

static size_t count_key(const struct matcher *m, const char *key) {
        size_t n = 0;

        ARRAY_FOREACH(run, &m->runs)
                n += !(*run)->place->accept && streq((*run)->run.key, key);
        return n;
}

static void evict_in(struct operational *op, struct matcher *m, const char *key) {
        size_t victim = SIZE_MAX;

        for (size_t i = 0; i < m->runs.n; i++) {
                struct open_run *run = m->runs.items[i];

                if (run->place->accept || !streq(run->run.key, key))
                        continue;
                if (victim == SIZE_MAX || run_progress(&run->run) < run_progress(&m->runs.items[victim]->run) ||
                    (run_progress(&run->run) == run_progress(&m->runs.items[victim]->run) &&
                     run->serial < m->runs.items[victim]->serial))
                        victim = i;
        }
        assert(victim != SIZE_MAX);
        operational_drop(m, victim);
        op->n_evicted++;
}

/* Forget keys without runs, note new ones: those of new runs in the order of the runs. */
int operational_track_keys(struct operational *op, struct matcher *m) {
        for (size_t i = 0; i < m->open_keys.n;)
                if (count_key(m, m->open_keys.items[i].name) == 0)
                        array_remove_at(&m->open_keys, i);
                else
                        i++;

        ARRAY_FOREACH(run, &m->runs) {
                bool found = (*run)->place->accept;

                ARRAY_FOREACH(key, &m->open_keys)
                        found = found || streq(key->name, (*run)->run.key);
                if (!found && array_push(&m->open_keys, ((struct open_key){ (*run)->run.key, op->next_key++ })) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* While more times are held in all than there may be, who holds most of them goes. */
static void evict_counters(struct operational *op) {
        for (;;) {
                struct matcher *most_matcher = NULL;
                size_t total = 0, most = 0, victim = 0;

                ARRAY_FOREACH(m, &op->matchers)
                        for (size_t i = 0; i < (*m)->runs.n; i++) {
                                const struct open_run *run = (*m)->runs.items[i];
                                size_t n = run->counter ? run->counter->n : 0;

                                total += n;
                                if (n > most || (n == most && n > 0 &&
                                                 run->serial < most_matcher->runs.items[victim]->serial)) {
                                        most = n;
                                        most_matcher = *m;
                                        victim = i;
                                }
                        }
                if (total <= op->limits->max_counts)
                        return;
                operational_drop(most_matcher, victim);
                op->n_evicted++;
        }
}

int operational_evict(struct operational *op, struct matcher *m) {
        int r;

        evict_counters(op);
        ARRAY_FOREACH(other, &op->matchers) {
                r = operational_track_keys(op, *other);
                if (r < 0)
                        return r;
        }
        ARRAY_FOREACH(key, &m->open_keys)
                while (count_key(m, key->name) > op->limits->max_tuples)
                        evict_in(op, m, key->name);

        for (;;) {
                struct matcher *most_matcher = NULL;
                struct open_key most_key = {};
                size_t total = 0, most = 0;

                ARRAY_FOREACH(other, &op->matchers)
                        ARRAY_FOREACH(key, &(*other)->open_keys) {
                                size_t n = count_key(*other, key->name);

                                total += n;
                                if (n > most || (n == most && n > 0 && key->opened < most_key.opened)) {
                                        most = n;
                                        most_key = *key;
                                        most_matcher = *other;
                                }
                        }
                if (total <= op->limits->max_runs)
                        return operational_track_keys(op, m);
                evict_in(op, most_matcher, most_key.name);
                r = operational_track_keys(op, most_matcher);
                if (r < 0)
                        return r;
        }
}

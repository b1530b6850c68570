/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/baseline.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define HEAD "execrayd-baseline 1\n"
#define FIRST_RATE 100                  /* events/s: the end of the first class */

const char *measure_to_string(enum governor_measure measure) {
        switch (measure) {
        case MEASURE_LATENCY: return "latency";
        case MEASURE_COST: return "cost";
        case MEASURE_LOSS: return "loss";
        case MEASURE_MEMORY: return "memory";
        case _MEASURE_MAX: break;
        }
        return NULL;
}

unsigned baseline_rate(enum governor_measure measure, uint64_t n_events, uint64_t duration_ns) {
        double per_second = duration_ns > 0 ? (double)n_events * NSEC_PER_SEC / (double)duration_ns : 0,
               end = FIRST_RATE;
        unsigned rate = 0;

        if (measure == MEASURE_MEMORY)
                return 0;
        for (; rate + 1 < BASELINE_RATES && per_second >= end; rate++)
                end *= 4;
        return rate;
}

static int compare_numbers(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

uint64_t baseline_median(uint64_t values[], size_t n) {
        if (n == 0)
                return 0;
        qsort(values, n, sizeof(*values), compare_numbers);
        return n % 2 ? values[n / 2]
                     : values[n / 2 - 1] / 2 + values[n / 2] / 2 + (values[n / 2 - 1] & values[n / 2] & 1);
}

int baseline_learn(struct baseline *baseline, enum governor_measure measure, unsigned rate, uint64_t value,
                   uint64_t *ret) {
        struct baseline_cell *cell = &baseline->cells[measure][rate];

        assert(measure < _MEASURE_MAX && rate < BASELINE_RATES);
        if (cell->n == BASELINE_LEARN) {
                *ret = cell->median;
                return 1;
        }
        cell->values[cell->n++] = value;
        if (cell->n == BASELINE_LEARN)
                cell->median = baseline_median(cell->values, cell->n);
        return 0;
}

bool baseline_get(const struct baseline *baseline, enum governor_measure measure, unsigned rate, uint64_t *ret) {
        const struct baseline_cell *cell = &baseline->cells[measure][rate];

        if (cell->n == BASELINE_LEARN)
                *ret = cell->median;
        return cell->n == BASELINE_LEARN;
}

void baseline_put(const struct baseline *baseline, struct strbuf *b) {
        uint64_t median;

        strbuf_printf(b, HEAD "key %" PRIu64 "\n", baseline->key);
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                for (unsigned rate = 0; rate < BASELINE_RATES; rate++)
                        if (baseline_get(baseline, i, rate, &median))
                                strbuf_printf(b, "%s %u %" PRIu64 "\n", measure_to_string(i), rate, median);
        strbuf_put(b, "end\n");
}

/* The word up to `end`, and behind it. */
static bool take_word(const char **at, const char *limit, char end, const char **ret, size_t *ret_n) {
        const char *stop = memchr(*at, end, limit - *at);

        if (!stop || stop == *at)
                return false;
        *ret = *at;
        *ret_n = stop - *at;
        *at = stop + 1;
        return true;
}

static bool take_number(const char **at, const char *limit, char end, uint64_t max, uint64_t *ret) {
        const char *word;
        size_t n;

        return take_word(at, limit, end, &word, &n) && parse_u64_n(word, n, 0, max, ret) >= 0;
}

static int parse_line(const char **at, const char *limit, struct baseline *baseline) {
        struct baseline_cell *cell;
        const char *word;
        uint64_t rate;
        size_t n;

        if (!take_word(at, limit, ' ', &word, &n))
                return -EBADMSG;
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++) {
                if (!memeq_str(word, n, measure_to_string(i)))
                        continue;
                if (!take_number(at, limit, ' ', BASELINE_RATES - 1, &rate))
                        return -EBADMSG;
                cell = &baseline->cells[i][rate];
                if (cell->n > 0 || !take_number(at, limit, '\n', UINT64_MAX, &cell->median))
                        return -EBADMSG;
                cell->n = BASELINE_LEARN;
                return 0;
        }
        return -EBADMSG;
}

int baseline_parse(const char *text, size_t n, uint64_t key, struct baseline *ret) {
        const char *at = text, *limit = text + n, *word;
        struct baseline baseline = {};
        size_t length;
        int r;

        if (n < strlen(HEAD) || memcmp(at, HEAD, strlen(HEAD)) != 0)
                return -EBADMSG;
        at += strlen(HEAD);
        if (!take_word(&at, limit, ' ', &word, &length) || !memeq_str(word, length, "key") ||
            !take_number(&at, limit, '\n', UINT64_MAX, &baseline.key))
                return -EBADMSG;
        if (baseline.key != key)
                return -ESTALE;
        while (limit - at != 4 || memcmp(at, "end\n", 4) != 0) {
                r = parse_line(&at, limit, &baseline);
                if (r < 0)
                        return r;
        }

        *ret = baseline;
        return 0;
}

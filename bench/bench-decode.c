/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to check a record and to read its fields.
 *
 *      decode_ns               event_parse(), mix of a busy host, records in the cache
 *      decode_cold_ns          the same, records read from memory in order
 *      decode_openat_ns        event_parse() of openat only
 *      decode_get_ns           event_get() of one field
 *      decode_format_ns        schema_format() of one field, for alerts: not on the path of an event
 *      decode_allocs_per_event allocations in all of the above */
#include "alloc-fail.h"
#include "event/schema.h"
#include "measure.h"
#include "workload.h"

#define N_COLD 100000
#define N_HOT 600

static struct measure hot, cold, opens, get, format;

static void parse_all(const struct event *events, size_t n, struct measure *m) {
        uint64_t start = measure_now_ns();
        struct event event;

        for (size_t i = 0; i < n; i++) {
                if (event_parse(events[i].wire, events[i].wire->size, &event) < 0)
                        abort();
                MEASURE_KEEP(&event);
        }
        measure_add(m, start, n);
}

static void get_all(const struct event *opens_only, size_t n) {
        static const enum field fields[] = {FIELD_openat_pathname, FIELD_openat_flags, FIELD_openat_file,
                                            FIELD_COMMON_result};
        uint64_t start = measure_now_ns();
        struct value v;

        for (size_t i = 0; i < n; i++)
                for (size_t f = 0; f < 4; f++) {
                        event_get(&opens_only[i], fields[f], &v);
                        MEASURE_KEEP(&v);
                }
        measure_add(&get, start, 4 * n);

        start = measure_now_ns();
        for (size_t i = 0; i < n; i++) {
                char text[256];

                event_get(&opens_only[i], FIELD_openat_pathname, &v);
                schema_format(FIELD_openat_pathname, &v, text, sizeof(text));
                MEASURE_KEEP(text);
        }
        measure_add(&format, start, n);
}

int main(int argc, char **argv) {
        size_t n_rounds = measure_is_quick(argc, argv) ? 100 : 1000, n_opens = 0, n_allocations;
        struct event *events, opens_only[N_HOT];
        char *bytes;

        workload_make(1, N_COLD, &bytes, &events);
        for (size_t i = N_COLD / 2; n_opens < N_HOT; i++)
                if (event_kind(&events[i]) == WIRE_KIND_openat)
                        opens_only[n_opens++] = events[i];

        n_allocations = alloc_count();
        for (size_t i = 0; i < n_rounds; i++) {
                parse_all(events + N_COLD / 2, N_HOT, &hot);
                parse_all(opens_only, N_HOT, &opens);
                get_all(opens_only, N_HOT);
                if (i % 20 == 0)
                        for (size_t at = 0; at + 5000 <= N_COLD; at += 5000)
                                parse_all(events + at, 5000, &cold);
        }

        n_allocations = alloc_count() - n_allocations;

        measure_print("decode_ns", measure_median(&hot));
        measure_print("decode_cold_ns", measure_median(&cold));
        measure_print("decode_openat_ns", measure_median(&opens));
        measure_print("decode_get_ns", measure_median(&get));
        measure_print("decode_format_ns", measure_median(&format));
        measure_print("decode_allocs_per_event", (double)n_allocations / n_rounds / N_HOT);
        free(events);
        free(bytes);
        return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/redact-cache.h"

#include "../unit.h"

#include <stdlib.h>

#include "base/strbuf.h"
#include "report/redact-private.h"

static struct redactor *redactor;
static struct redact_cache *cache;

static void setup(void) {
        const struct redact_options options = {};

        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        cache = calloc(1, sizeof(*cache));
        ck_assert_ptr_nonnull(cache);
}

static void teardown(void) {
        redactor = redactor_free(redactor);
        free(cache);
}

static void find(enum redact_mode mode, const char *text, size_t n, struct redact_spans *ret) {
        redact_find(redactor, mode, text, n, NULL, cache, ret);
}

START_TEST(same_text_is_looked_through_once) {
        struct redact_spans spans;

        setup();
        for (int i = 0; i < 3; i++) {
                find(REDACT_ARGUMENTS, "x\0--password\0hunter2", 20, &spans);
                ck_assert_uint_eq(spans.n, 1);
                ck_assert_uint_eq(spans.items[0].start, 13);
                ck_assert_uint_eq(spans.items[0].end, 20);
        }
        ck_assert_uint_eq(cache->n_asked, 3);
        ck_assert_uint_eq(cache->n_known, 2);

        redact_cache_clear(cache);
        find(REDACT_ARGUMENTS, "x\0--password\0hunter2", 20, &spans);
        ck_assert_uint_eq(spans.n, 1);
        ck_assert_uint_eq(cache->n_known, 2);
        teardown();
}
END_TEST

START_TEST(same_bytes_of_another_kind_are_another_text) {
        struct redact_spans spans;

        setup();
        for (int i = 0; i < 2; i++) {
                find(REDACT_TEXT, "password=x", 10, &spans);
                ck_assert_uint_eq(spans.n, 1);
                find(REDACT_PATHNAME, "password=x", 10, &spans);
                ck_assert_uint_eq(spans.n, 0);
        }
        teardown();
}
END_TEST

START_TEST(texts_with_many_secrets_and_long_ones_are_not_remembered) {
        struct strbuf many = {}, ample = {};
        struct redact_spans spans;

        setup();
        for (unsigned i = 0; i <= REDACT_CACHE_MARKS; i++)
                strbuf_printf(&many, "password=hunter%u ", i);
        strbuf_put_repeat(&ample, 'a', REDACT_CACHE_TEXT + 1);
        for (int i = 0; i < 2; i++) {
                find(REDACT_TEXT, many.data, many.n, &spans);
                ck_assert_uint_eq(spans.n, REDACT_CACHE_MARKS + 1);
                find(REDACT_TEXT, ample.data, ample.n, &spans);
                ck_assert_uint_eq(spans.n, 0);
        }
        ck_assert_uint_eq(cache->n_known, 0);
        strbuf_done(&many);
        strbuf_done(&ample);
        teardown();
}
END_TEST

/* With secrets of the alert, too, which are looked for in either case. */
START_TEST(spans_are_those_that_a_search_finds) {
        static const char *const parts[] = {"password", "=", ":", " ", "--token", "|", "a:b@c", "://", "Bearer ", "-p",
                                            "mysql", "hunter2", "x", "?key="};
        static const struct redact_memory memory = {.items = {{"hunter2", 7}}, .n = 1};
        unsigned seed = 7;

        setup();
        for (int round = 0; round < 20000; round++) {
                enum redact_mode mode = (enum redact_mode)(rand_r(&seed) % 4);
                struct redact_spans fresh, known;
                struct strbuf b = {};

                for (int i = 0, n = rand_r(&seed) % 6; i < n; i++)
                        strbuf_put(&b, parts[(unsigned)rand_r(&seed) % ELEMENTSOF(parts)]);
                for (size_t i = 0; i < b.n; i++)
                        if (b.data[i] == '|')
                                b.data[i] = 0;
                redact_find(redactor, mode, strbuf_str(&b), b.n, &memory, NULL, &fresh);
                for (int again = 0; again < 2; again++) {
                        redact_find(redactor, mode, strbuf_str(&b), b.n, &memory, cache, &known);
                        ck_assert_uint_eq(fresh.n, known.n);
                        ck_assert_mem_eq(fresh.items, known.items, fresh.n * sizeof(fresh.items[0]));
                }
                strbuf_done(&b);
        }
        ck_assert_uint_gt(cache->n_known, 15000);
        teardown();
}
END_TEST

UNIT_MAIN("report/redact-cache", same_text_is_looked_through_once, same_bytes_of_another_kind_are_another_text,
          texts_with_many_secrets_and_long_ones_are_not_remembered, spans_are_those_that_a_search_finds)

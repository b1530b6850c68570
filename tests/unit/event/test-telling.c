/* SPDX-License-Identifier: Apache-2.0 */
#include "event/telling.h"

#include "unit.h"

START_TEST(every_kind_that_policies_wait_for_tells_something_of_itself) {
        for (unsigned kind = WIRE_NONE + 1; kind < WIRE_KIND_start; kind++) {
                size_t n = 0;

                ck_assert_msg(telling_fields(kind, &n) != NULL, "%s", schema_kind(kind)->name);
                ck_assert_uint_gt(n, 0);
                ck_assert_uint_le(n, 7);      /* of addresses those of one family are known */
        }
}
END_TEST

START_TEST(the_fields_are_the_kinds_own_and_each_there_once) {
        static const char lines[] = {
#define TELLING(kind, field) 'x',
#include "event/telling.def"
        };
        size_t total = 0;

        for (unsigned kind = WIRE_NONE; kind <= _WIRE_KIND_MAX; kind++) {
                const uint16_t *fields;
                size_t n;

                fields = telling_fields(kind, &n);
                total += n;
                for (size_t i = 0; i < n; i++) {
                        ck_assert_uint_eq(schema_field(fields[i])->kind, kind);
                        for (size_t j = 0; j < i; j++)
                                ck_assert_uint_ne(fields[i], fields[j]);
                }
        }

        /* A kind whose fields did not stand together would lose the rest of them. */
        ck_assert_uint_eq(total, sizeof(lines));
}
END_TEST

START_TEST(a_kind_without_fields_tells_nothing) {
        size_t n = 1;

        ck_assert_ptr_null(telling_fields(WIRE_KIND_tick, &n));
        ck_assert_uint_eq(n, 0);
        ck_assert_ptr_null(telling_fields(_WIRE_KIND_MAX, &n));
        ck_assert_uint_eq(n, 0);
}
END_TEST

UNIT_MAIN("event/telling",
          every_kind_that_policies_wait_for_tells_something_of_itself,
          the_fields_are_the_kinds_own_and_each_there_once,
          a_kind_without_fields_tells_nothing)

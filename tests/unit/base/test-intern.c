/* SPDX-License-Identifier: Apache-2.0 */
#include "base/intern.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

START_TEST(equal_strings_are_one_pointer_and_others_another) {
        struct interner *in;
        const char *a, *b, *c;

        ck_assert_int_eq(interner_new(10, 4096, &in), 0);
        ck_assert_int_eq(intern_get(in, "/bin/sh", 7, &a), 0);
        ck_assert_int_eq(intern_get(in, "/bin/sh and more", 7, &b), 0);
        ck_assert_int_eq(intern_get(in, "/bin/s", 6, &c), 0);
        ck_assert_ptr_eq(a, b);
        ck_assert_ptr_ne(a, c);
        ck_assert_str_eq(a, "/bin/sh");
        ck_assert_uint_eq(intern_length(a), 7);
        ck_assert_ptr_eq(intern_find(in, "/bin/s", 6), c);
        ck_assert_ptr_null(intern_find(in, "/bin/", 5));
        interner_free(in);
}
END_TEST

START_TEST(a_string_goes_with_its_last_reference) {
        struct interner *in;
        const char *a, *b;

        ck_assert_int_eq(interner_new(10, 4096, &in), 0);
        ck_assert_int_eq(intern_get(in, "x", 1, &a), 0);
        ck_assert_int_eq(intern_get(in, "x", 1, &b), 0);
        ck_assert_ptr_eq(intern_ref(a), a);
        ck_assert_ptr_null(intern_unref(in, a));
        intern_unref(in, a);
        ck_assert_ptr_nonnull(intern_find(in, "x", 1));
        intern_unref(in, a);
        ck_assert_ptr_null(intern_find(in, "x", 1));
        ck_assert_uint_eq(interner_get_stats(in).n_strings, 0);
        ck_assert_uint_eq(interner_get_stats(in).used_bytes, 0);
        ck_assert_ptr_null(intern_ref(NULL));
        ck_assert_ptr_null(intern_unref(in, NULL));
        interner_free(in);
}
END_TEST

START_TEST(strings_may_be_empty_or_hold_nul) {
        struct interner *in;
        const char *empty, *nul;

        ck_assert_int_eq(interner_new(10, 4096, &in), 0);
        ck_assert_int_eq(intern_get(in, NULL, 0, &empty), 0);
        ck_assert_int_eq(intern_get(in, "a\0b", 3, &nul), 0);
        ck_assert_str_eq(empty, "");
        ck_assert_mem_eq(nul, "a\0b", 4);
        ck_assert_uint_eq(intern_length(nul), 3);
        interner_free(in);
}
END_TEST

START_TEST(a_full_interner_refuses_what_is_new_and_still_gives_what_it_has) {
        struct interner *in;
        const char *s, *kept = NULL;
        char name[16];

        ck_assert_int_eq(interner_new(5, 4096, &in), 0);
        for (int i = 0; i < 5; i++) {
                snprintf(name, sizeof(name), "n%d", i);
                ck_assert_int_eq(intern_get(in, name, 2, &s), 0);
        }
        ck_assert_int_eq(intern_get(in, "new", 3, &kept), -ENOSPC);
        ck_assert_ptr_null(kept);
        ck_assert_uint_eq(interner_get_stats(in).n_refused, 1);
        ck_assert_int_eq(intern_get(in, "n3", 2, &kept), 0);
        interner_free(in);
}
END_TEST

START_TEST(the_bound_on_bytes_refuses_before_the_bound_on_strings) {
        static char big[INTERN_LENGTH_MAX + 1];
        struct interner *in;
        const char *s;

        ck_assert_int_eq(interner_new(1000, 4096, &in), 0);
        ck_assert_int_eq(intern_get(in, big, 3000, &s), 0);
        ck_assert_int_eq(intern_get(in, big, 3001, &s), -ENOSPC);
        ck_assert_int_eq(intern_get(in, "x", 1, &s), -ENOSPC);
        ck_assert_int_eq(intern_get(in, big, INTERN_LENGTH_MAX + 1, &s), -ENOSPC);
        ck_assert_uint_eq(interner_get_stats(in).n_refused, 3);
        interner_free(in);
}
END_TEST

START_TEST(numbers_are_small_unique_and_used_again) {
        struct interner *in;
        const char *s[8], *t;
        bool seen[8] = {};
        char name[16];

        ck_assert_int_eq(interner_new(8, 65536, &in), 0);
        for (int i = 0; i < 8; i++) {
                snprintf(name, sizeof(name), "n%d", i);
                ck_assert_int_eq(intern_get(in, name, 2, &s[i]), 0);
                ck_assert_uint_lt(intern_id(s[i]), 8);
                ck_assert(!seen[intern_id(s[i])]);
                seen[intern_id(s[i])] = true;
        }
        ck_assert_uint_eq(intern_id(s[0]), 0);
        intern_unref(in, s[3]);
        intern_unref(in, s[6]);
        ck_assert_int_eq(intern_get(in, "a", 1, &t), 0);
        ck_assert_uint_eq(intern_id(t), 6);
        ck_assert_int_eq(intern_get(in, "b", 1, &t), 0);
        ck_assert_uint_eq(intern_id(t), 3);
        interner_free(in);
}
END_TEST

START_TEST(years_of_names_coming_and_going_need_no_memory) {
        struct interner *in;
        const char *held[64] = {};
        char name[200];
        size_t before;

        ck_assert_int_eq(interner_new(64, 65536, &in), 0);
        before = alloc_count();
        for (int i = 0; i < 100000; i++) {
                int n = snprintf(name, sizeof(name), "%d %*d", i % 1000, i % 150, i);

                held[i % 64] = intern_unref(in, held[i % 64]);
                ck_assert_int_eq(intern_get(in, name, n, &held[i % 64]), 0);
        }
        ck_assert_uint_eq(alloc_count(), before);
        for (int i = 0; i < 64; i++)
                intern_unref(in, held[i]);
        ck_assert_uint_eq(interner_get_stats(in).used_bytes, 0);
        interner_free(in);
}
END_TEST

static int make_interner(void *userdata) {
        struct interner *in = NULL;
        int r = interner_new(10, 4096, &in);

        interner_free(in);
        return r;
}

START_TEST(an_interner_that_finds_no_memory_is_not_made) {
        ck_assert_uint_eq(alloc_fail_sweep(make_interner, NULL), 4);
}
END_TEST

UNIT_MAIN("base/intern",
          equal_strings_are_one_pointer_and_others_another,
          a_string_goes_with_its_last_reference,
          strings_may_be_empty_or_hold_nul,
          a_full_interner_refuses_what_is_new_and_still_gives_what_it_has,
          the_bound_on_bytes_refuses_before_the_bound_on_strings,
          numbers_are_small_unique_and_used_again,
          years_of_names_coming_and_going_need_no_memory,
          an_interner_that_finds_no_memory_is_not_made)

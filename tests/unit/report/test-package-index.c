/* SPDX-License-Identifier: Apache-2.0 */
#include "report/package-index.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

static struct package_index package_index;

static uint64_t hash_of(uint64_t i) {
        return siphash_table_u64(i, siphash_process_key());
}

START_TEST(every_file_is_found_with_its_package_however_often_the_table_grew) {
        size_t a, b, before;

        package_index_init(&package_index);
        ck_assert_int_eq(package_index_add(&package_index, "a", 1, &a), 0);
        ck_assert_int_eq(package_index_add(&package_index, "b", 1, &b), 0);
        ck_assert_ptr_null(package_index_find(&package_index, hash_of(1)));
        for (uint64_t i = 0; i < 200000; i++)
                ck_assert_int_eq(package_index_add_file(&package_index, hash_of(i), i % 3 == 0 ? b : a), 0);
        ck_assert_uint_eq(package_index.n_files, 200000);
        before = package_index_bytes(&package_index);
        ck_assert_int_eq(package_index_finish(&package_index), 0);
        /* 8 bytes a file, and what packages take */
        ck_assert_uint_lt(package_index_bytes(&package_index), 200000 * 8 + 8192);
        ck_assert_uint_gt(before, 262144 * 8);
        for (uint64_t i = 0; i < 200000; i++)
                ck_assert_str_eq(package_index_find(&package_index, hash_of(i))->name, i % 3 == 0 ? "b" : "a");
        for (uint64_t i = 200000; i < 210000; i++)
                ck_assert_ptr_null(package_index_find(&package_index, hash_of(i)));
        package_index_done(&package_index);
}
END_TEST

START_TEST(file_of_two_packages_is_of_the_first) {
        size_t a, b;

        package_index_init(&package_index);
        ck_assert_int_eq(package_index_add(&package_index, "a", 1, &a), 0);
        ck_assert_int_eq(package_index_add(&package_index, "b", 1, &b), 0);
        ck_assert_int_eq(package_index_add_file(&package_index, 0, a), 0);
        ck_assert_int_eq(package_index_add_file(&package_index, 0, b), 0);
        ck_assert_uint_eq(package_index.n_files, 1);
        ck_assert_str_eq(package_index_find(&package_index, 0)->name, "a");
        ck_assert_int_eq(package_index_finish(&package_index), 0);
        ck_assert_str_eq(package_index_find(&package_index, 0)->name, "a");
        ck_assert_ptr_null(package_index_find(&package_index, UINT64_MAX));
        package_index_done(&package_index);
}
END_TEST

START_TEST(too_many_packages_and_files_are_refused) {
        size_t number = 0;
        uint64_t n = 0;
        char name[16];
        int r = 0;

        package_index_init(&package_index);
        for (n = 0; r == 0; n++)
                r = package_index_add(&package_index, name, (size_t)snprintf(name, sizeof(name), "p%u", (unsigned)n),
                                      &number);
        ck_assert_int_eq(r, -ENOSPC);
        ck_assert_uint_eq(n, 32769);
        ck_assert_uint_eq(number, 32767);
        r = 0;
        for (n = 0; r == 0; n++)
                r = package_index_add_file(&package_index, hash_of(n), number);
        ck_assert_int_eq(r, -ENOSPC);
        ck_assert_uint_ge(n, 1U << 20);
        ck_assert_str_eq(package_index_find(&package_index, hash_of(7))->name, "p32767");
        package_index_done(&package_index);
}
END_TEST

START_TEST(finished_without_a_file_it_finds_none) {
        package_index_init(&package_index);
        ck_assert_int_eq(package_index_finish(&package_index), 0);
        ck_assert_ptr_null(package_index_find(&package_index, hash_of(1)));
        package_index_done(&package_index);
}
END_TEST

UNIT_MAIN("report/package-index", finished_without_a_file_it_finds_none,
          every_file_is_found_with_its_package_however_often_the_table_grew, file_of_two_packages_is_of_the_first,
          too_many_packages_and_files_are_refused)

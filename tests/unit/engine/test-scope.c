/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scope.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct key of_process(uint32_t pid, uint64_t start_ns) {
        return (struct key){.type = KEY_PROCESS, .id = {.pid = pid, .start_ns = start_ns}};
}

static struct key of_unit(const char *name) {
        return (struct key){.type = KEY_UNIT, .name = name, .n_name = strlen(name)};
}

START_TEST(key_is_found_by_what_it_is_and_not_by_what_is_like_it) {
        struct key one = of_process(1, 100), later = of_process(1, 200), tree = one, nginx = of_unit("nginx.service");
        struct key cut = nginx;
        struct scopes s;
        uint32_t number;

        tree.type = KEY_TREE;
        cut.n_name--;
        ck_assert_int_eq(scopes_init(&s, 8), 0);
        number = scopes_get(&s, &one);
        ck_assert_uint_eq(scopes_find(&s, &one), number);
        ck_assert_uint_eq(scopes_get(&s, &one), number);
        ck_assert_uint_eq(scopes_find(&s, &later), SCOPE_NONE);
        ck_assert_uint_eq(scopes_find(&s, &tree), SCOPE_NONE);

        number = scopes_get(&s, &nginx);
        ck_assert_uint_eq(scopes_find(&s, &nginx), number);
        ck_assert_uint_eq(scopes_find(&s, &cut), SCOPE_NONE);
        ck_assert_uint_eq(s.stock.n_used, 2);
        scopes_done(&s);
}
END_TEST

START_TEST(name_of_a_unit_outlives_the_event_that_told_it) {
        char name[] = "nginx.service";
        struct key key = of_unit(name), kept;
        struct scopes s;
        uint32_t number;

        ck_assert_int_eq(scopes_init(&s, 8), 0);
        number = scopes_get(&s, &key);
        memset(name, 'x', sizeof(name) - 1);
        kept = scope_key(scope_at(&s, number));
        ck_assert_uint_eq(kept.n_name, strlen("nginx.service"));
        ck_assert_mem_eq(kept.name, "nginx.service", kept.n_name);
        scopes_done(&s);
}
END_TEST

START_TEST(full_table_refuses_new_keys_and_takes_them_when_one_has_gone) {
        struct scopes s;

        ck_assert_int_eq(scopes_init(&s, 4), 0);
        for (uint32_t pid = 0; pid < 4; pid++)
                ck_assert_uint_ne(scopes_get(&s, &(struct key){.type = KEY_PROCESS, .id.pid = pid}), SCOPE_NONE);
        ck_assert_uint_eq(scopes_get(&s, &(struct key){.type = KEY_PROCESS, .id.pid = 4}), SCOPE_NONE);
        scopes_remove(&s, scopes_find(&s, &(struct key){.type = KEY_PROCESS, .id.pid = 2}));
        ck_assert_uint_eq(scopes_find(&s, &(struct key){.type = KEY_PROCESS, .id.pid = 2}), SCOPE_NONE);
        ck_assert_uint_ne(scopes_get(&s, &(struct key){.type = KEY_PROCESS, .id.pid = 4}), SCOPE_NONE);
        scopes_done(&s);
}
END_TEST

START_TEST(many_keys_come_and_go) {
        enum { N = 2000 };
        struct scopes s;

        ck_assert_int_eq(scopes_init(&s, N), 0);
        for (unsigned round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < N; i++) {
                        struct key key = of_process(i, round);

                        ck_assert_uint_ne(scopes_get(&s, &key), SCOPE_NONE);
                }
                for (uint32_t i = 0; i < N; i++) {
                        struct key key = of_process(i * 7 % N, round);
                        uint32_t number = scopes_find(&s, &key);

                        ck_assert_uint_ne(number, SCOPE_NONE);
                        ck_assert_uint_eq(scope_at(&s, number)->id.pid, key.id.pid);
                        scopes_remove(&s, number);
                }
                ck_assert_uint_eq(s.stock.n_used, 0);
        }
        scopes_done(&s);
}
END_TEST

START_TEST(key_is_written_as_people_read_it) {
        struct key process = of_process(4711, 1), unit = of_unit("nginx.service"),
                   user = {.type = KEY_USER, .id.pid = 1000};
        char text[SCOPE_TEXT], small[8];

        key_format(&process, text, sizeof(text));
        ck_assert_str_eq(text, "process 4711");
        key_format(&unit, text, sizeof(text));
        ck_assert_str_eq(text, "unit nginx.service");
        key_format(&user, text, sizeof(text));
        ck_assert_str_eq(text, "user 1000");
        key_format(&(struct key){.type = KEY_HOST}, text, sizeof(text));
        ck_assert_str_eq(text, "host");
        key_format(&unit, small, sizeof(small));
        ck_assert_str_eq(small, "unit ng");
}
END_TEST

UNIT_MAIN("engine/scope",
          key_is_found_by_what_it_is_and_not_by_what_is_like_it,
          name_of_a_unit_outlives_the_event_that_told_it,
          full_table_refuses_new_keys_and_takes_them_when_one_has_gone,
          many_keys_come_and_go,
          key_is_written_as_people_read_it)

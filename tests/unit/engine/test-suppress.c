/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/suppress.h"

#include <string.h>

#include "unit.h"

static struct suppress suppress;
static struct path path = {.suppress_ns = 100};
static struct match match = {.path = &path, .key = "tree 5", .key_type = KEY_TREE};

static struct siphash128 id_of(uint32_t pid, uint64_t captures, const char *exe) {
        const struct key key = {.type = KEY_TREE, .id.pid = pid};
        const struct token token = {.low = captures};
        const struct value value = {.bytes = exe, .length = exe ? strlen(exe) : 0, .type = VALUE_STRING,
                                    .state = exe ? VALUE_KNOWN : VALUE_UNKNOWN};

        return suppress_id(&suppress, &path, &key, &token, &value);
}

static void add(uint32_t pid, uint64_t now_ns) {
        struct siphash128 id = id_of(pid, 0, NULL);

        match.number++;
        suppress_add(&suppress, &id, 0, &match, now_ns);
}

static bool same(struct siphash128 a, struct siphash128 b) {
        return a.low == b.low && a.high == b.high;
}

START_TEST(story_is_the_same_in_path_key_captures_and_image_only) {
        ck_assert_int_eq(suppress_init(&suppress, 4), 0);
        ck_assert(same(id_of(1, 2, "/a"), id_of(1, 2, "/a")));
        ck_assert(!same(id_of(1, 2, "/a"), id_of(2, 2, "/a")));
        ck_assert(!same(id_of(1, 2, "/a"), id_of(1, 3, "/a")));
        ck_assert(!same(id_of(1, 2, "/a"), id_of(1, 2, "/b")));
        ck_assert(!same(id_of(1, 2, ""), id_of(1, 2, NULL)));
        suppress_done(&suppress);
}
END_TEST

START_TEST(window_that_ends_first_comes_first_then_the_one_told_first) {
        struct siphash128 id;

        ck_assert_int_eq(suppress_init(&suppress, 3), 0);
        add(1, 10);
        add(2, 5);
        add(3, 5);
        ck_assert(suppress_is_full(&suppress));
        id = id_of(2, 0, NULL);
        ck_assert_uint_eq(suppress_first(&suppress), suppress_find(&suppress, &id));
        suppress_remove(&suppress, suppress_first(&suppress));
        ck_assert_uint_eq(suppress_find(&suppress, &id), SUPPRESS_NONE);
        id = id_of(3, 0, NULL);
        ck_assert_uint_eq(suppress_first(&suppress), suppress_find(&suppress, &id));
        ck_assert(!suppress_is_full(&suppress));
        suppress_done(&suppress);
}
END_TEST

START_TEST(summary_shows_captures_as_far_as_there_is_room_and_says_where_they_are_cut) {
        static struct plan_path plan_path;
        struct program program = {.paths = &path, .n_paths = 1};
        const struct plan plan = {.program = &program, .paths = &plan_path};
        char text[400];
        struct match summary;

        memset(text, 'x', sizeof(text));
        ck_assert_int_eq(suppress_init(&suppress, 3), 0);
        for (unsigned i = 0; i < 2; i++)
                match.captures[i] = (struct value){
                        .bytes = text, .length = sizeof(text), .type = VALUE_STRING, .state = VALUE_KNOWN};
        match.captures[2] = (struct value){.number = 7, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
        add(1, 10);
        memset(text, 'y', sizeof(text));        /* the event is gone */

        suppress_at(&suppress, suppress_first(&suppress))->count = 3;
        suppress_summary(&suppress, suppress_first(&suppress), &plan, &summary);
        ck_assert(summary.summary);
        ck_assert_uint_eq(summary.suppressed, 3);
        ck_assert_uint_eq(summary.first_ns, 10);
        ck_assert_uint_eq(summary.time_ns, 110);
        ck_assert_str_eq(summary.key, "tree 5");
        ck_assert_int_eq(summary.captures[0].state, VALUE_KNOWN);
        ck_assert_uint_eq(summary.captures[0].length, 400);
        ck_assert_int_eq(summary.captures[0].bytes[399], 'x');
        ck_assert_int_eq(summary.captures[1].state, VALUE_CUT);
        ck_assert_uint_eq(summary.captures[1].length, SUPPRESS_BYTES - 400);
        ck_assert_int_eq(summary.captures[2].number, 7);
        ck_assert_int_eq(summary.captures[3].state, VALUE_UNKNOWN);
        suppress_done(&suppress);
}
END_TEST

START_TEST(window_without_end_has_no_deadline_that_could_wrap) {
        path.suppress_ns = UINT64_MAX;
        ck_assert_int_eq(suppress_init(&suppress, 3), 0);
        add(1, 10);
        ck_assert_uint_eq(suppress_at(&suppress, suppress_first(&suppress))->deadline_ns, UINT64_MAX);
        suppress_done(&suppress);
}
END_TEST

UNIT_MAIN("engine/suppress",
          story_is_the_same_in_path_key_captures_and_image_only,
          window_that_ends_first_comes_first_then_the_one_told_first,
          summary_shows_captures_as_far_as_there_is_room_and_says_where_they_are_cut,
          window_without_end_has_no_deadline_that_could_wrap)

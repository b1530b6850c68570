/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stories.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "stage.h"

static struct stage stage;
static char told[1024];

static void on_story(const struct engine_story *story, void *data) {
        size_t n = strlen(told);

        snprintf(told + n, sizeof(told) - n, "%u %s %u %s\n", story->path, story->key, story->n_done,
                 story->deadline_ns == UINT64_MAX ? "for ever" : "until then");
}

static const char *stories(size_t max) {
        told[0] = 0;
        engine_stories(stage.engine, max, on_story, NULL);
        return told;
}

START_TEST(open_stories_are_listed_with_whose_they_are_and_how_far) {
        uint64_t matches[2], open[2], evicted[2];

        builder_init(&b);
        two("one");
        two("other");
        stage_open(&stage, builder_finish(&b));
        ck_assert_str_eq(stories(10), "");

        at(0);
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        ck_assert_ptr_nonnull(strstr(stories(10), "0 tree 100 1 "));
        ck_assert_ptr_nonnull(strstr(told, "1 tree 200 1 "));
        engine_path_totals(stage.engine, matches, open, evicted);
        ck_assert_uint_eq(open[0], 2);
        ck_assert_uint_eq(open[1], 2);
        ck_assert_uint_eq(matches[0], 0);
        ck_assert_uint_eq(strchr(stories(1), '\n') - told + 1, strlen(told));   /* no more than were asked for */
        ck_assert_str_eq(stories(0), "");

        at(1);
        opens(&stage, P, "/b");
        engine_path_totals(stage.engine, matches, open, evicted);
        ck_assert_uint_eq(open[0], 1);
        ck_assert_uint_eq(matches[0], 1);
        ck_assert_ptr_null(strstr(stories(10), "tree 100"));
        stage_close(&stage);
}
END_TEST

START_TEST(who_made_room_is_counted_by_path) {
        uint64_t matches[2], open[2], evicted[2];

        stage_limits.max_tuples = 2;
        stage_open(&stage, tuples("bound", 0));
        opens(&stage, P, "/1");
        opens(&stage, P, "/2");
        opens(&stage, P, "/3");
        opens(&stage, Q, "/1");
        opens(&stage, P, "/4");
        engine_path_totals(stage.engine, matches, open, evicted);
        ck_assert_uint_eq(open[0], 3);
        ck_assert_uint_eq(evicted[0], 2);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/stories", open_stories_are_listed_with_whose_they_are_and_how_far,
          who_made_room_is_counted_by_path)

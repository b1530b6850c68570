/* SPDX-License-Identifier: Apache-2.0 */
#include "story/world.h"

#include "unit.h"

static struct world world;

START_TEST(child_of_a_supervisor_begins_a_tree_of_its_own) {
        struct world_process *shell, *child;

        ck_assert_int_eq(world_init(&world), 0);
        shell = world_add(&world, "sh", world.init, 5);
        ck_assert_int_eq(world_fork(&world, shell, "child", &child), 0);
        ck_assert(identity_equal(&shell->tree, &shell->id));
        ck_assert(identity_equal(&child->tree, &shell->id));
        ck_assert_ptr_eq(world_find(&world, "child"), child);
        ck_assert_ptr_null(world_find(&world, "nobody"));
        world_done(&world);
}
END_TEST

START_TEST(every_record_is_one_that_the_decoder_takes) {
        struct world_process *child;
        struct event event;

        ck_assert_int_eq(world_init(&world), 0);
        ck_assert_uint_eq(world_cgroup(&world, "/a.slice"), 1);
        ck_assert_uint_eq(world_cgroup(&world, "/a.slice"), 1);
        ck_assert_int_eq(world_fork(&world, world.init, "x", &child), 0);
        ck_assert_int_eq(world_exit(&world, child), 0);
        ck_assert_uint_eq(world.records.n, 4);
        for (size_t i = 0; i < world.records.n; i++) {
                ck_assert_int_eq(world_event(&world, i, &event), 0);
                ck_assert_uint_eq(event.number, i + 1);
        }
        ck_assert_int_eq(event_kind(&event), WIRE_KIND_exit);
        ck_assert_uint_eq(event_actor(&event).pid, child->id.pid);
        world_done(&world);
}
END_TEST

START_TEST(time_of_the_stream_never_runs_backwards_though_records_do) {
        struct event event;

        ck_assert_int_eq(world_init(&world), 0);
        world.now_ns = WORLD_START_NS + 10;
        ck_assert_int_eq(world_exit(&world, world.init), 0);
        world.now_ns = WORLD_START_NS + 5;
        ck_assert_int_eq(world_exit(&world, world.init), 0);
        ck_assert_int_eq(world_event(&world, 2, &event), 0);
        ck_assert_uint_eq(event.time_ns, WORLD_START_NS + 10);
        ck_assert_uint_eq(event.wire->time_ns, WORLD_START_NS + 5);
        world_done(&world);
}
END_TEST

START_TEST(same_name_is_the_same_object) {
        struct wire_object a = world_object("/a"), again = world_object("/a"), b = world_object("/b");

        ck_assert_uint_eq(a.inode, again.inode);
        ck_assert_uint_ne(a.inode, b.inode);
}
END_TEST

UNIT_MAIN("story/world",
          child_of_a_supervisor_begins_a_tree_of_its_own,
          every_record_is_one_that_the_decoder_takes,
          time_of_the_stream_never_runs_backwards_though_records_do,
          same_name_is_the_same_object)

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "feed.h"
#include "unit.h"

static struct process_table *table;

static const struct process_table_limits limits = {
        .max_processes = 100,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static void setup(void) {
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        feed_process(table, 1, 0, "/sbin/init");
        feed_process(table, 2, 0, NULL);
        feed_process(table, 100, 1, "/usr/bin/shell");
}

static void teardown(void) {
        table = process_table_free(table);
}

static struct process_table_stats count(void) {
        struct process_table_stats stats;

        process_table_stats(table, &stats);
        return stats;
}

static size_t members(uint32_t pid) {
        struct identity tree = feed_id(pid);

        return process_table_tree_members(table, &tree);
}

START_TEST(child_has_what_its_creator_has) {
        struct process *child, *creator;

        setup();
        feed_cgroup(table, 7, "/system.slice/cron.service");
        feed_header.uid = 1000;
        feed_header.euid = 1001;
        feed_header.loginuid = 1000;
        feed_header.cgroup_id = 7;
        creator = feed_fork(table, 100, 200);
        ck_assert_ptr_eq(creator, find(table, 100));
        child = find(table, 200);
        ck_assert(identity_equal(&child->creator, &creator->id));
        ck_assert_ptr_eq(child->image, creator->image);
        ck_assert_uint_eq(child->uid, 1000);
        ck_assert_uint_eq(child->euid, 1001);
        ck_assert_uint_eq(child->loginuid, 1000);
        ck_assert_uint_eq(child->cgroup_id, 7);
        ck_assert_ptr_nonnull(child->cgroup);
        ck_assert(!child->guessed);
        ck_assert_uint_eq(creator->n_children, 1);
        ck_assert_uint_eq(creator->n_live_children, 1);
        teardown();
}
END_TEST

START_TEST(exec_changes_the_image_of_one_process_and_not_of_its_relatives) {
        setup();
        feed_fork(table, 100, 200);
        ck_assert_ptr_eq(feed_exec(table, 200, "/usr/bin/curl"), find(table, 200));
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/curl");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_exe), "/usr/bin/shell");
        ck_assert_uint_eq(count().n_images, 4);
        feed_exec(table, 200, "/usr/bin/wget");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_name), "wget");
        ck_assert_uint_eq(count().n_images, 4);
        teardown();
}
END_TEST

START_TEST(failed_exec_changes_nothing) {
        setup();
        feed_fork(table, 100, 200);
        feed_header.result = -ENOENT;
        feed_exec(table, 200, "/usr/bin/curl");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/shell");
        teardown();
}
END_TEST

START_TEST(exec_by_a_thread_keeps_the_identity) {
        setup();
        feed_fork(table, 100, 200);
        feed_begin(WIRE_KIND_execve, feed_id(200));
        feed_record.header.tid = 207;
        record_set_text(&feed_record, FIELD_execve_exe, "/usr/bin/curl");
        ck_assert_ptr_eq(feed_send(table), find(table, 200));
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/curl");
        ck_assert_uint_eq(count().n_running, 4);
        teardown();
}
END_TEST

START_TEST(image_that_could_not_be_read_is_unknown_and_not_the_one_before) {
        setup();
        feed_fork(table, 100, 200);
        feed_begin(WIRE_KIND_execve, feed_id(200));
        feed_send(table);
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "?");
        teardown();
}
END_TEST

START_TEST(credentials_are_those_of_the_last_event) {
        setup();
        feed_header.uid = feed_header.euid = 1000;
        feed_open(table, 100);
        ck_assert_uint_eq(find(table, 100)->euid, 1000);
        feed_open(table, 100);
        ck_assert_uint_eq(find(table, 100)->euid, 0);
        teardown();
}
END_TEST

START_TEST(second_exit_of_a_process_changes_nothing) {
        uint64_t exit_ns;

        setup();
        feed_fork(table, 100, 200);
        ck_assert_uint_eq(members(100), 2);
        ck_assert_ptr_eq(feed_exit(table, 200), find(table, 200));
        exit_ns = feed_now;
        ck_assert_ptr_eq(feed_exit(table, 200), find(table, 200));
        ck_assert_uint_eq(find(table, 200)->exit_ns, exit_ns);
        ck_assert_uint_eq(members(100), 1);
        ck_assert_uint_eq(count().n_late, 0);
        ck_assert_uint_eq(count().n_kept, 1);
        teardown();
}
END_TEST

START_TEST(late_record_finds_the_dead_as_they_were_and_revives_nothing) {
        setup();
        feed_fork(table, 100, 200);
        feed_exit(table, 200);
        feed_header.uid = 5;
        ck_assert_ptr_eq(feed_open(table, 200), find(table, 200));
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        ck_assert_uint_eq(find(table, 200)->uid, 0);
        ck_assert_uint_eq(count().n_late, 1);
        feed_exec(table, 200, "/usr/bin/curl");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/shell");
        ck_assert_uint_eq(members(100), 1);
        teardown();
}
END_TEST

START_TEST(child_of_a_late_fork_lives_and_so_does_its_line) {
        setup();
        feed_fork(table, 100, 200);
        feed_exit(table, 200);
        ck_assert_uint_eq(find(table, 100)->n_live_children, 0);
        feed_fork(table, 200, 300);
        ck_assert_int_eq(find(table, 300)->state, PROCESS_RUNNING);
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        ck_assert_uint_eq(find(table, 200)->n_live_children, 1);
        ck_assert_uint_eq(find(table, 100)->n_live_children, 1);
        ck_assert_uint_eq(find(table, 300)->tree.pid, 100);
        process_table_expire(table, feed_now + 100 * FEED_SECOND);
        ck_assert_ptr_nonnull(find(table, 200));
        teardown();
}
END_TEST

START_TEST(actor_whose_fork_was_lost_is_entered_from_its_record) {
        struct process *process;

        setup();
        feed_header.creator_tgid = 100;
        feed_header.creator_start_ns = FEED_START(100);
        feed_header.uid = 33;
        process = feed_open(table, 300);
        ck_assert_ptr_nonnull(process);
        ck_assert(process->guessed);
        ck_assert_uint_eq(process->uid, 33);
        ck_assert_uint_eq(process->tree.pid, 100);
        ck_assert_ptr_eq(process_table_creator(table, process, NULL), find(table, 100));
        ck_assert_uint_eq(find(table, 100)->n_children, 1);
        /* What it runs is not known: it may have executed something else since. */
        ck_assert_ptr_null(process->image);
        ck_assert_uint_eq(count().n_guessed, 1);
        teardown();
}
END_TEST

START_TEST(creator_that_is_learned_later_is_linked_to_its_children) {
        setup();
        feed_header.creator_tgid = 250;
        feed_header.creator_start_ns = FEED_START(250);
        feed_open(table, 300);
        ck_assert_ptr_null(process_table_creator(table, find(table, 300), NULL));
        feed_header.creator_tgid = 100;
        feed_header.creator_start_ns = FEED_START(100);
        feed_open(table, 250);
        ck_assert_ptr_eq(process_table_creator(table, find(table, 300), NULL), find(table, 250));
        ck_assert_uint_eq(find(table, 250)->n_live_children, 1);
        ck_assert_uint_eq(find(table, 100)->n_live_children, 1);
        teardown();
}
END_TEST

START_TEST(creator_that_a_later_record_names_is_taken) {
        setup();
        feed_open(table, 300);
        ck_assert_uint_eq(find(table, 300)->creator.pid, 0);
        feed_header.creator_tgid = 100;
        feed_header.creator_start_ns = FEED_START(100);
        feed_open(table, 300);
        ck_assert_ptr_eq(process_table_creator(table, find(table, 300), NULL), find(table, 100));
        teardown();
}
END_TEST

START_TEST(creator_younger_than_its_child_is_not_believed) {
        setup();
        feed_header.creator_tgid = 300;
        feed_header.creator_start_ns = FEED_START(300);
        feed_open(table, 250);
        feed_header.creator_tgid = 250;
        feed_header.creator_start_ns = FEED_START(250);
        feed_open(table, 300);
        ck_assert_ptr_null(process_table_creator(table, find(table, 250), NULL));
        ck_assert_ptr_eq(process_table_creator(table, find(table, 300), NULL), find(table, 250));
        teardown();
}
END_TEST

START_TEST(first_threads_of_the_kernel_may_have_started_at_the_same_time) {
        setup();
        for (uint32_t pid = 3; pid < 6; pid++) {
                feed_header.creator_tgid = 2;
                feed_header.creator_start_ns = FEED_START(2);
                feed_begin(WIRE_KIND_process, (struct identity){ .pid = pid, .start_ns = FEED_START(2) });
                feed_send(table);
        }
        ck_assert_uint_eq(find(table, 2)->n_children, 3);
        teardown();
}
END_TEST

START_TEST(fork_told_after_the_childs_first_record_completes_it) {
        setup();
        feed_open(table, 200);
        ck_assert(find(table, 200)->guessed);
        feed_fork(table, 100, 200);
        ck_assert(!find(table, 200)->guessed);
        ck_assert_ptr_eq(process_table_creator(table, find(table, 200), NULL), find(table, 100));
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/shell");
        ck_assert_uint_eq(count().n_running, 4);
        teardown();
}
END_TEST

START_TEST(child_belongs_to_the_activity_of_its_creator_for_ever) {
        setup();
        feed_fork(table, 100, 200);
        feed_fork(table, 200, 300);
        feed_exit(table, 200);
        feed_exit(table, 100);
        feed_fork(table, 300, 400);
        ck_assert_uint_eq(find(table, 400)->tree.pid, 100);
        ck_assert_uint_eq(members(100), 2);
        feed_exit(table, 300);
        feed_exit(table, 400);
        ck_assert_uint_eq(members(100), 0);
        teardown();
}
END_TEST

START_TEST(children_of_init_kthreadd_and_supervisors_begin_activities) {
        setup();
        feed_supervisor(table, 110, 1, "/usr/sbin/sshd");
        feed_fork(table, 1, 200);
        feed_fork(table, 2, 201);
        feed_fork(table, 110, 202);
        ck_assert_uint_eq(find(table, 200)->tree.pid, 200);
        ck_assert_uint_eq(find(table, 201)->tree.pid, 201);
        ck_assert_uint_eq(find(table, 202)->tree.pid, 202);
        feed_fork(table, 202, 203);
        ck_assert_uint_eq(find(table, 203)->tree.pid, 202);
        /* Being a supervisor is not inherited: a copy that its child runs is none. */
        ck_assert(!find(table, 202)->supervisor);
        teardown();
}
END_TEST

START_TEST(supervisor_told_later_counts_from_then_on) {
        setup();
        feed_fork(table, 100, 200);
        feed_supervisor(table, 100, 1, "/usr/bin/shell");
        feed_fork(table, 100, 201);
        ck_assert_uint_eq(find(table, 200)->tree.pid, 100);
        ck_assert_uint_eq(find(table, 201)->tree.pid, 201);
        teardown();
}
END_TEST

START_TEST(first_tree_that_a_record_names_is_the_tree) {
        setup();
        feed_fork(table, 100, 200);
        feed_header.tree_tgid = 50;
        feed_header.tree_start_ns = FEED_START(50);
        feed_open(table, 200);
        ck_assert_uint_eq(find(table, 200)->tree.pid, 50);
        ck_assert_uint_eq(members(50), 1);
        ck_assert_uint_eq(members(100), 1);

        feed_header.tree_tgid = 60;
        feed_header.tree_start_ns = FEED_START(60);
        feed_open(table, 200);
        ck_assert_uint_eq(find(table, 200)->tree.pid, 50);
        teardown();
}
END_TEST

START_TEST(tree_of_a_guessed_process_is_the_records_then_its_creators_then_its_own) {
        setup();
        feed_fork(table, 100, 150);
        feed_header.creator_tgid = 150;
        feed_header.creator_start_ns = FEED_START(150);
        feed_header.tree_tgid = 50;
        feed_header.tree_start_ns = FEED_START(50);
        feed_open(table, 200);
        ck_assert_uint_eq(find(table, 200)->tree.pid, 50);

        feed_header.creator_tgid = 150;
        feed_header.creator_start_ns = FEED_START(150);
        feed_open(table, 201);
        ck_assert_uint_eq(find(table, 201)->tree.pid, 100);

        feed_open(table, 202);
        ck_assert_uint_eq(find(table, 202)->tree.pid, 202);
        teardown();
}
END_TEST

START_TEST(snapshot_does_not_overwrite_what_was_seen) {
        setup();
        feed_fork(table, 100, 200);
        feed_exec(table, 200, "/usr/bin/new");
        feed_process(table, 200, 1, "/usr/bin/old");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/new");
        ck_assert_ptr_eq(process_table_creator(table, find(table, 200), NULL), find(table, 100));
        ck_assert_uint_eq(find(table, 200)->tree.pid, 100);

        feed_exit(table, 200);
        feed_process(table, 200, 1, "/usr/bin/old");
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        teardown();
}
END_TEST

static bool image_before_us(uint32_t pid) {
        return process_image_is_before_us(find(table, pid)->image);
}

START_TEST(what_ran_when_the_watch_began_is_told_from_what_was_seen_to_begin) {
        setup();
        ck_assert(find(table, 100)->before_us && image_before_us(100));
        feed_fork(table, 100, 200);
        ck_assert(!find(table, 200)->before_us && image_before_us(200));
        feed_exec(table, 200, "/usr/bin/new");
        ck_assert(!find(table, 200)->before_us && !image_before_us(200));
        feed_exec(table, 100, "/usr/bin/new");
        ck_assert(find(table, 100)->before_us && !image_before_us(100));

        feed_open(table, 300);          /* its own first record came before that of the snapshot */
        ck_assert(!find(table, 300)->before_us);
        feed_process(table, 300, 100, "/usr/bin/old");
        ck_assert(find(table, 300)->before_us && image_before_us(300));
        feed_process(table, 310, 100, "/usr/bin/old");  /* and here it was found before its fork was read */
        feed_fork(table, 100, 310);
        ck_assert(!find(table, 310)->before_us);
        feed_fork(table, 100, 320);     /* or after */
        feed_process(table, 320, 100, "/usr/bin/old");
        ck_assert(!find(table, 320)->before_us);

        feed_header.flags = WIRE_SYNTHETIC | WIRE_MENDED;
        feed_process(table, 330, 100, "/usr/bin/lost");
        ck_assert(!find(table, 330)->before_us && !image_before_us(330));
        feed_process(table, 340, 100, "/usr/bin/old");
        ck_assert(find(table, 340)->before_us);
        feed_header.flags = WIRE_SYNTHETIC | WIRE_SEEN | WIRE_EXEC_SEEN;
        feed_process(table, 340, 100, "/usr/bin/old");
        ck_assert(!find(table, 340)->before_us);
        ck_assert(!process_image_is_before_us(NULL));
        teardown();
}
END_TEST

START_TEST(record_in_place_of_a_lost_exec_brings_the_image_that_runs_now) {
        setup();
        feed_fork(table, 100, 200);
        feed_exec(table, 200, "/usr/bin/old");
        feed_header.flags = WIRE_SYNTHETIC | WIRE_MENDED;
        feed_header.uid = 7;
        feed_process(table, 200, 100, "/usr/bin/new");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/new");
        ck_assert_uint_eq(find(table, 200)->uid, 7);
        ck_assert_uint_eq(count().n_images, 4);

        feed_header.flags = WIRE_SYNTHETIC | WIRE_MENDED;
        feed_process(table, 300, 200, "/usr/bin/child");
        ck_assert_str_eq(show(find(table, 300), FIELD_PROCESS_exe), "/usr/bin/child");
        ck_assert_uint_eq(find(table, 300)->creator.pid, 200);

        feed_exit(table, 300);
        feed_header.flags = WIRE_SYNTHETIC | WIRE_MENDED;
        feed_process(table, 300, 200, "/usr/bin/later");
        ck_assert_int_eq(find(table, 300)->state, PROCESS_EXITED);
        ck_assert_str_eq(show(find(table, 300), FIELD_PROCESS_exe), "/usr/bin/child");
        teardown();
}
END_TEST

START_TEST(snapshot_fills_in_what_a_record_did_not_tell) {
        setup();
        feed_open(table, 200);
        feed_process(table, 200, 100, "/usr/bin/tool");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/usr/bin/tool");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_name), "tool");
        ck_assert_ptr_eq(process_table_creator(table, find(table, 200), NULL), find(table, 100));
        teardown();
}
END_TEST

START_TEST(kernels_helper_stops_being_a_thread_of_the_kernel_when_it_executes) {
        setup();
        feed_begin(WIRE_KIND_process, feed_id(50));
        record_set_number(&feed_record, FIELD_process_kthread, 1);
        feed_send(table);
        feed_fork(table, 50, 60);
        ck_assert(find(table, 60)->kthread);
        feed_exec(table, 60, "/sbin/modprobe");
        ck_assert(!find(table, 60)->kthread);
        ck_assert(find(table, 50)->kthread);
        teardown();
}
END_TEST

START_TEST(cgroup_named_after_its_first_event_is_taken_with_the_next) {
        setup();
        feed_header.cgroup_id = 9;
        feed_open(table, 100);
        ck_assert_uint_eq(find(table, 100)->cgroup_id, 9);
        ck_assert_ptr_null(find(table, 100)->cgroup);
        feed_cgroup(table, 9, "/system.slice/cron.service");
        feed_header.cgroup_id = 9;
        feed_open(table, 100);
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_unit), "cron.service");
        /* A record that tells no group leaves it. */
        feed_open(table, 100);
        ck_assert_uint_eq(find(table, 100)->cgroup_id, 9);
        teardown();
}
END_TEST

START_TEST(records_without_an_actor_enter_nothing) {
        setup();
        feed_begin(WIRE_KIND_tick, feed_id(300));
        ck_assert_ptr_null(feed_send(table));
        feed_begin(WIRE_KIND_gap, (struct identity){});
        ck_assert_ptr_null(feed_send(table));
        ck_assert_ptr_null(feed_open_of(table, (struct identity){}));
        feed_process(table, 0, 0, NULL);
        ck_assert_uint_eq(count().n_running, 3);
        teardown();
}
END_TEST

START_TEST(fork_that_does_not_tell_its_child_enters_none) {
        setup();
        feed_begin(WIRE_KIND_fork, feed_id(100));
        record_set_number(&feed_record, FIELD_fork_child_pid, 200);
        ck_assert_ptr_eq(feed_send(table), find(table, 100));
        ck_assert_uint_eq(count().n_running, 3);
        ck_assert_uint_eq(count().n_images, 3);
        teardown();
}
END_TEST

UNIT_MAIN("process/process-update",
          child_has_what_its_creator_has,
          exec_changes_the_image_of_one_process_and_not_of_its_relatives,
          failed_exec_changes_nothing,
          exec_by_a_thread_keeps_the_identity,
          image_that_could_not_be_read_is_unknown_and_not_the_one_before,
          credentials_are_those_of_the_last_event,
          second_exit_of_a_process_changes_nothing,
          late_record_finds_the_dead_as_they_were_and_revives_nothing,
          child_of_a_late_fork_lives_and_so_does_its_line,
          actor_whose_fork_was_lost_is_entered_from_its_record,
          creator_that_is_learned_later_is_linked_to_its_children,
          creator_that_a_later_record_names_is_taken,
          creator_younger_than_its_child_is_not_believed,
          first_threads_of_the_kernel_may_have_started_at_the_same_time,
          fork_told_after_the_childs_first_record_completes_it,
          child_belongs_to_the_activity_of_its_creator_for_ever,
          children_of_init_kthreadd_and_supervisors_begin_activities,
          supervisor_told_later_counts_from_then_on,
          first_tree_that_a_record_names_is_the_tree,
          tree_of_a_guessed_process_is_the_records_then_its_creators_then_its_own,
          snapshot_does_not_overwrite_what_was_seen,
          what_ran_when_the_watch_began_is_told_from_what_was_seen_to_begin,
          record_in_place_of_a_lost_exec_brings_the_image_that_runs_now,
          snapshot_fills_in_what_a_record_did_not_tell,
          kernels_helper_stops_being_a_thread_of_the_kernel_when_it_executes,
          cgroup_named_after_its_first_event_is_taken_with_the_next,
          records_without_an_actor_enter_nothing,
          fork_that_does_not_tell_its_child_enters_none)

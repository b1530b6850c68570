/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-table.h"

#include <string.h>

#include "feed.h"
#include "process/process-fields.h"
#include "unit.h"

static struct process_table *table;
static struct process_table_stats stats;

static const struct process_table_limits small_limits = {
        .max_processes = 8,
        .max_image_bytes = 65536,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static void setup_with(size_t max_processes) {
        struct process_table_limits limits = small_limits;

        limits.max_processes = max_processes;
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        feed_process(table, 1, 0, "/sbin/init");
        feed_process(table, 100, 1, "/usr/bin/shell");
}

static void setup(void) {
        setup_with(100);
}

static void teardown(void) {
        table = process_table_free(table);
}

static const struct process_table_stats *count(void) {
        process_table_stats(table, &stats);
        return &stats;
}

START_TEST(exited_process_is_kept_for_its_grace) {
        setup();
        feed_fork(table, 100, 200);
        feed_exit(table, 200);
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        ck_assert_uint_eq(find(table, 200)->exit_ns, feed_now);
        ck_assert_uint_eq(count()->n_kept, 1);

        process_table_expire(table, feed_now + 10 * FEED_SECOND - 1);
        ck_assert_ptr_nonnull(find(table, 200));
        process_table_expire(table, feed_now + 10 * FEED_SECOND);
        ck_assert_ptr_null(find(table, 200));
        ck_assert_uint_eq(count()->n_kept, 0);
        ck_assert_uint_eq(count()->n_running, 2);
        ck_assert_uint_eq(find(table, 100)->n_children, 0);
        teardown();
}
END_TEST

START_TEST(ancestor_is_kept_while_a_descendant_runs) {
        setup();
        feed_fork(table, 100, 200);
        feed_fork(table, 200, 300);
        feed_fork(table, 300, 400);
        feed_exit(table, 200);
        feed_exit(table, 300);
        ck_assert_uint_eq(find(table, 200)->n_live_children, 1);
        feed_now += 100 * FEED_SECOND;
        process_table_expire(table, feed_now);
        ck_assert_ptr_nonnull(find(table, 200));
        ck_assert_ptr_nonnull(find(table, 300));
        ck_assert_ptr_eq(process_table_creator(table, find(table, 400), NULL), find(table, 300));

        /* The last of the line goes, and the line with it, each after its grace. */
        feed_exit(table, 400);
        ck_assert_uint_eq(find(table, 100)->n_live_children, 0);
        ck_assert_uint_eq(find(table, 100)->n_children, 1);
        process_table_expire(table, feed_now + 10 * FEED_SECOND);
        ck_assert_ptr_null(find(table, 200));
        ck_assert_ptr_null(find(table, 300));
        ck_assert_ptr_null(find(table, 400));
        ck_assert_uint_eq(find(table, 100)->n_children, 0);
        teardown();
}
END_TEST

START_TEST(full_table_evicts_the_process_longest_without_descendants) {
        setup_with(5);
        feed_fork(table, 100, 200);
        feed_fork(table, 100, 300);
        feed_fork(table, 100, 400);
        feed_exit(table, 300);
        feed_exit(table, 200);
        feed_fork(table, 100, 500);
        ck_assert_ptr_nonnull(find(table, 500));
        ck_assert_ptr_null(find(table, 300));
        ck_assert_ptr_nonnull(find(table, 200));
        ck_assert_uint_eq(count()->n_evicted, 1);
        ck_assert_uint_eq(count()->n_refused, 0);
        teardown();
}
END_TEST

START_TEST(dead_ancestor_makes_room_before_a_running_process_is_refused_and_the_chain_says_that_it_is_broken) {
        bool unknown;

        setup_with(4);
        feed_fork(table, 100, 200);
        feed_fork(table, 200, 300);
        feed_exit(table, 200);
        feed_fork(table, 300, 400);
        ck_assert_ptr_nonnull(find(table, 400));
        ck_assert_ptr_null(find(table, 200));
        ck_assert_ptr_null(process_table_creator(table, find(table, 300), &unknown));
        ck_assert(unknown);
        ck_assert_uint_eq(find(table, 100)->n_children, 0);
        ck_assert_uint_eq(find(table, 100)->n_live_children, 0);
        /* It stays in the activity that it was born into. */
        ck_assert_uint_eq(find(table, 400)->tree.pid, 100);
        teardown();
}
END_TEST

START_TEST(table_full_of_running_processes_refuses_and_counts) {
        setup_with(3);
        feed_fork(table, 100, 200);
        ck_assert_ptr_nonnull(feed_fork(table, 100, 300));
        ck_assert_ptr_null(find(table, 300));
        ck_assert_ptr_null(feed_open(table, 300));
        ck_assert_uint_eq(count()->n_refused, 2);
        ck_assert_uint_eq(count()->n_running, 3);

        feed_exit(table, 200);
        ck_assert_ptr_nonnull(feed_open(table, 300));
        teardown();
}
END_TEST

START_TEST(reused_pid_is_another_process) {
        struct identity young = { .pid = 200, .start_ns = FEED_START(250) };

        setup();
        feed_fork(table, 100, 200);
        feed_exec(table, 200, "/bin/old");
        feed_exit(table, 200);
        feed_fork_of(table, feed_id(100), young);
        ck_assert_ptr_nonnull(process_table_find(table, &young));
        ck_assert_ptr_ne(process_table_find(table, &young), find(table, 200));
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_exe), "/bin/old");
        ck_assert_str_eq(show(process_table_find(table, &young), FIELD_PROCESS_exe), "/usr/bin/shell");
        ck_assert_uint_eq(count()->n_unseen_exits, 0);
        teardown();
}
END_TEST

START_TEST(process_whose_exit_was_lost_is_dead_when_its_pid_is_taken) {
        struct identity young = { .pid = 200, .start_ns = FEED_START(250) };

        setup();
        feed_fork(table, 100, 200);
        ck_assert_uint_eq(process_table_tree_members(table, &find(table, 100)->id), 2);
        feed_open_of(table, young);
        ck_assert_int_eq(find(table, 200)->state, PROCESS_EXITED);
        ck_assert_uint_eq(count()->n_unseen_exits, 1);
        ck_assert_uint_eq(process_table_tree_members(table, &find(table, 100)->id), 1);
        teardown();
}
END_TEST

START_TEST(late_record_of_a_departed_process_enters_nothing) {
        setup();
        feed_fork(table, 100, 200);
        feed_exit(table, 200);
        process_table_expire(table, feed_now + 100 * FEED_SECOND);
        ck_assert_ptr_null(feed_open(table, 200));
        ck_assert_ptr_null(find(table, 200));
        ck_assert_uint_eq(count()->n_late, 1);
        feed_process(table, 200, 100, "/bin/late");
        ck_assert_ptr_null(find(table, 200));
        ck_assert_uint_eq(count()->n_late, 2);
        teardown();
}
END_TEST

START_TEST(record_of_an_older_holder_of_a_pid_is_late_even_if_it_was_never_seen) {
        struct identity old = { .pid = 200, .start_ns = FEED_START(150) };

        setup();
        feed_fork(table, 100, 200);
        ck_assert_ptr_null(feed_open_of(table, old));
        ck_assert_ptr_null(process_table_find(table, &old));
        ck_assert_int_eq(find(table, 200)->state, PROCESS_RUNNING);
        ck_assert_uint_eq(count()->n_late, 1);
        teardown();
}
END_TEST

START_TEST(chain_ends_at_the_first_process_and_at_kernel_threads_without_doubt) {
        bool unknown = true;

        setup();
        feed_process(table, 2, 0, NULL);
        ck_assert_ptr_null(process_table_creator(table, find(table, 1), &unknown));
        ck_assert(!unknown);
        ck_assert_ptr_null(process_table_creator(table, find(table, 2), &unknown));
        ck_assert(!unknown);
        feed_open(table, 300);
        ck_assert_ptr_null(process_table_creator(table, find(table, 300), &unknown));
        ck_assert(unknown);
        teardown();
}
END_TEST

START_TEST(expiry_does_a_bounded_amount_of_work) {
        setup_with(1000);
        for (uint32_t pid = 1000; pid < 1700; pid++) {
                feed_fork(table, 100, pid);
                feed_exit(table, pid);
        }
        ck_assert_uint_eq(count()->n_kept, 700);
        process_table_expire(table, feed_now + 100 * FEED_SECOND);
        ck_assert_uint_gt(count()->n_kept, 0);
        for (unsigned i = 0; i < 10; i++)
                process_table_expire(table, feed_now + 100 * FEED_SECOND);
        ck_assert_uint_eq(count()->n_kept, 0);
        teardown();
}
END_TEST

START_TEST(walk_over_all_meets_each_process_once) {
        const struct process *process = NULL;
        unsigned n = 0, n_exited = 0;

        setup();
        for (uint32_t pid = 200; pid < 230; pid++)
                feed_fork(table, 100, pid);
        feed_fork(table, 200, 300);
        feed_exit(table, 200);
        for (uint32_t pid = 210; pid < 215; pid++)
                feed_exit(table, pid);
        while ((process = process_table_next(table, process))) {
                n++;
                n_exited += process->state == PROCESS_EXITED;
                ck_assert_ptr_eq(process_table_find(table, &process->id), process);
        }
        ck_assert_uint_eq(n, 33);
        ck_assert_uint_eq(n_exited, 6);
        teardown();
}
END_TEST

static int attempt_new(void *userdata) {
        struct process_table *t = NULL;
        int r;

        r = process_table_new(&small_limits, &t);
        process_table_free(t);
        return r;
}

START_TEST(lack_of_memory_at_the_start_fails_whole) {
        ck_assert_uint_gt(alloc_fail_sweep(attempt_new, NULL), 0);
        ck_assert_ptr_null(process_table_free(NULL));
}
END_TEST

START_TEST(lack_of_memory_on_the_way_refuses_and_goes_on) {
        for (size_t n = 1; n < 12; n++) {
                setup_with(2000);
                alloc_fail_at(n);
                for (uint32_t pid = 1000; pid < 2500; pid++) {
                        feed_fork(table, 100, pid);
                        if (pid % 3)
                                feed_exit(table, pid);
                }
                alloc_fail_at(0);
                process_table_expire(table, feed_now + 100 * FEED_SECOND);
                teardown();
        }
}
END_TEST

START_TEST(steady_state_allocates_nothing) {
        static const char *const argv[] = { "program", "--with", "some arguments", "/of/usual/length", NULL };
        size_t n_before = 0;

        setup_with(500);
        feed_cgroup(table, 7, "/system.slice/cron.service");
        for (uint32_t pid = 1000; pid < 4000; pid++) {
                if (pid == 2000)
                        n_before = alloc_count();
                feed_header.cgroup_id = 7;
                feed_fork(table, 100, pid);
                feed_exec_argv(table, pid, "/usr/bin/program", argv);
                feed_open(table, pid);
                feed_exit(table, pid);
                process_table_expire(table, feed_now);
        }
        ck_assert_uint_eq(alloc_count(), n_before);
        teardown();
}
END_TEST

/* Whatever comes, in whatever order: the counts stay true. The table is checked against a walk over all of it. */
static void check_counts(void) {
        const struct process *process = NULL, *other;
        size_t n_running = 0, n_kept = 0;

        while ((process = process_table_next(table, process))) {
                uint32_t n_children = 0, n_live = 0;
                size_t n_members = 0;

                if (process->state == PROCESS_RUNNING)
                        n_running++;
                else
                        n_kept++;
                for (other = NULL; (other = process_table_next(table, other));) {
                        n_members += other->state == PROCESS_RUNNING && identity_equal(&other->tree, &process->tree);
                        if (process_table_creator(table, other, NULL) != process)
                                continue;
                        n_children++;
                        n_live += other->state == PROCESS_RUNNING || other->n_live_children > 0;
                }
                ck_assert_uint_eq(process->n_children, n_children);
                ck_assert_uint_eq(process->n_live_children, n_live);
                ck_assert_uint_eq(process_table_tree_members(table, &process->tree), n_members);
        }
        ck_assert_uint_eq(count()->n_running, n_running);
        ck_assert_uint_eq(count()->n_kept, n_kept);
        ck_assert_uint_le(n_running + n_kept, 24);
}

static uint32_t seed;

static uint32_t dice(uint32_t sides) {
        seed = seed * 1664525 + 1013904223;
        return (seed >> 8) % sides;
}

START_TEST(counts_stay_true_whatever_comes_in_whatever_order) {
        seed = 4711;
        setup_with(24);
        for (unsigned step = 0; step < 20000; step++) {
                struct identity actor = { .pid = 100 + dice(20) }, other = { .pid = 100 + dice(20) };

                actor.start_ns = FEED_START(actor.pid) + dice(3);
                other.start_ns = FEED_START(other.pid) + dice(3);
                if (dice(4) == 0) {
                        feed_header.creator_tgid = other.pid;
                        feed_header.creator_start_ns = other.start_ns;
                }
                if (dice(8) == 0) {
                        feed_header.tree_tgid = other.pid;
                        feed_header.tree_start_ns = other.start_ns;
                }
                switch (dice(6)) {
                case 0:
                case 1:
                        feed_fork_of(table, actor, other);
                        break;
                case 2:
                        feed_begin(WIRE_KIND_exit, actor);
                        feed_send(table);
                        break;
                case 3:
                        feed_begin(WIRE_KIND_process, actor);
                        record_set_number(&feed_record, FIELD_process_supervisor, dice(2));
                        feed_send(table);
                        break;
                case 4:
                        feed_begin(WIRE_KIND_execve, actor);
                        record_set_text(&feed_record, FIELD_execve_exe, "/bin/x");
                        feed_send(table);
                        break;
                case 5:
                        feed_open_of(table, actor);
                        break;
                }
                if (dice(20) == 0)
                        feed_now += dice(12) * FEED_SECOND;
                process_table_expire(table, feed_now);
                check_counts();
        }
        teardown();
}
END_TEST

START_TEST(tables_beside_each_other_have_each_image_once_and_either_may_go_first) {
        struct process_table *other, *first;
        struct value exe;

        for (unsigned last = 0; last < 2; last++) {
                setup();
                ck_assert_int_eq(process_table_new_beside(&small_limits, table, &other), 0);
                feed_process(other, 1, 0, "/sbin/init");
                feed_process(other, 100, 1, "/usr/bin/shell");
                ck_assert_ptr_eq(find(table, 100)->image, find(other, 100)->image);
                ck_assert_uint_eq(count()->n_images, 2);

                first = last ? table : other;
                table = last ? other : table;
                process_table_free(first);
                process_get(find(table, 100), NULL, FIELD_PROCESS_exe, &exe);
                ck_assert_uint_eq(exe.length, strlen("/usr/bin/shell"));
                ck_assert_mem_eq(exe.bytes, "/usr/bin/shell", exe.length);
                ck_assert_uint_eq(count()->n_images, 2);
                teardown();
        }
}
END_TEST

UNIT_MAIN("process/process-table",
          tables_beside_each_other_have_each_image_once_and_either_may_go_first,
          exited_process_is_kept_for_its_grace,
          ancestor_is_kept_while_a_descendant_runs,
          full_table_evicts_the_process_longest_without_descendants,
          dead_ancestor_makes_room_before_a_running_process_is_refused_and_the_chain_says_that_it_is_broken,
          table_full_of_running_processes_refuses_and_counts,
          reused_pid_is_another_process,
          process_whose_exit_was_lost_is_dead_when_its_pid_is_taken,
          late_record_of_a_departed_process_enters_nothing,
          record_of_an_older_holder_of_a_pid_is_late_even_if_it_was_never_seen,
          chain_ends_at_the_first_process_and_at_kernel_threads_without_doubt,
          expiry_does_a_bounded_amount_of_work,
          walk_over_all_meets_each_process_once,
          lack_of_memory_at_the_start_fails_whole,
          lack_of_memory_on_the_way_refuses_and_goes_on,
          steady_state_allocates_nothing,
          counts_stay_true_whatever_comes_in_whatever_order)

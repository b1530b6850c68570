/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"

#include "unit.h"

#define NOW (1000 * NSEC_PER_SEC)

struct world {
        struct config config;
        struct actions *actions;
        unsigned n_checked, n_performed, n_reports, n_notices;
        int check_answer, perform_answer;
        struct action_result last;
        char notice[ACTION_TEXT_MAX], what[256], policy[64], runtime[64], storms[128];
};

static int fake_check(struct actions *actions, const struct action *action, struct action_result *ret) {
        struct world *world = actions_userdata(actions);

        world->n_checked++;
        if (world->check_answer < 0)
                strcpy(ret->text, "process 1 is PID 1");
        return world->check_answer;
}

static int fake_perform(struct actions *actions, const struct action *action, struct action_result *ret) {
        struct world *world = actions_userdata(actions);

        world->n_performed++;
        return world->perform_answer;
}

static const struct action_ops fakes = {.check = fake_check, .perform = fake_perform};

static void on_report(const struct action_report *report, void *userdata) {
        struct world *world = userdata;

        world->n_reports++;
        world->last = *report->result;
        snprintf(world->what, sizeof(world->what), "%s", report->what);
        snprintf(world->policy, sizeof(world->policy), "%s", report->origin->policy);
}

static void on_notice(const char *text, void *userdata) {
        struct world *world = userdata;

        world->n_notices++;
        snprintf(world->notice, sizeof(world->notice), "%s", text);
}

static void on_storm(const char *policy, bool disarmed, void *userdata) {
        struct world *world = userdata;
        size_t n = strlen(world->storms);

        snprintf(world->storms + n, sizeof(world->storms) - n, "%c%s ", disarmed ? '-' : '+', policy);
}

static void world_init(struct world *world, bool enforce) {
        *world = (struct world){.runtime = "/tmp/execray-actions-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(world->runtime));
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &world->config), 0);
        world->config.response.enforce = enforce;
        ck_assert_int_eq(actions_new(
                                 &(struct actions_options){
                                         .config = &world->config,
                                         .ops = &fakes,
                                         .runtime_directory = world->runtime,
                                         .sink = {.on_report = on_report, .on_storm = on_storm, .on_notice = on_notice},
                                         .userdata = world},
                                 &world->actions),
                         0);
}

static void world_done(struct world *world) {
        actions_free(world->actions);
        config_done(&world->config);
        ck_assert_int_eq(rmdir(world->runtime), 0);
}

static struct action *stop_unit(void) {
        const struct action_input input = {.name = "unit", .type = ACTION_INPUT_TEXT, .text = "a.service", .length = 9};
        struct action *action;

        ck_assert_int_eq(action_new("stop_unit", &input, 1, NULL, &action), 0);
        return action;
}

static struct action *list_add(void) {
        const struct action_input inputs[] = {
                {.name = "list", .type = ACTION_INPUT_TEXT, .text = "bad", .length = 3},
                {.name = "value", .type = ACTION_INPUT_TEXT, .text = "x", .length = 1},
        };
        struct action *action;

        ck_assert_int_eq(action_new("list_add", inputs, 2, NULL, &action), 0);
        return action;
}

static enum action_outcome run(struct world *world, const struct action *action, const char *policy, uint64_t now_ns) {
        const struct action_origin origin = {.policy = policy};
        struct action_result result;

        ck_assert_int_eq(action_run(world->actions, action, &origin, now_ns, &result), 0);
        ck_assert_int_eq(result.outcome, world->last.outcome);
        return result.outcome;
}

START_TEST(what_changes_the_host_is_only_said_unless_enforce) {
        _cleanup_(action_freep) struct action *action = stop_unit(), *own = list_add();
        struct world world;

        world_init(&world, false);
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_WOULD);
        ck_assert_str_eq(world.last.text, "would do: stop_unit unit=a.service");
        ck_assert_str_eq(world.what, "stop_unit unit=a.service");
        ck_assert_str_eq(world.policy, "shell");
        ck_assert_uint_eq(world.n_checked, 1);
        ck_assert_uint_eq(world.n_performed, 0);
        ck_assert_int_eq(run(&world, own, "shell", NOW), ACTION_DONE);
        ck_assert_uint_eq(world.n_performed, 1);
        world_done(&world);
}
END_TEST

START_TEST(with_enforce_it_is_done_unless_this_one_is_a_dry_run) {
        const struct action_origin careful = {.policy = "shell", .dry_run = true};
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct action_result result;
        struct world world;

        world_init(&world, true);
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_DONE);
        ck_assert_int_eq(action_run(world.actions, action, &careful, NOW, &result), 0);
        ck_assert_int_eq(result.outcome, ACTION_WOULD);
        ck_assert_uint_eq(world.n_performed, 1);
        world_done(&world);
}
END_TEST

START_TEST(what_is_protected_is_refused_also_in_a_dry_run) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct actions_stats stats;
        struct world world;

        for (int enforce = 0; enforce < 2; enforce++) {
                world_init(&world, enforce);
                world.check_answer = -EPERM;
                ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_REFUSED);
                ck_assert_str_eq(world.last.text, "process 1 is PID 1");
                ck_assert_uint_eq(world.n_performed, 0);
                actions_stats(world.actions, &stats);
                ck_assert_uint_eq(stats.n_protected, 1);
                ck_assert_uint_eq(stats.outcomes[ACTION_KIND_stop_unit][ACTION_REFUSED], 1);
                world_done(&world);
        }
}
END_TEST

START_TEST(what_did_not_work_has_failed_and_says_why) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct world world;

        world_init(&world, true);
        world.perform_answer = -ESRCH;
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_FAILED);
        ck_assert_int_eq(world.last.error, -ESRCH);
        ck_assert_str_eq(world.last.text, "No such process");
        world_done(&world);
}
END_TEST

START_TEST(a_rate_is_met_and_lets_more_pass_later) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct world world;

        world_init(&world, false);
        world.config.response.rate_unit = 6;
        for (int i = 0; i < 6; i++)
                ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_WOULD);
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_REFUSED);
        ck_assert_str_eq(world.last.text, "more than 6 in a minute (response.rate_unit)");
        ck_assert_int_eq(run(&world, action, "shell", NOW + 9 * NSEC_PER_SEC), ACTION_REFUSED);
        ck_assert_int_eq(run(&world, action, "shell", NOW + 11 * NSEC_PER_SEC), ACTION_WOULD);
        ck_assert_int_eq(run(&world, action, "shell", NOW + 11 * NSEC_PER_SEC), ACTION_REFUSED);
        ck_assert_uint_eq(world.n_reports, 10);
        world_done(&world);
}
END_TEST

START_TEST(a_rate_of_none_refuses_all) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct world world;

        world_init(&world, true);
        world.config.response.rate_unit = 0;
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_REFUSED);
        world_done(&world);
}
END_TEST

START_TEST(a_storm_disarms_its_policy_and_no_other) {
        _cleanup_(action_freep) struct action *action = stop_unit(), *own = list_add();
        struct world world;

        world_init(&world, true);
        world.config.response.storm = 3;
        world.config.response.rate_unit = 100;
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(run(&world, action, "noisy", NOW), ACTION_DONE);
        ck_assert_uint_eq(world.n_notices, 0);
        ck_assert_int_eq(run(&world, action, "noisy", NOW), ACTION_REFUSED);
        ck_assert_uint_eq(world.n_notices, 1);
        ck_assert_ptr_nonnull(strstr(world.notice, "'noisy'"));
        ck_assert(actions_is_policy_disarmed(world.actions, "noisy"));
        /* Not after an hour either, and it is said once. */
        ck_assert_int_eq(run(&world, action, "noisy", NOW + NSEC_PER_HOUR), ACTION_REFUSED);
        ck_assert_uint_eq(world.n_notices, 1);
        ck_assert_int_eq(run(&world, own, "noisy", NOW), ACTION_DONE);
        ck_assert_int_eq(run(&world, action, "quiet", NOW), ACTION_DONE);
        ck_assert_str_eq(world.storms, "-noisy ");
        actions_arm_policy(world.actions, NULL);
        ck_assert_str_eq(world.storms, "-noisy +noisy ");
        ck_assert_int_eq(run(&world, action, "noisy", NOW + NSEC_PER_HOUR), ACTION_DONE);
        world_done(&world);
}
END_TEST

START_TEST(a_policy_that_was_disarmed_before_is_so_until_it_is_armed_again) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct world world;

        world_init(&world, true);
        ck_assert_int_eq(actions_disarm_policy(world.actions, "noisy"), 0);
        ck_assert_int_eq(run(&world, action, "noisy", NOW), ACTION_REFUSED);
        ck_assert_int_eq(run(&world, action, "quiet", NOW), ACTION_DONE);
        ck_assert_str_eq(world.storms, "");
        actions_arm_policy(world.actions, "noisy");
        ck_assert_int_eq(run(&world, action, "noisy", NOW), ACTION_DONE);
        ck_assert_str_eq(world.storms, "+noisy ");
        world_done(&world);
}
END_TEST

START_TEST(a_dry_run_is_no_storm) {
        _cleanup_(action_freep) struct action *action = stop_unit();
        struct world world;

        world_init(&world, false);
        world.config.response.storm = 3;
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(run(&world, action, "noisy", NOW), ACTION_WOULD);
        world_done(&world);
}
END_TEST

START_TEST(a_file_in_run_disarms_as_long_as_it_is_there) {
        _cleanup_(action_freep) struct action *action = stop_unit(), *own = list_add();
        struct world world;
        char path[96];

        world_init(&world, true);
        snprintf(path, sizeof(path), "%s/disarm", world.runtime);
        actions_tick(world.actions, NOW);
        ck_assert_ptr_null(actions_disarmed(world.actions));
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        actions_tick(world.actions, NOW);
        actions_tick(world.actions, NOW);
        ck_assert_uint_eq(world.n_notices, 1);
        ck_assert_ptr_nonnull(actions_disarmed(world.actions));
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_REFUSED);
        ck_assert_ptr_nonnull(strstr(world.last.text, "disarmed: "));
        ck_assert_int_eq(run(&world, own, "shell", NOW), ACTION_DONE);
        ck_assert_int_eq(unlink(path), 0);
        actions_tick(world.actions, NOW);
        ck_assert_str_eq(world.notice, "Armed again");
        ck_assert_int_eq(run(&world, action, "shell", NOW), ACTION_DONE);
        world_done(&world);
}
END_TEST

UNIT_MAIN("action/actions", what_changes_the_host_is_only_said_unless_enforce,
          with_enforce_it_is_done_unless_this_one_is_a_dry_run, what_is_protected_is_refused_also_in_a_dry_run,
          what_did_not_work_has_failed_and_says_why, a_rate_is_met_and_lets_more_pass_later, a_rate_of_none_refuses_all,
          a_storm_disarms_its_policy_and_no_other, a_policy_that_was_disarmed_before_is_so_until_it_is_armed_again,
          a_dry_run_is_no_storm, a_file_in_run_disarms_as_long_as_it_is_there)

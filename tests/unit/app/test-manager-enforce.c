/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's side of `enforce`: what the kernel did becomes the word of an alert, who is late is killed, and storms
 * disarm. The capture and whoever kills are fakes. */
#include "app/manager-enforce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/rearm.h"
#include "app/manager-private.h"
#include "base/clock.h"
#include "compile/compile-fixture.h"
#include "event/encode.h"

/* ---- fakes ---- */

static struct {
        size_t n_rules, n_armings;
        bool has_killed, disarmed;
        unsigned n_disarmed, n_late;
        int late;                       /* what becomes of a late kill */
        char directory[64];
} fake;

int capture_set_enforcement(struct capture *capture, const struct capture_enforcement *enforcement) {
        fake.n_rules = enforcement->n_rules;
        return 0;
}

bool capture_has_killed(struct capture *capture, const struct identity *who, const char *policy, uint64_t wait_ns) {
        return fake.has_killed;
}

int capture_arm(struct capture *capture, const struct enforcement_arming *arming) {
        fake.n_armings++;
        return arming->n_runs > 0 ? -E2BIG : 0;
}

void capture_disarm_policy(struct capture *capture, const char *policy, bool disarmed) {
        ck_assert_str_eq(policy, "kills");
        fake.disarmed = disarmed;
        fake.n_disarmed++;
}

int manager_deny_list_protected(const struct config *config, glob_t *ret) {
        return 0;
}

const char *manager_runtime_directory(void) {
        return fake.directory;
}

void manager_late_forget(struct manager_late *late) {
}

int manager_late_kill(struct manager_late *late, const struct config *config, const struct identity *who,
                      const char *policy, uint64_t step_ns) {
        fake.n_late++;
        return fake.late;
}

/* ---- a manager ---- */

enum { KILLS, PLAIN, REFUSES };         /* paths, in the order of their names */

static const char policies[] =
        "path \"kills\" { enforce = kill by = process unlink { } connect { dport == 1 } }\n"
        "path \"plain\" { connect { dport == 1 } }\n"
        "path \"refuses\" { enforce = deny any { connect { dport == 2 } sendto { dport == 2 } } }\n";
static struct manager manager;

static void begin(void) {
        memset(&manager, 0, sizeof(manager));
        memset(&fake, 0, sizeof(fake));
        manager.deny.enforcing = true;
        manager.settings.config.response.rate_process = 1000;
        manager.settings.config.response.storm = 1000;
        manager.settings.program = compile(policies);
        ck_assert_int_eq(manager_enforce_set(&manager, manager.settings.program, &manager.settings.config), 0);
}

static void end(void) {
        manager_enforce_done(&manager);
        program_unref(manager.settings.program);
}

#define WHEN (1000 * NSEC_PER_SEC)

static void verdict(const char *policy, uint32_t pid, uint64_t time_ns, const char *action, const char *enforced) {
        struct record record;
        struct event event;

        record_begin(&record, WIRE_KIND_verdict);
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid * 1000;
        record.header.time_ns = time_ns;
        record_set_text(&record, FIELD_verdict_list, "policies");
        record_set_text(&record, FIELD_verdict_rule, policy);
        record_set_text(&record, FIELD_verdict_action, action);
        record_set_text(&record, FIELD_verdict_enforced, enforced);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        manager_enforce_saw(&manager, &event);
}

static enum match_enforced told(unsigned path, uint32_t pid) {
        const struct match match = {
                .program = manager.settings.program,
                .path = &manager.settings.program->paths[path],
                .actor_id = {.start_ns = pid * 1000, .pid = pid},
                .time_ns = WHEN,
        };

        return manager_enforce_of(&match, &manager);
}

START_TEST(the_rules_of_all_policies_that_ask_for_it_are_put_into_force_at_once) {
        begin();
        ck_assert(manager_enforce_is_asked(manager.settings.program));
        ck_assert_uint_eq(fake.n_rules, 3);
        manager_enforce_arm(&(struct enforcement_arming){.n_runs = 1}, &manager);
        manager_enforce_arm(&(struct enforcement_arming){}, &manager);
        ck_assert_uint_eq(fake.n_armings, 2);
        end();
}
END_TEST

START_TEST(what_the_kernel_said_of_the_call_is_told_and_nothing_that_it_said_of_others) {
        begin();
        verdict("refuses", 7, WHEN - NSEC_PER_SEC, "deny", "kernel");
        ck_assert_int_eq(told(REFUSES, 7), MATCH_REFUSED);
        ck_assert_int_eq(told(REFUSES, 8), MATCH_FAILED);
        verdict("refuse", 8, WHEN, "deny", "kernel");
        verdict("refuses", 8, WHEN - 3 * NSEC_PER_SEC, "deny", "kernel");
        ck_assert_int_eq(told(REFUSES, 8), MATCH_FAILED);
        verdict("refuses", 9, WHEN, "deny", "no");
        ck_assert_int_eq(told(REFUSES, 9), MATCH_PROTECTED);
        verdict("refuses", 10, WHEN, "deny", "would");
        ck_assert_int_eq(told(REFUSES, 10), MATCH_WOULD);
        manager.deny.enforcing = false;
        ck_assert_int_eq(told(REFUSES, 8), MATCH_WOULD);
        ck_assert_uint_eq(fake.n_late, 0);
        end();
}
END_TEST

START_TEST(whom_the_kernel_has_not_killed_is_killed_late_and_what_came_of_it_is_told) {
        begin();
        verdict("kills", 7, WHEN, "deny", "kernel");
        ck_assert_int_eq(told(KILLS, 7), MATCH_REFUSED);
        verdict("kills", 7, WHEN, "kill", "kernel");
        ck_assert_int_eq(told(KILLS, 7), MATCH_KILLED);
        fake.has_killed = true;
        ck_assert_int_eq(told(KILLS, 8), MATCH_KILLED);
        fake.has_killed = false;
        ck_assert_uint_eq(fake.n_late, 0);

        ck_assert_int_eq(told(KILLS, 8), MATCH_LATE);
        fake.late = -EPERM;
        ck_assert_int_eq(told(KILLS, 8), MATCH_PROTECTED);
        fake.late = -ESRCH;
        ck_assert_int_eq(told(KILLS, 8), MATCH_FAILED);
        ck_assert_uint_eq(fake.n_late, 3);
        end();
}
END_TEST

START_TEST(late_kills_beyond_the_rate_are_not_done_and_are_counted) {
        begin();
        manager.settings.config.response.rate_process = 2;
        ck_assert_int_eq(told(KILLS, 7), MATCH_LATE);
        ck_assert_int_eq(told(KILLS, 8), MATCH_LATE);
        ck_assert_int_eq(told(KILLS, 9), MATCH_FAILED);
        ck_assert_uint_eq(fake.n_late, 2);
        ck_assert_uint_eq(manager.enforce.n_limited, 1);
        ck_assert_uint_eq(manager.enforce.n_storms, 0);
        end();
}
END_TEST

START_TEST(a_storm_disarms_the_policy_in_the_kernel_and_for_late_kills_and_no_other) {
        begin();
        manager.settings.config.response.storm = 3;
        ck_assert_int_eq(told(KILLS, 1), MATCH_LATE);
        verdict("kills", 2, WHEN, "kill", "kernel");
        ck_assert_int_eq(told(KILLS, 2), MATCH_KILLED);
        fake.late = -ESRCH;             /* nothing was done: it does not count */
        ck_assert_int_eq(told(KILLS, 3), MATCH_FAILED);
        fake.late = 0;
        ck_assert_int_eq(told(KILLS, 3), MATCH_LATE);
        ck_assert_uint_eq(fake.n_disarmed, 0);
        ck_assert_int_eq(told(KILLS, 4), MATCH_LATE);
        ck_assert(fake.n_disarmed == 1 && fake.disarmed);
        ck_assert_uint_eq(manager.enforce.n_storms, 1);

        fake.n_late = 0;
        ck_assert_int_eq(told(KILLS, 5), MATCH_WOULD);
        ck_assert_uint_eq(fake.n_late, 0);
        ck_assert_int_eq(told(REFUSES, 5), MATCH_FAILED);

        /* Rules that are set anew are armed. */
        ck_assert_int_eq(manager_enforce_set(&manager, manager.settings.program, &manager.settings.config), 0);
        ck_assert_int_eq(told(KILLS, 5), MATCH_LATE);
        end();
}
END_TEST

START_TEST(scripts_storms_disarm_as_well_and_an_operator_arms_it_again) {
        begin();
        strcpy(fake.directory, "/tmp/execray-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(fake.directory));
        manager_enforce_on_storm("other", true, &manager);
        ck_assert_uint_eq(fake.n_disarmed, 0);
        manager_enforce_on_storm("kills", true, &manager);
        manager_enforce_on_storm("kills", true, &manager);
        ck_assert(fake.n_disarmed == 1 && fake.disarmed);

        manager_enforce_look(&manager);
        ck_assert(fake.disarmed);
        ck_assert_int_eq(rearm_ask(fake.directory, "kills"), 0);
        manager_enforce_look(&manager);
        ck_assert_int_eq(rearm_is_taken(fake.directory), 1);
        ck_assert(fake.n_disarmed == 2 && !fake.disarmed);
        ck_assert_int_eq(told(KILLS, 5), MATCH_LATE);

        /* Where scripts are run, their process takes it, and tells. */
        manager_enforce_on_storm("kills", true, &manager);
        manager.scripts.current = (struct response *)&manager;
        ck_assert_int_eq(rearm_ask(fake.directory, "kills"), 0);
        manager_enforce_look(&manager);
        ck_assert_int_eq(rearm_is_taken(fake.directory), 0);
        ck_assert_int_eq(rearm_withdraw(fake.directory), 0);
        ck_assert_int_eq(rmdir(fake.directory), 0);
        end();
}
END_TEST

UNIT_MAIN("app/manager-enforce", the_rules_of_all_policies_that_ask_for_it_are_put_into_force_at_once,
          what_the_kernel_said_of_the_call_is_told_and_nothing_that_it_said_of_others,
          whom_the_kernel_has_not_killed_is_killed_late_and_what_came_of_it_is_told,
          late_kills_beyond_the_rate_are_not_done_and_are_counted,
          a_storm_disarms_the_policy_in_the_kernel_and_for_late_kills_and_no_other,
          scripts_storms_disarm_as_well_and_an_operator_arms_it_again)

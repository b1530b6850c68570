/* SPDX-License-Identifier: Apache-2.0 */
#include "action/action.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/strbuf.h"

#include "unit.h"

#define TEXT(n, s) { .name = (n), .type = ACTION_INPUT_TEXT, .text = (s), .length = strlen(s) }
#define NUMBER(n, v) { .name = (n), .type = ACTION_INPUT_NUMBER, .number = (v) }

static const struct identity someone = {.start_ns = 5 * NSEC_PER_SEC, .pid = 4711};

static void refuses(const char *name, const struct action_input *inputs, size_t n, const char *expected) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct action *action = NULL;

        ck_assert_int_eq(action_new(name, inputs, n, &why, &action), -EBADMSG);
        ck_assert_ptr_null(action);
        ck_assert_str_eq(strbuf_str(&why), expected);
        ck_assert_int_eq(action_new(name, inputs, n, NULL, &action), -EBADMSG);
}

static struct action *made(const char *name, const struct action_input *inputs, size_t n) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct action *action = NULL;

        ck_assert_msg(action_new(name, inputs, n, &why, &action) == 0, "%s", strbuf_str(&why));
        return action;
}

START_TEST(a_signal_has_its_process_and_its_number) {
        const struct action_input inputs[] = {
                TEXT("signal", "SIGTERM"),
                {.name = "process", .type = ACTION_INPUT_PROCESS, .process = someone},
        };
        _cleanup_(action_freep) struct action *action = made("signal", inputs, 2);
        _cleanup_(strbuf_done) struct strbuf b = {};

        ck_assert_int_eq(action->kind, ACTION_KIND_signal);
        ck_assert_int_eq(action_get(action, ACTION_signal_signal)->number, SIGTERM);
        ck_assert(identity_equal(&action_get(action, ACTION_signal_process)->process, &someone));
        action_put(action, &b);
        ck_assert_str_eq(strbuf_str(&b), "signal process=4711 signal=TERM");
}
END_TEST

START_TEST(all_that_is_wrong_is_said_at_once) {
        const struct action_input inputs[] = {
                TEXT("sgnal", "TERM"),
                {.name = "process", .type = ACTION_INPUT_PROCESS, .process = {.pid = 4711}},
        };

        refuses("signal", inputs, 2,
                "there is no argument 'sgnal', did you mean 'signal'?; argument 'process': process 4711 has no start "
                "time,"
                " so it could be another by now; argument 'signal' is missing (TERM, KILL, STOP, CONT, INT, HUP, QUIT, "
                "USR1"
                " or USR2)");
}
END_TEST

START_TEST(an_unknown_action_gets_a_suggestion) {
        refuses("kil_tree", NULL, 0, "there is no action 'kil_tree', did you mean 'kill_tree'?");
        refuses("xyzzy", NULL, 0, "there is no action 'xyzzy'");
}
END_TEST

START_TEST(a_pid_is_not_taken_for_a_process) {
        const struct action_input inputs[] = {NUMBER("process", 4711), TEXT("signal", "KILL")};

        refuses("signal", inputs, 2, "argument 'process' is a process, not a number");
}
END_TEST

START_TEST(what_is_given_twice_is_refused) {
        const struct action_input inputs[] = {TEXT("unit", "a.service"), TEXT("unit", "b.service")};

        refuses("stop_unit", inputs, 2, "argument 'unit' is there twice");
}
END_TEST

START_TEST(paths_that_could_mean_two_files_are_refused) {
        static const char *const wrong[] = {"tmp/x", "/tmp/../x", "/tmp/./x", "/tmp//x", "/tmp/x/", "/tmp/.."};
        static const char *const right[] = {"/tmp/x", "/tmp/..x", "/tmp/x.", "/t", "/tmp/ x\n"};

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                const struct action_input inputs[] = {TEXT("path", wrong[i]), NUMBER("device", 2049),
                                                      NUMBER("inode", 12)};

                refuses("quarantine", inputs, 3,
                        "argument 'path' is no absolute path, or has '.', '..', '//' or a '/' at its end");
        }
        for (size_t i = 0; i < ELEMENTSOF(right); i++) {
                const struct action_input inputs[] = {TEXT("path", right[i]), NUMBER("device", 2049),
                                                      NUMBER("inode", 12)};
                _cleanup_(action_freep) struct action *action = made("quarantine", inputs, 3);

                ck_assert_str_eq(action_get(action, ACTION_quarantine_path)->text, right[i]);
        }
}
END_TEST

START_TEST(a_path_with_a_nul_in_it_is_refused) {
        struct action_input inputs[] = {TEXT("path", "/tmp/x"), NUMBER("device", 2049), NUMBER("inode", 12)};

        inputs[0].text = "/tmp/a\0b";
        inputs[0].length = 8;
        refuses("quarantine", inputs, 3,
                "argument 'path' is no absolute path, or has '.', '..', '//' or a '/' at its end");
}
END_TEST

START_TEST(units_have_a_suffix_and_no_odd_characters) {
        static const char *const wrong[] = {"nginx",       "nginx.conf",  ".service",
                                            "a b.service", "a/b.service", "a\n.service"};

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                const struct action_input inputs[] = {TEXT("unit", wrong[i])};

                refuses("stop_unit", inputs, 1,
                        "argument 'unit' is no name of a unit with its suffix, like 'nginx.service'");
        }
        for (size_t i = 0; i < 2; i++) {
                const struct action_input inputs[] = {TEXT("unit", i ? "getty@tty1.service" : "dev-\\x2d.mount")};
                _cleanup_(action_freep) struct action *action = made("stop_unit", inputs, 1);

                ck_assert_str_eq(action_get(action, ACTION_stop_unit_unit)->text, inputs[0].text);
        }
}
END_TEST

START_TEST(numbers_and_durations_have_bounds) {
        const char *argv[] = {"/bin/true"};
        struct action_input inputs[] = {
                {.name = "argv", .type = ACTION_INPUT_WORDS, .words = argv, .n_words = 1},
                TEXT("timeout", "2h"),
                NUMBER("memory", 5),
        };
        struct action *action;

        refuses("run", inputs, 3,
                "argument 'timeout' may be 1 to 3600 seconds; argument 'memory' is 5, it may be 1048576 to "
                "17179869184");
        inputs[1] = (struct action_input)NUMBER("timeout", 30);
        inputs[2].number = 1048576;
        action = made("run", inputs, 3);
        ck_assert_uint_eq(action_duration_ns(action, ACTION_run_timeout, 0), 30 * NSEC_PER_SEC);
        ck_assert_int_eq(action_number(action, ACTION_run_tasks, 16), 16);
        ck_assert_str_eq(action_get(action, ACTION_run_argv)->words[0], "/bin/true");
        ck_assert_ptr_null(action_get(action, ACTION_run_argv)->words[1]);
        action_free(action);
}
END_TEST

START_TEST(a_word_that_is_too_long_is_refused) {
        static char longer[5000];
        const char *argv[] = {"/bin/true", longer};
        const struct action_input inputs[] = {
                {.name = "argv", .type = ACTION_INPUT_WORDS, .words = argv, .n_words = 2}};

        memset(longer, 'x', sizeof(longer) - 1);
        refuses("run", inputs, 1, "argument 'argv': item 2 has more than 4096 bytes");
}
END_TEST

START_TEST(something_that_no_action_takes_is_called_by_its_name) {
        const struct action_input inputs[] = {
                {.name = "unit", .type = ACTION_INPUT_OTHER, .text = "a function"},
        };

        refuses("stop_unit", inputs, 1, "argument 'unit' is the name of a unit, not a function");
}
END_TEST

static int make_one(void *userdata) {
        const struct identity members[] = {someone, someone};
        const struct action_input inputs[] = {
                {.name = "process", .type = ACTION_INPUT_PROCESS, .process = someone},
                {.name = "members", .type = ACTION_INPUT_PROCESSES, .processes = members, .n_processes = 2},
        };
        struct action *action;
        int r;

        r = action_new("kill_tree", inputs, 2, NULL, &action);
        if (r < 0)
                return r;
        ck_assert_uint_eq(action_get(action, ACTION_kill_tree_members)->n_processes, 2);
        action_free(action);
        return 0;
}

START_TEST(without_memory_it_is_not_made) {
        alloc_fail_sweep(make_one, NULL);
}
END_TEST

START_TEST(every_action_and_argument_has_a_name_of_its_own_and_is_described) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        for (int i = 0; i < _ACTION_KIND_MAX; i++) {
                const struct action_info *info = action_info((enum action_kind)i);

                ck_assert_int_eq(action_kind_from_string(info->name), i);
                ck_assert_uint_gt(info->n_arguments, 0);
                for (size_t a = 0; a < info->n_arguments; a++)
                        for (size_t other = 0; other < a; other++)
                                ck_assert_str_ne(info->arguments[a].name, info->arguments[other].name);
        }
        action_put_reference(&b);
        ck_assert_int_eq(b.error, 0);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "### `kill_tree`"));
}
END_TEST

UNIT_MAIN("action/action", a_signal_has_its_process_and_its_number, all_that_is_wrong_is_said_at_once,
          an_unknown_action_gets_a_suggestion, a_pid_is_not_taken_for_a_process, what_is_given_twice_is_refused,
          paths_that_could_mean_two_files_are_refused, a_path_with_a_nul_in_it_is_refused,
          units_have_a_suffix_and_no_odd_characters, numbers_and_durations_have_bounds,
          a_word_that_is_too_long_is_refused, something_that_no_action_takes_is_called_by_its_name,
          without_memory_it_is_not_made, every_action_and_argument_has_a_name_of_its_own_and_is_described)

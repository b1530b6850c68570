/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/account.h"

#include "base/strbuf.h"
#include "play.h"
#include "unit.h"

static struct play play;

static void told_of(const char *policy, const char *events, size_t n_runs, const char *expected) {
        struct strbuf b = {};

        play_open(&play, policy, events, "p");
        account_put_text(rehearsal_account(play.rehearsal), n_runs, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        play_close(&play);
}

static void tells(const char *policy, const char *events, const char *expected) {
        told_of(policy, events, ACCOUNT_RUNS_SHOWN, expected);
}

#define FILE_STORY                                                                                                     \
        "path \"p\" {\n"                                                                                               \
        "        within = 5m\n"                                                                                        \
        "        write { proc.name == \"curl\", $file = pathname }\n"                                                  \
        "        not unlink { pathname == $file }\n"                                                                   \
        "        chmod { pathname == $file, mode & 0111 }\n"                                                           \
        "}\n"

START_TEST(event_that_is_not_the_step_is_told_with_each_condition_and_its_value) {
        tells(FILE_STORY,
              "1s curl write pathname=/tmp/x\n"
              "2s curl chmod pathname=/tmp/x mode=0644\n"
              "3s curl chmod pathname=/tmp/y mode=0755\n"
              "4s curl chmod pathname=/tmp/z mode=0755\n",
              "path \"p\" (policy:1), by tree, within 5min: 1 run, no alert\n"
              "\n"
              "run 1, the tree of curl: 1 step\n"
              "  1s      curl  write \"/tmp/x\"\n"
              "          step 1 (line 3), $file = \"/tmp/x\"\n"
              "  2s      curl  chmod \"/tmp/x\"\n"
              "          is not step 2 (line 5):\n"
              "            no   mode & 0111                          0644\n"
              "            yes  pathname == $file                    \"/tmp/x\"; $file is \"/tmp/x\"\n"
              "  3s      curl  chmod \"/tmp/y\"\n"
              "          is not step 2 (line 5):\n"
              "            yes  mode & 0111                          0755\n"
              "            no   pathname == $file                    \"/tmp/y\"; $file is \"/tmp/x\"\n"
              "          and 1 more like this, the last at 4s\n"
              "  at the end of the events it still waits for\n"
              "          step 2 (line 5): chmod { mode & 0111 and pathname == $file }\n"
              "          until 5min1s\n"
              "          or its end, if this comes first:\n"
              "            unlink { pathname == $file }\n");
}
END_TEST

START_TEST(story_that_never_began_tells_what_its_first_step_missed) {
        tells(FILE_STORY, "1s wget write pathname=/tmp/x\n2s wget unlink pathname=/tmp/x\n",
              "path \"p\" (policy:1), by tree, within 5min: no run, no alert\n"
              "\n"
              "no story began: nothing was its first step,\n"
              "          step 1 (line 3): write { proc.name == \"curl\" }\n"
              "  1s      wget  write \"/tmp/x\"\n"
              "          is not step 1 (line 3):\n"
              "            no   proc.name == \"curl\"                  \"wget\"\n");
}
END_TEST

START_TEST(events_of_other_kinds_alone_are_said_to_be_so) {
        tells("path \"p\" { openat { } }", "1s a exit\n",
              "path \"p\" (policy:1), by tree, within 10min: no run, no alert\n"
              "\n"
              "no story began: nothing was its first step,\n"
              "          step 1 (line 1): openat\n"
              "  of 3 events none is of a kind that this path looks at\n");
}
END_TEST

START_TEST(run_that_a_not_ended_names_it_with_what_was_true) {
        tells(FILE_STORY,
              "1s curl write pathname=/tmp/x\n2s rm unlink pathname=/tmp/x\n3s curl unlink pathname=/tmp/x\n",
              "path \"p\" (policy:1), by tree, within 5min: 1 run, no alert\n"
              "\n"
              "run 1, the tree of curl: 1 step\n"
              "  1s      curl  write \"/tmp/x\"\n"
              "          step 1 (line 3), $file = \"/tmp/x\"\n"
              "  3s      curl  unlink \"/tmp/x\"\n"
              "          ended by not unlink { pathname == $file }:\n"
              "            yes  pathname == $file                    \"/tmp/x\"; $file is \"/tmp/x\"\n");
}
END_TEST

START_TEST(not_that_nobody_can_decide_marks_the_run_and_says_what_is_unknown) {
        tells(FILE_STORY,
              "1s curl write pathname=/tmp/x\n2s curl unlink pathname=?\n3s curl chmod pathname=/tmp/x mode=0755\n",
              "path \"p\" (policy:1), by tree, within 5min: 1 run, 1 alert\n"
              "\n"
              "run 1, the tree of curl: 2 steps, alert\n"
              "  1s      curl  write \"/tmp/x\"\n"
              "          step 1 (line 3), $file = \"/tmp/x\"\n"
              "  2s      curl  unlink\n"
              "          goes on, marked uncertain: nobody knows if it is not unlink { pathname == $file }:\n"
              "            ?    pathname == $file                    not known: it was not captured; $file is "
              "\"/tmp/x\"\n"
              "  3s      curl  chmod \"/tmp/x\"\n"
              "          step 2 (line 5)\n"
              "          ALERT\n");
}
END_TEST

START_TEST(time_that_ran_out_names_what_had_not_come) {
        tells(FILE_STORY, "1s curl write pathname=/tmp/x\n6m - tick\n",
              "path \"p\" (policy:1), by tree, within 5min: 1 run, no alert\n"
              "\n"
              "run 1, the tree of curl: 1 step\n"
              "  1s      curl  write \"/tmp/x\"\n"
              "          step 1 (line 3), $file = \"/tmp/x\"\n"
              "  5min1s  (time)\n"
              "          ended: its time (`within`) was over, and this had not come:\n"
              "            step 2 (line 5): chmod { mode & 0111 and pathname == $file }\n");
}
END_TEST

START_TEST(step_of_another_story_of_a_failed_call_and_too_early_say_so) {
        tells("path \"p\" {\n  by = process\n  openat { pathname == \"/a\" }\n  openat { pathname == \"/b\" }\n"
              "  openat { pathname == \"/c\" }\n}\n",
              "0s sh openat pathname=/a\n"
              "0s sh fork child=other\n"
              "1s other openat pathname=/b\n"
              "2s sh openat pathname=/b result=-EACCES\n"
              "3s sh openat pathname=/c\n",
              "path \"p\" (policy:1), by process, within 10min: 1 run, no alert\n"
              "\n"
              "run 1, the process of sh: 1 step\n"
              "  0s      sh  openat \"/a\"\n"
              "          step 1 (line 3)\n"
              "  1s      other  openat \"/b\"\n"
              "          would be step 2 (line 4), but of another story (by = process): the event is of the process of "
              "other, this run of the process of sh\n"
              "  2s      sh  openat \"/b\", failed: -EACCES\n"
              "          is not step 2 (line 4): the call failed, and a step that does not name `result` takes only "
              "what "
              "succeeds\n"
              "            yes  pathname == \"/b\"                     \"/b\"\n"
              "  3s      sh  openat \"/c\"\n"
              "          is not step 2 (line 4):\n"
              "            no   pathname == \"/b\"                     \"/c\"\n"
              "          would be step 3 (line 5), but this is waited for first:\n"
              "            step 2 (line 4): openat { pathname == \"/b\" }\n"
              "  at the end of the events it still waits for\n"
              "          step 2 (line 4): openat { pathname == \"/b\" }\n"
              "          until 10min\n");
}
END_TEST

START_TEST(event_that_an_exception_hides_is_told_if_it_would_have_been_a_step) {
        tells("path \"p\" {\n  openat { pathname == \"/a\" }\n  except { proc.exe == \"/usr/bin/apt\" }\n}\n",
              "0s apt openat pathname=/b\n1s apt openat pathname=/a\n",
              "path \"p\" (policy:1), by tree, within 10min: no run, no alert\n"
              "\n"
              "no story began: nothing was its first step,\n"
              "          step 1 (line 2): openat { pathname == \"/a\" }\n"
              "  1s      apt  openat \"/a\"\n"
              "          would be step 1 (line 2), but an `except` hides it from this path:\n"
              "            yes  proc.exe == \"/usr/bin/apt\"           \"/usr/bin/apt\"\n");
}
END_TEST

START_TEST(capture_and_cut_values_that_are_not_known_are_said_to_be_so) {
        tells("path \"p\" {\n  openat { flags & O_CREAT, $f = pathname }\n}\npath \"q\" { openat { pathname == \"/x\" "
              "} }\n",
              "0s sh openat pathname=? flags=O_CREAT\n1s sh openat pathname=/aa~ flags=O_RDONLY\n",
              "path \"p\" (policy:1), by tree, within 10min: no run, no alert\n"
              "\n"
              "no story began: nothing was its first step,\n"
              "          step 1 (line 2): openat { flags & O_CREAT }\n"
              "  0s      sh  openat\n"
              "          is not step 1 (line 2): what it has to capture is not known\n"
              "            ?    $f = not known: it was not captured\n"
              "  1s      sh  openat \"/aa\"\n"
              "          is not step 1 (line 2):\n"
              "            no   flags & O_CREAT                      O_RDONLY\n");
        tells("path \"p\" {\n  openat { pathname endswith \".key\" }\n}\n", "1s sh openat pathname=/aa~\n",
              "path \"p\" (policy:1), by tree, within 10min: no run, no alert\n"
              "\n"
              "no story began: nothing was its first step,\n"
              "          step 1 (line 2): openat { pathname endswith \".key\" }\n"
              "  1s      sh  openat \"/aa\"\n"
              "          nobody knows if it is step 1 (line 2):\n"
              "            ?    pathname endswith \".key\"             \"/aa\", cut after 3 bytes\n");
}
END_TEST

START_TEST(runs_that_came_furthest_are_told_and_the_others_counted) {
        const char *policy = "path \"p\" {\n  openat { $f = pathname }\n  unlink { pathname == $f }\n  chmod { }\n}\n";
        const char *events = "0s sh openat pathname=/a\n1s sh openat pathname=/b\n2s sh openat pathname=/c\n"
                             "3s sh unlink pathname=/b\n4s sh exit\n";

        told_of(policy, events, 1,
                "path \"p\" (policy:1), by tree, within 10min: 3 runs, no alert\n"
                "\n"
                "run 2, the tree of sh: 2 steps\n"
                "  1s      sh  openat \"/b\"\n"
                "          step 1 (line 2), $f = \"/b\"\n"
                "  3s      sh  unlink \"/b\"\n"
                "          step 2 (line 3)\n"
                "  4s      sh  exit\n"
                "          ended: the last process of this story has exited (by = tree)\n"
                "\n"
                "and 2 more, which came no further\n");
}
END_TEST

START_TEST(equal_runs_are_told_as_one_with_what_the_earlier_learned) {
        tells("path \"p\" {\n  openat { pathname == \"/a\" }\n  unlink { pathname == \"/a\" }\n}\n",
              "0s sh openat pathname=/a\n1s sh unlink pathname=/b\n2s sh openat pathname=/a\n",
              "path \"p\" (policy:1), by tree, within 10min: 2 runs, no alert\n"
              "\n"
              "run 2, the tree of sh: 1 step\n"
              "  (its story began 2 times; this is the one that counts)\n"
              "  1s      sh  unlink \"/b\"\n"
              "          is not step 2 (line 3):\n"
              "            no   pathname == \"/a\"                     \"/b\"\n"
              "  2s      sh  openat \"/a\"\n"
              "          step 1 (line 2)\n"
              "  at the end of the events it still waits for\n"
              "          step 2 (line 3): unlink { pathname == \"/a\" }\n"
              "          until 10min2s\n");
}
END_TEST

START_TEST(runs_beyond_the_bound_make_room_for_those_that_come_further) {
        struct strbuf events = {}, b = {};

        for (unsigned i = 0; i < 300; i++)
                strbuf_printf(&events, "0s sh openat pathname=/%u\n", i);
        strbuf_put(&events, "1s sh unlink pathname=/299\n");
        play_open(&play, "path \"p\" {\n  openat { $f = pathname }\n  unlink { pathname == $f }\n}\n",
                  strbuf_str(&events), "p");
        account_put_text(rehearsal_account(play.rehearsal), 1, &b);
        ck_assert_str_eq(strbuf_str(&b), "path \"p\" (policy:1), by tree, within 10min: 300 runs, 1 alert\n"
                                         "\n"
                                         "run 300, the tree of sh: 2 steps, alert\n"
                                         "  0s      sh  openat \"/299\"\n"
                                         "          step 1 (line 2), $f = \"/299\"\n"
                                         "  1s      sh  unlink \"/299\"\n"
                                         "          step 2 (line 3)\n"
                                         "          ALERT\n"
                                         "\n"
                                         "and 299 more, which came no further\n");
        strbuf_done(&events);
        strbuf_done(&b);
        play_close(&play);
}
END_TEST

START_TEST(counts_and_absences_are_told_as_what_they_are) {
        tells("path \"p\" {\n  by = process\n  repeat 2 within 10s { openat { pathname == \"/a\" } }\n"
              "  no unlink { pathname == \"/a\" } within 5s\n  until execve { filename == \"/bye\" }\n  chmod { mode "
              "== 0700 }\n}\n",
              "0s sh openat pathname=/a\n1s sh openat pathname=/a\n7s - tick\n8s sh execve filename=/bye\n",
              "path \"p\" (policy:1), by process, within 10min: 1 run, no alert\n"
              "\n"
              "run 1, the process of sh: 2 steps\n"
              "  0s      sh  openat \"/a\"\n"
              "          counts for step 1 (line 3)\n"
              "  1s      sh  openat \"/a\"\n"
              "          step 1 (line 3)\n"
              "  6s      (time)\n"
              "          step 2: what must not happen did not, for long enough\n"
              "  8s      sh  execve \"/bye\"\n"
              "          ended by until execve { filename == \"/bye\" }:\n"
              "            yes  filename == \"/bye\"                   \"/bye\"\n");
}
END_TEST

START_TEST(points_are_told_with_what_they_add_up_to_alert) {
        tells("path \"p\" {\n  score = 20\n  openat { pathname == \"/x\" } +10\n  unlink { pathname == \"/v\" } "
              "+15\n}\n",
              "0s sh openat pathname=/x\n2s sh unlink pathname=/v\n",
              "path \"p\" (policy:1), by tree, alerts at 20 points, forgets 20 in 10min: 1 run, 1 alert\n"
              "\n"
              "run 1, the tree of sh, alert\n"
              "  0s      sh  openat \"/x\"\n"
              "          step 1 (line 3), 10 points\n"
              "  2s      sh  unlink \"/v\"\n"
              "          step 2 (line 4), 15 points\n"
              "          ALERT\n");
}
END_TEST

START_TEST(captured_process_goes_by_its_name) {
        tells("path \"p\" {\n  execve as $a { filename == \"/bin/sh\" }\n  execve { filename == \"/bin/nc\" } child of "
              "$a\n}\n",
              "0s sh execve filename=/bin/sh\n0s sh fork child=x\n0s x fork child=nc\n1s nc execve filename=/bin/nc\n",
              "path \"p\" (policy:1), by tree, within 10min: 1 run, no alert\n"
              "\n"
              "run 1, the tree of sh: 1 step\n"
              "  0s      sh  execve \"/bin/sh\"\n"
              "          step 1 (line 2), $a = sh\n"
              "  1s      nc  execve \"/bin/nc\"\n"
              "          is not step 2 (line 3):\n"
              "            yes  filename == \"/bin/nc\"                \"/bin/nc\"\n"
              "            no   parent.identity == $a                x; $a is sh\n"
              "  at the end of the events it still waits for\n"
              "          step 2 (line 3): execve { filename == \"/bin/nc\" and parent.identity == $a }\n"
              "          until 10min\n");
}
END_TEST

UNIT_MAIN("rehearsal/account",
          event_that_is_not_the_step_is_told_with_each_condition_and_its_value,
          story_that_never_began_tells_what_its_first_step_missed,
          events_of_other_kinds_alone_are_said_to_be_so,
          run_that_a_not_ended_names_it_with_what_was_true,
          not_that_nobody_can_decide_marks_the_run_and_says_what_is_unknown,
          time_that_ran_out_names_what_had_not_come,
          step_of_another_story_of_a_failed_call_and_too_early_say_so,
          event_that_an_exception_hides_is_told_if_it_would_have_been_a_step,
          capture_and_cut_values_that_are_not_known_are_said_to_be_so,
          runs_that_came_furthest_are_told_and_the_others_counted,
          equal_runs_are_told_as_one_with_what_the_earlier_learned,
          runs_beyond_the_bound_make_room_for_those_that_come_further,
          counts_and_absences_are_told_as_what_they_are,
          points_are_told_with_what_they_add_up_to_alert,
          captured_process_goes_by_its_name)

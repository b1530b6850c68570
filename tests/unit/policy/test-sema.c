/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sema.h"

#include "fixture.h"

START_TEST(the_example_of_the_manual_is_understood) {
        struct policy_set *set = parse_good("list downloaders = [\"curl\", \"wget\", \"fetch\"]\n"
                                            "path \"dropped_and_run\" {\n"
                                            "    description = \"A file is downloaded, made executable and run\"\n"
                                            "    severity = high  mitre = [\"T1105\", \"T1204.002\"]  by = tree  "
                                            "within = 5m  respond = [\"notify\"]\n"
                                            "    write  { proc.name in downloaders, $file = pathname }\n"
                                            "    not unlink { pathname == $file }\n"
                                            "    any {\n"
                                            "        chmod  { pathname == $file, mode & 0111 }\n"
                                            "        execve { argv[1] == $file }\n"
                                            "    }\n"
                                            "    execve { filename == $file }\n"
                                            "    except { proc.exe == \"/usr/bin/apt-get\" }\n"
                                            "}\n");
        const struct path_node *path = set->paths;
        const struct element *write = path->body, *unlink = write->next, *any = unlink->next, *execve = any->next;

        ck_assert_uint_eq(path->n_steps, 4);
        ck_assert_uint_eq(path->n_captures, 1);
        ck_assert(text_eq(path->captures[0], "$file"));
        ck_assert_int_eq(path->capture_fields[0], WIRE_FIELD_write_pathname);

        ck_assert_int_eq(write->kind, WIRE_KIND_write);
        ck_assert_uint_eq(write->number, 1);
        ck_assert_int_eq(write->condition->field.field, FIELD_PROCESS_name);
        ck_assert_int_eq(write->condition->field.subject, SUBJECT_PROCESS);
        ck_assert_int_eq(write->condition->operand.type, OPERAND_LIST);
        ck_assert_uint_eq(write->condition->operand.n_items, 3);
        ck_assert_uint_eq(write->captures->slot, 0);

        ck_assert_int_eq(unlink->type, ELEMENT_NOT);
        ck_assert_uint_eq(unlink->number, 0);
        ck_assert_int_eq(unlink->condition->operand.type, OPERAND_CAPTURE);

        ck_assert_uint_eq(any->children->number, 2);
        ck_assert_uint_eq(any->children->next->number, 3);
        ck_assert_int_eq(any->children->next->condition->field.index, 1);
        ck_assert_uint_eq(execve->number, 4);
        policy_set_free(set);
}
END_TEST

START_TEST(paths_are_sorted_by_name) {
        struct policy_set *set = parse_good("path \"b\" { exit { code == 1 } }\npath \"a\" { exit { code == 2 } "
                                            "}\npath \"ab\" { exit { code == 3 } }\n");

        ck_assert_uint_eq(set->n_paths, 3);
        ck_assert(text_eq(set->paths->name, "a"));
        ck_assert(text_eq(set->paths->next->name, "ab"));
        ck_assert(text_eq(set->paths->next->next->name, "b"));
        ck_assert_ptr_null(set->paths->next->next->next);
        policy_set_free(set);
}
END_TEST

START_TEST(two_paths_of_one_name_are_told_with_both_places) {
        expect_messages("path \"a\" { exit { code == 1 } }\npath \"b\" { exit { code == 1 } }\npath \"a\" { exit { "
                        "code == 2 } }\n",
                        "3:6 error: a second path \"a\"\n  @ 1:6 the first is here\n");
}
END_TEST

START_TEST(names_of_paths_can_be_shown) {
        expect_messages("path \"\" { exit { code == 1 } }",
                        "1:6 error: a path needs a name: alerts are called after it\n");
        expect_messages("path \"a\\nb\" { exit { code == 1 } }",
                        "1:6 error: the name of a path holds only what can be shown\n");
        expect_messages("path \"a\\xff\" { exit { code == 1 } }",
                        "1:6 error: the name of a path holds only what can be shown\n");
        expect_messages("path \"Überwachung (α) 1/2\" { exit { code == 1 } }", "");
}
END_TEST

START_TEST(techniques_look_like_techniques) {
        expect_in_path("mitre = [\"T1105\", \"TA0001\", \"T1059.4\"] exit { code == 1 }",
                       "2:19 error: 'TA0001' is no ATT&CK technique\n  | a T and four digits, a sub-technique has "
                       "three more: \"T1059.004\"\n"
                       "2:29 error: 'T1059.4' is no ATT&CK technique\n  | a T and four digits, a sub-technique has "
                       "three more: \"T1059.004\"\n");
        expect_in_path("respond = \"../x\" exit { code == 1 }",
                       "2:11 error: the name of a responder has letters, digits, '_' and '-'\n");
}
END_TEST

START_TEST(what_the_parser_could_not_read_has_no_second_message) {
        /* The binding is lost with its step; the list with its file; the only step of a path. */
        expect_in_path("openat { created == , $x = pathname\n\nunlink { pathname == $x }",
                       "2:8 error: this '{' of a step is never closed\n  @ 4:1 a '}' is missing before this\n"
                       "2:21 error: expected a value, found ','\n");
}
END_TEST

START_TEST(names_that_may_stand_in_what_was_not_read_are_not_judged) {
        expect_messages("list a = [\"x\"\npath \"p\" { execve { proc.name in b, argc > 1 } }\n",
                        "1:10 error: this '[' is never closed\n");
        expect_in_path("opnat { $x = pathname }\nunlink { pathname == $x }",
                       "2:1 error: unknown kind of event 'opnat'\n  | did you mean 'openat'?\n");
        expect_in_path("openat { pathnme == \"/x\" }",
                       "2:10 error: 'openat' has no field 'pathnme'\n  | did you mean 'pathname'?\n");
        expect_in_path("openat } ", "2:8 error: expected '{' after 'openat', found '}'\n");
}
END_TEST

START_TEST(the_first_policies_mean_what_their_authors_wanted) {
        /* The dialect of the first policies: doubled backslashes, `=` for ==, lengths as strings, no commas, nested
         * conditionals. */
        struct policy_set *set =
                parse_good("// a comment\n"
                           "path \"apt\" {\n"
                           "    openat {\n"
                           "        pathname =~ \"^/tmp/.*\\\\.(sh|py|pl|rb)$\"\n"
                           "    } ? block \"escalation\" {\n"
                           "        execve { filename =~ \".*(sudo|su)$\" } ? block \"backdoor\" {\n"
                           "            write { content =~ \"backdoor|payload\" }\n"
                           "            execve { filename =~ \"crontab\" }\n"
                           "                ? write { content =~ \"@reboot\" len=\"12\" }\n"
                           "                : openat { path =~ \"^/etc/(rc\\\\.|init\\\\.|systemd/)\" }\n"
                           "        } : execve { path = \"/bin/ps\", argv[0] =~ \"ps\" } ..\n"
                           "    } : block \"other\" {\n"
                           "        write { buf =~ \"echo\" } ...\n"
                           "        ...\n"
                           "        execve { filename =~ \"(?i)/BASH$\" }\n"
                           "    }\n"
                           "}\n");
        const struct path_node *path = set->paths;

        ck_assert_uint_eq(path->n_steps, 9);
        ck_assert(text_eq(path->body->condition->operand.text, "^/tmp/.*\\.(sh|py|pl|rb)$"));
        policy_set_free(set);
}
END_TEST

UNIT_MAIN("policy/sema", the_example_of_the_manual_is_understood, paths_are_sorted_by_name,
          two_paths_of_one_name_are_told_with_both_places, names_of_paths_can_be_shown, techniques_look_like_techniques,
          what_the_parser_could_not_read_has_no_second_message,
          names_that_may_stand_in_what_was_not_read_are_not_judged, the_first_policies_mean_what_their_authors_wanted)

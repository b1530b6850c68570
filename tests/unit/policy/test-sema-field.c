/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void expect_field(const char *step, unsigned field, enum program_subject subject) {
        struct policy_set *set;
        char text[256];

        snprintf(text, sizeof(text), "path \"p\" { %s }", step);
        set = parse_good(text);
        ck_assert_uint_eq(set->paths->body->condition->field.field, field);
        ck_assert_int_eq(set->paths->body->condition->field.subject, subject);
        policy_set_free(set);
}

START_TEST(fields_are_found_in_their_kind_and_in_processes) {
        expect_field("openat { pathname == \"/x\" }", WIRE_FIELD_openat_pathname, SUBJECT_EVENT);
        expect_field("unlink { pathname == \"/x\" }", WIRE_FIELD_unlink_pathname, SUBJECT_EVENT);
        expect_field("openat { pathname.given == \"x\" }", WIRE_FIELD_openat_given, SUBJECT_EVENT);
        expect_field("openat { result == -EACCES }", FIELD_COMMON_result, SUBJECT_EVENT);
        expect_field("openat { proc.name == \"x\" }", FIELD_PROCESS_name, SUBJECT_PROCESS);
        expect_field("openat { parent.exe == \"/x\" }", FIELD_PROCESS_exe, SUBJECT_PARENT);
        expect_field("openat { ancestor.container.id == \"x\" }", FIELD_PROCESS_container, SUBJECT_ANCESTOR);
        expect_field("fork { child.pid == 1 }", WIRE_FIELD_fork_child_pid, SUBJECT_EVENT);
}
END_TEST

START_TEST(the_names_of_the_first_policies_are_known) {
        expect_field("openat { path == \"/x\" }", WIRE_FIELD_openat_pathname, SUBJECT_EVENT);
        expect_field("execve { path == \"/x\" }", WIRE_FIELD_execve_filename, SUBJECT_EVENT);
        expect_field("write { buf == \"x\" }", WIRE_FIELD_write_content, SUBJECT_EVENT);
        expect_field("write { len == \"12\" }", WIRE_FIELD_write_length, SUBJECT_EVENT);
        expect_field("connect { path == \"@x\" }", WIRE_FIELD_connect_path, SUBJECT_EVENT);
        expect_field("execve { args contains \"-x\" }", FIELD_PROCESS_args, SUBJECT_PROCESS);
}
END_TEST

START_TEST(an_unknown_kind_gets_the_nearest_or_the_one_it_belongs_to) {
        expect_in_path("opnat { }\nexit { code == 1 }",
                       "2:1 error: unknown kind of event 'opnat'\n  | did you mean 'openat'?\n");
        expect_in_path("openat2 { }\nexit { code == 1 }",
                       "2:1 error: unknown kind of event 'openat2'\n  | 'openat2' is part of the kind 'openat'\n");
        expect_in_path("clone { }\nexit { code == 1 }",
                       "2:1 error: unknown kind of event 'clone'\n  | 'clone' is part of the kind 'fork'\n");
        expect_in_path("invalid_syscall { badfield =~ \"test\" }\nexit { code == 1 }",
                       "2:1 error: unknown kind of event 'invalid_syscall'\n");
        expect_in_path("exit { code == 1 }\nnot conect { }\nexit { code == 1 }",
                       "3:5 error: unknown kind of event 'conect'\n  | did you mean 'connect'?\n");
        expect_in_path("tick { }\nexit { code == 1 }", "2:1 error: unknown kind of event 'tick'\n");
        expect_in_path("process { }\nexit { code == 1 }", "2:1 error: unknown kind of event 'process'\n");
        expect_in_path("umount2 { }\nexit { code == 1 }",
                       "2:1 error: unknown kind of event 'umount2'\n  | 'umount2' is part of the kind 'umount'\n");
}
END_TEST

START_TEST(an_unknown_field_gets_the_nearest_or_the_kind_that_has_it) {
        expect_in_path("openat { pathnam == \"/x\" }",
                       "2:10 error: 'openat' has no field 'pathnam'\n  | did you mean 'pathname'?\n");
        expect_in_path("openat { filename == \"/x\" }",
                       "2:10 error: 'openat' has no field 'filename'\n  | did you mean 'pathname'?\n");
        expect_in_path("execve { pathname == \"/x\" }",
                       "2:10 error: 'execve' has no field 'pathname'\n  | did you mean 'filename'?\n");
        expect_in_path("openat { uid == 0 }",
                       "2:10 error: 'openat' has no field 'uid'\n  | did you mean 'proc.uid'?\n");
        expect_in_path("openat { dport == 0 }", "2:10 error: 'openat' has no field 'dport'\n  | it is a field of "
                                                "'read', 'write', 'dup', 'connect' and 5 more\n");
        expect_in_path("openat { badfield =~ \".*x\" }", "2:10 error: 'openat' has no field 'badfield'\n");
        expect_in_path("openat { proc.nam == \"x\" }",
                       "2:10 error: a process has no field 'nam'\n  | did you mean 'proc.name'?\n");
        expect_in_path("openat { parent.ex == \"x\" }",
                       "2:10 error: a process has no field 'ex'\n  | did you mean 'parent.exe'?\n");
        expect_in_path("openat { proc == \"x\" }", "2:10 error: 'openat' has no field 'proc'\n  | which field of the "
                                                   "process? 'proc.exe', 'proc.name', ...\n");
}
END_TEST

START_TEST(an_index_belongs_to_a_list) {
        expect_in_path("openat { pathname[1] == \"/x\" }", "2:10 error: 'pathname' is a string, not a list\n");
        expect_in_path("openat { any mode == 1 }", "2:10 error: 'mode' is a number, not a list\n");
        expect_in_path("execve { argv[0] == \"sh\", any argv == \"-c\" }", "");
}
END_TEST

UNIT_MAIN("policy/sema-field", fields_are_found_in_their_kind_and_in_processes,
          the_names_of_the_first_policies_are_known, an_unknown_kind_gets_the_nearest_or_the_one_it_belongs_to,
          an_unknown_field_gets_the_nearest_or_the_kind_that_has_it, an_index_belongs_to_a_list)

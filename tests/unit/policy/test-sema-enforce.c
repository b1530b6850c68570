/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define NOTE "  @ 1:12 it would have to, for 'enforce'\n"

static void expect_kill(const char *body, const char *expected) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        strbuf_printf(&text, "path \"p\" { enforce = kill by = process\n%s }", body);
        expect_messages(strbuf_str(&text), expected);
}

START_TEST(what_the_kernel_has_at_hand_it_may_decide) {
        expect_kill("connect { daddr in [192.0.2.0/24, private_nets], dport in [80, 443], proc.uid != 0 }", "");
        expect_kill("sendto { dport == 53, proc.exe startswith [\"/tmp/\", \"/dev/shm/\"] }", "");
        expect_kill("openat { $f = file } execve { file == $f, proc.uid >= 1000 }", "");
        expect_kill("openat { pathname endswith \".key\", flags & (O_WRONLY|O_RDWR), proc.egid == 5 }", "");
        expect_kill("openat { pathname glob \"/etc/**\" } any { connect { daddr == 192.0.2.1 } execve { exe in "
                    "[\"/bin/nc\", \"/bin/ncat\"] } }",
                    "");
        expect_kill("openat { (flags & O_ACCMODE) == O_WRONLY, not (pathname == \"/a\" or proc.uid == 0) }", "");
        expect_kill("unlink { } within 5s { openat { } connect { dport == 1 } } except { proc.uid == 0 }", "");
}
END_TEST

START_TEST(what_it_has_not_is_told_where_it_stands) {
        expect_kill("connect { dport == 1, proc.name == \"x\" }",
                    "2:23 error: the kernel cannot decide this: whoever starts a process chooses it: compare "
                    "'proc.exe'\n" NOTE);
        expect_kill("connect { dport == 1, parent.uid == 1 }",
                    "2:23 error: the kernel cannot decide this: the kernel looks at the caller, and at nobody before "
                    "him\n" NOTE);
        expect_kill("openat { pathname =~ 'a.b' }",
                    "2:10 error: the kernel cannot decide this: it runs no regexes; 'startswith', 'endswith' and 'in' "
                    "it knows\n" NOTE);
        expect_kill("openat { pathname contains \"/x/\" }",
                    "2:10 error: the kernel cannot decide this: it compares exactly, or by 'startswith' and "
                    "'endswith'\n" NOTE);
        expect_kill("openat { pathname == \"/x\", flags & O_CREAT }",
                    "2:28 error: the kernel cannot decide this: of flags it keeps O_WRONLY, O_RDWR and O_APPEND "
                    "alone\n" NOTE);
        expect_kill("openat { pathname == \"/x\", failed }",
                    "2:28 error: the kernel cannot decide this: of an open the kernel looks at pathname, file and "
                    "flags alone\n" NOTE);
        expect_kill("openat { $p = pathname } openat { pathname == $p }",
                    "2:47 error: the kernel cannot decide this: of captures it compares a file ('file == $f') or an "
                    "address ('daddr == $a')\n" NOTE);
        expect_kill("execve { filename == \"/x\" }",
                    "2:10 error: the kernel cannot decide this: it is the name that the caller gave: compare 'exe', "
                    "the image that runs\n" NOTE);
        expect_kill("connect { daddr in runtime.blocked }",
                    "2:20 error: the kernel cannot decide this: a runtime list is the daemon's\n" NOTE);
}
END_TEST

START_TEST(the_last_step_is_one_call_of_five_kinds) {
        expect_kill("chmod { mode & S_ISUID }",
                    "2:1 error: the kernel cannot decide this: the last step is a connect, sendto, openat, execve or "
                    "ptrace\n" NOTE);
        expect_kill("repeat 3 { connect { dport == 1 } }",
                    "2:1 error: the kernel cannot decide this: the last step is one call, or 'any' of several\n" NOTE);
        expect_kill("unlink { } no connect { dport == 1 } within 5s",
                    "2:12 error: the kernel cannot decide this: the last step is one call, or 'any' of several\n" NOTE);
        expect_kill("connect { proc.exe == \"/x\" }",
                    "2:1 error: the kernel cannot decide this: not every socket has an address: compare 'daddr' or "
                    "'dport' too\n" NOTE);
        expect_kill("connect { dport == 1 or proc.uid == 5 }",
                    "2:1 error: the kernel cannot decide this: not every socket has an address: compare 'daddr' or "
                    "'dport' too\n" NOTE);
}
END_TEST

START_TEST(what_may_end_the_story_unseen_is_refused) {
        expect_kill("unlink { } not chmod { } connect { dport == 1 }",
                    "2:12 error: the kernel cannot decide this: what must not come before the last step it does not "
                    "look at\n" NOTE);
        expect_kill("unlink { } not chmod { } rename { } connect { dport == 1 }", "");
        expect_kill("unlink { } connect { dport == 1 } until chmod { }",
                    "2:35 error: the kernel cannot decide this: the story may be over when the last step comes\n" NOTE);
        expect_kill("connect { dport == 1 } except { proc.cwd == \"/x\" }",
                    "2:33 error: the kernel cannot decide this: of its caller the kernel looks at uid, gid, euid, egid "
                    "and exe alone\n" NOTE);
        expect_messages("path \"p\" { enforce = deny by = unit connect { dport == 1 } }", "");
        expect_messages("path \"p\" { enforce = deny by = container connect { dport == 1 } }", "");
        expect_messages("path \"p\" { enforce = deny by = descent connect { dport == 1 } }",
                        "1:12 error: the kernel does not tell stories apart by descent: it forgets who created a "
                        "process when the "
                        "creator ends\n"
                        "  | 'by' is process, tree, unit, container, user or host\n");
        expect_messages("path \"p\" { enforce = deny score = 5 connect { dport == 1 } +5 }",
               "1:12 error: a path with a score has no last step for the kernel to decide\n");
}
END_TEST

START_TEST(execs_and_opens_are_refused_by_what_they_name) {
        expect_messages("path \"p\" { enforce = deny execve { exe == \"/x\", old.euid == 0 } }", "");
        expect_messages("path \"p\" { enforce = deny write { $f = file } execve { file == $f } }", "");
        expect_messages("path \"p\" { enforce = deny openat { $f = file } openat { file == $f } }", "");
        expect_messages("path \"p\" { enforce = deny openat { pathname == \"/x\" } }", "");
        expect_messages("path \"p\" { enforce = deny execve { exe == \"/x\", proc.euid == 0 } }",
               "1:49 error: the kernel cannot decide this: an exec may change it: compare what it was, 'old.euid' or "
               "'old.egid'\n" NOTE);
}
END_TEST

START_TEST(who_looks_into_another_process_is_refused_when_he_attaches) {
        expect_kill("ptrace { target.exe == \"/usr/bin/ssh-agent\", target.uid == 0, proc.exe startswith \"/tmp/\" }",
                    "");
        expect_kill("ptrace { request in [PTRACE_ATTACH, PTRACE_POKETEXT, process_vm_writev] }", "");
        expect_kill("ptrace { request == proc_mem }",
                    "2:21 error: the kernel cannot decide this: an open of /proc/PID/mem is an 'openat' to it\n" NOTE);
        expect_messages("path \"p\" { enforce = deny ptrace { request in [PTRACE_SEIZE, process_vm_readv] } }", "");
        expect_messages("path \"p\" { enforce = deny ptrace { request != PTRACE_CONT, target.pid > 1 } }", "");
        expect_messages("path \"p\" { enforce = deny ptrace { request in [PTRACE_ATTACH, PTRACE_POKETEXT] } }",
                        "1:63 error: the kernel cannot decide this: it refuses who attaches, not what is done when he "
                        "has\n" NOTE);
        expect_kill("ptrace { length > 4096 }",
                    "2:10 error: the kernel cannot decide this: of a ptrace the kernel looks at request, target.pid, "
                    "target.uid and target.exe alone\n" NOTE);
}
END_TEST

START_TEST(every_call_of_the_host_is_no_story) {
        static const char refused[] = "error: the kernel cannot decide this: nothing comes before it and it has no "
                                      "condition: that is every such call of this host\n" NOTE;
        _cleanup_(strbuf_done) struct strbuf alone = {}, any = {};

        strbuf_printf(&alone,
                      "2:1 %s2:1 warning: this path alerts at every 'ptrace' of every process\n"
                      "  | a step without conditions takes every event of its kind\n",
                      refused);
        expect_kill("ptrace { }", strbuf_str(&alone));
        strbuf_printf(&any, "2:7 %s", refused);
        expect_kill("any { execve { } openat { pathname == \"/x\" } }", strbuf_str(&any));
        expect_kill("ptrace { } except { proc.uid == 0 }", "");
        expect_kill("unlink { } ptrace { }", "");
}
END_TEST

START_TEST(what_is_told_apart_too_finely_is_too_much) {
        expect_kill("openat { (proc.uid == 1 or pathname == \"/a\") and (proc.gid == 1 or pathname == \"/b\") and "
                    "(proc.euid == 1 or pathname == \"/c\") and (proc.egid == 1 or pathname == \"/d\") }",
                    "2:11 error: the kernel cannot decide this: these alternatives are more than 8\n" NOTE);
}
END_TEST

START_TEST(a_drop_in_may_ask_for_it_and_the_last_word_counts) {
        struct policy_set *set = parse_good("path \"p\" { enforce = none exit { code == 1 } }");

        ck_assert_int_eq(set->paths->enforce, PATH_ENFORCE_NONE);
        ck_assert(!set->paths->body->refusable);
        policy_set_free(set);
        set = parse_good("path \"p\" { enforce = deny by = host exit { code == 1 } connect { dport == 1 } }");
        ck_assert_int_eq(set->paths->enforce, PATH_ENFORCE_DENY);
        ck_assert(!set->paths->body->refusable);
        ck_assert(set->paths->body->next->refusable);
        policy_set_free(set);
        expect_messages("path \"p\" { enforce = kick connect { dport == 1 } }",
               "1:22 error: unknown value 'kick' of 'enforce'\n  | it is none, kill or deny\n");
}
END_TEST

UNIT_MAIN("policy/sema-enforce", what_the_kernel_has_at_hand_it_may_decide, what_it_has_not_is_told_where_it_stands,
          the_last_step_is_one_call_of_five_kinds, what_may_end_the_story_unseen_is_refused,
          execs_and_opens_are_refused_by_what_they_name,
          who_looks_into_another_process_is_refused_when_he_attaches, every_call_of_the_host_is_no_story,
          what_is_told_apart_too_finely_is_too_much,
          a_drop_in_may_ask_for_it_and_the_last_word_counts)

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"
#include "policy/ast-print.h"

#include "fixture.h"

/* The conditions of a step of the path, as sema left them; then its captures, hidden ones in brackets. */
static void expect_step(const char *body, unsigned number, const char *expected) {
        struct policy_set *set;
        struct strbuf b = {};
        char policy[2048];

        snprintf(policy, sizeof(policy), "path \"p\" { %s }", body);
        set = parse_good(policy);
        for (const struct element *e = set->paths->body; e; e = e->next) {
                if (e->number != number)
                        continue;
                if (e->condition)
                        ast_print_expr(e->condition, &b);
                for (const struct capture *c = e->captures; c; c = c->next)
                        strbuf_printf(&b, "%s%s=%s%s", c->hidden ? " [" : " ", c->name.bytes, c->field.name.bytes,
                                      c->hidden ? "]" : "");
        }
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        policy_set_free(set);
}

#define TWO "execve as $a { argc > 1 } write { fd == 1 } "

START_TEST(a_relation_is_a_condition_on_what_the_name_captures) {
        expect_step(TWO "same process as $a", 2, "fd == 1 and proc.identity == $a");
        expect_step(TWO "child of $a", 2, "fd == 1 and parent.identity == $a");
        expect_step(TWO "descendant of $a", 2, "fd == 1 and ancestor.identity == $a");
        expect_step(TWO "sibling of $a", 2,
                    "fd == 1 and (parent.identity == $a.parent and proc.identity != $a)");
        expect_step(TWO "same unit as $a", 2, "fd == 1 and (proc.unit == $a.unit and proc.unit != \"\")");
        expect_step(TWO "same file as $a", 2, "fd == 1 and file == $a.file");
        expect_step(TWO "child of $a same unit as $a", 2,
                    "fd == 1 and parent.identity == $a and (proc.unit == $a.unit and proc.unit != \"\")");
}
END_TEST

START_TEST(a_pipe_joins_what_one_step_writes_and_the_other_reads) {
        expect_step(TWO "same pipe as $a", 2, "fd == 1 and (type == pipe and file == $a.stdin)");
        expect_step("write as $a { fd == 1 } execve { argc > 1 } same pipe as $a", 2,
                    "argc > 1 and (stdin.type == pipe and stdin == $a.file)");
        expect_step("execve as $a { argc > 1 } execve { } same pipe as $a", 2,
                    "stdin.type == pipe and (stdin == $a.stdout or stdin == $a.stderr) or "
                    "stdout.type == pipe and stdout == $a.stdin or stderr.type == pipe and stderr == $a.stdin");
}
END_TEST

START_TEST(hidden_captures_are_made_only_where_somebody_looks_at_them) {
        expect_step(TWO "child of $a", 1, "argc > 1 $a=proc.identity");
        expect_step(TWO "sibling of $a", 1, "argc > 1 $a=proc.identity [$a.parent=parent.identity]");
        expect_step(TWO "same unit as $a, same file as $a", 1,
                    "argc > 1 $a=proc.identity [$a.unit=proc.unit] [$a.file=file]");
        expect_step(TWO "same pipe as $a", 1, "argc > 1 $a=proc.identity [$a.stdin=stdin]");
        expect_step("write as $a { fd == 1 } execve { } same pipe as $a, same file as $a", 1,
                    "fd == 1 $a=proc.identity [$a.file=file]");
        expect_step("fork as $a { $x = child.pid } exit { } until exit { code == 1 } same unit as $a", 1,
                    " $x=child.pid $a=proc.identity [$a.unit=proc.unit]");
}
END_TEST

START_TEST(relations_work_in_everything_that_is_a_step) {
        expect_in_path("execve as $a { argc > 1 }\nnot exit { } same process as $a\nopenat { created } child of $a",
                       "");
        expect_in_path("execve as $a { argc > 1 }\nno exit { } same process as $a within 1s", "");
        expect_in_path("execve as $a { argc > 1 }\nopenat { created }\nuntil exit { } same process as $a", "");
        expect_in_path("execve as $a { argc > 1 }\nopenat { created } child of $a ? fork { } sibling of $a : exit { }",
                       "");
        expect_in_path("execve as $a { argc > 1 }\nrepeat 3 { openat { created } child of $a }", "");
        expect_in_path("any { execve as $a { argc > 1 } write as $a { fd == 1 } }\nexecve { } same pipe as $a", "");
        expect_in_path("execve as $a { argc > 1 }\nexit { proc.identity == $a or ancestor.pid == 1 }", "");
}
END_TEST

START_TEST(a_name_that_is_none_is_told) {
        expect_in_path("execve as $sh { argc > 1 }\nexit { } child of $hs",
                       "3:10 error: no step is named '$hs'\n  | did you mean '$sh'?\n");
        expect_in_path("execve { argc > 1 }\nexit { } child of $a",
                       "3:10 error: no step is named '$a'\n"
                       "  | give an earlier one the name: 'execve as $a { ... }'\n");
        expect_in_path("execve { $a = proc.pid, argc > 1 }\nexit { } child of $a",
                       "3:10 error: '$a' is the value of a field, not the process of a step\n"
                       "  | name the step: 'execve as $a { ... }'\n  @ 2:10 it is bound here\n");
        expect_in_path("exit { } child of $a\nexecve as $a { argc > 1 }",
                       "2:10 error: nothing before this binds '$a'\n");
        expect_in_path(
                "exit { code == 1 }\nany { execve as $a { argc > 1 }\nopenat { created } }\nexit { } child of $a",
                "5:10 error: '$a' is not bound on every way here\n  @ 3:17 it is bound here\n");
        expect_in_path("execve as $a { argc > 1 }\nexecve as $a { argc > 1 }",
                       "3:11 error: '$a' is bound already\n  | to compare with it write 'proc.identity == $a'\n"
                       "  @ 2:11 here\n");
        expect_in_path("execve { argc > 1 }\nnot exit as $a { }\nfork { }",
                       "3:13 error: a 'not' step binds nothing: when the story goes on it has not happened\n");
}
END_TEST

#define HAVE_FILES "  | 'same file as' is for execve, openat, read, write, close and 21 more"

START_TEST(kinds_without_a_file_or_a_pipe_are_told_with_those_that_have_one) {
        expect_in_path("execve as $a { argc > 1 }\nsymlink { pathname == \"/x\" } same file as $a",
                       "3:30 error: 'symlink' has no file as an object\n"
                       HAVE_FILES "; names are compared with captures\n");
        expect_in_path("fork as $a { }\nopenat { created } same file as $a",
                       "3:20 error: '$a' names the process of 'fork', which has no file as an object\n"
                       HAVE_FILES "; names are compared with captures\n"
                       "  @ 2:9 it is named here\n");
        expect_in_path("execve as $a { argc > 1 }\nopenat { created } same pipe as $a",
                       "3:20 error: 'openat' has no pipe\n  | 'same pipe as' is for execve, read and write\n");
        expect_in_path("openat as $a { created }\nwrite { } same pipe as $a",
                       "3:11 error: '$a' names the process of 'openat', which has no pipe\n"
                       "  | 'same pipe as' is for execve, read and write\n  @ 2:11 it is named here\n");
        expect_in_path("write as $a { fd == 1 }\nwrite { fd == 1 } same pipe as $a",
                       "3:19 error: both steps only write: nobody reads a pipe here\n"
                       "  | an 'execve' reads from its descriptor 0\n  @ 2:10 the other step is here\n");
}
END_TEST

START_TEST(hidden_captures_count) {
        char body[1024] = "execve as $a { argc > 1", expected[256];

        for (int i = 0; i < PROGRAM_MAX_SLOTS - 2; i++)
                snprintf(body + strlen(body), sizeof(body) - strlen(body), ", $x%d = argc", i);
        snprintf(body + strlen(body), sizeof(body) - strlen(body),
                 " }\nopenat { created } sibling of $a same unit as $a");
        snprintf(expected, sizeof(expected),
                 "2:11 error: too many captures in one path: more than %d\n"
                 "  | '$a.unit' is one, made for a relation\n",
                 PROGRAM_MAX_SLOTS);
        expect_in_path(body, expected);
}
END_TEST

START_TEST(a_process_is_compared_with_a_captured_one_only) {
        expect_in_path("execve { proc.identity == 1 }",
                       "2:10 error: 'proc.identity' is a process: only a captured one can be compared with it\n"
                       "  | name an earlier step's process, 'execve as $p { ... }', and compare "
                       "'proc.identity == $p'\n");
        expect_in_path("execve as $p { argc > 1 }\nexit { proc.pid == $p }",
                       "3:8 error: 'proc.pid' is a number, '$p' holds a process\n  @ 2:11 it is bound here\n");
        expect_in_path("execve as $p { argc > 1 }\nexit { proc.identity < $p }",
                       "3:8 error: '<' is for numbers, and 'proc.identity' is a process\n");
}
END_TEST

UNIT_MAIN("policy/sema-relation", a_relation_is_a_condition_on_what_the_name_captures,
          a_pipe_joins_what_one_step_writes_and_the_other_reads,
          hidden_captures_are_made_only_where_somebody_looks_at_them, relations_work_in_everything_that_is_a_step,
          a_name_that_is_none_is_told, kinds_without_a_file_or_a_pipe_are_told_with_those_that_have_one,
          hidden_captures_count, a_process_is_compared_with_a_captured_one_only)

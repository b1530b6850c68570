/* SPDX-License-Identifier: Apache-2.0 */
#include "story/story.h"

#include <errno.h>

#include "base/strbuf.h"
#include "unit.h"

static struct story *story;
static struct diag_set diags;

static struct story_source source_of(const char *text) {
        return (struct story_source){.name = "s", .text = text, .n = strlen(text), .line = 1};
}

static int parse(const char *text) {
        const struct story_source source = source_of(text);

        diag_set_done(&diags);
        diag_set_init(&diags, 0);
        story = story_free(story);
        return story_parse(&source, &diags, &story);
}

/* The last record, as an event. */
static struct event last(void) {
        struct event event;

        ck_assert_ptr_nonnull(story);
        ck_assert_int_eq(world_event(&story->world, story->world.records.n - 1, &event), 0);
        return event;
}

static void last_is(enum field field, const char *expected) {
        struct event event = last();
        struct value value;
        char text[256];

        event_get(&event, field, &value);
        schema_format(field, &value, text, sizeof(text));
        ck_assert_str_eq(text, expected);
}

static void says(const char *text, const char *expected) {
        const struct diag_source source = {"s", text, strlen(text)};
        struct strbuf b = {};

        ck_assert_int_eq(parse(text), -EBADMSG);
        diag_set_put_text(&diags, &source, 1, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

START_TEST(line_is_an_event_of_its_time_process_and_kind) {
        char time[STORY_TIME_MAX];
        struct event event;

        ck_assert_int_eq(parse("1.5s bash openat pathname=/a flags=O_WRONLY|O_CREAT result=-EACCES   # a comment\n"),
                         0);
        event = last();
        ck_assert_int_eq(event_kind(&event), WIRE_KIND_openat);
        ck_assert_str_eq(story_time(time, event.time_ns), "1s500ms");
        ck_assert_str_eq(story_label(story, &(struct identity){event.wire->start_ns, event.wire->tgid, 0}), "bash");
        ck_assert_int_eq(event.wire->result, -13);
        ck_assert_uint_eq(event.wire->uid, 1000);
        last_is(FIELD_openat_pathname, "/a");
        last_is(FIELD_openat_flags, "O_WRONLY|O_CREAT");
        ck_assert_uint_eq(story->lines.n, 1);
        ck_assert_ptr_null(story->lines.items[0].columns);
}
END_TEST

START_TEST(times_count_from_the_beginning_or_from_the_line_before) {
        char time[STORY_TIME_MAX];

        ck_assert_int_eq(parse("2s p exit\n+500ms q exit\n"), 0);
        ck_assert_str_eq(story_time(time, last().time_ns), "2s500ms");
}
END_TEST

START_TEST(strings_have_quotes_escapes_and_may_be_cut_or_unknown) {
        struct event event;
        struct value value;

        ck_assert_int_eq(parse("0s p openat pathname=\"/a b\\x41\\n\"\n"), 0);
        event = last();
        event_get(&event, FIELD_openat_pathname, &value);
        ck_assert(memeq_str(value.bytes, value.length, "/a bA\n"));
        ck_assert_int_eq(parse("0s p openat pathname=/a~ pathname.given=?\n"), 0);
        event = last();
        event_get(&event, FIELD_openat_pathname, &value);
        ck_assert_int_eq(value.state, VALUE_CUT);
        event_get(&event, FIELD_openat_given, &value);
        ck_assert_int_eq(value.state, VALUE_UNKNOWN);
        ck_assert_int_eq(parse("0s p execve filename=/x argv=[x \"b c\" d]\n"), 0);
        last_is(FIELD_execve_argv, "x \"b c\" d");
}
END_TEST

START_TEST(introduced_process_is_what_the_line_says_and_others_are_ordinary) {
        struct world_process *sshd, *bash;

        ck_assert_int_eq(parse("process sshd exe=/usr/sbin/sshd uid=0 supervisor cgroup=/system.slice/ssh.service\n"
                               "process bash parent=sshd\n"
                               "0s bash fork child=ls\n"),
                         0);
        sshd = world_find(&story->world, "sshd");
        bash = world_find(&story->world, "bash");
        ck_assert_str_eq(sshd->exe, "/usr/sbin/sshd");
        ck_assert(sshd->supervisor);
        ck_assert_ptr_eq(bash->parent, sshd);
        ck_assert(identity_equal(&bash->tree, &bash->id));
        ck_assert_ptr_eq(world_find(&story->world, "ls")->parent, bash);
}
END_TEST

START_TEST(namespaces_are_told_of_the_process_and_of_a_child_by_its_fork) {
        ck_assert_int_eq(parse("process p ns.mnt=1000 ns.time=7\n"), 0);
        last_is(FIELD_process_ns_mnt, "1000");
        last_is(FIELD_process_ns_time, "7");
        ck_assert_int_eq(parse("0s p fork child=q child.ns.pid=77 flags=CLONE_NEWPID\n"), 0);
        last_is(FIELD_fork_child_ns_pid, "77");
        last_is(FIELD_fork_flags, "CLONE_NEWPID");
}
END_TEST

START_TEST(bar_keeps_what_stands_behind_it) {
        ck_assert_int_eq(parse("0s p openat pathname=/a | 1 x\n"), 0);
        ck_assert_str_eq(story->lines.items[0].columns, " 1 x");
        ck_assert_uint_eq(story->lines.items[0].line, 1);
}
END_TEST

START_TEST(everything_that_is_wrong_is_said_with_its_place_and_what_was_meant) {
        says("0s bash opnat pathname=/a\n"
             "1s bash openat patname=/a\n"
             "  soon bash openat\n"
             "3s bash openat flags=O_NOTHING\n"
             "process x exe=/x superviser\n",
             "s:1:9: error: unknown kind of event 'opnat'\n"
             "    1 | 0s bash opnat pathname=/a\n"
             "      |         ^~~~~\n"
             "      = did you mean 'openat'?\n"
             "s:2:16: error: openat has no field 'patname'\n"
             "    2 | 1s bash openat patname=/a\n"
             "      |                ^~~~~~~~~~\n"
             "      = did you mean 'pathname'?\n"
             "s:3:3: error: 'soon' is no time: a line begins with one, as in 0s, 1.5s, 200ms or +2s\n"
             "    3 |   soon bash openat\n"
             "      |   ^~~~\n"
             "s:4:16: error: 'O_NOTHING' is no number\n"
             "    4 | 3s bash openat flags=O_NOTHING\n"
             "      |                ^~~~~~~~~~~~~~~\n"
             "s:5:18: error: a process has no 'superviser'\n"
             "    5 | process x exe=/x superviser\n"
             "      |                  ^~~~~~~~~~\n"
             "      = did you mean 'supervisor'?\n");
}
END_TEST

START_TEST(what_cannot_be_a_record_is_refused_with_its_line) {
        says("0s p openat pathname=\"/a\n",
             "s:1:13: error: a quote or bracket is not closed\n"
             "    1 | 0s p openat pathname=\"/a\n"
             "      |             ^~~~~~~~~~~~\n");
        says("0s p connect daddr=1.2.3\n",
             "s:1:14: error: '1.2.3' is no address\n"
             "    1 | 0s p connect daddr=1.2.3\n"
             "      |              ^~~~~~~~~~~\n");
        says("0s p fork\n",
             "s:1:1: error: expected: TIME PROCESS fork child=LABEL\n"
             "    1 | 0s p fork\n"
             "      | ^~~~~~~~~\n");
        says("0s p fork child=q child.pid=5\n",
             "s:1:19: error: who the child is follows from its label\n"
             "    1 | 0s p fork child=q child.pid=5\n"
             "      |                   ^~~~~~~~~~~\n");
        says("process p ns.mnt=0\n",
             "s:1:11: error: no namespace has that number\n"
             "    1 | process p ns.mnt=0\n"
             "      |           ^~~~~~~~\n");
        says("0s a/b exit\n",
             "s:1:4: error: 'a/b' cannot be the label of a process: one word of at most 64 characters, without slash\n"
             "    1 | 0s a/b exit\n"
             "      |    ^~~\n");
}
END_TEST

START_TEST(place_in_a_larger_file_is_that_of_the_file) {
        const char *file = "events: |\n    0s p opnat\n";
        const struct story_source source = {"f", file + 10, strlen(file + 10), 2, 10};
        struct strbuf b = {};

        diag_set_init(&diags, 0);
        ck_assert_int_eq(story_parse(&source, &diags, &story), -EBADMSG);
        diag_put_line(&diags.list.items[0], &b);
        ck_assert_str_eq(strbuf_str(&b), "f:2:10: error: unknown kind of event 'opnat'");
        ck_assert_uint_eq(diags.list.items[0].span.offset, 19);
        strbuf_done(&b);
}
END_TEST

START_TEST(processes_are_bounded) {
        struct strbuf b = {};

        for (unsigned i = 0; i < STORY_MAX_PROCESSES; i++)
                strbuf_printf(&b, "0s p%u exit\n", i);
        ck_assert_int_eq(parse(strbuf_str(&b)), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "more than 1024 processes");
        ck_assert_uint_eq(diags.n_errors, 1);
        strbuf_done(&b);
}
END_TEST

static int attempt(void *userdata) {
        const struct story_source source = source_of("process a uid=0 cgroup=/x argv=[a b]\n"
                                                     "0s a fork child=b\n"
                                                     "1s b execve filename=/bin/b argv=[b c]\n"
                                                     "2s c connect daddr=1.2.3.4 | 1\n"
                                                     "3s b exit\n");
        struct story *s = NULL;
        int r;

        r = story_parse(&source, NULL, &s);
        story_free(s);
        return r;
}

START_TEST(memory_that_runs_out_is_said_and_nothing_leaks) {
        ck_assert_uint_gt(alloc_fail_sweep(attempt, NULL), 2);
}
END_TEST

UNIT_MAIN("story/story",
          line_is_an_event_of_its_time_process_and_kind,
          times_count_from_the_beginning_or_from_the_line_before,
          strings_have_quotes_escapes_and_may_be_cut_or_unknown,
          introduced_process_is_what_the_line_says_and_others_are_ordinary,
          namespaces_are_told_of_the_process_and_of_a_child_by_its_fork, bar_keeps_what_stands_behind_it,
          everything_that_is_wrong_is_said_with_its_place_and_what_was_meant,
          what_cannot_be_a_record_is_refused_with_its_line,
          place_in_a_larger_file_is_that_of_the_file,
          processes_are_bounded,
          memory_that_runs_out_is_said_and_nothing_leaks)

/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/action.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "script/script-answer.h"
#include "script/script-value.h"

#include "unit.h"

static const struct script_limits limits = {
        .memory_bytes = 8 * MIB,
        .instructions = 1000000,
        .time_ns = NSEC_PER_SEC,
        .data_bytes = MIB,
};

static struct script *load(const char *text) {
        _cleanup_(strbuf_done) struct strbuf message = {};
        struct script *script = NULL;
        int r = script_load("a.lua", text, strlen(text), &limits, true, &message, &script);

        ck_assert_msg(r == 0, "%s", strbuf_str(&message));
        return script;
}

static struct script_value *parse(const char *json) {
        struct script_value *value = NULL;
        const char *why;

        ck_assert_int_eq(script_value_parse(json, strlen(json), &value, &why), 0);
        return value;
}

static int act(const char *kind, const struct action_input *inputs, size_t n, struct strbuf *what,
               struct strbuf *result, void *userdata) {
        struct strbuf *seen = userdata;

        strbuf_printf(seen, "%s(", kind);
        for (size_t i = 0; i < n; i++) {
                const struct action_input *input = inputs + i;

                strbuf_printf(seen, "%s=", input->name);
                switch (input->type) {
                case ACTION_INPUT_TEXT:
                case ACTION_INPUT_OTHER:
                        strbuf_put_text(seen, input->text, input->length);
                        break;
                case ACTION_INPUT_NUMBER:
                case ACTION_INPUT_FLAG:
                        strbuf_put_i64(seen, input->number);
                        break;
                case ACTION_INPUT_WORDS:
                        for (size_t k = 0; k < input->n_words; k++)
                                strbuf_printf(seen, "[%s]", input->words[k]);
                        break;
                case ACTION_INPUT_PROCESS:
                        strbuf_printf(seen, "%u/%llu", input->process.pid, (unsigned long long)input->process.start_ns);
                        break;
                case ACTION_INPUT_PROCESSES:
                        for (size_t k = 0; k < input->n_processes; k++)
                                strbuf_printf(seen, "[%u]", input->processes[k].pid);
                        break;
                }
                strbuf_put(seen, ";");
        }
        strbuf_put(seen, ")");
        strbuf_put(what, kind);
        if (streq(kind, "wrong")) {
                strbuf_put(result, "no such thing");
                return -EBADMSG;
        }
        strbuf_put(result, "as you wish");
        return streq(kind, "done") ? SCRIPT_ACTION_DONE
             : streq(kind, "dry")  ? SCRIPT_ACTION_DRY
                                   : SCRIPT_ACTION_REFUSED;
}

START_TEST(what_a_script_asks_for_is_in_the_answer) {
        _cleanup_(script_freep) struct script *script =
                load("responder('r', function(a)\n"
                     "  execray.field('exe', a.process.exe) execray.field('n', 3) execray.field('exe', 'again')\n"
                     "  execray.severity('critical') execray.suppress('known') print('hello', 1, true)\n"
                     "end)");
        _cleanup_(script_value_freep) struct script_value *alert = parse("{\"process\":{\"exe\":\"/bin/sh\"}}");
        _cleanup_(script_answer_done) struct script_answer answer = {};

        ck_assert_int_eq(script_run(script, "r", NULL, alert, NULL, 1, &answer), SCRIPT_FINE);
        ck_assert_uint_eq(answer.n_fields, 2);
        ck_assert_str_eq(answer.fields[0].name, "exe");
        ck_assert_str_eq(answer.fields[0].value, "again");
        ck_assert_str_eq(answer.fields[1].value, "3");
        ck_assert_str_eq(answer.severity, "critical");
        ck_assert_str_eq(answer.suppressed, "known");
        ck_assert_str_eq(answer.lines[0], "hello 1 true");
        ck_assert_int_eq(script_run(script, "nobody", NULL, alert, NULL, 1, &answer), SCRIPT_UNKNOWN);
}
END_TEST

START_TEST(actions_are_handed_on_with_their_arguments_and_say_what_came_of_it) {
        _cleanup_(script_freep) struct script *script =
                load("responder('r', function(a)\n"
                     "  print(execray.action('done', {b = 2, a = 'x y', argv = {'ls', '-l'}, p = a.process, q = "
                     "a.ancestors,\n"
                     "                                t = true, f = print, z = {}, m = {1, 'a'}}))\n"
                     "  print(execray.action('dry')) print(execray.action('not'))\n"
                     "end)\n"
                     "responder('w', function() execray.action('wrong', {}) end)\n"
                     "enricher('e', function() execray.action('done') end)");
        _cleanup_(script_value_freep) struct script_value *alert =
                parse("{\"process\":{\"pid\":7},\"ancestors\":[{\"pid\":8},{\"pid\":9}]}");
        static const struct script_process processes[] = {{.pid = 7, .start_ns = 77}, {.pid = 8, .start_ns = 88}};
        _cleanup_(script_answer_done) struct script_answer answer = {};
        _cleanup_(strbuf_done) struct strbuf seen = {};
        const struct script_ops ops = {.act = act, .userdata = &seen};

        ck_assert_int_eq(script_value_set_processes(alert, processes, 2), 0);
        ck_assert_int_eq(script_run(script, "r", NULL, alert, &ops, 1, &answer), SCRIPT_FINE);
        ck_assert_str_eq(strbuf_str(&seen),
                         "done(a=x y;argv=[ls][-l];b=2;f=a function;m=a list of things that do not go together;p=7/77;"
                         "q=[8][9];t=1;z=;)dry()not()");
        ck_assert_str_eq(answer.lines[0], "true as you wish done");
        ck_assert_str_eq(answer.lines[1], "true as you wish dry-run");
        ck_assert_str_eq(answer.lines[2], "false as you wish refused");
        ck_assert_uint_eq(answer.n_actions, 3);
        ck_assert_int_eq(answer.actions[0].state, SCRIPT_ACTION_DONE);

        ck_assert_int_eq(script_run(script, "w", NULL, alert, &ops, 1, &answer), SCRIPT_FAILED);
        ck_assert_ptr_nonnull(strstr(answer.errors[0].text, "a.lua:6: no such thing"));
        ck_assert_int_eq(script_run(script, "e", NULL, alert, &ops, 1, &answer), SCRIPT_FAILED);
        ck_assert_ptr_nonnull(strstr(answer.errors[1].text, "actions are for responders"));
}
END_TEST

START_TEST(the_target_is_the_actor_or_the_process_that_is_named) {
        _cleanup_(script_freep) struct script *script =
                load("responder('r', function(a) print(a.target and a.target.pid, a.target and a.target.exe) end)");
        _cleanup_(script_value_freep) struct script_value *alert =
                parse("{\"process\":{\"pid\":1,\"exe\":\"one\"},\"captures\":{\"b\":2,\"c\":3,\"f\":\"x\"},"
                      "\"steps\":[{\"process\":{\"pid\":2,\"exe\":\"two\"}},{\"process\":{\"pid\":1}}]}");
        _cleanup_(script_answer_done) struct script_answer answer = {};
        static const char *const targets[] = {NULL, "$b", "$c", "$f", "$missing"};

        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                ck_assert_int_eq(script_run(script, "r", targets[i], alert, NULL, 1, &answer), SCRIPT_FINE);
        ck_assert_str_eq(answer.lines[0], "1 one");
        ck_assert_str_eq(answer.lines[1], "2 two");
        ck_assert_str_eq(answer.lines[2], "3 nil");
        ck_assert_str_eq(answer.lines[3], "nil nil");
        ck_assert_str_eq(answer.lines[4], "nil nil");
}
END_TEST

START_TEST(text_functions_do_what_they_say) {
        _cleanup_(script_freep) struct script *script = load("");
        static const struct {
                const char *line, *result;
        } cases[] = {
                {"text.match('key=value', '(\\\\w+)=(\\\\w+)')", "key\tvalue"},
                {"text.match('abc', 'b.')", "bc"},
                {"text.match('abc', 'x')", ""},
                {"text.find('abcabc', 'b', 3)", "5\t5"},
                {"text.replace('a.b.c', '[.]', '%1')", "a%1b%1c\t2"},
                {"text.replace('abc', 'x*', '-')", "-a-b-c-\t4"},
                {"table.concat(text.split('a,b,,c', ','), '|')", "a|b||c"},
                {"table.concat(text.all('a1b22', '[0-9]+'), '|')", "1|22"},
                {"'[' .. text.trim('  a b\\n') .. ']'", "[a b]"},
                {"text.starts('/tmp/x', '/tmp/'), text.ends('a.so', '.so'), text.contains('abc', 'bc')",
                 "true\ttrue\ttrue"},
                {"string.find('a.b', '.')", "2\t2"},
                {"('abc'):upper(), #'abc', ('abc'):sub(2, -1)", "ABC\t3\tbc"},
                {"string.rep('ab', 3, ',')", "ab,ab,ab"},
                {"string.byte('abc', -1), string.byte('abc', 1, 2)", "99\t97\t98"},
                {"string.format('%05.1f|%s|%q', 3.14159, true, 'x')", "003.1|true|\"x\""},
                {"select('#', table.unpack({1, 2, 3}))", "3"},
                {"execray.api", "1"},
                {"nil", ""},
                {"error('wrong')", "line:1: wrong\nstack traceback:\n\t[C]: in "},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                (void)script_eval(script, cases[i].line, NULL, &b);
                ck_assert_msg(startswith(strbuf_str(&b), cases[i].result) &&
                                      (i + 1 == ELEMENTSOF(cases) || streq(strbuf_str(&b), cases[i].result)),
                              "%s: %s", cases[i].line, strbuf_str(&b));
        }
}
END_TEST

START_TEST(data_is_read_while_loading_and_only_then) {
        char name[] = "/tmp/execray-data-XXXXXX", text[1024];
        int fd = mkstemp(name);
        static const char content[] = "# names\nroot:x:0\nalice:x:1000\n\nmallory:x:1000\nbroken\n";
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(strbuf_done) struct strbuf b = {};

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
        close(fd);
        snprintf(text, sizeof(text),
                 "users = execray.lookup('%s', ':', {key = 3, value = 1}) names = execray.list('%s')\n"
                 "none = execray.list('/nonexistent/list', {optional = true})",
                 name, name);
        script = load(text);
        (void)script_eval(script, "users:get('0'), users:get('1000'), users:get(7), #users, users:has('0')", NULL, &b);
        ck_assert_str_eq(strbuf_str(&b), "root\talice\tnil\t2\ttrue");
        strbuf_clear(&b);
        (void)script_eval(script, "names:has('root:x:0'), names:has('#'), #names, none:has('x'), #none", NULL, &b);
        ck_assert_str_eq(strbuf_str(&b), "true\tfalse\t4\tfalse\t0");
        strbuf_clear(&b);
        ck_assert_int_eq(script_eval(script, "execray.list('/etc/passwd')", NULL, &b), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "not when it runs"));
        unlink(name);
}
END_TEST

START_TEST(data_that_others_may_write_or_is_too_large_is_refused) {
        char name[] = "/tmp/execray-data-XXXXXX", text[256];
        int fd = mkstemp(name);
        static const struct script_limits small = {
                .memory_bytes = 8 * MIB, .instructions = 1000000, .time_ns = NSEC_PER_SEC, .data_bytes = 100};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct script *script;

        ck_assert_int_eq(ftruncate(fd, 200), 0);
        snprintf(text, sizeof(text), "execray.list('%s')", name);
        ck_assert_int_eq(script_load("a.lua", text, strlen(text), &small, true, &b, &script), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "too large"));
        strbuf_clear(&b);
        ck_assert_int_eq(fchmod(fd, 0666), 0);
        ck_assert_int_eq(script_load("a.lua", text, strlen(text), &limits, false, &b, &script), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "writable"));
        close(fd);
        unlink(name);
}
END_TEST

START_TEST(an_alert_that_is_none_is_refused) {
        static const char *const texts[] = {"", "[]", "{", "1", "{\"a\":1,\"a\":2}", "\"x\""};
        struct script_value *value;
        const char *why;
        char deep[256];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                ck_assert_int_eq(script_value_parse(texts[i], strlen(texts[i]), &value, &why), -EBADMSG);
        strcpy(deep, "{\"a\":");
        memset(deep + 5, '[', 40);
        memset(deep + 45, ']', 40);
        strcpy(deep + 85, "}");
        ck_assert_int_eq(script_value_parse(deep, strlen(deep), &value, &why), -EBADMSG);
        ck_assert_str_eq(why, "it is nested too deeply");
}
END_TEST

UNIT_MAIN("script/script",
          what_a_script_asks_for_is_in_the_answer,
          actions_are_handed_on_with_their_arguments_and_say_what_came_of_it,
          the_target_is_the_actor_or_the_process_that_is_named,
          text_functions_do_what_they_say,
          data_is_read_while_loading_and_only_then,
          data_that_others_may_write_or_is_too_large_is_refused,
          an_alert_that_is_none_is_refused)

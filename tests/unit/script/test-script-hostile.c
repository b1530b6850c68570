/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that would hurt their host: each ends within its budget, leaves the state usable, and is told apart. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "script/script-answer.h"
#include "script/script-value.h"
#include "script/script.h"

#include "unit.h"

/* Sanitizers and busy machines are slow: what matters is that there is an end at all, soon. */
#define PATIENCE_NS (10 * NSEC_PER_SEC)

static struct script_limits limits = {
        .memory_bytes = 8 * MIB,
        .instructions = 1000000,
        .time_ns = 5 * NSEC_PER_SEC,            /* for what is to end by itself */
        .data_bytes = MIB,
};

/* Run `body` as a responder. Afterwards the same state must still do what is asked of it. */
static enum script_end run(const char *body, struct script_answer *answer) {
        static const char before[] = "responder('good', function() execray.field('fine', 'yes') end)\n"
                                     "responder('bad', function(alert)\n";
        _cleanup_(script_value_freep) struct script_value *alert = NULL;
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(strbuf_done) struct strbuf text = {}, message = {};
        _cleanup_(script_answer_done) struct script_answer after = {};
        uint64_t begun_ns = clock_boottime_ns();
        enum script_end end;
        const char *why;

        ck_assert_int_eq(script_value_parse("{\"policy\":\"p\"}", 14, &alert, &why), 0);
        strbuf_printf(&text, "%s%s\nend)\n", before, body);
        ck_assert_msg(script_load("bad.lua", strbuf_str(&text), text.n, &limits, true, &message, &script) == 0, "%s",
                      strbuf_str(&message));
        end = script_run(script, "bad", NULL, alert, NULL, 1, answer);
        ck_assert_msg(clock_boottime_ns() - begun_ns < PATIENCE_NS, "it took %.1f s",
                      (double)(clock_boottime_ns() - begun_ns) / NSEC_PER_SEC);
        ck_assert_int_eq(script_run(script, "good", NULL, alert, NULL, 2, &after), SCRIPT_FINE);
        ck_assert_uint_eq(after.n_fields, 1);
        ck_assert_str_eq(after.fields[0].value, "yes");
        return end;
}

static bool is_over(enum script_end end) {
        return end == SCRIPT_OVER_INSTRUCTIONS || end == SCRIPT_OVER_TIME || end == SCRIPT_OVER_MEMORY;
}

/* It comes to the end of a budget, and says so. */
static void expect_over(const char *body) {
        _cleanup_(script_answer_done) struct script_answer answer = {};
        enum script_end end;

        limits.time_ns = 300 * NSEC_PER_MSEC;
        end = run(body, &answer);
        limits.time_ns = 5 * NSEC_PER_SEC;
        ck_assert_msg(is_over(end), "%s: %s: %s", body, script_end_to_string(end),
                      answer.n_errors > 0 ? answer.errors[0].text : "no error");
        ck_assert_uint_eq(answer.n_errors, 1);
}

/* It fails at once, with these words. */
static void expect_error(const char *body, const char *words) {
        _cleanup_(script_answer_done) struct script_answer answer = {};

        ck_assert_int_eq(run(body, &answer), SCRIPT_FAILED);
        ck_assert_uint_eq(answer.n_errors, 1);
        ck_assert_msg(strstr(answer.errors[0].text, words), "%s", answer.errors[0].text);
}

/* It ends, by itself or by its budget: there is nothing to see but that. */
static void expect_end(const char *body) {
        _cleanup_(script_answer_done) struct script_answer answer = {};

        limits.time_ns = 300 * NSEC_PER_MSEC;
        (void)run(body, &answer);
        limits.time_ns = 5 * NSEC_PER_SEC;
}

START_TEST(an_endless_loop_ends_and_says_where_it_was) {
        _cleanup_(script_answer_done) struct script_answer answer = {};

        ck_assert_int_eq(run("local function spin()\nwhile true do end\nend\nspin()", &answer),
                         SCRIPT_OVER_INSTRUCTIONS);
        ck_assert_msg(strstr(answer.errors[0].text, "bad.lua:4: the instructions"), "%s", answer.errors[0].text);
        ck_assert_ptr_nonnull(strstr(answer.errors[0].text, "stack traceback:"));
}
END_TEST

START_TEST(pcall_in_a_loop_does_not_swallow_the_end) {
        expect_over("while true do pcall(function() while true do end end) end");
        expect_over("local function f() pcall(f) while true do pcall(f) end end f()");
        expect_over("while true do pcall(error, {}) end");
}
END_TEST

START_TEST(a_function_that_closes_a_variable_does_not_run_on) {
        expect_over("local x <close> = setmetatable({}, {__close = function() while true do end end})\n"
                    "while true do end");
        expect_over(
                "local function f() local x <close> = setmetatable({}, {__close = function() f() end}) error('x') end\n"
                "while true do pcall(f) end");
}
END_TEST

START_TEST(what_runs_where_no_hook_does_is_not_there) {
        expect_error("setmetatable({}, {__gc = function() while true do end end})", "'__gc' is not there");
        expect_error("setmetatable({}, {__mode = 'k'})", "'__mode' is not there");
        expect_error("xpcall(error, function() while true do end end)", "nil value (global 'xpcall')");
        expect_error("coroutine.wrap(function() end)", "nil value (global 'coroutine')");
        expect_error("collectgarbage('stop')", "nil value (global 'collectgarbage')");
        for (size_t i = 0; i < 9; i++) {
                static const char *const names[] = {"os",      "io",       "debug",   "load",  "loadstring",
                                                    "dofile",  "loadfile", "require", "rawset"};
                char body[64];

                snprintf(body, sizeof(body), "assert(%s == nil) error('gone')", names[i]);
                expect_error(body, "gone");
        }
}
END_TEST

START_TEST(a_metatable_stays_as_it_was_when_it_was_looked_at) {
        expect_error("local m = {} setmetatable({}, m) m.__mode = 'k'", "a metatable that is in use cannot be changed");
        expect_error("local m = {__index = print} local t = setmetatable({}, m) m.__index = nil", "cannot be changed");
        expect_error("local t = setmetatable({}, {}) getmetatable(t).__gc = print", "cannot be changed");
        expect_error("local t = setmetatable({}, {__metatable = 'mine'}) assert(getmetatable(t) == 'mine')\n"
                     "setmetatable(t, {})",
                     "this metatable cannot be changed");
        expect_error("local m = {} setmetatable({}, m) setmetatable(m, {__mode = 'k'})", "cannot be changed");
        expect_error("setmetatable({}, string)", "can be no metatable");
        expect_error("local m = {} setmetatable(m, m)", "its own metatable");
        expect_error("setmetatable({}, {__call = {}})", "'__call' must be a function");
        expect_error("local t, m = {}, {} setmetatable(t, m) m.__call = t t()", "cannot be changed");
}
END_TEST

START_TEST(objects_and_their_classes_work_as_ever) {
        expect_error(
                "local A = {} A.__index = A\n"
                "function A.new(x) return setmetatable({x = x}, A) end\n"
                "function A:get() return self.x end\n"
                "local B = setmetatable({}, {__index = A}) B.__index = B B.__call = function(b, y) return b.x + y end\n"
                "B.__eq = function(a, b) return a.x == b.x end\n"
                "local a, b, c = A.new(1), setmetatable({x = 2}, B), setmetatable({x = 2}, B)\n"
                "assert(a:get() == 1 and b:get() == 2 and b(5) == 7 and b == c and A.get(b) == 2)\n"
                "assert(getmetatable(b) == B and getmetatable(a) == A and B.__call(b, 1) == 3)\n"
                "setmetatable(b, A) assert(getmetatable(b) == A and b:get() == 2)\n"
                "setmetatable(b, nil) assert(getmetatable(b) == nil and b.get == nil)\n"
                "error('it works')",
                "it works");
}
END_TEST

START_TEST(loops_of_all_kinds_end) {
        expect_over("::again:: goto again");
        expect_over("local i = 0 repeat i = i + 1 until i < 0");
        expect_over("for _ in function() return 1 end do end");
        expect_over("local function f() return f() end f()");
        expect_over(
                "local t = setmetatable({}, {__len = function(t) return #t end}) while true do pcall(function() return "
                "#t end) end");
        expect_over("local m = {__concat = function(a, b) return a .. b end} local t = setmetatable({}, m)\n"
                    "while true do pcall(function() return t .. t end) end");
        expect_over("local m = {__close = function() error('again') end}\n"
                    "while true do pcall(function() local a <close> = setmetatable({}, m) error('x') end) end");
        expect_over("local t = {} for i = 1, 1000 do t[i] = i end\n"
                    "while true do pcall(table.sort, t, function() table.sort(t) return true end) end");
}
END_TEST

START_TEST(long_work_of_the_library_ends) {
        expect_over("local s = string.rep('x', 100000) local t = {} for i = 1, 15 do t[i] = s end\n"
                    "while true do pcall(table.concat, t) end");
        expect_over("local t = {} for i = 1, 50000 do t[i] = 'x' end while true do table.concat(t, 'yyyyyyyyyy') end");
        expect_over("while true do pcall(string.format, '%99.99f', 1e300) end");
        expect_over("local s = string.rep('9', 1000000) while true do tonumber(s) end");
        expect_over("local s = string.rep('a', 1000000) while true do string.upper(s) end");
        expect_over("local t = {} for i = 1, 50000 do t[i] = i end while true do pcall(table.unpack, t) end");
        expect_over("local t = {} for i = 1, 50000 do t[i] = i end\n"
                    "while true do table.insert(t, 1, 0) table.remove(t, 1) end");
        /* All in one chain of the hash. */
        expect_over("local t = {} for i = 1, 50000 do t[i * 131071] = 1 end\n"
                    "while true do local x = t[131071 * 60000] end");
}
END_TEST

START_TEST(a_bomb_of_memory_is_refused) {
        expect_over("local s = 'x' while true do s = s .. s end");
        expect_over("local t = {} for i = 1, 1e9 do t[i] = {i} end");
        expect_over("local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = 'x' .. i end end) end");
        expect_error("string.rep('x', 1e15)", "too long");
        expect_end("return string.rep('x', 4000000)");
        expect_over("while true do pcall(string.rep, 'x', 1500000) end");
}
END_TEST

START_TEST(an_empty_text_repeated_for_ever_is_empty) {
        expect_error("assert(string.rep('', 1e15) == '') assert(('').rep('', 1e15, '') == '') error('there')", "there");
}
END_TEST

START_TEST(patterns_that_go_back_for_ever_stop) {
        expect_end("text.test(string.rep('a', 60000), '(a+)+b')");
        expect_over("local s = string.rep('a', 60000) while true do pcall(text.test, s, '(a+)+b') end");
        expect_over("local s = string.rep('a', 60000) while true do pcall(text.match, s, 'a*a*a*a*b') end");
        expect_over("local s = string.rep('ab', 30000) while true do text.replace(s, 'a', '') end");
        expect_error("text.test(string.rep('a', 70000), 'a')", "too long for a pattern");
        expect_error("text.test('a', '(')", "pattern, byte");
        expect_error("text.test('a', '(*LIMIT_MATCH=100000000)a')", "verbs");
        expect_over("local i = 0 while true do i = i + 1 text.test('a', 'a{1,60}' .. i) end");
        expect_error("string.gsub('a', 'a', 'b')", "gsub");
}
END_TEST

START_TEST(a_plain_search_is_linear) {
        expect_error("local s = string.rep('a', 1000000) assert(not string.find(s, string.rep('a', 500000) .. 'b'))\n"
                     "error('searched')",
                     "searched");
}
END_TEST

START_TEST(recursion_without_end_is_an_error) {
        expect_end("local function f() return 1 + f() end f()");
        expect_end("local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k + 1] end return "
                   "t[1]");
        expect_end("local function f(...) return f(1, ...) end f()");
        expect_over("local t = setmetatable({}, {__tostring = function(t) return tostring(t) end})\n"
                    "while true do pcall(tostring, t) end");
        expect_end("local t = {} t.t = t local mt = {} mt.__index = mt setmetatable(mt, mt) return mt.x");
}
END_TEST

START_TEST(an_error_in_an_error_is_an_error) {
        expect_error("error(setmetatable({}, {__tostring = function() while true do end end}))",
                     "an error that is a table");
        expect_error("error()", "an error that is a nil");
        expect_error("error(nil)", "an error that is a nil");
        expect_error("local ok, e = pcall(error, {}) error(e)", "an error that is a table");
}
END_TEST

START_TEST(tables_that_lie_about_themselves_do_not_loop_in_c) {
        expect_end("local t = setmetatable({}, {__len = function() return 1e15 end, __index = rawlen, __newindex = "
                   "type})\n"
                   "table.insert(t, 1, 1) table.remove(t, 1) table.concat(t) table.unpack(t) table.sort(t)");
        expect_error("table.concat(setmetatable({}, {__index = rawlen}), '', 1, 1e15)", "position out of bounds");
        expect_error("table.unpack({}, 1, 1e8)", "too many results");
        expect_error("table.move({}, 1, 1e15, 1)", "nil value (field 'move')");
}
END_TEST

START_TEST(sorting_ends_whatever_the_comparison_says) {
        expect_over("local t = {} for i = 1, 20000 do t[i] = i end while true do table.sort(t, function() return true "
                    "end) end");
        expect_end("local t = {} for i = 1, 1000 do t[i] = i % 7 end table.sort(t, function(a, b) return a <= b end)");
        expect_over("local t = {} for i = 1, 10000 do t[i] = i end while true do table.sort(t, rawequal) end");
        expect_over("local s = string.rep('a', 1000000) local t = {} for i = 1, 10000 do t[i] = s end table.sort(t)");
        expect_error("table.sort({1, 'a', 2})", "attempt to compare");
        expect_error("local t = {5, 3, 9, 1, 7} table.sort(t) error(table.concat(t, ','))", "1,3,5,7,9");
        expect_error("local t = {'b', 'c', 'a', 'd'} table.sort(t, function(a, b) return a > b end)\n"
                     "error(table.concat(t))",
                     "dcba");
}
END_TEST

START_TEST(many_long_steps_end_by_the_clock) {
        expect_over("local a = string.rep('a', 1500000) local b = a .. 'b' local c = a .. 'c'\n"
                    "while true do local x = b < c end");
        expect_over("while true do string.format('%s', string.rep('a', 100000)) end");
        expect_over("local t = {} for i = 1, 50000 do t['k' .. i] = 1 end for k in pairs(t) do t[k] = nil end\n"
                    "while true do next(t) end");
}
END_TEST

START_TEST(the_library_cannot_be_changed) {
        expect_error("string.rep = nil", "cannot be changed");
        expect_error("execray.api = 7", "cannot be changed");
        expect_error("setmetatable(string, {})", "cannot be changed");
        expect_error("getmetatable('').__index = nil", "");
        expect_error("assert(getmetatable(execray) == false) string = nil assert(('x'):upper() == 'X') error('mine')",
                     "mine");
}
END_TEST

START_TEST(output_is_bounded) {
        _cleanup_(script_answer_done) struct script_answer answer = {};

        ck_assert_int_eq(
                run("for i = 1, 300 do print(string.rep('x', 5000)) execray.field('f' .. i, string.rep('y', 5000)) end",
                    &answer),
                SCRIPT_FINE);
        ck_assert_uint_eq(answer.n_lines, SCRIPT_ANSWER_MAX_LINES);
        ck_assert_uint_eq(answer.n_fields, SCRIPT_ANSWER_MAX_FIELDS);
        ck_assert_uint_eq(strlen(answer.fields[0].value), SCRIPT_ANSWER_MAX_VALUE);
        ck_assert_uint_eq(answer.n_left_out, 2 * 300 - SCRIPT_ANSWER_MAX_LINES - SCRIPT_ANSWER_MAX_FIELDS);
        expect_error("for i = 1, 1000 do execray.action('kill', {pid = 1}) end", "more actions than one run");
}
END_TEST

START_TEST(no_address_is_shown) {
        _cleanup_(script_answer_done) struct script_answer answer = {};

        ck_assert_int_eq(run("print({}, print, tostring({}), string.format('%s %s', {}, print))", &answer),
                         SCRIPT_FINE);
        ck_assert_str_eq(answer.lines[0], "table function table table function");
        expect_error("string.format('%p', {})", "%p is not there");
        expect_error("string.format('%5.3p', {})", "%p is not there");
}
END_TEST

START_TEST(a_script_that_does_not_end_is_not_loaded) {
        static const char *const texts[] = {
                "while true do end",
                "local s = 'x' while true do s = s .. s end",
                "return ((((((((((",
                "\x1bLua",
                "responder('a', 1)",
                "responder('a b', print)",
                "responder('a', print) enricher('a', print)",
                "execray.field('a', 'b')",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(strbuf_done) struct strbuf message = {};
                struct script *script = NULL;

                ck_assert_int_eq(script_load("a.lua", texts[i], strlen(texts[i]), &limits, true, &message, &script),
                                 -EBADMSG);
                ck_assert_msg(strstr(strbuf_str(&message), "a.lua"), "%s", strbuf_str(&message));
                ck_assert_ptr_null(script);
        }
}
END_TEST

START_TEST(who_offends_again_and_again_is_suspended_for_longer_each_time) {
        static const char text[] = "responder('bad', function() while true do end end)\n"
                                   "responder('good', function() end)";
        _cleanup_(script_value_freep) struct script_value *alert = NULL;
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(strbuf_done) struct strbuf message = {};
        _cleanup_(script_answer_done) struct script_answer answer = {};
        struct script_stats stats;
        uint64_t now_ns = NSEC_PER_HOUR;
        const char *why;

        ck_assert_int_eq(script_value_parse("{}", 2, &alert, &why), 0);
        ck_assert_int_eq(script_load("a.lua", text, strlen(text), &limits, true, &message, &script), 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(script_run(script, "bad", NULL, alert, NULL, now_ns, &answer),
                                 SCRIPT_OVER_INSTRUCTIONS);
        ck_assert_int_eq(script_run(script, "good", NULL, alert, NULL, now_ns + 59 * NSEC_PER_SEC, &answer),
                         SCRIPT_SUSPENDED);

        now_ns += NSEC_PER_MIN;
        for (int i = 0; i < 3; i++)
                (void)script_run(script, "bad", NULL, alert, NULL, now_ns, &answer);
        ck_assert_int_eq(script_run(script, "good", NULL, alert, NULL, now_ns + 119 * NSEC_PER_SEC, &answer),
                         SCRIPT_SUSPENDED);
        ck_assert_int_eq(script_run(script, "good", NULL, alert, NULL, now_ns + 120 * NSEC_PER_SEC, &answer),
                         SCRIPT_FINE);
        script_stats(script, &stats);
        ck_assert_uint_eq(stats.n_suspensions, 2);
        ck_assert_uint_eq(stats.n_offences, 6);
        ck_assert_uint_eq(stats.n_refused, 2);
}
END_TEST

START_TEST(memory_is_flat_over_many_alerts) {
        static const char text[] = "responder('a', function(alert) execray.field('x', #alert.policy) end)";
        _cleanup_(script_value_freep) struct script_value *alert = NULL;
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(strbuf_done) struct strbuf message = {};
        _cleanup_(script_answer_done) struct script_answer answer = {};
        struct script_stats stats;
        size_t early, late = 0;
        const char *why;

        ck_assert_int_eq(script_value_parse("{\"policy\":\"p\"}", 14, &alert, &why), 0);
        ck_assert_int_eq(script_load("a.lua", text, strlen(text), &limits, true, &message, &script), 0);
        for (int i = 0; i < 5000; i++)
                ck_assert_int_eq(script_run(script, "a", NULL, alert, NULL, 1, &answer), SCRIPT_FINE);
        early = 0;
        for (int i = 0; i < 10000; i++) {
                script_answer_clear(&answer);
                ck_assert_int_eq(script_run(script, "a", NULL, alert, NULL, 1, &answer), SCRIPT_FINE);
                script_stats(script, &stats);
                if (i < 5000)
                        early = MAX(early, stats.memory_peak);
                else
                        late = MAX(late, stats.memory_peak);
        }
        ck_assert_uint_le(late, early + 1024);
}
END_TEST

UNIT_MAIN("script/script-hostile",
          an_endless_loop_ends_and_says_where_it_was,
          pcall_in_a_loop_does_not_swallow_the_end,
          a_function_that_closes_a_variable_does_not_run_on,
          what_runs_where_no_hook_does_is_not_there,
          a_metatable_stays_as_it_was_when_it_was_looked_at,
          objects_and_their_classes_work_as_ever,
          loops_of_all_kinds_end,
          long_work_of_the_library_ends,
          a_bomb_of_memory_is_refused,
          an_empty_text_repeated_for_ever_is_empty,
          patterns_that_go_back_for_ever_stop,
          a_plain_search_is_linear,
          recursion_without_end_is_an_error,
          an_error_in_an_error_is_an_error,
          tables_that_lie_about_themselves_do_not_loop_in_c,
          sorting_ends_whatever_the_comparison_says,
          many_long_steps_end_by_the_clock,
          the_library_cannot_be_changed,
          output_is_bounded,
          no_address_is_shown,
          a_script_that_does_not_end_is_not_loaded,
          who_offends_again_and_again_is_suspended_for_longer_each_time,
          memory_is_flat_over_many_alerts)

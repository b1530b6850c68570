#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A lint that finds nothing proves nothing: each is shown a small tree with faults in it and must name them, and one without."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
LICENCE = '/* SPDX-License-Identifier: Apache-2.0 */\n'
HEADER = LICENCE + '#pragma once\n\n/* Thing - an example. */\n'


class Lint(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name)
        self.write('daemon/base/thing.h', HEADER)

    def tearDown(self):
        self.directory.cleanup()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding='utf-8')

    def run_lint(self, script, *arguments):
        result = subprocess.run([sys.executable, HERE / script, self.root, *arguments], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout

    def finds(self, script, check, *expected):
        status, output = self.run_lint(script, check)
        self.assertEqual(status, 1, output)
        for part in expected:
            self.assertIn(part, output)

    def passes(self, script, check):
        status, output = self.run_lint(script, check)
        self.assertEqual(status, 0, output)

    def test_a_trap_without_its_test_is_found(self):
        self.write('tests/bpf/test-it.c', 'START_TEST(it_is_seen) {\n')
        self.write('docs/TRAPS.md', '| 1 | a race | looked at twice | `it_is_seen` |\n')
        self.passes('traps.py', '')
        self.write('docs/TRAPS.md', '| 1 | a race | looked at twice | `it_is_not` |\n| 2 | another | none | |\n')
        self.finds('traps.py', '', 'no test it_is_not', 'docs/TRAPS.md:2')

    def test_files_of_collectors_that_do_not_hang_together_are_found(self):
        self.write('daemon/report/journal-fields.def', 'FIELD_STRING("EXECRAY_ALERT", json, "all")\n')
        fluent = '[SERVICE]\n    Flush 1\n    storage.path /x\n[INPUT]\n    Name systemd\n    Tag a\n[OUTPUT]\n    Name http\n    Match a\n'
        vector = 'sources:\n  j:\n    type: journald\nsinks:\n  c:\n    inputs: [j]\n'
        self.write('docs/examples/fleet/fluent-bit.conf', fluent)
        self.write('docs/examples/fleet/vector.yaml', vector)
        self.passes('collectors.py', '')
        self.write('docs/examples/fleet/fluent-bit.conf', fluent.replace('Match a', 'Match b'))
        self.write('docs/examples/fleet/vector.yaml', vector.replace('[j]', '[k]') + '    condition: exists(.EXECRAY_ALLERT)\n')
        self.finds('collectors.py', '', '[OUTPUT] takes b, which no input gives', 'c takes k, which nothing gives',
                   'nobody takes what j gives', 'a field EXECRAY_ALLERT')
        self.write('docs/examples/fleet/fluent-bit.conf', fluent.replace('    Tag a', 'Tag a'))
        self.finds('collectors.py', '', 'line 6 is neither a section nor a key')

    def test_a_package_that_lacks_something_is_found(self):
        self.write('meson.build', "project('x', version : '1.0')\n")
        self.write('.ci/packages', 'run gcc\nrun libyaml-dev\n')
        self.write('debian/changelog', 'x (1.0) unstable; urgency=low\n')
        self.write('debian/control', 'Source: x\nBuild-Depends: debhelper-compat (= 13),\n               libyaml-dev\n\nPackage: x\n')
        self.write('debian/rules', 'execrayd.service execrayd-respond.socket execrayd-respond@.service 80-execrayd.preset\n')
        self.write('debian/x.install', 'usr/bin/x\netc/x.yaml\n')
        self.write('installed', '{"1": "/usr/local/bin/x", "2": "/usr/local/etc/x.yaml"}')
        installed = self.root / 'installed'
        self.passes('packaging.py', installed)
        self.write('debian/x.install', 'usr/bin/x\nusr/bin/y\n')
        self.write('debian/changelog', 'x (0.9) unstable; urgency=low\n')
        self.write('.ci/packages', 'run libyaml-dev\nrun liblua-dev\n')
        self.finds('packaging.py', installed, 'etc/x.yaml is installed', 'usr/bin/y is not installed', 'liblua-dev', 'version 1.0')

    def test_a_service_with_more_than_it_needs_is_found(self):
        house = HERE.parent.parent
        for name in ('units/execrayd.service.in', 'units/execrayd-respond@.service.in', 'units/execrayd-respond.socket', 'units/responses.conf',
                     'daemon/action/capabilities.def', 'daemon/app/manager-scripts.c'):
            self.write(name, (house / name).read_text(encoding='utf-8'))
        self.passes('units.py', '')
        respond = (house / 'units/execrayd-respond@.service.in').read_text(encoding='utf-8')
        self.write('units/execrayd-respond@.service.in',
                   respond.replace('=CAP_KILL', '=CAP_KILL CAP_SYS_ADMIN').replace('PrivateDevices=yes', 'PrivateDevices=no'))
        core = (house / 'units/execrayd.service.in').read_text(encoding='utf-8')
        self.write('units/execrayd.service.in', core.replace('=CAP_BPF', '=CAP_BPF CAP_SETFCAP').replace('/run/execrayd/respond', '/run/x'))
        socket = (house / 'units/execrayd-respond.socket').read_text(encoding='utf-8')
        self.write('units/execrayd-respond.socket', socket.replace('0600', '0666'))
        self.finds('units.py', '', 'CAP_SYS_ADMIN', 'PrivateDevices', 'gives the daemon CAP_SETFCAP', 'does not name the socket', "not root's alone")

    # A chain of functions, the last of which is called by a helper; each with an array that stays on the stack.
    PROGRAM = '''
static long (*const helper_loop)(unsigned n, void *step, void *context, unsigned long flags) = (void *)181;
static long (*const helper_read)(void *to, unsigned n, const void *from) = (void *)113;
static long last(unsigned i, void *context) { char bytes[LAST]; helper_read(bytes, LAST, 0); return bytes[0] + i; }
static __attribute__((noinline)) int second(int i) {
        char bytes[152];
        helper_read(bytes + 8, 8, 0);
        helper_loop(i, last, bytes, 0);
        return bytes[0] + bytes[151];
}
__attribute__((noinline)) int between(int i) { return i ? DEEPER(second(i) + 1) : 0; }
__attribute__((section("tp"))) int program(int *context) { return between(*context); }
'''

    def frames(self, *defines):
        source = self.root / 'program.c'
        source.write_text(self.PROGRAM, encoding='utf-8')
        subprocess.run(['clang', '-target', 'bpf', '-mcpu=v3', '-O2', '-c', *defines, source, '-o', self.root / 'program.o'],
                       check=True)
        result = subprocess.run([sys.executable, HERE / 'frames.py', self.root / 'program.o'],
                                capture_output=True, text=True, check=False)
        return result.returncode, result.stdout

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_a_program_with_too_much_on_the_stack_is_found(self):
        # Rounded: 32 + 32 + 160 + 288 is what there may be.
        self.assertEqual(self.frames('-DLAST=288', '-DDEEPER(x)=x'), (0, ''))
        status, output = self.frames('-DLAST=296', '-DDEEPER(x)=x')
        self.assertEqual(status, 1)
        self.assertIn('program: 544 bytes of stack: program:0 between:0 second:152 last:296', output)

    @unittest.skipUnless(shutil.which('clang'), 'no clang')
    def test_a_program_that_calls_too_deep_is_found(self):
        text = self.PROGRAM
        more = ''.join('__attribute__((noinline)) int f%d(int i) { return f%d(i) * i + 1; }\n' % (i, i - 1) for i in range(1, 8))
        more = '__attribute__((noinline)) int f0(int i) { return i * i; }\n' + more
        self.PROGRAM = more + text
        self.assertEqual(self.frames('-DLAST=8', '-DDEEPER(x)=f5(x)'), (0, ''))
        status, output = self.frames('-DLAST=8', '-DDEEPER(x)=f6(x)')
        self.assertEqual(status, 1)
        self.assertIn('program: 9 functions deep: program between f6', output)

    def test_a_table_of_tiers_that_is_not_the_tested_one_is_found(self):
        self.write('daemon/capture/hook-table.def', 'HOOK(on_it, chmod, SECURITY, "lsm/path_chmod", NONE)\n')
        self.write('daemon/event/events.def', 'FIELD(chmod, STRING, pathname, "pathname", PATHNAME, TIER, "it")\n')
        self.write('tests/bpf/scenarios.def', 'SCENARIO(it, chmod, 0, "it")\nSEEN(chmod, pathname, KERNEL, "~/a", UNKNOWN, NULL)\n')
        table = ('| kind | hooks |\n|---|---|\n| `chmod` | `path_chmod` |\n\n'
                 '| kind | what is done | field | with security hooks | tracepoints alone |\n|---|---|---|---|---|\n'
                 "| `chmod` | it | `pathname` | `~/a`, the kernel's | unknown |\n")
        begin, end = '<!-- of tests/bpf/scenarios.def: `ninja update-tiers` -->\n', '<!-- end -->\n'
        self.write('docs/CAPTURE.md', begin + table + end)
        self.assertEqual(self.run_tiers()[0], 0)
        self.write('docs/CAPTURE.md', begin + table.replace('unknown', 'known') + end)
        self.assertIn('is not the one that is tested', self.run_tiers()[1])
        self.write('daemon/capture/hook-table.def', 'HOOK(on_it, chown, SECURITY, "lsm/path_chown", NONE)\n')
        self.assertIn('chown has no scenario', self.run_tiers()[1])

    def run_tiers(self):
        result = subprocess.run([sys.executable, HERE / 'tiers.py', self.root], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout

    def test_lower_floors_may_be_included(self):
        self.write('daemon/engine/engine.c', LICENCE + '#include "engine/engine.h"\n#include "event/event.h"\n#include <stdio.h>\n')
        self.passes('floors.py', 'floors')

    def test_a_higher_floor_is_found(self):
        self.write('daemon/event/event.c', LICENCE + '\n#include "engine/engine.h"\n')
        self.finds('floors.py', 'floors', 'daemon/event/event.c:3', 'a higher floor')

    def test_a_sibling_is_found(self):
        self.write('daemon/compile/emit.h', HEADER + '# include "engine/engine.h"\n')
        self.finds('floors.py', 'floors', 'daemon/compile/emit.h:5', 'same floor')

    def test_a_room_on_no_floor_is_found(self):
        self.write('daemon/attic/box.c', LICENCE + '#include "base/thing.h"\n')
        self.finds('floors.py', 'floors', 'attic is on no floor')

    def test_an_include_without_its_room_is_found(self):
        self.write('daemon/event/event.c', LICENCE + '#include "event.h"\n')
        self.finds('floors.py', 'floors', '"event.h" names no room')

    def test_a_private_header_is_for_its_room(self):
        self.write('daemon/capture/a.c', '#include "capture/b-private.h"\n')
        self.passes('floors.py', 'private')
        self.write('daemon/app/a.c', '#include "capture/b-private.h"\n')
        self.finds('floors.py', 'private', 'daemon/app/a.c:1')

    def test_libraries_stay_at_home(self):
        self.write('daemon/program/regex.c', '#include <pcre2.h>\n')
        self.write('daemon/config/yaml-reader.c', '#include <yaml.h>\n')
        self.passes('floors.py', 'libraries')
        self.write('daemon/engine/a.c', '#include <pcre2.h>\n#include <bpf/libbpf.h>\n')
        self.finds('floors.py', 'libraries', 'a.c:1', 'a.c:2', '<bpf/libbpf.h> belongs in capture/')

    def test_the_wire_format_is_for_two_rooms(self):
        self.write('daemon/event/decode.c', '#include "wire.h"\n')
        self.passes('floors.py', 'wire')
        self.write('daemon/engine/a.c', '#include "wire.h"\n')
        self.finds('floors.py', 'wire', 'daemon/engine/a.c:1')

    def test_the_tables_of_the_filter_are_for_capture(self):
        self.write('daemon/capture/maps.c', '#include "filter-table.h"\n')
        self.passes('floors.py', 'wire')
        self.write('daemon/event/a.c', '#include "filter-table.h"\n')
        self.finds('floors.py', 'wire', 'daemon/event/a.c:1')

    def test_a_header_needs_its_head(self):
        self.passes('house.py', 'headers')
        self.write('daemon/event/a.h', LICENCE + '#include <a.h>\n#pragma once\n/* Thing - an example. */\n')
        self.write('daemon/event/b.h', LICENCE + '#pragma once\n/* No title. */\n')
        self.finds('house.py', 'headers', 'event/a.h: #pragma', 'event/b.h: the first comment')

    def test_a_long_file_is_found(self):
        self.write('daemon/event/a.c', '\n' * 800)
        self.passes('house.py', 'length')
        self.write('daemon/event/a.c', '\n' * 801)
        self.finds('house.py', 'length', 'event/a.c: 801 lines')

    def test_words_and_members_are_not_calls(self):
        self.write('daemon/engine/a.c', '/* printf() */ int f(void) { a.open(1); b->read(2); my_printf("log_error(1)"); snprintf(s, 1, "x"); }\n')
        self.write('daemon/policy/policy-files.c', 'int f(void) { return open("x", 0); }\n')
        self.write('daemon/capture/a.c', 'int f(void) { printf("x"); }\n')
        self.passes('house.py', 'pure')

    def test_what_is_not_pure_is_found(self):
        self.write('daemon/engine/a.c', 'void f(void) {\n        clock_boottime_ns();\n        log_error("x");\n        read (1, 2, 3);\n        getenv("x");\n}\n')
        self.finds('house.py', 'pure', 'a.c:2', 'a.c:3', 'a.c:4', 'a.c:5')

    def test_licences_are_named(self):
        self.write('bpf/a.c', '/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */\n')
        self.passes('house.py', 'licences')
        self.write('bpf/b.c', LICENCE)
        self.write('daemon/event/c.c', '\n\n' + LICENCE)
        self.finds('house.py', 'licences', 'bpf/b.c', 'daemon/event/c.c')

    def test_globals_that_can_change_are_found(self):
        self.write('a.c', 'int counter; static int set = 1; static const int c = 1; static const char *const names[] = {"a"};\n'
                          'int f(void) { static int calls; return names[0][0] + counter + set + c + calls++; }\n')
        subprocess.run(['cc', '-fPIE', '-c', self.root / 'a.c', '-o', self.root / 'engine_a.c.o'], check=True)
        subprocess.run(['ar', 'rcs', self.root / 'lib.a', self.root / 'engine_a.c.o'], check=True)
        status, output = self.run_lint('house.py', 'globals', self.root / 'lib.a')
        self.assertEqual(status, 1, output)
        for name in ('counter', 'set', 'calls'):
            self.assertIn(f'engine_a.c.o: {name}', output)
        self.assertIn('3 found', output)

    def test_a_library_without_pure_rooms_is_not_taken_for_clean(self):
        self.write('a.c', 'int counter;\n')
        subprocess.run(['cc', '-c', self.root / 'a.c', '-o', self.root / 'capture_a.c.o'], check=True)
        subprocess.run(['ar', 'rcs', self.root / 'lib.a', self.root / 'capture_a.c.o'], check=True)
        self.assertEqual(self.run_lint('house.py', 'globals', self.root / 'lib.a')[0], 1)

    def test_a_grammar_that_is_not_the_parsers_is_found(self):
        self.write('daemon/policy/parser.c', LICENCE + '/* file = path ; */\nstatic bool parse_file(void) {\n}\n'
                                                       'static bool parse_path(void) {\n}\n')
        self.write('docs/LANGUAGE.md', '```ebnf\nfile = { path } ;\nlist = items ;\n```\n')
        self.finds('language.py', 'grammar', 'file: the page says   { path }', 'list: there is no function parse_list()',
                   'path: parse_path() has no production above it')


class Format(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name)
        (self.root / '.clang-format').write_text((HERE.parent.parent / '.clang-format').read_text(encoding='utf-8'), encoding='utf-8')

    def tearDown(self):
        self.directory.cleanup()

    def run_format(self, text):
        path = self.root / 'a.c'
        path.write_text(text, encoding='utf-8')
        result = subprocess.run([sys.executable, HERE / 'format.py', self.root, path], capture_output=True, text=True, check=False)
        if result.returncode == 77:
            self.skipTest(result.stdout)
        return result.returncode, result.stdout

    def test_the_style_passes_with_what_is_lined_up_by_hand(self):
        status, output = self.run_format('''\
enum state {
        WAITING,                        /* some steps seen */
        DONE, FAILED,
};

#define SQUARE(x)               \\
        ({                      \\
                int _x = (x);   \\
                _x * _x;        \\
        })

static const struct pair pairs[] = { {"a", 1}, {"bb", 2},
                                     {"c", 3} };

int f(int a, int b,
      int c) {
        int r;

        r = a ? b :
            c ? 2 : 3;              /* why */
        switch (r) {
        case 1: return 1;
        case 2:
                return 2;
        }
        for (int i = 0; i < 3; i++)
                if (i)
                        return i;
        return (int)sizeof(r);
}
''')
        self.assertEqual(status, 0, output)

    def test_what_is_not_the_style_is_found(self):
        for wrong in ('int f(void) {\n    return 1;\n}\n', 'int f(void)\n{\n        return 1;\n}\n', 'int f(void) {\n        if (1) return 1;\n}\n',
                      'int f(void) {\n        return g (1);\n}\n', 'int f(void) {\n        return 1+1;\n}\n', 'int* f(void);\n',
                      'int f(void) {\n\treturn 1;\n}\n', 'int f(void); \n', 'int f(void);', '/* ' + 'x' * 140 + ' */\n'):
            status, output = self.run_format(wrong)
            self.assertEqual(status, 1, wrong + output)


if __name__ == '__main__':
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that need no compiler.

usage: house.py ROOT CHECK [ARGUMENT...]    exit status 1 and the places if there are any, 77 if it cannot be checked here

CHECK is one of
  headers     every header of the daemon has #pragma once before anything but comments, and a comment "Title - what it is"
  length      no source file is longer than 800 lines
  pure        pure rooms ask no clock, do no I/O, write no log: they take values and give values
  globals LIB the objects of pure rooms in the static library LIB hold no data that can change
  licences    every source file names its licence in the first two lines
"""

import pathlib
import re
import shutil
import subprocess
import sys

LINES_MAX = 800
PURE_ROOMS = ['event', 'process', 'policy', 'program', 'compile', 'engine', 'metrics', 'governor', 'story', 'import', 'rehearsal']

# The parts that read and write files, and nothing else.
IMPURE_FILES = {'policy/policy-files.c', 'policy/policy-files.h', 'event/trace-file.c', 'event/trace-file.h'}

FORBIDDEN = {
    'asks a clock': r'clock_gettime|clock_(?:boottime|realtime)\w*|gettimeofday|time|localtime|gmtime',
    'prints': r'v?d?f?printf|puts|fputs|putchar|fputc|fwrite|perror|v?syslog',
    'logs': r'log_(?:debug|info|notice|warning|error|message|vmessage|limited|oom)(?:_errno)?',
    'does I/O': r'open|openat|fopen|fdopen|read|pread|write|pwrite|close|socket|connect|stat|fstat|lstat|opendir|readdir|scandir'
                r'|read_file_at|fd_\w+|open_regular_at|open_trusted_\w+',
    'looks at its surroundings': r'getenv|secure_getenv|getpid|gettid|getuid|geteuid|rand|random|getrandom',
}
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_of(path):
    """The text with comments and strings blanked out, lines kept."""
    return NOT_CODE.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), path.read_text(encoding='utf-8'))


def sources(root, directories, suffixes):
    for directory in directories:
        for path in sorted((root / directory).rglob('*')):
            if path.suffix in suffixes and path.is_file() and 'corpus' not in path.parts:
                yield path


def check_headers(root):
    for path in sources(root, ['daemon'], {'.h'}):
        text = path.read_text(encoding='utf-8')
        code = code_of(path).split()
        if code[:2] != ['#pragma', 'once']:
            yield f'{path.relative_to(root)}: #pragma once does not come first'
        comments = [c for c in re.findall(r'/\*.*?\*/', text, re.DOTALL) if 'SPDX' not in c]
        if not comments or not re.match(r'/\* [^ -][^\n]*? - \S', comments[0]):
            yield f'{path.relative_to(root)}: the first comment is not "/* Title - what it is"'


def check_length(root):
    for path in sources(root, ['daemon', 'bpf', 'tests', 'bench', 'lua'], {'.c', '.h', '.def', '.py', '.lua'}):
        n = path.read_text(encoding='utf-8').count('\n')
        if n > LINES_MAX:
            yield f'{path.relative_to(root)}: {n} lines: look for the second noun'


def check_pure(root):
    for room in PURE_ROOMS:
        for path in sources(root, [f'daemon/{room}'], {'.c', '.h'}):
            if str(path.relative_to(root / 'daemon')) in IMPURE_FILES:
                continue
            code = code_of(path)
            for what, names in FORBIDDEN.items():
                # A call, not a declaration, a member or a longer name.
                for match in re.finditer(rf'(?<![\w.>])(?:{names})\s*\(', code):
                    line = code.count('\n', 0, match.start()) + 1
                    yield f'{path.relative_to(root)}:{line}: {room} is a pure room but {what}: {match[0]})'


def check_globals(root, library):
    """Data that can change is in .data, .bss or COMMON; what is only relocated at start is in .data.rel.ro and may stay."""
    objdump = shutil.which('objdump')
    if not objdump:
        print('objdump is not installed')
        sys.exit(77)
    listing = subprocess.run([objdump, '-t', library], check=True, capture_output=True, text=True).stdout
    member = '?'
    n_members = 0
    for line in listing.splitlines():
        # daemon/ROOM/FILE.c becomes ROOM_FILE.c.o in a static library
        header = re.match(r'(\S+?):\s+file format', line)
        if header:
            member = header[1].rsplit('/', 1)[-1]
            n_members += member.split('_')[0] in PURE_ROOMS
            continue
        symbol = re.match(r'[0-9a-f]+ .{7} (\.data|\.bss|\.tdata|\.tbss|\*COM\*)(\.\S+)?\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)', line)
        if not symbol or (symbol[2] or '').startswith('.rel.ro') or symbol[3].startswith('.'):
            continue
        room = member.split('_')[0]
        if room in PURE_ROOMS and member.replace('_', '/', 1).removesuffix('.o') not in IMPURE_FILES:
            yield f'{member}: {symbol[3]} can change: a pure room has no global state'
    if n_members == 0:
        yield f'{library}: no object of a pure room found: nothing was checked'


def check_licences(root):
    for path in sources(root, ['daemon', 'bpf', 'tests', 'bench', 'lua'], {'.c', '.h', '.def', '.py', '.lua'}):
        first = '\n'.join(path.read_text(encoding='utf-8').splitlines()[:2])
        shared = 'GPL-2.0-only OR BSD-2-Clause'       # what the kernel's side includes
        expected = [shared] if path.relative_to(root).parts[0] == 'bpf' else ['Apache-2.0', shared]
        if not any(f'SPDX-License-Identifier: {e}' in first.replace('(', '').replace(')', '') for e in expected):
            yield f'{path.relative_to(root)}: no "SPDX-License-Identifier: {expected[0]}" at the top'


CHECKS = {'headers': check_headers, 'length': check_length, 'pure': check_pure, 'globals': check_globals, 'licences': check_licences}


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in CHECKS:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    if not (root / 'daemon').is_dir():
        sys.exit(f'{root} is not the root of the project')

    found = list(CHECKS[sys.argv[2]](root, *sys.argv[3:]))
    for line in found:
        print(line)
    print(f'{len(found)} found')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the C look as docs/STYLE.md says, as far as a machine can tell?

Runs clang-format with the project's .clang-format over every source file and compares what comes out with what is there,
statement by statement, in what matters: one statement to a line, how deep it is indented, where braces and blanks stand. What
a person lines up for the eye is left to that person: where a long statement is broken, tables, comments, macros. Also: no
tabs, no blanks at line ends, no line longer than LINE_MAX.

usage: format.py ROOT [FILE...]        exit status 1 and the differences if there are any, 77 without clang-format
"""

import difflib
import pathlib
import re
import shutil
import subprocess
import sys

LINE_MAX = 140
DIRECTORIES = ('daemon', 'bpf', 'tests', 'bench')
SKIPPED_DIRECTORIES = {'corpus'}


def sources(root):
    for directory in DIRECTORIES:
        for path in sorted((root / directory).rglob('*.[ch]')):
            if not SKIPPED_DIRECTORIES & set(path.parts):
                yield path


def essence(text):
    """The statements of a file, each on one line with its indentation, without what is left to the author."""
    result = []
    continues = in_macro = in_comment = False
    for line in text.splitlines():
        body = line.strip()
        indent = line[:len(line) - len(line.lstrip(' '))]
        if in_macro or body.startswith('#'):
            in_macro = body.endswith('\\')          # macros and includes are laid out by hand
            continue
        if in_comment or body.startswith('/*'):
            in_comment = '*/' not in body
            continue

        code = re.sub(r'/\*.*?\*/', '', body)
        code = re.sub(r'/\*.*', '', code)            # begins here, goes on below
        in_comment = '/*' in re.sub(r'/\*.*?\*/', '', body)
        code = re.sub(r'\s+', ' ', code).strip()
        if not code:
            continue

        if continues and code != '{':
            result[-1] += ' ' + code
        else:
            result.append(indent + code)
        whole = result[-1].strip()
        is_head = re.match(r'(\} )?(else )?(if|for|while|switch|[A-Z_]+FOREACH)\b', whole) and whole.count('(') == whole.count(')') \
            or re.fullmatch(r'(\} )?else|do|END_TEST|(case .*|\w+) ?:|[A-Z][A-Z_0-9]+\(.*\)', whole)
        continues = not (code[-1] in ';{}' or is_head)
    # Blanks inside brackets of initialisers and after what opens a line are a matter of taste.
    return [re.sub(r'(?<=[({[]) | (?=[)}\],])', '', s) for s in result]


def complaints(path, shown, clang_format):
    text = path.read_text(encoding='utf-8')
    for number, line in enumerate(text.splitlines(), 1):
        if '\t' in line and '"' not in line:
            yield f'{shown}:{number}: a tab'
        if line != line.rstrip():
            yield f'{shown}:{number}: blanks at the end of the line'
        if len(line) > LINE_MAX:
            yield f'{shown}:{number}: {len(line)} characters, more than {LINE_MAX}'
    if not text.endswith('\n'):
        yield f'{shown}: no newline at the end'

    formatted = subprocess.run([clang_format, '--style=file', str(path)], check=True, capture_output=True, text=True).stdout
    have, want = essence(text), essence(formatted)
    for line in difflib.unified_diff(have, want, f'{shown} (as it is)', f'{shown} (as clang-format has it)', lineterm='', n=0):
        yield line


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    clang_format = shutil.which('clang-format')
    if not clang_format:
        print('clang-format is not installed')
        return 77

    paths = [pathlib.Path(p).resolve() for p in sys.argv[2:]] or list(sources(root))
    n_wrong = 0
    for path in paths:
        found = list(complaints(path, path.relative_to(root), clang_format))
        n_wrong += bool(found)
        for line in found:
            print(line)
    print(f'{len(paths)} files, {n_wrong} not as they should be')
    return 1 if n_wrong or not paths else 0


if __name__ == '__main__':
    sys.exit(main())

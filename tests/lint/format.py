#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the C look as docs/STYLE.md says, as far as a machine can tell?

Runs clang-format with the project's .clang-format over every source file and compares what comes out with what is there,
statement by statement, in what matters: one statement to a line, how deep it is indented, where braces and blanks stand. What
a person lines up for the eye is left to that person: where a long statement is broken, tables, comments, macros. Also: no
tabs, no blanks at line ends, no line longer than LINE_MAX.

usage: format.py [--fix] [--form] [--lines] ROOT [FILE...]

Exit status 1 and the differences if there are any, 77 without a clang-format that was tried. --form and --lines check
only one of the two; --fix breaks lines that are too long, and touches nothing else: look at what it did.
"""

import difflib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LINE_MAX = 120
CLANG_FORMAT_VERSIONS = {14}    # tried; others may have other opinions, and then nobody is to be stopped by them
DIRECTORIES = ('daemon', 'bpf', 'tests', 'bench')
SKIPPED_DIRECTORIES = {'corpus'}


def sources(root):
    for directory in DIRECTORIES:
        for path in sorted((root / directory).rglob('*.[ch]')):
            if not SKIPPED_DIRECTORIES & set(path.parts):
                yield path


LABELS = re.compile(r'(case [^:]*: ?)+')       # a list of cases may be set like a paragraph


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

        code = re.sub(r"'(\\.|[^'\\])'", "'x'", re.sub(r'/\*.*?\*/', '', body))
        code = re.sub(r'/\*.*', '', code)            # begins here, goes on below
        in_comment = '/*' in re.sub(r'/\*.*?\*/', '', body)
        code = re.sub(r'\s+', ' ', code).strip()
        if not code:
            continue

        if continues and code != '{' or result and LABELS.fullmatch(result[-1].strip()) and code.startswith('case '):
            result[-1] += ' ' + code
        else:
            result.append(indent + code)
        whole = result[-1].strip()
        is_head = re.match(r'(\} )?(else )?(if|for|while|switch|[A-Z_]+FOREACH)\b', whole) and whole.count('(') == whole.count(')') \
            or re.fullmatch(r'(\} )?else|do|END_TEST|(case .*|\w+) ?:|[A-Z][A-Z_0-9]+\(.*\)', whole)
        continues = whole.count('(') > whole.count(')') or not (code[-1] in ';{}' or is_head)
    result = join_small_structures(result)
    # Blanks inside brackets of initialisers and after what opens a line are a matter of taste.
    return [re.sub(r'(?<=[({[]) | (?=[)}\],])', '', s) for s in result]


def join_small_structures(lines):
    """A structure of one member may stand on one line."""
    result = []
    for line in lines:
        result.append(line)
        if len(result) >= 3 and re.match(r' *\}.*;$', line) and re.search(r'(struct|union)( \w+)? ?\{$', result[-3]):
            last, member = result.pop().strip(), result.pop().strip()
            result[-1] += member + last
    return result


def long_lines(path, shown):
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        if len(line) > LINE_MAX:
            yield f'{shown}:{number}: {len(line)} characters, more than {LINE_MAX}'


def complaints(path, shown, formatted):
    text = path.read_text(encoding='utf-8')
    for number, line in enumerate(text.splitlines(), 1):
        if '\t' in line and '"' not in line:
            yield f'{shown}:{number}: a tab'
        if line != line.rstrip():
            yield f'{shown}:{number}: blanks at the end of the line'
    if not text.endswith('\n'):
        yield f'{shown}: no newline at the end'

    have, want = essence(text), essence(formatted)
    for line in difflib.unified_diff(have, want, f'{shown} (as it is)', f'{shown} (as clang-format has it)', lineterm='', n=0):
        yield line


def reformat(paths, root, clang_format):
    """The text of each as clang-format has it: of copies, many at a time, since to start it takes longer than a file does."""
    with tempfile.TemporaryDirectory(prefix='execray-format-') as place:
        shutil.copy(root / '.clang-format', place)
        copies = {path: pathlib.Path(place, f'{i}{path.suffix}') for i, path in enumerate(paths)}
        for path, copy in copies.items():
            shutil.copyfile(path, copy)
        todo = [str(copy) for copy in copies.values()]
        for i in range(0, len(todo), 100):
            subprocess.run([clang_format, '--style=file', '-i'] + todo[i:i + 100], check=True)
        return {path: copy.read_text(encoding='utf-8') for path, copy in copies.items()}


def fix(path, clang_format, style):
    lines = path.read_text(encoding='utf-8').splitlines()
    for i, line in enumerate(lines):
        if line.endswith('\\') and len(line) > LINE_MAX:          # a macro: draw its backslashes nearer
            body = line[:-1].rstrip()
            lines[i] = body + ' ' * max(1, LINE_MAX - 1 - len(body)) + '\\'
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')

    # Last line first, so that the numbers of the others stay.
    for number in reversed([n for n, line in enumerate(lines, 1) if len(line) > LINE_MAX]):
        subprocess.run([clang_format, f'--style={style}', f'--lines={number}:{number}', '-i', str(path)], check=True)


def main():
    arguments = sys.argv[1:]
    options = [a for a in arguments if a.startswith('--')]
    arguments = arguments[len(options):]
    wants_fix = '--fix' in options
    checks = [name for name in ('form', 'lines') if f'--{name}' in options] or ['form', 'lines']
    if not arguments:
        sys.exit(__doc__)
    root = pathlib.Path(arguments[0]).resolve()
    clang_format = shutil.which('clang-format')
    if not clang_format:
        print('clang-format is not installed')
        return 77
    version = subprocess.run([clang_format, '--version'], check=True, capture_output=True, text=True).stdout
    number = re.search(r'version (\d+)', version)
    if 'form' in checks and (not number or int(number[1]) not in CLANG_FORMAT_VERSIONS):
        print(f'{version.strip()} has not been tried')
        return 77

    paths = [pathlib.Path(p).resolve() for p in arguments[1:]] or list(sources(root))
    if wants_fix:
        style_options = dict(re.findall(r'^(\w+): *(.*)$', (root / '.clang-format').read_text(encoding='utf-8'), re.MULTILINE))
        style_options.update(ColumnLimit=str(LINE_MAX), ReflowComments='true')
        style = '{' + ', '.join(f'{key}: {value}' for key, value in style_options.items()) + '}'
        for path in paths:
            if any(len(line) > LINE_MAX for line in path.read_text(encoding='utf-8').splitlines()):
                fix(path, clang_format, style)

    formatted = reformat(paths, root, clang_format) if 'form' in checks else {}
    n_wrong = 0
    for path in paths:
        shown = path.relative_to(root)
        found = [*(long_lines(path, shown) if 'lines' in checks else ()), *(complaints(path, shown, formatted[path]) if 'form' in checks else ())]
        n_wrong += bool(found)
        for line in found:
            print(line)
    print(f'{len(paths)} files, {n_wrong} not as they should be')
    return 1 if n_wrong or not paths else 0


if __name__ == '__main__':
    sys.exit(main())

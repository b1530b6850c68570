#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tiers.py [--update] ROOT: the table of docs/CAPTURE.md that says what the tiers differ in is the table that is tested.

It is printed from tests/bpf/scenarios.def; every kind with a program on a security hook (hook-table.def) has a scenario there, and
no other kind has."""
import pathlib
import re
import sys

BEGIN, END = '<!-- of tests/bpf/scenarios.def: `ninja update-tiers` -->\n', '<!-- end -->\n'
STRING = r'(NULL|"(?:[^"\\]|\\.)*")'
LINE = re.compile(r'^(?:SCENARIO\((\w+), (\w+), [-\w]+, ' + STRING + r'\)'
                  r'|SEEN\((\w+), (\w+), (\w+), ' + STRING + r', (\w+), ' + STRING + r'\)'
                  r'|MAY_BE_RACED\((\w+), (\w+), (\w+)\))$')


def hooks_of(root):
    hooks = {}
    for line in (root / 'daemon' / 'capture' / 'hook-table.def').read_text(encoding='utf-8').splitlines():
        match = re.match(r'HOOK\(\w+, (\w+), SECURITY, "lsm/(\w+)"', line)
        if match:
            hooks.setdefault(match.group(1), []).append(match.group(2))
    return hooks


def names_of(root):
    """Fields, and kinds, as policies call them."""
    names = {}
    for line in (root / 'daemon' / 'event' / 'events.def').read_text(encoding='utf-8').splitlines():
        match = re.match(r'FIELD\((\w+), \w+, (\w+), +"([^"]+)"', line)
        if match:
            names[match.group(1), match.group(2)] = match.group(3)
    return names


def cell(source, value):
    value = None if value == 'NULL' else value[1:-1]
    if source == 'UNKNOWN':
        return 'unknown'
    whose = "the kernel's" if source == 'KERNEL' else "the caller's"
    if value is None:
        return whose
    return f'the file `{value[1:]}`' if value.startswith('@') else f'`{value}`, {whose}'


def table_of(root):
    names, told, kinds, what = names_of(root), '', set(), ''
    rows = ['| kind | what is done | field | with security hooks | tracepoints alone |', '|---|---|---|---|---|']
    for line in (root / 'tests' / 'bpf' / 'scenarios.def').read_text(encoding='utf-8').splitlines():
        match = LINE.match(line)
        if not match:
            if re.match(r'(SCENARIO|SEEN|MAY_BE_RACED)\(', line):
                sys.exit(f'tests/bpf/scenarios.def: cannot read {line}')
            continue
        if match.group(1):
            kind, what = match.group(2), match.group(3)[1:-1]
            kinds.add(kind)
            told = f'| `{kind}` | {what} |'
            continue
        if match.group(4):
            field = f'`{names[match.group(4), match.group(5)]}`'
            cells = cell(match.group(6), match.group(7)), cell(match.group(8), match.group(9))
        else:
            field = 'flag `RACED`'
            cells = tuple({'true': 'set', 'false': 'not set'}[flag] for flag in match.group(11, 12))
        rows.append(f'{told} {field} | {cells[0]} | {cells[1]} |')
        told = '| | |'
    return '\n'.join(rows) + '\n', kinds


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ['--update']
    root = pathlib.Path(arguments[-1])
    table, kinds = table_of(root)
    hooks = hooks_of(root)
    wrong = 0
    for kind in sorted(set(hooks) ^ kinds):
        print(f"tests/bpf/scenarios.def: {kind} has {'no scenario' if kind in hooks else 'no security hook'}")
        wrong += 1

    listed = ''.join(f"| `{kind}` | `{' '.join(hooks[kind])}` |\n" for kind in hooks)
    table = '| kind | hooks |\n|---|---|\n' + listed + '\n' + table
    path = root / 'docs' / 'CAPTURE.md'
    text = path.read_text(encoding='utf-8')
    match = re.search(re.escape(BEGIN) + r'(.*?)' + re.escape(END), text, re.S)
    if not match:
        sys.exit(f'{path}: no table')
    if match.group(1) != table:
        if update:
            path.write_text(text[:match.start(1)] + table + text[match.end(1):], encoding='utf-8')
            print(f'{path} updated')
        else:
            print(f'{path}: the table is not the one that is tested: run `ninja update-tiers`')
            wrong += 1
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""traps.py ROOT: every trap of docs/TRAPS.md names a test, and every test that it names is there.

A test is a START_TEST of tests/ or a function test_NAME of tests/*.py."""
import pathlib
import re
import sys


def tests_of(root):
    names = set()
    for path in (root / 'tests').rglob('*'):
        if path.suffix in ('.c', '.py') and path.is_file():
            text = path.read_text(encoding='utf-8')
            names.update(re.findall(r'START_TEST\((\w+)\)', text))
            names.update(re.findall(r'def test_(\w+)\(', text))
    return names


def main():
    root = pathlib.Path(sys.argv[1])
    path = root / 'docs' / 'TRAPS.md'
    tests, wrong, rows = tests_of(root), 0, 0
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('| ') or not cells[0].isdigit():
            continue
        rows += 1
        if int(cells[0]) != rows or len(cells) != 4 or not re.search(r'`\w+`', cells[3]):
            print(f'{path}:{number}: trap {rows} with a remedy and a test, in this order')
            wrong += 1
            continue
        for name in re.findall(r'`(\w+)`', cells[3]):
            if name not in tests:
                print(f'{path}:{number}: there is no test {name}')
                wrong += 1
    if rows == 0:
        print(f'{path}: no traps')
    return 1 if wrong or rows == 0 else 0


if __name__ == '__main__':
    sys.exit(main())

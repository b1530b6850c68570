#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the syntax files for editors know every word of the language?

The words are those of the grammar of docs/LANGUAGE.md, the names of properties and the values that these take, in its table.

usage: editors.py ROOT      exit status 1 and the words that are missing
"""

import pathlib
import re
import sys


def words_of(page):
    grammar = re.search(r'^```ebnf\n(.*?)^```', page, re.M | re.S)[1]
    words = set(re.findall(r'"([a-z][a-z_]*)"', grammar))

    table = re.search(r'^## Properties\n(.*?)^## ', page, re.M | re.S)[1]
    for row in re.findall(r'^\| (`[^|]*) \| ([^|]*) \|', table, re.M):
        words |= set(re.findall(r'`([a-z_]+)`', row[0] + row[1]))
    return words


def main():
    root = pathlib.Path(sys.argv[1])
    words = words_of((root / 'docs' / 'LANGUAGE.md').read_text(encoding='utf-8'))
    faults = 0
    if len(words) < 50:
        print(f'only {len(words)} words found: does this test still read the page?')
        faults += 1
    files = sorted(path for path in (root / 'docs' / 'editors').iterdir() if path.suffix in ('.vim', '.sublime-syntax'))
    if len(files) < 2:
        print('the syntax files are not there')
        faults += 1
    for path in files:
        text = ''.join(line for line in path.read_text(encoding='utf-8').splitlines(keepends=True)
                       if not line.lstrip().startswith(('"', '#')))
        known = set(re.findall(r'[a-z_]+', re.sub(r'\\[a-zA-Z<>]|\\z[se]', ' ', text)))
        for word in sorted(words - known):
            print(f'docs/editors/{path.name}: the word `{word}` of the language is missing')
            faults += 1
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is a file of the tree what the program that makes it says? Or what stands in it between two lines that begin with BEGIN and END.

usage: generated.py [--update] FILE COMMAND [ARGUMENT...]      exit status 1 and the differences; with --update write the file
"""

import difflib
import pathlib
import subprocess
import sys

BEGIN = '<!-- begin of what is generated'
END = '<!-- end of what is generated'


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ['--update']
    if update:
        arguments = arguments[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)

    path = pathlib.Path(arguments[0])
    want = subprocess.run(arguments[1:], check=True, capture_output=True, text=True).stdout
    have = path.read_text(encoding='utf-8') if path.exists() else ''
    if BEGIN in have and END in have:
        begin = have.index('\n', have.index(BEGIN)) + 1
        want = have[:begin] + want + have[have.index(END):]
    if have == want:
        return 0
    if update:
        path.write_text(want, encoding='utf-8')
        print(f'{path} updated')
        return 0

    sys.stdout.writelines(difflib.unified_diff(have.splitlines(True), want.splitlines(True), str(path), 'as made now'))
    print('run `ninja update-docs`')
    return 1


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check.py PAGE: does a finished manual page have what man(1), apropos(1) and a reader expect of it?

It begins with a name that says what it is, nothing of Markdown is left, every heading of the documents in it is there, and groff,
where there is one, has nothing to say against it.
"""

import pathlib
import re
import shutil
import subprocess
import sys


def headings(roff):
    return re.findall(r'^\.S[HS]\s+(\S.*)$', roff, flags=re.MULTILINE)


def main():
    page = pathlib.Path(sys.argv[1])
    roff = page.read_text(encoding='utf-8')
    faults = []

    if not re.search(r'^\.SH\s+NAME\n(\.\w+\n)*' + re.escape(page.stem) + r' \\?- \S', roff, flags=re.MULTILINE):
        faults.append('it does not begin with its name')
    if re.search(r'\]\(|\{\{|^```|^#+ ', re.sub(r'^\.EX$.*?^\.EE$', '', roff, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE):
        faults.append('some Markdown is left in it')
    if len(headings(roff)) < 6:
        faults.append('most of it is missing')
    if shutil.which('groff'):
        said = subprocess.run(['groff', '-man', '-k', '-t', '-ww', '-W', 'break', '-z', '-Tutf8', page], capture_output=True, text=True, check=False)
        if said.stderr or said.returncode:
            faults.append('groff says: ' + said.stderr.strip())

    for fault in faults:
        print(f'{page.name}: {fault}')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do docs/JOURNAL.md and units/execrayd.catalog say what daemon/report/journal-fields.def and message-ids.h say?

usage: journal.py ROOT      exit status 1 and the differences if there are any"""

import pathlib
import re
import sys


def told_fields(text):
    """Of notices, which have no list of their own: every name that the page tells."""
    return re.findall(r'`(EXECRAY_[A-Z_]+)`', text)


def catalog(text, numbers, fields):
    entries = re.split(r'^-- ([0-9a-f]{32})$', text, flags=re.MULTILINE)
    found = dict(zip(entries[1::2], entries[2::2]))
    for name, value in numbers:
        if value not in found:
            yield f'MESSAGE_ID_{name} {value} is not in the catalog'
    for value, entry in found.items():
        if value not in {v for _, v in numbers}:
            yield f'{value} is in the catalog and is no id'
        if not re.match(r'\nSubject: .+\nDefined-By: execrayd\n(Documentation: .+\n)?\n\S', entry):
            yield f'{value}: no subject, no Defined-By: or no text'
        for field in re.findall(r'@([A-Z_]+)@', entry):
            if field not in fields:
                yield f'{value}: @{field}@ is no field'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    fields = (root / 'daemon/report/journal-fields.def').read_text(encoding='utf-8')
    ids = (root / 'daemon/report/message-ids.h').read_text(encoding='utf-8')
    text = (root / 'docs/JOURNAL.md').read_text(encoding='utf-8')

    fields = fields[fields.index('*/', fields.index('FIELD_EACH')):]
    wanted = [(m[1], re.sub(r'"\s*"', '', m[2]))
              for m in re.finditer(r'\bFIELD_\w+\(\s*"([A-Z_]+)",.*?"((?:[^"\\]|"\s*")*)"\)', fields, re.DOTALL)]
    found = re.findall(r'^\| `([A-Z_]+)` \| (.*) \|$', text, re.MULTILINE)
    wrong = []
    for name, doc in wanted:
        if (name, doc) not in found:
            wrong.append(f'no row | `{name}` | {doc} |')
    for name, doc in found:
        if (name, doc) not in wanted:
            wrong.append(f'`{name}` is no field, or has another description: {doc}')
    numbers = re.findall(r'MESSAGE_ID_(\w+)\s+"([0-9a-f]{32})"', ids)
    for name, value in numbers:
        if value not in text:
            wrong.append(f'MESSAGE_ID_{name} {value} is not told')
    wrong += catalog((root / 'units/execrayd.catalog').read_text(encoding='utf-8'), numbers, {name for name, _ in wanted} | set(told_fields(text)))

    for line in wrong:
        print(line)
    print(f'{len(wanted)} fields, {len(wrong)} differences')
    return 1 if wrong or not wanted else 0


if __name__ == '__main__':
    sys.exit(main())

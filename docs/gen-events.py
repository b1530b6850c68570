#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tables of docs/EVENTS.md from the lists in daemon/event/*.def.

usage: gen-events.py ROOT           rewrite what is between the markers of ROOT/docs/EVENTS.md
       gen-events.py ROOT --check   exit status 1 and a difference if it is not current
"""

import difflib
import pathlib
import re
import sys

BEGIN = '<!-- begin of what docs/gen-events.py writes -->'
END = '<!-- end of what docs/gen-events.py writes -->'

STRING = r'"((?:[^"\\]|\\.)*)"'
TYPES = {'NUMBER': 'number', 'STRING': 'string', 'LIST': 'list', 'OBJECT': 'object', 'ADDRESS': 'address', 'IDENTITY': 'process'}
FORMATS = {
    'PLAIN': '', 'BOOLEAN': 'true or false', 'PATHNAME': 'path', 'PID': 'pid', 'ID': 'id', 'FD': 'descriptor', 'TIME': 'time',
    'DURATION': 'duration', 'SIZE': 'bytes', 'MODE': '`S_*`', 'OPEN': '`O_*`', 'CLONE': '`CLONE_*`', 'AT': '`AT_*`',
    'RENAME': '`RENAME_*`', 'SIGNAL': '`SIG*`', 'FAMILY': '`AF_*`', 'SOCKTYPE': '`SOCK_*`', 'PROTOCOL': '`IPPROTO_*`',
    'PORT': 'port', 'DEVICE': 'device', 'RESULT': '`E*`', 'OBJTYPE': 'word',
    'PROT': '`PROT_*`', 'MAP': '`MAP_*`', 'MFD': '`MFD_*`', 'CAPS': '`CAP_*`', 'MSG': '`MSG_*`', 'PRCTL': '`PR_*`',
    'PTRACE': '`PTRACE_*`', 'MOUNT': '`MS_*`', 'UMOUNT': '`MNT_*`', 'BPFCMD': '`BPF_*`', 'BPFPROG': '`BPF_*`',
    'URING': '`IORING_*`', 'URINGSETUP': '`IORING_*`', 'KEYCTL': '`KEYCTL_*`', 'REBOOT': '`LINUX_REBOOT_*`',
    'DNSTYPE': '`A`, ...', 'HEX': 'address', 'CALL': 'call', 'WALL': 'wall clock',
}
FLAGS = {'PATH': 'resolved', 'TIER': 'by tier', 'USER': 'user', 'REQUEST': 'asked'}


def entries(path, words):
    """The entries of a list in order: (word, [argument...]), strings without their quotes."""
    text = re.sub(r'/\*.*?\*/', '', path.read_text(encoding='utf-8'), flags=re.DOTALL)
    for match in re.finditer(rf'^({"|".join(words)})\((.*)\)\s*$', text, re.MULTILINE):
        yield match[1], [quoted or bare.strip() for quoted, bare in re.findall(rf'{STRING}|([^",]+)', match[2]) if quoted or bare.strip()]


def cell(text):
    return text.replace('|', '\\|').replace('\\"', '"')


def plain(text):
    """Names of calls have underscores, which mean emphasis."""
    return text.replace('_', r'\_')


def field_row(name, type_word, format_word, flags, doc):
    kind = TYPES[type_word]
    if FORMATS[format_word]:
        kind += ', ' + FORMATS[format_word]
    marks = [FLAGS[f.strip()] for f in flags.split('|') if f.strip() != '0']
    return f'| `{name}` | {kind} | {", ".join(marks)} | {cell(doc)} |'


def kind_tables(events):
    priorities = {a[0]: a[1] for word, a in entries(events.parent / 'priorities.def', ['PRIORITY'])}
    out, n_open = [], 0
    for word, a in entries(events, ['KIND', 'FIELD', 'END_KIND']):
        if word == 'KIND':
            kind, name, klass, doc = a
            out += ['', f'### `{name}`', '', f'{plain(doc[0].upper() + doc[1:])}.' + CLASSES[klass] + PRIORITIES[priorities.get(kind, 'MEDIUM' if klass == 'EVENT' else '')]]
            n_open = 0
        elif word == 'FIELD':
            _, type_word, _, name, format_word, flags, doc = a
            if n_open == 0:
                out += ['', '| field | type | | meaning |', '|---|---|---|---|']
            n_open += 1
            out.append(field_row(name, type_word, format_word, flags, doc))
    return out


CLASSES = {
    'CORE': ' Always captured, never dropped in favour of another kind.',
    'EVENT': '',
    'META': " The daemon's own record.",
}


PRIORITIES = {'HIGH': ' Priority: high.', 'MEDIUM': '', 'LOW': ' Priority: low.', '': ''}


def list_table(path, word, prefix=''):
    out = ['', '| field | type | | meaning |', '|---|---|---|---|']
    for _, (type_word, _, name, format_word, doc) in entries(path, [word]):
        out.append(field_row(prefix + name, type_word, format_word, '0', doc))
    return out


def constants(event):
    out, groups = [], {}
    for name in 'constants.def', 'constants-calls.def':
        for word, a in entries(event / name, ['CONSTANT', 'WORD']):
            if not a[1].startswith('#'):        # the calls have a list of their own
                groups.setdefault(a[0], []).append(a[1])
    groups['CALL'] = [a[0] for word, a in entries(event / 'calls.def', ['CALL'])]
    for format_word, names in groups.items():
        what = FORMATS[format_word].replace('`', '').rstrip('*')
        title = f'`{what}*`' if FORMATS[format_word].endswith('*`') else what
        out += ['', f'**{title}**: ' + ', '.join(f'`{n}`' for n in names)]
    return out


def tables(root):
    event = root / 'daemon' / 'event'
    lines = ['', '## Kinds'] + kind_tables(event / 'events.def')
    lines += ['', '## Fields of every event'] + list_table(event / 'process-fields.def', 'COMMON_FIELD')
    lines += ['', '## Fields of processes'] + list_table(event / 'process-fields.def', 'PROCESS_FIELD', 'proc.')
    lines += ['', '## Constants'] + constants(event)
    return '\n'.join(lines) + '\n\n'


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ['--check']):
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    path = root / 'docs' / 'EVENTS.md'
    text = path.read_text(encoding='utf-8')
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f'{path}: the markers are missing')

    current = before + begin + '\n' + tables(root) + end + after
    if sys.argv[2:] == ['--check']:
        if current == text:
            return 0
        sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), current.splitlines(True), 'docs/EVENTS.md', 'what the lists say'))
        print('docs/EVENTS.md is not current: run docs/gen-events.py')
        return 1
    path.write_text(current, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())

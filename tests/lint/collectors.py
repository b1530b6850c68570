#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""collectors.py ROOT: do the files for other people's collectors (docs/examples/fleet) hang together?

Debian has neither program, so nobody runs these files here. What can be read without them: the form of each file, that every part takes
what another one gives, and that the fields of the journal that are named are ones that execrayd or journald writes."""
import pathlib
import re
import sys

OF_JOURNALD = {'_UID', 'SYSLOG_IDENTIFIER'}
KEYS = {'SERVICE': {'Flush', 'storage.path'}, 'INPUT': {'Name', 'Tag'}, 'FILTER': {'Name', 'Match'}, 'OUTPUT': {'Name', 'Match'}}


def fields_of(root):
    text = (root / 'daemon/report/journal-fields.def').read_text(encoding='utf-8')
    return set(re.findall(r'^FIELD_[A-Z]+\("(\w+)"', text, flags=re.MULTILINE)) | OF_JOURNALD


def field_faults(text, fields):
    bare = re.sub(r'^\s*#.*', '', text, flags=re.MULTILINE)
    for name in sorted(set(re.findall(r'\b(EXECRAY_\w+|_[A-Z]\w+|SYSLOG_\w+)', bare)) - fields):
        yield 'no entry of the journal has a field ' + name


def sections(text):
    """(name, {key: values}) of the classic form of Fluent Bit; ValueError says what is none."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        if re.fullmatch(r'\[[A-Z]+\]', line):
            found.append((line[1:-1], {}))
        elif found and re.fullmatch(r'    (\S+) +(\S.*)', line):
            key, value = line.split(None, 1)
            found[-1][1].setdefault(key, []).append(value)
        else:
            raise ValueError('line %d is neither a section nor a key with a value' % number)
    return found


def fluent_bit_faults(text):
    try:
        found = sections(text)
    except ValueError as e:
        yield str(e)
        return
    for name, keys in found:
        for key in sorted(KEYS.get(name, {'(a section of another name)'}) - keys.keys()):
            yield '[%s] has no %s' % (name, key)
    tags = {tag for name, keys in found if name == 'INPUT' for tag in keys.get('Tag', ())}
    for name, keys in found:
        for match in keys.get('Match', ()):
            if match not in tags:
                yield '[%s] takes %s, which no input gives' % (name, match)
    for name in ('INPUT', 'OUTPUT'):
        if name not in [section for section, _ in found]:
            yield 'there is no [%s]' % name


def vector_faults(text):
    """YAML in the little that the file needs: blocks indented by two blanks, lists in brackets."""
    part, name, named = None, None, {'sources': [], 'transforms': [], 'sinks': []}
    given, taken = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if '\t' in line or (len(line) - len(line.lstrip())) % 2:
            yield 'line %d is indented otherwise' % number
        top, second = re.fullmatch(r'(\w+):', line), re.fullmatch(r'  (\w+):', line)
        inputs = re.fullmatch(r'    inputs: \[(.*)\]', line)
        if top:
            part = top.group(1)
            if part not in named:
                yield 'line %d: vector has no %s' % (number, part)
        elif second and part in named:
            name = second.group(1)
            named[part].append(name)
            if part != 'sinks':
                given.append(name)
        elif inputs:
            taken += [(name, one.strip()) for one in inputs.group(1).split(',')]
    for who, what in taken:
        if what not in given:
            yield '%s takes %s, which nothing gives' % (who, what)
    for who in named['transforms'] + named['sinks']:
        if who not in [taker for taker, _ in taken]:
            yield '%s takes nothing' % who
    for who in given:
        if who not in [what for _, what in taken]:
            yield 'nobody takes what %s gives' % who
    for which in ('sources', 'sinks'):
        if not named[which]:
            yield 'there are no ' + which


def main():
    root = pathlib.Path(sys.argv[1])
    fields = fields_of(root)
    n = 0
    for file, faults in (('fluent-bit.conf', fluent_bit_faults), ('vector.yaml', vector_faults)):
        text = (root / 'docs/examples/fleet' / file).read_text(encoding='utf-8')
        for fault in [*faults(text), *field_faults(text, fields)]:
            print('docs/examples/fleet/%s: %s' % (file, fault))
            n += 1
    sys.exit(1 if n else 0)


if __name__ == '__main__':
    main()

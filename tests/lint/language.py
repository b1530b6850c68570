#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is docs/LANGUAGE.md true?

examples: every block marked `policy` or `steps` is accepted without a message (`steps` stand inside of a path), and so is a
`drop-in` of the policy before it; every block marked `faulty` or `faulty-drop-in` gets exactly the messages of the block marked
`messages` behind it.
layout: every example has a canonical form that means the same and is its own.
grammar: the block marked `ebnf` has the productions that stand above the functions of the parser, no more, no fewer, the same.

usage: language.py ROOT grammar | language.py ROOT examples POLICY-MESSAGES | language.py ROOT layout EXECRAYCTL
exit status 1 and what is wrong
"""

import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(text):
    """(line, mark, body) of each fenced block."""
    mark = None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if mark is None and line.startswith('```') and line.strip() != '```':
            mark, start, body = line[3:].strip(), number, []
        elif mark is not None and line.strip() == '```':
            yield start, mark, ''.join(body)
            mark = None
        elif mark is not None:
            body.append(line)


def messages_of(program, policy, drop_in=None):
    with tempfile.NamedTemporaryFile('w', encoding='utf-8') as extension:
        extension.write(drop_in or '')
        extension.flush()
        command = [program] if drop_in is None else [program, extension.name]
        return subprocess.run(command, input=policy, capture_output=True, text=True, check=False).stdout


def check_examples(text, program):
    faults = []
    n = 0
    faulty = policy = None
    for line, mark, body in blocks(text):
        if faulty is not None and mark != 'messages':
            faults.append(f'{line}: the block before is marked faulty and has no messages')
            faulty = None
        if mark in ('policy', 'steps'):
            policy = body if mark == 'policy' else f'path "example" {{\n{body}}}\n'
            said = messages_of(program, policy)
            n += 1
            if said:
                faults.append(f'{line}: this example has messages:\n{said}')
        elif mark == 'drop-in':
            said = messages_of(program, policy, body)
            n += 1
            if said:
                faults.append(f'{line}: this drop-in has messages:\n{said}')
        elif mark == 'faulty':
            faulty = messages_of(program, body)
            n += 1
        elif mark == 'faulty-drop-in':
            faulty = messages_of(program, policy, body)
            n += 1
        elif mark == 'messages':
            if faulty != body:
                faults.append(f'{line}: the messages are\n{faulty}')
            faulty = None
    if n < 10:
        faults.append(f'only {n} examples found: does this test still read the page?')
    return faults


def check_layout(text, program):
    """execrayctl compares what an example and its canonical form mean by itself."""
    faults = []
    n = 0
    for line, mark, body in blocks(text):
        if mark not in ('policy', 'steps'):
            continue
        n += 1
        policy = body if mark == 'policy' else f'path "example" {{\n{body}}}\n'
        for _ in range(2):
            done = subprocess.run([program, 'fmt', '-'], input=policy, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                faults.append(f'{line}: this example cannot be formatted:\n{done.stderr}')
                break
            once, policy = policy, done.stdout
        else:
            if once != policy:
                faults.append(f'{line}: formatted once this example is\n{once}and twice it is\n{policy}')
    if n < 10:
        faults.append(f'only {n} examples found: does this test still read the page?')
    return faults


def normal(production):
    return ' '.join(production.split())


def check_grammar(text, sources):
    faults = []
    written, read, functions = {}, {}, set()
    for _, mark, body in blocks(text):
        if mark == 'ebnf':
            for match in re.finditer(r'^([a-z_]+) += (.*?) ;$', body, re.M | re.S):
                written[match[1]] = normal(match[2])
    for source in sources:
        for match in re.finditer(r'/\* ([a-z_]+) = (.*?) ;(?=\s)', source, re.S):
            read[match[1]] = normal(match[2].replace('\n *', ' '))
        functions |= set(re.findall(r'\bbool parse_([a-z_]+)\(|\bvoid parse_([a-z_]+)\(', source))
    functions = {a or b for a, b in functions}

    for name in sorted(written.keys() | read.keys() | functions):
        if name not in functions:
            faults.append(f'{name}: there is no function parse_{name}()')
        if name not in read:
            faults.append(f'{name}: parse_{name}() has no production above it')
        elif name not in written:
            faults.append(f'{name}: the page has no such production; the parser says {read[name]}')
        elif written[name] != read[name]:
            faults.append(f'{name}: the page says   {written[name]}\n{" " * len(name)}  the parser says {read[name]}')
    if len(written) < 10:
        faults.append('no grammar found: does this test still read the page?')
    return faults


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / 'docs' / 'LANGUAGE.md').read_text(encoding='utf-8')
    if sys.argv[2] == 'examples':
        faults = check_examples(text, sys.argv[3])
    elif sys.argv[2] == 'layout':
        faults = check_layout(text, sys.argv[3])
    else:
        faults = check_grammar(text, [path.read_text(encoding='utf-8')
                                      for path in sorted((root / 'daemon' / 'policy').glob('parser*.c'))])
    for fault in faults:
        print(f'docs/LANGUAGE.md: {fault}')
    print(f'{len(faults)} found')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())

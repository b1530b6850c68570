#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print docs/COVERAGE.md: which ATT&CK techniques the stock policies speak of, by which policies and by which kinds of events.

usage: gen-coverage.py ROOT             lint compares it with the file; `ninja update-coverage` writes it

What is read is the text of the policies: their `mitre`, `severity`, and the kinds of their steps. What is not covered is the rest of
`KNOWN`, the techniques for Linux that tests and rules of others speak of most, with a reason."""
import pathlib
import re
import sys

KINDS = ('openat execve exit fork read write close dup mmap mprotect memfd_create unlink rename link symlink mkdir truncate chmod chown setxattr '
         'utimes socket connect bind listen accept sendto recvfrom dns setuid setgid capset setgroups credchange prctl ptrace kill mount umount '
         'pivot_root chroot unshare setns init_module delete_module bpf perf_event_open io_uring keyctl quotactl reboot kexec settime '
         'sethostname swapon acct unit login container verdict').split()

# What is looked for in vain above is said here with its reason.
NOT_COVERED = {
    'T1001.001': 'junk data: the content of connections is not looked at',
    'T1027.002': 'packed programs: what a program holds is not looked at; what it does is',
    'T1071.003': 'mail protocols: a connection to a mail port is everyday work',
    'T1110.002': 'guessing of stolen hashes happens elsewhere; here only the program\'s name is known',
    'T1111': 'interception of second factors: nothing of it is to be seen in system calls',
    'T1195.001': 'dependencies that were exchanged: what they do is seen, not that they came',
    'T1480': 'execution guardrails: a program that does nothing is quiet',
    'T1498': 'floods: counted by networks, not by hosts',
    'T1499': 'exhaustion of services: a load is no behaviour',
    'T1542': 'firmware and boot loaders: before the daemon',
    'T1573.001': 'encrypted channels: content is not looked at; who talks is',
    'T1600': 'weakened encryption of network devices: another machine',
}


def paths(root):
    """(folder/file, name, severity, techniques, kinds, steps) of every path."""
    for file in sorted((root / 'policies').rglob('*.policy')):
        text = re.sub(r'(?m)^\s*#.*$', '', file.read_text(encoding='utf-8'))
        for match in re.finditer(r'(?ms)^path "(\w+)" \{(.*?)^\}', text):
            body = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', lambda m: m[0] if re.fullmatch(r'"T\d+(\.\d+)?"', m[0]) else '""', match[2])
            severity = re.search(r'severity\s*=\s*(\w+)', body)
            mitre = re.search(r'(?s)mitre\s*=\s*(\[.*?\]|"[^"]*")', body)
            techniques = re.findall(r'T\d+(?:\.\d+)?', mitre[1]) if mitre else []
            steps = [k for k in re.findall(r'\b([a-z_]+)(?: as \$\w+)?\s*\{', body) if k in KINDS]
            counted = 'repeat ' in body or 'score' in body
            yield (file.relative_to(root / 'policies').with_suffix('').as_posix(), match[1], severity[1] if severity else 'medium',
                   techniques, sorted(set(steps)), is_story(body) or counted)


def is_story(body):
    """Does an alert need more than one event? Members of one `any` stand for each other."""
    rest = re.sub(r'(?s)(mitre|severity|description|by|within|suppress)\s*=.*?(?=\n)', '', body)
    depth, top, word = 0, [], ''
    for token in re.findall(r'[a-z_]+|\{|\}|\(|\)|"[^"]*"|\S', rest):
        if token == '{':
            if depth == 0:
                top.append(word)
            depth += 1
        elif token == '}':
            depth -= 1
        elif depth == 0 and re.fullmatch(r'[a-z_]+', token) and (token in KINDS or token in ('any', 'all', 'block', 'except', 'until', 'repeat')):
            word = token
    steps = [w for w in top if w not in ('except', 'until')]
    return len(steps) > 1 or 'block' in rest or any(w in ('all', 'block', 'repeat') for w in steps)


def main():
    root = pathlib.Path(sys.argv[1])
    all_paths = list(paths(root))
    by_technique = {}
    for place, name, severity, techniques, kinds, story in all_paths:
        for technique in techniques:
            by_technique.setdefault(technique, []).append((place, name, severity, kinds, story))
    stories = sum(p[5] for p in all_paths)
    print('''# What the stock policies cover

Technique by technique (MITRE ATT&CK for Linux): the policies whose `mitre` names it, their severity, and the kinds of events that are their
evidence. It is a list of what is looked for, not of all that could be done: each policy says in its header what it does not see.
`execrayctl coverage` prints the same of the policies that a host has loaded, also as a layer for the ATT&CK Navigator.
''')
    print('%d policies in %d files, %d of them stories of two or more events; %d techniques, sub-techniques counted.'
          % (len(all_paths), len({p[0] for p in all_paths}), stories, len(by_technique)))
    count = {}
    for p in all_paths:
        count[p[2]] = count.get(p[2], 0) + 1
    print('Severity: %s.\n' % ', '.join('%s %d' % (s, count[s]) for s in ('critical', 'high', 'medium', 'low', 'info') if s in count))
    print('| technique | policies | evidence |\n|---|---|---|')
    for technique in sorted(by_technique):
        rows = sorted(by_technique[technique], key=lambda r: r[1])
        kinds = sorted({k for r in rows for k in r[3]})
        print('| %s | %s | %s |' % (technique, ', '.join('`%s` (%s)' % (r[1], r[2]) for r in rows), ', '.join(kinds)))
    print('\n## What is not covered\n\n| technique | why |\n|---|---|')
    for technique, why in sorted(NOT_COVERED.items()):
        if technique not in by_technique:
            print('| %s | %s |' % (technique, why))
    print('\n## Policies\n\n| file | policy | severity | techniques | evidence |\n|---|---|---|---|---|')
    for place, name, severity, techniques, kinds, story in all_paths:
        print('| `%s` | `%s` | %s | %s | %s%s |' % (place, name, severity, ', '.join(techniques), 'story: ' if story else '', ', '.join(kinds)))


main()

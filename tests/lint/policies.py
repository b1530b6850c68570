#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each stock policy must bring with it, and where the stories of its tests come from.

usage: policies.py ROOT          exit status 1 and what is missing

A policy says what it is (description, severity, mitre); the comment that heads its file says why, what is not seen, what raises it wrongly and
what to do then (`execrayctl policies show NAME` prints that), and says it of each policy of severity medium or above if there are several; it has a story that must alert and a near miss of its own that must not (a story that names it, or
one other at most, in `no_alerts`); and each file
of tests says whether its stories are hand-written or recorded. What recorded everyday work raises is of low severity and explained."""
import pathlib
import re
import sys

WORDS = ['Why', 'Not seen', 'False positives', 'Response']
# Of a policy that asks somebody to look, among others in one file.
LOUD = re.compile(r'^    severity +=\s*(medium|high|critical)$', re.M)
LOUD_WORDS = ['Why', 'False positives', 'Response']
PROPERTIES = ['description', 'severity', 'mitre']
MOST_NEAR = 2                           # policies that one story can nearly be
RECORDED = 100                          # policies that a recorded story tests: not fewer again
# They speak of what an administrator forbids, whatever that is.
WITHOUT_TECHNIQUE = re.compile(r'forbidden_')


def tests_of(file):
    """Each test's name and text, and what the file says of its stories."""
    text = file.read_text(encoding='utf-8')
    origin = re.search(r'^origin: "?(hand-written|recorded, [^"]+)"?$', text, re.M)
    return origin and origin[1], re.findall(r'^  - name: "?(.*?)"?\n(.*?)(?=^  - name:|\Z)', text, re.M | re.S)


def expected(body):
    """The paths that must alert, and those that must not: their names."""
    after = body[max(body.rfind('\n    alerts:'), 0):]
    alerts = set(re.findall(r'- path: (\w+)|^      - (\w+)$', after, re.M))
    names = {a or b for a, b in alerts}
    for short in re.findall(r'^    alerts: \[(.*)\]$', body, re.M):
        names |= set(short.split(', '))
    forbidden = set()
    for short in re.findall(r'^    no_alerts: \[(.*)\]$', body, re.M):
        forbidden |= set(short.split(', ')) if short.count(',') < MOST_NEAR else set()
    return names, forbidden


def told_of(head, path):
    """What the head of a file says of one path: `# NAME - what it is`, and what is indented below (daemon/cli/policies-show.c)."""
    found = re.search(r'^# (?:[\w-]+, )*%s(?:, [\w-]+)* - .*(?:\n#   .*)*' % path, head, re.M)
    return found[0] if found else ''


def everyday(root, severities):
    """What recorded everyday work raises is low, and explained."""
    said = (root / 'tests/stock/everyday.md').read_text(encoding='utf-8')
    raised = set()
    for path in (root / 'tests/stock').glob('everyday*.test.yaml'):
        raised |= set(re.findall(r'\{path: (\w+),', path.read_text(encoding='utf-8')))
    for name in sorted(raised):
        if severities.get(name) not in ('info', 'low'):
            yield 'tests/stock: everyday work raises %s of severity %s' % (name, severities.get(name))
        if '| `%s` |' % name not in said:
            yield 'tests/stock/everyday.md: %s is not explained' % name


def main():
    root = pathlib.Path(sys.argv[1])
    severities = {}
    missing, recorded, hand = [], set(), set()
    n = 0
    for file in sorted((root / 'policies').glob('*/*.policy')):
        text = file.read_text(encoding='utf-8')
        paths = re.findall(r'^path "(\w+)" \{(.*?)^\}', text, re.M | re.S)
        name = file.relative_to(root)
        if not paths:
            continue
        head = text.split('\n\n')[0]
        missing += ['%s: its head says nothing of "%s"' % (name, w) for w in WORDS if not re.search(r'^# %s:' % w, head, re.M)]
        missing += ['%s: its head says nothing of "%s" of %s' % (name, w, path) for path, body in paths if len(paths) > 1 and LOUD.search(body)
                    for w in LOUD_WORDS if '\n#   %s:' % w not in told_of(head, path)]
        alerting, near = set(), set()
        for tests in sorted(file.parent.glob(file.stem + '*.test.yaml')):
            origin, found = tests_of(tests)
            if not origin:
                missing.append('%s: are its stories hand-written or recorded? (`origin`)' % tests.relative_to(root))
            for title, body in found:
                alerts, forbidden = expected(body)
                alerting |= alerts
                (recorded if origin and origin.startswith('recorded') else hand).update(alerts)
                near |= forbidden
                # Ordinary work that looks like what the file is about is nobody's near miss but that of its only policy.
                if len(paths) == 1 and body.rstrip().endswith('alerts: none'):
                    near.add(paths[0][0])
                if 'near miss' in title:
                    near |= alerts          # the alert's time shows that what came before was none
        for path, body in paths:
            n += 1
            severities[path] = (re.search(r'^    severity +=\s*(\w+)', body, re.M) or ['', 'none'])[1]
            missing += ['%s: %s has no %s' % (name, path, p) for p in PROPERTIES
                        if not re.search(r'^    %s +=' % p, body, re.M) and not (p == 'mitre' and WITHOUT_TECHNIQUE.match(path))]
            if path not in alerting:
                missing.append('%s: %s has no story that alerts' % (name, path))
            if path not in near:
                missing.append('%s: %s has no near miss' % (name, path))
    missing += everyday(root, severities)
    print('%d policies; recorded stories of %d, hand-written ones of %d' % (n, len(recorded), len(hand)))
    if len(recorded) < RECORDED:
        missing.append('recorded stories: fewer than %d' % RECORDED)
    print('\n'.join(missing))
    sys.exit(1 if missing else 0)


main()

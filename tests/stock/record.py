#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests of policies out of real runs: plays cases, each in a throw-away world (world.py), records the host meanwhile, and writes what became
an alert as stories into policies/FOLDER/NAME.recorded.test.yaml, and what everyday work looks like into tests/stock/everyday.test.yaml.

    record.py EXECRAYCTL [--root DIR] [--only attacks|everyday] [NAME...]       of everyday work: these anew, the others as they are

A story has the events that were steps, the forks and programs of those who took them, and, where it counts events, the other events of these kinds.
It has no more than the text form knows: no namespaces, no descriptors. Each is run by `execrayctl test` before it is kept, with its own
policy file alone: what does not alert any more, or is longer than LINES, is left out and said. Cases that are hand-made worlds to a policy
(containers, units) stay hand-written."""
import argparse
import collections
import datetime
import glob
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

import story
import world

LINES = 70                              # of an alert's story
BYTES = 1500000                         # of a file of everyday work: the tool reads two megabytes
HEAD = '# Recorded by tests/stock/record.py: what it leaves out stands there.\n'


def record(tool, policies, scripts, place):
    """Plays the scripts while the host is recorded. Returns the recording and what was played."""
    path = os.path.join(place, 'recording')
    with open(os.path.join(place, 'log'), 'w+b') as log:
        recorder = subprocess.Popen([tool, 'record', '--policies', policies, path], stdin=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + 60
        while b'recording to' not in open(log.name, 'rb').read():
            if recorder.poll() is not None or time.monotonic() > end:
                raise SystemExit(open(log.name, errors='replace').read())
            time.sleep(0.05)
        time.sleep(1)
        played = [world.play(s) for s in scripts]
        time.sleep(1)
        recorder.send_signal(signal.SIGINT)
        recorder.wait(60)
        said = open(log.name, errors='replace').read().splitlines()
        print(said[-1] if said else '')
    return path, played


def lines_of(command):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        for line in process.stdout:
            yield json.loads(line, parse_float=str)


def by_case(events, played):
    """The events of each case: of its first process and all below it, in its time. Times are text: they compare to the nanosecond."""
    cases = {pid: [] for _, pid, _, _, _ in played}
    owner = {}
    begin = {pid: '%.9f' % at for _, pid, at, _, _ in played}
    for event in events:
        if event['kind'] in ('container', 'gap') or 'process' not in event:
            continue
        pid = event['process']['pid']
        if pid in begin and event['time'] >= begin[pid]:
            owner[pid] = pid
        case = owner.get(pid)
        if case is None:
            continue
        if event['kind'] == 'fork' and 'child.pid' in event['fields']:
            owner[event['fields']['child.pid']] = case
        cases[case].append(event)
    return cases


def passes(tool, text, place, policy_dir):
    """Does the test say the truth? It lies beside its policy for a moment, so that names in it mean what they will."""
    path = os.path.join(policy_dir, '.recorded.test.yaml')
    with open(path, 'w') as f:
        f.write(text)
    try:
        return subprocess.run([tool, 'test', path], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode == 0
    finally:
        os.unlink(path)


def suite(origin, policies, tests):
    return HEAD + 'policies: [%s]\norigin: "%s"\n\ntests:\n' % (', '.join(policies), origin) + '\n'.join(tests)


def test(name, lines, expectation):
    return '  - name: "%s"\n    events: |\n%s    %s\n' % (name, ''.join('      %s\n' % line for line in lines), expectation)


def needed(folder, own):
    """What the hand-written test beside a policy names: lists may stand in other files."""
    try:
        with open(os.path.join(folder, own[:-len('.policy')] + '.test.yaml')) as f:
            return re.search(r'^policies: \[(.*)\]$', f.read(), re.M)[1].split(', ')
    except (OSError, TypeError):
        return ['../common', own]


def tests_of_alerts(tool, root, origin, recording, cases, names, place):
    """For each policy the shortest story that still alerts."""
    found = collections.defaultdict(list)
    for alert in lines_of([tool, 'replay', recording, '--policies', os.path.join(root, 'policies'), '--json', '--quiet']):
        if alert.get('type') != 'alert':
            continue
        pids = [alert['process']['pid']] + [a['pid'] for a in alert['ancestors']]
        case = next((p for p in pids if p in cases), None)
        if case is not None and cases[case] and alert['first'] >= cases[case][0]['time']:
            found[alert['policy'], alert['source']['file']].append((case, alert))
    files, left = collections.defaultdict(dict), []
    for (policy, source), alerts in sorted(found.items()):
        source = os.path.relpath(source, root) if os.path.isabs(source) else source
        folder, own = os.path.join(root, os.path.dirname(source)), os.path.basename(source)
        best = None
        for case, alert in alerts[:6]:
            for width in story.WIDTHS:
                lines = story.of_alert(cases[case], case, alert, width)
                if not lines or len(lines) > LINES or best and len(best[0]) <= len(lines):
                    continue
                one = test('%s: %s' % (names[case], policy.replace('_', ' ')), lines, 'alerts: [%s]\n    others: allowed' % policy)
                if passes(tool, suite(origin, needed(folder, own), [one]), place, folder):
                    best = lines, one
                    break
        if best:
            files[source][policy] = best[1]
        else:
            left.append(policy)
    for source, tests in files.items():
        folder, own = os.path.split(os.path.join(root, source))
        with open(os.path.join(folder, own[:-len('.policy')] + '.recorded.test.yaml'), 'w') as f:
            f.write(suite(origin, needed(folder, own), [tests[p] for p in sorted(tests)]))
    print('%d policies in %d files; left out: %s' % (sum(map(len, files.values())), len(files), ', '.join(left) or 'none'))


def everyday_files(root):
    return sorted(glob.glob(os.path.join(root, 'tests', 'stock', 'everyday*.test.yaml')))


def kept(root):
    """What is recorded already, by the name of the work."""
    found = {}
    for path in everyday_files(root):
        with open(path) as f:
            for name, lines in re.findall(r'^  - name: "(.*)"\n    events: \|\n((?:      .*\n|\n)*)', f.read(), re.M):
                found[name] = [line[6:] for line in lines.splitlines()]
    return found


def in_files(root, tests):
    """The tests, as many in a file as it may hold."""
    place = os.path.join(root, 'tests', 'stock', 'everyday%s.test.yaml')
    files, size = [[]], 0
    for one in tests:
        if size + len(one) > BYTES:
            files.append([])
            size = 0
        files[-1].append(one)
        size += len(one)
    return [(place % ('-%d' % (n + 1) if n else ''), tests) for n, tests in enumerate(files)]


def test_of_everyday(tool, root, origin, cases, names, others):
    """Each workload with all alerts that came of it; judged by the tool, then by whoever reads everyday.md."""
    stories = dict(others)
    stories.update({names[case]: story.of_case(events, case) for case, events in cases.items() if events})
    write_everyday(tool, root, origin, stories)


def write_everyday(tool, root, origin, stories):
    raised = {name: {} for name in stories}
    for _ in range(2):
        tests = []
        for name, lines in sorted(stories.items()):
            alerts = ''.join('\n      - {path: %s, %s}' % (path_, 'count: %d' % n + (', summary: ' + joined if joined else ''))
                             for (path_, joined), n in sorted(raised[name].items()))
            tests.append(test(name, lines, 'alerts:' + (alerts or ' none')))
        for path in everyday_files(root):
            os.unlink(path)
        for path, part in in_files(root, tests):
            with open(path, 'w') as f:
                f.write(suite(origin, ['../../policies'], part))
        said = subprocess.run([tool, 'test'] + everyday_files(root), stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
        name = None
        for line in said.splitlines():
            if line.startswith('FAIL'):
                name = line.rpartition(': ')[2]
            found = re.match(r'\s+not expected: (\w+)(?:.*, summary (\d+))?', line)
            if found and name in raised:
                key = found[1], found[2] or ''
                raised[name][key] = raised[name].get(key, 0) + 1
    print(said.splitlines()[-1])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('execrayctl')
    arguments.add_argument('--root', default=os.path.dirname(os.path.dirname(world.HERE)))
    arguments.add_argument('--only', choices=[world.ATTACK, world.EVERYDAY])
    arguments.add_argument('names', nargs='*')
    args = arguments.parse_intermixed_args()
    if os.geteuid() != 0:
        print('needs root')
        sys.exit(77)
    origin = 'recorded, Linux %s, %s' % (re.match(r'[0-9.]+', platform.release())[0].rstrip('.'), datetime.date.today())
    for kind in [args.only] if args.only else [world.ATTACK, world.EVERYDAY]:
        with tempfile.TemporaryDirectory(prefix='execray-record-') as place:
            scripts = [s for s in sorted(glob.glob(os.path.join(world.HERE, kind, '*.sh')))
                       if not args.names or os.path.basename(s)[:-3] in args.names]
            recording, played = record(args.execrayctl, os.path.join(args.root, 'policies'), scripts, place)
            names = {pid: name for name, pid, _, _, _ in played}
            events = lines_of([args.execrayctl, 'trace', recording, '--json', '--all', '--unredacted'])
            cases = by_case(events, played)
            if kind == world.ATTACK:
                tests_of_alerts(args.execrayctl, args.root, origin, recording, cases, names, place)
            else:
                test_of_everyday(args.execrayctl, args.root, origin, cases, names, kept(args.root) if args.names else {})


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does each task of the cookbook in docs/RESPONSES.md do what it says? Its script, or the shipped one that it names, is run on the alert of
tests/tools/lua, with the files in /etc/execrayd that it asks for.

usage: cookbook.py EXECRAYCTL ROOT      exit status 1 and what came out otherwise
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

NOON, NIGHT = 1795348800, 1795384800
# Number: what /etc/execrayd has, what the alert has of its own, as whom the policy asks, and what must come out (a `!` in front: must not).
TASKS = {
    1: ({'notify.conf': 'url = https://hooks.example.org/T0/B1\n'}, {}, 'notify', ['action    webhook url=https://hooks.example.org/T0/B1 body=']),
    2: ({}, {}, 'enrich-user', ['field     user = ']),
    3: ({}, {'time': NIGHT}, 'night', ['severity  critical']),
    4: ({'maintenance.list': '# of the night\n/tmp/.x\n'}, {}, 'maintenance', ['suppress', 'known maintenance']),
    5: ({}, {}, 'kill-tree $shell', ['action    kill_tree process=4710 members=4711']),
    6: ({}, {}, 'freeze-and-snapshot $shell', ['action    stop_tree process=4710', 'action    snapshot process=4710']),
    7: ({}, {}, 'quarantine', ['action    quarantine path=/tmp/.x']),
    8: ({'assets.csv': 'nginx.service;web team;Q1\n'}, {}, 'owner', ['field     owner = web team']),
    9: ({}, {'args': 'curl -s https://evil.example/x'}, 'target-host', ['field     host = evil.example']),
    10: ({'reputation.list': 'c0ffee bad\n'}, {}, 'enrich-hash', ['field     sha256 = c0ffee', 'field     reputation = bad', 'severity  critical']),
}
# Nothing of it: by day, of an unknown program, of an unknown unit, of a hash that nobody knows.
OTHERWISE = {
    3: ({}, {'time': NOON}, 'night', ['!severity']),
    4: ({}, {}, 'maintenance', ['!suppress']),
    8: ({'assets.csv': 'other.service;somebody;Q1\n'}, {}, 'owner', ['field     owner = nobody']),
    10: ({'reputation.list': 'c0ffef bad\n'}, {}, 'enrich-hash', ['field     sha256 = c0ffee', '!severity']),
}


def read_cookbook(root):
    page = (root / 'docs' / 'RESPONSES.md').read_text()
    section = page[page.index('## Cookbook\n'):]
    section = section[:section.index('\n## ', 1)]
    parts = re.split(r'^\*\*(\d+)\. ', section, flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2])}


def script_of(text, name, root):
    block = re.search(r'^```lua\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    if block:
        return block.group(1)
    if name not in text:
        sys.exit(f'cookbook: the text does not name {name}: {text}')
    return (root / 'lua' / f'{name}.lua').read_text()


def run(execrayctl, root, text, files, more, responder, place):
    source = script_of(text, responder.split()[0], root)
    for name in set(re.findall(r'/etc/execrayd/([a-z.]+)', source)):
        path = place / name
        path.unlink(missing_ok=True)
        if name in files:
            path.write_text(files[name])
            path.chmod(0o600)
    source = source.replace('/etc/execrayd/', f'{place}/').replace('execray.sha256(alert.process)', '"c0ffee"')    # no such process runs
    (place / 'script.lua').write_text(source)
    alert = json.loads((root / 'tests' / 'tools' / 'lua' / 'alert.json').read_text())
    alert['time'] = more.get('time', alert['time'])
    alert['process']['args'] = more.get('args', alert['process']['args'])
    (place / 'alert.json').write_text(json.dumps(alert))
    done = subprocess.run([execrayctl, 'lua', 'run', place / 'script.lua', '--alert', place / 'alert.json', '--responder', responder],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def main():
    execrayctl, root = sys.argv[1], pathlib.Path(sys.argv[2])
    cookbook, failed = read_cookbook(root), 0
    if sorted(cookbook) != list(range(1, 11)):
        sys.exit(f'cookbook: there are the tasks {sorted(cookbook)}')
    with tempfile.TemporaryDirectory() as place:
        for number, (files, more, responder, wanted) in [*TASKS.items(), *OTHERWISE.items()]:
            status, out = run(execrayctl, root, cookbook[number], files, more, responder, pathlib.Path(place))
            wrong = [w for w in wanted if (w[1:] in out if w[0] == '!' else w not in out)]
            if status != 0 or wrong:
                failed += 1
                print(f'task {number}: status {status}, not as it should be: {wrong}\n{out}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

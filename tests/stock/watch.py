# SPDX-License-Identifier: Apache-2.0
"""What the tests of the stock policies share: a real daemon that watches the whole host, and whose alert an alert is."""
import json
import os
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICIES = os.path.join(ROOT, 'policies')
SEVERITIES = ['info', 'low', 'medium', 'high', 'critical']
MEDIUM = SEVERITIES.index('medium')


def pids(alert):
    """Who completed the story, and everybody above."""
    return [alert['process']['pid']] + [a['pid'] for a in alert['ancestors']]


class Daemon:
    """execrayd, with its alerts as JSON in a file. `place` is a directory of the caller's."""

    def __init__(self, execrayd, policies, place):
        self.out, self.log = os.path.join(place, 'alerts'), os.path.join(place, 'log')
        with open(self.out, 'wb') as out, open(self.log, 'wb') as log:
            self.process = subprocess.Popen([execrayd, '--policies', policies, '--output', 'json'], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=log, start_new_session=True)

    def text(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def alerts(self):
        with open(self.out) as f:
            found = [json.loads(line) for line in f if line.endswith('\n')]
        return [a for a in found if a['type'] == 'alert']

    def alerts_at_the_end(self):
        """Once what has happened so far must have come through."""
        time.sleep(1)
        return self.alerts()

    def __enter__(self):
        end = time.monotonic() + 60
        while 'watching;' not in self.text():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise SystemExit('the daemon does not watch:\n' + self.text())
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        print('\n'.join(line for line in self.text().splitlines() if 'lost' in line or 'warning' in line.lower())[-2000:])


def print_others(alerts, mine):
    """What else raised alerts meanwhile: the host is a workload, too."""
    others = {}
    for a in alerts:
        if a not in mine:
            key = (a['policy'], a['severity'], a['process']['exe'] or '', (a['process']['args'] or '')[:70])
            others[key] = others.get(key, 0) + 1
    if others:
        print('\nelsewhere on this host:')
    for (policy, severity, exe, args), n in sorted(others.items()):
        print('  %4d  %s (%s)  %s: %s' % (n, policy, severity, exe, args))

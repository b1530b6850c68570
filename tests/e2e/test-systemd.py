#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real systemd with its journald, on the running kernel: execrayd is a service there, the attacker another, and the alert is in
the journal of the attacker's unit.

See booted.py."""
import json
import os

import booted
from harness import EXECRAYD, expect, expect_equal, expect_in, main

POLICY = '''
path "dropped" {
    description = "A file is written and run"
    severity    = high
    mitre       = ["T1105", "T1204.002"]
    by          = unit
    openat { flags & O_CREAT, pathname == "/srv/payload", $file = pathname }
    execve { filename == $file }
}
'''
UNITS = {
    'execrayd-e2e.service': '''
[Service]
Type=notify
ExecStart=/opt/execrayd/%s --policies /opt/e2e/policies --output journal
ExecReload=/bin/sh -c 'kill -HUP $$MAINPID'
''' % os.path.basename(EXECRAYD),
    'attacker.service': '''
[Service]
Type=oneshot
SyslogIdentifier=attacker
ExecStart=/bin/sh -c 'echo here I am; cp /bin/true /srv/payload; /srv/payload --password hunter2; rm /srv/payload'
''',
    'bystander.service': '''
[Service]
Type=oneshot
ExecStart=/bin/true
''',
}
# In the booted system. What it finds out is judged outside.
INSIDE = '''
cd /opt/e2e
echo booted
systemctl start execrayd-e2e.service || journalctl -u execrayd-e2e.service --no-pager
systemctl show -p ActiveState -p StatusText execrayd-e2e.service > started
systemctl start attacker.service bystander.service
for i in $(seq 100); do
        journalctl --sync
        journalctl -q -a -o json -u attacker.service -t execrayd > unit
        [ ! -s unit ] || break
        sleep 0.1
done
journalctl -q -a -o json -u attacker.service > all
journalctl -q -a -o json -t execrayd -p err > identifier
journalctl -q -a -o json -u bystander.service -t execrayd > bystander
systemctl reload execrayd-e2e.service
for i in $(seq 100); do
        journalctl --sync
        journalctl -q -o cat -u execrayd-e2e.service > log
        ! grep -q Reloaded log || break
        sleep 0.1
done
systemctl stop execrayd-e2e.service
journalctl -q -o cat -u execrayd-e2e.service > log
systemctl show -p ActiveState -p Result -p ExecMainStatus execrayd-e2e.service > stopped
echo done
'''


def entries(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_service_tells_what_another_one_did_in_the_journal_of_that_unit(place):
    place.policy('p', POLICY)
    read = booted.play(place, INSIDE, UNITS)
    expect_in('ActiveState=active', read('started'), 'the state of the service')
    expect_in('1 policies', read('started'), 'what the service says of itself')

    found = entries(read('unit'))
    expect_equal([e.get('EXECRAY_POLICY') for e in found], ['dropped'], 'what journalctl finds by unit; the log is %s' % read('log'))
    entry = found[0]
    for name, value in (('PRIORITY', '3'), ('SYSLOG_IDENTIFIER', 'execrayd'), ('EXECRAY_SEVERITY', 'high'), ('EXECRAY_BY', 'unit'),
                        ('EXECRAY_UNIT', 'attacker.service'), ('OBJECT_SYSTEMD_UNIT', 'attacker.service'),
                        ('_SYSTEMD_UNIT', 'execrayd-e2e.service'), ('EXECRAY_EXE', '/srv/payload'),
                        ('EXECRAY_TECHNIQUE', ['T1105', 'T1204.002'])):
        expect_equal(entry.get(name), value, name)
    expect_equal(entry['OBJECT_PID'], entry['EXECRAY_PID'], 'OBJECT_PID')
    expect(entry['MESSAGE'].startswith('dropped: A file is written and run'), 'the message: %r' % entry['MESSAGE'])
    alert = json.loads(entry['EXECRAY_ALERT'])
    expect_equal((alert['policy'], alert['process']['unit'], len(alert['steps'])), ('dropped', 'attacker.service', 2), 'the alert')
    expect('hunter2' not in read('unit'), 'a secret is told')

    expect_equal([e['SYSLOG_IDENTIFIER'] for e in entries(read('all')) if e['SYSLOG_IDENTIFIER'] in ('attacker', 'execrayd')],
                 ['attacker', 'execrayd'], 'who speaks in the journal of the unit')
    expect_equal([e.get('EXECRAY_POLICY') for e in entries(read('identifier'))], ['dropped'], 'what journalctl finds by identifier')
    expect_equal(read('bystander'), '', 'what journalctl finds by another unit')

    expect_in('Reloaded', read('log'), 'the log')
    expect_in('alerts: 1 told', read('log'), 'the summary')
    for state in ('ActiveState=inactive', 'Result=success', 'ExecMainStatus=0'):
        expect_in(state, read('stopped').split(), 'the state of the service at the end')


if __name__ == '__main__':
    booted.need()
    main(globals())

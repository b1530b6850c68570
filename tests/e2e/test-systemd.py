#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real systemd with its journald, on the running kernel: execrayd is a service there, the attacker another, and the alert is in
the journal of the attacker's unit.

The system is this machine's own, booted a second time with systemd-nspawn: its root below, a file system in memory on top, units of
our own, no network. It has namespaces and a cgroup for itself, and all of it is gone afterwards.

This program is started twice: by the test runner, and, as `... boot DIR`, in the namespaces."""
import json
import os
import subprocess
import sys
import time

from harness import EXECRAYD, ROOT, Failure, expect, expect_equal, expect_in, main, skip

SYSTEMD = '/usr/lib/systemd/systemd'
SECONDS = 90

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
    'e2e.service': '''
[Unit]
After=basic.target systemd-journald.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=exec
ExecStart=/bin/sh /opt/e2e/inside
StandardOutput=file:/opt/e2e/said
StandardError=inherit
TimeoutStopSec=5
''',
    'e2e.target': '''
[Unit]
Requires=basic.target
After=basic.target
Wants=e2e.service
AllowIsolate=yes
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


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


def mount(*arguments):
    subprocess.run(('mount',) + arguments, check=True)


def boot(directory):
    """In namespaces of our own: put the root together and start it."""
    subprocess.run(['umount', '-l', '/sys/fs/cgroup'], check=False, stderr=subprocess.DEVNULL)
    mount('-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup')
    work = os.path.join(directory, 'work')
    os.mkdir(work)
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', work)
    for name in ('upper', 'overlay', 'root'):
        os.mkdir(os.path.join(work, name), 0o755)
    units = os.path.join(work, 'upper/etc/systemd/system')
    for name, text in UNITS.items():
        write(os.path.join(units, name), text)
    os.symlink('e2e.target', os.path.join(units, 'default.target'))
    for name in ('opt/e2e', 'opt/execrayd', 'srv', 'run'):
        os.makedirs(os.path.join(work, 'upper', name), exist_ok=True)
    root = os.path.join(work, 'root')
    mount('-t', 'overlay', '-o', 'lowerdir=/,upperdir=%s,workdir=%s' % (os.path.join(work, 'upper'), os.path.join(work, 'overlay')),
          'overlay', root)
    # No machined and no systemd out here to ask; what is watched is the kernel, so nothing of it may be filtered away.
    os.environ.update(SYSTEMD_NSPAWN_UNIFIED_HIERARCHY='1', SYSTEMD_NSPAWN_API_VFS_WRITABLE='1')
    os.execvp('systemd-nspawn', [
        'systemd-nspawn', '--quiet', '--directory=' + root, '--boot', '--register=no', '--keep-unit', '--link-journal=no',
        '--resolv-conf=off', '--timezone=off', '--machine=execray-e2e-%d' % os.getpid(), '--private-network', '--capability=all',
        '--system-call-filter=@known', '--console=read-only', '--bind=%s:/opt/e2e' % directory,
        '--bind-ro=%s:/opt/execrayd' % os.path.dirname(EXECRAYD)])


class Cgroup:
    """One of our own, for the booted system to make its own below; all that is left in it is killed at the end."""

    def __init__(self):
        with open('/proc/mounts') as mounts:
            places = [line.split()[1] for line in mounts if line.split()[2] == 'cgroup2']
        if not places:
            skip('no cgroup hierarchy v2 is mounted here')
        self.path = os.path.join(places[0], 'execray-e2e-%d' % os.getpid())

    def __enter__(self):
        try:
            os.mkdir(self.path)
        except OSError as e:
            skip('no cgroup can be made here: %s' % e)
        return self

    def join(self):
        with open(os.path.join(self.path, 'cgroup.procs'), 'w') as f:
            f.write(str(os.getpid()))

    def __exit__(self, *_):
        for _ in range(50):
            try:
                with open(os.path.join(self.path, 'cgroup.kill'), 'w') as f:
                    f.write('1')
                for directory, _, _ in os.walk(self.path, topdown=False):
                    os.rmdir(directory)
                return
            except OSError:
                time.sleep(0.1)


def boot_and_play(place):
    """What was said in there, by name."""
    place.policy('p', POLICY)
    place.write('inside', INSIDE)
    with Cgroup() as cgroup, open(place.join('console'), 'wb') as console:
        process = subprocess.Popen(['unshare', '--mount', '--cgroup', '--pid', '--fork', '--kill-child', '--mount-proc',
                                    '--propagation', 'private', sys.executable, os.path.abspath(__file__), EXECRAYD, 'none', ROOT,
                                    'boot', place.path], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                   preexec_fn=cgroup.join)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def read(name):
        try:
            with open(place.join(name), errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    said = read('said')
    if 'booted' not in said:
        skip('systemd does not boot in a container here: %s' % ' / '.join(read('console').strip().splitlines()[-3:]))
    if 'done' not in said.split():
        raise Failure('it did not come to its end:\n%s\n%s' % (said, read('console')[-2000:]))
    return read


def entries(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_service_tells_what_another_one_did_in_the_journal_of_that_unit(place):
    read = boot_and_play(place)
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
    if sys.argv[4:5] == ['boot']:
        boot(sys.argv[5])
    for program in ('/usr/bin/systemd-nspawn', SYSTEMD, '/usr/bin/journalctl'):
        if os.geteuid() == 0 and not os.path.exists(program):
            skip('%s is not installed (package systemd-container)' % program)
    main(globals())

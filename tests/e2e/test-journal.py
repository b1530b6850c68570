#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts in the journal: once a socket of our own stands in for journald's and reads the native protocol, once the real journald runs,
both in a mount namespace of their own with an empty /run.

This program is started twice: by the test runner, and, as `... inside DIR` or `... real DIR`, in the namespace."""
import array
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from harness import EXECRAYCTL, EXECRAYD, JOURNAL_SOCKET, ROOT, Daemon, expect, expect_equal, expect_in, main, run, sh

JOURNALD = '/usr/lib/systemd/systemd-journald'
POLICY = '''
path "dropped" {
    description = "A file is written and run"
    severity    = %(severity)s
    mitre       = ["T1105", "T1204.002"]
    suppress    = 0s
    openat { flags & O_CREAT, pathname == "%(dir)s/payload", $file = pathname }
    execve { filename == $file }
}
'''


def play(directory, *arguments):
    return int(sh('echo $$; cp /bin/true "$1/payload"; d=$1; shift; "$d/payload" "$@"; rm "$d/payload"', directory, *arguments))


def parse(data):
    """The native protocol: NAME=value LF, or NAME LF length value LF."""
    fields = {}
    while data:
        line, _, rest = data.partition(b'\n')
        if b'=' in line:
            name, _, value = line.partition(b'=')
            data = rest
        else:
            name = line
            length = struct.unpack('<Q', rest[:8])[0]
            value, data = rest[8:8 + length], rest[8 + length + 1:]
        fields.setdefault(name.decode(), []).append(value)
    return fields


def receive(server, seconds):
    """One entry; large ones come as a memory file."""
    server.settimeout(seconds)
    data, ancillary, _, _ = server.recvmsg(1 << 20, socket.CMSG_LEN(4))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fd = array.array('i', content)[0]
            data = os.pread(fd, 1 << 24, 0)
            os.close(fd)
    return parse(data)


def inside(directory):
    """In the namespace: be journald, start the daemon, play, and print what came as JSON."""
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run/systemd'], check=True)
    os.makedirs(os.path.dirname(JOURNAL_SOCKET))
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(JOURNAL_SOCKET)
    os.chmod(JOURNAL_SOCKET, 0o666)

    log = open(os.path.join(directory, 'log'), 'wb')
    daemon = subprocess.Popen([EXECRAYD, '--policies', os.path.join(directory, 'policies'), '--output', 'journal'],
                              stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    entries, shells = [], []
    try:
        end = time.monotonic() + 20
        while b'watching;' not in open(log.name, 'rb').read():
            if time.monotonic() > end or daemon.poll() is not None:
                raise RuntimeError('the daemon did not start: %r' % open(log.name, 'rb').read())
            time.sleep(0.02)
        for arguments in (['--password', 'hunter2', 'a\nb\x1b[2J'], ['x' * 100000]):
            shells.append(play(directory, *arguments))
            entries.append(receive(server, 10))

        # journald goes away: the alert is counted as not delivered.
        server.close()
        os.unlink(JOURNAL_SOCKET)
        play(directory)
        time.sleep(0.5)
    finally:
        if daemon.poll() is None:
            daemon.send_signal(signal.SIGTERM)
        status = daemon.wait(20)
    text = open(log.name, 'rb').read().decode(errors='replace')
    print(json.dumps({
        'daemon': daemon.pid, 'shells': shells, 'status': status, 'log': text,
        'entries': [{k: [v.decode('utf-8', errors='surrogateescape') for v in values] for k, values in e.items()} for e in entries],
    }))


def unit_directory():
    """Where the daemon looks for the cgroups of units (daemon/capture/hierarchy.c): systemd's own hierarchy, or the one for all if there
    are groups in it."""
    named = unified = None
    with open('/proc/mounts') as mounts:
        for line in mounts:
            _, where, kind, options = line.split()[:4]
            if kind == 'cgroup' and 'name=systemd' in options.split(','):
                named = named or where
            if kind == 'cgroup2':
                unified = unified or where
    in_use = unified and any(os.path.isdir(os.path.join(unified, name)) for name in os.listdir(unified))
    return unified if in_use else named or unified


def real(directory):
    """In the namespace: the real journald; the attacker is in a unit."""
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'], check=True)
    os.makedirs('/run/systemd/journal')
    os.makedirs('/run/log/journal')
    subprocess.run(['mount', '--bind', '/dev/null', '/dev/kmsg'], check=True)       # the kernel's log is none of our business
    with open('/run/journald.conf', 'w') as f:
        f.write('[Journal]\nAudit=no\nReadKMsg=no\nForwardToSyslog=no\nForwardToWall=no\nStorage=volatile\n')
    if os.path.exists('/etc/systemd/journald.conf'):
        subprocess.run(['mount', '--bind', '/run/journald.conf', '/etc/systemd/journald.conf'], check=True)
    unit = os.path.join(unit_directory(), 'system.slice', 'execray-e2e-%d.service' % os.getpid())
    os.makedirs(unit)
    log = open(os.path.join(directory, 'log'), 'wb')
    journald = subprocess.Popen([JOURNALD], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemon = None
    try:
        end = time.monotonic() + 20
        while not os.path.exists(JOURNAL_SOCKET) and time.monotonic() < end:
            time.sleep(0.02)
        daemon = subprocess.Popen([EXECRAYD, '--policies', os.path.join(directory, 'policies'), '--output', 'journal',
                                   '--exit-after-alerts', '1'], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while b'watching;' not in open(log.name, 'rb').read():
            if time.monotonic() > end or daemon.poll() is not None:
                raise RuntimeError('the daemon did not start: %r' % open(log.name, 'rb').read())
            time.sleep(0.02)
        subprocess.run(['/bin/sh', '-c', 'echo $$ > "$2/cgroup.procs"; cp /bin/true "$1/payload"; "$1/payload"; rm "$1/payload"',
                        'sh', directory, unit], check=True)
        daemon.wait(20)
        subprocess.run(['journalctl', '--sync'], check=False, stderr=subprocess.DEVNULL)
        answer = {}
        for name, words in (('unit', ['-u', os.path.basename(unit)]), ('identifier', ['-t', 'execrayd', '-p', 'err']),
                            ('other', ['-u', 'execray-nothing.service'])):
            out = subprocess.run(['journalctl', '-D', '/run/log/journal', '-o', 'json', '--all', '--no-pager', '-q'] + words,
                                 check=True, capture_output=True).stdout
            answer[name] = [json.loads(line) for line in out.decode().splitlines()]
        print(json.dumps(answer))
    finally:
        for process in (daemon, journald):
            if process and process.poll() is None:
                process.terminate()
                process.wait(20)
        os.rmdir(unit)


def in_namespace(place, how='inside'):
    if not os.path.isdir('/run/systemd'):
        os.mkdir('/run/systemd', 0o755)
    _, out, _ = run('unshare', '--mount', '--propagation', 'private', sys.executable, os.path.abspath(__file__), EXECRAYD, EXECRAYCTL,
                    ROOT, how, place.path, status=0, timeout=90)
    return json.loads(out.decode())


def test_an_alert_is_one_entry_with_its_fields(place):
    place.policy('p', POLICY % {'dir': place.path, 'severity': 'critical'})
    found = in_namespace(place)
    expect_equal(found['status'], 0, 'the exit status of the daemon')
    entry = found['entries'][0]

    def one(name):
        expect(name in entry, 'there is no field %s in %r' % (name, sorted(entry)))
        expect_equal(len(entry[name]), 1, 'how often %s comes' % name)
        return entry[name][0]

    alert = json.loads(one('EXECRAY_ALERT'))
    with open(os.path.join(ROOT, 'daemon/report/message-ids.h')) as f:
        ids = f.read()
    expect_in(one('MESSAGE_ID'), ids, 'the list of message ids')
    expect_equal(one('PRIORITY'), '2', 'PRIORITY')
    expect_equal(one('SYSLOG_IDENTIFIER'), 'execrayd', 'SYSLOG_IDENTIFIER')
    expect_equal(one('OBJECT_PID'), str(alert['process']['pid']), 'OBJECT_PID')
    expect_equal(one('EXECRAY_PID'), str(alert['process']['pid']), 'EXECRAY_PID')
    expect_equal(alert['ancestors'][0]['pid'], found['shells'][0], 'the parent of the actor')
    expect_equal(one('EXECRAY_POLICY'), 'dropped', 'EXECRAY_POLICY')
    expect_equal(one('EXECRAY_SEVERITY'), 'critical', 'EXECRAY_SEVERITY')
    expect_equal(entry['EXECRAY_TECHNIQUE'], ['T1105', 'T1204.002'], 'EXECRAY_TECHNIQUE')
    expect_equal(one('EXECRAY_EXE'), place.join('payload'), 'EXECRAY_EXE')
    expect_equal(one('EXECRAY_UID'), '0', 'EXECRAY_UID')
    expect_equal(one('EXECRAY_NUMBER'), '1', 'EXECRAY_NUMBER')

    message = one('MESSAGE').split('\n')
    expect_in('dropped: A file is written and run', message[0], 'the first line of the message')
    expect(any('openat' in line for line in message) and any('execve' in line for line in message), 'the story: %r' % message)

    for name, values in entry.items():
        for value in values:
            expect('hunter2' not in value, 'a secret in %s' % name)
            expect(all(ord(c) >= 32 or (c == '\n' and name == 'MESSAGE') for c in value), 'control bytes in %s: %r' % (name, value))
    expect(all(not n.startswith('CODE_') for n in entry), 'places in our sources are told: %r' % sorted(entry))

    # Every field is documented.
    with open(os.path.join(ROOT, 'docs/JOURNAL.md')) as f:
        docs = f.read()
    for name in entry:
        expect_in('`%s`' % name, docs, 'docs/JOURNAL.md')


def test_a_large_alert_comes_whole(place):
    place.policy('p', POLICY % {'dir': place.path, 'severity': 'low'})
    found = in_namespace(place)
    alert = json.loads(found['entries'][1]['EXECRAY_ALERT'][0])
    expect_equal(found['entries'][1]['PRIORITY'], ['5'], 'PRIORITY')
    expect_equal(alert['number'], 2, 'the number')
    expect(alert['process'].get('cut') == ['args'], 'the arguments are cut and say so: %r' % alert['process'].get('cut'))


def test_a_journal_that_went_away_is_counted(place):
    place.policy('p', POLICY % {'dir': place.path, 'severity': 'low'})
    found = in_namespace(place)
    expect_in('Cannot send an alert to the journal', found['log'], 'the log')
    expect_in('1 NOT DELIVERED', found['log'], 'the summary')


def test_journalctl_finds_the_alert_by_unit_and_identifier(place):
    if not os.path.exists(JOURNALD) or not unit_directory():
        print('        (no journald or no cgroups here)')
        return
    place.policy('p', POLICY % {'dir': place.path, 'severity': 'high'})
    found = in_namespace(place, 'real')
    for name in ('unit', 'identifier'):
        expect_equal([e.get('EXECRAY_POLICY') for e in found[name]], ['dropped'], 'what journalctl finds by ' + name)
        expect(found[name][0]['MESSAGE'].startswith('dropped: A file is written and run'), 'the message: %r' % found[name][0]['MESSAGE'])
        json.loads(found[name][0]['EXECRAY_ALERT'])
    expect(found['unit'][0]['EXECRAY_UNIT'].startswith('execray-e2e-'), 'the unit: %r' % found['unit'][0]['EXECRAY_UNIT'])
    expect_equal(found['other'], [], 'what journalctl finds by another unit')


def test_without_journald_it_is_said_once(place):
    if os.path.exists(JOURNAL_SOCKET):
        return
    place.policy('p', POLICY % {'dir': place.path, 'severity': 'low'})
    with Daemon(place, output='json,journal') as daemon:
        for _ in range(3):
            play(place.path)
        daemon.wait_alert('dropped', 3)
        text = daemon.stop()
        expect_equal(text.count('journald'), 1, 'how often the log speaks of journald')
        expect('NOT DELIVERED' not in text, 'nothing is missing where nothing was promised: %s' % text)


if __name__ == '__main__':
    if sys.argv[4:5] == ['inside']:
        inside(sys.argv[5])
    elif sys.argv[4:5] == ['real']:
        real(sys.argv[5])
    else:
        main(globals())

# SPDX-License-Identifier: Apache-2.0
"""In the booted machine: every alert arrives at the other end, whatever is restarted meanwhile.

systemd-journal-upload of systemd 252 begins again with the entry that it sent last, so that comes twice. The two are the same in every
byte: whoever takes alerts by host, boot and number has each once, and that is what is asked here."""
import gzip
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(sys.argv[3], 'e2e'))

from harness import Failure, expect, expect_equal, main, run

REMOTE, UPLOAD = 'systemd-journal-remote.service', 'systemd-journal-upload.service'
ALERT = 'MESSAGE_ID=ab0dcd2ab4bd459fae22d09a59805776'
MADE = '''path "made" {
    description = "A file is made"
    severity    = high
    suppress    = 0s
    openat { flags & O_CREAT, pathname == "/srv/fleet/made" }
}
'''
PLAINTEXT = '''[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-journal-remote --listen-http=-3 --output=/var/log/journal/remote/
'''


def text(*command):
    return run(*command, status=0)[1].decode(errors='replace')


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(content)


def entries(*where):
    return [json.loads(line) for line in text('journalctl', '-q', '-a', '-o', 'json', *where, ALERT, 'EXECRAY_POLICY=made').splitlines()]


def numbers(*where):
    return [int(e['EXECRAY_NUMBER']) for e in entries(*where)]


def arrived():
    return numbers('-D', '/var/log/journal/remote') if os.path.isdir('/var/log/journal/remote') else []


def make(n):
    """So many alerts, and all of them in the journal here."""
    run('journalctl', '--sync')
    before = len(numbers())
    for _ in range(n):
        with open('/srv/fleet/made', 'w'):
            pass
        os.unlink('/srv/fleet/made')
    end = time.monotonic() + 15
    while len(numbers()) < before + n:
        if time.monotonic() > end:
            raise Failure('%d alerts of %d' % (len(numbers()) - before, n))
        time.sleep(0.1)
        run('journalctl', '--sync')


def expect_arrived(twice=0):
    """All, and at most so many more than once."""
    wanted = numbers()
    end = time.monotonic() + 20
    while len(set(arrived())) < len(wanted) and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(0.5)                     # for what may come twice
    found = entries('-D', '/var/log/journal/remote')
    once = {(e['_MACHINE_ID'], e['_BOOT_ID'], e['EXECRAY_NUMBER']): e['EXECRAY_ALERT'] for e in found}
    missing = set(wanted) - {int(number) for _machine, _boot, number in once}
    expect(not missing, 'alerts did not arrive: %s; the log:\n%s' % (sorted(missing), text(
        'journalctl', '-q', '-o', 'cat', '-n', '30', '-u', REMOTE, '-u', UPLOAD)))
    expect_equal(len(once), len(wanted), 'the number of alerts, each once')
    expect(all(once[e['_MACHINE_ID'], e['_BOOT_ID'], e['EXECRAY_NUMBER']] == e['EXECRAY_ALERT'] for e in found), 'two of a number differ')
    expect(len(found) - len(once) <= twice, '%d came twice' % (len(found) - len(once)))


def test_alerts_arrive_once_with_the_host_that_they_are_of(_):
    write('/etc/execrayd/policies/made.policy', MADE)
    write('/etc/systemd/journal-upload.conf', '[Upload]\nURL=http://127.0.0.1:19532\n')
    write('/etc/systemd/system/systemd-journal-remote.service.d/test.conf', PLAINTEXT)
    os.makedirs('/var/log/journal/remote', exist_ok=True)
    run('chown', 'systemd-journal-remote:systemd-journal-remote', '/var/log/journal/remote', status=0)
    run('ip', 'link', 'set', 'lo', 'up')
    text('systemctl', 'daemon-reload')
    text('systemctl', 'start', 'execrayd.service', 'systemd-journal-remote.socket', UPLOAD)
    os.makedirs('/srv/fleet', exist_ok=True)
    make(20)
    expect_arrived()
    entry = entries('-D', '/var/log/journal/remote')[0]
    with open('/etc/machine-id') as f:
        machine = f.read().strip()
    host = json.loads(entry['EXECRAY_ALERT'])['host']
    expect_equal((entry['_MACHINE_ID'], host['machine_id']), (machine, machine), 'the machine')
    # nspawn shows a boot id of its own, which the service's /proc does not.
    expect_equal((entry['_HOSTNAME'], len(host['boot_id'])), (host['name'], 32), 'name, and an id of the boot')


def test_the_other_end_is_restarted(_):
    make(10)
    text('systemctl', 'restart', REMOTE)
    make(10)
    expect_arrived(1)


def test_this_end_is_restarted(_):
    make(10)
    text('systemctl', 'restart', UPLOAD)
    make(10)
    expect_arrived(2)


def test_the_other_end_is_away_for_a_while(_):
    text('systemctl', 'stop', 'systemd-journal-remote.socket', REMOTE)
    make(10)
    time.sleep(2)
    text('systemctl', 'start', 'systemd-journal-remote.socket')
    make(10)
    expect_arrived(20)


def test_how_large_an_alert_is(_):
    """No more than docs/FLEET.md reckons with."""
    os.makedirs('/srv/story', exist_ok=True)
    run('cp', '/bin/sh', '/srv/story/curl', status=0)
    run('/bin/sh', '-c', '/srv/story/curl -c \'echo "#!/bin/sh" > /srv/story/x\'; chmod +x /srv/story/x; /srv/story/x', status=0)
    end = time.monotonic() + 10
    story = b''
    while not story and time.monotonic() < end:
        time.sleep(0.2)
        run('journalctl', '--sync')
        story = run('journalctl', '-q', '-n1', '-o', 'export', ALERT, 'EXECRAY_POLICY=dropped_and_run')[1]
    one = run('journalctl', '-q', '-n1', '-o', 'export', ALERT, 'EXECRAY_POLICY=made', status=0)[1]
    sizes = {'one step': len(one), 'three steps': len(story), 'three steps, gzip': len(gzip.compress(story))}
    print('# bytes of an alert as it is sent: %s' % sizes)
    expect(0 < len(story) < 24000, 'an alert of three steps has %d bytes' % len(story))


if __name__ == '__main__':
    main(globals())

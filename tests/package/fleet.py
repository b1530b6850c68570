# SPDX-License-Identifier: Apache-2.0
"""In the booted machine: every alert arrives at the other end, whatever is restarted meanwhile.

systemd-journal-upload of systemd 252 begins again with the entry that it sent last, so that comes twice. The two are the same in every
byte: whoever takes alerts by host, boot and number has each once, and that is what is asked here."""
import gzip
import http.client
import json
import os
import ssl
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
MANY = 1000                             # how many may come twice, if whoever sends is killed: they are told apart all the same
KEYS = '/etc/fleet'
CERTIFICATES = '''
umask 022
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem
for name in host collector; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout $name.key -out $name.csr
        echo subjectAltName=DNS:localhost > extensions
        openssl x509 -req -days 2 -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions -out $name.pem
done
chmod 644 *.key
'''
OURS = 'ServerKeyFile=%(k)s/%(n)s.key\nServerCertificateFile=%(k)s/%(n)s.pem\nTrustedCertificateFile=%(k)s/%(authority)s.pem\n'
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


def kill(unit):
    run('systemctl', 'kill', '--signal=KILL', unit, status=0)


def test_the_other_end_is_killed_in_the_middle(_):
    for _ in range(3):
        make(10)
        kill(REMOTE)
    make(10)
    expect_arrived(MANY)


def test_this_end_is_killed_in_the_middle(_):
    for _ in range(3):
        make(10)
        kill(UPLOAD)
    make(10)
    expect_arrived(MANY)


def stranger():
    """What the collector answers to one without a certificate; 999 if not even that."""
    connection = http.client.HTTPSConnection('localhost', 19532, timeout=10, context=ssl.create_default_context(cafile=KEYS + '/ca.pem'))
    try:
        connection.request('POST', '/upload', b'__CURSOR=x\nMESSAGE=forged\n\n', {'Content-Type': 'application/vnd.fdo.journal'})
        return connection.getresponse().status
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return 999
    finally:
        connection.close()


def upload_with(authority):
    write('/etc/systemd/journal-upload.conf', '[Upload]\nURL=https://localhost:19532\n' + OURS % {'k': KEYS, 'n': 'host', 'authority': authority})
    text('systemctl', 'restart', UPLOAD)


def test_over_tls_alerts_arrive_and_none_goes_to_a_collector_of_another_authority(_):
    os.makedirs(KEYS, exist_ok=True)
    run('sh', '-ec', CERTIFICATES, cwd=KEYS, status=0)
    write('/etc/systemd/journal-remote.conf', '[Remote]\n' + OURS % {'k': KEYS, 'n': 'collector', 'authority': 'ca'})
    write('/etc/systemd/system/systemd-journal-remote.service.d/test.conf', PLAINTEXT.replace('--listen-http=', '--listen-https='))
    text('systemctl', 'daemon-reload')
    text('systemctl', 'stop', UPLOAD, 'systemd-journal-remote.socket', REMOTE)
    text('systemctl', 'start', 'systemd-journal-remote.socket')
    before = set(arrived())
    upload_with('other')
    make(10)
    time.sleep(2)
    expect_equal(set(arrived()) - before, set(), 'what a collector got that upload cannot trust')
    upload_with('ca')
    make(10)
    kill(UPLOAD)
    make(10)
    expect_arrived(MANY)
    answer = stranger()
    said = text('journalctl', '-q', '-o', 'cat', '-u', REMOTE)
    if 'Certificate checking disabled' in said:     # Debian 12's is built so: docs/FLEET.md says what follows
        print('# journal-remote of this system looks at nobody\'s certificate')
    else:
        expect(answer >= 400, 'who has no certificate is answered %d; the log:\n%s' % (answer, said))


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

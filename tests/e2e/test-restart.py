#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is forbidden stays so while the daemon is restarted, exchanged for another version or has crashed, and not a moment longer than
somebody holds it. The test is the service manager: it holds what is stored. The address is a loopback one that nobody uses.

    test-restart.py EXECRAYD EXECRAYCTL ROOT"""
import array
import errno
import mmap
import os
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import Daemon, expect, expect_equal, expect_in, main

ADDRESS = '127.87.65.43'
CONFIG = 'deny:\n  addresses: [%s]\nresponse:\n  enforce: %s\ncontrol:\n  bus: no\n'
POLICIES = '''path "refused" {
    by       = process
    suppress = 0s
    verdict { enforced == "kernel", proc.name != "looper", $list = list, $rule = rule }
}
path "read_and_sent" {
    enforce  = deny
    by       = process
    suppress = 0s
    openat { pathname == "%s" }
    connect { daddr == 127.87.65.44 }
}
'''
CONNECT = '''import socket, sys
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect((sys.argv[1], 4711))
except OSError as e:
    sys.exit(e.errno)
'''
# How often it was let through, how often refused: counted where the test sees it.
LOOPER = '''import mmap, socket, sys
open('/proc/self/comm', 'w').write('looper')
f = open(sys.argv[1], 'r+b')
counts = memoryview(mmap.mmap(f.fileno(), 16)).cast('Q')
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        s.connect((sys.argv[2], 4711))
        counts[0] += 1
    except PermissionError:
        counts[1] += 1
'''
# Takes the first step of the story, and its last one whenever it is asked to.
TELLER = '''import socket, sys
open(sys.argv[1]).read()
print('read', flush=True)
for line in sys.stdin:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.87.65.44', 4711))
        print('connected', flush=True)
    except PermissionError:
        print('refused', flush=True)
'''
# Gives what is stored as systemd does: as descriptor 3 of a process that knows its own number.
GIVE = '''import os, sys
if int(sys.argv[1]) >= 0:
    os.dup2(int(sys.argv[1]), 3)
    os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='execrayd-capture', LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
'''


class Store:
    """The service manager's: it takes one descriptor, and gives it to the next process."""

    def __init__(self, place):
        self.path, self.fd = place.join('notify'), -1
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(16))
            fds = array.array('i')
            for _, _, data in control:
                fds.frombytes(data)
            if b'FDSTOREREMOVE=1' in text:
                self.let_go()
            if fds:
                self.fd = fds[0]

    def let_go(self):
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Service:
    def __init__(self, place):
        self.place, self.store, self.daemon = place, Store(place), None
        os.makedirs(place.join('run'))
        place.write('trigger', 'x')
        place.policy('restart', POLICIES % place.join('trigger'))

    def start(self, addresses=ADDRESS, enforce='yes', other=''):
        config = self.place.write('config.yaml', CONFIG % (addresses, enforce))
        if self.store.fd >= 0:
            os.set_inheritable(self.store.fd, True)
        self.daemon = daemon = Daemon(self.place, '--config', config, pass_fds=[self.store.fd] if self.store.fd >= 0 else [],
                                      wrapper=('env', 'RUNTIME_DIRECTORY=' + self.place.join('run'), 'NOTIFY_SOCKET=' + self.store.path, 'FDSTORE=512',
                                 'EXECRAYD_TEST_FINGERPRINT=' + other, sys.executable, '-c', GIVE, str(self.store.fd)))
        daemon.wait_for('watching;')
        return daemon

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.store.let_go()
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.process.kill()
            self.daemon.process.wait()


class Looper:
    def __init__(self, place):
        path = place.write('counts', '\0' * 16)
        with open(path, 'r+b') as f:
            self.memory = mmap.mmap(f.fileno(), 16)
        self.process = subprocess.Popen([sys.executable, '-c', LOOPER, path, ADDRESS])

    def counts(self):
        """Let through, refused."""
        return struct.unpack('QQ', self.memory[:])

    def expect_refused(self, what, n=2000):
        """So many more times from now on, and never let through."""
        begin, end = self.counts()[1], time.monotonic() + 30
        while self.counts()[1] < begin + n:
            expect(time.monotonic() < end, '%s: nothing is refused' % what)
            expect_equal(self.counts()[0], 0, '%s: how many were let through' % what)
            time.sleep(0.01)
        expect_equal(self.counts()[0], 0, '%s: how many were let through' % what)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def connect(address=ADDRESS):
    """The number of the process, and its exit status."""
    process = subprocess.Popen([sys.executable, '-c', CONNECT, address])
    return process.pid, process.wait()


def wait_refused(daemon, pid, list_word, rule):
    end = time.monotonic() + 20
    while True:
        found = [a for a in daemon.alerts() if a['policy'] == 'refused' and a['process']['pid'] == pid]
        if found:
            expect_equal(len(found), 1, 'how often it was told')
            return expect_equal([found[0]['captures'][word] for word in ('list', 'rule')], [list_word, rule], 'what was told')
        expect(time.monotonic() < end, 'nothing told that %d was refused:\n%s' % (pid, daemon.text()))
        time.sleep(0.05)


def test_what_is_forbidden_is_refused_all_the_time(place):
    with Service(place) as service:
        daemon = service.start()
        with Looper(place) as looper:
            looper.expect_refused('with a daemon')
            for how, other in (('restart', ''), ('upgrade', 'other'), ('crash', 'other'), ('downgrade', '')):
                if how == 'crash':
                    daemon.process.kill()
                    daemon.process.wait()
                else:
                    daemon.stop()
                looper.expect_refused(how + ', without a daemon')
                daemon = service.start('192.0.2.1, %s, 192.0.2.2' % ADDRESS, other=other)
                looper.expect_refused(how + ', with the next one')
            daemon.stop()
            looper.expect_refused('before less is forbidden')
            daemon = service.start('192.0.2.1')
            end = time.monotonic() + 20
            while looper.counts()[0] == 0:
                expect(time.monotonic() < end, 'what is forbidden no longer is refused')
                time.sleep(0.01)
            expect_equal(connect()[1], 0, 'connecting to what is no longer forbidden')
            expect_equal(connect('192.0.2.1')[1], errno.EPERM, 'connecting to what is')
            daemon.stop()


def test_what_was_refused_meanwhile_is_told_and_counted_once(place):
    with Service(place) as service:
        service.start('192.0.2.3, %s/32' % ADDRESS).stop()
        pid, status = connect()
        expect_equal(status, errno.EPERM, 'connecting while there is no daemon')
        daemon = service.start(ADDRESS)
        wait_refused(daemon, pid, 'addresses', ADDRESS + '/32')
        expect_in('forbidden: 1 calls refused,', daemon.stop(), 'the summary')

        # Verdicts of another version are counted.
        expect_equal(connect()[1], errno.EPERM, 'connecting while there is no daemon')
        daemon = service.start(ADDRESS, other='other')
        pid, status = connect()
        expect_equal(status, errno.EPERM, 'connecting')
        wait_refused(daemon, pid, 'addresses', ADDRESS)
        text = daemon.stop()
        expect_in('forbidden: 1 calls refused,', text, 'the summary')
        expect_in(' 1 not told', text, 'the summary')


def test_who_was_armed_is_so_over_a_restart(place):
    with Service(place) as service:
        daemon = service.start()
        teller = subprocess.Popen([sys.executable, '-c', TELLER, place.join('trigger')], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def say():
            teller.stdin.write('\n')
            teller.stdin.flush()
            return teller.stdout.readline().strip()
        try:
            expect_equal(teller.stdout.readline(), 'read\n', 'the first step')
            daemon.settle()
            daemon.stop()
            expect_equal(say(), 'refused', 'the last step while there is no daemon')
            daemon = service.start()
            alert = daemon.wait_alert('read_and_sent')
            expect_equal(alert.get('enforced'), 'refused', 'what the alert says')
            wait_refused(daemon, teller.pid, 'policies', 'read_and_sent')
            daemon.stop()
        finally:
            teller.kill()
            teller.wait()

        daemon = service.start()
        teller = subprocess.Popen([sys.executable, '-c', TELLER, place.join('trigger')], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            expect_equal(teller.stdout.readline(), 'read\n', 'the first step')
            daemon.settle()
            daemon.stop()
            daemon = service.start(other='other')
            expect_equal(say(), 'refused', 'the last step after an upgrade')
            expect_equal(daemon.wait_alert('read_and_sent').get('enforced'), 'refused', 'what the alert says')
            daemon.stop()
        finally:
            teller.kill()
            teller.wait()


def test_nothing_is_refused_when_nobody_holds_it_or_the_glass_is_broken(place):
    with Service(place) as service:
        service.start().stop()
        expect_equal(connect()[1], errno.EPERM, 'connecting while somebody holds it')
        service.store.let_go()
        expect_equal(connect()[1], 0, 'connecting when nobody does')

        service.start().stop()
        place.write('run/disarm', '')
        expect_equal(connect()[1], errno.EPERM, 'connecting before anybody can look')
        daemon = service.start()
        expect_equal(connect()[1], 0, 'connecting while the glass is broken')
        os.unlink(place.join('run/disarm'))
        daemon.wait_for('From now on the kernel refuses')
        expect_equal(connect()[1], errno.EPERM, 'connecting')
        daemon.stop()
        service.start(enforce='no').stop()
        expect_equal(connect()[1], 0, 'connecting while nothing is enforced')


if __name__ == '__main__':
    main(globals())

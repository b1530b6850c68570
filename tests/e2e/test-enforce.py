#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The last step of a story is refused, or ends who takes it, once the steps before it were seen. The address is nobody's (RFC 5737).

    test-enforce.py EXECRAYD EXECRAYCTL ROOT"""
import errno
import os
import shutil
import signal
import subprocess
import sys
import time

from harness import EXECRAYCTL, Daemon, expect, expect_equal, expect_in, main, run

POLICY = '''path "read_and_sent" {
    enforce  = %s
    by       = process
    suppress = 0s
    openat { pathname == "%s" }
    connect { daddr == 192.0.2.77 }
}
'''
CONFIG = 'response:\n  enforce: %s\n  storm: 1000\ncontrol:\n  bus: no\n'
STORY = '''import socket, sys, time
open(sys.argv[1]).read()
time.sleep(float(sys.argv[2]))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.77", 4711))
except OSError as e:
    sys.exit(e.errno)
if len(sys.argv) > 3:
    time.sleep(30)
'''


IMAGE = 'path "image" { enforce = deny  by = process  suppress = 0s  execve { exe == "%s" } }\n'
TRACER = 'path "tracer" { enforce = kill  by = process  suppress = 0s  ptrace { target.exe == "%s" } }\n'
TRACE = 'import ctypes, sys; ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0); print("on")'


def watch_for(place, policy, enforce):
    os.makedirs(place.join('run'), exist_ok=True)
    return Daemon(place, '--config', place.write('config.yaml', CONFIG % enforce), policies=place.write('enforce.policy', policy),
                  wrapper=('env', 'RUNTIME_DIRECTORY=' + place.join('run')))


def watch(place, how, enforce):
    place.write('trigger', 'x')
    return watch_for(place, POLICY % (how, place.join('trigger')), enforce)


def play(place, status):
    """Until the kernel knew of the first step before the second was taken: a process each."""
    end, pause = time.monotonic() + 30, 0.05
    while run(sys.executable, '-c', STORY, place.join('trigger'), str(pause))[0] != status:
        expect(time.monotonic() < end, 'the story never ends with %d' % status)
        pause = min(2 * pause, 2)


def wait_enforced(daemon, word):
    end = time.monotonic() + 10
    while word not in [alert.get('enforced') for alert in daemon.alerts()]:
        expect(time.monotonic() < end, 'no alert says that it was %s' % word)
        time.sleep(0.05)


def test_the_last_step_is_refused_or_the_last_only_if_the_configuration_says_so(place):
    with watch(place, 'deny', 'no') as daemon:
        play(place, 0)
        wait_enforced(daemon, 'would')

        place.write('config.yaml', CONFIG % 'yes')
        expect_in('Reloaded', daemon.reload(), 'the log')
        play(place, errno.EPERM)
        wait_enforced(daemon, 'refused')

        place.write('enforce.policy', POLICY % ('kill', place.join('trigger')))
        expect_in('Reloaded', daemon.reload(), 'the log')
        play(place, -signal.SIGKILL)
        wait_enforced(daemon, 'killed')

        # What the kernel could not decide is refused, and nothing changes.
        place.write('enforce.policy', 'path "read_and_sent" { enforce = kill connect { proc.name == "x" } }\n')
        expect_in('Not reloaded', daemon.reload(), 'the log')
        play(place, -signal.SIGKILL)
        expect_equal({alert['policy'] for alert in daemon.alerts()}, {'read_and_sent'}, 'the alerts')


def test_who_is_faster_than_the_kernel_hears_of_him_is_killed_late(place):
    with watch(place, 'kill', 'yes') as daemon:
        end = time.monotonic() + 30
        # At times the kernel is as fast, and kills.
        while 'late' not in [alert.get('enforced') for alert in daemon.alerts()]:
            expect(time.monotonic() < end, 'nobody is killed late')
            expect_equal(run(sys.executable, '-c', STORY, place.join('trigger'), '0', 'stay')[0], -signal.SIGKILL, 'how it ended')
        daemon.wait_for('ms after its last step')


SENT = 'path "sent" { enforce = deny  by = process  suppress = 0s  connect { daddr == 192.0.2.77 } }\n'
STORM = 'response:\n  enforce: yes\n  storm: %d\n  rate_process: %d\ncontrol:\n  bus: no\n'


def send(daemon, place, n):
    """One process, and what its alert, the n-th, says; its exit status."""
    status = run(sys.executable, '-c', STORY, place.join('trigger'), '0')[0]
    return status, daemon.wait_alert('sent', n)['enforced']


def test_a_policy_that_enforces_too_often_is_disarmed_until_somebody_arms_it_again(place):
    os.makedirs(place.join('run'))
    place.write('trigger', 'x')
    environment = ('env', 'RUNTIME_DIRECTORY=' + place.join('run'))
    with Daemon(place, '--config', place.write('config.yaml', STORM % (3, 60)), wrapper=environment,
                policies=place.write('sent.policy', SENT)) as daemon:
        for n in range(4):
            expect_equal(send(daemon, place, n + 1), (errno.EPERM, 'refused'), 'call %d' % (n + 1))
        daemon.wait_for("Policy 'sent' enforced more than 3 last steps in a minute: it is disarmed")
        for n in range(4, 7):
            expect_equal(send(daemon, place, n + 1), (0, 'would'), 'call %d' % (n + 1))

        # Of another name nothing changes.
        run(EXECRAYCTL, 'response', '--runtime', place.join('run'), 'rearm', 'other', status=0)
        expect_equal(send(daemon, place, 8), (0, 'would'), 'a call after another policy was armed')
        run(EXECRAYCTL, 'response', '--runtime', place.join('run'), 'rearm', 'sent', status=0)
        daemon.wait_for('is enforced again')
        for n in range(8, 12):
            expect_equal(send(daemon, place, n + 1), (errno.EPERM, 'refused'), 'call %d' % (n + 1))
        expect_equal(send(daemon, place, 13), (0, 'would'), 'a call after the second storm')

        # So does a reload.
        expect_in('Reloaded', daemon.reload(), 'the log')
        expect_equal(send(daemon, place, 14), (errno.EPERM, 'refused'), 'a call after the reload')


def test_who_would_be_killed_late_beyond_the_rate_lives_and_that_is_said(place):
    os.makedirs(place.join('run'))
    place.write('trigger', 'x')
    with Daemon(place, '--config', place.write('config.yaml', STORM % (1000, 0)), wrapper=('env', 'RUNTIME_DIRECTORY=' + place.join('run')),
                policies=place.write('enforce.policy', POLICY % ('kill', place.join('trigger')))) as daemon:
        end = time.monotonic() + 30
        while 'is not killed, more than 0 in a minute would be' not in daemon.text():
            expect(time.monotonic() < end, 'nobody is too many')
            expect_in(run(sys.executable, '-c', STORY, place.join('trigger'), '0')[0], (0, -signal.SIGKILL), 'how it ended')
            daemon.settle()
        expect('late' not in [alert.get('enforced') for alert in daemon.alerts()], 'somebody was killed late')
        expect_in('failed', [alert.get('enforced') for alert in daemon.alerts()], 'what the alerts say')


def test_a_program_is_refused_or_the_policy_is_told_that_this_kernel_cannot(place):
    own = shutil.copy('/bin/true', place.join('own'))
    with watch_for(place, IMAGE % own, 'yes') as daemon:
        status = run('/bin/sh', '-c', 'exec "$0"', own)[0]
        if "Policy 'image': the kernel cannot enforce it here: " in daemon.text():
            expect_equal(status, 0, 'what a program that cannot be refused ends with')
            wait_enforced(daemon, 'failed')
            place.write('config.yaml', CONFIG % 'yes' + 'deny: {fail: closed}\n')
            log = daemon.reload()
            expect_in('and deny.fail is closed', log, 'the log')
            expect_in('Not reloaded', log, 'the log')
        else:
            expect_equal(status, 126, 'what a program that is refused ends with')
            wait_enforced(daemon, 'refused')
            expect_equal(daemon.wait_alert('image')['steps'][0]['fields']['exe'], own, 'what was refused')


def test_who_attaches_to_a_process_is_killed_for_it(place):
    own = shutil.copy('/bin/sleep', place.join('own'))
    with watch_for(place, TRACER % own, 'no') as daemon:
        with subprocess.Popen([own, '600']) as target:
            try:
                expect_equal(run(sys.executable, '-c', TRACE, str(target.pid))[0], 0, 'how it ends where nothing is enforced')
                wait_enforced(daemon, 'would')
                place.write('config.yaml', CONFIG % 'yes')
                expect_in('Reloaded', daemon.reload(), 'the log')
                status, out = run(sys.executable, '-c', TRACE, str(target.pid))[:2]
                expect_equal(status, -signal.SIGKILL, 'how it ends')
                expect_equal(out, b'', 'what it did after that')
                wait_enforced(daemon, 'killed')
            finally:
                target.kill()


if __name__ == '__main__':
    main(globals())

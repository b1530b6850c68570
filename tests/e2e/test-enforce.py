#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The last step of a story is refused, or ends who takes it, once the steps before it were seen. The address is nobody's (RFC 5737).

    test-enforce.py EXECRAYD EXECRAYCTL ROOT"""
import errno
import os
import signal
import sys
import time

from harness import Daemon, expect, expect_equal, expect_in, main, run

POLICY = '''path "read_and_sent" {
    enforce  = %s
    by       = process
    suppress = 0s
    openat { pathname == "%s" }
    connect { daddr == 192.0.2.77 }
}
'''
CONFIG = 'response:\n  enforce: %s\ncontrol:\n  bus: no\n'
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


def watch(place, how, enforce):
    os.makedirs(place.join('run'), exist_ok=True)
    place.write('trigger', 'x')
    return Daemon(place, '--config', place.write('config.yaml', CONFIG % enforce),
                  policies=place.write('enforce.policy', POLICY % (how, place.join('trigger'))),
                  wrapper=('env', 'RUNTIME_DIRECTORY=' + place.join('run')))


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


if __name__ == '__main__':
    main(globals())

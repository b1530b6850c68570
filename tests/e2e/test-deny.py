#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is forbidden is refused when the configuration says so, and not a moment longer. The addresses are nobody's (RFC 5737).

    test-deny.py EXECRAYD EXECRAYCTL ROOT"""
import errno
import os
import signal
import sys
import time

from harness import EXECRAYD, EXECRAYCTL, ROOT, Daemon, expect, expect_equal, expect_in, main, run

CONFIG = 'deny:\n  addresses: [%s]\n  action: %s\nresponse:\n  enforce: %s\ncontrol:\n  bus: no\n'
CONNECT = '''import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.connect((sys.argv[1], 4711))
except OSError as e:
    sys.exit(e.errno)
'''


def connect(address):
    return run(sys.executable, '-c', CONNECT, address)[0]


def wait(address, status):
    """Until it comes to this; a process each."""
    end = time.monotonic() + 10
    while connect(address) != status:
        expect(time.monotonic() < end, 'connecting to %s does not come to %d' % (address, status))


def watch(place, addresses, enforce):
    """In a runtime directory of its own."""
    os.makedirs(place.join('run'), exist_ok=True)
    config = place.write('config.yaml', CONFIG % (addresses, 'refuse', enforce))
    return Daemon(place, '--config', config, policies=os.path.join(ROOT, 'policies', 'deny'),
                  wrapper=('env', 'RUNTIME_DIRECTORY=' + place.join('run')))


def test_what_is_forbidden_is_told_then_refused_and_not_while_the_glass_is_broken(place):
    with watch(place, '192.0.2.0/24', 'no') as daemon:
        expect_equal(connect('192.0.2.9'), 0, 'connecting while nothing is enforced')
        alert = daemon.wait_alert('forbidden_let_through')
        expect_equal(alert['captures']['rule'], '192.0.2.0/24', 'the rule')

        place.write('config.yaml', CONFIG % ('192.0.2.0/24, 198.51.100.7', 'refuse', 'yes'))
        expect_in('Reloaded', daemon.reload(), 'the log')
        expect_equal(connect('192.0.2.9'), errno.EPERM, 'connecting')
        expect_equal(connect('198.51.100.8'), 0, 'connecting to what is not listed')
        alert = daemon.wait_alert('forbidden_refused')
        expect_equal(alert['steps'][0]['fields']['enforced'], 'kernel', 'what was done')

        disarm = place.write('run/disarm', '')
        daemon.wait_for('nothing is refused, it is told what would be')
        expect_equal(connect('192.0.2.9'), 0, 'connecting while the glass is broken')
        os.unlink(disarm)
        wait('192.0.2.9', errno.EPERM)

        # Wrong lists change nothing, other lists do.
        place.write('config.yaml', CONFIG % ('192.0.2.0/99', 'refuse', 'yes'))
        expect_in('Not reloaded', daemon.reload(), 'the log')
        expect_in("'192.0.2.0/99' is no address", daemon.text(), 'the log')
        expect_equal(connect('192.0.2.9'), errno.EPERM, 'connecting')
        place.write('config.yaml', CONFIG % ('198.51.100.0/24', 'kill', 'yes'))
        expect_in('Reloaded', daemon.reload(), 'the log')
        expect_equal(connect('192.0.2.9'), 0, 'connecting to what is not listed any more')
        expect_equal(connect('198.51.100.9'), -signal.SIGKILL, 'connecting to what kills')
        expect_in('1 callers killed, 0 could not be, 2 would have been', daemon.stop(), 'the summary')


def test_a_wrong_list_at_the_start_is_an_error_of_the_configuration(place):
    config = place.write('config.yaml', CONFIG % ('nowhere', 'refuse', 'yes'))
    text = run(EXECRAYD, '--config', config, '--policies', os.path.join(ROOT, 'policies', 'deny'), status=7)[2].decode()
    expect_in("deny.addresses: 'nowhere' is no address and no network", text, 'the log')


if __name__ == '__main__':
    main(globals())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the daemon is woken: by capture.max_latency and what is urgent, not by how much happens.

    test-wake.py EXECRAYD EXECRAYCTL ROOT LOAD [SECONDS [BENCH_LIVE]]

With SECONDS given only figures are printed: context switches and processor time at 10,000 events a second, with BENCH_LIVE
how long alerts take meanwhile."""
import os
import re
import signal
import subprocess
import sys
import threading
import time

from harness import EXECRAYD, Daemon, Place, expect, main, run

LOAD = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else ''
SECONDS = float(sys.argv[5]) if len(sys.argv) > 5 else 0
LIVE = os.path.abspath(sys.argv[6]) if len(sys.argv) > 6 else ''
RATE = 10000
CONFIG = 'capture:\n  max_latency: %s\n  wake_urgent: %s\n  patient: %s\n'

# All opens and writes of the load leave the kernel; none of them may end a story.
WATCH = '''
path "watched" {
    description = "Opens and writes, of which no story comes"
    severity    = low
    openat { flags & O_WRONLY, pathname == "%(file)s" }
    write  { pathname == "%(file)s" }
    execve { filename == "/nonexistent/never" }
}
path "latency" {
    description = "A story of one event"
    severity    = low
    suppress    = 0s
    openat { flags & O_CREAT, pathname startswith "%(dir)s/latency-", $f = pathname }
}
'''


def usage(pid):
    """Context switches, those it asked for and those it suffered; seconds on a processor."""
    with open('/proc/%d/status' % pid) as f:
        text = f.read()
    with open('/proc/%d/schedstat' % pid) as f:
        ran = int(f.read().split()[0]) / 1e9
    return [int(re.search(r'^%s_ctxt_switches:\s+(\d+)' % sort, text, re.M).group(1)) for sort in ('voluntary', 'nonvoluntary')] + [ran]


def load(place, seconds):
    text = run(LOAD, 'events', place.join('watched'), str(seconds), str(RATE), '2', status=0, timeout=seconds * 3 + 60)[1].decode()
    made = {key: float(value) for key, value in (line.split() for line in text.splitlines())}
    return made['opens'] + made['writes']


def switches(place, latency, seconds, patient):
    """Events made a second, switches a second, share of a processor, what the summary says of the reader."""
    place.policy('watch', WATCH % {'file': place.join('watched'), 'dir': place.path})
    open(place.join('watched'), 'w').close()
    with Daemon(place, '--config', place.write('c.yaml', CONFIG % (latency, 'yes', patient))) as daemon:
        time.sleep(1.5)                 # it may still look at the host's packages
        before = usage(daemon.process.pid)
        made = load(place, seconds)
        after = usage(daemon.process.pid)
        text = daemon.stop(signal.SIGINT)
    reader = re.search(r'reader +(.*)', text).group(1)
    told = sum(int(n) for n in re.search(r'^execrayd:   events +.*$', text, re.M).group(0).replace(',', '').split() if n.isdigit())
    voluntary, forced, ran = (b - a for a, b in zip(before, after))
    expect(told >= made, 'only %d of %d events were told:\n%s' % (told, made, text))
    print('  max_latency %s, patient %s: %.0f events/s, %.0f context switches/s (and %.0f that others took), %.2f %% of a processor\n  %s'
          % (latency, patient, made / seconds, voluntary / seconds, forced / seconds, 100 * ran / seconds, reader))
    return made / seconds, voluntary / seconds


def test_ten_thousand_events_a_second_make_as_many_switches_as_max_latency_says_and_a_small_part_of_it_with_patience(place):
    rate, often = switches(place, '1ms', 4, 'no')
    expect(often < 1500, '%.0f switches a second' % often)
    _, seldom = switches(place, '1ms', 4, 'yes')
    expect(seldom < 150, '%.0f switches a second' % seldom)
    expect(rate < 0.5 * RATE or seldom < 0.5 * often, 'patience makes as many switches')


def latencies(place, latency, urgent, patient):
    """Percentiles of alerts, with the load beside."""
    place.policy('watch', WATCH % {'file': place.join('watched'), 'dir': place.path})
    open(place.join('watched'), 'w').close()
    reading, writing = os.pipe()
    daemon = subprocess.Popen([EXECRAYD, '--config', place.write('c.yaml', CONFIG % (latency, urgent, patient)), '--output', 'json', '--policies',
                               place.policies], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    while b'watching' not in daemon.stderr.readline():
        pass
    drain = threading.Thread(target=daemon.stderr.read)
    drain.start()
    beside = threading.Thread(target=load, args=(place, SECONDS))
    beside.start()
    result = subprocess.run([LIVE, 'latency', place.path, '200'], stdin=reading, stdout=subprocess.PIPE, timeout=300)
    beside.join()
    daemon.send_signal(signal.SIGINT)
    os.close(reading)
    daemon.wait()
    drain.join()
    print('  max_latency %s, wake_urgent %s, patient %s: %s' % (latency, urgent, patient, ', '.join(
        line for line in result.stdout.decode().splitlines() if 'first' not in line)))


if __name__ == '__main__':
    if SECONDS:
        with Place() as place:
            for latency, urgent, patient in (('1ms', 'yes', 'yes'), ('1ms', 'yes', 'no'), ('1ms', 'no', 'no'), ('10ms', 'yes', 'no')):
                if urgent == 'yes':
                    switches(place, latency, SECONDS, patient)
                if LIVE:
                    latencies(place, latency, urgent, patient)
    else:
        main(globals())

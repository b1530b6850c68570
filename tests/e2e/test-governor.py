#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The governor learns what watching costs, remembers it, says when it got worse, and tries whether an optimisation is to blame."""
import os
import re
import stat
import subprocess
import sys
import time

from harness import Daemon, expect, expect_equal, expect_in, main

POLICY = '''
path "watched" {
    description = "A story that begins often, and ends when the test says so"
    severity    = low
    by          = process
    within      = 10s
    openat { pathname startswith "%(dir)s/watched" }
    unlink { pathname == "%(dir)s/end" }
}
'''
# Impatient, so that few events share the cost of a wake-up and one takes more than the bound of 1 us.
CONFIG = 'performance: {governor: %s, governor_period: 500ms}\ncapture: {patient: no}\n'
# Some thousand events a second, as long as somebody reads what it says.
LOAD = '''
import os, sys, time
while os.getppid() == int(sys.argv[2]):
    for _ in range(15):
        os.close(os.open(sys.argv[1], os.O_RDONLY | os.O_CREAT))
    time.sleep(0.003)
'''


class Load:
    def __init__(self, place):
        self.process = subprocess.Popen([sys.executable, '-c', LOAD, place.join('watched'), str(os.getpid())],
                                        stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def governed(place, how='on'):
    config = place.write('config-%s.yaml' % how, CONFIG % how)
    os.makedirs(place.join('state'), exist_ok=True)
    return Daemon(place, '--config', config, wrapper=('env', 'STATE_DIRECTORY=' + place.join('state')))


def baseline(place):
    try:
        with open(place.join('state', 'baseline')) as f:
            return f.read()
    except FileNotFoundError:
        return ''


def learn(place):
    """Until a baseline with a figure for the cost under this load is there."""
    with governed(place) as daemon, Load(place):
        end = time.monotonic() + 40
        while not re.search(r'^cost \d+ \d+$', baseline(place), re.M):
            expect(time.monotonic() < end, 'nothing was learned in 40 s: %r\n%s' % (baseline(place), daemon.text()))
            time.sleep(0.1)
        return daemon.stop()


def end_story(place):
    for _ in range(2):
        os.close(os.open(place.join('watched-too'), os.O_RDONLY | os.O_CREAT))
    os.close(os.open(place.join('end'), os.O_RDONLY | os.O_CREAT))
    os.unlink(place.join('end'))


def test_what_was_learned_outlives_the_daemon_and_not_the_configuration(place):
    place.policy('p', POLICY % {'dir': place.path})
    log = learn(place)
    expect_in('latency from hook to engine: half of the events', log, 'the summary')
    expect_equal(stat.S_IMODE(os.stat(place.join('state', 'baseline')).st_mode), 0o600, 'the mode of the baseline')
    with governed(place) as daemon:
        expect('learning' not in daemon.stop(), 'the second start does not know what the first has learned')
    place.policy('q', 'path "q" {\n    description = "x"\n    severity = low\n    unlink { pathname == "/nowhere" }\n}\n')
    with governed(place) as daemon:
        expect_in('learning what they cost', daemon.stop(), 'the start with another policy')
    place.write('state/baseline', 'execrayd-baseline 1\nkey 1\ncost 0 1\ncost 0 2\n', mode=0o600)
    with governed(place) as daemon:
        expect_in('learning', daemon.stop(), 'the start with a damaged baseline')


def test_the_size_of_the_ring_outlives_the_daemon_within_its_bounds(place):
    place.policy('p', POLICY % {'dir': place.path})
    os.makedirs(place.join('state'))

    def begins(size, size_max, text):
        config = place.write('ring.yaml', 'capture: {ring_size: %s, ring_size_max: %s}\n' % (size, size_max))
        place.write('state/ring', text, mode=0o600)
        with Daemon(place, '--config', config, wrapper=('env', 'STATE_DIRECTORY=' + place.join('state'))) as daemon:
            log = daemon.stop()
        with open(place.join('state', 'ring')) as f:
            return log, f.read()

    log, kept = begins('64K', '1M', 'execrayd-ring 1\nbytes 262144\n')
    expect_in('ring: 256 KiB', log, 'the size that it had')
    expect_equal(kept, 'execrayd-ring 1\nbytes 262144\n', 'what is kept')
    log, kept = begins('512K', '1M', 'execrayd-ring 1\nbytes 262144\n')
    expect_in('ring: 512 KiB', log, 'a size below the bounds')
    expect_equal(kept, 'execrayd-ring 1\nbytes 524288\n', 'what is kept of another size')
    log, _ = begins('64K', '1M', 'execrayd-ring 9\nbytes 262144\n')
    expect_in('ring: 64 KiB', log, 'the size with a file of another version')
    expect_in('the ring begins with capture.ring_size', log, 'what is said of a file of another version')


def pretend(place):
    """As if an event had cost nothing before."""
    text = re.sub(r'^cost (\d+) \d+$', '', baseline(place), flags=re.M)
    lines = [line for line in text.splitlines() if line and line != 'end'] + ['cost %d 0' % rate for rate in range(8)]
    place.write('state/baseline', '\n'.join(lines) + '\nend\n', mode=0o600)


def test_what_got_worse_is_told_and_optimisations_are_tried_one_by_one(place):
    place.policy('p', POLICY % {'dir': place.path})
    learn(place)
    pretend(place)
    with governed(place) as daemon, Load(place):
        daemon.wait_for('The processor time for an event has got worse: ', 30)
        seen = 0
        for _ in range(2):
            log = daemon.wait_for('trying without capture.', 30, start=seen)
            which = re.search(r'trying without (capture\.\w+)', log[seen:])[1]
            end_story(place)            # nothing is missed meanwhile
            log = daemon.wait_for(which + ' ', 30, start=log.index('trying without ' + which) + 20)
            expect(re.search(which + r' (is on again, it was not the cause|makes it worse and is switched off)', log),
                   'the end of the trial is not told:\n' + log)
            seen = log.rindex(which)
        daemon.wait_alert('watched')
        n = len(set(re.findall(r'trying without (capture\.\w+)', daemon.text())))
        expect_equal(n, 2, 'the number of optimisations that were tried')
        log = daemon.stop()
    expect_in('times watching got worse, ', log, 'the summary')
    expect_in('dropped 0', log, 'the summary')


def test_who_only_observes_tells_and_tries_nothing(place):
    place.policy('p', POLICY % {'dir': place.path})
    learn(place)
    pretend(place)
    with governed(place, 'observe') as daemon, Load(place):
        daemon.wait_for('The processor time for an event has got worse: ', 30)
        time.sleep(2)
        expect('trying' not in daemon.stop(), 'it tries')
    with governed(place, 'off') as daemon, Load(place):
        time.sleep(3)
        log = daemon.stop()
        expect('worse' not in log and 'latency' not in log, 'it measures though it is off:\n' + log)


if __name__ == '__main__':
    main(globals())

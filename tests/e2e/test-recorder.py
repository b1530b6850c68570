#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What led to an alert is in a file that replays to the same alert, also when much has happened since the daemon was started."""
import json
import os
import re
import signal
import stat
import time

from harness import EXECRAYCTL, Daemon, Failure, expect, expect_equal, expect_in, main, run, sh

POLICY = '''
path "dropped" {
    description = "A file is written, made executable and run"
    severity    = high
    by          = tree
    within      = 1m
    suppress    = 0s
    openat { flags & O_CREAT, pathname == "%(dir)s/payload", $file = pathname }
    chmod  { mode & 0111, pathname == $file }
    execve { filename == $file }
}
path "removed" {
    description = "It is removed"
    severity    = low
    suppress    = 0s
    unlink { pathname == "%(dir)s/payload" }
}
path "read" {
    description = "For the crowd: many events that are nobody's story"
    severity    = low
    openat { pathname startswith "%(dir)s/crowd-", failed }
    unlink { pathname == "%(dir)s/never" }
}
'''
CONFIG = 'recorder: {memory: 256K, interval: %s, keep: %d%s}\nalerts: {packages: no, host: no}\n'


def play(place):
    sh('cat /bin/true > "$1/payload"; chmod 755 "$1/payload"; "$1/payload" --token s3cr3t; rm "$1/payload"', place.path)


def recording_daemon(place, interval='0s', keep=16, more=''):
    place.policy('p', POLICY % {'dir': place.path})
    os.makedirs(place.join('state'), exist_ok=True)
    config = place.write('config.yaml', CONFIG % (interval, keep, more))
    return Daemon(place, '--config', config, wrapper=('env', 'STATE_DIRECTORY=' + place.join('state')))


def recordings(place):
    directory = place.join('state', 'recordings')
    return sorted(os.path.join(directory, n) for n in os.listdir(directory)) if os.path.exists(directory) else []


def wait_recordings(place, n, seconds=10):
    end = time.monotonic() + seconds
    while len([r for r in recordings(place) if r.endswith('.recording')]) < n:
        if time.monotonic() > end:
            raise Failure('%d recordings are not there within %d s: %s' % (n, seconds, recordings(place)))
        time.sleep(0.02)
    return recordings(place)


def same(alert):
    """An alert without what only says which one of a life it is, as the replay is another life, and saves nothing."""
    return {k: v for k, v in alert.items() if k not in ('number', 'generation', 'recording')}


def replayed(place, path):
    out = run(EXECRAYCTL, 'replay', path, '--policies', place.policies, '--json', status=0)[1]
    return [json.loads(line) for line in out.decode().splitlines()]


def crowd(place, n=6000):
    """More than the backlog holds, by processes that come and go."""
    for part in range(3):
        child = os.fork()
        if child == 0:
            for i in range(n // 3):
                try:
                    os.open(place.join('crowd-%d-%d' % (part, i)), os.O_RDONLY)
                except FileNotFoundError:
                    pass
                if i % 100 == 0:
                    time.sleep(0.01)
            os._exit(0)
        os.waitpid(child, 0)


def test_what_led_to_an_alert_replays_to_the_same_alert(place):
    with recording_daemon(place) as daemon:
        play(place)
        alert = daemon.wait_alert('dropped')
        path = wait_recordings(place, 1)[0]
        daemon.wait_for("is saved in '%s'" % path)
        expect_equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'the mode of the recording')
        expect_equal(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700, 'the mode of its directory')
        expect_in('-alert-%d.recording' % alert['number'] if 'number' in alert else '-alert-', path, 'the name of the recording')
        expect_equal(alert['recording'], path, 'the recording that the alert names')
        found = replayed(place, path)
        expect_equal([a['policy'] for a in found], ['dropped'], 'the alerts of the replay')
        expect_equal(same(found[0]), same(alert), 'the alert of the replay')
        expect_in('recordings: 1 saved', daemon.stop(), 'the summary')


def test_after_a_crowd_the_recording_knows_who_ran_before_it(place):
    with recording_daemon(place) as daemon:
        crowd(place)
        play(place)
        alert = daemon.wait_alert('dropped')
        path = wait_recordings(place, 1)[0]
        expect(os.stat(path).st_size < 4 << 20, 'the recording has %d bytes' % os.stat(path).st_size)
        kinds = [line.split()[3] for line in run(EXECRAYCTL, 'dump', path, status=0)[1].decode(errors='replace').splitlines()]
        start = kinds.index('start')
        expect_equal(kinds[0], 'clock', 'the first record')
        expect(kinds[:start].count('process') > 1, 'no processes before the start')
        expect(100 < kinds.count('openat') < 6000, '%d of 6000 opens are kept' % kinds.count('openat'))
        found = replayed(place, path)
        expect_equal([a['policy'] for a in found], ['dropped'], 'the alerts of the replay')
        expect_equal(same(found[0]), same(alert), 'the alert of the replay')
        for verb in (('trace', path, '--kind', 'chmod'), ('why', path, '--path', 'dropped', '--policies', place.policies)):
            status, out, err = run(EXECRAYCTL, *verb)
            expect(status in (0, 1) and b'chmod' in out, '%s of the recording: %r %r' % (verb[0], out, err))
        daemon.stop()


def test_recordings_are_bounded_in_number_and_in_time(place):
    with recording_daemon(place, keep=2, more=', on_alert: low') as daemon:
        for n in range(4):
            play(place)
            daemon.wait_alert('removed', n + 1)
            time.sleep(1.1)             # names tell seconds
        expect(1 <= len(recordings(place)) <= 2, 'files: %s' % recordings(place))
        log = daemon.stop()
    saved = int(re.search(r'recordings: (\d+) saved', log)[1])
    expect(saved >= 4, 'saved: %d' % saved)

    for path in recordings(place):
        os.unlink(path)
    with recording_daemon(place, interval='1h') as daemon:
        for n in range(3):
            play(place)
            daemon.wait_alert('dropped', n + 1)
        daemon.wait_for("is saved in '%s'" % wait_recordings(place, 1)[0])
        expect_in('recordings: 1 saved, 2 left out', daemon.stop(), 'the summary')
        expect_equal(len(recordings(place)), 1, 'the number of recordings')


def test_on_demand_what_happened_is_saved_without_an_alert(place):
    with recording_daemon(place, more=', on_alert: off') as daemon:
        play(place)
        daemon.wait_alert('dropped')
        expect_equal(recordings(place), [], 'recordings though on_alert is off')
        daemon.process.send_signal(signal.SIGUSR2)
        daemon.wait_for('The last events are saved in ')
        path = wait_recordings(place, 1)[0]
        expect_equal(sorted(a['policy'] for a in replayed(place, path)), ['dropped', 'removed'], 'the alerts of the replay')
        daemon.stop()


def test_with_content_configured_a_recording_has_what_was_written(place):
    for content, wanted in (('capture: {content: 64}\n', True), ('', False)):
        with recording_daemon(place) as daemon:
            daemon.stop()
        place.policy('w', 'path "w" {\n    description = "x"\n    severity = high\n    suppress = 0s\n'
                          '    write { pathname == "%s" }\n}\n' % place.join('letter'))
        with open(place.join('config.yaml'), 'a') as f:
            f.write(content)
        with Daemon(place, '--config', place.join('config.yaml'),
                    wrapper=('env', 'STATE_DIRECTORY=' + place.join('state'))) as daemon:
            before = len(recordings(place))
            with open(place.join('letter'), 'w') as f:
                f.write('dear reader')
            daemon.wait_alert('w')
            path = wait_recordings(place, before + 1)[-1]
            dump = run(EXECRAYCTL, 'dump', path, status=0)[1]
            expect_equal(b'dear reader' in dump, wanted, 'whether the content is recorded with %r' % content)
            daemon.stop()
        time.sleep(1.1)                 # names tell seconds


def test_where_there_is_no_place_or_no_memory_it_says_so(place):
    with recording_daemon(place) as daemon:
        daemon.stop()
    config = place.write('off.yaml', 'recorder: {memory: 0}\n')
    with Daemon(place, '--config', config, wrapper=('env', 'STATE_DIRECTORY=' + place.join('state'))) as daemon:
        daemon.process.send_signal(signal.SIGUSR2)
        daemon.wait_for('Cannot save the last events: recorder.memory is 0')
        play(place)
        daemon.wait_alert('dropped')
        daemon.stop()
    expect_equal(recordings(place), [], 'recordings')


if __name__ == '__main__':
    main(globals())

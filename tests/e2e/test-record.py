#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recording replayed gives the alerts that came live, byte for byte the same each time, for anybody.

Where it does not matter what is recorded it is what the policies need: to leave every place alone again takes 15 s."""
import json
import os
import stat
import struct
import subprocess
import time

from harness import EXECRAYCTL, Daemon, Recorder, expect, expect_equal, expect_in, main, run, sh

POLICY = '''
path "dropped" {
    description = "A file is written, made executable and run"
    severity    = high
    by          = tree
    within      = 1m
    openat { flags & O_CREAT, pathname == "%(dir)s/payload", $file = pathname }
    chmod  { mode & 0111, pathname == $file }
    execve { filename == $file }
}
path "removed" {
    description = "It is removed"
    severity    = low
    unlink { pathname == "%(dir)s/payload" }
}
'''
MISSING, FOREIGN, BROKEN, VERSION = 10, 11, 12, 13


def play(place):
    sh('cat /bin/true > "$1/payload"; chmod 755 "$1/payload"; "$1/payload" --token s3cr3t-t0k3n; rm "$1/payload"', place.path)


def record(place, *arguments):
    path = place.join('recording')
    recorder = Recorder(path, *arguments)
    play(place)
    text = recorder.stop()
    expect_in('dropped 0', text, 'what the recorder says')
    return path


def replay(place, path, *arguments, **options):
    options.setdefault('status', 0)
    return run(EXECRAYCTL, 'replay', path, '--policies', place.policies, '--json', *arguments, **options)[1]


def test_a_recording_replayed_is_the_same_bytes_each_time_and_as_nobody(place):
    place.policy('p', POLICY % {'dir': place.path})
    path = record(place)
    expect_equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, 'the mode of the recording')

    first = replay(place, path)
    alerts = [json.loads(line) for line in first.decode().splitlines()]
    expect_equal(sorted(a['policy'] for a in alerts), ['dropped', 'removed'], 'the alerts')
    expect(b's3cr3t' not in first, 'a secret is told')
    for _ in range(2):
        expect(replay(place, path) == first, 'a second replay gives other bytes')
    os.chmod(path, 0o644)
    expect(replay(place, path, user='nobody') == first, 'nobody gets other bytes')
    with open(path, 'rb') as f:
        expect(replay(place, '-', data=f.read()) == first, 'standard input gives other bytes')

    text = run(EXECRAYCTL, 'replay', path, '--policies', place.policies, status=0)[1]
    expect_in(b'HIGH dropped', text, 'the text form')
    expect(text == run(EXECRAYCTL, 'replay', path, '--policies', place.policies, status=0, env={'TZ': 'Asia/Tokyo', 'LC_ALL': 'C'})[1],
           'the surroundings change the text')


def test_each_rotated_file_is_complete_in_itself(place):
    place.policy('p', POLICY % {'dir': place.path})
    path = place.join('recording')
    recorder = Recorder(path, '--rotate-time', '1s', '--keep', '2', '--policies', place.policies)
    time.sleep(3.5)
    play(place)
    expect_in('of which the last 3 are kept', recorder.stop(), 'what the recorder says')
    expect(not os.path.exists(path + '.3'), 'a file more than --keep is left')

    removed = 0
    for name in (path, path + '.1', path + '.2'):
        kinds = [line.split()[3] for line in run(EXECRAYCTL, 'dump', name, status=0)[1].decode(errors='replace').splitlines()]
        start = kinds.index('start')
        expect_equal(kinds[0], 'clock', 'the first record of ' + name)
        expect(kinds[:start].count('process') > 1, 'no processes before the start of ' + name)
        removed += sum(json.loads(line)['policy'] == 'removed' for line in replay(place, name).decode().splitlines())
    expect_equal(removed, 1, 'the number of alerts in all files')
    run(EXECRAYCTL, 'record', path + '2', '--keep', '2', status=2)


def test_live_alerts_and_replayed_ones_are_the_same(place):
    place.policy('p', POLICY % {'dir': place.path})
    # Packages are those of the host now, which a replay does not look at.
    with open(place.join('settings.yaml'), 'w') as f:
        f.write('alerts:\n  packages: no\n  host: no\n')
    with Daemon(place, '--config', place.join('settings.yaml')) as daemon:
        path = record(place, '--policies', place.policies)
        daemon.wait_alert('removed')
        daemon.stop()
        live = [a for a in daemon.alerts() if a['type'] == 'alert']
    again = [json.loads(line) for line in replay(place, path).decode().splitlines()]
    expect_equal(len(again), len(live), 'the number of alerts')

    # The wall clock is read once by each, and drifts by less than this in between.
    def without_times(value, key=''):
        if isinstance(value, dict):
            return {k: without_times(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [without_times(v) for v in value]
        return round(value, 1) if key in ('time', 'first', 'last', 'start') and value else value

    for a, b in zip(live, again):
        for key in ('time', 'first'):
            expect(abs(a.pop(key) - b.pop(key)) < 0.01, 'the time differs')
        for process in [a['process'], b['process']] + a['ancestors'] + b['ancestors']:
            process.pop('start')
        for step in a['steps'] + b['steps']:
            step.pop('time')
            step['process'].pop('start')
        expect_equal(without_times(b), without_times(a), 'the replayed alert')


def test_only_what_the_policies_need_is_recorded(place):
    place.policy('p', 'path "p" {\n    description = "x"\n    severity = low\n    unlink { pathname == "/x" }\n}\n')
    path = record(place, '--policies', place.policies)
    _, out, _ = run(EXECRAYCTL, 'dump', path, status=0)
    kinds = {line.split()[3] for line in out.decode(errors='replace').splitlines()}
    expect('unlink' in kinds and 'execve' in kinds and 'start' in kinds, 'kinds in the recording: %r' % kinds)
    expect('openat' not in kinds and 'write' not in kinds, 'kinds in the recording: %r' % kinds)


def test_a_file_is_not_overwritten_unasked(place):
    path = place.write('there', 'precious')
    place.policy('p', POLICY % {'dir': place.path})
    _, _, err = run(EXECRAYCTL, 'record', path, '--duration', '10ms', '--policies', place.policies, status=1)
    expect_in(b'--force', err, 'the message')
    with open(path) as f:
        expect_equal(f.read(), 'precious', 'the file')
    run(EXECRAYCTL, 'record', path, '--force', '--duration', '10ms', '--policies', place.policies, status=0)
    replay(place, path)


def test_a_limit_ends_the_recording_and_leaves_it_whole(place):
    place.policy('p', POLICY % {'dir': place.path})
    path = place.join('small')
    recorder = subprocess.Popen([EXECRAYCTL, 'record', path, '--limit', '256K', '--duration', '20s', '--policies',
                                 place.policies], stderr=subprocess.PIPE)
    end = time.monotonic() + 15
    while recorder.poll() is None and time.monotonic() < end:
        sh('for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done')
    text = recorder.stderr.read()
    expect_equal(recorder.wait(20), 0, 'the exit status')
    expect_in(b'limit', text, 'what the recorder says')
    expect(os.stat(path).st_size <= 256 * 1024, 'the size %d' % os.stat(path).st_size)
    replay(place, path)


def test_missing_foreign_cut_and_damaged_recordings_are_told_apart(place):
    place.policy('p', POLICY % {'dir': place.path})
    path = record(place, '--policies', place.policies)
    whole = replay(place, path)
    with open(path, 'rb') as f:
        data = f.read()

    def answer(name, content, status):
        broken = place.join(name)
        with open(broken, 'wb') as f:
            f.write(content)
        _, out, err = run(EXECRAYCTL, 'replay', broken, '--policies', place.policies, '--json', status=status)
        expect_in(name, err.decode(errors='replace'), 'the message')
        return out, err

    run(EXECRAYCTL, 'replay', place.join('nowhere'), '--policies', place.policies, status=MISSING)
    run(EXECRAYCTL, 'replay', place.path, '--policies', place.policies, status=MISSING)
    answer('text', b'This is no recording.\n' * 100, FOREIGN)
    answer('elf', open('/bin/true', 'rb').read(), FOREIGN)
    answer('empty', b'', FOREIGN)

    out, err = answer('torn', data[:len(data) - 3], BROKEN)
    expect(whole.startswith(out), 'what came before the tear is replayed')
    answer('head', data[:100], BROKEN)

    # A block in the middle whose size is nonsense: what is before it counts.
    at = struct.unpack_from('<I', data, 16)[0]
    while at < len(data) // 2:
        at += 16 + struct.unpack_from('<I', data, at)[0]
    out, err = answer('damaged', data[:at] + b'\xff\xff\xff\x7f' + data[at + 4:], BROKEN)
    expect(whole.startswith(out), 'what came before the damage is replayed')

    other = bytearray(data)
    other[12] ^= 1                      # the version behind magic and byte order
    answer('version', bytes(other), VERSION)


def test_policies_must_be_right_to_replay(place):
    place.policy('p', POLICY % {'dir': place.path})
    path = record(place, '--policies', place.policies)
    place.policy('q', 'path "q" { nonsense }\n')
    _, out, err = run(EXECRAYCTL, 'replay', path, '--policies', place.policies, status=6)
    expect_in(b'q.policy:1:', err, 'the message')
    expect_equal(out, b'', 'the output')
    run(EXECRAYCTL, 'replay', path, status=2)


def test_recording_needs_privilege_and_says_so(place):
    path = place.join('r')
    os.chmod(place.path, 0o777)
    _, _, err = run(EXECRAYCTL, 'record', path, '--duration', '10ms', status=3, user='nobody')
    expect_in(b'CAP_BPF', err, 'the message')
    expect(not os.path.exists(path), 'a file is left behind')


if __name__ == '__main__':
    main(globals())

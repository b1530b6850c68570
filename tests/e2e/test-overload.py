#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What overload leaves out on purpose is counted to the last event, and alerts that it could have touched say why.

    test-overload.py EXECRAYD EXECRAYCTL ROOT"""
import json
import os
import re
import signal
import subprocess

from harness import EXECRAYCTL, Daemon, expect, expect_equal, expect_in, main, run

FLOOD = 20000

# `flagged` waits for kinds of medium priority between two execs, which are never left out; `clean` for none.
STORIES = '''
path "flagged" {
    description = "A script that may have opened something in between"
    severity    = low
    by          = process
    within      = 1m
    suppress    = 0s
    execve { filename == "%(dir)s/first" }
    not openat { pathname == "%(dir)s/nobody" }
    execve { filename == "%(dir)s/second" }
}
path "withheld" {
    description = "The same, of which nobody can be sure after a loss"
    severity    = low
    by          = process
    within      = 1m
    suppress    = 0s
    on_loss     = skip
    execve { filename == "%(dir)s/first" }
    not openat { pathname == "%(dir)s/nobody" }
    execve { filename == "%(dir)s/second" }
}
path "clean" {
    description = "A script, and another one"
    severity    = low
    by          = process
    within      = 1m
    suppress    = 0s
    execve { filename == "%(dir)s/first" }
    execve { filename == "%(dir)s/second" }
}
'''
# Everything is told that is not left out here.
ALL = 'capture: {filter: no, arming: no, aggregate: no, compat: off, ring_size: 8M, ring_size_max: 8M}\noverload: {%s}\n'
SCRIPT = '''#!/usr/bin/python3 -SE
import os
for _ in range(%d):
    os.close(os.open('/dev/null', os.O_RDONLY))
os.execv(%r, [%r])
'''


def sum_of(log):
    """produced, delivered and lost, which must balance; and what was lost by kind and reason."""
    found = re.search(r'produced (\d+) = delivered (\d+) \+ lost (\d+)', log)
    produced, delivered, lost = (int(n) for n in found.groups())
    expect_equal(produced, delivered + lost, 'what was produced\n' + log)
    by_reason = {(kind, reason): int(n) for kind, n, reason in re.findall(r'lost +(\S+) (\d+) \(([^)]+)\)', log)}
    expect_equal(sum(by_reason.values()), lost, 'the sum of what was lost\n' + log)
    for kind, _ in by_reason:
        expect(kind not in ('fork', 'execve', 'exit'), '%s was left out\n%s' % (kind, log))
    return by_reason


def configure(place, settings):
    config = place.write('c.yaml', ALL % settings)
    run(EXECRAYCTL, 'config', '--config', config, status=0)
    return config


def play(place, daemon, n, still=False):
    """The story, for the n-th time, with a flood in its middle; `still`: while nobody reads. Gives what `flagged` says of the loss."""
    if still:
        daemon.process.send_signal(signal.SIGSTOP)
    try:
        run(place.join('first'), status=0)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    clean, flagged = daemon.wait_alert('clean', n), daemon.wait_alert('flagged', n)
    expect(clean['gap'] is None, 'a story of execs alone is marked: %r' % clean['gap'])
    return flagged['gap']


def expect_gap(gap, reason):
    expect(gap, 'the story is not marked')
    expect_in(reason, gap['reasons'], 'why something was lost')
    expect_in('openat', gap['kinds'], 'what was lost')
    expect(gap['count'] > 0, 'the gap does not say how many')


def test_what_is_left_out_on_purpose_is_counted_and_marks_the_stories_that_it_touches(place):
    place.write('first', SCRIPT % (FLOOD, place.join('second'), place.join('second')), mode=0o755)
    place.write('second', SCRIPT % (0, '/bin/true', '/bin/true'), mode=0o755)
    place.policy('p', STORIES % {'dir': place.path})
    with Daemon(place, '--config', configure(place, '')) as daemon:
        unmarked = play(place, daemon, 1)
        for n, (reason, settings) in enumerate((('sampled', 'sample_medium: 10'),
                                                ('limited', 'process_rate_medium: 100, process_burst_medium: 50'),
                                                ('shed', 'shed_medium: 1, hysteresis: 1')), 2):
            configure(place, settings)
            expect_in('Reloaded', daemon.reload(), 'the log')
            expect_gap(play(place, daemon, n, still=reason == 'shed'), reason)
        daemon.settle()
        alerts = daemon.alerts()
        log = daemon.stop()
    by_reason = sum_of(log)
    for reason in ('sampled', 'limited', 'shed'):
        expect(by_reason.get(('openat', reason), 0) > FLOOD / 2, 'too few opens were %s\n%s' % (reason, log))
    if unmarked is None:
        expect_equal(len([a for a in alerts if a['policy'] == 'withheld' and a['type'] == 'alert']), 1, 'alerts that are to be withheld')
    else:
        expect(not {'sampled', 'limited'} & set(unmarked['reasons']), 'marked without a loss: %r\n%s' % (unmarked, log))
        print('  the host was so busy that something was lost from the beginning: %r' % unmarked)
    expect_in('events of medium priority are told until it holds less', log, 'the log')


def test_a_recording_has_what_the_daemon_would_have_been_told(place):
    path = place.join('recording')
    place.policy('p', 'path "p" {\n description = "x"\n severity = low\n openat { pathname == "/dev/null" }\n}\n')
    recorder = subprocess.Popen([EXECRAYCTL, 'record', '--config', configure(place, 'sample_medium: 10'),
                                 '--policies', place.policies, '--duration', '1s', path],
                                stderr=subprocess.PIPE, text=True)
    while 'recording to' not in recorder.stderr.readline():
        expect(recorder.poll() is None, 'the recorder ended')
    for _ in range(5000):
        os.close(os.open('/dev/null', os.O_RDONLY))
    log = recorder.communicate(timeout=60)[1]
    expect(int(re.search(r'dropped (\d+)', log)[1]) > 4000, 'nothing was left out: ' + log)
    shown = run(EXECRAYCTL, 'trace', '--kind', 'openat', '--json', path, status=0)[1].decode()
    gaps = [json.loads(line) for line in shown.splitlines() if '"kind":"gap"' in line]
    expect(any(g['fields']['reason'] == 'sampled' and 'openat' in g['fields']['kinds'] for g in gaps), 'no gap in the recording: %r' % gaps)


if __name__ == '__main__':
    main(globals())

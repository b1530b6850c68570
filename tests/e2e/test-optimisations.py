#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same processes give the same alerts with all optimisations on, with all off, with each one off, and in every profile."""
import os
import re
import socket

from harness import EXECRAYCTL, ROOT, Daemon, Failure, Recorder, expect, expect_equal, main, run, sh

POLICIES = '''
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
path "rewritten" {
    description = "A file is read often, then written and removed"
    severity    = medium
    by          = process
    within      = 1m
    suppress    = 0s
    repeat 20 { openat { pathname == "%(dir)s/often" } }
    write  { pathname == "%(dir)s/last" }
    unlink { pathname endswith "/last" }
}
path "many" {
    description = "Different files of one place"
    severity    = low
    by          = tree
    within      = 1m
    suppress    = 0s
    repeat 5 distinct pathname { openat { pathname glob "%(dir)s/file-*" } }
}
path "sent" {
    description = "It looks at a file and talks to somebody"
    severity    = low
    by          = tree
    within      = 1m
    suppress    = 0s
    openat  { pathname == "%(dir)s/secret" }
    not unlink { pathname == "%(dir)s/secret" }
    connect { daddr in 127.9.0.0/16, dport == 9999 }
}
path "untouched" {
    description = "Nobody does this"
    severity    = low
    openat  { pathname == "%(dir)s/nobody" }
    connect { dport == 9998 }
}
path "linked" {
    description = "Nobody makes a link of that name"
    severity    = low
    link { newpath == "%(dir)s/nobody" }
}
'''
LINKS = 500             # more than others on the host make of them in that time


def play(place):
    """Each story once, among much that is nobody's business; and near misses of each."""
    sh('cat /bin/true > "$1/payload"; chmod 755 "$1/payload"; "$1/payload"; rm "$1/payload"', place.path)
    sh('cat /bin/true > "$1/other"; chmod 755 "$1/other"; "$1/other"; rm "$1/other"', place.path)
    child = os.fork()
    if child == 0:
        for _ in range(40):
            os.close(os.open(place.join('often'), os.O_RDONLY | os.O_CREAT))
            os.close(os.open('/dev/null', os.O_RDONLY))
        for _ in range(LINKS):
            os.link(place.join('often'), place.join('somebody'))
            os.unlink(place.join('somebody'))
        fd = os.open(place.join('last'), os.O_WRONLY | os.O_CREAT)
        for _ in range(30):
            os.write(fd, b'x')
        os.close(fd)
        os.unlink(place.join('last'))
        os._exit(0)
    os.waitpid(child, 0)
    child = os.fork()
    if child == 0:
        for n in range(7):
            for _ in range(3):
                os.close(os.open(place.join('file-%d' % n), os.O_RDONLY | os.O_CREAT))
        talk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        talk.connect(('127.9.1.1', 9999))               # before it looked at the file: no story
        os.close(os.open(place.join('secret'), os.O_RDONLY | os.O_CREAT))
        talk.connect(('127.9.1.1', 9998))
        talk.connect(('127.9.1.1', 9999))
        os._exit(0)
    os.waitpid(child, 0)
    for name in ('often', 'secret') + tuple('file-%d' % n for n in range(7)):
        os.unlink(place.join(name))


def seen(alerts):
    """What of an alert does not depend on when it was, and by whom."""
    fields = ('pathname', 'filename', 'daddr', 'dport', 'flags', 'mode')
    return sorted((a['policy'], a['severity'], sorted(a['captures'].items()), a['gap'] is None,
                   [(s['kind'], s['step'], [(f, s['fields'][f]) for f in fields if f in s['fields']]) for s in a['steps']])
                  for a in alerts if a['type'] == 'alert')


def alerts_with(place, name, text):
    """The alerts, and what the daemon said at its end. On a host so busy that something was lost it is done again: what is
    told after a loss is no optimisation's doing."""
    config = place.write(name + '.yaml', text)
    run(EXECRAYCTL, 'config', '--config', config, status=0)
    for _ in range(3):
        with Daemon(place, '--config', config) as daemon:
            play(place)
            try:
                daemon.wait_alert('sent')
                missed = None
            except Failure as e:
                missed = e
            daemon.settle()
            alerts = daemon.alerts()
            log = daemon.stop()
        if 'events delivered, dropped 0' in log:
            if missed:
                raise missed
            return seen(alerts), log
        print('%s: lost something, again:\n%s' % (name, log))
    raise Failure('with %s something is lost each time:\n%s' % (name, log))


def links(what, log):
    """How many were delivered ("events"), or left out in the kernel ("filtered"): of a kind that hardly anybody else has, for
    most numbers are those of the whole host."""
    line = re.search(r': +%s .*\blink (\d+)' % what, log)
    return int(line[1]) if line else 0


def optimisations():
    """The lists that the daemon has, so that a new one is tried by being there: what matters while the kernel is watched, and
    what a replay has as well."""
    with open(os.path.join(ROOT, 'daemon', 'config', 'optimisations.def')) as f:
        text = f.read()
    live = re.findall(r'^OPTIMISATION\((\w+), (\w+)\)', text, re.M)
    settled = re.findall(r'^SETTLED\((\w+), (\w+)\)', text, re.M)
    passes = re.findall(r'^COMPILER_PASS\((\w+), \w+\)', text, re.M)
    expect(len(live) >= 6 and settled and len(passes) >= 8, 'the list of optimisations is not understood')
    return live, settled + [('compiler', key) for key in passes]


def switched(which, off):
    return ''.join('%s:\n%s' % (section, ''.join('    %s: %s\n' % (key, 'no' if off(section, key) else 'yes')
                                                  for s, key in which if s == section))
                   for section in sorted({s for s, _ in which}))


def test_alerts_are_the_same_with_all_optimisations_with_none_and_without_each(place):
    place.policy('p', POLICIES % {'dir': place.path})
    live, settled = optimisations()
    which = live + settled
    none, log = alerts_with(place, 'none', switched(which, lambda *_: True))
    expect_equal([a[0] for a in none], ['dropped', 'many', 'rewritten', 'sent'], 'the stories that are told without optimisations')
    expect(links('events', log) >= LINKS, 'without optimisations not all is told:\n' + log)

    found, log = alerts_with(place, 'all', switched(which, lambda *_: False))
    expect_equal(found, none, 'what is told with all optimisations')
    expect(links('filtered', log) >= LINKS, 'with optimisations nothing is left out:\n' + log)
    expect(links('events', log) < LINKS, 'with optimisations all is told:\n' + log)
    for section, key in live:
        found, _ = alerts_with(place, 'but-' + key, switched(which, lambda s, k, no=(section, key): (s, k) == no))
        expect_equal(found, none, 'what is told with all but %s.%s' % (section, key))


def test_alerts_of_a_recording_are_the_same_without_each_of_those_that_matter_there(place):
    place.policy('p', POLICIES % {'dir': place.path})
    recorder = Recorder(place.join('recording'), '--policies', place.policies)
    play(place)
    recorder.stop()
    _, settled = optimisations()
    first = None
    for off in [lambda *_: False, lambda *_: True] + [lambda s, k, no=pair: (s, k) == no for pair in settled]:
        config = place.write('c.yaml', switched(settled, off))
        alerts = run(EXECRAYCTL, 'replay', place.join('recording'), '--policies', place.policies, '--config', config, '--json',
                     status=0)[1]
        first = first or alerts
        expect_equal(alerts, first, 'what is told with\n' + switched(settled, off))
    expect(b'"policy":"dropped"' in first and b'"policy":"sent"' in first, 'nothing is told of the recording: %r' % first)


def test_alerts_are_the_same_in_every_profile(place):
    place.policy('p', POLICIES % {'dir': place.path})
    first = None
    for profile in ('balanced', 'low-latency', 'high-volume', 'forensic'):
        found, log = alerts_with(place, profile, 'performance: {profile: %s}\n' % profile)
        expect('profile balanced' not in log and (profile == 'balanced' or 'profile ' + profile in log), 'the profile is not said:\n' + log)
        first = first or found
        expect_equal(found, first, 'what is told in profile ' + profile)
    expect_equal([a[0] for a in first], ['dropped', 'many', 'rewritten', 'sent'], 'the stories that are told')


if __name__ == '__main__':
    main(globals())

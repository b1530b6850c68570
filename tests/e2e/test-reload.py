#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGHUP takes over what is good as a whole and leaves everything as it was otherwise."""
import json
import os
import re
import resource
import signal
import socket
import time

from harness import Daemon, EXECRAYCTL, EXECRAYD, Failure, expect, expect_equal, expect_in, main, run

ONE = 'path "%(name)s" {\n    description = "x"\n    severity = low\n    suppress = 0s\n    openat { pathname == "%(file)s" }\n}\n'
TWO = ('path "two" {\n    description = "x"\n    severity = low\n    by = host\n    suppress = 0s\n'
       '    openat { pathname == "%(file)s.1" }\n    openat { pathname == "%(file)s.2" }\n}\n')


def touch(path):
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def test_a_new_policy_is_taken_over_and_said(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        touch(place.join('b'))
        place.policy('b', ONE % {'name': 'b', 'file': place.join('b')})
        text = daemon.reload()
        expect_in('generation 2', text, 'the log')
        expect_in('1 new (b)', text, 'the log')
        expect_in('1 as before', text, 'the log')
        touch(place.join('b'))
        alert = daemon.wait_alert('b')
        expect_equal(alert['generation'], 2, 'the generation')
        touch(place.join('a'))
        daemon.wait_alert('a')
        daemon.stop()


def test_a_policy_that_is_gone_is_silent(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    b = place.policy('b', ONE % {'name': 'b', 'file': place.join('b')})
    with Daemon(place) as daemon:
        os.unlink(b)
        text = daemon.reload()
        expect_in('1 gone (b)', text, 'the log')
        touch(place.join('b'))
        touch(place.join('a'))
        daemon.wait_alert('a')
        expect_equal([a['policy'] for a in daemon.alerts()], ['a'], 'the alerts')
        daemon.stop()


def test_a_broken_policy_changes_nothing_and_the_log_says_where(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        place.policy('a', ONE % {'name': 'other', 'file': place.join('other')})
        place.policy('b', 'path "b" {\n    description = "x"\n    severity = low\n    openat { pathnam == "/x" }\n}\n')
        text = daemon.reload()
        expect_in('b.policy:4:14', text, 'the log')
        expect_in('pathname', text, 'the log')
        expect_in('Not reloaded', text, 'the log')
        expect_in('generation 1', text, 'the log')
        touch(place.join('other'))
        touch(place.join('a'))
        alert = daemon.wait_alert('a')
        expect_equal(alert['generation'], 1, 'the generation')
        expect_equal(len(daemon.alerts()), 1, 'the number of alerts')

        # And mended, it goes on.
        os.unlink(place.join('policies', 'b.policy'))
        expect_in('Reloaded, generation 2', daemon.reload(), 'the log')
        touch(place.join('other'))
        daemon.wait_alert('other')
        daemon.stop()


def test_a_kind_that_no_hook_tells_is_warned_of_at_start_and_reload(place):
    kinds = json.loads(run(EXECRAYCTL, 'preflight', '--json')[1])['kinds']
    blind = [kind['kind'] for kind in kinds if kind['state'] == 'none' and kind['kind'] not in ('unit', 'login')]
    if not blind:
        print('this kernel tells every kind: not tried')
        return
    kind = blind[0]
    waiting = 'path "%s" {\n    description = "x"\n    severity = low\n    %s { }\n}\n'
    place.policy('a', waiting % ('waiting', kind))
    place.policy('b', ONE % {'name': 'seen', 'file': place.join('b')})
    with Daemon(place) as daemon:
        text = daemon.text()
        expect_in("No hook on this kernel tells %s: 'waiting' waits for it in vain" % kind, text, 'the log')
        expect_equal(text.count('in vain'), 1, 'the number of warnings')
        place.policy('c', waiting % ('waiting as well', kind))
        text = daemon.reload()
        expect_in("No hook on this kernel tells %s: 'waiting', 'waiting as well' wait for it in vain" % kind,
                  daemon.wait_for('as well'), 'the log')
        os.unlink(place.join('policies', 'a.policy'))
        os.unlink(place.join('policies', 'c.policy'))
        expect_equal('in vain' in daemon.reload(), False, 'a warning without need')
        daemon.stop()


def test_no_policies_any_more_changes_nothing(place):
    a = place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        os.rename(a, a + '.off')
        expect_in('Not reloaded', daemon.reload(), 'the log')
        touch(place.join('a'))
        daemon.wait_alert('a')
        daemon.stop()


def test_a_story_under_way_goes_on_through_a_reload(place):
    place.policy('two', TWO % {'file': place.join('f')})
    with Daemon(place) as daemon:
        touch(place.join('f.1'))
        daemon.settle()
        place.policy('b', ONE % {'name': 'b', 'file': place.join('b')})
        expect_in('Reloaded', daemon.reload(), 'the log')
        touch(place.join('f.2'))
        alert = daemon.wait_alert('two')
        expect_equal(len(alert['steps']), 2, 'the number of steps')
        daemon.stop()


def test_a_story_of_a_changed_policy_ends_with_the_reload(place):
    place.policy('two', TWO % {'file': place.join('f')})
    with Daemon(place) as daemon:
        touch(place.join('f.1'))
        daemon.settle()
        place.policy('two', (TWO % {'file': place.join('f')}).replace('by = host', 'by = host\n    within = 1m'))
        expect_in('1 changed (two)', daemon.reload(), 'the log')
        touch(place.join('f.2'))
        daemon.settle()
        expect_equal(daemon.alerts(), [], 'alerts')
        touch(place.join('f.1'))
        touch(place.join('f.2'))
        daemon.wait_alert('two')
        daemon.stop()


def test_a_new_kind_of_event_is_watched_after_a_reload(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        place.policy('c', 'path "c" {\n    description = "x"\n    severity = low\n    unlink { pathname == "%s" }\n}\n' % place.join('a'))
        expect_in('Reloaded', daemon.reload(), 'the log')
        touch(place.join('a'))
        os.unlink(place.join('a'))
        daemon.wait_alert('c')
        daemon.stop()


def test_an_attach_that_fails_leaves_the_old_policies_in_force(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        place.policy('c', 'path "c" {\n    description = "x"\n    severity = low\n    unlink { pathname == "%s" }\n'
                          '    rename { pathname == "/x" }\n    write { pathname == "/x" }\n}\n' % place.join('a'))
        used = max(int(n) for n in os.listdir('/proc/%d/fd' % daemon.process.pid)) + 1
        limits = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (used + 4, limits[1]))
        text = daemon.reload()
        expect_in('Cannot attach', text, 'the log')
        expect_in('Not reloaded', text, 'the log')
        touch(place.join('a'))
        expect_equal(daemon.wait_alert('a')['generation'], 1, 'the generation')

        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, limits)
        expect_in('generation 2', daemon.reload(), 'the log')
        touch(place.join('a'))
        daemon.wait_alert('a', 2)
        daemon.stop()


def test_the_service_manager_is_told(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(place.join('notify'))
    server.settimeout(20)

    def next_word():
        """The next message that is no STATUS."""
        while True:
            message = server.recv(4096).decode()
            if not message.startswith('STATUS='):
                return message

    with Daemon(place, wrapper=('env', 'NOTIFY_SOCKET=' + place.join('notify'))) as daemon:
        expect_equal(next_word(), 'READY=1', 'the first word')
        daemon.reload()
        expect(re.fullmatch(r'RELOADING=1\nMONOTONIC_USEC=[0-9]+', next_word()), 'RELOADING does not come first')
        expect_equal(next_word(), 'READY=1', 'the word after a reload')
        place.policy('b', 'nonsense')
        daemon.reload()
        expect(next_word().startswith('RELOADING=1'), 'a reload that fails is not announced')
        expect_equal(next_word(), 'READY=1', 'the word after a reload that failed')
        daemon.stop()
        expect_equal(next_word(), 'STOPPING=1', 'the last word')
    server.close()


def test_many_reloads_under_load_lose_no_story(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    n = 0
    with Daemon(place) as daemon:
        for i in range(6):
            place.policy('b', ONE % {'name': 'b%d' % i, 'file': place.join('b')})
            for _ in range(50):
                touch(place.join('a'))
                n += 1
            expect_in('Reloaded', daemon.reload(), 'the log')
            for _ in range(50):
                touch(place.join('a'))
                n += 1
        daemon.wait_alert('a', n)
        text = daemon.stop()
        expect_in('dropped 0', text, 'the summary')
        expect(len([a for a in daemon.alerts() if a['policy'] == 'a' and a['type'] == 'alert']) == n, 'one alert for each open')


def compilers():
    """The processes that compile now, of any daemon."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/comm' % pid) as f:
                if f.read() == 'execray-compile\n':
                    found.append(int(pid))
        except OSError:
            pass
    return found


def put_many(place, n, prefix='many'):
    """So many policies of three steps, on a file that tells them apart."""
    for i in range(n):
        place.policy('%s%d' % (prefix, i), """path "%(name)s" {
    description = "x"
    severity = low
    openat { pathname in ["/srv/%(i)d", "/srv/%(i)d/a", "/srv/%(i)d/b"], $f = pathname }
    write { pathname == $f, proc.exe !~ '^/usr/(s?bin|lib/apt)/x%(i)d' }
    any {
        rename { newpath endswith ".locked%(i)d" }
        unlink { pathname glob "/srv/*/%(i)d" }
    }
}
""" % {'name': '%s%d' % (prefix, i), 'i': i})


def test_a_compiler_that_takes_too_long_changes_nothing(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    config = place.write('c.yaml', '')
    with Daemon(place, '--config', config) as daemon:
        place.write('c.yaml', 'policies:\n  compile_timeout: 10ms\n')
        put_many(place, 2000)
        text = daemon.reload()
        expect_in('took longer than 10ms (policies.compile_timeout) and was ended', text, 'the log')
        expect_in('Not reloaded', text, 'the log')
        touch(place.join('a'))
        expect_equal(daemon.wait_alert('a')['generation'], 1, 'the generation')
        expect_equal(compilers(), [], 'what is left of it')

        place.write('c.yaml', '')
        expect_in('Reloaded, generation 2', daemon.reload(), 'the log')
        daemon.stop()


def test_a_compiler_that_takes_too_much_memory_changes_nothing(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    config = place.write('c.yaml', '')
    with Daemon(place, '--config', config) as daemon:
        place.write('c.yaml', 'policies:\n  compile_memory: 32M\n')
        place.policy('b', 'list l = [%s]\n' % ', '.join('"/%d"' % i for i in range(60000)) + ''.join(
            'path "l%d" { openat { pathname in l, pathname != "/%d" } }\n' % (i, i) for i in range(50)))
        text = daemon.reload()
        expect_in('ran out of memory; it may take 32M (policies.compile_memory)', text, 'the log')
        expect_in('Not reloaded', text, 'the log')
        touch(place.join('a'))
        expect_equal(daemon.wait_alert('a')['generation'], 1, 'the generation')
        daemon.stop()


def test_without_a_compiler_the_daemon_does_not_start_and_says_why(place):
    put_many(place, 2000)
    config = place.write('c.yaml', 'policies:\n  compile_timeout: 10ms\n')
    status, _, log = run(EXECRAYD, '--config', config, '--policies', place.policies)
    expect_equal(status, 8, 'the exit status')
    expect_in('took longer than 10ms', log.decode(), 'the log')


def test_events_go_on_while_policies_are_compiled_and_a_second_request_is_kept(place):
    put_many(place, 1000)
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        start = len(daemon.text())
        daemon.process.send_signal(signal.SIGHUP)
        found = []
        while not found and 'Reloaded' not in daemon.text():
            found = compilers()
        if not found:
            return                      # it was too quick for us
        os.kill(found[0], signal.SIGSTOP)
        if 'Reloaded' in daemon.text():
            return
        touch(place.join('a'))
        expect_equal(daemon.wait_alert('a')['generation'], 1, 'the generation')
        place.policy('b', ONE % {'name': 'b', 'file': place.join('b')})
        daemon.process.send_signal(signal.SIGHUP)
        daemon.settle()
        os.kill(found[0], signal.SIGCONT)
        daemon.wait_for('generation 3', start=start)
        touch(place.join('b'))
        daemon.wait_alert('b')
        daemon.stop()


def test_a_compiler_that_is_killed_changes_nothing(place):
    put_many(place, 1000)
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    with Daemon(place) as daemon:
        for _ in range(20):
            start = len(daemon.text())
            daemon.process.send_signal(signal.SIGHUP)
            found = []
            while not found and 'eloaded' not in daemon.text()[start:]:
                found = compilers()
            if found:
                try:
                    os.kill(found[0], signal.SIGKILL)
                except ProcessLookupError:
                    pass
            daemon.wait_for('eloaded', start=start)
            if 'was killed, perhaps because' in daemon.text()[start:]:
                expect_in('Not reloaded', daemon.text()[start:], 'the log')
                touch(place.join('a'))
                daemon.wait_alert('a')
                break
        else:
            raise Failure('the compiler was never caught')
        daemon.stop()


def test_the_compiler_is_nobody_without_privileges(place):
    place.policy('a', ONE % {'name': 'a', 'file': place.join('a')})
    put_many(place, 2000)
    with Daemon(place) as daemon:
        seen, asked = {}, 0
        end = time.monotonic() + 20
        while time.monotonic() < end and not seen:
            if daemon.text().count('Reloaded') == asked:        # on a busy machine it may be over before we look
                daemon.process.send_signal(signal.SIGHUP)
                asked += 1
            for pid in compilers():
                try:
                    with open('/proc/%d/status' % pid) as f:
                        status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
                except OSError:
                    continue
                if status.get('Seccomp') == '2':
                    seen = status
        expect(seen, 'it was never seen')
        expect_equal(seen['Uid'].split(), ['65534'] * 4, 'the user')
        expect_equal(seen['Gid'].split(), ['65534'] * 4, 'the group')
        expect_equal(seen['Groups'].strip(), '', 'other groups')
        expect_equal(seen['CapPrm'] + seen['CapEff'] + seen['CapAmb'], '0' * 48, 'capabilities')
        expect_equal(seen['NoNewPrivs'], '1', 'no new privileges')
        daemon.stop()


def test_a_hundred_policies_are_taken_over_soon_and_events_hardly_wait(place):
    place.policy('two', TWO % {'file': place.join('f')})
    put_many(place, 100)
    with Daemon(place) as daemon:
        took, waited = [], []
        for i in range(8):
            touch(place.join('f.1'))    # a story under way at every reload
            daemon.settle()
            place.policy('other', ONE % {'name': 'other%d' % i, 'file': place.join('b')})
            start = len(daemon.text())
            expect_in('Reloaded', daemon.reload(), 'the log')
            text = daemon.wait_for('The reload took', start=start)[start:]
            found = re.search(r'The reload took ([0-9.]+) ms, of which events waited for ([0-9.]+) ms', text)
            took.append(float(found[1]))
            waited.append(float(found[2]))
            touch(place.join('f.2'))
            daemon.wait_alert('two', i + 1)
        print('        took %s ms, events waited %s ms' % (took, waited))
        expect(min(took) < 300, 'the quickest reload took %.1f ms' % min(took))
        expect(min(waited) < min(took) / 2, 'events waited for %.1f ms of %.1f' % (min(waited), min(took)))
        expect_in('dropped 0', daemon.stop(), 'the summary')


if __name__ == '__main__':
    main(globals())

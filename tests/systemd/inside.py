# SPDX-License-Identifier: Apache-2.0
"""In the booted machine: what an administrator does with the service, and what systemd, journal and bus make of it."""
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(sys.argv[3], 'e2e'))

import harness
from harness import expect, expect_equal, expect_in, main, run

UNIT = 'execrayd.service'
POLICIES = '/etc/execrayd/policies'
POLICY = '''path "%(name)s" {
    description = "A file is made"
    severity    = %(severity)s
    suppress    = 0s
    openat { flags & O_CREAT, pathname == "%(file)s" }
}
'''
# systemd 252 in this container: what `systemd-analyze security` may say at most, in tenths.
EXPOSURE_MAX = 27


def text(*command, status=0):
    return run(*command, status=status)[1].decode(errors='replace')


def show(*properties, unit=UNIT):
    lines = text('systemctl', 'show', unit, *['-p' + p for p in properties]).splitlines()
    return dict(line.split('=', 1) for line in lines)


def until(check, what, seconds=15):
    return harness.until(check, what, seconds, log)


def log():
    run('journalctl', '--sync')
    return text('journalctl', '-q', '-o', 'cat', '-u', UNIT)


def newest():
    """When the last entry came. --after-cursor will not do: systemd 252 leaves out the first of the entries that match."""
    run('journalctl', '--sync')
    return int(json.loads(text('journalctl', '-q', '-n1', '-o', 'json'))['__REALTIME_TIMESTAMP'])


def entries(*matches, after=0):
    run('journalctl', '--sync')
    found = [json.loads(line) for line in text('journalctl', '-q', '-a', '-o', 'json', *matches).splitlines()]
    return [e for e in found if int(e['__REALTIME_TIMESTAMP']) > after]


def policy(name, file, severity='high'):
    with open('%s/%s.policy' % (POLICIES, name), 'w') as f:
        f.write(POLICY % {'name': name, 'file': file, 'severity': severity})


def touch(path):
    with open(path, 'w'):
        pass
    os.unlink(path)


def state():
    return show('ActiveState')['ActiveState']


def start():
    run('systemctl', 'start', UNIT, status=0)


def test_it_came_with_the_machine_and_is_ready_before_other_services(_):
    found = show('ActiveState', 'StatusText', 'Type', 'NotifyAccess', 'ActiveEnterTimestampMonotonic', 'WatchdogUSec')
    expect_equal(found['ActiveState'], 'active', 'the state; the log:\n' + log())
    expect_in('Watching with', found['StatusText'], 'the status')
    expect(found['Type'].startswith('notify'), 'the type is %s' % found['Type'])
    expect_equal(found['WatchdogUSec'], '30s', 'the watchdog')
    basic = show('ActiveEnterTimestampMonotonic', unit='basic.target')
    expect(int(found['ActiveEnterTimestampMonotonic']) <= int(basic['ActiveEnterTimestampMonotonic']), 'it came late')
    expect(not [line for line in log().splitlines() if line.startswith('Cannot')], 'the log:\n' + log())


def test_sysusers_and_tmpfiles_make_what_it_needs(_):
    run('systemd-sysusers', '/usr/local/lib/sysusers.d/execrayd.conf', status=0)
    expect_in('execray:', text('getent', 'group', 'execray'), 'the group')
    run('systemd-tmpfiles', '--create', '/usr/local/lib/tmpfiles.d/execrayd.conf', status=0)
    for path, mode in ((POLICIES, 0o755), ('/var/lib/execrayd', 0o700)):
        expect_equal(os.stat(path).st_mode & 0o7777, mode, path)


def test_it_writes_to_its_own_places_alone(_):
    pid = show('MainPID')['MainPID']
    for place in ('/srv', '/etc', '/usr', '/root', '/sys/fs/cgroup'):
        expect(run('nsenter', '-t', pid, '-m', 'mkdir', place + '/here')[0] != 0, 'it may write to ' + place)
    run('nsenter', '-t', pid, '-m', 'sh', '-ec', 'for d in /var/lib/execrayd /run/execrayd; do mkdir $d/here; rmdir $d/here; done', status=0)


def test_it_may_do_what_it_needs_and_hardly_more(_):
    found = text('systemd-analyze', 'security', UNIT, '--no-pager', status=None)
    line = [line for line in found.splitlines() if 'Overall exposure' in line][0]
    exposure = round(float(line.split(': ')[1].split()[0]) * 10)
    print('        exposure %.1f' % (exposure / 10))
    expect(exposure <= EXPOSURE_MAX, '\n'.join(line for line in found.splitlines() if not line.startswith('✓')))
    pid = show('MainPID')['MainPID']
    with open('/proc/%s/status' % pid) as f:
        status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
    expect_equal(status['NoNewPrivs'], '1', 'no new privileges')
    expect_equal(status['Seccomp'], '2', 'the filter of system calls')
    expect_equal(int(status['CapEff'], 16), int(status['CapBnd'], 16), 'capabilities')
    expect(not int(status['CapEff'], 16) & 1 << 21, 'it has CAP_SYS_ADMIN')


def test_it_is_bounded_when_it_fails_and_spared_when_memory_is_short(_):
    found = show('StartLimitBurst', 'StartLimitIntervalUSec', 'OOMPolicy', 'OOMScoreAdjust', 'LogRateLimitIntervalUSec', 'LogRateLimitBurst', 'MainPID')
    pid = found.pop('MainPID')
    expect_equal(found, {'StartLimitBurst': '5', 'StartLimitIntervalUSec': '5min', 'OOMPolicy': 'continue', 'OOMScoreAdjust': '-900',
                         'LogRateLimitIntervalUSec': '1s', 'LogRateLimitBurst': '100000000'}, 'the unit')
    if run('sh', '-c', 'echo -900 > /proc/self/oom_score_adj')[0] == 0:     # not in every container
        with open('/proc/%s/oom_score_adj' % pid) as f:
            expect_equal(f.read().strip(), '-900', 'what the kernel has')


def test_an_alert_is_found_by_severity_by_unit_and_explained(_):
    policy('made', '/srv/made', 'critical')
    run('systemctl', 'reload', UNIT, status=0)
    touch('/srv/made')
    found = until(lambda: entries('-t', 'execrayd', 'EXECRAY_SEVERITY=critical'), 'the alert')
    expect_equal([e['EXECRAY_POLICY'] for e in found], ['made'], 'what is found by severity')
    run('journalctl', '--update-catalog')
    explained = text('journalctl', '-q', '-x', '--no-pager', '-t', 'execrayd', 'EXECRAY_POLICY=made')
    expect_in('Policy made has seen its whole story (severity critical)', explained, 'journalctl -x')
    expect_in('What to do next', explained, 'journalctl -x')
    expect_in('execrayctl policies show made', explained, 'journalctl -x')
    expect_in('%s/made.policy' % POLICIES, explained, 'journalctl -x')


def test_a_reload_tells_what_changed_and_who_asked(_):
    after = newest()
    policy('second', '/srv/second')
    run('systemctl', 'reload', UNIT, status=0)
    found = entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after)
    expect_equal(len(found), 1, 'how many entries, when systemctl returns')
    expect_in('1 new (second)', found[0]['EXECRAY_CHANGES'], 'what changed')
    expect_in('user 0', found[0]['EXECRAY_ASKED_BY'], 'who asked')
    expect_equal(found[0]['EXECRAY_ASKED_BY_UID'], '0', 'who asked')
    expect(int(found[0]['EXECRAY_ASKED_BY_PID']) > 0, 'who asked')
    expect_in('generation %s' % found[0]['EXECRAY_GENERATION'], show('StatusText')['StatusText'], 'the status')
    touch('/srv/second')
    until(lambda: entries('EXECRAY_POLICY=second'), 'the alert')
    after = newest()
    asked = run('sh', '-c', 'echo 1000 > /proc/self/loginuid && exec /usr/local/bin/execrayctl reload')
    if asked[0] == 0:                   # else the login of this machine's user is for good
        found = entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after)
        expect_equal([e.get('EXECRAY_ASKED_BY_LOGINUID') for e in found], ['1000'], 'whose login asked')
        expect_in('generation %s' % found[0]['EXECRAY_GENERATION'], asked[1].decode(), 'what who asked is told')
    run('systemd-run', '--quiet', '--wait', '--unit=maker', 'touch', '/srv/second')
    os.unlink('/srv/second')
    until(lambda: 'EXECRAY_NUMBER' in text('journalctl', '-q', '-o', 'json', '-u', 'maker.service', '-t', 'execrayd'), 'the alert of a unit')


def test_a_wrong_policy_keeps_the_old_ones_and_systemctl_says_so(_):
    before = show('MainPID')
    after = newest()
    with open(POLICIES + '/wrong.policy', 'w') as f:
        f.write('path "wrong" {\n    openat { pathnam == "/x" }\n}\n')
    try:
        status, _, _ = run('systemctl', 'reload', UNIT)
        expect(status != 0, 'systemctl reload said that all is well')
        found = entries('MESSAGE_ID=cfcb856d82794e3784b7b1f288a53674', after=after)
        expect_equal(len(found), 1, 'how many entries')
        expect_in('wrong.policy:2:', found[0]['EXECRAY_MESSAGES'], 'where it is wrong')
        expect_in("did you mean 'pathname'", found[0]['EXECRAY_MESSAGES'], 'what is wrong')
        expect_in('wrong.policy:2:', log(), 'the log of the unit')
        expect_equal((show('MainPID'), state()), (before, 'active'), 'the service')
        after = newest()
        touch('/srv/made')
        until(lambda: entries('EXECRAY_POLICY=made', after=after), 'an alert of the policies from before')
    finally:
        os.unlink(POLICIES + '/wrong.policy')
    run('systemctl', 'reload', UNIT, status=0)


def write(path, words):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(words)


def test_files_that_change_are_read_again_if_it_is_told_to_watch_them(_):
    after = newest()
    write('/etc/execrayd/execrayd.yaml.d/50-watch.yaml', 'service:\n    watch: yes\n    watch_delay: 300ms\n')
    run('systemctl', 'reload', UNIT, status=0)
    found = entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after)
    expect_in('service.watch: no -> yes', found[0]['EXECRAY_CHANGES'], 'what a drop-in changed')
    after = newest()
    for i in range(5):
        policy('watched%d' % i, '/srv/watched')
    reloads = until(lambda: entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after), 'a reload that nobody asked for')
    expect_equal([(e['EXECRAY_ASKED_BY'], e['EXECRAY_CHANGES'][:6]) for e in reloads], [('service.watch', '5 new ')], 'reloads for a burst')
    write(POLICIES + '/wrong.policy', 'path "wrong" {}\n')
    refused = until(lambda: entries('MESSAGE_ID=cfcb856d82794e3784b7b1f288a53674', after=after), 'a refusal')
    expect_equal(refused[0]['EXECRAY_GENERATION'], reloads[0]['EXECRAY_GENERATION'], 'what stays in force')
    after = newest()
    for name in ['wrong'] + ['watched%d' % i for i in range(5)]:
        os.unlink('%s/%s.policy' % (POLICIES, name))
    os.unlink('/etc/execrayd/execrayd.yaml.d/50-watch.yaml')
    found = until(lambda: entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after), 'the last reload')
    expect_in('service.watch: yes -> no', found[0]['EXECRAY_CHANGES'], 'what was taken away')


def ctl(*arguments, status=0, **options):
    return run('/usr/local/bin/execrayctl', *arguments, status=status, **options)[1].decode()


def bus(*arguments, status=0, user=None):
    """busctl, its answer in the short form."""
    verb, *rest = arguments
    command = ['busctl', '--json=short', verb, 'org.execray1', '/org/execray1', 'org.execray1.Manager', *rest]
    result = run('setpriv', '--reuid=65534', '--regid=65534', '--groups=' + user, *command) if user else run(*command)
    if status is not None:
        expect((result[0] == 0) == (status == 0), '%s: %r' % (command, result))
    return json.loads(result[1])['data'] if result[0] == 0 and result[1].strip() else result[2].decode()


def test_the_bus_has_it_and_answers_what_docs_bus_md_shows(_):
    until(lambda: run('busctl', 'status', 'org.execray1')[0] == 0, 'the name on the bus')
    health, words, data = bus('call', 'GetStatus')
    expect(health in ('healthy', 'degraded'), 'the health: ' + words)
    expect_in('execrayd', words, 'the status')
    expect_equal(json.loads(data)['health'], health, 'the same as an object')
    names = [policy[0] for policy in bus('call', 'ListPolicies')[0]]
    expect('made' in names and 'second' in names, 'the policies: %s' % names)
    metrics = bus('call', 'GetMetrics')[0]
    expect(metrics['execray_policies'] == len(names), 'a metric')
    expect_equal(bus('call', 'ListStories'), [[]], 'open stories')
    before = bus('get-property', 'Generation')
    generation, changes = bus('call', 'Reload')
    expect_equal((generation, bus('get-property', 'Generation')), (before + 1, before + 1), 'the generation')
    expect_in('as before', changes, 'what changed')
    expect_in('Snapshot', text('busctl', 'introspect', 'org.execray1', '/org/execray1'), 'what it says of itself')


def test_who_may_ask_and_who_may_change(_):
    group = text('getent', 'group', 'execray').split(':')[2]
    run('systemctl', 'reload', 'dbus.service')  # the group is new
    expect_equal(bus('call', 'GetStatus', user=group)[0] in ('healthy', 'degraded'), True, 'a member of the group asks')
    expect_in('polkit', bus('call', 'Reload', user=group, status=1), 'a member of the group reloads')
    expect_in('denied', bus('call', 'GetStatus', user='65534', status=1).lower(), 'somebody asks')


def test_polkit_lets_others_do_what_a_rule_says(_):
    group = text('getent', 'group', 'execray').split(':')[2]
    if run('busctl', 'call', 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'StartServiceByName', 'su', 'org.freedesktop.PolicyKit1', '0')[0]:
        expect_in('denied', bus('call', 'Reload', user=group, status=1), 'a reload without polkit')
        return
    with open(os.path.join(sys.argv[3], '../docs/BUS.md')) as f:
        rule = f.read().split('50-execrayd.rules\n')[1].split('\n\n')[0]
    with open('/etc/polkit-1/rules.d/50-execrayd.rules', 'w') as f:
        f.write(rule)
    run('usermod', '-aG', 'execray', 'nobody', status=0)
    run('systemctl', 'restart', 'polkit.service', status=0)
    after = newest()
    generation, _changes = bus('call', 'Reload', user=group)
    expect_equal(generation, bus('get-property', 'Generation'), 'the generation')
    expect_equal([e['EXECRAY_ASKED_BY_UID'] for e in entries('MESSAGE_ID=637b245fb0da4c5981c2242a64d491f5', after=after)], ['65534'], 'who asked')
    expect_in('polkit wants to know', bus('call', 'Snapshot', user=group, status=1), 'what the rule does not allow')
    run('systemctl', 'mask', '--runtime', '--now', 'polkit.service', status=0)
    expect_in('denied', bus('call', 'Reload', user=group, status=1), 'a reload without polkit')
    bus('call', 'Reload')
    run('systemctl', 'unmask', '--runtime', 'polkit.service', status=0)


def test_signals_tell_of_alerts_and_reloads(_):
    with open('/run/heard', 'w') as heard:
        monitor = subprocess.Popen(['busctl', 'monitor', '--json=short', '--match=type=signal,sender=org.execray1'], stdout=heard)
        try:
            time.sleep(0.5)
            touch('/srv/made')
            run('systemctl', 'reload', UNIT, status=0)

            def signals():
                with open('/run/heard') as f:
                    found = [json.loads(line) for line in f if line.endswith('\n')]
                return {m['member']: m['payload']['data'] for m in found if 'member' in m}
            until(lambda: {'AlertRaised', 'PropertiesChanged'} <= signals().keys(), 'the signals')
            expect_equal(signals()['AlertRaised'][1:3], ['made', 'critical'], 'the alert')
            expect('Generation' in signals()['PropertiesChanged'][1], 'what changed')
        finally:
            monitor.terminate()
            monitor.wait()


def test_execrayctl_says_how_it_is_without_a_bus(_):
    run('systemctl', 'stop', 'dbus.service', 'dbus.socket')
    expect_in('execrayd', ctl('status', status=None), 'the status')
    expect_in('as before', ctl('reload'), 'a reload')
    file = ctl('snapshot').strip()
    expect_equal(os.stat(file).st_mode & 0o777, 0o600, 'the mode of ' + file)
    expect(run('/usr/local/bin/execrayctl', 'status', user='nobody')[0] == 20, 'nobody may ask')
    run('systemctl', 'start', 'dbus.socket', 'dbus.service', status=0)
    until(lambda: run('busctl', 'status', 'org.execray1')[0] == 0, 'the name on the bus again')


def restart_unit():
    """Tests start it more often than its start limit allows."""
    run('systemctl', 'reset-failed', UNIT, status=0)
    run('systemctl', 'restart', UNIT, status=0)


def http(path):
    """(status, body) of the socket for metrics."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect('/run/execrayd/metrics')
        s.sendall(b'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' % path.encode())
        answer = b''.join(iter(lambda: s.recv(65536), b'')).decode()
    head, body = answer.split('\r\n\r\n', 1)
    return int(head.split()[1]), body


def test_metrics_are_read_over_http_and_are_what_the_documents_say(_):
    with open('/etc/execrayd/execrayd.yaml', 'a') as f:
        f.write('metrics:\n    listen: socket\n')
    restart_unit()
    status, body = http('/metrics')
    expect_equal(status, 200, 'the status')
    names = {line.split()[2] for line in body.splitlines() if line.startswith('# TYPE')}
    with open(os.path.join(sys.argv[3], '../docs/METRICS.md')) as f:
        documented = {line.split('`')[1] for line in f if line.startswith('| `execray_')}
    expect_equal(names, documented, 'what is told')
    expect_in('execray_policy_matches_total{policy="made",severity="critical"} 0', body, 'a policy')
    expect(http('/healthz')[0] == 200, 'the health')
    expect_equal(http('/')[0], 404, 'another path')
    expect_equal(os.stat('/run/execrayd/metrics').st_mode & 0o777, 0o660, 'the mode of the socket')
    expect_equal(text('stat', '-c', '%G', '/run/execrayd/metrics').strip(), 'execray', 'the group of the socket')


def test_metrics_on_loopback_need_the_drop_in_that_the_documents_show_and_no_more(_):
    with open(os.path.join(sys.argv[3], '../docs/METRICS.md')) as f:
        shown = f.read().split('execrayd`):\n\n')[1].split('\n\n')[0]
    write('/etc/systemd/system/execrayd.service.d/test.conf', '\n'.join(line.strip() for line in shown.splitlines()) + '\n')
    write('/etc/execrayd/execrayd.yaml.d/60-loopback.yaml', 'metrics:\n    listen: loopback\n')
    run('systemctl', 'daemon-reload', status=0)
    restart_unit()
    with urllib.request.urlopen('http://127.0.0.1:9469/metrics', timeout=10) as answer:
        expect_in('execray_health', answer.read().decode(), 'what is told')
    os.unlink('/etc/execrayd/execrayd.yaml.d/60-loopback.yaml')


def test_a_drop_in_changes_what_it_names(_):
    write('/etc/systemd/system/execrayd.service.d/test.conf', '[Service]\nWatchdogSec=2s\nRestartSec=100ms\n')
    run('systemctl', 'daemon-reload', status=0)
    restart_unit()
    expect_equal(show('WatchdogUSec', 'PrivateDevices'), {'WatchdogUSec': '2s', 'PrivateDevices': 'yes'}, 'the unit')


def test_a_loop_that_stands_still_is_ended_by_the_watchdog_and_comes_again(_):
    before = show('MainPID', 'NRestarts')
    time.sleep(2.2)                     # longer than the watchdog: it is fed
    expect_equal(show('MainPID', 'NRestarts'), before, 'a service that is well')
    os.kill(int(before['MainPID']), 19)
    until(lambda: int(show('NRestarts')['NRestarts']) > int(before['NRestarts']) and state() == 'active', 'another start')
    expect_in('Watchdog timeout', log(), 'what systemd says')
    after = newest()
    touch('/srv/made')
    until(lambda: entries('EXECRAY_POLICY=made', after=after), 'an alert of the new process')


MANY = '''path "many" {
    description = "Files are made"
    severity    = low
    suppress    = 0s
    openat { flags & O_CREAT, pathname =~ "^/srv/many/" }
}
'''
WRITER = '''
i=0
while [ ! -e /srv/enough ]; do : > /srv/many/$i; i=$((i + 1)); sleep 0.005; done
echo $i > /srv/enough
'''


def restart(how, environment=''):
    """What the new process says."""
    os.makedirs('/etc/systemd/system/execrayd.service.d', exist_ok=True)
    with open('/etc/systemd/system/execrayd.service.d/keep.conf', 'w') as f:
        f.write('[Service]\n' + environment)
    run('systemctl', 'daemon-reload', status=0)
    before, after = show('MainPID')['MainPID'], newest()
    if how == 'kill':
        run('systemctl', 'reset-failed', UNIT, status=0)
        os.kill(int(before), 9)
        until(lambda: state() == 'active' and show('MainPID')['MainPID'] not in ('0', before), 'another process')
    else:
        restart_unit()
    expect_equal(show('NFileDescriptorStore')['NFileDescriptorStore'], '1', 'what systemd keeps')
    return '\n'.join(e['MESSAGE'] for e in entries('-u', UNIT, after=after) if isinstance(e['MESSAGE'], str))


STORY = '''path "%s" {
    description = "Three files"
    severity    = low
    by          = process
    openat { flags & O_CREAT, pathname == "/srv/story/1", $n = proc.name }
    openat { flags & O_CREAT, pathname == "/srv/story/2" }
    openat { flags & O_CREAT, pathname == "/srv/story/%d" }
}
'''
TELLER = '''
for i in 1 2 3; do
    : > /srv/story/$i
    while [ ! -e /srv/story/go$i ]; do sleep 0.02; done
done
'''

def tell(name, last):
    with open(POLICIES + '/%s.policy' % name, 'w') as f:
        f.write(STORY % (name, last))


def is_open(policy, n):
    return [story[2] for story in bus('call', 'ListStories')[0] if story[0] == policy] == [n]


def make(path):
    open(path, 'w').close()


def expect_whole_evidence(after):
    until(lambda: entries('EXECRAY_POLICY=told', after=after), 'the alert of the story')
    alert = json.loads(entries('EXECRAY_POLICY=told', after=after)[0]['EXECRAY_ALERT'])
    expect_equal([s['fields']['pathname'] for s in alert['steps']], ['/srv/story/%d' % i for i in (1, 2, 3)], 'the evidence')
    expect_equal([s['process']['exe'] for s in alert['steps']], [os.path.realpath('/bin/sh')] * 3, 'who took the steps')
    expect(not entries('EXECRAY_POLICY=changed', after=after), 'a policy that has changed alerted')


def test_over_a_restart_no_event_and_no_story_is_lost(_):
    with open(POLICIES + '/many.policy', 'w') as f:
        f.write(MANY)
    os.mkdir('/srv/many')
    os.mkdir('/srv/story')
    tell('told', 3)
    tell('changed', 3)
    run('systemctl', 'reload', UNIT, status=0)
    after = newest()
    writer = subprocess.Popen(['sh', '-c', WRITER])
    gone = subprocess.Popen(['sh', '-c', 'while [ ! -e /run/execrayd/go ]; do sleep 0.02; done; : > /srv/many/gone'])
    teller = subprocess.Popen(['sh', '-c', TELLER])
    other = 'Environment=EXECRAYD_TEST_FINGERPRINT=other\n'
    try:
        until(lambda: is_open('told', 1), 'the first step')
        said = restart('restart', "ExecStopPost=/bin/sh -c 'touch /run/execrayd/go; sleep 0.2'\n")
        expect_in('Going on with the programs of the process before', said, 'a restart')
        expect_in('Going on with 2 open stories of the process before', said, 'a restart')
        expect('the process before ended' not in said.lower(), 'it ended in order:\n' + said)
        make('/srv/story/go1')
        until(lambda: is_open('told', 2), 'the second step')
        tell('changed', 4)
        said = restart('restart', other)
        expect_in('another version: its programs are exchanged for ours', said, 'an upgrade')
        expect_in(' 0 could not be', said, 'an upgrade')
        expect_in('Going on with 1 open stories of the process before', said, 'an upgrade')
        expect_in("changed or are gone: 'changed' (1)", said, 'an upgrade')
        expect_in('1 went on over the last restart, 1 ended with it', ctl('status', status=None), 'the status')
        make('/srv/story/go2')
        expect_whole_evidence(after)
        said = restart('kill', other)
        expect_in('Going on with the programs', said, 'after a crash')
        expect_in('ended without leaving in order', said, 'after a crash')
    finally:
        for path in ('/srv/enough', '/srv/story/go1', '/srv/story/go2', '/srv/story/go3'):
            make(path)
        writer.wait(20)
        teller.wait(20)
    with open('/srv/enough') as f:
        n = int(f.read())

    def alerts():
        return [json.loads(e['EXECRAY_ALERT']) for e in entries('EXECRAY_POLICY=many', after=after)]

    def told():
        found = alerts()
        return [step['fields']['pathname'] for alert in found for step in alert['steps']]
    until(lambda: '/srv/many/%d' % (n - 1) in told(), 'the last alert')
    missed = {'/srv/many/%d' % i for i in range(n)} - set(told())
    expect(not missed, '%d of %d files were not told: %s' % (len(missed), n, sorted(missed)[:5]))
    expect(len(told()) <= n + 4, '%d files were told %d times' % (n, len(told())))
    expect(gone.poll() == 0, 'who was to end meanwhile has not')
    last = [a['process'] for a in alerts() if a['steps'][0]['fields']['pathname'] == '/srv/many/gone']
    expect_equal([p['exe'] for p in last], [os.path.realpath('/bin/sh')], 'what ran that ended while no daemon did')
    for name in ('many', 'told', 'changed'):
        os.unlink(POLICIES + '/%s.policy' % name)
    run('systemctl', 'stop', '--no-block', UNIT, status=0)
    slowest = 0
    while slowest == 0 or state() != 'inactive':
        begun = time.monotonic()
        show('SubState')
        slowest = max(slowest, time.monotonic() - begun)
    print('        systemd took %.2f s to answer' % slowest)
    expect(slowest < 1, 'systemd stood still while the kernel detached')
    expect_equal(show('NFileDescriptorStore')['NFileDescriptorStore'], '0', 'what systemd keeps of a service that is stopped')
    start()


# How often it was let through, and how often refused, whenever it is asked.
ASKER = r'''
import os, signal, socket
counts = [0, 0]
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'%d %d\n' % tuple(counts)))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
os.write(1, b'ready\n')
while True:
    try:
        s.connect(('127.87.65.43', 4711))
        counts[0] += 1
    except PermissionError:
        counts[1] += 1
    except OSError:
        counts[0] += 1                  # this machine has no network: whatever else the kernel says
'''


def test_what_is_forbidden_stays_so_over_a_restart(_):
    write('/etc/execrayd/execrayd.yaml.d/70-deny.yaml', 'deny:\n    addresses: [127.87.65.43]\nresponse:\n    enforce: yes\n')
    # It was killed by tests before this one, and who crashes a third time is disarmed.
    run('systemctl', 'stop', UNIT, status=0)
    if os.path.exists('/run/execrayd/alive-core'):
        os.unlink('/run/execrayd/alive-core')
    restart_unit()
    asker = subprocess.Popen([sys.executable, '-c', ASKER], stdout=subprocess.PIPE, text=True)

    def counts():
        asker.send_signal(10)
        return [int(word) for word in asker.stdout.readline().split()]
    try:
        expect_equal(asker.stdout.readline(), 'ready\n', 'who asks')
        until(lambda: counts()[1] > 0, 'something that is refused')
        for how, environment in (('restart', "ExecStopPost=/bin/sh -c 'sleep 0.2'\n"), ('restart', 'Environment=EXECRAYD_TEST_FINGERPRINT=other\n'),
                                 ('kill', '')):
            refused = counts()[1]
            restart(how, environment)
            until(lambda: counts()[1] > refused, 'something that is refused')
            expect_equal(counts()[0], 0, 'how many were let through over: %s %s' % (how, environment))
        run('systemctl', 'stop', UNIT, status=0)
        until(lambda: counts()[0] > 0, 'something that is let through when the service is stopped')
    finally:
        asker.kill()
        asker.wait()
        os.unlink('/etc/execrayd/execrayd.yaml.d/70-deny.yaml')
    start()


ARMED = '''path "armed" {
    enforce  = deny
    by       = process
    suppress = 0s
    openat  { pathname == "/srv/armed" }
    connect { daddr == 127.87.65.44 }
}
'''
# The first step, and when it is told to the last one: what the kernel said to it.
STEPS = '''
import os, socket, sys, time
open('/srv/armed').close()
while not os.path.exists('/srv/armed-go'):
    time.sleep(0.02)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.87.65.44', 4711))
except OSError as e:
    sys.exit(e.errno)
'''


def test_a_story_that_was_at_its_last_step_before_a_restart_is_armed_after_it(_):
    write('/etc/execrayd/execrayd.yaml.d/70-enforce.yaml', 'response:\n    enforce: yes\n')
    make('/srv/armed')
    with open(POLICIES + '/armed.policy', 'w') as f:
        f.write(ARMED)
    restart_unit()
    try:
        for n, environment in enumerate(('', 'Environment=EXECRAYD_TEST_FINGERPRINT=other\n')):
            after = newest()
            teller = subprocess.Popen([sys.executable, '-c', STEPS])
            try:
                until(lambda: is_open('armed', 1), 'the first step')
                expect_in('Going on with 1 open stories of the process before', restart('restart', environment), 'a restart')
            finally:
                make('/srv/armed-go')
                status = teller.wait(20)
                os.unlink('/srv/armed-go')
            expect_equal(status, errno.EPERM, 'what the kernel said to the last step, restart %d' % n)
            until(lambda: entries('EXECRAY_POLICY=armed', after=after), 'the alert')
            expect_equal([e['EXECRAY_ENFORCED'] for e in entries('EXECRAY_POLICY=armed', after=after)], ['refused'], 'what it says')
    finally:
        os.unlink('/etc/execrayd/execrayd.yaml.d/70-enforce.yaml')
        os.unlink(POLICIES + '/armed.policy')
    restart_unit()


def test_a_journald_that_is_restarted_gets_the_next_alert(_):
    pid = show('MainPID')
    run('systemctl', 'restart', 'systemd-journald.service', status=0)
    after = newest()
    touch('/srv/made')
    until(lambda: entries('EXECRAY_POLICY=made', after=after), 'the alert')
    expect_equal(show('MainPID'), pid, 'the process')


LIMITS = '/etc/systemd/journald.conf.d/limits.conf'
SUPPRESSED = 'MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e'


def test_no_limit_of_journald_hides_an_alert(_):
    last, after = int(entries('EXECRAY_POLICY=made')[-1]['EXECRAY_NUMBER']), newest()
    write(LIMITS, '[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=5\n')
    try:
        run('systemctl', 'restart', 'systemd-journald.service', status=0)
        run('systemd-run', '--quiet', '--wait', '--unit=noisy', 'sh', '-c', 'for i in $(seq 500); do echo $i; done', status=0)
        for _ in range(500):
            touch('/srv/made')

        def numbers():
            return [int(e['EXECRAY_NUMBER']) for e in entries('EXECRAY_POLICY=made', 'EXECRAY_SEVERITY=critical', after=after)]
        until(lambda: len(numbers()) >= 500, 'every alert')
        expect_equal(numbers(), list(range(last + 1, last + 501)), 'the numbers of the alerts, in their order')
        lines = len(entries('_SYSTEMD_UNIT=noisy.service'))
        expect(0 < lines < 400, 'journald kept %d of 500 lines of another unit: it limits nothing here' % lines)
        hidden = [e['MESSAGE'] for e in entries(SUPPRESSED)]
        expect(not [words for words in hidden if 'execrayd' in words], 'what journald says that it left out: %s' % hidden)
    finally:
        os.unlink(LIMITS)
        run('systemctl', 'restart', 'systemd-journald.service', status=0)


JOURNALD = ['systemd-journald.socket', 'systemd-journald-dev-log.socket', 'systemd-journald.service']


def test_a_journald_that_is_not_there_gets_every_alert_when_it_is(_):
    last = int(entries('EXECRAY_POLICY=made')[-1]['EXECRAY_NUMBER'])
    run('systemctl', 'stop', *JOURNALD)
    for _ in range(5):
        touch('/srv/made')
    until_said = time.monotonic() + 10
    while ' 5 WAIT' not in ctl('status', status=None) and time.monotonic() < until_said:
        time.sleep(0.1)
    status = run('/usr/local/bin/execrayctl', 'status')
    run('systemctl', 'start', *JOURNALD, status=0)
    expect_in(' 5 WAIT', status[1].decode(), 'the status')
    expect(status[0] in (21, 22), 'its exit status is %d' % status[0])

    def told():
        return [int(e['EXECRAY_NUMBER']) for e in entries('EXECRAY_POLICY=made', 'EXECRAY_SPOOLED=1') if int(e['EXECRAY_NUMBER']) > last]
    until(lambda: len(told()) >= 5, 'what waited')
    expect_equal(told(), list(range(last + 1, last + 6)), 'the numbers of the alerts that waited, in their order')


def test_a_journald_that_does_not_read_does_not_stop_the_daemon(_):
    last = int(entries('EXECRAY_POLICY=made')[-1]['EXECRAY_NUMBER'])
    pid = int(show('MainPID', unit='systemd-journald.service')['MainPID'])
    os.kill(pid, 19)
    try:
        for _ in range(700):
            touch('/srv/made')
        expect_in('execrayd', ctl('status', status=None), 'the answer of a daemon that is not stopped')
    finally:
        os.kill(pid, 18)
    numbers = until(lambda: (lambda n: n if len(n) >= 700 else None)(
        [int(e['EXECRAY_NUMBER']) for e in entries('EXECRAY_POLICY=made', 'EXECRAY_SEVERITY=critical')
         if int(e['EXECRAY_NUMBER']) > last]), 'every alert', seconds=20)
    expect_equal(numbers, list(range(last + 1, last + 701)), 'the numbers of the alerts, in their order')


def test_tune_reads_the_journal_and_believes_root_alone(_):
    forged = ('MESSAGE_ID=ab0dcd2ab4bd459fae22d09a59805776\nSYSLOG_IDENTIFIER=execrayd\nMESSAGE=forged\nEXECRAY_ALERT=%s\n'
              % json.dumps({'type': 'alert', 'policy': 'second', 'process': {'exe': '/usr/bin/evil', 'unit': 'evil.service', 'container': ''}}))
    for _ in range(6):
        subprocess.run(['setpriv', '--reuid', '65534', '--clear-groups', 'logger', '--journald'], input=forged.encode(), check=True)
    run('journalctl', '--sync')
    expect_equal(len(entries('MESSAGE=forged')), 6, 'how many entries anybody may make')
    said = ctl('tune', '--policies', POLICIES, '--since', '1h')
    expect_in('path "made" {', said, 'what is proposed')
    expect_in('# made, critical: ', said, 'what is proposed')
    expect_in('    except "proposed by tune: ', said, 'what is proposed')
    expect('evil' not in said, 'it believes what anybody wrote:\n' + said)


def test_a_wrong_configuration_fails_the_start_once(_):
    run('systemctl', 'stop', UNIT, status=0)
    expect_equal(show('Result', 'ExecMainStatus'), {'Result': 'success', 'ExecMainStatus': '0'}, 'the end')
    with open('/etc/execrayd/execrayd.yaml', 'a') as f:
        f.write('\nnonsense: 1\n')
    expect(run('systemctl', 'start', UNIT)[0] != 0, 'it started')
    time.sleep(0.5)
    expect_equal(show('ActiveState', 'ExecMainStatus'), {'ActiveState': 'failed', 'ExecMainStatus': '7'}, 'no restart')


if __name__ == '__main__':
    main(globals())

# SPDX-License-Identifier: Apache-2.0
"""In the booted machine: scripts run in a service of their own, with what they need and the daemon does not; whatever ends it, no alert
is lost."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(sys.argv[3], 'e2e'))

import harness
from harness import expect, expect_equal, expect_in, main, run

UNIT = 'execrayd.service'
SOCKET = '/run/execrayd/respond'
SCRIPT = '/etc/execrayd/lua/mark.lua'
CAPABILITIES = {'DAC_OVERRIDE': 1, 'DAC_READ_SEARCH': 2, 'FOWNER': 3, 'KILL': 5, 'SETPCAP': 8, 'NET_ADMIN': 12, 'SYS_PTRACE': 19, 'SETFCAP': 31,
                'BPF': 39}
RESPOND = {'KILL', 'SYS_PTRACE', 'DAC_READ_SEARCH', 'BPF', 'NET_ADMIN'}
MORE = {'DAC_OVERRIDE', 'FOWNER', 'SETFCAP'}     # of responses.conf
# systemd 252 in this container: what `systemd-analyze security` may say at most, in tenths.
EXPOSURE_MAX = {UNIT: 27, 'respond': 26}

POLICY = '''path "mark" {
    description = "A file is made"
    severity    = low
    suppress    = 0s
    respond     = ["mark"]
    openat { flags & O_CREAT, pathname startswith "/srv/resp/" }
}
'''
LUA = '''responder("mark", function(alert)
    local file = alert.steps[1].fields.pathname
    execray.field("marker", "%s")
    if text.contains(file, "/load-") then for i = 1, 300000 do end end        -- so that some wait
    -- This machine has numbers of processes of its own, the kernel tells the host's: so the file names the process.
    if text.contains(file, "/act-") then
        local pid, ticks = text.match(file, [[/act-([0-9]+)-]]), text.match(file, [[-([0-9]+)$]])
        execray.action("signal", {process = {pid = tonumber(pid), start_ns = tonumber(ticks) * 10000000}, signal = "TERM"})
    end
end)
'''
CONFIG = '''scripts:
  enrich_timeout: 10s
  patience: 20s
  queue: 2000
response:
  enforce: yes
'''
WRITER = '''
i=0
while [ ! -e /srv/resp-enough ]; do : > /srv/resp/load-$i; i=$((i + 1)); sleep 0.004; done
echo $i > /srv/resp-made
'''


def text(*command, status=0):
    return run(*command, status=status)[1].decode(errors='replace')


def show(name, unit=UNIT):
    return text('systemctl', 'show', '-P', name, unit).strip()


def log():
    run('journalctl', '--sync')
    return text('journalctl', '-q', '-o', 'cat', '-u', UNIT, '-u', 'execrayd-respond@*')


def until(check, what, seconds=20):
    return harness.until(check, what, seconds, log)


def write(path, words):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(words)


def touch(name):
    with open('/srv/resp/' + name, 'w'):
        pass


def instances():
    """Unit: process, of those that run."""
    lines = text('systemctl', 'list-units', '--plain', '--no-legend', '--state=active', 'execrayd-respond@*').splitlines()
    found = {line.split()[0]: int(show('MainPID', line.split()[0])) for line in lines}
    return {unit: pid for unit, pid in found.items() if pid > 0}


def one(other=0):
    """The only one, and another process than that: its unit, its process, as the daemon has it."""
    def look():
        found = instances()
        pid = scripts()['pid']
        return [(u, p) for u, p in found.items() if p == pid and p != other] if len(found) == 1 else None
    return until(look, 'a process for scripts')[0]


def scripts():
    """What the daemon says of them, once it is there."""
    said = until(lambda: text('/usr/local/bin/execrayctl', 'status', '--json', status=None), 'a status')
    return json.loads(said)['scripts']


def capabilities(pid):
    with open('/proc/%d/status' % pid) as f:
        status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
    for other in ('CapPrm', 'CapBnd'):
        expect_equal(status[other], status['CapEff'], other)
    expect_equal(status['NoNewPrivs'], '1', 'no new privileges')
    expect_equal(status['Seccomp'], '2', 'the filter of system calls')
    return int(status['CapEff'], 16)


def alerts(part):
    """Of files with this in their names, in the order of the journal."""
    run('journalctl', '--sync')
    found = [json.loads(line)['EXECRAY_ALERT'] for line in
             text('journalctl', '-q', '-a', '-o', 'json', 'MESSAGE_ID=ab0dcd2ab4bd459fae22d09a59805776', 'EXECRAY_POLICY=mark').splitlines()]
    return [a for a in map(json.loads, found) if part in a['steps'][0]['fields']['pathname']]


def alert(name):
    return until(lambda: alerts('/' + name), 'the alert of ' + name)[0]


def state(name):
    touch(name)
    return alert(name)['response']['state']


def names_of(mask):
    return {name for name, bit in CAPABILITIES.items() if mask >> bit & 1}


def test_scripts_begin_with_the_daemon_in_a_service_of_their_own(_):
    run('systemctl', 'stop', UNIT)
    shutil.rmtree('/etc/systemd/system/execrayd.service.d', ignore_errors=True)
    shutil.rmtree('/etc/execrayd/execrayd.yaml.d', ignore_errors=True)
    shutil.rmtree('/etc/execrayd/policies')
    os.makedirs('/srv/resp', exist_ok=True)
    os.chmod('/srv/resp', 0o777)
    write('/etc/execrayd/policies/mark.policy', POLICY)
    write('/etc/execrayd/execrayd.yaml', CONFIG)
    write(SCRIPT, LUA % 'first')
    run('systemctl', 'daemon-reload', status=0)
    expect_equal(show('ActiveState', 'execrayd-respond.socket'), 'active', 'the socket, when the daemon was stopped')
    run('systemctl', 'reset-failed', UNIT)
    run('systemctl', 'start', UNIT, status=0)
    unit, pid = one()
    expect(os.stat(SOCKET).st_mode & 0o777 == 0o600, 'the mode of the socket')
    with open('/proc/%d/cgroup' % pid) as f:
        expect_in(unit, f.read(), 'where it is')
    with open('/proc/%s/task/%s/children' % (show('MainPID'), show('MainPID'))) as f:
        expect_equal(f.read(), '', 'children of the daemon')
    expect_equal(state('first'), 'answered', 'an alert')
    expect_equal(alert('first')['response']['fields'], {'marker': 'first'}, 'the answer')
    expect(scripts()['service'], 'the status')
    expect_in('service of its own, process %d' % pid, text('/usr/local/bin/execrayctl', 'status', status=None), 'the status')


def test_each_has_what_it_needs(_):
    unit, pid = one()
    expect_equal(names_of(capabilities(pid)), RESPOND, 'what scripts may do')
    expect_equal(capabilities(pid), sum(1 << CAPABILITIES[name] for name in RESPOND), 'and nothing else')
    expect_equal(names_of(capabilities(int(show('MainPID')))) & (MORE | {'SETPCAP'}), set(), 'what the daemon may do, that it need not')
    for what, name in ((UNIT, UNIT), (unit, 'respond')):
        found = text('systemd-analyze', 'security', what, '--no-pager', status=None)
        line = [line for line in found.splitlines() if 'Overall exposure' in line][0]
        exposure = round(float(line.split(': ')[1].split()[0]) * 10)
        print('        exposure of %s %.1f' % (name, exposure / 10))
        expect(exposure <= EXPOSURE_MAX[name], '\n'.join(line for line in found.splitlines() if not line.startswith('✓')))


def test_an_action_reaches_a_process_of_another_user(_):
    child = subprocess.Popen(['setpriv', '--reuid', '65534', '--clear-groups', 'sleep', '60'])
    try:
        until(lambda: os.stat('/proc/%d' % child.pid).st_uid == 65534, 'another user')
        with open('/proc/%d/stat' % child.pid) as f:
            name = 'act-%d-%s' % (child.pid, f.read().rsplit(')', 1)[1].split()[19])
        touch(name)
        action = alert(name)['response']['actions'][0]
        expect_equal(action['state'], 'done', 'what became of it (%s)' % action['result'])
        expect_equal(child.wait(10), -15, 'how the process ended')
    finally:
        child.kill()


def test_the_drop_in_for_responses_gives_the_daemon_nothing(_):
    before, first = capabilities(int(show('MainPID'))), one()[1]
    os.makedirs('/etc/systemd/system/execrayd-respond@.service.d', exist_ok=True)
    shutil.copy('/usr/local/share/execrayd/responses.conf', '/etc/systemd/system/execrayd-respond@.service.d')
    run('systemctl', 'daemon-reload', status=0)
    run('systemctl', 'reload', UNIT, status=0)
    _unit, pid = one(first)
    expect_equal(names_of(capabilities(pid)), RESPOND | MORE, 'what scripts may do')
    expect_equal(capabilities(int(show('MainPID'))), before, 'what the daemon may do')
    run('nsenter', '-t', str(pid), '-m', 'sh', '-ec', 'for d in /srv /tmp /sys/fs/cgroup; do mkdir $d/here; rmdir $d/here; done', status=0)
    run('systemctl', 'restart', UNIT, status=0)
    expect_equal(capabilities(int(show('MainPID'))), before, 'what the daemon may do, begun with it')
    shutil.rmtree('/etc/systemd/system/execrayd-respond@.service.d')
    run('systemctl', 'daemon-reload', status=0)
    run('systemctl', 'reload', UNIT, status=0)
    until(lambda: names_of(capabilities(one()[1])) == RESPOND, 'what scripts may do without it')


def test_nobody_else_is_listened_to(_):
    expect(run('setpriv', '--reuid', '65534', '--clear-groups', 'python3', '-c',
               'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("%s")' % SOCKET)[0] != 0, 'anybody may connect')
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:     # root, but not the daemon
        s.settimeout(20)
        s.connect(SOCKET)
        try:
            expect_equal(s.recv(65536), b'', 'what it says to another')
        except ConnectionResetError:
            pass
    expect_in('was asked by nobody who may', log(), 'the log')
    expect_equal(state('after-another'), 'answered', 'an alert')


def test_nobody_else_answers(_):
    run('systemctl', 'stop', 'execrayd-respond.socket', status=0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(SOCKET)
        s.listen()
        os.kill(one()[1], 9)
        until(lambda: 'Cannot start the process that runs scripts: Operation not permitted' in log(), 'a refusal')
        expect_equal(state('down'), 'down', 'an alert meanwhile')
    run('systemctl', 'start', 'execrayd-respond.socket', status=0)
    one()
    until(lambda: state('again-%d' % time.monotonic_ns()) == 'answered', 'an answer')


def test_scripts_are_read_again_all_or_nothing(_):
    _unit, pid = one()
    write(SCRIPT, 'responder("mark", function(alert) end')
    expect(run('systemctl', 'reload', UNIT)[0] != 0, 'a wrong script is no error')
    expect_equal(one()[1], pid, 'the process')
    expect_equal(state('wrong'), 'answered', 'an alert')
    expect_equal(alert('wrong')['response']['fields'], {'marker': 'first'}, 'the answer')
    write(SCRIPT, LUA % 'second')
    run('systemctl', 'reload', UNIT, status=0)
    one(pid)
    expect_equal(state('right'), 'answered', 'an alert')
    expect_equal(alert('right')['response']['fields'], {'marker': 'second'}, 'the answer')


def test_killed_under_load_it_takes_no_alert_with_it(_):
    before = scripts()
    writer = subprocess.Popen(['sh', '-c', WRITER])
    try:
        killed = 0
        for _ in range(5):
            _unit, killed = one(killed)
            time.sleep(0.3)
            os.kill(killed, 9)
        one(killed)
        time.sleep(0.5)
    finally:
        open('/srv/resp-enough', 'w').close()
        writer.wait(20)
    with open('/srv/resp-made') as f:
        made = int(f.read())
    found = until(lambda: (lambda a: a if len(a) >= made else None)(alerts('/load-')), 'every one of %d alerts' % made)
    expect_equal(sorted(int(a['steps'][0]['fields']['pathname'].split('-')[1]) for a in found), list(range(made)), 'the alerts')
    states = [a['response']['state'] for a in found]
    now = scripts()
    counted = {key: now[key] - before[key] for key in ('asked', 'answered', 'lost', 'down', 'full', 'late', 'large', 'starts')}
    print('        %d alerts, %s' % (made, counted))
    for key in ('answered', 'lost', 'down', 'full', 'late', 'large'):
        expect_equal(states.count(key), counted[key], 'how many are %s' % key)
    expect_equal(counted['asked'] + counted['down'] + counted['full'], made, 'asked about, or counted')
    expect_equal(counted['starts'], 5, 'starts')
    expect(counted['answered'] > 0 and counted['lost'] > 0, 'it was not killed under load')


def test_the_daemon_is_restarted_and_killed_and_goes_on_with_another(_):
    _unit, first = one()
    run('systemctl', 'restart', UNIT, status=0)
    _unit, second = one(first)
    expect_equal(state('restarted'), 'answered', 'an alert')
    os.kill(int(show('MainPID')), 9)
    one(second)
    expect_equal(state('crashed'), 'answered', 'an alert')
    run('systemctl', 'stop', UNIT, status=0)
    until(lambda: not instances(), 'the end of the process')


def test_without_its_socket_the_daemon_watches(_):
    run('systemctl', 'mask', '--runtime', '--now', 'execrayd-respond.socket', status=0)
    run('systemctl', 'reset-failed', UNIT)
    run('systemctl', 'start', UNIT, status=0)
    expect_equal(state('alone'), 'down', 'an alert')
    run('systemctl', 'unmask', '--runtime', 'execrayd-respond.socket', status=0)
    run('systemctl', 'start', 'execrayd-respond.socket', status=0)
    one()
    expect_equal(state('not-alone'), 'answered', 'an alert')


if __name__ == '__main__':
    main(globals())

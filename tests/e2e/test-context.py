#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a process belongs to: the package of its program, its container and that one's image, units and logins of a real systemd.

It runs in a mount namespace of its own, so that a runtime's files can be put where they belong."""
import json
import os
import shutil
import subprocess
import sys
import time

import booted
from harness import EXECRAYCTL, EXECRAYD, Daemon, expect, expect_equal, expect_in, main, run, sh, skip

PACKAGES = '''
path "run" {
    severity = low
    execve { filename glob "%(dir)s/*" }
}
path "known" {
    severity = low
    suppress = 0s
    execve { any argv == "0.1%(pid)d" }
}
path "owned" {
    severity = low
    execve { proc.name == "sleep", any argv == "0.0%(pid)d" }
}
'''
CONTAINERS = '''
path "lifetime" {
    severity = low
    suppress = 0s
    container { id == "%(id)s" }
}
path "inside" {
    severity = low
    by       = container
    execve { proc.container.image == "nginx:1.25", proc.container.name == "web", proc.container.runtime == "docker" }
}
path "joined" {
    severity = low
    by       = container
    container { action == "started", id == "%(id)s" }
    execve { filename == "/bin/true" }
}
path "pretender" {
    severity = low
    by       = container
    suppress = 0s
    execve { proc.container.id == "%(id)s", proc.container.runtime == "podman" }
}
'''
ELSEWHERE = '''
path "elsewhere" {
    severity = low
    suppress = 0s
    openat { pathname startswith "%(mine)s", proc.ns.uts != %(uts)d, parent.ns.uts == %(uts)d, proc.ns.pid == %(pid)d }
}
path "here" {
    severity = low
    suppress = 0s
    openat { pathname startswith "%(mine)s", proc.ns.uts == %(uts)d }
}
'''
EVENTS = '''
path "unit" {
    severity = low
    by       = host
    suppress = 0s
    unit { name in ["victim.service", "bad.service", "dependent.service"] }
}
path "login" {
    severity = low
    by       = host
    suppress = 0s
    login { action in ["opened", "closed"] }
}
path "loginuid" {
    severity = low
    by       = host
    login { action == "loginuid", uid == 65534 }
}
'''
UNITS = {
    'execrayd-e2e.service': '''
[Service]
Type=notify
ExecStart=/opt/execrayd/%s --policies /opt/e2e/policies --output json
StandardOutput=file:/opt/e2e/alerts
StandardError=file:/opt/e2e/log
''' % os.path.basename(EXECRAYD),
    'victim.service': '''
[Service]
Type=exec
ExecStart=/bin/sleep 1000
ExecReload=/bin/true
''',
    'bad.service': '''
[Service]
Type=oneshot
ExecStart=/bin/false
''',
    'dependent.service': '''
[Unit]
Requires=bad.service
After=bad.service
[Service]
Type=oneshot
ExecStart=/bin/true
''',
}
# What it finds out is judged outside. The recorder is a second capture beside the service, without a loop.
INSIDE = '''
cd /opt/e2e
echo booted
systemctl start dbus.service systemd-logind.service || { echo no bus; exit; }
systemctl start execrayd-e2e.service
/opt/execrayctl/%(ctl)s record recording --policies /opt/e2e/policies 2> recorder &
recorder=$!
until=$(($(date +%%s) + 20))
for what in 'systemd is watched' 'logind is watched'; do
        while ! grep -q "$what" log || ! grep -q "$what" recorder; do
                [ $(date +%%s) -lt $until ] || break
                sleep 0.1
        done
done
systemctl start victim.service
systemctl reload victim.service
systemctl stop victim.service
systemctl start dependent.service
systemd-run --quiet --wait -p PAMName=login -p User=nobody /bin/sh -c 'cat /proc/self/loginuid > /dev/null; sleep 0.3'
sleep 0.5
systemctl kill --signal=KILL dbus.service
sleep 0.5
systemctl start victim.service
while [ $(grep -c 'systemd is watched' log) -lt 2 ] && [ $(date +%%s) -lt $(($until + 20)) ]; do sleep 0.1; done
sleep 0.5
kill -INT $recorder
wait $recorder
systemctl stop execrayd-e2e.service
/opt/execrayctl/%(ctl)s replay recording --policies /opt/e2e/policies --json > replayed
/opt/execrayctl/%(ctl)s replay recording --policies /opt/e2e/policies --json > again
echo done
''' % {'ctl': os.path.basename(EXECRAYCTL)}


def test_a_program_is_of_a_package_or_of_none(place):
    if not os.path.isdir('/var/lib/dpkg/info'):
        print('        (no dpkg here)')
        return
    place.policy('p', PACKAGES % {'dir': place.path, 'pid': os.getpid()})
    shutil.copy('/bin/sleep', place.join('stranger'))
    with Daemon(place) as daemon:
        # What dpkg says is read after the start, and no alert waits for it.
        for n in range(1, 21):
            sh('sleep 0.1$1', str(os.getpid()))
            if daemon.wait_alert('known', n)['process'].get('package') == 'coreutils':
                break
        sh('"$1" 0; sleep 0.0$2', place.join('stranger'), str(os.getpid()))
        stranger, owned = daemon.wait_alert('run'), daemon.wait_alert('owned')
        expect_equal(stranger['process'].get('package'), '', 'the package of a program of no package')
        expect('package_version' not in stranger['process'], 'it has a version')
        expect_equal(owned['process'].get('package'), 'coreutils', 'the package of sleep')
        wanted = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', 'coreutils'], capture_output=True, text=True).stdout
        expect_equal(owned['process'].get('package_version'), wanted, 'its version')
        expect_equal(owned['steps'][0]['process'].get('package'), 'coreutils', 'the package in a step')
        daemon.stop()


# Leaves a namespace without an exec, or not, and then does as it is told: open a file, or fork a child that does.
MOVER = '''
import ctypes, os, sys
for line in sys.stdin:
    what, path = line.split()
    if what == 'move' and ctypes.CDLL(None, use_errno=True).unshare(0x04000000) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    if what == 'fork' and os.fork() > 0:
        os.wait()
    else:
        open(path, 'w').close()
        if what == 'fork':
            os._exit(0)
    print('done', flush=True)
'''


class Mover:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, '-c', MOVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, what, path):
        self.process.stdin.write('%s %s\n' % (what, path))
        self.process.stdin.flush()
        expect_equal(self.process.stdout.readline(), 'done\n', 'what the process says')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def test_where_a_process_lives_is_known_without_an_exec(place):
    uts, pid = (os.stat('/proc/self/ns/' + name).st_ino for name in ('uts', 'pid'))
    policy = ELSEWHERE % {'mine': place.join('mine'), 'uts': uts, 'pid': pid}
    place.policy('p', 'path "nothing" { exit { code == 77 } }')
    with Mover() as early, Daemon(place) as daemon, Mover() as late:
        # It moves while nobody looks; the reload finds out where it is.
        early.tell('move', place.join('unseen'))
        place.policy('p', policy)
        expect_in('Reloaded', daemon.reload(), 'the answer to a reload')
        early.tell('open', place.join('mine-early'))
        late.tell('open', place.join('mine-late-1'))
        late.tell('move', place.join('mine-late-2'))
        late.tell('open', place.join('mine-late-3'))
        late.tell('fork', place.join('mine-late-4'))
        found = [daemon.wait_alert('elsewhere', n) for n in (1, 2, 3)]
        here = daemon.wait_alert('here')
        daemon.settle()
        daemon.stop()
        expect_equal([a['steps'][0]['fields']['pathname'] for a in found], [place.join(n) for n in ('mine-early', 'mine-late-2', 'mine-late-3')],
                     'the files that were opened elsewhere')
        # The parent of the last one lives where it does.
        expect_equal(len([a for a in daemon.alerts() if a['policy'] == 'elsewhere']), 3, 'the number of them')
        expect_equal(here['steps'][0]['fields']['pathname'], place.join('mine-late-1'), 'the file that was opened here')


def hierarchy_of(daemon):
    """Where the groups are that the daemon looks at."""
    named = 'cgroups: v1, name=systemd' in daemon.text()
    with open('/proc/mounts') as mounts:
        for line in mounts:
            _, directory, kind, options = line.split()[:4]
            if kind == ('cgroup' if named else 'cgroup2') and (not named or 'name=systemd' in options):
                return directory
    skip('no cgroup hierarchy is mounted here')


class Group:
    def __init__(self, path, owner=0):
        self.path = path
        os.makedirs(path)
        os.chown(path, owner, owner)

    def run(self, *command):
        """In the group."""
        sh('echo $$ > "$1/cgroup.procs"; shift; "$@"', self.path, *command)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)


def test_a_container_is_told_from_its_start_to_its_end_with_what_its_runtime_wrote(place):
    name = '%064x' % os.getpid()
    upper = place.join('lib')
    os.mkdir(upper)
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', upper, status=0)
    for part in ('upper', 'work'):
        os.mkdir(os.path.join(upper, part), 0o755)
    status, _, err = run('mount', '-t', 'overlay', '-o', 'lowerdir=/var/lib,upperdir=%s/upper,workdir=%s/work' % (upper, upper), 'overlay',
                         '/var/lib')
    expect_equal(status, 0, 'the status of mount (%s)' % err.decode(errors='replace'))
    directory = '/var/lib/docker/containers/' + name
    os.makedirs(directory)
    with open(directory + '/config.v2.json', 'w') as f:
        json.dump({'ID': name, 'Name': '/web', 'Config': {'Image': 'nginx:1.25'}}, f)
    try:
        place.policy('p', CONTAINERS % {'id': name})
        with Daemon(place) as daemon:
            root = hierarchy_of(daemon)
            with Group(os.path.join(root, 'docker-%s.scope' % name)) as group:
                started = daemon.wait_alert('lifetime')
                group.run('/bin/true')
                inside = daemon.wait_alert('inside')
                with Group(os.path.join(group.path, 'docker-%064x.scope' % 7)) as own:
                    own.run('/bin/true')
                    daemon.settle()
            stopped = daemon.wait_alert('lifetime', 2)
            # A group of that name that somebody else could make has the name and nothing more.
            with Group(os.path.join(root, 'execray-e2e-%d' % os.getpid()), owner=65534) as own:
                with Group(os.path.join(own.path, 'libpod-%s.scope' % name), owner=65534) as group:
                    group.run('/bin/true')
                    pretender = daemon.wait_alert('pretender')
            daemon.stop()
        for alert, action in (started, 'started'), (stopped, 'stopped'):
            fields = alert['steps'][0]['fields']
            expect_equal([fields.get(f) for f in ('action', 'id', 'name', 'image')], [action, name, 'web', 'nginx:1.25'],
                         'what is told of the container')
        process = inside['process']
        expect_equal([process.get(k) for k in ('container', 'container_runtime', 'container_name', 'container_image')],
                     [name, 'docker', 'web', 'nginx:1.25'], 'the container of a process in it')
        expect_equal(len([a for a in daemon.alerts() if (a['policy'], a['type']) == ('joined', 'alert')]), 1, 'how often a container and what runs in it were one story')
        expect_equal([pretender['process'].get(k) for k in ('container', 'container_name', 'container_image')], [name, None, None],
                     'the container of a process in a group that is called the same')
    finally:
        run('umount', '-l', '/var/lib')
        run('umount', '-l', upper)


MACHINE = '''
path "machine" {
    severity = low
    by       = container
    suppress = 0s
    container { action == "started", runtime == "nspawn" }
    execve { filename == "/usr/bin/env", proc.container.name == "my-box", proc.container.runtime == "nspawn" }
    container { action == "stopped" }
}
'''
MACHINE_UNITS = {
    'execrayd-e2e.service': UNITS['execrayd-e2e.service'],
    # As systemd-nspawn@.service is, but for a tree that is no system's and needs none.
    'systemd-nspawn@my-box.service': '''
[Service]
Type=oneshot
Slice=machine.slice
Delegate=yes
ExecStart=/usr/bin/systemd-nspawn --quiet --keep-unit --register=no --machine=my-box --directory=/srv/box --bind-ro=/usr \\
        --private-network --link-journal=no --resolv-conf=off --timezone=off /usr/bin/env
StandardOutput=file:/opt/e2e/payload
StandardError=inherit
''',
}
MACHINE_INSIDE = '''
cd /opt/e2e
echo booted
mkdir -p /srv/box/usr /srv/box/etc
for name in bin sbin lib lib64; do
        [ ! -L /$name ] || cp -P /$name /srv/box/
done
systemctl start execrayd-e2e.service
systemctl start systemd-nspawn@my-box.service
sleep 1
systemctl stop execrayd-e2e.service
echo done
'''


def test_a_machine_of_systemd_is_told_from_its_start_to_its_end_with_what_ran_in_it(place):
    if not os.path.islink('/bin'):
        print('        (/bin is not in /usr here)')
        return
    place.policy('p', MACHINE)
    read = booted.play(place, MACHINE_INSIDE, MACHINE_UNITS)
    if 'container=systemd-nspawn' not in read('payload'):
        print('        (no container in a container here: %s)' % read('payload').strip())
        return
    alerts = [json.loads(line) for line in read('alerts').splitlines()]
    expect_equal([(a['policy'], a['key']) for a in alerts], [('machine', 'container my-box')], 'the alerts; the log is %s' % read('log'))
    started, inside, stopped = alerts[0]['steps']
    for step, action in (started, 'started'), (stopped, 'stopped'):
        expect_equal([step['fields'].get(f) for f in ('action', 'id', 'name', 'runtime')], [action, 'my-box', 'my-box', 'nspawn'],
                     'what is told of the machine')
    expect_equal([inside['process'].get(k) for k in ('container', 'unit')], ['my-box', 'systemd-nspawn@my-box.service'],
                 'where what it ran was')


def fields_of(text, policy):
    alerts = [json.loads(line) for line in text.splitlines()]
    return [a['steps'][0]['fields'] for a in alerts if a['policy'] == policy and a['type'] == 'alert']


def check_events(text, which):
    units = [(f['name'], f['action']) for f in fields_of(text, 'unit')]
    victim = [action for name, action in units if name == 'victim.service']
    expect_equal(victim, ['starting', 'started', 'reloaded', 'stopping', 'stopped', 'started'], 'the life of a unit (%s)' % which)
    expect_in(('bad.service', 'failed'), units, 'the units (%s)' % which)
    outcomes = {f['name']: f.get('outcome') for f in fields_of(text, 'unit') if f['action'] == 'failed'}
    expect_equal(outcomes, {'bad.service': 'exit-code', 'dependent.service': 'dependency'}, 'why units failed (%s)' % which)
    logins = [(f['action'], f.get('user'), f.get('service')) for f in fields_of(text, 'login')]
    expect_equal(logins, [('opened', 'nobody', 'login'), ('closed', 'nobody', 'login')], 'the logins (%s)' % which)


def test_units_and_logins_of_a_real_systemd_are_events_and_replay(place):
    place.policy('p', EVENTS)
    read = booted.play(place, INSIDE, UNITS)
    if 'no bus' in read('said'):
        print('        (no bus in there: %s)' % read('said').strip())
        return
    check_events(read('alerts'), 'the service; its log is %s' % read('log'))
    expect_equal(len(fields_of(read('alerts'), 'loginuid')), 1, 'the login user')
    expect_in('The system bus is there again', read('log'), 'the log')
    expect_in('produced', read('log'), 'the log')

    check_events(read('replayed'), 'the recording; the recorder says %s' % read('recorder'))
    expect(read('replayed') == read('again'), 'a second replay gives other bytes')
    expect('"package"' not in read('replayed'), 'a replay looks at the host')


if __name__ == '__main__':
    if os.geteuid() == 0 and not os.environ.get('EXECRAY_E2E_NAMESPACE'):
        os.environ['EXECRAY_E2E_NAMESPACE'] = '1'
        os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable] + sys.argv)
    booted.need()
    main(globals())

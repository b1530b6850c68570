# SPDX-License-Identifier: Apache-2.0
"""A real systemd for tests, with its journald and, if it is installed, its bus and logind, on the running kernel.

The system is this machine's own, booted a second time with systemd-nspawn: its root below, a file system in memory on top, units of
the test's own, no network. It has namespaces and a cgroup for itself, and all of it is gone afterwards.

This file is imported by tests, and started by itself, as `booted.py EXECRAYD EXECRAYCTL - DIR`, in the namespaces."""
import json
import os
import shutil
import subprocess
import sys
import time

from harness import EXECRAYCTL, EXECRAYD, Failure, skip

SYSTEMD = '/usr/lib/systemd/systemd'
SECONDS = 150

UNITS = {
    'e2e.service': '''
[Unit]
After=basic.target systemd-journald.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=exec
ExecStart=/bin/sh /opt/e2e/inside
StandardOutput=file:/opt/e2e/said
StandardError=inherit
TimeoutStopSec=5
''',
    'e2e.target': '''
[Unit]
Requires=basic.target
After=basic.target
Wants=e2e.service
AllowIsolate=yes
''',
}


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


def mount(*arguments):
    subprocess.run(('mount',) + arguments, check=True)


def spread(stage, upper):
    """What was installed below `stage`, where the root has it: /lib may be a link to /usr/lib."""
    for directory, _, names in os.walk(stage):
        place = os.path.realpath('/' + os.path.relpath(directory, stage))
        os.makedirs(upper + place, exist_ok=True)
        for name in names:
            shutil.copy2(os.path.join(directory, name), upper + place)


def boot(directory):
    """In namespaces of our own: put the root together and start it."""
    subprocess.run(['umount', '-l', '/sys/fs/cgroup'], check=False, stderr=subprocess.DEVNULL)
    mount('-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup')
    work = os.path.join(directory, 'work')
    os.mkdir(work)
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', work)
    for name in ('upper', 'overlay', 'root'):
        os.mkdir(os.path.join(work, name), 0o755)
    units = os.path.join(work, 'upper/etc/systemd/system')
    for name, text in UNITS.items():
        write(os.path.join(units, name), text)
    for name in os.listdir(os.path.join(directory, 'units')):
        with open(os.path.join(directory, 'units', name)) as f:
            write(os.path.join(units, name), f.read())
    os.symlink('e2e.target', os.path.join(units, 'default.target'))
    with open(os.path.join(directory, 'more')) as f:
        more = json.load(f)
    if more['stage']:
        spread(more['stage'], os.path.join(work, 'upper'))
    os.mkdir(os.path.join(units, 'e2e.target.wants'))
    for name in more['wants']:
        os.symlink('/usr/lib/systemd/system/' + name, os.path.join(units, 'e2e.target.wants', name))
    for name in ('opt/e2e', 'opt/execrayd', 'opt/execrayctl', 'srv', 'run'):
        os.makedirs(os.path.join(work, 'upper', name), exist_ok=True)
    root = os.path.join(work, 'root')
    mount('-t', 'overlay', '-o', 'lowerdir=%s,upperdir=%s,workdir=%s' % (more['lower'], os.path.join(work, 'upper'), os.path.join(work, 'overlay')),
          'overlay', root)
    # No machined and no systemd out here to ask; what is watched is the kernel, so nothing of it may be filtered away.
    os.environ.update(SYSTEMD_NSPAWN_UNIFIED_HIERARCHY='1', SYSTEMD_NSPAWN_API_VFS_WRITABLE='1')
    os.execvp('systemd-nspawn', [
        'systemd-nspawn', '--quiet', '--directory=' + root, '--boot', '--register=no', '--keep-unit', '--link-journal=no',
        '--resolv-conf=off', '--timezone=off', '--machine=execray-e2e-%d' % os.getpid(), '--private-network', '--capability=all',
        '--system-call-filter=@known', '--console=read-only', '--bind=%s:/opt/e2e' % directory,
        '--bind-ro=%s:/opt/execrayd' % os.path.dirname(EXECRAYD), '--bind-ro=%s:/opt/execrayctl' % os.path.dirname(EXECRAYCTL)]
        + ['--bind-ro=' + bind for bind in more['binds']])


class Cgroup:
    """One of our own, for the booted system to make its own below; all that is left in it is killed at the end."""

    def __init__(self):
        with open('/proc/mounts') as mounts:
            places = [line.split()[1] for line in mounts if line.split()[2] == 'cgroup2']
        if not places:
            skip('no cgroup hierarchy v2 is mounted here')
        self.path = os.path.join(places[0], 'execray-e2e-%d' % os.getpid())

    def __enter__(self):
        try:
            os.mkdir(self.path)
        except OSError as e:
            skip('no cgroup can be made here: %s' % e)
        return self

    def join(self):
        with open(os.path.join(self.path, 'cgroup.procs'), 'w') as f:
            f.write(str(os.getpid()))

    def __exit__(self, *_):
        for _ in range(50):
            try:
                with open(os.path.join(self.path, 'cgroup.kill'), 'w') as f:
                    f.write('1')
                for directory, _, _ in os.walk(self.path, topdown=False):
                    os.rmdir(directory)
                return
            except OSError:
                time.sleep(0.1)


def need():
    for program in ('/usr/bin/systemd-nspawn', SYSTEMD, '/usr/bin/journalctl'):
        if os.geteuid() == 0 and not os.path.exists(program):
            skip('%s is not installed (package systemd-container)' % program)


def play(place, inside, units, stage=None, wants=(), binds=(), lower='/'):
    """Boot, run the script `inside` when the system is up, and end it. Answers with a function that reads what the script left in its
    directory, /opt/e2e, by name. What lies below `stage` is installed, units in `wants` are started with the system, `binds` are
    OUTSIDE:INSIDE, to be read there. `lower` is another root than this machine's."""
    place.write('more', json.dumps({'stage': stage, 'wants': list(wants), 'binds': list(binds), 'lower': lower}))
    place.write('inside', inside)
    os.mkdir(place.join('units'))
    for name, text in units.items():
        place.write('units/' + name, text)
    with Cgroup() as cgroup, open(place.join('console'), 'wb') as console:
        process = subprocess.Popen(['unshare', '--mount', '--cgroup', '--pid', '--fork', '--kill-child', '--mount-proc',
                                    '--propagation', 'private', sys.executable, os.path.abspath(__file__), EXECRAYD, EXECRAYCTL,
                                    '-', place.path], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                   preexec_fn=cgroup.join)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def read(name):
        try:
            with open(place.join(name), errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    said = read('said')
    if 'booted' not in said:
        skip('systemd does not boot in a container here: %s' % ' / '.join(read('console').strip().splitlines()[-3:]))
    if 'done' not in said.split():
        raise Failure('it did not come to its end:\n%s\n%s' % (said, read('console')[-2000:]))
    return read


if __name__ == '__main__':
    boot(sys.argv[4])

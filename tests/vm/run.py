#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py --release RELEASE --cache DIRECTORY --init PROGRAM TEST...: run tests on the kernel of a Debian release.

The kernel is the release's newest for cloud machines, fetched with apt from the mirror that this machine uses, once;
its own lists and settings stay as they are. It boots in QEMU, emulated, from memory: a root of the tests, the libraries
that they are linked with, and a few programs of this machine that they start. Needs no privilege.

Exits with 0 if all tests passed, 77 with a reason where that cannot be tried, else 1. A test that is skipped there has
failed: these are kernels that we say we support."""
import argparse
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

FLAVOUR = 'cloud-amd64'
PROGRAMS = ['/bin/sh', '/bin/sleep', '/bin/true']       # what tests start
MODULES = ['overlay']                   # what they use, if it is not built in
MACHINE_SECONDS = 700                   # then it is ended; three at once, on 2 CPUs with a load of 12, took 250
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
QEMU = 'qemu-system-x86_64'


class Skip(Exception):
    pass


def output_of(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        text = done.stderr.decode(errors='replace').strip().splitlines()
        raise Skip('%s: %s' % (' '.join(command[:2]), text[-1] if text else 'exit status %d' % done.returncode))
    return done.stdout


# ---- the kernel ----

def apt_environment(release, directory):
    """Sources, lists and caches of our own, on the mirror of this machine; proxies and the like stay."""
    mirrors = output_of(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).decode().split()
    mirrors = [mirror for mirror in mirrors if re.search(r'/debian/?$', mirror)]
    if not mirrors:
        raise Skip('apt knows no mirror of Debian')
    for below in ('lists/partial', 'cache/archives/partial'):
        os.makedirs(os.path.join(directory, below))
    with open(os.path.join(directory, 'sources'), 'w') as f:
        signed = ' signed-by=' + KEYRING if os.path.exists(KEYRING) else ''
        f.write('deb [arch=amd64%s] %s %s main\n' % (signed, mirrors[0], release))
    with open(os.path.join(directory, 'settings'), 'w') as f:
        for key, value in (('Dir::Etc::sourcelist', directory + '/sources'), ('Dir::Etc::sourceparts', '/dev/null'),
                           ('Dir::State::lists', directory + '/lists'), ('Dir::State::status', '/dev/null'),
                           ('Dir::Cache', directory + '/cache'), ('APT::Architecture', 'amd64'),
                           ('APT::Sandbox::User', ''), ('APT::Update::Error-Mode', 'any'),
                           ('Acquire::Languages', 'none'), ('Acquire::Retries', '1'), ('Acquire::http::Timeout', '15')):
            f.write('%s "%s";\n' % (key, value))
    return dict(os.environ, APT_CONFIG=directory + '/settings', LC_ALL='C.UTF-8')


def kernel_packages(environment):
    """What linux-image-FLAVOUR stands for. In newer releases the image and its modules are packages of their own."""
    packages, todo = [], ['linux-image-' + FLAVOUR]
    while todo:
        record = output_of(['apt-cache', 'show', '--no-all-versions', todo.pop()], env=environment).decode()
        for name in re.findall(r'(?:^Depends: |, )(linux-(?:image|binary|modules|base)-\d\S*)', record, re.M):
            if name not in packages:
                packages.append(name)
                todo.append(name)
    if not packages:
        raise Skip('the release has no kernel linux-image-' + FLAVOUR)
    return packages


def unpack(package, directory):
    """The image and the modules that we use."""
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode='r|') as archive:
            for member in archive:
                image = re.search(r'/boot/vmlinuz-([^/]+)$|/modules/([^/]+)/vmlinuz$', member.name)
                module = re.search(r'/([^/]+)\.ko(|\.xz)$', member.name)
                if not member.isfile() or not (image or module and module.group(1) in MODULES):
                    continue
                data = archive.extractfile(member).read()
                if image:
                    write(os.path.join(directory, 'vmlinuz'), data)
                    write(os.path.join(directory, 'version'), (image.group(1) or image.group(2)).encode())
                else:
                    os.makedirs(os.path.join(directory, 'modules'), exist_ok=True)
                    data = lzma.decompress(data) if module.group(2) else data
                    write(os.path.join(directory, 'modules', module.group(1) + '.ko'), data)


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def kernel(release, cache):
    """The directory with vmlinuz, version and modules: complete, or not there."""
    ready = os.path.join(cache, release)
    if os.path.exists(ready):
        return ready
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        try:
            environment = apt_environment(release, os.path.join(work, 'apt'))
            output_of(['apt-get', '-q', 'update'], env=environment, timeout=90)
            packages = kernel_packages(environment)
            output_of(['apt-get', '-q', 'download'] + packages, env=environment, timeout=120, cwd=work)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Skip('cannot fetch the kernel of %s: %s' % (release, error))
        made = os.path.join(work, 'made')
        os.makedirs(made)
        for name in os.listdir(work):
            if name.endswith('.deb'):
                unpack(os.path.join(work, name), made)
        if not os.path.exists(os.path.join(made, 'vmlinuz')):
            raise Skip('no image in the packages of ' + release)
        try:
            os.rename(made, ready)
        except OSError:                 # somebody else has just made it
            if not os.path.exists(ready):
                raise
    return ready


# ---- the root ----

class Root:
    """An archive as the kernel wants it (cpio, newc)."""
    def __init__(self):
        self.data = bytearray()
        self.names = set()

    def add(self, name, mode, content=b''):
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self.add(parent, 0o040755)
        self.names.add(name)
        fields = [len(self.names), mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name.encode()) + 1, 0]
        self.data += b'070701' + b''.join(b'%08x' % field for field in fields) + name.encode() + b'\0'
        self.data += bytes(-len(self.data) % 4) + content
        self.data += bytes(-len(self.data) % 4)

    def add_file(self, path, name):
        if name not in self.names:
            with open(path, 'rb') as f:
                self.add(name, 0o100755, f.read())

    def add_program(self, path, name):
        """With its libraries, where it looks for them."""
        self.add_file(path, name)
        done = subprocess.run(['ldd', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for library in re.findall(r'(/\S+) \(0x', done.stdout.decode()):
            self.add_file(library, library.lstrip('/'))

    def packed(self):
        self.add('TRAILER!!!', 0)
        return bytes(self.data)


def make_root(init, tests, modules):
    root = Root()
    for name in ('dev', 'proc', 'sys', 'root', 'tmp', 'modules'):
        root.add(name, 0o040755)
    root.add('dev/console', 0o020600)
    root.add_program(init, 'init')
    for path in PROGRAMS:
        root.add_program(path, path.lstrip('/'))
    for path in tests:
        root.add_program(path, 'tests/' + os.path.basename(path))
    if os.path.isdir(modules):
        for name in sorted(os.listdir(modules)):
            root.add_file(os.path.join(modules, name), 'modules/' + name)
    return root.packed()


# ---- the machine ----

def boot(image, initrd, directory):
    """(what the tests said, what the kernel said, why it was ended)"""
    said, console = os.path.join(directory, 'said'), os.path.join(directory, 'console')
    command = [
        QEMU, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-M', 'q35',
        # Never the host's virtualization, which may be one that runs special kernels only. QEMU 7.2 leaves wrong
        # flags behind CMPXCHG16B, which the allocator of newer kernels uses if there is one: one boot in two crashed.
        # Without it 7.x has no memory for the storage of tasks, but for caches that are checked (slab_debug).
        '-accel', 'tcg,thread=multi', '-cpu', 'max,la57=off,cx16=off', '-smp', '2', '-m', '512',
        '-kernel', image, '-initrd', initrd, '-serial', 'file:' + console, '-serial', 'file:' + said,
        '-append', 'console=ttyS0 quiet loglevel=4 panic=-1 oops=panic mitigations=off nokaslr tsc=reliable '
                   'no_timer_check audit=0 rdinit=/init slab_debug=Z,kmalloc-* lsm=lockdown,capability,landlock,yama,bpf',
    ]
    why = ''
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        text, _ = process.communicate(timeout=MACHINE_SECONDS)
        if process.returncode != 0:
            why = '%s: %s' % (QEMU, text.decode(errors='replace').strip())
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        why = 'ended after %d seconds' % MACHINE_SECONDS
    texts = []
    for path in (said, console):
        try:
            with open(path, errors='replace') as f:
                texts.append(f.read())
        except FileNotFoundError:
            texts.append('')
    return texts[0], texts[1], why


def judge(said, tests):
    """Whether the run came to its end, and the failures."""
    statuses = dict(re.findall(r'^-- (\S+) (\d+),', said, re.M))
    failures = ['%s: exit status %s' % (name, status) for name, status in statuses.items() if status != '0']
    failures += ['%s: no result' % name for name in map(os.path.basename, tests) if name not in statuses]
    return '== all' in said, failures


def main():
    parser = argparse.ArgumentParser()
    for name in ('--release', '--cache', '--init'):
        parser.add_argument(name, required=True)
    parser.add_argument('tests', nargs='+')
    options = parser.parse_args()

    if os.uname().machine != 'x86_64':
        raise Skip('kernels for x86-64 only, and this machine is not')
    if not shutil.which(QEMU):
        raise Skip(QEMU + ' is not installed (package qemu-system-x86)')
    directory = kernel(options.release, os.path.abspath(options.cache))
    with open(os.path.join(directory, 'version')) as f:
        version = f.read()

    with tempfile.TemporaryDirectory() as work:
        initrd = os.path.join(work, 'initrd')
        write(initrd, make_root(options.init, options.tests, os.path.join(directory, 'modules')))
        for attempt in range(2):
            began = time.monotonic()
            said, console, why = boot(os.path.join(directory, 'vmlinuz'), initrd, work)
            complete, failures = judge(said, options.tests)
            print('Linux %s, %.0f s' % (version, time.monotonic() - began))
            if complete:
                break
            print('The machine did not come to its end. %s\n%s' % (why, '\n'.join(console.splitlines()[-40:])))
            # Emulators err. A kernel that crashes by what is ours does it again.
            if 'Kernel panic' not in console:
                break
    print(said)
    for failure in failures:
        print('failed on Linux %s: %s' % (version, failure))
    return 1 if failures or not complete else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Skip as why:
        print('skipped: %s' % why)
        sys.exit(77)

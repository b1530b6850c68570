#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py --release RELEASE --cache DIRECTORY --init PROGRAM TEST...: run tests on the kernel of a Debian release.

The kernel is the release's newest for cloud machines, fetched with apt from the mirror that this machine uses, once;
its own lists and settings stay as they are. It boots in QEMU, emulated, from memory: a root of the tests, the libraries
that they are linked with, and a few programs of this machine that they start. Needs no privilege. With --sysroot (see
cross.py) init and tests are for arm64, libraries and programs are those in there, and so is the machine.

Exits with 0 if all tests passed, 77 with a reason where that cannot be tried, else 1. A test that is skipped there has
failed: these are kernels that we say we support."""
import argparse
import collections
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from debian import Debian, Skip

PROGRAMS = ['/bin/sh', '/bin/sleep', '/bin/true']       # what tests start
TRIPLET = 'aarch64-linux-gnu'           # of programs with a sysroot
MODULES = ['overlay']                   # what they use, if it is not built in
MACHINE_SECONDS = 1400                  # then it is ended
# Never the host's virtualization, which may be one that runs special kernels only. QEMU 7.2 leaves wrong flags behind
# CMPXCHG16B, which the allocator of newer kernels uses if there is one: one boot in two crashed. Without it 7.x has no
# memory for the storage of tasks, but for caches that are checked (slab_debug).
Machine = collections.namedtuple('Machine', 'architecture qemu package options console settings')
MACHINES = {
    'x86_64': Machine('amd64', 'qemu-system-x86_64', 'qemu-system-x86', ['-M', 'q35', '-cpu', 'max,la57=off,cx16=off'], 'ttyS0',
                      'port=ttyS1 tsc=reliable no_timer_check slab_debug=Z,kmalloc-*'),
    'aarch64': Machine('arm64', 'qemu-system-aarch64', 'qemu-system-arm', ['-M', 'virt,gic-version=3', '-cpu', 'cortex-a72'],
                       'ttyAMA0', 'port=ttyS0'),
}

# ---- the kernel ----

def kernel_packages(debian, flavour):
    """What linux-image-FLAVOUR stands for. In newer releases the image and its modules are packages of their own."""
    packages, todo = [], ['linux-image-' + flavour]
    while todo:
        record = debian.apt('apt-cache', 'show', '--no-all-versions', todo.pop())
        for name in re.findall(r'(?:^Depends: |, )(linux-(?:image|binary|modules|base)-\d\S*)', record, re.M):
            if name not in packages:
                packages.append(name)
                todo.append(name)
    if not packages:
        raise Skip('the release has no kernel linux-image-' + flavour)
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


def kernel(release, architecture, cache):
    """The directory with vmlinuz, version and modules: complete, or not there."""
    ready = os.path.join(cache, release if architecture == 'amd64' else release + '-' + architecture)
    if os.path.exists(ready):
        return ready
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        debian = Debian(release, architecture, os.path.join(work, 'apt'))
        made = os.path.join(work, 'made')
        os.makedirs(made)
        for package in debian.download(kernel_packages(debian, 'cloud-' + architecture)):
            unpack(package, made)
        if not os.path.exists(os.path.join(made, 'vmlinuz')):
            raise Skip('no image in the packages of ' + release)
        try:
            os.rename(made, ready)
        except OSError:                 # somebody else has just made it
            if not os.path.exists(ready):
                raise
    return ready


# ---- the root ----

def libraries_of(path, sysroot):
    """By the names under which the program looks for them: where they are."""
    if not sysroot:
        done = subprocess.run(['ldd', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return {library: library for library in re.findall(r'(/\S+) \(0x', done.stdout.decode())}
    found, todo = {}, [path]
    while todo:
        text = subprocess.run(['readelf', '-Wld', todo.pop()], stdout=subprocess.PIPE).stdout.decode()
        names = re.findall(r'program interpreter: /lib/([^\]]+)', text)
        names += re.findall(r'\(NEEDED\).*\[([^\]]+)\]', text)
        for name in names:
            name = 'lib/' + name if name.startswith('ld-linux') else 'lib/%s/%s' % (TRIPLET, name)
            where = os.path.realpath(os.path.join(sysroot, name))
            if '/' + name not in found and os.path.exists(where):
                found['/' + name] = where
                todo.append(where)
    return found


class Root:
    """An archive as the kernel wants it (cpio, newc)."""
    def __init__(self, sysroot):
        self.sysroot = sysroot
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
        for library, where in libraries_of(path, self.sysroot).items():
            self.add_file(where, library.lstrip('/'))

    def packed(self):
        self.add('TRAILER!!!', 0)
        return bytes(self.data)


def make_root(init, tests, modules, sysroot):
    root = Root(sysroot)
    for name in ('dev', 'proc', 'sys', 'root', 'tmp', 'modules'):
        root.add(name, 0o040755)
    root.add('dev/console', 0o020600)
    root.add_program(init, 'init')
    for path in PROGRAMS:
        root.add_program((sysroot or '') + path, path.lstrip('/'))
    for path in tests:
        root.add_program(path, 'tests/' + os.path.basename(path))
    if os.path.isdir(modules):
        for name in sorted(os.listdir(modules)):
            root.add_file(os.path.join(modules, name), 'modules/' + name)
    return root.packed()


# ---- the machine ----

def boot(machine, image, initrd, directory, environment):
    """(what the tests said, what the kernel said, why it was ended)"""
    said, console = os.path.join(directory, 'said'), os.path.join(directory, 'console')
    command = [machine.qemu, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot']
    command += machine.options + [
        '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '512', '-kernel', image, '-initrd', initrd,
        '-serial', 'file:' + console,
    ]
    if machine.console == 'ttyAMA0':    # the only one on the board
        command += ['-chardev', 'file,id=said,path=' + said, '-device', 'pci-serial,chardev=said']
    else:
        command += ['-serial', 'file:' + said]
    command += [
        '-append', 'console=%s quiet loglevel=5 panic=-1 oops=panic softlockup_panic=1 mitigations=off nokaslr audit=0 rdinit=/init rcupdate.rcu_expedited=1 '
                   'lsm=lockdown,capability,landlock,yama,bpf %s %s' % (machine.console, machine.settings, ' '.join(environment)),
    ]
    why = ''
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        text, _ = process.communicate(timeout=MACHINE_SECONDS)
        if process.returncode != 0:
            why = '%s: %s' % (machine.qemu, text.decode(errors='replace').strip())
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


def without_the_passed(said):
    """What is worth reading where something failed: what subjects said that ended well is left out."""
    return re.sub(r'^== (\S+)\n(?:(?!== ).*\n)*?-- \1 0,.*\n', '', said, flags=re.M)


def subjects_of(failures):
    """The subjects among them: all but programs."""
    return [name for name in (failure.split(':')[0] for failure in failures) if not name.startswith('test-')]


def main():
    parser = argparse.ArgumentParser()
    for name in ('--release', '--cache', '--init'):
        parser.add_argument(name, required=True)
    parser.add_argument('--sysroot')
    parser.add_argument('--setenv', action='append', default=[], metavar='NAME=VALUE')
    parser.add_argument('tests', nargs='+')
    options = parser.parse_args()

    machine = MACHINES.get('aarch64' if options.sysroot else os.uname().machine)
    if not machine:
        raise Skip('no kernels for this machine')
    if not shutil.which(machine.qemu):
        raise Skip('%s is not installed (package %s)' % (machine.qemu, machine.package))
    directory = kernel(options.release, machine.architecture, os.path.abspath(options.cache))
    with open(os.path.join(directory, 'version')) as f:
        version = f.read()

    with tempfile.TemporaryDirectory() as work:
        initrd = os.path.join(work, 'initrd')
        write(initrd, make_root(options.init, options.tests, os.path.join(directory, 'modules'), options.sysroot))
        for attempt in range(2):
            began = time.monotonic()
            said, console, why = boot(machine, os.path.join(directory, 'vmlinuz'), initrd, work, options.setenv)
            complete, failures = judge(said, options.tests)
            print('Linux %s, %.0f s' % (version, time.monotonic() - began))
            again = subjects_of(failures)
            if complete and attempt == 0 and again:
                # A busy host may keep a processor from a subject that needs two: what fails is tried once more, alone.
                print('%s\nOnce more: %s' % (without_the_passed(said), ' '.join(again)))
                options.setenv = [s for s in options.setenv if not s.startswith('LAB_SUBJECTS=')] + ['LAB_SUBJECTS=' + ','.join(again)]
                continue
            if complete:
                break
            print('The machine did not come to its end. %s\n%s' % (why, '\n'.join(console.splitlines()[-40:])))
            # Emulators err. A kernel that crashes by what is ours does it again.
            if 'Kernel panic' not in console:
                break
    print(without_the_passed(said) if failures else said)
    for failure in failures:
        print('failed on Linux %s: %s' % (version, failure))
    return 1 if failures or not complete else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Skip as why:
        print('skipped: %s' % why)
        sys.exit(77)

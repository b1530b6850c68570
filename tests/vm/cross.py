#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cross.py --cache DIRECTORY: what it takes to build for arm64 on this machine, without installing any of it.

A root of Debian's arm64 packages in DIRECTORY/sysroot: C library, headers, the libraries that we use, and the few programs
that tests start; and DIRECTORY/cross.ini for `meson setup --cross-file`. clang compiles, lld links. Fetched once, from the
mirror that this machine uses. Prints the name of the cross file; exits with 77 and a reason where it cannot be had."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

from debian import Debian, Skip

RELEASE = 'bookworm'                    # the oldest that we support
PACKAGES = ['libc6-dev', 'linux-libc-dev', 'libbpf-dev', 'libsystemd-dev', 'liblua5.4-dev', 'libyaml-dev', 'libjansson-dev', 'libpcre2-dev',
            'check', 'dash', 'coreutils']
TRIPLET = 'aarch64-linux-gnu'

CROSS = """[binaries]
c = ['clang', '--target={triplet}', '--sysroot={root}']
c_ld = 'lld'
ar = 'llvm-ar'
strip = 'llvm-strip'
pkgconfig = 'pkg-config'

[properties]
sys_root = '{root}'
pkg_config_libdir = ['{root}/usr/lib/{triplet}/pkgconfig', '{root}/usr/share/pkgconfig']
needs_exe_wrapper = true

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
"""


def unpack(package, root):
    """The same as dpkg would, with /lib and the like as the links that they are today."""
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as process:
        done = subprocess.run(['tar', '-x', '--keep-directory-symlink', '--no-same-owner', '-C', root, '--exclude=./dev/*',
                               '--exclude=./usr/share/doc/*', '--exclude=./usr/share/man/*', '--exclude=./usr/share/locale/*'],
                              stdin=process.stdout)
    if process.returncode != 0 or done.returncode != 0:
        raise Skip('cannot unpack ' + os.path.basename(package))


def make_root(root, work):
    debian = Debian(RELEASE, 'arm64', os.path.join(work, 'apt'))
    compilers = [name for name in debian.apt('apt-cache', 'pkgnames', 'libgcc-').split() if re.fullmatch(r'libgcc-\d+-dev', name)]
    compilers.sort(key=lambda name: int(name.split('-')[1]))
    if not compilers:
        raise Skip('no libgcc for arm64')
    for directory in ('bin', 'sbin', 'lib'):
        os.makedirs(os.path.join(root, 'usr', directory))
        os.symlink('usr/' + directory, os.path.join(root, directory))
    for package in debian.download(debian.needed_by(PACKAGES + compilers[-1:])):
        unpack(package, root)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cache', required=True)
    options = parser.parse_args()

    for program in ('clang', 'ld.lld', 'llvm-ar', 'dpkg-deb', 'apt-get'):
        if not shutil.which(program):
            raise Skip('%s is not installed' % program)
    cache = os.path.abspath(options.cache)
    root = os.path.join(cache, 'sysroot')
    stamp, wanted = os.path.join(cache, 'packages'), ' '.join([RELEASE] + PACKAGES)
    if not os.path.exists(stamp) or open(stamp).read() != wanted:      # of an older list, or not all of it
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(cache, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            made = os.path.join(work, 'sysroot')
            make_root(made, work)
            os.rename(made, root)
        with open(stamp, 'w') as f:
            f.write(wanted)
    with open(os.path.join(cache, 'cross.ini'), 'w') as f:
        f.write(CROSS.format(root=root, triplet=TRIPLET))
    print(os.path.join(cache, 'cross.ini'))


if __name__ == '__main__':
    try:
        main()
    except Skip as why:
        print('skipped: %s' % why)
        sys.exit(77)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging.py ROOT INSTALLED: does debian/ say what meson and .ci/packages say?

What meson installs (its intro-installed.json) goes into a package, and nothing is packaged that it does not install; what the build
needs is the same in debian/control and in .ci/packages; the versions are the same.
"""

import fnmatch
import json
import pathlib
import re
import sys

ESSENTIAL = {'gcc', 'libc6-dev', 'linux-libc-dev'}      # of build-essential, which control may not name
PACKAGING = {'debhelper-compat', 'dh-sequence-installsysusers', 'systemd-dev', 'systemd'}
# debian/rules asks systemd where, and names them one by one.
OF_RULES = ('execrayd.service', 'execrayd-respond.socket', 'execrayd-respond@.service', '80-execrayd.preset')


def patterns(debian):
    for file in sorted(debian.glob('*.install')):
        for line in file.read_text(encoding='utf-8').splitlines():
            if line.strip():
                yield file.name, line.split()[0]


def covers(pattern, path):
    return fnmatch.fnmatch(path, pattern) or path.startswith(pattern.rstrip('/') + '/')


def installed_faults(root, installed, meson_prefix='/usr/local'):
    wanted = list(patterns(root / 'debian'))
    paths = []
    for path in installed.values():
        path = path.replace(meson_prefix + '/etc/', '/etc/', 1) if path.startswith(meson_prefix + '/etc/') else path
        paths.append(re.sub('^' + re.escape(meson_prefix) + '/', '/usr/', path).lstrip('/'))
    for path in paths:
        if not path.endswith(OF_RULES) and not any(covers(p, path) for _, p in wanted):
            yield f'{path} is installed, and in no package: name it in a debian/*.install'
    rules = (root / 'debian' / 'rules').read_text(encoding='utf-8')
    for name in OF_RULES:
        if name not in rules:
            yield f'debian/rules does not install {name}'
    for file, pattern in wanted:
        if pattern == 'usr/share/man' and not any('/man/' in path for path in paths):
            continue                    # no lowdown here, so no manual pages
        if not any(covers(pattern, path) or pattern.startswith(path + '/') for path in paths):
            yield f'debian/{file}: {pattern} is not installed by meson'


def field(control, name):
    found = re.search(r'^' + name + r':((?:.*\n)(?:[ \t].*\n)*)', control, flags=re.MULTILINE)
    return found.group(1) if found else ''


def dependency_faults(root):
    control = (root / 'debian' / 'control').read_text(encoding='utf-8')
    needed = {re.match(r'[a-z0-9.+-]+', part.strip()).group()
              for one in field(control, 'Build-Depends').split(',') for part in one.split('|') if part.strip()}
    listed = [line.split() for line in (root / '.ci' / 'packages').read_text(encoding='utf-8').splitlines()
              if line.strip() and not line.startswith('#')]
    for name in sorted({p for who, p, *_ in listed if who == 'run'} - ESSENTIAL - needed):
        yield f'.ci/packages has {name} for a build, Build-Depends of debian/control has not'
    for name in sorted(needed - PACKAGING - {p for _, p, *_ in listed}):
        yield f'Build-Depends of debian/control has {name}, .ci/packages has not'


def version_faults(root):
    meson = re.search(r"version : '([^']+)'", (root / 'meson.build').read_text(encoding='utf-8')).group(1)
    debian = re.match(r'\S+ \(([^)]+)\)', (root / 'debian' / 'changelog').read_text(encoding='utf-8')).group(1)
    if meson != debian:
        yield f'meson.build is of version {meson}, debian/changelog of {debian}'


def main():
    root = pathlib.Path(sys.argv[1])
    installed = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding='utf-8'))
    prefix = sys.argv[3] if len(sys.argv) > 3 else '/usr/local'
    faults = [*installed_faults(root, installed, prefix), *dependency_faults(root), *version_faults(root)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())

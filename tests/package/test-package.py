#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages as dpkg-buildpackage makes them of this tree: lintian has nothing to say, and a machine is booted in which inside.py installs,
upgrades and purges them.

usage: test-package.py EXECRAYD EXECRAYCTL ROOT DIRECTORY [OTHER]

Packages stay in DIRECTORY and are not built again while the tree is the same. OTHER is the root of another Debian, as in
tests/systemd/test-service.py."""
import hashlib
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.abspath(sys.argv[3]), 'tests/e2e'))

import booted
from harness import EXECRAYCTL, ROOT, Failure, Place, skip

INSIDE = '''
echo booted
python3 /opt/tests/package/inside.py /opt/execrayd /opt/execrayctl /opt/tests
echo "ended with $?"
echo done
'''
NEW_CONF = '# Of the newer package.\n'


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode != 0:
        raise Failure('%s ended with %d:\n%s' % (' '.join(command), result.returncode, result.stdout[-4000:]))
    return result.stdout


def copy_tree(to):
    """What git knows of and what it would: no builds."""
    names = run('git', '-C', ROOT, '-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard').splitlines()
    digest = hashlib.sha256()
    for name in sorted(names):
        source = os.path.join(ROOT, name)
        if os.path.islink(source) or not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
        shutil.copy2(source, os.path.join(to, name))
        if name.startswith(('tests/', 'bench/')):
            continue                    # packages are built without them
        with open(source, 'rb') as f:
            digest.update(name.encode() + b'\0' + hashlib.sha256(f.read()).digest())
    return digest.hexdigest()


def build(place, directory):
    source = place.join('build/execrayd')
    digest = copy_tree(source)
    stamp = os.path.join(directory, 'tree')
    if os.path.exists(stamp):
        with open(stamp) as f:
            if f.read() == digest:
                return
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    environment = dict(os.environ, DEB_BUILD_OPTIONS='nocheck parallel=%d' % (os.cpu_count() or 1), EXECRAYCTL=EXECRAYCTL)
    said = run('dpkg-buildpackage', '-b', '-us', '-uc', cwd=source, env=environment)
    if re.search(r'\bwarning: .*\[-W', said):
        raise Failure('the compiler warns when packages are built:\n' + '\n'.join(l for l in said.splitlines() if 'warning' in l))
    example = os.path.join(source, 'docs/examples/examplecorp-policies')
    shutil.copytree(example, place.join('build/examplecorp-policies'))
    environment['DEB_BUILD_OPTIONS'] = ''
    run('dpkg-buildpackage', '-b', '-d', '-us', '-uc', cwd=place.join('build/examplecorp-policies'), env=environment)
    for name in os.listdir(place.join('build')):
        if name.endswith(('.deb', '.changes', '.buildinfo')):
            shutil.copy2(place.join('build', name), directory)
    with open(stamp, 'w') as f:
        f.write(digest)


def look(directory):
    for name in os.listdir(directory):
        if name.endswith('.changes') and name.startswith('execrayd'):
            said = run('lintian', '--allow-root', '--fail-on', 'error,warning,info', '--display-info', os.path.join(directory, name))
            print(said, end='')


def newer(place, directory, to):
    """A newer version of the same, with another conffile, and a package with a policy that is wrong."""
    for name in os.listdir(directory):
        found = re.fullmatch(r'(execrayd|execrayd-policies)_([^_]+)_(\w+)\.deb', name)
        if not found:
            continue
        tree = place.join('newer', found.group(1))
        os.makedirs(place.join('newer'), exist_ok=True)
        run('dpkg-deb', '-R', os.path.join(directory, name), tree)
        control = os.path.join(tree, 'DEBIAN/control')
        with open(control) as f:
            text = f.read().replace(found.group(2), found.group(2) + '+1')
        with open(control, 'w') as f:
            f.write(text)
        conffile = os.path.join(tree, 'etc/execrayd/execrayd.yaml')
        if os.path.exists(conffile):
            with open(conffile, 'a') as f:
                f.write(NEW_CONF)
        run('dpkg-deb', '--root-owner-group', '-b', tree, os.path.join(to, 'new-%s.deb' % found.group(1)))
    tree = place.join('newer/broken')
    for path, text in (('DEBIAN/control', 'Package: broken-policies\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.example>\n'
                                          'Description: broken\n'),
                       ('usr/lib/execrayd/policies/broken.policy', 'path "broken" {\n')):
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), 'w') as f:
            f.write(text)
    run('dpkg-deb', '--root-owner-group', '-b', tree, os.path.join(to, 'broken.deb'))


def main():
    directory = os.path.join(os.path.abspath(sys.argv[4]), 'packages')
    other = sys.argv[5] if len(sys.argv) > 5 else None
    if os.geteuid() != 0:
        skip('needs root')
    for program, package in (('dpkg-buildpackage', 'dpkg-dev'), ('dh', 'debhelper'), ('lintian', 'lintian')):
        if not shutil.which(program):
            skip('%s is not installed (package %s)' % (program, package))
    booted.need()
    with Place() as place:
        build(place, directory)
        look(directory)
        debs = place.join('debs')
        os.mkdir(debs)
        for name in os.listdir(directory):
            if name.endswith('.deb') and 'dbgsym' not in name:
                shutil.copy2(os.path.join(directory, name), os.path.join(debs, name.split('_')[0] + '.deb'))
        newer(place, directory, debs)
        read = booted.play(place, INSIDE, {}, lower=other or '/',
                           binds=['%s:/opt/tests' % os.path.join(ROOT, 'tests'), '%s:/opt/debs' % debs])
        said = read('said')
        print(said)
        sys.exit(0 if 'ended with 0' in said.splitlines() else 1)


if __name__ == '__main__':
    main()

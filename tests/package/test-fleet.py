#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts on their way to another host, with what systemd has for that: the service, systemd-journal-upload and systemd-journal-remote in
one booted machine, over its loopback; fleet.py is what happens there.

usage: test-fleet.py EXECRAYD EXECRAYCTL ROOT BUILD"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.abspath(sys.argv[3]), 'tests/e2e'))

import booted
from harness import ROOT, Place, skip

BUILD = os.path.abspath(sys.argv[4])
INSIDE = '''
echo booted
python3 /opt/tests/package/fleet.py /opt/execrayd /opt/execrayctl /opt/tests
echo "ended with $?"
echo done
'''


def main():
    if os.geteuid() != 0:
        skip('needs root')
    booted.need()
    if not os.path.exists('/usr/lib/systemd/systemd-journal-remote'):
        skip('systemd-journal-remote is not installed (package systemd-journal-remote)')
    with Place() as place:
        stage = place.join('stage')
        os.mkdir(stage, 0o755)
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', stage], check=True, stdout=subprocess.DEVNULL)
        policies = os.path.join(stage, 'etc/execrayd/policies')
        os.makedirs(policies, mode=0o755)
        shutil.copy(os.path.join(ROOT, 'policies/exec/dropped-and-run.policy'), policies)
        for name in ('upload', 'remote'):
            drop_in = os.path.join(stage, 'etc/systemd/system/systemd-journal-%s.service.d' % name)
            os.makedirs(drop_in)
            shutil.copy(os.path.join(ROOT, 'docs/examples/fleet/journal-%s.conf' % name), drop_in)
        read = booted.play(place, INSIDE, {}, stage=stage, binds=['%s:/opt/tests' % os.path.join(ROOT, 'tests')])
        said = read('said')
        print(said)
        sys.exit(0 if 'ended with 0' in said.splitlines() else 1)


if __name__ == '__main__':
    main()

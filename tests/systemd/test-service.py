#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installed service on a real systemd with its journald and bus: one machine is booted, and inside.py and
actions.py are what happens there.

usage: test-service.py EXECRAYD EXECRAYCTL ROOT BUILD"""
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
python3 /opt/tests/systemd/inside.py /opt/execrayd /opt/execrayctl /opt/tests
service=$?
python3 /opt/tests/systemd/actions.py /opt/execrayd /opt/execrayctl /opt/tests
echo "ended with $service $?"
echo done
'''


def main():
    if os.geteuid() != 0:
        skip('needs root')
    booted.need()
    with Place() as place:
        stage = place.join('stage')
        os.mkdir(stage, 0o755)
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', stage], check=True,
                       stdout=subprocess.DEVNULL)
        policies = os.path.join(stage, 'etc/execrayd/policies')
        os.makedirs(policies, mode=0o755)
        shutil.copy(os.path.join(ROOT, 'policies/exec/dropped-and-run.policy'), policies)
        read = booted.play(place, INSIDE, {}, stage=stage, wants=['execrayd.service'],
                           binds=['%s:/opt/tests' % os.path.join(ROOT, 'tests'), '%s:/opt/docs' % os.path.join(ROOT, 'docs'),
                                  '%s:/opt/act' % os.path.join(BUILD, 'tests/systemd')])
        said = read('said')
        print(said)
        sys.exit(0 if 'ended with 0 0' in said.splitlines() else 1)


if __name__ == '__main__':
    main()

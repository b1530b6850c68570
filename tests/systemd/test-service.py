#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installed service on a real systemd with its journald and bus: one machine is booted, and inside.py, respond.py
and actions.py are what happens there.

usage: test-service.py EXECRAYD EXECRAYCTL ROOT BUILD [OTHER]

OTHER is the root of another system (mmdebstrap makes one), with a systemd that has Type=notify-reload; it needs python3 and the libraries
that the daemon is linked with."""
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
python3 /opt/tests/systemd/respond.py /opt/execrayd /opt/execrayctl /opt/tests
respond=$?
python3 /opt/tests/systemd/actions.py /opt/execrayd /opt/execrayctl /opt/tests
echo "ended with $service $respond $?"
echo done
'''


def reload_by_signal(unit):
    """As meson writes it where systemd has notify-reload."""
    with open(unit) as f:
        text = f.read()
    text = text.replace('Type=notify\n', 'Type=notify-reload\n').replace('execrayctl reload\n', 'execrayctl reload --signalled\n')
    with open(unit, 'w') as f:
        f.write(text)


def main():
    other = sys.argv[5] if len(sys.argv) > 5 else None
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
        if other:
            reload_by_signal(next(os.path.join(d, 'execrayd.service') for d, _, names in os.walk(stage) if 'execrayd.service' in names))
        read = booted.play(place, INSIDE, {}, stage=stage, wants=['execrayd.service'], lower=other or '/',
                           binds=['%s:/opt/tests' % os.path.join(ROOT, 'tests'), '%s:/opt/docs' % os.path.join(ROOT, 'docs'),
                                  '%s:/opt/act' % os.path.join(BUILD, 'tests/systemd')])
        said = read('said')
        print(said)
        sys.exit(0 if 'ended with 0 0 0' in said.splitlines() else 1)


if __name__ == '__main__':
    main()

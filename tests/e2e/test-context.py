#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a process belongs to: the package of its program."""
import os
import shutil
import subprocess

from harness import Daemon, expect, expect_equal, expect_in, main, sh

POLICY = '''
path "run" {
    severity = low
    execve { filename glob "%(dir)s/*" }
}
path "owned" {
    severity = low
    execve { proc.name == "sleep", any argv == "0.0%(pid)d" }
}
'''


def test_a_program_is_of_a_package_or_of_none_and_a_replay_does_not_ask(place):
    if not os.path.isdir('/var/lib/dpkg/info'):
        print('        (no dpkg here)')
        return
    place.policy('p', POLICY % {'dir': place.path, 'pid': os.getpid()})
    shutil.copy('/bin/sleep', place.join('stranger'))
    with Daemon(place) as daemon:
        sh('"$1" 0; sleep 0.0$2', place.join('stranger'), str(os.getpid()))
        stranger, owned = daemon.wait_alert('run'), daemon.wait_alert('owned')
        expect_equal(stranger['process'].get('package'), '', 'the package of a program of no package')
        expect('package_version' not in stranger['process'], 'it has a version')
        expect_equal(owned['process'].get('package'), 'coreutils', 'the package of sleep')
        wanted = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', 'coreutils'], capture_output=True, text=True).stdout
        expect_equal(owned['process'].get('package_version'), wanted, 'its version')
        expect_equal(owned['steps'][0]['process'].get('package'), 'coreutils', 'the package in a step')
        daemon.stop()


if __name__ == '__main__':
    main(globals())

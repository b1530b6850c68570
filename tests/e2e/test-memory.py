#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the daemon has in memory: 500 policies, many processes, the recorder full, the configuration as it comes. The bound is that of
2,000 processes: 1,000 are of this test, and the others whatever else runs on the host.

    test-memory.py EXECRAYD EXECRAYCTL ROOT LOAD"""
import os
import re
import subprocess
import sys
import time

from harness import Daemon, expect, expect_equal, main, run, skip

LOAD = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else ''
POLICIES, PROCESSES = 500, 1000
MAX_MIB = 18                            # all of it, but for the ring

SHAPES = (
    'by = process\n    openat { pathname == "/srv/app%(n)d/secret.conf" }\n    connect { dport == %(n)d }',
    'openat { pathname startswith "/srv/data%(n)d/", flags & O_WRONLY }\n    execve { filename == "/usr/bin/tool%(n)d" }',
    'write { pathname endswith ".%(n)d.tmp", $f = file }\n    execve { proc.name == "worker%(n)d" }',
    'execve { filename in ["/opt/%(n)d/run", "/opt/%(n)d/start"], any argv == "--daemon" }\n'
    '    openat { pathname glob "/etc/app%(n)d/*.key" }',
)
WATCH = '''path "watched" {
    description = "Opens and writes, of which no story comes"
    severity = low
    within = 10s
    openat { flags & O_WRONLY, pathname == "%(file)s" }
    write { pathname == "%(file)s" }
    execve { filename == "/nonexistent/never" }
}
'''


def mappings(pid):
    """Name, size and what is resident of each mapping, in KiB."""
    found = []
    with open('/proc/%d/smaps' % pid) as f:
        for line in f:
            words = line.split()
            if re.match(r'[0-9a-f]+-[0-9a-f]+$', words[0]):
                found.append([words[5] if len(words) > 5 else '', 0, 0])
            elif words[0] in ('Size:', 'Rss:'):
                found[-1][1 if words[0] == 'Size:' else 2] = int(words[1])
    return found


def is_ring(name, size):
    """It is mapped twice, in one piece. What else the programs share with the daemon is smaller, and counts."""
    return 'bpf_ring' in name or ('bpf-map' in name and size > 2048)


def resident_mib(pid):
    return sum(kib for name, size, kib in mappings(pid) if not is_ring(name, size)) / 1024


def code_mib(pid):
    return sum(kib for name, _, kib in mappings(pid) if name.startswith('/') and '/memfd:' not in name) / 1024


def crowd(place, n, stdin):
    return [subprocess.Popen(['/bin/sh', '-c', 'read line', 'service-%04d' % i, '--config=%s/service-%04d.conf' % (place.path, i),
                              '--listen=127.0.0.1:%d' % (10000 + i)], stdin=stdin) for i in range(n)]


def test_500_policies_many_processes_and_a_full_recorder_fit_in_18_mb(place):
    if subprocess.run(['grep', '-q', '__asan_init\\|__tsan_init', sys.argv[1]]).returncode == 0:
        skip('a sanitizer takes more than the daemon')
    for n in range(POLICIES):
        place.policy('p%03d' % n, 'path "p%03d" {\n    description = "one of many"\n    severity = low\n    within = 30s\n    %s\n}\n'
                     % (n, SHAPES[n % 4] % {'n': 1000 + n}))
    path = os.path.join('/dev/shm' if os.path.isdir('/dev/shm') else place.path, 'execray-memory-%d' % os.getpid())
    place.policy('watch', WATCH % {'file': path})
    os.environ.pop('MALLOC_PERTURB_', None)         # writes to all that is allocated, used or not
    stdin, held = os.pipe()
    processes = []
    try:
        with Daemon(place) as daemon:
            pid = daemon.process.pid
            time.sleep(1)               # what it looks up after its start
            started, code = resident_mib(pid), code_mib(pid)
            processes = crowd(place, PROCESSES, stdin)
            daemon.settle()
            crowded = resident_mib(pid)
            run(LOAD, 'events', path, '5', '10000', '2', status=0, timeout=120)
            daemon.settle()
            loaded = resident_mib(pid)
            daemon.reload()
            time.sleep(0.5)
            reloaded = resident_mib(pid)
            expect_equal(len([p for p in processes if p.poll() is not None]), 0, 'processes that ended early')
            daemon.stop()
    finally:
        os.close(held)
        for process in processes:
            process.wait(60)
        os.close(stdin)
        if os.path.exists(path):
            os.unlink(path)
    print('  %.1f MB after the start (%.1f of them code), %.1f with %d processes, %.1f under load, %.1f after a reload'
          % (started, code, crowded, PROCESSES, loaded, reloaded))
    expect(crowded > started, 'the processes are not in the figure')
    expect(loaded > crowded + 1, 'the recorder is not in the figure')
    expect(loaded < MAX_MIB, '%.1f MB is more than %d' % (loaded, MAX_MIB))
    expect(reloaded < MAX_MIB + 2, '%.1f MB after a reload, %.1f before' % (reloaded, loaded))


if __name__ == '__main__':
    main(globals())

# SPDX-License-Identifier: Apache-2.0
"""What the daemon has in memory with 500 policies, 2,000 processes and a full recorder, and what it is."""
import os, re, subprocess, time

from common import Daemon, key_values, policies, run, watch_policy
from scaling import Growth

POLICIES, PROCESSES, RATE = 500, 2000, 10000


class Sleepers:
    """Processes that wait, each with arguments of its own; they end with the pipe that they read."""
    def __init__(self):
        self.end, self.held = os.pipe()
        self.started = []

    def start(self, n):
        for i in range(len(self.started), len(self.started) + n):
            name = 'service-%04d' % i
            self.started.append(subprocess.Popen(
                ['/bin/sh', '-c', 'read line', name, '--config=/etc/%s/%s.conf' % (name, name), '--listen=127.0.0.1:%d' % (10000 + i),
                 '--log-level=info', '--pid-file=/run/%s.pid' % name], stdin=self.end))

    def stop(self):
        os.close(self.held)
        for process in self.started:
            process.wait(60)
        os.close(self.end)


def mappings(pid):
    """Each mapping: first line, and KiB by name."""
    found = []
    with open('/proc/%d/smaps' % pid) as f:
        for line in f:
            if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
                found.append((line.split(), {}))
            else:
                words = line.split()
                if len(words) == 3 and words[2] == 'kB':
                    found[-1][1][words[0][:-1]] = int(words[1])
    return found


def split(pid):
    """Resident MiB by what it is. Nothing is left out but the ring."""
    parts = dict.fromkeys(('total', 'executable', 'libraries', 'relocated', 'maps', 'heap', 'large', 'other'), 0)
    for words, sizes in mappings(pid):
        name = words[5] if len(words) > 5 else ''
        resident, anonymous = sizes['Rss'], sizes.get('Anonymous', 0)
        if 'bpf_ring' in name or 'bpf-map' in name and sizes['Size'] > 2048:
            continue                    # the ring; what else programs share with the daemon is smaller
        parts['total'] += resident
        if 'bpf-map' in name:
            parts['maps'] += resident
        elif name == '[heap]':
            parts['heap'] += resident
        elif name.startswith('/') and '/memfd:' not in name:
            parts['relocated'] += anonymous
            parts['executable' if name.endswith('/execrayd') else 'libraries'] += resident - anonymous
        elif name == '' or name.startswith('[anon'):
            parts['large'] += resident
        else:
            parts['other'] += resident
    return {key: kib / 1024 for key, kib in parts.items()}


def tell(out, prefix, pid):
    for key, value in split(pid).items():
        out['%s_%s_mb' % (prefix, key)] = value


def memory(build, quick, folder, out, problems, minutes=0):
    n_policies, n_processes, seconds = (20, 50, 1) if quick else (POLICIES, PROCESSES, minutes * 60 or 30)
    some, place = os.path.join(folder, 'memory-policies'), os.path.join(folder, 'memory')
    policies(some, n_policies)
    os.makedirs(place)
    watch_policy(os.path.join(place, 'policies'), place + '/watched')
    sleepers = Sleepers()
    try:
        sleepers.start(n_processes // 2)        # half of them are found, half are seen
        d = Daemon(os.path.join(build, 'daemon', 'app', 'execrayd'), [some, place + '/policies'])
        try:
            time.sleep(2)               # what it looks up after its start
            tell(out, 'memory_start', d.process.pid)
            sleepers.start(n_processes - n_processes // 2)
            time.sleep(1)
            tell(out, 'memory_processes', d.process.pid)
            growth = Growth(d)
            result = run([os.path.join(build, 'bench', 'bench-crowd'), 'watched', place, '2', str(seconds), str(RATE)], seconds * 4 + 120)
            if 'seconds' not in key_values(result.stdout):
                problems.append('memory: ' + result.stderr.strip()[-300:])
            for key, value in growth.figures().items():
                out['memory_' + key] = value
            tell(out, 'memory_load', d.process.pid)
        finally:
            d.stop()
    finally:
        sleepers.stop()

# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks need: programs and what they print, policies, the daemon, the machine."""
import os, platform, re, signal, subprocess, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def key_values(text):
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2:
            try:
                found[words[0]] = float(words[1])
            except ValueError:
                pass
    return found


def run(command, timeout, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


def policies(folder, n):
    """Stories of the usual shapes (two and three steps), each about files and programs of its own."""
    os.makedirs(folder)
    for i in range(n):
        shape = i % 4
        body = [
            'by = process\n    openat { pathname == "/srv/app%d/secret.conf" }\n    connect { dport == %d }' % (i, 1000 + i),
            'openat { pathname startswith "/srv/data%d/", flags & O_WRONLY }\n    execve { filename == "/usr/bin/tool%d" }'
            % (i, i),
            'write { pathname endswith ".%d.tmp", $f = file }\n    not unlink { pathname == "/tmp/%d.lock" }\n'
            '    execve { proc.name == "worker%d" }' % (i, i, i),
            'execve { filename in ["/opt/%d/run", "/opt/%d/start"], any argv == "--daemon" }\n'
            '    openat { pathname glob "/etc/app%d/*.key" }\n    connect { daddr in 203.0.113.0/24 }' % (i, i, i),
        ][shape]
        with open(os.path.join(folder, 'p%03d.policy' % i), 'w') as f:
            f.write('path "bench_%03d" {\n    description = "benchmark"\n    severity = low\n    within = 30s\n    %s\n}\n'
                    % (i, body))


class Daemon:
    """The daemon in the foreground; READY is its line `watching` on standard error."""

    def __init__(self, binary, folders, stdout=subprocess.DEVNULL, extra=()):
        self.log = tempfile.NamedTemporaryFile('w+', prefix='bench-log-')
        command = [binary, '--output', 'json'] + [w for f in folders for w in ('--policies', f)] + list(extra)
        self.process = subprocess.Popen(command, stdout=stdout, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            self.wait_for(r'(?i)\bwatching\b', 60)
        except RuntimeError:
            self.process.kill()
            self.process.wait()
            raise

    def text(self):
        with open(self.log.name, errors='replace') as f:
            return f.read()

    def wait_for(self, pattern, seconds, start=0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(pattern, self.text()[start:]):
                return
            if self.process.poll() is not None:
                raise RuntimeError('the daemon ended early:\n' + self.text()[-2000:])
            time.sleep(0.002)
        raise RuntimeError('the daemon did not say %s:\n%s' % (pattern, self.text()[-2000:]))

    def rss_mb(self):
        """Resident memory less the ring, which is mapped twice."""
        total = ring = 0
        mapping = ''
        with open('/proc/%d/smaps' % self.process.pid) as f:
            for line in f:
                if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
                    mapping = line
                elif line.startswith('Rss:'):
                    kib = int(line.split()[1])
                    total += kib
                    if 'bpf-map' in mapping or 'bpf_ring' in mapping:
                        ring += kib
        return (total - ring) / 1024

    def cpu_s(self):
        with open('/proc/%d/stat' % self.process.pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def switches(self):
        """Times that it went to sleep, and times that it was put aside."""
        with open('/proc/%d/status' % self.process.pid) as f:
            return sum(int(line.split()[1]) for line in f if 'ctxt_switches' in line)

    def ran_s(self):
        """As cpu_s(), to the nanosecond."""
        with open('/proc/%d/schedstat' % self.process.pid) as f:
            return int(f.read().split()[0]) / 1e9

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(120)
        text = self.text()
        self.log.close()
        return text


def machine():
    """What the figures were measured on, for the JSON."""
    commit = run(['git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'], 10).stdout.strip() or 'unknown'
    with open('/proc/cpuinfo') as f:
        cpu = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), platform.machine())
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1])
    return {'commit': commit, 'kernel': platform.release(), 'machine': platform.machine(), 'cpu': cpu, 'cpus': os.cpu_count(),
            'memory_mb': memory // 1024, 'load': round(os.getloadavg()[0], 2),
            'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}


def title(about):
    return 'execrayd %(commit)s, Linux %(kernel)s, %(cpu)s, %(cpus)d CPUs, load %(load).2f' % about


def dropped(text):
    """From the summary at the daemon's end; None if it does not say."""
    lost = re.search(r'(?im)^.*\bdropped\b\D*(\d+)', text)
    return float(lost.group(1)) if lost else None


def watch_policy(folder, watched):
    """A story whose first step takes every watched open and whose second never comes: the record goes all the way."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'watch.policy'), 'w') as f:
        f.write('path "bench_watch" {\n    description = "benchmark"\n    severity = low\n    within = 10s\n'
                '    openat { flags & O_WRONLY, pathname == "%s" }\n'
                '    execve { filename == "/nonexistent/never" }\n}\n' % watched)


def alert_policy(folder, prefix):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'latency.policy'), 'w') as f:
        f.write('path "bench_latency" {\n    description = "benchmark"\n    severity = low\n'
                '    openat { flags & O_CREAT, pathname startswith "%s", $f = pathname }\n}\n' % prefix)

# SPDX-License-Identifier: Apache-2.0
"""What grows: processes (10 to 2,000) and policies (1 to 500); and a steady 10,000 events a second."""
import os, subprocess, threading, time

from common import Daemon, alert_policy, dropped, key_values, policies, run, watch_policy
from counters import Counters
from live import latency

# Processes, and the events a second that the first design document gives for them.
SERIES = ((10, 8456), (50, 18923), (100, 31247), (500, 78334), (1000, 125678), (2000, 189456))
POLICIES = (1, 10, 50, 100, 250, 500)
STEADY_RATE = 10000


def journald_s():
    """Processor time of journald, which may not run here."""
    total = 0.0
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/comm' % pid) as f:
                if f.read().strip() == 'systemd-journal':
                    with open('/proc/%s/schedstat' % pid) as g:
                        total += int(g.read().split()[0]) / 1e9
        except OSError:
            pass                        # it has ended
    return total


def slope(samples):
    """KiB a minute, by least squares, of pairs of seconds and MiB."""
    mean_t, mean_m = (sum(s[i] for s in samples) / len(samples) for i in (0, 1))
    return 1024 * 60 * sum((t - mean_t) * (m - mean_m) for t, m in samples) / sum((t - mean_t) ** 2 for t, _ in samples)


class Growth(threading.Thread):
    """Memory of the daemon, once a second; its slope behind the first tenth, in which tables fill, and that of the second half."""
    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.watched, self.samples, self.over = daemon, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(1):
            self.samples.append((time.monotonic(), self.watched.rss_mb()))

    def figures(self):
        self.over.set()
        self.join()
        late, half = self.samples[len(self.samples) // 10:], self.samples[len(self.samples) // 2:]
        if len(half) < 5:
            return {}
        return {'rss_slope_kb_per_min': slope(late), 'rss_slope_half_kb_per_min': slope(half), 'rss_first_mb': late[0][1],
                'rss_half_mb': half[0][1], 'rss_last_mb': late[-1][1]}


def under(build, folders, load, seconds):
    """The daemon while the load runs: its figures, and the load's."""
    d = Daemon(os.path.join(build, 'daemon', 'app', 'execrayd'), folders)
    figures = {}
    try:
        time.sleep(1)                   # what it looks up after its start
        growth = Growth(d)
        with Counters(d.process.pid) as counters:
            before = d.ran_s(), d.switches(), journald_s(), counters.read()
            result = run([os.path.join(build, 'bench', 'bench-crowd')] + load, seconds * 4 + 120)
            made = key_values(result.stdout)
            if result.returncode != 0 or 'seconds' not in made:
                return None, result.stderr.strip()[-300:]
            time.sleep(0.3)
            after = d.ran_s(), d.switches(), journald_s(), counters.read()
        figures['rss_mb'] = d.rss_mb()
        figures.update(growth.figures())
    finally:
        text = d.stop()
    events = sum(made[k] for k in ('watched', 'execs', 'connects'))
    took = made['seconds']
    lost = dropped(text)
    figures.update({
        'events_per_s': events / took,
        'cpu_percent': 100 * (after[0] - before[0]) / took,
        'us_per_event': 1e6 * (after[0] - before[0]) / max(events, 1),
        'switches_per_s': (after[1] - before[1]) / took,
        'journald_percent': 100 * (after[2] - before[2]) / took,
        'lost_percent': None if lost is None else 100 * lost / max(events, 1),
    })
    figures['events_per_s_and_mb'] = figures['events_per_s'] / figures['rss_mb']
    for name, count in after[3].items():
        figures[name + '_per_event'] = (count - before[3][name]) / max(events, 1)
    if figures.get('cycles_per_event'):
        figures['events_per_kilocycle'] = 1000 / figures['cycles_per_event']
    return figures, counters.why


def prepare(folder, name):
    place = os.path.join(folder, name)
    os.makedirs(place)
    watch_policy(os.path.join(place, 'policies'), place + '/watched')
    with open(os.path.join(place, 'policies', 'more.policy'), 'w') as f:
        f.write('path "bench_connect" {\n    description = "benchmark"\n    severity = low\n    within = 10s\n'
                '    connect { dport == 9 }\n    execve { filename == "/nonexistent/never" }\n}\n')
    return place


def series(build, quick, folder, out, problems):
    seconds = 1 if quick else 8
    place = prepare(folder, 'series')
    for processes, rate in SERIES[:1] if quick else SERIES:
        figures, why = under(build, [place + '/policies'], ['mixed', place, str(processes), str(seconds), str(rate)], seconds)
        if not figures:
            problems.append('%d processes: %s' % (processes, why))
            continue
        for key, value in figures.items():
            out['series_%d_%s' % (processes, key)] = value


def steady(build, quick, folder, out, problems, minutes=0):
    seconds = minutes * 60 if minutes else 1 if quick else 15
    place = prepare(folder, 'steady')
    load = ['watched', place, '2', str(seconds), str(STEADY_RATE)]
    figures, why = under(build, [place + '/policies'], load, seconds)
    if not figures:
        problems.append('steady: ' + why)
        return
    if why:
        problems.append('no counters of the processor here: ' + why)
    for key, value in figures.items():
        out['steady_' + key] = value
    seconds = min(seconds, 15)
    load[3] = str(seconds)
    # The kernel's part: what a process takes for as many wake-ups that does nothing else, while the same load runs.
    beside = subprocess.Popen([os.path.join(build, 'bench', 'bench-crowd')] + load, stdout=subprocess.DEVNULL)
    often = max(figures['switches_per_s'], 1)
    bare = run([os.path.join(build, 'bench', 'bench-live'), 'wait', str(seconds), str(1e6 / often)], seconds * 4 + 60)
    beside.wait(seconds * 4 + 120)
    wakes = key_values(bare.stdout)
    if 'wake_cpu_us' in wakes:
        kernel = wakes['wake_cpu_us'] * often / max(figures['events_per_s'], 1)
        out['steady_wake_us'] = wakes['wake_cpu_us']
        out['steady_wake_us_per_event'] = kernel
        out['steady_own_us_per_event'] = figures['us_per_event'] - kernel
    figures, _ = under(build, [place + '/policies'], ['watched', place, '1', str(seconds), '1'], seconds)
    if figures:
        out['idle_cpu_percent'] = figures['cpu_percent']
        out['idle_switches_per_s'] = figures['switches_per_s']


def scale_policies(build, quick, folder, out, problems):
    daemon = os.path.join(build, 'daemon', 'app', 'execrayd')
    load = os.path.join(build, 'bench', 'bench-live')
    deep = os.path.join(folder, 'p', 'q', 'r')
    os.makedirs(deep)
    alerting = os.path.join(folder, 'p-alerting')
    alert_policy(alerting, deep + '/latency-')
    for n in POLICIES[-1:] if quick else POLICIES:
        some = os.path.join(folder, 'some%d' % n)
        policies(some, n)
        begun = time.monotonic()
        d = Daemon(daemon, [some])
        out['policies_%d_start_ms' % n] = 1000 * (time.monotonic() - begun)
        time.sleep(0.5)
        out['policies_%d_rss_mb' % n] = d.rss_mb()
        d.stop()
        found = latency(daemon, load, [alerting, some], deep, 20 if quick else 300, problems)
        for key in ('p50', 'p95', 'p99', 'max'):
            if 'latency_us_' + key in found:
                out['policies_%d_latency_us_%s' % (n, key)] = found['latency_us_' + key]

# SPDX-License-Identifier: Apache-2.0
"""What is known of Falco 0.44 with its stable rules on a machine like this, and the same of ours, line by line.

*stock*: the stock policies, and opens of a file that none of them is about. *all*: also a policy for which each of these opens leaves the
kernel and goes through the engine, without a story that ends; where events are offered as fast as may be, each close as well."""
import os, re, statistics, subprocess, time

from common import ROOT, Daemon, alert_policy, dropped, key_values, run, watch_policy
from live import latency

PAIRS = 10000                           # opens and closes a second
OFFERED = 560000                        # events a second: an open and a close are two

# Key, what it is, Falco's figure.
LINES = (
    ('rss_mb', 'memory, MB (ours without the ring)', '58'),
    ('cpu_percent', '10,000 open+close/s: % of a core', '8.3'),
    ('open_ratio', 'open+close takes so many times as long', '1.7'),
    ('idle_ms_p50', 'latency, nothing else to do: p50, ms', '6.5'),
    ('idle_ms_p99', '    p99, ms', '16'),
    ('busy_ms_p50', 'latency at 10,000 open+close/s: p50, ms', '0.6'),
    ('busy_ms_p99', '    p99, ms', '1.4'),
    ('offered_per_s', 'events offered a second', '560,000'),
    ('lost_percent', '    of these lost, %', '20'),
)


def both_policy(folder, watched):
    """An open and a close are a record each."""
    watch_policy(folder, watched)
    with open(os.path.join(folder, 'close.policy'), 'w') as f:
        f.write('path "bench_close" {\n    description = "benchmark"\n    severity = low\n    within = 10s\n'
                '    close { pathname == "%s" }\n    execve { filename == "/nonexistent/never" }\n}\n' % watched)


class Bench:
    def __init__(self, build, folder, quick):
        self.daemon = os.path.join(build, 'daemon', 'app', 'execrayd')
        self.crowd = os.path.join(build, 'bench', 'bench-crowd')
        self.live = os.path.join(build, 'bench', 'bench-live')
        self.place = os.path.join(folder, 'b', 'c', 'd')                # a file six names deep
        self.seconds = 1 if quick else 10
        self.rounds = 1 if quick else 5
        self.alerts = 20 if quick else 500
        os.makedirs(self.place)
        open(self.place + '/watched', 'w').close()
        stock = os.path.join(ROOT, 'policies')
        alerting, watching, both = (os.path.join(folder, 'beside-' + name) for name in ('alert', 'watch', 'both'))
        alert_policy(alerting, self.place + '/latency-')
        watch_policy(watching, self.place + '/watched')
        both_policy(both, self.place + '/watched')
        self.sets = {'stock': [stock, alerting], 'all': [stock, alerting, watching]}
        self.heavy = {'stock': [stock], 'all': [stock, both]}

    def load(self, rate, seconds):
        return [self.crowd, 'watched', self.place, '2', str(seconds), str(rate)]

    def steady(self, name, out):
        """Processor time and memory at PAIRS a second."""
        d = Daemon(self.daemon, self.sets[name])
        try:
            time.sleep(1)               # what it looks up after its start
            before = d.ran_s()
            made = key_values(run(self.load(PAIRS, self.seconds), 60 + 4 * self.seconds).stdout)
            out['cpu_percent'] = 100 * (d.ran_s() - before) / made['seconds']
            out['pairs_per_s'] = made['watched'] / made['seconds']
            out['rss_mb'] = d.rss_mb()
        finally:
            d.stop()

    def ratio(self, name, out):
        ratios = []
        for _ in range(self.rounds):
            off = key_values(run([self.live, 'calls', self.place, '5'], 60).stdout)
            d = Daemon(self.daemon, self.sets[name])
            try:
                on = key_values(run([self.live, 'calls', self.place, '5'], 60).stdout)
            finally:
                d.stop()
            ratios.append(on['open_watched'] / off['open_watched'])
        out['open_ratio'] = statistics.median(ratios)

    def waiting(self, name, out, problems):
        """From the call to the alert, with nothing else to do, and beside PAIRS a second."""
        for key, rate in (('idle', 0), ('busy', PAIRS)):
            beside = subprocess.Popen(self.load(rate, 600), stdout=subprocess.DEVNULL) if rate else None
            try:
                found = latency(self.daemon, self.live, self.sets[name], self.place, self.alerts, problems)
            finally:
                if beside:
                    beside.terminate()  # its children end with it
                    beside.wait()
            for part in ('p50', 'p99'):
                if 'latency_us_' + part in found:
                    out['%s_ms_%s' % (key, part)] = found['latency_us_' + part] / 1000
            out[key + '_wake_ms_p99'] = found.get('wake_us_p99', 0) / 1000

    def storm(self, name, out):
        d = Daemon(self.daemon, self.heavy[name])
        try:
            time.sleep(1)
            made = key_values(run(self.load(OFFERED // 2, self.seconds), 60 + 4 * self.seconds).stdout)
        finally:
            text = d.stop()
        offered = 2 * made['watched']
        lost = dropped(text)
        out['offered_per_s'] = offered / made['seconds']
        out['delivered'] = float(re.search(r'(\d+) events delivered', text).group(1))
        out['lost_percent'] = None if lost is None else 100 * lost / offered


def table(columns):
    """Its lines; `columns` are figures by key, by the name of the column."""
    row = '  %-42s %12s' + ' %12s' * len(columns)
    yield row % ('', 'Falco 0.44', *('ours: ' + name for name in columns))
    for key, words, falco in LINES:
        yield row % (words, falco, *(shown(column.get(key)) for column in columns.values()))


def shown(value):
    return 'unknown' if value is None else '%.3g' % value if value < 1000 else '{:,.0f}'.format(value)


def beside(build, quick, folder, out, problems):
    bench, columns = Bench(build, folder, quick), {}
    for name in ('all',) if quick else ('stock', 'all'):
        column = columns[name] = {}
        bench.steady(name, column)
        bench.ratio(name, column)
        bench.waiting(name, column, problems)
        bench.storm(name, column)
        for key, value in column.items():
            out['beside_%s_%s' % (name, key)] = value
    print('\n'.join(table(columns)))

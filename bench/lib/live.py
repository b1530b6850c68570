# SPDX-License-Identifier: Apache-2.0
"""The daemon and a load in turn, as root: what calls cost, how long alerts take, what the ring carries, memory, reloads."""
import os, re, signal, statistics, sys, time

from common import ROOT, Daemon, alert_policy, dropped, key_values, run, watch_policy


def latency(daemon, load, folders, deep, n, problems):
    """From the hook to the alert, and what waking a bare process takes in the same run."""
    reading, writing = os.pipe()
    d = Daemon(daemon, folders, stdout=writing)
    os.close(writing)
    try:
        result = run([load, 'latency', deep, str(n)], 300, stdin=reading)
        if result.returncode != 0:
            problems.append('latency: ' + result.stderr.strip()[-300:])
        return key_values(result.stdout)
    finally:
        os.close(reading)
        d.stop()


def live(build, quick, folder, out, problems):
    daemon = os.path.join(build, 'daemon', 'app', 'execrayd')
    load = os.path.join(build, 'bench', 'bench-live')
    deep = os.path.join(folder, 'a', 'b', 'c')         # the watched file is six components deep
    os.makedirs(deep)
    open(os.path.join(deep, 'watched'), 'w').close()
    watch = os.path.join(folder, 'watch')
    watch_policy(watch, deep + '/watched')
    alerting = os.path.join(folder, 'alerting')
    alert_policy(alerting, deep + '/latency-')

    rounds = {'off': [], 'on': []}
    for i in range(1 if quick else 9):
        for state in ('off', 'on') if i % 2 else ('on', 'off'):
            d = Daemon(daemon, [watch]) if state == 'on' else None
            try:
                rounds[state].append(key_values(run([load, 'calls', deep, '3' if quick else '15'], 120).stdout))
            finally:
                if d:
                    d.stop()
    pick = lambda state, key: statistics.median(r[key] for r in rounds[state])
    paired = lambda key: statistics.median(on[key] - off[key] for on, off in zip(rounds['on'], rounds['off']))
    out['open_base_ns'] = pick('off', 'open_watched')
    out['open_watched_added_ns'] = paired('open_watched')
    out['open_unwatched_added_ns'] = paired('open_unwatched')
    out['unrelated_call_added_ns'] = paired('unrelated')
    out['exec_base_ns'] = pick('off', 'exec')
    ratio = lambda key: statistics.median(on[key] / off[key] for on, off in zip(rounds['on'], rounds['off']))
    out['exec_ratio'] = ratio('exec')
    out['exec_wall_ratio'] = ratio('exec_wall')

    out.update(latency(daemon, load, [alerting], deep, 30 if quick else 600, problems))
    if 'latency_us_p99' in out and 'wake_us_p99' in out:
        out['latency_less_wake_us_p99'] = out['latency_us_p99'] - out['wake_us_p99']

    d = Daemon(daemon, [watch])
    try:
        before = d.cpu_s()
        result = key_values(run([load, 'load', deep, '1' if quick else '10', '2'], 120).stdout)
        out['live_events_per_s'] = result['opens_per_s']
        out['live_daemon_cpu_us_per_event'] = (d.cpu_s() - before) * 1e6 / result['opens']
        time.sleep(0.2)
    finally:
        text = d.stop()
    out['live_drops'] = dropped(text)
    if out['live_drops'] is None:
        problems.append('the summary of the daemon does not say what was dropped')

    for n in (100, 500):
        d = Daemon(daemon, ['%s/p%d' % (folder, n)])
        try:
            time.sleep(0.5)
            out['rss_mb_p%d' % n] = d.rss_mb()
            if n == 100:
                took, waited = [], []
                for _ in range(1 if quick else 9):
                    start_at = len(d.text())
                    start = time.monotonic()
                    d.process.send_signal(signal.SIGHUP)
                    d.wait_for(r'(?i)\breloaded\b', 20, start_at)
                    took.append((time.monotonic() - start) * 1000)
                    d.wait_for(r'The reload took', 20, start_at)
                    waited.append(float(re.search(r'of which events waited for ([0-9.]+) ms', d.text()[start_at:]).group(1)))
                out['reload_ms_p100'] = statistics.median(took)
                out['reload_wait_ms_p100'] = statistics.median(waited)
        finally:
            d.stop()


def hooks(build, quick, out, problems):
    """The programs in the kernel by themselves."""
    result = run([os.path.join(build, 'bench', 'bench-hooks')] + (['--quick'] if quick else []), 300)
    if result.returncode != 0:
        problems.append('bench-hooks failed: ' + result.stderr.strip()[-300:])
    out.update(key_values(result.stdout))


def under_load(build, quick, out, problems):
    """200,000 events a second while the daemon gets 40 % of a processor."""
    test = [sys.executable, os.path.join(ROOT, 'tests', 'e2e', 'test-load.py'), os.path.join(build, 'daemon', 'app', 'execrayd'),
            os.path.join(build, 'daemon', 'cli', 'execrayctl'), ROOT, os.path.join(build, 'tests', 'e2e', 'load')]
    result = run(test + ['2' if quick else '60'], 600)
    if result.returncode != 0:
        problems.append('load: ' + (result.stdout + result.stderr).strip()[-300:])
    out.update(key_values(result.stdout))

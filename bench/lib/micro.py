# SPDX-License-Identifier: Apache-2.0
"""Micro benchmarks and replay: need neither root nor kernel."""
import os, statistics, time

from common import key_values, run


def micro(build, quick, out, problems):
    for name in ('bench-decode', 'bench-table', 'bench-engine', 'bench-policies', 'bench-alert', 'bench-compile', 'bench-recorder'):
        program = os.path.join(build, 'bench', name)
        if not os.path.exists(program):
            problems.append('%s is not built' % name)
            continue
        result = run([program] + (['--quick'] if quick else []), 300)
        if result.returncode != 0:
            problems.append('%s failed: %s' % (name, result.stderr.strip()[-300:]))
            continue
        out.update(key_values(result.stdout))


def replay(build, quick, folder, out, problems):
    trace = os.path.join(folder, 'replay.trace')
    n = 100000 if quick else 2000000
    made = run([os.path.join(build, 'bench', 'bench-trace'), trace, str(n)], 120)
    if made.returncode != 0:
        problems.append('no recording to replay: ' + made.stderr.strip()[-300:])
        return
    rates = []
    for _ in range(1 if quick else 7):
        start = time.monotonic()
        result = run([os.path.join(build, 'daemon', 'cli', 'execrayctl'), 'replay', trace, '--policies', folder + '/p10'], 300)
        took = time.monotonic() - start
        if result.returncode != 0:
            problems.append('replay failed: ' + result.stderr.strip()[-300:])
            return
        rates.append(n / took)
    os.unlink(trace)
    out['replay_events_per_s'] = statistics.median(rates)

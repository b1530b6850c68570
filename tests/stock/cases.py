#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays a collection of cases before a real daemon with the stock policies, and prints what each raised.

    cases.py EXECRAYD [--cases DIR] [--policies PLACE] [--jobs N] [--json FILE] [CASE...]

A collection is a directory with `attacks/*.sh`, `benign/*.sh` and a `run-case.sh` that plays one case in a throw-away world and appends
a line of JSON to the file behind `-j`: its name, `kind`, `technique`, `expect`, the host's pid of its first process, and when it began
and ended. An alert belongs to a case if that process is the one that alerts or one of its ancestors, within that time. The directory may
be named by EXECRAY_CASES. Nothing of a collection is kept here, and without one this ends with 77.

Exit status: 1 if an everyday case raised an alert at severity medium or above, or fewer of the strong attacks alert than --floor percent."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import watch

GRACE = 3.0


def play(collection, case, results):
    """One case, to its end. What it prints is of no interest here."""
    subprocess.run([os.path.join(collection, 'run-case.sh'), '-j', results, '-o', '/dev/null', case],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def belongs(alert, case):
    return case['host_pid'] in watch.pids(alert) and float(case['t0']) <= alert['time'] <= float(case['t1']) + GRACE


def names_technique(alerts, technique):
    """The technique itself, or the one that it is part of, or a part of it."""
    told = {t for a in alerts for t in a['techniques']}
    return technique in told, any(t.split('.')[0] == technique.split('.')[0] for t in told)


def table(cases, alerts):
    """A line for each case, and the counts."""
    counts = {}
    noisy = []
    for case in sorted(cases, key=lambda c: (c['kind'], c['case'])):
        if case['rc'] in (77, 97, 98, 124):
            print('%-9s %-42s skipped or broken (%s)' % (case['kind'], case['case'], case['rc']))
            continue
        mine = [a for a in alerts if belongs(a, case)]
        told = sorted({(-watch.SEVERITIES.index(a['severity']), a['policy']) for a in mine})
        what = ', '.join('%s (%s)' % (name, watch.SEVERITIES[-level]) for level, name in told) or '-'
        loud = any(-level >= watch.MEDIUM for level, _ in told)
        if case['kind'] == 'attack':
            exact, family = names_technique(mine, case['technique'])
            mark = 'exact' if exact else 'family' if family else 'other' if mine else 'MISSED'
            c = counts.setdefault('attack, ' + case['expect'], [0, 0, 0, 0])
            c[0] += 1
            c[1] += bool(mine)
            c[2] += loud
            c[3] += family
        else:
            mark = 'NOISY' if loud else 'low' if mine else 'quiet'
            c = counts.setdefault('everyday', [0, 0, 0, 0])
            c[0] += 1
            c[1] += bool(mine)
            c[2] += loud
            if loud:
                noisy.append(case['case'])
        print('%-9s %-42s %-7s %s' % (case['kind'], case['case'], mark, what))
    print()
    for name, (n, any_alert, loud, family) in sorted(counts.items()):
        print('%-20s %3d cases: %3d alert (%5.1f %%), %3d at medium or above (%5.1f %%), technique named in %3d'
              % (name, n, any_alert, 100 * any_alert / n, loud, 100 * loud / n, family))
    strong = counts.get('attack, strong', [0, 0, 0, 0])
    return noisy, 100 * strong[1] / strong[0] if strong[0] else 100.0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('execrayd')
    arguments.add_argument('--cases', default=os.environ.get('EXECRAY_CASES'))
    arguments.add_argument('--policies', default=watch.POLICIES)
    arguments.add_argument('--jobs', type=int, default=1)
    arguments.add_argument('--floor', type=float, default=90)
    arguments.add_argument('--json', help='keep results and alerts here')
    arguments.add_argument('only', nargs='*', help='cases by a part of their names')
    args = arguments.parse_intermixed_args()
    if not args.cases or not os.path.exists(os.path.join(args.cases, 'run-case.sh')):
        print('no collection of cases: name one by --cases or EXECRAY_CASES')
        sys.exit(77)
    if os.geteuid() != 0:
        print('needs root')
        sys.exit(77)
    cases = [os.path.join(args.cases, kind, name) for kind in ('attacks', 'benign')
             for name in sorted(os.listdir(os.path.join(args.cases, kind)))
             if name.endswith('.sh') and (not args.only or any(part in name for part in args.only))]
    with tempfile.TemporaryDirectory(prefix='execray-cases-') as place:
        results = os.path.join(place, 'results')
        with watch.Daemon(args.execrayd, args.policies, place) as daemon:
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                list(pool.map(lambda case: play(args.cases, case, results), cases))
            alerts = daemon.alerts_at_the_end()
        with open(results) as f:
            done = [json.loads(line) for line in f]
    if args.json:
        with open(args.json, 'w') as f:
            json.dump({'cases': done, 'alerts': alerts}, f)
    noisy, rate = table(done, alerts)
    watch.print_others(alerts, [a for a in alerts if any(belongs(a, c) for c in done)])
    sys.exit(1 if noisy or rate < args.floor and not args.only else 0)


main()

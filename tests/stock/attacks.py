#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which attacks raise alerts? Plays attacks/*.sh, each harmless in a world of its own (world.py), before a real daemon with the stock policies.

    attacks.py EXECRAYD [--policies PLACE] [--floor PERCENT] [--json FILE] [NAME...]

The second line of a script names its technique. It prints what each raised and how many raised something at severity medium or above; at
fewer than --floor percent it fails. A script that ends with 77 lacks a program."""
import argparse
import glob
import json
import os
import sys
import tempfile

import watch
import world


def technique(script):
    with open(script) as f:
        f.readline()
        return f.readline()[2:].split(':')[0]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('execrayd')
    arguments.add_argument('--policies', default=watch.POLICIES)
    arguments.add_argument('--floor', type=float, default=85)
    arguments.add_argument('--json', help='keep the alerts here, each with the name of its case')
    arguments.add_argument('only', nargs='*')
    args = arguments.parse_intermixed_args()
    if os.geteuid() != 0:
        print('needs root')
        sys.exit(77)
    scripts = [s for s in sorted(glob.glob(os.path.join(world.HERE, world.ATTACK, '*.sh')))
               if not args.only or os.path.basename(s)[:-3] in args.only]
    with tempfile.TemporaryDirectory(prefix='execray-attacks-') as place:
        with watch.Daemon(args.execrayd, args.policies, place) as daemon:
            played = [(s, *world.play(s)) for s in scripts]
            alerts = daemon.alerts_at_the_end()
    counts, kept = [0, 0, 0, 0], []
    for script, name, pid, begin, end, status in played:
        if status in (77, 98):
            print('%-7s %s' % ('skipped' if status == 77 else 'BROKEN', name))
            continue
        raised = [a for a in alerts if pid in watch.pids(a) and begin <= a['time'] <= end + 1]
        kept += [dict(a, case=name) for a in raised]
        told = sorted({(-watch.SEVERITIES.index(a['severity']), a['policy']) for a in raised})
        loud = any(-level >= watch.MEDIUM for level, _ in told)
        named = any(technique(script).split('.')[0] == t.split('.')[0] for a in raised for t in a['techniques'])
        for i, true in enumerate((True, raised, loud, named)):
            counts[i] += bool(true)
        print('%-7s %-24s %-10s %s %s' % ('loud' if loud else 'low' if raised else 'MISSED', name, technique(script), ' ' if named else '?',
                                          ', '.join('%s (%s)' % (p, watch.SEVERITIES[-level]) for level, p in told) or '-'))
    if args.json:
        with open(args.json, 'w') as f:
            for alert in kept:
                f.write(json.dumps(alert) + '\n')
    n, any_alert, loud, named = counts
    share = 100 * loud / n if n else 0
    print('%d attacks: %d alert, %d at medium or above (%.0f %%), technique named in %d' % (n, any_alert, loud, share, named))
    sys.exit(1 if share < args.floor and not args.only else 0)


main()
